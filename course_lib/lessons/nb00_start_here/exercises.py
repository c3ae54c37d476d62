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
    return [(1.1, 20), (0.9, 200), (1.5, 7), (rng.uniform(0.5, 0.6), 500), (1.3, 1), (0.7, 0)]


BANK = Bank(0, "Start here", [
    Prediction("0.1", "The second network starts with 1.1 in place of 1.0. What does its training do?", kind="choice",
               choices=("learns better", "learns as well", "learns more slowly", "breaks off")),
    Prediction("0.2", "A factor of 0.9 at each step: what is left of 1 after 100 steps?", scale="log10"),
    Exercise(
        "0.3", "Compound growth", minutes=2, difficulty=1,
        solution=growth, oracle=_growth_by_multiplying, cases=_growth_cases, time_axis=None,
        also_correct=(lambda factor, steps: float(np.prod(np.full(steps, factor))),
                      lambda factor, steps: np.array(np.exp(steps * np.log(factor)))),
        mistakes=[
            Mistake(lambda factor, steps: factor * steps,
                    "You multiplied the factor by the number of steps. Each step multiplies what the step before "
                    "left."),
            Mistake(lambda factor, steps: factor ** (steps - 1),
                    "One step is missing: after 1 step, 1 has become `factor`."),
            Mistake(lambda factor, steps: 1 + (factor - 1) * steps,
                    "That is simple interest: each step adds the same. Here each step multiplies what is already "
                    "there."),
            Mistake(lambda factor, steps: factor ** max(steps - 1, 0),
                    "One step is missing: range(1, steps) has one number fewer than range(steps)."),
            Mistake(lambda factor, steps: factor if steps else 1,
                    "It stops after the first step: is the return inside of the loop?"),
            Mistake(lambda factor, steps: factor ** max(steps, 1),
                    "It starts with `factor`. Before the first step there is 1, and after 0 steps still."),
            Mistake(lambda factor, steps: 0. * steps,
                    "It starts with 0, and 0 times anything is 0. Something has the size 1."),
            Mistake(lambda factor, steps: round(factor ** steps, 2), "It is rounded. Return the number as it is."),
            Mistake(lambda factor, steps: int(factor ** steps), "It is cut to a whole number. Return it as it is."),
            Mistake(lambda factor, steps: factor ** 100,
                    "`steps` plays no part: there are not always 100 steps."),
            Mistake(lambda factor, steps: .9 ** steps, "`factor` plays no part: it is not always 0.9."),
            Mistake(lambda factor, steps: factor ** steps - 1,
                    "This is by how much it has grown. Return the size itself."),
            Mistake(lambda factor, steps: factor ^ steps, "In Python ^ is no power. Write factor ** steps."),
            Mistake(lambda factor, steps: factor ** (steps + 1),
                    "One step too many: after 0 steps there is still 1."),
            Mistake(lambda factor, steps: (1 + factor) ** steps,
                    "`factor` is what a step multiplies by, not what it adds: a factor of 1.1 makes 10 % more."),
            Mistake(lambda factor, steps: factor ** np.arange(steps + 1),
                    "These are the sizes after every step. Asked for is the last one, a number."),
            Mistake(lambda factor, steps: float(steps) ** factor,
                    "Base and exponent have changed places: `factor` is multiplied with itself `steps` times."),
            Mistake(lambda factor, steps: sum(factor**k for k in range(steps)),
                    "You added up the sizes on the way. Asked for is the last one."),
            Mistake(lambda factor, steps: np.exp(factor * steps),
                    "e ** (factor * steps) multiplies by e ** factor at each step. A step multiplies by `factor`."),
        ],
        hints=["What is there after one step? After two?", "After two steps: factor * factor."],
    ),
])
