"""tf.contrib.rnn."""

import sys as _sys

from thalweg.contrib import _paths
from thalweg.contrib.rnn.bidirectional import stack_bidirectional_dynamic_rnn, stack_bidirectional_rnn
from thalweg.contrib.rnn.block_cells import (GRUBlockCell, GRUBlockCellV2, LSTMBlockCell, LSTMBlockFusedCell,
                                             LSTMBlockWrapper)
from thalweg.contrib.rnn.cells import (EmbeddingWrapper, InputProjectionWrapper, LayerNormBasicLSTMCell,
                                       OutputProjectionWrapper)
from thalweg.contrib.rnn.gated_cells import (CFNCell, IndRNNCell, IndyGRUCell, IndyLSTMCell, IntersectionRNNCell,
                                             MinimalRNNCell, NASCell, SRUCell, UGRNNCell)
from thalweg.contrib.rnn.conv_cells import Conv1DLSTMCell, Conv2DLSTMCell, Conv3DLSTMCell, ConvLSTMCell
from thalweg.contrib.rnn.grid_cells import BidirectionalGridLSTMCell, GridLSTMCell, TimeFreqLSTMCell
from thalweg.contrib.rnn.lstm_cells import (CoupledInputForgetGateLSTMCell, GLSTMCell, LayerNormLSTMCell, PhasedLSTMCell,
                                            WeightNormLSTMCell)
from thalweg.contrib.rnn.wrappers import AttentionCellWrapper, CompiledWrapper, HighwayWrapper
from thalweg.contrib.rnn.fused import FusedRNNCell, FusedRNNCellAdaptor, TimeReversedFusedRNN
from thalweg.rnn.rnn_cell import (BasicLSTMCell, BasicRNNCell, DeviceWrapper, DropoutWrapper, GRUCell, LSTMCell,
                                  LSTMStateTuple, MultiRNNCell, ResidualWrapper, RNNCell)
from thalweg.rnn.cell import LayerRNNCell
from thalweg.rnn.dynamic import best_effort_input_batch_size, transpose_batch_time
from thalweg.rnn.static import static_bidirectional_rnn, static_rnn, static_state_saving_rnn

_paths.add(__name__, ops=dict.fromkeys(
    "rnn rnn_cell core_rnn core_rnn_cell fused_rnn_cell gru_ops lstm_ops".split(), _sys.modules[__name__]))
