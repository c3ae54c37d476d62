"""Direct connections and layer norm: the same weights, W_xh, W_hh, b_h, on other ways back.

    h_t = carry h_{t-skip} + step f(a_t),        a_t = W_xh x_t + W_hh h_{t-1} + b_h

carry = 0 is the simple network; carry = alpha, step = 1 - alpha the leaky one (Jaeger et al. 2007); carry = 1 a
residual one. With layer norm, a_t = n(W_xh x_t + W_hh h_{t-1}) + b_h, where n takes away the mean over the units and
divides by their standard deviation (Ba, Kiros and Hinton 2016; without their learned gain).
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from ... import _checks, activations, bptt, cells

LAYER_NORM_EPS = 1e-5  # added to the variance, as in torch: states that are all equal have none


class Paths(NamedTuple):
    """Which ways lead from one state to a later one.

    carry       the weight of h_{t-skip} in h_t; 0: no direct connection
    step        the weight of f(a_t)
    skip        how many steps the direct connection spans; states before h_0 count as 0
    layer_norm  whether the units' inputs are normalised
    """

    carry: float = 0.0
    step: float = 1.0
    skip: int = 1
    layer_norm: bool = False


class PathsRun(NamedTuple):
    """A forward pass with all it computed.

    params, paths  what it used
    x      (T, ..., B, D)
    h      (T + 1, ..., B, H)  h[0] is the initial state
    f      (T, ..., B, H)      f(a_t)
    scale  (T, ..., B, 1)      the standard deviation that layer norm divides by; None without it
    activation  the activation's name
    """

    params: cells.RNNParams
    paths: Paths
    x: np.ndarray
    h: np.ndarray
    f: np.ndarray
    scale: np.ndarray | None
    activation: str

    def __repr__(self) -> str:
        return f"PathsRun({self.activation}, {self.paths}: x {self.x.shape}, h {self.h.shape}, {self.h.dtype})"

    @property
    def normal(self) -> np.ndarray:
        """What layer norm hands on, n(...), (T, ..., B, H); computed when asked for."""
        return _normalised(_inputs(self.params, self.x, self.h.ndim) + self.h[:-1] @ _T(self.params.W_hh))[0]


class PathsBack(NamedTuple):
    """A backward pass: grads like params; dh (T + 1, ..., B, H), total dL/dh_t; run, the forward pass."""

    grads: cells.RNNParams
    dh: np.ndarray
    run: PathsRun

    def __repr__(self) -> str:
        return f"PathsBack(grads {'/'.join(self.grads._fields)}, dh {self.dh.shape}, {self.dh.dtype})"


def leaky(alpha: float) -> Paths:
    """A unit that keeps the share alpha of its state: h_t = alpha h_{t-1} + (1 - alpha) f(a_t).

    errors  TypeError or ValueError for an alpha outside [0, 1)
    """
    if not 0 <= _checks.real("alpha", alpha) < 1:
        raise ValueError(f"alpha is {alpha:g}, needs to be in [0, 1): at 1 the state never changes.")
    return Paths(carry=alpha, step=1 - alpha)


def forward_paths(params: cells.RNNParams, x: np.ndarray, paths: Paths = Paths(), state0: np.ndarray | None = None,
                  activation: str = "tanh") -> PathsRun:
    """Run the network over a sequence, as bptt.forward does, with other paths.

    params      RNNParams; x (T, ..., B, D); state0 (..., B, H), zeros if None
    paths       Paths
    activation  "tanh", "relu", "sigmoid" or "linear"
    returns     PathsRun
    errors      TypeError or ValueError for paths, and as bptt.forward
    """
    params, paths = cells.RNN().check(params), _check(paths)
    x = _checks.array("x", x, ndim=1)
    start = bptt.forward(params, x[:1], state0, activation)  # its checks, its precision and its initial state
    function, T = activations.get(activation).function, len(x)
    h = np.empty((T + 1, *start.h.shape[1:]), np.result_type(start.h, x) if np.iscomplexobj(x) else start.h.dtype)
    h[0], f = start.h[0], np.empty_like(h[1:])
    inputs, W_T, b_h = _inputs(params, x, h.ndim), _T(params.W_hh), params.b_h[..., None, :]
    scale = np.empty((*f.shape[:-1], 1), h.dtype) if paths.layer_norm else None
    for t in range(1, T + 1):
        a = inputs[t - 1] + h[t - 1] @ W_T
        if paths.layer_norm:
            a, scale[t - 1] = _normalised(a)
        f[t - 1] = function(a + b_h)
        h[t] = paths.step * f[t - 1]
        if t >= paths.skip:
            h[t] += paths.carry * h[t - paths.skip]
    return PathsRun(params, paths, x.astype(h.dtype, copy=False), h, f, scale, activation)


def backward_paths(run: PathsRun, dh_direct: np.ndarray) -> PathsBack:
    """Carry a loss back along every path:

        dL/dh_{t-1} = direct_{t-1} + W_hh^T n'^T (step f'(a_t) * dL/dh_t) + carry dL/dh_{t-1+skip}

    run        what `forward_paths` returned
    dh_direct  (T + 1, ..., B, H), shaped like run.h: what the loss reads from each h_t
    returns    PathsBack
    errors     TypeError if run is not a PathsRun, ValueError for another shape
    """
    _check_run(run)
    dh = _checks.array("dh_direct", dh_direct, finite=False).astype(run.h.dtype)
    if dh.shape != run.h.shape:
        raise ValueError(f"dh_direct has shape {dh.shape}, needs {run.h.shape}, the shape of run.h.")
    slopes = activations.get(run.activation).derivative_from_output(run.f)
    da, ds = np.empty_like(run.f), np.empty_like(run.f)  # after the norm and its bias; before the norm
    normal = run.normal if run.paths.layer_norm else None
    carry, step, skip, _ = run.paths
    for t in range(len(run.x), 0, -1):
        da[t - 1] = step * slopes[t - 1] * dh[t]
        ds[t - 1] = da[t - 1] if normal is None else _norm_backward(da[t - 1], normal[t - 1], run.scale[t - 1])
        dh[t - 1] += ds[t - 1] @ run.params.W_hh
        if t >= skip:
            dh[t - skip] += carry * dh[t]
    along, x = _T(cells.rows(ds)), cells.aligned(run.x, dh.ndim)
    W_xh, W_hh, b_h = run.params
    grads = cells.RNNParams(cells.sum_to(along @ cells.rows(x), W_xh.shape),
                            cells.sum_to(along @ cells.rows(run.h[:-1]), W_hh.shape),
                            cells.sum_to(cells.rows(da).sum(-2), b_h.shape))
    return PathsBack(grads, dh, run)


def paths_jacobians(run: PathsRun) -> np.ndarray:
    """Return J_t = carry I + step diag(f'(a_t)) N_t W_hh, with N_t the Jacobian of the layer norm, I without it.

    run      what `forward_paths` returned, with skip = 1: then h_t depends on h_{t-1} alone
    returns  (T, ..., B, H, H)
    errors   TypeError if run is not a PathsRun, ValueError for a longer skip
    """
    _check_run(run)
    if run.paths.skip != 1 and run.paths.carry:
        raise ValueError(f"skip is {run.paths.skip}: h_t depends on two states, so that a step has no single Jacobian.")
    H = run.h.shape[-1]
    W = run.params.W_hh[..., None, :, :]
    if run.paths.layer_norm:
        n = run.normal
        N = (np.eye(H) - 1 / H - n[..., :, None] * n[..., None, :] / H) / run.scale[..., None]
        W = N @ W
    slopes = activations.get(run.activation).derivative_from_output(run.f)
    return run.paths.carry * np.eye(H) + run.paths.step * slopes[..., None] * W


def paths_objective(loss: Callable, paths: Paths = Paths(), activation: str = "tanh") -> Callable:
    """Return the objective (network, x, target) -> (loss, grads) for train.train; the loss reads the last state.

    loss   losses.cross_entropy or losses.mean_squared_error
    """
    _check(paths)

    def objective(network: cells.NetworkParams, x: np.ndarray, target: np.ndarray):
        run = forward_paths(network.rnn, x, paths, activation=activation)
        value, dy = loss(cells.readout(network.readout, run.h[-1]), target)
        dh_T, readout_grads = cells.readout_backward(network.readout, run.h[-1], dy)
        return value, cells.NetworkParams(backward_paths(run, bptt.at_end(run, dh_T)).grads, readout_grads)

    return objective


def _normalised(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a without its mean over the units and divided by their standard deviation, and that number."""
    centred = a - a.mean(-1, keepdims=True)
    scale = np.sqrt((centred * centred).mean(-1, keepdims=True) + LAYER_NORM_EPS)
    return centred / scale, scale


def _norm_backward(d: np.ndarray, normal: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """What comes back through the norm: d without mean and part along n, over the standard deviation."""
    return (d - d.mean(-1, keepdims=True) - normal * (d * normal).mean(-1, keepdims=True)) / scale


def _inputs(params: cells.RNNParams, x: np.ndarray, ndim: int) -> np.ndarray:
    return cells.aligned(x, ndim) @ _T(params.W_xh)


def _T(W: np.ndarray) -> np.ndarray:
    return W.swapaxes(-1, -2)


def _check_run(run: PathsRun) -> None:
    if not isinstance(run, PathsRun):
        raise TypeError(f"run is {type(run).__name__}, needs what residual.forward_paths returned.")


def _check(paths: Paths) -> Paths:
    if not isinstance(paths, Paths):
        raise TypeError(f"paths is {type(paths).__name__}, needs residual.Paths(carry, step, skip, layer_norm).")
    carry, step = _checks.real("carry", paths.carry), _checks.real("step", paths.step)
    if not isinstance(paths.layer_norm, (bool, np.bool_)):
        raise TypeError(f"layer_norm is {paths.layer_norm!r}, needs True or False.")
    return Paths(carry, step, _checks.count("skip", paths.skip), bool(paths.layer_norm))
