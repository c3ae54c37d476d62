"""Run every benchmark to its end, beside the same one with the library of an earlier commit; list what falls short.

    make bench                      against the commit before what stands here
    make bench AGAINST=49322a7      against that commit, or against a folder that holds another course_lib

Each script runs ROUNDS times with either library, in turns. A figure is the median of its rounds. Exits with 1 if a
script breaks off or a figure falls short of its bound; what became slower is listed.
"""
from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from report import keeps

ROOT = Path(__file__).parents[2]
ROUNDS = 3
SLOWER = 1.05  # what is above is listed


def git(*arguments: str) -> bytes:
    """Return what git prints; CalledProcessError where it fails."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def earlier(against: str, folder: Path) -> tuple[str, Path] | None:
    """Return the name of the library to compare with, and the folder it lies in; None where there is no such commit."""
    if Path(against).is_dir() and against:
        return against, Path(against).resolve()
    try:
        revision = against or ("HEAD" if git("status", "--porcelain", "course_lib") else "HEAD^")
        archive = git("archive", revision, "course_lib")
        name = git("log", "-1", "--format=%h %s", revision).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return name, folder


def measure(script: Path, library: Path, scratch: Path) -> tuple[list[dict], str, str]:
    """Return the figures of a script that runs with the course_lib in a folder, what it printed, why it broke off."""
    path = scratch / "figures"
    path.unlink(missing_ok=True)
    run = subprocess.run([sys.executable, script], capture_output=True, text=True,
                         env=os.environ | {"PYTHONPATH": str(library), "BENCHMARK_FIGURES": str(path)})
    figures = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    broke_off = "Traceback (most recent call last)" in run.stderr or run.returncode not in (0, 1)
    return figures, run.stdout, run.stderr.strip().splitlines()[-1][:200] if broke_off else ""


def medians(runs: list[list[dict]]) -> dict[str, dict]:
    """Return the figures of several runs by name, each with the median of its values."""
    by_name = {}
    for figure in sum(runs, []):
        by_name.setdefault(figure["name"], []).append(figure)
    return {name: figures[0] | {"value": statistics.median(figure["value"] for figure in figures)}
            for name, figures in by_name.items()}


def compared(script: Path, other: Path | None, scratch: Path) -> tuple[list[str], list[str]]:
    """Run a script with both libraries, in turns, and print its figures; return what falls short and what is slower."""
    short, slower, runs = [], [], {ROOT: []} | ({other: []} if other else {})
    for i in range(ROUNDS):
        for library in list(runs)[:: 1 if i % 2 else -1]:
            figures, printed, why = measure(script, library, scratch)
            if why and library == ROOT:
                return [f"{script.name} broke off: {why}"], []
            if why:
                print(f"the earlier library cannot run {script.name}: {why}", flush=True)
                del runs[library]
                continue
            runs[library].append(figures)
            if library == ROOT and i == 0:
                print(printed, end="", flush=True)
    before = medians(runs.get(other, []))
    for name, figure in medians(runs[ROOT]).items():
        value, said = figure["value"], f"{figure['value']:.3g} {figure['unit']}"
        if not keeps(value, figure["least"], figure["most"]):
            short.append(f"{name}: {said}")
        if old := before.get(name, {}).get("value"):
            times = old / value if figure["most"] is None else value / old
            line = f"{name:<40} {old:8.3g} -> {said}: {times:.2f} of the cost"
            print(f"  {line}", flush=True)
            slower += [line] * (times > SLOWER)
    return short, slower


def main(against: str = "", scripts: Sequence[Path] = ()) -> int:
    """Run the scripts; return 1 if anything falls short."""
    short, slower = [], []
    with tempfile.TemporaryDirectory() as folder:
        found = earlier(against, Path(folder))
        print(f"Compared with {found[0]}." if found else f"There is no commit {against or 'before'} to compare with.")
        for script in scripts or sorted(Path(__file__).parent.glob("bench_*.py")):
            print(f"== {script.name}", flush=True)
            for said, kind in zip(compared(script, found and found[1], Path(folder)), (short, slower)):
                kind += said
    for title, lines in ((f"slower by more than {SLOWER - 1:.0%}", slower), ("falls short", short)):
        print("\n".join([f"\n{title}:", *(lines or ["nothing"])]))
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
