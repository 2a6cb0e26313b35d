"""Every module has a test of its name in its room's folder; the rest are named, and only go."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
#: Tested through the verbs, stages and analyses that call them. Write the test and take the name
#: out; nothing is put in.
THROUGH_OTHERS = {
    "cli/argument_parser.py",
    "cli/check_verb.py",
    "cli/cluster.py",
    "cli/shows.py",
    "cli/side_flags.py",
    "cli/side_verbs.py",
    "cli/verbs.py",
    "connectivity/half_features.py",
    "connectivity/session_features.py",
    "connectivity/session_rows.py",
    "report/clock_sections.py",
    "report/figures/drawing.py",
    "report/figures/flow.py",
    "report/figures/of_clock.py",
    "report/figures/of_scans.py",
    "report/figures/of_trial.py",
    "report/figures/specification.py",
    "report/record_sections.py",
    "report/scan_sections.py",
    "report/trial_sections.py",
    "stages/calibrate.py",
    "stages/check_cohort.py",
    "stages/describe.py",
    "stages/evaluate.py",
    "stages/executor.py",
    "stages/half_scans.py",
    "stages/recovery.py",
    "stages/repeated_scans.py",
    "stages/report.py",
    "stages/report_checklist.py",
    "stages/report_clock.py",
    "stages/report_tables.py",
    "stages/scan_work.py",
    "stages/score.py",
    "stages/separation.py",
    "stages/synthesize.py",
    "stages/trial_efficiency.py",
    "stages/trial_inputs.py",
}


def test_every_module_has_a_test_of_its_name():
    package, without = PROJECT / "brainage", set()
    for path in package.rglob("*.py"):
        inside = path.relative_to(package)
        mirrored = PROJECT / "tests" / inside.parent / f"test_{inside.name}"
        if inside.name not in ("__init__.py", "__main__.py") and not mirrored.is_file():
            without.add(inside.as_posix())
    assert not without - THROUGH_OTHERS
