"""The drawn step of Mamba: against autograd through a loop in torch, step by step, and every word of it."""

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from course_lib.lessons.nb11_lstm import valves
from course_lib.lessons.nb13_what_came_after.mamba import STATE, MambaValves, mamba_step
from course_lib.screen.live import live
from legible import legible

X = MambaValves().x


def loop(x, bias, seed):
    """The states h_0 ... h_T of Mamba's recurrence, h_T read by the loss, after its backward; a_t and Delta_t."""
    T, B, D = x.shape
    drawn = np.random.default_rng(seed).uniform(-1, 1, (D + STATE, D)) / np.sqrt(D)
    W, W_B = torch.tensor(drawn[:D]), torch.tensor(drawn[D:])
    A, x = -torch.arange(1., STATE + 1, dtype=torch.float64), torch.tensor(x)
    states, kept, clocks = [torch.zeros(B, D, STATE, dtype=torch.float64, requires_grad=True)], [], []
    for x_t in x:
        clocks.append(softplus(x_t @ W.T + bias))
        kept.append(torch.exp(clocks[-1][..., None] * A))
        states.append(kept[-1] * states[-1] + torch.einsum("bd,bn,bd->bdn", clocks[-1], x_t @ W_B.T, x_t))
        states[-1].retain_grad()
    v = torch.tensor(np.random.default_rng(seed).normal(size=(B, D, STATE)))
    (states[-1] * v).sum().backward()
    return states, kept, clocks, W_B


@pytest.mark.parametrize("bias, seed", [(-4., 0), (-7., 1), (0., 0), (.5, 3)])
def test_each_step_is_that_of_autograd(bias, seed):
    states, kept, clocks, W_B = loop(X, bias, seed)
    sizes = [h.grad.flatten(1).norm(dim=1).mean().item() for h in states]
    for t in range(2, len(X) + 1):
        step, given = mamba_step(X, t, bias, seed), torch.einsum("bd,bn->bdn", torch.tensor(X[t - 1]),
                                                                 torch.tensor(X[t - 1]) @ W_B.T)
        assert step.straight == step.whole == pytest.approx(sizes[t - 1] / sizes[t], rel=1e-9, abs=0), t
        before, a, delta = states[t - 1].detach(), kept[t - 1], clocks[t - 1]
        assert step.gates == pytest.approx({"a": a.mean().item(), "Δ": delta.mean().item()}, rel=1e-9, abs=0)
        assert step.passed == pytest.approx({
            "a": ((a * before).norm() / before.norm()).item(),
            "Δ": ((delta[..., None] * given).norm() / given.norm()).item()}, rel=1e-9, abs=0), t


def test_widths_words_and_valves_are_those_of_the_step():
    figure = MambaValves(bias=-2.)
    step, roads = mamba_step(X, valves.STEP, -2., 0), figure.roads
    assert figure.data == step and roads["before"].get_linewidth() == pytest.approx(18 * step.straight, rel=1e-9, abs=0)
    assert roads["told"].get_linewidth() == roads["shown"].get_linewidth() == .75  # this loss reads no y
    assert f"{step.straight:.2f} comes to step t - 1 by the straight road, 0.00 through W_hh" in figure.alt
    figure.update(way="forward")
    for where, gate, road in ("f", "a", "kept"), ("i", "Δ", "written"):
        across = figure.plates[where].get_ydata() if where == "f" else figure.plates[where].get_xdata()
        assert across[3] - across[1] == pytest.approx(24 * step.gates[gate], rel=1e-9, abs=0)
        assert figure.letters[where].get_text().endswith(f"\n{gate} = {step.gates[gate]:.2f}")
        assert roads[road].get_linewidth() == pytest.approx(18 * step.passed[gate], rel=1e-9, abs=0)
    assert {roads[road].get_linewidth() for road in ("before", "now", "after", "told", "shown")} == {18.}
    said = "\n".join(text.get_text() for text in figure.ax.texts)
    for words in "the clock", "B_t", "read by\n$C_t$", "the output", "h is not read", "exp(Δ A)", "y_t":
        assert words in said, words
    assert not figure.dashed and "tanh" not in said and "state before" not in said


def test_what_the_text_says_of_a_slow_and_a_fast_clock_holds_with_other_weights():
    """At -7 all but a hundredth or two is kept and a thousandth is written; at 0 the mean of a is .07 and half of the
    gradient arrives, nearly all of it in the numbers with A = -1: after ten steps A = -2 has .5^10 as much."""
    for seed in range(5):
        slow, fast = mamba_step(X, 50, -7., seed), mamba_step(X, 50, 0., seed)
        assert min(slow.straight, slow.passed["a"], slow.gates["a"]) > .98 and slow.passed["Δ"] < .002
        assert .06 < fast.gates["a"] < .09 and .4 < fast.straight < .6 and .6 < fast.gates["Δ"] < .8
        states, *_ = loop(X, 0., seed)
        sizes = (states[49].grad**2).sum((0, 1))
        assert (sizes[0] / sizes.sum()).item() > .9999


def test_sliders_reach_their_ends_and_every_text_can_be_read_there():
    figure = MambaValves()
    widget, seen = live(figure, way=valves.WAYS, bias=(-8., .5)), set()
    for way in valves.WAYS:
        widget.controls["way"].value = way
        for bias in (-8., -3., .5):
            widget.controls["bias"].value = bias
            assert figure.values["bias"] == bias and not widget._message.value and legible(figure) > 8
            seen.add(figure.alt)
    assert len(seen) == 6
    with pytest.raises(ValueError, match="bias is 1"):
        figure.update(bias=1.)
