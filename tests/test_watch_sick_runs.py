"""Runs that are sick, as people have them, and runs that are well: what the verdict has to say, and what it must not.

The words were written before the verdicts were looked at. Of a run that is marked silent the verdict does not name the
trouble; of none does it say what is false.
"""

import re
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import rnn as packing

from course_lib import watch

torch.set_num_threads(1)
SICK_WORDS = "vanished|exploding|exactly 0|no gradient|not finite|Saturated|zero_grad|detached|too small"


class Net(nn.Module):
    def __init__(self, kind=nn.LSTM, D=2, H=16, **options):
        super().__init__()
        self.rnn = kind(D, H, batch_first=True, **options)
        self.head = nn.Linear(H * (1 + self.rnn.bidirectional), 1)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


class Run(NamedTuple):
    """flow: what was watched; says: all of these are in its verdict; not_says: none of these; asked: its distance;
    silent: the trouble itself is not named."""

    flow: object
    says: list
    not_says: list = []
    asked: int | None = None
    silent: bool = False


def change(net, **weights):
    """Multiply by a number, or with a pair (number, None) fill."""
    with torch.no_grad():
        for name, p in net.named_parameters():
            for part, value in weights.items():
                if part in name:
                    p.fill_(value[0]) if isinstance(value, tuple) else p.mul_(value)
    return net


def forget(net, bias):
    """Set the forget gate's bias of an LSTM, all in bias_ih."""
    with torch.no_grad():
        for name, p in net.named_parameters():
            if "bias_ih" in name or "bias_hh" in name:
                H = len(p) // 4
                p[H:2 * H] = bias if "bias_ih" in name else 0.
    return net


def once(net, x, read=lambda out: out.square().sum(), updates=0, rate=.1, clipper=None):
    """Watch one update after some that were not watched."""
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    for _ in range(updates):
        optimizer.zero_grad()
        read(net(x)).backward()
        optimizer.step()
    optimizer.zero_grad()
    with watch.watch_time(net, clipper=clipper) as flow:
        read(net(x)).backward()
        if clipper is not None:
            clipper()
    return flow


def learn(net, batch, updates, rate=.01):
    """Adam on fresh batches, the last update watched; returns the flow and the mean loss of the last 20."""
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=rate), []
    with watch.watch_time(net, every=updates - 1) as flow:
        for _ in range(updates):
            x, y = batch()
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    return flow, np.mean(losses[-20:])


def noise(T, B=8, D=2):
    return torch.randn(B, T, D)


SICK, WELL = [], []


def sick(make):
    SICK.append(make)
    return make


def well(make):
    WELL.append(make)
    return make


# Sick

@sick
def default_lstm_over_100_steps():
    return Run(once(Net(), noise(100)), [r"falls to a thousandth in \d+ of 99 steps", "vanished", r"T = 100, batch 8",
                                         "forget gate: median f 0.[45]"], ["alive", "exploding"])


@sick
def sequential_pixels_784_steps():
    return Run(once(Net(nn.GRU, D=1), noise(784, 2, 1)), ["vanished", r"of 783 steps", "too small for float32"],
               ["alive", "exactly 0 \\(", "Rounding is not"])


@sick
def a_thousand_steps_of_a_default_rnn():
    return Run(once(Net(nn.RNN).double(), noise(1500, 1).double()), [r"factor 10\^-\d{3}", "vanished"],
               ["Rounding is not", "a factor 0,"])


@sick
def closed_forget_gate():
    return Run(once(forget(Net(), -5.), noise(60)), ["vanished", "forget gate is nearly closed: median f 0.00"],
               ["alive"])


@sick
def update_gate_that_forgets():
    net = Net(nn.GRU)
    with torch.no_grad():
        net.rnn.bias_ih_l0[16:32] = -6.
        net.rnn.weight_hh_l0[32:] *= .3
    return Run(once(net, noise(60)), ["vanished", "update gate is nearly closed: median z 0.00"], ["alive"])


@sick
def relu_that_explodes():
    net = change(Net(nn.RNN, nonlinearity="relu"), weight_hh=4., bias=(0.,))
    return Run(once(net.double(), noise(60).abs().double()), [r"grows a thousandfold in \d+ of 59 steps: exploding"],
               ["vanished", "alive"])


@sick
def gain_far_above_one():
    torch.manual_seed(1)
    net = Net(nn.RNN, H=64)
    nn.init.orthogonal_(net.rnn.weight_hh_l0, 1.6)
    change(net, weight_ih=.1, bias=(0.,))
    return Run(once(net, .1 * noise(60)), ["exploding"], ["vanished"])


@sick
def overflow_in_the_states():
    net = change(Net(nn.RNN, nonlinearity="relu"), weight_hh=(1.,), weight_ih=(1.,))
    return Run(once(net, noise(60).abs()), ["not finite: h is inf at time step"], ["vanished", "alive"])


@sick
def dead_relu():
    net = change(Net(nn.RNN, nonlinearity="relu"), bias_ih=(-10.,), weight_hh=.1)
    return Run(once(net, noise(60)), ["exactly 0", "Rounding is not the cause", "100% of h is 0", "lives for 0 of 59"],
               ["Rounding is the cause"])


@sick
def saturated_to_the_last_bit():
    return Run(once(change(Net(nn.RNN), bias_ih=(12.,)), noise(60)), ["Rounding is the cause", r"h is exactly \+-1",
                                                                     "Saturated: 100% of h"], ["Rounding is not"])


@sick
def inputs_near_a_thousand():
    return Run(once(Net(nn.RNN), 1000 * noise(40)), [r"Saturated: \d+% of h is at \+-1"], [])


@sick
def inputs_near_a_thousand_in_a_gru():
    return Run(once(Net(nn.GRU), 1000 * noise(40)), [r"Saturated: .*% of r"], [])


@sick
def rate_too_high():
    net = Net(nn.RNN)
    return Run(once(net, noise(40), lambda out: (out - 3).square().mean(), updates=8, rate=20.),
               ["Saturated|not finite"],
               ["Rounding is not", "alive over all 39 steps: .*T = 40, batch 8.\n?$"])


@sick
def nan_in_the_data():
    x = noise(40)
    x[5, 17, 0] = torch.nan
    return Run(once(Net(), x), [r"x is nan at time step 18, sequence 5, \(x\[17\]\)", "look at the data"])


@sick
def root_at_zero():
    def read(out):
        return (out - out.detach()).abs().sqrt().sum()
    return Run(once(Net(), noise(30), read), ["grad_h_direct is", "look at the loss"])


@sick
def broken_weight():
    net = Net()
    with torch.no_grad():
        net.rnn.weight_hh_l0[3, 3] = torch.nan
    return Run(once(net, noise(30)), ["weight_hh_l0 is nan", "an earlier update broke it"])


@sick
def half_precision_overflow():
    net = Net(nn.GRU).half()
    return Run(once(net, noise(20).half(), lambda out: (out.float() * 1e8).sum()),
               ["is -?inf|is nan", "look at the loss"])


class Pair(nn.Module):
    def __init__(self, hand_on):
        super().__init__()
        self.enc, self.dec, self.hand_on = nn.GRU(2, 8, batch_first=True), nn.GRU(2, 8, batch_first=True), hand_on

    def forward(self, x):
        return self.dec(x[:, -5:], self.hand_on(self.enc(x)[1]))[0][:, -1]


@sick
def encoder_detached():
    return Run(once(Pair(lambda h: h.detach()), noise(30)), ["enc: no gradient arrives: the loss does not depend on it",
                                                             r"dec: alive over all 4 steps", "came detached"])


@sick
def critic_not_in_the_loss():
    net = nn.ModuleDict({"actor": nn.GRU(2, 8), "critic": nn.GRU(2, 8)})
    with watch.watch_time(net) as flow:
        net["critic"](torch.randn(6, 3, 2))
        net["actor"](torch.randn(6, 3, 2))[0][-1].sum().backward()
    return Run(flow, ["critic: no gradient arrives", r"actor: alive over all 5 steps"])


@sick
def module_never_called():
    net = nn.ModuleDict({"used": nn.GRU(2, 8), "other": nn.GRU(2, 8)})
    with watch.watch_time(net) as flow:
        net["used"](torch.randn(6, 3, 2))[0][-1].sum().backward()
    return Run(flow, ["other was not called in this pass"])


@sick
def packed_and_read_at_minus_one():
    net = nn.GRU(2, 16, batch_first=True)
    with watch.watch_time(net) as flow:
        out, _ = net(packing.pack_padded_sequence(noise(40), torch.tensor([40] + [20] * 7), batch_first=True))
        packing.pad_packed_sequence(out, batch_first=True)[0][:, -1].square().sum().backward()
    return Run(flow, ["7 of 8 sequences get no gradient"])


@sick
def state_detached_between_chunks():
    net = nn.GRU(2, 8, batch_first=True)
    with watch.watch_time(net) as flow:
        h, outs = None, []
        for part in noise(40).split(10, 1):
            out, h = net(part, h if h is None else h.detach())
            outs.append(out)
        outs[-1][:, -1].square().sum().backward()
    return Run(flow, ["calls 0 to 2: no gradient arrives: the state .* detached", "call 3: alive over all 9 steps",
                      "came detached"])


@sick
def state_never_handed_on():
    net = nn.GRU(2, 8)
    with watch.watch_time(net) as flow:
        sum(net(x_t[None])[0].square().sum() for x_t in torch.randn(20, 3, 2)).backward()
    return Run(flow, ["20 calls of one step", "none was given a state", "no gradient passes through time"], ["alive"])


@sick
def loop_of_one_step_calls_that_vanishes():
    net = change(nn.RNN(2, 24), weight_hh=.3)
    with watch.watch_time(net) as flow:
        h, outs = None, []
        for x_t in torch.randn(60, 8, 2):
            out, h = net(x_t[None], h)
            outs.append(out)
        torch.cat(outs).square().mean().backward()
    return Run(flow, ["60 calls of one step", "falls to a thousandth in [345] of 59 steps", "vanished"], ["alive"])


@sick
def bidirectional_read_at_the_end():
    return Run(once(Net(nn.GRU, bidirectional=True), noise(30)), ["l0_reverse: the loss reads it at step 1 alone",
                                                                  "l0: .*vanished"])


@sick
def zero_grad_forgotten():
    net, x = Net(), noise(10)
    net(x).sum().backward()
    with watch.watch_time(net) as flow:
        net(x).sum().backward()
    return Run(flow, [r"weight_hh_l0.grad held .* already", "zero_grad forgotten"])


@sick
def everything_clipped_away():
    net = Net(nn.RNN, H=64)
    nn.init.orthogonal_(net.rnn.weight_hh_l0, 1.6)
    change(net, weight_ih=.1, bias=(0.,))
    return Run(once(net, .1 * noise(60), clipper=watch.Clipper(net, 1e-3)),
               ["exploding", "acted in 1 of 1 updates, 100%"])


@sick
def recurrent_weights_zero():
    return Run(once(change(Net(nn.RNN), weight_hh=(0.,)), noise(20)), ["exactly 0", "weight_hh_l0 is 0"], ["vanished"])


@sick
def too_short_for_the_distance():
    return Run(once(Net(), noise(60)), ["vanished over the 40 steps asked for", "falls to a thousandth in"], ["alive"],
               40)


@sick
def batch_first_mixed_up():
    net = nn.RNN(2, 16)
    with watch.watch_time(net) as flow:
        net(torch.randn(32, 50, 2))[0][:, -1].sum().backward()
    return Run(flow, ["T = 32, batch 50"], ["alive"], silent=True)


@sick
def zeros_behind_the_end_are_read():
    x = noise(60)
    x[:, 20:] = 0
    return Run(once(Net(), x), [], ["alive"], silent=True)


# Well

def far(T, at, D=2):
    """The sum of all inputs at one place is asked for at the end."""
    def batch():
        x = torch.randn(16, T, D)
        return x, x[:, T - 1 - at].sum(1, keepdim=True)
    return batch


@well
def lstm_that_keeps():
    return once(forget(Net(), 5.), noise(60)), None


@well
def identity_relu():
    net = Net(nn.RNN, nonlinearity="relu", bias=False)
    nn.init.eye_(net.rnn.weight_hh_l0)
    return once(net, noise(60).abs()), None


@well
def orthogonal_rnn():
    net = Net(nn.RNN, H=32)
    nn.init.orthogonal_(net.rnn.weight_hh_l0)
    change(net, bias=(0.,))
    return once(net, .05 * noise(50)), None


@well
def short_sequence():
    return once(Net(), noise(8)), None


@well
def learned_a_short_task():
    flow, loss = learn(Net(H=24), far(20, 2), 250)
    assert loss < .1, "it has to have learned for this to be a healthy run"
    return flow, 2


@well
def learned_a_long_task():
    flow, loss = learn(forget(Net(H=24), 4.), far(30, 28), 300)
    return flow, None


@well
def decoder_in_a_loop():
    net = forget(nn.LSTM(2, 16), 5.)
    with watch.watch_time(net) as flow:
        state = None
        for x_t in torch.randn(40, 1, 4, 2):
            out, state = net(x_t, state)
        out.square().sum().backward()
    return flow, None


@well
def carried_chunks():
    net = forget(nn.LSTM(2, 16), 5.)
    with watch.watch_time(net) as flow:
        state = None
        for chunk in torch.randn(40, 4, 2).split(10):
            out, state = net(chunk, state)
        out[-1].square().sum().backward()
    return flow, None


@well
def loss_at_every_step():
    net = forget(nn.LSTM(2, 16), 5.)
    with watch.watch_time(net) as flow:
        net(torch.randn(50, 4, 2))[0].square().sum().backward()
    return flow, None


@well
def packed_and_read_at_each_end():
    net = nn.GRU(2, 16)
    with torch.no_grad():
        net.bias_ih_l0[16:32] = 5.
    with watch.watch_time(net) as flow:
        net(packing.pack_sequence([torch.randn(n, 2) for n in (9, 30, 17)], enforce_sorted=False))[1].sum().backward()
    return flow, None


@well
def gru_that_keeps_over_a_thousand_steps():
    net = nn.GRU(2, 16)
    with torch.no_grad():
        net.bias_ih_l0[16:32] = 9.
    with watch.watch_time(net) as flow:
        net(torch.randn(1000, 2, 2))[0][-1].sum().backward()
    return flow, None


@pytest.mark.parametrize("make", SICK, ids=lambda make: make.__name__)
def test_what_is_sick_is_said_and_nothing_false(make):
    torch.manual_seed(0)
    run = make()
    words = run.flow.verdict(run.asked)
    for pattern in run.says:
        assert re.search(pattern, words), words
    for pattern in run.not_says:
        assert not re.search(pattern, words), words


@pytest.mark.parametrize("make", WELL, ids=lambda make: make.__name__)
def test_what_is_well_is_called_alive(make):
    torch.manual_seed(0)
    flow, distance = make()
    words = flow.verdict(distance)
    assert re.search(r": alive over ", words) and not re.search(SICK_WORDS, words), words


def test_there_are_enough_of_them():
    assert len(SICK) >= 25 and len(WELL) >= 10 and sum(make().silent for make in SICK) <= 3
