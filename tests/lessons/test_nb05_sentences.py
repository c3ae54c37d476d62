"""Lesson 05's general sentences, at sizes, draws, strengths of input and lengths that no cell shows."""

import numpy as np
import pytest

from course_lib import activations, bptt, initialise, jacobians
from course_lib.lessons.nb05_singular_values.exponents import largest_exponent

pytestmark = pytest.mark.long


def norm_of_power(W, k):
    return np.linalg.norm(np.linalg.matrix_power(W, k), 2)


@pytest.mark.parametrize("hidden", [2, 8, 32])
def test_half_of_the_determinant_s_rule_is_right(hidden):
    """|det W| above 1: some eigenvalue is above 1 in size, so powers grow. Below 1 it tells nothing."""
    grew = 0
    for seed in range(300, 330):
        W = np.random.default_rng(seed).normal(size=(hidden, hidden))
        W /= np.abs(np.linalg.det(W)) ** (1 / hidden)
        assert norm_of_power(1.3 ** (1 / hidden) * W, 300) > 1
        grew += norm_of_power(.7 ** (1 / hidden) * W, 300) > 1
    assert grew >= 15


@pytest.mark.parametrize("hidden", [4, 64])
def test_entries_below_one_over_their_number_never_grow(hidden):
    for seed in range(300, 310):
        W = np.random.default_rng(seed).uniform(-1, 1, size=(hidden, hidden)) / hidden
        assert max(norm_of_power(W, k) for k in (1, 5, 60)) <= 1
    assert norm_of_power(np.full((hidden, hidden), 1.1 / hidden), 60) > 100


@pytest.mark.parametrize("gain", [.8, .9])
def test_a_norm_above_one_need_not_explode(gain):
    """64 units: of twenty draws at gain .9 three had grown after 200 steps, all of them with a radius above 1."""
    matrices = [initialise.gaussian((64, 64), np.random.default_rng(seed), gain=gain) for seed in range(300, 320)]
    grew = [norm_of_power(W, 200) > 1 for W in matrices]
    assert min(jacobians.largest_singular_value(W) for W in matrices) > 1.4 and sum(grew) <= 8


@pytest.mark.parametrize("activation, sigma_1", [("tanh", .95), ("relu", .98), ("sigmoid", 3.9), ("sigmoid", 2.)])
@pytest.mark.parametrize("hidden", [4, 32, 100])
def test_below_the_bound_it_must_vanish(activation, sigma_1, hidden):
    bound = activations.get(activation).largest_derivative * sigma_1
    for seed in range(300, 306):
        rng = np.random.default_rng(seed)
        params = initialise.rnn(1, hidden, rng, "gaussian")
        W = params.W_hh * sigma_1 / jacobians.largest_singular_value(params.W_hh)
        params = params._replace(W_hh=W, b_h=rng.normal(size=hidden))
        run = bptt.forward(params, 3 * rng.normal(size=(80, 1, 1)), activation=activation)
        size = np.linalg.norm(bptt.backward(run, bptt.at_end(run, rng.normal(size=hidden))).dh[:, 0], axis=-1)
        assert (size[:-1] <= bound * size[1:] * (1 + 1e-12)).all()


@pytest.mark.parametrize("bias", [-.5, 0., .3])
def test_above_one_a_larger_weight_has_a_smaller_factor_at_rest(bias):
    factors = []
    for w in (.2, .5, .8, 1.05, 1.3, 2., 4.):
        h = .5
        for _ in range(3000):
            h = np.tanh(w * h + bias)
        factors.append(w * (1 - h**2))
    assert (np.diff(factors[3:]) < 0).all() and max(factors) < 1
    assert bias or factors[:3] == pytest.approx([.2, .5, .8], rel=1e-6, abs=0)


@pytest.mark.parametrize("hidden", [32, 48])
def test_twenty_steps_of_a_non_normal_matrix_see_growth(hidden):
    """Non-normality 2, eigenvalues of size .9, ten draws: the norm peaked at 21 to 400, and most directions grew."""
    for seed in range(300, 306):
        rng = np.random.default_rng(seed)
        W = initialise.non_normal((hidden, hidden), rng, .9, 2.)
        v = rng.normal(size=(hidden, 200))
        grown = np.linalg.norm(np.linalg.matrix_power(W, 20).T @ v, axis=0) / np.linalg.norm(v, axis=0)
        assert max(norm_of_power(W, k) for k in range(60)) > 8 and np.median(grown) > 1
        assert norm_of_power(W, 400) < 1e-6


@pytest.mark.parametrize("hidden", [4, 8, 24])
def test_a_formed_product_keeps_what_is_within_sixteen_digits(hidden):
    """Nine runs of 100 steps: as many singular values were right as lay within 36 nats of the largest, or one more."""
    for seed in range(300, 304):
        rng = np.random.default_rng(seed)
        run = bptt.forward(initialise.rnn(1, hidden, rng, "gaussian"), rng.normal(size=(100, 1, 1)))
        js = jacobians.step_jacobians(run)[:, 0]
        product = np.eye(hidden)
        for J in js:
            product = J @ product
        with np.errstate(divide="ignore"):
            formed = np.log(np.linalg.svd(product, compute_uv=False))
        exact = jacobians.log_singular_values(js)
        right = (np.abs(formed - exact) < 1).sum()
        assert (exact > exact[0] - 32).sum() <= right <= (exact > exact[0] - 42).sum() < hidden


@pytest.mark.parametrize("block", [310, 330, 400])
def test_the_critical_gain_and_the_strength_of_the_input(block):
    """256 units, 55 draws at gain 1.5: .01 to .06, three below 0 (-.04 the lowest); with input of .3 .01 to .03 and one
    of -.01, of .5 -.03 to -.01, of 1 -.16 to -.14. At .9 35 draws: -.10 to -.04 and one of -.002."""
    seeds = range(block, block + 5)
    assert sum(largest_exponent(.9, seed) < -.01 for seed in seeds) >= 4
    assert sum(largest_exponent(1.5, seed) > 0 for seed in seeds) >= 3
    assert sum(largest_exponent(1.5, seed, drive=.3) > 0 for seed in seeds) >= 4
    assert max(largest_exponent(1.5, seed, drive=.5) for seed in seeds) < 0
    assert max(largest_exponent(1.5, seed, drive=1.) for seed in seeds) < -.1
    assert largest_exponent(2., block, drive=1.) > .005


def test_the_critical_gain_with_128_units_and_a_longer_run():
    for seed in range(300, 304):
        assert largest_exponent(.85, seed, 128, T=800) < 0 < largest_exponent(1.5, seed, 128, T=800)


def median_cosine(js):
    """Of 200 pairs of random gradients sent back through the product, which is formed with its size taken out."""
    product = np.eye(js.shape[-1])
    for J in js:
        product = J @ product
        product /= np.linalg.norm(product)
    v = np.random.default_rng(9).normal(size=(400, len(product))) @ product
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    return np.median(np.abs((v[::2] * v[1::2]).sum(1)))


@pytest.mark.parametrize("recurrent", ["uniform", "gaussian", "orthogonal"])
@pytest.mark.parametrize("gain", [.5, 1., 3.])
def test_far_losses_agree_sooner_in_small_networks(recurrent, gain):
    """Median |cos|, 8 units after 20 steps: .57 to 1.00; 128 units .17 to .72, and after 100 steps .34 to 1.00."""
    near, far = {}, {}
    for hidden in (8, 128):
        for seed in range(300, 303):
            rng = np.random.default_rng(seed)
            run = bptt.forward(initialise.rnn(1, hidden, rng, recurrent, gain), rng.normal(size=(150, 1, 1)))
            js = jacobians.step_jacobians(run)[:, 0]
            near.setdefault(hidden, []).append(median_cosine(js[-20:]))
            far.setdefault(hidden, []).append(median_cosine(js[-100:]))
    assert min(near[8]) > max(near[128]) and max(near[128]) < .8
    assert min(far[8]) > max(.7, min(far[128])) and np.median(far[128]) > np.median(near[128])


def test_two_gradients_differ_by_twice_the_ratio():
    """The median sine is 2 sigma_2 / sigma_1 where that is small: 1.6 to 2.4 in these draws."""
    for seed in range(300, 308):
        rng = np.random.default_rng(seed)
        run = bptt.forward(initialise.rnn(1, 8, rng, "gaussian"), rng.normal(size=(150, 1, 1)))
        js = jacobians.step_jacobians(run)[-60:, 0]
        first, second, *_ = jacobians.log_singular_values(js)
        v = np.random.default_rng(seed).normal(size=(4000, 8))
        for J in js[::-1]:
            v = v @ J
            v /= np.linalg.norm(v, axis=1, keepdims=True)
        across = v[1::2] - (v[::2] * v[1::2]).sum(1, keepdims=True) * v[::2]
        ratio = np.exp(second - first)
        assert ratio > .03 or 1.5 < np.median(np.linalg.norm(across, axis=1)) / ratio < 2.5


def test_far_losses_agree_sooner_in_small_networks_and_under_large_inputs():
    """Median |cos| after 100 steps, medians of five networks: 128 units .57, .85 and .93 with inputs of .1, 1 and 3."""
    far = {}
    for size in (.1, 1, 3):
        for hidden in (8, 128):
            cosines = []
            for seed in range(5):
                rng = np.random.default_rng(seed)
                run = bptt.forward(initialise.rnn(1, hidden, rng, "gaussian"), size * rng.normal(size=(150, 1, 1)))
                cosines.append(median_cosine(jacobians.step_jacobians(run)[-100:, 0]))
            far[size, hidden] = np.median(cosines)
    assert all(far[size, 8] > far[size, 128] for size in (.1, 1, 3))
    assert far[.1, 128] < far[1, 128] - .1 and far[1, 128] < far[3, 128], far
