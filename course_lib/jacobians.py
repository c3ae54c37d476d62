"""What a step does to a small change of the state, and what a matrix can do to a vector."""

from __future__ import annotations

import numpy as np

from . import _checks, activations, bptt


def step_jacobians(run: bptt.Run) -> np.ndarray:
    """Return J_t = dh_t/dh_{t-1} = diag(f'(a_t)) W_hh for every step.

    run      what bptt.forward returned
    returns  (T, ..., B, H, H); [t - 1] is J_t. The gradient goes back through it: dL/dh_{t-1} = J_t^T dL/dh_t + direct
    errors   TypeError if run is not a run
    """
    if not isinstance(run, bptt.Run):
        raise TypeError(f"run is {type(run).__name__}, needs what bptt.forward returned.")
    slope = activations.get(run.activation).derivative_from_output(run.h[1:])
    return slope[..., None] * run.params.W_hh[..., None, :, :]


def spectral_radius(W: np.ndarray) -> np.ndarray:
    """Largest modulus of an eigenvalue. W (..., H, H) -> (...)."""
    return np.abs(np.linalg.eigvals(_square("W", W))).max(-1)


def largest_singular_value(W: np.ndarray) -> np.ndarray:
    """Largest factor by which W stretches a vector: its spectral norm. W (..., H, H) -> (...)."""
    return np.linalg.norm(_square("W", W), 2, axis=(-2, -1))


def _square(name: str, W) -> np.ndarray:
    W = _checks.array(name, W, ndim=2)
    if W.shape[-1] != W.shape[-2]:
        raise ValueError(f"{name} has shape {W.shape}, needs (..., H, H): it maps a hidden state to a hidden state.")
    return W
