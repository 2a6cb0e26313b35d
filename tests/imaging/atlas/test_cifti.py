"""CIFTI series: parcels are means of matched grayordinates, cleaned as volumes are."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.cifti2 import BrainModelAxis, LabelAxis, ParcelsAxis, SeriesAxis
from nilearn.signal import clean

from brainage.errors import AtlasError, ScanError
from brainage.imaging.atlas import cifti
from brainage.imaging.atlas.atlas_library import load_atlas
from brainage.imaging.atlas.cifti import read_surface_signals
from brainage.imaging.extract import extract_parcel_series
from brainage.imaging.options import AtlasOptions, CleaningOptions
from brainage.imaging.reading.scan import Scan

N_VOLUMES, N_VERTICES, T_R_S = 80, 20, 2.0
LEFT, RIGHT = "CIFTI_STRUCTURE_CORTEX_LEFT", "CIFTI_STRUCTURE_CORTEX_RIGHT"
RAW = CleaningOptions(
    strategy="none", high_pass_hz=None, low_pass_hz=None, detrend=False, standardize="none"
)


def _cortex(vertices, structure: str) -> BrainModelAxis:
    return BrainModelAxis.from_surface(np.asarray(vertices), N_VERTICES, name=structure)


def _dtseries(folder: Path, *, step: float = T_R_S) -> tuple[Path, np.ndarray]:
    """Left vertices 0-9 and right 5-14, as a medial wall leaves vertices out."""
    axis = _cortex(range(10), LEFT) + _cortex(range(5, 15), RIGHT)
    values = np.random.default_rng(0).normal(size=(N_VOLUMES, 20)).astype(np.float32)
    series = SeriesAxis(0, step, N_VOLUMES, unit="SECOND")
    path = folder / "sub-01_task-rest_space-fsLR_den-91k_bold.dtseries.nii"
    nib.save(nib.Cifti2Image(values, (series, axis)), path)
    return path, values.astype(np.float64)


def _dlabel(folder: Path) -> Path:
    """Parcel 1: left 0-3. 2: right 4-7, of which the series lacks 4. 7: left 15-16."""
    axis = _cortex(range(20), LEFT) + _cortex(range(20), RIGHT)
    keys = np.zeros((1, 40), dtype=np.float32)
    keys[0, 0:4] = 1
    keys[0, 20 + 4 : 20 + 8] = 2
    keys[0, 15:17] = 7
    keys[0, 19] = np.nan
    colour = (0, 0, 0, 0)
    table = {
        0: ("???", colour),
        1: ("7Networks_LH_Vis_1", colour),
        2: ("7Networks_RH_Default_1", colour),
        7: ("wall", colour),
    }
    path = folder / "atlas.dlabel.nii"
    nib.save(nib.Cifti2Image(keys, (LabelAxis(["parcels"], [table]), axis)), path)
    return path


def _atlas(path: Path):
    return load_atlas(AtlasOptions(name="surface", path=str(path)))


def _scan(bold: Path, t_r_s: float | None = None) -> Scan:
    return Scan("01", "n/a", "n/a", "rest", "fsLR", bold, None, None, t_r_s)


def test_parcels_are_means_of_the_vertices_that_both_files_have(tmp_path):
    bold, values = _dtseries(tmp_path)
    series = extract_parcel_series(_scan(bold), atlas=_atlas(_dlabel(tmp_path)), cleaning=RAW)
    assert series.parcel_names == ("7Networks_LH_Vis_1", "7Networks_RH_Default_1", "wall")
    assert series.networks == ("Vis", "Default", None)
    np.testing.assert_allclose(series.values[:, 0], values[:, 0:4].mean(axis=1), rtol=1e-12)
    # Right vertices 5, 6, 7 are columns 10, 11, 12; vertex 4 is not in the series.
    np.testing.assert_allclose(series.values[:, 1], values[:, 10:13].mean(axis=1), rtol=1e-12)
    assert list(series.missing) == [False, False, True]
    np.testing.assert_allclose(series.quality.coverage, [1.0, 0.75, 0.0])
    assert series.t_r_s == T_R_S


def test_voxels_are_matched_by_their_place_and_a_structure_may_be_absent(tmp_path):
    inside = np.zeros((6, 6, 6), bool)
    inside[1:4, 2:5, 1:3] = True
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    thalamus = BrainModelAxis.from_mask(inside, affine=affine, name="thalamus_left")
    axis = _cortex(range(10), LEFT) + thalamus
    values = np.random.default_rng(0).normal(size=(N_VOLUMES, len(axis))).astype(np.float32)
    bold = tmp_path / "a.dtseries.nii"
    series_axis = SeriesAxis(0, T_R_S, N_VOLUMES, unit="SECOND")
    nib.save(nib.Cifti2Image(values, (series_axis, axis)), bold)
    wider = np.ones((6, 6, 6), bool)
    labels = BrainModelAxis.from_mask(wider, affine=affine, name="thalamus_left")
    labels += _cortex(range(20), RIGHT) + _cortex(range(20), LEFT)
    keys = np.zeros((1, len(labels)), dtype=np.float32)
    keys[0, :216] = np.where(labels.voxel[:216, 0] == 2, 5, 0)
    keys[0, 216:236], keys[0, 236:238] = 4, 9
    table = {k: (f"p{k}", (0, 0, 0, 0)) for k in (0, 4, 5, 9)}
    path = tmp_path / "a.dlabel.nii"
    nib.save(nib.Cifti2Image(keys, (LabelAxis(["parcels"], [table]), labels)), path)
    found = read_surface_signals(bold, _atlas(path))
    np.testing.assert_allclose(found.coverage, [0.0, 6 / 36, 1.0])
    of_voxels = values[:, 10:][:, thalamus.voxel[:, 0] == 2].astype(float).mean(axis=1)
    np.testing.assert_allclose(found.values[:, 1], of_voxels, rtol=1e-12)
    np.testing.assert_allclose(found.values[:, 2], values[:, :2].astype(float).mean(axis=1))


def test_blocks_of_any_size_give_the_same_and_labels_are_opened_once(tmp_path, monkeypatch):
    bold, _ = _dtseries(tmp_path)
    atlas = _atlas(_dlabel(tmp_path))
    whole = read_surface_signals(bold, atlas)
    (tmp_path / "atlas.dlabel.nii").unlink()
    monkeypatch.setattr(cifti, "_BLOCK_BYTES", 8 * N_VOLUMES * 3)
    pieces = read_surface_signals(bold, atlas)
    np.testing.assert_allclose(pieces.values, whole.values, rtol=1e-12)


def test_of_several_maps_of_labels_none_is_guessed(tmp_path):
    path = _dlabel(tmp_path)
    image = nib.load(path)
    labels, axis = (image.header.get_axis(i) for i in range(2))
    keys = np.vstack([np.asarray(image.dataobj)] * 2)
    nib.save(nib.Cifti2Image(keys, (LabelAxis(["a", "b"], [labels.label[0]] * 2), axis)), path)
    with pytest.raises(AtlasError, match="expected one map of labels, found 2: a, b"):
        _atlas(path)


def test_cleaning_is_the_same_as_of_volumes(tmp_path):
    bold, values = _dtseries(tmp_path)
    motion = np.random.default_rng(1).normal(0, 0.01, (N_VOLUMES, 6))
    np.savetxt(tmp_path / "rp_a.txt", motion)
    scan = Scan("01", "n/a", "n/a", "rest", "fsLR", bold, tmp_path / "rp_a.txt", None)
    series = extract_parcel_series(
        scan, atlas=_atlas(_dlabel(tmp_path)), cleaning=CleaningOptions(strategy="6P")
    )
    raw = np.column_stack([values[:, 0:4].mean(axis=1), values[:, 10:13].mean(axis=1)])
    expected = clean(
        raw,
        confounds=motion,
        t_r=T_R_S,
        detrend=True,
        high_pass=0.01,
        low_pass=0.1,
        standardize="zscore_sample",
    )
    np.testing.assert_allclose(series.values[:, :2], expected, atol=1e-9)


def test_ptseries_are_matched_by_name_in_any_order(tmp_path):
    cortex = _cortex(range(10), LEFT)
    axis = ParcelsAxis.from_brain_models([("b", cortex[:5]), ("a", cortex[5:])])
    values = np.random.default_rng(0).normal(size=(N_VOLUMES, 2))
    series_axis = SeriesAxis(0, T_R_S, N_VOLUMES, unit="SECOND")
    path = tmp_path / "sub-01_task-rest_bold.ptseries.nii"
    nib.save(nib.Cifti2Image(values.astype(np.float32), (series_axis, axis)), path)
    turned = ParcelsAxis.from_brain_models([("a", cortex[5:]), ("b", cortex[:5])])
    other = tmp_path / "other.ptseries.nii"
    nib.save(nib.Cifti2Image(np.zeros((N_VOLUMES, 2), np.float32), (series_axis, turned)), other)
    series = extract_parcel_series(_scan(path), atlas=_atlas(other), cleaning=RAW)
    assert series.parcel_names == ("a", "b")
    np.testing.assert_allclose(series.values, values[:, ::-1], rtol=1e-6)
    with pytest.raises(ScanError, match="2 parcels, and 3 of the 3 of atlas surface"):
        extract_parcel_series(_scan(path), atlas=_atlas(_dlabel(tmp_path)), cleaning=RAW)


def test_a_volumetric_atlas_cannot_meet_grayordinates(tmp_path):
    bold, _ = _dtseries(tmp_path)
    options = AtlasOptions(allow_spaces=("fsLR",))
    with pytest.raises(ScanError, match="Name a dlabel.nii in science.atlas.path"):
        extract_parcel_series(_scan(bold), atlas=load_atlas(), cleaning=RAW, atlas_options=options)
    with pytest.raises(ScanError, match="in space fsLR, but atlas seitzman300"):
        extract_parcel_series(_scan(bold), atlas=load_atlas(), cleaning=RAW)


def test_a_cifti_time_step_of_one_is_not_believed_alone(tmp_path):
    bold, _ = _dtseries(tmp_path, step=1.0)
    atlas = _atlas(_dlabel(tmp_path))
    with pytest.raises(ScanError, match="science.cleaning.t_r_s"):
        extract_parcel_series(_scan(bold), atlas=atlas, cleaning=RAW)
    assert extract_parcel_series(_scan(bold, 1.0), atlas=atlas, cleaning=RAW).t_r_s == 1.0


def test_a_truncated_series_is_an_error_and_not_a_crash(tmp_path):
    bold, _ = _dtseries(tmp_path)
    atlas = _atlas(_dlabel(tmp_path))
    whole = bold.read_bytes()
    for n_bytes in (0, 100, 600, 2000, len(whole) // 2, len(whole) - 1):
        bold.write_bytes(whole[:n_bytes])
        with pytest.raises(ScanError, match="expected a CIFTI-2 file|truncated, or a wrong header"):
            extract_parcel_series(_scan(bold), atlas=atlas, cleaning=RAW)


def test_smoothing_and_wrong_files_are_refused(tmp_path):
    bold, _ = _dtseries(tmp_path)
    smooth = RAW.model_copy(update={"smoothing_fwhm_mm": 6.0})
    with pytest.raises(ScanError, match="wb_command"):
        extract_parcel_series(_scan(bold), atlas=_atlas(_dlabel(tmp_path)), cleaning=smooth)
    image = tmp_path / "not.dlabel.nii"
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)), image)
    with pytest.raises(AtlasError, match="expected a CIFTI-2 file"):
        _atlas(image)


def _dense(folder: Path, values: np.ndarray) -> tuple[Path, Path]:
    """A series and the labels of its two parcels, half of the vertices each."""
    n = values.shape[1]
    axis = BrainModelAxis.from_mask(np.ones(n, bool), name=LEFT)
    keys = np.repeat([1, 2], n // 2)[None].astype("f4")
    table = {k: (f"p{k}", (0, 0, 0, 0)) for k in (0, 1, 2)}
    labels = folder / "a.dlabel.nii"
    nib.save(nib.Cifti2Image(keys, (LabelAxis(["m"], [table]), axis)), labels)
    bold = folder / "b_bold.dtseries.nii"
    series = SeriesAxis(0, T_R_S, len(values), "SECOND")
    nib.save(nib.Cifti2Image(values.astype("f4"), (series, axis)), bold)
    return bold, labels


@pytest.mark.parametrize("unseen", [0.0, 7.0, np.nan, np.inf])
def test_vertices_where_nothing_was_seen_neither_count_as_covered_nor_dilute_the_mean(
    tmp_path, unseen
):
    values = np.random.default_rng(0).normal(1000, 50, (60, 40)).astype("f4").astype(float)
    values[:, :8] = unseen
    values[:, 20:35] = unseen
    bold, labels = _dense(tmp_path, values)
    series = extract_parcel_series(_scan(bold), atlas=_atlas(labels), cleaning=RAW)
    np.testing.assert_allclose(series.quality.coverage, [12 / 20, 5 / 20])
    assert series.missing.tolist() == [False, True]
    assert series.quality.missing_reasons == {"p2": "coverage 0.25, under 0.5"}
    np.testing.assert_allclose(series.values[:, 0], values[:, 8:20].mean(axis=1), rtol=1e-12)


def test_one_vertex_that_comes_and_goes_makes_its_parcel_missing_and_no_other(tmp_path):
    values = np.random.default_rng(0).normal(1000, 50, (60, 40))
    values[13, 3] = np.nan
    bold, labels = _dense(tmp_path, values)
    series = extract_parcel_series(_scan(bold), atlas=_atlas(labels), cleaning=RAW)
    assert series.quality.missing_reasons == {"p1": "not finite in some volumes"}


def test_a_series_of_nothing_but_zeros_is_an_error(tmp_path):
    bold, labels = _dense(tmp_path, np.zeros((60, 40)))
    with pytest.raises(ScanError, match="no usable parcel"):
        extract_parcel_series(_scan(bold), atlas=_atlas(labels), cleaning=RAW)


def test_sizes_that_the_file_does_not_have_are_refused_before_they_are_made(tmp_path):
    bold, labels = _dense(tmp_path, np.random.default_rng(0).normal(size=(60, 40)))
    raw = bytearray(bold.read_bytes())
    # NIfTI-2: dim[5] and dim[6] are the lengths of a CIFTI matrix.
    for place, length in ((16 + 8 * 5, 2**40), (16 + 8 * 6, 2**50)):
        wrong = bytearray(raw)
        wrong[place : place + 8] = np.int64(length).tobytes()
        bold.write_bytes(wrong)
        with pytest.raises(ScanError, match="truncated, or a wrong header"):
            read_surface_signals(bold, _atlas(labels))
    text = raw.replace(b'IndexCount="40"', b'IndexCount="9000000000000"')
    assert text != raw
    bold.write_bytes(text)
    with pytest.raises(ScanError, match="its XML describes 9000000000000 places"):
        read_surface_signals(bold, _atlas(labels))


def test_a_surface_atlas_refuses_volumes_and_says_what_it_is(tmp_path):
    atlas = _atlas(_dlabel(tmp_path))
    assert atlas.of_surfaces
    assert "3 parcels of grayordinates" in repr(atlas)
    assert atlas.own_columns()["label"].tolist() == [1, 2, 7]


@pytest.mark.parametrize("label", [1.5, 1e300])
def test_a_label_of_grayordinates_that_is_no_whole_number_is_refused(tmp_path, label):
    axis = _cortex(range(4), LEFT)
    keys = np.array([[1, 1, label, 2]])
    table = {k: (f"p{k}", (0, 0, 0, 0)) for k in range(3)}
    path = tmp_path / "odd.dlabel.nii"
    nib.save(nib.Cifti2Image(keys, (LabelAxis(["m"], [table]), axis)), path)
    with pytest.raises(AtlasError, match=r"odd.dlabel.nii: expected whole numbers .* such as 1"):
        load_atlas(AtlasOptions(name="odd", path=str(path)))
