"""What stays on a real terminal, and what a log gets."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

_SPEC = importlib.util.spec_from_file_location("terminal", Path(__file__).with_name("terminal.py"))
_TERMINAL = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TERMINAL)
run_in_terminal = _TERMINAL.run_in_terminal

ARMS = ("CON", "MIT", "HRT")
VISITS = (("baseline", "bl", 0), ("1 year", "1y", 1), ("2 years", "2y", 2))
STUDY = """\
title: scores made elsewhere
paths: {output: out, scores: scores.tsv, allocation: arms.tsv}
run: {n_jobs: 1, figure_files: []}
science:
  trial:
    arms: [CON, MIT, HRT]
    control_arm: CON
    visits:
      - {label: baseline, session_id: bl, nominal_years: 0}
      - {label: 1 year, session_id: 1y, nominal_years: 1}
      - {label: 2 years, session_id: 2y, nominal_years: 2}
    primary_visit: 2 years
    n_bootstraps: 200
    randomization: {n_draws: 199}
"""


@pytest.fixture
def folder(tmp_path):
    """Sixty people scored elsewhere, at three visits, in three arms."""
    rng = np.random.default_rng(3)
    ids = [f"{i:02d}" for i in range(60)]
    arms = np.resize(ARMS, 60)
    age, person = rng.uniform(62, 70, 60), rng.normal(0, 4, 60)
    rows = []
    for _, session, years in VISITS:
        gap = person + rng.normal(0, 2, 60) - 2.0 * (years > 0) * (arms == "HRT")
        rows.append(
            pd.DataFrame(
                {
                    "participant_id": ids,
                    "session_id": session,
                    "age_years": age + years,
                    "sex": np.resize(["F", "M"], 60),
                    "site": "one",
                    "mean_fd_mm": 0.2,
                    "network": "whole_brain",
                    "predicted_age_years": age + years + gap,
                    "gap_years": gap,
                    "gap_corrected_years": gap,
                    "interval_low_years": "n/a",
                    "interval_high_years": "n/a",
                    "in_age_range": "true",
                    "distance_percentile": 50.0,
                    "clock_id": "elsewhere",
                }
            )
        )
    pd.concat(rows).to_csv(tmp_path / "scores.tsv", sep="\t", index=False)
    allocation = pd.DataFrame({"participant_id": ids, "arm": arms})
    allocation.to_csv(tmp_path / "arms.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


@pytest.mark.parametrize("width", [80, pytest.param(150, marks=pytest.mark.slow)])
def test_every_row_of_every_table_stays_on_the_screen_and_no_bar_does(begin, folder, width):
    code, screen = run_in_terminal(begin, ["run", "study.yaml"], width=width, folder=folder)
    assert code == 0, "\n".join(screen)
    deltas, contrasts = _blocks(screen, "change from baseline"), _blocks(screen, "contrasts with")
    for words in ("MIT", "HRT"):
        for visit in ("1 year", "2 years", "average over visits"):
            assert _stands(contrasts, words, visit), (words, visit, "\n".join(contrasts))
    for arm in ARMS:
        for visit in ("1 year", "2 years"):
            assert _stands(deltas, arm, visit), (arm, visit)
    assert not any("━" in line for line in screen), "a bar stayed on the screen"
    assert max(map(len, screen)) <= width


def _blocks(screen: list[str], title: str) -> list[str]:
    start = next(i for i, line in enumerate(screen) if line.startswith(title))
    ends = ("model:", "contrasts with", "==")
    stop = next(i for i in range(start + 1, len(screen)) if screen[i].startswith(ends))
    return screen[start:stop]


def _stands(lines: list[str], arm: str, visit: str) -> bool:
    """Return whether a row, or a block of lines, has this arm and visit."""
    text = "\n".join(lines)
    if any(line.split()[:1] == [arm] and all(w in line for w in visit.split()) for line in lines):
        return True
    blocks = [" ".join(block.split()) for block in text.split("\n\n")]
    wrapped = [" ".join(f"{a} {b}".split()) for a, b in zip(lines, [*lines[1:], ""], strict=True)]
    return any(
        (f"arm {arm} " in block or f"contrast {arm} - " in block) and f"visit {visit}" in block
        for block in blocks
    ) or any(
        line.startswith(arm) and all(word in line for word in visit.split()) for line in wrapped
    )


def test_a_log_has_every_line_and_the_screen_none_of_them(begin, folder):
    log = folder / "log"
    code, screen = run_in_terminal(
        begin, ["run", "study.yaml"], width=80, folder=folder, output_to=log
    )
    assert code == 0
    told = log.read_text()
    for words in (
        "== compare",
        "participants by arm and visit",
        "contrasts with control",
        "note: the plan was written by the comparison itself",
        "contrasts of whole_brain: 1 of 1",
        "results: ",
    ):
        assert words in told, words
    assert not [line for line in screen if line.strip()]


def test_json_is_alone_on_standard_output(begin, folder):
    out = folder / "out.json"
    code, screen = run_in_terminal(
        begin, ["run", "study.yaml", "--json"], width=80, folder=folder, output_to=out
    )
    assert code == 0
    found = json.loads(out.read_text())
    assert len(found["compare"]["contrasts"]) == 6
    assert found["report"]["report"].endswith("report.html")
    assert not [line for line in screen if line.strip()]


def test_sigterm_ends_a_command_with_143(folder):
    code = (
        "import os, signal, sys, threading, time\n"
        "from brainage.cli import main\n"
        "import brainage.stages.compare as compare\n"
        "def wait(*a, **k):\n"
        "    print('waits', flush=True)\n"
        "    time.sleep(60)\n"
        "compare.compare_arms = wait\n"
        "sys.exit(main(['compare', 'study.yaml', '--quiet']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().strip() == "waits"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 143
    assert "terminated; what is done is kept" in process.stderr.read()
