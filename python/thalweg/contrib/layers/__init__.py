"""tf.contrib.layers: layers as functions with bias, normalisation, activation and collections in one call."""

import sys as _sys

from thalweg.contrib import _paths
from thalweg.contrib.layers.convolutional import (avg_pool2d, avg_pool3d, bias_add, convolution, convolution1d,
                                                  convolution2d, convolution2d_in_plane, convolution2d_transpose,
                                                  convolution3d, convolution3d_transpose, max_pool2d, max_pool3d, pool,
                                                  separable_convolution2d, spatial_softmax)
from thalweg.contrib.layers.core import (dropout, elu, embed_sequence, flatten, fully_connected, linear, maxout,
                                         one_hot_encoding, relu, relu6, repeat, softmax, stack, unit_norm)
from thalweg.contrib.layers.embedding_ops import bow_encoder, embedding_lookup_unique, safe_embedding_lookup_sparse
from thalweg.contrib.layers.gdn import GDN, gdn
from thalweg.contrib.layers.initializers import (variance_scaling_initializer, xavier_initializer,
                                                 xavier_initializer_conv2d)
from thalweg.contrib.layers.legacy import legacy_fully_connected, legacy_linear, legacy_relu
from thalweg.contrib.layers.normalization import batch_norm, group_norm, instance_norm, layer_norm
from thalweg.contrib.layers.optimizers import OPTIMIZER_CLS_NAMES, OPTIMIZER_SUMMARIES, adaptive_clipping_fn, optimize_loss
from thalweg.contrib.layers.regularizers import (apply_regularization, l1_l2_regularizer, l1_regularizer,
                                                 l2_regularizer, sum_regularizer)
from thalweg.contrib.layers.rev_block import RevBlock, recompute_grad, rev_block
from thalweg.contrib.layers.sequences import dense_to_sparse, images_to_sequence, scale_gradient, sequence_to_images
from thalweg.contrib.layers.summaries import (summarize_activation, summarize_activations, summarize_biases,
                                              summarize_collection, summarize_tensor, summarize_tensors,
                                              summarize_variables, summarize_weights)
from thalweg.contrib.layers import (initializers as _initializers, normalization as _normalization,
                                    optimizers as _optimizers, regularizers as _regularizers, summaries, utils)

conv1d = convolution1d
conv2d = convolution2d
conv2d_in_plane = convolution2d_in_plane
conv2d_transpose = convolution2d_transpose
separable_conv2d = separable_convolution2d
conv3d = convolution3d
conv3d_transpose = convolution3d_transpose

_paths.add(__name__, layers={
    "layers": _sys.modules[__name__], "initializers": _initializers, "regularizers": _regularizers,
    "optimizers": _optimizers, "summaries": summaries, "utils": utils, "normalization": _normalization})
