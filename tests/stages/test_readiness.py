"""What `check` passes, `run` finishes: each stop is told with its fix, before the first scan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.config import study_from_mapping
from brainage.errors import StageError
from brainage.series import ParcelSeries, ScanQuality, write_series
from brainage.stages.check import check
from brainage.stages.run import run_stages

ARMS = ["CON", "MIT"]
_VISITS = [
    {"label": "baseline", "session_id": "b", "nominal_years": 0.0},
    {"label": "1 year", "session_id": "f", "nominal_years": 1.0},
]


def write_cohort(folder, ids, sessions, *, atlas="toy", fingerprint="abc", ages_apart=True):
    rng, rows = np.random.default_rng(len(folder.name)), []
    for i, person in enumerate(ids):
        for k, session in enumerate(sessions):
            values = rng.standard_normal((60, 6))
            quality = ScanQuality(0.1, 60, 60, 120.0, None, None, {})
            series = ParcelSeries(
                participant_id=person,
                session_id=session,
                run="n/a",
                task="rest",
                values=values,
                parcel_names=tuple(f"P{j}" for j in range(6)),
                networks=("A",) * 6,
                kept_volumes=np.arange(60),
                t_r_s=2.0,
                atlas=atlas,
                cleaning_fingerprint=fingerprint,
                cleaning="none",
                quality=quality,
            )
            write_series(series, folder / "series")
            rows.append((person, session, 60.0 + i % 5 + (k if ages_apart else 0)))
    names = ["participant_id", "session_id", "age_years"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "people.tsv", sep="\t", index=False)


@pytest.fixture
def folder(tmp_path):
    """A trial of eight and a reference of twelve, as series."""
    write_cohort(tmp_path / "reference", [f"r{i}" for i in range(12)], ["n/a"])
    write_cohort(tmp_path / "trial", [f"t{i}" for i in range(8)], ["b", "f"])
    allocation = pd.DataFrame(
        {"participant_id": [f"t{i}" for i in range(8)], "arm": [ARMS[i % 2] for i in range(8)]}
    )
    allocation.to_csv(tmp_path / "allocation.tsv", sep="\t", index=False)
    return tmp_path


def study_of(folder, **changed):
    def cohort(name):
        return {"series": f"{name}/series", "participants": f"{name}/people.tsv"}

    paths = {
        "output": "out",
        "reference": cohort("reference"),
        "trial": cohort("trial"),
        "allocation": "allocation.tsv",
    }
    science = {
        "connectivity": {"kinds": ["fisher_z"]},
        "clock": {
            "estimator": "ridge",
            "views": ["fisher_z"],
            "validation": {"n_folds": 4, "n_bootstrap": 20},
        },
        "trial": {
            "arms": ARMS,
            "control_arm": "CON",
            "visits": changed.pop("visits", _VISITS),
            "primary_visit": "1 year",
        },
    }
    science["clock"] |= changed.pop("clock", {})
    science["clock"]["validation"] |= changed.pop("validation", {})
    if not changed.pop("compare", True):
        del science["trial"]
    paths |= changed.pop("paths", {})
    values = {"extends": "fisher_z_ridge", "paths": paths, "science": science}
    return study_from_mapping(values | {"run": {"n_jobs": 1, "figure_files": []}}, base=folder)


def stopped(folder, words, **changed):
    study = study_of(folder, **changed)
    assert pytest.raises(AssertionError, _passes, study).match(words)
    # A run says the same before it has written anything.
    with pytest.raises(StageError, match=words):
        next(run_stages(study))
    assert not (folder / "out").exists()


def _passes(study):
    stops = check(study).stops
    assert not stops, " | ".join(stops)


def test_a_sound_study_passes(folder):
    _passes(study_of(folder))


def test_session_labels_that_match_no_visit_stop_with_those_of_the_files(folder):
    visits = [{**_VISITS[0], "session_id": "V1"}, {**_VISITS[1], "session_id": "V2"}]
    stopped(folder, "no session is a visit.* V1, V2, the files b, f", visits=visits)


def test_a_visit_that_nobody_came_to_stops(folder):
    visits = [_VISITS[0], {**_VISITS[1], "session_id": "fu"}]
    stopped(folder, "nobody has a session fu", visits=visits)


def test_an_output_that_is_a_file_stops(folder):
    (folder / "taken").write_text("")
    study = study_of(folder, paths={"output": "taken/out"})
    assert pytest.raises(AssertionError, _passes, study).match("expected a folder to write in")


def test_more_folds_than_people_stop(folder):
    stopped(folder, "20 folds and 12 of them.*set n_folds lower", validation={"n_folds": 20})


def test_who_asks_for_half_scans_is_told_what_they_may_cost(folder):
    asked = check(study_of(folder, clock={"half_scans": "half_weight"}))
    assert any("needs other numbers of people" in line for line in asked.lines)
    assert not any("half scans" in line for line in check(study_of(folder)).lines)


def test_a_regressor_that_no_clock_file_can_hold_stops(folder):
    neighbours = {"estimator": "sklearn.neighbors.KNeighborsRegressor"}
    stopped(folder, "estimator: regressor KNeighborsRegressor: cannot be kept", clock=neighbours)


def test_one_age_at_every_visit_stops(folder):
    write_cohort(folder / "trial", [f"t{i}" for i in range(8)], ["b", "f"], ages_apart=False)
    stopped(folder, "all 8 people with several visits have the same age at each")


def test_a_row_a_person_is_one_age_at_every_visit(folder):
    table = pd.read_csv(folder / "trial" / "people.tsv", sep="\t")
    table = table.drop_duplicates("participant_id").drop(columns="session_id")
    table.to_csv(folder / "trial" / "people.tsv", sep="\t", index=False)
    stopped(folder, "the same age at each")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"atlas": "other"}, "series of atlas other, but the reference's are of toy"),
        ({"fingerprint": "xyz"}, "cleaned otherwise than the reference's"),
    ],
)
def test_a_trial_of_another_atlas_or_cleaning_stops(folder, made, words):
    for path in (folder / "trial" / "series").rglob("*_timeseries.*"):
        path.unlink()
    write_cohort(folder / "trial", [f"t{i}" for i in range(8)], ["b", "f"], **made)
    stopped(folder, words)


def test_a_lent_clock_of_another_cleaning_stops(folder):
    for _ in run_stages(study_of(folder, compare=False, paths={"output": "first", "trial": {}})):
        pass
    clock = str(folder / "first" / "train" / "clocks" / "whole_brain.clock")
    lent = {"clock": clock, "reference": {}}
    _passes(study_of(folder, paths=lent))
    write_cohort(folder / "trial", [f"t{i}" for i in range(8)], ["b", "f"], fingerprint="xyz")
    stopped(folder, "not what clock .* was trained on: cleaning", paths=lent)


def test_no_reference_and_no_clock_stop(folder):
    stopped(folder, "nothing to train on and no clock to score with", paths={"reference": {}})


def test_arms_without_scans_or_scores_stop(folder):
    stopped(folder, "paths.trial names neither scans nor series", paths={"trial": {}})


def test_people_in_both_cohorts_stop(folder):
    write_cohort(folder / "trial", ["r1", *[f"t{i}" for i in range(7)]], ["b", "f"])
    stopped(folder, "in the reference cohort and in the trial: r1")


def test_an_arm_that_nobody_of_came_to_a_visit_stops(folder):
    for path in (folder / "trial" / "series").rglob("*_ses-f_*"):
        if path.name.split("_")[0] in ("sub-t0", "sub-t2", "sub-t4", "sub-t6"):
            path.unlink()
    stopped(folder, "nobody of arm CON was scanned at 1 year")


def test_a_study_without_arms_scores_its_trial(folder):
    names = [stage.name for stage in run_stages(study_of(folder, compare=False))]
    assert names == ["train", "score", "report"]
    assert (folder / "out" / "score" / "scores.tsv").is_file()
