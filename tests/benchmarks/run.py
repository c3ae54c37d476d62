"""Run every benchmark to its end, beside the same one with the library of an earlier commit; list what falls short.

    make bench                      against the commit before what stands here
    make bench AGAINST=49322a7      against that commit, or against a folder that holds another course_lib

A script runs with both libraries at once, and its rounds take turns, so that a busy machine slows both alike. Exits
with 1 if a script breaks off or a figure falls short of its bound; what became slower is listed.
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

ROOT = Path(__file__).parents[2]
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


def measured(script: Path, libraries: Sequence[Path], scratch: Path) -> list[tuple[list[dict], str, str]]:
    """Run a script with each course_lib at once, in turns; return its figures, what it printed, why it broke off."""
    pipes = [os.pipe() for _ in libraries]
    started = []
    for i, library in enumerate(libraries):
        take, give = pipes[i][0], pipes[i - 1][1]
        place = Path(tempfile.mkdtemp(dir=scratch))
        environment = os.environ | {"PYTHONPATH": str(library), "BENCHMARK_FIGURES": str(place / "figures")}
        if len(libraries) > 1:
            environment["BENCHMARK_TURN"] = f"{take} {give} {int(i == 0)}"
        with open(place / "out", "w") as out, open(place / "err", "w") as err:
            started.append((place, subprocess.Popen([sys.executable, script], env=environment, stdout=out, stderr=err,
                                                    pass_fds=(take, give))))
    for end in sum(pipes, ()):
        os.close(end)
    found = []
    for place, process in started:
        status, said = process.wait(), (place / "err").read_text()
        broke_off = "Traceback (most recent call last)" in said or status not in (0, 1)
        figures = (place / "figures").read_text().splitlines() if (place / "figures").exists() else []
        found.append(([json.loads(line) for line in figures], (place / "out").read_text(),
                      (said.strip() or f"status {status}").splitlines()[-1][:200] if broke_off else ""))
    return found


def compared(script: Path, other: Path | None, scratch: Path) -> tuple[list[str], list[str]]:
    """Run a script, with both libraries if there are two, and print its figures; return what is slower and short."""
    (figures, printed, why), *more = measured(script, [ROOT, other] if other else [ROOT], scratch)
    print(printed, end="", flush=True)
    short = [figure["line"] for figure in figures if not figure["within"]]
    short += [f"{script.name} broke off: {why}"] * bool(why)
    slower = []
    for old_figures, _, why in more:
        if why:
            print(f"The earlier library cannot run {script.name}: {why}")
        old = {figure["name"]: figure["costs"] for figure in old_figures}
        for figure in figures:
            if old.get(figure["name"]):
                times = statistics.median(new / before for new, before in zip(figure["costs"], old[figure["name"]]))
                line = f"{times:.2f} times the cost: {figure['name']}"
                print(f"    {line}", flush=True)
                slower += [line] * (times > SLOWER)
    return slower, short


def main(against: str = "", scripts: Sequence[Path] = ()) -> int:
    """Run the scripts; return 1 if anything falls short."""
    short, slower = [], []
    with tempfile.TemporaryDirectory() as folder:
        found = earlier(against, Path(folder))
        print(f"Compared with {found[0]}." if found else f"There is no commit {against or 'before'} to compare with.")
        for script in scripts or sorted(Path(__file__).parent.glob("bench_*.py")):
            print(f"== {script.name}", flush=True)
            for said, kind in zip(compared(script, found and found[1], Path(folder)), (slower, short)):
                kind += said
    for title, lines in ((f"slower by more than {SLOWER - 1:.0%}", slower), ("falls short", short)):
        print("\n".join([f"\n{title}:", *(lines or ["nothing"])]))
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
