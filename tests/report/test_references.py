"""Works are cited as a list prints them, and as BibTeX reads them."""

from __future__ import annotations

import re

from brainage.report import cite
from brainage.report.references import REFERENCES


def test_bibtex_has_families_before_initials_and_others_for_the_rest():
    _, bibtex = cite(["slope", "levakov2023"])
    assert "author = {de Lange, A.-M. G. and Cole, J. H.}" in bibtex
    assert "Yaskolka Meir, A. and others}" in bibtex
    assert "et al" not in bibtex


def test_volume_and_pages_have_fields_of_their_own():
    lines, bibtex = cite(["ledoit_wolf"])
    assert "Journal of Multivariate Analysis 88:365-411." in lines[0]
    assert "volume = {88}" in bibtex
    assert "pages = {365--411}" in bibtex
    assert "journal = {Journal of Multivariate Analysis}" in bibtex


def test_every_entry_is_whole_and_every_doi_has_the_shape_of_one():
    for key, work in REFERENCES.items():
        assert all((work.authors, work.title, work.journal, work.volume, work.pages)), key
        assert re.fullmatch(r"\d{4}", work.year), key
        assert not work.doi or re.fullmatch(r"10\.\d{4,5}/\S+", work.doi), key
        assert work.bibtex(key).count("{") == work.bibtex(key).count("}"), key


def test_each_work_is_cited_once_and_has_an_entry():
    words, bibtex = cite(["holm", "offset", "holm"])
    assert len(words) == 2
    assert bibtex.count("@article{") == 2
    assert "10.1016/j.nicl.2019.102063" in bibtex
