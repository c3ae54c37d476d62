"""Activations: each function beside its derivative, safe for complex numbers so that a complex step can check them."""

from typing import Callable, NamedTuple

import numpy as np

from . import _checks


@np.errstate(under="ignore")  # what underflows in passing is 0
def sigmoid(a: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Logistic sigmoid, s(a) = 1 / (1 + e^-a) = e^a / (1 + e^a): the form whose exponent is negative, so that nothing
    overflows and no digit of a small result is lost."""
    right = np.real(a) > 0
    e = np.exp(np.where(right, -a, a))
    return np.divide(np.where(right, 1, e), 1 + e, out=out)


def relu(a: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Rectified linear unit, max(0, a). For complex a the sign is that of the real part."""
    return np.multiply(a, np.real(a) > 0, out=out) if np.iscomplexobj(a) else np.maximum(a, 0, out=out)


def linear(a: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The identity, (...) -> (...): the linear RNN's activation."""
    return np.positive(a, out=out)


class Activation(NamedTuple):
    """A function, its derivative written in terms of its output, and the largest value of that derivative.

    function, derivative_from_output  (array, out=None) -> array; `out` may be given to be written into
    """

    function: Callable
    derivative_from_output: Callable
    largest_derivative: float

    def derivative(self, a: np.ndarray) -> np.ndarray:
        """Return f'(a), shaped like a."""
        return self.derivative_from_output(self.function(np.asarray(a)))


# Every one of these derivatives is a function of the output alone: a backward pass needs h and not a.
ACTIVATIONS: dict[str, Activation] = {
    "tanh": Activation(np.tanh, lambda h, out=None: np.subtract(1, np.multiply(h, h, out=out), out=out), 1.0),
    "sigmoid": Activation(sigmoid, lambda h, out=None: np.multiply(h, np.subtract(1, h, out=out), out=out), 0.25),
    "relu": Activation(relu, lambda h, out=None: np.multiply(np.real(h) > 0, np.ones((), h.dtype), out=out), 1.0),
    "linear": Activation(linear, lambda h, out=None: np.add(np.zeros_like(h), 1, out=out), 1.0),
}


def get(name: str) -> Activation:
    """Return the activation called `name`: "tanh", "sigmoid", "relu" or "linear"; ValueError for any other."""
    return ACTIVATIONS[_checks.choice("activation", name, ACTIVATIONS)]
