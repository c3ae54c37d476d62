"""The final project: a task is looked at, trials are audited, both against counting by hand; bad input is refused."""

import itertools
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course_lib import tasks
from course_lib.lessons.nb17_final_project import rubric
from course_lib.lessons.nb17_final_project.figures import Scores
from course_lib.lessons.nb17_final_project.rubric import Opened, Trial
from legible import legible


def thermostat(distance, batch, rng):
    room, wish = rng.uniform(-1, 1, size=(distance + 1, batch)), rng.uniform(-1, 1, size=batch)
    x = np.stack([np.zeros_like(room), room], axis=-1)
    x[0, :, 0] = wish
    return x, (room[-1] > wish).astype(int)


def recall(distance, batch, rng):
    return tasks.recall(distance + 1, batch, rng, symbols=4)


def leaking(distance, batch, rng):
    x, labels = recall(distance, batch, rng)
    x[-1] = np.eye(4)[labels]
    return x, labels


# Looking at a task -------------------------------------------------------------------------------------


@pytest.mark.parametrize("make, steps, inputs, classes, chance, floor", [
    (thermostat, 41, 2, 2, .5, .75),  # E max(u, 1 - u) = 3/4
    (recall, 41, 4, 4, .25, .25),
    (leaking, 41, 4, 4, .25, 1.)])
def test_floor_is_the_one_that_theory_gives(make, steps, inputs, classes, chance, floor):
    task = rubric.look(make, distance=40)
    assert task[:5] == (make.__name__, 40, steps, inputs, classes)
    assert abs(task.chance - chance) < .04 and abs(task.floor - floor) < .04
    assert str(task).startswith(f"{make.__name__} at distance 40: x ({steps}, batch, {inputs}), {classes} classes. ")
    assert str(task).endswith(f"by the last step alone: {task.floor:.2f}.")


def test_the_floor_of_finite_data_is_measured_on_what_is_new():
    images = np.random.default_rng(1).random((300, 4)), np.random.default_rng(2).integers(2, size=300)

    def memorized(distance, batch, rng, of=slice(0, 200)):  # labels by chance: only who knows the image can answer
        chosen = np.arange(300)[of][rng.integers(len(images[0][of]), size=batch)]
        return np.repeat(images[0][chosen][None], distance + 1, axis=0), images[1][chosen]

    def fresh(distance, batch, rng):
        return memorized(distance, batch, rng, of=slice(200, 300))

    task = rubric.look(memorized, distance=3)
    assert task.met == 1 and "Of the new sequences 1.00 are among the 2000 to learn from." in str(task)
    task = rubric.look(memorized, distance=3, new=fresh)
    assert task.met == 0 and "new" not in str(task)
    with pytest.raises(ValueError, match=r"recall makes x of shape \(6, 1000, 4\), thermostat of \(6, 2000, 2\)"):
        rubric.look(thermostat, distance=5, new=recall)


def test_more_steps_are_seen_on_request():
    task = rubric.look(recall, distance=3, seen=3)
    assert task.floor < .4 and "by the last 3 steps alone" in str(task)

    def early(distance, batch, rng):  # two steps before the end
        x, labels = recall(distance, batch, rng)
        x[-3] = np.eye(4)[labels]
        return x, labels

    assert rubric.look(early, distance=9, seen=2).floor < .4 and rubric.look(early, distance=9, seen=3).floor > .99


def changed(x=lambda x: x, labels=lambda labels: labels):
    """Return the recall task with something wrong in it."""
    def wrong(distance, batch, rng):
        made = recall(distance, batch, rng)
        return x(made[0]), labels(made[1])
    return wrong


UNSEEDED = np.random.default_rng(3)


@pytest.mark.parametrize("make, error, message", [
    (3, TypeError, "make is int, needs the function itself"),
    (lambda distance, batch, rng: None, TypeError, "returned NoneType, needs the two arrays x, labels"),
    (changed(x=lambda x: x.swapaxes(0, 1)), ValueError, "batch-first, return x.transpose"),
    (changed(x=lambda x: x[..., 0]), ValueError, r"still needs its axis: x\[..., None\]"),
    (changed(x=lambda x: x[:, :-1]), ValueError, r"needs \(steps, 2000, inputs\)"),
    (changed(x=lambda x: x / 0), ValueError, "x is not finite"),
    (changed(labels=lambda labels: labels[:, None]), ValueError, r"labels has shape \(2000, 1\), needs \(2000,\)"),
    (changed(labels=lambda labels: labels / 2), TypeError, "labels has dtype float64, needs classes"),
    (changed(labels=lambda labels: labels - 1), ValueError, "labels holds -1"),
    (changed(labels=lambda labels: 2 * labels), ValueError, r"gives the labels \[0, 2, 4, 6\]"),
    (changed(labels=lambda labels: 0 * labels), ValueError, r"gives the labels \[0\] in 3000 sequences"),
    (changed(x=lambda x: x + UNSEEDED.normal()), ValueError, "different sequences for the same seed"),
    (lambda distance, batch, rng: recall(9, batch, rng), ValueError, "has 10 steps at distance 5 and 10 at 10"),
])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_no_task_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        rubric.look(make, distance=5)


@pytest.mark.parametrize("options, message", [
    ({"distance": 0}, "distance is 0"), ({"distance": 5, "seen": 6}, "seen is 6, needs to be below the 6 steps")])
def test_a_distance_or_an_end_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        rubric.look(recall, **options)


# Auditing trials ---------------------------------------------------------------------------------------


SCORES = {"plain": .76, "clipped": .76, "orthogonal": .93, "LSTM": .95, "mean": .9}
PREDICTED = {"clipped": False, "orthogonal": True, "LSTM": True, "mean": True}


def trials(seeds=range(5), updates=700, **scores):
    """Return a project's trials: at distance 40 the scores of the methods, at 5 a plain network that has learned."""
    scores = SCORES | scores
    return [Trial("plain", 5, seed, updates, .96) for seed in seeds] + \
           [Trial(method, 40, seed, updates, score)
            for (method, score), seed in itertools.product(scores.items(), seeds)]


SEALED = Opened(dict.fromkeys(PREDICTED, "before"), .85, True)


def marks(of, floor=.75, success=.85, predicted=PREDICTED, opened=None):
    """Return {criterion: (points, why)}."""
    opened = opened or SEALED._replace(success=success)
    return {name: (points, why) for name, points, why in
            rubric.audit(of, floor=floor, success=success, predicted=predicted, opened=opened).marks}


def swap(of, **new):
    """Return the trials with one replaced: the last one of the plain network at distance 40."""
    at = max(i for i, trial in enumerate(of) if trial[:2] == ("plain", 40))
    return of[:at] + [of[at]._replace(**new)] + of[at + 1:]


def test_a_good_project_earns_all_that_data_can_earn():
    settings = dict(floor=.75, success=.85, predicted=PREDICTED, opened=SEALED)
    audit = rubric.audit(trials(), **settings)
    assert [mark.points for mark in audit.marks] == [2] * 6 + [None] * 4
    assert audit.points == 12
    assert str(audit).endswith("Total: 12 of 12 so far; 8 more are for a reader to give, 20 in all.")
    assert len(str(audit).splitlines()) == 11
    assert audit.marks[4].why == "3 learn with every seed: orthogonal, LSTM, mean"
    assert audit.marks[5].why == "4 of 4 methods, 4 came true, sealed before they ran"
    assert rubric.audit([tuple(trial) for trial in trials()], **settings) == audit


def test_what_a_reader_gives_is_added():
    audit = rubric.audit(trials(), floor=.75, success=.85, predicted=PREDICTED, opened=SEALED,
                         reader={"The task": 2, "The report": 1})
    assert audit.points == 15 and str(audit).endswith("15 of 16 so far; 4 more are for a reader to give, 20 in all.")
    audit = rubric.audit([], floor=.75, success=.85, predicted={}, reader=dict.fromkeys(rubric.BY_READER, 1))
    assert str(audit).endswith("Total: 4 of 20.")


def test_nothing_is_earned_without_trials():
    audit = rubric.audit([], floor=.5, success=.9, predicted={"mine": True})
    assert audit.points == 0 and all(mark.why == "no trials yet" for mark in audit.marks[:6])


@pytest.mark.parametrize("criterion, points, why, options", [
    ("The dial", 2, "plain learns 5 of 5 at 5, 0 of 5 at 40", {"of": trials()}),
    ("The dial", 1, "plain learns 5 of 5 at 5, 1 of 5 at 40", {"of": swap(trials(), score=.95)}),
    ("The dial", 0, "plain learns 5 of 5 at 5, 5 of 5 at 40", {"of": trials(plain=.96)}),
    ("The dial", 0, "plain learns 0 of 5 at 5, 0 of 5 at 40", {"of": trials(), "success": .99}),
    ("The dial", 0, "only the distance 40", {"of": trials()[5:]}),
    ("The seeds", 2, "5 for each method", {"of": trials()}),
    ("The seeds", 1, "4 for each method", {"of": trials(range(4))}),
    ("The seeds", 1, "3 for each method", {"of": trials(range(3))}),
    ("The seeds", 0, "2 for each method", {"of": trials(range(2))}),
    ("The seeds", 0, "not the same for all methods", {"of": swap(trials(), seed=9)}),
    ("The seeds", 0, "not the same for all methods: mean has [0, 1, 2, 3]", {"of": trials()[:-1]}),
    ("The budget", 2, "700 updates for all", {"of": trials()}),
    ("The budget", 1, "no method was given more than plain",
     {"of": [t if t.method == "plain" else t._replace(updates=300) for t in trials()]}),
    ("The budget", 0, "clipped was given 700 updates, plain 300", {"of": swap(trials(), updates=300)}),
    ("The criterion", 2, "no trial lies within 0.03 of 0.85", {"of": trials()}),
    ("The criterion", 1, "5 trials lie within 0.03 of 0.85", {"of": trials(mean=.879)}),
    ("The criterion", 1, "5 trials lie within 0.03 of 0.85", {"of": trials(clipped=.821)}),
    ("The criterion", 0, "0.85 is no more than the floor 0.9", {"of": trials(), "floor": .9}),
    ("The cures", 1, "2 learn with every seed: orthogonal, LSTM", {"of": trials(mean=.8)}),
    ("The cures", 0, "0 learn with every seed", {"of": trials(), "success": .99}),
    ("The cures", 0, "plain itself learned 1 times", {"of": swap(trials(), score=.95)}),
    ("The criterion", 0, "0.85, but 0.9 when it was sealed", {"of": trials(), "opened": SEALED._replace(success=.9)}),
    ("The predictions", 1, "4 came true; not sealed before it ran: clipped, orthogonal, LSTM, mean",
     {"of": trials(), "opened": Opened({}, None, True)}),
    ("The predictions", 1, "not sealed before it ran: mean",
     {"of": trials(), "opened": SEALED._replace(states=SEALED.states | {"mean": "after"})}),
    ("The predictions", 0, "sealed otherwise before it ran: mean",
     {"of": trials(), "opened": SEALED._replace(states=SEALED.states | {"mean": "changed"})}),
    ("The predictions", 0, "changed by hand", {"of": trials(), "opened": SEALED._replace(whole=False)}),
    ("The predictions", 2, "4 of 4 methods, 2 came true",
     {"of": trials(), "predicted": PREDICTED | {"clipped": True, "mean": False}}),
    ("The predictions", 1, "none that says what will not help",
     {"of": trials(), "predicted": dict.fromkeys(PREDICTED, True)}),
    ("The predictions", 1, "1 of 4 methods, 1 came true", {"of": trials(), "predicted": {"clipped": False}}),
    ("The predictions", 0, "0 of 4 methods", {"of": trials(), "predicted": {}}),
])
def test_each_criterion_gives_its_points(criterion, points, why, options):
    got, said = marks(**options)[criterion]
    assert got == points and why in said, said


@pytest.mark.parametrize("of, options, error, message", [
    ([("plain", 40, 0, 700)], {}, TypeError, r"needs rubric.Trial\(method, distance, seed, updates, score\)"),
    ([Trial("", 40, 0, 700, .5)], {}, TypeError, "method is '', needs a name"),
    ([Trial("plain", 0, 0, 700, .5)], {}, ValueError, "distance is 0"),
    ([Trial("plain", 40, .5, 700, .5)], {}, TypeError, "seed is 0.5"),
    ([Trial("plain", 40, 0, 0, .5)], {}, ValueError, "updates is 0"),
    ([Trial("plain", 40, 0, 700, 76.)], {}, ValueError, "score is 76, needs a share from 0 to 1. Divide by 100"),
    ([Trial("plain", 40, 0, 700, np.nan)], {}, ValueError, "score is nan, needs a finite number"),
    (trials() + trials(), {}, ValueError, "'plain' at distance 5 with seed 0 is listed twice"),
    (trials(), {"floor": 75.}, ValueError, "floor is 75"),
    (trials(), {"success": "high"}, TypeError, "success is 'high'"),
    (trials(), {"predicted": {"clipping": False}}, ValueError, "no trial of 'clipping'; methods are 'plain', "),
    (trials(), {"predicted": {"clipped": "no"}}, TypeError, "needs {method: True or False}"),
    (trials(), {"predicted": ["clipped"]}, TypeError, "predicted is"),
    (trials(), {"predicted": {3: False}}, TypeError, "predicted is"),
    (trials(), {"opened": "yes"}, TypeError, r"opened is str, needs what study.opened\(predicted, success\) returns"),
    (trials(), {"reader": {"The style": 2}}, ValueError, "a criterion of the reader is 'The style', needs one of"),
    (trials(), {"reader": {"The task": 3}}, ValueError, "The task is given 3 points, needs 0, 1 or 2"),
    (trials(), {"plain": "RNN"}, ValueError, "no trial of 'RNN'"),
    ([*trials(), Trial("wide", 5, 0, 700, .9)], {}, ValueError,
     "'wide' was not tried at distance 40.*run 'wide' there, or leave that distance out"),
])
def test_what_is_no_trial_is_refused(of, options, error, message):
    with pytest.raises(error, match=message):
        rubric.audit(of, **{"floor": .75, "success": .85, "predicted": PREDICTED} | options)


# A negative result with power --------------------------------------------------------------------------


def scattered(plain, width=.01, seeds=range(5), **means):
    """Trials whose scores scatter around the means of their methods; at distance 5 plain has .93."""
    rng = np.random.default_rng(0)
    return [Trial(method, distance, seed, 700, float(mean + width * rng.normal()))
            for method, distance, mean in [("plain", 5, .93), ("plain", 40, plain),
                                           *((name, 40, mean) for name, mean in means.items())] for seed in seeds]


ALIKE = {"clipped": .92, "orthogonal": .93, "LSTM": .93}
NO_CURE = {"clipped": .755, "orthogonal": .75, "LSTM": .75}


def test_distance_and_methods_that_make_no_difference_earn_their_points():
    earned = marks(scattered(.92, **ALIKE), predicted={})
    assert earned["The dial"][0] == earned["The cures"][0] == 2
    for criterion in ("The dial", "The cures"):
        assert re.search(r"a negative result with power: the largest difference is [+-]0\.0\d\d, give or take 0\.0\d\d, "
                         r"and 0\.05 would be seen", earned[criterion][1])


def test_cures_that_do_not_help_earn_their_points_where_plain_fails():
    earned = marks(scattered(.75, **NO_CURE), predicted={})
    assert earned["The dial"][0] == 2 and "negative" not in earned["The dial"][1]
    assert earned["The cures"][0] == 2 and "negative result with power" in earned["The cures"][1]


@pytest.mark.parametrize("why, of", [
    ("four seeds", scattered(.92, seeds=range(4), **ALIKE)),
    ("too wide", scattered(.92, width=.05, **ALIKE)),
    ("nowhere a network learns", scattered(.75, **NO_CURE)[5:] + [Trial("plain", 5, s, 700, .75) for s in range(5)]),
    ("a method that helps one time in two", scattered(.75, **NO_CURE | {"LSTM": .83})),
    ("a method that helps a little, with every seed", scattered(.75, width=.002, **NO_CURE | {"LSTM": .79})),
    ("no method", scattered(.92)),
    ("methods that change nothing",
     [trial._replace(score=.92) if trial.distance == 40 else trial for trial in scattered(.92, **ALIKE)])])
def test_without_power_a_negative_result_earns_no_cures(why, of):
    points, said = marks(of, predicted={})["The cures"]
    assert points == 0 and "negative" not in said, why


def test_fewer_than_three_methods_earn_one_point_for_a_negative_result():
    assert marks(scattered(.92, clipped=.92, LSTM=.93), predicted={})["The cures"][0] == 1


def test_the_interval_is_students():
    gains = np.array([.01, .02, -.01, .03, 0.])
    of = [Trial(method, 40, seed, 700, .9 + (method == "LSTM") * float(gains[seed]))
          for method in ("plain", "LSTM") for seed in range(5)]
    half = 2.776 * np.sqrt(((gains - gains.mean()) ** 2).sum() / 4 / 5)  # by hand
    most = gains.mean() + half
    said = rubric._same(of, "plain", .75, .75 + 2.002 * most)
    assert f"{gains.mean():+.3f}, give or take {half:.3f}" in said
    assert rubric._same(of, "plain", .75, .75 + 1.998 * most) is None


# The figure --------------------------------------------------------------------------------------------


def test_scores_draws_every_trial_on_its_side_of_the_criterion():
    of = swap(trials(), score=.851)
    figure = Scores(of, floor=.75, success=.85)
    ax = figure.fig.axes[0]
    learned, failed = (np.concatenate([line.get_xdata() for line in ax.lines if line.get_marker() == marker])
                       for marker in "ox")
    assert np.array_equal(learned, [t.score for t in of if t.score >= .85])
    assert np.array_equal(failed, [t.score for t in of if t.score < .85])
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "None"] == [.75, .85]
    low, high = ax.get_xlim()
    assert low < min(failed) and max(learned) < high
    assert "Without memory 0.75 are right, from 0.85 on" in figure.alt
    assert "plain at 5: 5 of 5; plain at 40: 1 of 5; clipped at 40: 0 of 5; orthogonal at 40: 5 of 5" in figure.alt
    assert [text.get_text() for text in ax.texts[:2]] == ["5 of 5", "1 of 5"]
    legible(figure)


def test_scores_of_nothing_is_refused():
    with pytest.raises(ValueError, match="trials is empty"):
        Scores([], floor=.75, success=.85)


# The notebook ------------------------------------------------------------------------------------------


def test_the_rubric_of_the_notebook_has_the_criteria_of_the_audit_and_their_total():
    path = Path(__file__).parents[2] / "notebooks" / "17_final_project.ipynb"
    text = next(cell.source for cell in nbformat.read(path, 4).cells if cell.id == "rubric")
    audit = rubric.audit([], floor=.5, success=.9, predicted={})
    criteria = [mark.criterion for mark in audit.marks]
    assert re.findall(r"^\| \*\*(.+?)\*\* \|", text, re.MULTILINE) == [*criteria, "Total"]
    assert f"| **Total** | **{2 * len(criteria)}** | **{len(criteria)}** | **0** |" in text
