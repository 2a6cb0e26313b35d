"""How connectivity depends on brain age, person, scan and site: the fixed part of the model.

A scan's parcel signals are ``Y = F L' + E diag(d)``: a few latent time courses ``F`` shared by
parcels through loadings ``L`` (p, k), and noise ``E`` of each parcel's own. Everything that is
planted moves ``L`` (or scales ``d``), so the covariance ``L L' + diag(d^2)`` stays positive
definite whatever is added.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brainage.synthetic.options import DifficultyOptions
from brainage.synthetic.parcels import Parcels
from brainage.synthetic.seeds import stream

_N_SUBNETWORK = 16
_N_PERSON_DIRECTIONS = 40
_LEAST_UNSHARED_VARIANCE = 0.3
# Ages are centred and scaled so that the ageing curves are of order one over 18-90.
_MIDDLE_YEARS = 50.0
_SCALE_YEARS = 20.0


@dataclass(frozen=True)
class World:
    """Loadings and directions every study of one population seed shares.

    Parameters
    ----------
    base : ndarray of shape (p, k)
        Loadings at brain age 50 of nobody in particular.
    unshared_sd : ndarray of shape (p,)
        Standard deviation of each parcel's own noise.
    ageing : ndarray of shape (2, p, k)
        Directions of the two ageing curves; root-mean-square per parcel 1.
    structured : ndarray of shape (r, p, k)
        Network-structured directions in which people, scans, visits and sites differ; the same
        normalisation.
    prefrontal : ndarray of shape (p,)
        True for parcels of the regional effect.
    regional_column : int
        Latent time course that only the regional effect uses.
    traits : ndarray of shape (p, k)
        Direction of the stable trait, in every second parcel; the same normalisation before the
        others were left out.
    """

    base: np.ndarray
    unshared_sd: np.ndarray
    ageing: np.ndarray
    structured: np.ndarray
    prefrontal: np.ndarray
    regional_column: int
    traits: np.ndarray

    @property
    def n_courses(self) -> int:
        """Number of latent time courses k."""
        return self.base.shape[1]


def ageing_curves(brain_age_years: float | np.ndarray) -> np.ndarray:
    """Return the two ageing curves at some brain ages.

    Parameters
    ----------
    brain_age_years : float or ndarray of shape (n,)
        Latent brain age.

    Returns
    -------
    curves : ndarray of shape (..., 2)
        ``t = (b - 50) / 20`` and ``0.4 (t^2 - 1)``: the first changes alike at every age, the
        second slows down or turns round in middle age.
    """
    t = (np.asarray(brain_age_years, dtype=float) - _MIDDLE_YEARS) / _SCALE_YEARS
    return np.stack([t, 0.4 * (t**2 - 1)], axis=-1)


def make_world(parcels: Parcels, population_seed: int) -> World:
    """Draw the world of a population seed.

    Returns
    -------
    world : World
        The same for the same parcels and seed.
    """
    rng = stream(population_seed, "world")
    membership = _membership(parcels)
    p, n_networks = membership.shape
    # Columns: global, networks, between-network, sub-networks, regional.
    between, first_sub = 1 + n_networks, 2 + n_networks
    k = first_sub + _N_SUBNETWORK + 1
    base = np.zeros((p, k))
    base[:, 0] = 0.25 + 0.08 * rng.standard_normal(p)
    base[:, 1:between] = membership * (0.5 + 0.1 * rng.standard_normal((p, 1)))
    base[:, between] = 0.15 * rng.standard_normal(p)
    base[:, first_sub:-1] = 0.6 * _structured(rng, membership, _N_SUBNETWORK) / _N_SUBNETWORK**0.5
    unshared = np.maximum(1 - (base**2).sum(axis=1), _LEAST_UNSHARED_VARIANCE)
    ageing = np.stack([_ageing_direction(rng, membership, k) for _ in range(2)])
    structured = np.stack(
        [_pad(_structured(rng, membership, k - 1)) for _ in range(_N_PERSON_DIRECTIONS)]
    )
    return World(
        base,
        np.sqrt(unshared),
        _unit(ageing),
        _unit(structured),
        parcels.prefrontal,
        k - 1,
        _trait_direction(membership, k, population_seed),
    )


def site_loadings(world: World, name: str, population_seed: int) -> np.ndarray:
    """Return a site's (or scanner's) own loadings (p, k), root-mean-square per parcel 1."""
    rng = stream(population_seed, f"site {name}")
    return _combine(world, rng)


def site_noise(name: str, population_seed: int) -> float:
    """Return a standard normal number for a site's noise scale."""
    return float(stream(population_seed, f"site noise {name}").standard_normal())


def visit_loadings(world: World, visit: int, population_seed: int) -> np.ndarray:
    """Return the loadings (p, k) that everyone's scan of one visit shares; zero at baseline."""
    if visit == 0:
        return np.zeros_like(world.base)
    return _combine(world, stream(population_seed, "visit", visit))


def person_loadings(
    world: World, difficulty: DifficultyOptions, rng: np.random.Generator
) -> np.ndarray:
    """Draw a person's own stable loadings (p, k)."""
    diffuse = _pad(rng.standard_normal((len(world.base), world.n_courses - 1)))
    diffuse /= (world.n_courses - 1) ** 0.5
    shared = _combine(world, rng)
    return difficulty.person_connectivity * shared + difficulty.person_diffuse * diffuse


def scan_loadings(
    world: World, difficulty: DifficultyOptions, rng: np.random.Generator
) -> np.ndarray:
    """Draw the loadings (p, k) of one scan alone."""
    return difficulty.scan_connectivity * _combine(world, rng)


def trait_loadings(world: World, trait_years: float) -> np.ndarray:
    """Return the loadings (p, k) of a stable trait, of strength 1 at 20 years from the middle."""
    return (trait_years - _MIDDLE_YEARS) / _SCALE_YEARS * world.traits


def regional_loadings(world: World, rise_z: float) -> np.ndarray:
    """Return loadings (p, k) that raise the covariance between prefrontal parcels by `rise_z`."""
    extra = np.zeros_like(world.base)
    # Nothing else loads on this course, so the covariance rises by the square of the loading.
    extra[world.prefrontal, world.regional_column] = rise_z**0.5
    return extra


def _combine(world: World, rng: np.random.Generator) -> np.ndarray:
    n = len(world.structured)
    weights = rng.standard_normal(n) / n**0.5
    return (weights @ world.structured.reshape(n, -1)).reshape(world.base.shape)


def _membership(parcels: Parcels) -> np.ndarray:
    networks = sorted({name for name in parcels.networks if name})
    columns = np.array([networks.index(n) if n else -1 for n in parcels.networks])
    return (columns[:, None] == np.arange(len(networks))).astype(float)


def _structured(rng: np.random.Generator, membership: np.ndarray, k: int) -> np.ndarray:
    # Half of the variance is the network's, half the parcel's own.
    p, n_networks = membership.shape
    common = membership @ rng.standard_normal((n_networks, k))
    return (common + rng.standard_normal((p, k))) / 2**0.5


def _ageing_direction(rng: np.random.Generator, membership: np.ndarray, k: int) -> np.ndarray:
    p, n_networks = membership.shape
    direction = np.zeros((p, k))
    # Networks lose cohesion, each at its own pace, and share more with each other.
    pace = membership * rng.uniform(0.3, 1.7, n_networks)
    direction[:, 1 : 1 + n_networks] = -pace * (1 + 0.4 * rng.standard_normal((p, 1)))
    direction[:, 1 + n_networks] = 0.8 + 0.4 * rng.standard_normal(p)
    sub = _structured(rng, membership, k - n_networks - 3)
    direction[:, 2 + n_networks : -1] = sub / _N_SUBNETWORK**0.5
    return direction


def _trait_direction(membership: np.ndarray, k: int, population_seed: int) -> np.ndarray:
    # A stream of its own: without traits the world is what it was.
    rng = stream(population_seed, "traits")
    direction = _unit(_pad(_structured(rng, membership, k - 1))[None])[0]
    direction[1::2] = 0.0
    return direction


def _pad(loadings: np.ndarray) -> np.ndarray:
    # The regional course stays out of everything but the regional effect.
    return np.concatenate([loadings, np.zeros((len(loadings), 1))], axis=1)


def _unit(directions: np.ndarray) -> np.ndarray:
    power = (directions**2).sum(axis=-1).mean(axis=-1)
    return directions / np.sqrt(power)[:, None, None]
