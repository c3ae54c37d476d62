"""What a layer without hidden products gains: minGRU and the diagonal recurrence here against torch's nn.GRU, T = 2048.

    make bench        or        python tests/benchmarks/bench_linear.py

Forward, a loss on the last state and all gradients, float32, one thread each, measured in turns. Exits with 1 if minGRU
is less than three times as fast: both do the inputs' products, so that the difference is what nn.GRU does with h_{t-1}.
"""

import sys

from bench_core import RNG, in_turns  # first: it sets the number of threads before numpy and torch are loaded

import numpy as np
import torch

from course_lib import bptt, cells, initialise, torch_bridge
from report import report

T, B, D, H = 2048, 4, 64, 64
LEAST = 3.0


def ours(params, x: np.ndarray, w: np.ndarray) -> None:
    run = bptt.forward(params, x)
    direct = np.zeros_like(run.h)
    direct[-1] = w
    bptt.backward(run, direct)


def main() -> int:
    x, w = RNG.normal(size=(T, B, D)).astype(np.float32), RNG.normal(size=(B, H)).astype(np.float32)
    drawn = initialise.gaussian((2 * H, D), RNG).astype(np.float32)
    mingru = cells.MinGRUParams(drawn, np.zeros(2 * H, np.float32))
    diagonal = cells.DiagonalParams(drawn[:H], np.full(H, .9, np.float32), np.zeros(H, np.float32))
    module = torch_bridge.to_torch(initialise.torch_default(D, H, RNG, "gru", dtype=np.float32))
    x_torch, w_torch = torch.tensor(x), torch.tensor(w)

    def fused():
        module.zero_grad()
        (module(x_torch)[0][-1] * w_torch).sum().backward()

    seconds = in_turns({"nn.GRU": fused, "minGRU": lambda: ours(mingru, x, w),
                        "diagonal": lambda: ours(diagonal, x, w)}, rounds=15, calls=1)
    ratios = {name: np.median(seconds["nn.GRU"] / seconds[name]) for name in ("minGRU", "diagonal")}
    within = [report(f"{name} against nn.GRU", ratio, "times as fast", least=LEAST if name == "minGRU" else 0,
                     seconds=seconds[name], note=f"T = {T}, B = {B}, D = H = {H}") for name, ratio in ratios.items()]
    return int(not all(within))


if __name__ == "__main__":
    sys.exit(main())
