"""Stage 5: everything the stages wrote, on one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock import AgeBiasCorrector, BrainClock, gap_slope
from brainage.clock.evaluation.explain import NETWORKS, PARCELS, STABILITY
from brainage.clock.training.validation import METRICS, PREDICTIONS
from brainage.config import StudyConfig
from brainage.connectivity import EXCLUDED
from brainage.report import StudyResults, render_report
from brainage.stages.cohorts import Cohort, extraction_summary, stage_folder
from brainage.stages.compare import PLAN, load_comparison
from brainage.stages.evaluate import load_evaluation
from brainage.stages.extract import SCANS
from brainage.stages.manifest import read_manifest, versions
from brainage.stages.methods import methods_sentences
from brainage.stages.score import load_calibrations, scoring_clock
from brainage.stages.synthesize import recovery, with_synthetic_paths
from brainage.stages.train import EXPLAIN, load_trained
from brainage.synthetic import CLOCK_SCALE
from brainage.tables import WHOLE_BRAIN, read_scores, read_table
from brainage.trial import plan_statements, read_plan

_OF_TRIAL = (
    "deltas",
    "contrasts",
    "flow",
    "exclusions",
    "timing",
    "sensitivity",
    "analyses",
    "tables",
    "table_records",
    "standing",
    "read_first",
    "motion",
    "models",
    "covariates",
    "estimand",
    "notes",
)
#: The stage that makes a cohort's features.
_STAGE_OF: dict[Cohort, str] = {"reference": "train", "trial": "score"}


def report(study: StudyConfig) -> Path:
    """Write ``output/report/report.html`` from what the other stages left.

    Parameters
    ----------
    study : StudyConfig
        A stage that was not run leaves its section out.

    Returns
    -------
    path : Path
    """
    return render_report(gather(study), stage_folder(study, "report") / "report.html")


def gather(study: StudyConfig) -> StudyResults:
    """Read every result of a study that is there."""
    fields = {
        "title": study.title,
        "methods": methods_sentences(study),
        "scans": _scans(study),
        "excluded": _excluded(study),
        "provenance": _provenance(study),
    }
    if study.paths.clock is not None:
        # What an earlier run trained in this folder made none of these scores.
        fields["card"] = scoring_clock(study).card()
    elif _finished(study, "train"):
        fields |= _clock_fields(study)
    scores = _scores_path(study)
    if scores.is_file():
        fields["scores"] = read_scores(scores)
        fields["trust"] = trust_summary(fields["scores"])
        calibrations = load_calibrations(study)
        fields["calibrations"] = calibrations if len(calibrations) else None
    evaluation = load_evaluation(study)
    fields |= {name: table for name, table in vars(evaluation).items() if name != "external_scores"}
    if study.science.trial is not None and _finished(study, "compare"):
        result = load_comparison(study)
        fields |= {name: getattr(result, name) for name in _OF_TRIAL}
        fields["plan"] = _plan(study)
        fields["provenance"] |= {
            "hash of the scores' content": result.scores_hash,
            "hash of the plan": result.plan_hash,
        }
        scale = stage_folder(study, "truth") / "clock_scale.tsv"
        if study.synthetic is not None and scale.is_file():
            fields["truth"] = recovery(study, result, read_table(scale, CLOCK_SCALE))
    return StudyResults(**fields)


def trust_summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Count, by session, the scans that the whole-brain clock must extrapolate for."""
    whole = scores[scores["network"] == WHOLE_BRAIN]
    if "in_age_range" not in whole:
        # Of scores made elsewhere nobody knows where their clock extrapolates.
        return pd.DataFrame()
    whole = whole.assign(outside=~whole["in_age_range"], far=whole["distance_percentile"] > 95)
    return whole.groupby("session_id", as_index=False, sort=False).agg(
        scans=("participant_id", "size"),
        youngest_years=("age_years", "min"),
        oldest_years=("age_years", "max"),
        outside_age_range=("outside", "sum"),
        median_distance_percentile=("distance_percentile", "median"),
        beyond_95th_percentile=("far", "sum"),
    )


def gap_slopes(
    predictions: pd.DataFrame, bias: AgeBiasCorrector, trial_ages: np.ndarray | None
) -> pd.DataFrame:
    """Return the slope of the out-of-fold gap on age, raw and corrected, overall and locally.

    Parameters
    ----------
    predictions : DataFrame
        One row a reference scan, predictions averaged over repeats.
    bias : AgeBiasCorrector
        The clock's frozen correction.
    trial_ages : ndarray or None
        Ages of the scored scans: the local window, because a line over 18-90 need not have the
        slope the trial's people meet.
    """
    age = predictions["age_years"].to_numpy(float)
    predicted = predictions["predicted_age_years"].to_numpy(float)
    people = predictions["participant_id"].to_numpy()
    windows: list[tuple[str, tuple[float, float] | None]] = [("all ages", None)]
    if trial_ages is not None and len(trial_ages):
        low, high = float(np.min(trial_ages)), float(np.max(trial_ages))
        windows.append((f"ages {low:.0f}-{high:.0f}, as in the trial", (low, high)))
    rows = []
    for words, window in windows:
        for name, gap in (
            ("raw", predicted - age),
            ("corrected", bias.corrected_gap(age, predicted)),
        ):
            slope = gap_slope(age, gap, people=people, window_years=window)
            rows.append(
                {
                    "gap": f"{name}, {words}",
                    "slope": slope.slope,
                    "low": slope.low,
                    "high": slope.high,
                    "n": slope.n,
                }
            )
    return pd.DataFrame(rows)


def _clock_fields(study: StudyConfig) -> dict:
    folder = stage_folder(study, "train")
    clocks = load_trained(folder).clocks
    clock = clocks[WHOLE_BRAIN]
    predictions = read_table(folder / "cross_validation.tsv", PREDICTIONS)
    keys = ["participant_id", "session_id"]
    mean = predictions.groupby(keys, as_index=False).agg(
        age_years=("age_years", "first"), predicted_age_years=("predicted_age_years", "mean")
    )
    scores = _scores_path(study)
    ages = read_scores(scores)["age_years"].to_numpy(float) if scores.is_file() else None
    return _pattern_fields(folder / EXPLAIN) | {
        "predictions": mean,
        "metrics": read_table(folder / "metrics.tsv", METRICS),
        "gap_slopes": gap_slopes(mean, clock.bias, ages),
        "clock_slopes": _clock_slopes(clocks) if len(clocks) > 1 else None,
        "card": clock.card(),
    }


def _scores_path(study: StudyConfig) -> Path:
    return Path(study.paths.scores or stage_folder(study, "score") / "scores.tsv")


def _clock_slopes(clocks: dict[str, BrainClock]) -> pd.DataFrame:
    rows = []
    for name, clock in clocks.items():
        left_out = clock.facts["gap_slope_out_of_fold"]
        for word, when in (("raw", "before"), ("corrected", "after")):
            numbers = {key: left_out[when][key] for key in ("slope", "low", "high", "n")}
            rows.append({"network": name, "gap": word, **numbers})
    return pd.DataFrame(rows)


def _pattern_fields(folder: Path) -> dict[str, pd.DataFrame]:
    """Read what the clock looks at, strongest first; a kernel clock leaves no such tables."""
    tables = {"parcels": PARCELS, "networks": NETWORKS, "stability": STABILITY}
    fields = {}
    for name, schema in tables.items():
        path = folder / f"patterns_{name}.tsv"
        if path.is_file():
            table = read_table(path, schema)
            if "pattern_absolute" in table:
                table = table.sort_values(
                    "pattern_absolute", ascending=False, kind="stable", ignore_index=True
                )
            fields[f"pattern_{name}"] = table
    return fields


def _plan(study: StudyConfig) -> pd.DataFrame | None:
    path = stage_folder(study, "compare") / PLAN
    if not path.is_file():
        return None
    plan = read_plan(path)
    rows = [
        ("hash, in every result row", plan.hash),
        ("written", plan.written),
        *plan_statements(plan.options, plan.analyses[0]),
    ]
    return pd.DataFrame(rows, columns=["about", "as planned"])


def _finished(study: StudyConfig, stage: str) -> bool:
    return read_manifest(stage_folder(study, stage), missing_ok=True) is not None


def _scans(study: StudyConfig) -> dict[str, pd.DataFrame]:
    study = with_synthetic_paths(study)
    summaries = {cohort: extraction_summary(study, cohort) for cohort in _STAGE_OF}
    return {cohort: read_table(path, SCANS) for cohort, path in summaries.items() if path}


def _excluded(study: StudyConfig) -> dict[str, pd.DataFrame]:
    paths = {
        cohort: stage_folder(study, stage) / "features" / "excluded.tsv"
        for cohort, stage in _STAGE_OF.items()
    }
    return {cohort: read_table(path, EXCLUDED) for cohort, path in paths.items() if path.is_file()}


def _provenance(study: StudyConfig) -> dict[str, str]:
    facts = {f"version of {name}": version for name, version in versions().items()}
    facts["seed"] = str(study.science.seed)
    facts["science fingerprint"] = study.science.fingerprint()
    # Hashes of content only: keys also hold files' times, and equal results give an equal page.
    manifest = read_manifest(stage_folder(study, "compare"), missing_ok=True)
    if manifest is not None:
        facts |= {f"hash of {name}": value for name, value in manifest["inputs"].items()}
    return facts
