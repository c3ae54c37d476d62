"""How long does it take to learn? Members of an ensemble that have learned, or diverged, leave it."""

from typing import Callable, Iterable, NamedTuple

import numpy as np

from . import _checks, bptt, train
from ._progress import progress_bar
from .cells import NetworkParams, leaves, readout


class Solved(NamedTuple):
    """What became of each member.

    updates   (E,) after which the error was first below the bound; inf where it never was
    error     (E,) as last measured
    diverged  (E,) whether it met a number that is not finite
    left      the Result of those that have not solved it, to go on with, and their places in the ensemble, or None
    """

    updates: np.ndarray
    error: np.ndarray
    diverged: np.ndarray
    left: tuple[train.Result, np.ndarray] | None

    @property
    def solved(self) -> np.ndarray:
        """(E,) which members solved it."""
        return np.isfinite(self.updates)

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped from the keyboard."""
        return self.left is not None and self.left[0].interrupted


def until_solved(params, objective: Callable, batches: Callable | Iterable, error: Callable, *, updates: int,
                 below: float = 0.01, every: int = 100, optimiser=train.SGD(0.1), clip_norm: float | None = None,
                 progress: bool = True) -> Solved:
    """Train an ensemble until the error of each member is below a bound, and count its updates.

    params   an ensemble, or the Result of one to go on with, which keeps its own optimiser
    error    params -> (E,), the error of each member on fresh sequences; it is measured every `every` updates
    updates  at most this many
    below    the bound: 0.01 is less than 1 %
    returns  Solved; after a keyboard interrupt what is known until then
    errors   as train.train, but a member that diverges leaves the ensemble and is counted

    The members see the same batches. Data for training and for measuring come from generators of their own.
    """
    updates, every = _checks.count("updates", updates), _checks.count("every", every)
    _checks.positive("below", below)
    E = _members(params.params if isinstance(params, train.Result) else params)
    run = train.begun(params, optimiser)
    at, errors, diverged, places = np.full(E, np.inf), np.full(E, np.nan), np.zeros(E, bool), np.arange(E)
    with progress_bar(updates, progress, " updates") as bar:
        for done in range(0, updates, every):
            chunk = min(every, updates - done)
            run, places = _advance(run, places, diverged, objective, batches, chunk, clip_norm)
            if not len(places) or run.interrupted:
                break
            errors[places] = measured = _one_each(error(run.params), len(places))
            at[places[measured < below]] = done + chunk
            run, places = run.members(measured >= below), places[measured >= below]
            bar.update(chunk)
            bar.set_postfix_str(f"{np.isfinite(at).sum()} of {E} solved")
    return Solved(at, errors, diverged, (run, places) if len(places) else None)


def raise_if_interrupted(result: train.Result | Solved) -> train.Result | Solved:
    """Return what train.train or until_solved gave, unless it was stopped from the keyboard.

    errors  KeyboardInterrupt if it was

    An interrupted run must not be mistaken for a result.
    """
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def error_rate(network: NetworkParams, x: np.ndarray, labels: np.ndarray, activation: str = "tanh") -> np.ndarray:
    """The share of sequences whose label is not the largest output at the end, (E,) for an ensemble.

    x       (T, ..., B, D); labels (B,)
    errors  as bptt.forward
    """
    y = readout(network.readout, bptt.forward(network.rnn, x, activation=activation).h[-1])
    return (y.argmax(-1) != labels).mean(-1)


def _advance(run, places, diverged, objective, batches, chunk: int, clip_norm):
    """A few more updates; members that diverge are left out from there on, and the others go on."""
    goal = run.updates + chunk
    while len(places) and run.updates < goal:
        try:
            run = train.train(run, objective, batches, updates=goal - run.updates, optimiser=run.optimiser,
                              clip_norm=clip_norm, progress=False)
            break
        except train.Diverged as problem:
            if problem.member is None:
                raise
            stays = np.arange(len(places)) != problem.member
            diverged[places[problem.member]] = True
            run, places = problem.result.members(stays), places[stays]
    return run, places


def _members(params) -> int:
    sizes = {array.shape[:1] for _, array in leaves(params)}
    if len(sizes) != 1 or sizes == {()} or sizes == {(0,)}:
        raise ValueError(f"params has the leading sizes {sorted(sizes)}, needs an ensemble: every array with the members' "
                         f"axis in front. initialise.network(..., members=5) makes one.")
    return sizes.pop()[0]


def _one_each(errors, members: int) -> np.ndarray:
    errors = _checks.array("error(params)", errors)
    if errors.shape != (members,):
        raise ValueError(f"error(params) has shape {errors.shape}, needs ({members},): one number for each member that "
                         f"is left. Members leave when they have solved the task.")
    return errors
