"""A microscope for recurrent networks in torch: the total gradient at every time step, of your own unmodified module.

    import torch
    from torch import nn
    from course_lib import watch

    class Classifier(nn.Module):                        # any network that holds nn.RNN, nn.LSTM or nn.GRU
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(3, 16, batch_first=True)
            self.head = nn.Linear(16, 2)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    net, x, y = Classifier(), torch.randn(8, 50, 3), torch.randint(2, (8,))
    with watch.watch_time(net) as flow:
        nn.functional.cross_entropy(net(x), y).backward()

    flow["rnn"].norms()      # (51, 8): |dL/dh_t| for t = 0 ... 50 and each of the 8 sequences
    flow["rnn"].grad_c       # (51, 8, 16): dL/dc_t; also grad_h, h, c, x, gates, jacobians(), log_singular_values()
    print(flow.verdict())    # in words: vanished, exploding, alive, exactly 0, or not finite and where
    flow.plot()              # in a notebook: all of it in one picture

`out.retain_grad()` on the output of nn.LSTM shows the direct path alone: exact zeros at all steps that the loss does
not read itself. Here the module is computed once more, step by step, with its own weights; the result is compared with
the module's output, and the gradients that arrive there are carried back. Your outputs, gradients and random numbers
stay what they would have been, to the last bit. torch is imported when it is used.
"""

from __future__ import annotations

from .. import _checks
from .clipper import Clipped, Clipper
from .state import State

__all__ = ["Clipped", "Clipper", "State", "watch_time"]


def watch_time(net, every: int = 1, clipper: Clipper | None = None, cells=(), names=None,
               on_error: str | None = None, on_pass=None):
    """Watch the recurrences in a network: `with watch_time(net) as flow: loss.backward()`.

    A pass is what happens up to a backward: the first call after a gradient has arrived begins the next. Calls under
    no_grad are ignored. Layers, directions, batch_first, packed sequences, projections, initial states, dropout between
    layers, several modules and several calls are all covered; every number is of the last pass that got its gradient.

    net      an nn.Module that contains nn.RNN, nn.LSTM, nn.GRU or one of their cells anywhere, or is one
    every    watch passes 0, every, 2 every, ... only; the others run at their usual speed
    clipper  a Clipper, to have its count in the verdict
    cells    what else gives a next state from the last, called once a step: names of modules in net or of their methods,
             such as "decoder.step", modules, functions; {any of these: watch.State(output=1, argument="h")} where it
             returns or is given more than its state. Steps that hand a state on are one call, flow["decoder.step"]
    names    which of torch's own modules and cells to watch, as in net.named_modules(); None watches all
    on_error  "raise" stops at what can't be read, "warn" says it once and lets the training go on. None raises in a with
             block, and warns with `every` above 1 and between flow.start() and flow.stop()
    on_pass  called with the flow once for each watched pass, when it is over: as the next one begins, or the block ends.
             Its errors are said once and stop nothing. `adapters` has ready ones for TensorBoard and others
    returns  Flow, a context manager, or flow.start() and flow.stop() instead of a with block: flow[name] is the reading
             of a module by its name in net.named_modules(); flow.names, flow.verdict(), flow.first_nonfinite(),
             flow.update_ratio(), flow.plot(); of all watched passes flow.history, flow.plot_history(), flow.scalars(),
             flow.to_frame(), flow.to_json()
    errors   TypeError or ValueError for networks that cannot be watched, RuntimeError from the network's forward where
             the step-by-step replay differs from the fused output
    """
    with _checks.extra("watch", "the microscope"):
        from .flow import Flow

    return Flow(net, every, clipper, cells, names, on_error, on_pass)
