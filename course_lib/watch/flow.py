"""What was heard of a network's recurrent modules, and what it says."""

from __future__ import annotations

import gc
from collections.abc import Iterator

from torch import nn

from .. import _checks
from .clipper import Clipper
from .passes import Pass, Watching
from .reading import JudgedNorms, NonFinite, Reading, earliest_nonfinite
from .verdict import Finding


class Flow(Watching):
    """What flows through time in a network. Made by `watch_time`; stays readable after the with block.

    names   of the recurrent modules, as in net.named_modules()
    passes  how many passes got their gradient, watched or not
    errors  those of `watch_time`; RuntimeError where nothing was watched that could be read
    """

    def __init__(self, net: nn.Module, every: int = 1, clipper: Clipper | None = None, names=None,
                 on_error: str | None = None):
        super().__init__(net, every, names, on_error)
        if clipper is not None and not isinstance(clipper, Clipper):
            raise TypeError(f"clipper is {type(clipper).__name__}, needs a watch.Clipper.")
        self.clipper = clipper
        self._screen = None

    def __enter__(self) -> Flow:
        self.start()
        self._warns = self.on_error == "warn" or self.on_error is None and self.every > 1
        return self

    def __exit__(self, *error) -> None:
        self._end()
        if error[0] is None:
            self._finish()

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
            now, before = (tensor.detach().cpu().double() for tensor in (self.net.get_parameter(name), before))
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
        if not self.watching:
            raise RuntimeError("plot(live=True) follows a training that is still to come: call it inside the with "
                               "block, before the loop. For what has been watched: flow.plot().")
        with _checks.extra("lab", "plot(live=True)"):
            from IPython.display import HTML, display

        self._screen = display(HTML("waiting for the first gradient"), display_id=True)
        return None

    def __repr__(self) -> str:
        state = "watching" if self.watching else "done"
        return f"Flow of {', '.join(map(repr, self.names))}: {state}, passes with their gradient: {self.passes}"

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

    def _finished(self, done: Pass) -> None:
        if self._screen is not None:
            self._screen.update(self.plot())
            gc.collect()  # a figure of matplotlib is a cycle of references: 12 MB that would wait for a later collection
