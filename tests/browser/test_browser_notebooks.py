"""Every notebook on disk in a real JupyterLab: it runs, it reads aloud, it is looked at in both themes."""

from __future__ import annotations

import pytest

from lab import REPOSITORY, complaints, drag, errors, moves, picture, run_all, theme

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
    handle = cell.locator(".noUi-handle").first
    handle.scroll_into_view_if_needed()
    moves(page, cell, lambda: drag(page, handle, 30))
    moves(page, cell, lambda: handle.press("ArrowLeft"))


def test_a_table_begins_where_its_text_begins(lab, page):
    page.set_viewport_size({"width": 1920, "height": 1000})
    lab.open(page, START)
    cell = page.locator(".jp-MarkdownCell", has=page.locator("table")).first
    table, text = (cell.locator(kind).first.bounding_box() for kind in ("table", "p"))
    assert table["x"] == pytest.approx(text["x"], abs=1) and table["width"] > 300
