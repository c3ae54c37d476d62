"""Speed of the numeric core against torch, one thread each, both in turns in one run: ratios where they exist.

    make bench        or        python tests/benchmarks/bench_core.py

Both sides do the same work: forward, a loss, every parameter's gradient and dL/dx. Exits with 1 where one falls short.
Both choose their kernels for the processor they find: a setting that holds back one of them alone is taken away.
Seconds are those of the processor: on a busy machine the wait for it is nobody's speed.
"""

import os

os.environ.pop("OPENBLAS_CORETYPE", None)
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before numpy and torch are loaded

import sys
import time

import numpy as np
import torch

from course_lib import bptt, initialise, jacobians, losses, tasks, torch_bridge, train
from course_lib.lessons.nb07_exploding import wall
from report import report, turn

torch.set_num_threads(1)
RNG = np.random.default_rng(0)


def in_turns(functions: dict, rounds: int, calls: int) -> dict:
    """Seconds a call in each round; the functions take turns, so that what slows the machine slows all of them."""
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        turn()
        for name, function in functions.items():
            function()  # the caches of the one before are not ours
            start = time.process_time()
            for _ in range(calls):
                function()
            seconds[name].append((time.process_time() - start) / calls)
    return {name: np.array(values) for name, values in seconds.items()}


def single(H: int, cell: str = "rnn", dtype=np.float32, loop: bool = False, T: int = 100, B: int = 20,
           D: int = 6) -> dict:
    """Hand-written BPTT and torch's fused module, or its autograd over an honest loop; the loss on the last state."""
    params = initialise.torch_default(D, H, RNG, cell, dtype=dtype)
    x, w = RNG.normal(size=(T, B, D)).astype(dtype), RNG.normal(size=(B, H)).astype(dtype)
    module, x_torch, w_torch = torch_bridge.to_torch(params), torch.tensor(x, requires_grad=True), torch.tensor(w)
    fused = {"rnn": "nn.RNN", "lstm": "nn.LSTM", "gru": "nn.GRU"}[cell]

    def ours():
        run = bptt.forward(params, x)
        dh_direct = np.zeros_like(run.h)
        dh_direct[-1] = w
        back = bptt.backward(run, dh_direct)
        return (run.h[-1] * w).sum(), back.grads, back.dx

    def by_loop():
        h = c = torch.zeros(B, H, dtype=x_torch.dtype)
        weights = [p.T for p in (module.weight_ih_l0, module.weight_hh_l0)]
        for x_t in x_torch.unbind(0):
            i, f, g, o = (x_t @ weights[0] + h @ weights[1] + module.bias_ih_l0).chunk(4, -1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return h

    def theirs():
        module.zero_grad()
        x_torch.grad = None
        last = by_loop() if loop else module(x_torch)[0][-1]
        (last * w_torch).sum().backward()

    return in_turns({"torch loop" if loop else f"torch {fused}": theirs, "ours": ours}, rounds=25, calls=4)


def ensemble(T: int, members: int = 10, H: int = 50, B: int = 20) -> dict:
    """One update (loss, gradients, clip, SGD) of an ensemble at once, and of as many torch networks one by one."""
    network = initialise.network(6, H, 4, RNG, members=members, dtype=np.float32)
    x, labels = tasks.temporal_order(T, B, RNG)
    x = x.astype(np.float32)
    x_torch, labels_torch = torch.tensor(x), torch.tensor(labels)
    objective = train.sequence_objective(losses.cross_entropy)
    nets = [(torch.nn.RNN(6, H), torch.nn.Linear(H, 4)) for _ in range(members)]
    optimisers = [torch.optim.SGD([p for part in net for p in part.parameters()], lr=0.01) for net in nets]

    def ours():
        train.train(network, objective, lambda: (x, labels), updates=5, optimiser=train.SGD(0.01), clip_norm=1.0,
                    progress=False)

    def theirs():
        for _ in range(5):
            for (rnn, head), optimiser in zip(nets, optimisers):
                optimiser.zero_grad()
                out, _ = rnn(x_torch)
                torch.nn.functional.cross_entropy(head(out[-1]), labels_torch).backward()
                torch.nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], 1.0)
                optimiser.step()

    return in_turns({"torch, one by one": theirs, "ours, at once": ours}, rounds=15, calls=1)


def main() -> int:
    """Report a figure for each comparison; return 1 if one falls short."""
    within = []
    comparisons = [("BPTT, T = 100, batch 20, H = 50", lambda: single(50), 4.0),
                   ("BPTT, T = 100, batch 20, H = 128", lambda: single(128), 2.0),
                   ("LSTM, T = 100, H = 50, float32", lambda: single(50, "lstm"), 0.5),
                   ("LSTM, T = 100, H = 50, float64", lambda: single(50, "lstm", np.float64), 1.0),
                   ("LSTM against a loop, float32", lambda: single(50, "lstm", loop=True), 2.5),
                   ("LSTM against a loop, float64", lambda: single(50, "lstm", np.float64, loop=True), 2.5),
                   ("GRU, T = 100, H = 50, float32", lambda: single(50, "gru"), 1.0),
                   ("ensemble of 10, T = 50, H = 50", lambda: ensemble(50), 6.0),
                   ("ensemble of 10, T = 100, H = 50", lambda: ensemble(100), 5.0)]
    for title, measure, bound in comparisons:
        (name, slow), (_, fast) = measure().items()
        low, ratio, high = np.percentile(slow / fast, [10, 50, 90])
        within.append(report(title, ratio, "times as fast", least=bound, seconds=fast,
                             note=f"{name} {np.median(slow) * 1e3:.2f} ms, ours {np.median(fast) * 1e3:.2f} ms "
                                  f"(10 to 90 %: {low:.2f} to {high:.2f})"))
    js = RNG.normal(size=(1000, 64, 64)) / 8
    exponents = in_turns({"": lambda: jacobians.lyapunov_exponents(js[t % 1000] for t in range(10_000))}, 9, 1)[""]
    within.append(report("Lyapunov exponents, T = 10 000, H = 64", np.median(exponents), "s", most=.5,
                         seconds=exponents))
    grid = wall.Point(*np.meshgrid(np.linspace(4, 7, 400), np.linspace(-3.2, -1.8, 400)))
    gradients = in_turns({"": lambda: wall.evaluate(grid, 50)}, 9, 1)[""]
    within.append(report("the wall, 400 x 400 exact gradients", np.median(gradients), "s", most=.3, seconds=gradients))
    return int(not all(within))


if __name__ == "__main__":
    sys.exit(main())
