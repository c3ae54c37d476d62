"""What a project's data can tell about itself: is the task one, is the comparison fair?

    print(rubric.look(my_task, distance=40))
    trials = [rubric.Trial("plain", 40, seed, updates=700, score=...) for seed in range(5)] + ...
    print(rubric.audit(trials, floor=.75, success=.85, predicted={"orthogonal": True, "clipped": False}))

Of the ten criteria of the final project six are settled by numbers, and four by a reader.
"""

from __future__ import annotations

from typing import Callable, Iterable, Mapping, NamedTuple

import numpy as np

from ... import _checks

KNOWN, ASKED, NEIGHBOURS, CHUNK = 2000, 1000, 31, 100
SEEDS, CURES = 5, 3  # for full points
SLACK = .03  # what a criterion may move without moving a count


class Task(NamedTuple):
    """What `look` saw.

    name, distance     of the function, and what it was called with
    steps, inputs      x is (steps, batch, inputs)
    classes            how many labels there are
    chance             the share of the commonest
    floor, seen        the share that is right for who reads the last `seen` steps alone
    """

    name: str
    distance: int
    steps: int
    inputs: int
    classes: int
    chance: float
    floor: float
    seen: int

    def __str__(self) -> str:
        last = "the last step" if self.seen == 1 else f"the last {self.seen} steps"
        return (f"{self.name} at distance {self.distance}: x ({self.steps}, batch, {self.inputs}), "
                f"{self.classes} classes. Right by guessing: {self.chance:.2f}; by {last} alone: {self.floor:.2f}.")


class Trial(NamedTuple):
    """One trained network.

    method    its name; "plain" is the network that has to fail
    distance  the dial
    seed      of its weights and batches
    updates   how many it was given
    score     the share of new sequences it answers rightly, 0 to 1
    """

    method: str
    distance: int
    seed: int
    updates: int
    score: float


class Mark(NamedTuple):
    """Points for one criterion, 0 to 2, and why; None where a reader has to judge."""

    criterion: str
    points: int | None
    why: str


class Audit(NamedTuple):
    """A Mark for each criterion of the rubric."""

    marks: tuple[Mark, ...]

    @property
    def points(self) -> int:
        """Points that the data earns, of 12."""
        return sum(mark.points or 0 for mark in self.marks)

    def __str__(self) -> str:
        lines = [f"{'-' if mark.points is None else mark.points} of 2  {mark.criterion}: {mark.why}"
                 for mark in self.marks]
        settled = 2 * sum(mark.points is not None for mark in self.marks)
        return "\n".join([*lines, f"{self.points} of {settled} by the data; {2 * len(lines) - settled} more are for a "
                                  f"reader to give."])


READER = (("The task", "could somebody else write the generator from your text?"),
          ("The diagnosis", "before and after training, with numbers?"),
          ("The cause", "is the gradient measured again under every cure?"),
          ("The report", "does it say what surprised, and what was not tried?"))


def look(make: Callable, distance: int, seen: int = 1, seed: int = 0) -> Task:
    """Check a task's shapes, and measure what can be answered without memory.

    make      (distance, batch, rng) -> x (steps, batch, inputs), labels (batch,) of whole numbers from 0
    distance  the dial, at least 1; twice as much has to make longer sequences
    seen      how many last steps the reader without memory sees
    returns   Task; its floor comes from the nearest neighbors among 2000 other sequences
    errors    TypeError or ValueError that say what is wrong with make
    """
    distance, seen = _checks.count("distance", distance), _checks.count("seen", seen)
    if not callable(make):
        raise TypeError(f"make is {type(make).__name__}, needs the function itself, such as my_task without ().")
    name = getattr(make, "__name__", type(make).__name__)
    x, labels = _drawn(make, name, distance, KNOWN + ASKED, np.random.default_rng(seed))
    again, _ = _drawn(make, name, distance, KNOWN + ASKED, np.random.default_rng(seed))
    if not np.array_equal(x, again):
        raise ValueError(f"{name} gives other sequences for the same seed. Draw everything from the rng it is given, "
                         f"nothing from np.random.")
    farther, _ = _drawn(make, name, 2 * distance, KNOWN + ASKED, np.random.default_rng(seed))
    if len(farther) <= len(x):
        raise ValueError(f"{name} has {len(x)} steps at distance {distance} and {len(farther)} at {2 * distance}: the "
                         f"dial does not turn. More distance needs more steps.")
    if seen >= len(x):
        raise ValueError(f"seen is {seen}, needs to be below the {len(x)} steps: who sees all needs no memory.")
    counts = np.bincount(labels)
    if len(counts) < 2 or not counts.all():
        raise ValueError(f"{name} gives the labels {np.flatnonzero(counts).tolist()} in {len(labels)} sequences, needs "
                         f"at least two classes, 0, 1, ... without a gap.")
    end = x[-seen:].swapaxes(0, 1).reshape(len(labels), -1)
    answers = _by_neighbours(end[:KNOWN], labels[:KNOWN], end[KNOWN:])
    return Task(name, distance, len(x), x.shape[2], len(counts), float(counts.max() / len(labels)),
                float((answers == labels[KNOWN:]).mean()), seen)


def audit(trials: Iterable[Trial], *, floor: float, success: float, predicted: Mapping[str, bool],
          plain: str = "plain") -> Audit:
    """Return which points of the rubric the data earns.

    trials     of all methods at the longest distance, and of the plain network at a short one too
    floor      the score without memory, 0 to 1
    success    the score from which on a network counts as having learned
    predicted  {method: will it learn?}, as written down before training
    plain      the name of the network that has to fail
    returns    Audit; without trials nothing is earned
    errors     TypeError or ValueError for what is no trial, one that stands twice, or names that do not fit

    What it cannot see: whether success and the predictions really were written down before.
    """
    floor, success = _share("floor", floor), _share("success", success)
    trials = [_trial(trial) for trial in trials]
    methods = list(dict.fromkeys(trial.method for trial in trials))
    _refuse(trials, methods, predicted, plain)
    if not trials:
        marks = [Mark(name, 0, "no trials yet") for name in
                 ("The dial", "The seeds", "The budget", "The criterion", "The cures", "The predictions")]
        return Audit((*marks, *(Mark(name, None, question) for name, question in READER)))
    near, far = (pick(trial.distance for trial in trials if trial.method == plain) for pick in (min, max))
    at_far = {method: [trial for trial in trials if (trial.method, trial.distance) == (method, far)]
              for method in methods}
    learned = {method: sum(trial.score >= success for trial in runs) for method, runs in at_far.items()}
    marks = (_dial([trial.score >= success for trial in trials if (trial.method, trial.distance) == (plain, near)],
                   learned[plain], len(at_far[plain]), near, far),
             _seeds(at_far), _budget(at_far, plain), _criterion(at_far, floor, success),
             _cures(at_far, learned, plain), _predictions(learned, at_far, predicted, plain))
    return Audit((*marks, *(Mark(name, None, question) for name, question in READER)))


def _dial(near: list[bool], learned: int, runs: int, shortest: int, longest: int) -> Mark:
    why = f"plain learns {sum(near)} of {len(near)} at {shortest}, {learned} of {runs} at {longest}"
    if shortest == longest:
        return Mark("The dial", 0, f"only the distance {longest}: nothing shows that distance is the cause")
    return Mark("The dial", 2 if all(near) and not learned else int(sum(near) / len(near) > learned / runs), why)


def _seeds(at_far: Mapping[str, list[Trial]]) -> Mark:
    seeds = {method: {trial.seed for trial in runs} for method, runs in at_far.items()}
    fewest = min(seeds, key=lambda method: len(seeds[method]))
    if len(set(map(frozenset, seeds.values()))) > 1:
        return Mark("The seeds", 0, f"not the same for all methods: {fewest} has {sorted(seeds[fewest])}")
    n = len(seeds[fewest])
    return Mark("The seeds", 2 if n >= SEEDS else int(n >= 3), f"{n} for each method, the same")


def _budget(at_far: Mapping[str, list[Trial]], plain: str) -> Mark:
    given = {method: {trial.updates for trial in runs} for method, runs in at_far.items()}
    if len(set().union(*given.values())) == 1:
        return Mark("The budget", 2, f"{min(given[plain])} updates for all")
    most = max((method for method in given if method != plain), key=lambda method: max(given[method]), default=plain)
    if max(given[most]) > min(given[plain]):
        return Mark("The budget", 0, f"{most} was given {max(given[most])} updates, plain {min(given[plain])}")
    return Mark("The budget", 1, "not equal, but no method was given more than plain")


def _criterion(at_far: Mapping[str, list[Trial]], floor: float, success: float) -> Mark:
    if success <= floor:
        return Mark("The criterion", 0, f"{success:g} is no more than the floor {floor:g}: nobody needs memory for it")
    near = [trial for runs in at_far.values() for trial in runs if abs(trial.score - success) <= SLACK]
    if near:
        return Mark("The criterion", 1, f"{len(near)} trials lie within {SLACK} of {success:g}")
    return Mark("The criterion", 2, f"no trial lies within {SLACK} of {success:g}")


def _cures(at_far: Mapping[str, list[Trial]], learned: Mapping[str, int], plain: str) -> Mark:
    if learned[plain]:
        return Mark("The cures", 0, f"plain itself learned {learned[plain]} times: it is not sick")
    cured = [method for method, runs in at_far.items() if learned[method] == len(runs)]
    return Mark("The cures", 2 if len(cured) >= CURES else int(len(cured) > 0),
                f"{len(cured)} learn with every seed" + (f": {', '.join(cured)}" if cured else ""))


def _predictions(learned: Mapping[str, int], at_far: Mapping[str, list[Trial]], predicted: Mapping[str, bool],
                 plain: str) -> Mark:
    asked = [method for method in at_far if method != plain]
    made = [method for method in asked if method in predicted]
    held = [method for method in made if learned[method] == predicted[method] * len(at_far[method])]
    why = f"{len(made)} of {len(asked)} methods, {len(held)} came true"
    if made and all(predicted[method] for method in made):
        return Mark("The predictions", 1, f"{why}; none that says what will not help")
    return Mark("The predictions", 2 if made and len(made) == len(asked) else int(bool(made)), why)


def _drawn(make: Callable, name: str, distance: int, batch: int, rng) -> tuple[np.ndarray, np.ndarray]:
    made = make(distance, batch, rng)
    if not isinstance(made, tuple) or len(made) != 2:
        raise TypeError(f"{name} returned {type(made).__name__}, needs the two arrays x, labels.")
    x, labels = _checks.array("x", made[0]), _checks.array("labels", made[1])
    if x.ndim != 3 or x.shape[1] != batch:
        likely = (" If x is batch-first, return x.transpose(1, 0, 2)." if x.ndim == 3 and len(x) == batch else
                  " One number a step still needs its axis: x[..., None]." if x.ndim == 2 else "")
        raise ValueError(f"x has shape {x.shape}, needs (steps, {batch}, inputs) for a batch of {batch}.{likely}")
    if labels.shape != (batch,):
        raise ValueError(f"labels has shape {labels.shape}, needs ({batch},): one class for each sequence.")
    if labels.dtype.kind not in "iub":
        raise TypeError(f"labels has dtype {labels.dtype}, needs classes: whole numbers from 0. Make two of a number, "
                        f"such as (target > np.median(target)).astype(int).")
    if labels.min() < 0:
        raise ValueError(f"labels holds {labels.min()}, needs whole numbers from 0.")
    return x, labels.astype(int)


def _by_neighbours(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The commonest label among the nearest known rows, for each row asked; some rows at a time save memory."""
    answers = np.empty(len(asked), int)
    for i in range(0, len(asked), CHUNK):
        distance = ((asked[i:i + CHUNK, None] - known) ** 2).sum(-1)
        nearest = labels[np.argsort(distance, axis=1, kind="stable")[:, :NEIGHBOURS]]
        votes = (nearest[..., None] == np.arange(labels.max() + 1)).sum(1)
        answers[i:i + CHUNK] = votes.argmax(1)
    return answers


def _trial(value) -> Trial:
    if not isinstance(value, tuple) or len(value) != len(Trial._fields):
        raise TypeError(f"trials hold {value!r}, needs rubric.Trial({', '.join(Trial._fields)}).")
    trial = Trial(*value)
    if not isinstance(trial.method, str) or not trial.method:
        raise TypeError(f"method is {trial.method!r}, needs a name.")
    return Trial(trial.method, _checks.count("distance", trial.distance), _checks.count("seed", trial.seed, 0),
                 _checks.count("updates", trial.updates), _share("score", trial.score))


def _refuse(trials: list[Trial], methods: list[str], predicted: Mapping[str, bool], plain: str) -> None:
    """Raise for trials that stand twice, and for names or predictions that do not fit them."""
    places = [trial[:3] for trial in trials]
    twice = [place for place in places if places.count(place) > 1]
    if twice:
        raise ValueError(f"{twice[0][0]!r} at distance {twice[0][1]} with seed {twice[0][2]} stands twice. If a cell "
                         f"ran again, start from an empty list.")
    if not isinstance(predicted, Mapping) or not {type(will) for will in predicted.values()} <= {bool, np.bool_}:
        raise TypeError(f"predicted is {predicted!r}, needs {{method: True or False}}.")
    if not trials:
        return
    unknown = [name for name in (plain, *predicted) if name not in methods]
    if unknown:
        raise ValueError(f"there is no trial of {unknown[0]!r}; methods are {', '.join(map(repr, methods))}.")
    far = max(trial.distance for trial in trials if trial.method == plain)
    missing = [name for name in methods if not any(trial[:2] == (name, far) for trial in trials)]
    if missing:
        raise ValueError(f"{missing[0]!r} was not tried at distance {far}, where plain was. Methods are compared at "
                         f"the longest distance of plain.")


def _share(name: str, value) -> float:
    number = _checks.real(name, value)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is {number:g}, needs a share from 0 to 1. Divide by 100 if it is in percent.")
    return number
