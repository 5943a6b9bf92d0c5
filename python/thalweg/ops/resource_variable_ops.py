"""ResourceVariable: a variable behind a handle, with reads as operations of their own."""

from thalweg._c import check, ffi, lib
from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.framework.op_create import op as _op
from thalweg.framework.op_create import operation as _operation
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops
from thalweg.ops.initial_values import guarded_initial_value
from thalweg.ops.variables import Variable


def handle_shape_and_dtype(handle):
  """The static shape and dtype behind a resource tensor."""
  dtype, rank = ffi.new("int32_t*"), ffi.new("int32_t*")
  dims = ffi.new("int64_t[12]")
  check(lib.tw_output_handle(handle.graph._handle, handle._c_output(), dtype, dims, rank))
  shape = tensor_shape.TensorShape(None if rank[0] < 0 else [None if d < 0 else d for d in dims[0:rank[0]]])
  return shape, dtypes.as_dtype(dtype[0]) if dtype[0] else None


class ResourceVariable(Variable):
  """A variable with well defined reads: a read sees all writes it depends on and none that depend on it."""

  _is_resource = True

  def _build(self, scope, initial_value, dtype, shape, validate_shape):
    handle_name = ops.name_from_scope_name(scope)
    graph = ops.get_default_graph()
    with graph._attr_scope({"_class": ("list(string)", [b"loc:@" + handle_name.encode()])}):
      with ops.name_scope("Initializer"), ops.device(None):
        self._convert_initial_value(initial_value() if callable(initial_value) else initial_value, dtype)
      if shape is None:
        shape = self._initial_value.shape if validate_shape else tensor_shape.unknown_shape()
      self._shape = tensor_shape.as_shape(shape)
      self._dtype = self._initial_value.dtype.base_dtype
      self._handle = _op("VarHandleOp", scope, (), {
          "dtype": self._dtype, "shape": self._shape, "shared_name": handle_name, "container": graph._container})
    self._handle_name = handle_name + ":0"
    with ops.name_scope("IsInitialized"):
      self._is_initialized_op = _op("VarIsInitializedOp", None, (self._handle,))
    with ops.name_scope("Assign") as n, ops.colocate_with(None, ignore_existing=True), ops.device(self._handle.device):
      self._initializer_op = _operation(
          "AssignVariableOp", n, (self._handle, guarded_initial_value(handle_name, self._initial_value)))
    with ops.name_scope("Read"), ops.device(self._handle.device):
      self._graph_element = self._read()
    self._cached_value = None
    if self._caching_device is not None:
      with ops.colocate_with(None, ignore_existing=True), ops.device(self._caching_device):
        self._cached_value = array_ops.identity(self._graph_element)

  def _init_from_proto(self, variable_def, import_scope):
    self._handle, snapshot = super()._init_from_proto(variable_def, import_scope)
    self._handle_name = self._handle.name
    self._shape = tensor_shape.TensorShape(self._handle.op.get_attr("shape"))
    self._dtype = self._handle.op.get_attr("dtype")
    self._graph_element = self._read() if snapshot is None else snapshot
    self._cached_value = snapshot if snapshot is not None and snapshot.op.type != "ReadVariableOp" else None
    self._is_initialized_op = None

  def _read(self):
    result = _op("ReadVariableOp", None, (self._handle,), {"dtype": self._dtype})
    if not result.shape.is_fully_defined() and self._shape.is_fully_defined():
      result.set_shape(self._shape)
    return result

  @property
  def _snapshot(self):
    return self._graph_element

  def _tensor_for_name(self):
    return self._handle

  def _as_graph_element(self):
    return self._graph_element

  def _AsTensor(self):
    return self.value()

  def _dense_var_to_tensor(self, dtype=None, name=None, as_ref=False):
    if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(self.dtype):
      raise ValueError("Incompatible type conversion requested to type '%s' for variable of type '%s'" % (
          dtypes.as_dtype(dtype).name, self.dtype.name))
    return self.read_value().op.inputs[0] if as_ref else self.value()

  @property
  def handle(self):
    return self._handle

  @property
  def dtype(self):
    return self._dtype

  @property
  def device(self):
    return self._handle.device

  @property
  def graph(self):
    return self._handle.graph

  @property
  def name(self):
    return self._handle_name

  @property
  def _shared_name(self):
    return self._handle_name[:-2]

  @property
  def shape(self):
    return self._shape

  @property
  def op(self):
    return self._handle.op

  create = Variable.initializer

  def is_initialized(self, name=None):
    return _op("VarIsInitializedOp", name, (self._handle,))

  def value(self):
    if self._cached_value is not None:
      return self._cached_value
    with ops.colocate_with(None, ignore_existing=True):
      with ops.device(self._handle.device):
        return self._read()

  def read_value(self):
    with ops.name_scope("Read"):
      with ops.device(self._handle.device):
        value = self._read()
    return array_ops.identity(value)

  def sparse_read(self, indices, name=None):
    with ops.name_scope("Gather" if name is None else name) as name:
      value = _op("ResourceGather", name, (self._handle, indices), {"dtype": self._dtype})
    return array_ops.identity(value)

  def gather_nd(self, indices, name=None):
    return _op("GatherNd", name, (self.value(), indices))

  def set_shape(self, shape):
    self._shape = self._shape.merge_with(shape)

  # The value after a write.
  def _after(self, op, read_value):
    if not read_value:
      return op
    with ops.control_dependencies([op]):
      return _UnreadVariable(self, op)

  def assign(self, value, use_locking=None, name=None, read_value=True):
    value = ops.convert_to_tensor(value, dtype=self.dtype)
    self._shape.assert_is_compatible_with(value.shape)
    return self._after(_operation("AssignVariableOp", name, (self._handle, value)), read_value)

  def assign_add(self, delta, use_locking=None, name=None, read_value=True):
    op = _operation("AssignAddVariableOp", name, (self._handle, ops.convert_to_tensor(delta, dtype=self.dtype)))
    return self._after(op, read_value)

  def assign_sub(self, delta, use_locking=None, name=None, read_value=True):
    op = _operation("AssignSubVariableOp", name, (self._handle, ops.convert_to_tensor(delta, dtype=self.dtype)))
    return self._after(op, read_value)

  def count_up_to(self, limit):
    return _op("ResourceCountUpTo", None, (self._handle,), {"limit": limit, "T": self.dtype})

  def _scatter_rows(self, kind, indices, updates, use_locking, name):
    updates = ops.convert_to_tensor(updates, self.dtype)
    return self._after(_operation("ResourceScatter" + kind.capitalize(), name, (self._handle, indices, updates),
                                  {"dtype": self.dtype}), True)

  def _scatter_nd(self, kind, indices, updates, name):
    updates = ops.convert_to_tensor(updates, self.dtype)
    return self._after(_operation("ResourceScatterNd" + kind.capitalize(), name, (self._handle, indices, updates)), True)

  def _strided_slice_assign(self, begin, end, strides, value, name, begin_mask, end_mask, ellipsis_mask, new_axis_mask,
                            shrink_axis_mask):
    op = _operation("ResourceStridedSliceAssign", name, (
        self._handle, begin, end, strides, ops.convert_to_tensor(value, dtype=self.dtype)), {
            "begin_mask": begin_mask, "end_mask": end_mask, "ellipsis_mask": ellipsis_mask,
            "new_axis_mask": new_axis_mask, "shrink_axis_mask": shrink_axis_mask})
    return self._after(op, True)


class _UnreadVariable(ResourceVariable):
  """What an assignment returns: the variable, whose next read follows the write."""

  def __init__(self, variable, parent_op):  # pylint: disable=super-init-not-called
    self.__dict__.update(variable.__dict__)
    self._parent_op = parent_op
    self._cached_value = None
    self._graph_element = self._read()

  @property
  def op(self):
    return self._parent_op

  def value(self):
    with ops.control_dependencies([self._parent_op]):
      return super().value()

  def read_value(self):
    with ops.control_dependencies([self._parent_op]):
      return super().read_value()


def _convert(v, dtype=None, name=None, as_ref=False):
  return v._dense_var_to_tensor(dtype=dtype, name=name, as_ref=as_ref)


ops.register_tensor_conversion_function(ResourceVariable, _convert)


def is_resource_variable(var):
  return isinstance(var, ResourceVariable)


def variable_shape(handle, out_type=dtypes.int32):
  shape, _ = handle_shape_and_dtype(handle)
  if not shape.is_fully_defined():
    return _op("VariableShape", None, (handle,), {"out_type": out_type})
  return array_ops.constant(shape.as_list(), dtype=out_type)


__all__ = ["ResourceVariable", "is_resource_variable", "variable_shape", "Tensor"]
