"""Sentences of lesson 13 tried where no cell tries them: other seeds, sizes, lengths and depths."""

from itertools import product

import numpy as np
import pytest

from course_lib import bptt, cells, initialise, jacobians, tasks
from course_lib.lessons.nb13_what_came_after import fixed_factors, layers_of_today, newton_in_time

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seeds, hidden, T", [(range(4, 12), 16, 50), (range(4), 32, 50), (range(4), 16, 100)])
def test_the_exponent_sorts_the_rounds_of_newtons_method(seeds, hidden, T):
    """Measured: below -.1 the median is 4.5 or 5 rounds for T and for 2T steps; above .1 each of 14 networks needs
    1.76 to 2.52 times as many."""
    gains = [.5, 1., 1.5, 2., 3.]
    nets = [initialise.rnn(4, hidden, np.random.default_rng(s), "gaussian", g) for g in gains for s in seeds]
    nets = cells.tree_map(lambda *arrays: np.stack(arrays), *nets)
    x = .5 * np.random.default_rng(9).normal(size=(2 * T, 1, 4))
    js = jacobians.step_jacobians(bptt.forward(nets, x))
    exponent = np.array([jacobians.lyapunov_exponents(js[:, e, 0])[0] for e in range(len(nets.W_hh))])
    short, long = (newton_in_time.newton_rounds(nets, x[:steps]) for steps in (T, 2 * T))
    assert (long[:len(seeds)] == short[:len(seeds)]).all()  # gain .5
    assert np.median(long[exponent < -.1]) < 1.2 * np.median(short[exponent < -.1])
    grows = exponent > .1
    assert grows.sum() >= 3 and 1.6 < np.median(long[grows] / short[grows]) < 2.6


@pytest.mark.parametrize("hidden", [16, 64])
def test_a_residual_stack_keeps_its_gradient_over_100_layers_and_not_over_1000(hidden):
    """Measured with 16 units: steps of .1 leave 0.98 to 1.8 over 100 layers and 3.1 to 6.9 over 1000 (1.7 to 9.5 on the
    seeds 0 to 3); steps of 1 leave 9.9 to 395 over 100."""
    def left(step, layers, seed):
        rng = np.random.default_rng(seed)
        W, h, J = initialise.gaussian((layers, hidden, hidden), rng), rng.normal(size=hidden), np.eye(hidden)
        for W_k in W:
            a = W_k @ h
            h, J = h + step * np.tanh(a), J + step * (1 - np.tanh(a)**2)[:, None] * (W_k @ J)
        v = rng.normal(size=hidden)
        return np.linalg.norm(v @ J) / np.linalg.norm(v)

    few, many, large = ([left(step, layers, seed) for seed in range(4, 8)]
                        for step, layers in [(.1, 100), (.1, 1000), (1., 100)])
    assert .9 < min(few) and max(few) < 2 < np.median(many) and max(many) < 20 and 5 < min(large), (few, many, large)


def test_fixed_factors_learn_temporal_order_at_this_rate_and_not_at_a_tenth_of_it():
    """Measured: 10 of 10 more seeds at .01; at .001 no seed of five within the budget, errors .07 to .27."""
    assert fixed_factors.learn_fixed(100, range(5, 15)).solved.sum() >= 9
    assert not fixed_factors.learn_fixed(100, range(5), rate=.001).solved.any()


@pytest.mark.parametrize("d", [16, 64])
def test_how_much_a_matrix_holds(d):
    """Measured over 20 draws: the plain sum errs by (n - 1)/d, the best matrix by 1 - d/n beyond d, the delta rule lies
    between them: .59 at n = d, 1.5 at n = 4 d, with 16 and with 64 numbers in a key."""
    for n, delta in [(d, .59), (4 * d, 1.49)]:
        errors = []
        for seed in range(20):
            rng, S = np.random.default_rng(100 + seed), np.zeros((2, d, d))
            K, V = rng.normal(size=(2, n, d))
            K /= np.linalg.norm(K, axis=1, keepdims=True)
            for k, v in zip(K, V):
                S = S + np.einsum("ri,j->rij", np.stack([v, v - S[1] @ k]), k)
            best = np.linalg.lstsq(K, V, rcond=None)[0]
            errors.append([((answer - V)**2).mean() / (V**2).mean() for answer in (K @ S[0].T, K @ S[1].T, K @ best)])
        means = np.mean(errors, axis=0)
        assert np.allclose(means, [(n - 1) / d, delta, 1 - d / n], rtol=.08, atol=.01), means


@pytest.mark.parametrize("N", [4, 16, 64])
@pytest.mark.parametrize("delta", [.001, .01, .1, 1.])
def test_no_step_of_s4_lengthens_anything_at_its_start(N, delta):
    """Measured: the norm of J is .93 to .999999, its eigenvalues are .33 to .999 in size."""
    p = np.sqrt(2 * np.arange(N) + 1)
    A = -np.tril(np.outer(p, p), -1) - np.diag(np.arange(N) + 1)
    J = np.linalg.solve(np.eye(N) - delta / 2 * A, np.eye(N) + delta / 2 * A)
    v = np.random.default_rng(0).normal(size=(100, N))
    np.testing.assert_allclose(((v @ A) * v).sum(1), -((v * v).sum(1) + (v @ p)**2) / 2, rtol=1e-9, atol=0)
    assert np.linalg.norm(J, 2) < 1


@pytest.mark.parametrize("delta", [.005, .01, .02])
def test_the_gradient_of_s4_vanishes_by_its_clock(delta):
    """The largest that is left after 10 / Delta steps is 7e-4, whatever the clock; later steps keep e^-Delta."""
    p = np.sqrt(2 * np.arange(16) + 1)
    A = -np.tril(np.outer(p, p), -1) - np.diag(np.arange(16) + 1)
    J = np.linalg.solve(np.eye(16) - delta / 2 * A, np.eye(16) + delta / 2 * A)
    near, far = (np.linalg.norm(np.linalg.matrix_power(J, round(k / delta)), 2) for k in (10, 20))
    assert near == pytest.approx(7.24e-4, rel=.01, abs=0)
    assert (far / near)**(delta / 10) == pytest.approx(np.exp(-delta), rel=1e-3, abs=0)


@pytest.mark.parametrize("T", [4, 10, 30])
def test_the_best_linear_answer_to_adding(T):
    """Each number times 2/T errs by 1/6 - 1/(3T), and least squares finds no better weights; a ReLU answers exactly."""
    x, y = tasks.adding(T, 100_000, np.random.default_rng(0))
    (numbers, marks), y = x.transpose(2, 1, 0), y[:, 0]
    exact = 1 / 6 - 1 / (3 * T)
    best = np.column_stack([np.ones(len(y)), numbers, marks])
    errs = [np.mean((numbers.sum(1) * 2 / T - y)**2), np.mean((best @ np.linalg.lstsq(best, y, rcond=None)[0] - y)**2)]
    np.testing.assert_allclose(errs, exact, rtol=.01, atol=0)
    np.testing.assert_allclose(np.maximum(numbers + marks - 1, 0).sum(1), y, rtol=1e-9, atol=0)


@pytest.mark.parametrize("l", [.9, .99, .999])
def test_the_mean_square_gradient_is_the_curvature_that_decides_the_rate(l):
    """Plain descent on l for a squared error on h: 1 over the curvature settles, 3 over it runs away."""
    x = np.random.default_rng(0).normal(size=(int(8 / (1 - l)), 300))

    def state_and_slope(l):
        h = dh = np.zeros(300)
        for x_t in x:
            h, dh = l * h + x_t, h + l * dh
        return h, dh

    target, curvature = state_and_slope(l)[0], (1 + l * l) / (1 - l * l)**3
    off = {}
    for share in [1, 3]:
        learned = l - 1e-4 * (1 - l)
        for _ in range(10):
            h, dh = state_and_slope(learned)
            learned -= share / curvature * ((h - target) * dh).mean()
        off[share] = abs(learned - l) / (1e-4 * (1 - l))
    assert off[1] < .01 and off[3] > 10, off


def test_no_layer_of_the_table_explodes_for_larger_inputs():
    """Inputs of size 1 to 30 and three draws of the weights: no Jacobian is longer than 1."""
    for seed, size in product(range(3), [1, 10, 30]):
        inputs = size * np.random.default_rng(5).normal(size=(30, layers_of_today.D))
        for layer in layers_of_today.layers(seed):
            longest = max(np.linalg.norm(layers_of_today.said_jacobian(layer, x_t), 2) for x_t in inputs)
            assert longest < 1 + 1e-12, (layer.name, seed, size)


def test_the_share_beta_decides_how_many_pairs_the_delta_rule_serves():
    """Measured, 16 numbers, 20 draws: after 2 and 16 pairs .05 and .59 at beta = 1, .28 and .48 at .5, .32 and 1.46 at
    1.5; the plain sum .08 and .97."""
    def error(beta, n):
        errors = []
        for seed in range(20):
            rng, S = np.random.default_rng(seed), np.zeros((16, 16))
            K, V = rng.normal(size=(2, n, 16))
            K /= np.linalg.norm(K, axis=1, keepdims=True)
            for k, v in zip(K, V):
                S = S + beta * np.outer(v - S @ k, k)
            errors.append(((K @ S.T - V)**2).mean() / (V**2).mean())
        return np.mean(errors)

    errors = [error(beta, n) for n in (2, 16) for beta in (.5, 1, 1.5)]
    np.testing.assert_allclose(errors, [.28, .052, .32, .48, .59, 1.46], rtol=.05, atol=0)
