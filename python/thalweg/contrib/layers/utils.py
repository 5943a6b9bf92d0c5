"""Collections and aliases of layers' outputs, and arguments in the forms that layers want."""

import collections
import weakref

from thalweg.framework import ops, tensor_util
from thalweg.ops import variables
from thalweg.ops.cond import cond

# Aliases by graph and name of the tensor.
_aliases = weakref.WeakKeyDictionary()

NamedOutputs = collections.namedtuple("NamedOutputs", ["name", "outputs"])


def collect_named_outputs(collections, alias, outputs):  # noqa: F811  (TensorFlow's name)
  """Adds outputs to collections, under an alias."""
  if collections:
    append_tensor_alias(outputs, alias)
    ops.add_to_collections(collections, outputs)
  return outputs


def append_tensor_alias(tensor, alias):
  alias = alias[:-1] if alias[-1] == "/" else alias
  aliases = _aliases.setdefault(tensor.graph, {}).setdefault(tensor.name, [])
  aliases.append(alias)
  return tensor


def get_tensor_aliases(tensor):
  """The aliases of a tensor; its name when it has none."""
  found = _aliases.get(tensor.graph, {}).get(tensor.name)
  if found:
    return found
  return [tensor.op.name if tensor.name[-2:] == ":0" else tensor.name]


def gather_tensors_aliases(tensors):
  return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


def convert_collection_to_dict(collection, clear_collection=False):
  """The tensors of a collection by alias, in order."""
  found = collections.OrderedDict((alias, tensor) for tensor in ops.get_collection(collection)
                                  for alias in get_tensor_aliases(tensor))
  if clear_collection:
    ops.get_default_graph().clear_collection(collection)
  return found


def constant_value(value_or_tensor_or_var, dtype=None):
  """The value when it is known now; None for a variable or a tensor that a run computes."""
  if value_or_tensor_or_var is None:
    raise ValueError("value_or_tensor_or_var cannot be None")
  value = value_or_tensor_or_var
  if not isinstance(value, (ops.Tensor, variables.Variable)):
    return value
  if dtype and value.dtype != dtype:
    raise ValueError("It has the wrong type %s instead of %s" % (value.dtype, dtype))
  return None if isinstance(value, variables.Variable) else tensor_util.constant_value(value)


def static_cond(pred, fn1, fn2):
  if not callable(fn1):
    raise TypeError("fn1 must be callable.")
  if not callable(fn2):
    raise TypeError("fn2 must be callable.")
  return fn1() if pred else fn2()


def smart_cond(pred, fn1, fn2, name=None):
  """fn1() or fn2(), chosen now when the condition is known, else when the graph runs."""
  known = constant_value(pred)
  return static_cond(known, fn1, fn2) if known is not None else cond(pred, fn1, fn2, name=name)


def get_variable_collections(variables_collections, name):
  """The collections for a variable: those of its name in a dictionary, else all."""
  return variables_collections.get(name, None) if isinstance(variables_collections, dict) else variables_collections


def _dimension(shape, dim, min_rank):
  dims = shape.dims
  if dims is None:
    raise ValueError("dims of shape must be known but is None")
  if len(dims) < min_rank:
    raise ValueError("rank of shape must be at least %d not: %d" % (min_rank, len(dims)))
  if dims[dim].value is None:
    raise ValueError("dimension %d of shape must be known but is None: %s" % (dim, shape))
  return dims[dim].value


def channel_dimension(shape, data_format, min_rank=1):
  return _dimension(shape, 1 if data_format == "channels_first" else -1, min_rank)


def last_dimension(shape, min_rank=1):
  return _dimension(shape, -1, min_rank)


def two_element_tuple(int_or_tuple):
  """An int twice, or the two of a list."""
  if isinstance(int_or_tuple, (list, tuple)):
    if len(int_or_tuple) != 2:
      raise ValueError("Must be a list with 2 elements: %s" % (int_or_tuple,))
    return int(int_or_tuple[0]), int(int_or_tuple[1])
  if isinstance(int_or_tuple, int):
    return int(int_or_tuple), int(int_or_tuple)
  if hasattr(int_or_tuple, "as_list") and len(int_or_tuple) == 2:
    return tuple(int_or_tuple.as_list())
  raise ValueError("Must be an int, a list with 2 elements or a TensorShape of length 2")


def n_positive_integers(n, value):
  """A positive int n times, or a sequence of n of them."""
  if int(n) < 1 or int(n) != n:
    raise ValueError("n must be a positive integer")
  try:
    values = (int(value),) * int(n)
  except (TypeError, ValueError):
    try:
      values = tuple(int(x) for x in value)
    except (TypeError, ValueError):
      values = ()
    if len(values) != n:
      raise ValueError("Expected sequence of %d positive integers, but received %r" % (n, value))
  for v in values:
    if v < 1:
      raise ValueError("expected positive integer, but received %d" % v)
  return values
