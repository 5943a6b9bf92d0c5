"""Operations on variables' storage."""

from thalweg.framework import ops, tensor_shape
from thalweg.framework.op_create import op as _op
from thalweg.util.functions import named


def variable_op_v2(shape, dtype, name="Variable", container="", shared_name=""):
  shape = tensor_shape.as_shape(shape)
  return _op("VariableV2", name, (), {
      "shape": shape if shape.dims is None else tuple(shape.as_list()), "dtype": dtype,
      "container": container or ops.get_default_graph()._container, "shared_name": shared_name})


def is_variable_initialized(ref, name=None):
  if ref.dtype._is_ref_dtype:
    return _op("IsVariableInitialized", name, (ref,))
  return ref.is_initialized(name=name)


def _is_ref(ref):
  return ref.dtype._is_ref_dtype


def assign(ref, value, validate_shape=None, use_locking=None, name=None):
  """Writes a variable; the result is its new value."""
  if _is_ref(ref):
    return _op("Assign", name, (ref, value), {"validate_shape": validate_shape, "use_locking": use_locking})
  return ref.assign(value, name=name)


def assign_add(ref, value, use_locking=None, name=None):
  """The variable after adding a value of its shape."""
  if _is_ref(ref):
    return _op("AssignAdd", name, (ref, value), {"use_locking": use_locking})
  return ref.assign_add(value)


def assign_sub(ref, value, use_locking=None, name=None):
  """The variable after subtracting a value of its shape."""
  if _is_ref(ref):
    return _op("AssignSub", name, (ref, value), {"use_locking": use_locking})
  return ref.assign_sub(value)


def count_up_to(ref, limit, name=None):
  """The integer variable's value before it grows by 1; OutOfRangeError when it is `limit`."""
  if _is_ref(ref):
    return _op("CountUpTo", name, (ref,), {"limit": limit})
  return ref.count_up_to(limit)


def _scatter(fn_name, kind):

  def fn(ref, indices, updates, use_locking=kind == "Update", name=None):
    if _is_ref(ref):
      return _op("Scatter" + kind, name, (ref, indices, updates), {"use_locking": use_locking})
    return getattr(ref, fn_name)(ops.IndexedSlices(ops.convert_to_tensor(updates, ref.dtype),
                                                   ops.convert_to_tensor(indices)), name=name)

  return named(fn, fn_name, "The variable after `updates`, [*indices' shape, *slice], at its slices `indices`: %s." % kind.lower())


scatter_update = _scatter("scatter_update", "Update")
scatter_add = _scatter("scatter_add", "Add")
scatter_sub = _scatter("scatter_sub", "Sub")
scatter_mul = _scatter("scatter_mul", "Mul")
scatter_div = _scatter("scatter_div", "Div")
scatter_max = _scatter("scatter_max", "Max")
scatter_min = _scatter("scatter_min", "Min")


def _scatter_nd(fn_name, kind):

  def fn(ref, indices, updates, use_locking=kind == "Update", name=None):
    if _is_ref(ref):
      return _op("ScatterNd" + kind, name, (ref, indices, updates), {"use_locking": use_locking})
    return getattr(ref, fn_name)(indices, updates, name=name)

  return named(fn, fn_name, "The variable after `updates` at its elements or slices `indices`, [..., depth]: %s." % kind.lower())


scatter_nd_update = _scatter_nd("scatter_nd_update", "Update")
scatter_nd_add = _scatter_nd("scatter_nd_add", "Add")
scatter_nd_sub = _scatter_nd("scatter_nd_sub", "Sub")


def batch_scatter_update(ref, indices, updates, use_locking=True, name=None):
  """The variable with updates in place of its slices [*batch, indices]."""
  from thalweg.ops import array_ops, math_ops
  with ops.name_scope(name):
    indices = ops.convert_to_tensor(indices, name="indices")
    shape = array_ops.shape(indices)
    dims = indices.shape.ndims
    parts = []
    for d in range(dims - 1):
      size = array_ops.reshape(shape[d], [])
      view = [1] * dims
      view[d] = -1
      parts.append(array_ops.broadcast_to(array_ops.reshape(math_ops.range(size), view), shape))
    parts.append(indices)
    return scatter_nd_update(ref, array_ops.stack(parts, axis=-1), updates, use_locking, name)
