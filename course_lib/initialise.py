"""Initial weights. Every function takes the caller's generator: the seed of a run is the notebook's, not the library's.

The matrices have the given shape, (..., rows, columns), in float64. All functions raise TypeError for sizes that are
not whole numbers, gains that are not numbers, a dtype that is not floating point and an rng that is not a generator,
ValueError for sizes below 1, gains that are not finite, shapes without rows and columns, and names they do not know.
"""

from __future__ import annotations  # so that numpy.random loads when it is first used

from typing import Callable, Iterator

import numpy as np

from . import _checks
from .cells import CellParams, GRUParams, LSTMParams, MinGRUParams, NetworkParams, ReadoutParams, RNNParams, cell_of


def gaussian(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Independent normal entries of standard deviation gain / sqrt(columns): a large square one has radius gain."""
    return _checks.real("gain", gain) / np.sqrt(_shape(shape)[-1]) * _checks.generator(rng).normal(size=shape)


def uniform(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Independent entries from U(-k, k), k = gain / sqrt(columns): what torch's nn.RNN does to W_hh by default."""
    shape = _shape(shape)
    k = _checks.real("gain", gain) / np.sqrt(shape[-1])
    return _checks.generator(rng).uniform(-abs(k), abs(k), shape)


def glorot(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Normal entries of variance gain^2 2 / (rows + columns) (Glorot and Bengio 2010)."""
    shape = _shape(shape)
    return _checks.real("gain", gain) * np.sqrt(2 / (shape[-1] + shape[-2])) * _checks.generator(rng).normal(size=shape)


def orthogonal(shape: tuple[int, ...], rng: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """gain times a random orthogonal matrix, uniform over all of them: every singular value is gain.

    shape   (..., rows, columns); orthonormal rows or columns, whichever are fewer
    source  Saxe, McClelland and Ganguli 2014; uniform by the signs of R (Mezzadri 2007)
    """
    *lead, rows, columns = _shape(shape)
    q, r = np.linalg.qr(_checks.generator(rng).normal(size=(*lead, max(rows, columns), min(rows, columns))))
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
    errors  also ValueError for a matrix that is not square
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

    shape    (..., H, H)
    nonzero  inputs of each unit; None: 15, or H if that is less
    errors   also ValueError for a matrix that is not square and for more entries than a row has
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
    returns         RNNParams of dtype: W_xh (..., H, D), W_hh (..., H, H), b_h (..., H); the dots are (E,) or nothing
    """
    return RNNParams(*_gates(1, inputs, hidden, rng, recurrent, gain, input_gain, members, dtype))


def lstm(inputs: int, hidden: int, rng: np.random.Generator, recurrent: str = "orthogonal", gain: float = 1.0,
         input_gain: float = 1.0, members: int | None = None, dtype=np.float64, *,
         forget_bias: float | np.ndarray = 0.0, chrono: int | None = None) -> LSTMParams:
    """Parameters of an LSTM: each gate's block of W_hh by name and gain, W_xh gaussian, biases zero but for these two.

    inputs ... dtype  as in `rnn`
    forget_bias       b_f, a number or an array that fits (..., H), (E, 1) for one number a member
    chrono            T_max, the longest distance to be bridged, >= 3: b_f = ln U(1, T_max - 1), b_i = -b_f
    returns           LSTMParams of dtype: W_xh (..., 4H, D), W_hh (..., 4H, H), b_h (..., 4H)
    errors            also ValueError for a forget_bias that does not fit, or beside chrono
    source            forget bias 1: Jozefowicz, Zaremba and Sutskever 2015; chrono: Tallec and Ollivier 2018
    """
    W_xh, W_hh, b_h = _gates(4, inputs, hidden, rng, recurrent, gain, input_gain, members, dtype)
    b_i, b_f, *_ = np.split(b_h, 4, axis=-1)  # views: what is written into them is written into b_h
    b_f[...] = _keeping("forget_bias", forget_bias, "b_f", b_f.shape, rng, chrono)
    if chrono is not None:
        b_i[...] = -b_f
    return LSTMParams(W_xh, W_hh, b_h)


def gru(inputs: int, hidden: int, rng: np.random.Generator, recurrent: str = "orthogonal", gain: float = 1.0,
        input_gain: float = 1.0, members: int | None = None, dtype=np.float64, *,
        keep_bias: float | np.ndarray = 0.0, chrono: int | None = None) -> GRUParams:
    """Parameters of a GRU: each gate's block of W_hh by name and gain, W_xh gaussian, biases zero but for these two.

    inputs ... dtype  as in `rnn`
    keep_bias         b_z, as forget_bias of `lstm`: z near 1 keeps h
    chrono            T_max, >= 3: b_z = ln U(1, T_max - 1), as `chrono_bias`
    returns           GRUParams of dtype: W_xh (..., 3H, D), W_hh (..., 3H, H), b_h (..., 3H), b_hn (..., H)
    errors            also ValueError for a keep_bias that does not fit, or beside chrono
    """
    W_xh, W_hh, b_h = _gates(3, inputs, hidden, rng, recurrent, gain, input_gain, members, dtype)
    b_z = np.split(b_h, 3, axis=-1)[1]
    b_z[...] = _keeping("keep_bias", keep_bias, "b_z", b_z.shape, rng, chrono)
    return GRUParams(W_xh, W_hh, b_h, np.zeros_like(b_z))


def mingru(inputs: int, hidden: int, rng: np.random.Generator, input_gain: float = 1.0, members: int | None = None,
           dtype=np.float64, *, chrono: int | None = None) -> MinGRUParams:
    """Parameters of a minGRU, which has no W_hh: W_xh gaussian, biases zero but for this one.

    inputs, hidden ... dtype  as in `rnn`
    chrono                    T_max, >= 3: b_z = -ln U(1, T_max - 1), for its z near 1 writes
    returns                   MinGRUParams of dtype: W_xh (..., 2H, D), b_h (..., 2H)
    """
    D, H, dtype = _checks.count("inputs", inputs), _checks.count("hidden", hidden), _checks.floating_type(dtype)
    lead = () if members is None else (_checks.count("members", members),)
    W_xh, b_h = gaussian((*lead, 2 * H, D), rng, input_gain), np.zeros((*lead, 2 * H))
    if chrono is not None:
        b_h[..., :H] = -chrono_bias((*lead, H), rng, chrono)
    return MinGRUParams(W_xh.astype(dtype), b_h.astype(dtype))


def chrono_bias(shape: tuple[int, ...], rng: np.random.Generator, T_max: int) -> np.ndarray:
    """ln U(1, T_max - 1), of that shape: a gate with this bias keeps for up to about T_max steps.

    errors  also ValueError for T_max below 3
    source  Tallec and Ollivier 2018, "Can recurrent neural networks warp time?"
    """
    return np.log(_checks.generator(rng).uniform(1, _checks.count("chrono", T_max, least=3) - 1, shape))


def _gates(count: int, inputs: int, hidden: int, rng, recurrent: str, gain: float, input_gain: float,
           members: int | None, dtype) -> Iterator[np.ndarray]:
    """W_xh, W_hh and a zero b_h of `count` gates one below the other, each gate's W_hh drawn on its own."""
    D, H, dtype = _checks.count("inputs", inputs), _checks.count("hidden", hidden), _checks.floating_type(dtype)
    make = MATRICES[_checks.choice("recurrent", recurrent, MATRICES)]
    lead = () if members is None else (_checks.count("members", members),)
    W_xh = gaussian((*lead, count * H, D), rng, input_gain)
    W_hh = make((*lead, count, H, H), rng, gain).reshape(*lead, count * H, H)
    return (array.astype(dtype) for array in (W_xh, W_hh, np.zeros((*lead, count * H))))


def _keeping(name: str, value, bias: str, shape: tuple[int, ...], rng, chrono: int | None) -> np.ndarray:
    """The bias of the gate that keeps, called b_f or b_z: `value`, whose argument has this name, or chrono's."""
    if chrono is None:
        return _checks.broadcast(name, value, shape, f"to fit {shape}: one number, one for each unit, or (E, 1) for one a "
                                                     f"member")
    if np.any(value):
        raise ValueError(f"{name} is {value}, chrono is {chrono}: both set {bias}. Leave one of them out.")
    return chrono_bias(shape, rng, chrono)


MAKERS: dict[str, Callable] = {"rnn": rnn, "lstm": lstm, "gru": gru}


def torch_default(inputs: int, hidden: int, rng: np.random.Generator, cell: str = "rnn", members: int | None = None,
                  dtype=np.float64) -> CellParams:
    """What nn.RNN, nn.LSTM and nn.GRU start from: every entry from U(-k, k), k = 1 / sqrt(H); two biases, added up.

    inputs, hidden  D and H
    cell            "rnn", "lstm" or "gru"
    returns         RNNParams, LSTMParams or GRUParams of dtype, shaped as theirs above
    """
    params = MAKERS[_checks.choice("cell", cell, MAKERS)](inputs, hidden, rng, members=members)
    k, H = 1 / np.sqrt(hidden), hidden
    drawn = {name: rng.uniform(-k, k, array.shape) for name, array in params._asdict().items()}
    second = rng.uniform(-k, k, params.b_h.shape)
    if cell == "gru":
        second[..., 2 * H:] = 0  # b_hn is apart
    drawn["b_h"] += second
    return type(params)(**{name: array.astype(_checks.floating_type(dtype)) for name, array in drawn.items()})


def network(inputs: int, hidden: int, outputs: int, rng: np.random.Generator, recurrent: str = "orthogonal",
            gain: float = 1.0, input_gain: float = 1.0, members: int | None = None,
            dtype=np.float64, output_gain: float = 1.0, *, cell: str = "rnn", **options) -> NetworkParams:
    """Parameters of a recurrent network with a readout: the cell as above, W_hy gaussian with output_gain, b_y zero.

    outputs  K
    cell     "rnn", "lstm" or "gru"
    options  of that cell alone: forget_bias and chrono of `lstm`, keep_bias and chrono of `gru`
    returns  NetworkParams: the cell's as above, W_hy (..., K, H), b_y (..., K)
    errors   also TypeError for an option of another cell
    """
    make = MAKERS[_checks.choice("cell", cell, MAKERS)]
    params = make(inputs, hidden, rng, recurrent, gain, input_gain, members, dtype, **options)
    return with_readout(params, outputs, rng, output_gain)


def with_readout(params: CellParams, outputs: int, rng: np.random.Generator, output_gain: float = 1.0) -> NetworkParams:
    """A cell's parameters with a readout of their precision: W_hy gaussian with output_gain, b_y zero.

    params   of any cell, with H units
    outputs  K
    returns  NetworkParams: params, W_hy (..., K, H), b_y (..., K)
    errors   also TypeError for params of no cell
    """
    H = params.b_h.shape[-1] // cell_of(params).gates
    K, lead, dtype = _checks.count("outputs", outputs), params.b_h.shape[:-1], params.b_h.dtype
    W_hy = gaussian((*lead, K, H), rng, output_gain).astype(dtype)
    return NetworkParams(params, ReadoutParams(W_hy, np.zeros((*lead, K), dtype)))


def _shape(shape) -> tuple[int, ...]:
    if not isinstance(shape, (tuple, list)) or len(shape) < 2:
        raise ValueError(f"shape is {shape!r}, needs (..., rows, columns).")
    return tuple(_checks.count("shape", size) for size in shape)
