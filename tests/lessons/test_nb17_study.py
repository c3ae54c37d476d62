"""A study: the same seeds for all, options that travel with a method, a chain of records that shows what came first."""

import json

import numpy as np
import pytest

from course_lib.lessons.nb17_final_project.rubric import Trial
from course_lib.lessons.nb17_final_project.study import Recipe, Study
from nb17_tasks import brackets, button, echo, warmer


class Clipper:
    """As watch.Clipper, without a network."""

    def __init__(self, updates, max_norm, overflows=0):
        self.norms, self.overflows = [2.] * updates, overflows
        self.acted = updates * (max_norm < 2)


class Net:
    def __init__(self, skill=0):
        self.skill = skill

    def parameters(self):
        return []


def plain():
    return Net()


def skilled():
    return Net(.3)


def train(build, make, distance, seed, max_norm=np.inf, updates=7, overflows=0):
    make(distance, 4, np.random.default_rng(seed))
    net = build()
    net.seed = seed
    return net, Clipper(updates, max_norm, overflows)


def score(net, make, distance):
    return .5 + net.skill + net.seed / 100 - distance / 1000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my_project.jsonl"


def study_of(path=None, seeds=(0, 1), make=brackets, **options):
    return Study(make, train, score, seeds, file=path, **options)


PREDICTED = {"clipped": False, "skilled": True}


def a_whole_study(path):
    study = study_of(path)
    study.run("plain", plain, 5)
    study.run("plain", plain, 40)
    study.seal(PREDICTED, .7)
    study.run("clipped", Recipe(plain, max_norm=1.), 40)
    study.run("skilled", skilled, 40)
    return study


def test_a_method_carries_its_options_and_every_seed_runs_once():
    study = study_of(seeds=range(3))
    nets, clippers = study.run("clipped", Recipe(plain, max_norm=1., updates=9), 5)
    assert [net.seed for net in nets] == [0, 1, 2] and [clipper.acted for clipper in clippers] == [9] * 3
    _, clippers = study.run("plain", plain, 5)
    assert [clipper.acted for clipper in clippers] == [0] * 3
    assert study.trials == [Trial("clipped", 5, seed, 9, .495 + seed / 100) for seed in range(3)] + [
        Trial("plain", 5, seed, 7, .495 + seed / 100) for seed in range(3)]
    assert isinstance(Recipe(skilled)(), Net)


def test_new_sequences_are_what_is_scored():
    seen = []
    study = Study(brackets, train, lambda net, make, distance: seen.append(make) or .5, [0], new=warmer)
    study.run("plain", plain, 5)
    assert seen == [warmer]


def test_what_was_run_and_sealed_is_there_the_next_day(path):
    study = a_whole_study(path)
    again = study_of(path)
    assert again.trials == study.trials and len(again.trials) == 8 and again.longest == 40
    assert str(again.opened(PREDICTED, .7)) == str(study.opened(PREDICTED, .7))
    assert str(again.opened(PREDICTED, .7)).startswith("Sealed before they ran: clipped, skilled.\n")


def test_without_a_file_nothing_is_written_and_no_code_is_shown(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    study = a_whole_study(None)
    assert str(study.opened(PREDICTED, .7)) == "Sealed before they ran: clipped, skilled.\n" \
                                               "The criterion was 0.7 when it was sealed."
    assert not list(path.parent.iterdir())


def test_a_study_makes_its_file_with_the_first_run(path):
    study_of(path)
    assert not path.exists()
    study_of(path).run("plain", plain, 5)
    assert path.exists()


def test_run_twice_the_last_counts_and_another_result_is_told(path, capsys):
    study = a_whole_study(path)
    study.run("skilled", skilled, 40)
    assert len(study.trials) == 8 and capsys.readouterr().out == ""
    study.run("skilled", plain, 40)
    assert "'skilled' had been run at distance 40 before, with another result. The new one counts. If it is another " \
           "method, give it a name of its own." in capsys.readouterr().out
    scores = [trial.score for trial in study.trials if trial.method == "skilled"]
    assert scores == pytest.approx([.46, .47], rel=1e-6, abs=0)
    assert study.opened(PREDICTED, .7).states == dict.fromkeys(PREDICTED, "before")


def test_a_method_that_diverges_is_told_and_counts(capsys):
    study = study_of()
    study.run("wild", Recipe(skilled, overflows=3), 5)
    assert "'wild' diverged with the seeds [0, 1]: a gradient was not finite" in capsys.readouterr().out
    assert [trial.updates for trial in study.trials] == [10, 10]


def test_an_interrupt_keeps_the_seeds_that_were_done(path):
    def stops(build, make, distance, seed):
        if seed == 1:
            raise KeyboardInterrupt
        return train(build, make, distance, seed)
    with pytest.raises(KeyboardInterrupt):
        Study(brackets, stops, score, [0, 1], file=path).run("plain", plain, 5)
    assert [trial.seed for trial in study_of(path).trials] == [0]


def test_seeds_that_are_left_out_do_not_count(path):
    a_whole_study(path)
    assert {trial.seed for trial in study_of(path, seeds=[1]).trials} == {1}


def test_what_is_dropped_does_not_count_and_stays_known(path):
    study = a_whole_study(path)
    study.run("plain", plain, 80)
    assert study.longest == 80
    study.drop("plain", 80)
    assert study.longest == 40 and len(study.trials) == 8
    study.drop("skilled")
    assert {trial.method for trial in study_of(path).trials} == {"plain", "clipped"}
    assert "Run, and left out: skilled." in str(study.opened(PREDICTED, .7))
    study.run("skilled", skilled, 40)
    assert len(study.trials) == 8
    with pytest.raises(ValueError, match="there is no run of 'plain' at distance 80 to drop; methods are 'clipped', "):
        study.drop("plain", 80)


# Seals -------------------------------------------------------------------------------------------------


def test_a_seal_says_what_time_and_code_and_is_written_once(path):
    study = study_of(path)
    said = study.seal(PREDICTED, .7)
    assert said.startswith("Sealed: 2 predictions and the criterion 0.7, 20") and " UTC, code " in said
    code = said.split("code ")[1].rstrip(".")
    again = study_of(path).seal(PREDICTED, .7)
    assert again == said.replace("Sealed:", "Sealed already:")
    assert len(path.read_text().split()) and path.read_text().count('"seal"') == 1
    assert f"Code {code} of 20" in str(study.opened(PREDICTED, .7))
    assert study_of(path.with_name("other.jsonl")).seal({"clipped": True}, .7).split("code ")[1] != code
    assert study.seal({}, .7) == "Nothing is predicted yet, so nothing is sealed."


def test_predictions_that_came_after_the_run_are_told():
    study = study_of()
    study.run("clipped", plain, 5)
    assert study.seal(PREDICTED, .7).endswith(" Run before: clipped.")
    study.run("skilled", skilled, 5)
    opened = study.opened(PREDICTED | {"mine": True}, .7)
    assert opened.states == {"clipped": "after", "skilled": "before", "mine": "never"}
    assert str(opened) == ("Sealed before they ran: skilled.\nSealed only after they ran: clipped.\nNever sealed: mine."
                           "\nThe criterion was 0.7 when it was sealed.")


def test_a_prediction_may_change_before_its_run_and_not_after(path):
    study = study_of(path)
    study.seal({"clipped": True, "skilled": True}, .7)
    study.seal(PREDICTED, .7)
    study.run("clipped", plain, 5)
    study.seal(PREDICTED | {"clipped": True}, .7)
    study.run("skilled", skilled, 5)
    assert study.opened(PREDICTED, .7).states == {"clipped": "before", "skilled": "before"}
    assert study.opened(PREDICTED | {"clipped": True}, .7).states == {"clipped": "changed", "skilled": "before"}


def test_a_criterion_that_moved_is_told():
    study = a_whole_study(None)
    assert study.opened(PREDICTED, .7).success == .7 and study.opened(PREDICTED, .6).success == .7
    study.seal(PREDICTED, .6)  # too late
    assert study.opened(PREDICTED, .6).success == .7


@pytest.mark.parametrize("forgery", [
    lambda lines: [line.replace('"skilled": true', '"skilled": false') for line in lines],
    lambda lines: lines[:4] + lines[5:],                                      # the seal is taken out
    lambda lines: [lines[4]] + lines[:4] + lines[5:],                         # it is moved to the front
    lambda lines: [line.replace('"score": 0.47', '"score": 0.97') for line in lines],
    lambda lines: lines[:5] + [lines[5][:20]] + lines[6:],
])
def test_a_file_changed_by_hand_proves_nothing(path, forgery):
    a_whole_study(path)
    assert study_of(path).opened(PREDICTED, .7).whole
    lines = path.read_text().split("\n")
    lines = [line for line in lines if line]
    assert forgery(lines) != lines and '"seal"' in lines[4]
    path.write_text("\n".join(forgery(lines)) + "\n")
    opened = study_of(path).opened(PREDICTED, .7)
    assert not opened.whole and "was changed by hand: it proves nothing" in str(opened)


def test_a_line_cut_short_by_a_crash_breaks_nothing(path):
    study = a_whole_study(path)
    with path.open("a") as file:
        file.write('\n{"kind": "run", "id": "sk')
    study_of(path).run("skilled", skilled, 40)
    assert study_of(path).opened(PREDICTED, .7).whole and study_of(path).trials == study.trials


def test_a_folder_that_cannot_be_written_is_told_and_memory_goes_on(tmp_path, capsys):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    study = a_whole_study(blocked / "my_project.jsonl")
    assert capsys.readouterr().out.count("Your study can't be saved in ") == 1
    assert len(study.trials) == 8 and study.opened(PREDICTED, .7).states == dict.fromkeys(PREDICTED, "before")


# Bad input ---------------------------------------------------------------------------------------------


def test_a_file_of_another_task_is_refused(path):
    a_whole_study(path)
    for make in (echo, lambda distance, batch, rng: brackets(distance, batch, np.random.default_rng(5))):
        with pytest.raises(ValueError, match="my_project.jsonl holds runs of another task, or of this one before it"):
            study_of(path, make=make)


def test_a_file_of_something_else_is_refused(path, tmp_path):
    path.write_text(json.dumps({"kind": "passed", "id": "3.1"}) + "\n")
    with pytest.raises(ValueError, match="holds something else than a study. Give the study a file of its own"):
        study_of(path)
    with pytest.raises(ValueError, match="needs a name that ends in .jsonl"):
        study_of(tmp_path / "17_final_project.ipynb")


def same_network():
    net = Net()
    return lambda: net


@pytest.mark.parametrize("call, error, message", [
    (lambda: Study(brackets(3, 2, np.random.default_rng(0)), train, score, [0]), TypeError,
     r"make is tuple, needs the function itself, without \(\)"),
    (lambda: Study(brackets, None, score, [0]), TypeError, "train is NoneType, needs the function"),
    (lambda: study_of(seeds=5), TypeError, r"seeds is 5, needs several whole numbers, such as range\(5\)"),
    (lambda: study_of(seeds=[]), ValueError, r"seeds is \[\], needs different whole numbers"),
    (lambda: study_of(seeds=[1, 1]), ValueError, r"seeds is \[1, 1\], needs different whole numbers"),
    (lambda: study_of(seeds=[.5]), TypeError, "seed is 0.5"),
    (lambda: Recipe(Net()), TypeError, r"build is a Net, already a network; needs the function that makes one"),
    (lambda: Recipe(3), TypeError, "build is 3, needs a function without arguments"),
    (lambda: study_of().run("", plain, 5), TypeError, "name is '', needs a text"),
    (lambda: study_of().run(plain, "plain", 5), TypeError, "needs a text: the method's name"),
    (lambda: study_of().run("plain", Net(), 5), TypeError, "build is a Net, already a network"),
    (lambda: study_of().run("plain", (plain, {}), 5), TypeError, "needs a function without arguments.*or a Recipe"),
    (lambda: study_of().run("plain", plain, 0), ValueError, "distance is 0"),
    (lambda: study_of().run("plain", plain, [5]), TypeError, r"distance is \[5\]"),
    (lambda: study_of().run("plain", same_network(), 5), ValueError, "'plain' builds the same network for each seed"),
    (lambda: study_of().run("plain", Recipe(plain, updates=0), 5), ValueError, "the clipper was never called"),
    (lambda: study_of(make=lambda d, b, rng: brackets(d, b, rng)[0]).run("plain", plain, 5), TypeError,
     "needs the two arrays x, labels"),
    (lambda: Study(brackets, lambda *_: Net(), score, [0]).run("plain", plain, 5), TypeError,
     "end it with return net, clipper"),
    (lambda: Study(brackets, train, lambda *_: np.nan, [0]).run("plain", plain, 5), ValueError, "score is nan"),
    (lambda: Study(brackets, train, lambda *_: 76., [0]).run("plain", plain, 5), ValueError, "score is 76.*in percent"),
    (lambda: study_of().longest, ValueError, '"plain" was not run yet: fill in the distances'),
    (lambda: study_of().seal({"clipped": "no"}, .7), TypeError, "needs {method: True or False}"),
    (lambda: study_of().seal(PREDICTED, 70), ValueError, "success is 70"),
    (lambda: study_of().opened([], .7), TypeError, r"predicted is \[\]"),
])
def test_bad_input_gets_a_sentence(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_numpy_numbers_are_as_good(path):
    study = study_of(path, seeds=np.arange(2), make=button)
    study.run("plain", plain, np.int64(5))
    study.seal({"clipped": np.bool_(False)}, np.float64(.7))
    assert study_of(path, make=button).opened({"clipped": False}, .7).states == {"clipped": "before"}
