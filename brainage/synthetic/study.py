"""SyntheticStudy: the planted truth, and the scans it makes. Writing them is `writing.py`'s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from joblib import delayed
from threadpoolctl import threadpool_limits

from brainage.connectivity import FeatureTable, View, ViewSpec, take_volumes
from brainage.number_words import signed
from brainage.options import fingerprint_of
from brainage.progress import Progress, silent
from brainage.series import ParcelSeries, ScanQuality
from brainage.showing import Shown
from brainage.synthetic import world as worlds
from brainage.synthetic.lost_volumes import kept_volumes, losses_in_words
from brainage.synthetic.motion import Motion, draw_motion, parcel_fields, residual_artefact
from brainage.synthetic.options import SyntheticOptions
from brainage.synthetic.parcels import Parcels, load_parcels
from brainage.synthetic.people import draw_reference, draw_trial
from brainage.synthetic.seeds import stream
from brainage.synthetic.signal import (
    Band,
    draw_coefficients,
    fisher_z_rows,
    make_band,
    to_series,
)
from brainage.workers import processes

Cohort = Literal["reference", "trial"]
_COHORT_INDEX = {"reference": 0, "trial": 1}
_CHUNK = 32
#: Series are rounded to this many decimals of a standard deviation; files shrink to a third.
SERIES_DECIMALS = 3


@dataclass(frozen=True, repr=False)
class SyntheticStudy(Shown):
    """A reference cohort and a trial drawn from one seed.

    Parameters
    ----------
    options : SyntheticOptions
        The choices.
    seed : int
        Of people and noise.
    parcels : Parcels
        p parcels.
    world : World
        Loadings and directions.
    truth : DataFrame
        Every planted value, one row a planned scan (`people.TRUTH`), in latent years.
    allocation : DataFrame or None
        `people.ALLOCATION`; None without a trial.

    Examples
    --------
    >>> study = ba.make_study(ba.tiny_options(), seed=1)
    >>> len(study.scans("reference"))
    40
    >>> study.features("trial")["fisher_z"].values.shape[1]
    496
    """

    options: SyntheticOptions
    seed: int
    parcels: Parcels
    world: worlds.World
    truth: pd.DataFrame
    allocation: pd.DataFrame | None
    band: Band = field(repr=False)
    fields: np.ndarray = field(repr=False)
    _groups: dict = field(repr=False)

    @property
    def lines(self) -> list[str]:
        """Sentences that say what was planted."""
        return describe(self)

    def scans(self, cohort: Cohort) -> pd.DataFrame:
        """Return the truth rows of a cohort's scans that took place."""
        here = (self.truth["cohort"] == cohort) & self.truth["scanned"]
        return self.truth[here]

    def coefficients(self, row: pd.Series, *, counterfactual: bool = False) -> np.ndarray:
        """Return one scan's cleaned parcel signals on the band's basis, shape (m, p).

        Parameters
        ----------
        row : Series
            A row of `truth`; its index label is that of `truth`.
        counterfactual : bool, default=False
            Without the arm's effect: same person, noise, motion and visit.
        """
        neural = self.neural_coefficients(row, counterfactual=counterfactual)
        strength = self.options.difficulty.motion
        if strength == 0:
            return neural
        # Neural coefficients have variance 1 and series m / T: the strength is in units of the
        # series' standard deviation.
        scale = strength * (len(self.band.amplitude) / len(self.band.basis)) ** 0.5
        return neural + scale * residual_artefact(self.band, self.motion(row), self.fields)

    def neural_coefficients(self, row: pd.Series, *, counterfactual: bool = False) -> np.ndarray:
        """Return one scan's neural signals, without any artefact, shape (m, p)."""
        loadings, unshared_sd = self._covariance_parts(row, counterfactual)
        noise = stream(self.seed, "neural", *self.address(row))
        return draw_coefficients(self.band, loadings, unshared_sd, noise)

    def motion(self, row: pd.Series) -> Motion:
        """Return one scan's motion; its mean displacement is the row's ``mean_fd_mm``."""
        rng = stream(self.seed, "motion", *self.address(row))
        return draw_motion(self.options.n_volumes, row["mean_fd_mm"], rng)

    def covariance(self, row: pd.Series, *, counterfactual: bool = False) -> np.ndarray:
        """Return the population covariance (p, p) of one scan, without artefacts or sampling."""
        loadings, unshared_sd = self._covariance_parts(row, counterfactual)
        return loadings @ loadings.T + np.diag(unshared_sd**2)

    def series(self, cohort: Cohort, *, counterfactual: bool = False) -> Iterator[ParcelSeries]:
        """Yield the cohort's parcel series, one scan at a time."""
        for _, row in self.scans(cohort).iterrows():
            yield self.make_series(row, counterfactual=counterfactual)

    def make_series(self, row: pd.Series, *, counterfactual: bool = False) -> ParcelSeries:
        """Return one scan as the extract stage would have left it."""
        with threadpool_limits(1):
            coefficients = self.coefficients(row, counterfactual=counterfactual)
            values = to_series(self.band, coefficients).round(SERIES_DECIMALS)
        whole = self.wrap_series(row, values)
        kept = self.kept_volumes(row)
        return whole if len(kept) == len(values) else take_volumes(whole, kept)

    def kept_volumes(self, row: pd.Series) -> np.ndarray:
        """Return the volumes that are left of a scan, ascending; nearly always all."""
        return kept_volumes(self.options, row)

    def wrap_series(self, row: pd.Series, values: np.ndarray) -> ParcelSeries:
        """Put a scan's labels and quality around its series (n_volumes, p)."""
        options = self.options
        n = options.n_volumes
        quality = ScanQuality(
            row["mean_fd_mm"], n, n, n * options.t_r_s, np.ones(len(self.parcels))
        )
        return ParcelSeries(
            participant_id=row["participant_id"],
            session_id=row["session_id"],
            run="n/a",
            task="rest",
            values=values,
            parcel_names=self.parcels.names,
            networks=self.parcels.networks,
            kept_volumes=np.arange(n),
            t_r_s=options.t_r_s,
            atlas=self.parcels.atlas,
            cleaning_fingerprint=self.cleaning_fingerprint,
            quality=quality,
            cleaning=self._cleaning_words(),
        )

    def features(
        self,
        cohort: Cohort,
        *,
        counterfactual: bool = False,
        n_jobs: int = 1,
        progress: Progress = silent,
    ) -> FeatureTable:
        """Return the cohort's Fisher z, drawn without writing or making series.

        The edges are those of `build_features` on the written series, up to their rounding.

        Parameters
        ----------
        cohort : {"reference", "trial"}
            Whose.
        counterfactual : bool, default=False
            Without the arm's effect, same noise.
        n_jobs : int, default=1
            Processes; the result does not depend on it.
        progress : Progress, optional
            Told of every chunk.

        Returns
        -------
        features : FeatureTable
            One view, "fisher_z"; rows in the order of `truth`.
        """
        scans = self.scans(cohort)
        starts = range(0, len(scans), _CHUNK)
        parallel = processes(n_jobs, return_as="generator")
        tasks = (
            delayed(_edge_chunk)(self, scans.iloc[s : s + _CHUNK], counterfactual) for s in starts
        )
        p = len(self.parcels)
        values = np.empty((len(scans), p * (p - 1) // 2), dtype=np.float32)
        done = 0
        for chunk in parallel(tasks):
            values[done : done + len(chunk)] = chunk
            done += len(chunk)
            progress(done, len(scans), f"draw {cohort} features")
        n_kept = np.array([len(self.kept_volumes(row)) for _, row in scans.iterrows()], dtype=float)
        rows = pd.DataFrame(
            {
                "participant_id": scans["participant_id"],
                "session_id": scans["session_id"],
                "age_years": scans["age_years"].astype(float),
                "sex": scans["sex"],
                "site": scans["site"],
                "scanner": scans["scanner"],
                "family_id": None,
                "mean_fd_mm": scans["mean_fd_mm"].astype(float),
                "retained_s": self.options.t_r_s * n_kept,
            }
        ).reset_index(drop=True)
        return FeatureTable({"fisher_z": View(values, self._spec())}, rows)

    @property
    def cleaning_fingerprint(self) -> str:
        """Fingerprint of the series: equal for all cohorts and counterfactuals of one band."""
        options = self.options
        return fingerprint_of(
            ["synthetic series", self.parcels.atlas, options.low_hz, options.high_hz]
        )

    def _cleaning_words(self) -> str:
        return f"synthetic, {self.options.low_hz:g}-{self.options.high_hz:g} Hz"

    def _spec(self) -> ViewSpec:
        return ViewSpec(
            "fisher_z",
            "none",
            "upper",
            self.parcels.names,
            self.parcels.networks,
            self.parcels.atlas,
            self.cleaning_fingerprint,
        )

    def address(self, row: pd.Series) -> tuple[int, int, int]:
        """Return (cohort, person, visit): where a scan's random streams are found."""
        return _COHORT_INDEX[row["cohort"]], _person_number(row), int(row["visit"])

    def _covariance_parts(
        self, row: pd.Series, counterfactual: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        difficulty, world = self.options.difficulty, self.world
        cohort, person, visit = self.address(row)
        name = "brain_age_without_effect_years" if counterfactual else "brain_age_years"
        curves = difficulty.ageing * worlds.ageing_curves(row[name])
        group = self._groups[row["scanner"], visit]
        loadings = group.loadings + np.tensordot(curves, world.ageing, axes=1)
        loadings += worlds.person_loadings(
            world, difficulty, stream(self.seed, "loadings", cohort, person)
        )
        loadings += worlds.scan_loadings(
            world, difficulty, stream(self.seed, "scan loadings", cohort, person, visit)
        )
        if difficulty.trait_connectivity:
            loadings += difficulty.trait_connectivity * worlds.trait_loadings(
                world, row["trait_years"]
            )
        if row["regional_z"] and not counterfactual:
            loadings += worlds.regional_loadings(world, row["regional_z"])
        return loadings, world.unshared_sd * group.noise_scale


@dataclass(frozen=True)
class _Group:
    """What the scans of one scanner and visit share."""

    loadings: np.ndarray
    noise_scale: float


def make_study(
    options: SyntheticOptions, *, seed: int, parcels: Parcels | None = None
) -> SyntheticStudy:
    """Draw a study: who is scanned when, and everything that is planted.

    Scans themselves are drawn when they are asked for, each from its own stream.

    Parameters
    ----------
    options : SyntheticOptions
        The choices.
    seed : int
        Of people and noise; the world itself follows ``options.population_seed``.
    parcels : Parcels, optional
        Instead of the atlas the options name.

    Returns
    -------
    study : SyntheticStudy

    Raises
    ------
    AtlasError
        The atlas has no coordinates.

    Examples
    --------
    >>> study = ba.make_study(ba.tiny_options(), seed=1)
    >>> print(study.lines[2])
    reference: 40 adults of 18-90 years from 2 sites
    """
    parcels = load_parcels(options) if parcels is None else parcels
    world = worlds.make_world(parcels, options.population_seed)
    tables = [draw_reference(options, seed)]
    allocation = None
    if options.trial is not None:
        trial, allocation = draw_trial(options.trial, options.difficulty, seed)
        tables.append(trial)
    tables = [table for table in tables if len(table)]
    truth = pd.concat(tables, ignore_index=True) if tables else draw_reference(options, seed)
    band = make_band(options.n_volumes, options.t_r_s, options.low_hz, options.high_hz)
    return SyntheticStudy(
        options,
        seed,
        parcels,
        world,
        truth,
        allocation,
        band,
        parcel_fields(parcels),
        _make_groups(truth, options, world),
    )


def describe(study: SyntheticStudy) -> list[str]:
    """Say in a few sentences what was planted."""
    options = study.options
    lines = [
        f"synthetic study, seed {study.seed}, {len(study.parcels)} parcels of "
        f"{study.parcels.atlas}, {options.n_volumes} volumes of {options.t_r_s:g} s; every "
        "planted value is in truth.tsv"
    ]
    if options.note:
        lines.append(options.note)
    plan = options.reference
    lines.append(
        f"reference: {plan.n} adults of {plan.age_low_years:g}-{plan.age_high_years:g} "
        f"years from {plan.n_sites} sites"
    )
    if options.trial is not None:
        trial = study.truth[study.truth["cohort"] == "trial"]
        for arm in options.trial.arms:
            here = trial[trial["arm"] == arm.name]
            missed = int((~here["scanned"].astype(bool)).sum())
            planted = ", ".join(
                f"{visit.session_id} {signed(effect)}"
                for visit, effect in zip(options.trial.visits[1:], arm.effects_years, strict=True)
            )
            lines.append(
                f"trial arm {arm.name}: {here['participant_id'].nunique()} people, "
                f"{missed} missed visits, planted latent years: {planted}"
                + losses_in_words(options.trial, arm)
            )
    return lines


def _make_groups(truth: pd.DataFrame, options: SyntheticOptions, world: worlds.World) -> dict:
    difficulty, population = options.difficulty, options.population_seed
    groups = {}
    for scanner, visit in truth[["scanner", "visit"]].drop_duplicates().itertuples(index=False):
        site = worlds.site_loadings(world, scanner, population)
        habit = worlds.visit_loadings(world, int(visit), population)
        loadings = world.base + difficulty.site_shift * site + difficulty.visit_connectivity * habit
        noise = np.exp(difficulty.site_scale * worlds.site_noise(scanner, population))
        groups[scanner, int(visit)] = _Group(loadings, float(noise))
    return groups


def _edge_chunk(study: SyntheticStudy, scans: pd.DataFrame, counterfactual: bool) -> np.ndarray:
    # One thread: sums in the same order, so the same bytes, whatever the number of processes.
    with threadpool_limits(1):
        return np.stack(
            [_edges(study, row, counterfactual=counterfactual) for _, row in scans.iterrows()]
        )


def _edges(study: SyntheticStudy, row: pd.Series, *, counterfactual: bool) -> np.ndarray:
    coefficients = study.coefficients(row, counterfactual=counterfactual)
    kept = study.kept_volumes(row)
    if len(kept) == study.options.n_volumes:
        return fisher_z_rows(coefficients)
    # The band's basis is orthonormal over the whole scan alone: a part needs its series.
    part = to_series(study.band, coefficients)[kept]
    return fisher_z_rows(part - part.mean(axis=0))


def _person_number(row: pd.Series) -> int:
    return int(row["participant_id"][1:])
