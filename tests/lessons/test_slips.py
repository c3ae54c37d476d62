"""The slips that the exercises know, as numbers: each still computes what it did when its sentence was written for it.

    PYTHONPATH=.:tests python tests/lessons/test_slips.py     writes slips.json anew: read what has changed

A slip recognises itself whatever it computes, so that no other test sees it change; its sentence would then go to
another answer than it tells of.
"""
import json
from pathlib import Path

import numpy as np
import pytest

from course_lib.exercises.bank import bank_of, numbers_of_banks
from course_lib.exercises.compare import plain

FILE = Path(__file__).with_name("slips.json")
EXERCISES = {exercise.id: exercise for number in numbers_of_banks() for exercise in bank_of(number).exercises}


def told(result):
    """What a slip gives: of each part the largest number, the sum with changing weights in units of it; or words."""
    if isinstance(result, (tuple, list)):
        return [word for part in result for word in told(part)]
    if isinstance(result, (set, frozenset)):
        return sorted(result)
    array = np.asarray(result)
    if array.dtype.kind not in "bifc":
        return [result if isinstance(result, str) else type(result).__name__]
    flat = np.concatenate([array.real, array.imag], None).astype(float)
    flat = np.where(np.isfinite(flat), flat, 0)
    size = np.abs(flat).max(initial=0)
    return [[float(f"{size:.7g}"), round(float(flat / (size or 1) @ np.cos(np.arange(flat.size))), 7)]]


def slips(exercise):
    for mistake in exercise.mistakes:
        given = exercise._outcome(mistake, 0) if exercise.cases else plain(mistake.wrong)
        yield told(given[0] if exercise.cases and not isinstance(given, str) else given)


@pytest.mark.parametrize("name", EXERCISES)
def test_each_slip_computes_what_its_sentence_tells_of(name):
    written, given = json.loads(FILE.read_text(encoding="utf-8"))[name], list(slips(EXERCISES[name]))
    assert len(given) == len(written), "write slips.json anew"
    for mistake, was, now in zip(EXERCISES[name].mistakes, written, given):
        assert len(now) == len(was), mistake.sentence
        for part, before in zip(now, was):
            if isinstance(before, list) and isinstance(part, list):
                assert part[0] == pytest.approx(before[0], rel=1e-6, abs=0), mistake.sentence
                assert part[1] == pytest.approx(before[1], rel=0, abs=1e-6), mistake.sentence
            else:
                assert part == before, mistake.sentence


if __name__ == "__main__":
    lines = (f'"{name}": {json.dumps(list(slips(exercise)))}' for name, exercise in EXERCISES.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
