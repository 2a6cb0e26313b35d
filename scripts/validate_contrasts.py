"""Simulate trials: do named contrasts, joint tests, moderators and imputation keep their word?

    python scripts/validate_contrasts.py [--trials 2000] [--draws 40] [--only contrasts,imputation]

Three arms of 100 people, two follow-ups, a tenth of the visits missing. Null: no arm differs; the
share of p < .05 should be .05. Planted: an effect of HRT that depends on a moderator; intervals
should cover the planted interaction in 95 %. Imputation: HRT's gain is lost by those who stop (jump
to reference is true); coverage of the true contrast by Rubin's rules and by the bootstrap is shown,
not asserted.
Writes rows of docs/validation/trial_questions.tsv: as many trials as asked for, and a quarter of
them, with so many imputations and bootstrap samples each, for imputation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats
from validation_rows import Question, Row, rate, row, run, shown

from brainage.trial import TrialDesign, TrialOptions
from brainage.trial.analyses.imputation import (
    ASSUMPTIONS,
    ImputationData,
    adjusted_contrast,
    fit_imputation,
    impute,
)
from brainage.trial.analyses.linear_contrasts import linear_contrasts
from brainage.trial.analyses.missing_data import resampled_people, rubin
from brainage.trial.analyses.moderators import moderator_rows
from brainage.trial.analyses.named_contrasts import contrast_weights_of, joint_tests
from brainage.trial.analyses.repeated_measures import fit_changes
from brainage.trial.models.lsmeans import t_estimate
from brainage.trial.options import ModeratorOptions

ARMS, VISITS = ("CON", "MIT", "HRT"), ("1 year", "2 years")
N_ARM, MISSING, INTERACTION, SEED = 100, 0.1, -0.5, 1
_OPTIONS = {
    "arms": list(ARMS),
    "control_arm": "CON",
    "primary_visit": "2 years",
    "score_covariates": ["sex"],
    "visits": [
        {"label": "baseline", "session_id": "b", "nominal_years": 0},
        {"label": "1 year", "session_id": "1", "nominal_years": 1},
        {"label": "2 years", "session_id": "2", "nominal_years": 2},
    ],
}


def draw_changes(rng: np.random.Generator, interaction: float) -> tuple[pd.DataFrame, TrialDesign]:
    """Draw one trial: gaps with a person's own level, HRT's effect rising with the moderator."""
    n = N_ARM * len(ARMS)
    arm = rng.permutation(np.repeat(ARMS, N_ARM))
    people = pd.DataFrame(
        {
            "participant_id": [f"{i:03d}" for i in range(n)],
            "arm": arm,
            "baseline_age": rng.uniform(62, 70, n),
            "sex": rng.choice(["F", "M"], n),
            "site": "one",
            "moderator": rng.normal(0, 1, n),
        }
    )
    level = rng.normal(0, 5, n)
    people["baseline_gap"] = level + rng.normal(0, 3, n)
    tables = []
    for visit in VISITS:
        effect = interaction * people["moderator"] * (arm == "HRT")
        gap = level + effect + rng.normal(0, 3, n)
        table = people.assign(visit=visit, gap=gap, change=gap - people["baseline_gap"])
        tables.append(table[rng.random(n) >= MISSING])
    allocation = people[["participant_id", "arm", "moderator"]]
    design = TrialDesign(TrialOptions.model_validate(_OPTIONS), allocation)
    return pd.concat(tables, ignore_index=True), design


def contrasts(trials: int, draws: int) -> Iterator[Row]:
    """Share of p < .05 where nothing is there, and coverage of a planted interaction."""
    below: dict[str, list[bool]] = defaultdict(list)
    covered: list[bool] = []
    moderator = ModeratorOptions(variable="moderator")
    for trial in range(trials):
        rng = np.random.default_rng([SEED, trial])
        changes, design = draw_changes(rng, 0.0)
        fit = fit_changes(changes, design)
        for each in linear_contrasts(design.options):
            weights = contrast_weights_of(fit, dict(each.arms), dict(each.visits))
            below[each.name].append(fit.estimate(weights).p_value < 0.05)
        for name, _, test in joint_tests(fit):
            below[f"joint: {name}"].append(test.p_value < 0.05)
        interaction, joint = _moderated(changes, design, moderator)
        below["moderator: interaction, HRT, 2 years"].append(interaction["p_value"] < 0.05)
        below["moderator: joint test"].append(joint["p_value"] < 0.05)
        changes, design = draw_changes(rng, INTERACTION)
        interaction, _ = _moderated(changes, design, moderator)
        covered.append(interaction["ci_low"] <= INTERACTION <= interaction["ci_high"])
    setting = "3 arms of 100, 2 follow-ups, 10 % missing"
    for name, values in below.items():
        question = "moderators" if name.startswith("moderator") else "named contrasts"
        yield rate(question, setting, f"{name}, size at 5 %", np.array(values), 0.05)
    quantity = f"coverage of a planted interaction of {INTERACTION:g} years a unit"
    yield rate("moderators", setting, quantity, np.array(covered), 0.95)


def _moderated(
    changes: pd.DataFrame, design: TrialDesign, moderator: ModeratorOptions
) -> tuple[pd.Series, pd.Series]:
    """Return HRT's interaction at 2 years, and the joint test."""
    rows = pd.DataFrame(moderator_rows(changes, design, moderator))
    hrt = (rows["row"] == "interaction") & (rows["arm"] == "HRT")
    interaction = rows[hrt & (rows["visit"] == "2 years")].iloc[0]
    return interaction, rows[rows["row"] == "joint test"].iloc[0]


def imputation(trials: int, draws: int) -> Iterator[Row]:
    """How often Rubin's and the bootstrap's interval cover where those who stop jump."""
    held: dict[str, list[bool]] = defaultdict(list)
    errors: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    # A quarter of HRT stop after year 1 and are then as control: the truth of a jump.
    gain, stop = -2.0, 0.25
    truth = gain * (1 - stop)
    n_trials = trials // 4
    for trial in range(n_trials):
        rng = np.random.default_rng([SEED, 7, trial])
        data = _with_stops(rng, gain, stop)
        drawn = {each: ([], [], []) for each in ASSUMPTIONS}
        for _ in range(draws):
            sample = data.of(resampled_people(data.arm, rng))
            model = fit_imputation(sample)
            for each in ASSUMPTIONS:
                estimate, variance, df = adjusted_contrast(
                    data, impute(data, model, each, rng=rng), 2, 1
                )
                again = adjusted_contrast(sample, impute(sample, model, each), 2, 1)[0]
                for values, value in zip(drawn[each], (estimate, variance, again), strict=True):
                    values.append(value)
        for each in ASSUMPTIONS:
            estimate, se, df, _ = rubin(drawn[each][0], drawn[each][1], df)
            found = t_estimate(estimate, se, df)
            spread = float(np.std(drawn[each][2], ddof=1))
            half = float(stats.t.ppf(0.975, draws - 1)) * spread
            held[f"{each}, coverage by Rubin"].append(found.ci_low <= truth <= found.ci_high)
            held[f"{each}, coverage by bootstrap"].append(abs(estimate - truth) <= half)
            errors[each].append((estimate, se, spread))
    setting = (
        f"3 arms of 100, a quarter of HRT stop after 1 year and jump, truth {truth:g} years, "
        f"{draws} imputations and bootstrap samples"
    )
    for name, hits in held.items():
        yield shown("imputation", setting, name, np.array(hits)) | {"expected": 0.95}
    for name, values in errors.items():
        table = np.array(values)
        spread = float(table[:, 0].std(ddof=1))
        for quantity, found, error in (
            ("mean estimate", table[:, 0].mean(), spread / np.sqrt(n_trials)),
            ("SD over trials", spread, spread / np.sqrt(2 * n_trials)),
            ("mean error by Rubin", *_mean(table[:, 1])),
            ("mean error by bootstrap", *_mean(table[:, 2])),
        ):
            expected = truth if quantity == "mean estimate" else ""
            numbers = (n_trials, expected, float(found), float(error), "shown")
            yield row("imputation", setting, f"{name}, {quantity}", *numbers)


def _mean(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _with_stops(rng: np.random.Generator, gain: float, stop: float) -> ImputationData:
    n = N_ARM * len(ARMS)
    arm = np.repeat(np.arange(3), N_ARM)
    level = rng.normal(0, 5, n)
    first = level + rng.normal(0, 3, n)
    stops = (rng.random(n) < stop) & (arm == 2)
    effect = np.where(arm == 2, gain, 0.0)[:, None] * np.ones((1, 2))
    effect[stops, 1] = 0.0
    gap = level[:, None] + effect + rng.normal(0, 3, (n, 2))
    change = gap - first[:, None]
    change[stops, 1] = np.nan
    stopped = np.zeros((n, 2), dtype=bool)
    stopped[stops, 1] = True
    gone = (rng.random(n) < MISSING) & (arm == 0)
    change[gone, 1] = np.nan
    return ImputationData(
        ids=np.arange(n),
        arm=arm,
        covariates=(first - first.mean())[:, None],
        change=change,
        stopped=stopped,
        arms=ARMS,
        visits=VISITS,
    )


QUESTIONS: dict[str, Question] = {"contrasts": contrasts, "imputation": imputation}

if __name__ == "__main__":
    run(QUESTIONS, __doc__, draws=40)
