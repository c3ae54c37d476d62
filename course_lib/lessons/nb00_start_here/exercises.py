"""The exercises of lesson 00: they show how exercises work."""

from __future__ import annotations

import numpy as np

from ...exercises.bank import Bank, Exercise, Mistake, Prediction


def growth(factor, steps):
    return factor**steps


def _growth_by_multiplying(factor, steps):
    result = 1.0
    for _ in range(steps):
        result *= factor
    return result


def _growth_cases(rng):
    return [(1.1, 20), (0.9, 200), (1.5, 7), (rng.uniform(0.5, 0.6), 500)]


BANK = Bank(0, "Start here", [
    Prediction("0.1", "The second network starts with 1.1 in place of 1.0. What does its training do?", kind="choice",
               choices=("learns better", "learns as well", "learns more slowly", "breaks off")),
    Prediction("0.2", "A factor of 0.9 at each step: what is left of 1 after 100 steps?", scale="log10"),
    Exercise(
        "0.3", "Compound growth", minutes=2, difficulty=1,
        solution=growth, oracle=_growth_by_multiplying, cases=_growth_cases, time_axis=None,
        also_correct=(lambda factor, steps: float(np.prod(np.full(steps, factor))),),
        mistakes=[
            Mistake(lambda factor, steps: factor * steps,
                    "You multiplied the factor by the number of steps. Each step multiplies what the step before "
                    "left."),
            Mistake(lambda factor, steps: factor ** (steps - 1),
                    "One step is missing: after 1 step, 1 has become `factor`."),
            Mistake(lambda factor, steps: 1 + (factor - 1) * steps,
                    "That is simple interest: each step adds the same. Here each step multiplies what is already "
                    "there."),
        ],
        hints=["What is there after one step? After two?", "After two steps: factor * factor."],
    ),
])
