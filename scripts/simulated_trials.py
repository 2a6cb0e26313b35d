"""Trials drawn at score level for scripts/validate_trial.py: settings, allocation, scores."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

ARMS = ("CON", "MIT", "HRT")
VISITS = ("baseline", "1y", "2y")
COVARIATES = ("baseline_gap", "baseline_age", "sex", "bmi")
PERSON_SD_YEARS, NOISE_SD_YEARS = 3.5, 2.5


@dataclass(frozen=True)
class Setting:
    """How scores are drawn; every number in years unless said otherwise."""

    name: str
    effect: dict[str, tuple[float, float]] = field(default_factory=dict)
    common_visit: tuple[float, float] = (0.0, 0.0)
    age_slope: float = 0.0
    noise_factor: dict[str, float] = field(default_factory=dict)
    missing: float = 0.08
    dropout: dict[str, float] = field(default_factory=dict)
    dropout_on: str = "none"
    interval_spread: float = 0.0
    interval_shift: dict[str, float] = field(default_factory=dict)
    motion_shift: dict[str, float] = field(default_factory=dict)
    cause: str = ""


LISA = {"MIT": (-1.39, -1.4), "HRT": (-1.4, -2.3)}
HOLDS = (
    Setting("person effects"),
    Setting("unequal arm variances", noise_factor={"HRT": 2.0}),
    Setting("active third arm", effect={"MIT": (-1.39, -1.4)}),
    Setting("common visit effect", common_visit=(1.0, 1.5)),
    Setting("unequal intervals, alike", age_slope=-0.4, interval_spread=0.4),
    Setting("age bias left in", age_slope=-0.4),
    Setting(
        "drop-out on observed gaps",
        dropout={"CON": 0.15, "MIT": 0.15, "HRT": 0.45},
        dropout_on="gap",
    ),
    Setting("planted LISA effect", effect=LISA),
)
SHOWN = (
    Setting("no artefact", cause="nothing: reference"),
    Setting(
        "age bias left in",
        age_slope=-0.4,
        cause="a gap that falls 0.4 years per year of age falls in every arm",
    ),
    Setting(
        "common visit effect",
        common_visit=(-1.0, -1.0),
        cause="scanner drift or habituation moves every arm",
    ),
    Setting(
        "drop-out on baseline",
        dropout={"CON": 0.5, "MIT": 0.5, "HRT": 0.5},
        dropout_on="baseline",
        cause="people with young-looking baselines leave: regression to the mean",
    ),
    Setting(
        "differential drop-out",
        dropout={"CON": 0.0, "HRT": 0.6},
        dropout_on="gap",
        cause="people of one arm whose gap stayed high leave",
    ),
    Setting(
        "intervals differ by arm",
        age_slope=-0.4,
        interval_spread=0.4,
        interval_shift={"HRT": 1.0},
        cause="age bias acts for one more year in one arm",
    ),
    Setting(
        "motion differs by arm",
        motion_shift={"HRT": 0.1},
        cause="motion moves the gap 8 years per mm and rises by 0.1 mm in one arm",
    ),
    Setting("planted LISA effect", effect=LISA, cause="an effect of -2.3 years in HRT at 2 years"),
)
MOTION_YEARS_PER_MM = 8.0


def draw_trial(setting: Setting, n_per_arm: int, rng: np.random.Generator):
    """Return the randomised list (in order) and the long table of scores of those scanned."""
    n_allocated = len(ARMS) * int(np.ceil(n_per_arm * 1.46))
    sex, bmi = rng.integers(0, 2, (2, n_allocated))
    arm = np.empty(n_allocated, dtype=object)
    for code in range(4):
        mine = np.flatnonzero(sex * 2 + bmi == code)
        blocks = [rng.permutation(np.repeat(ARMS, 2)) for _ in range(len(mine) // 6 + 1)]
        arm[mine] = np.concatenate(blocks)[: len(mine)]
    ids = np.array([f"p{i:04d}" for i in range(n_allocated)])
    allocation = pd.DataFrame({"participant_id": ids, "arm": arm, "sex": sex, "bmi": bmi})
    scanned = np.sort(rng.permutation(n_allocated)[: n_per_arm * len(ARMS)])
    return allocation, _scores(setting, allocation.iloc[scanned], rng)


def _scores(setting: Setting, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n, arm = len(people), people["arm"].to_numpy()
    age = rng.uniform(62, 70, n)
    years = np.column_stack([np.zeros(n), np.ones(n), np.full(n, 2.0)])
    years[:, 1:] += rng.uniform(-1, 1, (n, 1)) * setting.interval_spread
    years[:, 1:] += _by_arm(arm, setting.interval_shift)[:, None]
    noise = rng.normal(0, NOISE_SD_YEARS, (n, 3))
    noise[:, 1:] *= _by_arm(arm, setting.noise_factor, 1.0)[:, None]
    motion = rng.gamma(4, 0.04, (n, 3))
    motion[:, 1:] += _by_arm(arm, setting.motion_shift)[:, None]
    planted = np.zeros((n, 3))
    for name, effect in setting.effect.items():
        planted[arm == name, 1:] = effect
    gap = rng.normal(0, PERSON_SD_YEARS, n)[:, None] + planted + noise
    gap = gap + setting.age_slope * (age[:, None] + years - 66) + (0.0, *setting.common_visit)
    if setting.motion_shift:
        gap = gap + MOTION_YEARS_PER_MM * (motion - 0.16)
    present = rng.random((n, 3)) >= (0.0, setting.missing, setting.missing)
    present &= _stays(setting, gap, arm, rng)
    frame = {
        "participant_id": np.repeat(people["participant_id"].to_numpy(), 3),
        "arm": np.repeat(arm, 3),
        "visit": np.tile(VISITS, n),
        "gap": gap.ravel(),
        "change": (gap - gap[:, :1]).ravel(),
        "baseline_gap": np.repeat(gap[:, 0], 3),
        "baseline_age": np.repeat(age, 3),
        "sex": np.repeat(people["sex"].to_numpy(), 3),
        "bmi": np.repeat(people["bmi"].to_numpy(), 3),
        "years": years.ravel(),
        "motion_change": (motion - motion[:, :1]).ravel(),
        "age": (age[:, None] + years).ravel(),
    }
    return pd.DataFrame(frame)[present.ravel()]


def _by_arm(arm: np.ndarray, values: dict[str, float], default: float = 0.0) -> np.ndarray:
    return np.array([values.get(name, default) for name in arm])


def _stays(setting: Setting, gap, arm, rng) -> np.ndarray:
    stays = np.ones(gap.shape, dtype=bool)
    if setting.dropout_on == "none":
        return stays
    strength = _by_arm(arm, setting.dropout)
    if setting.dropout_on == "baseline":
        leaves = (rng.random(len(arm)) < strength) & (gap[:, 0] < 0)
        stays[leaves, 1:] = False
        return stays
    # After each visit people leave in proportion to how old their brain looked at that visit:
    # missing at random, because the gap they left on was observed.
    for visit in (0, 1):
        chance = strength * stats.norm.cdf((gap[:, visit] - 1) / 3)
        stays[rng.random(len(arm)) < chance, visit + 1 :] = False
    return stays
