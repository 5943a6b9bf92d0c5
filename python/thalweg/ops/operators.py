"""What +, *, @, < and the other operators do with tensors."""

from thalweg.framework import dtypes, ops
from thalweg.framework.constant_op import constant
from thalweg.framework.op_create import op as _op
from thalweg.framework.sparse_tensor import SparseTensor
from thalweg.framework.tensor import Tensor
from thalweg.ops import math_ops


def _add(x, y, name=None):
  return _op("Add" if x.dtype == dtypes.string else "AddV2", name, (x, y))


def _sub(x, y, name=None):
  return _op("Sub", name, (x, y))


def _mul(x, y, name=None):
  if isinstance(y, SparseTensor):
    return SparseTensor(y.indices, _op("SparseDenseCwiseMul", name, (y.indices, y.values, y.dense_shape, x)),
                        y.dense_shape)
  return _op("Mul", name, (x, y))


def _mod(x, y, name=None):
  return _op("FloorMod", name, (x, y))


def _override_binary(func, op_name):

  def binary(x, y):
    if y.__class__ is Tensor:
      graph = x._op.graph
      # As a name scope that is left at once: the operation takes the scope's name.
      scope = graph.unique_name(op_name) + "/"
      return func(x, y, name=scope)
    if y.__class__ is float and x.dtype is dtypes.float32 and x._op.graph is ops.get_default_graph():
      # The commonest mixed case, without the scope object and the search for a conversion.
      graph = x._op.graph
      old, scope = graph._name_stack, graph.unique_name(op_name)
      graph._name_stack = scope
      try:
        return func(x, constant(y, dtypes.float32, name="y"), name=scope + "/")
      finally:
        graph._name_stack = old
    with ops.name_scope(None, op_name, [x, y]) as name:
      try:
        if not isinstance(y, SparseTensor):
          y = ops.convert_to_tensor(y, dtype_hint=x.dtype.base_dtype, name="y")
      except TypeError:
        # The other side may know what to do.
        if hasattr(type(y), "__r%s__" % op_name):
          return NotImplemented
        raise
      return func(x, y, name=name)

  def reflected(y, x):
    with ops.name_scope(None, op_name, [x, y]) as name:
      x = ops.convert_to_tensor(x, dtype=y.dtype.base_dtype, name="x")
      return func(x, y, name=name)

  Tensor._override_operator("__%s__" % op_name, binary)
  Tensor._override_operator("__r%s__" % op_name, reflected)


_override_binary(_add, "add")
_override_binary(_sub, "sub")
_override_binary(_mul, "mul")
_override_binary(math_ops.div, "div")
_override_binary(math_ops.truediv, "truediv")
_override_binary(math_ops.floordiv, "floordiv")
_override_binary(_mod, "mod")
_override_binary(math_ops.pow, "pow")
_override_binary(math_ops.matmul, "matmul")
_override_binary(math_ops.logical_and, "and")
_override_binary(math_ops.logical_or, "or")
_override_binary(math_ops.logical_xor, "xor")
for _operator, _fn in (("__invert__", "logical_not"), ("__neg__", "negative"), ("__abs__", "abs"), ("__lt__", "less"),
                       ("__le__", "less_equal"), ("__gt__", "greater"), ("__ge__", "greater_equal")):
  Tensor._override_operator(_operator, getattr(math_ops, _fn))


# --- a sparse tensor on the left: the result is sparse, and the right side broadcasts ---

def _cwise(op_type):
  return lambda x, y, name: _op(op_type, name, (x.indices, x.values, x.dense_shape, y))


def _sparse_truediv(x, y, name):
  with ops.name_scope(name, "truediv", [x.indices, x.values, x.dense_shape, y]) as name:
    values, y = math_ops._as_fractions(ops.convert_to_tensor(x.values, name="sp_values"),
                                       ops.convert_to_tensor(y, name="y"))
    return _op("SparseDenseCwiseDiv", name, (x.indices, values, x.dense_shape, y))


def _override_sparse(func, op_name):

  def binary(x, y):
    with ops.name_scope(None, op_name, [x, y]) as name:
      y = ops.convert_to_tensor(y, dtype=x.dtype.base_dtype, name="y")
      return SparseTensor(x.indices, func(x, y, name), x.dense_shape)

  SparseTensor._override_operator("__%s__" % op_name, binary)


_override_sparse(_cwise("SparseDenseCwiseDiv"), "div")
_override_sparse(_sparse_truediv, "truediv")
_override_sparse(_cwise("SparseDenseCwiseMul"), "mul")
