"""Lesson 02, notebooks/02_recurrent_networks.ipynb: what a recurrent network is, and what its hidden state can do."""
