"""Influence balancing: its numbers against fractions, against BPTT with a window, against step-by-step training."""

import re
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, strategies as st

from course_lib import bptt, cells
from course_lib.lessons.nb10_truncated_bptt import influence_balancing


def exact(n, p, longest):
    """The gradient through windows 1 ... longest as fractions: the first row of A^j holds binomials over 2^j."""
    total, result = Fraction(0), []
    for j in range(longest):
        places = [Fraction(comb(j, i), 2**j) for i in range(n)]
        total += sum(places[:p]) - sum(places[p:])
        result.append(total)
    return result


@given(n=st.integers(2, 30), data=st.data())
def test_seen_is_exact(n, data):
    p = data.draw(st.integers(1, n - 1))
    truth = exact(n, p, 80)
    scale = max(abs(g) for g in truth)
    mine = influence_balancing.seen(influence_balancing.system(n, p), 80)
    assert max(abs(Fraction(float(a)) - b) for a, b in zip(mine, truth)) < scale * Fraction(1, 10**13)
    assert np.isclose(influence_balancing.full(influence_balancing.system(n, p)), 2 * (2 * p - n), rtol=1e-12,
                      atol=1e-12)


def test_the_numbers_of_the_paper():
    seen = exact(23, 10, 400)
    assert seen[0] == 1 and max(seen) == seen[18] and round(float(seen[18]), 3) == 16.476
    assert [g > 0 for g in seen].index(False) + 1 == 41 and not any(g > 0 for g in seen[40:])
    sums = np.cumsum(seen)
    assert [s > 0 for s in sums].index(False) + 1 == 110 and abs(float(seen[-1]) + 6) < 1e-12
    mine = influence_balancing.seen(influence_balancing.system(), 400)
    assert mine.argmax() + 1 == 19 and (mine < 0).argmax() + 1 == 41 and (mine.cumsum() < 0).argmax() + 1 == 110


@pytest.mark.parametrize("window", [1, 7, 19, 41, 60])
def test_seen_is_what_bptt_sees_through_a_window(window):
    A, v = influence_balancing.system()
    T = 70
    run = bptt.forward(cells.RNNParams(np.zeros((23, 1)), A, .3 * v), np.ones((T, 1, 1)), activation="linear")
    direct = np.zeros_like(run.h)
    direct[-1, 0, 0] = 1  # d s_T[first]
    d_theta = bptt.backward(run, direct, window=window).grads.b_h @ v
    assert np.isclose(d_theta, influence_balancing.seen(influence_balancing.system(), T)[window - 1],
                      rtol=1e-12, atol=0)


def step_by_step(length, rate, chunks, theta, n=23, p=10):
    A, v = influence_balancing.system(n, p)
    s, path = np.zeros(n), [theta]
    for _ in range(chunks):
        felt, gradient = np.zeros(n), 0.
        for _ in range(length):
            s, felt = A @ s + theta * v, A @ felt + v
            gradient += (s[0] - 1) * felt[0]
        theta -= rate * gradient
        path.append(theta)
    return np.array(path)


@pytest.mark.parametrize("length, chunks, theta", [(1, 50, 0.), (10, 40, 1.), (110, 12, -.5), (200, 6, .3)])
def test_training_is_that_of_the_loop(length, chunks, theta):
    mine = influence_balancing.train_in_chunks(influence_balancing.system(), length, 1e-4, chunks=chunks, theta=theta)
    truth = step_by_step(length, 1e-4, chunks, theta)
    assert np.allclose(mine, truth, rtol=1e-10, atol=1e-13)
    few = influence_balancing.train_in_chunks(influence_balancing.system(), length, 1e-4, chunks=chunks, theta=theta,
                                              points=chunks // 2)
    assert np.allclose(few, truth[::2], rtol=1e-10, atol=1e-13)


def test_which_chunks_converge():
    system = influence_balancing.system()
    for length in (1, 10, 40, 100, 109):
        assert influence_balancing.drift(influence_balancing.chunk(system, length, 1e-4)) > 1
        path = np.abs(influence_balancing.train_in_chunks(system, length, chunks=40000 // length) + 1 / 6)
        assert path[-1] > path[0]
    for length in (110, 150, 200):
        assert influence_balancing.drift(influence_balancing.chunk(system, length, 1e-4)) < 1
    for length in (150, 200):
        end = influence_balancing.train_in_chunks(system, length, chunks=40000 // length)[-1]
        assert np.isclose(end, -1 / 6, rtol=1e-8, atol=0)


def test_growth_is_the_rate_of_divergence():
    chunk = influence_balancing.chunk(influence_balancing.system(), 10, 1e-4)
    path = influence_balancing.train_in_chunks(influence_balancing.system(), 10, chunks=2000) + 1 / 6
    assert np.isclose(path[-1] / path[-2], influence_balancing.drift(chunk), rtol=1e-10, atol=0)


@pytest.mark.parametrize("call, message", [
    (lambda: influence_balancing.system(23, 23), "p is 23, needs to be below n, 23"),
    (lambda: influence_balancing.system(1, 1), "n is 1, needs to be at least 2"),
    (lambda: influence_balancing.system(5, 0), "p is 0, needs to be at least 1"),
    (lambda: influence_balancing.system(5., 2), "n is 5.0 (float), needs a whole number"),
    (lambda: influence_balancing.seen(influence_balancing.system(), 0), "count is 0, needs to be at least 1"),
    (lambda: influence_balancing.seen(np.eye(3), 5),
     "system is ndarray, needs what influence_balancing.system returned"),
    (lambda: influence_balancing.chunk(influence_balancing.system(), 0, .1), "length is 0, needs to be at least 1"),
    (lambda: influence_balancing.chunk(influence_balancing.system(), 5, 0), "rate is 0, needs to be above 0"),
    (lambda: influence_balancing.chunk(influence_balancing.system(), 5, np.nan), "rate is nan, needs a finite number"),
    (lambda: influence_balancing.train_in_chunks(influence_balancing.system(), 5, chunks=10, points=3),
     "points is 3, needs to divide chunks, 10"),
    (lambda: influence_balancing.train_in_chunks(influence_balancing.system(), 5, chunks=10, theta=np.inf),
     "theta is inf, needs a finite number"),
])
def test_bad_input(call, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        call()
