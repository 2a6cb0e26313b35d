"""Closed forms of power against drawn trials, each analysed.

Run:  python scripts/validate_power.py [--trials 2000] [--only power,repeated]
Writes rows of docs/validation/trial_questions.tsv.

Change scores and analysis of covariance are drawn and analysed by `simulated_power`; the
repeated-measures rows are trials with every visit drawn, people leaving in equal parts before each,
analysed by the package's own model with one covariance for both arms.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from validation_rows import Question, Row, row, run

from brainage.trial import TrialShape, given_noise, simulated_power, trial_power
from brainage.trial.models.mmrm import fit_mmrm

EFFECT_YEARS, SD_CHANGE_YEARS, ICC = -2.3, 7.5, 0.7
SHAPES = {
    "equal arms": TrialShape(),
    "two to one, 20 % drop-out": TrialShape(ratio=2.0, drop_out=0.2),
    "6 sites, people randomised": TrialShape(n_sites=6, site_icc=0.15),
    "12 sites randomised": TrialShape(n_sites=12, site_icc=0.05, randomised="sites"),
}
#: Whole sites are not units of the repeated-measures model; there is no such analysis to draw.
REPEATED = (
    ("one follow-up, 20 % drop-out", TrialShape(n_follow_ups=1, drop_out=0.2), 103),
    ("two follow-ups", TrialShape(), 103),
    ("two follow-ups, 20 % drop-out", TrialShape(drop_out=0.2), 60),
    ("two follow-ups, 20 % drop-out", TrialShape(drop_out=0.2), 103),
    ("two follow-ups, two to one, 20 % drop-out", TrialShape(ratio=2.0, drop_out=0.2), 60),
    ("three follow-ups, 40 % drop-out", TrialShape(n_follow_ups=3, drop_out=0.4), 103),
    ("two follow-ups, 6 sites, people randomised", TrialShape(n_sites=6, site_icc=0.15), 60),
)
SIZES = (60, 103)


def power(trials: int, draws: int) -> Iterator[Row]:
    """Change scores and analysis of covariance, people or whole sites randomised."""
    for name, shape in SHAPES.items():
        for n_control in SIZES:
            own = closed_form(shape, n_control)
            for analysis in ("change scores", "ancova"):
                drawn = simulated_power(
                    effect_years=EFFECT_YEARS,
                    sd_change_years=SD_CHANGE_YEARS,
                    icc=ICC,
                    n_control=n_control,
                    shape=shape,
                    analysis=analysis,
                    n_trials=2 * trials,
                    seed=8,
                )
                where = f"{name}, {n_control} in control"
                yield judged("power", where, analysis, own[analysis], drawn.power, 2 * trials)


def repeated(trials: int, draws: int) -> Iterator[Row]:
    """Repeated measures, with drop-out before every visit."""
    for name, shape, n_control in REPEATED:
        rng = np.random.default_rng([10, n_control])
        found = np.mean([rejects(shape, n_control, rng) for _ in range(trials)])
        where = f"{name}, {n_control} in control"
        own = closed_form(shape, n_control)["mmrm"]
        yield judged("power, repeated measures", where, "mmrm", own, float(found), trials)


def closed_form(shape: TrialShape, n_control: int) -> pd.Series:
    """Return power of each analysis on the clock's scale."""
    noise = given_noise(sd_change_years=SD_CHANGE_YEARS, icc=ICC)
    table = trial_power(effect_years=EFFECT_YEARS, noise=noise, shape=shape, n_control=n_control)
    return table[table["effect_read_as"] == "clock scale"].set_index("analysis")["power"]


def judged(question: str, setting: str, analysis: str, closed: float, found: float, n: int) -> Row:
    """Return a row, and whether closed form and drawn trials lie within 2 points."""
    error = float(np.sqrt(found * (1 - found) / n))
    word = "within 2 points" if abs(found - closed) <= 0.02 else "beyond 2 points"
    quantity = f"{analysis}, {EFFECT_YEARS:g} years"
    return row(question, setting, quantity, n, float(closed), found, error, word)


def rejects(shape: TrialShape, n_control: int, rng: np.random.Generator) -> bool:
    """Draw one trial with every visit, and test the last one by the repeated-measures model."""
    n_arm, n_control = shape.sizes(n_control)
    n, k = n_arm + n_control, shape.n_follow_ups
    arm = np.repeat(["HRT", "CON"], [n_arm, n_control])
    sd = SD_CHANGE_YEARS / np.sqrt(2 * (1 - ICC))
    level = np.sqrt(ICC) * rng.standard_normal((n, 1))
    gap = sd * (level + np.sqrt(1 - ICC) * rng.standard_normal((n, k + 1)))
    site = np.concatenate([np.arange(n_arm), np.arange(n_control)]) % shape.n_sites
    # A site moves its people at every later visit: the share that `site_icc` says of what is
    # left after baseline, taken off what people vary by themselves.
    left = gap[:, 1:] - ICC * gap[:, :1]
    shift = sd * np.sqrt((1 - ICC**2) * shape.site_icc) * rng.standard_normal(shape.n_sites)
    gap[:, 1:] = (
        ICC * gap[:, :1]
        + np.sqrt(1 - shape.site_icc) * left
        + shift[site][:, None]
        + EFFECT_YEARS * (arm == "HRT")[:, None]
    )
    stays = np.full(n, k)
    leaves = rng.random(n) < shape.drop_out
    stays[leaves] = rng.integers(0, k, leaves.sum())
    person, visit = np.nonzero(np.arange(k) < stays[:, None])
    table = pd.DataFrame(
        {
            "participant_id": person.astype(str),
            "arm": arm[person],
            "visit": visit.astype(str),
            "baseline_gap": gap[person, 0],
            "site": site[person].astype(str),
            "change": gap[person, visit + 1] - gap[person, 0],
        }
    )
    fit = fit_mmrm(
        table,
        response="change",
        arms=("CON", "HRT"),
        visits=tuple(str(v) for v in range(k)),
        covariates=("baseline_gap", "site")[: 1 + (shape.n_sites > 1)],
        crossed_with_visit=("baseline_gap",),
        covariance_by_arm=False,
        errors="model",
    )
    return fit.contrast("HRT", str(k - 1)).p_value <= shape.alpha


QUESTIONS: dict[str, Question] = {"power": power, "repeated": repeated}

if __name__ == "__main__":
    run(QUESTIONS, __doc__, draws=0)
