"""Claims that lesson 04 settles: what the activation takes of a gradient, and what the weights do to it."""

from __future__ import annotations

import numpy as np

from .... import activations, initialise
from .networks import (EXPLODED, NETS, VANISHED, both_signs, convolutions, kept, left, left_by, positive_inputs, taken,
                       through_layers, untrained)


def claim_17() -> dict[str, float]:
    """Of 20 networks each with orthogonal W_hh: in how many the gradient grows 1000 times in 60 steps.

    linear_exploded  no activation, so that each derivative is 1, gain 0.5
    linear_large     the same at gain 1.5
    tanh_exploded    tanh, each derivative below 1, gain 4
    tanh_slopes      the largest product of these networks' 60 slopes
    """
    x = both_signs()
    slopes, weights = taken(untrained(gain=4.), x)
    small, large = ((left(untrained(gain=gain), x, "linear") > EXPLODED).sum() for gain in (.5, 1.5))
    return {"linear_exploded": small, "linear_large": large, "tanh_exploded": (slopes * weights > EXPLODED).sum(),
            "tanh_slopes": slopes.max()}


def claim_18() -> dict[str, float]:
    """The largest slopes, and what takes the gradient in 20 networks over 60 steps.

    steepest_sigmoid, steepest_tanh  the largest slope between -6 and 6
    left_sigmoid, left_tanh          medians of what is left; W_hh is orthogonal and takes nothing, inputs of size 0.01
    share_of_weights                 percent of the lost decades that W_hh, as torch draws it, takes; tanh, the median
    """
    a, x = np.arange(-600, 601) / 100, both_signs()
    found = {f"steepest_{name}": activations.get(name).derivative(a).max() for name in ("sigmoid", "tanh")}
    found |= {f"left_{name}": np.median(left(untrained(inputs=.01), x, name)) for name in ("sigmoid", "tanh")}
    slopes, weights = taken(untrained("uniform"), x)
    return found | {"share_of_weights": 100 * np.median(np.log(weights) / np.log(slopes * weights))}


def claim_19() -> dict[str, float]:
    """Of 20 ReLU networks each, how many keep between a tenth and 10 times the gradient over 60 steps.

    kept_identity, kept_orthogonal  W_hh, inputs from 0 to 1
    kept_small                      Gaussian W_hh of gain 0.5
    kept_both_signs                 the identity, inputs of both signs
    """
    kinds = {"identity": ("identity", 1.), "orthogonal": ("orthogonal", 1.), "small": ("gaussian", .5)}
    inputs = positive_inputs()
    found = {f"kept_{name}": kept(left(untrained(*kind, 1.), inputs, "relu")) for name, kind in kinds.items()}
    return found | {"kept_both_signs": kept(left(untrained("identity", 1., 1.), both_signs(), "relu"))}


def claim_20() -> dict[str, float]:
    """Of 20 networks each, over 60 steps, in how many the gradient is kept (as in claim 19) or falls to a thousandth.

    relu_kept, tanh_kept            W_hh the identity, inputs from 0 to 1
    relu_vanished, linear_vanished  W_hh as torch draws it; linear: no activation at all
    """
    nets, inputs = untrained("identity", 1., 1.), positive_inputs()
    found = {f"{name}_kept": kept(left(nets, inputs, name)) for name in ("relu", "tanh")}
    return found | {f"{name}_vanished": (left(untrained("uniform"), both_signs(), name) < VANISHED).sum()
                    for name in ("relu", "linear")}


def claim_21() -> dict[str, float]:
    """Of 20 networks each, in how many the gradient grows 1000 times in 60 steps, and whether the slopes have a part.

    relu_exploded  ReLU, Gaussian W_hh of gain 3
    tanh_exploded  tanh, orthogonal W_hh of gain 4
    slopes_grew    in how many of the 40 the product of the slopes is above 1
    """
    relu = taken(untrained("gaussian", 3., 1.), positive_inputs(), "relu")
    tanh = taken(untrained(gain=4.), both_signs())
    found = {f"{name}_exploded": (slopes * weights > EXPLODED).sum()
             for name, (slopes, weights) in {"relu": relu, "tanh": tanh}.items()}
    return found | {"slopes_grew": sum((slopes > 1.001).sum() for slopes, _ in (relu, tanh))}


def claim_22() -> dict[str, float]:
    """Nets of 30 layers: how many of 20 lose all but a thousandth of the gradient, and what it means to share a matrix.

    layers_vanished        fully connected, sigmoid, weights as Glorot draws them
    convolutions_vanished  convolutional, tanh
    sharing                100 linear nets: the scatter of the gradients in decades (standard deviation) if one matrix
                           serves all layers, over that with a matrix for each
    """
    own, shared, layers = [], [], []
    for seed in range(100):
        W = initialise.glorot((30, 64, 64), np.random.default_rng(seed))
        own.append(left_by(W, seed, "linear"))
        shared.append(left_by(np.repeat(W[:1], 30, axis=0), seed, "linear"))
        if seed < NETS:
            layers.append(left_by(W, seed, "sigmoid"))
    convolutional = [left_by(convolutions(seed), seed, "tanh") for seed in range(NETS)]
    return {"layers_vanished": (np.array(layers) < VANISHED).sum(),
            "convolutions_vanished": (np.array(convolutional) < VANISHED).sum(),
            "sharing": np.log(shared).std() / np.log(own).std()}


def claim_23() -> dict[str, float]:
    """Of 20 tanh nets each, how many lose all but a thousandth of the gradient, and how it varies within a layer.

    steps_vanished   recurrent ones over 60 steps, W_hh as torch draws it
    layers_vanished  convolutional ones over 30 layers
    within_a_layer   in these: the largest over the smallest gradient among the 64 places of the lowest layer, median
    """
    dh = [through_layers(convolutions(seed), np.random.default_rng(seed).normal(size=(20, 64)), "tanh")[1]
          for seed in range(NETS)]
    place = np.array([np.linalg.norm(each[0], axis=0) for each in dh])
    return {"steps_vanished": (left(untrained("uniform"), both_signs()) < VANISHED).sum(),
            "layers_vanished": sum(np.linalg.norm(each[0]) < VANISHED * np.linalg.norm(each[-1]) for each in dh),
            "within_a_layer": np.median(place.max(1) / place.min(1))}
