"""The clipper: the norm at any size, each tensor once, overflows of mixed precision, and what it says of bad input."""

import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import watch

torch.set_num_threads(1)


def network(seed=0):
    torch.manual_seed(seed)
    net = nn.ModuleDict({"rnn": nn.LSTM(3, 8, batch_first=True), "head": nn.Linear(8, 2)})
    return net, torch.randn(4, 20, 3), torch.randint(2, (4,))


def train_step(net, x, y):
    nn.functional.cross_entropy(net["head"](net["rnn"](x)[0][:, -1]), y).backward()


def with_grads(*grads):
    params = [nn.Parameter(torch.zeros_like(grad)) for grad in grads]
    for p, grad in zip(params, grads):
        p.grad = grad.clone()
    return params


@pytest.mark.parametrize("size", [1e30, 1., 1e-36, 1e-44])
def test_clipping_at_any_size(size):
    torch.manual_seed(0)
    grads = [size * torch.randn(3, 4), size * torch.ones(5), torch.ones(2, 0)]
    params = with_grads(*grads)
    exact = float(sum((g.double() ** 2).sum() for g in grads).sqrt())
    done = watch.Clipper(params, max_norm=exact / 4)()
    assert done.clipped and done.norm == pytest.approx(exact, rel=1e-12, abs=0)
    if size > 1e-40:
        for p, grad in zip(params, grads):
            assert torch.allclose(p.grad, grad / 4, rtol=1e-5, atol=0)
    keep = with_grads(*grads)
    assert not watch.Clipper(keep, max_norm=2 * exact)().clipped
    assert all(torch.equal(p.grad, g) for p, g in zip(keep, grads))


def test_clipping_is_torchs_own_where_that_works():
    nets = [network()[0] for _ in range(2)]
    for net in nets:
        train_step(net, *network()[1:])
    norm = nn.utils.clip_grad_norm_(nets[0].parameters(), .01)
    assert watch.Clipper(nets[1], .01)().norm == pytest.approx(float(norm), rel=1e-6, abs=0)
    for a, b in zip(nets[0].parameters(), nets[1].parameters()):
        assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_clipping_names_what_is_not_finite_and_changes_nothing(value):
    net, x, y = network()
    train_step(net, x, y)
    net["rnn"].weight_hh_l0.grad[3, 2] = value
    before = [p.grad.clone() for p in net.parameters()]
    clipper = watch.Clipper(net, 1.)
    with pytest.raises(FloatingPointError, match=r"gradient of rnn.weight_hh_l0 is not finite: .* at index \(3, 2\)"):
        clipper()
    assert all(torch.equal(a, p.grad) or a.isnan().any() for a, p in zip(before, net.parameters()))
    assert clipper.calls == 0 and np.isnan(clipper.fraction)


@pytest.mark.parametrize("make, error, says", [
    (lambda: watch.Clipper(3, 1.), TypeError, "is int"),
    (lambda: watch.Clipper([], 1.), TypeError, "generator is empty"),
    (lambda: watch.Clipper([1.], 1.), TypeError, "hold float"),
    (lambda: watch.Clipper(torch.optim.SGD(network()[0].parameters(), .1).param_groups, 1.), TypeError,
     "hold dict, needs tensors: pass the module, or list(net.parameters()), since a generator is empty once it has "
     "been read. Of an optimizer pass [p for group in optimizer.param_groups for p in group['params']]."),
    (lambda: watch.Clipper(torch.optim.SGD(network()[0].parameters(), .1), 1.), TypeError, "is SGD, needs"),
    (lambda: watch.Clipper(network()[0], 0), ValueError, "above 0"),
    (lambda: watch.Clipper(network()[0], 1.)(), RuntimeError, "after loss.backward()")])
def test_clipper_refuses(make, error, says):
    with pytest.raises(error, match=re.escape(says)):
        make()


def test_a_norm_that_is_the_bound_is_left_and_not_counted():
    params = with_grads(torch.tensor([3., -4.]))
    clipper = watch.Clipper(params, 5.)
    assert clipper() == (5., False) and clipper.fraction == 0 and params[0].grad.tolist() == [3., -4.]


def test_a_norm_counted_only():
    """max_norm inf is how training scripts ask clip_grad_norm_ for the norm alone."""
    params = with_grads(torch.tensor([3., -4.]))
    clipper = watch.Clipper(params, float("inf"))
    assert clipper() == (5., False) and params[0].grad.tolist() == [3., -4.]
    assert clipper.calls == 1 and clipper.fraction == 0
    assert clipper.words() == "The clipper counts only (max_norm inf): in 1 updates the median norm before was 5."


def test_gradients_without_entries_have_norm_0_and_complex_ones_count_both_parts():
    assert watch.Clipper(with_grads(torch.ones(2, 0)), 1.)() == (0., False)
    params = with_grads(torch.tensor([3. - 4.j]), torch.tensor([12.]))
    assert watch.Clipper(params, 6.5)().norm == pytest.approx(13, rel=1e-12)
    assert params[0].grad[0] == 1.5 - 2.j and params[1].grad[0] == 6


def test_a_tensor_that_is_given_twice_counts_once():
    """Groups of an optimizer put together: one norm, one factor for all, so that the direction stays."""
    net, x, y = network()
    train_step(net, x, y)
    before = [p.grad.clone() for p in net.parameters()]
    exact = float(torch.cat([g.double().flatten() for g in before]).norm())
    clipper = watch.Clipper([*net.parameters(), *net["rnn"].parameters()], .01)
    assert clipper().norm == pytest.approx(exact, rel=1e-12, abs=0)
    for p, grad in zip(net.parameters(), before):
        assert torch.allclose(p.grad, grad * (.01 / exact), rtol=1e-5, atol=0)


def test_two_tensors_of_one_name_both_count():
    one, two = with_grads(torch.tensor([3.])), with_grads(torch.tensor([4.]))
    assert watch.Clipper([("weight", one[0]), ("weight", two[0])], 1.)().norm == 5


def mixed_precision(make, updates=6):
    """log2 of the scale after some updates that overflow at first; 20 times the loss, from a scale of 2^126 on."""
    net, x, y = network()
    opt, scaler = torch.optim.SGD(net.parameters(), .1), torch.amp.GradScaler("cpu", init_scale=2.**126)
    clip, steps = make(net), []
    for _ in range(updates):
        opt.zero_grad()
        scaler.scale(20 * nn.functional.cross_entropy(net["head"](net["rnn"](x)[0][:, -1]), y)).backward()
        scaler.unscale_(opt)
        steps.append(clip())
        scaler.step(opt)
        scaler.update()
    return int(math.log2(scaler.get_scale())), steps, [p.detach().clone() for p in net.parameters()], clip


def test_overflows_of_mixed_precision_pass_and_are_counted_apart():
    scale, _, weights, _ = mixed_precision(lambda net: lambda: nn.utils.clip_grad_norm_(net.parameters(), 1.))
    mine, steps, mine_weights, clipper = mixed_precision(lambda net: watch.Clipper(net, 1., error_if_nonfinite=False))
    assert mine == scale < 126
    assert clipper.overflows == 126 - scale and clipper.calls == 6 - clipper.overflows > 0
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-7) for a, b in zip(mine_weights, weights))
    assert [math.isfinite(done.norm) for done in steps] == [False] * clipper.overflows + [True] * clipper.calls
    assert f"{clipper.overflows} more overflowed and passed." in clipper.words()
    assert repr(clipper).endswith(f"calls, {clipper.overflows} overflowed")
    with pytest.raises(FloatingPointError,
                       match="the gradient of rnn.weight_ih_l0 is not finite.*error_if_nonfinite=F"):
        mixed_precision(lambda net: watch.Clipper(net, 1.))


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_an_overflow_that_passes_changes_nothing(value):
    params = with_grads(torch.tensor([value, 1.]), torch.tensor([2.]))
    clipper = watch.Clipper(params, 1., error_if_nonfinite=False)
    done = clipper()
    assert not done.clipped and not math.isfinite(done.norm) and math.isnan(done.norm) == math.isnan(value)
    assert params[0].grad[1] == 1 and params[1].grad == 2 and clipper.norms == []
    assert clipper.words().endswith("saw no finite gradient: 1 overflowed and passed.")


def test_a_norm_beyond_float64_is_no_overflow_that_passes():
    """All entries are finite, so that a GradScaler would take the step, and unclipped."""
    params = with_grads(torch.full((9,), 1e308, dtype=torch.float64))
    with pytest.raises(FloatingPointError, match="beyond float64, though every entry is finite"):
        watch.Clipper(params, 1., error_if_nonfinite=False)()


class OnMps(torch.Tensor):
    """A tensor on Apple's GPU, as far as float64 is concerned: it has none before .cpu() (pytorch issue 122602)."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.Tensor.cpu:
            with torch._C.DisableTorchFunctionSubclass():
                return args[0].as_subclass(torch.Tensor)
        if func is torch.Tensor.double or func is torch.Tensor.to and torch.float64 in (*args, *kwargs.values()):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.")
        return super().__torch_function__(func, types, args, kwargs)


@pytest.mark.parametrize("size", [1e30, 1., 1e-36])
def test_a_device_without_float64(size):
    plain = with_grads(size * torch.tensor([3., 4., 0.]), size * torch.tensor([[12.]]))
    apple = with_grads(*[p.grad for p in plain])
    for p in apple:
        p.grad = p.grad.as_subclass(OnMps)
    with pytest.raises(TypeError, match="MPS"):
        apple[0].grad.double()
    limit = 6.5 * size
    assert watch.Clipper(apple, limit)() == watch.Clipper(plain, limit)()
    assert all(torch.equal(a.grad.cpu(), p.grad) for a, p in zip(apple, plain))


def test_numpy_that_raises_is_no_obstacle():
    with np.errstate(all="raise"):
        for size in (1e30, 1e-44):
            watch.Clipper(with_grads(size * torch.ones(3)), 1.)()
