"""What the command line understands, and what it says where it does not."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from brainage.cli.completion import completion_script
from brainage.cli.parser import _STAGES, build_parser, parse

VERBS = [*_STAGES, "init", "demo", "sweep", "power", "clock", "completion"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian", "x"], "Did you mean 'train'?"),
        (["train", "x", "--overwritte"], "Did you mean '--overwrite'?"),
        (["extract", "x", "--cohort", "trail"], "Did you mean 'trial'?"),
        (["clock", "shwo", "x"], "Did you mean 'show'?"),
        (["completion", "bsh"], "Did you mean 'bash'?"),
        (["demo", "tiny"], "Did you mean '--tiny'?"),
    ],
)
def test_a_misspelt_word_gets_the_nearest_one_and_the_verbs_own_usage(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse(arguments)
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert words in told
    if arguments[0] in VERBS:
        assert told.startswith(f"usage: brainage {arguments[0]}")


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_has_an_example_of_it(verb, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse([verb, "--help"])
    assert stopped.value.code == 0
    assert f"brainage {verb}" in capsys.readouterr().out.partition("example")[2]


@pytest.mark.parametrize("verb", ["check", "report"])
def test_flags_are_there_only_where_they_mean_something(verb):
    with pytest.raises(SystemExit):
        parse([verb, "x", "--n-jobs", "2"])


def test_every_verb_has_json():
    parser = build_parser()
    verbs = next(action.choices for action in parser._actions if action.dest == "verb")
    without = {name for name, verb in verbs.items() if "--json" not in verb.flags()}
    assert without == {"clock"}  # `clock show` and `clock list` have it


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_that_knows_verbs_flags_and_presets(shell, tmp_path):
    script = completion_script(shell)
    for word in ("compare", "recommended", "plan"):
        assert word in script
    if shutil.which(shell):
        path = tmp_path / "script"
        path.write_text(script)
        checked = subprocess.run([shell, "-n", path], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_bash_completes_verbs_and_flags():
    script = completion_script("bash")
    program = (
        f"{script}\nCOMP_WORDS=(brainage com); COMP_CWORD=1; _brainage; echo ${{COMPREPLY[@]}}\n"
        "COMP_WORDS=(brainage compare --pl); COMP_CWORD=2; _brainage; echo ${COMPREPLY[@]}\n"
    )
    told = subprocess.run(["bash", "-c", program], capture_output=True, text=True).stdout
    assert told.splitlines() == ["compare completion", "--plan --plan-hash"]
