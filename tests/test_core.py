"""Activations, losses, initial weights, the checker, Jacobians, clipping."""

import subprocess
import sys

import numpy as np
import pytest

from course_lib import activations, bptt, cells, clipping, gradcheck, initialise, jacobians, losses


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_derivatives_by_complex_step(name):
    a = np.linspace(-4, 4, 41) + 0.03
    f = activations.get(name)
    oracle = f.function(a + 1e-100j).imag / 1e-100
    assert np.allclose(f.derivative(a), oracle, rtol=1e-12, atol=0)
    assert f.derivative(a).max() <= f.largest_derivative == f.derivative(np.array([1e-12]))[0].round(9)


@pytest.mark.parametrize("name", activations.ACTIVATIONS)
def test_activations_write_in_place_and_never_overflow(name):
    for dtype in (np.float32, np.float64):
        a = np.array([-1e3, -89, -1, 0, 1, 89, 1e3], dtype)
        out = np.empty_like(a)
        result = activations.get(name).function(a, out=out)
        assert result is out and np.isfinite(out).all() and out.dtype == dtype
        assert np.array_equal(out, activations.get(name).function(a))


def test_sigmoid_and_relu_are_what_they_are_called():
    a = np.linspace(-5, 5, 11)
    assert np.allclose(activations.sigmoid(a), 1 / (1 + np.exp(-a)), rtol=1e-14, atol=0)
    assert activations.sigmoid(-40.0) == pytest.approx(4.248354255291589e-18, rel=1e-14, abs=0)  # no digit is lost
    assert activations.get("sigmoid").derivative(-40.0) == pytest.approx(4.248354255291589e-18, rel=1e-14, abs=0)
    assert np.array_equal(activations.relu(a), np.where(a > 0, a, 0))


def test_losses_against_their_definition():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(4, 3, 5)), rng.integers(5, size=(4, 3))
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    by_hand = -np.log(np.take_along_axis(p, labels[..., None], -1)).mean((1, 2))
    assert np.allclose(losses.cross_entropy(logits, labels)[0], by_hand, rtol=1e-13, atol=0)
    huge, gradient = losses.cross_entropy(logits * 1e4, labels)
    assert np.isfinite(huge).all() and np.isfinite(gradient).all()
    y, target = rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 3, 2))
    assert np.allclose(losses.mean_squared_error(y, target)[0], ((y - target) ** 2).mean((1, 2)), rtol=1e-13, atol=0)


def test_cross_entropy_does_not_ask_how_its_logits_lie_in_memory():
    """A loss at every step of an ensemble reads logits (T, E, B, K) that lie as (E, T, B, K): reshape makes a copy."""
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(3, 6, 4, 5)), rng.integers(5, size=(6, 1, 4))
    for each, lies in [(logits.swapaxes(0, 1), "swapped"), (np.asfortranarray(logits.swapaxes(0, 1)), "Fortran")]:
        loss, gradient = losses.cross_entropy(each, labels)
        loss_c, gradient_c = losses.cross_entropy(np.ascontiguousarray(each), labels)
        np.testing.assert_allclose(loss, loss_c, rtol=1e-13, atol=0, err_msg=lies)
        np.testing.assert_allclose(gradient, gradient_c, rtol=1e-13, atol=0, err_msg=lies)
        assert np.abs(gradient_c.sum(-1)).max() < 1e-15


@pytest.mark.parametrize("loss", [losses.cross_entropy, losses.mean_squared_error])
def test_loss_gradients_by_complex_step(loss):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(2, 3, 4))
    target = rng.integers(4, size=(2, 3)) if loss is losses.cross_entropy else rng.normal(size=(2, 3, 4))
    oracle = gradcheck.complex_step(lambda y: loss(y, target)[0].sum(), y)
    assert (gradcheck.relative_error(loss(y, target)[1], oracle) <= 1e-12).all()


def test_initial_weights_have_the_promised_spectrum():
    rng = np.random.default_rng(0)
    for shape in [(30, 30), (2, 30, 30)]:
        singular = np.linalg.svd(initialise.orthogonal(shape, rng, gain=1.3), compute_uv=False)
        assert np.allclose(singular, 1.3, rtol=1e-12, atol=0)
        for size in (0.0, 2.0):
            W = initialise.non_normal(shape, rng, gain=0.8, non_normality=size)
            assert np.allclose(jacobians.spectral_radius(W), 0.8, rtol=1e-6)
            assert (jacobians.largest_singular_value(W) > 0.8 * (1 + size / 2)).all() or size == 0
            assert np.allclose(jacobians.largest_singular_value(W), 0.8) == (size == 0)
    assert abs(jacobians.spectral_radius(initialise.gaussian((400, 400), rng, 1.5)) - 1.5) < 0.15
    assert np.array_equal(initialise.identity((3, 3), gain=2.0), 2 * np.eye(3))
    odd = initialise.non_normal((7, 7), rng, gain=1.1, non_normality=0.5)
    assert np.allclose(jacobians.spectral_radius(odd), 1.1, rtol=1e-6)
    assert np.abs(initialise.uniform((50, 50), rng)).max() <= 1 / np.sqrt(50)
    assert abs(initialise.glorot((300, 100), rng).std() - np.sqrt(2 / 400)) < 0.002
    for W in (initialise.sparse((3, 40, 40), rng), initialise.rnn(2, 40, rng, "sparse", 0.95, members=3).W_hh):
        assert np.allclose(jacobians.spectral_radius(W), 0.95, rtol=1e-9, atol=0) and ((W != 0).sum(-1) == 15).all()
        assert ((W != 0).sum(-2) != 15).any()  # the rows are full, not the columns
    assert (initialise.sparse((5, 5), rng) != 0).all()
    assert abs(initialise.network(2, 100, 90, rng, output_gain=0.1).readout.W_hy.std() - 0.01) < 0.001


def test_seeds_belong_to_the_caller():
    draws = [initialise.network(2, 3, 2, np.random.default_rng(1)) for _ in range(2)]
    for (name, a), (_, b) in zip(cells.leaves(draws[0]), cells.leaves(draws[1])):
        assert np.array_equal(a, b), name


def test_complex_step_sees_what_finite_differences_cannot():
    q = 0.5 * np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]

    def loss(v):
        for _ in range(200):
            v = q @ v
        return 1 + v.sum()

    exact = np.linalg.matrix_power(q, 200).sum(0)
    assert np.abs(exact).max() < 1e-59
    assert (gradcheck.relative_error(gradcheck.complex_step(loss, np.ones(4)), exact, axis=None) < 1e-12)
    for eps in (1e-8, 1e-4, 1.0):  # two equal losses, whatever the step
        assert loss(np.ones(4) + eps) - loss(np.ones(4) - eps) == 0


def test_complex_step_survives_a_loss_that_writes_into_its_argument():
    assert np.allclose(gradcheck.complex_step(lambda p: np.multiply(p, 2, out=p).prod(), np.array([1.0, 2, 3])),
                       [48, 24, 16], atol=0)


def test_trees_of_different_form_are_refused():
    with pytest.raises(ValueError):
        cells.tree_map(np.add, cells.ReadoutParams(1.0, 2.0), cells.RNNParams(1.0, 2.0, 3.0))


def test_complex_step_refuses_a_real_loss():
    with pytest.raises(TypeError, match="imaginary part"):
        gradcheck.complex_step(lambda p: np.abs(p).sum(), np.ones(2))
    with pytest.raises(TypeError, match="one number"):
        gradcheck.complex_step(lambda p: p, np.ones(2))


def test_relative_error_has_no_absolute_tolerance():
    tiny = np.array([[1e-300, 2e-300], [1.0, 1.0]])
    assert np.array_equal(gradcheck.relative_error(np.zeros((2, 2)), tiny), [1, 1])
    assert np.array_equal(gradcheck.relative_error(tiny, np.zeros((2, 2))), [np.inf, np.inf])
    assert np.array_equal(gradcheck.relative_error(np.zeros((2, 2)), np.zeros((2, 2))), [0, 0])


def test_table_says_equal_agrees_or_wrong():
    a = np.arange(1.0, 7).reshape(2, 3)
    table = gradcheck.table({"same": a, "near": a * (1 + 1e-12), "off": a * 1.01}, dict(same=a, near=a, off=a))
    assert [row.verdict for row in table] == ["equal", "agrees to 1e-09", "WRONG"] and not table.passed
    assert repr(table).splitlines()[2].startswith("off   WRONG  relative difference 1.0e-02")


def test_clipping_keeps_the_direction_of_a_huge_gradient():
    """torch's clip_grad_norm_ turns a finite 1e30 gradient into zero: the float32 norm overflows."""
    grads = cells.RNNParams(*(np.full(s, 1e30, np.float32) for s in [(3, 2), (3, 3), (3,)]))
    clipped, norm, was = clipping.clip_by_norm(grads, 1.0)
    assert was and norm == pytest.approx(np.sqrt(18) * 1e30, rel=1e-6, abs=0)
    assert clipping.global_norm(clipped) == pytest.approx(1, rel=1e-5)
    assert clipped.W_hh[0, 0] == pytest.approx(1 / np.sqrt(18), rel=1e-5, abs=0)
    tiny = cells.RNNParams(*(np.full(s, 1e-36, np.float32) for s in [(3, 2), (3, 3), (3,)]))
    assert clipping.global_norm(tiny) == pytest.approx(np.sqrt(18) * 1e-36, rel=1e-5, abs=0)
    assert not clipping.clip_by_norm(tiny, 1.0).clipped


def test_clipping_by_member_and_by_value():
    grads = cells.ReadoutParams(np.array([[[3.0, 4.0]], [[0.3, 0.4]]]), np.zeros((2, 1)))
    clipped, norm, was = clipping.clip_by_norm(grads, 1.0, lead=(2,))
    assert np.allclose(norm, [5, 0.5], atol=0) and was.tolist() == [True, False]
    assert np.allclose(clipped.W_hy, [[[0.6, 0.8]], [[0.3, 0.4]]], atol=0)
    by_value = clipping.clip_by_value(grads, 0.35)
    assert by_value.clipped and by_value.norm == pytest.approx(np.sqrt(25.25), rel=1e-6, abs=0)
    assert np.allclose(by_value.grads.W_hy, [[[0.35, 0.35]], [[0.3, 0.35]]], atol=0)


@pytest.mark.parametrize("clip, bound", [(clipping.clip_by_norm, 5.), (clipping.clip_by_value, 4.)])
def test_what_is_the_bound_is_not_clipped(clip, bound):
    assert not clip(cells.ReadoutParams(np.array([[3., -4.]]), np.zeros(1)), bound).clipped


def test_angle_is_exact_where_an_arccos_is_not():
    for degrees in (0., 1e-9, 1e-3, 30., 90., 179.999):
        turn = np.radians(degrees)
        other = 5 * np.array([np.cos(turn), np.sin(turn)])
        assert clipping.angle(np.array([2., 0.]), other) == pytest.approx(degrees, abs=1e-13)


def test_angle_takes_all_arrays_as_one_vector_and_members_apart():
    rng = np.random.default_rng(0)
    one, other = (cells.RNNParams(*(rng.normal(size=(4, *shape)) for shape in [(3, 2), (3, 3), (3,)])) for _ in "ab")
    u, v = (np.concatenate([array.reshape(4, -1) for array in grads], axis=1) for grads in (one, other))
    cosine = np.vecdot(u, v) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
    assert np.allclose(clipping.angle(one, other, lead=(4,)), np.degrees(np.arccos(cosine)), rtol=1e-10, atol=0)
    whole = np.degrees(np.arccos((u * v).sum() / np.linalg.norm(u) / np.linalg.norm(v)))
    assert clipping.angle(one, other) == pytest.approx(whole, rel=1e-10, abs=0)
    large, small = (cells.tree_map(lambda array: (scale * array).astype(dtype), one)
                    for scale, dtype in ((1e30, np.float32), (1e-300, float)))
    assert clipping.angle(large, small) < 1e-5 and clipping.angle(large, cells.tree_map(np.negative, small)) > 179.9


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("clip", [clipping.clip_by_norm, clipping.clip_by_value])
def test_clipping_names_the_broken_array(bad, clip):
    grads = cells.ReadoutParams(np.ones((2, 3)), np.array([1.0, bad]))
    with pytest.raises(FloatingPointError, match=r"gradient b_y is not finite: (nan|inf) at index \(1,\)"):
        clip(grads, 1.0)


@pytest.mark.parametrize("module", ["bptt", "jacobians", "regularise", "data", "train", "until_solved", "parallel",
                                    "exercises", "lessons.nb10_truncated_bptt.windows",
                                    "lessons.nb08_clipping.rescue"])
def test_numeric_modules_load_neither_torch_nor_matplotlib(module):
    code = f"import sys, course_lib.{module}; print([m for m in ('torch', 'matplotlib', 'IPython', 'tqdm', 'joblib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True).stdout.strip() == "[]"


def test_the_calculus_needs_numpy_alone():
    code = ("import sys; before = set(sys.modules); import numpy, course_lib.bptt, course_lib.gradcheck, course_lib.clipping, "
            "course_lib.jacobians, course_lib.initialise, course_lib.regularise; import importlib.metadata as m; "
            "third = {n.partition('.')[0] for n in set(sys.modules) - before} - set(sys.stdlib_module_names); "
            "print(sorted(n for n in third if not n.startswith('_')))")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "['course_lib', 'numpy']"


# numpy's errors raised ---------------------------------------------------------------------------------

ROWS = np.random.default_rng(0)
GAINED = initialise.rnn(3, 5, ROWS, gain=.5)
TINY = cells.tree_map(lambda a: a * 1e-200, GAINED)
LONG = bptt.forward(cells.tree_map(lambda a: a.astype(np.float32), GAINED), ROWS.normal(size=(300, 1, 3)))
SHRINKING = np.stack([np.diag([1., 1e-3]) @ np.array([[1, .1], [.1, 1]])] * 200)
STEEP = np.stack([np.diag([1., 1e-200])] * 4 + [np.array([[1., 1.], [1e-200, 1e-200]])] * 4)
SATURATED = TINY._replace(W_hh=TINY.W_hh * 1e-110, b_h=TINY.b_h + 1)
UNDERFLOWS = {
    "sigmoid": lambda: activations.sigmoid(np.array([-800., 800.])),
    "cross_entropy": lambda: losses.cross_entropy(np.array([[1000., 0., -1000.]]), np.array([0]))[1],
    "mean_squared_error": lambda: losses.mean_squared_error(np.full((2, 3), 1e-200), np.zeros((2, 3)))[0],
    "global_norm": lambda: clipping.global_norm(TINY),
    "clip_by_norm": lambda: clipping.clip_by_norm(cells.tree_map(lambda a: a * 1e-100, TINY), 1e-320).norm,
    "angle": lambda: clipping.angle(cells.tree_map(lambda a: np.where(a > 0, 1e10, 1e-305 / 3), GAINED), GAINED),
    "forward": lambda: bptt.forward(TINY, np.full((3, 1, 3), 1e-150)).h,
    "backward": lambda: bptt.backward(LONG, bptt.at_end(LONG)).dh,
    "step_jacobians": lambda: jacobians.step_jacobians(bptt.forward(SATURATED, np.ones((3, 1, 3)))),
    "log_gradient_norms": lambda: jacobians.log_gradient_norms(STEEP, np.ones(2)),
    "lyapunov_exponents": lambda: jacobians.lyapunov_exponents(STEEP),
    "log_singular_values": lambda: jacobians.log_singular_values(SHRINKING)}


@pytest.mark.parametrize("name", UNDERFLOWS)
def test_what_underflows_in_passing_stops_nobody_who_lets_numpy_raise(name):
    need = UNDERFLOWS[name]()
    with np.errstate(all="raise"):
        assert np.array_equal(UNDERFLOWS[name](), need)
