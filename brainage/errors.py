"""Every error a user of brainage is meant to see.

A message says where, what was expected, what was found and what to do. Anything else that
escapes is a bug of ours and keeps its traceback (exit code 70).
"""


class BrainAgeError(Exception):
    """Parent of every error that is the input's fault and not the program's (exit code 2).

    Examples
    --------
    >>> try:
    ...     ba.load_atlas("seitzman30")
    ... except ba.BrainAgeError as error:
    ...     print(str(error)[:45])
    science.atlas.name: no atlas 'seitzman30'. Di
    """


class BrainAgeWarning(UserWarning):
    """A choice that is allowed and that its reader must know the price of.

    Examples
    --------
    >>> issubclass(ba.BrainAgeWarning, UserWarning)
    True
    """


class ConfigError(BrainAgeError):
    """A study or sweep file, or a ``--set`` on the command line, is not valid."""


class TableError(BrainAgeError):
    """A participants, scans, scores or allocation table is not what its schema asks for."""


class ScanError(BrainAgeError):
    """One scan cannot be used; in a batch it becomes a row with this reason."""


class AtlasError(BrainAgeError):
    """An atlas file, its labels or its space does not fit."""


class SeriesError(BrainAgeError):
    """A parcel time-series file cannot be read or does not match its neighbours."""


class FeatureMismatchError(BrainAgeError):
    """Features of another atlas, estimator or cleaning were given to a clock."""


class TooFewVolumesError(BrainAgeError):
    """A scan keeps too few volumes for the connectivity estimate that was asked for."""


class LeakageError(BrainAgeError):
    """Information would pass from held-out people, or from the trial, into training."""


class CorrectedAccuracyError(BrainAgeError):
    """Predictions that were corrected with the very ages they are to be judged by."""


class ClockFileError(BrainAgeError):
    """A clock file is truncated, tampered with, too large or not a clock at all."""


class DesignError(BrainAgeError):
    """The trial's arms, visits, allocation or plan contradict each other or the data."""


class StageError(BrainAgeError):
    """A stage's input folder is absent, unfinished, or made by something else."""


class MatrixError(BrainAgeError, ValueError):
    """A connectivity matrix is not square, not symmetric, or not positive definite.

    Also a ``ValueError``, as scikit-learn asks of what an estimator raises on bad input.
    """
