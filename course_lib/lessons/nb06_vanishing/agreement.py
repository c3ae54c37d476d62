"""Five networks practise agreement at a distance: what reaches the noun, and after how many updates they know it.

    practice = agreement.practise(10, train.SGD(.1))
    practice.needed                       # updates, one number for each network
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import bptt, initialise, losses, tasks, train, until_solved

HIDDEN, MEMBERS, BATCH = 32, 5, 20
NOUN = 2  # the subject is the second word
EVERY, ALLOWED = 50, .05  # updates between two tests, as a rule; fewer errors than that count as learned


class Practice(NamedTuple):
    """Five networks that practise agreement at one distance, tested until they have learned it.

    distance  steps from the noun to the pronoun
    updates   (K,)    when they were tested, from 0
    accuracy  (K, E)  on sentences they have not seen; a network that has learned it leaves, and keeps its last value
    reach     (K, E)  the gradient at the noun over that at the last word, |dL/dh_2| / |dL/dh_T|, means over sentences
    needed    (E,)    updates until more than 95 % were right; infinite where they never were
    """

    distance: int
    updates: np.ndarray
    accuracy: np.ndarray
    reach: np.ndarray
    needed: np.ndarray


def practise(distance: int, optimiser, updates: int = 2000, seed: int = 0, progress: bool = True,
             every: int = EVERY) -> Practice:
    """Train five tanh networks of 32 units, drawn as torch draws them, on agreement at one distance.

    They are the same five at every distance, and see the same sentences. seed: of the networks and of the sentences.
    progress: whether to show a bar. every: so many updates lie between two tests.
    """
    nets = initialise.network(len(tasks.VOCABULARY), HIDDEN, 2, np.random.default_rng(seed), recurrent="uniform",
                              members=MEMBERS)
    rng = np.random.default_rng(seed + 1)
    test = tasks.agreement(distance, 200, np.random.default_rng(seed + 2))
    rows, places = [np.array(_tested(nets, test))], np.arange(MEMBERS)

    def error(params):
        nonlocal places
        accuracy, reach = _tested(params, test)
        rows.append(rows[-1].copy())
        rows[-1][:, places] = accuracy, reach
        places = places[1 - accuracy >= ALLOWED]
        return 1 - accuracy

    solved = until_solved.until_solved(nets, train.sequence_objective(losses.cross_entropy),
                                       lambda: tasks.agreement(distance, BATCH, rng), error, updates=updates,
                                       below=ALLOWED, every=every, optimiser=optimiser, progress=progress)
    accuracy, reach = np.swapaxes(rows, 0, 1)
    return Practice(distance, every * np.arange(len(rows)), accuracy, reach, solved.updates)


def _tested(nets, test) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy and reach, (E,) each."""
    seen = bptt.loss_and_grads(nets, *test, losses.cross_entropy)
    size = np.linalg.norm(seen.back.dh, axis=-1).mean(-1)
    return (seen.y.argmax(-1) == test[1]).mean(-1), size[NOUN] / size[-1]
