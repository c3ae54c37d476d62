"""The browser edition at work, without the network: what to wait for is seen; each notebook ends within 180 s.

Notebooks run under Node, with the Pyodide that a browser would run. The light ones do so whenever the tests in a browser
do, all of them by hand, which takes about half an hour: pytest tests/browser/test_browser_edition.py -m ""
"""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess

import pytest

import browser_edition
import pyodide
from lab import REPOSITORY, errors, moves, requests_outside, served
from notebooks import paths, read

LIMIT = 180  # seconds of one processor, Pyodide's start included; on a busy machine they last longer
LIGHT = ("00", "01", "02", "03", "04", "05", "17")  # run whenever the tests in a browser do
HERE = {"00": "ready", "13": "newton-groups"}  # what this machine has; a median over runs that are chaotic


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    """The browser edition over a Pyodide of its own, which needs no network."""
    folder = tmp_path_factory.mktemp("offline")
    browser_edition.build(folder / "lite", folder / "scratch", pyodide.lite(), {"pyodideUrl": "./pyodide/pyodide.js"})
    (folder / "lite/pyodide").symlink_to(pyodide.pyodide())
    return folder


def offered():
    """The notebooks with something to run in a browser; all but the light ones are marked."""
    for path in paths():
        if any(cell.cell_type == "code" for cell in browser_edition.browser_book(read(path), path.stem).cells):
            marks = () if path.stem.startswith(LIGHT) else pytest.mark.long
            yield pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.parametrize("path", [*offered()])
def test_a_notebook_ends_in_time_in_pyodide_and_prints_what_it_prints_here(offline, path):
    assert shutil.which("node"), "node is missing, which runs the browser edition's Python here: install Node.js 20"
    book = offline / "scratch/files/notebooks" / path.name
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(["node", REPOSITORY / "tests/browser/pyodide_smoke.mjs", pyodide.pyodide(),
                          offline / "scratch/pypi", book], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-3000:]
    result = json.loads(next(line for line in run.stdout.splitlines() if line.startswith("{")))
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{path.stem}: {seconds:.0f} s of one processor, {result['seconds']} s by the clock; {result['slowest']}")
    print(*result["along"], sep="\n")
    assert result["errors"] == {}
    if path.stem.startswith("00"):
        assert "torch" not in result["differences"]["ready"][0][1]
    assert {*result["differences"]} <= {HERE.get(path.stem[:2])}, result["differences"]
    codes = [cell for cell in read(path).cells
             if cell.cell_type == "code" and cell.id != "colab" and not browser_edition.is_torch(cell)]
    assert result["cells"] == len(codes) + 1
    assert seconds < LIMIT


# In a real browser

def start(page, url):
    """Open notebook 00 in the browser edition and wait until it says that it is ready."""
    page.goto(f"{url}/lab/index.html?path=notebooks/00_start_here.ipynb")
    page.locator("#course-waiting", has_text="Ready after").wait_for(timeout=180_000)
    for words in ("import GradientRuler", "from course_lib import"):
        run(page, words)


def test_what_to_wait_for_is_seen_and_what_is_run_meanwhile_waits_too(offline, page):
    with served(offline / "lite") as url:
        page.goto(f"{url}/lab/index.html?path=notebooks/00_start_here.ipynb")
        strip = page.locator("#course-waiting")
        assert strip.locator("progress").is_visible() and "the first time up to a minute" in strip.inner_text()
        early = page.locator(".jp-CodeCell", has_text="import GradientRuler")
        early.locator(".cm-content").click(timeout=60_000)
        page.keyboard.press("Shift+Enter")
        early.locator(".jp-InputPrompt", has_text="[*]").wait_for(timeout=5_000)
        page.keyboard.press("Control+Enter")  # of the Markdown that comes next
        assert "▶ Python" in strip.inner_text()
        assert "2 things you ran wait and run by themselves" in strip.inner_text()
        strip.locator("text=Ready after").wait_for(timeout=180_000)
        for words, number in ("pip install", 1), ("import GradientRuler", 2):
            cell = page.locator(".jp-CodeCell", has_text=words).first
            cell.locator(".jp-InputPrompt", has_text=f"[{number}]").wait_for(timeout=60_000)
        assert errors(page) == []
        page.reload()
        page.get_by_text(re.compile(r"the last time it took \d+ s")).wait_for(timeout=30_000)


def run(page, words):
    """Run the first code cell that has these words, and return it."""
    cell = page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text=words)).first
    page.locator(".jp-Notebook").first.hover()
    for distance in [-1_000_000] + [500] * 100:  # JupyterLab has only those cells on the page that are near the view
        if cell.count():
            break
        page.mouse.wheel(0, distance)
        page.wait_for_timeout(100)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    return cell


def test_the_ruler_moves_in_a_browser_without_the_network_and_progress_outlives_the_page(offline, page):
    with served(offline / "lite") as url:
        outside = requests_outside(page, url)
        start(page, url)
        cell = run(page, "live(ruler")
        picture = cell.locator("svg[role=img]")
        picture.wait_for(timeout=60_000)
        moves(page, cell, lambda: cell.locator(".noUi-handle").first.press("End"))
        assert "gain 2" in picture.get_attribute("aria-label")
        solved = run(page, 'check("0.3"')
        solved.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text('check("0.3", lambda factor, steps: factor**steps)')
        page.keyboard.press("Control+Enter")
        solved.locator(".jp-OutputArea-output", has_text="0.3 passed").wait_for(timeout=30_000)
        solved.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]")).wait_for(timeout=30_000)  # and noted
        start(page, url)
        kept = run(page, "progress()").locator(".jp-OutputArea-output", has_text=re.compile(r"00 Start here\s*1 of 1"))
        kept.wait_for(timeout=60_000)
        assert outside == []
