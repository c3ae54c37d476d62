"""Runs that travel with the course: what was written is read again, and says what ran, when and how long it took."""

import json
import re
import runpy
import time
from typing import NamedTuple

import numpy as np
import pytest

from course_lib import data, until_solved
from course_lib.shipped import shipped_runs


MAKE = runpy.run_path(str(data.FOLDER / "make_runs.py"))
save, RUNS = MAKE["save"], MAKE["RUNS"]


class Method(NamedTuple):
    rate: float
    clip_norm: float | None = None


def one(name, T):
    updates = np.array([T, np.inf, len(name)])
    return until_solved.Solved(updates, updates / 7, np.isinf(updates), None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    return tmp_path


def test_outcomes_come_back_by_their_settings(folder):
    settings = [("SGD", 10), ((.1, None), 20), ("clip", 20)]
    save(folder / "some.npz", one, settings)
    runs = shipped_runs("some", until_solved.Solved)
    assert list(runs) == settings and Method(.1) == (.1, None) and (Method(.1), 20) in runs
    for setting in settings:
        for stored, given in zip(runs[setting], one(*setting)):
            assert np.array_equal(stored, given) if given is not None else stored is None
    assert runs["SGD", 10].solved.tolist() == [True, False, True]
    del runs["SGD", 10]
    assert [setting for setting in settings if setting not in runs] == [("SGD", 10)]


def test_a_function_may_take_one_argument_and_give_an_array(folder):
    save(folder / "arrays.npz", lambda name: np.full(2, len(name)), ["tanh", "IRNN chrono"])
    runs = shipped_runs("arrays")
    assert list(runs) == ["tanh", "IRNN chrono"] and runs["IRNN chrono"].tolist() == [11, 11]


def test_they_say_what_ran_when_and_how_long_it_took(folder, monkeypatch):
    clock = iter(np.arange(0, 60, 7.5))
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    save(folder / "timed.npz", one, [("a", 1), ("b", 2)])
    assert re.fullmatch(r"2 runs, made on \d{4}-\d\d-\d\d, which took 15 s of one processor",
                        repr(shipped_runs("timed", until_solved.Solved)))


def test_a_missing_file_says_how_to_get_it(folder):
    with pytest.raises(FileNotFoundError, match="get the file back with git: git checkout -- data/none.npz"):
        shipped_runs("none")


def again():
    """Every run that travels, as a test: the quickest of a file in `make test`, those of minutes in `make portable`."""
    for name, (_, settings) in RUNS.items():
        with np.load(data.file(f"{name}.npz")) as file:
            seconds = file["seconds"]
        for setting, took in zip(settings, seconds):
            quickest = took == seconds.min() < 3
            marks = () if quickest else pytest.mark.long if took < 15 else pytest.mark.portable
            yield pytest.param(name, setting, id=f"{name}-{setting}", marks=marks)


@pytest.mark.parametrize("name, setting", [*again()])
def test_a_run_that_travels_is_what_its_script_gives(name, setting):
    """Training in float32 amplifies the last digit. As three kinds of processor compute, counts of learners moved by 1
    of 5 and mean accuracies by .09: twice that is allowed, and a setting mistaken for another one is seen."""
    function, _ = RUNS[name]
    made = function(*setting) if isinstance(setting, tuple) else function(setting)
    kept = shipped_runs(name, type(made) if hasattr(made, "_fields") else np.asarray)[setting]
    made, kept = (np.asarray(getattr(outcome, "updates", outcome)) for outcome in (made, kept))
    assert np.abs(np.isfinite(made).sum(-1) - np.isfinite(kept).sum(-1)).max() <= .4 * made.shape[-1]
    if name == "later_digits":
        assert abs(made.mean() - kept.mean()) < .2


def test_each_file_has_the_runs_that_its_script_asks_for():
    """make_runs.py names a function and settings for each; all of these and no others were kept, with their seconds."""
    for name, (_, settings) in RUNS.items():
        with np.load(data.file(f"{name}.npz")) as file:
            assert file["settings"].tolist() == [json.dumps(setting) for setting in settings]
            assert len(file["seconds"]) == len(settings) and (file["seconds"] > 0).all()
