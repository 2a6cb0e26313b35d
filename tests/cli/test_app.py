"""The BIDS-App is the verbs under other names: same files, same exit codes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest

from brainage.cli import BAD_INPUT, DONE, SOME_FAILED
from brainage.cli.app import _parser, main

_PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    where = _PROJECT / "scripts" / "tiny_bids.py"
    spec = importlib.util.spec_from_file_location("tiny_bids", where)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("app")
    module.write_tiny_bids(folder / "bids", 10)
    (folder / "study.yaml").write_text(
        "extends: fisher_z_ridge\nrun: {figure_files: []}\n"
        "science:\n"
        "  clock: {validation: {n_folds: 3, n_bootstrap: 0}, networks: false}\n"
    )
    return folder


def _run(dataset: Path, out: str, level: str, *more: str) -> int:
    study = ("--study", str(dataset / "study.yaml"), "--n-jobs", "1", "--atlas", "dosenbach160")
    return main([str(dataset / "bids"), str(dataset / out), level, *study, *more])


def _series(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*_timeseries.tsv"))


def test_a_job_a_participant_then_the_group_trains_and_a_clock_scores(dataset):
    assert _run(dataset, "out", "participant", "--participant-label", "01", "sub-02") == DONE
    extracted = dataset / "out" / "extract" / "reference"
    assert [name.split("_")[0] for name in _series(extracted)] == ["sub-01", "sub-02"]
    rest = [f"{i:02d}" for i in range(3, 11)]
    assert _run(dataset, "out", "participant", "--participant-label", *rest) == DONE
    assert _run(dataset, "out", "group") == DONE
    scans = pd.read_csv(extracted / "scans.tsv", sep="\t")
    assert scans["status"].tolist() == ["done"] * 10
    (clock,) = (dataset / "out" / "train" / "clocks").glob("*.clock")
    assert (dataset / "out" / "report" / "report.html").is_file()

    scored = ("--clock", str(clock))
    assert _run(dataset, "scored", "participant", *scored, "--participant-label", "03") == DONE
    alone = pd.read_csv(dataset / "scored/participants/sub-03/score/scores.tsv", sep="\t")
    assert _run(dataset, "scored", "participant", *scored) == DONE
    assert _run(dataset, "scored", "group", *scored) == DONE
    together = pd.read_csv(dataset / "scored" / "score" / "scores.tsv", sep="\t")
    assert len(together) == 10
    row = together[together["participant_id"] == 3]
    assert row["predicted_age_years"].iloc[0] == pytest.approx(
        alone["predicted_age_years"].iloc[0], rel=1e-9
    )


def test_a_group_of_people_who_were_not_extracted_ends_as_the_verbs_do(dataset):
    assert _run(dataset, "partly", "participant", "--participant-label", "01") == DONE
    assert _run(dataset, "partly", "group") in (BAD_INPUT, SOME_FAILED)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none", "out", "group"], "none: expected a BIDS folder"),
        ([".", "out", "group"], "expected images of fMRIPrep"),
        (["bids", "out", "group", "--session-id", "1"], "at the participant level only"),
        (["bids", "out", "participant", "--clock", "no.clock"], "expected a clock file"),
        (["bids", "out", "participant", "--participant-label", "99"], "no scans of"),
        (["bids", "out", "participant", "--study", "recomended"], "no such study file or preset"),
        (["bids", "out", "participant", "--atlas", "nosuchatlas"], "no atlas"),
    ],
)
def test_what_cannot_be_run_is_said_with_exit_code_2(
    dataset, monkeypatch, tmp_path, capsys, arguments, words
):
    monkeypatch.chdir(tmp_path if arguments[0] in (".", "none") else dataset)
    assert main(arguments) == BAD_INPUT
    assert words in capsys.readouterr().err


def test_the_descriptor_lists_the_arguments_of_the_app():
    bundle = _PROJECT / "deploy" / "nipoppy"
    descriptor = json.loads((bundle / "descriptor.json").read_text())
    actions = [a for a in _parser()._actions if a.dest not in ("help", "version")]
    listed = {entry["id"]: entry for entry in descriptor["inputs"]}
    assert list(listed) == [action.dest for action in actions]
    for action in actions:
        entry = listed[action.dest]
        assert entry.get("command-line-flag") in (None, *action.option_strings)
        assert entry["optional"] == bool(action.option_strings)
        assert entry.get("value-choices") == (list(action.choices) if action.choices else None)
        assert entry.get("list", False) == (action.nargs == "+")
        assert entry["value-key"] in descriptor["command-line"].split()
    codes = {entry["code"] for entry in descriptor["error-codes"]}
    assert codes == {1, 2, 70, 130, 143}


def test_the_bundle_names_this_version_and_its_own_files():
    import brainage

    bundle = _PROJECT / "deploy" / "nipoppy"
    config = json.loads((bundle / "config.json").read_text())
    descriptor = json.loads((bundle / "descriptor.json").read_text())
    assert config["VERSION"] == descriptor["tool-version"] == brainage.__version__
    (step,) = config["STEPS"]
    for key in ("DESCRIPTOR_FILE", "INVOCATION_FILE", "TRACKER_CONFIG_FILE", "HPC_CONFIG_FILE"):
        assert (bundle / step[key]).is_file()
    invocation = json.loads((bundle / step["INVOCATION_FILE"]).read_text())
    assert set(invocation) <= {entry["id"] for entry in descriptor["inputs"]}
    assert f"brainage:{brainage.__version__}" in (_PROJECT / "Dockerfile").read_text()
