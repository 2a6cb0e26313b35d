"""One synthetic scan as voxels: neural signals in the parcels' spheres, nuisance everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.spatial import cKDTree

from brainage.synthetic.motion import Motion, artefact_fields
from brainage.synthetic.parcels import Parcels
from brainage.synthetic.seeds import stream
from brainage.synthetic.study import SyntheticStudy

# The field of view of MNI152NLin2009cAsym at 2 mm, resampled.
_FIRST_VOXEL_MM = np.array([-96.0, -132.0, -78.0])
_EXTENT_MM = np.array([192.0, 228.0, 192.0])
_BRAIN_CENTRE_MM = np.array([0.0, -18.0, 8.0])
_BRAIN_SEMIAXES_MM = np.array([70.0, 88.0, 72.0])
_VENTRICLE_CENTRE_MM = np.array([0.0, -20.0, 14.0])
_CSF_RADIUS_MM = 20.0
_WM_RADIUS_MM = 46.0
_MEAN_INTENSITY = 300.0
# How much of the physiological course of CSF and white matter leaks into the rest of the brain.
_LEAK = 0.15
_N_MOTION_TERMS = 24


@dataclass(frozen=True)
class Grid:
    """Voxels of the brain on one grid.

    Parameters
    ----------
    affine : ndarray of shape (4, 4)
        Voxel indices to MNI mm.
    mask : ndarray of bool, shape (x, y, z)
        Brain; n voxels in C order are the rows of everything below.
    csf, white_matter : ndarray of bool, shape (n,)
        Compartments without parcels.
    parcel_of : ndarray of int, shape (n,)
        Parcel whose signal a voxel holds, -1 for none.
    fields : ndarray of shape (n, 13)
        Spread of motion artefacts.
    mean : ndarray of shape (n,)
        Mean intensity.
    """

    affine: np.ndarray
    mask: np.ndarray
    csf: np.ndarray
    white_matter: np.ndarray
    parcel_of: np.ndarray
    fields: np.ndarray
    mean: np.ndarray


@dataclass(frozen=True)
class VoxelScan:
    """One scan in the brain's voxels.

    Parameters
    ----------
    values : ndarray of shape (n_volumes, n), float32
        Intensities before rounding.
    motion : Motion
        What the confounds table says of it.
    n_dummy_volumes : int
        Non-steady-state volumes at the start.
    """

    values: np.ndarray
    motion: Motion
    n_dummy_volumes: int


def make_grid(parcels: Parcels, grid_mm: float) -> Grid:
    """Lay the brain out on a grid: an ellipsoid with every parcel's sphere in it.

    A sphere holds the voxels within its radius, and always its nearest one, so that every parcel
    is covered; a voxel in two spheres belongs to the nearer centre.
    """
    shape = tuple((_EXTENT_MM / grid_mm).astype(int) + 1)
    affine = np.diag([grid_mm, grid_mm, grid_mm, 1.0])
    affine[:3, 3] = _FIRST_VOXEL_MM
    places = np.stack(tuple(np.indices(shape)), -1).reshape(-1, 3) * grid_mm + _FIRST_VOXEL_MM
    inside = (((places - _BRAIN_CENTRE_MM) / _BRAIN_SEMIAXES_MM) ** 2).sum(axis=1) <= 1
    owner = _owners(places, parcels)
    inside |= owner >= 0
    places, owner = places[inside], owner[inside]
    depth = np.linalg.norm(places - _VENTRICLE_CENTRE_MM, axis=1)
    free = owner < 0
    # Darker towards the edge, as receive coils are not; any smooth pattern would do.
    mean = _MEAN_INTENSITY * (1 + 0.15 * np.cos(places / 40).mean(axis=1))
    return Grid(
        affine,
        inside.reshape(shape),
        free & (depth < _CSF_RADIUS_MM),
        free & (depth >= _CSF_RADIUS_MM) & (depth < _WM_RADIUS_MM),
        owner,
        artefact_fields(places),
        mean,
    )


def _owners(places: np.ndarray, parcels: Parcels) -> np.ndarray:
    tree = cKDTree(places)
    spheres = tree.query_ball_point(parcels.coordinates_mm, parcels.radii_mm + 1e-9)
    _, nearest = tree.query(parcels.coordinates_mm)
    best = np.full(len(places), np.inf)
    owner = np.full(len(places), -1)
    for parcel, (centre, inside) in enumerate(zip(parcels.coordinates_mm, spheres, strict=True)):
        held = np.union1d(np.asarray(inside, dtype=int), nearest[parcel])
        distance = np.linalg.norm(places[held] - centre, axis=1)
        closer = distance < best[held]
        best[held[closer]], owner[held[closer]] = distance[closer], parcel
    return owner


def draw_voxels(
    study: SyntheticStudy, row: pd.Series, grid: Grid, *, counterfactual: bool
) -> VoxelScan:
    """Draw one scan: neural signal, residual motion artefact, nuisance, thermal noise.

    Parameters
    ----------
    study : SyntheticStudy
        Whose.
    row : Series
        A row of its truth.
    grid : Grid
        Where.
    counterfactual : bool
        Without the arm's effect; everything else is the same to the last bit.
    """
    options = study.options
    nifti, n_volumes = options.nifti, options.n_volumes
    motion = study.motion(row)
    neural = study.neural_coefficients(row, counterfactual=counterfactual)
    # Unit variance in time for a parcel of unit variance on the band's basis.
    to_unit = (n_volumes / len(study.band.amplitude)) ** 0.5
    courses = to_unit * (study.band.basis @ neural)
    # One column of zeros for the voxels that hold no parcel (index -1).
    courses = np.concatenate([courses, np.zeros((n_volumes, 1))], axis=1).astype(np.float32)
    percent = courses[:, grid.parcel_of]
    percent += (
        options.difficulty.motion * motion.artefact.astype(np.float32)
    ) @ grid.fields.T.astype(np.float32)
    percent *= nifti.signal_sd_percent
    rng = stream(study.seed, "voxels", *study.address(row))
    percent += _nuisance(motion, grid, options.t_r_s, rng) * nifti.confound_sd_percent
    thermal = rng.standard_normal(percent.shape, dtype=np.float32)
    percent += nifti.thermal_sd_percent * thermal
    values = grid.mean.astype(np.float32) * (1 + percent / 100)
    values *= _approach_to_steady_state(n_volumes, nifti.n_dummy_volumes)[:, None]
    kept = study.kept_volumes(row)
    return VoxelScan(values[kept], motion.first(len(kept)), nifti.n_dummy_volumes)


def expand_motion(parameters: np.ndarray) -> np.ndarray:
    """Return the 24 motion terms: parameters, differences, and the squares of both.

    Parameters
    ----------
    parameters : ndarray of shape (n_volumes, 6)

    Returns
    -------
    terms : ndarray of shape (n_volumes, 24)
        The differences of the first volume are NaN.
    """
    first = np.full((1, parameters.shape[1]), np.nan)
    difference = np.concatenate([first, np.diff(parameters, axis=0)])
    return np.concatenate([parameters, difference, parameters**2, difference**2], axis=1)


def _nuisance(motion: Motion, grid: Grid, t_r_s: float, rng: np.random.Generator) -> np.ndarray:
    # Each of the three kinds has unit variance over time in a typical voxel it reaches.
    n_volumes = len(motion.parameters)
    n_fields = grid.fields.shape[1]
    terms = np.nan_to_num(expand_motion(motion.parameters))
    terms = _standardized(terms) / _N_MOTION_TERMS**0.5
    spread = rng.standard_normal((_N_MOTION_TERMS, n_fields)) @ grid.fields.T / n_fields**0.5
    drift = _standardized(np.linspace(-1, 1, n_volumes)[:, None] ** np.arange(1, 4)) / 3**0.5
    sag = rng.standard_normal((3, n_fields)) @ grid.fields.T / n_fields**0.5
    physiology = _standardized(_pulses(n_volumes, t_r_s, rng))
    reach = np.full((2, len(grid.mean)), _LEAK)
    reach[0, grid.csf] = reach[1, grid.white_matter] = 1.0
    reach *= rng.uniform(0.7, 1.3, reach.shape)
    courses = np.concatenate([terms, drift, physiology], axis=1).astype(np.float32)
    weights = np.concatenate([spread, sag, reach]).astype(np.float32)
    return courses @ weights


def _pulses(n_volumes: int, t_r_s: float, rng: np.random.Generator) -> np.ndarray:
    # Two slow physiological courses (breathing depth, heart rate), first-order autoregressive
    # with a time constant of about 8 s.
    memory = np.exp(-t_r_s / 8.0)
    return lfilter([1.0], [1.0, -memory], rng.standard_normal((n_volumes, 2)), axis=0)


def _standardized(courses: np.ndarray) -> np.ndarray:
    centered = courses - courses.mean(axis=0)
    return centered / centered.std(axis=0)


def _approach_to_steady_state(n_volumes: int, n_dummy: int) -> np.ndarray:
    gain = np.ones(n_volumes, dtype=np.float32)
    gain[:n_dummy] += 0.2 * 0.4 ** np.arange(n_dummy)
    return gain
