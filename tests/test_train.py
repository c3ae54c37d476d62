"""The trainer: against torch's optimisers, for ensembles, for runs that diverge, stop and go on."""

import pickle
import sys

import numpy as np
import pytest
import torch

from course_lib import bptt, cells, gradcheck, initialise, losses, tasks, train


def objective(network, x, target):
    return bptt.loss_and_grads(network, x, target, losses.cross_entropy)


def batches(seed=0, T=8, batch=10):
    rng = np.random.default_rng(seed)
    return lambda: tasks.recall(T, batch, rng)


def network(seed=0, **options):
    return initialise.network(2, 6, 2, np.random.default_rng(seed), **options)


@pytest.mark.parametrize("mine, theirs", [(train.SGD(0.3), torch.optim.SGD), (train.Adam(0.02), torch.optim.Adam)])
@pytest.mark.parametrize("clip", [None, 0.05])
def test_same_path_as_torch(mine, theirs, clip):
    start, draw = network(), batches()
    result = train.train(start, objective, draw, updates=30, optimiser=mine, clip_norm=clip, progress=False)
    tensors = [torch.tensor(array, requires_grad=True) for _, array in cells.leaves(start)]
    optimiser, draw = theirs(tensors, lr=mine.rate), batches()
    for _ in range(30):
        x, target = draw()
        W_xh, W_hh, b_h, W_hy, b_y = tensors
        h = torch.zeros(10, 6, dtype=torch.float64)
        for x_t in torch.tensor(x):
            h = torch.tanh(x_t @ W_xh.T + h @ W_hh.T + b_h)
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(h @ W_hy.T + b_y, torch.tensor(target)).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(tensors, clip)
        optimiser.step()
    for (name, array), tensor in zip(cells.leaves(result.params), tensors):
        tolerance = 1e-4 if clip else 1e-9  # torch divides by the norm + 1e-6
        assert gradcheck.relative_error(array, tensor.detach().numpy(), axis=None) < tolerance, name
    assert result.history.clipped.any() == (clip is not None)


def test_it_learns_and_leaves_its_input_alone():
    start = network()
    before = [array.copy() for _, array in cells.leaves(start)]
    seen = []
    result = train.train(start, objective, batches(), updates=200, optimiser=train.SGD(0.5), progress=False,
                         evaluate=lambda p: seen.append(1) or len(seen), evaluate_every=50)
    assert result.history.loss.shape == (200,)
    assert result.history.loss[-20:].mean() < 0.3 * result.history.loss[:20].mean()
    assert result.history.evaluated_at.tolist() == [50, 100, 150, 200]
    assert result.history.evaluation.tolist() == [1, 2, 3, 4]
    for a, (name, b) in zip(before, cells.leaves(start)):
        assert np.array_equal(a, b), name
    assert "200 updates" in repr(result)


@pytest.mark.parametrize("optimiser, rates", [(train.SGD, [0.1, 0.3, 0.5]), (train.Adam, [0.001, 0.01, 0.03])])
def test_an_ensemble_is_its_members(optimiser, rates):
    members, rates = network(members=3), np.array(rates)
    together = train.train(members, objective, batches(), updates=40, optimiser=optimiser(rates), clip_norm=0.1,
                           progress=False)
    for i, rate in enumerate(rates):
        one = cells.tree_map(lambda a: a[i], members)
        alone = train.train(one, objective, batches(), updates=40, optimiser=optimiser(rate), clip_norm=0.1,
                            progress=False)
        assert np.allclose(together.history.loss[:, i], alone.history.loss, rtol=1e-9, atol=0)
        assert np.allclose(together.history.grad_norm[:, i], alone.history.grad_norm, rtol=1e-9, atol=0)
        assert np.array_equal(together.history.clipped[:, i], alone.history.clipped)


def test_divergence_names_update_and_array_and_keeps_the_run():
    exploding = cells.tree_map(lambda a: a * 1, network())
    exploding = exploding._replace(rnn=exploding.rnn._replace(W_hh=1e200 * np.eye(6)))

    def relu(p, x, target):
        return bptt.loss_and_grads(p, x, target, losses.cross_entropy, activation="relu")

    with pytest.raises(FloatingPointError, match=r"update 0: run\.h is inf at index \(3, ") as caught:
        train.train(exploding, relu, batches(), updates=5, progress=False)
    assert isinstance(caught.value, train.Diverged) and caught.value.result.updates == 0
    assert caught.value.array == "run.h" and caught.value.index[0] == 3

    with pytest.raises(train.Diverged, match="update 7: grads.readout.W_hy is nan at index") as caught:
        train.train(network(), _breaks_at(7), batches(), updates=20, progress=False)
    assert caught.value.update == 7 and np.isfinite(caught.value.result.history.loss).all()
    assert all(np.isfinite(a).all() for _, a in cells.leaves(caught.value.result.params))


def _breaks_at(update):
    calls = []

    def broken(p, x, target):
        loss, grads = objective(p, x, target)[:2]
        calls.append(1)
        if len(calls) == update + 1:
            grads = grads._replace(readout=grads.readout._replace(W_hy=grads.readout.W_hy * np.nan))
        return loss, grads
    return broken


def test_a_step_that_overflows_is_named():
    def steep(p, x, target):
        return p.sum(), np.full(3, 1e200)
    with pytest.raises(train.Diverged,
                       match="update 0: params is -inf at index .0,.. The gradient .*rate is too large"):
        train.train(np.zeros(3), steep, batches(), updates=2, optimiser=train.SGD(1e200), progress=False)


def test_interrupt_returns_what_there_is_and_goes_on():
    draw, count = batches(), []

    def interrupted():
        count.append(1)
        if len(count) == 13:
            raise KeyboardInterrupt
        return draw()
    first = train.train(network(), objective, interrupted, updates=40, optimiser=train.Adam(0.01), progress=False)
    assert first.interrupted and first.updates == 12
    second = train.train(first, objective, draw, updates=28, optimiser=train.Adam(0.01), progress=False)
    whole = train.train(network(), objective, batches(), updates=40, optimiser=train.Adam(0.01), progress=False)
    assert np.array_equal(second.history.loss, whole.history.loss) and not second.interrupted


def test_progress_bar_counts_to_the_end(monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    train.train(network(), objective, batches(), updates=3, progress=True)
    assert "3" in capsys.readouterr().err


def test_an_objective_that_reuses_its_arrays_gives_the_same_numbers():
    reusing, draw = train.sequence_objective(losses.cross_entropy), batches()
    for batch in (10, 10, 4, 10):  # the arrays are reused, thrown away, and made again
        x, target = tasks.recall(8, batch, np.random.default_rng(batch))
        start = network(seed=batch, members=2)
        mine, fresh = reusing(start, x, target), objective(start, x, target)
        assert np.array_equal(mine.loss, fresh.loss) and np.array_equal(mine.back.dh, fresh.back.dh)
        for (name, a), (_, b) in zip(cells.leaves(mine.grads), cells.leaves(fresh.grads)):
            assert np.array_equal(a, b), name
    first = reusing(network(), *draw())
    assert np.shares_memory(reusing(network(), *draw()).run.h, first.run.h)


@pytest.mark.parametrize("options", [dict(at="every"), dict(window=3), dict(activation="relu"), dict()], ids=str)
def test_an_objective_keeps_its_options(options):
    x, target = tasks.recall(8, 5, np.random.default_rng(0))
    if options.get("at") == "every":
        target = np.repeat(target[None], 8, axis=0)
    mine = train.sequence_objective(losses.cross_entropy, **options)(network(), x, target)
    direct = bptt.loss_and_grads(network(), x, target, losses.cross_entropy, **options)
    for (name, a), (_, b) in zip(cells.leaves(mine.grads), cells.leaves(direct.grads)):
        assert np.array_equal(a, b), name


@pytest.mark.parametrize("target", ["labels", "values"])
def test_float32_stays_float32_through_training(target):
    rng = np.random.default_rng(0)

    def draw():
        x, labels = tasks.recall(8, 5, rng)  # float64
        return x, labels if target == "labels" else np.eye(2)[labels]

    loss = losses.cross_entropy if target == "labels" else losses.mean_squared_error
    for optimiser in (train.SGD(0.1), train.Adam(0.01)):
        result = train.train(network(dtype=np.float32), train.sequence_objective(loss), draw, updates=3,
                             optimiser=optimiser, clip_norm=0.1, progress=False)
        assert {array.dtype for _, array in cells.leaves(result.params)} == {np.dtype(np.float32)}


def test_adam_does_not_die_of_one_huge_gradient():
    gradients = iter([np.array([1e200, 1.0]), np.ones(2)])
    with pytest.raises(train.Diverged, match="update 0: optimiser.v is inf at index .0,.*clip_norm is needed"):
        train.train(np.ones(2), lambda p, b: (1.0, next(gradients)), lambda: (1,), updates=2,
                    optimiser=train.Adam(0.1), progress=False)


def test_an_interrupt_in_evaluate_keeps_what_is_whole_and_the_schedule():
    calls = []

    def evaluate(params):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return len(calls)

    first = train.train(network(), objective, batches(), updates=40, optimiser=train.Adam(0.01), progress=False,
                        evaluate=evaluate, evaluate_every=4)
    assert first.interrupted and first.updates == 12 and first.optimiser_state.updates == 12
    assert first.history.evaluated_at.tolist() == [4, 8]
    rest = train.train(first, objective, batches(1), updates=6, optimiser=train.Adam(0.01), progress=False,
                       evaluate=lambda p: 0, evaluate_every=4)
    assert rest.updates == 18 and rest.history.evaluated_at.tolist() == [4, 8, 16]


def test_an_interrupt_at_any_line_leaves_a_whole_state():
    """Parameters, optimiser and history belong to the same update wherever the interrupt falls."""
    whole = [train.train(network(), objective, batches(), updates=n, optimiser=train.Adam(0.01), progress=False)
             for n in (1, 2, 3)]
    lines = 0
    for stop_at in range(1, 200):
        count = 0

        def tracer(frame, event, argument):
            nonlocal count, lines
            if frame.f_code is not train.train.__code__:
                return None
            if event == "line":
                count += 1
                if count == stop_at:
                    raise KeyboardInterrupt
            return tracer

        sys.settrace(tracer)
        try:
            result = train.train(network(), objective, batches(), updates=3, optimiser=train.Adam(0.01), progress=False)
        except KeyboardInterrupt:
            continue  # before the first update
        finally:
            sys.settrace(None)
        if not result.interrupted:
            break
        lines += 1
        assert result.optimiser_state.updates == result.updates
        if result.updates:
            same = whole[result.updates - 1]
            assert np.array_equal(result.history.loss, same.history.loss)
            assert np.array_equal(result.params.rnn.W_hh, same.params.rnn.W_hh)
    assert lines > 30


def test_an_interrupt_while_the_result_is_made_loses_nothing(monkeypatch):
    made, history = [], train._history

    def interrupted(*args):
        made.append(1)
        if len(made) == 1:
            raise KeyboardInterrupt
        return history(*args)

    monkeypatch.setattr(train, "_history", interrupted)
    result = train.train(network(), objective, batches(), updates=3, progress=False)
    assert result.updates == 3 and result.interrupted


def test_a_history_copies_what_it_is_given():
    loss, value = np.zeros(()), np.zeros(2)

    def reusing(p, b):
        loss[...] += 1
        value[...] += 1
        return loss, np.zeros(1)

    result = train.train(np.zeros(1), reusing, lambda: (1,), updates=3, progress=False, evaluate=lambda p: value,
                         evaluate_every=1)
    assert result.history.loss.tolist() == [1, 2, 3] and result.history.evaluation[:, 0].tolist() == [1, 2, 3]


def test_what_was_done_survives_the_end_of_the_batches():
    draw = batches()
    with pytest.raises(train.OutOfBatches, match="ran out after 5 updates") as caught:
        train.train(network(), objective, [draw() for _ in range(5)], updates=9, progress=False)
    assert caught.value.result.updates == 5


def test_a_run_goes_on_with_its_own_kind_of_optimiser():
    first = train.train(network(), objective, batches(), updates=2, progress=False)
    with pytest.raises(ValueError, match=r"optimiser is Adam.*used SGD"):
        train.train(first, objective, batches(), updates=2, optimiser=train.Adam(0.1), progress=False)


def test_a_run_of_an_ensemble_that_breaks_off_at_once_has_empty_columns():
    def broken(p, x, target):
        evaluation = objective(p, x, target)
        return evaluation.loss * np.nan, evaluation.grads
    with pytest.raises(train.Diverged, match=r"loss is nan at index \(0,\)") as caught:
        train.train(network(members=3), broken, batches(), updates=2, progress=False)
    assert caught.value.result.history.loss.shape == (0, 3)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) and again.array == "loss"


def test_a_gradient_beyond_the_parameters_precision_is_named():
    with pytest.raises(train.Diverged, match=r"update 0: grads is inf at index \(1,\)"):
        train.train(np.ones(2, np.float32), lambda p, b: (1.0, np.array([1.0, 1e39])), lambda: (1,), updates=1,
                    progress=False)


def test_an_error_in_a_learners_function_keeps_the_run():
    draw, values = batches(), iter([0.5, 0.25])
    with pytest.raises(StopIteration) as caught:  # evaluate has nothing left to give at its third call
        train.train(network(), objective, draw, updates=20, progress=False, evaluate=lambda p: next(values),
                    evaluate_every=4)
    assert caught.value.result.updates == 12 and caught.value.result.history.evaluation.tolist() == [0.5, 0.25]
    assert "after 12 updates" in caught.value.__notes__[0]
    with pytest.raises(ZeroDivisionError) as caught:
        train.train(network(), lambda *_: 1 / 0, draw, updates=2, progress=False)
    assert caught.value.result.updates == 0
