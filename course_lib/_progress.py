"""The progress bar of everything that takes a while."""

import os
import sys
import warnings
from contextlib import nullcontext
from types import SimpleNamespace

from . import _checks

NO_BAR = SimpleNamespace(update=lambda steps=1: None, set_postfix_str=lambda text: None)


def progress_bar(total: int, shown: bool, unit: str):
    """A tqdm bar, for a notebook or a terminal; hidden where TQDM_DISABLE is set. No errors: without tqdm it warns."""
    if not shown or os.environ.get("TQDM_DISABLE"):  # tqdm.notebook ignores TQDM_DISABLE
        return nullcontext(NO_BAR)
    try:
        with _checks.extra("lab", "the progress bar"):
            from tqdm.auto import tqdm
    except ModuleNotFoundError as missing:
        warnings.warn(f"No bar is shown: {missing}", stacklevel=3)
        return nullcontext(NO_BAR)
    if sys.platform == "emscripten":
        tqdm.monitor_interval = 0  # no threads in the browser: switch off tqdm's monitor
    return tqdm(total=total, leave=False, unit=unit, mininterval=0.2)
