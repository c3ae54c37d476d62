"""regularise against the complex step, until_solved whose members leave, and parallel.runs over processes."""

import contextlib
import functools
import os
import subprocess
import sys
from unittest import mock

import joblib
import numpy as np
import pytest

from course_lib import bptt, cells, gradcheck, initialise, losses, parallel, regularise, tasks, train, until_solved
from course_lib.lessons.nb08_clipping import success
from course_lib.lessons.nb16_claims_on_trial import ledger


def backward(gain, activation="tanh", lead=(), T=20, seed=0, dtype=float):
    rng = np.random.default_rng(seed)
    params = initialise.rnn(3, 6, rng, gain=gain, members=lead[0] if lead else None, dtype=dtype)
    run = bptt.forward(params, rng.normal(size=(T, 4, 3)), activation=activation)
    direct = np.zeros_like(run.h)
    direct[-1] = rng.normal(size=run.h.shape[1:])
    return bptt.backward(run, direct)


def penalty_of(W, back, form):
    """Omega from its definition, with da and the slopes held fixed."""
    v, h = back.da[1:], back.run.h[1:-1]
    u = (1 - h**2) * (v @ W)
    ratio = (u * u).sum(-1) / (v * v).sum(-1)
    return (((np.sqrt(ratio) if form == "norms" else ratio) - 1) ** 2).mean((0, -1))


@pytest.mark.parametrize("form", ["squares", "norms"])
@pytest.mark.parametrize("gain", [0.5, 1.0, 1.5])
def test_the_penalty_and_its_gradient(form, gain):
    back = backward(gain)
    penalty, W = regularise.vanishing_gradient(back, form), back.run.params.W_hh
    assert penalty.value == pytest.approx(penalty_of(W, back, form), rel=1e-12, abs=0)
    exact = gradcheck.complex_step(lambda W: penalty_of(W, back, form), W)
    assert gradcheck.relative_error(penalty.dW_hh, exact).max() < 1e-12
    members = backward(gain, lead=(3,))
    together = regularise.vanishing_gradient(members, form)
    assert together.value.shape == (3,)
    assert np.allclose(together.value, penalty_of(members.run.params.W_hh, members, form), rtol=1e-12, atol=0)


def test_a_gradient_that_is_kept_costs_nothing():
    params = cells.RNNParams(np.ones((5, 2)), initialise.orthogonal((5, 5), np.random.default_rng(0)), np.zeros(5))
    run = bptt.forward(params, np.random.default_rng(1).normal(size=(30, 2, 2)), activation="linear")
    direct = np.zeros_like(run.h)
    direct[-1] = 1
    penalty = regularise.vanishing_gradient(bptt.backward(run, direct))
    assert penalty.value < 1e-25 and np.abs(penalty.dW_hh).max() < 1e-12


def test_the_penalty_sees_gradients_whose_squares_are_zero_in_float32():
    single, double = (regularise.vanishing_gradient(backward(0.25, T=45, dtype=kind)) for kind in (np.float32, float))
    assert np.abs(backward(0.25, T=45).da[1]).max() < 1e-25
    assert single.value == pytest.approx(double.value, rel=1e-4, abs=0)
    assert gradcheck.relative_error(single.dW_hh.astype(float), double.dW_hh, axis=None).max() < 1e-3
    assert single.dW_hh.dtype == np.float32


def test_where_no_gradient_arrives_nothing_is_penalised():
    back = backward(1.0)
    back.da[:10] = 0
    penalty = regularise.vanishing_gradient(back)
    v, h = back.da[10:], back.run.h[10:-1]
    u = (1 - h**2) * (v @ back.run.params.W_hh)
    assert penalty.value == pytest.approx((((u * u).sum(-1) / (v * v).sum(-1) - 1) ** 2).sum() / (19 * 4),
                                         rel=1e-12, abs=0)
    assert np.isfinite(penalty.dW_hh).all()


def test_an_objective_with_a_penalty_adds_both():
    rng = np.random.default_rng(0)
    network = initialise.network(2, 6, 2, rng, gain=0.7)
    x, target = tasks.recall(8, 5, rng)
    plain = train.sequence_objective(losses.cross_entropy)(network, x, target)
    omega = regularise.vanishing_gradient(plain.back)
    loss, W = plain.loss.copy(), plain.grads.rnn.W_hh.copy()
    mine = train.sequence_objective(losses.cross_entropy, penalty=4.0)(network, x, target)
    assert mine.loss == pytest.approx(loss + 4 * omega.value, rel=1e-12, abs=0)
    assert np.allclose(mine.grads.rnn.W_hh, W + 4 * omega.dW_hh, rtol=1e-12, atol=0)
    assert np.array_equal(mine.grads.rnn.W_xh, plain.grads.rnn.W_xh)


def learning(members=4, seed=0, T=8, **options):
    """Ensemble, objective, batches and error of the recall task."""
    rng, fresh = np.random.default_rng(seed), np.random.default_rng(seed + 1000)

    def error(network):
        return until_solved.error_rate(network, *tasks.recall(T, 200, fresh))

    network = initialise.network(2, 8, 2, np.random.default_rng(seed + 2000), members=members)
    return dict(params=network, objective=train.sequence_objective(losses.cross_entropy),
                batches=lambda: tasks.recall(T, 20, rng), error=error, progress=False) | options


def test_the_share_that_is_wrong_is_counted_one_by_one():
    x, labels = tasks.recall(7, 40, np.random.default_rng(3))
    networks = initialise.network(x.shape[-1], 6, labels.max() + 1, np.random.default_rng(4), members=3)
    shares = until_solved.error_rate(networks, x, labels, "relu")
    for member, share in enumerate(shares):
        one = cells.tree_map(lambda array: array[member], networks)
        h = bptt.forward(one.rnn, x, activation="relu").h[-1]
        missed = [np.argmax(one.readout.W_hy @ state + one.readout.b_y) != label for state, label in zip(h, labels)]
        assert 0 < np.mean(missed) < 1 and share == until_solved.error_rate(one, x, labels, "relu") == np.mean(missed)


def test_members_leave_when_they_have_solved_it_and_the_others_are_not_changed_by_that():
    solved = until_solved.until_solved(**learning(), updates=600, every=1, below=0.05)
    assert solved.solved.all() and len(set(solved.updates)) > 1 and (solved.error < 0.05).all() and solved.left is None
    slow = int(solved.updates.argmax())
    asked = learning()
    asked["params"] = cells.tree_map(lambda array: array[[slow]], asked["params"])
    alone = until_solved.until_solved(**asked, updates=600, every=1, below=0.05)
    assert alone.updates.tolist() == [solved.updates[slow]]


def test_updates_are_counted_to_the_measurement_that_was_below():
    errors = iter([[1, 1], [0.5, 0.005], [0.001]])
    solved = until_solved.until_solved(**learning(members=2, error=lambda network: next(errors)), updates=50, every=7)
    assert solved.updates.tolist() == [21, 14] and solved.error.tolist() == [0.001, 0.005]


def test_what_is_not_solved_is_infinite_and_can_go_on():
    first = until_solved.until_solved(**learning(T=30), updates=25, every=10, below=1e-9, optimiser=train.SGD(1e-6))
    assert not first.solved.any() and np.isinf(first.updates).all() and not first.diverged.any()
    run, places = first.left
    assert run.updates == 25 and places.tolist() == [0, 1, 2, 3]


def test_a_member_that_diverges_leaves_alone():
    asked = learning()
    rates = np.array([0.1, 1e308, 0.1, 0.1])
    alone = until_solved.until_solved(**asked, updates=600, every=20, below=0.05, optimiser=train.SGD(0.1))
    solved = until_solved.until_solved(**learning(), updates=600, every=20, below=0.05, optimiser=train.SGD(rates))
    assert solved.diverged.tolist() == [False, True, False, False] and not solved.solved[1]
    assert solved.solved[[0, 2, 3]].all() and alone.solved.all()


def test_an_interrupt_keeps_what_is_solved():
    asked = learning()
    draws = iter(range(1, 600))

    def draw(inner=asked["batches"]):
        if next(draws) == 5:
            raise KeyboardInterrupt
        return inner()

    stopped = until_solved.until_solved(**asked | dict(batches=draw), updates=600, every=1, below=0.05)
    whole = until_solved.until_solved(**learning(), updates=600, every=1, below=0.05)
    early = whole.updates < 5
    assert early.any() and not early.all() and np.array_equal(stopped.updates[early], whole.updates[early])
    assert np.isinf(stopped.updates[~early]).all() and stopped.interrupted and not whole.interrupted
    assert stopped.left[1].tolist() == np.flatnonzero(~early).tolist()
    assert until_solved.raise_if_interrupted(whole) is whole
    for result in (stopped, stopped.left[0]):
        with pytest.raises(KeyboardInterrupt):
            until_solved.raise_if_interrupted(result)


def test_some_members_of_a_run_are_a_run():
    asked = learning(optimiser=train.Adam(np.array([0.01, 0.02, 0.03, 0.04])))
    asked = {key: asked[key] for key in ("params", "objective", "batches", "optimiser", "progress")}
    evaluate = dict(evaluate=lambda network: network.rnn.b_h.sum(-1), evaluate_every=2)
    run = train.train(**asked, updates=5, **evaluate)
    some = run.members([1, 3])
    assert some.updates == 5 and np.array_equal(some.history.evaluation, run.history.evaluation[:, [1, 3]])
    more = train.train(some, asked["objective"], asked["batches"], updates=3, optimiser=some.optimiser, progress=False)
    assert more.history.loss.shape == (8, 2) and more.optimiser_state.updates == 8


BAD = {
    "one network": (lambda: until_solved.until_solved(**learning(members=None), updates=5), r"needs an ensemble"),
    "an error for all": (lambda: until_solved.until_solved(**learning(error=lambda p: 0.5), updates=5),
                         r"needs \(4,\)"),
    "no updates": (lambda: until_solved.until_solved(**learning(), updates=0), "updates is 0"),
    "below zero": (lambda: until_solved.until_solved(**learning(), updates=5, below=0.0), "below is 0"),
    "empty ensemble": (lambda: until_solved.until_solved(**learning() | dict(params=np.ones((0, 3))), updates=5),
                       "ensemble"),
    "a negative penalty": (lambda: train.sequence_objective(losses.cross_entropy, penalty=-1), "reward vanishing"),
    "another form": (lambda: regularise.vanishing_gradient(backward(1.0), "cubes"), "'squares', 'norms'"),
    "one step": (lambda: regularise.vanishing_gradient(backward(1.0, T=1)), "single step"),
    "no processes": (lambda: parallel.runs(abs, [1], processes=0), "processes is 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_explained(name):
    wrong, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        wrong()


def test_what_is_not_a_backward_pass():
    with pytest.raises(TypeError, match="bptt.backward"):
        regularise.vanishing_gradient(np.ones(3))


def whose(x):
    return x * x, os.getpid()


@pytest.mark.parametrize("processes", [1, 2])
def test_runs_come_back_with_their_settings(processes):
    found = dict(parallel.runs(whose, range(6), processes=processes, progress=False))
    assert {x: square for x, (square, _) in found.items()} == {x: x * x for x in range(6)}
    assert (os.getpid() in {pid for _, pid in found.values()}) == (processes == 1)


BARS = {
    train: lambda: train.train(np.ones(2), lambda p, x: (p.sum(), np.ones(2)), lambda: (1,), updates=7),
    until_solved: lambda: until_solved.until_solved(**learning(T=30, progress=True), updates=25, every=10, below=1e-9),
    parallel: lambda: list(parallel.runs(abs, range(4), processes=1)),
    ledger: lambda: ledger.again([13, 50]),
}


@pytest.mark.parametrize("module", BARS, ids=lambda module: module.__name__)
def test_a_bar_counts_to_the_end(module, monkeypatch):
    done, totals = [], []

    def progress_bar(total, shown, unit):
        totals.append(total if shown else None)
        return contextlib.nullcontext(mock.Mock(update=lambda steps=1: done.append(steps)))

    monkeypatch.setattr(module, "progress_bar", progress_bar)
    BARS[module]()
    assert totals[0] == sum(done) > 0 and len(done) > 1


def test_a_tuple_is_given_as_arguments_and_functions_of_a_notebook_travel():
    offset = 3
    assert sorted(parallel.runs(lambda a, b: a + b + offset, [(1, 2), (3, 4)], processes=2, progress=False)) == [
        ((1, 2), 6), ((3, 4), 10)]


def test_an_error_in_a_run_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(parallel.runs(functools.partial(divmod, 1), [1, 0], processes=2, progress=False))


def assert_the_sweep_of_lesson_08_is_that_of_this_process():
    """In the backend of the moment, in whose processes it runs."""
    one = functools.partial(success.one, seeds=range(3), updates=300)
    settings = success.longest_first((10, 20))
    found = dict(parallel.runs(one, settings, progress=False))
    assert found.keys() == set(settings)
    assert found["clip", 10].solved.all() and not found["SGD", 20].solved.any()
    for setting, outcome in found.items():
        for there, here in zip(outcome, one(*setting)):
            assert np.array_equal(there, here, equal_nan=True), setting
    assert os.getpid() not in {pid for _, (_, pid) in parallel.runs(whose, range(6), progress=False)}


def test_a_backend_that_returns_all_at_the_end_is_asked_for_that():
    """As Ray's is, which is a pool of joblib's own kind."""
    with joblib.parallel_config(backend="multiprocessing"):
        found = list(parallel.runs(whose, range(5), processes=2, progress=False))
    assert [(x, square) for x, (square, _) in found] == [(x, x * x) for x in range(5)]
    assert os.getpid() not in {pid for _, (_, pid) in found}


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of distributed itself, about ports and clocks
def test_the_same_call_runs_on_a_dask_cluster():
    import distributed

    with mock.patch.dict(os.environ):  # the cluster sets numbers of threads in it, for good
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
            with distributed.Client(cluster), joblib.parallel_config(backend="dask"):
                assert_the_sweep_of_lesson_08_is_that_of_this_process()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of Ray itself
def test_the_same_call_runs_on_ray():
    """Not in CI: Ray takes 200 MB, and no extra of the course brings it. `pip install ray` and run this test."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1",
             runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}})  # its workers find this file too
    try:
        with joblib.parallel_config(backend="ray"):
            assert_the_sweep_of_lesson_08_is_that_of_this_process()
    finally:
        ray.shutdown()


def test_without_processes_the_runs_go_one_after_another(monkeypatch):
    monkeypatch.setattr("sys.platform", "emscripten")
    assert {pid for _, (_, pid) in parallel.runs(whose, range(3), progress=False)} == {os.getpid()}


def test_a_folder_beyond_ascii_for_joblib_costs_the_processes_only(tmp_path):
    folder = tmp_path / "umlaut-\u00fc"
    folder.mkdir()
    code = ("import math\nfrom course_lib import parallel\n"
            "print(sorted(out for _, out in parallel.runs(math.sqrt, [1, 4, 9, 16], processes=2, progress=False)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "TMPDIR": str(folder), "JOBLIB_TEMP_FOLDER": str(folder)})
    said, numbers = done.stdout.splitlines()
    assert numbers == "[1.0, 2.0, 3.0, 4.0]" and "such as JOBLIB_TEMP_FOLDER=" in said
