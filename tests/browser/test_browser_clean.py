"""Every notebook opens clean: not marked unsaved, and a save changes nothing in its file."""

from __future__ import annotations

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
