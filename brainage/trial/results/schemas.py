"""Columns of every table that a comparison writes: name, kind, unit, and what it says.

Signs: an estimate below zero means a younger-looking brain than at baseline (within an arm) or
than in the other arm (between arms).
"""

from __future__ import annotations

import pandas as pd

from brainage.tables import Column, TableSchema


def empty_table(schema: TableSchema) -> pd.DataFrame:
    """Return a table without rows whose columns have the schema's kinds."""
    kinds = {"text": object, "number": float, "integer": "int64", "boolean": bool}
    return pd.DataFrame({c.name: pd.Series(dtype=kinds[c.kind]) for c in schema.columns})


def _years(name: str, text: str, *, nullable: bool = True) -> Column:
    return Column(name, "number", text, "years", nullable=nullable)


_NETWORK = Column("network", "text", "'whole_brain' or the network of the clock.")


_ARM = Column("arm", "text", "Arm.")


_VERSUS = Column("versus", "text", "Arm compared with; 'baseline' for a change within the arm.")


_VISIT = Column("visit", "text", "Visit.")


_OUTCOME = Column("outcome", "text", "Score column analysed.")


#: Of any estimate in years, and of its test.
ESTIMATE_COLUMNS = (
    _years("estimate_years", "Estimate; below zero is younger."),
    _years("se_years", "Standard error."),
    _years("ci_low_years", "Lower end of the 95 % confidence interval."),
    _years("ci_high_years", "Upper end of the 95 % confidence interval."),
)


TEST_COLUMNS = (
    Column("df", "number", "Degrees of freedom.", nullable=True),
    Column("statistic", "number", "t.", nullable=True),
    Column("p_value", "number", "Two-sided p.", nullable=True, low=0, high=1),
    Column(
        "p_adjusted",
        "number",
        "p adjusted within its family; the primary contrast's is its p.",
        nullable=True,
        low=0,
        high=1,
    ),
)


_METHOD = Column("method", "text", "How it was estimated.")


_PLANNED = Column(
    "prespecified", "boolean", "Whether the plan names this analysis; false is post hoc."
)


_PLAN_HASH = Column("plan_hash", "text", "Hash of the plan in force; 'no plan' without one.")


_N = Column("n", "integer", "Participants analysed, of the arms named in the row.")


_N_AT = Column(
    "n_at_visit",
    "integer",
    "Of those, participants with a score at this visit (of an average: at any later visit).",
)


_COUNTS = (
    Column(
        "n_model",
        "integer",
        "Participants the model used, of the arms named in the row, whatever visits they have.",
    ),
    _N_AT,
)


CONTRASTS = TableSchema(
    "contrasts",
    (
        _NETWORK,
        _ARM,
        _VERSUS,
        _VISIT,
        *ESTIMATE_COLUMNS,
        *TEST_COLUMNS,
        *_COUNTS,
        Column("primary", "boolean", "Whether this is the primary contrast."),
        _PLANNED,
        _OUTCOME,
        Column("correction", "text", "Age-bias correction of the outcome."),
        Column("analysis_set", "text", "Whose data."),
        Column("estimand_id", "text", "Hash of what is estimated."),
        _METHOD,
        _PLAN_HASH,
    ),
)


#: What a row by other means is.
BY_OTHER_MEANS = "by other means"


DEPENDENCE = "a description of dependence, not an estimate of the estimand"


SENSITIVITY = TableSchema(
    "sensitivity",
    (
        Column("analysis", "text", "What differs from the main analysis."),
        Column(
            "role",
            "text",
            f"'{BY_OTHER_MEANS}', or, where it uses what was measured after randomisation, "
            f"'{DEPENDENCE}'.",
        ),
        *CONTRASTS.columns,
    ),
)


SPECIFICATIONS = TableSchema(
    "specifications",
    (
        Column("rank", "integer", "From the lowest estimate to the highest."),
        Column("analysis", "text", "'main analysis', or what differs from it."),
        Column("key", "text", "Key of the analysis."),
        Column("role", "text", "'main analysis', or as in sensitivity.tsv."),
        *ESTIMATE_COLUMNS,
        Column("p_value", "number", "Two-sided p, not adjusted.", nullable=True, low=0, high=1),
        _N_AT,
        Column("outcome", "text", "Score column analysed."),
        Column("analysis_set", "text", "Whose data."),
        Column("model", "text", "The kind of model: the method up to its first comma."),
        Column("covariates", "text", "Covariates of the model.", nullable=True),
        _PLANNED,
    ),
    key=("analysis",),
)


DELTAS = TableSchema(
    "deltas",
    (
        _NETWORK,
        _ARM,
        _VERSUS,
        _VISIT,
        *ESTIMATE_COLUMNS,
        *TEST_COLUMNS,
        *_COUNTS,
        Column("n_paired", "integer", "Participants with both scans."),
        _years("mean_change_years", "Plain mean of gap at the visit minus gap at baseline."),
        _years("sd_change_years", "Standard deviation of the change."),
        _years("change_ci_low_years", "Lower end of the plain mean's 95 % interval."),
        _years("change_ci_high_years", "Upper end of the plain mean's 95 % interval."),
        Column("paired_statistic", "number", "Paired t of the plain mean.", nullable=True),
        Column("paired_df", "number", "Its degrees of freedom.", nullable=True),
        Column("paired_p_value", "number", "Its two-sided p.", nullable=True, low=0, high=1),
        Column(
            "paired_p_adjusted",
            "number",
            "The same over arm x visit (networks: over networks).",
            nullable=True,
            low=0,
            high=1,
        ),
        Column(
            "cohens_d_z",
            "number",
            "Mean change over the standard deviation of change.",
            nullable=True,
        ),
        Column(
            "cohens_d_av",
            "number",
            "Mean change over the mean of the two visits' standard deviations.",
            nullable=True,
        ),
        _years("mean_interval_years", "Mean time since baseline of those analysed."),
        _PLANNED,
        _OUTCOME,
        Column("analysis_set", "text", "Whose data."),
        Column("estimand_id", "text", "Hash of what is estimated."),
        _METHOD,
        _PLAN_HASH,
    ),
    key=("network", "arm", "visit"),
)


FLOW = TableSchema(
    "flow",
    (
        _ARM,
        _VISIT,
        Column("randomised", "integer", "Randomised to the arm."),
        Column("scanned", "integer", "Of those, scanned: scored or excluded."),
        Column("not_scanned", "integer", "Of those, without a scan."),
        Column("excluded", "integer", "Of the scanned, without a score."),
        Column("scored", "integer", "Of the scanned, with a score."),
        Column("without_baseline", "integer", "Of the scored, without a baseline score."),
        Column("baseline_only", "integer", "Of the scored at baseline, without a later score."),
        Column(
            "without_covariate", "integer", "Of the others, without a value of a planned covariate."
        ),
        Column("analysed", "integer", "Of the scored, in the model of change from baseline."),
        Column("reasons", "text", "Reasons of the exclusions, with counts.", nullable=True),
    ),
    key=("arm", "visit"),
)


TIMING = TableSchema(
    "timing",
    (
        _ARM,
        _VISIT,
        Column("n", "integer", "Participants with a score there and at baseline."),
        Column("planned_years", "number", "Planned time since baseline.", "years"),
        _years("mean_years", "Mean actual time since baseline."),
        _years("sd_years", "Its standard deviation over people."),
        _years("shortest_years", "Shortest."),
        _years("longest_years", "Longest."),
        Column(
            "n_by_dates",
            "integer",
            "Of n, timed by the dates of both scans; the others by ages at scan.",
        ),
    ),
    key=("arm", "visit"),
)


MOTION = TableSchema(
    "motion",
    (
        _ARM,
        _VISIT,
        Column("n", "integer", "Scans with a value."),
        Column(
            "mean_fd_mm",
            "number",
            "Mean over people of mean framewise displacement.",
            "mm",
            nullable=True,
        ),
        Column("sd_fd_mm", "number", "Its standard deviation over people.", "mm", nullable=True),
        Column(
            "correlation_with_gap",
            "number",
            "Pearson r of framewise displacement and the gap.",
            nullable=True,
            low=-1.0000001,
            high=1.0000001,
        ),
    ),
    key=("arm", "visit"),
)


LEVAKOV = TableSchema(
    "levakov",
    (
        _NETWORK,
        _ARM,
        _VISIT,
        _N,
        _years("attenuation_years", "Expected minus observed predicted age; above zero is good."),
        _years("sd_years", "Standard deviation over people."),
        Column(
            "statistic",
            "number",
            "One-sample t as published: the slope is taken as known.",
            nullable=True,
        ),
        Column("df", "number", "Its degrees of freedom.", nullable=True),
        Column("p_value", "number", "Its p.", nullable=True, low=0, high=1),
        _years("bootstrap_se_years", "Standard error over people redrawn, slope refitted."),
        _years("bootstrap_ci_low_years", "Percentile interval of the same, 95 %."),
        _years("bootstrap_ci_high_years", "Percentile interval of the same, 95 %."),
        Column(
            "slope",
            "number",
            "Predicted age on age at baseline, within the trial.",
            "years per year",
        ),
        Column("slope_se", "number", "Bootstrap standard error of the slope.", "years per year"),
        Column("n_bootstraps", "integer", "Bootstrap samples."),
    ),
    key=("network", "arm", "visit"),
)


COVARIATES = TableSchema(
    "covariates",
    (
        Column("analysis", "text", "Which model."),
        _NETWORK,
        Column("covariate", "text", "Covariate; 'x visit' has its own slope at each visit."),
    ),
)


MODELS = TableSchema(
    "models",
    (
        Column("analysis", "text", "Which model."),
        _NETWORK,
        Column("covariance", "text", "Covariance structure fitted."),
        Column("fell_back_because", "text", "Why each structure before it failed.", nullable=True),
        Column("n_participants", "integer", "Participants analysed."),
        Column("n_observations", "integer", "Rows analysed."),
        Column("log_likelihood", "number", "Restricted log-likelihood."),
        Column("n_covariance_parameters", "integer", "Parameters of the covariance."),
        Column(
            "aic",
            "number",
            "2 x covariance parameters - 2 x restricted log-likelihood: for models that differ in "
            "their covariance only.",
        ),
        Column("formula", "text", "The model in words."),
        Column("formula_r", "text", "The model in the notation of R's package mmrm."),
        _METHOD,
    ),
)


ANALYSES = TableSchema(
    "analyses",
    (
        Column("analysis", "text", "Key of the analysis."),
        Column("title", "text", "What it is called in the tables."),
        Column("words", "text", "What it does."),
        Column("planned", "boolean", "Whether the plan in force names it, with these settings."),
        Column("state", "text", "'done', 'not run', or 'does not apply'."),
        Column("reason", "text", "Why it was not run, or does not apply.", nullable=True),
        Column("tables", "text", "Tables it wrote, joined by ', '.", nullable=True),
    ),
    key=("analysis",),
)


EXCLUSIONS = TableSchema(
    "exclusions",
    (
        Column("participant_id", "text", "Participant."),
        Column("arm", "text", "Arm."),
        Column("visit", "text", "Visit."),
        Column("session_id", "text", "Session."),
        Column("reason", "text", "Why there is no score."),
    ),
)
