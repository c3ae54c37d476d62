"""The inventory: each wrong answer is a belief the ledger does not let stand, each right one is computed; taking it."""
import json
import random
import re

import numpy as np
import pytest

import notebooks
from course_lib import bptt, clipping, initialise, jacobians
from course_lib.activations import sigmoid
from course_lib.exercises.progress import Store, default_path
from course_lib.lessons.nb00_start_here import inventory
from course_lib.lessons.nb16_claims_on_trial import claims

ASKED = inventory.questions()["questions"]
every_question = pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked["id"])


@pytest.fixture(autouse=True)
def own_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.jsonl"))


def letters(known):
    """The letters of an answer sheet: the right one where known says so, else "?"."""
    return "".join(next(o["letter"] for o in asked["options"] if o["id"] == asked["right"]) if known(asked) else "?"
                   for asked in ASKED)


# The questions

@every_question
def test_each_wrong_answer_is_a_belief_that_does_not_hold(asked):
    *options, unknown = asked["options"]
    assert (unknown["id"], unknown["letter"]) == ("unknown", "?") and asked["number"] == ASKED.index(asked) + 1
    assert [option["letter"] for option in options] == list("abcd"[:len(options)])
    assert [option["id"] for option in options if "belief" not in option] == [asked["right"]]
    wrong = [option for option in options if "belief" in option]
    assert len(wrong) >= 2 and len({option["belief"] for option in wrong}) == len(wrong)
    for option in wrong:
        assert claims.get(option["belief"]).verdict != "holds"
    assert len({option["id"] for option in asked["options"]}) == len(asked["options"])


@every_question
def test_each_question_is_settled_by_a_cell(asked):
    path, = notebooks.ROOT.glob(f"notebooks/{asked['lesson']}_*.ipynb")
    assert asked["cell"] in {cell.id for cell in notebooks.read(path).cells}


def test_it_takes_ten_minutes_and_letters_give_nothing_away():
    texts = [inventory.questions()["words"]] + [text for asked in ASKED for text in (
        asked["question"], *(option["text"] for option in asked["options"][:-1]))]
    minutes = len(" ".join(texts).split()) / 180 + len(ASKED) * 10 / 60  # as TEACHING counts reading; 10 s to choose
    assert 16 <= len(ASKED) <= 20 and minutes < 10
    places = letters(lambda asked: True)
    assert all(places.count(letter) >= 2 for letter in "abcd") and max(map(places.count, "abcd")) <= len(ASKED) / 2
    lengths = [[len(option["text"]) for option in asked["options"][:-1]] for asked in ASKED]
    longest = sum(asked["options"][np.argmax(size)]["id"] == asked["right"] for asked, size in zip(ASKED, lengths))
    assert longest <= len(ASKED) / 2  # to choose the longest is no way to pass
    assert len({asked["lesson"] for asked in ASKED}) >= 9


# What is right, computed

def sizes(gain, activation="tanh", inputs=.1, recurrent="orthogonal", steps=60, units=32, seed=0, W_hh=None, **options):
    """|dL/dh_t| of a network before training, its loss read at the end, from the first step to the last."""
    rng = np.random.default_rng(seed)
    params = initialise.rnn(3, units, rng, recurrent, gain)
    params = params if W_hh is None else params._replace(W_hh=W_hh)
    run = bptt.forward(params, inputs * rng.normal(size=(steps, 1, 3)), activation=activation)
    back = bptt.backward(run, bptt.at_end(run, options.pop("end", 1.)), **options)
    return np.linalg.norm(back.dh[:, 0], axis=-1), run, back


def shrinks(**options):
    size, *_ = sizes(**options)
    return size[0] < 1e-3 * size[-1]


def steeper():
    def distances(curvature, rate=.1):
        return np.abs((1 - rate * curvature)**np.arange(400))
    needed = [np.argmax(distances(curvature) < 1e-6) for curvature in (1, 3, 9)]
    jumps, further = distances(15), distances(21)
    return needed == sorted(needed)[::-1] and jumps[-1] < 1e-6 and all(np.diff(further) > 0)


def matrix():
    drawn, run, _ = sizes(1., recurrent="uniform")
    slopes = np.log10(1 - run.h[1:]**2).mean() * 60
    larger, more, _ = sizes(2., recurrent="uniform", inputs=1e-3)
    return (drawn[0] < 1e-6 * drawn[-1] and -slopes < .1 * np.log10(drawn[-1] / drawn[0])
            and np.abs(more.params.W_hh).max() < 1 and larger[0] > 1e-2 * larger[-1])


def factors():
    mixed, one, norms = claims.measure(16), claims.measure(77), claims.measure(12)
    size, *_ = sizes(2., inputs=.5, recurrent="gaussian", steps=200)
    steps = np.log(size[:-1] / size[1:])
    return (mixed["mixed"] == 60 and one["one"] < 1e-3 and norms["smallest_norm"] > 1.4 and norms["layers_grew"] == 0
            and steps.mean() > 0 and (steps < 0).mean() > .1)


def entries():
    rng = np.random.default_rng(0)
    large, small = .89 * np.sign(rng.normal(size=(32, 32))), rng.uniform(-.01, .01, (32, 32))
    return (np.abs([large, small]).max() < .9 and shrinks(gain=1, activation="linear", W_hh=small)
            and sizes(1., "linear", W_hh=large)[0][0] > 1e3)


def latch():
    def ends(sign, state=0.):
        for kick in np.r_[2. * sign, .1 * np.random.default_rng(0).normal(size=1000)]:
            state = np.tanh(2 * state + kick)
        return state
    return ends(1) > .5 and ends(-1) < -.5


def unseen():
    size, _, back = sizes(.5, inputs=1.)
    return size[0] < 1e-12 * size[-1] and clipping.global_norm(back.grads) > .1


def nothing_longer():
    _, _, back = sizes(.9, inputs=1.)
    clipped = clipping.clip_by_norm(back.grads, 1.).grads
    ratio = [new / old for new, old in zip(clipped, back.grads)]
    return clipping.global_norm(back.grads) > 1 and all(np.allclose(each, ratio[0].flat[0], rtol=1e-12, atol=0) and
                                                        (each <= 1).all() for each in ratio)


def growth():
    def factor(gain, end=1.):
        size, run, _ = sizes(gain, "linear", end=end)
        assert np.isclose(jacobians.spectral_radius(run.params.W_hh), gain, rtol=1e-9, atol=0)
        return (size[0] / size[-1])**(1 / 60)
    return np.allclose([factor(1.2), factor(1.2, .001), factor(1.)], [1.2, 1.2, 1.], rtol=1e-9, atol=0)


def orthogonal():
    quiet, *_ = sizes(1., inputs=.01, steps=100)
    loud, *_ = sizes(1., inputs=3., steps=100)
    return all((np.diff(size) > -1e-12 * size[:-1]).all() for size in (quiet, loud)) and quiet[0] > .5 * quiet[-1] and (
        loud[0] < 1e-6 * loud[-1])


def window():
    size, *_ = sizes(1., steps=60, window=20)
    learned = claims.get(43).measured
    return not size[:40].any() and size[41:].all() and learned["hold"] == 100 and learned["delay"] < 50


RIGHT = {
    "limit": steeper, "whole": matrix, "slopes": orthogonal, "logs": factors, "rests": latch, "neither": unseen,
    "smaller": growth, "carried": window,
    "stretch": lambda: claims.measure(17)["tanh_exploded"] == 20 and claims.measure(21)["slopes_grew"] == 0,
    "shrinks": lambda: all(shrinks(gain=1., activation=name, recurrent="uniform")
                           for name in ("tanh", "relu", "linear")),
    "end": lambda: claims.measure(15)["grew_first"] == 20 == claims.measure(15)["gone_at_200"],
    "adam": lambda: np.allclose([claims.measure(2)[name] for name in ("doubled_first", "doubled_second")], [2, 1],
                                rtol=1e-6, atol=0),
    # trained networks: what test_nb16_claims measures anew
    "ordinary": lambda: claims.get(66).measured["bounded"] == 0 and claims.get(65).measured["bounded"] < 50,
    "same": lambda: (claims.measure(42)["work"] == 1 > claims.measure(69)["kept"]
                     and claims.get(44).measured["told"] > 90),
    "half": lambda: claims.measure(48)["vanished"] == 100,
    "none": lambda: .7 < sigmoid(1.) < .8 and sigmoid(1.)**200 < 1e-20,
}


@every_question
def test_what_is_called_right_is_what_is_measured(asked):
    settled = {"entries": entries, "clipping": nothing_longer}.get(asked["id"]) or RIGHT[asked["right"]]
    assert settled()


# Taking it

def test_both_sheets_are_kept_and_exported(tmp_path, capsys):
    inventory.take("before", "Blue  Heron", letters(lambda asked: asked["lesson"] < "04"))
    told = capsys.readouterr().out
    assert "Kept under 'blue heron'" in told and "Right" not in told and "lesson" not in told
    inventory.take("after", "blue heron", letters(lambda asked: asked["id"] != "latch"))
    told = capsys.readouterr().out
    assert "Right before the course: 1 of 18." in told and "Right after the course: 17 of 18." in told
    assert re.findall(r"^\d+\. \(lesson (\d\d)\)", told, re.MULTILINE) == ["06"]
    content = json.loads(inventory.export("blue heron", tmp_path).read_text())
    assert content["code"] == "blue heron" and [sheet["when"] for sheet in content["sheets"]] == ["before", "after"]
    answers = content["sheets"][0]["answers"]
    assert answers["steeper"] == "limit" and answers["latch"] == "unknown"


def test_the_first_sheet_counts(capsys, tmp_path):
    inventory.take("before", "blue heron", "?" * 18)
    inventory.take("before", "blue heron", letters(lambda asked: True))
    assert "the first one counts" in capsys.readouterr().out
    sheet, = json.loads(inventory.export("blue heron", tmp_path).read_text())["sheets"]
    assert set(sheet["answers"].values()) == {"unknown"}


def test_a_code_word_written_otherwise_is_the_same(tmp_path):
    inventory.take("before", "blue-heron", "?" * 18)
    inventory.take("after", "Blue_Heron", "?" * 18)
    path = inventory.export("blue heron", tmp_path)
    assert path.name == "inventory-blue-heron.json" and len(json.loads(path.read_text())["sheets"]) == 2


def test_a_sheet_of_other_questions_is_not_counted(monkeypatch, capsys):
    inventory.take("before", "blue heron", "?" * 18)
    Store(default_path()).append({"kind": "inventory", "id": "after", "code": "torn heron", "sheet": {"answers": 5}})
    monkeypatch.setattr(inventory, "questions", lambda: {"version": 99, "words": "", "questions": ASKED})
    inventory.take("after", "blue heron", letters(lambda asked: True))
    told = capsys.readouterr().out
    assert "The sheet before the course answers other questions than today's." in told
    assert "Right before" not in told and "Right after the course: 18 of 18." in told
    inventory.take("after", "torn heron", letters(lambda asked: True))
    assert "Right after the course: 18 of 18." in capsys.readouterr().out


def test_the_page_keeps_what_is_chosen(tmp_path):
    page = inventory.take("before", "blue heron")
    boxes = [child for child in page.children if hasattr(child, "options")]
    *_, save, said = page.children
    save.click()
    assert "Not kept yet" in said.value and len(boxes) == 18
    rng = random.Random(0)
    for box in boxes:
        box.value = rng.choice([value for _, value in box.options])
    save.click()
    assert "Kept under" in said.value and 'role="status"' in said.value
    sheet, = json.loads(inventory.export("blue heron", tmp_path).read_text())["sheets"]
    assert list(sheet["answers"].values()) == [box.value for box in boxes]


def test_without_a_code_word_it_says_what_to_do_and_keeps_nothing(capsys):
    assert inventory.take("before") is None and "Put a code word that you will know again" in capsys.readouterr().out
    assert Store(default_path()).read() == ([], 0)


@pytest.mark.parametrize("call, said", [
    (lambda: inventory.take("during", "blue heron"), "when is 'during', needs one of 'before', 'after'"),
    (lambda: inventory.take("before", "me@example.org"), "code word is 'me@example.org', needs 3 to 40 letters"),
    (lambda: inventory.take("before", 7), "code word is 7"),
    (lambda: inventory.take("before", "grüner Reiher"), "needs 3 to 40 letters of a to z, digits and spaces"),
    (lambda: inventory.take("before", "blue heron", ["a", "b"]), "answers is ['a', 'b'], needs a text of letters"),
    (lambda: inventory.take("before", "blue heron", "abc"), "answers has 3 letters, needs 18"),
    (lambda: inventory.take("before", "blue heron", "d" + "?" * 17),
     "answer 1 is 'd', needs one of 'a', 'b', 'c', '?'"),
    (lambda: inventory.export("gray heron"), "nothing is kept under the code word 'gray heron'"),
])
def test_bad_input_gets_a_sentence(call, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        call()


def test_a_folder_that_is_not_there_gets_a_sentence(tmp_path):
    inventory.take("before", "blue heron", "?" * 18)
    with pytest.raises(ValueError, match="there is no folder .*gone.* here"):
        inventory.export("blue heron", tmp_path / "gone")
