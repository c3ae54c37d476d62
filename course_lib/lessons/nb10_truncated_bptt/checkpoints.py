"""The exact gradient from few states: checkpoints are kept, and what lies between them is computed again on the way
back. What that costs in states and in steps.

    for start, back in checkpoints.pieces_back(params, x, dh_direct, k):
        print(start, back.dh[0])                     # the last piece first

Source: Chen, Xu, Zhang and Guestrin 2016, "Training deep nets with sublinear memory cost", for layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ... import bptt, cells
from ..._checks import count


class CheckpointCost(NamedTuple):
    """What a gradient with checkpoints takes.

    states  in memory at once: the checkpoints, h_0 among them, and the k states that a piece computes
    steps   forward, both times together
    """

    states: int
    steps: int


def checkpoint_cost(T: int, k: int) -> CheckpointCost:
    """Return what T steps cost with a checkpoint every k: ceil(T / k) + k states, and 2 T steps less the last piece.

    T, k     steps of the sequence, and from one checkpoint to the next; k = T is full BPTT: T + 1 states, T steps
    errors   TypeError, ValueError for anything but whole numbers, k from 1 to T
    """
    pieces = len(_starts(T, k))
    return CheckpointCost(pieces + k, T + (pieces - 1) * k)


def _starts(T: int, k: int) -> range:
    if count("k", k) > count("T", T):
        raise ValueError(f"k is {k}, needs to be at most T, {T}: that is the whole sequence in one piece, full BPTT.")
    return range(0, T, k)


def pieces_back(params: cells.RNNParams, x: np.ndarray, dh_direct: np.ndarray,
                k: int) -> Iterator[tuple[int, bptt.Back]]:
    """Yield (start, Back) of each piece of k steps, the last first. Their grads add up to those of full BPTT, and
    back.dh[1:] is dL/dh_t of the steps start + 1 ... start + k, as full BPTT has it.

    params     of a network with one kind of state, h; it starts from zeros
    x          (T, B, D)
    dh_direct  (T + 1, B, H), what the loss reads from each h_t, as for bptt.backward
    errors     as those of checkpoint_cost, bptt.forward and bptt.backward
    """
    starts, kept = _starts(len(x), k), [np.zeros_like(dh_direct[0])]
    for a in starts[:-1]:
        kept.append(bptt.forward(params, x[a:a + k], kept[-1]).h[-1].copy())  # a view would keep the whole piece
    dh = np.zeros_like(dh_direct[0])
    for a, state in zip(starts[::-1], kept[::-1]):
        read = dh_direct[a:a + k + 1].copy()
        read[0] = 0 * read[0] if a else read[0]  # the piece before reads it
        read[-1] += dh
        back = bptt.backward(bptt.forward(params, x[a:a + k], state), read)
        dh = back.dh[0]
        yield a, back


GONE, KEPT, PIECE = 0, 1, 2  # of a state


def in_memory(T: int, k: int) -> np.ndarray:
    """Return where each state is after each step, forward or back: GONE, KEPT as a checkpoint, or in the PIECE at hand.

    returns  (T + 1, 3 T), states by steps; what comes after the last step is GONE
    errors   as those of checkpoint_cost
    """
    starts, shown, tick = _starts(T, k), np.zeros((T + 1, 3 * T), int), 0
    for a in starts[:-1]:  # the first time: only the last state of a piece is kept
        for j in range(1, k + 1):
            shown[a + 1:a + j + 1, tick] = PIECE
            shown[:a + 1:k, tick] = KEPT
            tick += 1
    for a in starts[::-1]:
        b = min(a + k, T)
        for j in [*range(a + 1, b + 1), *[b] * (b - a)]:  # forward again, and back through all of it
            shown[a + 1:j + 1, tick] = PIECE
            shown[:starts[-1] + 1:k, tick] = KEPT
            tick += 1
    return shown
