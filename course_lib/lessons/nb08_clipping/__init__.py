"""Lesson 08, notebooks/08_clipping.ipynb: `rescue` descends from starts on the wall (for lesson 09 too), `success` is
the landmark figure of Pascanu, Mikolov and Bengio 2013, reduced; `figures` draws them, clipped gradients, and a spike
in Adam."""
