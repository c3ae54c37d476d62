"""The figures of lesson 08: what is drawn, against oracles of another kind; what is said, from the data."""

import re

import numpy as np
import pytest
import torch

from course_lib import train
from course_lib.lessons.nb07_exploding import relief, wall
from course_lib.lessons.nb08_clipping import success
from course_lib.lessons.nb08_clipping.figures import Arrows, OnTheWall, Rescue, Spike, SuccessByLength
from course_lib.screen.live import live
from legible import legible


# Arrows ------------------------------------------------------------------------------------------------


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("threshold", [.1, .6, 1.3, 2.5])
@pytest.mark.parametrize("direction", [0., 5., 45., 70., 90.])
def test_arrows_end_where_torch_clips_to(threshold, direction):
    figure = Arrows().update(threshold=threshold, direction=direction)
    g = 2 * np.array([np.cos(np.radians(direction)), np.sin(np.radians(direction))])
    ends = [g]
    for clip in (torch.nn.utils.clip_grad_norm_, torch.nn.utils.clip_grad_value_):
        parameter = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
        parameter.grad = torch.tensor(g)
        clip([parameter], threshold)
        ends.append(parameter.grad.numpy())
    for end, arrow, tip in zip(ends, figure.arrows, figure.tips):
        (_, x), (_, y) = arrow.get_data()
        assert np.allclose((x, y), end, rtol=1e-5, atol=1e-12) and tip.get_data() == ([x], [y])  # torch adds 1e-6
    u, v = complex(*g), complex(*ends[2])
    turned = abs(np.degrees(np.angle(v / u)))
    assert figure.here.get_ydata()[0] == pytest.approx(turned, abs=1e-9)
    assert f"turned by {turned:.1f} degrees" in figure.alt
    assert f"angle by value {turned:.1f}°" in figure.words.get_text()


def test_arrows_stay_inside_their_axes():
    for direction in (0., 45., 90.):
        figure = Arrows(direction=direction)
        ax, right = figure.fig.axes
        assert np.abs(figure.data.gradient).max() < ax.get_xlim()[1]
        assert figure.data.angles.max() < right.get_ylim()[1]
    live(Arrows(), threshold=(.1, 2.5, .05), direction=(0., 90., 5.))


# OnTheWall ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_the_wall():
    return OnTheWall()


@pytest.mark.parametrize("i, threshold", [(0, np.inf), (1, .03), (2, .3), (4, 30.)])
def test_both_ways_are_those_of_the_trainer(on_the_wall, i, threshold):
    start = wall.Point(np.array(6.), np.array(-2.2))
    limit = {} if threshold == np.inf else dict(clip_norm=threshold)
    run = train.train(start, wall.objective(), lambda: (), updates=150, optimiser=train.SGD(.3), progress=False,
                      evaluate=np.array, evaluate_every=1, **limit)
    mine = np.stack([part[1:, i] for part in on_the_wall.path], -1)
    assert np.allclose(mine, run.history.evaluation, rtol=1e-6, atol=0)  # the strip makes a million of the last digit


def test_on_the_wall_shows_who_is_thrown_out(on_the_wall):
    figure = on_the_wall.update(update=81, threshold=.3)
    assert all(np.array_equal(one, other) for one, other in zip(*(line.get_data() for line in figure.ways)))
    assert figure.data.norm == pytest.approx([6531, 6531], rel=1e-3, abs=0)
    figure.update(update=100)
    assert "thrown out" in figure.words[0].get_text() and "E = 0.0" in figure.words[1].get_text()
    assert "Not clipped: w = 1040, b = 1661, error 0.09" in figure.alt and "Clipped at 0.3: w = 4.986" in figure.alt
    assert len(figure.ways[0].get_xdata()) == 83 and len(figure.ways[1].get_xdata()) == 101
    x, y = figure.ways[1].get_data()
    place = relief.project(*(part[100, 2] for part in figure.path), figure.data.error[1])
    assert np.allclose([x[-1], y[-1]], place, rtol=1e-12, atol=0)
    assert np.array_equal(figure.ends[1].get_xdata(), x[-1:]) and figure.ends[1].get_marker() == "o"
    assert figure.words[0].get_text().startswith("▶") and figure.words[1].get_text().startswith("●")
    (before, tip), turned = figure.ways[0].get_xydata()[-2:], figure.ends[0].get_marker()[2]
    pixels = (tip - before) * [.55 * 900, .91 * 420] / [np.ptp(edge) for edge in (figure.ends[0].axes.get_xlim(),
                                                                                 figure.ends[0].axes.get_ylim())]
    assert turned == pytest.approx(np.degrees(np.angle(complex(*pixels) / 1j)), abs=1e-6)  # a triangle starts upwards
    assert figure.update(update=60).ends[0].get_marker() == "s" and figure.words[0].get_text().startswith("■")
    with pytest.raises(ValueError, match="update is 151, needs to be 0 to 150"):
        figure.update(update=151)
    with pytest.raises(ValueError, match="threshold is 0.5, needs one of 0.03, 0.3"):
        figure.update(threshold=.5)


@pytest.mark.parametrize("values", [dict(update=0), dict(update=81), dict(update=150), dict(update=150, threshold=30.)],
                         ids=str)
def test_on_the_wall_is_legible_and_moves(on_the_wall, values):
    before = on_the_wall.update(update=7, threshold=.03).alt
    assert legible(on_the_wall.update(**values)) > 8 and on_the_wall.alt != before


# Rescue ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rescue():
    return Rescue()


def trained(w, b, rate, clip_norm, updates=600):
    start = wall.Point(np.array(w, float), np.array(b, float))
    return train.train(start, wall.objective(), lambda: (), updates=updates, optimiser=train.SGD(rate),
                       clip_norm=clip_norm, progress=False)


def test_clipping_saves_the_start_of_the_lesson(rescue):
    rescue.update(threshold=-.5, rate=.3, start=0)
    path = rescue.data.path
    assert np.isclose([path.w[0], path.b[0]], [6, -2.2], atol=0).all() and rescue.data.end < 1e-3
    clipped = trained(6, -2.2, .3, 10 ** -.5)
    assert wall.evaluate(clipped.params).loss < 1e-3 and .03 < clipped.history.clipped.mean() < .1
    far = rescue.update(threshold=2., start=0).data
    assert far.end > .05 and max(abs(far.path.w[-1]), abs(far.path.b[-1])) > 5


def test_counts_are_those_of_the_drawn_starts(rescue):
    for threshold, rate in [(-.5, .3), (-2., .1), (0., 1.), (1.5, .03)]:
        data = rescue.update(threshold=threshold, rate=rate, start=7).data
        j = int(round((threshold + 2) * 8))
        kinds = [len(line.get_xdata()) for line in rescue.kinds]
        assert sum(kinds) == 30 and kinds[1] == data.hurt[j] and kinds[2] == data.rescued[j]
        assert kinds[1] + kinds[3] == data.alone
        assert list(rescue.rescued.get_ydata()) == list(data.rescued)
        assert f"it rescues {data.rescued[j]} and hurts {data.hurt[j]}" in rescue.alt
        assert f"{data.alone} of 30 are solved" in rescue.alt
        assert rescue.here.get_xdata() == [threshold, threshold]


def test_thresholds_too_large_do_nothing_and_too_small_hurt(rescue):
    for rate in rescue.rates:
        data = rescue.update(rate=rate, threshold=0., start=0).data
        assert data.rescued[-1] == data.hurt[-1] == 0
    hurt = rescue.update(rate=.3).data.hurt
    assert hurt[0] >= 3 and not hurt[8:].any()


@pytest.mark.parametrize("values", [{"threshold": .1}, {"rate": .2}, {"start": 31}])
def test_rescue_refuses_what_it_has_not_computed(rescue, values):
    with pytest.raises(ValueError, match="needs eighths from -2 to 2"):
        rescue.update(**values)
    live(rescue, threshold=(-2., 2., .125), rate=[.03, .1, .3, 1.], start=(0, 30))


# Spike -------------------------------------------------------------------------------------------------


@pytest.mark.long(but_every=5)
@pytest.mark.parametrize("beta2", [.9, .99, .999])
@pytest.mark.parametrize("spike, limit", [(1000., 3.), (1e5, 1e3), (1., .5), (30., 200.)])
def test_steps_are_those_of_adam(spike, limit, beta2):
    figure = Spike(spike=spike, limit=limit, beta2=beta2)
    adam = train.Adam(rate=1., beta2=beta2, eps=0.)
    position, state = np.zeros(2), adam.start(np.zeros(2))
    for k in range(1500):
        now, state = adam.update(position, figure.data.gradient[:, k], state)
        assert np.allclose(position - now, figure.data.step[:, k], rtol=1e-9, atol=0)
        position = now
    plain, clipped = figure.data.gradient
    assert plain[figure.at] == spike and plain.sum() == 8999 + spike
    assert np.array_equal(clipped, np.minimum(plain, limit))
    assert figure.data.step.max() < figure.highest


def test_spike_in_words():
    figure = Spike()
    slow = (figure.data.step < .5).sum(1)
    assert f"below half the rate for {slow[0]} updates" in figure.alt and figure.alt.endswith(f"for {slow[1]}.")
    assert [text.get_text().split()[-2] for text in figure.words] == [str(count) for count in slow]
    by_hand = np.log(1e-3 * 1e6 / 3) / -np.log(.999)  # until v is 4
    assert slow[0] == pytest.approx(by_hand, rel=.01, abs=0) and slow[1] == 0
    live(figure, spike=(1., 1e5, "log"), limit=(.03, 300., "log"), beta2=[.9, .99, .999])


# SuccessByLength ---------------------------------------------------------------------------------------


def outcome(count):
    updates = np.where(np.arange(10) < count, 700., np.inf)
    return success.Outcome(updates, np.zeros(10), np.zeros(10))


COUNTS = {("SGD", 10): 10, ("SGD", 30): 0, ("clip", 10): 10, ("clip", 30): 6, ("clip + penalty", 10): 10,
          ("clip + penalty", 30): 9}


@pytest.mark.parametrize("watched", [False, True])
def test_results_are_drawn_as_they_arrive(monkeypatch, watched):
    """Who watches sees each result; an automated run shows the end alone."""
    shown = []

    class Handle:
        def update(self, figure):
            shown.append(figure.alt)

    def display(figure, display_id=False):
        shown.append(figure.alt)
        return Handle() if display_id else None

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setenv("TQDM_DISABLE", "" if watched else "1")
    results = {("SGD", 10): outcome(10)}
    figure = SuccessByLength(results)
    drawn = []

    def arriving():
        for setting, count in list(COUNTS.items())[1:]:
            yield setting, outcome(count)
            drawn.append(sum(len(line.get_xdata()) for line in figure.lines.values()))

    figure.follow(arriving())
    assert drawn == [2, 3, 4, 5, 6] and results.keys() == COUNTS.keys()
    for method, line in figure.lines.items():
        shares = {T: 10 * count for (name, T), count in COUNTS.items() if name == method}
        assert dict(zip(*line.get_data())) == pytest.approx(shares, rel=1e-6, abs=0)
    assert figure.names["clip"].get_text() == "■ clip" and figure.lines["clip"].get_marker() == "s"
    assert [int(re.search(r"from (\d) runs", alt)[1]) for alt in shown] == ([1, 2, 3, 4, 5, 6] if watched else [6])


def test_an_interrupt_keeps_what_arrived(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")

    def interrupted():
        yield ("SGD", 10), outcome(4)
        raise KeyboardInterrupt

    results = {}
    with pytest.raises(KeyboardInterrupt):
        SuccessByLength(results).follow(interrupted())
    assert list(results) == [("SGD", 10)]


def test_success_in_words():
    figure = SuccessByLength({setting: outcome(count) for setting, count in COUNTS.items()})
    assert "from 6 runs. At T = 30 SGD solves fewest and clip + penalty most" in figure.alt
    equal = SuccessByLength({setting: outcome(5) for setting in COUNTS})
    assert "Nowhere are the methods far apart" in equal.alt
    assert "from 0 runs" in SuccessByLength({}).alt
    assert all(T in success.LENGTHS for T in map(int, re.findall(r"T = (\d+)", figure.alt)))


# All of them -------------------------------------------------------------------------------------------


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("make, values", [
    (Arrows, dict(threshold=.1, direction=90.)), (Arrows, dict(threshold=2.5)), ("rescue", dict(threshold=2., start=0)),
    ("rescue", dict(rate=.03, threshold=-2.)), (Spike, {}), (Spike, dict(spike=1.)),
    (Spike, dict(spike=1e5, limit=1e3)),
    (SuccessByLength, {}), (SuccessByLength, dict(results={})),
    (SuccessByLength, dict(results={(name, 10): outcome(10) for name in success.METHODS}))], ids=str)
def test_no_text_is_cut_or_covers_another(make, values, rescue):
    if make is SuccessByLength:
        values = values or dict(results={setting: outcome(count) for setting, count in COUNTS.items()})
    assert legible(rescue.update(**values) if make == "rescue" else make(**values)) > 8
