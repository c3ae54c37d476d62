"""Initial weights. Every function takes the caller's generator: the seed of a run stands in the notebook, not here."""

from __future__ import annotations

from typing import Callable

import numpy as np

from . import _checks
from .cells import NetworkParams, ReadoutParams, RNNParams


def gaussian(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Independent normal entries of deviation gain / sqrt(columns); a large square matrix has spectral radius gain."""
    shape = _shape(shape)
    return _checks.real("gain", gain) / np.sqrt(shape[-1]) * _checks.generator(rng).normal(size=shape)


def uniform(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Independent entries from U(-k, k), k = gain / sqrt(columns): what torch's nn.RNN does to W_hh by default."""
    shape = _shape(shape)
    k = _checks.real("gain", gain) / np.sqrt(shape[-1])
    return _checks.generator(rng).uniform(-abs(k), abs(k), shape)


def glorot(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Normal entries of variance gain^2 2 / (rows + columns) (Glorot and Bengio 2010)."""
    shape = _shape(shape)
    size = _checks.real("gain", gain) * np.sqrt(2 / (shape[-1] + shape[-2]))
    return size * _checks.generator(rng).normal(size=shape)


def orthogonal(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """gain times a random orthogonal matrix, uniform over all of them: every singular value is gain.

    shape   (..., rows, columns); orthonormal rows or columns, whichever are fewer
    source  Saxe, McClelland and Ganguli 2014; uniform by the signs of R (Mezzadri 2007)
    """
    *lead, rows, columns = _shape(shape)
    tall = _checks.generator(rng).normal(size=(*lead, max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return _checks.real("gain", gain) * (q if rows >= columns else q.swapaxes(-1, -2))


def identity(shape: tuple[int, ...], rng: np.random.Generator | None = None, gain: float = 1.0) -> np.ndarray:
    """gain times the identity (Le, Jaitly and Hinton 2015: with ReLU, the IRNN). It draws nothing from rng."""
    *lead, rows, columns = _shape(shape)
    return np.broadcast_to(_checks.real("gain", gain) * np.eye(rows, columns), (*lead, rows, columns)).copy()


def non_normal(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0,
               non_normality: float = 1.0) -> np.ndarray:
    """A square matrix Q (R + N) Q^T, scaled: all eigenvalues have modulus gain, singular values spread with N.

    R is block diagonal with random rotations, N strictly block upper triangular with normal entries of standard
    deviation gain * non_normality / sqrt(H), Q a random rotation. N = 0 gives a normal matrix, gain times orthogonal.

    shape   (..., H, H)
    source  the real Schur form; Trefethen and Embree 2005, "Spectra and Pseudospectra"
    """
    *lead, H, columns = _shape(shape)
    if H != columns:
        raise ValueError(f"shape is {tuple(shape)}, needs a square matrix (..., H, H): it has eigenvalues.")
    angles = _checks.generator(rng).uniform(0, np.pi, (*lead, H // 2))
    strength = _checks.real("non_normality", non_normality) / np.sqrt(H)
    block = np.arange(H) // 2
    schur = np.where(block[:, None] < block, strength * rng.normal(size=(*lead, H, H)), 0.0)
    even = np.arange(0, H - 1, 2)
    schur[..., even, even] = schur[..., even + 1, even + 1] = np.cos(angles)
    schur[..., even, even + 1], schur[..., even + 1, even] = -np.sin(angles), np.sin(angles)
    if H % 2:
        schur[..., -1, -1] = 1
    q = orthogonal((*lead, H, H), rng)
    return _checks.real("gain", gain) * (q @ schur @ q.swapaxes(-1, -2))


def sparse(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 0.95,
           nonzero: int | None = None) -> np.ndarray:
    """A square matrix with `nonzero` normal entries in each row, scaled to spectral radius gain; the rest is 0.

    nonzero  inputs of each unit; None: 15, or H if that is less
    source   Pascanu, Mikolov and Bengio 2013, "smart tanh", with gain .95 and 15 entries; Sutskever et al. 2013
    """
    *lead, H, columns = _shape(shape)
    if H != columns:
        raise ValueError(f"shape is {tuple(shape)}, needs a square matrix (..., H, H): it has a spectral radius.")
    nonzero = min(15, H) if nonzero is None else _checks.count("nonzero", nonzero)
    if nonzero > H:
        raise ValueError(f"nonzero is {nonzero}, needs to be at most {H}, the size of a row.")
    place = np.argsort(_checks.generator(rng).random((*lead, H, H)), axis=-1)  # the rank of each entry in its row
    W = np.where(place < nonzero, rng.normal(size=(*lead, H, H)), 0.0)
    return _checks.real("gain", gain) / np.abs(np.linalg.eigvals(W)).max(-1)[..., None, None] * W


MATRICES: dict[str, Callable] = {
    "gaussian": gaussian, "uniform": uniform, "glorot": glorot, "orthogonal": orthogonal, "identity": identity,
    "non_normal": non_normal, "sparse": sparse}


def rnn(inputs: int, hidden: int, rng: np.random.Generator, recurrent: str = "orthogonal", gain: float = 1.0,
        input_gain: float = 1.0, members: int | None = None, dtype=np.float64) -> RNNParams:
    """Parameters of a recurrent network: W_hh by name and gain, W_xh gaussian with input_gain, b_h zero.

    inputs, hidden  D and H
    recurrent       "gaussian", "uniform", "glorot", "orthogonal", "identity", "non_normal" or "sparse"
    members         None for one network, E for an ensemble with a leading axis
    returns         RNNParams of dtype
    """
    D, H, dtype = _checks.count("inputs", inputs), _checks.count("hidden", hidden), _checks.floating_type(dtype)
    make = MATRICES[_checks.choice("recurrent", recurrent, MATRICES)]
    lead = () if members is None else (_checks.count("members", members),)
    arrays = gaussian((*lead, H, D), rng, input_gain), make((*lead, H, H), rng, gain), np.zeros((*lead, H))
    return RNNParams(*(array.astype(dtype) for array in arrays))


def network(inputs: int, hidden: int, outputs: int, rng: np.random.Generator, recurrent: str = "orthogonal",
            gain: float = 1.0, input_gain: float = 1.0, members: int | None = None,
            dtype=np.float64, output_gain: float = 1.0) -> NetworkParams:
    """Parameters of a recurrent network with a readout: `rnn` as above, W_hy gaussian with output_gain, b_y zero."""
    params = rnn(inputs, hidden, rng, recurrent, gain, input_gain, members, dtype)
    K, lead, dtype = _checks.count("outputs", outputs), params.b_h.shape[:-1], params.b_h.dtype
    W_hy = gaussian((*lead, K, hidden), rng, output_gain).astype(dtype)
    return NetworkParams(params, ReadoutParams(W_hy, np.zeros((*lead, K), dtype)))


def _shape(shape) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)) or len(shape) < 2:
        raise ValueError(f"shape is {shape!r}, needs (..., rows, columns).")
    return tuple(_checks.count("shape", size) for size in shape)
