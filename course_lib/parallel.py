"""Many runs at once: spread over the processes of this machine, or over a cluster."""

import sys
from typing import Any, Callable, Iterable, Iterator

from . import _checks
from ._progress import progress_bar


def runs(function: Callable, settings: Iterable, *, processes: int | None = None,
         progress: bool = True) -> Iterator[tuple[Any, Any]]:
    """Yield (setting, function(*setting)) for every setting, in the order in which they end.

    function   called with the parts of a tuple, or with the setting itself
    settings   one for each run
    processes  None: one for each processor; 1: one run after another, in this process
    progress   whether to show a bar
    errors     what function raises, and the runs that have not begun are dropped; TypeError or ValueError for
               processes that is not a whole number above 0

    joblib does the work. In `with joblib.parallel_config(backend="dask")` the same call runs on that cluster. A backend
    that hands all outcomes over at the end, as Ray's does, gives them in the order of settings. In the browser, where
    there are no processes, the runs go one after another without joblib.
    """
    settings = list(settings)
    if processes is not None:
        _checks.count("processes", processes)

    def outcomes() -> Iterator[tuple[Any, Any]]:
        with progress_bar(len(settings), progress, " runs") as bar:
            for i, outcome in _begin(function, settings, processes):
                bar.update()
                yield settings[i], outcome

    return outcomes()


def _begin(function: Callable, settings: list, processes: int | None) -> Iterable[tuple[int, Any]]:
    """Return (place, outcome) of every run, as they end."""
    if sys.platform == "emscripten":
        return (_one(function, i, setting) for i, setting in enumerate(settings))
    with _checks.extra("lab", "parallel.runs"):
        from joblib import Parallel, delayed, parallel
    jobs = (delayed(_one)(function, i, setting) for i, setting in enumerate(settings))
    as_they_end = parallel.get_active_backend()[0].supports_return_generator
    try:
        # for joblib None means a single process, and -1 all of them, those of a cluster included
        return Parallel(n_jobs=processes or -1, return_as="generator_unordered" if as_they_end else "list")(jobs)
    except UnicodeEncodeError:  # joblib hands its temporary folder on in ASCII
        print("joblib needs a temporary folder named in ASCII, such as JOBLIB_TEMP_FOLDER=C:/Temp. Runs go one by one.")
        return (_one(function, i, setting) for i, setting in enumerate(settings))


def _one(function: Callable, i: int, setting) -> tuple[int, Any]:
    return i, function(*setting) if isinstance(setting, tuple) else function(setting)
