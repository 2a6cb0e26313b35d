"""What ``--json`` holds of each stage: its results, the same whether alone or within `run`.

A long list of scans or people is the path of its table.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from brainage.cli.shows import scan_counts
from brainage.config import StudyConfig

if TYPE_CHECKING:
    from brainage.stages.evaluate import Evaluation
    from brainage.stages.train import Trained
    from brainage.trial import TrialResult

#: Rows of scans and people that are held; a longer list is the path of its table.
_MOST_ROWS = 50


def result_of(study: StudyConfig, stage: str, made: Any) -> dict[str, Any]:
    """Return what a stage made, as values that JSON holds.

    Parameters
    ----------
    study : StudyConfig
        Whose output.
    stage : str
        "extract", "train", ...
    made : object
        What the stage returned.
    """
    from brainage.stages.cohorts import stage_folder

    folder = stage_folder(study, stage)
    if stage == "synthetic":
        return {"folder": str(stage_folder(study, "data")), "told": list(made.lines)}
    if stage == "extract":
        return {cohort: _of_scans(table, folder / cohort) for cohort, table in made.items()}
    if stage == "train":
        return _of_training(study, made)
    if stage == "evaluate":
        return _of_evaluation(study, made, folder)
    if stage == "score":
        return _of_scores(study, made, folder)
    if stage == "compare":
        return _of_comparison(made, folder)
    if stage == "truth":
        return {"rows": made.to_dict("records")}
    if stage == "recovery":
        return {
            "rows": made.whole_brain.to_dict("records"),
            "networks": made.networks.to_dict("records"),
            "regions": made.regions.to_dict("records"),
        }
    return {"report": str(made), "summary": str(Path(made).with_name("summary.json"))}


def _of_training(study: StudyConfig, made: Trained) -> dict[str, Any]:
    from brainage.stages.features import left_out
    from brainage.stages.train import clocks_that_show_nothing

    efficiency = made.efficiency
    return {
        "folder": str(made.folder),
        "made_now": made.made_now,
        "clocks": {
            name: str(made.folder / "clocks" / f"{name}.clock")
            for name in made.clocks
            if (made.folder / "clocks" / f"{name}.clock").is_file()
        },
        "metrics": made.metrics.to_dict("records"),
        "efficiency": None if efficiency is None else efficiency.to_dict("records"),
        "shows_nothing": clocks_that_show_nothing(made.clocks),
        "left_out": _of_left_out(left_out(study, "train"), made.folder),
    }


def _of_evaluation(study: StudyConfig, made: Evaluation, folder: Path) -> dict[str, Any]:
    from brainage.stages.features import left_out

    tables = {
        name: table.to_dict("records")
        for name, table in vars(made).items()
        if table is not None and name != "external_scores"
    }
    excluded = left_out(study, "evaluate/external")
    left = _of_left_out(excluded, folder / "external")
    return {"folder": str(folder), **tables, "left_out": left}


def _of_scores(study: StudyConfig, made: pd.DataFrame, folder: Path) -> dict[str, Any]:
    from brainage.stages.features import left_out
    from brainage.stages.score import load_calibrations, scored_by_nothing

    return {
        "scores": str(folder / "scores.tsv"),
        "n_scores": len(made),
        "n_participants": int(made["participant_id"].nunique()),
        "networks": made["network"].unique().tolist(),
        "shows_nothing": scored_by_nothing(study),
        "calibrations": load_calibrations(study).to_dict("records"),
        "left_out": _of_left_out(left_out(study, "score"), folder),
    }


def _of_comparison(made: TrialResult, folder: Path) -> dict[str, Any]:
    tables = {path.stem: str(path) for path in sorted((folder / "results").glob("*.tsv"))}
    return {
        "folder": str(folder),
        "standing": made.standing,
        "contrasts": made.contrasts.to_dict("records"),
        "deltas": made.deltas.to_dict("records"),
        "flow": made.flow.to_dict("records"),
        "sensitivity": made.sensitivity.to_dict("records"),
        "analyses": made.analyses.to_dict("records"),
        "notes": list(made.notes),
        "estimand": made.estimand,
        "plan_hash": made.plan_hash,
        "scores_hash": made.scores_hash,
        "tables": tables,
    }


def _of_scans(table: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """Return what became of a cohort's scans; those not used by name, or where they are named."""
    rest = table[table["status"] != "done"]
    columns = ["participant_id", "session_id", "run", "status", "reason"]
    counts = scan_counts(table) | {"table": str(folder / "scans.tsv")}
    if len(rest) > _MOST_ROWS:
        return counts | {"not_used": len(rest)}
    return counts | {"not_used": rest[columns].to_dict("records")}


def _of_left_out(excluded: pd.DataFrame, folder: Path) -> list[dict] | dict[str, Any]:
    if len(excluded) <= _MOST_ROWS:
        return excluded.to_dict("records")
    return {"n": len(excluded), "table": str(folder / "features" / "excluded.tsv")}
