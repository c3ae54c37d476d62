"""Make of each stored notebook a lecture that needs no kernel and no network: a reveal.js deck in build/slides.

    python tools/slides.py [05_singular_values ...]      make slides [NB=05_singular_values]
    python tools/slides.py --plan 50                     make slides PLAN=50: a plan of TEACHING.md as one deck, with
                                                         its notebook, and a PDF handout where there is a chromium

The notebooks' slide types are the lecture: slide, subslide, fragment, notes, skip. Outputs are the stored ones; nothing
is run but what makes the live figures (frames.py), which then move by precomputed frames. A slide shows the first
sentences of a text and what a cell gave; the rest of the text is in the notes, the code behind the key c.
"""
from __future__ import annotations

import argparse
import html
import itertools
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

import plans
import teaching
from assets import MissingAsset, mathjax, revealjs
from course_lib.exercises.bank import Prediction
from frames import KEPT, MOST_FRAMES, kept
from notebook_rules import EXERCISE_CALL, NOTES, slide_type
from notebooks import ROOT, paths, read, text_of

SOURCES = Path(__file__).resolve().parent / "slides"
TARGET = ROOT / "build" / "slides"
MOST_BYTES = 15e6
PAGES = Environment(loader=FileSystemLoader(SOURCES), autoescape=True, undefined=StrictUndefined,
                    trim_blocks=True, lstrip_blocks=True)
MOST_WORDS = 36  # of a cell's text on a slide
FOLD = re.compile(r"<details>.*?</details>", re.DOTALL)
FOLDS = re.compile(r"</?details>|<summary>.*?</summary>")
SCRIPT = re.compile(r"```python\n(.*)\n```", re.DOTALL)
TYPED = re.compile(r"^No prediction yet\..*\n?", re.MULTILINE)  # said to a reader of the notebook
NUMBER = r"(?:[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|-?inf|nan)"
POWER = r"10\^-?\d+"
VALUE = re.compile(rf"(?<![^\s=:])(?:{POWER}(?:(?:,| to) {POWER})*|{NUMBER}(?: to {NUMBER})?|True|False"
                   r"|(?:few|most)(?=,| \|))(?=[\s,;:%]|\.?$)")
MEASURED = re.compile(r"(\d+\.\d+) measured: (.*)")
LABEL = re.compile(r"(.{1,24}?\S)\s*:\s+(?=\D)")  # of a line, as "A, start: "
SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z*`$\[])")
PICTURE = re.compile(r"<(?:img|svg)\b")
LINK = re.compile(r'href="([^":#]+?)\.ipynb(?:#([^"]*))?"')
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


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
    """A slide: the title of its section, its cells as HTML, and the speaker notes that are read to it."""

    title: str
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
    opening = book.cells[0].source
    title = re.search(r"^# (.+)$", opening, re.MULTILINE).group(1)
    question = re.sub(r"[*_]", "", re.search(r"^#.*\n+(.+)$", opening, re.MULTILINE).group(1))
    minutes = int(re.search(r"(\d+) minutes", opening).group(1))
    deck = Deck(path.stem, title, question, minutes, 0, 0, still, 0, start)
    return write_page(path.stem, book, moving, still, deck, target)


def write_plan(name: str, target: Path, most: int = MOST_FRAMES, folder: Path = KEPT) -> Deck:
    """Write a plan's deck and notebook, lecture_50.html and .ipynb, and return what the index says of it."""
    start = time.perf_counter()
    plan = plans.plan(name)
    lessons = dict.fromkeys(place for part in plan.parts for place, _ in plans.PLACE.findall(part.what))
    moving, still = {}, {}
    for path in paths(list(lessons)):
        check_executed(read(path), path.stem)
        for known, found in zip((moving, still), kept(path, most, folder)):
            known.update({f"l{path.name[:2]}-{cell}": value for cell, value in found.items()})
    book = plans.lecture_book(plan)
    here = {cell.id for cell in book.cells}
    moving, still = ({id: value for id, value in each.items() if id in here} for each in (moving, still))
    (target / f"lecture_{name}.ipynb").write_text(text_of(book), encoding="utf-8", newline="\n")
    with_questions(book)
    votes = sum(len(part.votes) for part in plan.parts)
    said = f"{plan.minutes} minutes, {votes} votes; the notebook: lecture_{name}.ipynb"
    deck = Deck(f"lecture_{name}", plan.title, said, plan.minutes, 0, 0, still, 0, start)
    return write_page(deck.name, book, moving, still, deck, target)


def with_questions(book: NotebookNode) -> None:
    """Put the question before the measured answer of a prediction that the plan does not vote on."""
    asked = {id for cell in book.cells for verb, id in EXERCISE_CALL.findall(cell.source) if verb == "predict"}
    for output in (output for cell in book.cells for output in cell.get("outputs", [])):
        found = MEASURED.match(said_by(output))
        if found and found[1] not in asked:
            (question,) = teaching.items([found[1]], Prediction)
            output.data["text/plain"] = f"{question.question}\nMeasured: {found[2]}"


def write_page(name: str, book: NotebookNode, moving: dict[str, str], still: dict[str, str], deck: Deck,
               target: Path) -> Deck:
    """Write a deck's page and return what is known of it, completed; its seconds are at first when it was begun."""
    stacks, notes = lecture(book, moving, still)
    page = PAGES.get_template("deck.html").render(title=deck.title, stacks=stacks, notes=notes)
    (target / f"{name}.html").write_text(page, encoding="utf-8", newline="\n")
    return deck._replace(spoken=sum(minutes for minutes, _ in notes), moving=len(moving), bytes=len(page.encode()),
                         seconds=time.perf_counter() - deck.seconds)


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
    fragment, title = -1, ""
    for cell in book.cells:
        kind = slide_type(cell)
        if kind == "skip":
            continue
        if kind == "notes":
            said = NOTES.fullmatch(cell.source.strip())
            notes.append((int(said.group(1)), markdown(FOLDS.sub("", cell.source))))
            for slide in since or stacks[-1][-1:]:
                slide.notes.append(len(notes) - 1)
            since = []
            continue
        if kind == "slide" or not stacks:
            stacks.append([])
            title = (re.match(r"#+ (.+)", cell.source) or ["", title])[1]
        if kind in ("slide", "subslide") or not stacks[-1]:
            stacks[-1].append(Slide(title, [], []))
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
        said, rest = shortened(cell.source)
        return markdown(said) + (Markup('<template class="rest">{}</template>').format(markdown(rest)) if rest else "")
    source = re.sub(r"\A# lesson \d\d\n", "", cell.source)
    asked = [id for verb, id in EXERCISE_CALL.findall(source) if verb == "predict"]
    if asked:
        return Markup("").join(map(vote, teaching.items(asked, Prediction)))
    shown = [output_html(output) for output in cell.outputs]
    if cell.id in moving:
        shown[-1] = Markup(moving[cell.id])
    elif cell.id in still:
        shown.append(Markup('<p class="still">This figure is live in JupyterLab.</p>'))
    behind = " behind" if any(shown) else ""  # what is shown stands alone, its code behind a key
    return code(source, behind) + Markup("").join(shown)


def shortened(text: str) -> tuple[str, str]:
    """Return a text's first sentences, at most MOST_WORDS or one of them, and the rest, with what is folded.

    Headings, formulas and tables stay; of a list the first points.
    """
    left, said, rest = MOST_WORDS, [], []
    for block in re.split(r"\n\s*\n", FOLD.sub("", text).strip()):
        if re.match(r"#|\$\$|\||```|<", block):
            said.append(block)
            continue
        points = re.match(r"[-*\d]+\.? ", block)
        pieces = re.split(r"\n(?=[-*\d]+\.? )", block) if points else sentences(block)
        count = 0
        for piece in pieces:
            size = len(re.findall(r"[A-Za-z]\w*", piece))
            if size > left and (said or count) and (left < MOST_WORDS or count):
                break
            left, count = left - size, count + 1
        left = left if count == len(pieces) else 0
        join = "\n" if points else " "
        said += [join.join(pieces[:count])] * bool(count)
        rest += [join.join(pieces[count:])] * (count < len(pieces))
    return "\n\n".join(said), "\n\n".join([*rest, *(FOLDS.sub("", each) for each in FOLD.findall(text))])


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph; a formula or `code` is never cut."""
    pieces = [""]
    for piece in SENTENCE.split(text):
        whole = pieces[-1].count("$") % 2 == pieces[-1].count("`") % 2 == pieces[-1].count("**") % 2 == 0
        pieces = [*pieces, piece] if whole and pieces[-1] else [*pieces[:-1], f"{pieces[-1]} {piece}".strip()]
    return pieces


def vote(asked: Prediction) -> Markup:
    """Return a prediction as a vote: its question, its choices as letters, a line to type in each round's counts."""
    choices = Markup("").join(Markup("<li><b>{}</b> {}</li>").format(letter, choice)
                              for letter, choice in zip("ABCDEFGH", asked.choices or ()))
    wanted = "counts of A, B, ...: 12 5 3" if asked.choices else "the numbers said: 0.1 1e-5 3"
    rounds = Markup("").join(
        Markup('<div class="round"><label>{} <input data-round="{}" placeholder="{}" autocomplete="off"></label>'
               '<div class="bars" role="img" aria-label="no votes yet"></div></div>').format(name, number, wanted)
        for number, name in enumerate(("First round", "After talking"), 1))
    return Markup('<div class="vote" data-vote="{}" data-choices="{}"><p><small>{}</small> {}</p>'
                  '<ol>{}</ol>{}</div>').format(
        asked.id, len(asked.choices or ()), asked.id, asked.question, choices, rounds)


def markdown(text: str) -> Markup:
    """Return markdown as HTML; formulas stay as they are, links to notebooks lead to their decks."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    return Markup(LINK.sub(lambda link: f'href="{link[1]}.html{"#/" + link[2] if link[2] else ""}"',
                           MarkdownWithMath(renderer=renderer).render(text)))


def code(source: str, kind: str = "") -> Markup:
    """Return highlighted Python."""
    return Markup('<div class="code{}">{}</div>').format(
        kind, Markup(highlight(source, PythonLexer(), HtmlFormatter(nowrap=False))))


def said_by(output: NotebookNode) -> str:
    """Return a stored output as text."""
    return output.get("text", output.get("data", {}).get("text/plain", ""))


def output_html(output: NotebookNode) -> Markup:
    """Return one stored output: HTML as it is, a script as code, lines alike as a table, the rest as printed."""
    data = output.get("data", {})
    script = SCRIPT.fullmatch(data.get("text/markdown", ""))
    if script:
        return code(script[1])
    text = TYPED.sub("", said_by(output)).rstrip("\n")
    if "text/html" in data and "course-box" not in data["text/html"]:
        return Markup('<div class="output">{}</div>').format(Markup(data["text/html"]))
    return tabled(text) if text.strip() else Markup("")


def tabled(text: str) -> Markup:
    """Return printed text: lines that are the same but for their values, or are set in columns, become a table."""
    made: list[Markup] = []
    lines = re.sub(r"\n {2,}(?=\S)", " ", text).split("\n")  # a line that is set in goes on with the one before
    while lines:
        for whole in False, True:
            words, _ = template(lines[0], whole)
            rows = [template(line, whole)[1] for line in itertools.takewhile(
                lambda line: template(line, whole)[0] == words, lines)]
            alike = len(rows)
            if alike > 1 + whole and len(set(map(tuple, rows))) > 1:
                made.append(table(words, rows))
                break
            rows = columns(lines)
            alike = len(rows)
            if alike > 2:
                made.append(plain_table(rows))
                break
        else:
            alike = 1
            made.append(Markup('<pre class="output">{}</pre>').format(lines[0]))
        del lines[:alike]
    return Markup(Markup("").join(made).replace('</pre><pre class="output">', "\n"))


def columns(lines: list[str]) -> list[list[str]]:
    """Return the cells of the first lines in columns: where the first line goes on after two blanks, all others do.

    What else begins at one place in all of them, somewhere after two blanks, is a column too; the first may lack it.
    """
    gaps = [gap.end() for gap in re.finditer(r"(?<=\S) {2,}(?=\S)", lines[0])]
    rows = list(itertools.takewhile(lambda line: gaps and all(
        line[start - 1:start] == " " and line[start:start + 1].strip() for start in gaps), lines))
    starts = [start for start in range(1, min(map(len, rows), default=0))
              if all(line[start - 1] == " " for line in rows) and all(line[start] != " " for line in rows[1:])
              and any(line[:start].endswith("  ") for line in rows)]
    return [[line[start:end].strip(" |") for start, end in itertools.pairwise([0, *starts, None])] for line in rows]


def plain_table(rows: list[list[str]]) -> Markup:
    """Return the table of these rows; the first one heads it if it holds no value."""
    head = rows[0] if not any(map(VALUE.search, rows[0])) else []
    return Markup("<table>{}<tbody>{}</tbody></table>").format(
        Markup("<thead><tr>{}</tr></thead>").format(Markup("").join(
            Markup('<th scope="col">{}</th>').format(name) if name else Markup("<td></td>") for name in head))
        if head else "",
        Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(map(Markup("<td>{}</td>").format, row)))
                        for row in rows[bool(head):]))


def template(line: str, whole: bool = False) -> tuple[list[str], list[str]]:
    """Return a line's words around its values, and its values; a label before a colon is one of them.

    whole    also a label that holds values
    """
    label = LABEL.match(line)
    start = label.end() if label and (whole or not VALUE.search(label[1])) else 0
    words = [" ".join(word.split()) for word in VALUE.split(line[start:])]
    values = VALUE.findall(line[start:])
    return (["", *words], [label[1], *values]) if start else (words, values)


def table(words: list[str], rows: list[list[str]]) -> Markup:
    """Return the table of lines that are alike; what is the same in all of them is said in the head alone."""
    head, columns, said = [], [], ""
    for place, column in enumerate(zip(*rows)):
        between = words[place]
        if head and not said and re.search(r"[,;]", between):  # "steps; measured": the unit of the one before
            unit, between = re.split(r"[,;]", between, maxsplit=1)
            head[-1] += f" ({unit.strip()})" if unit.strip() else ""
        said = f"{said} {between}".replace(" ,", ",")
        if len(set(column)) == 1 and place < len(rows[0]) - 1 and column[0] not in ("True", "False", "nan"):
            said += f" {column[0]}"
            continue
        head.append(re.sub(r"^[\s,;:]+|[\s,:=]+$", "", said))
        columns.append(column)
        said = ""
    if words[-1].strip(" .,:;"):
        head[-1] = f"{head[-1]} ({words[-1].strip(' .,:;')})"
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(
        Markup("").join(Markup('<th scope="col">{}</th>').format(name) if name else Markup("<td></td>")
                        for name in head),
        Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(map(Markup("<td>{}</td>").format, row)))
                        for row in zip(*columns)))


def write_assets(target: Path) -> None:
    """Write into `target`/assets what every deck loads.

    errors   MissingAsset
    """
    folder = target / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    reveal = revealjs()
    for file in (reveal / "dist" / "reveal.js", reveal / "dist" / "reveal.css",
                 reveal / "plugin" / "notes" / "notes.js", mathjax(),
                 *(SOURCES / name for name in ("deck.js", "deck.css", "frames.js", "votes.js"))):
        shutil.copyfile(file, folder / file.name)


def write_index(decks: Sequence[Deck], target: Path) -> None:
    """Write the page that lists the decks."""
    page = PAGES.get_template("index.html").render(decks=decks)
    (target / "index.html").write_text(page, encoding="utf-8", newline="\n")


def build(names: Sequence[str], target: Path = TARGET, most: int = MOST_FRAMES, folder: Path = KEPT,
          wanted: Sequence[str] = ()) -> list[Deck]:
    """Write the decks of these notebooks (all, if none is named) or of these plans, with a line for each; return them.

    wanted   names of plans: no notebook's own deck is made then
    errors   MissingAsset before anything is written; NotExecuted when all other decks are
    """
    write_assets(target)
    work = [(write_plan, name) for name in wanted] or [(write_deck, path) for path in paths(names)]
    decks, problems = [], []
    if wanted:  # each lesson's figures once
        build(list(dict.fromkeys(place for name in wanted for part in plans.plan(name).parts
                                 for place, _ in plans.PLACE.findall(part.what))), target, most, folder)
    # A process for each notebook: its cells run in a namespace, and with settings, of their own.
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1, len(work)), multiprocessing.get_context("spawn"),
                             max_tasks_per_child=1) as pool:
        for job in as_completed([pool.submit(write, what, target, most, folder) for write, what in work]):
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


def handout(deck: Deck, target: Path) -> str:
    """Print the deck as PDF, two slides a page, by this machine's chromium; return a line that says so or why not."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        return (f"No handout: no chromium found (CHROMIUM=/path/to/chrome names yours). Any browser prints it: "
                f"{deck.name}.html?handout")
    file = target / f"{deck.name}.pdf"
    subprocess.run([found, "--headless", "--disable-gpu", "--no-pdf-header-footer", "--virtual-time-budget=60000",
                    *["--no-sandbox"] * (hasattr(os, "geteuid") and os.geteuid() == 0), f"--print-to-pdf={file}",
                    f"{(target / deck.name).as_uri()}.html?handout"], capture_output=True, timeout=300, check=False)
    return f"{file.name}: the handout, two slides a page" if file.exists() else f"No handout: {found} printed nothing."


def listed(decks: Sequence[Deck], target: Path) -> list[Deck]:
    """Return the decks in `target`, in order: these, and those of earlier calls."""
    try:
        former = [Deck(*deck) for deck in json.loads((target / "assets" / "decks.json").read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        former = []
    known = {deck.name: deck for deck in [*former, *decks]}
    order = [f"lecture_{name}" for name in plans.names()]
    known = {name: known[name] for name in sorted(known, key=lambda name: (name not in order, name in order
                                                                            and order.index(name), name))}
    return [known[name] for name in known if (target / f"{name}.html").exists()]


def report(deck: Deck) -> None:
    """Print a line for the deck, and what of it does not move."""
    size = f"{deck.bytes / 1e6:.1f} MB" + (", some seconds to open" if deck.bytes > MOST_BYTES else "")
    print(f"{deck.name}: {deck.moving} of {deck.moving + len(deck.still)} live figures move, {size} "
          f"({deck.seconds:.1f} s)", flush=True)
    for cell, reason in deck.still.items():
        print(f"    {cell} stays a still picture: {reason}")


def main() -> int:
    """Make the decks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks such as 05_singular_values; all, if none is named")
    parser.add_argument("--plan", help=f"a plan of TEACHING.md: {', '.join(plans.names())}; or all of them")
    arguments = parser.parse_args()
    wanted = plans.names() if arguments.plan == "all" else [arguments.plan] * bool(arguments.plan)
    try:
        decks = build(arguments.names, wanted=[plans.plan(name).name for name in wanted])
        with ThreadPoolExecutor(2) as pool:
            for said in pool.map(handout, decks if wanted else (), itertools.repeat(TARGET)):
                print(said, flush=True)
    except (MissingAsset, NotExecuted) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"Open {(TARGET / 'index.html').relative_to(ROOT)} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
