"""Files of numbers: nothing is shifted, filled or cut in silence."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import SeriesError
from brainage.series import find_series, read_series
from brainage.series.number_table import read_number_table


def write(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.txt"])
@pytest.mark.parametrize("rows", ["1\t2\t3\n4\t5\t6\n", "1\t2\n4\t5\t6\n", "1\t2\n4\n"])
def test_a_row_that_is_not_as_long_as_the_header_is_refused_with_its_line(tmp_path, name, rows):
    mark = {"a.csv": ",", "a.txt": " "}.get(name, "\t")
    path = write(tmp_path / name, f"x\ty\n{rows}".replace("\t", mark))
    with pytest.raises(SeriesError, match=r"line [23] has [13] fields, the header 2"):
        read_number_table(path)


def test_numbers_are_read_to_the_last_bit_and_missing_words_as_nan(tmp_path):
    values = np.random.default_rng(0).normal(size=(5, 3))
    text = "a\tb\tc\n" + "".join("\t".join(map(repr, row)) + "\n" for row in values.tolist())
    found = read_number_table(write(tmp_path / "a.tsv", text))
    np.testing.assert_array_equal(found.values, values)
    found = read_number_table(write(tmp_path / "b.tsv", "a\tb\nn/a\tNA\n1\t2\nNaN\t3\n"))
    np.testing.assert_array_equal(found.values, [[np.nan, np.nan], [1, 2], [np.nan, 3]])


@pytest.mark.parametrize("cell", ["1_0", "x", "inf", "1e999", "1,5", "0x1"])
def test_what_is_no_number_is_named_with_its_line(tmp_path, cell):
    with pytest.raises(SeriesError, match=r"line 3.*(found|infinite)"):
        read_number_table(write(tmp_path / "a.tsv", f"a\tb\n1\t2\n3\t{cell}\n"))


def test_names_before_rows_are_no_numbers(tmp_path):
    found = read_number_table(write(tmp_path / "a.tsv", "\t0\t1\nA\t1\t2\nB\t3\t4\n"))
    assert (found.rows, found.columns) == (("A", "B"), ("0", "1"))
    np.testing.assert_array_equal(found.values, [[1, 2], [3, 4]])
    found = read_number_table(write(tmp_path / "b.tsv", "A\t1.5\t2\nB\t3\t4\n"))
    assert (found.rows, found.columns) == (("A", "B"), None)
    found = read_number_table(write(tmp_path / "c.csv", ",x,y\n0,1.5,2\n1,3,4\n"))
    assert (found.rows, found.columns) == (None, ("x", "y"))


def test_a_file_that_ends_within_a_number_is_told(tmp_path):
    text = "a\tb\n1.25\t2.25\n3.25\t4.2"
    with pytest.raises(SeriesError, match=r"line 3: the file ends in '4.2', shorter than any"):
        read_number_table(write(tmp_path / "a.tsv", text))
    # MATLAB writes no last line break; a whole last number is taken.
    assert read_number_table(write(tmp_path / "b.tsv", text + "5")).values[1, 1] == 4.25


def test_a_volume_without_any_number_is_censored_and_not_a_missing_parcel(tmp_path):
    rows = ["1\t2\t3", "n/a\tn/a\tn/a", "4\t5\t7", "6\t4\t1", "2\t2\t5"]
    write(tmp_path / "sub-1_atlas-a_timeseries.tsv", "\n".join(["a\tb\tc", *rows]) + "\n")
    series = read_series(find_series(tmp_path)[0])
    assert series.kept_volumes.tolist() == [0, 2, 3, 4]
    assert (series.quality.n_volumes, series.quality.n_kept) == (5, 4)
    assert not series.missing.any()


def test_a_hole_in_a_volume_is_refused_and_an_empty_parcel_is_missing(tmp_path):
    path = tmp_path / "sub-1_atlas-a_timeseries.tsv"
    write(path, "a\tb\tc\n1\tn/a\t3\n4\tn/a\t7\n5\tn/a\t6\n")
    assert read_series(path).missing.tolist() == [False, True, False]
    write(path, "a\tb\tc\n1\tn/a\t3\n4\tn/a\tn/a\n5\tn/a\t6\n")
    with pytest.raises(SeriesError, match=r"line 3: no value of 1 parcel\(s\) \(c\)"):
        read_series(path)


def test_parcels_in_rows_are_told_by_their_names_or_by_the_sidecars_lists(tmp_path):
    values = np.random.default_rng(1).normal(size=(3, 6))
    lines = ["\t".join(map(repr, row)) for row in values.tolist()]
    path = tmp_path / "sub-1_atlas-a_timeseries.tsv"
    named = [f"{name}\t{line}" for name, line in zip("ABC", lines, strict=True)]
    write(path, "\n".join(named) + "\n")
    series = read_series(path)
    assert series.parcel_names == ("A", "B", "C")
    np.testing.assert_array_equal(series.values, values.T)
    write(path, "\n".join(lines) + "\n")
    assert read_series(path).n_parcels == 6
    write(path.with_suffix(".json"), '{"Coverage": [1, 1, 0.5]}')
    np.testing.assert_array_equal(read_series(path).values, values.T)


def test_a_separator_that_ends_every_line_makes_no_parcel_and_a_nameless_one_is_told(tmp_path):
    found = read_number_table(write(tmp_path / "a.tsv", "a\tb\t\n1\t2\t\n3\t4\t\n"))
    assert found.columns == ("a", "b")
    np.testing.assert_array_equal(found.values, [[1, 2], [3, 4]])
    with pytest.raises(SeriesError, match="column 2 has no name"):
        read_number_table(write(tmp_path / "b.tsv", "a\t\tc\n1\t2\t3\n"))
