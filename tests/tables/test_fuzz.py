"""Mutated tables, series and matrices: read as they stand, or refused in words."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz_tables.py"


def test_mutated_tables_give_no_crash_and_no_number_that_no_line_says():
    spec = importlib.util.spec_from_file_location("fuzz_tables", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(SCRIPT.parent))
    spec.loader.exec_module(module)
    ended, faults = module.fuzz(200, seed=7)
    assert faults == []
    # Enough of both kinds of end that the test could fail.
    assert (
        min(sum(n for (_, how), n in ended.items() if how == end) for end in ("read", "refused"))
        >= 20
    )
