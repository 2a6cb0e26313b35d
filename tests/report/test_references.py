"""What ran is cited, once, and as BibTeX."""

from __future__ import annotations

import pytest

from brainage.report import cite
from brainage.report.references import REFERENCES


def test_each_work_is_cited_once_and_has_an_entry():
    words, bibtex = cite(["holm", "offset", "holm"])
    assert len(words) == 2
    assert bibtex.count("@article{") == 2
    assert "10.1016/j.nicl.2019.102063" in bibtex


@pytest.mark.parametrize("key", sorted(REFERENCES))
def test_every_work_has_author_year_and_title(key):
    work = REFERENCES[key]
    assert work.authors
    assert work.title
    assert 1930 < int(work.year) < 2030
    assert work.bibtex(key).startswith(f"@article{{{key},")
