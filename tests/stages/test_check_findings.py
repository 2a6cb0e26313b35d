"""What a check found can be written as JSON."""

from __future__ import annotations

import json

import pandas as pd

from brainage.stages.check_findings import Check


def test_findings_are_plain_values():
    found = Check()
    found.stops.append("no scans")
    found.tables["sites"] = pd.DataFrame({"site": ["A"], "n": [3]})
    text = json.dumps(found.as_dict())
    assert "no scans" in text
    assert '"A"' in text
