"""Do the contrasts' 95 % intervals cover the clock-scale truth on LISA twins?

For each reference cohort one clock is trained and frozen, a pool of people is scored once under
every arm (feature level), and trials are redrawn from the pool with the planned allocation and
drop-out. Every contrast is judged against the clock-scale truth (the mean change in the frozen
clock's prediction when the same scans, same noise, are made with and without the effect), and its
recovered share of the planted latent years is printed, uncorrected and slope-corrected.

    python scripts/validate_twin.py OUT [--cohorts 5] [--trials 1000] [--reference 2433]
                                    [--pool 3000] [--jobs 2] [--table docs/validation.md]

Resumable: a cohort's bank of scores and its trials are files in OUT. --trials is the total.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import (
    AgeBiasCorrector,
    BrainClock,
    ClockOptions,
    cross_validate_clock,
    fit_clock,
)
from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.files import atomic_path, write_json, write_text
from brainage.synthetic import ScoreBank, draw_score_bank, make_study, twin_options
from brainage.trial.models.mmrm import fit_frame
from brainage.trial.models.model_frame import build_model_frame

ARMS, LATER = ("CON", "MIT", "HRT"), ("1y", "2y")
SEED = 4200


@dataclass(frozen=True)
class FrozenScore:
    """Fisher z rows to predicted ages by one frozen clock; arm and age are not given to it."""

    clock: BrainClock
    spec: ViewSpec

    def __call__(self, values: np.ndarray) -> np.ndarray:
        n = len(values)
        rows = pd.DataFrame(
            {
                "participant_id": [f"s{i}" for i in range(n)],
                "session_id": "n/a",
                "age_years": 66.0,
                "sex": "F",
                "site": "lisa",
                "scanner": "lisa",
                "family_id": None,
                "mean_fd_mm": 0.2,
                "retained_s": 600.0,
            }
        )
        table = FeatureTable({"fisher_z": View(np.asarray(values, np.float32), self.spec)}, rows)
        return self.clock.score(table)["predicted_age_years"].to_numpy()


def bank_of(out: Path, cohort: int, options) -> tuple[ScoreBank, dict]:
    """Return a cohort's bank of scores and the facts of its clock, made or read."""
    study_options = twin_options()
    reference = study_options.reference.model_copy(update={"n": options.reference})
    study_options = study_options.model_copy(update={"reference": reference})
    plan = study_options.trial
    stem = out / f"cohort{cohort}_ref{options.reference}_pool{options.pool}"
    arrays, facts = stem.with_suffix(".npz"), stem.with_suffix(".json")
    if not facts.exists():
        bank, found = _make_bank(study_options, cohort, options)
        with atomic_path(arrays) as temporary:
            np.savez(
                temporary,
                age=bank.age_years,
                without=bank.without_years,
                **{f"predicted_{a}": v for a, v in bank.predicted_years.items()},
                **{f"effect_{a}": v for a, v in bank.effect_years.items()},
            )
        write_json(facts, found)
    with np.load(arrays) as stored:
        bank = ScoreBank(
            plan,
            stored["age"],
            {a: stored[f"predicted_{a}"] for a in ARMS},
            stored["without"],
            {a: stored[f"effect_{a}"] for a in ARMS},
        )
    return bank, json.loads(facts.read_text())


def _make_bank(study_options, cohort: int, options) -> tuple[ScoreBank, dict]:
    study = make_study(study_options, seed=SEED + cohort)
    features = study.features("reference", n_jobs=options.jobs)
    cv = cross_validate_clock(features, ClockOptions(), seed=cohort, n_jobs=options.jobs)
    clock = fit_clock(features, ClockOptions(), cv=cv, seed=cohort, n_jobs=options.jobs)
    age, predicted = (
        cv.predictions[name].to_numpy(float) for name in ("age_years", "predicted_age_years")
    )
    slope = AgeBiasCorrector("slope").fit(age, predicted)
    facts = {
        "clock_id": clock.clock_id,
        "r": float(np.corrcoef(age, predicted)[0, 1]),
        "mae_years": float(np.abs(age - predicted).mean()),
        "slope": float(slope.coefficients_[1]),
    }
    score = FrozenScore(clock, features.views["fisher_z"].spec)
    bank = draw_score_bank(
        study, score, n_people=options.pool, seed=SEED + 100 + cohort, n_jobs=options.jobs
    )
    return bank, facts


def analyse(bank: ScoreBank, seed: int) -> list[tuple]:
    """Return (arm, visit, estimate, se, ci_low, ci_high, p) of one redrawn trial's contrasts."""
    scans = bank.draw_trial(seed)
    scans = scans[scans["scanned"]]
    gap = scans["predicted_age_years"] - scans["age_years"]
    first = scans["session_id"] == "baseline"
    known = pd.DataFrame(
        {
            "participant_id": scans.loc[first, "participant_id"],
            "baseline_gap": gap[first],
            "baseline_age": scans.loc[first, "age_years"],
        }
    )
    data = scans.assign(gap=gap, visit=scans["session_id"]).merge(known, on="participant_id")
    data["change"] = data["gap"] - data["baseline_gap"]
    frame = build_model_frame(
        data[data["visit"] != "baseline"],
        response="change",
        arms=ARMS,
        visits=LATER,
        covariates=("baseline_gap", "baseline_age", "sex"),
        crossed_with_visit=("baseline_gap", "baseline_age"),
    )
    fit = fit_frame(frame)
    rows = []
    for arm in ARMS[1:]:
        for visit in LATER:
            found = fit.contrast(arm, visit)
            rows.append(
                (arm, visit, found.estimate, found.se, found.ci_low, found.ci_high, found.p_value)
            )
    return rows


COLUMNS = ["arm", "visit", "estimate", "se", "ci_low", "ci_high", "p"]


def trials_of(out: Path, cohort: int, bank: ScoreBank, options) -> pd.DataFrame:
    """Return a cohort's redrawn trials with the truths beside them, made or read."""
    n = options.trials // options.cohorts
    path = out / f"trials{cohort}_ref{options.reference}_pool{options.pool}_n{n}.tsv"
    if not path.exists():
        rows = [row for k in range(n) for row in analyse(bank, SEED + 10_000 * cohort + k)]
        with atomic_path(path) as temporary:
            pd.DataFrame(rows, columns=COLUMNS).to_csv(temporary, sep="\t", index=False)
    truth = bank.clock_scale_years().rename(columns={"session_id": "visit"})
    return pd.read_csv(path, sep="\t").merge(truth, on=["arm", "visit"]).assign(cohort=cohort)


def markdown(trials: pd.DataFrame, facts: list[dict]) -> str:
    """Return the table of docs/validation.md."""
    clocks = "; ".join(
        f"r {f['r']:.2f}, MAE {f['mae_years']:.1f}, slope {f['slope']:.2f}" for f in facts
    )
    lines = [
        f"Clocks (out of fold): {clocks}.",
        "",
        "| arm | visit | planted | clock-scale truth | mean estimate (MC error) | covered % "
        "(MC error) | power % | sensitivity: none = offset | sensitivity: slope |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    slopes = np.array([f["slope"] for f in facts])
    for (arm, visit), own in trials.groupby(["arm", "visit"]):
        truth = own["clock_scale_years"]
        covered = ((own["ci_low"] <= truth) & (truth <= own["ci_high"])).mean()
        share = truth / own["planted_years"]
        lines.append(
            f"| {arm} | {visit} | {own['planted_years'].mean():.2f} | {truth.mean():.2f} | "
            f"{own['estimate'].mean():.2f} ({own['estimate'].std() / np.sqrt(len(own)):.2f}) | "
            f"{100 * covered:.1f} ({100 * np.sqrt(covered * (1 - covered) / len(own)):.1f}) | "
            f"{100 * (own['p'] < 0.05).mean():.0f} | {100 * share.mean():.0f} % | "
            f"{100 * (share / slopes[own['cohort']]).mean():.0f} % |"
        )
    inside = (trials["ci_low"] <= trials["clock_scale_years"]) & (
        trials["clock_scale_years"] <= trials["ci_high"]
    )
    per = ", ".join(
        f"{100 * inside[trials['cohort'] == c].mean():.1f}"
        for c in sorted(trials["cohort"].unique())
    )
    n = len(trials) // (2 * len(LATER))
    return "\n".join(
        [
            *lines,
            "",
            f"{n} trials over {len(facts)} cohorts; all contrasts covered "
            f"{100 * inside.mean():.1f} %, by cohort {per} %.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--cohorts", type=int, default=5)
    parser.add_argument("--trials", type=int, default=1000, help="in all")
    parser.add_argument("--reference", type=int, default=2433)
    parser.add_argument("--pool", type=int, default=3000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--table", type=Path, help="markdown file with the twin's markers")
    options = parser.parse_args()
    began = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    facts, trials = [], []
    for cohort in range(options.cohorts):
        bank, found = bank_of(options.out, cohort, options)
        facts.append(found)
        trials.append(trials_of(options.out, cohort, bank, options))
        print(f"cohort {cohort}: {time.monotonic() - began:.0f} s", flush=True)
    text = markdown(pd.concat(trials), facts)
    print(text)
    if options.table is not None:
        before, _, rest = options.table.read_text().partition("<!-- twin begins -->")
        after = rest.partition("<!-- twin ends -->")[2]
        size = (
            f"`--reference {options.reference} --pool {options.pool} --cohorts "
            f"{options.cohorts} --trials {options.trials}`"
        )
        write_text(
            options.table,
            f"{before}<!-- twin begins -->\n\nSize: {size}.\n\n{text}\n\n<!-- twin ends -->{after}",
        )
    print(f"wall time {time.monotonic() - began:.0f} s, {options.jobs} jobs")


if __name__ == "__main__":
    main()
