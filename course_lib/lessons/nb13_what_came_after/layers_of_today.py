"""One step of each recurrent layer in the lesson's table, and what its Jacobian is said to be.

Every one is linear in its state. Where the numbers of a state stand alone it is

    h_t = a_t * h_{t-1} + b_t                   Jacobian diag(a_t)

and with a matrix S that stores pairs of a value and a key, and answers a question q with S q,

    S_t = S_{t-1} A_t + b_t v_t k_t^T           Jacobian A_t, from the right.

Left out is what surrounds a step: convolutions, norms, output gates, and how the weights are drawn. A source is the
code or the paper whose equation was read.
"""

from __future__ import annotations

from typing import Callable, NamedTuple

import numpy as np

from ... import gradcheck
from ...activations import sigmoid

D, N = 4, 3   # numbers read at a step, and the size of a vector state; a matrix state is (N, D)


class Layer(NamedTuple):
    """A row of the table.

    name      of the layer
    step      (state, x (D,)) -> the next state
    factor    x -> a_t like the state, or A_t (D, D): what the table says the Jacobian is
    jacobian  the same in symbols
    state     its shape, in symbols
    start     a state to begin with, drawn at random
    """

    name: str
    step: Callable
    factor: Callable
    jacobian: str
    state: str
    start: np.ndarray


def softplus(a: np.ndarray) -> np.ndarray:
    """log(1 + e^a), above 0."""
    return np.log1p(np.exp(a))


def complex_diagonal(rng) -> tuple[Layer, Layer, Layer]:
    """S4D and S5, h_t = exp(Delta A) h_{t-1} + (exp(Delta A) - 1) / A B x_t; LRU has l = exp(-exp(nu) + i theta).

    A is complex with a real part below 0, Delta > 0 a learned step. S4D has N numbers for each of D inputs, S5 and LRU
    one state for all inputs; LRU multiplies the input by sqrt(1 - |l|^2).
    source  github state-spaces/s4, models/s4/s4d.py; lindermanlab/S5, s5/ssm.py; Orvieto et al. 2023
    """
    A = -np.exp(rng.normal(size=N)) + 1j * np.pi * np.arange(N)
    delta, B, nu, theta = np.exp(rng.normal(size=D)), rng.normal(size=(N, D)), rng.normal(size=N), rng.normal(size=N)
    each, all_, l = np.exp(np.multiply.outer(delta, A)), np.exp(delta[0] * A), np.exp(-np.exp(nu) + 1j * theta)
    made = [("S4D", lambda h, x: each * h + (each - 1) / A * x[:, None], each, "diag(exp(Delta A)), complex", "D N"),
            ("S5", lambda h, x: all_ * h + (all_ - 1) / A * (B @ x), all_, "diag(exp(Delta A)), complex", "N"),
            ("LRU", lambda h, x: l * h + np.sqrt(1 - np.abs(l)**2) * (B @ x), l, "diag(exp(-exp(nu) + i theta))", "N")]
    return tuple(Layer(name, step, lambda x, a=a: a, words, size, rng.normal(size=a.shape) + 1j)
                 for name, step, a, words, size in made)


def gated(rng) -> tuple[Layer, Layer, Layer]:
    """minGRU, h_t = (1 - z) h_{t-1} + z W x_t; RG-LRU, h_t = a h_{t-1} + sqrt(1 - a^2) i x_t; and Mamba,
    for each input x_j, h_t = exp(Delta_t A) h_{t-1} + Delta_t B_t x_j with A < 0 and Delta_t = softplus(W x_t).

    The gates z, r, i are sigmoids of W x_t, a = exp(-8 r softplus(nu)), B_t is W x_t: none of them reads the state.
    source  Feng et al. 2024; github google-deepmind/recurrentgemma, jax/layers.py; state-spaces/mamba,
            ops/selective_scan_interface.py, selective_scan_ref
    """
    W_z, W_n, W_B = rng.normal(size=(3, N, D))
    W_r, W_i, W_d = rng.normal(size=(3, D, D))
    nu, A = rng.normal(size=D), -np.exp(rng.normal(size=(D, N)))

    def kept(x):
        return np.exp(-8 * sigmoid(W_r @ x) * softplus(nu))

    def mamba(h, x):
        delta = softplus(W_d @ x)[:, None]
        return np.exp(delta * A) * h + delta * (W_B @ x) * x[:, None]

    return (Layer("minGRU", lambda h, x: (1 - sigmoid(W_z @ x)) * h + sigmoid(W_z @ x) * (W_n @ x),
                  lambda x: 1 - sigmoid(W_z @ x), "diag(1 - z_t)", "N", rng.normal(size=N)),
            Layer("RG-LRU", lambda h, x: kept(x) * h + np.sqrt(1 - kept(x)**2) * sigmoid(W_i @ x) * x,
                  kept, "diag(exp(-8 r_t softplus(nu)))", "D", rng.normal(size=D)),
            Layer("Mamba", mamba, lambda x: np.exp(softplus(W_d @ x)[:, None] * A), "diag(exp(Delta_t A))", "D N",
                  rng.normal(size=(D, N))))


def matrix_states(rng) -> tuple[Layer, ...]:
    """The layers with a matrix S (N, D), each step as its source writes it; k, v and the gates read x_t alone.

        linear attention  S + v k^T                      Mamba-2         exp(-Delta_t a) S + Delta_t v k^T, one a > 0
        mLSTM             f_t S + i_t v k^T              RWKV-6          S times w_t column by column, + v k^T
        DeltaNet          S + beta_t (v - S k) k^T       Gated DeltaNet  the same with alpha_t S in the place of S

    Delta_t = softplus(w x_t), i_t = exp(w x_t), w_t = exp(-exp(W x_t)); f, beta and alpha are sigmoids. DeltaNet's
    keys have length 1, here all keys have. mLSTM has a second state, n_t = f_t n_{t-1} + i_t k_t, by which it divides
    what it reads.
    source  Katharopoulos et al. 2020; Yang et al. 2024; github NX-AI/xlstm, blocks/mlstm/backends.py;
            fla-org/flash-linear-attention, ops/*/naive.py and ops/simple_gla/README.md
    """
    W_k, W_w, W_v = rng.normal(size=(D, D)), rng.normal(size=(D, D)), rng.normal(size=(N, D))
    w_f, w_i = rng.normal(size=(2, D))
    identity = np.eye(D)

    def key(x):
        k = W_k @ x
        return k / np.sqrt(k @ k)

    def pair(x):
        return np.outer(W_v @ x, key(x))

    def corrected(S, x):
        return S + sigmoid(w_i @ x) * np.outer(W_v @ x - S @ key(x), key(x))

    def erase(x):
        return identity - sigmoid(w_i @ x) * np.outer(key(x), key(x))

    made = [("linear attention", lambda S, x: S + pair(x), lambda x: identity, "I"),
            ("Mamba-2", lambda S, x: np.exp(-.5 * softplus(w_f @ x)) * S + softplus(w_f @ x) * pair(x),
             lambda x: np.exp(-.5 * softplus(w_f @ x)) * identity, "exp(-Delta_t a) I"),
            ("mLSTM", lambda S, x: sigmoid(w_f @ x) * S + np.exp(w_i @ x) * pair(x),
             lambda x: sigmoid(w_f @ x) * identity, "f_t I"),
            ("RWKV-6", lambda S, x: S * np.exp(-np.exp(W_w @ x)) + pair(x),
             lambda x: np.diag(np.exp(-np.exp(W_w @ x))), "diag(w_t)"),
            ("DeltaNet", corrected, erase, "I - beta_t k_t k_t^T"),
            ("Gated DeltaNet", lambda S, x: corrected(sigmoid(w_f @ x) * S, x), lambda x: sigmoid(w_f @ x) * erase(x),
             "alpha_t (I - beta_t k_t k_t^T)")]
    return tuple(Layer(name, step, A, words, "N D", rng.normal(size=(N, D))) for name, step, A, words in made)


def layers(seed: int = 0) -> tuple[Layer, ...]:
    """All rows of the table, with weights of this seed."""
    rng = np.random.default_rng(seed)
    return (*complex_diagonal(rng), *gated(rng), *matrix_states(rng))


def measured_jacobian(layer: Layer, x: np.ndarray) -> np.ndarray:
    """d(next state)/d(state) of a layer, both flattened: by the complex step, or for a complex state, which the complex
    step cannot move, as step(h + e) - step(h) for each unit vector e: exact, because the step is linear in h.

    x        (D,)
    returns  (size, size) of the state
    """
    state = layer.start
    units = np.eye(state.size).reshape(-1, *state.shape)
    if np.iscomplexobj(state):
        columns = [layer.step(state + e, x) - layer.step(state, x) for e in units]
    else:
        columns = [layer.step(state + 1j * gradcheck.EPS * e, x).imag / gradcheck.EPS for e in units]
    return np.reshape(columns, (state.size, -1)).T


def said_jacobian(layer: Layer, x: np.ndarray) -> np.ndarray:
    """The table's Jacobian as a matrix for the flattened state: diag(a_t), or A_t from the right on each row of S.

    x        (D,)
    returns  (size, size) of the state
    """
    factor = layer.factor(x)
    if factor.shape == layer.start.shape:
        return np.diag(factor.ravel())
    return np.kron(np.eye(len(layer.start)), factor.T)
