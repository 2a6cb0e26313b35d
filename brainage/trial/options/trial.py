"""Choices of the trial room: design, estimand, analyses."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from brainage.options import Listed, Options
from brainage.tables import SCORES
from brainage.trial.options.analysis import AnalysisOptions
from brainage.trial.options.contrasts import ContrastOptions, ModeratorOptions
from brainage.trial.options.estimand import EstimandOptions
from brainage.trial.options.questions import (
    AssociationOptions,
    DoseOptions,
    LocalOptions,
    MissingDataOptions,
    NetworkOptions,
)
from brainage.wording import did_you_mean


class VisitOptions(Options):
    """One planned visit: its label, its session in the files, and when it was due.

    Parameters
    ----------
    label : str
        As printed ("1 year").
    session_id : str
        As in the files, without "ses-".
    nominal_years : float
        Planned time since baseline.

    Examples
    --------
    >>> ba.VisitOptions(session_id="1y", label="1 year", nominal_years=1.0)
    VisitOptions(label='1 year', session_id='1y', nominal_years=1.0)
    """

    label: str
    session_id: str
    nominal_years: float = Field(ge=0)


#: Columns that the trial's tables have of their own: a covariate of that name would take the place
#: of the number itself. Sex and site may be the allocation's.
_OWN_COLUMNS = {*SCORES.names} - {"sex", "site"} | {
    "arm",
    "visit",
    "years",
    "years_by_age",
    "timed_by",
    "years_off_plan",
    "change",
    "gap",
    "baseline_gap",
    "baseline_age",
    "baseline_predicted_years",
    "fd_mm",
    "baseline_fd_mm",
    "baseline_scanner",
    "same_scanner",
    "scanner_changed",
}


class RandomizationOptions(Options):
    """The allocation scheme that the re-randomisation test replays.

    Parameters
    ----------
    scheme : {"simple", "permuted_blocks", "stratified_blocks", "minimisation"}, default="simple"
        As used by the trial; "minimisation" needs the allocations its own program replayed
        (paths.replayed_allocations), and is refused without.
    block_size : int or None, default=None
        Size of the permuted blocks; None: unknown, then the whole stratum is one block. An error
        with a scheme that has no blocks.
    n_draws : int, default=9999
        Draws of the Monte-Carlo test.
    statistic : {"ancova", "gls"}, default="ancova"
        Studentised contrast compared over draws: of the visit alone with HC3 errors, or of all
        visits weighted by the repeated-measures covariance estimated once without arm.

    Examples
    --------
    >>> from brainage.trial import RandomizationOptions
    >>> RandomizationOptions(n_draws=999)
    RandomizationOptions(n_draws=999)
    """

    scheme: Literal["simple", "permuted_blocks", "stratified_blocks", "minimisation"] = "simple"
    block_size: int | None = Field(default=None, ge=2)
    n_draws: int = Field(default=9999, ge=99)
    statistic: Literal["ancova", "gls"] = "ancova"

    @model_validator(mode="after")
    def _blocks_are_read(self) -> Self:
        if self.block_size is not None and not self.scheme.endswith("blocks"):
            raise ValueError(
                "block_size only with scheme permuted_blocks or stratified_blocks "
                f"(found scheme '{self.scheme}')"
            )
        return self


class TrialOptions(Options):
    """The trial as planned.

    Parameters
    ----------
    arms : tuple of str
        Every arm, control first, then in rising order of dose if there is one.
    control_arm : str
        The arm the others are compared with.
    visits : tuple of VisitOptions
        Baseline first.
    primary_visit : str
        Label of the visit of the primary contrast.
    primary_arm : str or None, default=None
        Arm of the primary contrast; None: the last of `arms`.
    arm_column : str, default="arm"
        Column of the allocation table.
    participant_column : str, default="participant_id"
        Column of the allocation table.
    strata : tuple of str, default=()
        Columns of the allocation table the randomisation was stratified by; covariates of every
        model, as categories.
    covariates : tuple of str, default=()
        Further columns of the allocation table, measured before randomisation.
    score_covariates : tuple of {"sex", "site"}, default=("sex", "site")
        Columns of the scores that are covariates of every model where they vary, as categories;
        leave one out where arm determines it.
    dose_column : str or None, default=None
        Column of the allocation table with the dose taken (sessions attended).
    per_protocol_min_dose : float, default=0.0
        Least dose of an active arm's participant in the per-protocol set; needs `dose_column`.
    outcome : str, default="gap_corrected_years"
        Score column analysed.
    style : {"recommended", "lisa_like", "levakov2023"}, default="recommended"
        Which analysis is the headline; the others are printed beside it.
    multiplicity : {"holm", "dunnett", "none"}, default="holm"
        Family: the contrasts that are not primary.
    within_arm_multiplicity : {"benjamini_hochberg", "holm", "none"}, default="benjamini_hochberg"
        Family: arm x visit within-arm tests.
    degrees_of_freedom : {"satterthwaite", "kenward_roger"}, default="satterthwaite"
        Of the repeated-measures model.
    covariance_by_arm : bool, default=True
        Each arm's visits have a covariance of their own in the repeated-measures model; false:
        all arms share one.
    n_bootstraps : int, default=2000
        Bootstrap samples of people behind Levakov's outcome.
    strict_fd_mm : float, default=0.2
        Mean framewise displacement above which a scan is left out of the sensitivity row "scans
        of little motion".
    outliers : {"kept", "beyond_2_sd_dropped"}, default="kept"
        "beyond_2_sd_dropped" adds a row as the LISA group does it: gaps beyond 2 SD of their arm
        and visit dropped. An exclusion by outcome after randomisation: it rejects a true null in
        about 7 % of trials instead of 5 %; no other row is changed by it.
    contrasts : tuple of ContrastOptions, default=()
        Named linear contrasts beside those with control. The ready-made ones are done in any
        case, exploratory; naming one here changes its family or gives it a margin.
    arm_factors : dict of str to dict, default={}
        Arm -> factor -> level (``HRT: {load: heavy, setting: supervised}``): what arms differ in.
        A contrast of arms that differ in more than one factor says so; a full factorial has its
        margins.
    moderators : tuple of ModeratorOptions, default=()
        Baseline variables whose interaction with arm is estimated, exploratory.
    randomization : RandomizationOptions
        Allocation scheme.
    dose : DoseOptions or None, default=None
        Trend over arms, dose within arms and complier effects; needs `dose_column`. None: not
        asked for.
    local : LocalOptions or None, default=None
        Change of connectivity by region; None: not asked for.
    association : AssociationOptions or None, default=None
        Change with change in measured outcomes; None: not asked for.
    networks : NetworkOptions or None, default=None
        Networks side by side, and whole brain against networks; None: not asked for.
    missing : MissingDataOptions or None, default=None
        Reference-based imputation and weighted completers; None: not asked for (who is missing,
        and the tipping point, are shown in any case).
    estimand : EstimandOptions
        What is estimated.

    Examples
    --------
    >>> examples.trial_options().arms
    ('CON', 'MIT', 'HRT')
    >>> ba.TrialOptions(
    ...     arms=["control", "exercise"],
    ...     control_arm="control",
    ...     visits=[
    ...         {"session_id": "pre", "label": "baseline", "nominal_years": 0},
    ...         {"session_id": "post", "label": "1 year", "nominal_years": 1},
    ...     ],
    ...     primary_visit="1 year",
    ... ).primary_visit
    '1 year'
    """

    arms: Listed[str]
    control_arm: str
    visits: Listed[VisitOptions]
    primary_visit: str
    primary_arm: str | None = None
    arm_column: str = "arm"
    participant_column: str = "participant_id"
    strata: Listed[str] = ()
    covariates: Listed[str] = ()
    score_covariates: Listed[Literal["sex", "site"]] = ("sex", "site")
    dose_column: str | None = None
    per_protocol_min_dose: float = Field(default=0.0, ge=0)
    outcome: Literal["gap_corrected_years", "gap_years"] = "gap_corrected_years"
    style: Literal["recommended", "lisa_like", "levakov2023"] = "recommended"
    multiplicity: Literal["holm", "dunnett", "none"] = "holm"
    within_arm_multiplicity: Literal["benjamini_hochberg", "holm", "none"] = "benjamini_hochberg"
    degrees_of_freedom: Literal["satterthwaite", "kenward_roger"] = "satterthwaite"
    covariance_by_arm: bool = True
    n_bootstraps: int = Field(default=2000, ge=200)
    strict_fd_mm: float = Field(default=0.2, gt=0)
    outliers: Literal["kept", "beyond_2_sd_dropped"] = "kept"
    contrasts: Listed[ContrastOptions] = ()
    arm_factors: dict[str, dict[str, str]] = {}
    moderators: Listed[ModeratorOptions] = ()
    randomization: RandomizationOptions = RandomizationOptions()
    dose: DoseOptions | None = None
    local: LocalOptions | None = None
    association: AssociationOptions | None = None
    networks: NetworkOptions | None = None
    missing: MissingDataOptions | None = None
    estimand: EstimandOptions = EstimandOptions()

    @property
    def analysis_options(self) -> tuple[AnalysisOptions, ...]:
        """The choices of the analyses that have choices of their own and are asked for."""
        values = [getattr(self, name) for name in type(self).model_fields]
        listed = [each for value in values for each in _as_list(value)]
        return tuple(each for each in listed if isinstance(each, AnalysisOptions))

    @property
    def allocation_columns(self) -> tuple[str, ...]:
        """Columns of the allocation table that are read beside participant and arm."""
        dose = (self.dose_column,) if self.dose_column else ()
        own = [name for each in self.analysis_options for name in each.allocation_columns]
        return tuple(dict.fromkeys((*self.strata, *self.covariates, *dose, *own)))

    @property
    def outcome_columns(self) -> tuple[str, ...]:
        """Columns of the outcome table (paths.outcomes) that some analysis reads."""
        own = [name for each in self.analysis_options for name in each.outcome_columns]
        return tuple(dict.fromkeys(own))

    @property
    def estimand_in_words(self) -> dict:
        """The estimand with its variable named as the outcome is."""
        words = self.estimand.model_dump(mode="json")
        corrected = "corrected" if self.outcome == "gap_corrected_years" else "uncorrected"
        default = f"change from baseline in the {corrected} brain-age gap at the primary visit"
        return words | {"variable": self.estimand.variable or default}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = _arm_problems(self) + _visit_problems(self) + _column_problems(self)
        problems += _contrast_problems(self)
        if self.per_protocol_min_dose > 0 and self.dose_column is None:
            problems.append("dose_column, since per_protocol_min_dose is given")
        if self.dose is not None and self.dose_column is None:
            problems.append("dose_column, since dose is given")
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _as_list(value: object) -> tuple:
    return value if isinstance(value, tuple) else (value,)


def _arm_problems(options: TrialOptions) -> list[str]:
    problems = []
    if len(options.arms) < 2 or len(set(options.arms)) < len(options.arms):
        problems.append(f"two or more different arms (found arms {list(options.arms)})")
    elif options.control_arm != options.arms[0]:
        problems.append(
            f"the control arm first in arms (found control_arm "
            f"'{options.control_arm}' and arms {list(options.arms)})"
        )
    if options.primary_arm is not None and options.primary_arm not in options.arms[1:]:
        problems.append(
            f"primary_arm among the active arms {list(options.arms[1:])} (found "
            f"'{options.primary_arm}')"
        )
    return problems


def _contrast_problems(options: TrialOptions) -> list[str]:
    labels = [visit.label for visit in options.visits[1:]]
    problems = []
    for each in options.contrasts:
        of_arms, of_visits = ("arm", each.arms, options.arms), ("visit", each.visits, labels)
        for kind, weights, known in (of_arms, of_visits):
            problems += [
                f"contrast '{each.name}': {kind} '{name}' among {list(known)}"
                + did_you_mean(name, known)
                for name in weights
                if name not in known
            ]
    for what, names in (
        ("contrasts", [each.name for each in options.contrasts]),
        ("moderators", [each.variable for each in options.moderators]),
    ):
        if len(set(names)) < len(names):
            problems.append(f"{what} with different names (found {names})")
    problems += [
        f"arm_factors for arms among {list(options.arms)} (found '{arm}')"
        for arm in options.arm_factors
        if arm not in options.arms
    ]
    return problems


def _column_problems(options: TrialOptions) -> list[str]:
    problems = []
    taken = [name for name in (*options.strata, *options.covariates) if name in _OWN_COLUMNS]
    if taken:
        problems.append(
            "strata and covariates called otherwise than the trial's own columns "
            "(paths.allocation_columns gives a column of the table another name; "
            f"found '{taken[0]}')"
        )
    if options.randomization.scheme == "stratified_blocks" and not options.strata:
        problems.append("the strata of the scheme stratified_blocks (found none)")
    return problems


def _visit_problems(options: TrialOptions) -> list[str]:
    labels = [visit.label for visit in options.visits]
    sessions = [visit.session_id for visit in options.visits]
    years = [visit.nominal_years for visit in options.visits]
    problems = []
    if len(labels) < 2 or len(set(labels)) < len(labels) or len(set(sessions)) < len(sessions):
        problems.append(
            "a baseline and one later visit at least, each with its own label and "
            f"session_id (found labels {labels}, sessions {sessions})"
        )
    elif any(later <= earlier for earlier, later in zip(years, years[1:], strict=False)):
        problems.append(f"visits in order of nominal_years (found {years})")
    if options.primary_visit not in labels[1:]:
        problems.append(
            f"primary_visit among the later visits {labels[1:]} (found '{options.primary_visit}')"
        )
    return problems
