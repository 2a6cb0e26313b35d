"""What an analysis of a trial is: one record that plan, words, report and comparison all read.

A record says what the analysis is called, which settings change its numbers, which rows it
promises, what it needs beyond the scores, and how it runs. It knows nothing of plans: whether a
row was promised is decided above, from the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from brainage.connectivity import FeatureTable
from brainage.showing import Shown
from brainage.tables import Column
from brainage.trial.design.join import TrialData, TrialDesign
from brainage.trial.design.sets import INTENTION_TO_TREAT, AnalysisSet
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.models.mmrm_fit import MmrmFit
from brainage.trial.options import TrialOptions
from brainage.trial.results.contrasts import AVERAGE, BASELINE
from brainage.trial.results.tables import ResultTable

#: What an analysis may ask for beyond the scores and the allocation.
Need = Literal["features", "outcomes", "clocks"]
#: arm, versus, visit: what the plan names of one effect.
RowName = tuple[str, str, str]


class NothingToDo(Exception):
    """The analysis does not apply to these data (nobody changed scanner); the message says why.

    Examples
    --------
    >>> str(NothingToDo("nobody changed scanner"))
    'nobody changed scanner'
    """


@dataclass(frozen=True, repr=False)
class TrialInputs(Shown):
    """What a comparison may be given beside scores and allocation.

    Parameters
    ----------
    features : FeatureTable or None, default=None
        Of the trial's scans; for analyses of connectivity itself.
    outcomes : DataFrame or None, default=None
        participant_id, session_id and measured outcomes (strength, ...), from `read_outcomes`.
    clocks : mapping of str to mapping
        Empty unless given: network -> what is known of its clock (its facts, its record of trial
        efficiency).
    coordinates : DataFrame or None, default=None
        parcel, x_mm, y_mm, z_mm: centres in MNI space, for regions by box and maps.

    Examples
    --------
    >>> more = ba.TrialInputs(features=examples.features("trial"))
    >>> more.has("features"), more.has("outcomes")
    (True, False)
    """

    features: FeatureTable | None = field(default=None, repr=False)
    outcomes: pd.DataFrame | None = field(default=None, repr=False)
    clocks: Mapping[str, Mapping] = field(default_factory=dict, repr=False)
    coordinates: pd.DataFrame | None = field(default=None, repr=False)

    def has(self, need: Need) -> bool:
        """Return whether an input is there."""
        return bool(self.clocks) if need == "clocks" else getattr(self, need) is not None


@dataclass(frozen=True, repr=False)
class AnalysisInputs(Shown):
    """What every analysis is given.

    Parameters
    ----------
    design : TrialDesign
        Arms, visits, allocation, options.
    data : TrialData
        Scores of every network joined to the design, by the design's outcome.
    scores : DataFrame
        As given, for other outcomes.
    network : str
        Whose clock: the whole brain's, or (headline analyses) each network's in turn.
    changes : DataFrame
        Changes from baseline of that network, everyone randomised.
    sets : dict of str to AnalysisSet
        Analysis sets.
    seed : int, default=0
        Of whatever is drawn.
    more : TrialInputs
        Inputs beyond scores and allocation; those the record needs are there.
    headline : AnalysisResult or None, default=None
        Of the same network, where it has run before.

    Examples
    --------
    >>> from brainage.trial.design.join import TrialData
    >>> nobody = TrialData(pd.DataFrame(), pd.DataFrame())
    >>> scores, changes = examples.scores(), pd.DataFrame()
    >>> inputs = AnalysisInputs(examples.design(), nobody, scores, "whole_brain", changes, {})
    >>> inputs.design.control_arm, inputs.seed
    ('CON', 0)
    """

    design: TrialDesign
    data: TrialData = field(repr=False)
    scores: pd.DataFrame = field(repr=False)
    network: str
    changes: pd.DataFrame = field(repr=False)
    sets: Mapping[str, AnalysisSet] = field(repr=False)
    seed: int = 0
    more: TrialInputs = TrialInputs()
    headline: AnalysisResult | None = field(default=None, repr=False)

    @property
    def scans(self) -> pd.DataFrame:
        """The network's scans with visit and arm."""
        return self.data.scans[self.data.scans["network"] == self.network]


@dataclass(frozen=True, repr=False)
class EffectRow(Shown):
    """One effect in years, before anybody asks whether it was planned.

    Parameters
    ----------
    arm, versus, visit : str
        As in `brainage.trial.Contrast`.
    found : Estimate
        Below zero: younger.
    n_model : int
        People of the row's arms that the model used, at whatever visit.
    n_at_visit : int
        Of those, people with a score at the row's visit (of an average: at any later visit).
    method : str
        One line.

    Examples
    --------
    >>> from brainage.trial.models.lsmeans import Estimate
    >>> found = Estimate(-1.4, 0.5, 60.0, -2.8, 0.007, -2.4, -0.4)
    >>> row = EffectRow("HRT", "CON", "1 year", found, 66, 60, "MMRM")
    >>> row.arm, row.found.estimate
    ('HRT', -1.4)
    """

    arm: str
    versus: str
    visit: str
    found: Estimate
    n_model: int
    n_at_visit: int
    method: str


@dataclass(frozen=True, repr=False)
class AnalysisResult(Shown):
    """What one analysis found.

    Parameters
    ----------
    contrasts, deltas : tuple of EffectRow
        Between arms; within arms against baseline.
    tables : mapping of str to DataFrame
        Name of one of the record's tables -> its rows, without plan columns.
    more_columns : mapping of str to tuple of Column
        Name of a table -> further columns that the study names (covariates).
    files : mapping of str to str
        Name of a text file -> its content (a program).
    fit : MmrmFit or None
        Behind them, for joint tests.
    covariates, notes : tuple of str
        In the model; to print.
    title : str
        In the place of the record's, where the data change it ("(scans with motion)").

    Examples
    --------
    >>> result = AnalysisResult(notes=("three people left out",))
    >>> result.notes
    ('three people left out',)
    """

    contrasts: tuple[EffectRow, ...] = ()
    deltas: tuple[EffectRow, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    more_columns: Mapping[str, tuple[Column, ...]] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    fit: MmrmFit | None = field(default=None, repr=False)
    covariates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    title: str = ""


def _always(_options: TrialOptions) -> bool:
    return True


def _no_rows(_options: TrialOptions) -> list[RowName]:
    return []


def _planned_outcome(options: TrialOptions) -> str:
    return options.outcome


@dataclass(frozen=True, repr=False)
class Analysis(Shown):
    """One analysis of a trial; `brainage.trial.analyses.planned.REGISTRY` holds them all.

    Parameters
    ----------
    key : str
        Short name, unique; in the plan and in `analyses.tsv`.
    title : callable
        Options -> how the analysis is called in tables and on the page.
    words : str
        One line for the plan and the report.
    settings : tuple of str
        Fields of `TrialOptions` that change its numbers: with another value than planned its rows
        are post hoc.
    run : callable
        AnalysisInputs -> AnalysisResult. Raises a `DesignError` where it cannot be done, and
        `NothingToDo` where there is nothing to do it for: both are listed as not run, with the
        reason, and do not stop the others.
    rows : callable
        Options -> (arm, versus, visit) of every effect it promises.
    tables : tuple of ResultTable
        Tables of its own.
    table_rows : callable
        Options -> for each promised row of a table a mapping with "table" and the values of the
        table's `planned_by` columns. Tables without `planned_by` are promised as a whole.
    needs : callable
        Options -> inputs beyond scores and allocation ("features", "outcomes", "clocks"), without
        which it is not run.
    asked : callable
        Options -> whether these choices ask for it.
    outcome : callable
        Options -> score column behind its effects.
    analysis_set : str, default="intention_to_treat"
        Whose data.
    style : str or None, default=None
        `TrialOptions.style` whose headline it is; it then runs for every network.
    after_randomisation : bool, default=False
        Uses what was measured after randomisation: its rows describe how far the contrast depends
        on that, and estimate nothing of the estimand.
    beside_headline : bool, default=False
        Runs for every network beside the headline; its rows stand in ``deltas.tsv``.

    Examples
    --------
    >>> from brainage.trial import REGISTRY
    >>> record = next(each for each in REGISTRY if each.key == "levakov")
    >>> record.key, record.settings[:1]
    ('levakov', ('n_bootstraps',))
    """

    key: str
    title: Callable[[TrialOptions], str]
    words: str
    settings: tuple[str, ...]
    run: Callable[[AnalysisInputs], AnalysisResult]
    rows: Callable[[TrialOptions], list[RowName]] = _no_rows
    tables: tuple[ResultTable, ...] = ()
    table_rows: Callable[[TrialOptions], list[dict[str, str]]] = field(default=lambda _: [])
    needs: Callable[[TrialOptions], tuple[Need, ...]] = field(default=lambda _: ())
    asked: Callable[[TrialOptions], bool] = _always
    outcome: Callable[[TrialOptions], str] = _planned_outcome
    analysis_set: str = INTENTION_TO_TREAT
    style: str | None = None
    after_randomisation: bool = False
    beside_headline: bool = False

    def table(self, name: str) -> ResultTable:
        """Return one of the record's tables by name."""
        return next(table for table in self.tables if table.name == name)


def later_visits(options: TrialOptions, *, average: bool = False) -> list[str]:
    """Return the labels of the visits after baseline, and the average over several."""
    later = [visit.label for visit in options.visits[1:]]
    return [*later, AVERAGE] if average and len(later) > 1 else later


def between_arms(options: TrialOptions, *, average: bool = False) -> list[RowName]:
    """Return every active arm against control, at every later visit."""
    return [
        (arm, options.control_arm, visit)
        for arm in options.arms[1:]
        for visit in later_visits(options, average=average)
    ]


def within_arms(options: TrialOptions) -> list[RowName]:
    """Return every arm against its baseline, at every later visit."""
    return [(arm, BASELINE, visit) for arm in options.arms for visit in later_visits(options)]
