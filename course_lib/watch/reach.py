"""How far a gradient comes: what enters at the last step that is read, on its way back, with its size kept as a log.

The way back is linear. So the gradient is divided by its largest entry at every step, and the logs of what it was
divided by are added up: in float64 nothing under- or overflows at any length. Where a call was given the final state of
a call before, the way goes on through both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .part import Part, as_light
from .replay import Call
from .steps import double_of

TINY = torch.finfo(torch.float64).tiny
SCALED = 8  # it is divided at eighth step, and at each one where it changes by more than STEADY in between
STEADY = 1e100
LOOK_BACK = 8  # so many calls before are searched for the one whose final state was given


class Carried(NamedTuple):
    """What arrives at the initial states of a call: h and c side by side (B, S), the largest entry 1; natural logs of
    its size (B,), -inf where nothing does. In the user's order."""

    joint: Tensor
    logs: Tensor


def norms_of(rows: Tensor) -> Tensor:
    """(..., K) -> (...): Euclidean norms in float64, the largest entry as unit, so that no square under- or overflows.
    """
    rows = double_of(rows)
    unit = rows.abs().amax(-1, keepdim=True)
    unit = torch.where((unit > 0) & unit.isfinite(), unit, 1)
    return torch.linalg.vector_norm(rows / unit, dim=-1) * unit[..., 0]


def last_read(part: Part, entering: list[Tensor | None]) -> Tensor:
    """(B,): the last step of each sequence at which a gradient enters, from 1 on; 0 where none does."""
    layout = part.layout
    rows, *ends = (None if each is None else each.cpu() for each in entering[:3])
    if len(entering) > 3:  # of a loop over a cell, whose c_t can be read at every step
        rows = torch.cat([rows, entering[3].cpu()], 1)
    lengths = layout.lengths
    found = torch.zeros_like(lengths)
    for end in ends:
        if end is not None:
            found = torch.where((end != 0).any(-1), lengths, found)
    if rows is not None:
        at_last = (rows.index_select(0, layout.last.cpu()) != 0).any(-1)
        found = torch.where(at_last, lengths, found)
        if not found.all():
            steps, sequences = layout.steps_and_sequences
            found = found.scatter_reduce(0, sequences, (steps + 1) * (rows != 0).any(-1), "amax")
    return found


def way_back(part: Part, entering: list[Tensor | None], carried: Carried | None = None) -> tuple[Tensor, Carried]:
    """Natural logs (T + 1, B) of the norm of dL/dh_t, for an LSTM dL/dc_t, and what arrives at the initial state.

    Of each sequence what was carried from a later call, else what enters at its last step read. -inf where nothing has
    entered yet or nothing is left, NaN after the end.
    """
    layout, widths = part.layout, [states.shape[1] for states in (part.h, part.c) if states is not None]
    B, device = layout.sizes[0], part.h.device if part.h.is_cuda else "cpu"
    last = last_read(part, entering).to(device)
    row = torch.where(last > 0, layout.starts.to(device)[last - 1] + torch.arange(B, device=device), 0)
    base = torch.zeros(B, dtype=torch.float64, device=device)
    enters = torch.zeros(B, sum(widths), dtype=torch.float64, device=device)
    rows, *ends = entering[:3]
    if len(entering) > 3:
        enters[:, widths[0]:] = double_of(entering[3].index_select(0, row.to(entering[3].device)))
    if rows is not None:
        enters[:, :widths[0]] = double_of(rows.index_select(0, row.to(rows.device)))
    at_end = (last == layout.lengths.to(device)).double()[:, None]
    for end, columns in zip(ends, enters.split(widths, 1)):
        if end is not None:
            columns += at_end * double_of(end)
    enters *= (last > 0)[:, None]
    if carried is not None:
        comes = layout.own(carried.logs[:, None])[:, 0] > -torch.inf
        enters = torch.where(comes[:, None], layout.own(carried.joint), enters)
        base = torch.where(comes, layout.own(carried.logs[:, None])[:, 0], base)
        row, last = torch.where(comes, layout.last.to(device), row), torch.where(comes, 1, last)
    sizes = enters.abs().amax(1)
    sizes = torch.where(sizes > 0, sizes, 1)
    enters, base = enters / sizes[:, None], base + sizes.log()
    for every in SCALED, 1:
        states, units = _scaled(part, widths, enters, B + row, every)
        alive = sum((each[:B] != 0).any(-1) for each in states) > 0
        steady = (units == TINY) | (units > 1 / STEADY) & (units < STEADY)
        if steady.all() and bool((alive | (last == 0)).all()):
            break
    part.forget_slopes()
    sizes = torch.stack([norms_of(states[-1]).log(), torch.where(units > TINY, units, 1).log()], 1)
    sizes = torch.cat([layout.users(sizes[:B])[None].to("cpu"), layout.padded(sizes[B:])])
    steps_back = sizes[..., 1].nan_to_num().flip(0).cumsum(0).flip(0)
    logs = sizes[..., 0] + steps_back + layout.users(base[:, None])[:, 0].cpu()
    first = steps_back[0].to(device) + layout.users(base[:, None])[:, 0]
    first = torch.where(layout.users(alive[:, None])[:, 0], first, -torch.inf)
    return logs, Carried(layout.users(torch.cat([each[:B] for each in states], 1)), first)


def _scaled(part: Part, widths: list[int], enters: Tensor, rows: Tensor, every: int) -> tuple[list[Tensor], Tensor]:
    """What has come to each state of what enters, (B + N, H) of h and c, and by what (B + N,) it was divided there:
    its largest entry at every second, eighth, ... step."""
    states = [torch.zeros(len(part.h), width, dtype=torch.float64, device=enters.device).index_add_(0, rows, each)
              for width, each in zip(widths, enters.split(widths, 1))]
    units = torch.ones(len(part.h), dtype=torch.float64, device=enters.device)

    def unit(begin, end):
        nonlocal steps
        steps += 1
        if steps % every and begin:
            return
        rows = [each[begin:end] for each in light]
        largest = _largest(rows)
        for each in rows:
            each /= largest[:, None]
        units_light[begin:end] = largest

    light, units_light, steps = [as_light(each) for each in states], as_light(units), 0
    part.carry(*states, *[None] * (2 - len(states)), unit)
    return states, units


def _largest(rows: list):
    """(n,): the largest entry of each row, of h and c together; TINY where all are 0."""
    if isinstance(rows[0], Tensor):
        return torch.cat(rows, 1).abs().amax(1).clamp_min(TINY)
    largest = abs(rows[0]).max(1)
    for each in rows[1:]:
        largest = np.maximum(largest, abs(each).max(1))
    return np.maximum(largest, TINY)


class Way(NamedTuple):
    """Some calls of one part, each given the final state of the one before: (T + 1, B) of all their steps together.

    calls    their numbers
    logs     natural logs of what `way_back` follows; NaN after a sequence's end and before the call that began it anew
    lengths  steps of each call
    columns  for each call the columns of its sequences
    """

    calls: list[int]
    logs: np.ndarray
    lengths: list[int]
    columns: list[np.ndarray]


def links(calls: list[Call], part: str) -> tuple[list[int | None], list[np.ndarray | None], list[bool]]:
    """For each call: the call before whose final state it was given, which of that call's sequences each of its own goes
    on with ((B,), -1 where it begins anew), and whether attached.

    The numbers are compared: a state that was changed on its way is another state.
    """
    parents, own, attached = [], [], []
    for k, call in enumerate(calls):
        parents.append(None), own.append(None), attached.append(False)
        if call.state_given == "not given":
            continue
        for j in range(k - 1, max(-1, k - 1 - LOOK_BACK), -1):
            rows = _given(calls[j], call, part)
            if rows is not None and (rows >= 0).any():
                parents[k], own[k], attached[k] = j, rows, call.state_given == "attached"
                break
    return parents, own, attached


def _given(before: Call, call: Call, part: str) -> np.ndarray | None:
    """(B,): the sequence of a call before whose final state each initial state is, -1 for none. Where the later batch is
    smaller, the sequences that have not ended, in their order; None unless that is all of it."""
    first, then = before.parts[part], call.parts[part]
    b, n = first.layout.sizes[0], then.layout.sizes[0]
    finals, given = (torch.cat(each, 1) for each in zip(*(
        (first.layout.users(final), then.layout.users(states[:n]))
        for final, states in zip(first.finals, (then.h, then.c)))))
    if n == b:
        return torch.where((finals == given).all(1), torch.arange(b, device=given.device), -1).cpu().numpy()
    rows, j = [], 0
    while len(rows) < n <= b - j + len(rows):
        if torch.equal(finals[j], given[len(rows)]):
            rows.append(j)
        j += 1
    return np.array(rows) if len(rows) == n else None


@torch.no_grad()
def ways(calls: list[Call], part: str) -> list[Way]:
    """Every way back through the calls of one part, from each call whose final state no later call was given.

    Calls without a gradient of their own are part of a way, but none ends there. Where a batch became smaller, a
    sequence ends with the last call that has it.
    """
    parents, own, attached = links(calls, part)
    parents = [parent if joined else None for parent, joined in zip(parents, attached)]
    found = []
    for leaf in range(len(calls)):
        if leaf in parents:
            continue
        path = [leaf]
        while parents[path[0]] is not None:
            path.insert(0, parents[path[0]])
        carried, blocks = None, []
        for k in path[::-1]:
            logs, carried = way_back(calls[k].parts[part], calls[k].entering(part), carried)
            blocks.insert(0, logs.numpy())
            if k != path[0]:
                carried = _to_parent(carried, own[k], calls[parents[k]].parts[part].layout.sizes[0])
        columns = _columns(path, blocks, own)
        logs = one_below_another(blocks, columns)
        _cut(logs, path, blocks, own, columns)
        found.append(Way(path, logs, [len(block) - 1 for block in blocks], columns))
    return found


def one_below_another(blocks: list[np.ndarray], columns: list[np.ndarray]) -> np.ndarray:
    """(T_k + 1, B_k) of each call -> (T + 1, B) of all their steps; NaN where a call has not the sequence."""
    rows = np.full((1 + sum(len(block) - 1 for block in blocks), blocks[0].shape[1]), np.nan)
    rows[0], t = blocks[0][0], 1
    for block, each in zip(blocks, columns):
        rows[t:t + len(block) - 1, each] = block[1:]
        t += len(block) - 1
    return rows


def _to_parent(carried: Carried, rows: np.ndarray, batch: int) -> Carried:
    """What arrives at the final states of the call before, for each of its sequences."""
    rows = torch.from_numpy(rows).to(carried.logs.device)
    goes_on = rows >= 0
    joint = carried.joint.new_zeros(batch, carried.joint.shape[1])
    logs = carried.logs.new_full((batch,), -torch.inf)
    joint[rows[goes_on]], logs[rows[goes_on]] = carried.joint[goes_on], carried.logs[goes_on]
    return Carried(joint, logs)


def _columns(path: list[int], blocks: list[np.ndarray], own: list) -> list[np.ndarray]:
    """For each call of a way the columns of its sequences; one that begins anew has the place of the one it follows."""
    columns = [np.arange(blocks[0].shape[1])]
    for k in path[1:]:
        columns.append(columns[-1][np.where(own[k] >= 0, own[k], np.arange(len(own[k])))])
    return columns


def _cut(logs: np.ndarray, path: list[int], blocks: list[np.ndarray], own: list, columns: list) -> None:
    """Where a later call began a sequence anew and reads it, its way ends there: NaN before."""
    begin, entered = len(logs), np.zeros(logs.shape[1], dtype=bool)
    for k, block, each in zip(path[:0:-1], blocks[:0:-1], columns[:0:-1]):
        begin -= len(block) - 1
        entered[each] |= (np.nan_to_num(block, nan=-np.inf) > -np.inf).any(0)
        anew = np.zeros_like(entered)
        anew[each] = own[k] < 0
        logs[:begin, entered & anew] = np.nan
