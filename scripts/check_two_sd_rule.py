#!/usr/bin/env python3
"""How often the 2-SD rule of the LISA group rejects a true null, beside tests without it.

    python scripts/check_two_sd_rule.py [--trials 20000] [--people 103]

Gaps of two arms at two visits, normal, no effect, at several correlations of visits (of that
group's clock: .71). Gaps beyond 2 SD of their arm and visit are dropped; then a paired t within
the arm, and Welch's t of change scores between arms.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats


def levels(n_trials: int, people: int, correlation: float, seed: int = 0) -> dict[str, float]:
    """Return the share of trials with p < .05, by test and rule."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky([[1.0, correlation], [correlation, 1.0]])
    rejected = dict.fromkeys(("within", "within, 2 SD", "between", "between, 2 SD"), 0)
    for _ in range(n_trials):
        arms = [rng.standard_normal((people, 2)) @ root.T for _ in range(2)]
        cut = [
            arm[(np.abs(arm - arm.mean(0)) <= 2 * arm.std(0, ddof=1)).all(axis=1)] for arm in arms
        ]
        for name, (own, other) in (("", arms), (", 2 SD", cut)):
            change, control = own[:, 1] - own[:, 0], other[:, 1] - other[:, 0]
            rejected[f"within{name}"] += stats.ttest_1samp(change, 0).pvalue < 0.05
            welch = stats.ttest_ind(change, control, equal_var=False).pvalue
            rejected[f"between{name}"] += welch < 0.05
    return {name: count / n_trials for name, count in rejected.items()}


def main() -> None:
    """Print the levels with their Monte-Carlo error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=20000)
    parser.add_argument("--people", type=int, default=103, help="of each arm")
    asked = parser.parse_args()
    for correlation in (0.5, 0.71, 0.85):
        found = levels(asked.trials, asked.people, correlation)
        words = ", ".join(f"{name} {level:.3f}" for name, level in found.items())
        print(f"correlation of visits {correlation:g}: {words}")
    print(f"Monte-Carlo error {np.sqrt(0.05 * 0.95 / asked.trials):.4f}")


if __name__ == "__main__":
    main()
