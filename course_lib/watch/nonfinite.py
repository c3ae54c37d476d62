"""The first entry that is not finite, in the order in which things are computed."""

from __future__ import annotations

from typing import NamedTuple

import torch


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


def _peak(rows: torch.Tensor | None) -> torch.Tensor:
    """The largest entry; NaN or inf where one entry is."""
    if rows is None or not rows.numel():
        return torch.zeros((), device="cpu")
    low, high = rows.aminmax()
    return torch.maximum(high, -low).to("cpu", torch.float32)


def _surely_finite(reading) -> bool:
    """Whether the largest entries of states and gradients prove that all there is of a part is finite.

    Gates are: a NaN there is one in h or c. The gradients inside of the steps, of x and of the parameters are sums of
    products, no larger than the largest of each factor times how many there are.
    """
    call, part = reading._one_call, reading._chosen
    w, x, h, c = (torch.stack([_peak(each) for each in rows]) for rows in (
        (None, *part.weights), [part.x], [part.h], [part.c]))  # None: a step may have no parameters
    sizes = [w, x, h, c]
    if call.gradient_wanted and call.has_gradient:
        gradients = reading._gradients
        grad = torch.stack([_peak(each) for each in (gradients.h, gradients.c, *call.entering(part.name))])
        H = part.h.shape[1]
        inside = grad.max() * (1 + c.max() + (1 + H * w.max()) * (1 + h.max())) * (1 + H * w.max())
        sizes += [grad, inside[None] * len(part.x) * (1 + x.max() + h.max()) * 8 * len(part.weights.W_hh)]
        sizes[-1] = torch.where(sizes[-1] < torch.finfo(part.h.dtype).max / 8, sizes[-1], torch.inf)
    return bool(torch.cat(sizes).isfinite().all())


def earliest_nonfinite(readings: list) -> NonFinite | None:
    """The first entry that is not finite of several readings, given in the order in which they were computed."""
    with torch.no_grad():
        if all(each._one_call.once(("finite", each._part), lambda: _surely_finite(each)) for each in readings):
            return None
    for reading in readings:
        part = reading._chosen
        for name, value in zip(part.weights._fields, part.weights):
            if value is not None and not value.isfinite().all():
                return NonFinite(part.torch_name(name), reading.name, part.name, reading._call, None, None,
                                 value[~value.isfinite()][0].item())
    for reading in readings:
        part, B = reading._chosen, reading._layout.sizes[0]
        states = {"h": part.h} | ({} if part.c is None else {"c": part.c})
        found = _earliest(reading, {f"initial {name}": rows[:B] for name, rows in states.items()}, initial=True)
        found = found or _earliest(reading, {"x": part.x})
        found = found or _earliest(reading, {**part.gates, **{n: rows[B:] for n, rows in states.items()}})
        if found:
            return found
    backwards = [reading for reading in readings[::-1]
                 if reading._one_call.gradient_wanted and reading._one_call.has_gradient]
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


def _earliest(reading, arrays: dict[str, torch.Tensor], last: bool = False,
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
