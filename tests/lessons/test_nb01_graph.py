"""Lesson 01's pictures of the reader's own engine and of what its net says: numbers, kinds of classes, refusals."""
import re

import numpy as np
import pytest

from course_lib import gradcheck
from course_lib.exercises.bank import bank_of
from course_lib.lessons.nb01_gradients.figures import Answers
from course_lib.lessons.nb01_gradients.graph import COLUMNS, ROWS, Drawn
from legible import APART, legible, lightness
from test_nb01_engine import CELLS, ENGINES, Closures, Recorded

EXERCISE = next(each for each in bank_of(1).exercises if each.id == "1.12")
Value = EXERCISE.solution
EVERY = [Value, *EXERCISE.also_correct, *ENGINES]
every_engine = pytest.mark.parametrize("engine", EVERY, ids=lambda engine: engine.__name__)


class Keeps:
    """As micrograd keeps it: the inputs in a set of another name, and the slopes in a function alone."""

    def __init__(self, data, made_of=()):
        self.data, self.grad, self._prev, self.hand_on = data, 0., {value for value, _ in made_of}, lambda: [
            setattr(value, "grad", value.grad + slope * self.grad) for value, slope in made_of]

    __add__, __mul__, tanh = Recorded.__add__, Recorded.__mul__, Recorded.tanh

    def backward(self):
        order = in_depth(self)
        for value in order:
            value.grad = 0.
        self.grad = 1.
        for value in order[::-1]:
            value.hand_on()


def in_depth(last):
    order, waiting = [], [(last, False)]
    while waiting:
        value, done = waiting.pop()
        if done:
            order.append(value)
        elif value not in order:
            waiting += [(value, True), *((other, False) for other in value._prev)]
    return order


class Slopes(Recorded):
    """A dictionary of slopes: an input that is used twice stands once, with the sum."""

    def __init__(self, data, inputs=()):
        super().__init__(data)
        self.inputs = {}
        for value, slope in inputs:
            self.inputs[value] = self.inputs.get(value, 0) + slope


def section_5(kind):
    w, x, three, minus = kind(.5), kind(2.), kind(3.), kind(-1.)
    h = w * x
    a, q = three + minus * h, h * h
    L = a * q
    if hasattr(L, "backward"):
        L.backward()
    return Drawn(L)


def exercise_1_11(kind, w=.5, u=-.7, x=1.3):
    w, u, x = kind(w), kind(u), kind(x)
    h = (w * x).tanh()
    a = u * h + x
    L = a * h
    L.backward()
    return Drawn(L)


# The numbers


@every_engine
def test_every_right_engine_is_drawn_with_its_gradients(engine):
    figure = section_5(engine)
    assert {box: figure.data.grad[box] for box in "waqhxL"} == pytest.approx(
        {"w": 6, "a": 1, "q": 2, "h": 3, "x": 1.5, "L": 1}, rel=1e-12, abs=0)
    assert figure.said.get_text().endswith("Each .grad of these objects holds what has arrived here.")
    assert set(figure.titles.values()) == {"w", "x", "three", "minus", "h = w · x", "v1 = minus · h", "q = h · h",
                                           "a = three + v1", "L = a · q"}


@pytest.mark.parametrize("engine", [Value, Closures, Keeps, Slopes], ids=lambda engine: engine.__name__)
def test_the_graph_of_exercise_1_11_has_the_slopes_of_the_complex_step(engine):
    def loss(p):
        w, u, x = p
        return (u * np.tanh(w * x) + x) * np.tanh(w * x)

    if engine is Slopes:
        engine = type("Slopes", (Slopes,), {"backward": lambda self: None})
    figure = exercise_1_11(engine)
    exact = gradcheck.complex_step(loss, np.array([.5, -.7, 1.3]))
    np.testing.assert_allclose([figure.data.grad[box] for box in "wux"], exact, rtol=1e-12, atol=0)
    assert {"h = tanh(v1)", "a = v2 + x"} <= {re.sub(r"(\w+) \+ (v2)", r"\2 + \1", title)
                                             for title in figure.titles.values()}


@pytest.mark.parametrize("engine", [Keeps, Slopes], ids=lambda engine: engine.__name__)
def test_an_input_that_is_kept_once_for_two_uses_brings_both(engine):
    h = engine(3.)
    q = h * h
    assert Drawn(q).data.grad["h"] == 6 and Drawn(q).titles["q"] == "q = h · h"
    twice = h + h
    assert Drawn(twice).data.grad["h"] == 2 and Drawn(twice).titles["twice"] == "twice = h + h"


def test_slopes_are_asked_of_backward_less_what_comes_round_about_and_grad_stays():
    a = Closures(2.)
    b = a * a
    L = a * b  # a leads to L directly, and through b
    L.backward()
    b.grad = 7.
    figure = Drawn(L)
    assert dict(zip(figure.arrows, figure.slopes)) == {("a", "L"): 4, ("b", "L"): 2, ("a", "b"): 2}
    assert (a.grad, b.grad, L.grad) == (12, 7, 1) and figure.data.grad["a"] == 12


def test_two_and_two_is_told_by_its_slopes():
    two = Value(2.)
    for made, title in (two + two, "made = two + two"), (two * two, "made = two · two"):
        assert Drawn(made).titles["made"] == title


@pytest.mark.parametrize("step, h", [(0, None), (5, None), (6, 2), (7, 4), (9, 3), (11, 3)])
def test_a_value_used_twice_adds_its_paths_one_after_the_other(step, h):
    figure = section_5(Value).update(step=step)
    assert figure.data.grad.get("h") == h and figure.grads["h"].get_text() == (f"grad {h}" if h else "")
    assert sum(len(line.get_xdata()) > 0 for line, _ in figure.backs) == max(0, step - 1)
    assert sum(bool(text.get_text()) for text in figure.factors) == max(0, step - 1)
    wide = [box for box, frame in figure.frames.items() if frame.get_linewidth() > 2]
    assert wide == {0: [], 5: ["v1"], 6: ["h"], 7: ["h"], 9: ["h"], 11: ["x"]}[step]
    if step in (7, 9):
        said = {7: "h.grad += q.grad · slope = 2 · 1 = 2; the next path arrives: 2 + 2 = 4",
                9: "h.grad += v1.grad · slope = 1 · (−1) = −1; the next path arrives: 4 + (−1) = 3"}
        assert figure.said.get_text() == said[step] and said[step] in figure.alt
    with pytest.raises(ValueError, match="step is 12, needs to be 0 to 11"):
        figure.update(step=12)


def test_a_box_is_right_of_all_that_it_was_made_of_and_hands_on_when_all_has_arrived():
    figure = exercise_1_11(Value)
    place = {box: c for c, boxes in enumerate(figure.columns) for box in boxes}
    assert all(place[start] > place[end] for start, end in figure.arrows)
    for box in figure.titles:
        uses = [i for i, (start, _) in enumerate(figure.arrows) if start == box]
        assert all(i > max(uses) for i, (_, end) in enumerate(figure.arrows) if end == box and uses)


def test_arrows_do_not_cross_where_they_need_not():
    figure = exercise_1_11(Value)
    row = {box: i - len(boxes) / 2 for boxes in figure.columns for i, box in enumerate(boxes)}
    column = {box: c for c, boxes in enumerate(figure.columns) for box in boxes}
    links = [link for way in figure.ways for link in zip(way, way[1:])]
    assert not any(column[a] == column[c] and (row[a] - row[c]) * (row[b] - row[d]) < 0
                   for a, b in links for c, d in links)


# What the last line says of .grad


def test_it_says_whose_grad_is_another():
    w, x = Value(.5), Value(2.)
    q = w * x
    L = q * w
    assert Drawn(L).said.get_text().endswith("\nL.grad holds 0, and 1 has arrived here. Was L.backward() the last "
                                             "to run?")
    L.backward()
    q.backward()
    assert Drawn(L).said.get_text().endswith("\nq.grad holds 1, and 0.5 has arrived here. Was L.backward() the last "
                                             "to run?")
    L.backward()
    assert Drawn(L).said.get_text().endswith("holds what has arrived here.")


# What cannot be drawn


def loops(kind):
    a = kind(2.)
    a.inputs = [(a, 1.), (kind(3.), 1.)]
    return a


def row_of(kind, terms):
    L = kind(1.)
    for _ in range(terms):
        L = L + kind(1.)
    return L


def wide(kind):
    L = kind(0.)
    for _ in range(2):
        L = L + (kind(1.) * kind(2.) + kind(1.) * kind(2.)) + (kind(1.) * kind(2.) + kind(1.) * kind(2.))
    return L


class NoSlopes(Recorded):
    def __add__(self, other):
        return NoSlopes(self.data + other.data, [self, other])


@pytest.mark.parametrize("make, kind, says", [
    (lambda: Value, TypeError, "needs the last Value of an expression"),
    (lambda: 3., TypeError, "needs the last Value of an expression: its number in .data"),
    (lambda: np.array([Value(1.)]), TypeError, "needs the last Value of an expression"),
    (lambda: Value("1"), TypeError, "needs the last Value of an expression"),
    (lambda: Value(1.), TypeError, "and what it was made of in .inputs"),
    (lambda: loops(Value), ValueError, "A Value leads back to itself"),
    (lambda: NoSlopes(1.) + NoSlopes(2.), AttributeError, "has no attribute 'backward'"),
    (lambda: row_of(Value, 5000), ValueError, "and this expression has more. Draw a part of it"),
    (lambda: row_of(Value, 8), ValueError, "Up to 7 boxes side by side and 6 above each other can be read"),
    (lambda: wide(Value), ValueError, f"Up to {COLUMNS} boxes side by side and {ROWS} above each other can be read"),
], ids=["class", "number", "array", "text", "leaf", "loop", "no slopes", "chain", "long", "wide"])
def test_what_cannot_be_drawn_is_told(make, kind, says):
    with pytest.raises(kind, match=re.escape(says)):
        Drawn(make())


@pytest.mark.parametrize("mistake", EXERCISE.mistakes[::6], ids=lambda mistake: mistake.sentence[:30])
def test_the_slips_of_the_exercise_are_drawn_or_told(mistake):
    """A class that does not pass is drawn as it is; what has no picture gets its sentence, and nothing hangs."""
    kind = mistake.wrong.args[0]
    try:
        assert section_5(kind).alt
    except (TypeError, ValueError, AttributeError) as error:
        assert str(error)


# As a figure


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("make", [section_5, exercise_1_11], ids=["section 5", "1.11"])
@pytest.mark.parametrize("step", [0, 4, 7, 9])
def test_it_can_be_read_at_every_move(make, step):
    assert legible(make(Value).update(step=step)) > 12


# What the net says

X, T = np.array([[-1., -1], [-1, 1], [1, -1], [1, 1]]), np.array([-1., 1, 1, -1])


def answers(**values):
    """A path of three: a net that says x y, wrong everywhere; half of it; and its opposite, right everywhere."""
    return Answers([1., .5, -1.], lambda p, X: p * X[:, 0] * X[:, 1], X, T, **values)


def test_what_the_net_says_is_the_picture_and_the_words():
    figure = answers()
    plane = np.ma.filled(figure.picture.get_array(), np.nan)
    axis = np.linspace(-1.6, 1.6, 121)
    need = -np.outer(axis, axis)
    seen, above = ~np.isnan(plane), need > 0
    np.testing.assert_allclose(plane[seen], need[seen], rtol=1e-12, atol=0)
    for i, j in np.ndindex(plane.shape):  # the line is where the sign changes, one cell wide however steep it is
        assert seen[i, j] == (above[i, j] == above[max(i - 1, 0), j] == above[i, max(j - 1, 0)]), (i, j)
    assert [text.get_text() for text in figure.says] == ["−1.0", "1.0", "1.0", "−1.0"]
    assert figure.alt.startswith("After 2 updates the net says -1.0 at (-1, -1) where -1 is wanted, 1.0 at (-1, 1)")
    assert figure.alt.endswith("Loss 0.")
    figure.update(update=0)
    assert [text.get_text() for text in figure.says] == ["1.0", "−1.0", "−1.0", "1.0"]
    assert figure.alt.endswith("Loss 2e+01.")
    np.testing.assert_allclose(figure.losses, [16, 9, 0], rtol=1e-12, atol=1e-12)
    assert figure.here.get_xydata().tolist() == [[0, 16]]
    with pytest.raises(ValueError, match="update is 3, needs to be 0 to 2"):
        figure.update(update=3)


def test_a_point_has_the_color_of_its_target_on_the_bar_and_each_color_one_meaning():
    figure = answers()
    assert figure.points.get_offsets().tolist() == X.tolist()
    np.testing.assert_allclose(figure.points.get_facecolors(), figure.picture.to_rgba(T), rtol=1e-12, atol=0)
    assert figure.points.get_edgecolors().tolist() == [[1, 1, 1, 1]]
    white, black = lightness([1., 1, 1]), lightness([0., 0, 0])
    of_points = [lightness(figure.picture.to_rgba(wanted)[:3]) for wanted in (-1, 1)]
    assert of_points[1] - of_points[0] > 2 * APART and white - max(of_points) > 5 and min(of_points) - black > 5
    assert figure.picture.cmap.get_bad().tolist() == [0, 0, 0, 1]
    bar = figure.picture.axes.child_axes[0]
    assert [text.get_text() for text in bar.get_yticklabels()] == ["−1", "0", "1"]
    zero, = (line for line in bar.get_lines() if line.get_color() == "black")
    assert zero.get_ydata().tolist() == [0, 0]
    assert legible(figure) > 8


def test_the_loss_creeps_while_one_line_parts_the_plane():
    names = {"np": np}
    exec(CELLS["engine-net-cell"], names)
    path = [np.random.default_rng(0).normal(size=13)]
    for _ in range(50):
        path.append(path[-1] - .05 * names["by_hand"](path[-1]))
    figure = Answers(path, lambda p, X: names["errors"](p, X, 0), X, T)
    assert [f"{figure.losses[update]:.1g}" for update in (2, 8)] == ["4", "3"]
    seen = [figure.compute(update) for update in range(1, 51)]
    lines = [int((np.diff(np.sign(np.diag(plane))) != 0).sum()) for plane, _, _ in seen]
    assert lines == [1] * 7 + [2] * 43  # those that the diagonal from the lower left crosses
    assert [bool((says * T > 0).all()) for _, says, _ in seen] == [False] * 10 + [True] * 40
