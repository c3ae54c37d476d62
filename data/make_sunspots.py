"""Make sunspots.npz: `python data/make_sunspots.py sunspots.csv`.

The file is statsmodels/datasets/sunspots/sunspots.csv of the Python package statsmodels, whose note says "This data is
public domain". Each line has a year from 1700 to 2008 and the mean sunspot number of that year.
"""

import sys
from pathlib import Path

import numpy as np

year, number = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1).T
assert np.array_equal(year, np.arange(1700, 2009)) and (number >= 0).all(), "not the years 1700 to 2008"
np.savez_compressed(Path(__file__).with_name("sunspots.npz"), year=year.astype(np.int16), number=number)
