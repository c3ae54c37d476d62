"""Cells: parameters and their gradients are the same NamedTuple; each step is a forward beside its backward.

Orientation is torch's, (out, in), gates in torch's order. The same matrix has many names: W_hh here = weight_hh_l0
(torch) = W_rec (Pascanu et al. 2013) = U (Goodfellow et al. 2016: W). Leading axes in front of every shape are the
members of an ensemble. Reading order: `cell`, then one module a cell: `rnn`, `lstm`, `gru`, `diagonal`, `mingru`; then
`readout`. Below them lie `tree` (nested parameters), `memory` (arrays through time) and `fitting` (what is refused).
"""

from typing import NamedTuple

from .cell import Cell, OneLocal
from .diagonal import Diagonal, DiagonalParams
from .gru import GRU, GRUParams
from .lstm import LSTM, LSTMParams
from .memory import aligned, allocator, rows
from .mingru import MinGRU, MinGRUParams
from .readout import ReadoutParams, check_readout, readout, readout_backward
from .rnn import RNN, RNNParams
from .tree import leaves, sum_to, tree_map

CELLS: dict[type, Cell] = {RNNParams: RNN(), LSTMParams: LSTM(), GRUParams: GRU(), DiagonalParams: Diagonal(),
                           MinGRUParams: MinGRU()}

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
        fix = (f"A new cell is made known by cells.CELLS[{type(params).__name__}] = its Cell()."
               if hasattr(params, "W_xh") else "A whole network is a NetworkParams: pass its part .rnn.")
        raise TypeError(f"params is {type(params).__name__}, needs the parameters of a cell: {known}. {fix}")
    return found
