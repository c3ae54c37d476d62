"""Losses: each returns the loss and dL/dy. They take the last two axes, batch and output, and keep those in front:
y (T, B, K) gives one loss a step, y (E, B, K) one a member of an ensemble."""

import numpy as np

from . import _checks


@np.errstate(under="ignore")  # what underflows in passing is 0
def mean_squared_error(y: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over batch and outputs of (y - target)^2, and its gradient 2 (y - target) / (B K).

    y        (..., B, K)
    target   broadcasts to y
    returns  loss (...), dy (..., B, K)
    errors   ValueError for shapes that do not fit or a target that is not finite
    """
    y, target = _checks.array("y", y, ndim=2, finite=False), _checks.array("target", target)
    if target.shape[-2:] != y.shape[-2:] or not _fits(target.shape, y.shape):
        fix = " Add the axis of outputs: target[..., None]." if (*target.shape, 1) == y.shape else ""
        raise ValueError(f"target has shape {target.shape}, needs {y.shape}, one number for each of y.{fix}")
    difference = y - target.astype(np.result_type(y.dtype, np.complex64) if np.iscomplexobj(target) else y.dtype)
    size = difference.shape[-1] * difference.shape[-2]
    return (difference * difference).sum((-2, -1)) / size, 2 * difference / size


@np.errstate(under="ignore")
def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the batch of -ln softmax(logits)[label], and its gradient (softmax - onehot) / B.

    logits   (..., B, K)
    labels   (..., B) whole numbers 0 ... K - 1; broadcasts to the logits' leading axes
    returns  loss (...) in nats, dlogits (..., B, K)
    errors   ValueError for shapes that do not fit or labels outside 0 ... K - 1, TypeError for other dtypes
    """
    logits, labels = _checks.array("logits", logits, ndim=2, finite=False), _checks.array("labels", labels)
    B, K = logits.shape[-2:]
    if labels.dtype.kind not in "iu":
        fix = "From one-hot rows: labels.argmax(-1)." if labels.shape[-2:] == (B, K) else "Pass labels.astype(int)."
        raise TypeError(f"labels have dtype {labels.dtype}, need whole numbers 0 ... {K - 1}. {fix}")
    if labels.ndim < 1 or labels.shape[-1] != B or not _fits(labels.shape, logits.shape[:-1]):
        raise ValueError(f"labels have shape {labels.shape}, need {logits.shape[:-1]}, one for each row of logits "
                         f"{logits.shape}.")
    if labels.min() < 0 or labels.max() >= K:
        raise ValueError(f"labels run from {labels.min()} to {labels.max()}, need 0 ... {K - 1} for {K} logits.")
    place = np.arange(logits.size // K), np.broadcast_to(labels, logits.shape[:-1]).ravel()
    shifted = np.subtract(logits, logits.real.max(-1, keepdims=True), order="C")  # no overflow; reshape gives views
    gradient = np.exp(shifted)  # in place from here on
    total = gradient.sum(-1, keepdims=True)
    loss = (np.log(total) - shifted.reshape(-1, K)[place].reshape(total.shape))[..., 0].sum(-1) / B
    gradient /= total
    gradient.reshape(-1, K)[place] -= 1
    return loss, np.divide(gradient, B, out=gradient)


def _fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    return len(shape) <= len(into) and all(own in (1, size) for own, size in zip(shape[::-1], into[::-1]))
