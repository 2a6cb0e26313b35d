"""Does choosing a ridge's penalty by participants lower the participants of a simulated trial?

    python scripts/choose_by_participants.py --seeds 1 2 3 --people 250 --parcels 60

A reference cohort and a trial without any effect are drawn with the twin's difficulty, once without
and once with stable traits. The ridge is chosen by its error and by participants, both inside
training sets; each chosen ridge is then frozen and meets the trial: people needed per arm are
2 (1.96 + 0.84)^2 Var(change between two visits) / (rise of the prediction a planted year)^2, with
nothing of the halves in it. Prints a line a seed and choice, then by traits the mean of
log(participants by participants / by error) over seeds with its standard error. --frontier prints
every candidate of the first seed, --figure draws them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from brainage.clock import ClockOptions, PartOfScans, PlantedScans, ScanParts, ValidationOptions
from brainage.clock.evaluation.choose_by import ChoiceByParticipants, choose_by_participants
from brainage.clock.training.efficiency import measure_efficiency
from brainage.connectivity import FeatureTable, build_features, build_half_features
from brainage.report import figure_of, plot_frontier
from brainage.synthetic import SyntheticStudy, make_study, twin_options
from brainage.synthetic.options import ArmPlan, ReferenceOptions, TrialPlan, VisitPlan

SHIFT_YEARS, STATE_SD_YEARS = 5.0, 2.0
PENALTIES = tuple(np.geomspace(1e-3, 1e3, 13).tolist())


def drawn(seed: int, traits: float, n_people: int, n_parcels: int) -> SyntheticStudy:
    """Return a reference cohort and a one-arm trial of two visits without effect."""
    twin = twin_options()
    visits = (
        VisitPlan(session_id="a", nominal_years=0.0),
        VisitPlan(session_id="b", nominal_years=1.0),
    )
    arm = ArmPlan(name="control", n=n_people // 2, effects_years=(0.0,))
    own = {"trait_connectivity": traits, "state_sd_years": STATE_SD_YEARS}
    changed = {
        "n_parcels": n_parcels,
        "reference": ReferenceOptions(n=n_people, n_sites=4),
        "trial": TrialPlan(arms=(arm,), visits=visits),
        "difficulty": twin.difficulty.model_copy(update=own),
    }
    return make_study(twin.model_copy(update=changed), seed=seed)


def features_of(study: SyntheticStudy, cohort: str, shift_years: float = 0.0) -> FeatureTable:
    """Return Fisher z of a cohort's scans, their brain age planted higher by some years."""
    return build_features(series_of(study, cohort, shift_years), people_of(study, cohort))


def series_of(study: SyntheticStudy, cohort: str, shift_years: float = 0.0) -> list:
    """Return a cohort's series, same noise whatever the shift."""
    rows = [row.copy() for _, row in study.scans(cohort).iterrows()]
    for row in rows:
        row["brain_age_years"] += shift_years
    return [study.make_series(row) for row in rows]


def people_of(study: SyntheticStudy, cohort: str) -> pd.DataFrame:
    """Return who was scanned when."""
    return study.scans(cohort)[["participant_id", "session_id", "age_years", "site"]]


def chosen(study: SyntheticStudy, seed: int) -> ChoiceByParticipants:
    """Choose on the reference cohort."""
    whole = features_of(study, "reference")
    halves = build_half_features(
        series_of(study, "reference"), people_of(study, "reference"), whole, views=("fisher_z",)
    )
    older = features_of(study, "reference", SHIFT_YEARS)["fisher_z"].values
    planted = PlantedScans(PartOfScans({"fisher_z": older}), SHIFT_YEARS)
    validation = ValidationOptions(n_folds=5, n_bootstrap=0)
    options = ClockOptions(penalties=PENALTIES, validation=validation)
    return choose_by_participants(whole, ScanParts(halves, planted), options, seed=seed)


def simulated(study: SyntheticStudy, model: tuple[np.ndarray, float]) -> tuple[float, float]:
    """Return participants per arm of a simulated trial by one frozen ridge, and its share."""
    weights, intercept = model
    trial, older = (features_of(study, "trial", shift) for shift in (0.0, SHIFT_YEARS))
    rows = trial.rows[["participant_id", "session_id"]]
    own, moved = (each["fisher_z"].values @ weights + intercept for each in (trial, older))
    wide = rows.assign(years=own).pivot(
        index="participant_id", columns="session_id", values="years"
    )
    share = float(np.mean(moved - own)) / SHIFT_YEARS
    change = (wide["b"] - wide["a"]).var(ddof=1)
    return 2 * 7.849 * change / share**2, share


def main() -> None:
    """Draw, choose, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="one draw each")
    parser.add_argument("--people", type=int, default=250, help="of the reference")
    parser.add_argument("--parcels", type=int, default=60, help="of seitzman300's")
    parser.add_argument("--traits", type=float, nargs="+", default=[0.0, 0.05], help="strengths")
    parser.add_argument("--frontier", action="store_true", help="print every candidate once")
    parser.add_argument("--figure", type=Path, help="where to draw the frontier (.png, .svg)")
    asked = parser.parse_args()
    for traits in asked.traits:
        ratios = []
        for seed in asked.seeds:
            study = drawn(seed, traits, asked.people, asked.parcels)
            found = chosen(study, seed)
            people = {}
            for name, model in found.models.items():
                marks = found.frontier["chosen_by"].fillna("")
                row = found.frontier[marks.str.contains(name)]
                needed, share = simulated(study, model)
                people[name] = needed
                nested = measure_efficiency(found.halves[name], n_bootstrap=0)
                figures = nested.set_index("measure")["estimate"]
                told = row.iloc[0][["weight", "penalty"]].to_dict()
                table = found.halves[name]
                mae = (table["whole_years"] - table["age_years"]).abs().mean()
                print(
                    f"traits {traits:g} seed {seed} by {name}: {told}, nested MAE {mae:.2f}, "
                    f"share planted {figures['share_planted']:.3f} within site "
                    f"{figures['share_within_site']:.3f}, latent noise "
                    f"{figures['latent_noise_years']:.2f}; simulated trial: {needed:.0f} per arm, "
                    f"share {share:.3f}",
                    flush=True,
                )
            ratios.append(people["participants"] / people["error"])
            if seed == asked.seeds[0]:
                show_frontier(found.frontier, traits, asked)
        print_ratio(traits, np.log(ratios))


def show_frontier(frontier: pd.DataFrame, traits: float, asked: argparse.Namespace) -> None:
    """Print and draw every candidate, where that is asked for."""
    if asked.frontier:
        print(frontier.round(3).to_string(index=False), flush=True)
    if asked.figure:
        path = asked.figure.with_stem(f"{asked.figure.stem}_traits_{traits:g}")
        figure_of(plot_frontier(frontier)).savefig(path, dpi=110)


def print_ratio(traits: float, logs: np.ndarray) -> None:
    """Print the geometric mean over seeds with a 95 % interval (t) of its Monte-Carlo error."""
    line = f"traits {traits:g}, {len(logs)} draws: people by participants / by error "
    if len(logs) > 1:
        reach = stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
        low, high = np.exp([logs.mean() - reach, logs.mean() + reach])
        line += f"{np.exp(logs.mean()):.3f} [{low:.3f}, {high:.3f}]"
    print(line, flush=True)


if __name__ == "__main__":
    main()
