"""Make long_order.npz: `python data/make_long_order.py`. Takes some minutes.

Five LSTMs with forget bias 1 on temporal order at T = 100, with ten times the sequences that Hochreiter and Schmidhuber
1997 report: the run of notebook 11, made longer.
"""

from pathlib import Path

import numpy as np

from course_lib.lessons.nb06_vanishing import longterm

if __name__ == "__main__":
    sequences = 10 * longterm.PAPER_ORDER
    solved = longterm.learn_order("LSTM b_f = 1", sequences)
    np.savez_compressed(Path(__file__).with_name("long_order.npz"), sequences=sequences, updates=solved.updates,
                        error=solved.error)
