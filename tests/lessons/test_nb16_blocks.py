"""Verdicts of the ledger do not hang on a seed, nor on the next size or rate; every rule has said its other words.

No two blocks of seeds share one. All trials were measured in eight blocks beside the ledger's, after their rules were last
changed (22, 23, 25, 32, 35, 38, 44 and 74 in the blocks 9 to 16, 40 in 15 to 22). Here the quick ones are measured in three of them and the slow ones in one, for the whole file has minutes of CPU.
"""
import inspect

import pytest

from course_lib.lessons.nb16_claims_on_trial import claims, ledger
from test_nb16_claims import LEDGER, SLOW, said_otherwise

pytestmark = pytest.mark.long

DRAWING = [claim for claim in LEDGER if "block" in inspect.signature(ledger.measurement(claim.number)).parameters]
NEIGHBORS = {
    4: [dict(rate=.05), dict(rate=.15)], 11: [dict(small=.4), dict(large=5.)], 12: [dict(layers=80), dict(gain=.85)],
    13: [dict(units=48), dict(units=96)], 15: [dict(radius=.88), dict(shear=1.8)], 16: [dict(units=16), dict(units=64)],
    17: [dict(linear=.7), dict(tanh=3.)], 19: [dict(steps=40), dict(steps=80)], 21: [dict(relu=2.5), dict(tanh=3.)],
    22: [dict(layers=25), dict(layers=40)], 23: [dict(steps=50), dict(layers=25)], 33: [dict(w=1.8), dict(noise=.3)],
    34: [dict(gain=1.4)], 35: [dict(rate=.2), dict(rate=.4)], 39: [dict(T=40), dict(T=60)], 42: [dict(chunk=50)],
    44: [dict(window=8), dict(window=12)], 45: [dict(T=50), dict(T=70)], 48: [dict(T=50), dict(T=70)],
    53: [dict(steps=500), dict(units=128)], 56: [dict(rate=.075)], 58: [dict(gains=(.85, .95, 1.05))],
    59: [dict(gain=.8), dict(gain=1.2)], 61: [dict(steps=40), dict(steps=80)], 63: [dict(spoiled=300.)],
    69: [dict(chunk=50), dict(chunk=200)], 71: [dict(boundary=4.8), dict(boundary=5.2)],
    73: [dict(wall_rate=.2), dict(wall_rate=1.)], 76: [dict(grows=1.4), dict(shrinks=.6)], 77: [dict(factor=300.)],
    78: [dict(units=16), dict(units=64)]}


@pytest.mark.parametrize("claim, block", [(claim, block) for claim in DRAWING
                                          for block in ([claim.number % 8 + 1] if claim.number in SLOW else [1, 4, 8])],
                         ids=lambda each: str(getattr(each, "number", each)))
def test_other_seeds_give_the_same_verdict(claim, block):
    assert claims.verdict(claim.rule, claims.measure(claim.number, block=block)) == claim.verdict


@pytest.mark.parametrize("number, inputs",
                         [(number, inputs) for number, several in NEIGHBORS.items() for inputs in several])
def test_neighboring_sizes_and_rates_give_the_same_verdict(number, inputs):
    assert claims.verdict(claims.get(number).rule, claims.measure(number, **inputs)) == claims.get(number).verdict


@pytest.mark.parametrize("claim, word", [(claim, word) for claim in LEDGER if claim.number in SLOW
                                         for word, each in claim.otherwise.items() if isinstance(each, dict)], ids=str)
def test_another_experiment_makes_its_rule_say_something_else(claim, word):
    said_otherwise(claim, word)
