"""Cells: parameters and their gradients are the same NamedTuple; each step is a forward beside its backward.

Orientation is torch's, (out, in), gates in torch's order. The same matrix has many names: W_hh here = weight_hh_l0
(torch) = W_rec (Pascanu et al. 2013) = U (Goodfellow et al. 2016: W). Leading axes in front of every shape are the
members of an ensemble. Reading order: `tree`, `readout`, `cell`, then one module a cell: `rnn`, `lstm`, `gru`,
`diagonal`, `mingru`.
"""

from __future__ import annotations

from typing import NamedTuple

from .cell import Cell, gate_inputs, recurrent_gradient, rnn_inputs, shared_gradients
from .diagonal import DIAGONAL, DiagonalParams, check_diagonal
from .gru import GRU, GRUParams, check_gru, gru_step, gru_step_backward
from .lstm import LSTM, LSTMParams, check_lstm, lstm_step, lstm_step_backward
from .mingru import MINGRU, MinGRUParams, check_mingru
from .readout import ReadoutParams, check_readout, readout, readout_backward
from .rnn import RNN, RNNCache, RNNParams, check_rnn, rnn_step, rnn_step_backward
from .tree import aligned, allocator, blocks, leaves, rows, sum_to, through_time, tree_map

CELLS: dict[type, Cell] = {RNNParams: RNN, LSTMParams: LSTM, GRUParams: GRU, DiagonalParams: DIAGONAL,
                           MinGRUParams: MINGRU}

CellParams = RNNParams | LSTMParams | GRUParams | DiagonalParams | MinGRUParams


class NetworkParams(NamedTuple):
    """A recurrent cell, of any kind, and the readout on top of it."""

    rnn: CellParams
    readout: ReadoutParams


def cell_of(params: CellParams) -> Cell:
    """Return the cell that these parameters belong to; TypeError if they are of none."""
    found = next((CELLS[kind] for kind in type(params).__mro__ if kind in CELLS), None)
    if found is None:
        known = ", ".join(f"cells.{kind.__name__}" for kind in CELLS)
        raise TypeError(f"params is {type(params).__name__}, needs the parameters of a cell: {known}. "
                        f"A whole network is a NetworkParams: pass its part .rnn.")
    return found
