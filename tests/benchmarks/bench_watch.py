"""Cost of the microscope: a watched training step against a fused one, in turns in one run, and its memory by length.

    make bench        or        python tests/benchmarks/bench_watch.py

The watched step reads the norms of dL/dh_t (dL/dc_t of an LSTM), the verdict and the history too. Exits with 1 if it
takes longer than BOUNDS say, if a step that `every` leaves out takes more than 5 % longer, if the peak memory of the
process is more than twice the fused one's, or if what is kept grows faster than linearly with the number of steps.
"""

from bench_core import in_turns  # first: it sets one thread before torch is loaded

import subprocess
import sys

import numpy as np
import torch
from torch import nn

from course_lib import watch
from report import report

KINDS = "RNN", "LSTM", "GRU"
SHORT, LONG = (100, 32, 64), (1000, 32, 256)  # T, batch, H
# The fused LSTM of 64 units has little to do in a step beside its products, and the replay's are the same products.
BOUNDS = {(kind, size): 3.5 if size is SHORT else 3. for kind in KINDS for size in (SHORT, LONG)}
BOUNDS["LSTM", SHORT] = 4.5
UNWATCHED, MEMORY = 1.05, 2.


def training(kind: str, size: tuple):
    """A training step: forward, loss, backward, update."""
    T, B, H = size
    torch.manual_seed(0)
    module, x = getattr(nn, kind)(H, H), torch.randn(T, B, H)
    optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        module(x)[0][-1].square().sum().backward()
        optimizer.step()

    return module, step


def looked_at(kind: str, size: tuple):
    """The same step watched, with its norms, verdict and history."""
    module, step = training(kind, size)

    def watched():
        with watch.watch_time(module) as flow:
            step()
        return flow[""].norms("c" if kind == "LSTM" else "h"), flow.verdict(), flow.history

    return watched


def steps_of(kind: str, size: tuple) -> dict:
    """Seconds of a fused step, of one that `every` leaves out, and of a watched one."""
    module, left_out = training(kind, size)
    with watch.watch_time(module, every=10**6):
        left_out()  # pass 0 is watched
        return in_turns({"fused": training(kind, size)[1], "unwatched": left_out, "watched": looked_at(kind, size)},
                        rounds=15 if size is SHORT else 3, calls=3 if size is SHORT else 1)


def peak(kind: str, how: str) -> float:
    """Largest memory, in MB, of a process that takes two steps at T = 1000."""
    run = subprocess.run([sys.executable, __file__, kind, how], capture_output=True, text=True, check=True)
    return float(run.stdout)


def kept(kind: str, steps: int) -> int:
    """Bytes of all that a watched pass holds on to, its gradients included: every tensor reached from it, once."""
    module = getattr(nn, kind)(64, 64)
    with watch.watch_time(module) as flow:
        module(torch.randn(steps, 32, 64))[0][-1].sum().backward()
    flow[""].grad_h, flow.verdict()
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
    for kind in KINDS:
        for size in (SHORT, LONG):
            seconds, (T, B, H) = steps_of(kind, size), size
            fused, watched = (np.median(seconds[name]) for name in ("fused", "watched"))
            within.append(report(f"nn.{kind}, a watched step at T = {T}", watched / fused, "fused ones",
                                 most=BOUNDS[kind, size], seconds=seconds["watched"],
                                 note=f"{fused * 1e3:.2f} and {watched * 1e3:.2f} ms, H = {H}, batch {B}"))
            if size is SHORT:
                within.append(report(f"nn.{kind}, a step left out", np.median(seconds["unwatched"]) / fused,
                                     "fused ones", most=UNWATCHED))
        fused, watched = (peak(kind, how) for how in ("fused", "watched"))
        within.append(report(f"nn.{kind}, peak memory at T = 1000", watched / fused, "fused ones", most=MEMORY,
                             note=f"{fused:.0f} and {watched:.0f} MB of the process"))
        short, middle, long = (kept(kind, steps) for steps in (100, 200, 400))
        within.append(report(f"nn.{kind}, kept at T = 400", long / 1e6, "MB", most=np.inf,
                             note=f"at T = 100 {short / 1e6:.1f} MB, at T = 200 {middle / 1e6:.1f} MB"))
        within.append(report(f"nn.{kind}, off a straight line", abs((long - middle) / (middle - short) / 2 - 1) * 100,
                             "%", most=1))
    return int(not all(within))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        take = looked_at(sys.argv[1], LONG) if sys.argv[2] == "watched" else training(sys.argv[1], LONG)[1]
        take(), take()
        with open("/proc/self/status", encoding="ascii") as file:  # of Linux
            print(next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024)
        sys.exit()
    sys.exit(main())
