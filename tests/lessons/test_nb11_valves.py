"""The drawn cells of lessons 11 and 12: every width against autograd that takes one way at a time, every letter too."""

from functools import partial

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection

from course_lib import bptt, cells
from course_lib.lessons.nb11_lstm import valves
from course_lib.lessons.nb11_lstm.one_step import one_step
from course_lib.lessons.nb11_lstm.roads import default_gru, default_lstm
from course_lib.lessons.nb11_lstm.valves import LSTMValves, RNNValves, without
from course_lib.lessons.nb12_gru.valves import GRUValves, MinGRUValves
from course_lib.screen.live import live
from legible import legible, named

KINDS = {"LSTM": cells.LSTMParams, "GRU": cells.GRUParams, "RNN": cells.RNNParams, "MinGRU": cells.MinGRUParams}


def step_of(kind, p, x_t, h, c, only):
    """One step in torch, written for this test; `only` is the way at which h or c is read without being cut off."""
    def read(way, value):
        return value if only in ("all", way) else value.detach()

    a = x_t @ p["W_xh"].T + p["b_h"]
    if kind == "RNN":
        return torch.tanh(a + read("h", h) @ p["W_hh"].T), c
    if kind == "MinGRU":
        z, n = a.split(h.shape[-1], -1)
        return (1 - torch.sigmoid(z)) * read("straight", h) + torch.sigmoid(z) * n, c
    of_x, W = a.split(h.shape[-1], -1), p["W_hh"].split(h.shape[-1])
    if kind == "LSTM":
        i, f, g, o = (each + read(way, h) @ block.T for each, block, way in zip(of_x, W, "ifgo"))
        c = torch.sigmoid(f) * read("straight", c) + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
    r, z = (torch.sigmoid(each + read(way, h) @ block.T) for each, block, way in zip(of_x, W, "rz"))
    n = torch.tanh(of_x[2] + r * (read("n", h) @ W[2].T + p["b_hn"]))
    return (1 - z) * n + z * read("straight", h), c


def gradients(kind, params, x, t, only, seed=0):
    """dL/ds_{t-1} and dL/ds_t through autograd, where step t reads its states at one way `only`, and all else is whole."""
    p = {name: torch.tensor(array) for name, array in params._asdict().items()}
    H = params.b_h.shape[-1] // {"LSTM": 4, "GRU": 3, "RNN": 1, "MinGRU": 2}[kind]
    h = c = torch.zeros(x.shape[1], H, dtype=torch.float64).requires_grad_()
    states = [h]
    for step, x_t in enumerate(torch.tensor(x), start=1):
        h, c = step_of(kind, p, x_t, h, c, only if step == t else "all")
        states.append(c if kind == "LSTM" else h)
        if not states[-1].requires_grad:  # nothing leads back from it
            states[-1].requires_grad_()
        states[-1].retain_grad()
    (states[-1] * torch.tensor(np.random.default_rng(seed).normal(size=tuple(h.shape)))).sum().backward()
    nothing = torch.zeros_like(h)
    return [nothing if s.grad is None else s.grad for s in states[t - 1:t + 1]]


def sized(part, whole):
    return (part.norm(dim=-1).mean() / whole.norm(dim=-1).mean()).item()


FIGURES = [partial(LSTMValves), partial(LSTMValves, b_f=3., b_i=-2., b_o=2.), partial(LSTMValves, gates="f"),
           partial(LSTMValves, gates="", seed=2), partial(RNNValves, scale=1.5), partial(GRUValves, b_z=2., b_r=-1.),
           partial(GRUValves, seed=1), partial(GRUValves, gates="z", b_z=1.), partial(MinGRUValves, b_z=-2.)]


def drawn(make):
    """A figure and the parameters that it measured."""
    figure, seen = make(), []
    figure.measured = lambda params, own=figure.measured: seen.append(params) or own(params)
    return figure.update(), seen[0]


@pytest.mark.parametrize("make", FIGURES, ids=named)
def test_every_width_is_that_of_autograd_along_this_way_alone(make):
    figure, params = drawn(make)
    kind, step = type(figure).__name__.removesuffix("Valves"), figure.data
    assert isinstance(params, KINDS[kind])
    alone = partial(gradients, kind, params, figure.x, valves.STEP, seed=figure.seed)
    _, whole = alone("all")
    gates = {where: alone(gate)[0] for where, gate in figure.ways.items()}
    assert step.straight == pytest.approx(0 if kind == "RNN" else sized(alone("straight")[0], whole), rel=1e-9, abs=0)
    assert step.whole == pytest.approx(sized(alone("all")[0], whole), rel=1e-9, abs=0)
    assert step.ways == pytest.approx({
        gate: sized(gates[where], whole) for where, gate in figure.ways.items()} | {
        gate: 0. for gate in set(step.ways) - set(figure.ways.values())}, rel=1e-9, abs=0)
    for where, line in figure.dashed.items():
        assert line.get_linewidth() == pytest.approx(max(.75 * 24 * sized(gates[where], whole), .75), rel=1e-9, abs=0)
        assert line.is_dashed()
    for place, line in enumerate(figure.joined[:len(gates)]):
        together = sum(list(gates.values())[place:])
        assert line.get_linewidth() == pytest.approx(max(.75 * 24 * sized(together, whole), .75), rel=1e-9, abs=0)
    for whole_road in {"kept", "now"} & set(figure.roads):
        assert figure.roads[whole_road].get_linewidth() == .75 * 24, whole_road
    if kind != "RNN":
        assert figure.roads["before"].get_linewidth() == pytest.approx(.75 * 24 * step.straight, rel=1e-9, abs=0)
        assert f"{step.straight:.2f} comes to step t - 1 by the straight road" in figure.alt
        assert f"straight: {step.straight:.2f}" == figure.straight.get_text()
    assert f"{step.through:.2f} through W_hh, and {step.whole:.2f} by all ways" in figure.alt
    assert f"{step.whole:.2f} of |dL/d{figure.state}| arrives" in figure.title.get_text()


def test_the_parts_add_up_to_the_gradient():
    params, x = default_lstm(3), np.random.default_rng(5).normal(size=(20, 2, 6))
    parts = sum(gradients("LSTM", params, x, 12, only)[0] for only in ("straight", *"ifgo"))
    run = bptt.forward(params, x)
    v = np.random.default_rng(0).normal(size=run.h[-1].shape)
    dc = bptt.backward(run, np.zeros_like(run.h), dc_direct=bptt.at_end(run, v)).dc
    assert np.abs(parts.numpy() / dc[11] - 1).max() < 1e-8


@pytest.mark.parametrize("make", FIGURES, ids=named)
def test_valves_stand_as_open_as_their_gates_and_roads_behind_them_are_what_passes(make):
    figure, params = drawn(partial(make, way="forward"))
    run, kind = bptt.forward(params, figure.x), type(figure).__name__.removesuffix("Valves")
    now, before = valves.STEP - 1, run.h[valves.STEP - 1]
    gates = {"LSTM": lambda: {"f": (run.f, run.c[now]), "i": (run.i, run.g[now]), "o": (run.o, run.tanh_c[now])},
             "GRU": lambda: {"f": (run.z, before), "i": (1 - run.z, run.n[now]), "r": (run.r, run.m[now])},
             "MinGRU": lambda: {"f": (1 - run.z, before), "i": (run.z, run.n[now])}, "RNN": dict}[kind]()
    for where, gate in figure.valves.items():
        values, given = gates[where][0][now], gates[where][1]
        across = figure.plates[where].get_ydata() if where == "f" else figure.plates[where].get_xdata()
        assert across[3] - across[1] == pytest.approx(24 * values.mean(), rel=1e-9, abs=0)
        assert figure.letters[where].get_text().endswith(f"gate\n{gate} = {values.mean():.2f}")
        behind = figure.roads.get({"f": "kept", "i": "written", "o": "shown"}.get(where))
        if behind:
            passed = np.linalg.norm(values * given) / np.linalg.norm(given)
            assert behind.get_linewidth() == pytest.approx(max(.75 * 24 * passed, .75), rel=1e-9, abs=0)
            assert f"{gate} lets {passed:.2f}" in figure.alt
            verb, text = {"f": ("kept", figure.straight), "i": ("written", figure.written),
                          "o": ("shown", figure.read)}[where]
            assert f"{verb}: {passed:.2f}" in text.get_text()


def test_what_is_read_from_h_and_what_comes_along_the_cell_are_parts_of_the_gradient():
    figure, params = drawn(LSTMValves)
    run, t = bptt.forward(params, figure.x), valves.STEP
    back = bptt.backward(run, np.zeros_like(run.h), dc_direct=bptt.at_end(
        run, np.random.default_rng(0).normal(size=run.h[-1].shape)))
    by_h = run.o[t - 1] * (1 - run.tanh_c[t - 1]**2) * back.dh[t]
    for size, part in [(figure.data.read, by_h), (figure.data.along, back.dc[t] - by_h)]:
        mean = np.linalg.norm(part, axis=-1).mean() / np.linalg.norm(back.dc[t], axis=-1).mean()
        assert size == pytest.approx(mean, rel=1e-9, abs=0)
    assert figure.roads["told"].get_linewidth() == pytest.approx(18 * figure.data.read, rel=1e-9, abs=0)
    assert figure.roads["after"].get_linewidth() == pytest.approx(18 * figure.data.along, rel=1e-9, abs=0)


def test_gates_that_are_left_out_stand_at_one_and_what_is_crossed_out_says_what_it_is():
    run = bptt.forward(without(default_lstm(1), "of"), np.random.default_rng(0).normal(size=(9, 2, 6)))
    assert (run.f == 1).all() and (run.o == 1).all() and run.i.std() > .01
    for make, gone in [(RNNValves, {}), (LSTMValves, {}), (GRUValves, {"told": "no output gate", "i": "no own"}),
                       (MinGRUValves, {"told": "no second state", "i": "gate", "link": "h is not read"})]:
        figure = make()
        crosses = {tuple(line.get_xydata()[0]) for line in figure.ax.lines if line.get_marker() == "x"}
        assert crosses == {valves.CROSSED[part][:2] for part in gone} and not set(gone) & set(figure.roads)
        for part, words in gone.items():
            beside = [text.get_text() for text in figure.ax.texts if text.get_position()[1] == valves.CROSSED[part][1]
                      and abs(text.get_position()[0] - valves.CROSSED[part][0]) < 20]
            assert any(words in each for each in beside)
    one_gate = GRUValves(gates="z", way="forward")
    assert set(one_gate.dashed) == {"f", "g"} and "A cell with an update gate" in one_gate.title.get_text()
    assert "reset" not in "".join(text.get_text() for text in one_gate.ax.texts) + one_gate.alt
    with pytest.raises(ValueError, match="gates is 'r', needs one of 'rz', 'z'"):
        GRUValves(gates="r")
    assert not MinGRUValves().dashed and set(LSTMValves(gates="").dashed) == {"g"}


def test_every_road_of_the_lstm_has_its_name_and_what_no_gradient_takes_is_not_drawn_forward():
    figure = LSTMValves(way="forward")
    said = "\n".join(text.get_text() for text in figure.ax.texts)
    for name in ("the cell, kept", "forget gate", "written", "input gate", "shown", "output gate", "candidate", "input",
                 "the state", "through\ntanh", "to the next step", "reads through weights", "this wide: all of it"):
        assert name in said, name
    link = figure.joined[-1]
    assert not link.get_visible() and not figure.link.get_text()
    figure.update(way="backward")
    assert link.get_visible() and figure.link.get_text() == "h before was\nmade of c"
    assert "forget gate" not in "".join(text.get_text() for text in LSTMValves(gates="").ax.texts)
    assert figure.ahead.get_text() == f"from step t + 1: {figure.data.along:.2f}"
    for part, name in [(LSTMValves(gates=""), "A cell without gates"), (figure, "LSTM"),
                       (LSTMValves(gates="f"), "A cell with a forget gate"),
                       (LSTMValves(gates="fi"), "A cell with two gates"),
                       (GRUValves(gates="z"), "A cell with an update gate")]:
        assert part.title.get_text().startswith(f"{name}, back from t = 50: ")
        assert part.alt.startswith(f"{name}: one step as") and legible(part) > 8
    assert figure.sum.get_text() == "together: |dL/dc|"
    assert LSTMValves(way="forward").sum.get_text() == "the sum: all of it anew"
    assert GRUValves(way="forward").joined[-1].get_visible()
    assert "all of the cell is kept" in LSTMValves(gates="", way="forward").alt
    assert "the whole state is made anew" in RNNValves(way="forward").alt


@pytest.mark.parametrize("make", [LSTMValves, RNNValves, GRUValves])
def test_the_line_of_the_input_is_none_of_the_state_before_and_joins_each_way_or_goes_past_the_reset_gate(make):
    figure = make(way="forward")
    name, = (text for text in figure.ax.texts if "x_t" in text.get_text())
    x_line, = (line for line in figure.ax.lines if list(line.get_ydata()) == [name.get_position()[1]] * 2)
    assert valves.Y[0] - name.get_position()[1] == 8 and not x_line.is_dashed()
    joins, = (each for each in figure.ax.collections if isinstance(each, LineCollection))
    starts = {valves.BRANCHES[where][0] for where in figure.ways}
    ends = {tuple(segment[1]) for segment in joins.get_segments()}
    if make is GRUValves:  # not the candidate's, below the gate: beside it, to the candidate's box
        gate, = (text for text in figure.ax.texts if "candidate" in text.get_text())
        figure.png()
        box = gate.get_bbox_patch().get_window_extent().transformed(figure.ax.transData.inverted())
        (x, y), = ends - starts
        assert starts - ends == {valves.BRANCHES["g"][0]} and box.x0 < x < valves.SUM - 30 and abs(y - box.y0) < 4
    else:
        assert ends == starts
    assert x_line.get_xdata()[0] == min(starts)[0] and max(starts)[0] < x_line.get_xdata()[1]
    assert all(line.get_xdata().max() <= max(starts)[0] for line in figure.joined)


RANGES = {LSTMValves: dict(b_f=(-3., 6.), b_i=(-6., 3.), b_o=(-6., 3.)), RNNValves: dict(scale=(.2, 3.)),
          GRUValves: dict(b_z=(-3., 6.), b_r=(-6., 3.)), MinGRUValves: dict(b_z=(-6., 3.))}


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("kind", RANGES, ids=lambda kind: kind.__name__)
def test_sliders_move_it_and_every_text_can_be_read_wherever_they_stand(kind):
    figure = kind()
    widget, seen = live(figure, way=valves.WAYS, **RANGES[kind]), set()
    for way in valves.WAYS:
        widget.controls["way"].value = way
        for name, ends in RANGES[kind].items():
            for end in (*ends, np.mean(ends)):
                widget.controls[name].value = end
                assert figure.values[name] == end and not widget._message.value
                assert legible(figure) > 8 and "nan" not in figure.alt
                assert figure.ax.get_xlim() == (0, 660) and figure.ax.get_ylim() == (-24, figure.size[1] - 24)
                seen.add(figure.alt)
    assert len(seen) > 3


@pytest.mark.parametrize("call, error, message", [
    (lambda: LSTMValves(way="up"), ValueError, "way is 'up', needs one of 'forward', 'backward'"),
    (lambda: LSTMValves(gates="x"), ValueError, "gates is 'x', needs letters"),
    (lambda: RNNValves(scale=0.), ValueError, "dL/ds_t is 0 at step 50"),
    (lambda: one_step(default_gru(0), np.zeros((5, 1, 6)), 1), ValueError, "t is 1, needs 2 to 5"),
    (lambda: one_step(None, np.zeros((5, 1, 6)), 2), TypeError, "params is NoneType, needs one of LSTMParams")])
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()
