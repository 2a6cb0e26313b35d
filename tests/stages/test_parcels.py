"""The table of parcels holds what the atlas knows of each column of the series."""

from __future__ import annotations

import pandas as pd

from brainage.imaging import load_atlas
from brainage.stages.parcels import write_parcels


def test_parcels_have_their_network_hemisphere_and_place_in_the_series_order(tmp_path):
    atlas = load_atlas("seitzman300")
    table = pd.read_csv(write_parcels(atlas, tmp_path), sep="\t", na_values="n/a")
    assert tuple(table["name"]) == atlas.parcel_names
    assert table["index"].tolist() == list(range(1, 301))
    assert table["network"].nunique() == 13
    assert table["network"].isna().sum() == atlas.networks.count(None)
    left = table["hemisphere"] == "L"
    assert (table.loc[left, "x_mm"] < 0).all()
    assert set(table["radius_mm"]) == {4.0, 5.0}
    assert "label" not in table


def test_a_label_is_the_images_value(tmp_path):
    import nibabel as nib
    import numpy as np

    from brainage.imaging import AtlasOptions

    data = np.zeros((4, 4, 4), dtype=np.int16)
    data[0, 0, :3] = 7, 2, 9
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "a.nii.gz")
    (tmp_path / "a.tsv").write_text("index\tname\n9\tAmygdala_L\n2\tVermis\n7\tAmygdala_R\n")
    atlas = load_atlas(
        AtlasOptions(path=str(tmp_path / "a.nii.gz"), labels=str(tmp_path / "a.tsv"))
    )
    table = pd.read_csv(write_parcels(atlas, tmp_path), sep="\t", keep_default_na=False)
    assert table["label"].tolist() == [9, 2, 7]
    assert table["hemisphere"].tolist() == ["L", "n/a", "R"]
    assert table["network"].tolist() == ["n/a"] * 3
