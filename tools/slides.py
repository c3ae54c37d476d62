"""Make of each stored notebook a lecture that needs no kernel and no network: a reveal.js deck in build/slides.

    python tools/slides.py [05_singular_values ...]      make slides [NB=05_singular_values]

The notebooks' slide types are the lecture: slide, subslide, fragment, notes, skip. Outputs are the stored ones; nothing
is run but what makes the live figures (frames.py), which then move by precomputed frames.
"""
from __future__ import annotations

import argparse
import html
import json
import multiprocessing
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from assets import MissingAsset, mathjax, revealjs
from frames import KEPT, MOST_FRAMES, kept
from notebook_rules import NOTES, slide_type
from notebooks import ROOT, paths, read

SOURCES = Path(__file__).resolve().parent / "slides"
TARGET = ROOT / "build" / "slides"
MOST_BYTES = 15e6
PAGES = Environment(loader=FileSystemLoader(SOURCES), autoescape=True, undefined=StrictUndefined,
                    trim_blocks=True, lstrip_blocks=True)
TYPED = (  # what a prediction says to a reader of the notebook -> what it says to a room
    (re.compile(r"\bPut\s+(.+?)\s+in\s+place\s+of\s+the\s+\.\.\.\s+and\s+run\s+the\s+cell\s+again\.", re.DOTALL),
     r"Say \1."),
    (re.compile(r"^No prediction yet\..*\n?", re.MULTILINE), ""),
)
LINK = re.compile(r'href="([^":#]+?)\.ipynb(?:#([^"]*))?"')
LIVE_LINE = re.compile(r"live\(.*\)", re.DOTALL)


class NotExecuted(Exception):
    """Which notebook holds no outputs, and what to do."""


class Deck(NamedTuple):
    """A deck as index.html lists it."""

    name: str
    title: str
    question: str
    minutes: int
    spoken: int
    moving: int
    still: dict[str, str]
    bytes: int
    seconds: float


class Slide(NamedTuple):
    """A slide: its cells as HTML, and the speaker notes that are read to it."""

    cells: list[Markup]
    notes: list[int]


def check_executed(book: NotebookNode, name: str) -> None:
    """Raise NotExecuted if a code cell was not executed."""
    missing = [cell.id for cell in book.cells
               if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None]
    if missing:
        raise NotExecuted(f"{name}: not executed ({', '.join(missing[:3])}{' ...' * (len(missing) > 3)}). "
                          f"Run `make notebooks NB={name}` first.")


def write_deck(path: Path, target: Path, most: int = MOST_FRAMES, folder: Path = KEPT) -> Deck:
    """Write the notebook's deck into `target` and return what the index says of it.

    most     frames a live figure, at most
    folder   keeps the frames of earlier calls
    errors   NotExecuted
    """
    start = time.perf_counter()
    book = read(path)
    check_executed(book, path.stem)
    moving, still = kept(path, most, folder)
    stacks, notes = lecture(book, moving, still)
    opening = book.cells[0].source
    title = re.search(r"^# (.+)$", opening, re.MULTILINE).group(1)
    question = re.sub(r"[*_]", "", re.search(r"^#.*\n+(.+)$", opening, re.MULTILINE).group(1))
    page = PAGES.get_template("deck.html").render(title=title, stacks=stacks, notes=notes)
    (target / f"{path.stem}.html").write_text(page, encoding="utf-8", newline="\n")
    return Deck(path.stem, title, question, int(re.search(r"(\d+) minutes", opening).group(1)),
                sum(minutes for minutes, _ in notes), len(moving), still, len(page.encode()),
                time.perf_counter() - start)


def lecture(book: NotebookNode, moving: dict[str, str], still: dict[str, str]
            ) -> tuple[list[list[Slide]], list[tuple[int, Markup]]]:
    """Return the slides, in stacks that stand side by side, and the notes as (minutes, HTML).

    book     a stored notebook
    moving   {cell id: HTML} of the live figures that have frames
    still    {cell id: reason} of those that have none
    """
    stacks: list[list[Slide]] = []
    notes: list[tuple[int, Markup]] = []
    since: list[Slide] = []  # the slides since the last notes, to which the next ones are read
    fragment = -1
    for cell in book.cells:
        kind = slide_type(cell)
        if kind == "skip":
            continue
        if kind == "notes":
            said = NOTES.fullmatch(cell.source.strip())
            words = re.sub(r"</?details>|<summary>.*?</summary>", "", cell.source)
            notes.append((int(said.group(1)), markdown(words)))
            for slide in since or stacks[-1][-1:]:
                slide.notes.append(len(notes) - 1)
            since = []
            continue
        if kind == "slide" or not stacks:
            stacks.append([])
        if kind in ("slide", "subslide") or not stacks[-1]:
            stacks[-1].append(Slide([], []))
            fragment = -1
        fragment += kind == "fragment"
        slide = stacks[-1][-1]
        if not any(slide is other for other in since):
            since.append(slide)
        hidden = Markup(' data-fragment-index="{}"').format(fragment) if fragment >= 0 else ""
        slide.cells.append(Markup('<div class="cell{}" id="{}"{}>{}</div>').format(
            " fragment" * (fragment >= 0), cell.id, hidden, cell_html(cell, moving, still)))
    return stacks, notes


def cell_html(cell: NotebookNode, moving: dict[str, str], still: dict[str, str]) -> Markup:
    """Return what a cell shows in a lecture."""
    if cell.cell_type == "markdown":
        return markdown(cell.source)
    shown = [output_html(output) for output in cell.outputs]
    if any("your prediction: " in text_of(output) for output in cell.outputs):
        return Markup('<div class="vote">{}</div>').format(Markup("").join(shown))
    source = code(cell.source) if not LIVE_LINE.fullmatch(cell.source) else Markup("")
    if cell.id in moving:
        shown[-1] = Markup(moving[cell.id])
    elif cell.id in still:
        shown.append(Markup('<p class="still">This figure is live in JupyterLab.</p>'))
    return source + Markup("").join(shown)


def markdown(text: str) -> Markup:
    """Return markdown as HTML; formulas stay as they are, links to notebooks lead to their decks."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return Markup(LINK.sub(lambda link: f'href="{link[1]}.html{"#/" + link[2] if link[2] else ""}"',
                           MarkdownWithMath(renderer=renderer).render(text)))


def code(source: str) -> Markup:
    """Return highlighted Python."""
    return Markup('<div class="code">{}</div>').format(
        Markup(highlight(source, PythonLexer(), HtmlFormatter(nowrap=False))))


def text_of(output: NotebookNode) -> str:
    """Return a stored output as text."""
    return output.get("text", output.get("data", {}).get("text/plain", ""))


def output_html(output: NotebookNode) -> Markup:
    """Return one stored output, with what a prediction says put in words for a room."""
    data = output.get("data", {})
    if "text/html" in data and "course-box" not in data["text/html"]:
        return Markup('<div class="output">{}</div>').format(Markup(data["text/html"]))
    text = text_of(output)
    for pattern, words in TYPED:
        text = pattern.sub(words, text)
    return Markup('<pre class="output">{}</pre>').format(text.rstrip("\n")) if text.strip() else Markup("")


def write_assets(target: Path) -> None:
    """Write into `target`/assets what every deck loads.

    errors   MissingAsset
    """
    folder = target / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    reveal = revealjs()
    for file in (reveal / "dist" / "reveal.js", reveal / "dist" / "reveal.css",
                 reveal / "plugin" / "notes" / "notes.js", mathjax(),
                 *(SOURCES / name for name in ("deck.js", "deck.css", "frames.js"))):
        shutil.copyfile(file, folder / file.name)


def write_index(decks: Sequence[Deck], target: Path) -> None:
    """Write the page that lists the decks."""
    page = PAGES.get_template("index.html").render(decks=decks)
    (target / "index.html").write_text(page, encoding="utf-8", newline="\n")


def build(names: Sequence[str], target: Path = TARGET, most: int = MOST_FRAMES, folder: Path = KEPT) -> list[Deck]:
    """Write the decks of these notebooks (all, if none is named), with a line for each; return them.

    errors   MissingAsset before anything is written; NotExecuted when all other decks are
    """
    write_assets(target)
    books, decks, problems = paths(names), [], []
    # A process for each notebook: its cells run in a namespace, and with settings, of their own.
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1, len(books)), multiprocessing.get_context("spawn"),
                             max_tasks_per_child=1) as pool:
        for job in as_completed([pool.submit(write_deck, book, target, most, folder) for book in books]):
            try:
                decks.append(job.result())
                report(decks[-1])
            except NotExecuted as problem:
                problems.append(str(problem))
    every = listed(decks, target)
    (target / "assets" / "decks.json").write_text(json.dumps(every), encoding="utf-8")
    write_index(every, target)
    if problems:
        raise NotExecuted("\n".join(sorted(problems)))
    return decks


def listed(decks: Sequence[Deck], target: Path) -> list[Deck]:
    """Return the decks in `target`, in order: these, and those of earlier calls."""
    try:
        former = [Deck(*deck) for deck in json.loads((target / "assets" / "decks.json").read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        former = []
    known = {deck.name: deck for deck in [*former, *decks]}
    return [known[name] for name in sorted(known) if (target / f"{name}.html").exists()]


def report(deck: Deck) -> None:
    """Print a line for the deck, and what of it does not move."""
    size = f"{deck.bytes / 1e6:.1f} MB" + (" (TOO LARGE)" if deck.bytes > MOST_BYTES else "")
    print(f"{deck.name}: {deck.moving} of {deck.moving + len(deck.still)} live figures move, {size} "
          f"({deck.seconds:.1f} s)", flush=True)
    for cell, reason in deck.still.items():
        print(f"    {cell} stays a still picture: {reason}")


def main() -> int:
    """Make the decks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks such as 05_singular_values; all, if none is named")
    try:
        build(parser.parse_args().names)
    except (MissingAsset, NotExecuted) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"Open {(TARGET / 'index.html').relative_to(ROOT)} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
