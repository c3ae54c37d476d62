"""What happens to a state between two steps: found in the user's own graph, while it is there.

h_t may be handed on as it is, with dropout, or mixed with the state before by a mask. The nodes between are called by
hand, which runs no hook and frees nothing; where each entry goes back to itself alone, its factor is kept.
"""

from __future__ import annotations

import heapq

import torch
from torch import Tensor

MOST = 200  # nodes between two steps; what is further apart is not one state handed on

Key = tuple[int, int]  # of an output of a node: its sequence number, which of its outputs


def key_of(tensor: Tensor) -> Key | None:
    """By what a tensor is known in the graph; None for one that no node has made."""
    return None if tensor.grad_fn is None else (tensor.grad_fn._sequence_nr(), tensor.output_nr)


def factors(state: Tensor, targets: dict[Key, Tensor]) -> dict[Key, Tensor | None] | None:
    """{target: d state / d target, entry by entry, None for 1}: {} where none leads there, None where that is not all.

    targets  {key: its value} of the former step's states, before and after it; they are not passed
    """
    own = key_of(state)
    if own in targets:
        return {own: None}
    if own is None:
        return {}
    path = _path(state.grad_fn, targets)
    if path is None:
        return None
    reached, way = path
    if not reached:
        return {}
    if any(targets[key].numel() != state.numel() for key in reached):
        return None
    drawn = torch.empty(state.shape, dtype=torch.float32, device="cpu").uniform_(
        .5, 1.5, generator=torch.Generator("cpu").manual_seed(0)).to(state.device, state.dtype)
    with torch.no_grad():
        try:
            ones, mixed = (_pull(state, each, targets, way) for each in (torch.ones_like(drawn), drawn))
        except Exception:  # a node that cannot be called by hand
            return None
    found = {}
    for key in reached:
        factor = ones[key].reshape(state.shape)
        gap = (mixed[key].reshape(state.shape) - factor * drawn).abs().max()
        if not gap <= 8 * torch.finfo(state.dtype).eps * factor.abs().max():
            return None
        found[key] = None if bool((factor == 1).all()) else factor
    return found


def _path(start, targets: dict[Key, Tensor]):
    """The targets that are reached from a node, and the nodes that lead there; None where there are too many."""
    oldest, seen = min(key[0] for key in targets), {}
    reached, stack = set(), [(start, iter(start.next_functions))]
    seen[start] = False
    while stack:
        node, edges = stack[-1]
        for following, number in edges:
            key = (following._sequence_nr(), number) if following else (-1, 0)
            if key in targets:
                reached.add(key)
                seen[node] = True
            elif following not in seen and oldest < key[0] < 2**63:
                if len(seen) == MOST:
                    return None
                seen[following] = False
                stack.append((following, iter(following.next_functions)))
                break
            elif seen.get(following):
                seen[node] = True
        else:
            stack.pop()
            if stack and seen[node]:
                seen[stack[-1][0]] = True
    return reached, {node for node, leads in seen.items() if leads}


def _pull(state: Tensor, cotangent: Tensor, targets: dict[Key, Tensor], way: set) -> dict[Key, Tensor]:
    """The way back from a state to the targets."""
    arrived, found, count = {state.grad_fn: {state.output_nr: cotangent}}, {}, 0
    heap = [(-state.grad_fn._sequence_nr(), count, state.grad_fn)]
    while heap:
        _, _, node = heapq.heappop(heap)
        given = arrived.pop(node)
        gradients = node(*(given.get(i) for i in range(len(node._input_metadata))))
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        for (following, number), gradient in zip(node.next_functions, gradients):
            if following is None or gradient is None:
                continue
            key = following._sequence_nr(), number
            if key in targets:
                found[key] = found[key] + gradient if key in found else gradient
            elif following in way:
                if following not in arrived:
                    count += 1
                    heapq.heappush(heap, (-key[0], count, following))
                inside = arrived.setdefault(following, {})
                inside[number] = inside[number] + gradient if number in inside else gradient
    return found
