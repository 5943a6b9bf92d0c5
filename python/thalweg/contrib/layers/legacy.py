"""The fully connected layer of TensorFlow's first releases."""

import functools

from thalweg.contrib.layers import initializers
from thalweg.framework import ops
from thalweg.ops import array_ops, init_ops, math_ops, nn_ops, variable_scope as vs


def _collections(given):
  return set(list(given or []) + [ops.GraphKeys.GLOBAL_VARIABLES])


def legacy_fully_connected(x, num_output_units, activation_fn=None, weight_init=initializers.xavier_initializer(),
                           bias_init=init_ops.zeros_initializer(), name=None,
                           weight_collections=(ops.GraphKeys.WEIGHTS,), bias_collections=(ops.GraphKeys.BIASES,),
                           output_collections=(ops.GraphKeys.ACTIVATIONS,), trainable=True, weight_regularizer=None,
                           bias_regularizer=None):
  """activation(x * weights + bias) over the last axis of x, which has rank 2 at least. Outputs are in ACTIVATIONS too."""
  with vs.variable_scope(name, "fully_connected", [x]):
    x = ops.convert_to_tensor(x)
    dims = x.get_shape().dims
    if dims is None:
      raise ValueError("dims of x must be known but is None")
    if len(dims) < 2:
      raise ValueError("rank of x must be at least 2 not: %d" % len(dims))
    depth = dims[-1].value
    if depth is None:
      raise ValueError("last dimension of x must be known but is None")
    dtype = x.dtype.base_dtype
    weights = vs.get_variable("weights", shape=[depth, num_output_units], dtype=dtype, initializer=weight_init,
                              collections=_collections(weight_collections), regularizer=weight_regularizer,
                              trainable=trainable)
    y = math_ops.matmul(x if len(dims) == 2 else array_ops.reshape(x, [-1, depth]), weights)
    if bias_init is not None:
      bias = vs.get_variable("bias", shape=[num_output_units], dtype=dtype, initializer=bias_init,
                             collections=_collections(bias_collections), regularizer=bias_regularizer,
                             trainable=trainable)
      y = nn_ops.bias_add(y, bias)
    if len(dims) > 2:
      sizes = array_ops.unstack(array_ops.shape(x))
      sizes[-1] = num_output_units
      y = array_ops.reshape(y, array_ops.stack(sizes))
      y.set_shape(x.get_shape().as_list()[:-1] + [num_output_units])
    if activation_fn is not None:
      y = activation_fn(y)
    ops.add_to_collections(list(output_collections or []) + [ops.GraphKeys.ACTIVATIONS], y)
    return y


legacy_relu = functools.partial(legacy_fully_connected, activation_fn=nn_ops.relu)
legacy_linear = functools.partial(legacy_fully_connected, activation_fn=None)
