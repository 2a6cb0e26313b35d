"""Blocks cover every item once."""

import pytest

from brainage import blocks as module
from brainage.blocks import blocks


@pytest.mark.parametrize(
    ("n_items", "width", "expected"),
    [
        (5, 2, [(0, 2), (2, 4), (4, 5)]),
        (3, 100, [(0, 1), (1, 2), (2, 3)]),
        (3, 0, [(0, 3)]),
        (0, 7, []),
    ],
)
def test_blocks_cover_every_item_once(monkeypatch, n_items, width, expected):
    monkeypatch.setattr(module, "BLOCK_VALUES", 5)
    assert [(part.start, part.stop) for part in blocks(n_items, width)] == expected
