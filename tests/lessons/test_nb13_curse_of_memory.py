"""The mean squares of a long memory, against their sums."""

import numpy as np
import pytest

from course_lib.lessons.nb13_what_came_after.curse_of_memory import mean_squares


def test_mean_squares_are_the_sums():
    for l in (.5, .9, .97):
        k = np.arange(5000)
        found = mean_squares(l)
        assert np.isclose(found.h, (l ** (2 * k)).sum(), atol=0)
        assert np.isclose(found.dh, (k[1:]**2 * l ** (2. * k[1:] - 2)).sum(), atol=0)

        def weights(nu):  # of x_{T-k} in the normalized state
            l = np.exp(-np.exp(nu))
            return np.sqrt(1 - l * l) * l**k

        slopes = weights(np.log(-np.log(l)) + 1e-100j).imag / 1e-100
        assert np.isclose(found.cured, (slopes**2).sum(), atol=0)
    together = mean_squares(np.array([.5, .9]))
    assert np.allclose(np.transpose(together), [mean_squares(.5), mean_squares(.9)], atol=0)


@pytest.mark.parametrize("l, words", [(1., "l is 1.0, needs to lie between 0 and 1"),
                                      (np.array([.5, -.1]), "between 0 and 1")])
def test_refusals(l, words):
    with pytest.raises(ValueError, match=words):
        mean_squares(l)
