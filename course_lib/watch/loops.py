"""A loop over a recurrence as one call of many steps: the states as they were, their gradients as they arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .again import Again, Rerun
from .cells import Path, Recurrence, StepRecord, tensors_in
from .part import Gradients, Part
from .replay import TOLERANCES, Call
from .steps import MODES, Layout, Weights


class Named(tuple):
    """Tensors with their names; W_hh stands for none of them."""

    def __new__(cls, named: dict[str, Tensor]):
        found = super().__new__(cls, named.values())
        found._fields, found.W_hh = tuple(named), torch.ones(1, 1, device="cpu")
        return found


class Loop(Call):
    """All calls of a recurrence that handed a state on; it grows by a step with each of them.

    parts        {"cell": its one part}
    state_given  as of a fused module's call; `attached` are the arguments of its first step that had a graph
    """

    complete = True

    def __init__(self, recurrence: Recurrence, attached: set[Path], parameters: dict[int, Tensor], low):
        self.name, self.module_kind, self.number = recurrence.name, recurrence.kind, 0
        self.recurrence, self._attached, self.parameters = recurrence, attached, parameters
        self.steps: list[StepRecord] = []
        self._part: Part | None = None
        self._gradients, self._entering, self._direct_parts = None, {}, None
        self._ears, self._recurrent, self.held, self.arrivals, self.known = [], {}, None, 0, {}
        self.low = low

    def add(self, record: StepRecord) -> None:
        """One step more."""
        self.steps.append(record)
        self._part = None
        self.forget()

    @property
    def state_given(self) -> str:
        states = {path for path, _ in tensors_in(self.steps[0].given) if path in (self.recurrence.arguments or ())}
        return "not given" if not states else "attached" if states & self._attached else "detached"

    @property
    def gradient_wanted(self) -> bool:
        return bool(self._ears)

    @property
    def parts(self) -> dict[str, Part]:
        if self._part is None:
            with torch.no_grad():
                self._part = _standard(self) if self.recurrence.cell else None
                self._part = self._part or LoopPart(self)
        return {"cell": self._part}

    @property
    def precision(self) -> str:
        part = self.parts["cell"]
        kind = str(part.h.dtype).removeprefix("torch.")
        return (f"{kind} on {part.h.device.type}: the states are the network's own and their gradients those that "
                f"arrived there, nothing is replayed for them.")

    def rows(self, tensors: list[Tensor]) -> Tensor:
        """States of one step -> (B, K), side by side."""
        return torch.cat([flat(each, self.recurrence.state.batch) for each in tensors], 1)

    def states(self, which: slice) -> tuple[list[list[Tensor]], list[Tensor]]:
        """The states `which` of every step, and those before the first."""
        paths = list(zip(self.recurrence.outputs, self.recurrence.arguments or self.recurrence.outputs))[which]
        first, initial = self.steps[0], []
        for output, argument in paths:
            given = dict(tensors_in(first.given)).get(argument) if self.recurrence.arguments else None
            like = first.after[output]
            initial.append(torch.zeros_like(like) if given is None else given.to(like.dtype).expand_as(like))
        return [[step.after[output] for output, _ in paths] for step in self.steps], initial

    def totals(self) -> list[Tensor | None]:
        """(N, H) of h and (N, C) of c: what arrived at every state."""
        paths, found = self.recurrence.outputs, []
        for chosen in (paths[:1], paths[1:]):
            rows = []
            for step in self.steps:
                pieces = []
                for path in chosen:
                    arrived = self.arrived[step.places[path]] if path in step.places else None
                    pieces.append(torch.zeros_like(step.after[path]) if arrived is None else arrived)
                rows.append(self.rows(pieces) if pieces else None)
            found.append(torch.cat(rows) if chosen else None)
        return found

    def direct(self, part: str) -> tuple[Tensor, Tensor | None]:
        self.gradients()
        return self._direct_parts

    def _backward(self) -> dict[str, Gradients]:
        part, (h, c) = self.parts["cell"], self.totals()
        B, double = part.layout.sizes[0], torch.float64 if part.h.device.type != "mps" else torch.float32
        h, c = (None if each is None else each.to(double) for each in (h, c))
        outside, pulled = part.one_back(h, c)
        eps = torch.finfo(self.low or part.h.dtype).eps
        direct = []
        for total, back in zip((h, outside), pulled):
            if total is not None:
                direct.append(torch.cat([torch.zeros_like(total[:B]), _difference(total, back[B:], eps)]))
        direct.append(None)
        self._direct_parts = tuple(None if each is None else each.to(part.h.dtype) for each in direct[:2])
        self._entering["cell"] = [self._direct_parts[0][B:]] if c is None else [
            self._direct_parts[0][B:], None, None, self._direct_parts[1][B:]]
        h, c = (None if total is None else torch.cat([back[:B], total]).to(part.h.dtype)
                for total, back in zip((h, c), pulled))
        return {"cell": Gradients(part, h, c)}


class CellPart(Part):
    """A loop over nn.RNNCell, LSTMCell or GRUCell that hands its states on unchanged: a layer like any other."""

    def torch_name(self, name: str) -> str:
        return {"W_": "weight_", "b_": "bias_"}[name[:2]] + name[2:]

    def one_back(self, h: Tensor, c: Tensor | None) -> tuple[Tensor | None, list[Tensor | None]]:
        """What arrived at c_t from outside of its step, and (B + N, K) what every step passes to the state before."""
        B, w, kind = self.layout.sizes[0], self._typed(h), MODES[self.mode]
        outside, back = None if c is None else c.clone(), [None if each is None else torch.zeros(
            len(each) + B, each.shape[1], dtype=each.dtype, device=each.device) for each in (h, c)]
        for _, _, rows, slopes in self._slopes_back(h):
            if c is None:
                kind.pull(slopes, w, h[rows], None, back[0][rows], None)
            else:
                outside[rows] -= h[rows] * slopes[1]
                kind.pull(slopes, w, h[rows], outside[rows].clone(), back[0][rows], back[1][rows])
        return outside, back


class LoopPart(Part):
    """A loop over any recurrence: each step is run again, by itself, where its way back is asked for."""

    def __init__(self, loop: Loop):
        self._loop, self._again = loop, Again(loop.recurrence, loop.parameters)
        (h, h0), (c, c0) = loop.states(slice(1)), loop.states(slice(1, None))
        self.h = torch.cat([loop.rows(each) for each in [h0, *h]])
        self.c = torch.cat([loop.rows(each) for each in [c0, *c]]) if c0 else None
        self.name, self.mode, self._width, self._slopes = "cell", "cell", self.h.shape[1], None
        self.layout = Layout([len(loop.rows(h0))] * len(h), self.h.device)
        self._input, self.x = self._inputs()
        module = loop.recurrence.module
        self.weights = Named({} if module is None else {
            name: loop.parameters.get(id(p), p.detach()) for name, p in module.named_parameters()})
        self.finals = [each[-self.layout.sizes[0]:] for each in (self.h, self.c) if each is not None]

    gates = {}

    @property
    def sample(self) -> dict[str, Tensor]:
        return {}

    def torch_name(self, name: str) -> str:
        return name

    def carry(self, dh: Tensor, dc: Tensor | None, unit: Callable[[int, int], None] | None = None) -> None:
        B = self.layout.sizes[0]
        dhs, dcs = (None if each is None else list(each.split(B)) for each in (dh, dc))
        skipped: dict[Path, Tensor] = {}
        for t in range(len(self.layout.sizes), 0, -1):
            former = dhs[t].abs().amax(1, keepdim=True)
            if unit is not None:
                unit(t * B, t * B + B)
            if skipped:
                scale = torch.where(former > 0, dhs[t].abs().amax(1, keepdim=True) / former, 1)
                skipped = {path: self._shaped(self._flat(each) * scale, each) for path, each in skipped.items()}
            back = self._step_back(t, dhs[t], None if dc is None else dcs[t], skipped)
            dhs[t - 1] += back.h
            if dc is not None:
                dcs[t] += back.through
                dcs[t - 1] += back.c
            skipped = back.skipped
        if unit is not None:
            unit(0, B)

    def one_back(self, h: Tensor, c: Tensor | None) -> tuple[Tensor | None, list[Tensor | None]]:
        """As `CellPart.one_back`."""
        B, outside = self.layout.sizes[0], None if c is None else c.clone()
        back = [None if each is None else torch.zeros(len(each) + B, each.shape[1], dtype=each.dtype,
                                                      device=each.device) for each in (h, c)]
        skipped: dict[Path, Tensor] = {}
        for t in range(len(self.layout.sizes), 0, -1):
            rows = slice((t - 1) * B, t * B)
            found = self._step_back(t, h[rows], None if c is None else c[rows], skipped, total=True)
            back[0][rows] += found.h
            if c is not None:
                outside[rows] -= found.through
                back[1][rows] += found.c
            skipped = found.skipped
        return outside, back

    def gradient_of_x(self, dh: Tensor, dc: Tensor | None) -> Tensor:
        if self._input is None:
            return torch.zeros_like(self.x)
        return torch.cat([self._flat(back.given[self._input]) for back in self._each(dh, dc)]).to(self.x)

    def gradient_of_parameters(self, dh: Tensor, dc: Tensor | None) -> dict[str, Tensor]:
        total = {name: torch.zeros_like(value, dtype=torch.promote_types(value.dtype, torch.float32))
                 for name, value in zip(self.weights._fields, self.weights)}
        for back in self._each(dh, dc):
            for name, grad in back.parameters.items():
                total[name] += grad.to(total[name])
        return {name: grad.to(value.dtype) for (name, grad), value in zip(total.items(), self.weights)}

    def jacobian(self, rows: Tensor, t: int) -> Tensor:
        """As `Part.jacobian`; RuntimeError where a step has none of its own."""
        B, widths = self.layout.sizes[0], [each.shape[1] for each in (self.h, self.c) if each is not None]
        found, double = torch.zeros(B, sum(widths), sum(widths), dtype=torch.float64, device="cpu"), self._double
        run = self._run(t)
        for i in range(sum(widths)):
            unit = torch.zeros(B, sum(widths), **double)
            unit[:, i] = 1
            found[:, i] = self._joint_back(t, run, unit, widths)
        if B > 1:
            unit[1:] = 0
            if self._joint_back(t, run, unit, widths)[1:].any():
                raise RuntimeError(f"the rows of the state of {self._loop.name} act on each other, as the nodes of a "
                                   f"graph do: they have no Jacobian each. watch.State(batch=None) takes all of it as "
                                   f"one state.")
        return found[rows.cpu()]

    def _joint_back(self, t: int, run: Rerun, joint: Tensor, widths: list[int]) -> Tensor:
        h, c = (*joint.split(widths, 1), None)[:2]
        back = self._step_back(t, h, c, {}, run=run)
        if back.skipped:
            raise RuntimeError(f"a state of {self._loop.name} goes past a step, as a mask over ended sequences makes "
                               f"it: the step alone has no Jacobian that tells of it. reach() follows both ways.")
        return torch.cat([each for each in (back.h, back.c) if each is not None], 1).double().cpu()

    def _step_back(self, t: int, h: Tensor, c: Tensor | None, skipped: dict[Path, Tensor], total: bool = False,
                   more: bool = False, run: Rerun | None = None) -> _Back:
        """From (B, H) at h_t and (B, C) at c_t to the state before; `total` says that c has come through h_t too."""
        record, run = self._loop.steps[t - 1], run or self._run(t)
        after = run.after
        dh = self._shaped(h, after[0]).to(after[0])
        through = None
        if c is not None:
            inner = _gradients(after[:1], after[1:], [dh])
            through = torch.cat([self._flat(each) for each in inner], 1).to(h)
            outside, widths = c - through if total else c, [self._flat(each).shape[1] for each in after[1:]]
            pieces = [self._shaped(piece, each).to(each) for piece, each in zip(outside.split(widths, 1), after[1:])]
        else:
            pieces = []
        asked = [*run.before.values(), *(run.given.values() if more else ()), *(run.parameters.values() if more else ())]
        found = iter(_gradients(after, asked, [dh, *pieces]))
        before = {path: next(found) for path in run.before}
        given = {path: next(found) for path in run.given} if more else {}
        parameters = {name: next(found) for name in run.parameters} if more else {}
        for path, each in skipped.items():
            before[path] = before[path] + each.to(before[path]) if path in before else each
        recurrence = self._loop.recurrence
        results = {path: torch.zeros_like(leaf) for path, leaf in zip(recurrence.outputs, after)}
        past: dict[Path, Tensor] = {}
        for path, gradient in before.items():
            own = recurrence.outputs[recurrence.arguments.index(path)]
            ways = record.between.get(path, {}) if t > 1 else {("after", own): None}
            for (when, target), factor in ways.items():
                value = gradient if factor is None else gradient * factor.to(gradient)
                if when == "after":
                    results[target] += value.reshape(results[target].shape)
                else:
                    past[target] = past[target] + value if target in past else value
        flat_results = [self._flat(results[path]).to(h) for path in recurrence.outputs]
        return _Back(flat_results[0], torch.cat(flat_results[1:], 1) if c is not None else None, through, past, given,
                     parameters)

    def _run(self, t: int) -> Rerun:
        """A step again; the first, where it was given no state, with zeros if that is the same."""
        record, recurrence = self._loop.steps[t - 1], self._loop.recurrence
        there = {path for path, _ in tensors_in(record.given)}
        missing = [path for path in recurrence.arguments or () if path not in there]
        if t > 1 or not missing or any(len(path) > 2 for path in missing):
            return self._again(record)
        zeros: dict = {}
        for output, path in zip(recurrence.outputs, recurrence.arguments):
            zero = torch.zeros_like(record.after[output])
            zeros[path[0]] = zero if len(path) == 1 else (*zeros.get(path[0], ()), zero)
        try:
            return Again(recurrence, self._loop.parameters)(record._replace(given=record.given | zeros))
        except RuntimeError:
            return self._again(record)

    def _each(self, dh: Tensor, dc: Tensor | None):
        """`_step_back` of every step from total gradients, with what inputs and parameters get."""
        B = self.layout.sizes[0]
        dhs, dcs = dh.split(B), None if dc is None else dc.split(B)
        for t in range(1, len(dhs)):
            yield self._step_back(t, dhs[t].to(**self._double), None if dc is None else dcs[t].to(**self._double), {},
                                  total=True, more=True)

    @property
    def _double(self) -> dict:
        mps = self.h.device.type == "mps"
        return {"dtype": torch.float64, "device": "cpu" if mps else self.h.device}

    def _inputs(self) -> tuple[Path | None, Tensor]:
        """The first floating argument that has a row for each of the state's, (N, D)."""
        B = self.layout.sizes[0]
        for path, leaf in tensors_in(self._loop.steps[0].given):
            if path not in (self._loop.recurrence.arguments or ()) and leaf.is_floating_point() and len(
                    self._flat(leaf)) == B:
                every = [dict(tensors_in(step.given)).get(path) for step in self._loop.steps]
                if all(each is not None and each.shape == leaf.shape for each in every):
                    return path, torch.cat([self._flat(each) for each in every])
        return None, self.h.new_zeros(B * len(self.layout.sizes), 0)

    def _flat(self, tensor: Tensor) -> Tensor:
        return flat(tensor, self._loop.recurrence.state.batch)

    def _shaped(self, rows: Tensor, like: Tensor) -> Tensor:
        """(B, K) -> a tensor shaped like one state."""
        batch = self._loop.recurrence.state.batch
        if batch is None or like.dim() < 2:
            return rows.reshape(like.shape)
        return rows.reshape(like.movedim(batch, 0).shape).movedim(0, batch)


class _Back(NamedTuple):
    """(B, H) and (B, C) for the state before; what c_t got through h_t; what went past the step before; and more."""

    h: Tensor
    c: Tensor | None
    through: Tensor | None
    skipped: dict[Path, Tensor]
    given: dict[Path, Tensor]
    parameters: dict[str, Tensor]


def flat(tensor: Tensor, batch: int | None) -> Tensor:
    """A state of any shape -> (B, K); one without a batch is one sequence."""
    if batch is None or tensor.dim() < 2:
        return tensor.reshape(1, -1)
    return tensor.movedim(batch, 0).flatten(1)


def _gradients(outputs: list[Tensor], inputs: list[Tensor], cotangents: list[Tensor]) -> list[Tensor]:
    """By autograd; zeros where an input has no part in an output."""
    pairs = [(output, cotangent) for output, cotangent in zip(outputs, cotangents) if output.requires_grad]
    if not pairs or not inputs:
        return [torch.zeros_like(each) for each in inputs]
    outputs, cotangents = zip(*pairs)
    found = torch.autograd.grad(outputs, inputs, cotangents, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(each) if grad is None else grad for each, grad in zip(inputs, found)]


def _difference(total: Tensor, part: Tensor, eps: float) -> Tensor:
    """total - part, 0 in the rows where nothing but rounding is left."""
    left = total - part
    size = torch.maximum(total.abs(), part.abs()).amax(1, keepdim=True)
    return torch.where(left.abs().amax(1, keepdim=True) > eps**(2 / 3) * size, left, 0)


def _standard(loop: Loop) -> CellPart | None:
    """A loop over one of torch's cells as a layer, where its states went on unchanged."""
    recurrence, module = loop.recurrence, loop.recurrence.module
    arguments = recurrence.arguments
    for step in loop.steps[1:]:
        if any(step.between.get(path) != {("after", output): None}
               for output, path in zip(recurrence.outputs, arguments)):
            return None
    mode = {nn.LSTMCell: "LSTM", nn.GRUCell: "GRU"}.get(recurrence.cell) or f"RNN_{module.nonlinearity.upper()}"
    (h, h0), (c, c0) = loop.states(slice(1)), loop.states(slice(1, None))
    h, h0 = torch.cat([loop.rows(each) for each in h]), loop.rows(h0)
    names = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
    named = [getattr(module, name) for name in names]
    weights = [None if p is None else loop.parameters.get(id(p), p.detach()).to(h.dtype) for p in named]
    x = torch.cat([flat(step.given["input"], 0) for step in loop.steps]).to(h.dtype)
    part = CellPart("cell", mode, Weights(*weights, None), Layout([len(h0)] * len(loop.steps), h.device))
    apart = part.forward(x, h0, loop.rows(c0) if c0 else None, h)
    if not min(apart.by_step, apart.overall) <= TOLERANCES.get(loop.low or h.dtype, 0):
        return None
    if c0:
        part.c = torch.cat([loop.rows(each) for each in [c0, *c]])
    part.finals = [each[-len(h0):] for each in (part.h, part.c) if each is not None]
    return part
