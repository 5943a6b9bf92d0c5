"""The base of layers: objects that make their variables on first use and apply them on every use."""

import copy
import inspect
import re
import weakref

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.ops import variable_scope as vs
from thalweg.ops import variables as tf_variables
from thalweg.util import nest

# How many layers of each class a graph has named.
_name_counts = weakref.WeakKeyDictionary()

class InputSpec(object):
  """What a layer expects of an input: rank, dtype, and sizes of some axes."""

  def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None):
    self.dtype = dtype
    self.shape = shape
    self.ndim = len(shape) if shape is not None else ndim
    self.max_ndim = max_ndim
    self.min_ndim = min_ndim
    self.axes = dict(axes) if axes else {}

  def get_config(self):
    return {"dtype": self.dtype, "shape": self.shape, "ndim": self.ndim, "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim, "axes": self.axes}

  @classmethod
  def from_config(cls, config):
    return cls(**config)

  def check(self, layer_name, tensor):
    """Raises ValueError in TensorFlow's words when the tensor does not fit."""
    shape = tensor.get_shape()
    if shape.ndims is None:
      if self.ndim is not None or self.min_ndim is not None or self.axes:
        raise ValueError("Input 0 of layer %s is incompatible with the layer: its rank is undefined, but the layer "
                         "requires a defined rank." % layer_name)
      return
    if self.ndim is not None and shape.ndims != self.ndim:
      raise ValueError("Input 0 of layer %s is incompatible with the layer: expected ndim=%d, found ndim=%d. Full shape "
                       "received: %s" % (layer_name, self.ndim, shape.ndims, shape.as_list()))
    if self.min_ndim is not None and shape.ndims < self.min_ndim:
      raise ValueError("Input 0 of layer %s is incompatible with the layer: : expected min_ndim=%d, found ndim=%d. Full "
                       "shape received: %s" % (layer_name, self.min_ndim, shape.ndims, shape.as_list()))
    for axis, size in self.axes.items():
      actual = shape.as_list()[int(axis)]
      if size is not None and actual not in (size, None):
        raise ValueError("Input 0 of layer %s is incompatible with the layer: expected axis %s of input shape to have "
                         "value %s but received input with shape %s" % (layer_name, axis, size, shape.as_list()))


def _snake_case(name):
  name = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
  return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


class Layer(object):
  """A function with variables. A subclass defines build(input_shape), which makes the variables with add_weight, and
  call(inputs), which uses them. Its name scopes the variables; two layers share variables by `_reuse` and a name, as
  variable scopes do.
  """

  def __init__(self, trainable=True, name=None, dtype=None, **kwargs):
    self._scope_argument = kwargs.pop("_scope", None)
    self._reuse = kwargs.pop("_reuse", None)
    self._activity_regularizer = kwargs.pop("activity_regularizer", None)
    if kwargs:
      raise TypeError("Keyword argument not understood: %s" % ", ".join(sorted(kwargs)))
    self.trainable = trainable
    self.built = False
    self.input_spec = None
    self.dtype = dtypes.as_dtype(dtype).name if dtype is not None else None
    self._set_name(name)
    self._scope = None
    self._graph = None
    self._trainable_weights, self._non_trainable_weights = [], []
    self._updates, self._losses = [], []
    if self._scope_argument:
      with vs.variable_scope(self._scope_argument) as captured:
        self._scope = captured

  def get_config(self):
    """What the layer can be made from again, as far as every layer has it."""
    return {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}

  def _set_name(self, name):
    """Layers without a name of their own are numbered per graph, from 1."""
    if isinstance(name, vs.VariableScope):
      self._base_name, name = name.name, None
    else:
      self._base_name = name or _snake_case(type(self).__name__)
    if not name:
      counts = _name_counts.setdefault(ops.get_default_graph(), {})
      key = _snake_case(type(self).__name__)
      counts[key] = counts.get(key, 0) + 1
      name = "%s_%d" % (key, counts[key])
    self._name = name

  @property
  def name(self):
    return self._name

  @property
  def graph(self):
    return self._graph

  @property
  def scope_name(self):
    if self._scope is None:
      raise ValueError('No name available for layer scope because the layer "%s" has not been used yet. The scope name '
                       "is determined the first time the layer instance is called. You must therefore call the layer "
                       "before querying `scope_name`." % self.name)
    return self._scope.name

  @property
  def trainable_weights(self):
    return self._trainable_weights if self.trainable else []

  @property
  def non_trainable_weights(self):
    if self.trainable:
      return self._non_trainable_weights
    return self._trainable_weights + self._non_trainable_weights

  @property
  def weights(self):
    return self.trainable_weights + self.non_trainable_weights

  variables = weights
  trainable_variables = trainable_weights
  non_trainable_variables = non_trainable_weights

  @property
  def updates(self):
    return self._updates

  @property
  def losses(self):
    return self._losses

  def add_update(self, updates, inputs=None):
    """Adds operations to run with a training step; they go into the UPDATE_OPS collection."""
    updates = list(updates) if isinstance(updates, (list, tuple)) else [updates]
    self._updates += [u.op if isinstance(u, ops.Tensor) else u for u in updates]
    _add_new(self._updates, ops.GraphKeys.UPDATE_OPS)

  def add_loss(self, losses, inputs=None):
    """Adds scalars to the loss; they go into the REGULARIZATION_LOSSES collection."""
    losses = list(losses) if isinstance(losses, (list, tuple)) else [losses]
    self._losses += losses
    _add_new(losses, ops.GraphKeys.REGULARIZATION_LOSSES)

  def add_weight(self, name, shape, dtype=None, initializer=None, regularizer=None, trainable=None, constraint=None,
                 use_resource=None, synchronization=tf_variables.VariableSynchronization.AUTO,
                 aggregation=tf_variables.VariableAggregation.NONE, partitioner=None, **kwargs):
    """A variable of the layer. Initializer None is the scope's, or Glorot's uniform one."""
    if kwargs:
      raise TypeError("Unknown keyword argument: %s" % ", ".join(sorted(kwargs)))
    if synchronization == tf_variables.VariableSynchronization.ON_READ:
      if trainable:
        raise ValueError("Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable "
                         "variables.")
      trainable = False
    elif trainable is None:
      trainable = True
    self._set_scope()
    with vs.variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False):
      before = set(tf_variables.global_variables()) if regularizer is not None else ()
      variable = vs.get_variable(
          name, shape=shape, dtype=dtypes.as_dtype(dtype or self.dtype or "float32"), initializer=initializer,
          trainable=trainable and self.trainable, constraint=constraint, partitioner=partitioner,
          use_resource=use_resource, synchronization=synchronization, aggregation=aggregation)
      if regularizer is not None and variable not in before:
        with ops.name_scope(name + "/Regularizer"):
          loss = regularizer(variable)
        if loss is not None:
          self.add_loss(loss)
    (self._trainable_weights if trainable else self._non_trainable_weights).append(variable)
    return variable

  add_variable = add_weight

  def _set_scope(self, scope=None):
    if self._scope is not None:
      return
    if self._reuse:
      with vs.variable_scope(scope if scope is not None else self._base_name) as captured:
        self._scope = captured
    else:
      with vs.variable_scope(scope, default_name=self._base_name) as captured:
        self._scope = captured

  def build(self, input_shape):
    """Makes the layer's variables."""
    self.built = True

  def call(self, inputs, **kwargs):
    raise NotImplementedError("%s defines no call()" % type(self).__name__)

  def __call__(self, inputs, *args, **kwargs):
    self._set_scope(kwargs.pop("scope", None))
    flat = [ops.convert_to_tensor_or_sparse_tensor(x) for x in nest.flatten(inputs)]
    inputs = nest.pack_sequence_as(inputs, flat) if nest.is_sequence(inputs) else flat[0]
    graph = flat[0].graph
    if self._graph is None:
      self._graph = graph
    elif self._graph is not graph:
      raise ValueError("Input graph and Layer graph are not the same: %s belongs to another graph." % flat[0])
    if self.dtype is None:
      self.dtype = flat[0].dtype.base_dtype.name
    with vs.variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False) as scope:
      with ops.name_scope(scope.original_name_scope):
        if self.input_spec is not None:
          self.input_spec.check(self.name, flat[0])
        if not self.built:
          self.build(nest.map_structure(lambda x: x.get_shape(), inputs))
          self.built = True
          if self.input_spec is not None:
            # What build() learned about the inputs holds for these as well.
            self.input_spec.check(self.name, flat[0])
        if self._takes_scope():
          kwargs["scope"] = scope
        outputs = self.call(inputs, *args, **kwargs)
        if self._activity_regularizer is not None:
          with ops.name_scope("ActivityRegularizer"):
            self.add_loss(self._activity_regularizer(outputs))
    return outputs

  def _takes_scope(self):
    parameters = inspect.signature(self.call).parameters
    return "scope" in parameters

  def __deepcopy__(self, memo):
    """A layer with the same settings; graphs, scopes and tensors are shared."""
    made = type(self).__new__(type(self))
    memo[id(self)] = made
    for key, value in self.__dict__.items():
      if key == "_graph" or _holds_tensors(value):
        made.__dict__[key] = value
      elif isinstance(value, (vs.VariableScope, vs.variable_scope)):
        made.__dict__[key] = copy.copy(value)
      else:
        made.__dict__[key] = copy.deepcopy(value, memo)
    return made

  apply = __call__

  def compute_output_shape(self, input_shape):
    """The shape of the output for an input of this shape."""
    with ops.Graph().as_default():
      clone = type(self).__new__(type(self))
      clone.__dict__.update(self.__dict__, built=False, _scope=None, _graph=None, _trainable_weights=[],
                            _non_trainable_weights=[], _updates=[], _losses=[])
      placeholder = ops.op("Placeholder", None, [], {"dtype": self.dtype or "float32",
                                                     "shape": tensor_shape.as_shape(input_shape)})
      return clone(placeholder).get_shape()


def _holds_tensors(value):
  if isinstance(value, (list, tuple)):
    return bool(value) and all(_holds_tensors(v) for v in value)
  return isinstance(value, (ops.Tensor, tf_variables.Variable, tf_variables.PartitionedVariable))


def _add_new(elements, collection):
  """Adds what the collection does not hold yet."""
  held = ops.get_collection_ref(collection)
  for e in elements:
    if not any(e is h for h in held):
      held.append(e)
