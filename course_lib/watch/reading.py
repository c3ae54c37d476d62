"""What is read from a watched module: arrays of numpy in float64, time first, row 0 the initial state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .. import jacobians as products
from . import verdict
from .replay import Call, Part

SATURATED = .99  # a tanh is counted from this size on, a sigmoid outside of .01 to .99


class NonFinite(NamedTuple):
    """The first entry that is NaN or infinite; prints as a sentence.

    array     "x", "h", "c", a gate, a parameter's name, "grad_h_direct", "grad_h", "grad_c", "grad_x" or "grad of ..."
    module, part, call  where
    step      t of h_t, which reads x[t - 1]; None for a parameter. Gradients are counted from the end of time
    sequence  in the caller's batch; None for a parameter
    value     nan, inf or -inf
    """

    array: str
    module: str
    part: str
    call: int
    step: int | None
    sequence: int | None
    value: float

    def __str__(self) -> str:
        where = "" if self.step is None else f" at time step {self.step}, sequence {self.sequence},"
        reads = f" (x[{self.step - 1}])" if self.array == "x" else ""
        name = self.module or "the module itself"
        return (f"The first value that is not finite: {self.array} is {self.value}{where}{reads} in {self.part} of "
                f"{name}, call {self.call}. {self._cause}")

    @property
    def _cause(self) -> str:
        if self.array == "x":
            return "It is in what this layer reads: look at the data, or at what comes before this layer."
        if self.array in ("initial h", "initial c"):
            return "It came with the initial state."
        if self.array.startswith("grad of"):
            return "States and their gradients are finite: the product of the two is not."
        if self.array.startswith(("weight", "bias")):
            return "The parameter itself: an earlier update broke it."
        if self.array.endswith("direct"):
            return "It arrives from outside of this layer: look at the loss, or at what stands between."
        if self.array.startswith("grad"):
            return "What arrived from later steps and from the loss was finite: this step made it."
        return "Inputs and parameters are finite: this step made it."


class JudgedNorms(NamedTuple):
    """Norms (T + 1, B) of the total gradient of a state, h or c, and of what reaches h_t directly; what they say."""

    label: str
    state: str
    total: np.ndarray
    direct: np.ndarray
    finding: verdict.Finding


class Reading:
    """What one module did in one pass. With several calls, layers or directions choose: reading.call(0).part("l1").

    calls, parts  how many calls; names of layers and directions as torch ends its parameters' names
    errors        ValueError for a call, part or sequence that is not there, or that was not chosen; RuntimeError where
                  no gradient has arrived
    """

    def __init__(self, name: str, calls: list[Call], call: int | None = None, part: str | None = None):
        self.name, self._calls, self._call, self._part = name, calls, call, part
        if len(calls) == 1:
            self._call = 0
        if len(self.parts) == 1:
            self._part = self.parts[0]

    @property
    def calls(self) -> int:
        """How often the module was called in this pass."""
        return len(self._calls)

    @property
    def parts(self) -> tuple[str, ...]:
        """Layers and directions: "l0", "l0_reverse", "l1", ..."""
        return tuple(self._calls[0].parts)

    def call(self, index: int) -> Reading:
        """The reading of one call, the first is 0."""
        if not isinstance(index, int) or not -self.calls <= index < self.calls:
            raise ValueError(f"call is {index!r}, but {self._label} was called {self.calls} times in this pass: "
                             f"needs 0 to {self.calls - 1}.")
        return Reading(self.name, self._calls, index % self.calls, self._part)

    def part(self, name: str) -> Reading:
        """The reading of one layer in one direction."""
        if name not in self.parts:
            raise ValueError(f"part is {name!r}, needs one of {', '.join(map(repr, self.parts))}.")
        return Reading(self.name, self._calls, self._call, name)

    def each(self) -> list[Reading]:
        """Every call and part that is not chosen yet, one reading each."""
        calls = range(self.calls) if self._call is None else [self._call]
        parts = self.parts if self._part is None else [self._part]
        return [Reading(self.name, self._calls, call, part) for call in calls for part in parts]

    @property
    def x(self) -> np.ndarray:
        """(T, B, D): what this part read; row t - 1 made h_t."""
        return self._padded(self._chosen.x)

    @property
    def h(self) -> np.ndarray:
        """(T + 1, B, H): every state, row 0 the initial one. NaN after the end of a sequence."""
        return self._states(self._chosen.h)

    @property
    def c(self) -> np.ndarray:
        """(T + 1, B, H): every cell state of an LSTM."""
        return self._states(self._only_lstm("c").c)

    @property
    def gates(self) -> dict[str, np.ndarray]:
        """{name: (T, B, H)}: i, f, g, o of an LSTM, r, z, n of a GRU."""
        return {name: self._padded(rows) for name, rows in self._chosen.gates.items()}

    @property
    def grad_h(self) -> np.ndarray:
        """(T + 1, B, H): the total dL/dh_t, along every path. Beyond the end of a sequence NaN."""
        return self._states(self._gradients.h)

    @property
    def grad_c(self) -> np.ndarray:
        """(T + 1, B, H): the total dL/dc_t of an LSTM, the way through h_t included."""
        self._only_lstm("grad_c")
        return self._states(self._gradients.c)

    @property
    def grad_h_direct(self) -> np.ndarray:
        """(T + 1, B, H): what reaches h_t from outside this part: loss, later layers and modules, but no later step."""
        return self._states(self._direct[0])

    @property
    def grad_c_direct(self) -> np.ndarray:
        """(T + 1, B, H): what reaches c_t from outside, by way of c_n."""
        self._only_lstm("grad_c_direct")
        return self._states(self._direct[1])

    @property
    def grad_x(self) -> np.ndarray:
        """(T, B, D): dL/dx_t by way of this part."""
        return self._padded(self._gradients.x)

    @property
    def grads(self) -> dict[str, np.ndarray]:
        """{parameter: its gradient from this call, shaped like it}, by torch's names."""
        return {name: grad.double().cpu().numpy() for name, grad in self._gradients.parameters.items()}

    @property
    def lengths(self) -> np.ndarray:
        """(B,): steps of each sequence."""
        return self._layout.users(self._layout.lengths[:, None])[:, 0].numpy()

    @property
    def positions(self) -> np.ndarray:
        """(T, B): the place in the sequence that row t - 1 of x came from; -1 after the end."""
        t, lengths = np.arange(len(self._layout.sizes))[:, None], self.lengths
        return np.where(t < lengths, lengths - 1 - t if self._chosen.name.endswith("_reverse") else t, -1)

    @property
    def precision(self) -> str:
        """What was compared with the fused module, in which precision, and how far apart the two were."""
        return self._one_call.precision

    @property
    def state_given(self) -> str:
        """The initial state: "not given", "detached" (nothing flows back into the call before) or "attached"."""
        return self._one_call.state_given

    def norms(self, which: str = "h") -> np.ndarray:
        """(T + 1, B): |dL/dh_t| of each sequence, in float64: a gradient of 1e-36 is not 0. which="c": |dL/dc_t|."""
        if which not in ("h", "c"):
            raise ValueError(f"which is {which!r}, needs 'h' or 'c'.")
        return np.linalg.norm(self.grad_h if which == "h" else self.grad_c, axis=-1)

    def reach(self, dtype=None) -> np.ndarray:
        """(T + 1, B): the norm of only that gradient which enters at the last step that is read, on its way back.

        Where a loss reads every step, the total gradient at an early step comes mostly from losses close to it. This
        one has to cover the distance. |dL/dh_t|, for an LSTM |dL/dc_t|.
        """
        part, B, layout = self._chosen, self._layout.sizes[0], self._layout
        direct = [None if each is None else each.clone() for each in self._direct]
        steps = torch.cat([torch.zeros(B, dtype=torch.long), layout.where[0].cpu() + 1])
        columns = torch.cat([torch.arange(B), layout.where[1].cpu()])
        read = sum((each != 0).any(-1).cpu() for each in direct if each is not None) > 0
        last = torch.zeros(B, dtype=torch.long).scatter_reduce(0, columns, steps * read, "amax")
        others = (steps != last[columns]).to(part.h.device)
        for each in direct:
            if each is not None:
                each[others] = 0
        with torch.no_grad():
            found = part.backward(*direct, dtype=dtype)
        return np.linalg.norm(self._states(found.h if found.c is None else found.c), axis=-1)

    def jacobians(self, sequence: int | None = None) -> np.ndarray:
        """(T, B, S, S): [t - 1] is the derivative of step t's state by the state before, by torch.func, in float64.

        S = H; for an LSTM the state is (h, c), jointly, in this order. NaN after the end of a sequence.

        sequence  of the batch, to have one alone: (T, 1, S, S)
        """
        part, layout = self._chosen, self._layout
        if layout.unsorted is None:
            columns = np.arange(layout.sizes[0])
        else:
            columns = layout.unsorted.cpu().numpy()
        if sequence is not None:
            columns = columns[self._sequence(sequence)][None]
        size = part.h.shape[1] + (0 if part.c is None else part.c.shape[1])
        result = np.full((len(layout.sizes), len(columns), size, size), np.nan)
        for t, alive in enumerate(layout.sizes, start=1):
            here = columns < alive
            if here.any():
                result[t - 1, here] = part.jacobian(torch.from_numpy(columns[here]), t).cpu().numpy()
        return result

    def log_singular_values(self, sequence: int | None = None) -> np.ndarray:
        """(B, S): natural logs of the singular values of J_T ... J_1, largest first, of each sequence's own length."""
        chosen = range(len(self.lengths)) if sequence is None else [self._sequence(sequence)]
        return np.stack([products.log_singular_values(self.jacobians(b)[:self.lengths[b], 0]) for b in chosen])

    def saturation(self) -> dict[str, float]:
        """The share of entries near an end: |tanh| above .99 (h of an RNN, g, tanh(c), n), gates beyond .01 or .99."""
        part = self._chosen
        arrays = part.gates
        if part.mode == "RNN_TANH":
            arrays = {"h": part.h[self._layout.sizes[0]:]}
        elif part.mode == "LSTM":
            arrays = {**arrays, "tanh(c)": torch.tanh(part.c[self._layout.sizes[0]:])}
        tanh = "h", "g", "n", "tanh(c)"
        near = {name: rows.abs() > SATURATED if name in tanh else (rows - .5).abs() > SATURATED - .5
                for name, rows in arrays.items()}
        return {name: float(each.double().mean()) for name, each in near.items()}

    def first_nonfinite(self) -> NonFinite | None:
        """The first entry that is not finite, of all calls and parts: inputs, then states, gradients, parameters'."""
        return earliest_nonfinite(self.each())

    def finding(self) -> verdict.Finding:
        """What becomes of the gradient on its way back, as numbers."""
        broken = self.first_nonfinite()
        if broken is not None:
            return verdict.not_finite(broken)
        return verdict.judge_norms(self.label, self.reach(), "h" if self._chosen.c is None else "c",
                                   str(self._chosen.h.dtype).removeprefix("torch."), lambda: self.reach(torch.float64))

    def loop(self) -> JudgedNorms | None:
        """This part over all calls, where each call is one step of a loop, as decoders have it; None otherwise.

        It judges the total gradient: which part of it entered at the last step cannot be told from call to call.
        """
        calls = [Reading(self.name, self._calls, call, self._part) for call in range(self.calls)]
        if len(calls) < 2 or any(each._layout.sizes != calls[0]._layout.sizes or len(each._layout.sizes) > 1
                                 or not each._one_call.gradient_wanted or each.first_nonfinite() for each in calls):
            return None
        state = "h" if self._chosen.c is None else "c"
        label = " ".join(filter(None, [self._label, self._part if len(self.parts) > 1 else "",
                                       f"({self.calls} calls of one step)"]))
        total, direct = (np.stack([rows[0][0], *(each[1] for each in rows)]) for rows in (
            [each.norms(state) for each in calls], [np.linalg.norm(each.grad_h_direct, axis=-1) for each in calls]))
        return JudgedNorms(label, state, total, direct,
                           verdict.judge_norms(label, total, state, str(self._chosen.h.dtype).removeprefix("torch.")))

    def judged(self) -> JudgedNorms:
        """This part in this call: its norms by time step, and what they say."""
        state = "h" if self._chosen.c is None else "c"
        return JudgedNorms(self.label, state, self.norms(state), np.linalg.norm(self.grad_h_direct, axis=-1),
                           self.finding())

    def verdict(self) -> str:
        """What becomes of the gradient on its way back, one sentence for each call and part."""
        return "\n".join(each.finding().words for each in self.each())

    def __repr__(self) -> str:
        return f"Reading of {self._label}: {self.calls} call{'s' * (self.calls > 1)}, parts {', '.join(self.parts)}"

    @property
    def label(self) -> str:
        """Module, part and call in words, as far as they are needed."""
        return " ".join(filter(None, [self._label, self._part if len(self.parts) > 1 else "",
                                      f"call {self._call}" if self.calls > 1 else ""]))

    @property
    def _label(self) -> str:
        return self.name or "the module itself"

    @property
    def _one_call(self) -> Call:
        if self._call is None:
            raise ValueError(f"{self._label} was called {self.calls} times in this pass: choose one, .call(0) to "
                             f".call({self.calls - 1}).")
        return self._calls[self._call]

    @property
    def _chosen(self) -> Part:
        call = self._one_call
        if self._part is None:
            raise ValueError(f"{self._label} has several parts: choose one, .part({self.parts[0]!r}). "
                             f"It has {', '.join(self.parts)}.")
        return call.parts[self._part]

    @property
    def _layout(self):
        return self._chosen.layout

    @property
    def _with_gradient(self) -> Call:
        call = self._one_call
        if not call.gradient_wanted:
            raise RuntimeError(f"the output of {self._label} does not require a gradient: its parameters are frozen "
                               f"(requires_grad=False) and its input is detached. Free one of them.")
        if not any(each.has_gradient for each in self._calls):
            raise RuntimeError(f"no gradient has arrived at {self._label}: call loss.backward() first. If you did, the "
                               f"loss does not depend on its output: look for .detach(), .item(), torch.tensor(...) "
                               f"or no_grad in between.")
        return call

    @property
    def _gradients(self):
        self._chosen
        return self._with_gradient.gradients()[self._part]

    @property
    def _direct(self):
        self._gradients
        return self._one_call.direct[self._part]

    def _only_lstm(self, what: str) -> Part:
        if self._chosen.c is None:
            raise ValueError(f"{what}: {self._label} is an nn.{self._one_call.module_kind}, which has no cell state c; "
                             f"only an LSTM has. Read h or grad_h.")
        return self._chosen

    def _padded(self, rows: torch.Tensor) -> np.ndarray:
        return self._layout.padded(rows).numpy()

    def _states(self, rows: torch.Tensor) -> np.ndarray:
        B, layout = self._layout.sizes[0], self._layout
        return np.concatenate([layout.users(rows[:B].double()).cpu().numpy()[None], self._padded(rows[B:])])

    def _sequence(self, index) -> int:
        if not isinstance(index, (int, np.integer)) or not 0 <= index < len(self.lengths):
            raise ValueError(f"sequence is {index!r}, needs 0 to {len(self.lengths) - 1}.")
        return int(index)


def earliest_nonfinite(readings: list[Reading]) -> NonFinite | None:
    """The first entry that is not finite of several readings, given in the order in which they were computed."""
    for reading in readings:
        part = reading._chosen
        for name, value in zip(part.weights._fields, part.weights):
            if value is not None and not value.isfinite().all():
                torch_name = {"W_": "weight_", "b_": "bias_"}[name[:2]] + f"{name[2:]}_{part.name}"
                return NonFinite(torch_name, reading.name, part.name, reading._call, None, None,
                                 value[~value.isfinite()][0].item())
    for reading in readings:
        part, B = reading._chosen, reading._layout.sizes[0]
        states = {"h": part.h} | ({} if part.c is None else {"c": part.c})
        found = _earliest(reading, {f"initial {name}": rows[:B] for name, rows in states.items()}, initial=True)
        found = found or _earliest(reading, {"x": part.x})
        found = found or _earliest(reading, {**part.gates, **{n: rows[B:] for n, rows in states.items()}})
        if found:
            return found
    if not any(call.has_gradient for reading in readings for call in reading._calls):
        return None
    backwards = [reading for reading in readings[::-1] if reading._one_call.gradient_wanted]
    for reading in backwards:
        gradients, direct, B = reading._gradients, reading._direct, reading._layout.sizes[0]
        arrays = {"grad_h_direct": direct[0], "grad_c_direct": direct[1], "grad_c": gradients.c, "grad_h": gradients.h}
        found = _earliest(reading, {name: rows[B:] for name, rows in arrays.items() if rows is not None}, last=True)
        found = found or _earliest(reading, {name: rows[:B] for name, rows in arrays.items() if rows is not None},
                                   initial=True)
        found = found or _earliest(reading, {"grad_x": gradients.x}, last=True)
        if found:
            return found
    for reading in backwards:
        for name, grad in reading._gradients.parameters.items():
            if not grad.isfinite().all():
                return NonFinite(f"grad of {name}", reading.name, reading._chosen.name, reading._call, None, None,
                                 grad[~grad.isfinite()][0].item())
    return None


def _earliest(reading: Reading, arrays: dict[str, torch.Tensor], last: bool = False,
              initial: bool = False) -> NonFinite | None:
    """The first step, or for gradients the last, at which an array is not finite; (N, K), or (B, K) of step 0."""
    found, layout = [], reading._layout
    for order, (name, rows) in enumerate(arrays.items()):
        bad = (~rows.isfinite()).any(-1).nonzero()[:, 0]
        if len(bad):
            row = int(bad[0])
            t, column = 0, row
            if not initial:
                steps = layout.where[0][bad]
                row = int(bad[(steps == (steps.max() if last else steps.min())).nonzero()[0, 0]])
                t, column = int(layout.where[0][row]) + 1, int(layout.where[1][row])
            value = rows[row][~rows[row].isfinite()][0].item()
            found.append(((-t if last else t, order), name, t, column, value))
    if not found:
        return None
    _, name, t, column, value = min(found)
    user = column if layout.order is None else int(layout.order[column])
    return NonFinite(name, reading.name, reading._chosen.name, reading._call, t, user, value)
