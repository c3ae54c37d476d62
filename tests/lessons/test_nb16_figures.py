"""The picture of the court: what is drawn and said of a claim agrees with its rule."""
import re

import numpy as np
import pytest

from course_lib.lessons.nb16_claims_on_trial import claims, rules
from course_lib.lessons.nb16_claims_on_trial.courtroom import margins
from course_lib.lessons.nb16_claims_on_trial.figures import EDGES, MOST
from legible import texts_fit

LEDGER = claims.ledger()


def example(rule, **measured):
    return claims.Claim(1, "It grows", 5, "entries-cell", rule, {}, measured, claims.verdict(rule, measured),
                        "It grows.")


@pytest.fixture(scope="module")
def figure():
    return margins(LEDGER)


def test_what_is_drawn_is_what_the_rule_says(figure):
    for claim in LEDGER:
        figure.update(claim=claim.number)
        names = rules.parse(claim.rule).names
        assert len(names) <= MOST and [text.get_text().split(" = ")[0] for text in figure.names if text.get_text()] == names
        for name, (x, y) in zip(names, np.transpose(figure.dots.get_data())):
            zones = figure.data.zones[name]
            assert len(zones.edges) <= EDGES
            here = [word for word, line in figure.lines.items() if covers(line, x, y)]
            at = [word for word, line in figure.edges.items() if (np.transpose(line.get_data()) == (x, y)).all(1).any()]
            assert (at or here) == [claim.verdict]
            drawn = np.concatenate([np.reshape(line.get_xdata(), (-1, 3))[np.array(line.get_ydata()[::3]) == y]
                                    for line in figure.lines.values() if len(line.get_xdata())])
            assert len(drawn) == len(zones.between)
        assert f"verdict: {claim.verdict}." in figure.alt and all(f"{name} is " in figure.alt for name in names)


def covers(line, x, y):
    """Whether a line with gaps runs through a point."""
    xs, ys = line.get_data()
    return any(low < x < high and row == y for low, high, row in zip(xs[::3], xs[1::3], ys[::3]))


def test_the_margin_is_said_and_right():
    rule = "holds if a > .9 and b < a; fails if a < .5"
    figure = margins([example(rule, a=.95, b=.1)])
    assert figure.alt == ("Claim 1, verdict: holds. a is 0.95, at 0.9 the verdict would be: holds partly; "
                          "b is 0.1, at 0.95 the verdict would be: holds partly.")
    figure = margins([example("holds if a == 2; fails if a < 1", a=2)])
    assert figure.alt.endswith("a is 2, below 2 the verdict would be: holds partly and above 2 the verdict would be: "
                               "holds partly.")
    figure = margins([example("holds if a > 1 and b > 1; fails if a < 0 and b < 0", a=.5, b=.5)])
    assert "a is 0.5, and alone changes nothing" in figure.alt
    assert figure.edges["holds partly"].get_xdata() == pytest.approx([1 / 3, 2 / 3] * 2, rel=1e-6, abs=0)


def test_said_changes_are_those_of_the_rule(figure):
    for claim in LEDGER:
        words = figure.update(claim=claim.number).alt
        for name, part in re.findall(r"(\w+) is [^;]*?((?:below|at|above) [^;]*)[;.]", words):
            for where, edge, word in re.findall(r"(below|at|above) (\S+) the verdict would be: (holds partly|holds|fails)", part):
                moved = float(edge) + {"below": -1e-9, "at": 0., "above": 1e-9}[where] * max(1e-3, abs(float(edge)))
                assert claims.verdict(claim.rule, {**claim.measured, name: moved}) == word != claim.verdict


def test_every_text_can_be_read(figure):
    def texts(claim):
        return sum(len(rules.zones(claim.rule, name, claim.measured).edges) for name in rules.parse(claim.rule).names)

    for claim in sorted(LEDGER, key=texts)[-12:]:
        assert texts_fit(figure.update(claim=claim.number)) >= 6


@pytest.mark.parametrize("claim", [0, 1000, 1.5])
def test_no_other_claims(figure, claim):
    with pytest.raises((TypeError, ValueError), match="claim is"):
        figure.update(claim=claim)
