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


WORDS = [f"{letter}" * 30 for letter in "abcdefghijklm"]
SHOWN = {"printed": "print({0!r}); print('x' * 2000)",
         "Markdown": "display({{'text/markdown': '```python\\n# ' + {0!r} + '\\n' + 'x' * 2000 + '\\n```'}}, raw=True)",
         "HTML": "display({{'text/html': '<pre><code>' + {0!r} + '\\n' + 'x' * 2000 + '</code></pre>'}}, raw=True)"}


@pytest.mark.parametrize("way", SHOWN)
def test_a_long_line_of_text_breaks_between_words(lab, page, way):
    """JupyterLab's own rules break it in the middle of one; a word longer than the page still breaks."""
    lab.open(page, lab.write("long.ipynb", SHOWN[way].format(" ".join(WORDS))))
    execute(page, "notebook:run-all-cells")
    text = page.locator(".jp-OutputArea-output pre").last
    text.wait_for()
    heights = text.evaluate("""(pre, words) => {
        const texts = document.createTreeWalker(pre, NodeFilter.SHOW_TEXT), range = document.createRange();
        while (!texts.nextNode().data.includes(words[0])) ;
        return words.map(word => {
            range.setStart(texts.currentNode, texts.currentNode.data.indexOf(word));
            range.setEnd(texts.currentNode, texts.currentNode.data.indexOf(word) + word.length);
            return new Set([...range.getClientRects()].map(each => each.top)).size;
        });
    }""", WORDS)
    assert heights == [1] * len(WORDS)
    assert text.evaluate("pre => pre.scrollWidth <= pre.clientWidth")


@pytest.mark.parametrize("tag", ["p", "li"])
def test_text_that_a_cell_shows_is_no_wider_than_the_lesson_s(lab, page, tag):
    page.set_viewport_size({"width": 1920, "height": 1000})
    lab.open(page, lab.write("wide.ipynb", f"display({{'text/html': '<{tag}>{'word ' * 400}</{tag}>'}}, raw=True)"))
    execute(page, "notebook:run-all-cells")
    words = page.locator(f".jp-OutputArea-output {tag}")
    words.wait_for()
    assert words.evaluate("""words => {
        const line = words.appendChild(document.createElement('span'));
        line.textContent = '0'.repeat(75);
        return words.clientWidth <= line.getBoundingClientRect().width + 1;
    }""")
