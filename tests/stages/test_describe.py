"""What lies in a folder, told by names."""

from __future__ import annotations

import pytest

from brainage.errors import ConfigError
from brainage.stages.describe import CONTROL, describe_folder, find_arms, visits_of


def test_confounds_are_no_parcel_series(derivatives):
    found = describe_folder(derivatives)
    assert found.holds == "scans"
    assert found.tasks == {"rest": 12, "faces": 12}


def test_spaces_sessions_and_tables_are_counted(derivatives):
    found = describe_folder(derivatives)
    assert found.spaces == {"MNI152NLin6Asym": 12, "T1w": 12}
    assert set(found.participants) == {"01", "02", "03"}
    assert found.tables["participants"].name == "participants.tsv"


def test_visits_are_ordered_by_name_and_timed_by_ages_where_there_are_some(derivatives):
    trial = describe_folder(derivatives)
    assert visits_of(trial, None) == [("bl", 0.0), ("m12", None)]
    ages = "participant_id\tsession_id\tage\n01\tses-bl\t60\n01\tses-m12\t61.02\n"
    (derivatives.parents[1] / "sessions.tsv").write_text(ages)
    assert visits_of(describe_folder(derivatives), None) == [("bl", 0.0), ("m12", 1.0)]


def test_arms_are_a_column_called_so_with_control_first(derivatives, tmp_path):
    found = find_arms(None, describe_folder(derivatives))
    assert (found.column, found.names) == ("GROUP", ("control", "train"))
    # A column of many values is no arm.
    many = "participant_id,group\n" + "".join(f"{k},g{k}\n" for k in range(20))
    (tmp_path / "people.csv").write_text(many)
    assert find_arms(tmp_path, None).column is None


@pytest.mark.parametrize("word", ["CON", "placebo", "Sham", "waitlist", "usual care"])
def test_words_for_control_are_known(word):
    assert CONTROL.match(word)
    assert not CONTROL.match("training")


def test_folder_without_derivatives_says_what_it_needs(tmp_path):
    with pytest.raises(ConfigError, match=r"expected files \*_bold.nii.gz"):
        describe_folder(tmp_path)
    with pytest.raises(ConfigError, match="expected a folder of derivatives"):
        describe_folder(tmp_path / "gone")
