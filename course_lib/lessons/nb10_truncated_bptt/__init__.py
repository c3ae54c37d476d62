"""Lesson 10, notebooks/10_truncated_bptt.ipynb: `windows` says which steps a loss reaches, and trains with each window
on each lag; `influence_balancing` has a gradient that points the wrong way through every short window; `checkpoints`
has the exact one from few states; `figures` draws them."""
