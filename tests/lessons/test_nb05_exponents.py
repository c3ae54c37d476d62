"""The largest exponent of random networks: against backpropagation, known values, and the spectral radius."""

import numpy as np
import pytest

from course_lib import bptt, cells, initialise, jacobians
from course_lib.lessons.nb05_singular_values.exponents import largest_exponent


def test_largest_exponent_is_the_slope_of_bptt():
    gain, seed, H, T, skip, drive = 1.2, 5, 24, 40, 10, .3
    rng = np.random.default_rng(seed)
    W, v, h0 = initialise.gaussian((H, H), rng, gain), rng.normal(size=H), rng.normal(size=(1, H))
    x = drive * rng.normal(size=(T + 2 * skip, 1, H))
    run = bptt.forward(cells.RNNParams(np.eye(H), W, np.zeros(H)), x, h0)
    sizes = np.log(np.linalg.norm(bptt.backward(run, bptt.at_end(run, v)).dh[:, 0], axis=-1))
    assert largest_exponent(gain, seed, H, T, skip, drive) == pytest.approx((sizes[skip] - sizes[skip + T]) / T,
                                                                           rel=1e-9, abs=0)


@pytest.mark.parametrize("gain, known", [(.8, -.187), (2., .145)])
def test_exponents_of_large_networks(gain, known):
    """Of twenty networks: for a single one the spectral radius alone moves the exponent by 0.02."""
    assert np.mean([largest_exponent(gain, seed, T=300) for seed in range(20)]) == pytest.approx(known, abs=.01)


def test_the_sign_changes_at_the_critical_gain():
    assert max(largest_exponent(.9, seed) for seed in range(5)) < -.02
    assert min(largest_exponent(1.5, seed) for seed in range(5)) > .005
    assert max(largest_exponent(1.5, seed, drive=1.) for seed in range(5)) < -.1


@pytest.mark.parametrize("seed", range(3))
def test_below_the_critical_gain_it_is_the_spectral_radius(seed):
    W = initialise.gaussian((256, 256), np.random.default_rng(seed), gain=.8)
    assert largest_exponent(.8, seed) == pytest.approx(np.log(jacobians.spectral_radius(W)), abs=.005)
