"""The microscope as its users meet it: it changes nothing, says what it cannot do, and finds what is wrong."""

import contextlib
import copy
import gc
import re
import subprocess
import sys
import warnings
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import rnn as packing

from course_lib import watch

torch.set_num_threads(1)


class Classifier(nn.Module):
    def __init__(self, kind=nn.LSTM, **options):
        super().__init__()
        self.rnn = kind(3, 8, batch_first=True, **options)
        self.head = nn.Linear(8 * (1 + self.rnn.bidirectional), 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


def network(seed=0, kind=nn.LSTM, **options):
    torch.manual_seed(seed)
    return Classifier(kind, **options), torch.randn(4, 20, 3), torch.randint(2, (4,))


def train_step(net, x, y):
    loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    return loss.detach()


def watched(*args, **options):
    net, x, y = network(*args, **options)
    with watch.watch_time(net) as flow:
        train_step(net, x, y)
    return flow


def everything(net):
    return [t.clone() for t in net.state_dict().values()] + [p.grad.clone() for p in net.parameters()]


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("options", [{}, {"num_layers": 3, "dropout": .5, "bidirectional": True}],
                         ids=["plain", "deep"])
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_training_is_the_same_to_the_last_bit(kind, options, in_place):
    """Losses, weights, gradients and the next random number, over several updates, also where the output is changed in
    place. Then in float64: in float32 torch itself forbids that to nn.LSTM."""
    results = []
    for look in (False, True):
        net, x, y = network(1, kind, **options)
        if in_place:
            net, x = net.double(), x.double()
            net.rnn.register_forward_hook(lambda module, args, output: (output[0].mul_(.5), output[1]))
        optimizer, losses = torch.optim.SGD(net.parameters(), lr=.1), []
        flow = watch.watch_time(net)
        if look:
            flow.__enter__()
        for _ in range(4):
            optimizer.zero_grad()
            losses.append(train_step(net, x, y))
            if look:
                for part in flow["rnn"].parts:
                    for name, grad in flow["rnn"].part(part).grads.items():
                        theirs = getattr(net.rnn, name).grad.double().numpy()
                        assert np.abs(grad - theirs).max() <= (1e-10 if in_place else 1e-5) * np.abs(theirs).max()
            optimizer.step()
        results.append([*losses, *everything(net), torch.rand(1)])
        if look:
            flow.__exit__(None, None, None)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_the_replay_uses_the_same_dropout_masks():
    net, x, y = network(2, nn.GRU, num_layers=3, dropout=.5)
    with watch.watch_time(net) as flow:
        train_step(net, x, y)
    for part in flow["rnn"].parts:
        for name, grad in flow["rnn"].part(part).grads.items():
            theirs = getattr(net.rnn, name).grad.double().numpy()
            assert np.abs(grad - theirs).max() <= 1e-5 * np.abs(theirs).max(), name


def test_random_numbers_drawn_inside_the_call_are_not_drawn_again():
    class Noisy(nn.GRU):
        def forward(self, x, hx=None):
            result = super().forward(x, hx)
            torch.rand(3)
            return result

    after = []
    for look in (False, True):
        torch.manual_seed(0)
        rnn, x = Noisy(3, 4, num_layers=2, dropout=.5), torch.randn(5, 2, 3)
        with watch.watch_time(rnn) if look else torch.enable_grad():
            rnn(x)
        after.append(torch.rand(1))
    assert torch.equal(*after)


def hooks(net):
    return [(dict(m._forward_hooks), dict(m._forward_pre_hooks), dict(m._backward_hooks), m.training)
            for m in net.modules()] + [(p._backward_hooks, p.requires_grad, p.grad) for p in net.parameters()]


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(fails):
    net, x, y = network()
    before, weights, forward = hooks(net), copy.deepcopy(net.state_dict()), nn.LSTM.forward
    try:
        with watch.watch_time(net) as flow:
            net(x)
            assert hooks(net) == before and nn.LSTM.forward is not forward, "it listens at the class"
            if fails:
                raise KeyError("the user's own")
    except KeyError:
        assert fails
    assert hooks(net) == before and nn.LSTM.forward is forward
    assert all(torch.equal(a, b) for a, b in zip(weights.values(), net.state_dict().values()))
    train_step(net, x, y)
    with pytest.raises(RuntimeError, match="no gradient has arrived"):
        flow["rnn"].grad_h


def test_two_watchers_see_the_same():
    net, x, y = network()
    with watch.watch_time(net) as outer, watch.watch_time(net.rnn) as inner:
        train_step(net, x, y)
    assert np.array_equal(outer["rnn"].grad_h, inner[""].grad_h) and not hooks(net)[1][0]


def test_reading_after_the_update_is_about_the_pass():
    net, x, y = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=10.)
    with watch.watch_time(net) as flow:
        train_step(net, x, y)
        before = flow["rnn"].grads
        old = {name: p.detach().clone() for name, p in net.named_parameters()}
        optimizer.step()
    net2, x2, y2 = network()
    with watch.watch_time(net2) as late:
        train_step(net2, x2, y2)
        torch.optim.SGD(net2.parameters(), lr=10.).step()
    for name, grad in late["rnn"].grads.items():
        assert np.array_equal(grad, before[name])
    for name, ratio in flow.update_ratio().items():
        moved = (net.get_parameter(name).detach() - old[name]).double().norm() / old[name].double().norm()
        assert ratio == pytest.approx(float(moved), rel=1e-6, abs=0)
    assert max(flow.update_ratio().values()) > 0


def test_passes_and_every():
    net, x, y = network()
    optimizer, norms = torch.optim.SGD(net.parameters(), lr=1.), []
    with watch.watch_time(net, every=3) as flow:
        for _ in range(7):
            optimizer.zero_grad()
            with torch.no_grad():
                net(x)
            train_step(net, x, y)
            norms.append(flow["rnn"].norms()[-1, 0])
            optimizer.step()
    assert flow.passes == 7 and norms[0] == norms[1] == norms[2] != norms[3] == norms[5] != norms[6]
    assert flow["rnn"].calls == 1


def test_a_forward_without_backward_leaves_the_last_pass_readable():
    net, x, y = network()
    with watch.watch_time(net) as flow:
        train_step(net, x, y)
        kept = flow["rnn"].grad_h
        net(x)
    assert np.array_equal(flow["rnn"].grad_h, kept) and flow.passes == 1


def test_several_calls_are_told_apart_and_the_last_backward_counts():
    """One module called three times with its state handed on is one call over all steps."""
    torch.manual_seed(0)
    rnn, x = nn.LSTM(3, 5, dtype=torch.float64), torch.randn(12, 2, 3, dtype=torch.float64)
    with watch.watch_time(rnn) as whole:
        out = rnn(x)[0]
        loss = out[-1].square().sum()
        (7 * loss).backward(retain_graph=True)
        first = whole[""].grad_h
        loss.backward()
    assert np.allclose(whole[""].grad_h, first / 7, rtol=1e-14, atol=0) and whole[""].calls == 1
    with watch.watch_time(rnn) as flow:
        state = None
        for chunk in x.split(4):
            out, state = rnn(chunk, state)
        out[-1].square().sum().backward()
    reading = flow[""]
    assert [reading.call(i).state_given for i in range(reading.calls)] == ["not given", "attached", "attached"]
    for i in range(3):
        pairs = [*zip(reading.call(i).grad_h, whole[""].grad_h[4 * i:]),
                 *zip(reading.call(i).grad_c[1:], whole[""].grad_c[4 * i + 1:])]  # c_0 that is given makes no h_0
        for mine, theirs in pairs:
            assert np.abs(mine - theirs).max() <= 1e-12 * np.abs(theirs).max()
    with pytest.raises(ValueError, match=r"called 3 times.*\.call\(0\) to \.call\(2\)"):
        reading.h
    with pytest.raises(ValueError, match="needs 0 to 2"):
        reading.call(3)
    with watch.watch_time(rnn) as flow:
        out, state = rnn(x[:4])
        out, _ = rnn(x[4:], tuple(s.detach() for s in state))
        out[-1].sum().backward()
    assert flow[""].call(1).state_given == "detached"
    assert not flow[""].call(0).grad_h.any() and flow[""].call(1).grad_h.any()


def test_the_direct_path_alone_is_the_famous_wrong_plot():
    net, x, y = network()
    with watch.watch_time(net) as flow:
        out, _ = net.rnn(x)
        out.retain_grad()
        nn.functional.cross_entropy(net.head(out[:, -1]), y).backward()
    reading = flow["rnn"]
    assert np.array_equal(reading.grad_h_direct[1:], out.grad.transpose(0, 1).double().numpy())
    assert not reading.grad_h_direct[:-1].any() and (reading.norms()[:-1] > 0).all()


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_hooks_of_the_user_on_the_output_count(kind):
    """A gradient that is cut off between loss and module reaches the states as it was cut."""
    net, x, y = network(0, kind)
    with watch.watch_time(net) as flow:
        out, _ = net.rnn(x)
        out.register_hook(lambda gradient: gradient.clamp(-1e-3, 1e-3))
        nn.functional.cross_entropy(net.head(out[:, -1]), y).backward()
    assert np.abs(flow["rnn"].grad_h_direct).max() == np.float32(1e-3)
    for name, grad in flow["rnn"].grads.items():
        theirs = getattr(net.rnn, name).grad.double().numpy()
        assert np.abs(grad - theirs).max() <= 1e-5 * np.abs(theirs).max(), name


def test_layouts_do_not_matter():
    """batch_first, unbatched and packed give the same arrays; rows are in the user's order, padding is NaN."""
    torch.manual_seed(0)
    rnn = nn.GRU(3, 4, bidirectional=True, dtype=torch.float64)
    first = nn.GRU(3, 4, bidirectional=True, batch_first=True, dtype=torch.float64)
    first.load_state_dict(rnn.state_dict())
    x = [torch.randn(n, 3, dtype=torch.float64) for n in (4, 7, 2)]
    with watch.watch_time(rnn) as flow:
        rnn(packing.pack_sequence(x, enforce_sorted=False))[0].data.square().sum().backward()
    packed = flow[""]
    assert list(packed.part("l0").lengths) == [4, 7, 2]
    assert packed.part("l0_reverse").positions[:, 0].tolist() == [3, 2, 1, 0, -1, -1, -1]
    assert packed.part("l0").positions[:, 2].tolist() == [0, 1] + [-1] * 5
    for b, alone in enumerate(x):
        for module, data in ((rnn, alone), (first, alone[None])):
            with watch.watch_time(module) as flow:
                module(data)[0].square().sum().backward()
            for part in packed.parts:
                one, many = flow[""].part(part), packed.part(part)
                for name in ("h", "grad_h", "x", "grad_x"):
                    mine = getattr(many, name)[:, b]
                    length = len(getattr(one, name))
                    assert np.allclose(mine[:length], getattr(one, name)[:, 0], rtol=1e-12, atol=1e-15)
                    assert np.isnan(mine[length:]).all()
                assert np.array_equal(many.x[np.arange(len(alone)), b], alone[many.positions[:len(alone), b]])
    assert np.isnan(packed.part("l0").norms()[3:, 2]).all()


def test_norms_do_not_underflow_and_nothing_is_invented():
    """A gradient of 1e-36 has squares that float32 does not know."""
    rnn, x = nn.RNN(2, 3), torch.randn(5, 1, 2)
    with watch.watch_time(rnn) as flow:
        (rnn(x)[0][-1].sum() * 1e-36).backward()
    assert float(rnn.weight_hh_l0.grad.square().sum()) == 0 < flow[""].norms()[-1, 0] < 1e-35


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "dropout": .3, "bidirectional": True}],
                         ids=["plain", "deep"])
def test_chaos_does_not_stop_it(options):
    """Weights 20 times the default, 60 steps, gradients of 1e11: a rounding difference grows to all of the state, so
    that each single step is compared instead."""
    torch.manual_seed(0)
    rnn, x = nn.LSTM(2, 64, **options), torch.randn(60, 2, 2)
    with torch.no_grad():
        for name, p in rnn.named_parameters():
            p.mul_(20 if name.startswith("weight_hh") else 1)
    with watch.watch_time(rnn) as flow:
        out, _ = rnn(x)
        out[-1].sum().backward()
    top = flow[""].each()[-2 if rnn.bidirectional else -1]
    assert np.array_equal(top.h[1:], out.detach().double().numpy()[..., :64])
    assert "each single step" in top.precision
    for each in flow[""].each():
        for name, grad in each.grads.items():
            theirs = getattr(rnn, name).grad.double().numpy()
            assert np.abs(grad - theirs).max() <= 2e-4 * np.abs(theirs).max(), name


def test_saturation_counts():
    rnn, x = nn.RNN(1, 2, bias=False), torch.tensor([[[1.]], [[0.]]])
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.tensor([[100.], [.1]]))
        rnn.weight_hh_l0.zero_()
    with watch.watch_time(rnn) as flow:
        rnn(x)[0].sum().backward()
    assert flow[""].saturation() == {"h": .25}
    lstm = watched()["rnn"]
    gates = {**lstm.gates, "tanh(c)": np.tanh(lstm.c[1:])}
    assert lstm.saturation().keys() == gates.keys() == {"i", "f", "g", "o", "tanh(c)"}


# What is not finite, and where

def poison(where):
    """A watched pass of an RNN in which one thing is broken."""
    torch.manual_seed(0)
    rnn, x, state = nn.RNN(3, 4), torch.randn(100, 2, 3), torch.zeros(1, 2, 4)
    if where == "x":
        x[77, 1, 2] = torch.inf
    if where == "initial h":
        state[0, 1, 0] = torch.nan
    if where == "weight":
        with torch.no_grad():
            rnn.weight_hh_l0[0, 0] = torch.nan
    if where == "grad_h":
        with torch.no_grad():
            rnn.weight_hh_l0.mul_(30)
            rnn.weight_ih_l0.mul_(1e-6)
            rnn.bias_ih_l0.zero_(), rnn.bias_hh_l0.zero_()
        x, state = 1e-30 * x, state
    with watch.watch_time(rnn) as flow:
        out, _ = rnn(x, state)
        loss = out[-1].sum()
        if where == "direct":
            loss = loss + (out[50, 1, 0] - out[50, 1, 0].detach()).sqrt()
        (loss * (1e30 if where == "grad_h" else 1)).backward()
    return rnn, flow


@pytest.mark.parametrize("where, array, step, sequence, says", [
    ("x", "x", 78, 1, r"x is inf at time step 78, sequence 1, \(x\[77\]\) in l0"),
    ("initial h", "initial h", 0, 1, "It came with the initial state"),
    ("weight", "weight_hh_l0", None, None, "an earlier update broke it"),
    ("direct", "grad_h_direct", 51, 1, "look at the loss"),
    ("grad_h", "grad_h", None, None, "this step made it")])
def test_the_first_value_that_is_not_finite_is_named(where, array, step, sequence, says):
    rnn, flow = poison(where)
    found = flow.first_nonfinite()
    assert found.array == array and re.search(says, str(found))
    assert repr(found) == repr(flow[""].first_nonfinite())
    assert flow[""].finding().kind == "not finite" and str(found) in flow.verdict()
    if where == "grad_h":
        bad = ~np.isfinite(flow[""].grad_h).all(-1)
        assert found.step == np.nonzero(bad.any(1))[0].max() and np.isfinite(flow[""].h).all()
    else:
        assert (found.step, found.sequence) == (step, sequence)
    if where == "x":  # states and gradients of states stay finite: only the input and one gradient show it
        assert np.isfinite(flow[""].grad_h).all() and rnn.weight_ih_l0.grad.isnan().any()
        assert np.isnan(flow[""].grads["weight_ih_l0"]).any()


def test_a_healthy_pass_has_nothing_that_is_not_finite():
    assert watched().first_nonfinite() is None


def test_states_that_overflow_are_found_before_any_backward():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 3), nn.RNN(3, 4, nonlinearity="relu"))
    with torch.no_grad():
        net[1].weight_hh_l0.fill_(10.)
        for p in [*net[0].parameters(), net[1].weight_ih_l0]:
            p.fill_(1.)
    with watch.watch_time(net) as flow:
        out, _ = net(torch.ones(50, 1, 3))
    found = flow.first_nonfinite()
    expected = int((~out.detach().isfinite()).any(-1).nonzero()[0, 0]) + 1
    assert (found.array, found.module, found.step) == ("h", "1", expected)


def test_the_first_layer_that_breaks_is_named():
    """A NaN between two modules: states of the first are fine, the second reads it; gradients come the other way."""
    net, x, _ = network(0, nn.GRU)
    second = nn.GRU(8, 4, batch_first=True)
    both = nn.ModuleDict({"one": net.rnn, "two": second})
    with watch.watch_time(both) as flow:
        out, _ = both["one"](x)
        both["two"](torch.where(torch.arange(20)[:, None] == 6, torch.nan, out))[0].sum().backward()
    found = flow.first_nonfinite()
    assert (found.array, found.module, found.step) == ("x", "two", 7)


# The verdict

def linear(q, T, dtype=torch.float32, sign=1.):
    """A ReLU unit that multiplies its gradient by q at each step."""
    rnn = nn.RNN(1, 1, nonlinearity="relu", bias=False, dtype=dtype)
    with torch.no_grad():
        rnn.weight_ih_l0.fill_(sign), rnn.weight_hh_l0.fill_(q)
    with watch.watch_time(rnn) as flow:
        rnn(torch.ones(T, 2, 1, dtype=dtype))[0][-1].sum().backward()
    return flow[""]


@pytest.mark.parametrize("q, T, kind", [(.5, 21, "vanished"), (2., 21, "exploding"), (.99, 21, "healthy"),
                                        (1., 21, "healthy"), (.1, 100, "vanished")])
def test_the_verdict_has_the_right_numbers(q, T, kind):
    found = linear(q, T).finding()
    assert found.kind == kind and found.steps == T - 1
    assert found.ratio == pytest.approx(q ** (T - 1), rel=1e-5, abs=0)
    assert found.factor == pytest.approx(q, rel=1e-6, abs=0)
    assert found.half_life == pytest.approx(abs(np.log(2) / np.log(q)) if q != 1 else np.inf, rel=1e-5, abs=0)
    assert found.log10_ratio == pytest.approx((T - 1) * np.log10(q), rel=1e-6, abs=0)
    assert ("After 45 steps it is too small for float32: there nothing of it is left." in str(found)) == (q < .5)


def test_a_dead_unit_is_no_matter_of_rounding():
    rnn = nn.RNN(1, 1, nonlinearity="relu", bias=False)
    with torch.no_grad():
        rnn.weight_ih_l0.fill_(1.), rnn.weight_hh_l0.fill_(.9)
    x = torch.ones(10, 1, 1)
    x[4] = -100
    with watch.watch_time(rnn) as flow:
        rnn(x)[0][-1].sum().backward()
    assert flow[""].finding().kind == "zero" and "Rounding is not the cause" in flow.verdict()


@pytest.mark.parametrize("step", [1, 2, 3, 9])
def test_the_step_where_a_gradient_ends_is_named(step):
    rnn = nn.RNN(1, 1, nonlinearity="relu", bias=False)
    with torch.no_grad():
        rnn.weight_ih_l0.fill_(1.), rnn.weight_hh_l0.fill_(.9)
    x = torch.ones(10, 1, 1)
    x[step - 1] = -100
    with watch.watch_time(rnn) as flow:
        rnn(x)[0][-1].sum().backward()
    verdict = flow.verdict()
    assert (f"at step {step} 100% of h is 0" in verdict) == (step > 1), verdict  # step 0 is the initial state's


def test_a_loss_at_every_step_does_not_hide_a_vanishing_gradient():
    """The total gradient is as large at step 1 as at the end; what came from the end is gone."""
    rnn, T = nn.RNN(1, 1, nonlinearity="relu", bias=False, dtype=torch.float64), 41
    with torch.no_grad():
        rnn.weight_ih_l0.fill_(1.), rnn.weight_hh_l0.fill_(.5)
    with watch.watch_time(rnn) as flow:
        rnn(torch.ones(T, 1, 1, dtype=torch.float64))[0].sum().backward()
    assert flow[""].norms()[1, 0] > 1 and flow[""].finding().kind == "vanished"
    assert np.allclose(flow[""].reach()[:, 0], .5 ** (T - np.arange(T + 1.)), rtol=1e-12, atol=0)


def test_the_reverse_direction_read_at_one_step_is_told():
    flow = watched(0, nn.GRU, bidirectional=True)
    assert flow["rnn"].part("l0_reverse").finding().kind == "no time"
    assert "rnn l0_reverse: the loss reads it at step 1 alone" in flow.verdict()


def test_the_verdict_tells_how_often_the_clipper_acted():
    net, x, y = network()
    clipper = watch.Clipper(net, max_norm=1e-3)
    with watch.watch_time(net, clipper=clipper) as flow:
        assert "was not called" in watch_clip(flow, net, x, y, None)
        train_step(net, x, y)
        clipper()
        net.zero_grad()
        train_step(net, x, y)
        clipper.max_norm = 1e9
        clipper()
    assert "acted in 1 of 2 updates, 50%" in flow.verdict() and clipper.fraction == .5
    assert repr(clipper) == "Clipper(max_norm=1e+09): acted in 1 of 2 calls"


def watch_clip(flow, net, x, y, clipper):
    train_step(net, x, y)
    net.zero_grad()
    return flow.verdict()


# Refusals that explain

class Changed(nn.RNN):
    def forward(self, x, hx=None):
        out, h = super().forward(x, hx)
        return 1.5 * out, h


class Wrapped(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module


def compiled_in_place():
    net = network()[0]
    net.compile(backend="eager")
    return net


class OptimizedModule(nn.Module):
    """As torch.compile makes it: the module under _orig_mod."""

    def __init__(self, module):
        super().__init__()
        self._orig_mod = module


def by_torchscript(module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(module)


@pytest.mark.parametrize("make, error, says", [
    (lambda: watch.watch_time(3), TypeError, "net is int, needs an nn.Module"),
    (lambda: watch.watch_time(nn.Sequential(nn.Linear(2, 2), nn.ReLU())), ValueError, "It holds 1 Linear, 1 ReLU."),
    (lambda: watch.watch_time(nn.ModuleList([nn.Linear(2, 2)])), ValueError, 'cells=["decoder.cell"]'),
    (lambda: watch.watch_time(network()[0], cells="rn"), ValueError, "cells has 'rn', which is no module of net"),
    (lambda: watch.watch_time(network()[0], cells=[3]), TypeError, "cells has int, needs names"),
    (lambda: watch.watch_time(network()[0], cells={"rnn": 1}), TypeError, "cells['rnn'] is int, needs a watch.State"),
    (lambda: watch.watch_time(network()[0], cells=lambda x, h: h), ValueError, "is local to a function"),
    (lambda: watch.watch_time(network()[0], cells=nn.Linear(1, 1)), ValueError, "a Linear that is not in net"),
    (lambda: watch.watch_time(network()[0], names=["lstm"]), ValueError, "choose from 'rnn'"),
    (lambda: watch.watch_time(network()[0], on_error="ignore"), ValueError, "needs one of 'raise', 'warn'"),
    (lambda: watch.watch_time(OptimizedModule(network()[0])), TypeError, "Pass net._orig_mod"),
    (lambda: watch.watch_time(compiled_in_place()), TypeError, "before net.compile()"),
    (lambda: watch.watch_time(by_torchscript(network()[0])), TypeError, "TorchScript"),
    (lambda: watch.watch_time(nn.DataParallel(network()[0])), TypeError, "Pass net.module"),
    (lambda: watch.watch_time(Wrapped(nn.GRU(2, 2, device="meta"))), ValueError, "module is on the meta device"),
    (lambda: watch.watch_time(nn.GRU(2, 2), every=0), ValueError, "every is 0"),
    (lambda: watch.watch_time(nn.GRU(2, 2), clipper=1.), TypeError, "needs a watch.Clipper"),
    (lambda: watched()["lstm"], KeyError, "no recurrent module is called 'lstm'; there is 'rnn'"),
    (lambda: watched(num_layers=2)["rnn"].h, ValueError, "choose one, .part('l0'). It has l0, l1"),
    (lambda: watched()["rnn"].part("l7"), ValueError, "part is 'l7', needs one of 'l0'"),
    (lambda: watched(0, nn.GRU)["rnn"].grad_c, ValueError, "is an nn.GRU, which has no cell state c"),
    (lambda: watched()["rnn"].norms("g"), ValueError, "needs 'h' or 'c'"),
    (lambda: watched()["rnn"].jacobians(9), ValueError, "sequence is 9, needs 0 to 3"),
    (lambda: watched()["rnn"].jacobians(-1), ValueError, "sequence is -1, needs 0 to 3"),
    (lambda: watched().plot(live=True), RuntimeError, "inside the with"),
])
def test_refusals(make, error, says):
    with pytest.raises(error, match=re.escape(says)):
        make()


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # dynamo's own look
@pytest.mark.parametrize("wrapped", [lambda head: torch.compile(head, backend="eager"), by_torchscript,
                                     nn.DataParallel], ids=["compiled", "TorchScript", "DataParallel"])
def test_a_head_that_cannot_be_listened_to_is_in_nobodys_way(wrapped):
    """Only what holds a recurrence has to be heard; around one it is refused, by its own name."""
    readings = []
    for change in (lambda head: head, wrapped):
        net, x, y = network()
        net.head = change(net.head)
        with watch.watch_time(net) as flow:
            nn.functional.cross_entropy(net(x), y).backward()
        readings.append(flow["rnn"].grad_h)
    assert np.array_equal(*readings) and readings[0].any()
    net = nn.ModuleDict({"encoder": wrapped(network()[0]), "head": nn.Linear(2, 2)})
    with pytest.raises(TypeError, match="net.encoder is (compiled|TorchScript|DataParallel)"):
        watch.watch_time(net)


def test_a_network_that_is_compiled_outside_is_heard_as_it_is_written():
    """torch.compile(net) is called, net is watched: what listens is not compiled along, which took minutes."""
    readings, graphs = [], []

    def counted(graph, inputs):
        graphs[-1] += 1
        return graph.forward

    for look, compiled in ((True, False), (False, True), (True, True)):
        torch._dynamo.reset()
        graphs.append(0)
        net, x, y = network()
        call = torch.compile(net, backend=counted) if compiled else net
        with watch.watch_time(net) if look else contextlib.nullcontext() as flow:
            nn.functional.cross_entropy(call(x), y).backward()
        readings += [flow["rnn"].grad_h] if look else []
    assert np.array_equal(*readings) and readings[0].any()
    assert graphs[2] == graphs[1]


def test_what_torch_compile_really_makes_is_refused():
    with pytest.raises(TypeError, match="Pass net._orig_mod"):
        watch.watch_time(torch.compile(network()[0], backend="eager"))


def test_a_subclass_that_changes_its_output_is_watched_where_it_calls_torchs_own():
    torch.manual_seed(0)
    rnn = Changed(3, 4)
    with watch.watch_time(rnn) as flow:
        rnn(torch.randn(5, 2, 3))[0].sum().backward()
    assert np.allclose(flow[""].grad_h_direct[1:], 1.5)
    theirs = rnn.weight_hh_l0.grad.numpy()
    assert np.abs(flow[""].grads["weight_hh_l0"] - theirs).max() <= 1e-5 * np.abs(theirs).max()


def test_a_step_that_is_not_the_modules_is_refused_during_the_call(monkeypatch):
    fused = nn.modules.rnn._VF.rnn_tanh
    monkeypatch.setattr(nn.modules.rnn._VF, "rnn_tanh", lambda *args: [1.5 * each for each in fused(*args)])
    rnn = nn.RNN(3, 4)
    with pytest.raises(RuntimeError, match=r"the replay of the module itself \(RNN\) differs .* in float32"):
        with watch.watch_time(rnn):
            rnn(torch.randn(5, 2, 3))
    assert nn.RNN.forward.__module__ == "torch.nn.modules.rnn" and not hasattr(nn.RNN.forward, "__wrapped__")


def test_a_subclass_that_changes_nothing_is_watched():
    class Mine(nn.LSTM):
        pass
    rnn = Mine(3, 4)
    with watch.watch_time(rnn) as flow:
        rnn(torch.randn(5, 2, 3))[0].sum().backward()
    assert (flow[""].norms() > 0).all()


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_passes_without_gradients_say_so(context):
    net, x, _ = network()
    with watch.watch_time(net) as flow, context():
        net(x)
    with pytest.raises(RuntimeError, match=f"every call so far ran under torch.{context.__name__}.*: 1 ignored"):
        flow["rnn"]


def test_nothing_called_says_so():
    with watch.watch_time(network()[0]) as flow:
        pass
    with pytest.raises(RuntimeError, match="nothing was watched yet"):
        flow.verdict()


def test_a_loss_that_was_not_backpropagated_and_a_loss_of_something_else():
    net, x, y = network()
    with watch.watch_time(net) as flow:
        net(x)
    assert flow["rnn"].h.shape == (21, 4, 8)
    for read in (lambda: flow["rnn"].grad_h, flow.verdict, flow.plot):
        with pytest.raises(RuntimeError, match=r"call loss.backward\(\) first"):
            read()


def test_frozen_parameters_and_a_detached_input_say_so():
    net, x, y = network()
    net.rnn.requires_grad_(False)
    with watch.watch_time(net) as flow:
        train_step(net, x, y)
    with pytest.raises(RuntimeError, match="parameters are frozen"):
        flow["rnn"].grad_h
    x.requires_grad_()
    with watch.watch_time(net) as flow:
        train_step(net, x, y)
    assert np.abs(flow["rnn"].grad_x - x.grad.transpose(0, 1).double().numpy()).max() < 1e-7


@pytest.mark.parametrize("kind, low", [(nn.RNN, torch.bfloat16), (nn.LSTM, torch.bfloat16), (nn.GRU, torch.bfloat16),
                                       (nn.RNN, torch.float16), (nn.GRU, torch.float16)])
def test_autocast_is_read_with_its_tolerance(kind, low):
    """torch has no nn.LSTM in float16 on most CPUs."""
    net, x, y = network(0, kind, num_layers=2)
    with watch.watch_time(net) as flow, torch.autocast("cpu", dtype=low):
        loss = nn.functional.cross_entropy(net(x), y)
    loss.backward()
    name, allowed = str(low).removeprefix("torch."), 8e-2 if low is torch.bfloat16 else 1e-2
    for part in flow["rnn"].each():
        assert part.precision.startswith(f"{name} on cpu") and (part.norms()[1:] > 0).all()
        for parameter, grad in part.grads.items():
            theirs = getattr(net.rnn, parameter).grad.double().numpy()
            assert np.abs(grad - theirs).max() <= allowed * np.abs(theirs).max(), parameter


def test_half_precision_is_compared_with_its_own_tolerance():
    net, x, y = network()
    net, x = net.bfloat16(), x.bfloat16()
    with watch.watch_time(net) as flow:
        train_step(net, x, y)
    assert flow["rnn"].precision.startswith("bfloat16 on cpu") and (flow["rnn"].norms() > 0).all()


@pytest.mark.parametrize("way", ["parametrized", "pruned", "weight norm"])
def test_weights_made_from_others_are_watched_or_refused_like_any(way):
    """torch keeps the tensors it computed with; the replay takes those."""
    torch.manual_seed(0)
    rnn, x = nn.GRU(3, 4), torch.randn(6, 2, 3)
    if way == "parametrized":
        nn.utils.parametrizations.spectral_norm(rnn, "weight_hh_l0")
    elif way == "pruned":
        from torch.nn.utils import prune
        prune.l1_unstructured(rnn, "weight_hh_l0", amount=.5)
    else:
        nn.utils.parametrizations.weight_norm(rnn, "weight_hh_l0")
    with watch.watch_time(rnn) as flow:
        rnn(x)[0].sum().backward()
    assert (flow[""].norms() > 0).all()


# Picture and text

def test_the_picture_tells_its_finding():
    net, x, y = network(0, nn.LSTM, num_layers=2, bidirectional=True)
    with watch.watch_time(net, clipper=watch.Clipper(net, 1.)) as flow:
        train_step(net, x, y)
    figure = flow.plot()
    for finding in flow.findings().values():
        assert finding.words in figure.alt
    assert "The clipper (max_norm 1) was not called." in figure.alt and len(figure.png()) > 10_000
    names = {text.get_text() for ax in figure.fig.axes for text in ax.texts}
    assert names >= {"rnn l0", "rnn l0_reverse", "rnn l1", "rnn l1_reverse"}
    lines = [line for line in figure.fig.axes[0].lines if line.get_marker() == "None" and len(line.get_xdata()) == 21]
    curve = next(c for c in figure.curves if c.label == "rnn l0")
    assert np.allclose(lines[0].get_ydata(), np.log10(np.median(curve.total, 1)), atol=.2) and len(lines) == 4
    assert len({line.get_color() for line in lines}) == len({str(line._unscaled_dash_pattern) for line in lines}) == 4


@pytest.mark.parametrize("q, T", [(.5, 41), (.9, 21), (2., 21)])
def test_a_name_stands_where_its_curve_ends(q, T):
    ax = plot_of(linear(q, T)).fig.axes[0]
    name, = (text for text in ax.texts if text.get_text() == "unit")
    curve, = (line for line in ax.lines if line.get_marker() == "None" and len(line.get_xdata()) == T + 1)
    low, high = ax.get_ylim()
    assert abs(name.get_position()[1] - curve.get_ydata()[-1]) < .05 * (high - low)


def test_pictures_of_zeros_and_of_nothing_finite():
    assert "exactly 0" in plot_of(linear(.1, 100)).alt
    rnn, flow = poison("weight")
    assert "weight_hh_l0 is nan" in flow.plot().alt and flow.plot().png()


def plot_of(reading):
    from course_lib.watch.picture import Curve, Through
    return Through([Curve("unit", "h", reading.norms(), reading.reach(), reading.finding().words)])


def test_live_draws_after_each_watched_pass(monkeypatch):
    import IPython.display
    shown, figures = [], []
    class Handle:
        def update(self, figure):
            shown.append(figure.alt)
            figures.append(weakref.ref(figure.fig))
    monkeypatch.setattr(IPython.display, "display", lambda *args, **options: Handle())
    net, x, y = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=1.)
    gc.disable()  # no picture is freed but by the flow
    try:
        with watch.watch_time(net, every=2) as flow:
            flow.plot(live=True)
            for _ in range(5):
                optimizer.zero_grad()
                train_step(net, x, y)
                optimizer.step()
        assert not any(figure() for figure in figures), "a picture is still in memory"
    finally:
        gc.enable()
    assert len(shown) == len(set(shown)) == 3  # passes 0, 2 and 4


def test_the_docstring_runs_as_it_stands():
    code = watch.__doc__.split("\n\n", 1)[1].split("\n\n`out.retain_grad()`")[0]
    space = {}
    exec("\n".join(line[4:] for line in code.splitlines()), space)
    assert space["flow"]["rnn"].norms().shape == (51, 8) and space["flow"]["rnn"].grad_c.shape == (51, 8, 16)


def test_torch_is_imported_only_when_it_is_used():
    code = "import sys, course_lib.watch; print(bool({'torch', 'matplotlib', 'IPython'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("kind, cell_kind", [(nn.GRU, nn.GRUCell), (nn.LSTM, nn.LSTMCell)])
def test_a_module_called_step_by_step_gets_one_verdict(kind, cell_kind):
    torch.manual_seed(0)
    module = kind(3, 8, dtype=torch.float64)
    cell = cell_kind(3, 8, dtype=torch.float64)
    cell.load_state_dict({name[:-3]: p for name, p in module.named_parameters()})
    x, state, states, h = torch.randn(40, 1, 2, 3, dtype=torch.float64), None, [], None
    with watch.watch_time(nn.ModuleDict({"decoder": module})) as flow:
        for x_t in x:
            out, state = module(x_t, state)
        out.square().sum().backward()
    for x_t in x[:, 0]:
        h = cell(x_t, h)
        kept = h[1] if kind is nn.LSTM else h
        kept.retain_grad()
        states.append(kept)
    (h[0] if kind is nn.LSTM else h).square().sum().backward()
    norms = np.stack([each.grad.norm(dim=-1).numpy() for each in states])
    (label, finding), = flow.findings().items()
    assert label == "decoder (40 calls of one step)" and finding.steps == 39 and finding.kind == "vanished"
    assert finding.ratio == pytest.approx(np.exp(np.mean(np.log(norms[0] / norms[-1]))), rel=1e-9, abs=0)
    assert flow.verdict() == finding.words and "no gradient passes" not in flow.verdict()


@pytest.mark.parametrize("factor, T", [(1e60, 12), (1e45, 30), (1e-60, 12)])
def test_a_gradient_that_changes_by_more_than_float64_within_eight_steps_keeps_its_logs(factor, T):
    net = nn.RNN(2, 2, bias=False).double()
    with torch.no_grad():
        net.weight_hh_l0.copy_(factor * torch.eye(2, dtype=torch.float64))
    with watch.watch_time(net) as flow:
        net(torch.zeros(T, 1, 2, dtype=torch.float64))[0][-1].sum().backward()
    exact = np.arange(T, -1, -1) * np.log(factor) + np.log(2) / 2
    assert np.allclose(flow[""].log_reach()[:, 0], exact, rtol=1e-12, atol=0)
