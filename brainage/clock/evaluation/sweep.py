"""Many clocks on identical folds: every alternative evaluated once, resumable, ranked honestly."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from brainage import __version__
from brainage.clock.evaluation.alternatives import Alternative
from brainage.clock.evaluation.efficiency_ranking import (
    Participants,
    count_participants,
    participant_columns,
    selection_corrected_participants,
)
from brainage.clock.evaluation.evaluated import (
    KEYS,
    NOT_ASKED,
    Evaluated,
    is_evaluated,
    read_evaluation,
    write_evaluation,
)
from brainage.clock.evaluation.leaderboard import (
    LEADERBOARD,
    People,
    Resampled,
    SelectionCorrected,
    first_of,
    mean_errors,
    rank_alternatives,
    selection_corrected,
)
from brainage.clock.training.half_predictions import ScanParts, predict_halves
from brainage.clock.training.validation import CrossValidation, cross_validate_clock
from brainage.connectivity import FeatureTable
from brainage.errors import BrainAgeError, ConfigError
from brainage.files import write_json
from brainage.options import fingerprint_of
from brainage.progress import Progress, silent
from brainage.tables import write_table

#: Options that change what is done with predictions, not the predictions: alternatives that
#: differ in these alone are evaluated once.
_AFTER_PREDICTION = ("bias_correction", "networks", "ensemble")

#: Makes the halves of the scans of a feature table, by its name, for as long as they are used.
PartsMaker = Callable[[str, FeatureTable], AbstractContextManager[ScanParts]]
RankBy = Literal["error", "participants"]


@dataclass(frozen=True, repr=False)
class SweepResult:
    """What a sweep found.

    Parameters
    ----------
    leaderboard : DataFrame
        Schema `leaderboard.LEADERBOARD`, best first.
    corrected : SelectionCorrected
        The error, in people who did not choose, of the alternative with the smallest error.
    failures : DataFrame
        alternative, reason: alternatives whose input cannot be used.
    n_scans, n_people : int
        Scans and people that every alternative was evaluated on.
    corrected_participants : SelectionCorrected or None, default=None
        The participants per arm, in people who did not choose, of the alternative that asks for
        the fewest; None where they could not be counted.
    rank_by : {"error", "participants"}, default="error"
        What the leaderboard ranks by.

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
    corrected_participants: SelectionCorrected | None = None
    rank_by: RankBy = "error"

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
        first = f"{said}\n  first by {self.rank_by}: {best['alternative']}, MAE"
        return f"{first} {best['mae_years']:.2f} years"

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
    parts: PartsMaker | None = None,
    rank_by: RankBy = "error",
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
    parts : callable, optional
        Makes the halves of the scans of a feature table, for what the clocks ask of a trial;
        None: that is not measured.
    rank_by : {"error", "participants"}, default="error"
        Mean absolute error, or participants per arm at a state SD of 4 years.
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
        No alternative could be evaluated, or none of those that should be ranked by participants
        could be measured.

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
    done: list[Evaluated] = []
    failures = []
    with ExitStack() as stack:
        made = _Parts(parts, tables, stack)
        for number, (key, alternative) in enumerate(zip(keys, alternatives, strict=True), start=1):
            own = folder / "evaluations" / key
            try:
                if not is_evaluated(own, in_sample=key in in_sample, halves=parts is not None):
                    kept = {"bias_correction": "in_sample"} if key in in_sample else {}
                    options = alternative.options.model_copy(update=kept)
                    cv = cross_validate_clock(
                        tables[alternative.features],
                        options,
                        seed=seed,
                        n_jobs=n_jobs,
                        grams=grams[alternative.features],
                    )
                    halves, reason = made.predictions(alternative, cv)
                    write_evaluation(own, cv, alternative, halves=halves, why_no_halves=reason)
                done.append(read_evaluation(own, alternative))
            except BrainAgeError as error:
                failures.append((alternative.name, str(error)))
            progress(number, len(alternatives), "sweep")
    if not done:
        reasons = "\n".join(f"{name}: {reason}" for name, reason in failures)
        raise BrainAgeError(f"sweep: none of the alternatives could be evaluated:\n{reasons}")
    result = _ranked(done, failures, seed, n_draws, rank_by)
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
    indices = {name: pd.MultiIndex.from_frame(t.rows[KEYS]) for name, t in tables.items()}
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


class _Parts:
    """Halves of each feature table, made when the first alternative on it is evaluated."""

    def __init__(self, maker: PartsMaker | None, tables: dict[str, FeatureTable], stack: ExitStack):
        self._maker, self._tables, self._stack = maker, tables, stack
        self._made: dict[str, ScanParts] = {}

    def predictions(
        self, alternative: Alternative, cv: CrossValidation
    ) -> tuple[pd.DataFrame | None, str]:
        """Return predictions of halves (`HALVES`), or None and why there are none."""
        if self._maker is None:
            return None, NOT_ASKED
        name = alternative.features
        try:
            if name not in self._made:
                maker = self._maker(name, self._tables[name])
                self._made[name] = self._stack.enter_context(maker)
            own = self._made[name]
            options, table = alternative.options, self._tables[name]
            halves = predict_halves(
                table, own.halves, options, cv, scans=own.scans, planted=own.planted
            )
            return halves, ""
        except BrainAgeError as error:
            return None, str(error)


def _ranked(
    done: list[Evaluated], failures: list, seed: int, n_draws: int, rank_by: RankBy
) -> SweepResult:
    errors = []
    for one in done:
        predictions = one.predictions
        error = (predictions["predicted_age_years"] - predictions["age_years"]).abs()
        # Every scan counts once, however often the folds were redrawn.
        errors.append(error.groupby([predictions[k] for k in KEYS], sort=True).mean())
    index = errors[0].index
    matrix = np.column_stack([e.reindex(index) for e in errors])
    people = index.get_level_values("participant_id").to_numpy()
    cohorts = People.draw(people, n_draws=n_draws, seed=seed)
    resampled = mean_errors(matrix, people, cohorts)
    counted = count_participants(
        [one.halves for one in done], [one.why_no_halves for one in done], cohorts
    )
    board = _board(done, matrix, resampled, counted, rank_by)
    return SweepResult(
        board,
        selection_corrected(matrix, resampled),
        pd.DataFrame(failures, columns=["alternative", "reason"]),
        len(matrix),
        len(cohorts.names),
        selection_corrected_participants(counted),
        rank_by,
    )


def _board(
    done: list[Evaluated],
    errors: np.ndarray,
    resampled: Resampled,
    counted: Participants,
    rank_by: RankBy,
) -> pd.DataFrame:
    """Return the leaderboard by error or by participants, both told of every alternative."""
    facts = pd.DataFrame([one.facts for one in done])
    names = [one.name for one in done]
    if rank_by == "error":
        first = first_of(errors.mean(axis=0))
        facts = pd.concat([facts, participant_columns(counted, first)], axis=1)
        return rank_alternatives(names, errors, resampled, facts)
    if not counted.measured.any():
        raise BrainAgeError(
            f"sweep: ranking by participants needs halves of scans: {done[0].why_no_halves}. Rank "
            "by error (sweep.rank_by: error)."
        )
    facts = pd.concat([facts, participant_columns(counted, first_of(counted.own))], axis=1)
    return rank_alternatives(
        names, errors, resampled, facts, ranked=counted.own, ranked_inside=counted.inside
    )


def _write_result(
    folder: Path, result: SweepResult, alternatives: Sequence[Alternative], seed: int
) -> None:
    write_table(result.leaderboard, folder / "leaderboard.tsv", LEADERBOARD)
    write_json(
        folder / "sweep.json",
        {
            "winner": result.leaderboard["alternative"].iloc[0],
            "rank_by": result.rank_by,
            "selection_corrected": asdict(result.corrected),
            "selection_corrected_participants": _finite(result.corrected_participants),
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


def _finite(corrected: SelectionCorrected | None) -> dict | None:
    """Return a record as JSON holds it: None for a number of people that is never enough."""
    if corrected is None:
        return None
    return {k: v if np.isfinite(v) else None for k, v in asdict(corrected).items()}
