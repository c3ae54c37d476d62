"""The microscope on CUDA: the comparison allows for the precision that cuDNN uses, and says which it was."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import rnn as packing

from course_lib import watch

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
KINDS = [nn.RNN, nn.LSTM, nn.GRU]


def data(kind, dtype=torch.float64, packed=False, **options):
    torch.manual_seed(0)
    module = kind(5, 16, dtype=dtype, **options)
    x = [torch.randn(n, 5, dtype=dtype) for n in ((12, 30, 7) if packed else (30, 30, 30))]
    return module, packing.pack_sequence(x, enforce_sorted=False) if packed else torch.stack(x, 1)


def look(module, x):
    with watch.watch_time(module) as flow:
        out = module(x)[0]
        out = out.data if isinstance(out, packing.PackedSequence) else out
        out.square().sum().backward()
    return flow[""]


def close(mine, theirs, tolerance):
    assert mine.shape == theirs.shape and np.array_equal(np.isnan(mine), np.isnan(theirs))
    return (np.nanmax(np.abs(mine - theirs)) <= tolerance * np.nanmax(np.abs(theirs)))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_cuda_and_cpu_read_the_same(kind, packed):
    module, x = data(kind, packed=packed, num_layers=2, bidirectional=True)
    here, there = look(copy.deepcopy(module), x), look(module.cuda(), x.cuda())
    for part in here.parts:
        for name in ("h", "grad_h", "grad_x", "grad_h_direct"):
            assert close(getattr(there.part(part), name), getattr(here.part(part), name), 1e-9), (part, name)
        for name, grad in there.part(part).grads.items():
            assert close(grad, getattr(module, name).grad.cpu().numpy(), 1e-9), name
        assert close(there.part(part).jacobians(), here.part(part).jacobians(), 1e-9)
        logs = [reading.part(part).log_singular_values(sequence=0) for reading in (there, here)]
        assert np.allclose(*logs, rtol=1e-6, atol=1e-6)
        assert there.part(part).finding().kind == here.part(part).finding().kind
    assert there.part("l0").precision.startswith("float64 on cuda")


def test_projections():
    module, x = data(nn.LSTM, proj_size=4)
    here, there = look(copy.deepcopy(module), x), look(module.cuda(), x.cuda())
    assert close(there.grad_h, here.grad_h, 1e-9) and close(there.grad_c, here.grad_c, 1e-9)


@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_float32_says_whether_it_was_tf32(kind, tf32):
    module, x = data(kind, torch.float32)
    former = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = tf32
    try:
        reading = look(module.cuda(), x.cuda())
    finally:
        torch.backends.cudnn.allow_tf32 = former
    assert ("TF32" in reading.precision) == tf32
    for name, grad in reading.grads.items():
        assert close(grad, getattr(module, name).grad.double().cpu().numpy(), 2e-2 if tf32 else 1e-4), name


def test_training_is_the_same_to_the_last_bit():
    results = []
    for watching in (False, True):
        module, x = data(nn.LSTM, torch.float32, num_layers=2)
        module, x = module.cuda(), x.cuda()
        if watching:
            look(module, x)
        else:
            module(x)[0].square().sum().backward()
        results.append([p.grad for p in module.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_dropout_is_refused_under_cudnn_and_replayed_without():
    module, x = data(nn.GRU, num_layers=2, dropout=.5)
    module, x = module.cuda(), x.cuda()
    with pytest.raises(RuntimeError, match="cuDNN keeps its masks to itself"):
        look(module, x)
    with torch.backends.cudnn.flags(enabled=False):
        reading = look(module, x)
    for part in reading.parts:
        for name, grad in reading.part(part).grads.items():
            assert close(grad, getattr(module, name).grad.cpu().numpy(), 1e-9), name
    assert look(module.eval(), x).calls == 1


def test_clipper_on_cuda():
    module, x = data(nn.LSTM, torch.float32)
    module, x = module.cuda(), x.cuda()
    module(x)[0].sum().backward()
    norm = float(torch.cat([p.grad.double().ravel() for p in module.parameters()]).norm())
    done = watch.Clipper(module, norm / 2)()
    assert done.clipped and done.norm == pytest.approx(norm, rel=1e-9, abs=0)
    module.bias_hh_l0.grad[3] = torch.nan
    with pytest.raises(FloatingPointError, match="bias_hh_l0"):
        watch.Clipper(module, 1.)()


@pytest.mark.parametrize("low", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", KINDS)
def test_autocast_on_cuda_is_read_in_its_own_precision(kind, low):
    module, x = data(kind, torch.float32)
    module, x = module.cuda(), x.cuda()
    with watch.watch_time(module) as flow:
        with torch.autocast("cuda", dtype=low):
            out = module(x)[0]
        out.float().square().sum().backward()
    assert str(low).removeprefix("torch.") in flow[""].precision and "cuda" in flow[""].precision
    for name, grad in flow[""].grads.items():
        assert close(grad, getattr(module, name).grad.double().cpu().numpy(), .1), name


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_without_cudnn_is_read_like_one_with_it(kind):
    module, x = data(kind, num_layers=2)
    module, x = module.cuda(), x.cuda()
    fused = look(module, x)
    with torch.backends.cudnn.flags(enabled=False):
        plain = look(module, x)
    for part in fused.parts:
        assert close(plain.part(part).grad_h, fused.part(part).grad_h, 1e-9), part


def test_a_training_with_history_and_clipper_on_cuda():
    """Losses and weights to the last bit, and the same records as on the CPU."""
    kept, weights = [], []
    for device, watching in (("cpu", True), ("cuda", True), ("cuda", False)):
        module, x = data(nn.GRU)
        module, x = module.to(device), x.to(device)
        clipper, optimizer = watch.Clipper(module, .5), torch.optim.SGD(module.parameters(), .1)
        flow = watch.watch_time(module, every=2, clipper=clipper)
        if watching:
            flow.start()
        for _ in range(5):
            optimizer.zero_grad()
            module(x)[0].square().sum().backward()
            clipper()
            optimizer.step()
        if watching:
            flow.stop()
            kept.append([record.scalars() for record in flow.history])
        weights.append([p.detach() for p in module.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(weights[1], weights[2], strict=True))
    assert len(kept[0]) == 3 and kept[0][0]["clip/acted"] == 1
    for here, there in zip(*kept, strict=True):
        assert here.keys() == there.keys()
        assert all(there[name] == pytest.approx(here[name], rel=1e-6, abs=1e-9) for name in here)


@pytest.mark.parametrize("cell", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_a_loop_over_a_cell_on_cuda(cell):
    torch.manual_seed(0)
    module, x = cell(5, 16, dtype=torch.float64), torch.randn(30, 3, 5, dtype=torch.float64)
    read = []
    for device in ("cpu", "cuda"):
        module, state = module.to(device), None
        with watch.watch_time(module) as flow:
            for x_t in x.to(device):
                state = module(x_t, state)
            (state[0] if cell is nn.LSTMCell else state).square().sum().backward()
        read.append(flow[""].grad_h)
    assert close(read[1], read[0], 1e-9)


def test_mixed_precision_on_cuda_lets_overflows_pass():
    module, x = data(nn.LSTM, torch.float32)
    module, x = module.cuda(), x.cuda()
    optimizer = torch.optim.SGD(module.parameters(), .1)
    scaler = torch.amp.GradScaler("cuda", init_scale=2.**120)
    clipper = watch.Clipper(module, 1., error_if_nonfinite=False)
    for _ in range(8):
        optimizer.zero_grad()
        with torch.autocast("cuda", dtype=torch.float16):
            loss = module(x)[0].float().square().mean()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        clipper()
        scaler.step(optimizer)
        scaler.update()
    assert clipper.overflows == 8 and clipper.calls == 0 and scaler.get_scale() == 2.**112
