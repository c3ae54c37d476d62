"""Measure the seconds and the memory that each notebook takes, and write them into the table of README.md.

    python tools/measure.py [01_gradients ...]       make table [NB=01_gradients]

Each notebook runs in a kernel of its own, one after another. With names, the other rows stay as they are. The table
is between <!-- table: notebooks --> and <!-- /table -->.
"""
from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import notebooks

# Linux counts the memory of the process that starts another one as that one's own: a small process goes between.
BETWEEN = """import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print("most memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)"""
MEBIBYTE = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss counts bytes on macOS, KiB elsewhere
MOST_MEMORY = 950  # MiB, just below 1 GB: what Binder promises a kernel

START, END = "<!-- table: notebooks -->", "<!-- /table -->"
ROW = re.compile(r"^\| \[(\d\d_\w+)\]\([^)]*\) \| ([\d.]+) \| (\d+) \|$", re.MULTILINE)


class Finished(NamedTuple):
    """How a command ended: exit status, what it printed, the most memory of any of its processes in MiB."""

    status: int
    said: str
    memory: float


class Cost(NamedTuple):
    """What a notebook takes: seconds from its kernel's start to the last cell, the kernel's most memory in MiB."""

    seconds: float
    memory: float


def run(command: Sequence[str], environment: Mapping[str, str]) -> Finished:
    """Run a command to its end and measure its memory."""
    done = subprocess.run([sys.executable, "-c", BETWEEN, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, encoding="utf-8", env=dict(environment))
    said, _, memory = done.stdout.rpartition("most memory ")
    return Finished(done.returncode, said, int(memory) / MEBIBYTE)


def cost(path: Path) -> Cost:
    """Return what one run of the notebook takes; SystemExit if it does not run through, or takes too much memory."""
    with tempfile.TemporaryDirectory() as own:
        done = run([sys.executable, __file__, "--once", str(path)], notebooks.kernel_environment(own))
    if done.status:
        raise SystemExit(f"{path.name}: {done.said.strip().splitlines()[-1]}; "
                         f"make notebooks NB={path.stem} shows more")
    if done.memory > MOST_MEMORY:
        raise SystemExit(f"{path.name}: its kernel takes {done.memory:.0f} MiB, more than {MOST_MEMORY}: "
                         "a free machine of Binder may not hold it")
    return Cost(float(done.said.split()[-1]), done.memory)


def once(path: Path) -> int:
    """Run the notebook, print the seconds; return the exit status. Nothing is written."""
    start = time.perf_counter()
    book = notebooks.execute(notebooks.read(path), path.parent)
    seconds = time.perf_counter() - start
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                print(f"cell {cell.id} stopped with {output.ename}: {output.evalue}".splitlines()[0])
                return 1
    print(seconds)
    return 0


def machine() -> str:
    """Return in words what the numbers were measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    threads = os.environ.get("OPENBLAS_NUM_THREADS", "all")
    return (f"{cores} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
            f"OPENBLAS_NUM_THREADS={threads}{load} at the start")


def rows(text: str) -> dict[str, Cost]:
    """Return what a text's table says, by the notebook's name; SystemExit if the text has no table's marks."""
    return {name: Cost(float(seconds), int(memory)) for name, seconds, memory in ROW.findall(parts(text)[1])}


def parts(text: str) -> tuple[str, str, str]:
    """Return what is before, between and after the marks; the marks go with the outer two."""
    found = re.fullmatch(f"(.*{START}\n)(.*?)({END}.*)", text, re.DOTALL)
    if not found:
        raise SystemExit(f"README.md has no place for the table: write {START} and {END} on lines of their own")
    return found.groups()


def table(costs: Mapping[str, Cost], where: str) -> str:
    """Return the table and the line below it."""
    lines = [f"| [{name}](notebooks/{name}.ipynb) | {each.seconds:.0f} | {each.memory:.0f} |"
             for name, each in sorted(costs.items())]
    return "\n".join(["| notebook | seconds | MiB |", "|---|---|---|", *lines, "",
                      f"Measured by `make table` ({where}): seconds from the start of the kernel to its last cell, one "
                      "notebook after another; the most memory of the kernel."])


def main() -> int:
    """Measure and write; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks such as 01_gradients; all, if none is named")
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        return once(arguments.once)
    readme = notebooks.ROOT / "README.md"
    kept = rows(readme.read_text(encoding="utf-8"))  # before minutes are spent: are the marks there?
    where, costs = machine(), {}
    for path in notebooks.paths(arguments.names):
        costs[path.stem] = cost(path)
        print(f"{path.name}: {costs[path.stem].seconds:.1f} s, {costs[path.stem].memory:.0f} MiB", flush=True)
    kept = {path.stem: kept[path.stem] for path in notebooks.paths() if path.stem in kept}
    before, _, after = parts(readme.read_text(encoding="utf-8"))  # minutes later it may be another text
    readme.write_text(f"{before}{table(kept | costs, where)}\n{after}", encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
