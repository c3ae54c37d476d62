"""Make what a class is given: the notebooks without their solutions, and the same as assignments of nbgrader.

    python tools/handout.py          make handout

build/handout/student     each notebook without solutions, speaker notes and the measured answers to predictions
build/handout/nbgrader    a course folder of nbgrader: one assignment a notebook, in source/05_singular_values/

A point is a minute of the exercise's heading. The notebooks need course_lib, as the course itself does; nbgrader is
needed only to release and to grade.
"""
from __future__ import annotations

import copy
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell

from course_lib.exercises.bank import Bank, Exercise, bank_of, numbers_of_banks
from notebook_rules import EXERCISE_CALL, slide_type
from notebooks import ROOT, paths, read, text_of

TARGET = ROOT / "build" / "handout"
LESSON_LINK = re.compile(r"(?<=\]\()((\d\d_\w+)\.ipynb)")
CONFIG = '''"""nbgrader's settings for Gradients Through Time; in your own course copy these lines into its file."""
c = get_config()
c.CourseDirectory.course_id = "gradients-through-time"
# Each stub says what to write; in place of a solution a student gets an empty line.
c.ClearSolutions.code_stub = {"python": ""}
# Seconds for the slowest cell on a busy machine.
c.Execute.timeout = 600
# Points come from the verdict of this machine's copy of the course, not from what a notebook's own cells say.
import sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
from judged_apart import JudgedApart
from nbgrader.converters.autograde import Autograde
steps = Autograde.autograde_preprocessors.default_args[0]
c.Autograde.autograde_preprocessors = [steps[0], JudgedApart, *steps[1:]]
'''


def student(book: NotebookNode) -> NotebookNode:
    """Return a copy without solutions and speaker notes, in which no output answers a prediction."""
    book = copy.deepcopy(book)
    book.cells = [cell for cell in book.cells
                  if "solution" not in cell.metadata.get("tags", []) and slide_type(cell) != "notes"]
    for cell in book.cells:
        if any(name == "reveal" for name, _ in calls(cell)):
            cell.outputs, cell.execution_count = [], None
    return book


def assignment(book: NotebookNode, bank: Bank | None) -> NotebookNode:
    """Return a copy in nbgrader's syntax: solutions between its marks, and a graded cell for each exercise."""
    book = student(book)
    exercises = {exercise.id: exercise for exercise in bank.exercises} if bank else {}
    # A patient of the clinic is checked twice, first its name: the last check is graded.
    last = {exercise: cell.id for cell in book.cells for name, exercise in calls(cell) if name == "check"}
    if set(last) != set(exercises):
        raise SystemExit(f"notebook {bank.number if bank else ''}: {', '.join(sorted(set(last) ^ set(exercises)))} "
                         "is only in the notebook or only in its bank of exercises; make test says more")
    graded = {name: exercises[exercise] for exercise, name in last.items()}
    book.cells = [part for cell in book.cells
                  for part in (answer_and_grade(cell, graded[cell.id]) if cell.id in graded else [cell])]
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = LESSON_LINK.sub(r"../\2/\1", cell.source)
    return book


def calls(cell: NotebookNode) -> list[tuple[str, str]]:
    """Return what a cell asks of course_lib.exercises: ("check", "5.2")."""
    return EXERCISE_CALL.findall(cell.source) if cell.cell_type == "code" else []


def answer_and_grade(cell: NotebookNode, exercise: Exercise) -> list[NotebookNode]:
    """Return the cell that a student writes in, with the solution, and the locked one that gives points."""
    stub, _, check = cell.source.strip().rpartition("\n")
    solution = exercise.source().strip()
    if not stub:  # a value is asked for
        name = f"answer_{exercise.id.replace('.', '_')}"
        stub, check = f"{name} = ...", f'check("{exercise.id}", {name})'
        solution += f"\n\n{name} = {exercise.solution.__name__}()"
    answer = copy.deepcopy(cell)
    answer.source = f"{stub.strip()}\n\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    answer.metadata.nbgrader = marks(cell.id, solution=True)
    # The import is in the locked cell, so that no name of the student's can take its place.
    source = f"from course_lib.exercises import grade\n\n{check.replace('check', 'grade', 1)}"
    grade = new_code_cell(source, id=f"{cell.id}-graded", metadata=copy.deepcopy(cell.metadata))
    grade.metadata.nbgrader = marks(grade.id, grade=True, locked=True, points=exercise.minutes)
    return [answer, grade]


def marks(name: str, **given: bool | int) -> NotebookNode:
    """Return nbgrader's metadata of a cell (its schema 3)."""
    return from_dict({"schema_version": 3, "grade_id": name, "grade": False, "solution": False, "locked": False,
                      "task": False} | given)


def files() -> Iterator[tuple[str, str]]:
    """Yield each file's path below the target, and its text."""
    banks = numbers_of_banks()
    yield "nbgrader/nbgrader_config.py", CONFIG
    yield "nbgrader/judged_apart.py", (ROOT / "tools" / "judged_apart.py").read_text(encoding="utf-8")
    for path in paths():
        book, number = read(path), int(path.stem[:2])
        bank = bank_of(number) if number in banks else None
        yield f"student/{path.name}", text_of(student(book))
        yield f"nbgrader/source/{path.stem}/{path.name}", text_of(assignment(book, bank))


def main() -> int:
    """Write all files anew; return the exit status."""
    made = dict(files())  # all of them, before anything that was there is removed
    shutil.rmtree(TARGET, ignore_errors=True)
    for name, text in made.items():
        path = TARGET / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    print(f"{len(paths())} notebooks for students in {TARGET / 'student'}\n"
          f"the same as assignments for nbgrader in {TARGET / 'nbgrader'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
