"""Small series with known structure for the tests of this room."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.connectivity import KINDS
from brainage.series import ParcelSeries, ScanQuality

ALL_KINDS = tuple(KINDS)
N_PARCELS = 9
COMMON_MIXING = np.eye(N_PARCELS) + 0.15 * np.random.default_rng(99).standard_normal(
    (N_PARCELS, N_PARCELS)
)


def make_series(number: int, *, n_volumes: int = 60, **changes) -> ParcelSeries:
    """Make one run of a person; `changes` replace fields of the series."""
    rng = np.random.default_rng(number)
    mixing = COMMON_MIXING + 0.05 * rng.standard_normal((N_PARCELS, N_PARCELS))
    fields = {
        "participant_id": f"{number:02d}",
        "session_id": "n/a",
        "run": "n/a",
        "task": "rest",
        "values": rng.standard_normal((n_volumes, N_PARCELS)) @ mixing + 100.0,
        "parcel_names": tuple(f"P{i}" for i in range(N_PARCELS)),
        "networks": ("A",) * 4 + ("B",) * 3 + ("C", None),
        "kept_volumes": np.arange(n_volumes),
        "t_r_s": 2.0,
        "atlas": "toy",
        "cleaning_fingerprint": "clean",
        "quality": make_quality(n_volumes),
    }
    return ParcelSeries(**{**fields, **changes})


def make_quality(n_volumes: int = 60, *, mean_fd_mm=0.1, exclusion=None) -> ScanQuality:
    """Make the quality of a run."""
    return ScanQuality(mean_fd_mm, n_volumes, n_volumes, 2.0 * n_volumes, None, exclusion)


def make_people(numbers) -> pd.DataFrame:
    """Make a people table, one row a person."""
    return pd.DataFrame(
        {
            "participant_id": [f"{i:02d}" for i in numbers],
            "session_id": "n/a",
            "age_years": [20.0 + i for i in numbers],
            "sex": "F",
            "site": "X",
            "arm": "HRT",
        }
    )


def without_signal(series: ParcelSeries, parcel: int, fill: float) -> np.ndarray:
    """Return the values with one parcel constant (or NaN)."""
    values = series.values.copy()
    values[:, parcel] = fill
    return values
