"""Ordering and grouping of operations."""

import builtins

from thalweg.framework import dtypes, node_count, ops, tensor_util
from thalweg.framework.op_create import op as _op
from thalweg.framework.tensor import IndexedSlices, Tensor
from thalweg.ops import array_ops


def no_op(name=None):
  """An operation that does nothing; others can wait for what it waits for."""
  return _op("NoOp", name, ())


def identity(data, name=None):
  """The same value, through an Identity for each part."""
  if isinstance(data, IndexedSlices):
    values = array_ops.identity(data.values, name=name)
    indices = array_ops.identity(data.indices, name="indices")
    dense_shape = None if data.dense_shape is None else array_ops.identity(data.dense_shape, name="dense_shape")
    return IndexedSlices(values, indices, dense_shape)
  data = ops.convert_to_tensor_or_sparse_tensor(data)
  if isinstance(data, Tensor):
    if data.dtype._is_ref_dtype:
      return _op("RefIdentity", name, (data,))
    return array_ops.identity(data, name=name)
  from thalweg.framework.sparse_tensor import SparseTensor
  return SparseTensor(array_ops.identity(data.indices, name="indices"), array_ops.identity(data.values, name=name),
                      array_ops.identity(data.dense_shape, name="dense_shape"))


_Identity = identity


def with_dependencies(dependencies, output_tensor, name=None):
  """`output_tensor`, available only after the dependencies have run."""
  with ops.name_scope(name, "control_dependency", list(dependencies) + [output_tensor]) as name:
    with ops.colocate_with(output_tensor):
      with ops.control_dependencies(dependencies):
        output_tensor = ops.convert_to_tensor_or_indexed_slices(output_tensor)
        return identity(output_tensor, name=name)


def _group_on_device(deps, device, name=None):
  with ops.control_dependencies(deps):
    if device is None:
      return no_op(name=name)
    with ops.device(device):
      return no_op(name=name)


def group(*inputs, **kwargs):
  """An operation that has run when all of the inputs have."""
  if not inputs:
    return no_op(name=kwargs.get("name"))
  name = kwargs.pop("name", None)
  if kwargs:
    raise ValueError("Unknown keyword arguments: " + ", ".join(kwargs))
  flat = _flatten(inputs)
  with ops.name_scope(name, "group_deps", flat) as name:
    on_device = {}
    for inp in flat:
      if not hasattr(inp, "device"):
        raise TypeError("Expected tf.group() expected Tensor objects not '%s' with type '%s'" % (inp, type(inp)))
      on_device.setdefault(inp.device, []).append(inp)
    if len(on_device) == 1:
      (device, deps), = on_device.items()
      return _group_on_device(deps, device or None, name=name)
    all_deps = []
    for device in sorted(on_device):
      all_deps.append(_group_on_device(on_device[device], device or None))
    with ops.control_dependencies(all_deps):
      return no_op(name=name)


def _flatten(values):
  flat = []
  for v in values:
    if isinstance(v, (list, builtins.tuple)):
      flat.extend(_flatten(v))
    elif isinstance(v, dict):
      flat.extend(_flatten([v[k] for k in sorted(v)]))
    else:
      flat.append(v)
  return flat


def tuple(tensors, name=None, control_inputs=None):  # noqa: A001
  """The tensors, each available only when all are."""
  with ops.name_scope(name, "tuple", tensors) as name:
    tensors = [t if (isinstance(t, (ops.Operation, Tensor, IndexedSlices)) or t is None or
                     hasattr(t, "_as_graph_element")) else ops.convert_to_tensor(t) for t in tensors]
    gating = [t if isinstance(t, ops.Operation) else t.op for t in tensors if t is not None]
    for c in control_inputs or ():
      if isinstance(c, Tensor):
        c = c.op
      elif not isinstance(c, ops.Operation):
        raise TypeError("Control input must be Operation or Tensor: %s" % c)
      gating.append(c)
    if not gating:
      raise ValueError("Must have at least one Tensor: %s" % tensors)
    unique = sorted(set(gating), key=lambda op: op._id)
    gate = group(*unique)
    result = []
    for t in tensors:
      if t is not None and not isinstance(t, ops.Operation):
        result.append(with_dependencies([gate], t))
      elif t is not None:
        with ops.control_dependencies([gate]):
          result.append(group(t))
      else:
        result.append(None)
    return result


# Switch, two pivots, pred_id, NoOp, two control_dependency and Merge.
_NODES_OF_GUARD = 8


def Assert(condition, data, summarize=None, name=None):  # noqa: N802
  """An operation that fails with the data in its message unless the condition holds."""
  with ops.name_scope(name, "Assert", [condition, data]):
    condition = ops.convert_to_tensor(condition, dtype=dtypes.bool, name="condition")
    data, attrs = list(data), {"summarize": 3 if summarize is None else summarize}
    tensors = [d for d in data if hasattr(d, "op")]
    graph = ops.get_default_graph()
    # TensorFlow converts the data twice, and puts an assertion about data that may lie on a device into a cond().
    node_count.add(graph, len(data) - len(tensors))
    if all(t.dtype.base_dtype in (dtypes.string, dtypes.int32) for t in tensors) and not any(
        isinstance(d, (float, bool)) for d in data):
      return _op("Assert", "Assert", (condition, data), attrs)
    node_count.add(graph, _NODES_OF_GUARD + len({condition, *tensors}))
    return _op("Assert", "AssertGuard/Assert", (condition, data), attrs)


def smart_constant_value(pred):
  """The Python truth of a condition that is known now; None for one that is not."""
  if pred in (0, 1) and not isinstance(pred, Tensor):
    return bool(pred)
  if isinstance(pred, Tensor):
    value = tensor_util.constant_value(pred)
    return None if value is None else bool(value)
  raise TypeError("`pred` must be a Tensor, or a Python bool, or 1 or 0. Found instead: %s" % type(pred))


_ELSEWHERE = {"cond": "cond", "case": "cond", "switch_case": "cond", "smart_cond": "cond", "while_loop": "while_loop"}


def __getattr__(name):
  """Branches and loops, whose modules use this one, by this name too."""
  if name not in _ELSEWHERE:
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
  import importlib
  return getattr(importlib.import_module("thalweg.ops." + _ELSEWHERE[name]), name)
