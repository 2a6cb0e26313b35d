"""Noise, missing data and regions against R: tests/reference_values/trial_noise.json."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import ViewSpec
from brainage.trial import (
    TrialDesign,
    change_reliability,
    individual_response,
    partial_correlation,
    reliability_table,
)
from brainage.trial.analyses.change import welch_difference
from brainage.trial.analyses.edge_changes import EdgeChanges
from brainage.trial.analyses.local import compare_regions, parcel_strengths
from brainage.trial.analyses.missing_data import rubin
from brainage.trial.analyses.missing_scans import levels_test
from brainage.trial.models.lsmeans import t_estimate

R = json.loads((Path(__file__).parents[1] / "reference_values" / "trial_noise.json").read_text())


def test_limits_of_agreement_and_error_of_measurement_match_r():
    scans = np.array(R["scans"])
    table = pd.DataFrame(
        {
            "participant_id": np.tile(np.arange(len(scans)), 2).astype(str),
            "session_id": np.repeat(["a", "b"], len(scans)),
            "network": "whole_brain",
            "age_years": np.repeat([60.0, 60.01], len(scans)),
            "gap_corrected_years": scans.T.ravel(),
        }
    )
    row = reliability_table(table).iloc[0]
    found = {
        "bias": row["bias_years"],
        "low": row["limits_low_years"],
        "high": row["limits_high_years"],
        "half": row["limits_half_interval_years"],
        "sem": row["sem_years"],
        "mdc": row["mdc95_years"],
        "sd_between": row["sd_between_people_years"],
    }
    assert found == pytest.approx(R["limits"], rel=1e-9)


def test_individual_response_and_reliability_of_change_match_r():
    change, control = np.array(R["change"]), np.array(R["control"])
    own = individual_response(change, control)
    found = {"sd": own.sd_years, "low": own.ci_low_years, "high": own.ci_high_years}
    assert found == pytest.approx(R["response"], rel=1e-9)
    r = R["reliability"]
    own = change_reliability(change, sem_years=r["sem"], sem_df=r["sem_df"])
    found = [own.reliability, own.ci_low, own.ci_high]
    assert found == pytest.approx([r["r"], r["low"], r["high"]], rel=1e-9)


def test_rubins_rules_match_r():
    r = R["rubin"]
    estimate, se, df, lost = rubin(r["estimates"], r["variances"], r["complete"])
    assert [estimate, se, df, lost] == pytest.approx(
        [r["estimate"], r["se"], r["df"], r["lost"]], rel=1e-9
    )
    found = t_estimate(estimate, se, df)
    assert [found.ci_low, found.ci_high, found.p_value] == pytest.approx(
        [r["low"], r["high"], r["p"]], rel=1e-8
    )


def test_robust_partial_correlation_matches_r():
    people, r = pd.DataFrame(R["people"]), R["partial"]
    given = np.column_stack(
        [people["arm"] == "MIT", people["arm"] == "HRT", people["strength0"]]
    ).astype(float)
    strength, change = (people[name].to_numpy() for name in ("strength", "change"))
    found = partial_correlation(strength, change, given, robust=True)
    assert [found.r, found.statistic, found.df, found.p_value] == pytest.approx(
        [r["r"], r["t"], r["df"], r["p"]], rel=1e-8
    )
    assert [found.ci_low, found.ci_high] == pytest.approx(
        [
            r["low"],
            r["high"],
        ],
        rel=1e-8,
    )


def test_change_of_a_region_matches_r(make_options):
    people, r = pd.DataFrame(R["people"]), R["region"]
    people = people.assign(
        participant_id=[f"{i}" for i in range(len(people))], baseline_age=people["age"]
    )
    spec = ViewSpec(
        kind="fisher_z",
        shrinkage="none",
        layout="upper",
        parcel_names=("a", "b"),
        networks=(None, None),
        atlas="toy",
        cleaning_fingerprint="x",
    )
    usable = np.array([True])
    changes = EdgeChanges(
        people,
        people[["baseline"]].to_numpy(),
        people[["moved"]].to_numpy(),
        usable,
        spec,
        ("baseline_age",),
        (),
    )
    allocation = people[["participant_id", "arm"]]
    design = TrialDesign.from_options(make_options(strata=[]), allocation)
    row = compare_regions(
        changes,
        parcel_strengths(spec, usable),
        design,
        arm="HRT",
        visit="1 year",
        n_draws=99,
        seed=0,
    ).iloc[0]
    ours = ["difference", "se", "ci_low", "ci_high"]
    found = [row[f"{name}_in_view_units"] for name in ours] + [row["statistic"], row["p_value"]]
    assert found == pytest.approx(
        [r[k] for k in ("estimate", "se", "low", "high", "t", "p")], rel=1e-8
    )


def test_who_is_missing_is_tested_as_in_r():
    r = R["missing"]
    found = welch_difference(np.array(r["gone"]), np.array(r["seen"]))
    assert [found.estimate, found.ci_low, found.ci_high, found.p_value] == pytest.approx(
        [r["difference"], r["low"], r["high"], r["p"]], rel=1e-9
    )
    assert levels_test(np.array(r["counts"])) == pytest.approx(r["chi_p"], rel=1e-9)
