"""Tasks with a distance dial: what has to be remembered is the same at every length, only the distance grows.

Each returns x (T, batch, D) and target, drawn from the caller's generator. Errors: TypeError for sizes that are not whole
numbers and for an rng that is not a numpy Generator, ValueError for sizes below the least that the task can have.
"""

from __future__ import annotations  # so that numpy.random loads when it is first used

from functools import lru_cache

import numpy as np

from . import _checks


def recall(T: int, batch: int, rng: np.random.Generator, symbols: int = 2,
           noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Name the first symbol at the end: a symbol at t = 1, then T - 1 steps of noise.

    returns  x (T, batch, symbols): one-hot at t = 1, then normal noise of standard deviation `noise`; labels (batch,)
    source   after the latching task of Bengio, Simard and Frasconi 1994: early steps carry the class, noise follows
    """
    T, batch, symbols = _checks.count("T", T), _checks.count("batch", batch), _checks.count("symbols", symbols, 2)
    labels = _checks.generator(rng).integers(symbols, size=batch)
    x = _checks.real("noise", noise) * rng.normal(size=(T, batch, symbols))
    x[0] = np.eye(symbols)[labels]
    return x, labels


def temporal_order(T: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Say in which order two signals came: X or Y in [T/10, 2T/10), X or Y in [4T/10, 5T/10), else distractors.

    returns  x (T, batch, 6) one-hot: 0 X, 1 Y, 2 ... 5 distractors; labels (batch,): 0 XX, 1 XY, 2 YX, 3 YY
    source   Hochreiter and Schmidhuber 1997, task 6a, with the positions of Pascanu, Mikolov and Bengio 2013
    """
    T, batch = _checks.count("T", T, 10), _checks.count("batch", batch)
    symbol = _checks.generator(rng).integers(2, 6, size=(T, batch))
    first, second = rng.integers(2, size=batch), rng.integers(2, size=batch)
    column = np.arange(batch)
    symbol[rng.integers(T // 10, 2 * T // 10, size=batch), column] = first
    symbol[rng.integers(4 * T // 10, 5 * T // 10, size=batch), column] = second
    return np.eye(6)[symbol], 2 * first + second


def adding(T: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Add the two marked numbers: one mark in the first half, one in the second. Guessing 1 always costs 1/6.

    returns  x (T, batch, 2): a number from U(0, 1) and a mark, 0 or 1; target (batch, 1)
    source   Hochreiter and Schmidhuber 1997, task 4, in the form of Le, Jaitly and Hinton 2015
    """
    T, batch = _checks.count("T", T, 2), _checks.count("batch", batch)
    numbers = _checks.generator(rng).uniform(size=(T, batch))
    marks = np.zeros((T, batch))
    column = np.arange(batch)
    marks[rng.integers(0, T // 2, size=batch), column] = 1
    marks[rng.integers(T // 2, T, size=batch), column] = 1
    return np.stack([numbers, marks], axis=-1), (numbers * marks).sum(0)[:, None]


# Word by word: what may follow what in the clause after "which". All verbs are in the past: they fit one cat and many.
WORDS = {
    "the": ["the"], "comma": [","], "which": ["which"], "and": ["and"],
    "one": ["cat", "dog", "bird", "horse"], "many": ["cats", "dogs", "birds", "horses"],
    "transitive": ["chased", "saw", "followed", "heard"], "intransitive": ["slept", "waited", "ran"],
    "adjective": ["old", "small", "gray"], "adverb": ["quietly", "often", "alone"]}
FOLLOWS = {
    "which": ["transitive", "intransitive"], "and": ["transitive", "intransitive"], "transitive": ["the"],
    "the": ["one", "many", "adjective"], "adjective": ["one", "many", "adjective"], "one": ["and", "comma"],
    "many": ["and", "comma"], "intransitive": ["adverb", "and", "comma"], "adverb": ["and", "comma"]}
VOCABULARY = tuple(word for words in WORDS.values() for word in words)
SHORTEST = 4  # the cats , which slept ,


def agreement(distance: int, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Say whether "it" or "they" comes next: "the cats , which chased the old dog and slept ," and so on.

    The subject decides. It is read `distance` steps before the last comma, where the pronoun is asked for; the clause in
    between is drawn from a grammar that knows nothing of the subject, and has other nouns of both kinds.

    distance  steps from the noun to the last comma, at least 4
    returns   x (distance + 2, batch, 25) one-hot over VOCABULARY; labels (batch,): 0 it, 1 they
    source    the example is from the teaching of recurrent networks; the grammar is ours
    """
    distance, batch = _checks.count("distance", distance, SHORTEST), _checks.count("batch", batch)
    labels = _checks.generator(rng).integers(2, size=batch)
    kinds = list(WORDS)
    clause = np.full((distance - 2, batch), kinds.index("which"))
    chance, choice = rng.random((distance - 3, 2, batch)).swapaxes(0, 1)  # of each step's kind and word, in this order
    for t, likely in enumerate(_clause(distance - 3)):
        clause[t + 1] = (chance[t, :, None] > likely[clause[t]]).sum(-1)
    subject = _word(np.where(labels, kinds.index("many"), kinds.index("one")), rng.random(batch))
    read = np.empty((distance + 2, batch), int)
    read[[0, 2, 3, -1]] = [[VOCABULARY.index(word)] for word in ("the", ",", "which", ",")]
    read[1], read[4:-1] = subject, _word(clause[1:], choice)
    return np.eye(len(VOCABULARY))[read], labels


def sentences(x: np.ndarray) -> list[str]:
    """The words of sequences (T, batch, 25) that `agreement` made."""
    return [" ".join(VOCABULARY[word] for word in column) for column in np.argmax(x, axis=-1).T]


@lru_cache
def _clause(length: int) -> np.ndarray:
    """Cumulative probabilities (length, kind, next kind) of a clause that ends with a whole phrase after `length` words.

    Without the condition every word that may follow is as likely as any other; ways[k] is the probability that a
    phrase can end, a comma follow, k words later.
    """
    kinds = list(WORDS)
    steps = np.array([[(b in FOLLOWS.get(a, ())) / max(1, len(FOLLOWS.get(a, ()))) for b in kinds] for a in kinds])
    comma = kinds.index("comma")
    ways = [steps[:, comma].copy()]
    steps[:, comma] = 0
    for _ in range(length):
        ways.append(steps @ ways[-1])
        ways[-1] /= ways[-1].max()
    sums = np.cumsum([steps * ways[left] for left in reversed(range(length))], -1)
    return sums / np.where(sums[..., -1:] > 0, sums[..., -1:], 1)  # the last is exactly 1


def _word(kind: np.ndarray, choice: np.ndarray) -> np.ndarray:
    """A word of each kind, as its place in VOCABULARY, by a choice between 0 and 1."""
    many = np.array([len(words) for words in WORDS.values()])
    return (np.cumsum(many) - many)[kind] + (choice * many[kind]).astype(int)
