"""RefVariable: TF1's default kind, whose node gives a reference to the storage."""

from thalweg.framework import ops, tensor_shape
from thalweg.ops import array_ops, state_ops
from thalweg.ops.initial_values import guarded_initial_value
from thalweg.ops.variables import Variable


class RefVariable(Variable):
  """A variable made of VariableV2, an Assign that initialises it, and an Identity that reads it."""

  _is_resource = False

  def _build(self, scope, initial_value, dtype, shape, validate_shape):
    if callable(initial_value):
      group = [b"loc:@" + ops.name_from_scope_name(scope).encode()]
      with ops.get_default_graph()._attr_scope({"_class": ("list(string)", group)}):
        with ops.name_scope("Initializer"), ops.device(None):
          self._convert_initial_value(initial_value(), dtype)
        self._add_storage(scope, validate_shape)
    else:
      self._convert_initial_value(initial_value, dtype)
      self._add_storage(scope, validate_shape)
    if validate_shape and not self._initial_value.shape.is_fully_defined():
      raise ValueError("initial_value must have a shape specified: %s" % self._initial_value)
    self._initializer_op = state_ops.assign(
        self._variable, guarded_initial_value(self._variable.op.name, self._initial_value),
        validate_shape=validate_shape).op
    with ops.device(self._caching_device) if self._caching_device is not None else ops.colocate_with(self._variable.op):
      self._snapshot = array_ops.identity(self._variable, name="read")

  def _add_storage(self, scope, validate_shape):
    shape = self._initial_value.shape if validate_shape else tensor_shape.unknown_shape()
    self._variable = state_ops.variable_op_v2(shape, self._initial_value.dtype.base_dtype, name=scope)

  def _init_from_proto(self, variable_def, import_scope):
    self._variable, self._snapshot = super()._init_from_proto(variable_def, import_scope)

  def _as_graph_element(self):
    return self._variable

  def _AsTensor(self):
    return self._snapshot

  def _tensor_for_name(self):
    return self._variable

  def value(self):
    return self._snapshot

  def read_value(self):
    return array_ops.identity(self._variable, name="read")

  def _ref(self):
    return self._variable

  def set_shape(self, shape):
    self._ref().set_shape(shape)
    self.value().set_shape(shape)

  @property
  def name(self):
    return self._variable.name

  @property
  def _shared_name(self):
    return self._variable.op.name

  @property
  def dtype(self):
    return self._variable.dtype

  @property
  def op(self):
    return self._variable.op

  @property
  def shape(self):
    return self._variable.shape

  def assign(self, value, use_locking=False, name=None, read_value=True):
    out = state_ops.assign(self._variable, value, use_locking=use_locking, name=name)
    return out if read_value else out.op

  def assign_add(self, delta, use_locking=False, name=None, read_value=True):
    out = state_ops.assign_add(self._variable, delta, use_locking=use_locking, name=name)
    return out if read_value else out.op

  def assign_sub(self, delta, use_locking=False, name=None, read_value=True):
    out = state_ops.assign_sub(self._variable, delta, use_locking=use_locking, name=name)
    return out if read_value else out.op

  def count_up_to(self, limit):
    return state_ops.count_up_to(self._variable, limit=limit)

  def _scatter_rows(self, kind, indices, updates, use_locking, name):
    return getattr(state_ops, "scatter_" + kind)(self._variable, indices, updates, use_locking=use_locking, name=name)

  def _scatter_nd(self, kind, indices, updates, name):
    return getattr(state_ops, "scatter_nd_" + kind)(self._variable, indices, updates, use_locking=True, name=name)

  def _strided_slice_assign(self, begin, end, strides, value, name, begin_mask, end_mask, ellipsis_mask, new_axis_mask,
                            shrink_axis_mask):
    return ops.op("StridedSliceAssign", name, (self._ref(), begin, end, strides, value), {
        "begin_mask": begin_mask, "end_mask": end_mask, "ellipsis_mask": ellipsis_mask, "new_axis_mask": new_axis_mask,
        "shrink_axis_mask": shrink_axis_mask})

  @staticmethod
  def _TensorConversionFunction(v, dtype=None, name=None, as_ref=False):
    if dtype is not None and not dtype.is_compatible_with(v.dtype):
      raise ValueError("Incompatible type conversion requested to type '%s' for variable of type '%s'" % (
          dtype.name, v.dtype.name))
    return v._ref() if as_ref else v.value()


ops.register_tensor_conversion_function(RefVariable, RefVariable._TensorConversionFunction)
