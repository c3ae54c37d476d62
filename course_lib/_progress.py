"""The progress bar of everything that takes a while."""

import os
import sys
import time
import warnings
from contextlib import nullcontext
from types import SimpleNamespace

from . import _checks
from ._kernel import has_page, show

NO_BAR = SimpleNamespace(update=lambda steps=1: None, set_postfix_str=lambda text: None)
EVERY = 0.2  # seconds between two pictures of a bar


def progress_bar(total: int, shown: bool, unit: str):
    """A bar that is gone at its end, also after an error: on a notebook's page, or tqdm's in a terminal.

    Hidden where TQDM_DISABLE is set. No errors: in a terminal without tqdm it warns.
    """
    if not shown or os.environ.get("TQDM_DISABLE"):
        return nullcontext(NO_BAR)
    if has_page():
        return _Bar(total, unit)
    try:
        with _checks.extra("lab", "the progress bar"):
            from tqdm import tqdm
    except ModuleNotFoundError as missing:
        warnings.warn(f"No bar is shown: {missing}", stacklevel=3)
        return nullcontext(NO_BAR)
    if sys.platform == "emscripten":
        tqdm.monitor_interval = 0  # no threads in the browser: switch off tqdm's monitor
    return tqdm(total=total, leave=False, unit=unit, mininterval=EVERY)


class _Bar:
    """An HTML bar, shown from the first update that comes later than EVERY; no widget, which would be dead tomorrow."""

    def __init__(self, total: int, unit: str):
        self.total, self.unit, self.done, self.postfix = total, unit.strip(), 0, ""
        self.place, self.last = None, time.monotonic()

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *error) -> None:
        if self.place is not None:
            self.place.update({"text/html": "", "text/plain": ""}, raw=True)

    def update(self, steps: int = 1) -> None:
        """Count steps."""
        self.done += steps
        self._show()

    def set_postfix_str(self, text: str) -> None:
        """Say more after the count."""
        self.postfix = text
        self._show()

    def _show(self) -> None:
        if time.monotonic() < self.last + EVERY:
            return
        self.last = time.monotonic()
        said = f"{self.done} of {self.total} {self.unit}" + f", {self.postfix}" * bool(self.postfix)
        bundle = {"text/html": f'<progress max="{self.total}" value="{self.done}" aria-label="{self.unit}"></progress> '
                               f"{said}", "text/plain": said}
        if self.place is None:
            self.place = show(bundle, display_id=True)
        else:
            self.place.update(bundle, raw=True)
