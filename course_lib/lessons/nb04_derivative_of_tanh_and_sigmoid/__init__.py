"""Lesson 04, notebooks/04_derivative_of_tanh_and_sigmoid.ipynb: what the slopes take, and what the weights take."""
