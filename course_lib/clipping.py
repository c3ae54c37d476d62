"""Gradient clipping that tells what it did: the norm before, and whether it clipped; the angle it turned by."""

from typing import NamedTuple

import numpy as np

from . import _checks
from .cells import leaves, tree_map


class Clipped(NamedTuple):
    """grads like the input; norm before, and whether it was clipped: () or (E,) for an ensemble."""

    grads: tuple
    norm: np.ndarray
    clipped: np.ndarray


@np.errstate(over="ignore", invalid="ignore", under="ignore")  # what underflows in passing is 0
def global_norm(grads, lead: tuple[int, ...] = ()) -> np.ndarray:
    """Euclidean norm over all gradients together, sqrt(sum of squares), without overflow or underflow of the squares.

    grads    a (nested) NamedTuple of arrays
    lead     leading axes kept apart, such as (E,)
    returns  lead
    errors   ValueError for an array without those axes, TypeError for whole numbers
    """
    for name, array in leaves(grads):
        if _checks.floating(name, array, finite=False).shape[:len(lead)] != lead:
            raise ValueError(f"{name} has shape {np.shape(array)}, needs the members' axes {lead} in front.")
    vectors = [array.reshape(*lead, -1) for _, array in leaves(grads)]
    norm = np.sqrt(sum(np.vecdot(rows, rows) for rows in vectors))
    if np.logical_and(norm > 1e-15, norm < 1e15).all():  # in this range no square was lost, even in float32
        return norm
    largest = np.max([np.abs(rows).max(-1) for rows in vectors], axis=0).astype(float)
    scale = np.where(largest > 0, largest, 1.0)
    return scale * np.sqrt(sum(((rows / scale[..., None]) ** 2).sum(-1) for rows in vectors))


@np.errstate(under="ignore")
def clip_by_norm(grads, max_norm: float, lead: tuple[int, ...] = ()) -> Clipped:
    """Scale all gradients by max_norm / norm where their joint norm is larger: the direction stays.

    grads     a (nested) NamedTuple of arrays
    max_norm  above 0
    lead      leading axes kept apart, such as (E,): each member of an ensemble is clipped by its own norm
    returns   Clipped(grads, norm, clipped)
    errors    ValueError for max_norm <= 0; FloatingPointError naming the first array that holds NaN or infinity
    source    Pascanu, Mikolov and Bengio 2013, Algorithm 1
    """
    max_norm = _checks.positive("max_norm", max_norm)
    norm = _finite_norm(grads, lead)
    clipped = norm > max_norm
    if clipped.any():
        factor = np.where(clipped, max_norm / np.where(clipped, norm, 1.0).astype(float), 1.0)
        grads = tree_map(lambda array: (array * factor.reshape(lead + (1,) * (array.ndim - len(lead)))).astype(
            array.dtype), grads)
    return Clipped(grads, norm, clipped)


def clip_by_value(grads, limit: float) -> Clipped:
    """Cut every entry to [-limit, limit]: the direction changes.

    grads    a (nested) NamedTuple of arrays
    limit    above 0: the largest size that an entry keeps
    returns  Clipped(grads, norm, clipped); norm () is the joint norm before, clipped () whether any entry was cut
    errors   ValueError for limit <= 0; FloatingPointError naming the first array that holds NaN or infinity
    """
    limit = _checks.positive("limit", limit)
    norm = _finite_norm(grads)
    clipped = np.any([np.any(np.abs(array) > limit) for _, array in leaves(grads)])
    return Clipped(tree_map(lambda array: np.clip(array, -limit, limit), grads), norm, clipped)


@np.errstate(under="ignore")
def angle(one, other, lead: tuple[int, ...] = ()) -> np.ndarray:
    """The angle between two gradients, in degrees: 2 atan2(|u - v|, |u + v|) of unit vectors u, v, exact near 0.

    one, other  (nested) NamedTuples of arrays, alike in names and shapes; all entries together are one vector
    lead        leading axes kept apart, such as (E,)
    returns     lead
    errors      ValueError where they are not alike or one is zero; FloatingPointError names an array that is not finite
    """
    here, there = ({name: np.shape(array) for name, array in leaves(grads)} for grads in (one, other))
    if here != there:
        raise ValueError(f"one has the shapes {here}, other {there}: an angle needs two gradients of the same arrays.")
    u, v = _unit("one", one, lead), _unit("other", other, lead)
    apart, along = (global_norm(tree_map(of, u, v), lead) for of in (np.subtract, np.add))
    return np.degrees(2 * np.arctan2(apart, along))


def _unit(name: str, grads, lead: tuple[int, ...]):
    norm = np.asarray(_finite_norm(grads, lead), float)
    if not norm.all():
        raise ValueError(f"{name} is zero: it has no direction, and no angle to another gradient.")
    return tree_map(lambda array: array / norm.reshape(lead + (1,) * (array.ndim - len(lead))), grads)


def _finite_norm(grads, lead: tuple[int, ...] = ()) -> np.ndarray:
    """The global norm, or a FloatingPointError that names what makes it infinite or NaN."""
    norm = global_norm(grads, lead)
    if np.isfinite(norm).all():
        return norm
    if broken := _checks.first_nonfinite(leaves(grads)):
        name, index, value = broken
        raise FloatingPointError(f"gradient {name} is not finite: {value} at index {index}. Clipping cannot repair it: "
                                 f"it has no direction. Look for the step that made it.")
    raise FloatingPointError("the norm of all gradients together is beyond float64, though every entry is finite: "
                             "divide the loss by a constant.")
