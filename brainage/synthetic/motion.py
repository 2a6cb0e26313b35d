"""Head motion: six parameters, framewise displacement, and what is left of it in the signals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from brainage.synthetic.parcels import Parcels
from brainage.synthetic.signal import Band

HEAD_RADIUS_MM = 50.0
_N_FIELDS = 12
_FIELD_LENGTH_MM = 35.0
_SPIKE_SHARE = 0.04


@dataclass(frozen=True)
class Motion:
    """Motion of one scan.

    Parameters
    ----------
    parameters : ndarray of shape (n_volumes, 6)
        trans_x, trans_y, trans_z in mm, rot_x, rot_y, rot_z in radians.
    fd_mm : ndarray of shape (n_volumes,)
        Framewise displacement (Power 2012, 50 mm); NaN at the first volume.
    artefact : ndarray of shape (n_volumes, 13)
        Courses of the artefact: one global, the others for smooth spatial fields.
    """

    parameters: np.ndarray
    fd_mm: np.ndarray
    artefact: np.ndarray

    @property
    def mean_fd_mm(self) -> float:
        """Mean over the volumes that have a displacement."""
        return float(np.nanmean(self.fd_mm))

    def first(self, n_volumes: int) -> Motion:
        """Return the motion of a scan that ended after so many volumes."""
        return Motion(
            self.parameters[:n_volumes], self.fd_mm[:n_volumes], self.artefact[:n_volumes]
        )


def draw_motion(n_volumes: int, mean_fd_mm: float, rng: np.random.Generator) -> Motion:
    """Draw a motion trace of a given mean framewise displacement.

    Small slow steps with a few sudden ones; the trace is scaled so that its mean displacement is
    exactly `mean_fd_mm`.
    """
    steps = rng.standard_normal((n_volumes - 1, 6)) * np.array([1, 1, 1.6, 0.02, 0.01, 0.01])
    spikes = rng.random(n_volumes - 1) < _SPIKE_SHARE
    steps[spikes] *= rng.uniform(3, 8, (int(spikes.sum()), 1))
    # The head tends back to where it lay, so a long scan does not wander off.
    position = lfilter([1.0], [1.0, -0.97], np.concatenate([np.zeros((1, 6)), steps]), axis=0)
    raw = displacement_mm(position)
    position *= mean_fd_mm / np.nanmean(raw)
    fd_mm = displacement_mm(position)
    excess = np.clip(fd_mm - np.nanmedian(fd_mm), 0, None)
    excess[0] = 0.0
    artefact = excess[:, None] * rng.standard_normal((n_volumes, 1 + _N_FIELDS))
    return Motion(position, fd_mm, artefact)


def displacement_mm(parameters: np.ndarray) -> np.ndarray:
    """Return Power's framewise displacement of motion parameters, NaN at the first volume."""
    difference = np.abs(np.diff(parameters, axis=0))
    fd = difference[:, :3].sum(axis=1) + HEAD_RADIUS_MM * difference[:, 3:].sum(axis=1)
    return np.concatenate([[np.nan], fd])


def artefact_fields(coordinates_mm: np.ndarray) -> np.ndarray:
    """Return how an artefact spreads over places.

    Parameters
    ----------
    coordinates_mm : ndarray of shape (n, 3)
        Parcels' or voxels' centres.

    Returns
    -------
    fields : ndarray of shape (n, 13)
        First column 1 (the whole brain at once), then smooth bumps: neighbours share them, far
        places do not, so that motion raises short-range correlation most.
    """
    centres = np.stack(np.meshgrid((-35, 35), (-65, -15, 40), (-5, 45), indexing="ij"), -1)
    gap = coordinates_mm[:, None, :] - centres.reshape(-1, 3)
    bumps = np.exp(-((gap / _FIELD_LENGTH_MM) ** 2).sum(axis=2) / 2)
    bumps /= np.sqrt((bumps**2).mean())
    return np.concatenate([np.ones((len(coordinates_mm), 1)), bumps / _N_FIELDS**0.5], axis=1)


def residual_artefact(band: Band, motion: Motion, fields: np.ndarray) -> np.ndarray:
    """Return the artefact left after cleaning, on the band's basis, per mm of displacement."""
    return (band.basis.T @ motion.artefact) @ fields.T


def parcel_fields(parcels: Parcels) -> np.ndarray:
    """Return the artefact fields (p, 13) at the parcels."""
    return artefact_fields(parcels.coordinates_mm)
