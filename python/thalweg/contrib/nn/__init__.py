"""tf.contrib.nn."""

from thalweg.contrib.nn.activations import alpha_dropout, scaled_softplus
from thalweg.contrib.nn.losses import (deprecated_flipped_sigmoid_cross_entropy_with_logits,
                                       deprecated_flipped_softmax_cross_entropy_with_logits,
                                       deprecated_flipped_sparse_softmax_cross_entropy_with_logits,
                                       rank_sampled_softmax_loss, sampled_sparse_softmax_loss)
from thalweg.ops.nn_conv import conv1d_transpose
from thalweg.ops.sort_ops import nth_element
