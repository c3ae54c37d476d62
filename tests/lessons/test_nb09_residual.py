"""Direct connections and layer norm: every gradient against the complex step, and against the Jacobians' product."""

import numpy as np
import pytest
import torch

from course_lib import bptt, cells, gradcheck, initialise, losses, tasks, train
from course_lib.lessons.nb09_initialization_and_other_cures import residual
from course_lib.lessons.nb09_initialization_and_other_cures.residual import Paths

KINDS = {
    "simple": Paths(), "leaky": residual.leaky(.9), "residual": Paths(carry=1., step=.1),
    "skip": Paths(carry=.7, step=.5, skip=3), "layer norm": Paths(layer_norm=True),
    "all": Paths(carry=.8, step=.3, skip=2, layer_norm=True)}


def drawn(gain=1., T=12, members=None, seed=0, dtype=float):
    rng = np.random.default_rng(seed)
    params = initialise.rnn(3, 4, rng, gain=gain, members=members, dtype=dtype)
    params = params._replace(b_h=(.3 * rng.normal(size=params.b_h.shape)).astype(dtype))
    return params, rng.normal(size=(T, 2, 3)), rng


def complex_states(run, direct):
    """dL/dh_t, L = sum direct * h: each state is moved by an imaginary step and all after it computed anew."""
    def later(t, change):
        h = [state.astype(complex) for state in run.h]
        h[t] = h[t] + change
        for s in range(t + 1, len(h)):
            a = run.x[s - 1] @ run.params.W_xh.T + h[s - 1] @ run.params.W_hh.T
            if run.paths.layer_norm:
                a = a - a.mean(-1, keepdims=True)
                a = a / np.sqrt((a * a).mean(-1, keepdims=True) + residual.LAYER_NORM_EPS)
            direct_way = run.paths.carry * h[s - run.paths.skip] if s >= run.paths.skip else 0
            h[s] = direct_way + run.paths.step * np.tanh(a + run.params.b_h)
        return sum((d * state).sum() for d, state in zip(direct, h))

    result = np.empty(run.h.shape)
    for t, *index in np.ndindex(run.h.shape):
        change = np.zeros(run.h.shape[1:], complex)
        change[tuple(index)] = 1e-100j
        result[(t, *index)] = later(t, change).imag / 1e-100
    return result


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("gain", [.5, 1., 1.5])
@pytest.mark.parametrize("kind", KINDS)
def test_every_gradient_is_exact_at_every_step(kind, gain):
    params, x, rng = drawn(gain, T=60 if kind in ("leaky", "layer norm") else 12)
    state0 = rng.normal(size=(2, 4))
    run = residual.forward_paths(params, x, KINDS[kind], state0)
    direct = rng.normal(size=run.h.shape)
    back = residual.backward_paths(run, direct)
    assert gradcheck.relative_error(back.dh, complex_states(run, direct)).max() < 1e-11

    def loss(params):
        return (direct * residual.forward_paths(params, x, KINDS[kind], state0).h).sum()

    exact = gradcheck.complex_step(loss, params)
    for mine, true in zip(back.grads, exact):
        assert gradcheck.relative_error(mine, true, axis=None) < 1e-11


@pytest.mark.parametrize("kind", ["simple", "leaky", "residual", "layer norm"])
def test_the_jacobians_carry_the_gradient(kind):
    params, x, rng = drawn(T=60)
    run = residual.forward_paths(params, x, KINDS[kind])
    direct = np.zeros_like(run.h)
    direct[-1] = v = rng.normal(size=(2, 4))
    dh, carried = residual.backward_paths(run, direct).dh, [v]
    for J in residual.paths_jacobians(run)[::-1]:
        carried.insert(0, np.einsum("bi,bij->bj", carried[0], J))
    assert gradcheck.relative_error(np.stack(carried), dh).max() < 1e-11


def test_a_jacobian_wrong_by_a_thousandth_is_seen():
    params, x, rng = drawn(T=20)
    run = residual.forward_paths(params, x, KINDS["leaky"])
    direct = np.zeros_like(run.h)
    direct[-1] = 1
    wrong = run._replace(paths=Paths(carry=.9 * 1.001, step=.1))
    assert gradcheck.relative_error(residual.backward_paths(wrong, direct).dh,
                                    residual.backward_paths(run, direct).dh).max() > 1e-3


def test_without_direct_paths_it_is_the_simple_network():
    params, x, rng = drawn(members=3)
    simple, ours = bptt.forward(params, x), residual.forward_paths(params, x)
    assert np.allclose(ours.h, simple.h, rtol=1e-13, atol=0)
    direct = rng.normal(size=simple.h.shape)
    theirs, back = bptt.backward(simple, direct), residual.backward_paths(ours, direct)
    assert gradcheck.relative_error(back.dh, theirs.dh).max() < 1e-12
    assert gradcheck.table(back.grads, theirs.grads, 1e-12).passed


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_what_they_are_alone(kind):
    params, x, rng = drawn(members=3)
    run = residual.forward_paths(params, x, KINDS[kind])
    direct = rng.normal(size=run.h.shape)
    back = residual.backward_paths(run, direct)
    for e in range(3):
        alone = residual.forward_paths(cells.RNNParams(*(array[e] for array in params)), x, KINDS[kind])
        single = residual.backward_paths(alone, direct[:, e])
        assert np.allclose(run.h[:, e], alone.h, rtol=1e-12, atol=0)
        assert np.allclose(back.dh[:, e], single.dh, rtol=1e-11, atol=0)
        assert all(np.allclose(mine[e], theirs, rtol=1e-10, atol=0) for mine, theirs in zip(back.grads, single.grads))


def test_layer_norm_is_torchs():
    params, x, _ = drawn(T=1)
    run = residual.forward_paths(params, x, KINDS["layer norm"])
    a = torch.tensor(x[0] @ params.W_xh.T)
    normal = torch.nn.functional.layer_norm(a, (4,)).numpy()
    assert np.allclose(run.normal[0], normal, rtol=1e-12, atol=0)
    assert np.allclose(run.h[1], np.tanh(normal + params.b_h), rtol=1e-12, atol=0)


def test_a_leaky_unit_without_input_keeps_alpha():
    params = cells.RNNParams(np.ones((1, 1)), np.full((1, 1), 1e-300), np.zeros(1))
    run = residual.forward_paths(params, np.zeros((40, 1, 1)), residual.leaky(.9), np.ones((1, 1)))
    assert np.allclose(run.h[:, 0, 0], .9 ** np.arange(41), rtol=1e-12, atol=0)


def test_the_objective_trains_an_ensemble():
    rng = np.random.default_rng(0)
    nets = initialise.network(2, 6, 2, rng, members=3)
    x, labels = tasks.recall(8, 5, rng)
    for kind in KINDS.values():
        objective = residual.paths_objective(losses.cross_entropy, kind)
        value, grads = objective(nets, x, labels)
        one = cells.tree_map(lambda array: array[1], nets)
        exact = gradcheck.complex_step(lambda net: objective(net, x, labels)[0], one)
        mine = cells.tree_map(lambda array: array[1], grads)
        assert value.shape == (3,) and gradcheck.table(mine, exact).passed
    ended = train.train(nets, objective, lambda: tasks.recall(8, 20, rng), updates=60,
                        optimiser=train.Adam(1e-2), progress=False)
    assert (ended.history.loss[-1] < .5 * ended.history.loss[0]).all()


def test_single_precision_and_other_activations():
    params, x, _ = drawn(dtype=np.float32)
    for activation in ("relu", "sigmoid", "linear"):
        run = residual.forward_paths(params, x, KINDS["all"], activation=activation)
        direct = np.ones_like(run.h)
        back = residual.backward_paths(run, direct)
        assert run.h.dtype == back.dh.dtype == back.grads.W_hh.dtype == np.float32
        twice = residual.forward_paths(cells.tree_map(lambda array: array.astype(float), params), x, KINDS["all"],
                                 activation=activation)
        assert gradcheck.relative_error(back.dh, residual.backward_paths(twice, np.ones_like(twice.h)).dh).max() < 1e-4


@pytest.mark.parametrize("call, error, message", [
    (lambda p, x: residual.leaky(1.), ValueError, r"alpha is 1, needs to be in \[0, 1\)"),
    (lambda p, x: residual.leaky("a lot"), TypeError, "alpha is 'a lot'"),
    (lambda p, x: residual.forward_paths(p, x, .9), TypeError, "paths is float, needs residual.Paths"),
    (lambda p, x: residual.forward_paths(p, x, Paths(skip=0)), ValueError, "skip is 0, needs to be at least 1"),
    (lambda p, x: residual.forward_paths(p, x, Paths(carry=np.nan)), ValueError, "carry is nan"),
    (lambda p, x: residual.forward_paths(p, x, Paths(layer_norm=1.)), TypeError,
     "layer_norm is 1.0, needs True or False"),
    (lambda p, x: residual.forward_paths(p, x[..., :2]), ValueError, r"params take \(T, ..., B, 3\)"),
    (lambda p, x: residual.forward_paths(p, np.where(x > 2, np.nan, x)), ValueError, "x is not finite"),
    (lambda p, x: residual.forward_paths(p, 3.), ValueError, "x has shape"),
    (lambda p, x: residual.backward_paths(bptt.forward(p, x), x), TypeError,
     "run is Run, needs what residual.forward_paths"),
    (lambda p, x: residual.backward_paths(residual.forward_paths(p, x), x), ValueError, "dh_direct has shape"),
    (lambda p, x: residual.paths_jacobians(residual.forward_paths(p, x, Paths(carry=1., skip=2))), ValueError,
     "skip is 2"),
    (lambda p, x: residual.paths_jacobians(bptt.forward(p, x)), TypeError, "run is Run"),
    (lambda p, x: residual.paths_objective(losses.cross_entropy, "leaky"), TypeError, "paths is str")])
def test_bad_input_is_named(call, error, message):
    params, x, _ = drawn(seed=3, T=40)
    with pytest.raises(error, match=message):
        call(params, x)


def test_what_it_holds_is_said_in_short():
    params, x, _ = drawn()
    run = residual.forward_paths(params, x, residual.leaky(.5))
    assert "carry=0.5" in repr(run) and "h (13, 2, 4)" in repr(run)
    assert "dh (13, 2, 4)" in repr(residual.backward_paths(run, run.h))
