"""Site effects, learnt from training scans only and defined for every site a scan can come from.

``center`` shifts each site's edges to the cohort's mean; ``combat`` is Johnson's empirical-Bayes
location and scale. Both are fitted from first and second moments per site, chunk by chunk over
edges, so memory stays near that of the features themselves. See docs/harmonisation.md.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any, Literal, Self, get_args

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from brainage.blocks import blocks
from brainage.clock.preparation.age_trend import AgeTrend, age_basis, age_knots
from brainage.clock.preparation.combat import (
    SiteEffects,
    estimate_site_effects,
    residual_sd,
    shrink_site_effect,
)
from brainage.clock.preparation.new_site import QUARTILES, check_new_site, new_site_record
from brainage.clock.preparation.site_labels import (
    checked_ages,
    refuse_missing_sites,
    refuse_unseen_sites,
    rows_by_site,
    site_codes,
    site_labels,
)
from brainage.clock.preparation.site_moments import SiteMoments
from brainage.errors import BrainAgeError, BrainAgeWarning

Method = Literal["none", "center", "combat"]
UnseenSite = Literal["refuse", "pass_through", "calibrate"]

#: Fewer training scans than this leave a site without an effect of its own.
MIN_SITE_SCANS = 2
#: Fewer calibration scans than this correct a new site's location only.
MIN_SCALE_SCANS = 20

PRESERVE_AGE_WARNING = (
    "harmonisation with preserve_age uses the target: fit it inside each training fold, never on "
    "all scans before cross-validation, or accuracy is overstated."
)


class SiteHarmonizer(TransformerMixin, BaseEstimator):
    """Remove site effects from edges.

    Parameters
    ----------
    method : {"none", "center", "combat"}, default="none"
        Nothing, location per site, or empirical-Bayes location and scale.
    preserve_age : bool, default=False
        Estimate site effects beside a linear age effect, so that sites of different ages keep
        their difference. Needs `y`; warns.
    unseen_site : {"refuse", "pass_through", "calibrate"}, default="pass_through"
        What a site gets that training did not have: an error, its features unchanged, or the
        effect that `calibrate` learnt (an error until it has been called for that site).

    Attributes
    ----------
    sites_ : list of str
        Sites with an effect of their own, training sites first, then calibrated ones.
    shift_, scale_ : ndarray of shape (n_sites, n_features)
        ``harmonised = (x - centre - shift) / scale + centre``.
    centre_ : ndarray of shape (n_sites, n_features)
        What scaling leaves in place: the mean expected at that site's ages.
    unestimated_sites_ : list of str
        Training sites of a single scan: their scans pass unchanged.
    calibrations_ : list of dict
        One a calibrated site: n_scans, ages, whether only the location was corrected.

    References
    ----------
    .. [1] Johnson, Li & Rabinovic (2007), Biostatistics 8:118-127.

    Examples
    --------
    >>> rows = examples.features().rows
    >>> edges = np.asarray(examples.features()["fisher_z"].values, dtype=float)
    >>> harmonizer = SiteHarmonizer("center").fit(edges, site=rows["site"])
    >>> harmonizer.transform(edges, site=rows["site"]).shape
    (40, 276)
    """

    def __init__(
        self,
        method: Method = "none",
        preserve_age: bool = False,
        unseen_site: UnseenSite = "pass_through",
    ):
        self.method = method
        self.preserve_age = preserve_age
        self.unseen_site = unseen_site

    def fit(self, X: np.ndarray, y: np.ndarray | None = None, *, site: Any = None) -> Self:
        """Learn the effect of each site.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
            Edges of training scans.
        y : ndarray of shape (n_scans,) or None, default=None
            Age in years; needed for `preserve_age` and for ``unseen_site="calibrate"``.
        site : array of str of shape (n_scans,) or None, default=None
            None: one site, and the transform changes nothing.

        Returns
        -------
        harmonizer : SiteHarmonizer
        """
        if self.preserve_age and self.method != "none":
            warnings.warn(PRESERVE_AGE_WARNING, BrainAgeWarning, stacklevel=2)
        return self.fit_inside_fold(X, y, site=site)

    def fit_inside_fold(
        self, X: np.ndarray, y: np.ndarray | None = None, *, site: Any = None
    ) -> Self:
        """Do what `fit` does, for a caller that is inside a training fold: no warning."""
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        labels, age = self._begin(site, y, len(X))
        code = site_codes(labels, self.sites_)
        if self._learns_effects:
            self._fit_effects(X, age, code)
        else:
            self._fit_identity(X.shape[1])
        if self._learns_trend and age is not None:
            self._fit_trend(X, age, labels)
        return self

    def fit_on_moments(
        self, moments: SiteMoments, y: np.ndarray | None = None, *, site: Any = None
    ) -> Self:
        """Do what `fit_inside_fold` does, for scans of which sums are known and no more.

        Parameters
        ----------
        moments : SiteMoments
            Of the training scans (`moments_of_sites`).
        y, site : as for `fit`
            Of the same scans.
        """
        labels, age = self._begin(site, y, len(moments.code))
        self.n_features_in_ = n_features = moments.sums.shape[1]
        if self._learns_effects:
            shrink = self.method == "combat"
            effects = moments.effects(shrink=shrink, with_age=self.preserve_age)
            self._keep(effects, moments.mean_age if self.preserve_age else 0.0)
        else:
            self._fit_identity(n_features)
        if self._learns_trend and age is not None:
            self.trend_, self.trend_sd_ = moments.trend(*self.gain_and_offset())
            self.trend_age_range_years_ = np.percentile(age, QUARTILES)
        return self

    def gain_and_offset(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what `transform` does to each site: ``gain * x + offset``, (n_sites, p) each."""
        check_is_fitted(self, "shift_")
        gain = 1 / self.scale_
        return gain, self.centre_ - (self.centre_ + self.shift_) * gain

    def _begin(
        self, site: Any, y: np.ndarray | None, n_scans: int
    ) -> tuple[list[str | None], np.ndarray | None]:
        """Look at choices, sites and ages before the features; return labels and ages."""
        self._check_choices()
        labels = site_labels(site, n_scans)
        age = self._checked_age(y, n_scans)
        names, counts = np.unique([s for s in labels if s is not None], return_counts=True)
        refuse_missing_sites(labels, self.method, self.unseen_site)
        if site is not None and not len(names) and self.method != "none":
            raise BrainAgeError(
                f"harmonisation {self.method!r}: expected a site for the scans, found none. Fill "
                "the column 'site', or choose method: none."
            )
        self.sites_ = [str(n) for n, c in zip(names, counts, strict=True) if c >= MIN_SITE_SCANS]
        self.unestimated_sites_ = sorted(set(names.tolist()) - set(self.sites_))
        self.known_sites_ = sorted(set(names.tolist()))
        self.calibrations_: list[dict] = []
        return labels, age

    @property
    def _learns_effects(self) -> bool:
        return self.method != "none" and len(self.sites_) >= 2

    @property
    def _learns_trend(self) -> bool:
        return self.unseen_site == "calibrate" and self.method != "none"

    def transform(
        self,
        X: np.ndarray,
        *,
        site: Any = None,
        age_years: np.ndarray | None = None,
        unseen_site: UnseenSite | None = None,
    ) -> np.ndarray:
        """Return harmonised edges; each row depends on itself and its site alone.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
            Edges.
        site : array of str of shape (n_scans,) or None, default=None
            None only where training had one site or the method is ``none``.
        age_years : ndarray of shape (n_scans,) or None, default=None
            Only with `preserve_age` and ``combat``: scale around each scan's own expected mean,
            as ComBat does, and not around its site's. Never give the ages a clock is to predict.
        unseen_site : {"refuse", "pass_through", "calibrate"} or None, default=None
            In the place of the parameter of that name. Cross-validation passes held-out sites
            through: whatever is asked of new sites later, here there is nothing to learn them from.

        Returns
        -------
        harmonised : ndarray of shape (n_scans, n_features)
            Of the kind of `X` (float32 or float64), finite.

        Raises
        ------
        FeatureMismatchError
            A site unseen in training under ``refuse``, or not calibrated under ``calibrate``.
        """
        check_is_fitted(self, "shift_")
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        if self.method == "none" or (site is None and len(self.sites_) < 2):
            return X.copy()
        if site is None:
            raise ValueError(
                f"harmonisation {self.method!r}: expected a site for each scan, since "
                f"it was fitted on {len(self.sites_)} sites."
            )
        labels = site_labels(site, len(X))
        rule = unseen_site or self.unseen_site
        refuse_missing_sites(labels, self.method, rule)
        if rule != "pass_through":
            known = {*self.known_sites_, *self.sites_}
            refuse_unseen_sites(labels, known, self.method, may_calibrate=rule == "calibrate")
        code = site_codes(labels, self.sites_)
        age_shift = np.zeros(len(X)) if age_years is None else self._age_shift(age_years, code)
        return self.moved(X, code, age_shift=age_shift)

    def moved(
        self,
        X: np.ndarray,
        code: np.ndarray,
        *,
        columns: slice = slice(None),
        age_shift: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return features moved by site, whose places among `sites_` are known (-1: unmoved).

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_columns)
            Some columns of the features.
        code : ndarray of shape (n_scans,), int
            Place of each scan's site.
        columns : slice, default=slice(None)
            Which columns `X` has.
        age_shift : ndarray of shape (n_scans,), optional
            Age minus the site's mean age, to scale around each scan's own expected mean.
        """
        result = X.copy()
        slope = self.age_slope_[columns]
        for rows, s in rows_by_site(code):
            of_site = (self.centre_[s], self.shift_[s], self.scale_[s])
            centres, shift, scale = (values[columns] for values in of_site)
            shifts = np.zeros(len(rows)) if age_shift is None else age_shift[rows]
            for part in blocks(X.shape[1], len(rows)):
                centre = centres[part] + np.outer(shifts, slope[part])
                moved = (X[rows, part] - centre - shift[part]) / scale[part]
                result[rows, part] = moved + centre
        return result

    def fit_transform(
        self, X: np.ndarray, y: np.ndarray | None = None, *, site: Any = None
    ) -> np.ndarray:
        """Fit and transform the training scans, as `transform` will treat new ones."""
        return self.fit(X, y, site=site).transform(X, site=site)

    def calibrate(self, X: np.ndarray, *, site: str, age_years: np.ndarray) -> SiteHarmonizer:
        """Return a copy that also knows a new site, learnt from its residuals around age.

        Parameters
        ----------
        X : ndarray of shape (n_scans, n_features)
            Baseline scans of the new site, one a person, chosen blind to arm.
        site : str
            The new site.
        age_years : ndarray of shape (n_scans,)
            Their ages. Residuals are taken from the age trend of each edge in the harmonised
            reference, frozen at `fit`: raw means would move a trial of people aged 62-70 to the
            reference's mean age.

        Returns
        -------
        calibrated : SiteHarmonizer
            Location only for ``center`` and below 20 scans; location and scale for ``combat``
            above.

        Raises
        ------
        BrainAgeError
            Not fitted with ``unseen_site="calibrate"``, a site that is known, or fewer than two
            scans.
        """
        check_is_fitted(self, "shift_")
        X = np.asarray(X, dtype=np.float64)
        age = np.asarray(age_years, dtype=float)
        if not hasattr(self, "trend_"):
            raise BrainAgeError(
                "calibrate: the harmoniser was not fitted with method 'center' or 'combat' and "
                "unseen_site: calibrate, so it keeps no age trend. Train the clock again with it."
            )
        known = (*self.sites_, *self.known_sites_)
        check_new_site(X, age, site=site, known=known, n_features=self.n_features_in_)
        expected = age_basis(age, self.trend_.knots_years) @ self.trend_.weights
        residual = (X - expected) / self.trend_sd_
        scale_too = self.method == "combat" and len(X) >= MIN_SCALE_SCANS
        mean, variance = residual.mean(axis=0), residual.var(axis=0, ddof=1)
        if self.method == "combat":
            mean, variance = shrink_site_effect(mean, variance, len(X), location_only=not scale_too)
        scale = np.sqrt(variance) if scale_too else np.ones(X.shape[1])
        new = copy.deepcopy(self)
        new.sites_ = [*self.sites_, site]
        new.shift_ = np.vstack([self.shift_, mean * self.trend_sd_])
        new.scale_ = np.vstack([self.scale_, scale])
        new.centre_ = np.vstack([self.centre_, expected.mean(axis=0)])
        new.site_age_years_ = np.append(self.site_age_years_, age.mean())
        reference = self.trend_age_range_years_
        record = new_site_record(site, age, reference_ages=reference, location_only=not scale_too)
        new.calibrations_ = [*self.calibrations_, record]
        return new

    def _fit_identity(self, n_features: int) -> None:
        """Leave edges as they are; one site says nothing about sites."""
        n_sites = len(self.sites_)
        self.shift_ = np.zeros((n_sites, n_features))
        self.scale_ = np.ones((n_sites, n_features))
        self.centre_ = np.zeros((n_sites, n_features))
        self.site_age_years_, self.age_slope_ = np.zeros(n_sites), np.zeros(n_features)

    def _fit_effects(self, X: np.ndarray, age: np.ndarray | None, code: np.ndarray) -> None:
        kept = np.flatnonzero(code >= 0)
        centred, mean_age = None, 0.0
        if self.preserve_age and age is not None:
            # Centred, so that the site coefficients are means at the cohort's mean age.
            mean_age = age[kept].mean()
            centred = age - mean_age
        effects = estimate_site_effects(X, code, shrink=self.method == "combat", covariate=centred)
        self._keep(effects, mean_age)

    def _keep(self, effects: SiteEffects, mean_age: float) -> None:
        self.shift_, self.scale_ = effects.shift, effects.scale
        self.age_slope_ = effects.covariate_slope
        self.centre_ = effects.grand_mean + np.outer(effects.covariate_mean, self.age_slope_)
        self.site_age_years_ = effects.covariate_mean + mean_age

    def _fit_trend(self, X: np.ndarray, age: np.ndarray, labels: list[str | None]) -> None:
        """Freeze each edge's age trend in the harmonised reference, for `calibrate`."""
        code = site_codes(labels, self.sites_)
        knots = age_knots(age)
        basis = age_basis(age, knots)
        solver = np.linalg.pinv(basis)
        weights, sd = np.empty((basis.shape[1], X.shape[1])), np.empty(X.shape[1])
        for part in blocks(X.shape[1], len(X)):
            values = X[:, part].astype(np.float64)
            for rows, s in rows_by_site(code):
                centre = self.centre_[s, part]
                moved = (values[rows] - centre - self.shift_[s, part]) / self.scale_[s, part]
                values[rows] = moved + centre
            weights[:, part] = solver @ values
            sd[part] = residual_sd(values, basis @ weights[:, part])
        self.trend_, self.trend_sd_ = AgeTrend(knots, weights), sd
        self.trend_age_range_years_ = np.percentile(age, QUARTILES)

    def _age_shift(self, age_years: np.ndarray, code: np.ndarray) -> np.ndarray:
        """Return each scan's age minus its site's mean age; zero for sites without an effect."""
        shift = np.asarray(age_years, dtype=float) - np.append(self.site_age_years_, 0.0)[code]
        return np.where(code >= 0, shift, 0.0)

    def _check_choices(self) -> None:
        for name, kinds in (("method", Method), ("unseen_site", UnseenSite)):
            found = getattr(self, name)
            if found not in get_args(kinds):
                raise ValueError(
                    f"harmonisation {name}: expected one of {get_args(kinds)}, found {found!r}."
                )

    def _checked_age(self, y: np.ndarray | None, n_scans: int) -> np.ndarray | None:
        needed = self.method != "none" and (self.preserve_age or self.unseen_site == "calibrate")
        if not needed:
            return None
        return checked_ages(y, n_scans)
