"""Passes: which calls belong together, which backward a gradient came with, and what was not read."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch._subclasses import FakeTensor

from .. import _checks
from .again import generators
from .arrivals import Arrivals
from .between import key_of
from .cells import LOOK_BACK, Recurrence, Snapshots, StepRecord, follow, guess, replaced, tensors_in
from .loops import Loop
from .modules import KINDS, watched_in
from .replay import Call, generator_state
from .taps import Listener, listen

ON_ERROR = "raise", "warn"


class Pass:
    """All calls up to a backward, and the parameters as they were.

    number    in the order in which they began
    watched   False where `every` leaves it out: then it is only heard that a gradient came
    heard     whether a gradient has arrived
    earlier   whether its backward went on into an earlier pass
    unread    {module: why its calls could not be read}
    """

    def __init__(self, number: int, watched: bool, net: nn.Module):
        self.number, self.watched = number, watched
        self.calls: dict[str, list[Arrivals]] = {}
        self.order: list[Arrivals] = []
        self.before: dict[str, Tensor] = {}
        self.unread: dict[str, str] = {}
        self.heard = self.earlier = self.finished = False
        self.tasks: set[int] = set()  # the backward passes that gradients, or calls computed again, came with
        self.loops: dict[str, list[Loop]] = {}  # of each recurrence those that may go on
        self.kept = Snapshots()
        self._latest: Arrivals | None = None
        self._count = self._groups = 0
        if watched:
            self.keep_parameters(net)

    @property
    def has_gradient(self) -> bool:
        """Whether any call got one."""
        return any(call.has_gradient for call in self.order)

    def keep_parameters(self, net: nn.Module) -> None:
        """As they are now, those that are there: a lazy one is made by its module's first call."""
        for name, p in net.named_parameters():
            if name not in self.before and not nn.parameter.is_lazy(p) and not p.is_meta:
                self.before[name] = p.detach().clone()

    def parameters(self, net: nn.Module) -> dict[int, Tensor]:
        """{id of a parameter: as it was}."""
        return {id(p): self.before[name] for name, p in net.named_parameters(remove_duplicate=False)
                if name in self.before}

    def add(self, call: Arrivals) -> None:
        """Give a call its place. Those that checkpoints compute again come with the later chunks first, and are filed
        when a gradient reaches them: some are computed for what they save alone."""
        for former in self.calls.get(call.name, [])[:]:
            if former.is_over and not former.has_gradient:
                self._remove(former)  # its backward can't come any more: a validation, a state that was let go
        if call.recomputed:
            self._groups += self._latest is None or not self._latest.recomputed or self._latest.has_gradient
        self._latest, self._count = call, self._count + 1
        call.place = -self._groups if call.recomputed else 0, self._count
        if not call.recomputed:
            self.file(call)

    def settle(self, call: Arrivals) -> None:
        """A gradient came to a call: calls in eval mode that got none are left out, a validation's as a rule."""
        if call not in self.order:
            self.file(call)
        if call.training:
            for other in self.calls.get(call.name, [])[:]:
                if not other.training and not other.has_gradient:
                    self._remove(other)

    def settle_loops(self) -> None:
        """Leave out the loops of which it was never seen what their state is."""
        for loop in [loop for loops in self.loops.values() for loop in loops]:
            if not guess(loop.recurrence, loop.steps[0]):
                self.unread[loop.name] = (
                    f"{loop.name} was not read: none of its outputs came back as an argument of its next call. "
                    f"cells={{{loop.name!r}: watch.State(output=..., argument=...)}} says which is the state.")
                if loop in self.order:
                    self._remove(loop)

    def file(self, call: Arrivals) -> None:
        for calls in self.order, self.calls.setdefault(call.name, []):
            calls.append(call)
            calls.sort(key=lambda each: each.place)

    def _remove(self, call: Arrivals) -> None:
        self.order.remove(call)
        if call in (loops := self.loops.get(call.name, [])):
            loops.remove(call)
        self.calls[call.name].remove(call)
        if not self.calls[call.name]:
            del self.calls[call.name]



class Watching:
    """Listens to the recurrent modules of a network, and files what it hears in passes. Changes nothing.

    errors  RuntimeError where it is started twice, or what a call does can't be read and on_error is "raise"
    """

    def __init__(self, net: nn.Module, every: int, cells, names, on_error: str | None):
        self._modules, self._recurrences, self.not_watched = watched_in(net, cells, names)
        if on_error is not None:
            _checks.choice("on_error", on_error, ON_ERROR)
        self.net, self.every, self.on_error = net, _checks.count("every", every), on_error
        order = [name for name, _ in net.named_modules()]
        self.names = sorted([*self._modules, *self._recurrences], key=lambda name: order.index(name) if name in order
                            else len(order))
        self.passes = 0
        self._ends: list[Callable[[], None]] = []  # each ends listening to one module
        self._begun = 0
        self._pass: Pass | None = None  # the present one
        self._done: Pass | None = None  # the newest that got its gradient in the last backward that was watched
        self._backward: tuple[int, Pass | None] = -1, None  # the last backward, and the newest pass that it has reached
        self._random: dict[str, Tensor] = {}
        self._ignored: Counter = Counter()
        self._said: set[str] = set()

    def start(self) -> Watching:
        """Listen from now on, up to stop(). What can't be read is said once, as a warning, and training goes on."""
        if self._ends:
            raise RuntimeError("this flow is watching already. Call watch_time(net) again for a second one.")
        self._warns = self.on_error != "raise"
        for name, module in self._modules.items():
            kind = next(kind for kind in KINDS if isinstance(module, kind))
            ear = _Ear(self, name, (name, module), self._before, self._after)
            self._ends.append(listen(kind, "forward", module, ear))
        for name, each in self._recurrences.items():
            ear = _Ear(self, name, each, self._before_step, self._after_step)
            self._ends += [listen(owner, attribute, each.instance, ear) for owner, attribute in each.places]
        return self

    def stop(self) -> None:
        """Listen no more. Gradients of calls that were heard are still taken in."""
        self._end()
        self._finish()

    def _end(self) -> None:
        while self._ends:
            self._ends.pop()()

    @property
    def watching(self) -> bool:
        """Whether it listens at present."""
        return bool(self._ends)

    def _finish(self) -> None:
        """Tell once of each watched pass that got its gradient and to which nothing is added any more."""
        if self._done is not None and not self._done.finished:
            self._done.finished = True
            self._finished(self._done)

    def _finished(self, done: Pass) -> None:
        """Called once for each watched pass: when the next one begins, at stop() and at the end of the with block."""

    def _guarded(self, name: str, hear: Callable, *args) -> None:
        """What goes wrong in listening is an error, or is said once and training goes on."""
        try:
            hear(*args)
        except Exception as error:
            if not self._warns:
                raise
            words = f"{name or 'the module itself'} was not read in pass {self.passes}: {error}"
            if self._pass is not None:
                self._pass.unread[name] = words
            if name not in self._said:
                self._said.add(name)
                warnings.warn(f"{words} Training goes on; this is said once. on_error='raise' stops at it.",
                              RuntimeWarning, stacklevel=2)

    def _before(self, named: tuple[str, nn.RNNBase], args: tuple, kwargs: dict) -> None:
        name, module = named
        if self._listens() and self._will_watch() and module.dropout and module.training and module.num_layers > 1:
            device = module._flat_weights[0].device
            if device.type == "cuda" and torch.backends.cudnn.enabled:
                raise RuntimeError(
                    f"{name or 'the module'} is training with dropout={module.dropout} between its layers, and cuDNN "
                    f"keeps its masks to itself: no replay can know them. Set module.dropout = 0 while you watch, or "
                    f"turn cuDNN off: with torch.backends.cudnn.flags(enabled=False).")
            self._random[name] = generator_state(device)

    def _after(self, named: tuple[str, nn.RNNBase], args: tuple, kwargs: dict, output) -> None:
        name, module = named
        if not self._listens(count=True):
            return
        data = output[0].data if isinstance(output[0], nn.utils.rnn.PackedSequence) else output[0]
        outputs = [data, *(output[1] if isinstance(output[1], tuple) else (output[1],))]
        if not data.numel() or self._elsewhere(outputs):
            return  # no sequences, no gradient
        present = self._watched(outputs)
        if present is None:
            return
        call = Call(name, module, args, kwargs, output, self._random.pop(name, None))
        self._expect(present, call, module)
        call.watch(outputs)

    def _before_step(self, recurrence: Recurrence, args: tuple, kwargs: dict) -> None:
        if self._listens() and self._will_watch():
            device = next((leaf.device for _, leaf in tensors_in((args, kwargs))), torch.device("cpu"))
            self._random[recurrence.name] = generators(device)

    def _after_step(self, recurrence: Recurrence, args: tuple, kwargs: dict, output) -> None:
        """A call of something that gives the next state: a step more of a loop, or the first of another."""
        if not self._listens(count=True):
            return
        # Of an LSTMCell c is enough: h_t depends on c_t.
        outputs = output[-1:] if recurrence.cell is nn.LSTMCell else [leaf for _, leaf in tensors_in(output)]
        if self._elsewhere(outputs) or not (present := self._watched(outputs)):
            return
        given = recurrence.bind(args, kwargs)
        after, before = recurrence.candidates(output, given)
        if not all(each.numel() for each in after.values()):
            return
        loops, between = present.loops.setdefault(recurrence.name, []), None
        for loop in loops[:-LOOK_BACK - 1:-1]:
            between = follow(loop, recurrence, before)
            if between is not None:
                break
        else:
            attached = {path for path, leaf in before.items() if leaf.requires_grad}
            first = next(iter(after.values()))
            low = torch.is_autocast_enabled(first.device.type)
            loop = Loop(recurrence, attached, present.parameters(self.net),
                        torch.get_autocast_dtype(first.device.type) if low else None)
            self._expect(present, loop, recurrence.module)
            loops.append(loop)
        keys = {key_of(leaf): (when, path) for when, each in (("before", before), ("after", after))
                for path, leaf in each.items() if key_of(leaf) is not None}
        places = dict(zip(after, loop.watch(list(after.values()))))
        loop.add(StepRecord(replaced(given, lambda _, leaf: present.kept(leaf)), {
            path: present.kept(leaf) for path, leaf in after.items()}, places, keys, between or {},
            self._random.pop(recurrence.name, {}), loop.low))

    def _watched(self, outputs) -> Pass | None:
        """The pass that a call belongs to; None where it is not watched, and is told only that a gradient came."""
        present = self._present()
        if present.watched:
            return present

        def hear(gradients):
            self._hear(present)

        for tensor in outputs:
            if tensor.grad_fn is not None:
                tensor.grad_fn.register_prehook(hear)
        return None

    def _expect(self, present: Pass, call: Arrivals, module: nn.Module | None) -> None:
        """File a call, and wait for its gradients."""
        task = torch._C._current_graph_task_id()
        call.recomputed, call.training = task >= 0, module is None or module.training
        if call.recomputed:
            present.tasks.add(task)
        present.add(call)
        call.expect(module, lambda call: self._hear(present, call))

    def _will_watch(self) -> bool:
        """Whether a call that comes now is of a watched pass."""
        present = self._pass
        ended = present is None or present.heard and torch._C._current_graph_task_id() not in present.tasks
        return self.passes % self.every == 0 if ended else present.watched

    def _present(self) -> Pass:
        """The pass that a call belongs to: the first call after a gradient begins the next, unless a checkpoint
        computes it again in that very backward."""
        if self._pass is None or self._pass.heard and torch._C._current_graph_task_id() not in self._pass.tasks:
            self._finish()
            self._pass = Pass(self._begun, self.passes % self.every == 0, self.net)
            self._begun += 1
        return self._pass

    def _hear(self, heard: Pass, call: Arrivals | None = None) -> bool:
        """A gradient arrives at a call; returns whether it counts. Where the state was carried over from earlier
        passes, it goes on into them, but is not theirs."""
        task = torch._C._current_graph_task_id()
        last, newest = self._backward
        if task == last and newest is not None and newest.number > heard.number:
            newest.earlier = True
            return False
        self._backward = task, heard
        if not heard.heard:
            self.passes += 1
            heard.heard = True
            heard.keep_parameters(self.net)
            heard.settle_loops()
        heard.tasks.add(task)
        if heard.watched:
            if call.name not in heard.unread:
                heard.settle(call)
            self._done = heard
        return True

    def _listens(self, count: bool = False) -> bool:
        """Whether there are gradients at all; `count` the calls without."""
        if torch.is_grad_enabled() and not torch.is_inference_mode_enabled():
            return True
        self._ignored["inference_mode()" if torch.is_inference_mode_enabled() else "no_grad()"] += count
        return False

    def _elsewhere(self, outputs) -> bool:
        """Whether torch.func, an export or fake tensors hold the numbers of a call, where no backward is heard."""
        elsewhere = any(isinstance(tensor, FakeTensor) or is_functorch_wrapped_tensor(tensor) for tensor in outputs)
        self._ignored["func or an export"] += elsewhere
        return elsewhere


class _Ear(Listener):
    """Tells a flow of the calls of one module."""

    def __init__(self, flow: Watching, name: str, heard, before: Callable, after: Callable):
        self._flow, self._name, self._heard, self._before, self._after = flow, name, heard, before, after

    def before(self, args: tuple, kwargs: dict) -> None:
        self._flow._guarded(self._name, self._before, self._heard, args, kwargs)

    def after(self, args: tuple, kwargs: dict, output) -> None:
        self._flow._guarded(self._name, self._after, self._heard, args, kwargs, output)
