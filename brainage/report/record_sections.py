"""The record's part of the page: Methods to paste, references, checklist, how to do it again."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from brainage.report.content import Block, Prose, Section, pairs, table_of
from brainage.report.results import StudyResults


def record_sections(results: StudyResults) -> Iterator[Section]:
    """Yield what was done in words, and what is needed to do it again.

    Parameters
    ----------
    results : StudyResults
        Everything that is shown.
    """
    yield Section("methods", "Methods, to paste", tuple(_methods(results)))
    yield Section("checklist", "Checklist", tuple(_checklist(results)))
    yield Section("reproducibility", "Doing it again", tuple(_reproducibility(results)))


def _methods(results: StudyResults) -> Iterator[Block]:
    if results.methods:
        yield Prose((" ".join(results.methods),), verbatim=True, caption="Methods")
    if results.references:
        yield Prose(results.references, verbatim=True, caption="References")
    if results.bibtex:
        yield Prose((results.bibtex,), verbatim=True, caption="BibTeX", folded=True)


def _checklist(results: StudyResults) -> Iterator[Block]:
    if results.checklist:
        table = pd.DataFrame(results.checklist, columns=["item", "answer", "source"])
        yield table_of(
            table,
            "What reviewers ask (CONSORT 2025; known pitfalls of brain-age studies), each answered "
            "from the record of this run, or not known.",
        )


def _reproducibility(results: StudyResults) -> Iterator[Block]:
    if results.provenance:
        yield pairs(list(results.provenance.items()), "Hashes, versions and seed of this result.")
    if results.config:
        yield Prose(
            (results.config,),
            verbatim=True,
            folded=True,
            caption="Study file in force, every default written out",
        )
