"""Run nbval on one notebook: execute it on a fresh kernel and compare each output with the stored one."""
from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from notebooks import kernel_environment

SANITIZE = Path(__file__).with_name("nbval_sanitize.cfg")
# Linux counts the memory of the process that starts another one as that one's own: a small process stands between.
MEASURE = """import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print("most memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)"""
MEBIBYTE = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss counts bytes on macOS, KiB elsewhere


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
    command = [sys.executable, "-c", MEASURE, sys.executable, "-m", "pytest", "-p", "nbval.plugin", "--nbval", "--nbval-current-env",
               f"--nbval-sanitize-with={SANITIZE}", "-p", "no:cacheprovider", "-o", "addopts=",
               "-W", "default", "--color=no", "-q", "-rf", str(path)]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    inherited["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with tempfile.TemporaryDirectory() as own:
        report = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
                                env=inherited | kernel_environment(own) | environment).stdout
    memory = int(re.search(r"^most memory (\d+)$", report, re.MULTILINE).group(1))
    agreed = re.search(r"(\d+) passed", report)
    failed = [int(cell) for cell in re.findall(r"^FAILED .*::Cell (\d+)", report, re.MULTILINE)]
    return Run(int(agreed.group(1)) if agreed else 0, failed, report, memory / MEBIBYTE)
