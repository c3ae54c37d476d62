"""The engine of exercise 1.12: right ones of many kinds pass, wrong ones hear why in time; a net trains with either."""
import dataclasses
import heapq
import itertools
import math
import sys
from collections import defaultdict

import numpy as np
import pytest

import notebooks
from course_lib.exercises.bank import bank_of
from course_lib.lessons.nb01_gradients.graph import working

EXERCISE = next(each for each in bank_of(1).exercises if each.id == "1.12")
CELLS = {cell.id: cell.source for cell in notebooks.read(notebooks.paths(["01_gradients"])[0]).cells}


class Recorded:
    """What most of the engines below share: how the operations are written down."""

    def __init__(self, data, inputs=()):
        self.data, self.inputs, self.grad = data, inputs, 0.

    def __add__(self, other):
        return type(self)(self.data + other.data, ((self, 1.), (other, 1.)))

    def __mul__(self, other):
        return type(self)(self.data * other.data, ((self, other.data), (other, self.data)))

    def tanh(self):
        return type(self)(math.tanh(self.data), ((self, math.cosh(self.data)**-2),))

    def walk(self, order):
        for value in order:
            value.grad = 0.
        self.grad = 1.
        for value in order:
            for other, slope in value.inputs:
                other.grad += slope * value.grad


class ThatCountsArrows(Recorded):
    """A value goes on as soon as all arrows have reported: with slots, and without a sort."""

    __slots__ = ("data", "inputs", "grad")

    def backward(self):
        arrows, found = defaultdict(int), [self]
        for value in found:
            for other, _ in value.inputs:
                if other not in arrows:
                    found.append(other)
                arrows[other] += 1
        ready, order = [self], []
        while ready:
            order.append(ready.pop())
            for other, _ in order[-1].inputs:
                arrows[other] -= 1
                if not arrows[other]:
                    ready.append(other)
        self.walk(order)


class Numpy(Recorded):
    """Scalars of numpy, and a heap of the values that are still to come."""

    count = itertools.count()

    def __init__(self, data, inputs=()):
        super().__init__(np.float64(data), inputs)
        self.number = next(self.count)

    def __lt__(self, other):
        return self.number > other.number

    def backward(self):
        heap, grads = [self], {self: np.float64(1)}
        while heap:
            value = heapq.heappop(heap)
            value.grad = grads[value]
            for other, slope in value.inputs:
                if other not in grads:
                    grads[other] = np.float64(0)
                    heapq.heappush(heap, other)
                grads[other] += value.grad * slope


class ThatCallsItself(Recorded):
    """Recursion with a limit that was raised."""

    def backward(self):
        limit, order, seen = sys.getrecursionlimit(), [], set()

        def visit(value):
            if value not in seen:
                seen.add(value)
                for other, _ in value.inputs:
                    visit(other)
                order.append(value)

        sys.setrecursionlimit(20_000)
        visit(self)
        sys.setrecursionlimit(limit)
        self.walk(order[::-1])


class OneTape(Recorded):
    tape = []

    def __init__(self, data, inputs=()):
        super().__init__(data, inputs)
        self.tape.append(self)

    def backward(self):
        self.walk(self.tape[::-1])


def in_order(last):
    """Each value after all that it was made of, without calls and without a sort."""
    order, seen, waiting = [], set(), [(last, False)]
    while waiting:
        value, done = waiting.pop()
        if done:
            order.append(value)
        elif value not in seen:
            seen.add(value)
            waiting += [(value, True), *((other, False) for other, _ in value.inputs)]
    return order


@dataclasses.dataclass(eq=False)
class Data(Recorded):
    data: float
    inputs: tuple = ()
    grad: float = 0.

    def backward(self):
        self.walk(in_order(self)[::-1])


class Closures:
    """As micrograd writes it: each value holds the function that hands on; but it starts anew, and does not recurse."""

    def __init__(self, data, children=()):
        self.data, self.grad, self.hand_on, self.inputs = data, 0., lambda: None, [(child, None) for child in children]

    def __add__(self, other):
        made = Closures(self.data + other.data, (self, other))

        def hand_on():
            self.grad += made.grad
            other.grad += made.grad

        made.hand_on = hand_on
        return made

    def __mul__(self, other):
        made = Closures(self.data * other.data, (self, other))

        def hand_on():
            self.grad += other.data * made.grad
            other.grad += self.data * made.grad

        made.hand_on = hand_on
        return made

    def tanh(self):
        made = Closures(np.tanh(self.data), (self,))

        def hand_on():
            self.grad += (1 - made.data**2) * made.grad

        made.hand_on = hand_on
        return made

    def backward(self):
        order = in_order(self)
        for value in order:
            value.grad = 0.
        self.grad = 1.
        for value in order[::-1]:
            value.hand_on()


class WithMinusAndNumbers(ThatCountsArrows):
    """As a reader of the exercise's last line may write it."""

    def __add__(self, other):
        return super().__add__(other if isinstance(other, Recorded) else type(self)(other))

    __radd__ = __add__

    def __sub__(self, other):
        return self + other * type(self)(-1.)


class AsPublished(Recorded):
    """micrograd's own backward: it adds to what is there, and calls itself along the expression."""

    def backward(self):
        order, seen = [], set()

        def visit(value):
            if value not in seen:
                seen.add(value)
                for other, _ in value.inputs:
                    visit(other)
                order.append(value)

        visit(self)
        self.grad = 1.
        for value in order[::-1]:
            for other, slope in value.inputs:
                other.grad += slope * value.grad


ENGINES = [ThatCountsArrows, Numpy, ThatCallsItself, OneTape, Data, Closures, WithMinusAndNumbers]
every_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.__name__)


@every_engine
def test_an_engine_of_another_kind_passes(engine):
    assert EXERCISE.judge(engine).word == "passed", EXERCISE.judge(engine).reason


def test_an_engine_may_have_a_minus_and_take_plain_numbers():
    a, b = WithMinusAndNumbers(3.), WithMinusAndNumbers(5.)
    last = 2 + a - b
    last.backward()
    assert (last.data, a.grad, b.grad) == (0, 1, -1)
    assert "`2 + a - b`" in CELLS["engine-exercise"]


def trained(engine):
    names = {"Value": engine, "working": working, "np": np}
    exec(CELLS["imports"], names)
    exec((CELLS["engine-graph"] + "\n" + CELLS["engine-graph-live"]).replace("live(drawn", "dict(drawn=drawn"), names)
    exec(CELLS["engine-net-cell"], names)
    exec(CELLS["engine-train"], names)
    return names


@every_engine
def test_it_trains_the_net_as_the_gradient_by_hand_does(engine, capsys):
    names = trained(engine)
    assert names["Engine"] is engine and capsys.readouterr().out.startswith("Your own Value is at work.\n")
    assert set("waqhxL") <= set(names["drawn"].titles) and len(names["path"]) == len(names["off"]) == 51
    assert max(names["off"]) < 1e-12 and names["loss"].data < .01
    step = names["gradcheck"].complex_step(
        lambda p: (names["errors"](p, names["X"], -names["t"])**2).sum(), names["p"])
    np.testing.assert_allclose(names["by_hand"](names["p"]), step, rtol=1e-10, atol=0)


@pytest.mark.parametrize("answer", [AsPublished, Recorded, ..., 3], ids=["wrong", "without backward", "none", "number"])
def test_an_engine_that_does_not_pass_stops_nothing(answer, capsys):
    assert trained(answer)["Engine"] is EXERCISE.solution
    assert capsys.readouterr().out.startswith(
        "Your Value does not pass 1.12 yet: the one of its solution is at work.\nSolve 1.12 and run this cell again.\n")


def test_who_brings_micrograd_reads_what_it_lacks_here():
    """First both, then the one that is left when the other is mended."""
    said = EXERCISE.judge(AsPublished).reason
    assert f"The chain has 5000 values, and Python allows {sys.getrecursionlimit()} nested calls" in said
    assert "Python says" not in said and "A second backward() adds to what" in said

    class Anew(AsPublished):
        def backward(self):
            for value in in_order(self):
                value.grad = 0.
            super().backward()

    assert "a chain of 5000 values is too long for a function that calls itself" in EXERCISE.judge(Anew).reason


def test_what_has_no_end_is_stopped_and_the_trace_is_as_it_was():
    class Endless(Recorded):
        def backward(self):
            while True:
                self.grad = 1.

    before = sys.gettrace()
    said = EXERCISE.judge(Endless).reason
    assert said.startswith("It stopped with TimeoutError in line ") and "not done after 1,000,000 lines" in said
    assert "Case 1 of 14:\nw, x = Value(" in said and said.endswith("\nL = w * x\nL.backward()")
    assert sys.gettrace() is before


def test_a_debugger_keeps_its_trace():
    seen, before = [], sys.gettrace()

    def trace(frame, event, argument):
        seen.append(frame.f_code)

    sys.settrace(trace)
    try:
        word, kept = EXERCISE.judge(Data).word, sys.gettrace()
    finally:
        sys.settrace(before)
    assert word == "passed" and kept is trace and Data.backward.__code__ in seen


def test_a_short_program_that_went_wrong_is_told_before_a_long_one_that_stops():
    class OneList(OneTape):
        def backward(self):
            if len(in_order(self)) > 5000:
                raise ValueError("too long")
            super().backward()
            self.inputs[0][0].grad *= 3

    assert EXERCISE.judge(OneList).reason.startswith("w.grad is ")


def unwritten(self):
    ...


def still_open(**parts):
    return type("Value", (Recorded,), {"backward": unwritten, **parts})


@pytest.mark.parametrize("answer, word, says", [
    (still_open(), "open",
     "The operations keep the right numbers and slopes. Still to write: backward. Put the body in place of"),
    (type("Value", (Closures,), {"backward": unwritten}), "open", "Still to write: backward. Put the body in place"),
    (still_open(__mul__=lambda a, b: type(a)(a.data * b.data, ((a, a.data), (b, b.data)))), "not yet",
     "Tried with a backward that is right: In a * b each input has its own number for its slope"),
    (still_open(tanh=lambda a: type(a)(math.tanh(a.data))), "not yet", "Tried with a backward that is right: "),
    (still_open(__mul__=lambda a, b: [].clear()), "not yet", "a * b gives nothing"),
    (still_open(__mul__=lambda a, b: type(a)(a.date)), "not yet", "has no attribute 'date'"),
    (type("Value", (Recorded,), {"tanh": unwritten, "backward": unwritten}), "open",
     "Still to write: tanh, backward. Put the body"),
    (Data(2.), "not yet", 'Give the class itself: check("1.12", Value), without parentheses after it. What came is an '
                          "object of type Data."),
    (lambda last: last, "not yet", "What came is a function."),
    (Recorded, "not yet", "has no attribute 'backward'"),
])
def test_what_is_said_of_what_is_no_engine(answer, word, says):
    verdict = EXERCISE.judge(answer)
    assert (verdict.word, says in verdict.reason) == (word, True), verdict.reason
    assert vars(answer).get("backward", unwritten) is unwritten  # what was lent is given back
