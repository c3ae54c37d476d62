"""The court: choose a claim, vote, see its trial. Stock ipywidgets; without a kernel one trial stays to be read."""

from __future__ import annotations

import html
from collections.abc import Sequence

from ... import _checks
from ..._kept import StillWidget
from .ledger import Claim
from .figures import ClaimOnTrial, Margins
from .pages import MARKS, experiment, link, numbers
from .rules import VERDICTS, parse, zones

with _checks.extra("lab", "the court"):
    import ipywidgets as widgets


class Court(StillWidget):
    """A claim, three buttons to vote with, and the trial, which is opened by a vote.

    claim   the list of claims
    vote    the buttons
    votes   {number: what was voted}; the first vote counts
    """

    def __init__(self, claims: Sequence[Claim], number: int = 1):
        self.claims, self.votes = claims, {}
        self.figure = margins(claims)
        self.claim = widgets.Dropdown(
            options=[(f"{claim.number} {claim.claim}", claim.number) for claim in claims], value=number,
            description="claim", layout=widgets.Layout(width="100%"), style={"description_width": "initial"})
        self.vote = widgets.ToggleButtons(options=list(VERDICTS), value=None, description="your vote",
                                          style={"description_width": "initial", "button_width": "auto"})
        self.next = widgets.Button(description="next claim")
        self.charge, self.trial = widgets.HTML(), widgets.Output()
        self.claim.observe(self._call, names="value")
        self.vote.observe(self._judge, names="value")
        self.next.on_click(lambda button: self._go_on())
        self._call()
        row = widgets.HBox([self.vote, self.next], layout=widgets.Layout(flex_flow="row wrap"))
        super().__init__([self.claim, self.charge, row, self.trial])

    @property
    def called(self) -> Claim:
        """The claim before the court."""
        return self.claims[self.claim.value - 1]

    def score(self) -> str:
        """How many votes agreed with the measurement."""
        right = sum(self.claims[number - 1].verdict == vote for number, vote in self.votes.items())
        return f"You voted on {len(self.votes)} of {len(self.claims)} claims; {right} of your first votes stand."

    def _call(self, change=None) -> None:
        self.charge.value = _charge(self.called)
        self.trial.outputs = ()
        self.vote.value = None

    def _go_on(self) -> None:
        self.claim.value = self.claim.value % len(self.claims) + 1

    def _judge(self, change) -> None:
        if change["new"] is None:
            return
        self.votes.setdefault(self.called.number, change["new"])
        said = f"<p>You said: {self.votes[self.called.number]}. {self.score()}</p>"
        self.figure.update(claim=self.called.number)
        self.trial.outputs = ({"output_type": "display_data", "metadata": {}, "data": {
            "text/html": f'<div role="status">{_trial(self.called)}{said}</div>{self.figure.html()}',
            "text/plain": self.called.sentence}},)

    def still(self) -> dict[str, str]:
        """The trial that is open, with its verdict."""
        self.figure.update(claim=self.called.number)
        return {"text/html": f"{_charge(self.called)}{_trial(self.called)}{self.figure.html()}",
                "text/plain": f"{self.called.claim}: {self.called.verdict}. {self.called.sentence}"}


def _charge(claim: Claim) -> str:
    holds, fails = claim.rule.split("; ")
    return (f'<blockquote style="margin:.6em 0;font-size:115%;line-height:1.35">'
            f'{html.escape(claim.claim)}.</blockquote>'
            f'<p style="margin:.3em 0;line-height:1.4">The rule: it <code>{html.escape(holds)}</code>; it '
            f"<code>{html.escape(fails)}</code>; else it holds partly.</p>")


def _trial(claim: Claim) -> str:
    other = "; ".join(f"{word} {html.escape(experiment(each))}" for word, each in claim.otherwise.items())
    where = (f' <a href="{link(claim)}">See it in lesson {claim.lesson:02}</a>' if claim.cell else "")
    return (f"<p>Measured: {html.escape(numbers(claim))}.</p><p>Verdict: {MARKS[claim.verdict]} <strong>{claim.word}"
            f"</strong>. What may be said: {html.escape(claim.sentence)}{where}</p>"
            + (f"<p>It would have said otherwise: {other}.</p>" if other else ""))


def margins(claims: Sequence[Claim], **values) -> Margins:
    """Return the picture of how far each measured number is from another verdict; its value is the claim's place."""
    return Margins([ClaimOnTrial(claim.number, claim.verdict, claim.measured,
                                 {name: zones(claim.rule, name, claim.measured) for name in parse(claim.rule).names})
                    for claim in claims], **values)
