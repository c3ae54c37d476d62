"""What was heard of a network's recurrent modules, and what it says."""

from __future__ import annotations

import copy
import gc
import warnings
from collections.abc import Callable, Iterator

from torch import nn

from .. import _checks
from .arrivals import SECOND
from .clipper import Clipper
from .history import PassHistory, record_of
from .passes import Pass, Watching
from .reading import JudgedNorms, NonFinite, Reading, earliest_nonfinite
from .road import findings_of
from .verdict import Finding, nothing


class Flow(Watching):
    """What flows through time in a network. Made by `watch_time`; stays readable after the with block.

    names   of the recurrent modules, as in net.named_modules()
    passes  how many passes got their gradient, watched or not
    errors  those of `watch_time`; RuntimeError where nothing was watched that could be read
    """

    def __init__(self, net: nn.Module, every: int = 1, clipper: Clipper | None = None, cells=(), names=None,
                 on_error: str | None = None, on_pass: Callable[[Flow], object] | None = None):
        super().__init__(net, every, cells, names, on_error)
        if clipper is not None and not isinstance(clipper, Clipper):
            raise TypeError(f"clipper is {type(clipper).__name__}, needs a watch.Clipper.")
        if on_pass is not None and not callable(on_pass):
            raise TypeError(f"on_pass is {type(on_pass).__name__}, needs a function that takes the flow.")
        self.clipper, self.on_pass = clipper, on_pass
        self._history, self._recorded, self._clipped, self._acts = PassHistory(), None, None, 0
        self._screen = self._picture = None

    def __enter__(self) -> Flow:
        self.start()
        self._warns = self.on_error == "warn" or self.on_error is None and (self.every > 1 or self.on_pass is not None)
        return self

    def __exit__(self, *error) -> None:
        self._end()
        if error[0] is None:
            self._finish()

    def __getitem__(self, name: str) -> Reading:
        if name not in self.names:
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

    def findings(self, distance: int | None = None) -> dict[str, Finding]:
        """{label: Finding} of every module, call and part, in the order of names.

        Calls that were given each other's final state, as loops over steps and carried chunks have them, get one
        finding for the whole way. A module without a gradient has one that says so.

        distance  in steps back from the last one read, over which it is judged; None for the whole way
        """
        self._with_gradient()
        return {label: finding for name in self.names for label, finding in self._findings_of(name, distance)}

    def verdict(self, distance: int | None = None) -> str:
        """One sentence with its numbers for each layer, and how often the clipper acted. distance as in `findings`."""
        broken = self.first_nonfinite()
        lines = [str(broken)] if broken else [finding.words for finding in self.findings(distance).values()]
        if self.clipper is not None:
            lines.append(self.clipper.words())
        return "\n".join([*lines, *self._notes()])

    def update_ratio(self) -> dict[str, float]:
        """{parameter: |its change since the watched pass began| / |it was then|}; near .001 is usual. 0 over 0 is 0."""
        ratios = {}
        for name, before in self._readable().before.items():
            now, before = (tensor.detach().cpu().double() for tensor in (self.net.get_parameter(name), before))
            moved, size = float((now - before).norm()), float(before.norm())
            ratios[name] = moved / size if size else (float("inf") if moved else 0.)
        return ratios

    @property
    def history(self) -> PassHistory:
        """What became of every watched pass, the last one included; of a long run a part (see PassHistory)."""
        self._record()
        return self._history

    def scalars(self) -> dict[str, float]:
        """{"lstm/log10_ratio": -6.2, ...} of the last watched pass, for a logger; {} before the first."""
        return self.history[-1].scalars() if len(self.history) else {}

    def to_frame(self):
        """The history as a DataFrame, a row for each pass, module, call and part; needs pandas (ModuleNotFoundError)."""
        return self.history.to_frame()

    def to_json(self, path=None) -> str:
        """The history as strict JSON, with the norms of each pass at up to 65 time steps; `path` is written too."""
        return self.history.to_json(path)

    def plot_history(self, label: str | None = None, live: bool = False):
        """Return the picture of the history: how much of the gradient is left, and its size by time step and pass.

        label  whose sizes are drawn, as in the verdict; None for the first
        live   inside the with block, before the training loop: drawn again after each watched pass
        errors  ValueError where nothing got a gradient yet, or for an unknown label
        """
        from .picture import OverTraining

        return self._show(lambda: OverTraining(self.history, label)) if live else OverTraining(self.history, label)

    def plot(self, live: bool = False):
        """Return the picture of |dL/dh_t| by time step (|dL/dc_t| for an LSTM), every module and part as a curve.

        live  inside the with block, before the training loop: shows a picture, drawn again after each watched pass
        """
        from .picture import Curve, Through

        if not live:
            judged = [loop or reading.judged() for reading, loop in self._loops()]
            curves = [Curve(*each._replace(finding=each.finding.words)) for each in judged]
            return Through(curves, "" if self.clipper is None else self.clipper.words())
        return self._show(self.plot)

    def _show(self, picture: Callable) -> None:
        if not self.watching:
            raise RuntimeError("plot(live=True) follows a training that is still to come: call it inside the with "
                               "block, before the loop. For what has been watched: flow.plot().")
        with _checks.extra("lab", "plot(live=True)"):
            from IPython.display import HTML, display

        self._screen, self._picture = display(HTML("waiting for the first gradient"), display_id=True), picture

    def __repr__(self) -> str:
        state = "watching" if self.watching else "done"
        others = f", {self._others()}" if self.not_watched else ""
        return f"Flow of {', '.join(map(repr, self.names))}: {state}, passes with their gradient: {self.passes}{others}"

    def _readable(self) -> Pass:
        """The last pass that got its gradient, else the present one, whose states can be read."""
        if self._done is not None:
            return self._done
        if self._pass is not None and self._pass.order:
            return self._pass
        if self._ignored:
            how = " and ".join(f"torch.{name}" for name in self._ignored)
            raise RuntimeError(f"every call so far ran under {how}, where no loss.backward() is heard: "
                               f"{self._ignored.total()} ignored. Watch a training step.")
        raise RuntimeError(f"nothing was watched yet: call the network, then loss.backward(), inside the with block. "
                           f"Of {', '.join(map(repr, self.names))} none was called.")

    def _findings_of(self, name: str, distance: int | None) -> list[tuple[str, Finding]]:
        watched, label = self._readable(), name or "the module itself"
        if name in watched.unread:
            return [(label, nothing("not read", watched.unread[name]))]
        if name not in watched.calls:
            return [(label, nothing("no gradient", f"{label} was not called in this pass."))]
        if any(call.refused for call in watched.calls[name]):
            return [(label, nothing("not read", SECOND.format(label)))]
        return findings_of(self[name], distance)

    def _notes(self) -> list[str]:
        """What else there is to know of the pass: of its backward passes, and of what is not watched."""
        watched = self._readable()
        notes, several = [], max((call.backwards for call in watched.order), default=0)
        if several > 1:
            notes.append(f"{several} backward passes went through this forward: what is read is the last one's alone.")
        if watched.earlier:
            notes.append("The backward went on into earlier passes, whose state was carried over with its graph: what is "
                         "read is the newest pass.")
        return notes + [self._others() + '. watch_time(net, cells=[...]) takes what gives a next state.'
                        ] * bool(self.not_watched)

    def _others(self) -> str:
        return "not watched: " + ", ".join(f"{name or 'net'} ({kind})" for name, kind in self.not_watched.items())

    def _loops(self) -> Iterator[tuple[Reading, JudgedNorms | None]]:
        """Every way back that has a gradient: its first call, and what is judged along it."""
        for reading in self._with_gradient():
            for way in reading.roads():
                if any(each._one_call.has_gradient for each in way.readings):
                    yield way.readings[0], reading.judged(way)

    def _with_gradient(self) -> list[Reading]:
        """Every module that got a gradient; the error of the first where none did."""
        readings = [self[name] for name in self._readable().calls]
        found = [reading for reading in readings if reading.has_gradient]
        if readings and not found:
            readings[0].each()[0].grad_h
        return found

    def _present(self) -> Pass:
        former, present = self._pass, super()._present()
        if present is not former and self.clipper is not None:
            self._acts = self.clipper.calls + self.clipper.overflows
        return present

    def _finished(self, done: Pass) -> None:
        """Nothing in here may stop a training: what goes wrong is said once."""
        steps = {"the history": self._record if self.watching else None,  # what is last can be read later too
                 "on_pass": self.on_pass and (lambda: self.on_pass(self)),
                 "the live picture": self._screen and self._redraw}
        for what, step in steps.items():
            try:
                if step:
                    step()
            except Exception as error:
                if what not in self._said:
                    self._said.add(what)
                    warnings.warn(f"{what} failed in pass {done.number}: {type(error).__name__}: {error} Training goes "
                                  f"on; this is said once.", RuntimeWarning, stacklevel=2)

    def _record(self) -> None:
        """Take the last watched pass into the history, once for what has arrived so far."""
        done = self._done
        if done is None:
            return
        if done is self._pass:
            acts = 0 if self.clipper is None else self.clipper.calls + self.clipper.overflows
            self._clipped = self.clipper.last if acts > self._acts else None
        state = done.number, self._clipped, [(call.task, [gradient is not None for gradient in call.arrived])
                                             for call in done.order]
        if state != self._recorded:
            record = record_of(self, done.number, self._loops(), self._clipped)
            self._history.take(record)
            self._recorded = state
            if record.nonfinite and self._history.first_bad is None:
                self._history.first_bad = copy.copy(self)
                self._history.first_bad.__dict__.update(_ends=[], _pass=None, _history=PassHistory(), _recorded=None,
                                                        _screen=None, _picture=None)

    def _redraw(self) -> None:
        self._screen.update(self._picture())
        gc.collect()  # a figure of matplotlib is a cycle of references: 12 MB that would wait for a later collection
