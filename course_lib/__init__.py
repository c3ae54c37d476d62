"""Gradients Through Time: the small library behind the notebooks.

Reading order is import order, and nothing imports upwards:

    calculus      activations cells bptt losses initialise gradcheck
    dynamics      jacobians clipping regularise
    training      tasks data train solve parallel signs
    models        wall balancing residual scan
    experiments   experiments/
    screen        figures live
    torch         torch_bridge watch/
    trial         claims/
    learner       exercises ready

Calculus and dynamics need numpy alone. Import the modules by name: `from course_lib import bptt, cells`.
"""

__version__ = "0.1.0"
