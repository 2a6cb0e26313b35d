"""Dates of scans: read from BIDS or any table, and turned into years since baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError, TableError
from brainage.trial import TrialDesign, compare_arms, read_visit_dates
from brainage.trial.design.join import join_scores

SESSIONS = "participant_id\tsession_id\tacq_time\nsub-1\tses-bl\t1925-01-01T10:00:00\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def dates_of(scores, *, days_per_year=365.25):
    """Return dates that say the same as the ages, from a baseline day of each person's own."""
    whole = scores.drop_duplicates(["participant_id", "session_id"])
    first = whole[whole["session_id"] == "bl"].set_index("participant_id")["age_years"]
    years = whole["age_years"] - whole["participant_id"].map(first)
    day = pd.Timestamp("1925-03-01") + pd.to_timedelta(years * days_per_year, unit="D")
    return whole[["participant_id", "session_id"]].assign(scan_date=day.dt.floor("s"))


def years_of(scores, options, allocation, dates):
    design = TrialDesign.from_options(options, allocation, dates=dates)
    return join_scores(scores, design, outcome="gap_corrected_years")


def test_bids_date_column_is_found_and_prefixes_are_cut(tmp_path):
    found = read_visit_dates(write(tmp_path / "sessions.tsv", SESSIONS))
    assert found.iloc[0].tolist() == ["1", "bl", pd.Timestamp("1925-01-01T10:00:00")]


def test_a_table_without_dates_has_none(tmp_path):
    path = write(tmp_path / "s.tsv", "participant_id\tsession_id\tage\n1\tbl\t61\n")
    assert read_visit_dates(path) is None


def test_column_map_reads_any_table_and_names_what_it_lacks(tmp_path):
    path = write(tmp_path / "d.csv", "Pers,Wave,MRI\n7,bl,2015-03-02\n7,1y,n/a\n")
    columns = {"participant_id": "Pers", "session_id": "Wave", "scan_date": "MRI"}
    found = read_visit_dates(path, columns=columns)
    assert len(found) == 1
    with pytest.raises(TableError, match="expected the date column 'Datum'"):
        read_visit_dates(path, columns=columns | {"scan_date": "Datum"})
    with pytest.raises(TableError, match="column map of dates: expected .* found day"):
        read_visit_dates(path, columns={"day": "MRI"})


def test_ambiguous_dates_are_refused_with_their_line(tmp_path):
    path = write(tmp_path / "s.tsv", SESSIONS + "sub-1\tses-1y\t03/04/1926\n")
    with pytest.raises(TableError, match="ISO 8601.*line 3: '03/04/1926'"):
        read_visit_dates(path)


def test_a_bold_runs_own_time_wins_over_other_scans_and_the_sessions_table(tmp_path):
    write(
        tmp_path / "sub-1" / "ses-bl" / "sub-1_ses-bl_scans.tsv",
        "filename\tacq_time\nanat/sub-1_ses-bl_T1w.nii.gz\t1925-01-01\n"
        "func/sub-1_ses-bl_run-2_bold.nii.gz\t1925-01-03T11:00:00\n"
        "func/sub-1_ses-bl_run-1_bold.nii.gz\t1925-01-03T10:00:00\n",
    )
    write(
        tmp_path / "sub-1" / "sub-1_sessions.tsv",
        "session_id\tacq_time\nses-bl\t1924-12-30\nses-1y\t1926-01-05\n",
    )
    found = read_visit_dates(tmp_path).set_index("session_id")["scan_date"]
    assert found["bl"] == pd.Timestamp("1925-01-03T10:00:00")
    assert found["1y"] == pd.Timestamp("1926-01-05")


def test_dates_that_agree_with_ages_change_no_year_and_no_result(as_drawn, make_options):
    scores, design, plain = as_drawn
    by_date = TrialDesign.from_options(make_options(), design.allocation, dates=dates_of(scores))
    first, other = plain, compare_arms(scores, by_date)
    np.testing.assert_allclose(other.timing["mean_years"], first.timing["mean_years"], atol=1e-6)
    assert (other.timing["n_by_dates"] == other.timing["n"]).all()
    assert (first.timing["n_by_dates"] == 0).all()
    assert other.primary.estimate_years == first.primary.estimate_years
    assert not any("disagree" in note for note in other.notes)


def test_dates_win_over_ages_and_the_disagreement_is_reported(trial, make_options):
    scores, design = trial
    late = dates_of(scores)
    one = (late["participant_id"] == "004") & (late["session_id"] == "1y")
    late.loc[one, "scan_date"] += pd.Timedelta(days=250)
    data = years_of(scores, make_options(), design.allocation, late)
    here = data.scans[(data.scans["participant_id"] == "004") & (data.scans["visit"] == "1 year")]
    assert here["years"].iloc[0] - here["years_by_age"].iloc[0] == pytest.approx(250 / 365.25)
    assert any(
        "disagree by more than 0.1 years for 1 follow-up scan(s), most for 004 at 1 year" in note
        for note in data.notes
    )


def test_ages_in_whole_years_agree_with_dates_up_to_their_rounding(trial, make_options):
    scores, design = trial
    dates = dates_of(scores)
    whole = scores.assign(age_years=np.floor(scores["age_years"]))
    data = years_of(whole, make_options(), design.allocation, dates)
    assert not any("disagree" in note for note in data.notes)
    assert data.changes["years"].std() > 0.02


def test_ages_fill_in_where_a_date_is_missing_and_the_count_is_said(trial, make_options):
    scores, design = trial
    dates = dates_of(scores)
    known = dates[dates["participant_id"] != "004"]
    data = years_of(scores, make_options(), design.allocation, known)
    mine = data.scans[data.scans["participant_id"] == "004"]
    assert set(mine["timed_by"]) == {"ages"}
    assert mine["years"].notna().all()
    assert any("; from ages at scan for the others" in note for note in data.notes)


def test_dates_that_go_backwards_are_an_error_naming_person_visit_and_date(trial, make_options):
    scores, design = trial
    dates = dates_of(scores)
    back = (dates["participant_id"] == "004") & (dates["session_id"] == "1y")
    dates.loc[back, "scan_date"] = pd.Timestamp("1924-01-01")
    with pytest.raises(DesignError, match="the date goes backwards .* 004 at 1 year .1924-01-01"):
        years_of(scores, make_options(), design.allocation, dates)


def test_a_session_with_two_dates_is_an_error(trial, make_options):
    scores, design = trial
    dates = dates_of(scores)
    twice = pd.concat([dates, dates.iloc[:1].assign(scan_date=pd.Timestamp("1930-01-01"))])
    with pytest.raises(DesignError, match="session bl: two dates; keep one"):
        TrialDesign.from_options(make_options(), design.allocation, dates=twice)


def test_intervals_that_differ_between_arms_are_noted(trial, make_options):
    scores, design = trial
    arm = scores["participant_id"].map(design.allocation.set_index("participant_id")["arm"])
    late = (arm == "MIT") & (scores["session_id"] == "2y")
    shifted = scores.assign(age_years=scores["age_years"] + 0.4 * late)
    result = compare_arms(shifted, design)
    assert any(
        "mean years since baseline differ between arms (2 years: CON 2.0" in note
        for note in result.notes
    )
    row = result.timing.set_index(["arm", "visit"]).loc[("MIT", "2 years")]
    assert row["mean_years"] == pytest.approx(2.4, abs=0.05)
    assert row["planned_years"] == 2.0


def test_a_time_of_day_without_a_date_is_no_date(tmp_path):
    path = write(tmp_path / "s.tsv", SESSIONS + "sub-1\tses-1y\t13:45:43.000000\n")
    assert read_visit_dates(path)["session_id"].tolist() == ["bl"]
