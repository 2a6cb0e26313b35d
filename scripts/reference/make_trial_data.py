"""Write the simulated trials that the R programs and the tests of the models share.

    python scripts/reference/make_trial_data.py tests/reference_values/trial

Four data sets: `complete` (90 people, 2 follow-ups, nobody missing), `missing` (120 people, 2
follow-ups, a fifth of the visits missing), `three` (75 people, 3 follow-ups, missing at random),
`small` (24 people, 2 follow-ups, unequal arms). Values in years; nothing real in them.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

DATA_SETS = {
    "complete": (90, 2, 0.0),
    "missing": (120, 2, 0.2),
    "three": (75, 3, 0.15),
    "small": (24, 2, 0.1),
}


def draw(n_people: int, n_visits: int, missing: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.array(["CON", "MIT", "HRT"])[np.arange(n_people) % 3])
    age = rng.uniform(62, 70, n_people)
    sex = np.where(rng.random(n_people) < 0.55, "female", "male")
    stratum = np.array(["a", "b", "c"])[rng.integers(0, 3, n_people)]
    person = rng.normal(0, 3, n_people)
    slope = rng.normal(0, 0.8, n_people)
    time = np.arange(n_visits + 1)
    noise = rng.normal(0, 1, (n_people, n_visits + 1)) * (2.0 + 0.4 * time)
    gap = person[:, None] + np.outer(slope, time) + noise - 0.3 * (age[:, None] - 66)
    gap[:, 1:] -= np.where(arm == "HRT", 1.5, 0.0)[:, None]
    rows = []
    for i in range(n_people):
        for t in range(n_visits + 1):
            if t and rng.random() < missing:
                continue
            rows.append(
                (
                    f"p{i:03d}",
                    arm[i],
                    t,
                    f"v{t}",
                    gap[i, t],
                    gap[i, t] - gap[i, 0],
                    gap[i, 0],
                    age[i],
                    sex[i],
                    stratum[i],
                )
            )
    names = [
        "participant_id",
        "arm",
        "visit_index",
        "visit",
        "gap",
        "change",
        "baseline_gap",
        "baseline_age",
        "sex",
        "stratum",
    ]
    return pd.DataFrame(rows, columns=names)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, shape) in enumerate(DATA_SETS.items(), start=11):
        draw(*shape, seed).round(6).to_csv(folder / f"{name}.tsv", sep="\t", index=False)
