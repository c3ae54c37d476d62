"""Make long_product.npz: `python data/make_long_product.py` (needs mpmath).

A tanh network of 8 units runs for 1000 steps. Its weights are whole multiples of 2^-20 and every state is rounded to a
multiple of 2^-10 before the next step, so that the Jacobians J_t = diag(1 - h_t^2) W_hh have no rounding error in
float64: each entry is a whole number below 2^53, times 2^-40. Here their product is made of whole numbers, without any
error, and its singular values are computed twice, with 1500 and with 3000 digits; the 30 that are kept agree.
"""

from pathlib import Path

import mpmath
import numpy as np

T, H, TIMES = 1000, 8, (1, 10, 20, 50, 100, 200, 500, 1000)
FEW, MANY, KEPT = 1500, 3000, 30  # digits
STATE, WEIGHT = 2**10, 2**20


def run() -> tuple[np.ndarray, np.ndarray]:
    """Weights (H, H) and states h_0 ... h_T (T + 1, H) as whole numbers, in units of 2^-20 and 2^-10."""
    rng = np.random.default_rng(0)
    W = np.round(WEIGHT * 1.2 / np.sqrt(H) * rng.normal(size=(H, H))).astype(np.int64)
    drive = np.round(WEIGHT * STATE * rng.normal(size=(T, H)) / 4).astype(np.int64)
    h = [np.round(STATE * rng.uniform(-1, 1, H)).astype(np.int64)]
    for drive_t in drive:
        h.append(np.round(STATE * np.tanh((W @ h[-1] + drive_t) / (STATE * WEIGHT))).astype(np.int64))
    assert np.abs(h).max() < STATE, "a state was rounded to 1: its Jacobian would be singular"
    return W, np.array(h)


def logs(product: list[list[int]], scale: int, digits: int) -> list[str]:
    """Natural logs of the singular values of product / 2^scale, largest first, to KEPT digits."""
    with mpmath.workdps(digits):
        found = mpmath.svd_r(mpmath.matrix(product), compute_uv=False)
        values = sorted((mpmath.log(s) - scale * mpmath.log(2) for s in found), reverse=True)
        return [mpmath.nstr(value, KEPT) for value in values]


def exact_logs(W: np.ndarray, h: np.ndarray) -> list[list[str]]:
    """The logs after each of TIMES; AssertionError if twice the digits change one that is kept."""
    product, result = np.eye(H, dtype=int).astype(object), []
    for t in range(1, T + 1):
        slopes = STATE**2 - h[t] ** 2
        product = (slopes[:, None] * W).astype(object) @ product
        if t in TIMES:
            result.append(logs(product.tolist(), 40 * t, FEW))
            assert result[-1] == logs(product.tolist(), 40 * t, MANY), f"{FEW} digits are too few at T = {t}"
    return result


if __name__ == "__main__":
    W, h = run()
    np.savez_compressed(Path(__file__).with_name("long_product.npz"), W_hh=W.astype(np.int32), h=h.astype(np.int16),
                        times=np.array(TIMES, np.int16), logs=np.array(exact_logs(W, h), "S40"))
