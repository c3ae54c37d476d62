"""Ways to start and to wire a network, compared on one task with one budget: what is left of the gradient at the start,
and how many updates it takes to learn.

The task is temporal order at T = 30; 32 units, Adam with two rates, clipping at norm 1. A network has learned once its
error on fresh sequences is below 2 %.
"""

from __future__ import annotations

from typing import Callable, Iterable, NamedTuple

import numpy as np

from ... import _checks, bptt, cells, initialise, losses, tasks, train, until_solved
from . import residual
from .residual import Paths

LENGTH, UNITS, BATCH, FRESH = 30, 32, 20, 200
RATES = 1e-3, 3e-3
SEEDS = tuple(range(5))


class Entry(NamedTuple):
    """One way: W_hh by name and gain, activation, paths, and the weight of regularise.vanishing_gradient."""

    recurrent: str = "uniform"
    gain: float = 1.0
    activation: str = "tanh"
    paths: Paths = Paths()
    penalty: float = 0.0


INITIALISERS = {
    "uniform, tanh": Entry(),
    "Gaussian, tanh": Entry("gaussian"),
    "orthogonal, tanh": Entry("orthogonal"),
    "identity, tanh": Entry("identity"),
    "sparse, tanh": Entry("sparse", .95),
    "uniform, ReLU": Entry(activation="relu"),
    "Gaussian √2, ReLU": Entry("gaussian", 2 ** .5, "relu"),
    "orthogonal √2, ReLU": Entry("orthogonal", 2 ** .5, "relu"),
    "identity, ReLU": Entry("identity", activation="relu")}
CURES = {
    "uniform + penalty 4": Entry(penalty=4.),
    "uniform + leak .9": Entry(paths=residual.leaky(.9)),
    "uniform + residual .1": Entry(paths=Paths(carry=1., step=.1)),
    "uniform + skip 5": Entry(paths=Paths(carry=.5, step=.5, skip=5)),
    "uniform + layer norm": Entry(paths=Paths(layer_norm=True)),
    "orthogonal + layer norm": Entry("orthogonal", paths=Paths(layer_norm=True))}
ENTRIES = {**INITIALISERS, **CURES}


class EntryResult(NamedTuple):
    """What one entry did.

    left     (seeds,)        |dL/dh_0| / |dL/dh_T| before training, the geometric mean over sequences
    updates  (rates, seeds)  after which it had learned; inf where it had not within the budget
    """

    left: np.ndarray
    updates: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """(seeds,) the updates at the rate that let most seeds learn; of two with equally many, the faster."""
        learned = np.isfinite(self.updates)
        total = np.where(learned, self.updates, 0).sum(1)
        return self.updates[max(range(len(total)), key=lambda i: (learned[i].sum(), -total[i]))]

    @property
    def solved(self) -> int:
        """How many seeds learned, at that rate."""
        return int(np.isfinite(self.best).sum())


def draw_networks(entry: Entry, seeds: Iterable[int] = SEEDS) -> cells.NetworkParams:
    """Return the networks of an entry as an ensemble, one for each seed; a seed always gives the same one.

    errors  TypeError or ValueError for an entry that cannot be trained, ValueError without seeds
    """
    _check(entry)
    drawn = [initialise.network(6, UNITS, 4, np.random.default_rng([seed, 0]), entry.recurrent, entry.gain)
             for seed in seeds]
    if not drawn:
        raise ValueError("seeds is empty, needs at least one.")
    return cells.tree_map(lambda *arrays: np.stack(arrays), *drawn)


def gradient_left(entry: Entry, T: int = LENGTH, seeds: Iterable[int] = SEEDS) -> np.ndarray:
    """Return |dL/dh_0| / |dL/dh_T| before training, (seeds,): the geometric mean over 50 sequences of the task."""
    nets = draw_networks(entry, seeds)
    x, _ = tasks.temporal_order(T, 50, np.random.default_rng(1))
    run = residual.forward_paths(nets.rnn, x, entry.paths, activation=entry.activation)
    direct = bptt.at_end(run, np.random.default_rng(2).normal(size=run.h.shape[2:]))
    size = np.linalg.norm(residual.backward_paths(run, direct).dh[[0, -1]], axis=-1)
    with np.errstate(divide="ignore"):
        return np.exp(np.log(size[0] / size[1]).mean(-1))


def entry_objective(entry: Entry) -> Callable:
    """Return the objective (network, x, labels) -> (loss, grads, ...) for train.train."""
    if _check(entry).paths == Paths():
        return train.sequence_objective(losses.cross_entropy, activation=entry.activation, penalty=entry.penalty)
    return residual.paths_objective(losses.cross_entropy, entry.paths, entry.activation)


def enter(entry: Entry | str, seeds: Iterable[int] = SEEDS, updates: int = 600, progress: bool = False) -> EntryResult:
    """Measure the gradient at the start, then train with each of the two rates until learned.

    entry    an Entry, or its name in ENTRIES
    updates  at most this many
    returns  EntryResult
    errors   ValueError or TypeError for an unknown entry or one that cannot be trained; KeyboardInterrupt goes on to
             the caller
    """
    if isinstance(entry, str):
        entry = ENTRIES[_checks.choice("entry", entry, ENTRIES)]
    seeds = tuple(seeds)
    nets = cells.tree_map(lambda array: np.concatenate([array] * len(RATES)), draw_networks(entry, seeds))
    data = np.random.default_rng(3)
    x, labels = tasks.temporal_order(LENGTH, FRESH, np.random.default_rng(4))

    def error(nets: cells.NetworkParams) -> np.ndarray:
        run = residual.forward_paths(nets.rnn, x, entry.paths, activation=entry.activation)
        return (cells.readout(nets.readout, run.h[-1]).argmax(-1) != labels).mean(-1)

    solved = until_solved.raise_if_interrupted(until_solved.until_solved(
        nets, entry_objective(entry), lambda: tasks.temporal_order(LENGTH, BATCH, data), error, updates=updates,
        below=.02, every=50, clip_norm=1., optimiser=train.Adam(np.repeat(RATES, len(seeds))), progress=progress))
    return EntryResult(gradient_left(entry, seeds=seeds), solved.updates.reshape(len(RATES), -1))


def _check(entry: Entry) -> Entry:
    if not isinstance(entry, Entry):
        raise TypeError(f"entry is {type(entry).__name__}, needs contest.Entry(recurrent, gain, activation, paths, "
                        f"penalty).")
    if entry.penalty and entry.paths != Paths():
        raise ValueError("entry has a penalty and other paths: the penalty is known for the simple network alone.")
    return entry
