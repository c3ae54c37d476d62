"""Every notebook on disk in a real JupyterLab: it runs, it reads aloud, it is looked at in both themes."""

from __future__ import annotations

import pytest

from lab import REPOSITORY, complaints, errors, picture, run_all, theme

NOTEBOOKS = sorted(path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb"))
START = "00_start_here.ipynb"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_runs_reads_aloud_and_is_seen_in_both_themes(lab, page, artifacts, name):
    lab.open(page, name)
    run_all(page)
    page.wait_for_timeout(1000)
    assert errors(page) == []
    names = page.locator('.jp-OutputArea-output img:not([aria-hidden=true])').evaluate_all(
        "images => images.map(image => image.alt)")
    assert "" not in names and "Image" not in names, "'Image' is what JupyterLab says where a picture has no alt text"
    for colours in ("light", "dark"):
        theme(page, colours)
        picture(page, artifacts / f"{name.removesuffix('.ipynb')}_{colours}.png")
    assert complaints(page) == []


def test_a_slider_of_the_first_notebook_follows_mouse_and_arrow_key(lab, page):
    lab.open(page, START)
    run_all(page)
    cell = page.locator(".jp-CodeCell", has=page.locator(".noUi-handle")).first
    cell.locator(".noUi-handle").first.scroll_into_view_if_needed()
    image, handle = cell.locator("svg[role=img]"), cell.locator(".noUi-handle").first

    def moves_by(action):
        words, before = image.get_attribute("aria-label"), image.screenshot()
        action()
        page.wait_for_function("([cell, words]) => cell.querySelector('svg[role=img]').ariaLabel !== words",
                               arg=[cell.element_handle(), words], timeout=10_000)
        assert image.screenshot() != before

    def drag():
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 30, y)
        page.mouse.up()

    def press():
        handle.focus()
        page.keyboard.press("ArrowLeft")

    moves_by(drag)
    moves_by(press)
