"""What a project's data can tell about itself: is the task one, is the comparison fair?

    print(rubric.look(my_task, distance=40))
    trials = [rubric.Trial("plain", 40, seed, updates=700, score=...) for seed in range(5)] + ...
    predicted = {"orthogonal": True, "clipped": False}
    print(rubric.audit(trials, floor=.75, success=.85, predicted=predicted, opened=study.opened(predicted, .85)))

Of the ten criteria of the final project six are settled by numbers, and four by a reader.
"""

from __future__ import annotations

from typing import Callable, Iterable, Mapping, NamedTuple

import numpy as np

from ... import _checks

KNOWN, ASKED, NEIGHBOURS, CHUNK = 2000, 1000, 31, 100
SEEDS, CURES = 5, 3  # for full points
SLACK = .03  # what a criterion may move without moving a count
STUDENT_T = 2.776  # half of a 95 % interval in standard errors, for five seeds; more seeds need less
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
    met                the share of new sequences that are also among the 2000 to learn from
    """

    name: str
    distance: int
    steps: int
    inputs: int
    classes: int
    chance: float
    floor: float
    seen: int
    met: float

    def __str__(self) -> str:
        last = "the last step" if self.seen == 1 else f"the last {self.seen} steps"
        return (f"{self.name} at distance {self.distance}: x ({self.steps}, batch, {self.inputs}), "
                f"{self.classes} classes. Right by guessing: {self.chance:.2f}; by {last} alone: {self.floor:.2f}."
                + (f" Of the new sequences {self.met:.2f} are among the {KNOWN} to learn from." * (self.met > .1)))


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


class Opened(NamedTuple):
    """What a study's seal shows.

    states    {method: "before" if it was sealed as it is before the method first ran, "changed" if it was sealed
              otherwise, "after" if it was sealed later, "never"}
    success   the criterion as it was sealed, None if it was not
    whole     whether each line of the study's file follows from the one before it
    left_out  methods that were run and do not count
    code      of the last seal, with its time; None without a seal, or without a file
    """

    states: dict[str, str]
    success: float | None
    whole: bool
    left_out: tuple[str, ...] = ()
    code: str | None = None

    def __str__(self) -> str:
        says = {"before": "Sealed before they ran", "changed": "Sealed otherwise before they ran",
                "after": "Sealed only after they ran", "never": "Never sealed"}
        lines = [f"{text}: {', '.join(named)}." for state, text in says.items()
                 if (named := [method for method, found in self.states.items() if found == state])]
        if self.success is not None:
            lines.append(f"The criterion was {self.success:g} when it was sealed.")
        if self.left_out:
            lines.append(f"Run, and left out: {', '.join(self.left_out)}.")
        if not self.whole:
            lines.append("The study's file was changed by hand: it proves nothing.")
        if self.code:
            lines.append(f"Code {self.code}.")
        return "\n".join(lines or ["Nothing is predicted."])


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
        """Points so far, of 20; the data can earn 12."""
        return sum(mark.points or 0 for mark in self.marks)

    def __str__(self) -> str:
        lines = [f"{'-' if mark.points is None else mark.points} of 2  {mark.criterion}: {mark.why}"
                 for mark in self.marks]
        total, settled = 2 * len(lines), 2 * sum(mark.points is not None for mark in self.marks)
        rest = f" so far; {total - settled} more are for a reader to give, {total} in all" * (settled < total)
        return "\n".join([*lines, f"Total: {self.points} of {settled}{rest}."])


def look(make: Callable, distance: int, seen: int = 1, seed: int = 0, new: Callable | None = None) -> Task:
    """Check a task's shapes, and measure what can be answered without memory.

    make      (distance, batch, rng) -> x (steps, batch, inputs), labels (batch,) of whole numbers from 0
    distance  the dial, at least 1; twice as much has to make longer sequences
    seen      how many of the last steps the reader without memory sees
    new       makes the sequences that are asked, where the data are finite; otherwise make
    returns   Task; its floor comes from the nearest neighbors among 2000 other sequences
    errors    TypeError or ValueError saying what is wrong with make or new
    """
    distance, seen = _checks.count("distance", distance), _checks.count("seen", seen)
    if not callable(make):
        raise TypeError(f"make is {type(make).__name__}, needs the function itself, such as my_task without ().")
    name = _name(make)
    x, labels = drawn(make, distance, KNOWN, np.random.default_rng(seed))
    again, _ = drawn(make, distance, KNOWN, np.random.default_rng(seed))
    if not np.array_equal(x, again):
        raise ValueError(f"{name} gives different sequences for the same seed. Draw everything from the rng it is "
                         f"given, nothing from np.random.")
    farther, _ = drawn(make, 2 * distance, KNOWN, np.random.default_rng(seed))
    if len(farther) <= len(x):
        raise ValueError(f"{name} has {len(x)} steps at distance {distance} and {len(farther)} at {2 * distance}: the "
                         f"dial does not turn. More distance needs more steps.")
    if seen >= len(x):
        raise ValueError(f"seen is {seen}, needs to be below the {len(x)} steps: a reader who sees every step needs "
                         f"no memory.")
    asked, truth = drawn(new or make, distance, ASKED, np.random.default_rng(seed + 1))
    if asked.shape[::2] != x.shape[::2]:
        raise ValueError(f"{_name(new)} makes x of shape {asked.shape}, {name} of {x.shape}: steps and inputs have to "
                         f"be the same.")
    counts = np.bincount(np.concatenate([labels, truth]))
    if len(counts) < 2 or not counts.all():
        raise ValueError(f"{name} gives the labels {np.flatnonzero(counts).tolist()} in {KNOWN + ASKED} sequences, "
                         f"needs at least two classes, 0, 1, ... without a gap.")
    answers = _by_neighbours(_end(x, seen), labels, _end(asked, seen))
    known = set(map(bytes, np.ascontiguousarray(_end(x, len(x)))))
    met = np.mean([bytes(row) in known for row in np.ascontiguousarray(_end(asked, len(x)))])
    return Task(name, distance, len(x), x.shape[2], len(counts), float(counts.max() / counts.sum()),
                float((answers == truth).mean()), seen, float(met))


def audit(trials: Iterable[Trial], *, floor: float, success: float, predicted: Mapping[str, bool],
          opened: Opened | None = None, reader: Mapping[str, int] | None = None, plain: str = "plain") -> Audit:
    """Return which points of the rubric the data earns.

    trials     of all methods at the longest distance, and of the plain network at a short one too
    floor      the score without memory, 0 to 1
    success    the score from which on a network counts as having learned
    predicted  {method: will it learn?}, as written down before training
    opened     what study.opened says of them; without it they are not sealed
    reader     {criterion: 0, 1 or 2} of those that a reader gives
    plain      the name of the network that has to fail
    returns    Audit; without trials nothing is earned
    errors     TypeError or ValueError for anything but trials, a trial listed twice, or names that do not fit

    What it cannot see: whether other runs were made and thrown away with their file.
    """
    floor, success, predicted = share("floor", floor), share("success", success), predictions(predicted)
    trials, reader = [_trial(trial) for trial in trials], dict(reader or {})
    if opened is not None and not isinstance(opened, Opened):
        raise TypeError(f"opened is {type(opened).__name__}, needs what study.opened(predicted, success) returns.")
    for name, points in reader.items():
        _checks.choice("a criterion of the reader", name, BY_READER)
        if points not in (0, 1, 2):
            raise ValueError(f"{name} is given {points!r} points, needs 0, 1 or 2.")
    methods = list(dict.fromkeys(trial.method for trial in trials))
    _refuse(trials, methods, predicted, plain)
    if trials:
        found = _points(trials, methods, floor, success, predicted, opened or Opened({}, None, True), plain)
    else:
        found = dict.fromkeys(BY_DATA, (0, "no trials yet"))
    return Audit((*(Mark(name, *found[name]) for name in BY_DATA),
                  *(Mark(name, reader.get(name), question) for name, question in BY_READER.items())))


def _points(trials: list[Trial], methods: list[str], floor: float, success: float, predicted: Mapping[str, bool],
            opened: Opened, plain: str) -> dict[str, tuple[int, str]]:
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
    unsealed = [method for method in made if opened.states.get(method) != "before"]
    otherwise = [method for method in made if opened.states.get(method) == "changed"]
    near_and_far = _same([trial._replace(method=str(trial.distance)) for trial in trials
                          if trial.method == plain and trial.distance in (short, far)], str(short), floor, success)
    alike = _same([trial for each in runs.values() for trial in each], plain, floor, success)
    # a study that could have found something: enough seeds, and somewhere all of them learn
    able = n >= SEEDS and any(_all_learn(trials, place, success) for place in {trial[:2] for trial in trials})
    negative = able and alike is not None and not (cured and not learned[plain])
    table = {
        "The dial": [
            (short == far, 0, f"only the distance {far}: nothing shows that distance is the cause"),
            (all(near) and not learned[plain], 2, dial),
            (able and near_and_far, 2, f"{dial}; a negative result with power: {near_and_far}"),
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
            (opened.success not in (None, success), 0, f"{success:g}, but {opened.success} when it was sealed"),
            (close, 1, f"{close} trials lie within {SLACK} of {success:g}"),
            (True, 2, f"no trial lies within {SLACK} of {success:g}")],
        "The cures": [
            (negative, min(2, 1 + (len(others) >= CURES)), f"a negative result with power: {alike}"),
            (learned[plain], 0, f"plain itself learned {learned[plain]} times: it is not sick"),
            (len(cured) >= CURES, 2, every), (cured, 1, every), (True, 0, every)],
        "The predictions": [
            (not opened.whole, 0, "the file that should prove them was changed by hand"),
            (otherwise, 0, f"sealed otherwise before it ran: {', '.join(otherwise)}"),
            (made and all(predicted[method] for method in made), 1, f"{came}; none that says what will not help"),
            (made and unsealed, 1, f"{came}; not sealed before it ran: {', '.join(unsealed)}"),
            (made and made == others, 2, f"{came}, sealed before they ran"), (made, 1, came), (True, 0, came)]}
    return {name: next((points, why) for true, points, why in rows if true) for name, rows in table.items()}


def _same(trials: list[Trial], base: str, floor: float, success: float) -> str | None:
    """What to say if no method differs from `base`, half of the gain that would count would be seen, and each was one.

    Differences are taken seed by seed, their mean with a 95 % interval: it has to hold 0, or its mean to be within
    SLACK, and it has to lie within half of success - floor. A method with the same scores in every seed was none.
    """
    scores = {method: {trial.seed: trial.score for trial in trials if trial.method == method}
              for method in dict.fromkeys(trial.method for trial in trials)}
    found, most = [], (success - floor) / 2
    for method in [name for name in scores if name != base]:
        gains = np.array([score - scores[base][seed] for seed, score in scores[method].items() if seed in scores[base]])
        if len(gains) < 2 or not gains.any():
            return None
        mean, half = gains.mean(), STUDENT_T * gains.std(ddof=1) / np.sqrt(len(gains))
        if abs(mean) > max(half, SLACK) or abs(mean) + half >= most:
            return None
        found.append((abs(mean) + half, mean, half))
    if not found:
        return None
    _, mean, half = max(found)
    return f"the largest difference is {mean:+.3f}, give or take {half:.3f}, and {most:.2g} would be seen"


def _all_learn(trials: list[Trial], place: tuple[str, int], success: float) -> bool:
    return all(trial.score >= success for trial in trials if trial[:2] == place)


def _name(make: Callable) -> str:
    return getattr(make, "__name__", type(make).__name__)


def _end(x: np.ndarray, seen: int) -> np.ndarray:
    """The last steps (seen, batch, inputs) of each sequence in one row (batch, seen * inputs)."""
    return x[-seen:].swapaxes(0, 1).reshape(x.shape[1], -1)


def drawn(make: Callable, distance: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return x (steps, batch, inputs) and labels (batch,) of a task, or say what is wrong with them.

    errors  TypeError or ValueError
    """
    name, made = _name(make), make(distance, batch, rng)
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
                 _checks.count("updates", trial.updates), share("score", trial.score))


def _refuse(trials: list[Trial], methods: list[str], predicted: Mapping[str, bool], plain: str) -> None:
    """Refuse duplicate trials, and names or predictions that do not fit them."""
    places = [trial[:3] for trial in trials]
    twice = [place for place in places if places.count(place) > 1]
    if twice:
        raise ValueError(f"{twice[0][0]!r} at distance {twice[0][1]} with seed {twice[0][2]} is listed twice. If a "
                         f"cell ran again, start from an empty list.")
    if not trials:
        return
    unknown = [name for name in (plain, *predicted) if name not in methods]
    if unknown:
        raise ValueError(f"there is no trial of {unknown[0]!r}; methods are {', '.join(map(repr, methods))}.")
    far = max(trial.distance for trial in trials if trial.method == plain)
    missing = [name for name in methods if not any(trial[:2] == (name, far) for trial in trials)]
    if missing:
        raise ValueError(f"{missing[0]!r} was not tried at distance {far}, where {plain} was. Methods are compared at "
                         f"the longest distance of {plain}: run {missing[0]!r} there, or leave that distance out with "
                         f"study.drop({plain!r}, {far}).")


def predictions(predicted: Mapping[str, bool]) -> dict[str, bool]:
    """Return {method: will it learn?}, or say what is wrong with it.

    errors  TypeError
    """
    if not isinstance(predicted, Mapping) or not {type(will) for will in predicted.values()} <= {bool, np.bool_} \
            or not all(isinstance(method, str) for method in predicted):
        raise TypeError(f"predicted is {predicted!r}, needs {{method: True or False}}.")
    return {method: bool(will) for method, will in predicted.items()}


def share(name: str, value) -> float:
    """Return a number from 0 to 1, or say what is wrong.

    errors  TypeError or ValueError
    """
    number = _checks.real(name, value)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is {number:g}, needs a share from 0 to 1. Divide by 100 if it is in percent.")
    return number
