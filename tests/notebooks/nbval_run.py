"""Run nbval on one notebook: execute it on a fresh kernel and compare each output with the stored one."""
from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from measure import run
from notebooks import kernel_environment

# As in tools/notebooks.py: jsonschema's check of IRIs is not loaded.
PYTEST = "import sys; sys.modules['rfc3987_syntax'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")


class Run(NamedTuple):
    """What nbval found: how many cells agree, which do not, its report, the kernel's most memory in MiB."""

    agreed: int
    failed: list[int]
    report: str
    memory: float


def compare(path: Path, **environment: str) -> Run:
    """Execute `path` under these additions to the environment and compare the outputs.

    It is a process of its own, so that each notebook has its own environment and its memory can be read.
    """
    command = [sys.executable, "-c", PYTEST, "-p", "nbval.plugin", "--nbval", "--nbval-current-env",
               f"--nbval-sanitize-with={SANITIZE}", "-p", "no:cacheprovider", "-o", "addopts=",
               "-W", "default", "--color=no", "-q", "-rf", str(path)]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    inherited["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with tempfile.TemporaryDirectory() as own:
        done = run(command, inherited | kernel_environment(own) | environment)
    agreed = re.search(r"(\d+) passed", done.said)
    failed = [int(cell) for cell in re.findall(r"^FAILED .*::Cell (\d+)", done.said, re.MULTILINE)]
    return Run(int(agreed.group(1)) if agreed else 0, failed, done.said, done.memory)
