"""Lesson 12, notebooks/12_gru.ipynb: a GRU without input and biases, in `resting_gru`; where it ends and the roads
back, in `figures`; the GRU and the minGRU in lesson 11's drawing, in `valves`."""
