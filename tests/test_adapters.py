"""The microscope in the logs of others: the real TensorBoard, Lightning and Hugging Face Trainer, on a small network."""

import csv
import sys
import warnings

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_lib import watch
from course_lib.watch import adapters

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # their own
    import lightning.pytorch
    import transformers
    from lightning.pytorch.loggers import CSVLogger
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

torch.set_num_threads(1)
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]


class Net(nn.Module):
    """Classifies sequences, and returns its loss as the Hugging Face Trainer wants it."""

    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(3, 8, batch_first=True), nn.Linear(8, 2)

    def forward(self, x, labels=None):
        logits = self.head(self.lstm(x)[0][:, -1])
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Lit(lightning.pytorch.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = Net()

    def training_step(self, batch, index):
        return self.net(*batch)["loss"]

    validation_step = training_step

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), .1)


def data(batches=6):
    torch.manual_seed(1)
    return TensorDataset(torch.randn(4 * batches, 15, 3), torch.randint(2, (4 * batches,)))


def by_hand(every):
    """The same training without any framework, and the numbers that are to be found in the log."""
    torch.manual_seed(0)
    net, logged = Net(), {}
    optimizer = torch.optim.SGD(net.parameters(), .1)
    with watch.watch_time(net, every=every, on_pass=lambda flow: logged.update(
            {flow.history[-1].number: flow.scalars()})):
        for x, y in DataLoader(data(), batch_size=4):
            net(x, y)["loss"].backward()
            optimizer.step()
            optimizer.zero_grad()
    return net, logged


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name] == pytest.approx(other[name], rel=1e-5, abs=1e-7), name


def test_tensorboard_has_the_numbers_of_each_watched_pass(tmp_path):
    torch.manual_seed(0)
    net, expected = Net(), by_hand(every=2)[1]
    with SummaryWriter(tmp_path) as writer:
        optimizer = torch.optim.SGD(net.parameters(), .1)
        with watch.watch_time(net, every=2, on_pass=adapters.tensorboard(writer)):
            for x, y in DataLoader(data(), batch_size=4):
                net(x, y)["loss"].backward()
                optimizer.step()
                optimizer.zero_grad()
    log = EventAccumulator(str(tmp_path)).Reload()
    found = {}
    for tag in log.Tags()["scalars"]:
        for event in log.Scalars(tag):
            found.setdefault(event.step, {})[tag.removeprefix("gradient/")] = event.value
    assert sorted(found) == sorted(expected) == [0, 2, 4]
    for step in found:
        same(found[step], expected[step])


def lit(tmp_path, *callbacks, **options):
    torch.manual_seed(0)
    module = Lit()
    trainer = lightning.pytorch.Trainer(
        max_epochs=1, callbacks=list(callbacks), logger=CSVLogger(tmp_path), log_every_n_steps=1, accelerator="cpu",
        enable_progress_bar=False, enable_model_summary=False, **{"enable_checkpointing": False, **options})
    trainer.fit(module, DataLoader(data(), batch_size=4), DataLoader(data(), batch_size=4))
    return module, trainer


def logged(tmp_path):
    """{step: {name: number}} of what Lightning's CSVLogger has written."""
    header, *rows = csv.reader((tmp_path / "lightning_logs" / "version_0" / "metrics.csv").open())
    found = {int(row[header.index("step")]): {name: float(value) for name, value in zip(header, row)
                                              if value and name not in ("step", "epoch")} for row in rows}
    return {step: values for step, values in found.items() if values}


def test_lightning_logs_what_the_same_training_by_hand_gives(tmp_path):
    callback = adapters.lightning(every=2)
    module, trainer = lit(tmp_path, callback, enable_checkpointing=True)
    net, expected = by_hand(every=2)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), module.net.parameters(), strict=True))
    found = logged(tmp_path)
    assert sorted(found) == [0, 2, 4]
    for step in found:
        same({name.removeprefix("gradient/").removeprefix("net."): value for name, value in found[step].items()},
             expected[step])
    assert callback.flow.passes == 6 and len(callback.flow.history) == 3 and not callback.flow.watching
    assert not module.net.lstm._forward_hooks


def test_lightning_goes_on_with_accumulation_bf16_and_clipping(tmp_path):
    callback = adapters.lightning(every=1)
    module, trainer = lit(tmp_path, callback, accumulate_grad_batches=3, gradient_clip_val=.1, precision="bf16-mixed")
    assert trainer.global_step == 2 and callback.flow.passes == 6 and len(callback.flow.history) == 6


def test_lightning_stops_watching_after_an_error(tmp_path):
    class Fails(lightning.pytorch.Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, index):
            if index == 2:
                raise KeyError("the user's own")

    callback = adapters.lightning(every=1)
    with pytest.raises(KeyError):
        lit(tmp_path, callback, Fails())
    assert not callback.flow.watching and len(callback.flow.history) == 3


def test_the_older_name_of_lightning(monkeypatch):
    import pytorch_lightning
    assert isinstance(adapters.lightning(), lightning.pytorch.Callback)
    monkeypatch.delitem(sys.modules, "lightning.pytorch")
    assert isinstance(adapters.lightning(), pytorch_lightning.Callback)


def hugging_face(tmp_path, **options):
    torch.manual_seed(0)
    net, rows = Net(), [{"x": x, "labels": y} for x, y in data()]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), per_device_train_batch_size=4, max_steps=6, learning_rate=.1, optim="sgd",
        lr_scheduler_type="constant", max_grad_norm=0., logging_steps=100, save_strategy="no", report_to=[],
        use_cpu=True, disable_tqdm=True, dataloader_pin_memory=False)

    class InOrder(transformers.Trainer):
        def _get_train_sampler(self, *args):
            return torch.utils.data.SequentialSampler(rows)

    trainer = InOrder(net, arguments, train_dataset=rows)
    return net, trainer, adapters.hugging_face(trainer, **options)


def test_the_hugging_face_trainer_logs_what_the_same_training_by_hand_gives(tmp_path):
    trained, trainer, callback = hugging_face(tmp_path, every=2)
    trainer.train()
    net, expected = by_hand(every=2)
    assert all(torch.allclose(a, b, rtol=1e-6, atol=0)
               for a, b in zip(net.parameters(), trained.parameters(), strict=True))
    found = {row["step"] - 1: {name.removeprefix("gradient/"): value for name, value in row.items()
                               if name.startswith("gradient/")} for row in trainer.state.log_history}
    found = {step: values for step, values in found.items() if values}
    assert sorted(found) == [0, 2, 4]
    for step in found:
        same(found[step], expected[step])
    assert callback.flow.passes == 6 and not callback.flow.watching and not trained.lstm._forward_hooks
    trainer.train()
    assert len(callback.flow.history) == 3


@pytest.mark.parametrize("where", ["lightning", "hugging face"])
def test_what_fails_in_reading_does_not_stop_the_training(tmp_path, where, monkeypatch):
    def fails(*args):
        raise ValueError("no history today.")

    monkeypatch.setattr("course_lib.watch.flow.record_of", fails)
    with pytest.warns(RuntimeWarning, match="nothing is logged of the gradient: no history today. Training goes on"):
        if where == "lightning":
            callback = adapters.lightning(every=1)
            lit(tmp_path, callback)
        else:
            _, trainer, callback = hugging_face(tmp_path, every=1)
            trainer.train()
    assert callback.flow.passes == 6


def test_every_50_is_the_default_and_the_prefix_can_be_chosen(tmp_path):
    callback = adapters.lightning(prefix="rnn")
    lit(tmp_path, callback)
    assert callback.flow.every == 50 and "rnn/net.lstm/factor" in logged(tmp_path)[0]
