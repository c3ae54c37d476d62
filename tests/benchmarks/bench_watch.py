"""Cost of the microscope: a watched training step against a fused one, in turns in one run, and its memory by length.

    make bench        or        python tests/benchmarks/bench_watch.py

The watched step reads dL/dh_t (dL/dc_t of an LSTM) too. Exits with 1 if it takes more than 7 times as long, or if what
it keeps grows faster than linearly with the number of steps.
"""

from bench_core import in_turns  # first: it sets one thread before torch is loaded

import sys

import numpy as np
import torch
from torch import nn

from course_lib import watch
from report import report

BOUND = 7.
T, B, H = 100, 32, 64


def step(kind: str):
    """A fused step and the same one watched: forward, loss, backward, update."""
    torch.manual_seed(0)
    module, x = getattr(nn, kind)(H, H), torch.randn(T, B, H)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)

    def fused():
        optimizer.zero_grad()
        module(x)[0][-1].square().sum().backward()
        optimizer.step()

    def watched():
        with watch.watch_time(module) as flow:
            fused()
        return flow[""].grad_c if kind == "LSTM" else flow[""].grad_h

    return in_turns({"fused": fused, "watched": watched}, rounds=15, calls=3)


def kept(kind: str, steps: int) -> int:
    """Bytes of all that a watched pass holds on to, its gradients included: every tensor reached from it, once."""
    module = getattr(nn, kind)(H, H)
    with watch.watch_time(module) as flow:
        module(torch.randn(steps, B, H))[0][-1].sum().backward()
    flow[""].grad_h
    storages, seen, waiting = {}, set(), [flow._done]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor):
            storages[value.untyped_storage().data_ptr()] = value.untyped_storage().nbytes()
        elif isinstance(value, (list, tuple)):
            waiting += value
        else:
            waiting += (value if isinstance(value, dict) else getattr(value, "__dict__", {})).values()
    return sum(storages.values())


def main() -> int:
    """Report the figures of each kind; return 1 if one falls short."""
    within = []
    for kind in ("RNN", "LSTM", "GRU"):
        seconds = step(kind)
        low, ratio, high = np.percentile(seconds["watched"] / seconds["fused"], [10, 50, 90])
        fused, watched = (np.median(seconds[name]) * 1e3 for name in ("fused", "watched"))
        within.append(report(f"nn.{kind}, a watched step", ratio, "plain ones", most=BOUND, seconds=seconds["watched"],
                             note=f"{fused:.2f} and {watched:.2f} ms (10 to 90 %: {low:.2f} to {high:.2f}), "
                                  f"T = {T}, H = {H}, batch {B}"))
        short, middle, long = (kept(kind, steps) for steps in (100, 200, 400))
        within.append(report(f"nn.{kind}, kept at T = 400", long / 1e6, "MB", most=np.inf,
                             note=f"at T = 100 {short / 1e6:.1f} MB, at T = 200 {middle / 1e6:.1f} MB"))
        within.append(report(f"nn.{kind}, off a straight line", abs((long - middle) / (middle - short) / 2 - 1) * 100,
                             "%", most=1))
    return int(not all(within))


if __name__ == "__main__":
    sys.exit(main())
