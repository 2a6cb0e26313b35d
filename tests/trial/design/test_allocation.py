"""The allocation is read once a person, and everything wrong with it is said at once."""

from __future__ import annotations

import pytest

from brainage.errors import DesignError, TableError
from brainage.trial import read_allocation


def write(tmp_path, text, name="participants.tsv"):
    path = tmp_path / name
    path.write_text(text.replace(" ", "\t"))
    return path


GOOD = "participant_id arm stratum\nsub-01 CON low\nsub-02 MIT high\nsub-03 HRT low\n"


def test_allocation_is_read_in_order_without_the_prefix(tmp_path, make_options):
    found = read_allocation(write(tmp_path, GOOD), make_options())
    assert list(found["participant_id"]) == ["01", "02", "03"]
    assert list(found["arm"]) == ["CON", "MIT", "HRT"]
    assert list(found["stratum"]) == ["low", "high", "low"]


def test_allocation_of_any_table_is_read_through_the_column_names(tmp_path, make_options):
    text = "who,group,stratum,sessions\nA,CON,x,0\nB,MIT,x,40\nC,HRT,y,80\n"
    options = make_options(participant_column="who", arm_column="group", dose_column="sessions")
    found = read_allocation(write(tmp_path, text, "list.csv"), options)
    assert list(found["participant_id"]) == ["A", "B", "C"]
    assert list(found["sessions"]) == [0.0, 40.0, 80.0]


def test_one_row_a_scan_is_read_as_one_row_a_person(tmp_path, make_options):
    found = read_allocation(write(tmp_path, GOOD + "sub-01 CON low\n"), make_options())
    assert list(found["participant_id"]) == ["01", "02", "03"]


def test_participant_in_two_arms_is_named(tmp_path, make_options):
    with pytest.raises(DesignError, match=r"participant 01 is in two arms \(arm: CON and HRT\)"):
        read_allocation(write(tmp_path, GOOD + "sub-01 HRT low\n"), make_options())


def test_participant_with_two_strata_is_named(tmp_path, make_options):
    with pytest.raises(DesignError, match="participant 02 is with rows that differ"):
        read_allocation(write(tmp_path, GOOD + "sub-02 MIT low\n"), make_options())


def test_unknown_arm_is_refused_with_a_suggestion(tmp_path, make_options):
    with pytest.raises(DesignError, match=r"arm 'HRTT' \(1 participant.*Did you mean 'HRT'"):
        read_allocation(write(tmp_path, GOOD + "sub-04 HRTT low\n"), make_options())


def test_arm_of_the_config_that_nobody_has_is_named(tmp_path, make_options):
    text = GOOD.replace("CON", "Ctrl")
    with pytest.raises(DesignError, match="control arm 'CON' of science.trial.arms: nobody has it"):
        read_allocation(write(tmp_path, text), make_options())


def test_every_problem_is_reported_at_once(tmp_path, make_options):
    text = GOOD + "sub-01 HRT low\nsub-05 n/a low\nsub-06 MIT n/a\n"
    with pytest.raises(DesignError) as caught:
        read_allocation(write(tmp_path, text), make_options())
    message = str(caught.value)
    assert "two arms" in message
    assert "no arm for 05" in message
    assert "stratum 'stratum' is missing for 06" in message


def test_absent_arm_column_is_named_with_a_suggestion(tmp_path, make_options):
    with pytest.raises(TableError, match="'armm'.*Did you mean 'arm'"):
        read_allocation(write(tmp_path, GOOD), make_options(arm_column="armm"))


def test_allocation_columns_of_any_name_are_read_through_one_map(tmp_path, make_options):
    text = "ID,GROUP,Schicht,Einheiten\nA,CON,x,0\nB,MIT,x,40\nC,HRT,y,80\n"
    columns = {
        "participant_id": "ID",
        "arm": "GROUP",
        "stratum": "Schicht",
        "sessions": "Einheiten",
    }
    options = make_options(dose_column="sessions")
    found = read_allocation(write(tmp_path, text, "list.csv"), options, columns=columns)
    assert list(found.columns) == ["participant_id", "arm", "stratum", "sessions"]
    assert list(found["sessions"]) == [0.0, 40.0, 80.0]


def test_allocation_column_map_is_checked(tmp_path, make_options):
    path = write(tmp_path, GOOD)
    with pytest.raises(TableError, match="'strata' is not read; expected .*Did you mean 'stratum'"):
        read_allocation(path, make_options(), columns={"strata": "stratum"})
    with pytest.raises(TableError, match="expected a column 'Group'"):
        read_allocation(path, make_options(), columns={"arm": "Group"})
    with pytest.raises(TableError, match="say it once"):
        read_allocation(path, make_options(arm_column="group"), columns={"arm": "arm"})
