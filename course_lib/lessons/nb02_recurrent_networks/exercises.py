"""The exercises of lesson 02, recurrent networks."""

from __future__ import annotations

import decimal

import numpy as np

from ... import bptt, cells, losses
from ...exercises.bank import Bank, Exercise, Mistake, Prediction


# One step ----------------------------------------------------------------------------------------------


def step(W_xh, W_hh, b_h, x_t, h_before):
    a_t = x_t @ W_xh.T + h_before @ W_hh.T + b_h  # a row is a sequence: so the transposed weights
    return np.tanh(a_t)


def _step_of_the_library(W_xh, W_hh, b_h, x_t, h_before):
    return bptt.forward(cells.RNNParams(W_xh, W_hh, b_h), x_t[None], h_before).h[1]


def _step_cases(rng):
    sizes = [(1, 3, 2), (4, 3, 2), (5, 2, 3), (3, 2, 3), (2, 1, 1)]  # B, D, H
    return [(_weights(rng, H, D), _weights(rng, H, H), _weights(rng, H), _weights(rng, B, D), _weights(rng, B, H))
            for B, D, H in sizes]


def _weights(rng, *shape):
    """Numbers of size .2 to .9 and either sign: none is zero, and no tanh is near its limits."""
    return rng.uniform(.2, .9, shape) * rng.choice([-1., 1.], shape)


# The whole pass ----------------------------------------------------------------------------------------


def states(W_xh, W_hh, b_h, x, h_0):
    T, B, D = x.shape
    h = np.empty((T + 1, B, len(b_h)))
    h[0] = h_0
    for t, x_t in enumerate(x, start=1):
        h[t] = np.tanh(x_t @ W_xh.T + h[t - 1] @ W_hh.T + b_h)
    return h


def _forward_of_the_library(W_xh, W_hh, b_h, x, h_0):
    return bptt.forward(cells.RNNParams(W_xh, W_hh, b_h), x, h_0).h


def _forward_as_list(W_xh, W_hh, b_h, x, h_0):
    found = [h_0]
    for x_t in x:
        found.append(np.tanh(np.einsum("hd,bd->bh", W_xh, x_t) + np.einsum("ij,bj->bi", W_hh, found[-1]) + b_h))
    return found


def _forward_cases(rng):
    sizes = [(4, 2, 3, 2), (12, 3, 2, 4), (1, 1, 2, 1)]  # T, B, D, H
    return [(_weights(rng, H, D), _weights(rng, H, H), _weights(rng, H), _weights(rng, T, B, D), _weights(rng, B, H))
            for T, B, D, H in sizes]


def _always_from_h_0(W_xh, W_hh, b_h, x, h_0):
    return np.concatenate([h_0[None], np.tanh(x @ W_xh.T + h_0 @ W_hh.T + b_h)])


def _one_input_late(W_xh, W_hh, b_h, x, h_0):
    read = _forward_of_the_library(W_xh, W_hh, b_h, np.roll(x, -1, axis=0), h_0)
    return np.concatenate([read[:-1], 0 * read[:1]])


def _inputs_alone(W_xh, W_hh, b_h, x, h_0):
    return np.concatenate([h_0[None], np.tanh(x @ W_xh.T + b_h)])


def _one_row_for_all(W_xh, W_hh, b_h, x, h_0):
    return np.array([_forward_of_the_library(W_xh, W_hh, b_h, x, h_0)[-1]] * (len(x) + 1))


def _last_row_left_out(W_xh, W_hh, b_h, x, h_0):
    h = _forward_of_the_library(W_xh, W_hh, b_h, x, h_0)
    h[-1] = 0
    return h


def _input_before(W_xh, W_hh, b_h, x, h_0):
    return _forward_of_the_library(W_xh, W_hh, b_h, np.roll(x, 1, axis=0), h_0)


def _shape_of_x(W_xh, W_hh, b_h, x, h_0):
    h = np.zeros_like(x)
    h[0] = h_0
    return h


def _reads_x_t(W_xh, W_hh, b_h, x, h_0):
    return x[len(x)]


def _without_tanh(W_xh, W_hh, b_h, x, h_0):
    return bptt.forward(cells.RNNParams(W_xh, W_hh, b_h), x, h_0, activation="linear").h


def _same_state_added(W_xh, W_hh, b_h, x, h_0):
    h = _forward_of_the_library(W_xh, W_hh, b_h, x, h_0)
    for t in range(1, len(h)):
        h[t] = h[t - 1] + np.tanh(x[t - 1] @ W_xh.T + h[t - 1] @ W_hh.T + b_h)
    return h


# How many weights --------------------------------------------------------------------------------------


def count_weights(D, H, K, T):
    hidden = H * D + H * H + H  # W_xh, W_hh, b_h
    output = K * H + K          # W_hy, b_y
    return hidden + output      # T does not occur: each step uses the same ones


def _count_by_making_them(D, H, K, T):
    rnn = cells.RNNParams(np.ones((H, D)), np.ones((H, H)), np.ones(H))
    network = cells.NetworkParams(rnn, cells.ReadoutParams(np.ones((K, H)), np.ones(K)))
    assert len(bptt.forward(network.rnn, np.ones((T, 1, D))).h) == T + 1  # it runs over T steps as it stands
    return sum(array.size for _, array in cells.leaves(network))


# Text to one-hot ---------------------------------------------------------------------------------------


def one_hot(texts, letters):
    x = np.zeros((len(texts[0]), len(texts), len(letters)))
    for b, text in enumerate(texts):
        for t, letter in enumerate(text):
            x[t, b, letters.index(letter)] = 1
    return x


def _one_hot_by_comparing(texts, letters):
    characters = np.array([list(text) for text in texts]).T  # (T, B)
    return (characters[:, :, None] == np.array(list(letters))).astype(float)


def _one_hot_cases(rng):
    return [(["rain", "iran"], "ainr"), (["tomato", "potato", "moppet"], "opmeat"),
            (["".join(rng.permutation(list("recurrent"))) for _ in range(4)], "uncter"),
            (["No, on", "on to!"], " !,Nonty"), (["b"], "acb")]


def _batch_first(texts, letters):
    return _one_hot_by_comparing(texts, letters).swapaxes(0, 1)


def _positions(texts, letters):
    return _one_hot_by_comparing(texts, letters).argmax(-1)


def _own_alphabet(texts, letters):
    seen = "".join(dict.fromkeys("".join(texts)))
    x = _one_hot_by_comparing(texts, seen)
    return np.concatenate([x, np.zeros((*x.shape[:2], len(letters) - len(seen)))], axis=-1)


def _sorted_alphabet(texts, letters):
    return one_hot(texts, "".join(sorted(letters)))


def _alphabet_of_the_texts(texts, letters):
    return one_hot(texts, "".join(sorted(set("".join(texts)))))


def _counted_from_1(texts, letters):
    x = np.zeros((len(texts[0]), len(texts), len(letters)))
    for b, text in enumerate(texts):
        for t, letter in enumerate(text):
            x[t, b, letters.index(letter) + 1] = 1
    return x


def _b_before_t(texts, letters):
    x = np.zeros((len(texts[0]), len(texts), len(letters)))
    for b, text in enumerate(texts):
        for t, letter in enumerate(text):
            x[b, t, letters.index(letter)] = 1
    return x


def _ones_never_taken_back(texts, letters):
    return np.maximum.accumulate(_one_hot_by_comparing(texts, letters))


def _reshaped(texts, letters):
    return _batch_first(texts, letters).reshape(len(texts[0]), len(texts), len(letters))


def _whole_words(texts, letters):
    return _one_hot_by_comparing(texts, letters).sum(0)


# The loss of a sequence --------------------------------------------------------------------------------


def total_loss(y, target):
    per_step = ((y - target)**2).mean(axis=(1, 2))  # over the batch and the outputs: one number a step
    return per_step.sum()


def _loss_of_the_library(y, target):
    return sum(float(losses.mean_squared_error(y_t, target_t)[0]) for y_t, target_t in zip(y, target))


def _loss_cases(rng):
    shapes = (3, 1, 1), (5, 2, 1), (7, 4, 3), (1, 3, 2)
    return [(_weights(rng, *shape), _weights(rng, *shape) + 1.5) for shape in shapes]


# Softmax and its gradient ------------------------------------------------------------------------------


def softmax_loss(y, labels):
    B, K = y.shape
    target = np.eye(K)[labels]                       # one-hot rows
    shifted = y - y.max(axis=1, keepdims=True)       # the same p, and no exponential is above 1
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(target * log_p).sum() / B, (np.exp(log_p) - target) / B


def _softmax_of_long_numbers(y, labels):
    """The formula as it stands, in numbers of 60 digits that hold e^1000; its slope from a step of 1e-25."""
    def of_row(row, right):
        return sum(each.exp() for each in row).ln() - row[right]

    def slopes(row, right):
        moved = ([each + step * (k == i) for k, each in enumerate(row)] for i in range(len(row)))
        return [(of_row(other, right) - of_row(row, right)) / step / len(rows) for other in moved]

    with decimal.localcontext() as context:
        context.prec = 60
        step, rows = decimal.Decimal("1e-25"), [list(map(decimal.Decimal, row.tolist())) for row in y]
        return float(sum(map(of_row, rows, labels)) / len(rows)), np.array(list(map(slopes, rows, labels)), float)


def _softmax_cases(rng):
    large = [[1000., 998.5, -500.], [-1000., -999., -1000.5], [-1000., 1000., -999.5], [.5, -1.5, 2.]]
    return [(2 * _weights(rng, 4, 3), np.array([2, 0, 2, 1])), (2 * _weights(rng, 3, 3), np.array([0, 2, 0])),
            (2 * _weights(rng, 1, 2), np.array([1])), (np.array(large), np.array([1, 0, 0, 2]))]


def _softmax_row_by_row(y, labels):
    loss, dy = 0., np.empty_like(y)
    for b, (row, right) in enumerate(zip(y, labels)):
        e = np.exp(row - max(row))
        loss += np.log(e.sum()) - row[right] + max(row)
        dy[b] = e / e.sum() - (np.arange(len(row)) == right)
    return loss / len(y), dy / len(y)


def _row_max(y):
    return y.max(1, keepdims=True)


def _log_p(y):
    return y - np.logaddexp.reduce(y, axis=1)[:, None]


def _log_sum(s, p, target):
    return np.mean(np.log(np.exp(s).sum(1)) - (target * s).sum(1))


def _minus_log_p(s, p, target):
    return -np.mean(np.log(p[target == 1]))


def _target_log_p(s, p, target):
    return -(target * np.log(p)).sum() / len(p)


def _mean_slope(p, target):
    return (p - target) / len(p)


def _softmax_of(shift=_row_max, loss=_log_sum, slope=_mean_slope, number=lambda labels: labels):
    """An answer to 2.11 with one part exchanged: what is subtracted, the loss, the gradient, or the right symbol."""
    def answer(y, labels):
        s, target = y - shift(y), np.eye(y.shape[1])[number(labels)]
        p = np.exp(s) / np.exp(s).sum(1, keepdims=True)
        return loss(s, p, target), slope(p, target)
    return answer


def _softmax_after(change):
    """An answer to 2.11 that changes the outputs first."""
    return lambda y, labels: _softmax_of()(change(y), labels)


def _softmax_of_all_labels(loss, slope):
    """[:, labels] in place of [np.arange(B), labels], in the loss or in the gradient."""
    def answer(y, labels):
        right_loss, right_slope = softmax_loss(y, labels)
        dy = np.exp(_log_p(y))
        dy[:, labels] -= 1
        return -np.mean(_log_p(y)[:, labels]) if loss else right_loss, dy / len(y) if slope else right_slope
    return answer


def _softmax_in_place(y, labels):
    y -= y.max(axis=1, keepdims=True)
    return _softmax_of()(y, labels)


def _softmax_max_alone(y, labels):
    return _softmax_of(lambda y: y.max(axis=1))(y, labels)


def _softmax_along(top, under):
    """The axes of the maximum and of the sum, None for the whole batch; by the logarithm of p."""
    def answer(y, labels):
        s, target = y - y.max(axis=top, keepdims=True), np.eye(y.shape[1])[labels]
        p = np.exp(s) / np.exp(s).sum(axis=under, keepdims=True)
        return _minus_log_p(s, p, target), _mean_slope(p, target)
    return answer


def _softmax_by_log_p(shift, under=1):
    """The solution with something else subtracted, or another sum."""
    def answer(y, labels):
        s, target = y - shift(y), np.eye(y.shape[1])[labels]
        log_p = s - np.log(np.exp(s).sum(axis=under, keepdims=True))
        return -(target * log_p).sum() / len(y), _mean_slope(np.exp(log_p), target)
    return answer


def _softmax_of_one_row(b):
    """What is left of a loop that keeps one row."""
    def answer(y, labels):
        loss, dy = softmax_loss(y[[b]], labels[[b]])
        return loss, dy[0]
    return answer


def _softmax_with_target(marked):
    """A target whose ones are set by marked(target, labels)."""
    def answer(y, labels):
        target = np.zeros_like(y)
        marked(target, labels)
        return -(target * _log_p(y)).sum() / len(y), _mean_slope(np.exp(_log_p(y)), target)
    return answer


def _softmax_loss_after_slope(y, labels):
    p = np.exp(_log_p(y))
    p[np.arange(len(y)), labels] -= 1
    return -np.mean(np.log(p[np.arange(len(y)), labels])), p / len(y)


def _slope_by_way_of_p(p, target):
    dp = np.where(target == 1, -1 / p, 0)
    return (p * dp - p * (p * dp).sum(1, keepdims=True)) / len(p)


def _sigmoids(y, labels):
    p, target = 1 / (1 + np.exp(-y)), np.eye(y.shape[1])[labels]
    return _minus_log_p(y, p, target), _mean_slope(p, target)


def _softmax_without_exp(y, labels):
    p, target = y / y.sum(1, keepdims=True), np.eye(y.shape[1])[labels]
    return _minus_log_p(y, p, target), _mean_slope(p, target)


def _labels_as_floats(y, labels):
    return y[np.arange(len(y)), labels.astype(float)]


def _kept_above(eps, how, floored):
    """The logarithm of a p that is kept away from 0."""
    return Mistake(_softmax_of(loss=lambda s, p, target: -np.mean(np.log(floored(p[target == 1], eps)))),
                   f"{how} {eps:g}: then a row that is sure and wrong costs {-np.log(eps):.1f}, however wrong it is, "
                   "and one row here costs 2000. Take no logarithm of p: ln p = shifted - ln(sum of exp(shifted)).")


def _softmax_clipped(eps):
    def answer(y, labels):
        p, target = np.clip(np.exp(_log_p(y)), eps, 1 - eps), np.eye(y.shape[1])[labels]
        return _minus_log_p(y, p, target), _mean_slope(p, target)
    return answer


BANK = Bank(2, "Recurrent networks", [
    Prediction("2.1", "Which of the three can tell 'dog bites man' from 'man bites dog'?", kind="choices",
               choices=("the average of the words", "the last word", "the recurrent network")),
    Exercise(
        "2.2", "One step of the recurrent network", minutes=5, difficulty=1,
        solution=step, oracle=_step_of_the_library, cases=_step_cases, time_axis=0, axis="row",
        also_correct=(
            lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh((W_xh @ x_t.T + W_hh @ h_before.T + b_h[:, None]).T),
            lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(
                np.concatenate([x_t, h_before], axis=1) @ np.concatenate([W_xh, W_hh], axis=1).T + b_h)),
        mistakes=[
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T + b_h),
                    "The state before plays no part. Without W_hh and h_{t-1} nothing is remembered: this is a "
                    "feed-forward layer."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T + h_before @ W_hh + b_h),
                    "W_hh is the wrong way round. It is square, so its shape does not tell: entry [i, j] leads from "
                    "unit j to unit i. With states as rows, that takes h_before @ W_hh.T."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T + h_before @ W_hh.T),
                    "The bias b_h is missing. It is added to each row, inside of the tanh."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: x_t @ W_xh.T + h_before @ W_hh.T + b_h,
                    "This is a_t. The state is tanh of it."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T + b_h) + h_before @ W_hh.T,
                    "tanh took only the part of the input. The part of the state belongs into it too, or nothing keeps "
                    "the sum between -1 and 1."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before:
                    np.tanh(x_t @ W_xh.T) + np.tanh(h_before @ W_hh.T) + np.tanh(b_h),
                    "tanh was taken of each part and the results added. Add first: tanh of a sum is not the sum of "
                    "tanhs."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before:
                    np.tanh(x_t @ W_xh.T + np.tanh(h_before) @ W_hh.T + b_h),
                    "h_{t-1} went through tanh twice. The state that comes in already is a tanh: use it as it stands."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T + h_before @ W_hh.T) + b_h,
                    "The bias was added after the tanh. It is a part of a_t, inside of the tanh."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T) + np.tanh(h_before @ W_hh.T + b_h),
                    "tanh was taken of two parts and the results added. Add input, state and bias first, then take one "
                    "tanh."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T + b_h) + np.tanh(h_before @ W_hh.T),
                    "There are two tanhs here. Add input, state and bias first, then take tanh once."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T) + np.tanh(h_before @ W_hh.T) + b_h,
                    "tanh was taken of input and state, and the results added. Add all three first, then take tanh "
                    "once."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: h_before + np.tanh(x_t @ W_xh.T + h_before @ W_hh.T + b_h),
                    "The new state was added to the one before. It replaces it: h_t = tanh(a_t)."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T + h_before[:1] @ W_hh.T + b_h),
                    "All sequences get the state of the first. Each row of h_before belongs to the same row of x_t."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(step(W_xh, W_hh, b_h, x_t, h_before)),
                    "tanh was taken twice. Once is enough: tanh(a_t)."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before:
                    (x_t @ W_xh.T + h_before @ W_hh.T + b_h, step(W_xh, W_hh, b_h, x_t, h_before)),
                    "These are a_t and h_t. Return the new states alone."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(W_xh @ x_t + W_hh @ h_before + b_h),
                    "W_xh @ x_t is for one sequence as a column. Here the sequences are rows: x_t @ W_xh.T."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(W_xh * x_t + W_hh * h_before + b_h),
                    "* multiplies entry by entry. The sum over the inputs is a product of matrices: @."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(h_before @ W_hh.T + b_h),
                    "The input plays no part. Add x_t @ W_xh.T."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T + h_before + b_h),
                    "The state before was added without its weights: it goes through W_hh."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before:
                    np.tanh(x_t @ W_xh.T + h_before * np.diag(W_hh) + b_h),
                    "Only the diagonal of W_hh is used. Each unit hears all others: a product of matrices, @."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before:
                    1 / (1 + np.exp(-(x_t @ W_xh.T + h_before @ W_hh.T + b_h))),
                    "This is the sigmoid of a_t. The network of this lesson takes tanh."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before:
                    np.maximum(x_t @ W_xh.T + h_before @ W_hh.T + b_h, 0),
                    "This is relu of a_t. The network of this lesson takes tanh."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh((x_t @ W_xh.T + h_before @ W_hh.T).sum(0) + b_h),
                    "The sequences were added up. They are read side by side: one row of states for each of them."),
            Mistake(lambda W_xh, W_hh, b_h, x_t, h_before: np.tanh(x_t @ W_xh.T + h_before @ W_hh.T + b_h).T,
                    "It is transposed, (H, B). Return a row for each sequence, (B, H)."),
        ],
        hints=["Look at the shapes. x_t is (B, D), W_xh is (H, D), and the result is (B, H): which product gives that?",
               "x_t @ W_xh.T takes a row for each sequence. The same form serves the state.",
               "np.tanh(x_t @ W_xh.T + ... + b_h), where the ... is the state's part."]),
    Exercise(
        "2.3", "The whole sequence", minutes=7, difficulty=2,
        solution=states, oracle=_forward_of_the_library, cases=_forward_cases, time_axis=0,
        also_correct=(_forward_as_list,),
        mistakes=[
            Mistake(lambda *args: _forward_of_the_library(*args)[1:],
                    "h[0] is missing. Row 0 holds the initial state, so that h[t] is the state after t steps."),
            Mistake(lambda W_xh, W_hh, b_h, x, h_0: _forward_of_the_library(W_xh, W_hh, b_h, x, 0 * h_0),
                    "It starts from zeros. Zeros are only the usual choice: here the initial state is h_0."),
            Mistake(lambda *args: _forward_of_the_library(*args)[-1],
                    "This is the last state only. Keep all of them: losses and gradients need every step."),
            Mistake(lambda *args: _forward_of_the_library(*args).swapaxes(0, 1),
                    "The batch comes first here, (B, T + 1, H). In this course time is the first axis, so that h[t] is "
                    "the state at time t."),
            Mistake(_always_from_h_0,
                    "Each step starts from h_0 again. It has to start from the state before it, h[t - 1]."),
            Mistake(lambda W_xh, W_hh, b_h, x, h_0: _forward_of_the_library(W_xh, W_hh, b_h, x[::-1], h_0),
                    "The sequence runs backwards: the last input comes first."),
            Mistake(lambda W_xh, W_hh, b_h, x, h_0: _forward_of_the_library(W_xh, W_hh.T, b_h, x, h_0),
                    "W_hh is the wrong way round. States are rows here: h[t - 1] @ W_hh.T."),
            Mistake(_one_input_late,
                    "Off by one: Python counts x from 0, so x_t is x[t - 1]. Your row 1 has read x[1], and the last "
                    "row was never filled."),
            Mistake(_same_state_added,
                    "The new state was added to the one before. It replaces it: h[t] = tanh(a_t)."),
            Mistake(_reads_x_t,
                    "x has T entries, from x[0] to x[T - 1]: there is no x[T]. Python counts x from 0, so x_t is x[t - "
                    "1]."),
            Mistake(_inputs_alone,
                    "The state before plays no part: W_hh is missing, and each step forgets all that came before it."),
            Mistake(_input_before,
                    "The inputs come one step late: at the first step your index is -1, which in Python is the last "
                    "entry. Step t reads x[t - 1]."),
            Mistake(lambda *args: np.roll(_forward_of_the_library(*args), -1, axis=0),
                    "h_0 stands at the end. Row 0 is the initial state, row t the state after t steps."),
            Mistake(_shape_of_x,
                    "The states are not shaped like the inputs: a state has H entries, an input D, and there is one "
                    "row more. np.empty((T + 1, B, H))."),
            Mistake(_one_row_for_all,
                    "All rows are the last state: one array was changed again and again, and every row is that array. "
                    "Make a new one at each step."),
            Mistake(_last_row_left_out,
                    "The last row was never filled. The steps run from 1 to T, T included: range(1, T + 1)."),
            Mistake(_without_tanh, "The tanh is missing: the state is tanh of a_t."),
            Mistake(lambda W_xh, W_hh, b_h, x, h_0: _forward_of_the_library(W_xh, W_hh, 0 * b_h, x, h_0),
                    "The bias b_h is missing. It is added at every step, inside of the tanh."),
            Mistake(lambda W_xh, W_hh, b_h, x, h_0: _forward_of_the_library(W_xh, W_hh, b_h, x, np.tanh(h_0)),
                    "h_0 went through tanh. It is a state already: row 0 is h_0 as it comes."),
            Mistake(lambda W_xh, W_hh, b_h, x, h_0:
                    _forward_of_the_library(W_xh, W_hh, b_h, x[[0] * len(x)], h_0),
                    "Every step reads the first input. Step t reads x[t - 1]."),
            Mistake(lambda W_xh, W_hh, b_h, x, h_0: _forward_of_the_library(W_xh, W_hh, b_h, x, h_0).mean(1),
                    "The sequences were averaged. Keep a row for each: (T + 1, B, H)."),
        ],
        hints=["Make room for T + 1 states first: np.empty((T + 1, B, H)). How do you get H from the weights?",
               "h[0] = h_0. Then a loop: the state at t needs the input at t and the state at t - 1.",
               "for t, x_t in enumerate(x, start=1): h[t] = np.tanh(...). x starts at index 0, the states at 1."]),
    Exercise(
        "2.4", "How many weights", minutes=4, difficulty=1,
        solution=count_weights, oracle=_count_by_making_them,
        cases=lambda rng: [(3, 2, 1, 3), (3, 2, 1, 1000), (5, 7, 4, 20), (1, 1, 1, 1), (2, 6, 3, 1)],
        also_correct=(lambda D, H, K, T: H * (D + H + 1) + K * (H + 1),),
        mistakes=[
            Mistake(lambda D, H, K, T: T * (H * D + H * H + H) + K * H + K,
                    "The hidden layer was counted once for each step. All steps share one set: the count does not "
                    "depend on T."),
            Mistake(lambda D, H, K, T: T * (H * D + H * H + H + K * H + K),
                    "The network was counted once for each step. All steps share one set: the count does not depend "
                    "on T."),
            Mistake(lambda D, H, K, T: H * D + H * H + K * H, "The biases are missing: b_h has H numbers, b_y has K."),
            Mistake(lambda D, H, K, T: H * D + H + K * H + K,
                    "W_hh is missing, the H times H weights from the state before. What is left is a feed-forward "
                    "network."),
            Mistake(lambda D, H, K, T: H * D + H * H + 2 * H + K * H + K,
                    "H numbers too many. Is it a second bias? (torch's nn.RNN has two, b_ih and b_hh, which are simply "
                    "added; this course has one.) Or the initial state? It is given, not learned."),
            Mistake(lambda D, H, K, T: H * D + H * H + H,
                    "The readout is missing: W_hy and b_y, which make the K outputs of the H units."),
            Mistake(lambda D, H, K, T: H * D + H * H + H + K * H, "The readout has a bias too: b_y, K numbers."),
            Mistake(lambda D, H, K, T: H * D + H * H + K * H + K, "The hidden units have a bias too: b_h, H numbers."),
            Mistake(lambda D, H, K, T: H * D + H * H + H + T * (K * H + K),
                    "The readout was counted once for each step. All steps share one: the count does not depend on T."),
            Mistake(lambda D, H, K, T: H * D + T * H * H + H + K * H + K,
                    "W_hh was counted once for each step. It is one matrix, used at every step."),
            Mistake(lambda D, H, K, T: H * D + H * H + H + K * (D + H) + K,
                    "The readout reads the state alone: W_hy is (K, H). The inputs do not go into it."),
            Mistake(lambda D, H, K, T: H * D + H * H + H + K * D + K,
                    "W_hy leads from the H hidden units to the K outputs: K * H numbers, not K * D."),
            Mistake(lambda D, H, K, T: H * D + (T - 1) * H * H + H + K * H + K,
                    "W_hh was counted once for each way from a state to the next. It is one matrix, used at every "
                    "step."),
            Mistake(lambda D, H, K, T: H * D + H * H + D + K * H + K,
                    "b_h has H numbers, one for each hidden unit, not D."),
            Mistake(lambda D, H, K, T: H * D + H * H + 1 + K * H + 1,
                    "A bias is one number for each unit: b_h has H, b_y has K."),
            Mistake(lambda D, H, K, T: H * D + H * H + H + D + K * H + K,
                    "D numbers too many. The inputs have no bias: there are b_h, with H numbers, and b_y, with K."),
            Mistake(lambda D, H, K, T: (D + H) + (H + H) + H + (K + H) + K,
                    "A matrix has rows times columns numbers. You added them."),
            Mistake(lambda D, H, K, T: 5, "There are five arrays. Count the numbers in them."),
            Mistake(lambda D, H, K, T: 15, "15 is right for one network. Write the formula for any D, H and K."),
            Mistake(lambda D, H, K, T: H * H + H + K * H + K, "W_xh is missing: H * D numbers, from the inputs."),
            Mistake(lambda D, H, K, T: H * D + H + H + K * H + K,
                    "W_hh has H rows and H columns: H * H numbers, from each unit to each."),
            Mistake(lambda D, H, K, T: D + H + K, "These are the units. Count the entries of the five arrays."),
        ],
        hints=["There are five arrays: W_xh, W_hh, b_h, W_hy, b_y. What is the shape of each?",
               "W_xh has H rows and D columns, so H * D numbers. Which of the five depends on T?"]),
    Prediction("2.5", "Gain 1.1, no input, h_0 = 1: how large is a tanh unit after 100 steps?"),
    Exercise(
        "2.6", "Text as one-hot vectors", minutes=6, difficulty=2,
        solution=one_hot, oracle=_one_hot_by_comparing, cases=_one_hot_cases, time_axis=0,
        also_correct=(lambda texts, letters: np.eye(len(letters))[
            [[letters.index(letter) for letter in at_t] for at_t in zip(*texts)]],),
        mistakes=[
            Mistake(_batch_first, "The texts come first here, (B, T, D). Time is the first axis: x[t] holds the "
                                  "character at t of every text."),
            Mistake(_positions,
                    "These are the positions in the alphabet, (T, B). As numbers they claim that one letter is larger "
                    "than another. Each position needs an input of its own, 1 there and 0 elsewhere."),
            Mistake(lambda texts, letters: _positions(texts, letters)[..., None],
                    "This is one input that holds the position in the alphabet. It claims that one letter is larger "
                    "than another: use an input for each letter."),
            Mistake(_own_alphabet, "The letters are numbered in the order in which they come up. They have to be "
                                   "numbered as in letters, or the same letter gets another input in the next batch."),
            Mistake(_whole_words, "The order is gone: this counts the letters of each text. Every time step needs its "
                                  "own row."),
            Mistake(lambda texts, letters: _one_hot_by_comparing(texts, letters)[::-1],
                    "The texts run backwards: x[0] has to hold their first characters."),
            Mistake(_sorted_alphabet,
                    "The letters are numbered in alphabetical order. They have to be numbered as in `letters`."),
            Mistake(_alphabet_of_the_texts,
                    "The alphabet was made of the texts, sorted. It is given: `letters`, in its own order, and it may "
                    "hold letters that do not come up."),
            Mistake(lambda texts, letters: one_hot([text.lower() for text in texts], letters.lower()),
                    "Capital letters are letters of their own here: take the texts as they are."),
            Mistake(lambda texts, letters: np.cumsum(_one_hot_by_comparing(texts, letters)[..., ::-1], -1)[..., ::-1],
                    "There are ones up to the letter's place. Only its own place has a 1."),
            Mistake(lambda texts, letters: _one_hot_by_comparing(texts, letters) * np.arange(len(letters)),
                    "The letter's number stands at its place. There has to be a 1."),
            Mistake(lambda texts, letters: _one_hot_by_comparing(texts[:1], letters),
                    "This is the first text alone. Return all B texts: (T, B, D)."),
            Mistake(lambda texts, letters: _one_hot_by_comparing(["".join(texts)], letters),
                    "The texts were joined to one. They are read side by side: (T, B, D)."),
            Mistake(_counted_from_1, "letters.index counts from 0: the first letter's place is 0. Nothing is to be "
                    "added."),
            Mistake(_b_before_t, "The indices have changed places: it is x[t, b], time first."),
            Mistake(_ones_never_taken_back,
                    "Once a letter has come up, its 1 stays. Each step starts from zeros: a 1 for its own character "
                    "only."),
            Mistake(_reshaped,
                    "reshape does not turn (B, T, D) into (T, B, D): it keeps the order of the numbers and cuts anew. "
                    "Swap the axes: swapaxes(0, 1)."),
            Mistake(lambda texts, letters: _one_hot_by_comparing(texts, letters).swapaxes(1, 2),
                    "The last two axes have changed places, (T, D, B). x[t, b] is the row of one character, with D "
                    "entries."),
            Mistake(lambda texts, letters: 1 - _one_hot_by_comparing(texts, letters),
                    "Zeros and ones have changed places: the 1 stands where the character is."),
            Mistake(lambda texts, letters: _one_hot_by_comparing(texts, letters)
                    * np.arange(1, len(letters) + 1), "The numbers stand at the right places, but each has to be 1."),
            Mistake(lambda texts, letters: np.array([[ord(letter) for letter in at_t] for at_t in zip(*texts)]),
                    "These are the characters' numbers in the computer's own table. Each letter needs an input of its "
                    "own."),
            Mistake(lambda texts, letters: _one_hot_by_comparing(texts[:1], letters)[:, [0] * len(texts)],
                    "Every text is the first one here. x[t, b] belongs to text number b."),
        ],
        hints=["Start with np.zeros((T, B, D)) and put in the ones. Where does the one for character t of text b go?",
               "letters.index(letter) is its place on the last axis.",
               "Two loops: for b, text in enumerate(texts), for t, letter in enumerate(text)."]),
    Prediction("2.7", "Prices as a random walk: what is the correlation of a day's return with the day before's?",
               kind="choice", choices=("near -1", "near 0", "near 1")),
    Exercise(
        "2.8", "The loss of a sequence", minutes=4, difficulty=1,
        solution=total_loss, oracle=_loss_of_the_library, cases=_loss_cases,
        also_correct=(lambda y, target: np.sum((y - target)**2) / y[0].size,),
        mistakes=[
            Mistake(lambda y, target: np.mean((y - target)**2),
                    "This is the mean over time. The course sums over the steps: a mean makes a long sequence's "
                    "gradient smaller by T."),
            Mistake(lambda y, target: np.sum((y - target)**2),
                    "This is the sum over everything. Within a step it is the mean, over the batch and the outputs; "
                    "only time is summed."),
            Mistake(lambda y, target: np.mean((y[-1] - target[-1])**2),
                    "This is the loss of the last step alone. Here every step has a loss."),
            Mistake(lambda y, target: ((y - target)**2).mean(1).sum(),
                    "The outputs were summed too. Within a step it is the mean over the batch and the outputs."),
            Mistake(lambda y, target: np.abs(y - target).mean((1, 2)).sum(),
                    "These are absolute differences. The mean squared error squares them."),
            Mistake(lambda y, target: ((y - target)**2).mean((1, 2)),
                    "These are the losses of the steps, (T,). The total loss is one number: their sum."),
            Mistake(lambda y, target: ((y - target)**2).mean((1, 2)).sum() / 2,
                    "It is half of it: there is no 1/2 in front of this square."),
            Mistake(lambda y, target: ((y - target)**2).mean(2).sum(),
                    "The batch was summed too. Within a step it is the mean over the batch and the outputs."),
            Mistake(lambda y, target: ((y - target)**2).mean((0, 1)).sum(),
                    "The axes are mixed up: the mean was taken over time and batch, the sum over the outputs. Axis 0 "
                    "is time: it is summed, and the two others are averaged."),
            Mistake(lambda y, target: ((y - target)**2).mean((0, 2)).sum(),
                    "The axes are mixed up: the mean was taken over time and outputs, the sum over the batch. Axis 0 "
                    "is time: it is summed, and the two others are averaged."),
            Mistake(lambda y, target: ((y - target)**2).mean(0).sum(),
                    "The axes are mixed up: the mean was taken over time, the sum over batch and outputs. Axis 0 is "
                    "time: it is summed, and the two others are averaged."),
            Mistake(lambda y, target: ((y - target)**2).mean((1, 2))[0],
                    "This is the loss of the first step alone. Here every step has a loss."),
            Mistake(lambda y, target: ((y - target)**2).mean((1, 2))[1:].sum(),
                    "The first step is left out. y has no row for the initial state: y[0] is the first output."),
            Mistake(lambda y, target: ((y - target)**2).mean((1, 2))[:-1].sum(),
                    "The last step is left out. Sum over all steps."),
            Mistake(lambda y, target: (y**2 - target**2).mean((1, 2)).sum(),
                    "This is a difference of squares. Subtract first, then square."),
            Mistake(lambda y, target: np.var(y - target, axis=(1, 2)).sum(),
                    "The variance takes the mean error away first. Take the mean of the squares of y - target itself."),
            Mistake(lambda y, target: np.linalg.norm(y - target),
                    "This is the length of the whole difference, a root of a sum. Take the mean of each step's "
                    "squares, and add these."),
            Mistake(lambda y, target: ((y - target).mean((1, 2))**2).sum(),
                    "The mean was taken before the square: errors of opposite sign cancel. Square first."),
            Mistake(lambda y, target: np.sqrt(((y - target)**2).mean((1, 2))).sum(),
                    "A root was taken of each step's loss. The loss is the mean of the squares itself."),
            Mistake(lambda y, target: np.sqrt(((y - target)**2).mean((1, 2)).sum()),
                    "A root was taken at the end. The loss is the sum of the means itself."),
            Mistake(lambda y, target: (y - target).mean((1, 2)).sum(),
                    "The square is missing: errors of opposite sign cancel."),
        ],
        hints=["First one number for each step: the mean over the axes of the batch and the outputs.",
               "((y - target)**2).mean(axis=(1, 2)) has shape (T,). What is left to do?"]),
    Exercise(
        "2.11", "Softmax and its gradient", minutes=8, difficulty=2,
        solution=softmax_loss, oracle=_softmax_of_long_numbers, cases=_softmax_cases, returns=("loss", "dy"),
        time_axis=(None, 0), axis="row",
        also_correct=(losses.cross_entropy, _softmax_row_by_row, _softmax_of()),
        mistakes=[
            Mistake(_softmax_of(np.zeros_like, _minus_log_p),
                    "e^1000 is too large for the computer: it is inf, and inf / inf is nan. Subtract from each row "
                    "its own largest output first: p stays as it is."),
            Mistake(_softmax_by_log_p(np.zeros_like),
                    "The sum of the exponentials is inf where an output is 1000, and 0 where all are near -1000. "
                    "Subtract from each row its own largest output first: p stays as it is."),
            Mistake(_softmax_by_log_p(np.max),
                    "One maximum was subtracted from all rows. In a row far below it the exponentials add up to 0, and "
                    "ln 0 is -inf. Each row needs its own: y.max(axis=1, keepdims=True)."),
            Mistake(lambda y, labels: (_softmax_of(np.zeros_like)(y, labels)[0], softmax_loss(y, labels)[1]),
                    "dy is right, and the loss is nan. Is e^y in it as it stands? e^1000 is inf. Or ln p? Where p is "
                    "rounded to 0, ln 0 is -inf, and 0 times -inf is nan. Use ln p = shifted - ln(sum of "
                    "exp(shifted))."),
            Mistake(lambda y, labels: (softmax_loss(y, labels)[0], _softmax_of(np.zeros_like)(y, labels)[1]),
                    "The loss is right. The gradient takes e^y as it stands, and e^1000 is inf: use the shifted "
                    "outputs there too."),
            Mistake(_softmax_of(np.max, _minus_log_p),
                    "The largest output of the whole batch was subtracted. In a row far below it every exponential "
                    "is 0, and 0 / 0 is nan. Each row needs its own: y.max(axis=1, keepdims=True)."),
            Mistake(_softmax_of(np.max),
                    "One maximum for the whole batch: in a row far below it every exponential is 0, and so is their "
                    "sum. Each row needs its own: y.max(axis=1, keepdims=True)."),
            Mistake(_softmax_of(loss=_minus_log_p),
                    "p is right, but ln p is not safe: where the right symbol has e^-2000, p is rounded to 0 and ln "
                    "0 is -inf. Take no logarithm of p: ln p_r = shifted_r - ln(sum of exp(shifted))."),
            *(Mistake(_softmax_clipped(10.**-n),
                      f"p was cut off at 1e-{n}. That moves dy too, and what is sure and wrong costs too little. Take "
                      "no logarithm of p: ln p = shifted - ln(sum of exp(shifted)).") for n in (5, 6, 7, 8, 9, 10)),
            *(_kept_above(10.**-n, "In the logarithm p is raised by", np.add) for n in (5, 6, 7, 8, 9, 10, 12, 15, 20)),
            *(_kept_above(10.**-n, "In the logarithm p ends at", np.maximum) for n in (5, 6, 7, 8, 9)),
            Mistake(_softmax_of(lambda y: y.mean(1, keepdims=True)),
                    "The mean of each row was subtracted. What lies far above it still gives inf: subtract the "
                    "largest."),
            Mistake(_softmax_of(lambda y: y.min(1, keepdims=True)),
                    "The smallest of each row was subtracted: the others are larger still, and their exponentials "
                    "inf. Subtract the largest."),
            Mistake(_softmax_of(lambda y: np.abs(y).max(1, keepdims=True)),
                    "The largest size was subtracted. A row near -1000 is pushed to -2000, where every exponential "
                    "is 0: take y.max, not the maximum of |y|."),
            Mistake(_softmax_after(lambda y: y / _row_max(y)),
                    "The rows were divided by their maximum, which changes p. Subtract it: the factor e^-max is the "
                    "same above and below the fraction line."),
            Mistake(_softmax_after(lambda y: y / np.abs(y).max(1, keepdims=True)),
                    "The rows were divided by their largest size, which changes p. Subtract the maximum instead."),
            Mistake(_softmax_after(lambda y: np.clip(y, -500, 500)),
                    "The outputs were cut off at 500: then 998.5 and 1000 are the same. Subtract each row's maximum."),
            Mistake(_softmax_after(lambda y: np.clip(y, -700, 700)),
                    "The outputs were cut off at 700: then 998.5 and 1000 are the same. Subtract each row's maximum."),
            Mistake(lambda y, labels: (np.mean(np.log(np.exp(y - _row_max(y)).sum(1)) - y[np.arange(len(y)), labels]),
                                       softmax_loss(y, labels)[1]),
                    "The maximum is missing in the loss: ln(sum of exp(y - max)) is smaller by max than ln(sum of "
                    "exp(y)). Take shifted outputs in both terms, or add it again."),
            Mistake(lambda y, labels: (softmax_loss(y, labels)[0] + y.max(1).mean(), softmax_loss(y, labels)[1]),
                    "The maximum was added again, though both terms of the loss are shifted: there it cancels."),
            Mistake(_softmax_max_alone,
                    "What has one number for each row, (B,), does not fit to (B, K). Of a maximum or a sum over a "
                    "row, keepdims=True keeps the axis, (B, 1). Of the labels, np.eye(K)[labels] makes one-hot rows."),
            Mistake(_softmax_along(0, 0),
                    "It sums down the columns, over the batch. A row is one example: its K probabilities add up to "
                    "1, so axis=1."),
            Mistake(_softmax_along(None, None),
                    "The probabilities of the whole batch add up to 1. Each row has a sum of its own: sum(axis=1, "
                    "keepdims=True)."),
            Mistake(_softmax_by_log_p(lambda y: y.max(0), 0),
                    "It sums down the columns, over the batch. A row is one example: maximum and sum want axis=1."),
            Mistake(_softmax_by_log_p(np.max, None),
                    "One sum for the whole batch: its probabilities add up to 1 together. Each row has a sum of its "
                    "own."),
            Mistake(_softmax_along(0, 1),
                    "The maximum of each column was subtracted. So the outputs of a row lose different numbers, and "
                    "p changes: axis=1 has the maximum of each row."),
            Mistake(_softmax_by_log_p(lambda y: y.max(0)),
                    "Each column lost its maximum. That changes p: all outputs of a row have to lose the same "
                    "number, y.max(axis=1, keepdims=True)."),
            Mistake(_softmax_along(1, 0),
                    "The sum runs down the columns, over the batch. It belongs to a row, as the maximum does: "
                    "axis=1."),
            Mistake(_softmax_by_log_p(_row_max, 0),
                    "In ln(sum of exp) the sum runs down the columns, over the batch. It belongs to a row: axis=1."),
            Mistake(_softmax_along(1, None),
                    "The sum is that of the whole batch. Each row has its own: sum(axis=1, keepdims=True)."),
            Mistake(_softmax_by_log_p(_row_max, None),
                    "In ln(sum of exp) the sum is that of the whole batch. Each row has its own: sum(axis=1, "
                    "keepdims=True)."),
            Mistake(_softmax_of(slope=lambda p, target: p - target),
                    "dy is B times too large. The loss is a mean over the batch, so its gradient is divided by B "
                    "too."),
            Mistake(_softmax_of(loss=lambda s, p, target: len(p) * _log_sum(s, p, target)),
                    "dy is right. The loss is a sum over the batch: it should be the mean."),
            Mistake(_softmax_of(loss=lambda s, p, target: len(p) * _log_sum(s, p, target),
                                slope=lambda p, target: p - target),
                    "These are the sum over the batch and its gradient. The loss is the mean: both are divided by B."),
            Mistake(_softmax_of(loss=lambda s, p, target: _log_sum(s, p, target) / p.shape[1]),
                    "The loss is divided by K too. Only one entry of each row counts, that of the right symbol: "
                    "divide by the number of rows."),
            Mistake(_softmax_of(slope=lambda p, target: (p - target) / p.size),
                    "dy is divided by B and by K. The loss is the mean over the B rows, no more."),
            Mistake(_softmax_of(loss=lambda s, p, target: _log_sum(s, p, target) / p.shape[1],
                                slope=lambda p, target: (p - target) / p.size),
                    "Loss and dy are divided by K too. The loss is the mean over the B rows, no more."),
            Mistake(_softmax_of(slope=lambda p, target: (p - target) / p.shape[1]),
                    "dy is divided by K, the number of symbols. The mean is over the rows: divide by B."),
            Mistake(_softmax_of(loss=lambda s, p, target: np.log(np.exp(s).sum(1)) - (target * s).sum(1)),
                    "These are the losses of the rows, (B,). The loss is one number: their mean."),
            Mistake(_softmax_of(loss=lambda s, p, target: -_log_sum(s, p, target)),
                    "The loss has the other sign: ln p is never above 0, and the loss is minus its mean."),
            Mistake(_softmax_of(slope=lambda p, target: (target - p) / len(p)),
                    "dy has the other sign: a larger output of the right symbol makes the loss smaller, so its slope "
                    "is negative, p - 1."),
            Mistake(_softmax_of(loss=lambda s, p, target: -_log_sum(s, p, target),
                                slope=lambda p, target: (target - p) / len(p)),
                    "Loss and dy have the other sign: the loss is minus the mean of ln p_r."),
            Mistake(_softmax_of(slope=lambda p, target: p / len(p)),
                    "dy is p / B: the 1 of the right symbol was not subtracted. It comes from the term -y_r."),
            Mistake(_softmax_of(slope=lambda p, target: -target / p / len(p)),
                    "This is the slope for p, -1/p_r. Asked for is the slope for the outputs y, behind the softmax: "
                    "(p - target) / B."),
            Mistake(_softmax_of(loss=_minus_log_p, slope=lambda p, target: -target / p / len(p)),
                    "The slope is that for p, -1/p_r, and not that for y. And where p is rounded to 0, loss and "
                    "slope are inf: work with ln p = shifted - ln(sum of exp(shifted))."),
            Mistake(_softmax_of(slope=lambda p, target: target * (p - 1) / len(p)),
                    "Only the right symbols have a slope here. Each other output has one too, its p: it stands in "
                    "the sum below the fraction line."),
            Mistake(_softmax_of(slope=lambda p, target: p * (1 - p) / len(p)),
                    "p (1 - p) is how p_k changes with its own y_k. The loss's slope for y is p - target."),
            Mistake(_softmax_of(slope=lambda p, target: p * (p - target) / len(p)),
                    "There is a p too much in dy: p - target is the slope for y already, softmax included."),
            Mistake(_softmax_of(slope=lambda p, target: p),
                    "p stands in place of dy. The gradient is (p - target) / B."),
            Mistake(_softmax_of(slope=lambda p, target: (np.log(p) - target) / len(p)),
                    "dy has ln p in place of p: its slope for y is p - target."),
            Mistake(_softmax_of(slope=lambda p, target: (p - target).mean(0)),
                    "dy was averaged over the batch. Each row keeps its own: (B, K), divided by B."),
            Mistake(_softmax_of(slope=lambda p, target: (p - target).sum(0)),
                    "dy was summed over the batch. Each output of each row has a slope of its own: (B, K)."),
            Mistake(_softmax_of(slope=lambda p, target: _mean_slope(p, target).T),
                    "dy is transposed. It is shaped like y, (B, K): a row for each example."),
            Mistake(_softmax_of(slope=lambda p, target: 2 * (p - target) / len(p)),
                    "dy is twice too large: there is no square here, so no 2."),
            Mistake(_softmax_of(slope=lambda p, target: -target / len(p)),
                    "The term ln(sum of e^y) is missing in the slope: it gives p."),
            Mistake(_softmax_of(loss=lambda s, p, target: ((p - target)**2).sum() / len(p)),
                    "The loss is the squared error of p. Cross-entropy is minus the logarithm of p at the right "
                    "symbol."),
            Mistake(_softmax_of(loss=lambda s, p, target: np.mean((p - target)**2)),
                    "The loss is the mean squared error of p. Cross-entropy is minus the logarithm of p at the right "
                    "symbol."),
            Mistake(_softmax_of(loss=lambda s, p, target: np.mean(1 - p[target == 1])),
                    "The loss is what p lacks to 1. It is minus the logarithm of p."),
            Mistake(_softmax_of(loss=lambda s, p, target: _log_sum(s, p, target) / np.log(2)),
                    "The logarithm has base 2. It is the natural one, np.log: else dy would have a factor too."),
            Mistake(_softmax_of(loss=lambda s, p, target: _log_sum(s, p, target) / np.log(10)),
                    "The logarithm has base 10. It is the natural one, np.log: else dy would have a factor too."),
            Mistake(_softmax_of(loss=lambda s, p, target: -np.mean(_log_p(s))),
                    "The loss is the mean of -ln p over all entries. Only the right symbol's counts: pick one of "
                    "each row."),
            Mistake(_softmax_of(loss=lambda s, p, target: -_log_p(s).sum() / len(s)),
                    "The loss adds -ln p of all symbols. Only the right symbol's counts: pick one of each row."),
            Mistake(_softmax_of(loss=lambda s, p, target: -(p * _log_p(s)).sum() / len(s)),
                    "This is the entropy of p: the weights in the sum are p. They are the target: 1 for the right "
                    "symbol, 0 for the others."),
            Mistake(_softmax_of(loss=lambda s, p, target: np.log(np.exp(s).sum(1)).mean()),
                    "The right symbol plays no part in the loss: -y_r is missing."),
            Mistake(_softmax_of(loss=lambda s, p, target: np.mean(-(target * s).sum(1))),
                    "The logarithm of the sum is missing in the loss: -y_r alone does not make p."),
            Mistake(_softmax_of_all_labels(True, True),
                    "[:, labels] takes the columns of all labels, in every row, in the loss and in dy. Row b wants "
                    "its own label: [np.arange(B), labels]."),
            Mistake(_softmax_of_all_labels(True, False),
                    "dy is right. In the loss [:, labels] takes the columns of all labels, (B, B). Row b wants its "
                    "own: [np.arange(B), labels]."),
            Mistake(_softmax_of_all_labels(False, True),
                    "The loss is right. In dy [:, labels] takes 1 from the columns of all labels, in every row. Row "
                    "b wants its own: [np.arange(B), labels]."),
            Mistake(lambda y, labels: (softmax_loss(y, labels)[0], _mean_slope(np.exp(_log_p(y)), labels[:, None])),
                    "The labels were subtracted from p. A label is the number of a symbol: its target is a row with "
                    "a 1 at that place, np.eye(K)[labels]."),
            Mistake(lambda y, labels: (-np.mean(labels * np.log(np.exp(y))), softmax_loss(y, labels)[1]),
                    "The labels were multiplied with the logarithms. A label is the number of a symbol: make one-hot "
                    "rows of them, or pick with [np.arange(B), labels]."),
            Mistake(lambda y, labels: (-(labels[:, None] * _log_p(y)).sum() / len(y), softmax_loss(y, labels)[1]),
                    "The logarithms were weighted with the labels. A label is no size: it is the place of the one "
                    "entry that counts."),
            Mistake(_labels_as_floats,
                    "An index has to be a whole number, as the labels are: leave them as they come."),
            Mistake(_softmax_of(number=lambda labels: labels - 1),
                    "The labels count from 0, as Python does: nothing is to be subtracted."),
            Mistake(_softmax_of(number=lambda labels: labels + 1),
                    "The labels count from 0, as Python does: nothing is to be added."),
            Mistake(lambda y, labels: softmax_loss(y, y.argmax(1)),
                    "The right symbol is not the one with the largest output. It is given: labels."),
            Mistake(_softmax_in_place,
                    "Loss and dy are right, but y is changed. -= and y[...] = work in the caller's own array; y - "
                    "y.max(...) makes a new one."),
            Mistake(lambda y, labels: softmax_loss(y, labels)[::-1],
                    "They have changed places: first the loss, then dy."),
            Mistake(lambda y, labels: softmax_loss(y, labels)[0],
                    "This is the loss alone. Return both: loss, dy."),
            Mistake(lambda y, labels: softmax_loss(y, labels)[1],
                    "This is dy alone. Return both: loss, dy."),
            Mistake(lambda y, labels: np.exp(_log_p(y)),
                    "These are the probabilities. Return the loss and its gradient: loss, dy."),
            Mistake(_softmax_of_one_row(-1),
                    "Only the last row is left: each round of a loop replaces what was there. Add up the losses, and "
                    "give each row of dy its place."),
            Mistake(_softmax_of_one_row(0),
                    "Only the first row was read. Does the return stand within a loop?"),
            Mistake(_softmax_with_target(lambda target, labels: target.__setitem__(labels, 1)),
                    "target[labels] = 1 fills whole rows with ones. Each row has a single 1, at its label: "
                    "target[np.arange(B), labels] = 1."),
            Mistake(_softmax_with_target(lambda target, labels: target.__setitem__((slice(None), labels), 1)),
                    "target[:, labels] = 1 sets the columns of all labels, in every row. Each row has a single 1, at "
                    "its label: target[np.arange(B), labels] = 1."),
            Mistake(lambda y, labels: (-np.mean(_log_p(y)[labels]), softmax_loss(y, labels)[1]),
                    "[labels] alone takes whole rows. Row b wants the entry at its label: [np.arange(B), labels]."),
            Mistake(_softmax_loss_after_slope,
                    "The loss was taken from p when its 1 was subtracted already: dy = p is a second name, no copy. "
                    "Loss first, or dy = p.copy()."),
            Mistake(_softmax_of(slope=_slope_by_way_of_p),
                    "dy goes by way of p: -1/p_r times the slopes of softmax. On paper that is right, but where p is "
                    "rounded to 0, 1/p is inf. p - target is the same, without a division."),
            Mistake(_softmax_of(loss=_minus_log_p, slope=_slope_by_way_of_p),
                    "Both go by way of p, which may be rounded to 0: then ln p and 1/p are inf. For the loss use ln "
                    "p = shifted - ln(sum of exp(shifted)), for dy p - target."),
            Mistake(lambda y, labels: softmax_loss(y[:1], labels[:1]),
                    "This is the first row alone. All B rows count."),
            Mistake(_softmax_of(np.zeros_like, slope=lambda p, target: p - target),
                    "Two slips: e^1000 is inf for the computer, so subtract each row's largest output first; and dy "
                    "is divided by B, as the loss is a mean."),
            Mistake(_softmax_of(np.zeros_like, lambda s, p, target: -np.log(p[target == 1]).sum(),
                                lambda p, target: p - target),
                    "Loss and dy are sums over the batch: divide both by B. And e^1000 is inf for the computer: "
                    "subtract each row's largest output first."),
            Mistake(_softmax_of(np.max, _minus_log_p, lambda p, target: p - target),
                    "Two slips: each row needs a maximum of its own, or the exponentials of a row far below are all "
                    "0; and dy is divided by B, as the loss is a mean."),
            Mistake(_softmax_of(loss=_minus_log_p, slope=lambda p, target: p - target),
                    "There are two slips. dy is divided by B, as the loss is a mean. And p may be rounded to 0, "
                    "whose logarithm is -inf: ln p = shifted - ln(sum of exp(shifted))."),
            Mistake(_sigmoids,
                    "This is a sigmoid of each output by itself, and they do not add up to 1. Softmax divides by the "
                    "sum over the row."),
            Mistake(_softmax_without_exp,
                    "The exponential is missing: outputs can be negative, probabilities cannot."),
        ],
        hints=["First shift each row: y - y.max(axis=1, keepdims=True). Then no exponential is above 1, and one of "
               "them is 1, so their sum is never 0.",
               "np.eye(K)[labels] has a one-hot row for each label. (target * ...).sum() adds up the right symbols' "
               "entries.",
               "log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)): no logarithm of a 0. The loss is "
               "-(target * log_p).sum() / B. What is dy, if the loss is divided by B?"]),
    Prediction("2.9", "Recall over 10 steps: how often is a network right that sees only the last 3 inputs?", unit="%"),
    Prediction("2.10", "A recurrent network learned recall at 10 steps. How often is it right at 20?", kind="choice",
               choices=("always", "about half the time", "it depends on where its training started")),
])
