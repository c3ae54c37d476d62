"""Seven activations with their slopes, deep nets of them layer by layer, and units that die while a net learns."""

import math
from typing import Callable, NamedTuple

import numpy as np

from ... import _checks, data
from ...activations import sigmoid

_erf = np.frompyfunc(math.erf, 1, 1)
DEAD = 1e-3  # a unit whose slope is smaller on every image is called dead


def _gelu(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    share = (1 + np.asarray(_erf(a / math.sqrt(2)), float)) / 2  # of a normal distribution that lies below a
    return a * share, share + a * np.exp(-a**2 / 2) / math.sqrt(2 * math.pi)


def _elu(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    e = np.exp(np.minimum(a, 0))
    return np.where(a > 0, a, e - 1), e


def _silu(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    s = sigmoid(a)
    return a * s, s * (1 + a * (1 - s))


# name as in torch.nn.functional: a -> f(a), f'(a)
SEVEN: dict[str, Callable] = {
    "tanh": lambda a: (np.tanh(a), 1 - np.tanh(a)**2),
    "sigmoid": lambda a: (sigmoid(a), sigmoid(a) * (1 - sigmoid(a))),
    "relu": lambda a: (np.maximum(a, 0), (a > 0) * 1.),
    "leaky_relu": lambda a: (np.where(a > 0, a, .01 * a), np.where(a > 0, 1, .01)),
    "elu": _elu, "gelu": _gelu, "silu": _silu}


@np.errstate(under="ignore")  # what underflows in passing is 0
def value_and_slope(name: str, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return f(a) and f'(a), both shaped like a.

        leaky_relu  a, or 0.01 a below 0          elu   a, or e^a - 1 below 0
        gelu        a Phi(a), Phi the normal distribution function          silu  a s(a)

    name    one of SEVEN, or "linear"
    errors  ValueError for another name
    source  Maas, Hannun and Ng 2013 (leaky_relu); Clevert, Unterthiner and Hochreiter 2016 (elu); Hendrycks and Gimpel
            2016 (gelu, silu), as torch.nn.functional has them
    """
    a = np.asarray(a, float)
    if name == "linear":
        return a, np.ones_like(a)
    return SEVEN[_checks.choice("name", name, SEVEN)](a)


class Layers(NamedTuple):
    """A deep net from below to above: [0] the inputs, [l] layer l.

    h, dh  (n + 1, B, H)
    dW     (n, H, H) [l - 1] of layer l
    """

    h: np.ndarray
    dh: np.ndarray
    dW: np.ndarray


def layer_by_layer(W: np.ndarray, x: np.ndarray, name: str, dh_n: np.ndarray | float = 1.) -> Layers:
    """h_l = f(W_l h_{l-1}) forward, then dL/dh_l and dL/dW_l backward.

    W     (n, H, H), W[l - 1] belongs to layer l
    x     (B, H)
    name  of the activation, as for value_and_slope
    dh_n  dL/dh_n, (B, H) or a number for all entries; 1 is that of L = the sum of all outputs
    """
    h, slopes = [x], []
    for W_l in W:
        h_l, slope = value_and_slope(name, h[-1] @ W_l.T)
        h.append(h_l)
        slopes.append(slope)
    dh, dW = [np.broadcast_to(dh_n, h[-1].shape)], []
    for W_l, slope, below in zip(W[::-1], slopes[::-1], h[-2::-1]):
        da = slope * dh[0]
        dW.insert(0, da.T @ below)
        dh.insert(0, da @ W_l)
    return Layers(np.array(h), np.array(dh), np.array(dW))


class Learned(NamedTuple):
    """Nets before and after training on digits, one a seed.

    before, after  (n, E) how many hidden units are dead, by layer, the lowest first
    right          (E,) share of the training images that are named correctly in the end
    finite         (E,) whether all weights still are
    """

    before: np.ndarray
    after: np.ndarray
    right: np.ndarray
    finite: np.ndarray


def pixels() -> tuple[np.ndarray, np.ndarray]:
    """The 1297 training digits as (N, 64), brightness with mean 0 and spread 1, and their labels (N,)."""
    images, labels = data.digits("train")
    flat = images.reshape(len(images), -1)
    return (flat - flat.mean()) / flat.std(), labels


def learn(name: str, rate: float, seeds=range(5), layers: int = 4, width: int = 64, updates: int = 300) -> Learned:
    """Train nets on the digits: softmax and cross-entropy, batches of 50, plain descent, He's weights, biases 0.

    name   of the activation, as for value_and_slope
    rate   of descent
    seeds  a net each; weights and batches are the same for every name and rate
    """
    x, labels = pixels()
    targets, sizes = np.eye(10)[labels], [x.shape[1], *[width] * layers, 10]
    rngs = [np.random.default_rng(seed) for seed in seeds]
    W = [np.stack([rng.normal(size=(o, i)) for rng in rngs]) * np.sqrt(2 / i) for i, o in zip(sizes, sizes[1:])]
    b = [np.zeros((len(rngs), 1, o)) for o in sizes[1:]]

    def forward(h):
        kept = []
        for W_l, b_l in zip(W[:-1], b[:-1]):
            below, (h, slope) = h, value_and_slope(name, h @ W_l.swapaxes(1, 2) + b_l)
            kept.append((below, slope))
        scores = h @ W[-1].swapaxes(1, 2) + b[-1]
        return kept, h, np.exp(scores - scores.max(-1, keepdims=True))

    def look():
        kept, _, odds = forward(x)
        dead = np.array([(np.abs(slope).max(1) < DEAD).sum(-1) for _, slope in kept])
        return dead, (odds.argmax(-1) == labels).mean(-1)

    with np.errstate(all="ignore"):  # a rate may be too high
        before, _ = look()
        for _ in range(updates):
            chosen = np.stack([rng.integers(len(x), size=50) for rng in rngs])
            kept, below, odds = forward(x[chosen])
            da = (odds / odds.sum(-1, keepdims=True) - targets[chosen]) / 50
            for l in range(layers, -1, -1):
                dW, db, dh = da.swapaxes(1, 2) @ below, da.sum(1, keepdims=True), da @ W[l]
                W[l], b[l] = W[l] - rate * dW, b[l] - rate * db
                if l:
                    below, slope = kept[l - 1]
                    da = dh * slope
        finite = np.all([np.isfinite(W_l).all((1, 2)) for W_l in W], axis=0)
        return Learned(before, *look(), finite)
