"""A row is planned where the plan names it, by the record alone."""

from __future__ import annotations

import pandas as pd
import pytest

from brainage.trial import AFTERWARDS, REGISTRY, write_plan
from brainage.trial.plan.labelling import labelled_table, labels_of

BY_KEY = {record.key: record for record in REGISTRY}


@pytest.mark.parametrize(
    ("record", "row", "planned"),
    [
        ("mmrm", ("HRT", "CON", "1 year"), True),
        ("mmrm", ("HRT", "MIT", "1 year"), False),
        ("mmrm", ("HRT", "CON", "6 months"), False),
        ("within_arm", ("CON", "baseline", "2 years"), True),
        ("ancova", ("HRT", "CON", "average over visits"), False),
    ],
)
def test_rows_that_the_records_promise_are_planned_and_no_others(
    make_options, tmp_path, record, row, planned
):
    options = make_options()
    plan = write_plan(options, tmp_path / "plan.json")
    assert labels_of(BY_KEY[record], options, plan, "whole_brain").prespecified(*row) is planned
    assert not labels_of(BY_KEY[record], options, None, "whole_brain").prespecified(*row)
    late = write_plan(options, tmp_path / "late.json", written=AFTERWARDS)
    assert not labels_of(BY_KEY[record], options, late, "whole_brain").prespecified(*row)


def test_estimand_is_the_same_by_any_analysis_and_another_at_another_visit(make_options):
    options = make_options()
    mmrm, ancova = (
        labels_of(BY_KEY[key], options, None, "whole_brain") for key in ("mmrm", "ancova")
    )
    name = ("HRT", "CON", "1 year")
    assert mmrm.estimand(*name) == ancova.estimand(*name)
    assert mmrm.estimand("HRT", "CON", "2 years") != mmrm.estimand(*name)


def test_table_that_describes_is_returned_as_it_is_and_another_is_marked(make_options, tmp_path):
    options = make_options()
    plan = write_plan(options, tmp_path / "plan.json")
    rows = pd.DataFrame({"arm": ["HRT", "MIT"], "visit": "1 year"})
    described = BY_KEY["description"]
    name = next(table.name for table in described.tables if table.describes)
    assert labelled_table(rows, described, name, options=options, plan=plan) is rows
    levakov = labelled_table(rows, BY_KEY["levakov"], "levakov", options=options, plan=plan)
    assert levakov["plan_hash"].eq(plan.hash).all()
    assert levakov["prespecified"].all()
    unplanned = labelled_table(rows, BY_KEY["levakov"], "levakov", options=options, plan=None)
    assert not unplanned["prespecified"].any()
