"""A recurrent module's call once more, step by step, forward and back, with every state kept."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from .arrivals import SECOND, Arrivals
from .steps import STEPS, Layout, StatesAndCache, Weights

# how far, relative to the largest entry, a replay may be from the fused output
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 8e-2}
TF32 = 1e-2


class Gradients(NamedTuple):
    """Of one part: h, c (B + N, H) with the initial states in front, x (N, D), parameters by torch's names."""

    h: Tensor
    c: Tensor | None
    x: Tensor
    parameters: dict[str, Tensor]


class Part:
    """One layer in one direction: what it read, each state it went through, and the way back.

    x       (N, D) in the order in which it was read
    h, c    (B + N, H), the initial states in front; c is None except in an LSTM
    gates   {name: (N, H)}, what the sigmoids and the candidate's tanh gave
    """

    def __init__(self, name: str, mode: str, weights: Weights, layout: Layout):
        self.name, self.mode, self.weights, self.layout = name, mode, weights, layout

    def forward(self, x: Tensor, h0: Tensor, c0: Tensor | None, follow: Tensor | None = None) -> Tensor:
        """Fill in the states; with `follow` (N, H) each h_t is replaced by its row there. Returns h_t before that."""
        step, _, f = STEPS[self.mode]
        w, h, c, hs, cs, caches, found = self.weights, h0, c0, [h0], [c0], [], []
        followed = None if follow is None else follow.split(self.layout.sizes)
        for t, gx in enumerate(F.linear(x, w.W_ih, w.b_ih).split(self.layout.sizes)):
            n = len(gx)
            if n < len(h):
                h, c = h[:n], None if c is None else c[:n]
            h, c, cache = step(gx, h, c, w, f)
            found.append(h)
            if followed is not None:
                h = followed[t]
            hs.append(h)
            cs.append(c)
            caches.append(cache)
        self.x, self.h, self.c = x, torch.cat(hs), None if c0 is None else torch.cat(cs)
        self._cache = [torch.cat(column) for column in zip(*caches)]
        return self.h[len(h0):] if follow is None else torch.cat(found)

    @property
    def gates(self) -> dict[str, Tensor]:
        if self.mode == "LSTM":
            i, f, _, o = self._cache[0].chunk(4, -1)
            return {"i": i, "f": f, "g": self._cache[1], "o": o}
        if self.mode == "GRU":
            return dict(zip("rz", self._cache[0].chunk(2, -1)), n=self._cache[1])
        return {}

    def last(self, rows: Tensor) -> Tensor:
        """(B + N, H) -> (B, H): each sequence's last state."""
        return rows[self.layout.sizes[0]:].index_select(0, self.layout.last)

    def backward(self, dh_direct: Tensor, dc_direct: Tensor | None, dtype=None) -> Gradients:
        """Carry (B + N, H) gradients, what is read from each state, back through every step.

            dL/dh_{t-1} = direct_{t-1} + (dh_t/dh_{t-1})^T dL/dh_t, for an LSTM by way of c_t too
        """
        def typed(*tensors):
            return [tensor if dtype is None or tensor is None else tensor.to(dtype) for tensor in tensors]

        layout, w = self.layout, Weights(*typed(*self.weights))
        x, h, c, *cache = typed(self.x, self.h, self.c, *self._cache)
        dh, dc = (None if d is None else d.clone() for d in typed(dh_direct, dc_direct))
        before, (_, back, f) = h.index_select(0, layout.before), STEPS[self.mode]
        da = back(StatesAndCache(h, c, cache, before), w, layout, dh, dc, f)
        grads = {"weight_ih": da.gx.T @ x, "weight_hh": da.gh.T @ before}
        if w.b_ih is not None:
            grads |= {"bias_ih": da.gx.sum(0), "bias_hh": da.gh.sum(0)}
        if w.W_hr is not None:
            grads["weight_hr"] = dh[layout.sizes[0]:].T @ da.m
        return Gradients(dh, dc, da.gx @ w.W_ih, {f"{name}_{self.name}": grad for name, grad in grads.items()})

    def jacobian(self, rows: Tensor, t: int) -> Tensor:
        """(n, S, S) of step t for some sequences of it: d(h_t, c_t) / d(h_{t-1}, c_{t-1}), float64, by torch.func."""
        step, _, f = STEPS[self.mode]
        w = Weights(*(None if each is None else each.double() for each in self.weights))
        begin = sum(self.layout.sizes[:t - 1])
        index = torch.arange(begin, begin + self.layout.sizes[t - 1], device=self.x.device)[rows]
        before, width = self.layout.before[index], self.h.shape[1]
        gx = F.linear(self.x[index].double(), w.W_ih, w.b_ih)
        states = [part[before].double() for part in (self.h, self.c) if part is not None]

        def joint(state, gx):
            h, c, _ = step(gx, state[:width], state[width:] if len(states) > 1 else None, w, f)
            return h if c is None else torch.cat([h, c])

        return torch.func.vmap(torch.func.jacrev(joint))(torch.cat(states, -1), gx)


class Call(Arrivals):
    """One call of a module: its replay, and the gradients that arrive at its outputs.

    parts        {"l0": Part, "l0_reverse": Part, ...}, torch's names
    precision    what was compared, and how far apart the two were
    state_given  "not given", "detached" or "attached": the initial state that the caller passed
    """

    def __init__(self, name: str, module: nn.RNNBase, args: tuple, kwargs: dict, output, random_state):
        self.name, self.module_kind, self.number = name, type(module).__name__, 0
        x = args[0] if args else kwargs["input"]
        hx = args[1] if len(args) > 1 else kwargs.get("hx")
        self.packed, self.batch_first = isinstance(x, PackedSequence), module.batch_first
        self.unbatched = not self.packed and x.dim() == 2
        given = hx if isinstance(hx, tuple) else () if hx is None else (hx,)
        self.state_given = "not given" if hx is None else (
            "attached" if any(state.requires_grad for state in given) else "detached")
        self.layers, self.directions, self.mode = module.num_layers, 1 + module.bidirectional, module.mode
        self.has_c = self.mode == "LSTM"
        data = x.data if self.packed else x
        if self.packed:
            self.layout = Layout(x.batch_sizes.tolist(), data.device, x.sorted_indices, x.unsorted_indices)
        else:
            T, B = (len(x), 1) if self.unbatched else x.shape[:2][::-1 if self.batch_first else 1]
            self.layout = Layout([B] * T, data.device)
        fused, finals = output[0].data if self.packed else output[0], output[1]
        self.outputs = [fused, *(finals if self.has_c else (finals,))]
        self.gradient_wanted = fused.requires_grad
        low = torch.is_autocast_enabled(data.device.type)
        self._low = torch.get_autocast_dtype(data.device.type) if low else None
        x, *given = (tensor.to(fused.dtype, copy=True)  # autocast may compute in less than it is given
                     for tensor in (self._rows(data), *map(self._states, given)))
        with torch.no_grad(), torch.autocast(data.device.type, enabled=False):
            self._replay(module, x, given, random_state)
        self._shapes = [(tensor.shape, tensor.dtype, tensor.device) for tensor in self.outputs]
        del self.outputs  # the user's own graph is not kept alive
        self._gradients: dict[str, Gradients] | None = None
        self.direct: dict[str, tuple[Tensor, Tensor | None]] = {}

    def forget(self) -> None:
        self._gradients = None

    def gradients(self) -> dict[str, Gradients]:
        """Total gradients of every part, from what has arrived so far; RuntimeError where that is not all."""
        if self.doubled:
            raise RuntimeError(SECOND.format(self.name or "the module itself"))
        if self._gradients is None:
            with torch.no_grad():
                self._gradients = self._backward()
        return self._gradients

    def _rows(self, tensor: Tensor) -> Tensor:
        """What the caller sees as (T, B, K), (B, T, K), (T, K) or packed -> (N, K)."""
        tensor = tensor.detach()
        if self.packed or self.unbatched:
            return tensor
        return (tensor.transpose(0, 1) if self.batch_first else tensor).flatten(0, 1)

    def _states(self, tensor: Tensor) -> Tensor:
        """(layers * directions, B, H) in the order of the rows."""
        tensor = tensor.detach()
        if self.unbatched:
            return tensor.unsqueeze(1)
        return tensor if self.layout.order is None else tensor.index_select(1, self.layout.order)

    def _replay(self, module: nn.RNNBase, x: Tensor, given: list[Tensor], random_state) -> None:
        named = {name: tensor.detach().to(x.dtype, copy=True)
                 for name, tensor in zip(module._flat_weights_names, module._flat_weights)}
        self.parts = {part.name: part for part in self._make(named)}
        B, dtype = self.layout.sizes[0], x.dtype
        if not given:
            sizes = [module.proj_size or module.hidden_size, module.hidden_size][:1 + self.has_c]
            given = [x.new_zeros(len(self.parts), B, size) for size in sizes]
        dropout = module.dropout if module.training and self.layers > 1 else 0
        fused = self._rows(self.outputs[0])
        finals = [self._states(final) for final in self.outputs[1:]]
        tolerance, kind = _tolerance(self._low or dtype, x.device)
        away, where = self._forward(x, given, dropout, random_state, fused, finals, None)
        how = "output and final states were"
        if not away <= tolerance:
            # Chaos makes much of the last bit: follow the fused states and compare each single step instead.
            single = [_single_layer(module, named, layer) for layer in range(self.layers - 1)]
            away, where = self._forward(x, given, dropout, random_state, fused, finals, single)
            how = "each single step, from the fused states, was"
        label = self.name or "the module itself"
        if not away <= tolerance:
            raise RuntimeError(
                f"the replay of {label} ({self.module_kind}) differs from its output by {away:.1e} of the largest "
                f"entry, at {where}, in {kind}, where {tolerance:.0e} is allowed: gradients read from it would not be "
                f"the network's. Likely causes: a subclass with its own forward, a hook that changes the output, "
                f"weights changed during the call. Watch a network that holds the plain nn.RNN, nn.LSTM or nn.GRU.")
        self.precision = (f"{kind} on {x.device.type}: {how} compared with the fused module's; they differ by "
                          f"{away:.1e} of the largest entry, allowed is {tolerance:.0e}.")

    def _make(self, named: dict[str, Tensor]):
        for layer in range(self.layers):
            for way in ("", "_reverse")[:self.directions]:
                end = f"l{layer}{way}"
                yield Part(end, self.mode, Weights(*(named.get(f"{name}_{end}") for name in (
                    "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"))), self.layout)

    def _forward(self, x, given, dropout, random_state, fused, finals, single) -> tuple[float, str]:
        """Fill in all parts; returns how far from the fused output they end, and where that is."""
        parts, layout, self.masks = list(self.parts.values()), self.layout, []
        worst, where = 0., "output"
        if dropout:
            present = generator_state(x.device)
            _set_generator_state(random_state, x.device)
        for layer in range(self.layers):
            top, follow = layer == self.layers - 1, None
            if single is not None:
                follow = fused if top else single[layer](x, [state[layer * self.directions:][:self.directions]
                                                             for state in given], layout)
            outs = []
            for way in range(self.directions):
                index = layer * self.directions + way
                rows = x.index_select(0, layout.reverse) if way else x
                target = None
                if follow is not None:
                    target = follow.chunk(self.directions, -1)[way]
                    target = target.index_select(0, layout.reverse) if way else target
                h0, c0 = given[0][index], given[1][index] if self.has_c else None
                found = parts[index].forward(rows, h0, c0, target)
                if target is not None:
                    worst, where = max((worst, where), (_apart(found, target, layout), parts[index].name))
                out = parts[index].h[layout.sizes[0]:]
                outs.append(out.index_select(0, layout.reverse) if way else out)
            x = torch.cat(outs, -1) if len(outs) > 1 else outs[0]
            if dropout and not top:
                # The same numbers are drawn, in the same shape, as the fused call drew.
                self.masks.append(F.dropout(torch.ones_like(x), dropout))
                x = x * self.masks[-1]
        if dropout:
            _set_generator_state(present, x.device)
        if single is None:
            compared = {"output": (x, fused)}
            for name, final, kept in zip(("h_n", "c_n"), finals, ("h", "c")):
                compared[name] = torch.stack([part.last(getattr(part, kept)) for part in parts]), final
        else:
            compared = {"c_n": (torch.stack([part.last(part.c) for part in parts]), finals[1])} if self.has_c else {}
        for name, pair in compared.items():
            worst, where = max((worst, where), (_apart(*pair), name))
        return worst, where

    def _backward(self) -> dict[str, Gradients]:
        B, layout, D = self.layout.sizes[0], self.layout, self.directions
        into, *ends = (torch.zeros(shape, dtype=dtype, device=device) if gradient is None else gradient
                       for gradient, (shape, dtype, device) in zip(self.arrived, self._shapes))
        rows, ends, parts, result = self._rows(into), [self._states(end) for end in ends], list(self.parts.values()), {}
        for layer in range(self.layers - 1, -1, -1):
            dx = 0
            for way, direct in enumerate(rows.chunk(D, -1)):
                part = parts[layer * D + way]
                direct = direct.index_select(0, layout.reverse) if way else direct
                dh = torch.cat([torch.zeros_like(part.h[:B]), direct])
                dh.index_add_(0, B + layout.last, ends[0][layer * D + way])
                dc = None
                if self.has_c:
                    dc = torch.zeros_like(part.c).index_add_(0, B + layout.last, ends[1][layer * D + way])
                self.direct[part.name] = dh, dc
                result[part.name] = part.backward(dh, dc)
                dx = dx + (result[part.name].x.index_select(0, layout.reverse) if way else result[part.name].x)
            rows = dx * self.masks[layer - 1] if layer and self.masks else dx
        return result


def _apart(mine: Tensor, theirs: Tensor, layout: Layout | None = None) -> float:
    """How far apart, relative to the largest entry; with a layout, to the largest of the step. inf where only one is
    finite, except for numbers about to overflow."""
    theirs = theirs.to(mine.dtype)
    finite = mine.isfinite() & theirs.isfinite()
    alone = mine.isfinite() ^ theirs.isfinite()
    largest = torch.finfo(mine.dtype).max / 100
    if (alone & ~(torch.where(mine.isfinite(), mine, theirs).abs() > largest)).any():
        return float("inf")
    gap, size = (torch.where(finite, each, 0).abs() for each in (mine - theirs, theirs))
    if layout is None:
        return float(gap.max() / size.max().clamp(min=torch.finfo(size.dtype).tiny))
    most, scale = (torch.stack([step.max() for step in each.split(layout.sizes)]) for each in (gap, size))
    return float((most / scale.clamp(min=torch.finfo(size.dtype).tiny)).max())


def _tolerance(dtype: torch.dtype, device: torch.device) -> tuple[float, str]:
    name = str(dtype).removeprefix("torch.")
    if dtype is torch.float32 and device.type == "cuda" and torch.backends.cudnn.enabled and _tf32():
        return TF32, "float32 with TF32 products"
    if dtype not in TOLERANCES:
        raise TypeError(f"the module computes in {name}: the microscope knows {', '.join(map(str, TOLERANCES))}.")
    return TOLERANCES[dtype], name


def _tf32() -> bool:
    try:
        return torch.backends.cudnn.allow_tf32
    except RuntimeError:  # set apart for convolutions and recurrent networks, as torch 2.9 and later can
        return torch.backends.cudnn.rnn.fp32_precision != "ieee"


def generator_state(device: torch.device) -> Tensor:
    """The generator's state on a device."""
    return torch.get_rng_state() if device.type == "cpu" else torch.cuda.get_rng_state(device)


def _set_generator_state(state, device: torch.device) -> None:
    torch.set_rng_state(state) if device.type == "cpu" else torch.cuda.set_rng_state(state, device)


def _single_layer(module: nn.RNNBase, named: dict[str, Tensor], layer: int):
    """The fused computation of one layer alone: (N, D), initial states, layout -> (N, directions * H)."""
    way = {name.replace(f"_l{layer}", "_l0"): tensor for name, tensor in named.items()
           if name.removesuffix("_reverse").endswith(f"_l{layer}")}
    options = {"nonlinearity": module.nonlinearity} if module.mode.startswith("RNN") else {}
    if module.proj_size:
        options["proj_size"] = module.proj_size
    kind = {"LSTM": nn.LSTM, "GRU": nn.GRU}.get(module.mode, nn.RNN)
    alone = kind(way["weight_ih_l0"].shape[1], module.hidden_size, bias=module.bias,
                 bidirectional=module.bidirectional, device="meta", **options)

    def run(x, states, layout):
        states = tuple(states) if module.mode == "LSTM" else states[0]
        packed = PackedSequence(x, torch.tensor(layout.sizes))
        return torch.func.functional_call(alone, way, (packed, states))[0].data
    return run
