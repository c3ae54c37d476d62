"""Claims that lesson 05 settles: which number of a matrix decides."""

from __future__ import annotations

import numpy as np

from .... import bptt, cells, initialise, jacobians
from .networks import EXPLODED, NETS, STEPS, UNITS, VANISHED, both_signs, seeded, left, seeds, untrained

KINDS = "gaussian", "orthogonal", "identity"


def norm_of_power(W: np.ndarray, k: int) -> float:
    """Return |W^k|, the largest factor by which k steps stretch a gradient."""
    return np.linalg.norm(np.linalg.matrix_power(W, k), 2)


def claim_11(block: int = 0, small: float = .5, large: float = 4., kinds: tuple = KINDS) -> dict[str, float]:
    """20 tanh networks each with Gaussian, orthogonal and identity W_hh, inputs of size .1, over 60 steps.

    small_vanished                  gain `small`: percent whose gradient falls to a thousandth
    large_exploded, large_vanished  gain `large`: percent whose gradient grows 1000 times, or falls to a thousandth
    """
    at_small, at_large = (np.concatenate([left(untrained(block, kind, gain), both_signs(block)) for kind in kinds])
                          for gain in (small, large))
    return {"small_vanished": 100 * (at_small < VANISHED).mean(), "large_exploded": 100 * (at_large > EXPLODED).mean(),
            "large_vanished": 100 * (at_large < VANISHED).mean()}


def claim_12(block: int = 0, layers: int = 100, gain: float = .9) -> dict[str, float]:
    """Products of 100 numbers, and of 100 matrices whose norms are all large.

    numbers_small, numbers_large  100 slopes of .9 and of 1.1
    smallest_norm                 20 nets of 100 layers of 32 units, Gaussian of gain .9: of all their matrices
    layers_grew                   in how many of the 20 the product of the 100 has a norm above 1
    """
    W = [initialise.gaussian((layers, UNITS, UNITS), np.random.default_rng(seed), gain) for seed in seeds(block, NETS)]
    return {"numbers_small": .9**layers, "numbers_large": 1.1**layers,
            "smallest_norm": min(jacobians.largest_singular_value(each).min() for each in W),
            "layers_grew": sum(jacobians.log_singular_values(each)[0] > 0 for each in W)}


def claim_13(block: int = 0, units: int = 64, activation: str = "linear") -> dict[str, float]:
    """One unit over 60 steps, and matrices to the power 60.

    unit_small, unit_large  |dh_60/dh_0| of h_t = f(w h_{t-1}), w = .9 and 1.1, from h_0 = 1/2; f linear or tanh
    small_grew              of 20 random W, deviation .2, for how many |W^60| is above 1
    largest_weight          of them all, in size
    large_left              the largest entry of W^60 where half of the columns of W are 2 and half are -2
    """
    unit = cells.RNNParams(np.zeros((2, 1, 1)), np.array([.9, 1.1]).reshape(2, 1, 1), np.zeros((2, 1)))
    run = bptt.forward(unit, np.zeros((60, 1, 1)), np.full((1, 1), .5), activation)
    small, large = np.abs(jacobians.step_jacobians(run)[..., 0, 0, 0]).prod(0)
    W = [initialise.gaussian((units, units), np.random.default_rng(seed), .2 * units**.5) for seed in seeds(block, NETS)]
    twos = np.full((units, units), 2.)
    twos[:, 1::2] = -2
    return {"unit_small": small, "unit_large": large, "small_grew": sum(norm_of_power(each, 60) > 1 for each in W),
            "largest_weight": np.abs(W).max(), "large_left": np.abs(np.linalg.matrix_power(twos, 60)).max()}


def claim_14(block: int = 0) -> dict[str, float]:
    """20 random W of 64 units, scaled to sigma_1 = .98: |W^400| <= .98^400 = .00031.

    vanished  for how many |W^400| is below a thousandth
    """
    W = np.array([initialise.gaussian((64, 64), np.random.default_rng(seed), .9) for seed in seeds(block, NETS)])
    return {"vanished": sum(norm_of_power(.98 / s * each, 400) < VANISHED
                            for each, s in zip(W, jacobians.largest_singular_value(W)))}


def claim_58(block: int = 0, gains: tuple = (.8, .9, 1., 1.1)) -> dict[str, float]:
    """20 Gaussian W of 64 units for each gain, all with sigma_1 above 1.

    exploded  percent with |W^200| above 1
    smallest  the smallest sigma_1 of them all
    """
    W = np.array([initialise.gaussian((64, 64), np.random.default_rng(seed), gain)
                  for gain in gains for seed in seeds(block, NETS)])
    return {"exploded": 100 * np.mean([norm_of_power(each, 200) > 1 for each in W]),
            "smallest": jacobians.largest_singular_value(W).min()}


def claim_15(block: int = 0, radius: float = .9, shear: float = 2.) -> dict[str, float]:
    """Matrices whose eigenvalues are all below 1 in size, and their powers.

    grew_first, gone_at_200  of 20 non-normal W of 32 units, all eigenvalues of size `radius`: for how many |W^k| passes
                             10 (every fifth k below 60), and for how many |W^200| is below a thousandth
    taking_turns             |A B A B ...|, 40 factors whose eigenvalues are 0: A has `shear` in its corner, B = A^T
    """
    W = [initialise.non_normal((32, 32), np.random.default_rng(seed), radius, shear) for seed in seeds(block, NETS)]
    A = np.array([[0., shear], [0., 0.]])
    return {"grew_first": sum(max(norm_of_power(each, k) for k in range(0, 60, 5)) > 10 for each in W),
            "gone_at_200": sum(norm_of_power(each, 200) < VANISHED for each in W),
            "taking_turns": norm_of_power(A @ A.T, 20)}


def claim_16(block: int = 0, units: int = UNITS, recurrent: str = "gaussian", activation: str = "tanh") -> dict[str, float]:
    """20 networks each at gain 1.2, 1.5 and 2, normal inputs: |dL/dh_{t-1}| / |dL/dh_t| of the last 100 of 200 steps.

    mixed          in how many of the 60 some of them are above 1 and some are not
    above, within  in how many all are above 1, and in how many none
    """
    grew = []
    for gain in (1.2, 1.5, 2.):
        nets = initialise.rnn(1, units, seeded(0, block), recurrent, gain, members=NETS)
        run = bptt.forward(nets, both_signs(block, 200), activation=activation)
        size = np.linalg.norm(bptt.backward(run, bptt.at_end(run)).dh[100:, :, 0], axis=-1)
        grew.append(size[:-1] > size[1:])
    above = np.concatenate(grew, axis=1)
    return {"mixed": (above.any(0) & ~above.all(0)).sum(), "above": above.all(0).sum(), "within": (~above).all(0).sum()}


def claim_77(block: int = 0, factor: float = 1000., many: int = 10) -> dict[str, float]:
    """20 networks as torch draws them, tanh, 60 steps; the Jacobians of a few steps are made `factor` times as large.

    none, one, several  what is left of the gradient, medians: no such step, one, `many` of them
    """
    plain = np.median(left(untrained(block, "uniform"), both_signs(block, STEPS)))
    return {"none": plain, "one": factor * plain, "several": factor**many * plain}
