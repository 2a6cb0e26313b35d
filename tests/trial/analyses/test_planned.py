"""The registry: what a record says is what the plan lists and the comparison gives."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.tables import Column, TableSchema
from brainage.trial import (
    Analysis,
    AnalysisResult,
    ResultTable,
    TrialOptions,
    compare_arms,
    write_plan,
)
from brainage.trial.analyses.planned import HEADLINE, REGISTRY, asked_for
from brainage.trial.plan.labelling import labelled_table


def test_keys_titles_and_table_names_are_unique(make_options):
    options = make_options()
    assert len({record.key for record in REGISTRY}) == len(REGISTRY)
    assert len({record.title(options) for record in REGISTRY}) == len(REGISTRY)
    tables = [table.name for record in REGISTRY for table in record.tables]
    assert len(set(tables)) == len(tables)


def test_every_style_has_one_headline():
    assert set(HEADLINE) == {"recommended", "lisa_like", "levakov2023"}


def test_settings_are_fields_of_the_options():
    for record in REGISTRY:
        assert set(record.settings) <= set(TrialOptions.model_fields), record.key


def test_rows_a_record_promises_are_the_rows_it_gives(as_drawn, make_options):
    scores, design, result = as_drawn
    columns = ["arm", "versus", "visit"]
    for record in asked_for(design.options):
        title = record.title(design.options)
        own = result.sensitivity[result.sensitivity["analysis"] == title]
        state = result.analyses.set_index("analysis").loc[record.key, "state"]
        if record.key == "mmrm":
            own = pd.concat([result.contrasts, result.deltas])
        if record.beside_headline or state != "done":
            continue
        given = {tuple(row) for row in own[columns].to_numpy()}
        assert given == set(record.rows(design.options)), record.key


def test_analysis_that_was_not_asked_for_is_not_listed_and_one_that_failed_has_its_reason(
    trial, make_options
):
    scores, design = trial
    bare = scores.assign(mean_fd_mm=np.nan)
    listed = compare_arms(bare, design).analyses.set_index("analysis")
    assert "per_protocol" not in listed.index
    assert listed.loc["motion", "state"] == "not run"
    assert "known for 0 of" in listed.loc["motion", "reason"]
    assert listed.loc["scanner", "state"] == "does not apply"
    assert listed.loc["ancova", "state"] == "done"


def test_table_row_the_plan_does_not_name_is_post_hoc(tmp_path, make_options):
    plan = write_plan(make_options(), tmp_path / "plan.json")
    named = TableSchema("levakov", (Column("arm", "text", "."), Column("visit", "text", ".")))
    record = Analysis(
        key="levakov",
        title=lambda _: "toy",
        words="toy",
        settings=("n_bootstraps",),
        run=lambda _: AnalysisResult(),
        tables=(ResultTable(named, "Toy.", planned_by=("arm", "visit")),),
    )
    rows = pd.DataFrame({"arm": ["HRT", "HRT"], "visit": ["1 year", "9 years"]})
    found = labelled_table(rows, record, "levakov", options=make_options(), plan=plan)
    assert list(found["prespecified"]) == [True, False]
    other = make_options(n_bootstraps=300)
    assert not labelled_table(rows, record, "levakov", options=other, plan=plan)[
        "prespecified"
    ].any()
