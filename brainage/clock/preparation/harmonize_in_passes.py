"""Site effects of many training sets at once, of features that stay on disk and are not rewritten.

Each training set gets the harmoniser that it would have been given in memory (`SiteHarmonizer`),
from sums made in one pass; solvers then see features as it moves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainage.clock.options import HarmonizationOptions
from brainage.clock.preparation.harmonize import MIN_SITE_SCANS, SiteHarmonizer
from brainage.clock.preparation.site_labels import rows_by_site, site_codes, site_labels
from brainage.clock.preparation.site_moments import moments_of_sites
from brainage.clock.regressors.seen_features import SiteMove


def harmonizers_in_passes(
    values: np.ndarray,
    rows: pd.DataFrame,
    trains: Sequence[np.ndarray],
    options: HarmonizationOptions,
) -> list[SiteHarmonizer]:
    """Fit a view's harmoniser on each training set, in one pass over the features.

    Parameters
    ----------
    values : ndarray of shape (n_scans, n_features)
        Features of the cohort, a memory map included; finite.
    rows : DataFrame
        Row table (site, age_years).
    trains : sequence of ndarray of int
        Training sets.
    options : HarmonizationOptions
        Method and age.
    """
    age = rows["age_years"].to_numpy(float)
    labels = site_labels(rows["site"], len(rows))
    moments = moments_of_sites(values, labels, age, trains, least_scans=MIN_SITE_SCANS)
    fitted = []
    for train, of_train in zip(trains, moments, strict=True):
        new = SiteHarmonizer(options.method, options.preserve_age, options.unseen_site)
        fitted.append(new.fit_on_moments(of_train, age[train], site=rows["site"].iloc[train]))
    return fitted


def site_moves(harmonizers: Sequence[SiteHarmonizer], rows: pd.DataFrame) -> list[SiteMove]:
    """Return how harmonisers of several training sets move the scans of each site."""
    labels = site_labels(rows["site"], len(rows))
    names = sorted({name for one in harmonizers for name in one.sites_})
    n_features = harmonizers[0].n_features_in_
    pairs = [one.gain_and_offset() for one in harmonizers]
    moves = []
    for members, s in rows_by_site(site_codes(labels, names)):
        gain, offset = np.ones((n_features, len(pairs))), np.zeros((n_features, len(pairs)))
        for k, (one, (gains, offsets)) in enumerate(zip(harmonizers, pairs, strict=True)):
            if names[s] in one.sites_:
                own = one.sites_.index(names[s])
                gain[:, k], offset[:, k] = gains[own], offsets[own]
        moves.append(SiteMove(members, gain, offset))
    return moves


@dataclass(frozen=True)
class HarmonizedView:
    """A cohort's features as one harmoniser makes them, made where they are read."""

    values: np.ndarray
    rows: pd.DataFrame
    harmonizer: SiteHarmonizer

    @property
    def shape(self) -> tuple[int, int]:
        """Scans and features."""
        return self.values.shape

    def __len__(self) -> int:
        """Return the number of scans."""
        return len(self.values)

    def __getitem__(self, index: tuple[slice | np.ndarray, slice]) -> np.ndarray:
        """Return harmonised features of some scans (slice or numbers) and columns (slice)."""
        wanted, columns = index
        stored = np.asarray(self.values[wanted, columns])
        labels = site_labels(self.rows["site"].iloc[wanted], len(stored))
        code = site_codes(labels, self.harmonizer.sites_)
        return self.harmonizer.moved(stored, code, columns=columns)
