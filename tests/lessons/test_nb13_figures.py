"""The figures of lesson 13: what is drawn, against oracles of another kind; what is said, from the data."""

from functools import partial
from math import comb

import numpy as np
import pytest

from course_lib.lessons.nb13_what_came_after.curse_of_memory import mean_squares
from course_lib.lessons.nb13_what_came_after.figures import (
    DeltaRoad, LongMemory, NewtonRounds, PastInNumbers, Recall, SameRuler, ScanRounds, bilinear, polynomials)
from course_lib.screen.live import live
from legible import legible, named

MEASURED = {.9: (5.2, 264., .25), .99: (50., 2.5e5, .26)}
ERRORS = {"plain sum": np.array([[0., 0.], [1., .8], [3., 3.4]]),
          "delta rule": np.array([[0., 0.], [.5, .6], [1.4, 1.6]])}
P = np.sqrt(2 * np.arange(16) + 1)
HIPPO = -np.tril(np.outer(P, P), -1) - np.diag(np.arange(16) + 1), P
CURVES = {"one": np.array([2., 1., .5]), "two": np.array([1., 1e-20, 0.])}


def rounds_by_hand(scan):
    """For each round which step is joined to which before it, from 1, written down by hand for eight steps."""
    return {"to the left": [{t: t - reach for t in range(reach + 1, 9)} for reach in (1, 2, 4)],
            "up and down": [{2: 1, 4: 3, 6: 5, 8: 7}, {4: 2, 8: 6}, {8: 4}, {6: 4}, {3: 2, 5: 4, 7: 6}]}[scan]


def pieces(curve):
    """The corners of each of the lines that a curve with gaps draws, rounded."""
    points = np.round(np.transpose(curve.get_data()), 9)
    gaps = np.flatnonzero(np.isnan(points[:, 0])).tolist() if len(points) else []
    return {tuple(map(tuple, points[a + 1:b])) for a, b in zip([-1, *gaps], gaps)}


@pytest.mark.parametrize("scan", ScanRounds.PLANS)
def test_the_rounds_of_a_scan_are_those_written_down_by_hand(scan):
    figure, (wide, high) = ScanRounds(), ScanRounds.HALF
    for rounds in range(ScanRounds.MOST + 1):
        figure.update(scan=scan, rounds=rounds)
        begins, seen, joins, last = {t: t for t in range(1, 9)}, {}, 0, set()
        for place, took in enumerate([{t: t for t in begins}, *rounds_by_hand(scan)[:rounds]]):
            begins |= {t: begins[other] for t, other in took.items()}
            joins += len(took) * (place > 0)
            last = {((other - 1, place - 1 + high), (t - 1, place - high)) for t, other in took.items() if place}
            for t in took:
                h, a = 0., 1.
                for step in range(begins[t], t + 1):  # one step after another, over all that it has joined
                    h, a = ScanRounds.A[step - 1] * h + ScanRounds.B[step - 1], a * ScanRounds.A[step - 1]
                covers = f"{begins[t]}–{t}" if begins[t] < t else f"{t}"
                seen[t - 1, place] = begins[t], f"{covers}\n.{100 * a:02.0f}, {h:.1f}"
        words = {word.get_position(): word.get_text() for word in figure.words.values()}
        assert {at: text for at, text in words.items() if text} == {at: text for at, (_, text) in seen.items()}
        assert pieces(figure.joined) == {tuple(map(tuple, np.round(line, 9))) for line in last}
        for frames, thick in (figure.frames, False), (figure.done, True):
            corners = {(x + wide, y + high) for (x, y), *_ in pieces(frames)}
            assert {(round(x), round(y)) for x, y in corners} == {at for at, (begin, _) in seen.items()
                                                                 if (begin == 1) == thick}
        done = min(rounds, len(rounds_by_hand(scan)))
        assert f"{scan}, round {done} of {len(rounds_by_hand(scan))}: {joins} joins, {2 * joins} m" in figure.alt
        assert figure.title.get_text().endswith(f"{joins} joins, {2 * joins} multiplications so far")
    assert ": 8 begin with step 1" in figure.alt and "up and down 5 rounds and 11 joins." in figure.alt
    said = {text.get_text() for text in figure.fig.axes[0].texts}
    assert {"to the left:\n3 rounds, 17 joins", "up and down:\n5 rounds, 11 joins",
            "one after another:\n7 rounds, 7 joins"} < said


def test_no_line_of_a_scan_runs_through_a_box():
    figure = ScanRounds()
    for scan in ScanRounds.PLANS:
        for rounds in range(ScanRounds.MOST + 1):
            _, boxes, _ = figure.update(scan=scan, rounds=rounds).data
            for (x0, y0), (x1, y1) in pieces(figure.before) | pieces(figure.joined):
                along = np.linspace(0, 1, 201)[:, None] * (x1 - x0, y1 - y0) + (x0, y0)
                for box in boxes:
                    assert not (np.abs(along - box) < .98 * ScanRounds.HALF).all(axis=1).any(), (scan, rounds, box)
            for step in range(8):  # from the first row to the last it is drawn without a gap
                down = sum(y1 - y0 for (x0, y0), (x1, y1) in pieces(figure.before) if x0 == x1 == step)
                down += sum(2 * ScanRounds.HALF[1] for t, place in boxes if t == step and place)
                assert down == pytest.approx(max(place for _, place in boxes), rel=1e-9, abs=1e-9)
            assert figure.fig.axes[0].get_ylim() == (6.65, -.85)


def test_newton_rounds_show_the_front():
    figure = NewtonRounds()
    for gain in NewtonRounds.GAINS:
        for rounds in (0, 3, 20, 40):
            errors = figure.update(gain=gain, rounds=rounds).data
            assert (errors[:rounds] < 1e-8).all()
            assert figure.promise.get_text() == f"promised: to step {rounds}"
            assert figure.promise.get_position()[0] > rounds
            assert figure.front.get_xdata()[0] == rounds and f"{(errors < 1e-8).sum()} of 100" in figure.word.get_text()
            assert f"{(errors < 1e-8).sum()} of 100" in figure.alt and len(figure.wrong.get_xdata()) == 100
    assert (figure.update(gain=1., rounds=8).data < 1e-8).all()
    assert (figure.update(gain=3., rounds=8).data > 1e-8).sum() > 50


def test_long_memory_shows_the_formulas_and_what_was_measured():
    figure = LongMemory(MEASURED)
    lines = figure.fig.axes[0].lines
    assert np.allclose([line.get_ydata() for line in lines[::2]], mean_squares(1 - lines[0].get_xdata()), atol=0)
    assert np.allclose(lines[1].get_xdata(), [.1, .01], atol=0) and list(lines[3].get_ydata()) == [264., 2.5e5]
    assert "l = 0.9: 5.2, 2.6e+02 and 0.25" in figure.alt


def test_same_ruler_divides_by_the_first():
    figure = SameRuler(CURVES)
    assert np.allclose(figure.fig.axes[0].lines[0].get_ydata(), np.log10([1, .5, .25]), atol=0)
    assert "one 0.25," in figure.alt and "two 0" in figure.alt and figure.png()


def test_delta_road_is_the_product_of_the_steps():
    figure = DeltaRoad()
    for beta, d in [(0., 4), (.7, 2), (1., 16), (2., 64)]:
        once, left = figure.update(beta=beta, d=d).data
        assert np.allclose(once, [.8 * (1 - beta), .6], atol=1e-15)
        v = np.random.default_rng(1).normal(size=(figure.DRAWS, d))
        product = np.eye(d)
        for k in figure.keys[d][:, 3]:
            product = product @ (np.eye(d) - beta * np.outer(k, k))
        assert np.isclose(left[-1, 3], np.linalg.norm(v[3] @ product) / np.linalg.norm(v[3]), rtol=1e-6, atol=0)
        assert (np.diff(left, axis=0) < 1e-12).all() and len(figure.mean.get_xdata()) == 101
    assert np.allclose(left, 1) and "-1 of the gradient's part" in figure.alt
    figure.update(beta=.5, d=64)
    assert np.isclose(figure.mean.get_ydata()[-1], 50 * np.log10(1 - .75 / 64), atol=0)
    assert abs(np.log10((figure.data[1][-1]**2).mean()) / 2 - figure.mean.get_ydata()[-1]) < .1


def exact(n, u):
    """sqrt(2n + 1) P_n(2u - 1) by whole numbers, without a recurrence."""
    return np.sqrt(2 * n + 1) * sum((-1)**(n + k) * comb(n, k) * comb(n + k, k) * u**k for k in range(n + 1))


def test_polynomials_are_legendre_s_and_orthonormal():
    u, weights = np.polynomial.legendre.leggauss(20)
    values = polynomials(u := (u + 1) / 2, 16)
    for n in range(9):
        assert np.allclose(values[:, n], exact(n, u), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(values.T * (weights / 2) @ values, np.eye(16), rtol=0, atol=1e-13)


@pytest.mark.parametrize("curve", [lambda u: np.sin(12 * u**2), lambda u: np.exp(-3 * u) - u, lambda u: np.cos(9 * u)])
def test_hippo_s_matrix_keeps_the_means_of_the_whole_past(curve):
    """Against quadrature: the difference is that of a step's length, a quarter of it with four times the steps."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    nodes = (nodes + 1) / 2
    true, off = (weights / 2 * curve(nodes)) @ polynomials(nodes, 16), []
    for T in (500, 2000):
        h = np.zeros(16)
        for J, new, x in zip(*bilinear(*HIPPO, 1 / np.arange(1, T + 1)), curve((np.arange(T) + .5) / T)):
            h = J @ h + new * x
        off.append(np.linalg.norm(h - true) / np.linalg.norm(true))
    assert off[1] < .01 and off[0] / off[1] == pytest.approx(4, rel=.15, abs=0)


def test_an_even_clock_sees_the_past_on_an_exponential_scale():
    """After long reading h_n is the integral of x(s ago) e^-s sqrt(2n + 1) P_n(2 e^-s - 1), against quadrature."""
    delta, (nodes, weights) = .002, np.polynomial.legendre.leggauss(60)
    (J,), (new,) = bilinear(*HIPPO, np.array([delta]))
    h, T = np.zeros(16), 15000
    for x in np.cos(3 * np.exp(-delta * (np.arange(T)[::-1] + .5))):
        h = J @ h + new * x
    u = (nodes + 1) / 2
    true = (weights / 2 * np.cos(3 * u)) @ polynomials(u, 16)
    assert np.linalg.norm(h - true) < 1e-4 * np.linalg.norm(true)


def test_past_in_numbers_shows_state_curve_and_gradient():
    figure = PastInNumbers(*HIPPO)
    for curve, clock, read in [("waves", "1/t", 400), ("step", "0.01", 300), ("chirp", "0.02", 512),
                               ("digit", "1/t", 96), ("digit", "0.005", 120)]:
        h, told, counts, off, recent = figure.update(curve=curve, clock=clock, read=read).data
        J, new = figure.steps[clock]
        assert np.allclose(figure.C @ h, counts @ figure.curves[curve][:read], rtol=1e-10, atol=0)
        if clock != "1/t":
            kernel = [figure.C @ np.linalg.matrix_power(J[0], k) @ new[0] for k in range(read)]
            np.testing.assert_allclose(counts[::-1], kernel, rtol=1e-10, atol=1e-14)
            assert recent == min(read, round(np.log(2) / float(clock)))
        ages = read - .5 - np.arange(read)
        u = 1 - ages / read if clock == "1/t" else np.exp(-ages * float(clock))
        assert np.allclose(told, sum(h_n * exact(n, u) for n, h_n in enumerate(h)), rtol=0, atol=1e-3)
        rms = np.sqrt(((told - figure.curves[curve][:read])[-recent:]**2).mean())
        assert off[0] == pytest.approx(rms, rel=1e-12, abs=0) and f"{rms:.2g} on the last {recent} steps" in figure.alt
        assert (" on what is older" in figure.alt) == ("older" in figure.word.get_text()) == (recent < read)
        assert list(figure.dot.get_ydata()) == [figure.C @ h] and list(figure.heads.get_ydata()) == list(h)
        assert figure.now[0].get_xdata()[0] == read == len(figure.seen.get_xdata()) and "nan" not in figure.alt
    waves = figure.update(curve="waves", clock="1/t", read=512)
    assert max(waves.data[3]) < .02 and abs(waves.dot.get_xdata()[0] - 256) < 1


def test_a_kernel_of_an_even_clock_only_moves_along_and_half_the_clock_is_twice_as_wide():
    figure = PastInNumbers(*HIPPO)
    counts = {(clock, read): figure.update(clock=clock, read=read).data[2]
              for clock in figure.CLOCKS for read in (300, 500)}
    for clock in figure.CLOCKS[1:]:
        np.testing.assert_allclose(counts[clock, 500][200:], counts[clock, 300], rtol=1e-9, atol=1e-15)
    assert not np.allclose(counts["1/t", 500][200:], counts["1/t", 300], rtol=.1, atol=0)
    far = {clock: 500 - counts[clock, 500].argmax() for clock in figure.CLOCKS}
    assert far["0.005"] == pytest.approx(2 * far["0.01"], rel=.03, abs=0)
    assert far["1/t"] == pytest.approx(250, rel=.02, abs=0)
    assert counts["0.01", 500].max() == pytest.approx(2 * counts["0.005", 500].max(), rel=.03, abs=0)


def test_the_axes_of_past_in_numbers_stand_still():
    figure, limits = PastInNumbers(*HIPPO), set()
    for read in range(96, 513, 16):
        for clock in figure.CLOCKS:
            figure.update(read=read, clock=clock)
            limits.add(tuple((*ax.get_xlim(), *ax.get_ylim()) for ax in figure.fig.axes))
    assert len(limits) == 1


def test_recall_draws_what_was_measured_and_the_best_matrix():
    figure = Recall(ERRORS, [8, 16, 32], d=16)
    lines = figure.fig.axes[0].lines
    assert "plain sum 0.90 and 3.2" in figure.alt and "the best matrix 0.00 and 0.5." in figure.alt
    assert [0., .9, 3.2] in [list(np.round(line.get_ydata(), 9)) for line in lines]
    assert [0., 0., .5] in [list(line.get_ydata()) for line in lines]


def test_sliders_reach_their_ends():
    assert live(DeltaRoad(), beta=(0., 2.), d=[2, 4, 16, 64]) is not None
    assert live(NewtonRounds(), gain=[.5, 1., 1.5, 2., 3.], rounds=(0, 40)) is not None
    shown = NewtonRounds()
    for gain, rounds in [(.5, 0), (3., 40)]:
        shown.update(gain=gain, rounds=rounds)
        assert shown.png() and len(shown.alt) > 40 and "nan" not in shown.alt


@pytest.mark.parametrize("make, words", [
    (lambda: NewtonRounds(gain=1.1), "gain is 1.1"), (lambda: NewtonRounds(rounds=41), "rounds is 41"),
    (lambda: ScanRounds(scan="down"), "scan is 'down'"), (lambda: ScanRounds(rounds=6), "rounds is 6"),
    (lambda: DeltaRoad(beta=2.1), "beta is 2.1"), (lambda: DeltaRoad(d=3), "d is 3"),
    (lambda: PastInNumbers(HIPPO[0], P[:-1]), "A has shape"), (lambda: PastInNumbers(*HIPPO, read=513), "read is 513"),
    (lambda: PastInNumbers(*HIPPO, clock="0.03"), "clock is '0.03'"),
    (lambda: PastInNumbers(*HIPPO, curve="sine"), "curve is 'sine'"),
    (lambda: Recall({}, [1], 16), "measured holds"), (lambda: Recall(ERRORS, [1, 2], 16), "2 entries of pairs"),
    (lambda: LongMemory({}), "measured is empty"), (lambda: SameRuler({}), "curves holds 0")])
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("make", [
    partial(ScanRounds), partial(ScanRounds, rounds=0), partial(ScanRounds, scan="up and down", rounds=5),
    partial(NewtonRounds), partial(NewtonRounds, gain=3., rounds=0), partial(NewtonRounds, gain=1., rounds=40),
    partial(NewtonRounds, gain=.5, rounds=40),
    partial(DeltaRoad), partial(DeltaRoad, beta=2., d=2), partial(DeltaRoad, beta=0., d=64),
    partial(PastInNumbers, *HIPPO), partial(PastInNumbers, *HIPPO, curve="digit", clock="0.02", read=96),
    partial(PastInNumbers, *HIPPO, curve="chirp", clock="0.005", read=512),
    partial(Recall, ERRORS, [8, 16, 32], 16), partial(LongMemory, MEASURED), partial(SameRuler, CURVES)], ids=named)
def test_every_text_can_be_read(make):
    assert legible(make()) > 3


def test_no_curve_runs_through_a_word():
    figure = NewtonRounds()
    for values in [dict(gain=gain, rounds=rounds) for gain in NewtonRounds.GAINS for rounds in (0, 3, 6, 20, 40)]:
        figure.update(**values).png()
        box = figure.word.get_window_extent(figure.fig.canvas.get_renderer())
        x, y = figure.wrong.get_transform().transform(np.transpose(figure.wrong.get_data())).T
        beside = (x >= box.x0 - 5) & (x <= box.x1 + 5)
        assert beside.sum() > 5 and (y[beside] < box.y0 - 3).all(), values
