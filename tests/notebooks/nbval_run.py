"""Run nbval on one notebook: execute it on a fresh kernel and compare each output with the stored one."""
from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from measure import run
from notebooks import ROOT, kernel_environment

# As in tools/notebooks.py: jsonschema's check of IRIs is not loaded.
PYTEST = ("import sys; sys.modules['rfc3987_syntax'] = None; "
          f"sys.path.insert(0, {str(Path(__file__).parent)!r}); "
          "import pytest; sys.exit(pytest.main(sys.argv[1:]))")
SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")
# What a kernel runs before the first cell: as in the browser edition, but nothing is said of it.
ALONG = f"""def come_along():
    import sys
    sys.path.insert(0, {str(ROOT / "tools" / "site")!r})
    import along
    del sys.path[0]
    along.say = lambda seconds, made: None
    along.come_along()
come_along()
del come_along
"""


class Run(NamedTuple):
    """What nbval found: how many cells agree, which do not, its report, the kernel's most memory in MiB.

    pictures  {id of a cell: share of its picture that is not as stored}, where there is any (pictures.py)
    """

    agreed: int
    failed: list[int]
    pictures: dict[str, float]
    report: str
    memory: float


def compare(path: Path, along: bool = False, **environment: str) -> Run:
    """Execute `path` under these additions to the environment and compare the outputs.

    along  whether the runs of data/browser.npz are taken from there; all others are then made in the kernel itself

    It is a process of its own, so that each notebook has its own environment and its memory can be read.
    """
    command = [sys.executable, "-c", PYTEST, "-p", "nbval.plugin", "-p", "pictures", "--nbval", "--nbval-current-env",
               f"--nbval-sanitize-with={SANITIZE}", "-p", "no:cacheprovider", "-o", "addopts=",
               "-W", "default", "--color=no", "-q", "-rf", str(path)]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    inherited["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with tempfile.TemporaryDirectory() as own:
        if along:
            startup = Path(own, "ipython", "profile_default", "startup")
            startup.mkdir(parents=True)
            (startup / "along.py").write_text(ALONG, encoding="utf-8")
            environment["LOKY_MAX_CPU_COUNT"] = "1"
        done = run(command, inherited | kernel_environment(own) | environment)
    agreed = re.search(r"(\d+) passed", done.said)
    failed = [int(cell) for cell in re.findall(r"^FAILED .*::Cell (\d+)", done.said, re.MULTILINE)]
    moved = re.findall(r"^picture of ([\w-]+): ([\d.]+)$", done.said, re.MULTILINE)
    pictures = {cell: max(float(share) for other, share in moved if other == cell) for cell, _ in moved}
    return Run(int(agreed.group(1)) if agreed else 0, failed, pictures, done.said, done.memory)
