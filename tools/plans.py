"""The plans of notebooks/TEACHING.md as lectures: a plan's parts, in its order, in one notebook with one kernel.

`plan("50")` reads a plan from the page that tools/teaching.py counts; `lecture_book(plan)` makes its notebook of the
stored lessons, with their outputs. In it every lesson has names of its own (KERNEL below).
"""
from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import teaching
from course_lib.exercises.bank import Exercise
from frames import needed
from notebook_rules import EXERCISE_CALL, METADATA, NOTES, slide_type
from notebooks import ROOT, paths, read

HEADINGS = {"50": "One lecture", "120": "Two hours", "day": "A day"}
WEEK = re.compile(r"week-(\d+)")
TERM = "A term of twelve weeks"
PLACE = re.compile(r"\]\((\d\d_\w+)\.ipynb(?:#([^)]*(?:\([^)]*\)[^)]*)*))?\)")
LATE = re.compile(r"^\*\*Ten minutes late:\*\* (.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
CLOSE = re.compile(r"^\*\*To close:\*\* (.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
KERNEL = '''\
# Each lesson's names are its own: a cell that begins with "# lesson 05" runs among those of lesson 05.
import re
from types import ModuleType

def enter(info, shell=get_ipython(), spaces={}):
    mark = re.match(r"# lesson (\\d\\d)", info.raw_cell or "")
    if mark:
        space = spaces.setdefault(mark[1], ModuleType("__main__"))
        vars(space).update({name: value for name, value in shell.user_ns.items()
                            if name in ("In", "Out", "get_ipython", "display") or re.match("_[a-z]*h$", name)})
        shell.user_module, shell.user_ns = space, vars(space)

get_ipython().events.register("pre_run_cell", enter)'''


class Part(NamedTuple):
    """A row of a plan: its minutes, what is shown (as TEACHING links it), ids of the votes, how."""

    minutes: int
    what: str
    votes: list[str]
    how: str


class Plan(NamedTuple):
    """A lecture: its name for PLAN=, its title, minutes and parts, what to leave out when late, the last sentence."""

    name: str
    title: str
    minutes: int
    parts: list[Part]
    late: str
    close: str


def names() -> list[str]:
    """Return what PLAN= may be."""
    weeks = [f"week-{row[0]}" for row in teaching.rows_below(page(), TERM)[:-1]]
    return [*HEADINGS, *weeks]


def page() -> str:
    """Return the text of TEACHING.md."""
    return (ROOT / "notebooks" / "TEACHING.md").read_text(encoding="utf-8")


def plan(name: str) -> Plan:
    """Return a plan of TEACHING.md; SystemExit if it has none of this name."""
    if name not in names():
        raise SystemExit(f"PLAN={name}: TEACHING.md has no such plan; there are {', '.join(names())} (and all)")
    if week := WEEK.fullmatch(name):
        return of_week(week.group(1))
    text = teaching.below(page(), HEADINGS[name])
    *rows, total = teaching.rows_below(page(), HEADINGS[name])
    parts = [Part(int(minutes), what, teaching.ID.findall(votes), how) for minutes, what, votes, how in rows]
    return Plan(name, HEADINGS[name], int(total[0].strip("*")), parts, one_line(LATE, text), one_line(CLOSE, text))


def of_week(number: str) -> Plan:
    """Return a week of the term as a plan: its lecture, its exercises in class, and questions.

    Its last sentence is the first of the recap of the last lesson that it shows whole.
    """
    length = int(re.search(rf"^### {TERM}.*?(\d+) minutes", page(), re.MULTILINE).group(1))
    week, lecture, talk, in_class, used, _, _, votes = next(
        row for row in teaching.rows_below(page(), TERM) if row[0] == number)
    parts, left = [], teaching.ID.findall(votes)
    for link in re.split(r",\s*(?=\[)", lecture):
        here = [id for id in left if id in {asked for section in teaching.linked(link) for asked in section.votes}]
        parts.append(Part(teaching.talk(link), link, here, ""))
    parts += [Part(int(used), f"exercises {in_class}", [], "in class"),
              Part(length - int(talk) - int(used), "questions", [], "")]
    last = read(paths([[lesson for lesson, anchor in PLACE.findall(lecture) if not anchor][-1]])[0])
    recap = next(cell.source for cell in last.cells if re.match(r"#+ .*recap", cell.source, re.IGNORECASE))
    return Plan(f"week-{week}", f"Week {week}", length, parts,
                f"give the exercises in class ({used} minutes) to be done at home",
                re.search(r"^[-*] (.+?)(?=\n[-*] |\n\n|\Z)", recap, re.MULTILINE | re.DOTALL).group(1))


def one_line(pattern: re.Pattern[str], text: str) -> str:
    """Return what the pattern finds in one line; SystemExit if it is not there."""
    found = pattern.search(text)
    if not found:
        raise SystemExit(f"TEACHING.md: a plan has no line {pattern.pattern[1:].split('(')[0].strip()!r}")
    return " ".join(found.group(1).split())


# Its notebook

def lecture_book(wanted: Plan) -> NotebookNode:
    """Return the plan's notebook, with the lessons' stored outputs.

    A cell's id is that of its lesson behind the lesson's number: l05-norm-cell.
    """
    title = f"# Gradients Through Time\n\nWhy gradients explode and vanish in recurrent networks\n\n{wanted.title}"
    votes = sum(len(part.votes) for part in wanted.parts)
    cells = [words("slide", title),
             notes(1, f"{wanted.minutes} minutes, {votes} votes.", f"Ten minutes late: {wanted.late}"),
             code("skip", KERNEL)]
    known: set[str] = set()  # the ids of what is in it
    for part in wanted.parts:
        places = PLACE.findall(part.what)
        if not places:
            cells += between(part)
            continue
        said = [f"{part.minutes} minutes in this plan" + (f": {part.how}." if part.how else ".")]
        said += [f"Vote {id}: measured {teaching.measured(id)}." for id in part.votes]
        made = [cell for name, anchor in places for cell in section(name, anchor, part.votes, known)]
        spoken = next(cell for cell in made if slide_type(cell) == "notes")
        spoken.source = spoken.source.replace("</summary>\n", "</summary>\n\n" + "\n\n".join(said) + "\n", 1)
        cells += made
    cells += [words("slide", f"## To take home\n\n{wanted.close}"),
              notes(1, "The last sentence. Leave it on the screen.")]
    for number, cell in enumerate(cells):
        cell.setdefault("id", f"plan-{number}")
        if cell.id.startswith("plan-"):
            cell.id = f"plan-{number}"
    book = new_notebook(cells=cells, metadata=from_dict(METADATA))
    for count, cell in enumerate((cell for cell in cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
    return book


def between(part: Part) -> Iterator[NotebookNode]:
    """Yield the slide of a row that shows no lesson: a break, questions, exercises."""
    if part.what.startswith("exercise"):
        title = "Exercise" if len(teaching.ID.findall(part.what)) == 1 else "Exercises"
        lines = [f"- **{each.id}** {each.title} ({each.minutes} min)"
                 for each in teaching.items(teaching.ID.findall(part.what), Exercise)]
        yield words("slide", f"## {title}\n\n" + "\n".join(lines) + "\n\n`check` says what is right, `hint` helps.")
    else:
        yield words("slide", f"## {part.what.capitalize()}\n\n{part.minutes} minutes")
    yield notes(part.minutes, f"{part.how or part.what}.")


def section(name: str, anchor: str, votes: Sequence[str], known: set[str]) -> Iterator[NotebookNode]:
    """Yield the cells of a section of a lesson (of all, if none is named), and first those that they need.

    Predictions that are no votes of the plan are left out, and so are exercises.
    """
    book = read(paths([name])[0])
    chosen, here = [], not anchor
    for cell in book.cells:
        if slide_type(cell) == "slide" and anchor:
            here = teaching.anchor_of(cell.source) == anchor
        asked = [id for verb, id in EXERCISE_CALL.findall(cell.source) if verb == "predict"]
        if here and slide_type(cell) != "skip" and not (cell.cell_type == "code" and set(asked) - set(votes)):
            chosen.append(cell)
    code_cells = [cell for cell in book.cells if cell.cell_type == "code" and cell.id != "colab"]
    wanted = {place for place, cell in enumerate(code_cells) if any(cell is each for each in chosen)}
    before = {number for place in wanted for number in needed(code_cells, place)} - wanted
    opening = [(code_cells[place], "skip") for place in sorted(before)]
    for cell, kind in [*opening, *((cell, slide_type(cell)) for cell in chosen)]:
        id = f"l{name[:2]}-{cell.id}"
        if id in known:
            continue
        known.add(id)
        cell = copy.deepcopy(cell)
        cell.id, cell.metadata = id, from_dict({"slideshow": {"slide_type": kind}} if kind else {})
        if cell.cell_type == "code":
            cell.source = f"# lesson {name[:2]}\n{cell.source}"
        yield cell


def words(kind: str, text: str) -> NotebookNode:
    """Return a cell of text."""
    return new_markdown_cell(text, id="plan-0", metadata=from_dict({"slideshow": {"slide_type": kind}}))


def code(kind: str, source: str) -> NotebookNode:
    """Return a cell of code that shows nothing."""
    return new_code_cell(source, id="plan-0", metadata=from_dict({"slideshow": {"slide_type": kind}}))


def notes(minutes: int, *said: str) -> NotebookNode:
    """Return speaker notes."""
    text = "\n\n".join(said)
    cell = words("notes", f"<details><summary>Speaker notes ({minutes} min)</summary>\n\n{text}\n\n</details>")
    assert NOTES.fullmatch(cell.source)
    return cell
