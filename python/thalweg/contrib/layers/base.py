"""How the functional layers are built: tf.layers in a variable scope of their own, with their variables in collections."""

import contextlib

from thalweg.contrib.framework import variables as contrib_variables
from thalweg.contrib.layers import utils
from thalweg.framework import ops
from thalweg.ops import variable_scope as vs
from thalweg.ops.partitioned_variable import PartitionedVariable

NCHW, NHWC = "NCHW", "NHWC"
NCDHW, NDHWC = "NCDHW", "NDHWC"


def check_layout(data_format, layouts=(NCHW, NHWC)):
  if data_format not in layouts:
    raise ValueError("data_format has to be either %s or %s." % layouts)


def channels(data_format):
  """tf.layers' word for a layout."""
  return "channels_first" if data_format and data_format.startswith("NC") else "channels_last"


def _model_variable_getter(getter, name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True,
                           collections=None, caching_device=None, partitioner=None, rename=None, use_resource=None,
                           synchronization=vs.VariableSynchronization.AUTO, aggregation=vs.VariableAggregation.NONE,
                           **_):
  """Makes what a layer gets a model variable, under the name that contrib.layers has for it."""
  head, _, tail = name.rpartition("/")
  tail = (rename or {}).get(tail, tail)
  return contrib_variables.model_variable(
      head + "/" + tail if head else tail, shape=shape, dtype=dtype, initializer=initializer, regularizer=regularizer,
      collections=collections, trainable=trainable, caching_device=caching_device, partitioner=partitioner,
      custom_getter=getter, use_resource=use_resource, synchronization=synchronization, aggregation=aggregation)


@contextlib.contextmanager
def layer_scope(scope, default_name, inputs, reuse=None, rename=None):
  """A variable scope in which layers make model variables, `rename`d."""

  def getter(getter, *args, **kwargs):
    return _model_variable_getter(getter, *args, rename=rename, **kwargs)

  with vs.variable_scope(scope, default_name, [inputs], reuse=reuse, custom_getter=getter) as sc:
    yield sc


def collect(variable, variables_collections, name):
  """Adds a variable to the collections for its name."""
  if variable is None:
    return
  parts = list(variable) if isinstance(variable, PartitionedVariable) else [variable]
  for collection in utils.get_variable_collections(variables_collections, name) or ():
    held = ops.get_collection(collection)
    for part in parts:
      if not any(part is v for v in held):
        ops.add_to_collection(collection, part)


def finish(outputs, normalizer_fn, normalizer_params, activation_fn, outputs_collections, name):
  """Normalisation, activation and the collections of outputs."""
  if normalizer_fn is not None:
    outputs = normalizer_fn(outputs, **(normalizer_params or {}))
  if activation_fn is not None:
    outputs = activation_fn(outputs)
  return utils.collect_named_outputs(outputs_collections, name, outputs)
