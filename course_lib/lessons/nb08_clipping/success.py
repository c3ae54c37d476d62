"""How long a sequence can be learned? The success plot of Pascanu, Mikolov and Bengio 2013, reduced to two processors.

    for (method, T), outcome in parallel.runs(success.one, success.longest_first()):
        print(method, T, outcome.solved.sum())

The task is temporal order at length T; 50 units, "smart tanh", batches of 20. A network counts as solved once its error
on fresh sequences is below 1 %.
"""

from __future__ import annotations

from itertools import product
from typing import Iterable, NamedTuple

import numpy as np

from ... import _checks, cells, initialise, losses, tasks, train, until_solved

UNITS, BATCH, FRESH = 50, 20, 500
LENGTHS = 10, 20, 30, 40, 60


class Method(NamedTuple):
    """What a run does with its gradient: rate of SGD, clip_norm or None, weight of the regulariser."""

    rate: float
    clip_norm: float | None = None
    penalty: float = 0.0


# Each method has the rate that did best on other seeds (100 and above): SGD among .01, .03, .1 at T = 20; clipped among
# .06, .1, .15, .2 and clipped and regularised among .1, .2, .3 at T = 40.
METHODS = {"SGD": Method(.03), "clip": Method(.1, 1.), "clip + penalty": Method(.2, 1., 4.)}


class Outcome(NamedTuple):
    """What became of each network, (seeds,) each.

    updates  after which it had solved the task; inf where it never had
    first    norm of its first gradient, before clipping; NaN of one that left: it had solved the task, or diverged
    longest  the same of its longest gradient
    """

    updates: np.ndarray
    first: np.ndarray
    longest: np.ndarray

    @property
    def solved(self) -> np.ndarray:
        """(seeds,) which networks solved it."""
        return np.isfinite(self.updates)


def smart_tanh(seeds: Iterable[int], dtype=np.float64) -> cells.NetworkParams:
    """Return an ensemble of networks as the paper draws its "smart tanh", one for each seed.

    W_xh and W_hy normal with standard deviation .01, biases 0, W_hh with 15 inputs a unit and spectral radius .95.
    """
    def drawn(seed: int) -> cells.NetworkParams:
        rng = np.random.default_rng([seed, 0])
        # the gains make .01 of the standard deviations 1 / sqrt(6) and 1 / sqrt(50)
        return initialise.network(6, UNITS, 4, rng, recurrent="sparse", gain=.95, input_gain=.01 * np.sqrt(6),
                                  output_gain=.01 * np.sqrt(UNITS), dtype=dtype)

    return cells.tree_map(lambda *arrays: np.stack(arrays), *map(drawn, seeds))


def longest_first(lengths: Iterable[int] = LENGTHS, methods: Iterable[str] = tuple(METHODS)) -> list[tuple[str, int]]:
    """Return all (method, T), the longest first: what takes longest should not start last."""
    return [(method, T) for T, method in product(sorted(lengths, reverse=True), methods)]


def one(method: str | Method, T: int, seeds: Iterable[int] = range(10), updates: int = 3000,
        dtype=np.float32) -> Outcome:
    """Train one network for each seed on temporal order until it is solved, and count the updates.

    method   "SGD", "clip", "clip + penalty", or a Method
    T        length of the sequences, at least 10
    seeds    whole numbers, one for each network; they draw the initial weights
    updates  at most this many; the error on 500 fresh sequences is measured every 100
    dtype    precision of the networks
    returns  Outcome, in the order of the seeds
    errors   ValueError for another method, no seeds, or T below 10; TypeError for a length or seed that is not
             a whole number; KeyboardInterrupt goes on to the caller

    The data depends on T alone: all methods and seeds see the same batches, and are measured on the same sequences.
    """
    if not isinstance(method, Method):
        method = METHODS[_checks.choice("method", method, METHODS)]
    seeds = [_checks.count("seeds", seed, 0) for seed in seeds]
    if not seeds:
        raise ValueError("seeds is empty: each network needs one, such as range(5).")
    T = _checks.count("T", T, 10)
    batches, fresh = np.random.default_rng([T, 1]), np.random.default_rng([T, 2])

    def error(network: cells.NetworkParams) -> np.ndarray:
        return until_solved.error_rate(network, *tasks.temporal_order(T, FRESH, fresh))

    objective = train.sequence_objective(losses.cross_entropy, penalty=method.penalty)
    solved = until_solved.until_solved(
        smart_tanh(seeds, dtype), objective, lambda: tasks.temporal_order(T, BATCH, batches), error, updates=updates,
        optimiser=train.SGD(method.rate), clip_norm=method.clip_norm, progress=False)
    first, longest = np.full((2, len(seeds)), np.nan)
    if until_solved.raise_if_interrupted(solved).left:
        left, places = solved.left
        first[places], longest[places] = left.history.grad_norm[0], left.history.grad_norm.max(0)
    return Outcome(solved.updates, first, longest)
