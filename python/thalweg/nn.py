"""tf.nn."""

from thalweg.ops.ctc_ops import (  # noqa: F401
    ctc_beam_search_decoder,
    ctc_beam_search_decoder_v2,
    ctc_greedy_decoder,
    ctc_loss,
)
from thalweg.ops.embedding_ops import (  # noqa: F401
    embedding_lookup, embedding_lookup_sparse, safe_embedding_lookup_sparse)
from thalweg.ops.math_ops import sigmoid, tanh  # noqa: F401
from thalweg.ops.nn_impl import (  # noqa: F401
    batch_norm_with_global_normalization,
    batch_normalization,
    compute_average_loss,
    depthwise_conv2d,
    fused_batch_norm,
    l2_normalize,
    log_poisson_loss,
    moments,
    normalize_moments,
    relu_layer,
    scale_regularization_loss,
    separable_conv2d,
    sigmoid_cross_entropy_with_logits,
    sufficient_statistics,
    swish,
    weighted_cross_entropy_with_logits,
    weighted_moments,
    zero_fraction,
)
from thalweg.ops.nn_ops import (  # noqa: F401
    avg_pool,
    avg_pool2d,
    bias_add,
    conv2d,
    conv2d_backprop_filter,
    conv2d_backprop_input,
    conv2d_transpose,
    crelu,
    depthwise_conv2d_native,
    depthwise_conv2d_native_backprop_filter,
    depthwise_conv2d_native_backprop_input,
    dropout,
    elu,
    in_top_k,
    l2_loss,
    leaky_relu,
    local_response_normalization,
    log_softmax,
    lrn,
    max_pool,
    max_pool2d,
    max_pool_with_argmax,
    relu,
    relu6,
    selu,
    softmax,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    softplus,
    softsign,
    sparse_softmax_cross_entropy_with_logits,
    top_k,
    xw_plus_b,
)
from thalweg.ops.array_ops import depth_to_space, space_to_batch, space_to_depth  # noqa: F401
from thalweg.ops.nn_conv import (  # noqa: F401
    atrous_conv2d,
    atrous_conv2d_transpose,
    avg_pool1d,
    avg_pool_v2,
    conv1d,
    conv1d_transpose,
    conv_transpose,
    convolution,
    max_pool1d,
    max_pool_v2,
    pool,
    with_space_to_batch,
)
from thalweg.ops.nn_ops import (  # noqa: F401
    depthwise_conv2d_native_backprop_filter as depthwise_conv2d_backprop_filter,
    depthwise_conv2d_native_backprop_input as depthwise_conv2d_backprop_input,
)

from thalweg.ops.candidate_sampling_ops import (  # noqa: F401
    all_candidate_sampler, compute_accidental_hits, fixed_unigram_candidate_sampler,
    learned_unigram_candidate_sampler, log_uniform_candidate_sampler, uniform_candidate_sampler)
from thalweg.ops.nn_morphology import dilation2d, erosion2d, fractional_avg_pool, fractional_max_pool  # noqa: F401
from thalweg.ops.nn_volume import (  # noqa: F401
    avg_pool3d, conv3d, conv3d_backprop_filter, conv3d_backprop_filter as conv3d_backprop_filter_v2, conv3d_transpose,
    max_pool3d)
from thalweg.ops.sampled_losses import nce_loss, sampled_softmax_loss  # noqa: F401

# What needs loops is imported when a program first names it.
_LOOPS = {
    "collapse_repeated": ("thalweg.ops.ctc_labels", "collapse_repeated"),
    "ctc_unique_labels": ("thalweg.ops.ctc_labels", "ctc_unique_labels"),
    "rnn_cell": ("thalweg.rnn.rnn_cell", None),
    "dynamic_rnn": ("thalweg.rnn.dynamic", "dynamic_rnn"),
    "bidirectional_dynamic_rnn": ("thalweg.rnn.dynamic", "bidirectional_dynamic_rnn"),
    "raw_rnn": ("thalweg.rnn.dynamic", "raw_rnn"),
    "static_rnn": ("thalweg.rnn.static", "static_rnn"),
    "static_bidirectional_rnn": ("thalweg.rnn.static", "static_bidirectional_rnn"),
    "static_state_saving_rnn": ("thalweg.rnn.static", "static_state_saving_rnn"),
}


def __getattr__(name):
  if name not in _LOOPS:
    raise AttributeError("module 'thalweg.nn' has no attribute %r" % name)
  import importlib
  path, attribute = _LOOPS[name]
  module = importlib.import_module(path)
  value = globals()[name] = module if attribute is None else getattr(module, attribute)
  return value


def __dir__():
  return sorted(set(globals()) | set(_LOOPS))
