"""The analysis data set, and a short R program that computes the primary contrast from it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from brainage.tables import Column, TableSchema
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult
from brainage.trial.analyses.repeated_measures import (
    MODEL_SETTINGS,
    baseline_covariates,
    model_data,
)
from brainage.trial.design.join import TrialDesign
from brainage.trial.models.covariance_models import UNSTRUCTURED
from brainage.trial.models.formula import fixed_formula_r, formula_r, is_per_arm, structure_of
from brainage.trial.models.mmrm_fit import MmrmFit
from brainage.trial.results.tables import ResultTable

PROGRAM = "reproduce.R"
_OWN = (
    Column("participant_id", "text", "Participant."),
    Column("arm", "text", "Arm of randomisation."),
    Column("visit", "text", "Visit."),
    Column("in_model", "boolean", "Whether the headline's model used the row."),
    Column("years", "number", "Actual time since baseline.", "years", nullable=True),
    Column("gap", "number", "Gap at the visit, of the outcome.", "years"),
    Column("baseline_gap", "number", "Gap at baseline.", "years"),
    Column("change", "number", "gap minus baseline_gap.", "years"),
    Column("baseline_age", "number", "Age at baseline.", "years"),
)
ANALYSIS_DATA = TableSchema("analysis_data", _OWN, key=("participant_id", "visit"))


def _reproduction(inputs: AnalysisInputs) -> AnalysisResult:
    design = inputs.design
    names = {column.name for column in _OWN}
    more = [name for name in baseline_covariates(inputs.changes, design) if name not in names]
    data = model_data(inputs.changes, design)
    fit = None if inputs.headline is None else inputs.headline.fit
    used = set() if fit is None else set(fit.frame.ids)
    # With a fit, people without a planned covariate are not in it; without one, everybody is.
    in_model = data["participant_id"].isin(used) if used else pd.Series(True, index=data.index)
    order = {visit: index for index, visit in enumerate(design.later_visits)}
    table = data.assign(in_model=in_model, _order=data["visit"].map(order))
    table = table.sort_values(["participant_id", "_order"], kind="stable", ignore_index=True)
    numeric = {name: pd.api.types.is_numeric_dtype(table[name]) for name in more}
    columns = tuple(
        Column(
            name,
            "number" if numeric[name] else "text",
            "Covariate of the model" + ("." if numeric[name] else ", a category."),
            nullable=True,
        )
        for name in more
    )
    text = {
        name: table[name].astype(object).where(table[name].isna(), table[name].astype(str))
        for name in more
        if not numeric[name]
    }
    kept = [*ANALYSIS_DATA.names, *more]
    program, note = r_program(design, fit, numeric)
    return AnalysisResult(
        tables={ANALYSIS_DATA.name: table.assign(**text)[kept]},
        more_columns={ANALYSIS_DATA.name: columns},
        files={PROGRAM: program} if program else {},
        notes=(note,) if note else (),
    )


def r_program(
    design: TrialDesign, fit: MmrmFit | None, numeric: Mapping[str, bool]
) -> tuple[str, str]:
    """Return an R program that computes the primary contrast with the model that ran.

    Parameters
    ----------
    design : TrialDesign
        Names the primary contrast.
    fit : MmrmFit or None
        The headline's model; None: the headline is Welch's t of change scores, or Levakov's.
    numeric : mapping of str to bool
        Covariate -> whether it is a number; the others are categories.

    Returns
    -------
    program : str
        Empty where R has no counterpart of what ran.
    note : str
        Why there is none.
    """
    style = design.options.style
    if fit is None:
        if style == "lisa_like":
            return _assembled(design, _WELCH, {}), ""
        return "", (
            f"no {PROGRAM}: the headline's bootstrap draws cannot be drawn again in R; the "
            "analysis data set is there"
        )
    if structure_of(fit) != UNSTRUCTURED:
        return "", (
            f"no {PROGRAM}: the model fell back to {structure_of(fit)} covariance; its formula for "
            "the R package mmrm is in models.tsv"
        )
    factors = ", ".join(_quoted(name) for name, number in numeric.items() if not number)
    robust = fit.errors.name.startswith("cluster-robust")
    words = {
        "FORMULA": fixed_formula_r(fit, "change"),
        "MMRM": formula_r(fit, "change"),
        "FACTORS": factors,
        "PER_ARM": "TRUE" if is_per_arm(fit) else "FALSE",
        "DDF": "Kenward-Roger" if fit.errors.name == "Kenward-Roger" else "Satterthwaite",
    }
    one_visit = len(fit.frame.visits) == 1
    if robust:
        body = _ROBUST_ONE_VISIT if one_visit else _ROBUST
    else:
        body = _ONE_VISIT if one_visit and not is_per_arm(fit) else _MODEL
    return _assembled(design, _HEAD_OF_MODEL + body, words), ""


def _assembled(design: TrialDesign, body: str, words: Mapping[str, str]) -> str:
    shared = {
        "ARMS": ", ".join(map(_quoted, design.arms)),
        "VISITS": ", ".join(map(_quoted, design.later_visits)),
        "ARM": _quoted(design.primary_arm),
        "CONTROL": _quoted(design.control_arm),
        "VISIT": _quoted(design.primary_visit),
        "OUTCOME": design.options.outcome,
    }
    text = _START + body + _END
    for name, value in {**shared, **words}.items():
        text = text.replace(f"@{name}@", value)
    return text


def _quoted(text: str) -> str:
    """Return a text as R writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_START = """\
# The primary contrast, from the analysis data set, with the model that ran.
#   Rscript reproduce.R            (in this folder; prints TRUE where R agrees)
# Outcome: @OUTCOME@ (years; below zero is younger-looking).
arms <- c(@ARMS@)
visits <- c(@VISITS@)
arm <- @ARM@; control <- @CONTROL@; at <- @VISIT@
read <- function(name) read.delim(name, na.strings = "n/a", check.names = FALSE,
                                  colClasses = c(participant_id = "character")[
                                    name == "analysis_data.tsv"])
d <- read("analysis_data.tsv")
d <- d[d$in_model == "true", ]
d$arm <- factor(as.character(d$arm), levels = arms)
d$visit <- factor(as.character(d$visit), levels = visits)
d$participant_id <- factor(d$participant_id)
"""
_WELCH = """\
own <- d$change[d$arm == arm & d$visit == at]
other <- d$change[d$arm == control & d$visit == at]
r <- t.test(own, other)
found <- c(estimate = unname(r$estimate[1] - r$estimate[2]), se = r$stderr,
           df = unname(r$parameter))
"""
_HEAD_OF_MODEL = """\
for (name in c(@FACTORS@)) d[[name]] <- factor(as.character(d[[name]]))
d <- droplevels(d)
d$order <- as.integer(d$visit)
fixed <- @FORMULA@
# In the notation of the package mmrm: @MMRM@
# The contrast as weights of treatment-coded coefficients.
weights_of <- function(names) {
  w <- setNames(numeric(length(names)), names)
  w[paste0("arm", arm)] <- 1
  cross <- paste0("arm", arm, ":visit", at)
  if (cross %in% names) w[cross] <- 1
  w
}
"""
_MODEL = """\
suppressMessages({library(lme4); library(lmerTest)})
per_arm <- @PER_ARM@
# An unstructured covariance as random effects of the visits: one block, or one an arm. The
# residual variance is then part of the blocks and not identified by itself: lmerTest may warn of
# one eigenvalue near zero, which is that direction; no contrast's variance changes along it.
groups <- if (per_arm) arms else "all"
blocks <- sapply(seq_along(groups), function(g) {
  own <- paste0("block_", g, "_", seq_along(visits))
  for (k in seq_along(visits))
    d[[own[k]]] <<- as.numeric(d$visit == visits[k] & (!per_arm | d$arm == arms[g]))
  paste0("(0 + ", paste(own, collapse = " + "), " | participant_id)")
})
if (per_arm && requireNamespace("mmrm", quietly = TRUE)) {
  m <- mmrm::mmrm(@MMRM@, data = d, reml = TRUE, method = "@DDF@")
  r <- mmrm::df_1d(m, unname(weights_of(names(coef(m)))))
  found <- c(estimate = r$est, se = r$se, df = r$df)
} else {
  free <- lmerControl(check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore",
                      optimizer = "bobyqa", calc.derivs = FALSE,
                      optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
  whole <- as.formula(paste(paste(deparse(fixed), collapse = " "), "+",
                            paste(blocks, collapse = " + ")))
  m <- lmer(whole, d, control = free)
  r <- contest1D(m, weights_of(names(fixef(m))), ddf = "@DDF@")
  found <- c(estimate = r$Estimate, se = r$`Std. Error`, df = r$df)
}
"""
_ONE_VISIT = """\
m <- lm(fixed, d)
w <- weights_of(names(coef(m)))
found <- c(estimate = sum(w * coef(m)), se = sqrt(drop(t(w) %*% vcov(m) %*% w)),
           df = m$df.residual)
"""
_ROBUST_ONE_VISIT = """\
suppressMessages(library(clubSandwich))
m <- lm(fixed, d)
w <- weights_of(names(coef(m)))
robust <- vcovCR(m, cluster = d$participant_id, type = "CR2")
r <- linear_contrast(m, vcov = robust, contrasts = matrix(w, 1), test = "Satterthwaite")
found <- c(estimate = r$Est, se = r$SE, df = r$df)
"""
_ROBUST = """\
suppressMessages({library(nlme); library(lme4); library(clubSandwich); library(pbkrtest)})
tight <- glsControl(tolerance = 1e-12, msTol = 1e-14, maxIter = 500, msMaxIter = 500)
g <- gls(fixed, d, control = tight, correlation = corSymm(form = ~ order | participant_id),
         weights = varIdent(form = ~ 1 | visit))
w <- weights_of(names(coef(g)))
# Errors robust to the covariance (CR2), and Kenward and Roger's inflation for its estimation.
robust <- vcovCR(g, cluster = d$participant_id, type = "CR2")
free <- lmerControl(check.nobs.vs.nRE = "ignore", optimizer = "bobyqa", calc.derivs = FALSE,
                    optCtrl = list(rhoend = 1e-10, maxfun = 1e5))
m <- lmer(as.formula(paste(paste(deparse(fixed), collapse = " "),
                           "+ (0 + visit | participant_id)")), d, control = free)
inflation <- eigen(as.matrix(vcovAdj(m)) - as.matrix(vcov(m)), symmetric = TRUE)
inflation <- inflation$vectors %*% (pmax(inflation$values, 0) * t(inflation$vectors))
r <- linear_contrast(g, vcov = robust, contrasts = matrix(w, 1), test = "Satterthwaite")
found <- c(estimate = sum(w * coef(g)), se = sqrt(drop(t(w) %*% (robust + inflation) %*% w)),
           df = r$df)
"""
_END = """\
ours <- read("contrasts.tsv")
ours <- ours[ours$primary == "true", ]
ours <- c(estimate = ours$estimate_years, se = ours$se_years, df = ours$df)
print(rbind(R = found, brainage = ours), digits = 8)
same <- abs(found[["estimate"]] - ours[["estimate"]]) < 1e-4 * ours[["se"]] &&
  abs(found[["se"]] - ours[["se"]]) < 1e-4 * ours[["se"]] &&
  abs(found[["df"]] - ours[["df"]]) < 1e-3 * ours[["df"]]
cat("estimate and error to 1e-4 of the error, degrees of freedom to 1e-3:", same, "\\n")
quit(status = as.integer(!same))
"""
REPRODUCTION = Analysis(
    key="reproduction",
    title=lambda _: "reproduction in R",
    words="the analysis data set, and an R program that computes the primary contrast from it",
    settings=MODEL_SETTINGS,
    run=_reproduction,
    tables=(
        ResultTable(
            ANALYSIS_DATA,
            "The analysis data set: one row a person and later visit "
            "(beside it reproduce.R, which computes the primary contrast).",
            shown="file",
            describes=True,
        ),
    ),
)
