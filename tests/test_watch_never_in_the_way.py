"""The microscope in a script that is not made for it: it reads right, or says what it did not read, and stops nothing."""

import copy
import gc
import io
import pickle
import warnings
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from torch.nn.utils import rnn as packing
from torch.utils.checkpoint import checkpoint

from course_lib import watch

from models_to_watch import Elman

torch.set_num_threads(1)


def of(kind=nn.LSTM, T=20, B=4, seed=0, **options):
    torch.manual_seed(seed)
    return kind(3, 8, **options), torch.randn(T, B, 3)


def agrees(reading, module, tolerance=1e-4):
    """Its parameters' gradients are those that torch has."""
    for name, grad in reading.grads.items():
        theirs = getattr(module, name).grad.double().numpy()
        assert np.abs(grad - theirs).max() <= tolerance * np.abs(theirs).max(), name
    return True


# Copies, pickles, checkpoints

def test_copies_and_pickles_take_nothing_along():
    net, x = of()
    with watch.watch_time(net) as flow:
        net(x)[0][-1].sum().backward()
        before, twin, ema = flow[""].norms(), copy.deepcopy(net), torch.optim.swa_utils.AveragedModel(net)
        saved = io.BytesIO()
        torch.save(net, saved)
        again = pickle.loads(pickle.dumps(net))
        for other in (twin, again, ema.module):
            (50 * other(x)[0][-1].sum()).backward()
            assert not other._forward_hooks and not other._forward_pre_hooks and "forward" not in vars(other)
        assert flow.passes == 1 and np.array_equal(flow[""].norms(), before)
    assert np.isclose(before[-1, 0], np.sqrt(8), atol=0)
    loaded = torch.load(io.BytesIO(saved.getvalue()), weights_only=False)
    assert torch.equal(loaded(x)[0], net(x)[0]) and flow.passes == 1


def test_two_watchers_and_an_end_out_of_order():
    forward, (net, x) = nn.LSTM.forward, of()
    first, second = watch.watch_time(net).start(), watch.watch_time(net).start()
    first.stop()
    net(x)[0].sum().backward()
    second.stop()
    assert (first.passes, second.passes) == (0, 1) and nn.LSTM.forward is forward
    with pytest.raises(RuntimeError, match="watching already"):
        with watch.watch_time(net) as flow:
            flow.start()


class OfCells(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 4)

    def forward(self, x):
        h = torch.zeros(x.shape[1], 4)
        for x_t in x:
            h = self.cell(x_t, h)
        return h


@pytest.mark.parametrize("cells", [False, True])
@pytest.mark.parametrize("how", ["grad", "fake"])
def test_calls_whose_numbers_are_elsewhere_are_let_pass(how, cells):
    """torch.func and fake tensors before the loss: they run as ever, and the pass is read as if they had not been."""
    torch.manual_seed(0)
    net, x = (OfCells() if cells else nn.GRU(3, 4)), torch.randn(5, 2, 3)

    def out(x):
        return net(x) if cells else net(x)[0][-1]

    def aside():
        """A gradient by torch.func, or a shape without numbers."""
        if how == "grad":
            return torch.func.grad(lambda x: out(x).sum())(x).detach()
        with FakeTensorMode(allow_non_fake_inputs=True) as mode:
            return out(mode.from_tensor(x)).shape

    expected, results = aside(), []
    for before in (False, True):
        net.zero_grad()
        with watch.watch_time(net) as flow:
            if before:
                assert np.array_equal(aside(), expected)
            out(x).sum().backward()
        results.append(flow[flow.names[0]].grad_h)
    assert np.array_equal(*results) and results[0].any()
    with watch.watch_time(net) as flow:
        aside()
    with pytest.raises(RuntimeError, match=r"ran under torch.func or an export, where no loss.backward\(\) is heard: "
                                           r"[15] ignored"):
        flow.verdict()


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpointed_chunks_are_one_way(reentrant):
    net, x = of(nn.RNN, T=30)
    with watch.watch_time(net) as whole:
        net(x)[0][-1].sum().backward()
    net.zero_grad()
    with watch.watch_time(net) as flow:
        for _ in range(2):
            net.zero_grad()
            h = torch.zeros(1, 4, 8, requires_grad=True)
            for part in x.split(10):
                out, h = checkpoint(net, part.clone().requires_grad_(), h, use_reentrant=reentrant)
            out[-1].sum().backward()
    assert flow.passes == 2 and flow[""].calls == 3
    for i in range(3):
        need = whole[""].grad_h[10 * i + 1:10 * i + 11]
        assert np.abs(flow[""].call(i).grad_h[1:] - need).max() <= 1e-5 * np.abs(need).max()
    (label, finding), = flow.findings().items()
    assert label == "the module itself (3 calls carried on)" and finding.steps == 29
    assert finding.log10_ratio == pytest.approx(whole[""].finding().log10_ratio, rel=1e-5, abs=0)


# Several backward passes

@pytest.mark.parametrize("how", ["zero_grad between", "autograd.grad before"])
def test_two_backwards_over_one_forward(how):
    net, x = of(T=12)
    x.requires_grad_()
    with watch.watch_time(net) as flow:
        out, _ = net(x)
        if how == "zero_grad between":
            out[-1].sum().backward(retain_graph=True)
            net.zero_grad()
        else:
            torch.autograd.grad(1e6 * out.sum(), x, retain_graph=True)
        (100 * out[-1].sum()).backward()
    assert np.allclose(flow[""].norms()[-1], 100 * np.sqrt(8), atol=0) and agrees(flow[""], net) and flow.passes == 1
    assert "2 backward passes went through this forward: what is read is the last one's" in flow.verdict()


def test_windows_with_retain_graph_show_the_window():
    torch.manual_seed(0)
    net, x, heads, h = nn.RNN(3, 16), torch.randn(30, 2, 3), torch.randn(3, 2, 16), None
    with watch.watch_time(net) as flow:
        for k in range(3):
            out, h = net(x[10 * k:10 * k + 10], h)
            (out[-1] * heads[k]).sum().backward(retain_graph=True)
            assert np.array_equal(flow[""].x, x[10 * k:10 * k + 10].double().numpy())
            assert np.allclose(flow[""].norms()[-1], heads[k].norm(dim=-1), atol=0)
            assert ("went on into earlier passes" in flow.verdict()) == (k > 0)
    assert flow.passes == 3


def test_a_gradient_penalty_is_refused_in_words():
    torch.manual_seed(0)
    rnn, x = nn.RNN(3, 16, batch_first=True), torch.randn(4, 10, 3, requires_grad=True)
    net = nn.ModuleDict({"critic": rnn, "other": nn.GRU(3, 4)})
    with watch.watch_time(net) as flow:
        other = net["other"](torch.randn(5, 2, 3))[0].sum()
        out = rnn(x)[0][:, -1]
        slope, = torch.autograd.grad(out.sum(), x, create_graph=True)
        assert (flow["critic"].norms()[1:] > 0).all()  # of the first backward it is right
        ((slope.norm(dim=(1, 2)) - 1).square().mean() + other).backward()
    with pytest.raises(RuntimeError, match="create_graph=True"):
        flow["critic"].norms()
    lines = flow.verdict().splitlines()
    assert "create_graph=True" in lines[0] and lines[1].startswith("other: ")


def test_maml_reads_the_outer_forward():
    """Inner update with create_graph, fast weights by functional_call, the outer backward through both."""
    net, x = of(nn.GRU)
    fast = dict(net.named_parameters())
    with watch.watch_time(net) as flow:
        inner = torch.func.functional_call(net, fast, (x,))[0].square().mean()
        grads = torch.autograd.grad(inner, list(fast.values()), create_graph=True)
        fast = {name: p - .1 * grad for (name, p), grad in zip(fast.items(), grads)}
        out, _ = torch.func.functional_call(net, fast, (x,))
        out.retain_grad()
        out[-1].square().sum().backward()
    assert flow[""].calls == 1 and np.allclose(flow[""].grad_h_direct[1:], out.grad.numpy(), atol=0)
    assert np.allclose(flow[""].h[1:], out.detach().numpy(), atol=0)


# Validation, memory

def test_validation_without_no_grad_leaves_no_trace():
    net, x = of()
    with watch.watch_time(net) as flow:
        for _ in range(2):
            net.zero_grad()
            net(x)[0][-1].sum().backward()
            net.eval()
            losses = [net(x)[0].sum() for _ in range(3)]  # their graphs are kept
            for _ in range(3):
                net(x)[0].sum().item()
            net.train()
        net.zero_grad()
        net(x)[0][-1].sum().backward()
        assert flow[""].calls == 1 and agrees(flow[""], net) and len(flow.verdict().splitlines()) == 1
        kept = []
        for _ in range(5):
            net(x)[0].sum().item()
            kept.append(weakref.ref(flow._pass.order[-1]))
        gc.collect()
        assert sum(each() is not None for each in kept) == 1, "the states of forwards that are over stay in memory"
    assert len(losses) == 3


def test_validation_loops_over_a_cell_leave_no_trace():
    cell, x = nn.GRUCell(3, 4), torch.randn(6, 2, 3)

    def run():
        h = None
        for x_t in x:
            h = cell(x_t, h)
        return h.sum()

    with watch.watch_time(cell) as flow:
        for _ in range(4):
            run().item()
        run().backward()
        assert flow[""].calls == 1 and len(flow[""].h) == 7
        assert sum(map(len, flow._pass.loops.values())) <= 2


# Where and in what it is computed

@pytest.mark.parametrize("cells", [False, True])
def test_default_device_and_dtype(cells):
    def read():
        torch.manual_seed(0)
        net = nn.LSTMCell(3, 8, device="cpu", dtype=torch.float32) if cells else nn.LSTM(
            3, 8, device="cpu", dtype=torch.float32)
        x = torch.randn(20, 4, 3, device="cpu", dtype=torch.float32)
        with watch.watch_time(net) as flow:
            state = None
            if cells:
                for x_t in x:
                    state = net(x_t, state or (torch.zeros(4, 8, device="cpu", dtype=torch.float32),) * 2)
                state[0].sum().backward()
            else:
                net(x)[0][-1].sum().backward()
        reading = flow[""]
        return reading.norms(), reading.log_reach(), reading.jacobians(), flow.verdict()

    need = read()
    torch.set_default_device("meta")
    try:
        there = read()
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)
    torch.set_default_dtype(torch.float64)
    try:
        double = read()
    finally:
        torch.set_default_dtype(torch.float32)
    for other in (there, double):
        assert all(np.array_equal(a, b) for a, b in zip(other, need))


REFUSED = "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64."


class OnMps(torch.Tensor):
    """A tensor that refuses float64 until it is on the CPU, as on a Mac."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is torch.Tensor.cpu:
            with torch._C.DisableTorchFunctionSubclass():
                return args[0].as_subclass(torch.Tensor)
        if func is torch.Tensor.double or func is torch.Tensor.to and torch.float64 in (*args, *(kwargs or {}).values()):
            raise TypeError(REFUSED)
        return super().__torch_function__(func, types, args, kwargs or {})


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_device_without_float64(kind):
    net, x = of(kind)
    found = []
    for data in (x, x.as_subclass(OnMps)):
        net.zero_grad()
        with watch.watch_time(net) as flow:
            net(data)[0][-1].sum().backward()
        reading = flow[""]
        found.append([reading.norms(), reading.log_reach(), reading.jacobians(0), flow.verdict(), reading.h, reading.x])
    with pytest.raises(TypeError, match="MPS"):
        x.as_subclass(OnMps).double()
    for a, b in zip(*found):
        assert a == b if isinstance(a, str) else np.allclose(a, b, equal_nan=True, atol=0)


def test_autocast_over_cells_and_hand_written_recurrences():
    torch.manual_seed(0)
    net, x = nn.ModuleDict({"cell": nn.GRUCell(3, 8), "mine": Elman(8, 8)}), torch.randn(20, 4, 3)
    with watch.watch_time(net, cells=["mine"]) as flow, torch.autocast("cpu", dtype=torch.bfloat16):
        h, g, kept = torch.zeros(4, 8), torch.zeros(4, 8), []
        for x_t in x:
            h = net["cell"](x_t, h)
            g = net["mine"](h, g)
            g.retain_grad(), kept.append(g)
        g.float().square().sum().backward()
    for t, state in enumerate(kept, start=1):
        assert np.allclose(flow["mine"].grad_h[t], state.grad.double().numpy(), atol=0)
    assert all(finding.kind in ("vanished", "healthy") for finding in flow.findings().values())


@pytest.mark.parametrize("pass_number", [0, 1])
def test_a_lazy_head(pass_number):
    torch.manual_seed(0)
    net = nn.ModuleDict({"rnn": nn.LSTM(3, 16, batch_first=True), "head": nn.LazyLinear(2)})
    x, y = torch.randn(4, 20, 3), torch.tensor([0, 1, 1, 0])
    with watch.watch_time(net) as flow:
        for _ in range(pass_number + 1):
            net.zero_grad()
            F.cross_entropy(net["head"](net["rnn"](x)[0][:, -1]), y).backward()
    assert agrees(flow["rnn"], net["rnn"]) and set(flow.update_ratio().values()) == {0.}
    assert "head.weight" in flow.update_ratio()


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU, nn.GRUCell])
def test_a_batch_of_no_sequences(kind):
    net, x = of(kind)
    with watch.watch_time(net) as flow:
        out = net(x[0, :0] if kind is nn.GRUCell else x[:, :0])
        (out if kind is nn.GRUCell else out[0]).sum().backward()
        net.zero_grad()
        out = net(x[0] if kind is nn.GRUCell else x)
        (out if kind is nn.GRUCell else out[0]).sum().backward()
    assert flow[""].calls == 1 and agrees(flow[""], net)


# How modules are called

class OtherNames(nn.LSTM):
    """As pytorch-forecasting has it: other names, and it packs by itself."""

    def forward(self, x, hx=None, lengths=None):
        if lengths is None:
            return super().forward(x, hx)
        out, hx = super().forward(packing.pack_padded_sequence(x, lengths, enforce_sorted=False), hx)
        return packing.pad_packed_sequence(out)[0], hx


def test_a_subclass_with_other_argument_names():
    net, x = of(OtherNames)
    with watch.watch_time(net) as flow:
        net(x=x)[0].sum().backward()
        assert agrees(flow[""], net)
        net.zero_grad()
        net(x, lengths=torch.tensor([3, 20, 7, 9]))[0].sum().backward()
    assert flow[""].lengths.tolist() == [3, 20, 7, 9] and agrees(flow[""], net)


class WeightDrop(nn.Module):
    """As AWD-LSTM and fastai have it: it calls module.forward(...)."""

    def __init__(self):
        super().__init__()
        self.module = nn.LSTM(3, 8)
        raw = self.module.weight_hh_l0
        del self.module._parameters["weight_hh_l0"]
        self.module.register_parameter("weight_hh_l0_raw", nn.Parameter(raw.data))

    def forward(self, x):
        dropped = F.dropout(self.module.weight_hh_l0_raw, .5, self.training)
        dropped.retain_grad()
        self.module.weight_hh_l0 = dropped
        return self.module.forward(x)


def test_forward_called_by_itself_is_heard():
    torch.manual_seed(0)
    net = WeightDrop()
    with watch.watch_time(net) as flow:
        net(torch.randn(20, 2, 3))[0][-1].sum().backward()
    assert agrees(flow["module"], net.module) and flow.names == ["module"]


def test_names_choose():
    net = nn.ModuleDict({"a": nn.GRU(3, 4), "b": nn.GRU(3, 4)})
    with watch.watch_time(net, names="a") as flow:
        (net["a"](torch.randn(5, 2, 3))[0].sum() + net["b"](torch.randn(5, 2, 3))[0].sum()).backward()
    assert flow.names == ["a"] and "not watched: b (GRU)" in flow.verdict()


# What can't be read stops nothing

def broken(monkeypatch):
    """nn.RNN computes something else from the second call on: no replay is like it."""
    fused, calls = nn.modules.rnn._VF.rnn_tanh, []

    def other(*args):
        calls.append(1)
        out, h = fused(*args)
        return (out * 1.5, h) if len(calls) > 1 else (out, h)

    monkeypatch.setattr(nn.modules.rnn._VF, "rnn_tanh", other)


@pytest.mark.parametrize("options", [{"on_error": "warn"}, {"every": 2}, {"on_pass": lambda flow: None}],
                         ids=["on_error", "every", "on_pass"])
def test_an_error_is_said_once_and_training_goes_on(options, monkeypatch):
    broken(monkeypatch)
    net, x = of(nn.RNN)
    with pytest.warns(RuntimeWarning, match="the module itself was not read in pass .*differs") as said:
        with watch.watch_time(net, **options) as flow:
            for _ in range(5):
                net(x)[0].sum().backward()
    assert len([each for each in said if "was not read" in str(each.message)]) == 1
    assert flow.passes >= 1


def test_start_and_stop_warn_and_a_with_block_raises(monkeypatch):
    broken(monkeypatch)
    net, x = of(nn.RNN)
    flow = watch.watch_time(net).start()
    with pytest.warns(RuntimeWarning, match="on_error='raise' stops at it"):
        for _ in range(2):
            net(x)[0].sum().backward()
    flow.stop()
    net(x)
    assert flow.passes == 1 and not flow.watching
    with pytest.raises(RuntimeError, match="differs"), watch.watch_time(net):
        net(x)


def mechanism(name):
    """A training step, (modules, step) of one way in which people train."""
    torch.manual_seed(0)
    net = nn.ModuleDict({"rnn": nn.LSTM(3, 8, 2, dropout=.3), "cell": nn.GRUCell(8, 8), "mine": Elman(8, 8),
                         "head": nn.Linear(8, 2)})
    x, y = torch.randn(12, 4, 3), torch.tensor([0, 1, 1, 0])

    def forward(x=x):
        h = g = torch.zeros(4, 8)
        for out in net["rnn"](x)[0]:
            h = F.dropout(net["cell"](out, h), .2)
            g = net["mine"](h, g)
        return net["head"](g)

    def loss():
        return F.cross_entropy(forward(), y)

    def step():
        if name == "plain":
            loss().backward()
        elif name == "two losses":
            out = forward()
            F.cross_entropy(out, y).backward(retain_graph=True)
            out.square().sum().backward()
        elif name == "penalty":
            z = x.clone().requires_grad_()
            slope, = torch.autograd.grad(forward(z).sum(), z, create_graph=True)
            (slope.square().sum() + loss()).backward()
        elif name == "reentrant":
            F.cross_entropy(checkpoint(forward, x.clone().requires_grad_(), use_reentrant=True), y).backward()
        elif name == "checkpoint":
            F.cross_entropy(checkpoint(forward, x, use_reentrant=False), y).backward()
        elif name == "autocast":
            with torch.autocast("cpu", dtype=torch.bfloat16):
                h = g = torch.zeros(4, 8)
                for out in x @ torch.ones(3, 8):
                    h = net["cell"](out, h)
                    g = net["mine"](h, g)
            g.float().square().sum().backward()
        elif name == "validation":
            loss().item()
            loss().backward()
        elif name == "accumulation":
            for _ in range(2):
                loss().backward()
    return net, step


MECHANISMS = ["plain", "two losses", "penalty", "reentrant", "checkpoint", "autocast", "validation", "accumulation"]


@pytest.mark.parametrize("name", MECHANISMS)
def test_it_changes_no_bit(name):
    """Weights, gradients and the next random number after three updates, with every reading taken in between."""
    results = []
    for look in (False, True):
        net, step = mechanism(name)
        optimizer = torch.optim.Adam(net.parameters(), .01)
        flow = watch.watch_time(net, cells=["mine"], on_pass=lambda flow: flow.verdict()) if look else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if look:
                flow.start()
            for _ in range(3):
                optimizer.zero_grad()
                step()
                optimizer.step()
                if look:
                    assert flow["mine"].grad_h.any() and flow.verdict()
            if look:
                flow.stop()
        results.append([*(p.detach().clone() for p in net.parameters()),
                        *(p.grad.clone() for p in net.parameters() if p.grad is not None), torch.rand(3)])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
