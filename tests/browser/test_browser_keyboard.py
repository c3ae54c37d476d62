"""One whole lesson with the keyboard alone: every cell is run, a guess typed, every slider moved, a fold opened."""

from __future__ import annotations

import re

import nbformat

from lab import REPOSITORY, errors

LESSON = "01_gradients.ipynb"
GUESS = re.compile(r'predict\("([\d.]+)", \.\.\.\)')
RUNS = "() => [...document.querySelectorAll('.jp-InputPrompt')].some(prompt => prompt.textContent.includes('*'))"
WHERE = """() => {
    const notebook = window.jupyterapp.shell.currentWidget.content, element = document.activeElement;
    return {cell: notebook.activeCellIndex, handle: element.matches('[role=slider]'), fold: element.matches('summary')};
}"""
PICTURE = """() => window.jupyterapp.shell.currentWidget.content.activeCell.node
                 .querySelector('svg[role=img]')?.outerHTML"""


def tab_to(page, kind, most=40):
    """Press Tab until the focus is on a slider or a fold of the active cell."""
    cell = page.evaluate(WHERE)["cell"]
    for _ in range(most):
        page.keyboard.press("Tab")
        where = page.evaluate(WHERE)
        if where[kind] and where["cell"] == cell:
            return
    raise AssertionError(f"no {kind} of cell {cell} is reached by the Tab key")


def run_and_stay(page):
    page.keyboard.press("Control+Enter")
    page.wait_for_function(f"() => !({RUNS})()", timeout=60_000)


def move_every_slider(page):
    """Return how many sliders of the active cell changed its picture by an arrow key."""
    page.wait_for_function(f"() => ({PICTURE})()", timeout=20_000)
    sliders = page.evaluate("""() => window.jupyterapp.shell.currentWidget.content.activeCell.node
                                        .querySelectorAll('[role=slider]').length""")
    for _ in range(sliders):
        tab_to(page, "handle")
        before = page.evaluate(PICTURE)
        at_its_end = page.evaluate("() => document.activeElement.ariaValueNow === document.activeElement.ariaValueMax")
        page.keyboard.press("ArrowLeft" if at_its_end else "ArrowRight")
        page.wait_for_function(f"before => ({PICTURE})() !== before", arg=before, timeout=10_000)
    return sliders


def test_a_whole_lesson_without_a_mouse(lab, page):
    cells = nbformat.read(REPOSITORY / "notebooks" / LESSON, 4).cells
    lab.open(page, LESSON)
    moved, guessed = 0, 0
    for number, cell in enumerate(cells):
        assert page.evaluate(WHERE)["cell"] == number
        if "live(" in cell.source and cell.cell_type == "code":
            run_and_stay(page)
            moved += move_every_slider(page)
        elif GUESS.search(cell.source):
            page.keyboard.press("Enter")
            page.keyboard.press("Control+a")
            page.keyboard.type(GUESS.sub(r'predict("\1", 1.)', cell.source), delay=5)
            page.keyboard.press("Escape")
            run_and_stay(page)
            guessed += 1
        elif cell.cell_type == "markdown" and "<summary>" in cell.source:
            page.keyboard.press("Control+Enter")  # drawn anew, as readers do who run every cell
            tab_to(page, "fold")
            page.keyboard.press("Enter")
            assert page.evaluate("() => document.activeElement.parentElement.open")
        page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(50)
    page.wait_for_function(f"() => !({RUNS})()", timeout=60_000)
    assert errors(page) == []
    assert moved >= 4 and guessed >= 2
    *counts, new = page.evaluate("""() => window.jupyterapp.shell.currentWidget.content.widgets
        .filter(cell => cell.model.type === 'code').map(cell => cell.model.executionCount)""")
    assert len(counts) == sum(cell.cell_type == "code" for cell in cells) and all(counts)
    assert new is None  # the cell that the last Shift+Enter opened
