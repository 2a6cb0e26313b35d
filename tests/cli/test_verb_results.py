"""``--json`` of every verb: standard output is one document that holds the verb's results."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from brainage.cli import DONE, SOME_FAILED, main
from brainage.cli.verb_results import result_of
from brainage.cli.verbs import VERBS
from brainage.config import load_study
from brainage.imaging import write_nifti
from brainage.stages.run import run_stages

_SPEC = importlib.util.spec_from_file_location(
    "stages_study", Path(__file__).parents[1] / "stages" / "conftest.py"
)
_STAGES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_STAGES)

#: Verb -> its command, and what its document holds. `demo` is `run` of a packaged study.
VERB_AND_HELD = {
    "check": ("check study.yaml", {"lines", "tables", "problems", "stops"}),
    "clock": ("clock show out/train/clocks/whole_brain.clock", {"trained on", "atlas", "limits"}),
    "compare": (
        "compare study.yaml",
        {"contrasts", "deltas", "flow", "sensitivity", "notes", "tables", "plan_hash", "folder"},
    ),
    "completion": ("completion bash", {"shell", "script"}),
    "demo": ("run study.yaml", {"extract"}),
    "evaluate": (
        "evaluate study.yaml --set science.evaluation.learning_curve=[0.5] "
        "--set science.evaluation.learning_curve_draws=1",
        {"folder", "learning_curve", "left_out"},
    ),
    "extract": ("extract scans.yaml", {"reference", "trial"}),
    "init": ("init new.yaml", {"study", "schema", "to_do"}),
    "power": ("power out/score --effect-years -2", {"noise", "power"}),
    "report": ("report study.yaml", {"report", "summary"}),
    "run": ("run study.yaml", {"train", "score", "compare", "report", "truth", "recovery"}),
    "score": ("score study.yaml", {"scores", "n_scores", "networks", "left_out"}),
    "sweep": ("sweep sweep.yaml", {"leaderboard", "winner", "notes"}),
    "train": ("train study.yaml", {"folder", "metrics", "clocks", "left_out"}),
}
SWEEP = """\
extends: study.yaml
sweep: {choices: {bias_correction: [offset, none]}, n_draws: 100}
"""


@pytest.fixture(scope="module")
def folder(made_once, tmp_path_factory):
    """A finished study, a sweep of it, and a study of one small scan a cohort."""

    def make(here):
        for _ in run_stages(load_study(_STAGES.write_study(here))):
            pass

    made = tmp_path_factory.mktemp("json") / "study"
    shutil.copytree(made_once("finished", make), made, copy_function=shutil.copy2)
    (made / "sweep.yaml").write_text(SWEEP)
    rng, affine = np.random.default_rng(0), np.diag([10.0, 10.0, 10.0, 1.0])
    write_nifti(made / "atlas.nii.gz", np.arange(125).reshape(5, 5, 5) % 4, affine)
    for name in ("R1", "T1"):
        data = 1000 + 50 * rng.standard_normal((5, 5, 5, 80))
        write_nifti(made / f"{name}.nii.gz", data, affine, t_r_s=2.0)
        (made / f"{name}.tsv").write_text(f"path\tparticipant_id\n{name}.nii.gz\t{name}\n")
    (made / "scans.yaml").write_text(
        "extends: fisher_z_ridge\n"
        "paths: {output: of_scans, reference: {scans: R1.tsv}, trial: {scans: T1.tsv}}\n"
        "run: {n_jobs: 1}\nscience:\n  atlas: {name: toy, path: atlas.nii.gz}\n"
        "  cleaning: {strategy: none}\n"
    )
    return made


def test_no_verb_is_without_json():
    assert set(VERB_AND_HELD) == set(VERBS)


def _document(command, capsys):
    capsys.readouterr()
    assert main([*command.split(), "--json"]) in (DONE, SOME_FAILED)
    return json.loads(capsys.readouterr().out)


def _holds(found, held):
    assert held <= set(found)
    for name in held - {"problems", "stops", "left_out", "notes", "to_do"}:
        assert found[name], name


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"demo", "run"}))
def test_standard_output_is_one_document_that_holds_the_results(folder, verb, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    command, held = VERB_AND_HELD[verb]
    _holds(_document(command, capsys), held)


def test_run_holds_of_each_stage_what_its_own_verb_holds(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    command, held = VERB_AND_HELD["run"]
    whole = _document(command, capsys)
    _holds(whole, held)
    for stage in ("train", "score", "compare"):
        assert whole[stage]["already_there"]
        alone = _document(f"{stage} study.yaml", capsys)
        assert alone.items() <= whole[stage].items()


def test_a_long_list_of_scans_is_the_path_of_its_table(folder):
    import pandas as pd

    study = load_study(folder / "scans.yaml")
    columns = ["participant_id", "session_id", "run", "status", "reason"]
    many = pd.DataFrame([["a", "n/a", "n/a", "failed", "gone"]] * 60, columns=columns)
    held = result_of(study, "extract", {"trial": many})["trial"]
    assert held["not_used"] == 60
    assert held["table"].endswith("scans.tsv")
    assert result_of(study, "extract", {"trial": many[:3]})["trial"]["not_used"] == many[
        :3
    ].to_dict("records")
