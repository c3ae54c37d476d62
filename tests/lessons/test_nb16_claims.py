"""Claims on trial: every verdict is measured anew, follows from its rule, and is shown by the cell that is named."""
import csv
import functools
import inspect
import math
import re
import subprocess
import sys

import pytest

import notebooks
from course_lib.lessons.nb16_claims_on_trial import claims, ledger, pages, rules
from notebook_rules import NUMBER

LEDGER = claims.ledger()
IDS = [f"claim {claim.number}" for claim in LEDGER]
SLOW = claims.SLOW
"""They are measured in the long tests alone; test_nb16_blocks.py runs their other experiments."""
each_claim = pytest.mark.parametrize("claim", LEDGER, ids=IDS)


@functools.cache
def cells_of(lesson):
    """Return the cells of a notebook by their ids."""
    return {cell.id: cell for cell in notebooks.read(notebooks.ROOT / "notebooks" / f"{pages.NOTEBOOKS[lesson]}.ipynb").cells}


def said_otherwise(claim, word):
    """That a claim's other experiment, measured now, gets the word that the ledger says."""
    assert claims.verdict(claim.rule, claims.measure(claim.number, **claim.otherwise[word])) == word


def numbers_in(text):
    return {float(number) for number in NUMBER.findall(text)}


# Each claim

def test_they_are_numbered_and_at_least_eight_go_against_common_belief():
    assert [claim.number for claim in LEDGER] == list(range(1, len(LEDGER) + 1)) and len(LEDGER) >= 83
    assert sum(claim.verdict != "holds" for claim in LEDGER) >= 8
    assert set(pages.tally(LEDGER)) == set(rules.VERDICTS) and sum(pages.tally(LEDGER).values()) == len(LEDGER)


@pytest.mark.parametrize("path, count", [("README.md", 2), ("notebooks/TEACHING.md", 1), ("data/README.md", 1),
                                         ("notebooks/16_claims_on_trial.ipynb", 3),
                                         ("course_lib/lessons/nb16_claims_on_trial/__init__.py", 1)])
def test_their_number_is_said_rightly(path, count):
    said = re.findall(r"\b(\d+) (?:claims|sentences from|in all|sentences, each|of the claims)|of the (\d+) claims",
                      (notebooks.ROOT / path).read_text(encoding="utf-8"))
    assert len(said) >= count and {int(a or b) for a, b in said} == {len(LEDGER)}


@pytest.mark.long(but_every=4)
@pytest.mark.parametrize("claim", [pytest.param(claim, marks=[pytest.mark.long] * (claim.number in SLOW))
                                   for claim in LEDGER], ids=IDS)
def test_measured_anew_it_is_what_is_stored(claim):
    values = claims.measure(claim.number)
    assert {name: ledger.shown(value) for name, value in values.items()} == {
        name: ledger.shown(value) for name, value in claim.measured.items()}
    assert claims.verdict(claim.rule, values) == claim.verdict


@pytest.mark.long(but_every=5)
@pytest.mark.parametrize("claim, word", [(claim, word) for claim in LEDGER if claim.number not in SLOW
                                         for word, each in claim.otherwise.items() if isinstance(each, dict)], ids=str)
def test_another_experiment_makes_its_rule_say_something_else(claim, word):
    said_otherwise(claim, word)


def test_a_word_that_no_experiment_can_bring_about_has_its_theorem():
    """Where all others are forbidden, the claim is proved: an identity or a theorem, checked, not found."""
    proved = [claim.number for claim in LEDGER if claim.proved]
    assert proved == [3, 8, 9, 10, 14, 18, 50]
    assert all(claim.verdict == "holds" and claim.word == "holds, proved" for claim in LEDGER if claim.proved)
    for claim in LEDGER:
        assert len(set(claim.otherwise) | {claim.verdict}) >= 2 and all(
            each if isinstance(each, dict) else len(each) > 10 for each in claim.otherwise.values())


@each_claim
def test_its_cell_shows_something(claim):
    cell = cells_of(claim.lesson)[claim.cell]
    assert cell.cell_type == "code" and not {"exercise", "solution"} & set(cell.metadata.get("tags", []))
    shown = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    assert "".join(map(str, shown)).strip()


@each_claim
def test_each_number_of_its_sentence_was_measured(claim):
    known = set(claim.measured.values()) | numbers_in(claim.claim) | numbers_in(claim.rule)
    assert numbers_in(claim.sentence) <= known
    assert claim.sentence.endswith(".") and len(claim.sentence) <= 260


# Rules

@pytest.mark.parametrize("values, verdict", [
    ({"a": .95, "b": 0}, "holds"), ({"a": .9, "b": 0}, "holds partly"), ({"a": .95, "b": 3}, "holds partly"),
    ({"a": .1, "b": 0}, "fails"), ({"a": .95, "b": 10}, "fails"), ({"a": 1, "b": 1, "c": 7}, "holds")])
def test_a_rule_judges(values, verdict):
    assert claims.verdict("holds if a > .9 and 0 <= b < 2; fails if a < .5 or not b < 10", values) == verdict


BAD_RULES = {
    "form": ("holds if a > 1", "needs the form 'holds if EXPR; fails if EXPR'"),
    "syntax": ("holds if a > ; fails if a < 1", "cannot be read"),
    "division by zero": ("holds if a / 0 > 2; fails if a < 0", "divides by zero in 'a / 0'"),
    "sum": ("holds if a + 1 > 2; fails if a < 0", "contains 'a + 1', but only comparisons"),
    "call": ("holds if f(a) > 1; fails if a < 0", "contains 'f(a)', but only"),
    "attribute": ("holds if a.b > 1; fails if a < 0", "contains 'a.b', but only"),
    "text": ("holds if a > 'x'; fails if a < 0", "contains \"'x'\", but only"),
    "truth": ("holds if a > True; fails if a < 0", "contains 'True', but only"),
    "membership": ("holds if a in b; fails if a < 0", "contains 'In', but only"),
    "bare name": ("holds if a; fails if a < 0", "needs a comparison there, such as a > 0"),
    "compared condition": ("holds if (a > 1) > b; fails if a < 0", "needs a comparison there"),
    "both": ("holds if a > .5; fails if a < .9", "can hold and fail at once"),
    "both by names": ("holds if a > b; fails if b < a and c > 1", "can hold and fail at once"),
    "never fails": ("holds if a > 2; fails if a > 2 and a < 1", "can never say 'fails'"),
    "never holds": ("holds if a > b and b > a; fails if a < 0", "can never say 'holds'"),
    "constant": ("holds if 1 > 0; fails if 0 > 1", "can never say 'fails'"),
    "too large": ("holds if " + " and ".join(f"0 < x{i} < 1" for i in range(9)) + "; fails if x0 > 2",
                  "too many names"),
}


@pytest.mark.parametrize("name", BAD_RULES)
def test_a_bad_rule_is_refused(name):
    rule, words = BAD_RULES[name]
    with pytest.raises(ValueError) as refusal:
        rules.parse(rule)
    assert words in str(refusal.value)


@pytest.mark.parametrize("values, words", [
    ({"b": 1.}, "needs 'a'; measured are b"), ({}, "measured are no values"),
    ({"a": math.nan}, "a is nan, which no bound can judge"), ({"a": math.inf}, "a is inf, which no bound can judge")])
def test_bad_values_are_refused(values, words):
    with pytest.raises(ValueError) as refusal:
        claims.verdict("holds if a > 1; fails if a < 0", values)
    assert words in str(refusal.value)


def test_what_a_rule_can_say():
    assert claims.attainable("holds if a > .9; fails if a < .5") == set(rules.VERDICTS)
    assert claims.attainable("holds if a > 0; fails if a <= 0") == {"holds", "fails"}
    assert claims.attainable("holds if a >= 0; fails if a < 0", {"a": .3}) == {"holds"}
    assert claims.attainable("holds if a >= 0; fails if a < 0", {"a": -.3}) == {"holds", "fails"}  # 0 keeps its sign
    assert claims.attainable("holds if a == 1; fails if a < 1 or a > 1") == {"holds", "fails"}
    assert claims.attainable("holds if a < b < c; fails if a > b", dict(a=1, b=1, c=1)) == set(rules.VERDICTS)


def test_zones_say_where_one_number_changes_the_verdict():
    zones = rules.zones("holds if a > .9 and b < a; fails if a < .5", "a", {"a": .95, "b": .1})
    assert zones == ([.1, .5, .9], ["fails", "fails", "holds partly", "holds"],
                     ["fails", "holds partly", "holds partly"])
    assert rules.zones("holds if a == -1; fails if a > -1", "a", {"a": 0}) == (
        [-1.], ["holds partly", "fails"], ["holds"])
    with pytest.raises(ValueError, match="compares 'c' with nothing; it has a"):
        rules.zones("holds if a > 1; fails if a < 0", "c", {"a": 1, "c": 1})


# The ledger

GOOD = dict(number="1", claim="It grows", lesson="05", cell="entries-cell", rule="holds if a > 1; fails if a < .5",
            otherwise="fails with gain=.2, kind='linear'; holds partly never: it is odd", measured="a=12; b=1e-09",
            verdict="holds", sentence="It grows by 12.")
BAD_ROWS = {
    "number": (dict(number="2"), "the number is '2', needs to be 1"),
    "lesson": (dict(lesson="5"), "the lesson is '5', needs two digits"),
    "empty": (dict(measured="", verdict=" "), "measured, verdict is empty"),
    "no experiment": (dict(otherwise="fails"), "otherwise has 'fails', needs 'fails with gain=2.'"),
    "no inputs": (dict(otherwise="fails with 2"), "otherwise speaks of fails; it needs fails, holds partly"),
    "computed": (dict(otherwise="fails with gain=1/2"), "inputs are written as in a call"),
    "a word is missing": (dict(otherwise="fails with gain=2."),
                          "otherwise speaks of fails; it needs fails, holds partly"),
    "its own word": (dict(otherwise="holds with gain=2.; fails with gain=1.; holds partly with a=1"),
                     "otherwise speaks of fails, holds, holds partly; it needs fails, holds partly"),
    "no value": (dict(measured="a"), "measured has 'a', needs 'name=number; name=number'"),
    "no number": (dict(measured="a=much"), "measured has 'a=much', needs"),
    "digits": (dict(measured="a=12.34"), "'a=12.34' is not in 2 significant digits: write a=12"),
    "verdict": (dict(verdict="true"), "the verdict is 'true', needs one of holds"),
    "not by its rule": (dict(verdict="fails"), "the verdict is 'fails', but the rule says 'holds'"),
    "bad rule": (dict(rule="it holds"), "the rule is 'it holds', needs the form"),
    "not measured": (dict(measured="b=1"), "needs 'a'; measured are b"),
}


def write(path, **changes):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, claims.Claim._fields)
        writer.writeheader()
        writer.writerow(GOOD | changes)
    return path


def test_a_good_row_is_read(tmp_path):
    claim, = claims.ledger(write(tmp_path / "good.csv"))
    assert claim.measured == {"a": 12., "b": 1e-9} and (claim.number, claim.lesson) == (1, 5)
    assert claim.otherwise == {"fails": {"gain": .2, "kind": "linear"},
                               "holds partly": "it is odd"} and not claim.proved
    assert str(claim) == "Claim 1: holds.\nWhat may be said: It grows by 12."


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_refused(name, tmp_path):
    changes, words = BAD_ROWS[name]
    with pytest.raises(ValueError) as refusal:
        claims.ledger(write(tmp_path / "bad.csv", **changes))
    assert "bad.csv, line 2" in str(refusal.value) and words in str(refusal.value)


def test_a_bad_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.csv is not in"):
        claims.ledger(tmp_path / "none.csv")
    (tmp_path / "head.csv").write_text("number,claim\n1,x\n")
    with pytest.raises(ValueError, match="has the columns number, claim; it needs number, claim, lesson"):
        claims.ledger(tmp_path / "head.csv")
    (tmp_path / "wide.csv").write_text(",".join(claims.Claim._fields) + "\n" + ",".join("0123456789") + "\n")
    with pytest.raises(ValueError, match="line 2: it has too many or too few columns"):
        claims.ledger(tmp_path / "wide.csv")


@pytest.mark.parametrize("number, error, words", [
    (0, ValueError, "needs to be at least 1"), (1000, ValueError, f"go from 1 to {len(LEDGER)}"),
    (1.5, TypeError, "whole number")])
def test_no_other_claims(number, error, words):
    with pytest.raises(error, match=words):
        claims.measure(number)


def test_the_quick_and_the_slow_are_all():
    assert sorted([*claims.quick(), *claims.SLOW]) == [claim.number for claim in LEDGER]


def test_measured_again_a_changed_verdict_is_named(monkeypatch):
    assert str(claims.again([13, 50], progress=False)) == "2 of 2 verdicts follow again."
    opposite = {"unit_small": 0., "unit_large": 200., "small_grew": 0., "large_left": 5.}
    monkeypatch.setattr(ledger, "measure", lambda number: opposite if number == 13 else claims.get(number).measured)
    again = claims.again([13, 50], progress=False)
    assert again.changed() == [13] and str(again) == (
        f"1 of 2 verdicts follow again.\nclaim 13: {claims.get(13).verdict} before, holds now")


def test_a_trial_takes_its_inputs_and_no_others():
    assert claims.measure(34, gain=1.) == {"least": pytest.approx(1)}
    assert claims.measure(16, block=1) != claims.measure(34)
    with pytest.raises(ValueError, match="the trial of claim 34 has no input 'rate'; it has block, gain"):
        claims.measure(34, rate=1.)
    assert len(claims.in_blocks(34)) == 8 and len(claims.in_blocks(18)) == 1, "18 draws nothing"


def test_the_ledger_shows_block_0_of_every_trial_that_draws():
    trials = [inspect.signature(ledger.measurement(claim.number)).parameters for claim in LEDGER]
    assert {inputs["block"].default for inputs in trials if "block" in inputs} == {0} and 0 not in ledger.BLOCKS


# Rules and claims of the reader's

REFUSED = {
    "unsolved": (..., "write one in place of the ..., .* Measured are: unit_small, unit_large,"),
    "not a rule": ("it holds", "needs the form"),
    "division by zero": ("holds if unit_large / 0 > 1; fails if unit_large < 0", "divides by zero"),
    "not measured": ("holds if growth > 1; fails if growth < 1", "growth is not measured. Measured are: unit_small"),
    "never fails": ("holds if small_grew >= 0; fails if small_grew < 0", "it can never say 'fails', however large"),
    "always true": ("holds if small_grew <= 20; fails if small_grew > 20", "it says 'holds' of all 3 experiments"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_rule_that_is_no_test_is_refused(name):
    rule, words = REFUSED[name]
    tried = claims.my_rule(13, rule)
    assert tried.verdict == "" and tried.refused and re.search(words, tried.refused)
    assert repr(tried).startswith("Not yet a rule: ")


def test_a_rule_whose_word_depends_on_the_seeds_is_refused():
    tried = claims.my_rule(4, "holds if learned > 53.5; fails if learned < 20")
    assert re.search(r"depends on the seeds: .*learned goes from .* across 53.5\. A bound within the noise",
                     tried.refused)


def test_a_good_rule_is_measured():
    tried = claims.my_rule(13,
                           "holds if small_grew < 1 and large_left > 1; fails if small_grew > 10 and large_left < 1")
    assert tried.refused == "" and tried.verdict == "fails" and tried.values == {"small_grew": 20, "large_left": 0}
    assert "Your rule says 'fails', where the rule says 'holds partly' of the ledger" in " ".join(repr(tried).split())


def test_a_claim_of_ones_own_is_a_row():
    row = claims.my_claim("Seeds are small", "holds if seed < 9; fails if seed > 99", lambda block: {"seed": block},
                          "They are.")
    assert (row.number, row.verdict, row.measured) == (len(LEDGER) + 1, "holds", {"seed": 0.})
    assert f"{row.number} ✓ “Seeds are small” They are." in claims.sheet([row]).plain
    assert claims.court([row]).claims[-1] == row
    with pytest.raises(ValueError,
                       match="depends on the seeds: 'holds' in 2, 'holds partly' in 1, 'fails' in 2 of 5 blocks"):
        claims.my_claim("x", "holds if a < 2; fails if a > 2", lambda block: {"a": block}, "y")
    with pytest.raises(ValueError, match="can never say 'fails' of such numbers"):
        claims.my_claim("x", "holds if a >= 0; fails if a < 0", lambda block: {"a": 1 + block}, "y")


def test_the_ledger_needs_numpy_alone():
    code = ("import sys; from course_lib.lessons.nb16_claims_on_trial import claims; "
            "claims.ledger(), claims.table(), claims.sheet(); "
            "print([m for m in ('torch', 'matplotlib', 'ipywidgets', 'tqdm') if m in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# Pages

def test_links_name_the_notebooks_on_disk():
    assert pages.NOTEBOOKS == {int(path.stem[:2]): path.stem for path in notebooks.paths()}
    for number, stem in pages.NOTEBOOKS.items():
        heading = notebooks.read(notebooks.ROOT / "notebooks" / f"{stem}.ipynb").cells[0].source.splitlines()[0]
        assert heading.startswith(f"# {number:02} ")
    assert pages.link(claims.get(13)) == "05_singular_values.ipynb#cell-id=entries-cell"


def test_the_table_holds_every_claim_once():
    table = claims.table()
    assert table.rich.count("<tr>") == len(LEDGER) + 3 and table.rich.count("<details>") == 3
    for claim in LEDGER:
        assert table.rich.count(f'href="{pages.link(claim)}" aria-label="claim {claim.number} in') == 1
        assert claim.sentence in str(table)
    only = claims.table(["fails"])
    assert only.rich.count("<tr>") == 1 + pages.tally(LEDGER)["fails"]
    with pytest.raises(ValueError, match="a verdict is 'true', needs to be one of 'holds'"):
        claims.table(["true"])


def test_the_sheet_holds_every_sentence_and_is_written(tmp_path):
    sheet = claims.sheet()
    for claim in LEDGER:
        assert f"{claim.number} {pages.MARKS[claim.verdict]}{'∎' * claim.proved} “{claim.claim}” {claim.sentence}" in sheet.plain
    assert not re.search(r"(?<!\d)0?\.\d+ of (the )?(starts|networks|runs|cases)\b", sheet.plain), "shares are percent"
    assert "wall" not in sheet.plain, "who has only the sheet knows no wall"
    text = sheet.write(tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and sheet.rich in text and text.count("<li") == len(LEDGER)
    assert "http" not in text
    with pytest.raises(ValueError, match=r"the file is 'sheet.pdf', needs a name that ends in .html"):
        sheet.write(tmp_path / "sheet.pdf")


def test_the_court_opens_a_trial_by_a_vote():
    court = claims.court()
    assert court.trial.outputs == () and "The rule: it" in court.charge.value
    court.vote.value = claims.get(1).verdict
    shown = court.trial.outputs[0]["data"]["text/html"]
    assert claims.get(1).verdict in shown and pages.link(claims.get(1)) in shown and 'alt="Claim 1, verdict' in shown
    assert court.score() == f"You voted on 1 of {len(LEDGER)} claims; 1 of your first votes stand."
    court.vote.value = next(word for word in rules.VERDICTS if word != claims.get(1).verdict)
    assert court.votes == {1: claims.get(1).verdict}, "the first vote counts"
    court.next.click()
    assert court.called.number == 2 and court.vote.value is None and court.trial.outputs == ()
    court.claim.value = len(LEDGER)
    court.vote.value = next(word for word in rules.VERDICTS if word != LEDGER[-1].verdict)
    assert court.score() == f"You voted on 2 of {len(LEDGER)} claims; 1 of your first votes stand."
    court.next.click()
    assert court.called.number == 1
    still = court._repr_mimebundle_()
    assert claims.get(1).claim.split('"')[0] in still["text/html"] and claims.get(1).sentence in still["text/plain"]
