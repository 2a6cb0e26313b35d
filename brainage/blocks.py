"""How much of an array is worked on at a time: blocks of about 64 MB in float64."""

from __future__ import annotations

from collections.abc import Iterator

#: Values of a block held in float64.
BLOCK_VALUES = 8_000_000


def blocks(n_items: int, values_an_item: int, *, least: int = 1) -> Iterator[slice]:
    """Yield slices over items that together hold about `BLOCK_VALUES` values each.

    Parameters
    ----------
    n_items : int
        Rows, columns or whatever is taken block by block.
    values_an_item : int
        Values that one item brings into memory (columns of a row, rows of a column).
    least : int, default=1
        Items of a block whatever they hold.

    Yields
    ------
    part : slice
        At least one item; the last one may be shorter. None where `n_items` is 0.
    """
    step = max(least, BLOCK_VALUES // max(values_an_item, 1))
    for start in range(0, n_items, step):
        yield slice(start, min(start + step, n_items))
