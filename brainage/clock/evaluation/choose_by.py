"""An experiment: a ridge whose penalty is chosen by what a trial pays for, and not by its error.

Beside the penalty, rows "first half of a scan minus its second half, target zero" enter the
training at a weight. Both are chosen inside every training set, by leaving people out: the smallest
latent noise whose error is at most 2 % above the best and whose planted share is at least .8 of the
error-chosen clock's. It is no option of a clock: docs/efficiency.md says what it did to simulated
trials.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import eigh

from brainage.clock.options import ClockOptions
from brainage.clock.regressors.grams import gram_of
from brainage.clock.training.efficiency_numbers import EfficiencyNumbers
from brainage.clock.training.folds import groups_of, make_folds
from brainage.clock.training.half_predictions import HALVES, ScanParts
from brainage.connectivity import KINDS, FeatureTable
from brainage.errors import BrainAgeError
from brainage.tables import Column, TableSchema

#: Weights of difference rows tried, in units of a whole scan's row.
DIFFERENCE_WEIGHTS = (0.0, 0.3, 1.0, 3.0, 10.0)
#: How much error and how little planted share a choice by participants may cost.
MOST_ERROR, LEAST_SHARE = 1.02, 0.8

_OF_CANDIDATE = (
    Column("mae_years", "number", "Mean absolute error of people left out.", "years"),
    Column("r", "number", "Correlation of prediction and age.", nullable=True),
    Column("within_scan_noise_years", "number", "Of a whole scan.", "years"),
    Column("share_within_site", "number", "Slope of the prediction on age.", nullable=True),
    Column("share_planted", "number", "Shown per planted year; n/a without a twin.", nullable=True),
    Column("share_used", "number", "The smaller of the two.", nullable=True),
    Column("latent_noise_years", "number", "Noise / share; n/a: no share.", "years", nullable=True),
)
FRONTIER = TableSchema(
    "frontier of error and latent noise",
    (
        Column("weight", "number", "Of difference rows."),
        Column("penalty", "number", "Relative to the mean squared length of a centred scan."),
        *_OF_CANDIDATE,
        Column("chosen_by", "text", "error, participants, both, or n/a: neither.", nullable=True),
    ),
    key=("weight", "penalty"),
)
CHOICES = TableSchema(
    "choices by error and by participants",
    (
        Column("fold", "integer", "Outer fold that was held out of the choice."),
        Column("chosen_by", "text", "error or participants."),
        Column("weight", "number", "Of difference rows; by error always 0."),
        Column("penalty", "number", "Chosen inside the training scans."),
        Column("at_edge", "boolean", "The weight is the largest, or the penalty an end, of those."),
    ),
    key=("fold", "chosen_by"),
)


@dataclass(frozen=True)
class ChoiceByParticipants:
    """What choosing a ridge by participants did, on people who took no part in the choice.

    Parameters
    ----------
    frontier : DataFrame
        Schema `FRONTIER`: every candidate by leaving people out of the whole cohort.
    choices : DataFrame
        Schema `CHOICES`, by outer fold.
    halves : dict of str to DataFrame
        "error" and "participants" -> nested out-of-fold predictions (`HALVES`), for
        `measure_efficiency`.
    models : dict of str to (weights, intercept)
        Ridges on everyone at each choice, for scans of other people.
    """

    frontier: pd.DataFrame
    choices: pd.DataFrame
    halves: dict[str, pd.DataFrame]
    models: dict[str, tuple[np.ndarray, float]]


def choose_by_participants(
    features: FeatureTable,
    parts: ScanParts,
    options: ClockOptions,
    *,
    weights: Sequence[float] = DIFFERENCE_WEIGHTS,
    seed: int = 0,
) -> ChoiceByParticipants:
    """Choose a ridge's penalty and weight of difference rows by participants, nested.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort, whole scans.
    parts : ScanParts
        Their halves; without a twin the planted share holds nothing back.
    options : ClockOptions
        A ridge on one view that nothing is learnt of; its penalties and folds.
    weights : sequence of float, default=(0, 0.3, 1, 3, 10)
        Weights of difference rows tried, 0 first.
    seed : int, default=0
        Of the folds.

    Returns
    -------
    choice : ChoiceByParticipants

    Raises
    ------
    BrainAgeError
        Another estimator, a view that a fold learns something of, or a scan without halves.
    """
    products = _Products.of(features, parts, options)
    penalties = np.asarray(options.penalties)
    grid = [(float(w), float(p)) for w in weights for p in penalties]
    everyone = np.arange(len(features.rows))
    named = ("error", "participants")
    predicted = {name: np.full((4, len(everyone)), np.nan) for name in named}
    choices = []
    n_inner = options.validation.inner_folds
    for fold, (train, test) in enumerate(
        make_folds(features.rows, options.validation, seed=seed)[0]
    ):
        table = _candidates(products, train, grid, n_inner, seed)
        for name, place in zip(named, _chosen(table), strict=True):
            weight, penalty = grid[place]
            predicted[name][:, test] = products.predict(train, test, weight, [penalty])[..., 0]
            edge = weight == max(weights) > 0 or penalty in (penalties[0], penalties[-1])
            choices.append((fold, name, weight, penalty, edge))
    table = _candidates(products, everyone, grid, n_inner, seed)
    places = _chosen(table)
    latent = table["latent_noise_years"].replace(np.inf, np.nan)
    frontier = table.assign(latent_noise_years=latent, chosen_by=None)
    for name, place in zip(named, places, strict=True):
        both = places[0] == places[1]
        frontier.loc[place, "chosen_by"] = "error and participants" if both else name
    models = {
        name: products.model(everyone, *grid[place])
        for name, place in zip(named, places, strict=True)
    }
    return ChoiceByParticipants(
        frontier[list(FRONTIER.names)],
        pd.DataFrame(choices, columns=list(CHOICES.names)),
        {name: products.table(values) for name, values in predicted.items()},
        models,
    )


@dataclass(frozen=True)
class _Products:
    """Products of whole scans, both halves, planted scans and differences of halves.

    `gram` has five blocks of n rows in that order; planted ones are the whole scans themselves
    where there is no twin.
    """

    gram: np.ndarray
    rows: pd.DataFrame
    groups: np.ndarray
    values: np.ndarray
    differences: np.ndarray
    planted: np.ndarray
    shift_years: float

    @classmethod
    def of(cls, features: FeatureTable, parts: ScanParts, options: ClockOptions) -> _Products:
        name = options.views[0]
        kind = features[name].spec.kind
        learns = KINDS[kind].learnt_in_fold or options.harmonization.method != "none"
        if options.estimator != "ridge" or learns:
            raise BrainAgeError(
                f"choosing by participants: expected a ridge on a view that nothing is learnt of, "
                f"found {options.estimator} on {kind}."
            )
        n_halved = int(parts.halves.usable.sum())
        if parts.scans is not None or n_halved < len(features.rows):
            raise BrainAgeError(
                f"choosing by participants: expected halves of all {len(features.rows)} scans, "
                f"found those of {n_halved}. Select scans that have them (FeatureTable.select)."
            )
        whole, n = np.asarray(features[name].values, dtype=float), len(features.rows)
        first, second = (
            np.asarray(side[name], dtype=float)
            for side in (parts.halves.first, parts.halves.second)
        )
        moved, planted, shift = whole.copy(), np.zeros(n, dtype=bool), 1.0
        if parts.planted is not None:
            own = parts.planted.part
            scans = np.arange(n) if own.scans is None else own.scans
            moved[scans], planted[scans] = own.views[name], True
            shift = parts.planted.shift_years
        stacked = np.vstack([whole, first, second, moved, first - second])
        groups = groups_of(features.rows)
        gram = gram_of(stacked)
        return cls(gram, features.rows, groups, whole, first - second, planted, shift)

    @property
    def ages(self) -> np.ndarray:
        return self.rows["age_years"].to_numpy(float)

    def predict(
        self, train: np.ndarray, test: np.ndarray, weight: float, penalties: Sequence[float]
    ) -> np.ndarray:
        """Return years of whole, first, second and planted scans, (4, n_test, n_penalties)."""
        duals, used = self._duals(train, weight, penalties)
        n = len(self.rows)
        new = (np.arange(4)[:, None] * n + test).ravel()
        cross = self.gram[np.ix_(new, used)] - self.gram[np.ix_(train, used)].mean(axis=0)
        predicted = cross @ duals + self.ages[train].mean()
        return predicted.reshape(4, len(test), len(penalties))

    def model(self, train: np.ndarray, weight: float, penalty: float) -> tuple[np.ndarray, float]:
        """Return edge weights and intercept of the ridge on training scans."""
        duals, _ = self._duals(train, weight, [penalty])
        coef = duals[: len(train), 0] @ self.values[train]
        if weight:
            coef = coef + duals[len(train) :, 0] @ self.differences[train]
        mean = self.values[train].mean(axis=0)
        return coef, float(self.ages[train].mean() - mean @ coef)

    def _duals(
        self, train: np.ndarray, weight: float, penalties: Sequence[float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return weights on training rows of `gram`, (n_used, n_penalties), and which those are."""
        used = np.concatenate([train, 4 * len(self.rows) + train]) if weight else train
        n = len(train)
        # Rows of the design: whole scans minus their mean, differences times the root of their
        # weight. A difference has no mean to take off: it is already one.
        scale = np.concatenate([np.ones(n), np.full(len(used) - n, np.sqrt(weight))])
        own = self.gram[np.ix_(used, used)]
        own[:n] -= own[:n].mean(axis=0)
        own[:, :n] -= own[:, :n].mean(axis=1)[:, None]
        length = float(np.trace(own[:n, :n])) / n
        own *= scale * scale[:, None]
        target = np.zeros(len(used))
        target[:n] = self.ages[train] - self.ages[train].mean()
        values, vectors = eigh(own, driver="evd")
        tried = length * np.asarray(penalties)
        inverse = 1 / (np.maximum(values, 0.0)[:, None] + tried)
        duals = scale[:, None] * (vectors @ (inverse * (vectors.T @ target)[:, None]))
        duals[:n] -= duals[:n].mean(axis=0)
        return duals, used

    def table(self, predicted: np.ndarray) -> pd.DataFrame:
        """Return predictions (4, n) as a table of the schema `HALVES`."""
        whole, first, second, moved = predicted
        share = np.where(self.planted, (moved - whole) / self.shift_years, np.nan)
        named = {"whole_years": whole, "first_years": first, "second_years": second}
        columns = ["participant_id", "session_id", "site", "age_years"]
        table = self.rows[columns].reset_index(drop=True).assign(**named, planted_share=share)
        return table[list(HALVES.names)]


def _candidates(
    products: _Products, train: np.ndarray, grid: list, n_folds: int, seed: int
) -> pd.DataFrame:
    """Return what every candidate does for people left out of some training scans."""
    weights = list(dict.fromkeys(weight for weight, _ in grid))
    penalties = list(dict.fromkeys(penalty for _, penalty in grid))
    n = len(products.rows)
    predicted = np.full((len(weights), 4, n, len(penalties)), np.nan)
    for inner, left_out in _people_left_out(products.groups, train, n_folds, seed):
        for place, weight in enumerate(weights):
            found = products.predict(inner, left_out, weight, penalties)
            predicted[place][:, left_out] = found
    rows = []
    for place in range(len(weights)):
        for k in range(len(penalties)):
            own = products.table(predicted[place, :, :, k]).iloc[train]
            rows.append(_figures(own.reset_index(drop=True)))
    return pd.DataFrame(grid, columns=["weight", "penalty"]).join(pd.DataFrame(rows))


def _people_left_out(
    groups: np.ndarray, train: np.ndarray, n_folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    people = np.unique(groups[train])
    fold_of = dict(
        zip(
            np.random.default_rng(seed).permutation(people),
            np.arange(len(people)) % n_folds,
            strict=True,
        )
    )
    folds = np.array([fold_of[group] for group in groups[train]])
    for fold in range(n_folds):
        yield train[folds != fold], train[folds == fold]


def _figures(halves: pd.DataFrame) -> dict:
    numbers = EfficiencyNumbers.of(halves, np.ones((1, len(halves))))
    age, whole = halves["age_years"], halves["whole_years"]
    planted = np.nan if numbers.planted is None else float(numbers.planted[0])
    return {
        "mae_years": float((whole - age).abs().mean()),
        "r": float(np.corrcoef(whole, age)[0, 1]) if np.ptp(whole) > 0 else np.nan,
        "within_scan_noise_years": float(numbers.noise[0]),
        "share_within_site": float(numbers.within_site[0]),
        "share_planted": planted,
        "share_used": float(numbers.used[0]),
        "latent_noise_years": float(numbers.latent_noise[0]),
    }


def _chosen(table: pd.DataFrame) -> tuple[int, int]:
    """Return the candidate with the smallest error without difference rows, and by participants."""
    without = table["weight"] == 0
    by_error = int(table["mae_years"].where(without, np.inf).argmin())
    allowed = table["mae_years"] <= MOST_ERROR * table["mae_years"].min()
    share = table["share_planted"]
    if share.notna().any():
        allowed &= share >= LEAST_SHARE * share[by_error]
    latent = table["latent_noise_years"].where(allowed, np.inf)
    # Where nothing is allowed that shows anything, the choice by error stands.
    return by_error, int(latent.argmin()) if np.isfinite(latent.min()) else by_error
