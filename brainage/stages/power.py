"""The noise behind a trial's size: of a finished folder, of a clock, or of given values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from brainage.clock import BrainClock
from brainage.errors import DesignError
from brainage.stages.manifest import read_manifest
from brainage.tables import WHOLE_BRAIN, read_scores, read_table
from brainage.trial import (
    RELIABILITY,
    ClockFacts,
    ClockNoise,
    noise_of_reliability,
    noise_of_scores,
)


def noise_of(source: Path, *, network: str = WHOLE_BRAIN, share: float | None = None) -> ClockNoise:
    """Return the noise of a clock's gap between visits.

    Parameters
    ----------
    source : Path
        A finished score folder (scores.tsv), a finished compare folder (its control arm's
        reliability), a study's output folder with one of them, a scores table, or a clock file
        whose record has scans soon repeated.
    network : str, default="whole_brain"
        Whose clock.
    share : float or None, default=None
        Share of a true shift that the clock shows; None: the clock's own record, where it has one.

    Returns
    -------
    noise : ClockNoise

    Raises
    ------
    DesignError
        Nothing there of which noise could be read.
    """
    if source.suffix == ".clock":
        return _of_clock(source, share)
    for path in _tables(source):
        if not path.is_file():
            continue
        if path.name == "reliability.tsv":
            table = read_table(path, RELIABILITY)
            noise = noise_of_reliability(table, network=network, share=share)
        else:
            noise = _of_scores(path, network, share)
        said = _shows_nothing(path, network)
        return replace(noise, source=f"{noise.source}{said}") if said else noise
    raise DesignError(
        f"{source}: expected a finished score or compare folder, a scores table or a clock file, "
        "found none of their files there. Or give --icc with --sd-years or --sd-change-years."
    )


def _of_scores(path: Path, network: str, share: float | None) -> ClockNoise:
    scores = read_scores(path)
    if "gap_corrected_years" in scores:
        return noise_of_scores(scores, network=network, share=share)
    noise = noise_of_scores(scores, outcome="gap_years", network=network, share=share)
    raw = "of the raw gap, the only one there: what age does to it counts as difference of people"
    return replace(noise, source=f"{noise.source}, {raw}")


def _tables(source: Path) -> list[Path]:
    """Return the files that may hold noise, the control arm's before everybody's."""
    if source.suffix:
        return [source]
    return [
        source / "results" / "reliability.tsv",
        source / "scores.tsv",
        source / "compare" / "results" / "reliability.tsv",
        source / "score" / "scores.tsv",
    ]


def _shows_nothing(path: Path, network: str) -> str:
    """Say it where the clock behind a study's own tables shows nothing of age."""
    folder = path.parent.parent if path.parent.name == "results" else path.parent
    manifest = read_manifest(folder.parent / "score", missing_ok=True) or {}
    reason = manifest.get("options", {}).get("shows_nothing", {}).get(network)
    if reason is None:
        return ""
    return (
        f". THIS CLOCK SHOWS NOTHING OF AGE ({reason}): its noise is that of a number that hardly "
        "moves, and no size follows from it"
    )


def _of_clock(path: Path, share: float | None) -> ClockNoise:
    facts = ClockFacts.of(BrainClock.load(path).facts)
    if not np.isfinite([facts.retest_sem_years, facts.retest_icc]).all():
        raise DesignError(
            f"{path}: the clock's record has neither scans soon repeated nor halves of scans "
            "(science.evaluation.efficiency), so its noise is not known. Give a finished score or "
            "compare folder, or --icc with --sd-years."
        )
    change = float(np.sqrt(2) * facts.retest_sem_years)
    absent = (np.nan,) * 4
    words = (
        f"scans soon repeated or halves of scans, of the clock's record ({path.name}): what a "
        "brain age really moves between visits is not in it, so more people are needed"
    )
    known = facts.share if share is None else share
    return ClockNoise(change, facts.retest_icc, *absent, words, known)
