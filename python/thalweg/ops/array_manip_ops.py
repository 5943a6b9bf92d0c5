"""Tensors rearranged: tiled, padded, reversed, as diagonals, as blocks; one_hot, meshgrid, unique."""

import numpy as np

from thalweg.framework import dtypes, ops, tensor_util
from thalweg.framework.constant_op import constant
from thalweg.framework.op_create import op as _op
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops
from thalweg.util.deprecation import deprecated_argument_lookup


def tile(input, multiples, name=None):  # noqa: A002
  """The input repeated multiples[i] times along axis i; `multiples` is a vector of int32 or int64."""
  return _op("Tile", name, (input, multiples))


def pad(tensor, paddings, mode="CONSTANT", name=None, constant_values=0):
  """The tensor with paddings[i] = (before, after) elements more along axis i: constant values, or the tensor's own,
  mirrored without its edges ("REFLECT") or with them ("SYMMETRIC"). ValueError for another mode."""
  mode = mode.upper()
  if mode == "CONSTANT":
    if isinstance(constant_values, Tensor) or constant_values != 0:
      result = _op("PadV2", name, (tensor, paddings, constant_values))
    else:
      result = _op("Pad", name, (tensor, paddings))
  elif mode in ("REFLECT", "SYMMETRIC"):
    result = _op("MirrorPad", name, (tensor, paddings), {"mode": mode})
  else:
    raise ValueError("Unknown padding mode: %s" % mode)
  return result


def reverse(tensor, axis, name=None):
  """The tensor with the order of elements turned round along the axes of `axis`, a vector."""
  return _op("ReverseV2", name, (tensor, axis))


reverse_v2 = reverse


def reverse_sequence(input, seq_lengths, seq_axis=None, batch_axis=None, name=None, seq_dim=None,  # noqa: A002
                     batch_dim=None):
  """The first seq_lengths[i] elements along `seq_axis` in reverse order, for each i along `batch_axis`."""
  seq_axis = deprecated_argument_lookup("seq_axis", seq_axis, "seq_dim", seq_dim)
  batch_axis = deprecated_argument_lookup("batch_axis", batch_axis, "batch_dim", batch_dim)
  return _op("ReverseSequence", name, (input, seq_lengths), {"seq_dim": seq_axis, "batch_dim": batch_axis or 0})


def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
  """[..., depth], or with depth at `axis`: `on_value` (1) where the position is the index, else `off_value` (0). An index
  outside of [0, depth) has no on_value."""
  with ops.name_scope(name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]) as name:
    on_exists, off_exists = on_value is not None, off_value is not None
    on_dtype = ops.convert_to_tensor(on_value).dtype.base_dtype if on_exists else None
    off_dtype = ops.convert_to_tensor(off_value).dtype.base_dtype if off_exists else None
    if on_exists or off_exists:
      if dtype is not None:
        if on_exists and on_dtype != dtype:
          raise TypeError(f"dtype {on_dtype} of on_value does not match dtype parameter {dtype}")
        if off_exists and off_dtype != dtype:
          raise TypeError(f"dtype {off_dtype} of off_value does not match dtype parameter {dtype}")
      else:
        dtype = on_dtype if on_exists else off_dtype
    elif dtype is None:
      dtype = dtypes.float32
    if not on_exists:
      on_value, on_dtype = ops.convert_to_tensor(1, dtype, name="on_value"), dtype
    if not off_exists:
      off_value, off_dtype = ops.convert_to_tensor(0, dtype, name="off_value"), dtype
    if on_dtype != off_dtype:
      raise TypeError(f"dtype {on_dtype} of on_value does not match dtype {off_dtype} of off_value")
    return _op("OneHot", name, (indices, depth, on_value, off_value), {"axis": -1 if axis is None else axis})


def sequence_mask(lengths, maxlen=None, dtype=dtypes.bool, name=None):
  """[*lengths' shape, maxlen]: whether the position is below the length. `maxlen` is the largest length by default."""
  from thalweg.ops import math_ops
  with ops.name_scope(name, "SequenceMask", [lengths, maxlen]):
    lengths = ops.convert_to_tensor(lengths)
    if maxlen is None:
      maxlen = math_ops.reduce_max(lengths, _all_dimensions(lengths))
      maxlen = math_ops.maximum(constant(0, maxlen.dtype), maxlen)
    else:
      maxlen = ops.convert_to_tensor(maxlen)
    if maxlen.shape.ndims is not None and maxlen.shape.ndims != 0:
      raise ValueError("maxlen must be scalar for sequence_mask")
    row_vector = _op("Range", None, (constant(0, maxlen.dtype), maxlen, constant(1, maxlen.dtype)))
    matrix = _op("Cast", None, (array_ops.expand_dims(lengths, -1),), {"DstT": maxlen.dtype})
    result = row_vector < matrix
    if dtype is None or result.dtype.base_dtype == dtypes.as_dtype(dtype).base_dtype:
      return result
    return math_ops.cast(result, dtype)


def _all_dimensions(x):
  if isinstance(x, Tensor) and x.shape.ndims is not None:
    return constant(np.arange(x.shape.ndims), dtype=dtypes.int32)
  from thalweg.ops import math_ops
  return math_ops.range(0, array_ops.rank(x))


def meshgrid(*args, **kwargs):
  """N tensors of rank N, the coordinates of a grid of N vectors; indexing="xy" swaps the first two axes, "ij" does not."""
  indexing, name = kwargs.pop("indexing", "xy"), kwargs.pop("name", "meshgrid")
  if kwargs:
    raise TypeError(f"'{list(kwargs)[0]}' is an invalid keyword argument for this function")
  if indexing not in ("xy", "ij"):
    raise ValueError("indexing parameter must be either 'xy' or 'ij'")
  with ops.name_scope(name, "meshgrid", args) as name:
    ndim = len(args)
    s0 = (1,) * ndim
    if not ndim:
      return []
    output = [array_ops.reshape(array_ops.stack(x), s0[:i] + (-1,) + s0[i + 1:]) for i, x in enumerate(args)]
    shapes = [array_ops.size(x) for x in args]
    if indexing == "xy" and ndim > 1:
      output[0] = array_ops.reshape(output[0], (1, -1) + (1,) * (ndim - 2))
      output[1] = array_ops.reshape(output[1], (-1, 1) + (1,) * (ndim - 2))
      shapes[0], shapes[1] = shapes[1], shapes[0]
    mult_fact = array_ops.ones(shapes, ops.convert_to_tensor(args[0]).dtype.base_dtype)
    return [x * mult_fact for x in output]


def unique(x, out_idx=dtypes.int32, name=None):
  """(the distinct elements of a vector in the order they come, the position of each element among them)."""
  return _op("Unique", name, (x,), {"out_idx": out_idx})


def unique_with_counts(x, out_idx=dtypes.int32, name=None):
  """unique(), and how often each distinct element occurs."""
  return _op("UniqueWithCounts", name, (x,), {"out_idx": out_idx})


def setdiff1d(x, y, index_dtype=dtypes.int32, name=None):
  """(the elements of the vector x that are not in y, in order, and their positions in x)."""
  return _op("ListDiff", name, (x, y), {"out_idx": index_dtype})


listdiff = setdiff1d


def unravel_index(indices, dims, name=None):
  """[dimensions, indices]: the coordinates of flat indices into an array of these sizes."""
  return _op("UnravelIndex", name, (indices, dims))


def searchsorted(sorted_sequence, values, side="left", out_type=dtypes.int32, name=None):
  """Where in its sorted row each value belongs: before the elements that equal it (side "left") or behind ("right").

  The tensors agree in all dimensions but the last.
  """
  if side not in ("left", "right"):
    raise ValueError("side must be either 'right' or 'left'.  Saw: %s." % side)
  length, count = array_ops.shape(sorted_sequence)[-1], array_ops.shape(values)[-1]
  rows = array_ops.reshape(sorted_sequence, [-1, length])
  wanted = array_ops.reshape(values, [-1, count])
  found = _op("LowerBound" if side == "left" else "UpperBound", name, (rows, wanted), {"out_type": out_type})
  return array_ops.reshape(found, array_ops.shape(values))


def invert_permutation(x, name=None):
  """y with y[x[i]] = i, for a vector x that holds 0 ... n - 1 once each; InvalidArgumentError for another."""
  return _op("InvertPermutation", name, (x,))


def diag(diagonal, name=None):
  """[*shape, *shape] with the elements on the diagonal and zeros elsewhere."""
  return _op("Diag", name, (diagonal,))


def diag_part(input, name=None):  # noqa: A002
  """The diagonal, of shape s, of a tensor [*s, *s]."""
  return _op("DiagPart", name, (input,))


def _is(value, number):
  return isinstance(value, (int, float)) and value == number


def _padding(padding_value, like):
  """A padding value of the dtype of `like`: a bool tensor takes no 0."""
  return bool(padding_value) if like.dtype.is_bool and isinstance(padding_value, int) else padding_value


def matrix_diag(diagonal, name="diag", k=0, num_rows=-1, num_cols=-1, padding_value=0):
  """Matrices with `diagonal` on diagonal number `k`, or its rows on diagonals k[1] down to k[0].

  diagonal is [..., n], or [..., k[1] - k[0] + 1, n]; the result [..., num_rows, num_cols], as small as it can be where a
  size is -1, with `padding_value` everywhere else.
  """
  if _is(k, 0) and _is(num_rows, -1) and _is(num_cols, -1) and _is(padding_value, 0):
    return _op("MatrixDiag", name, (diagonal,))
  diagonal = ops.convert_to_tensor(diagonal, name="diagonal")
  return _op("MatrixDiagV2", name, (diagonal, k, num_rows, num_cols, _padding(padding_value, diagonal)))


def matrix_diag_part(input, name="diag_part", k=0, padding_value=0):  # noqa: A002
  """Diagonal number `k` of matrices, or diagonals k[1] down to k[0] as rows, with `padding_value` behind short ones."""
  if _is(k, 0):
    return _op("MatrixDiagPart", name, (input,))
  input = ops.convert_to_tensor(input, name="input")  # noqa: A001
  return _op("MatrixDiagPartV2", name, (input, k, _padding(padding_value, input)))


def matrix_set_diag(input, diagonal, name="set_diag", k=0):  # noqa: A002
  """Matrices with diagonal `k`, or k[0] to k[1], replaced by what matrix_diag_part would give."""
  if _is(k, 0):
    return _op("MatrixSetDiag", name, (input, diagonal))
  return _op("MatrixSetDiagV2", name, (input, diagonal, k))


def matrix_band_part(input, num_lower, num_upper, name=None):  # noqa: A002
  """Matrices [..., m, n] with zeros beyond `num_lower` diagonals below the main one and `num_upper` above; negative
  keeps all."""
  return _op("MatrixBandPart", name, (input, num_lower, num_upper))


def bitcast(input, type, name=None):  # noqa: A002
  """The same bytes as another type; a last axis is added or taken away where the sizes of the types differ."""
  return _op("Bitcast", name, (input,), {"type": type})


def depth_to_space(input, block_size, name=None, data_format="NHWC"):  # noqa: A002
  """Images with block_size ** 2 times fewer channels, which lie in blocks beside each other."""
  return _op("DepthToSpace", name, (input,), {"block_size": block_size, "data_format": data_format})


def space_to_depth(input, block_size, name=None, data_format="NHWC"):  # noqa: A002
  """Images whose blocks of block_size x block_size pixels lie in channels."""
  return _op("SpaceToDepth", name, (input,), {"block_size": block_size, "data_format": data_format})


def space_to_batch(input, paddings, block_size=None, name=None, block_shape=None):  # noqa: A002
  """Images, padded, whose pixels at each place of a block lie in an image of their own."""
  if block_shape is not None:
    return space_to_batch_nd(input, block_shape, paddings, name)
  result = space_to_batch_nd(input, paddings=paddings, block_shape=np.array([block_size, block_size], dtype=np.int64),
                             name=name)
  result.set_shape(result.shape.with_rank(4))
  return result


def batch_to_space(input, crops, block_size, name=None, block_shape=None):  # noqa: A002
  """The inverse of space_to_batch: images put together from parts of the batch, and cropped."""
  if block_shape is not None:
    block_size = block_shape
  result = batch_to_space_nd(input, crops=crops, block_shape=np.array([block_size, block_size], dtype=np.int64),
                             name=name)
  result.set_shape(result.shape.with_rank(4))
  return result


def space_to_batch_nd(input, block_shape, paddings, name=None):  # noqa: A002
  """space_to_batch over as many axes as `block_shape` has elements; paddings are [axes, 2]."""
  return _op("SpaceToBatchND", name, (input, block_shape, paddings))


def batch_to_space_nd(input, block_shape, crops, name=None):  # noqa: A002
  """The inverse of space_to_batch_nd; crops are [axes, 2]."""
  return _op("BatchToSpaceND", name, (input, block_shape, crops))


def required_space_to_batch_paddings(input_shape, block_shape, base_paddings=None, name=None):
  """Paddings and crops that make input_shape divisible by block_shape."""
  with ops.name_scope(name, "required_space_to_batch_paddings", [input_shape, block_shape]):
    input_shape = ops.convert_to_tensor(input_shape, dtype=dtypes.int32, name="input_shape")
    block_shape = ops.convert_to_tensor(block_shape, dtype=dtypes.int32, name="block_shape")
    block_shape.shape.assert_is_fully_defined()
    block_shape.shape.assert_has_rank(1)
    num_block_dims = block_shape.shape.dims[0].value
    if num_block_dims == 0:
      return array_ops.zeros([0, 2], dtypes.int32), array_ops.zeros([0, 2], dtypes.int32)
    input_shape.shape.assert_is_compatible_with([num_block_dims])
    if base_paddings is not None:
      base_paddings = ops.convert_to_tensor(base_paddings, dtype=dtypes.int32, name="base_paddings")
      base_paddings.shape.assert_is_compatible_with([num_block_dims, 2])
    else:
      base_paddings = array_ops.zeros([num_block_dims, 2], dtypes.int32)
    const_input, const_block, const_base = (tensor_util.constant_value(t)
                                            for t in (input_shape, block_shape, base_paddings))
    if const_input is not None and const_block is not None and const_base is not None:
      input_shape, block_shape, base_paddings = const_input, const_block, const_base
    pad_start, orig_pad_end = base_paddings[:, 0], base_paddings[:, 1]
    full_input = input_shape + pad_start + orig_pad_end
    extra = (block_shape - full_input % block_shape) % block_shape
    pad_end = orig_pad_end + extra
    paddings = array_ops.stack([[pad_start[i], pad_end[i]] for i in range(num_block_dims)], name="paddings")
    crops = array_ops.stack([[0, extra[i]] for i in range(num_block_dims)], name="crops")
    return paddings, crops


def guarantee_const(input, name=None):  # noqa: A002
  """The input, of which the caller promises that no run changes it."""
  return _op("GuaranteeConst", name, (input,))


def repeat(input, repeats, axis=None, name=None):  # noqa: A002
  """Each element `repeats` times along an axis."""
  with ops.name_scope(name, "Repeat", [input, repeats]):
    data = ops.convert_to_tensor(input, name="input")
    if axis is None:
      data, axis = array_ops.reshape(data, [-1]), 0
    repeats = ops.convert_to_tensor(repeats, dtype=dtypes.int32, name="repeats")
    if axis < 0:
      axis += data.shape.ndims
    from thalweg.ops import math_ops
    if repeats.shape.ndims == 0:
      expanded = array_ops.expand_dims(data, axis + 1)
      multiples = array_ops.stack([1] * (axis + 1) + [repeats] + [1] * (data.shape.ndims - axis - 1))
      old = array_ops.shape(data)
      return array_ops.reshape(tile(expanded, multiples),
                               array_ops.concat([old[:axis], [old[axis] * repeats], old[axis + 1:]], 0))
    most = math_ops.reduce_max(repeats)
    multiples = array_ops.stack([1] * (axis + 1) + [most] + [1] * (data.shape.ndims - axis - 1))
    return array_ops.boolean_mask(tile(array_ops.expand_dims(data, axis + 1), multiples), sequence_mask(repeats, most),
                                  axis=axis)
