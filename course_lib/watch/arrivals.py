"""The gradients that arrive at a call's outputs, listened to on the nodes of the user's own graph."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge

SECOND = ("a backward went through the gradient of {}, made with create_graph=True (a gradient penalty, a Hessian): what "
          "enters h_t by second derivatives does not come through the module's outputs, and can't be read here. Watch a "
          "pass without the penalty, or write the module as a loop over its cell, whose states are listened to.")


class Arrivals:
    """What arrives at the outputs of one call; each backward begins anew.

    arrived    of each output, None where nothing came
    task       the backward it came with, by torch's number
    backwards  how many have come through
    doubled    whether one of them came after another that was differentiable itself (create_graph): what enters
               inside of the call by second derivatives does not pass its outputs
    complete   whether nothing but its outputs is inside of the call: then that does not matter
    """

    arrived: list[Tensor | None]
    training, recomputed, complete = True, False, False
    task, backwards, doubled = -1, 0, False

    def expect(self, module: nn.Module | None, heard: Callable[[Arrivals], bool]) -> None:
        """Begin to wait; heard(self) says each time whether what comes counts."""
        self.arrived, self._ears, self._heard, self._differentiable = [], [], heard, None
        self._leaves = [] if module is None else [weakref.ref(p) for p in module.parameters() if p.requires_grad]

    def watch(self, outputs: list[Tensor]) -> list[int]:
        """Collect what arrives at these from now on; returns their places in `arrived`."""
        places = range(len(self.arrived), len(self.arrived) + len(outputs))
        self.arrived += [None] * len(outputs)
        for index, tensor in zip(places, outputs):
            if tensor.requires_grad and tensor.grad_fn is not None:
                source, place = _origin(tensor, outputs)
                ear = _Ear(self, index, source.output_nr, place)
                # Before the node and not on the tensor: what hooks of the user make of the gradient counts.
                source.grad_fn.register_prehook(ear)
                self._ears.append(weakref.ref(ear))
        return list(places)

    def receive(self, index: int, gradient: Tensor) -> None:
        """A gradient has come to one of the outputs."""
        task = torch._C._current_graph_task_id()
        if not self._heard(self):
            return
        if task != self.task:
            self.doubled |= self._differentiable is not None
            self.task, self.arrived = task, [None] * len(self.arrived)
            self.backwards += 1
        if torch.is_grad_enabled() and self._differentiable is None:
            self._differentiable = task
            self._await_second_derivatives(task)
        former = self.arrived[index]
        self.arrived[index] = gradient.clone() if former is None else former + gradient
        self.forget()

    def forget(self) -> None:
        """Called where more arrives: what was computed from the former gradients is no more."""

    @property
    def has_gradient(self) -> bool:
        return any(gradient is not None for gradient in self.arrived) and not self.refused

    @property
    def refused(self) -> bool:
        """Whether gradients came that are not all: see SECOND."""
        return self.doubled and not self.complete

    @property
    def is_over(self) -> bool:
        """Whether the graph is gone, so that no gradient can come any more."""
        return all(ear() is None for ear in reversed(self._ears))

    def _await_second_derivatives(self, task: int) -> None:
        def mark(_):
            self.doubled |= torch._C._current_graph_task_id() != task

        for leaf in (each() for each in self._leaves):
            if leaf is not None:
                get_gradient_edge(leaf).node.register_prehook(mark)  # it goes with the graph
        self.doubled |= not self._leaves and not self.complete  # nobody would tell


class _Ear:
    """A hook on the node that made an output. The graph alone holds it: it lives as long as a gradient can come."""

    def __init__(self, arrivals: Arrivals, index: int, number: int, place: Callable[[Tensor], Tensor]):
        self._arrivals, self._index, self._number, self._place = arrivals, index, number, place

    def __call__(self, gradients) -> None:
        if gradients[self._number] is not None:
            self._arrivals.receive(self._index, self._place(gradients[self._number].detach()))


def _origin(tensor: Tensor, outputs: list[Tensor]):
    """The tensor whose gradient tells that of an output, and how it is laid out there.

    nn.LSTM returns a transposed view where batch_first is set: once the user changes it in place, autograd no longer
    passes through the view itself, only through its base.
    """
    base = tensor._base
    if base is None or base.grad_fn is None or not base.is_contiguous() or base.numel() != tensor.numel() or sum(
            other._base is base for other in outputs) > 1:
        return tensor, lambda gradient: gradient
    shape, strides = tensor.shape, tensor.stride()
    return base, lambda gradient: gradient.contiguous().as_strided(shape, strides)
