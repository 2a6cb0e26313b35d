"""Validate the questions beside the primary contrast by simulation.

Run:  python scripts/validate_questions.py [--trials 2000] [--draws 499] [--only dose,trend]
Writes rows of docs/validation/trial_questions.tsv: one a quantity, with its Monte-Carlo error.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats
from validation_rows import Question, Row, rate, row, run, shown

from brainage.trial import (
    TrialDesign,
    TrialOptions,
    complier_effect,
    partial_correlation,
    pearson,
    repeated_measures_correlation,
    slopes_by_arm,
    spearman,
    trend_weights,
    variance_components,
    westfall_young,
)
from brainage.trial.analyses.network_table import visit_changes
from brainage.trial.analyses.redrawn import ManyResponses, redraw_labels
from brainage.trial.analyses.specificity import specificity_rows
from brainage.trial.models.mmrm import fit_mmrm

ARMS = ("CON", "MIT", "HRT")


def design_of(n: int, arms: tuple[str, ...] = ("CON", "HRT")) -> TrialDesign:
    """Return a design of n people in equal arms, one later visit."""
    allocation = pd.DataFrame(
        {"participant_id": [f"{i}" for i in range(n)], "arm": np.resize(arms, n)}
    )
    options = TrialOptions.model_validate(
        {
            "arms": list(arms),
            "control_arm": arms[0],
            "primary_visit": "end",
            "visits": [
                {"label": "start", "session_id": "1", "nominal_years": 0.0},
                {"label": "end", "session_id": "2", "nominal_years": 1.0},
            ],
        }
    )
    return TrialDesign.from_options(options, allocation)


def trend(trials: int, draws: int) -> Iterator[Row]:
    """Trend over three arms from the repeated-measures model, at two sizes."""
    weights = trend_weights(ARMS)
    for n_per_arm in (30, 103):
        rng, rejected, inside = np.random.default_rng(1), [], []
        for _ in range(trials):
            data = _long_trial(n_per_arm, rng)
            fit = fit_mmrm(
                data,
                response="change",
                arms=ARMS,
                visits=("1", "2"),
                covariates=("baseline_gap",),
                crossed_with_visit=("baseline_gap",),
                covariance_by_arm=True,
            )
            combined = sum(w * fit.frame.weights_of(arm, "2") for arm, w in weights.items())
            found = fit.estimate(combined)
            rejected.append(found.p_value <= 0.05)
            inside.append(found.ci_low <= 0 <= found.ci_high)
        setting = f"{n_per_arm} an arm, HRT twice as noisy, 10 % missing"
        yield rate("trend", setting, "size at 5 %", np.array(rejected), 0.05)
        yield rate("trend", setting, "coverage at 95 %", np.array(inside), 0.95)


def _long_trial(n_per_arm: int, rng: np.random.Generator) -> pd.DataFrame:
    n = 3 * n_per_arm
    arm = np.resize(ARMS, n)
    person = rng.normal(0, 3.5, n)
    noise = rng.normal(0, 2.5, (n, 3)) * np.where(arm == "HRT", 2.0, 1.0)[:, None]
    gap = person[:, None] + noise
    tables = [
        pd.DataFrame(
            {
                "participant_id": np.arange(n).astype(str),
                "arm": arm,
                "visit": str(k),
                "baseline_gap": gap[:, 0],
                "change": gap[:, k] - gap[:, 0],
            }
        )[rng.random(n) >= 0.1]
        for k in (1, 2)
    ]
    return pd.concat(tables, ignore_index=True)


def association(trials: int, draws: int) -> Iterator[Row]:
    """Correlations and slopes of unrelated changes, arms with their own means and spreads."""
    rng = np.random.default_rng(2)
    for n_per_arm in (20, 60):
        seen: dict[str, list[bool]] = {}
        for _ in range(trials):
            people = _pairs(n_per_arm, rng)
            own = people[people["arm"] == "HRT"]
            moved, change = own["strength"].to_numpy(), own["change"].to_numpy()
            given = np.column_stack(
                [
                    *(people["arm"] == arm for arm in ARMS[1:]),
                    people["baseline_gap"],
                    people["strength_0"],
                ]
            ).astype(float)
            all_moved, all_change = (people[c].to_numpy() for c in ("strength", "change"))
            p_values = {
                "Pearson within an arm": pearson(moved, change).p_value,
                "Spearman within an arm": spearman(moved, change).p_value,
                "partial, pooled, one spread": partial_correlation(
                    all_moved, all_change, given
                ).p_value,
                "partial, pooled, robust": partial_correlation(
                    all_moved, all_change, given, robust=True
                ).p_value,
                "arm x outcome": slopes_by_arm(
                    people,
                    arms=ARMS,
                    outcome_change="strength",
                    covariates=("baseline_gap", "strength_0"),
                ).p_value,
            }
            for name, p in p_values.items():
                seen.setdefault(name, []).append(p <= 0.05)
        setting = f"{n_per_arm} an arm, HRT 1.5 times as noisy"
        for name, hits in seen.items():
            quantity = f"{name}, size at 5 %"
            if name.endswith("one spread"):
                # Not in the tables: shown for what it would do.
                found = shown("association", setting, quantity, np.array(hits))
                yield found | {"expected": 0.05}
            else:
                yield rate("association", setting, quantity, np.array(hits), 0.05)
    hits = []
    for _ in range(trials):
        person = np.repeat(np.arange(40), 3)[rng.random(120) >= 0.1]
        level = rng.normal(0, 5, 40)[person]
        x, y = level + rng.normal(size=len(person)), -level + rng.normal(size=len(person))
        hits.append(repeated_measures_correlation(x, y, person).p_value <= 0.05)
    yield rate(
        "association",
        "40 people, levels correlated -1",
        "rmcorr, size at 5 %",
        np.array(hits),
        0.05,
    )


def _pairs(n_per_arm: int, rng: np.random.Generator) -> pd.DataFrame:
    n = 3 * n_per_arm
    arm = np.resize(ARMS, n)
    noisy = np.where(arm == "HRT", 1.5, 1.0)
    baseline = rng.normal(0, 4, n)
    return pd.DataFrame(
        {
            "arm": arm,
            "baseline_gap": baseline,
            "strength_0": rng.normal(50, 8, n),
            "strength": 3.0 * (arm == "HRT") + rng.normal(0, 4, n) * noisy,
            "change": -1.4 * (arm == "HRT") - 0.3 * baseline + rng.normal(0, 3, n) * noisy,
        }
    )


def dose(trials: int, draws: int) -> Iterator[Row]:
    """Complier effect of -0.02 years a session where people who come differ; thresholds."""
    rng = np.random.default_rng(3)
    found, threshold, weak = [], [], []
    for _ in range(trials):
        people = _trained(200, rng)
        found.append(_complier(people))
        cut = people.assign(sessions=(people["sessions"] >= 25).astype(float))
        effect = -0.02 * people.loc[people["sessions"] >= 25, "sessions"].mean()
        threshold.append(_complier(cut).effect.estimate / effect)
        few = people.assign(sessions=rng.normal(8, 3, 200) + 0.5 * (people["arm"] == "HRT"))
        few = few.assign(change=-0.02 * few["sessions"] + rng.normal(0, 2, 200))
        weak.append(_complier(few))
    setting = "100 an arm, 0 to 40 sessions, who comes often differs"
    estimates = np.array([each.effect.estimate for each in found])
    error = estimates.std(ddof=1) / np.sqrt(trials)
    word = "holds" if abs(estimates.mean() + 0.02) <= 2 * error else "biased"
    yield row("dose", setting, "complier effect", trials, -0.02, estimates.mean(), error, word)
    inside = [each.effect.ci_low <= -0.02 <= each.effect.ci_high for each in found]
    yield rate("dose", setting, "coverage at 95 %", np.array(inside), 0.95)
    yield rate("dose", setting, "Anderson-Rubin coverage", np.array(_covered(found, -0.02)), 0.95)
    ratio = np.array(threshold)
    yield row(
        "dose",
        "the same, treated from 25 sessions on",
        "estimate over the effect of those treated",
        trials,
        "1 if fewer sessions did nothing",
        ratio.mean(),
        ratio.std(ddof=1) / np.sqrt(trials),
        "shown",
    )
    setting = "100 an arm, arm moves half a session (weak)"
    inside = [each.effect.ci_low <= -0.02 <= each.effect.ci_high for each in weak]
    yield rate("dose", setting, "coverage at 95 %", np.array(inside), 0.95)
    yield rate("dose", setting, "Anderson-Rubin coverage", np.array(_covered(weak, -0.02)), 0.95)


def _trained(n: int, rng: np.random.Generator) -> pd.DataFrame:
    arm, ease = np.resize([0, 1], n), rng.normal(size=n)
    sessions = arm * np.clip(np.round(20 + 10 * ease), 0, 40)
    change = -0.02 * sessions + 1.0 * ease + rng.normal(0, 2, n)
    return pd.DataFrame(
        {"arm": np.where(arm, "HRT", "CON"), "sessions": sessions, "change": change}
    )


def _complier(people: pd.DataFrame):
    return complier_effect(people, arm="HRT", control="CON", dose="sessions")


def _covered(found: list, truth: float) -> list[bool]:
    inside = []
    for each in found:
        low, high = each.anderson_rubin_low, each.anderson_rubin_high
        region = each.anderson_rubin_region
        inside.append(
            region == "every value"
            or (region == "interval" and low <= truth <= high)
            or (region == "two rays" and not low < truth < high)
        )
    return inside


def networks(trials: int, draws: int) -> Iterator[Row]:
    """Westfall-Young over 13 networks; false and true 'whole brain, not this network'."""
    design, rng, hits = design_of(120), np.random.default_rng(6), []
    people = design.allocation["participant_id"].to_numpy()
    for trial in range(trials // 2):
        change = rng.normal(size=(120, 1)) + rng.normal(size=(120, 13))
        many = ManyResponses.prepare(change, np.ones((120, 1)))
        redraw = redraw_labels(design, people, arm="HRT", n_draws=draws, seed=trial)
        own = many.studentised(redraw.observed)[0]
        drawn = np.concatenate([many.studentised(batch) for batch in redraw.batches])
        hits.append(westfall_young(own, drawn).min() <= 0.05)
    yield rate("networks", "60 an arm, 13 networks", "Westfall-Young", np.array(hits), 0.05)
    for latent in ((-3.0, -3.0), (-3.0, 0.0)):
        yield from _specific(latent, trials // 2, draws)


def _specific(latent: tuple[float, float], trials: int, draws: int) -> Iterator[Row]:
    design, rng = design_of(206), np.random.default_rng(7)
    shares = {"whole_brain": (0.6, 0.03), "motor": (0.3, 0.03)}
    noise = {"whole_brain": 3.0, "motor": 3.5}
    claimed, by_p, inside = [], [], []
    for trial in range(trials):
        tables, p_values, clocks = [], [], {}
        for (name, (share, se)), effect in zip(shares.items(), latent, strict=True):
            clocks[name] = {"share": share + se * rng.normal(), "share_se": se}
            clocks[name]["share_kind"] = "planted"
            table = _scores(design, rng).assign(network=name)
            treated = (table["arm"] == "HRT").to_numpy()
            change = share * effect * treated + rng.normal(0, noise[name], len(table))
            tables.append(table.assign(change=change))
            p_values.append(stats.ttest_ind(change[treated], change[~treated]).pvalue)
        changes = visit_changes(pd.concat(tables, ignore_index=True), design, "end")
        found = specificity_rows(
            changes,
            design,
            clocks,
            arm="HRT",
            visit="end",
            whole_brain="whole_brain",
            margin_years=2.0,
            n_bootstraps=400,
            n_draws=99,
            seed=trial,
        ).iloc[0]
        claimed.append(found["claimed"])
        by_p.append(p_values[0] <= 0.05 < p_values[1])
        truth = latent[0] - latent[1]
        inside.append(found["ci_low_latent_years"] <= truth <= found["ci_high_latent_years"])
    same = latent[0] == latent[1]
    where = "everywhere the same" if same else "in the whole brain's clock alone"
    setting = f"103 an arm, {latent[0]:g} latent years, {where}"
    yield rate("networks", setting, "coverage of the difference", np.array(inside), 0.95)
    for name, hits in (("claimed", claimed), ("'significant here, not there'", by_p)):
        found = shown("networks", setting, name, np.array(hits))
        yield found | ({"expected": 0.0} if same else {})


def _scores(design: TrialDesign, rng: np.random.Generator) -> pd.DataFrame:
    n = len(design.allocation)
    return design.allocation.assign(
        visit="end",
        baseline_gap=rng.normal(0, 4, n),
        baseline_age=rng.uniform(62, 70, n),
        sex="F",
        site="one",
    )


def reliability(trials: int, draws: int) -> Iterator[Row]:
    """Coverage of the intervals where visits are missing."""
    rng, inside = np.random.default_rng(9), {"ICC(A,1)": [], "ICC(C,1)": []}
    for trial in range(trials // 2):
        values = rng.normal(0, 4, (103, 1)) + rng.normal(0, 3, (103, 3))
        values[rng.random((103, 3)) < 0.15] = np.nan
        found = variance_components(values, n_bootstraps=400, seed=trial)
        inside["ICC(C,1)"].append(found.icc_consistency_low <= 0.64 <= found.icc_consistency_high)
        inside["ICC(A,1)"].append(found.icc_agreement_low <= 0.64 <= found.icc_agreement_high)
    for name, hits in inside.items():
        setting = "103 people, 3 visits, 15 % missing"
        yield rate("reliability", setting, f"coverage of {name}", np.array(hits), 0.95)


QUESTIONS: dict[str, Question] = {
    "trend": trend,
    "association": association,
    "dose": dose,
    "networks": networks,
    "reliability": reliability,
}

if __name__ == "__main__":
    run(QUESTIONS, __doc__, draws=499)
