"""A lesson run, saved, shut down and opened again: every figure is its picture, and no widget or bar is dead."""

from __future__ import annotations

import nbformat
import pytest

from lab import drag, execute, moves, run_all

LESSON = "00_start_here.ipynb"
BARS = """\
import os, time
os.environ.pop("TQDM_DISABLE", None)
from course_lib._progress import progress_bar

def work(stop):
    with progress_bar(100_000, True, " updates") as bar:
        while not os.path.exists(f"go-{getattr(stop, '__name__', None)}"):
            time.sleep(.05)
            bar.update()
        if stop:
            raise stop"""


STILL = ".course-stays:not(.course-box)"  # the boxes of questions stay too


def reopened(lab, page, name):
    """Save the notebook, end its kernel, open it again, and wait until a widget that is gone says so."""
    execute(page, "docmanager:save")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    lab.open(page, name)
    page.wait_for_function("() => document.body.textContent.includes('Error displaying widget')", timeout=20_000)
    return nbformat.read(lab.directory / name, 4)


def seen(page, what):
    return page.locator(f".jp-Notebook {what}:visible")


def test_every_figure_is_its_picture_and_live_again_when_its_cell_runs(lab, page):
    lab.open(page, LESSON)
    run_all(page)
    page.locator(".jp-Notebook svg[role=img]").first.wait_for()
    live, still = seen(page, "svg[role=img]").count(), seen(page, STILL).count()
    assert live > 0 and still == 0, "a picture is hidden where its figure lives"
    words = page.locator(".jp-Notebook svg[role=img]").first.get_attribute("aria-label")

    book = reopened(lab, page, LESSON)
    assert "Error displaying" not in page.locator(".jp-Notebook").inner_text()
    assert "Loading widget" not in page.locator(".jp-Notebook").inner_text()
    assert seen(page, f"{STILL} img").count() == live and seen(page, "svg[role=img]").count() == 0
    assert seen(page, f"{STILL} img").first.get_attribute("alt") == words
    assert seen(page, f"{STILL} img").first.bounding_box()["width"] > 500

    cell = page.locator(".jp-CodeCell", has=page.locator(STILL)).first
    where = next(i for i, each in enumerate(book.cells)
                 if any('class="course-stays ' in str(output.get("data")) for output in each.get("outputs", [])))
    page.evaluate("index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", where)
    execute(page, "notebook:run-all-above")
    execute(page, "notebook:run-cell")
    cell.locator("svg[role=img]").wait_for(timeout=60_000)
    assert cell.locator(f"{STILL}:visible").count() == 0
    handle = cell.locator(".noUi-handle").first
    handle.scroll_into_view_if_needed()
    moves(page, cell, lambda: drag(page, handle, 30))


@pytest.mark.parametrize("stop", ["None", "OverflowError", "KeyboardInterrupt"])
def test_a_bar_moves_and_is_gone_at_the_end(lab, page, stop):
    name = lab.write("bars.ipynb", BARS, f"work({stop})")
    lab.open(page, name)
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    bar = seen(page, "progress")
    bar.wait_for(timeout=20_000)
    first = int(bar.get_attribute("value"))
    page.wait_for_function("first => document.querySelector('progress')?.value > first", arg=first, timeout=20_000)
    (lab.directory / f"go-{stop}").touch()
    page.wait_for_function("() => ![...document.querySelectorAll('.jp-InputPrompt')]"
                           ".some(prompt => prompt.textContent.includes('*'))")
    execute(page, "docmanager:save")
    assert page.locator("progress").count() == 0
    outputs = str(nbformat.read(lab.directory / name, 4).cells[1].outputs)
    assert "progress" not in outputs.replace("progress_bar", "") and "updates" not in outputs.split("traceback")[0]
