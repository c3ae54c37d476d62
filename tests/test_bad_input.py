"""What a learner gets wrong: every message names the argument, what it got, and the fix."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import activations, bptt, cells, clipping, data, gradcheck, initialise, jacobians, losses, tasks, train

RNG = np.random.default_rng(0)
PARAMS = initialise.rnn(4, 5, RNG)
NET = initialise.network(4, 5, 2, RNG)
X = RNG.normal(size=(12, 3, 4))
RUN = bptt.forward(PARAMS, X)


def with_nan(array, value=np.nan):
    array = np.array(array, float)
    array.flat[7] = value
    return array


CASES = {  # name: (call, error, what the message has to say)
    "last state wide": (lambda: bptt.at_end(RUN, np.ones(7)), ValueError, [r"dh_T has shape \(7,\)", r"\(3, 5\)"]),
    "last of no run": (lambda: bptt.at_end(RUN.h), TypeError, ["run is ndarray", "bptt.forward"]),
    "two axes": (lambda: bptt.forward(PARAMS, X[:, 0]), ValueError,
                 [r"\(12, 4\)", "axis is missing", r"x\[:, None, :\]"]),
    "one axis": (lambda: bptt.forward(PARAMS, X[:, 0, 0]), ValueError, [r"\(12,\)", "time, batch, input"]),
    "wrong D": (lambda: bptt.forward(PARAMS, X[..., :3]), ValueError,
                [r"\(12, 3, 3\)", r"\(T, ..., B, 4\)", "batch-first"]),
    "D elsewhere": (lambda: bptt.forward(PARAMS, X.transpose(0, 2, 1)), ValueError, [r"moveaxis\(x, 1, -1\)"]),
    "no steps": (lambda: bptt.forward(PARAMS, X[:0]), ValueError, [r"x has shape \(0, 3, 4\)", "empty"]),
    "no sequences": (lambda: bptt.forward(PARAMS, X[:, :0]), ValueError, ["empty"]),
    "nan in x": (lambda: bptt.forward(PARAMS, with_nan(X)), ValueError, [r"x is not finite: nan at index \(0, 1, 3\)"]),
    "inf in x": (lambda: bptt.forward(PARAMS, with_nan(X, np.inf)), ValueError, ["x is not finite: inf"]),
    "strings": (lambda: bptt.forward(PARAMS, np.full((2, 1, 4), "a")), TypeError, ["x has dtype <U1", "one-hot"]),
    "objects": (lambda: bptt.forward(PARAMS, np.full((2, 1, 4), None)), TypeError, ["x has dtype object"]),
    "ragged": (lambda: bptt.forward(PARAMS, [[[1, 2, 3, 4]], [[1]]]), ValueError, ["x is ragged", "Pad"]),
    "torch tensor": (lambda: bptt.forward(PARAMS, torch.ones(2, 1, 4)), TypeError, ["torch tensor", r"detach\(\)"]),
    "state of other batch": (lambda: bptt.forward(PARAMS, X, np.zeros((12, 5))), ValueError,
                             [r"state0 has shape \(12, 5\)", r"needs \(..., 3, 5\)", "batch-first"]),
    "state without batch": (lambda: bptt.forward(PARAMS, X, np.zeros(5)), ValueError, ["state0", "broadcast_to"]),
    "nan in state": (lambda: bptt.forward(PARAMS, X, with_nan(np.zeros((3, 5)))), ValueError, ["state0 is not finite"]),
    "activation": (lambda: bptt.forward(PARAMS, X, activation="Tanh"), ValueError, ["'Tanh'", "'tanh', 'sigmoid'"]),
    "whole network": (lambda: bptt.forward(NET, X), TypeError, ["NetworkParams", ".rnn"]),
    "only cell": (lambda: bptt.loss_and_grads(PARAMS, X, [0, 1, 1], losses.cross_entropy), TypeError,
                  ["needs cells.NetworkParams"]),
    "integer weights": (lambda: bptt.forward(PARAMS._replace(W_hh=np.eye(5, dtype=int)), X), TypeError,
                        ["W_hh has dtype int64", "astype"]),
    "nan weights": (lambda: bptt.forward(PARAMS._replace(W_hh=with_nan(np.eye(5))), X), ValueError,
                    ["W_hh is not finite"]),
    "W_hh not square": (lambda: bptt.forward(PARAMS._replace(W_hh=np.ones((5, 4))), X), ValueError,
                        [r"W_hh has shape \(5, 4\)", "H, H"]),
    "W_xh transposed": (lambda: bptt.forward(PARAMS._replace(W_xh=np.ones((4, 5))), X), ValueError,
                        ["W_xh", r"W_xh\.T"]),
    "bias": (lambda: bptt.forward(PARAMS._replace(b_h=np.ones(4)), X), ValueError,
             [r"b_h has shape \(4,\)", r"\(..., 5\)"]),
    "ensembles differ": (lambda: bptt.forward(PARAMS._replace(b_h=np.ones((2, 5)), W_hh=np.ones((3, 5, 5))), X),
                         ValueError,
                         ["leading axes", r"b_h \(2,\)", r"W_hh \(3,\)"]),
    "members of x differ": (lambda: bptt.forward(initialise.rnn(4, 5, RNG, members=2), np.ones((6, 3, 1, 4))),
                            ValueError,
                            [r"x \(3,\)", r"W_xh \(2,\)"]),
    "direct without row 0": (lambda: bptt.backward(RUN, RUN.h[1:]), ValueError,
                             [r"\(12, 3, 5\)", r"\(13, 3, 5\)", "Row 0"]),
    "direct of last step": (lambda: bptt.backward(RUN, RUN.h[-1]), ValueError, [r"\(3, 5\)", "zeros_like"]),
    "direct nan": (lambda: bptt.backward(RUN, with_nan(RUN.h)), ValueError, ["dh_direct is not finite"]),
    "direct complex": (lambda: bptt.backward(RUN, RUN.h * 1j), TypeError, ["dh_direct is complex"]),
    "not a run": (lambda: bptt.backward(X, X), TypeError, ["bptt.forward returned"]),
    "window zero": (lambda: bptt.backward(RUN, RUN.h, window=0), ValueError, ["window is 0", "at least 1"]),
    "window half": (lambda: bptt.backward(RUN, RUN.h, window=2.5), TypeError, ["window is 2.5", "whole number"]),
    "batch-first labels": (lambda: bptt.loss_and_grads(NET, X, np.zeros(12, int), losses.cross_entropy), ValueError,
                           [r"\(12,\)", "T = 12 steps of 3 sequences", "batch-first"]),
    "at": (lambda: bptt.loss_and_grads(NET, X, [0, 1, 1], losses.cross_entropy, at="first"), ValueError,
           ["'last', 'every'"]),
    "one-hot labels": (lambda: losses.cross_entropy(np.ones((3, 2)), np.ones((3, 2))), TypeError, ["argmax"]),
    "label too large": (lambda: losses.cross_entropy(np.ones((3, 2)), [0, 1, 2]), ValueError,
                        ["0 to 2", r"0 \.\.\. 1"]),
    "one label for all": (lambda: losses.cross_entropy(np.ones((3, 2)), [1]), ValueError,
                          [r"shape \(1,\), need \(3,\), one for each row"]),
    "targets of one sequence": (lambda: losses.mean_squared_error(np.ones(3), np.ones(3)), ValueError,
                                [r"y has shape \(3,\), needs at least 2 axes"]),
    "logits of one sequence": (lambda: losses.cross_entropy(np.ones(3), [1]), ValueError,
                               [r"logits has shape \(3,\), needs at least 2 axes"]),
    "target lacks axis": (lambda: losses.mean_squared_error(np.ones((3, 1)), np.ones(3)), ValueError,
                          [r"target\[..., None\]"]),
    "target broadcasts": (lambda: losses.mean_squared_error(np.ones((3, 2)), np.ones((3, 1))), ValueError,
                          [r"\(3, 1\)"]),
    "readout width": (lambda: cells.readout(NET.readout, np.ones((3, 4))), ValueError, [r"h has shape \(3, 4\)"]),
    "readout bias": (lambda: cells.readout(NET.readout._replace(b_y=np.ones(3)), np.ones((3, 5))), ValueError,
                     ["b_y has shape"]),
    "readout type": (lambda: cells.readout(NET, np.ones((3, 5))), TypeError, ["ReadoutParams"]),
    "readout dy": (lambda: cells.readout_backward(NET.readout, np.ones((3, 5)), np.ones((3, 3))), ValueError,
                   [r"dy has shape \(3, 3\)"]),
    "length zero": (lambda: tasks.recall(0, 5, RNG), ValueError, ["T is 0"]),
    "one symbol": (lambda: tasks.recall(10, 5, RNG, symbols=1), ValueError, ["symbols is 1, needs to be at least 2"]),
    "negative length": (lambda: tasks.adding(-3, 5, RNG), ValueError, ["T is -3"]),
    "too short": (lambda: tasks.temporal_order(9, 5, RNG), ValueError, ["T is 9, needs to be at least 10"]),
    "fractional length": (lambda: tasks.recall(10.0, 5, RNG), TypeError, ["T is 10.0", "whole number"]),
    "true as length": (lambda: tasks.recall(True, 5, RNG), TypeError, ["T is True"]),
    "seed for generator": (lambda: tasks.recall(10, 5, 0), TypeError, ["rng is 0", r"default_rng\(seed\)"]),
    "no room for a clause": (lambda: tasks.agreement(3, 5, RNG), ValueError, ["distance is 3, needs to be at least 4"]),
    "part of the data": (lambda: data.digits("training"), ValueError, ["'training'", "'all', 'train', 'test'"]),
    "negative hidden": (lambda: initialise.rnn(2, -1, RNG), ValueError, ["hidden is -1"]),
    "unknown recurrent": (lambda: initialise.rnn(2, 2, RNG, recurrent="ortho"), ValueError,
                          ["'ortho'", "'orthogonal'"]),
    "gain text": (lambda: initialise.rnn(2, 2, RNG, gain="1"), TypeError, ["gain is '1'"]),
    "gain nan": (lambda: initialise.gaussian((2, 2), RNG, np.nan), ValueError, ["gain is nan"]),
    "shape": (lambda: initialise.orthogonal(3, RNG), ValueError, ["shape is 3"]),
    "not square": (lambda: initialise.non_normal((3, 4), RNG), ValueError, ["square"]),
    "not square, sparse": (lambda: initialise.sparse((3, 4), RNG), ValueError, ["square"]),
    "more than a row": (lambda: initialise.sparse((8, 8), RNG, nonzero=9), ValueError, ["nonzero is 9", "at most 8"]),
    "radius of a row": (lambda: jacobians.spectral_radius(np.ones((2, 3))), ValueError, [r"W has shape \(2, 3\)"]),
    "jacobians of arrays": (lambda: jacobians.step_jacobians(X), TypeError, ["bptt.forward"]),
    "threshold zero": (lambda: clipping.clip_by_norm(PARAMS, 0), ValueError, ["max_norm is 0", "above 0"]),
    "threshold negative": (lambda: clipping.clip_by_value(PARAMS, -1), ValueError, ["limit is -1"]),
    "threshold nan": (lambda: clipping.clip_by_norm(PARAMS, np.nan), ValueError, ["max_norm is nan"]),
    "angle of others": (lambda: clipping.angle(np.ones(3), np.ones((3, 1))), ValueError,
                        [r"\(3,\)", r"\(3, 1\)", "same arrays"]),
    "angle to zero": (lambda: clipping.angle(np.ones(3), np.zeros(3)), ValueError, ["other is zero", "no direction"]),
    "angle to nan": (lambda: clipping.angle(with_nan(X), X), FloatingPointError, ["gradient value is not finite"]),
    "shapes differ": (lambda: gradcheck.relative_error(np.ones(3), np.ones((3, 1))), ValueError,
                      [r"\(3,\)", r"\(3, 1\)"]),
    "names differ": (lambda: gradcheck.table({"a": X}, {"b": X}), ValueError, ["names must be the same"]),
    "trees differ": (lambda: gradcheck.table(PARAMS, NET), ValueError, ["of one form"]),
    "nan compared": (lambda: gradcheck.relative_error(with_nan(X), X), ValueError, ["mine is not finite"]),
    "tolerance": (lambda: gradcheck.table(PARAMS, PARAMS, tolerance=0), ValueError, ["tolerance is 0"]),
    "no updates": (lambda: train.train(NET, None, [], updates=0), ValueError, ["updates is 0"]),
    "batches": (lambda: train.train(NET, None, 3, updates=1), TypeError, ["batches is int", "lambda"]),
    "rate": (lambda: train.train(NET, None, [], updates=1, optimiser=train.SGD(-1.0)), ValueError, ["rate is -1.0"]),
    "optimiser": (lambda: train.train(NET, None, [], updates=1, optimiser=0.1), TypeError, ["SGD", "Adam"]),
    "clip": (lambda: train.train(NET, None, [], updates=1, clip_norm=0), ValueError, ["max_norm|clip_norm"]),
    "integer params": (lambda: train.train(np.ones(3, int), None, [], updates=1), TypeError,
                       ["params has dtype int64"]),
    "labels as floats": (lambda: losses.cross_entropy(np.ones((3, 2)), [0.0, 1, 1]), TypeError,
                         [r"labels\.astype\(int\)"]),
    "nothing": (lambda: bptt.forward(PARAMS, None), TypeError, ["x is NoneType, needs an array of numbers"]),
    "label out of range in a network": (lambda: bptt.loss_and_grads(NET, X, [0, 1, 5], losses.cross_entropy),
                                        ValueError,
                                        [r"run from 0 to 5.*at='last'\.$"]),
    "integer dtype": (lambda: initialise.rnn(2, 2, RNG, dtype=int), TypeError, ["dtype is <class 'int'>", "float32"]),
    "no dtype": (lambda: initialise.network(2, 2, 2, RNG, dtype="flot"), TypeError, ["dtype is 'flot'"]),
    "complex params": (lambda: gradcheck.complex_step(np.sum, np.array([1j])), TypeError, ["complex already"]),
    "axis": (lambda: gradcheck.relative_error(np.ones((2, 2)), np.ones((2, 2)), axis=5), ValueError, ["axis is 5"]),
    "row named": (lambda: gradcheck.table({"dh": np.ones(3)}, {"dh": np.ones(2)}), ValueError, ["dh: mine has shape"]),
    "integer gradient": (lambda: clipping.clip_by_norm(np.array([3, 4]), 1.0), TypeError, ["int64", "floating point"]),
    "shared array of members": (lambda: clipping.clip_by_norm(cells.ReadoutParams(np.ones((2, 1, 2)), np.ones(1)), 1.0,
                                                              (2,)),
                                ValueError, [r"b_y has shape \(1,\), needs the members' axes \(2,\)"]),
    "norm beyond float64": (lambda: clipping.clip_by_norm(np.full(18, 1e308), 1.0), FloatingPointError,
                            ["beyond float64"]),
    "betas": (lambda: train.train(NET, None, [], updates=1, optimiser=train.Adam(0.1, beta1=1.0)), ValueError,
              ["beta1"]),
    "one negative rate": (lambda: train.train(NET, None, [], updates=1, optimiser=train.SGD(np.array([1.0, -1]))),
                          ValueError,
                          ["rate is"]),
    "gradient of another shape": (lambda: train.train(np.zeros(3), lambda p, b: (p.sum(), np.ones((3, 1))),
                                                      lambda: (1,), updates=1, progress=False),
                                  ValueError, [r"\(3, 1\), needs \(3,\)"]),
    "gradients of another form": (lambda: train.train(PARAMS, lambda p, b: (1.0, p.W_hh), lambda: (1,), updates=1,
                                                      progress=False), ValueError, ["params.W_xh"]),
    "rates for one network": (lambda: train.train(np.zeros(3), lambda p, b: (p.sum(), p), lambda: (1,), updates=1,
                                                  optimiser=train.SGD(np.ones(3)), progress=False), ValueError,
                              [r"rate has shape \(3,\)"]),
    "shared weights of members": (lambda: train.train(np.zeros(3), lambda p, b: (np.ones(2), p), lambda: (1,),
                                                      updates=1,
                                                      progress=False), ValueError, ["members' axis in front"]),
    "generator function": (lambda: train.train(NET, None, lambda: (yield), updates=1, progress=False), TypeError,
                           ["gave generator", r"gen\(\)"]),
    "one batch for batches": (lambda: train.train(NET, None, tasks.recall(8, 4, RNG), updates=1, progress=False),
                              TypeError,
                              ["gave ndarray, needs a tuple"]),
    "evaluate changes": (lambda: train.train(np.zeros(1), lambda p, b: (0.0, p), lambda: (1,), updates=2,
                                             progress=False,
                                             evaluate=(lambda seen: lambda p: seen.append(1) or np.ones(len(seen)))([]),
                                             evaluate_every=1), ValueError, [r"evaluate returned shape \(2,\)"]),
    "batches run out": (lambda: train.train(np.ones(1), lambda p, b: (p.sum(), p), [(1,)], updates=2, progress=False),
                        ValueError,
                        ["ran out"]),
    "unknown activation": (lambda: activations.get(3), ValueError, ["activation is 3"]),
}


@pytest.mark.parametrize("name", CASES)
def test_message(name, refused):
    refused(*CASES[name])


@settings(max_examples=150, deadline=None)
@given(shape=st.lists(st.integers(0, 5), min_size=0, max_size=4).map(tuple),
       state=st.none() | st.lists(st.integers(1, 5), min_size=0, max_size=3).map(tuple))
def test_any_shape_either_runs_or_is_explained(shape, state):
    x = np.ones(shape)
    good = len(shape) >= 3 and shape[-1] == 4 and 0 not in shape
    lead = shape[1:-2] if good else ()
    if state is not None:
        good = good and len(state) >= 2 and state[-2:] == (shape[-2], 5)
        if good:
            try:
                lead = np.broadcast_shapes(lead, state[:-2])
            except ValueError:
                good = False
    try:
        run = bptt.forward(PARAMS, x, None if state is None else np.ones(state))
    except ValueError as problem:
        assert not good and any(word in str(problem) for word in ("x has shape", "state0 has shape", "leading axes"))
    else:
        assert good and run.h.shape == (shape[0] + 1, *lead, shape[-2], 5)
        assert bptt.backward(run, np.ones_like(run.h)).dx.shape == shape


@settings(max_examples=60, deadline=None)
@given(T=st.integers(1, 5), B=st.integers(1, 3), D=st.integers(1, 3), H=st.integers(1, 4),
       members=st.none() | st.integers(1, 3), window=st.none() | st.integers(1, 7), seed=st.integers(0, 99))
def test_gradients_hold_for_every_size(T, B, D, H, members, window, seed):
    rng = np.random.default_rng(seed)
    run = bptt.forward(initialise.rnn(D, H, rng, members=members), rng.normal(size=(T, B, D)))
    back = bptt.backward(run, rng.normal(size=run.h.shape), window=window)
    assert back.dh.shape == run.h.shape and back.dx.shape == run.x.shape
    assert [g.shape for g in back.grads] == [p.shape for p in run.params]
