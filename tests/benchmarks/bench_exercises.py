"""How long a check takes to answer: each exercise with a right answer and with one that no typical mistake explains.

    make bench        or        python tests/benchmarks/bench_exercises.py

The first check of an exercise also draws its cases and computes the truth. CPU seconds, torch loaded, the clinic left
out: a check there runs a network. Exits with 1 if half of the checks take more than 1 second, or one more than 3.
"""

import statistics
import sys
import time

from bench_core import RNG  # first: it sets the number of threads before numpy and torch are loaded

import numpy as np
import torch  # noqa: F401: what is forbidden is looked for in it too

from course_lib.exercises.bank import bank_of, numbers_of_banks
from report import report


def noisy(result):
    """A result whose fractions are wrong, each by another factor."""
    if isinstance(result, tuple):
        return getattr(result, "_make", tuple)(map(noisy, result))
    array = np.asarray(result)
    return array * RNG.uniform(1.1, 2, array.shape) if array.dtype.kind == "f" else result


def main() -> int:
    seconds = {}
    for number in numbers_of_banks():
        for exercise in bank_of(number).exercises if number != 15 else ():
            use = getattr(exercise, "use", lambda solution, *case: solution(*case))  # of a class: how a case uses it
            answers = ([("wrong", lambda *case: noisy(use(exercise.solution, *case))), ("right", exercise.solution)]
                       if exercise.cases else [("right", exercise.solution())])
            for kind, answer in answers:
                start = time.process_time()
                exercise.judge(answer)
                seconds[exercise.id, kind] = time.process_time() - start
    slowest = max(seconds, key=seconds.get)
    within = [report("a check, median", statistics.median(seconds.values()), "s", most=1),
              report("the slowest check", seconds[slowest], "s", most=3, note=" ".join(slowest))]
    return int(not all(within))


if __name__ == "__main__":
    sys.exit(main())
