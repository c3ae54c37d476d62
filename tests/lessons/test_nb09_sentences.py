"""Sentences of lesson 09 tried where no cell tries them: other starts, seeds and sizes."""

import numpy as np
import pytest

from course_lib import bptt, cells, initialise, jacobians, losses, tasks, train, until_solved
from course_lib.lessons.nb07_exploding import wall
from course_lib.lessons.nb08_clipping import rescue
from course_lib.lessons.nb09_initialization_and_other_cures import contest
from course_lib.lessons.nb09_initialization_and_other_cures.figures import SizesOnTheWay, Starts

pytestmark = pytest.mark.long


@pytest.mark.parametrize("sets", [(3, 4, 5), (6, 7, 8), (9, 10, 11)])
def test_who_is_thrown_took_one_leap_and_small_steps_meet_steeper_walls(sets):
    """Measured: 16, 11, 13 of 90 thrown at rate .3, 15, 24, 18 at .03; leaps of the thrown from 19.1 on, of the others
    up to 18.5; the median of the steepest gradients is 12 to 16 times as large at the small rate."""
    everyone = wall.Point(*map(np.concatenate, zip(*[rescue.starts(seed) for seed in sets])))
    thrown, median = {}, {}
    for rate, updates in [(.3, 300), (.03, 3000)]:
        run = train.train(everyone, wall.objective(), lambda: (), updates=updates, optimiser=train.SGD(rate),
                          progress=False)
        far, steepest = np.hypot(*run.params) > 20, run.history.grad_norm.max(0)
        assert (rate * steepest[far] > 15).all() and (rate * steepest[~far] < 20).all()
        thrown[rate], median[rate] = far.sum(), np.median(steepest)
    assert thrown[.03] > .75 * thrown[.3] and median[.03] > 5 * median[.3]


@pytest.mark.parametrize("hidden", [16, 64])
def test_large_inputs_take_the_gradient_of_an_orthogonal_tanh_network(hidden):
    """Over 50 steps, ten networks each: more than .5 is left at inputs of size .01, less than 1e-5 at size 1."""
    for drive, low, high in [(.01, .5, 1.), (1., 0., 1e-5)]:
        nets = initialise.rnn(1, hidden, np.random.default_rng(7), "orthogonal", members=10)
        run = bptt.forward(nets, drive * np.random.default_rng(8).normal(size=(50, 1, 1)))
        size = np.linalg.norm(bptt.backward(run, bptt.at_end(run)).dh[:, :, 0], axis=-1)
        share = size[0] / size[-1]
        assert ((low < share) & (share <= high)).all(), share


def test_who_learns_with_all_seeds_has_a_direct_way_on_other_seeds_too():
    """Measured on the seeds 5 to 9: 5 of 5 for each of the five with a direct way, 3 and 0 of 5 for the other two."""
    solved = {name: contest.enter(name, range(5, 10)).solved for name in (
        "identity, tanh", "identity, ReLU", "uniform + leak .9", "uniform + residual .1", "uniform + skip 5",
        "orthogonal, tanh", "orthogonal √2, ReLU")}
    assert min(list(solved.values())[:5]) >= 4 and max(list(solved.values())[5:]) < 5, solved


@pytest.mark.parametrize("T, orthogonal", [(20, True), (45, False)])
def test_a_direct_way_learns_with_all_seeds_at_other_lengths_and_orthogonal_tanh_at_short_ones_alone(
        monkeypatch, T, orthogonal):
    """Measured on the seeds 0 to 4: the four 5 of 5 at both lengths, orthogonal tanh 5 and 0, tanh from the identity 5
    and 3, uniform tanh 4 and 0."""
    monkeypatch.setattr(contest, "LENGTH", T)
    solved = {name: contest.enter(name, range(5, 10)).solved for name in (
        "identity, ReLU", "uniform + leak .9", "uniform + residual .1", "uniform + skip 5", "orthogonal, tanh")}
    assert min(list(solved.values())[:4]) >= 4 and (solved["orthogonal, tanh"] >= 3) == orthogonal, solved


@pytest.mark.parametrize("columns", [50, 200, 800])
@pytest.mark.parametrize("draw", ["gaussian", "uniform", "signs"])
def test_one_over_h_keeps_the_size_whatever_the_entries(columns, draw):
    """Root mean squares of W h and W^T g, means over draws, rows half, as many and twice the columns: within 5 %."""
    rng = np.random.default_rng(3)
    h = rng.normal(size=columns)
    for rows in (columns // 2, columns, 2 * columns):
        draws = {"gaussian": rng.normal, "uniform": lambda size: rng.uniform(-3**.5, 3**.5, size),
                 "signs": lambda size: rng.choice([-1., 1.], size)}[draw]
        W = draws(size=(10_000 // columns, rows, columns)) / np.sqrt(columns)
        g = rng.normal(size=rows)
        forward = np.sqrt(((W @ h)**2).mean() / (h**2).mean())
        back = np.sqrt(((g @ W)**2).mean() / (g**2).mean())
        assert abs(forward - 1) < .05 and abs(back / np.sqrt(rows / columns) - 1) < .05, (forward, back)


def test_the_radius_comes_near_one_as_the_matrix_grows():
    """Means of the radius: 1.1 at 25 units, 1.02 at 400; eigenvalues within half the radius: a quarter of them."""
    rng, above = np.random.default_rng(4), []
    for H, draws in [(25, 60), (100, 20), (400, 4)]:
        W = initialise.gaussian((draws, H, H), rng)
        above.append(jacobians.spectral_radius(W).mean() - 1)
        assert abs((np.abs(np.linalg.eigvals(W)) < .5).mean() - .25) < .03
    assert above[0] > above[1] > above[2] > 0 and above[2] < .05, above


@pytest.mark.parametrize("H", [50, 400])
def test_after_many_steps_the_radius_of_the_draw_decides_and_new_draws_keep_the_size(H):
    """Measured on the seeds 0 to 9, 400 units 0 to 3: over 100 steps new draws end at .22 to 1.1 and .64 to .93, one
    draw at 3.5 to 3e9 and 3.8 to 24; from step 200 on one draw changes by its radius a step, within .3 percent."""
    new, one = [], []
    for seed in range(10, 20):
        rng = np.random.default_rng(seed)
        h, W = rng.normal(size=(H, 5)), initialise.gaussian((H, H), rng)
        own, shared = [h], [h]
        for step in range(400):
            shared.append(W @ shared[-1])
            if step < 100:
                own.append(initialise.gaussian((H, H), rng) @ own[-1])
        size = np.linalg.norm(shared, axis=(1, 2))
        new.append(np.linalg.norm(own[-1]) / np.linalg.norm(h))
        one.append(size[100] / size[0])
        radius = jacobians.spectral_radius(W)
        np.testing.assert_allclose((size[400] / size[200])**(1 / 200), radius, rtol=.01, atol=0)
        assert np.sign(np.log(one[-1])) == np.sign(np.log(radius)) or abs(radius - 1) < .02
    assert np.ptp(np.log(new)) < .5 * np.ptp(np.log(one))


@pytest.mark.parametrize("H", [200, 400])
def test_torchs_gain_for_tanh_keeps_the_states_and_makes_the_gradient_grow(H):
    """Measured on the seeds 0 to 4, a new matrix each step: states of .65 to .67, the gradient grows by 1.091 to 1.096
    a step with 200 and with 400 units."""
    for seed in range(5, 10):
        rng = np.random.default_rng(seed)
        draws, states = [initialise.gaussian((H, H), rng, gain=5 / 3) for _ in range(100)], [rng.normal(size=(H, 5))]
        for W in draws:
            states.append(np.tanh(W @ states[-1]))
        start = back = rng.normal(size=(H, 5))
        for W, h in zip(draws[::-1], states[:0:-1]):
            back = W.T @ ((1 - h**2) * back)
        assert .6 < np.sqrt((states[-1]**2).mean()) < .7
        assert 1.08 < (np.linalg.norm(back) / np.linalg.norm(start))**.01 < 1.1


def test_torchs_gain_for_tanh_makes_the_gradient_grow_by_what_the_text_says():
    """Measured on the seeds 0 to 9: 4900 to 17300 times with a matrix each step, 870 to 13000 with one."""
    for weights, low, high in [("new each step", 4000, 20000), ("Gaussian", 800, 20000)]:
        figures = [SizesOnTheWay(seed, weights=weights, gain=5 / 3, steps=100, activation="tanh") for seed in range(10)]
        back = [figure.factors(figure.data)[1] for figure in figures]
        assert low < min(back) and max(back) < high and max(back) > 12000, back


@pytest.mark.parametrize("hidden, rate, equal, drawn",
                         [(8, .02, 2, 5), (8, .005, 3, 4), (32, .02, 3, 5), (32, .005, 3, 5)])
def test_a_random_w_xh_tells_the_units_of_an_equal_w_hh_apart_in_about_half_of_the_runs(hidden, rate, equal, drawn):
    """Recall over 30 steps, 400 updates of Adam, 5 seeds: 11 of 20 in all and 19 of 20 with a Gaussian W_hh."""
    learned = []
    for W_hh in np.full((hidden, hidden), 1 / hidden), None:
        nets = [initialise.network(2, hidden, 2, np.random.default_rng([seed, 7]), "gaussian") for seed in range(5)]
        if W_hh is not None:
            nets = [net._replace(rnn=net.rnn._replace(W_hh=W_hh)) for net in nets]
        data, (x, labels) = np.random.default_rng(3), tasks.recall(30, 200, np.random.default_rng(4))
        learned.append(np.isfinite(until_solved.until_solved(
            cells.tree_map(lambda *arrays: np.stack(arrays), *nets), train.sequence_objective(losses.cross_entropy),
            lambda: tasks.recall(30, 20, data), lambda nets: until_solved.error_rate(nets, x, labels), updates=400,
            below=.02, every=50, clip_norm=1., optimiser=train.Adam(rate), progress=False).updates).sum())
    assert abs(learned[0] - equal) <= 1 and abs(learned[1] - drawn) <= 1 and learned[0] < learned[1]


def test_if_all_weights_are_equal_training_never_tells_the_units_apart():
    net = initialise.network(2, 8, 2, np.random.default_rng(0))
    equal = cells.tree_map(lambda array: np.full_like(array, .1), net)
    data = np.random.default_rng(1)
    after = train.train(equal, train.sequence_objective(losses.cross_entropy), lambda: tasks.recall(10, 20, data),
                        updates=200, optimiser=train.Adam(.02), progress=False).params
    assert np.abs(after.rnn.W_hh - .1).max() > .01 and (after.rnn.W_xh == after.rnn.W_xh[0]).all()
    np.testing.assert_allclose(after.rnn.W_hh, after.rnn.W_hh[:1, :1] + 0 * after.rnn.W_hh, rtol=1e-9, atol=0)


# A start and what is learned from it

X, TARGETS = np.array([[-1., -1], [-1, 1], [1, -1], [1, 1]]), np.array([-1., 1, 1, -1])
NORMAL = np.random.default_rng(0).normal(size=13)


def learned(p, rate, updates, adam=False, below=None):
    """Many nets of 13 numbers (N, 13) at once, by hand: their losses (updates + 1, N) and what they end with; as many
    updates as it takes, if all losses are to come below a number."""
    m, v, losses_of = np.zeros_like(p), np.zeros_like(p), []
    while len(losses_of) <= updates and (below is None or not losses_of or losses_of[-1].max() >= below):
        W, b, V = p[:, :6].reshape(-1, 2, 3), p[:, None, 6:9], p[:, None, 9:12]
        h = np.tanh(X @ W + b)
        e = (h * V).sum(-1) + p[:, 12:] - TARGETS
        da = 2 * e[..., None] * V * (1 - h**2)
        of_v = (h * 2 * e[..., None]).sum(1)
        g = np.concatenate([(X.T @ da).reshape(-1, 6), da.sum(1), of_v, 2 * e.sum(1)[:, None]], 1)
        losses_of.append((e**2).sum(1))
        if adam:
            m, v, k = .9 * m + .1 * g, .999 * v + .001 * g * g, len(losses_of)
            g = m / (1 - .9**k) / (np.sqrt(v / (1 - .999**k)) + 1e-8)
        p, last = p - rate * g, p
    return np.array(losses_of), last


def draws(many):
    return np.stack([np.random.default_rng(seed).normal(size=13) for seed in range(many)])


@pytest.mark.parametrize("adam, rate, right, large", [
    (False, .01, 192, 105), (False, .02, 195, 106), (False, .05, 198, 100),
    (True, .01, 191, 50), (True, .03, 192, 100), (True, .1, 194, 116)])
def test_of_200_draws_the_size_decides_how_many_learn(adam, rate, right, large):
    """Measured: none from x 0.01 with plain descent and all with Adam; from x 1 and x 5 as many as the table says."""
    counts = {size: int((learned(size * draws(200), rate, 1000, adam)[0][-1] < .01).sum()) for size in (.01, 1, 5)}
    assert counts[.01] == (200 if adam else 0) and counts[1] > 190, counts
    assert abs(counts[1] - right) <= 1 and abs(counts[5] - large) <= 3, counts


@pytest.mark.parametrize("adam", [False, True])
def test_equal_units_stay_one_unit_whatever_the_number_the_rate_and_the_optimizer(adam):
    starts = np.array([[.1], [.5], [1], [-.3]]) + np.zeros(13)
    for rate in (.01, .02, .05):
        losses_of, last = learned(starts, rate, 2000, adam)
        units = np.concatenate([last[:, :6].reshape(-1, 2, 3), last[:, None, 6:9], last[:, None, 9:12]], 1)
        np.testing.assert_allclose(units, units[..., :1] + np.zeros(3), rtol=1e-6, atol=0)
        assert losses_of.min() > 8 / 3


def test_one_unit_cannot_take_the_loss_below_eight_thirds():
    """What one unit says rises or falls along one direction, so the best that it can do is the best monotone fit."""
    best = []
    for angle in np.linspace(0, np.pi, 721):
        order = np.argsort(np.round(X @ [np.cos(angle), np.sin(angle)], 9), kind="stable")
        for t in TARGETS[order], -TARGETS[order]:
            fit = [max(min(t[i:j + 1].mean() for j in range(k, 4)) for i in range(k + 1)) for k in range(4)]
            best.append(((fit - t)**2).sum())
    assert min(best) == pytest.approx(8 / 3, rel=1e-12, abs=0)


@pytest.mark.parametrize("adam, rate, last", [(False, .05, 200), (True, .03, 200)])
def test_one_number_that_differs_tells_the_units_apart_unless_it_is_the_last(adam, rate, last):
    starts = np.full((13, 13), .5) + .1 * np.eye(13)
    found = learned(starts, rate, last, adam)[0][-1]
    assert (found[:12] < 1e-3).all() and found[12] > 2.6


def test_what_a_reader_sees_of_the_starts_is_there():
    """Updates at which a second line comes in and all four are right; what adam makes of each; who stays where."""
    starts = {"all 0.5": np.full(13, .5), "normal × 0.01": .01 * NORMAL, "normal × 1": NORMAL,
              "normal × 5": 5 * NORMAL, "one is 0.6": np.array([.6] + 12 * [.5]), "all 0": np.zeros(13)}
    figure, adam = Starts(starts), Starts(starts, train.Adam(.03))

    def lines(start, update):
        return (np.diff(np.sign(np.diag(figure.compute(start, update)[0]))) != 0).sum()

    def right(figure, start):
        says = np.array([figure.output(p, X) * TARGETS > 0 for p in figure.paths[start]]).all(1)
        return len(says) - says[::-1].argmin() if says[-1] else None  # from here on all four are right

    assert {lines("all 0.5", update) for update in range(201)} == {1}
    assert [lines("normal × 1", update) for update in (7, 8)] == [1, 2]
    assert [lines("one is 0.6", update) for update in (50, 82, 83)] == [1, 1, 2]
    assert abs(figure.losses["one is 0.6"][50] / figure.losses["all 0.5"][50] - 1) < .05
    assert [right(figure, start) for start in starts] == [None, None, 11, None, 85, None]
    assert [right(adam, start) for start in starts] == [None, 18, 105, None, 74, None]
    assert right(Starts({"normal × 1": NORMAL}, train.Adam(.1)), "normal × 1") == 51
    assert set(figure.losses["all 0"] + adam.losses["all 0"]) == {4}
    assert adam.losses["normal × 5"][-1] > 50 and adam.losses["all 0.5"][-1] > 8 / 3
    assert max(figure.losses["normal × 0.01"][50:]) - min(figure.losses["normal × 0.01"][50:]) < 1e-6
    for made, options in (figure, (.05, 200)), (adam, (.03, 200, True)):
        by_hand = learned(np.stack(list(starts.values())), *options)[0]
        np.testing.assert_allclose(np.stack(list(made.losses.values()), -1), by_hand, rtol=1e-3, atol=1e-12)
    p = figure.paths["normal × 5"][-1]
    h = np.tanh(X[[0, 2]] @ p[:6].reshape(2, 3) + p[6:9])
    assert np.ptp(h, axis=0).max() < .01 and np.abs(figure.output(p, X[[0, 2]])).max() < .05
    assert np.abs(1 - h**2).max() < .01 and 2 < figure.losses["normal × 5"][-1] < 2.05


def test_a_small_start_is_slow_and_not_stuck():
    """Measured: 34049 updates from lesson 01's draw; and half the size leaves an eighth of the gradient."""
    losses_of, _ = learned(.01 * NORMAL[None], .05, 40000, below=.01)
    assert len(losses_of) - 1 == pytest.approx(34000, rel=.01, abs=0)
    ends = [learned(size * draws(100), .05, 30)[1] for size in (.01, .02)]
    moved = [np.linalg.norm(learned(p, 1., 1)[1] - p, axis=1) for p in ends]
    assert np.median(moved[1] / moved[0]) == pytest.approx(8, rel=.1, abs=0)
