"""Roads back through networks before training: against autograd, products of Jacobians and closed forms."""

import numpy as np
import pytest
import torch

from course_lib import bptt, cells, initialise, jacobians
from course_lib.lessons.nb11_lstm.roads import by_distance, default_gru, default_lstm, half_life, roads

X = np.random.default_rng(1).normal(size=(60, 8, 6))


@pytest.mark.parametrize("bias", [-3., 0., 1., 5.])
def test_half_life_halves(bias):
    assert np.isclose((1 / (1 + np.exp(-bias))) ** half_life(bias), .5, rtol=1e-12, atol=0)


def test_the_drawn_networks_are_torchs_but_for_what_is_set():
    lstm, gru, rng = default_lstm(3), default_gru(3), np.random.default_rng(3)
    assert all(np.array_equal(a, b) for a, b in zip(lstm, initialise.torch_default(6, 32, rng, "lstm")))
    biased, kept = default_lstm(3, forget_bias=2.), default_gru(3, keep_bias=2.)
    assert np.array_equal(np.flatnonzero(biased.b_h != lstm.b_h), np.arange(32, 64)) and (biased.b_h[32:64] == 2).all()
    assert np.array_equal(np.flatnonzero(kept.b_h != gru.b_h), np.arange(32, 64)) and (kept.b_h[32:64] == 2).all()
    chrono = default_lstm(3, chrono=60).b_h
    assert np.array_equal(chrono[:32], -chrono[32:64]) and 0 <= chrono[32:64].min() < chrono[32:64].max() <= np.log(59)
    assert np.array_equal(chrono[64:], lstm.b_h[64:])
    assert np.array_equal(default_lstm(3, scale=2.).W_hh, 2 * lstm.W_hh) and default_lstm(0, 5).W_hh.shape == (20, 5)


@pytest.mark.parametrize("params", [default_gru(0, keep_bias=1.), initialise.rnn(6, 5, np.random.default_rng(0)),
                                    default_lstm(0, forget_bias=1.)], ids=lambda params: type(params).__name__)
def test_by_distance_is_the_product_of_jacobians(params):
    run = bptt.forward(params, X[:, :1])
    H, states = run.h.shape[-1], 2 if isinstance(params, cells.LSTMParams) else 1
    v = np.random.default_rng(2).normal(size=H)
    js = jacobians.step_jacobians(run)[:, 0]
    row, sizes = np.concatenate([np.zeros((states - 1) * H), v]), [np.linalg.norm(v)]
    for t in range(59, -1, -1):
        row = row @ js[t]
        total = row[-H:].copy()
        if states == 2 and t:  # h_t shows c_t; h_0 and c_0 do not depend on each other
            total += row[:H] * run.o[t - 1, 0] * (1 - np.tanh(run.c[t, 0]) ** 2)
        sizes.append(np.linalg.norm(total))
    assert js.shape == (60, states * H, states * H)
    assert np.allclose(by_distance(run, v), np.log10(np.array(sizes) / sizes[0]), rtol=0, atol=1e-10)


def test_by_distance_of_an_ensemble_and_of_nothing_left():
    rng = np.random.default_rng(0)
    nets = initialise.rnn(6, 4, rng, members=3)
    together = by_distance(bptt.forward(nets, X))
    for e in range(3):
        alone = by_distance(bptt.forward(cells.RNNParams(*(array[e] for array in nets)), X))
        assert np.allclose(together[:, e], alone, rtol=0, atol=1e-12)
    dead = bptt.forward(nets._replace(W_hh=0 * nets.W_hh), X)
    assert (by_distance(dead)[1:] == -np.inf).all() and (by_distance(dead)[0] == 0).all()


def test_gru_roads_agree_with_autograd_and_the_gates_with_their_product():
    params, v = default_gru(1, keep_bias=2.), np.random.default_rng(0).normal(size=(8, 32))
    weights = [torch.tensor(array) for array in params]
    h = torch.zeros(8, 32, dtype=torch.float64, requires_grad=True)
    states, kept = [h], torch.ones(8, 32, dtype=torch.float64)
    for x_t in torch.tensor(X):
        of_x, of_h = x_t @ weights[0].T + weights[2], states[-1] @ weights[1].T
        r, z = (torch.sigmoid(of_x[:, k:k + 32] + of_h[:, k:k + 32]) for k in (0, 32))
        n = torch.tanh(of_x[:, 64:] + r * (of_h[:, 64:] + weights[3]))
        states.append((1 - z) * n + z * states[-1])
        states[-1].retain_grad()
        kept = kept * z.detach()
    (states[-1] * torch.tensor(v)).sum().backward()
    sizes = np.array([state.grad.norm(dim=-1).mean().item() for state in states[::-1]])
    road = roads(params, X)
    assert np.allclose(road.full, np.log10(sizes / sizes[0]), rtol=0, atol=1e-10)
    end = np.linalg.norm(kept.numpy() * v, axis=-1).mean() / np.linalg.norm(v, axis=-1).mean()
    assert np.isclose(road.alone[-1], np.log10(end), rtol=0, atol=1e-10)


def test_without_recurrent_weights_both_roads_are_one():
    gru = default_gru(0)
    for params in (default_lstm(0, scale=0.), gru._replace(W_hh=0 * gru.W_hh)):
        road = roads(params, X)
        assert np.allclose(road.full, road.alone, rtol=0, atol=1e-12) and road.full[0] == 0 > road.full[1]


@pytest.mark.parametrize("seed", range(3))
def test_the_default_vanishes_bias_five_grows_and_chrono_keeps(seed):
    ends = [roads(default_lstm(seed, **options), X).full[-1]
            for options in ({}, {"forget_bias": 1}, {"forget_bias": 5}, {"chrono": 60})]
    assert ends[0] < -10 and -6 < ends[1] < -4 and ends[2] > .3 and -1 < ends[3] < 0
    gru = [roads(default_gru(seed, **options), X).full[-1] for options in ({}, {"keep_bias": 3})]
    assert gru[0] < -9 and -2 < gru[1] < 0


@pytest.mark.parametrize("call, error, words", [
    (lambda: roads(initialise.rnn(6, 4, np.random.default_rng(0)), X), TypeError, "needs cells.LSTMParams or"),
    (lambda: default_lstm(0, forget_bias=1., chrono=60), ValueError, "both set b_f"),
    (lambda: default_lstm(0, chrono=2), ValueError, "chrono"),
    (lambda: by_distance(bptt.forward(default_gru(0), X), np.ones(3)), ValueError, "dh_T has shape"),
    (lambda: by_distance(X), TypeError, "what bptt.forward returned")])
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()
