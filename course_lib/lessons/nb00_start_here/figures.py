"""The figure of lesson 00: two training runs side by side."""

import numpy as np

from ...screen.figure import BLUE, INK, VERMILION, Figure
from ...train import History


class TwoRuns(Figure):
    """Loss and gradient norm at each update of a run that learns and of one that breaks off.

    good, bad    histories of train.train
    good_name, bad_name  what to call them
    """

    size = (900, 330)

    def __init__(self, good: History, bad: History, good_name: str, bad_name: str):
        self.runs = (good, good_name, BLUE, "-"), (bad, bad_name, VERMILION, "--")
        super().__init__()

    def draw(self):
        panels = self.panels(dict(title="Loss"), dict(title="Length of the gradient, all weights together"),
                             xlabel="update", xscale="log", yscale="log")
        for ax, what in zip(panels, ("loss", "grad_norm")):
            for history, name, color, dash in self.runs:
                values = getattr(history, what)
                marker = "o" if len(values) < 9 else None
                ax.plot(np.arange(1, len(values) + 1), values, dash, color=color, marker=marker)
            ax.margins(y=.12)
        ax = panels[0]
        (good, good_name, *_), (bad, bad_name, *_) = self.runs
        above = 2 * good.loss[len(good.loss) // 2:].max()
        ax.text(len(good.loss), above, good_name, color=BLUE, ha="right", va="bottom")
        last = len(bad.loss)
        ax.annotate(f"{bad_name}: stops here", (last, bad.loss[-1]), (last * 1.6, bad.loss[-1]), color=VERMILION,
                    va="center", arrowprops={"arrowstyle": "-", "color": INK, "linewidth": .8})

    def describe(self, data):
        (good, good_name, *_), (bad, bad_name, *_) = self.runs
        return (f"Two training runs, on logarithmic axes. {good_name}: the loss falls from {good.loss[0]:.2g} to "
                f"{good.loss[-1]:.1g} in {len(good.loss)} updates, and the gradient is never longer than "
                f"{good.grad_norm.max():.0f}. {bad_name}: the loss is {bad.loss[0]:.0f} at the start and the run stops "
                f"after {len(bad.loss)} updates, when the gradient is longer than 10 to the power "
                f"{np.floor(np.log10(bad.grad_norm[-1])):.0f}.")
