"""The reader's own: a rule for a claim of the ledger, and a claim of one's own as a row. Both are refused with a reason
where they could not have gone another way, or where the seed decides."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import NamedTuple

from . import ledger
from .rules import FAILS, HOLDS, attainable, parse, verdict, zones

TRIED = range(5)  # blocks of seeds


class OwnRule(NamedTuple):
    """What became of a rule of the reader's; prints it.

    number   of the claim
    rule     as it was written
    refused  why it is no test, or ""
    verdict  what it says of the claim, or ""
    values   {name: number} as measured, empty where it was refused before
    """

    number: int
    rule: str
    refused: str
    verdict: str = ""
    values: Mapping[str, float] = {}

    def __repr__(self) -> str:
        claim = ledger.get(self.number)
        if self.refused:
            return textwrap.fill(f"Not yet a rule: {self.refused}", 88, break_on_hyphens=False)
        values = ", ".join(f"{name} {ledger.shown(value)}" for name, value in self.values.items())
        same = "as does the rule" if self.verdict == claim.verdict else f"where the rule says {claim.verdict!r}"
        return textwrap.fill(f"Measured: {values}. Your rule says {self.verdict!r}, {same} of the ledger: {claim.rule}",
                             88, break_on_hyphens=False)


def my_rule(number: int, rule: str) -> OwnRule:
    """Try a rule for a claim: is it a test at all, does its word depend on the seed, and what does it say?

    number   of the claim
    rule     "holds if EXPR; fails if EXPR" over the names that the claim measures; ... asks what these are
    returns  OwnRule
    errors   ValueError or TypeError for a number that no claim has
    """
    claim = ledger.get(number)
    names = ", ".join(claim.measured)
    if rule is ...:
        return OwnRule(number, "", f'write one in place of the ..., "holds if EXPR; fails if EXPR". Measured are: {names}.')
    try:
        used = parse(str(rule)).names
    except ValueError as error:
        return OwnRule(number, rule, str(error))
    strange = [name for name in used if name not in claim.measured]
    if strange:
        return OwnRule(number, rule, f"{strange[0]} is not measured. Measured are: {names}.")
    said = attainable(rule, claim.measured)
    if missing := {HOLDS, FAILS} - said:
        return OwnRule(number, rule, f"it can never say {missing.pop()!r}, however large or small the measured numbers are: "
                                     f"{names} keep their signs.")
    inputs = [{}, *(each for each in claim.otherwise.values() if isinstance(each, dict))]
    words = [verdict(rule, ledger.measure(number, **each)) for each in inputs]
    if len(inputs) > 1 and len(set(words)) == 1:
        return OwnRule(number, rule, f"it says {words[0]!r} of all {len(words)} experiments of this trial, and in these the "
                                     f"claim comes out differently. Look at claims.get({number}).otherwise.")
    blocks = ledger.in_blocks(number, TRIED)
    words = [verdict(rule, values) for values in blocks]
    if len(set(words)) > 1:
        return OwnRule(number, rule, _flips(rule, blocks, words))
    return OwnRule(number, rule, "", words[0], {name: blocks[0][name] for name in used})


def my_claim(claim: str, rule: str, measurement: Callable[[int], Mapping[str, float]], sentence: str) -> ledger.Claim:
    """Put a claim of your own on trial and return it as a row, for `claims.court([row])` and `claims.sheet([row])`.

    claim        what is said
    rule         as in `my_rule`
    measurement  a function of the block, 0, 1, 2, ..., each with seeds of its own, that returns {name: number}
    sentence     what may be said instead
    errors       ValueError for a bad rule, for a measurement without its names, and where the seed decides
    """
    parse(rule)
    blocks = [measurement(block) for block in TRIED]
    words = [verdict(rule, values) for values in blocks]
    if missing := {HOLDS, FAILS} - attainable(rule, blocks[0]):
        raise ValueError(f"the rule {rule!r} can never say {missing.pop()!r} of such numbers. A trial needs a rule that "
                         f"can go both ways.")
    if len(set(words)) > 1:
        raise ValueError(_flips(rule, blocks, words))
    measured = {name: float(ledger.shown(value)) for name, value in blocks[0].items()}
    return ledger.Claim(len(ledger.ledger()) + 1, claim, 16, "", rule, {}, measured, words[0], sentence)


def _flips(rule: str, blocks: list, words: list[str]) -> str:
    """The sentence for a rule whose word depends on the seeds."""
    count = ", ".join(f"{word!r} in {words.count(word)}" for word in dict.fromkeys(words))
    near = []
    for name in parse(rule).names:
        low, high = min(values[name] for values in blocks), max(values[name] for values in blocks)
        near += [f"{name} goes from {low:.3g} to {high:.3g}, across {edge:g}"
                 for edge in zones(rule, name, blocks[0]).edges if low <= edge <= high]
    return (f"its word depends on the seeds: {count} of {len(words)} blocks. {'; '.join(near) or 'The numbers vary'}. "
            f"A bound within the noise decides nothing: move it, or measure more.")
