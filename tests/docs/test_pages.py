"""What the documentation says can be done: every command is one, every key is there, links lead."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import yaml

from brainage.cli import DONE, main
from brainage.cli.parser import parse
from brainage.config import SweepConfig
from brainage.options import key_descriptions

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
MADE = {"_build", "auto_gallery", "reference"}
PAGES = sorted(p for p in DOCS.rglob("*.md") if not MADE & set(p.parts))
HOW_TO = [page for page in PAGES if page.parent.name == "howto"]
_SPEC = importlib.util.spec_from_file_location(
    "docs_commands", PROJECT / "scripts" / "docs_commands.py"
)
SCRIPT = importlib.util.module_from_spec(_SPEC)
# Its dataclass looks for the module it stands in.
sys.modules[_SPEC.name] = SCRIPT
_SPEC.loader.exec_module(SCRIPT)


def name_of(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_is_understood_and_sets_keys_that_are_there(page):
    for block in SCRIPT.blocks(page):
        for words in block.commands():
            shown = [re.sub(r"\$\w+", "1", word) for word in words[1:] if word != "..."]
            arguments = parse(shown)
            for override in getattr(arguments, "overrides", []):
                assert_key(override.partition("=")[0])


def assert_key(dotted: str) -> None:
    model = SweepConfig
    for part in dotted.split("."):
        if model is None:
            return
        assert part in model.model_fields or not hasattr(model, "model_fields"), dotted
        model = model_in(model.model_fields[part].annotation)


def model_in(annotation):
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = model_in(argument)
        if found is not None:
            return found
    return None


@pytest.mark.parametrize("page", HOW_TO, ids=name_of)
def test_every_key_of_a_study_on_a_how_to_page_is_a_key(page):
    text = page.read_text()
    for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.S):
        walk(yaml.safe_load(block), SweepConfig, page.name)


def walk(values, model, where):
    for name, value in (values or {}).items():
        assert name in key_descriptions(model), f"{where}: {name}"
        inner = model_in(model.model_fields[name].annotation)
        if inner is not None:
            for each in value if isinstance(value, list) else [value]:
                walk(each, inner, where)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_to_pages(page):
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", text):
        assert MADE & set(Path(target).parts) or (page.parent / target).exists(), (
            f"{name_of(page)}: {target}"
        )


def test_every_page_is_in_the_contents():
    told = (DOCS / "index.md").read_text()
    for page in PAGES:
        name = str(page.relative_to(DOCS).with_suffix(""))
        assert name == "index" or re.search(rf"^{re.escape(name)}$", told, flags=re.M), name


@pytest.mark.parametrize("page", [*HOW_TO, DOCS / "tutorial.md"], ids=name_of)
def test_every_block_of_a_how_to_page_is_run_or_says_by_what(page):
    for block in SCRIPT.blocks(page):
        if block.kind == "bash" and not block.commands():
            continue
        assert block.what, f"no comment says what becomes of:\n{block.text}"
        if block.what == "run":
            assert block.name in SCRIPT.PLACES
        if block.what == "run by":
            assert (PROJECT / block.name).is_file(), block.name


@pytest.fixture
def run_here(tmp_path, monkeypatch, capsys):
    """Return what runs a page in this process: starting each command anew is most of its time."""
    monkeypatch.chdir(tmp_path)

    def run_one(words, folder):
        if words[0] == "-c":
            exec(compile(words[1], "page", "exec"), {"__name__": "__main__"})
            return None
        # What is drawn beside the SVG is no part of what a page says.
        draws = ["--set", "run.figure_files=[]"] if words[0] in ("run", "report") else []
        capsys.readouterr()
        return None if main([*words, *draws]) == DONE else "".join(capsys.readouterr())

    return lambda name: SCRIPT.run_page(DOCS / "howto" / name, tmp_path, run_one=run_one)


def test_the_pages_of_scores_alone_run_as_they_stand(tmp_path, run_here):
    assert run_here("scores_only.md") == []
    page = (tmp_path / "out" / "report" / "report.html").read_text()
    assert "the scores were made elsewhere" in page
    assert "ridge" not in page
    assert "frozen" not in page


def test_the_page_of_the_plan_runs_as_it_stands(tmp_path, run_here):
    assert run_here("plan_first.md") == []
    plan = (tmp_path / "out" / "compare" / "plan.txt").read_text()
    assert "Primary contrast" in plan


def test_the_page_of_matrices_runs_as_it_stands(tmp_path, run_here):
    assert run_here("matrices.md") == []
    assert (tmp_path / "out" / "train" / "clocks" / "whole_brain.clock").is_file()
