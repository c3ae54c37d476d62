"""The exercises of lesson 01, gradients."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import sys
from dataclasses import dataclass

import numpy as np

from ...exercises import words
from ...exercises.bank import Bank, Exercise, Mistake, Prediction
from ...exercises.judge import Verdict, is_empty


# 1.2 A neuron and several examples ----------------------------------------------------------------------


def neuron_gradient(w, b, x, target):
    a = w * x + b
    y = np.maximum(a, 0)
    dy = 2 * (y - target) / len(x)              # the mean divides by N
    da = dy * (a > 0)                           # the slope of relu is 1 or 0
    return (da * x).sum(), da.sum(), da * w     # all examples share w and b; each has its own x


def _neuron_complex_step(w, b, x, target, eps=1e-100):
    def loss(w, b, x):
        a = w * x + b
        return ((a * (a.real > 0) - target)**2).mean()

    steps = 1j * eps * np.eye(len(x))
    return (loss(w + 1j * eps, b, x).imag / eps, loss(w, b + 1j * eps, x).imag / eps,
            np.array([loss(w, b, x + step).imag / eps for step in steps]))


def _neuron_cases(rng):
    sizes = [(1.3, .4, 5), (-.8, .3, 8), (2.1, -.6, 12)]
    cases = [(w, b, rng.uniform(-2, 2, N), rng.uniform(.5, 2, N)) for w, b, N in sizes]
    return [*cases, (1.7, .6, rng.uniform(.5, 2, 1), rng.uniform(.5, 2, 1))]


def _neuron_written_as_a_loop(w, b, x, target):
    dw, db, dx = 0, 0, []
    for x_n, t_n in zip(x, target):
        a = w * x_n + b
        da = 2 * (a - t_n) / len(x) if a > 0 else 0
        dw, db = dw + da * x_n, db + da
        dx.append(da * w)
    return dw, db, dx


def _neuron_without_relu_slope(w, b, x, target):
    da = 2 * (np.maximum(w * x + b, 0) - target) / len(x)
    return (da * x).sum(), da.sum(), da * w


def _neuron_without_relu(w, b, x, target):
    da = 2 * (w * x + b - target) / len(x)
    return (da * x).sum(), da.sum(), da * w


def _neuron_of_the_sum(w, b, x, target):
    return tuple(len(x) * part for part in neuron_gradient(w, b, x, target))


def _neuron_without_two(w, b, x, target):
    return tuple(part / 2 for part in neuron_gradient(w, b, x, target))


def _neuron_other_sign(w, b, x, target):
    return tuple(-part for part in neuron_gradient(w, b, x, target))


def _neuron_not_summed(w, b, x, target):
    da = 2 * (np.maximum(w * x + b, 0) - target) * (w * x + b > 0) / len(x)
    return da * x, da, da * w


def _neuron_relu_slope_at_x(w, b, x, target):
    da = 2 * (np.maximum(w * x + b, 0) - target) * (x > 0) / len(x)
    return (da * x).sum(), da.sum(), da * w


def _neuron_dx_summed(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return dw, db, dx.sum()


def _neuron_x_for_w(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return (dx.sum(), db, dx / w * x)


def _neuron_of(dw=lambda da, x: (da * x).sum(), db=lambda da, x: da.sum(), dx=lambda da, w: da * w):
    """The three results made of da (N,) by other rules than the right ones."""
    def neuron_gradient(w, b, x, target):
        a = w * x + b
        da = 2 * (np.maximum(a, 0) - target) * (a > 0) / len(x)
        return dw(da, x), db(da, x), dx(da, w)

    return neuron_gradient


def _neuron_dx_without_relu_slope(w, b, x, target):
    dw, db, _ = neuron_gradient(w, b, x, target)
    return dw, db, 2 * (np.maximum(w * x + b, 0) - target) / len(x) * w


def _neuron_without_bias(w, b, x, target):
    return neuron_gradient(w, 0., x, target)


def _neuron_dx_by_x(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return dw, db, dx / w * x


def _neuron_dw_by_w(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return w * db, db, dx


def _neuron_first_example(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return dx[0] / w * x[0], dx[0] / w, dx


def _neuron_loss(w, b, x, target):
    return ((np.maximum(w * x + b, 0) - target)**2).mean()


def _neuron_if(w, b, x, target):
    if w * x + b > 0:
        return neuron_gradient(w, b, x, target)
    return 0., 0., 0 * x


def _neuron_error_not_squared(w, b, x, target):
    da = (w * x + b > 0) / len(x)
    return (da * x).sum(), da.sum(), da * w


# 1.4 A chain ------------------------------------------------------------------------------------------


def chain_gradient(w, x0):
    x = [x0]
    for w_k in w:
        x.append(np.tanh(w_k * x[-1]))
    d = np.ones(len(x))
    for k in range(len(w), 0, -1):
        d[k - 1] = d[k] * (1 - x[k]**2) * w[k - 1]
    return d


def _chain_complex_step(w, x0, eps=1e-100):
    d = np.empty(len(w) + 1)
    x = x0
    for k in range(len(d)):
        end = x + 1j * eps
        for w_j in w[k:]:
            end = np.tanh(w_j * end)
        d[k] = end.imag / eps
        x = np.tanh(w[k] * x) if k < len(w) else x
    return d


def _chain_cases(rng):
    factors = [(.9, 1.4, 4), (-1.5, -.6, 7), (.3, .6, 60), (.7, .8, 1)]
    cases = [(rng.uniform(low, high, n), rng.uniform(.4, .9)) for low, high, n in factors]
    return [*cases, (np.array([.9, 1e-170, 1e-170, 1.1]), .5)]  # two that cut the chain: products with both are 0


def _chain_states(w, x0):
    x = [x0]
    for w_k in w:
        x.append(np.tanh(w_k * x[-1]))
    return np.array(x)


def _chain_of(slopes):
    return np.append(np.cumprod(slopes[::-1])[::-1], 1)


def _chain_by_cumulated_products(w, x0):
    return _chain_of(w * (1 - _chain_states(w, x0)[1:]**2))


def _chain_without_tanh_slope(w, x0):
    return _chain_of(w)


def _chain_without_weights(w, x0):
    return _chain_of(1 - _chain_states(w, x0)[1:]**2)


def _chain_slope_at_wrong_point(w, x0):
    return _chain_of(w * (1 - _chain_states(w, x0)[:-1]**2))


def _chain_tanh_twice(w, x0):
    return _chain_of(w * (1 - np.tanh(_chain_states(w, x0)[1:])**2))


def _chain_from_the_start(w, x0):
    return np.append(1, np.cumprod(w * (1 - _chain_states(w, x0)[1:]**2)))


def _chain_reversed(w, x0):
    return chain_gradient(w, x0)[::-1]


def _chain_single_slopes(w, x0):
    return np.append(w * (1 - _chain_states(w, x0)[1:]**2), 1)


def _chain_starts_with_x_n(w, x0):
    return chain_gradient(w, x0) * _chain_states(w, x0)[-1]


def _chain_square_missing(w, x0):
    return _chain_of(w * (1 - _chain_states(w, x0)[1:]))


def _chain_of_neighbors_weights(w, x0):
    return _chain_of(np.roll(w, -1) * (1 - _chain_states(w, x0)[1:]**2))


def _chain_of_sums(w, x0):
    slopes = w * (1 - _chain_states(w, x0)[1:]**2)
    return np.append(np.cumsum(slopes[::-1])[::-1], 1)


def _chain_slope_at_the_input(w, x0):
    return _chain_of(w * (1 - np.tanh(_chain_states(w, x0)[:-1])**2))


def _chain_from_x0(w, x0):
    return _chain_of(w * (1 - np.tanh(w * x0)**2))


def _chain_first_weight(w, x0):
    return chain_gradient(np.full_like(w, w[0]), x0)


def _chain_added_to_the_one(w, x0):
    slopes = w * (1 - _chain_states(w, x0)[1:]**2)
    return np.append(1 + np.cumsum(slopes[::-1])[::-1], 1)


def _chain_by_the_weights(w, x0):
    x = _chain_states(w, x0)
    return np.append(chain_gradient(w, x0)[1:] * (1 - x[1:]**2) * x[:-1], 1)


def _chain_by_division(w, x0):
    front = np.append(1, np.cumprod(w * (1 - _chain_states(w, x0)[1:]**2)))
    return front[-1] / front


def _chain_slope_of_a(w, x0):
    return _chain_of(w * (1 - (w * _chain_states(w, x0)[:-1])**2))


# 1.11 A graph -----------------------------------------------------------------------------------------


def graph_gradient(w, u, x):
    h = np.tanh(w * x)
    a = u * h + x
    da, dh = h, a                               # L = a h: a changes L by h, h by a
    dh += da * u                                # h is used twice: add the path through a
    dx = da                                     # so is x: the path through a, and
    dx += dh * (1 - h**2) * w                   # the path through h
    return dh * (1 - h**2) * x, da * h, dx


def _graph_complex_step(w, u, x, eps=1e-100):
    def loss(w, u, x):
        h = np.tanh(w * x)
        return (u * h + x) * h

    return tuple(loss(*np.array([w, u, x]) + 1j * eps * row).imag / eps for row in np.eye(3))


def _graph_by_paths(w, u, x):
    h, slope = math.tanh(w * x), 1 / math.cosh(w * x)**2
    dh = 2 * u * h + x
    return [slope * x * dh, h * h, h + slope * w * dh]


def _graph_cases(rng):
    pairs = [(.4, .9), (.4, .9), (-.9, -.4), (-.9, -.4)]
    cases = [(rng.uniform(*w), rng.uniform(*u), rng.uniform(.5, 1.2)) for w, u in zip(pairs, pairs[1:] + pairs[:1])]
    return [*cases, (rng.uniform(.4, .9), rng.uniform(1.4, 2.), -rng.uniform(.5, 1.2))]


def _graph_of(da=lambda a, h: h, dh=lambda a, u, da: a + da * u, slope=lambda w, u, x, h, a: 1 - h**2,
              dw=lambda dz, w, x: dz * x, du=lambda da, h, x: da * h, dx=lambda da, dz, w, x: da + dz * w):
    """The three results made by other rules than the right ones; z = w x is what tanh is taken of."""
    def graph_gradient(w, u, x):
        h = np.tanh(w * x)
        a = u * h + x
        d_a = da(a, h)
        dz = dh(a, u, d_a) * slope(w, u, x, h, a)
        return dw(dz, w, x), du(d_a, h, x), dx(d_a, dz, w, x)

    return graph_gradient


def _graph_handed_on_early(w, u, x):
    _, du, dx = graph_gradient(w, u, x)
    return _graph_of(dh=lambda a, u, da: a)(w, u, x)[0], du, dx


def _graph_dx_handed_on_early(w, u, x):
    dw, du, _ = graph_gradient(w, u, x)
    return dw, du, _graph_of(dh=lambda a, u, da: a)(w, u, x)[2]


def _graph_swapped(w, u, x):
    h = np.tanh(w * x)
    a = u * h + x
    dz = (h + a * u) * (1 - h**2)
    return dz * x, a * h, a + dz * w


def _graph_from_the_loss(w, u, x):
    h = np.tanh(w * x)
    return tuple((u * h + x) * h * part for part in graph_gradient(w, u, x))


def _graph_values(w, u, x):
    h = np.tanh(w * x)
    return h, u * h + x, (u * h + x) * h


# 1.6 Descent ------------------------------------------------------------------------------------------


def descend(slope, w0, rate, updates):
    path = [w0]
    for _ in range(updates):
        w = path[-1]
        path.append(w - rate * slope(w))
    return np.array(path)


def _descend_closed_form(slope, w0, rate, updates):
    """The slopes of the cases are straight lines, c (w - m): then w_k = m + (1 - rate c)^k (w_0 - m)."""
    w0 = np.asarray(w0)
    c = slope(np.ones_like(w0)) - slope(np.zeros_like(w0))
    m = -slope(np.zeros_like(w0)) / c
    return np.array([m + (1 - rate * c)**k * (w0 - m) for k in range(updates + 1)])


def _descend_cases(rng):
    curvatures = rng.uniform(.5, 3, 3)
    return [(lambda w: 2 * (w - 3), rng.uniform(.5, 1.5), .1, 7),
            (lambda w: 4 * (w + 1), rng.uniform(.5, 1.5), .55, 12),
            (lambda w: curvatures * (w - 2), rng.uniform(3, 4, 3), .2, 9),
            (lambda w: 3 * (w - 1), rng.uniform(.2, .5), .1, 1), (lambda w: 2 * (w - 3), 1, .15, 60),
            (lambda w: 4 * (w - .5), 2., .25, 3)]  # an integer, and near the minimum; there after one update


def _descend_into_an_array(slope, w0, rate, updates):
    path = np.empty((updates + 1, *np.shape(w0)))
    path[0] = w0
    for k in range(updates):
        path[k + 1] = path[k] - rate * slope(path[k])
    return path


def _descend_uphill(slope, w0, rate, updates):
    return descend(slope, w0, -rate, updates)


def _descend_from_the_same_slope(slope, w0, rate, updates):
    return np.array([w0 - k * rate * slope(w0) for k in range(updates + 1)])


def _descend_without_the_start(slope, w0, rate, updates):
    return descend(slope, w0, rate, updates)[1:]


def _descend_to_the_end_only(slope, w0, rate, updates):
    return descend(slope, w0, rate, updates)[-1]


def _descend_without_a_rate(slope, w0, rate, updates):
    return descend(slope, w0, 1, updates)


def _descend_one_array(slope, w0, rate, updates):
    return np.array([descend(slope, w0, rate, updates)[-1]] * (updates + 1))


def _descend_in_place(slope, w0, rate, updates):
    w, path = w0, [w0]
    for _ in range(updates):
        w -= rate * slope(w)
        path.append(w)
    return np.array(path)


def _descend_into_whole_numbers(slope, w0, rate, updates):
    path = np.zeros((updates + 1, *np.shape(w0)), dtype=int)
    path[0] = w0
    for k in range(updates):
        path[k + 1] = path[k] - rate * slope(path[k])
    return path


def _descend_by_signs(slope, w0, rate, updates):
    return descend(lambda w: np.sign(slope(w)), w0, rate, updates)


def _descend_by_directions(slope, w0, rate, updates):
    return descend(lambda w: slope(w) / max(np.linalg.norm(slope(w)), 1e-300), w0, rate, updates)


def _descend_slope_as_a_number(slope, w0, rate, updates):
    return [w0, w0 - rate * slope]


def _descend_numbers_only(slope, w0, rate, updates):
    return descend(slope, float(w0), rate, updates)


def _descend_arrays_only(slope, w0, rate, updates):
    return np.zeros((updates + 1, len(w0)))


def _descend_into_the_type_of_w0(slope, w0, rate, updates):
    path = np.zeros((updates + 1, *np.shape(w0)), dtype=np.asarray(w0).dtype)
    path[0] = w0
    for k in range(updates):
        path[k + 1] = path[k] - rate * slope(path[k])
    return path


def _descend_until_small(slope, w0, rate, updates):
    path = descend(slope, w0, rate, updates)
    steps = np.abs(np.diff(path, axis=0)).reshape(updates, -1).max(axis=1)
    return path[:np.argmax(np.append(steps, 0) < 1e-2) + 1]


def _descend_until_still(slope, w0, rate, updates):
    path = descend(slope, w0, rate, updates)
    steps = np.abs(np.diff(path, axis=0)).reshape(updates, -1).max(axis=1)
    return path[:np.argmax(np.append(steps, 0) == 0) + 1]


def _descend_slopes(slope, w0, rate, updates):
    return np.array([slope(w) for w in descend(slope, w0, rate, updates)])


def _descend_by_the_slope_of_the_next(slope, w0, rate, updates):
    path = [w0]
    for _ in range(updates):
        path.append(path[-1] - rate * slope(path[-1] - rate * slope(path[-1])))
    return np.array(path)


# 1.8 The largest rate ---------------------------------------------------------------------------------


def largest_rate():
    curvatures = 2 * 3, 2 * 20              # the second derivatives along u and along v
    return 2 / max(curvatures)              # the steepest direction decides


def _largest_rate_by_trial():
    """Bisection: does a path of 2000 updates end farther away than it began?"""
    stable, unstable = 0., 1.
    while unstable - stable > 1e-6:
        rate = (stable + unstable) / 2
        u, v = 3., 1.
        for _ in range(2000):
            u, v = u - rate * 6 * (u - 2), v - rate * 40 * v
        bounded = abs(u - 2) <= 1 and abs(v) <= 1  # False for NaN
        stable, unstable = (rate, unstable) if bounded else (stable, rate)
    return stable


# 1.10 The complex step --------------------------------------------------------------------------------


def complex_gradient(f, x, eps):
    gradient = np.empty(len(x))
    for k in range(len(x)):
        moved = x.astype(complex)               # a fresh copy: only x[k] moves
        moved[k] += 1j * eps
        gradient[k] = f(moved).imag / eps
    return gradient


def _bowl(x):
    return np.sum(np.arange(1, len(x) + 1) * x**2)


def _wave(x):
    return 2 + np.sin(x[0]) * np.exp(x[1]) / x[2]


def _vanished(x):
    return 1 + 1e-40 * x[0] * x[1]**3 + .5**200 * x[2] + x[3]


_GRADIENTS = {
    _bowl: lambda x: 2 * np.arange(1, len(x) + 1) * x,
    _wave: lambda x: np.array([np.cos(x[0]), np.sin(x[0]), -np.sin(x[0]) / x[2]]) * np.exp(x[1]) / x[2],
    _vanished: lambda x: np.array([1e-40 * x[1]**3, 3e-40 * x[0] * x[1]**2, .5**200, 1.]),
}


def _by_hand(f, x, eps):
    return _GRADIENTS[f](x)


def _complex_cases(rng):
    return [(_bowl, rng.uniform(.5, 2, 5), 1e-20), (_wave, rng.uniform(.5, 1.5, 3), 1e-50),
            (_vanished, rng.uniform(.5, 2, 4), 1e-100), (_bowl, rng.uniform(.5, 2, 1), 1e-6)]


def _complex_in_one_line(f, x, eps):
    return np.array([f(x + 1j * eps * row).imag for row in np.eye(len(x))]) / eps


def _complex_without_eps(f, x, eps):
    return _complex_in_one_line(f, x, eps) * eps


def _complex_real_part(f, x, eps):
    return np.array([f(x + 1j * eps * row).real for row in np.eye(len(x))]) / eps


def _complex_all_at_once(f, x, eps):
    return np.full(len(x), f(x + 1j * eps).imag / eps)


def _complex_not_taken_back(f, x, eps):
    return np.cumsum(_complex_in_one_line(f, x, eps))


def _complex_real_step(f, x, eps):
    return np.array([(f(x + eps * row) - f(x - eps * row)) / (2 * eps) for row in np.eye(len(x))])


def _complex_twice(f, x, eps):
    return _complex_in_one_line(f, x, eps) / 2


def _complex_without_the_others(f, x, eps):
    return np.array([f(row * (x + 1j * eps)).imag for row in np.eye(len(x))]) / eps


def _complex_both_sides(f, x, eps):
    return np.array([(f(x + 1j * eps * row) - f(x)).real for row in np.eye(len(x))]) / eps


def _complex_step_in_proportion(f, x, eps):
    return np.array([f(x * (1 + 1j * eps * row)).imag for row in np.eye(len(x))]) / eps


# 1.12 An engine ---------------------------------------------------------------------------------------


class Value:
    made = 0

    def __init__(self, data, inputs=()):
        self.data, self.inputs, self.grad = data, inputs, 0.
        Value.made += 1
        self.number = Value.made                # higher than those of its inputs

    def __add__(self, other):
        return Value(self.data + other.data, [(self, 1.), (other, 1.)])

    def __mul__(self, other):
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        y = np.tanh(self.data)
        return Value(y, [(self, 1 - y**2)])

    def backward(self):
        reached, new = {self}, [self]           # all that self was made of
        while new:
            for value, _ in new.pop().inputs:
                if value not in reached:
                    reached.add(value)
                    new.append(value)
        for value in reached:
            value.grad = 0.
        self.grad = 1.
        for value in sorted(reached, key=lambda value: value.number, reverse=True):
            for each, slope in value.inputs:    # the latest first: all its paths have arrived
                each.grad += value.grad * slope


_LINES = 1_000_000  # that an engine may run for one program: 5000 values, 200 lines each


@contextlib.contextmanager
def _at_most(lines):
    """An error for what runs more lines of Python; none under a debugger, which counts them itself."""
    left, outer = lines, sys.gettrace()

    def trace(frame, event, argument):
        nonlocal left
        left -= event == "line"
        if left < 0:
            raise TimeoutError(f"not done after {lines:,} lines")
        return trace

    try:
        sys.settrace(outer or trace)
        yield
    finally:
        sys.settrace(outer)


def _run(program, kind):
    """The values that a program has made with a class, by their names; a name with _ is not looked at."""
    names = {"Value": kind}
    exec(compile(program, "<frozen program>", "exec"), names)  # no line of the learner's
    return {name: value for name, value in names.items() if name != "Value" and name[0] != "_"}


def _slopes_of(kind, program):
    """What a learner's class gives: the slopes of all values that have a name, and the data of L."""
    try:
        with _at_most(_LINES):
            made = _run(program, kind)
    except RecursionError as error:
        error.args = ()
        if "range(5000)" in program:  # the last: what has no end stops at the first
            error.meaning = (f"The chain has 5000 values, and Python allows {sys.getrecursionlimit()} nested calls: "
                             "use a list in place of the recursion.")
        raise
    return (*(value.grad for value in made.values()), made["L"].data)


class _Named(tuple):
    """A tuple whose parts have names with a point in them, which no NamedTuple may have."""

    def __new__(cls, *parts):
        made = super().__new__(cls, parts)
        vars(made).update(zip(cls._fields, parts))
        return made


def _slopes_by_complex_step(program, eps=1e-100):
    """The same by moving one number after the other by i eps, wherever it stands in the program."""
    def run(moved):
        count, last = itertools.count(), []

        class Number:
            def __init__(self, data):
                self.place = next(count)
                self.data = data + 1j * eps * (self.place == moved)

            def __add__(self, other):
                return Number(self.data + other.data)

            def __mul__(self, other):
                return Number(self.data * other.data)

            def tanh(self):
                return Number(np.tanh(self.data))

            def backward(self):
                last.append(self)

        return _run(program, Number), last

    made, last = run(None)
    slopes = [run(value.place)[1][-1].data.imag / eps for value in made.values()]
    names = (*(f"{name}.grad" for name in made), "L.data")
    return type("Slopes", (_Named,), {"_fields": names})(*slopes, last[-1].data.real)


def _keeps_pairs(kind):
    """Whether a product keeps its inputs as the stub's sum does; also if there is no product to look at."""
    try:
        made = kind(.5) * kind(1.25)
    except Exception:  # its own fault, which the check tells
        return True
    inputs = [] if made is None else getattr(made, "inputs", "?")
    return all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in inputs)


@contextlib.contextmanager
def _lent_backward(kind):
    """For a while a class has a backward that needs .inputs and .grad alone."""
    def backward(self):
        order, seen, waiting = [], set(), [(self, False)]
        while waiting:
            value, done = waiting.pop()
            if done:
                order.append(value)
            elif id(value) not in seen:
                seen.add(id(value))
                waiting += [(value, True), *((other, False) for other, _ in value.inputs)]
        for value in order:
            value.grad = 0.
        self.grad = 1.
        for value in reversed(order):
            for other, slope in value.inputs:
                other.grad += value.grad * slope

    own, kind.backward = kind.backward, backward
    try:
        yield
    finally:
        kind.backward = own


@dataclass(frozen=True, eq=False)
class _OfAClass(Exercise):
    """An exercise that asks for a class. Its cases are programs that use it, and a case is shown as its program."""

    parameters, use = ["program"], staticmethod(_slopes_of)

    def judge(self, answer):
        if answer is ... or answer is None:
            return self._not_begun()
        if isinstance(answer, type):
            empty = [name for name, method in vars(answer).items() if is_empty(method)]
            if empty == ["backward"] and _keeps_pairs(answer):
                with _lent_backward(answer):
                    verdict = super().judge(functools.partial(self.use, answer))
                if verdict.word == "passed":
                    return Verdict("open", "The operations keep the right numbers and slopes. Still to write: "
                                           "backward. Put the body in place of its ... and run the cell again.")
                return verdict._replace(reason=f"Tried with a backward that is right: {verdict.reason}")
            if empty:
                return Verdict("open", f"Still to write: {', '.join(empty)}. Put the body in place of each ... and run "
                                       "the cell again.")
            return super().judge(functools.partial(self.use, answer))
        if not callable(answer) or getattr(getattr(answer, "__code__", None), "co_argcount", 0):  # a def of one's own
            return Verdict("not yet", f'Give the class itself: check("{self.id}", {self.solution.__name__}), without '
                                      f"parentheses after it. What came is {words.kind(answer)}.")
        return super().judge(answer)

    def _run(self, answer):
        outcomes, verdict = super()._run(
            functools.partial(self.use, answer) if isinstance(answer, type) else answer)
        if verdict and verdict.word == "not yet" and not verdict.mistake and any(
                self._difference(result, need) for (result, _), need in zip(outcomes, self.needed)):
            verdict = None  # a short program that went wrong before says more than a long one that stopped
        return outcomes, verdict

    def _where(self, number):
        return f"Case {number + 1} of {len(self.drawn)}:\n{self.drawn[number][0]}"


def _engine_cases(rng):
    def x(low=.4, high=.9):
        return f"Value({rng.uniform(low, high):.2f})"

    two, loop = f"w, x = {x()}, {x(1.1, 1.6)}", "for _ in range({}): L = "
    programs = [
        (two, "L = w * x", "L.backward()"),
        (f"x = {x()}", "L = x.tanh()", "L.backward()"),
        (f"x = {x(1.1, 1.6)}", "L = x * x", "L.backward()"),
        (two, "L = (x + x) * w", "L.backward()"),
        (f"w, u, x = {x()}, {x()}, {x(1.1, 1.6)}", "h = (w * x).tanh()", "a = u * h + x", "L = a * h", "L.backward()"),
        (two, "h = w * x", "b = (h + w).tanh() * x", "L = h * b + b * h", "L.backward()"),
        ("a, b = Value(0.8), Value(0.8)", "L = (a * b + a).tanh()", "L.backward()"),
        ("h, three, minus = Value(2.), Value(3.), Value(-1.)", "L = (three + minus * h) * (h * h)", "L.backward()"),
        (two, "h = w * x", "L = (h * h).tanh() + x", "L.backward()", "L.backward()"),
        (two, "h = w * x", "L = (h * h).tanh() + x", "L.backward()", "L = h * w", "L.backward()"),
        (two, "L = (w * x).tanh()", "(L * w + x * L).backward()", "L.backward()"),
        (f"x, half = {x()}, Value(0.5)", "L = x", f"{loop.format(200)}L * half", "L.backward()"),
        (f"x = {x()}", "L = x + x", f"{loop.format(59)}L + L", "L.backward()"),
        (two, "L = w * x", f"{loop.format(5000)}L + x", "L.backward()")]
    return [("\n".join(program),) for program in programs]


class _Parts:
    """The solution in parts, so that one of them can be another."""

    made = 0

    def __init__(self, data, inputs=()):
        self.data, self.inputs, self.grad = data, inputs, 0.
        _Parts.made += 1
        self.number = _Parts.made

    def __add__(self, other):
        return type(self)(self.data + other.data, [(self, 1.), (other, 1.)])

    def __mul__(self, other):
        return type(self)(self.data * other.data, [(self, other.data), (other, self.data)])

    def tanh(self):
        y = math.tanh(self.data)
        return type(self)(y, [(self, 1 - y * y)])

    def reached(self):
        found, new = {self: None}, [self]
        while new:
            fresh = dict.fromkeys(value for value, _ in new.pop().inputs if value not in found)
            found |= fresh
            new += fresh
        return list(found)

    def order(self):
        return sorted(self.reached(), key=lambda value: -value.number)

    def zero(self):
        for value in self.reached():
            value.grad = 0.

    def start(self):
        self.grad = 1.

    def hand_on(self, other, slope):
        other.grad += self.grad * slope

    def backward(self):
        self.zero()
        self.start()
        for value in self.order():
            for other, slope in value.inputs:
                value.hand_on(other, slope)


def _engine(**parts):
    """An engine with other parts, as a function of a program."""
    return functools.partial(_slopes_of, type("Value", (_Parts,), parts))


def _engine_with(add=lambda a, b: (1., 1.), mul=lambda a, b: (b, a), tanh=lambda a, y: 1 - y * y):
    """An engine with other slopes of its operations."""
    return _engine(
        __add__=lambda self, other: type(self)(
            self.data + other.data, list(zip((self, other), add(self.data, other.data)))),
        __mul__=lambda self, other: type(self)(
            self.data * other.data, list(zip((self, other), mul(self.data, other.data)))),
        tanh=lambda self: type(self)(math.tanh(self.data), [(self, tanh(self.data, math.tanh(self.data)))]))


def _engine_without_a_pair(pair):
    """An engine whose inputs are held by what keeps no two of a kind."""
    return _engine(
        __add__=lambda self, other: type(self)(self.data + other.data, pair((self, 1.), (other, 1.))),
        __mul__=lambda self, other: type(self)(self.data * other.data, pair((self, other.data), (other, self.data))))


def _engine_in_rounds(self):
    order = [self]
    for value in order:  # grows on the way
        order += dict.fromkeys(other for other, _ in value.inputs if other not in order)
    return order


def _engine_in_depth(self):
    order, new = {}, [self]
    while new:
        value = new.pop()
        if value not in order:
            order[value] = None
            new += [other for other, _ in value.inputs]
    return list(order)


def _engine_by_calls(self):
    order = {}

    def visit(value):
        if value not in order:
            for other, _ in value.inputs:
                visit(other)
            order[value] = None

    visit(self)
    return list(order)[::-1]


def _engine_path_by_path(self):
    def walk(value):
        for other, slope in value.inputs:
            other.grad += slope * arrived[-1]
            arrived.append(slope * arrived[-1])
            walk(other)
            arrived.pop()

    arrived = [1.]
    self.zero()
    self.start()
    walk(self)


def _engine_hands_on_all_again(self):
    def walk(value):
        for other, slope in value.inputs:
            other.grad += value.grad * slope
            walk(other)

    self.zero()
    self.start()
    walk(self)


def _engine_empties_its_inputs(self):
    _Parts.backward(self)
    for value in self.reached():
        value.inputs = []


def _engine_of_the_uses(self):
    """A value hands on when all its uses have reported, also those that lead elsewhere."""
    self.zero()
    self.start()
    waiting, new = {}, [self]
    while new:
        value = new.pop()
        for other, slope in value.inputs:
            other.grad += value.grad * slope
            waiting[other] = waiting.get(other, other.uses) - 1
            if not waiting[other]:
                new.append(other)


class _Counting(_Parts):
    uses = 0

    def __init__(self, data, inputs=()):
        super().__init__(data, inputs)
        for value, _ in inputs:
            value.uses += 1

    backward = _engine_of_the_uses


class _Compared(_Parts):
    """As a dataclass has it."""

    __hash__ = None

    def __eq__(self, other):
        return (self.data, self.grad) == (other.data, other.grad)


class _ComparedInAList(_Compared):
    def reached(self):
        order = [self]
        for value in order:
            for other, _ in value.inputs:
                if other not in order:
                    order.append(other)
        return order


def _engine_zeroes_on_the_way(self):
    self.grad = 1.
    for value in self.order():
        for other, slope in value.inputs:
            other.grad = 0.
        for other, slope in value.inputs:
            other.grad += value.grad * slope


def _engine_in_place(self, other):
    self.data *= other.data
    return self


def _engine_forgets_the_middle(self):
    _Parts.backward(self)
    for value in self.reached():
        value.grad *= not value.inputs or value is self


BANK = Bank(1, "Gradients", [
    Prediction("1.1", "You make d ten times smaller. How many times smaller is the error of f'(x) d?",
               unit="times", digits=3),
    Exercise(
        "1.2", "The gradient of a neuron over several examples", minutes=8, difficulty=2,
        solution=neuron_gradient, oracle=_neuron_complex_step, cases=_neuron_cases,
        returns=("dw", "db", "dx"),
        also_correct=(_neuron_written_as_a_loop,),
        mistakes=[
            Mistake(_neuron_without_relu_slope,
                    "The slope of relu is missing: where a is below 0, y does not react to a."),
            Mistake(_neuron_without_relu,
                    "This is the gradient without relu. It acts twice: on y, and as a slope."),
            Mistake(_neuron_of_the_sum,
                    "This is the gradient of the sum of the squares. The loss is their mean."),
            Mistake(_neuron_without_two, "A factor 2 is missing: it is the slope of the square."),
            Mistake(_neuron_other_sign,
                    "The sign is wrong: if y is above the target, a larger y makes L larger."),
            Mistake(_neuron_not_summed,
                    "dw and db are one number each. All examples share w and b, so their parts add up."),
            Mistake(_neuron_relu_slope_at_x,
                    "The slope of relu was taken at x. It is 1 where a is above 0, and a = w x + b."),
            Mistake(_neuron_dx_summed,
                    "dx was summed. Each example has an x of its own, so each keeps its own slope."),
            Mistake(_neuron_x_for_w,
                    "w and x are swapped: a = w x + b changes by x when w moves, and by w when x moves."),
            Mistake(lambda *args: tuple(neuron_gradient(*args)[i] for i in (1, 0, 2)),
                    "dw and db have changed places: the order is dL/dw, dL/db, dL/dx."),
            Mistake(lambda *args: tuple(neuron_gradient(*args)[i] for i in (2, 0, 1)),
                    "The order is dL/dw, dL/db, dL/dx. You return dL/dx first."),
            Mistake(_neuron_of(dx=lambda da, w: da * w * len(da)),
                    "dx is not divided by N. The loss is a mean: an x counts with 1/N, as it does in dw and db."),
            Mistake(_neuron_of(dx=lambda da, w: da),
                    "dx is dL/da. When x moves, a = w x + b moves by w times as much: the factor w is missing."),
            Mistake(_neuron_without_bias,
                    "The bias b is left out of a = w x + b, and so y and the slope of relu are those of another "
                    "neuron."),
            Mistake(_neuron_dx_by_x,
                    "dx was multiplied by x. When x moves, a = w x + b moves by w times as much: the factor is w."),
            Mistake(_neuron_dw_by_w,
                    "dw was multiplied by w. When w moves, a = w x + b moves by x times as much: the factor is x."),
            Mistake(_neuron_first_example,
                    "dw and db count the first example alone. All examples share w and b: add their parts."),
            Mistake(_neuron_of(db=lambda da, x: 1.),
                    "db is 1: this is how a moves with b. Asked for is how L moves: 1 times dL/da, added over the "
                    "examples."),
            Mistake(_neuron_loss, "This is the loss. Asked for are its three derivatives."),
            Mistake(_neuron_if, "`if` needs one truth value, and a > 0 has one for each example. Multiply by (a > 0), "
                                "which is 1 or 0, or use np.where."),
            Mistake(_neuron_of(dw=lambda da, x: da.sum()),
                    "In dw the factor x is missing: when w moves, a = w x + b moves by x times as much."),
            Mistake(_neuron_of(dw=lambda da, x: (da * x).mean(), db=lambda da, x: da.mean()),
                    "dw and db are divided by N twice. dL/dy holds the 1/N of the mean already: the examples' parts "
                    "add up."),
            Mistake(_neuron_of(dw=lambda da, x: da.sum() * x.sum()),
                    "dw is the product of two sums. Each example multiplies its own da by its own x; then add."),
            Mistake(_neuron_of(dw=lambda da, x: da.sum() * x.mean()),
                    "dw uses the mean of x. Each example multiplies its own da by its own x; then add."),
            Mistake(_neuron_dx_without_relu_slope,
                    "In dx the slope of relu is missing. Where a is below 0, y does not react to x either."),
            Mistake(_neuron_error_not_squared,
                    "The error y - target is missing: the slope of its square is 2 (y - target)."),
        ],
        hints=["Work backwards from L: first dL/dy (N,), then dL/da (N,), then the three results.",
               "dL/dy = 2 (y - target) / N. The slope of relu is 1 where a > 0 and 0 elsewhere.",
               "dw = sum of da x, db = sum of da, dx = da w (not summed)."],
    ),
    Prediction("1.3", "A chain of 100 functions has the slopes 0.5 and 1.5 in turn, so their mean is 1. "
                      "What is the gradient of the chain?", scale="log10"),
    Exercise(
        "1.4", "Backwards through a chain", minutes=10, difficulty=2,
        solution=chain_gradient, oracle=_chain_complex_step, cases=_chain_cases, time_axis=0, axis="link",
        also_correct=(_chain_by_cumulated_products,),
        mistakes=[
            Mistake(_chain_without_tanh_slope,
                    "The slope of tanh is missing. Each link has two slopes: w_k and tanh'."),
            Mistake(_chain_without_weights,
                    "The weights are missing. Each link has two slopes: w_k and tanh'."),
            Mistake(_chain_slope_at_wrong_point,
                    "1 - x^2 is taken at the link's input. It belongs to the link's output, x_k."),
            Mistake(_chain_tanh_twice,
                    "tanh is applied twice: x_k is already tanh(a), so tanh'(a) = 1 - x_k^2."),
            Mistake(_chain_from_the_start,
                    "These are the derivatives of x_k by x_0. Asked for are those of x_n by x_k: start at "
                    "the end, with 1."),
            Mistake(_chain_reversed,
                    "The order is the opposite one: d[0] belongs to x_0, and the last entry, d[n], is 1."),
            Mistake(_chain_single_slopes,
                    "These are the slopes of single links. d[k] is the product of those from k to the end."),
            Mistake(_chain_starts_with_x_n,
                    "It starts with x_n at the end. d[n] is how much x_n changes with itself: 1."),
            Mistake(_chain_square_missing, "The slope of tanh is 1 - x_k^2. The square is missing."),
            Mistake(_chain_slope_of_a,
                    "You took 1 - a^2. The slope is 1 - tanh(a)^2, and tanh(a) is the link's output, x_k."),
            Mistake(_chain_of_neighbors_weights,
                    "Each slope has the weight of the next link. From x_k back to x_{k-1} it is w_k, which is w[k - "
                    "1]."),
            Mistake(_chain_slope_at_the_input,
                    "The slope of tanh was taken at x_{k-1}. It belongs at a = w_k x_{k-1}: 1 - tanh(a)^2 = 1 - "
                    "x_k^2."),
            Mistake(_chain_from_x0, "Every link gets x0 here. Link k gets what link k - 1 gave: keep every x_k."),
            Mistake(_chain_first_weight, "Every link has the first weight here. Link k has its own, w[k - 1]."),
            Mistake(_chain_added_to_the_one,
                    "The slopes were added to the 1 of the end. Along a chain they multiply."),
            Mistake(lambda w, x0: np.zeros(len(w) + 1),
                    "All is 0. Going back starts with d[n] = 1, and products with 0 stay 0. (An array of whole numbers "
                    "cuts everything below 1 to 0.)"),
            Mistake(lambda w, x0: np.append(np.zeros(len(w)), 1.),
                    "All but the last are 0. Is the array made of whole numbers? They cut everything below 1 to 0; or "
                    "the loop never runs."),
            Mistake(_chain_by_the_weights, "These are dx_n/dw_k. Asked for is dx_n/dx_k: a link's slope has the factor "
                                           "w_k, not x_{k-1}."),
            Mistake(_chain_by_division,
                    "It divides by products that may be 0, and 0 / 0 is NaN. Multiply backwards from the end instead."),
            Mistake(_chain_of_sums, "The slopes of the links were added. Along a chain they multiply."),
            Mistake(lambda w, x0: chain_gradient(w, x0)[:-1],
                    "The last entry is missing, d[n]: how much x_n changes with itself."),
            Mistake(lambda w, x0: chain_gradient(w, x0)[0],
                    "This is dx_n/dx_0 alone. Return d[k] for every k from 0 to n."),
            Mistake(_chain_states, "These are the x_k themselves. Asked for is how x_n changes with each of them."),
        ],
        hints=["First run forwards and keep every x_k. Then go backwards from d[n]: how much does x_n "
               "change with itself?",
               "d[n] = 1. One link back: dx_n/dx_{k-1} = dx_n/dx_k times dx_k/dx_{k-1}.",
               "dx_k/dx_{k-1} = (1 - x_k^2) w_k, and w_k is w[k - 1]."],
    ),
    Prediction("1.5", "The rate is exactly 2 / curvature. What does w do?", kind="choice",
               choices=("settles", "jumps between two points", "grows without end")),
    Exercise(
        "1.6", "Gradient descent", minutes=5, difficulty=1,
        solution=descend, oracle=_descend_closed_form, cases=_descend_cases, time_axis=0, axis="update",
        also_correct=(_descend_into_an_array,),
        mistakes=[
            Mistake(_descend_uphill, "It climbs. The slope points to where the loss grows: subtract it."),
            Mistake(_descend_from_the_same_slope,
                    "Every update uses the slope at w_0. It has to be taken anew at the point reached, w_k."),
            Mistake(_descend_without_the_start,
                    "The start is missing: the path holds w_0 and then every update."),
            Mistake(_descend_to_the_end_only, "This is the last point. The whole path is asked for."),
            Mistake(_descend_without_a_rate, "The rate is missing: an update is rate times slope."),
            Mistake(_descend_one_array,
                    "All rows are the last point: w -= ... changes one array again and again, and the list "
                    "holds that one array many times. Write w = w - ... instead."),
            Mistake(_descend_in_place,
                    "w -= ... changes the array w0 itself, and all rows of the path are that one array. Write "
                    "w = w - ... instead, which makes a new one."),
            Mistake(_descend_into_whole_numbers,
                    "The path holds whole numbers only: an array made of integers cuts off what is put into it. Give "
                    "it dtype=float."),
            Mistake(_descend_by_signs,
                    "Only the sign of the slope is used. An update is rate times slope: small where the loss is flat."),
            Mistake(_descend_slopes, "These are the slopes along the path. The points are asked for, w_0, w_1, ..."),
            Mistake(_descend_by_directions,
                    "Only the direction of the slope is used. An update is rate times slope, its size included."),
            Mistake(lambda slope, w0, rate, updates: descend(slope, w0, rate, updates).T,
                    "Rows and columns have changed places: each row is a point."),
            Mistake(_descend_slope_as_a_number,
                    "slope is a function. Its value at w is slope(w)."),
            Mistake(_descend_numbers_only,
                    "It works for a number only. w0 may be an array of several weights: keep it as it comes."),
            Mistake(_descend_arrays_only,
                    "A number has no length. Collect the points in a list, which takes numbers and arrays alike."),
            Mistake(_descend_into_the_type_of_w0,
                    "The path holds whole numbers, as w0 is one here: what is put into such an array is cut. Give it "
                    "dtype=float."),
            Mistake(_descend_until_small,
                    "It stops when an update is small. `updates` updates are asked for, the small ones too."),
            Mistake(_descend_until_still,
                    "It stops when w no longer moves. The path has updates + 1 rows, equal ones too."),
            Mistake(_descend_by_the_slope_of_the_next,
                    "The slope was taken one update ahead. It belongs to the point where the update starts, w_k."),
            Mistake(lambda slope, w0, rate, updates: descend(slope, w0, rate, updates - 1),
                    "One update is missing: `updates` updates and the start make updates + 1 rows."),
            Mistake(lambda slope, w0, rate, updates: descend(slope, w0, rate, updates + 1),
                    "One update too many: `updates` updates and the start make updates + 1 rows."),
        ],
        hints=["Start with path = [w0]. What is added in each round of the loop?",
               "w = path[-1]; path.append(w - rate * slope(w)); at the end np.array(path)."],
    ),
    Prediction("1.7", "The same rate 0.07 for three parabolas of curvature 1, 10 and 30. Which is nearest "
                      "to its minimum after 20 updates, which is farthest?",
               kind="order", choices=("1", "10", "30")),
    Exercise(
        "1.8", "The largest rate for two weights", minutes=4, difficulty=2,
        solution=largest_rate, oracle=_largest_rate_by_trial, rtol=1e-3, also_correct=(.05, 1 / 20),
        mistakes=[
            Mistake(1 / 3, "The direction u allows this rate, v does not. One that grows is enough to fail."),
            Mistake(.1, "The curvature along v is not 20: differentiate 20 v^2 twice."),
            Mistake(2 / 3, "The curvature is the second derivative, and it is the largest one that counts."),
            Mistake(.025, "With 1 / curvature v arrives in one update. A larger rate is still stable."),
            Mistake(2 / 46, "The curvatures do not add up. Each direction goes its own way."),
            Mistake(2 / 23, "This would be 2 / 23. 23 is neither curvature: they are second derivatives, and they "
                            "do not add up or average."),
            Mistake(2 / 43, "3 is not the curvature along u, and curvatures do not add up: each direction has its own "
                            "border."),
            Mistake(1 / 6, "1 / curvature along u is where u arrives in one update. And which direction is steeper?"),
            Mistake(40., "This is a curvature. The border is 2 / curvature."),
            Mistake(20., "A curvature turned over: the border is 2 / curvature, not curvature / 2."),
            Mistake(2., "2 is the border's numerator: divide it by the largest curvature."),
            Mistake(.5, "2 / 4 is the border of the parabola in the text. This L has other curvatures."),
            Mistake(-.05, "The size is right. A rate is positive: with a negative one every update climbs."),
            Mistake(2 / 26, "26 is no curvature. Each direction has its own border, 2 / curvature."),
            Mistake(2 / 41, "1 + 40 is for a valley with curvatures 1 and 40, and for its best rate. Here they are 6 "
                    "and "
                            "40, and the largest rate is asked for."),
            Mistake(.049, "It is stable, but not the largest such rate: a slightly larger one is stable too."),
            Mistake(.051, "A little too much: at this rate v grows by 4 % an update."),
        ],
        hints=["Which curvature has L along u, which along v? Derive twice.",
               "Each direction has its own border, 2 / curvature. Which of the two is passed first?"],
    ),
    Prediction("1.9", "Central differences of sin: which eps gives the smallest error?", scale="log10",
               digits=1),
    Exercise(
        "1.10", "The complex step for several variables", minutes=8, difficulty=2,
        solution=complex_gradient, oracle=_by_hand, cases=_complex_cases, time_axis="each", float32=False,
        also_correct=(_complex_in_one_line,),
        mistakes=[
            Mistake(_complex_without_eps, "The division by eps is missing."),
            Mistake(_complex_real_part, "The real part is f(x) itself, and abs gives nearly the same. The slope is in "
                    "the imaginary "
                                        "part."),
            Mistake(_complex_all_at_once,
                    "All variables move at once: that gives the sum of the slopes. Move one at a time."),
            Mistake(_complex_not_taken_back,
                    "The step in x[0] is still there when x[1] moves. Start each time from the unmoved x."),
            Mistake(lambda f, x, eps: np.zeros(len(x)),
                    "No step arrived. A real array drops the 1j * eps: make a complex copy, x.astype(complex)."),
            Mistake(_complex_real_step,
                    "This is a central difference. A real step as small as eps rounds away: step by 1j * eps."),
            Mistake(lambda f, x, eps: np.array([(f(x + eps * row) - f(x)) / eps for row in np.eye(len(x))]),
                    "This is a difference of two values. A real step as small as eps rounds away: step by 1j * eps."),
            Mistake(_complex_twice,
                    "Half of it is missing: there is one step here, so divide by eps, not by 2 eps."),
            Mistake(lambda f, x, eps: np.append(_complex_in_one_line(f, x, eps)[0], np.zeros(len(x) - 1)),
                    "Only x[0] was moved: the rest is still 0. Is the return inside of the loop?"),
            Mistake(lambda f, x, eps: _complex_in_one_line(f, x, eps).sum(),
                    "This is the sum of the slopes, a number. Return one slope for each entry."),
            Mistake(_complex_both_sides,
                    "A difference of real parts is no complex step: it holds almost nothing. Take the imaginary part."),
            Mistake(_complex_without_the_others,
                    "The other entries have become 0. All but x[k] stay where they were."),
            Mistake(_complex_step_in_proportion,
                    "The step is x[k] times too large: it was multiplied by x[k]. Add 1j * eps to it."),
            Mistake(lambda f, x, eps: -_complex_in_one_line(f, x, eps),
                    "The sign is the other one: divide the imaginary part by +eps, for a step of +1j * eps."),
        ],
        hints=["A real array cannot take up an imaginary step: x.astype(complex) is a copy that can.",
               "For each k: moved = x.astype(complex); moved[k] += 1j * eps; then f(moved).imag / eps."],
    ),
    Exercise(
        "1.11", "Backwards through a graph", minutes=8, difficulty=2,
        solution=graph_gradient, oracle=_graph_complex_step, cases=_graph_cases, returns=("dw", "du", "dx"),
        also_correct=(_graph_by_paths,),
        mistakes=[
            Mistake(_graph_of(dh=lambda a, u, da: a),
                    "dL/dh has one path of two. h goes into L itself and into a: the path through a, dL/da times u, is "
                    "missing."),
            Mistake(_graph_of(dh=lambda a, u, da: da * u),
                    "dL/dh has one path of two. h goes into a and into L itself, where its slope is a: with = in place "
                    "of += the first path is lost."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: dz * w),
                    "dL/dx has one path of two. x also goes into a, past h: add dL/da times 1."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: da),
                    "dL/dx has one path of two. x also goes into h: add dL/dh times the slope of tanh times w."),
            Mistake(_graph_handed_on_early,
                    "h handed its gradient on to w before both paths had arrived. First complete dL/dh, then go on."),
            Mistake(_graph_dx_handed_on_early,
                    "h handed its gradient on to x before both paths had arrived. First complete dL/dh, then go on."),
            Mistake(_graph_of(dh=lambda a, u, da: a * da * u),
                    "The two paths of h were multiplied. Multiply along a path, add over the paths."),
            Mistake(_graph_of(dh=lambda a, u, da: (a + da * u) / 2),
                    "The mean of h's two paths was taken. The paths add up."),
            Mistake(_graph_of(dh=lambda a, u, da: a - da * u), "The two paths of h were subtracted. They add up."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: da * dz * w),
                    "The two paths of x were multiplied. Multiply along a path, add over the paths."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: (da + dz * w) / 2),
                    "The mean of x's two paths was taken. The paths add up."),
            Mistake(_graph_of(da=lambda a, h: a),
                    "dL/da is a here. L = a h: when a moves, L moves by h times as much."),
            Mistake(_graph_of(dh=lambda a, u, da: da + da * u),
                    "The slope from h to L is h here. L = a h: when h moves, L moves by a times as much."),
            Mistake(_graph_swapped,
                    "The two slopes of the product have changed places. L = a h changes with a by h, with h by a."),
            Mistake(_graph_of(da=lambda a, h: 1., dh=lambda a, u, da: 1 + u),
                    "The slopes of L = a h were taken as 1, those of a sum. A product changes with a by h, with h by "
                    "a."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1.),
                    "The slope of tanh is missing: between h and w x stands tanh, with 1 - h^2."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1 - np.tanh(h)**2),
                    "h is tanh(w x) already: its slope is 1 - h^2, with no tanh around h."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1 - h),
                    "The slope of tanh is 1 - h^2. The square is missing."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1 - a**2),
                    "The slope of tanh was taken with a. tanh gives h: 1 - h^2."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1 - (w * x)**2),
                    "You took 1 - (w x)^2. The slope is 1 - tanh(w x)^2, and tanh(w x) is h."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: h * (1 - h)),
                    "h (1 - h) is the slope of the sigmoid. Here is a tanh: 1 - h^2."),
            Mistake(_graph_of(dw=lambda dz, w, x: dz * w), "dL/dw has the factor w. When w moves, w x moves by x times "
                                                           "as much."),
            Mistake(_graph_of(dw=lambda dz, w, x: dz), "In dL/dw the factor x is missing: when w moves, w x moves by x "
                                                       "times as much."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: da + dz),
                    "In dL/dx the factor w is missing: when x moves, w x moves by w times as much."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: da + dz * x),
                    "In dL/dx the path through h has the factor x. When x moves, w x moves by w times as much."),
            Mistake(_graph_of(dw=lambda dz, w, x: dz * w, dx=lambda da, dz, w, x: da + dz * x),
                    "The two slopes of w x have changed places. It moves by x times as much as w, and by w times as "
                    "much as x."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: 1 + dz * w),
                    "The path from x through a ends in a. x moves a by 1, and a moves L by h: multiply the two."),
            Mistake(_graph_of(du=lambda da, h, x: da), "In dL/du the factor h is missing: a = u h + x changes by h "
                                                       "times as much as u."),
            Mistake(_graph_of(du=lambda da, h, x: da * x), "dL/du has the factor x. In a = u h + x it is h that u "
                                                           "multiplies."),
            Mistake(lambda w, u, x: graph_gradient(w, u, x)[::-1], "The order is dL/dw, dL/du, dL/dx. You return dL/dx "
                                                                   "first."),
            Mistake(lambda w, u, x: tuple(graph_gradient(w, u, x)[i] for i in (0, 2, 1)),
                    "dL/du and dL/dx have changed places: the order is dL/dw, dL/du, dL/dx."),
            Mistake(lambda w, u, x: tuple(graph_gradient(w, u, x)[i] for i in (1, 0, 2)),
                    "dL/dw and dL/du have changed places: the order is dL/dw, dL/du, dL/dx."),
            Mistake(lambda w, u, x: tuple(graph_gradient(w, u, x)[i] for i in (2, 0, 1)),
                    "dL/dx comes last, not first: the order is dL/dw, dL/du, dL/dx."),
            Mistake(_graph_from_the_loss, "It starts with L at the end. L changes with itself by 1, whatever L is."),
            Mistake(lambda w, u, x: tuple(-part for part in graph_gradient(w, u, x)),
                    "The sign is the other one. An update subtracts the gradient; here the gradient itself is asked "
                    "for."),
            Mistake(_graph_values, "These are the values h, a and L. Asked for is how L changes with w, u and x."),
            Mistake(lambda w, u, x: _graph_values(w, u, x)[2], "This is L. Asked for are its three derivatives."),
        ],
        hints=["Draw the six boxes. Which two values are used twice?",
               "Start with dL/da = h and with the first path of h, dL/dh = a. Then add the second one: dh += da * u.",
               "dw = dh (1 - h^2) x; du = da h; dx = da + dh (1 - h^2) w."],
    ),
    _OfAClass(
        "1.12", "An engine of your own", minutes=20, difficulty=3,
        solution=Value, oracle=_slopes_by_complex_step, cases=_engine_cases, also_correct=(_Parts,),
        mistakes=[
            Mistake(_engine(hand_on=lambda self, other, slope: setattr(other, "grad", self.grad * slope)),
                    "With = the last path that arrives wins, and the others are lost. A value that is used twice adds "
                    "its paths: +=."),
            Mistake(_engine(backward=_engine_zeroes_on_the_way),
                    "A gradient is set to 0 while others are on their way: what had arrived is lost. First set all to "
                    "0, then walk."),
            Mistake(_engine(zero=lambda self: None),
                    "A second backward() adds to what the first one left. Set the .grad of every value that you meet "
                    "to 0 before you walk."),
            Mistake(_engine(zero=lambda self: None, start=lambda self: setattr(self, "grad", self.grad + 1)),
                    "A second backward() adds to what the first one left, and starts with 2 instead of 1. Before you "
                    "walk, set every .grad to 0, then that of the last value to 1."),
            Mistake(_engine(zero=lambda self: [setattr(value, "grad", 0.) for value in self.reached() if value.inputs]),
                    "The values on the way start from 0, but those at the beginning of the expression do not: there a "
                    "second backward() adds to what the first one left."),
            Mistake(_engine(zero=lambda self: [setattr(value, "grad", 0.) for value in self.reached()
                                               if not value.inputs]),
                    "The values at the beginning of the expression start from 0, but those on the way do not: they "
                    "hand on what the first backward() left there."),
            Mistake(_engine(start=lambda self: None),
                    "Every .grad is 0. After all are set to 0, the walk starts with self.grad = 1: the last value "
                    "changes with itself by 1, and products with 0 stay 0."),
            Mistake(_engine(start=lambda self: setattr(self, "grad", self.data)),
                    "It starts with the last value's number. How much it changes with itself is 1, whatever it is."),
            Mistake(_engine_with(mul=lambda a, b: (a, b)),
                    "In a * b each input has its own number for its slope. When a moves, the product moves by b times "
                    "as much: the slope along a is b's number."),
            Mistake(_engine_with(mul=lambda a, b: (1., 1.)),
                    "The slopes of a * b are those of a + b here. When a moves, the product moves by b times as much."),
            Mistake(_engine_with(mul=lambda a, b: (a * b, a * b)),
                    "The slopes of a * b are the product itself. When a moves, it moves by b times as much."),
            Mistake(_engine_with(add=lambda a, b: (b, a)),
                    "The slopes of a + b are those of a * b here. When a moves by a little, the sum moves by as much: "
                    "1, as it was in the stub."),
            Mistake(_engine_with(tanh=lambda a, y: 1.),
                    "The slope of tanh is missing: at a it is 1 - tanh(a)^2."),
            Mistake(_engine_with(tanh=lambda a, y: 1 - a * a),
                    "The slope of tanh was taken as 1 - a^2. It is 1 - tanh(a)^2: the square of the result."),
            Mistake(_engine_with(tanh=lambda a, y: 1 - y),
                    "The slope of tanh is 1 - tanh(a)^2. The square is missing."),
            Mistake(_engine_with(tanh=lambda a, y: 1 - math.tanh(y)**2),
                    "tanh was applied twice: the result y is tanh(a) already, and the slope is 1 - y^2."),
            Mistake(_engine_with(tanh=lambda a, y: y * (1 - y)),
                    "y (1 - y) is the slope of the sigmoid. That of tanh is 1 - y^2."),
            Mistake(_engine_with(tanh=lambda a, y: y), "tanh's slope is its result here. It is 1 - y^2."),
            Mistake(_engine(__mul__=lambda self, other: None),
                    "a * b gives nothing: is there a return before the new Value?"),
            Mistake(_engine(tanh=lambda self: None), "a.tanh() gives nothing: is there a return before the new Value?"),
            Mistake(_engine(__mul__=lambda self, other: self.data * other.data),
                    "a * b gives a plain number, which remembers nothing. Make it a new Value with its inputs."),
            Mistake(_engine(tanh=lambda self: math.tanh(self.data)),
                    "a.tanh() gives a plain number, which remembers nothing. Make it a new Value with its input."),
            Mistake(_engine(__mul__=lambda self, other: type(self)(self.data * other.data)),
                    "a * b has the right number and no inputs: there is no way back from it. Give the new Value both "
                    "inputs, each with its slope."),
            Mistake(_engine(tanh=lambda self: type(self)(math.tanh(self.data))),
                    "a.tanh() has the right number and no input: there is no way back from it. Give the new Value its "
                    "input, with its slope."),
            Mistake(_engine(__mul__=_engine_in_place),
                    "a * b changes a itself and gives it back. The expression still needs a as it was: make a new "
                    "Value."),
            Mistake(_engine(tanh=lambda self: type(self)(self.data, [(self, 1 - math.tanh(self.data)**2)])),
                    "a.tanh() holds a's number. The new Value holds tanh of it."),
            Mistake(_engine_with(mul=lambda a, b: (b, )),
                    "a * b remembers its first input alone. Both lead back from it."),
            Mistake(_engine_without_a_pair(lambda *pairs: list(dict(pairs).items())),
                    "In x * x the same input stands twice, and here it counts once: a dictionary holds one slope for "
                    "each input, a set holds no pair twice. Keep a list of pairs."),
            Mistake(_engine(order=lambda self: sorted(self.reached(), key=lambda value: value.number)),
                    "Only the inputs of the last value get a slope: it alone hands on what it has, or the others did "
                    "so before anything had arrived. Start at the end and go on to the start of the expression."),
            Mistake(_engine(order=_engine_in_rounds),
                    "It goes back round by round: first the inputs, then their inputs. A value that is used early and "
                    "late hands on before its last path has arrived. In which order is every use of a value met before "
                    "the value itself?"),
            Mistake(_engine(order=_engine_in_depth),
                    "It follows one path to its end, then the next, and visits each value once. So a value with two "
                    "uses hands on when the first of its paths has arrived. In which order is every use of a value met "
                    "before the value itself?"),
            Mistake(_engine(backward=_engine_hands_on_all_again),
                    "At each further path a value hands on all that it has, also what it handed on before. Let it "
                    "hand on once, when all paths have arrived."),
            Mistake(_engine(backward=_engine_path_by_path),
                    "It walks each path by itself. That is right and has no end in sight: after 60 doublings there "
                    "are 2^60 paths. Visit each value once, when all its paths have arrived."),
            Mistake(_engine(order=_engine_by_calls),
                    "It is right, and a chain of 5000 values is too long for a function that calls itself. Write it "
                    "with a loop: a list of values that are still to be looked at, or a number that tells which value "
                    "was made later."),
            Mistake(_engine(hand_on=lambda self, other, slope: setattr(other, "grad", other.grad + slope)),
                    "Only the slope of the one arrow is added. Along a path slopes multiply: value.grad times the "
                    "slope arrives."),
            Mistake(_engine(hand_on=lambda self, other, slope: setattr(other, "grad", other.grad + self.grad)),
                    "The slope of the arrow is missing: value.grad times the slope arrives."),
            Mistake(_engine(hand_on=lambda self, other, slope: setattr(
                        other, "grad", other.grad + self.grad * slope * self.data)),
                    "What arrives was multiplied by a value's number. It is value.grad times the slope."),
            Mistake(_engine(hand_on=lambda self, other, slope: setattr(other, "grad", other.grad - self.grad * slope)),
                    "The paths are subtracted, so the sign changes with each step back. They add up."),
            Mistake(_engine(hand_on=lambda self, other, slope: setattr(
                        other, "grad", other.grad * self.grad * slope if other.grad else self.grad * slope)),
                    "The paths were multiplied. Multiply along a path, add over the paths."),
            Mistake(_engine(hand_on=lambda self, other, slope: setattr(
                        other, "grad", other.grad or self.grad * slope)),
                    "The first path that arrives wins, and the others are lost. A value that is used twice adds its "
                    "paths: +=."),
            Mistake(_engine(order=lambda self: sorted(self.reached(), key=lambda value: -value.data)),
                    "It walks from the largest number to the smallest. How large a value is says nothing of what it "
                    "was made of: the one made last comes first."),
            Mistake(_engine(__mul__=lambda self, other: type(self)(
                        self.data + other.data, [(self, other.data), (other, self.data)])),
                    "a * b holds the sum of the two numbers. It is their product."),
            Mistake(_engine(backward=_engine_empties_its_inputs),
                    "The first backward() throws away what the values remember, and the second finds nothing. Keep "
                    "it."),
            Mistake(functools.partial(_slopes_of, _Counting),
                    "A value waits for all its uses, also for one that does not lead to the last value: from there "
                    "nothing comes. Count only uses that you reach from the end."),
            Mistake(functools.partial(_slopes_of, type("Value", (_Compared,), {})),
                    "A class that says when two of its objects are equal can't be put into a set, and a dataclass says "
                    "so. @dataclass(eq=False) makes each object one of its own."),
            Mistake(functools.partial(_slopes_of, _ComparedInAList),
                    "Two values with the same numbers are taken for one. A dataclass compares by what it holds: "
                    "@dataclass(eq=False) makes each object one of its own."),
            Mistake(_engine(backward=_engine_forgets_the_middle),
                    "The values on the way have lost their .grad. It is asked for too: this course is about them."),
        ],
        hints=["a * b moves by b times as much as a, and by a times as much as b; tanh(a) moves by 1 - tanh(a)^2 times "
               "as much as a. Each input is put beside its slope, as in a + b.",
               "backward has three parts: find all values that the last one was made of (a list of those still to be "
               "looked at, and a set of those found); set each .grad to 0, the last one to 1; then walk.",
               "A value is made after its inputs. Let __init__ give each value a number, one more than the last: who "
               "walks from the highest number down meets every use of a value before the value itself.",
               "At each value: for each, slope in value.inputs: each.grad += value.grad * slope."],
    ),
])
