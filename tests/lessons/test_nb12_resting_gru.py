"""A GRU left to itself, against its map written by hand; and what its road back is made of."""

import numpy as np
import pytest

from course_lib import bptt, jacobians
from course_lib.lessons.nb11_lstm.roads import default_gru
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


def test_the_road_back_has_these_four_terms_and_at_rest_two_are_closed():
    """What stands in the dots of `road`, each against the Jacobian from which the others are taken away."""
    rng = np.random.default_rng(3)
    p = default_gru(seed=1)
    p = p._replace(b_h=rng.normal(size=p.b_h.shape), b_hn=rng.normal(size=p.b_hn.shape))
    run = bptt.forward(p, rng.normal(size=(9, 2, 6)))
    J = jacobians.step_jacobians(run)
    W_hr, W_hz, W_hn = np.split(p.W_hh, 3)
    for t in range(9):
        for k in range(2):
            before, r, z, n = run.h[t, k], run.r[t, k], run.z[t, k], run.n[t, k]
            terms = [np.diag(z), ((1 - z) * (1 - n**2) * r)[:, None] * W_hn,
                     ((1 - z) * (1 - n**2) * (W_hn @ before + p.b_hn) * r * (1 - r))[:, None] * W_hr,
                     ((before - n) * z * (1 - z))[:, None] * W_hz]
            np.testing.assert_allclose(J[t, k], sum(terms), rtol=1e-12, atol=1e-15 * np.abs(J[t, k]).max())
    rest = default_gru(seed=1)
    J = jacobians.step_jacobians(bptt.forward(rest._replace(b_h=0 * rest.b_h, b_hn=0 * rest.b_hn), np.zeros((1, 1, 6))))
    np.testing.assert_allclose(J[0, 0], np.eye(32) / 2 + np.split(rest.W_hh, 3)[2] / 4, rtol=1e-12, atol=0)
