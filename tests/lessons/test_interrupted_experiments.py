"""An experiment that is stopped from the keyboard passes the interrupt on: an interrupted run is not a result."""

import pytest

from course_lib import tasks
from course_lib.lessons.nb06_vanishing import longterm
from course_lib.lessons.nb08_clipping import success
from course_lib.lessons.nb09_initialization_and_other_cures import contest
from course_lib.lessons.nb10_truncated_bptt import windows


@pytest.mark.parametrize("run, room, drawn", [
    (lambda: contest.enter("uniform, tanh", [0], updates=50), tasks, "temporal_order"),
    (lambda: success.one("SGD", 10, [0], updates=50), tasks, "temporal_order"),
    (lambda: windows.trial("hold", 3, 2, members=1, updates=50), tasks, "recall"),
    (lambda: longterm.learn_order("tanh", 2500, T=10, seeds=[0]), tasks, "temporal_order"),
    (lambda: longterm.learn_adding("tanh", 2500, T=10, seeds=[0]), tasks, "adding"),
    (lambda: longterm.learn_digits("tanh", 0, updates=50, seeds=[0]), longterm, "delayed_digits")])
def test_an_interrupted_run_is_not_a_result(monkeypatch, run, room, drawn):
    draws = iter(range(100))

    def stop_at_the_third(*arguments, inner=getattr(room, drawn)):
        if next(draws) == 2:
            raise KeyboardInterrupt
        return inner(*arguments)

    monkeypatch.setattr(room, drawn, stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert next(draws) == 3  # it did begin, and stopped there
