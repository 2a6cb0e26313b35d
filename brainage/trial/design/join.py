"""The trial's design, and scores meeting it: one row a person, visit and network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.showing import Shown
from brainage.tables import SCORES, check_table, complete_scores, refuse_unfit_scores
from brainage.trial.design.allocation import check_allocation
from brainage.trial.design.allocation_schemes import check_replayed
from brainage.trial.design.timing import with_years
from brainage.trial.design.visit_dates import check_dates
from brainage.trial.options import TrialOptions, VisitOptions


@dataclass(frozen=True, repr=False)
class TrialDesign(Shown):
    """Arms, visits, and who was randomised to what.

    Parameters
    ----------
    options : TrialOptions
        The plan's choices.
    allocation : DataFrame
        One row a randomised person, in order of randomisation: participant_id, arm, strata.
    dates : DataFrame or None, default=None
        participant_id, session_id, scan_date; None: time since baseline is from ages at scan.
    replayed : ndarray of str of shape (n_draws, n_randomised) or None, default=None
        Allocations replayed by the trial's own program, in the order of `allocation`; the
        re-randomisation test then draws these.

    Examples
    --------
    >>> design = ba.TrialDesign.from_options(examples.trial_options(), examples.allocation())
    >>> design.control_arm, design.active_arms, design.primary_visit
    ('CON', ('MIT', 'HRT'), '1 year')
    """

    options: TrialOptions
    allocation: pd.DataFrame = field(repr=False)
    dates: pd.DataFrame | None = field(default=None, repr=False)
    replayed: np.ndarray | None = field(default=None, repr=False)

    @classmethod
    def from_options(
        cls,
        options: TrialOptions,
        allocation: pd.DataFrame,
        *,
        dates: pd.DataFrame | None = None,
        replayed: np.ndarray | None = None,
    ) -> TrialDesign:
        """Make a design of checked choices and an allocation.

        Parameters
        ----------
        options : TrialOptions
            Arms, visits, strata.
        allocation : DataFrame
            From `read_allocation`, or made in Python with the same columns.
        dates : DataFrame, optional
            From `read_visit_dates`, or made in Python with the same columns.
        replayed : ndarray of str, optional
            From `read_replayed`.

        Raises
        ------
        DesignError
            A participant in two arms, unknown arms, an arm without people, a session with two
            dates, replayed allocations of other people or arms.
        """
        checked = check_allocation(allocation, options).reset_index(drop=True)
        if dates is not None:
            dates = check_dates(dates)
        if replayed is not None:
            replayed = check_replayed(replayed, checked, options.arms)
        return cls(options, checked, dates, replayed)

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm, control first."""
        return self.options.arms

    @property
    def control_arm(self) -> str:
        """The arm the others are compared with."""
        return self.options.control_arm

    @property
    def active_arms(self) -> tuple[str, ...]:
        """Every arm but control, in order of dose."""
        return self.options.arms[1:]

    @property
    def primary_arm(self) -> str:
        """Arm of the primary contrast: the one named, or the highest in order."""
        return self.options.primary_arm or self.options.arms[-1]

    @property
    def visits(self) -> tuple[VisitOptions, ...]:
        """Planned visits, baseline first."""
        return self.options.visits

    @property
    def baseline(self) -> str:
        """Label of the baseline visit."""
        return self.options.visits[0].label

    @property
    def later_visits(self) -> tuple[str, ...]:
        """Labels of the visits after baseline, in order of time."""
        return tuple(visit.label for visit in self.options.visits[1:])

    @property
    def primary_visit(self) -> str:
        """Label of the visit of the primary contrast."""
        return self.options.primary_visit


@dataclass(frozen=True)
class TrialData:
    """Scores with their visit and arm.

    Parameters
    ----------
    scans : DataFrame
        The scores of randomised people at planned visits, with arm, visit, years (actual, since
        the person's baseline, by dates or ages; NaN without one) and timed_by.
    changes : DataFrame
        One row a person, later visit and network with both scores: participant_id, arm, visit,
        network, years, baseline_gap, gap, change (years, of the outcome), baseline_age, sex,
        site, fd_mm, baseline_fd_mm, same_scanner, and the strata and covariates.
    notes : tuple of str
        What was not used and why, to print.
    """

    scans: pd.DataFrame = field(repr=False)
    changes: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()


def hash_scores(scores: pd.DataFrame) -> str:
    """Return a hash of a score table's content, the same for any order of rows and columns.

    Parameters
    ----------
    scores : DataFrame
        Schema `brainage.tables.SCORES`; other columns are not read.

    Returns
    -------
    digest : str
        64 hexadecimal digits of the SHA-256.

    Examples
    --------
    >>> scores = examples.scores()
    >>> hash_scores(scores) == hash_scores(scores.sample(frac=1, random_state=0))
    True
    """
    names = [name for name in SCORES.names if name in scores]
    ordered = scores[names].sort_values(
        [name for name in SCORES.key if name in names], kind="stable"
    )
    lines = ["\t".join(names)]
    lines += ["\t".join(_cell(value) for value in row) for row in ordered.itertuples(index=False)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def outcome_in_scores(options: TrialOptions, columns: Iterable[str]) -> TrialOptions:
    """Return the options with the outcome that a scores table made elsewhere holds.

    Parameters
    ----------
    options : TrialOptions
        Where `outcome` was named, the scores must have it; where it was left to its default and
        they have the other gap alone, that one is analysed.
    columns : iterable of str
        Of the scores, completed (`brainage.tables.complete_scores`) or not.

    Returns
    -------
    options : TrialOptions
        The same where nothing has to change.

    Raises
    ------
    DesignError
        The outcome that was named is not among the scores.

    Examples
    --------
    >>> options = outcome_in_scores(examples.trial_options(), ["participant_id", "gap_years"])
    >>> options.outcome
    'gap_years'
    """
    there = set(columns)
    if "predicted_age_years" in there:
        there.add("gap_years")
    if options.outcome in there:
        return options
    others = [name for name in ("gap_corrected_years", "gap_years") if name in there]
    if "outcome" in options.model_fields_set or not others:
        raise DesignError(
            f"scores: expected a column {options.outcome} (science.trial.outcome), found "
            f"{', '.join(others) or 'no gap and no predicted age'}."
            + (f" Set science.trial.outcome: {others[0]}." if others else "")
        )
    return options.model_copy(update={"outcome": others[0]})


def join_scores(scores: pd.DataFrame, design: TrialDesign, *, outcome: str) -> TrialData:
    """Give each score its visit and arm.

    Sessions that are no planned visit and people who were not randomised are left out and
    counted. A person without a baseline score has no change; their later scans stay in `scans`.

    Parameters
    ----------
    scores : DataFrame
        Schema `brainage.tables.SCORES`.
    design : TrialDesign
        Visits and arms.
    outcome : {"gap_corrected_years", "gap_years"}
        Column that the changes are taken of; a gap follows from a predicted age.

    Returns
    -------
    data : TrialData

    Raises
    ------
    TableError
        Repeated rows, absent columns, predicted ages that no brain has.
    DesignError
        An arm column among the scores, nobody scored who was randomised, ages or dates that go
        backwards between visits, a visit with people of one arm only, a constant outcome.
    """
    if design.options.arm_column in scores or "arm" in scores:
        raise DesignError(
            "scores: found an arm column; scores are made without knowledge of arm. "
            "Leave it out: the allocation gives the arm."
        )
    scores = _without_prefixes(scores)
    if outcome not in scores:
        raise DesignError(f"scores: expected a column {outcome}, found none.")
    if "predicted_age_years" not in scores:
        scores = scores.assign(predicted_age_years=np.nan)
    visits = {visit.session_id: visit.label for visit in design.visits}
    arms = design.allocation.set_index("participant_id")["arm"]
    scans = scores.assign(
        visit=scores["session_id"].map(visits), arm=scores["participant_id"].map(arms)
    )
    notes = _unused(scans, visits)
    scans = scans[scans["visit"].notna() & scans["arm"].notna()]
    _refuse_nothing(scans, scores, design)
    refuse_unfit_scores(scans)
    scans, more = with_years(scans, design.visits, design.dates)
    notes += more
    _check_visits(scans, design, outcome)
    changes, more = _changes(scans, design, outcome)
    return TrialData(scans.reset_index(drop=True), changes, (*notes, *more))


def _without_prefixes(scores: pd.DataFrame) -> pd.DataFrame:
    check_table(scores, SCORES, where="scores")
    scores = complete_scores(scores)
    bare = scores.assign(
        participant_id=scores["participant_id"].str.removeprefix("sub-"),
        session_id=scores["session_id"].str.removeprefix("ses-"),
    )
    # sub-01 and 01 are one person.
    check_table(bare, SCORES, where="scores, ids without prefixes")
    return bare


def _cell(value: object) -> str:
    if value is None or value != value:
        return "n/a"
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return str(value)


def _unused(scans: pd.DataFrame, visits: dict[str, str]) -> list[str]:
    notes = []
    extra = scans[scans["visit"].isna()].drop_duplicates(["participant_id", "session_id"])
    if len(extra):
        sessions = ", ".join(sorted(extra["session_id"].unique())[:8])
        notes.append(
            f"{len(extra)} scan(s) at sessions that are no planned visit were not used "
            f"({sessions}); planned: {', '.join(visits)}"
        )
    strange = scans.loc[scans["arm"].isna(), "participant_id"].unique()
    if len(strange):
        notes.append(
            f"{len(strange)} scanned participant(s) are not in the allocation and were "
            f"not used: {', '.join(strange[:8])}"
        )
    return notes


def _refuse_nothing(scans: pd.DataFrame, scores: pd.DataFrame, design: TrialDesign) -> None:
    if len(scans):
        return
    raise DesignError(
        "scores and allocation: no score belongs to a randomised participant at a planned visit. "
        f"Scores have participants such as {list(scores['participant_id'].unique()[:3])} and "
        f"sessions {sorted(scores['session_id'].unique())[:5]}; the allocation has "
        f"{list(design.allocation['participant_id'][:3])} and the plan the sessions "
        f"{[visit.session_id for visit in design.visits]}."
    )


def _check_visits(scans: pd.DataFrame, design: TrialDesign, outcome: str) -> None:
    for label in (design.baseline, *design.later_visits):
        found = set(scans.loc[scans["visit"] == label, "arm"])
        if len(found) < len(design.arms):
            lacking = [arm for arm in design.arms if arm not in found]
            raise DesignError(
                f"visit '{label}': no scored participant of {', '.join(lacking)} "
                f"(scored: {', '.join(sorted(found)) or 'nobody'}). A visit needs "
                "every arm; leave the visit out of science.trial.visits, or the "
                "arm out of science.trial.arms and its people out of the "
                "allocation."
            )
    for (network, label), rows in scans.groupby(["network", "visit"], sort=False):
        values = rows[outcome].to_numpy(dtype=float)
        if np.ptp(values) <= 1e-12 * max(1.0, np.abs(values).max()):
            raise DesignError(
                f"{outcome} of {network} at {label}: constant ({values[0]:g} in all "
                f"{len(values)} scores); there is nothing to compare. Check the "
                "clock and its scores."
            )


def _changes(
    scans: pd.DataFrame, design: TrialDesign, outcome: str
) -> tuple[pd.DataFrame, list[str]]:
    key = ["network", "participant_id"]
    scans = scans if "scanner" in scans else scans.assign(scanner=None)
    columns = {
        outcome: "baseline_gap",
        "age_years": "baseline_age",
        "mean_fd_mm": "baseline_fd_mm",
        "predicted_age_years": "baseline_predicted_years",
        "scanner": "baseline_scanner",
        "sex": "sex",
        "site": "site",
    }
    first = scans.loc[scans["visit"] == design.baseline, [*key, *columns]].rename(columns=columns)
    later = scans.loc[
        scans["visit"] != design.baseline,
        [
            *key,
            "session_id",
            "arm",
            "visit",
            "years",
            "age_years",
            "mean_fd_mm",
            "scanner",
            "predicted_age_years",
            outcome,
        ],
    ].rename(columns={outcome: "gap", "mean_fd_mm": "fd_mm"})
    changes = later.merge(first, on=key, how="left", indicator="_from")
    lost = changes.loc[changes["_from"] == "left_only", "participant_id"].nunique()
    changes = changes[changes["_from"] == "both"].drop(columns="_from").reset_index(drop=True)
    extra = [*dict.fromkeys((*design.options.strata, *design.options.covariates))]
    if extra:
        # The allocation's word counts where the scores have a column of the same name (sex).
        person = design.allocation[["participant_id", *extra]]
        changes = changes.drop(columns=extra, errors="ignore")
        changes = changes.merge(person, on="participant_id", how="left")
    known = changes["scanner"].notna() & changes["baseline_scanner"].notna()
    same = (changes["scanner"] == changes["baseline_scanner"]) | ~known
    changes = changes.assign(change=changes["gap"] - changes["baseline_gap"], same_scanner=same)
    notes = []
    if lost:
        notes.append(
            f"{lost} participant(s) have a later scan but no baseline score: they have no "
            "change from baseline and are only in the constrained model"
        )
    still = int((changes["years"] <= 0).sum())
    if still:
        notes.append(
            f"{still} score row(s) at a later visit have the age or date of baseline "
            "(ages rounded, or not brought up to date?): no time passed between the two "
            "scans, and the gap lacks what did"
        )
    return changes, notes
