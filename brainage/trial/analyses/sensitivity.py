"""The same contrasts by other means: each row says what differs from the main analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.trial.analyses.levakov import LevakovOutcome
from brainage.trial.analyses.planned import (
    CROSSED,
    FittedModel,
    ancova_analysis,
    baseline_covariates,
    change_score_analysis,
    constrained_analysis,
    levakov_rows,
    mmrm_analysis,
    model_data,
)
from brainage.trial.analyses.rerandomize import rerandomization_test
from brainage.trial.design.join import TrialData, TrialDesign, join_scores
from brainage.trial.design.sets import INTENTION_TO_TREAT, AnalysisSet
from brainage.trial.models.lsmeans import Estimate
from brainage.trial.notes import grouped_notes
from brainage.trial.plan.labelling import Labels
from brainage.trial.results.contrasts import SENSITIVITY, contrast_table

#: Least range of a covariate that is worth adjusting for, in its own unit.
_VARIES = 1e-6


@dataclass(frozen=True)
class MainNetwork:
    """The scores of the main network with everything the sensitivity analyses need.

    Parameters
    ----------
    scores : DataFrame
        As given, for other outcomes.
    data : TrialData
        Joined to the design.
    changes : DataFrame
        Of the main network.
    sets : dict of str to AnalysisSet
        Analysis sets.
    levakov : LevakovOutcome or None
        Expected minus observed; None: could not be computed.
    no_levakov_because : str
        Why not.
    """

    scores: pd.DataFrame = field(repr=False)
    data: TrialData = field(repr=False)
    changes: pd.DataFrame = field(repr=False)
    sets: dict[str, AnalysisSet] = field(repr=False)
    levakov: LevakovOutcome | None = field(repr=False)
    no_levakov_because: str


def sensitivity_analyses(
    main: MainNetwork, design: TrialDesign, labels: Labels, *, seed: int
) -> tuple[pd.DataFrame, list[tuple[str, FittedModel]], list[str]]:
    """Repeat the contrasts by other means.

    An analysis that cannot be done (too few completers, minimisation) is named in the notes with
    its reason; it does not stop the others.

    Parameters
    ----------
    main : MainNetwork
        Scores of the main network.
    design : TrialDesign
        Arms, visits, covariates.
    labels : Labels
        Of the main analysis.
    seed : int
        Of the re-randomisation.

    Returns
    -------
    table : DataFrame
        Schema `SENSITIVITY`.
    models : list of (str, FittedModel)
        Name and model of each analysis done.
    notes : list of str
        What was not done, and what the tests state of themselves.
    """
    done, notes = [], []
    for name, analyse in _analyses(main, design, labels, seed):
        try:
            done.append((name, analyse()))
        except DesignError as error:
            notes.append(f"sensitivity analysis '{name}' was not done: {error}")
    tables = [
        contrast_table((*model.contrasts, *model.deltas)).assign(analysis=name)
        for name, model in done
    ]
    table = pd.concat(tables, ignore_index=True)[list(SENSITIVITY.names)]
    notes += grouped_notes((name, note) for name, model in done for note in model.notes)
    return table, done, notes


def _analyses(
    main: MainNetwork, design: TrialDesign, labels: Labels, seed: int
) -> Iterator[tuple[str, Callable[[], FittedModel]]]:
    changes, options = main.changes, design.options

    def named(analysis: str) -> Labels:
        return replace(labels, analysis=analysis)

    if labels.analysis != "mmrm":
        yield "mmrm", lambda: mmrm_analysis(changes, design, named("mmrm"))
    if labels.outcome != "gap_years":
        yield "uncorrected gap", lambda: _uncorrected(main, design, named("uncorrected"))
    if labels.analysis != "change_scores":
        yield (
            "change scores",
            lambda: change_score_analysis(changes, design, named("change_scores")),
        )
    yield "ancova per visit", lambda: ancova_analysis(changes, design, named("ancova"))
    everyone = main.sets[INTENTION_TO_TREAT].participants
    yield (
        "constrained longitudinal form",
        lambda: constrained_analysis(
            main.data, design, named("constrained"), participants=everyone
        ),
    )
    other = {"satterthwaite": "kenward_roger", "kenward_roger": "satterthwaite"}[
        options.degrees_of_freedom
    ]
    yield (
        f"{other} degrees of freedom",
        lambda: _between(
            mmrm_analysis(
                changes, design, named("other_degrees_of_freedom"), degrees_of_freedom=other
            )
        ),
    )
    by_arm = not options.covariance_by_arm
    yield (
        f"covariance {'per arm' if by_arm else 'common to all arms'}",
        lambda: _between(
            mmrm_analysis(changes, design, named("other_covariance"), covariance_by_arm=by_arm)
        ),
    )
    for each in main.sets.values():
        if each.name != INTENTION_TO_TREAT:
            own = replace(named(each.name), analysis_set=each.name)
            yield (
                each.name.replace("_", " "),
                lambda each=each, own=own: _between(mmrm_analysis(each.of(changes), design, own)),
            )
    for analysis, name, data, extra in _adjustments(changes, design):
        yield (
            name,
            lambda a=analysis, data=data, extra=extra: _adjusted(
                data, len(changes), design, named(a), extra
            ),
        )
    if labels.analysis != "levakov":
        yield "levakov", lambda: _levakov(main, design, named("levakov"))
    yield "re-randomisation", lambda: _rerandomized(changes, design, named("rerandomization"), seed)


def _levakov(main: MainNetwork, design: TrialDesign, labels: Labels) -> FittedModel:
    if main.levakov is None:
        raise DesignError(main.no_levakov_because)
    return levakov_rows(main.levakov, design, labels)


def _between(model: FittedModel) -> FittedModel:
    """Keep the contrasts between arms only: the variant says little new within an arm."""
    return replace(model, deltas=())


def _adjusted(
    known: pd.DataFrame, n_all: int, design: TrialDesign, labels: Labels, extra: tuple[str, ...]
) -> FittedModel:
    """Fit the model with covariates that are known for these of all changes."""
    if len(known) <= n_all / 2:
        raise DesignError(f"{' and '.join(extra)}: known for {len(known)} of {n_all} changes.")
    if (np.ptp(known[list(extra)].to_numpy(dtype=float), axis=0) < _VARIES).all():
        raise DesignError(f"{' and '.join(extra)}: the same in all {len(known)} changes.")
    return _between(mmrm_analysis(known, design, labels, extra_covariates=extra))


def _uncorrected(main: MainNetwork, design: TrialDesign, labels: Labels) -> FittedModel:
    network = main.changes["network"].iloc[0]
    scores = main.scores[main.scores["network"] == network]
    data = join_scores(scores, design, outcome="gap_years")
    return mmrm_analysis(data.changes, design, replace(labels, outcome="gap_years"))


def _adjustments(
    changes: pd.DataFrame, design: TrialDesign
) -> Iterator[tuple[str, str, pd.DataFrame, tuple[str, ...]]]:
    """Yield models with covariates measured after randomisation; none belongs in the main one."""
    motion = ("fd_mm", "baseline_fd_mm")
    known = changes[list(motion)].notna().all(axis=1)
    words = "" if known.all() else " (scans with motion)"
    yield "motion", f"adjusted for motion{words}", changes[known], motion
    nominal = changes["visit"].map({v.label: v.nominal_years for v in design.visits})
    off_plan = changes.assign(years_off_plan=changes["years"] - nominal)
    yield "interval", "adjusted for the interval (age at scan)", off_plan, ("years_off_plan",)
    if not changes["same_scanner"].all():
        moved = (~changes["same_scanner"]).astype(float)
        scanned = changes.assign(scanner_changed=moved)
        yield "scanner", "adjusted for scanner change", scanned, ("scanner_changed",)


def _rerandomized(
    changes: pd.DataFrame, design: TrialDesign, labels: Labels, seed: int
) -> FittedModel:
    scheme = design.options.randomization
    order = {label: index for index, label in enumerate(design.later_visits)}
    used = changes.iloc[changes["visit"].map(order).argsort(kind="stable")]
    if scheme.statistic == "ancova":
        used = used[used["visit"] == design.primary_visit]
    data = model_data(used, design)
    found = rerandomization_test(
        design.allocation,
        data,
        response="change",
        arm=design.primary_arm,
        control=design.control_arm,
        visit=design.primary_visit,
        covariates=baseline_covariates(data, design),
        crossed_with_visit=CROSSED,
        scheme=scheme.scheme,
        block_size=scheme.block_size,
        strata=design.options.strata,
        n_draws=scheme.n_draws,
        seed=seed,
        statistic=scheme.statistic,
        replayed=design.replayed,
        interval=True,
    )
    se = abs(found.estimate / found.statistic) if found.statistic else np.nan
    estimate = Estimate(
        found.estimate, se, np.nan, found.statistic, found.p_value, found.ci_low, found.ci_high
    )
    row = (design.primary_arm, design.control_arm, design.primary_visit)
    contrast = labels.contrast(row, estimate, n=found.n_compared, method=found.method)
    return FittedModel((contrast,), covariates=found.covariates, notes=(found.note,))
