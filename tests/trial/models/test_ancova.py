"""The per-visit model against R's lm, sandwich and emmeans, to 1e-8."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial.models.ancova import fit_ancova

sys.path.insert(0, str(Path(__file__).parents[1]))
from r_reference import ARMS, COVARIATES, DATA_SETS, follow_ups, r_values  # noqa: E402


def first_visit(name):
    data = follow_ups(name)
    return data[data["visit"] == "v1"]


def fit(name, **options):
    options = {"covariates": COVARIATES, **options}
    return fit_ancova(first_visit(name), response="change", arms=ARMS, **options)


@pytest.mark.parametrize("name", DATA_SETS)
@pytest.mark.parametrize(
    ("errors", "means"), [("hc3", "hc3_means"), ("hc2", None), ("classical", "means")]
)
def test_contrasts_and_means_match_lm_sandwich_clubsandwich_and_emmeans(name, errors, means):
    fitted, reference = fit(name, errors=errors), r_values()["per_visit"][name]
    for row in reference[errors]:
        found = fitted.contrast(row["contrast"])
        assert found.estimate == pytest.approx(row["estimate"], rel=1e-8)
        assert found.se == pytest.approx(row["se"], rel=1e-8)
        # Counted for HC3 and classical errors, computed for HC2.
        exact = pytest.approx(row["df"], rel=1e-8) if errors == "hc2" else row["df"]
        assert found.df == exact
        assert found.p_value == pytest.approx(row["p"], rel=1e-8)
    for row in reference[means] if means else ():
        found = fitted.lsmean(row["arm"])
        assert found.estimate == pytest.approx(row["emmean"], rel=1e-8)
        assert found.se == pytest.approx(row["SE"], rel=1e-8)


def test_errors_are_hc3_and_in_small_arms_hc2_with_bell_and_mccaffreys_df():
    data = first_visit("complete")
    many = pd.concat(
        [data.assign(participant_id=data["participant_id"] + suffix) for suffix in "abc"]
    )
    options = {"response": "change", "arms": ARMS, "covariates": COVARIATES}
    assert fit_ancova(many, **options).method == "ANCOVA, HC3 errors"
    assert fit_ancova(data, **options).method == (
        "ANCOVA, HC2 errors, Bell-McCaffrey degrees of freedom"
    )


def test_versus_another_arm_is_the_difference_of_the_contrasts_with_control():
    fitted = fit("missing")
    difference = fitted.contrast("HRT").estimate - fitted.contrast("MIT").estimate
    assert fitted.contrast("HRT", versus="MIT").estimate == pytest.approx(difference, abs=1e-12)


def test_counts_add_up_to_the_people_analysed():
    fitted = fit("missing")
    assert sum(fitted.n_by_arm.values()) == fitted.n_participants == len(first_visit("missing"))


def test_one_person_alone_in_a_level_is_left_out_by_name_and_no_contrast_changes():
    data = first_visit("complete")
    alone = data.assign(site=np.where(data["participant_id"] == "p007", "far", "near"))
    found = fit_ancova(alone, response="change", arms=ARMS, covariates=("site", "sex"))
    assert any(
        "left out: each alone in a level of a covariate" in n and "p007" in n for n in found.notes
    )
    # The level's own coefficient fits that person exactly, whatever the others do.
    same = ols_with_all_rows(alone)
    assert found.contrast("HRT").estimate == pytest.approx(same, rel=1e-10)
    assert np.isfinite(found.contrast("HRT").se)


def ols_with_all_rows(data):
    """Return the coefficient of HRT with the level of one person kept in the design."""
    columns = [
        data["arm"] == "MIT",
        data["arm"] == "HRT",
        data["site"] == "far",
        data["sex"] == "male",
    ]
    design = np.column_stack([np.ones(len(data)), *columns]).astype(float)
    return np.linalg.lstsq(design, data["change"].to_numpy(), rcond=None)[0][2]


def test_one_person_alone_in_an_arm_is_refused_by_id_because_hc3_is_not_defined():
    data = first_visit("complete")
    first = data.index[data["arm"] == "HRT"][0]
    one = data[(data["arm"] != "HRT") | (data.index == first)]
    person = data.loc[first, "participant_id"]
    with pytest.raises(DesignError, match=f"participant {person} alone determines"):
        fit_ancova(one, response="change", arms=ARMS, covariates=("sex",))


def test_several_visits_are_refused():
    with pytest.raises(DesignError, match="rows of one visit, found v1, v2"):
        fit_ancova(follow_ups("complete"), response="change", arms=ARMS)


def test_too_few_people_are_refused():
    data = first_visit("complete")
    few = pd.concat([data[data["arm"] == arm].iloc[:1] for arm in ARMS])
    with pytest.raises(DesignError, match="3 participants are too few for 3 coefficients"):
        fit_ancova(few, response="change", arms=ARMS)


def test_a_perfect_fit_is_refused():
    data = first_visit("complete")
    exact = data.assign(change=2 * data["baseline_gap"])
    with pytest.raises(DesignError, match="fits every value exactly"):
        fit_ancova(exact, response="change", arms=ARMS, covariates=("baseline_gap",))
