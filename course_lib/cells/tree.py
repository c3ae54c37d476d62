"""Nested parameters as a tree of arrays, and gradients summed to their shapes."""

from typing import Callable

import numpy as np


def leaves(tree, name: str = "") -> list[tuple[str, np.ndarray]]:
    """Return the arrays of a nested NamedTuple with their names: [("rnn.W_xh", array), ...]."""
    if hasattr(tree, "_fields"):
        return [leaf for field, part in zip(tree._fields, tree)
                for leaf in leaves(part, f"{name}.{field}" if name else field)]
    return [(name or "value", tree)]


def tree_map(function: Callable, *trees):
    """Apply a function to the arrays of nested NamedTuples of one form; returns a tree of that form.

    errors  ValueError if one of the trees has more parts than another
    """
    first = trees[0]
    if hasattr(first, "_fields"):
        return type(first)(*(tree_map(function, *parts) for parts in zip(*trees, strict=True)))
    return function(*trees)


def sum_to(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which its array was broadcast: what is used many times receives the sum.

    gradient  (..., *shape), or with any size where `shape` has 1
    returns   an array of that shape
    """
    if gradient.shape == shape:
        return gradient
    gradient = gradient.sum(tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and gradient.shape[i] != 1)
    return gradient.sum(stretched, keepdims=True)
