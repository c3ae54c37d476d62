"""Lesson 14: what notebooks/14_your_own_network.ipynb has for itself."""
