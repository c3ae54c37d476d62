"""Every notebook opens clean: not marked unsaved, a save changes nothing in its file, and notes are for the speaker."""

from __future__ import annotations

import nbformat
import pytest

from lab import REPOSITORY, execute

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
MODEL = "window.jupyterapp.shell.currentWidget.context.model"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_opened_a_notebook_is_not_unsaved_and_saved_it_is_the_same(lab, page, path):
    mine = lab.directory / path.name
    mine.write_bytes(path.read_bytes())
    lab.open(page, path.name)
    page.wait_for_timeout(500)
    assert page.evaluate(f"() => {MODEL}.dirty") is False
    page.evaluate(f"() => {{ {MODEL}.dirty = true; }}")
    before = mine.stat().st_mtime_ns
    execute(page, "docmanager:save")
    assert mine.stat().st_mtime_ns > before and mine.read_bytes() == path.read_bytes()
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def test_speaker_notes_are_a_line_until_they_are_clicked(lab, page):
    lab.open(page, "00_start_here.ipynb")
    notes = page.locator(".jp-MarkdownCell", has_text="Speaker notes")
    assert notes.count() == sum("Speaker notes (" in str(cell.source)
                                for cell in nbformat.read(NOTEBOOKS[0], 4).cells)
    assert {note.bounding_box()["height"] for note in notes.all()} == {12}
    notes.first.scroll_into_view_if_needed()
    summary, box = notes.first.locator("summary"), notes.first.bounding_box()
    assert not summary.is_visible()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    summary.click()
    assert notes.first.locator("p", has_text="Open with the question").is_visible()


def test_a_long_line_of_text_breaks_between_words(lab, page):
    """JupyterLab's own rule breaks it in the middle of one; a word longer than the page still breaks."""
    words = [f"{letter}" * 30 for letter in "abcdefghijklm"]
    lab.open(page, lab.write("long.ipynb", f"print({' '.join(words)!r}); print({'x' * 2000!r})"))
    execute(page, "notebook:run-all-cells")
    text = page.locator(".jp-OutputArea-output.jp-RenderedText pre")
    text.wait_for()
    heights = text.evaluate("""(pre, words) => words.map(word => {
        const node = pre.firstChild, range = document.createRange(), begin = node.textContent.indexOf(word);
        range.setStart(node, begin);
        range.setEnd(node, begin + word.length);
        return new Set([...range.getClientRects()].map(each => each.top)).size;
    })""", words)
    assert heights == [1] * len(words)
    assert text.evaluate("pre => pre.scrollWidth <= pre.clientWidth")
