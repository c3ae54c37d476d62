"""The microscope against an independent unroll: nn.RNNCell, GRUCell, LSTMCell, one sequence at a time, by autograd.

240 configurations drawn from all that the modules offer: kind, layers, directions, batch_first, bias, projection,
dropout, packed sequences sorted or not, unbatched, initial states given or not, one step or many. 60 more in which the
state is carried from call to call, by chunks or step by step; and ways of 3000 steps, in logs.
"""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import rnn as packing

from course_lib import jacobians, watch

torch.set_num_threads(1)
CASES = 240


class Case(NamedTuple):
    module: nn.RNNBase
    x: list  # one (length, D) tensor a sequence
    layout: str  # "batch", "packed", "unbatched"
    enforce_sorted: bool
    state: tuple | None  # (L * directions, B, K) each
    seed: int


class Unrolled(NamedTuple):
    h: dict  # {(part, sequence): [h_0 ... h_T in the order read]}, leaves of nothing: gradients by autograd
    c: dict
    outputs: list
    finals: list
    weights: dict


def draw(seed):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    kind = ["RNN", "LSTM", "GRU"][seed % 3]

    def pick(*choices):
        return choices[rng.integers(len(choices))]

    layers, D, H = int(rng.integers(1, 4)), int(rng.integers(1, 5)), int(rng.integers(2, 6))
    options = {"nonlinearity": pick("tanh", "relu")} if kind == "RNN" else {}
    if kind == "LSTM" and H > 2 and pick(True, False):
        options["proj_size"] = int(rng.integers(1, H))
    layout = pick("batch", "packed", "packed", "unbatched")
    module = getattr(nn, kind)(D, H, layers, bias=pick(True, True, False), batch_first=pick(True, False),
                               dropout=pick(0., .4) if layers > 1 else 0., bidirectional=pick(True, False),
                               dtype=torch.float64, **options)
    B = 1 if layout == "unbatched" else int(rng.integers(1, 5))
    T = int(rng.integers(1, 10))
    lengths = rng.integers(1, T + 1, B) if layout == "packed" else np.full(B, T)
    enforce_sorted = bool(pick(True, False))
    if enforce_sorted:
        lengths = np.sort(lengths)[::-1]
    state, count = None, layers * (1 + module.bidirectional)
    if pick(True, False):
        sizes = [module.proj_size or H] + [H] * (kind == "LSTM")
        state = tuple(torch.randn(count, B, size, dtype=torch.float64) for size in sizes)
    return Case(module, [torch.randn(length, D, dtype=torch.float64) for length in lengths], layout, enforce_sorted,
                state, seed)


def call(case):
    """Call the module as its users do; returns each sequence's output and the final states (count, B, K)."""
    if case.layout == "packed":
        x = packing.pack_sequence(case.x, case.enforce_sorted)
    elif case.layout == "unbatched":
        x = case.x[0]
    else:
        x = torch.stack(case.x, 0 if case.module.batch_first else 1)
    state = case.state
    if state is not None:
        if case.layout == "unbatched":
            state = tuple(part[:, 0] for part in state)
        state = state if isinstance(case.module, nn.LSTM) else state[0]
    torch.manual_seed(case.seed)
    out, finals = case.module(x, state)
    finals = list(finals) if isinstance(case.module, nn.LSTM) else [finals]
    if case.layout == "packed":
        padded, lengths = packing.pad_packed_sequence(out)
        outputs = [padded[:length, b] for b, length in enumerate(lengths)]
    elif case.layout == "unbatched":
        outputs, finals = [out], [final[:, None] for final in finals]
    else:
        outputs = list(out.unbind(0 if case.module.batch_first else 1))
    return outputs, finals


def masks(case):
    """What torch's dropout multiplies with between the layers: drawn from the same seed, by sequence."""
    module, lengths = case.module, [len(x) for x in case.x]
    width = (module.proj_size or module.hidden_size) * (1 + module.bidirectional)
    torch.manual_seed(case.seed)
    found = []
    for _ in range(module.num_layers - 1):
        if case.layout == "packed":
            order = sorted(range(len(lengths)), key=lambda b: -lengths[b])
            packed = packing.pack_sequence([torch.ones(lengths[b], width, dtype=torch.float64) for b in order])
            order = packing.pack_sequence(case.x, case.enforce_sorted).sorted_indices
            order = range(len(lengths)) if order is None else order.tolist()
            dropped = packed._replace(data=nn.functional.dropout(packed.data, module.dropout))
            padded, _ = packing.pad_packed_sequence(dropped)
            found.append({b: padded[:lengths[b], i] for i, b in enumerate(order)})
        else:
            noise = nn.functional.dropout(torch.ones(lengths[0], len(lengths), width, dtype=torch.float64),
                                          module.dropout)
            found.append({b: noise[:, b] for b in range(len(lengths))})
    return found


def cell_of(module, part, weights):
    """A step (x_t, h, c) -> (h, c) with one layer's weights, by torch's own cell, all (1, K).

    A batch of one on purpose: for vectors LSTMCell returns views, and h_t would not depend on the c_t that it returns.
    """
    W_ih, W_hh, b_ih, b_hh, W_hr = (weights.get(f"{name}_{part}") for name in (
        "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"))
    if W_hr is not None:
        def step(x, h, c):
            a = x @ W_ih.T + h @ W_hh.T + (0 if b_ih is None else b_ih + b_hh)
            i, f, g, o = a.chunk(4, -1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            return (o.sigmoid() * c.tanh()) @ W_hr.T, c
        return step
    options = {"nonlinearity": module.nonlinearity} if isinstance(module, nn.RNN) else {}
    kind = {"RNN": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}[type(module).__name__]
    cell = kind(W_ih.shape[1], W_hh.shape[1], bias=module.bias, dtype=torch.float64, **options)
    named = {"weight_ih": W_ih, "weight_hh": W_hh} | ({"bias_ih": b_ih, "bias_hh": b_hh} if module.bias else {})

    def step(x, h, c):
        state = h if c is None else (h, c)
        new = torch.func.functional_call(cell, named, (x, state))
        return (new, None) if c is None else new
    return step


def unroll(case):
    module = case.module
    weights = {name: p.detach().clone().requires_grad_() for name, p in module.named_parameters()}
    dropped = masks(case) if module.dropout else None
    lstm, directions = isinstance(module, nn.LSTM), 1 + module.bidirectional
    sizes = [module.proj_size or module.hidden_size, module.hidden_size][:1 + lstm]
    state = case.state or tuple(torch.zeros(module.num_layers * directions, len(case.x), size, dtype=torch.float64)
                                for size in sizes)
    hs, cs, outputs = {}, {}, []
    for b, x in enumerate(case.x):
        for layer in range(module.num_layers):
            outs = []
            for way in range(directions):
                index, part = layer * directions + way, f"l{layer}" + "_reverse" * way
                step = cell_of(module, part, weights)
                h = state[0][index, b:b + 1].clone().requires_grad_()
                c = state[1][index, b:b + 1].clone().requires_grad_() if lstm else None
                hs[part, b], cs[part, b] = [h], [c]
                for x_t in (x.flip(0) if way else x).split(1):
                    h, c = step(x_t, h, c)
                    hs[part, b].append(h)
                    cs[part, b].append(c)
                out = hs[part, b][1:]
                outs.append(torch.cat(out[::-1] if way else out))
            x = torch.cat(outs, -1)
            if dropped and layer < module.num_layers - 1:
                x = x * dropped[layer][b]
        outputs.append(x)
    parts = [f"l{layer}" + "_reverse" * way for layer in range(module.num_layers) for way in range(directions)]
    finals = [torch.stack([torch.cat([kept[part, b][-1] for b in range(len(case.x))]) for part in parts])
              for kept in ((hs, cs) if lstm else (hs,))]
    return Unrolled(hs, cs, outputs, finals, weights)


def loss(case, outputs, finals):
    """A loss that reads everything, or only the last output: fixed by the seed."""
    rng = np.random.default_rng(case.seed + 1)
    def read(y):
        return (torch.tensor(rng.normal(size=tuple(y.shape))) * y.sin()).sum()
    total = sum(read(out if case.seed % 4 else out[-1:]) for out in outputs)
    return total + sum(read(final) for final in finals) if case.seed % 2 else total


def close(mine, theirs, tolerance):
    """Relative to the largest entry of each row, where the reference is 0 exactly so."""
    mine, theirs = np.atleast_2d(mine), np.atleast_2d(theirs)
    assert mine.shape == theirs.shape
    scale = np.abs(theirs).max(-1, keepdims=True)
    return (np.abs(mine - theirs) <= tolerance * scale).all()


@pytest.mark.parametrize("seeds", [range(start, start + 24) for start in range(0, CASES, 24)], ids=str)
def test_total_gradients_are_those_of_an_unrolled_network(seeds):
    for seed in seeds:
        case = draw(seed)
        with watch.watch_time(case.module) as flow:
            outputs, finals = call(case)
            loss(case, outputs, finals).backward()
        reading, again = flow[""], unroll(case)
        for mine, theirs in zip(outputs + finals, again.outputs + again.finals):
            assert close(mine.detach().flatten(1), theirs.detach().flatten(1), 1e-10), seed
        states = [h for kept in (again.h, again.c) for row in kept.values() for h in row if h is not None]
        grads = torch.autograd.grad(loss(case, again.outputs, again.finals), [*states, *again.weights.values()],
                                    allow_unused=True)
        grads = [torch.zeros_like(s) if g is None else g for s, g in zip([*states, *again.weights.values()], grads)]
        by_id = {id(s): g.numpy() for s, g in zip(states, grads)}
        for part in reading.parts:
            here = reading.part(part)
            for b, x in enumerate(case.x):
                assert here.lengths[b] == len(x)
                for kept, value, total in ((again.h, "h", "grad_h"), (again.c, "c", "grad_c")):
                    row = kept[part, b]
                    if row[0] is None:
                        with pytest.raises(ValueError, match="no cell state"):
                            getattr(here, total)
                        continue
                    mine = getattr(here, total)[:, b]
                    theirs = np.concatenate([by_id[id(state)] for state in row])
                    assert close(mine[:len(row)], theirs, 1e-10), (seed, part, total)
                    assert np.isnan(mine[len(row):]).all()
                    assert close(getattr(here, value)[:len(row), b], torch.cat(row).detach().numpy(), 1e-10), seed
            for name, grad in here.grads.items():
                theirs = grads[len(states) + list(again.weights).index(name)].numpy()
                fused = getattr(case.module, name).grad.numpy()
                for reference in (theirs, fused):
                    assert close(grad.ravel(), reference.ravel(), 1e-10), (seed, name)


@pytest.mark.long(but_every=5)
@pytest.mark.parametrize("seeds", [range(start, start + 24) for start in range(0, CASES, 48)], ids=str)
def test_the_product_of_jacobians_gives_the_same_gradients(seeds):
    """dL/dh_{t-1} = J_t^T dL/dh_t + direct, with J_t by torch.func from the step alone, along each sequence."""
    for seed in seeds:
        case = draw(seed)
        with watch.watch_time(case.module) as flow:
            loss(case, *call(case)).backward()
        for part in flow[""].parts:
            here = flow[""].part(part)
            js, total = here.jacobians(), here.grad_h
            direct = here.grad_h_direct
            if isinstance(case.module, nn.LSTM):
                direct = np.concatenate([direct, here.grad_c_direct], -1)
            for b, T in enumerate(here.lengths):
                v = direct[T, b]
                for t in range(T, 0, -1):
                    v = js[t - 1, b].T @ v + direct[t - 1, b]
                    assert close(total[t - 1, b], v[:total.shape[-1]], 1e-9), (seed, part, t)
                assert np.isnan(js[T:, b]).all()
                alone = here.jacobians(sequence=b)
                assert close(alone[:T, 0].reshape(T, -1), js[:T, b].reshape(T, -1), 1e-12), seed


def test_singular_values_are_those_of_each_sequence():
    torch.manual_seed(0)
    rnn, x = nn.LSTM(3, 4, dtype=torch.float64), [torch.randn(n, 3, dtype=torch.float64) for n in (3, 7)]
    with watch.watch_time(rnn) as flow:
        rnn(packing.pack_sequence(x, enforce_sorted=False))[0].data.sum().backward()
    reading = flow[""]
    found = reading.log_singular_values()
    assert found.shape == (2, 8) and list(reading.lengths) == [3, 7]
    for b, T in enumerate(reading.lengths):
        assert close(found[b], jacobians.log_singular_values(reading.jacobians()[:T, b]), 1e-12)
        product = np.linalg.multi_dot(reading.jacobians()[T - 1::-1, b])
        assert close(np.exp(found[b][:4]), np.linalg.svd(product, compute_uv=False)[:4], 1e-8)
    assert close(reading.log_singular_values(sequence=1), found[1:], 1e-10)


# Carried from call to call, and very long

def draw_carried(seed):
    rng = np.random.default_rng(1000 + seed)
    kind = ["RNN", "LSTM", "GRU"][seed % 3]
    layers, D, H, B = (int(rng.integers(*ends)) for ends in ((1, 4), (1, 5), (3, 6), (1, 4)))
    options = {"proj_size": 2} if kind == "LSTM" and seed % 2 else {}
    if kind == "RNN":
        options = {"nonlinearity": ["tanh", "relu"][seed % 2]}
    torch.manual_seed(seed)
    module = getattr(nn, kind)(D, H, layers, batch_first=bool(seed % 4), dtype=torch.float64, **options)
    x = [torch.randn(12, D, dtype=torch.float64) for _ in range(B)]
    return Case(module, x, "batch", True, None, seed), [1, 3, 4, 6, 12][seed % 5]


def carried(case, chunk):
    """The outputs of calls of `chunk` steps each, the state handed on, and the last state."""
    time = 1 if case.module.batch_first else 0
    state, outs = None, []
    for part in torch.stack(case.x, 1 - time).split(chunk, time):
        out, state = case.module(part, state)
        outs.append(out)
    finals = list(state) if isinstance(case.module, nn.LSTM) else [state]
    return list(torch.cat(outs, time).unbind(1 - time)), finals


@pytest.mark.parametrize("seeds", [range(start, start + 12) for start in range(0, 60, 12)], ids=str)
def test_gradients_of_carried_calls_are_those_of_an_unrolled_network(seeds):
    for seed in seeds:
        case, chunk = draw_carried(seed)
        with watch.watch_time(case.module) as flow:
            loss(case, *carried(case, chunk)).backward()
        reading, again = flow[""], unroll(case)
        assert reading.calls == 12 // chunk
        rows = [(row, value) for kept, value in ((again.h, "grad_h"), (again.c, "grad_c")) for row in kept.items()
                if row[1][0] is not None]
        states = [state for (_, row), _ in rows for state in row]
        grads = iter(torch.autograd.grad(loss(case, again.outputs, again.finals), states, allow_unused=True))
        for ((part, b), row), value in rows:
            theirs = np.concatenate([np.zeros(state.shape) if g is None else g.numpy()
                                     for state, g in zip(row, grads)])
            for call in range(reading.calls):
                mine = getattr(reading.call(call).part(part), value)[1:, b]
                assert close(mine, theirs[1 + call * chunk:][:chunk], 1e-10), (seed, part, value, call)


@pytest.mark.parametrize("seeds", [range(start, start + 12) for start in range(0, 60, 12)], ids=str)
def test_the_way_through_carried_calls_is_the_way_through_one(seeds):
    """Loss at the end alone: then the total gradient of the unrolled network is all that is on its way."""
    for seed in seeds:
        case, chunk = draw_carried(seed)
        module = case.module
        if module.num_layers > 1 or isinstance(module, nn.RNN) and module.nonlinearity == "relu":
            continue
        with watch.watch_time(module) as flow:
            carried(case, chunk)[1][0].square().sum().backward()
        road, = flow[""].roads()
        again = unroll(case)
        rows = again.c if isinstance(module, nn.LSTM) else again.h
        for b in range(len(case.x)):
            grads = torch.autograd.grad(again.finals[0].square().sum(), rows["l0", b], retain_graph=True)
            theirs = np.log([float(g.norm()) for g in grads[1:]])
            assert np.abs(road.logs[1:, b] - theirs).max() < 1e-10 * np.abs(theirs).max(), seed
            assert len(road.logs) == 13 and len(flow.findings()) == 1


def logs_by_cells(module, x, gradient, states=None):
    """Natural logs of |dL/dh_t|, |dL/dc_t| of an LSTM, for t = T ... 1: each step back by autograd, at length 1. From
    given states, where chaos leaves no two ways of computing them the same."""
    step = cell_of(module, "l0", dict(module.named_parameters()))
    lstm, own = isinstance(module, nn.LSTM), []
    h, c = torch.zeros(1, module.hidden_size).double(), torch.zeros(1, module.hidden_size).double()
    with torch.no_grad():
        for x_t in x.split(1):
            own.append((h, c if lstm else None))
            h, c = step(x_t, *own[-1])
    dh, dc, size, logs = gradient, torch.zeros_like(gradient), 0., []
    for x_t, (h, c) in zip(x.flip(0).split(1), (states or own)[::-1]):
        given = [state.clone().requires_grad_() for state in (h, c) if state is not None]
        new = step(x_t, *given, *[None] * (2 - len(given)))
        if lstm:  # what reaches c_t, by way of h_t too
            inner = new[1].detach().requires_grad_()
            o = torch.sigmoid((x_t @ module.weight_ih_l0.T + given[0] @ module.weight_hh_l0.T + module.bias_ih_l0
                               + module.bias_hh_l0).chunk(4, -1)[3])
            logs.append(size + float((dc + torch.autograd.grad(o * inner.tanh(), inner, dh)[0]).norm().log()))
        else:
            logs.append(size + float(dh.norm().log()))
        dh, *rest = torch.autograd.grad([state for state in new if state is not None], given, [dh, dc][:len(given)])
        dc = rest[0] if lstm else dc
        largest = max(dh.abs().max(), dc.abs().max())
        dh, dc, size = dh / largest, dc / largest, size + float(largest.log())
    return np.array(logs)


@pytest.mark.long(but_every=6)
@pytest.mark.parametrize("chunk, gain", [(1000, 1.), (3000, 5.)], ids=["three calls, vanishing", "one call, chaos"])
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_logs_over_three_thousand_steps(kind, chunk, gain):
    """10^-700 and the like, or as large where there is chaos: every log to 1e-8."""
    torch.manual_seed(0)
    module, x = kind(2, 8, dtype=torch.float64), torch.randn(3000, 1, 2, dtype=torch.float64)
    with torch.no_grad():
        module.weight_hh_l0.mul_(gain)
    with watch.watch_time(module) as flow:
        state = None
        for part in x.split(chunk):
            out, state = module(part, state)
        out[-1].sum().backward()
    road, = flow[""].roads()
    states = None
    if gain > 1:
        h = torch.from_numpy(flow[""].h[:-1])
        states = [(h_t, c_t) for h_t, c_t in zip(h, torch.from_numpy(flow[""].c[:-1]) if kind is nn.LSTM else
                                                 [None] * len(h))]
    theirs = logs_by_cells(module, x[:, 0], torch.ones(1, 8, dtype=torch.float64), states)
    assert np.abs(road.logs[:0:-1, 0] - theirs).max() < 1e-8
    finding, = flow.findings().values()
    assert finding.log10_ratio == pytest.approx((theirs[-1] - theirs[0]) / np.log(10), abs=1e-8)
    if gain == 1:
        assert theirs[-1] < np.log(1e-308) and finding.ratio == 0
        assert f"10^{finding.log10_ratio:.0f}" in finding.words and finding.kind == "vanished"
