"""Files listed in a table, and tables of parcels."""

from __future__ import annotations

import pytest

from brainage.errors import SeriesError
from brainage.series.file_table import files_in_table, read_parcels


def test_a_table_names_files_beside_it_with_labels_and_time(tmp_path):
    table = tmp_path / "files.tsv"
    table.write_text("path\tparticipant_id\tsession_id\tt_r_s\na.tsv\tsub-01\tses-1y\t2.5\n")
    (file,) = files_in_table(table)
    assert file.path == tmp_path / "a.tsv"
    assert (file.participant_id, file.session_id, file.t_r_s) == ("01", "1y", 2.5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("file\tparticipant_id\na\t01\n", "expected the columns path and participant_id"),
        ("path\tparticipant_id\n\t01\n", "line 2: path and participant_id are needed"),
        ("path\tparticipant_id\tt_r_s\na\t01\t-2\n", "t_r_s must be seconds above 0"),
    ],
)
def test_a_table_that_names_no_files_is_refused(tmp_path, text, told):
    table = tmp_path / "files.tsv"
    table.write_text(text)
    with pytest.raises(SeriesError, match=told):
        files_in_table(table)


def test_parcels_have_names_each_once_and_networks_where_told(tmp_path):
    table = tmp_path / "parcels.tsv"
    table.write_text("label\tnetwork\nleft\tVisual\nright\tn/a\n")
    assert read_parcels(table) == (("left", "right"), ("Visual", None))
    table.write_text("label\nleft\nleft\n")
    with pytest.raises(SeriesError, match="each once"):
        read_parcels(table)
