"""Which modules of a network can be watched, and why others can not."""

from __future__ import annotations

from collections import Counter

import torch
from torch import nn

KINDS = nn.RNN, nn.LSTM, nn.GRU
CELLS = nn.RNNCell, nn.LSTMCell, nn.GRUCell
LOOP = """    states = []
    for x_t in x:
        h = cell(x_t, h)
        h.retain_grad()
        states.append(h)
    loss.backward()
    states[t].grad  # the total dL/dh_t"""


def recurrent(net, names=None) -> dict[str, nn.RNNBase]:
    """{name: module} of all that can be watched; a TypeError or ValueError says why none can.

    names  which of them, None for all
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"net is {type(net).__name__}, needs an nn.Module.")
    modules = dict(net.named_modules(remove_duplicate=True))
    for name, module in modules.items():
        label = f"net.{name}" if name else "net"
        if hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None:
            fix = f"{label}._orig_mod" if hasattr(module, "_orig_mod") else "the network before net.compile()"
            raise TypeError(f"{label} is compiled by torch.compile, which does not run hooks as written. Pass {fix}: "
                            f"the weights are the same.")
        if isinstance(module, torch.jit.ScriptModule):
            raise TypeError(f"{label} is TorchScript, whose code cannot be listened to. Pass the module that it was "
                            f"made from.")
        if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            raise TypeError(f"{label} is {type(module).__name__}: its copies run on their own. Pass {label}.module and "
                            f"call it on one part of the batch.")
    found = {name: module for name, module in modules.items() if isinstance(module, KINDS)}
    if not found:
        counts = Counter(type(module).__name__ for module in modules.values() if not list(module.children()))
        words = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        words = f"net has no nn.RNN, nn.LSTM or nn.GRU in it. It holds {words}."
        if any(isinstance(module, CELLS) for module in modules.values()):
            words += f" A loop over a cell needs no microscope, only retain_grad on each state:\n\n{LOOP}"
        raise ValueError(words)
    if names is not None:
        names = [names] if isinstance(names, str) else list(names)
        if unknown := [name for name in names if name not in found]:
            raise ValueError(f"names has {unknown[0]!r}, which is no recurrent module of net: choose from "
                             f"{', '.join(map(repr, found))}.")
        found = {name: module for name, module in found.items() if name in names}
    for name, module in found.items():
        if any(p.is_meta for p in module.parameters()):
            raise ValueError(f"{name or 'net'} is on the meta device, it has shapes but no numbers. "
                             f"Use net.to_empty(device='cpu') and load its weights first.")
    return found
