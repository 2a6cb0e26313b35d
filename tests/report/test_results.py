"""What a report shows can be collected from a comparison made in Python."""

from __future__ import annotations

from brainage.report import StudyResults, plan_table, render_report
from brainage.synthetic import examples
from brainage.trial import write_plan


def test_a_comparison_alone_and_with_design_and_scores():
    result = examples.result()
    alone = StudyResults.of_trial(result)
    assert alone.contrasts is result.contrasts
    assert alone.gaps is None
    assert alone.provenance["hash of the plan"] == result.plan_hash
    design = examples.design()
    more = StudyResults.of_trial(result, design=design, scores=examples.scores())
    assert more.visits == ("baseline", "1 year", "2 years")
    assert set(more.gap_means["arm"]) == set(design.arms)
    assert len(more.gaps) == len(examples.scores())


def test_a_page_of_a_comparison_says_its_primary_contrast(tmp_path):
    page = render_report(examples.result(), tmp_path / "report.html", figure_files=[])
    text = page.read_text(encoding="utf-8")
    assert "HRT" in text
    assert "post hoc" in text


def test_a_plan_is_told_statement_by_statement(tmp_path):
    plan = write_plan(examples.trial_options(), tmp_path / "plan.json")
    told = plan_table(plan)
    assert told["as planned"].iloc[0] == plan.hash
    assert len(told) > 5
