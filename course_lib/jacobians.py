"""What a step does to a small change of the state, what a matrix can do to a vector, and what long products do.

The singular values of a product of many Jacobians span hundreds of orders of magnitude. The product itself keeps only
those within 16 digits of the largest, so it is never formed: its logarithms are carried instead.

All functions of a matrix W raise ValueError if it is not square or not finite.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from . import _checks, activations, bptt, cells

SWEEPS = 200  # after which only singular values within some ten per cent of each other are still coupled


@np.errstate(under="ignore")  # what underflows in passing is 0
def step_jacobians(run: bptt.Run) -> np.ndarray:
    """Return J_t, the derivative of a step's states by the states before, for every step and every cell.

    An RNN's is dh_t/dh_{t-1} = diag(f'(a_t)) W_hh. An LSTM's is that of the joint state (h, c), in this order:
    [[dh_t/dh_{t-1}, dh_t/dc_{t-1}], [dc_t/dh_{t-1}, dc_t/dc_{t-1}]], with diag(f_t) as its last block.

    run      what bptt.forward returned
    returns  (T, ..., B, H, H), (T, ..., B, 2H, 2H) for an LSTM; [t - 1] is J_t. The gradient goes back through it:
             dL/dh_{t-1} = J_t^T dL/dh_t + direct. An LSTM's carries (dL/dh_t, dL/dc_t), the latter at a fixed h_t:
             back.dc counts the way through h_t too and is larger by o_t (1 - tanh(c_t)^2) dL/dh_t
    errors   TypeError if run is not a Run
    """
    if not isinstance(run, bptt.Run):
        raise TypeError(f"run is {type(run).__name__}, needs what bptt.forward returned.")
    return cells.cell_of(run.params).jacobians(run)


def spectral_radius(W: np.ndarray) -> np.ndarray:
    """Largest modulus of an eigenvalue. W (..., H, H) -> (...)."""
    return np.abs(np.linalg.eigvals(_square("W", W))).max(-1)


def largest_singular_value(W: np.ndarray) -> np.ndarray:
    """Largest factor by which W stretches a vector: its spectral norm. W (..., H, H) -> (...)."""
    return np.linalg.norm(_square("W", W), 2, axis=(-2, -1))


@np.errstate(divide="ignore", under="ignore")
def log_gradient_norms(js: np.ndarray | bptt.Run, v: np.ndarray) -> np.ndarray:
    """ln |v^T J_T ... J_{t+1}| for t = 0 ... T: a gradient's size on its way back, at any length.

    js       (T, H, H), J_1 first; or an RNN's run, whose Jacobians are applied to all its sequences and never formed
    v        (H,) the gradient dL/dh_T; for a run also one for each sequence, (..., B, H)
    returns  (T + 1,), for a run (T + 1, ..., B); the last entry is ln |v|; -inf from where the gradient is exactly zero
    errors   as log_singular_values; TypeError for a run of another cell, ValueError for a v that does not fit
    """
    v = _checks.array("v", v, ndim=1).astype(float)
    if isinstance(js, bptt.Run):
        if not isinstance(js.params, cells.RNNParams):
            raise TypeError(f"js is a run of {type(js.params).__name__}, only an RNN's Jacobians need not be formed. "
                            f"Pass jacobians.step_jacobians(run)[:, 0] for the first sequence.")
        _checks.array("run.h", js.h)
        slopes, W, T = activations.get(js.activation).derivative_from_output(js.h[1:]), js.params.W_hh, len(js.x)
        v = _checks.broadcast("v", v, js.h[0].shape, f"{js.h.shape[-1:]} or {js.h[0].shape}: a gradient for each state")
    else:
        steps = list(_steps(js, v.shape[-1]))
        T = len(steps)
    logs, total = np.empty((T + 1, *v.shape[:-1])), 0.0
    for t in range(T, -1, -1):
        size = np.linalg.norm(v, axis=-1)
        logs[t] = total = total + np.log(size)
        if t:
            v = v / np.where(size == 0, 1, size)[..., None]
            v = (slopes[t - 1] * v) @ W if isinstance(js, bptt.Run) else v @ steps[t - 1]
    return logs


@np.errstate(under="ignore")
def lyapunov_exponents(js: np.ndarray | Iterable[np.ndarray]) -> np.ndarray:
    """The average growth per step, in nats, along the directions that QR keeps apart: ln |diag R| summed, over T.

    As T grows they approach the logs of the singular values over T; at finite T they are not those.

    js       (T, H, H), J_1 first, or an iterable of (H, H), which is read once and not kept
    returns  (H,), largest first; -inf for directions that a singular Jacobian destroys
    errors   as log_singular_values
    source   Benettin et al. 1980; Engelken, Wolf and Abbott 2023 for recurrent networks
    """
    q, sums, T, waiting, stride = None, 0.0, 0, 0, 1
    for T, J in enumerate(_steps(js), start=1):
        q = J if q is None else J @ q
        waiting += 1
        if waiting == stride:
            q, sums, spread = _settle(q, sums)
            # Between two QRs the columns lean towards each other. As long as they spread by less than e^12, ten
            # digits of the smallest are left; a step that is nearly singular costs more.
            stride, waiting = max(1, min(20, int(12 * stride / max(spread, 1e-3)))), 0
    if waiting:
        _, sums, _ = _settle(q, sums)
    return np.sort(sums / T)[::-1]


@np.errstate(under="ignore")
def log_singular_values(js: np.ndarray | Iterable[np.ndarray]) -> np.ndarray:
    """Natural logs of the singular values of J_T ... J_1, each to about 12 digits, at any length.

    The product is carried as Q exp(d) N: Q orthogonal, d sorted logs, N well-conditioned (a graded QR). Then QR of the
    transposed factors is repeated until N is the identity; the rare singular values that lie too close together for
    that are taken from a small SVD.

    js       (T, H, H), J_1 first, or an iterable of (H, H)
    returns  (H,), largest first; -inf where the product is singular, or a single Jacobian is to 16 digits
    errors   ValueError for a product of length 0, shapes that are not square or differ, entries that are not finite
    source   Stewart 1997, "On graded QR decompositions of products of matrices"
    """
    q = None
    for J in _steps(js):
        if q is None:
            q, d, right = np.eye(len(J)), np.zeros(len(J)), np.eye(len(J))
        q, d, N, order = _graded_qr(J @ q, d)
        right = N @ right[order]
    columns = np.linalg.qr(right.T, mode="r")  # singular values of exp(d) right are those of (exp(d) right)^T
    for _ in range(SWEEPS):
        _, d, N, _ = _graded_qr(columns, d)
        coupled = np.abs(np.triu(N, 1)) > 1e-17
        if not coupled.any():
            break
        columns = N.T
    return np.sort(_of_blocks(d, N, coupled))[::-1]


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _graded_qr(columns: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """columns exp(d) = Q exp(d') N in the order of falling size: return Q, d', N (unit upper triangular), the order."""
    order = np.argsort(-(d + np.log(np.linalg.norm(columns, axis=0))), kind="stable")
    q, r = np.linalg.qr(columns[:, order])
    d, diagonal = d[order], _without_dust(np.diag(r))
    alive = (diagonal != 0) & ~np.isneginf(d)
    N = r * np.exp(d[None, :] - d[:, None]) / diagonal[:, None]
    new = np.log(np.abs(diagonal)) + d
    N = np.where(alive[:, None], np.triu(N, 1), 0.0)
    return q * np.where(diagonal < 0, -1, 1), np.where(alive, new, -np.inf), N + np.eye(len(d)), order


def _without_dust(diagonal: np.ndarray) -> np.ndarray:
    """The diagonal of R, its entries below rounding set to 0."""
    size = np.abs(diagonal)
    return np.where(size > len(size) * np.finfo(float).eps * size.max(), diagonal, 0.0)


def _settle(q: np.ndarray, sums) -> tuple[np.ndarray, np.ndarray, float]:
    """Make the columns orthogonal again and add what they grew by; also return how far they had spread."""
    q, r = np.linalg.qr(q)
    with np.errstate(divide="ignore"):
        grown = np.log(np.abs(_without_dust(np.diag(r))))
    alive = grown[np.isfinite(grown)]
    return q, sums + grown, float(np.ptp(alive)) if len(alive) else 0.0


def _of_blocks(d: np.ndarray, N: np.ndarray, coupled: np.ndarray) -> np.ndarray:
    """Logs of the singular values of exp(d) N, where neighbors that are coupled form blocks of nearly one size."""
    result, start = d.copy(), 0
    for end in range(1, len(d) + 1):
        if end == len(d) or not coupled[:end, end:].any():
            if end - start > 1:
                block = np.exp(d[start:end] - d[start])[:, None] * N[start:end, start:end]
                result[start:end] = d[start] + np.log(np.linalg.svd(block, compute_uv=False))
            start = end
    return result


def _steps(js, H: int | None = None) -> Iterator[np.ndarray]:
    """Yield the Jacobians one by one, each checked; ValueError where there are none."""
    T = 0
    for T, J in enumerate(js, start=1):
        J = _square(f"J_{T}", J)
        if J.ndim != 2 or (H is not None and len(J) != H):
            batch = " Take one sequence of a batch: js[:, 0]." if J.ndim == 3 else ""
            raise ValueError(f"J_{T} has shape {J.shape}, needs {(H, H) if H else '(H, H)'}, like all others.{batch}")
        H = len(J)
        yield J
    if T == 0:
        raise ValueError("js holds no Jacobian: a product needs at least one step.")


def _square(name: str, W) -> np.ndarray:
    W = _checks.array(name, W, ndim=2)
    if W.shape[-1] != W.shape[-2]:
        raise ValueError(f"{name} has shape {W.shape}, needs (..., H, H): it maps a hidden state to a hidden state.")
    return W
