"""Reading tables: every problem at once, nothing guessed."""

from __future__ import annotations

import pytest

from brainage.errors import TableError
from brainage.tables import Column, TableSchema, read_table

SCHEMA = TableSchema(
    "toy",
    (
        Column("participant_id", "text", "Who."),
        Column("age_years", "number", "Age.", "years", low=0, high=120),
        Column("n_scans", "integer", "Scans.", nullable=True),
        Column("used", "boolean", "Used.", required=False),
    ),
    key=("participant_id",),
)


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_every_problem_of_a_table_is_told_at_once(tmp_path):
    path = write(
        tmp_path / "t.tsv",
        "participant_id\tage_years\tn_scans\n01\tsixty\t1\n02\t\t1.5\n02\t-3\tn/a\n",
    )
    with pytest.raises(TableError) as told:
        read_table(path, SCHEMA)
    message = str(told.value)
    for words in (
        "line 2: age_years must be a number, found 'sixty'",
        "line 3: age_years is missing",
        "a whole number, found '1.5'",
        "from 0 to 120 years, found '-3'",
        "lines 3, 4: two or more rows",
    ):
        assert words in message


def test_a_misspelt_column_gets_a_suggestion(tmp_path):
    path = write(tmp_path / "t.tsv", "participant_id\tage_yaers\tn_scans\n01\t3\t1\n")
    with pytest.raises(TableError, match=r"no column 'age_years'.*Did you mean 'age_yaers'"):
        read_table(path, SCHEMA)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected a table with a header"),
        (b"\xff\xfe\x00a", "expected UTF-8"),
        (
            b"participant_id\tage_years\tn_scans\n1\t2\t3\t4\n",
            "as many cells in each line as the header",
        ),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, words):
    path = tmp_path / "t.tsv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=words):
        read_table(path, SCHEMA)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(TableError, match=r"gone\.tsv: no such file"):
        read_table(tmp_path / "gone.tsv", SCHEMA)


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("a.csv", ","),
        ("a.csv", ";"),
        ("a.csv", "\t"),
        ("a.tsv", "\t"),
        ("a.tsv", ","),
        ("a.tsv", ";"),
    ],
)
def test_a_table_is_split_at_what_its_header_has(tmp_path, name, mark):
    text = "participant_id,age_years,n_scans\nsub-1,30.5,2\nsub-2,41,n/a\n".replace(",", mark)
    found = read_table(write(tmp_path / name, "\ufeff" + text), SCHEMA)
    assert found["age_years"].tolist() == [30.5, 41.0]


def test_a_decimal_comma_is_no_number_and_is_shown(tmp_path):
    path = write(tmp_path / "a.csv", "participant_id;age_years;n_scans\nsub-1;30,5;2\n")
    with pytest.raises(TableError, match="line 2: age_years must be a number, found '30,5'"):
        read_table(path, SCHEMA)


def test_a_key_that_is_a_number_is_read_as_one_and_must_be_there(tmp_path):
    schema = TableSchema("toy", (Column("fold", "integer", "Which."),), key=("fold",))
    path = write(tmp_path / "t.tsv", "fold\n0\n1\n")
    assert read_table(path, schema)["fold"].tolist() == [0, 1]
    with pytest.raises(TableError, match="line 3: fold is missing"):
        read_table(write(path, "fold\n0\nn/a\n"), schema)
