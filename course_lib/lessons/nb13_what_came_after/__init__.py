"""Lesson 13, notebooks/13_what_came_after.ipynb: `newton_in_time` computes all steps of a sequence at once,
`curse_of_memory` how states and gradients grow, `fixed_factors` trains a linear layer, `layers_of_today` has a step and a
Jacobian of each layer in the table, `mamba` draws one of them; `figures` draws the rest."""
