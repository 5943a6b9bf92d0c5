"""ResourceVariable: a variable behind a handle, with reads as operations of their own."""

from thalweg._c import check, ffi, lib
from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.framework.op_create import op as _op
from thalweg.framework.op_create import operation as _operation
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops
from thalweg.ops.variables import Variable, check_initial_value_outside, guarded_initial_value


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

  def __init__(self, initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None,
               name=None, dtype=None, variable_def=None, import_scope=None, constraint=None, distribute_strategy=None,
               synchronization=None, aggregation=None, shape=None, expected_shape=None):
    if variable_def is not None:
      if initial_value is not None:
        raise ValueError("variable_def and initial_value are mutually exclusive.")
      self._init_from_proto(variable_def, import_scope)
      return
    if initial_value is None:
      raise ValueError("initial_value must be specified.")
    init_from_fn = callable(initial_value)
    if collections is None:
      collections = [ops.GraphKeys.GLOBAL_VARIABLES]
    if not isinstance(collections, (list, tuple, set)):
      raise ValueError("collections argument to Variable constructor must be a list, tuple, or set. Got %s of type %s" %
                       (collections, type(collections)))
    if constraint is not None and not callable(constraint):
      raise ValueError("The `constraint` argument must be a callable.")
    self._trainable = True if trainable is None else trainable
    self._constraint = constraint
    self._caching_device = caching_device
    if self._trainable and ops.GraphKeys.TRAINABLE_VARIABLES not in collections:
      collections = list(collections) + [ops.GraphKeys.TRAINABLE_VARIABLES]
    if dtype is not None:
      dtype = dtypes.as_dtype(dtype).base_dtype
    with ops.init_scope():
      with ops.name_scope(name, "Variable", [] if init_from_fn else [initial_value]) as scope:
        handle_name = ops.name_from_scope_name(scope)
        graph = ops.get_default_graph()
        with graph._attr_scope({"_class": ("list(string)", [("loc:@%s" % handle_name).encode()])}):
          with ops.name_scope("Initializer"), ops.device(None):
            self._initial_value = ops.convert_to_tensor(initial_value() if init_from_fn else initial_value,
                                                        name="initial_value", dtype=dtype)
          check_initial_value_outside(scope, self._initial_value)
          if shape is None:
            shape = self._initial_value.shape if validate_shape else tensor_shape.unknown_shape()
          self._dtype = self._initial_value.dtype.base_dtype
          self._handle = _op("VarHandleOp", scope, (), {
              "dtype": self._dtype, "shape": tensor_shape.as_shape(shape), "shared_name": handle_name,
              "container": graph._container})
        self._shape = tensor_shape.as_shape(shape)
        with ops.name_scope("IsInitialized"):
          self._is_initialized_op = _op("VarIsInitializedOp", None, (self._handle,))
        with ops.name_scope("Assign") as n, ops.colocate_with(None, ignore_existing=True), ops.device(
            self._handle.device):
          self._initializer_op = _operation(
              "AssignVariableOp", n, (self._handle, guarded_initial_value(handle_name, self._initial_value)))
        with ops.name_scope("Read"), ops.colocate_with(None, ignore_existing=True), ops.device(self._handle.device):
          value = self._read()
        self._graph_element = value
        self._cached_value = None
        if caching_device is not None:
          with ops.colocate_with(None, ignore_existing=True), ops.device(caching_device):
            self._cached_value = array_ops.identity(value)
        self._handle_name = handle_name + ":0"
      ops.add_to_collections(list(collections), self)

  def _init_from_proto(self, variable_def, import_scope):
    graph = ops.get_default_graph()
    name = lambda n: ops.prepend_name_scope(n, import_scope=import_scope)
    self._handle = graph.as_graph_element(name(variable_def.variable_name))
    self._handle_name = self._handle.name
    self._shape = tensor_shape.TensorShape(self._handle.op.get_attr("shape"))
    self._dtype = self._handle.op.get_attr("dtype")
    self._initializer_op = graph.as_graph_element(name(variable_def.initializer_name))
    self._initial_value = (graph.as_graph_element(name(variable_def.initial_value_name))
                           if variable_def.initial_value_name else None)
    snapshot = graph.as_graph_element(name(variable_def.snapshot_name)) if variable_def.snapshot_name else self._read()
    self._cached_value = snapshot if snapshot.op.type != "ReadVariableOp" else None
    self._graph_element = snapshot
    self._trainable = variable_def.trainable
    self._caching_device = None
    self._is_initialized_op = None
    if variable_def.HasField("save_slice_info_def"):
      self._save_slice_info = Variable.SaveSliceInfo(save_slice_info_def=variable_def.save_slice_info_def,
                                                     import_scope=import_scope)

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

  @property
  def initializer(self):
    return self._initializer_op

  create = initializer

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

  def _scatter(self, op_type, sparse_delta, name):
    if not isinstance(sparse_delta, ops.IndexedSlices):
      raise TypeError("sparse_delta is not IndexedSlices: %s" % sparse_delta)
    values = ops.convert_to_tensor(sparse_delta.values, self.dtype)
    return self._after(_operation(op_type, name, (self._handle, sparse_delta.indices, values),
                                  {"dtype": self.dtype}), True)

  def scatter_sub(self, sparse_delta, use_locking=False, name=None):
    return self._scatter("ResourceScatterSub", sparse_delta, name)

  def scatter_add(self, sparse_delta, use_locking=False, name=None):
    return self._scatter("ResourceScatterAdd", sparse_delta, name)

  def scatter_max(self, sparse_delta, use_locking=False, name=None):
    return self._scatter("ResourceScatterMax", sparse_delta, name)

  def scatter_min(self, sparse_delta, use_locking=False, name=None):
    return self._scatter("ResourceScatterMin", sparse_delta, name)

  def scatter_mul(self, sparse_delta, use_locking=False, name=None):
    return self._scatter("ResourceScatterMul", sparse_delta, name)

  def scatter_div(self, sparse_delta, use_locking=False, name=None):
    return self._scatter("ResourceScatterDiv", sparse_delta, name)

  def scatter_update(self, sparse_delta, use_locking=False, name=None):
    return self._scatter("ResourceScatterUpdate", sparse_delta, name)

  def scatter_nd_sub(self, indices, updates, name=None):
    return self._scatter_nd("ResourceScatterNdSub", indices, updates, name)

  def scatter_nd_add(self, indices, updates, name=None):
    return self._scatter_nd("ResourceScatterNdAdd", indices, updates, name)

  def scatter_nd_update(self, indices, updates, name=None):
    return self._scatter_nd("ResourceScatterNdUpdate", indices, updates, name)

  def _scatter_nd(self, op_type, indices, updates, name):
    return self._after(_operation(op_type, name, (self._handle, indices, ops.convert_to_tensor(updates, self.dtype))),
                       True)

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
