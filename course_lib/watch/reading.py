"""What is read from a watched module: arrays of numpy in float64, time first, row 0 the initial state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .. import jacobians as products
from . import reach, road, verdict
from .nonfinite import NonFinite, earliest_nonfinite
from .part import Part
from .replay import Call
from .steps import double_of


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
        return {name: double_of(grad).cpu().numpy() for name, grad in self._gradients.parameters.items()}

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
        if which == "c":
            self._only_lstm("norms('c')")
        gradients = self._gradients
        rows = gradients.h if which == "h" else gradients.c
        return self._one_call.once(("norms", self._part, which), lambda: self._states(
            reach.norms_of(rows)[:, None])[..., 0]).copy()

    def log_norms(self, which: str = "h") -> np.ndarray:
        """(T + 1, B): natural logs of `norms`, -inf where the gradient is exactly 0 in the module's own precision."""
        with np.errstate(divide="ignore"):
            return np.log(self.norms(which))

    def log_reach(self) -> np.ndarray:
        """(T + 1, B): natural logs of the norm of only that gradient which enters at the last step that is read.

        Where a loss reads every step, the total gradient at an early step comes mostly from losses close to it. This
        one has to cover the distance. |dL/dh_t|, for an LSTM |dL/dc_t|; in float64 whatever the module's precision,
        rescaled at every step, so that a length of thousands of steps neither under- nor overflows.
        """
        return self._road.logs

    def reach(self) -> np.ndarray:
        """(T + 1, B): the norms whose logs are `log_reach`; 0 or inf where float64 ends."""
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(self.log_reach())

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
        with np.errstate(under="ignore"):
            return np.stack([products.log_singular_values(self.jacobians(b)[:self.lengths[b], 0]) for b in chosen])

    def saturation(self) -> dict[str, float]:
        """The share of entries near an end: |tanh| above .99 (h of an RNN, g, tanh(c), n), gates beyond .01 or .99."""
        part, B = self._chosen, self._layout.sizes[0]
        states = {name: rows[B:] for name, rows in (("h", part.h), ("c", part.c)) if rows is not None}
        return road.saturation(part.mode, {**part.gates, **states})

    def first_nonfinite(self) -> NonFinite | None:
        """The first entry that is not finite, of all calls and parts: inputs, then states, gradients, parameters'."""
        return earliest_nonfinite(self.each())

    def finding(self, distance: int | None = None) -> verdict.Finding:
        """What becomes of the gradient on its way back, as numbers; see `verdict.judge`."""
        broken = self.first_nonfinite()
        return verdict.nothing("not finite", str(broken)) if broken else self._road.finding(distance)

    def roads(self) -> list[road.Road]:
        """Every way back through what is not chosen yet: calls that were given each other's final state are one."""
        if self._call is not None:
            return [each._road for each in self.each()]
        found = []
        for part in self.parts if self._part is None else [self._part]:
            calls = [Reading(self.name, self._calls, call, part) for call in range(self.calls)]
            key = "ways", part, sum(call.arrivals for call in self._calls)
            ways = self._calls[-1].once(key, lambda: reach.ways(self._calls, part))
            found += [road.Road([calls[k] for k in way.calls], way, len(way.calls) == self.calls) for way in ways]
        return found

    def judged(self, way: road.Road | None = None) -> JudgedNorms:
        """This part in this call, or along a way: its norms by time step, and what they say."""
        way = way or self._road
        total, direct = (way.joined([getattr(each, what) for each in way.readings])
                         for what in ("_total", "_direct_norms"))
        return JudgedNorms(way.label, way.state, total, direct, way.finding())

    def verdict(self, distance: int | None = None) -> str:
        """What becomes of the gradient on its way back, one sentence for each way and part."""
        return "\n".join(each.finding(distance).words for each in self.roads())

    def __repr__(self) -> str:
        return f"Reading of {self._label}: {self.calls} call{'s' * (self.calls > 1)}, parts {', '.join(self.parts)}"

    @property
    def has_gradient(self) -> bool:
        """Whether a gradient has arrived at one of the module's calls."""
        return any(call.gradient_wanted and call.has_gradient for call in self._calls)

    @property
    def label(self) -> str:
        """Module, part and call in words, as far as they are needed."""
        return self._part_label + (f" call {self._call}" if self.calls > 1 else "")

    @property
    def _part_label(self) -> str:
        return " ".join(filter(None, [self._label, self._part if len(self.parts) > 1 else ""]))

    @property
    def _road(self) -> road.Road:
        """The way back through this call alone."""
        self._gradients
        call, part = self._one_call, self._part
        way = call.once(("way", part), lambda: reach.ways([call], part)[0])
        return road.Road([self], way._replace(calls=[self._call]), self.calls == 1)

    @property
    def _total(self) -> np.ndarray:
        return self.norms("h" if self._chosen.c is None else "c")

    @property
    def _direct_norms(self) -> np.ndarray:
        return self._states(reach.norms_of(self._direct[0])[:, None])[..., 0]

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
        if not any(each.has_gradient or each.refused for each in self._calls):
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
        with torch.no_grad():
            return self._one_call.direct(self._part)

    def _only_lstm(self, what: str) -> Part:
        if self._chosen.c is None:
            raise ValueError(f"{what}: {self._label} is an nn.{self._one_call.module_kind}, which has no cell state c; "
                             f"only an LSTM has. Read h or grad_h.")
        return self._chosen

    def _padded(self, rows: torch.Tensor) -> np.ndarray:
        return self._layout.padded(rows).numpy()

    def _states(self, rows: torch.Tensor) -> np.ndarray:
        B, layout = self._layout.sizes[0], self._layout
        return np.concatenate([layout.users(double_of(rows[:B])).cpu().numpy()[None], self._padded(rows[B:])])

    def _sequence(self, index) -> int:
        if not isinstance(index, (int, np.integer)) or not 0 <= index < len(self.lengths):
            raise ValueError(f"sequence is {index!r}, needs 0 to {len(self.lengths) - 1}.")
        return int(index)
