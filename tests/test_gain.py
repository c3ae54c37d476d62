"""What make gain says: intervals hold the truth as often as they say, numbers agree with other ways, bad files."""
import html
import json
import random
import re

import mpmath
import numpy as np
import pytest

import gain
import gain_files
import gain_numbers
import gain_page
from course_lib.lessons.nb00_start_here import inventory

ASKED = inventory.questions()["questions"]
HARD = np.random.default_rng(0).normal(.6, 1, len(ASKED))


def classes(draws, students, true, seed):
    """Scores (draws, students) before and after: each learns the share `true`, on average, of what it does not know."""
    rng = np.random.default_rng(seed)
    known = 1 / (1 + np.exp(HARD - rng.normal(size=(draws, students, 1))))
    share = rng.beta(4 * true, 4 * (1 - true), (draws, students, 1)) if true else 0.
    return [(rng.random(known.shape) < chance).mean(-1) for chance in (known, known + share * (1 - known))]


def sheet(rng, chance):
    """The answers of one student, right with this chance."""
    return {asked["id"]: asked["right"] if rng.random() < chance else
            rng.choice([option["id"] for option in asked["options"] if option["id"] != asked["right"]])
            for asked in ASKED}


def write(path, code, **sheets):
    """A file as inventory.export writes it."""
    path.write_text(json.dumps({"inventory": "gradients-through-time", "code": code, "sheets": [
        {"when": when, "version": 1, "day": "2026-11-29", "answers": answers} for when, answers in sheets.items()]}))
    return path


def made(folder, students, before=.3, after=.6, keep=lambda when, number: True):
    """The files of a class."""
    folder.mkdir(exist_ok=True)
    rng = random.Random(0)
    for number in range(students):
        sheets = {"before": sheet(rng, before), "after": sheet(rng, after)}
        write(folder / f"inventory-{number}.json", f"code {number}",
              **{when: answers for when, answers in sheets.items() if keep(when, number)})
    return folder


def said(folder):
    """The sentences on top of the page of these files, and the page."""
    page, sentences = gain_page.page(gain_files.read(gain_files.files([str(folder)])))
    return " ".join(sentences), page


# Numbers

@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("students", [8, 30, 300])
@pytest.mark.parametrize("true", [0, .3, .6])
@pytest.mark.parametrize("paired", [True, False])
def test_the_interval_holds_the_truth(students, true, paired):
    before, after = classes(500, students, true, seed=students)
    if not paired:
        _, after = classes(500, students, true, seed=students + 1)
    found = [gain_numbers.class_gain(*each, paired) for each in zip(before, after)]
    held = np.mean([each.low <= true <= each.high for each in found])
    assert .90 <= held <= .98
    assert abs(np.mean([each.value for each in found]) - true) < .02  # guessing gives 0


def test_the_mean_of_own_gains_leans_low_where_that_of_the_class_does_not():
    own, whole = np.mean([(gain_numbers.mean_of_gains(*each)[0].value, gain_numbers.class_gain(*each, True).value)
                          for each in zip(*classes(500, 30, 0, seed=1))], axis=0)
    assert -.1 < own < -.03 and abs(whole) < .01


@pytest.mark.long
def test_percentiles_of_a_bootstrap_hold_it_less_often_in_small_classes():
    rng, held = np.random.default_rng(0), []
    for before, after in zip(*classes(500, 8, .3, seed=8)):
        drawn = rng.integers(0, 8, (500, 8))
        low, high = np.percentile(1 - (1 - after)[drawn].mean(1) / (1 - before)[drawn].mean(1), [2.5, 97.5])
        held.append(low <= .3 <= high)
    assert np.mean(held) < .93


@pytest.mark.parametrize("freedom", [4, 7, 29, 299, 31.4])
def test_quantiles_of_t_are_those_of_its_distribution(freedom):
    t = float(gain_numbers.t_quantile(freedom))
    assert float(mpmath.betainc(.5, freedom / 2, 0, t**2 / (freedom + t**2), regularized=True)) == pytest.approx(
        .95, rel=1e-6, abs=0)


@pytest.mark.parametrize("students", [8, 30, 300])
@pytest.mark.parametrize("share", [.025, .975])
def test_quantiles_of_f_are_those_of_its_distribution(students, share):
    above, below = students - 1, (students - 1) * 17
    f = float(gain_numbers.f_quantile(share, above, below))
    assert float(mpmath.betainc(above / 2, below / 2, 0, above * f / (above * f + below), regularized=True)
                 ) == pytest.approx(share, abs=1e-4)


def sem(values):
    """The standard error of a mean."""
    return np.sqrt(sum((value - values.mean())**2 for value in values) / (len(values) - 1) / len(values))


@pytest.mark.parametrize("paired", [True, False])
def test_at_the_ends_of_the_interval_a_t_test_is_just_not_refused(paired):
    rng = np.random.default_rng(3)
    before = rng.random(12) / 2
    after = (before + (1 - before) * rng.random(12) / 2)[:12 if paired else 9]
    found = gain_numbers.class_gain(before, after, paired)
    assert found.value == pytest.approx((after.mean() - before.mean()) / (1 - before.mean()),
                                        rel=1e-12, abs=0)
    for end in (found.low, found.high):
        a, b = (1 - end) * (1 - before), 1 - after
        t = (b - a).mean() / sem(b - a) if paired else (b.mean() - a.mean()) / np.hypot(sem(a), sem(b))
        freedom = 11 if paired else (sem(a)**2 + sem(b)**2)**2 / (sem(a)**4 / 11 + sem(b)**4 / 8)
        tail = float(mpmath.betainc(freedom / 2, .5, 0, freedom / (freedom + t**2), regularized=True))
        assert tail == pytest.approx(.05, abs=1e-5 if paired else .005)  # unpaired, the degrees are the estimate's


def marks(students=40, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.random((students, 18)) < rng.random((students, 1))).astype(float)


def test_discrimination_is_the_correlation_with_the_other_questions():
    right = marks()
    assert gain_numbers.discrimination(right) == pytest.approx(
        [np.corrcoef(right[:, place], np.delete(right, place, axis=1).sum(axis=1))[0, 1] for place in range(18)],
        rel=1e-12, abs=0)
    right[:, 3] = 1
    assert np.isnan(gain_numbers.discrimination(right)[3])


def test_reliability_is_that_of_an_analysis_of_variance():
    right = marks()
    by_student, by_question = right.mean(1, keepdims=True), right.mean(0)
    rest = right - by_student - by_question + right.mean()
    hoyt = 1 - (rest**2).sum() / (39 * 17) / (18 * ((by_student - right.mean())**2).sum() / 39)
    found = gain_numbers.reliability(right)
    assert found.value == pytest.approx(hoyt, rel=1e-12, abs=0) and found.low < found.value < found.high < 1


def test_feldt_s_interval_holds_the_reliability_of_parallel_questions():
    rng, held = np.random.default_rng(0), []
    for _ in range(300):  # each answer is a trait with variance 1, and noise with variance 4: alpha = 18 / (18 + 4)
        found = gain_numbers.reliability(rng.normal(size=(12, 1)) + 2 * rng.normal(size=(12, 18)))
        held.append(found.low <= 18 / 22 <= found.high)
    assert .91 < np.mean(held) < .99


# Classes

def test_a_class_that_learns(tmp_path):
    text, page = said(made(tmp_path / "c", 24, keep=lambda when, number: (when, number) != ("after", 3)))
    assert text.startswith("23 students answered before and after.")
    assert "about" in text and "Only before: 1 student" in text
    assert "have not been validated with students" in page and page.count("<img alt=\"") == 2
    alt = r'alt="Share of right answers to each question\. Hardest in the end: \d+ \w+, \d+ %\. Most gained'
    assert re.search(alt, page)
    assert "http" not in page.replace("http://www.w3.org", "")


@pytest.mark.long(but_every=3)
@pytest.mark.parametrize("students, before, after, keep, told", [
    (1, .3, .6, None, "From fewer than 5 students no interval is told"),
    (4, .3, .6, None, "From fewer than 5 students no interval is told"),
    (6, 1, 1, None, "The gain is undefined: all was right before"),
    (20, .7, .3, None, "It is negative"),
    (8, .3, .3, None, "The interval holds 0"),
    (9, .3, .6, lambda when, number: when == "before", "There is no gain: 9 students answered before the course, none"),
    (9, .3, .6, lambda when, number: when == "after", "There is no gain: 9 students answered after the course, none"),
    (3, .3, .6, lambda when, number: (when == "before") == (number < 2), "and no code word is in both"),
    (16, .3, .6, lambda when, number: (when == "before") == (number < 8),
     "8 sheets before are compared with 8 after as two"),
])
def test_small_and_strange_classes_get_a_sentence(tmp_path, students, before, after, keep, told):
    text, _ = said(made(tmp_path / "c", students, before, after, keep or (lambda when, number: True)))
    assert told in text


@pytest.mark.parametrize("students, told", [(4, 0), (5, 1)])
def test_how_far_questions_agree_is_told_from_five_sheets_on(tmp_path, students, told):
    _, page = said(made(tmp_path / "c", students))
    assert page.count("KR-20 before: ") == page.count("KR-20 after: ") == told


def test_nearly_all_right_before_rules_nothing_out():
    before = np.r_[np.ones(9), 17 / 18]
    found = gain_numbers.class_gain(before, np.r_[np.ones(8), 17 / 18, 17 / 18], True)
    assert not np.isfinite([found.low, found.high]).any()
    assert "no gain can be ruled out" in gain_page.gain_in_words(found, 10)
    _, without = gain_numbers.mean_of_gains(before, before)
    assert without == 9


def test_beliefs_are_followed_from_sheet_to_sheet(tmp_path):
    nobody = {asked["id"]: gain_files.UNKNOWN for asked in ASKED}
    for number, later in enumerate(["adam", "adam", "stop", "amount", "unknown"]):
        write(tmp_path / f"inventory-{number}.json", f"code {number}", before=nobody | {"scaled": "amount"},
              after=nobody | {"scaled": later})
    _, page = said(tmp_path)
    row = re.search(r"<tr><th scope=\"row\">claim 2: .*?</tr>", page)[0]
    assert re.findall(r"<td[^>]*>(.*?)</td>", row) == [
        "8", "5", "1", "2 to the right answer, 1 stayed, 1 to claim 5, 1 to &quot;I don&#x27;t know&quot;"]
    assert "&quot;I don&#x27;t know&quot; is 94 % of the answers before" in page


# Files

def test_what_is_missing_or_there_twice_is_told(tmp_path):
    made(tmp_path / "c", 6)
    path = tmp_path / "c" / "inventory-0.json"
    (tmp_path / "c" / "inventory-copy.json").write_text(path.read_text())
    content = json.loads((tmp_path / "c" / "inventory-1.json").read_text())
    del content["sheets"][0]["answers"]["latch"]
    (tmp_path / "c" / "inventory-1.json").write_text(json.dumps(content))
    notes = gain_files.read(gain_files.files([str(tmp_path / "c")])).notes
    twice = "the same sheet is in inventory-0.json and in inventory-copy.json; it counts once"
    assert any(twice in note for note in notes)
    assert "code 1, before: 1 of 18 questions have no answer and count as not right." in notes


def test_code_words_are_joined_however_they_were_typed(tmp_path):
    rng = random.Random(0)
    write(tmp_path / "inventory-a.json", "Blue_Heron", before=sheet(rng, .3))
    write(tmp_path / "inventory-b.json", "blue  heron", after=sheet(rng, .6))
    assert "1 student answered before and after" in said(tmp_path)[0]


def test_a_sheet_before_that_came_later_is_told(tmp_path):
    path = made(tmp_path / "c", 2) / "inventory-0.json"
    changed(path, lambda content: content["sheets"][0].update(day="2026-12-01"))
    note, = gain_files.read(gain_files.files([str(tmp_path / "c")])).notes
    assert note.startswith("code 0: the sheet before, of 2026-12-01, is later than the sheet after, of 2026-11-29")


@pytest.mark.parametrize("paired", [True, False])
def test_students_who_are_all_alike_tell_no_interval(paired):
    found = gain_numbers.class_gain(np.full(6, .5), np.full(6, .7), paired)
    assert found.value == pytest.approx(.4) and np.isnan([found.low, found.high]).all()
    assert "All students are alike in it" in gain_page.gain_in_words(found, 6)
    assert np.isnan(gain_numbers.mean_of_gains(np.full(6, .5), np.full(6, .7))[0].low)
    assert gain_numbers.class_gain(np.full(6, .5), np.r_[np.full(5, .7), .75], paired).low < .4


def changed(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("spoil, told", [
    (lambda path: path.write_text("{"), "can't be read as JSON"),
    (lambda path: path.write_text("[1]"), "JSON of something else"),
    (lambda path: path.write_text("[" * 100_000), "can't be read as JSON"),
    (lambda path: changed(path, lambda c: c["sheets"][0].update(version="1")), "answers version '1' of the questions"),
    (lambda path: changed(path, lambda c: c.update(sheets=[{"when": "then"}])), "lacks a code word, or a sheet"),
    (lambda path: changed(path, lambda c: c.update(sheets=[])), "no file has a sheet in it"),
    (lambda path: changed(path, lambda c: c["sheets"][0].update(version=0)),
     "answers version 0 of the questions, this copy"),
    (lambda path: changed(path, lambda c: c["sheets"][0]["answers"].update(latch="maybe")),
     "answers 'latch' with 'maybe'"),
    (lambda path: changed(path, lambda c: c["sheets"][0]["answers"].update(latch=[])), "answers 'latch' with []"),
    (lambda path: write(path.with_name("inventory-b.json"), "code 0", before=sheet(random.Random(9), .5)),
     "sheets of the code word 'code 0'. Two of them, before the course, in inventory-0.json and in inventory-b.json"),
    (lambda path: path.rename(path.with_name("other.json")), "has no file inventory-*.json"),
])
def test_a_bad_file_gets_a_sentence(tmp_path, spoil, told, capsys):
    spoil(made(tmp_path / "c", 1) / "inventory-0.json")
    assert gain.main([str(tmp_path / "c")]) == 2
    assert told in capsys.readouterr().err


def test_one_bad_file_is_left_out_and_named_and_the_rest_counts(tmp_path, monkeypatch, capsys):
    """As a class of 8, of whom one file is cut short and two are of people who chose one code word."""
    monkeypatch.setattr(gain, "TARGET", tmp_path / "gain.html")
    monkeypatch.setattr(gain, "ROOT", tmp_path)
    whole = said(made(tmp_path / "c", 6))[0]
    torn = write(tmp_path / "c" / "inventory-torn.json", "code 9", before=sheet(random.Random(9), .5))
    torn.write_text(torn.read_text()[:-40])
    for number in 6, 7:
        half = sheet(random.Random(number), .5)
        half.pop("latch")
        write(tmp_path / "c" / f"inventory-{number}.json", "the same word", before=half, after=half)
    assert gain.main([str(tmp_path / "c")]) == 0
    printed, page = capsys.readouterr().out, html.unescape(gain.TARGET.read_text())
    for told in ("Left out: inventory-torn.json can't be read as JSON",
                 "Left out: all sheets of the code word 'the same word'. Two of them, after the course, in "
                 "inventory-6.json and in inventory-7.json, differ"):
        assert told in printed and told in page
    assert whole in " ".join(printed.splitlines()) and "the same word, before" not in page
    for path in sorted((tmp_path / "c").glob("inventory-?.json"))[:6]:
        path.unlink()
    assert gain.main([str(tmp_path / "c")]) == 2  # nothing is left
    assert capsys.readouterr().err.count("Left out: ") == 2


@pytest.mark.parametrize("names, told", [
    ([], "FILES is empty, needs files or folders"), (["gone"], "gone is not there")])
def test_no_file_gets_a_sentence(names, told, capsys):
    assert gain.main(names) == 2
    assert told in capsys.readouterr().err


def test_the_page_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gain, "TARGET", gain.ROOT / "build" / "test-gain" / "gain.html")
    half = sheet(random.Random(0), .5)
    half.pop("latch")
    write(made(tmp_path / "c", 8) / "inventory-half.json", "half a letter \ud800", before=half)  # on the page: a ?
    assert gain.main([str(tmp_path / "c")]) == 0
    assert "The page: build/test-gain/gain.html" in capsys.readouterr().out
    assert gain.TARGET.read_text().endswith("</html>\n")
    gain.TARGET.unlink()
    gain.TARGET.parent.rmdir()
