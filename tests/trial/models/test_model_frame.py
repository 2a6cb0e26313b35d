"""A long table becomes a design whose cells are least-squares means, or every doubt is raised."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial.models.model_frame import build_model_frame

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import ARMS, follow_ups, trial_data, visits_of  # noqa: E402


def frame_of(data, **options):
    options = {"response": "change", "arms": ARMS, "visits": visits_of(data), **options}
    return build_model_frame(data, **options)


def test_cells_are_means_at_the_margins_of_the_covariates():
    data = follow_ups("complete")
    frame = frame_of(data, covariates=("baseline_gap", "sex"))
    # Centred: at the mean of every covariate the design is the cells alone.
    n_cells = len(ARMS) * 2
    np.testing.assert_allclose(frame.design[:, n_cells:].mean(axis=0), 0, atol=1e-12)
    weights = frame.weights_of("HRT", "v2")
    assert weights.sum() == weights[frame.column_names.index("HRT at v2")] == 1
    rows = (frame.arm == ARMS.index("HRT")) & (frame.visit == 1)
    assert (frame.design[rows, :n_cells] == weights[:n_cells]).all()


def test_constrained_cells_share_the_baseline_and_part_afterwards():
    data = trial_data("complete")
    frame = frame_of(data, response="gap", form="constrained")
    baseline = [frame.weights_of(arm, "v0") for arm in ARMS]
    assert (baseline[0] == baseline[1]).all()
    assert (baseline[0] == baseline[2]).all()
    departure = frame.weights_of("MIT", "v1") - frame.weights_of("CON", "v1")
    assert np.flatnonzero(departure).tolist() == [frame.column_names.index("MIT minus CON at v1")]
    assert frame.later_visits == ("v1", "v2")


def test_rows_are_sorted_by_person_and_visit_and_the_smallest_cell_is_counted():
    data = follow_ups("missing").sample(frac=1, random_state=0)
    frame = frame_of(data)
    assert (np.diff(frame.person) >= 0).all()
    assert (np.diff(frame.visit)[np.diff(frame.person) == 0] > 0).all()
    counts = data.dropna(subset="change").groupby(["arm", "visit"]).size()
    assert frame.smallest_cell() == (*counts.idxmin(), counts.min())


def test_covariate_crossed_with_visit_has_a_column_a_visit():
    data = follow_ups("complete")
    frame = frame_of(data, covariates=("baseline_gap",), crossed_with_visit=("baseline_gap",))
    assert frame.covariates == ("baseline_gap x visit",)
    own = frame.design[:, len(ARMS) * 2 :]
    assert own.shape[1] == 2
    # At one visit only one of the two slopes is at work.
    assert (np.count_nonzero(own, axis=1) == 1).all()


class TestFaults:
    """Each fault is a DesignError that says what is wrong."""

    def refused(self, data, words, **options):
        options = {"visits": ("v1", "v2"), **options}
        with pytest.raises(DesignError, match=words):
            frame_of(data, **options)

    def test_constant_response(self):
        self.refused(follow_ups("complete").assign(change=1.0), "constant")

    def test_visit_with_one_arm(self):
        data = follow_ups("complete")
        self.refused(
            data[(data["visit"] == "v1") | (data["arm"] == "HRT")],
            "no analysed scan for: CON at v2, MIT at v2",
        )

    def test_duplicated_row(self):
        data = follow_ups("complete")
        self.refused(pd.concat([data, data.iloc[:1]]), "participant p000, visit v1: two or more")

    def test_participant_in_two_arms(self):
        data = follow_ups("complete").copy()
        data.loc[data.index[0], "arm"] = "MIT" if data["arm"].iloc[0] != "MIT" else "CON"
        self.refused(data, "participant p000: expected one arm")

    def test_unknown_arm(self):
        self.refused(follow_ups("complete").replace({"arm": {"MIT": "mit"}}), "also found mit")

    def test_absent_column(self):
        self.refused(follow_ups("complete"), "no column bmi", covariates=("bmi",))

    def test_covariate_that_is_the_arm(self):
        data = follow_ups("complete")
        scanner = np.where(data["arm"] == "HRT", "new", "old")
        self.refused(
            data.assign(scanner=scanner), "scanner.*determined by arm", covariates=("scanner",)
        )

    def test_baseline_gap_as_covariate_of_the_constrained_form(self):
        data = trial_data("complete")
        self.refused(
            data,
            "equals the response at baseline",
            response="gap",
            form="constrained",
            visits=("v0", "v1", "v2"),
            covariates=("baseline_gap",),
        )
