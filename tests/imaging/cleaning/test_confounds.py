"""Confounds equal nilearn's on real tables; motion tables of any maker say the same."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nilearn.interfaces.fmriprep import load_confounds, load_confounds_strategy

from brainage.errors import ScanError
from brainage.imaging.cleaning.confounds import load_nuisance
from brainage.imaging.cleaning.motion import (
    MOTION_COLUMNS,
    framewise_displacement,
    read_confounds_table,
)
from brainage.imaging.options import CleaningOptions
from brainage.imaging.reading.scan import Scan

N_VOLUMES = 217


def _scan(confounds: Path | None, bold: str = "bold.nii.gz") -> Scan:
    return Scan("01", "n/a", "n/a", "rest", None, Path(bold), confounds, None)


def _real_tables(real_data: Path) -> list[Path]:
    tables = sorted((real_data / "fmriprep_confounds").rglob("*_desc-confounds_regressors.tsv"))
    assert len(tables) == 16
    return tables


def _beside_an_image(table: Path, folder: Path) -> Path:
    folder.mkdir()
    for path in (table, table.with_suffix(".json")):
        shutil.copyfile(path, folder / path.name)
    image = folder / table.name.replace("desc-confounds_regressors.tsv", "desc-preproc_bold.nii.gz")
    image.touch()
    return image


def _same_columns(ours: np.ndarray, theirs: pd.DataFrame) -> None:
    np.testing.assert_allclose(ours, theirs.to_numpy(), rtol=1e-12, atol=0)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["simple", "scrubbing", "compcor"])
def test_named_strategy_gives_what_nilearn_gives_on_real_tables(real_data, tmp_path, name):
    for number, table in enumerate(_real_tables(real_data)[::5]):
        image = _beside_an_image(table, tmp_path / str(number))
        theirs, sample_mask = load_confounds_strategy(str(image), name, demean=False)
        ours = load_nuisance(_scan(table), CleaningOptions(strategy=name), n_volumes=N_VOLUMES)
        _same_columns(ours.confounds, theirs)
        expected = np.arange(N_VOLUMES) if sample_mask is None else sample_mask
        # nilearn drops flagged volumes one by one; we drop everything up to the last initial one.
        assert list(ours.kept_volumes) == list(expected)


@pytest.mark.real_data
def test_36p_and_acompcor_are_their_columns_on_real_tables(real_data, tmp_path):
    table = _real_tables(real_data)[0]
    image = _beside_an_image(table, tmp_path / "x")
    ours = load_nuisance(_scan(table), CleaningOptions(strategy="36P"), n_volumes=N_VOLUMES)
    theirs, _ = load_confounds(
        str(image),
        ("motion", "wm_csf", "global_signal"),
        motion="full",
        wm_csf="full",
        global_signal="full",
        demean=False,
    )
    assert ours.confounds.shape == (N_VOLUMES, 36)
    _same_columns(ours.confounds, theirs)
    ours = load_nuisance(
        _scan(table), CleaningOptions(strategy="24P+aCompCor"), n_volumes=N_VOLUMES
    )
    n_cosines = sum(c.startswith("cosine") for c in pd.read_csv(table, sep="\t", nrows=1))
    assert ours.confounds.shape == (N_VOLUMES, 24 + 10 + n_cosines)


@pytest.mark.real_data
def test_displacement_computed_from_motion_equals_fmripreps(real_data):
    for path in _real_tables(real_data):
        table = pd.read_csv(path, sep="\t", na_values=["n/a"])
        ours = framewise_displacement(table[list(MOTION_COLUMNS)].to_numpy())
        # The table has six decimals of the parameters; rotations count 50 mm each.
        np.testing.assert_allclose(
            ours[1:], table["framewise_displacement"].to_numpy()[1:], atol=1e-3
        )


@pytest.mark.real_data
def test_six_motion_parameters_alone_give_fmripreps_24(real_data, tmp_path):
    path = _real_tables(real_data)[3]
    table = pd.read_csv(path, sep="\t", na_values=["n/a"])
    table[list(MOTION_COLUMNS)].to_csv(tmp_path / "motion.csv", index=False)
    options = CleaningOptions(strategy="24P", drop_initial_volumes=0)
    full = load_nuisance(_scan(path), options, n_volumes=N_VOLUMES)
    alone = load_nuisance(_scan(tmp_path / "motion.csv"), options, n_volumes=N_VOLUMES)
    np.testing.assert_allclose(alone.confounds, full.confounds, atol=1e-6)
    assert alone.mean_fd_mm == pytest.approx(full.mean_fd_mm, abs=1e-3)


@pytest.mark.real_data
def test_real_fsl_motion_table_becomes_24_parameters(real_data):
    path = real_data / "bold" / "haxby2001" / "run001" / "bold_moest.txt"
    raw = np.loadtxt(path)
    options = CleaningOptions(strategy="24P", motion_order="fsl")
    found = load_nuisance(_scan(path), options, n_volumes=len(raw))
    assert found.confounds.shape == (len(raw), 24)
    # FSL: rotations in radians first.
    expected = np.abs(np.diff(raw, axis=0)) @ np.array([50, 50, 50, 1, 1, 1])
    assert found.mean_fd_mm == pytest.approx(expected.mean(), rel=1e-12)


def _motion(n_volumes: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.hstack([rng.normal(0, 0.1, (n_volumes, 3)), rng.normal(0, 0.002, (n_volumes, 3))])


def test_makers_orders_say_the_same_motion(tmp_path):
    motion = _motion()
    t, r = motion[:, :3], motion[:, 3:]
    np.savetxt(tmp_path / "rp_spm.txt", motion)
    np.savetxt(tmp_path / "fsl.par", np.hstack([r, t]))
    degrees = np.rad2deg(r)
    afni = np.column_stack([degrees[:, 2], degrees[:, 0], degrees[:, 1], t[:, 2], t[:, 0], t[:, 1]])
    np.savetxt(tmp_path / "afni.1D", afni, header="roll pitch yaw dS dL dP")
    tables = [
        read_confounds_table(tmp_path / "rp_spm.txt"),
        read_confounds_table(tmp_path / "fsl.par"),
        read_confounds_table(tmp_path / "afni.1D", motion_order="afni"),
    ]
    for table in tables:
        np.testing.assert_allclose(table[list(MOTION_COLUMNS)], motion, atol=1e-12)


def test_motion_of_an_unstated_order_is_never_guessed(tmp_path):
    np.savetxt(tmp_path / "motion.txt", _motion())
    with pytest.raises(ScanError, match="science.cleaning.motion_order"):
        read_confounds_table(tmp_path / "motion.txt")


@pytest.mark.parametrize("n_volumes", [39, 41])
def test_confounds_of_another_length_are_refused_with_both_counts(tmp_path, n_volumes):
    np.savetxt(tmp_path / "rp_a.txt", _motion(40))
    with pytest.raises(ScanError, match=f"40 rows, but bold.nii.gz has {n_volumes} volumes"):
        load_nuisance(_scan(tmp_path / "rp_a.txt"), CleaningOptions(), n_volumes=n_volumes)


def test_strategy_without_a_table_is_refused_and_none_is_not():
    with pytest.raises(ScanError, match="needs a confounds table"):
        load_nuisance(_scan(None), CleaningOptions(strategy="24P"), n_volumes=10)
    options = CleaningOptions(strategy="none", scrub_fd_mm=0.5)
    with pytest.raises(ScanError, match="needs motion parameters"):
        load_nuisance(_scan(None), options, n_volumes=10)
    free = load_nuisance(_scan(None), CleaningOptions(strategy="none"), n_volumes=10)
    assert free.confounds is None
    assert free.mean_fd_mm is None
    assert list(free.kept_volumes) == list(range(10))


def _table_with_displacement(path: Path, displacement: list[float], n_initial: int = 0) -> Scan:
    motion = pd.DataFrame(_motion(len(displacement)), columns=list(MOTION_COLUMNS))
    motion["framewise_displacement"] = [np.nan, *displacement[1:]]
    for volume in range(n_initial):
        column = np.zeros(len(displacement), dtype=int)
        column[volume] = 1
        motion[f"non_steady_state_outlier{volume:02d}"] = column
    motion.to_csv(path, sep="\t", index=False, na_rep="n/a")
    return _scan(path)


def test_scrubbing_drops_moved_volumes_and_too_short_stretches(tmp_path):
    displacement = [0.1] * 20
    displacement[8] = displacement[12] = 0.9
    scan = _table_with_displacement(tmp_path / "c.tsv", displacement, n_initial=2)
    options = CleaningOptions(strategy="6P", scrub_fd_mm=0.5, min_segment_volumes=4)
    found = load_nuisance(scan, options, n_volumes=20)
    # 2..7 has six volumes, 9..11 three (too short), 13..19 seven.
    assert list(found.kept_volumes) == [*range(2, 8), *range(13, 20)]
    assert found.mean_fd_mm == pytest.approx((16 * 0.1 + 2 * 0.9) / 18)


def test_stated_initial_volumes_replace_the_tables(tmp_path):
    scan = _table_with_displacement(tmp_path / "c.tsv", [0.1] * 20, n_initial=2)
    found = load_nuisance(
        scan, CleaningOptions(strategy="6P", drop_initial_volumes=4), n_volumes=20
    )
    assert list(found.kept_volumes) == list(range(4, 20))
    with pytest.raises(ScanError, match="drop_initial_volumes drops 20"):
        load_nuisance(scan, CleaningOptions(drop_initial_volumes=20), n_volumes=20)


def test_a_scan_scrubbed_to_nothing_is_an_error_with_the_count(tmp_path):
    scan = _table_with_displacement(tmp_path / "c.tsv", [0.9] * 20)
    with pytest.raises(ScanError, match="none of 20 volumes is kept"):
        load_nuisance(scan, CleaningOptions(strategy="24P", scrub_fd_mm=0.5), n_volumes=20)


def test_missing_columns_are_named_with_the_strategy(tmp_path):
    scan = _table_with_displacement(tmp_path / "c.tsv", [0.1] * 20)
    with pytest.raises(ScanError, match="strategy '36P'.*missing"):
        load_nuisance(scan, CleaningOptions(strategy="36P"), n_volumes=20)


def test_full_aroma_asks_for_the_denoised_image(tmp_path):
    scan = _table_with_displacement(tmp_path / "c.tsv", [0.1] * 20)
    with pytest.raises(ScanError, match="smoothAROMAnonaggr"):
        load_nuisance(scan, CleaningOptions(strategy="ica_aroma"), n_volumes=20)


def test_aroma_on_denoised_images_takes_white_matter_csf_and_cosines(tmp_path):
    scan = _table_with_displacement(tmp_path / "c.tsv", [0.1] * 20)
    table = pd.read_csv(scan.confounds, sep="\t")
    rng = np.random.default_rng(1)
    extra = {name: rng.normal(size=20) for name in ("csf", "white_matter", "cosine00")}
    table.assign(**extra).to_csv(scan.confounds, sep="\t", index=False, na_rep="n/a")
    image = "sub-01_task-rest_desc-smoothAROMAnonaggr_bold.nii.gz"
    found = load_nuisance(
        _scan(scan.confounds, image), CleaningOptions(strategy="ica_aroma"), n_volumes=20
    )
    # nilearn reads this strategy's columns; older pandas lose the last bit of a number.
    ours = sorted(tuple(column) for column in found.confounds.T)
    np.testing.assert_allclose(ours, sorted(map(tuple, extra.values())), rtol=1e-14)


def test_compressed_tables_and_odd_names_read_the_same(tmp_path):
    scan = _table_with_displacement(tmp_path / "any name.tsv", [0.1] * 20)
    packed = tmp_path / "c.tsv.gz"
    packed.write_bytes(gzip.compress(scan.confounds.read_bytes()))
    plain = load_nuisance(scan, CleaningOptions(strategy="6P"), n_volumes=20)
    unpacked = load_nuisance(_scan(packed), CleaningOptions(strategy="6P"), n_volumes=20)
    assert np.array_equal(plain.confounds, unpacked.confounds)


def test_as_given_takes_every_column(tmp_path):
    values = np.random.default_rng(2).normal(size=(20, 3))
    pd.DataFrame(values, columns=list("abc")).to_csv(tmp_path / "own.csv", index=False)
    found = load_nuisance(
        _scan(tmp_path / "own.csv"), CleaningOptions(strategy="as_given"), n_volumes=20
    )
    np.testing.assert_allclose(found.confounds, values, rtol=1e-12)


def test_a_hole_in_the_displacement_is_refused_where_it_is(tmp_path):
    displacement = [0.1] * 20
    displacement[7] = np.nan
    scan = _table_with_displacement(tmp_path / "c.tsv", displacement)
    with pytest.raises(ScanError, match="volume 7"):
        load_nuisance(scan, CleaningOptions(), n_volumes=20)


def test_nilearns_scrubbing_leaves_no_short_stretch_behind_the_initial_volumes(tmp_path):
    displacement = [0.1] * 30
    displacement[6] = 0.9
    scan = _table_with_displacement(tmp_path / "c.tsv", displacement)
    table = pd.read_csv(scan.confounds, sep="\t").assign(std_dvars=1.0)
    table.to_csv(scan.confounds, sep="\t", index=False)
    own = tmp_path / "own.toml"
    own.write_text(
        '[load_confounds]\nstrategy = ["motion", "scrub"]\nmotion = "basic"\nfd_threshold = 0.5\n'
    )
    for n_initial, expected in ((0, [*range(6), *range(7, 30)]), (3, [*range(7, 30)])):
        options = CleaningOptions(strategy=str(own), drop_initial_volumes=n_initial)
        # Of volumes 0 to 5 only 3 to 5 follow the initial ones: fewer than five.
        assert list(load_nuisance(scan, options, n_volumes=30).kept_volumes) == expected


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("a.csv", ","),
        ("a.csv", ";"),
        ("a.csv", "\t"),
        ("a.tsv", ","),
        ("a.txt", ","),
        ("a.txt", " "),
        ("a.txt", "\t"),
    ],
)
def test_cells_are_separated_by_what_is_there_whatever_the_ending(tmp_path, name, mark):
    rng = np.random.default_rng(3)
    whole = pd.DataFrame(_motion(), columns=list(MOTION_COLUMNS)).assign(csf=rng.normal(size=40))
    whole.to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    whole.to_csv(tmp_path / name, sep=mark, index=False, encoding="utf-8-sig")
    options = CleaningOptions(strategy="24P")
    expected = load_nuisance(_scan(tmp_path / "c.tsv"), options, n_volumes=40)
    found = load_nuisance(_scan(tmp_path / name), options, n_volumes=40)
    np.testing.assert_array_equal(found.confounds, expected.confounds)
    assert found.mean_fd_mm == expected.mean_fd_mm


def test_bare_motion_may_have_commas_in_a_text_file(tmp_path):
    np.savetxt(tmp_path / "motion.txt", _motion(), delimiter=",")
    table = read_confounds_table(tmp_path / "motion.txt", motion_order="spm")
    np.testing.assert_allclose(table[list(MOTION_COLUMNS)], _motion(), atol=1e-12)


@pytest.mark.parametrize(
    ("column", "strategy", "words"),
    [
        ("rot_y", "none", "rot_y of volume 5 .counted from 0.: expected a number, found '0,12'"),
        ("rot_y", "24P", "rot_y of volume 5"),
        ("non_steady_state_outlier00", "none", "non_steady_state_outlier00 of volume 5"),
        ("csf", "minimal", "expected numbers, found text in csf"),
        ("csf", "as_given", "expected numbers after the first row.*csf"),
    ],
)
def test_text_among_the_numbers_is_the_tables_fault_and_named(tmp_path, column, strategy, words):
    table = pd.DataFrame(_motion(), columns=list(MOTION_COLUMNS))
    table[["white_matter", "csf", "non_steady_state_outlier00"]] = np.eye(40)[:, :3]
    table = table.astype(object)
    table.loc[5, column] = "0,12"
    table.to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    with pytest.raises(ScanError, match=words):
        load_nuisance(_scan(tmp_path / "c.tsv"), CleaningOptions(strategy=strategy), n_volumes=40)


@pytest.mark.parametrize("text", ["/annex/objects/MD5E-s91--ab.tsv", "version https://git-lfs"])
def test_a_pointer_to_data_that_were_not_fetched_is_said_to_be_one(tmp_path, text):
    (tmp_path / "c.tsv").write_text(text + "\n")
    with pytest.raises(ScanError, match="not fetched yet.*datalad get"):
        read_confounds_table(tmp_path / "c.tsv")


@pytest.mark.parametrize("content", [None, "{}", '{"a_comp_cor_00": 1}', "[]", "{", "[" * 100_000])
def test_components_without_a_json_that_describes_them_are_refused_by_its_name(tmp_path, content):
    names = [*MOTION_COLUMNS, "cosine00", *(f"a_comp_cor_{i:02d}" for i in range(12))]
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(80, len(names))), columns=names)
    table.to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    if content is not None:
        (tmp_path / "c.json").write_text(content)
    for strategy in ("24P+aCompCor", "compcor"):
        with pytest.raises(ScanError, match=r"c\.json"):
            load_nuisance(
                _scan(tmp_path / "c.tsv"), CleaningOptions(strategy=strategy), n_volumes=80
            )
