"""The lecture in a browser: stand-alone decks opened from files, and JupyterLab's deck of the notebook itself."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import TimeoutError as Timeout

import slides
from lab import REPOSITORY, done, drag, errors, found, moves

NOTEBOOKS = sorted(path.stem for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
FIRST, LIVELY = "00_start_here", "01_gradients"
OWN = ("file:", "blob:", "data:")


@pytest.fixture(scope="module")
def decks(tmp_path_factory) -> Path:
    """Every deck, as `make slides` makes it, but with few frames a figure."""
    target = tmp_path_factory.mktemp("slides")
    slides.build([], target, 24)
    return target


@pytest.fixture
def page(browser):
    """A page of the size of a slide that notes what it asks for and what goes wrong."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.asked, page.wrong = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("requestfailed", lambda request: page.wrong.append(f"failed: {request.url}"))
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
    yield page
    page.close()


def opened(page, decks: Path, name: str, query: str = ""):
    page.goto(f"{(decks / name).as_uri()}.html{query}")
    page.locator("html[data-ready]").wait_for(state="attached", timeout=60_000)
    return page


def go_to(page, figure: int = 0):
    """Turn to the slide of a live figure and return it."""
    page.evaluate("""i => { const slide = document.querySelectorAll('figure.live')[i].closest('section');
                     const { h, v } = Reveal.getIndices(slide); Reveal.slide(h, v, 99); }""", figure)
    return page.locator("figure.live").nth(figure)


SLIDES = """async () => {
  const found = [], spoken = new Set(), notes = document.querySelectorAll('template.notes').length;
  for (const slide of Reveal.getSlides()) {
    const { h, v } = Reveal.getIndices(slide);
    Reveal.slide(h, v, 99);
    await new Promise(requestAnimationFrame);
    const cells = [...slide.querySelectorAll(':scope > .cell')].map(cell => cell.id), at = `slide ${h}.${v} (${cells})`;
    if (!cells.length) found.push(`${at}: empty`);
    if (slide.scrollWidth > slide.clientWidth + 1) found.push(`${at}: cut at the right`);
    if (slide.scrollHeight > slide.clientHeight + 1) {
      found.push(`${at}: ${slide.scrollHeight} high${slide.tabIndex === 0 ? '' : ', and does not scroll by keys'}`);
    }
    const frame = slide.getBoundingClientRect();
    for (const image of slide.querySelectorAll('img, svg[aria-label]')) {
      const box = image.getBoundingClientRect();
      if (box.width < 50 || box.height < 50) found.push(`${at}: a picture of ${box.width} x ${box.height}`);
      if (box.left < frame.left - 1 || box.right > frame.right + 1) found.push(`${at}: a picture beside the slide`);
      if (image.matches('img') && !image.naturalWidth) found.push(`${at}: a broken picture`);
      if (image.matches('img:not([aria-hidden])') && image.alt.length < 15) found.push(`${at}: alt ${image.alt}`);
    }
    const read = slide.dataset.notesRead.split(' ').filter(Boolean);
    read.forEach(number => spoken.add(number));
    if (slide.querySelectorAll('aside.notes:not(.rest)').length !== read.length) found.push(`${at}: notes are missing`);
    const words = [...slide.querySelectorAll('.cell')].map(cell => {
      const copy = cell.cloneNode(true);
      copy.querySelectorAll('pre, code, script, svg').forEach(part => part.remove());
      return copy.textContent;
    }).join(' ');
    if (!slide.querySelector(':scope > .where, h1, h2')) found.push(`${at}: no heading`);
    if (/\\$|\\\\(frac|sigma|tanh|cdot)/.test(words)) found.push(`${at}: a formula as text`);
    if (slide.querySelector('[data-mml-node=merror]')) found.push(`${at}: a formula with an error`);
  }
  if (!notes || spoken.size !== notes) found.push(`${spoken.size} of ${notes} notes are read`);
  return found;
}"""


# Looked at from the back row: words, letters and figures of a slide at 1920 x 1080.
BACK_ROW = """async () => {
  const found = [], scale = Reveal.getScale();
  let figures = 0;
  for (const slide of Reveal.getSlides()) {
    const { h, v } = Reveal.getIndices(slide), at = `slide ${h}.${v}`;
    Reveal.slide(h, v, 99);
    await new Promise(requestAnimationFrame);
    const copy = slide.cloneNode(true);
    copy.querySelectorAll('aside, table, svg, .code, mjx-container, script, style, template, input')
      .forEach(each => each.remove());
    const words = (copy.textContent.match(/[a-z][\\w'’-]*/gi) ?? []).length;
    if (words > 60) found.push(`${at}: ${words} words`);
    for (const each of slide.querySelectorAll('.where, p, li, td, th, pre, label, svg text')) {
      if (!each.textContent.trim() || each.closest('aside') || !each.checkVisibility()) continue;
      const matrix = each.matches('text') ? each.getScreenCTM().a : scale * (each.currentCSSZoom ?? 1);
      const size = parseFloat(getComputedStyle(each).fontSize) * matrix;
      if (size < 18) found.push(`${at}: letters of ${size.toFixed(1)} pixels: ${each.textContent.trim().slice(0, 30)}`);
    }
    const pictures = slide.querySelectorAll('.picture, .output img, .output > svg');
    figures += pictures.length;
    for (const each of pictures) {
      const box = each.getBoundingClientRect();
      const size = `${box.width.toFixed(0)} x ${box.height.toFixed(0)}`;
      if (box.width < 1600 && box.height < 700) found.push(`${at}: a figure of ${size}`);
    }
    for (const each of slide.querySelectorAll('.code.behind')) if (each.checkVisibility()) found.push(`${at}: code`);
  }
  return [figures, found];
}"""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_slide_of_a_deck_is_whole_and_asks_nothing_of_the_network(decks, page, name):
    page.set_viewport_size({"width": 1920, "height": 1080})
    opened(page, decks, name)
    assert page.evaluate(SLIDES) == []
    assert [each for each in page.evaluate(BACK_ROW)[1] if "a figure" not in each] == []
    assert page.wrong == []
    assert {url for url in page.asked if not url.startswith(OWN)} == set()
    found = Axe().run(page).response["violations"]
    assert [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found
            if each["impact"] in ("serious", "critical")] == []


def alt(figure) -> str:
    return figure.locator("img:not([aria-hidden]), svg[role=img]").first.evaluate(
        "picture => picture.alt ?? picture.getAttribute('aria-label')")


def pixels(locator) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB")).astype(int)


def test_a_slider_moves_the_picture_by_mouse_and_keys_and_leaves_the_deck_alone(decks, page):
    opened(page, decks, LIVELY)
    figure = go_to(page)
    picture, slider = figure.locator(".picture"), figure.locator("input").first
    label = figure.locator("label").first.locator("span").inner_text()
    named = page.get_by_role("slider", name=label).first
    assert named.evaluate("(one, other) => one === other", slider.element_handle())
    before, words, place = pixels(picture), alt(figure), page.evaluate("Reveal.getIndices()")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + .9 * box["width"], box["y"] + box["height"] / 2)
    page.wait_for_function("([figure, words]) => (figure.querySelector('svg[role=img]')?.ariaLabel ?? words) !== words",
                           arg=[figure.element_handle(), words])
    moved = pixels(picture)
    assert moved.shape == before.shape and 10 < (np.abs(moved - before).max(-1) > 60).sum() < .2 * moved[..., 0].size
    value = figure.locator("output").first.inner_text()
    assert slider.get_attribute("aria-valuetext") == value
    slider.focus()
    page.keyboard.press("Home")
    assert figure.locator("output").first.inner_text() != value and alt(figure) != words
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Reveal.getIndices()") == place
    page.keyboard.press("PageDown")  # as a presenter's remote sends it
    assert page.evaluate("Reveal.getIndices()") != place


def test_the_frame_at_the_start_is_the_still(decks, page):
    opened(page, decks, LIVELY)
    for number in range(page.locator("figure.live").count()):
        figure = go_to(page, number)
        still, words = pixels(figure.locator(".picture")), alt(figure)
        figure.evaluate("figure => figure.dispatchEvent(new Event('input'))")
        figure.locator("svg[role=img]").wait_for()
        assert alt(figure) == words
        frame = pixels(figure.locator(".picture"))
        assert frame.shape == still.shape and (np.abs(frame - still).max(-1) > 60).mean() < .015, number


def test_every_control_of_the_ruler_reaches_its_frames(decks, page):
    opened(page, decks, FIRST)
    figure, seen = go_to(page), set()
    for control in figure.locator("input, select").all():
        control.evaluate("""control => { if (control.type === 'range') control.value = control.max;
                            else control.selectedIndex = control.length - 1;
                            control.dispatchEvent(new Event('input', { bubbles: true })); }""")
        page.wait_for_timeout(300)
        seen.add(alt(figure))
    assert len(seen) == figure.locator("input, select").count() and not page.wrong


def test_keys_turn_fragments_and_slides_and_notes_open(decks, page):
    opened(page, decks, FIRST)
    start = page.evaluate("Reveal.getIndices()")
    page.keyboard.press("Space")
    assert page.evaluate("Reveal.getIndices()") != start
    with page.expect_popup() as opening:
        page.keyboard.press("s")
    speaker = opening.value
    notes = speaker.locator(".speaker-controls-notes .value")
    notes.filter(has_text="min").wait_for(timeout=20_000)
    assert len(notes.inner_text()) > 60
    speaker.locator(".pacing-title:visible").wait_for()  # the minutes of the notes reached the clock
    page.evaluate("Reveal.slide(0, 0)")
    notes.filter(has_text="Open with the question").wait_for(timeout=20_000)
    speaker.close()
    total = page.evaluate("Reveal.getSlides().reduce((sum, slide) => sum + Number(slide.dataset.timing), 0)")
    spoken = page.evaluate("""[...document.querySelectorAll('template.notes')]
                              .reduce((sum, note) => sum + 60 * note.dataset.minutes, 0)""")
    assert total == pytest.approx(spoken, abs=60)


def test_dark_by_wish_of_the_system_and_by_key(decks, browser, page):
    opened(page, decks, FIRST)
    color = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(color) == "rgb(255, 255, 255)"
    page.keyboard.press("d")
    assert page.evaluate(color) == "rgb(17, 17, 17)"
    dark = browser.new_page(color_scheme="dark")
    try:
        opened(dark, decks, FIRST)
        assert dark.evaluate(color) == "rgb(17, 17, 17)"
        found = Axe().run(dark).response["violations"]
        assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    finally:
        dark.close()


def test_a_deck_prints_a_page_for_each_slide(decks, page):
    opened(page, decks, FIRST)
    slides = page.evaluate("Reveal.getTotalSlides()")
    opened(page, decks, FIRST, "?print-pdf")
    page.locator(".pdf-page").first.wait_for()
    assert page.locator(".pdf-page").count() == slides
    assert page.locator(".pdf-page .fragment").evaluate_all(
        "all => all.every(one => getComputedStyle(one).opacity === '1')")
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == slides


@pytest.fixture(scope="module")
def plan(decks) -> str:
    """The deck of the plan of 50 minutes, beside the others."""
    return slides.write_plan("50", decks, 24).name


def test_the_back_row_reads_the_lecture_of_50_minutes(decks, plan, page):
    page.set_viewport_size({"width": 1920, "height": 1080})
    opened(page, decks, plan)
    assert page.evaluate(SLIDES) == []
    figures, found = page.evaluate(BACK_ROW)
    assert figures >= 7 and found == []
    assert page.wrong == []
    assert {url for url in page.asked if not url.startswith(OWN)} == set()
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_code_stands_behind_a_key(decks, plan, page):
    opened(page, decks, plan)
    behind = page.locator(".code.behind").first
    page.evaluate("slide => { const { h, v } = Reveal.getIndices(slide.closest('section')); Reveal.slide(h, v, 99); }",
                  behind.element_handle())
    assert not behind.is_visible()
    page.keyboard.press("c")
    assert behind.is_visible()
    page.keyboard.press("c")
    assert not behind.is_visible()


def test_a_vote_is_counted_twice_and_kept(decks, plan, page):
    opened(page, decks, plan)
    vote = page.locator('.vote[data-vote="0.1"]')
    page.evaluate("slide => { const { h, v } = Reveal.getIndices(slide.closest('section')); Reveal.slide(h, v, 99); }",
                  vote.element_handle())
    place = page.evaluate("Reveal.getIndices()")
    lines, bars = vote.locator("input"), vote.locator(".bars")
    lines.nth(0).click()
    page.keyboard.type("12 5 0 3")  # a space turns no slide here
    assert bars.nth(0).get_attribute("aria-label") == "A: 12 (60 %), B: 5 (25 %), C: 0 (0 %), D: 3 (15 %)"
    for typed, wanted in (("A 1, D 3", "A: 1 (25 %), B: 0 (0 %), C: 0 (0 %), D: 3 (75 %)"),
                          ("d d a D", "A: 1 (25 %), B: 0 (0 %), C: 0 (0 %), D: 3 (75 %)"),
                          ("1 for A, 3 for D", "A: 1 (25 %), B: 0 (0 %), C: 0 (0 %), D: 3 (75 %)"),
                          ("1 hand, 0, 0, 3 hands", "A: 1 (25 %), B: 0 (0 %), C: 0 (0 %), D: 3 (75 %)")):
        lines.nth(1).fill(typed)
        assert bars.nth(1).get_attribute("aria-label") == wanted
    for typed, broken in ("12.5 3", "12.5"), ("A 12, B .5", ".5"):
        lines.nth(1).fill(typed)
        told = f"{broken} is no count of hands: type whole numbers, as 12 5 3"
        assert bars.nth(1).get_attribute("aria-label") == bars.nth(1).inner_text() == told
    lines.nth(1).fill("1 hand, 0, 0, 3 hands.")
    assert bars.nth(1).get_attribute("aria-label") == wanted
    assert page.evaluate("Reveal.getIndices()") == place
    numbers = page.locator('.vote[data-vote="3.8"]')
    numbers.locator("input").first.evaluate(
        "line => { line.value = '0.1, 1e-5 0.1'; line.dispatchEvent(new Event('input', { bubbles: true })); }")
    assert numbers.locator(".bars").first.get_attribute("aria-label") == "0.00001: 1x, 0.1: 2x, the middle"
    room = "vote => { const slide = vote.closest('section'); return slide.clientHeight - slide.scrollHeight; }"
    page.evaluate("slide => { const { h, v } = Reveal.getIndices(slide.closest('section')); Reveal.slide(h, v, 99); }",
                  numbers.element_handle())
    for line in numbers.locator("input").all():  # a class of which nobody says what another one says
        line.fill(" ".join(f"1e-{power}" for power in range(24)))
    assert numbers.evaluate(room) >= 0
    numbers.locator("input").first.fill("0.1, 1e-5 0.1")
    with page.expect_download() as saving:
        lines.nth(1).press("Enter")
        page.keyboard.press("e")
    saved = json.loads(Path(saving.value.path()).read_text())
    assert saved["votes"]["0.1 round 1"] == "12 5 0 3" and saved["votes"]["3.8 round 1"] == "0.1, 1e-5 0.1"


def test_the_handout_has_two_slides_a_page(decks, plan, page, monkeypatch):
    """Printed by hand, and as make slides prints it."""
    opened(page, decks, plan)
    pages = (page.evaluate("Reveal.getTotalSlides()") + 1) // 2
    opened(page, decks, plan, "?handout")
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == pages
    monkeypatch.setenv("CHROMIUM", found(page.context.browser.browser_type))
    deck = slides.Deck(plan, "", "", 50, 50, 0, {}, 0, 0)
    assert slides.handout(deck, decks) == f"{plan}.pdf: the handout, two slides a page"
    assert (decks / f"{plan}.pdf").read_bytes().count(b"/Type /Page\n") == pages


def test_the_index_leads_to_every_deck(decks, page):
    page.goto((decks / "index.html").as_uri())
    links = page.locator("ol a")
    targets = links.evaluate_all("all => all.map(link => link.getAttribute('href'))")
    assert targets == [f"{name}.html" for name in NOTEBOOKS]
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    links.first.click()
    page.locator("html[data-ready]").wait_for(state="attached")


# In JupyterLab

SHOWN = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .filter(cell => { const box = cell.node.getBoundingClientRect(), style = getComputedStyle(cell.node);
                    return box.width && box.height && style.display !== 'none' && style.visibility !== 'hidden'
                      && style.opacity !== '0'; })
  .map(cell => cell.model.id)"""

# The letters of text and code on the slide, in pixels: the smallest.
LETTERS = """() => Math.min(...[...document.querySelectorAll('.jp-deck-mod-visible :is(p, li, pre, .cm-line)')]
  .filter(each => each.textContent.trim() && each.checkVisibility())
  .map(each => { const zoom = each.currentCSSZoom ?? 1, size = parseFloat(getComputedStyle(each).fontSize);
                 return size * zoom; }))"""

# What of the slide lies beyond the screen, or is wider than its place.
CUT = """() => [...document.querySelectorAll('.jp-deck-mod-visible:not(.lecture-away)')].flatMap(cell =>
  [...cell.querySelectorAll('.jp-InputArea, .jp-OutputArea, pre, .cm-scroller, mjx-math, img')].filter(part => {
    const box = part.getBoundingClientRect();
    return part.checkVisibility() && (box.top < 0 || box.bottom > innerHeight + 1 || box.right > innerWidth + 1
      || part.matches('pre, .cm-scroller') && part.scrollWidth > part.clientWidth + 3);
  }).map(part => `${part.tagName} ${part.className}`))"""


# Whether each box of what was measured is as high as its two lines, the name and the value.
MEASURED = """() => [...document.querySelectorAll('.jp-deck-mod-visible:not(.lecture-away) .course-fold')].every(fold =>
  fold.getBoundingClientRect().height > 1.5 * fold.querySelector('summary').getBoundingClientRect().height)"""


def changed(page, before: list[str]) -> bool:
    """Whether other cells are shown after at most 20 seconds."""
    try:
        page.wait_for_function(f"before => String(({SHOWN})()) !== String(before)", arg=before, timeout=20_000,
                               polling=200)  # in every frame it would slow down what it waits for
    except Timeout:
        return False
    page.wait_for_timeout(600)  # pictures come, and the slide's size with them
    return True


@pytest.fixture
def as_it_comes(lab):
    """JupyterLab draws the cells that are near the screen, as for a lecturer; the other tests have all on the page."""
    settings = lab.directory.parent / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    all_cells = settings.read_text()
    settings.unlink()
    yield lab
    settings.write_text(all_cells)


@pytest.mark.parametrize("name", [FIRST, LIVELY])
def test_the_lecture_as_teaching_says_it(as_it_comes, browser, name):
    """Its keys and buttons alone: Run All, Lecture, Space, a slider, Esc, a closed tab."""
    begin = re.search(r"^## Lecture from JupyterLab.*?(?=^## )", (REPOSITORY / "notebooks" / "TEACHING.md").read_text(),
                      re.DOTALL | re.MULTILINE).group()
    for words in ("*Run > Run All Cells*", "*Lecture*", "Space", "Shift+Space", "Esc"):
        assert words in begin, words
    lab = as_it_comes
    stored = {cell.id: cell.metadata.get("slideshow", {}).get("slide_type")
              for cell in nbformat.read(lab.directory / f"{name}.ipynb", 4).cells}
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    try:
        lab.open(page, f"{name}.ipynb")
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_timeout(500)
        done(page)
        assert errors(page) == []
        page.locator(".jp-NotebookPanel-toolbar").get_by_text("Lecture", exact=True).click()
        page.locator(".jp-Deck-Remote").wait_for()
        page.wait_for_timeout(1000)
        first = page.evaluate(SHOWN)
        assert first[0] == next(cell for cell, kind in stored.items() if kind == "slide")
        seen, live, before = set(first), None, first
        assert page.evaluate(LETTERS) >= 24
        for _ in range(len(stored)):
            page.keyboard.press("Space")
            if not changed(page, before):  # the last slide
                break
            shown = page.evaluate(SHOWN)
            assert page.evaluate(LETTERS) >= 18
            assert page.evaluate(CUT) == [] and page.evaluate(MEASURED), shown
            seen, before = seen | set(shown), shown
            if live is None and page.locator(".noUi-handle:visible").count():
                live = page.locator(".jp-CodeCell:visible", has=page.locator(".noUi-handle")).first
                handle = live.locator(".noUi-handle").first
                place = handle.bounding_box()["x"]
                moves(page, live, lambda: drag(page, handle, 100))
                if name == FIRST:  # whose steps are fine: it stays below the hand
                    assert abs(handle.bounding_box()["x"] - place - 100) < 15
                moves(page, live, lambda: handle.press("ArrowLeft"))
        assert live is not None, "a live figure was shown"
        assert [cell for cell, kind in stored.items() if kind not in ("skip", "notes") and cell not in seen] == []
        assert {stored[cell] for cell in seen} <= {"slide", "subslide", "fragment", None}
        page.keyboard.press("Shift+Space")
        assert changed(page, before)
        place = page.evaluate(SHOWN)
        page.keyboard.press("Escape")
        assert changed(page, place)
        page.wait_for_timeout(500)
        assert set(page.evaluate(SHOWN)) == set(stored)
        page.locator(".jp-NotebookPanel-toolbar").get_by_text("Lecture", exact=True).click()
        assert changed(page, list(stored))
        page.wait_for_timeout(1000)
        assert page.evaluate(SHOWN) == place, "it goes on where it was left"
        kept = next((lab.directory.parent / "settings" / "jupyterlab-slideshow").glob("plugin*"))
        while "true" not in kept.read_text():  # what the extension would begin with next time
            page.wait_for_timeout(200)
    finally:
        page.close()
    again = browser.new_page(viewport={"width": 1280, "height": 720})
    try:
        lab.open(again, f"{name}.ipynb")
        again.wait_for_timeout(1500)
        assert again.evaluate("document.body.dataset.jpDeckMode") is None
        assert again.get_by_role("menuitem", name="Run", exact=True).is_visible()
        assert "true" not in kept.read_text()
    finally:
        again.close()
