"""The hooks: they listen to every call of the recurrent modules in a network and change nothing."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator

import torch
from torch import nn

from .. import _checks
from .clipper import Clipper
from .reading import JudgedNorms, NonFinite, Reading, earliest_nonfinite
from .replay import Call, generator_state
from .verdict import Finding

KINDS = (nn.RNN, nn.LSTM, nn.GRU)
CELLS = (nn.RNNCell, nn.LSTMCell, nn.GRUCell)
LOOP = """    states = []
    for x_t in x:
        h = cell(x_t, h)
        h.retain_grad()
        states.append(h)
    loss.backward()
    states[t].grad  # the total dL/dh_t"""


class Pass:
    """All watched calls up to a backward, and the parameters as they were."""

    def __init__(self, net: nn.Module):
        self.calls: dict[str, list[Call]] = {}
        self.order: list[Call] = []
        self.before = {name: p.detach().clone() for name, p in net.named_parameters()}

    @property
    def has_gradient(self) -> bool:
        return any(call.has_gradient for call in self.order)


class Flow:
    """What flows through time in a network. Made by `watch_time`; stays readable after the with block.

    names   of the recurrent modules, as in net.named_modules()
    passes  how many passes got their gradient, watched or not
    errors  those of `watch_time`; RuntimeError where nothing was watched that could be read
    """

    def __init__(self, net: nn.Module, every: int = 1, clipper: Clipper | None = None):
        self._modules = _recurrent(net)
        if clipper is not None and not isinstance(clipper, Clipper):
            raise TypeError(f"clipper is {type(clipper).__name__}, needs a watch.Clipper.")
        self.net, self.every, self.clipper = net, _checks.count("every", every), clipper
        self.names = list(self._modules)
        self.passes = 0
        self._handles: list = []
        self._random: dict[str, object] = {}
        self._pass: Pass | None = None  # the present one, None if it is not watched
        self._done: Pass | None = None  # the last one that got its gradient
        self._begun = self._heard = False
        self._ignored: Counter = Counter()
        self._screen = self._drawn = None

    def __enter__(self) -> Flow:
        if self._handles:
            raise RuntimeError("this flow is watching already. Call watch_time(net) again for a second one.")
        for name, module in self._modules.items():
            self._handles += [
                module.register_forward_pre_hook(lambda module, args, name=name: self._before(name, module)),
                module.register_forward_hook(lambda module, args, kwargs, output, name=name:
                                             self._after(name, module, args, kwargs, output),
                                             with_kwargs=True, prepend=True)]  # before others change the output
        return self

    def __exit__(self, *error) -> None:
        while self._handles:
            self._handles.pop().remove()
        if error[0] is None:
            self._redraw()

    def __getitem__(self, name: str) -> Reading:
        if name not in self._modules:
            known = ", ".join(map(repr, self.names))
            raise KeyError(f"no recurrent module is called {name!r}; there {'are' if len(self.names) > 1 else 'is'} "
                           f"{known}." + (' "" is the network itself.' if "" in self.names else ""))
        watched = self._readable()
        if name not in watched.calls:
            raise RuntimeError(f"{name!r} was not called in the pass that was watched; called were "
                               f"{', '.join(map(repr, watched.calls))}.")
        return Reading(name, watched.calls[name])

    def first_nonfinite(self) -> NonFinite | None:
        """The first entry that is NaN or infinite in the whole network's recurrent modules; None if there is none.

        Parameters and inputs come first, then states, then gradients on their way back, then parameters' gradients.
        It also answers before loss.backward(), from what the forward pass showed.
        """
        watched = self._pass if self._pass is not None and self._pass.order else self._readable()
        readings = []
        for call in watched.order:
            calls = watched.calls[call.name]
            readings += Reading(call.name, calls, calls.index(call)).each()
        return earliest_nonfinite(readings)

    def findings(self) -> dict[str, Finding]:
        """{label: Finding} of every module, call and part that got a gradient, in the order of names.

        A module that is called once for each step, as decoders are, gets one finding for all its calls.
        """
        return {(loop or reading).label: loop.finding if loop else reading.finding() for reading, loop in self._loops()}

    def verdict(self) -> str:
        """One sentence with its numbers for each layer, and how often the clipper acted."""
        broken = self.first_nonfinite()
        lines = [str(broken)] if broken else [finding.words for finding in self.findings().values()]
        if self.clipper is not None:
            lines.append(self.clipper.words())
        return "\n".join(lines)

    def update_ratio(self) -> dict[str, float]:
        """{parameter: |its change since the watched pass began| / |it was then|}; near .001 is usual. 0 over 0 is 0."""
        ratios = {}
        for name, before in self._readable().before.items():
            now, before = (tensor.detach().double() for tensor in (self.net.get_parameter(name), before))
            moved, size = float((now - before).norm()), float(before.norm())
            ratios[name] = moved / size if size else (float("inf") if moved else 0.)
        return ratios

    def plot(self, live: bool = False):
        """Return the picture of |dL/dh_t| by time step (|dL/dc_t| for an LSTM), every module and part as a curve.

        live  inside the with block, before the training loop: shows a picture, drawn again after each watched pass
        """
        from .picture import Curve, Through

        if not live:
            judged = [loop or reading.judged() for reading, loop in self._loops()]
            curves = [Curve(*each._replace(finding=each.finding.words)) for each in judged]
            return Through(curves, "" if self.clipper is None else self.clipper.words())
        if not self._handles:
            raise RuntimeError("plot(live=True) follows a training that is still to come: call it inside the with "
                               "block, before the loop. For what has been watched: flow.plot().")
        with _checks.extra("lab", "plot(live=True)"):
            from IPython.display import HTML, display

        self._screen = display(HTML("waiting for the first gradient"), display_id=True)
        return None

    def __repr__(self) -> str:
        state = "watching" if self._handles else "done"
        return f"Flow of {', '.join(map(repr, self.names))}: {state}, passes with their gradient: {self.passes}"

    def _before(self, name: str, module: nn.RNNBase) -> None:
        if self._listens(module) and module.dropout and module.training and module.num_layers > 1:
            device = module._flat_weights[0].device
            if device.type == "cuda" and torch.backends.cudnn.enabled:
                raise RuntimeError(
                    f"{name or 'the module'} is training with dropout={module.dropout} between its layers, and cuDNN "
                    f"keeps its masks to itself: no replay can know them. Set module.dropout = 0 while you watch, or "
                    f"turn cuDNN off: with torch.backends.cudnn.flags(enabled=False).")
            self._random[name] = generator_state(device)

    def _after(self, name: str, module: nn.RNNBase, args: tuple, kwargs: dict, output) -> None:
        if not self._listens(module):
            self._ignored["inference_mode" if torch.is_inference_mode_enabled() else "no_grad"] += 1
            return
        if self._heard or not self._begun:
            self._redraw()
            self._pass = Pass(self.net) if self.passes % self.every == 0 else None
            self._begun, self._heard = True, False
        if self._pass is None:
            data = output[0].data if isinstance(output[0], nn.utils.rnn.PackedSequence) else output[0]
            for tensor in (data, *(output[1] if isinstance(output[1], tuple) else (output[1],))):
                if tensor.requires_grad:
                    tensor.register_hook(lambda gradient: self._hear(None))
            return
        if torch.is_autocast_enabled(_device_type(args, kwargs)):
            raise RuntimeError("torch.autocast is on, which chooses a precision for every operation: the replay could "
                               "not be compared with it. Watch a pass without autocast, or a network converted with "
                               "net.half() or net.bfloat16().")
        present = self._pass
        call = Call(name, module, args, kwargs, output, self._random.pop(name, None))
        present.calls.setdefault(name, []).append(call)
        present.order.append(call)
        call.watch(lambda call: self._hear(present))

    def _hear(self, heard: Pass | None) -> None:
        if not self._heard and heard is self._pass:
            self.passes += 1
            self._heard = True
        if heard is not None:
            self._done = heard

    def _listens(self, module: nn.RNNBase) -> bool:
        return torch.is_grad_enabled() and not torch.is_inference_mode_enabled()

    def _readable(self) -> Pass:
        """The last pass that got its gradient, else the present one, whose states can be read."""
        if self._done is not None:
            return self._done
        if self._pass is not None and self._pass.order:
            return self._pass
        if self._ignored:
            how = " and ".join(f"torch.{name}()" for name in self._ignored)
            raise RuntimeError(f"every call so far ran under {how}, where no gradient exists: {self._ignored.total()} "
                               f"ignored. Watch a training step.")
        raise RuntimeError(f"nothing was watched yet: call the network, then loss.backward(), inside the with block. "
                           f"Of {', '.join(map(repr, self.names))} none was called.")

    def _loops(self) -> Iterator[tuple[Reading, JudgedNorms | None]]:
        """Every reading with a gradient; where the calls are the steps of a loop, the first of them and the loop."""
        loops = {}
        for _, reading in self._with_gradient():
            key = reading.name, reading._part
            if first := key not in loops:
                loops[key] = reading.loop()
            if first or not loops[key]:
                yield reading, loops[key]

    def _with_gradient(self) -> list[tuple[str, Reading]]:
        """Every module, call and part that got a gradient; the error of the first where none did."""
        readings = [reading for name in self._readable().calls for reading in self[name].each()]
        return [(reading.label, reading) for reading in readings if reading._one_call.gradient_wanted] or [
            (reading.label, reading) for reading in readings[:1]]

    def _redraw(self) -> None:
        if self._screen is not None and self._done is not None and self._done is not self._drawn:
            self._drawn = self._done
            self._screen.update(self.plot())
            gc.collect()  # a figure of matplotlib is a cycle of references: 12 MB that would wait for a later collection


def _recurrent(net) -> dict[str, nn.RNNBase]:
    """{name: module} of all that can be watched, or why not."""
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
    for name, module in found.items():
        if any(p.is_meta for p in module.parameters()):
            raise ValueError(f"{name or 'net'} is on the meta device, it has shapes but no numbers. "
                             f"Use net.to_empty(device='cpu') and load its weights first.")
    return found


def _device_type(args: tuple, kwargs: dict) -> str:
    x = args[0] if args else kwargs["input"]
    return x.data.device.type
