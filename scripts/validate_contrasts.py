"""Simulate trials: do named contrasts, joint tests, moderators and imputation keep their word?

    python scripts/validate_contrasts.py [--trials 2000] [--imputed 500] [--draws 25] [--seed 1]

Three arms of 100 people, two follow-ups, a tenth of the visits missing. Null: no arm differs; the
share of p < .05 should be .05. Planted: an effect of HRT that depends on a moderator; intervals
should cover the planted interaction in 95 %. Imputation: HRT's gain is lost by those who stop (jump
to reference is true); coverage of the true contrast by Rubin's rules and by the bootstrap is shown,
not asserted.
Each figure is printed with its Monte-Carlo error.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

import numpy as np
import pandas as pd

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
N_ARM, MISSING, INTERACTION = 100, 0.1, -0.5
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


def levels(n_trials: int, seed: int) -> None:
    """Print the share of p < .05 where nothing is there, and coverage of a planted interaction."""
    below: dict[str, list[bool]] = defaultdict(list)
    covered: list[bool] = []
    moderator = ModeratorOptions(variable="moderator")
    for trial in range(n_trials):
        rng = np.random.default_rng([seed, trial])
        changes, design = draw_changes(rng, 0.0)
        fit = fit_changes(changes, design).fit
        for each in linear_contrasts(design.options):
            weights = contrast_weights_of(fit, dict(each.arms), dict(each.visits))
            below[each.name].append(fit.estimate(weights).p_value < 0.05)
        for name, _, test in joint_tests(fit):
            below[f"joint: {name}"].append(test.p_value < 0.05)
        rows = pd.DataFrame(moderator_rows(changes, design, moderator))
        hrt = (rows["row"] == "interaction") & (rows["arm"] == "HRT")
        one = rows[hrt & (rows["visit"] == "2 years")].iloc[0]
        below["moderator: interaction, HRT, 2 years"].append(one["p_value"] < 0.05)
        joint = rows[rows["row"] == "joint test"].iloc[0]
        below["moderator: joint test"].append(joint["p_value"] < 0.05)
        changes, design = draw_changes(rng, INTERACTION)
        rows = pd.DataFrame(moderator_rows(changes, design, moderator))
        hrt = (rows["row"] == "interaction") & (rows["arm"] == "HRT")
        one = rows[hrt & (rows["visit"] == "2 years")].iloc[0]
        covered.append(one["ci_low"] <= INTERACTION <= one["ci_high"])
    for name, values in below.items():
        print(f"p < .05 where nothing is there, {name}: {share(values)}")
    print(f"interval covers the planted interaction of {INTERACTION}: {share(covered)}")


def coverage(n_trials: int, n_draws: int, seed: int) -> None:
    """Print how often Rubin's and the bootstrap's interval cover where those who stop jump."""
    held: dict[str, list[bool]] = defaultdict(list)
    errors: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    # A quarter of HRT stop after year 1 and are then as control: the truth of a jump.
    gain, stop = -2.0, 0.25
    truth = gain * (1 - stop)
    for trial in range(n_trials):
        rng = np.random.default_rng([seed, 7, trial])
        data = _with_stops(rng, gain, stop)
        drawn = {each: ([], [], []) for each in ASSUMPTIONS}
        for _ in range(n_draws):
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
            held[f"{each}, Rubin"].append(found.ci_low <= truth <= found.ci_high)
            half = 1.96 * spread
            held[f"{each}, bootstrap"].append(abs(estimate - truth) <= half)
            errors[each].append((estimate, se, spread))
    for name, values in held.items():
        print(f"covers the truth of a jump to reference ({truth:g} years), {name}: {share(values)}")
    for name, values in errors.items():
        table = np.array(values)
        print(
            f"{name}: mean estimate {table[:, 0].mean():.3f}, SD over trials "
            f"{table[:, 0].std(ddof=1):.3f}, mean error by Rubin {table[:, 1].mean():.3f}, by "
            f"bootstrap {table[:, 2].mean():.3f}"
        )


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


def share(values: list[bool]) -> str:
    """Return a share with its Monte-Carlo error, in percent."""
    p = float(np.mean(values))
    return f"{100 * p:.1f} % (error {100 * np.sqrt(p * (1 - p) / len(values)):.1f}, {len(values)})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--imputed", type=int, default=500)
    parser.add_argument("--draws", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.trials:
        levels(options.trials, options.seed)
    if options.imputed:
        coverage(options.imputed, options.draws, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
