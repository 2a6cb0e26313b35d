"""How a synthetic study looks on the terminal: what was planted, and what came back of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from brainage.cli.screen import Screen

if TYPE_CHECKING:
    from brainage.stages.recovery import Recovery
    from brainage.stages.synthesize import Made


def show_synthetic(screen: Screen, made: Made) -> None:
    """Show what the synthetic study planted."""
    for line in made.lines:
        screen.line(line)


def show_truth(screen: Screen, truth: pd.DataFrame) -> None:
    """Show the planted effects beside what the frozen clock can show of them."""
    screen.table(truth, title="planted effect and its clock-scale truth")


def show_recovery(screen: Screen, recovered: Recovery) -> None:
    """Show estimates beside both truths, a miss marked as a miss."""
    whole = recovered.whole_brain
    screen.table(whole.drop(columns="method"), title="estimates beside the truth (years)")
    screen.sentence(f"{_misses(whole)} miss the clock-scale truth (5 % would be expected to)")
    screen.sentence(
        "rows against baseline also hold what all arms share (ageing that the correction "
        "misses, visit effects): compare arms by the rows against control"
    )
    networks, regions = recovered.networks, recovered.regions
    if len(networks):
        if screen.verbose:
            title = "the same of every network's clock (years)"
            screen.table(networks.drop(columns="method"), title=title)
        screen.sentence(
            f"network clocks: {_misses(networks)} miss their own clock-scale truth (5 % would be "
            "expected to; intervals of one trial's networks go together)"
        )
    if len(regions):
        named = regions[regions["level"] == "named region"]
        screen.table(
            regions if screen.verbose else named,
            title="change of connectivity beside what the planted effects do to it",
        )
        screen.line(f"connectivity of regions: {_misses(regions)} miss it")


def _misses(recovered: pd.DataFrame) -> str:
    """Say how many intervals of contrasts with control miss the truth."""
    between = recovered[recovered["versus"] != "baseline"]
    missed = int((between["interval_covers"] == "MISS").sum())
    return f"{missed} of {len(between)} intervals of contrasts with control"
