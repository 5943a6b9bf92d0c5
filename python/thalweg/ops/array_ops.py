"""Making, shaping and indexing tensors."""

import builtins
import sys

import numpy as np

from thalweg.framework import dtypes, ops, sparse_tensor, tensor_shape, tensor_util
from thalweg.framework.constant_op import constant, filled
from thalweg.framework.op_create import op as _op
from thalweg.framework.tensor import Tensor
from thalweg.util.deprecation import deprecated_argument_lookup

newaxis = None
_SHAPE_CONSTANT_BELOW = 1000


def placeholder(dtype, shape=None, name=None):
  """A tensor whose value must be fed."""
  return _op("Placeholder", name, (), {"dtype": dtype, "shape": tensor_shape.as_shape(shape)
                                       if shape is None or not isinstance(shape, (list, tuple)) else shape})


def placeholder_with_default(input, shape, name=None):  # noqa: A002
  """A tensor that may be fed, with values compatible with `shape`; `input` where it is not."""
  return _op("PlaceholderWithDefault", name, (input,), {"shape": tensor_shape.as_shape(shape)})


def sparse_placeholder(dtype, shape=None, name=None):
  """A SparseTensor that must be fed, with a SparseTensorValue or a triple of indices, values and shape."""
  if shape is None:
    dense_shape = placeholder(dtypes.int64, shape=[None], name=(name + "/shape") if name is not None else None)
    rank = None
  else:
    if isinstance(shape, Tensor):
      dense_shape, rank = shape, shape.shape[0]
    else:
      rank = len(shape)
      dense_shape = ops.convert_to_tensor(tuple(-1 if d is None else d for d in shape), dtype=dtypes.int64,
                                          name=(name + "/shape") if name is not None else None)
  return sparse_tensor.SparseTensor(
      values=placeholder(dtype, shape=[None], name=(name + "/values") if name is not None else None),
      indices=placeholder(dtypes.int64, shape=[None, rank], name=(name + "/indices") if name is not None else None),
      dense_shape=dense_shape)


def identity(input, name=None):  # noqa: A002
  """A tensor with the same values; a new operation, which control dependencies and names can hang on."""
  return _op("Identity", name, (input,))


def identity_n(input, name=None):  # noqa: A002
  """A list of tensors with the values of those given, all of them ready before any is."""
  return _op("IdentityN", name, (input,))


def stop_gradient(input, name=None):  # noqa: A002
  """The input, through which no gradient flows."""
  return _op("StopGradient", name, (input,))


def prevent_gradient(input, message="", name=None):  # noqa: A002
  return _op("PreventGradient", name, (input,), {"message": message})


def check_numerics(tensor, message, name=None):
  """The tensor; InvalidArgumentError with `message` when an element is NaN or infinite."""
  return _op("CheckNumerics", name, (tensor,), {"message": message})


# --- filled tensors ---

def _constant_if_small(value, shape, dtype, name):
  try:
    if np.prod(shape) < _SHAPE_CONSTANT_BELOW:
      return constant(value, shape=shape, dtype=dtype, name=name)
  except (TypeError, NotImplementedError):
    # The shape holds tensors or unknown sizes.
    pass
  return None


def _filled(value, shape, dtype, name):
  if not isinstance(shape, Tensor):
    try:
      if shape.__class__ is tensor_shape.TensorShape and shape.is_fully_defined():
        shape = shape.as_list()
      if shape.__class__ is list or shape.__class__ is tuple:
        small = filled(value, shape, dtype, name)
        if small is not None:
          return small
      small = _constant_if_small(value, shape, dtype, name)
      if small is not None:
        return small
      shape = ops.convert_to_tensor(tensor_shape.TensorShape(shape))
    except (TypeError, ValueError):
      shape = ops.convert_to_tensor(shape, dtype=dtypes.int32)
  if not shape._shape_tuple():
    shape = reshape(shape, [-1])
  return fill(shape, constant(value, dtype=dtype), name=name)


def zeros(shape, dtype=dtypes.float32, name=None):
  """Zeros of a shape (a list, TensorShape or vector of ints); False for booleans, empty strings for strings."""
  dtype = dtypes.as_dtype(dtype).base_dtype
  with ops.name_scope(name, "zeros", [shape]) as name:
    value = False if dtype == dtypes.bool else "" if dtype == dtypes.string else 0
    return _filled(value, shape, dtype, name)


def ones(shape, dtype=dtypes.float32, name=None):
  """Ones of a shape (a list, TensorShape or vector of ints); True for booleans."""
  dtype = dtypes.as_dtype(dtype).base_dtype
  with ops.name_scope(name, "ones", [shape]) as name:
    return _filled(True if dtype == dtypes.bool else 1, shape, dtype, name)


def fill(dims, value, name=None):
  """The scalar `value` everywhere in a tensor of the shape `dims`."""
  return _op("Fill", name, (dims, value))


def zeros_like(tensor, dtype=None, name=None, optimize=True):
  """Zeros of the tensor's shape, and of its type unless `dtype` says another."""
  with ops.name_scope(name, "zeros_like", [tensor]) as name:
    tensor = ops.convert_to_tensor(tensor, name="tensor")
    dtype = None if dtype is None else dtypes.as_dtype(dtype)
    if optimize and tensor.shape.is_fully_defined() and tensor.dtype != dtypes.variant:
      return zeros(tensor.shape, dtype=dtype or tensor.dtype, name=name)
    if dtype is not None and dtype != tensor.dtype and dtype != dtypes.variant:
      return zeros(shape_internal(tensor, optimize=optimize), dtype=dtype, name=name)
    return _op("ZerosLike", name, (tensor,))


def ones_like(tensor, dtype=None, name=None, optimize=True):
  """Ones of the tensor's shape, and of its type unless `dtype` says another."""
  with ops.name_scope(name, "ones_like", [tensor]) as name:
    tensor = ops.convert_to_tensor(tensor, name="tensor")
    result = ones(shape_internal(tensor, optimize=optimize), dtype=dtype or tensor.dtype, name=name)
    result.set_shape(tensor.shape)
    return result


# --- shapes ---

def shape(input, name=None, out_type=dtypes.int32):  # noqa: A002
  """The shape as a vector of int32 or int64; a constant where it is known."""
  return shape_internal(input, name, optimize=True, out_type=out_type)


def shape_internal(input, name=None, optimize=True, out_type=dtypes.int32):  # noqa: A002
  with ops.name_scope(name, "Shape", [input]) as name:
    if isinstance(input, (sparse_tensor.SparseTensor, sparse_tensor.SparseTensorValue)):
      from thalweg.ops import math_ops
      return math_ops.cast(input.dense_shape, out_type)
    input = ops.convert_to_tensor(input)  # noqa: A001
    if optimize and input.shape.is_fully_defined():
      return constant(input.shape.as_list(), out_type, name=name)
    return _op("Shape", name, (input,), {"out_type": out_type})


def shape_n(input, out_type=dtypes.int32, name=None):  # noqa: A002
  """The shapes of a list of tensors, as a list of vectors."""
  return _op("ShapeN", name, (input,), {"out_type": out_type})


def size(input, name=None, out_type=dtypes.int32):  # noqa: A002
  """The number of elements, a scalar; a constant where the shape is known."""
  return size_internal(input, name, optimize=True, out_type=out_type)


def size_internal(input, name=None, optimize=True, out_type=dtypes.int32):  # noqa: A002
  with ops.name_scope(name, "Size", [input]) as name:
    if isinstance(input, (sparse_tensor.SparseTensor, sparse_tensor.SparseTensorValue)):
      from thalweg.ops import math_ops
      return math_ops.reduce_prod(math_ops.cast(input.dense_shape, out_type), 0, name=name)
    input = ops.convert_to_tensor(input)  # noqa: A001
    if optimize and input.shape.is_fully_defined():
      return constant(input.shape.num_elements(), out_type, name=name)
    return _op("Size", name, (input,), {"out_type": out_type})


def rank(input, name=None):  # noqa: A002
  """The number of axes, an int32 scalar; a constant where it is known."""
  return rank_internal(input, name, optimize=True)


def rank_internal(input, name=None, optimize=True):  # noqa: A002
  with ops.name_scope(name, "Rank", [input]) as name:
    if isinstance(input, (sparse_tensor.SparseTensor, sparse_tensor.SparseTensorValue)):
      return _op("Size", name, (input.dense_shape,))
    input = ops.convert_to_tensor(input)  # noqa: A001
    if optimize and input.shape.ndims is not None:
      return constant(input.shape.ndims, dtypes.int32, name=name)
    return _op("Rank", name, (input,))


def reshape(tensor, shape, name=None):  # noqa: A002
  """The elements in the same order in another shape, of which one size may be -1 and follows from the others."""
  return _op("Reshape", name, (tensor, shape))


def expand_dims(input, axis=None, name=None, dim=None):  # noqa: A002
  """The input with an axis of size 1 more, at `axis`, counted from the end when negative."""
  axis = deprecated_argument_lookup("axis", axis, "dim", dim)
  if axis is None:
    raise ValueError("Must specify an axis argument to tf.expand_dims()")
  return _op("ExpandDims", name, (input, axis))


def squeeze(input, axis=None, name=None, squeeze_dims=None):  # noqa: A002
  """The input without its axes of size 1: all, or those of `axis`, which must have that size."""
  axis = deprecated_argument_lookup("axis", axis, "squeeze_dims", squeeze_dims)
  if axis is None:
    axis = []
  if np.isscalar(axis):
    axis = [axis]
  return _op("Squeeze", name, (input,), {"squeeze_dims": [int(a) for a in axis]})


def transpose(a, perm=None, name="transpose", conjugate=False):
  """The dimensions of `a` in the order `perm`; reversed when it is None."""
  with ops.name_scope(name, "transpose", [a]) as name:
    op_type = "ConjugateTranspose" if conjugate else "Transpose"
    if perm is not None:
      return _op(op_type, name, (a, perm))
    a = ops.convert_to_tensor(a, name="a")
    if a.shape.ndims is None:
      from thalweg.ops import math_ops
      rank_t = _op("Rank", None, (a,))
      perm = (rank_t - 1) - math_ops.range(0, rank_t, 1)
    else:
      perm = (a.shape.ndims - 1) - np.arange(0, a.shape.ndims, 1)
    result = _op(op_type, name, (a, perm))
    if a.shape.dims is not None:
      result.set_shape(a.shape.dims[::-1])
    return result


def matrix_transpose(a, name="matrix_transpose", conjugate=False):
  """The last two axes swapped; conjugated, too, with `conjugate`."""
  with ops.name_scope(name, values=[a]):
    a = ops.convert_to_tensor(a, name="a")
    n = a.shape.ndims
    if n is not None:
      if n < 2:
        raise ValueError("Argument 'a' should be a (batch) matrix, with rank >= 2.  Found: %s" % a.shape)
      perm = list(builtins.range(n - 2)) + [n - 1, n - 2]
    else:
      from thalweg.ops import math_ops
      a_rank = rank(a)
      perm = concat((math_ops.range(a_rank - 2), [a_rank - 1, a_rank - 2]), 0)
    return transpose(a, perm=perm, conjugate=conjugate)


def broadcast_to(input, shape, name=None):  # noqa: A002
  """The input repeated along its axes of size 1, and along new ones in front, to have the shape."""
  return _op("BroadcastTo", name, (input, shape))


def broadcast_static_shape(shape_x, shape_y):
  """The TensorShape that two broadcast to; ValueError when they do not."""
  x, y = tensor_shape.as_shape(shape_x), tensor_shape.as_shape(shape_y)
  if x.ndims is None or y.ndims is None:
    return tensor_shape.unknown_shape()
  dims = []
  xs, ys = list(reversed(x.dims)), list(reversed(y.dims))
  one = tensor_shape.Dimension(1)
  for i in builtins.range(max(len(xs), len(ys))):
    a = xs[i] if i < len(xs) else one
    b = ys[i] if i < len(ys) else one
    if a.value == 1:
      dims.append(b)
    elif b.value == 1:
      dims.append(a)
    elif a.value is None or b.value is None:
      known = a.value if b.value is None else b.value
      dims.append(tensor_shape.Dimension(known if known is not None and known > 1 else None))
    elif a.value == b.value:
      dims.append(a)
    else:
      raise ValueError("Incompatible shapes for broadcasting: %s and %s" % (shape_x, shape_y))
  return tensor_shape.TensorShape(list(reversed(dims)))


def broadcast_dynamic_shape(shape_x, shape_y):
  """The shape that two shapes, as vectors, broadcast to."""
  return _op("BroadcastArgs", None, (shape_x, shape_y))


# --- joining and parting ---

def concat(values, axis, name="concat"):
  """The tensors, which agree in all other axes, one after another along `axis`."""
  if not isinstance(values, (list, tuple)):
    values = [values]
  if len(values) == 1:
    with ops.name_scope(name):
      ops.convert_to_tensor(axis, name="concat_dim", dtype=dtypes.int32).shape.assert_has_rank(0)
      return identity(values[0], name=name)
  return _op("ConcatV2", name, (list(values), axis))


def split(value, num_or_size_splits, axis=0, num=None, name="split"):
  """A list of parts along `axis`: so many equal ones, or ones of the sizes in a list or vector."""
  size_splits = ops.convert_to_tensor(num_or_size_splits)
  if isinstance(num_or_size_splits, (int, np.integer, tensor_shape.Dimension)):
    return _op("Split", name, (axis, value), {"num_split": int(num_or_size_splits)})
  if size_splits.shape.ndims == 0:
    raise ValueError("Rank-0 tensors are not supported as the num_or_size_splits argument to split. Argument provided: "
                     "%s" % (num_or_size_splits,))
  if num is None:
    size_splits_shape = size_splits._shape_tuple()
    if size_splits_shape:
      num = size_splits_shape[0]
    if num is None:
      raise ValueError("Cannot infer num from shape %s" % (num_or_size_splits,))
  return _op("SplitV", name, (value, size_splits, axis), {"num_split": num})


def stack(values, axis=0, name="stack"):
  """Tensors of one shape as one tensor of a rank more."""
  if axis == 0:
    try:
      # A list of plain numbers becomes one constant; one with tensors in it is packed by the conversion.
      return ops.convert_to_tensor(values, name=name)
    except (TypeError, ValueError):
      pass
  value_shape = ops.convert_to_tensor(values[0], name=name)._shape_tuple()
  if value_shape is not None:
    expanded = len(value_shape) + 1
    if axis < -expanded or axis >= expanded:
      raise ValueError("axis = %d not in [%d, %d)" % (axis, -expanded, expanded))
  return _op("Pack", name, (list(values) if not isinstance(values, (list, tuple)) else values,), {"axis": axis})


def pack(values, axis=0, name="pack"):
  """stack(), by its old name."""
  return stack(values, axis, name)


def unstack(value, num=None, axis=0, name="unstack"):
  """The list of slices along `axis`, without that axis. ValueError when its size is unknown and `num` is not given."""
  if num is None:
    value = ops.convert_to_tensor(value)
    value_shape = value.shape
    if value_shape.ndims is not None:
      if axis < -value_shape.ndims or axis >= value_shape.ndims:
        raise ValueError("axis = %d not in [%d, %d)" % (axis, -value_shape.ndims, value_shape.ndims))
      num = value_shape.dims[axis].value
  if num is None:
    raise ValueError("Cannot infer num from shape %s" % value_shape)
  return _op("Unpack", name, (value,), {"num": num, "axis": axis})


unpack = unstack


def _autopack(list_or_tuple, dtype, name):
  """A tensor of nested lists some of whose leaves are tensors."""
  inferred = _leaf_dtype(list_or_tuple)
  if dtype is not None and inferred is not None and dtype != inferred:
    list_or_tuple = _cast_leaves(list_or_tuple, dtype)
  return _pack_level(list_or_tuple, dtype or inferred, name)


def _cast_leaves(values, dtype):
  from thalweg.ops import math_ops
  if isinstance(values, (list, tuple)):
    return [_cast_leaves(v, dtype) for v in values]
  if isinstance(values, Tensor) and values.dtype.base_dtype != dtype:
    return math_ops.cast(values, dtype)
  return values


def _first_tensor(values):
  for v in values:
    if isinstance(v, (list, tuple)):
      found = _first_tensor(v)
      if found is not None:
        return found
    elif isinstance(v, Tensor) or hasattr(v, "_as_graph_element"):
      return v
  return None


def _leaf_dtype(values):
  first = _first_tensor(values)
  return None if first is None else first.dtype.base_dtype


def _pack_level(values, dtype, name):
  must_pack, converted = False, []
  with ops.name_scope(name) as scope:
    for i, v in enumerate(values):
      if isinstance(v, Tensor) or hasattr(v, "_as_graph_element"):
        v = ops.convert_to_tensor(v)
        if dtype is not None and v.dtype.base_dtype != dtype:
          raise TypeError("Cannot convert a list containing a tensor of dtype %s to %s (Tensor is: %r)" % (
              v.dtype, dtype, v))
        converted.append(v)
        must_pack = True
      elif isinstance(v, (list, tuple)):
        part = _pack_level(v, dtype, str(i))
        must_pack = must_pack or isinstance(part, Tensor)
        converted.append(part)
      else:
        converted.append(v)
    if not must_pack:
      return converted
    parts = [v if isinstance(v, Tensor) else constant(v, dtype=dtype, name=str(i)) for i, v in enumerate(converted)]
    return _op("Pack", scope, (parts,))


# These modules use what is above.
from thalweg.ops.indexing_ops import (  # noqa: E402, F401
    _batch_gather, _check_index, _slice_helper, batch_gather, boolean_mask, gather, gather_nd, scatter_nd, slice,
    strided_slice, where, where_v2)
from thalweg.ops.array_manip_ops import (  # noqa: E402, F401
    _all_dimensions, batch_to_space, batch_to_space_nd, bitcast, depth_to_space, diag, diag_part, guarantee_const,
    invert_permutation, listdiff, matrix_band_part, matrix_diag, matrix_diag_part, matrix_set_diag, meshgrid, one_hot,
    pad, repeat, required_space_to_batch_paddings, reverse, reverse_sequence, reverse_v2, searchsorted,
    sequence_mask, setdiff1d, space_to_batch, space_to_batch_nd, space_to_depth, tile, unique, unique_with_counts,
    unravel_index)
