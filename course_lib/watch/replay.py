"""A recurrent module's call once more, step by step, forward and back, with every state kept."""

from __future__ import annotations

import warnings
import weakref

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from .arrivals import SECOND, Arrivals
from .part import Apart, Gradients, Part, gap_between
from .steps import Layout, Weights

# how far, relative to the largest entry, a replay may be from the fused output
TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 8e-2}
TF32 = 1e-2


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
        self.arrived: list[Tensor | None] = [None] * len(self.outputs)
        self.gradient_wanted = fused.requires_grad
        low = torch.is_autocast_enabled(data.device.type)
        self._low = torch.get_autocast_dtype(data.device.type) if low else None
        with torch.no_grad(), torch.autocast(data.device.type, enabled=False):
            x, *given = (_copy(each, tensor, fused.dtype)  # autocast may compute in less than it is given
                         for each, tensor in ((self._rows(data), data), *((self._states(s), s) for s in given)))
            self._replay(module, x, given, random_state)
        del self.outputs  # the user's own graph is not kept alive
        self._gradients: dict[str, Gradients] | None = None
        self._entering: dict[str, list[Tensor | None]] = {}
        self._recurrent = {name: weakref.ref(p) for name, p in zip(module._flat_weights_names, module._flat_weights)
                           if p.is_leaf and p.requires_grad and "hh" in name}
        self.held: tuple[str, float] | None = None  # a parameter's gradient from before, when the first one arrived
        self.arrivals = 0
        self.known: dict = {}  # what readings found out and need not find out again; forgotten where more arrives

    def receive(self, index: int, gradient: Tensor) -> None:
        """A gradient has come to one of the outputs; what a parameter's .grad held before is looked up first."""
        if torch._C._current_graph_task_id() != self.task:
            self.held = self._held()
        super().receive(index, gradient)

    def forget(self) -> None:
        """Of what arrived before: it is computed anew."""
        self._gradients = None
        self.arrivals += 1
        self.known.clear()

    def once(self, key, compute):
        """What readings computed of this call, kept until another gradient arrives."""
        if key not in self.known:
            self.known[key] = compute()
        return self.known[key]

    def _held(self) -> tuple[str, float]:
        """The first recurrent parameter and the largest entry of its .grad, which this backward is about to add to."""
        for name, reference in self._recurrent.items():
            p = reference()
            if p is not None and p.grad is not None:
                return name, float(p.grad.detach().abs().max())
        return "", 0.

    def gradients(self) -> dict[str, Gradients]:
        """Total gradients of every part, from what has arrived so far; RuntimeError where that is not all."""
        if self.refused:
            raise RuntimeError(SECOND.format(self.name or "the module itself"))
        if self._gradients is None:
            with torch.no_grad():
                self._gradients = self._backward()
        return self._gradients

    def direct(self, part: str) -> tuple[Tensor, Tensor | None]:
        """(B + N, H) of h and c: what reaches each state without a later step of this part."""
        self.gradients()
        return self._direct(part, *self._entering[part])

    def entering(self, part: str) -> list[Tensor | None]:
        """What `direct` is made of: (N, H) at each h_t, (B, H) at h_n and c_n; None where nothing arrived."""
        self.gradients()
        return self._entering[part]

    def _direct(self, part: str, rows: Tensor | None, *finals: Tensor | None) -> tuple[Tensor, Tensor | None]:
        part, (B, last) = self.parts[part], (self.layout.sizes[0], self.layout.last)
        direct = [None if states is None else torch.zeros_like(states) for states in (part.h, part.c)]
        if rows is not None:
            direct[0][B:] = rows
        for states, final in zip(direct, finals):
            if final is not None:
                states.index_add_(0, B + last, final)
        return tuple(direct)

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
        tolerance, kind = _tolerance(self._low or dtype, x.device)
        found = self._forward(module, named, x, given, dropout, random_state)
        # A step of which little is left by cancellation is not to be had to so many digits.
        away, of = (found.by_step, "its step") if found.by_step <= tolerance else (found.overall, "all")
        label = self.name or "the module itself"
        if not away <= tolerance:
            raise RuntimeError(
                f"the replay of {label} ({self.module_kind}) differs from its output by {away:.1e} of the largest "
                f"entry, at {found.where}, in {kind}, where {tolerance:.0e} is allowed: gradients read from it would "
                f"not be the network's. Likely causes: a subclass with its own forward, a hook that changes the "
                f"output, weights changed during the call. Watch a network that holds the plain nn.RNN, nn.LSTM or "
                f"nn.GRU.")
        self.precision = (f"{kind} on {x.device.type}: each single step, from the fused states, was compared with the "
                          f"fused module's; they differ by {away:.1e} of the largest entry of {of}, allowed is "
                          f"{tolerance:.0e}.")

    def _make(self, named: dict[str, Tensor]):
        for layer in range(self.layers):
            for way in ("", "_reverse")[:self.directions]:
                end = f"l{layer}{way}"
                yield Part(end, self.mode, Weights(*(named.get(f"{name}_{end}") for name in (
                    "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"))), self.layout)

    def _forward(self, module, named, x, given, dropout, random_state) -> Apart:
        """Fill in all parts; returns how far from the fused output they end, and where that is."""
        parts, layout, self.masks = list(self.parts.values()), self.layout, []
        fused, finals = self._rows(self.outputs[0]), [self._states(final) for final in self.outputs[1:]]
        found = []
        if dropout:
            present = generator_state(x.device)
            _set_generator_state(random_state, x.device)
        for layer in range(self.layers):
            top, chosen = layer == self.layers - 1, slice(layer * self.directions, (layer + 1) * self.directions)
            # The states between layers are not returned: each lower layer is computed once more, fused, by itself.
            out = fused if top else _single_layer(module, named, layer, x, [each[chosen] for each in given], layout)
            for way, target in enumerate(out.chunk(self.directions, -1)):
                rows = x
                if way:
                    rows, target = rows.index_select(0, layout.reverse), target.index_select(0, layout.reverse)
                index = layer * self.directions + way
                h0, c0 = given[0][index], given[1][index] if self.has_c else None
                found.append(parts[index].forward(rows, h0, c0, target))
            x = out
            if dropout and not top:
                # The same numbers are drawn, in the same shape, as the fused call drew.
                self.masks.append(F.dropout(torch.ones_like(x), dropout))
                x = x * self.masks[-1]
        if dropout:
            _set_generator_state(present, x.device)
        for index, part in enumerate(parts):
            part.finals = [final[index].clone() for final in finals]
        for name, final, kept in zip(("h_n", "c_n"), finals, ("h", "c")):
            away = gap_between(torch.stack([part.last(getattr(part, kept)) for part in parts]), final)
            found.append(Apart(away, away, name))
        worst = max(found, key=lambda each: each.overall)
        return worst._replace(by_step=max(each.by_step for each in found))

    def _backward(self) -> dict[str, Gradients]:
        into, *ends = self.arrived
        rows, ends = None if into is None else self._rows(into), [None if end is None else self._states(end)
                                                                  for end in ends]
        D, layout, parts, result = self.directions, self.layout, list(self.parts.values()), {}
        for layer in range(self.layers - 1, -1, -1):
            dx = []
            for way, direct in enumerate([None] * D if rows is None else rows.chunk(D, -1)):
                part, index = parts[layer * D + way], layer * D + way
                direct = direct.index_select(0, layout.reverse) if way and direct is not None else direct
                self._entering[part.name] = [direct, *(None if end is None else end[index] for end in ends)]
                dh, dc = self._direct(part.name, *self._entering[part.name])
                if any(each is not None for each in self._entering[part.name]):
                    part.carry(dh, dc)
                result[part.name] = Gradients(part, dh, dc)
                if layer:
                    dx.append(part.gradient_of_x(dh, dc))
                    dx[-1] = dx[-1].index_select(0, layout.reverse) if way else dx[-1]
            if layer:  # zeros where nothing arrived, as autograd has them
                rows = sum(dx[1:], dx[0])
                rows = rows * self.masks[layer - 1] if self.masks else rows
        return result


def _copy(rows: Tensor, users: Tensor, dtype: torch.dtype) -> Tensor:
    """What stays as it is when the user changes theirs."""
    return rows.to(dtype, copy=rows.data_ptr() == users.data_ptr())


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
    return torch.get_rng_state() if device.type == "cpu" else (
        torch.mps.get_rng_state() if device.type == "mps" else torch.cuda.get_rng_state(device))


def _set_generator_state(state, device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        (torch.mps if device.type == "mps" else torch).set_rng_state(state)


def _single_layer(module: nn.RNNBase, named: dict[str, Tensor], layer: int, x: Tensor, states: list[Tensor],
                  layout: Layout) -> Tensor:
    """The fused computation of one layer alone: (N, D), initial states, layout -> (N, directions * H)."""
    way = {name.replace(f"_l{layer}", "_l0"): tensor for name, tensor in named.items()
           if name.removesuffix("_reverse").endswith(f"_l{layer}")}
    options = {"nonlinearity": module.nonlinearity} if module.mode.startswith("RNN") else {}
    if module.proj_size:
        options["proj_size"] = module.proj_size
    kind = {"LSTM": nn.LSTM, "GRU": nn.GRU}.get(module.mode, nn.RNN)
    alone = kind(x.shape[1], module.hidden_size, bias=module.bias, bidirectional=module.bidirectional, device="meta",
                 **options)
    states = tuple(states) if module.mode == "LSTM" else states[0]
    even = layout.even and layout.order is None  # the same kernel as the user's
    x = x.unflatten(0, (len(layout.sizes), -1)) if even else PackedSequence(x, torch.tensor(layout.sizes, device="cpu"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*contiguous chunk")  # cuDNN would like its weights side by side
        out = torch.func.functional_call(alone, way, (x, states))[0]
    return out.flatten(0, 1) if even else out.data
