"""A project's study: every method is trained with the same seeds, and a file keeps what was predicted and what was run.

    study = Study(my_task, train, right, seeds=range(5), file="my_project.jsonl")
    study.seal({"orthogonal": True, "clipped": False}, success=.9)
    nets, clippers = study.run("clipped", Recipe(my_plain, max_norm=1.), 40)
    print(study.opened({"orthogonal": True, "clipped": False}, success=.9))

The file is a chain: each line holds the SHA-256 of the line before it. So no line can be changed, taken out or put in
between without all that follow. It can't show what was run elsewhere, or that an earlier file was thrown away; for
somebody else a seal proves something only if its code was in their hands before the runs.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Callable, Iterable, Mapping

import numpy as np

from ... import _checks
from ...exercises.progress import Store
from .rubric import Opened, Trial, drawn, predictions, share

FIELDS = {"run": {"task", "distance", "seed", "updates", "score"}, "seal": {"predicted", "success"},
          "drop": {"distance"}}
CODE = 12  # hexadecimal digits of a hash that people pass on


class Recipe:
    """A way to build a network, with the options of `train` that belong to it; called, it builds the network.

        methods = {"clipped": Recipe(plain, max_norm=1.), "orthogonal": orthogonal}

    build    a function without arguments that makes a new network each time
    options  handed to train
    errors   TypeError for a network instead of a function that makes one
    """

    def __init__(self, build: Callable, **options):
        self.build, self.options = builder(build), options

    def __call__(self):
        return self.build()


class Study:
    """Trains networks on one task, with the same seeds for every method, and remembers.

    make    (distance, batch, rng) -> x (steps, batch, inputs), labels (batch,)
    train   (build, make, distance, seed, **options) -> network, its watch.Clipper, called once an update
    score   (network, make, distance) -> the share of new sequences it answers correctly, 0 to 1
    seeds   of every method
    new     makes the new sequences, where the data are finite and training must not see them; otherwise make
    file    keeps the study beside the notebook; without one it lasts as long as the kernel
    errors  TypeError or ValueError for what can't be used, or for a file that belongs to another task
    """

    def __init__(self, make: Callable, train: Callable, score: Callable, seeds: Iterable[int],
                 new: Callable | None = None, file: str | Path | None = None):
        for name, value in (("make", make), ("train", train), ("score", score), ("new", new or make)):
            if not callable(value):
                raise TypeError(f"{name} is {type(value).__name__}, needs the function itself, without ().")
        if isinstance(seeds, (str, Mapping)) or not isinstance(seeds, Iterable):
            raise TypeError(f"seeds is {seeds!r}, needs several whole numbers, such as range(5).")
        self.make, self.train, self.score, self.new = make, train, score, new or make
        self.seeds = [_checks.count("seed", seed, 0) for seed in seeds]
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds is {self.seeds}, needs different whole numbers, such as range(5).")
        self._store = Store(None if file is None else _file(file), "Your study")
        for record in self._store.read()[0]:
            if record["kind"] not in FIELDS or not FIELDS[record["kind"]] <= set(record):
                raise ValueError(f"{self._store.path.name} holds something else than a study. Give the study a file of "
                                 f"its own, such as my_project.jsonl.")
        for distance, task in {(record["distance"], record["task"]) for record in self._runs()}:
            if self._task(distance) != task:
                raise ValueError(f"{self._store.path.name} holds runs of another task, or of this one before it was "
                                 f"changed. Give the task of today a file of its own, under another name.")

    def run(self, name: str, build: Callable, distance: int) -> tuple[tuple, tuple]:
        """Train and score a method, once for each seed; the last run of a name, distance and seed counts.

        name      of the method; "plain" is the network that has to fail
        build     a function without arguments that makes a new network, or a Recipe
        returns   the networks and their clippers, in the order of seeds
        errors    TypeError or ValueError for a name, build, distance, task or training loop that can't be used
        """
        if not isinstance(name, str) or not name:
            raise TypeError(f"name is {name!r}, needs a text: the method's name.")
        builder(build)
        distance = _checks.count("distance", distance)
        options, task, nets, clippers, sick = getattr(build, "options", {}), self._task(distance), [], [], []
        before = {trial.seed: trial for trial in self.trials if trial[:2] == (name, distance)}
        changed = False
        for seed in self.seeds:
            made = self.train(build, self.make, distance, seed, **options)
            if not isinstance(made, tuple) or len(made) != 2 or not hasattr(made[1], "norms"):
                raise TypeError("train returned something else than the network and its watch.Clipper: end it with "
                                "return net, clipper.")
            net, clipper = made
            if any(net is other for other in nets):
                raise ValueError(f"{name!r} builds the same network for each seed, so one seed goes on where the other "
                                 f"stopped. Make the network inside the function.")
            updates = len(clipper.norms) + clipper.overflows
            if not updates:
                raise ValueError("the clipper was never called, so nobody knows how many updates there were. Call it "
                                 "between backward() and optimizer.step().")
            trial = Trial(name, distance, seed, updates, share("score", self.score(net, self.new, distance)))
            changed |= before.get(seed, trial) != trial
            sick += [seed] * bool(clipper.overflows)
            nets.append(net), clippers.append(clipper)
            self._append("run", name, task=task, **dict(zip(Trial._fields[1:], trial[1:])), acted=clipper.acted)
        if sick:
            print(f"{name!r} diverged with the seeds {sick}: a gradient was not finite. It counts as it scored.")
        if changed:
            print(f"{name!r} had been run at distance {distance} before, with another result. The new one counts. If "
                  f"it is another method, give it a name of its own.")
        return tuple(nets), tuple(clippers)

    @property
    def trials(self) -> list[Trial]:
        """The last trial of each method, distance and seed of this study, without what was dropped."""
        kept = {}
        for record in self._store.read()[0]:
            if record["kind"] == "run" and record["seed"] in self.seeds:
                trial = Trial(record["id"], *(record[field] for field in Trial._fields[1:]))
                kept[trial[:3]] = trial
            elif record["kind"] == "drop":
                kept = {place: trial for place, trial in kept.items()
                        if place[0] != record["id"] or record["distance"] not in (None, place[1])}
        return list(kept.values())

    @property
    def longest(self) -> int:
        """The longest distance at which plain was run, where methods are compared.

        errors  ValueError if plain was not run yet
        """
        distances = [trial.distance for trial in self.trials if trial.method == "plain"]
        if not distances:
            raise ValueError('"plain" was not run yet: fill in the distances of the failure and run that cell first.')
        return max(distances)

    def drop(self, name: str, distance: int | None = None) -> None:
        """Leave a method's runs out of the trials, at one distance or all; that they were made stays in the file.

        errors  ValueError for a method that was not run there
        """
        if not any(trial.method == name and distance in (None, trial.distance) for trial in self.trials):
            raise ValueError(f"there is no run of {name!r}" + (f" at distance {distance}" if distance else "") + " to "
                             f"drop; methods are {', '.join(sorted({repr(trial.method) for trial in self.trials}))}.")
        self._append("drop", name, distance=distance)

    def seal(self, predicted: Mapping[str, bool], success: float) -> str:
        """Write down what is predicted and from which score on a network counts as having learned.

        predicted  {method: will it learn?}
        returns    a sentence with time and code; the code in somebody else's hands makes the seal a proof
        errors     TypeError or ValueError for anything else
        """
        content = {"predicted": predictions(predicted), "success": share("success", success)}
        if not predicted:
            return "Nothing is predicted yet, so nothing is sealed."
        late = sorted({record["id"] for record in self._runs()} & set(predicted))
        known = [record for record in self._store.read()[0] if record["kind"] == "seal"]
        again = bool(known) and all(known[-1][key] == value for key, value in content.items())
        if not again:
            self._append("seal", "predictions", **content)
        seal = known[-1] if again else self._store.read()[0][-1]
        return (f"{'Sealed already' if again else 'Sealed'}: {len(predicted)} predictions and the criterion "
                f"{content['success']:g}, {seal['at'][:19].replace('T', ' ')} UTC, code {_hash(seal)[:CODE]}."
                + (f" Run before: {', '.join(late)}." if late and not again else ""))

    def opened(self, predicted: Mapping[str, bool], success: float) -> Opened:
        """Whether the predictions, and the criterion, were sealed as they are before each method was first run.

        errors  TypeError or ValueError for anything but {method: True or False} and a share
        """
        predicted, success = predictions(predicted), share("success", success)
        records = self._store.read()[0]
        broken = next((i for i, record in enumerate(records)
                       if record.get("before") != (_hash(records[i - 1]) if i else "")), None)
        states, sealed = {}, None
        for method, will in predicted.items():
            first = next((i for i, record in enumerate(records) if record["kind"] == "run" and record["id"] == method),
                         len(records))
            seals = [(i, record) for i, record in enumerate(records)
                     if record["kind"] == "seal" and method in record["predicted"]]
            before = [record for i, record in seals if i < first]
            states[method] = ("never" if not seals else "after" if not before else
                              "before" if before[-1]["predicted"][method] == will else "changed")
            if before and sealed in (None, success):  # one that differs is what has to be said
                sealed = before[-1]["success"]
        left_out = {record["id"] for record in records if record["kind"] == "run"} - {
            trial.method for trial in self.trials}
        code = next((f"{_hash(record)[:CODE]} of {record['at'][:19].replace('T', ' ')} UTC"
                     for record in reversed(records) if record["kind"] == "seal"), None)
        return Opened(states, sealed, broken is None, tuple(sorted(left_out)), code if self._store.path else None)

    def _append(self, kind: str, name: str, **fields) -> None:
        records = self._store.read()[0]
        self._store.append({"kind": kind, "id": name, **fields, "before": _hash(records[-1]) if records else ""})

    def _runs(self) -> list[dict]:
        return [record for record in self._store.read()[0] if record["kind"] == "run"]

    def _task(self, distance: int) -> str:
        """What tells one task from another: eight of its sequences, rounded, as a hash."""
        x, labels = drawn(self.make, distance, 8, np.random.default_rng(0))
        values = np.round(x.astype(float), 2) + 0.  # no -0., and nothing in which two processors differ
        return hashlib.sha256(values.tobytes() + labels.astype(np.int64).tobytes()).hexdigest()[:CODE]


def builder(build: Callable) -> Callable:
    """Return the function that makes a network, or say what is wrong.

    errors  TypeError for a network, or anything else that can't be called
    """
    if hasattr(build, "parameters") and not isinstance(build, type):
        raise TypeError(f"build is a {type(build).__name__}, already a network; needs the function that makes one, "
                        f"without (): every seed needs a new network.")
    if not callable(build):
        raise TypeError(f"build is {build!r}, needs a function without arguments that makes a network, or a Recipe.")
    return build


def _file(value) -> Path:
    if not isinstance(value, (str, Path)) or Path(value).suffix != ".jsonl":
        raise ValueError(f"file is {value!r}, needs a name that ends in .jsonl, such as my_project.jsonl: the study's "
                         f"lines are added to it.")
    return Path(value).expanduser().absolute()


def _hash(record: dict) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
