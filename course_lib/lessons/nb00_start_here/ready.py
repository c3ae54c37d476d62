"""Is this machine ready for the course? Every line says ok, or what to do."""

import importlib.metadata
import importlib.util
import os
import sys
from typing import NamedTuple

from ... import data
from ...exercises.progress import default_path

PYTHON = (3, 11)
MEMORY = 1.0  # GB that the largest notebook may take
COURSE = "gradients-through-time"
ON_BINDER = """Binder deletes this machine after 10 idle minutes. Before that, select progress.jsonl and the notebooks
that you changed in the list of files on the left, right-click, Download. Next time drop them into the same folder.
It has 1 to 2 GB of memory. If a kernel dies: Kernel, Shut Down All Kernels; then keep one notebook open."""


class Finding(NamedTuple):
    """One line of the report: what was looked at, and what to do about it (empty: nothing)."""

    what: str
    remedy: str


class Report(tuple):
    """Findings; prints as a list that ends with the verdict."""

    @property
    def ready(self) -> bool:
        """Whether nothing is left to do."""
        return not any(finding.remedy for finding in self)

    def __repr__(self) -> str:
        width = max(len(finding.what) for finding in self)
        lines = [f"{finding.what:<{width}}  {finding.remedy or 'ok'}" for finding in self]
        verdict = "This machine is ready." if self.ready else "Almost: see the lines without an ok."
        return "\n".join([*lines, "", verdict] + ["", ON_BINDER] * (os.environ.get("COURSE_PLACE") == "binder"))


def check() -> Report:
    """Look at Python, the packages and their versions, free memory, whether your progress can be kept,
    and whether this is more than course_lib alone.

    On Colab and in the browser the packages are the host's and not yours to change; there it looks whether they exist.
    """
    return Report([
        Finding(f"Python {PYTHON[0]}.{PYTHON[1]} or later", _python(sys.version_info[:2])),
        *(_of_the_host() if hosted() else _packages()),
        Finding(f"{MEMORY:g} GB of free memory", _memory()),
        Finding("your progress can be kept", _progress()),
        *[Finding("the course's data", f"not in {folder}: this is course_lib alone, without the notebooks")
          for folder in [data.FOLDER] if not folder.is_dir()],
    ])


def hosted() -> bool:
    """Whether this is Colab or the browser edition, where the packages are given."""
    return "COLAB_RELEASE_TAG" in os.environ or sys.platform == "emscripten"


def _of_the_host() -> list[Finding]:
    """Return what the lessons import; torch does not exist in the browser, and its cells say so."""
    needed = ["numpy", "matplotlib", "ipywidgets"] + ["torch"] * (sys.platform != "emscripten")
    return [Finding(name, "" if importlib.util.find_spec(name) else "missing: this host should have it, start it anew")
            for name in needed]


def _packages() -> list[Finding]:
    try:
        return [Finding(name, _package(name, wanted)) for name, wanted in _requirements()]
    except importlib.metadata.PackageNotFoundError:
        return [Finding("the course itself", "not installed: run make lab, or pip install -e '.[lab]' in its folder")]
    except ModuleNotFoundError:  # of packaging, which reads the others
        return [Finding("packaging", "missing: run make lab once more, or pip install packaging")]


def _python(version: tuple[int, int]) -> str:
    found = f"{version[0]}.{version[1]}"
    return "" if version >= PYTHON else f"this is Python {found}: install a later one and run make lab"


def _requirements() -> list[tuple[str, object]]:
    """Return (name, specifier) of the packages the notebooks need: the extra `lab`, without those of the tests."""
    from packaging.requirements import Requirement
    wanted = [Requirement(line) for line in importlib.metadata.requires(COURSE) or []]
    return [(r.name, r.specifier) for r in wanted if r.marker is None or r.marker.evaluate({"extra": "lab"})]


def _package(name: str, wanted) -> str:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"missing: run make lab once more, or pip install '{name}{wanted}'"
    fits = wanted.contains(found, prereleases=True)
    return "" if fits else f"is {found}, needs {wanted}: pip install '{name}{wanted}'"


def _memory() -> str:
    if sys.platform == "emscripten":
        return ""  # the browser gives a page what it needs
    try:
        import psutil
    except ImportError:
        return "cannot be seen without psutil: run make lab once more, or pip install psutil"
    free = psutil.virtual_memory().available / 1e9
    return "" if free >= MEMORY else f"only {free:.1f} GB are free: close other notebooks (Kernel, Shut Down)"


def _progress() -> str:
    try:
        path = default_path()
    except ModuleNotFoundError as missing:
        return str(missing)
    if path is None:
        return "cannot be kept, there is no home folder: start with COURSE_PROGRESS set to a file that can be written"
    try:
        place = next(part for part in (path, *path.parents) if part.exists())
        if os.access(place, os.W_OK) and not path.is_dir():
            return ""
    except PermissionError:  # a home that is closed
        place = path
    return f"{place} cannot be written: start with COURSE_PROGRESS set to a file that can"
