"""Four training runs whose logs are to be read: which of them is sick, and of what?"""

from __future__ import annotations

import numpy as np

from ... import initialise, losses, tasks, train
from . import wall


def four_runs() -> dict[str, train.Result]:
    """Four training runs, A to D, whose logs are to be read: three networks on recall, and one unit at the wall."""
    start = wall.Point(np.array(6.), np.array(-2.2))
    into = train.train(start, wall.objective(), lambda: (), updates=200, optimiser=train.SGD(.3), progress=False)
    return {"A": _recall(gain=.5, rate=.05), "B": _recall(gain=1., rate=30.), "C": into,
            "D": _recall(gain=1., rate=.05)}


def _recall(gain: float, rate: float) -> train.Result:
    rng = np.random.default_rng(0)
    network = initialise.network(2, 24, 2, rng, gain=gain, dtype=np.float32)
    return train.train(network, train.sequence_objective(losses.cross_entropy), lambda: tasks.recall(20, 20, rng),
                       updates=200, optimiser=train.SGD(rate), progress=False)
