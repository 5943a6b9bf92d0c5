"""The base of all optimizers: gradients of a loss, and their application to variables."""

from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, control_flow_ops, gradients_impl, math_ops, state_ops, variable_scope, variables
from thalweg.train import slot_creator


def _var_key(var):
  return (var.op.graph, var.op.name)


def _is_resource(var):
  return variables.is_resource_variable(var)


def _deduplicate_indexed_slices(values, indices):
  """Sums the rows of `values` that share an index."""
  unique_indices, new_positions = array_ops.unique(indices)
  summed = math_ops.unsorted_segment_sum(values, new_positions, array_ops.shape(unique_indices)[0])
  return summed, unique_indices


class Optimizer(object):
  """Base class. A subclass defines _prepare, _create_slots and the four _apply methods for what it supports:
  _apply_dense(grad, var), _resource_apply_dense(grad, var), _apply_sparse(grad, var) with IndexedSlices, and
  _resource_apply_sparse(grad, var, indices).
  """

  GATE_NONE = 0
  GATE_OP = 1
  GATE_GRAPH = 2

  def __init__(self, use_locking, name):
    if not name:
      raise ValueError("Must specify the optimizer name")
    self._use_locking = use_locking
    self._name = name
    self._slots = {}
    self._non_slot_dict = {}

  def get_name(self):
    return self._name

  def minimize(self, loss, global_step=None, var_list=None, gate_gradients=GATE_OP, aggregation_method=None,
               colocate_gradients_with_ops=False, name=None, grad_loss=None):
    """compute_gradients() and apply_gradients() in one; returns the operation that makes one step."""
    grads_and_vars = self.compute_gradients(
        loss, var_list=var_list, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops, grad_loss=grad_loss)
    if not any(g is not None for g, _ in grads_and_vars):
      raise ValueError("No gradients provided for any variable, check your graph for ops that do not support "
                       "gradients, between variables %s and loss %s." % ([str(v) for _, v in grads_and_vars], loss))
    return self.apply_gradients(grads_and_vars, global_step=global_step, name=name)

  def compute_gradients(self, loss, var_list=None, gate_gradients=GATE_OP, aggregation_method=None,
                        colocate_gradients_with_ops=False, grad_loss=None):
    """A list of (gradient, variable); the gradient is None where the loss does not depend on the variable."""
    if callable(loss):
      loss = loss()
    if gate_gradients not in (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH):
      raise ValueError("gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                       "Optimizer.GATE_GRAPH.  Not %s" % gate_gradients)
    self._assert_valid_dtypes([loss])
    if grad_loss is not None:
      self._assert_valid_dtypes([grad_loss])
    if var_list is None:
      var_list = variables.trainable_variables() + ops.get_collection(ops.GraphKeys.TRAINABLE_RESOURCE_VARIABLES)
    else:
      var_list = list(var_list) if isinstance(var_list, (list, tuple)) else [var_list]
    var_list += ops.get_collection(ops.GraphKeys._STREAMING_MODEL_PORTS)
    if not var_list:
      raise ValueError("No variables to optimize.")
    targets = [self._target(v) for v in var_list]
    grads = gradients_impl.gradients(
        loss, targets, grad_ys=grad_loss, gate_gradients=(gate_gradients == Optimizer.GATE_OP),
        aggregation_method=aggregation_method, colocate_gradients_with_ops=colocate_gradients_with_ops)
    if gate_gradients == Optimizer.GATE_GRAPH:
      grads = control_flow_ops.tuple(grads)
    grads_and_vars = list(zip(grads, var_list))
    self._assert_valid_dtypes(
        [v for g, v in grads_and_vars if g is not None and v.dtype.base_dtype != dtypes.resource])
    return grads_and_vars

  def apply_gradients(self, grads_and_vars, global_step=None, name=None):
    """An operation that applies the gradients, then adds one to `global_step` when there is one."""
    grads_and_vars = tuple(grads_and_vars)
    if not grads_and_vars:
      raise ValueError("No variables provided.")
    converted = []
    for g, v in grads_and_vars:
      if g is not None:
        try:
          g = ops.convert_to_tensor_or_indexed_slices(g)
        except TypeError:
          raise TypeError("Gradient must be convertible to a Tensor or IndexedSlices, or None: %s" % g)
        if not isinstance(g, (ops.Tensor, ops.IndexedSlices)):
          raise TypeError("Gradient must be a Tensor, IndexedSlices, or None: %s" % g)
      converted.append((g, v))
    var_list = [v for g, v in converted if g is not None]
    if not var_list:
      raise ValueError("No gradients provided for any variable: %s." % ([str(v) for _, v in converted],))
    with ops.init_scope():
      self._create_slots(var_list)
    update_ops = []
    with ops.name_scope(name, self._name) as name:
      self._prepare()
      for grad, var in converted:
        if grad is None:
          continue
        with ops.name_scope("update_" + var.op.name), ops.colocate_with(var):
          update_ops.append(self._update(grad, var))
      if global_step is None:
        apply_updates = self._finish(update_ops, name)
      else:
        with ops.control_dependencies([self._finish(update_ops, "update")]), ops.colocate_with(global_step):
          apply_updates = state_ops.assign_add(global_step, 1, name=name)
      if isinstance(apply_updates, ops.Tensor):
        apply_updates = apply_updates.op
      train_op = ops.get_collection_ref(ops.GraphKeys.TRAIN_OP)
      if apply_updates not in train_op:
        train_op.append(apply_updates)
      return apply_updates

  def get_slot(self, var, name):
    """The slot of that name for a variable; None when there is none."""
    named_slots = self._slots.get(name, None)
    return named_slots.get(_var_key(var), None) if named_slots else None

  def get_slot_names(self):
    return sorted(self._slots.keys())

  def variables(self):
    """All variables that hold the optimizer's state."""
    graph = ops.get_default_graph()
    found = [v for (_, g), v in self._non_slot_dict.items() if g is graph]
    for slots in self._slots.values():
      found.extend(v for (g, _), v in slots.items() if g is graph)
    return sorted(found, key=lambda v: v.name)

  # --- how one variable is updated ---

  def _target(self, var):
    """What the loss is differentiated by."""
    if _is_resource(var):
      return var.handle
    return var._ref() if isinstance(var, variables.Variable) else var

  def _update(self, grad, var):
    if isinstance(grad, ops.IndexedSlices):
      if getattr(var, "constraint", None) is not None:
        raise RuntimeError("Cannot use a constraint function on a sparse variable.")
      if _is_resource(var):
        return self._resource_apply_sparse_duplicate_indices(grad.values, var, grad.indices)
      return self._apply_sparse_duplicate_indices(grad, var)
    if _is_resource(var):
      update = self._resource_apply_dense(grad, var)
    elif isinstance(var, variables.Variable):
      update = self._apply_dense(grad, var)
    else:
      raise NotImplementedError("Trying to update a Tensor ", var)
    constraint = getattr(var, "constraint", None)
    if constraint is None:
      return update
    with ops.control_dependencies([update]):
      return var.assign(constraint(var))

  def _resource_apply_sparse_duplicate_indices(self, grad, handle, indices):
    summed, unique = _deduplicate_indexed_slices(values=grad, indices=indices)
    return self._resource_apply_sparse(summed, handle, unique)

  def _apply_sparse_duplicate_indices(self, grad, var):
    summed, unique = _deduplicate_indexed_slices(values=grad.values, indices=grad.indices)
    return self._apply_sparse(ops.IndexedSlices(indices=unique, values=summed, dense_shape=grad.dense_shape), var)

  def _training_op(self, kind, var, arguments, attrs=None):
    """The training op `kind` ("ApplyAdam", "SparseApplyAdagrad") on a variable, in its form for refs or resources.
    Variables among the arguments go in by reference, and numbers in the variable's type."""
    resource = _is_resource(var)
    inputs = []
    for a in arguments:
      if isinstance(a, variables.Variable):
        inputs.append(a.handle if resource else a._ref())
      else:
        inputs.append(a)
    attrs = dict(attrs or {})
    attrs.setdefault("use_locking", self._use_locking)
    made = ops.op("Resource" + kind if resource else kind, None, inputs, attrs)
    return made if resource else made.op

  def _scalar(self, value, var):
    return math_ops.cast(value, var.dtype.base_dtype)

  # --- for subclasses ---

  def _valid_dtypes(self):
    return {dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64}

  def _assert_valid_dtypes(self, tensors):
    valid = self._valid_dtypes()
    for t in tensors:
      dtype = t.dtype.base_dtype
      if dtype not in valid:
        raise ValueError("Invalid type %r for %s, expected: %s." % (dtype, t.name, [v for v in valid]))

  def _create_slots(self, var_list):
    """Makes the slots of the variables."""

  def _prepare(self):
    """Makes the tensors that all updates share."""

  def _apply_dense(self, grad, var):
    raise NotImplementedError()

  def _resource_apply_dense(self, grad, handle):
    raise NotImplementedError()

  def _resource_apply_sparse(self, grad, handle, indices):
    raise NotImplementedError()

  def _apply_sparse(self, grad, var):
    raise NotImplementedError()

  def _finish(self, update_ops, name_scope):
    return control_flow_ops.group(*update_ops, name=name_scope)

  def _create_non_slot_variable(self, initial_value, name, colocate_with):
    key = (name, colocate_with.graph)
    v = self._non_slot_dict.get(key, None)
    if v is None:
      with ops.colocate_with(colocate_with):
        v = variable_scope.variable(initial_value, name=name, trainable=False,
                                    use_resource=_is_resource(colocate_with))
      self._non_slot_dict[key] = v
    return v

  def _get_non_slot_variable(self, name, graph=None):
    return self._non_slot_dict.get((name, graph), None)

  def _slot_dict(self, slot_name):
    return self._slots.setdefault(slot_name, {})

  def _get_or_make_slot(self, var, val, slot_name, op_name):
    slots = self._slot_dict(slot_name)
    if _var_key(var) not in slots:
      slots[_var_key(var)] = slot_creator.create_slot(var, val, op_name)
    return slots[_var_key(var)]

  def _get_or_make_slot_with_initializer(self, var, initializer, shape, dtype, slot_name, op_name):
    slots = self._slot_dict(slot_name)
    if _var_key(var) not in slots:
      slots[_var_key(var)] = slot_creator.create_slot_with_initializer(var, initializer, shape, dtype, op_name)
    return slots[_var_key(var)]

  def _zeros_slot(self, var, slot_name, op_name):
    slots = self._slot_dict(slot_name)
    if _var_key(var) not in slots:
      slots[_var_key(var)] = slot_creator.create_zeros_slot(var, op_name)
    return slots[_var_key(var)]

  def _call_if_callable(self, param):
    return param() if callable(param) else param
