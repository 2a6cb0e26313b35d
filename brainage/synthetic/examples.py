"""Small examples to try everything on: one study of known truth, and what each step makes of it.

A brain of 24 parcels in 4 networks; 40 reference adults from two sites; a trial of 24 people in
three arms, scanned up to three times, in which the planted effects are large. Each is made when
it is asked for first, in about a second, and kept; tables are handed out as copies.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import (
    BrainClock,
    ClockOptions,
    CrossValidation,
    ValidationOptions,
    cross_validate_clock,
    fit_clock,
)
from brainage.connectivity import FeatureTable
from brainage.series import ParcelSeries
from brainage.synthetic.options import NiftiOptions, ReferenceOptions, SyntheticOptions
from brainage.synthetic.parcels import Parcels
from brainage.synthetic.presets import tiny_options
from brainage.synthetic.study import Cohort, SyntheticStudy, make_study
from brainage.synthetic.writing import write_study
from brainage.trial import (
    RandomizationOptions,
    TrialDesign,
    TrialOptions,
    TrialResult,
    VisitOptions,
    compare_arms,
)

_NETWORKS = ("Default", "FrontoParietal", "SomatoMotor", "Visual")
_SEED = 3


def parcels() -> Parcels:
    """Return 24 parcels on a lattice inside the brain, in four networks.

    Examples
    --------
    >>> len(examples.parcels())
    24
    """
    x, y, z = np.meshgrid((-40.0, -20.0, 20.0, 40.0), (-70.0, -20.0, 40.0), (10.0, 40.0))
    centres = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    names = tuple(f"parcel{i:02d}" for i in range(len(centres)))
    networks = tuple(_NETWORKS[i % 4] for i in range(len(centres)))
    return Parcels("lattice24", names, networks, centres, np.full(len(centres), 5.0))


@cache
def study() -> SyntheticStudy:
    """Return the study: who is scanned when, and everything that is planted.

    Examples
    --------
    >>> study = examples.study()
    >>> len(study.scans("reference")), study.allocation["arm"].unique().tolist()
    (40, ['CON', 'HRT', 'MIT'])
    """
    tiny = tiny_options()
    # Easier than real data: what the clock sees should be plain with few people and parcels.
    easy = tiny.difficulty.model_copy(update={"ageing": 0.25})
    options = tiny.model_copy(update={"n_parcels": None, "n_volumes": 120, "difficulty": easy})
    return make_study(options, seed=_SEED, parcels=parcels())


def write_files(folder: str | Path) -> Path:
    """Write the study as files: people, allocation, and the parcel series of every scan.

    Parameters
    ----------
    folder : str or Path
        Gets ``reference/`` and ``trial/``; what is there already is kept.

    Returns
    -------
    folder : Path

    Examples
    --------
    >>> # written = examples.write_files(folder)
    >>> sorted(path.name for path in (written / "trial").glob("*.tsv"))
    ['allocation.tsv', 'participants.tsv', 'sessions.tsv']
    """
    write_study(study(), folder)
    return Path(folder)


def write_scans(folder: str | Path) -> Path:
    """Write fMRIPrep derivatives of two people as NIfTI files: short scans on a coarse grid.

    Parameters
    ----------
    folder : str or Path
        Gets ``reference/derivatives/fmriprep`` and ``reference/participants.tsv``.

    Returns
    -------
    derivatives : Path

    Examples
    --------
    >>> # derivatives = examples.write_scans(folder)
    >>> [scan.participant_id for scan in ba.find_scans(derivatives)]
    ['R0001', 'R0002']
    """
    options = SyntheticOptions(
        depth="nifti",
        n_volumes=60,
        reference=ReferenceOptions(n=2, n_sites=1),
        nifti=NiftiOptions(grid_mm=8.0),
    )
    write_study(make_study(options, seed=_SEED), folder)
    return Path(folder) / "reference" / "derivatives" / "fmriprep"


def series(cohort: Cohort = "reference") -> ParcelSeries:
    """Return the parcel series of the first scan of a cohort.

    Parameters
    ----------
    cohort : {"reference", "trial"}, default="reference"
        Whose.

    Examples
    --------
    >>> examples.series()
    ParcelSeries
      participant_id: R0001
      session_id: n/a
      run: n/a
      task: rest
      values: float64 120 x 24
      parcel_names: 24: parcel00, parcel01, parcel02, parcel03, parcel04, ..., parcel23
      networks: 24: Default, FrontoParietal, SomatoMotor, Visual, ..., Visual
      kept_volumes: int64 120
      t_r_s: 2
      atlas: lattice24
      cleaning_fingerprint: 626e26820738bc2e
      quality: ScanQuality(mean_fd_mm: 0.172149; n_volumes: 120; n_kept: 120; re...
      cleaning: synthetic, 0.01-0.1 Hz
    """
    return next(study().series(cohort))


@cache
def features(cohort: Cohort = "reference") -> FeatureTable:
    """Return the Fisher z of every scan of a cohort.

    Parameters
    ----------
    cohort : {"reference", "trial"}, default="reference"
        Whose.

    Examples
    --------
    >>> examples.features("trial")
    FeatureTable
      scans: 64 of 24 people
      views: fisher_z: 64 x 276
      rows: table, 64 rows: 9: participant_id, session_id, ..., retained_s
      excluded: table, 0 rows: participant_id, session_id, reason
      dropped_parcels: none
    """
    return study().features(cohort)


def clock_options() -> ClockOptions:
    """Return a ridge in five folds, without bootstraps.

    Examples
    --------
    >>> examples.clock_options().validation.n_folds
    5
    """
    return ClockOptions(age_scale="years", validation=ValidationOptions(n_folds=5, n_bootstrap=0))


@cache
def cross_validation() -> CrossValidation:
    """Return the cross-validation of that ridge on the reference cohort.

    Examples
    --------
    >>> examples.cross_validation()
    CrossValidation: 40 scans of 40 people, 5 folds x 1
      5-fold: MAE 8.52 years, of the median age 19.87, r 0.88, uncorrected
    """
    return cross_validate_clock(features(), clock_options())


@cache
def clock() -> BrainClock:
    """Return the clock trained on the reference cohort.

    Examples
    --------
    >>> examples.clock().network
    'whole_brain'
    """
    return fit_clock(features(), clock_options(), cv=cross_validation())


@cache
def _scores() -> pd.DataFrame:
    return clock().score(features("trial"))


def scores() -> pd.DataFrame:
    """Return the clock's scores of the trial's scans.

    Examples
    --------
    >>> examples.scores().shape
    (64, 17)
    """
    return _scores().copy()


def trial_options() -> TrialOptions:
    """Return the trial as it is analysed: three arms, three visits, change at one year.

    Examples
    --------
    >>> examples.trial_options().control_arm
    'CON'
    """
    return TrialOptions(
        arms=("CON", "MIT", "HRT"),
        control_arm="CON",
        visits=(
            VisitOptions(session_id="baseline", label="baseline", nominal_years=0),
            VisitOptions(session_id="1y", label="1 year", nominal_years=1),
            VisitOptions(session_id="2y", label="2 years", nominal_years=2),
        ),
        primary_visit="1 year",
        randomization=RandomizationOptions(n_draws=99),
        n_bootstraps=200,
    )


def allocation() -> pd.DataFrame:
    """Return who was randomised to which arm.

    Examples
    --------
    >>> examples.allocation()["arm"].value_counts().to_dict()
    {'CON': 8, 'HRT': 8, 'MIT': 8}
    """
    table = study().allocation
    assert table is not None
    return table.copy()


def design() -> TrialDesign:
    """Return arms, visits and who was randomised to what.

    Examples
    --------
    >>> examples.design().arms
    ('CON', 'MIT', 'HRT')
    """
    return TrialDesign.from_options(trial_options(), allocation())


@cache
def result() -> TrialResult:
    """Return the comparison of the arms.

    Examples
    --------
    >>> examples.result().primary.arm
    'HRT'
    """
    return compare_arms(scores(), design())
