"""Site effects of many training sets from one pass over features that stay on disk.

What ``center`` and ``combat`` need of a training set are sums over its scans, site by site: of
values, of their squares, of values times age. A pass makes them for every training set at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brainage.blocks import blocks
from brainage.clock.preparation.age_trend import AgeTrend, age_basis, age_knots
from brainage.clock.preparation.combat import SiteEffects, scale_of_sites

#: A column that varies by less than this, relative to its own size, never varies: what is left is
#: rounding of the sums (features are float32).
_FLAT = 1e-6


@dataclass(frozen=True)
class SiteMoments:
    """Sums over one training set's scans.

    Parameters
    ----------
    sites : list of str
        Sites in order, each of two scans or more; scans of others are the rest.
    counts : ndarray of shape (n_sites,)
        Scans.
    sums, squares : ndarray of shape (n_sites + 1, n_features)
        Of values and squared values; the last row is of the rest.
    by_age : ndarray of shape (n_sites + 1, n_columns, n_features)
        Of values times each column of `ages`.
    ages : ndarray of shape (n_train, n_columns)
        1 + (2 or 4) columns: age minus `mean_age`, then the basis of the age trend.
    code : ndarray of shape (n_train,)
        Site of each scan, n_sites for the rest.
    mean_age, knots : float, ndarray
        Mean age of the sites' scans; knots of the trend.
    """

    sites: list[str]
    counts: np.ndarray
    sums: np.ndarray
    squares: np.ndarray
    by_age: np.ndarray
    ages: np.ndarray
    code: np.ndarray
    mean_age: float
    knots: np.ndarray

    def effects(self, *, shrink: bool, with_age: bool) -> SiteEffects:
        """Return what `estimate_site_effects` returns of the scans themselves.

        Parameters
        ----------
        shrink : bool
            Empirical-Bayes location and scale; False: least-squares location only.
        with_age : bool
            Estimate a linear age effect beside the sites' and leave it in the data.
        """
        n_sites, n = len(self.sites), self.counts.sum()
        sums, squares = self.sums[:n_sites], self.squares[:n_sites]
        age = self.ages[:, 0] * (self.code < n_sites)
        age_sums = np.bincount(self.code, age, minlength=n_sites + 1)[:n_sites]
        age_squares = np.bincount(self.code, age**2, minlength=n_sites + 1)[:n_sites]
        design, right = np.diag(self.counts.astype(float)), sums
        if with_age:
            design = np.block([[design, age_sums[:, None]], [age_sums[None], age_squares.sum()]])
            right = np.vstack([sums, self.by_age[:n_sites, 0].sum(axis=0)])
        weights = np.linalg.pinv(design, hermitian=True) @ right
        left = squares.sum(axis=0) - np.einsum("ij,ij->j", weights, right)
        sd = _size(left / n, squares.sum(axis=0) / n)
        grand = self.counts @ weights[:n_sites] / n
        slope = weights[n_sites] if with_age else np.zeros(sums.shape[1])
        mean, mean_age = sums / self.counts[:, None], age_sums / self.counts
        spread = squares - self.counts[:, None] * mean**2
        if with_age:
            together = self.by_age[:n_sites, 0] - age_sums[:, None] * mean
            of_age = age_squares - self.counts * mean_age**2
            spread = spread - 2 * slope * together + slope**2 * of_age[:, None]
        mean = (mean - grand - np.outer(mean_age, slope)) / sd
        variance = np.maximum(spread, 0.0) / (self.counts[:, None] - 1) / sd**2
        scale = scale_of_sites(mean, variance, self.counts) if shrink else np.ones(mean.shape)
        mean_age = mean_age if with_age else np.zeros(n_sites)
        return SiteEffects(mean * sd, scale, grand, slope, mean_age)

    def trend(self, gain: np.ndarray, offset: np.ndarray) -> tuple[AgeTrend, np.ndarray]:
        """Return the age trend of harmonised values, and the spread around it.

        Parameters
        ----------
        gain, offset : ndarray of shape (n_sites, n_features)
            ``gain * x + offset`` is what a site's scans become; the rest stay as they are.
        """
        basis, n_sites = self.ages[:, 1:], len(self.sites)
        of_basis = np.stack([np.bincount(self.code, c, minlength=n_sites + 1) for c in basis.T])
        right, squares = self.by_age[n_sites, 1:].copy(), self.squares[n_sites].copy()
        for s in range(n_sites):
            right += gain[s] * self.by_age[s, 1:] + np.outer(of_basis[:, s], offset[s])
            squares += gain[s] ** 2 * self.squares[s] + 2 * gain[s] * offset[s] * self.sums[s]
            squares += self.counts[s] * offset[s] ** 2
        weights = np.linalg.pinv(basis.T @ basis, hermitian=True) @ right
        left = squares - np.einsum("ij,ij->j", weights, right)
        return AgeTrend(self.knots, weights), _size(left / len(basis), squares / len(basis))


def _size(variance: np.ndarray, mean_square: np.ndarray) -> np.ndarray:
    """Return the square root of a variance; 1 for a column that never varies."""
    sd = np.sqrt(np.maximum(variance, 0.0))
    return np.where(sd > _FLAT * np.sqrt(mean_square), sd, 1.0)


def moments_of_sites(
    values: np.ndarray,
    labels: Sequence[str | None],
    age_years: np.ndarray,
    trains: Sequence[np.ndarray],
    *,
    least_scans: int,
) -> list[SiteMoments]:
    """Sum over every training set, site by site, in one pass over the features.

    Parameters
    ----------
    values : ndarray of shape (n_scans, n_features)
        A memory map included; finite.
    labels : sequence of str or None
        Site of each scan.
    age_years : ndarray of shape (n_scans,)
        Age at each scan.
    trains : sequence of ndarray of int
        Training sets.
    least_scans : int
        Training scans that a site needs for an effect of its own.

    Returns
    -------
    moments : list of SiteMoments
        One a training set.
    """
    names = sorted({label for label in labels if label is not None})
    position = {name: s for s, name in enumerate(names)}
    code = np.array([-1 if label is None else position[label] for label in labels])
    plans = [_Plan.of(train, code[train], age_years, names, least_scans) for train in trains]
    for site in range(-1, len(names)):
        rows = np.flatnonzero(code == site)
        for part in blocks(len(rows), values.shape[1]):
            block = np.asarray(values[rows[part], :], dtype=np.float64)
            squared = block**2
            for plan in plans:
                plan.add(block, squared, rows[part], site)
    return [plan.moments() for plan in plans]


@dataclass
class _Plan:
    """One training set: whose scans count for which of its sites, and the sums so far."""

    train: np.ndarray
    sites: list[str]
    of_site: dict[int, int]
    columns: np.ndarray
    code: np.ndarray
    mean_age: float
    knots: np.ndarray
    totals: dict[str, np.ndarray]

    @classmethod
    def of(
        cls,
        train: np.ndarray,
        site: np.ndarray,
        age_years: np.ndarray,
        names: list[str],
        least_scans: int,
    ) -> _Plan:
        counts = np.bincount(site[site >= 0], minlength=len(names))
        kept = np.flatnonzero(counts >= least_scans)
        of_site = {int(s): i for i, s in enumerate(kept)}
        code = np.array([of_site.get(int(s), len(kept)) for s in site])
        age = age_years[train]
        own = age[code < len(kept)]
        mean_age = float(own.mean()) if len(own) else 0.0
        knots = age_knots(age)
        columns = np.full((len(age_years), 1 + 2 + len(knots[2:])), np.nan)
        columns[train] = np.column_stack([age - mean_age, age_basis(age, knots)])
        return cls(train, [names[s] for s in kept], of_site, columns, code, mean_age, knots, {})

    def add(self, block: np.ndarray, squared: np.ndarray, rows: np.ndarray, site: int) -> None:
        s, p = self.of_site.get(site, len(self.sites)), block.shape[1]
        if not self.totals:
            n, q = len(self.sites) + 1, self.columns.shape[1]
            self.totals = {name: np.zeros((n, p)) for name in ("sums", "squares")}
            self.totals["by_age"] = np.zeros((n, q, p))
        columns = self.columns[rows]
        own = np.isfinite(columns[:, 0])
        member = own.astype(float)
        self.totals["sums"][s] += member @ block
        self.totals["squares"][s] += member @ squared
        self.totals["by_age"][s] += np.where(own[:, None], columns, 0.0).T @ block

    def moments(self) -> SiteMoments:
        counts = np.bincount(self.code, minlength=len(self.sites) + 1)[: len(self.sites)]
        return SiteMoments(
            self.sites,
            counts,
            **self.totals,
            ages=self.columns[self.train],
            code=self.code,
            mean_age=self.mean_age,
            knots=self.knots,
        )
