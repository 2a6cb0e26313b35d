"""Each visit by itself: least squares on the people of that visit."""

from __future__ import annotations

import numpy as np
import pytest

from brainage.trial.analyses.ancova_per_visit import ANCOVA


def test_contrast_of_each_visit_is_the_coefficient_of_arm_among_its_people(inputs):
    found = {(row.arm, row.visit): row for row in ANCOVA.run(inputs).contrasts}
    for visit in ("1 year", "2 years"):
        here = inputs.changes[inputs.changes["visit"] == visit]
        columns = [
            here["arm"] == "HRT",
            here["arm"] == "MIT",
            here["baseline_gap"],
            here["baseline_age"],
            here["stratum"] == "low",
            here["sex"] == "F",
        ]
        design = np.column_stack([np.ones(len(here)), *columns]).astype(float)
        by_hand = np.linalg.lstsq(design, here["change"].to_numpy(), rcond=None)[0]
        for place, arm in ((1, "HRT"), (2, "MIT")):
            row = found[arm, visit]
            assert row.found.estimate == pytest.approx(by_hand[place], rel=1e-9)
            assert row.n_model == row.n_at_visit == here["arm"].isin([arm, "CON"]).sum()


def test_rows_are_those_that_the_record_promises(inputs):
    rows = [(row.arm, row.versus, row.visit) for row in ANCOVA.run(inputs).contrasts]
    assert sorted(rows) == sorted(ANCOVA.rows(inputs.design.options))
