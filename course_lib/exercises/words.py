"""What learners read: values, cases, differences and errors, in words."""

import inspect
import linecache
import numbers
import re
import sysconfig
import textwrap
import traceback
from pathlib import Path
from typing import Any

import numpy as np


def cut(text: str, most: int = 200) -> str:
    """A text that may be of any length, up to a line or two of it."""
    return text if len(text) <= most else f"{text[:most - 4]} ..."


def kind(value: Any) -> str:
    """What a value is, without its numbers: "an array of shape (3, 4)"."""
    if isinstance(value, (bool, np.bool_)) or isinstance(value, np.ndarray) and value.dtype.kind == "b":
        return f"an array of True and False of shape {value.shape}" if np.ndim(value) else "True or False"
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return f"an array of Python objects of shape {value.shape}"
    if isinstance(value, numbers.Number) and not isinstance(value, (numbers.Complex, np.generic)):
        return f"a {cut(type(value).__name__, 60)}"
    if isinstance(value, (numbers.Number, np.generic)) or isinstance(value, np.ndarray) and value.shape == ():
        return "a single number"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, str):
        return "a text"
    if inspect.isgenerator(value):
        return "a generator (yield where return should stand)"
    return "a function" if callable(value) else f"an object of type {cut(type(value).__name__, 60)}"


def chosen(value: Any) -> str:
    """One of the choices, or several: texts as they are, all else by its kind."""
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        return cut(", ".join(map(chosen, value[:50]))) or "an empty list"
    return cut(repr(value)) if isinstance(value, (str, bool)) else kind(value)


def number(value: Any, digits: int = 6) -> str:
    """A number with this many significant digits; True and False by name."""
    return str(value) if isinstance(value, bool) else f"{value + 0:.{digits}g}"  # + 0: no minus before a zero


def argument(value: Any) -> str:
    """An argument after its name, "= 0.5", "(4,)": a number or text itself, a shape, a NamedTuple part by part."""
    if hasattr(value, "_fields"):
        parts = (f"{name} {argument(part)}" for name, part in zip(value._fields, value)
                 if not (isinstance(part, tuple) and len(part) == 0))
        return f"with {', '.join(parts)}"
    if value is None or isinstance(value, str):
        return f"= {value!r}"
    if isinstance(value, np.ndarray) and value.ndim:
        return str(value.shape)
    if isinstance(value, (list, tuple, dict)):
        return f"({type(value).__name__} of {len(value)})"
    if isinstance(value, (numbers.Number, np.generic, np.ndarray)):
        return f"= {number(value[()] if isinstance(value, np.ndarray) else value)}"
    return f"({kind(value)})"


def how_far(part: Any) -> str:
    """On which side of the truth a number lies, and how far, without giving it away; a `compare.Piece`."""
    if part.need.ndim:
        return f"{part.name} is not right everywhere."
    got, need = part.got[()], part.need[()]
    if not np.isfinite(got):
        return f"{part.name} is {got}, and a finite number is asked for."
    if np.iscomplexobj(got) or need == 0 or got == 0:
        return f"{part.name} is {number(got)}: {'0 is not it' if need else 'it is smaller, in size'}."
    if (got < 0) != (need < 0):
        return f"{part.name} is {number(got)}, and the right one has the other sign."
    decades = abs(np.log10(abs(got)) - np.log10(abs(need)))
    steps = ((np.log10(1.01), "by less than 1 percent"), (np.log10(2), "by less than a factor of 2"),
             (1, "by a factor of 2 to 10"), (np.inf, f"by {decades:.0f} orders of magnitude, or nearly so"))
    far = next(text for limit, text in steps if decades < limit)
    side = "large" if abs(got) > abs(need) else "small"
    return f"{part.name} is too {side}{' in size' * bool(need < 0)}, {far}."


def how_many(answer: Any, needed: Any, question: str) -> str:
    """What is wrong with a choice: how many are missing and how many too many; of a single one, what to ask."""
    if isinstance(needed, str):
        return f"{chosen(answer)} is not the one. Ask yourself: {question}"
    mine, theirs = (set(map(folded, each)) for each in (answer, needed))
    return (f"{len(theirs - mine)} that {'belongs' if len(theirs - mine) == 1 else 'belong'} there "
            f"{'is' if len(theirs - mine) == 1 else 'are'} missing, and {len(mine - theirs)} "
            f"{'does' if len(mine - theirs) == 1 else 'do'} not belong there.")


def entry(name: str, index: tuple[int, ...]) -> str:
    """An entry of what is called name; without an index the whole of it."""
    return f"{name}{list(index)}" if index and name.isidentifier() else (
        f"{name} at index {list(index)}" if index else name)


def pair(got: Any, need: Any) -> str:
    """Two numbers that differ, with as many digits as show it."""
    digits = next((most for most in (6, 12, 17) if number(got, most) != number(need, most)), 17)
    return f"{number(got, digits)}, needed {number(need, digits)}"


def plural(word: str) -> str:
    """More than one of what a word names: "entries"."""
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def indices(marks: np.ndarray, axis: str) -> str:
    """Where along an axis marks are set: "index 0 to 2, 5 of the time steps"."""
    if marks.all():
        return f"every {axis}"
    places = np.flatnonzero(marks)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    if len(runs) > 4:
        return f"{len(places)} of {len(marks)} {plural(axis)}"
    texts = [f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return f"index {', '.join(texts)} of the {plural(axis)}"


def folded(text: Any) -> str:
    """A text without the differences of case and spaces."""
    return " ".join((text if isinstance(text, str) else short(text)).split()).casefold()


def short(value: Any) -> str:
    """A value as Python writes it, cut where it is long."""
    try:
        return cut(repr(value))
    except Exception:  # Python writes no number of more than 4300 digits
        return kind(value)


_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
                   | {str(Path(__file__).parents[1])})


def where(error: BaseException) -> str:
    """Where in the learner's own code it happened: the innermost line outside every library."""
    own = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)
           if not frame.f_code.co_filename.startswith((*_INSTALLED, "<frozen", "<__array"))]
    if not own:
        return ""
    code, line = own[-1]
    text = linecache.getline(code.co_filename, line).strip()
    return f" in line {line - code.co_firstlineno + 1} of {code.co_name}" + (f": {cut(text)}" if text else "")


_MEANINGS = {
    UnboundLocalError: "A variable is read before it has a value.",
    NameError: "A name has no value yet: a slip in writing, or a cell that has not run.",
    IndexError: "An index lies beyond the end.",
    KeyError: "A dictionary has no such key.",
    AttributeError: "There is nothing of that name in the object.",
    ZeroDivisionError: "Something is divided by zero.",
    RecursionError: "It calls itself too often, or without end.",
    MemoryError: "An array is too large for the memory.",
    SystemExit: "exit() ends the kernel: use return.",
    TypeError: "An operation got something that it can't work with.",
    ValueError: "A value or a shape does not fit.",
}


def said(error: BaseException) -> str:
    """The first line of what an error says."""
    try:
        return str(error).strip().split("\n")[0]
    except Exception:  # its own text raises
        return ""


def stop(error: BaseException) -> str:
    """What ended an answer, in two lines: an interrupt, or an error with its place, its meaning and Python's words."""
    if isinstance(error, KeyboardInterrupt):
        return f"You stopped it{where(error)}.\nIf it ran without end: what makes its loop stop?"
    text, kinds = said(error), (each for type_, each in _MEANINGS.items() if isinstance(error, type_))
    meaning = getattr(error, "meaning", next(kinds, ""))
    if sizes := re.match(r"matmul: .*\((size .*)\)$", text):
        meaning, text = "The shapes do not fit in a matrix product.", sizes[1]
    meant = f"{meaning} Python says: {textwrap.shorten(text, 200)}".strip() if text else meaning
    return f"It stopped with {cut(type(error).__name__, 60)}{where(error)}.\n{meant}"
