"""`make bench` itself: every script to its end, with both libraries; what is slower and what falls short is listed."""
import subprocess
import sys
from pathlib import Path

import ipywidgets as widgets
import pytest

sys.path.append(str(Path(__file__).parent / "benchmarks"))
import run  # noqa: E402
from bench_figures import places  # noqa: E402
from report import report  # noqa: E402

SCRIPT = """\
import sys
sys.path.insert(0, {folder!r})
from report import report, turn
from course_lib.speed import SECONDS
for i in range(3):
    turn()
    with open({log!r}, "a") as log:
        log.write(f"{{SECONDS}} ")
within = [report("time", SECONDS, "s", most={most}), report("gain", 1 / SECONDS, "times", least=0)]
sys.exit(not all(within))
"""


@pytest.fixture
def bench(tmp_path, monkeypatch, capfd):
    """Run scripts with a new and an old library; return the exit status and what was printed."""
    def library(name, seconds):
        folder = tmp_path / name
        (folder / "course_lib").mkdir(parents=True)
        (folder / "course_lib" / "__init__.py").touch()
        if seconds:
            (folder / "course_lib" / "speed.py").write_text(f"SECONDS = {seconds}\n")
        return folder

    def measured(new, old, *, most=1., before=""):
        monkeypatch.setattr(run, "ROOT", library("new", new))
        library("old", old)
        (tmp_path / "bench_broken.py").write_text(before)
        (tmp_path / "bench_whole.py").write_text(SCRIPT.format(
            folder=str(Path(run.__file__).parent), most=most, log=str(tmp_path / "log")))
        status = run.main(str(tmp_path / "old"), [tmp_path / "bench_broken.py", tmp_path / "bench_whole.py"])
        measured.printed = capfd.readouterr().out
        slower, short = measured.printed.split("slower by more than 5%:")[1].split("falls short:")
        return status, slower.strip().splitlines(), short.strip().splitlines()

    return measured


@pytest.mark.parametrize("new, slower", [(.52, 0), (.53, 2), (.1, 0)])
def test_what_became_slower_is_listed_whichever_way_is_better(bench, new, slower):
    status, listed, short = bench(new, .5)
    assert status == 0 and short == ["nothing"]
    assert listed == (["1.06 times the cost: time", "1.06 times the cost: gain"][:slower] or ["nothing"])


def test_the_rounds_take_turns(bench, tmp_path):
    bench(.5, .4)
    assert (tmp_path / "log").read_text().split() == ["0.4", "0.5"] * 3


def test_what_falls_short_is_listed_and_stops_nothing(bench):
    status, _, short = bench(.5, .5, most=.4, before="raise OSError('no browser')")
    assert status == 1
    assert short == ["bench_broken.py broke off: OSError: no browser", "time: 0.5 s, at most 0.4"]


def test_an_earlier_library_that_cannot_run_a_script_is_said_in_a_line(bench):
    status, listed, short = bench(.5, None)
    assert status == 0 and listed == short == ["nothing"]
    line = "The earlier library cannot run bench_whole.py: ModuleNotFoundError: No module named 'course_lib.speed'"
    assert bench.printed.splitlines().count(line) == 1


def test_the_commit_before_is_the_one_before_what_stands_here(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "ROOT", tmp_path)
    assert run.earlier("", tmp_path / "a") is None  # no repository at all
    git = ["git", "-C", tmp_path, "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "course_lib").mkdir()
    for title in ("one", "two"):
        (tmp_path / "course_lib" / "x.py").write_text(title)
        subprocess.run([*git, "add", "course_lib"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", title], check=True)
    name, folder = run.earlier("", tmp_path / "b")
    assert name.endswith(" one") and (folder / "course_lib" / "x.py").read_text() == "one"
    (tmp_path / "course_lib" / "x.py").write_text("three")
    name, folder = run.earlier("", tmp_path / "c")
    assert name.endswith(" two") and (folder / "course_lib" / "x.py").read_text() == "two"
    assert run.earlier("no-such-commit", tmp_path / "d") is None


@pytest.mark.parametrize("value, bound, within", [
    (4, {"least": 4}, True), (3.9, {"least": 4}, False), (.3, {"most": .3}, True), (.31, {"most": .3}, False),
    (float("nan"), {"most": float("inf")}, False)])
def test_a_bound(value, bound, within, capsys):
    assert report("x", value, "s", **bound) == within
    assert ("FALLS SHORT" in capsys.readouterr().out) != within


@pytest.mark.parametrize("control, expected", [
    (widgets.IntSlider(min=4, max=20, step=4, value=8), [4, 8, 12, 16, 20]),
    (widgets.FloatSlider(min=-2, max=2, step=.125, value=0), [-2, -1.5, -1.125, -.625, -.25, .25, .625, 1.125, 1.5, 2]),
    (widgets.FloatLogSlider(min=-2, max=1, step=1), [.01, .1, 1, 10]),
    (widgets.Dropdown(options=["tanh", "relu"]), ["tanh", "relu"]), (widgets.Checkbox(), [False, True])])
def test_a_control_is_put_where_a_reader_can_put_it(control, expected):
    """Elsewhere a figure with a few stops refuses, and that refusal is not what the step costs."""
    found = places(control)
    assert found == expected and {type(value) for value in found} == {type(control.value)}
