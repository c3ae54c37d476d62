"""One step of a recurrence once more, from what it was given, so that autograd can say what it passes back."""

from __future__ import annotations

import contextlib
import inspect
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .cells import Path, Recurrence, StepRecord, leaf_at, replaced, tensors_in
from .replay import TOLERANCES
from .taps import SILENT


class Rerun(NamedTuple):
    """States after a step, in their order, those before it, and what else a gradient may be asked of."""

    after: list[Tensor]
    before: dict[Path, Tensor]
    given: dict[Path, Tensor]
    parameters: dict[str, Tensor]


class Again:
    """Runs the steps of a recurrence again with the parameters as they were: in float64, else as they ran.

    errors  RuntimeError where a step can't be run again, or gives something else
    """

    def __init__(self, recurrence: Recurrence, parameters: dict[int, Tensor]):
        self._recurrence, self._parameters = recurrence, parameters
        self._modules: dict[torch.dtype | None, tuple[nn.Module | None, dict[str, Tensor]]] = {}
        self._dtype: torch.dtype | None = torch.float64

    def __call__(self, record: StepRecord) -> Rerun:
        """The step with its graph."""
        try:
            return self._run(record, self._dtype)
        except Exception as error:
            if self._dtype is None:
                raise self._failed(error) from error
            self._dtype = None
        try:
            return self._run(record, None)
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> RuntimeError:
        return RuntimeError(f"a step of {self._recurrence.name} can't be run again, so that its way back is not known; "
                            f"the gradients of its states are. {error}")

    def _run(self, record: StepRecord, dtype: torch.dtype | None) -> Rerun:
        recurrence = self._recurrence
        after = [record.after[path] for path in recurrence.outputs]
        parameters, arguments = self._module(dtype)[1], recurrence.arguments or []

        def change(path, tensor):
            if not tensor.is_floating_point():
                return tensor
            if path in arguments:
                like = after[arguments.index(path)]
                tensor = tensor.expand_as(like) if tensor.shape != like.shape else tensor
            return _typed(tensor, dtype).detach().requires_grad_()

        given = replaced(record.given, change)
        with self._as_it_was(record, dtype), torch.enable_grad():
            output = self._call(given, dtype)
        found = [leaf_at(output, path) for path in recurrence.outputs]
        self._compare(found, after, record)
        tensors = {path: leaf for path, leaf in tensors_in(given) if leaf.requires_grad}
        before = {path: tensors.pop(path) for path in arguments if path in tensors}
        return Rerun(found, before, tensors, parameters)

    def _call(self, given: dict, dtype: torch.dtype | None):
        recurrence = self._recurrence
        bound = inspect.BoundArguments(recurrence.signature, dict(given))
        if recurrence.instance is not None:
            own = next(iter(recurrence.signature.parameters))
            bound.arguments = {own: self._module(dtype)[0], **given}
        return recurrence.function(*bound.args, **bound.kwargs)

    def _module(self, dtype: torch.dtype | None) -> tuple[nn.Module | None, dict[str, Tensor]]:
        if dtype not in self._modules:
            module, made = self._recurrence.module, {}
            if module is None:
                return None, {}
            copy = _copied(module, self._parameters, dtype, made)
            self._modules[dtype] = copy, {name: made[id(p)] for name, p in module.named_parameters() if p.requires_grad}
        return self._modules[dtype]

    @contextlib.contextmanager
    def _as_it_was(self, record: StepRecord, dtype: torch.dtype | None):
        """With the random numbers and the precision of the step; nothing of it is heard, and nothing stays."""
        device = next(iter(record.after.values())).device
        present = generators(device)
        SILENT.append(self)
        try:
            set_generators(record.random)
            with torch.autocast(device.type, record.low, enabled=dtype is None and record.low is not None):
                yield
        finally:
            SILENT.remove(self)
            set_generators(present)

    def _compare(self, found: list[Tensor], after: list[Tensor], record: StepRecord) -> None:
        for mine, theirs in zip(found, after):
            if mine.shape != theirs.shape:
                raise RuntimeError(f"It returns {tuple(mine.shape)} now, and returned {tuple(theirs.shape)}.")
            allowed = TOLERANCES.get(record.low or theirs.dtype, 1e-5)
            finite = theirs.isfinite()
            gap = torch.where(finite, mine.detach().to(theirs.dtype) - theirs, 0).abs().max()
            size = torch.where(finite, theirs, 0).abs().max()
            if not gap <= allowed * size.clamp_min(torch.finfo(theirs.dtype).tiny):
                raise RuntimeError(
                    f"Run with the same arguments, it gives another state: {float(gap / size):.1e} of the largest entry "
                    f"apart, allowed is {allowed:.0e}. Likely causes: it keeps something of its own from call to call, "
                    f"or its parameters belong to another module.")


def generators(device: torch.device) -> dict[str, Tensor]:
    """The states of the generators that a computation on a device draws from."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states[str(device)] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_generators(states: dict[str, Tensor]) -> None:
    """Put back what `generators` returned."""
    for device, state in states.items():
        if device == "cpu":
            torch.set_rng_state(state)
        elif device == "mps":
            torch.mps.set_rng_state(state)
        else:
            torch.cuda.set_rng_state(state, device)


def _typed(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    if dtype is None or not tensor.is_floating_point():
        return tensor.detach()
    return tensor.detach().cpu().to(dtype) if tensor.device.type == "mps" else tensor.detach().to(dtype)


def _copied(module: nn.Module, parameters: dict[int, Tensor], dtype: torch.dtype | None, made: dict) -> nn.Module:
    """A module that shares nothing that a call can change, its floating tensors in `dtype`."""
    if id(module) in made:
        return made[id(module)]
    copy = made[id(module)] = module.__new__(type(module))
    copy.__dict__ = {name: _typed(each, dtype) if isinstance(each, Tensor) else each
                     for name, each in module.__dict__.items()}
    for name, p in module._parameters.items():
        if p is not None and id(p) not in made:
            made[id(p)] = _typed(parameters.get(id(p), p), dtype).clone().requires_grad_(p.requires_grad)
    copy.__dict__["_parameters"] = {name: None if p is None else made[id(p)] for name, p in module._parameters.items()}
    copy.__dict__["_buffers"] = {name: None if b is None else _typed(b, dtype).clone()
                                 for name, b in module._buffers.items()}
    copy.__dict__["_modules"] = {name: None if each is None else _copied(each, parameters, dtype, made)
                                 for name, each in module._modules.items()}
    if "_flat_weights_names" in copy.__dict__:
        copy.__dict__["_flat_weights"] = [getattr(copy, name, None) for name in module._flat_weights_names]
    return copy
