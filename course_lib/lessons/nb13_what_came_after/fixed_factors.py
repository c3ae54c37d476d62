"""A layer of fixed factors, trained: h_t = l * h_{t-1} + W_xh x_t + b_h with l = exp(-exp(nu)), 0 < l < 1."""

from __future__ import annotations

from typing import Iterable

import numpy as np

from ... import cells, initialise, losses, tasks, train, until_solved
from ..nb06_vanishing.longterm import BATCH, PAPER_ORDER


def factors_at_start(inputs: int, units: int, outputs: int, seeds: Iterable[int]) -> cells.NetworkParams:
    """Return one network for each seed, with nu where a diagonal recurrence has its lambda_hh.

    l^2 is uniform between 0.5^2 and 0.999^2, and W_xh is scaled by sqrt(1 - l^2).
    source  Orvieto et al. 2023, for complex l; here l is real and above 0
    """
    def drawn(seed):
        rng = np.random.default_rng([seed, 0])
        l = np.sqrt(rng.uniform(.5**2, .999**2, units))
        W_xh = np.sqrt(1 - l * l)[:, None] * rng.normal(size=(units, inputs)) / np.sqrt(inputs)
        return initialise.with_readout(cells.DiagonalParams(W_xh, np.log(-np.log(l)), np.zeros(units)), outputs, rng)

    return cells.tree_map(lambda *arrays: np.stack(arrays).astype(np.float32), *map(drawn, seeds))


def with_factors(network: cells.NetworkParams) -> cells.NetworkParams:
    """The network with l = exp(-exp(nu)) in the place of nu, as bptt.forward takes it."""
    return network._replace(rnn=network.rnn._replace(lambda_hh=np.exp(-np.exp(network.rnn.lambda_hh))))


def _objective(network: cells.NetworkParams, x: np.ndarray, labels: np.ndarray):
    """As train.sequence_objective with cross-entropy, for nu: dL/dnu = l ln l dL/dl."""
    known = with_factors(network)
    found, l = train.sequence_objective(losses.cross_entropy)(known, x, labels), known.rnn.lambda_hh
    rnn = found.grads.rnn._replace(lambda_hh=l * np.log(l) * found.grads.rnn.lambda_hh)
    return found._replace(grads=found.grads._replace(rnn=rnn))


def learn_fixed(T: int = 100, seeds: Iterable[int] = range(5), rate: float = .01,
                sequences: int = PAPER_ORDER) -> until_solved.Solved:
    """Train on temporal order as longterm.learn_order does: 32 units, Adam, clipping at 1, the same sequences."""
    batches, fresh = (np.random.default_rng([T, stream]) for stream in (1, 2))
    return until_solved.raise_if_interrupted(until_solved.until_solved(
        factors_at_start(6, 32, 4, seeds), _objective, lambda: tasks.temporal_order(T, BATCH, batches), every=25,
        error=lambda network: until_solved.error_rate(with_factors(network), *tasks.temporal_order(T, 500, fresh)),
        updates=sequences // BATCH, optimiser=train.Adam(rate), clip_norm=1., progress=False))
