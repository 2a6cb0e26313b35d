"""The ways in which a trial's allocation can be drawn again.

A draw permutes labels within blocks of the randomised list, which conditions on how many people
of each arm a block holds. Given those numbers every arrangement was equally likely under simple
randomisation (one block) and under permuted blocks, complete or cut short, whatever the ratio of
the arms; so nothing about the ratio has to be known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.tables import read_text_table

#: Fewest replayed allocations: 99 make the smallest p of 1 %.
_FEWEST_REPLAYED = 99

Scheme = Literal["simple", "permuted_blocks", "stratified_blocks", "minimisation"]


def allocation_blocks(
    allocation: pd.DataFrame,
    *,
    scheme: Scheme,
    block_size: int | None = None,
    strata: tuple[str, ...] = (),
) -> tuple[np.ndarray, str]:
    """Return which block of the scheme each randomised person belongs to.

    Parameters
    ----------
    allocation : DataFrame
        participant_id, arm and the columns of strata; **in the order of randomisation**, everyone
        who was randomised.
    scheme : {"simple", "permuted_blocks", "stratified_blocks", "minimisation"}
        As used by the trial.
    block_size : int or None, default=None
        None: unknown, then the whole list (or stratum) is one block.
    strata : tuple of str, default=()
        Columns the randomisation was stratified by (stratified_blocks only).

    Returns
    -------
    block : ndarray of int of shape (n_allocated,)
        Same number, same block.
    note : str
        The scheme in words, and what is not known about it.

    Raises
    ------
    DesignError
        Minimisation, missing strata, or complete blocks that differ in composition: then the
        rows are not in the order of randomisation, or the block size is another.
    """
    if scheme == "minimisation":
        raise DesignError(
            "randomisation scheme 'minimisation': each allocation depended on those "
            "before it, so labels cannot be drawn by permutation; give the "
            "allocations replayed by the trial's own program "
            "(paths.replayed_allocations)."
        )
    if scheme == "simple":
        return np.zeros(len(allocation), dtype=int), (
            "simple randomisation, given the number of people in each arm"
        )
    if scheme == "permuted_blocks":
        stratum = np.zeros(len(allocation), dtype=int)
    elif scheme == "stratified_blocks":
        stratum = _strata_codes(allocation, strata)
    else:
        raise DesignError(
            f"randomisation scheme '{scheme}': expected simple, permuted_blocks, "
            "stratified_blocks or minimisation."
        )
    words = (
        "permuted blocks"
        if scheme == "permuted_blocks"
        else (f"permuted blocks within {stratum.max() + 1} strata of {', '.join(strata)}")
    )
    if block_size is None:
        place = "the whole list" if scheme == "permuted_blocks" else "each stratum"
        return stratum, (
            f"{words}; the block size is not known, so {place} is treated as one "
            "block and the test is exact only if that was so"
        )
    within = pd.Series(stratum).groupby(stratum).cumcount().to_numpy() // block_size
    block = np.unique(np.column_stack([stratum, within]), axis=0, return_inverse=True)[1].ravel()
    _check_composition(allocation["arm"].to_numpy(), block, block_size)
    return block, f"{words} of {block_size}"


def draw_labels(
    block: np.ndarray, labels: np.ndarray, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Permute labels within blocks.

    Parameters
    ----------
    block : ndarray of int of shape (n,)
        From `allocation_blocks`.
    labels : ndarray of shape (n,)
        Labels as allocated.
    n_draws : int
        Number of permutations.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    drawn : ndarray of shape (n_draws, n)
        Each block holds the same labels as in `labels`.
    """
    by_block = np.argsort(block, kind="stable")
    keys = rng.random((n_draws, len(block))) + block[by_block]
    drawn = np.empty((n_draws, len(block)), dtype=labels.dtype)
    # Sorting block number + uniform shuffles people inside their block and nowhere else.
    drawn[:, by_block] = labels[by_block][np.argsort(keys, axis=1)]
    return drawn


def read_replayed(path: str | Path, allocation: pd.DataFrame, arms: tuple[str, ...]) -> np.ndarray:
    r"""Read allocations replayed by the trial's own program.

    Parameters
    ----------
    path : str or Path
        One row an allocation, one column a randomised participant (named by participant_id, with
        or without "sub-"), each cell an arm.
    allocation : DataFrame
        Everyone randomised.
    arms : tuple of str
        Names a cell may have.

    Returns
    -------
    replayed : ndarray of str of shape (n_draws, n_randomised)
        Columns in the order of `allocation`.

    Raises
    ------
    TableError
        The file cannot be read.
    DesignError
        Participants absent or unknown, cells that are no arm, fewer than 99 allocations.

    Examples
    --------
    >>> allocation = pd.DataFrame({"participant_id": ["01", "02"], "arm": ["CON", "HRT"]})
    >>> path = folder / "replayed.tsv"
    >>> _ = path.write_text("01\t02\n" + "CON\tHRT\nHRT\tCON\n" * 50)
    >>> read_replayed(path, allocation, ("CON", "HRT")).shape
    (100, 2)
    """
    text = read_text_table(path)
    text = text.set_axis([str(name).removeprefix("sub-") for name in text.columns], axis=1)
    people = list(allocation["participant_id"])
    absent = [person for person in people if person not in text]
    strange = [name for name in text if name not in set(people)]
    problems = []
    if absent or strange or text.columns.duplicated().any():
        problems.append(
            f"one column for each of the {len(people)} randomised participants, found "
            f"{text.shape[1]} (absent: {', '.join(absent[:5]) or 'none'}; unknown: "
            f"{', '.join(strange[:5]) or 'none'})"
        )
    if problems:
        raise DesignError(f"{path}: expected {'; and '.join(problems)}.")
    return check_replayed(text[people].to_numpy(dtype=str), allocation, arms, where=str(path))


def check_replayed(
    replayed: np.ndarray,
    allocation: pd.DataFrame,
    arms: tuple[str, ...],
    *,
    where: str = "replayed allocations",
) -> np.ndarray:
    """Check replayed allocations: one row each, one column a randomised participant.

    Parameters
    ----------
    replayed : ndarray of str of shape (n_draws, n_randomised)
        In the order of `allocation`.
    allocation : DataFrame
        Everyone randomised.
    arms : tuple of str
        Names a cell may have.
    where : str, default="replayed allocations"
        For messages.

    Returns
    -------
    replayed : ndarray of str

    Raises
    ------
    DesignError
        Another shape, cells that are no arm, fewer than 99 allocations.
    """
    table = np.asarray(replayed, dtype=str)
    if table.ndim != 2 or table.shape[1] != len(allocation):
        raise DesignError(f"{where}: expected (n_draws, {len(allocation)}), found {table.shape}.")
    strange = sorted(set(np.unique(table)) - set(arms))
    problems = []
    if strange:
        problems.append(f"the arms {', '.join(arms)}, also found {', '.join(strange[:5])}")
    if len(table) < _FEWEST_REPLAYED:
        problems.append(f"{_FEWEST_REPLAYED} or more allocations, one a row, found {len(table)}")
    if problems:
        raise DesignError(f"{where}: expected {'; and '.join(problems)}.")
    return table


def _strata_codes(allocation: pd.DataFrame, strata: tuple[str, ...]) -> np.ndarray:
    absent = [name for name in strata if name not in allocation]
    if not strata or absent:
        raise DesignError(
            "stratified blocks: expected the columns of the strata in the allocation "
            f"table, {'absent: ' + ', '.join(absent) if absent else 'none named'}."
        )
    missing = allocation[list(strata)].isna().any(axis=1)
    if missing.any():
        person = allocation.loc[missing, "participant_id"].iloc[0]
        raise DesignError(
            f"stratified blocks: participant {person} has no value of "
            f"{', '.join(strata)}; everyone randomised needs one."
        )
    return allocation.groupby(list(strata), sort=True).ngroup().to_numpy()


def _check_composition(arm: np.ndarray, block: np.ndarray, block_size: int) -> None:
    counts = pd.crosstab(block, arm)
    full = counts[counts.sum(axis=1) == block_size]
    if len(full) and (full != full.iloc[0]).any(axis=None):
        odd = full.index[(full != full.iloc[0]).any(axis=1)][0]
        raise DesignError(
            f"permuted blocks of {block_size}, counted stratum after stratum: blocks differ in "
            f"composition (block {full.index[0] + 1} of the list holds {_held(full.iloc[0])}, "
            f"block {odd + 1} holds {_held(full.loc[odd])}); the allocation table must be in the "
            "order of randomisation, and block_size the one used (leave it out if it is not known)."
        )


def _held(counts: pd.Series) -> str:
    return ", ".join(f"{arm} {int(n)}" for arm, n in counts.items())
