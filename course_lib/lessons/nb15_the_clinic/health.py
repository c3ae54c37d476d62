"""What makes a run of the clinic healthy: the run as a whole, and each part doing its own work.

PARTS[number](part) calls the part on inputs of its own and yields what is wrong with it, one sentence each. A cure that
only hides the symptom keeps the run finite; here it is found by a wrong value, a gradient that does not arrive, or data
that no longer counts. Errors: Misfit where a part returns something that the script can't use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from ... import _checks

with _checks.extra("lab", "the clinic"):
    import torch
    from torch import nn

from .clinic import Chart, Patient

PARTS: dict[str, Callable[[Callable], Iterator[str]]] = {}


class Misfit(TypeError):
    """The part returned something that the script can't use."""


def complaints(patient: Patient, chart: Chart, part: Callable) -> list[str]:
    """Return what is wrong with a run and with the part that it ran with, in sentences; none if it is healthy.

    The part is called here too, on inputs that the script may not have: it has to do its own work as before. Raises the
    error that ended the run, unless the part alone explains it.
    """
    try:
        found = [*PARTS[patient.number](part)]
    except Misfit as misfit:
        return [str(misfit)]
    if not found and chart.error is not None:
        raise chart.error
    return found or [*run(patient, chart)]


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
        yield (f"The run is finite, but it does not learn: its loss ends at {end:.2g}, and a healthy run ends below "
               f"{patient.bound:g}.")


def judges(number: str) -> Callable:
    """Register what judges the part of a patient: each function below states what a healthy part does."""
    def register(function: Callable) -> Callable:
        PARTS[number] = function
        return function
    return register


def _close(got: torch.Tensor, need: torch.Tensor, rtol: float = 1e-3) -> bool:
    """Equal relative to the largest needed entry, and all finite."""
    return got.shape == need.shape and bool(((got.double() - need.double()).abs() <= rtol * need.abs().max()).all())


def _need(fits: bool, call: str, kind: str, got) -> None:
    if not fits:
        came = f"a tensor of shape {tuple(got.shape)}" if isinstance(got, torch.Tensor) else type(got).__name__
        came = "None. Is there a return?" if got is None else f"{came}."
        raise Misfit(f"{call} has to return {kind}. It returned {came}")


def _tensor(got, shape: tuple, call: str) -> None:
    _need(isinstance(got, torch.Tensor) and got.shape == shape, call,
          f"a tensor of shape {tuple(shape)}" if shape else "a tensor with one number, of shape ()", got)


def _gradient(loss, *inputs) -> list:
    found = torch.autograd.grad(loss, inputs, allow_unused=True) if loss.requires_grad else [None] * len(inputs)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs)]


@judges("01")
def optimizer(part: Callable) -> Iterator[str]:
    """A gradient of 1 moves a weight by more than 1e-4 and by at most half its size."""
    weight = nn.Parameter(torch.ones(3))
    made = part([weight])
    _need(isinstance(made, torch.optim.Optimizer), "make_optimizer(parameters)", "an optimizer of torch.optim", made)
    weight.grad = torch.tensor([1., -1., 1.])
    made.step()
    moved = (weight.detach() - 1).abs().max().item()
    if not moved > 1e-4:
        yield (f"A gradient of 1 moves a weight by {moved:.1g}. A rate so small hides the jumps, for the weights stay "
               f"where they began: the loss is a flat line.")
    elif moved > .5:
        yield f"A gradient of 1 still moves a weight by {moved:.1g}: that is as large as the weights themselves."


@judges("02")
def activation_part(part: Callable) -> Iterator[str]:
    """Values and slopes are those of tanh, from -400 to 400."""
    a = torch.linspace(-400, 400, 8001).requires_grad_()
    h = part(a)
    _tensor(h, a.shape, "activation(a)")
    need, slope = torch.tanh(a.detach()), 1 - torch.tanh(a.detach())**2
    if not h.isfinite().all():
        worst = a[~h.isfinite()].abs().min().item()
        yield f"It is {h[~h.isfinite()][0].item()} from |a| = {worst:.0f} on. exp(89) is infinite in float32."
    elif ((h - need).abs() > 1e-3).any():
        i = int((h - need).abs().argmax())
        yield (f"activation({a[i].item():.1f}) is {h[i].item():.2g}, and tanh is {need[i].item():.2g}. The NaN is "
               f"off the chart, but a wrong state is passed on in its place.")
    else:
        g, = _gradient(h.sum(), a)
        if not g.isfinite().all():
            worst = a[~g.isfinite()].abs().min().item()
            yield (f"The values are right, but the gradient is NaN from |a| = {worst:.0f} on: the overflow is still "
                   f"computed, and on the way back 0 meets infinity. The chart shows a finite loss with a NaN norm.")
        elif not _close(g, slope, 1e-2):
            yield "The values are tanh, but their gradient is not 1 - tanh(a)^2."


@judges("03")
def masked_loss(part: Callable) -> Iterator[str]:
    """Loss and gradient are those of the mean squared error where the mask is True, whatever lies under it."""
    rng = torch.Generator().manual_seed(1)
    prediction, target = torch.randn(6, 4, generator=rng), torch.randn(6, 4, generator=rng)
    mask = torch.arange(6).unsqueeze(1) < torch.tensor([6, 3, 4, 1])
    target[~mask] = -math.inf
    need = ((prediction - target)[mask]**2).mean()
    prediction.requires_grad_()
    slope = torch.where(mask, 2 * (prediction.detach() - target.masked_fill(~mask, 0)) / mask.sum(), 0)
    loss = part(prediction, target, mask)
    _tensor(loss, (), "masked_loss(prediction, target, mask)")
    if not loss.isfinite():
        yield f"With an infinite target under the mask it is {loss.item()}: 0 times infinity is NaN."
        return
    g, = _gradient(loss, prediction)
    if not g.isfinite().all():
        yield ("The loss is finite, its gradient is NaN: infinity was computed before it was thrown away, and on the "
               "way back it is multiplied by 0. The chart shows a good loss with a NaN norm.")
    elif (g[mask] == 0).all():
        yield "No gradient reaches any prediction: the NaN was replaced by a number that nothing depends on."
    elif (dropped := mask & (g == 0)).any():
        yield (f"{int(dropped.sum())} of the {int(mask.sum())} predictions that count get no gradient: you dropped "
               f"data, and not only the padding.")
    elif not (_close(loss.detach(), need) and _close(g, slope)):
        yield (f"It gives {loss.item():.2g}, and the mean squared error where the mask is True is {need.item():.2g}: "
               f"what is padded, or how much is padded, still counts.")


@judges("04")
def cross_entropy_part(part: Callable) -> Iterator[str]:
    """Loss and gradient are those of the cross-entropy, also for logits that are 200 apart."""
    logits = torch.tensor([[0., 200., -3.], [1., 2., 0.], [0., 0., 60.]], requires_grad=True)
    labels = torch.tensor([0, 1, 1])
    need = nn.functional.cross_entropy(logits, labels)
    slope, = torch.autograd.grad(need, logits)
    loss = part(logits, labels)
    _tensor(loss, (), "cross_entropy(logits, labels)")
    if not loss.isfinite():
        yield f"For logits that are 200 apart it is {loss.item()}: the probability is rounded to 0 before log sees it."
        return
    g, = _gradient(loss, logits)
    if not g.isfinite().all():
        yield ("The loss is finite and its gradient is NaN: log of 0 is still computed, and on the way back 0 meets "
               "infinity.")
    elif g[0].abs().max() < .01 * slope[0].abs().max():
        yield (f"An example that is wrong by 200 gets the gradient {g[0].abs().max().item():.1g}, and it needs "
               f"{slope[0].abs().max().item():.2g}. What keeps the infinity away keeps the gradient away too: the "
               "worst mistakes teach nothing.")
    elif not (_close(loss.detach(), need.detach(), .01) and _close(g, slope, .01)):
        yield f"It is finite, but it is another loss: {loss.item():.3g}, and the cross-entropy is {need.item():.3g}."


@judges("05")
def length(part: Callable) -> Iterator[str]:
    """Lengths from 0.005 to 500 and their gradients are right, and those at 0 are finite."""
    steps = torch.tensor([[0., 0.], [3., 4.], [.003, .004], [-300., 400.]], requires_grad=True)
    sizes = part(steps)
    _tensor(sizes, (4,), "length(steps)")
    g, = _gradient(sizes.sum(), steps)
    unit = torch.tensor([[.6, .8], [.6, .8], [-.6, .8]])
    if not (sizes.isfinite().all() and g.isfinite().all()):
        yield ("At a step of length 0 the gradient is still NaN: sqrt has an infinite slope there, and 0 times "
               "infinity is NaN. "
               + ("A value chosen or repaired after the root leaves that slope in the product." if sizes[0] == 0 else
                  "What is added after the root does not change its slope."))
    elif not ((sizes[1:] / torch.tensor([5., .005, 500.]) - 1).abs() < .05).all() or sizes[0].abs() > 1e-3:
        yield (f"The lengths 0, 5 and 0.005 come out as {sizes[0].item():.2g}, {sizes[1].item():.2g} and "
               f"{sizes[2].item():.2g}. The run is finite, but it no longer punishes the length.")
    elif not _close(g[1:], unit, .05) or g[0].abs().max() > 1e-3:
        yield "The lengths are right, but their gradient is not the unit vector along the step (and 0 for no step)."


@judges("06")
def clipped_step(part: Callable) -> Iterator[str]:
    """The step is clipped and uses the whole batch, and a gap of 0 is read as a rate near 100."""
    class Net(nn.Module):
        """Like the script's; it keeps what it reads."""

        def __init__(self):
            super().__init__()
            self.rnn, self.readout, self.read = nn.RNN(1, 4), nn.Linear(4, 1), []

        def forward(self, x):
            self.read.append(x.detach().clone())
            return self.readout(self.rnn(x)[0][-1])

    def step(gaps, target):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            net = Net()
        before = [p.detach().clone() for p in net.parameters()]
        got = part(net, torch.optim.SGD(net.parameters(), lr=.1), gaps, target)
        _need(isinstance(got, tuple) and len(got) == 2, "train_step", "loss, norm", got)
        moved = [p.detach() - old for p, old in zip(net.parameters(), before)]
        return net.read[-1] if net.read else torch.empty(0), torch.cat([m.flatten() for m in moved])

    gaps = torch.tensor([.1, .5, 2., 1.]).reshape(4, 1, 1).repeat(1, 3, 1)
    _, moved = step(gaps, torch.full((3, 1), 1e4))
    if moved.norm() > .11:
        yield (f"With a target that is far away one step moves the weights by {moved.norm().item():.2g}, and rate "
               f"times max_norm is 0.1: the clipping is gone.")
        return
    twins = gaps.clone()
    twins[2, 1] = 0.
    read, moved = step(twins, torch.ones(3, 1))
    if not moved.isfinite().all():
        yield ("A gap of 0 still ends in a weight that is not finite: an infinite rate saturates tanh, and the "
               "gradient of weight_ih is 0 times infinity. The clipping only spreads it.")
    elif (moved == 0).all():
        yield ("The batch with a gap of 0 moves no weight: the update is skipped, and with it all the healthy "
               "sequences of this batch.")
    elif read.shape != gaps.shape:
        yield f"Of {gaps[..., 0].numel()} gaps the network reads {read.numel()}: data was dropped."
    elif not read.isfinite().all():
        yield ("The network still reads an infinite rate. Cleaning the gradients afterwards hides where the NaN came "
               "from, and puts a made-up number in its place.")
    elif read.max() > 1e6 or read[2, 1] < 5:
        yield (f"A gap of 0 is read as {read[2, 1].item():.1g} events per second. The clock ticks every hundredth of "
               f"a second, so a gap of 0 stands for a rate near 100.")
    else:
        where = torch.ones_like(gaps, dtype=torch.bool)
        where[2, 1] = False
        if not ((read * gaps)[where] - 1).abs().max() < .15:
            yield "The rates of ordinary gaps have changed: a gap of 0.5 seconds is a rate of 2."


@judges("07")
def carried_state(part: Callable) -> Iterator[str]:
    """The state handed on keeps its values and loses its graph; within the window the gradient is whole."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        rnn, readout, x, target = nn.RNN(1, 5), nn.Linear(5, 1), torch.randn(6, 3, 1), torch.randn(6, 3, 1)
        h0 = .5 * torch.randn(1, 3, 5)
    parameters = [*rnn.parameters(), *readout.parameters()]
    states, last = rnn(x, h0)
    need = torch.autograd.grad(((readout(states) - target)**2).mean(), parameters)
    both = part(rnn, readout, torch.optim.SGD(parameters, lr=0.), x, target, h0.clone())
    _need(isinstance(both, tuple) and len(both) == 2, "train_step", "loss, h", both)
    h = both[1]
    _need(isinstance(h, torch.Tensor) and h.shape == last.shape, "train_step",
          f"loss, h with h a tensor of shape {tuple(last.shape)}", h)
    got = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    if not _close(h.detach(), last.detach()):
        yield ("The state that comes back is not the last state of the window: the next window begins without "
               "memory, and cannot know its first three targets.")
    elif h.requires_grad:
        nodes = _nodes(h)
        yield (f"The state that comes back still drags a graph of {nodes} nodes along, and each window adds more. "
               f"Keeping old graphs means going back through all the past, with weights that have changed since.")
    elif not all(_close(mine, theirs) for mine, theirs in zip(got, need)):
        yield (f"The state is cut off, but so is the window itself: the gradient of the recurrent weights has the "
               f"norm {got[1].norm().item():.2g}, and over the window's 6 steps it is {need[1].norm().item():.2g}.")


def _nodes(tensor: torch.Tensor) -> int:
    """The number of nodes in the graph that made a tensor."""
    seen, left = set(), [tensor.grad_fn]
    while left:
        if (node := left.pop()) is not None and node not in seen:
            seen.add(node)
            left += [following for following, _ in node.next_functions]
    return len(seen)


@judges("08")
def attend(part: Callable) -> Iterator[str]:
    """Average and gradient are those of softmax weights, also for scores up to 60."""
    rng = torch.Generator().manual_seed(1)
    states = torch.randn(7, 3, 4, generator=rng)
    scores = torch.tensor([[1., 12., 60.], [2., 13., 58.], [0., 11.5, 59.], [.5, 14., 1.]] + 3 * [[1.5, 3., 0.]])
    scores.requires_grad_()
    need = (torch.softmax(scores, 0).unsqueeze(-1) * states).sum(0)
    slope, = torch.autograd.grad(need.square().sum(), scores)
    got = part(states, scores)
    _tensor(got, need.shape, "attend(states, scores)")
    if not got.isfinite().all():
        yield ("It is not finite for scores between 11.5 and 60: exp(11.1) is beyond 65504, the largest half precision "
               "number.")
        return
    g, = _gradient(got.square().sum(), scores)
    if not g.isfinite().all():
        yield "The result is finite, its gradient is NaN: exp still overflows, and on the way back 0 meets infinity."
    elif not _close(got[0], need[0], .03):
        yield ("The average has changed for small scores too, where nothing overflows: this is another attention, "
               "with other weights.")
    elif not _close(got, need, .03):
        yield ("With scores between 11.5 and 60 the average is wrong: the highest scores, which matter most, no "
               "longer count as they should. The chart is finite and does not show it.")
    elif not _close(g, slope, .05):
        yield "The values are right, but the gradient of the scores is not."


@judges("09")
def gradient_norm(part: Callable) -> Iterator[str]:
    """The norm is right from 13 down to 13e-30 and at exactly 0, and the gradients stay as they are."""
    def norm(*arrays):
        parameters = [nn.Parameter(torch.zeros_like(array)) for array in arrays]
        for p, array in zip(parameters, arrays):
            p.grad = array.clone()
        got = part(parameters)
        _need(isinstance(got, (int, float)) or isinstance(got, torch.Tensor) and got.numel() == 1,
              "gradient_norm(parameters)", "one number", got)
        if any(not torch.equal(p.grad, array) for p, array in zip(parameters, arrays)):
            raise Misfit("gradient_norm changes the gradients, and the update that follows reads them.")
        return float(got)

    a, b = torch.tensor([[3., 0.], [0., 4.]]), torch.tensor([12., 0., 0.])
    if not math.isclose(got := norm(a, b), 13, rel_tol=1e-3):
        yield f"For gradients whose norm is 13 it gives {got:.3g}: the zero is gone from the log, and so is the norm."
        return
    if got := norm(0 * a, 0 * b):
        yield f"A gradient that really is 0 has the norm {got:.1g} now: a dead network is no longer noticed."
        return
    for scale in (1e-18, 1e-24, 1e-30):
        if not math.isclose(got := norm(a * scale, b * scale), 13 * scale, rel_tol=1e-2):
            yield (f"A gradient whose norm is {13 * scale:.1e} gets the norm {got:.1e}: its square is below 1e-45, the "
                   f"smallest float32. Printing more digits does not bring it back.")
            return


@judges("10")
def recurrent_weights(part: Callable) -> Iterator[str]:
    """A step back multiplies the gradient by .6 to 1.1, and neither states nor inputs are switched off."""
    factors = []
    with torch.random.fork_rng(devices=[]):
        for seed in range(10):  # one draw of 32 times 32 weights may grow by half more than another
            torch.manual_seed(seed)
            rnn = nn.RNN(1, 32, nonlinearity="relu")
            input_weights = rnn.weight_ih_l0.detach().clone()
            part(rnn)
            if not all(p.isfinite().all() for p in rnn.parameters()):
                raise Misfit("A weight is not finite after initialize(rnn).")
            factors.append(_growth(rnn, torch.rand(60, 8, 1)))
    factor = math.prod(factors)**(1 / len(factors))
    if rnn.weight_hh_l0.norm() < .1:
        yield (f"The recurrent weights have the norm {rnn.weight_hh_l0.norm().item():.1g}. Nothing explodes, for "
               f"nothing is remembered: the last state knows only the last input.")
    elif factor > 1.1:
        yield (f"Going back, the gradient still grows by a factor of {factor:.2g} a step, {factor**40:.0e} over 40 "
               f"steps. Smaller inputs only give it a longer way to the same explosion.")
    elif factor < .6:
        yield (f"Now it vanishes: going back, the gradient is multiplied by {factor:.2g} a step, {factor**40:.0e} "
               f"over 40. The run is finite because nothing reaches far.")
    elif rnn.weight_ih_l0.norm() < .1 * input_weights.norm():
        yield "The input weights are nearly 0: the network does not see its inputs."


def _growth(rnn: nn.RNN, x: torch.Tensor) -> float:
    """The factor by which each step back multiplies the gradient, for inputs x (T, B, 1); computed in float64."""
    h = torch.zeros(x.shape[1], rnn.hidden_size, dtype=torch.float64)
    W_x, W_h = rnn.weight_ih_l0.detach().double(), rnn.weight_hh_l0.detach().double()
    bias = sum(getattr(rnn, name).detach().double() for name in ("bias_ih_l0", "bias_hh_l0")) if rnn.bias else 0
    function = torch.relu if rnn.nonlinearity == "relu" else torch.tanh
    states = [h.requires_grad_()]
    for x_t in x.double():
        states.append(function(x_t @ W_x.T + states[-1] @ W_h.T + bias))
    weights = torch.linspace(.5, 1.5, states[-1].numel(), dtype=torch.float64).reshape(states[-1].shape)
    first, last = torch.autograd.grad((weights * states[-1]).sum(), [states[0], states[-1]])
    return float((first.norm() / last.norm())**(1 / len(x)))


@judges("11")
def far_gradient(part: Callable) -> Iterator[str]:
    """The first of 80 inputs gets between 1e-4 and 1e3 times the gradient of the last."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        rnn = part(2, 32)
        x = .05 * torch.randn(80, 16, 2)
    _need(isinstance(rnn, nn.Module), "make_rnn(inputs, units)", "a module such as nn.RNN", rnn)
    states = rnn(x.requires_grad_())[0]
    _tensor(states, (80, 16, 32), "make_rnn(2, 32), called with x of shape (80, 16, 2), first")
    weights = torch.linspace(.5, 1.5, 512).reshape(16, 32)
    g, = _gradient((weights * states[-1]).sum(), x)
    first, last = g[0].norm().item(), g[-1].norm().item()
    if not first > 1e-4 * last:
        yield (f"Going back, the first input gets {first / last if last else 0:.0e} of the gradient that the last one "
               f"gets. What is to be remembered comes first, and an update hardly hears of it."
               + " The forget gates of an LSTM start half shut." * isinstance(rnn, nn.LSTM))
    elif first > 1e3 * last:
        yield f"Now it explodes: the first input gets {first / last:.0e} times the gradient of the last."


@judges("12")
def sequence_axis(part: Callable) -> Iterator[str]:
    """The last state of a sequence is that of nn.RNN: it depends on all of its own steps and on no other sequence."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        rnn, x = nn.RNN(2, 6), torch.randn(5, 9, 2)
    inner = nn.RNN(2, 6, batch_first=True)
    inner.load_state_dict(rnn.state_dict())
    need = inner(x)[1][0].detach()
    got = part(rnn, x.requires_grad_())
    _tensor(got, need.shape, "last_state(rnn, x), for x of shape (5, 9, 2) and 6 units,")
    g, = _gradient(got[-1].sum(), x)
    strangers = g[:-1].abs().max()
    if strangers > 0:
        yield (f"The state of the last sequence depends on the other sequences: a gradient of {strangers.item():.1g} "
               f"reaches them. Either time still runs along the batch, or the entries are shuffled, and every shape "
               f"fits.")
    elif (g[-1, 0] == 0).all():
        yield "The first step of a sequence does not reach its last state: only the last steps are read."
    elif not _close(got.detach(), need):
        yield "Each sequence is on its own now, but this is not the state after its last step."
