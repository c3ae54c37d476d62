"""What an exercise is, and how an answer to it is judged.

A bank module (nb01.py for notebook 01) holds BANK = Bank(1, title, items). An answer is called on the cases
of its exercise and compared with the oracle, which computes the truth in another way than the solution does.
Differences are relative to the largest entry, in each time step on its own, and never absolute: zeros don't
pass for a vanished gradient.
"""

from __future__ import annotations

import copy
import functools
import importlib
import inspect
import linecache
import math
import numbers
import re
import sys
import sysconfig
import textwrap
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..lessons.nb15_the_clinic import clinic


class Mistake(NamedTuple):
    """A typical wrong answer that runs, and the sentence that explains it.

    wrong     a function like the solution, or the wrong value
    sentence  what the learner reads: what went wrong, and why it matters
    """

    wrong: Any
    sentence: str


@dataclass(frozen=True, eq=False)
class Exercise:
    """Something to write (a function) or to find out (a value).

    id, title     "3.1", a few words
    minutes       it takes
    difficulty    1 to 3
    solution      the function, whose source learners see; without cases it takes nothing and gives the value
    oracle        the truth, computed in another way, called like the solution
    cases         rng -> list of argument tuples, nothing in them zero; None if a value is asked for
    mistakes      typical wrong answers
    hints         in order
    stub          source of the unsolved function, as the notebook shows it
    also_correct  right answers that are written differently
    helpers       functions and constants (as text) that the solution's source needs, shown before it
    returns       names of the returned values, if there are several; a NamedTuple brings its own
    time_axis     of the returned array: each step is compared with its own largest entry; "each": each entry
                  with itself; None: all of it with its largest entry. A tuple has one for each returned value
    rtol          relative tolerance
    choices       the values to choose from, if the answer is one of them or a set of them
    """

    id: str
    title: str
    _: KW_ONLY
    minutes: int
    difficulty: int
    solution: Callable
    oracle: Callable
    mistakes: list[Mistake]
    hints: list[str]
    cases: Callable[[np.random.Generator], list[tuple]] | None = None
    stub: str = ""
    also_correct: tuple = ()
    helpers: tuple = ()
    returns: tuple[str, ...] = ()
    time_axis: int | str | None | tuple = None
    rtol: float = 1e-9
    choices: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """Its line in the notebook."""
        return f"Exercise {self.id}: {self.title} ({self.minutes} minutes, difficulty {self.difficulty} of 3)"

    def source(self) -> str:
        """The solution's source, after the helpers it needs."""
        parts = (*self.helpers, self.solution)
        texts = [part if isinstance(part, str) else inspect.getsource(part) for part in parts]
        return "\n\n".join(textwrap.dedent(text).strip() for text in texts) + "\n"


@dataclass(frozen=True, eq=False)
class Cure(Exercise):
    """A sick run of the clinic: name its disease, then write its sick part anew, which is judged by the run's health.

    The answer is the name (a text) or the function. What is judged, and what is said of it, is in `clinic`. Solution
    and also_correct are source texts, for torch is imported when a run is made.

    patient   number in the clinic, "03"; its sick part is the stub
    confused  sentences for names that tempt, by the number of the disease
    wrong     source texts of cures that run and do not heal
    """

    _: KW_ONLY
    patient: str
    solution: str
    also_correct: tuple[str, ...]
    confused: dict[str, str]
    wrong: tuple[str, ...]
    oracle: None = None
    mistakes: tuple = ()

    def source(self) -> str:
        """The solution's source, after the name of the disease."""
        return f"# {clinic.DISEASES[self.patient]}\n{textwrap.dedent(self.solution).strip()}\n"


@dataclass(frozen=True, eq=False)
class Prediction:
    """A question to answer before the measurement.

    id, question  "3.2", the question as the notebook puts it
    kind          "number"; "choice": one of the choices; "choices": those that hold; "order": all, in order
    choices       the texts to choose from
    unit          of the number, "steps"
    scale         "linear" or "log10": how far a number is from the measured one
    close         how near counts as right: a fraction of what is measured (linear, .1) or decades (log10, .5)
    digits        significant digits of the measured number to print, few enough for every processor to agree
    """

    id: str
    question: str
    _: KW_ONLY
    kind: str = "number"
    choices: tuple[str, ...] = ()
    unit: str = ""
    scale: str = "linear"
    close: float | None = None
    digits: int = 2

    def __post_init__(self) -> None:
        if self.kind not in ("number", "choice", "choices", "order") or self.scale not in ("linear", "log10"):
            raise ValueError(f"prediction {self.id}: kind {self.kind!r} or scale {self.scale!r} is unknown.")
        if (self.kind == "number") == bool(self.choices):
            raise ValueError(f"prediction {self.id}: choices go with every kind but 'number'.")

    def wanted(self) -> str:
        """What to put in place of the ellipsis."""
        among = ", ".join(f'"{choice}"' for choice in self.choices)
        return {"number": "a number" + (f" ({self.unit})" if self.unit else ""), "choice": f"one of {among}",
                "choices": f"a list of those that hold among {among}",
                "order": f"a list, in your order, of {among}"}[self.kind]

    def value(self, said: Any) -> float | str | list[str]:
        """What was said, as it is recorded; ValueError with what is wanted if it is no answer."""
        if self.kind == "number":
            number = said.item() if math.prod(getattr(said, "shape", (0,))) == 1 else said
            if isinstance(number, numbers.Real) and not isinstance(number, bool) and abs(number) <= sys.float_info.max:
                if self.scale == "log10" and number < 0:
                    raise ValueError(f"{said!r} is below 0, and a size is asked for. 10 to the power -3 is 1e-3.")
                return float(number)
        else:
            known = {choice.casefold(): choice for choice in self.choices}
            several = said if isinstance(said, (list, tuple, set)) else [said]
            chosen = [known.get(str(choice).strip().casefold()) for choice in several]
            count = {"choice": 1, "choices": max(1, len(chosen)), "order": len(self.choices)}[self.kind]
            if isinstance(said, set) and None not in chosen:
                chosen.sort(key=self.choices.index)  # a set has no order of its own
            if None not in chosen and len(chosen) == len(set(chosen)) == count:
                return chosen[0] if self.kind == "choice" else chosen
        raise ValueError(f"{said!r} is not {self.wanted()}.")

    def show(self, value: float | str | list[str], digits: int = 6) -> str:
        """A value of `value` in words."""
        if self.kind == "number":
            return f"{value:.{digits}g}" + (f" {self.unit}" if self.unit else "")
        return value if isinstance(value, str) else ", ".join(value)

    def remark(self, said: float | str | list[str], measured: float | str | list[str]) -> str:
        """How near a prediction came, in a sentence; both as `value` gives them."""
        if self.kind == "choices":
            missing = ", ".join(choice for choice in measured if choice not in said)
            surplus = ", ".join(choice for choice in said if choice not in measured)
            parts = [f"Missing: {missing}."] * bool(missing) + [f"Does not hold: {surplus}."] * bool(surplus)
            return " ".join(parts) or "Right, all of it."
        if self.kind != "number":
            return "Right." if said == measured else "It turned out otherwise."
        return self._distance(said, measured)

    def _distance(self, said: float, measured: float) -> str:
        close = self.close if self.close is not None else {"linear": .1, "log10": .5}[self.scale]
        if said == measured:
            return "Right."
        if measured == 0 or said == 0:
            return "It is exactly zero." if measured == 0 else "It is not zero."
        if (said < 0) != (measured < 0):
            return "The sign is the other one."
        decades = float(np.log10(abs(said)) - np.log10(abs(measured)))
        if abs(said - measured) <= close * abs(measured) if self.scale == "linear" else abs(decades) <= close:
            return "Right: near enough."
        far = f"{abs(decades):.0f} orders of magnitude" if abs(decades) >= 1.5 else (
            f"a factor of {10 ** abs(decades):.2g}")
        return f"Too {'large' if decades > 0 else 'small'}{' in size' if measured < 0 else ''} by {far}."


@dataclass(frozen=True, eq=False)
class Bank:
    """The exercises and predictions of one notebook, in its order.

    number, title  of the notebook
    items          Exercise and Prediction objects, ids "number.1" and on
    """

    number: int
    title: str
    items: list[Exercise | Prediction]

    def __post_init__(self) -> None:
        ids = [item.id for item in self.items]
        pattern = rf"{self.number}\.[1-9]\d*"
        strange = [name for name in ids if not re.fullmatch(pattern, name) or ids.count(name) > 1]
        if strange:
            raise ValueError(f"bank {self.number}: the ids {strange} are double or not like {self.number}.1.")

    @property
    def exercises(self) -> list[Exercise]:
        """Those of the items that are checked."""
        return [item for item in self.items if isinstance(item, Exercise)]

    @property
    def predictions(self) -> list[Prediction]:
        """Those of the items that are revealed."""
        return [item for item in self.items if isinstance(item, Prediction)]


# {7: "nb07_exploding"}: the lessons that have exercises, found by their names; none is imported before it is asked for.
_SHELF = {int(path.parent.name[2:4]): path.parent.name
          for path in (Path(__file__).parents[1] / "lessons").glob("nb[0-9][0-9]_*/exercises.py")}


def numbers_of_banks() -> list[int]:
    """The lessons that have exercises."""
    return sorted(_SHELF)


def bank(number: int) -> Bank:
    """The bank of a notebook; its module is imported when it is asked for."""
    found = importlib.import_module(f"..lessons.{_SHELF[number]}.exercises", __package__).BANK
    if found.number != number:
        raise ValueError(f"{_SHELF[number]}/exercises.py: its bank says that it is number {found.number}.")
    return found


class Verdict(NamedTuple):
    """What `judge` says of an answer.

    word     "passed", "named" (a disease, not yet cured), "open" (not begun), "stopped" (interrupted) or "not yet"
    reason   sentences, one a line
    mistake  the typical mistake that was recognised, or None
    """

    word: str
    reason: str
    mistake: Mistake | None = None


class Difference(NamedTuple):
    """The first way in which a result differs from what is needed."""

    sentence: str
    in_numbers: bool
    name: str


class Outcome(NamedTuple):
    """What calling a function on one case gave: its result, and the arguments that it changed."""

    result: Any
    changed: tuple[str, ...]


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Judge an answer. What is wrong with it is in the verdict; nothing is raised, printed or recorded."""
    if isinstance(exercise, Cure):
        return _judge_name(exercise, answer) if isinstance(answer, (str, type(...))) else _judge_cure(exercise, answer)
    if answer is ... or answer is None:
        return Verdict("open", _what_to_do(exercise))
    return _judge_value(exercise, answer) if exercise.cases is None else _judge_function(exercise, answer)


def _what_to_do(exercise: Exercise) -> str:
    what = "Put your answer" if exercise.cases is None else f"Write the body of {exercise.solution.__name__}"
    return f"{what} in place of the ... and run the cell again."


def _judge_value(exercise: Exercise, answer: Any) -> Verdict:
    answer, needed = _plain(answer), exercise.oracle()
    if _unfinished(answer):
        return Verdict("open", _what_to_do(exercise))
    if exercise.choices and (strange := _not_offered(exercise.choices, answer)):
        offered = ", ".join(f'"{choice}"' for choice in exercise.choices)
        return Verdict("not yet", f"{strange} is not among the choices: {offered}.")
    compare = functools.partial(_difference, names=exercise.returns, time_axis=exercise.time_axis,
                                rtol=exercise.rtol, name="Your answer")
    difference = compare(answer, needed)
    if difference is None:
        return Verdict("passed", "it is right.")
    for mistake in exercise.mistakes:
        if compare(answer, _plain(mistake.wrong)) is None:
            return Verdict("not yet", mistake.sentence, mistake)
    if difference.in_numbers:  # the sentence would give the answer away
        return Verdict("not yet", f"{difference.name} is not right.")
    return Verdict("not yet", difference.sentence)


def _not_offered(choices: tuple[str, ...], answer: Any) -> str:
    several = isinstance(answer, (list, tuple, set, frozenset))
    given = answer if several else [answer] if isinstance(answer, str) else []
    strange = [choice for choice in given if str(choice) not in choices]
    return _show(strange[0]) if strange else "" if given else _show(answer)


def _judge_function(exercise: Exercise, answer: Any) -> Verdict:
    name = exercise.solution.__name__
    if answer is exercise.oracle:
        return Verdict("not yet", "This is what answers are compared with. Write your own.")
    if not callable(answer):
        return Verdict("not yet", f'Give the function itself: check("{exercise.id}", {name}), without '
                                  f"parentheses after {name}. What came is {_kind(answer)}.")
    if _is_empty(answer):
        return Verdict("open", _what_to_do(exercise))
    parameters = list(inspect.signature(exercise.solution).parameters)
    if complaint := _arity(answer, parameters):
        return Verdict("not yet", complaint)
    cases, needed = _cases(exercise), _needed(exercise)
    outcomes: list[Outcome] = []
    for number, case in enumerate(cases, start=1):
        where = f"Case {number} of {len(cases)}: {_describe(parameters, case)}."
        try:
            outcome = _call(answer, parameters, case)
        except NotImplementedError:
            return Verdict("open", _what_to_do(exercise))
        except KeyboardInterrupt as interrupt:
            return Verdict("stopped", f"You stopped it{_place(interrupt)}.\n"
                                      f"If it ran without end: what makes its loop stop?\n{where}")
        except (Exception, SystemExit) as error:
            if "ellipsis" in str(error):
                return Verdict("open", f"There is still a ... to replace{_place(error)}.")
            return Verdict("not yet", f"It stopped with {type(error).__name__}{_place(error)}.\n"
                                      f"{_in_plain_words(error)}\n{where}")
        if outcome.result is None:
            return Verdict("open", "It returns nothing yet. Replace the ... and return the result.")
        if _unfinished(outcome.result):
            return Verdict("open", "What it returns still holds a ... to replace.")
        outcomes.append(outcome)

    compare = functools.partial(_difference, names=exercise.returns, time_axis=exercise.time_axis,
                                rtol=exercise.rtol)
    differences = [compare(outcome.result, need) for outcome, need in zip(outcomes, needed)]
    changed = [outcome.changed for outcome in outcomes]
    if not any(differences) and not any(changed):
        count = "1 case" if len(cases) == 1 else f"{len(cases)} cases"
        axes = {exercise.time_axis} if not isinstance(exercise.time_axis, tuple) else {*exercise.time_axis}
        steps = "" if axes == {None} else " in each entry" if axes == {"each"} else " in each time step"
        return Verdict("passed", f"{count}, {_agreement(exercise.rtol)}{steps}.")
    for mistake in exercise.mistakes:
        if _same_outcomes(outcomes, _outcomes(exercise, mistake), compare):
            return Verdict("not yet", mistake.sentence, mistake)
    first = next(i for i in range(len(cases)) if changed[i] or differences[i])
    where = f"Case {first + 1} of {len(cases)}: {_describe(parameters, cases[first])}."
    if changed[first]:
        names = " and ".join(changed[first])
        return Verdict("not yet", f"It changes its input {names}, which the caller still needs: "
                                  f"work on a copy.\n{where}")
    return Verdict("not yet", f"{differences[first].sentence}\n{where}")


def _judge_name(cure: Cure, answer: Any) -> Verdict:
    if answer is ...:
        names = ", ".join(f'"{name}"' for name in sorted(clinic.DISEASES.values()))
        return Verdict("open", f"Which disease is it? Put its name in place of the ...: {names}.")
    said = answer.strip().casefold()
    number = next((number for number, name in clinic.DISEASES.items() if said == name.casefold()), None)
    if number is None:
        return Verdict("not yet", f'{answer!r} is none of the names. check("{cure.id}", ...) lists them.')
    if number == cure.patient:
        return Verdict("named", f"Yes: {clinic.DISEASES[number]}. Now cure it.")
    return Verdict("not yet", cure.confused.get(number, f"The chart does not show that {clinic.DISEASES[number]}."))


def _judge_cure(cure: Cure, answer: Any) -> Verdict:
    patient = clinic.PATIENTS[cure.patient]
    if not callable(answer):
        return Verdict("not yet", f'Give the function itself: check("{cure.id}", {patient.name}), or the name of the '
                                  f"disease as a text. What came is {_kind(answer)}.")
    if patient.is_sick_part(answer):
        return Verdict("open", f"This is {patient.name} as it came in. Change it and run the cell again.")
    name = getattr(answer, "__name__", patient.name)
    if name != patient.name and name in [other.name for other in clinic.PATIENTS.values()]:
        return Verdict("not yet", f"This is {name}, and the sick part of patient {cure.patient} is {patient.name}.")
    if complaint := _arity(answer, patient.parameters):
        return Verdict("not yet", complaint)
    try:
        chart = patient.run(answer)
        complaints = patient.judge(chart, answer)
    except KeyboardInterrupt as interrupt:
        return Verdict("stopped", f"You stopped it{_place(interrupt)}.\nIf it ran without end: what makes its loop "
                                  f"stop?")
    except (Exception, SystemExit) as error:
        return Verdict("not yet", f"It stopped with {type(error).__name__}{_place(error)}.\n{_in_plain_words(error)}")
    if complaints:
        return Verdict("not yet", complaints[0])
    return Verdict("passed", f"the run is healthy. Its last line: {chart.rows[-1]}.")


def _is_empty(function: Any) -> bool:
    """Is its body a docstring and an ellipsis, and nothing else?"""
    def empty() -> None:
        ...

    code = getattr(function, "__code__", None)
    operations = slice(None, None, 2)  # every second byte is an argument
    return (code is not None and code.co_code[operations] == empty.__code__.co_code[operations]
            and set(code.co_consts) <= {None, function.__doc__})


@functools.lru_cache(maxsize=None)
def _cases(exercise: Exercise) -> list[tuple]:
    return exercise.cases(np.random.default_rng(zlib.crc32(exercise.id.encode())))


@functools.lru_cache(maxsize=None)
def _needed(exercise: Exercise) -> list[Any]:
    return [exercise.oracle(*copy.deepcopy(case)) for case in _cases(exercise)]


@functools.lru_cache(maxsize=None)
def _outcomes(exercise: Exercise, mistake: Mistake) -> list[Outcome]:
    parameters = list(inspect.signature(exercise.solution).parameters)
    try:
        return [_call(mistake.wrong, parameters, case) for case in _cases(exercise)]
    except Exception:  # a mistake of this kind has no numbers to be recognised by
        return []


def _same_outcomes(mine: list[Outcome], theirs: list[Outcome], compare: Callable) -> bool:
    return len(mine) == len(theirs) and all(
        a.changed == b.changed and compare(a.result, b.result) is None for a, b in zip(mine, theirs))


def _call(function: Callable, parameters: list[str], case: tuple) -> Outcome:
    arguments = copy.deepcopy(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = _plain(function(*arguments))
    return Outcome(result, tuple(name for name, before, after in zip(parameters, case, arguments)
                                 if not _untouched(before, after)))


def _untouched(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):
        same_form = before.shape == after.shape and before.dtype == after.dtype
        return same_form and before.tobytes() == after.tobytes()
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(_untouched, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_untouched(before[key], after[key]) for key in before)
    return not isinstance(before, (numbers.Number, str)) or before == after


def _arity(answer: Callable, parameters: list[str]) -> str:
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # some functions in C don't tell
        return ""
    try:
        signature.bind(*parameters)
    except TypeError:
        count = "1 value" if len(parameters) == 1 else f"{len(parameters)} values"
        return f"It takes {signature}, but it is called with {count}: ({', '.join(parameters)})."
    return ""


def _plain(value: Any) -> Any:
    """Tensors as arrays, lists as they are, everything copied, so that a later call can't change it."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        parts = [_plain(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def _unfinished(value: Any) -> bool:
    return value is None or value is ... or isinstance(value, (list, tuple)) and any(map(_unfinished, value))


def _difference(got: Any, need: Any, *, names: tuple[str, ...], time_axis: Any, rtol: float,
                name: str = "The result") -> Difference | None:
    if isinstance(need, tuple):
        return _difference_in_parts(got, need, names, time_axis, rtol)
    if isinstance(need, (str, set, frozenset)):
        return _difference_in_words(got, need, name)
    try:
        need = np.asarray(need)
        whole = isinstance(got, numbers.Rational) and not isinstance(got, bool)  # of any size
        array = np.asarray(float(got) if whole else got)
    except (ValueError, TypeError, OverflowError):
        return Difference(f"{name} is {_kind(got)} that makes no array of numbers.", False, name)
    if array.dtype.kind not in ("b" if need.dtype.kind == "b" else "iufc") or need.dtype.kind not in "biufc":
        remedy = " of numbers: .astype(float) makes them" if array.dtype.kind == "b" and need.ndim else ""
        return Difference(f"{name} is {_kind(got)}, needed {_kind(need)}{remedy}.", False, name)
    if array.shape != need.shape:
        sentence = (f"{name} has shape {array.shape}, needed {need.shape}." if array.shape and need.shape
                    else f"{name} is {_kind(array)}, needed {_kind(need)}.")
        return Difference(sentence, False, name)
    if array.dtype.kind == "c" and need.dtype.kind != "c":
        if np.any(array.imag):
            return Difference(f"{name} is complex, needed real numbers.", False, name)
        array = array.real
    return _difference_in_numbers(array, need, time_axis, rtol, name)


def _difference_in_parts(got: Any, need: tuple, names: tuple[str, ...], time_axis: Any,
                         rtol: float) -> Difference | None:
    fields = getattr(need, "_fields", None)
    names = fields or (names if len(names) == len(need) else [f"value {i}" for i in range(1, len(need) + 1)])
    if not isinstance(got, (tuple, list)) or len(got) != len(need):
        sentence = f"It gives {_kind(got)}, needed {len(need)} values: {', '.join(names)}."
        return Difference(sentence, False, "It")
    if fields and set(getattr(got, "_fields", ())) == set(fields):
        got = tuple(getattr(got, field) for field in fields)
    several = isinstance(time_axis, tuple) and len(time_axis) == len(need)
    axes = time_axis if several else [time_axis] * len(need)
    for name, mine, theirs, axis in zip(names, got, need, axes):
        if difference := _difference(mine, theirs, names=(), time_axis=axis, rtol=rtol, name=name):
            return difference
    return None


def _difference_in_words(got: Any, need: str | set | frozenset, name: str) -> Difference | None:
    if isinstance(need, str):
        if not isinstance(got, str):
            return Difference(f"{name} is {_kind(got)}, needed a text.", False, name)
        return None if got.strip() == need else Difference(f"{name} is {got!r}, needed {need!r}.", True, name)
    if isinstance(got, str) or not isinstance(got, (list, tuple, set, frozenset)):
        return Difference(f"{name} is {_kind(got)}, needed a list or a set.", False, name)
    if set(map(str, got)) == set(map(str, need)):
        return None
    return Difference(f"{name} is {_show(got)}, needed {_show(need)}.", True, name)


def _difference_in_numbers(got: np.ndarray, need: np.ndarray, time_axis: int | str | None, rtol: float,
                           name: str) -> Difference | None:
    if time_axis == "each":
        kept = tuple(range(need.ndim))
    else:
        # A mistake may have another form than the truth: then there is no such axis.
        kept = (time_axis % need.ndim,) if time_axis in range(-need.ndim, need.ndim) else ()
    single, logical = got.dtype == np.float32, need.dtype.kind == "b"
    number = complex if "c" in (got.dtype.kind, need.dtype.kind) else float
    got, need = got.astype(number), need.astype(number)
    strange = ~np.isfinite(got) & np.isfinite(need)
    if strange.any():
        index = tuple(np.argwhere(strange)[0].tolist())
        return Difference(f"{_item(name, index)} is {got[index]}, needed a finite number.", True, name)
    with np.errstate(all="ignore"):
        finite, equal = np.isfinite(need), (got == need) | np.isnan(got) & np.isnan(need)
        gap = np.where(finite, np.abs(got - need), np.where(equal, 0, np.inf))
        size = np.where(finite, np.abs(need), 0)
        others = tuple(axis for axis in range(need.ndim) if axis not in kept)
        error, scale = (array.max(axis=others, keepdims=True, initial=0) for array in (gap, size))
        wrong = error / scale > rtol  # where the truth is zero: x / 0 is, 0 / 0 is not
    if not wrong.any():
        return None
    start = np.argwhere(wrong)[0]
    block = tuple(slice(i, i + 1) if axis in kept else slice(None) for axis, i in enumerate(start))
    worst = np.unravel_index(np.argmax(gap[block]), gap[block].shape)
    index = tuple(int(i) for i in start + np.array(worst, dtype=int))
    pair = (bool(got[index]), bool(need[index])) if logical else (got[index], need[index])
    sentence = f"{_item(name, index)} is {_pair(*pair)}."
    if len(kept) == 1 and need.shape[kept[0]] > 1:
        word = "index" if time_axis == "each" else "time index"
        sentence += f" Wrong at {_runs(wrong.ravel(), word)}" + (
            "." if wrong.all() else f", right at {_runs(~wrong.ravel(), word)}.")
    if single and np.all(error <= 1e-5 * scale):
        sentence += f"\n{name} is float32, which has 7 digits. Stay with float64."
    return Difference(sentence + _factor(got, need), True, name)


def _runs(marks: np.ndarray, word: str) -> str:
    """The indices that are marked, in words."""
    if marks.all():
        return f"every {word}"
    places = np.flatnonzero(marks)
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    if len(runs) > 4:
        return f"{len(places)} of {len(marks)} {word.replace('index', 'indices')}"
    texts = [f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return f"{word} {', '.join(texts)}"


def _factor(got: np.ndarray, need: np.ndarray) -> str:
    """A sentence if all entries are off by one and the same factor."""
    if need.size < 2 or not need.all() or not np.isfinite(need).all():
        return ""
    with np.errstate(all="ignore"):
        ratio = got / need
    factor = ratio.flat[0]
    same = np.isfinite(ratio).all() and np.allclose(ratio, factor, rtol=1e-6, atol=0)
    tells = same and factor != 0 and abs(factor - 1) > 1e-6
    return f"\nEvery entry is {_number(factor)} times what is needed." if tells else ""


def _item(name: str, index: tuple[int, ...]) -> str:
    return f"{name}{list(index)}" if index and name.isidentifier() else (
        f"{name} at index {list(index)}" if index else name)


def _pair(got: Any, need: Any) -> str:
    for digits in (6, 12, 17):
        if _number(got, digits) != _number(need, digits):
            break
    return f"{_number(got, digits)}, needed {_number(need, digits)}"


def _number(value: Any, digits: int = 6) -> str:
    return str(value) if isinstance(value, bool) else f"{value + 0:.{digits}g}"  # + 0: no minus before a zero


def _agreement(rtol: float) -> str:
    digits = int(np.floor(-np.log10(rtol) + 1e-6))
    return f"agrees to {digits} digits or more" if digits > 1 else f"agrees within {100 * rtol:.2g} %"


def _kind(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)) or isinstance(value, np.ndarray) and value.dtype.kind == "b":
        return f"an array of True and False of shape {value.shape}" if np.ndim(value) else "True or False"
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
    return "a function" if callable(value) else f"an object of type {type(value).__name__}"


def _show(value: Any) -> str:
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_show, value)) or "an empty list"
    return repr(value) if isinstance(value, (str, bool)) else _kind(value)


def _describe(parameters: list[str], case: tuple) -> str:
    return ", ".join(f"{name} {_argument(value)}" for name, value in zip(parameters, case))


def _argument(value: Any) -> str:
    if hasattr(value, "_fields"):
        parts = (f"{name} {_argument(part)}" for name, part in zip(value._fields, value)
                 if not (isinstance(part, tuple) and len(part) == 0))
        return f"with {', '.join(parts)}"
    if value is None or isinstance(value, str):
        return f"= {value!r}"
    if isinstance(value, np.ndarray) and value.ndim:
        return str(value.shape)
    if isinstance(value, (list, tuple, dict)):
        return f"({type(value).__name__} of {len(value)})"
    if isinstance(value, (numbers.Number, np.generic, np.ndarray)):
        return f"= {_number(value[()] if isinstance(value, np.ndarray) else value)}"
    return f"({_kind(value)})"


_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
                   | {str(Path(__file__).parents[1])})


def _frames(error: BaseException) -> Iterator[tuple[str, int, Any]]:
    step = error.__traceback__
    while step is not None:
        yield step.tb_frame.f_code.co_filename, step.tb_lineno, step.tb_frame.f_code
        step = step.tb_next


def _place(error: BaseException) -> str:
    """Where in the learner's own code it happened: the innermost line that is in no library."""
    own = [frame for frame in _frames(error) if not frame[0].startswith((*_INSTALLED, "<frozen", "<__array"))]
    if not own:
        return ""
    filename, line, code = own[-1]
    text = linecache.getline(filename, line).strip()
    return f" in line {line - code.co_firstlineno + 1} of {code.co_name}" + (f": {text}" if text else "")


_MEANINGS = {
    UnboundLocalError: "A variable is read before it has a value.",
    NameError: "A name has no value yet: a slip in writing, or a cell that has not run.",
    IndexError: "An index lies beyond the end.",
    KeyError: "A dictionary has no such key.",
    AttributeError: "There is nothing of that name in the object.",
    ZeroDivisionError: "Something is divided by zero.",
    RecursionError: "It calls itself without end.",
    MemoryError: "An array is too large for the memory.",
    SystemExit: "exit() ends the kernel: use return.",
    TypeError: "An operation got something that it can't work with.",
    ValueError: "A value or a shape does not fit.",
}


def _in_plain_words(error: BaseException) -> str:
    meaning = next((text for kind, text in _MEANINGS.items() if isinstance(error, kind)), "")
    said = str(error).strip().split("\n")[0]
    if sizes := re.match(r"matmul: .*\((size .*)\)$", said):
        meaning, said = "The shapes do not fit in a matrix product.", sizes[1]
    return f"{meaning} Python says: {textwrap.shorten(said, 200)}".strip() if said else meaning
