"""A GRU left to itself, against its map written by hand."""

import numpy as np
import pytest

from course_lib.lessons.nb12_gru.resting_gru import settle


def iterate(w, h, steps):
    for _ in range(steps):
        h = h / 2 + np.tanh(w * h / 2) / 2
    return h


def test_settle_is_the_map_by_hand():
    for w in (1.5, 2.5, -3., -7.):
        states = settle([[w]], .3, 50)[:, 0]
        assert np.allclose(states, [iterate(w, .3, t) for t in range(51)], rtol=1e-12, atol=0)
    W = np.random.default_rng(0).normal(size=(3, 3))
    assert np.allclose(settle(W, .2, 1)[1], .1 + np.tanh(W @ np.full(3, .2) / 2) / 2, atol=0)
    many = settle(np.array([W, 2 * W]), .2, 20)
    assert np.allclose(many[:, 1], settle(2 * W, .2, 20), rtol=1e-12, atol=0) and many.shape == (21, 2, 3)


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("H", [1, 6, 32])
def test_just_below_two_it_decays_and_just_above_it_does_not(H):
    for seed in range(3):
        A = np.random.default_rng(seed).normal(size=(H, H))
        values, vectors = np.linalg.eigh(A + A.T)
        ends = [np.linalg.norm(settle((vectors * (w * values / values.max())) @ vectors.T, .1, 20_000)[-1])
                for w in (1.99, 2.01)]
        assert ends[0] < 1e-9 and ends[1] > .05


@pytest.mark.parametrize("call, error, words", [
    (lambda: settle(np.ones((2, 3)), .1, 5), ValueError, r"needs \(..., H, H\)"),
    (lambda: settle([[2.]], .1, 0), ValueError, "steps is 0"),
    (lambda: settle([[2.]], "a", 5), TypeError, "start is 'a'"),
    (lambda: settle([[np.nan]], .1, 5), ValueError, "W_hn is not finite"),
    (lambda: settle([[2.]], .1, 5, W_hr=np.ones((2, 2))), ValueError, r"W_hr has shape \(2, 2\), needs to fit W_hn")])
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("W_hr, W_hz", [(1., 1.), (5., 0.), (0., -3.)])
def test_with_gates_that_read_the_state_settle_is_the_map_by_hand(W_hr, W_hz):
    h = .3
    for _ in range(40):
        r, z = 1 / (1 + np.exp(-W_hr * h)), 1 / (1 + np.exp(-W_hz * h))
        h = z * h + (1 - z) * np.tanh(1.9 * r * h)
    assert np.isclose(settle([[1.9]], .3, 40, W_hr, W_hz)[-1, 0], h, rtol=1e-12, atol=0)
