"""Loops over cells and over recurrences that people write, against the same computation by formula and autograd.

The reference knows no module and no microscope: formulas on raw weights, every state kept with retain_grad. 100 random
configurations of what the recurrence is, what happens to its state between steps, and what the loss reads.
"""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import watch

from models_to_watch import ConvLSTMCell, DecayCell, Elman, GraphCell, MinGRUStep, Stepper, leaky_step

torch.set_num_threads(1)
CASES = 100


def elman(w, x, h):
    return (torch.tanh(torch.cat([x, *h], -1) @ w["xh.weight"].T + w["xh.bias"]),)


def rnn_cell(w, x, h, f=torch.tanh):
    return (f(x @ w["weight_ih"].T + w["bias_ih"] + h[0] @ w["weight_hh"].T + w["bias_hh"]),)


def lstm_cell(w, x, state):
    i, f, g, o = (x @ w["weight_ih"].T + w["bias_ih"] + state[0] @ w["weight_hh"].T + w["bias_hh"]).chunk(4, -1)
    c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru_cell(w, x, h):
    x_r, x_z, x_n = (x @ w["weight_ih"].T + w["bias_ih"]).chunk(3, -1)
    h_r, h_z, h_n = (h[0] @ w["weight_hh"].T + w["bias_hh"]).chunk(3, -1)
    z, n = (x_z + h_z).sigmoid(), (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
    return ((1 - z) * n + z * h[0],)


def min_gru(w, x, h):
    z = (x @ w["gate.weight"].T + w["gate.bias"]).sigmoid()
    return ((1 - z) * h[0] + z * (x @ w["candidate.weight"].T + w["candidate.bias"]),)


def conv_lstm(w, x, state):
    i, f, g, o = F.conv2d(torch.cat([x, state[0]], 1), w["conv.weight"], w["conv.bias"], padding=1).chunk(4, 1)
    c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def graph(w, x, h):
    mixed = w["adjacency"] @ torch.cat([x, h[0]], 1)
    return ((mixed @ w["lin.weight"].T + w["lin.bias"]).tanh(),)


def decay(w, x, h):
    target = (torch.cat([x, h[0]], -1) @ w["target.weight"].T + w["target.bias"]).tanh()
    return (target + (h[0] - target) * torch.exp(-.3 * w["rate"].abs()),)


def leaky(w, x, h):
    return (.6 * h[0] + (x.mean(-1, keepdim=True) - h[0]).sin(),)


# name: module, formula, shape of a state, states, how it is called, how it is named to watch_time
KINDS = {
    "RNNCell": (lambda: nn.RNNCell(3, 4), rnn_cell, (4,), 1, lambda net, x, s: net(x, *s), None),
    "relu": (lambda: nn.RNNCell(3, 4, nonlinearity="relu"), lambda *args: rnn_cell(*args, f=torch.relu), (4,), 1,
             lambda net, x, s: net(x, *s), None),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4), lstm_cell, (4,), 2, lambda net, x, s: net(x, s or None), None),
    "GRUCell": (lambda: nn.GRUCell(3, 4), gru_cell, (4,), 1, lambda net, x, s: net(x, hx=s[0] if s else None), None),
    "module": (lambda: Elman(3, 4), elman, (4,), 1, lambda net, x, s: net(x, *s), [""]),
    "method": (lambda: Stepper(3, 4), elman, (4,), 1, lambda net, x, s: net.step(x, *s)[1],
               {"step": watch.State(1, "state")}),
    "minGRU": (lambda: MinGRUStep(3, 4), min_gru, (4,), 1, lambda net, x, s: net(x, *s)[1], [""]),
    "convolution": (lambda: ConvLSTMCell(1, 2), conv_lstm, (2, 3, 3), 2, lambda net, x, s: net(x, *s), [""]),
    "graph": (lambda: GraphCell(3, 2, 5), graph, (2,), 1, lambda net, x, s: net(x, *s),
              {"": watch.State(batch=None)}),
    "continuous": (lambda: DecayCell(3, 4), decay, (4,), 1, lambda net, x, s: net(x, .3, h=s[0]), [""]),
    "function": (lambda: nn.Linear(1, 1), leaky, (4,), 1, lambda net, x, s: leaky_step(x, *s), [leaky_step]),
}
OPTIONAL = "RNNCell", "relu", "LSTMCell", "GRUCell"  # may be called without a state


class Drawn:
    """One configuration: what is called, with what, what happens between steps, what the loss reads."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        torch.manual_seed(seed)
        self.kind = list(KINDS)[seed % len(KINDS)]
        make, self.formula, shape, self.count, self.call, self.cells = KINDS[self.kind]
        self.net = make().double()
        self.T, self.B = int(rng.integers(1, 10)), 5 if self.kind == "graph" else int(rng.integers(1, 5))
        inputs = (1, 3, 3) if self.kind == "convolution" else (3,)
        self.x = torch.randn(self.T, self.B, *inputs, dtype=torch.float64)
        self.start = rng.choice(["given", "leaf", "computed", "none"] if self.kind in OPTIONAL else
                                ["given", "leaf", "computed"][self.kind == "function":])
        self.first = torch.randn(self.count, self.B, *shape, dtype=torch.float64)
        self.between = rng.choice(["nothing", "nothing", "dropout", "reset", "mask"])
        if self.start == "none" and self.between == "mask":
            self.between = "reset"
        self.masks = torch.from_numpy(rng.random((self.T, self.B)) > .3).double().reshape(
            self.T, self.B, *[1] * len(shape))
        self.noise = 2. * torch.from_numpy(rng.random((self.T, self.B, *shape)) > .5).double()
        self.read = sorted(set(rng.integers(0, self.T, 2).tolist()))
        self.reads_c = self.count == 2 and rng.random() > .5
        self.weights = torch.randn(self.T, self.B, *shape, dtype=torch.float64)

    def run(self, step):
        """The loss, and (h, c) of every step; step(x, states) -> states."""
        first = self.first.clone()
        first.requires_grad_(self.start in ("leaf", "computed"))
        states = () if self.start == "none" else tuple(first * 2 if self.start == "computed" else first)
        loss, kept = 0., []
        for t, x in enumerate(self.x):
            former, states = states, step(x, states)
            states = states if isinstance(states, tuple) else (states,)
            kept.append(states)
            if t in self.read:
                loss = loss + (self.weights[t] * states[0]).sum() + .1 * states[0].square().sum()
                loss = loss + (states[1].pow(3).sum() if self.reads_c else 0)
            states = self.pass_on(t, states, former)
        return loss, kept

    def pass_on(self, t, states, former):
        """What the network makes of the states after step t before it hands them on."""
        if self.between == "dropout":
            return (states[0] * self.noise[t], *states[1:])
        if self.between == "reset":
            return tuple(state * self.masks[t] for state in states)
        if self.between == "mask":
            return tuple(self.masks[t] * new + (1 - self.masks[t]) * old for new, old in zip(states, former))
        return states

    def raw(self):
        """The weights, by name, as leaves of their own."""
        named = {**dict(self.net.named_parameters()), **dict(self.net.named_buffers())}
        return {name: each.detach().clone().requires_grad_() for name, each in named.items()}

    def reference(self):
        w = self.raw()
        zeros = tuple(torch.zeros_like(self.first))

        def step(x, states):
            new = self.formula(w, x, states or zeros)
            for each in new:
                each.retain_grad()
            return new

        loss, kept = self.run(step)
        loss.backward(retain_graph=True)
        return kept, {name: w[name].grad for name in dict(self.net.named_parameters())}


def rows(case, tensor):
    return tensor.detach().numpy().reshape(1 if case.kind == "graph" else case.B, -1)


def close(mine, theirs, tolerance=1e-10):
    return np.abs(mine - theirs).max() <= tolerance * np.abs(theirs).max() + 1e-300


def look(case):
    with watch.watch_time(case.net, cells=case.cells or ()) as flow:
        case.run(lambda x, states: case.call(case.net, x, states))[0].backward()
    return flow


@pytest.mark.parametrize("seeds", [range(start, start + 20) for start in range(0, CASES, 20)], ids=str)
def test_every_state_and_gradient_is_that_of_the_formula(seeds):
    for seed in seeds:
        case = Drawn(seed)
        flow = look(case)
        (name,) = flow.names
        reading, (kept, grads) = flow[name], case.reference()
        assert reading.calls == 1 and len(reading.h) == case.T + 1, (seed, case.kind, case.between)
        for t, states in enumerate(kept, start=1):
            for array, total, state in zip((reading.h, reading.c if case.count == 2 else None),
                                           (reading.grad_h, reading.grad_c if case.count == 2 else None), states):
                assert close(array[t], rows(case, state)), (seed, case.kind, t)
                need = np.zeros_like(array[t]) if state.grad is None else rows(case, state.grad)
                assert close(total[t], need), (seed, case.kind, case.between, t)
        if case.kind != "function":
            for name, grad in reading.grads.items():
                need = torch.zeros(()) if grads[name] is None else grads[name]
                assert close(grad, need.numpy(), 1e-9), (seed, case.kind, name)
        direct = np.abs(reading.grad_h_direct[1:]).max((1, 2)) > 0
        assert direct.tolist() == [t in case.read for t in range(case.T)], (seed, case.kind, case.between)


@pytest.mark.parametrize("seeds", [range(start, start + 20) for start in range(0, CASES, 20)], ids=str)
def test_reach_is_the_way_of_what_enters_last(seeds):
    """From the last step read, by autograd through the reference's own graph."""
    for seed in seeds:
        case = Drawn(seed)
        flow, (kept, _) = look(case), case.reference()
        reading, last = flow[flow.names[0]], case.read[-1]
        found = reading.log_reach()
        enters = [case.weights[last] + .2 * kept[last][0].detach()]
        if case.reads_c:
            enters.append(3 * kept[last][1].detach().square())
        for t in range(last):
            back, = torch.autograd.grad(kept[last][:len(enters)], kept[t][-1], enters, retain_graph=True,
                                        allow_unused=True)
            with np.errstate(divide="ignore"):
                need = np.log(np.linalg.norm(rows(case, torch.zeros(case.B) if back is None else back), axis=1))
            assert np.array_equal(np.isinf(need), np.isinf(found[t + 1])), (seed, case.kind, case.between, t)
            finite = np.isfinite(need)
            assert np.allclose(found[t + 1][finite], need[finite], rtol=0, atol=1e-9), (seed, case.kind, t)


@pytest.mark.parametrize("seeds", [range(20), range(20, 40)], ids=str)
def test_jacobians_are_the_steps_own(seeds):
    """d(h_t, c_t) / d(h_{t-1}, c_{t-1}), what happens to the state between the two included."""
    for seed in seeds:
        case = Drawn(seed)
        flow, (kept, _) = look(case), case.reference()
        reading = flow[flow.names[0]]
        if case.between == "mask" and case.T > 1 and not case.masks[:-1].all():
            with pytest.raises(RuntimeError, match="goes past a step"):
                reading.jacobians()
            continue
        js, w = reading.jacobians(), case.raw()
        for t in range(1, case.T):
            before = tuple(state.detach().requires_grad_() for state in kept[t - 1])
            after = case.formula(w, case.x[t], case.pass_on(t - 1, before, before))
            flat = torch.cat([torch.as_tensor(state).reshape(js.shape[1], -1) for state in after], 1)
            for i in range(flat.shape[1]):
                back = torch.autograd.grad(flat[:, i].sum(), before, retain_graph=True, materialize_grads=True)
                need = np.concatenate([rows(case, each) for each in back], 1)
                assert np.abs(js[t, :, i] - need).max() <= 1e-10 * np.abs(js[t]).max() + 1e-300, (seed, case.kind, t)
        assert reading.log_singular_values().shape == js.shape[1:3]


def test_eight_loops_over_one_cell_go_on_at_the_same_time():
    torch.manual_seed(0)
    cell, states = nn.GRUCell(2, 3), [[torch.randn(1, 3)] for _ in range(8)]
    with watch.watch_time(cell) as flow:
        for x in torch.randn(4, 8, 1, 2):
            for each, x_t in zip(states, x):
                each.append(cell(x_t, each[-1]))
        sum(each[-1].sum() for each in states).backward()
    assert flow[""].calls == 8
    for call, each in enumerate(states):
        assert np.array_equal(flow[""].call(call).h, torch.stack(each).detach())


@pytest.mark.parametrize("kind", ["LSTMCell", "GRUCell", "module", "convolution"])
@pytest.mark.parametrize("cut", [False, True])
def test_chunks_of_a_loop(kind, cut):
    """Carried with the graph the chunks are one call; detached they are two, and the second says so."""
    case = Drawn(list(KINDS).index(kind))
    case.T, case.between, case.start, case.read = 6, "nothing", "given", [5]
    case.x = torch.randn(6, *case.x.shape[1:], dtype=torch.float64)
    case.weights = torch.randn(6, *case.weights.shape[1:], dtype=torch.float64)

    def step(x, states, seen=[]):
        seen.append(x)
        states = tuple(state.detach() for state in states) if cut and len(seen) % 6 == 4 else states
        return case.call(case.net, x, states)

    with watch.watch_time(case.net, cells=case.cells or ()) as flow:
        case.run(step)[0].backward()
    reading = flow[flow.names[0]]
    if not cut:
        assert reading.calls == 1 and len(reading.h) == 7
        return
    last = reading.call(reading.calls - 1)
    assert last.state_given == "detached" and len(last.h) == 4 and (last.norms()[1:] > 0).all()
    case.x = case.x[3:]
    case.first = torch.stack([torch.from_numpy(each[0]).reshape(case.first[0].shape) for each in (
        [last.h] if case.count == 1 else [last.h, last.c])])
    case.T, case.read, case.weights = 3, [2], case.weights[3:]
    for t, states in enumerate(case.reference()[0], start=1):
        assert close(last.grad_h[t], rows(case, states[0].grad))


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
@pytest.mark.parametrize("ends", ["sorted", "anywhere"])
def test_a_batch_that_becomes_smaller_is_one_way_with_sequences_of_their_own_lengths(kind, ends):
    """As captions are read, sorted by length, h[:n], and as ended ones are masked out; against each sequence alone."""
    torch.manual_seed(0)
    cell, lengths = kind(3, 5,
                         dtype=torch.float64), torch.tensor([9, 9, 6, 4, 4] if ends == "sorted" else [4, 9, 6, 9, 4])
    x, weights = torch.randn(9, 5, 3, dtype=torch.float64), torch.randn(5, 5, dtype=torch.float64)

    def run(sequences):
        """The loss on the last state of each sequence, and the states on the way."""
        state = tuple(torch.zeros(len(sequences), 5, dtype=torch.float64) for _ in range(1 + (kind is nn.LSTMCell)))
        there, loss, states = sequences, 0, []
        for t in range(int(lengths[sequences].max())):
            goes_on = lengths[there] > t
            if not goes_on.all():
                state, there = tuple(each[goes_on] for each in state), there[goes_on]
            out = cell(x[t, there], state if len(state) == 2 else state[0])
            state = out if isinstance(out, tuple) else (out,)
            at_end = lengths[there] == t + 1
            loss = loss + (weights[there[at_end]] * state[0][at_end]).sum()
            states.append(state[-1])
        return loss, states

    with watch.watch_time(cell) as flow:
        run(torch.arange(5))[0].backward()
    road, = flow[""].roads()
    assert flow[""].calls == 3 and road.logs.shape == (10, 5) and len(flow.findings()) == 1
    for b, length in enumerate(lengths.tolist()):
        loss, states = run(torch.tensor([b]))
        theirs = np.log([float(each.norm()) for each in torch.autograd.grad(loss, states)])
        assert np.abs(road.logs[1:length + 1, b] - theirs).max() < 1e-10 * np.abs(theirs).max()
        assert np.isnan(road.logs[length + 1:, b]).all()
    total = flow[""].judged(road).total
    assert np.isnan(total).sum() == sum(9 - length for length in lengths.tolist())
    flow.plot()


@pytest.mark.parametrize("kind, T", [("GRUCell", 3000), ("module", 1000)])
def test_logs_hold_where_float64_ends(kind, T):
    """The same way back by the formula, divided by its largest entry at every step."""
    case = Drawn(list(KINDS).index(kind))
    case.T, case.between, case.start, case.read, case.x = T, "nothing", "given", [T - 1], case.x[:1].expand(T, -1, -1)
    case.weights, w, states = case.weights[:1].expand(T, -1, -1), case.raw(), [case.first]
    reading = look(case)[""]
    with torch.no_grad():
        for x in case.x:
            states.append(torch.stack(case.formula(w, x, tuple(states[-1]))))
    v, log = torch.from_numpy(reading.grad_h[-1]), np.zeros(case.B)
    for t in range(T, 1, -1):
        before = states[t - 1].detach().requires_grad_()
        v, = torch.autograd.grad(case.formula(w, case.x[t - 1], tuple(before)), before, v)
        v, size = v[0], v[0].abs().amax(1, keepdim=True)
        v, log = v / size, log + np.log(size[:, 0].numpy())
    assert log.max() < -300
    assert np.allclose(reading.log_reach()[1], log + np.log(v.norm(dim=1).numpy()), rtol=0, atol=1e-8)


def test_second_derivatives_reach_the_states_of_a_cell():
    torch.manual_seed(0)
    states = []
    cell, x, h = nn.RNNCell(2, 3, dtype=torch.float64), torch.randn(5, 1, 2, dtype=torch.float64), None
    x.requires_grad_()
    with watch.watch_time(cell) as flow:
        for x_t in x:
            h = cell(x_t, h)
            h.retain_grad()
            states.append(h)
        slope, = torch.autograd.grad(h.sum(), x, create_graph=True)
        for state in states:
            state.grad = None
        (slope.square().sum() + h.sum()).backward()
    for t, state in enumerate(states, start=1):
        assert close(flow[""].grad_h[t], state.grad.numpy())


def test_the_printed_loop_runs_for_every_cell():
    from course_lib.watch.modules import LOOP
    for kind in (nn.RNNCell, nn.LSTMCell, nn.GRUCell):
        cell, x = kind(3, 4), torch.randn(5, 2, 3)
        code = "\n".join(line[4:] for line in LOOP.splitlines())
        before, after = code.split("loss.backward()")
        space = {"cell": cell, "x": x, "t": 2}
        exec(before, space)
        last = space["state"][0] if kind is nn.LSTMCell else space["state"]
        last.sum().backward()
        kept = space["states"][2][0] if kind is nn.LSTMCell else space["states"][2]
        assert kept.grad.abs().sum() > 0 and "states[t].grad" in after


def test_what_is_not_watched_is_named():
    net = nn.ModuleDict({"encoder": nn.LSTM(3, 4), "decoder": nn.LSTMCell(4, 4), "mine": Elman(3, 4)})
    flow = watch.watch_time(net, names=["encoder"])
    assert repr(flow).endswith("not watched: decoder (LSTMCell)") and flow.names == ["encoder"]
    with watch.watch_time(net) as flow:
        out, _ = net["encoder"](torch.randn(5, 2, 3))
        state = None
        for x_t in out:
            state = net["decoder"](x_t, state)
        state[0].sum().backward()
    assert flow.names == ["encoder", "decoder"] and not flow.not_watched
    assert len(flow.verdict().splitlines()) == 2


class Named(nn.Module):
    """A step that is given the numbers of words, which have no gradient."""

    def __init__(self):
        super().__init__()
        self.embed, self.cell = nn.Embedding(7, 3), nn.RNNCell(3, 4)

    def forward(self, words, h):
        return self.cell(self.embed(words), h)


def test_a_step_that_reads_words_has_no_gradient_of_x():
    torch.manual_seed(0)
    net, words = nn.ModuleDict({"cell": Named()}), torch.randint(7, (5, 2))
    with watch.watch_time(net, cells="cell", names=[]) as flow:
        h = torch.zeros(2, 4)
        for each in words:
            h = net["cell"](each, h)
        h.sum().backward()
    assert flow["cell"].grad_x.shape == (5, 2, 0) and flow.first_nonfinite() is None


class Blend(nn.Module):
    """A step without parameters."""

    def __init__(self, returns=1):
        super().__init__()
        self.returns = returns

    def forward(self, x, h):
        new = torch.tanh(x + 2 * h)
        return new if self.returns == 1 else (new, new * 3)


def test_a_step_without_parameters_is_read():
    """dL/dh_{t-1} = 2 (1 - h_t^2) dL/dh_t, by hand."""
    step, h, states = Blend(), torch.full((1, 1), .1, dtype=torch.float64, requires_grad=True), []
    with watch.watch_time(nn.ModuleDict({"step": step}), cells="step", names=[]) as flow:
        for _ in range(6):
            h = step(torch.full_like(h, -.2), h)
            states.append(h.item())
        h.sum().backward()
    factors = 2 * (1 - np.square(states[1:]))
    assert np.allclose(flow["step"].grad_h[1:, 0, 0], np.append(np.cumprod(factors[::-1])[::-1], 1), rtol=1e-12, atol=0)
    assert flow.first_nonfinite() is None and "no gradient" not in str(flow.verdict())


def test_a_loop_whose_state_is_not_seen_is_not_read_and_says_what_to_give():
    net, x = nn.ModuleDict({"step": Blend(2)}), torch.ones(2, 4, requires_grad=True)
    with watch.watch_time(net, cells="step", names=[]) as flow:
        sum(net["step"](x, torch.ones(2, 4))[0].sum() for _ in range(5)).backward()
    said = str(flow.verdict())
    assert "step was not read: none of its outputs came back as an argument of its next call" in said, said
    assert "cells={'step': watch.State(output=..., argument=...)}" in said
