"""The progress bar of everything that takes a while."""

from __future__ import annotations

import os
import sys


def progress_bar(total: int, shown: bool, unit: str):
    """A tqdm bar, for a notebook or a terminal; hidden where TQDM_DISABLE is set."""
    from tqdm.auto import tqdm
    if sys.platform == "emscripten":
        tqdm.monitor_interval = 0  # the browser has no thread for the one that looks after stalled bars
    hidden = not shown or bool(os.environ.get("TQDM_DISABLE"))  # which tqdm's bar for notebooks does not look at
    return tqdm(total=total, disable=hidden, leave=False, unit=unit, mininterval=0.2)
