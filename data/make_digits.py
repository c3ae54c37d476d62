"""Make digits.npz: `python data/make_digits.py optdigits.tes`.

The file is the test part of the UCI data set "Optical Recognition of Handwritten Digits"; scikit-learn carries the same
lines as sklearn/datasets/data/digits.csv.gz, which is read as well. Each line has 64 whole numbers from 0 to 16, an
image of 8 x 8 row by row, and the digit.
"""

import sys
from pathlib import Path

import numpy as np

table = np.loadtxt(sys.argv[1], delimiter=",")
assert table.shape == (1797, 65) and (table == table.round()).all(), "not the 1797 lines of the test part"
images, labels = table[:, :-1].reshape(-1, 8, 8).astype(np.uint8), table[:, -1].astype(np.uint8)
np.savez_compressed(Path(__file__).with_name("digits.npz"), images=images, labels=labels)
