"""LSTM, GRU and linear recurrences against oracles of another kind: autograd, the complex step, closed forms, Jacobians."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import bptt, cells, gradcheck, initialise, jacobians, losses, regularise, tasks, torch_bridge, train

KINDS = ["rnn", "lstm", "gru", "diagonal", "mingru"]
GATED = ["lstm", "gru"]


def random_params(kind, rng, D=3, H=4, gain=1.0, members=None):
    """Parameters in which nothing is zero, so that no mistake can hide behind a zero."""
    lead = () if members is None else (members,)
    if kind == "diagonal":
        return cells.DiagonalParams(rng.normal(size=(*lead, H, D)), gain * rng.uniform(0.6, 1.05, (*lead, H)),
                                    rng.normal(size=(*lead, H)))
    if kind == "mingru":
        return cells.MinGRUParams(gain * rng.normal(size=(*lead, 2 * H, D)), rng.normal(size=(*lead, 2 * H)))
    params = getattr(initialise, kind)(D, H, rng, gain=gain, members=members)
    biases = {name: rng.normal(size=array.shape) for name, array in params._asdict().items() if name[0] == "b"}
    return params._replace(**biases)


def states_of(params):
    return cells.cell_of(params).states


def random_state(params, rng, shape):
    made = tuple(rng.normal(size=shape) for _ in states_of(params))
    return made if len(made) == 2 else made[0]


def random_run(kind, T=12, B=2, D=3, H=4, gain=1.0, seed=0):
    rng = np.random.default_rng(seed)
    params = random_params(kind, rng, D, H, gain)
    return rng, bptt.forward(params, rng.normal(size=(T, B, D)), random_state(params, rng, (B, H)))


def random_direct(run, rng):
    return tuple(rng.normal(size=run.h.shape) for _ in states_of(run.params))


def at_the_end(run, rng):
    """A loss that reads the last states alone."""
    direct = random_direct(run, rng)
    for array in direct:
        array[:-1] = 0
    return direct


def reading(direct):
    return lambda *states: sum((state * d).sum() for state, d in zip(states, direct))


def close(mine, theirs, tolerance=1e-12):
    return gradcheck.relative_error(mine, theirs, axis=None) <= tolerance


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


# ---- against torch --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["rnn", *GATED])
@pytest.mark.parametrize("gain", [0.5, 1.5])
def test_agrees_with_the_fused_module(kind, gain):
    rng, run = random_run(kind, T=60, B=3, D=4, H=5, gain=gain)
    direct = random_direct(run, rng)
    for d in direct:
        d[0] = 0  # torch gives out no loss on the initial state
    if kind == "lstm":
        direct[1][:-1] = 0  # nor the cell states but the last
    module, x = torch_bridge.to_torch(run.params), torch.tensor(run.x, requires_grad=True)
    start = [torch.tensor(getattr(run, name)[:1].copy(), requires_grad=True) for name in states_of(run.params)]
    out, last = module(x, tuple(start) if kind == "lstm" else start[0])
    loss = (out * torch.tensor(direct[0][1:])).sum()
    if kind == "lstm":
        loss = loss + (last[1] * torch.tensor(direct[1][-1:])).sum()
        assert close(run.c[-1], last[1][0].detach().numpy())
    loss.backward()
    back = bptt.backward(run, *direct)
    assert close(run.h[1:], out.detach().numpy()) and close(back.dx, x.grad.numpy())
    assert close(back.dh[0], start[0].grad[0].numpy())
    if kind == "lstm":
        assert close(back.dc[0], start[1].grad[0].numpy())
    theirs = {"W_xh": module.weight_ih_l0, "W_hh": module.weight_hh_l0, "b_h": module.bias_ih_l0}
    for name, parameter in theirs.items():
        assert close(getattr(back.grads, name), parameter.grad.numpy()), name
    if kind == "gru":
        assert close(back.grads.b_hn, module.bias_hh_l0.grad[-5:].numpy())


@pytest.mark.parametrize("kind", GATED)
def test_every_state_agrees_with_autograd(kind):
    rng, run = random_run(kind, T=40, D=4, H=5)
    direct = random_direct(run, rng)
    one_step = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}[kind](4, 5, dtype=torch.float64)
    one_step.load_state_dict({name.removesuffix("_l0"): array
                              for name, array in torch_bridge.to_torch(run.params).state_dict().items()})
    states = [[torch.tensor(getattr(run, name)[0], requires_grad=True)] for name in states_of(run.params)]
    for x_t in torch.tensor(run.x).unbind(0):
        now = one_step(x_t, (states[0][-1], states[1][-1]) if kind == "lstm" else states[0][-1])
        for path, state in zip(states, now if kind == "lstm" else [now]):
            path.append(state)
            state.retain_grad()
    sum((torch.tensor(d) * torch.stack(path)).sum() for d, path in zip(direct, states)).backward()
    back = bptt.backward(run, *direct)
    for name, path in zip(states_of(run.params), states):
        total = np.stack([state.grad.numpy() for state in path])
        assert (gradcheck.relative_error(getattr(back, f"d{name}"), total) <= 1e-12).all()  # each step by its own size


# ---- by the complex step -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gain", [0.5, 1, 1.5])
def test_every_step_by_complex_step(kind, gain):
    rng, run = random_run(kind, T=60, B=1, D=2, H=3, gain=gain, seed=1)
    direct = at_the_end(run, rng)
    back = bptt.backward(run, *direct)
    for name in states_of(run.params):
        oracle = gradcheck.complex_step_states(reading(direct), run, of=name)
        assert (np.abs(oracle).max((1, 2)) > 0).all()
        assert (gradcheck.relative_error(getattr(back, f"d{name}"), oracle) <= 1e-9).all()
    start = tuple(getattr(run, name)[0] for name in states_of(run.params))

    def loss(params):
        moved = bptt.forward(params, run.x, start if len(start) == 2 else start[0])
        return reading(direct)(*(getattr(moved, name) for name in states_of(run.params)))

    assert gradcheck.table(back.grads, gradcheck.complex_step(loss, run.params), tolerance=1e-9).passed


@pytest.mark.parametrize("kind", GATED)
def test_a_backward_wrong_in_one_step_is_caught(kind):
    rng, run = random_run(kind, T=60, B=1, D=2, H=3)
    direct = at_the_end(run, rng)
    back = bptt.backward(run, *direct)
    for name in states_of(run.params):
        mine, oracle = getattr(back, f"d{name}"), gradcheck.complex_step_states(reading(direct), run, of=name)
        wrong = mine.copy()
        wrong[2] *= 1.001
        assert gradcheck.table(mine, oracle).passed
        table = gradcheck.table({name: wrong}, {name: oracle})
        assert not table.passed and table[0].worst == 2


@pytest.mark.long(but_every=7)
@pytest.mark.parametrize("own", list(itertools.product([False, True], repeat=4)), ids=str)
@pytest.mark.parametrize("kind", [*GATED, "mingru", "diagonal"])
@pytest.mark.parametrize("members_of", [((), None), ((3,), ()), ((1,), (3,))], ids=str)
def test_any_mixture_of_shared_and_own_arrays(own, kind, members_of):
    """Each array of the parameters, x and the states may be shared by the members of an ensemble, or be each member's own."""
    x_members, state_members = members_of
    rng = np.random.default_rng(4)
    each = random_params(kind, rng, members=3)
    params = type(each)(*(array if mine else array[0] for array, mine in zip(each, own)))
    x = rng.normal(size=(3, *x_members, 2, 3))
    state0 = None if state_members is None else random_state(params, rng, (*state_members, 2, 4))
    run = bptt.forward(params, x, state0)
    direct = random_direct(run, rng)
    back = bptt.backward(run, *direct)

    def loss(params, x=x):
        moved = bptt.forward(params, x, state0)
        return reading(direct)(*(getattr(moved, name) for name in states_of(params)))

    assert gradcheck.table(back.grads, gradcheck.complex_step(loss, params), tolerance=1e-10).passed
    assert close(back.dx, gradcheck.complex_step(lambda x: loss(params, x), x), 1e-10)
    assert run.a.shape == back.da.shape


@pytest.mark.parametrize("kind", GATED)
@pytest.mark.parametrize("at", ["last", "every"])
@pytest.mark.parametrize("members", [None, 2])
def test_loss_and_grads_by_complex_step(kind, at, members):
    rng = np.random.default_rng(5)
    network = initialise.network(3, 4, 2, rng, members=members, cell=kind)
    x, target = rng.normal(size=(5, 3, 3)), rng.integers(2, size=(5, 3) if at == "every" else 3)
    mine = bptt.loss_and_grads(network, x, target, losses.cross_entropy, at=at)
    oracle = gradcheck.complex_step(
        lambda n: bptt.loss_and_grads(n, x, target, losses.cross_entropy, at=at).loss.sum(), network)
    assert gradcheck.table(mine.grads, oracle, tolerance=1e-10).passed


# ---- Jacobians -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gain", [0.5, 1, 1.5])
def test_jacobian_products_carry_the_gradient(kind, gain):
    rng, run = random_run(kind, T=60, gain=gain)
    direct = at_the_end(run, rng)
    back, H = bptt.backward(run, *direct), run.h.shape[-1]
    carried = np.concatenate([d[-1] for d in direct], axis=-1)
    for t, J in reversed(list(enumerate(jacobians.step_jacobians(run), start=1))):
        carried = np.einsum("bij,bi->bj", J, carried)
        assert gradcheck.relative_error(back.dh[t - 1], carried[:, :H], axis=None) <= 1e-9
        if kind == "lstm":
            through_h = run.o[t - 2] * (1 - run.tanh_c[t - 2] ** 2) * back.dh[t - 1] if t > 1 else 0
            assert gradcheck.relative_error(back.dc[t - 1], carried[:, H:] + through_h, axis=None) <= 1e-9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("members", [None, 2])
def test_each_jacobian_by_complex_step(kind, members):
    rng = np.random.default_rng(7)
    params = random_params(kind, rng, members=members)
    lead = () if members is None else (members,)
    run = bptt.forward(params, rng.normal(size=(5, 2, 3)), random_state(params, rng, (*lead, 2, 4)))
    J, names, H = jacobians.step_jacobians(run), states_of(params), 4
    assert J.shape == (5, *lead, 2, len(names) * H, len(names) * H)
    for t in range(5):
        for column in range(len(names) * H):
            state = [getattr(run, name)[t].astype(complex) for name in names]
            state[column // H][..., column % H] += 1e-100j
            moved = bptt.forward(params, run.x[t:t + 1], tuple(state) if len(state) == 2 else state[0])
            oracle = np.concatenate([getattr(moved, name)[1].imag / 1e-100 for name in names], axis=-1)
            assert close(J[t][..., column], oracle)


def test_a_gru_at_the_origin():
    """Without input and biases J = I/2 + W_hn/4 at h = 0: a symmetric W_hn decays below eigenvalue 2 and not above."""
    rng = np.random.default_rng(0)
    W = rng.normal(size=(6, 6))
    W = (W + W.T) / np.linalg.eigvalsh(W + W.T)[-1]
    ends = {}
    for largest in (1.99, 2.01):
        W_hh = np.concatenate([rng.normal(size=(12, 6)), largest * W])  # the gates' own weights do not matter at 0
        params = cells.GRUParams(np.zeros((18, 1)), W_hh, np.zeros(18), np.zeros(6))
        J = jacobians.step_jacobians(bptt.forward(params, np.zeros((1, 1, 1))))[0, 0]
        assert np.allclose(J, np.eye(6) / 2 + largest * W / 4, rtol=1e-14, atol=1e-16)
        W_hh[:12] = 0  # but they do away from it: r = z = 1/2
        ends[largest] = np.linalg.norm(bptt.forward(params, np.zeros((8000, 1, 1)), np.full((1, 6), 0.1)).h[-1])
    assert ends[1.99] < 1e-6 and ends[2.01] > 0.1


# ---- closed forms --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("b_f", [0, 1, 3, 5])
def test_without_recurrent_weights_the_cell_keeps_by_its_forget_bias(b_f):
    """dL/dc_{t-1} = s(b_f) dL/dc_t + direct, exactly, when no gate reads h and nothing comes in."""
    params = initialise.lstm(2, 4, np.random.default_rng(0), gain=0, input_gain=0, forget_bias=b_f)
    run = bptt.forward(params, np.zeros((60, 1, 2)))
    d = np.zeros_like(run.h)
    d[-1] = 1
    dc = bptt.backward(run, np.zeros_like(d), dc_direct=d).dc[:, 0, 0]
    assert np.allclose(dc, sigmoid(b_f) ** np.arange(60, -1, -1.0), rtol=1e-12, atol=0)


def test_the_default_lstm_vanishes_and_its_forget_bias_decides():
    """Ratio of dL/dc_0 to dL/dc_59, the loss on h_60: vanishes at torch's default, not with a forget bias of 3."""
    def ratio(seed, b_f):
        rng = np.random.default_rng(seed)
        params = initialise.torch_default(6, 50, rng, "lstm")
        if b_f is not None:
            params.b_h[50:100] = b_f
        run = bptt.forward(params, rng.normal(size=(60, 20, 6)))
        d = np.zeros_like(run.h)
        d[-1] = rng.normal(size=(20, 50))
        size = np.linalg.norm(bptt.backward(run, d).dc, axis=(1, 2))
        return size[0] / size[-2]

    measured = {b_f: [ratio(seed, b_f) for seed in range(3)] for b_f in (None, 1, 3, 5)}
    assert max(measured[None]) < 1e-11 and 1e-6 < min(measured[1]) <= max(measured[1]) < 1e-3
    assert min(measured[3]) > 0.5 and min(measured[5]) > 3


def test_linear_recurrences_have_the_closed_form_of_a_geometric_sum():
    l, w = np.array([0.9, -0.5]), np.array([[1.0], [2.0]])
    run = bptt.forward(cells.DiagonalParams(w, l, np.zeros(2)), np.ones((30, 1, 1)))
    assert close(run.h[-1, 0], w[:, 0] * (1 - l**30) / (1 - l))
    d = np.zeros_like(run.h)
    d[-1] = 1
    assert close(bptt.backward(run, d).dh[:, 0], l ** np.arange(30, -1, -1.0)[:, None])


def test_a_mingru_averages_what_its_gate_writes():
    b = np.array([0.0, 0.0])  # z = 1/2 at every step; the candidate is x
    run = bptt.forward(cells.MinGRUParams(np.array([[0.0], [1.0]]), b), np.array([8.0, 4, 2])[:, None, None])
    assert np.allclose(run.h[:, 0, 0], [0, 4, 4, 3], rtol=1e-15, atol=0)
    assert np.allclose(run.z, 0.5) and np.allclose(jacobians.step_jacobians(run), 0.5)


def test_gates_are_named_and_are_what_the_equations_say():
    rng, run = random_run("lstm", T=7)
    a_i, a_f, a_g, a_o = np.split(run.a, 4, axis=-1)
    for gate, value in ((run.i, sigmoid(a_i)), (run.f, sigmoid(a_f)), (run.g, np.tanh(a_g)), (run.o, sigmoid(a_o))):
        assert np.allclose(gate, value, rtol=1e-12, atol=0)
    assert np.allclose(run.c[1:], run.f * run.c[:-1] + run.i * run.g, rtol=1e-12, atol=0)
    assert np.allclose(run.h[1:], run.o * np.tanh(run.c[1:]), rtol=1e-12, atol=0)
    rng, run = random_run("gru", T=7)
    a_r, a_z, a_n = np.split(run.a, 3, axis=-1)
    for gate, value in ((run.r, sigmoid(a_r)), (run.z, sigmoid(a_z)), (run.n, np.tanh(a_n))):
        assert np.allclose(gate, value, rtol=1e-12, atol=0)
    W_hn = run.params.W_hh[8:]
    assert np.allclose(run.m, run.h[:-1] @ W_hn.T + run.params.b_hn, rtol=1e-12, atol=0)
    assert np.allclose(run.h[1:], (1 - run.z) * run.n + run.z * run.h[:-1], rtol=1e-12, atol=0)
    for name in ("h", "r", "z", "n", "m", "a"):
        assert name in dir(run)


@pytest.mark.parametrize("kind", [*GATED, "mingru", "diagonal"])
def test_da_is_the_gradient_of_a(kind):
    """What is added to a_t reaches the loss by da_t: shown through the bias, as an input of its own at every step."""
    rng, run = random_run(kind, T=6)
    N = run.params.b_h.shape[-1]
    wider = run.params._replace(W_xh=np.concatenate([run.params.W_xh, np.eye(N)], axis=1))
    x = np.concatenate([run.x, np.zeros((6, 2, N))], axis=-1)
    again = bptt.forward(wider, x,
                         tuple(getattr(run, n)[0] for n in states_of(run.params)) if kind == "lstm" else run.h[0])
    direct = random_direct(run, rng)
    back = bptt.backward(again, *direct)
    assert close(back.da, back.dx[..., 3:])
    assert close(back.da, bptt.backward(run, *direct).da)


# ---- a new cell ----------------------------------------------------------------------------------------------------

class LeakyParams(NamedTuple):
    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray


class LeakyRNN(cells.Cell):
    """h_t = (1 - LEAK) h_{t-1} + LEAK tanh(W_xh x_t + W_hh h_{t-1} + b_h): what a reader writes, and no more."""

    name, parameters = "leaky RNN", LeakyParams
    LEAK = 0.3

    def step(self, run):
        def step(h_before, h_t):
            h_t[...] = (1 - self.LEAK) * h_before + self.LEAK * np.tanh(
                h_t + h_before @ run.params.W_hh.swapaxes(-1, -2))
        return step

    def local_derivatives(self, run, array):
        f = (run.h[1:] - (1 - self.LEAK) * run.h[:-1]) / self.LEAK
        da = array("da", run.h.shape[-1])
        da[...] = self.LEAK * (1 - f**2)
        return cells.OneLocal(da)

    def step_back(self, run, shape):
        def step_back(dh_t, da_t, dh_before):
            da_t *= dh_t
            dh_before += da_t @ run.params.W_hh + (1 - self.LEAK) * dh_t
        return step_back


def leaky_params(rng, members=None):
    return LeakyParams(*random_params("rnn", rng, members=members))


@pytest.fixture
def leaky(monkeypatch):
    monkeypatch.setitem(cells.CELLS, LeakyParams, LeakyRNN())


@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize("window", [None, 3])
def test_a_new_cell_needs_its_step_and_its_step_back(leaky, members, window):
    """Every dh_t, every gradient and every Jacobian of a cell that is written here, by the complex step."""
    rng = np.random.default_rng(3)
    params = leaky_params(rng, members)
    run = bptt.forward(params, rng.normal(size=(20, 2, 3)), rng.normal(size=(2, 4)))
    direct = at_the_end(run, rng)
    back = bptt.backward(run, *direct, window=window)
    if window:
        assert not back.dh[:-3].any() and back.dh[-3:].any((1, -1)).all()
        return
    oracle = gradcheck.complex_step_states(reading(direct), run)
    assert (np.abs(oracle).max(tuple(range(1, oracle.ndim))) > 0).all()
    assert (gradcheck.relative_error(back.dh, oracle) <= 1e-11).all()
    by_step = gradcheck.complex_step(lambda p: reading(direct)(bptt.forward(p, run.x, run.h[0]).h), params)
    assert gradcheck.table(back.grads, by_step, tolerance=1e-11).passed and type(back.grads) is LeakyParams
    assert close(back.dx, gradcheck.complex_step(lambda x: reading(direct)(bptt.forward(params, x, run.h[0]).h), run.x))
    assert close(LeakyRNN.LEAK * np.tanh(run.a), run.h[1:] - (1 - LeakyRNN.LEAK) * run.h[:-1])
    J = jacobians.step_jacobians(run)
    for column in range(4):
        moved = run.h[:-1].astype(complex)
        moved[..., column] += 1e-100j
        alone = [bptt.forward(params, run.x[t:t + 1], moved[t]).h[1].imag / 1e-100 for t in range(20)]
        assert close(J[..., column], np.stack(alone))


def test_a_new_cell_trains_with_a_readout_and_reuses_its_arrays(leaky):
    rng = np.random.default_rng(0)
    network = initialise.with_readout(leaky_params(rng, 2), 2, rng)
    x, labels = rng.normal(size=(6, 5, 3)), rng.integers(2, size=5)
    reusing = train.sequence_objective(losses.cross_entropy)
    first = reusing(network, x, labels)
    dh, grads = first.back.dh.copy(), cells.tree_map(np.copy, first.grads)
    again = reusing(network, x, labels)
    assert np.shares_memory(first.run.h, again.run.h) and np.shares_memory(first.back.da, again.back.da)
    assert np.array_equal(dh, again.back.dh) and gradcheck.table(again.grads, grads).passed
    result = train.train(network, reusing, lambda: (x, labels), updates=60, optimiser=train.Adam(0.03), progress=False)
    assert (result.history.loss[-1] < 0.1 * result.history.loss[0]).all()
    assert repr(first.run).startswith("Run(leaky RNN: ")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("members", [None, 2])
def test_the_jacobians_of_a_new_cell_are_those_that_each_cell_writes_out(kind, members):
    """Cell.jacobians steps unit vectors back; each cell's own is its formula."""
    rng = np.random.default_rng(8)
    run = bptt.forward(random_params(kind, rng, members=members), rng.normal(size=(5, 2, 3)))
    mine, own = cells.Cell.jacobians(cells.cell_of(run.params), run), jacobians.step_jacobians(run)
    assert mine.shape == own.shape and mine.dtype == own.dtype and close(mine, own)


@pytest.mark.parametrize("method, call", [
    ("step", lambda run: bptt.forward(run.params, run.x)),
    ("local_derivatives", lambda run: bptt.backward(run, run.h)),
    ("step_back", lambda run: jacobians.step_jacobians(run))])
def test_a_new_cell_is_told_what_it_lacks(monkeypatch, leaky, method, call):
    rng = np.random.default_rng(0)
    run = bptt.forward(leaky_params(rng), rng.normal(size=(3, 2, 3)))
    half = type("Half", (LeakyRNN,), {method: getattr(cells.Cell, method)})
    monkeypatch.setitem(cells.CELLS, LeakyParams, half())
    with pytest.raises(NotImplementedError, match=rf"Half has no {method}: a cell writes step, local_derivatives and "
                                                  rf"step_back itself.*cells/rnn.py"):
        call(run)


def test_parameters_of_a_cell_that_nobody_made_known():
    with pytest.raises(TypeError, match=r"params is LeakyParams, .*made known by cells.CELLS\[LeakyParams\] ="):
        bptt.forward(leaky_params(np.random.default_rng(0)), np.ones((2, 1, 3)))


# ---- windows, precision, memory, training --------------------------------------------------------------------------

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("window", [1, 3, 9, 10, 50])
def test_window_against_runs_that_start_late(kind, window):
    """Each loss alone, on a run that starts `window` steps before it from a state that counts as given."""
    rng, run = random_run(kind, T=9)
    direct = random_direct(run, rng)
    for d in direct:
        d[[3, 6]] = 0
    back, names = bptt.backward(run, *direct, window=window), states_of(run.params)
    totals = [np.zeros_like(run.h) for _ in names]
    grads = cells.tree_map(np.zeros_like, run.params)
    for s in range(10):
        start = max(s - window, 0)
        if s == start:  # a loss on the initial state
            for total, d in zip(totals, direct):
                total[0] += d[0]
            continue
        state = tuple(getattr(run, name)[start] for name in names)
        late = bptt.forward(run.params, run.x[start:s], state if len(state) == 2 else state[0])
        alone = [np.zeros_like(late.h) for _ in names]
        for own, d in zip(alone, direct):
            own[-1] = d[s]
        part = bptt.backward(late, *alone)
        grads = cells.tree_map(np.add, grads, part.grads)
        first = 1 if s - start == window else 0  # the state it starts from lies outside
        for total, name in zip(totals, names):
            total[start + first:s + 1] += getattr(part, f"d{name}")[first:]
    for total, name in zip(totals, names):
        assert (gradcheck.relative_error(getattr(back, f"d{name}"), total) <= 1e-11).all()
    assert gradcheck.table(back.grads, grads, tolerance=1e-11).passed


@pytest.mark.parametrize("kind", KINDS)
def test_the_parameters_decide_the_precision(kind):
    rng = np.random.default_rng(0)
    params = cells.tree_map(lambda array: array.astype(np.float32), random_params(kind, rng))
    run = bptt.forward(params, rng.normal(size=(6, 2, 3)))
    direct = random_direct(run, rng)
    back = bptt.backward(run, *direct)
    arrays = [run.h, run.a, *run.cache, back.dh, back.da, back.dx, *back.grads, jacobians.step_jacobians(run)]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert bptt.forward(params, run.x * 1j).h.dtype == np.complex64
    assert bptt.forward(params, np.ones((4, 2, 3), int)).h.dtype == np.float32


@pytest.mark.parametrize("kind", GATED)
def test_an_objective_that_reuses_its_arrays_gives_the_same_numbers(kind):
    reusing = train.sequence_objective(losses.cross_entropy)
    for batch, cell in ((10, kind), (10, kind), (4, kind), (10, "rnn"), (10, kind)):
        x, target = tasks.recall(8, batch, np.random.default_rng(batch))
        network = initialise.network(2, 5, 2, np.random.default_rng(batch), members=2, cell=cell)
        mine = reusing(network, x, target)
        fresh = bptt.loss_and_grads(network, x, target, losses.cross_entropy)
        assert np.array_equal(mine.loss, fresh.loss) and np.array_equal(mine.back.dh, fresh.back.dh)
        for (name, a), (_, b) in zip(cells.leaves(mine.grads), cells.leaves(fresh.grads)):
            assert np.array_equal(a, b), name
    first = reusing(network, x, target)
    again = reusing(network, x, target)
    for name in [*first.run.cache._fields, "h"]:
        assert np.shares_memory(getattr(first.run, name), getattr(again.run, name)), name
    for a, b in zip(first.back.local, again.back.local):
        assert np.shares_memory(a, b)


def test_a_run_keeps_its_numbers_after_two_passes_back():
    for kind in KINDS:
        rng, run = random_run(kind)
        direct, before = random_direct(run, rng), [run.h.copy(), *(array.copy() for array in run.cache)]
        first, second = bptt.backward(run, *direct), bptt.backward(run, *direct)
        jacobians.step_jacobians(run)
        assert all(np.array_equal(a, b) for a, b in zip(before, [run.h, *run.cache]))
        assert all(np.array_equal(a, b) for a, b in zip(first.grads, second.grads))


@pytest.mark.parametrize("kind", GATED)
def test_it_trains(kind):
    rng = np.random.default_rng(0)
    network = initialise.network(2, 8, 2, rng, cell=kind, members=2)
    result = train.train(network, train.sequence_objective(losses.cross_entropy), lambda: tasks.recall(10, 20, rng),
                         updates=150, optimiser=train.Adam(0.03), clip_norm=1.0, progress=False)
    assert type(result.params.rnn) is type(network.rnn)
    assert (result.history.loss[-20:].mean(0) < 0.3 * result.history.loss[:20].mean(0)).all()


# ---- initial weights -----------------------------------------------------------------------------------------------

def test_initial_weights_have_what_they_promise():
    rng = np.random.default_rng(0)
    for kind, gates in (("lstm", 4), ("gru", 3)):
        params = getattr(initialise, kind)(5, 30, rng, gain=1.3, members=2)
        singular = np.linalg.svd(params.W_hh.reshape(2, gates, 30, 30), compute_uv=False)
        assert np.allclose(singular, 1.3, rtol=1e-12, atol=0) and not params.b_h.any()
        assert not np.allclose(params.W_hh[0, :30], params.W_hh[0, 30:60], atol=0)  # each gate its own
    biased = initialise.lstm(5, 30, rng, members=2, forget_bias=np.array([[1.0], [3.0]])).b_h
    assert (biased[0, 30:60] == 1).all() and (biased[1, 30:60] == 3).all()
    assert not np.delete(biased, range(30, 60), 1).any()
    assert (initialise.gru(5, 30, rng, keep_bias=2.0).b_h == np.repeat([0.0, 2, 0], 30)).all()


def test_chrono_biases():
    rng = np.random.default_rng(0)
    b_i, b_f, b_g, b_o = np.split(initialise.lstm(5, 400, rng, chrono=101).b_h, 4)
    assert np.array_equal(b_i, -b_f) and not b_g.any() and not b_o.any()
    assert 0 <= b_f.min() and b_f.max() <= np.log(100)
    assert abs(np.exp(b_f).mean() - 50.5) < 5 and abs(np.exp(b_f).std() - 99 / np.sqrt(12)) < 3
    b_r, b_z, b_n = np.split(initialise.gru(5, 400, rng, chrono=101).b_h, 3)
    assert not b_r.any() and not b_n.any() and 0 <= b_z.min() and b_z.max() <= np.log(100)
    b_z, b_n = np.split(initialise.mingru(5, 400, rng, chrono=101).b_h, 2)
    assert not b_n.any() and -np.log(100) <= b_z.min() and b_z.max() <= 0 and b_z.std() > .5


@pytest.mark.parametrize("members", [None, 3])
def test_a_mingru_with_a_readout(members):
    made = initialise.mingru(2, 40, np.random.default_rng(0), 3., members, np.float32)
    network = initialise.with_readout(made, 5, np.random.default_rng(1), .5)
    lead = () if members is None else (members,)
    assert made.W_xh.shape == (*lead, 80, 2) and made.b_h.shape == (*lead, 80) and not made.b_h.any()
    assert network.readout.W_hy.shape == (*lead, 5, 40) and network.readout.b_y.shape == (*lead, 5)
    assert {array.dtype for array in (*made, *network.readout)} == {np.dtype("float32")}
    assert made.W_xh.std() == pytest.approx(3 / 2**.5, rel=.2, abs=0)
    assert network.readout.W_hy.std() == pytest.approx(.5 / 40**.5, rel=.2, abs=0)
    x = np.ones((4, 1, 2), np.float32)
    assert bptt.forward(network.rnn, x).h.shape == (5, *lead, 1, 40)


@pytest.mark.parametrize("kind", ["rnn", *GATED])
def test_torch_default_is_distributed_as_torch_draws(kind):
    params = initialise.torch_default(50, 64, np.random.default_rng(0), kind, dtype=np.float32)
    torch.manual_seed(0)
    theirs = torch_bridge.from_torch({"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](50, 64))
    for name, mine, other in zip(params._fields, params, theirs):
        assert mine.shape == other.shape and mine.dtype == other.dtype
        few = mine.size < 100
        assert abs(mine.std() / other.std() - 1) < (0.3 if few else 0.15), name
        assert abs(np.abs(mine).max() / np.abs(other).max() - 1) < 0.15, name


def test_a_network_of_the_default_cell_is_drawn_as_before():
    with_cell = initialise.network(2, 3, 2, np.random.default_rng(1), cell="rnn")
    without = initialise.network(2, 3, 2, np.random.default_rng(1))
    by_hand = initialise.rnn(2, 3, np.random.default_rng(1))
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(cells.leaves(with_cell), cells.leaves(without)))
    assert all(np.array_equal(a, b) for a, b in zip(by_hand, without.rnn))


# ---- bad input -----------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
LSTM, GRU, RNN = (random_params(kind, RNG, D=4, H=5) for kind in ("lstm", "gru", "rnn"))
X = RNG.normal(size=(12, 3, 4))
H0 = np.zeros((3, 5))
RUN, GRU_RUN = bptt.forward(LSTM, X), bptt.forward(GRU, X)
NET = initialise.network(4, 5, 2, RNG, cell="lstm")

CASES = {  # name: (call, error, what the message has to say)
    "one state for an LSTM": (lambda: bptt.forward(LSTM, X, H0), TypeError,
                              [r"state0 is one array of shape \(3, 5\)", "LSTM starts from two",
                               r"np.zeros_like\(h0\)"]),
    "missing c0": (lambda: bptt.forward(LSTM, X, (H0,)), TypeError, ["tuple of one array", r"pair \(h0, c0\)"]),
    "c0 is None": (lambda: bptt.forward(LSTM, X, (H0, None)), TypeError, ["tuple of one array.*, None", r"\(h0, c0\)"]),
    "states stacked": (lambda: bptt.forward(LSTM, X, np.stack([H0, H0])), TypeError, [r"shape \(2, 3, 5\)", "pair"]),
    "c0 of another batch": (lambda: bptt.forward(LSTM, X, (H0, np.zeros((12, 5)))), ValueError,
                            [r"c0 has shape \(12, 5\)", "batch-first"]),
    "nan in c0": (lambda: bptt.forward(LSTM, X, (H0, H0 * np.nan)), ValueError, ["c0 is not finite: nan"]),
    "pair for a GRU": (lambda: bptt.forward(GRU, X, (H0, H0)), TypeError,
                       ["state0 is a pair", "GRU has one state", r"state0\[0\]"]),
    "pair for an RNN": (lambda: bptt.forward(RNN, X, (H0, H0)), TypeError, ["RNN has one state"]),
    "states of other members": (lambda: bptt.forward(random_params("lstm", RNG, 4, 5, members=2), X,
                                                     (np.zeros((4, 3, 5)), H0)),
                                ValueError, ["leading axes", r"h0 \(4,\)"]),
    "activation of an LSTM": (lambda: bptt.forward(LSTM, X, activation="relu"), ValueError,
                              ["activation is 'relu'", "LSTM belong to the cell", "leave it out"]),
    "unknown activation": (lambda: bptt.forward(GRU, X, activation="Tanh"), ValueError,
                           ["'Tanh'", "'tanh', 'sigmoid'"]),
    "not a cell": (lambda: bptt.forward(NET.readout, X), TypeError,
                   ["ReadoutParams, needs the parameters of a cell", "LSTMParams"]),
    "whole network": (lambda: bptt.forward(NET, X), TypeError, ["NetworkParams", ".rnn"]),
    "RNN where an LSTM is needed": (lambda: cells.LSTM().check(RNN), TypeError,
                                    ["params is RNNParams, needs cells.LSTMParams"]),
    "GRU where an RNN is needed": (lambda: cells.RNN().check(GRU), TypeError,
                                   ["params is GRUParams, needs cells.RNNParams"]),
    "an LSTM's arrays as RNN": (lambda: bptt.forward(cells.RNNParams(*LSTM), X), ValueError,
                                [r"W_hh has shape \(20, 5\)", "an LSTM's: pass cells.LSTMParams"]),
    "an RNN's arrays as LSTM": (lambda: bptt.forward(cells.LSTMParams(*RNN), X), ValueError,
                                [r"W_hh has shape \(5, 5\), needs \(..., 4H, H\)", "an RNN's: pass cells.RNNParams"]),
    "a GRU's arrays as LSTM": (lambda: bptt.forward(cells.LSTMParams(*GRU[:3]), X), ValueError,
                               ["4H, H", "a GRU's: pass cells.GRUParams"]),
    "three gates and a half": (lambda: bptt.forward(LSTM._replace(W_hh=np.ones((18, 5))), X), ValueError,
                               [r"\(18, 5\)", "four gates i, f, g, o"]),
    "W_hh transposed": (lambda: bptt.forward(LSTM._replace(W_hh=LSTM.W_hh.T), X), ValueError,
                        [r"\(5, 20\)", r"W_hh\.T"]),
    "W_xh of one gate": (lambda: bptt.forward(LSTM._replace(W_xh=np.ones((5, 4))), X), ValueError,
                         [r"W_xh has shape \(5, 4\), needs \(..., 20, D\)"]),
    "W_xh transposed": (lambda: bptt.forward(LSTM._replace(W_xh=LSTM.W_xh.T), X), ValueError, [r"W_xh\.T"]),
    "bias of one gate": (lambda: bptt.forward(LSTM._replace(b_h=np.ones(5)), X), ValueError,
                         [r"b_h has shape \(5,\), needs \(..., 20\)"]),
    "both biases of torch": (lambda: bptt.forward(GRU._replace(b_hn=np.ones(15)), X), ValueError,
                             [r"b_hn has shape \(15,\), needs \(..., 5\)"]),
    "GRU gates": (lambda: bptt.forward(GRU._replace(W_hh=np.ones((20, 5))), X), ValueError,
                  ["3H, H", "three gates r, z, n", "LSTM"]),
    "nan in weights": (lambda: bptt.forward(LSTM._replace(W_hh=LSTM.W_hh * np.nan), X), ValueError,
                       ["W_hh is not finite: nan"]),
    "whole numbers": (lambda: bptt.forward(GRU._replace(b_hn=np.ones(5, int)), X), TypeError,
                      ["b_hn has dtype int64", "astype"]),
    "ensembles differ": (lambda: bptt.forward(LSTM._replace(b_h=np.ones((2, 20)), W_hh=np.ones((3, 20, 5))), X),
                         ValueError,
                         ["leading axes", r"b_h \(2,\)"]),
    "members of x differ": (lambda: bptt.forward(random_params("gru", RNG, 4, 5, members=2), np.ones((6, 3, 1, 4))),
                            ValueError,
                            [r"x \(3,\)", r"b_hn \(2,\)"]),
    "batch-first": (lambda: bptt.forward(LSTM, np.ones((3, 4, 12))), ValueError, [r"moveaxis\(x, 1, -1\)"]),
    "wrong D": (lambda: bptt.forward(GRU, X[..., :3]), ValueError, [r"\(T, ..., B, 4\)", r"W_xh \(15, 4\)"]),
    "half a diagonal": (lambda: bptt.forward(cells.DiagonalParams(np.ones((5, 4)), np.ones(4), np.ones(5)), X),
                        ValueError,
                        [r"W_xh has shape \(5, 4\), needs \(..., 4, D\) to go with lambda_hh \(4,\)"]),
    "odd minGRU": (lambda: bptt.forward(cells.MinGRUParams(np.ones((5, 4)), np.ones(5)), X), ValueError,
                   [r"b_h has shape \(5,\), needs \(..., 2H\)"]),
    "window as third argument": (lambda: bptt.backward(GRU_RUN, GRU_RUN.h, 3), TypeError,
                                 ["dc_direct is 3", "window=3"]),
    "dc for a GRU": (lambda: bptt.backward(GRU_RUN, GRU_RUN.h, GRU_RUN.h), TypeError, ["GRU has no cell state c"]),
    "dc without row 0": (lambda: bptt.backward(RUN, RUN.h, RUN.c[1:]), ValueError,
                         [r"dc_direct has shape \(12, 3, 5\)", "Row 0"]),
    "dc of the last step": (lambda: bptt.backward(RUN, RUN.h, RUN.c[-1]), ValueError, [r"zeros_like\(run.c\)"]),
    "dc nan": (lambda: bptt.backward(RUN, RUN.h, RUN.c * np.nan), ValueError, ["dc_direct is not finite"]),
    "dc complex": (lambda: bptt.backward(RUN, RUN.h, RUN.c * 1j), TypeError, ["dc_direct is complex"]),
    "c of a GRU": (lambda: GRU_RUN.c, AttributeError, ["GRUParams has no c", "r, z, n"]),
    "forget gate of an RNN": (lambda: bptt.forward(RNN, X).f, AttributeError, ["RNNParams has no f"]),
    "gradient norms of an LSTM": (lambda: jacobians.log_gradient_norms(RUN, np.ones(5)), TypeError,
                                  ["run of LSTMParams", r"step_jacobians\(run\)\[:, 0\]"]),
    "penalty of a GRU": (lambda: regularise.vanishing_gradient(bptt.backward(GRU_RUN, GRU_RUN.h)), TypeError,
                         ["GRUParams", "cells.RNNParams"]),
    "complex step of no state": (lambda: gradcheck.complex_step_states(np.sum, GRU_RUN, of="c"), ValueError,
                                 ["of is 'c', needs one of 'h'"]),
    "chrono and forget bias": (lambda: initialise.lstm(2, 3, RNG, forget_bias=1.0, chrono=9), ValueError,
                               ["both set b_f"]),
    "chrono and keep bias": (lambda: initialise.gru(2, 3, RNG, keep_bias=1.0, chrono=9), ValueError, ["both set b_z"]),
    "minGRU chrono too short": (lambda: initialise.mingru(2, 3, RNG, chrono=2), ValueError,
                                ["chrono is 2, needs to be at least 3"]),
    "minGRU of none": (lambda: initialise.mingru(2, 0, RNG), ValueError, ["hidden is 0"]),
    "chrono too short": (lambda: initialise.lstm(2, 3, RNG, chrono=2), ValueError,
                         ["chrono is 2, needs to be at least 3"]),
    "chrono half": (lambda: initialise.lstm(2, 3, RNG, chrono=9.5), TypeError, ["chrono is 9.5"]),
    "forget biases": (lambda: initialise.lstm(2, 3, RNG, forget_bias=np.ones(2)), ValueError,
                      [r"forget_bias has shape \(2,\)", r"\(3,\)"]),
    "forget bias nan": (lambda: initialise.lstm(2, 3, RNG, forget_bias=np.nan), ValueError,
                        ["forget_bias is not finite"]),
    "unknown cell": (lambda: initialise.network(2, 3, 2, RNG, cell="LSTM"), ValueError, ["cell is 'LSTM'", "'lstm'"]),
    "option of another cell": (lambda: initialise.network(2, 3, 2, RNG, forget_bias=1.0), TypeError, ["forget_bias"]),
    "integer dtype": (lambda: initialise.lstm(2, 3, RNG, dtype=int), TypeError, ["dtype is <class 'int'>"]),
}


@pytest.mark.parametrize("name", CASES)
def test_message(name, refused):
    refused(*CASES[name])


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(KINDS), T=st.integers(1, 5), B=st.integers(1, 3), D=st.integers(1, 3), H=st.integers(1, 4),
       members=st.none() | st.integers(1, 3), window=st.none() | st.integers(1, 7), seed=st.integers(0, 99))
def test_gradients_hold_for_every_size(kind, T, B, D, H, members, window, seed):
    rng = np.random.default_rng(seed)
    params = random_params(kind, rng, D, H, members=members)
    run = bptt.forward(params, rng.normal(size=(T, B, D)))
    direct = random_direct(run, rng)
    back = bptt.backward(run, *direct, window=window)
    assert back.dh.shape == run.h.shape and back.dx.shape == run.x.shape and (back.dc is None) == (kind != "lstm")
    assert [g.shape for g in back.grads] == [p.shape for p in run.params]
    if window is None or window > T:
        v = rng.normal(size=run.x.shape)  # along one direction: the change of the loss is dx . v
        moved = bptt.forward(params, run.x + 1e-100j * v)
        slope = reading(direct)(*(getattr(moved, name) for name in states_of(params))).imag / 1e-100
        assert np.isclose((back.dx * v).sum(), slope, rtol=1e-9, atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(kind=st.sampled_from(GATED), shape=st.lists(st.integers(0, 5), min_size=0, max_size=4).map(tuple),
       state=st.none() | st.lists(st.integers(1, 5), min_size=0, max_size=3).map(tuple))
def test_any_shape_either_runs_or_is_explained(kind, shape, state):
    params = {"lstm": LSTM, "gru": GRU}[kind]
    start = None if state is None else (np.ones(state),) * 2 if kind == "lstm" else np.ones(state)
    try:
        run = bptt.forward(params, np.ones(shape), start)
    except ValueError as problem:
        assert any(word in str(problem) for word in ("x has shape", "state0 has shape", "h0 has shape", "leading axes"))
    else:
        assert run.h.shape[0] == shape[0] + 1 and run.h.shape[-2:] == (shape[-2], 5)
        assert bptt.backward(run, np.ones_like(run.h)).dx.shape == shape
