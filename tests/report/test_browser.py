"""The page in a real browser: Chromium from the PATH, driven by Playwright, nothing downloaded.

Where there is no Chromium or no Playwright these tests do not run, and the summary says so.
"""

from __future__ import annotations

import importlib.util
import shutil
import warnings
from pathlib import Path

import pytest

from brainage.report import render_report

_SPEC = importlib.util.spec_from_file_location("made", Path(__file__).with_name("conftest.py"))
_MADE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MADE)

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WIDTHS = (400, 1400)
#: Text whose contrast with what is behind it is under 4.5 (WCAG 2.1, 1.4.3).
TOO_FAINT = """() => {
  const channel = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((v) => channel(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (colour !== 'rgba(0, 0, 0, 0)' && colour !== 'transparent') { return colour; }
    }
    return 'rgb(255, 255, 255)';
  };
  const ratio = (e) => {
    const pair = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  };
  return [...document.querySelectorAll('p, td, th, a, figcaption, h2, dt, dd, summary')]
    .filter((e) => e.offsetParent && e.textContent.trim() && ratio(e) < 4.5)
    .map((e) => [ratio(e), e.tagName, e.textContent.slice(0, 30)]);
}"""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api",
        reason="BROWSER TESTS DID NOT RUN: no Playwright (pip install playwright)",
    )
    if CHROMIUM is None:
        words = "BROWSER TESTS DID NOT RUN: no Chromium on the PATH (apt-get install chromium)"
        warnings.warn(words, stacklevel=1)
        pytest.skip(words)
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def report(made_once):
    def make(folder):
        render_report(_MADE.make_results(), folder / "report.html")

    # The page that test_page.py reads: drawn once for both.
    return made_once("page", make) / "report.html"


@pytest.fixture
def opened(browser, report):
    """Open the page; what goes wrong in it is collected."""
    contexts = []

    def open_page(width: int = 1400, scheme: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        # A busy machine is slow, not wrong.
        context.set_default_timeout(180_000)
        contexts.append(context)
        page, wrong = context.new_page(), []
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                wrong.append(f"request: {request.url}")
                if not request.url.startswith(("file:", "data:"))
                else None
            ),
        )
        page.goto(report.as_uri())
        return page, wrong

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_goes_wrong_and_nothing_runs_off_the_page(opened, width, scheme):
    page, wrong = opened(width, scheme)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    # Wide tables and figures scroll within themselves; everything else stays within the page.
    off = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter((e) => !e.closest('.table, .scroll') && !e.matches('.skip')
                    && e.getBoundingClientRect().right > innerWidth + 1)
            .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert off == []
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(opened, scheme):
    page, _ = opened(scheme=scheme)
    contrasts = page.evaluate(TOO_FAINT)
    assert contrasts == []


def test_a_drawing_is_light_on_dark_paper_and_as_it_is_on_white(opened):
    shown = "getComputedStyle(document.querySelector('figure.drawn img')).filter"
    assert opened(scheme="light")[0].evaluate(shown) == "none"
    page, _ = opened(scheme="dark")
    assert "invert" in page.evaluate(shown)
    page.emulate_media(media="print")
    assert page.evaluate(shown) == "none"


def test_a_figure_is_no_narrower_than_its_letters_can_be_read(opened):
    page, _ = opened(400)
    widths = page.evaluate(
        "[...document.querySelectorAll('figure:not(.half) img')].map((i) => i.clientWidth)"
    )
    assert min(widths) >= 470


def test_every_figure_has_a_size_and_words(opened):
    page, _ = opened()
    figures = page.evaluate(
        "[...document.images].map((i) => [i.naturalWidth, i.clientWidth, i.clientHeight, i.alt])"
    )
    assert len(figures) >= 10
    for natural, width, height, words in figures:
        assert min(natural, width, height) > 40, words
        assert len(words) > 10


def test_contents_jump_to_their_sections(opened):
    page, _ = opened()
    links = page.locator("nav a")
    for i in range(links.count()):
        target = links.nth(i).get_attribute("href")
        links.nth(i).click()
        assert page.evaluate("location.hash") == target
        top = page.locator(target).bounding_box()["y"]
        at_end = page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2")
        assert at_end or -5 < top < 200


def test_a_table_sorts_by_number_and_says_so(opened):
    page, _ = opened()
    table = page.locator("#answer table").first
    column = table.locator("th", has_text="years").first
    at = column.evaluate("(th) => [...th.parentElement.children].indexOf(th)")
    column.locator("button").click()
    assert column.get_attribute("aria-sort") == "ascending"

    def numbers():
        cells = table.locator("tbody tr").evaluate_all(
            f"(rows) => rows.map((row) => row.cells[{at}].textContent)"
        )
        return [float(cell) for cell in cells]

    assert numbers() == sorted(numbers())
    column.locator("button").press("Enter")
    assert column.get_attribute("aria-sort") == "descending"
    assert numbers() == sorted(numbers(), reverse=True)


def test_a_table_copies_as_tsv(opened):
    page, _ = opened()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#answer .copy-table").first.click()
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied[0].split("\t")[:3] == ["comparison", "visit", "years"]
    assert len(copied) == 5
    assert len({line.count("\t") for line in copied}) == 1


def test_paper_has_no_folds_and_cuts_nothing(opened, tmp_path):
    page, _ = opened()
    page.emulate_media(media="print")
    page.wait_for_function("!document.querySelector('details:not([open])')")
    page.set_viewport_size({"width": 720, "height": 900})
    cut = page.evaluate(
        """() => [...document.querySelectorAll('main *')]
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 2)
            .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert cut == []
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").stat().st_size > 20_000


def test_everything_is_reached_by_the_keyboard(opened):
    page, _ = opened()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.classList[0] || document.activeElement.tagName")
        )
    assert {"skip", "table", "sort", "copy-table"} <= reached
