"""Results of a small trial, with text in it that nobody would wish for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.report import StudyResults
from brainage.tables import WHOLE_BRAIN

HOSTILE = '<img src=x onerror=alert(1)> & "quotes" $\\nope$ _under'
ARMS = ("CON", "MIT", HOSTILE)
VISITS = ("baseline", "1 year", "2 years")


def contrast_rows(seed: int = 0) -> pd.DataFrame:
    """Contrasts of both active arms at both later visits, the primary one first."""
    rng = np.random.default_rng(seed)
    rows = []
    for arm in (HOSTILE, "MIT"):
        for visit in ("2 years", "1 year"):
            estimate = rng.normal(-1, 0.5)
            rows.append(
                {
                    "network": WHOLE_BRAIN,
                    "arm": arm,
                    "versus": "CON",
                    "visit": visit,
                    "estimate_years": estimate,
                    "se_years": 0.5,
                    "ci_low_years": estimate - 1,
                    "ci_high_years": estimate + 1,
                    "df": 58.0,
                    "statistic": estimate / 0.5,
                    "p_value": 0.03,
                    "p_adjusted": 0.05,
                    "n_model": 60,
                    "n_at_visit": 55,
                    "primary": not rows,
                    "prespecified": True,
                    "method": "MMRM",
                    "plan_hash": "abc",
                }
            )
    return pd.DataFrame(rows)


def flow_rows() -> pd.DataFrame:
    """Thirty people an arm, some of them lost."""
    rows = []
    for arm in ARMS:
        for i, visit in enumerate(VISITS):
            rows.append(
                {
                    "arm": arm,
                    "visit": visit,
                    "randomised": 30,
                    "scanned": 30 - 2 * i,
                    "not_scanned": 2 * i,
                    "excluded": int(i > 0),
                    "scored": 30 - 2 * i - int(i > 0),
                    "without_baseline": 0,
                    "baseline_only": 3 if i == 0 else 0,
                    "without_covariate": 0,
                    "analysed": 27 - i,
                    "reasons": f"{HOSTILE}: 1" if i else None,
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture
def trial_results() -> StudyResults:
    """A whole trial, every section filled."""
    return make_results()


@pytest.fixture(scope="session")
def make_trial_results():
    return make_results


def make_results(**changes) -> StudyResults:
    rng = np.random.default_rng(1)
    contrasts = contrast_rows()
    deltas = contrasts.drop(columns="primary").assign(
        versus="baseline",
        n_paired=27,
        mean_change_years=-0.5,
        sd_change_years=2.0,
        change_ci_low_years=-1.0,
        change_ci_high_years=0.0,
        paired_statistic=-2.0,
        paired_df=26.0,
        paired_p_value=0.05,
        paired_p_adjusted=0.08,
        cohens_d_z=-0.4,
        cohens_d_av=-0.3,
        mean_interval_years=1.0,
    )
    networks = contrasts.assign(network=f"Default {HOSTILE}", primary=False)
    gaps = pd.DataFrame(
        [
            {"participant_id": f"{arm}-{i}", "arm": arm, "visit": visit, "gap_years": rng.normal()}
            for arm in ARMS
            for i in range(30)
            for visit in VISITS
        ]
    )
    means = gaps.groupby(["arm", "visit"], as_index=False, sort=False).agg(
        n=("gap_years", "size"), mean_years=("gap_years", "mean")
    )
    means = means.assign(low_years=means["mean_years"] - 0.4, high_years=means["mean_years"] + 0.4)
    age = rng.uniform(20, 80, 80)
    predicted = age + rng.normal(0, 6, 80)
    scans = pd.DataFrame(
        {
            "participant_id": [f"{i:02d}" for i in range(30)],
            "session_id": "bl",
            "run": "n/a",
            "task": HOSTILE,
            "status": ["failed", "excluded", *["done"] * 28],
            "reason": [HOSTILE, "mean FD 0.9 mm above 0.5 mm", *[None] * 28],
            "n_volumes": 200,
            "n_kept": 180,
            "retained_s": 360.0,
            "mean_fd_mm": np.linspace(0.1, 0.4, 30),
            "n_missing_parcels": 0,
        }
    )
    metrics = pd.DataFrame(
        [
            ("10-fold", "MAE", 4.2, 3.9, 4.6),
            ("10-fold", "MAE_median", 13.0, 12.1, 14.2),
            ("10-fold", "r", 0.9, 0.88, 0.92),
            ("10-fold", "skill", 0.68, 0.64, 0.71),
        ],
        columns=["validation", "metric", "estimate", "low", "high"],
    )
    fields = {
        "title": f"A trial {HOSTILE}",
        "methods": ("Scans were cleaned.", f"Arms were {HOSTILE}."),
        "scans": {"trial": scans},
        "metrics": metrics,
        "predictions": pd.DataFrame(
            {"age_years": age, "predicted_age_years": predicted, "median_age_years": 50.0}
        ),
        "reference_gaps": pd.DataFrame(
            {"age_years": age, "gap_years": predicted - age, "gap_corrected_years": predicted - age}
        ),
        "gap_slopes": pd.DataFrame(
            {"gap": ["raw", "corrected"], "slope": [-0.4, 0.0], "low": -0.5, "high": 0.1, "n": 80}
        ),
        "contrasts": pd.concat([contrasts, networks], ignore_index=True),
        "deltas": deltas,
        "sensitivity": contrasts.assign(analysis=["completers", "motion", HOSTILE, "ancova"]),
        "flow": flow_rows(),
        "gaps": gaps,
        "gap_means": means,
        "visits": VISITS,
        "standing": "prespecified",
        "plan_written": "beforehand",
        "notes": (HOSTILE,),
        "checklist": (("Harms", "not known to this software", "CONSORT 2025"),),
        "references": ("Holm S (1979).",),
        "bibtex": "@article{holm}",
        "provenance": {"seed": "0"},
        "config": "{}",
    }
    return StudyResults(**(fields | changes))
