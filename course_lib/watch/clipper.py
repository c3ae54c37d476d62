"""Gradient clipping for torch that tells what it did, on every call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .. import _checks

INF = float("inf")
FIX = " Of an optimizer pass [p for group in optimizer.param_groups for p in group['params']]."


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
    A tensor that is given twice counts once.

    With a GradScaler some updates overflow by design, and the scaler skips them. Let them pass:

        clipper = Clipper(net, max_norm=1., error_if_nonfinite=False)
        scaler.scale(loss).backward(); scaler.unscale_(optimizer); clipper(); scaler.step(optimizer); scaler.update()
        clipper.overflows                               # how many passed

    parameters  a module, then its names are used in messages, or tensors as for an optimizer
    max_norm    above 0; infinite to count only
    error_if_nonfinite  whether a gradient that is not finite is an error; if not, nothing is changed and it is counted
    norms       the norm before, of every call so far that was finite
    acted, overflows  how often it clipped, how often it let a gradient pass that is not finite
    last        what it did last; None before
    errors      TypeError for anything but a module or its parameters; TypeError or ValueError for max_norm
    source      Pascanu, Mikolov and Bengio 2013, Algorithm 1
    """

    def __init__(self, parameters, max_norm: float, error_if_nonfinite: bool = True):
        with _checks.extra("watch", "Clipper"):
            from torch import Tensor, nn

        if isinstance(parameters, Tensor):
            parameters = [parameters]
        if isinstance(parameters, nn.Module):
            pairs = list(parameters.named_parameters())
        elif isinstance(parameters, Iterable):
            items = list(parameters)
            named = all(isinstance(item, tuple) and len(item) == 2 for item in items)
            pairs = items if named else [(f"parameter {i}", item) for i, item in enumerate(items)]
        else:
            raise TypeError(f"parameters is {type(parameters).__name__}, needs a module or its parameters.{FIX}")
        strange = [type(value).__name__ for _, value in pairs if not isinstance(value, Tensor)]
        if strange or not pairs:
            raise TypeError(f"parameters hold {strange[0] if strange else 'nothing'}, needs tensors: pass the module, "
                            f"or list(net.parameters()), since a generator is empty once it has been read."
                            + FIX * (strange[:1] == ["dict"]))
        self.named: dict[str, Tensor] = {}
        known = set()
        for i, (name, value) in enumerate(pairs):
            if id(value) not in known:
                known.add(id(value))
                self.named[f"{name} (parameter {i})" if name in self.named else name] = value
        self.max_norm = INF if isinstance(max_norm, float) and max_norm == INF else _checks.positive("max_norm",
                                                                                                     max_norm)
        self.error_if_nonfinite = error_if_nonfinite
        self.norms: list[float] = []
        self.acted = self.overflows = 0
        self.last: Clipped | None = None

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
            filled = [torch.view_as_real(grad) if grad.is_complex() else grad for grad in grads if grad.numel()]
            # NaN is larger than any number here: one copy to the host tells all
            sizes = [_double(size) for size in torch._foreach_norm(filled, INF)] if filled else [torch.zeros(())]
            largest = torch.stack([size.to(sizes[0].device) for size in sizes]).max()
            unit = torch.where(largest > 0, largest, 1.)
            squares = [(double / unit.to(double.device)).square().sum().to(unit.device)
                       for double in map(_double, filled)]
            norm = float(largest * sum(squares, torch.zeros_like(unit)).sqrt())
        if not norm < INF:
            size = float(largest)
            if self.error_if_nonfinite or size < INF:
                self._name_nonfinite(named)
            self.overflows += 1
            self.last = Clipped(size, False)
            return self.last
        clipped = norm > self.max_norm
        if clipped:
            with torch.no_grad():
                torch._foreach_mul_([grad for _, grad in named], self.max_norm / norm)
        self.norms.append(norm)
        self.acted += clipped
        self.last = Clipped(norm, clipped)
        return self.last

    clip = __call__

    def words(self) -> str:
        """How often it acted, in one sentence with its numbers."""
        passed = f" {self.overflows} more overflowed and passed." if self.overflows else ""
        if not self.calls:
            return f"The clipper (max_norm {self.max_norm:g}) was not called." if not passed else (
                f"The clipper (max_norm {self.max_norm:g}) saw no finite gradient: {self.overflows} overflowed and "
                f"passed.")
        median = f"the median norm before was {sorted(self.norms)[self.calls // 2]:.2g}.{passed}"
        if self.max_norm == INF:
            return f"The clipper counts only (max_norm inf): in {self.calls} updates {median}"
        return (f"The clipper (max_norm {self.max_norm:g}) acted in {self.acted} of {self.calls} updates, "
                f"{self.fraction:.0%}; {median}")

    def __repr__(self) -> str:
        acted = f"acted in {self.acted} of {self.calls} calls" if self.calls else "not called yet"
        return f"Clipper(max_norm={self.max_norm:g}): {acted}" + f", {self.overflows} overflowed" * bool(self.overflows)

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
                    f"watch.watch_time(net) and flow.first_nonfinite() find the step that made it. With a GradScaler "
                    f"this is normal now and then: Clipper(..., error_if_nonfinite=False) lets it pass.")
        raise FloatingPointError("the norm of all gradients together is beyond float64, though every entry is finite: "
                                 "divide the loss by a constant.")


def _double(tensor):
    """In float64, and on the CPU where the device has no float64, as Apple's MPS."""
    import torch

    try:
        return tensor.to(torch.float64)
    except TypeError:
        return tensor.cpu().to(torch.float64)
