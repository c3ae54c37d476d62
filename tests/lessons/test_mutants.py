"""Every slip in a solution is noticed, or computes the same: then a note says why.

The notes on the mutants that pass stand in survivors.toml; `python tests/mutants.py 4.6` prints what is missing there.
"""
from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import numpy as np
import pytest

import mutants
from course_lib.exercises.bank import Exercise

NOTES = tomllib.loads((Path(__file__).parent / "survivors.toml").read_text(encoding="utf-8"))
EXERCISES = {exercise.id: exercise for exercise in mutants.functions()}
every_function = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)


def noted(exercise: Exercise) -> dict[str, str]:
    """The slips that an exercise accepts, each with the reason why it may."""
    return {slip: reason for slip, reason in NOTES.get(exercise.id, {}).items() if slip != "solution"}


@pytest.mark.long(but_every=4)
@every_function
def test_no_mutant_passes_without_a_note(exercise):
    assert exercise.judge(mutants.function_of(exercise.source(), exercise)).word == "passed"  # without a slip
    assert set(mutants.survivors(exercise)) == set(noted(exercise))


@pytest.mark.parametrize("id", NOTES)
def test_notes_give_reasons_for_the_solution_as_it_is(id):
    assert NOTES[id]["solution"] == mutants.fingerprint(EXERCISES[id]), "look at the notes anew"
    assert noted(EXERCISES[id]) and all(reason.endswith(".") for reason in noted(EXERCISES[id]).values())


def test_a_weaker_exercise_lets_mutants_pass():
    exercise = EXERCISES["3.4"]
    assert not mutants.survivors(exercise)
    weaker = dataclasses.replace(exercise, cases=lambda rng: exercise.cases(rng)[:1], rtol=10)
    assert mutants.survivors(weaker)


def solution(x, n):
    total = 0 * x
    while n > 0:
        total = total + x[::-1].T
        n -= 1
    return np.abs(total).max(), n


def test_the_slips_are_those_that_learners_make():
    exercise = dataclasses.replace(EXERCISES["3.4"], solution=solution)
    slips = {mutant.slip for mutant in mutants.mutants(exercise)}
    assert {"while n > 0: -> while n >= 0:", "while n > 0: -> while n > 1:", "n -= 1 -> n = 1", "n -= 1 -> pass",
            "total = total + x[::-1].T -> total = total - x[::-1].T", "total = total + x[::-1].T -> total = total",
            "total = total + x[::-1].T -> total += x[::-1].T", "total = total + x[::-1].T -> total = total + x[::-1]",
            "total = total + x[::-1].T -> total = total + x.T",
            "return (np.abs(total).max(), n) -> return (total.max(), n)",
            "return (np.abs(total).max(), n) -> return (np.abs(total).min(), n)",
            "return (np.abs(total).max(), n) -> return (n, np.abs(total).max())"} <= slips


def test_a_loop_without_an_end_is_no_pass():
    exercise = dataclasses.replace(EXERCISES["3.4"], solution=solution)
    endless = next(mutant for mutant in mutants.mutants(exercise) if mutant.slip == "n -= 1 -> pass")
    with pytest.raises(BaseException, match="without an end"):
        endless.function(np.ones(3), 2)
