"""tf.nn.rnn_cell."""

from thalweg.rnn.basic_cells import BasicLSTMCell, BasicRNNCell, GRUCell, LSTMCell  # noqa: F401
from thalweg.rnn.cell import LSTMStateTuple, RNNCell  # noqa: F401
from thalweg.rnn.wrappers import DeviceWrapper, DropoutWrapper, MultiRNNCell, ResidualWrapper  # noqa: F401
