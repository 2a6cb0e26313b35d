"""What was done in words is what the results hold, and absent where they hold nothing."""

from __future__ import annotations

from brainage.report import StudyResults
from brainage.report.record_sections import record_sections


def blocks_of(results):
    return {section.anchor: section.blocks for section in record_sections(results)}


def test_methods_references_and_bibtex_stand_as_they_are(trial_results):
    methods, references, bibtex = blocks_of(trial_results)["methods"]
    assert methods.lines == (" ".join(trial_results.methods),)
    assert references.lines == trial_results.references
    assert (bibtex.lines, bibtex.folded) == (("@article{holm}",), True)
    assert all(block.verbatim for block in (methods, references, bibtex))


def test_checklist_provenance_and_study_file_are_those_of_the_run(trial_results):
    found = blocks_of(trial_results)
    assert found["checklist"][0].rows == trial_results.checklist
    table, config = found["reproducibility"]
    assert table.rows == (("seed", "0"),)
    assert config.lines == ("{}",)


def test_what_is_not_known_is_not_there():
    assert not any(blocks_of(StudyResults(title="nothing")).values())
