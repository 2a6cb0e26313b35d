"""Who was scanned when, at which age, from the tables that labs have."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.errors import TableError
from brainage.tables import PEOPLE, read_people


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


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


def test_a_person_without_a_sessions_file_keeps_the_row_of_participants(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tage\tsite\nsub-01\t60\tA\nsub-02\t55\tB\n")
    (tmp_path / "sub-01").mkdir()
    write(
        tmp_path / "sub-01" / "sub-01_sessions.tsv", "session_id\tage\nses-1\t60.1\nses-2\t61.2\n"
    )
    write(tmp_path / "sub-01" / "._sub-01_sessions.tsv", "\x00")
    found = read_people(people, tmp_path)
    assert found["participant_id"].tolist() == ["01", "01", "02"]
    assert found["session_id"].tolist() == ["1", "2", "n/a"]
    assert found["age_years"].tolist() == [60.1, 61.2, 55.0]
    assert found["site"].tolist() == ["A", "A", "B"]


def test_a_sessions_file_without_ages_takes_the_persons_own(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tage\n1\t60\n2\t55\n")
    for person, text in (("1", "session_id\nses-1\n"), ("2", "session_id\tage\nses-1\tn/a\n")):
        (tmp_path / f"sub-{person}").mkdir()
        write(tmp_path / f"sub-{person}" / f"sub-{person}_sessions.tsv", text)
    ages = read_people(people, tmp_path)["age_years"]
    # n/a at a session is an age that nobody knows, not the person's other one.
    assert ages.iloc[0] == 60.0
    assert np.isnan(ages.iloc[1])


def test_rows_a_visit_with_an_unread_session_column_name_the_column(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tvisit\tage\n1\tbl\t60\n1\t1y\t61\n")
    with pytest.raises(TableError, match=r"not read: 'visit'.*session_id: visit"):
        read_people(people)
    other = write(tmp_path / "o.tsv", "participant_id\ttp\tage\n1\tA\t60\n1\tB\t61\n")
    with pytest.raises(TableError, match=r"not read: 'tp'.*session_id: tp"):
        read_people(other)
    found = read_people(people, columns={"session_id": "visit"})
    assert found["session_id"].tolist() == ["bl", "1y"]


def test_headers_may_differ_in_capitals_and_signs_and_not_twice(tmp_path):
    people = write(tmp_path / "p.tsv", "Participant ID\tAge \tSex\n1\t61\tfemale\n")
    found = read_people(people)
    assert found.to_dict("list") == {
        "participant_id": ["1"],
        "session_id": ["n/a"],
        "age_years": [61.0],
        "sex": ["F"],
    }
    people = write(tmp_path / "q.tsv", "participant_id\tAge\tAGE\n1\t61\t62\n")
    with pytest.raises(TableError, match="'Age', 'AGE' differ in capitals or signs only"):
        read_people(people)
    people = write(tmp_path / "r.tsv", "participant_id\tage\tAge\n1\t61\t62\n")
    with pytest.raises(TableError, match="'age', 'Age' differ in capitals or signs only"):
        read_people(people)


def test_an_absent_age_shows_the_header_that_is_there(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tAlter\n1\t61\n")
    with pytest.raises(TableError, match="the header has participant_id, Alter"):
        read_people(people)


def test_a_misspelt_name_of_ours_is_told_apart_from_an_absent_column(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tAlter\n1\t61\n")
    with pytest.raises(TableError, match="'age_yaers' is not read. Did you mean 'age_years'"):
        read_people(people, columns={"age_yaers": "Alter"})
    with pytest.raises(TableError, match="column 'Altre' .* Did you mean 'Alter'"):
        read_people(people, columns={"age_years": "Altre"})


def test_a_folder_of_participants_is_named_with_the_table_in_it(tmp_path):
    write(tmp_path / "participants.tsv", "participant_id\tage\n1\t61\n")
    with pytest.raises(TableError, match=r"found a folder. Did you mean .*participants\.tsv"):
        read_people(tmp_path)


@pytest.mark.parametrize("word", ["NA", "n/a", "NaN", "", "None", "#N/A", "."])
def test_every_word_for_missing_is_missing_in_every_column(tmp_path, word):
    people = write(
        tmp_path / "p.tsv",
        f"participant_id\tsession_id\tage\tsex\tsite\n1\t{word}\t{word}\t{word}\t{word}\n",
    )
    found = read_people(people)
    assert found["session_id"].tolist() == ["n/a"]
    assert np.isnan(found["age_years"].iloc[0])
    assert found["sex"].tolist() == found["site"].tolist() == [None]
    people = write(tmp_path / "q.tsv", f"participant_id\tage\n1\t60\n{word}\t61\n")
    with pytest.raises(TableError, match="line 3: participant_id is missing"):
        read_people(people)


def test_bids_words_for_one_sex_are_one_level(tmp_path):
    words = ["F", "f", "female", "Female", "FEMALE", "M", "male", "O", "other", "1"]
    rows = "".join(f"{i}\t60\t{word}\n" for i, word in enumerate(words))
    people = write(tmp_path / "p.tsv", "participant_id\tage\tsex\n" + rows)
    assert read_people(people)["sex"].tolist() == ["F"] * 5 + ["M", "M", "O", "O", "1"]
