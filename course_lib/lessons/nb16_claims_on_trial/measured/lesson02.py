"""Claims that lesson 02 settles: what a recurrent network is, and what one without a state can do."""

from __future__ import annotations

import numpy as np

from .... import bptt, cells, initialise, losses, tasks, train
from .networks import NETS, both_signs, seeded, left, seeds, untrained


def claim_06(block: int = 0, wide: int = 10, longer: int = 20) -> dict[str, float]:
    """Feed-forward networks that name the first of 10 inputs: percent right, the best of three draws.

    last_input  they see the last input alone
    all_inputs  they see the last `wide` inputs: all 10
    longer      the same networks among `longer` inputs, of which they see as many
    """
    def seen(k, x):
        return x[-k:].swapaxes(0, 1).reshape(1, x.shape[1], -1)

    def right(k, lengths):
        rng = seeded(0, block)
        start = initialise.network(2 * k, 2, 2, rng, recurrent="identity", members=3)

        def batch():
            x, first = tasks.recall(10, 100, rng)
            return seen(k, x), first

        found = train.train(start, train.sequence_objective(losses.cross_entropy), batch, updates=400,
                            optimiser=train.Adam(.02), progress=False).params
        for T in lengths:
            x, first = tasks.recall(T, 2000, seeded(1, block))
            y = cells.readout(found.readout, bptt.forward(found.rnn, seen(k, x)).h[-1])
            yield 100 * (y.argmax(-1) == first).mean(-1).max()

    (last_input,), (all_inputs, other) = right(1, [10]), right(wide, [10, longer])
    return {"last_input": last_input, "all_inputs": all_inputs, "longer": other}


def claim_07(block: int = 0, steps: int = 60) -> dict[str, float]:
    """20 networks each: are the states bounded, and what is left of the gradient?

    bounded_tanh, bounded_linear  50 units, Gaussian W_hh of gain 3: how many keep all states of 50 steps in [-1, 1]
    kept_tanh, kept_sigmoid       percent and share, orthogonal W_hh, inputs of size 0.01: medians of |dL/dh_0| over that of the end
    """
    nets = initialise.rnn(1, 50, seeded(0, block), "gaussian", 3., members=NETS)
    start, silence = seeded(1, block).normal(size=(1, 50)), np.zeros((50, 1, 1))
    found = {}
    for name in ("tanh", "linear"):
        h = bptt.forward(nets, silence, start, name).h[1:]
        found[f"bounded_{name}"] = (np.abs(h).max((0, 2, 3)) <= 1).sum()
    tanh, sigmoid = (np.median(left(untrained(block, inputs=.01), both_signs(block, steps), name))
                     for name in ("tanh", "sigmoid"))
    return found | {"kept_tanh": 100 * tanh, "kept_sigmoid": sigmoid}


def claim_08(block: int = 0) -> dict[str, float]:
    """10 networks of 3 inputs, 2 units and 1 output over 1000 steps, against 1000 layers written out.

    states_agree, gradients_agree  in how many each layer's state, and its gradient of h_1000, agrees to 1e-9
    numbers_shared, numbers_apart  to learn in a network, and if each layer had weights of its own
    """
    states_agree = gradients_agree = 0
    for seed in seeds(block):
        rng = np.random.default_rng(seed)
        network = initialise.network(3, 2, 1, rng, input_gain=.1)
        (W_xh, W_hh, b_h), x = network.rnn, rng.normal(size=(1000, 1, 3))
        h = [np.zeros((1, 2))]
        for x_t in x:
            h.append(np.tanh(x_t @ W_xh.T + h[-1] @ W_hh.T + b_h))
        dh = [np.ones((1, 2))]
        for h_t in h[:0:-1]:
            dh.insert(0, ((1 - h_t**2) * dh[0]) @ W_hh)
        run = bptt.forward(network.rnn, x)
        states_agree += np.allclose(h, run.h, rtol=1e-9, atol=0)
        gradients_agree += np.allclose(dh, bptt.backward(run, bptt.at_end(run)).dh, rtol=1e-9, atol=0)
    shared, layer = (sum(array.size for _, array in cells.leaves(tree)) for tree in (network, network.rnn))
    return {"states_agree": states_agree, "gradients_agree": gradients_agree,
            "numbers_shared": shared, "numbers_apart": shared + 999 * layer}


def claim_10(block: int = 0) -> dict[str, float]:
    """10 networks that read 8 sequences of 37 steps with a loss at each step.

    sums_agree  in how many the loss is the sum of those of 37 runs that end at step 1, 2, ... and read the last
    """
    agree = 0
    for network, x, target in _losses(block):
        steps = sum(_of(network, x[:t + 1], target[t], at="last").loss for t in range(37))
        agree += np.isclose(steps, _of(network, x, target).loss, rtol=1e-9, atol=0)
    return {"sums_agree": agree}


def claim_57(block: int = 0, gain: float = 1.) -> dict[str, float]:
    """The same 10 networks; W_hh is orthogonal times `gain`. Is a sequence one example, or are its steps 37 of them?

    sequences_agree    in how many the gradient is the mean of those of the 8 sequences
    steps_alone_agree  in how many it is, to 1 percent, that of steps which are cut off from those before
    """
    agree = np.zeros(2, int)
    for network, x, target in _losses(block, gain):
        whole = _of(network, x, target).grads.rnn.W_xh
        sequences = np.mean([_of(network, x[:, [b]], target[:, [b]]).grads.rnn.W_xh for b in range(8)], axis=0)
        alone = _of(network, x, target, window=1).grads.rnn.W_xh
        agree += [np.allclose(sequences, whole, rtol=1e-9, atol=0),
                  np.linalg.norm(alone - whole) < .01 * np.linalg.norm(whole)]
    return dict(zip(("sequences_agree", "steps_alone_agree"), agree))


def _losses(block: int, gain: float = 1.):
    for seed in seeds(block):
        rng = np.random.default_rng(seed)
        yield initialise.network(1, 4, 1, rng, gain=gain), *rng.normal(size=(2, 37, 8, 1))


def _of(network, x, target, at="every", window=None):
    return bptt.loss_and_grads(network, x, target, losses.mean_squared_error, at=at, window=window)
