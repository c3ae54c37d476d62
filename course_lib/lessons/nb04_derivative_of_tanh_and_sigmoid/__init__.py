"""Lesson 04: what notebooks/04_derivative_of_tanh_and_sigmoid.ipynb has for itself."""
