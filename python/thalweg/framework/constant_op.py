"""Constants."""

import struct

import numpy as np

from thalweg import _tensors
from thalweg._c import StatusError, ffi, lib
from thalweg.framework import attr_pack, dtypes, tensor_shape
from thalweg.framework.stack import get_default_graph
from thalweg.framework.values import to_array

_TYPE_ATTRS = {}


def constant(value, dtype=None, shape=None, name="Const", verify_shape=False):
  """A tensor with a value that never changes. `shape` repeats the last value as often as it takes."""
  return _constant_impl(value, dtype, shape, name, verify_shape)


def constant_v1(value, dtype=None, shape=None, name="Const", verify_shape=False):
  return _constant_impl(value, dtype, shape, name, verify_shape)


def _constant_impl(value, dtype, shape, name, verify_shape=False):
  if dtype is not None:
    dtype = dtypes.as_dtype(dtype).base_dtype
  array, dtype = to_array(value, dtype, shape, verify_shape)
  return add_const(array, dtype, name)


def add_const(array, dtype, name):
  """A Const node holding the array."""
  graph = get_default_graph()
  name = name or "Const"
  full = name[:-1] if name[-1] == "/" else graph.unique_name(name)
  tensor = _tensors.from_numpy(array, dtype)
  try:
    type_attr = _TYPE_ATTRS.get(dtype)
    if type_attr is None:
      type_attr = _TYPE_ATTRS[dtype] = attr_pack.pack("dtype", "type", dtype)
    attrs = type_attr + _VALUE_HEAD + struct.pack("=q", int(ffi.cast("intptr_t", tensor)))
    try:
      return graph._add("Const", full, (), attrs)._outputs[0]
    except StatusError as e:
      raise graph._creation_error(e, full) from None
  finally:
    lib.tw_tensor_release(tensor)


_VALUE_HEAD = attr_pack._frame("value", attr_pack.TENSOR, 1, b"\0" * 8)[:-8]


def is_constant(tensor_or_op):
  op = tensor_or_op.op if hasattr(tensor_or_op, "op") else tensor_or_op
  return op.type == "Const"


def shape_constant(shape):
  return constant(np.array(tensor_shape.as_shape(shape).as_list(), np.int32))
