"""Local changes by parcel become images that hold the table's values, or a reason."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from brainage import examples
from brainage.connectivity import FeatureTable, View
from brainage.imaging import AtlasOptions, load_atlas
from brainage.stages.local_maps import with_local_maps
from brainage.trial import TrialInputs, TrialResult, compare_arms


@pytest.fixture(scope="module")
def compared():
    """A comparison of local changes by parcel whose parcels are those of a known atlas."""
    atlas = load_atlas(AtlasOptions(name="seitzman300"))
    design, trial = examples.design(), examples.features("trial")
    asked = {"local": {"levels": ["parcel"], "n_draws": 99}}
    options = design.options.model_dump(mode="json", exclude_unset=True) | asked
    design = replace(design, options=type(design.options).model_validate(options))
    view = trial["fisher_z"]
    names = atlas.parcel_names[: view.spec.n_parcels]
    spec = replace(view.spec, parcel_names=names)
    features = FeatureTable({"fisher_z": View(view.values, spec)}, trial.rows)
    result = compare_arms(examples.scores(), design, more=TrialInputs(features=features))
    return result, atlas


def test_images_hold_the_tables_values_and_nan_where_nothing_was_measured(compared, tmp_path):
    result, atlas = compared
    (tmp_path / "local_01_old.nii.gz").write_bytes(b"of an earlier comparison")
    mapped = with_local_maps(result, atlas, tmp_path)
    mapped.save(tmp_path)
    maps = TrialResult.load(tmp_path).tables["local_maps"]
    assert maps["reason"].isna().all()
    assert {path.name for path in tmp_path.glob("*.nii.gz")} == set(maps["file"])
    row = maps[(maps["arm"] == "HRT") & (maps["holds"] == "statistic")].iloc[-1]
    local = result.tables["local"]
    own = local[(local["arm"] == "HRT") & (local["visit"] == row["visit"])].set_index("region")
    picture = nib.load(tmp_path / row["file"])
    # The voxel at a sphere's centre is its own, unless another sphere holds it too.
    place = np.linalg.inv(picture.affine)
    index = np.rint(atlas.centres_mm @ place[:3, :3].T + place[:3, 3]).astype(int)
    shown = dict(zip(atlas.parcel_names, picture.get_fdata()[tuple(index.T)], strict=True))
    wanted = own["statistic"].to_dict()
    same = [np.isclose(shown[name], value, rtol=1e-5) for name, value in wanted.items()]
    assert np.mean(same) > 0.8
    rest = [value for name, value in shown.items() if name not in wanted]
    assert np.isnan(rest).mean() > 0.8


def test_without_the_atlas_every_image_is_a_reason(compared, tmp_path):
    mapped = with_local_maps(compared[0], None, tmp_path, why_not="the series name another atlas")
    assert set(mapped.tables["local_maps"]["reason"]) == {"the series name another atlas"}
    assert not list(tmp_path.glob("*.nii.gz"))
