"""The numbers of a Flow in the logs of others: TensorBoard, Lightning, the Hugging Face Trainer.

    watch.watch_time(net, every=50, on_pass=adapters.tensorboard(writer))       # a SummaryWriter
    lightning.Trainer(callbacks=[adapters.lightning(every=50)])
    adapters.hugging_face(trainer, every=50)                                    # then trainer.train()

What is written is `flow.scalars()`, once for each watched pass, under "gradient/". None of the three comes with the
course: each is imported where it is used. `callback.flow` is the Flow, during the training and after.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

from . import watch_time


class _Watcher:
    """Watches one training after another, and has what is new for the log."""

    flow = None

    def __init__(self, prefix: str, options: dict):
        self._prefix, self._options = prefix, {"every": 50, **options}

    def begin(self, net):
        self.end()
        self.flow, self._logged, self._failed = watch_time(net, **self._options), -1, False
        self.flow.start()

    def news(self) -> dict[str, float]:
        """The numbers of a pass that was not logged yet; {} where there is none, or where reading failed."""
        try:
            history = self.flow.history
            if not len(history) or history[-1].number == self._logged:
                return {}
            self._logged = history[-1].number
            return {f"{self._prefix}/{name}": value for name, value in self.flow.scalars().items()}
        except Exception as error:
            if not self._failed:
                self._failed = True
                warnings.warn(f"nothing is logged of the gradient: {error} Training goes on; this is said once.",
                              RuntimeWarning, stacklevel=2)
            return {}

    def end(self):
        if self.flow is not None and self.flow.watching:
            self.flow.stop()


def tensorboard(writer, prefix: str = "gradient") -> Callable:
    """An `on_pass` for `watch_time` that writes the numbers of each watched pass; the step is the number of the pass.

    writer  torch.utils.tensorboard.SummaryWriter, or what else has add_scalar(name, value, step)
    """
    def on_pass(flow):
        for name, value in flow.scalars().items():
            writer.add_scalar(f"{prefix}/{name}", value, flow.history[-1].number)
    return on_pass


def lightning(prefix: str = "gradient", **options):
    """A callback for Lightning's Trainer: it watches the module that is trained, and writes to the Trainer's loggers.

    options  of `watch_time`; every=50 if it is not said
    errors   ModuleNotFoundError without lightning, or the older pytorch_lightning
    """
    if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
        from pytorch_lightning import Callback
    else:
        from lightning.pytorch import Callback

    class WatchTime(_Watcher, Callback):
        def on_train_start(self, trainer, pl_module):
            self.begin(pl_module)

        def on_train_batch_end(self, trainer, pl_module, *batch):
            if news := self.news():  # log_dict would write the same numbers again at steps that were not watched
                for logger in trainer.loggers:
                    logger.log_metrics(news, step=max(0, trainer.global_step - 1))

        def on_train_end(self, trainer, pl_module):
            self.end()

        def on_exception(self, trainer, pl_module, exception):
            self.end()

    return WatchTime(prefix, options)


def hugging_face(trainer, prefix: str = "gradient", **options):
    """Add a callback to a Trainer of transformers, and return it: it watches the model, and logs with `trainer.log`.

    options  of `watch_time`; every=50 if it is not said
    errors   ModuleNotFoundError without transformers
    """
    from transformers import TrainerCallback

    class WatchTime(_Watcher, TrainerCallback):
        def on_train_begin(self, args, state, control, model=None, **others):
            self.begin(model)

        def on_step_end(self, args, state, control, **others):
            if news := self.news():
                trainer.log(news)

        def on_train_end(self, args, state, control, **others):
            self.end()

    callback = WatchTime(prefix, options)
    trainer.add_callback(callback)
    return callback
