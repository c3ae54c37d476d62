"""Lesson 06, notebooks/06_vanishing.ipynb: `agreement` trains five networks on agreement at a distance, `words` reads
one sentence word by word while they learn; `longterm` trains nine kinds of network on five tasks (lessons 11 and 12 use
it too); `digits` draws accuracy by distance (for lesson 11 too), `figures` all else."""
