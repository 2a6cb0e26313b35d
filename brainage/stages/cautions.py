"""What speaks against a clock's views in a trial, said before anything is trained."""

from __future__ import annotations

import pandas as pd

from brainage.config import StudyConfig
from brainage.connectivity import KINDS
from brainage.stages.cohorts import COHORTS, cohort_paths
from brainage.wording import listed

#: Views that carry more of a scanner than any other does.
_OF_SCANNER = "amplitude"


def clock_cautions(study: StudyConfig, trial: pd.DataFrame | None) -> list[str]:
    """Say what a clock of these views may read into a trial.

    Parameters
    ----------
    study : StudyConfig
        Whose ``science.clock.views``.
    trial : DataFrame or None
        participant_id and, where it is known, scanner of each session; None: there is no trial.

    Returns
    -------
    lines : list of str
        Empty for a clock on Fisher z.

    Examples
    --------
    >>> from brainage.config import load_study
    >>> clock_cautions(load_study("fisher_z_ridge"), None)
    []
    >>> len(clock_cautions(load_study("recommended"), None))
    2
    """
    views = study.science.clock.views
    lines = []
    if any(_shrinks_by_a_fixed_weight(view) for view in views):
        of_matrices = any(cohort_paths(study, cohort).matrices for cohort in COHORTS)
        measured = (
            "of matrices nobody can measure by how much; where scans differ in length, prefer "
            "extends: fisher_z_ridge"
            if of_matrices
            else "`train` measures by how much; science.clock.half_scans can lower it, so compare "
            "the length curves with and without"
        )
        lines.append(f"logarithms among the views move with scan length: {measured}")
    if _OF_SCANNER in views:
        changed = _people_whose_scanner_changes(trial)
        found = f"; it does for {listed(changed)}" if changed else ""
        lines.append(
            "amplitude among the views also carries vascular and scanner differences: where the "
            f"scanner changes between visits, prefer extends: fisher_z_ridge{found}"
        )
    return lines


def _shrinks_by_a_fixed_weight(view: str) -> bool:
    return view in KINDS and not isinstance(KINDS[view].shrinkage, str)


def _people_whose_scanner_changes(trial: pd.DataFrame | None) -> list[str]:
    if trial is None or "scanner" not in trial:
        return []
    scanners = trial.groupby("participant_id")["scanner"].nunique()
    return list(scanners.index[scanners > 1])
