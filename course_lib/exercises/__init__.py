"""Exercises that answer back: check (in graded copies grade), hint, solution; predict and reveal; progress.

What you solved and predicted is kept in a local file and sent nowhere; COURSE_PROGRESS names another one, and
save_progress and load_progress carry it to another machine.
"""

import difflib
import functools
import html
import os
import textwrap
from pathlib import Path
from typing import Any

from .._kernel import has_page, show
from . import words
from .bank import Bank, Exercise, Prediction, bank_of, numbers_of_banks
from .boxes import box, fold
from .judge import Verdict
from .overview import page
from .progress import Store, default_path

__all__ = ["check", "grade", "hint", "load_progress", "predict", "progress", "reveal", "save_progress", "solution"]

_hints_given: dict[str, int] = {}


def check(id: str, answer: Any = ...) -> None:
    """Say whether an answer is right, and if not, what is wrong with it; a right one is recorded.

    id      "3.1"
    answer  the function itself (not its result), or the value that the exercise asks for
    Raises ValueError or TypeError for an id that does not exist. What is wrong with an answer is printed.
    """
    _checked(id, answer)


def grade(id: str, answer: Any = ...) -> None:
    """Check an answer as `check` does, in a cell whose error means no points.

    id      "3.1"
    answer  as for `check`
    Raises AssertionError if the answer does not pass; ValueError or TypeError for an id that does not exist.
    """
    verdict = _checked(id, answer)
    if verdict.word != "passed":
        raise AssertionError(f"{id} {verdict.word}: {verdict.reason}")


def _checked(id: str, answer: Any) -> Verdict:
    exercise = _find(id, Exercise)
    try:
        verdict = exercise.judge(answer)
    except BaseException as error:
        verdict = Verdict("not yet", _not_to_be_looked_at(error))
    passed = verdict.word == "passed"
    offer = f'\nhint("{id}") gives a hint.' * (not passed and verdict.word != "stopped")
    _tell(verdict.word, f"{id} {verdict.word}{': ' if passed else chr(10)}{verdict.reason}{offer}")
    if passed and not any(record["kind"] == "passed" and record["id"] == id for record in _store().read()[0]):
        _store().append({"kind": "passed", "id": id})
    return verdict


def _not_to_be_looked_at(error: BaseException) -> str:
    """What is said of an object that raised when it was looked at; an error that is not its own is raised."""
    if not words.where(error) and not isinstance(error, (MemoryError, RecursionError)):
        raise error
    return f"What was given raises an error when it is looked at. {words.stop(error)}"


def hint(id: str) -> None:
    """Print the next hint; after the last one, the last one again."""
    exercise = _find(id, Exercise)
    given = _hints_given.get(id, 0)
    number = _hints_given[id] = min(given + 1, len(exercise.hints))
    last = f'\nThat was the last one. solution("{id}") shows a solution.' * (number == len(exercise.hints))
    _tell("hint", f"{id} hint {number} of {len(exercise.hints)}\n{exercise.hints[number - 1]}{last}")
    if number > given:
        _store().append({"kind": "hint", "id": id, "number": number})


def solution(id: str) -> None:
    """Show the source of a tested solution; in a notebook it stays folded until you open it."""
    exercise = _find(id, Exercise)
    title = f"Solution of {id}: {exercise.title}"
    source = exercise.source()
    _display(f"<details><summary>{html.escape(title)}</summary>"
             f"<pre><code>{html.escape(source, quote=False)}</code></pre></details>", f"{title}\n\n{source}")


def predict(id: str, value: Any = ..., *more: Any) -> None:
    """Note what you expect before you measure it; the first prediction counts, later ones are noted too.

    id     "3.2"
    value  a number, one of the choices or a list of them, as the question says; ... prints the question
    more   values side by side count as a list
    """
    prediction = _find(id, Prediction)
    if value is not ... and value is not None:
        _tell(*_noted(prediction, [value, *more] if more else value))
        return
    said = [f"Noted so far: {prediction.show(each)}." for each in _said(prediction)[:1]]
    _tell("question", "\n".join([f"{id} your prediction: {prediction.question}",
                                 f"Put {prediction.wanted()} in place of the ... and run the cell again.", *said]))
    if has_page() and "NBGRADER_EXECUTION" not in os.environ:
        from .asked import ask

        ask(prediction, lambda value: box(*_noted(prediction, value)))


def _noted(prediction: Prediction, value: Any) -> tuple[str, str]:
    """Note a prediction; what is said of it: a kind of box, and the words."""
    said = _said(prediction)
    try:
        value = prediction.value(value)
    except BaseException as error:
        ours = isinstance(error, ValueError) and not words.where(error)
        return "not yet", f"{prediction.id} not noted: {error if ours else _not_to_be_looked_at(error)}"
    if not said or value != said[-1]:
        _store().append({"kind": "prediction", "id": prediction.id, "value": value})
    first = f"\nYour first prediction counts: {prediction.show(said[0])}." if said and value != said[0] else ""
    return "noted", f"{prediction.id} noted: {prediction.show(value)}.{first}"


def reveal(id: str, measured: Any) -> None:
    """Show what was measured, beside what was predicted; without a prediction, a notebook keeps it folded.

    id        "3.2"
    measured  like the value of `predict`
    Raises ValueError if measured does not answer the question.
    """
    prediction = _find(id, Prediction)
    measured = prediction.value(measured)
    said, found = _said(prediction), prediction.show(measured, prediction.digits)
    if said:
        remark = prediction.remark(said[0], measured)
        _tell("passed" if remark.startswith("Right") else "measured",
              f"{id} measured: {found}.\nYou predicted: {prediction.show(said[0])}. {remark}")
    else:
        _display(fold(f"{id} measured", "Predict first, or open it: what the cell shows is kept with it.", found), _filled(
            f'{id} measured: {found}.\nNo prediction yet. Make one first next time: predict("{id}", ...).'))


def progress() -> None:
    """Show what is next and, of all notebooks, what is solved and predicted, hints used, minutes left."""
    records, unreadable = _store().read()
    head = ("Notebook", "Solved", "Predicted", "Hints used", "Minutes left", "Open")
    done = {(record["kind"], record["id"]) for record in records}
    rows = [_row(bank_of(number), records, done) for number in numbers_of_banks()]
    on_disk = _store().path and not _store().trouble
    notes = [f"Kept in {'a file on this computer' if on_disk else 'memory'}, sent nowhere."]
    if unreadable:
        count = "1 line of it" if unreadable == 1 else f"{unreadable} lines of it"
        notes.append(f"{count} can't be read (cut short by a crash?); nothing else is lost.")
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in [head, *rows]]
    last = next((record["id"].partition(".")[0] for record in records[::-1]), "")
    _display(page(list(map(bank_of, numbers_of_banks())), done, rows, last, notes),
             "\n".join(["Your progress", *lines, *notes]))


def save_progress(path: str | Path = "progress.jsonl") -> None:
    """Put your progress into a file that `load_progress` takes in on another machine; what the file holds stays.

    path  of the file; beside the notebooks, from where JupyterLab downloads it, if it names no folder
    Raises ValueError for another program's file, OSError if it can't be written.
    """
    copy = Store(_file(path), "")
    theirs, strange = copy.read()
    if strange and not theirs:
        raise ValueError(f"{path} has other things in it than progress, and would be spoiled. Name another file.")
    count, known = copy.merge(_store().read()[0])
    if copy.trouble:
        raise OSError(f"{path} can't be written ({copy.trouble}): there is no copy yet. Name another file.")
    _say(f"{count} record{'s' * (count != 1)} written to {path}, {known} were there. "
         "load_progress takes them in elsewhere.")


def load_progress(path: str | Path = "progress.jsonl") -> None:
    """Take in what `save_progress` put into a file; nothing of your progress here is lost, nothing doubled.

    path  of the file
    Raises FileNotFoundError if there is none, ValueError if it has nothing of progress in it.
    """
    file = _file(path)
    if not file.is_file():
        raise FileNotFoundError(f'there is no file {path} in {Path.cwd()}. save_progress("{file.name}") writes '
                                "it where your progress is; upload it to the folder of this notebook.")
    records, unreadable = Store(file, "The copy").read()
    if unreadable and not records:
        raise ValueError(f"{path} has nothing of progress in it. save_progress writes a file that has.")
    count, known = _store().merge(records)
    torn = f" {unreadable} line{'s' * (unreadable > 1)} of it can't be read." * bool(unreadable)
    _say(f"{count} record{'s' * (count != 1)} taken in, {known} were here already.{torn}")


def _file(path: str | Path) -> Path:
    if not isinstance(path, (str, os.PathLike)) or "\0" in str(path) or str(path) in ("", "."):
        raise ValueError(f'the file is {words.short(path)}, needs its name in quotes, such as "progress.jsonl".')
    return Path(os.path.expanduser(path)).absolute()


def _row(notebook: Bank, records: list[dict], done: set[tuple[str, str]]) -> tuple[str, ...]:
    """A notebook's row of the table of progress."""
    hints = {(record["id"], str(record.get("number"))) for record in records if record["kind"] == "hint"}
    exercises, predictions = notebook.exercises, notebook.predictions
    unsolved = [exercise for exercise in exercises if ("passed", exercise.id) not in done]
    predicted = sum(("prediction", prediction.id) in done for prediction in predictions)
    return (f"{notebook.number:02d} {notebook.title}",
            f"{len(exercises) - len(unsolved)} of {len(exercises)}",
            f"{predicted} of {len(predictions)}",
            str(sum(id in {exercise.id for exercise in exercises} for id, _ in hints)),
            str(sum(exercise.minutes for exercise in unsolved)),
            ", ".join(exercise.id for exercise in unsolved) or "none")


def _find(id: str, kind: type) -> Any:
    if not isinstance(id, str):
        raise TypeError(f'the id is {words.short(id)}; write it as a string: "{words.short(id)}".')
    numbers = numbers_of_banks()
    start = id.partition(".")[0]
    number = int(start) if start.isdecimal() and len(start) < 4 else None
    items = [item for each in ([number] if number in numbers else numbers) for item in bank_of(each).items]
    for item in items:
        if item.id == id and isinstance(item, kind):
            return item
        if item.id == id:
            raise ValueError(f"{id} is a prediction: predict and reveal are for it." if kind is Exercise else
                             f"{id} is an exercise: check, hint and solution are for it.")
    known = [item.id for item in items if isinstance(item, kind)]
    near = difflib.get_close_matches(id, known, n=1)
    guess = f' Did you mean "{near[0]}"?' if near else ""
    raise ValueError(f"there is no {kind.__name__.lower()} {words.short(id)}.{guess} There are: {', '.join(known)}.")


def _said(prediction: Prediction) -> list[Any]:
    """Every prediction made so far that still answers the question, oldest first."""
    said = []
    for record in sorted(_store().read()[0], key=lambda record: str(record.get("at", ""))):
        if record["kind"] == "prediction" and record["id"] == prediction.id:
            try:
                said.append(prediction.value(record.get("value")))
            except ValueError:  # the choices have changed since
                pass
    return said


@functools.cache
def _store_at(path) -> Store:
    if path is None and "NBGRADER_EXECUTION" not in os.environ:
        _say("Without a home folder your progress lasts as long as this kernel; COURSE_PROGRESS can name a file.")
    return Store(path)


def _store() -> Store:
    return _store_at(default_path())


def _filled(text: str) -> str:
    """A text with lines short enough for a slide; JupyterLab itself would break them within words."""
    return "\n".join(textwrap.fill(line, 88, break_long_words=False, break_on_hyphens=False)
                     for line in text.split("\n"))


def _say(text: str) -> None:
    print(_filled(text))


def _tell(kind: str, text: str) -> None:
    _display(box(kind, text), _filled(text))


def _display(rich: str, plain: str) -> None:
    show({"text/html": rich, "text/plain": plain})
