"""Sentences of lesson 10 tried where no cell tries them: other networks, lags and budgets."""

import json
from pathlib import Path

import numpy as np
import pytest

from course_lib import bptt, gradcheck, initialise
from course_lib.lessons.nb10_truncated_bptt import windows

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", [10, 20])
def test_a_window_beyond_the_lag_learns_and_one_below_it_only_to_hold(seed):
    """Measured: delay 12 through 13 steps 5 and 5 of 5, through 10 steps 1 and 0 of 5, delay 9 through 7 steps none;
    delay 3 and hold 12 through one step 5 and 5 of 5 each."""
    solved = {case: windows.trial(*case, seed=seed).solved.sum() for case in [
        ("delay", 12, 13), ("delay", 3, 1), ("hold", 12, 1), ("delay", 12, 10), ("delay", 9, 7)]}
    few = [solved.pop(case) for case in [("delay", 12, 10), ("delay", 9, 7)]]
    assert min(solved.values()) >= 4 and max(few) <= 2, (solved, few)


def test_hold_is_learned_through_one_step_at_lags_that_no_cell_tries():
    """Measured at lags of 30 and 60: 4 of 5 each."""
    assert sum(windows.trial("hold", lag, 1).solved.sum() for lag in (30, 60)) >= 7


def test_four_times_the_updates_do_not_teach_a_delay_beyond_the_window():
    """Measured for a delay of 12 through 10 steps: 0 of 5 after 1200 updates in place of 300, errors .43 to .50."""
    assert np.mean(windows.trial("delay", 12, 10, updates=1200).error > .2) >= .8


@pytest.mark.parametrize("gain, H, D", [(.5, 4, 3), (1., 9, 1), (1.5, 6, 2)])
def test_forward_mode_as_the_lesson_writes_it_gives_the_gradient_of_every_loss(gain, H, D):
    book = Path(__file__).parents[2] / "notebooks" / "10_truncated_bptt.ipynb"
    cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
    cell = next(each for each in cells if each["id"] == "forward-mode-def")
    names = {"np": np}
    exec("".join(cell["source"]), names)
    rng = np.random.default_rng(0)
    params = initialise.rnn(D, H, rng, gain=gain)._replace(b_h=rng.normal(size=H))
    x, direct = rng.normal(size=(60, D)), rng.normal(size=(61, H))
    for t, gradient in enumerate(names["forward_mode"](params, x, direct), start=1):
        run = bptt.forward(params, x[:t, None])
        grads = bptt.backward(run, bptt.at_end(run, direct[t])).grads
        truth = np.concatenate([grads.W_hh, grads.W_xh, grads.b_h[:, None]], axis=1)
        assert gradcheck.relative_error(gradient, truth, axis=None) < 1e-12
