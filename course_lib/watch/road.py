"""The road of one gradient back through a part of a module, over one call or several, and what is said of it."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch

from . import verdict
from .part import Part
from .reach import LOOK_BACK, Way, one_below_another

SATURATED = .99  # a tanh is counted from this size on, a sigmoid outside of .01 to .99
MOST = .5  # a larger share of saturated units is said
CLOSED = .1  # a median gate below this is said to be nearly closed
KEEP = "f", "z", "tanh(c)"  # their ends are no sickness: a gate that keeps is open, and c's way is not through tanh(c)
TANH = "h", "g", "n", "tanh(c)"  # what ends at +-1


class Road:
    """One way back: `readings` of one part, one for each of its calls, the earliest first.

    alone  whether these are all calls of the module
    """

    def __init__(self, readings: list, way: Way, alone: bool):
        self.readings, self._way, self._alone = readings, way, alone

    @property
    def logs(self) -> np.ndarray:
        """(T + 1, B): natural logs of the norms along the way, as in `reach.Way`."""
        return self._way.logs

    def joined(self, blocks: list[np.ndarray]) -> np.ndarray:
        """(T_k + 1, B_k) of each of its calls -> (T + 1, B)."""
        return one_below_another(blocks, self._way.columns)

    @property
    def calls(self) -> list[int]:
        return self._way.calls

    @property
    def state(self) -> str:
        return "h" if self._parts[0].c is None else "c"

    @property
    def has_gradient(self) -> bool:
        return any(each._one_call.gradient_wanted and each._one_call.has_gradient for each in self.readings)

    @property
    def one_step(self) -> bool:
        return self._way.lengths == [1]

    @property
    def label(self) -> str:
        """Module, part and calls in words, as far as they are needed."""
        if len(self.calls) == 1:
            return self.readings[0].label
        kind = "of one step" if max(self._way.lengths) == 1 else "carried on"
        first, last = self.calls[0], self.calls[-1]
        which = f"({len(self.calls)} calls {kind})" if self._alone else (
            f"(calls {first} to {last}, {len(self.calls)} {kind})")
        return f"{self.readings[0]._part_label} {which}"

    def finding(self, distance: int | None = None) -> verdict.Finding:
        """What becomes of the gradient on its way back, as numbers and words."""
        for reading in self.readings:
            if (broken := reading.first_nonfinite()) is not None:
                return verdict.nothing("not finite", str(broken))
        calls = [reading._one_call for reading in self.readings]
        key = "finding", self.label, distance, sum(call.arrivals for call in calls)
        return calls[-1].once(key, lambda: self._judge(distance))

    def _judge(self, distance: int | None) -> verdict.Finding:
        rows = self._parts[0].h
        info = torch.finfo(rows.dtype)
        dtype = str(rows.dtype).removeprefix("torch."), float(np.log(info.tiny) + np.log(info.eps) - np.log(2))
        seen = verdict.Seen((len(self.logs) - 1, self.logs.shape[1]), dtype, self._notes, self._cause)
        return verdict.judge(self.label, self.logs, self.state, seen, distance)

    @property
    def _parts(self) -> list[Part]:
        return [reading._chosen for reading in self.readings]

    @cached_property
    def _sample(self) -> dict[str, torch.Tensor]:
        samples = [part.sample for part in self._parts]
        return {name: torch.cat([each[name] for each in samples]) for name in samples[0]}

    def _notes(self, kind: str) -> list[str]:
        """Saturation and gates, a state that came detached, a gradient that was there before."""
        notes, mode = [], self._parts[0].mode
        shares = saturation(mode, self._sample)
        full = [f"{share:.0%} of {name}" for name, share in shares.items() if share > MOST and name not in KEEP]
        if full:
            ends = "+-1" if mode == "RNN_TANH" else "its ends"
            notes.append(f"Saturated: {' and '.join(full)} {'is' if len(full) == 1 else 'are'} at {ends}.")
        if mode == "LSTM" and kind in ("vanished", "zero"):
            notes.append(_gate("forget gate", "f", self._sample["f"]))
        if mode == "GRU" and kind in ("vanished", "zero"):
            notes.append(_gate("update gate", "z", self._sample["z"]))
        first = self.readings[0]
        if first.state_given == "detached" and self._parts[0].h[:first._layout.sizes[0]].any():
            notes.append("Its initial state came detached: no gradient flows further back.")
        name, size = min(((reading._one_call.held or ("", 0.)) for reading in self.readings), key=lambda held: held[1])
        if size > 0:
            notes.append(f"{name}.grad held {size:.2g} already when this gradient arrived: zero_grad forgotten, or "
                         f"accumulated on purpose?")
        return notes

    def _cause(self) -> str:
        """Why the gradient is exactly 0 on its way, from the step where it ends: the latest of all sequences."""
        alive = self.logs > -np.inf
        dies = np.where(alive.any(0) & (self.logs == -np.inf)[1:].any(0), alive.argmax(0), 0)
        b = int(dies.argmax())
        step = t = int(dies[b])
        for reading, length in zip(self.readings, self._way.lengths):
            if t <= length:
                break
            t -= length
        part, where = reading._chosen, f"at step {step}"
        if not part.weights.W_hh.any():
            return f"Rounding is not the cause: weight_hh_{part.name} is 0."
        h = reading.h[t, b]
        if part.mode == "RNN_RELU" and (h == 0).mean() > MOST:
            return (f"Rounding is not the cause: {where} {(h == 0).mean():.0%} of h is 0, where a ReLU passes nothing.")
        if part.mode == "RNN_TANH" and (abs(h) == 1).mean() > MOST:
            return (f"Rounding is the cause: {where} {(abs(h) == 1).mean():.0%} of h is exactly +-1 in "
                    f"{str(part.h.dtype).removeprefix('torch.')}, its slope rounds to 0. tanh is saturated there.")
        return f"The units that could pass it on have the slope 0 {where}."


def saturation(mode: str, arrays: dict[str, torch.Tensor]) -> dict[str, float]:
    """The share of entries near an end: |tanh| above .99 (h of an RNN, g, tanh(c), n), gates beyond .01 or .99."""
    counted = {name: rows for name, rows in arrays.items() if name not in ("h", "c")}
    if mode == "RNN_TANH":
        counted = {"h": arrays["h"]}
    elif mode == "LSTM":
        counted["tanh(c)"] = torch.tanh(arrays["c"])
    near = {name: rows.abs() > SATURATED if name in TANH else (rows - .5).abs() > SATURATED - .5
            for name, rows in counted.items()}
    return {name: float(each.count_nonzero()) / max(1, each.numel()) for name, each in near.items()}


def _gate(name: str, letter: str, rows: torch.Tensor) -> str:
    middle = float(rows.float().median())
    return f"The {name} is nearly closed: median {letter} {middle:.2g}." if middle < CLOSED else (
        f"The {name}: median {letter} {middle:.2g}.")


def findings_of(reading, distance: int | None = None) -> list[tuple[str, verdict.Finding]]:
    """(label, finding) of every way back through a module; one for all calls that no gradient reaches, and one for a
    loop of single steps whose way cannot be followed from call to call."""
    if not reading.has_gradient:
        return [_without_gradient(reading, [])]
    found = []
    for part in reading.parts:
        roads = reading.part(part).roads()
        living = [each for each in roads if each.has_gradient]
        if len(living) > 1 and all(each.one_step for each in living):
            found.append(_loop(living))
        else:
            found += [(each.label, each.finding(distance)) for each in living]
        silent = [each for each in roads if not each.has_gradient]
        if silent:
            found.append(_without_gradient(silent[0].readings[0], [call for each in silent for call in each.calls]))
    return found


def _without_gradient(reading, calls: list[int]) -> tuple[str, verdict.Finding]:
    """Of a whole module, or of some of its calls while others got one."""
    label = reading._part_label if calls else reading._label
    if len(calls) > 1:
        label += f" calls {calls[0]} to {calls[-1]}"
    elif reading.calls > 1 and calls:
        label += f" call {calls[0]}"
    every = [reading.call(index)._one_call for index in range(reading.calls)]
    if not any(each.gradient_wanted for each in every):
        why = "its parameters are frozen and its input is detached"
    elif calls and any(each.state_given == "detached" for each in every):
        why = "the state that went from call to call was detached, and the loss does not read these calls"
    else:
        why = "the loss does not depend on it (detach, item, no_grad?)"
    return label, verdict.nothing("no gradient", f"{label}: no gradient arrives: {why}.")


def _loop(roads: list[Road]) -> tuple[str, verdict.Finding]:
    """Calls of one step each, none of which was given the state of one before with its graph."""
    reading = roads[0].readings[0]
    label = f"{reading._part_label} ({len(roads)} calls of one step)"
    given = {each.readings[0].state_given for each in roads[1:]}
    if given == {"not given"}:
        return label, verdict.nothing("no time", f"{label}: none was given a state, each begins anew, so that no "
                                                 f"gradient passes through time.")
    if "attached" not in given:
        return label, verdict.nothing("no time", f"{label}: the state is detached between them, so that no gradient "
                                                 f"passes through time.")
    early, late = (float(np.median(each.readings[0]._total[1])) for each in (roads[0], roads[-1]))
    return label, verdict.nothing(
        "not followed", f"{label}: the state is changed between them by what is not watched (or more than {LOOK_BACK} "
                        f"sequences take turns), so that the way back cannot be followed. The total gradient "
                        f"|dL/d{roads[0].state}|, of all losses together, is {early:.2g} at the first call and "
                        f"{late:.2g} at the last.")
