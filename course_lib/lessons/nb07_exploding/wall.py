"""The wall of Pascanu, Mikolov and Bengio: a network of one unit, two parameters, exact gradients.

    x_t = w s(x_{t-1}) + b,   x_0 = 1/2,   E = (s(x_T) - 7/10)^2,   s the sigmoid

For w > 0 the map x -> w s(x) + b rises, so each state goes to the stable fixed point on its own side of the unstable
one. The wall is where x_0 itself is the unstable fixed point: a small change of it grows by w s'(1/2) > 1 at each step.
Source: Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks", Figure 6.
"""

from __future__ import annotations

from typing import Callable, Iterator, NamedTuple

import numpy as np

from ... import _checks
from ...activations import ACTIVATIONS, sigmoid

START, TARGET = .5, .7
AT_START = float(sigmoid(np.array(START)))
SLOPE_AT_START = float(ACTIVATIONS["sigmoid"].derivative(START))


class Point(NamedTuple):
    """The two parameters, or a gradient with respect to them; arrays broadcast.

    w  weight
    b  bias
    """

    w: np.ndarray
    b: np.ndarray


class ErrorAndGradient(NamedTuple):
    """The error and its exact gradient, each shaped like w and b together.

    loss   E
    grads  Point: dE/dw, dE/db
    x      the state x_T
    """

    loss: np.ndarray
    grads: Point
    x: np.ndarray


PLANE = Point((4., 7.), (-3.2, -1.8))  # the part that the paper shows


class Steepest(NamedTuple):
    """Where along b the slope dE/db is steepest, and its size |dE/db| there."""

    b: float
    slope: float


def evaluate(point: Point, T: int = 50) -> ErrorAndGradient:
    """Return the error of every point and its exact gradient, by carrying dx_t/dw and dx_t/db forward.

    point    Point(w, b), numbers or arrays that broadcast: a whole grid at once
    T        number of steps, >= 1
    returns  ErrorAndGradient
    errors   TypeError or ValueError if point is not a Point of finite floating point numbers, or for T
    """
    for evaluation in sweep(point, T):
        pass
    return evaluation()


def sweep(point: Point, T: int) -> Iterator[Callable[[], ErrorAndGradient]]:
    """Go once through t = 1 ... T; at each step yield a function that returns the ErrorAndGradient of length t.

        dx_t/dw = s(x_{t-1}) + w s'(x_{t-1}) dx_{t-1}/dw        dx_t/db = 1 + w s'(x_{t-1}) dx_{t-1}/db

    The function holds until the next step is asked for. Arguments and errors as in `evaluate`.
    """
    if not isinstance(point, Point):
        raise TypeError(f"point is {type(point).__name__}, needs wall.Point(w, b).")
    w, b = _checks.floating("w", point.w), _checks.floating("b", point.b)
    try:
        shape = np.broadcast_shapes(w.shape, b.shape)
    except ValueError:
        raise ValueError(f"w has shape {w.shape}, b {b.shape}: they do not broadcast. For a grid take "
                         f"np.meshgrid(w, b).") from None
    return _sweep(w, b, shape, _checks.count("T", T))


def _sweep(w: np.ndarray, b: np.ndarray, shape: tuple[int, ...], T: int) -> Iterator[Callable[[], ErrorAndGradient]]:
    x = np.full(shape, START, np.result_type(w, b))
    dw, db, s, slope = np.zeros_like(x), np.zeros_like(x), np.empty_like(x), np.empty_like(x)
    sigmoid(x, out=s)

    def evaluation() -> ErrorAndGradient:
        error = s - TARGET
        back = 2 * error * s * (1 - s)
        return ErrorAndGradient(error * error, Point(back * dw, back * db), x.copy())

    for _ in range(T):
        np.subtract(1, s, out=slope)
        slope *= s
        slope *= w
        dw *= slope
        dw += s
        db *= slope
        db += 1
        np.multiply(w, s, out=x)
        x += b
        sigmoid(x, out=s)
        yield evaluation


def objective(T: int = 50) -> Callable:
    """Return the objective (Point) -> ErrorAndGradient for train.train: one point, or an ensemble of starts (E,).

    There is no data: pass `batches=lambda: ()`.

    errors  TypeError or ValueError for a T that is not a whole number above 0
    """
    T = _checks.count("T", T)
    return lambda point: evaluate(point, T)


def growth_at_start(w: float) -> float:
    """Return w s'(x_0), the factor by which a change of x_0 grows a step where x_0 is a fixed point.

    errors  TypeError or ValueError if w is not a finite number
    """
    return _checks.real("w", w) * SLOPE_AT_START


def position(w: float) -> float:
    """Return the b of the wall: x_0 = w s(x_0) + b.

    errors  ValueError where x_0 would be a stable fixed point, w <= 1 / s'(x_0) = 4.255: no wall grows exponentially
    """
    if growth_at_start(w) <= 1:
        raise ValueError(f"w is {w:g}, needs to be above 1 / s'(x_0) = {1 / SLOPE_AT_START:.3f}: below it x_0 is "
                         f"not an unstable fixed point for any b, and no wall grows exponentially.")
    return START - w * AT_START


def curvature(point: Point, T: int = 50) -> np.ndarray:
    """Return d^2E/db^2 of every point, shaped like w and b together, by carrying d^2x_t/db^2 forward as well.

        d^2x_t/db^2 = w (s''(x_{t-1}) (dx_{t-1}/db)^2 + s'(x_{t-1}) d^2x_{t-1}/db^2)

    Arguments and errors as in `evaluate`.
    """
    w, shape = point.w, evaluate(point, 1).x.shape
    x, first, second = np.full(shape, START), np.zeros(shape), np.zeros(shape)
    for _ in range(_checks.count("T", T)):
        s, s1, s2 = _slopes(x)
        second = w * (s2 * first**2 + s1 * second)
        first = 1 + w * s1 * first
        x = w * s + point.b
    s, s1, s2 = _slopes(x)
    return 2 * (s1 * first) ** 2 + 2 * (s - TARGET) * (s2 * first**2 + s1 * second)


def _slopes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """s(x) and its first two derivatives."""
    s = sigmoid(x)
    return s, s * (1 - s), s * (1 - s) * (1 - 2 * s)


class MostCurved(NamedTuple):
    """Where along b the error is most curved, and the size |d^2E/db^2| there."""

    b: float
    curvature: float


def most_curved(w: float, T: int, low: float = PLANE.b[0], high: float = PLANE.b[1],
                steep: Steepest | None = None) -> MostCurved:
    """Find the largest curvature |d^2E/db^2| between two values of b, to three digits, beside the steepest point.

    The error falls by less than 1/2 there, so that the fall is not wider than some 1 / slope.

    steep   what `steepest` returned, if it is known; other arguments and errors as there
    """
    steep = steep or steepest(w, T, low, high)
    b = np.linspace(max(low, steep.b - 2 / steep.slope), min(high, steep.b + 2 / steep.slope), 2001)
    size = np.abs(curvature(Point(np.array(w), b), T))
    return MostCurved(float(b[size.argmax()]), float(size.max()))


def steepest(w: float, T: int, low: float = PLANE.b[0], high: float = PLANE.b[1]) -> Steepest:
    """Find the steepest slope |dE/db| between two values of b, by refining a grid around its steepest point.

    w, T       weight and number of steps
    low, high  where to look; low < high
    returns    Steepest(b, slope)
    errors     ValueError for low >= high, TypeError or ValueError for anything but numbers
    """
    low, high, w = _checks.real("low", low), _checks.real("high", high), _checks.real("w", w)
    if low >= high:
        raise ValueError(f"low is {low:g}, needs to be below high, {high:g}.")
    while True:
        b = np.linspace(low, high, 401)
        slope = np.abs(evaluate(Point(np.array(w), b), T).grads.b)
        best = slope.argmax()
        reach = 6 * (b[1] - b[0])
        if reach < 1e-13 * max(1, abs(b[best])):
            return Steepest(float(b[best]), float(slope[best]))
        low, high = b[best] - reach, b[best] + reach
