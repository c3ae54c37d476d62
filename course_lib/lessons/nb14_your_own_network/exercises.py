"""The exercises of lesson 14, your own network."""

from __future__ import annotations

import math

import numpy as np

from ... import bptt, cells
from ...exercises.bank import Bank, Exercise, Mistake, Prediction

# 14.2 Every state keeps its gradient. The arguments are torch's; torch itself is imported with the cases.


def total_gradient(cell, x, h0, loss):
    states = [h0.requires_grad_()]
    for x_t in x:
        h = cell(x_t, states[-1])
        h.retain_grad()
        states.append(h)
    loss(states[-1]).backward()
    return np.stack([h.grad.numpy() for h in states])


def _total_by_hand(cell, x, h0, loss):
    W_xh, W_hh, b_x, b_hh = (array.detach().numpy() for array in cell.parameters())
    H = cell.hidden_size
    b_h = b_x + np.concatenate([b_hh[:2 * H], np.zeros(H)])
    run = bptt.forward(cells.GRUParams(W_xh, W_hh, b_h, b_hh[2 * H:]), x.numpy(), h0.numpy())
    last = x.new_tensor(run.h[-1]).requires_grad_()
    loss(last).backward()
    direct = np.zeros_like(run.h)
    direct[-1] = last.grad.numpy()
    return bptt.backward(run, direct).dh


def _total_by_grad(cell, x, h0, loss):
    import torch

    states = [h0.requires_grad_()]
    for x_t in x:
        states.append(cell(x_t, states[-1]))
    return torch.stack(torch.autograd.grad(loss(states[-1]), states))


def _total_cases(rng):
    import torch

    cases = []
    for T, B, D, H in [(3, 2, 5, 4), (12, 3, 2, 6), (1, 1, 3, 2)]:
        cell = torch.nn.GRUCell(D, H, dtype=torch.float64)
        for array in cell.parameters():
            array.data = torch.tensor(rng.normal(size=array.shape) / 2)
        target = torch.tensor(rng.normal(size=(B, H)))
        x, h0 = (torch.tensor(rng.normal(size=shape)) for shape in [(T, B, D), (B, H)])
        cases.append((cell, x, h0, lambda h, target=target: ((h - target) ** 2).mean()))
    return cases


def _total_of_a_stack(cell, x, h0, loss):
    import torch

    states = [h0.requires_grad_()]
    for x_t in x:
        states.append(cell(x_t, states[-1]))
    out = torch.stack(states)
    out.retain_grad()
    loss(out[-1]).backward()
    return out.grad


def _total_backwards(cell, x, h0, loss):
    return total_gradient(cell, x, h0, loss)[::-1]


def _total_without_the_first(cell, x, h0, loss):
    return total_gradient(cell, x, h0, loss)[1:]


def _total_of_the_sum(cell, x, h0, loss):
    return total_gradient(cell, x, h0, lambda h: h.sum())


def _total_norms(cell, x, h0, loss):
    return np.linalg.norm(total_gradient(cell, x, h0, loss), axis=-1)


def _total_inputs(cell, x, h0, loss):
    x = x.requires_grad_()
    h = h0
    for x_t in x:
        h = cell(x_t, h)
    loss(h).backward()
    return x.grad


def _total_ratios(cell, x, h0, loss):
    total = total_gradient(cell, x, h0, loss)
    return total / total[-1]


def _total_from_zeros(cell, x, h0, loss):
    return total_gradient(cell, x, h0 * 0, loss)


def _total_of_the_states(cell, x, h0, loss):
    states = [h0]
    for x_t in x:
        states.append(cell(x_t, states[-1]))
    return np.stack([h.detach().numpy() for h in states])


def _total_by_own_losses(cell, x, h0, loss):
    import torch

    states = [h0]
    for x_t in x:
        states.append(cell(x_t, states[-1]))
    own = [h.detach().requires_grad_() for h in states]
    return torch.stack([torch.autograd.grad(loss(h), h)[0] for h in own])


def _total_from_h0_each_time(cell, x, h0, loss):
    states = [h0.requires_grad_()]
    for x_t in x:
        states.append(cell(x_t, h0))
        states[-1].retain_grad()
    loss(states[-1]).backward()
    return np.stack([np.zeros(h.shape) if h.grad is None else h.grad.numpy() for h in states])


def _total_not_kept(cell, x, h0, loss):
    states = [h0.requires_grad_()]
    for x_t in x:
        states.append(cell(x_t, states[-1]))
    loss(states[-1]).backward()
    return np.stack([h.grad.numpy() for h in states])


def _total_not_kept_in_torch(cell, x, h0, loss):
    import torch

    states = [h0.requires_grad_()]
    for x_t in x:
        states.append(cell(x_t, states[-1]))
    loss(states[-1]).backward()
    return torch.stack([h.grad for h in states])


def _total_of_all_states(cell, x, h0, loss):
    states, total = [h0.requires_grad_()], loss(h0)
    for x_t in x:
        states.append(cell(x_t, states[-1]))
        states[-1].retain_grad()
        total = total + loss(states[-1])
    total.backward()
    return np.stack([h.grad.numpy() for h in states])


def _total_first_as_zero(cell, x, h0, loss):
    total = total_gradient(cell, x, h0, loss)
    total[0] = 0
    return total


def _last_state(cell, x, h):
    for x_t in x:
        h = cell(x_t, h)
    return h


def _total_of_all_losses(cell, x, h0, loss):
    states, total = [h0.requires_grad_()], 0
    for x_t in x:
        h = cell(x_t, states[-1])
        h.retain_grad()
        total = total + loss(h)
        states.append(h)
    total.backward()
    return np.stack([h.grad.numpy() for h in states])


# 14.5 Two biases, one gate


def with_forget_bias(bias_ih, bias_hh, value):
    forget = slice(len(bias_ih) // 4, len(bias_ih) // 2)
    bias_ih, bias_hh = bias_ih.copy(), bias_hh.copy()
    bias_ih[forget], bias_hh[forget] = value, 0
    return bias_ih, bias_hh


def _forget_by_gates(bias_ih, bias_hh, value):
    i, _, g, o = np.split(bias_ih, 4)
    i_h, _, g_h, o_h = np.split(bias_hh, 4)
    return np.concatenate([i, 0 * i + value, g, o]), np.concatenate([i_h, 0 * i, g_h, o_h])


def _forget_by_rows(bias_ih, bias_hh, value):
    gate = np.arange(len(bias_ih)) * 4 // len(bias_ih)
    return np.where(gate == 1, value, bias_ih), np.where(gate == 1, 0, bias_hh)


def _forget_cases(rng):
    return [(*rng.normal(size=(2, 4 * H)), value) for H, value in [(2, 1.), (5, 3.), (8, -.5)]]


def _forget_twice(bias_ih, bias_hh, value):
    new_ih, _ = with_forget_bias(bias_ih, bias_hh, value)
    new_hh, _ = with_forget_bias(bias_hh, bias_ih, value)
    return new_ih, new_hh


def _forget_left_over(bias_ih, bias_hh, value):
    return with_forget_bias(bias_ih, bias_hh, value)[0], bias_hh


def _forget_in_the_sum(bias_ih, bias_hh, value):
    return with_forget_bias(bias_ih, bias_hh, value)[0] - bias_hh * np.eye(4)[1].repeat(len(bias_hh) // 4), bias_hh


def _forget_added(bias_ih, bias_hh, value):
    H = len(bias_ih) // 4
    return bias_ih + value * np.eye(4)[1].repeat(H), bias_hh


def _forget_other_gate(number):
    def with_forget_bias(bias_ih, bias_hh, value):
        return tuple(np.where(np.arange(len(array)) * 4 // len(array) == number, left, array)
                     for array, left in [(bias_ih, value), (bias_hh, 0)])

    return with_forget_bias


def _forget_alternating(bias_ih, bias_hh, value):
    return tuple(np.where(np.arange(len(array)) % 4 == 1, left, array)
                 for array, left in [(bias_ih, value), (bias_hh, 0)])


def _forget_set(of_ih, of_hh, part=slice(1, 2)):
    """The forget gate's quarter, or other quarters, set to what two functions make of it."""
    def with_forget_bias(bias_ih, bias_hh, value):
        H = len(bias_ih) // 4
        at = slice(part.start * H, part.stop * H)
        new_ih, new_hh = bias_ih.copy(), bias_hh.copy()
        new_ih[at], new_hh[at] = of_ih(bias_ih[at], value), of_hh(bias_hh[at])
        return new_ih, new_hh

    return with_forget_bias


def _forget_reaching(before, behind):
    def with_forget_bias(bias_ih, bias_hh, value):
        at, H = np.arange(len(bias_ih)), len(bias_ih) // 4
        at = (at >= H + before) & (at < 2 * H + behind)
        return np.where(at, value, bias_ih), np.where(at, 0, bias_hh)

    return with_forget_bias


def _forget_in_thirds(bias_ih, bias_hh, value):
    at = np.arange(len(bias_ih)) // (len(bias_ih) // 3) == 1
    return np.where(at, value, bias_ih), np.where(at, 0, bias_hh)


def _forget_half(part):
    return _forget_set(lambda old, value: value + 0 * old, lambda old: 0 * old, part)


def _forget_one_entry(bias_ih, bias_hh, value):
    at = np.arange(len(bias_ih)) == len(bias_ih) // 4
    return np.where(at, value, bias_ih), np.where(at, 0, bias_hh)


def _forget_first_gate(bias_ih, bias_hh, value):
    H = len(bias_ih) // 4
    return tuple(np.concatenate([np.full(H, left), array[H:]]) for array, left in [(bias_ih, value), (bias_hh, 0)])


# 14.7 Which array, which step


def first_bad(x, h, dh):
    for name, array in [("x", x), ("h", h), ("dh", dh)]:
        steps = range(len(array))
        for t in reversed(steps) if name == "dh" else steps:
            if not np.isfinite(array[t]).all():
                return f"{name}[{t}]"
    return "none"


def _first_by_mask(x, h, dh):
    for name, array in (("x", x), ("h", h), ("dh", dh)):
        bad = np.flatnonzero((~np.isfinite(array)).any(axis=(1, 2)))
        if bad.size:
            return f"{name}[{bad[-1] if name == 'dh' else bad[0]}]"
    return "none"


def _first_by_sums(x, h, dh):
    steps = [(f"x[{t}]", x[t]) for t in range(len(x))] + [(f"h[{t}]", h[t]) for t in range(len(h))]
    steps += [(f"dh[{t}]", dh[t]) for t in range(len(dh) - 1, -1, -1)]
    return next((place for place, array in steps if math.isnan((array * 0).sum())), "none")


def _first_cases(rng):
    T, B, D, H = 9, 3, 2, 4

    def arrays(**spoilt):
        made = {"x": rng.normal(size=(T, B, D)), "h": rng.normal(size=(T + 1, B, H)),
                "dh": rng.normal(size=(T + 1, B, H))}
        for name, places in spoilt.items():
            for t, value in places.items():
                made[name][t, t % B, t % 2] = value
        return tuple(made.values())

    return [arrays(dh={t: np.nan for t in range(6)}), arrays(h={7: np.nan, 8: np.nan}, dh={2: np.inf, 9: np.nan}),
            arrays(x={4: -np.inf}, h={5: np.inf, 6: np.nan}), arrays(), arrays(x={0: np.inf, 8: np.nan}),
            arrays(x={8: np.nan}, dh={9: np.nan, 0: np.nan}), arrays(h={0: np.nan, 9: np.inf}), arrays(h={9: np.inf}),
            arrays(dh={9: -np.inf, 8: np.nan}), arrays(dh={0: np.inf})]     # the first and the last place of each


def _first_gradient_forward(x, h, dh):
    place = first_bad(x, h, dh)
    return f"dh[{np.flatnonzero(~np.isfinite(dh).all(axis=(1, 2)))[0]}]" if place.startswith("dh") else place


def _first_nan_only(x, h, dh):
    return first_bad(*(np.where(np.isinf(array), 1., array) for array in (x, h, dh)))


def _first_of(order=("x", "h", "dh"), backwards=("dh",), bad=lambda array: ~np.isfinite(array).all(axis=(1, 2)),
              start=0, form="{0}[{1}]"):
    def first_bad(x, h, dh):
        arrays = {"x": x, "h": h, "dh": dh}
        for name in order:
            steps = np.flatnonzero(bad(arrays[name]))
            if len(steps):
                return form.format(name, start + (steps[-1] if name in backwards else steps[0]))
        return "none"

    return first_bad


def _first_by_index(x, h, dh):
    places = [(steps[0], name) for name, array in (("x", x), ("h", h), ("dh", dh))
              if len(steps := np.flatnonzero(~np.isfinite(array).all(axis=(1, 2))))]
    return "{1}[{0}]".format(*min(places)) if places else "none"


def _first_along_the_batch(x, h, dh):
    return _first_of(bad=lambda array: ~np.isfinite(array).all(axis=(0, 2)))(x, h, dh)


def _first_shifted(x, h, dh, shift):
    place = first_bad(x, h, dh)
    return f"dh[{shift(int(place[3:-1]))}]" if place.startswith("dh") else place


def _first_with_all_indices(x, h, dh):
    place = first_bad(x, h, dh)
    if place == "none":
        return place
    array = {"x": x, "h": h, "dh": dh}[place.split("[")[0]]
    t = int(place.split("[")[1][:-1])
    b, i = np.argwhere(~np.isfinite(array[t]))[0]
    return place.replace("]", f", {b}, {i}]")


def _first_gradients_first(x, h, dh):
    harmless = np.ones((1, 1, 1))
    place = first_bad(harmless, harmless, dh)
    return first_bad(x, h, dh) if place == "none" else place


# 14.9 A norm that lives


def global_norm(grads):
    largest = max(float(np.abs(g).max()) for g in grads)
    squares = sum(((g.astype(float) / largest) ** 2).sum() for g in grads)
    return largest * np.sqrt(squares)


def _norm_by_hypot(grads):
    return math.hypot(*(float(entry) for g in grads for entry in g.ravel()))


def _norm_in_float64(grads):
    return float(np.linalg.norm(np.concatenate([g.ravel() for g in grads]).astype(np.float64)))


def _norm_cases(rng):
    shapes = [(4, 3), (4,)]
    grads = [[(size * rng.uniform(.5, 1, shape)).astype(np.float32) for shape in shapes] for size in (1., 1e30, 1e-36)]
    wide = (10.**rng.uniform(-30, 1, (3, 5)) * rng.choice([-1, 1], (3, 5))).astype(np.float32)
    return [(each,) for each in [*grads, [-grads[2][0], 1e-3 * grads[2][1]], [wide, grads[0][1]], [-grads[1][1]],
                                 [grads[2][0], np.float32([-3e-36])], [grads[2][0], grads[1][1]],
                                 [np.float32([0, 3, -4]), 0 * grads[0][0]]]]


def _norm_in_float32(grads):
    return np.sqrt(sum((g**2).sum() for g in grads))


def _norm_scaled(scale):
    def global_norm(grads):
        unit = np.float32(scale(grads))
        return float(unit) * float(np.sqrt(sum(((g / unit)**2).sum() for g in grads)))

    return global_norm


def _norm_with_a_floor(grads):
    return global_norm(grads) + 1e-6


def _norm_of_the_largest(grads):
    return max(np.linalg.norm(g.astype(float)) for g in grads)


def _norm_added_up(grads):
    return sum(np.linalg.norm(g.astype(float)) for g in grads)


# 14.10 How far back it reaches


def steps_back(norms, share):
    steps = []
    for column in norms.T:
        alive = column[~np.isnan(column)]
        far = np.flatnonzero(alive < share * alive[-1])
        steps.append(len(alive) - 1 - far[-1] - 1 if len(far) else len(alive) - 1)
    return np.array(steps)


def _reach_by_walking(norms, share):
    steps = []
    for b in range(norms.shape[1]):
        end = max(t for t in range(len(norms)) if norms[t, b] == norms[t, b])
        k = 0
        while k < end and norms[end - k - 1, b] >= share * norms[end, b]:
            k += 1
        steps.append(k)
    return np.array(steps)


def _reach_by_cumulation(norms, share):
    ends = (~np.isnan(norms)).sum(0) - 1
    enough = np.isnan(norms) | (norms >= share * norms[ends, np.arange(norms.shape[1])])
    return np.cumprod(enough[::-1], axis=0).sum(0) - (len(norms) - 1 - ends) - 1


def _reach_cases(rng):
    cases = []
    for lengths, share, q in [((4, 9, 6), 1e-2, .5), ((30, 12, 3, 21), .1, .9), ((15, 15), 1e-3, .4)]:
        norms = np.full((max(lengths) + 1, len(lengths)), np.nan)
        for b, T in enumerate(lengths):
            norms[:T + 1, b] = rng.uniform(.5, 2) * q ** np.arange(T + 1)[::-1] * rng.uniform(.9, 1.1, T + 1)
        norms[0, np.argmax(lengths)] *= 1e6  # it grows again far back: that is not reached without a gap
        cases.append((norms, share))
    halves = np.array([[1., .5, 3., 1.], [4., 1., 6., 4.], [2., .75, 8., np.nan], [4., np.nan, np.nan, np.nan]])
    return [*cases, (halves, .5)]           # exactly the share is enough


def _reach_of_the_longest(norms, share):
    return steps_back(np.nan_to_num(norms), share)


def _reach_with_gaps(norms, share):
    last = np.array([column[~np.isnan(column)][-1] for column in norms.T])
    return (norms >= share * last).sum(0) - 1


def _alive(norms):
    return [column[~np.isnan(column)] for column in norms.T]


def _reach_against_one(norms, share):
    return np.concatenate([steps_back(np.r_[column[:-1], 1.][:, None], share) for column in _alive(norms)])


def _reach_step_by_step(norms, share):
    counts = []
    for column in _alive(norms):
        enough = column[:-1] >= share * column[1:]
        counts.append(np.cumprod(enough[::-1]).sum())
    return np.array(counts)


def _reach_from_the_start(norms, share):
    return np.array([np.cumprod(column >= share * column[-1])[:-1].sum() for column in _alive(norms)])


def _reach_beyond_a_gap(norms, share):
    return np.array([len(column) - 1 - np.flatnonzero(column >= share * column[-1])[0] for column in _alive(norms)])


def _reach_walking(measure):
    def steps_back(norms, share):
        counts = []
        for own in _alive(norms):
            enough = own[:-1] >= share * measure(own, norms)
            counts.append(np.cumprod(enough[::-1]).sum())
        return np.array(counts)

    return steps_back


def _reach_of_whole_columns(norms, share):
    whole = (~np.isnan(norms)).sum(0) - 1
    return np.minimum(steps_back(norms, share) + 1, whole)


def _reach_with_the_padding(norms, share):
    return steps_back(norms, share) + np.isnan(norms).sum(0)


def _reach_one_more(norms, share):
    return steps_back(norms, share) + 1


BANK = Bank(14, "Your own network", [
    Prediction("14.1", "32 steps, loss on the last output: at how many steps is out.grad not zero?", unit="steps"),
    Exercise(
        "14.2", "Every state keeps its gradient", minutes=6, difficulty=1,
        solution=total_gradient, oracle=_total_by_hand, cases=_total_cases, time_axis=0,
        also_correct=(_total_by_grad,),
        mistakes=[
            Mistake(_total_of_a_stack,
                    "This is the direct path alone: 0 in every row but the last. A stack is made of the states, but "
                    "the "
                    "states are not made of the stack, so what flows from h_t to h_{t-1} never passes it; and detach() "
                    "cuts it off. Keep the gradient of each state itself."),
            Mistake(_total_backwards, "The steps come out in reverse: row t is dL/dh_t, the last row belongs to h_T."),
            Mistake(_total_without_the_first,
                    "Row 0 is missing. h_0 is a leaf: with requires_grad_() it gets a gradient like the others."),
            Mistake(_total_of_all_losses, "Here L reads the last state alone, not every state."),
            Mistake(_total_of_the_sum, "This is the gradient of h_T.sum(). L is loss(h_T)."),
            Mistake(_total_norms, "These are norms. The gradients themselves are asked for, (T + 1, B, H)."),
            Mistake(_total_inputs, "This is dL/dx_t. The gradients of the states are asked for."),
            Mistake(_total_ratios, "Not divided by the last one: the gradients themselves are asked for."),
            Mistake(_total_from_zeros, "The cell starts from h0, not from zeros."),
            Mistake(_total_of_the_states, "These are the states. Their gradients, h.grad, are asked for."),
            Mistake(lambda *args: total_gradient(*args)[:-1], "The last row is missing: dL/dh_T belongs to it too."),
            Mistake(_total_of_all_states, "Here L reads the last state alone, not every state, and not h_0."),
            Mistake(lambda *args: total_gradient(*args).sum(1),
                    "Added up over the batch. Each sequence has a gradient of its "
                    "own: (T + 1, B, H)."),
            Mistake(lambda *args: total_gradient(*args).mean(1),
                    "A mean over the batch. Each sequence has a gradient of its "
                    "own: (T + 1, B, H)."),
            Mistake(lambda *args: 0 * total_gradient(*args),
                    "All zero: no gradient reached them. Does h0 require one, was "
                    "retain_grad() called before backward()?"),
            Mistake(_total_first_as_zero,
                    "Row 0 is zero. h_0 gets a gradient too: h0.requires_grad_() before the first step."),
            Mistake(lambda *args: total_gradient(*args).transpose(1, 0, 2), "Time is the first axis: (T + 1, B, H)."),
            Mistake(lambda *args: total_gradient(*args)[0],
                    "This is dL/dh_0 alone. A row for every step is asked for."),
            Mistake(lambda *args: total_gradient(*args)[-1],
                    "This is dL/dh_T alone. A row for every step is asked for."),
            Mistake(lambda *args: -total_gradient(*args), "The sign is turned: the gradient itself is asked for."),
            Mistake(lambda cell, x, h0, loss: total_gradient(cell, x.flip(0), h0, loss),
                    "The inputs were read from the last to "
                    "the first."),
            Mistake(lambda cell, x, h0, loss: loss(_last_state(cell, x, h0)).detach(),
                    "This is the loss. Its gradients are asked "
                    "for."),
            Mistake(_total_by_own_losses,
                    "Each row is the gradient of its own state's loss. L reads h_T alone: what comes back "
                    "through the cells counts."),
            Mistake(_total_from_h0_each_time,
                    "Every step starts from h0 here. Step t starts from the state of step t - 1."),
            Mistake(lambda *args: 2 * total_gradient(*args),
                    "Twice what is needed: backward() adds to .grad, so call it once."),
            Mistake(lambda *args: (lambda total: total / total.shape[1])(total_gradient(*args)),
                    "Divided by the batch. L is "
                    "loss(h_T) as it is."),
            Mistake(lambda *args: (lambda total: np.concatenate([total[1:], total[-1:]]))(total_gradient(*args)),
                    "Every row is one step late: row 0 is dL/dh_0, the last is dL/dh_T."),
            Mistake(lambda *args: (lambda total: np.concatenate([total[:1], total]))(total_gradient(*args)),
                    "One row too many: h_0 stands there twice. There are T + 1 states."),
            Mistake(_total_not_kept,
                    "h.grad is None: a state that is not a leaf keeps no gradient, unless h.retain_grad() was "
                    "called before backward()."),
            Mistake(_total_not_kept_in_torch,
                    "h.grad is None somewhere: a state that is not a leaf keeps no gradient, unless "
                    "h.retain_grad() was called before backward()."),
        ],
        hints=["Run the cell in a loop and keep every state in a list. A tensor that is not a leaf keeps its "
               "gradient if you ask for it before backward.",
               "h.retain_grad() for each new state, h0.requires_grad_() for the first.",
               "loss(states[-1]).backward(), then stack h.grad for all states, h_0 included."],
    ),
    Prediction("14.3", "An LSTM as torch draws it reads 32 words. |dL/dc_2| over |dL/dc_32|?",
               scale="log10", digits=1, close=1.),
    Prediction("14.4", "Distance 30, 300 updates, three seeds: what has to be added to the forget bias to learn it?",
               kind="choices", choices=("nothing", "1", "3")),
    Exercise(
        "14.5", "Two biases, one gate", minutes=4, difficulty=1,
        solution=with_forget_bias, oracle=_forget_by_gates, cases=_forget_cases, returns=("bias_ih", "bias_hh"),
        also_correct=(_forget_by_rows,),
        mistakes=[
            Mistake(_forget_twice, "Both biases are `value` now, and the gate reads their sum: 2 times `value`."),
            Mistake(_forget_left_over,
                    "bias_hh still adds what it was drawn as: the gate's bias is near `value`, not `value`."),
            Mistake(_forget_added, "You added `value` to what was drawn. Here the sum of the two has to be `value`."),
            Mistake(_forget_in_the_sum,
                    "The sum is right, but bias_hh still holds a part of it. All of `value` belongs in bias_ih."),
            Mistake(_forget_other_gate(2),
                    "This is the candidate. torch's order is i, f, g, o: f is the second quarter."),
            Mistake(_forget_other_gate(3), "This is the output gate. torch's order is i, f, g, o: f is the second "
                                           "quarter."),
            Mistake(lambda bias_ih, bias_hh, value: with_forget_bias(bias_hh, bias_ih, value)[::-1],
                    "`value` went to bias_hh, and the 0 to bias_ih. It belongs in bias_ih."),
            Mistake(lambda bias_ih, bias_hh, value: (with_forget_bias(bias_ih, bias_hh, value / 2)[0],
                                                     with_forget_bias(bias_hh, bias_ih, value / 2)[0]),
                    "The sum is right, but half of it is in each. All of `value` belongs in bias_ih."),
            Mistake(lambda bias_ih, bias_hh, value: (with_forget_bias(bias_ih, bias_hh, value)[0], 0 * bias_hh),
                    "All of bias_hh is 0 now. The other gates keep their numbers: only the forget gate's quarter is "
                    "0."),
            Mistake(lambda bias_ih, bias_hh, value: (bias_ih, with_forget_bias(bias_ih, bias_hh, value)[1]),
                    "bias_ih still holds what was drawn: its forget quarter has to be `value`."),
            Mistake(lambda bias_ih, bias_hh, value: (0 * bias_ih + value, 0 * bias_hh),
                    "Every gate's bias is `value` now. Only the forget gate's is asked for."),
            Mistake(_forget_alternating,
                    "The gates do not alternate: the forget gate's H entries stand in one block, the second quarter."),
            Mistake(lambda bias_ih, bias_hh, value: with_forget_bias(bias_hh, bias_ih, value),
                    "The two vectors have changed places: first bias_ih."),
            Mistake(lambda bias_ih, bias_hh, value: with_forget_bias(bias_ih, bias_hh, value)[::-1],
                    "The two vectors have changed places: first bias_ih, which holds `value`."),
            Mistake(lambda bias_ih, bias_hh, value: with_forget_bias(bias_ih, bias_hh, value)[0]
                    + with_forget_bias(bias_ih, bias_hh, value)[1],
                    "This is what the gates read, the sum. Return the two vectors."),
            Mistake(_forget_first_gate,
                    "This is the input gate. torch's order is i, f, g, o: f is the second quarter."),
            Mistake(_forget_set(lambda old, value: old + value, lambda old: 0 * old),
                    "bias_ih still holds what was drawn, with `value` added. It has to be `value`, as the other is 0."),
            Mistake(lambda *args: with_forget_bias(*args)[0], "This is bias_ih alone. Return both."),
            Mistake(lambda bias_ih, bias_hh, value: (value, 0),
                    "These are two numbers. Return the two vectors, (4H,) each."),
            Mistake(lambda bias_ih, bias_hh, value: with_forget_bias(0 * bias_ih, 0 * bias_hh, value),
                    "The other gates became 0. They keep their numbers."),
            Mistake(_forget_set(lambda old, value: value - old, lambda old: old),
                    "`value` minus what was drawn, and in bias_hh "
                    "what was drawn: the sum is not `value`, unless the two were equal."),
            Mistake(_forget_one_entry, "One entry was set. The forget gate has H of them, [H:2 * H]."),
            Mistake(_forget_set(lambda old, value: 1. + 0 * old, lambda old: 0 * old),
                    "1 is the usual value. Here it is "
                    "`value`."),
            Mistake(_forget_half(slice(1, 3)),
                    "This reaches into the candidate. The forget gate is one quarter, [H:2 * H]."),
            Mistake(_forget_half(slice(2, 4)),
                    "This is the second half, the candidate and the output gate. The forget gate is "
                    "the second quarter, [H:2 * H]."),
            Mistake(_forget_half(slice(0, 2)),
                    "This is the first half, the input gate too. The forget gate is the second "
                    "quarter, [H:2 * H]."),
            Mistake(lambda bias_ih, bias_hh, value: tuple(array[len(array) // 4:len(array) // 2]
                                                          for array in with_forget_bias(bias_ih, bias_hh, value)),
                    "This is the forget gate's quarter alone. Return the whole vectors."),
            Mistake(_forget_set(lambda old, value: -value + 0 * old, lambda old: 0 * old),
                    "The sign of `value` is turned."),
            Mistake(_forget_set(lambda old, value: value + 0 * old, lambda old: -old),
                    "bias_hh has to be 0 there, not its "
                    "negative."),
            Mistake(_forget_reaching(0, -1), "The last of the H entries is missing: [H:2 * H]."),
            Mistake(_forget_reaching(1, 0), "The first of the H entries is missing: [H:2 * H]."),
            Mistake(_forget_reaching(0, 1), "One entry too many, the first of the candidate's: [H:2 * H]."),
            Mistake(_forget_reaching(-1, 0), "One entry too many, the last of the input gate's: [H:2 * H]."),
            Mistake(lambda bias_ih, bias_hh, value: (with_forget_bias(0 * bias_ih, bias_hh, value)[0],
                                                     with_forget_bias(bias_ih, bias_hh, value)[1]),
                    "The other gates of bias_ih became 0. They keep their numbers."),
            Mistake(_forget_in_thirds, "H is a quarter of the entries, len(bias_ih) // 4: there are four gates."),
        ],
        hints=["Which quarter of the 4H entries is the forget gate's?",
               "The gate reads bias_ih + bias_hh. One of them has to give way.",
               "Copies first. Then [H:2 * H] is `value` in one, and 0 in the other."],
    ),
    Prediction("14.6", "An input is -inf. Which of these are not finite in this update?", kind="choices",
               choices=("loss", "states", "dL/dx", "gradient of weight_ih", "gradient of weight_hh")),
    Exercise(
        "14.7", "Which array, which step", minutes=5, difficulty=2,
        solution=first_bad, oracle=_first_by_mask, cases=_first_cases,
        also_correct=(_first_by_sums,),
        mistakes=[
            Mistake(_first_gradient_forward,
                    "The gradient is computed from the last step to the first: what went wrong first has the "
                    "largest t."),
            Mistake(_first_nan_only, "An infinity is not finite either, and it usually comes before the NaN."),
            Mistake(_first_of(("h", "x", "dh")), "The inputs come before the states: search x, then h, then dh."),
            Mistake(_first_of(("x", "dh", "h")), "The gradients are computed last: search x, then h, then dh."),
            Mistake(_first_of(("x", "h")), "dh is never searched. If x and h are finite, the gradients may not be."),
            Mistake(_first_of(("h", "dh")), "x is never searched. A bad input comes before everything else."),
            Mistake(_first_of(backwards=("x", "h", "dh")),
                    "This is the last bad step of x and h. Inputs and states run forward: the first one is asked for."),
            Mistake(_first_of(bad=lambda array: ~np.isfinite(array).any(axis=(1, 2))),
                    "One entry that is not finite is enough. This asks for a step in which none is: .all(), not "
                    ".any()."),
            Mistake(_first_of(bad=lambda array: ~np.isfinite(array[:, 0]).all(axis=1)),
                    "Only the first sequence of the batch was searched. Any of them can be the first."),
            Mistake(_first_of(start=1), "Counted from 1. The index counts from 0, as in x[0]."),
            Mistake(_first_of(form="{0}"), "The array alone. Say the index along time too, as in \"x[4]\"."),
            Mistake(_first_of(form="{1}"), "The index alone. Say the array too, as in \"x[4]\"."),
            Mistake(lambda x, h, dh: first_bad(x, h, dh) if first_bad(x, h, dh) != "none" else "",
                    "If all is finite, say \"none\"."),
            Mistake(_first_gradients_first,
                    "The gradients are computed last. If a state is bad, they only tell of it again: search x, "
                    "then h, then dh."),
            Mistake(_first_of(("h", "dh", "x")),
                    "The inputs come before the states and the gradients: search x, then h, then "
                    "dh."),
            Mistake(_first_of(("dh", "h", "x")),
                    "This searches from the end of the computation to its beginning: x first, then "
                    "h, then dh."),
            Mistake(_first_of(bad=lambda array: np.isinf(array).any(axis=(1, 2))),
                    "A NaN is not finite either. np.isfinite "
                    "knows both."),
            Mistake(_first_of(start=-1), "One too low. The index counts from 0, and a state h[t] has index t."),
            Mistake(lambda *args: first_bad(*args).replace("none", "x[0]"),
                    "x[0] is a place. If all is finite, say \"none\"."),
            Mistake(_first_of(form="{0}({1})"), "Square brackets: \"x[4]\"."),
            Mistake(_first_of(form="{0}{1}"), "Square brackets around the index: \"x[4]\"."),
            Mistake(_first_of(form="{0} {1}"), "Square brackets around the index, and no space: \"x[4]\"."),
            Mistake(_first_of(backwards=("h", "dh")),
                    "The states run forward: their first bad step is asked for, not the last."),
            Mistake(_first_by_index,
                    "The smallest index is not the first in time: all of x and h come before dh, and dh runs "
                    "back."),
            Mistake(_first_of(bad=lambda array: ~np.isfinite(array[:, 0, 0])),
                    "Only one entry of each step was looked at. Any "
                    "of them can be the first."),
            Mistake(_first_of(bad=lambda array: ~np.isfinite(array[:, :, 0]).all(axis=1)),
                    "Only one unit was looked at. Any of "
                    "them can be the first."),
            Mistake(lambda x, h, dh: first_bad(x, h[1:], dh),
                    "h has T + 1 rows and begins with h_0: its index is that of its "
                    "row."),
            Mistake(lambda x, h, dh: first_bad(x, h, dh[1:]),
                    "dh has T + 1 rows and begins with dh[0]: its index is that of its "
                    "row."),
            Mistake(_first_along_the_batch,
                    "This is the place along the batch. The index along time is asked for, the first axis."),
            Mistake(lambda x, h, dh: _first_shifted(x, h, dh, lambda t: len(dh) - 1 - t),
                    "Counted from the end. The index is that "
                    "of the row, from the start on."),
            Mistake(lambda x, h, dh: _first_shifted(x, h, dh, lambda t: t + 1),
                    "One too high in dh: the last row has the index T."),
            Mistake(lambda x, h, dh: _first_shifted(x, h, dh, lambda t: t - 1),
                    "One too low in dh: the last row has the index T."),
            Mistake(_first_with_all_indices, "The index along time alone: \"x[4]\"."),
            Mistake(lambda x, h, dh: tuple(first_bad(x, h, dh).replace("]", "").split("[")),
                    "Return one text, such as \"x[4]\", not "
                    "a pair."),
            Mistake(lambda x, h, dh: first_bad(x[:-1], h, dh), "The last step of x was never looked at."),
            Mistake(lambda x, h, dh: first_bad(x, h[:-1], dh), "The last state was never looked at."),
            Mistake(lambda x, h, dh: first_bad(x, h, np.concatenate([np.ones_like(dh[:1]), dh[1:]])),
                    "dh[0], the gradient of h_0, "
                    "was never looked at."),
        ],
        hints=["In which order does a network compute the three? And the steps of each?",
               "np.isfinite(array[t]).all() for t = 0, 1, ... in x and h.",
               "In dh walk from the last index down to 0."],
    ),
    Prediction("14.8", "The run that never learned, clipped at norm 1: what share of its updates was clipped?"),
    Exercise(
        "14.9", "A norm that lives", minutes=4, difficulty=2,
        solution=global_norm, oracle=_norm_by_hypot, cases=_norm_cases, rtol=1e-6,
        also_correct=(_norm_in_float64,),
        mistakes=[
            Mistake(_norm_in_float32,
                    "The squares leave float32: 1e30 squared is infinite, 1e-36 squared is 0. Scale before you "
                    "square, or square in float64."),
            Mistake(_norm_with_a_floor, "The small number that you add is larger than a gradient of 1e-36."),
            Mistake(_norm_of_the_largest, "One array's norm. All entries of all arrays count together."),
            Mistake(_norm_added_up, "Norms of parts do not add up: their squares do."),
            Mistake(_norm_scaled(lambda grads: max(g.max() for g in grads)),
                    "The largest entry may be below 0, or all of them: take the largest size, np.abs(g).max()."),
            Mistake(_norm_scaled(lambda grads: min(np.abs(g).min() for g in grads)),
                    "You divided by the smallest entry: then the squares of the largest ones overflow."),
            Mistake(_norm_scaled(lambda grads: np.abs(grads[0]).max()),
                    "You divided by the largest entry of the first array. Another one may hold much larger ones."),
            Mistake(lambda grads: global_norm(grads) / max(float(np.abs(g).max()) for g in grads),
                    "You divided by the largest entry and did not multiply by it at the end."),
            Mistake(lambda grads: max(float(np.abs(g).max()) for g in grads),
                    "This is the largest entry. The norm is the root of the sum of all squares."),
            Mistake(lambda grads: sum(float(np.abs(g).astype(float).sum()) for g in grads),
                    "This is the sum of all sizes. The norm is the root of the sum of the squares."),
            Mistake(lambda grads: sum(float((g.astype(float)**2).sum()) for g in grads), "The root is missing."),
            Mistake(lambda grads: np.sqrt(np.mean(np.concatenate([g.ravel() for g in grads]).astype(float)**2)),
                    "This is the root of the mean of the squares. A norm takes their sum."),
            Mistake(lambda grads: [np.linalg.norm(g.astype(float)) for g in grads],
                    "These are norms of single arrays. One number is asked for, over all entries."),
            Mistake(lambda grads: global_norm(grads[:1]),
                    "This is the norm of the first array alone. All arrays count."),
            Mistake(lambda grads: global_norm(grads[-1:]),
                    "This is the norm of the last array alone. All arrays count."),
            Mistake(lambda grads: np.mean([np.linalg.norm(g.astype(float)) for g in grads]),
                    "This is the mean of the norms. "
                    "All entries of all arrays count together."),
            Mistake(lambda grads: float(np.clip(global_norm(grads), 1e-30, 1e30)),
                    "Clipped to a range: the norm itself is asked "
                    "for."),
            Mistake(lambda grads: np.sqrt(sum(g.astype(float).sum()**2 for g in grads)),
                    "Square each entry first, then add up."),
            Mistake(lambda grads: abs(sum(g.astype(float).sum() for g in grads)),
                    "This is a sum. The norm is the root of the sum "
                    "of the squares."),
            Mistake(lambda grads: sum(g.astype(float).sum() for g in grads),
                    "This is a sum, and its signs cancel. The norm is "
                    "the root of the sum of the squares."),
            Mistake(lambda grads: np.sqrt(sum(np.linalg.norm(g.astype(float), 2)**2 for g in grads)),
                    "np.linalg.norm(g, 2) of a matrix is its largest singular value. All entries count."),
            Mistake(lambda grads: max(np.linalg.norm(g.astype(float), 2) for g in grads),
                    "np.linalg.norm(g, 2) of a matrix is its largest singular value. All entries of all arrays count."),
            Mistake(lambda grads: 1e30 * np.sqrt(sum(((g / np.float32(1e30))**2).sum() for g in grads)),
                    "One fixed scale is right for gradients near it alone: at 1e-36 the squares are 0. Divide by the "
                    "largest "
                    "entry."),
            Mistake(lambda grads: 1e-36 * np.sqrt(sum(((g / np.float32(1e-36))**2).sum() for g in grads)),
                    "One fixed scale is right for gradients near it alone: at 1e30 the squares are infinite. Divide "
                    "by the "
                    "largest entry."),
            Mistake(lambda grads: float(np.nan_to_num(_norm_in_float32(grads))),
                    "The squares overflow in float32, and no cap brings the norm back. Scale before you square, or "
                    "square in "
                    "float64."),
            Mistake(lambda grads: np.sqrt(sum((np.maximum(np.abs(g.astype(float)), 1e-12)**2).sum() for g in grads)),
                    "Small entries were raised to a floor. They count as they are."),
            Mistake(lambda grads: np.sqrt(sum((g.astype(np.float16).astype(float)**2).sum() for g in grads)),
                    "float16 has three digits and ends at 65504. Use float64."),
        ],
        hints=["What is (1e30)**2 in float32, whose largest number is 3e38? And (1e-36)**2?",
               "Divide by the largest entry first; multiply by it at the end. Or convert to float64."],
    ),
    Exercise(
        "14.10", "How far back it reaches", minutes=5, difficulty=3,
        solution=steps_back, oracle=_reach_by_walking, cases=_reach_cases, time_axis="each",
        also_correct=(_reach_by_cumulation,),
        mistakes=[
            Mistake(_reach_of_the_longest,
                    "You started at the last row for every sequence. The shorter ones end before it: there is NaN."),
            Mistake(_reach_with_gaps,
                    "You counted all steps that are large enough. Stop at the first that is not: behind a gap "
                    "nothing counts."),
            Mistake(lambda norms, share: steps_back(norms, np.nextafter(share, 1)),
                    "At least `share` times: what is exactly that much counts."),
            Mistake(lambda norms, share: steps_back(norms, share) - 1,
                    "One too few: the last step that is still large enough counts."),
            Mistake(_reach_against_one,
                    "Compared with `share` itself. The measure is share times the norm at the sequence's end."),
            Mistake(_reach_step_by_step,
                    "Each norm was compared with the one after it. All are compared with the norm at the end."),
            Mistake(_reach_from_the_start,
                    "You walked from the first step on. The walk begins at the sequence's own end and goes back."),
            Mistake(lambda norms, share: (~np.isnan(norms)).sum(0) - 1 - steps_back(norms, share),
                    "This is the index of the step that is reached. The number of steps back from the end is asked "
                    "for."),
            Mistake(lambda norms, share: (~np.isnan(norms)).sum(0) - 1, "These are the lengths of the sequences."),
            Mistake(lambda norms, share: steps_back(norms, share).max(),
                    "This is the largest count. Return one for each sequence."),
            Mistake(lambda norms, share: steps_back(norms, share).mean(),
                    "This is the mean count. Return one for each sequence."),
            Mistake(lambda norms, share: steps_back(norms, share) / ((~np.isnan(norms)).sum(0) - 1),
                    "This is a share of the sequence's length. The count is asked for."),
            Mistake(_reach_beyond_a_gap,
                    "This goes to the farthest step that is large enough. Stop at the first that is not, walking "
                    "back."),
            Mistake(_reach_one_more, "One too many: the end itself is 0 steps back."),
            Mistake(lambda norms, share: _reach_with_gaps(norms, share) + 1,
                    "You counted all steps that are large enough, the "
                    "end among them. Walk back from the end and stop at the first that is not."),
            Mistake(lambda norms, share: (norms[:-1] >= share * norms[-1]).sum(0),
                    "The last row is NaN where a sequence is "
                    "shorter, and gaps are counted over. Walk back from each sequence's own end."),
            Mistake(lambda norms, share: np.array([np.flatnonzero(column >= share * column[~np.isnan(column)][-1])[0]
                                                   for column in norms.T]),
                    "This is the index of the first step that is large enough, from the start on. Walk back from the "
                    "end and "
                    "count."),
            Mistake(lambda norms, share: 0 * steps_back(norms, share),
                    "Zero everywhere: the comparison is turned, or the walk "
                    "stops at once. Go on while the norm is at least share times the last."),
            Mistake(lambda norms, share: np.full(norms.shape[1], steps_back(norms, share)[0]),
                    "This is the first sequence's for "
                    "all. Each has one of its own."),
            Mistake(_reach_with_the_padding,
                    "The NaN after a sequence's end were counted as steps. Begin at its own end."),
            Mistake(lambda norms, share: np.cumprod((norms >= share * np.array([c[-1] for c in _alive(norms)]))[::-1],
                                                    axis=0).sum(0) - 1,
                    "You started at the last row for every sequence. The shorter ones end before it: NaN is not large "
                    "enough."),
            Mistake(lambda norms, share: steps_back(norms**2, share),
                    "The norms are compared themselves with share times the last: no squares, no root of `share`."),
            Mistake(lambda norms, share: steps_back(norms, 1 - share),
                    "The norm has to be at least share times the last, not "
                    "1 - share."),
            Mistake(lambda norms, share: steps_back(norms[1:], share),
                    "Row 0, the initial state, was left out. It is a step "
                    "back too."),
            Mistake(lambda norms, share: steps_back(norms, share) / len(norms),
                    "This is a share of the steps. The count is asked "
                    "for."),
            Mistake(_reach_walking(lambda own, norms: own.max()),
                    "Compared with the largest norm of the sequence. The measure is the "
                    "norm at its end."),
            Mistake(_reach_walking(lambda own, norms: own[0]),
                    "Compared with the norm at step 0. The measure is the norm at the "
                    "sequence's end."),
            Mistake(_reach_walking(lambda own, norms: own.mean()),
                    "Compared with the mean norm. The measure is the norm at the "
                    "sequence's end."),
            Mistake(_reach_walking(lambda own, norms: norms[-1][~np.isnan(norms[-1])][0]),
                    "Compared with the end of the longest "
                    "sequence. Each has an end of its own."),
            Mistake(_reach_walking(lambda own, norms: np.nanmax(norms)),
                    "Compared with the largest norm of all. The measure is the "
                    "norm at each sequence's own end."),
            Mistake(_reach_of_whole_columns, "The first that is too small was counted as well, where there is one."),
            Mistake(lambda norms, share: np.where(steps_back(norms, share) == (~np.isnan(norms)).sum(0) - 1, 0,
                                                  steps_back(norms, share)),
                    "0 where no norm is too small: argmax and argmin find nothing there. Then the whole sequence is "
                    "reached."),
            Mistake(lambda norms, share: np.where(np.isnan(norms[-1]), 0, steps_back(norms, share)),
                    "0 for the shorter sequences: NaN is not large enough. Begin at each one's own end."),
            Mistake(lambda norms, share: steps_back(norms, share).min(),
                    "This is the smallest count. Return one for each "
                    "sequence."),
        ],
        hints=["Treat one column: drop its NaN, then the last entry is its end.",
               "Walk back from the end while the norm is at least share times the last one, and count.",
               "If no entry is too small, the answer is the sequence's length."],
    ),
])
