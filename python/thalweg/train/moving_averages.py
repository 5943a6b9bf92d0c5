"""Exponentially decaying averages of variables and tensors."""

from thalweg.framework import dtypes, ops
from thalweg.ops import control_flow_ops, init_ops, math_ops, state_ops, variable_scope, variables
from thalweg.train import slot_creator


def assign_moving_average(variable, value, decay, zero_debias=True, name=None):
  """variable -= (1 - decay) * (variable - value). With zero_debias the average is corrected for its start at zero (Kingma
  and Ba 2015), with two hidden variables `biased` and `local_step`."""
  with ops.name_scope(name, "AssignMovingAvg", [variable, value, decay]) as scope, ops.colocate_with(variable):
    decay = ops.convert_to_tensor(1.0 - decay, name="decay")
    if decay.dtype != variable.dtype.base_dtype:
      decay = math_ops.cast(decay, variable.dtype.base_dtype)
    if zero_debias:
      return _zero_debias(variable, value, decay)
    return state_ops.assign_sub(variable, (variable - value) * decay, name=scope)


def _zero_debias(unbiased, value, decay):
  """Updates `unbiased` to the debiased average of `value`; `decay` is 1 - decay of the public function."""
  with variable_scope.variable_scope(unbiased.op.name, values=[unbiased, value, decay]), ops.colocate_with(unbiased):
    with ops.init_scope():
      zeros = init_ops.zeros_initializer()
    resource = variables.is_resource_variable(unbiased)
    biased = variable_scope.get_variable("biased", shape=unbiased.get_shape(), dtype=unbiased.dtype.base_dtype,
                                         initializer=zeros, trainable=False, use_resource=resource)
    local_step = variable_scope.get_variable("local_step", shape=[], dtype=unbiased.dtype.base_dtype,
                                             initializer=zeros, trainable=False, use_resource=resource)
    biased_update = state_ops.assign_sub(biased, (biased - value) * decay, name=None)
    step_update = state_ops.assign_add(local_step, 1)
    with ops.control_dependencies([biased_update, step_update]):
      average = biased.read_value() / (1 - math_ops.pow(1.0 - decay, local_step.read_value()))
    return state_ops.assign_sub(unbiased, unbiased - average, name=ops.get_default_graph().get_name_scope() + "/")


def weighted_moving_average(value, decay, weight, truediv=True, collections=None, name=None):
  """The moving average of `value * weight` over that of `weight`."""
  if collections is None:
    collections = [ops.GraphKeys.GLOBAL_VARIABLES]
  with variable_scope.variable_scope(name, "WeightedMovingAvg", [value, weight, decay]) as scope:
    value_x_weight = variable_scope.get_variable(
        "value_x_weight", shape=value.get_shape(), dtype=value.dtype, initializer=init_ops.zeros_initializer(),
        trainable=False, collections=collections)
    total = variable_scope.get_variable(
        "weight", shape=weight.get_shape(), dtype=weight.dtype, initializer=init_ops.zeros_initializer(),
        trainable=False, collections=collections)
    numerator = assign_moving_average(value_x_weight, value * weight, decay, zero_debias=False)
    denominator = assign_moving_average(total, weight, decay, zero_debias=False)
    divide = math_ops.truediv if truediv else math_ops.div
    return divide(numerator, denominator, name=scope.name)


class ExponentialMovingAverage(object):
  """Shadow variables: shadow -= (1 - decay) * (shadow - value). With num_updates the decay is at most
  (1 + num_updates) / (10 + num_updates), so that early averages move fast."""

  def __init__(self, decay, num_updates=None, zero_debias=False, name="ExponentialMovingAverage"):
    self._decay = decay
    self._num_updates = num_updates
    self._zero_debias = zero_debias
    self._name = name
    self._averages = {}

  @property
  def name(self):
    return self._name

  def apply(self, var_list=None):
    """Makes the shadows of variables and tensors, and returns the operation that updates them."""
    if var_list is None:
      var_list = variables.trainable_variables()
    zero_debias_true = set()
    for var in var_list:
      if var.dtype.base_dtype not in (dtypes.bfloat16, dtypes.float16, dtypes.float32, dtypes.float64):
        raise TypeError("The variables must be half, float, or double: %s" % var.name)
      key = _key(var)
      if key in self._averages:
        continue
      # Averages belong to the variable, not to the control flow in which apply() is called.
      with ops.init_scope():
        if isinstance(var, variables.Variable):
          average = slot_creator.create_slot(var, var.initialized_value(), self._name, colocate_with_primary=True)
          # Restoring moving averages finds the variable through this collection.
          ops.add_to_collection(ops.GraphKeys.MOVING_AVERAGE_VARIABLES, var)
        else:
          average = slot_creator.create_zeros_slot(
              var, self._name, colocate_with_primary=(var.op.type in ["Variable", "VariableV2", "VarHandleOp"]))
          if self._zero_debias:
            zero_debias_true.add(key)
      self._averages[key] = average
    with ops.name_scope(self._name) as scope:
      decay = ops.convert_to_tensor(self._decay, name="decay")
      if self._num_updates is not None:
        num_updates = math_ops.cast(self._num_updates, dtypes.float32, name="num_updates")
        decay = math_ops.minimum(decay, (1.0 + num_updates) / (10.0 + num_updates))
      updates = [assign_moving_average(self._averages[_key(var)], var, decay, zero_debias=_key(var) in zero_debias_true)
                 for var in var_list]
      return control_flow_ops.group(*updates, name=scope)

  def average(self, var):
    """The shadow variable; None when apply() was not called with `var`."""
    return self._averages.get(_key(var), None)

  def average_name(self, var):
    """The name under which the average of `var` is saved, whether or not it exists in this graph."""
    average = self._averages.get(_key(var), None)
    if average is not None:
      return average.op.name
    return ops.get_default_graph().unique_name(var.op.name + "/" + self._name, mark_as_used=False)

  def variables_to_restore(self, moving_avg_variables=None):
    """A map for Saver that restores averages into the variables they are of."""
    if moving_avg_variables is None:
      moving_avg_variables = variables.trainable_variables() + variables.moving_average_variables()
    names = {}
    averaged = set(moving_avg_variables)
    for v in averaged:
      names[self.average_name(v)] = v
    for v in variables.global_variables():
      if v not in averaged and v.op.name not in names:
        names[v.op.name] = v
    return names


def _key(var):
  return (var.op.graph, var.op.name)
