"""Lesson 09, notebooks/09_initialization_and_other_cures.ipynb: `residual` has direct connections and layer norm,
forward and back; `contest` compares ways to start and to wire a network on one task; `figures` draws them."""
