"""Products of Jacobians against 120-digit arithmetic, closed forms and backpropagation through time."""

import mpmath
import numpy as np
import pytest

from course_lib import bptt, initialise, jacobians

RNG = np.random.default_rng(0)


def turns(*shape):
    return np.linalg.qr(RNG.normal(size=shape))[0]


PRODUCTS = {
    "random": RNG.normal(size=(100, 8, 8)) / np.sqrt(8),
    "orthogonal": 0.9 * turns(50, 8, 8),
    "one step": RNG.normal(size=(1, 8, 8)),
    "nearly the identity": np.eye(12) + 1e-2 * RNG.normal(size=(20, 12, 12)),
    "nearly equal in pairs": np.kron(np.diag([2.0, 0.5]), turns(2, 2)) + 1e-9 * RNG.normal(size=(40, 4, 4)),
    "growth below decay": np.broadcast_to([[0.5, 1.0], [0, 2.0]], (100, 2, 2)),
    "shear": np.broadcast_to([[0.9, 10.0], [0, 0.9]], (100, 2, 2)),
    "one unit": RNG.normal(size=(50, 1, 1)),
    "identity": np.broadcast_to(np.eye(5), (10, 5, 5)),
}


def exactly(js):
    """Logs of the singular values of the product, in 120-digit arithmetic."""
    with mpmath.workdps(120):
        product = mpmath.eye(js.shape[-1])
        for J in js:
            product = mpmath.matrix(J.tolist()) * product
        return np.sort([float(mpmath.log(s)) for s in mpmath.svd_r(product, compute_uv=False)])[::-1]


@pytest.mark.parametrize("name", PRODUCTS)
def test_singular_values_of_a_product(name):
    js = PRODUCTS[name]
    assert np.allclose(jacobians.log_singular_values(js), exactly(js), rtol=0, atol=1e-10)
    assert np.allclose(jacobians.log_singular_values(iter(js)), jacobians.log_singular_values(js), rtol=0, atol=0)


def test_the_naive_product_is_off_by_tens_of_nats():
    js = PRODUCTS["random"]
    naive = np.log(np.linalg.svd(np.linalg.multi_dot(js[::-1]), compute_uv=False))
    assert np.abs(naive - exactly(js)).max() > 50
    one_pass = 100 * jacobians.lyapunov_exponents(js)  # one QR pass is not enough either
    assert np.abs(one_pass - exactly(js)).max() > 0.5


def test_no_overflow_at_any_length():
    js = (1.1 * turns(6, 6) for _ in range(20_000))  # the product overflows float64 at T = 7455
    assert np.allclose(jacobians.log_singular_values(js), 20_000 * np.log(1.1), rtol=1e-12, atol=0)


def test_a_singular_step_gives_minus_infinity_and_spoils_nothing_else():
    js = np.diag([1.0, 2.0, 0]) @ RNG.normal(size=(10, 3, 3))
    assert np.isneginf(jacobians.log_singular_values(js)[2]) and np.isneginf(jacobians.lyapunov_exponents(js)[2])
    flat = np.linalg.multi_dot(js[::-1])[:2]  # its third row is zero: two singular values are left
    assert np.allclose(jacobians.log_singular_values(js)[:2], np.log(np.linalg.svd(flat, compute_uv=False)),
                       rtol=1e-9, atol=0)
    ones = jacobians.log_singular_values(np.ones((4, 3, 3)))
    assert ones[0] == pytest.approx(4 * np.log(3), rel=1e-13, abs=0) and np.isneginf(ones[1:]).all()
    assert np.isneginf(jacobians.log_singular_values(np.zeros((3, 2, 2)))).all()


def test_lyapunov_exponents_of_powers():
    powers = np.broadcast_to(np.diag([1.2, 0.5, 0.01]), (50, 3, 3))
    assert np.allclose(jacobians.lyapunov_exponents(powers), np.log([1.2, 0.5, 0.01]), rtol=1e-12, atol=0)


@pytest.mark.parametrize("seed", range(4))
def test_lyapunov_exponents(seed):
    """Measured in 40 draws: 4e-13 to 2e-7 apart, since a nearly singular step costs digits before the next QR."""
    js = np.random.default_rng(seed).normal(size=(300, 16, 16)) / 4
    q, sums = np.eye(16), 0
    for J in js:  # the textbook's way: a QR at every step
        q, r = np.linalg.qr(J @ q)
        sums = sums + np.log(np.abs(np.diag(r)))
    assert np.allclose(jacobians.lyapunov_exponents(js), np.sort(sums / 300)[::-1], rtol=0, atol=1e-6)
    total = np.linalg.slogdet(js)[1].sum() / 300
    assert jacobians.lyapunov_exponents(js).sum() == pytest.approx(total, rel=1e-7, abs=0)


def test_log_gradient_norms_are_those_of_bptt():
    params = initialise.rnn(2, 5, RNG, gain=1.2)
    run = bptt.forward(params, RNG.normal(size=(60, 1, 2)))
    dh_direct = np.zeros_like(run.h)
    dh_direct[-1] = RNG.normal(size=5)
    size = np.linalg.norm(bptt.backward(run, dh_direct).dh[:, 0], axis=-1)
    logs = jacobians.log_gradient_norms(jacobians.step_jacobians(run)[:, 0], dh_direct[-1, 0])
    assert np.allclose(logs, np.log(size), rtol=0, atol=1e-11)
    far = jacobians.log_gradient_norms(0.5 * turns(5000, 4, 4), np.ones(4))  # 1e-1505: beyond any float
    assert far[0] == pytest.approx(5000 * np.log(0.5) + np.log(2), rel=1e-12, abs=0)
    assert far[-1] == pytest.approx(np.log(2), rel=1e-6, abs=0)
    dead = jacobians.log_gradient_norms(np.stack([np.eye(2), np.zeros((2, 2)), np.eye(2)]), np.ones(2))
    assert np.isneginf(dead[:2]).all() and np.isfinite(dead[2:]).all()


def test_log_gradient_norms_of_a_run():
    for lead, cell in (((), "tanh"), ((3,), "tanh"), ((), "sigmoid"), ((2,), "relu"), ((), "linear")):
        params = initialise.rnn(2, 5, RNG, "gaussian", gain=1.1, members=lead[0] if lead else None)
        run = bptt.forward(params, RNG.normal(size=(60, *lead, 4, 2)), RNG.normal(size=(*lead, 4, 5)), activation=cell)
        direct = np.zeros_like(run.h)
        direct[-1] = RNG.normal(size=(*lead, 4, 5))
        logs = jacobians.log_gradient_norms(run, direct[-1])
        with np.errstate(divide="ignore"):
            truth = np.log(np.linalg.norm(bptt.backward(run, direct).dh, axis=-1))
        assert logs.shape == (61, *lead, 4) and np.allclose(logs, truth, rtol=0, atol=1e-10)
        js = np.moveaxis(jacobians.step_jacobians(run), 0, -3).reshape(-1, 60, 5, 5)
        with np.errstate(divide="ignore"):
            alone = [jacobians.log_gradient_norms(j, v) for j, v in zip(js, direct[-1].reshape(-1, 5))]
        assert np.allclose(logs.reshape(61, -1).T, alone, rtol=0, atol=1e-10)


def test_log_gradient_norms_of_a_long_run():
    params = initialise.rnn(1, 4, RNG, gain=0.5)
    run = bptt.forward(params, np.zeros((5000, 1, 1)), activation="linear")
    logs = jacobians.log_gradient_norms(run, np.ones(4))  # one v for every sequence
    assert np.allclose(logs[:, 0], np.arange(5000, -1, -1) * np.log(0.5) + np.log(2), rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match=r"v has shape \(3,\), needs \(4,\) or \(1, 4\)"):
        jacobians.log_gradient_norms(run, np.ones(3))
    with pytest.raises(ValueError, match="run.h is not finite: inf"):
        jacobians.log_gradient_norms(run._replace(h=run.h + np.inf), np.ones(4))
    dead = bptt.forward(params._replace(b_h=np.full(4, -9.0)), np.zeros((5, 1, 1)), activation="relu")
    assert np.isneginf(jacobians.log_gradient_norms(dead, np.ones(4))[:-1]).all()


@pytest.mark.parametrize("function", [jacobians.log_singular_values, jacobians.lyapunov_exponents,
                                      lambda js: jacobians.log_gradient_norms(js, np.ones(2))])
@pytest.mark.parametrize("js, says", [
    (np.empty((0, 2, 2)), "holds no Jacobian"), (np.ones((3, 2, 4)), r"J_1 has shape \(2, 4\), needs \(..., H, H\)"),
    ([np.eye(2), np.eye(3)], r"J_2 has shape \(3, 3\), needs \(2, 2\)"), (np.ones((3, 1, 2, 2)), r"js\[:, 0\]"),
    ([np.eye(2), np.full((2, 2), np.nan)], "J_2 is not finite: nan"), (np.ones((3, 2)), "at least 2 axes")])
def test_bad_products_are_explained(function, js, says):
    with pytest.raises(ValueError, match=says):
        function(js)


def test_a_gradient_of_another_size_is_explained():
    with pytest.raises(ValueError, match=r"J_1 has shape \(2, 2\), needs \(3, 3\)"):
        jacobians.log_gradient_norms(np.ones((4, 2, 2)), np.ones(3))
