"""Forward and backward against oracles of another kind: autograd, the complex step, closed forms, Jacobian products."""

import itertools

import numpy as np
import pytest
import torch

from course_lib import bptt, cells, gradcheck, initialise, jacobians, losses, tasks

ACTIVATIONS = ["tanh", "relu", "linear", "sigmoid"]


def random_run(activation="tanh", gain=1.0, T=12, B=3, D=4, H=5, seed=0):
    """A run in which nothing is zero, so that no mistake can hide behind a zero."""
    rng = np.random.default_rng(seed)
    bias = rng.normal(size=H)
    if activation == "relu":  # units that start alive: a dead network has nothing but zeros to compare
        bias = np.abs(bias)
    params = initialise.rnn(D, H, rng, gain=gain)._replace(b_h=bias)
    return rng, bptt.forward(params, rng.normal(size=(T, B, D)), rng.normal(size=(B, H)), activation=activation)


def in_torch(run, dh_direct):
    """The same pass by torch: outputs and autograd's gradients, with every state a leaf of the graph."""
    W_xh, W_hh, b_h = (torch.tensor(array, requires_grad=True) for array in run.params)
    x = torch.tensor(run.x, requires_grad=True)
    h = [torch.tensor(run.h[0], requires_grad=True)]
    function = {"tanh": torch.tanh, "relu": torch.relu, "linear": lambda a: a, "sigmoid": torch.sigmoid}[run.activation]
    for x_t in x.unbind(0):
        h.append(function(x_t @ W_xh.T + h[-1] @ W_hh.T + b_h))
        h[-1].retain_grad()
    sum((torch.tensor(d) * h_t).sum() for d, h_t in zip(dh_direct, h)).backward()
    arrays = [torch.stack([h_t.detach() for h_t in h]), torch.stack([h_t.grad for h_t in h]), x.grad]
    return [a.numpy() for a in arrays], cells.RNNParams(W_xh.grad.numpy(), W_hh.grad.numpy(), b_h.grad.numpy())


def close(mine, theirs, tolerance=1e-12):
    return gradcheck.relative_error(mine, theirs, axis=None) <= tolerance


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("gain", [0.5, 1.5])
def test_agrees_with_autograd(activation, gain):
    rng, run = random_run(activation, gain, T=30)
    dh_direct = rng.normal(size=run.h.shape)
    back = bptt.backward(run, dh_direct)
    (h, dh, dx), grads = in_torch(run, dh_direct)
    assert close(run.h, h) and close(back.dx, dx)
    for mine, theirs in zip(back.grads, grads):
        assert close(mine, theirs)
    assert (gradcheck.relative_error(back.dh, dh) <= 1e-12).all()  # every time step by its own size


def test_agrees_with_fused_rnn():
    rng, run = random_run(T=50)
    module = torch.nn.RNN(4, 5, dtype=torch.float64)
    with torch.no_grad():
        for name, array in zip(["weight_ih_l0", "weight_hh_l0", "bias_ih_l0"], run.params):
            getattr(module, name).copy_(torch.tensor(array))
        module.bias_hh_l0.zero_()
    out, _ = module(torch.tensor(run.x), torch.tensor(run.h[:1]))
    out[-1].sum().backward()
    dh_direct = np.zeros_like(run.h)
    dh_direct[-1] = 1
    back = bptt.backward(run, dh_direct)
    assert close(run.h[1:], out.detach().numpy())
    assert close(back.grads.W_hh, module.weight_hh_l0.grad.numpy())
    assert close(back.grads.W_xh, module.weight_ih_l0.grad.numpy())
    assert close(back.grads.b_h, module.bias_hh_l0.grad.numpy())


@pytest.mark.parametrize("gain", [0.5, 1, 1.5, 3])
@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
def test_every_step_by_complex_step(gain, activation):
    rng, run = random_run(activation, gain, T=60, B=1, D=2, H=4, seed=1)
    v = rng.normal(size=run.h[-1].shape)
    dh_direct = np.zeros_like(run.h)
    dh_direct[-1] = v
    back = bptt.backward(run, dh_direct)
    oracle = gradcheck.complex_step_states(lambda h: (h[-1] * v).sum(), run)
    assert (np.abs(oracle).max((1, 2)) > 0).all()
    assert (gradcheck.relative_error(back.dh, oracle) <= 1e-9).all()
    oracle = gradcheck.complex_step(
        lambda p: (bptt.forward(p, run.x, run.h[0], activation=activation).h[-1] * v).sum(), run.params)
    assert gradcheck.table(back.grads, oracle, tolerance=1e-9).passed


@pytest.mark.parametrize("dh_T", [1., np.arange(1., 6.), np.arange(1., 16.).reshape(3, 5), 1 + 2j])
def test_a_loss_that_reads_the_last_state(dh_T):
    _, run = random_run()
    direct = bptt.at_end(run, dh_T)
    assert direct.shape == run.h.shape and not direct[:-1].any() and (direct[-1] == dh_T).all()
    assert bptt.at_end(run._replace(h=run.h.astype(np.float32))).dtype == np.float32
    if not np.iscomplexobj(dh_T):
        oracle = gradcheck.complex_step_states(lambda h: (h[-1] * dh_T).sum(), run)
        assert gradcheck.relative_error(bptt.backward(run, direct).dh, oracle).max() < 1e-12


def test_a_backward_wrong_in_one_step_is_caught():
    rng, run = random_run(gain=0.5, T=60)
    dh_direct = np.zeros_like(run.h)
    dh_direct[-1] = rng.normal(size=run.h[-1].shape)
    back = bptt.backward(run, dh_direct)
    oracle = gradcheck.complex_step_states(lambda h: (h[-1] * dh_direct[-1]).sum(), run)
    wrong = back.dh.copy()
    wrong[3] *= 1.001  # a vanished gradient: as np.allclose compares by itself, there is no difference
    assert np.allclose(wrong, oracle, atol=1e-8) and gradcheck.table(back.dh, oracle).passed
    table = gradcheck.table({"dh": wrong}, {"dh": oracle})
    assert not table.passed and table[0].worst == 3 and "WRONG" in repr(table)


def test_wrong_transpose_is_caught():
    rng, run = random_run(T=8)
    dh_direct = rng.normal(size=run.h.shape)
    oracle = gradcheck.complex_step_states(lambda h: (h * dh_direct).sum(), run)
    transposed = run._replace(params=run.params._replace(W_hh=run.params.W_hh.T))
    assert not gradcheck.table(bptt.backward(transposed, dh_direct).dh, oracle).passed


def test_closed_form_orthogonal():
    """W_hh = q Q and no activation: |dL/dh_t| = q^(T - t) |dL/dh_T|, at any length."""
    q, T = 0.5, 60
    params = initialise.rnn(2, 6, np.random.default_rng(0), gain=q)
    run = bptt.forward(params, np.ones((T, 1, 2)), activation="linear")
    dh_direct = np.zeros_like(run.h)
    dh_direct[-1] = 1
    norms = np.linalg.norm(bptt.backward(run, dh_direct).dh, axis=-1)[:, 0]
    assert np.allclose(norms / norms[-1], q ** np.arange(T, -1, -1.0), rtol=1e-12, atol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_jacobian_products_carry_the_gradient(activation):
    rng, run = random_run(activation, T=40)
    dh_direct = np.zeros_like(run.h)
    dh_direct[-1] = rng.normal(size=run.h[-1].shape)
    dh, carried = bptt.backward(run, dh_direct).dh, dh_direct[-1]
    for t, J in reversed(list(enumerate(jacobians.step_jacobians(run), start=1))):
        carried = np.einsum("bij,bi->bj", J, carried)
        assert gradcheck.relative_error(dh[t - 1], carried, axis=None) <= 1e-9


def test_ensemble_equals_its_members():
    """Weights (E, ...) on shared inputs, and shared weights on inputs (E, ...), are E separate networks."""
    rng = np.random.default_rng(3)
    params = initialise.rnn(4, 5, rng, members=3)
    x, dh_direct = rng.normal(size=(9, 2, 4)), rng.normal(size=(10, 3, 2, 5))
    run = bptt.forward(params, x)
    back = bptt.backward(run, dh_direct)
    alone = [bptt.forward(cells.RNNParams(*(a[i] for a in params)), x) for i in range(3)]
    backs = [bptt.backward(r, dh_direct[:, i]) for i, r in enumerate(alone)]
    assert close(run.h, np.stack([r.h for r in alone], axis=1)) and close(run.a, np.stack([r.a for r in alone], axis=1))
    for i, name in enumerate(params._fields):
        assert close(back.grads[i], np.stack([b.grads[i] for b in backs])), name
    assert close(back.dx, sum(b.dx for b in backs))

    shared = cells.RNNParams(*(a[0] for a in params))
    many = rng.normal(size=(9, 3, 2, 4))
    together = bptt.backward(bptt.forward(shared, many), dh_direct)
    apart = [bptt.backward(bptt.forward(shared, many[:, i]), dh_direct[:, i]) for i in range(3)]
    for i in range(3):
        assert together.grads[i].shape == shared[i].shape
        assert close(together.grads[i], sum(b.grads[i] for b in apart))
    assert close(together.dx, np.stack([b.dx for b in apart], axis=1))


@pytest.mark.parametrize("own", list(itertools.product([False, True], repeat=3)), ids=str)
@pytest.mark.parametrize("x_members", [(), (1,), (3,)], ids=str)
@pytest.mark.parametrize("state_members", [None, (), (3,)], ids=str)
def test_any_mixture_of_shared_and_own_arrays(own, x_members, state_members):
    """Each of W_xh, W_hh, b_h, x and state0 may be shared by the members of an ensemble, or be each member's own."""
    rng = np.random.default_rng(4)
    each = initialise.rnn(4, 5, rng, members=3)._replace(b_h=rng.normal(size=(3, 5)))
    params = cells.RNNParams(*(array if mine else array[0] for array, mine in zip(each, own)))
    x = rng.normal(size=(3, *x_members, 2, 4))
    state0 = None if state_members is None else rng.normal(size=(*state_members, 2, 5))
    run = bptt.forward(params, x, state0)
    dh_direct = rng.normal(size=run.h.shape)
    back = bptt.backward(run, dh_direct)
    assert close(np.tanh(run.a), run.h[1:])
    oracle = gradcheck.complex_step(lambda p: (bptt.forward(p, x, state0).h * dh_direct).sum(), params)
    assert gradcheck.table(back.grads, oracle, tolerance=1e-10).passed
    assert close(back.dx, gradcheck.complex_step(lambda x: (bptt.forward(params, x, state0).h * dh_direct).sum(), x),
                 1e-10)


def brute_force_window(run, dh_direct, window):
    """Each loss on its own, its gradient cut off by hand after `window` steps."""
    dh, dW = np.zeros_like(run.h), np.zeros_like(run.params.W_hh)
    Js = jacobians.step_jacobians(run)
    for s in range(len(run.h)):
        carried = dh_direct[s]
        for t in range(s, max(s - window, -1), -1):
            dh[t] += carried
            if t:
                slope = 1 - run.h[t] ** 2
                dW += (slope * carried).T @ run.h[t - 1]
                carried = np.einsum("bij,bi->bj", Js[t - 1], carried)
    return dh, dW


@pytest.mark.parametrize("window", [1, 2, 5, 11, 12, 13, 100])
def test_window_against_brute_force(window):
    rng, run = random_run(T=12)
    dh_direct = rng.normal(size=run.h.shape)
    dh_direct[[4, 7]] = 0
    back = bptt.backward(run, dh_direct, window=window)
    dh, dW = brute_force_window(run, dh_direct, window)
    assert (gradcheck.relative_error(back.dh, dh) <= 1e-12).all() and close(back.grads.W_hh, dW)
    full = bptt.backward(run, dh_direct)
    assert close(back.dh, full.dh) == (window > 12)


@pytest.mark.parametrize("at", ["last", "every"])
@pytest.mark.parametrize("loss", [losses.cross_entropy, losses.mean_squared_error])
@pytest.mark.parametrize("members", [None, 2])
def test_loss_and_grads_by_complex_step(at, loss, members):
    rng = np.random.default_rng(5)
    network = initialise.network(3, 4, 2, rng, members=members)
    x = rng.normal(size=(6, 5, 3))
    lead = ((6,) if at == "every" else ()) + (() if members is None else (members,))
    target = rng.integers(2, size=(*lead, 5)) if loss is losses.cross_entropy else rng.normal(size=(*lead, 5, 2))
    mine = bptt.loss_and_grads(network, x, target, loss, at=at)
    oracle = gradcheck.complex_step(lambda n: bptt.loss_and_grads(n, x, target, loss, at=at).loss.sum(), network)
    assert gradcheck.table(mine.grads, oracle, tolerance=1e-10).passed
    assert mine.loss.shape == (() if members is None else (members,)) and close(mine.per_step.sum(0), mine.loss)


@pytest.mark.parametrize("of_data", [np.float32, np.float64, int, bool])
@pytest.mark.parametrize("loss", [losses.cross_entropy, losses.mean_squared_error])
def test_the_parameters_decide_the_precision(of_data, loss):
    network = initialise.network(2, 3, 2, np.random.default_rng(0), dtype=np.float32)
    x = np.ones((4, 5, 2), of_data)
    target = np.zeros(5, int) if loss is losses.cross_entropy else np.ones((5, 2))
    mine = bptt.loss_and_grads(network, x, target, loss)
    arrays = [mine.run.h, mine.y, mine.back.dh, mine.back.dx, *(a for _, a in cells.leaves(mine.grads))]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    assert bptt.forward(network.rnn, x, np.ones((5, 3))).h.dtype == np.float32
    assert bptt.forward(network.rnn, x * 1j).h.dtype == np.complex64


@pytest.mark.parametrize("T", [4, 6])
@pytest.mark.parametrize("loss", [losses.cross_entropy, losses.mean_squared_error])
def test_members_share_a_target_at_every_step(T, loss):
    """Also where there are as many steps as members: labels of step t are not those of member t."""
    rng = np.random.default_rng(6)
    members = initialise.network(2, 4, 2, rng, members=6)
    x = rng.normal(size=(T, 5, 2))
    target = rng.integers(2, size=(T, 5)) if loss is losses.cross_entropy else rng.normal(size=(T, 5, 2))
    together = bptt.loss_and_grads(members, x, target, loss, at="every")
    for i in range(6):
        one = cells.tree_map(lambda array: array[i], members)
        alone = bptt.loss_and_grads(one, x, target, loss, at="every")
        assert together.loss[i] == pytest.approx(alone.loss, rel=1e-12, abs=0)
    own = np.repeat(target[:, None], 6, axis=1)
    assert np.array_equal(bptt.loss_and_grads(members, x, own, loss, at="every").loss, together.loss)


def test_window_reaches_the_loss():
    network = initialise.network(2, 4, 2, np.random.default_rng(0))
    x, labels = tasks.recall(9, 5, np.random.default_rng(1))
    mine = bptt.loss_and_grads(network, x, labels, losses.cross_entropy, window=3)
    assert mine.back.dh[7].any() and not mine.back.dh[:7].any()


def test_labels_become_inputs():
    """Whole numbers and booleans are numbers: x may be one-hot of any type."""
    params = initialise.rnn(2, 3, np.random.default_rng(0))
    x, _ = tasks.recall(4, 1, np.random.default_rng(0), noise=0)
    assert close(bptt.forward(params, x.astype(bool)).h, bptt.forward(params, x).h)
