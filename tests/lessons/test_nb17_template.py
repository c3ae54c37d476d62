"""The template of notebook 17, filled in and run: every suggested task, and a good, a lazy and a negative study."""

import re

import matplotlib
import nbformat
import numpy as np
import pytest
import torch

import nb17_template
from course_lib.lessons.nb17_final_project import rubric
from nb17_tasks import TASKS
from nb17_template import CURES, GOOD, LAZY, NEGATIVE, NOTEBOOK, network


@pytest.fixture(autouse=True)
def beside_the_notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with matplotlib.rc_context():
        yield
    torch.set_num_threads(threads)


def first_try(name, distances="[2, 3]"):
    """A student's filling for a suggested task: two seeds, the clipping and the LSTM of the example."""
    make, new, step, inputs, classes = TASKS[name]
    source = nb17_template.task(make, new, step)
    if new:
        source = f"from course_lib import data\n\n{source}".replace(
            "\nmy_new, my_step", f"\n{nb17_template.inspect.getsource(new)}\nmy_new, my_step").replace(
            f"return {make.__name__}(", "return my_task(")
    return {
        "yours-task": source,
        "yours-criterion-cell": {"range(5)": "range(2)"},
        "yours-failure-cell": network(inputs, classes) | {"[], {}   ": f"{distances}, {{}}   "},
        "yours-predictions-cell": CURES.replace("INPUTS", str(inputs)).replace("CLASSES", str(classes)) + """
my_methods = {"clipped": Recipe(my_plain, max_norm=1e-4), "LSTM + 1": lambda: my_lstm(1)}
my_predictions = {"clipped": False, "LSTM + 1": True}
print(my_study.seal(my_predictions, my_success))
"""}


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("name", TASKS)
def test_every_suggested_task_works_with_the_starter_code(name, capsys):
    assert f"| **{name.removesuffix('?')}" in next(
        cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.id == "choose")
    names = nb17_template.run(first_try(name), updates=3)
    said = capsys.readouterr().out
    assert [trial[:4] for trial in names["my_study"].trials] == [
        (method, distance, seed, 3)
        for method, distance in [("plain", 2), ("plain", 3), ("clipped", 3), ("LSTM + 1", 3)] for seed in range(2)]
    assert "clipped: clipping acted in 6 updates; left after training: " in said
    assert "LSTM + 1: clipping acted in 0 updates; left after training: " in said
    assert f"is left at step {TASKS[name][2]}\n" in said
    assert "Sealed before they ran: clipped, LSTM + 1.\n" in said and "of 12 so far; 8 more are for a reader" in said
    plain, clipped = (names["my_nets"][key] for key in [("plain", 3), "clipped"])
    assert not any(torch.equal(one.rnn.weight_hh_l0, other.rnn.weight_hh_l0) for one, other in zip(plain, clipped))


def test_the_step_that_is_named_is_the_one_that_is_measured():
    names = nb17_template.run(first_try("Which button?"), updates=1)
    net, make, share = names["fresh"](names["my_plain"], 0), names["my_task"], names["share"]
    x, labels = names["tensors"](make, 3, 64, np.random.default_rng(7))
    states = [torch.zeros(1, 64, 32)]
    for step in x:  # by hand: each state a leaf of its own
        states.append(net.rnn(step[None], states[-1])[1])
        states[-1].retain_grad()
    torch.nn.functional.cross_entropy(net.head(states[-1][0]), labels).backward()
    norms = [state.grad[0].norm(dim=1).numpy() for state in states[1:]]
    for step in (1, 10, 13):
        assert share(net, make, 3, step) == pytest.approx(np.median(norms[step - 1] / norms[-1]), rel=1e-4, abs=0)


def test_every_cell_runs_as_it_stands_and_writes_nothing(tmp_path, capsys):
    nb17_template.run({}, updates=1)
    assert "No trials yet" in capsys.readouterr().out and not list(tmp_path.iterdir())


def test_cells_run_twice_out_of_order_and_the_next_day(capsys):
    filling = first_try("Warmer than at first?")
    names = nb17_template.run(filling, updates=2)
    first = names["my_study"].trials
    code = dict(nb17_template.filled(filling, 2))
    for id in ("yours-cures-cell", "yours-failure-cell", "yours-cures-cell", "yours-report-cell"):
        exec(code[id], names)
    assert sorted(names["my_study"].trials) == sorted(first)
    assert "before, with another result" not in capsys.readouterr().out
    tomorrow, code["yours-failure-cell"] = {}, code["yours-failure-cell"].replace("[2, 3]", "[]")  # nothing is trained
    for id in ("updates", *nb17_template.STARTER, "yours-task", "yours-criterion-cell", "yours-failure-cell",
               "yours-predictions-cell", "yours-report-cell"):
        exec(code[id], tomorrow)
    said = capsys.readouterr().out
    assert "Sealed already: 2 predictions" in said and "Sealed before they ran: clipped, LSTM + 1.\n" in said


def test_methods_without_a_failure_get_a_sentence():
    filling = first_try("Which button?", distances="[]")
    with pytest.raises(ValueError, match='"plain" was not run yet: fill in the distances of the failure and run'):
        nb17_template.run(filling, updates=1)


@pytest.mark.parametrize("changed", [
    {"yours-failure-cell": {"nn.RNN(7, 32)": "nn.RNN(7, 1)", "[], {}   ": "[2, 3], {}   "}},
    {"yours-failure-cell": {"nn.RNN(7, 32)": "nn.GRU(7, 4)", "[], {}   ": "[2, 3], {}   "}},
    {"yours-failure-cell": {"nn.RNN(7, 32)": "nn.RNN(7, 8, nonlinearity='relu')", "[], {}   ": "[2, 3], {}   "},
     "loop-train": {"rate=.003": "rate=1e30"}}], ids=["one unit", "GRU", "diverges"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_odd_networks_are_studied_too(changed, capsys):
    names = nb17_template.run({"yours-criterion-cell": {"range(5)": "range(1)"}} | changed, updates=3)
    said = capsys.readouterr().out
    assert len(names["my_study"].trials) == 2 and "0 of 2  The seeds" in said
    assert ("diverged with the seeds [0]: a gradient was not finite" in said) == ("loop-train" in changed)


# Marks, in full: each study trains as long as a student's would ---------------------------------------


def audited(filling, updates):
    names = nb17_template.run(filling, updates)
    study, success = names["my_study"], names["my_success"]
    return rubric.audit(study.trials, floor=names["my_floor"], success=success, predicted=names["my_predictions"],
                        opened=study.opened(names["my_predictions"], success))


def test_a_lazy_study_earns_what_it_did():
    audit = audited(LAZY, 200)
    assert [mark.points for mark in audit.marks] == [0, 0, 2, 0, 0, 0] + 4 * [None], audit


@pytest.mark.long
def test_a_good_study_earns_all():
    audit = audited(GOOD, 300)
    assert [mark.points for mark in audit.marks] == [2] * 6 + 4 * [None], audit


@pytest.mark.long
def test_a_negative_study_with_power_earns_all():
    audit = audited(NEGATIVE, 200)
    assert [mark.points for mark in audit.marks] == [2] * 3 + [audit.marks[3].points] + [2] * 2 + 4 * [None], audit
    assert all(re.search("a negative result with power", audit.marks[i].why) for i in (0, 4)), audit


@pytest.mark.long
def test_two_equal_bits_are_hard_even_near():
    names = nb17_template.run(first_try("Two marked bits", distances="[]") | {
        "yours-predictions-cell": "my_methods, my_predictions = {}, {}"})
    names["UPDATES"] = 500

    def equal(distance, batch, rng):
        x, _ = names["my_task"](distance, batch, rng)
        return x, (x[0, :, 0] == x[-1, :, 0]).astype(int)

    study = names["Study"](equal, names["train"], names["right"], range(3))
    study.run("plain", lambda: names["Net"](torch.nn.RNN(2, 32)), 5)
    assert all(trial.score < .6 for trial in study.trials)
    study = names["Study"](names["my_task"], names["train"], names["right"], range(3))
    study.run("plain", lambda: names["Net"](torch.nn.RNN(2, 32), classes=3), 5)
    assert all(trial.score > .9 for trial in study.trials)
