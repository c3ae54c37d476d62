"""One step of a cell, forward and back: what its gates let through, and by which ways dL/ds_t comes to s_{t-1}."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ... import bptt, cells

GATES = {cells.LSTMParams: "ifgo", cells.GRUParams: "rzn", cells.RNNParams: "h", cells.MinGRUParams: ""}


class OneStep(NamedTuple):
    """Sizes, means over the sequences; those of gradients over |dL/ds_t|, s the state that is kept: c of an LSTM, else h.

    straight  diag(f_t) dL/dc_t, diag(z_t) dL/dh_t; 0 where no gate keeps
    ways      {gate: what comes to s_{t-1} through this gate's block of W_hh}, in torch's order
    through   the sum of these ways; they are vectors, so that their sizes need not add up
    joined    {group of gates: the sum of their ways}, for the groups that were asked for
    whole     all of it, |dL/ds_{t-1}|
    along     what dL/ds_t holds from s_{t+1} alone; 1 where s is h
    read      what it holds because h_t was read, diag(o_t (1 - tanh(c_t)^2)) dL/dh_t of an LSTM; 0 where s is h
    gates     {gate: its mean value}
    passed    {gate: forward, the size of what it lets through over the size of what comes to it}
    """

    straight: float
    ways: dict[str, float]
    through: float
    joined: dict[str, float]
    whole: float
    along: float
    read: float
    gates: dict[str, float]
    passed: dict[str, float]


def one_step(params: cells.CellParams, x: np.ndarray, t: int, seed: int = 0, groups: tuple[str, ...] = ()) -> OneStep:
    """Measure one step back, t to t - 1, of a loss that reads the last state, s_T, alone:

        dL/ds_{t-1} = diag(keep_t) dL/ds_t + sum over the gates k of D_{t-1} W_k^T dL/d(W_k h_{t-1}),

    with D = dh/ds, which is diag(o (1 - tanh(c)^2)) of an LSTM and else I.

    params   of one network: LSTMParams, GRUParams, RNNParams or MinGRUParams
    x        (T, B, D), 2 <= t <= T
    seed     of the gradient at the end, normal, as in `roads`
    groups   of gates whose ways are also to be added up, such as ("go", "o")
    returns  OneStep
    errors   TypeError for another cell, ValueError for another t, and where no gradient comes to s_t
    """
    if type(params) not in GATES:
        raise TypeError(f"params is {type(params).__name__}, needs one of {', '.join(k.__name__ for k in GATES)}.")
    if t not in range(2, len(x) + 1):
        raise ValueError(f"t is {t!r}, needs 2 to {len(x)}, the number of steps in x.")
    run, names = bptt.forward(params, x), GATES[type(params)]
    direct = bptt.at_end(run, np.random.default_rng(seed).normal(size=run.h[-1].shape))
    lstm, before = isinstance(params, cells.LSTMParams), run.h[t - 1]
    back = bptt.backward(run, *(np.zeros_like(run.h), direct) if lstm else (direct,))
    ds, slope = (back.dc, back.local.slope) if lstm else (back.dh, np.ones_like(run.h[1:]))
    size = np.linalg.norm(ds[t], axis=-1).mean()
    if not size > 0:
        raise ValueError(f"dL/ds_t is 0 at step {t}, needs a gradient that comes there: there are no shares of nothing. "
                         f"Take a later step, or larger weights.")

    def share(part):
        return float(np.linalg.norm(part, axis=-1).mean() / size)

    valves = {}  # {gate: its values, what comes to it}, first the gate that keeps
    if lstm:
        valves = {"f": (run.f, run.c[t - 1]), "i": (run.i, run.g[t - 1]), "o": (run.o, np.tanh(run.c[t]))}
    elif isinstance(params, cells.GRUParams):
        valves = {"z": (run.z, before), "1 - z": (1 - run.z, run.n[t - 1]), "r": (run.r, run.m[t - 1])}
    elif isinstance(params, cells.MinGRUParams):
        valves = {"1 - z": (run.keep, before), "z": (run.z, run.n[t - 1])}
    valves = {name: (gate[t - 1], given) for name, (gate, given) in valves.items()}
    ways = {}
    if names:  # local[0] holds dL/d of what W_hh adds to each gate
        da, W = np.split(back.local[0][t - 1], len(names), -1), np.split(params.W_hh, len(names))
        ways = {gate: slope[t - 2] * (da_k @ W_k) for gate, da_k, W_k in zip(names, da, W)}
    kept = [gate for gate, _ in valves.values()][:1]
    read = slope[t - 1] * back.dh[t] if lstm else np.zeros_like(before)
    joined = {group: share(sum((ways[gate] for gate in group), np.zeros_like(before))) for group in (names, *groups)}
    return OneStep(
        share(kept[0] * ds[t]) if kept else 0., {gate: share(way) for gate, way in ways.items()}, joined[names], joined,
        share(ds[t - 1]), share(ds[t] - read), share(read),
        {name: float(gate.mean()) for name, (gate, _) in valves.items()},
        {name: float(np.linalg.norm(gate * given) / np.linalg.norm(given)) for name, (gate, given) in valves.items()})
