"""Gradient clipping for torch that tells what it did, on every call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .. import _checks


class Clipped(NamedTuple):
    """norm of all gradients together before, and whether it was clipped."""

    norm: float
    clipped: bool


class Clipper:
    """Scale all gradients in place by max_norm / norm where their joint norm is larger, and keep count.

        clipper = Clipper(net, max_norm=1.)
        loss.backward(); clipper(); optimizer.step()
        clipper.fraction                                # how often it acted

    The norm is taken with the largest entry as its unit, in float64: 1e30 does not overflow, 1e-36 does not become 0.

    parameters  a module, then its names are used in messages, or tensors as for an optimizer
    max_norm    above 0
    norms       the norm before, of every call so far
    errors      TypeError for anything but a module or its parameters; TypeError or ValueError for max_norm
    source      Pascanu, Mikolov and Bengio 2013, Algorithm 1
    """

    def __init__(self, parameters, max_norm: float):
        with _checks.extra("watch", "Clipper"):
            from torch import Tensor, nn

        if isinstance(parameters, Tensor):
            parameters = [parameters]
        if isinstance(parameters, nn.Module):
            named = dict(parameters.named_parameters())
        elif isinstance(parameters, Iterable):
            items = list(parameters)
            pairs = all(isinstance(item, tuple) and len(item) == 2 for item in items)
            named = dict(items if pairs else ((f"parameter {i}", item) for i, item in enumerate(items)))
        else:
            raise TypeError(f"parameters is {type(parameters).__name__}, needs a module or its parameters.")
        strange = [type(value).__name__ for value in named.values() if not isinstance(value, Tensor)]
        if strange or not named:
            raise TypeError(f"parameters hold {strange[0] if strange else 'nothing'}, needs tensors: pass the module, "
                            f"or list(net.parameters()), since a generator is empty once it has been read.")
        self.named, self.max_norm = named, _checks.positive("max_norm", max_norm)
        self.norms: list[float] = []
        self.acted = 0

    @property
    def calls(self) -> int:
        """How often it was called."""
        return len(self.norms)

    @property
    def fraction(self) -> float:
        """The share of calls in which it acted; NaN before the first."""
        return self.acted / self.calls if self.calls else float("nan")

    def __call__(self) -> Clipped:
        """Clip the present gradients; those of parameters without one are left out.

        returns  Clipped(norm, clipped)
        errors   RuntimeError without any gradient, FloatingPointError naming the first that is not finite: then
                 nothing was changed
        """
        import torch

        named = [(name, p.grad) for name, p in self.named.items() if p.grad is not None]
        if not named:
            raise RuntimeError("no parameter has a gradient: call the clipper after loss.backward() and before "
                               "optimizer.zero_grad().")
        grads = [grad.coalesce().values() if grad.is_sparse else grad for _, grad in named]
        with torch.no_grad():
            filled = [grad for grad in grads if grad.numel()]
            # NaN is larger than any number here: one copy to the host tells all
            sizes = torch.stack([size.to(filled[0].device, torch.float64) for size in
                                 torch._foreach_norm(filled, float("inf"))])
            largest = sizes.max()
            unit = torch.where(largest > 0, largest, 1.)
            squares = torch.stack([((grad.to(torch.float64) / unit.to(grad.device))**2).sum().to(largest.device)
                                   for grad in filled])
            norm = float(largest * squares.sum().sqrt())
        if not norm < float("inf"):
            self._name_nonfinite(named)
        clipped = norm > self.max_norm
        if clipped:
            with torch.no_grad():
                torch._foreach_mul_([grad for _, grad in named], self.max_norm / norm)
        self.norms.append(norm)
        self.acted += clipped
        return Clipped(norm, clipped)

    clip = __call__

    def __repr__(self) -> str:
        acted = f"acted in {self.acted} of {self.calls} calls" if self.calls else "not called yet"
        return f"Clipper(max_norm={self.max_norm:g}): {acted}"

    @staticmethod
    def _name_nonfinite(named):
        for name, grad in named:
            grad = grad.to_dense() if grad.is_sparse else grad
            bad = (~grad.isfinite()).nonzero()
            if len(bad):
                where = tuple(bad[0].tolist())
                raise FloatingPointError(
                    f"the gradient of {name} is not finite: {grad[where].item()} at index {where}. Clipping cannot "
                    f"repair it, and would make every other gradient NaN too. Nothing was changed. "
                    f"watch.watch_time(net) and flow.first_nonfinite() find the step that made it.")
        raise FloatingPointError("the norm of all gradients together is beyond float64, though every entry is finite: "
                                 "divide the loss by a constant.")
