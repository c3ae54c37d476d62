"""A whole sequence at once: against the loop, against exact fractions, and Newton's rounds against their bound."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import bptt, cells, initialise
from course_lib.lessons.nb13_what_came_after import newton_in_time

small = st.integers(-4, 4)


@given(st.lists(st.tuples(small, small), min_size=1, max_size=40))
def test_linear_is_exact_where_numbers_are(steps):
    a, b = np.array(steps, float).T
    h, exact = Fraction(0), []
    for keep, add in steps:
        h = keep * h + add
        exact.append(float(h))
    found, rounds, joins = newton_in_time.scan(a, b)
    assert np.allclose(found, exact, rtol=1e-12, atol=0) and rounds == int(np.ceil(np.log2(len(steps))))
    assert joins == sum(len(steps) - 2**k for k in range(rounds))


def test_linear_gives_the_states_of_both_linear_cells():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(37, 2, 3))
    mingru = bptt.forward(cells.MinGRUParams(rng.normal(size=(8, 3)), rng.normal(size=8)), x)
    diagonal = bptt.forward(cells.DiagonalParams(rng.normal(size=(4, 3)), rng.uniform(-1, 1, 4), rng.normal(size=4)), x)
    for run, keep, add in [(mingru, mingru.keep, mingru.z * mingru.n),
                           (diagonal, diagonal.params.lambda_hh, x @ diagonal.params.W_xh.T + diagonal.params.b_h)]:
        keep = np.broadcast_to(keep, add.shape)
        assert np.abs(newton_in_time.scan(keep, add)[0] - run.h[1:]).max() <= 1e-12 * np.abs(run.h).max()


def test_combine_is_associative_and_has_an_order():
    rng = np.random.default_rng(1)
    f, g, k = rng.normal(size=(3, 2, 5))
    left = newton_in_time.combine(newton_in_time.combine(f, g), k)
    right = newton_in_time.combine(f, newton_in_time.combine(g, k))
    assert np.allclose(left, right, rtol=1e-13, atol=0)
    slope, offset = newton_in_time.combine(f, g)
    assert np.allclose(slope * .3 + offset, g[0] * (f[0] * .3 + f[1]) + g[1], atol=0)
    assert not np.allclose(newton_in_time.combine(f, g), newton_in_time.combine(g, f), atol=0)


@pytest.mark.parametrize("a, b, words", [
    (np.ones(3), np.ones(4), "same T"), (np.ones((3, 2)), np.ones(3), "same T"), (np.ones(0), np.ones(0), "empty"),
    (np.ones((3, 2)), np.ones((3, 4)), "broadcast"), (np.array([np.nan]), np.ones(1), "a ")])
def test_linear_refuses(a, b, words):
    with pytest.raises(ValueError, match=words):
        newton_in_time.scan(a, b)


@pytest.mark.parametrize("gain", [.5, 1., 3.])
def test_after_k_rounds_k_states_are_right(gain):
    rng = np.random.default_rng(2)
    params = initialise.rnn(3, 6, rng, "gaussian", gain)._replace(b_h=rng.normal(size=6))
    x = rng.normal(size=(12, 2, 3))
    true = bptt.forward(params, x).h
    for k, (h, _) in zip(range(13), newton_in_time.newton(params, x)):
        assert np.allclose(h[:k + 1], true[:k + 1], rtol=0, atol=1e-9) and np.abs(h).max() <= 1
    assert np.allclose(h, true, rtol=0, atol=1e-9)


def test_a_round_is_newtons_step():
    rng = np.random.default_rng(3)
    params, x = initialise.rnn(2, 3, rng, "gaussian", .5), .3 * rng.normal(size=(4, 1, 2))
    rounds = newton_in_time.newton(params, x)
    (before, residual), (after, _) = next(rounds), next(rounds)

    def system(flat):  # F(h) = h - f(h shifted), all steps in one vector
        h = np.concatenate([np.zeros((1, 3)), flat.reshape(4, 3)])
        return (h[1:] - np.tanh(x[:, 0] @ params.W_xh.T + h[:-1] @ params.W_hh.T)).ravel()

    flat = before[1:].ravel()
    J = np.array([system(flat + 1e-100j * e).imag / 1e-100 for e in np.eye(12)]).T
    assert np.allclose(after[1:].ravel(), flat - np.linalg.solve(J, system(flat)), rtol=1e-10, atol=0)
    assert np.isclose(residual, np.abs(system(flat)).max(), atol=0)


def test_members_need_the_rounds_they_need_alone():
    nets = [initialise.rnn(3, 6, np.random.default_rng(s), "gaussian", g) for s, g in enumerate([.5, 1.2, 2.])]
    x = np.random.default_rng(9).normal(size=(30, 1, 3))
    together = newton_in_time.newton_rounds(cells.tree_map(lambda *arrays: np.stack(arrays), *nets), x)
    assert together.tolist() == [int(newton_in_time.newton_rounds(net, x)) for net in nets]
    assert together[0] < 8 and (together <= 30).all()
    assert newton_in_time.newton_rounds(nets[0], x[:1]) == 1


def test_newton_refuses():
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="RNNParams"):
        newton_in_time.newton_rounds(initialise.gru(3, 4, rng), np.ones((5, 1, 3)))
    with pytest.raises(ValueError, match="as W_xh takes it"):
        newton_in_time.newton_rounds(initialise.rnn(3, 4, rng), np.ones((5, 1, 2)))
    with pytest.raises(ValueError, match="tolerance"):
        newton_in_time.newton_rounds(initialise.rnn(3, 4, rng), np.ones((5, 1, 3)), tolerance=0)


@given(st.lists(st.tuples(small, small), min_size=1, max_size=70))
def test_up_and_down_is_exact_where_numbers_are(steps):
    a, b = np.array(steps, float).T
    h, exact, T = Fraction(0), [], len(steps)
    for keep, add in steps:
        h = keep * h + add
        exact.append(float(h))
    found, rounds, joins = newton_in_time.scan(a, b, newton_in_time.up_and_down)
    assert np.allclose(found, exact, rtol=1e-12, atol=0)
    assert T - 1 <= joins < 2 * T and rounds <= 2 * np.ceil(np.log2(T))


def test_up_and_down_counts_and_refuses_as_scan_does():
    a, b = np.random.default_rng(0).uniform(.5, 1, (2, 2048, 3))
    h, rounds, joins = newton_in_time.scan(a, b[:, :1], newton_in_time.up_and_down)
    assert (rounds, joins, h.shape) == (21, 4083, (2048, 3))
    assert np.allclose(h, newton_in_time.scan(a, b[:, :1])[0], rtol=1e-12, atol=0)
    for wrong, words in [((np.ones(3), np.ones(4)), "same T"), ((np.ones((3, 2)), np.ones((3, 4))), "broadcast")]:
        with pytest.raises(ValueError, match=words):
            newton_in_time.scan(*wrong, newton_in_time.up_and_down)


def recursive(T):
    """Rounds and joins of Blelloch's scan by its recursion: pair neighbors, solve the half, fill in every other one."""
    if T == 1:
        return 0, 0
    rounds, joins = recursive(T // 2)
    return rounds + 1 + (T > 2), joins + T // 2 + (T - 1) // 2


@pytest.mark.parametrize("plan", [newton_in_time.to_the_left, newton_in_time.up_and_down])
def test_no_step_of_a_round_waits_for_another_of_it_and_its_joins_are_of_neighbors(plan):
    for T in [*range(1, 70), 100, 2048]:
        first, counted = np.arange(T), 0
        for later, reach in plan(T):
            assert (first[later] == later - reach + 1).all()  # what is joined ends where this one begins
            first[later] = first[later - reach]
            counted += len(later)
        _, rounds, joins = newton_in_time.scan(np.ones(T), np.ones(T), plan)
        assert (first == 0).all() and (rounds, joins) == (len(plan(T)), counted)
        if plan is newton_in_time.up_and_down:
            assert (rounds, joins) == recursive(T), T


def test_the_dtypes_of_factors_and_inputs_may_differ():
    whole, turned = np.array([1, 2, 3]), np.array([.5j, .5j, .5j])
    for plan in (newton_in_time.to_the_left, newton_in_time.up_and_down):
        assert newton_in_time.scan(turned, whole, plan)[0].tolist() == [1, 2 + .5j, 2.75 + 1j]
        assert newton_in_time.scan(np.full(3, .5), whole, plan)[0].tolist() == [1, 2.5, 4.25]
