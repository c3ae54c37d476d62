"""Predictions answered by mouse, keyboard and code; boxes, folds, the page of progress, as axe and a phone see them."""

from __future__ import annotations

import re

from lab import complaints, errors, execute, run_all, theme
from test_browser_reopened import reopened

IMPORTS = "from course_lib.exercises import check, hint, predict, progress, reveal"
CELLS = ('predict("0.1", ...)', 'predict("0.2", ...)', 'reveal("0.2", .9**100)', 'check("1.2", 7)\nhint("1.2")',
         "progress()")


def run(page, number):
    """Run the cell of this number again and wait for it."""
    page.evaluate("index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", number)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell').then(() => null)")


def test_a_prediction_by_mouse_by_keyboard_and_by_code(lab, page):
    name = lab.write("boxes.ipynb", IMPORTS, *CELLS)
    lab.open(page, name)
    run_all(page)
    choice, number, revealed, checked, overview = page.locator(".jp-CodeCell").all()[1:6]
    fold = revealed.locator("details")
    assert not errors(page) and "2.7e-05" not in revealed.locator(".jp-OutputArea").inner_text()
    fold.locator("summary").click()
    assert "2.7e-05" in revealed.locator(".jp-OutputArea").inner_text()

    choice.locator("input[type=radio]").first.click()
    choice.get_by_text("0.1 noted").wait_for()
    line = number.locator("input[type=text]")
    line.focus()
    page.keyboard.type("about 1")
    page.keyboard.press("Enter")
    number.get_by_text("0.2 not noted").wait_for()
    line.fill("")
    page.keyboard.type("1e-5")
    page.keyboard.press("Enter")
    number.get_by_text("0.2 noted: 1e-05").wait_for()
    run(page, 3)
    revealed.get_by_text("You predicted: 1e-05").wait_for()
    assert "2.7e-05" in revealed.locator(".jp-OutputArea").inner_text() and fold.count() == 0

    assert re.search(r"✗ 1\.2 not yet", checked.inner_text()) and re.search(r"→ 1\.2 hint 1 of", checked.inner_text())
    assert overview.locator("progress").count() > 10
    for colors in ("light", "dark"):
        theme(page, colors)
        assert complaints(page) == []
    page.set_viewport_size({"width": 600, "height": 900})
    for box in page.locator(".course-box:visible").all():
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth + 1"), "words wrap"

    reopened(lab, page, name)
    assert "Error displaying" not in page.locator(".jp-Notebook").inner_text()
    assert "0.1 your prediction" in page.locator(".jp-CodeCell").nth(1).inner_text()


def test_what_the_cell_shows_waits_with_the_fold_but_for_errors(lab, page):
    cell = 'print("the value is", 11)\nreveal("13.2", 11)\nprint("after it")'
    name = lab.write("waits.ipynb", IMPORTS, cell, cell + "\nraise ValueError('seen at once')")
    lab.open(page, name)
    run_all(page)
    calm, failing = page.locator(".jp-CodeCell").all()[1:3]
    calm.locator("details").wait_for()
    outputs = calm.locator(".jp-OutputArea")
    assert "the value is" not in outputs.inner_text() and "after it" not in outputs.inner_text()
    failing.get_by_text("seen at once").last.wait_for()
    assert "the value is 11" not in failing.locator(".jp-OutputArea").inner_text()
    calm.locator("summary").click()
    assert "the value is 11" in outputs.inner_text() and "after it" in outputs.inner_text()

    execute(page, "docmanager:save")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")
    lab.open(page, name)
    outputs = page.locator(".jp-CodeCell").nth(1).locator(".jp-OutputArea")
    outputs.locator("details").wait_for()
    assert "the value is" not in outputs.inner_text(), "a saved notebook keeps it folded"


def test_the_lessons_as_stored_keep_what_they_measured(lab, page):
    lab.open(page, "13_what_came_after.ipynb")
    waiting = page.locator(".jp-OutputArea", has=page.locator(".course-fold"))
    waiting.first.scroll_into_view_if_needed()
    children = waiting.first.locator(".jp-OutputArea-child")
    assert [child.is_visible() for child in children.all()].count(True) == 1 < children.count()
