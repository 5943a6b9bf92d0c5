"""RefVariable: TF1's default kind, whose node gives a reference to the storage."""

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.ops import array_ops, state_ops
from thalweg.ops.variables import Variable, check_initial_value_outside, guarded_initial_value


class RefVariable(Variable):
  """A variable made of VariableV2, an Assign that initialises it, and an Identity that reads it."""

  _is_resource = False

  def __init__(self, initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None,
               name=None, variable_def=None, dtype=None, expected_shape=None, import_scope=None, constraint=None,
               shape=None):
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
    if self._trainable and ops.GraphKeys.TRAINABLE_VARIABLES not in collections:
      collections = list(collections) + [ops.GraphKeys.TRAINABLE_VARIABLES]
    if dtype is not None:
      dtype = dtypes.as_dtype(dtype).base_dtype
    with ops.init_scope():
      with ops.name_scope(name, "Variable", [] if init_from_fn else [initial_value]) as scope:
        if init_from_fn:
          graph = ops.get_default_graph()
          group = [("loc:@%s" % ops.name_from_scope_name(scope)).encode()]
          with graph._attr_scope({"_class": ("list(string)", group)}):
            with ops.name_scope("Initializer"), ops.device(None):
              self._initial_value = ops.convert_to_tensor(initial_value(), name="initial_value", dtype=dtype)
              var_shape = self._initial_value.shape if validate_shape else tensor_shape.unknown_shape()
            self._variable = state_ops.variable_op_v2(var_shape, self._initial_value.dtype.base_dtype, name=scope)
        else:
          self._initial_value = ops.convert_to_tensor(initial_value, name="initial_value", dtype=dtype)
          check_initial_value_outside(scope, self._initial_value)
          var_shape = self._initial_value.shape if validate_shape else tensor_shape.unknown_shape()
          self._variable = state_ops.variable_op_v2(var_shape, self._initial_value.dtype.base_dtype, name=scope)
        if validate_shape and not self._initial_value.shape.is_fully_defined():
          raise ValueError("initial_value must have a shape specified: %s" % self._initial_value)
        self._initializer_op = state_ops.assign(
            self._variable, guarded_initial_value(self._variable.op.name, self._initial_value),
            validate_shape=validate_shape).op
        if caching_device is not None:
          with ops.device(caching_device):
            self._snapshot = array_ops.identity(self._variable, name="read")
        else:
          with ops.colocate_with(self._variable.op):
            self._snapshot = array_ops.identity(self._variable, name="read")
      self._caching_device = caching_device
      ops.add_to_collections(list(collections), self)

  def _init_from_proto(self, variable_def, import_scope):
    graph = ops.get_default_graph()
    name = lambda n: ops.prepend_name_scope(n, import_scope=import_scope)
    self._variable = graph.as_graph_element(name(variable_def.variable_name))
    self._initializer_op = graph.as_graph_element(name(variable_def.initializer_name))
    self._initial_value = (graph.as_graph_element(name(variable_def.initial_value_name))
                           if variable_def.initial_value_name else None)
    self._snapshot = graph.as_graph_element(name(variable_def.snapshot_name))
    self._trainable = variable_def.trainable
    if variable_def.HasField("save_slice_info_def"):
      self._save_slice_info = Variable.SaveSliceInfo(save_slice_info_def=variable_def.save_slice_info_def,
                                                     import_scope=import_scope)
    self._caching_device = None

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
  def initializer(self):
    return self._initializer_op

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

  def scatter_sub(self, sparse_delta, use_locking=False, name=None):
    return self._scatter(state_ops.scatter_sub, sparse_delta, use_locking, name)

  def scatter_add(self, sparse_delta, use_locking=False, name=None):
    return self._scatter(state_ops.scatter_add, sparse_delta, use_locking, name)

  def scatter_update(self, sparse_delta, use_locking=False, name=None):
    return self._scatter(state_ops.scatter_update, sparse_delta, use_locking, name)

  def scatter_mul(self, sparse_delta, use_locking=False, name=None):
    return self._scatter(state_ops.scatter_mul, sparse_delta, use_locking, name)

  def scatter_div(self, sparse_delta, use_locking=False, name=None):
    return self._scatter(state_ops.scatter_div, sparse_delta, use_locking, name)

  def scatter_min(self, sparse_delta, use_locking=False, name=None):
    return self._scatter(state_ops.scatter_min, sparse_delta, use_locking, name)

  def scatter_max(self, sparse_delta, use_locking=False, name=None):
    return self._scatter(state_ops.scatter_max, sparse_delta, use_locking, name)

  def _scatter(self, fn, sparse_delta, use_locking, name):
    if not isinstance(sparse_delta, ops.IndexedSlices):
      raise TypeError("sparse_delta is not IndexedSlices: %s" % sparse_delta)
    return fn(self._variable, sparse_delta.indices, sparse_delta.values, use_locking=use_locking, name=name)

  def scatter_nd_sub(self, indices, updates, name=None):
    return state_ops.scatter_nd_sub(self._variable, indices, updates, use_locking=True, name=name)

  def scatter_nd_add(self, indices, updates, name=None):
    return state_ops.scatter_nd_add(self._variable, indices, updates, use_locking=True, name=name)

  def scatter_nd_update(self, indices, updates, name=None):
    return state_ops.scatter_nd_update(self._variable, indices, updates, use_locking=True, name=name)

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
