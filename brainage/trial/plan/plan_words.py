"""The analysis plan in words: the same statements in the plan's text file and on the report."""

from __future__ import annotations

from brainage.raw_names import said
from brainage.trial.analyses.planned import analysis, asked_for
from brainage.trial.models.covariance_models import FALL_BACK_ORDER
from brainage.trial.models.model_frame import FEW_PEOPLE
from brainage.trial.options import TREATMENT_POLICY, TrialOptions

_ADJUSTMENTS = {
    "holm": "Holm over arm x visit and the averages over visits",
    "dunnett": "Dunnett over the active arms at each visit",
    "benjamini_hochberg": "Benjamini-Hochberg over arm x visit",
    "none": "not adjusted",
}


def missing_data_words() -> str:
    """Say what a missed scan is."""
    return (
        "a missed scan is missing data, not an intercurrent event; the likelihood model uses "
        "the other scans, under missing at random"
    )


def plan_statements(options: TrialOptions, first: dict) -> list[tuple[str, str]]:
    """Return what a plan lays down, statement by statement.

    Parameters
    ----------
    options : TrialOptions
        Every choice.
    first : dict
        The primary contrast's row of the plan.

    Returns
    -------
    statements : list of (str, str)
        What about, and what is laid down.

    Examples
    --------
    >>> plan = ba.write_plan(examples.trial_options(), folder / "plan.json")
    >>> ba.plan_statements(plan.options, plan.analyses[0])[0]
    ('Estimand (ICH E9(R1)), population', 'all randomised participants who were scanned')
    """
    return [*_estimand(options), *_design(options), *_analyses(options, first)]


def plan_text(
    options: TrialOptions, digest: str, first: dict, *, scores_by: str | None = None
) -> str:
    """Return a plan in words, for people and registries.

    Parameters
    ----------
    options : TrialOptions
        Every choice.
    digest : str
        The plan's hash.
    first : dict
        The primary contrast's row of the plan.
    scores_by : str or None, default=None
        Fingerprint of the choices behind the scores.

    Returns
    -------
    text : str
    """
    lines = ["STATISTICAL ANALYSIS PLAN", f"hash {digest}"]
    if scores_by is not None:
        lines.append(
            f"scores by the choices of fingerprint {scores_by} (atlas, cleaning, "
            "exclusion, connectivity, clock, seed)"
        )
    lines.append("")
    lines += [f"{what}: {said(text)}." for what, text in plan_statements(options, first)]
    lines += [
        "",
        "Analyses, each between every active arm and control and, where it has such "
        "rows, within every arm:",
    ]
    lines += [f"  - {record.title(options)}: {record.words}" for record in asked_for(options)]
    lines += ["", "Anything not named here is post hoc.", ""]
    return "\n".join(lines)


def _estimand(options: TrialOptions) -> list[tuple[str, str]]:
    estimand = options.estimand
    events = [
        (f"Intercurrent event, {event}", strategy + _unless_done(strategy))
        for event, strategy in estimand.intercurrent_events.items()
    ]
    return [
        ("Estimand (ICH E9(R1)), population", estimand.population),
        ("Estimand, treatments", estimand.treatments),
        ("Estimand, variable", options.estimand_in_words["variable"]),
        *events,
        ("Estimand, summary", estimand.summary),
        ("Missing scans", missing_data_words()),
    ]


def _unless_done(strategy: str) -> str:
    if strategy == TREATMENT_POLICY:
        return ""
    return (
        " (stated, not carried out by the analyses: they take every scan as it is, so leave "
        "the scans after the event out of the scores)"
    )


def _design(options: TrialOptions) -> list[tuple[str, str]]:
    scheme = options.randomization
    size = (
        ""
        if scheme.scheme in ("simple", "minimisation")
        else (f", block size {scheme.block_size or 'unknown'}")
    )
    visits = "; ".join(
        f"{v.label} (session {v.session_id}) at {v.nominal_years:g} years" for v in options.visits
    )
    protocol = (
        "not defined (no dose recorded)"
        if options.dose_column is None
        else (
            f"control, and active participants with {options.dose_column} of at least "
            f"{options.per_protocol_min_dose:g}"
        )
    )
    return [
        ("Arms, control first", ", ".join(options.arms)),
        ("Visits", visits),
        (
            "Time since baseline",
            "from the dates of the scans where both have one, else from the ages at them",
        ),
        ("Randomisation", f"{scheme.scheme}{size}; strata: {', '.join(options.strata) or 'none'}"),
        ("Outcome", f"{options.outcome}, years; below zero is younger-looking"),
        (
            "Analysis set",
            "intention to treat: everyone randomised, in the arm of randomisation, "
            "with the scans there are; where a line says so, completers (a score at "
            "every visit) or per protocol",
        ),
        ("Per-protocol set", protocol),
    ]


def _analyses(options: TrialOptions, first: dict) -> list[tuple[str, str]]:
    shared = "one per arm" if options.covariance_by_arm else "one for all arms"
    scheme = options.randomization
    columns = {"site": "site (if more than one)"}
    covariates = dict.fromkeys(
        (
            "baseline gap x visit",
            "baseline age x visit",
            *options.strata,
            *options.covariates,
            *(columns.get(name, name) for name in options.score_covariates),
        )
    )
    few = (
        ""
        if options.degrees_of_freedom == "kenward_roger"
        else (
            f"; where an arm has fewer than {FEW_PEOPLE} people at a visit, and in the constrained "
            "form, one covariance for all arms with cluster-robust small-sample errors"
        )
    )
    return [
        (
            "Primary contrast",
            f"{first['arm']} against {first['versus']} at {first['visit']}, by "
            f"{analysis(first['analysis']).words}; not adjusted for multiplicity",
        ),
        ("Other contrasts with control", _ADJUSTMENTS[options.multiplicity]),
        (
            "Within-arm changes",
            _ADJUSTMENTS[options.within_arm_multiplicity].replace(
                " and the averages over visits", ""
            ),
        ),
        (
            "Networks",
            "the same analyses for each network the clocks score, Benjamini-Hochberg over "
            "networks at each arm and visit",
        ),
        (
            "Covariates of the models",
            f"{', '.join(covariates)}; nothing measured after randomisation",
        ),
        (
            "Covariance of the visits",
            f"{FALL_BACK_ORDER[0]}, {shared}; degrees of freedom: "
            f"{options.degrees_of_freedom}{few}",
        ),
        (
            "Fall-backs, in this order, with cluster-robust small-sample errors",
            (f"{FALL_BACK_ORDER[0]} common to all arms, " if options.covariance_by_arm else "")
            + ", ".join(FALL_BACK_ORDER[1:]),
        ),
        (
            "Re-randomisation test",
            f"studentised {scheme.statistic} contrast, {scheme.n_draws} draws, two-sided",
        ),
        ("Bootstrap (Levakov's outcome)", f"{options.n_bootstraps} samples of people"),
    ]
