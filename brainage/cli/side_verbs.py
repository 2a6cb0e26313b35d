"""The verbs beside the corridor: a study file, a sweep, a trial's size, a clock's card."""

from __future__ import annotations

import argparse
from pathlib import Path

from brainage.cli import DONE, SOME_FAILED
from brainage.cli.completion import completion_script
from brainage.cli.screen import Screen
from brainage.cli.shows import show_end
from brainage.cli.studies import overrides_of, with_own_data
from brainage.config import study_schema, study_template
from brainage.errors import ConfigError
from brainage.files import write_json, write_text

_LEADERBOARD_COLUMNS = (
    "rank",
    "alternative",
    "mae_years",
    "mae_low_years",
    "mae_high_years",
    "r",
    "worse_than_best_years",
    "mae_new_sites_years",
    "gap_slope_before",
    "gap_slope_after",
)


def run_init(arguments: argparse.Namespace, screen: Screen) -> int:
    """Write a study file and the schema editors check it with."""
    path = Path(arguments.path)
    if path.exists() and not arguments.overwrite:
        raise ConfigError(f"{path}: is there already; choose another name or add --overwrite.")
    write_text(path, study_template(arguments.preset))
    schema = path.with_name("study.schema.json")
    write_json(schema, study_schema())
    screen.line(f"wrote {path} and {schema}")
    show_end(screen, next_step=f"edit {path}, then: brainage check {path}")
    screen.result({"study": str(path), "schema": str(schema)})
    return DONE


def run_sweep(arguments: argparse.Namespace, screen: Screen) -> int:
    """Evaluate alternatives on identical folds."""
    from brainage.config import load_sweep
    from brainage.stages.sweep import sweep

    study = load_sweep(arguments.study, overrides=overrides_of(arguments))
    study = with_own_data(study, arguments.verb)
    with screen.progress() as bar:
        board = sweep(study, overwrite=arguments.overwrite, progress=bar)
    # Without leave-one-site-out that column is empty.
    screen.table(
        board.table if screen.verbose else board.table.dropna(axis="columns", how="all"),
        title="leaderboard (identical folds, uncorrected out-of-fold)",
        columns=None if screen.verbose else _LEADERBOARD_COLUMNS,
    )
    for note in board.notes:
        screen.line(note)
    for note in board.failed:
        screen.problem(note)
    show_end(screen, results=board.folder)
    screen.result(
        {
            "leaderboard": board.table.to_dict("records"),
            "notes": list(board.notes),
            "failed": list(board.failed),
        }
    )
    return SOME_FAILED if board.failed else DONE


def run_power(arguments: argparse.Namespace, screen: Screen) -> int:
    """Plan a trial's size."""
    from brainage.trial import power_two_arm

    found = power_two_arm(
        effect_years=arguments.effect_years,
        sd_years=arguments.sd_years,
        icc=arguments.icc,
        n_per_arm=arguments.n_per_arm,
        power=arguments.power,
        alpha=arguments.alpha,
        drop_out=arguments.drop_out,
        n_follow_ups=arguments.follow_ups,
    )
    screen.table(found, title="power of one arm against control")
    screen.result({"power": found.to_dict("records")})
    return DONE


def run_clock(arguments: argparse.Namespace, screen: Screen) -> int:
    """Show a clock's model card."""
    from brainage.clock import BrainClock

    clock = BrainClock.load(arguments.file)
    card = clock.card()
    for key, value in card.items():
        screen.line(f"{key}: {value}")
    if clock.regression.holds_features:
        screen.problem(f"warning: {arguments.file} holds {clock.regression.data_in_file}")
    screen.result(card)
    return DONE


def run_completion(arguments: argparse.Namespace, screen: Screen) -> int:
    """Print the completion script of a shell."""
    print(completion_script(arguments.shell), end="")
    return DONE
