"""Claims that lesson 05 settles: which number of a matrix decides."""

from __future__ import annotations

import numpy as np

from .... import bptt, cells, initialise, jacobians
from .networks import EXPLODED, NETS, UNITS, VANISHED, both_signs, left, untrained


def norm_of_power(W: np.ndarray, k: int) -> float:
    """Return |W^k|, the largest factor by which k steps stretch a gradient."""
    return np.linalg.norm(np.linalg.matrix_power(W, k), 2)


def claim_11() -> dict[str, float]:
    """60 tanh networks, 20 each with Gaussian, orthogonal and identity W_hh, inputs of size 0.1, over 60 steps.

    small_vanished                  gain 0.5: in how many the gradient falls to a thousandth
    large_exploded, large_vanished  gain 4: in how many it grows 1000 times, or falls to a thousandth
    factor_of_6                     one unit at rest, w = 6: w (1 - h^2), the factor of a step
    """
    kinds = ("gaussian", "orthogonal", "identity")
    small, large = (np.concatenate([left(untrained(kind, gain), both_signs()) for kind in kinds]) for gain in (.5, 4.))
    h = .5
    for _ in range(100):
        h = np.tanh(6 * h)
    return {"small_vanished": (small < VANISHED).sum(), "large_exploded": (large > EXPLODED).sum(),
            "large_vanished": (large < VANISHED).sum(), "factor_of_6": 6 * (1 - h**2)}


def claim_12() -> dict[str, float]:
    """Products of 100 numbers, and of 100 matrices whose norms are all large.

    numbers_small, numbers_large  100 slopes of 0.9 and of 1.1
    smallest_norm                 20 nets of 100 layers of 32 units, Gaussian of gain 0.9: of all their matrices
    layers_grew                   in how many of the 20 the product of the 100 has a norm above 1
    """
    W = [initialise.gaussian((100, UNITS, UNITS), np.random.default_rng(seed), .9) for seed in range(NETS)]
    return {"numbers_small": .9**100, "numbers_large": 1.1**100,
            "smallest_norm": min(jacobians.largest_singular_value(each).min() for each in W),
            "layers_grew": sum(jacobians.log_singular_values(each)[0] > 0 for each in W)}


def claim_13() -> dict[str, float]:
    """Matrices with small weights and with large ones, to the power 60.

    small_grew             of 20 random W of 64 units, deviation 0.2, for how many |W^60| is above 1
    largest_weight         of them all, in size
    large_left             the largest entry of [[2, -2], [2, -2]]^60
    unit_small, unit_large one linear unit: 0.9^60 and 1.1^60
    """
    W = [initialise.gaussian((64, 64), np.random.default_rng(seed), 1.6) for seed in range(NETS)]
    twos = np.array([[2., -2.], [2., -2.]])
    return {"small_grew": sum(norm_of_power(each, 60) > 1 for each in W), "largest_weight": np.abs(W).max(),
            "large_left": np.abs(np.linalg.matrix_power(twos, 60)).max(), "unit_small": .9**60, "unit_large": 1.1**60}


def claim_14() -> dict[str, float]:
    """20 random W of 64 units, gain 0.9, and their powers.

    below_vanished  scaled to sigma_1 = 0.98: for how many |W^400| is below a thousandth
    above_exploded  as they are: for how many |W^200| is above 1
    smallest_above  the smallest sigma_1 of these
    """
    W = [initialise.gaussian((64, 64), np.random.default_rng(seed), .9) for seed in range(NETS)]
    sigma_1 = jacobians.largest_singular_value(np.array(W))
    return {"below_vanished": sum(norm_of_power(.98 / s * each, 400) < VANISHED for each, s in zip(W, sigma_1)),
            "above_exploded": sum(norm_of_power(each, 200) > 1 for each in W), "smallest_above": sigma_1.min()}


def claim_15() -> dict[str, float]:
    """Matrices whose eigenvalues are all below 1 in size, and their powers.

    grew_first, gone_at_200  of 20 non-normal W of 32 units, all eigenvalues 0.9 in size: for how many |W^k| passes 10
                             (every fifth k below 60), and for how many |W^200| is below a thousandth
    shear_10, shear_200      |W^10| and |W^200| of [[.9, 10], [0, .9]]
    taking_turns             the norm of A B A B ..., 40 factors with no eigenvalue but 0
    """
    W = [initialise.non_normal((32, 32), np.random.default_rng(seed), .9, 2.) for seed in range(NETS)]
    shear, A = np.array([[.9, 10.], [0., .9]]), np.array([[0., 2.], [0., 0.]])
    return {"grew_first": sum(max(norm_of_power(each, k) for k in range(0, 60, 5)) > 10 for each in W),
            "gone_at_200": sum(norm_of_power(each, 200) < VANISHED for each in W),
            "shear_10": norm_of_power(shear, 10), "shear_200": norm_of_power(shear, 200),
            "taking_turns": norm_of_power(A @ A.T, 20)}


def claim_16() -> dict[str, float]:
    """100 tanh units with w between 0.5 and 3 and inputs of size 0.5: the factors dh_t/dh_{t-1} of steps 101 to 200.

    mixed          in how many units some of them are above 1 and some are not, or below 0
    above, within  in how many all are above 1, and in how many all lie in [0, 1]
    """
    rng = np.random.default_rng(0)
    w = rng.uniform(.5, 3, size=100)
    units = cells.RNNParams(np.ones((100, 1, 1)), w[:, None, None], np.zeros((100, 1)))
    run = bptt.forward(units, .5 * rng.normal(size=(200, 100, 1, 1)))
    factor = jacobians.step_jacobians(run)[100:, :, 0, 0, 0]
    above, within = (factor > 1).all(0), ((factor >= 0) & (factor <= 1)).all(0)
    return {"mixed": (~above & ~within).sum(), "above": above.sum(), "within": within.sum()}
