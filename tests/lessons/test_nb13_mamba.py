"""The drawn step of Mamba, and its number along a sentence: against autograd through loops in torch, and every word."""

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

import notebooks
from course_lib.lessons.nb11_lstm import valves
from course_lib.lessons.nb11_lstm.one_number import two_digits
from course_lib.lessons.nb13_what_came_after.mamba import STATE, MambaNumber, MambaValves, mamba_step
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


CELL, = (cell.source for cell in notebooks.read(notebooks.paths(["13_what_came_after"])[0]).cells
         if cell.id == "mamba-walk")
TABLE = CELL.split('"""')[1]
OTHER = """word  the cat saw a dog and ran
           x     .4   1 -.8 .1  -1  .6 -.2
           Delta .1  .9  .5 .2   1  .3  .7
           B    -.5   1  .2 .7  .4  -1  .9
           C     .5  .1  -1 .3  .7  .2  .9"""


def with_clock(entries, table=TABLE):
    """The table with another row Delta."""
    return "\n".join(f"Delta {entries}" if line.split()[:1] == ["Delta"] else line for line in table.splitlines())


def read_in_torch(table, word):
    """h after each word, y at this one and dh/dh_s, of a loop in torch."""
    rows = {name: rest * word if len(rest) == 1 else rest for name, *rest in map(str.split, table.strip().splitlines())}
    rows = {name: list(map(float, rows[name])) for name in ("x", "Delta", "B", "C")}
    states = [torch.zeros((), dtype=torch.float64, requires_grad=True)]
    for delta, x, B in list(zip(rows["Delta"], rows["x"], rows["B"]))[:word]:
        states.append(torch.exp(torch.tensor(-delta, dtype=torch.float64)) * states[-1] + delta * B * x)
        states[-1].retain_grad()
    states[-1].backward()
    y = rows["C"][word - 1] * states[-1].item()
    return [h.item() for h in states[1:]], y, [h.grad.item() for h in states[1:]]


@pytest.mark.parametrize("table", [TABLE, OTHER, with_clock(".1")], ids=["the lesson's", "other", "one clock"])
def test_one_number_along_a_sentence_is_that_of_torch_at_every_word(table):
    figure = MambaNumber(table)
    for word in range(1, len(figure.words) + 1):
        walked = figure.update(word=word).data
        h, y, back = read_in_torch(table, word)
        for mine, theirs in (walked.c[1:], h), ([walked.h], [y]), (walked.back, back):
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=0)
        widths = {"before": walked.c[-2], "kept": walked.gates["a"] * walked.c[-2], "after": h[-1], "told": h[-1],
                  "shown": y, "written": h[-1] - walked.gates["a"] * walked.c[-2]}
        for road, size in widths.items():
            assert figure.roads[road].get_linewidth() == pytest.approx(max(abs(size) * 24, 1) * .75, rel=1e-9, abs=0)
        for texts, row in zip(figure.numbers, (h, back)):
            np.testing.assert_allclose([float(text.get_text()) for text in texts[:word]], row, rtol=.05, atol=.0051)
        C_t = two_digits(figure.table["o"][word - 1])
        assert figure.title.get_text().endswith(f"y = {C_t} · {two_digits(h[-1])} = {two_digits(y)}")
        assert figure.letters["f"].get_text() == f"exp(Δ A)\na = {walked.gates['a']:.2f}"
        assert figure.letters["i"].get_text() == f"the clock\nΔ = {figure.table['Δ'][word - 1]:.2f}"
        assert f"“{' '.join(figure.words[:word])}”" in figure.alt and legible(figure) > 20
        assert figure.alt.endswith(" ".join(map(two_digits, back)) + ".")


def test_what_the_lesson_says_of_the_sentence_and_of_one_clock_for_all_words():
    figure, written = MambaNumber(TABLE), []
    comma = figure.values["word"]
    assert figure.words[comma - 1] == "," and comma == 11 and f"{figure.data.h:.2f}" == "0.90"
    left = figure.data.back[1]
    assert f"{left:.2f}" == "0.91" and left == pytest.approx(np.exp(-.09), rel=1e-9, abs=0)
    assert figure.words[1] == "cats" and f"{figure.table['a'][1]:.2f}" == "0.37" and figure.words[7] == "dog"
    assert figure.table["i"][7] * figure.table["g"][7] == -.01
    for clock in [*np.geomspace(1e-4, 1, 60), 1 / 9]:
        figure = MambaNumber(with_clock(clock))
        assert figure.values["word"] == comma and figure.data.h < 0, clock
        cats, dog = (figure.table["i"][at] * figure.table["g"][at] * figure.data.back[at] for at in (1, 7))
        assert cats == pytest.approx(clock * np.exp(-9 * clock), rel=1e-9, abs=0)
        assert -dog / cats == pytest.approx(np.exp(6 * clock), rel=1e-9, abs=0)
        written.append(cats)
    assert max(written) == written[-1] and f"{max(written):.2f}" == "0.04"
    assert max(D * np.exp(-9 * D) for D in np.linspace(1, 50, 99)) < max(written)  # beyond what the table takes


def test_a_wrong_table_of_mamba_is_told_its_rows():
    with pytest.raises(ValueError, match="the rows word, f, needs word, x, Delta, B and C: write"):
        MambaNumber("word a b\nf 1")
    with pytest.raises(ValueError, match="the row Delta has '2', needs numbers from 0 to 1"):
        MambaNumber(with_clock("2"))


def test_the_word_moves_the_number_of_mamba():
    figure = MambaNumber(TABLE)
    slider, background = live(figure, word=figure.allowed["word"]).controls["word"], figure.background()
    slider.value = 2
    assert figure.data.c[-1] == 1 and figure.background() is background
    shown = "\n".join(text.get_text() for text in figure.ax.texts)
    for words in "the state h\nforward →", "← dL/dh\nbackward", "B_t", "C_t", "h is not read", "Mamba reads x":
        assert words in shown, words
    assert "cell" not in shown and "tanh" not in shown
