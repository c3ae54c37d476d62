"""A GRU left to itself, against its map written by hand, and the mean squares of a long memory against their sums."""

import numpy as np
import pytest

from course_lib.experiments.curse import mean_squares
from course_lib.experiments.resting import settle


def iterate(w, h, steps):
    for _ in range(steps):
        h = h / 2 + np.tanh(w * h / 2) / 2
    return h


def test_settle_is_the_map_by_hand():
    for w in (1.5, 2.5, -3., -7.):
        states = settle([[w]], .3, 50)[:, 0]
        assert np.allclose(states, [iterate(w, .3, t) for t in range(51)], rtol=1e-12)
    W = np.random.default_rng(0).normal(size=(3, 3))
    assert np.allclose(settle(W, .2, 1)[1], .1 + np.tanh(W @ np.full(3, .2) / 2) / 2)
    many = settle(np.array([W, 2 * W]), .2, 20)
    assert np.allclose(many[:, 1], settle(2 * W, .2, 20), rtol=1e-12) and many.shape == (21, 2, 3)


@pytest.mark.parametrize("H", [1, 6, 32])
def test_just_below_two_it_decays_and_just_above_it_does_not(H):
    for seed in range(3):
        A = np.random.default_rng(seed).normal(size=(H, H))
        values, vectors = np.linalg.eigh(A + A.T)
        ends = [np.linalg.norm(settle((vectors * (w * values / values.max())) @ vectors.T, .1, 20_000)[-1])
                for w in (1.99, 2.01)]
        assert ends[0] < 1e-9 and ends[1] > .05


def test_mean_squares_are_the_sums():
    for l in (.5, .9, .97):
        k = np.arange(5000)
        found = mean_squares(l)
        assert np.isclose(found.h, (l ** (2 * k)).sum())
        assert np.isclose(found.dh, (k[1:]**2 * l ** (2. * k[1:] - 2)).sum())

        def weights(nu):  # of x_{T-k} in the normalized state
            l = np.exp(-np.exp(nu))
            return np.sqrt(1 - l * l) * l**k

        slopes = weights(np.log(-np.log(l)) + 1e-100j).imag / 1e-100
        assert np.isclose(found.cured, (slopes**2).sum())
    together = mean_squares(np.array([.5, .9]))
    assert np.allclose(np.transpose(together), [mean_squares(.5), mean_squares(.9)])


@pytest.mark.parametrize("call, error, words", [
    (lambda: settle(np.ones((2, 3)), .1, 5), ValueError, r"needs \(..., H, H\)"),
    (lambda: settle([[2.]], .1, 0), ValueError, "steps is 0"),
    (lambda: settle([[2.]], "a", 5), TypeError, "start is 'a'"),
    (lambda: settle([[np.nan]], .1, 5), ValueError, "W_hn is not finite"),
    (lambda: mean_squares(1.), ValueError, "l is 1.0, needs to lie between 0 and 1"),
    (lambda: mean_squares(np.array([.5, -.1])), ValueError, "between 0 and 1")])
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()
