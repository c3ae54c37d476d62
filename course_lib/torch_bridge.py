"""Weights to and from torch: the same numbers under torch's names. Orientation and order of gates are torch's already.

    W_xh = weight_ih_l0      W_hh = weight_hh_l0      b_h = bias_ih_l0 + bias_hh_l0

torch has two biases. RNN and LSTM only ever read their sum: ours goes into bias_ih, and bias_hh is zero. In a GRU r
multiplies the recurrent bias of n, so that b_hn, the last third of bias_hh, is apart. torch is imported when used.
"""

import numpy as np

from . import _checks, cells
from .cells import GRUParams, LSTMParams, ReadoutParams, RNNParams

MODULES = {"RNN": RNNParams, "LSTM": LSTMParams, "GRU": GRUParams, "Linear": ReadoutParams}


def to_torch(params: RNNParams | LSTMParams | GRUParams | ReadoutParams, activation: str = "tanh"):
    """Return nn.RNN, nn.LSTM or nn.GRU, or nn.Linear for a readout, with a copy of these weights, in their precision.

    params      of one network, without leading axes
    activation  of an RNN: "tanh" or "relu", torch has no other; it becomes the module's nonlinearity
    returns     a torch module; a cell takes x (T, B, D), as bptt.forward does
    errors      TypeError for other parameters, ValueError for an ensemble or an activation that torch lacks
    """
    with _checks.extra("watch", "torch_bridge"):
        import torch

    kind = next((name for name, ours in MODULES.items() if isinstance(params, ours)), None)
    if isinstance(params, cells.NetworkParams):
        raise TypeError("params is NetworkParams, a cell and a readout: torch has no one module for both. "
                        "Pass its parts, to_torch(network.rnn) and to_torch(network.readout).")
    if kind is None:
        raise TypeError(f"params is {type(params).__name__}, needs RNNParams, LSTMParams, GRUParams or ReadoutParams: "
                        f"torch has no other cell.")
    if activation not in (("tanh", "relu") if kind == "RNN" else ("tanh",)):
        has = 'nonlinearity "tanh" or "relu" only' if kind == "RNN" else "no choice of activation: leave it out"
        raise ValueError(f"activation is {activation!r}, but nn.{kind} has {has}.")
    params = cells.check_readout(params) if kind == "Linear" else cells.cell_of(params).check(params)
    for name, array in params._asdict().items():
        if array.ndim > 1 + name.startswith("W"):
            raise ValueError(f"{name} has shape {array.shape}: its first axis counts the members of an ensemble, and a "
                             f"torch module is one network. Take one: cells.tree_map(lambda array: array[0], params).")
        if np.iscomplexobj(array):
            raise TypeError(f"{name} is complex, torch's modules are real. Pass {name}.real.")

    if kind == "Linear":
        sizes, named = params.W_hy.shape[::-1], {"weight": params.W_hy, "bias": params.b_y}
    else:
        sizes, second = (params.W_xh.shape[1], params.W_hh.shape[1]), np.zeros_like(params.b_h)
        if kind == "GRU":
            second[2 * sizes[1]:] = params.b_hn
        named = {"weight_ih_l0": params.W_xh, "weight_hh_l0": params.W_hh,
                 "bias_ih_l0": params.b_h, "bias_hh_l0": second}
    dtype = torch.from_numpy(np.empty(0, np.result_type(*params))).dtype
    options = {"nonlinearity": activation} if kind == "RNN" else {}
    # On "meta" it is not initialized: the weights come from here, and torch's random numbers stay the caller's.
    module = getattr(torch.nn, kind)(*sizes, dtype=dtype, device="meta", **options).to_empty(device="cpu")
    module.load_state_dict({name: torch.tensor(array, dtype=dtype) for name, array in named.items()})
    return module


def from_torch(module, part: str | None = None) -> RNNParams | LSTMParams | GRUParams | ReadoutParams:
    """Return the weights of nn.RNN, nn.LSTM, nn.GRU or nn.Linear as our parameters: copies, in the module's precision.

    batch_first is only about the layout of x and changes nothing here: bptt.forward always takes x (T, B, D). An RNN's
    nonlinearity is not a weight either: pass it on, bptt.forward(params, x, activation=module.nonlinearity).

    module   with one layer and one direction, or with more if `part` says which
    part     the end of its names in torch: "l0" for weight_ih_l0, "l1", "l0_reverse"; None if there is only one
    returns  RNNParams, LSTMParams, GRUParams or ReadoutParams
    errors   TypeError for other modules, ValueError for what a single cell cannot hold
    """
    with _checks.extra("watch", "torch_bridge"):
        import torch

    kind = next((name for name in MODULES if isinstance(module, getattr(torch.nn, name))), None)
    if kind is None:
        raise TypeError(f"module is {type(module).__name__}, needs nn.RNN, nn.LSTM, nn.GRU or nn.Linear. "
                        f"Of a larger network pass the part: from_torch(net.rnn).")
    if kind == "Linear":
        W_hy = _array(module.weight)
        return ReadoutParams(W_hy, np.zeros(len(W_hy), W_hy.dtype) if module.bias is None else _array(module.bias))
    if module.proj_size:
        raise ValueError(f"module has proj_size={module.proj_size}: its h is a projection, which no cell here has. "
                         f"Build it without proj_size.")
    parts = [f"l{layer}{way}" for layer in range(module.num_layers)
             for way in (("", "_reverse") if module.bidirectional else ("",))]
    if part is None and len(parts) > 1:
        raise ValueError(f"module has num_layers={module.num_layers}, bidirectional={module.bidirectional}, but "
                         f"parameters here are of one layer in one direction. Take them one by one, "
                         f"part={parts[0]!r} and so on: {', '.join(parts)}.")
    part = _checks.choice("part", parts[0] if part is None else part, parts)
    W_xh, W_hh = (_array(getattr(module, f"weight_{which}_{part}")) for which in ("ih", "hh"))
    first, second = (_array(getattr(module, f"bias_{which}_{part}")) if module.bias else np.zeros(len(W_hh), W_hh.dtype)
                     for which in ("ih", "hh"))
    if kind == "GRU":
        b_hn = second[2 * module.hidden_size:].copy()
        second[2 * module.hidden_size:] = 0
        return GRUParams(W_xh, W_hh, first + second, b_hn)
    return MODULES[kind](W_xh, W_hh, first + second)


def _array(tensor) -> np.ndarray:
    """A copy as a numpy array, float32 or float64; TypeError for other types."""
    tensor = tensor.detach().cpu()
    if not tensor.dtype.is_floating_point or tensor.element_size() < 4:
        raise TypeError(f"the module's weights are {tensor.dtype}, needs float32 or float64. Pass module.float().")
    return tensor.numpy().copy()
