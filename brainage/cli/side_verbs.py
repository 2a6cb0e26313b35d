"""The verbs beside the corridor: a study file, a sweep, a trial's size, a clock's card."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from brainage.cli import DONE, SOME_FAILED
from brainage.cli.completion import completion_script
from brainage.cli.screen import Screen
from brainage.cli.shows import show_end
from brainage.cli.studies import overrides_of, refuse_without_data
from brainage.config import DEFAULT, find_study_file, study_schema, study_template
from brainage.errors import ConfigError
from brainage.files import write_json, write_text
from brainage.number_words import cell
from brainage.raw_names import said, said_key

if TYPE_CHECKING:
    from brainage.trial import TrialShape

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
    "share_used",
    "latent_noise_years",
    "participants",
)


def run_init(arguments: argparse.Namespace, screen: Screen) -> int:
    """Write a study file, from what is found where that is asked for, and its schema."""
    given = arguments.where
    is_folder = given is not None and Path(given).is_dir()
    found = is_folder or arguments.scores or arguments.clock or arguments.reference
    if not found and given is None:
        raise ConfigError(
            "init: expected a study file to write, a folder of derivatives, --scores or --clock, "
            "found none. `brainage init --help` has an example of each."
        )
    if found and not is_folder and given is not None:
        raise ConfigError(f"{given}: expected a folder of derivatives, found none there.")
    path = Path(arguments.to or ("study.yaml" if found else given))
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(
            f"{path}: expected a study file to write (*.yaml) or a folder of derivatives that is "
            "there, found neither."
        )
    if path.exists() and not arguments.overwrite:
        raise ConfigError(f"{path}: is there already; choose another name or add --overwrite.")
    to_do: list[str] = []
    if found:
        text, to_do = _described(arguments, path)
    else:
        text = study_template(arguments.preset or DEFAULT)
    write_text(path, text)
    schema = path.with_name("study.schema.json")
    write_json(schema, study_schema())
    screen.line(f"wrote {path} and {schema}")
    for each in to_do:
        screen.line(f"to look at, marked CHANGE: {each}")
    show_end(screen, next_step=f"edit {path}, then: brainage check {path}")
    screen.result({"study": str(path), "schema": str(schema), "to_do": to_do})
    return DONE


def _described(arguments: argparse.Namespace, path: Path) -> tuple[str, list[str]]:
    from brainage.clock import find_clock_file
    from brainage.stages.describe import describe_folder
    from brainage.stages.study_text import study_text

    if arguments.preset is not None:
        find_study_file(arguments.preset)
    folder = describe_folder(arguments.where) if arguments.where is not None else None
    reference = describe_folder(arguments.reference) if arguments.reference else None
    trial = None
    # One folder alone is the trial's where people come several times or a clock is there already.
    if folder is not None and (arguments.clock or reference or len(folder.sessions) > 1):
        trial = folder
    elif folder is not None:
        reference = folder
    return study_text(
        preset=arguments.preset,
        base=path.parent,
        trial=trial,
        reference=reference,
        clock=find_clock_file(arguments.clock) if arguments.clock else None,
        scores=Path(arguments.scores) if arguments.scores else None,
    )


def run_sweep(arguments: argparse.Namespace, screen: Screen) -> int:
    """Evaluate alternatives on identical folds."""
    from brainage.config import load_sweep
    from brainage.stages.sweep import sweep

    study = load_sweep(arguments.study, overrides=overrides_of(arguments))
    refuse_without_data(study, arguments.verb)
    with screen.progress() as bar:
        board = sweep(study, overwrite=arguments.overwrite, progress=bar)
    # Without leave-one-site-out that column is empty. A corrected slope is a zero but for rounding.
    shown = board.table.round(4)
    screen.table(
        shown if screen.verbose else shown.dropna(axis="columns", how="all"),
        title="leaderboard (identical folds, uncorrected out-of-fold)",
        columns=None if screen.verbose else _LEADERBOARD_COLUMNS,
    )
    for note in board.notes:
        screen.line(note)
    for note in dict.fromkeys(board.table["efficiency_note"].dropna()):
        screen.line(f"participants per arm, one latent year: {note}")
    for note in board.failed:
        screen.problem(note)
    after = None if board.winner is None else f"brainage train {shlex.quote(str(board.winner))}"
    show_end(screen, results=board.folder, next_step=after)
    screen.result(
        {
            "leaderboard": board.table.to_dict("records"),
            "notes": list(board.notes),
            "failed": list(board.failed),
            "winner": None if board.winner is None else str(board.winner),
        }
    )
    return SOME_FAILED if board.failed else DONE


def run_power(arguments: argparse.Namespace, screen: Screen) -> int:
    """Plan a trial's size."""
    from brainage.stages.power import noise_of
    from brainage.trial import TrialShape, given_noise, power_curve, trial_power

    if arguments.effect_years is None:
        raise ConfigError("--effect-years: expected the difference between arms to be found.")
    values = (arguments.sd_years, arguments.sd_change_years, arguments.icc)
    if arguments.source and any(value is not None for value in values):
        raise ConfigError(
            "power: expected a folder, table or clock, or --icc with a standard deviation; found "
            "both."
        )
    if arguments.source:
        noise = noise_of(Path(arguments.source), network=arguments.network, share=arguments.share)
    else:
        noise = given_noise(
            sd_years=arguments.sd_years,
            sd_change_years=arguments.sd_change_years,
            icc=arguments.icc,
            share=arguments.share,
        )
    shape = TrialShape(
        ratio=arguments.ratio,
        drop_out=arguments.drop_out,
        n_follow_ups=arguments.follow_ups,
        alpha=arguments.alpha,
        n_sites=arguments.sites,
        site_icc=arguments.site_icc,
        randomised="sites" if arguments.whole_sites else "people",
    )
    asked = {"effect_years": arguments.effect_years, "noise": noise, "shape": shape}
    found = trial_power(**asked, n_control=arguments.n_per_arm, power=arguments.power)
    screen.line(
        f"noise: SD of change {noise.sd_change_years:.2f} years, correlation of two visits "
        f"{noise.icc:.2f}; {noise.source}"
    )
    screen.table(
        found,
        title="power of one arm against control, over the band of the noise",
        columns=None if screen.verbose else _POWER_COLUMNS,
    )
    result = {"noise": vars(noise), "power": found.to_dict("records")}
    if arguments.simulate:
        drawn = _simulated(found, shape, arguments.simulate)
        screen.table(drawn, title=f"{arguments.simulate} drawn trials beside the closed form")
        result["simulated"] = drawn.to_dict("records")
    if arguments.curve:
        curve = power_curve(**asked, sizes=tuple(arguments.curve))
        screen.table(curve, title="power by size", columns=_CURVE_COLUMNS)
        result["curve"] = curve.to_dict("records")
    screen.result(result)
    show_end(
        screen,
        next_step="a trial of that size: brainage init FOLDER, then brainage compare --plan writes "
        "its analysis plan; power --json prints these numbers as data",
    )
    return DONE


_POWER_COLUMNS = (
    "analysis",
    "noise",
    "effect_read_as",
    "effect_on_clock_years",
    "n_arm",
    "n_control",
    "power",
    "detectable_years",
)
_CURVE_COLUMNS = ("analysis", "noise", "effect_read_as", "n_arm", "n_control", "power")


def _simulated(found: pd.DataFrame, shape: TrialShape, n_trials: int) -> pd.DataFrame:
    """Return drawn power beside that of the closed form, for the noise as found."""
    from brainage.trial import simulated_power

    rows = []
    known = found[(found["noise"] == "as found") & found["power"].notna()]
    for row in known[known["analysis"] != "mmrm"].to_dict("records"):
        drawn = simulated_power(
            effect_years=row["effect_on_clock_years"],
            sd_change_years=row["sd_change_years"],
            icc=row["icc"],
            n_control=int(row["n_control"]),
            shape=shape,
            analysis=row["analysis"],
            n_trials=n_trials,
        )
        named = {name: row[name] for name in ("analysis", "effect_read_as", "n_control", "power")}
        rows.append(named | {"simulated_power": drawn.power, "mc_se": drawn.mc_se})
    return pd.DataFrame(rows)


def run_clock(arguments: argparse.Namespace, screen: Screen) -> int:
    """Show a clock's model card, or the clocks that come with the package."""
    from brainage.clock import BrainClock, find_clock_file, packaged_clocks

    if arguments.action == "list":
        clocks = {name: BrainClock.load(path).card() for name, path in packaged_clocks().items()}
        for name, card in clocks.items():
            screen.line(f"{name}: {card['trained on']}; {card['features']} of {card['atlas']}")
        screen.result({name: card["clock"] for name, card in clocks.items()})
        show_end(screen, next_step="brainage clock show NAME, or paths.clock: NAME in a study file")
        return DONE
    clock = BrainClock.load(find_clock_file(arguments.file))
    card = clock.card()
    for key, value in card.items():
        screen.sentence(f"{said_key(key)}: {said(cell(value))}")
    if clock.regression.holds_features:
        screen.problem(f"warning: {arguments.file} holds {clock.regression.data_in_file}")
    screen.result(card)
    show_end(screen, next_step=f"brainage init FOLDER --clock {arguments.file}")
    return DONE


def run_completion(arguments: argparse.Namespace, screen: Screen) -> int:
    """Print the completion script of a shell."""
    script = completion_script(arguments.shell)
    if not screen.silent:
        print(script, end="")
    screen.result({"shell": arguments.shell, "script": script})
    return DONE
