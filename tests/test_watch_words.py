"""What the verdict says of runs whose right numbers are known: lengths where float32 and float64 end, loops, silence."""

import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import rnn as packing

from course_lib import watch

torch.set_num_threads(1)


def last_square(net, x):
    with watch.watch_time(net) as flow:
        net(x)[0][-1].square().sum().backward()
    return flow


@pytest.mark.parametrize("T", [200, 300, 784])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_float32_ends_and_the_half_life_does_not(kind, T):
    """Its smallest numbers, times a gate of .6, are themselves again; the network's numbers are those of float64."""
    findings = []
    for dtype in (torch.float32, torch.float64):
        torch.manual_seed(0)
        net, x = kind(1, 128), torch.rand(T, 2, 1)
        flow = last_square(net.to(dtype), x.to(dtype))
        findings += flow.findings().values()
    low, high = findings
    assert low.factor == pytest.approx(high.factor, rel=1e-6, abs=0)
    assert low.log10_ratio == pytest.approx(high.log10_ratio, abs=1e-3)
    assert low.half_life == pytest.approx(high.half_life, rel=1e-4, abs=0) and low.reach == high.reach
    assert ("too small for float32" in low.words) == (T > 200) and "too small" not in high.words


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_too_small_is_not_called_dead(dtype):
    torch.manual_seed(0)
    net = nn.RNN(1, 128).to(dtype)
    flow = last_square(net, torch.rand(1000, 2, 1).to(dtype))
    finding, = flow.findings().values()
    assert finding.kind == "vanished" and -206 < finding.log10_ratio < -203 and "Rounding is not" not in finding.words
    reading = flow[""]
    if dtype is torch.float64:
        assert np.abs(reading.grad_h[1]).max() > 0 and (reading.norms()[1] > 1e-205).all()
        assert np.allclose(np.log(reading.norms()[1:]), reading.log_reach()[1:], atol=1e-9)
        assert np.array_equal(reading.log_norms(), np.log(reading.norms()))


def test_what_is_too_large_is_not_called_infinite():
    torch.manual_seed(0)
    net = nn.RNN(2, 16, nonlinearity="relu").double()
    nn.init.orthogonal_(net.weight_hh_l0, 8.)
    with watch.watch_time(net) as flow:
        net(torch.rand(250, 2, 2).double())[0][-1].sum().backward()
    finding, = flow.findings().values()
    largest = np.abs(flow[""].grad_h[1]).max()
    assert finding.kind == "exploding" and largest > 1e180 and np.isfinite(flow[""].norms()).all()
    assert abs(finding.log10_ratio - np.log10(largest)) < 2 and 1 < finding.factor < 8 and finding.half_life > .2


@pytest.mark.parametrize("T, dtype", [(600, torch.float64), (1000, torch.float32), (1500, torch.float64)])
def test_factor_a_step_at_any_length(T, dtype):
    torch.manual_seed(0)
    net, x = nn.RNN(1, 16).to(dtype), torch.randn(T, 1, 1).to(dtype)
    with watch.watch_time(net) as flow:
        net(x)[0][-1].sum().backward()
    reading, (finding,) = flow[""], flow.findings().values()
    h, W = reading.h[:, 0], net.weight_hh_l0.detach().double().numpy()
    g, log, true = np.ones(16), 0., {T: np.log(4.)}
    for t in range(T, 1, -1):
        g = ((1 - h[t]**2) * g) @ W
        size = np.abs(g).max()
        g, log = g / size, log + np.log(size)
        true[t - 1] = log + np.log(np.sqrt((g**2).sum()))
    found = reading.log_reach()[1:, 0]
    assert np.abs(found - [true[t] for t in range(1, T + 1)]).max() < (1e-8 if dtype is torch.float64 else 1e-3)
    assert finding.kind == "vanished"
    assert finding.log10_ratio == pytest.approx((true[1] - true[T]) / np.log(10), rel=1e-5, abs=0)


def test_a_saturated_tanh_is_a_matter_of_rounding():
    torch.manual_seed(0)
    net, x = nn.RNN(2, 16), torch.rand(60, 2, 2)
    with torch.no_grad():
        net.bias_ih_l0.fill_(12.)
    words = last_square(net, x).verdict()
    assert "Rounding is the cause" in words and re.search(r"100% of h is exactly \+-1 in float32", words)
    finding, = last_square(net.double(), x.double()).findings().values()
    assert finding.kind == "vanished" and -700 < finding.log10_ratio < -400 and "100% of h is at +-1" in finding.words


@pytest.mark.parametrize("chunk, label", [(60, "the module itself"), (20, "the module itself (3 calls carried on)"),
                                          (1, "the module itself (60 calls of one step)")])
def test_one_computation_has_one_verdict_however_it_is_called(chunk, label):
    findings = []
    for length in (60, chunk):
        torch.manual_seed(7)
        net, x = nn.RNN(2, 24, batch_first=True), torch.rand(8, 60, 2)
        with torch.no_grad():
            net.weight_hh_l0.mul_(.3)
        with watch.watch_time(net) as flow:
            h, outs = None, []
            for part in x.split(length, 1):
                out, h = net(part, h)
                outs.append(out)
            torch.cat(outs, 1).square().mean().backward()
        findings.append(*flow.findings().items())
    (_, whole), (found, parts) = findings
    assert found == label and parts.kind == whole.kind == "vanished" and parts.steps == 59
    assert parts.log10_ratio == pytest.approx(whole.log10_ratio, abs=1e-4) and parts.reach == whole.reach
    assert parts.words.removeprefix(label) == whole.words.removeprefix("the module itself")


def test_unsorted_sequences_that_are_carried_on_are_read_as_each_alone():
    torch.manual_seed(0)
    net = nn.GRU(2, 8).double()
    chunks = [[torch.randn(length, 2).double() for length in lengths] for lengths in ((3, 6, 4), (5, 2, 7))]

    def logs(chunks):
        with watch.watch_time(net) as flow:
            h = None
            for chunk in chunks:
                _, h = net(packing.pack_sequence(chunk, enforce_sorted=False), h)
            h.square().sum().backward()
        road, = flow[""].roads()
        return road.logs

    together = logs(chunks)
    for column, parts in zip(together.T, zip(*chunks)):
        np.testing.assert_allclose(column[~np.isnan(column)], logs([[part] for part in parts])[:, 0], rtol=1e-9, atol=0)


def test_a_state_that_is_changed_on_its_way_is_not_followed():
    torch.manual_seed(0)
    net = nn.GRU(2, 8)
    with watch.watch_time(net) as flow:
        h = torch.zeros(1, 3, 8)
        for x_t in torch.randn(20, 1, 3, 2):
            _, h = net(x_t, .9 * h)
        h.sum().backward()
    (label, finding), = flow.findings().items()
    assert label == "the module itself (20 calls of one step)" and finding.kind == "not followed"
    assert "the state is changed between them" in finding.words and "alive" not in finding.words


@pytest.mark.parametrize("several, kind", [(8, "healthy"), (9, "not followed")])
def test_sequences_that_take_turns_are_told_apart_up_to_eight_and_more_are_said(several, kind):
    torch.manual_seed(0)
    net, states = nn.GRU(2, 8), list(torch.rand(several, 1, 1, 8))
    with watch.watch_time(net) as flow:
        for x_t in torch.randn(5, 1, 1, 2):
            states = [net(x_t, h)[1] for h in states]
        sum(states).sum().backward()
    findings = list(flow.findings().values())
    assert {each.kind for each in findings} == {kind} and len(findings) == (several if kind == "healthy" else 1)
    if kind == "not followed":
        assert "or more than 8 sequences take turns" in findings[0].words


def test_a_sequence_that_begins_anew_ends_the_way_of_that_one_alone():
    """Episodes: at one step the second sequence's state is set to zero."""
    torch.manual_seed(0)
    net, x = nn.GRU(2, 8).double(), torch.randn(12, 1, 2, 2).double()
    keep = torch.ones(12, 1, 2, 1).double()
    keep[7, 0, 1] = 0
    with watch.watch_time(net) as flow:
        h = torch.zeros(1, 2, 8).double()
        for x_t, keep_t in zip(x, keep):
            _, h = net(x_t, h * keep_t)
        h.sum().backward()
    road, = flow[""].roads()
    assert road.logs.shape == (13, 2) and np.isfinite(road.logs[1:, 0]).all()
    assert np.isnan(road.logs[:8, 1]).all() and np.isfinite(road.logs[8:, 1]).all()


@pytest.mark.parametrize("asked, kind", [(2, "healthy"), (40, "vanished"), (500, "vanished")])
def test_a_distance_is_judged_alone(asked, kind):
    torch.manual_seed(0)
    flow = last_square(nn.RNN(2, 16), torch.rand(100, 3, 2))
    finding, = flow.findings(distance=asked).values()
    logs = flow[""].log_reach()
    over = min(asked, 99)
    assert finding.kind == kind and finding.steps == over
    assert finding.log10_ratio == pytest.approx(np.mean(logs[100 - over] - logs[100]) / np.log(10), rel=1e-9, abs=0)
    assert (f"over the {asked} steps asked for" in flow.verdict(asked)) == (asked < 100)
    assert ("fewer than the 500 asked for" in flow.verdict(asked)) == (asked == 500)
    whole, = flow.findings().values()
    profile = (logs[100:0:-1] - logs[100]).mean(1)
    assert whole.reach == finding.reach == np.flatnonzero(profile < np.log(1e-3))[0]


@pytest.mark.parametrize("distance", [0, -3, 1.5, "far"])
def test_a_distance_that_is_none_is_refused(distance):
    torch.manual_seed(0)
    flow = last_square(nn.RNN(2, 4), torch.rand(9, 3, 2))
    with pytest.raises((ValueError, TypeError), match="distance"):
        flow.verdict(distance)


def test_sequences_without_a_gradient_are_counted():
    torch.manual_seed(0)
    net = nn.GRU(2, 16, batch_first=True)
    with watch.watch_time(net) as flow:
        out, _ = net(packing.pack_padded_sequence(torch.randn(32, 60, 2), torch.tensor([60] + [20] * 31),
                                                  batch_first=True))
        packing.pad_packed_sequence(out, batch_first=True)[0][:, -1].square().sum().backward()
    assert "31 of 32 sequences get no gradient" in flow.verdict() and "T = 60, batch 32" in flow.verdict()


def test_one_module_without_a_gradient_stops_nothing():
    torch.manual_seed(0)
    net = nn.ModuleDict({"enc": nn.GRU(2, 8), "dec": nn.GRU(2, 8)})
    x = torch.randn(30, 4, 2)
    with watch.watch_time(net) as flow:
        net["dec"](x[-5:], net["enc"](x)[1].detach())[0][-1].sum().backward()
    first, second = flow.verdict().splitlines()
    assert first.startswith("enc: no gradient arrives: the loss does not depend on it") and "dec: alive" in second
    assert flow.first_nonfinite() is None and "dec: alive" in flow.plot().alt
    assert [finding.kind for finding in flow.findings().values()] == ["no gradient", "healthy"]


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_numpy_that_raises_changes_no_word(kind):
    """np.seterr(all="raise"): what underflows on its way is no error."""
    torch.manual_seed(0)
    net = kind(3, 8)
    with torch.no_grad():
        net.weight_hh_l0.mul_(.3)
    flows = []
    for how in ("warn", "raise"):
        with np.errstate(all=how), watch.watch_time(net) as flow:
            net(torch.randn(300, 2, 3, generator=torch.Generator().manual_seed(1)))[0][-1].sum().backward()
            net.zero_grad()
            flows.append((flow.verdict(), flow.plot().alt, flow[""].reach(), flow[""].log_norms(), flow[""].norms(),
                          flow[""].log_singular_values(0)))
    for mine, theirs in zip(*flows):
        assert np.array_equal(mine, theirs)


def test_verdicts_leave_a_training_run_to_the_last_bit_as_it_is():
    results = []
    for look in (False, True):
        torch.manual_seed(0)
        net, x = nn.LSTM(2, 8, num_layers=2, dropout=.3), torch.randn(15, 4, 2)
        optimizer, losses = torch.optim.Adam(net.parameters()), []
        with watch.watch_time(net) if look else torch.enable_grad() as flow:
            for _ in range(4):
                optimizer.zero_grad()
                state, loss = None, 0.
                for chunk in x.split(5):
                    out, state = net(chunk, state)
                    loss = loss + out.square().mean()
                loss.backward()
                if look:
                    assert len(flow.verdict(10).splitlines()) == 2 and flow.plot().alt
                optimizer.step()
                losses.append(loss.detach())
        results.append([*losses, *(p.detach() for p in net.parameters()), *(p.grad for p in net.parameters()),
                        torch.rand(1)])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@pytest.mark.parametrize("w, word", [(1.1, "1.1 a step: it doubles every 7.3 steps"),
                                     (0.9, "0.9 a step: it halves every 6.6 steps")])
def test_a_gradient_doubles_or_halves_every_so_many_steps(w, word):
    """One linear unit: every step multiplies by w, and log(2) / |log(w)| steps make a factor of 2."""
    net = nn.RNN(1, 1, nonlinearity="relu").double()
    with torch.no_grad():
        net.weight_hh_l0.fill_(w), net.weight_ih_l0.fill_(1), net.bias_hh_l0.zero_(), net.bias_ih_l0.zero_()
    with watch.watch_time(net) as flow:
        net(torch.ones(30, 1, 1, dtype=torch.float64))[0][-1].sum().backward()
    assert word in flow.verdict(), flow.verdict()
