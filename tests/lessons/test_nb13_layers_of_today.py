"""The table of layers: each step's Jacobian against the table, at other seeds and states; a wrong row is seen."""

import numpy as np
import pytest

from course_lib import gradcheck
from course_lib.lessons.nb13_what_came_after import layers_of_today
from course_lib.lessons.nb13_what_came_after.layers_of_today import D, measured_jacobian, said_jacobian

ROWS = [layer for seed in (0, 1) for layer in layers_of_today.layers(seed)]
NAMES = [f"{layer.name}-{place // 12}" for place, layer in enumerate(ROWS)]


@pytest.mark.parametrize("layer", ROWS, ids=NAMES)
def test_the_jacobian_is_what_the_table_says_at_any_state(layer):
    rng = np.random.default_rng(7)
    for x in rng.normal(size=(3, D)):
        for start in (layer.start, 100 * layer.start + rng.normal(size=layer.start.shape)):
            J = measured_jacobian(layer._replace(start=start), x)
            assert (gradcheck.relative_error(J, said_jacobian(layer, x)) < 1e-11).all()
            assert np.linalg.norm(J, 2) < 1 + 1e-12


@pytest.mark.parametrize("layer", ROWS, ids=NAMES)
def test_a_factor_that_is_wrong_by_a_thousandth_is_seen(layer):
    x = np.random.default_rng(8).normal(size=D)
    wrong = layer._replace(factor=lambda x: 1.001 * layer.factor(x))
    assert (gradcheck.relative_error(measured_jacobian(layer, x), said_jacobian(wrong, x)) > 5e-4).any()
    assert gradcheck.table({"J": measured_jacobian(layer, x)}, {"J": said_jacobian(layer, x)}).passed


def test_a_matrix_state_is_multiplied_from_the_right_and_only_delta_rules_have_an_order():
    x, y = np.random.default_rng(9).normal(size=(2, D))
    for layer in ROWS:
        J, K = measured_jacobian(layer, x), measured_jacobian(layer, y)
        assert np.allclose(J @ K, K @ J, atol=1e-9) == ("DeltaNet" not in layer.name)
        if layer.state == "N D":
            G = np.random.default_rng(3).normal(size=layer.start.shape)
            assert np.allclose((J.T @ G.ravel()).reshape(G.shape), G @ layer.factor(x).T, atol=1e-12)
