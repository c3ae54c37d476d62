"""Which modules of a network are watched, which are not, and why others can not be."""

from __future__ import annotations

import re
from collections import Counter

import torch
from torch import nn

from .cells import CELLS, Recurrence, cell, recurrences

KINDS = nn.RNN, nn.LSTM, nn.GRU
LIKE = re.compile("RNN|LSTM|GRU|Cell|Recurren|SSM|Mamba|LTC|CfC|Liquid")  # names that people give to recurrences
LOOP = """    state, states = None, []                    # or the initial state
    for x_t in x:
        state = cell(x_t, state)
        for each in state if isinstance(state, tuple) else (state,):
            each.retain_grad()
        states.append(state)
    loss.backward()
    states[t].grad                              # the total dL/dh; of an LSTMCell states[t][0].grad, and [1] for c"""
WAY_ON = """If one of its modules, methods or functions gives the next state from the last, name it:

    with watch.watch_time(net, cells=["decoder.cell"]) as flow: ...

watch.State says which of several outputs and arguments is the state. Without the microscope, by hand:

""" + LOOP


def _deaf(label: str, module: nn.Module) -> str:
    """Why what is inside of a module cannot be listened to; "" if it can."""
    if hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None:
        fix = f"{label}._orig_mod" if hasattr(module, "_orig_mod") else f"the network before {label}.compile()"
        return f"compiled by torch.compile, which does not run hooks as written. Pass {fix}: the weights are the same."
    if isinstance(module, torch.jit.ScriptModule):
        return "TorchScript, whose code cannot be listened to. Pass the module that it was made from."
    if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return (f"{type(module).__name__}: its copies run on their own. Pass {label}.module and call it on one part of "
                f"the batch.")
    return ""


def watched_in(net, cells=(), names=None) -> tuple[dict[str, nn.RNNBase], dict[str, Recurrence], dict[str, str]]:
    """Fused modules and recurrences that are watched, by name, and {name: kind} of what looks recurrent and is not.

    cells   what the user names as giving the next state: see `cells.recurrences`
    names   which of torch's own modules and cells, None for all
    errors  TypeError or ValueError, which say why nothing can be watched
    """
    if not isinstance(net, nn.Module):
        raise TypeError(f"net is {type(net).__name__}, needs an nn.Module.")
    modules = dict(net.named_modules())
    fused = {name: module for name, module in modules.items() if isinstance(module, KINDS)}
    own = {name: cell(name, module) for name, module in modules.items() if isinstance(module, CELLS)}
    named = {each.name: each for each in recurrences(net, cells)}
    if names is not None:
        names = [names] if isinstance(names, str) else list(names)
        if unknown := [name for name in names if name not in {**fused, **own, **named}]:
            raise ValueError(f"names has {unknown[0]!r}, which is no recurrent module of net: choose from "
                             f"{', '.join(map(repr, [*fused, *own, *named])) or 'none'}.")
    watched = {name: module for name, module in fused.items()
               if name not in named and (names is None or name in names)}
    loops = {name: each for name, each in own.items() if names is None or name in names} | named
    for name, module in modules.items():  # a compiled head is in nobody's way
        if (not watched and not loops or any(_within(each, name) for each in {*watched, *loops})) and (
                why := _deaf(f"net.{name}" if name else "net", module)):
            raise TypeError(f"{f'net.{name}' if name else 'net'} is {why}")
    if not watched and not loops:
        counts = Counter(type(module).__name__ for module in modules.values() if not list(module.children()))
        raise ValueError(f"net has no nn.RNN, nn.LSTM, nn.GRU and none of their cells in it. It holds "
                         f"{', '.join(f'{count} {kind}' for kind, count in counts.items())}. {WAY_ON}")
    for name, module in {**watched, **{name: each.module for name, each in loops.items() if each.module}}.items():
        if any(p.is_meta for p in module.parameters()):
            raise ValueError(f"{name or 'net'} is on the meta device, it has shapes but no numbers. "
                             f"Use net.to_empty(device='cpu') and load its weights first.")
    return watched, loops, _others(modules, {*watched, *loops})


def _within(inner: str, outer: str) -> bool:
    """Whether a module's name is another's, or that of a part of it."""
    return not outer or inner == outer or inner.startswith(outer + ".")


def _others(modules: dict[str, nn.Module], watched: set[str]) -> dict[str, str]:
    """The innermost modules that are recurrent by their kind or name, without those that are watched or hold, or are
    inside of, one that is."""
    def inside(inner: str, outer: str) -> bool:
        return inner != outer and _within(inner, outer)

    alike = {name: type(module).__name__ for name, module in modules.items()
             if isinstance(module, KINDS + CELLS) or LIKE.search(type(module).__name__)}
    alike = {name: kind for name, kind in alike.items() if next(modules[name].parameters(), None) is not None}
    return {name: kind for name, kind in alike.items() if name not in watched
            and not any(inside(each, name) for each in {*alike, *watched}) and not any(
                inside(name, each) and not isinstance(modules[name], KINDS + CELLS) for each in watched)}
