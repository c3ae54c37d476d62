"""The exercises of notebook 13, your own network: first the lesson's, then the clinic's."""

from __future__ import annotations

import math

import numpy as np

from .. import bptt, cells, clinic
from .engine import Bank, Cure, Exercise, Mistake, Prediction

# 13.2 Every state keeps its gradient. The arguments are torch's; torch itself is imported with the cases.


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
    for T, B, D, H in [(3, 2, 5, 4), (12, 3, 2, 6)]:
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


def _total_of_all_losses(cell, x, h0, loss):
    states, total = [h0.requires_grad_()], 0
    for x_t in x:
        h = cell(x_t, states[-1])
        h.retain_grad()
        total = total + loss(h)
        states.append(h)
    total.backward()
    return np.stack([h.grad.numpy() for h in states])


# 13.5 Two biases, one gate


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


def _forget_first_gate(bias_ih, bias_hh, value):
    H = len(bias_ih) // 4
    return tuple(np.concatenate([np.full(H, left), array[H:]]) for array, left in [(bias_ih, value), (bias_hh, 0)])


# 13.7 Which array, which step


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
            arrays(x={4: -np.inf}, h={5: np.inf, 6: np.nan}), arrays()]


def _first_gradient_forward(x, h, dh):
    place = first_bad(x, h, dh)
    return f"dh[{np.flatnonzero(~np.isfinite(dh).all(axis=(1, 2)))[0]}]" if place.startswith("dh") else place


def _first_nan_only(x, h, dh):
    return first_bad(*(np.where(np.isinf(array), 1., array) for array in (x, h, dh)))


def _first_gradients_first(x, h, dh):
    harmless = np.ones((1, 1, 1))
    place = first_bad(harmless, harmless, dh)
    return first_bad(x, h, dh) if place == "none" else place


# 13.9 A norm that lives


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
    return [([(size * rng.uniform(.5, 1, shape)).astype(np.float32) for shape in shapes],)
            for size in (1., 1e30, 1e-36)]


def _norm_in_float32(grads):
    return np.sqrt(sum((g**2).sum() for g in grads))


def _norm_with_a_floor(grads):
    return global_norm(grads) + 1e-6


def _norm_of_the_largest(grads):
    return max(global_norm([g]) for g in grads)


def _norm_added_up(grads):
    return sum(global_norm([g]) for g in grads)


# 13.10 How far back it reaches


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
    for lengths, share, q in [((9, 4, 6), 1e-2, .5), ((30, 12, 3, 21), .1, .9), ((15, 15), 1e-3, .4)]:
        norms = np.full((max(lengths) + 1, len(lengths)), np.nan)
        for b, T in enumerate(lengths):
            norms[:T + 1, b] = rng.uniform(.5, 2) * q ** np.arange(T + 1)[::-1] * rng.uniform(.9, 1.1, T + 1)
        norms[0, 0] *= 1e6  # it grows again far back: that is not reached without a gap
        cases.append((norms, share))
    return cases


def _reach_of_the_longest(norms, share):
    return steps_back(np.nan_to_num(norms), share)


def _reach_against_the_largest(norms, share):
    largest = np.nanmax(norms, axis=0)
    last = np.array([column[~np.isnan(column)][-1] for column in norms.T])
    return np.concatenate([steps_back(norms[:, [b]], share * largest[b] / last[b]) for b in range(len(last))])


def _reach_with_gaps(norms, share):
    last = np.array([column[~np.isnan(column)][-1] for column in norms.T])
    return (norms >= share * last).sum(0) - 1


def _reach_one_more(norms, share):
    return steps_back(norms, share) + 1


# The clinic


def _cure(id: str, patient: str, title: str, difficulty: int, **fields) -> Cure:
    stub = clinic.PATIENTS[patient].part
    return Cure(id, title, patient=patient, minutes=4, difficulty=difficulty, stub=stub, **fields)


_LESSON = [
    Prediction("13.1", "32 steps, loss on the last output: at how many steps is out.grad not zero?", unit="steps"),
    Exercise(
        "13.2", "Every state keeps its gradient", minutes=6, difficulty=1,
        solution=total_gradient, oracle=_total_by_hand, cases=_total_cases, time_axis=0,
        stub='''
def total_gradient(cell, x, h0, loss) -> np.ndarray:
    """dL/dh_t (T + 1, B, H), row 0 for h_0. cell is a torch.nn.GRUCell, called cell(x_t, h);
    x (T, B, D) and h0 (B, H) are tensors, and L = loss(h_T)."""
    ...
''',
        also_correct=(_total_by_grad,),
        mistakes=[
            Mistake(_total_of_a_stack,
                    "This is the direct path alone. The stack is made of the states, but the states are not made "
                    "of the stack: what flows from h_t to h_{t-1} never passes it. Keep the gradient of each "
                    "state itself."),
            Mistake(_total_backwards, "The steps come out in reverse: row t is dL/dh_t, the last row belongs to h_T."),
            Mistake(_total_without_the_first,
                    "Row 0 is missing. h_0 is a leaf: with requires_grad_() it gets a gradient like the others."),
            Mistake(_total_of_all_losses, "Here L reads the last state alone, not every state."),
        ],
        hints=["Run the cell in a loop and keep every state in a list. A tensor that is not a leaf keeps its "
               "gradient if you ask for it before backward.",
               "h.retain_grad() for each new state, h0.requires_grad_() for the first.",
               "loss(states[-1]).backward(), then stack h.grad for all states, h_0 included."],
    ),
    Prediction("13.3", "An LSTM as torch draws it reads 32 words. |dL/dc_2| over |dL/dc_32|?",
               scale="log10", digits=1, close=1.),
    Prediction("13.4", "Distance 30, 300 updates, three seeds: what has to be added to the forget bias to learn it?",
               kind="choices", choices=("nothing", "1", "3")),
    Exercise(
        "13.5", "Two biases, one gate", minutes=4, difficulty=1,
        solution=with_forget_bias, oracle=_forget_by_gates, cases=_forget_cases, returns=("bias_ih", "bias_hh"),
        stub='''
def with_forget_bias(bias_ih: np.ndarray, bias_hh: np.ndarray, value: float) -> tuple:
    """New (bias_ih, bias_hh), both (4H,), gates in the order i, f, g, o: the forget gate's bias is
    `value`, all of it in bias_ih; the other gates stay as they are."""
    ...
''',
        also_correct=(_forget_by_rows,),
        mistakes=[
            Mistake(_forget_twice, "Both biases are `value` now, and the gate reads their sum: 2 times `value`."),
            Mistake(_forget_left_over,
                    "bias_hh still adds what it was drawn as: the gate's bias is near `value`, not `value`."),
            Mistake(_forget_added, "You added `value` to what was drawn. Here the sum of the two has to be `value`."),
            Mistake(_forget_in_the_sum,
                    "The sum is right, but bias_hh still holds a part of it. All of `value` belongs in bias_ih."),
            Mistake(_forget_first_gate,
                    "This is the input gate. torch's order is i, f, g, o: f is the second quarter."),
        ],
        hints=["Which quarter of the 4H entries is the forget gate's?",
               "The gate reads bias_ih + bias_hh. One of them has to give way.",
               "Copies first. Then [H:2 * H] is `value` in one, and 0 in the other."],
    ),
    Prediction("13.6", "An input is -inf. Which of these are not finite in this update?", kind="choices",
               choices=("loss", "states", "dL/dx", "gradient of weight_ih", "gradient of weight_hh")),
    Exercise(
        "13.7", "Which array, which step", minutes=5, difficulty=2,
        solution=first_bad, oracle=_first_by_mask, cases=_first_cases,
        stub='''
def first_bad(x: np.ndarray, h: np.ndarray, dh: np.ndarray) -> str:
    """The array and the index at which something is not finite for the first time, "x[4]", "h[7]" or
    "dh[5]"; "none" if all is finite. x (T, B, D), h and dh (T + 1, B, H)."""
    ...
''',
        also_correct=(_first_by_sums,),
        mistakes=[
            Mistake(_first_gradient_forward,
                    "The gradient is computed from the last step to the first: what went wrong first has the "
                    "largest t."),
            Mistake(_first_nan_only, "An infinity is not finite either, and it usually comes before the NaN."),
            Mistake(_first_gradients_first,
                    "The gradients are computed last. If a state is bad, they only tell of it again: search x, "
                    "then h, then dh."),
        ],
        hints=["In which order does a network compute the three? And the steps of each?",
               "np.isfinite(array[t]).all() for t = 0, 1, ... in x and h.",
               "In dh walk from the last index down to 0."],
    ),
    Prediction("13.8", "The run that never learned, clipped at norm 1: what share of its updates was clipped?"),
    Exercise(
        "13.9", "A norm that lives", minutes=4, difficulty=2,
        solution=global_norm, oracle=_norm_by_hypot, cases=_norm_cases, rtol=1e-6,
        stub='''
def global_norm(grads: list) -> float:
    """The norm of all entries of a list of float32 arrays together, right for 1e30 and for 1e-36."""
    ...
''',
        also_correct=(_norm_in_float64,),
        mistakes=[
            Mistake(_norm_in_float32,
                    "The squares leave float32: 1e30 squared is infinite, 1e-36 squared is 0. Scale before you "
                    "square, or square in float64."),
            Mistake(_norm_with_a_floor, "The small number that you add is larger than a gradient of 1e-36."),
            Mistake(_norm_of_the_largest, "One array's norm. All entries of all arrays count together."),
            Mistake(_norm_added_up, "Norms of parts do not add up: their squares do."),
        ],
        hints=["What is (1e30)**2 in float32, whose largest number is 3e38? And (1e-36)**2?",
               "Divide by the largest entry first; multiply by it at the end. Or convert to float64."],
    ),
    Exercise(
        "13.10", "How far back it reaches", minutes=5, difficulty=3,
        solution=steps_back, oracle=_reach_by_walking, cases=_reach_cases, time_axis="each",
        stub='''
def steps_back(norms: np.ndarray, share: float) -> np.ndarray:
    """For each sequence the number of steps back from its own end, without a gap, at which the norm is
    at least share times the norm at its end. norms (T + 1, B), NaN after a sequence's end; returns (B,)."""
    ...
''',
        also_correct=(_reach_by_cumulation,),
        mistakes=[
            Mistake(_reach_of_the_longest,
                    "You started at the last row for every sequence. The shorter ones end before it: there is NaN."),
            Mistake(_reach_against_the_largest,
                    "Compared with the largest norm of the sequence. The measure is the norm at its end."),
            Mistake(_reach_with_gaps,
                    "You counted all steps that are large enough. Stop at the first that is not: behind a gap "
                    "nothing counts."),
            Mistake(_reach_one_more, "One too many: the end itself is 0 steps back."),
        ],
        hints=["Treat one column: drop its NaN, then the last entry is its end.",
               "Walk back from the end while the norm is at least share times the last one, and count.",
               "If no entry is too small, the answer is the sequence's length."],
    ),
]

_CLINIC = [
    _cure(
        "13.11", "01", "A loss that climbs", 1,
        solution='''
def make_optimizer(parameters):
    return torch.optim.SGD(parameters, lr=.05)
''',
        also_correct=("def make_optimizer(parameters):\n    return torch.optim.Adam(parameters, lr=.01)",),
        wrong=(
            "def make_optimizer(parameters):\n    return torch.optim.SGD(parameters, lr=1e-7)",
            "def make_optimizer(parameters):\n    return torch.optim.Adam(parameters, lr=1.)",
        ),
        confused={
            "10": "The first loss and the first norm are small: the weights start well. The updates make it "
                  "worse.",
            "11": "A vanished gradient leaves the loss where it is. Here the norm grows with each update.",
            "06": "There is no clipping in this code, and the loss climbs before there is any NaN."},
        hints=["How far does one update move a weight, beside the weight itself?",
               "Divide the rate by ten until the loss falls, and not more often: too small a rate learns "
               "nothing in 100 updates."],
    ),
    _cure(
        "13.12", "02", "The electrode", 1,
        solution='''
def activation(a):
    return torch.tanh(a)
''',
        also_correct=(
            "def activation(a):\n    return 2 * torch.sigmoid(2 * a) - 1",
            "def activation(a):\n    a = a.clamp(-20, 20)\n    up, down = torch.exp(a), torch.exp(-a)\n"
            "    return (up - down) / (up + down)",
        ),
        wrong=(
            "def activation(a):\n    up, down = torch.exp(a), torch.exp(-a)\n"
            "    return torch.nan_to_num((up - down) / (up + down))",
            "def activation(a):\n    up, down = torch.exp(a), torch.exp(-a)\n"
            "    return torch.where(a.abs() > 20, torch.sign(a), (up - down) / (up + down))",
            "def activation(a):\n    return a.clamp(-1, 1)",
            "def activation(a):\n    up, down = torch.exp(a), torch.exp(-a)\n"
            "    return (up - down) / (up + down + 1e-3)",
        ),
        confused={
            "01": "The rate was the same in the 20 updates before, and the norm was small. Which batch is "
            "special?",
            "06": "The loss of update 20 is NaN already, and clipping comes after the loss.",
            "10": "Weights that make states explode do it in every batch. Here one batch is enough, and the 20 "
                  "before it were fine."},
        hints=["Search in the order in which things are computed: inputs, states, gradients. What is special in "
               "the inputs of update 20? (The microscope needs an nn.RNN, and this loop is its user's own.)",
               "What is exp(89) in float32, and what is infinity divided by infinity?",
               "torch has a tanh that never computes exp of a large number."],
    ),
    _cure(
        "13.13", "03", "Under the mask", 2,
        solution='''
def masked_loss(prediction, target, mask):
    target = torch.where(mask, target, 0.)             # before infinity is computed with
    errors = (prediction - target)**2
    return (errors * mask).sum() / mask.sum()
''',
        also_correct=(
            "def masked_loss(prediction, target, mask):\n    return ((prediction - target)[mask]**2).mean()",
        ),
        wrong=(
            "def masked_loss(prediction, target, mask):\n    errors = (prediction - target)**2\n"
            "    return torch.where(mask, errors, 0.).sum() / mask.sum()",
            "def masked_loss(prediction, target, mask):\n    errors = (prediction - target)**2\n"
            "    loss = (errors * mask).sum() / mask.sum()\n"
            "    return loss if loss.isfinite() else 0 * prediction[mask].sum()",
            "def masked_loss(prediction, target, mask):\n    full = mask.all(0)\n"
            "    return ((prediction[:, full] - target[:, full])**2).mean()",
            "def masked_loss(prediction, target, mask):\n    target = torch.where(mask, target, 0.)\n"
            "    return ((prediction - target)**2).mean()",
        ),
        confused={
            "04": "There is a log of 0 in this code, and it makes targets infinite. But those are masked out: why "
                  "do they still count?",
            "10": "Every prediction is finite. The NaN is made after the network.",
            "08": "All numbers here are float32."},
        hints=["clinic.PATIENTS[\"03\"].watch().first_nonfinite() says that the NaN comes from outside of the "
               "network. What is the target where a sequence is padded?",
               "0 times infinity is NaN, on the way forward and on the way back.",
               "Don't multiply infinity away. Replace it before anything is computed with it, or select what "
               "counts: tensor[mask]."],
    ),
    _cure(
        "13.14", "04", "Certain, and wrong", 2,
        solution='''
def cross_entropy(logits, labels):
    log_p = torch.log_softmax(logits, dim=-1)
    return -log_p[torch.arange(len(labels)), labels].mean()
''',
        also_correct=(
            "def cross_entropy(logits, labels):\n    return torch.nn.functional.cross_entropy(logits, labels)",
            "def cross_entropy(logits, labels):\n"
            "    right = logits.gather(1, labels.unsqueeze(1)).squeeze(1)\n"
            "    return (torch.logsumexp(logits, 1) - right).mean()",
        ),
        wrong=(
            "def cross_entropy(logits, labels):\n    p = torch.softmax(logits, dim=-1)\n"
            "    return -torch.log(p[torch.arange(len(labels)), labels] + 1e-8).mean()",
            "def cross_entropy(logits, labels):\n    p = torch.softmax(logits / 400, dim=-1)\n"
            "    return -torch.log(p[torch.arange(len(labels)), labels]).mean()",
            "def cross_entropy(logits, labels):\n"
            "    p = torch.softmax(logits, dim=-1)[torch.arange(len(labels)), labels]\n"
            "    return -torch.where(p > 0, torch.log(p), -100.).mean()",
        ),
        confused={
            "10": "The states are between -1 and 1, as the complaint says. What comes after them?",
            "03": "Nothing is masked here.",
            "02": "This softmax is torch's, and it takes care of large exponents. Look at what is done with its "
                  "result.",
            "08": "All numbers here are float32, and none is too large for it. But float32 has a smallest "
                  "number, too."},
        hints=["clinic.PATIENTS[\"04\"].watch().first_nonfinite() says that the states are fine. Print the "
               "smallest p of the first batch.",
               "exp(-200) is 0 in float32, and its logarithm should be -200.",
               "Compute the logarithm without the probability: torch.log_softmax."],
    ),
    _cure(
        "13.15", "05", "Standing still", 2,
        solution='''
def length(steps):
    return ((steps**2).sum(-1) + 1e-12).sqrt()         # the slope at 0 is 0 now
''',
        also_correct=(
            "def length(steps):\n    return torch.linalg.vector_norm(steps, dim=-1)",
            "def length(steps):\n    square = (steps**2).sum(-1)\n    moving = square > 0\n"
            "    return torch.where(moving, torch.where(moving, square, 1.).sqrt(), 0.)",
        ),
        wrong=(
            "def length(steps):\n    return (steps**2).sum(-1).sqrt() + 1e-8",
            "def length(steps):\n    square = (steps**2).sum(-1)\n"
            "    return torch.where(square > 0, square.sqrt(), 0.)",
            "def length(steps):\n    return (steps**2).sum(-1)",
            "def length(steps):\n    return ((steps**2).sum(-1) + 1e-12).sqrt().detach()",
        ),
        confused={
            "03": "Nothing is masked here. But infinity does meet a 0 somewhere, on the way back.",
            "06": "The norm is NaN before anything is clipped: clip_grad_norm_ returns the norm before.",
            "04": "There is no logarithm here. Which other function has an infinite slope at 0?"},
        hints=["The loss is finite and its gradient is not. clinic.PATIENTS[\"05\"].watch().first_nonfinite() "
               "names a sequence and a step: what are its inputs up to there?",
               "The padding in front keeps the states of four sequences at 0: their first steps have length 0. "
               "Which slope has a square root at 0?",
               "Add something tiny under the root, not after it."],
    ),
    _cure(
        "13.16", "06", "One tick of the clock", 2,
        solution='''
def train_step(net, optimizer, gaps, target):
    rates = 1 / gaps.clamp_min(.01)                    # the clock can't tell less than a hundredth
    loss = ((net(rates) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1., error_if_nonfinite=True)
    optimizer.step()
    return loss, norm
''',
        also_correct=('''
def train_step(net, optimizer, gaps, target):
    loss = ((net(1 / (gaps + .005)) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    return loss, norm
''',),
        wrong=('''
def train_step(net, optimizer, gaps, target):
    loss = ((net(1 / gaps) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.)
    if norm.isfinite():
        optimizer.step()
    return loss, norm
''', '''
def train_step(net, optimizer, gaps, target):
    loss = ((net(1 / gaps) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.grad.nan_to_num_(0., 0., 0.)
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    return loss, norm
''', '''
def train_step(net, optimizer, gaps, target):
    loss = ((net(1 / gaps) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss, torch.nn.utils.get_total_norm([p.grad for p in net.parameters()])
''', '''
def train_step(net, optimizer, gaps, target):
    loss = ((net(torch.nan_to_num(1 / gaps)) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.)
    optimizer.step()
    return loss, norm
'''),
        confused={
            "01": "The rate is .1 and the norm at most 1: no update can be longer than .1, unless the norm is no "
                  "number.",
            "10": "The loss of update 20 is finite, and so are its states. Infinity comes in at another door.",
            "02": "nn.RNN's tanh takes any input: tanh of infinity is 1. That is why the loss is finite."},
        hints=["clinic.PATIENTS[\"06\"].watch().first_nonfinite() looks at the inputs first, and finds it.",
               "tanh turns an infinite input into a state of 1 or -1 with a slope of 0. weight_ih gets 0 times "
               "infinity, and clipping divides all gradients by a norm that is NaN.",
               "Which rate is true for two events within one tick of .01 seconds? About 100 a second, or more: "
               "the clock cannot tell."],
    ),
    _cure(
        "13.17", "07", "The second update", 2,
        solution='''
def train_step(rnn, readout, optimizer, x, target, h):
    states, h = rnn(x, h)
    loss = ((readout(states) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss, h.detach()                            # the numbers, without their past
''',
        also_correct=('''
def train_step(rnn, readout, optimizer, x, target, h):
    h = None if h is None else h.detach()
    states, h = rnn(x, h)
    loss = ((readout(states) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss, torch.tensor(h.tolist())
''',),
        wrong=('''
def train_step(rnn, readout, optimizer, x, target, h):
    states, h = rnn(x, h)
    loss = ((readout(states) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
    return loss, h
''', '''
def train_step(rnn, readout, optimizer, x, target, h):
    states, h = rnn(x)
    loss = ((readout(states) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss, torch.zeros_like(h)
''', '''
def train_step(rnn, readout, optimizer, x, target, h):
    states, h = rnn(x, h)
    loss = ((readout(states.detach()) - target)**2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss, h.detach()
'''),
        confused={
            "11": "The second gradient never comes to be: its backward pass ends in an error.",
            "12": "The axes are in order: time, batch, features. Read what the message says about a graph."},
        hints=["Which tensor of the first window is used in the second one?",
               "The state carries the graph that made it, and backward has freed that graph.",
               "Hand on the numbers without the graph: h.detach()."],
    ),
    _cure(
        "13.18", "08", "The smaller format", 2,
        solution='''
def attend(states, scores):
    weights = torch.softmax(scores.float(), 0)         # it subtracts the largest score first
    return (weights.unsqueeze(-1) * states).sum(0)
''',
        also_correct=('''
def attend(states, scores):
    scores = scores.half()
    weights = torch.exp(scores - scores.max(0).values)
    weights = weights / weights.sum(0)
    return (weights.unsqueeze(-1) * states.half()).sum(0).float()
''',),
        wrong=('''
def attend(states, scores):
    weights = torch.exp(scores.half().clamp(max=8))
    weights = weights / weights.sum(0)
    return (weights.unsqueeze(-1) * states.half()).sum(0).float()
''', '''
def attend(states, scores):
    weights = torch.exp(scores.half())
    weights = torch.nan_to_num(weights / weights.sum(0), 0., 0., 0.)
    return (weights.unsqueeze(-1) * states.half()).sum(0).float()
''', '''
def attend(states, scores):
    weights = torch.softmax(scores / 100, 0)
    return (weights.unsqueeze(-1) * states).sum(0)
'''),
        confused={
            "02": "An exp does overflow here, but not in an activation, and not in float32: exp(12) is only 160 "
                  "thousand.",
            "01": "With the same rate it trained for weeks. What has changed since?",
            "04": "There is no logarithm here, and the number that fails is too large, not too small."},
        hints=["clinic.PATIENTS[\"08\"].watch().first_nonfinite() says that the network's states are fine. What is "
               "the largest number in float16, and which score has an exp above it?",
               "65504 is exp(11.1). A softmax stays the same if one number is subtracted from all scores.",
               "Subtract the largest score before exp, or call torch.softmax."],
    ),
    _cure(
        "13.19", "09", "Zero point zero", 3,
        solution='''
def gradient_norm(parameters):
    return torch.sqrt(sum((p.grad.double()**2).sum() for p in parameters))
''',
        also_correct=('''
def gradient_norm(parameters):
    largest = max(p.grad.abs().max() for p in parameters)
    if largest == 0:
        return largest
    return largest * torch.sqrt(sum(((p.grad / largest)**2).sum() for p in parameters))
''',),
        wrong=(
            "def gradient_norm(parameters):\n"
            "    return 1e-12 + torch.sqrt(sum((p.grad**2).sum() for p in parameters))",
            "def gradient_norm(parameters):\n    return max(p.grad.abs().max() for p in parameters)",
            "def gradient_norm(parameters):\n"
            "    return torch.nn.utils.get_total_norm([p.grad for p in parameters])",
        ),
        confused={
            "11": "Print the largest entry of a gradient before you say so: it is not 0.",
            "07": "The script stops by its own rule, norm == 0, and not because of a graph.",
            "08": "All numbers here are float32, and none is too large for it. But float32 has a smallest number, "
                  "too."},
        hints=["clinic.PATIENTS[\"09\"].watch().verdict() says that the gradient is alive. Print p.grad.abs().max() "
               "beside the norm.",
               "The entries are near 1e-24. What is their square, and what is the smallest number of float32?",
               "Square in float64, or divide by the largest entry before you square."],
    ),
    _cure(
        "13.20", "10", "Infinite at the start", 2,
        solution='''
def initialize(rnn):
    torch.nn.init.orthogonal_(rnn.weight_hh_l0, gain=2**.5)  # relu lets about half of the square through
''',
        also_correct=(
            "def initialize(rnn):\n    torch.nn.init.eye_(rnn.weight_hh_l0)",
            "def initialize(rnn):\n    torch.nn.init.normal_(rnn.weight_hh_l0, std=(2 / rnn.hidden_size)**.5)",
            "def initialize(rnn):\n    torch.nn.init.orthogonal_(rnn.weight_hh_l0)",
        ),
        wrong=(
            "def initialize(rnn):\n    torch.nn.init.zeros_(rnn.weight_hh_l0)",
            "def initialize(rnn):\n    torch.nn.init.normal_(rnn.weight_hh_l0, std=1.)\n"
            "    with torch.no_grad():\n        rnn.weight_ih_l0.mul_(1e-6)\n        rnn.bias_ih_l0.zero_()\n"
            "        rnn.bias_hh_l0.zero_()",
            "def initialize(rnn):\n    torch.nn.init.normal_(rnn.weight_hh_l0, std=.03)",
        ),
        confused={
            "01": "The loss is infinite before the first update. No rate has been used yet.",
            "11": "What vanishes leaves a finite loss. This one is infinite on the way forward.",
            "08": "All numbers here are float32, which reaches 3e38. What makes a number that large?"},
        hints=["By which factor does a step multiply the state, for 32 units with weights of size 1?",
               "The root of 32 is 5.7, and relu lets half of the square through: a factor of 4, 40 times, and on the "
               "way back again. clinic.PATIENTS[\"10\"].watch().first_nonfinite() names the step where the gradient "
               "leaves float32.",
               "Take weights that keep a length: nn.init.eye_, or nn.init.orthogonal_ with the gain 2**.5 that "
               "makes up for relu."],
    ),
    _cure(
        "13.21", "11", "Nothing is wrong", 3,
        solution='''
def make_rnn(inputs, units):
    rnn = torch.nn.RNN(inputs, units, nonlinearity="relu")
    torch.nn.init.eye_(rnn.weight_hh_l0)
    torch.nn.init.zeros_(rnn.bias_ih_l0)
    torch.nn.init.zeros_(rnn.bias_hh_l0)
    return rnn
''',
        also_correct=('''
def make_rnn(inputs, units):
    lstm = torch.nn.LSTM(inputs, units)
    with torch.no_grad():
        lstm.bias_ih_l0[units:2 * units] = 4.
    return lstm
''', '''
def make_rnn(inputs, units):
    rnn = torch.nn.RNN(inputs, units, bias=False)
    torch.nn.init.orthogonal_(rnn.weight_hh_l0)
    return rnn
''', '''
def make_rnn(inputs, units):
    lstm = torch.nn.LSTM(inputs, units)
    with torch.no_grad():                              # half-lives from 1 to 80 steps (lesson 11)
        lstm.bias_ih_l0[units:2 * units] = torch.log(torch.empty(units).uniform_(1, 79))
        lstm.bias_ih_l0[:units] = -lstm.bias_ih_l0[units:2 * units]
        lstm.bias_hh_l0[:2 * units] = 0
    return lstm
'''),
        wrong=('''
def make_rnn(inputs, units):
    rnn = torch.nn.RNN(inputs, units)
    with torch.no_grad():
        rnn.weight_ih_l0.mul_(10)
    return rnn
''', '''
def make_rnn(inputs, units):
    rnn = torch.nn.RNN(inputs, units)
    torch.nn.init.normal_(rnn.weight_hh_l0, std=3.)
    return rnn
''', '''
def make_rnn(inputs, units):
    return torch.nn.LSTM(inputs, units)
'''),
        confused={
            "01": "A rate that is too large makes the loss jump. This one stays at 0.69, the loss of guessing.",
            "12": "The axes are in order: time, batch, features. The label is in step 0. What comes back to step "
                  "0?",
            "09": "The norm is not 0, and rightly so: the last steps have gradient enough.",
            "06": "Nothing is NaN here."},
        hints=["The norm is that of all steps together. The microscope shows them one by one: flow = "
               "clinic.PATIENTS[\"11\"].watch(), then flow.plot() and flow.verdict().",
               "At torch's default weights each step back leaves some 0.6 of the gradient. There are 80 steps.",
               "Start with recurrent weights that keep a length, or with an LSTM whose forget gates are open "
               "(lesson 11)."],
    ),
    _cure(
        "13.22", "12", "Everything fits", 3,
        solution='''
def last_state(rnn, x):
    states, _ = rnn(x.transpose(0, 1))                 # nn.RNN wants (time, batch, features)
    return states[-1]
''',
        also_correct=(
            "def last_state(rnn, x):\n    return rnn(x.permute(1, 0, 2))[1][-1]",
            "def last_state(rnn, x):\n    rnn.batch_first = True\n    states, _ = rnn(x)\n    return states[:, -1]",
        ),
        wrong=(
            "def last_state(rnn, x):\n    batch, time, features = x.shape\n"
            "    states, _ = rnn(x.reshape(time, batch, features))\n    return states[-1]",
            "def last_state(rnn, x):\n    states, _ = rnn(x.transpose(0, 1))\n    return states[0]",
            "def last_state(rnn, x):\n    states, _ = rnn(x[:, -1:].transpose(0, 1))\n    return states[-1]",
        ),
        confused={
            "11": "Four steps back are not far. Which four steps does the network see at all?",
            "01": "A rate that is too large makes the loss jump high above its start.",
            "07": "No state is carried from one update to the next."},
        hints=["Change sequence 3 and see which outputs change. clinic.PATIENTS[\"12\"].watch().verdict() counts "
               "the steps that the network reads: are they those of the sequences?",
               "nn.RNN takes time first, unless it was made with batch_first=True.",
               "x.transpose(0, 1), and then the last step is states[-1]. reshape would shuffle the entries."],
    ),
]

BANK = Bank(13, "Your own network", [*_LESSON, *_CLINIC])
