"""Influence balancing: a linear system whose gradient points the wrong way through every window below 41 steps.

    s_t = A s_{t-1} + theta v,   loss at every step (s_t[first] - 1)^2 / 2

A has 1/2 on the diagonal and beside it, A[i, i] = A[i, i + 1] = 1/2, so that what enters at a place far from the first
one needs many steps to get there. v is +1 at the first p places and -1 at the other n - p. The first place therefore
feels the p positive influences soon and the more numerous negative ones late.
Source: Tallec and Ollivier 2017, "Unbiasing truncated backpropagation through time".

Errors: TypeError for anything but a System or a whole number, ValueError for a number that cannot be.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import _checks


class System(NamedTuple):
    """A (n, n) and v (n,) of s_t = A s_{t-1} + theta v."""

    A: np.ndarray
    v: np.ndarray


def system(n: int = 23, p: int = 10) -> System:
    """Return the system with n places, p of them positive; the paper's figure has n = 23 and p = 10.

    errors  TypeError for anything but whole numbers, ValueError for p < 1 or p >= n
    """
    n, p = _checks.count("n", n, 2), _checks.count("p", p)
    if p >= n:
        raise ValueError(f"p is {p}, needs to be below n, {n}: some places have to be negative.")
    return System(.5 * (np.eye(n) + np.eye(n, k=1)), np.where(np.arange(n) < p, 1.0, -1.0))


def influences(system: System, count: int) -> np.ndarray:
    """Return what theta at a step does to s[first] j steps later, (A^j v)[first], j = 0 ... count - 1: (count,)."""
    A, v = _check(system)
    result = np.empty(_checks.count("count", count))
    for j in range(len(result)):
        result[j] = v[0]
        v = A @ v
    return result


def seen(system: System, longest: int) -> np.ndarray:
    """Return d s_t[first] / d theta through windows of k = 1 ... longest steps, sums of influences: (longest,)."""
    return np.cumsum(influences(system, longest))


def full(system: System) -> float:
    """Return d s[first] / d theta with no window, after all transients: ((I - A)^{-1} v)[first]."""
    A, v = _check(system)
    return float(np.linalg.solve(np.eye(len(A)) - A, v)[0])


def chunk(system: System, length: int, rate: float) -> np.ndarray:
    """Return the linear map (s, theta, 1) -> (s, theta, 1) of one chunk of truncated training.

        theta <- theta - rate sum over j = 1 ... length of (s_j[first] - 1) seen_j

    Each step of a chunk sees the influences since the chunk's start; the state is carried into the next chunk.

    returns  (n + 2, n + 2)
    errors   TypeError or ValueError for a length below 1 or a rate that is not above 0
    """
    A, v = _check(system)
    n, rate = len(v), _checks.positive("rate", rate)
    now, felt = np.eye(n + 2), np.zeros(n)  # s_j as a map from what the chunk starts with; d s_j / d theta
    step = np.eye(n + 2)
    step[:n, :n], step[:n, n] = A, v
    one, update = np.eye(n + 2)[-1], np.eye(n + 2)[n]
    for _ in range(_checks.count("length", length)):
        now, felt = step @ now, A @ felt + v
        update = update - rate * felt[0] * (now[0] - one)
    now[n] = update
    return now


def drift(chunk: np.ndarray) -> float:
    """Return the factor by which training drifts from its fixed point at each chunk: above 1 it diverges."""
    return float(np.abs(np.linalg.eigvals(_checks.array("chunk", chunk, ndim=2)[:-1, :-1])).max())


def train_in_chunks(system: System, length: int, rate: float = 1e-4, *, chunks: int, theta: float = 0.0,
          points: int | None = None) -> np.ndarray:
    """Return theta during truncated training from s = 0.

    length  steps of a chunk
    chunks  how many
    points  None: theta after each chunk, (chunks + 1,); a number that divides chunks: (points + 1,), evenly spaced
    errors  as `chunk`; ValueError for points that do not divide chunks
    """
    chunks = _checks.count("chunks", chunks)
    points = chunks if points is None else _checks.count("points", points)
    if chunks % points:
        raise ValueError(f"points is {points}, needs to divide chunks, {chunks}.")
    step = np.linalg.matrix_power(chunk(system, length, rate), chunks // points)
    n = len(step) - 2
    place = np.zeros(n + 2)
    place[n:] = _checks.real("theta", theta), 1
    path = [place[n]]
    for _ in range(points):
        place = step @ place
        path.append(place[n])
    return np.array(path)


def _check(system: System) -> System:
    if not isinstance(system, System):
        raise TypeError(f"system is {type(system).__name__}, needs what influence_balancing.system returned.")
    return system
