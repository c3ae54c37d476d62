"""What makes a run of the clinic healthy: the run as a whole, its net on fresh data, each part doing its own work."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from ... import _checks

with _checks.extra("lab", "the clinic"):
    import torch
    from torch import nn

from . import recurrence  # it registers its parts
from .clinic import Chart, Patient, ordinary
from .parts import PARTS, Misfit, Price


def complaints(patient: Patient, change, seed: int | None = None) -> list[str]:
    """Return what is wrong with a patient after a change, in sentences; none, or prices alone, if it is healthy.

    change  a function, which is called here too, on inputs that the script may not have: it has to do its own work as
            before; or changes of the script: then the net is tried on fresh data
    seed    another than the script's
    errors  the one that ended the run, unless the part alone explains it
    """
    with ordinary():
        try:
            found = [] if patient.whole else [*PARTS[patient.number](change)]
        except Misfit as misfit:
            return [str(misfit)]
        if any(not isinstance(each, Price) for each in found):
            return found
        chart = patient.run(change, seed)
        if chart.error is not None:
            raise chart.error
        found += [*run(patient, chart)] or [*(fresh(patient, chart) if patient.whole else ())]
        if not patient.whole and _falling(chart, patient):
            longer = replace(patient, updates=5 * patient.updates)
            if not [*run(longer, patient.run(change, seed, longer.updates))]:
                return [each for each in found if isinstance(each, Price)] + [
                    Price(f"But it learns slowly: {patient.updates} updates were too few, {longer.updates} are enough.")]
    return found


def _falling(chart: Chart, patient: Patient) -> bool:
    """Whether a finite run came down to less than half, and not yet below the bound."""
    ends = [sum(row.loss for row in rows) / len(rows) for rows in (chart.rows[:3], chart.rows[-10:])]
    return chart.first_nonfinite() is None and patient.bound <= ends[1] < .5 * ends[0]


def run(patient: Patient, chart: Chart) -> Iterator[str]:
    """Yield what is wrong with the run as a whole: its length, what is not finite, where its loss ends."""
    if len(chart.rows) < patient.updates:
        yield f"The log has {len(chart.rows)} updates of {patient.updates}: the run ends before it has learned."
        return
    if (bad := chart.first_nonfinite()) is not None:
        row = chart.rows[bad]
        yield f"The run still breaks: loss {row.loss:.2g} and gradient norm {row.norm:.2g} at update {bad}."
        return
    if not all(p.isfinite().all() for p in chart.names["net"].parameters()):
        yield "The losses are finite, and yet a weight is not finite at the end."
    end = sum(row.loss for row in chart.rows[-10:]) / 10
    if not end < patient.bound:
        thrown = chart.telling()
        why = "" if thrown == len(chart.rows) - 1 else (
            f" Look at update {thrown}: from there on it is no longer what it was, with a gradient norm of "
            f"{chart.rows[thrown].norm:.1g} after {chart.rows[max(0, thrown - 1)].norm:.1g}.")
        yield (f"The run is finite, but it does not learn: its loss ends at {end:.2g}, and a healthy run ends below "
               f"{patient.bound:g}.{why}{STILL.get(patient.number, '')}")


STILL = {
    "17": " Does each update begin with gradients of 0?",
    "18": " Does each game begin with a state that knows nothing of another game?",
    "19": " Which step does the answer come from, if a sequence has ended before?",
    "20": " Has it had the updates that its rate needs?",
    "21": " Has it had the updates that it needs? A loss can stand still for a while before it falls.",
}  # what to ask of a script that is finite and does not learn


def _functions(patient: Patient) -> dict:
    """The functions of the script as it came in."""
    nodes = [node for node in ast.parse(patient.script).body if isinstance(node, ast.FunctionDef)]
    names = {"torch": torch, "nn": nn}
    exec(compile(ast.Module(nodes, []), f"<patient {patient.number}>", "exec"), names)
    return names


def _data(patient: Patient, names: dict) -> tuple:
    """Fresh data as the script draws them: what net takes, and the target."""
    torch.manual_seed(1)
    if patient.number == "22":
        y = names["series"](256)
        return y[:-1], y[1:]
    return names["batch"](256)


def fresh(patient: Patient, chart: Chart) -> Iterator[str]:
    """Yield what is wrong with the trained net on fresh data: those of the script as it came in, or of the new one."""
    *inputs, target = _data(patient, _functions(patient))
    losses = [_loss(patient, chart.names["net"], inputs, target)]
    try:
        *others, same = _data(patient, chart.names)
        if torch.equal(same, target):  # the inputs may be prepared in another way, and the task is the same
            losses.append(_loss(patient, chart.names["net"], others, target))
    except Exception:  # the script draws its data in another way now: those that it came with decide
        pass
    if all(isinstance(loss, str) for loss in losses):
        yield losses[0]
    elif not (least := min(loss for loss in losses if not isinstance(loss, str))) < patient.bound:
        x = inputs[0]
        echo = patient.number == "22" and (chart.names["net"](x) - x).square().mean() < .5 * least
        yield (f"In the log it looks healthy. On fresh data the net's loss is {least:.2g}, and a healthy net is below "
               f"{patient.bound:g}" + (": it gives back the value that it has just read." if echo else ": what is "
               "trained is not what is asked."))


def _loss(patient: Patient, net, inputs: list, target) -> float | str:
    """The net's loss, or what keeps it from being computed."""
    call = f"net({', '.join(['x', 'lengths'][:len(inputs)])})"
    try:
        with torch.no_grad():
            got = net(*inputs)
    except Exception as error:
        return (f"The run is healthy, but {call} on fresh data stops with {type(error).__name__}. The net is used as "
                f"the script came in: let it be called so.")
    if not isinstance(got, torch.Tensor) or got.shape != target.shape:
        return f"The run is healthy, but {call} gives no tensor of shape {tuple(target.shape)}, one number a target."
    return float(nn.functional.binary_cross_entropy_with_logits(got, target) if patient.number in ("19", "21") else
                 ((got - target)**2).mean())
