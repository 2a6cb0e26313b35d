"""Series of other tools, in the forms those tools write them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import SeriesError
from brainage.series import align_parcels, find_series, read_series

VALUES = np.random.default_rng(0).normal(size=(10, 3))
NAMES = ["LH_Vis_1", "RH_Vis_1", "LH_Default_1"]
RUN = "sub-01_ses-1y_task-rest_run-1"
XCP = f"{RUN}_space-MNI152NLin2009cAsym_atlas-4S156Parcels_stat-mean_timeseries.tsv"


def _frame(values: np.ndarray = VALUES) -> pd.DataFrame:
    return pd.DataFrame(values, columns=NAMES)


def _xcp_d(folder: Path, flags: list[int], rows: np.ndarray) -> Path:
    path = folder / XCP
    _frame(rows).to_csv(path, sep="\t", index=False, na_rep="n/a")
    pd.DataFrame({"framewise_displacement": flags}).to_csv(
        folder / f"{RUN}_outliers.tsv", sep="\t", index=False
    )
    motion = np.linspace(0.1, 0.3, len(flags))
    pd.DataFrame({"framewise_displacement": motion}).to_csv(
        folder / f"{RUN}_motion.tsv", sep="\t", index=False
    )
    coverage = folder / XCP.replace("stat-mean_timeseries", "stat-coverage_bold")
    pd.DataFrame({"Node": NAMES[::-1], "coverage": [0.3, 0.2, 0.1]}).to_csv(
        coverage, sep="\t", index=False
    )
    return path


def test_xcp_d_censored_series_know_which_volumes_they_are(tmp_path):
    flags = [0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    series = read_series(_xcp_d(tmp_path, flags, VALUES), t_r_s=2.0)
    assert list(series.kept_volumes) == [0, 1, 3, 4, 5, 7, 8, 9, 10, 11]
    np.testing.assert_array_equal(series.values, VALUES)
    assert (series.quality.n_volumes, series.quality.n_kept) == (12, 10)
    assert series.quality.retained_s == 20.0
    assert series.quality.mean_fd_mm == pytest.approx(0.2)
    # The coverage table's own order is another one.
    np.testing.assert_array_equal(series.quality.coverage, [0.1, 0.2, 0.3])
    assert (series.participant_id, series.session_id, series.run) == ("01", "1y", "1")
    assert series.atlas == "4S156Parcels"


def test_xcp_d_interpolated_series_lose_the_made_up_volumes(tmp_path):
    flags = [0, 0, 1, 0, 0, 0, 1, 0, 0, 0]
    series = read_series(_xcp_d(tmp_path, flags, VALUES))
    kept = [0, 1, 3, 4, 5, 7, 8, 9]
    assert list(series.kept_volumes) == kept
    np.testing.assert_array_equal(series.values, VALUES[kept])
    assert series.t_r_s is None
    assert series.quality.retained_s is None


def test_xcp_d_rows_that_fit_neither_form_are_refused(tmp_path):
    path = _xcp_d(tmp_path, [0] * 15, VALUES)
    with pytest.raises(SeriesError, match="10 rows, but .*outliers.tsv has 15 volumes"):
        read_series(path)


def test_a_missing_parcel_of_xcp_d_stays_in_its_place(tmp_path):
    values = VALUES.copy()
    values[:, 1] = np.nan
    series = read_series(_xcp_d(tmp_path, [0] * 10, values))
    assert list(series.missing) == [False, True, False]


def test_giga_connectome_states_a_sampling_frequency(tmp_path):
    path = tmp_path / "sub-1_task-rest_seg-Schaefer100_desc-simple_timeseries.tsv"
    _frame().to_csv(path, sep="\t", index=False)
    meta = {"SamplingFrequency": 0.5, "MeanFramewiseDisplacement": 0.07}
    path.with_suffix(".json").write_text(json.dumps(meta))
    series = read_series(path)
    assert (series.t_r_s, series.atlas, series.quality.mean_fd_mm) == (2.0, "Schaefer100", 0.07)
    assert series.parcel_names == tuple(NAMES)


def test_halfpipe_has_no_names_and_lists_coverage_in_its_sidecar(tmp_path):
    path = tmp_path / "sub-1_task-rest_feature-corr_atlas-schaefer3_timeseries.tsv"
    np.savetxt(path, VALUES, delimiter="\t")
    path.with_suffix(".json").write_text(
        json.dumps(
            {
                "RepetitionTime": 0.8,
                "SamplingFrequency": 0.8,
                "FDMean": 0.2,
                "Coverage": [1.0, 0.9, 0.8],
            }
        )
    )
    series = read_series(path)
    assert series.parcel_names == ("parcel_1", "parcel_2", "parcel_3")
    assert series.t_r_s == 0.8
    np.testing.assert_allclose(series.values, VALUES, rtol=1e-15)
    np.testing.assert_array_equal(series.quality.coverage, [1.0, 0.9, 0.8])


def test_what_halfpipe_calls_a_sampling_frequency_is_in_seconds_and_not_believed(tmp_path):
    path = tmp_path / "sub-1_task-rest_feature-corr_atlas-schaefer3_timeseries.tsv"
    np.savetxt(path, VALUES, delimiter="\t")
    path.with_suffix(".json").write_text(json.dumps({"SamplingFrequency": 2.0}))
    assert read_series(path).t_r_s is None
    assert read_series(path, t_r_s=2.0).t_r_s == 2.0


def test_xcp_d_states_its_time_beside_the_denoised_image(tmp_path):
    path = _xcp_d(tmp_path, [0] * 10, VALUES)
    # Word for word what XCP-D writes.
    path.with_suffix(".json").write_text(json.dumps({"SamplingFrequency": "TR", "Sources": []}))
    assert read_series(path).t_r_s is None
    image = f"{RUN}_space-MNI152NLin2009cAsym_res-2_desc-denoised_bold.json"
    (tmp_path / image).write_text(json.dumps({"RepetitionTime": 3, "TaskName": "rest"}))
    (tmp_path / image.replace("run-1", "run-2")).write_text(json.dumps({"RepetitionTime": 9}))
    assert read_series(path).t_r_s == 3.0
    (tmp_path / image.replace("res-2", "res-3")).write_text(json.dumps({"RepetitionTime": 2.5}))
    with pytest.raises(SeriesError, match="state repetition times from 2.5 to 3 s"):
        read_series(path)


def test_older_xcp_d_named_its_tables_otherwise(tmp_path):
    path = tmp_path / f"{RUN}_space-MNI152NLin2009cAsym_atlas-Gordon_timeseries.tsv"
    _frame().to_csv(path, sep="\t", index=False)
    pd.DataFrame({"framewise_displacement": [0.1, 0.3]}).to_csv(
        tmp_path / f"{RUN}_desc-filtered_motion.tsv", sep="\t", index=False
    )
    for atlas, shares in (("Gordon", [0.1, 0.2, 0.3]), ("Tian", [1, 1, 1])):
        pd.DataFrame({"Node": NAMES, "coverage": shares}).to_csv(
            tmp_path / f"{RUN}_space-MNI152NLin2009cAsym_atlas-{atlas}_coverage.tsv",
            sep="\t",
            index=False,
        )
    quality = read_series(path).quality
    assert quality.mean_fd_mm == pytest.approx(0.2)
    np.testing.assert_array_equal(quality.coverage, [0.1, 0.2, 0.3])


def test_giga_connectome_writes_one_sidecar_for_all_atlases_of_a_run(tmp_path):
    path = (
        tmp_path / "sub-1_task-rest_run-02_seg-Schaefer100Parcels_desc-denoiseSimple_timeseries.tsv"
    )
    pd.DataFrame(VALUES).to_csv(path, sep="\t", index=False)
    meta = {
        "MeanFramewiseDisplacement": 0.03,
        "SamplingFrequency": 0.5,
        "NumberOfVolumesDiscardedByMotionScrubbing": 4,
        "NumberOfVolumesDiscardedByNonsteadyStatesDetector": 5,
    }
    for run, changed in (("02", {}), ("01", {"SamplingFrequency": 9})):
        sidecar = tmp_path / f"sub-1_task-rest_run-{run}_desc-denoiseSimple_timeseries.json"
        sidecar.write_text(json.dumps(meta | changed))
    series = read_series(path)
    assert (series.t_r_s, series.quality.mean_fd_mm, series.run) == (2.0, 0.03, "02")
    assert series.parcel_names == ("0", "1", "2")
    assert (series.quality.n_volumes, series.quality.n_kept) == (19, 10)
    assert series.kept_volumes[0] == 5


def test_cpac_1d_names_its_regions_in_a_comment(tmp_path):
    path = tmp_path / "sub-0050003_atlas-cc400.1D"
    text = "# made by C-PAC\n#2001\t#2002\t#2101\n"
    path.write_text(text + "\n".join("\t".join(f"{v:.6f}" for v in row) for row in VALUES) + "\n")
    (file,) = find_series(tmp_path)
    series = read_series(file)
    assert series.parcel_names == ("2001", "2002", "2101")
    assert series.t_r_s is None
    np.testing.assert_allclose(series.values, VALUES, atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        # C-PAC 1.7 on, once it has taken AFNI's lines out; and AFNI's 3dROIstats itself.
        "#File,Sub-brick\n#Mean_1  ,Mean_2  ,Mean_64  \n{0},{1},{2}\n{3},{4},{5}\n",
        "#File\tSub-brick\n#\tMean_1  \tMean_2  \tMean_64  \n#/a/bold.nii.gz\t0[?]\n"
        "\t{0}\t{1}\t{2}\n#/a/bold.nii.gz\t1[?]\n\t{3}\t{4}\t{5}\n",
    ],
)
def test_cpac_1d_of_any_age_reads_alike(tmp_path, text):
    path = tmp_path / "sub-1_task-rest_atlas-CC200_reg-36Parameter_desc-Mean_timeseries.1D"
    path.write_text(text.format(*(f"{v:.6f}" for v in VALUES[:2].ravel())))
    series = read_series(path)
    assert series.parcel_names == ("Mean_1", "Mean_2", "Mean_64")
    np.testing.assert_allclose(series.values, VALUES[:2], atol=1e-6)


@pytest.mark.parametrize("names", [("0", "1", "2"), ("1.0", "2.0", "64.0"), ("2001", "2002", "9")])
def test_label_values_above_the_columns_are_names_and_not_a_volume(tmp_path, names):
    path = tmp_path / "sub-1_task-rest_timeseries.tsv"
    pd.DataFrame(VALUES, columns=list(names)).to_csv(path, sep="\t", index=False)
    series = read_series(path)
    assert series.parcel_names == names
    np.testing.assert_allclose(series.values, VALUES, rtol=1e-15)


def test_a_first_volume_of_whole_numbers_among_others_is_a_volume(tmp_path):
    path = tmp_path / "sub-1_task-rest_timeseries.tsv"
    values = np.random.default_rng(1).integers(0, 900, (10, 3))
    values[0] = [700, 20, 300]
    np.savetxt(path, values, fmt="%d", delimiter="\t")
    np.testing.assert_array_equal(read_series(path).values, values)


def test_constant_columns_of_abide_are_missing_parcels(tmp_path):
    values = VALUES.copy()
    values[:, 2] = 0.0
    np.savetxt(tmp_path / "sub-1_x.1D", values)
    series = read_series(tmp_path / "sub-1_x.1D")
    assert list(series.missing) == [False, False, True]
    assert series.quality.missing_reasons == {"parcel_3": "constant"}


def test_parcels_in_another_order_are_matched_by_name(tmp_path):
    path = tmp_path / "sub-1_atlas-a_timeseries.tsv"
    _frame().to_csv(path, sep="\t", index=False)
    series = read_series(path)
    turned = align_parcels(series, tuple(NAMES[::-1]))
    np.testing.assert_array_equal(turned.values, VALUES[:, ::-1])
    assert align_parcels(series, tuple(NAMES)) is series
    with pytest.raises(SeriesError, match=r"1 absent \(x\), 1 more \(LH_Default_1\)"):
        align_parcels(series, (*NAMES[:2], "x"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\tb\n1\t2\n3\n", "line 3 has 1 fields, the header 2"),
        ("a\tb\n1\tx\n", "expected numbers below one header line"),
        ("a\ta\n1\t2\n", "stand twice"),
        ("", "expected rows of numbers"),
        ("a\tb\n", "expected rows of numbers below the names"),
    ],
)
def test_what_is_not_a_series_is_refused(tmp_path, text, words):
    path = tmp_path / "sub-1_timeseries.tsv"
    path.write_text(text)
    with pytest.raises(SeriesError, match=words):
        read_series(path)


@pytest.mark.parametrize("value", [0, -1, "2", True])
def test_an_impossible_time_in_a_sidecar_is_refused(tmp_path, value):
    path = tmp_path / "sub-1_timeseries.tsv"
    _frame().to_csv(path, sep="\t", index=False)
    path.with_suffix(".json").write_text(json.dumps({"RepetitionTime": value}))
    with pytest.raises(SeriesError, match="RepetitionTime"):
        read_series(path)


def test_every_volume_flagged_is_an_error(tmp_path):
    path = _xcp_d(tmp_path, [1] * 10, VALUES)
    with pytest.raises(SeriesError, match="every one of 10 volumes is flagged"):
        read_series(path)


def test_semicolons_and_byte_order_marks_of_spreadsheets_are_read(tmp_path):
    path = tmp_path / "sub-1_timeseries.csv"
    _frame().to_csv(path, sep=";", index=False, encoding="utf-8-sig")
    path.with_suffix(".json").write_text('\ufeff{"RepetitionTime": 2.0}', encoding="utf-8")
    series = read_series(path)
    assert (series.parcel_names, series.t_r_s) == (tuple(NAMES), 2.0)
    np.testing.assert_allclose(series.values, VALUES)
