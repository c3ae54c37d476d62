"""Solutions whose formula is rounded: where a power hits its bound exactly, exact fractions say what is right."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from course_lib.exercises.bank import bank_of


def solution(id):
    return next(e for e in bank_of(int(id.partition(".")[0])).exercises if e.id == id).solution


@pytest.mark.parametrize("factor, power", [*product([1.5, 2., 3., 10.], range(12))])
def test_what_just_fits_has_not_overflown(factor, power):
    steps = solution("7.2")
    assert steps(factor, 1., factor**power) == power + 1
    assert steps(factor, factor**power, factor**power) == 1
    assert steps(factor, 1., np.nextafter(factor**power, np.inf)) == power + 1
    if power:
        assert steps(factor, 1., np.nextafter(factor**power, 0)) == power
    assert steps(1.5, 1.5**3, 1.5**10) == 8


@pytest.mark.parametrize("count", [1, 9, 17, 60, 100])
def test_a_share_that_is_a_whole_number_of_norms_is_allowed(count):
    norms = np.random.default_rng(count).permutation(np.arange(1., count + 1))
    for above in range(count):
        assert solution("8.5")(norms, above / count) == count - above
        assert solution("8.5")(norms, float(f"{above / count:.2f}")) == count - int(
            Fraction(f"{above / count:.2f}") * count)
    assert solution("8.5")(norms, 1.) == 1.


@pytest.mark.parametrize("q", [.5, .25, .75, .125])  # their powers are no rounded numbers
def test_a_window_that_leaves_exactly_the_share_is_long_enough(q):
    window = solution("10.11")
    for k in range(1, 16):
        assert Fraction(q)**k == Fraction(q**k)
        assert window(q, q**k) == k
        assert window(q, np.nextafter(q**k, 0)) == k + 1
        assert window(q, np.nextafter(q**k, 1)) == k


def test_a_window_at_powers_that_are_rounded():
    for q, k in product(np.arange(1, 100) / 100, range(1, 12)):
        assert solution("10.11")(q, q**k) == k


@pytest.mark.parametrize("rho", [.5, .75, .9, .99, .9999])
def test_no_power_of_a_smaller_shear_has_the_growth(rho):
    k = np.arange(1, 10**5)
    assert np.isclose((k * rho**(k - 1)).max() * solution("16.5")(rho, 7.)[0, 1], 7., rtol=1e-12, atol=0)
