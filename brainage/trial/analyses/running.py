"""Run the registered analyses on the main network; what cannot be done is listed with reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from brainage.errors import DesignError
from brainage.progress import Progress, silent
from brainage.trial.analyses.record import Analysis, AnalysisInputs, AnalysisResult, NothingToDo

DONE, NOT_RUN, NOT_APPLICABLE = "done", "not run", "does not apply"
_MISSING = {
    "features": "the features of the trial's scans, which were not given",
    "outcomes": "a table of outcomes (paths.outcomes), which was not given",
    "clocks": "the clocks behind the scores, which are not known (scores made elsewhere)",
}


@dataclass(frozen=True)
class Run:
    """One registered analysis and what came of it.

    Parameters
    ----------
    record : Analysis
        Which.
    title : str
        What it is called.
    state : {"done", "not run", "does not apply"}
        What came of it.
    result : AnalysisResult or None
        None unless done.
    reason : str
        Why it is not done.
    """

    record: Analysis
    title: str
    state: str
    result: AnalysisResult | None = field(default=None, repr=False)
    reason: str = ""


def run_analyses(
    records: Iterable[Analysis], inputs: AnalysisInputs, *, progress: Progress = silent
) -> list[Run]:
    """Run analyses one after the other.

    An analysis that cannot be done (too few completers, minimisation, an input that is not
    there) does not stop the others.

    Parameters
    ----------
    records : iterable of Analysis
        In order.
    inputs : AnalysisInputs
        Of the main network.
    progress : Progress, optional
        Told of each.

    Returns
    -------
    runs : list of Run
    """
    records = list(records)
    runs = []
    for record in records:
        runs.append(_run(record, inputs))
        progress(len(runs), len(records), runs[-1].title)
    return runs


def _run(record: Analysis, inputs: AnalysisInputs) -> Run:
    title = record.title(inputs.design.options)
    needs = record.needs(inputs.design.options)
    absent = [_MISSING[need] for need in needs if not inputs.more.has(need)]
    if absent:
        return Run(record, title, NOT_RUN, reason=f"needs {' and '.join(absent)}")
    try:
        result = record.run(inputs)
    except NothingToDo as nothing:
        return Run(record, title, NOT_APPLICABLE, reason=str(nothing))
    except DesignError as error:
        return Run(record, title, NOT_RUN, reason=str(error))
    return Run(record, result.title or title, DONE, result)


def run_notes(runs: Iterable[Run]) -> list[str]:
    """Say what was not done and why, and what the analyses say of themselves."""
    runs = list(runs)
    notes = [
        f"analysis '{each.title}' was not done: {each.reason}"
        for each in runs
        if each.state == NOT_RUN
    ]
    said = [(each.title, note) for each in runs if each.result for note in each.result.notes]
    return [*notes, *grouped_notes(said)]


def grouped_notes(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return each different note once, headed by the analyses or networks that say it."""
    said: dict[str, list[str]] = {}
    for name, note in pairs:
        said.setdefault(note, []).append(name)
    return [f"{', '.join(names)}: {note}" for note, names in said.items()]
