"""The shipped product of 1000 Jacobians: its file, its exactness, and log_singular_values against its 1500 digits."""

import importlib.util
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from course_lib import data, jacobians
from course_lib.lessons.nb05_singular_values.long_product import long_product

MAKER = data.FOLDER / "make_long_product.py"


@pytest.fixture(scope="module")
def shipped():
    return long_product()


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_long_product", MAKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_makes_these_weights_and_states(shipped, maker):
    W, h = maker.run()
    assert np.array_equal(W / 2**20, shipped.W_hh) and np.array_equal(h / 2**10, shipped.h)
    assert tuple(shipped.times) == maker.TIMES


def test_jacobians_have_no_rounding_error(shipped):
    js = shipped.js
    assert js.shape == (1000, 8, 8)
    for t, i, j in np.random.default_rng(0).integers(0, (1000, 8, 8), (300, 3)):
        exact = (1 - Fraction(shipped.h[t + 1, i])**2) * Fraction(shipped.W_hh[i, j])
        assert Fraction(js[t, i, j]) == exact
    assert (np.abs(shipped.h) < 1).all()


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_short_piece_again(shipped, maker, place):
    """The product in rational arithmetic from the Jacobians that readers have, its SVD by mpmath."""
    t = int(shipped.times[place])
    product = np.eye(8, dtype=int).astype(object)
    for J in shipped.js[:t]:
        product = (2**40 * J).astype(np.int64).astype(object) @ product
    with mpmath.workdps(150):
        values = mpmath.svd_r(mpmath.matrix(product.tolist()), compute_uv=False)
        logs = sorted((mpmath.log(s) - 40 * t * mpmath.log(2) for s in values), reverse=True)
        with np.load(data.FOLDER / "long_product.npz") as stored:
            kept = [mpmath.mpf(text.decode()) for text in stored["logs"][place]]
        assert max(abs(a - b) for a, b in zip(logs, kept)) < mpmath.mpf(10)**-27
    assert np.allclose(shipped.log_singular_values[place], [float(x) for x in logs], rtol=1e-15, atol=0)


def test_sums_are_the_log_determinants(shipped):
    """The SVD's 1500 digits against an exact sum: ln |det| of the product is the sum of its logs."""
    slopes = np.log1p(-shipped.h[1:]**2).sum(1).cumsum()
    exact = slopes[shipped.times - 1] + shipped.times * np.linalg.slogdet(shipped.W_hh)[1]
    assert np.allclose(shipped.log_singular_values.sum(1), exact, rtol=1e-12, atol=0)


@pytest.mark.parametrize("place", range(8))
def test_log_singular_values_to_ten_digits(shipped, place):
    logs = jacobians.log_singular_values(shipped.js[:shipped.times[place]])
    assert np.abs(logs - shipped.log_singular_values[place]).max() < 1e-10


def test_naive_and_one_pass_are_not_enough(shipped):
    exact = shipped.log_singular_values[list(shipped.times).index(100)]
    product = np.eye(8)
    for J in shipped.js[:100]:
        product = J @ product
    wrong = np.abs(np.log(np.linalg.svd(product, compute_uv=False)) - exact)
    assert (wrong < 1).sum() == 3 and (wrong > 10).sum() == 5 and wrong.max() > 100
    assert 1 < np.abs(100 * jacobians.lyapunov_exponents(shipped.js[:100]) - exact).max() < 4


def test_special_cases():
    one = jacobians.log_singular_values(np.full((1000, 1, 1), -1e-3))
    assert one == pytest.approx([1000 * np.log(1e-3)], rel=1e-13, abs=0)
    js = np.random.default_rng(0).normal(size=(50, 3, 3))
    js[20, 2] = 0
    logs = jacobians.log_singular_values(js)
    assert np.isfinite(logs[:2]).all() and np.isneginf(logs[2])
    with pytest.raises(ValueError, match="js holds no Jacobian: a product needs at least one step"):
        jacobians.log_singular_values(js[:0])


def test_a_missing_file_is_explained(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    with pytest.raises(FileNotFoundError, match="long_product.npz is missing"):
        long_product()
