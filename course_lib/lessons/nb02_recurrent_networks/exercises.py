"""The exercises of lesson 02, recurrent networks."""

from __future__ import annotations

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
    Prediction("2.9", "Recall over 10 steps: how often is a network right that sees only the last 3 inputs?", unit="%"),
    Prediction("2.10", "A recurrent network learned recall at 10 steps. How often is it right at 20?", kind="choice",
               choices=("always", "about half the time", "it depends on where its training started")),
])
