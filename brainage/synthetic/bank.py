"""Thousands of trials for one frozen clock: potential scores of many people, drawn once.

Scoring is what takes time, so a large pool of people is scored once under every arm, scan by scan
from the generative model itself; a trial is then a random draw of people, an allocation by the
planned scheme, and the drop-out that the observed gaps lead to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import delayed
from threadpoolctl import threadpool_limits

from brainage.errors import DesignError
from brainage.progress import Progress, silent
from brainage.showing import Shown
from brainage.synthetic.options import TrialPlan
from brainage.synthetic.people import (
    allocate,
    draw_attendance,
    draw_dose,
    draw_trial_people,
    person_effects,
)
from brainage.synthetic.seeds import stream
from brainage.synthetic.signal import fisher_z_rows
from brainage.synthetic.study import SyntheticStudy, make_study
from brainage.workers import processes

_CHUNK = 16

#: A frozen clock: Fisher z (n, n_edges), float32 -> predicted ages (n,), years.
Score = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, repr=False)
class ScoreBank(Shown):
    """Predicted ages of n people at every visit, had they been in each arm.

    Parameters
    ----------
    plan : TrialPlan
        Arms, visits, allocation and drop-out of the trials drawn from it.
    age_years : ndarray of shape (n, n_visits)
        Age at each scan.
    predicted_years : dict of str to ndarray of shape (n, n_visits)
        Arm -> the frozen clock's prediction of each scan in that arm.
    without_years : ndarray of shape (n, n_visits)
        The same scans, same noise, without any arm's effect.
    effect_years : dict of str to ndarray of shape (n, n_visits)
        Arm -> planted effect, latent years.

    Examples
    --------
    >>> from brainage.synthetic import draw_score_bank
    >>> small = ba.tiny_options().model_copy(update={"n_parcels": 8, "n_volumes": 40})
    >>> study = ba.make_study(small, seed=0)
    >>> bank = draw_score_bank(study, lambda edges: 60 + edges.mean(axis=1), n_people=24, seed=0)
    >>> bank.draw_trial(seed=1).groupby("arm").size().to_dict()
    {'CON': 24, 'HRT': 24, 'MIT': 24}
    """

    plan: TrialPlan
    age_years: np.ndarray
    predicted_years: dict[str, np.ndarray]
    without_years: np.ndarray
    effect_years: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.age_years)

    def clock_scale_years(self) -> pd.DataFrame:
        """Return arm, session_id, planted_years, clock_scale_years of the whole pool."""
        rows = []
        for arm, predicted in self.predicted_years.items():
            seen = (predicted - self.without_years).mean(axis=0)
            planted = self.effect_years[arm].mean(axis=0)
            rows += [
                (arm, visit.session_id, planted[v], seen[v])
                for v, visit in enumerate(self.plan.visits)
            ]
        names = ["arm", "session_id", "planted_years", "clock_scale_years"]
        return pd.DataFrame(rows, columns=names)

    def draw_trial(self, seed: int) -> pd.DataFrame:
        """Draw one trial.

        Parameters
        ----------
        seed : int
            Of people, allocation and drop-out.

        Returns
        -------
        scans : DataFrame
            One row a person and planned visit: participant_id, arm, the strata, session_id,
            visit, age_years, predicted_age_years, predicted_without_effect_years, effect_years,
            and scanned (False: missed; the odds depend on the gaps observed before).
        """
        plan = self.plan
        people = allocate(draw_trial_people(plan, seed), plan, stream(seed, "allocation"))
        chosen = stream(seed, "bank").choice(len(self), size=len(people), replace=False)
        arms = people["arm"].to_numpy()
        predicted = self._by_arm(self.predicted_years, arms, chosen)
        ages = self.age_years[chosen]
        attended = draw_attendance(predicted - ages, plan.dropout, stream(seed, "dropout"))
        n_visits = len(plan.visits)
        scans = people.loc[people.index.repeat(n_visits)].reset_index(drop=True)
        sessions = [visit.session_id for visit in plan.visits]
        return scans.assign(
            session_id=sessions * len(people),
            visit=np.tile(np.arange(n_visits), len(people)),
            age_years=ages.ravel(),
            predicted_age_years=predicted.ravel(),
            predicted_without_effect_years=self.without_years[chosen].ravel(),
            effect_years=self._by_arm(self.effect_years, arms, chosen).ravel(),
            scanned=attended.ravel(),
        )

    @staticmethod
    def _by_arm(values: dict, arms: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        return np.stack([values[arm][i] for arm, i in zip(arms, chosen, strict=True)])


def draw_score_bank(
    study: SyntheticStudy,
    score: Score,
    *,
    n_people: int,
    seed: int,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> ScoreBank:
    """Score new people of a study's world at every visit of its trial under every arm.

    Parameters
    ----------
    study : SyntheticStudy
        Whose world and trial plan; its own people are not used.
    score : callable
        Fisher z (n, n_edges) float32, edges as in `SyntheticStudy.features` -> predicted ages.
    n_people : int
        Size of the pool, thousands: trials are drawn from it without replacement.
    seed : int
        Of the pool.
    n_jobs : int, default=1
        Processes; the result does not depend on it.
    progress : Progress, optional
        Told of every chunk of people.

    Returns
    -------
    bank : ScoreBank

    Raises
    ------
    DesignError
        The study has no trial, or its trial is larger than the pool.

    Examples
    --------
    >>> small = ba.tiny_options().model_copy(update={"n_parcels": 8, "n_volumes": 40})
    >>> study = ba.make_study(small, seed=0)
    >>> bank = draw_score_bank(study, lambda edges: 60 + edges.mean(axis=1), n_people=24, seed=0)
    >>> len(bank), bank.without_years.shape
    (24, (24, 3))
    """
    plan = study.options.trial
    if plan is None:
        raise DesignError("score bank: expected a study with a trial, found synthetic.trial: null.")
    if n_people < sum(arm.n for arm in plan.arms):
        raise DesignError(
            f"score bank: expected at least the {sum(arm.n for arm in plan.arms)} people of one "
            f"trial, found n_people = {n_people}."
        )
    pool = _pool_study(study, plan, n_people, seed)
    n_visits = len(plan.visits)
    truth = pool.truth
    effects = {arm.name: _effects_under(pool, plan, arm.name) for arm in plan.arms}
    regional = {arm.name: arm.regional_z for arm in plan.arms}
    chunks = [(c, min(c + _CHUNK, n_people)) for c in range(0, n_people, _CHUNK)]
    parallel = processes(n_jobs, return_as="generator")
    tasks = (
        delayed(_score_chunk)(
            pool,
            score,
            truth.iloc[start * n_visits : stop * n_visits],
            {arm: e[start:stop] for arm, e in effects.items()},
            regional,
        )
        for start, stop in chunks
    )
    parts = []
    for part in parallel(tasks):
        parts.append(part)
        progress(chunks[len(parts) - 1][1], n_people, "score potential outcomes")
    without = np.concatenate([part[0] for part in parts])
    predicted = {arm: np.concatenate([part[1][arm] for part in parts]) for arm in effects}
    ages = truth["age_years"].to_numpy(dtype=float).reshape(n_people, n_visits)
    return ScoreBank(plan, ages, predicted, without, effects)


def _pool_study(study: SyntheticStudy, plan: TrialPlan, n_people: int, seed: int) -> SyntheticStudy:
    options = study.options
    # Which arm a pool member is listed in is of no account: each is scored under all of them.
    first, *others = plan.arms
    arms = (
        first.model_copy(update={"n": n_people}),
        *(arm.model_copy(update={"n": 0}) for arm in others),
    )
    options = options.model_copy(
        update={
            "reference": options.reference.model_copy(update={"n": 0}),
            "trial": plan.model_copy(update={"arms": arms, "allocation": "simple"}),
        }
    )
    return make_study(options, seed=seed, parcels=study.parcels)


def _effects_under(study: SyntheticStudy, plan: TrialPlan, arm: str) -> np.ndarray:
    everyone = study.truth[["participant_id"]].drop_duplicates(ignore_index=True).assign(arm=arm)
    # The same streams for every arm: a person's own dose and response are a trait.
    everyone["sessions_attended"] = draw_dose(everyone["arm"], plan, stream(study.seed, "dose"))
    return person_effects(everyone, plan, stream(study.seed, "effect"))


def _score_chunk(
    study: SyntheticStudy, score: Score, scans: pd.DataFrame, effects: dict, regional: dict
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    n_visits = scans["visit"].nunique()
    shape = (len(scans) // n_visits, n_visits)

    def predict(effect: np.ndarray, rise_z: float) -> np.ndarray:
        rows = []
        for (_, row), years in zip(scans.iterrows(), effect.ravel(), strict=True):
            changed = row.copy()
            changed["brain_age_years"] = row["brain_age_without_effect_years"] + years
            changed["regional_z"] = rise_z if row["visit"] else 0.0
            rows.append(fisher_z_rows(study.coefficients(changed)))
        return np.asarray(score(np.stack(rows)), dtype=float).reshape(shape)

    with threadpool_limits(1):
        without = predict(np.zeros(shape), 0.0)
        predicted = {}
        for arm, effect in effects.items():
            changes = bool(np.any(effect)) or regional[arm] > 0
            predicted[arm] = predict(effect, regional[arm]) if changes else without
    return without, predicted
