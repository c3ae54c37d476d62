"""Make letters.npz: `python data/make_letters.py [KIND ...]`. Takes about 20 minutes of one processor.

Networks of tanh units, LSTMs and GRUs of lesson 12, which read prose.txt letter by letter: of about the same number of
parameters, trained by the same updates on the same passages. Seed 0 is trained at five rates; the one that gives the
smallest loss on the validation lesson is the rate of the kind, and seeds 1 to 4 are trained at it.
"""

import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib import cells, initialise, losses, train
from course_lib.lessons.nb12_gru import reading

RATES, SEEDS = (.001, .003, .01, .03, .1), range(5)
STEPS, BATCH = 96, 24
STAGES = (2200, 1.), (800, .2)  # updates, and what the rate is multiplied by
STARTS = {"tanh": dict(cell="rnn"), "LSTM": dict(cell="lstm", forget_bias=1.), "GRU": dict(cell="gru", keep_bias=1.)}


class Trained(NamedTuple):
    """A run. network; validation (evaluations,), bits a letter, each 100 updates; seconds of one processor."""

    network: cells.NetworkParams
    validation: np.ndarray
    seconds: float


def start(kind: str, seed: int) -> cells.NetworkParams:
    """The network before its first update: orthogonal matrices; the gate that keeps has the bias 1."""
    K = len(reading.LETTERS)
    return initialise.network(K, reading.SIZES[kind], K, np.random.default_rng(seed), dtype=np.float32, **STARTS[kind])


def passages(seed: int):
    """Without end, passages of the training lessons: (x, target). The same for all kinds."""
    rng, numbers = np.random.default_rng(100 + seed), reading.codes(reading.prose("train"))
    while True:
        drawn = numbers[rng.integers(0, len(numbers) - STEPS, BATCH) + np.arange(STEPS + 1)[:, None]]
        yield reading.ONE_HOT[drawn[:-1]], drawn[1:]


def per_letter(y, target):
    """Cross-entropy, so that the sum over the steps is a mean."""
    loss, dy = losses.cross_entropy(y, target)
    return loss / STEPS, dy / np.float32(STEPS)


def trained(kind: str, rate: float, seed: int, stages=STAGES) -> Trained:
    begun, run, batches = time.process_time(), start(kind, seed), passages(seed)
    objective = train.sequence_objective(per_letter, at="every")
    held_out = reading.side_by_side(reading.prose("validation"), 24)
    for updates, factor in stages:
        run = train.train(run, objective, batches, updates=updates, optimiser=train.Adam(rate * factor), clip_norm=1.,
                          evaluate=lambda network: reading.surprise(network, held_out).mean(), progress=False)
    return Trained(run.params, run.history.evaluation, time.process_time() - begun)


def kept(kind: str) -> dict[str, np.ndarray]:
    """Train all networks of a kind; return what is kept of them, by name."""
    runs = [trained(kind, rate, 0) for rate in RATES]
    last = [run.validation[-1] for run in runs]
    rate = RATES[int(np.argmin(last))]
    runs += [trained(kind, rate, seed) for seed in SEEDS[1:]]
    chosen = [runs[RATES.index(rate)], *runs[len(RATES):]]
    print(kind, "by rate", np.round(last, 3), "by seed", np.round([run.validation[-1] for run in chosen], 3))
    return {"rates": np.array(RATES)} | {f"{kind}.{name}": array for name, array in [
        ("rate", rate), ("validation", np.array([run.validation for run in runs], np.float32)),
        ("seconds", np.round(sum(run.seconds for run in runs))), ("made", time.strftime("%Y-%m-%d")),
        *((name, array.astype(np.float16)) for seed, run in zip(SEEDS, chosen)
          for name, array in cells.leaves(run.network, str(seed)))]}


def contexts(kind: str) -> np.ndarray:
    """What is kept, read with the last 1 ... STEPS letters of the test lessons alone, (seeds, STEPS)."""
    numbers = reading.codes(reading.prose("test"))
    return np.array([reading.by_context(network, numbers, STEPS) for network in reading.readers(kind)], np.float32)


if __name__ == "__main__":
    path = Path(__file__).with_name("letters.npz")
    for kind in sys.argv[1:] or reading.SIZES:
        np.savez_compressed(path, **(dict(np.load(path)) if path.exists() else {}) | kept(kind))
        np.savez_compressed(path, **dict(np.load(path)) | {f"{kind}.context": contexts(kind)})
