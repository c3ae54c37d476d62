"""One trainer, for one network or an ensemble whose members live along a leading axis of every array."""

import inspect
from dataclasses import dataclass, field
from typing import Callable, Iterable, Iterator, NamedTuple

import numpy as np

from . import _checks, bptt, regularise
from ._progress import progress_bar
from .cells import leaves, tree_map
from .clipping import clip_by_norm, global_norm

EXPLODED = "Usual causes: a rate that is too large, or a gradient that exploded. Look at history.grad_norm just before."


class SGD(NamedTuple):
    """Plain stochastic gradient descent, p <- p - rate dL/dp. rate: a number, or one for each member, (E,)."""

    rate: float | np.ndarray

    def start(self, params):
        """State before the first update: none."""
        return SGDState()

    def update(self, params, grads, state) -> tuple:
        """Return the new parameters and the new state; the old ones stay as they are."""
        return tree_map(lambda p, g: p - _per_member(self.rate, p) * g, params, grads), state


class SGDState(NamedTuple):
    """Plain gradient descent remembers nothing."""


class Adam(NamedTuple):
    """Adam: p <- p - rate m' / (sqrt(v') + eps), m and v running means of dL/dp and its square, ' for unbiased.

    rate    a number, or one for each member, (E,)
    source  Kingma and Ba 2015, Algorithm 1
    """

    rate: float | np.ndarray = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def start(self, params):
        """State before the first update."""
        zeros = tree_map(np.zeros_like, params)
        return AdamState(0, zeros, zeros)

    def update(self, params, grads, state) -> tuple:
        """Return the new parameters and the new state; the old ones stay as they are."""
        k, m, v = state
        k += 1
        m = tree_map(lambda m, g: self.beta1 * m + (1 - self.beta1) * g, m, grads)
        v = tree_map(lambda v, g: self.beta2 * v + (1 - self.beta2) * g * g, v, grads)
        unbias1, unbias2 = 1 - self.beta1**k, 1 - self.beta2**k

        def moved(p, m, v):
            return p - _per_member(self.rate, p) * (m / unbias1) / (np.sqrt(v / unbias2) + self.eps)

        return tree_map(moved, params, m, v), AdamState(k, m, v)


class AdamState(NamedTuple):
    """What Adam remembers: updates so far, the running means of the gradient and of its square."""

    updates: int
    m: tuple
    v: tuple


def sequence_objective(loss: Callable, at: str = "last", activation: str = "tanh", window: int | None = None,
                       penalty: float = 0.0) -> Callable:
    """Return the objective (network, x, target) -> bptt.Evaluation for `train`; arguments as in bptt.loss_and_grads.

    penalty  weight of regularise.vanishing_gradient, which is added to the loss and to the gradient of W_hh
    errors   TypeError or ValueError for a penalty that is not a number from 0 up

    Each call overwrites the arrays of the one before, so that a training run allocates them once.
    """
    last: list[bptt.Evaluation | None] = [None]
    if _checks.real("penalty", penalty) < 0:
        raise ValueError(f"penalty is {penalty}, needs to be 0 or above: below 0 it would reward vanishing.")

    def objective(network, x, target) -> bptt.Evaluation:
        evaluation = last[0] = bptt.loss_and_grads(network, x, target, loss, at, activation, window=window, reuse=last[0])
        if not penalty:
            return evaluation
        omega, rnn = regularise.vanishing_gradient(evaluation.back), evaluation.grads.rnn
        grads = evaluation.grads._replace(rnn=rnn._replace(W_hh=rnn.W_hh + penalty * omega.dW_hh))
        return evaluation._replace(loss=evaluation.loss + penalty * omega.value, grads=grads)

    return objective


class History(NamedTuple):
    """What happened at each update, as plain arrays; (E,) is the axis of an ensemble, absent for one network.

    loss       (updates, E)  before the update
    grad_norm  (updates, E)  of all gradients together, before clipping
    clipped    (updates, E)  whether it was clipped
    evaluated_at, evaluation  the updates after which `evaluate` was called, and what it returned
    """

    loss: np.ndarray
    grad_norm: np.ndarray
    clipped: np.ndarray
    evaluated_at: np.ndarray
    evaluation: np.ndarray


@dataclass
class Result:
    """A training run so far: enough to read it and to go on with it (pass it to `train` in place of params)."""

    params: tuple
    history: History
    optimiser: SGD | Adam
    optimiser_state: tuple = field(repr=False)
    interrupted: bool = False

    @property
    def updates(self) -> int:
        """How many updates were done."""
        return len(self.history.loss)

    def members(self, which) -> "Result":
        """The same run for some members of an ensemble alone. which: indices, or a mask (E,)."""
        which = np.arange(self.history.loss.shape[1])[which]

        def of(array):
            return array[which] if np.ndim(array) else array

        *columns, evaluated_at, evaluation = self.history
        history = History(*(column[:, which] for column in columns), evaluated_at,
                          evaluation[:, which] if len(evaluation) else evaluation)
        return Result(tree_map(of, self.params), history, self.optimiser._replace(rate=of(self.optimiser.rate)),
                      tree_map(of, self.optimiser_state), self.interrupted)

    def __repr__(self) -> str:
        last = f", last loss {np.mean(self.history.loss[-1]):.3g}" if self.updates else ""
        return f"Result({self.updates} updates{last}{', interrupted' if self.interrupted else ''})"


class Diverged(FloatingPointError):
    """Training met a number that is not finite.

    result  the run up to the last good update
    update  the update that failed, counted from 0
    array   the first array that is not finite, in the order of computation: inputs, states, loss, gradients, parameters
    index   where in it; for run.h the first entry is the time step
    member  which member of an ensemble it belongs to; None for one network, or for a batch that all members share
    """

    def __init__(self, array: str, index: tuple[int, ...], value: float, cause: str, result: Result):
        at = f" at index {index}" if index else ""
        super().__init__(f"update {result.updates}: {array} is {value}{at}. {cause}")
        self.result, self.update, self.array, self.index = result, result.updates, array, index
        behind_time = array == "run.h"  # (T + 1, E, B, H); all else has the members in front
        self.member = index[behind_time] if result.history.loss.ndim > 1 and not array.startswith("batch") else None
        self._made_from = array, index, value, cause, result

    def __reduce__(self):
        return Diverged, self._made_from


class OutOfBatches(ValueError):
    """The batches ended before the updates did. `.result` is the run so far: pass it to `train` to go on."""

    def __init__(self, result: Result):
        super().__init__(f"batches ran out after {result.updates} updates. Pass a function, or ask for fewer updates; "
                         f"what was done is in .result.")
        self.result = result

    def __reduce__(self):
        return OutOfBatches, (self.result,)


def train(params, objective: Callable, batches: Callable | Iterable, *, updates: int, optimiser=SGD(0.1),
          clip_norm: float | None = None, evaluate: Callable | None = None, evaluate_every: int = 100,
          progress: bool = True) -> Result:
    """Train one network or an ensemble: draw a batch, take the gradient, clip it if asked to, update.

    params     a (nested) NamedTuple of arrays such as NetworkParams, or the Result of an earlier call, to go on with it
    objective  (params, *batch) -> (loss, grads, ...); loss a number or (E,), grads like params; for a NetworkParams
               sequence_objective(losses.cross_entropy)
    batches    a function without arguments or an iterable; gives a tuple such as (x, target)
    updates    how many, >= 1
    optimiser  SGD(rate) or Adam(rate)
    clip_norm  largest allowed joint gradient norm of a member; None for no clipping
    evaluate   params -> a number or array, called every `evaluate_every` updates and kept in history.evaluation
    progress   whether to show a bar
    returns    Result. On a keyboard interrupt: what there is so far, with .interrupted set
    errors     Diverged, a FloatingPointError, naming the update and the first array that is not finite; OutOfBatches;
               whatever objective, batches or evaluate raise. The error's .result holds all that came before.
               ValueError and TypeError for arguments that cannot work.
    """
    updates, evaluate_every = _checks.count("updates", updates), _checks.count("evaluate_every", evaluate_every)
    if clip_norm is not None:
        _checks.positive("clip_norm", clip_norm)
    draw = _drawing(batches)
    past = begun(params, optimiser)
    if type(past.optimiser) is not type(optimiser):
        raise ValueError(f"optimiser is {optimiser!r}, but the run to go on with used {past.optimiser!r}. Pass one of "
                         f"that kind, or start afresh from its .params.")
    params, state, done = past.params, past.optimiser_state, past.updates
    rows, marks = [], []  # (loss, norm, clipped) of each update; (update, value) of each evaluation
    last_whole = params, state, 0  # of the last whole update: replaced in one step, so that no interrupt can split it
    lead: tuple[int, ...] = ()

    def result(interrupted: bool = False) -> Result:
        params, state, count = last_whole
        kept = [mark for mark in marks if mark[0] <= done + count]
        return Result(params, _history(rows[:count], kept, lead, past.history), optimiser, state, interrupted)

    with progress_bar(updates, progress, " updates") as bar, np.errstate(all="ignore"):  # overflow is looked for below, and named
        try:
            for update in range(done + 1, done + updates + 1):
                try:
                    batch = draw()
                except StopIteration:
                    raise OutOfBatches(result()) from None
                outcome = objective(params, *_as_arguments(batch))
                loss = np.array(outcome[0])  # a copy: the objective may use its arrays again
                if not rows:
                    lead = loss.shape
                    _check_outcome(params, outcome[1], lead, optimiser)
                grads = tree_map(lambda p, g: np.asarray(g, p.dtype), params, outcome[1])
                norm = global_norm(grads, lead)
                if not (np.isfinite(loss).all() and np.isfinite(norm).all()):
                    raise Diverged(*_checks.first_nonfinite(_in_order(batch, outcome, grads, norm)), EXPLODED, result())
                clipped = np.zeros(lead, bool)
                if clip_norm is not None:
                    grads, norm, clipped = clip_by_norm(grads, clip_norm, lead)
                params, state = optimiser.update(params, grads, state)
                broken = _checks.first_nonfinite([*leaves(params, "params"), *leaves(state, "optimiser")])
                if broken:
                    raise Diverged(*broken, f"The gradient was finite, its norm {np.max(norm):.1e}; the step itself "
                                            f"overflowed: the rate is too large, or clip_norm is needed.", result())
                rows.append((loss, norm, clipped))
                last_whole = params, state, len(rows)
                if evaluate is not None and update % evaluate_every == 0:
                    marks.append((update, _evaluated(evaluate(params), marks, past.history)))
                bar.update()
            return result()
        except KeyboardInterrupt:
            return result(interrupted=True)
        except Exception as error:  # of the learner's own functions: what was done until then is not lost
            if not hasattr(error, "result"):
                error.result = result()
                error.add_note(f"It happened after {error.result.updates} updates; they are in this error's .result.")
            raise


def begun(params, optimiser: SGD | Adam) -> Result:
    """A run to go on with: `params` if that is a Result, else one without any update yet.

    errors  as `train`, for params and optimiser
    """
    _check_optimiser(optimiser)
    if isinstance(params, Result):
        return params
    params = tree_map(lambda leaf: _checks.floating("params", leaf), params)
    return Result(params, History(*np.empty((5, 0))), optimiser, optimiser.start(params))


def _as_arguments(batch) -> tuple:
    if not isinstance(batch, (tuple, list)):
        fix = " A generator function has to be called: pass gen()." if inspect.isgenerator(batch) else ""
        raise TypeError(f"batches gave {type(batch).__name__}, needs a tuple such as (x, target), new for each "
                        f"update: lambda: tasks.recall(20, 50, rng).{fix}")
    return tuple(batch)


def _check_outcome(params, grads, lead: tuple[int, ...], optimiser) -> None:
    """Say, once, where gradients, members and rates do not fit: numpy would broadcast them into wrong numbers."""
    have, came = dict(leaves(params, "params")), dict(leaves(grads, "params"))
    if have.keys() != came.keys():
        raise ValueError(f"the objective gave gradients for {list(came)}, needs {list(have)}, like the parameters.")
    for name, array in have.items():
        if np.shape(came[name]) != array.shape:
            raise ValueError(f"the gradient of {name} has shape {np.shape(came[name])}, needs {array.shape}.")
        if array.shape[:len(lead)] != lead:
            raise ValueError(f"{name} has shape {array.shape}, but the loss has the shape {lead}: one for each member. "
                             f"Every array needs the members' axis in front; np.broadcast_to(array, ...).copy() adds it.")
    if np.ndim(optimiser.rate) and np.shape(optimiser.rate) != lead:
        raise ValueError(f"rate has shape {np.shape(optimiser.rate)}, but the loss has the shape {lead}: pass one "
                         f"number, or one for each member of an ensemble.")


def _evaluated(value, marks, past: History) -> np.ndarray:
    """The value as an array of its own, if it has the shape of those before."""
    value = np.array(value)
    before = [mark[1] for mark in marks[:1]] + list(past.evaluation[:1])
    if before and value.shape != np.shape(before[0]):
        raise ValueError(f"evaluate returned shape {value.shape}, before it was {np.shape(before[0])}: a history needs "
                         f"one shape.")
    return value


def _drawing(batches) -> Callable:
    if callable(batches):
        return batches
    try:
        return iter(batches).__next__
    except TypeError:
        raise TypeError(f"batches is {type(batches).__name__}, needs a function without arguments or an iterable that "
                        f"gives batches, for example lambda: tasks.recall(20, 50, rng).") from None


def _check_optimiser(optimiser) -> None:
    if not isinstance(optimiser, (SGD, Adam)):
        raise TypeError(f"optimiser is {optimiser!r}, needs train.SGD(rate) or train.Adam(rate).")
    rate = _checks.array("rate", optimiser.rate)
    if (rate <= 0).any():
        raise ValueError(f"rate is {optimiser.rate}, needs to be above 0.")
    if isinstance(optimiser, Adam):
        if not (0 <= optimiser.beta1 < 1 and 0 <= optimiser.beta2 < 1):
            raise ValueError(f"beta1 and beta2 are {optimiser.beta1} and {optimiser.beta2}, need to be in [0, 1).")
        _checks.positive("eps", optimiser.eps)


def _per_member(rate, like: np.ndarray):
    """Shape a rate so that it multiplies each member's array, in that array's dtype."""
    rate = np.asarray(rate, like.dtype)
    return rate.reshape(rate.shape + (1,) * (like.ndim - rate.ndim))


def _history(rows, marks, lead: tuple[int, ...], past: History) -> History:
    columns = [[row[i] for row in rows] for i in range(3)]
    new = [np.array(column, kind).reshape(-1, *lead) for column, kind in zip(columns, (float, float, bool))]
    new += [np.array([mark[0] for mark in marks], int), np.array([mark[1] for mark in marks])]
    return History(*(b if not len(a) else a if not len(b) else np.concatenate([a, b]) for a, b in zip(past, new)))


def _in_order(batch, outcome, grads, norm: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What an update computes, in the order of computation: inputs, states, loss, gradients."""
    yield from ((f"batch[{i}]", part) for i, part in enumerate(batch))
    if isinstance(outcome, bptt.Evaluation):
        yield "run.h", outcome.run.h
    yield "loss", outcome[0]
    yield from leaves(grads, "grads")
    yield "the norm of grads", norm
