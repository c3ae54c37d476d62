"""A real text, the course's own prose, read letter by letter by networks that were trained beforehand."""

from collections import Counter
from functools import partial

import numpy as np

from ... import _checks, bptt, cells, data, losses

LETTERS = "\n !\"#'(),-.:;?abcdefghijklmnopqrstuvwxyz"
ONE_HOT = np.eye(len(LETTERS), dtype=np.float32)
ABC = np.array([number for number, letter in enumerate(LETTERS) if letter.isalpha()])  # all else ends a word
SIZES = {"tanh": 170, "LSTM": 81, "GRU": 96}  # units; 42 710, 42 808 and 43 432 parameters
PARAMS = {"tanh": cells.RNNParams, "LSTM": cells.LSTMParams, "GRU": cells.GRUParams}
PARTS = {"test": ("05_singular_values", "11_lstm"), "validation": ("08_clipping",)}
SEEDS = 5
FACTS = "new sentence", "in brackets", "after a comma", "late in a word", "vowel"
BLOCK = 50  # steps, or sequences, that are read at once: all of them would fill 60 MB


def prose(part: str) -> str:
    """Return the prose of some lessons: "test", 05 and 11; "validation", 08; "train", all others.

    errors  ValueError for another part, FileNotFoundError where the course's data folder is missing
    """
    _checks.choice("part", part, ("train", *PARTS))
    lessons = dict(each.split("\n", 1) for each in data.file("prose.txt").read_text(encoding="ascii").split("=")[1:])
    held_out = [name for names in PARTS.values() for name in names]
    return "".join(lessons[name] for name in PARTS.get(part, [name for name in lessons if name not in held_out]))


def codes(text: str) -> np.ndarray:
    """Return the letters' numbers, their places in LETTERS, (len(text),).

    errors  ValueError for a letter that the networks never read
    """
    if unknown := sorted(set(text) - set(LETTERS)):
        raise ValueError(f"the text has {unknown[0]!r}, which is none of the {len(LETTERS)} letters: a to z, "
                         f"the space, the line's end and {LETTERS[2:14]} Write it in lower case, and # for a number.")
    return np.array([LETTERS.index(letter) for letter in text], int)


def readers(kind: str) -> list[cells.NetworkParams]:
    """Return the five trained networks of a kind, "tanh", "LSTM" or "GRU", as data/make_letters.py left them.

    errors  ValueError for another kind, FileNotFoundError where the course's data folder is missing
    """
    _checks.choice("kind", kind, SIZES)
    with np.load(data.file("letters.npz")) as kept:
        parts = ("rnn", PARAMS[kind]), ("readout", cells.ReadoutParams)
        return [cells.NetworkParams(*(part(*(kept[f"{kind}.{seed}.{name}.{field}"].astype(np.float32)
                                             for field in part._fields)) for name, part in parts))
                for seed in range(SEEDS)]


def stored(name: str) -> np.ndarray:
    """What data/make_letters.py left beside the networks: "GRU.context": bits by how many letters are read, (5, 96)."""
    with np.load(data.file("letters.npz")) as file:
        return file[name]


def while_training(kind: str) -> np.ndarray:
    """Bits a letter in lesson 08 of each of the five networks, after each 100 updates of its training, (5, 30)."""
    runs, first = stored(f"{kind}.validation"), stored("rates").tolist().index(stored(f"{kind}.rate"))
    return runs[[first, *range(1 - SEEDS, 0)]]


def side_by_side(text: str, count: int) -> np.ndarray:
    """The text's numbers as `count` sequences that are read side by side, (steps + 1, count)."""
    numbers = codes(text)
    steps = (len(numbers) - 1) // count
    return np.stack([numbers[i * steps:(i + 1) * steps + 1] for i in range(count)], axis=1)


def surprise(network: cells.NetworkParams, numbers: np.ndarray) -> np.ndarray:
    """-log2 of the probability that each letter got from those before it in its column, in bits.

    numbers  (T + 1, B); each column is read from the zero state
    returns  (T, B), of numbers[1:]
    """
    bits = []
    for begin, run in zip(range(1, len(numbers), BLOCK), _runs(network, numbers[:-1])):
        y = cells.readout(network.readout, run.h[1:])
        bits.append(losses.cross_entropy(y[..., None, :], numbers[begin:begin + BLOCK, :, None])[0] / np.log(2))
    return np.concatenate(bits)


def _runs(network: cells.NetworkParams, numbers: np.ndarray):
    """Yield the runs over BLOCK letters each, one going on where the other ends."""
    state = None
    for begin in range(0, len(numbers), BLOCK):
        yield (run := bptt.forward(network.rnn, ONE_HOT[numbers[begin:begin + BLOCK]], state))
        state = _last_state(run)


def _last_state(run: bptt.Run):
    """The state after the last step, as `bptt.forward` takes it."""
    states = tuple(getattr(run, name)[-1] for name in cells.cell_of(run.params).states)
    return states if len(states) > 1 else states[0]


def _read(network: cells.NetworkParams, numbers: np.ndarray, state=None, temperature=1.):
    """softmax(y / temperature) after the last of these letters, (B, 40), and the state there."""
    run = bptt.forward(network.rnn, ONE_HOT[numbers], state)
    y = cells.readout(network.readout, run.h[-1]).astype(float) / temperature
    p = np.exp(y - y.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True), _last_state(run)


def counted(context: int, numbers: np.ndarray, weight: float = 32.) -> np.ndarray:
    """-log2 of the probability of each letter by counts in the training lessons, in bits.

    p_n = (count(last n letters, letter) + weight p_{n-1}) / (count(last n letters) + weight), p_{-1} = 1/40

    context  how many letters back are counted, 0 to 10
    numbers  (N,)
    returns  (N - context,), of numbers[context:]
    """
    return -np.log2(_chance(context, weight)(np.lib.stride_tricks.sliding_window_view(numbers, context + 1)))


def _chance(context: int, weight: float):
    """A function of passages (..., context + 1): the p_n above of each one's last letter, n = context."""
    seen, base = codes(prose("train")), len(LETTERS)
    places = [base**np.arange(n, -1, -1, dtype=np.int64) for n in range(context + 1)]  # a browser's own have 32 bits
    known = [np.sort(np.lib.stride_tricks.sliding_window_view(seen, n + 1) @ place) for n, place in enumerate(places)]

    def chance(passages):
        p = 1 / base
        for n, (place, sorted_) in enumerate(zip(places, known)):
            number = passages[..., context - n:] @ place
            first = number - number % base  # the same begin with the first letter at its end
            begin, low, high, end = np.searchsorted(sorted_, [first, number, number + 1, first + base])
            p = (high - low + weight * p) / (end - begin + weight)
        return p
    return chance


def by_context(network: cells.NetworkParams, numbers: np.ndarray, longest: int) -> np.ndarray:
    """The mean surprise at letters of which the last k are read, from the zero state, k = 1 ... longest: (longest,).

    numbers  (N,); the same N - 2 longest letters for every k
    """
    total, last = np.zeros(longest), len(numbers) - longest
    windows = np.lib.stride_tricks.sliding_window_view(numbers, longest + 1).T  # column s begins with letter s
    for begin in range(longest, last, 500):
        columns = np.arange(begin - longest, min(begin + 500, last) - 1)
        bits = surprise(network, windows[:, columns])
        letters = np.arange(begin, min(begin + 500, last))
        for k in range(1, longest + 1):
            total[k - 1] += bits[k - 1, letters - k - columns[0]].sum()
    return total / (last - longest)


def exchanges(network: cells.NetworkParams, windows: np.ndarray) -> np.ndarray:
    """By how many bits another letter would change the surprise at the last letter, if all were linear: dL/dx alone.

    windows  (T + 1, B); the last row is what is predicted
    returns  (T, B, 40): [s, b, j] is dL/dx_s at letter j less dL/dx_s at the letter that stands there
    """
    parts = []
    for begin in range(0, windows.shape[1], BLOCK):
        *read, last = windows[:, begin:begin + BLOCK]
        back = bptt.loss_and_grads(network, ONE_HOT[read], last, losses.cross_entropy).back
        dx = back.dx * np.float32(len(last) / np.log(2))  # the loss is a mean over the batch, in nats
        parts.append(dx - np.take_along_axis(dx, np.array(read)[..., None], -1))
    return np.concatenate(parts, axis=1)


def leans(network: cells.NetworkParams, windows: np.ndarray) -> np.ndarray:
    """How much the prediction of the last row leans on each letter before it: the root mean square of `exchanges`.

    windows  (T + 1, B)
    returns  (T, B), in bits: over the 39 letters that do not stand there
    """
    return np.sqrt((exchanges(network, windows).astype(float)**2).sum(-1) / (len(LETTERS) - 1))


def exchanged(network: cells.NetworkParams, windows: np.ndarray, distances, seed: int = 0):
    """Put another letter, drawn at random, in the place of one: what `exchanges` says, and what the surprise does.

    windows    (T + 1, B); the last row is what is predicted
    distances  (D,), how many letters before it, 1 to T; one letter at a time is another
    returns    said, measured, (D, B) both: the changes in bits
    """
    distances, columns = np.asarray(distances)[:, None], np.arange(windows.shape[1])
    there = windows[-1 - distances, columns]
    others = (there + np.random.default_rng(seed).integers(1, len(LETTERS), there.shape)) % len(LETTERS)
    changed = np.repeat(windows[:, None], len(distances), axis=1)
    changed[-1 - distances, np.arange(len(distances))[:, None], columns] = others
    exact = cells.tree_map(lambda array: array.astype(float), network)  # for small differences
    parts = range(50, windows.shape[1], 50)  # fifty passages at a time: they need less memory
    before, *after = (np.concatenate([surprise(exact, some)[-1] for some in np.split(each, parts, axis=1)])
                      for each in [windows, *changed.swapaxes(0, 1)])
    return exchanges(network, windows)[-distances, columns, others], np.stack(after) - before


def passages(count: int, length: int, seed: int = 0) -> np.ndarray:
    """Return passages of the test lessons, drawn at random, (length + 1, count)."""
    numbers = codes(prose("test"))
    begins = np.random.default_rng(seed).integers(0, len(numbers) - length, count)
    return numbers[begins + np.arange(length + 1)[:, None]]


def words_of(text: str) -> list[str]:
    """What stands between signs and spaces."""
    return "".join(letter if letter.isalpha() else " " for letter in text).split()


def _long_words(count: int, length: int) -> np.ndarray:
    """Where words of 7 letters or more begin in the test lessons, not among the first `length` letters: (count,)."""
    text = prose("test")
    starts = np.array([i for i in range(length, len(text) - 7) if text[i - 1] == " " and text[i:i + 7].isalpha()])
    return starts[np.linspace(0, len(starts) - 1, count).astype(int)]


def in_words(letter: int, count: int, length: int) -> np.ndarray:
    """Return passages of the test lessons that end with that letter of a word of 7 or more: (length + 1, count).

    letter  1 to 7; the words are the same for each, spread over both lessons
    """
    return codes(prose("test"))[_long_words(count, length) + letter - 1 + np.arange(-length, 1)[:, None]]


def by_counts(context: int, weight: float = 32.):
    """How a count reads on: read(numbers (T, B), state) -> p of the next letter (B, 40), state; p as in `counted`."""
    chance = _chance(context, weight)

    def read(numbers, last=None):
        last = (numbers.T if last is None else np.hstack([last, numbers.T]))[:, -context:]
        return chance(np.array([np.insert(last, context, number, axis=1) for number in range(len(LETTERS))])).T, last
    return read


def completions(reader, windows: np.ndarray, count: int = 4, longest: int = 30):
    """The likeliest ways to go on to the end of the word. No other of at most `longest` letters is likelier.

    A way has the probability of its letters, each after those before it, times that of a sign or space after them.
    What goes on from a beginning is less likely than it: one that is less likely than `count` ways is given up.

    reader   a network, or by_counts(...)
    windows  (T, B), what was read
    returns  B lists of (letters, probability), the likeliest first; no letters: the word ends, or none begins
    """
    read = reader if callable(reader) else partial(_read, reader)
    p, state = read(windows)
    whose, begun, found = np.arange(windows.shape[1]), [""] * windows.shape[1], [[] for _ in windows.T]
    for _ in range(longest + 1):
        for i, letters, end in zip(whose, begun, np.delete(p, ABC, axis=1).sum(1)):
            found[i] = sorted([*found[i], (letters, end)], key=lambda way: -way[1])[:count]
        least = np.array([ways[-1][1] if len(ways) == count else 0. for ways in found])
        rows, columns = np.nonzero(p[:, ABC] > least[whose, None])
        if not len(rows):
            break
        numbers, whose = ABC[columns], whose[rows]
        begun = [begun[row] + LETTERS[number] for row, number in zip(rows, numbers)]
        state = tuple(each[rows] for each in state) if isinstance(state, tuple) else state[rows]
        after, state = read(numbers[None], state)
        p = p[rows, numbers, None] * after
    return found


def completed(reader, letters: int, count: int = 200, length: int = 64) -> float:
    """The share of long words of the test lessons whose likeliest completion after so many letters is the right one.

    reader  as for `completions`, or None: a count of whole words, the most frequent of those that begin so
    length  how many letters are read, with those of the word
    """
    words = [words_of(prose("test")[start:start + 40])[0] for start in _long_words(count, length)]
    if reader:
        windows = in_words(letters + 1, count, length)[:-1]
        ways = sum((completions(reader, windows[:, i:i + BLOCK], 1) for i in range(0, count, BLOCK)), [])
        guesses = [word[:letters] + way for word, [(way, _)] in zip(words, ways)]
    else:
        known = Counter(words_of(prose("train")))
        guesses = [max((other for other in known if other.startswith(word[:letters])), key=known.get, default="")
                   for word in words]
    return float(np.mean([guess == word for guess, word in zip(guesses, words)]))


def write(network: cells.NetworkParams, begin: str, letters: int, temperature, seed=0) -> list[str]:
    """Let a network go on with a text: each letter is drawn from softmax(y / temperature) and read as the next input.

    temperature, seed  numbers, or (B,) for B texts; above 0. Texts of one seed use the same dice
    returns            what was written, B texts
    errors             ValueError for a letter that is none of the 40 and for a temperature that is not above 0
    """
    temperature, seed = np.broadcast_arrays(np.atleast_1d(_checks.floating("temperature", temperature)), seed)
    if not (temperature > 0).all():
        raise ValueError(f"temperature is {temperature.min():g}, needs to be above 0. Near 0 the likeliest wins.")
    dice = np.stack([np.random.default_rng(each).random(letters) for each in seed], axis=1)
    read, state, written = np.repeat(codes(begin)[:, None], len(seed), axis=1), None, []
    for die in dice:
        p, state = _read(network, read, state, temperature[:, None])
        p = p.cumsum(-1)
        read = (p < die[:, None] * p[:, -1:]).sum(-1)[None]
        written.append(read[0])
    return ["".join(LETTERS[number] for number in column) for column in np.transpose(written)]


# What one unit tells

def facts(text: str) -> dict[str, np.ndarray]:
    """What is true once a letter is read, for each letter of a text: the FACTS that a unit might tell, (N,) each."""
    places = np.arange(len(text))

    def since(marks):  # letters since the last of these, 0 at one; the text's beginning counts as one
        return places - np.maximum.accumulate(np.where(np.isin(list(text), list(marks)), places, -1))

    signs = "".join(letter for letter in LETTERS if not letter.isalpha())
    return dict(zip(FACTS, (since(".?!\n") < 20, since("(") < since(")\n"), since(",") < np.minimum(10, places + 1),
                            since(signs) >= 5, since("aeiou") == 0)))


def held(network: cells.NetworkParams, numbers: np.ndarray) -> np.ndarray:
    """What the units hold after each letter, h, and c of an LSTM behind it: (T, B, H or 2 H) for numbers (T, B)."""
    names, H = cells.cell_of(network.rnn).states, network.rnn.W_hh.shape[1]
    states = np.empty((*numbers.shape, H * len(names)), network.rnn.W_hh.dtype)
    for part, run in zip(np.split(states, range(BLOCK, len(states), BLOCK)), _runs(network, numbers)):
        part[:] = np.concatenate([getattr(run, name)[1:] for name in names], -1)
    return states


def by_letter(numbers: np.ndarray) -> np.ndarray:
    """How often each of the FACTS is true in lesson 08 once this letter is read: (T, B, 5) for numbers (T, B)."""
    text = prose("validation")
    letters = ONE_HOT[codes(text)]
    return (letters.T @ np.array([*facts(text).values()]).T / np.maximum(letters.sum(0), 1)[:, None])[numbers]


def told(states: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Of all pairs of a letter where something is true and one where it is not: in which share the first has more.

    states (N, H), equal ones count half; true (F, N); returns (F, H), 1/2 tells nothing, 0 and 1 tell it always
    """
    true, shares = true.astype(float), []
    n = true.sum(1)
    for state in states.T:
        _, place, count = np.unique(state, return_inverse=True, return_counts=True)
        ranks = (count.cumsum() - count / 2)[place]
        shares.append((true @ ranks / n - n / 2) / (true.shape[1] - n))
    return np.transpose(shares)


def tells(reader, columns: int = 32) -> np.ndarray:
    """How well each unit tells each of the FACTS: shares of pairs as in `told`.

    Of a network, or of by_letter, (2, 10, H): in 08, in 05 and 11; of the FACTS, and of them moved by half a text.
    """
    read, shares = reader if callable(reader) else partial(held, reader), []
    for part in ("validation", "test"):
        text = prose(part)
        numbers, *true = (each[:len(text) // columns * columns].reshape(columns, -1).T
                          for each in (codes(text), *facts(text).values()))
        true = np.reshape(true, (len(true), -1))
        true = np.concatenate([true, np.roll(true, true.shape[1] // 2, axis=1)])
        shares.append(told(read(numbers).reshape(true.shape[1], -1), true))
    return np.array(shares)


def best_units(reader) -> np.ndarray:
    """In 05 and 11, the share of pairs in which the unit that tells most in lesson 08 is right, (10,) as in `tells`."""
    there, here = tells(reader)
    best = np.arange(len(there)), np.abs(there - .5).argmax(1)
    return np.abs(here[best] - (there[best] < .5))
