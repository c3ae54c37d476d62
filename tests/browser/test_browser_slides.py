"""The lecture in a browser: stand-alone decks opened from files, and JupyterLab's deck of the notebook itself."""

from __future__ import annotations

import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

import slides
from lab import REPOSITORY, drag, errors, execute, moves, run_all

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
    if (slide.querySelectorAll('aside.notes').length !== read.length) found.push(`${at}: notes are missing`);
    const words = [...slide.querySelectorAll('.cell')].map(cell => {
      const copy = cell.cloneNode(true);
      copy.querySelectorAll('pre, code, script, svg').forEach(part => part.remove());
      return copy.textContent;
    }).join(' ');
    if (/\\$|\\\\(frac|sigma|tanh|cdot)/.test(words)) found.push(`${at}: a formula as text`);
    if (slide.querySelector('[data-mml-node=merror]')) found.push(`${at}: a formula with an error`);
  }
  if (!notes || spoken.size !== notes) found.push(`${spoken.size} of ${notes} notes are read`);
  return found;
}"""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_slide_of_a_deck_is_whole_and_asks_nothing_of_the_network(decks, page, name):
    opened(page, decks, name)
    assert page.evaluate(SLIDES) == []
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
                    return box.width && box.height && style.display !== 'none' && style.visibility !== 'hidden'; })
  .map(cell => cell.model.id)"""


@pytest.mark.parametrize("name", [FIRST, "02_recurrent_networks"])
def test_the_lecture_in_jupyterlab(lab, browser, name):
    stored = {cell.id: cell.metadata.get("slideshow", {}).get("slide_type")
              for cell in nbformat.read(lab.directory / f"{name}.ipynb", 4).cells}
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    try:
        lab.open(page, f"{name}.ipynb")
        run_all(page)
        assert errors(page) == []
        page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }")
        execute(page, "deck:start")
        page.locator(".jp-Deck-Remote").wait_for()
        seen, live = set(), None
        for _ in range(3 * len(stored)):
            shown = page.evaluate(SHOWN)
            seen |= set(shown)
            if live is None and page.locator(".noUi-handle:visible").count():
                live = page.locator(".jp-CodeCell:visible", has=page.locator(".noUi-handle")).first
                handle = live.locator(".noUi-handle").first
                moves(page, live, lambda: drag(page, handle, 120))
                moves(page, live, lambda: handle.press("ArrowLeft"))
            before = page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex")
            page.evaluate("() => window.jupyterapp.shell.currentWidget.content.activate()")
            page.keyboard.press("Space")
            page.wait_for_timeout(150)
            if page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex") == before:
                break
        assert live is not None, "a live figure was shown"
        kinds = {stored[cell] for cell in seen}
        assert not kinds & {"skip", "notes"}
        assert seen == {cell for cell, kind in stored.items() if kind not in ("skip", "notes")}
        execute(page, "deck:stop")
        page.wait_for_timeout(500)
        assert set(page.evaluate(SHOWN)) == set(stored)
    finally:
        page.close()
