"""Fully connected layers, dropout, and layers applied several times."""

import functools
import numbers

from thalweg.contrib.framework import variables as contrib_variables
from thalweg.contrib.framework.arg_scope import add_arg_scope
from thalweg.contrib.layers import base, initializers, utils
from thalweg.framework import dtypes, ops
from thalweg.layers import core
from thalweg.ops import array_ops, check_ops, embedding_ops, init_ops, math_ops, nn_ops, variable_scope as vs


@add_arg_scope
def fully_connected(inputs, num_outputs, activation_fn=nn_ops.relu, normalizer_fn=None, normalizer_params=None,
                    weights_initializer=initializers.xavier_initializer(), weights_regularizer=None,
                    biases_initializer=init_ops.zeros_initializer(), biases_regularizer=None, reuse=None,
                    variables_collections=None, outputs_collections=None, trainable=True, scope=None):
  """activation(inputs * weights + biases) over the last axis; a normaliser takes the place of the biases."""
  if not isinstance(num_outputs, numbers.Integral):
    raise ValueError("num_outputs type should be one of %s, got %s." % ([int], type(num_outputs)))
  with base.layer_scope(scope, "fully_connected", inputs, reuse, {"bias": "biases", "kernel": "weights"}) as sc:
    inputs = ops.convert_to_tensor(inputs)
    layer = core.Dense(
        units=num_outputs, activation=None, use_bias=not normalizer_fn and biases_initializer is not None,
        kernel_initializer=weights_initializer, bias_initializer=biases_initializer,
        kernel_regularizer=weights_regularizer, bias_regularizer=biases_regularizer, trainable=trainable,
        name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc, _reuse=reuse)
    outputs = layer.apply(inputs)
    base.collect(layer.kernel, variables_collections, "weights")
    base.collect(layer.bias, variables_collections, "biases")
    return base.finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, sc.name)


elu = functools.partial(fully_connected, activation_fn=nn_ops.elu)
relu = functools.partial(fully_connected, activation_fn=nn_ops.relu)
relu6 = functools.partial(fully_connected, activation_fn=nn_ops.relu6)
linear = functools.partial(fully_connected, activation_fn=None)


@add_arg_scope
def dropout(inputs, keep_prob=0.5, noise_shape=None, is_training=True, outputs_collections=None, scope=None,
            seed=None):
  """In training keeps each input with probability keep_prob, scaled by 1 / keep_prob."""
  with base.layer_scope(scope, "Dropout", inputs) as sc:
    layer = core.Dropout(rate=1 - keep_prob, noise_shape=noise_shape, seed=seed, name=sc.name, _scope=sc)
    outputs = layer.apply(ops.convert_to_tensor(inputs), training=is_training)
    return utils.collect_named_outputs(outputs_collections, sc.name, outputs)


@add_arg_scope
def flatten(inputs, outputs_collections=None, scope=None):
  """[batch, ...] to [batch, size]."""
  with ops.name_scope(scope, "Flatten", [inputs]) as sc:
    return utils.collect_named_outputs(outputs_collections, sc, core.flatten(ops.convert_to_tensor(inputs)))


@add_arg_scope
def _inner_flatten(inputs, new_rank, output_collections=None, scope=None):
  """Joins the last axes, so that `new_rank` are left."""
  with ops.name_scope(scope, "InnerFlatten", [inputs, new_rank]) as sc:
    inputs = ops.convert_to_tensor(inputs)
    check = check_ops.assert_rank_at_least(inputs, new_rank, message="inputs has rank less than new_rank")
    with ops.control_dependencies([check]):
      outer = array_ops.strided_slice(array_ops.shape(inputs), [0], [new_rank - 1])
      flattened = array_ops.reshape(inputs, array_ops.concat((outer, [-1]), 0))
    sizes = inputs.get_shape()
    if sizes.ndims is not None:
      inner = 1
      for size in sizes.as_list()[new_rank - 1:]:
        inner = inner * size if inner is not None and size is not None else None
      flattened.set_shape(sizes.as_list()[:new_rank - 1] + [inner])
  return utils.collect_named_outputs(output_collections, sc, flattened)


@add_arg_scope
def one_hot_encoding(labels, num_classes, on_value=1.0, off_value=0.0, outputs_collections=None, scope=None):
  """Labels as one-hot vectors."""
  with ops.name_scope(scope, "OneHotEncoding", [labels, num_classes]) as sc:
    labels = ops.convert_to_tensor(labels)
    if labels.dtype == dtypes.int32:
      labels = math_ops.to_int64(labels)
    outputs = array_ops.one_hot(labels, num_classes, on_value=on_value, off_value=off_value)
    return utils.collect_named_outputs(outputs_collections, sc, outputs)


@add_arg_scope
def softmax(logits, scope=None):
  """softmax over the last axis of logits of any rank."""
  with vs.variable_scope(scope, "softmax", [logits]):
    classes = utils.last_dimension(logits.get_shape(), min_rank=2)
    predictions = nn_ops.softmax(array_ops.reshape(logits, [-1, classes]))
    predictions = array_ops.reshape(predictions, array_ops.shape(logits))
    predictions.set_shape(logits.get_shape())
    return predictions


@add_arg_scope
def unit_norm(inputs, dim, epsilon=1e-7, scope=None):
  """Inputs of length 1 along an axis."""
  with vs.variable_scope(scope, "UnitNorm", [inputs]):
    rank = inputs.get_shape().ndims
    if not rank:
      raise ValueError("The input rank must be known.")
    if dim < 0 or dim >= rank:
      raise ValueError("dim must be positive but smaller than the input rank.")
    lengths = math_ops.sqrt(epsilon + math_ops.reduce_sum(math_ops.square(inputs), dim, True))
    return math_ops.div(inputs, lengths)


@add_arg_scope
def maxout(inputs, num_units, axis=-1, scope=None):
  """The largest of each group of channels, so that `num_units` are left (Goodfellow et al. 2013)."""
  with vs.variable_scope(scope, "MaxOut", [inputs]):
    inputs = ops.convert_to_tensor(inputs)
    sizes = inputs.get_shape().as_list()
    channels = sizes[axis]
    if channels % num_units:
      raise ValueError("number of features({}) is not a multiple of num_units({})".format(channels, num_units))
    axis = axis % len(sizes)
    sizes[axis:axis + 1] = [num_units, channels // num_units]
    dynamic = array_ops.shape(inputs)
    grouped = [dynamic[i] if size is None else size for i, size in enumerate(sizes)]
    outputs = math_ops.reduce_max(array_ops.reshape(inputs, grouped), axis + 1)
    outputs.set_shape(sizes[:axis + 1] + sizes[axis + 2:])
    return outputs


def _name_of(layer, default):
  return getattr(layer, "__name__", None) or getattr(getattr(layer, "func", None), "__name__", default)


def repeat(inputs, repetitions, layer, *args, **kwargs):
  """layer(layer(...)), in scopes `scope_1`, `scope_2`, ..."""
  scope = kwargs.pop("scope", None)
  with vs.variable_scope(scope, "Repeat", [inputs]):
    outputs = ops.convert_to_tensor(inputs)
    scope = scope or _name_of(layer, "repeat")
    for i in range(repetitions):
      outputs = layer(outputs, *args, **dict(kwargs, scope="%s_%d" % (scope, i + 1)))
    return outputs


def stack(inputs, layer, stack_args, **kwargs):
  """A layer with each of the arguments in turn, in scopes `scope_1`, `scope_2`, ..."""
  scope = kwargs.pop("scope", None)
  if not isinstance(stack_args, (list, tuple)):
    raise ValueError("stack_args need to be a list or tuple")
  with vs.variable_scope(scope, "Stack", [inputs]):
    outputs = ops.convert_to_tensor(inputs)
    scope = scope or _name_of(layer, "stack")
    for i, layer_args in enumerate(stack_args):
      layer_args = layer_args if isinstance(layer_args, (list, tuple)) else [layer_args]
      outputs = layer(outputs, *layer_args, **dict(kwargs, scope="%s_%d" % (scope, i + 1)))
    return outputs


def embed_sequence(ids, vocab_size=None, embed_dim=None, unique=False, initializer=None, regularizer=None,
                   trainable=True, scope=None, reuse=None):
  """The embeddings of ids [batch, steps]. `unique`, which saved look-ups of repeated ids, changes no value."""
  if not (reuse or (vocab_size and embed_dim)):
    raise ValueError("Must specify vocab size and embedding dimension when not reusing. Got vocab_size=%s and "
                     "embed_dim=%s" % (vocab_size, embed_dim))
  with vs.variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
    shape = [vocab_size, embed_dim] if vocab_size is not None and embed_dim is not None else None
    embeddings = contrib_variables.model_variable("embeddings", shape=shape, initializer=initializer,
                                                  regularizer=regularizer, trainable=trainable)
    return embedding_ops.embedding_lookup(embeddings, ids)
