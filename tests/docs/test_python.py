"""The page that walks from scans to report in Python runs as it stands."""

from __future__ import annotations

import doctest
import warnings
from pathlib import Path

import matplotlib.pyplot as plt

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def test_the_page_runs_from_scans_to_report():
    # The fence that ends a block would be read as output.
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    told: list[str] = []
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doctest.DocTestRunner(optionflags=flags, verbose=False).run(test, out=told.append)
    plt.close("all")
    assert len(test.examples) > 25
    assert not told, "".join(told)
