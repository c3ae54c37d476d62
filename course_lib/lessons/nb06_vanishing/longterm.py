"""Nine kinds of network on five tasks, all else equal: which of them learn what was read long ago?

    for name, learned in parallel.runs(longterm.learn_order, longterm.KINDS):
        print(name, learned.solved.sum())

The kinds differ in cell, initial recurrent weights and biases alone. An ensemble holds one network for each seed.
"""

from __future__ import annotations

from typing import Iterable, NamedTuple

import numpy as np

from ... import _checks, bptt, cells, data, initialise, losses, tasks, train, until_solved

BATCH = 50
PAPER_ORDER, PAPER_ADDING = 31_390, 74_000  # sequences that Hochreiter and Schmidhuber 1997 needed, tasks 6a and 4

# the better of these two rates with orthogonal weights and with chrono biases, on other seeds
DIGITS_RATE = {"rnn": .003, "lstm": .01, "gru": .01, "mingru": .01}


class Kind(NamedTuple):
    """A cell, how its W_hh is drawn, an RNN's activation, an LSTM's forget bias, or chrono instead of it.

    cell       "rnn", "lstm", "gru", or "mingru", which has no W_hh
    recurrent  as initialise.network knows it, or of an LSTM "keras", see `keras_lstm`
    """

    cell: str = "rnn"
    recurrent: str = "uniform"
    activation: str = "tanh"
    forget_bias: float = 0.0
    chrono: bool = False


KINDS = {
    "tanh": Kind(),
    "orthogonal": Kind(recurrent="orthogonal"),
    "IRNN": Kind(recurrent="identity", activation="relu"),
    "LSTM b_f = 1": Kind("lstm", forget_bias=1.),
    "LSTM chrono": Kind("lstm", chrono=True),
    "GRU": Kind("gru")}
GATED = {  # each gated cell with zero biases and with those of chrono, beside an RNN that keeps
    "orthogonal": KINDS["orthogonal"],
    "LSTM b_f = 0": Kind("lstm"),
    "LSTM chrono": KINDS["LSTM chrono"],
    "GRU": KINDS["GRU"],
    "GRU chrono": Kind("gru", chrono=True),
    "minGRU chrono": Kind("mingru", chrono=True)}
BIASES = {  # the LSTM by its forget bias, and as Keras draws it
    "LSTM b_f = 1": KINDS["LSTM b_f = 1"],
    "LSTM b_f = 3": Kind("lstm", forget_bias=3.),
    "LSTM b_f = 5": Kind("lstm", forget_bias=5.),
    "LSTM, Keras": Kind("lstm", "keras", forget_bias=1.)}
_ALL = KINDS | GATED | BIASES


def ensemble(name: str, inputs: int, units: int, outputs: int, longest: int, seeds: Iterable[int] = range(5),
             dtype=np.float32) -> cells.NetworkParams:
    """Return an ensemble of networks of a kind, one for each seed; a seed always gives the same network.

    name     in KINDS, GATED or BIASES
    longest  T_max of the chrono biases
    errors   ValueError for another name or no seeds
    """
    kind, seeds = _ALL[_checks.choice("name", name, _ALL)], [_checks.count("seeds", seed, 0) for seed in seeds]
    if not seeds:
        raise ValueError("seeds is empty: each network needs one, such as range(5).")
    drawn = [_network(kind, inputs, units, outputs, longest, np.random.default_rng([seed, 0])) for seed in seeds]
    dtype = _checks.floating_type(dtype)
    return cells.tree_map(lambda *arrays: np.stack(arrays).astype(dtype), *drawn)


def _network(kind: Kind, inputs: int, units: int, outputs: int, longest: int, rng) -> cells.NetworkParams:
    if kind.cell == "mingru":
        params = initialise.mingru(inputs, units, rng, chrono=longest if kind.chrono else None)
        return initialise.with_readout(params, outputs, rng)
    if kind.recurrent == "keras":
        return initialise.with_readout(keras_lstm(inputs, units, rng), outputs, rng)
    options = {"chrono": longest} if kind.chrono else {}
    if kind.forget_bias:
        options["forget_bias"] = kind.forget_bias
    return initialise.network(inputs, units, outputs, rng, kind.recurrent, cell=kind.cell, **options)


def keras_lstm(inputs: int, units: int, rng: np.random.Generator) -> cells.LSTMParams:
    """Return an LSTM as Keras draws it: forget bias 1, and W_hh orthogonal as a whole, not gate by gate.

    returns  LSTMParams: W_xh from U(-k, k), k^2 = 6 / (D + 4H); the columns of W_hh (4H, H) are orthonormal, so that
             an entry has the variance 1/(4H), where an orthogonal (H, H) has 1/H
    source   keras.layers.LSTM: glorot_uniform, orthogonal, unit_forget_bias=True
    """
    params = initialise.lstm(inputs, units, rng, forget_bias=1.)
    k = np.sqrt(6 / (inputs + 4 * units))
    W_hh, _ = np.linalg.qr(rng.normal(size=(4 * units, units)))
    return params._replace(W_xh=rng.uniform(-k, k, params.W_xh.shape), W_hh=W_hh)


def answers(name: str, nets: cells.NetworkParams, x: np.ndarray) -> np.ndarray:
    """What the networks answer at the end: x (T, B, D) -> (E, B, K)."""
    def answer(part):
        run = bptt.forward(nets.rnn, part, activation=_ALL[name].activation)
        return cells.readout(nets.readout, run.h[-1])

    # A run keeps every state and gate: a thousand long sequences at once would take half a GB.
    parts = np.array_split(x, max(1, x.shape[-2] // 250), axis=-2)
    return np.concatenate([answer(part) for part in parts], axis=-2)


def learn_order(name: str, sequences: int = PAPER_ORDER, T: int = 100, seeds: Iterable[int] = range(5),
          longest: int | None = None, rate: float = .01) -> until_solved.Solved:
    """Train on temporal order until less than 1 % of 500 fresh sequences are wrong.

    sequences  at most this many; 50 an update, and a test after every 25 updates
    longest    T_max of the chrono biases; None: T
    rate       of Adam
    returns    until_solved.Solved; the sequences needed are 50 times its .updates

    32 units, Adam, clipping at norm 1. All kinds and seeds read the same sequences.
    """
    return _named(name, tasks.temporal_order, 6, 4, sequences, T, seeds, longest, rate, streams=(1, 2))


def learn_recall(name: str, sequences: int = 20_000, T: int = 50, seeds: Iterable[int] = range(3),
           longest: int | None = None, rate: float = .01) -> until_solved.Solved:
    """Train on naming the first of T signs; all else as in `learn_order`."""
    return _named(name, tasks.recall, 2, 2, sequences, T, seeds, longest, rate, streams=(7, 8))


def _named(name, make, inputs, outputs, sequences, T, seeds, longest, rate, streams) -> until_solved.Solved:
    nets = ensemble(name, inputs, 32, outputs, T if longest is None else longest, seeds)
    batches, fresh = (np.random.default_rng([T, stream]) for stream in streams)

    def error(nets):
        return until_solved.error_rate(nets, *make(T, 500, fresh), _ALL[name].activation)

    return _until(name, nets, losses.cross_entropy, lambda: make(T, BATCH, batches), error,
                  rate, updates=sequences // BATCH, every=25)


def learn_adding(name: str, sequences: int = PAPER_ADDING, T: int = 100, seeds: Iterable[int] = range(3),
           longest: int | None = None, rate: float = .01) -> until_solved.Solved:
    """Train on the adding problem until the mean squared error on 1000 fresh sequences is below .01.

    returns  until_solved.Solved, whose .error is that error as last measured; arguments as in `learn_order`

    64 units, Adam, clipping at norm 1, a test after every 50 updates.
    """
    nets = ensemble(name, 2, 64, 1, T if longest is None else longest, seeds)
    batches, fresh = np.random.default_rng([T, 3]), np.random.default_rng([T, 4])

    def error(nets):
        x, target = tasks.adding(T, 1000, fresh)
        return ((answers(name, nets, x) - target) ** 2).mean((-2, -1))

    return _until(name, nets, losses.mean_squared_error, lambda: tasks.adding(T, BATCH, batches), error,
                  rate, updates=sequences // BATCH, every=50)


def learn_digits(name: str, distance: int, updates: int = 520, seeds: Iterable[int] = range(3),
                 rate: float | None = None) -> np.ndarray:
    """Train on the first 1297 digits, read `distance` steps before they are named; return the accuracy on the last 500.

    rate     of Adam; None: DIGITS_RATE
    returns  (E,)
    errors   TypeError or ValueError for a name, a distance or seeds that cannot be used

    48 units, Adam, clipping at norm 1, 50 images an update: 26 updates read each image about once.
    """
    nets = ensemble(name, 8, 48, 10, 8 + _checks.count("distance", distance, 0), seeds)
    rng, images, test = np.random.default_rng([distance, 5]), data.digits("train"), data.digits("test")

    trained = until_solved.raise_if_interrupted(train.train(
        nets, _objective(name, losses.cross_entropy), lambda: delayed_digits(distance, BATCH, rng, images),
        updates=updates, clip_norm=1., optimiser=train.Adam(rate or DIGITS_RATE[_ALL[name].cell]), progress=False))
    x = delayed(test.images, distance)
    return 1 - until_solved.error_rate(trained.params, x, test.labels, _ALL[name].activation)


def delayed_digits(distance: int, batch: int, rng: np.random.Generator, digits) -> tuple[np.ndarray, np.ndarray]:
    """Name a digit whose rows were read `distance` steps ago: the images stay the same, only the distance grows.

    digits   data.Digits, or (images (N, 8, 8), labels (N,)), to draw from
    returns  x (8 + distance, batch, 8): the rows from top to bottom, then blank steps; labels (batch,)
    errors   TypeError and ValueError as those of `tasks`, and for images that do not fit their labels
    source   ours; data.digits says whose images
    """
    images, labels = _checks.array("images", digits[0], ndim=3), _checks.array("labels", digits[1], ndim=1)
    if len(images) != len(labels):
        raise ValueError(f"images has shape {images.shape}, labels {labels.shape}: needs one label for each image.")
    drawn = _checks.generator(rng).integers(len(images), size=_checks.count("batch", batch))
    return delayed(images[drawn], distance), labels[drawn]


def delayed(images: np.ndarray, distance: int) -> np.ndarray:
    """Images (N, rows, columns) as sequences: their rows, then `distance` blank steps; (rows + distance, N, columns).

    errors  TypeError and ValueError for images or a distance that cannot be used
    """
    images, distance = _checks.array("images", images, ndim=3), _checks.count("distance", distance, 0)
    N, rows, columns = images.shape
    return np.concatenate([images.swapaxes(0, 1), np.zeros((distance, N, columns), images.dtype)])


class Forecast(NamedTuple):
    """The next number of a series from those before it, in standard deviations of the part that is trained on.

    x, target          (years, N, 1), (N, 1)  what is read, and the number after it; sunspots: up to 1949
    x_test, y_test     the same for the rest, which is to be forecast; sunspots: 1950 to 2008
    """

    x: np.ndarray
    target: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def forecast(years: int = 30) -> Forecast:
    """Return windows of `years` sunspot numbers, each with the year that comes after it.

    errors  TypeError or ValueError for years that are not a whole number above 0
    """
    year, number = data.sunspots()
    return windows(number, _checks.count("years", years), int((year < 1950).sum()))


def windows(series: np.ndarray, length: int, known: int) -> Forecast:
    """Return all windows of `length` numbers with the number after each; those up to `known` are trained on."""
    scaled = (series - series[:known].mean()) / series[:known].std()
    read = np.lib.stride_tricks.sliding_window_view(scaled, length + 1).T[..., None]
    told = np.arange(length, len(series)) < known
    return Forecast(read[:-1, told], read[-1, told], read[:-1, ~told], read[-1, ~told])


def learn_sunspots(name: str, updates: int = 400, seeds: Iterable[int] = range(5), years: int = 30) -> np.ndarray:
    """Train on next year's sunspots; return the mean squared error on 1950 to 2008, (E,): `learn_forecast`."""
    return learn_forecast(name, forecast(years), updates, seeds)


def learn_forecast(name: str, known: Forecast, updates: int = 400, seeds: Iterable[int] = range(5),
                   rate: float = .003) -> np.ndarray:
    """Train on the first part of a series; return the mean squared error on the rest of it, (E,).

    32 units, Adam, clipping at norm 1, 50 windows an update.
    """
    rng = np.random.default_rng(6)

    def batch():
        drawn = rng.integers(len(known.target), size=BATCH)
        return known.x[:, drawn], known.target[drawn]

    nets = ensemble(name, 1, 32, 1, len(known.x), seeds)
    trained = until_solved.raise_if_interrupted(train.train(
        nets, _objective(name, losses.mean_squared_error), batch, updates=updates, clip_norm=1.,
        optimiser=train.Adam(rate), progress=False))
    return ((answers(name, trained.params, known.x_test) - known.y_test) ** 2).mean((-2, -1))


def _until(name, nets, loss, batches, error, rate, updates, every) -> until_solved.Solved:
    solved = until_solved.until_solved(nets, _objective(name, loss), batches, error, updates=updates,
                                       every=every, optimiser=train.Adam(rate), clip_norm=1., progress=False)
    # the networks themselves need not travel between processes
    return until_solved.raise_if_interrupted(solved)._replace(left=None)


def _objective(name: str, loss):
    return train.sequence_objective(loss, activation=_ALL[name].activation)
