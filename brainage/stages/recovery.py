"""What a synthetic study's clocks can see of its planted effects, and how well it came back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import BrainClock
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable, build_features
from brainage.errors import ConfigError
from brainage.files import hash_file
from brainage.progress import Progress, silent
from brainage.stages.cohorts import cohort_people, stage_folder
from brainage.stages.extract import extract_cohort
from brainage.stages.features import cohort_series
from brainage.stages.lock import stage_lock
from brainage.stages.making import Making
from brainage.stages.score import clock_parcels, scoring_clocks
from brainage.stages.synthesize import what_to_make
from brainage.stages.trial_inputs import parcel_centres
from brainage.synthetic import (
    CLOCK_SCALE,
    LOCAL_SCALE,
    NETWORK_SCALE,
    clock_scale_truth,
    local_truth,
    make_study,
    network_scale_truth,
    write_study,
)
from brainage.tables import SCORES, WHOLE_BRAIN, read_table, write_table
from brainage.trial import LOCAL, TrialOptions, TrialResult, region_values

_KEY = ["participant_id", "session_id"]
_ESTIMATES = ("estimate_years", "ci_low_years", "ci_high_years")


@dataclass(frozen=True)
class Recovery:
    """Estimates beside what was planted and what scans with the same noise show of it.

    Parameters
    ----------
    whole_brain : DataFrame
        One row an arm, visit and comparison (with baseline, with control): planted_years,
        clock_scale_years, estimate_years, interval, and whether it covers the clock-scale truth.
    networks : DataFrame
        The same of every network's clock, with its network; no rows without network clocks.
    regions : DataFrame
        Of every region of the local analysis: planted_z, true_in_view_units (the arm's mean
        change with the effects minus that without them, less control's),
        difference_in_view_units, interval, and whether it covers; no rows where it was not asked.
    """

    whole_brain: pd.DataFrame
    networks: pd.DataFrame
    regions: pd.DataFrame


def truth(
    study: StudyConfig, *, overwrite: bool = False, progress: Progress = silent
) -> pd.DataFrame:
    """Score the trial's counterfactual scans (same noise, no arm effect) with the frozen clocks.

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
        Schema `brainage.synthetic.CLOCK_SCALE`, of the whole brain's clock. Beside it in the
        folder: network_scale.tsv where there are network clocks, and local_scale.tsv where the
        study asks for local changes.
    """
    folder = stage_folder(study, "truth")
    clocks = scoring_clocks(study)
    local = None if study.science.trial is None else study.science.trial.local
    described = {
        "synthetic": what_to_make(study).model_dump(mode="json"),
        "local": None if local is None else local.model_dump(mode="json"),
    }
    scores = stage_folder(study, "score") / "scores.tsv"
    inputs = {f"clock {name}": clock.clock_id for name, clock in clocks.items()}
    inputs |= {"seed": str(study.science.seed), "scores": hash_file(scores)}
    making = Making(folder, "truth", described, inputs, verb="run")
    path = folder / "clock_scale.tsv"

    def write() -> list[Path]:
        for old in ("network_scale", "local_scale"):
            for suffix in (".tsv", ".json"):
                (folder / f"{old}{suffix}").unlink(missing_ok=True)
        made = make_study(what_to_make(study), seed=study.science.seed)
        write_study(
            made,
            folder / "data",
            counterfactual=True,
            n_jobs=study.run.n_jobs,
            progress=progress,
        )
        without = _counterfactual_features(study, clocks, folder, progress)
        scored = pd.concat([clock.score(without) for clock in clocks.values()], ignore_index=True)
        with_ = read_table(scores, SCORES)
        # A scan that broke an exclusion rule in one of the two worlds has no counterpart.
        both = _keys(with_).isin(_keys(without.rows))
        written = [path]
        whole = clock_scale_truth(with_[both], scored, made.truth, network=_first(clocks))
        write_table(whole, path, CLOCK_SCALE)
        if len(clocks) > 1:
            written.append(folder / "network_scale.tsv")
            every = network_scale_truth(with_[both], scored, made.truth)
            write_table(every, written[-1], NETWORK_SCALE)
        regions = _region_truth(study, without, made.truth)
        if regions is not None:
            written.append(folder / "local_scale.tsv")
            write_table(regions, written[-1], LOCAL_SCALE)
        return written

    with stage_lock(folder, "run"):
        making.make(write, overwrite=overwrite)
    return read_table(path, CLOCK_SCALE)


def recovery(study: StudyConfig, result: TrialResult) -> Recovery:
    """Lay estimates beside the planted effects and the clock-scale truth; a miss is marked.

    Parameters
    ----------
    study : StudyConfig
        Names visits and control arm; its `truth` was made.
    result : TrialResult
        The comparison.

    Returns
    -------
    recovered : Recovery
    """
    options = study.science.trial
    if options is None:
        raise ConfigError("science.trial: expected visits and a control arm, found none.")
    folder = stage_folder(study, "truth")
    scale = read_table(folder / "clock_scale.tsv", CLOCK_SCALE)
    whole = WHOLE_BRAIN if (result.deltas["network"] == WHOLE_BRAIN).any() else None
    name = whole or result.deltas["network"].iloc[0]
    networks, regions = pd.DataFrame(), pd.DataFrame()
    if (folder / "network_scale.tsv").is_file():
        every = read_table(folder / "network_scale.tsv", NETWORK_SCALE)
        tables = [
            _years(result, own, options, str(network)).assign(network=network)
            for network, own in every.groupby("network", sort=False)
            if network != name
        ]
        networks = pd.concat(tables, ignore_index=True)
    if (folder / "local_scale.tsv").is_file() and LOCAL.name in result.tables:
        local = read_table(folder / "local_scale.tsv", LOCAL_SCALE)
        regions = _regions(result.tables[LOCAL.name], local, options)
    return Recovery(_years(result, scale, options, name), networks, regions)


def _years(
    result: TrialResult, scale: pd.DataFrame, options: TrialOptions, network: str
) -> pd.DataFrame:
    columns = {"planted_years": "planted_years", "clock_scale_years": "clock_scale_years"}
    rows = []
    for row, true in _beside(_rows_of(result, network), scale, options, columns):
        found = {name: row[name] for name in _ESTIMATES}
        rows.append(
            {"arm": row["arm"], "versus": row["versus"], "visit": row["visit"], **true, **found}
            | {"interval_covers": _covers(true["clock_scale_years"], *list(found.values())[1:])}
            | {"method": row["method"]}
        )
    return pd.DataFrame(rows)


def _regions(local: pd.DataFrame, scale: pd.DataFrame, options: TrialOptions) -> pd.DataFrame:
    columns = {"planted_z": "planted_z", "change_in_view_units": "true_in_view_units"}
    estimates = ("difference_in_view_units", "ci_low_in_view_units", "ci_high_in_view_units")
    known = dict(iter(scale.groupby(["level", "region"], sort=False)))
    rows = []
    for key, own in local.groupby(["level", "region"], sort=False):
        if key not in known:
            continue
        for row, true in _beside(own, known[key], options, columns):
            found = {name: row[name] for name in estimates}
            rows.append(
                {name: row[name] for name in ("level", "region", "arm", "versus", "visit")}
                | true
                | found
                | {
                    "interval_covers": _covers(
                        true["true_in_view_units"], *list(found.values())[1:]
                    )
                }
            )
    return pd.DataFrame(rows)


def _covers(true: float, low: float, high: float) -> str:
    return "yes" if low <= true <= high else "MISS"


def _beside(
    estimates: pd.DataFrame, scale: pd.DataFrame, options: TrialOptions, columns: dict[str, str]
) -> Iterator[tuple[dict, dict[str, float]]]:
    """Give each estimate after baseline with its truth, less control's where it is a contrast."""
    labels = {visit.session_id: visit.label for visit in options.visits}
    known = {
        (row["arm"], labels[row["session_id"]]): row
        for row in scale.to_dict("records")
        if row["session_id"] in labels
    }
    baseline = options.visits[0].label
    for row in estimates.to_dict("records"):
        if (row["arm"], row["visit"]) not in known or row["visit"] == baseline:
            continue
        here = known[row["arm"], row["visit"]]
        true = {name: here[column] for column, name in columns.items()}
        if row["versus"] == options.control_arm:
            control = known[options.control_arm, row["visit"]]
            true = {name: here[c] - control[c] for c, name in columns.items()}
        yield row, true


def _rows_of(result: TrialResult, network: str) -> pd.DataFrame:
    contrasts = result.contrasts[result.contrasts["network"] == network]
    deltas = result.deltas[result.deltas["network"] == network]
    shared = ["arm", "versus", "visit", *_ESTIMATES, "method"]
    return pd.concat([deltas[shared], contrasts[shared]], ignore_index=True)


def _first(clocks: dict[str, BrainClock]) -> str:
    return WHOLE_BRAIN if WHOLE_BRAIN in clocks else next(iter(clocks))


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[_KEY].astype(str))


def _region_truth(
    study: StudyConfig, without: FeatureTable, truth: pd.DataFrame
) -> pd.DataFrame | None:
    """Return what the effects do to each region of the local analysis; None where it is not asked.

    The same scans with the effects are those that were scored.
    """
    local = None if study.science.trial is None else study.science.trial.local
    if local is None or local.view not in without.views:
        return None
    with_ = FeatureTable.load(stage_folder(study, "score") / "features")
    centres = parcel_centres(study, with_)
    values = []
    for table in (with_, without):
        view = table[local.view]
        edges = np.asarray(view.values, dtype=float)
        own = region_values(edges, view.spec, local, coordinates=centres)
        values.append(own.set_axis(_keys(table.rows), axis="index"))
    both = values[0].index.intersection(values[1].index, sort=False)
    return local_truth(values[0].loc[both], values[1].loc[both], truth)


def _counterfactual_features(
    study: StudyConfig, clocks: dict[str, BrainClock], folder: Path, progress: Progress
) -> FeatureTable:
    paths = study.paths.model_copy(update={"output": str(folder)})
    shadow = study.model_copy(update={"paths": paths}).with_data_in(folder / "data")
    if shadow.paths.trial.scans:
        extract_cohort(shadow, "trial", progress=progress)
    return build_features(
        cohort_series(shadow, "trial"),
        cohort_people(shadow, "trial"),
        kinds=study.science.connectivity.kinds,
        shrinkage=study.science.connectivity.shrinkage,
        parcels=clock_parcels(clocks),
        n_jobs=study.run.n_jobs,
        progress=progress,
    )
