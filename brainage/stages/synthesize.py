"""Stage 0 of a synthetic study: its data, its counterfactual, and how well effects came back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from brainage.clock import BrainClock
from brainage.config import StudyConfig
from brainage.connectivity import build_features
from brainage.errors import ConfigError
from brainage.files import remove_leftovers
from brainage.progress import Progress, silent
from brainage.stages.cohorts import cohort_people, stage_folder
from brainage.stages.extract import extract_cohort
from brainage.stages.features import cohort_series
from brainage.stages.lock import stage_lock
from brainage.stages.making import Making
from brainage.stages.score import scoring_clock
from brainage.synthetic import (
    CLOCK_SCALE,
    SyntheticOptions,
    clock_scale_truth,
    make_study,
    write_study,
)
from brainage.tables import SCORES, WHOLE_BRAIN, read_table, write_table
from brainage.trial import TrialResult


@dataclass(frozen=True)
class Made:
    """What a synthetic study holds, in sentences, and where."""

    lines: tuple[str, ...]
    folder: Path


def _what_to_make(study: StudyConfig) -> SyntheticOptions:
    if study.synthetic is None:
        raise ConfigError("synthetic: expected what data to make, found no such section.")
    return study.synthetic


def synthesize(study: StudyConfig, *, progress: Progress = silent) -> Made:
    """Write the synthetic study's data; scans that are there already are kept.

    Parameters
    ----------
    study : StudyConfig
        With a section ``synthetic``; its seed is ``science.seed``.
    progress : Progress, optional
        Told of scans written.

    Returns
    -------
    made : Made
    """
    folder = stage_folder(study, "data")
    made = make_study(_what_to_make(study), seed=study.science.seed)
    with stage_lock(folder, "run"):
        remove_leftovers(folder)
        write_study(made, folder, n_jobs=study.run.n_jobs, progress=progress)
    return Made(tuple(made.lines), folder)


def truth(
    study: StudyConfig, *, overwrite: bool = False, progress: Progress = silent
) -> pd.DataFrame:
    """Score the trial's counterfactual scans (same noise, no arm effect) with the frozen clock.

    Parameters
    ----------
    study : StudyConfig
        A synthetic study that was trained and scored.
    overwrite : bool, default=False
        Make it again.
    progress : Progress, optional
        Told of scans written and read.

    Returns
    -------
    table : DataFrame
        Schema `brainage.synthetic.CLOCK_SCALE`.
    """
    folder = stage_folder(study, "truth")
    clock = scoring_clock(study)
    described = _what_to_make(study).model_dump(mode="json")
    inputs = {"clock": clock.clock_id, "seed": str(study.science.seed)}
    making = Making(folder, "truth", described, inputs, verb="run")
    path = folder / "clock_scale.tsv"

    def write() -> list[Path]:
        made = make_study(_what_to_make(study), seed=study.science.seed)
        write_study(
            made,
            folder / "data",
            counterfactual=True,
            n_jobs=study.run.n_jobs,
            progress=progress,
        )
        without = _score_counterfactual(study, clock, folder, progress)
        with_ = read_table(stage_folder(study, "score") / "scores.tsv", SCORES)
        scored = set(zip(without["participant_id"], without["session_id"], strict=True))
        both = [
            pair in scored
            for pair in zip(with_["participant_id"], with_["session_id"], strict=True)
        ]
        # A scan that broke an exclusion rule in one of the two worlds has no counterpart.
        write_table(clock_scale_truth(with_[both], without, made.truth), path, CLOCK_SCALE)
        return [path]

    with stage_lock(folder, "run"):
        making.make(write, overwrite=overwrite)
    return read_table(path, CLOCK_SCALE)


def recovery(study: StudyConfig, result: TrialResult, scale: pd.DataFrame) -> pd.DataFrame:
    """Lay estimates beside the planted years and the clock-scale truth; a miss is marked.

    Parameters
    ----------
    study : StudyConfig
        Names visits and control arm.
    result : TrialResult
        The comparison.
    scale : DataFrame
        From `truth`.

    Returns
    -------
    table : DataFrame
        One row an arm, visit and comparison (with baseline, with control): planted_years,
        clock_scale_years, estimate_years, interval, and whether it covers the clock-scale truth.
    """
    options = study.science.trial
    if options is None:
        raise ConfigError("science.trial: expected visits and a control arm, found none.")
    labels = {visit.session_id: visit.label for visit in options.visits}
    known = {
        (row.arm, labels[row.session_id]): row
        for row in scale.itertuples()
        if row.session_id in labels
    }
    baseline = options.visits[0].label
    rows = []
    for row in _whole_brain_rows(result).itertuples():
        if (row.arm, row.visit) not in known or row.visit == baseline:
            continue
        here = known[row.arm, row.visit]
        planted, seen = here.planted_years, here.clock_scale_years
        if row.versus == options.control_arm:
            control = known[options.control_arm, row.visit]
            planted -= control.planted_years
            seen -= control.clock_scale_years
        covers = row.ci_low_years <= seen <= row.ci_high_years
        rows.append(
            {
                "arm": row.arm,
                "versus": row.versus,
                "visit": row.visit,
                "planted_years": planted,
                "clock_scale_years": seen,
                "estimate_years": row.estimate_years,
                "ci_low_years": row.ci_low_years,
                "ci_high_years": row.ci_high_years,
                "interval_covers": "yes" if covers else "MISS",
                "method": row.method,
            }
        )
    return pd.DataFrame(rows)


def _whole_brain_rows(result: TrialResult) -> pd.DataFrame:
    contrasts = result.contrasts[result.contrasts["network"] == WHOLE_BRAIN]
    deltas = result.deltas[result.deltas["network"] == WHOLE_BRAIN]
    shared = ["arm", "versus", "visit", "estimate_years", "ci_low_years", "ci_high_years", "method"]
    return pd.concat([deltas[shared], contrasts[shared]], ignore_index=True)


def _score_counterfactual(
    study: StudyConfig, clock: BrainClock, folder: Path, progress: Progress
) -> pd.DataFrame:
    paths = study.paths.model_copy(update={"output": str(folder)})
    shadow = study.model_copy(update={"paths": paths}).with_data_in(folder / "data")
    if shadow.paths.trial.scans:
        extract_cohort(shadow, "trial", progress=progress)
    features = build_features(
        cohort_series(shadow, "trial"),
        cohort_people(shadow, "trial"),
        kinds=study.science.connectivity.kinds,
        shrinkage=study.science.connectivity.shrinkage,
        parcels=clock.parcel_names,
        n_jobs=study.run.n_jobs,
        progress=progress,
    )
    return clock.score(features)
