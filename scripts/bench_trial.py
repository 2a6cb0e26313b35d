"""Time the trial's analyses at LISA's size, against what was asked and against the usual way.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python scripts/bench_trial.py [--repeats 5]

A trial of 451 randomised people (three arms, strata of three columns), 309 of them scanned, two
follow-ups, a tenth of the visits missing; scores are drawn, no clock is needed. The
peers are statsmodels: `MixedLM` for a repeated-measures model (a random intercept per person,
which is one of our fall-backs; it has no unstructured covariance), and a loop that fits `OLS` with
HC3 errors once a draw for the re-randomisation test.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

from brainage.trial import TrialDesign, TrialOptions, compare_arms
from brainage.trial.analyses.change import within_arm_changes
from brainage.trial.analyses.levakov import levakov_outcome
from brainage.trial.analyses.planned import analysis
from brainage.trial.analyses.record import AnalysisInputs
from brainage.trial.analyses.repeated_measures import (
    CROSSED,
    baseline_covariates,
    fit_changes,
    model_data,
    rows_of_fit,
)
from brainage.trial.analyses.rerandomize import rerandomization_test
from brainage.trial.design.join import TrialData, join_scores
from brainage.trial.design.sets import analysis_sets

ARMS = ("CON", "MIT", "HRT")
N_RANDOMISED, N_SCANNED, N_DRAWS = 451, 309, 9999
#: Draws of the loop that stands for the usual way; its time is scaled to N_DRAWS.
PEER_DRAWS = 100
_TRIAL = {
    "arms": list(ARMS),
    "control_arm": "CON",
    "primary_visit": "2 years",
    "strata": ["sex", "bmi", "chair"],
    "visits": [
        {"label": "baseline", "session_id": "bl", "nominal_years": 0.0},
        {"label": "1 year", "session_id": "1y", "nominal_years": 1.0},
        {"label": "2 years", "session_id": "2y", "nominal_years": 2.0},
    ],
    "randomization": {"scheme": "stratified_blocks", "n_draws": N_DRAWS},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="of each; the best counts")
    repeats = parser.parse_args().repeats
    scores, design = make_trial(seed=1)
    data = join_scores(scores, design, outcome=design.options.outcome)
    print(
        f"{N_RANDOMISED} randomised, {N_SCANNED} scanned, {len(data.changes)} changes; "
        f"load {os.getloadavg()[0]:.1f}; best of {repeats}"
    )
    verdicts = [
        *_analyses(scores, data, design, repeats),
        *_rerandomization(data, design, repeats),
    ]
    wall, _ = best(lambda: compare_arms(scores, design), repeats)
    print(f"everything of one comparison, sensitivity and {N_DRAWS} draws included: {wall:.2f} s")
    return 0 if all(verdicts) else 1


def make_trial(*, seed: int) -> tuple[pd.DataFrame, TrialDesign]:
    """Draw scores and an allocation of LISA's size."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"{i:03d}" for i in range(N_RANDOMISED)])
    strata = {name: rng.choice(["low", "high"], N_RANDOMISED) for name in ("sex", "bmi", "chair")}
    allocation = pd.DataFrame({"participant_id": ids, **strata})
    allocation["arm"] = rng.permutation(np.resize(ARMS, N_RANDOMISED))
    scanned = np.sort(rng.choice(N_RANDOMISED, N_SCANNED, replace=False))
    age, person = rng.uniform(62, 70, N_SCANNED), rng.normal(0, 4, N_SCANNED)
    effect = np.array([[0, 0, 0], [0, -0.7, -0.7], [0, -0.7, -1.1]])
    arm = np.array([ARMS.index(name) for name in allocation["arm"].to_numpy()[scanned]])
    tables = []
    for visit, session in enumerate(("bl", "1y", "2y")):
        at = age + visit + rng.normal(0, 0.05, N_SCANNED) * (visit > 0)
        gap = person + effect[arm, visit] + rng.normal(0, 2.5, N_SCANNED)
        seen = (rng.random(N_SCANNED) > 0.1) | (visit == 0)
        tables.append(
            pd.DataFrame(
                {
                    "participant_id": ids[scanned],
                    "session_id": session,
                    "age_years": at,
                    "sex": allocation["sex"].to_numpy()[scanned],
                    "site": "one",
                    "mean_fd_mm": rng.gamma(4, 0.05, N_SCANNED),
                    "network": "whole_brain",
                    "predicted_age_years": at + gap,
                    "gap_years": gap,
                    "gap_corrected_years": gap,
                    "interval_low_years": np.nan,
                    "interval_high_years": np.nan,
                    "in_age_range": True,
                    "distance_percentile": 50.0,
                    "clock_id": "drawn",
                }
            )[seen]
        )
    options = TrialOptions.model_validate(_TRIAL)
    return pd.concat(tables, ignore_index=True), TrialDesign.from_options(options, allocation)


def best(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the least wall and processor time over repeats, after one run to warm up."""
    work()
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors)


def verdict(what: str, asked_s: float, found_s: float, processor_s: float) -> bool:
    """Print one line and return whether the figure is reached."""
    word = "holds" if found_s < asked_s else "MISS"
    print(
        f"{what}: asked < {asked_s:g} s, found {found_s:.3f} s (processor {processor_s:.3f} s): "
        f"{word}"
    )
    return found_s < asked_s


def _analyses(
    scores: pd.DataFrame, data: TrialData, design: TrialDesign, repeats: int
) -> list[bool]:
    changes, options = data.changes, design.options
    inputs = AnalysisInputs(
        design,
        data,
        scores,
        network="whole_brain",
        changes=changes,
        sets=analysis_sets(data, design),
    )
    parts = {
        "1 LISA-like paired tests": lambda: within_arm_changes(
            changes, design.arms, design.later_visits
        ),
        f"1 Levakov's outcome, {options.n_bootstraps} bootstraps": lambda: levakov_outcome(
            data.scans,
            changes,
            arms=design.arms,
            visits=design.later_visits,
            baseline=design.baseline,
            n_bootstraps=options.n_bootstraps,
        ),
        "2 MMRM, covariance per arm, Satterthwaite": lambda: rows_of_fit(
            fit_changes(changes, design, degrees_of_freedom="satterthwaite"), design
        ),
        "2 MMRM, Kenward-Roger": lambda: rows_of_fit(
            fit_changes(changes, design, degrees_of_freedom="kenward_roger"), design
        ),
        "2 constrained form": lambda: analysis("constrained").run(inputs),
        "3 ANCOVA at both visits": lambda: analysis("ancova").run(inputs),
    }
    total, processor = 0.0, 0.0
    walls = {}
    for name, work in parts.items():
        walls[name], used = best(work, repeats)
        total, processor = total + walls[name], processor + used
        print(f"  {name}: {1000 * walls[name]:.0f} ms")
    held = verdict("analyses 1 to 3, all of them", 2.0, total, processor)
    peer, _ = best(lambda: _mixed_lm(changes), repeats)
    ours = walls["2 MMRM, covariance per arm, Satterthwaite"]
    print(
        f"  statsmodels MixedLM (random intercept, no degrees of freedom): {1000 * peer:.0f} ms, "
        f"{peer / ours:.1f} x our unstructured model"
    )
    return [held]


def _mixed_lm(changes: pd.DataFrame):
    table = changes.assign(arm=pd.Categorical(changes["arm"], categories=list(ARMS)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return smf.mixedlm(
            "change ~ arm * visit + baseline_gap * visit + baseline_age * visit + "
            "sex + bmi + chair",
            table,
            groups="participant_id",
        ).fit()


def _rerandomization(data: TrialData, design: TrialDesign, repeats: int) -> list[bool]:
    rows = model_data(data.changes, design)
    options = {
        "response": "change",
        "arm": "HRT",
        "control": "CON",
        "visit": "2 years",
        "covariates": baseline_covariates(rows, design),
        "crossed_with_visit": CROSSED,
        "scheme": "stratified_blocks",
        "strata": design.options.strata,
        "n_draws": N_DRAWS,
    }
    held = []
    for words, more in (
        ("ANCOVA statistic with its interval", {"interval": True}),
        ("GLS statistic, both visits", {"statistic": "gls"}),
    ):
        wall, processor = best(
            lambda more=more: rerandomization_test(design.allocation, rows, **options, **more),
            repeats,
        )
        held.append(verdict(f"4 re-randomisation, {N_DRAWS} draws, {words}", 10.0, wall, processor))
        if "interval" in more:
            ancova = wall
    loop, _ = best(lambda: _loop_of_fits(rows), 1)
    whole = loop * N_DRAWS / PEER_DRAWS
    print(
        f"  one statsmodels OLS fit with HC3 errors a draw: {whole:.0f} s for as many draws "
        f"({PEER_DRAWS} timed), {whole / ancova:.0f} x ours"
    )
    return held


def _loop_of_fits(rows: pd.DataFrame) -> list[float]:
    rng = np.random.default_rng(0)
    here = rows[rows["visit"] == "2 years"]
    dummies = pd.get_dummies(here[["sex", "bmi", "chair"]], drop_first=True).to_numpy(float)
    fixed = np.column_stack([np.ones(len(here)), here[["baseline_gap", "baseline_age"]], dummies])
    arm = here["arm"].to_numpy()
    statistics = []
    for _ in range(PEER_DRAWS):
        drawn = rng.permutation(arm)
        own = np.column_stack([drawn == "HRT", drawn == "MIT"]).astype(float)
        fit = sm.OLS(here["change"].to_numpy(), np.hstack([own, fixed])).fit(cov_type="HC3")
        statistics.append(float(fit.tvalues[0]))
    return statistics


if __name__ == "__main__":
    sys.exit(main())
