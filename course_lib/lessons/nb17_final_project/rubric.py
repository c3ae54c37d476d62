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
BY_DATA = "The dial", "The seeds", "The budget", "The criterion", "The cures", "The predictions"
BY_READER = {"The task": "could somebody else write the generator from your text?",
             "The diagnosis": "before and after training, with numbers?",
             "The cause": "is the gradient measured again under every cure?",
             "The report": "does it say what surprised, and what was not tried?"}


class Task(NamedTuple):
    """What `look` saw.

    name, distance     of the function, and what it was called with
    steps, inputs      x is (steps, batch, inputs)
    classes            how many labels there are
    chance             the share of the most common one
    floor, seen        the accuracy of a reader who sees only the last `seen` steps
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
    score     the share of new sequences it answers correctly, 0 to 1
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


def look(make: Callable, distance: int, seen: int = 1, seed: int = 0) -> Task:
    """Check a task's shapes, and measure what can be answered without memory.

    make      (distance, batch, rng) -> x (steps, batch, inputs), labels (batch,) of whole numbers from 0
    distance  the dial, at least 1; twice as much has to make longer sequences
    seen      how many of the last steps the reader without memory sees
    returns   Task; its floor comes from the nearest neighbors among 2000 other sequences
    errors    TypeError or ValueError saying what is wrong with make
    """
    distance, seen = _checks.count("distance", distance), _checks.count("seen", seen)
    if not callable(make):
        raise TypeError(f"make is {type(make).__name__}, needs the function itself, such as my_task without ().")
    name = getattr(make, "__name__", type(make).__name__)
    x, labels = _drawn(make, name, distance, KNOWN + ASKED, np.random.default_rng(seed))
    again, _ = _drawn(make, name, distance, KNOWN + ASKED, np.random.default_rng(seed))
    if not np.array_equal(x, again):
        raise ValueError(f"{name} gives different sequences for the same seed. Draw everything from the rng it is "
                         f"given, nothing from np.random.")
    farther, _ = _drawn(make, name, 2 * distance, KNOWN + ASKED, np.random.default_rng(seed))
    if len(farther) <= len(x):
        raise ValueError(f"{name} has {len(x)} steps at distance {distance} and {len(farther)} at {2 * distance}: the "
                         f"dial does not turn. More distance needs more steps.")
    if seen >= len(x):
        raise ValueError(f"seen is {seen}, needs to be below the {len(x)} steps: a reader who sees every step needs "
                         f"no memory.")
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
    errors     TypeError or ValueError for anything but trials, a trial listed twice, or names that do not fit

    What it cannot see: whether success and the predictions really were written down before.
    """
    floor, success = _share("floor", floor), _share("success", success)
    trials = [_trial(trial) for trial in trials]
    methods = list(dict.fromkeys(trial.method for trial in trials))
    _refuse(trials, methods, predicted, plain)
    if trials:
        found = _points(trials, methods, floor, success, predicted, plain)
    else:
        found = dict.fromkeys(BY_DATA, (0, "no trials yet"))
    return Audit((*(Mark(name, *found[name]) for name in BY_DATA),
                  *(Mark(name, None, question) for name, question in BY_READER.items())))


def _points(trials: list[Trial], methods: list[str], floor: float, success: float, predicted: Mapping[str, bool],
            plain: str) -> dict[str, tuple[int, str]]:
    """{criterion: (points, why)}: of each criterion the first row of the table whose condition is true."""
    short, far = (pick(trial.distance for trial in trials if trial.method == plain) for pick in (min, max))
    runs = {method: [trial for trial in trials if trial[:2] == (method, far)] for method in methods}
    learned = {method: sum(trial.score >= success for trial in runs[method]) for method in methods}
    near = [trial.score >= success for trial in trials if trial[:2] == (plain, short)]
    dial = f"plain learns {sum(near)} of {len(near)} at {short}, {learned[plain]} of {len(runs[plain])} at {far}"
    seeds, given = ({method: {getattr(trial, what) for trial in runs[method]} for method in methods}
                    for what in ("seed", "updates"))
    fewest = min(seeds, key=lambda method: len(seeds[method]))
    n, same = len(seeds[fewest]), f"{len(seeds[fewest])} for each method, the same"
    others = [method for method in methods if method != plain]
    most = max(others, key=lambda method: max(given[method]), default=plain)
    close = sum(abs(trial.score - success) <= SLACK for each in runs.values() for trial in each)
    cured = [method for method in methods if learned[method] == len(runs[method])]
    every = f"{len(cured)} learn with every seed" + (f": {', '.join(cured)}" if cured else "")
    made = [method for method in others if method in predicted]
    held = sum(learned[method] == predicted[method] * len(runs[method]) for method in made)
    came = f"{len(made)} of {len(others)} methods, {held} came true"
    table = {
        "The dial": [
            (short == far, 0, f"only the distance {far}: nothing shows that distance is the cause"),
            (all(near) and not learned[plain], 2, dial),
            (sum(near) / len(near) > learned[plain] / len(runs[plain]), 1, dial),
            (True, 0, dial)],
        "The seeds": [
            (len(set(map(frozenset, seeds.values()))) > 1, 0,
             f"not the same for all methods: {fewest} has {sorted(seeds[fewest])}"),
            (n >= SEEDS, 2, same), (n >= 3, 1, same), (True, 0, same)],
        "The budget": [
            (len(set().union(*given.values())) == 1, 2, f"{min(given[plain])} updates for all"),
            (max(given[most]) > min(given[plain]), 0,
             f"{most} was given {max(given[most])} updates, plain {min(given[plain])}"),
            (True, 1, "not equal, but no method was given more than plain")],
        "The criterion": [
            (success <= floor, 0, f"{success:g} is no more than the floor {floor:g}: nobody needs memory for it"),
            (close, 1, f"{close} trials lie within {SLACK} of {success:g}"),
            (True, 2, f"no trial lies within {SLACK} of {success:g}")],
        "The cures": [
            (learned[plain], 0, f"plain itself learned {learned[plain]} times: it is not sick"),
            (len(cured) >= CURES, 2, every), (cured, 1, every), (True, 0, every)],
        "The predictions": [
            (made and all(predicted[method] for method in made), 1, f"{came}; none that says what will not help"),
            (made and made == others, 2, came), (made, 1, came), (True, 0, came)]}
    return {name: next((points, why) for true, points, why in rows if true) for name, rows in table.items()}


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
    """The most common label among the nearest known rows, for each row asked; some rows at a time save memory."""
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
    """Refuse duplicate trials, and names or predictions that do not fit them."""
    places = [trial[:3] for trial in trials]
    twice = [place for place in places if places.count(place) > 1]
    if twice:
        raise ValueError(f"{twice[0][0]!r} at distance {twice[0][1]} with seed {twice[0][2]} is listed twice. If a "
                         f"cell ran again, start from an empty list.")
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
