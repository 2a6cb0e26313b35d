"""The Methods paragraph says what was done, and nothing that was not."""

from __future__ import annotations

import pandas as pd

from brainage.config import study_from_mapping
from brainage.imaging.cleaning.strategies import load_strategy
from brainage.stages.methods import (
    analysis_sentences,
    cited,
    methods_sentences,
    model_sentences,
)


def extraction(**cleaning):
    study = study_from_mapping(
        {
            "paths": {"reference": {"scans": "x"}},
            "science": {"cleaning": cleaning},
        }
    )
    return methods_sentences(study)[0]


def test_the_strategy_is_described_by_its_own_file():
    assert load_strategy("36P").description in extraction(strategy="36P")


def test_censoring_that_belongs_to_the_strategy_is_told_and_the_studys_threshold_wins():
    own = extraction(strategy="36P+scrub")
    assert "displacement above 0.5 mm censored" in own
    ours = extraction(strategy="36P+scrub", scrub_fd_mm=0.25)
    assert "displacement above 0.25 mm censored" in ours
    nilearns = extraction(strategy="scrubbing", scrub_fd_mm=0.3)
    assert "displacement above 0.3 mm censored" in nilearns


def test_nothing_is_said_of_censoring_where_there_is_none():
    assert "censored" not in extraction(strategy="24P")


def clock(preset=None, **options):
    science = {"clock": options, "connectivity": {"kinds": ["fisher_z"]}} if options else {}
    study = study_from_mapping({"science": science} | ({"extends": preset} if preset else {}))
    return " ".join(methods_sentences(study))


def test_a_c_that_was_not_tuned_is_not_said_to_be():
    fixed = clock("levakov2023")
    assert "linear support vector regression, C fixed at 1, epsilon 0.1 years;" in fixed
    assert "inner cross-validation" not in fixed
    assert "C chosen by inner cross-validation" in clock("lisa_like_linear")
    poly = clock("lisa_like")
    assert "support vector regression with a polynomial kernel of degree 2, C fixed at 2" in poly


def test_an_average_of_fold_models_and_an_age_left_in_are_told():
    assert "the 75 fold models averaged" in clock("lisa_like")
    assert "averaged" not in clock("recommended")
    sites = {"method": "combat", "preserve_age": True}
    assert "beside a linear age effect that stays" in clock(harmonization=sites)


def test_a_kind_that_is_no_view_of_the_clock_is_said_to_be_none():
    assert "The clock did not see the Fisher z of the Pearson correlation." in clock("recommended")
    assert "did not see" not in clock("fisher_z_ridge")


def test_contrasts_that_are_not_adjusted_are_not_said_to_be():
    trial = {
        "arms": ["CON", "EX"],
        "control_arm": "CON",
        "primary_visit": "end",
        "visits": [
            {"label": "start", "session_id": "1", "nominal_years": 0},
            {"label": "end", "session_id": "2", "nominal_years": 1},
        ],
    }
    words = [
        methods_sentences(study_from_mapping({"science": {"trial": trial | more}}))[-1]
        for more in ({}, {"multiplicity": "none"})
    ]
    assert "other contrasts with control are adjusted by Holm's method" in words[0]
    assert "other contrasts with control are not adjusted" in words[1]


def test_the_model_is_told_from_what_was_fitted():
    contrasts = pd.DataFrame(
        {"primary": [False, True], "network": "whole_brain", "method": ["x", "MMRM"], "n_model": 37}
    )
    covariates = pd.DataFrame(
        {
            "analysis": ["mmrm", "mmrm", "motion"],
            "network": "whole_brain",
            "covariate": ["baseline_gap x visit", "sex", "motion"],
        }
    )
    said = model_sentences(contrasts, covariates)
    assert said[0] == "It was estimated by MMRM, in 37 participants of these two arms."
    assert said[1] == "Covariates were baseline gap x visit, sex."


def test_an_estimator_is_cited_only_where_a_kind_of_connectivity_uses_it():
    study = study_from_mapping({"paths": {"reference": {"scans": "x"}}})
    assert "ledoit_wolf" not in cited(study, stages={"features"})
    tangent = {
        "science": {"connectivity": {"kinds": ["tangent"]}, "clock": {"views": ["tangent"]}},
    }
    assert "ledoit_wolf" in cited(study_from_mapping(tangent), stages={"features"})


def test_of_a_stage_that_did_not_run_nothing_is_said():
    study = study_from_mapping({"paths": {"reference": {"scans": "x"}}})
    assert methods_sentences(study, stages=()) == ()
    assert cited(study, stages=()) == ()
    assert "Age was predicted" in " ".join(methods_sentences(study, stages={"train"}))
    assert "Age was predicted" not in " ".join(methods_sentences(study, stages={"extract"}))


def test_signals_are_called_what_the_atlas_makes_them():
    assert "the means of the voxels in the spheres of seitzman300" in extraction()


def test_rules_of_exclusion_are_told_and_one_that_excludes_nothing_is_not():
    rules = {"max_mean_fd_mm": None, "min_retained_s": 180}
    study = study_from_mapping(
        {"paths": {"reference": {"scans": "x"}}, "science": {"exclusion": rules}}
    )
    said = " ".join(methods_sentences(study))
    assert "A scan was not used where less than 50 % of its volumes were kept" in said
    assert "less than 180 s were kept" in said
    assert "displacement was above" not in said


def test_analyses_that_ran_are_told_from_the_record_and_no_others():
    analyses = pd.DataFrame(
        [
            ("rerandomization", "re-randomisation test", True, "done"),
            ("levakov", "Levakov's outcome", False, "done"),
            ("dose", "trend over arms", True, "not run"),
        ],
        columns=["analysis", "words", "planned", "state"],
    )
    trial = study_from_mapping({"extends": "demo"}).science.trial
    said = " ".join(analysis_sentences(analyses, trial))
    assert "planned and done: re-randomisation test." in said
    assert "Post hoc: Levakov's outcome." in said
    assert "9,999 draws" in said
    assert "trend" not in said
