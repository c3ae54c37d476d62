"""The exercises of lesson 01, gradients."""

from __future__ import annotations

import math

import numpy as np

from ...exercises.bank import Bank, Exercise, Mistake, Prediction


# 1.2 A neuron and several examples ----------------------------------------------------------------------


def neuron_gradient(w, b, x, target):
    a = w * x + b
    y = np.maximum(a, 0)
    dy = 2 * (y - target) / len(x)              # the mean divides by N
    da = dy * (a > 0)                           # the slope of relu is 1 or 0
    return (da * x).sum(), da.sum(), da * w     # all examples share w and b; each has its own x


def _neuron_complex_step(w, b, x, target, eps=1e-100):
    def loss(w, b, x):
        a = w * x + b
        return ((a * (a.real > 0) - target)**2).mean()

    steps = 1j * eps * np.eye(len(x))
    return (loss(w + 1j * eps, b, x).imag / eps, loss(w, b + 1j * eps, x).imag / eps,
            np.array([loss(w, b, x + step).imag / eps for step in steps]))


def _neuron_cases(rng):
    sizes = [(1.3, .4, 5), (-.8, .3, 8), (2.1, -.6, 12)]
    cases = [(w, b, rng.uniform(-2, 2, N), rng.uniform(.5, 2, N)) for w, b, N in sizes]
    return [*cases, (1.7, .6, rng.uniform(.5, 2, 1), rng.uniform(.5, 2, 1))]


def _neuron_written_as_a_loop(w, b, x, target):
    dw, db, dx = 0, 0, []
    for x_n, t_n in zip(x, target):
        a = w * x_n + b
        da = 2 * (a - t_n) / len(x) if a > 0 else 0
        dw, db = dw + da * x_n, db + da
        dx.append(da * w)
    return dw, db, dx


def _neuron_without_relu_slope(w, b, x, target):
    da = 2 * (np.maximum(w * x + b, 0) - target) / len(x)
    return (da * x).sum(), da.sum(), da * w


def _neuron_without_relu(w, b, x, target):
    da = 2 * (w * x + b - target) / len(x)
    return (da * x).sum(), da.sum(), da * w


def _neuron_of_the_sum(w, b, x, target):
    return tuple(len(x) * part for part in neuron_gradient(w, b, x, target))


def _neuron_without_two(w, b, x, target):
    return tuple(part / 2 for part in neuron_gradient(w, b, x, target))


def _neuron_other_sign(w, b, x, target):
    return tuple(-part for part in neuron_gradient(w, b, x, target))


def _neuron_not_summed(w, b, x, target):
    da = 2 * (np.maximum(w * x + b, 0) - target) * (w * x + b > 0) / len(x)
    return da * x, da, da * w


def _neuron_relu_slope_at_x(w, b, x, target):
    da = 2 * (np.maximum(w * x + b, 0) - target) * (x > 0) / len(x)
    return (da * x).sum(), da.sum(), da * w


def _neuron_dx_summed(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return dw, db, dx.sum()


def _neuron_x_for_w(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return (dx.sum(), db, dx / w * x)


def _neuron_of(dw=lambda da, x: (da * x).sum(), db=lambda da, x: da.sum(), dx=lambda da, w: da * w):
    """The three results made of da (N,) by other rules than the right ones."""
    def neuron_gradient(w, b, x, target):
        a = w * x + b
        da = 2 * (np.maximum(a, 0) - target) * (a > 0) / len(x)
        return dw(da, x), db(da, x), dx(da, w)

    return neuron_gradient


def _neuron_dx_without_relu_slope(w, b, x, target):
    dw, db, _ = neuron_gradient(w, b, x, target)
    return dw, db, 2 * (np.maximum(w * x + b, 0) - target) / len(x) * w


def _neuron_without_bias(w, b, x, target):
    return neuron_gradient(w, 0., x, target)


def _neuron_dx_by_x(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return dw, db, dx / w * x


def _neuron_dw_by_w(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return w * db, db, dx


def _neuron_first_example(w, b, x, target):
    dw, db, dx = neuron_gradient(w, b, x, target)
    return dx[0] / w * x[0], dx[0] / w, dx


def _neuron_loss(w, b, x, target):
    return ((np.maximum(w * x + b, 0) - target)**2).mean()


def _neuron_if(w, b, x, target):
    if w * x + b > 0:
        return neuron_gradient(w, b, x, target)
    return 0., 0., 0 * x


def _neuron_error_not_squared(w, b, x, target):
    da = (w * x + b > 0) / len(x)
    return (da * x).sum(), da.sum(), da * w


# 1.4 A chain ------------------------------------------------------------------------------------------


def chain_gradient(w, x0):
    x = [x0]
    for w_k in w:
        x.append(np.tanh(w_k * x[-1]))
    d = np.ones(len(x))
    for k in range(len(w), 0, -1):
        d[k - 1] = d[k] * (1 - x[k]**2) * w[k - 1]
    return d


def _chain_complex_step(w, x0, eps=1e-100):
    d = np.empty(len(w) + 1)
    x = x0
    for k in range(len(d)):
        end = x + 1j * eps
        for w_j in w[k:]:
            end = np.tanh(w_j * end)
        d[k] = end.imag / eps
        x = np.tanh(w[k] * x) if k < len(w) else x
    return d


def _chain_cases(rng):
    factors = [(.9, 1.4, 4), (-1.5, -.6, 7), (.3, .6, 60), (.7, .8, 1)]
    cases = [(rng.uniform(low, high, n), rng.uniform(.4, .9)) for low, high, n in factors]
    return [*cases, (np.array([.9, 1e-170, 1e-170, 1.1]), .5)]  # two that cut the chain: products with both are 0


def _chain_states(w, x0):
    x = [x0]
    for w_k in w:
        x.append(np.tanh(w_k * x[-1]))
    return np.array(x)


def _chain_of(slopes):
    return np.append(np.cumprod(slopes[::-1])[::-1], 1)


def _chain_by_cumulated_products(w, x0):
    return _chain_of(w * (1 - _chain_states(w, x0)[1:]**2))


def _chain_without_tanh_slope(w, x0):
    return _chain_of(w)


def _chain_without_weights(w, x0):
    return _chain_of(1 - _chain_states(w, x0)[1:]**2)


def _chain_slope_at_wrong_point(w, x0):
    return _chain_of(w * (1 - _chain_states(w, x0)[:-1]**2))


def _chain_tanh_twice(w, x0):
    return _chain_of(w * (1 - np.tanh(_chain_states(w, x0)[1:])**2))


def _chain_from_the_start(w, x0):
    return np.append(1, np.cumprod(w * (1 - _chain_states(w, x0)[1:]**2)))


def _chain_reversed(w, x0):
    return chain_gradient(w, x0)[::-1]


def _chain_single_slopes(w, x0):
    return np.append(w * (1 - _chain_states(w, x0)[1:]**2), 1)


def _chain_starts_with_x_n(w, x0):
    return chain_gradient(w, x0) * _chain_states(w, x0)[-1]


def _chain_square_missing(w, x0):
    return _chain_of(w * (1 - _chain_states(w, x0)[1:]))


def _chain_of_neighbors_weights(w, x0):
    return _chain_of(np.roll(w, -1) * (1 - _chain_states(w, x0)[1:]**2))


def _chain_of_sums(w, x0):
    slopes = w * (1 - _chain_states(w, x0)[1:]**2)
    return np.append(np.cumsum(slopes[::-1])[::-1], 1)


def _chain_slope_at_the_input(w, x0):
    return _chain_of(w * (1 - np.tanh(_chain_states(w, x0)[:-1])**2))


def _chain_from_x0(w, x0):
    return _chain_of(w * (1 - np.tanh(w * x0)**2))


def _chain_first_weight(w, x0):
    return chain_gradient(np.full_like(w, w[0]), x0)


def _chain_added_to_the_one(w, x0):
    slopes = w * (1 - _chain_states(w, x0)[1:]**2)
    return np.append(1 + np.cumsum(slopes[::-1])[::-1], 1)


def _chain_by_the_weights(w, x0):
    x = _chain_states(w, x0)
    return np.append(chain_gradient(w, x0)[1:] * (1 - x[1:]**2) * x[:-1], 1)


def _chain_by_division(w, x0):
    front = np.append(1, np.cumprod(w * (1 - _chain_states(w, x0)[1:]**2)))
    return front[-1] / front


def _chain_slope_of_a(w, x0):
    return _chain_of(w * (1 - (w * _chain_states(w, x0)[:-1])**2))


# 1.11 A graph -----------------------------------------------------------------------------------------


def graph_gradient(w, u, x):
    h = np.tanh(w * x)
    a = u * h + x
    da, dh = h, a                               # L = a h: a changes L by h, h by a
    dh += da * u                                # h is used twice: add the path through a
    dx = da                                     # so is x: the path through a, and
    dx += dh * (1 - h**2) * w                   # the path through h
    return dh * (1 - h**2) * x, da * h, dx


def _graph_complex_step(w, u, x, eps=1e-100):
    def loss(w, u, x):
        h = np.tanh(w * x)
        return (u * h + x) * h

    return tuple(loss(*np.array([w, u, x]) + 1j * eps * row).imag / eps for row in np.eye(3))


def _graph_by_paths(w, u, x):
    h, slope = math.tanh(w * x), 1 / math.cosh(w * x)**2
    dh = 2 * u * h + x
    return [slope * x * dh, h * h, h + slope * w * dh]


def _graph_cases(rng):
    pairs = [(.4, .9), (.4, .9), (-.9, -.4), (-.9, -.4)]
    cases = [(rng.uniform(*w), rng.uniform(*u), rng.uniform(.5, 1.2)) for w, u in zip(pairs, pairs[1:] + pairs[:1])]
    return [*cases, (rng.uniform(.4, .9), rng.uniform(1.4, 2.), -rng.uniform(.5, 1.2))]


def _graph_of(da=lambda a, h: h, dh=lambda a, u, da: a + da * u, slope=lambda w, u, x, h, a: 1 - h**2,
              dw=lambda dz, w, x: dz * x, du=lambda da, h, x: da * h, dx=lambda da, dz, w, x: da + dz * w):
    """The three results made by other rules than the right ones; z = w x is what tanh is taken of."""
    def graph_gradient(w, u, x):
        h = np.tanh(w * x)
        a = u * h + x
        d_a = da(a, h)
        dz = dh(a, u, d_a) * slope(w, u, x, h, a)
        return dw(dz, w, x), du(d_a, h, x), dx(d_a, dz, w, x)

    return graph_gradient


def _graph_handed_on_early(w, u, x):
    _, du, dx = graph_gradient(w, u, x)
    return _graph_of(dh=lambda a, u, da: a)(w, u, x)[0], du, dx


def _graph_dx_handed_on_early(w, u, x):
    dw, du, _ = graph_gradient(w, u, x)
    return dw, du, _graph_of(dh=lambda a, u, da: a)(w, u, x)[2]


def _graph_swapped(w, u, x):
    h = np.tanh(w * x)
    a = u * h + x
    dz = (h + a * u) * (1 - h**2)
    return dz * x, a * h, a + dz * w


def _graph_from_the_loss(w, u, x):
    h = np.tanh(w * x)
    return tuple((u * h + x) * h * part for part in graph_gradient(w, u, x))


def _graph_values(w, u, x):
    h = np.tanh(w * x)
    return h, u * h + x, (u * h + x) * h


# 1.6 Descent ------------------------------------------------------------------------------------------


def descend(slope, w0, rate, updates):
    path = [w0]
    for _ in range(updates):
        w = path[-1]
        path.append(w - rate * slope(w))
    return np.array(path)


def _descend_closed_form(slope, w0, rate, updates):
    """The slopes of the cases are straight lines, c (w - m): then w_k = m + (1 - rate c)^k (w_0 - m)."""
    w0 = np.asarray(w0)
    c = slope(np.ones_like(w0)) - slope(np.zeros_like(w0))
    m = -slope(np.zeros_like(w0)) / c
    return np.array([m + (1 - rate * c)**k * (w0 - m) for k in range(updates + 1)])


def _descend_cases(rng):
    curvatures = rng.uniform(.5, 3, 3)
    return [(lambda w: 2 * (w - 3), rng.uniform(.5, 1.5), .1, 7),
            (lambda w: 4 * (w + 1), rng.uniform(.5, 1.5), .55, 12),
            (lambda w: curvatures * (w - 2), rng.uniform(3, 4, 3), .2, 9),
            (lambda w: 3 * (w - 1), rng.uniform(.2, .5), .1, 1), (lambda w: 2 * (w - 3), 1, .15, 60),
            (lambda w: 4 * (w - .5), 2., .25, 3)]  # an integer, and near the minimum; there after one update


def _descend_into_an_array(slope, w0, rate, updates):
    path = np.empty((updates + 1, *np.shape(w0)))
    path[0] = w0
    for k in range(updates):
        path[k + 1] = path[k] - rate * slope(path[k])
    return path


def _descend_uphill(slope, w0, rate, updates):
    return descend(slope, w0, -rate, updates)


def _descend_from_the_same_slope(slope, w0, rate, updates):
    return np.array([w0 - k * rate * slope(w0) for k in range(updates + 1)])


def _descend_without_the_start(slope, w0, rate, updates):
    return descend(slope, w0, rate, updates)[1:]


def _descend_to_the_end_only(slope, w0, rate, updates):
    return descend(slope, w0, rate, updates)[-1]


def _descend_without_a_rate(slope, w0, rate, updates):
    return descend(slope, w0, 1, updates)


def _descend_one_array(slope, w0, rate, updates):
    return np.array([descend(slope, w0, rate, updates)[-1]] * (updates + 1))


def _descend_in_place(slope, w0, rate, updates):
    w, path = w0, [w0]
    for _ in range(updates):
        w -= rate * slope(w)
        path.append(w)
    return np.array(path)


def _descend_into_whole_numbers(slope, w0, rate, updates):
    path = np.zeros((updates + 1, *np.shape(w0)), dtype=int)
    path[0] = w0
    for k in range(updates):
        path[k + 1] = path[k] - rate * slope(path[k])
    return path


def _descend_by_signs(slope, w0, rate, updates):
    return descend(lambda w: np.sign(slope(w)), w0, rate, updates)


def _descend_by_directions(slope, w0, rate, updates):
    return descend(lambda w: slope(w) / max(np.linalg.norm(slope(w)), 1e-300), w0, rate, updates)


def _descend_slope_as_a_number(slope, w0, rate, updates):
    return [w0, w0 - rate * slope]


def _descend_numbers_only(slope, w0, rate, updates):
    return descend(slope, float(w0), rate, updates)


def _descend_arrays_only(slope, w0, rate, updates):
    return np.zeros((updates + 1, len(w0)))


def _descend_into_the_type_of_w0(slope, w0, rate, updates):
    path = np.zeros((updates + 1, *np.shape(w0)), dtype=np.asarray(w0).dtype)
    path[0] = w0
    for k in range(updates):
        path[k + 1] = path[k] - rate * slope(path[k])
    return path


def _descend_until_small(slope, w0, rate, updates):
    path = descend(slope, w0, rate, updates)
    steps = np.abs(np.diff(path, axis=0)).reshape(updates, -1).max(axis=1)
    return path[:np.argmax(np.append(steps, 0) < 1e-2) + 1]


def _descend_until_still(slope, w0, rate, updates):
    path = descend(slope, w0, rate, updates)
    steps = np.abs(np.diff(path, axis=0)).reshape(updates, -1).max(axis=1)
    return path[:np.argmax(np.append(steps, 0) == 0) + 1]


def _descend_slopes(slope, w0, rate, updates):
    return np.array([slope(w) for w in descend(slope, w0, rate, updates)])


def _descend_by_the_slope_of_the_next(slope, w0, rate, updates):
    path = [w0]
    for _ in range(updates):
        path.append(path[-1] - rate * slope(path[-1] - rate * slope(path[-1])))
    return np.array(path)


# 1.8 The largest rate ---------------------------------------------------------------------------------


def largest_rate():
    curvatures = 2 * 3, 2 * 20              # the second derivatives along u and along v
    return 2 / max(curvatures)              # the steepest direction decides


def _largest_rate_by_trial():
    """Bisection: does a path of 2000 updates end farther away than it began?"""
    stable, unstable = 0., 1.
    while unstable - stable > 1e-6:
        rate = (stable + unstable) / 2
        u, v = 3., 1.
        for _ in range(2000):
            u, v = u - rate * 6 * (u - 2), v - rate * 40 * v
        bounded = abs(u - 2) <= 1 and abs(v) <= 1  # False for NaN
        stable, unstable = (rate, unstable) if bounded else (stable, rate)
    return stable


# 1.10 The complex step --------------------------------------------------------------------------------


def complex_gradient(f, x, eps):
    gradient = np.empty(len(x))
    for k in range(len(x)):
        moved = x.astype(complex)               # a fresh copy: only x[k] moves
        moved[k] += 1j * eps
        gradient[k] = f(moved).imag / eps
    return gradient


def _bowl(x):
    return np.sum(np.arange(1, len(x) + 1) * x**2)


def _wave(x):
    return 2 + np.sin(x[0]) * np.exp(x[1]) / x[2]


def _vanished(x):
    return 1 + 1e-40 * x[0] * x[1]**3 + .5**200 * x[2] + x[3]


_GRADIENTS = {
    _bowl: lambda x: 2 * np.arange(1, len(x) + 1) * x,
    _wave: lambda x: np.array([np.cos(x[0]), np.sin(x[0]), -np.sin(x[0]) / x[2]]) * np.exp(x[1]) / x[2],
    _vanished: lambda x: np.array([1e-40 * x[1]**3, 3e-40 * x[0] * x[1]**2, .5**200, 1.]),
}


def _by_hand(f, x, eps):
    return _GRADIENTS[f](x)


def _complex_cases(rng):
    return [(_bowl, rng.uniform(.5, 2, 5), 1e-20), (_wave, rng.uniform(.5, 1.5, 3), 1e-50),
            (_vanished, rng.uniform(.5, 2, 4), 1e-100), (_bowl, rng.uniform(.5, 2, 1), 1e-6)]


def _complex_in_one_line(f, x, eps):
    return np.array([f(x + 1j * eps * row).imag for row in np.eye(len(x))]) / eps


def _complex_without_eps(f, x, eps):
    return _complex_in_one_line(f, x, eps) * eps


def _complex_real_part(f, x, eps):
    return np.array([f(x + 1j * eps * row).real for row in np.eye(len(x))]) / eps


def _complex_all_at_once(f, x, eps):
    return np.full(len(x), f(x + 1j * eps).imag / eps)


def _complex_not_taken_back(f, x, eps):
    return np.cumsum(_complex_in_one_line(f, x, eps))


def _complex_real_step(f, x, eps):
    return np.array([(f(x + eps * row) - f(x - eps * row)) / (2 * eps) for row in np.eye(len(x))])


def _complex_twice(f, x, eps):
    return _complex_in_one_line(f, x, eps) / 2


def _complex_without_the_others(f, x, eps):
    return np.array([f(row * (x + 1j * eps)).imag for row in np.eye(len(x))]) / eps


def _complex_both_sides(f, x, eps):
    return np.array([(f(x + 1j * eps * row) - f(x)).real for row in np.eye(len(x))]) / eps


def _complex_step_in_proportion(f, x, eps):
    return np.array([f(x * (1 + 1j * eps * row)).imag for row in np.eye(len(x))]) / eps


BANK = Bank(1, "Gradients", [
    Prediction("1.1", "You make d ten times smaller. How many times smaller is the error of f'(x) d?",
               unit="times", digits=3),
    Exercise(
        "1.2", "The gradient of a neuron over several examples", minutes=8, difficulty=2,
        solution=neuron_gradient, oracle=_neuron_complex_step, cases=_neuron_cases,
        returns=("dw", "db", "dx"),
        also_correct=(_neuron_written_as_a_loop,),
        mistakes=[
            Mistake(_neuron_without_relu_slope,
                    "The slope of relu is missing: where a is below 0, y does not react to a."),
            Mistake(_neuron_without_relu,
                    "This is the gradient without relu. It acts twice: on y, and as a slope."),
            Mistake(_neuron_of_the_sum,
                    "This is the gradient of the sum of the squares. The loss is their mean."),
            Mistake(_neuron_without_two, "A factor 2 is missing: it is the slope of the square."),
            Mistake(_neuron_other_sign,
                    "The sign is wrong: if y is above the target, a larger y makes L larger."),
            Mistake(_neuron_not_summed,
                    "dw and db are one number each. All examples share w and b, so their parts add up."),
            Mistake(_neuron_relu_slope_at_x,
                    "The slope of relu was taken at x. It is 1 where a is above 0, and a = w x + b."),
            Mistake(_neuron_dx_summed,
                    "dx was summed. Each example has an x of its own, so each keeps its own slope."),
            Mistake(_neuron_x_for_w,
                    "w and x are swapped: a = w x + b changes by x when w moves, and by w when x moves."),
            Mistake(lambda *args: tuple(neuron_gradient(*args)[i] for i in (1, 0, 2)),
                    "dw and db have changed places: the order is dL/dw, dL/db, dL/dx."),
            Mistake(lambda *args: tuple(neuron_gradient(*args)[i] for i in (2, 0, 1)),
                    "The order is dL/dw, dL/db, dL/dx. You return dL/dx first."),
            Mistake(_neuron_of(dx=lambda da, w: da * w * len(da)),
                    "dx is not divided by N. The loss is a mean: an x counts with 1/N, as it does in dw and db."),
            Mistake(_neuron_of(dx=lambda da, w: da),
                    "dx is dL/da. When x moves, a = w x + b moves by w times as much: the factor w is missing."),
            Mistake(_neuron_without_bias,
                    "The bias b is left out of a = w x + b, and so y and the slope of relu are those of another "
                    "neuron."),
            Mistake(_neuron_dx_by_x,
                    "dx was multiplied by x. When x moves, a = w x + b moves by w times as much: the factor is w."),
            Mistake(_neuron_dw_by_w,
                    "dw was multiplied by w. When w moves, a = w x + b moves by x times as much: the factor is x."),
            Mistake(_neuron_first_example,
                    "dw and db count the first example alone. All examples share w and b: add their parts."),
            Mistake(_neuron_of(db=lambda da, x: 1.),
                    "db is 1: this is how a moves with b. Asked for is how L moves: 1 times dL/da, added over the "
                    "examples."),
            Mistake(_neuron_loss, "This is the loss. Asked for are its three derivatives."),
            Mistake(_neuron_if, "`if` needs one truth value, and a > 0 has one for each example. Multiply by (a > 0), "
                                "which is 1 or 0, or use np.where."),
            Mistake(_neuron_of(dw=lambda da, x: da.sum()),
                    "In dw the factor x is missing: when w moves, a = w x + b moves by x times as much."),
            Mistake(_neuron_of(dw=lambda da, x: (da * x).mean(), db=lambda da, x: da.mean()),
                    "dw and db are divided by N twice. dL/dy holds the 1/N of the mean already: the examples' parts "
                    "add up."),
            Mistake(_neuron_of(dw=lambda da, x: da.sum() * x.sum()),
                    "dw is the product of two sums. Each example multiplies its own da by its own x; then add."),
            Mistake(_neuron_of(dw=lambda da, x: da.sum() * x.mean()),
                    "dw uses the mean of x. Each example multiplies its own da by its own x; then add."),
            Mistake(_neuron_dx_without_relu_slope,
                    "In dx the slope of relu is missing. Where a is below 0, y does not react to x either."),
            Mistake(_neuron_error_not_squared,
                    "The error y - target is missing: the slope of its square is 2 (y - target)."),
        ],
        hints=["Work backwards from L: first dL/dy (N,), then dL/da (N,), then the three results.",
               "dL/dy = 2 (y - target) / N. The slope of relu is 1 where a > 0 and 0 elsewhere.",
               "dw = sum of da x, db = sum of da, dx = da w (not summed)."],
    ),
    Prediction("1.3", "A chain of 100 functions has the slopes 0.5 and 1.5 in turn, so their mean is 1. "
                      "What is the gradient of the chain?", scale="log10"),
    Exercise(
        "1.4", "Backwards through a chain", minutes=10, difficulty=2,
        solution=chain_gradient, oracle=_chain_complex_step, cases=_chain_cases, time_axis=0, axis="link",
        also_correct=(_chain_by_cumulated_products,),
        mistakes=[
            Mistake(_chain_without_tanh_slope,
                    "The slope of tanh is missing. Each link has two slopes: w_k and tanh'."),
            Mistake(_chain_without_weights,
                    "The weights are missing. Each link has two slopes: w_k and tanh'."),
            Mistake(_chain_slope_at_wrong_point,
                    "1 - x^2 is taken at the link's input. It belongs to the link's output, x_k."),
            Mistake(_chain_tanh_twice,
                    "tanh is applied twice: x_k is already tanh(a), so tanh'(a) = 1 - x_k^2."),
            Mistake(_chain_from_the_start,
                    "These are the derivatives of x_k by x_0. Asked for are those of x_n by x_k: start at "
                    "the end, with 1."),
            Mistake(_chain_reversed,
                    "The order is the opposite one: d[0] belongs to x_0, and the last entry, d[n], is 1."),
            Mistake(_chain_single_slopes,
                    "These are the slopes of single links. d[k] is the product of those from k to the end."),
            Mistake(_chain_starts_with_x_n,
                    "It starts with x_n at the end. d[n] is how much x_n changes with itself: 1."),
            Mistake(_chain_square_missing, "The slope of tanh is 1 - x_k^2. The square is missing."),
            Mistake(_chain_slope_of_a,
                    "You took 1 - a^2. The slope is 1 - tanh(a)^2, and tanh(a) is the link's output, x_k."),
            Mistake(_chain_of_neighbors_weights,
                    "Each slope has the weight of the next link. From x_k back to x_{k-1} it is w_k, which is w[k - "
                    "1]."),
            Mistake(_chain_slope_at_the_input,
                    "The slope of tanh was taken at x_{k-1}. It belongs at a = w_k x_{k-1}: 1 - tanh(a)^2 = 1 - "
                    "x_k^2."),
            Mistake(_chain_from_x0, "Every link gets x0 here. Link k gets what link k - 1 gave: keep every x_k."),
            Mistake(_chain_first_weight, "Every link has the first weight here. Link k has its own, w[k - 1]."),
            Mistake(_chain_added_to_the_one,
                    "The slopes were added to the 1 of the end. Along a chain they multiply."),
            Mistake(lambda w, x0: np.zeros(len(w) + 1),
                    "All is 0. Going back starts with d[n] = 1, and products with 0 stay 0. (An array of whole numbers "
                    "cuts everything below 1 to 0.)"),
            Mistake(lambda w, x0: np.append(np.zeros(len(w)), 1.),
                    "All but the last are 0. Is the array made of whole numbers? They cut everything below 1 to 0; or "
                    "the loop never runs."),
            Mistake(_chain_by_the_weights, "These are dx_n/dw_k. Asked for is dx_n/dx_k: a link's slope has the factor "
                                           "w_k, not x_{k-1}."),
            Mistake(_chain_by_division,
                    "It divides by products that may be 0, and 0 / 0 is NaN. Multiply backwards from the end instead."),
            Mistake(_chain_of_sums, "The slopes of the links were added. Along a chain they multiply."),
            Mistake(lambda w, x0: chain_gradient(w, x0)[:-1],
                    "The last entry is missing, d[n]: how much x_n changes with itself."),
            Mistake(lambda w, x0: chain_gradient(w, x0)[0],
                    "This is dx_n/dx_0 alone. Return d[k] for every k from 0 to n."),
            Mistake(_chain_states, "These are the x_k themselves. Asked for is how x_n changes with each of them."),
        ],
        hints=["First run forwards and keep every x_k. Then go backwards from d[n]: how much does x_n "
               "change with itself?",
               "d[n] = 1. One link back: dx_n/dx_{k-1} = dx_n/dx_k times dx_k/dx_{k-1}.",
               "dx_k/dx_{k-1} = (1 - x_k^2) w_k, and w_k is w[k - 1]."],
    ),
    Exercise(
        "1.11", "Backwards through a graph", minutes=8, difficulty=2,
        solution=graph_gradient, oracle=_graph_complex_step, cases=_graph_cases, returns=("dw", "du", "dx"),
        also_correct=(_graph_by_paths,),
        mistakes=[
            Mistake(_graph_of(dh=lambda a, u, da: a),
                    "dL/dh has one path of two. h goes into L itself and into a: the path through a, dL/da times u, is "
                    "missing."),
            Mistake(_graph_of(dh=lambda a, u, da: da * u),
                    "dL/dh has one path of two. h goes into a and into L itself, where its slope is a: with = in place "
                    "of += the first path is lost."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: dz * w),
                    "dL/dx has one path of two. x also goes into a, past h: add dL/da times 1."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: da),
                    "dL/dx has one path of two. x also goes into h: add dL/dh times the slope of tanh times w."),
            Mistake(_graph_handed_on_early,
                    "h handed its gradient on to w before both paths had arrived. First complete dL/dh, then go on."),
            Mistake(_graph_dx_handed_on_early,
                    "h handed its gradient on to x before both paths had arrived. First complete dL/dh, then go on."),
            Mistake(_graph_of(dh=lambda a, u, da: a * da * u),
                    "The two paths of h were multiplied. Multiply along a path, add over the paths."),
            Mistake(_graph_of(dh=lambda a, u, da: (a + da * u) / 2),
                    "The mean of h's two paths was taken. The paths add up."),
            Mistake(_graph_of(dh=lambda a, u, da: a - da * u), "The two paths of h were subtracted. They add up."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: da * dz * w),
                    "The two paths of x were multiplied. Multiply along a path, add over the paths."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: (da + dz * w) / 2),
                    "The mean of x's two paths was taken. The paths add up."),
            Mistake(_graph_of(da=lambda a, h: a),
                    "dL/da is a here. L = a h: when a moves, L moves by h times as much."),
            Mistake(_graph_of(dh=lambda a, u, da: da + da * u),
                    "The slope from h to L is h here. L = a h: when h moves, L moves by a times as much."),
            Mistake(_graph_swapped,
                    "The two slopes of the product have changed places. L = a h changes with a by h, with h by a."),
            Mistake(_graph_of(da=lambda a, h: 1., dh=lambda a, u, da: 1 + u),
                    "The slopes of L = a h were taken as 1, those of a sum. A product changes with a by h, with h by "
                    "a."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1.),
                    "The slope of tanh is missing: between h and w x stands tanh, with 1 - h^2."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1 - np.tanh(h)**2),
                    "h is tanh(w x) already: its slope is 1 - h^2, with no tanh around h."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1 - h),
                    "The slope of tanh is 1 - h^2. The square is missing."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1 - a**2),
                    "The slope of tanh was taken with a. tanh gives h: 1 - h^2."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: 1 - (w * x)**2),
                    "You took 1 - (w x)^2. The slope is 1 - tanh(w x)^2, and tanh(w x) is h."),
            Mistake(_graph_of(slope=lambda w, u, x, h, a: h * (1 - h)),
                    "h (1 - h) is the slope of the sigmoid. Here is a tanh: 1 - h^2."),
            Mistake(_graph_of(dw=lambda dz, w, x: dz * w), "dL/dw has the factor w. When w moves, w x moves by x times "
                                                           "as much."),
            Mistake(_graph_of(dw=lambda dz, w, x: dz), "In dL/dw the factor x is missing: when w moves, w x moves by x "
                                                       "times as much."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: da + dz),
                    "In dL/dx the factor w is missing: when x moves, w x moves by w times as much."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: da + dz * x),
                    "In dL/dx the path through h has the factor x. When x moves, w x moves by w times as much."),
            Mistake(_graph_of(dw=lambda dz, w, x: dz * w, dx=lambda da, dz, w, x: da + dz * x),
                    "The two slopes of w x have changed places. It moves by x times as much as w, and by w times as "
                    "much as x."),
            Mistake(_graph_of(dx=lambda da, dz, w, x: 1 + dz * w),
                    "The path from x through a ends in a. x moves a by 1, and a moves L by h: multiply the two."),
            Mistake(_graph_of(du=lambda da, h, x: da), "In dL/du the factor h is missing: a = u h + x changes by h "
                                                       "times as much as u."),
            Mistake(_graph_of(du=lambda da, h, x: da * x), "dL/du has the factor x. In a = u h + x it is h that u "
                                                           "multiplies."),
            Mistake(lambda w, u, x: graph_gradient(w, u, x)[::-1], "The order is dL/dw, dL/du, dL/dx. You return dL/dx "
                                                                   "first."),
            Mistake(lambda w, u, x: tuple(graph_gradient(w, u, x)[i] for i in (0, 2, 1)),
                    "dL/du and dL/dx have changed places: the order is dL/dw, dL/du, dL/dx."),
            Mistake(lambda w, u, x: tuple(graph_gradient(w, u, x)[i] for i in (1, 0, 2)),
                    "dL/dw and dL/du have changed places: the order is dL/dw, dL/du, dL/dx."),
            Mistake(lambda w, u, x: tuple(graph_gradient(w, u, x)[i] for i in (2, 0, 1)),
                    "dL/dx comes last, not first: the order is dL/dw, dL/du, dL/dx."),
            Mistake(_graph_from_the_loss, "It starts with L at the end. L changes with itself by 1, whatever L is."),
            Mistake(lambda w, u, x: tuple(-part for part in graph_gradient(w, u, x)),
                    "The sign is the other one. An update subtracts the gradient; here the gradient itself is asked "
                    "for."),
            Mistake(_graph_values, "These are the values h, a and L. Asked for is how L changes with w, u and x."),
            Mistake(lambda w, u, x: _graph_values(w, u, x)[2], "This is L. Asked for are its three derivatives."),
        ],
        hints=["Draw the six boxes. Which two values are used twice?",
               "Start with dL/da = h and with the first path of h, dL/dh = a. Then add the second one: dh += da * u.",
               "dw = dh (1 - h^2) x; du = da h; dx = da + dh (1 - h^2) w."],
    ),
    Prediction("1.5", "The rate is exactly 2 / curvature. What does w do?", kind="choice",
               choices=("settles", "jumps between two points", "grows without end")),
    Exercise(
        "1.6", "Gradient descent", minutes=5, difficulty=1,
        solution=descend, oracle=_descend_closed_form, cases=_descend_cases, time_axis=0, axis="update",
        also_correct=(_descend_into_an_array,),
        mistakes=[
            Mistake(_descend_uphill, "It climbs. The slope points to where the loss grows: subtract it."),
            Mistake(_descend_from_the_same_slope,
                    "Every update uses the slope at w_0. It has to be taken anew at the point reached, w_k."),
            Mistake(_descend_without_the_start,
                    "The start is missing: the path holds w_0 and then every update."),
            Mistake(_descend_to_the_end_only, "This is the last point. The whole path is asked for."),
            Mistake(_descend_without_a_rate, "The rate is missing: an update is rate times slope."),
            Mistake(_descend_one_array,
                    "All rows are the last point: w -= ... changes one array again and again, and the list "
                    "holds that one array many times. Write w = w - ... instead."),
            Mistake(_descend_in_place,
                    "w -= ... changes the array w0 itself, and all rows of the path are that one array. Write "
                    "w = w - ... instead, which makes a new one."),
            Mistake(_descend_into_whole_numbers,
                    "The path holds whole numbers only: an array made of integers cuts off what is put into it. Give "
                    "it dtype=float."),
            Mistake(_descend_by_signs,
                    "Only the sign of the slope is used. An update is rate times slope: small where the loss is flat."),
            Mistake(_descend_slopes, "These are the slopes along the path. The points are asked for, w_0, w_1, ..."),
            Mistake(_descend_by_directions,
                    "Only the direction of the slope is used. An update is rate times slope, its size included."),
            Mistake(lambda slope, w0, rate, updates: descend(slope, w0, rate, updates).T,
                    "Rows and columns have changed places: each row is a point."),
            Mistake(_descend_slope_as_a_number,
                    "slope is a function. Its value at w is slope(w)."),
            Mistake(_descend_numbers_only,
                    "It works for a number only. w0 may be an array of several weights: keep it as it comes."),
            Mistake(_descend_arrays_only,
                    "A number has no length. Collect the points in a list, which takes numbers and arrays alike."),
            Mistake(_descend_into_the_type_of_w0,
                    "The path holds whole numbers, as w0 is one here: what is put into such an array is cut. Give it "
                    "dtype=float."),
            Mistake(_descend_until_small,
                    "It stops when an update is small. `updates` updates are asked for, the small ones too."),
            Mistake(_descend_until_still,
                    "It stops when w no longer moves. The path has updates + 1 rows, equal ones too."),
            Mistake(_descend_by_the_slope_of_the_next,
                    "The slope was taken one update ahead. It belongs to the point where the update starts, w_k."),
            Mistake(lambda slope, w0, rate, updates: descend(slope, w0, rate, updates - 1),
                    "One update is missing: `updates` updates and the start make updates + 1 rows."),
            Mistake(lambda slope, w0, rate, updates: descend(slope, w0, rate, updates + 1),
                    "One update too many: `updates` updates and the start make updates + 1 rows."),
        ],
        hints=["Start with path = [w0]. What is added in each round of the loop?",
               "w = path[-1]; path.append(w - rate * slope(w)); at the end np.array(path)."],
    ),
    Prediction("1.7", "The same rate 0.07 for three parabolas of curvature 1, 10 and 30. Which is nearest "
                      "to its minimum after 20 updates, which is farthest?",
               kind="order", choices=("1", "10", "30")),
    Exercise(
        "1.8", "The largest rate for two weights", minutes=4, difficulty=2,
        solution=largest_rate, oracle=_largest_rate_by_trial, rtol=1e-3, also_correct=(.05, 1 / 20),
        mistakes=[
            Mistake(1 / 3, "The direction u allows this rate, v does not. One that grows is enough to fail."),
            Mistake(.1, "The curvature along v is not 20: differentiate 20 v^2 twice."),
            Mistake(2 / 3, "The curvature is the second derivative, and it is the largest one that counts."),
            Mistake(.025, "With 1 / curvature v arrives in one update. A larger rate is still stable."),
            Mistake(2 / 46, "The curvatures do not add up. Each direction goes its own way."),
            Mistake(2 / 23, "This would be 2 / 23. 23 is neither curvature: they are second derivatives, and they "
                            "do not add up or average."),
            Mistake(2 / 43, "3 is not the curvature along u, and curvatures do not add up: each direction has its own "
                            "border."),
            Mistake(1 / 6, "1 / curvature along u is where u arrives in one update. And which direction is steeper?"),
            Mistake(40., "This is a curvature. The border is 2 / curvature."),
            Mistake(20., "A curvature turned over: the border is 2 / curvature, not curvature / 2."),
            Mistake(2., "2 is the border's numerator: divide it by the largest curvature."),
            Mistake(.5, "2 / 4 is the border of the parabola in the text. This L has other curvatures."),
            Mistake(-.05, "The size is right. A rate is positive: with a negative one every update climbs."),
            Mistake(2 / 26, "26 is no curvature. Each direction has its own border, 2 / curvature."),
            Mistake(2 / 41, "1 + 40 is for a valley with curvatures 1 and 40, and for its best rate. Here they are 6 "
                    "and "
                            "40, and the largest rate is asked for."),
            Mistake(.049, "It is stable, but not the largest such rate: a slightly larger one is stable too."),
            Mistake(.051, "A little too much: at this rate v grows by 4 % an update."),
        ],
        hints=["Which curvature has L along u, which along v? Derive twice.",
               "Each direction has its own border, 2 / curvature. Which of the two is passed first?"],
    ),
    Prediction("1.9", "Central differences of sin: which eps gives the smallest error?", scale="log10",
               digits=1),
    Exercise(
        "1.10", "The complex step for several variables", minutes=8, difficulty=2,
        solution=complex_gradient, oracle=_by_hand, cases=_complex_cases, time_axis="each", float32=False,
        also_correct=(_complex_in_one_line,),
        mistakes=[
            Mistake(_complex_without_eps, "The division by eps is missing."),
            Mistake(_complex_real_part, "The real part is f(x) itself, and abs gives nearly the same. The slope is in "
                    "the imaginary "
                                        "part."),
            Mistake(_complex_all_at_once,
                    "All variables move at once: that gives the sum of the slopes. Move one at a time."),
            Mistake(_complex_not_taken_back,
                    "The step in x[0] is still there when x[1] moves. Start each time from the unmoved x."),
            Mistake(lambda f, x, eps: np.zeros(len(x)),
                    "No step arrived. A real array drops the 1j * eps: make a complex copy, x.astype(complex)."),
            Mistake(_complex_real_step,
                    "This is a central difference. A real step as small as eps rounds away: step by 1j * eps."),
            Mistake(lambda f, x, eps: np.array([(f(x + eps * row) - f(x)) / eps for row in np.eye(len(x))]),
                    "This is a difference of two values. A real step as small as eps rounds away: step by 1j * eps."),
            Mistake(_complex_twice,
                    "Half of it is missing: there is one step here, so divide by eps, not by 2 eps."),
            Mistake(lambda f, x, eps: np.append(_complex_in_one_line(f, x, eps)[0], np.zeros(len(x) - 1)),
                    "Only x[0] was moved: the rest is still 0. Is the return inside of the loop?"),
            Mistake(lambda f, x, eps: _complex_in_one_line(f, x, eps).sum(),
                    "This is the sum of the slopes, a number. Return one slope for each entry."),
            Mistake(_complex_both_sides,
                    "A difference of real parts is no complex step: it holds almost nothing. Take the imaginary part."),
            Mistake(_complex_without_the_others,
                    "The other entries have become 0. All but x[k] stay where they were."),
            Mistake(_complex_step_in_proportion,
                    "The step is x[k] times too large: it was multiplied by x[k]. Add 1j * eps to it."),
            Mistake(lambda f, x, eps: -_complex_in_one_line(f, x, eps),
                    "The sign is the other one: divide the imaginary part by +eps, for a step of +1j * eps."),
        ],
        hints=["A real array cannot take up an imaginary step: x.astype(complex) is a copy that can.",
               "For each k: moved = x.astype(complex); moved[k] += 1j * eps; then f(moved).imag / eps."],
    ),
])
