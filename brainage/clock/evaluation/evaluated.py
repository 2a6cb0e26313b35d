"""One evaluated alternative of a sweep, in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.clock.evaluation.alternatives import Alternative
from brainage.clock.model.bias import AgeBiasCorrector, gap_slope
from brainage.clock.training.half_predictions import HALVES
from brainage.clock.training.validation import PREDICTIONS, CrossValidation
from brainage.errors import StageError
from brainage.files import read_json_object, write_json
from brainage.tables import read_table, write_table

#: What names a scan.
KEYS = ["participant_id", "session_id"]
NOT_ASKED = "halves of scans were not asked for"
_FACTS = "evaluation.json"


@dataclass(frozen=True)
class Evaluated:
    """An alternative as its folder holds it.

    Parameters
    ----------
    name : str
        Of the alternative.
    predictions : DataFrame
        Schema `PREDICTIONS`, every repeat.
    facts : dict
        Columns of its leaderboard row.
    halves : DataFrame or None
        Schema `HALVES`; None where they were not measured.
    why_no_halves : str
        Why not; empty where they were.
    """

    name: str
    predictions: pd.DataFrame
    facts: dict
    halves: pd.DataFrame | None
    why_no_halves: str


def is_evaluated(folder: Path, *, in_sample: bool, halves: bool) -> bool:
    """Return whether a folder holds an evaluation, with what is asked for beside predictions."""
    path = folder / _FACTS
    if not path.is_file():
        return False
    facts = read_json_object(path, error=StageError)
    measured = not halves or facts.get("why_no_halves", NOT_ASKED) != NOT_ASKED
    return measured and (not in_sample or "in_sample_line" in facts)


def write_evaluation(
    folder: Path,
    cv: CrossValidation,
    alternative: Alternative,
    *,
    halves: pd.DataFrame | None,
    why_no_halves: str,
) -> None:
    """Write predictions, then the facts: an evaluation with facts is whole."""
    write_table(cv.predictions, folder / "predictions.tsv", PREDICTIONS)
    if halves is not None:
        write_table(halves, folder / "halves.tsv", HALVES)
    facts: dict[str, object] = {
        "first_evaluated_as": alternative.name,
        "metrics": _metrics(cv.metrics),
        "why_no_halves": why_no_halves,
    }
    if cv.in_sample is not None:
        line = AgeBiasCorrector("in_sample").fit(
            cv.in_sample["age_years"],
            cv.in_sample["predicted_age_years"],
            model=cv.in_sample["model"],
            people=cv.in_sample["participant_id"],
        )
        facts["in_sample_line"] = line.to_dict()
    write_json(folder / _FACTS, facts)


def _metrics(metrics: pd.DataFrame) -> list[dict]:
    clean = metrics.astype(object).where(metrics.notna(), None)
    return clean.to_dict("records")


def read_evaluation(folder: Path, alternative: Alternative) -> Evaluated:
    """Return predictions of every repeat and of halves, and the facts of a leaderboard row."""
    options = alternative.options
    facts = read_json_object(folder / _FACTS, error=StageError)
    predictions = read_table(folder / "predictions.tsv", PREDICTIONS)
    # A scan counts once, however often it was predicted: intervals would be too narrow.
    mean = predictions.groupby(KEYS)[["age_years", "predicted_age_years"]].mean()
    age, predicted = (mean[name].to_numpy(float) for name in mean)
    if options.bias_correction == "in_sample":
        corrector = AgeBiasCorrector.from_dict(facts["in_sample_line"])
    else:
        corrector = AgeBiasCorrector(options.bias_correction).fit(age, predicted)
    people = mean.index.get_level_values("participant_id").to_numpy()
    slopes = {
        "before": gap_slope(age, predicted - age, people=people),
        "after": gap_slope(age, corrector.corrected_gap(age, predicted), people=people),
    }
    by_site = [
        m["estimate"]
        for m in facts["metrics"]
        if m["validation"] == "leave one site out" and m["metric"] == "MAE"
    ]
    r = next(m["estimate"] for m in facts["metrics"] if m["metric"] == "r")
    own = {
        "r": np.nan if r is None else r,
        "mae_new_sites_years": by_site[0] if by_site else np.nan,
    }
    for when, slope in slopes.items():
        own |= {
            f"gap_slope_{when}": slope.slope,
            f"gap_slope_{when}_low": slope.low,
            f"gap_slope_{when}_high": slope.high,
        }
    halves, reason = None, facts.get("why_no_halves", NOT_ASKED)
    if not reason:
        halves = read_table(folder / "halves.tsv", HALVES)
    return Evaluated(alternative.name, predictions, own, halves, reason)
