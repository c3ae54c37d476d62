"""What is left of a gradient in networks before training and after it, and how descent on the wall ends.

Before training: recurrent networks over 60 steps, and feed-forward ones.
"""

from __future__ import annotations

import numpy as np

from .... import activations, bptt, cells, initialise, losses
from ...nb07_exploding import wall
from ...nb08_clipping import rescue

UNITS, STEPS, NETS = 32, 60, 20
VANISHED, EXPLODED = 1e-3, 1e3


def seeded(seed: int, block: int) -> np.random.Generator:
    """Return the generator of a seed; in each block of seeds it is another one."""
    return np.random.default_rng(seed + 1000 * block)


def seeds(block: int, count: int = 10) -> range:
    """Return the seeds of a block, `count` in a row; no two blocks share one."""
    return range(count * block, count * (block + 1))


def untrained(block: int, recurrent: str = "orthogonal", gain: float = 1., inputs: float = .1) -> cells.RNNParams:
    """Return 20 networks of 32 units with one input; arguments as for initialise.rnn."""
    return initialise.rnn(1, UNITS, seeded(0, block), recurrent, gain, inputs, members=NETS)


def both_signs(block: int, steps: int = STEPS) -> np.ndarray:
    """Return normal inputs, (steps, 1, 1)."""
    return seeded(1, block).normal(size=(steps, 1, 1))


def positive_inputs(block: int, steps: int = STEPS) -> np.ndarray:
    """Return inputs between 0 and 1, (steps, 1, 1)."""
    return seeded(1, block).uniform(size=(steps, 1, 1))


def left(nets: cells.RNNParams, x: np.ndarray, activation: str = "tanh") -> np.ndarray:
    """Return |dL/dh_0| / |dL/dh_T|, (E,), where L is the sum of h_T."""
    run = bptt.forward(nets, x, activation=activation)
    size = np.linalg.norm(bptt.backward(run, bptt.at_end(run)).dh, axis=-1)[..., 0]
    return size[0] / size[-1]


def taken(nets: cells.RNNParams, x: np.ndarray, activation: str = "tanh") -> tuple[np.ndarray, np.ndarray]:
    """Return what the slopes leave of that gradient and what W_hh leaves, (E,) each; their product is what is left."""
    run = bptt.forward(nets, x, activation=activation)
    back = bptt.backward(run, bptt.at_end(run))
    dh, da = (np.linalg.norm(gradient, axis=-1)[..., 0] for gradient in (back.dh, back.da))
    return (da / dh[1:]).prod(0), (dh[:-1] / da).prod(0)


def kept(ratio: np.ndarray) -> int:
    """Return how many gradients keep at least a tenth of their size and grow at most tenfold."""
    return ((ratio > .1) & (ratio < 10)).sum()


def through_layers(W: np.ndarray, x: np.ndarray, activation: str) -> tuple[np.ndarray, np.ndarray]:
    """Return h_l and dL/dh_l of h_l = f(W_l h_{l-1}), where L is the sum of the last layer's outputs.

    W        (L, ..., H, H), a matrix for each layer
    x        (..., B, H)
    returns  h and dh, (L + 1, ..., B, H) each
    """
    f, h = activations.get(activation), [x]
    for W_l in W:
        h.append(f.function(h[-1] @ W_l.swapaxes(-1, -2)))
    dh = [np.ones_like(h[-1])]
    for W_l, h_l in zip(W[::-1], h[:0:-1]):
        dh.append((f.derivative_from_output(h_l) * dh[-1]) @ W_l)
    return np.array(h), np.array(dh[::-1])


def left_by(W: np.ndarray, seed: int, activation: str) -> float:
    """Return |dL/dh_0| / |dL/dh_L| of a feed-forward net over 20 normal examples."""
    dh = through_layers(W, np.random.default_rng(seed).normal(size=(20, W.shape[-1])), activation)[1]
    return np.linalg.norm(dh[0]) / np.linalg.norm(dh[-1])


def convolutions(seed: int, layers: int = 30, width: int = 64) -> np.ndarray:
    """Return the matrices (layers, width, width) of circular convolutions with 5 normal weights of variance 1/5."""
    kernels = np.random.default_rng(seed).normal(size=(layers, 5)) / np.sqrt(5)
    shifts = np.stack([np.roll(np.eye(width), i, axis=1) for i in range(5)])
    return np.einsum("lk,kij->lij", kernels, shifts)


def wall_starts(sets: int, block: int) -> wall.Point:
    """Return sets of 30 starts on the wall of lesson 08."""
    return wall.Point(*np.hstack([rescue.starts(seed) for seed in seeds(block, sets)]))


def arrived(path: wall.Point) -> float:
    """Return the share of paths on the wall that end with an error below .01."""
    return (rescue.error(path) < rescue.SOLVED).mean()


def thrown(path: wall.Point) -> float:
    """Return the share of paths on the wall that end more than 20 away from the origin."""
    return (np.hypot(path.w[-1], path.b[-1]) > 20).mean()


def left_at_first(network: cells.NetworkParams, x: np.ndarray, labels: np.ndarray,
                  activation: str = "tanh") -> np.ndarray:
    """Return |dL/dh_1| / |dL/dh_T|, means over the sequences, (...); 0 where no gradient is sent back."""
    back = bptt.loss_and_grads(network, x, labels, losses.cross_entropy, activation=activation).back
    first, last = np.linalg.norm(back.dh[[1, -1]], axis=-1).mean(-1)
    return np.divide(first, last, out=np.zeros_like(first), where=last > 0)
