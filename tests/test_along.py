"""Runs that come along to a browser: for the same call alone, with a sentence, computed when asked for, and right."""
import hashlib
import importlib
import re
import runpy
from types import SimpleNamespace

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import along
from course_lib import data, parallel
from course_lib.lessons.nb06_vanishing import agreement, longterm
from course_lib.lessons.nb06_vanishing.agreement import Practice, practise
from course_lib.lessons.nb08_clipping import success
from course_lib.train import SGD, Adam
from notebooks import paths, read

MAKE = SimpleNamespace(**runpy.run_path(str(data.FOLDER / "make_browser.py")))


@pytest.fixture
def library(monkeypatch):
    """The functions that along replaces, as they are again after the test."""
    for module, names in along.NAMES.items():
        for name in names:
            owner = importlib.import_module(f"course_lib.lessons.{module}")
            monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(parallel, "runs", parallel.runs)
    monkeypatch.setattr(parallel, "_begin", MAKE.in_this_process)


def test_a_call_is_told_by_what_differs_from_its_defaults():
    assert along.call_of(practise, (4, SGD(.1)), {"updates": 2000, "progress": False}) == (
        "practise(distance=4, optimiser=SGD(rate=0.1))")
    assert along.call_of(success.one, ("clip", 20), {"seeds": range(3)}) == (
        "one(method='clip', T=20, seeds=range(0, 3))")


def test_arrays_of_a_call_are_told_by_all_their_entries_and_not_by_their_last_digits():
    known = longterm.forecast(30)
    call = along.call_of(longterm.learn_forecast, ("tanh", known), {"rate": .01})
    assert call == along.call_of(longterm.learn_forecast, ("tanh", known._replace(x=known.x * (1 + 1e-12))),
                                 {"rate": .01})
    for name in known._fields:
        other = getattr(known, name).copy()
        other.flat[other.size // 2] += 1e-3  # where an array's text has three dots
        assert call != along.call_of(longterm.learn_forecast, ("tanh", known._replace(**{name: other})), {"rate": .01})


def test_what_was_kept_is_given_for_the_same_call_alone_and_can_be_computed(library, monkeypatch, tmp_path):
    kept = Practice(4, np.arange(2), np.ones((2, 5)), np.zeros((2, 5)), np.full(5, 7.))
    calls = {"practise(distance=4, optimiser=SGD(rate=0.1))": (kept, 3.), "learn_digits(name='tanh', distance=0)":
             (np.array([.5]), 2.)}
    np.savez(tmp_path / "browser.npz", **MAKE.packed(calls))
    monkeypatch.setattr(along.data, "FOLDER", tmp_path)
    said = []
    monkeypatch.setattr(along, "say", lambda seconds, made: said.append(seconds))
    along.come_along()
    given = agreement.practise(4, SGD(.1))
    assert type(given) is Practice and all(map(np.array_equal, given, kept)) and said == [3.]
    assert {given.distance: "a number"}[4]  # and no array, which is no key
    assert longterm.learn_digits("tanh", 0).tolist() == [.5] and said == [3., 2.]
    assert len(agreement.practise(4, SGD(.1), updates=50, progress=False).updates) == 2 and said == [3., 2.]
    named = agreement.practise  # as a notebook has it that imported the function before
    along.recompute()
    monkeypatch.setattr(agreement.until_solved, "until_solved", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        named(4, SGD(.1))


CELL = """def counted(k, seed):
    ran.append(k)
    return 10 * k + seed"""


def test_a_run_of_a_cell_is_computed_where_the_cell_is_another_one(library, monkeypatch, tmp_path):
    shell = InteractiveShell.instance()
    shell.user_ns["ran"] = ran = []

    def outcome_of(cell):
        ran.clear()
        shell.run_cell(cell, store_history=True).raise_error()
        return dict(parallel.runs(shell.user_ns["counted"], [(1, 2)], progress=False))

    assert outcome_of(CELL) == {(1, 2): 12} and ran == [1]
    call = along.call_of(shell.user_ns["counted"], (1, 2), {})
    np.savez(tmp_path / "browser.npz", **MAKE.packed({call: (np.int64(99), 5.)}))
    monkeypatch.setattr(along.data, "FOLDER", tmp_path)
    with capture_output() as said:
        along.come_along()
        assert outcome_of(CELL) == {(1, 2): 99} and ran == []
    assert "1 run of this cell came along" in said.outputs[0].data["text/plain"]
    assert outcome_of(CELL + " + 1") == {(1, 2): 13} and ran == [1]


def test_once_below_a_cell_it_is_said_how_many_runs_came_along(monkeypatch):
    shell = InteractiveShell.instance()
    shell.user_ns["say"] = along.say
    for _ in range(2):
        with capture_output() as said:
            shell.run_cell("for _ in range(3): say(100., '2026-11-29')", store_history=True).raise_error()
        texts = [output.data["text/plain"] for output in said.outputs]
        assert len(texts) == 3 and texts[0].startswith("1 run of this cell came along with the course, made on 2026-1")
        assert "3 runs" in texts[2] and "about 25 minutes" in texts[2] and "along.recompute()" in texts[2]


def test_what_comes_along_is_what_the_notebooks_ask_for():
    """A changed cell: python data/make_browser.py 10_truncated_bptt, say."""
    cells = {hashlib.sha256(cell.source.strip().encode()).hexdigest()[:12] for path in paths()
             for cell in read(path).cells if cell.cell_type == "code"}
    with np.load(MAKE.FILE) as file:
        calls, seconds = file["calls"].tolist(), file["seconds"]
    assert len(calls) == len(set(calls)) and (seconds > MAKE.LEAST).all()
    names = [name for each in along.NAMES.values() for name in each]
    asked = [re.fullmatch(r"(\w+)\(.*\)(?: (\w{12}))?", call).groups() for call in calls]
    assert [call for call, (name, cell) in zip(calls, asked) if cell not in cells and name not in names] == []


def again():
    """Every call of a function of the library that comes along, in `make test` the quickest of each below 2 s."""
    with np.load(MAKE.FILE) as file:
        kept = {call: took for call, took in zip(file["calls"].tolist(), file["seconds"]) if call.endswith(")")}
    for call, took in kept.items():
        quickest = took == min(other for each, other in kept.items() if each.split("(")[0] == call.split("(")[0]) < 2
        yield pytest.param(call, marks=() if quickest else pytest.mark.long)


@pytest.mark.parametrize("call", [*again()])
def test_a_run_that_comes_along_is_what_the_call_gives(library, monkeypatch, call):
    """Training amplifies the last digit, and processors differ there: twice what test_shipped saw is allowed."""
    owners = {name: importlib.import_module(f"course_lib.lessons.{module}")
              for module, names in along.NAMES.items() for name in names}
    name, known = call.split("(")[0], longterm.forecast(30)
    scope = {"SGD": SGD, "Adam": Adam, "Method": success.Method, "known_": known}
    call = call.replace(along.text_of(known), "known_")
    made = eval(call, scope | {name: getattr(owners[name], name)})
    monkeypatch.setattr(along, "say", lambda *_: None)
    along.come_along()
    kept = eval(call, scope | {name: getattr(owners[name], name)})
    assert type(made) is type(kept)
    if not hasattr(made, "_fields"):
        assert made.shape == kept.shape and made.mean() == pytest.approx(kept.mean(), rel=.2, abs=0)
        return
    arrays = [[isinstance(field, np.ndarray) for field in each] for each in (made, kept)]
    assert arrays[0] == arrays[1]
    field = next(each for each in ("needed", "solved", "updates") if each in made._fields)
    made, kept = (np.where(np.isfinite(each), each, 0) > 0 for each in (getattr(made, field), getattr(kept, field)))
    assert np.abs(made.sum(-1) - kept.sum(-1)).max() <= .4 * made.shape[-1]
