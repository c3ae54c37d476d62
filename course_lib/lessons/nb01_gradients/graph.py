"""Boxes that are walked back: the graph of section 5, and any expression of the reader's own engine (exercise 1.12)."""

import itertools
import math
import numbers
import random
import sys
from collections import Counter
from typing import NamedTuple

import numpy as np

from ...exercises import words
from ...exercises.bank import bank_of
from ...screen.figure import BLUE, INK, VERMILION, Figure

COLUMNS, ROWS = 7, 6
TOO_LARGE = (f"Up to {COLUMNS} boxes side by side and {ROWS} above each other can be read, with the arrows that pass "
             "them, and this expression has more. Draw a part of it: one example, or a value on the way.")


class Walk(NamedTuple):
    """What Boxes shows: values, slopes of the arrows, gradients as far as the walk has come, the last move in words."""
    value: dict[str, float]
    slope: list[float]
    grad: dict[str, float]
    said: str


class Boxes(Figure):
    """A graph from its inputs on the left to its last box on the right, worked backwards one arrow at a time.

    titles   {box: what it is}, the last box first
    arrows   [(from, to), ...] in the order of the way back, which goes from column to column
    errors   ValueError for more than fits into the picture
    """

    of, words = "dL/d{}", ("value", "dL/d{}")

    def __init__(self, titles: dict[str, str], arrows: list[tuple[str, str]], **values):
        self.titles, self.arrows, self.moves = titles, arrows, len(arrows) + 1
        self.columns, self.ways = columns(next(iter(titles)), arrows)
        if len(self.columns) > COLUMNS or (rows := max(map(len, self.columns))) > ROWS:
            raise ValueError(TOO_LARGE)
        self.size = 900, 60 + 104 * rows
        self.allowed = {**self.allowed, "step": (0, self.moves)}
        super().__init__(**values)

    def draw(self):
        width, height = self.size
        ax = self.panels(at=(0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        ax.axis("off")
        pitch, size = width / len(self.columns), 9.5 if len(self.columns) < 6 else 8.5
        half = np.array([min(72, .33 * pitch), 37])
        place = {box: np.array([width - pitch * (column + .5), (height + 44) / 2 + 104 * ((len(boxes) - 1) / 2 - row)])
                 for column, boxes in enumerate(self.columns) for row, box in enumerate(boxes)}
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * half
        self.frames, self.values_of, self.grads = {}, {}, {}
        for box, title in self.titles.items():
            x, y = place[box]
            center = {"ha": "center", "va": "center"}
            ax.text(x, y + 23, title, **center, weight="bold", fontsize=min(size, 2.3 * half[0] / len(title)))
            self.frames[box] = self.moving(ax.plot(*(corners + (x, y)).T)[0])
            self.values_of[box] = self.moving(ax.text(x, y, "", color=BLUE, fontsize=size, **center))
            self.grads[box] = self.moving(ax.text(x, y - 22, "", color=VERMILION, fontsize=size, **center))
        self.backs, self.tips, self.factors = [], [], []
        for way, out, into in zip(self.ways, _ports(self.ways, place, 0, 1), _ports(self.ways, place, -1, -2)):
            bends = [place[bend] + (side * half[0], 0) for bend in way[1:-1] for side in (-1, 1)]
            points = np.array([place[way[0]] + (half[0], out), *bends, place[way[-1]] + (-half[0], into)])
            ax.plot(*points[:-1].T, color=INK, linewidth=1)
            ax.annotate("", points[-1], points[-2], arrowprops={"arrowstyle": "->", "color": INK, "shrinkB": 0})
            self.backs.append((self.curve(ax, VERMILION, "--"), points - (0, 7)))
            self.tips.append((self.curve(ax, VERMILION, "<", markersize=6), points[:1] + (6, -7)))
            (x, y), rise = points[-2:].mean(axis=0), points[-1, 1] - points[-2, 1]
            y, ha = y + (13 if into >= 0 else -23), "center"
            if abs(rise) > 20:
                direct = [other for other in self.ways if len(other) == 2 and other[0] == way[0]]
                at_start = ((rise > 0) == (into > 0)) if direct.count(way) > 1 else len(way) == 2 and len(direct) > 1
                box, x, ha = (way[0], x - 26, "right") if at_start else (way[-1], x + 26, "left")
                y = place[box][1] + (46 if (rise > 0) == at_start else -46)
            self.factors.append(self.moving(ax.text(x, y, "", color=VERMILION, ha=ha, va="center", fontsize=size)))
        self.said, = self.key(ax, (.5, 22 / height, "", INK), ha="center", va="center", fontsize=10)

    def walk(self, step: int, value: dict, slope: list, meant: list[str]) -> Walk:
        """Return what a number of moves has brought; meant says what each slope is."""
        last, of = next(iter(self.titles)), self.of.format
        grad, said = {}, "Forward: every box has its value. No gradient has started back."
        if step:
            grad, said = {last: 1.}, f"The start: {last} changes with itself by 1."
        for (start, end), factor, words in zip(self.arrows[:max(0, step - 1)], slope, meant):
            part, before = grad[end] * factor, grad.get(start)
            grad[start] = part + (before or 0.)
            said = (f"{of(start)} {'=' if before is None else '+='} {of(end)} · {words} = "
                    f"{brief(grad[end])} · {brief(factor, True)} = {brief(part)}")
            if before is not None:
                said += f"; the next path arrives: {brief(before)} + {brief(part, True)} = {brief(grad[start])}"
        return Walk(value, slope, grad, said)

    def move(self, walk):
        last = self.values["step"] - 2  # the arrow of the last move
        now = next(iter(self.titles)) if last == -1 else self.arrows[last][0] if last >= 0 else None
        for box, frame in self.frames.items():
            frame.set(color=VERMILION if box == now else INK, linewidth=2.8 if box == now else 1.)
            self.values_of[box].set_text(f"{self.words[0]} {brief(walk.value[box])}")
            self.grads[box].set_text(f"{self.words[1].format(box)} {brief(walk.grad[box])}" if box in walk.grad else "")
        for i, factor in enumerate(walk.slope):
            for line, points in self.backs[i], self.tips[i]:
                line.set_data(*points.T if i <= last else ([], []))
            self.backs[i][0].set_linewidth(2.8 if i == last else 1.3)
            self.factors[i].set_text(f"× {brief(factor, True)}" if i <= last else "")
        self.said.set(text=walk.said, fontsize=min(10, 1070 / max(map(len, walk.said.split("\n")))))

    def describe(self, walk):
        shown = ", ".join(f"{self.of.format(box)} {brief(grad)}" for box, grad in walk.grad.items())
        return (f"{len(self.titles)} boxes: {', '.join(list(self.titles.values())[::-1])}. Values: "
                + ", ".join(f"{box} {brief(value)}" for box, value in walk.value.items()) + ". "
                + (f"Gradients so far: {shown}. Last move: {walk.said.rstrip('.')}.".replace("\n", ". ") if shown else
                   "No gradient has started back."))


def columns(last: str, arrows: list[tuple[str, str]]) -> tuple[list[list], list[list]]:
    """Return the columns of boxes and bends, from the last box back, and of each arrow the boxes and bends on its way.

    An arrow that passes a column has a bend there. Boxes change places as long as that makes arrows shorter.
    """
    column = {last: 0}
    for start, end in arrows:
        column[start] = column[end] + 1  # the last use is the farthest
    ways = [[a, *((i, c) for c in range(column[a] - 1, column[b], -1)), b] for i, (a, b) in enumerate(arrows)]
    column |= {bend: bend[1] for way in ways for bend in way[1:-1]}
    made = [[box for box in column if column[box] == c] for c in range(max(column.values()) + 1)]
    links = [link for way in ways for link in zip(way, way[1:])]

    def length():
        row = {box: i - (len(boxes) - 1) / 2 for boxes in made for i, box in enumerate(boxes)}
        return sum((row[start] - row[end])**2 for start, end in links)

    tries = []
    for seed in range(12):
        made = [random.Random(seed).sample(boxes, len(boxes)) if seed else boxes for boxes in made]
        best = length()
        for boxes in made * 3:
            for i, j in itertools.combinations(range(len(boxes)), 2):
                boxes[i], boxes[j] = boxes[j], boxes[i]
                if (now := length()) >= best:
                    boxes[i], boxes[j] = boxes[j], boxes[i]
                best = min(best, now)
        tries.append((best, seed, made))
    return min(tries)[2], ways


def _ports(ways: list, place: dict, at: int, to: int) -> list[float]:
    """How far above the middle of its box each way begins (at 0, to 1) or ends (at -1, to -2)."""
    beside = [sorted((-place[other[to]][1], j) for j, other in enumerate(ways) if other[at] == way[at]) for way in ways]
    return [((len(each) - 1) / 2 - [j for _, j in each].index(i)) * min(30, 60 / len(each))
            for i, each in enumerate(beside)]


class Graph(Boxes):
    """A graph of six boxes, each with its value and its gradient, worked backwards one arrow at a time; x = 2.

        h = w x     a = 3 - h     q = h^2     L = a q        h is used twice: dL/dh = -dL/da + 2 h dL/dq

    step  moves back made so far: 0 to 7
    w     the weight
    """

    labels = {"step": "moves back", "w": "weight w"}
    allowed = {"w": (-100, 100)}

    def __init__(self, **values):
        titles = {"L": "L = a · q", "a": "a = 3 − h", "q": "q = h · h", "h": "h = w · x", "w": "w", "x": "x"}
        super().__init__(titles, [("a", "L"), ("q", "L"), ("h", "a"), ("h", "q"), ("w", "h"), ("x", "h")], **values)

    def compute(self, step=7, w=.5):
        x = 2.
        h = w * x
        a, q = 3 - h, h * h
        return self.walk(step, {"w": w, "x": x, "h": h, "a": a, "q": q, "L": a * q}, [q, a, -1., 2 * h, x, w],
                         ["q", "a", "−1", "2h", "x", "w"])


class Drawn(Boxes):
    """An expression of the reader's own Values, as their class has kept it, worked backwards one arrow at a time.

    A box bears the name that its Value has where Drawn is called; at the last move all is compared with .grad.

    last    the last Value; where .inputs holds no slopes, as with closures, its backward() is asked for them
    step    moves back made so far, up to .moves
    errors  TypeError for what is no such object; ValueError for what is too large or leads back to itself
    """

    labels = {"step": "moves back"}
    of, words = "{}.grad", ("data", "grad")

    def __init__(self, last, **values):
        (order, inputs), frame = expression(last), sys._getframe(1)
        named = {id(value): name for name, value in (frame.f_globals | frame.f_locals).items() if name[0] != "_"}
        free = (name for i in itertools.count(1) if (name := f"v{i}") not in named.values())
        name = {id(value): named.get(id(value)) or next(free) for value in order[::-1]}
        self.mine = {name[id(value)]: value for value in order}
        made = {name[key]: [(name[id(each)], slope) for each, slope in pairs] for key, pairs in inputs.items()}
        self.slopes = [slope for box in self.mine for _, slope in made[box]]
        arrows = [(start, box) for box in self.mine for start, _ in made[box]]
        super().__init__({box: self._title(box, made[box]) if made[box] else box for box in self.mine}, arrows,
                         **{"step": len(arrows) + 1, **values})

    def _title(self, box: str, pairs: list) -> str:
        """A box's name, and what it was made of: one of the three operations, if number and slopes are theirs."""
        names, slopes = zip(*pairs)
        (a, b), (x, y) = (names * 2)[:2], [float(self.mine[name].data) for name in (names * 2)[:2]]
        known = [(f"{a} + {b}", x + y, 2.), (f"{a} · {b}", x * y, x + y)] * (len(names) < 3)
        known += [(f"tanh({a})", math.tanh(x), 1 - math.tanh(x)**2)] * (len(names) == 1)
        fits = [(abs(sum(slopes) - total), words) for words, number, total in known
                if np.isclose(number, self.mine[box].data, rtol=1e-9, atol=1e-12)]
        return f"{box} = " + (min(fits)[1] if fits else f"f({', '.join(names)})")

    def compute(self, step=0):
        walk = self.walk(step, {box: float(value.data) for box, value in self.mine.items()}, self.slopes,
                         ["slope"] * len(self.slopes))
        if step < self.moves:
            return walk
        holds = {box: float(self.mine[box].grad or 0.) for box in walk.grad}
        other = [box for box, grad in walk.grad.items() if abs(holds[box] - grad) > 1e-9 * abs(grad) + 1e-12]
        return walk._replace(said=walk.said + "\n" + (
            "Each .grad of these objects holds what has arrived here." if not other else
            f"{other[0]}.grad holds {brief(holds[other[0]])}, and {brief(walk.grad[other[0]])} has arrived here. "
            f"Was {next(iter(self.mine))}.backward() the last to run?"))


def working(value: type) -> type:
    """Return the reader's class of exercise 1.12 if it passes, else the one of the solution, and say which."""
    exercise = next(each for each in bank_of(1).exercises if each.id == "1.12")
    mine = exercise.judge(value).word == "passed"
    print("Your own Value is at work." if mine else "Your Value does not pass 1.12 yet: the one of its solution is at "
          "work.\nSolve 1.12 and run this cell again.")
    return value if mine else exercise.solution


def expression(last) -> tuple[list, dict[int, list[tuple]]]:
    """Return the values of an expression, each after all its uses, and {id: [(input, slope along the arrow), ...]}.

    errors  TypeError for what is no Value, ValueError for a graph that is too large or goes round
    """
    if not _inputs(last):
        raise TypeError(f"Drawn got {words.kind(last)}, needs the last Value of an expression: its number in .data, "
                        "its gradient in .grad and what it was made of in .inputs, as in exercise 1.12.")
    inputs, found = {}, [last]
    for value in found:
        inputs[id(value)] = _inputs(value)
        found += {id(each): each for each, _ in inputs[id(value)] if id(each) not in map(id, found)}.values()
        if len(found) > COLUMNS * ROWS:
            raise ValueError(TOO_LARGE)
    uses = Counter(id(each) for pairs in inputs.values() for each, _ in pairs)
    order = [] if uses[id(last)] else [last]
    for value in order:
        uses.subtract(id(each) for each, _ in inputs[id(value)])
        order += {id(each): each for each, _ in inputs[id(value)] if not uses[id(each)]}.values()
    if len(order) < len(found):
        raise ValueError("A Value leads back to itself. Let each operation make a new one, and leave its inputs.")
    for value in order:
        if any(slope is None for _, slope in inputs[id(value)]):
            inputs[id(value)] = _measured(value, inputs[id(value)], order)
    return order, inputs


def _inputs(value) -> list[tuple]:
    """What a value was made of, [(input, slope or None), ...]: its .inputs, or what micrograd calls _prev."""
    kept = getattr(value, "inputs", getattr(value, "_prev", ()))
    pairs = [part if isinstance(part, (list, tuple)) else (part,)
             for part in (kept.items() if isinstance(kept, dict) else kept)]
    return [(each, next((float(slope) for slope in pair if isinstance(slope, numbers.Real)), None))
            for pair in pairs for each in pair
            if hasattr(each, "grad") and isinstance(getattr(each, "data", None), numbers.Real)]


def _measured(value, pairs: list[tuple], order: list) -> list[tuple]:
    """The pairs of a class that keeps no slopes: what backward() says, less what comes by way of the other inputs."""
    def slope(of, by):
        by.grad = 0.
        of.backward()
        return float(by.grad)

    before, times, found = [each.grad for each in order], Counter(id(each) for each, _ in pairs), {}
    for by in (each for each in order if id(each) in times):  # one that another was made of comes after it
        found[id(by)] = slope(value, by) - sum(found[id(each)] * slope(each, by) for each in order if id(each) in found)
    for each, grad in zip(order, before):
        each.grad = grad
    return [(each, found[id(each)] / times[id(each)]) for each, _ in pairs]


def brief(number: float, within: bool = False) -> str:
    """A number with four digits; one below 0 in brackets where it stands within a formula."""
    text = f"{number + 0.:.4g}".replace("-", "−")
    return f"({text})" if within and number < 0 else text
