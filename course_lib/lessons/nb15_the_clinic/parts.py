"""What a sick part has to do, besides keeping its run finite: most patients; those of the recurrence are in recurrence.

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

PARTS: dict[str, Callable[[Callable], Iterator[str]]] = {}


class Misfit(TypeError):
    """The part returned something that the script can't use."""


class Price(str):
    """What a cure costs: said, and no complaint."""


def judges(number: str) -> Callable:
    """Register what judges the part of a patient: each function below states what a healthy part does."""
    def register(function: Callable) -> Callable:
        PARTS[number] = function
        return function
    return register


def near(got: torch.Tensor, need: torch.Tensor, rtol: float = 1e-3) -> bool:
    """Equal relative to the largest needed entry, and all finite."""
    return got.shape == need.shape and bool(((got.double() - need.double()).abs() <= rtol * need.abs().max()).all())


def summed(got: torch.Tensor, need: torch.Tensor, count: int) -> str:
    """What is said of a sum where the mean over `count` is asked for; nothing of anything else."""
    return f" It is {count} times as large: a sum, and no mean." * near(got.detach(), count * need.detach())


def require(fits: bool, call: str, kind: str, got) -> None:
    if not fits:
        came = f"a tensor of shape {tuple(got.shape)}" if isinstance(got, torch.Tensor) else type(got).__name__
        came = "None. Is there a return?" if got is None else f"{came}."
        raise Misfit(f"{call} has to return {kind}. It returned {came}")


def require_tensor(got, shape: tuple, call: str) -> None:
    require(isinstance(got, torch.Tensor) and got.shape == shape, call,
          f"a tensor of shape {tuple(shape)}" if shape else "a tensor with one number, of shape ()", got)


def gradient_of(loss, *inputs) -> list:
    found = torch.autograd.grad(loss, inputs, allow_unused=True) if loss.requires_grad else [None] * len(inputs)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs)]


@judges("01")
def optimizer(part: Callable) -> Iterator[str]:
    """A gradient of 1 moves each weight by more than 1e-4 and by at most half its size."""
    weights = [nn.Parameter(torch.ones(3)) for _ in range(6)]
    made = part(weights)
    require(isinstance(made, torch.optim.Optimizer), "make_optimizer(parameters)", "an optimizer of torch.optim", made)
    sum((weight * torch.tensor([1., -1., 1.])).sum() for weight in weights).backward()
    made.step()
    moved = [(weight.detach() - 1).abs().max().item() for weight in weights]
    if max(moved) > .5:
        yield f"A gradient of 1 still moves a weight by {max(moved):.1g}: that is as large as the weights themselves."
    elif not max(moved) > 1e-4:
        yield (f"A gradient of 1 moves a weight by {max(moved):.1g}. A rate so small hides the jumps, for the weights "
               f"stay where they began: the loss is a flat line.")
    elif min(moved) == 0:
        yield (f"{moved.count(0)} of the 6 parameters never move: the optimizer does not hold them, and what they would "
               f"have to learn is not learned.")


@judges("02")
def activation_part(part: Callable) -> Iterator[str]:
    """Values and slopes are those of tanh, from -2000 to 2000."""
    a = torch.linspace(-2000, 2000, 40001).requires_grad_()
    h = part(a)
    require_tensor(h, a.shape, "activation(a)")
    need, slope = torch.tanh(a.detach()), 1 - torch.tanh(a.detach())**2
    if not h.isfinite().all():
        worst = a[~h.isfinite()].abs().min().item()
        yield (f"It is {h[~h.isfinite()][0].item()} from |a| = {worst:.0f} on. "
               + ("exp(89) is infinite in float32." if worst < 400 else "A larger format only moves the limit."))
    elif ((h - need).abs() > 1e-3).any():
        i = int((h - need).abs().argmax())
        yield (f"activation({a[i].item():.1f}) is {h[i].item():.3g}, and tanh is {need[i].item():.3g}: a wrong "
               f"state is passed on.")
    else:
        g, = gradient_of(h.sum(), a)
        if not g.isfinite().all():
            worst = a[~g.isfinite()].abs().min().item()
            yield (f"The values are right, but the gradient is NaN from |a| = {worst:.0f} on: the overflow is still "
                   f"computed, and on the way back 0 meets infinity. The log shows a finite loss with a NaN norm.")
        elif not near(g, slope, 1e-2):
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
    require_tensor(loss, (), "masked_loss(prediction, target, mask)")
    g, = gradient_of(loss, prediction)
    if not loss.isfinite():
        yield f"With an infinite target under the mask it is {loss.item()}: 0 times infinity is NaN."
    elif not g.isfinite().all():
        yield ("The loss is finite, its gradient is NaN: infinity was computed before it was thrown away, and on the "
               "way back it is multiplied by 0. The log shows a good loss with a NaN norm.")
    elif (g[mask] == 0).all():
        yield ("No gradient reaches any prediction: the loss depends on none of them." if (g == 0).all() else
               "No gradient reaches a prediction that counts, and some reaches the padded ones: is the mask turned "
               "round?")
    elif (dropped := mask & (g == 0)).any():
        yield (f"{int(dropped.sum())} of the {int(mask.sum())} predictions that count get no gradient: you dropped "
               f"data, and not only the padding.")
    elif not (near(loss.detach(), need) and near(g, slope)):
        alike = near(g * (slope.norm() / g.norm()), slope)
        yield (f"It gives {loss.item():.2g}, and the mean squared error where the mask is True is {need.item():.2g}: "
               + ("a padded prediction still gets a gradient." if (g[~mask] != 0).any() else
                  "it is divided by another number than that of the predictions that count." if alike else
                  "only what counts gets a gradient, but it is that of another error."))


@judges("04")
def cross_entropy_part(part: Callable) -> Iterator[str]:
    """Loss and gradient are those of the cross-entropy, also for logits that are 200 and 2000 apart."""
    logits = torch.tensor([[0., 200., -3.], [1., 2., 0.], [0., 0., 60.], [0., 2000., -3.]], requires_grad=True)
    labels = torch.tensor([0, 1, 1, 0])
    need = nn.functional.cross_entropy(logits, labels)
    slope, = torch.autograd.grad(need, logits)
    loss = part(logits, labels)
    require_tensor(loss, (), "cross_entropy(logits, labels)")
    g, = gradient_of(loss, logits)
    if not loss.isfinite():
        apart = 200 if not part(logits[:3], labels[:3]).isfinite() else 2000
        yield (f"For logits that are {apart} apart it is {loss.item()}: the probability is rounded to 0 before log "
               f"sees it.")
    elif not g.isfinite().all():
        yield ("The loss is finite and its gradient is NaN: log of 0 is still computed, and on the way back 0 meets "
               "infinity.")
    elif g[0].abs().max() < .01 * slope[0].abs().max():
        yield (f"An example that is wrong by 200 gets the gradient {g[0].abs().max().item():.1g}, and it needs "
               f"{slope[0].abs().max().item():.2g}: the worst mistakes have to teach most, and this one teaches hardly "
               "anything.")
    elif not (near(loss.detach(), need.detach(), .01) and near(g, slope, .01)):
        yield (f"It is finite, but it is another loss: {loss.item():.3g}, and the cross-entropy is {need.item():.3g}."
               + summed(loss, need, len(labels)))


@judges("05")
def length(part: Callable) -> Iterator[str]:
    """Lengths from 0.005 to 500 and their gradients are right, and those at 0 are finite."""
    steps = torch.tensor([[0., 0.], [3., 4.], [.003, .004], [-300., 400.]], requires_grad=True)
    sizes = part(steps)
    require_tensor(sizes, (4,), "length(steps)")
    g, = gradient_of(sizes.sum(), steps)
    unit = torch.tensor([[.6, .8], [.6, .8], [-.6, .8]])
    if not (sizes.isfinite().all() and g.isfinite().all()):
        yield ("At a step of length 0 the gradient is still NaN: sqrt has an infinite slope there, and 0 times "
               "infinity is NaN. "
               "As long as what stands under the root is 0, nothing that is done after it changes that.")
    elif not ((sizes[1:] / torch.tensor([5., .005, 500.]) - 1).abs() < torch.tensor([.05, .25, .05])).all() or (
            sizes[0].abs() > 1.1e-3):
        yield (f"The lengths 0, 5 and 0.005 come out as {sizes[0].item():.2g}, {sizes[1].item():.2g} and "
               f"{sizes[2].item():.2g}. The run is finite, but it no longer punishes the length.")
    elif not near(g[1:], unit, .05) or g[0].norm() > 1.01:
        yield "The lengths are right, but their gradient is not the unit vector along the step."
    else:
        again = steps.detach().clone().requires_grad_()
        g, = torch.autograd.grad(part(again), again, torch.tensor([1., math.nan, 1., 1.]))
        if g[1].isfinite().all():
            yield (f"If a NaN comes from elsewhere, the step (3, 4) gets the gradient ({g[1, 0].item():g}, "
                   f"{g[1, 1].item():g}): what hides this NaN hides every other one too. Let there be none.")


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
        require(isinstance(got, tuple) and len(got) == 2, "train_step", "loss, norm", got)
        moved = [p.detach() - old for p, old in zip(net.parameters(), before)]
        return net.read[-1] if net.read else torch.empty(0), torch.cat([m.flatten() for m in moved])

    gaps = torch.tensor([.1, .5, 2., 1.]).reshape(4, 1, 1).repeat(1, 3, 1)
    _, moved = step(gaps, torch.full((3, 1), 1e4))
    if moved.norm() > .11:
        yield (f"With a target that is far away one step moves the weights by {moved.norm().item():.2g}, and rate "
               f"times max_norm is 0.1. Is the norm of the gradient still clipped at 1?")
        return
    if (moved == 0).all():
        yield "A batch with ordinary gaps moves no weight: no update is made at all."
        return
    twins = gaps.clone()
    twins[2, 1] = 0.
    read, moved = step(twins, torch.ones(3, 1))
    if not moved.isfinite().all():
        yield ("A gap of 0 still ends in a weight that is not finite: an infinite rate saturates tanh, and the "
               "gradient of weight_ih is 0 times infinity. Clipping does not take it away.")
    elif (moved == 0).all():
        yield ("The batch with a gap of 0 moves no weight: the update is skipped, and with it all the healthy "
               "sequences of this batch.")
    elif read.shape == gaps[:, :2].shape and torch.allclose(read * gaps[:, :2], torch.ones(4, 2, 1), atol=.15):
        yield Price("Its price: a sequence with a gap of 0 is left out whole, with all its good gaps.")
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
    require_tensor(got, need.shape, "attend(states, scores)")
    if not got.isfinite().all():
        if got[2].isfinite().all():
            yield ("It is not finite where all scores of a sequence lie far below the largest of another: each exp is "
                   "rounded to 0, and 0 / 0 is NaN. Each sequence has a largest score of its own.")
        else:
            yield ("It is not finite for scores between 11.5 and 60: exp(11.1) is beyond 65504, the largest half "
                   "precision number.")
        return
    g, = gradient_of(got.square().sum(), scores)
    if not part(states, scores.detach() + 100).isfinite().all():
        yield ("It is finite for scores up to 60, and not with 100 added to each, which leaves a softmax as it is: exp "
               "still overflows, only later. Subtract the largest score first.")
    elif not g.isfinite().all():
        yield "The result is finite, its gradient is NaN: exp still overflows, and on the way back 0 meets infinity."
    elif not near(got[0], need[0], .03):
        yield ("The average has changed for small scores too, where nothing overflows: this is another attention, "
               "with other weights.")
    elif not near(got, need, .03):
        yield ("With scores between 11.5 and 60 the average is wrong: the highest scores, which matter most, no "
               "longer count as they should. The log is finite and does not show it.")
    elif not near(g, slope, .05):
        yield "The values are right, but the gradient of the scores is not."


@judges("09")
def gradient_norm(part: Callable) -> Iterator[str]:
    """The norm is right from 13 down to 13e-30 and at exactly 0, and the gradients stay as they are."""
    def norm(*arrays):
        parameters = [nn.Parameter(torch.zeros_like(array)) for array in arrays]
        for p, array in zip(parameters, arrays):
            p.grad = array.clone()
        got = part(parameters)
        require(isinstance(got, (int, float)) or isinstance(got, torch.Tensor) and got.numel() == 1,
              "gradient_norm(parameters)", "one number", got)
        if any(not torch.equal(p.grad, array) for p, array in zip(parameters, arrays)):
            raise Misfit("gradient_norm changes the gradients, and the update that follows reads them.")
        return float(got)

    a, b = torch.tensor([[3., 0.], [0., 4.]]), torch.tensor([12., 0., 0.])
    if not math.isclose(got := norm(a, b), 13, rel_tol=1e-3):
        yield f"For gradients whose norm is 13 it gives {got:.3g}: the zero is gone from the log, and so is the norm."
    elif math.isnan(got := norm(0 * a, 0 * b)):
        yield "For a gradient that really is 0 it is NaN: 0 is divided by the largest entry, which is 0."
    elif got:
        yield f"A gradient that really is 0 has the norm {got:.1g} now: a dead network is no longer noticed."
    else:
        for scale in (1e-18, 1e-24, 1e-30):
            if not math.isclose(got := norm(a * scale, b * scale), 13 * scale, rel_tol=1e-2):
                yield (f"A gradient whose norm is {13 * scale:.1e} gets the norm {got:.1e}: its square is below 1e-45, "
                       f"the smallest float32. Printing more digits does not bring it back.")
                return


@judges("15")
def classify(part: Callable) -> Iterator[str]:
    """Loss and gradient are those of the cross-entropy of the logits."""
    logits = torch.tensor([[2., -1., 0., 5.], [0., 8., 1., -2.], [3., 3., -6., 0.]], requires_grad=True)
    labels = torch.tensor([3, 1, 2])
    loss, need = part(logits, labels), nn.functional.cross_entropy(logits, labels)
    require_tensor(loss, (), "classify(logits, labels)")
    (g,), (slope,) = gradient_of(loss, logits), gradient_of(need, logits)
    if loss < 0:
        yield (f"The loss is {loss.item():.2g}: below 0 there is no cross-entropy. nll_loss takes logarithms of "
               f"probabilities, and got the probabilities.")
    elif not near(loss.detach(), need.detach(), .01) or not near(g, slope, .02):
        best, worst = (part(size * nn.functional.one_hot(labels, 4), labels).item() for size in (1000., -1000.))
        yield (f"For two examples that are right by a wide margin, and one that is wrong, it gives {loss.item():.3g}; "
               f"the cross-entropy is {need.item():.3g}. For the best logits there are it gives {best:.2g}, for the "
               f"worst {worst:.4g}; the cross-entropy goes from 0 up to any size." + summed(loss, need, len(labels)) + (
                   " cross_entropy takes logits, and makes its own softmax." if .73 < best < .75 else ""))


@judges("16")
def mean_error(part: Callable) -> Iterator[str]:
    """The mean squared error of each prediction with its own target."""
    prediction, target = torch.tensor([[1.], [2.], [4.]], requires_grad=True), torch.tensor([3., 1., 8.])
    error = part(prediction, target)
    require_tensor(error, (), "mean_error(prediction, target)")
    need = torch.tensor(7.)
    g, = gradient_of(error, prediction)
    if not near(error.detach(), need):
        moved, = gradient_of(part(prediction, target + torch.tensor([0., 0., -13.])), prediction)
        mixed = not torch.allclose(moved[:2], g[:2], atol=1e-8)
        yield (f"For the predictions 1, 2, 4 and the targets 3, 1, 8 it is {error.item():.3g}, and the mean of 4, 1 "
               f"and 16 is 7. " + (
                   "Shapes (3, 1) and (3,) make (3, 3): each prediction is still compared with each target."
                   if near(error.detach(), ((prediction - target)**2).mean().detach()) else
                   "With another third target the gradients of the first two predictions change, and each has "
                   "to do with its own target alone." if mixed else
                   "Each prediction has to do with its own target alone, and that is right: it is the mean of the "
                   "squares that it is not."))
    elif not near(g, torch.tensor([[-4 / 3], [2 / 3], [-8 / 3]])):
        yield "The value is right, but its gradient is not that of the mean squared error."


@judges("23")
def ctc(part: Callable) -> Iterator[str]:
    """Finite, with the gradient of the sequences that are long enough; the others count for nothing."""
    torch.manual_seed(1)
    scores = torch.randn(20, 3, 4, requires_grad=True)
    labels, lengths = torch.tensor([[1, 2, 3], [1, 1, 2], [2, 3, 1]]), torch.tensor([3, 3, 3])

    def gradient(frames, function=part):
        loss = function(torch.log_softmax(scores, -1), labels, frames, lengths)
        require_tensor(loss, (), "ctc(log_p, labels, frames, lengths)")
        g, = gradient_of(loss, scores)
        if g.nan_to_num(0.)[torch.arange(20).unsqueeze(1) >= frames].any():
            raise Misfit("Frames after the end of a sequence get a gradient: what is read there belongs to no "
                         "sequence.")
        return loss.detach(), g

    long, short = torch.tensor([9, 5, 4]), torch.tensor([9, 3, 8])  # 1, 1, 2 needs a blank between: four frames
    need, slope = gradient(long, nn.functional.ctc_loss)
    loss, g = gradient(long)
    if not (_cosine(g, slope) > .999 and .3 < loss / need < 4):
        yield f"For sequences that are long enough it is no longer the CTC loss: {loss:.3g}, and that is {need:.3g}."
        return
    loss, g = gradient(short)
    kept, other = [0, 2], gradient_of(nn.functional.ctc_loss(torch.log_softmax(scores, -1), labels, short, lengths,
                                                           zero_infinity=True), scores)[0]
    if not loss.isfinite():
        yield f"For a sequence of three frames and the labels 1, 1, 2 it is still {loss.item()}: no path is that short."
    elif not g.isfinite().all():
        yield "The loss is finite and its gradient is NaN: infinity was computed before it was replaced."
    elif (g[:, kept] == 0).all():
        yield "One sequence that is too short, and the others of its batch teach nothing: no gradient reaches them."
    elif not _cosine(g[:, kept], other[:, kept]) > .999:
        yield "The sequences that are long enough get another gradient than before."


def _cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0))


@judges("24")
def scaled_step(part: Callable) -> Iterator[str]:
    """One step is as long as without a scaler, clipped at 1, whatever the scale; one that overflows is skipped."""
    class Scaler(torch.amp.GradScaler):
        """torch's; it knows whether it was asked for its scale."""

        used = False

        def scale(self, outputs):
            self.used = True
            return super().scale(outputs)

        def get_scale(self):
            self.used = True
            return super().get_scale()

    def step(scale: float, far: float) -> float:
        torch.manual_seed(1)
        net = nn.Linear(1, 1)
        scaler = Scaler("cpu", init_scale=scale)
        before, x = net.weight.detach().clone(), torch.ones(3, 2, 1)
        try:
            got = part(net, torch.optim.SGD(net.parameters(), lr=.1), scaler, x, net(x).detach() + far)
        except (AssertionError, RuntimeError) as error:
            if "inf checks" in str(error):
                raise Misfit("scaler.update() stops: scaler.step(optimizer) is what looks whether a gradient is "
                             "infinite, and there was no such step.") from None
            raise
        require(isinstance(got, tuple) and len(got) == 2, "scaled_step", "loss, norm", got)
        used.append(scaler.used)
        return (net.weight.detach() - before).abs().max().item()

    used: list[bool] = []
    for scale in (2.**16, 2.**4):
        small, large = step(scale, .05), step(scale, 100.)
        if large > .11:
            yield (f"With the scale {scale:g} and a target that is far away a step has the length {large:.2g}, and "
                   f"rate times max_norm is 0.1. Is it clipped at 1, whatever the scale is?")
        elif not (.009 < small < .011 and .05 < large):
            cause = ("was it divided by the scale twice?" if .8 < small * scale / .01 < 1.2 else
                     f"was it clipped while it was {scale:g} times as large?" if small < .005 else
                     "the scale changes during training, and a step must not.")
            yield (f"With the scale {scale:g} a gradient of 0.1 moves a weight by {small:.1g}, and at the rate 0.1 "
                   f"that is to be 0.01: {cause}")
        else:
            continue
        return
    if not used[-1]:
        yield Price("It does without the scaler. This script can: all its numbers are float32. In half precision what "
                    "is below 6e-8 would be rounded to 0 again.")
    elif (moved := step(2.**127, 100.)) != 0:
        yield (f"Where the scale is so large that the gradient is infinite, the weight moves by {moved:g}: scaler.step "
               f"would leave this update out.")
