"""The exercises: how answers are judged, what the learner reads, what is kept, and every bank that exists.

Every bank on disk goes through the tests at the end, beside the small one made here.
"""

from __future__ import annotations

import __future__
import ast
import dataclasses
import decimal
import errno
import fractions
import functools
import html.parser
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import types
import warnings
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import nbclient
import nbformat
import numpy as np
import pytest

from course_lib import bptt, exercises, initialise
from course_lib.exercises import forbidden, words
from course_lib.exercises.bank import Bank, Exercise, Mistake, Prediction, bank_of, numbers_of_banks
from course_lib.exercises.compare import difference, untouched
from course_lib.exercises.progress import Store
from course_lib.lessons.nb15_the_clinic.clinic import PATIENTS
from course_lib.lessons.nb15_the_clinic.cure import Cure

ROOT = Path(__file__).parents[1]


# A small bank ------------------------------------------------------------------------------------------


class Line(NamedTuple):
    slope: float
    offset: np.ndarray


class OfLine(Exercise):
    def source(self):
        return inspect.getsource(Line) + "\n" + super().source()


def states(w, x, h0):
    h = np.empty(len(x) + 1)
    h[0] = h0
    for t, x_t in enumerate(x, start=1):
        h[t] = w * h[t - 1] + x_t
    return h


def states_closed(w, x, h0):
    steps = range(len(x) + 1)
    return np.array([w**t * h0 + sum(w**(t - k) * x[k - 1] for k in range(1, t + 1)) for t in steps])


def states_cases(rng):
    sizes = [(.5, 4), (-1.5, 7), (.9, 60)]
    return [(w, rng.uniform(.5, 1.5, size=T), rng.uniform(.5, 1.5)) for w, T in sizes]


def states_in_place(w, x, h0):
    x[0] += w * h0
    for t in range(1, len(x)):
        x[t] += w * x[t - 1]
    return np.array([h0, *x])


def backwards(w, T):
    dh = [1.]
    for _ in range(T):
        dh.insert(0, w * dh[0])
    return np.array(dh), dh[0]


def backwards_closed(w, T):
    return w**np.arange(T, -1, -1.), w**T


def scaled(factor):
    return lambda w, T: (factor * backwards(w, T)[0], backwards(w, T)[1])


def fit(line, x):
    residual = line.slope * x + line.offset - 1  # slope < offset & all
    return Line(2 * np.sum(residual * x), 2 * np.sum(residual, axis=0))


def fit_complex_step(line, x):
    def loss(slope, offset):
        return np.sum((slope * x + offset - 1)**2)

    step = 1e-30
    bumps = step * 1j * np.eye(len(line.offset))
    return (loss(line.slope + step * 1j, line.offset).imag / step,
            np.array([loss(line.slope, line.offset + bump).imag / step for bump in bumps]))


def half_life():
    return np.log(.5) / np.log(.9)


def which_grow():
    return {"1.5", "-2"}  # their size is above 1


SAMPLE = Bank(99, "A sample & more", [
    Exercise("99.1", "States <all>", minutes=5, difficulty=1, solution=states, oracle=states_closed,
             cases=states_cases, time_axis=0,
             also_correct=(lambda w, x, h0: [h0] + [h0 := w * h0 + x_t for x_t in x],),
             mistakes=[Mistake(lambda w, x, h0: states(w, x, h0)[1:], "Row 0 is missing."),
                       Mistake(lambda w, x, h0: np.append(h0, w * h0 + x), "Each step starts from h0 again."),
                       Mistake(states_in_place, "It writes into x.")],
             hints=["What does h[1] depend on?", "h[t] = w * h[t - 1] + x[t - 1]"]),
    Exercise("99.2", "Backwards", minutes=10, difficulty=2, solution=backwards, oracle=backwards_closed,
             cases=lambda rng: [(.5, 60), (1.5, 60)], returns=("dh", "first"), time_axis=(0, None),
             also_correct=(scaled(1),),
             mistakes=[Mistake(scaled(2), "Twice too much."), Mistake(scaled(-1), "The sign is wrong."),
                       Mistake(lambda w, T: scaled(1)(w, T)[0], "Return both."),
                       Mistake(lambda w, T: (*scaled(1)(w, T), T), "Return two."),
                       Mistake(lambda w, T: scaled(1)(w, T)[::-1], "The other way round.")],
             hints=["Start at the end.", "Multiply by w."]),
    Prediction("99.3", "How small is dh at the start?", scale="log10", unit="units"),
    OfLine("99.4", "A line", minutes=10, difficulty=3, solution=fit, oracle=fit_complex_step,
             cases=lambda rng: [(Line(.7, rng.uniform(1, 2, 3)), rng.uniform(1, 2, (4, 3)))],
             returns=("slope", "offset"),
             also_correct=(lambda *both: list(fit(*both)),),
             mistakes=[Mistake(lambda *both: Line(*(part / 2 for part in fit(*both))), "The 2 is missing."),
                       Mistake(lambda *both: Line(fit(*both)[0], fit(*both)[1].sum()), "Keep the axis.")],
             hints=["Square first.", "Chain rule."]),
    Exercise("99.5", "Half-life", minutes=3, difficulty=1, solution=half_life, rtol=1e-2, also_correct=(6.6,),
             oracle=lambda: next(k for k in np.arange(0, 99, 1e-3) if .9**k <= .5),
             mistakes=[Mistake(5, "Half of ten."), Mistake(-6.58, "Time runs forward.")],
             hints=["Logs.", "Ratio."]),
    Exercise("99.6", "Which grow", minutes=1, difficulty=1, choices=(".5", "1.5", "-2"), solution=which_grow,
             oracle=lambda: {w for w in (".5", "1.5", "-2") if abs(float(w)) > 1},
             also_correct=(["-2", "1.5"],),
             mistakes=[Mistake({"1.5"}, "The sign does not matter."),
                       Mistake({".5", "1.5"}, "Below 1 shrinks.")],
             hints=["Size.", "Without the sign."]),
    Prediction("99.7", "What happens?", kind="choice", choices=("Grows", "shrinks")),
    Prediction("99.8", "Which grow?", kind="choices", choices=("a", "b", "c")),
    Prediction("99.9", "From fast to slow?", kind="order", choices=("a", "b", "c")),
    Prediction("99.10", "The slope?"),
])
ITEMS = {item.id: item for item in SAMPLE.items}
# The cells in which a notebook would ask for the functions.
STUBS = {
    "99.1": '''
def states(w: float, x: np.ndarray, h0: float) -> np.ndarray:
    """h_t = w h_{t-1} + x_t for x (T,); returns h (T + 1,) with h[0] = h0."""
    ...

check("99.1", states)''',
    "99.2": '''
def backwards(w: float, T: int) -> tuple:
    """dh (T + 1,) and its first entry."""
    dh = ...
    return dh, dh[0]

check("99.2", backwards)''',
    "99.4": '''
def fit(line: Line, x: np.ndarray) -> Line:
    """The gradient of the squared error for x (N, 3)."""
    raise NotImplementedError

check("99.4", fit)''',
    "99.5": 'check("99.5", ...)',
    "99.6": 'check("99.6", ...)',
}


@pytest.fixture(autouse=True)
def learner(tmp_path, monkeypatch):
    """A learner with the sample bank, no progress and a fresh kernel."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "data" / "progress.jsonl"))
    monkeypatch.setattr(exercises, "bank_of", lambda number: SAMPLE)
    monkeypatch.setattr(exercises, "numbers_of_banks", lambda: [99])
    monkeypatch.setattr(exercises, "_hints_given", {})
    return tmp_path / "data" / "progress.jsonl"


# Judging a function ------------------------------------------------------------------------------------


def begun(w, x, h0):
    h = np.zeros(len(x) + 1)
    ...


def inside(w, x, h0):
    h = ...
    return w * h


def off_by_one(w, x, h0):
    h = [h0]
    for t in range(len(x) + 1):
        h.append(w * h[t] + x[t])
    return h


def mismatch(w, x, h0):
    return np.ones((3, 2)) @ x


def raises(error):
    def answer(w, x, h0):
        raise error
    return answer


def after(change):
    """The right answer, spoilt."""
    return lambda w, x, h0: change(states(w, x, h0))


def late(h):
    h[-2:] *= 3
    return h


class Tensor:
    """What a torch tensor that needs a gradient looks like from outside."""

    def __init__(self, array):
        self.array = array

    def __array__(self, *args, **kwargs):
        raise RuntimeError("Can't call numpy() on a tensor that requires grad.")

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return self.array


@pytest.mark.parametrize("answer, word, says", [
    (..., "open", "Write the body of states in place of the ... and run the cell again."),
    (None, "open", "Write the body of states"),
    (begun, "open", "It returns nothing yet. End it with return"),
    (lambda w, x, h0: states(w, x, h0) if w == .5 else None, "not yet",
     "It returns a result before, and None here: a way through it ends without a return.\nCase 2 of 3: "),
    (inside, "open", "There is still a ... to replace in line 3 of inside: return w * h"),
    (after(lambda h: ...), "open", "still holds a ..."),
    (after(lambda h: [..., *h[1:]]), "open", "still holds a ..."),
    (raises(NotImplementedError), "open", "Write the body of states"),
    (3., "not yet", 'Give the function itself: check("99.1", states), without parentheses after states. '
                    "What came is a single number."),
    ("states", "not yet", "What came is a text."),
    (lambda w, x: x, "not yet", "It takes (w, x), but it is called with 3 values: (w, x, h0)."),
    (lambda: 1, "not yet", "It takes (), but it is called with 3 values"),
    (off_by_one, "not yet", "IndexError in line 4 of off_by_one: h.append(w * h[t] + x[t]).\n"
                            "An index lies beyond the end. "
                            "Python says: index 4 is out of bounds for axis 0 with size 4\n"
                            "Case 1 of 3: w = 0.5, x (4,), h0 = "),
    (mismatch, "not yet", "The shapes do not fit in a matrix product. "
                          "Python says: size 4 is different from 2\n"),
    (raises(NameError("name 'np' is not defined")), "not yet", "A name has no value yet"),
    (raises(RecursionError), "not yet", "It calls itself too often, or without end."),
    (raises(SystemExit), "not yet", "use return"),
    (raises(RuntimeError("first\nsecond")), "not yet", "Python says: first\n"),
    (raises(KeyboardInterrupt), "stopped", "You stopped it in line 2 of answer: raise error"),
    (after(lambda h: h[:, None]), "not yet", "The result has shape (5, 1), needed (5,)."),
    (after(lambda h: h[0]), "not yet", "The result is a single number, needed an array of shape (5,)."),
    (after(lambda h: (h, h[:2])), "not yet", "The result is a tuple of 2 that makes no array of numbers."),
    (after(str), "not yet", "The result is a text, needed an array of shape (5,)."),
    (after(lambda h: (x for x in h)), "not yet", "a generator (yield where return should stand)"),
    (after(lambda h: {"h": h}), "not yet", "an object of type dict"),
    (after(lambda h: h.astype(object)), "not yet", "Python objects of shape (5,), needed an array of shape"),
    (after(lambda h: Decimal(1)), "not yet", "The result is a Decimal, needed an array of shape (5,)"),
    (after(lambda h: h > 0), "not yet", "True and False of shape (5,), needed an array of shape (5,)"),
    (after(lambda h: h + 1e-9j), "not yet", "The result is complex, needed real numbers."),
    (after(lambda h: np.append(h[:-1], np.nan)), "not yet", "at index [4] is nan, needed a finite number."),
    (after(lambda h: h * np.inf), "not yet", "inf, needed a finite number."),
    (after(lambda h: 0 * h), "not yet", "The result at index [0] is 0, needed "),
    (after(lambda h: -h), "not yet", "Every entry is -1 times what is needed. A minus too many, or too few?"),
    (after(late), "not yet", "Wrong at index 3 to 4 of the time steps, right at index 0 to 2 of the time "
                       "steps.\nCase 1 of 3: "),
    (after(lambda h: h.astype(np.float32)), "passed", "5 digits or more in each time step, as far as float32 goes."),
    (after(lambda h: h.astype(np.float32).tolist()), "passed", "as far as float32 goes."),
    (after(lambda h: h.astype(np.float32) * (1 + 1e-4)), "not yet", "Wrong at every time step."),
    (after(lambda h: h * (1 + 1e-8)), "not yet", "Wrong at every time step."),
    (lambda w, x, h0: states(w, x, h0)[1:], "not yet", "Row 0 is missing."),
    (states_in_place, "not yet", "It writes into x."),
    (states_closed, "not yet", "This is what answers are compared with. Write your own."),
    (after(lambda h: h + 0j), "passed", "3 cases, agrees to 9 digits or more in each time step."),
    (after(lambda h: h.astype(np.longdouble)), "passed", "3 cases"),
    (after(lambda h: tuple(h)), "passed", "3 cases"),
    (after(lambda h: Tensor(h)), "passed", "3 cases"),
    (after(lambda h: h * (1 + 1e-11)), "passed", "3 cases"),
    (np.vectorize(lambda w, x, h0: 0, signature="(),(t),()->()"), "not yet", "a single number, needed an "),
])
def test_what_is_said_of_a_function(answer, word, says):
    verdict = ITEMS["99.1"].judge(answer)
    assert (verdict.word, says in verdict.reason + "\n") == (word, True), verdict.reason


def test_numbers_that_float32_holds_by_chance_are_no_float32():
    """1.5**7 is one of them: the other cases have all digits."""
    exercise = next(each for each in bank_of(0).exercises if each.id == "0.3")
    assert exercise.judge(exercise.solution).reason == "6 cases, agrees to 9 digits or more."


def test_identity_and_constants_are_no_stubs():
    assert ITEMS["99.1"].judge(lambda w, x, h0: x).reason.startswith("The result has shape (4,)")
    assert ITEMS["99.1"].judge(lambda w, x, h0: 5).reason.startswith("The result is a single number")


@pytest.mark.parametrize("answer, says", [
    (lambda w, T: backwards(w, T)[0][1:], "It gives an array of shape (60,), needed 2 values: dh, first."),
    (lambda w, T: (*backwards(w, T), 1), "It gives a tuple of 3, needed 2 values: dh, first."),
    (lambda w, T: (backwards(w, T)[0], 1.), "first is 1, needed 8.67362e-19."),
    (lambda w, T: (backwards(w, T)[0], None), "still holds a ..."),
])
def test_parts_have_their_names(answer, says):
    assert says in ITEMS["99.2"].judge(answer).reason


@pytest.mark.parametrize("rtol, words", [(1e-9, "to 9 digits or more"), (5e-3, "to 2 digits or more"),
                                         (.05, "within 5 %")])
def test_a_right_answer_is_told_how_near_it_had_to_be(rtol, words):
    exercise = dataclasses.replace(ITEMS["99.1"], rtol=rtol)
    assert f"3 cases, agrees {words} in each time step." in exercise.judge(lambda w, x, h0: states(w, x, h0)).reason


def test_a_vanished_gradient_is_compared_in_each_step():
    def vanished(w, T):
        dh, first = backwards(w, T)
        return np.where(np.abs(dh) < 1e-12, 0, dh), first

    def wrong_by_a_thousandth(w, T):
        dh, first = backwards(w, T)
        dh[1] *= 1.001
        return dh, first

    reason = ITEMS["99.2"].judge(vanished).reason
    assert "dh[0] is 0, needed 8.67362e-19. Wrong at index 0 to 20 of the time steps, right at" in reason
    reason = ITEMS["99.2"].judge(wrong_by_a_thousandth).reason
    assert "Wrong at index 1 of the time steps, right at index 0, 2 to 60 of the time steps." in reason


def compare(got, need, time_axis=None, rtol=1e-9):
    return difference(got, need, names=(), time_axis=time_axis, rtol=rtol)


def test_axes_of_comparison():
    need = np.array([[1., 2.], [1e-20, 1e-30]])
    got = need + [[0, 0], [0, 1e-30]]
    assert compare(got, need) is None
    assert compare(got, need, time_axis=0, rtol=1e-9) is None
    assert "at index [1, 1] is 2e-30, needed 1e-30." in compare(got, need, time_axis=1, rtol=1e-31).sentence
    assert "at index [1, 1] is 2e-30, needed 1e-30." in compare(got, need, time_axis="each").sentence
    assert "Wrong at index 1 of the time steps, right" in compare(2 * got - need + 1e-25, need, time_axis=-2).sentence
    assert compare(np.array([0., 1.]), np.array([0., 1.]), "each") is None
    assert "is 1e-300, needed 0." in compare(np.array([1e-300, 1.]), np.array([0., 1.]), "each").sentence
    assert ("Wrong at index 0 of the entries, right at index 1 of the entries."
            in compare(np.array([1., 1.]), np.array([0., 1.]), "each").sentence)
    assert compare([np.inf, np.nan, 1], np.array([np.inf, np.nan, 1]), 0) is None
    assert compare([np.inf, 0, 1], np.array([np.inf, np.nan, 1]), 0) is not None
    assert compare(5, np.float64(5), 0) is None
    assert compare(-0., 1.).sentence == "The result is 0, needed 1."
    assert "Wrong at index 1, 3, 5, 7 of the time steps, right" in compare(np.arange(9) % 2, np.zeros(9), 0).sentence
    assert "Wrong at 5 of 10 time steps" in compare(np.arange(10) % 2, np.zeros(10), 0).sentence


def test_a_mistake_that_raises_is_no_obstacle():
    raising = Mistake(lambda *arguments: 1 / 0, "A zero below.")
    exercise = dataclasses.replace(ITEMS["99.2"], mistakes=[raising, *ITEMS["99.2"].mistakes])
    assert exercise.judge(raising.wrong).mistake is raising
    assert exercise.judge(scaled(2)).reason == "Twice too much."


def test_truth_values_and_texts():
    assert compare(True, np.bool_(True)) is None
    assert compare([True, False], np.array([True, True])).sentence.endswith("[1] is False, needed True.")
    assert compare(1, True) is compare(True, 1.) is compare([1, 0], np.array([True, False])) is None
    assert compare([True, False], np.array([1., 0.])) is compare(["a", " B"], {"b", "A"}) is None
    assert compare(2, True).sentence == "The result is a single number, needed True or False."
    assert compare(True, .5).sentence == "The result is True or False, needed a single number."
    assert compare(3**80, 3.**80) is None
    assert compare(" Tanh ", "tanh") is None
    assert compare("relu", "tanh").sentence == "The result is 'relu', needed 'tanh'."
    assert compare(3, "tanh").sentence == "The result is a single number, needed a text."


def test_a_named_tuple_is_read_by_its_names():
    Swapped = NamedTuple("Swapped", [("offset", np.ndarray), ("slope", float)])
    need = Line(2., np.array([3., 4.]))
    assert compare(Swapped(need.offset, need.slope), need) is None
    assert compare((need.slope, need.offset), need) is None
    assert compare((need.offset, need.slope), need).sentence.startswith("slope is an array")


def test_an_input_deep_inside_is_protected():
    def spoils(line, x):
        result = fit(line, x)
        line.offset[0] = 7
        return result

    assert ITEMS["99.4"].judge(spoils).reason == (
        "It changes its input line, which the caller still needs: work on a copy.\n"
        "Case 1 of 1: line with slope = 0.7, offset (3,), x (4, 3).")
    assert ITEMS["99.4"].judge(fit).word == "passed"


def test_a_mistake_that_also_changes_an_input_is_first_told_that():
    def answer(w, x, h0):
        x *= 2
        return states(w, x / 2, h0)[1:]

    assert ITEMS["99.1"].judge(answer).reason.startswith("It changes its input x,")


def test_an_oracle_that_changes_its_input_harms_no_answer():
    def oracle(w, x, h0):
        x *= 2
        return states_closed(w, x / 2, h0)

    assert dataclasses.replace(ITEMS["99.1"], oracle=oracle).judge(states).word == "passed"


def test_a_result_kept_and_overwritten_later_is_judged_as_it_was():
    buffer = np.empty(61)

    def reuses(w, T):
        buffer[:] = backwards(w, T)[0]
        return buffer, buffer[0]

    assert ITEMS["99.2"].judge(reuses).word == "passed"


def test_warnings_of_the_learner_are_no_errors():
    def warns(w, x, h0):
        np.log(np.zeros(1))
        warnings.warn("old", DeprecationWarning)
        return states(w, x, h0)

    assert ITEMS["99.1"].judge(warns).word == "passed"


@pytest.mark.parametrize("id, answer, word, says", [
    ("99.5", ..., "open", "Put your answer in place of the ..."),
    ("99.5", 6.6, "passed", "it is right."),
    ("99.5", np.array(6.6), "passed", "it is right."),
    ("99.5", [[6.6]], "passed", "it is right."),
    ("99.5", 0, "not yet", "Your answer is 0: 0 is not it."),
    ("99.5", -8, "not yet", "Your answer is -8, and the right one has the other sign."),
    ("99.5", 6e-4, "not yet", "Your answer is too small, by 4 orders of magnitude, or nearly so."),
    ("99.5", 5, "not yet", "Half of ten."),
    ("99.5", 8, "not yet", "Your answer is too large, by less than a factor of 2."),
    ("99.5", np.nan, "not yet", "Your answer is nan, and a finite number is asked for."),
    ("99.5", "six", "not yet", "Your answer is a text, needed a single number."),
    ("99.5", half_life, "not yet", "Your answer is a function, needed a single number."),
    ("99.6", ["-2", "1.5"], "passed", "it is right."),
    ("99.6", np.array([" 1.5", "-2"]), "passed", "it is right."),
    ("99.6", ("1.5",), "not yet", "The sign does not matter."),
    ("99.6", ["1.5", "2"], "not yet", "'2' is not among the choices: \".5\", \"1.5\", \"-2\"."),
    ("99.6", {".5"}, "not yet", "2 that belong there are missing, and 1 does not belong there."),
    ("99.6", "1.5", "not yet", "Your answer is a text, needed a list or a set."),
    ("99.6", 1.5, "not yet", "a single number is not among the choices"),
    ("99.6", [], "not yet", "an empty list is not among the choices"),
])
def test_what_is_said_of_a_value(id, answer, word, says):
    verdict = ITEMS[id].judge(answer)
    assert (verdict.word, says in verdict.reason) == (word, True), verdict.reason
    assert "6.58" not in verdict.reason


@pytest.mark.long(but_every=5)
@pytest.mark.parametrize("value", [
    object(), b"bytes", 10**400, -0., np.nan, 1j, (), [], [[1], [2, 3]], [[], [None]], {}, {1: 2}, set(),
    {(1, 2)}, [{}], [[["1.5"]]], (x for x in "ab"), np.array([None]), np.array("2020", dtype="M8[Y]"),
    np.array(["a"]), np.empty((0, 3)), np.ones(2, dtype=[("a", float)]), np.float16(2), re, int, ITEMS,
    Line(1, 2), Line(Line, ...), fractions.Fraction(1, 3), decimal.Decimal(1), 10**5000, True,
    [np.ones(2), np.ones(3)], np.ma.masked_array([1., 2.], [True, False]), memoryview(b"1"),
], ids=lambda value: type(value).__name__)
def test_nothing_that_is_given_or_returned_makes_a_check_raise(value):
    for exercise in SAMPLE.exercises:
        for answer in (value, lambda *arguments: value):
            verdict = exercise.judge(answer)
            assert verdict.word in ("not yet", "open") and verdict.reason.endswith((".", ")"))


def test_an_annotation_may_name_what_there_is_not():
    """In Python 3.14 a def with one runs, and who asks for its signature meets the name."""
    lazily, names = 0 if sys.version_info >= (3, 14) else __future__.annotations.compiler_flag, {"states": states}
    exec(compile("def right(w, x, h0: Vector) -> Vectors: return states(w, x, h0)\ndef short(w: Vector): return w",
                 "cell", "exec", lazily, dont_inherit=True), names)
    assert SAMPLE.exercises[0].judge(names["right"]).word == "passed"
    assert SAMPLE.exercises[0].judge(names["short"]).word == "not yet"


# What the learner reads --------------------------------------------------------------------------------


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_check_prints_one_text_and_records_a_pass_once(capsys, learner):
    assert exercises.check("99.1", states) is None
    exercises.check("99.1", states)
    assert lines(capsys) == ["99.1 passed: 3 cases, agrees to 9 digits or more in each time step."] * 2
    assert [(record["kind"], record["id"]) for record in Store(learner).read()[0]] == [("passed", "99.1")]
    exercises.check("99.1")
    assert lines(capsys) == ["99.1 open",
                             "Write the body of states in place of the ... and run the cell again.",
                             'hint("99.1") gives a hint.']
    exercises.check("99.1", states_in_place)
    assert lines(capsys) == ["99.1 not yet", "It writes into x.", 'hint("99.1") gives a hint.']
    assert len(Store(learner).read()[0]) == 1


@pytest.mark.parametrize("call, error, says", [
    (lambda: exercises.check(99.1, states), TypeError, 'the id is 99.1; write it as a string: "99.1".'),
    (lambda: exercises.hint(states), TypeError, "write it as a string"),
    (lambda: exercises.check("99.3", 1), ValueError, "99.3 is a prediction: predict and reveal are for it."),
    (lambda: exercises.predict("99.1", 1), ValueError, "an exercise: check, hint and solution are for it."),
    (lambda: exercises.solution("99.11"), ValueError, "there is no exercise '99.11'. Did you mean \"99.1\"? "
                                                      "There are: 99.1, 99.2, 99.4, 99.5, 99.6."),
    (lambda: exercises.reveal("pi", 1), ValueError, "There are: 99.3, 99.7, 99.8, 99.9, 99.10."),
    (lambda: exercises.check("²", 1), ValueError, "There are: 99.1"),
    (lambda: exercises.check("9" * 5000 + ".1", 1), ValueError, "There are: 99.1"),
    (lambda: exercises.reveal("99.7", "up"), ValueError, "'up' is not one of \"Grows\", \"shrinks\"."),
])
def test_ids_that_do_not_exist(call, error, says):
    with pytest.raises(error, match=re.escape(says)):
        call()


def test_hints_come_in_order_and_start_again_in_a_new_kernel(capsys, monkeypatch, learner):
    last = ["99.1 hint 2 of 2", "h[t] = w * h[t - 1] + x[t - 1]",
            'That was the last one. solution("99.1") shows a solution.']
    first = ["99.1 hint 1 of 2", "What does h[1] depend on?"]
    for expected in (first, last, last):
        exercises.hint("99.1")
        assert lines(capsys) == expected
    monkeypatch.setattr(exercises, "_hints_given", {})
    exercises.hint("99.1")
    assert lines(capsys) == first
    assert [record["number"] for record in Store(learner).read()[0]] == [1, 2, 1]


def test_a_prediction_is_asked_for_noted_and_revealed(capsys, learner):
    exercises.predict("99.3", ...)
    assert lines(capsys) == ["99.3 your prediction: How small is dh at the start?",
                             "Put a number (units) in place of the ... and run the cell again."]
    exercises.reveal("99.3", 1.23456e-20)
    assert lines(capsys) == ["99.3 measured: 1.2e-20 units.",
                             'No prediction yet. Make one first next time: predict("99.3", ...).']
    exercises.predict("99.3", -1)
    assert lines(capsys) == ["99.3 not noted: -1 is below 0, and a size is asked for. 10 to the power -3 is 1e-3."]
    for value in (.01, .01, 1e-9):
        exercises.predict("99.3", value)
    assert lines(capsys) == ["99.3 noted: 0.01 units."] * 2 + [
        "99.3 noted: 1e-09 units.", "Your first prediction counts: 0.01 units."]
    exercises.predict("99.3")
    assert lines(capsys)[-1] == "Noted so far: 0.01 units."
    exercises.reveal("99.3", 1.23456e-20)
    assert lines(capsys)[-1] == "You predicted: 0.01 units. Too large by 18 orders of magnitude."
    assert [record["value"] for record in Store(learner).read()[0]] == [.01, 1e-9]


@pytest.mark.parametrize("id, said, measured, remark", [
    ("99.3", 1, 1, "Right."),
    ("99.3", 1, 3, "Right: near enough."),
    ("99.3", 1, 4, "Too small by a factor of 4."),
    ("99.3", 1, 0, "It is exactly zero."),
    ("99.3", 0, 1e-300, "It is not zero."),
    ("99.10", 1.05, 1, "Right: near enough."),
    ("99.10", 3, 1.5, "Too large by a factor of 2."),
    ("99.10", -3, 3, "The sign is the other one."),
    ("99.10", -3, -1.5, "Too large in size by a factor of 2."),
    ("99.10", np.float32(.5), np.array([.5]), "Right."),
    ("99.7", " GROWS", "Grows", "Right."),
    ("99.7", "shrinks", "Grows", "It turned out otherwise."),
    ("99.8", ["b", "a"], {"a", "b"}, "Right, all of it."),
    ("99.8", "a", ["b"], "Missing: b. Does not hold: a."),
    ("99.8", ["b ", "A"], frozenset("ab"), "Right, all of it."),
    ("99.9", ["a", "b", "c"], ("a", "b", "c"), "Right."),
    ("99.9", ["a", "b", "c"], ["b", "a", "c"], "It turned out otherwise."),
])
def test_remarks(id, said, measured, remark, capsys):
    exercises.predict(id, said)
    exercises.reveal(id, measured)
    assert lines(capsys)[-1].endswith(f". {remark}")


@pytest.mark.parametrize("id, said", [
    ("99.3", "3"), ("99.3", True), ("99.3", np.nan), ("99.3", np.inf), ("99.3", 10**400), ("99.3", [1, [2]]),
    ("99.3", np.ones(2)), ("99.3", 1j), ("99.7", "up"), ("99.7", 3), ("99.7", ["Grows", "shrinks"]),
    ("99.8", []), ("99.8", ["a", "a"]), ("99.8", ["a", "d"]), ("99.9", ["a", "b"]), ("99.9", ["a", "b", "b"]),
])
def test_what_is_no_prediction(id, said, capsys, learner):
    exercises.predict(id, said)
    alone = " Write the number alone, with a decimal point: no quotes, no unit." * isinstance(said, (str, list)) * (
        id == "99.3")
    said_so = f"{id} not noted: {words.cut(repr(said))} is not {ITEMS[id].wanted()}.{alone}"
    assert " ".join(lines(capsys)) == " ".join(said_so.split())
    assert not learner.exists()


@pytest.mark.parametrize("id, said, told", [
    ("99.3", (0, 5), "99.3 not noted: [0, 5] is not a number (units). Write the number alone, with a decimal point"),
    ("99.7", ("Grows", "shrinks"), "99.7 not noted: ['Grows', 'shrinks'] is not one of"),
    ("99.8", ("a", "b"), "99.8 noted: a, b."),
    ("99.9", ("c", "a", "b"), "99.9 noted: c, a, b."),
    ("99.9", ({"a", "b", "c"},), "is a set, which has no order: square brackets make a list."),
])
def test_values_side_by_side_are_a_list_and_a_set_is_no_order(id, said, told, capsys):
    exercises.predict(id, *said)
    assert told in " ".join(lines(capsys))


def test_zero_has_no_minus(capsys, learner):
    exercises.predict("99.3", -0.)
    assert lines(capsys) == ["99.3 noted: 0 units."]


@pytest.mark.parametrize("said", ["x" * 10**6, 10**5000, np, [0] * 10**5], ids=["text", "digits", "module", "list"])
def test_a_prediction_is_not_echoed_at_length(said, capsys):
    exercises.predict("99.3", said)
    assert len(capsys.readouterr().out) < 1200


@pytest.mark.parametrize("fields", [
    {"kind": "guess"}, {"scale": "ln"}, {"choices": ("a",)}, {"kind": "choice"}])
def test_predictions_that_make_no_sense(fields):
    with pytest.raises(ValueError, match="prediction 9.1:"):
        Prediction("9.1", "?", **fields)


@pytest.mark.parametrize("ids", [["9.1", "9.1"], ["8.1"], ["9.0"], ["9.01"], ["9"]])
def test_ids_of_a_bank(ids):
    with pytest.raises(ValueError, match="bank 9: the ids"):
        Bank(9, "", [Prediction(id, "?") for id in ids])


def test_long_sentences_are_broken_between_words(capsys):
    exercises._say("  word" * 30 + "\n" + "w" * 99)
    *first, last = capsys.readouterr().out.splitlines()
    assert max(map(len, first)) <= 88 and " ".join(first).split() == ["word"] * 30 and last == "w" * 99


def test_a_prediction_that_answers_no_longer_is_left_aside(capsys):
    for value in ("rises", 3, None, "Grows"):
        exercises._store().append({"kind": "prediction", "id": "99.7", "value": value})
    exercises.reveal("99.7", "Grows")
    assert lines(capsys)[-1] == "You predicted: Grows. Right."


def test_progress_is_a_table(capsys, monkeypatch, learner):
    exercises.progress()
    empty = capsys.readouterr().out
    assert empty == (
        "Your progress\n"
        "Notebook            Solved  Predicted  Hints used  Minutes left  Open\n"
        "99 A sample & more  0 of 5  0 of 5     0           29            99.1, 99.2, 99.4, 99.5, 99.6\n"
        "Kept in a file on this computer, sent nowhere.\n")
    assert not learner.exists()
    exercises.check("99.1", states)
    exercises.check("99.6", {"1.5", "-2"})
    exercises.predict("99.3", 1)
    exercises.predict("99.3", 2)
    for _ in range(3):
        exercises.hint("99.1")
    with learner.open("ab") as file:
        file.write(b'\n{"kind": "passed", "id"')
    exercises._store().append({"kind": "a later version's", "id": "99.1", "more": [1]})
    monkeypatch.setattr(exercises, "_hints_given", {})
    exercises.hint("99.1")
    lines(capsys)
    exercises.progress()
    assert lines(capsys)[2:] == [
        "99 A sample & more  2 of 5  1 of 5     2           23            99.2, 99.4, 99.5",
        "Kept in a file on this computer, sent nowhere.",
        "1 line of it can't be read (cut short by a crash?); nothing else is lost."]


class Tags(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags |= {(tag, *attr) for attr in attrs} or {(tag,)}

    def handle_data(self, data):
        self.text += data


def test_html_is_what_a_notebook_that_is_not_trusted_may_show(monkeypatch):
    shown = []
    monkeypatch.setattr(exercises, "_display", lambda rich, plain: shown.append((Tags(rich), plain, rich)))
    exercises.solution("99.1")
    exercises.solution("99.4")
    exercises.progress()
    (solution, plain, _), (with_helper, _, rich), (table, _, rich_table) = shown
    # JupyterLab's sanitizer (@jupyterlab/apputils 4.6) keeps all of these tags, and scope.
    assert solution.tags == {("details",), ("summary",), ("pre",), ("code",)}
    assert solution.text == f"Solution of 99.1: States <all>{inspect.getsource(states)}"
    assert plain == f"Solution of 99.1: States <all>\n\n{inspect.getsource(states)}"
    assert with_helper.text.index("class Line(NamedTuple)") < with_helper.text.index("def fit(")
    assert table.tags >= {("table",), ("caption",), ("thead",), ("tbody",), ("tr",), ("p",),
                          ("details", "open", None), ("summary",), ("progress", "max", "10"),
                          ("td", "style", "text-align:left"), ("th", "scope", "col"), ("th", "scope", "row"),
                          ("strong",)}
    assert "# slope &lt; offset &amp; all" in rich and "99 A sample &amp; more" in rich_table


def test_in_a_kernel(learner):
    """The innermost line of a cell is named, an interrupt is answered, and HTML is displayed."""
    # The kernel gets this file's bank.
    load = f"""
        import importlib.util, sys
        from course_lib import bptt, exercises, initialise
        spec = importlib.util.spec_from_file_location("bank_of_tests", {__file__!r})
        module = sys.modules["bank_of_tests"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        exercises.bank_of, exercises.numbers_of_banks = lambda number: module.SAMPLE, lambda: [99]
    """
    cells = [
        textwrap.dedent(load),
        "def helper(x):\n    return x[9]",
        "def states(w, x, h0):\n    '''All.'''\n    ...\n\nexercises.check('99.1', states)",
        "def states(w, x, h0):\n    return helper(x)\n\nexercises.check('99.1', states)",
        "import os, signal\ndef states(w, x, h0):\n    os.kill(os.getpid(), signal.SIGINT)\n    while True:\n"
        "        pass\n\nexercises.check('99.1', states)",
        "exercises.solution('99.1')",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    here = {"metadata": {"path": str(ROOT)}}
    nbclient.NotebookClient(book, timeout=60, kernel_name="python3", resources=here).execute()
    said = ["".join(output.get("text", output.get("data", {}).get("text/plain", "")) for output in cell.outputs)
            for cell in book.cells]
    assert said[2].startswith("99.1 open\n")
    assert "It stopped with IndexError in line 2 of helper: return x[9].\n" in said[3]
    assert said[4].startswith("99.1 stopped\nYou stopped it in line ")
    (shown,) = book.cells[5].outputs
    assert shown.output_type == "display_data" and set(shown.data) == {"text/html", "text/plain"}


def test_importing_brings_nothing_heavy():
    code = ("import sys, course_lib.exercises; "
            "print({'torch', 'matplotlib', 'IPython', 'ipywidgets', 'platformdirs'} & set(sys.modules))")
    assert python(code).stdout == "set()\n"


# What is kept ------------------------------------------------------------------------------------------


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def command(code, *arguments):
    return [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]


def python(code):
    return subprocess.run(command(code), env=environment(), capture_output=True, text=True, check=True)


def ids(store):
    return [record["id"] for record in store.read()[0]]


def test_another_process_reads_what_one_wrote(learner):
    exercises.check("99.1", states)
    exercises.predict("99.3", 1e-7)
    read = python("""
        from course_lib.exercises.progress import Store, default_path
        records, unreadable = Store(default_path()).read()
        print([(record["kind"], record["id"], record.get("value")) for record in records])
    """).stdout
    assert read == "[('passed', '99.1', None), ('prediction', '99.3', 1e-07)]\n"


def test_a_line_cut_short_at_any_byte_harms_no_other(tmp_path):
    path = tmp_path / "progress.jsonl"
    store = Store(path)
    store.append({"kind": "passed", "id": "1.1", "text": "é\n\0"})
    whole = len(path.read_bytes())
    store.append({"kind": "passed", "id": "1.2", "text": "é\n\0"})
    content = path.read_bytes()
    for end in range(whole, len(content) + 1):
        path.write_bytes(content[:end])
        Store(path).append({"kind": "passed", "id": "1.3"})
        complete = end >= len(content) - 1  # all but the line end, which the next record brings
        assert ids(Store(path)) == ["1.1"] + ["1.2"] * complete + ["1.3"]
        assert Store(path).read()[1] == (0 if complete or end <= whole + 1 else 1)


def test_kill_9_loses_nothing_that_was_appended(tmp_path):
    path = tmp_path / "progress.jsonl"
    code = """
        import sys; from pathlib import Path; from course_lib.exercises.progress import Store
        store = Store(Path(sys.argv[1]))
        for number in range(10**9):
            store.append({"kind": "passed", "id": f"{sys.argv[2]}.{number}"})
            print(number, flush=True)
    """
    for run in range(3):
        child = subprocess.Popen(command(code, path, run), env=environment(), text=True,
                                 stdout=subprocess.PIPE)
        for _ in range(50 + run):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        said = [int(line) for line in child.stdout.read().split("\n")[:-1]]
        child.stdout.close()
        child.wait()
        last = max(said, default=49 + run)
        kept = [id for id in ids(Store(path)) if id.startswith(f"{run}.")]
        assert kept[:last + 1] == [f"{run}.{number}" for number in range(last + 1)]
    assert {id.split(".")[0] for id in ids(Store(path))} == {"0", "1", "2"}


def test_notebooks_at_once_lose_nothing(tmp_path):
    path = tmp_path / "progress.jsonl"
    code = """
        import sys; from pathlib import Path; from course_lib.exercises.progress import Store
        store = Store(Path(sys.argv[1]))
        sys.stdin.readline()
        for number in range(1000):
            text = "long " * (number % 400)
            store.append({"kind": "passed", "id": f"{sys.argv[2]}.{number}", "text": text})
    """
    children = [subprocess.Popen(command(code, path, name), env=environment(), text=True,
                                 stdin=subprocess.PIPE) for name in range(3)]
    for child in children:  # all of them start to write together
        child.stdin.write("\n")
        child.stdin.close()
    assert [child.wait() for child in children] == [0, 0, 0]
    records, unreadable = Store(path).read()
    assert unreadable == 0
    for name in range(3):
        mine = [record for record in records if record["id"].startswith(f"{name}.")]
        assert [record["id"] for record in mine] == [f"{name}.{number}" for number in range(1000)]
        assert all(record["text"] == "long " * (int(record["id"].split(".")[1]) % 400) for record in mine)


def test_garbage_is_skipped_counted_and_never_deleted(tmp_path):
    path = tmp_path / "progress.jsonl"
    bad = [b"\xff\xfe", b"[1, 2]", b'{"kind": 3, "id": "1.1"}', b'"text"', b"[" * 100_000, b"\0\0",
           b'{"id": "1.1"}']
    garbage = b"\n".join(bad)
    path.write_bytes(garbage)
    store = Store(path)
    store.append({"kind": "new", "id": "1.1", "unknown": {"kept": True}})
    records, unreadable = store.read()
    assert [record["unknown"] for record in records] == [{"kept": True}]
    assert unreadable == len(bad)
    assert path.read_bytes().startswith(garbage)


def directory(path, monkeypatch):
    path.mkdir()


def parent_is_a_file(path, monkeypatch):
    path.parent.rmdir()
    path.parent.write_text("")


def read_only(path, monkeypatch):
    def refuse(*args):
        raise PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(os, "open", refuse)


def full_disk(path, monkeypatch):
    monkeypatch.setattr(os, "write", lambda descriptor, data: len(data) // 2)


@pytest.mark.parametrize("trouble", [directory, parent_is_a_file, read_only, full_disk])
def test_where_nothing_can_be_written_memory_serves(trouble, tmp_path, monkeypatch, capsys):
    path = tmp_path / "data" / "progress.jsonl"
    path.parent.mkdir()
    trouble(path, monkeypatch)
    store = Store(path)
    for number in range(3):
        store.append({"kind": "passed", "id": f"1.{number}"})
        assert ids(store) == [f"1.{before}" for before in range(number + 1)]
    (warning,) = lines(capsys)
    assert warning.startswith(f"Your progress can't be saved in {path} (")
    assert warning.endswith("), so it is kept in memory until this kernel stops.")


def test_progress_in_memory_is_not_said_to_be_in_a_file(learner, capsys):
    learner.mkdir(parents=True)
    exercises.predict("99.3", 3)
    exercises.progress()
    assert "Kept in memory, sent nowhere." in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_full_disk(capsys):
    store = Store(Path("/dev/full"))
    store.append({"kind": "passed", "id": "1.1"})
    assert ids(store) == ["1.1"]
    assert "(No space left on device)" in capsys.readouterr().out


def test_what_memory_held_is_saved_when_there_is_room_again(tmp_path, capsys):
    path = tmp_path / "progress.jsonl"
    store = Store(path)
    with pytest.MonkeyPatch.context() as patch:
        full_disk(path, patch)
        store.append({"kind": "passed", "id": "1.1"})
    store.append({"kind": "passed", "id": "1.2"})
    assert ids(Store(path)) == ["1.1", "1.2"]
    with pytest.MonkeyPatch.context() as patch:
        read_only(path, patch)
        store.append({"kind": "passed", "id": "1.3"})
    assert [line.partition("(")[2][:9] for line in lines(capsys)] == ["only a pa", "Permissio"]  # each trouble is said


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch, capsys):
    path = tmp_path / "progress.jsonl"
    Store(path).append({"kind": "passed", "id": "1.1"})

    def refuse(self):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    store = Store(path)
    assert (store.read(), store.read()) == (([], 0), ([], 0))
    assert lines(capsys) == [f"Your progress can't be read in {path} (Permission denied), "
                             "so it is kept in memory until this kernel stops."]


def test_the_file_is_private_and_each_record_one_line_on_the_disk(learner, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(learner.read_bytes()))
    exercises._store().append({"kind": "passed", "id": "1.1"})
    assert synced == [learner.read_bytes()]
    content = learner.read_bytes()
    assert content.startswith(b"\n") and content.endswith(b"\n") and content.count(b"\n") == 2
    assert json.loads(content).keys() == {"kind", "id", "at"}
    if os.name == "posix":
        assert learner.stat().st_mode & 0o777 == 0o600


def test_the_default_path(monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS")
    path = progress_path()
    assert path.name == "progress.jsonl" and "gradients-through-time" in path.parts
    monkeypatch.setenv("COURSE_PROGRESS", "")
    assert progress_path() == path
    monkeypatch.setenv("COURSE_PROGRESS", "~/mine")
    assert progress_path() == Path.home() / "mine"
    monkeypatch.setenv("COURSE_PROGRESS", "~nobody-of-this-name/mine")
    assert progress_path() == Path.cwd() / "~nobody-of-this-name" / "mine"


def test_under_nbgrader_nothing_of_the_graders_is_read_or_written(monkeypatch, capsys, learner):
    exercises.predict("99.3", 3)
    before = learner.read_bytes()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setattr(exercises, "_store_at", functools.cache(exercises._store_at.__wrapped__))  # a fresh kernel
    capsys.readouterr()
    exercises.predict("99.3", 5)
    exercises.check("99.1", states)
    said = capsys.readouterr().out
    assert "Your first prediction counts" not in said and "home" not in said
    assert learner.read_bytes() == before
    exercises.predict("99.3", 7)
    assert "Your first prediction counts: " in capsys.readouterr().out  # memory keeps it within the kernel


def test_without_a_home_memory_keeps_the_progress_and_one_sentence_says_so(monkeypatch, capsys):
    import platformdirs

    def homeless(*_, **__):
        raise RuntimeError("Could not determine home directory.")
    monkeypatch.delenv("COURSE_PROGRESS")
    monkeypatch.setattr(platformdirs, "user_data_path", homeless)
    monkeypatch.setattr(exercises, "_store_at", functools.cache(exercises._store_at.__wrapped__))
    exercises.check("99.1", states)
    exercises.predict("99.3", 3)
    assert capsys.readouterr().out.count("Without a home folder your progress lasts") == 1
    exercises.progress()
    assert "Kept in memory, sent nowhere." in capsys.readouterr().out


AS_ANOTHER = """
import os, sys
import course_lib.exercises as exercises
from course_lib.lessons.nb00_start_here import ready
exercise = exercises.bank_of(1).exercises[0]
exercises.check(exercise.id, exercise.solution), ready.check()  # what is loaded late is loaded while it can be read
print("now")
del os.environ["COURSE_PROGRESS"]
os.setgid(54321), os.setuid(54321)
os.environ.pop("HOME") if sys.argv[1] == "none" else os.environ.update(HOME=sys.argv[1])
exercises.check(exercise.id, exercise.solution)
exercises.check(exercise.id, exercise.solution)
report = ready.check()
print(report)
assert not report.ready
"""


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root becomes another user")
@pytest.mark.parametrize("home, told, remedy", [
    (None, "can't be read in", "cannot be written: start with COURSE_PROGRESS"),
    ("none", "Without a home folder your progress", "there is no home folder: start with COURSE_PROGRESS")])
def test_a_home_that_is_locked_or_none_costs_a_sentence(home, told, remedy, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o700)
    run = subprocess.run(command(AS_ANOTHER, home or tmp_path / "locked"), capture_output=True, text=True,
                         env=environment() | {"COURSE_PROGRESS": str(tmp_path / "first.jsonl")}, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    said = " ".join(run.stdout.partition("now")[2].split())
    assert said.count(told) == 1 and said.count("passed:") == 2 and remedy in said


def progress_path():
    from course_lib.exercises.progress import default_path

    return default_path()


# Every bank --------------------------------------------------------------------------------------------

BANKS = {"sample": SAMPLE} | {f"nb{number:02d}": bank_of(number) for number in numbers_of_banks()}
EXERCISES = {f"{name}-{exercise.id}": exercise for name, bank in BANKS.items() for exercise in bank.exercises
             if not isinstance(exercise, Cure)}  # tests/lessons/test_nb15_clinic.py has those
NOTEBOOKS = {f"nb{path.name[:2]}": nbformat.read(path, as_version=4).cells
             for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))}


def asking(exercise, cells):
    """A notebook's cells in which an exercise is checked, in order."""
    return [cell for cell in cells if cell.cell_type == "code" and f'check("{exercise.id}", ' in cell.source]


STUBS |= {exercise.id: cell.source for name in BANKS.keys() & NOTEBOOKS for exercise in BANKS[name].exercises
          for cell in asking(exercise, NOTEBOOKS[name])}  # the last one, where there are several
FUNCTIONS = {name: exercise for name, exercise in EXERCISES.items() if exercise.cases}
every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
every_function = pytest.mark.parametrize("exercise", FUNCTIONS.values(), ids=FUNCTIONS)


def leaves(value):
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from leaves(part)
    elif isinstance(value, (float, complex, np.ndarray, np.inexact)):
        yield np.asarray(value)


def answering(results):
    """A function that gives these results, one a call."""
    results = iter(results)
    return lambda *arguments: next(results)


def mapped(change, result):
    if isinstance(result, tuple):
        return tuple(mapped(change, part) for part in result)
    return change(np.asarray(result))


@pytest.mark.parametrize("name", BANKS)
def test_bank_belongs_to_its_module(name):
    assert name == "sample" or name == f"nb{BANKS[name].number:02d}"
    assert BANKS[name].title and BANKS[name].items


@every_exercise
def test_exercise_is_complete(exercise):
    assert exercise.title and 1 <= exercise.minutes <= 45 and exercise.difficulty in (1, 2, 3)
    assert len(exercise.mistakes) >= 2 and len(exercise.hints) >= 2 and exercise.also_correct
    texts = [mistake.sentence for mistake in exercise.mistakes] + list(exercise.hints)
    assert len(set(texts)) == len(texts)
    assert all(text == text.strip() and text.endswith((".", "?", "!", ")", "]")) for text in texts)


@every_exercise
def test_solution_passes(exercise):
    answer = exercise.solution if exercise.cases else exercise.solution()
    assert exercise.judge(answer).word == "passed", exercise.judge(answer).reason


@every_exercise
def test_right_answers_written_in_other_ways_pass(exercise):
    for answer in exercise.also_correct:
        assert exercise.judge(answer).word == "passed", exercise.judge(answer).reason


@every_exercise
def test_every_mistake_is_recognised(exercise):
    names = exercise.forbidden
    if exercise.cases and {*names} - {"loop"}:  # refused once for all mistakes: memory is searched for each refusal
        exercise = dataclasses.replace(exercise, forbidden=tuple({"loop"}.intersection(names)))
    assert not exercise.cases or exercise.needed
    with forbidden.refusing(names) as used:
        for mistake in exercise.mistakes:
            verdict = exercise.judge(mistake.wrong)
            assert verdict.word == "not yet" and verdict.mistake is mistake, f"{mistake.sentence}\n-> {verdict.reason}"
            assert verdict.reason.endswith(mistake.sentence)  # what stopped it comes first
            assert not used


@every_exercise
def test_nothing_zero_or_not_a_number_passes(exercise):
    needed = exercise.needed if exercise.cases else [exercise.oracle()]
    if isinstance(needed[0], (str, set, frozenset)):
        return  # a text cannot be zero
    for change in (np.zeros_like, lambda part: part * np.nan if part.dtype.kind in "fc" else ~part):
        spoilt = [mapped(change, result) for result in needed]
        verdict = exercise.judge(answering(spoilt) if exercise.cases else spoilt[0])
        assert verdict.word == "not yet", verdict.reason


def off_by_a_thousandth(result, axis):
    """The results that differ from this one in its smallest step, or entry, of one part."""
    if isinstance(result, tuple):
        for i, part in enumerate(result):
            for spoilt in off_by_a_thousandth(part, axis[i] if isinstance(axis, tuple) else axis):
                yield (*result[:i], spoilt, *result[i + 1:])
        return
    part = np.array(result)
    if part.dtype.kind in "fc" and part.any():
        whole = axis is None or part.ndim == 0
        steps = (part.reshape(1, -1) if whole else
                 part.reshape(-1, 1) if axis == "each" else np.moveaxis(part, axis, 0))
        sizes = np.abs(steps).reshape(len(steps), -1).max(axis=1)
        steps[np.argmin(np.where(sizes > 0, sizes, np.inf))] *= 1.001
        yield part


@every_function
def test_a_thousandth_in_the_smallest_step_is_noticed(exercise):
    needed, tried = exercise.needed, 0
    if all(array.dtype.kind not in "fc" for array in leaves(needed[0])):
        return  # what is counted or named has no thousandth
    for number, result in enumerate(needed):
        for spoilt in off_by_a_thousandth(result, exercise.time_axis):
            verdict = exercise.judge(answering([*needed[:number], spoilt, *needed[number + 1:]]))
            assert verdict.word == "not yet" and f"Case {number + 1} of" in verdict.reason, verdict
            tried += 1
    assert tried >= len(needed)


def given(cell):
    """What a cell gives to check, by the exercise's id."""
    answers = {}
    exec(compile(cell, "cell", "exec", __future__.annotations.compiler_flag), {"np": np, "check": answers.__setitem__})
    return answers


@every_exercise
def test_unsolved_stub_says_what_to_do(exercise):
    answer = given(STUBS[exercise.id])[exercise.id]
    if exercise.cases:
        assert answer.__name__ == exercise.solution.__name__ and answer.__doc__
        assert list(inspect.signature(answer).parameters) == list(inspect.signature(exercise.solution).parameters)
    else:
        assert answer is ...
    verdict = exercise.judge(answer)
    assert verdict.word == "open" and "..." in verdict.reason, verdict.reason


@every_exercise
def test_solution_stands_alone_as_it_is_shown(exercise):
    source = exercise.source()
    assert "course_lib" not in source and max(map(len, source.splitlines())) <= 110
    assert exercise.solution.__name__ != "<lambda>", "a solution is a def: its source is shown"
    module = vars(sys.modules[exercise.solution.__module__])
    names = {name: value for name, value in module.items() if isinstance(value, types.ModuleType)}
    names |= {"NamedTuple": NamedTuple}
    exec(compile(source, "solution", "exec", __future__.annotations.compiler_flag), names)
    answer = names[exercise.solution.__name__]
    assert exercise.judge(answer if exercise.cases else answer()).word == "passed"


def body(function):
    """What a function does, without its name, its docstring and its argument's names' annotations."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except SyntaxError:  # a lambda inside of a call
        return function.__code__.co_code
    definition = next(node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda)))
    statements = definition.body if isinstance(definition.body, list) else [definition.body]
    return [ast.dump(node) for node in statements
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]


def names_used(code):
    inner = [names_used(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*inner)


@every_exercise
def test_oracle_is_another_way(exercise):
    solution, oracle = exercise.solution, exercise.oracle
    assert oracle is not solution and body(oracle) != body(solution)
    codes = [each.__code__ for each in (vars(solution).values() if isinstance(solution, type) else [solution])
             if hasattr(each, "__code__")]
    assert codes and oracle.__code__.co_code not in [code.co_code for code in codes]
    assert solution.__name__ not in names_used(oracle.__code__)
    assert oracle.__name__ not in set().union(*map(names_used, codes))


@every_function
def test_oracle_agrees_with_the_solution_to_nine_digits(exercise):
    strict = dataclasses.replace(exercise, rtol=1e-9)
    assert strict.judge(exercise.solution).word == "passed", strict.judge(exercise.solution).reason


@every_function
def test_cases_are_seeded_and_most_hold_no_zero(exercise):
    first, second = (exercise.cases(np.random.default_rng(1)) for _ in range(2))
    assert untouched(first, second), "cases(rng) draws from elsewhere than rng"
    whole = [all(array.dtype.kind != "f" or np.all(array != 0) for array in leaves(case)) for case in first]
    assert 2 * sum(whole) > len(whole)  # a zero hides what it multiplies: it is for a few cases at the edge


@every_function
def test_names_and_axes_fit_what_is_returned(exercise):
    for result in exercise.needed:
        several = isinstance(result, tuple)
        names = getattr(result, "_fields", exercise.returns)
        assert not several or len(names) == len(result), "the parts need names"
        assert several or not exercise.returns and not isinstance(exercise.time_axis, tuple)
        if isinstance(exercise.time_axis, tuple):
            assert len(exercise.time_axis) == len(result)
        for i, part in enumerate(result if several else [result]):
            axis = exercise.time_axis[i] if isinstance(exercise.time_axis, tuple) else exercise.time_axis
            assert axis in (None, "each") or all(-leaf.ndim <= axis < leaf.ndim for leaf in leaves(part))


@pytest.mark.parametrize("name", [name for name in BANKS if name != "sample"])
def test_notebook_shows_its_bank(name):
    assert name in NOTEBOOKS, f"the bank of {name} has no notebook"
    cells = NOTEBOOKS[name]
    texts = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    codes = [cell.source for cell in cells if cell.cell_type == "code"]
    for exercise in BANKS[name].exercises:
        assert (f"### Exercise {exercise.id}: {exercise.title} ({exercise.minutes} minutes, "
                f"difficulty {exercise.difficulty} of 3)") in texts
        checks = asking(exercise, cells)
        assert all("exercise" in cell.metadata.tags for cell in checks)
        *before, stub = [cell.source for cell in checks]
        if isinstance(exercise, Cure):  # first its name, then the cure
            patient = PATIENTS[exercise.patient]
            assert before == [f'check("{exercise.id}", ...)']
            assert stub == f'{patient.part}\n\ncheck("{exercise.id}", {patient.name})'
        else:
            function, _, check = stub.rpartition("\n\n")
            assert before == []
            assert check == f'check("{exercise.id}", {exercise.solution.__name__ if exercise.cases else "..."})'
            assert len(ast.parse(function).body) == bool(exercise.cases)
        assert f'solution("{exercise.id}")' in codes
    for prediction in BANKS[name].predictions:
        assert f'predict("{prediction.id}", ...)' in codes
        assert any(f'reveal("{prediction.id}", ' in code for code in codes), prediction.id


STATES = ITEMS["99.1"]


@pytest.mark.parametrize("check, fields", [
    (test_exercise_is_complete, {"hints": ["One."]}),
    (test_exercise_is_complete, {"mistakes": STATES.mistakes[:1]}),
    (test_exercise_is_complete, {"also_correct": ()}),
    (test_exercise_is_complete, {"hints": ["One.", "One."]}),
    (test_exercise_is_complete, {"minutes": 0}),
    (test_solution_passes, {"solution": lambda w, x, h0: states(w, x, h0) * (1 + 1e-8)}),
    (test_solution_passes, {"oracle": lambda w, x, h0: states(w, x, 2 * h0)}),
    (test_right_answers_written_in_other_ways_pass, {"also_correct": (states, states_in_place)}),
    (test_every_mistake_is_recognised, {"mistakes": [Mistake(states_closed, "It is right.")]}),
    (test_every_mistake_is_recognised, {"mistakes": [Mistake(states, "It is right.")]}),
    (test_every_mistake_is_recognised, {"mistakes": [Mistake(states_in_place, each) for each in "12"]}),
    (test_nothing_zero_or_not_a_number_passes, {"oracle": lambda w, x, h0: np.zeros(3)}),
    (test_a_thousandth_in_the_smallest_step_is_noticed, {"rtol": 1e-2}),
    (test_solution_stands_alone_as_it_is_shown, {"solution": scaled}),
    (test_solution_stands_alone_as_it_is_shown, {"solution": lambda w, x, h0: states(w, x, h0)}),
    (test_oracle_is_another_way, {"oracle": states}),
    (test_oracle_is_another_way, {"oracle": lambda w, x, h0: states(w, x, h0)}),
    (test_oracle_agrees_with_the_solution_to_nine_digits, {
        "rtol": 1e-3, "oracle": lambda w, x, h0: states_closed(w, x, h0) * (1 + 1e-8)}),
    (test_cases_are_seeded_and_most_hold_no_zero, {"cases": lambda rng: [(1., np.eye(2), 1.)]}),
    (test_cases_are_seeded_and_most_hold_no_zero, {"cases": lambda rng: [(np.random.default_rng().normal(),)]}),
    (test_names_and_axes_fit_what_is_returned, {"time_axis": 1}),
    (test_names_and_axes_fit_what_is_returned, {"returns": ("h", "a")}),
    (test_names_and_axes_fit_what_is_returned, {"oracle": backwards, "cases": lambda rng: [(.5, 3)]}),
])
def test_a_bad_exercise_does_not_pass_these_tests(check, fields):
    check(STATES)
    with pytest.raises((AssertionError, NameError, TypeError)):
        check(dataclasses.replace(STATES, **fields))


@pytest.mark.parametrize("line, instead", [
    ("x: np.ndarray, h0: float", "x: np.ndarray"), ("    ...", "    return 0"),
    ('    """h_t = w h_{t-1} + x_t for x (T,); returns h (T + 1,) with h[0] = h0."""', ""),
    ('check("99.1", states)', 'check("99.1", ...)'), ("states", "other"), ("99.1", "99.2")])
def test_a_bad_stub_does_not_pass_this_test(line, instead, monkeypatch):
    test_unsolved_stub_says_what_to_do(STATES)
    assert line in STUBS["99.1"]
    monkeypatch.setitem(STUBS, "99.1", STUBS["99.1"].replace(line, instead))
    with pytest.raises((AssertionError, AttributeError, KeyError)):
        test_unsolved_stub_says_what_to_do(STATES)


@pytest.mark.parametrize("name", BANKS)
def test_predictions_ask_a_question(name):
    for prediction in BANKS[name].predictions:
        assert prediction.question.endswith("?")


def test_a_run_is_described_by_what_it_holds():
    run = bptt.forward(initialise.rnn(2, 3, np.random.default_rng(0)), np.ones((4, 1, 2)))
    assert words.argument(run) == ("with params with W_xh (3, 2), W_hh (3, 3), b_h (3,), x (4, 1, 2), h (5, 1, 3), "
                                     "activation = 'tanh'")


def test_a_set_of_choices_is_told_in_the_order_of_the_choices():
    prediction = Prediction("1.1", "Which?", kind="choices", choices=("one", "two", "three", "four", "five"))
    assert prediction.value({"five", "three", "one", "four"}) == ["one", "three", "four", "five"]
    assert prediction.value(["five", "one"]) == ["five", "one"]
