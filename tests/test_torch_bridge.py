"""To torch and back: only names change, and what has no counterpart is explained."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from course_lib import bptt, cells, initialise, torch_bridge

RNG = np.random.default_rng(0)
CELLS = {kind: initialise.torch_default(4, 5, RNG, kind) for kind in ("rnn", "lstm", "gru")}
MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
X = RNG.normal(size=(30, 3, 4))


def close(mine, theirs):
    return np.abs(mine - theirs).max() <= 1e-12 * np.abs(theirs).max()


@pytest.mark.parametrize("kind", CELLS)
def test_there_and_back_changes_nothing(kind):
    module = torch_bridge.to_torch(CELLS[kind])
    again = torch_bridge.from_torch(module)
    assert type(module) is MODULES[kind] and type(again) is type(CELLS[kind])
    for name, a, b in zip(again._fields, again, CELLS[kind]):
        assert np.array_equal(a, b) and a.dtype == b.dtype, name


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("bias", [True, False])
def test_a_module_of_torch_computes_the_same_here(kind, bias):
    """torch's own weights, with both of its biases, or none."""
    module = MODULES[kind](4, 5, dtype=torch.float64, bias=bias)
    run = bptt.forward(torch_bridge.from_torch(module), X)
    out, last = module(torch.tensor(X))
    assert close(run.h[1:], out.detach().numpy())
    if kind == "lstm":
        assert close(run.c[-1], last[1][0].detach().numpy())


def test_the_activation_is_carried_by_name():
    module = torch.nn.RNN(4, 5, nonlinearity="relu", dtype=torch.float64)
    params = torch_bridge.from_torch(module)
    run = bptt.forward(params, X, activation=module.nonlinearity)
    assert close(run.h[1:], module(torch.tensor(X))[0].detach().numpy())
    again = torch_bridge.to_torch(params, activation=run.activation)
    assert again.nonlinearity == "relu"
    assert torch.allclose(again(torch.tensor(X))[0], module(torch.tensor(X))[0], atol=0)


def test_layers_and_directions_one_by_one():
    module = torch.nn.GRU(4, 5, num_layers=2, bidirectional=True, dtype=torch.float64)
    out = module(torch.tensor(X))[0].detach().numpy()
    x = X
    for layer in range(2):
        ahead = bptt.forward(torch_bridge.from_torch(module, part=f"l{layer}"), x).h[1:]
        back = bptt.forward(torch_bridge.from_torch(module, part=f"l{layer}_reverse"), x[::-1]).h[1:][::-1]
        x = np.concatenate([ahead, back], axis=-1)
    assert close(x, out)


def test_batch_first_is_only_a_layout():
    module = torch.nn.LSTM(4, 5, batch_first=True, dtype=torch.float64)
    run = bptt.forward(torch_bridge.from_torch(module), X)
    assert close(run.h[1:].transpose(1, 0, 2), module(torch.tensor(X.transpose(1, 0, 2)))[0].detach().numpy())


@pytest.mark.parametrize("bias", [True, False])
def test_a_readout_is_a_linear_layer(bias):
    layer = torch.nn.Linear(5, 2, bias=bias, dtype=torch.float64)
    readout, h = torch_bridge.from_torch(layer), RNG.normal(size=(3, 5))
    assert close(cells.readout(readout, h), layer(torch.tensor(h)).detach().numpy())
    again = torch_bridge.to_torch(readout)
    assert close(again(torch.tensor(h)).detach().numpy(), cells.readout(readout, h))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_stays_and_nothing_is_shared(dtype):
    params = initialise.lstm(4, 5, RNG, dtype=dtype)
    module = torch_bridge.to_torch(params)
    assert {str(p.dtype) for p in module.parameters()} == {f"torch.{np.dtype(dtype)}"}
    with torch.no_grad():
        module.weight_hh_l0.zero_()
    again = torch_bridge.from_torch(module)
    again.W_xh[...] = 0
    assert params.W_hh.any() and module.weight_ih_l0.any() and again.W_hh.dtype == dtype


def test_torch_keeps_its_random_numbers():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    for params in CELLS.values():
        torch_bridge.to_torch(params)
    assert torch.equal(torch.rand(3), expected)


def test_the_module_trains():
    module = torch_bridge.to_torch(CELLS["gru"])
    module(torch.tensor(X))[0].sum().backward()
    assert all(p.requires_grad and p.grad.abs().sum() > 0 for p in module.parameters())


def test_torch_is_imported_only_when_it_is_used():
    code = "import sys, course_lib.torch_bridge; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


CASES = {  # name: (call, error, what the message has to say)
    "whole network": (lambda: torch_bridge.to_torch(initialise.network(4, 5, 2, RNG)), TypeError,
                      ["NetworkParams", r"to_torch\(network.rnn\)", r"to_torch\(network.readout\)"]),
    "an array": (lambda: torch_bridge.to_torch(X), TypeError, ["params is ndarray", "LSTMParams"]),
    "a cell that torch lacks": (lambda: torch_bridge.to_torch(cells.MinGRUParams(np.ones((2, 1)), np.ones(2))),
                                TypeError,
                                ["MinGRUParams", "torch has no other cell"]),
    "ensemble": (lambda: torch_bridge.to_torch(initialise.lstm(4, 5, RNG, members=3)), ValueError,
                 [r"W_xh has shape \(3, 20, 4\)", "ensemble", "tree_map"]),
    "ensemble in one bias": (lambda: torch_bridge.to_torch(CELLS["gru"]._replace(b_hn=np.ones((2, 5)))), ValueError,
                             [r"b_hn has shape \(2, 5\)", "ensemble"]),
    "shapes": (lambda: torch_bridge.to_torch(CELLS["lstm"]._replace(b_h=np.ones(5))), ValueError,
               [r"needs \(..., 20\)"]),
    "readout shapes": (lambda: torch_bridge.to_torch(cells.ReadoutParams(np.ones((2, 5)), np.ones(3))), ValueError,
                       ["b_y has shape"]),
    "nan": (lambda: torch_bridge.to_torch(CELLS["rnn"]._replace(b_h=np.full(5, np.nan))), ValueError,
            ["b_h is not finite"]),
    "complex": (lambda: torch_bridge.to_torch(CELLS["rnn"]._replace(b_h=np.ones(5) * 1j)), TypeError,
                ["b_h is complex"]),
    "sigmoid": (lambda: torch_bridge.to_torch(CELLS["rnn"], activation="sigmoid"), ValueError,
                ["'sigmoid'", "nn.RNN", '"relu"']),
    "activation of a GRU": (lambda: torch_bridge.to_torch(CELLS["gru"], activation="relu"), ValueError,
                            ["nn.GRU", "leave it out"]),
    "several layers": (lambda: torch_bridge.from_torch(torch.nn.LSTM(4, 5, num_layers=2)), ValueError,
                       ["num_layers=2", "part='l0'", "l0, l1"]),
    "two directions": (lambda: torch_bridge.from_torch(torch.nn.RNN(4, 5, bidirectional=True)), ValueError,
                       ["bidirectional=True", "l0, l0_reverse"]),
    "unknown part": (lambda: torch_bridge.from_torch(torch.nn.RNN(4, 5), part="l1"), ValueError,
                     ["part is 'l1', needs one of 'l0'"]),
    "projection": (lambda: torch_bridge.from_torch(torch.nn.LSTM(4, 5, proj_size=3)), ValueError,
                   ["proj_size=3", "without proj_size"]),
    "single cell": (lambda: torch_bridge.from_torch(torch.nn.LSTMCell(4, 5)), TypeError,
                    ["module is LSTMCell", "nn.LSTM"]),
    "larger network": (lambda: torch_bridge.from_torch(torch.nn.Sequential(torch.nn.RNN(4, 5))), TypeError,
                       ["Sequential", "net.rnn"]),
    "half precision": (lambda: torch_bridge.from_torch(torch.nn.GRU(4, 5, dtype=torch.bfloat16)), TypeError,
                       ["bfloat16", r"module\.float\(\)"]),
}


@pytest.mark.parametrize("name", CASES)
def test_message(name, refused):
    refused(*CASES[name])
