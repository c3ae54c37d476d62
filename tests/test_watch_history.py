"""The history of a watched training: right in every pass, small for ever, and never in the way."""

import copy
import gc
import json
import sys
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from course_lib import watch
from course_lib.watch import history as module
from legible import legible

torch.set_num_threads(1)


class Two(nn.Module):
    """An LSTM whose states a GRU of two layers reads."""

    def __init__(self):
        super().__init__()
        self.lstm, self.gru = nn.LSTM(3, 6, batch_first=True), nn.GRU(6, 5, 2, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        return self.head(self.gru(self.lstm(x)[0])[0][:, -1])


def batches(count, T=12, bad=None):
    torch.manual_seed(1)
    for i in range(count):
        x, y = torch.randn(4, T, 3), torch.randint(2, (4,))
        if i == bad:
            x[2, 7, 1] = torch.inf
        yield x, y


def train(net, data, each=lambda i: None, clipper=None, lr=.1):
    """Some updates; each(i) is called between backward and the update."""
    optimizer, losses = torch.optim.SGD(net.parameters(), lr), []
    for i, (x, y) in enumerate(data):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        losses.append(loss.detach())
        each(i)
        if clipper is not None:
            clipper()
        optimizer.step()
    return losses


def network(seed=0, kind=Two):
    torch.manual_seed(seed)
    return kind()


def test_every_pass_is_there_with_what_the_verdict_said_of_it():
    net, said = network(), []
    with watch.watch_time(net) as flow:
        train(net, batches(5), lambda i: said.append((flow.findings(), flow["lstm"].norms("c"), flow["gru"].part(
            "l1").saturation())))
    assert len(flow.history) == flow.passes == 5 and flow.history.labels() == ["lstm", "gru l0", "gru l1"]
    for number, (record, (findings, norms, saturation)) in enumerate(zip(flow.history, said, strict=True)):
        assert record.number == number and not record.nonfinite and np.isnan(record.clip_norm)
        assert {each.label: each.finding.words for each in record.found} == {
            label: finding.words for label, finding in findings.items()}
        lstm, _, top = record.found
        assert lstm.state == "c" and top.state == "h" and top.saturation == pytest.approx(saturation, rel=1e-6, abs=0)
        assert lstm.steps.tolist() == list(range(13))
        assert np.allclose(lstm.log10_norms, np.median(np.log10(norms), 1), rtol=1e-12, atol=0)
    ratios = [record.found[0].numbers()["log10_ratio"] for record in flow.history]
    assert len(set(ratios)) == 5 and max(ratios) < 0


def test_of_a_long_sequence_some_steps_are_kept_and_both_ends():
    logs = np.arange(3001.)[:, None] * [1., 1., np.nan]
    steps, kept = module.profile(logs)
    assert len(steps) == module.POINTS and steps[0] == 0 and steps[-1] == 3000 and np.array_equal(kept, steps)
    assert max(np.diff(steps)) - min(np.diff(steps)) <= 1


def test_what_is_smaller_than_any_number_is_kept_as_a_logarithm():
    torch.manual_seed(0)
    rnn = nn.RNN(2, 8)
    with watch.watch_time(rnn) as flow:
        rnn(torch.randn(1500, 1, 2))[0][-1].sum().backward()
    record, = flow.history
    assert record.found[0].log10_norms[0] == -np.inf  # so it is in the network's own float32
    assert -1000 < flow.scalars()["module/log10_ratio"] < -300
    assert flow.scalars()["module/reach"] == record.found[0].finding.reach < 100


def test_the_present_pass_is_there_before_it_is_over_and_only_once():
    net = network()
    with watch.watch_time(net) as flow:
        assert len(flow.history) == 0 and flow.scalars() == {}
        for i, (x, y) in enumerate(batches(3), start=1):
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward(retain_graph=True)
            assert len(flow.history) == i
            once = flow.scalars()
            assert flow.scalars() == once
            (100 * loss).backward()
            assert len(flow.history) == i
            assert flow.scalars()["lstm/log10_norm_last"] > once["lstm/log10_norm_last"] + 1.9
    assert [record.number for record in flow.history] == [0, 1, 2]


def test_reading_the_history_in_between_changes_nothing_in_it():
    kept = []
    for read in (False, True):
        net = network()
        clipper = watch.Clipper(net, .2)
        with watch.watch_time(net, every=2, clipper=clipper) as flow:
            train(net, batches(7), lambda i: read and flow.scalars(), clipper)
        kept.append(flow.to_json())
    assert kept[0] == kept[1]


@pytest.mark.parametrize("every", [1, 3])
def test_the_clipper_s_norm_stands_with_its_own_pass(every):
    net = network()
    clipper, before = watch.Clipper(net, .3), []
    with watch.watch_time(net, every=every, clipper=clipper) as flow:
        train(net, batches(9), lambda i: before.append(flow.history[-1].clip_norm), clipper)
    records = list(flow.history)
    assert [record.clip_norm for record in records] == clipper.norms[::every]
    assert [record.clipped for record in records] == [norm > .3 for norm in clipper.norms[::every]]
    assert 0 < clipper.acted < 9 and np.isnan(before[0])
    if every == 1:
        assert np.isnan(before).all()  # it was read before the clipper was called


def test_the_first_pass_that_is_not_finite_is_kept_whole():
    net, seen = network(), []
    with watch.watch_time(net) as flow:
        assert flow.history.first_bad is None
        train(net, batches(6, bad=2), lambda i: seen.append((str(flow.first_nonfinite()), flow["lstm"].x.copy())))
    bad = flow.history.first_bad
    assert [bool(record.nonfinite) for record in flow.history] == [False, False, True, True, True, True]
    assert str(bad.first_nonfinite()) == seen[2][0] == flow.history[2].nonfinite
    assert "x is inf at time step 8, sequence 2" in bad.verdict() and "an earlier update broke it" in flow.verdict()
    assert np.array_equal(bad["lstm"].x, seen[2][1]) and not np.array_equal(flow["lstm"].x, seen[2][1])
    assert bad.history[-1].number == 2 and not bad.watching and flow.history.first_bad is bad
    assert "one of them not finite" in repr(flow.history)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.RNN(3, 2, batch_first=True), nn.Linear(2, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


def test_it_stays_small_and_covers_the_whole_training(monkeypatch):
    monkeypatch.setattr(module, "MOST", 40)
    net, most = network(0, Tiny), 0
    with watch.watch_time(net) as flow:
        for i, (x, y) in enumerate(batches(150, T=3)):
            nn.functional.cross_entropy(net(x), y).backward()
            most = max(most, len(flow.history))
            assert flow.history[-1].number == i
    numbers = [record.number for record in flow.history]
    assert most == 20 and numbers == [*range(0, 149, 8), 149]


def test_no_pass_is_kept_but_the_last_and_the_first_that_is_bad():
    net, calls = network(0, Tiny), []
    with watch.watch_time(net) as flow:
        train(net, batches(8, bad=4), lambda i: calls.append(weakref.ref(flow["rnn"]._calls[0])))
    gc.collect()
    assert [call() is not None for call in calls] == [False] * 4 + [True] + [False] * 2 + [True]


def test_training_is_the_same_to_the_last_bit():
    results = []
    for look in (False, True):
        net, seen = network(), []
        if look:
            with watch.watch_time(net, on_pass=lambda flow: seen.append(flow.scalars())) as flow:
                losses = train(net, batches(4), lambda i: flow.history[-1])
            assert len(seen) == 4
        else:
            losses = train(net, batches(4))
        results.append([*losses, *net.parameters(), *(p.grad for p in net.parameters()), torch.rand(1)])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_on_pass_is_called_once_for_each_watched_pass():
    net, seen = network(), []
    with watch.watch_time(net, every=2, on_pass=lambda flow: seen.append((flow.history[-1].number,
                                                                         flow.findings()["lstm"].words))) as flow:
        train(net, batches(5))
        assert [number for number, _ in seen] == [0, 2]
    assert seen == [(record.number, record.found[0].finding.words) for record in flow.history]
    assert [number for number, _ in seen] == [0, 2, 4]


def test_what_goes_wrong_in_on_pass_is_said_once_and_stops_nothing():
    def fails(flow):
        raise KeyError("no such logger")

    net = network()
    with pytest.warns(RuntimeWarning, match="on_pass failed in pass 0: KeyError: 'no such logger' Training goes on"
                      ) as said:
        with watch.watch_time(net, on_pass=fails) as flow:
            assert len(train(net, batches(4))) == 4
    assert len(said) == 1 and len(flow.history) == 4
    with pytest.raises(TypeError, match="on_pass is int, needs a function that takes the flow"):
        watch.watch_time(net, on_pass=3)


def test_numpy_that_raises_is_no_obstacle():
    net = network()
    with torch.no_grad():
        net.gru.weight_hh_l0.mul_(1e-30)
    with np.errstate(all="raise"), watch.watch_time(net) as flow:
        train(net, batches(3))
        assert len(flow.to_json()) > 100 and flow.plot_history().alt


# For loggers, tables and files

def test_scalars_are_plain_numbers_under_flat_names():
    net = network()
    clipper = watch.Clipper(net, .01)
    with watch.watch_time(net, clipper=clipper) as flow:
        train(net, batches(2), clipper=clipper)
    flat, record = flow.scalars(), flow.history[-1]
    assert all(type(value) is float and value == value and " " not in name for name, value in flat.items())
    assert flat["clip/norm"] == clipper.norms[-1] and flat["clip/acted"] == 1 and flat["not_finite"] == 0
    top = record.found[2].finding
    assert (flat["gru/l1/log10_ratio"], flat["gru/l1/factor"], flat["gru/l1/half_life"]) == (
        top.log10_ratio, top.factor, top.half_life)
    assert flat["gru/l1/log10_norm_last"] == pytest.approx(
        np.median(np.log10(flow["gru"].part("l1").norms()[-1])), rel=1e-12, abs=0)
    assert json.loads(json.dumps(flat)) == flat


def test_names_are_the_same_however_often_a_loop_calls_its_module():
    torch.manual_seed(0)
    rnn = nn.GRU(2, 3)
    with watch.watch_time(rnn) as flow:
        names = []
        for T in (4, 9):
            h = None
            for x in torch.randn(T, 1, 2, 2):
                out, h = rnn(x, h)
            out.sum().backward()
            names.append(set(flow.scalars()) - {"module/reach"})  # it has no value where a thousandth is not reached
    assert names[0] == names[1] and "module/factor" in names[0]


def test_a_loop_over_a_cell_has_its_history_too():
    torch.manual_seed(0)
    net = nn.ModuleDict({"cell": nn.LSTMCell(3, 4)})
    with watch.watch_time(net) as flow:
        for T in (5, 8):
            h = c = torch.zeros(2, 4)
            for x in torch.randn(T, 2, 3):
                h, c = net["cell"](x, (h, c))
            h.sum().backward()
            assert flow.scalars()["cell/log10_norm_last"] == pytest.approx(
                np.median(np.log10(flow["cell"].norms("c")[-1])), rel=1e-6, abs=0)
    assert [record.found[0].steps[-1] for record in flow.history] == [5, 8]
    assert flow.history[0].found[0].state == "c" and flow.history[0].found[0].saturation


def test_json_is_strict_and_keeps_what_is_infinite():
    net = network(0, Tiny)
    with torch.no_grad():
        net.rnn.weight_hh_l0.zero_()
    with watch.watch_time(net) as flow:
        train(net, batches(3, bad=1), lr=0)
    read = json.loads(flow.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert [each["pass"] for each in read] == [0, 1, 2] and "x is inf" in read[1]["nonfinite"]
    rnn = read[0]["modules"][0]
    assert rnn["log10_ratio"] == "-inf" and rnn["log10_norms"][1] == "-inf" and read[0]["clip_norm"] is None
    for each, kept in zip(rnn["log10_norms"], flow.history[0].found[0].log10_norms, strict=True):
        assert float(each) == kept
    assert read[0]["clipped"] is False and rnn["kind"] == "zero" and rnn["at_steps"] == list(range(13))


def test_json_is_written_to_a_file(tmp_path):
    net = network(0, Tiny)
    with watch.watch_time(net) as flow:
        train(net, batches(1))
    text = flow.to_json(tmp_path / "flow.json")
    assert (tmp_path / "flow.json").read_text() == text + "\n"


@pytest.mark.long
def test_a_frame_has_a_row_for_each_pass_and_part():
    import pandas
    net = network()
    with watch.watch_time(net, every=2) as flow:
        train(net, batches(5))
    frame = flow.to_frame()
    assert isinstance(frame, pandas.DataFrame) and frame["pass"].tolist() == [0] * 3 + [2] * 3 + [4] * 3
    assert frame["module"].tolist() == ["lstm", "gru l0", "gru l1"] * 3
    assert frame["factor"].tolist() == [each.finding.factor for record in flow.history for each in record.found]
    assert frame["words"].iloc[-1] in flow.verdict()


def test_without_pandas_it_says_what_else_there_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    net = network(0, Tiny)
    with watch.watch_time(net) as flow:
        train(net, batches(1))
    with pytest.raises(ModuleNotFoundError, match=r"pip install pandas. Without it, history.rows\(\)"):
        flow.to_frame()
    assert flow.history.rows()[0]["module"] == "rnn"


# The picture

def trained_with_a_bad_pass():
    net = network()
    with watch.watch_time(net, every=2) as flow:
        train(net, batches(14, bad=10))
    return flow


def test_the_picture_shows_sizes_by_time_step_and_pass():
    flow = trained_with_a_bad_pass()
    figure = flow.plot_history("gru l1")
    above, below = figure.fig.axes[:2]
    image, = below.images
    drawn, records = np.asarray(image.get_array()), list(flow.history)
    assert drawn.shape == (13, 7) and np.isnan(drawn[:, 6]).all()
    for column, record in zip(drawn.T[:5], records):
        assert np.allclose(column, record.found[2].log10_norms, atol=0)
    curves = [line for line in above.lines if len(line.get_xdata()) == 7]
    assert [line.get_ydata()[:5].tolist() for line in curves] == [
        [record.found[i].numbers()["log10_ratio"] for record in records[:5]] for i in range(3)]
    assert {text.get_text() for text in above.texts} >= {"lstm", "gru l0", "gru l1", "×", "×: not finite"}
    assert sum(text.get_text() == "×" for text in above.texts) == 2
    assert legible(figure) and len(figure.png()) > 10_000
    for words in ("Passes 0 to 12 of a training, 7 of them drawn", "gru l1: |dL/dh_t| at the last step is",
                  "2 passes are not finite, the first of them pass 10", records[-1].nonfinite):
        assert words in figure.alt


@pytest.mark.parametrize("look, error, says", [
    (lambda flow: flow.plot_history("rnn"), ValueError, "label is 'rnn', needs one of 'lstm', 'gru l0', 'gru l1'"),
    (lambda flow: flow.plot_history(live=True), RuntimeError, "inside the with block")])
def test_refusals_of_the_picture(look, error, says):
    with pytest.raises(error, match=says):
        look(trained_with_a_bad_pass())


def test_a_picture_of_nothing_and_of_one_pass():
    net = network()
    with watch.watch_time(net) as flow:
        with pytest.raises(ValueError, match="no pass that was watched got a gradient"):
            flow.plot_history()
        train(net, batches(1))
    assert "Passes 0 to 0" in flow.plot_history().alt


def test_sequences_of_other_lengths_leave_their_place_empty():
    net = network(0, Tiny)
    with watch.watch_time(net) as flow:
        for T in (4, 9, 6):
            train(net, batches(1, T=T))
    drawn = np.asarray(flow.plot_history().fig.axes[1].images[0].get_array())
    assert drawn.shape == (10, 3) and np.isnan(drawn).sum(0).tolist() == [5, 0, 3]


def test_live_it_is_drawn_after_each_watched_pass(monkeypatch):
    import IPython.display
    shown = []
    class Handle:
        def update(self, figure):
            shown.append(figure.alt)
    monkeypatch.setattr(IPython.display, "display", lambda *args, **options: Handle())
    net = network(0, Tiny)
    with watch.watch_time(net, every=2) as flow:
        flow.plot_history(live=True)
        train(net, batches(5))
    assert [f"Passes 0 to {last} of a training" in alt for last,
            alt in zip((0, 2, 4), shown, strict=True)] == [True] * 3


def test_a_live_picture_that_fails_stops_nothing(monkeypatch):
    import IPython.display
    class Handle:
        def update(self, figure):
            raise OSError("the browser is gone")
    monkeypatch.setattr(IPython.display, "display", lambda *args, **options: Handle())
    net = network(0, Tiny)
    with pytest.warns(RuntimeWarning, match="the live picture failed in pass 0: OSError: the browser is gone"):
        with watch.watch_time(net) as flow:
            flow.plot(live=True)
            train(net, batches(3))
    assert flow.passes == 3


def test_a_copy_of_the_network_takes_no_history_along():
    net = network(0, Tiny)
    with watch.watch_time(net) as flow:
        train(net, batches(2))
        twin = copy.deepcopy(net)
        train(twin, batches(2))
    assert len(flow.history) == flow.passes == 2
