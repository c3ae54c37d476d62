"""Lesson 04's activations, deep nets and dead units against autograd, and the ridges against counts of another kind."""

import numpy as np
import pytest
import torch

from course_lib.lessons.nb04_derivative_of_tanh_and_sigmoid.layers import (SEVEN, layer_by_layer, learn, pixels,
                                                                           value_and_slope)
from course_lib.lessons.nb04_derivative_of_tanh_and_sigmoid.ridges import BINS, LayerByLayer
from legible import legible


@pytest.mark.parametrize("name", SEVEN)
def test_values_and_slopes_are_torch_s(name):
    a = np.linspace(-9, 9, 401)  # not 0, where ReLU has a corner: the middle point is 1e-15 or so
    a[200] = .001
    point = torch.tensor(a, requires_grad=True)
    value = getattr(torch.nn.functional, name)(point)
    value.sum().backward()
    own, slope = value_and_slope(name, a)
    assert np.allclose(own, value.detach().numpy(), rtol=1e-9, atol=1e-15)
    assert np.allclose(slope, point.grad.numpy(), rtol=1e-9, atol=1e-14)
    assert value_and_slope(name, 1.)[0] == pytest.approx(value_and_slope(name, np.ones(2))[0][1], rel=1e-6, abs=0)


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="name is 'swish', needs one of 'tanh', 'sigmoid'"):
        value_and_slope("swish", np.ones(2))


@pytest.mark.parametrize("name", [*SEVEN, "linear"])
def test_a_deep_net_is_autograd_s(name):
    rng = np.random.default_rng(4)
    W, x, top = 1.2 * rng.normal(size=(6, 8, 8)) / np.sqrt(8), rng.normal(size=(5, 8)), rng.normal(size=(5, 8))
    net = layer_by_layer(W, x, name, top)
    weights, states = torch.tensor(W, requires_grad=True), [torch.tensor(x, requires_grad=True)]
    for W_l in weights:
        a = states[-1] @ W_l.T
        states.append(a * 1 if name == "linear" else getattr(torch.nn.functional, name)(a))
        states[-1].retain_grad()
    (states[-1] * torch.tensor(top)).sum().backward()
    for l, state in enumerate(states):
        assert np.allclose(net.h[l], state.detach().numpy(), rtol=1e-9, atol=1e-14)
        scale = np.abs(state.grad.numpy()).max()
        assert np.allclose(net.dh[l], state.grad.numpy(), rtol=1e-9, atol=1e-12 * scale)
    for own, exact in zip(net.dW, weights.grad.numpy()):
        assert np.allclose(own, exact, rtol=1e-9, atol=1e-12 * np.abs(exact).max())


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_training_is_torch_s(name):
    x, labels = pixels()
    rng, sizes = np.random.default_rng(7), [64, 16, 16, 10]
    layers = [torch.tensor(rng.normal(size=(o, i)) * np.sqrt(2 / i), requires_grad=True)
              for i, o in zip(sizes, sizes[1:])]
    biases = [torch.zeros(o, dtype=torch.float64, requires_grad=True) for o in sizes[1:]]

    def forward(h):
        slopes = []
        for W, b in zip(layers[:-1], biases[:-1]):
            a = (h @ W.T + b).detach().requires_grad_()
            f = getattr(torch, name)
            slopes.append(torch.autograd.grad(f(a).sum(), a)[0])
            h = f(h @ W.T + b)
        return slopes, h @ layers[-1].T + biases[-1]

    def dead():
        return [(slope.abs().amax(0) < 1e-3).sum().item() for slope in forward(torch.tensor(x))[0]]

    before, optimiser = dead(), torch.optim.SGD([*layers, *biases], lr=.3)
    for _ in range(40):
        chosen = rng.integers(len(x), size=50)
        optimiser.zero_grad()
        scores = forward(torch.tensor(x[chosen]))[1]
        torch.nn.functional.cross_entropy(scores, torch.tensor(labels[chosen])).backward()
        optimiser.step()
    right = (forward(torch.tensor(x))[1].argmax(-1).numpy() == labels).mean()
    own = learn(name, .3, [7], layers=2, width=16, updates=40)
    assert (own.before[:, 0].tolist(), own.after[:, 0].tolist()) == (before, dead()) and own.finite[0]
    assert own.right[0] == pytest.approx(right, abs=.002) and right > .5


def test_without_updates_nothing_changes():
    nets = learn("relu", .1, range(3), updates=0)
    assert (nets.before == nets.after).all() and nets.before.max() > 0 and (nets.right < .3).all()


@pytest.mark.parametrize("values", [{}, {"gain": .5, "activation": "sigmoid"}, {"gain": 3., "activation": "relu"}])
def test_ridges_are_histograms(values):
    figure = LayerByLayer(**values)
    v = figure.values
    net = layer_by_layer(v["gain"] * figure.W, figure.x, v["activation"], figure.top)
    for row, layer in enumerate(figure.SHOWN):
        h, dh = net.h[layer].ravel(), net.dh[layer].ravel()
        low, high = figure.STATES
        place = np.clip(((np.clip(h, low, high) - low) / (high - low) * BINS).astype(int), 0, BINS - 1)
        assert np.abs(figure.data.states[row] - np.bincount(place, minlength=BINS) / len(h)).max() < .02
        assert figure.data.gradients[row].sum() == pytest.approx((dh != 0).mean(), abs=1e-12)
        assert figure.data.spread[row] == pytest.approx(np.sqrt((h**2).mean()), rel=1e-9, abs=0)
        apart = net.h[layer, :, None] - net.h[layer]  # each image's states against each other's
        assert figure.data.between[row] == pytest.approx(np.sqrt((apart**2).mean() / 2), rel=1e-6, abs=1e-15)
        assert 10**figure.data.size[row] == pytest.approx(np.sqrt((dh**2).mean()), rel=1e-9, abs=0)
        tops = [ridges[row].get_xy()[:, 1].max() - row for ridges in figure.ridges]
        assert tops == pytest.approx([.88, .88], rel=1e-6, abs=0)
    assert f"{figure.data.spread[-1]:.2g}, and the difference" in figure.alt
    assert f"to {figure.data.between[-1]:.2g}; coming down" in figure.alt
    assert f"to {10**figure.data.size[0]:.2g}." in figure.alt
    assert legible(figure) > 8
