"""What the user says of a recurrence."""

from __future__ import annotations

from typing import NamedTuple


class State(NamedTuple):
    """Which output of a recurrence is its next state, and which argument was the state before.

    output    its place in what is returned, or places; None: what comes back as an argument of the next call
    argument  its name, or names; None: likewise
    batch     the axis of the sequences in a state; None where all of it is one state, as that of a graph is
    """

    output: int | tuple[int, ...] | None = None
    argument: str | tuple[str, ...] | None = None
    batch: int | None = 0
