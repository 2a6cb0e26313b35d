"""Many clocks on identical folds: every alternative evaluated once, resumable, ranked honestly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainage import __version__
from brainage.clock.evaluation.alternatives import Alternative
from brainage.clock.evaluation.leaderboard import (
    LEADERBOARD,
    SelectionCorrected,
    rank_alternatives,
    resample_people,
    selection_corrected,
)
from brainage.clock.model.bias import AgeBiasCorrector, gap_slope
from brainage.clock.options import ClockOptions
from brainage.clock.training.validation import PREDICTIONS, CrossValidation, cross_validate_clock
from brainage.connectivity import FeatureTable
from brainage.errors import BrainAgeError, ConfigError
from brainage.files import write_json
from brainage.options import fingerprint_of
from brainage.progress import Progress, silent
from brainage.tables import read_table, write_table

#: Options that change what is done with predictions, not the predictions: alternatives that
#: differ in these alone are evaluated once.
_AFTER_PREDICTION = ("bias_correction", "networks", "ensemble")
_FACTS = "evaluation.json"
_KEYS = ["participant_id", "session_id"]


@dataclass(frozen=True, repr=False)
class SweepResult:
    """What a sweep found.

    Parameters
    ----------
    leaderboard : DataFrame
        Schema `leaderboard.LEADERBOARD`, best first.
    corrected : SelectionCorrected
        The winner's error without the luck of having won.
    failures : DataFrame
        alternative, reason: alternatives whose input cannot be used.
    n_scans, n_people : int
        Scans and people that every alternative was evaluated on.

    Examples
    --------
    >>> few = examples.clock_options()
    >>> from brainage.clock import expand_alternatives, run_sweep
    >>> alternatives = expand_alternatives(few, {"bias_correction": ["none", "offset"]})
    >>> tables = {"features": examples.features()}
    >>> result = run_sweep(alternatives, tables, folder, n_draws=100)
    >>> len(result.leaderboard), result.n_people
    (2, 40)
    """

    leaderboard: pd.DataFrame
    corrected: SelectionCorrected
    failures: pd.DataFrame
    n_scans: int
    n_people: int

    def __repr__(self) -> str:
        """Return what was compared and what came first, in two lines."""
        failed = f", {len(self.failures)} not evaluated" if len(self.failures) else ""
        said = (
            f"SweepResult: {len(self.leaderboard)} alternatives{failed} on {self.n_scans} scans of "
            f"{self.n_people} people"
        )
        if self.leaderboard.empty:
            return said
        best = self.leaderboard.iloc[0]
        return f"{said}\n  first: {best['alternative']}, MAE {best['mae_years']:.2f} years"

    def _repr_html_(self) -> str:
        """Return the leaderboard as a table, for notebooks."""
        return self.leaderboard.to_html(index=False, float_format="{:.3f}".format, max_rows=30)


def run_sweep(
    alternatives: Sequence[Alternative],
    features: Mapping[str, FeatureTable],
    folder: str | Path,
    *,
    seed: int = 0,
    n_draws: int = 2000,
    n_jobs: int = 1,
    progress: Progress = silent,
) -> SweepResult:
    """Evaluate every alternative on identical folds and rank them.

    Parameters
    ----------
    alternatives : sequence of Alternative
        All with the same `validation`.
    features : mapping of str to FeatureTable
        Tables the alternatives name. Only scans that all of them hold are used.
    folder : str or Path
        Receives ``evaluations/`` (a folder an evaluation; a finished one made from the same
        input is not repeated), ``leaderboard.tsv`` and ``sweep.json``.
    seed : int, default=0
        Of folds and resampling.
    n_draws : int, default=2000
        Resampled cohorts behind intervals and selection correction.
    n_jobs : int, default=1
        Threads inside an evaluation.
    progress : Progress, optional
        Told of every evaluated alternative.

    Returns
    -------
    result : SweepResult

    Raises
    ------
    ConfigError
        No alternatives, repeated names, differing folds, or unknown features.
    BrainAgeError
        No alternative could be evaluated.

    Examples
    --------
    >>> few = examples.clock_options()
    >>> from brainage.clock import expand_alternatives, run_sweep
    >>> alternatives = expand_alternatives(few, {"bias_correction": ["none", "offset"]})
    >>> tables = {"features": examples.features()}
    >>> result = run_sweep(alternatives, tables, folder, n_draws=100)
    >>> sorted(result.leaderboard["alternative"])
    ['bias_correction=none', 'bias_correction=offset']
    """
    _check(alternatives, features)
    folder = Path(folder)
    tables = _common_scans({a.features: features[a.features] for a in alternatives})
    marks = {name: _mark_of(table) for name, table in tables.items()}
    grams: dict[str, dict] = {name: {} for name in tables}
    keys = [_key_of(a, marks[a.features], seed) for a in alternatives]
    # Predictions of training scans are kept where any alternative on them corrects by these.
    in_sample = {
        key
        for key, a in zip(keys, alternatives, strict=True)
        if a.options.bias_correction == "in_sample"
    }
    done, failures = [], []
    for number, (key, alternative) in enumerate(zip(keys, alternatives, strict=True), start=1):
        own = folder / "evaluations" / key
        try:
            if not _is_evaluated(own, in_sample=key in in_sample):
                kept = {"bias_correction": "in_sample"} if key in in_sample else {}
                cv = cross_validate_clock(
                    tables[alternative.features],
                    alternative.options.model_copy(update=kept),
                    seed=seed,
                    n_jobs=n_jobs,
                    grams=grams[alternative.features],
                )
                _write_evaluation(own, cv, alternative)
            done.append((alternative, _read_evaluation(own, alternative.options)))
        except BrainAgeError as error:
            failures.append((alternative.name, str(error)))
        progress(number, len(alternatives), "sweep")
    if not done:
        reasons = "\n".join(f"{name}: {reason}" for name, reason in failures)
        raise BrainAgeError(f"sweep: none of the alternatives could be evaluated:\n{reasons}")
    result = _ranked(done, failures, seed, n_draws)
    _write_result(folder, result, alternatives, seed)
    return result


def _check(alternatives: Sequence[Alternative], features: Mapping[str, FeatureTable]) -> None:
    names = [a.name for a in alternatives]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not names or repeated:
        raise ConfigError(
            f"sweep: expected alternatives with unique names, found {repeated or 'none'}."
        )
    if len({a.options.validation.fingerprint() for a in alternatives}) > 1:
        raise ConfigError(
            "sweep: expected the same validation options for every alternative, so "
            "that all are judged on identical folds. Set them once."
        )
    unknown = sorted({a.features for a in alternatives} - set(features))
    if unknown:
        raise ConfigError(f"sweep: features {unknown} are not among {sorted(features)}.")


def _common_scans(tables: dict[str, FeatureTable]) -> dict[str, FeatureTable]:
    """Restrict tables to the scans all hold, in the first one's order: folds are then identical."""
    indices = {name: pd.MultiIndex.from_frame(t.rows[_KEYS]) for name, t in tables.items()}
    first, *others = indices.values()
    shared = first
    for other in others:
        shared = shared[shared.isin(other)]
    if not len(shared):
        raise BrainAgeError("sweep: the feature tables have no scan in common.")
    return {
        name: table
        if indices[name].equals(shared)
        else table.select(indices[name].get_indexer(shared))
        for name, table in tables.items()
    }


def _mark_of(table: FeatureTable) -> str:
    """Return a hash of everything an evaluation reads of a table."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(table.rows.to_csv(index=False).encode())
    for name, view in sorted(table.views.items()):
        digest.update(f"{name} {view.spec.fingerprint()}".encode())
        for start in range(0, len(view.values), 64):
            digest.update(np.ascontiguousarray(view.values[start : start + 64]).data)
    return digest.hexdigest()


def _key_of(alternative: Alternative, mark: str, seed: int) -> str:
    options = alternative.options.model_dump(mode="json")
    asked = {name: value for name, value in options.items() if name not in _AFTER_PREDICTION}
    return fingerprint_of([__version__, mark, seed, asked])


def _is_evaluated(folder: Path, *, in_sample: bool) -> bool:
    path = folder / _FACTS
    return path.is_file() and (
        not in_sample or "in_sample_line" in json.loads(path.read_text(encoding="utf-8"))
    )


def _write_evaluation(folder: Path, cv: CrossValidation, alternative: Alternative) -> None:
    """Write predictions, then the facts: an evaluation with facts is whole."""
    write_table(cv.predictions, folder / "predictions.tsv", PREDICTIONS)
    facts: dict[str, object] = {
        "first_evaluated_as": alternative.name,
        "metrics": _metrics(cv.metrics),
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


def _read_evaluation(folder: Path, options: ClockOptions) -> tuple[pd.DataFrame, dict]:
    """Return predictions of every repeat, and the facts of a leaderboard row."""
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    predictions = read_table(folder / "predictions.tsv", PREDICTIONS)
    # A scan counts once, however often it was predicted: intervals would be too narrow.
    mean = predictions.groupby(_KEYS)[["age_years", "predicted_age_years"]].mean()
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
    return predictions, own


def _ranked(done: list, failures: list, seed: int, n_draws: int) -> SweepResult:
    errors, facts = [], []
    for _, (predictions, own) in done:
        error = (predictions["predicted_age_years"] - predictions["age_years"]).abs()
        # Every scan counts once, however often the folds were redrawn.
        errors.append(error.groupby([predictions[k] for k in _KEYS], sort=True).mean())
        facts.append(own)
    index = errors[0].index
    matrix = np.column_stack([e.reindex(index) for e in errors])
    people = index.get_level_values("participant_id").to_numpy()
    resampled = resample_people(matrix, people, n_draws=n_draws, seed=seed)
    names = [alternative.name for alternative, _ in done]
    return SweepResult(
        rank_alternatives(names, matrix, resampled, pd.DataFrame(facts)),
        selection_corrected(matrix, resampled),
        pd.DataFrame(failures, columns=["alternative", "reason"]),
        len(matrix),
        len(np.unique(people.astype(str))),
    )


def _write_result(
    folder: Path, result: SweepResult, alternatives: Sequence[Alternative], seed: int
) -> None:
    write_table(result.leaderboard, folder / "leaderboard.tsv", LEADERBOARD)
    write_json(
        folder / "sweep.json",
        {
            "winner": result.leaderboard["alternative"].iloc[0],
            "selection_corrected": asdict(result.corrected),
            "failures": result.failures.to_dict("records"),
            "n_scans": result.n_scans,
            "n_people": result.n_people,
            "seed": seed,
            "alternatives": {
                a.name: {"features": a.features, "options": a.options.model_dump(mode="json")}
                for a in alternatives
            },
        },
    )
