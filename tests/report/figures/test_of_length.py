"""The length curve's figure shows both kinds of loss where they were measured."""

import pandas as pd

from brainage.report import plot_length_curve


def test_both_kinds_of_loss_are_drawn_at_their_shares():
    rows = []
    for loss, size in (("contiguous", 2.0), ("scattered", 1.0)):
        for share in (0.25, 0.5, 0.75):
            shift = size * (1 / share - 1)
            rows.append((loss, share, shift, shift - 0.5, shift + 0.5))
    names = ["loss", "share_kept", "shift_years", "shift_low_years", "shift_high_years"]
    axes = plot_length_curve(pd.DataFrame(rows, columns=names))
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["scan cut short", "bursts of 5 volumes lost"]
    drawn = [container.lines[0].get_ydata().tolist() for container in axes.containers]
    assert drawn == [[6.0, 2.0, 2 * (1 / 0.75 - 1)], [3.0, 1.0, 1 / 0.75 - 1]]
