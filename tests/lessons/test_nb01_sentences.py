"""Lesson 01's general sentences, at rates, points, functions and seeds that no cell shows."""

import numpy as np
import pytest

from course_lib.activations import relu
from changed import printed, unsaid, without_fold

pytestmark = pytest.mark.long


@pytest.mark.parametrize("rate", [.003, .05, .4, 2.])
@pytest.mark.parametrize("updates", [5, 20])
def test_a_steeper_parabola_is_faster_up_to_one_over_the_rate_then_slower(rate, updates):
    left = []
    for curvature in np.array([.1, .3, .6, .9, 1., 1.1, 1.4, 1.7, 1.96, 2.04]) / rate:
        w = 1.
        for _ in range(updates):
            w -= rate * curvature * w
        left.append(abs(w))
    assert np.argmin(left) == 4 and (np.diff(left[:5]) < 0).all() and (np.diff(left[4:]) > 0).all()
    assert left[8] < 1 < left[9]
    assert left[8] > left[0] or updates == 5


@pytest.mark.parametrize("f, slope, x, ratio", [
    (lambda x: x**3 / 3 - x, lambda x: x**2 - 1, .7, 100), (lambda x: x**3 / 3 - x, lambda x: x**2 - 1, 0., 1000),
    (np.exp, np.exp, -.4, 100), (np.sin, np.cos, .8, 100), (np.sin, np.cos, np.pi, 1000)])
def test_the_error_of_a_forecast_falls_as_the_square_where_a_curve_bends(f, slope, x, ratio):
    large, small = (abs(f(x + d) - f(x) - slope(x) * d) for d in (.01, .001))
    assert large / small == pytest.approx(ratio, rel=.05, abs=0)


def trained(seed, rate, examples=500):
    """The weight and bias of a neuron at its start, and after stochastic gradient descent on relu(2 x + 1)."""
    rng = np.random.default_rng(seed)
    start = w, b = rng.normal(size=2)
    for x in rng.uniform(-1, 1, size=examples):
        a = w * x + b
        da = 2 * (relu(a) - relu(2 * x + 1)) * (a > 0)
        w, b = w - rate * da * x, b - rate * da
    return start, (w, b)


@pytest.mark.parametrize("rate", [.1, .25, .5])
@pytest.mark.parametrize("block", [400, 500, 600])
def test_some_neurons_learn_and_some_never_move(rate, block):
    """In eight blocks of 20 seeds and at three rates 6 to 14 learned, 3 to 8 never moved."""
    starts, ends = (np.array(each) for each in zip(*(trained(seed, rate) for seed in range(block, block + 20))))
    learned, unmoved = np.abs(ends - [2, 1]).max(axis=1) < .01, (starts == ends).all(axis=1)
    assert 4 <= learned.sum() <= 16 and 1 <= unmoved.sum() <= 10


def test_a_small_rate_has_not_arrived_after_500_examples():
    ends = np.array([trained(seed, .01)[1] for seed in range(400, 460)])
    assert (np.abs(ends - [2, 1]).max(axis=1) > .01).all()


@pytest.mark.parametrize("f, slope, best", [(np.sin, np.cos, 1e-5), (np.exp, np.exp, 1e-5),
                                            (lambda x: np.sin(10 * x), lambda x: 10 * np.cos(10 * x), 1e-7)])
def test_the_best_step_of_a_central_difference_is_that_of_sin(f, slope, best):
    """1e-5 for sin, and for curves that bend as fast; a wave ten times as fast needs a smaller one."""
    for low in (.2, 2.):
        x = np.linspace(low, low + 1, 201)
        error = {eps: np.median(np.abs((f(x + eps) - f(x - eps)) / (2 * eps) - slope(x)))
                 for eps in [1e-1, 1e-3, 1e-5, 1e-7, 1e-9, 1e-11, 1e-13]}
        assert min(error, key=error.get) == best


def test_most_starts_train_the_net_of_the_engine():
    """Of 100 starts 75 were below 0.01 after 50 updates at rate 0.05, 96 after 200; at 0.1 there were 83 and 96."""
    X, t = np.array([[-1., -1], [-1, 1], [1, -1], [1, 1]]), np.array([-1., 1, 1, -1])
    for rate in (.05, .1):
        p, counts = np.array([np.random.default_rng(seed).normal(size=13) for seed in range(100)]), []
        W, b, v, c = p[:, :6].reshape(-1, 2, 3), p[:, None, 6:9], p[:, 9:12], p[:, 12:]
        for update in range(201):
            h = np.tanh(X @ W + b)
            e = (h @ v[:, :, None])[:, :, 0] + c - t
            counts.append(((e**2).sum(axis=1) < .01).sum())
            da = 2 * e[:, :, None] * v[:, None] * (1 - h**2)
            W, b = W - rate * X.T @ da, b - rate * da.sum(axis=1, keepdims=True)
            v = v - rate * (2 * e[:, :, None] * h).sum(axis=1)
            c = c - rate * 2 * e.sum(axis=1, keepdims=True)
        assert 72 <= counts[50] <= 86 and 94 <= counts[200] <= 98


@pytest.mark.parametrize("fold, last, changes", [
    ("tells-see", "tells-measured", [("tells-measured", "1.5", "1."), ("tells-measured", "1.25 * d", "0 * d")]),
    ("neuron-see", "neuron-nudged", [("neuron-step-by-step", "-1.", "-4.")]),
    ("graph-change-see", "graph-backward", [("graph-backward", "dh +=", "dh =")]),
    ("tape-see", "tape-cell", [[("tape-cell", "+=", "=")], [("tape-cell", "reversed(tape)", "tape")]]),
    ("sgd-see", "sgd-seeds", [("sgd-train", "rate=.1", "rate=.01")]),
])
def test_a_fold_says_what_its_change_shows(fold, last, changes):
    printed_then = [printed("01_gradients", last, each, namespace={"Value": ...})  # the exercises are not solved
                    for each in (changes if isinstance(changes[0], list) else [changes])]
    assert unsaid("01_gradients", fold, "\n".join(printed_then)) == []


def test_every_prompt_to_change_something_has_its_fold():
    assert list(without_fold("01_gradients")) == []
