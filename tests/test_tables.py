"""Tables: every problem at once, nothing guessed, numbers survive a round trip."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainage.errors import TableError
from brainage.tables import PEOPLE, Column, TableSchema, read_people, read_table, write_table

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


def test_numbers_written_read_back_equal_to_the_last_bit(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "participant_id": [f"{i:03d}" for i in range(50)],
            "age_years": rng.uniform(0, 100, 50) / 3,
            "n_scans": [float(i) if i % 7 else np.nan for i in range(50)],
            "used": rng.random(50) > 0.5,
        }
    )
    write_table(frame, tmp_path / "toy.tsv", SCHEMA)
    back = read_table(tmp_path / "toy.tsv", SCHEMA)
    assert (back["age_years"] == frame["age_years"]).all()
    assert (back["participant_id"] == frame["participant_id"]).all()
    assert back["n_scans"].equals(frame["n_scans"])
    assert (back["used"] == frame["used"]).all()


def test_a_table_has_a_data_dictionary_with_units(tmp_path):
    frame = pd.DataFrame({"participant_id": ["1"], "age_years": [3.0], "n_scans": [1]})
    write_table(frame, tmp_path / "toy.tsv", SCHEMA)
    assert json.loads((tmp_path / "toy.json").read_text())["age_years"]["Units"] == "years"
    assert (tmp_path / "toy.tsv").read_text().splitlines()[1] == "1\t3.0\t1"


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


def test_participant_ids_stay_text(tmp_path):
    path = write(tmp_path / "p.tsv", "participant_id\tage\nsub-007\t61.5\n010\t62\n")
    assert read_people(path)["participant_id"].tolist() == ["007", "010"]


def test_arm_never_enters_the_people_table(tmp_path):
    path = write(tmp_path / "p.tsv", "participant_id\tage\tarm\tgroup\n1\t61\tHRT\tA\n")
    assert set(read_people(path).columns) <= set(PEOPLE.names)


def test_sessions_give_the_age_at_each_scan_and_participants_the_rest(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tsex\tsite\n1\tF\tA\n2\tM\tB\n")
    sessions = write(
        tmp_path / "s.tsv",
        "participant_id\tsession_id\tage\nsub-1\tses-bl\t61\n1\t1y\t62.1\n2\tbl\t70\n",
    )
    found = read_people(people, sessions)
    assert found["age_years"].tolist() == [61.0, 62.1, 70.0]
    assert found["session_id"].tolist() == ["bl", "1y", "bl"]
    assert found["site"].tolist() == ["A", "A", "B"]


def test_bids_sessions_files_beside_each_person_are_read(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tsex\nsub-1\tF\n")
    (tmp_path / "sub-1").mkdir()
    write(tmp_path / "sub-1" / "sub-1_sessions.tsv", "session_id\tage\nses-bl\t61\nses-1y\t62\n")
    assert read_people(people, tmp_path)["age_years"].tolist() == [61.0, 62.0]


def test_two_rows_for_one_session_are_refused(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tsession_id\tage\n1\tbl\t61\n1\tbl\t62\n")
    with pytest.raises(TableError, match="participant_id '1', session_id 'bl'; keep one"):
        read_people(people)


def test_ages_as_text_are_refused_and_missing_ages_are_kept_as_missing(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tage\n1\tn/a\n2\t61\n")
    assert np.isnan(read_people(people)["age_years"].iloc[0])
    people = write(tmp_path / "q.tsv", "participant_id\tage\n1\tsixty\n")
    with pytest.raises(TableError, match="must be a number, found 'sixty'"):
        read_people(people)


def test_a_column_map_renames_and_a_wrong_one_is_told(tmp_path):
    people = write(tmp_path / "p.csv", "ID,AGE_AT_SCAN,SITE\n1,61,NYU\n")
    names = {"participant_id": "ID", "age_years": "AGE_AT_SCAN", "site": "SITE"}
    assert read_people(people, columns=names)["site"].tolist() == ["NYU"]
    with pytest.raises(TableError, match="column 'AGE'"):
        read_people(people, columns=names | {"age_years": "AGE"})


def test_a_column_map_serves_the_sessions_table_as_well(tmp_path):
    people = write(tmp_path / "p.tsv", "ID\tGender\n1\tF\n2\tM\n")
    sessions = write(tmp_path / "s.tsv", "ID\tWave\tAlter\n1\tses-bl\t61\n2\tbl\t70.5\n")
    names = {"participant_id": "ID", "session_id": "Wave", "age_years": "Alter", "sex": "Gender"}
    found = read_people(people, sessions, columns=names)
    assert found["age_years"].tolist() == [61.0, 70.5]
    assert found["session_id"].tolist() == ["bl", "bl"]
    assert found["sex"].tolist() == ["F", "M"]
    with pytest.raises(TableError, match="column 'Geschlecht' .for sex., named in the config"):
        read_people(people, sessions, columns=names | {"sex": "Geschlecht"})


def test_a_column_map_with_an_unknown_name_is_refused(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tage\tarm\n1\t61\tHRT\n")
    with pytest.raises(TableError, match="column 'arm' .for arm., .* The map may name"):
        read_people(people, columns={"arm": "arm"})


def test_writing_a_column_the_schema_does_not_know_is_refused(tmp_path):
    frame = pd.DataFrame({"participant_id": ["1"], "age_years": [1.0], "n_scans": [1], "arm": "a"})
    with pytest.raises(TableError, match=r"\['arm'\] are not in the schema"):
        write_table(frame, tmp_path / "t.tsv", SCHEMA)


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
