"""Rows of the headline analysis become families: adjusted together, and marked as planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from brainage.trial.analyses.record import AnalysisResult
from brainage.trial.analyses.repeated_measures import contrast_correlation
from brainage.trial.design.join import TrialDesign
from brainage.trial.models.mmrm_fit import MmrmFit
from brainage.trial.models.multiplicity import adjust, benjamini_hochberg, dunnett
from brainage.trial.plan.labelling import Labels
from brainage.trial.plan.plan import Plan
from brainage.trial.results.contrasts import AVERAGE, Contrast, contrast_table
from brainage.trial.results.schemas import DELTAS


@dataclass(frozen=True)
class NetworkResult:
    """The headline analysis of one network.

    Parameters
    ----------
    labels : Labels
        Of its rows.
    model : AnalysisResult
        The headline analysis.
    within : DataFrame
        Paired tests of change within each arm, from `within_arm_changes`.
    paired : tuple of Contrast
        The same as rows, for headlines without changes of their own.
    """

    labels: Labels
    model: AnalysisResult
    within: pd.DataFrame = field(repr=False)
    paired: tuple[Contrast, ...] = field(repr=False)

    @property
    def contrasts(self) -> list[Contrast]:
        """The headline's contrasts between arms, labelled."""
        return [self.labels.contrast(row) for row in self.model.contrasts]

    @property
    def deltas(self) -> list[Contrast]:
        """The headline's changes within arms, or the paired tests, labelled."""
        own = [self.labels.contrast(row) for row in self.model.deltas]
        return own or list(self.paired)


def adjusted_contrasts(
    networks: list[NetworkResult],
    design: TrialDesign,
    plan: Plan | None,
    *,
    secondary: Sequence[float] = (),
) -> tuple[pd.DataFrame, list[str], list[float]]:
    """Return every between-arm row, primary first; networks adjusted over networks.

    Parameters
    ----------
    networks : list of NetworkResult
        The whole brain first.
    design : TrialDesign
        Names the primary contrast.
    plan : Plan or None
        In force.
    secondary : sequence of float, default=()
        p-values of the named contrasts that are members of the family.

    Returns
    -------
    table : DataFrame
        Schema `CONTRASTS`.
    notes : list of str
        What could not be adjusted as asked.
    adjusted : list of float
        Those of `secondary`.
    """
    rows, notes, adjusted = _confirmatory(networks[0], design, list(secondary))
    rows = [
        replace(
            row,
            prespecified=row.prespecified
            and adjusted_as_planned(plan, design, "primary" if row.primary else "contrasts"),
        )
        for row in rows
    ]
    tables = [contrast_table(rows)]
    if len(networks) > 1:
        local = contrast_table([row for each in networks[1:] for row in each.contrasts])
        family = local.groupby(["arm", "visit"], sort=False)["p_value"]
        alike = adjusted_as_planned(plan, design, "networks")
        tables.append(
            local.assign(
                p_adjusted=family.transform(benjamini_hochberg),
                prespecified=local["prespecified"] & alike,
            )
        )
    return pd.concat(tables, ignore_index=True), notes, adjusted


def adjusted_as_planned(plan: Plan | None, design: TrialDesign, family: str) -> bool:
    """Return whether a family's p-values are adjusted as the plan in force says."""
    return plan is not None and plan.adjusts_alike(family, design.options)


def _confirmatory(
    first: NetworkResult, design: TrialDesign, secondary: list[float]
) -> tuple[list[Contrast], list[str], list[float]]:
    """Mark the primary contrast and adjust the others, and the secondary ones, as one family."""
    wanted = (design.primary_arm, design.primary_visit)
    rows = [replace(row, primary=(row.arm, row.visit) == wanted) for row in first.contrasts]
    rows.sort(key=lambda row: not row.primary)
    method: str = design.options.multiplicity
    notes: list[str] = []
    if method == "dunnett" and first.model.fit is None:
        method = "holm"
        notes.append("Dunnett needs the repeated-measures model; Holm was used instead")
    fit = first.model.fit
    if method == "dunnett" and fit is not None:
        # Dunnett's family is arms against one control: the named ones are adjusted by Holm.
        adjusted = _dunnett_by_visit(rows, fit, design)
        of_named = [float(p) for p in adjust(secondary, "holm")]
    else:
        family = adjust([*(row.p_value for row in rows[1:]), *secondary], method)
        adjusted = {(row.arm, row.visit): p for row, p in zip(rows[1:], family, strict=False)}
        of_named = [float(p) for p in family[len(rows) - 1 :]]
    rows = [
        replace(row, p_adjusted=float(row.p_value if row.primary else adjusted[row.arm, row.visit]))
        for row in rows
    ]
    return rows, notes, of_named


def _dunnett_by_visit(
    rows: list[Contrast], fit: MmrmFit, design: TrialDesign
) -> dict[tuple[str, str], float]:
    adjusted: dict[tuple[str, str], float] = {}
    for visit in dict.fromkeys(row.visit for row in rows):
        here = {row.arm: row for row in rows if row.visit == visit}
        arms = design.active_arms
        p_values = dunnett(
            [here[arm].statistic for arm in arms],
            contrast_correlation(fit, arms, None if visit == AVERAGE else visit),
            df=min(here[arm].df for arm in arms),
        )
        adjusted |= {(arm, visit): p for arm, p in zip(arms, p_values, strict=True)}
    return adjusted


def arm_deltas(
    networks: list[NetworkResult], design: TrialDesign, plan: Plan | None
) -> pd.DataFrame:
    """Return within-arm changes: the headline analysis's estimate beside the plain paired one.

    Parameters
    ----------
    networks : list of NetworkResult
        The whole brain first.
    design : TrialDesign
        How within-arm tests are adjusted.
    plan : Plan or None
        In force.

    Returns
    -------
    table : DataFrame
        Schema `DELTAS`.
    """
    tables = [_deltas_of(each) for each in networks]
    method = design.options.within_arm_multiplicity
    whole = tables[0].assign(
        p_adjusted=adjust(tables[0]["p_value"], method),
        paired_p_adjusted=adjust(tables[0]["paired_p_value"], method),
    )
    parts = [whole]
    if len(tables) > 1:
        local = pd.concat(tables[1:], ignore_index=True)
        family = local.groupby(["arm", "visit"], sort=False)
        parts.append(
            local.assign(
                p_adjusted=family["p_value"].transform(lambda p: adjust(p, method)),
                paired_p_adjusted=family["paired_p_value"].transform(lambda p: adjust(p, method)),
            )
        )
    deltas = pd.concat(parts, ignore_index=True)[list(DELTAS.names)]
    alike = adjusted_as_planned(plan, design, "deltas")
    return deltas.assign(prespecified=deltas["prespecified"] & alike)


def _deltas_of(network: NetworkResult) -> pd.DataFrame:
    paired = network.within.rename(
        columns={
            "n": "n_paired",
            "df": "paired_df",
            "statistic": "paired_statistic",
            "p_value": "paired_p_value",
        }
    ).drop(columns="se_years")
    own = contrast_table(network.deltas)
    # What only the paired tests know is theirs; everything else is the headline's.
    shared = [name for name in own if name in DELTAS.names]
    return paired.merge(own[shared], on=["arm", "visit"])
