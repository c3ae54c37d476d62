"""Make order_by_bias.npz: `python data/make_order_by_bias.py`. Takes some minutes.

LSTMs with the forget biases 1, 3 and 5, and as Keras draws them, on temporal order at T = 100 with the sequences that
Hochreiter and Schmidhuber 1997 report, at two rates: the run of notebook 11 for the biases that do not learn it.
"""

from pathlib import Path

import numpy as np

from course_lib import parallel
from course_lib.lessons.nb06_vanishing import longterm

RATES = .001, .01


def at_rate(name: str, rate: float):
    return longterm.learn_order(name, rate=rate)


if __name__ == "__main__":
    names = list(longterm.BIASES)
    runs = dict(parallel.runs(at_rate, [(name, rate) for name in names for rate in RATES], processes=1))
    np.savez_compressed(
        Path(__file__).with_name("order_by_bias.npz"), names=names, rates=RATES,
        updates=[[runs[name, rate].updates for rate in RATES] for name in names],
        error=[[runs[name, rate].error for rate in RATES] for name in names])
