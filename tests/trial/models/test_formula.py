"""The formula in words and in R says what the model holds."""

from __future__ import annotations

import sys
from pathlib import Path

from brainage.trial.models.formula import formula_in_words, formula_r, r_name
from brainage.trial.models.mmrm import fit_mmrm

sys.path.insert(0, str(Path(__file__).parent.parent))
from r_reference import ARMS, follow_ups, trial_data, visits_of  # noqa: E402


def test_change_form_per_arm_and_common():
    data = follow_ups("complete")
    kept = {
        "response": "change",
        "arms": ARMS,
        "visits": visits_of(data),
        "covariates": ("baseline_gap", "sex"),
        "errors": "model",
    }
    per_arm = fit_mmrm(data, **kept)
    assert formula_r(per_arm, "change") == (
        "change ~ arm * visit + baseline_gap * visit + sex + us(visit | arm / participant_id)"
    )
    words = formula_in_words(per_arm, "change")
    assert "baseline_gap (a slope at each visit) + sex" in words
    assert "of each arm's own" in words
    common = fit_mmrm(data, **kept, covariance_by_arm=False)
    assert formula_r(common, "change").endswith("us(visit | participant_id)")


def test_constrained_form_has_departures_and_no_baseline_effect_of_arm():
    data = trial_data("complete")
    fit = fit_mmrm(data, response="gap", arms=ARMS, visits=("v0", "v1", "v2"), form="constrained")
    text = formula_r(fit, "gap")
    assert text.startswith("gap ~ visit + departure_MIT_v1 + departure_MIT_v2 + departure_HRT_v1")
    assert "arm *" not in text


def test_names_that_r_does_not_take_are_quoted():
    assert r_name("leg power") == "`leg power`"
    assert r_name("baseline_gap") == "baseline_gap"
