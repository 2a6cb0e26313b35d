"""What a report shows. If a number is missing on the page, a field is missing here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from brainage.clock import BrainClock, CrossValidation
from brainage.showing import Shown
from brainage.trial import (
    Plan,
    TrialDesign,
    TrialResult,
    gap_means,
    plan_statements,
    scans_by_arm,
)

#: Fields that a comparison and the page call the same.
_OF_TRIAL = (
    "deltas",
    "contrasts",
    "flow",
    "exclusions",
    "timing",
    "sensitivity",
    "specifications",
    "analyses",
    "tables",
    "table_records",
    "standing",
    "plan_written",
    "read_first",
    "motion",
    "models",
    "covariates",
    "estimand",
    "notes",
)


@dataclass(frozen=True, repr=False)
class StudyResults(Shown):
    """Everything the stages made, as tables; None where a stage was not part of the study.

    Parameters
    ----------
    title : str
        Title of the study.
    methods : tuple of str
        Sentences of the Methods paragraph, made from the options that were used.
    scans : mapping of str to DataFrame
        Cohort -> one row a scan: status and reason.
    excluded : mapping of str to DataFrame
        Cohort -> sessions left out of the features, with the reason.
    predictions : DataFrame or None
        Out-of-fold predictions of the reference cohort: age_years, predicted_age_years, repeat.
    metrics : DataFrame or None
        metric, estimate, low, high; uncorrected, out of fold.
    gap_slopes : DataFrame or None
        gap, slope, low, high (years of gap per year of age), before and after correction.
    card : mapping
        Model card of the whole-brain clock.
    pattern_networks, pattern_parcels, pattern_stability : DataFrame or None
        What a linear whole-brain clock looks at (`brainage.clock.explain_clock`), strongest
        first, and how well its fold models agree on it.
    clock_slopes : DataFrame or None
        network, gap, slope, low, high: the gap's slope on age in left-out people, every clock.
    external, external_slopes : DataFrame or None
        The frozen clocks on an external test set (`brainage.clock.evaluate_clock`).
    permutation, learning_curve : DataFrame or None
        The clock against shuffled ages, and by size of the cohort.
    efficiency : DataFrame or None
        What the clock asks of a trial (`brainage.clock.EFFICIENCY`).
    external_efficiency : DataFrame or None
        The same, of the external test set.
    length_curve : DataFrame or None
        How far predictions move when a part of a scan is kept (`brainage.tables.LENGTH_CURVE`).
    length_words : str
        How the parts were cut, or why there is no such curve.
    calibrations : DataFrame or None
        On whom the clocks learnt new sites, with the ages of both.
    trust : DataFrame or None
        By session: scans outside the reference's ages, and far from the reference.
    scores : DataFrame or None
        Schema `brainage.tables.SCORES`.
    deltas, contrasts, flow, exclusions, timing, sensitivity, analyses, motion, models, covariates
        : DataFrame or None
        From the trial's comparison; see `brainage.trial.TrialResult`.
    specifications : DataFrame or None
        The primary contrast by every means, as of the same.
    tables : mapping of str to DataFrame
        The analyses' own tables by name.
    table_records : mapping
        Of each of them: analysis, title, caption, shown, schema.
    standing : str
        How the primary contrast was planned: "prespecified", "post hoc", ...
    read_first : tuple of str
        What must be said before any number of the trial.
    estimand : mapping
        Of the primary contrast, in words.
    plan : DataFrame or None
        What the plan in force lays down, statement by statement.
    notes : tuple of str
        What the comparison says about itself (fall-backs, post hoc, ...).
    truth : DataFrame or None
        Synthetic studies: planted and clock-scale effects beside the estimates.
    truth_of_networks, truth_of_regions : DataFrame or None
        The same of every network's clock, and of the connectivity of every region.
    provenance : mapping of str to str
        Hashes, versions, seed.
    plan_written : str or None
        When the plan in force was written: "beforehand", "by the comparison", ...
    shows_nothing : mapping of str to str
        Network -> why its clock is no better than the median; empty where every clock is, or
        where that is not known.
    synthetic : bool
        Whether the study made its own data.
    visits : tuple of str
        Labels of the planned visits, baseline first.
    gaps, gap_means : DataFrame or None
        The analysed gap of each scan (participant_id, arm, visit, gap_years), and its mean by arm
        and visit (n, mean_years, low_years, high_years).
    baseline : DataFrame or None
        characteristic, then a column an arm, and "all": text.
    quality : DataFrame or None
        Motion and minutes kept by arm and visit (`brainage.stages.report_tables`).
    missing : DataFrame or None
        Scans that were not scored, by arm and visit, with reasons.
    sites : DataFrame or None
        Reference cohort by site: site, n, ages, mean_gap_years, low_years, high_years.
    reference_gaps : DataFrame or None
        age_years, gap_years, gap_corrected_years of the reference cohort, out of fold.
    reliability : DataFrame or None
        what, value: ICC, standard error of measurement, minimal detectable change.
    drawings : mapping of str to matplotlib Figure
        Brains and carpets that only `brainage.imaging` can draw: name -> figure.
    drawing_captions : mapping of str to str
        What each of them shows.
    not_drawn : tuple of str
        Scans whose carpet is absent because their series cannot be read: which file, and why.
    checklist : sequence of (str, str, str)
        item, answer, where on the page.
    references : tuple of str
        Of what ran.
    bibtex : str
        The same for a bibliography.
    files : mapping of str to str
        Table -> its file, relative to the page.
    config : str
        The study file as it was in force, with every default.

    Examples
    --------
    >>> results = ba.StudyResults.of_trial(examples.result(), title="An example")
    >>> results.title, results.standing
    ('An example', 'post hoc')
    >>> len(results.contrasts)
    6
    """

    title: str
    methods: tuple[str, ...] = ()
    scans: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    excluded: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    predictions: pd.DataFrame | None = None
    metrics: pd.DataFrame | None = None
    gap_slopes: pd.DataFrame | None = None
    card: Mapping = field(default_factory=dict)
    pattern_networks: pd.DataFrame | None = None
    pattern_parcels: pd.DataFrame | None = None
    pattern_stability: pd.DataFrame | None = None
    clock_slopes: pd.DataFrame | None = None
    external: pd.DataFrame | None = None
    external_slopes: pd.DataFrame | None = None
    permutation: pd.DataFrame | None = None
    learning_curve: pd.DataFrame | None = None
    efficiency: pd.DataFrame | None = None
    external_efficiency: pd.DataFrame | None = None
    length_curve: pd.DataFrame | None = None
    length_words: str = ""
    calibrations: pd.DataFrame | None = None
    trust: pd.DataFrame | None = None
    scores: pd.DataFrame | None = None
    deltas: pd.DataFrame | None = None
    contrasts: pd.DataFrame | None = None
    flow: pd.DataFrame | None = None
    exclusions: pd.DataFrame | None = None
    timing: pd.DataFrame | None = None
    sensitivity: pd.DataFrame | None = None
    specifications: pd.DataFrame | None = None
    analyses: pd.DataFrame | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    table_records: Mapping = field(default_factory=dict)
    motion: pd.DataFrame | None = None
    models: pd.DataFrame | None = None
    covariates: pd.DataFrame | None = None
    standing: str = ""
    read_first: tuple[str, ...] = ()
    estimand: Mapping = field(default_factory=dict)
    plan: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    truth: pd.DataFrame | None = None
    truth_of_networks: pd.DataFrame | None = None
    truth_of_regions: pd.DataFrame | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    plan_written: str | None = None
    shows_nothing: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False
    visits: tuple[str, ...] = ()
    gaps: pd.DataFrame | None = None
    gap_means: pd.DataFrame | None = None
    baseline: pd.DataFrame | None = None
    quality: pd.DataFrame | None = None
    missing: pd.DataFrame | None = None
    sites: pd.DataFrame | None = None
    reference_gaps: pd.DataFrame | None = None
    reliability: pd.DataFrame | None = None
    drawings: Mapping = field(default_factory=dict)
    drawing_captions: Mapping[str, str] = field(default_factory=dict)
    not_drawn: tuple[str, ...] = ()
    checklist: Sequence[tuple[str, str, str]] = ()
    references: tuple[str, ...] = ()
    bibtex: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    config: str = ""

    @classmethod
    def of_trial(
        cls,
        result: TrialResult,
        *,
        title: str = "brain-age trial",
        design: TrialDesign | None = None,
        scores: pd.DataFrame | None = None,
        clock: BrainClock | None = None,
        cv: CrossValidation | None = None,
        plan: Plan | None = None,
    ) -> StudyResults:
        """Collect what was made in Python; what is not given is left off the page.

        Parameters
        ----------
        result : TrialResult
            The comparison.
        title : str, default="brain-age trial"
            Of the page.
        design : TrialDesign, optional
            With `scores`: every participant's gaps, arm by arm.
        scores : DataFrame, optional
            Schema `brainage.tables.SCORES`.
        clock : BrainClock, optional
            For its model card.
        cv : CrossValidation, optional
            For the clock's accuracy.
        plan : Plan, optional
            For the list of what was laid down.
        """
        fields = fields_of_trial(result) | {"title": title, "scores": scores}
        if clock is not None:
            fields["card"] = clock.card()
        if cv is not None:
            fields |= {"predictions": cv.mean_predictions(), "metrics": cv.metrics}
        if plan is not None:
            fields["plan"] = plan_table(plan)
        if design is not None:
            fields["visits"] = tuple(visit.label for visit in design.visits)
        if design is not None and scores is not None:
            scans = scans_by_arm(scores, design.allocation, design.options)
            gaps = scans[["participant_id", "arm", "visit"]].assign(gap_years=scans["gap"])
            fields |= {"gaps": gaps, "gap_means": gap_means(scans, design.options)}
        return cls(**fields)


def fields_of_trial(result: TrialResult) -> dict[str, Any]:
    """Return what a comparison holds of the fields of `StudyResults`.

    Parameters
    ----------
    result : TrialResult
        The comparison.

    Examples
    --------
    >>> fields = fields_of_trial(examples.result())
    >>> fields["standing"]
    'post hoc'
    """
    found = {name: getattr(result, name) for name in _OF_TRIAL}
    if result.shows_nothing:
        found["shows_nothing"] = result.shows_nothing
    found["provenance"] = {
        "hash of the scores' content": result.scores_hash,
        "hash of the plan": result.plan_hash,
    }
    return found


def plan_table(plan: Plan) -> pd.DataFrame:
    """Return what a plan lays down, statement by statement: about, as planned.

    Parameters
    ----------
    plan : Plan
        The plan in force.

    Examples
    --------
    >>> plan = ba.write_plan(examples.trial_options(), folder / "plan.json")
    >>> list(plan_table(plan).columns)
    ['about', 'as planned']
    """
    rows = [
        ("hash, in every result row", plan.hash),
        ("written", plan.written),
        *plan_statements(plan.options, plan.analyses[0]),
    ]
    return pd.DataFrame(rows, columns=["about", "as planned"])
