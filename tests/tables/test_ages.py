"""Ages in the unit that a table states, capped or in bins."""

from __future__ import annotations

import json

import numpy as np
import pytest

from brainage.errors import BrainAgeWarning, TableError
from brainage.tables import read_people


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("units", "written", "years"),
    [
        ("months", "96", 8.0),
        ("month", "30", 2.5),
        ("weeks", "520", 520 * 7 / 365.25),
        ("day", "3652.5", 10.0),
        ("Age in years", "61.5", 61.5),
        ("n/a", "61.5", 61.5),
    ],
)
def test_ages_are_read_in_the_unit_that_the_data_dictionary_states(tmp_path, units, written, years):
    people = write(tmp_path / "p.tsv", f"participant_id\tage\n1\t{written}\n2\tn/a\n")
    write(tmp_path / "p.json", json.dumps({"age": {"Units": units}}))
    if years == float(written):
        found = read_people(people)
    else:
        with pytest.warns(BrainAgeWarning, match="they are read as years"):
            found = read_people(people)
    assert found["age_years"].iloc[0] == pytest.approx(years, rel=1e-12)
    assert np.isnan(found["age_years"].iloc[1])


def test_an_unknown_unit_or_one_against_the_columns_name_is_refused(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tage\tage_months\n1\t61\t61\n")
    write(tmp_path / "p.json", json.dumps({"age": {"Units": "seconds"}}))
    with pytest.raises(TableError, match="Units 'seconds'; expected one of years"):
        read_people(people)
    write(tmp_path / "p.json", json.dumps({"age_months": {"Units": "years"}}))
    with pytest.raises(TableError, match="named for another unit"):
        read_people(people, columns={"age_years": "age_months"})


def test_a_column_named_for_months_is_read_as_months(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tage_months\n1\t96\n")
    with pytest.warns(BrainAgeWarning, match="months"):
        found = read_people(people, columns={"age_years": "age_months"})
    assert found["age_years"].tolist() == [8.0]


def test_units_of_another_tables_dictionary_are_not_taken(tmp_path):
    people = write(tmp_path / "p.tsv", "participant_id\tage\n1\t61\n")
    for text in ("[]", '{"age": 3}', '{"age": {"Units": ["months"]}}'):
        write(tmp_path / "p.json", text)
        assert read_people(people)["age_years"].tolist() == [61.0]
    write(tmp_path / "p.json", "{")
    with pytest.raises(TableError, match=r"p\.json: expected JSON"):
        read_people(people)


@pytest.mark.parametrize("age", ["89+", ">89", "20-25", "89 or older", "≥ 90"])
def test_a_capped_age_leaves_one_scan_without_age_and_not_the_table(tmp_path, age):
    people = write(tmp_path / "p.tsv", f"participant_id\tage\n1\t{age}\n2\t61\n")
    found = read_people(people)
    assert np.isnan(found["age_years"].iloc[0])
    assert found["age_years"].iloc[1] == 61.0
    assert found["age_as_written"].tolist() == [age, None]


def test_a_dictionary_at_the_root_of_a_dataset_speaks_for_every_sessions_file(tmp_path):
    people = write(tmp_path / "participants.tsv", "participant_id\tsex\nsub-1\tF\n")
    write(tmp_path / "sessions.json", json.dumps({"age": {"Units": "months"}}))
    (tmp_path / "sub-1").mkdir()
    write(tmp_path / "sub-1" / "sub-1_sessions.tsv", "session_id\tage\nses-a\t96\n")
    with pytest.warns(BrainAgeWarning, match="months"):
        assert read_people(people, tmp_path)["age_years"].tolist() == [8.0]


def test_units_in_small_letters_are_units(tmp_path):
    path = write(tmp_path / "p.tsv", "participant_id\tage\nsub-01\t96\n")
    write(tmp_path / "p.json", json.dumps({"age": {"units": "months"}}))
    with pytest.warns(BrainAgeWarning, match="holds ages in months"):
        assert read_people(path)["age_years"].tolist() == [8.0]
