"""The eight tasks that notebook 17 suggests, as a student would write them: (distance, batch, rng) -> x, labels."""

import numpy as np

from course_lib import data


def brackets(distance, batch, rng):
    """Which of three brackets has to close? It stands at step 1, then letters a to d."""
    labels = rng.integers(3, size=batch)
    signs = rng.integers(3, 7, size=(distance + 1, batch))
    signs[0] = labels
    return np.eye(7)[signs], labels


def warmer(distance, batch, rng):
    """Is the last temperature above the first?"""
    x = rng.normal(size=(distance + 1, batch, 1))
    return x, (x[-1, :, 0] > x[0, :, 0]).astype(int)


def marked_bits(distance, batch, rng):
    """How many of the two marked bits are 1? The first mark is at step 1, the second at the last."""
    bits, marks = rng.integers(2, size=(distance + 1, batch)), np.zeros((distance + 1, batch))
    marks[[0, -1]] = 1
    return np.stack([bits, marks], -1).astype(float), bits[0] + bits[-1]


def echo(distance, batch, rng):
    """Which was the first of four signs (A to D)? Then distractors from four other signs."""
    signs = rng.integers(4, size=(distance + 4, batch))
    signs[4:] += 4
    return np.eye(8)[signs], signs[0]


def button(distance, batch, rng):
    """Two buttons, each pressed at random among the first ten steps, the last time at step 10: which one was that?"""
    pressed = rng.random((10 + distance, batch, 2)) < .2
    pressed[9:] = False
    labels = rng.integers(2, size=batch)
    pressed[9, np.arange(batch), labels] = True
    return pressed.astype(float), labels


def median(distance, batch, rng):
    """Three of many numbers are marked, the last one at step 10: is their median above 1/2?"""
    numbers, marks = rng.random((10 + distance, batch)), np.zeros((10 + distance, batch))
    steps = np.vstack([rng.random((9, batch)).argsort(0)[:2], np.full(batch, 9)])
    np.put_along_axis(marks, steps, 1, 0)
    chosen = np.take_along_axis(numbers, steps, 0)
    return np.stack([numbers, marks], -1), (np.median(chosen, axis=0) > .5).astype(int)


def digits(distance, batch, rng, part="train"):
    """Which digit is it? The rows of an image, `distance` blank steps between one and the next."""
    images, labels = data.digits(part)
    chosen = rng.integers(len(labels), size=batch)
    x = np.zeros((8 + 7 * distance, batch, 8))
    x[::distance + 1] = images[chosen].swapaxes(0, 1)
    return x, labels[chosen]


def new_digits(distance, batch, rng):
    """Images that training does not see."""
    return digits(distance, batch, rng, part="test")


def sunspots(distance, batch, rng, years=(0, 200)):
    """Ten years are read; is the number `distance` years later above the mean? The years between are blank."""
    number = data.sunspots().number / 100
    first = rng.integers(years[0], years[1] - 10 - distance, size=batch)
    x = np.zeros((10 + distance, batch, 1))
    x[:10, :, 0] = number[first + np.arange(10)[:, None]]
    return x, (number[first + 9 + distance] > number.mean()).astype(int)


def new_sunspots(distance, batch, rng):
    """The years from 1900 on, which training does not see."""
    return sunspots(distance, batch, rng, years=(200, 309))


# task: (generator, new sequences where the data are finite, step at which it is read, inputs, classes)
TASKS = {
    "Brackets": (brackets, None, 1, 7, 3),
    "Warmer than at first?": (warmer, None, 1, 1, 2),
    "Two marked bits": (marked_bits, None, 1, 2, 3),
    "Late echo": (echo, None, 1, 8, 4),
    "Which button?": (button, None, 10, 2, 2),
    "Marked median": (median, None, 10, 2, 2),
    "Interrupted digits": (digits, new_digits, 1, 8, 10),
    "Sunspots at a horizon": (sunspots, new_sunspots, 10, 1, 2)}
