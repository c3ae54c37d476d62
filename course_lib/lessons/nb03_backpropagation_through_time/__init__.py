"""Lesson 03, notebooks/03_backpropagation_through_time.ipynb: the gradient on its way back, by hand."""
