"""What makes a run of the clinic healthy: the run as a whole, its net on fresh data, each part doing its own work."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator

from ... import _checks

with _checks.extra("lab", "the clinic"):
    import torch
    from torch import nn

from . import recurrence  # it registers its parts
from .clinic import Chart, NoScript, Patient, ordinary
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
        left: list[bool] = []
        begin: dict[nn.Parameter, torch.Tensor] = {}
        chart = patient.run(change, seed, enough=_enough(patient), watching=lambda net: _leftovers(net, left, begin))
        if isinstance(chart.error, NoScript):
            return [str(chart.error)]
        if chart.error is not None:
            raise chart.error
        unmoved = _unmoved(begin)
        found += [each + unmoved for each in run(patient, chart)]
        if patient.number == "17" and not found and any(left):
            return [f"In {100 * sum(left) / len(left):.0f} % of the backward passes the gradient of another batch is "
                    f"there already, and the new one is added to it."]
        found = found or [*(fresh(patient, chart) if patient.whole else ())]
        if unmoved and all(isinstance(each, Price) for each in found):
            return [unmoved.strip()]
        if not patient.whole and _falling(chart, patient):
            longer = patient.run(change, seed, 5 * patient.updates, enough=lambda rows: len(rows) > patient.updates
                                 and sum(row.loss for row in rows[-30:]) < 30 * patient.bound)
            if not [*run(patient, longer)]:
                return [each for each in found if isinstance(each, Price)] + [
                    Price(f"But it learns slowly: {patient.updates} updates were too few, and {len(longer.rows)} are "
                          "enough.")]
    return found


@contextlib.contextmanager
def _leftovers(net: nn.Module, left: list[bool], begin: dict[nn.Parameter, torch.Tensor]):
    """Note the weights before the run, and for each gradient that is added to p.grad whether one is there already."""
    was, hooks = {}, []
    begin |= {p: p.detach().clone() for p in net.parameters()}
    for p in net.parameters():
        if p.requires_grad:  # torch.autograd.grad calls the first hook too, and adds nothing
            hooks += [p.register_hook(lambda g, p=p: was.update({p: p.grad is not None and bool(p.grad.any())})),
                      p.register_post_accumulate_grad_hook(lambda p: left.append(was[p]))]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _unmoved(begin: dict[nn.Parameter, torch.Tensor]) -> str:
    """A sentence if no weight went anywhere in the whole run; empty if one did."""
    moved = [float((p.detach() - old).norm() / old.norm()) for p, old in begin.items()]
    if not moved or not all(each < .01 for each in moved):
        return ""
    return (" All its updates together move no weight: is step() called, and with the gradients that backward left?"
            if max(moved) == 0 else
            f" All its updates together move the weights by {max(moved):.0e} of their size: how large is a step?")


MOST = 2000  # updates of one run that a check waits for


def _enough(patient: Patient):
    """When to stop a run: at MOST updates, or, where time is all that it needs, once it is well below the bound."""
    return lambda rows: len(rows) >= MOST or (
        patient.number in ("20", "21") and len(rows) > 10 + patient.updates
        and sum(row.loss for row in rows[-10:]) / 10 < patient.bound / 2)


def _falling(chart: Chart, patient: Patient) -> bool:
    """Whether a finite run came down to less than half, and not yet below the bound."""
    ends = [sum(row.loss for row in rows) / len(rows) for rows in (chart.rows[:3], chart.rows[-10:])]
    return chart.first_nonfinite() is None and patient.bound <= ends[1] < .5 * ends[0]


def run(patient: Patient, chart: Chart) -> Iterator[str]:
    """Yield what is wrong with the run as a whole: its length, what is not finite, where its loss ends."""
    if len(chart.rows) < patient.updates:
        yield (f"The log has {len(chart.rows)} updates of {patient.updates}: a shorter run shows less, and cures "
               "nothing.")
        return
    if (bad := chart.first_nonfinite()) is not None:
        row = chart.rows[bad]
        yield f"The run breaks: loss {row.loss:.2g} and gradient norm {row.norm:.2g} at update {bad}."
        return
    if not all(p.isfinite().all() for p in chart.names["net"].parameters()):
        yield "The losses are finite, and yet a weight is not finite at the end."
    end = sum(row.loss for row in chart.rows[-10:]) / 10
    if not end < patient.bound:
        thrown = chart.telling()
        learns = "does not come down far enough" if _falling(chart, patient) else "does not learn"
        why = "" if thrown == len(chart.rows) - 1 else (
            f" Look at update {thrown}: from there on it is no longer what it was, with a gradient norm of "
            f"{chart.rows[thrown].norm:.1g} after {chart.rows[max(0, thrown - 1)].norm:.1g}.")
        yield (f"The run is finite, but it {learns}: its loss ends at {end:.2g}, and a healthy run ends below "
               f"{patient.bound:g}.{why}{STILL.get(patient.number, '')}"
               + f" The check waits for {MOST} updates, and no longer." * (len(chart.rows) == MOST))


STILL = {
    "13": " Which update has the largest gradient, and how far does that move the weights?",
    "17": " Does each update step along the gradient of its own batch, and of nothing else?",
    "18": " Does each game begin with a state that knows nothing of another game?",
    "19": " Which step does the answer come from, if a sequence has ended before?",
    "20": " Has it had the updates that its rate needs?",
    "21": " Has it had the updates that it needs, at a rate that lets it learn? A loss can stand still for a while "
          "before it falls.",
    "22": " Is each value that it reads one step before the one that it is compared with, and nothing else changed?",
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
    """Yield what is wrong with the trained net on fresh data, drawn as by the script that came in."""
    net, (*inputs, target) = chart.names["net"], _data(patient, _functions(patient))
    if patient.number == "19" and (padded := _padded_otherwise(patient, chart.names)):
        *inputs, target = padded
    loss, bound = _loss(patient, net, inputs, target), patient.bound
    if patient.number == "18":
        bound /= 2  # a net that knows games of three tosses only is near the bound
    if isinstance(loss, str):
        yield loss
        return
    if patient.number == "22" and (change := _foresight(net, inputs[0])) > 1e-4:
        yield (f"Change what comes after step 15, and the forecasts up to there change by {change:.1g}: the net reads "
               f"what it is to forecast.")
    elif not loss < bound:
        yield (f"In the log it looks healthy. On fresh data, drawn as the script came in, the net's loss is {loss:.3g}"
               f", and a healthy net is below {bound:g}{_why(patient, chart, inputs, target, loss)}")
    elif (without := _untrained(patient, net, inputs, target)) < patient.bound:
        yield (f"With random numbers of the same size for all weights, the loss on fresh data is still {without:.2g}: "
               f"the answer does not come from what was trained.")
    elif patient.number == "19":
        x, lengths = inputs
        noisy = torch.where(x == 0, 10 * torch.randn_like(x), x)
        if not (loss := _loss(patient, net, [noisy, lengths], target)) < patient.bound:
            yield (f"With large numbers for the zeros of the padding the loss on fresh data is {loss:.2g}, and a "
                   f"healthy net is below {patient.bound:g}: the answer still hangs on what comes after the end.")


def _untrained(patient: Patient, net: nn.Module, inputs: list, target: torch.Tensor) -> float:
    """The net's loss with random numbers in place of all weights, as large as the trained ones."""
    trained = [p.detach().clone() for p in net.parameters()]
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(p.square().mean().sqrt() * torch.randn_like(p))
        loss = _loss(patient, net, inputs, target)
        for p, old in zip(net.parameters(), trained):
            p.copy_(old)
    return loss


def _foresight(net: nn.Module, x: torch.Tensor) -> float:
    """By how much the forecasts of steps 0 to 15 change where the steps after them are replaced by noise."""
    other = torch.cat([x[:16], torch.randn_like(x[16:])])
    with torch.no_grad():
        return float((net(other) - net(x))[:16].abs().max())


def _padded_otherwise(patient: Patient, names: dict) -> tuple | None:
    """The new script's fresh data, if they ask the same: whole sequences, wherever their padding is; else None."""
    try:
        x, lengths, label = _data(patient, names)
        real = x[..., 0] != 0
        first, last = real.int().argmax(0), len(x) - 1 - real.flip(0).int().argmax(0)
        whole = (real.sum(0) == lengths) & (last - first + 1 == lengths)
        asked = (x[last, torch.arange(len(last))] > 0) == label
        drawn = lengths.min() < 8 and lengths.max() > 37 and .9 < x[x != 0].std() < 1.1
        return (x, lengths, label) if drawn and whole.all() and asked.all() else None
    except Exception:  # whatever it draws now, it is not what was asked
        return None


def _why(patient: Patient, chart: Chart, inputs: list, target: torch.Tensor, loss: float) -> str:
    """What was measured about a net that does not do on fresh data what its log says."""
    if patient.number == "22":
        x = inputs[0]
        with torch.no_grad():
            got = chart.names["net"](x)
        if (got - x).square().mean() < .05:
            return ": it gives back the value that it has just read."
        if (got[1:] - x[:-1]).square().mean() < .05:
            return ": it gives back the value before the one that it has just read."
    else:
        try:
            now = _data(patient, chart.names)
            same = all(torch.equal(one, other) for one, other in zip(now, [*inputs, target], strict=True))
        except Exception:  # another batch() altogether
            same = False
        if not same:
            return ". It was trained on other data than those."
    end = sum(row.loss for row in chart.rows[-10:]) / 10
    if end < .6 * loss:
        return f". The log comes down to {end:.2g}: does it show the loss, and on a new batch each time?"
    return f".{STILL.get(patient.number, '')}"


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
