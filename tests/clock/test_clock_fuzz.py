"""A clock whose text was edited, with its hash renewed, is refused or still scores finite ages."""

from hashlib import sha256

import numpy as np
import pandas as pd
import pytest

from brainage.clock import BrainClock, ClockOptions, fit_clock
from brainage.clock.model.clockfile import read_clock_file, write_clock_file
from brainage.clock.options import HarmonizationOptions, ValidationOptions
from brainage.connectivity import FeatureTable, View, ViewSpec
from brainage.errors import BrainAgeError, ClockFileError

P = 8
VALIDATION = ValidationOptions(n_folds=5, n_bootstrap=0)
CLOCKS = {
    "ridge": ClockOptions(validation=VALIDATION),
    "combat, spline": ClockOptions(
        harmonization=HarmonizationOptions(method="combat", unseen_site="calibrate"),
        bias_correction="spline",
        validation=VALIDATION,
    ),
}


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    age = rng.uniform(20, 80, 50)
    spec = ViewSpec(
        "fisher_z", "none", "upper", tuple(f"p{i}" for i in range(P)), (None,) * P, "toy", "0"
    )
    values = 0.02 * np.outer(age, rng.normal(size=28)) + rng.normal(0, 0.5, (50, 28))
    rows = pd.DataFrame(
        {
            "participant_id": [f"{i:03d}" for i in range(50)],
            "session_id": "n/a",
            "age_years": age,
            "sex": None,
            "site": np.where(np.arange(50) % 2 == 0, "A", "B"),
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": np.nan,
            "retained_s": 300.0,
        }
    )
    return FeatureTable({"fisher_z": View(values.astype(np.float32), spec)}, rows)


def _edit_text(raw: bytes, rng: np.random.Generator) -> bytes:
    """Change one to three places of the header without moving the arrays, and renew the hash."""
    data = bytearray(raw)
    length = int.from_bytes(raw[16:24], "little")
    for _ in range(int(rng.integers(1, 4))):
        at, kind = 64 + int(rng.integers(0, length)), int(rng.integers(0, 4))
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(0, 7))
        elif kind == 1:
            data[at] = int(rng.choice(list(b"0123456789")))
        elif kind == 2:
            data[at] = int(rng.choice(list(b'-nullae"[]{}')))
        else:
            n = int(rng.integers(1, 12))
            data[at : at + n], data[at + n : at + 2 * n] = (
                data[at + n : at + 2 * n],
                data[at : at + n],
            )
    body = bytes(data)
    return body[:24] + sha256(body[8:24] + body[64:]).digest() + body[56:]


@pytest.mark.parametrize("name", CLOCKS)
def test_a_clock_with_edited_text_is_refused_or_scores_finite_ages(cohort, tmp_path, name):
    path, edited = tmp_path / "whole.clock", tmp_path / "edited.clock"
    fit_clock(cohort, CLOCKS[name]).save(path)
    raw, rng = path.read_bytes(), np.random.default_rng(1)
    some = cohort.select(np.arange(2))
    refused = 0
    for _ in range(600):
        edited.write_bytes(_edit_text(raw, rng))
        try:
            clock = BrainClock.load(edited)
        except ClockFileError:
            refused += 1
            continue
        try:
            scores = clock.score(some)
        except BrainAgeError:
            # Another atlas's name, say: a clock, but not one for these features.
            continue
        numbers = scores[["predicted_age_years", "gap_corrected_years", "interval_low_years"]]
        assert np.isfinite(numbers.to_numpy()).all()
    assert refused > 300


def test_a_clock_whose_arrays_do_not_fit_together_is_refused_when_loaded(cohort, tmp_path):
    path = tmp_path / "short.clock"
    fit_clock(cohort, CLOCKS["ridge"]).save(path)
    meta, arrays = read_clock_file(path)
    for name, short in (
        ("regression_weights", arrays["regression_weights"][:-1]),
        ("distance_axes", arrays["distance_axes"][:, 1:]),
        ("fold_weights", arrays["fold_weights"][:, 1:]),
        ("intervals_fold_sizes", arrays["intervals_fold_sizes"][1:]),
    ):
        write_clock_file(path, meta, {**arrays, name: short})
        with pytest.raises(ClockFileError, match="not a brain clock"):
            BrainClock.load(path)
