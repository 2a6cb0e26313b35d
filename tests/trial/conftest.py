"""Small trials at score level, drawn with a seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.trial import (
    AnalysisInputs,
    TrialDesign,
    TrialInputs,
    TrialOptions,
    TrialResult,
    compare_arms,
    read_plan,
    write_plan,
)
from brainage.trial.analyses.planned import analysis
from brainage.trial.analyses.running import run_analyses
from brainage.trial.design.join import join_scores
from brainage.trial.design.sets import analysis_sets

ARMS = ("CON", "MIT", "HRT")
SESSIONS = ("bl", "1y", "2y")
EFFECTS = {"CON": (0.0, 0.0, 0.0), "MIT": (0.0, -1.4, -1.4), "HRT": (0.0, -1.4, -2.3)}


def draw_trial(n=60, *, seed=0, networks=("whole_brain",), missing=0.1, effects=EFFECTS):
    """Return scores and allocation; the same people and scans for every network."""
    rng = np.random.default_rng(seed)
    ids = [f"{i:03d}" for i in range(n)]
    arm = rng.permutation(np.resize(ARMS, n))
    allocation = pd.DataFrame(
        {"participant_id": ids, "arm": arm, "stratum": rng.choice(["low", "high"], n)}
    )
    age = rng.uniform(62, 70, n)
    seen = rng.random((n, 3)) >= missing
    seen[:, 0] = True
    jitter = rng.normal(0, 0.05, (n, 3)) * [0, 1, 1]
    tables = []
    for network in networks:
        person = rng.normal(0, 4, n)
        for visit, session in enumerate(SESSIONS):
            at = age + visit + jitter[:, visit]
            effect = np.array([effects[a][visit] for a in arm])
            gap = person + effect + rng.normal(0, 2, n)
            table = pd.DataFrame(
                {
                    "participant_id": ids,
                    "session_id": session,
                    "age_years": at,
                    "sex": np.resize(["F", "M"], n),
                    "site": "one",
                    "mean_fd_mm": rng.gamma(4, 0.05, n),
                    "network": network,
                    "predicted_age_years": at + gap - 0.3 * (at - 66),
                    "gap_years": gap - 0.3 * (at - 66),
                    "gap_corrected_years": gap,
                    "interval_low_years": np.nan,
                    "interval_high_years": np.nan,
                    "in_age_range": True,
                    "distance_percentile": 50.0,
                    "clock_id": "abc",
                }
            )
            tables.append(table[seen[:, visit]])
    return pd.concat(tables, ignore_index=True), allocation


def trial_options(**changed):
    """Return options of the LISA-like trial, some of them changed."""
    plain = {
        "arms": list(ARMS),
        "control_arm": "CON",
        "primary_visit": "1 year",
        "strata": ["stratum"],
        "visits": [
            {"label": "baseline", "session_id": "bl", "nominal_years": 0.0},
            {"label": "1 year", "session_id": "1y", "nominal_years": 1.0},
            {"label": "2 years", "session_id": "2y", "nominal_years": 2.0},
        ],
        "randomization": {"n_draws": 199},
        "n_bootstraps": 200,
    }
    return TrialOptions.model_validate(plain | changed)


@pytest.fixture(scope="session")
def make_options():
    return trial_options


@pytest.fixture(scope="session")
def make_trial():
    return draw_trial


@pytest.fixture
def trial():
    """Scores and design of 60 people."""
    scores, allocation = draw_trial()
    return scores, TrialDesign.from_options(trial_options(), allocation)


@pytest.fixture(scope="session")
def as_drawn():
    """Scores and design of `trial`, and their comparison without a plan; read only."""
    scores, allocation = draw_trial()
    design = TrialDesign.from_options(trial_options(), allocation)
    return scores, design, compare_arms(scores, design)


def analysis_inputs(scores, design, **more):
    """Return what an analysis of the whole brain is given, with inputs beyond scores by name."""
    data = join_scores(scores, design, outcome=design.options.outcome)
    changes = data.changes[data.changes["network"] == "whole_brain"].reset_index(drop=True)
    sets = analysis_sets(data, design)
    return AnalysisInputs(
        design, data, scores, "whole_brain", changes, sets, more=TrialInputs(**more)
    )


@pytest.fixture(scope="session")
def inputs_of():
    return analysis_inputs


@pytest.fixture(scope="session")
def ran():
    """Return what runs one analysis of the registry alone, as a comparison would run it."""

    def run(key, scores, design, **more):
        (done,) = run_analyses([analysis(key)], analysis_inputs(scores, design, **more))
        return done

    return run


@pytest.fixture(scope="session")
def inputs():
    """What an analysis of `trial` is given; read only."""
    scores, allocation = draw_trial()
    return analysis_inputs(scores, TrialDesign.from_options(trial_options(), allocation))


@pytest.fixture(scope="session")
def compared(made_once):
    """Scores of three networks, design and plan, and their comparison, saved and read again."""
    scores, allocation = draw_trial(networks=("whole_brain", "default", "motor"))
    design = TrialDesign.from_options(trial_options(), allocation)

    def make(folder):
        write_plan(design.options, folder / "plan.json")
        plan = read_plan(folder / "plan.json")
        compare_arms(scores, design, plan=plan, seed=5).save(folder / "results")

    folder = made_once("trial_of_three_networks", make)
    plan = read_plan(folder / "plan.json")
    return scores, design, plan, TrialResult.load(folder / "results")


@pytest.fixture(scope="session")
def edges_of():
    """Return what draws the edges of eight parcels for the scans of these scores."""

    def draw(scores, networks=("motor",) * 4 + ("visual",) * 4):
        spec = ViewSpec(
            kind="fisher_z",
            shrinkage="none",
            layout="upper",
            parcel_names=tuple(f"p{k}" for k in range(8)),
            networks=networks,
            atlas="toy",
            cleaning_fingerprint="x",
        )
        rows = scores[scores["network"] == "whole_brain"]
        rows = rows[["participant_id", "session_id", "age_years", "sex", "site"]].assign(
            scanner=None, family_id=None, mean_fd_mm=0.1, retained_s=300.0
        )
        values = np.random.default_rng(1).normal(0, 0.2, (len(rows), spec.n_features))
        view = View(values.astype(np.float32), spec)
        return FeatureTable({"fisher_z": view}, rows.reset_index(drop=True))

    return draw
