"""What the sick parts have to do that concern the recurrence: the state, its weights, its axes, its inputs.

Errors: Misfit, as in parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from ... import _checks

with _checks.extra("lab", "the clinic"):
    import torch
    from torch import nn

from .parts import Misfit, Price, gradient_of, judges, near, require, require_tensor


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
    require(isinstance(both, tuple) and len(both) == 2, "train_step", "loss, h", both)
    h = both[1]
    if not (isinstance(h, torch.Tensor) and h.shape == last.shape):
        came = f"a tensor of shape {tuple(h.shape)}" if isinstance(h, torch.Tensor) else type(h).__name__
        raise Misfit(f"train_step has to return loss, h with h a tensor of shape {tuple(last.shape)}. The h that it "
                     f"returned is {came.removesuffix('Type')}.")
    got = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    if near(h.detach(), rnn(x)[1].detach()):
        yield ("The window does not begin with the state that was handed to it, but with 0: without memory it cannot "
               "know its first three targets.")
        return
    if not near(h.detach(), last.detach()):
        yield ("The state that comes back is not the last state of the window: the next window begins with "
               "another memory than this one has left.")
        return
    error, loss = ((readout(states) - target)**2).mean().item(), float(torch.as_tensor(both[0]).detach())
    if not math.isclose(loss, error, rel_tol=1e-3):
        yield f"The loss that comes back is {loss:.2g}, and that of this window is {error:.2g}."
        return
    if not all(near(mine, theirs) for mine, theirs in zip(got, need)):
        yield (f"The state is cut off, but so is the window itself: the gradient of the recurrent weights has the "
               f"norm {got[1].norm().item():.2g}, and over the window's 6 steps it is {need[1].norm().item():.2g}.")
        return
    h, reached = h.clone() if h.requires_grad else h, []
    if h.requires_grad:
        h.register_hook(reached.append)
    try:
        part(rnn, readout, torch.optim.SGD(parameters, lr=0.), x, target, h)
    except RuntimeError as error:
        if "second time" not in str(error) and "inplace" not in str(error):
            raise
        reached.append(error)
    if reached:
        yield ("The next window still goes back into the graph of this one, which is gone or has to be kept. Kept, it "
               "grows with each window, and once the weights have moved torch says \"modified by an inplace operation\".")


@judges("10")
def recurrent_weights(part: Callable) -> Iterator[str]:
    """A step back multiplies the gradient by at most 1.1, and neither states nor inputs are switched off."""
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
    if rnn.weight_hh_l0.norm() < .1 and not rnn.weight_hh_l0.requires_grad:
        yield (f"The recurrent weights have the norm {rnn.weight_hh_l0.norm().item():.1g}. Nothing explodes, for "
               f"nothing is remembered: the last state knows only the last input.")
    elif factor > 1.1:
        smaller = rnn.weight_ih_l0.norm() < .5 * input_weights.norm()
        yield (f"Going back, the gradient still grows by a factor of {factor:.2g} a step, {factor**40:.0e} over 40 "
               f"steps." + " Smaller inputs only give it a longer way to the same explosion." * bool(smaller))
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
    """Each of 80 inputs is read; the first gets more than 1e-4 of the gradient of the last, and does not explode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        rnn = part(2, 32)
        x = .05 * torch.randn(80, 16, 2)
    require(isinstance(rnn, nn.Module), "make_rnn(inputs, units)", "a module such as nn.RNN", rnn)
    states = rnn(x.requires_grad_())[0]
    require_tensor(states, (80, 16, 32), "make_rnn(2, 32), called with x of shape (80, 16, 2), first")
    weights = torch.linspace(.5, 1.5, 512).reshape(16, 32)
    g, = gradient_of((weights * states[-1]).sum(), x)
    sizes = g.flatten(1).double().norm(dim=1)
    first, last = sizes[0].item(), sizes[-1].item()
    if (unread := int((sizes == 0).sum())):
        yield (f"{unread} of the 80 steps do not reach the last state at all: the network does not read them, or the "
               f"way back from it is cut.")
    elif not first > 1e-4 * last:
        yield (f"Going back, the first input gets {first / last:.0e} of the gradient that the last one "
               f"gets. What is to be remembered comes first, and an update hardly hears of it."
               + " In an LSTM the forget gates have to be open for that: their bias decides."
               * isinstance(rnn, nn.LSTM))
    elif first > 1e3 * last and first > 1e3 * float(weights.norm()):
        yield f"Now it explodes: the first input gets {first / last:.0e} times the gradient of the last."
    elif not last > 1e-4 * first:
        yield (f"It vanishes at the other end now: the last input gets {last / first:.0e} of the gradient that the "
               f"first one gets. What is read last is forgotten, and state t is no longer the one after step t.")


@judges("12")
def sequence_axis(part: Callable) -> Iterator[str]:
    """The last state of a sequence is that of nn.RNN: it depends on all of its own steps and on no other sequence."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        rnn, x = nn.RNN(2, 6), torch.randn(32, 12, 2)
    inner = nn.RNN(2, 6, batch_first=True)
    inner.load_state_dict(rnn.state_dict())
    need = inner(x)[1][0].detach()
    got = part(rnn, x.requires_grad_())
    require_tensor(got, need.shape, "last_state(rnn, x), for x of shape (32, 12, 2) and 6 units,")
    g, = gradient_of(got[-1].sum(), x)
    strangers = g[:-1].abs().max()
    if strangers > 0:
        yield (f"The state of the last sequence depends on the other sequences: a gradient of {strangers.item():.1g} "
               f"reaches them. Either time still runs along the batch, or the entries are shuffled, and every shape "
               f"fits.")
    elif (g[-1, 0] == 0).all():
        yield "The first step of a sequence does not reach its last state: only the last steps are read."
    elif not near(got.detach(), need):
        yield "Each sequence is on its own now, but this is not the state after its last step."


@judges("14")
def read(part: Callable) -> Iterator[str]:
    """The last state moves with the last temperatures: few units are saturated, and 5 kelvin make a difference."""
    torch.manual_seed(1)
    rnn, x, calls = nn.RNN(1, 6), 290 + 5 * torch.randn(8, 5, 1), []
    rnn.register_forward_hook(lambda module, inputs, output: calls.append((inputs[0], output[0][-1])))
    state = part(rnn, x.requires_grad_())
    require_tensor(state, (5, 6), "read(rnn, x), for x of shape (8, 5, 1) and 6 units,")
    fed, made = calls[-1] if calls else (x, state)
    saturated = (made.abs() > .999).double().mean().item()
    if state.abs().max() > 1.001 and not saturated > .5:
        yield (f"The state has an entry of size {state.abs().max().item():.2g}, and those of this RNN lie between -1 "
               f"and 1: what comes back is not its state alone.")
    elif saturated > .5:
        yield (f"{100 * saturated:.0f} % of the RNN's units are at 1 or -1: a tanh there has no slope, and no gradient "
               f"comes through.")
    elif (spread := state.std(0).max().item()) < .01:
        yield (f"No unit is saturated, but the last state is nearly the same for every sequence (it spreads by "
               f"{spread:.1g}). The RNN is fed numbers with the mean {round(fed.mean().item(), 2) + 0:g} and the "
               f"spread {fed.std().item():.1g}: it needs a mean near 0, and a spread near 1.")
    elif not gradient_of(state.sum(), x)[0][-3:].any():
        yield "The last three temperatures, which are asked for, do not reach the state that comes back."
    elif (part(rnn, x.detach() + torch.tensor([5., 0, 0, 0, 0]).reshape(5, 1))[0] - state[0]).abs().max() < .01:
        yield ("A sequence that is 5 kelvin warmer all along ends in the same state: its level, which is asked for, "
               "was taken out of it.")
    elif saturated > .1:
        yield Price(f"Its price: {100 * saturated:.0f} % of the units are still at 1 or -1 when it begins to learn.")
