"""What every cell has: the class that `bptt` and `jacobians` ask, and the products over all steps that cells share."""

from typing import Callable, NamedTuple

import numpy as np

from . import fitting
from .memory import aligned, allocator, by_gate, rows, through_time
from .tree import sum_to


class NoCache(NamedTuple):
    """Of a cell that keeps nothing but h."""


class OneLocal(NamedTuple):
    """da (T, ..., B, H): dh_t/da_t, and dL/da_t after its step back; all that a cell without gates needs."""

    da: np.ndarray


class Cell:
    """A recurrent cell. Each kind is a subclass in a file of its own, with its formula, `step` beside `step_back`.

    name        as messages call it
    gates       how many times H rows W_xh has
    states      what a step hands to the next: ("h",) or ("h", "c")
    activation  the activation's name, None if the caller chooses it
    parameters  the NamedTuple of its parameters
    shapes      {field: axes}, for example {"W_hh": ("4H", "H"), ...}; the field that decides H first
    means       what the first field's shape means, for the message

    A new cell writes `step`, `local_derivatives` and `step_back`, which raise NotImplementedError here; its parameters
    lead to it by `CELLS[ItsParams] = ItsCell()`. All else has a default, which suits any h_t that is a function of
    h_{t-1} and a_t = W_xh x_t + W_hh h_{t-1} + b_h. In all methods `run` is what bptt.forward returns, `array` what
    memory.allocator returns.
    """

    name: str
    gates = 1
    states: tuple[str, ...] = ("h",)
    activation: str | None = "tanh"
    parameters: type
    shapes: dict[str, tuple[str, ...]] = {"W_hh": ("H", "H"), "W_xh": ("H", "D"), "b_h": ("H",)}
    means = "it maps a hidden state to a hidden state."

    def check(self, params):
        """Return the parameters as arrays whose shapes fit together; ValueError, TypeError name one that does not."""
        return fitting.parameters(params, self.parameters, self.shapes, self.means)

    def begin(self, params, x: np.ndarray, h: np.ndarray, array: Callable) -> tuple:
        """Write the inputs' part into the arrays where the steps will look for it.

        x        (T, ..., B, D)
        h        (T + 1, ..., B, H), not filled in: here h[1:] takes W_xh x_t + b_h
        returns  the cache, a NamedTuple of the arrays that the cell keeps beside h
        """
        rnn_inputs(params, x, out=h[1:])
        return NoCache()

    def per_step(self, run) -> tuple[np.ndarray, ...]:
        """Return the arrays through time that a step takes between the states before and the states now."""
        return ()

    def step(self, run) -> Callable:
        """Return step(*states_before, *per_step_t, *states_t), which fills in the states now, in place."""
        raise self._unwritten("step")

    def local_derivatives(self, run, array: Callable) -> tuple:
        """Return the derivatives inside each step, of all steps at once, as a NamedTuple of arrays through time.

        The first is called da, (T, ..., B, gates H): d(state)/da_t, from which `step_back` makes dL/da_t, in place.
        """
        raise self._unwritten("local_derivatives")

    def step_back(self, run, shape: tuple[int, ...]) -> Callable:
        """Return step_back(*d_states_t, *local_t, *d_states_before), which turns da_t into dL/da_t and adds what comes
        back to the states before, in place; the d_states have the `shape` (..., B, H).
        """
        raise self._unwritten("step_back")

    def gradients(self, run, dh: np.ndarray, local: tuple, array: Callable) -> tuple[np.ndarray, tuple]:
        """Return dL/da (T, ..., B, gates H) and the gradients of the parameters, like run.params, after all steps back.

        dh     (T + 1, ..., B, H)  the total dL/dh_t
        local  what `local_derivatives` returned, its da now dL/da
        """
        da = local[0]
        return da, self.parameters(W_hh=recurrent_gradient(run.params.W_hh, run.h, da),
                                   **shared_gradients(run.params, run.x, da))

    def jacobians(self, run) -> np.ndarray:
        """Return J_t, (T, ..., B, N, N), N = H times the number of states: row k goes back from unit k alone."""
        da, *factors = self.local_derivatives(run, allocator(run.h[1:].shape[:-1], run.h.dtype))
        (T, *lead, H), count = da.shape[:-1] + run.h.shape[-1:], len(self.states)
        shape = count * H, *lead, H
        units = np.moveaxis(np.broadcast_to(np.eye(count * H, dtype=da.dtype), (*lead, count * H, count * H)), -2, 0)
        step_back, J = self.step_back(run, shape), np.empty((T, *lead, count * H, count * H), da.dtype)
        for t in range(T):
            now = [part.copy() for part in np.split(units, count, axis=-1)]
            before = [np.zeros(shape, da.dtype) for _ in self.states]
            step_back(*now, np.repeat(da[t][None], count * H, axis=0), *(factor[t] for factor in factors), *before)
            J[t] = np.moveaxis(np.concatenate(before, axis=-1), 0, -2)
        return J

    def pre_activations(self, run) -> np.ndarray:
        """Return what the activations were given, (T, ..., B, gates H)."""
        recurrent = run.h[:-1] @ run.params.W_hh.swapaxes(-1, -2)
        return recurrent + rnn_inputs(run.params, run.x, through_time(recurrent.shape, recurrent.dtype))

    def _unwritten(self, method: str) -> NotImplementedError:
        return NotImplementedError(
            f"{type(self).__name__} has no {method}: a cell writes step, local_derivatives and step_back itself, and "
            f"has defaults for the rest. The shortest to start from is RNN in course_lib/cells/rnn.py.")


def rnn_inputs(params, x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write what all steps take from their inputs, W_xh x_t + b_h, into out, and return it.

    x    (T, ..., B, D)
    out  (T, ..., B, N) for W_xh (..., N, D)
    """
    into = rows(out)
    np.matmul(rows(aligned(x, out.ndim)), params.W_xh.swapaxes(-1, -2), out=into)
    into += params.b_h[..., None, :]
    return out


def gate_inputs(params, x: np.ndarray, halves: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write what each gate takes from the inputs at all steps, halved where it is a sigmoid, into out, and return it.

    x       (T, ..., B, D)
    halves  (G,), 1/2 or 1 for each gate: s(a) = (1 + tanh(a/2)) / 2
    out     (T, G, ..., B, H)
    """
    ndim = out.ndim - 1
    W, b = (by_gate(array, len(halves), ndim) * aligned(halves, ndim) for array in (params.W_xh, params.b_h[..., None]))
    np.matmul(aligned(x, ndim)[:, None], W.swapaxes(-1, -2), out=out)
    out += b.swapaxes(-1, -2)
    return out


def shared_gradients(params, x: np.ndarray, da: np.ndarray) -> dict[str, np.ndarray]:
    """Gradients of W_xh and b_h, which every step and sequence shares: a sum over all of them, as one product.

    x        (T, ..., B, D)
    da       (T, ..., B, N)  dL/da
    returns  {"W_xh": (..., N, D), "b_h": (..., N)}, shaped like the parameters
    """
    da_rows = rows(da)
    along = da_rows.swapaxes(-1, -2)
    return {"W_xh": sum_to((rows(aligned(x, da.ndim)).swapaxes(-1, -2) @ da_rows).swapaxes(-1, -2), params.W_xh.shape),
            "b_h": sum_to(along @ np.ones(along.shape[-1], da.dtype), params.b_h.shape)}


def recurrent_gradient(W_hh: np.ndarray, h: np.ndarray, da: np.ndarray) -> np.ndarray:
    """Gradient of W_hh, summed over steps and sequences as one product.

    h        (T + 1, ..., B, H)
    da       (T, ..., B, N)  dL/d(W_hh h_{t-1})
    returns  (..., N, H), shaped like W_hh
    """
    return sum_to(rows(da).swapaxes(-1, -2) @ rows(h[:-1]), W_hh.shape)


def product(matrix: np.ndarray, shape: tuple[int, ...]) -> Callable:
    """np.dot or np.matmul for (shape) @ matrix: the same product; dot starts sooner."""
    return np.dot if matrix.ndim == len(shape) == 2 else np.matmul
