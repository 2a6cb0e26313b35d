"""NIfTI depth: a tree that nilearn reads, with confounds that are in the voxels and come out."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.interfaces.fmriprep import load_confounds_strategy

from brainage.imaging import (
    CleaningOptions,
    Parcels,
    SphereAtlas,
    extract_parcel_series,
    find_scans,
)
from brainage.synthetic import make_study, write_study
from brainage.synthetic.bids import DERIVATIVES
from brainage.synthetic.confounds import cosine_drifts, make_confounds
from brainage.synthetic.images import draw_voxels, expand_motion, make_grid
from brainage.synthetic.options import NiftiOptions, ReferenceOptions

SPACE = "_space-MNI152NLin2009cAsym_desc-"


@pytest.fixture(scope="module")
def options(options):
    arms = tuple(arm.model_copy(update={"n": 1}) for arm in options.trial.arms)
    trial = options.trial.model_copy(update={"arms": arms})
    return options.model_copy(
        update={
            "depth": "nifti",
            "n_volumes": 140,
            "trial": trial,
            "reference": ReferenceOptions(n=2, n_sites=2),
            "nifti": NiftiOptions(n_dummy_volumes=2),
        }
    )


@pytest.fixture(scope="module")
def study(parcels, options):
    return make_study(options, seed=3, parcels=parcels)


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bids")
    write_study(study, folder)
    return folder


@pytest.fixture(scope="module")
def bold(written):
    name = f"sub-R0001_task-rest{SPACE}preproc_bold.nii.gz"
    return written / "reference" / DERIVATIVES / "sub-R0001" / "func" / name


@pytest.fixture(scope="module")
def confounds(bold):
    return pd.read_csv(confounds_file(bold), sep="\t", na_values="n/a")


def confounds_file(bold):
    return bold.with_name(bold.name.split(SPACE)[0] + "_desc-confounds_timeseries.tsv")


def test_every_scan_has_the_files_of_fmriprep(study, written):
    for cohort in ("reference", "trial"):
        derivatives = written / cohort / DERIVATIVES
        meta = json.loads((derivatives / "dataset_description.json").read_text())
        assert meta["DatasetType"] == "derivative"
        images = sorted(derivatives.rglob("*_bold.nii.gz"))
        assert len(images) == len(study.scans(cohort))
        for image in images:
            stem = image.name.split(SPACE)[0]
            for name in (
                f"{stem}{SPACE}brain_mask.nii.gz",
                f"{stem}{SPACE}preproc_bold.json",
                f"{stem}_desc-confounds_timeseries.tsv",
                f"{stem}_desc-confounds_timeseries.json",
            ):
                assert image.with_name(name).is_file(), name


@pytest.mark.parametrize(
    ("strategy", "n_least"), [("simple", 12 + 12 + 2), ("scrubbing", 24 + 8), ("compcor", 12 + 12)]
)
def test_nilearn_finds_the_confounds_of_every_strategy(bold, strategy, n_least):
    confounds, kept = load_confounds_strategy(str(bold), denoise_strategy=strategy)
    assert confounds.shape[0] == 140
    assert confounds.shape[1] >= n_least
    assert np.isfinite(confounds.to_numpy()).all()
    assert kept.min() >= 2


def test_confounds_hold_the_planted_motion(study, confounds):
    row = study.scans("reference").iloc[0]
    assert confounds["framewise_displacement"].mean() == pytest.approx(row["mean_fd_mm"], rel=1e-6)
    names = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
    suffixes = ("", "_derivative1", "_power2", "_derivative1_power2")
    columns = [name + suffix for suffix in suffixes for name in names]
    expected = expand_motion(study.motion(row).parameters)
    np.testing.assert_allclose(confounds[columns], expected, rtol=1e-6, atol=1e-12)


def test_confounds_meta_describes_each_component(bold, confounds):
    meta = json.loads(confounds_file(bold).with_suffix(".json").read_text())
    masks = [meta[c]["Mask"] for c in confounds if c.startswith("a_comp_cor")]
    assert [masks.count(name) for name in ("combined", "CSF", "WM")] == [6, 6, 6]
    assert meta["t_comp_cor_00"]["Method"] == "tCompCor"
    assert not meta["dropped_0"]["Retained"]
    assert 0 < meta["a_comp_cor_00"]["VarianceExplained"] < 1


def test_cosines_are_orthonormal_drifts():
    drifts = cosine_drifts(120, 3.0)
    np.testing.assert_allclose(drifts.T @ drifts, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(drifts.mean(axis=0), 0, atol=1e-12)


def test_image_is_zero_outside_the_mask_and_says_its_time_step(study, bold):
    image = nib.load(bold)
    name = bold.name.replace("preproc_bold", "brain_mask")
    mask = np.asarray(nib.load(bold.with_name(name)).dataobj).astype(bool)
    data = np.asarray(image.dataobj)
    assert image.get_data_dtype() == np.int16
    assert image.shape == (33, 39, 33, 140)
    assert image.header.get_zooms() == pytest.approx((6, 6, 6, 2.0))
    assert not data[~mask].any()
    assert (data[mask] > 0).all()


def test_first_volumes_are_not_in_steady_state(bold, confounds):
    assert confounds.filter(like="non_steady_state").to_numpy().argmax(axis=0).tolist() == [0, 1]
    course = confounds["global_signal"]
    assert course[0] > course[1] > course[2:].max()


def test_every_parcel_owns_a_voxel(parcels):
    grid = make_grid(parcels, 6.0)
    assert set(range(len(parcels))) <= set(grid.parcel_of)
    assert grid.csf.sum() > 50
    assert grid.white_matter.sum() > 200


def test_nuisance_is_in_the_voxels_and_the_confounds_explain_it(study, parcels, options):
    quiet_nifti = options.nifti.model_copy(update={"confound_sd_percent": 0.0})
    quiet = make_study(options.model_copy(update={"nifti": quiet_nifti}), seed=3, parcels=parcels)
    row, grid = study.scans("reference").iloc[0], make_grid(parcels, 6.0)
    scan, without = (draw_voxels(s, row, grid, counterfactual=False) for s in (study, quiet))
    steady = slice(2, None)
    nuisance = (scan.values - without.values)[steady]
    table, _ = make_confounds(scan, grid, 2.0)
    motion = [c for c in table if c.startswith(("trans", "rot"))]
    drift = np.linspace(-1, 1, len(table))[:, None] ** np.arange(4)
    regressors = np.column_stack([table[[*motion, "csf", "white_matter"]].bfill(), drift])[steady]
    regressors = regressors / np.linalg.norm(regressors, axis=0)
    basis, _ = np.linalg.qr(regressors)
    left = nuisance - basis @ (basis.T @ nuisance)
    share_left = left.var(axis=0) / nuisance.var(axis=0)
    assert np.median(nuisance.std(axis=0) / without.values[steady].std(axis=0)) > 1
    assert np.median(share_left) < 0.02


def edges(values):
    correlation = np.corrcoef(values.T)
    return np.arctanh(correlation[np.triu_indices(len(correlation), k=1)])


def test_extraction_finds_the_neural_signals_in_the_images(study, written, parcels):
    scans = find_scans(written / "reference" / DERIVATIVES)
    atlas = SphereAtlas(
        name="lattice",
        parcels=Parcels(tuple(parcels.names), tuple(parcels.networks)),
        space="MNI152NLin2009cAsym",
        content_hash="lattice",
        coordinates_mm=parcels.coordinates_mm,
        radii_mm=parcels.radii_mm,
    )
    truth = study.scans("reference")
    assert [scan.participant_id for scan in scans] == truth["participant_id"].tolist()
    for scan, (_, row) in zip(scans, truth.iterrows(), strict=True):
        series = extract_parcel_series(scan, atlas=atlas, cleaning=CleaningOptions(strategy="24P"))
        neural = study.band.basis @ study.neural_coefficients(row)
        assert not series.missing.any()
        assert series.t_r_s == study.options.t_r_s
        assert series.kept_volumes[0] == 2
        # The 24 regressors take about 24 of the band's 50 degrees of freedom, signal included.
        assert np.corrcoef(edges(series.values), edges(neural))[0, 1] > 0.6


def test_bytes_do_not_depend_on_the_number_of_processes(hashes, study, written, tmp_path):
    write_study(study, tmp_path, n_jobs=2)
    assert hashes(tmp_path) == hashes(written)


def test_counterfactual_images_differ_only_where_an_arm_had_an_effect(
    hashes, study, written, tmp_path
):
    write_study(study, tmp_path, counterfactual=True)
    here, there = (hashes(folder / "trial" / DERIVATIVES) for folder in (written, tmp_path))
    scans = study.scans("trial")
    changed = scans[(scans["effect_years"] != 0) | (scans["regional_z"] != 0)]
    expected = {f"sub-{r['participant_id']}/ses-{r['session_id']}" for _, r in changed.iterrows()}
    differing = {"/".join(n.split("/")[:2]) for n in here if here[n] != there[n]}
    assert here.keys() == there.keys()
    assert expected
    assert differing == expected
