"""Keep the minutes of notebooks/TEACHING.md true: they are counted in the notebooks.

    python tools/teaching.py           make teaching

A talk takes the minutes of its sections' speaker notes, an exercise those of its heading, reading a minute for 180
words. Rows that name neither (breaks) keep their minutes; the row of questions takes what is left of the plan.
"""
from __future__ import annotations

import functools
import math
import re
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from course_lib.exercises.bank import Bank, Exercise, Prediction, bank_of, numbers_of_banks
from course_lib.lessons.nb00_start_here import inventory
from notebook_rules import EXERCISE_CALL, NOTES, slide_type
from notebooks import ROOT, paths, read

WORDS_A_MINUTE = 180
LEAST_QUESTIONS = 4
LEAST_A_WEEK = 10  # minutes that a class of the term leaves for questions
COUNTED = re.compile(r"\d+(?= minutes by a count, of 200 words a minute and 15 s for each choice)")
LINK = re.compile(r"\]\((\d\d_\w+)\.ipynb(?:#([^)]*(?:\([^)]*\)[^)]*)*))?\)")
ID = re.compile(r"\b\d+\.[1-9]\d*\b")
QUESTION = re.compile(r"^- \*\*(\d+\.\d+)\*\* .*$")
MEASURED = re.compile(r"^(\d+\.\d+) measured: (.+)\.$", re.MULTILINE)
PLAN = ["minutes", "part", "vote", "how"]
TERM = ["week", "lecture", "talk", "in class", "class", "at home", "home", "vote"]
LESSONS = ["lesson", "talk", "reading", "exercises", "practice", "votes"]


class Section(NamedTuple):
    """What is between two headings of slides: its anchor, minutes of speaker notes, words, ids of predictions."""

    anchor: str
    talk: int
    words: int
    votes: list[str]


@functools.lru_cache(maxsize=None)
def sections(name: str) -> dict[str, Section]:
    """Return a notebook's sections by anchor, in its order; SystemExit if there is no such notebook."""
    parts: list[Section] = []
    for cell in read(paths([name])[0]).cells:
        title = anchor_of(cell.source) if slide_type(cell) == "slide" else None
        if title:
            parts.append(Section(title, 0, 0, []))
        anchor, talk, words, votes = parts[-1]
        if slide_type(cell) == "notes":
            talk += int(NOTES.fullmatch(cell.source.strip()).group(1))
        elif cell.cell_type == "markdown":
            words += len(cell.source.split())
        asked = EXERCISE_CALL.findall(cell.source) if cell.cell_type == "code" else []
        parts[-1] = Section(anchor, talk, words, votes + [id for verb, id in asked if verb == "predict"])
    return {section.anchor: section for section in parts}


def anchor_of(source: str) -> str | None:
    """Return the anchor that JupyterLab makes of a cell's heading; None if it begins with none."""
    title = re.match(r"#+ (.*)", source)
    return title and title.group(1).replace("`", "").replace(" ", "-")


def linked(text: str) -> Iterator[Section]:
    """Yield the sections that a cell of a table links; all of a notebook, if no section is named."""
    for name, anchor in LINK.findall(text):
        if anchor and anchor not in sections(name):
            raise SystemExit(f"TEACHING.md: {name}.ipynb has no section #{anchor}; there are: "
                             + ", ".join(sections(name)))
        yield from [sections(name)[anchor]] if anchor else sections(name).values()


def talk(text: str) -> int:
    """Return the minutes of speaker notes of what a cell links."""
    return sum(section.talk for section in linked(text))


def items(ids: Iterable[str], kind: type) -> list[Exercise | Prediction]:
    """Return the exercises or predictions of these ids; SystemExit for one that does not exist."""
    known = {item.id: item for number in numbers_of_banks() for item in bank_of(number).items
             if isinstance(item, kind)}
    for id in ids:
        if id not in known:
            raise SystemExit(f"TEACHING.md: there is no {kind.__name__.lower()} {id}")
    return [known[id] for id in ids]


def practice(text: str) -> int:
    """Return the minutes of the exercises that a cell names."""
    return sum(exercise.minutes for exercise in items(ID.findall(text), Exercise))


@functools.lru_cache(maxsize=None)
def answers(number: int) -> dict[str, str]:
    """Return what a lesson stores as measured: {id of the prediction: words}."""
    book = read(next(path for path in paths() if int(path.name[:2]) == number))
    texts = [output.get("text", output.get("data", {}).get("text/plain", ""))
             for cell in book.cells for output in cell.get("outputs", [])]
    return dict(found for text in texts for found in MEASURED.findall(text))


def measured(id: str) -> str:
    """Return the measured answer to a prediction, as its lesson stores it."""
    items([id], Prediction)
    known = answers(int(id.split(".")[0]))
    if id not in known:
        raise SystemExit(f"TEACHING.md: no lesson shows what was measured for {id}")
    return known[id]


def question(id: str) -> str:
    """Return the line that shows a prediction's question, what to choose from, and what was measured."""
    asked, = items([id], Prediction)
    return (f"- **{id}** {asked.question}" + (f" ({' / '.join(asked.choices)})" if asked.choices else "")
            + f" *Measured: {measured(id)}.*")


def check_votes(votes: str, part: str) -> None:
    """Raise SystemExit if a vote is not asked in the sections that its row links."""
    here = {id for section in linked(part) for id in section.votes}
    for asked in items(ID.findall(votes), Prediction):
        if asked.id not in here:
            raise SystemExit(f"TEACHING.md: {asked.id} is not asked in {part}")


def inventory_minutes() -> int:
    """Return how long the inventory takes: its words, "I don't know" once, at 200 a minute, 15 s for each choice."""
    asked = inventory.questions()["questions"]
    texts = [inventory.questions()["words"], asked[0]["options"][-1]["text"]]
    for each in asked:
        texts += [each["question"], *(option["text"] for option in each["options"][:-1])]
    return round(len(" ".join(texts).split()) / 200 + len(asked) * 15 / 60)


# Tables

Rows = list[list[str]]


def plan(rows: Rows, length: int) -> Rows:
    """Return a plan's rows with their minutes; `length` is that of the whole."""
    made = []
    for minutes, part, votes, how in rows[:-1]:
        check_votes(votes, part)
        if LINK.search(part):
            minutes = str(talk(part))
        elif part.startswith("exercise"):
            minutes = str(practice(part))
        made.append([minutes, part, votes, how])
    slack = [row for row in made if row[1].startswith("questions")]
    if len(slack) != 1 or "together" not in rows[-1][1]:
        raise SystemExit(f"TEACHING.md: the plan of {length} minutes needs one row of questions, and 'together' last")
    left = length - sum(int(row[0]) for row in made if row is not slack[0])
    if left < LEAST_QUESTIONS:
        raise SystemExit(f"TEACHING.md: the plan of {length} minutes leaves {left} for questions: take out a row "
                         f"({LEAST_QUESTIONS} are the least)")
    slack[0][0] = str(left)
    return made + [[f"**{length}**", *rows[-1][1:]]]


def term(rows: Rows, length: int) -> Rows:
    """Return a term's rows with their minutes; `length` is that of one class."""
    made = []
    for week, lecture, _, in_class, _, at_home, _, votes in rows[:-1]:
        check_votes(votes, lecture)
        spoken, used, home = talk(lecture), practice(in_class), practice(at_home)
        if spoken + used > length - LEAST_A_WEEK:
            raise SystemExit(f"TEACHING.md: week {week} takes {spoken + used} of {length} minutes: too little is left "
                             "for questions")
        made.append([week, lecture, str(spoken), in_class, str(used), at_home, str(home), votes])
    sums = {column: f"**{sum(int(row[column]) for row in made)}**" for column in (2, 4, 6)}
    return made + [[sums.get(column, cell) for column, cell in enumerate(rows[-1])]]


def lessons() -> Rows:
    """Return the rows of the table of all lessons."""
    made, banks = [], numbers_of_banks()
    for path in paths():
        parts, number = sections(path.stem).values(), int(path.stem[:2])
        bank = bank_of(number) if number in banks else Bank(number, "", [])
        title = re.match(r"#+ (.*)", read(path).cells[0].source).group(1)
        words = sum(section.words for section in parts)
        made.append([f"[{title}]({path.name})", str(sum(section.talk for section in parts)),
                     str(math.ceil(words / WORDS_A_MINUTE)), str(len(bank.exercises)),
                     str(sum(exercise.minutes for exercise in bank.exercises)), str(len(bank.predictions))])
    sums = [f"**{sum(int(row[column]) for row in made)}**" for column in range(1, len(LESSONS))]
    return made + [["**together**", *sums]]


def cells_of(line: str) -> list[str]:
    """Return the cells of a table's line."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def below(text: str, title: str) -> str:
    """Return the text below the heading that begins so, up to the next one."""
    return re.search(rf"^#+ {title}.*?\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE).group(1)


def rows_below(text: str, title: str) -> Rows:
    """Return the rows of the table below a heading, without its head."""
    return [cells_of(line) for line in below(text, title).splitlines() if line.startswith("|")][2:]


def renewed(text: str) -> str:
    """Return the text with every minute counted anew; SystemExit says what can't be true."""
    lines, done, length = COUNTED.sub(str(inventory_minutes()), text).split("\n"), [], 0
    while lines:
        line = lines.pop(0)
        if stated := re.match(r"#+ .*\b(\d+) minutes", line):
            length = int(stated.group(1))
        if asked := QUESTION.match(line):
            line = question(asked.group(1))
        done.append(line)
        head = cells_of(line) if line.startswith("|") else []
        if head in (PLAN, TERM, LESSONS):
            done.append(lines.pop(0))
            rows = []
            while lines and lines[0].startswith("|"):
                rows.append(cells_of(lines.pop(0)))
            made = lessons() if head == LESSONS else (plan if head == PLAN else term)(rows, length)
            done += [f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |") for row in made]
    return "\n".join(done)


def main() -> int:
    """Write TEACHING.md with its minutes; return the exit status."""
    path = ROOT / "notebooks" / "TEACHING.md"
    path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
