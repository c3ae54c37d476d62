"""The microscope against an independent unroll: nn.RNNCell, GRUCell, LSTMCell, one sequence at a time, by autograd.

240 configurations drawn from all that the modules offer: kind, layers, directions, batch_first, bias, projection,
dropout, packed sequences sorted or not, unbatched, initial states given or not, one step or many.
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
