"""Claims that lesson 04 settles: what the activation takes of a gradient, and what the weights do to it."""

from __future__ import annotations

import numpy as np

from .... import activations, initialise
from .networks import (EXPLODED, NETS, STEPS, VANISHED, both_signs, convolutions, kept, left, left_by,
                       positive_inputs, seeds, taken, through_layers, untrained)


def claim_17(block: int = 0, linear: float = .5, tanh: float = 4.) -> dict[str, float]:
    """Of 20 networks each with orthogonal W_hh: in how many the gradient grows 1000 times in 60 steps.

    linear_exploded  no activation, so that each derivative is 1, gain `linear`
    linear_large     the same at gain 1.5
    tanh_exploded    tanh, each derivative below 1, gain `tanh`
    """
    x = both_signs(block)
    small, large = ((left(untrained(block, gain=gain), x, "linear") > EXPLODED).sum() for gain in (linear, 1.5))
    return {"linear_exploded": small, "linear_large": large,
            "tanh_exploded": (left(untrained(block, gain=tanh), x) > EXPLODED).sum()}


def claim_18() -> dict[str, float]:
    """The largest slopes between -6 and 6, by hundredths.

    steepest_sigmoid, steepest_tanh  s (1 - s) <= 1/4 and 1 - tanh^2 <= 1, with equality at 0 alone
    """
    a = np.arange(-600, 601) / 100
    return {f"steepest_{name}": activations.get(name).derivative(a).max() for name in ("sigmoid", "tanh")}


def claim_59(block: int = 0, recurrent: str = "uniform", gain: float = 1.) -> dict[str, float]:
    """Which percentage of the decades that 20 networks lose over 60 steps do the slopes take? Medians.

    sigmoid, tanh  W_hh by name and gain, inputs of size .1; "uniform" as torch draws it
    """
    nets, x = untrained(block, recurrent, gain), both_signs(block)
    found = {}
    for name in ("sigmoid", "tanh"):
        slopes, weights = taken(nets, x, name)
        found[name] = 100 * np.median(np.log(slopes) / np.log(slopes * weights))
    return found


def claim_19(block: int = 0, steps: int = STEPS, gain: float = 1.) -> dict[str, float]:
    """Of 20 ReLU networks each, how many keep between a tenth and 10 times the gradient over 60 steps.

    kept_identity, kept_orthogonal  W_hh times gain, inputs from 0 to 1
    kept_small                      Gaussian W_hh of gain .5
    kept_both_signs                 the identity, inputs of both signs
    """
    kinds = {"identity": ("identity", gain), "orthogonal": ("orthogonal", gain), "small": ("gaussian", .5)}
    inputs = positive_inputs(block, steps)
    found = {f"kept_{name}": kept(left(untrained(block, *kind, 1.), inputs, "relu")) for name, kind in kinds.items()}
    return found | {"kept_both_signs": kept(left(untrained(block, "identity", 1., 1.), both_signs(block, steps), "relu"))}


def claim_20(block: int = 0, recurrent: str = "uniform", gain: float = 1.) -> dict[str, float]:
    """Of 20 networks each, over 60 steps, in how many the gradient is kept (as in claim 19) or falls to a thousandth.

    relu_kept, tanh_kept            W_hh the identity, inputs from 0 to 1
    relu_vanished, linear_vanished  W_hh by name and gain, "uniform" as torch draws it; linear: no activation at all
    """
    nets, inputs = untrained(block, "identity", 1., 1.), positive_inputs(block)
    found = {f"{name}_kept": kept(left(nets, inputs, name)) for name in ("relu", "tanh")}
    return found | {f"{name}_vanished": (left(untrained(block, recurrent, gain), both_signs(block), name) < VANISHED).sum()
                    for name in ("relu", "linear")}


def claim_21(block: int = 0, relu: float = 3., tanh: float = 4.) -> dict[str, float]:
    """Of 20 networks each, in how many the gradient grows 1000 times in 60 steps, and whether the slopes have a part.

    relu_exploded  ReLU, Gaussian W_hh of gain `relu`
    tanh_exploded  tanh, orthogonal W_hh of gain `tanh`
    slopes_grew    in how many of the 40 the product of the slopes is above 1
    """
    found = {"relu": taken(untrained(block, "gaussian", relu, 1.), positive_inputs(block), "relu"),
             "tanh": taken(untrained(block, gain=tanh), both_signs(block))}
    return {f"{name}_exploded": (slopes * weights > EXPLODED).sum() for name, (slopes, weights) in found.items()} | {
        "slopes_grew": sum((slopes > 1.001).sum() for slopes, _ in found.values())}


def claim_60(block: int = 0, relu: float = 3., tanh: float = 4.) -> dict[str, float]:
    """The first two of claim 21: does explosion need a state without a bound?"""
    found = claim_21(block, relu, tanh)
    return {name: found[name] for name in ("relu_exploded", "tanh_exploded")}


def claim_22(block: int = 0, layers: int = 30) -> dict[str, float]:
    """Nets of 30 layers: how many of 20 lose all but a thousandth of the gradient.

    layers_vanished        fully connected, sigmoid, weights as Glorot draws them
    convolutions_vanished  convolutional, tanh
    """
    sigmoid = [left_by(initialise.glorot((layers, 64, 64), np.random.default_rng(seed)), seed, "sigmoid")
               for seed in seeds(block, NETS)]
    convolutional = [left_by(convolutions(seed, layers), seed, "tanh") for seed in seeds(block, NETS)]
    return {"layers_vanished": (np.array(sigmoid) < VANISHED).sum(),
            "convolutions_vanished": (np.array(convolutional) < VANISHED).sum()}


def claim_61(block: int = 0, steps: int = 60, apart: int = 0) -> dict[str, float]:
    """Matrices as Glorot draws them, 64 units, one for all steps against one for each; 40 seeds.

    linear, tanh  how many times as many decades the gradients of the seeds scatter (standard deviation) where all
                  steps share one matrix
    apart         so many of the steps have a matrix of their own all the same
    """
    found = {}
    for activation in ("linear", "tanh"):
        own, shared = [], []
        for seed in seeds(block, 40):
            W = initialise.glorot((steps, 64, 64), np.random.default_rng(seed))
            own.append(left_by(W, seed, activation))
            shared.append(left_by(np.concatenate([W[:apart], np.repeat(W[-1:], steps - apart, axis=0)]), seed, activation))
        found[activation] = np.log(shared).std() / np.log(own).std()
    return found


def claim_23(block: int = 0, steps: int = STEPS, layers: int = 30) -> dict[str, float]:
    """Of 20 tanh nets each, how many lose all but a thousandth of the gradient, and how it varies within a layer.

    steps_vanished   recurrent ones over 60 steps, W_hh as torch draws it
    layers_vanished  convolutional ones over 30 layers
    within_a_layer   in these: the largest over the smallest gradient among the 64 places of the lowest layer, median
    """
    dh = [through_layers(convolutions(seed, layers), np.random.default_rng(seed).normal(size=(20, 64)), "tanh")[1]
          for seed in seeds(block, NETS)]
    place = np.array([np.linalg.norm(each[0], axis=0) for each in dh])
    return {"steps_vanished": (left(untrained(block, "uniform"), both_signs(block, steps)) < VANISHED).sum(),
            "layers_vanished": sum(np.linalg.norm(each[0]) < VANISHED * np.linalg.norm(each[-1]) for each in dh),
            "within_a_layer": np.median(place.max(1) / place.min(1))}
