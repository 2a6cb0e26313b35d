"""Paired, Welch and HC3 tests equal R's on every simulated trial (scripts/reference/*.R)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.trial.analyses.change import welch_difference, within_arm_changes
from brainage.trial.models.ancova import fit_ancova
from brainage.trial.models.multiplicity import benjamini_hochberg, holm

sys.path.insert(0, str(Path(__file__).parent))
from r_reference import ARMS, COVARIATES, DATA_SETS, FOLDER, follow_ups, visits_of  # noqa: E402

R_VALUES = json.loads((FOLDER / "changes.json").read_text())


@pytest.mark.parametrize("name", DATA_SETS)
def test_paired_tests_and_effect_sizes_equal_t_test_and_p_adjust(name):
    data = follow_ups(name).assign(years=1.0)
    found = within_arm_changes(data, ARMS, visits_of(data)).set_index(["arm", "visit"])
    r = pd.DataFrame(R_VALUES[name]["paired"]).set_index(["arm", "visit"])
    names = {
        "n": "n",
        "mean": "mean_change_years",
        "sd": "sd_change_years",
        "se": "se_years",
        "t": "statistic",
        "df": "df",
        "p": "p_value",
        "ci_low": "change_ci_low_years",
        "ci_high": "change_ci_high_years",
        "d_z": "cohens_d_z",
        "d_av": "cohens_d_av",
    }
    for theirs, mine in names.items():
        np.testing.assert_allclose(found.loc[r.index, mine], r[theirs], rtol=1e-8, err_msg=mine)
    np.testing.assert_allclose(benjamini_hochberg(r["p"]), r["p_adjusted"], rtol=1e-12)


@pytest.mark.parametrize("name", DATA_SETS)
def test_change_scores_equal_welchs_t_test_and_holm(name):
    data = follow_ups(name)
    rows = R_VALUES[name]["welch"]
    for row in rows:
        here = data[data["visit"] == row["visit"]].set_index("arm")["change"]
        found = welch_difference(here[row["arm"]], here["CON"])
        mine = [
            found.estimate,
            found.se,
            found.statistic,
            found.df,
            found.p_value,
            found.ci_low,
            found.ci_high,
        ]
        theirs = [row[k] for k in ("estimate", "se", "t", "df", "p", "ci_low", "ci_high")]
        np.testing.assert_allclose(mine, theirs, rtol=1e-8)
    adjusted = [row["p_adjusted"] for row in rows]
    np.testing.assert_allclose(holm([row["p"] for row in rows]), adjusted, rtol=1e-12)


@pytest.mark.parametrize("name", DATA_SETS)
def test_ancova_at_every_visit_equals_lm_with_sandwich_hc3(name):
    data = follow_ups(name)
    for row in R_VALUES[name]["ancova"]:
        here = data[data["visit"] == row["visit"]]
        fitted = fit_ancova(here, response="change", arms=ARMS, covariates=COVARIATES, errors="hc3")
        found = fitted.contrast(row["arm"])
        mine = [found.estimate, found.se, found.df, found.p_value]
        theirs = [row[k] for k in ("estimate", "se", "df", "p")]
        np.testing.assert_allclose(mine, theirs, rtol=1e-8)
