#!/usr/bin/env python3
"""Further views beside those of `recommended_stacked`, in the fold, on the ABIDE controls.

    python scripts/abide_more_views.py DIR [--seeds 100 101 102] [--scales years auto]
                                       [--sites] [--only WORD ...]

Every line is the stack of `recommended_stacked` with something added, or put in a view's place;
all that is learnt is learnt of training scans:

- a Gaussian kernel exp(-|u - v|^2 / (2 width^2)) of the direction of the logarithm (.3): exact,
  which would store training scans; by structured random features (signs, and fast Walsh-Hadamard
  transforms: 131,072 frequencies, of which nothing but a seed is stored); by Nystroem's method on
  synthetic landmarks (unit directions, each a random mixture of all training scans);
- a ridge of its own on the rows of each network (penalty by network). CC400 names no networks:
  parcels are clustered on the training scans' mean correlation;
- the logarithm of the correlation in a subspace of parcels that keeps as much of the training
  scans' co-skewness E[x_i x_j x_k] as so many dimensions can (the leading left singular vectors of
  their unfolded third moments), beside the same of their correlation (principal components).

Printed: mean absolute error in years, out of fold; with --sites also leaving one site out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sklearn.cluster import SpectralClustering
from sklearn.model_selection import KFold

from brainage.clock.regressors.grams import centred, directions, gram_of
from brainage.clock.regressors.stacked import fit_stack_on_grams
from brainage.config import load_study
from brainage.connectivity import KINDS, FeatureTable, build_features, edge_indices
from brainage.connectivity.covariance import pearson
from brainage.series import ParcelSeries, find_series, read_series
from brainage.tables import read_people

#: Products of training scans with each other, and of held-out with training scans.
Pair = tuple[np.ndarray, np.ndarray]
#: Gives the pairs of one view, or of several, in one fold.
MakeViews = Callable[[np.ndarray, np.ndarray], list[Pair]]
DIRECTION = "log_correlation_direction"


@dataclass
class Cohort:
    """The 457 controls: Gram matrices of the stack's views, and what further views are made of."""

    features: FeatureTable
    signals: list[np.ndarray]
    grams: dict[str, np.ndarray]
    correlations: np.ndarray
    _projected: list[np.ndarray] = field(default_factory=list, repr=False)

    @classmethod
    def load(cls, folder: Path, views: tuple[str, ...]) -> Cohort:
        """Build the stack's views from the series."""
        series = [read_series(file) for file in find_series(folder)]
        people = read_people(folder / "participants.tsv")
        features = build_features(
            series, people, kinds=views, parcel_presence=0.99, incomplete_scans="exclude"
        )
        grams = {name: gram_of(features[name].values) for name in views}
        runs = {run.participant_id: run for run in series}
        names = features[views[0]].spec.parcel_names
        signals = [signals_of(runs[person], names) for person in features.rows["participant_id"]]
        correlations = np.stack([pearson(own).astype(np.float32) for own in signals])
        return cls(features, signals, grams, correlations)

    def stack(self, views: tuple[str, ...]) -> MakeViews:
        """Return the maker of the stack's own views."""

        def make(train: np.ndarray, test: np.ndarray) -> list[Pair]:
            return [
                centred(*(self.pair_of_directions(name, train, test)))
                if KINDS[name].learnt_in_fold == "direction"
                else centred(gram[np.ix_(train, train)], gram[np.ix_(test, train)])
                for name, gram in ((name, self.grams[name]) for name in views)
            ]

        return make

    def pair_of_directions(self, name: str, train: np.ndarray, test: np.ndarray) -> Pair:
        """Return cosines of the scans' directions from the training mean."""
        return directions(self.grams[name], train, test)

    def exact_kernel(self, width: float) -> MakeViews:
        """Return the maker of the exact kernel."""

        def make(train: np.ndarray, test: np.ndarray) -> list[Pair]:
            own, cross = self.pair_of_directions(DIRECTION, train, test)
            return [centred(np.exp((own - 1) / width**2), np.exp((cross - 1) / width**2))]

        return make

    def structured_features(self, width: float) -> MakeViews:
        """Return the maker of structured random features of the kernel."""
        if not self._projected:
            self._projected.append(rotate_at_random(self.features[DIRECTION].values, seed=0))
        projected = self._projected[0]

        def make(train: np.ndarray, test: np.ndarray) -> list[Pair]:
            gram, mean = self.grams[DIRECTION], projected[train].mean(axis=0)
            own = gram[np.ix_(train, train)].mean()
            squared = np.diag(gram) - 2 * gram[:, train].mean(axis=1) + own
            # Projecting is linear: of a direction it is a difference, over a length.
            scale = (1 / (np.sqrt(squared) * width)).astype(np.float32)[:, None]
            waves = (projected - mean) * scale
            n_frequencies = projected.shape[1]
            pairs = [np.zeros((len(rows), len(train))) for rows in (train, test)]
            for wave in (np.cos, np.sin):
                values = wave(waves)
                for pair, rows in zip(pairs, (train, test), strict=True):
                    pair += values[rows] @ values[train].T
            return [centred(pairs[0] / n_frequencies, pairs[1] / n_frequencies)]

        return make

    def landmarks(self, width: float, n_landmarks: int) -> MakeViews:
        """Return the maker of Nystroem features on synthetic landmarks."""

        def make(train: np.ndarray, test: np.ndarray) -> list[Pair]:
            own, cross = self.pair_of_directions(DIRECTION, train, test)
            mixing = np.random.default_rng(0).normal(size=(len(train), n_landmarks))
            mixing /= np.sqrt(np.einsum("ik,ik->k", mixing, own @ mixing))
            among = np.exp((mixing.T @ own @ mixing - 1) / width**2)
            values, axes = np.linalg.eigh(among)
            kept = values > values[-1] * 1e-10
            root = axes[:, kept] / np.sqrt(values[kept])
            one, other = (np.exp((p @ mixing - 1) / width**2) @ root for p in (own, cross))
            return [centred(one @ one.T, other @ one.T)]

        return make

    def networks(self, n_networks: int) -> MakeViews:
        """Return the maker of one view a network: its rows of the logarithm (.3)."""
        view = self.features["log_correlation"]
        first, second = edge_indices(view.spec)
        of_parcel = [view.values[:, (first == i) | (second == i)] for i in range(first.max() + 1)]
        by_parcel = np.stack([rows @ rows.T for rows in of_parcel])

        def make(train: np.ndarray, test: np.ndarray) -> list[Pair]:
            near = np.maximum(self.correlations[train].mean(axis=0, dtype=float), 0.0)
            cluster = SpectralClustering(n_networks, affinity="precomputed", random_state=0)
            label = cluster.fit_predict(near)
            grams = [by_parcel[label == k].sum(axis=0, dtype=float) for k in range(n_networks)]
            return [
                centred(gram[np.ix_(train, train)], gram[np.ix_(test, train)]) for gram in grams
            ]

        return make

    def subspace(self, kept: np.ndarray, n_dimensions: int) -> MakeViews:
        """Return the maker of the logarithm of the correlation in a subspace of parcels.

        `kept` (n_scans, p, p) is of each scan what its leading axes are to keep.
        """
        logarithm = KINDS["log_correlation"].of_matrix
        upper = np.triu_indices(n_dimensions)

        def make(train: np.ndarray, test: np.ndarray) -> list[Pair]:
            axes = np.linalg.eigh(kept[train].sum(axis=0, dtype=float))[1][:, -n_dimensions:]
            rows = np.empty((len(kept), len(upper[0])))
            for scan in np.concatenate([train, test]):
                inside = axes.T @ self.correlations[scan] @ axes
                scale = 1 / np.sqrt(np.diag(inside))
                rows[scan] = logarithm(inside * scale * scale[:, None])[upper]
            own = rows[train] - rows[train].mean(axis=0)
            return [(own @ own.T, (rows[test] - rows[train].mean(axis=0)) @ own.T)]

        return make

    def co_skewness(self) -> np.ndarray:
        """Return of each scan the (p, p) products of its unfolded third moments with themselves."""
        found = np.empty_like(self.correlations)
        for scan, values in enumerate(self.signals):
            z = (values - values.mean(axis=0)) / values.std(axis=0)
            # sum over j, k of E[x_i x_j x_k] E[x_l x_j x_k], without the p x p x p array.
            found[scan] = z.T @ ((z @ z.T) ** 2) @ z / len(z) ** 2
        return found


def signals_of(run: ParcelSeries, names: tuple[str, ...]) -> np.ndarray:
    """Return the signals of some parcels of a run."""
    place = {name: i for i, name in enumerate(run.parcel_names)}
    return run.values[:, [place[name] for name in names]]


def rotate_at_random(values: np.ndarray, *, seed: int) -> np.ndarray:
    """Return rows times a structured random matrix, whose rows are as long as Gaussian ones.

    Three times random signs and a Walsh-Hadamard transform: n log n additions, no matrix.

    References
    ----------
    .. [1] Yu et al. (2016), NeurIPS 29 (orthogonal random features).
    """
    n_columns = 1 << (values.shape[1] - 1).bit_length()
    rows = np.zeros((len(values), n_columns), dtype=np.float32)
    rows[:, : values.shape[1]] = values
    rng = np.random.default_rng(seed)
    for _ in range(3):
        rows *= rng.choice(np.array([-1, 1], dtype=np.float32), n_columns)
        half = 1
        while half < n_columns:
            pairs = rows.reshape(len(rows), -1, 2, half)
            first, second = pairs[:, :, 0].copy(), pairs[:, :, 1]
            pairs[:, :, 0] += second
            np.subtract(first, second, out=second)
            half *= 2
        rows /= np.float32(np.sqrt(n_columns))
    return rows * np.float32(np.sqrt(n_columns))


@dataclass(frozen=True)
class Variant:
    """A stack: the makers of its views, which enter at the strong penalty too, its exact twin."""

    makers: tuple[MakeViews, ...]
    strong: tuple[int, ...] = ()
    stands_for: str = ""


def variants(cohort: Cohort, views: tuple[str, ...], strong: tuple[str, ...]) -> dict[str, Variant]:
    """Return what is fitted, by name."""
    base, again = cohort.stack(views), tuple(views.index(view) for view in strong)
    fewer = tuple(view for view in views if view != "log_correlation")
    found = {"recommended_stacked": Variant((base,), again)}
    for width in (0.7, 1.0):
        exact = f"and the exact kernel, width {width}"
        found[exact] = Variant((base, cohort.exact_kernel(width)), again)
        found[f"and structured random features of it, width {width}"] = Variant(
            (base, cohort.structured_features(width)), again, exact
        )
        for n in (128, 512):
            found[f"and Nystroem on {n} synthetic landmarks, width {width}"] = Variant(
                (base, cohort.landmarks(width, n)), again, exact
            )
    networks = cohort.networks(7)
    found["and rows of 7 networks as views"] = Variant((base, networks), again)
    found["rows of 7 networks in the place of the logarithm (.3)"] = Variant(
        (cohort.stack(fewer), networks), tuple(fewer.index(view) for view in strong)
    )
    moments = {"co-skewness": cohort.co_skewness(), "correlation": cohort.correlations}
    for moment, kept in moments.items():
        for n in (50, 100, 200):
            inside = cohort.subspace(kept, n)
            found[f"and {n} dimensions that keep {moment}"] = Variant((base, inside), again)
            found[f"{n} dimensions that keep {moment}, alone"] = Variant((inside,))
    return found


def predict(
    tried: dict[str, Variant], ages: np.ndarray, scales: list[str], folds: list[Pair]
) -> dict[tuple[str, str], np.ndarray]:
    """Return every scan's prediction, in years, by stacks that never saw it: variant and scale."""
    predicted = {(name, scale): np.full(len(ages), np.nan) for name in tried for scale in scales}
    for train, test in folds:
        # Variants share makers: each is asked once a fold.
        made: dict[MakeViews, list[Pair]] = {}
        for name, variant in tried.items():
            for make in variant.makers:
                if make not in made:
                    made[make] = make(train, test)
            pairs = [pair for make in variant.makers for pair in made[make]]
            for scale in scales:
                stack = fit_stack_on_grams(
                    [own for own, _ in pairs], ages[train], age_scale=scale, strong=variant.strong
                )
                predicted[name, scale][test] = stack.predict([cross for _, cross in pairs])
    return predicted


def main() -> None:
    """Print a line a variant and scale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[100])
    parser.add_argument("--scales", nargs="+", default=["years"], choices=("years", "auto"))
    parser.add_argument("--sites", action="store_true", help="also leave one site out")
    parser.add_argument("--only", nargs="+", default=[""], help="names that hold one of these")
    asked = parser.parse_args()
    options = load_study("recommended_stacked").science.clock
    cohort = Cohort.load(asked.folder, tuple(options.views))
    everything = variants(cohort, tuple(options.views), tuple(options.strong_views))
    tried = {
        name: variant
        for name, variant in everything.items()
        if any(word in name for word in asked.only)
    }
    ages = cohort.features.ages
    draws = {
        str(seed): list(KFold(10, shuffle=True, random_state=seed).split(ages))
        for seed in asked.seeds
    }
    if asked.sites:
        site = cohort.features.rows["site"].to_numpy(str)
        draws["one site out"] = [
            (np.flatnonzero(site != s), np.flatnonzero(site == s)) for s in np.unique(site)
        ]
    for draw, folds in draws.items():
        found = predict(tried, ages, asked.scales, folds)
        for (name, scale), own in found.items():
            line = f"{draw}\t{name}\t{scale}\t{np.abs(own - ages).mean():.3f}"
            exact = tried[name].stands_for
            if exact in tried:
                apart = own - found[exact, scale]
                line += f"\t{np.sqrt(np.mean(apart**2)):.3f} years from the exact kernel"
            print(line, flush=True)


if __name__ == "__main__":
    main()
