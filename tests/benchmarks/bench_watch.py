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
    """Print a line for each kind; return 1 if a bound is broken."""
    failed = False
    for kind in ("RNN", "LSTM", "GRU"):
        seconds = step(kind)
        low, ratio, high = np.percentile(seconds["watched"] / seconds["fused"], [10, 50, 90])
        failed |= ratio > BOUND
        print(f"nn.{kind:5} T = {T}, H = {H}, batch {B}: fused {np.median(seconds['fused']) * 1e3:6.2f} ms, watched "
              f"{np.median(seconds['watched']) * 1e3:6.2f} ms: {ratio:.2f} times (10 to 90 %: {low:.2f} to {high:.2f}),"
              f" bound {BOUND:g}{'' if ratio <= BOUND else '  ABOVE THE BOUND'}", flush=True)
        short, middle, long = (kept(kind, steps) for steps in (100, 200, 400))
        growth = (long - middle) / (middle - short)
        failed |= not 1.98 < growth < 2.02
        print(f"         kept at T = 100, 200, 400: {', '.join(f'{each / 1e6:.1f}' for each in (short, middle, long))} "
              f"MB: from 200 to 400 steps {growth:.3f} times what 100 to 200 add; linear is 2", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
