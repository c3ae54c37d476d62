"""Gradients Through Time: the library behind the notebooks.

    calculus      activations cells bptt losses initialise gradcheck
    dynamics      jacobians clipping regularise
    training      tasks data shipped train until_solved parallel
    screen/       figures that draw once and move
    exercises/    the engine: check, hint, predict, reveal, solution, progress; it knows no lesson
    torch         torch_bridge watch/ (the microscope)
    lessons/      nb00_start_here ... nb17_final_project: one folder a lesson, named as its notebook

Reading order is import order, and nothing imports upwards. What two lessons need is shared and lives here. What one
lesson owns lives in its folder: figures, experiments, exercises. A lesson may import earlier lessons, never a later
one; what is shared imports no lesson.

Calculus and dynamics need numpy alone. Import the modules by name: `from course_lib import bptt, cells`.
"""

__version__ = "0.1.0"
