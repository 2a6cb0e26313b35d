"""Damaged clock files: bytes, text and numbers, four in five with their hash renewed.

Right is: bytes changed and the hash left is refused; a renewed hash is refused when the clock is
loaded, or its scores are those of the undamaged clock, or the features are refused (a clock may
become one of another atlas). Other scores are a fault.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from fuzz_children import Case, WrongError, mutate, mutate_values

from brainage.clock import (
    BrainClock,
    ClockOptions,
    HarmonizationOptions,
    ValidationOptions,
    fit_clock,
)
from brainage.clock.model.clockfile import read_clock_file, write_clock_file
from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.errors import BrainAgeError, ClockFileError

_FOLDS = ValidationOptions(n_folds=4, n_bootstrap=0)
_CLOCKS: dict[str, dict] = {
    "ridge": {"networks": False},
    "tangent": {"views": ("tangent",)},
    "combat": {"harmonization": HarmonizationOptions(method="combat", unseen_site="calibrate")},
    "polynomial": {"estimator": "svr", "svr_kernel": "poly", "svr_c": (2.0,)},
    "gaussian process": {"estimator": "gaussian_process"},
    "stack": {"estimator": "stacked", "views": ("fisher_z", "tangent")},
}
_NUMBERS = ["predicted_age_years", "gap_corrected_years", "interval_low_years"]
_NUMBERS += ["interval_high_years", "distance_percentile"]
#: Years; and percent of a distance's place among the reference's. The self-test's tolerance moves
#: a prediction by less.
_SAME = 0.1
_PREAMBLE_BYTES = 64
_P = 6


def cohort(n: int, *, seed: int) -> FeatureTable:
    """Return noisy features of two views that follow age a little."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 80, n)
    parcels, networks = tuple(f"p{i}" for i in range(_P)), tuple("ab"[i % 2] for i in range(_P))
    upper = np.triu_indices(_P, 1)
    spec = ViewSpec("fisher_z", "none", "upper", parcels, networks, "toy", "c")
    slopes = np.random.default_rng(9).normal(size=len(upper[0]))
    values = 0.3 + 0.01 * np.outer(age - 50, slopes) + rng.normal(0, 0.3, (n, len(slopes)))
    views = {"fisher_z": View(values.astype("f4"), spec)}
    spec = ViewSpec("tangent", "none", "upper_with_diagonal", parcels, networks, "toy", "c")
    signals = rng.normal(size=(n, 40, _P))
    signals[..., 1] += 0.02 * (age[:, None] - 50) * signals[..., 0]
    halves = [np.cov(one.T)[np.triu_indices(_P)] for one in signals]
    views["tangent"] = View(np.array(halves), spec)
    rows = pd.DataFrame(
        {
            "participant_id": [f"{i:03d}" for i in range(n)],
            "session_id": "n/a",
            "age_years": age,
            "sex": "F",
            "site": [f"s{i % 2}" for i in range(n)],
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": 0.1,
            "retained_s": 300.0,
        }
    )
    return FeatureTable(views, rows)


def clock_cases(folder: Path) -> dict[str, Case]:
    """Train the clocks; return a case for each."""
    reference, new = cohort(40, seed=0), cohort(3, seed=1)
    cases = {}
    for name, options in _CLOCKS.items():
        whole = folder / f"{name}.clock"
        fit_clock(reference, ClockOptions(**({"validation": _FOLDS} | options))).save(whole)
        cases[name] = _case(whole, new)
    return cases


def _case(whole: Path, new: FeatureTable) -> Case:
    raw = whole.read_bytes()
    meta, arrays = read_clock_file(whole)
    clock = BrainClock.load(whole)
    expected, card = clock.score(new)[_NUMBERS].to_numpy(), clock.card()

    def run(place: Path, rng: np.random.Generator) -> str:
        path = place / "damaged.clock"
        how = rng.choice(["bytes", "text", "numbers"])
        renewed = rng.random() < 0.8
        if how == "bytes":
            content = _renewed(mutate(raw, rng)) if renewed else mutate(raw, rng)
        else:
            made = mutate_values(meta, rng) if how == "text" else meta
            numbers = _numbers(arrays, rng) if how == "numbers" else arrays
            try:
                write_clock_file(path, made, numbers)
            except (ClockFileError, ValueError, OverflowError):
                return "not to be written"
            content = path.read_bytes()
            content = content if renewed else content[:24] + raw[24:56] + content[56:]
        path.write_bytes(content)
        if content == raw:
            return "unchanged"
        return _judged(path, new, expected, card, renewed=renewed)

    return run


def _judged(
    path: Path, new: FeatureTable, expected: np.ndarray, card: dict, *, renewed: bool
) -> str:
    try:
        clock = BrainClock.load(path)
    except ClockFileError:
        return "refused when loaded" if renewed else "refused, hash left"
    if not renewed:
        raise WrongError("loaded, though its hash was left")
    if not repr(clock).isprintable() and any(c in repr(clock) for c in "\0\x1b\u202e"):
        raise WrongError("control characters in its summary")
    try:
        scores = clock.score(new)[_NUMBERS].to_numpy(float)
    except BrainAgeError:
        return "refused with features"
    if not np.isfinite(scores).all():
        raise WrongError(f"scores that are not finite: {scores[0]}")
    if np.abs(scores - expected).max() > _SAME:
        raise WrongError(f"other scores: {scores[0]} for {expected[0]}")
    other = [key for key, value in clock.card().items() if value != card.get(key)]
    words = [key for key in other if key not in ("clock_id", "clock")]
    return "same scores, another card" if words else "same scores"


def _renewed(raw: bytes) -> bytes:
    """Give damaged bytes a fitting hash, so that what lies behind it is reached."""
    if len(raw) < _PREAMBLE_BYTES:
        return raw
    return raw[:24] + hashlib.sha256(raw[8:24] + raw[_PREAMBLE_BYTES:]).digest() + raw[56:]


def _numbers(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return arrays with one to two changed, left out or put in the place of another."""
    arrays = dict(arrays)
    for _ in range(rng.choice([1, 1, 2])):
        names = [name for name, array in arrays.items() if array.size]
        name = names[rng.integers(len(names))]
        array = arrays[name]
        flat = array.ravel().copy()
        at = int(rng.integers(flat.size))
        how = rng.integers(8)
        if how == 0:
            raw = bytearray(array.tobytes())
            raw[rng.integers(len(raw))] ^= 1 << int(rng.integers(8))
            arrays[name] = np.frombuffer(bytes(raw), array.dtype).reshape(array.shape)
        elif how == 1:
            flat[at] = flat[at] * rng.choice([-1, 0, 2]) + rng.choice([0, 1])
            arrays[name] = flat.reshape(array.shape)
        elif how == 2:
            arrays[name] = array * np.asarray(rng.choice([-1, 0, 2, 1e6]), array.dtype)
        elif how == 3:
            arrays[name] = rng.permutation(flat).reshape(array.shape)
        elif how == 4:
            arrays[name] = flat[: max(1, at)] if rng.random() < 0.5 else array[None]
        elif how == 5:
            arrays[name] = array.astype(rng.choice(["<f4", "<i4", "<f8"]))
        elif how == 6:
            del arrays[name]
        else:
            arrays[name] = arrays[names[rng.integers(len(names))]]
    return arrays
