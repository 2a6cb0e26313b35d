"""The corridor: every stage, twice, interrupted, and blind."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from brainage.cli import DONE, main
from brainage.config import load_study
from brainage.errors import BrainAgeError
from brainage.stages.compare import load_comparison, plan
from brainage.stages.run import run_stages
from brainage.stages.score import score
from brainage.tables import SCORES, read_table


def digest(folder: Path, *, skip=("manifest.json",)) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in skip
    }


def run_all(folder, **options):
    return list(run_stages(load_study(folder / "study.yaml"), **options))


def run_as_far_as(study, last):
    """Run a study's stages but those after the last that is wanted."""
    for stage in run_stages(study):
        if stage.name == last:
            return
    raise AssertionError(f"there was no {last}")


def test_every_stage_leaves_its_results_and_a_manifest(finished):
    out = finished / "out"
    for name in (
        "train/clocks/whole_brain.clock",
        "train/metrics.tsv",
        "score/scores.tsv",
        "compare/results/contrasts.tsv",
        "compare/plan.json",
        "truth/clock_scale.tsv",
        "report/report.html",
        "train/manifest.json",
        "score/manifest.json",
        "compare/manifest.json",
    ):
        assert (out / name).is_file(), name
    assert not list(out.rglob(".*")), "temporary files were left"


def test_a_second_run_makes_nothing_again(copy_of_finished):
    out = copy_of_finished / "out"
    kept = [
        p
        for p in out.rglob("*")
        if p.suffix in (".clock", ".npy")
        or p.name in ("scores.tsv", "contrasts.tsv", "cross_validation.tsv")
    ]
    before = {path: path.stat().st_mtime_ns for path in kept}
    assert before
    # The page is drawn anew whatever stands there.
    run_as_far_as(load_study(copy_of_finished / "study.yaml"), "recovery")
    assert {path: path.stat().st_mtime_ns for path in kept} == before


def test_a_lost_result_is_made_again_with_the_same_bytes(copy_of_finished):
    out = copy_of_finished / "out"
    before = digest(out)
    (out / "score" / "scores.tsv").unlink()
    (out / "train" / "clocks" / "whole_brain.clock").unlink()
    run_all(copy_of_finished)
    assert digest(out) == before


def test_scores_are_equal_whatever_the_arms_are(finished, copy_of_finished):
    out = copy_of_finished / "out"
    allocation = out / "data" / "trial" / "allocation.tsv"
    table = pd.read_csv(allocation, sep="\t", dtype=str)
    table["arm"] = list(reversed(table["arm"].tolist()))
    table.to_csv(allocation, sep="\t", index=False)
    people = out / "data" / "trial" / "participants.tsv"
    with_arm = pd.read_csv(people, sep="\t", dtype=str).assign(arm="HRT")
    with_arm.to_csv(people, sep="\t", index=False)
    study = load_study(copy_of_finished / "study.yaml")
    score(study, overwrite=True)
    ours, theirs = (read_table(o / "score/scores.tsv", SCORES) for o in (out, finished / "out"))
    # A second run's matrix products may round otherwise; the arms were other people's altogether.
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9, atol=1e-9)


def test_a_trial_participant_in_the_reference_is_refused(copy_of_finished, seal_again):
    out = copy_of_finished / "out"
    rows = out / "train" / "features" / "rows.tsv"
    someone = pd.read_csv(out / "score" / "scores.tsv", sep="\t", dtype=str)["participant_id"][0]
    table = pd.read_csv(rows, sep="\t", dtype=str, keep_default_na=False)
    table.loc[0, "participant_id"] = someone
    table.to_csv(rows, sep="\t", index=False)
    seal_again(rows.parent)
    study = load_study(copy_of_finished / "study.yaml")
    with pytest.raises(BrainAgeError, match=f"in the reference cohort and in the trial: {someone}"):
        score(study, overwrite=True)


@pytest.mark.engine
def test_kill_9_at_any_moment_and_a_second_run_give_the_undisturbed_bytes(
    finished, tmp_path, begin
):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.yaml").write_bytes((finished / "study.yaml").read_bytes())
    rng = random.Random()
    for stage in ("data", "train", "compare"):
        process = begin(["run", "study.yaml", "--quiet"], folder)
        while not (folder / "out" / stage).exists() and process.is_alive():
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.5))
        if process.is_alive():
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
    run_all(folder)
    whole, interrupted = digest(finished / "out"), digest(folder / "out")
    # What a killed writer leaves is a dot-file that no reader looks at.
    left = {name: h for name, h in interrupted.items() if not Path(name).name.startswith(".")}
    assert left == whole


def test_what_a_linear_clock_looks_at_is_kept_listed_and_shown(finished):
    out = finished / "out"
    outputs = json.loads((out / "train" / "manifest.json").read_text())["outputs"]
    for name in ("parcels", "networks", "stability"):
        assert (out / "train" / "explain" / f"patterns_{name}.tsv").is_file()
        assert f"explain/patterns_{name}.tsv" in outputs
    page = (out / "report" / "report.html").read_text()
    parcels = pd.read_csv(out / "train" / "explain" / "patterns_parcels.tsv", sep="\t")
    strongest = parcels.loc[parcels["pattern_absolute"].idxmax(), "parcel"]
    assert "What the clock looks at" in page
    assert f">{strongest}<" in page


def test_a_plan_gives_way_to_another_only_when_asked(copy_of_finished):
    study = load_study(copy_of_finished / "study.yaml")
    before = plan(study).read_bytes()
    other = load_study(
        copy_of_finished / "study.yaml", overrides=["science.trial.multiplicity=none"]
    )
    with pytest.raises(BrainAgeError, match="multiplicity: planned holm, used none"):
        plan(other)
    assert plan(study).read_bytes() == before
    assert plan(other, overwrite=True).read_bytes() != before


@pytest.mark.parametrize(
    "changed", ["science.clock.bias_correction=none", "science.connectivity.kinds=[pearson]"]
)
def test_a_clock_chosen_again_after_the_plan_makes_everything_post_hoc(copy_of_finished, changed):
    file = copy_of_finished / "study.yaml"
    assert load_comparison(load_study(file)).contrasts["prespecified"].all()
    views = ["science.clock.views=[pearson]"] if "kinds" in changed else []
    other = load_study(file, overrides=[changed, *views])
    with pytest.raises(BrainAgeError, match="other choices behind the scores"):
        plan(other)
    run_as_far_as(other, "compare")
    found = load_comparison(other)
    assert not found.contrasts["prespecified"].any()
    assert any("choices behind the scores" in note for note in found.notes)


def test_what_is_only_shown_beside_the_clock_is_no_other_clock(copy_of_finished):
    file = copy_of_finished / "study.yaml"
    shown = load_study(file, overrides=["science.clock.validation.n_bootstrap=60"])
    run_as_far_as(shown, "compare")
    assert load_comparison(shown).contrasts["prespecified"].all()


def test_every_verb_of_a_synthetic_study_finds_its_data(copy_of_finished, capsys):
    file = str(copy_of_finished / "study.yaml")
    page = copy_of_finished / "out" / "report" / "report.html"
    before = page.read_bytes()
    for verb in ("train", "score", "compare", "report"):
        assert main([verb, file, "--quiet"]) == DONE, verb
    assert page.read_bytes() == before
    assert main(["check", file]) == DONE
    assert "randomised, and scanned at each visit" in capsys.readouterr().out


#: Names that stand on the page as they are written elsewhere: Cohen's effect sizes, and columns of
#: the study's own allocation table.
WRITTEN_SO = {"d_z", "d_av", "sessions_attended"}


def test_no_raw_name_of_a_column_or_choice_reaches_a_reader_of_the_page(finished):
    summary = json.loads((finished / "out" / "report" / "summary.json").read_text())
    raw = set()
    for block in (block for section in summary["sections"] for block in section["blocks"]):
        texts = [block.get("caption", ""), block.get("alt", "")]
        if block["kind"] == "table":
            texts += block["columns"]
            code = block["code"]
            texts += [
                c
                for row in block["rows"]
                for c, is_code in zip(row, code, strict=True)
                if not is_code
            ]
        elif block["kind"] == "prose" and (not block["verbatim"] or block["caption"] == "Methods"):
            texts += block["lines"]
        for text in texts:
            # Names of files, and keys and ids that are shown as such, are what they are.
            words = [
                word for word in re.split(r"[\s(),;]+", text) if not re.search(r"[./:=]\w", word)
            ]
            raw |= {word.strip(".:'`") for word in words if re.search(r"\w_\w", word)}
    assert raw <= WRITTEN_SO
