"""The optimizers of tf.train that scale each coordinate by what its gradients were: Adagrad to Adam and Ftrl."""

from thalweg.framework import ops
from thalweg.ops import array_ops, control_flow_ops, init_ops, math_ops, state_ops
from thalweg.train.optimizer import Optimizer


class _Adaptive(Optimizer):
  """Optimizers that are one training op on a variable, its slots and some scalars."""

  _op = None  # "Adagrad": ApplyAdagrad and its sparse and resource forms

  def _arguments(self, var, grad):
    """The op's inputs, up to and including the gradient, and those that follow it."""
    raise NotImplementedError()

  def _attrs(self):
    return {}

  def _apply_dense(self, grad, var):
    before, after = self._arguments(var, [grad])
    return self._training_op("Apply" + self._op, var, before + after, self._attrs())

  _resource_apply_dense = _apply_dense

  def _resource_apply_sparse(self, grad, var, indices):
    before, after = self._arguments(var, [grad, indices])
    return self._training_op("SparseApply" + self._op, var, before + after, self._attrs())

  def _apply_sparse(self, grad, var):
    return self._resource_apply_sparse(grad.values, var, grad.indices)

  def _tensors(self, **values):
    """Makes the tensor of each hyperparameter, named as given, and keeps it as self._NAME_t."""
    for name, value in values.items():
      setattr(self, "_%s_t" % name, ops.convert_to_tensor(self._call_if_callable(value), name=name))

  def _scalars(self, var, *names):
    return [self._scalar(getattr(self, "_%s_t" % n), var) for n in names]

  def _constant_slot(self, var, value, slot_name, op_name):
    """A slot filled with one value, in the variable's shape, known now or not."""
    dtype = var.dtype.base_dtype
    if var.get_shape().is_fully_defined():
      return self._get_or_make_slot_with_initializer(var, init_ops.constant_initializer(value, dtype=dtype),
                                                     var.get_shape(), dtype, slot_name, op_name)
    filled = array_ops.fill(array_ops.shape(var), math_ops.cast(value, dtype))
    return self._get_or_make_slot(var, filled, slot_name, op_name)


class AdagradOptimizer(_Adaptive):
  """accumulator += grad^2; var -= learning_rate * grad / sqrt(accumulator) (Duchi et al. 2011)."""

  _op = "Adagrad"

  def __init__(self, learning_rate, initial_accumulator_value=0.1, use_locking=False, name="Adagrad"):
    if initial_accumulator_value <= 0.0:
      raise ValueError("initial_accumulator_value must be positive: %s" % initial_accumulator_value)
    super(AdagradOptimizer, self).__init__(use_locking, name)
    self._learning_rate = learning_rate
    self._initial_accumulator_value = initial_accumulator_value

  def _create_slots(self, var_list):
    for v in var_list:
      self._constant_slot(v, self._initial_accumulator_value, "accumulator", self._name)

  def _prepare(self):
    self._tensors(learning_rate=self._learning_rate)

  def _arguments(self, var, grad):
    return [var, self.get_slot(var, "accumulator")] + self._scalars(var, "learning_rate") + grad, []


class AdagradDAOptimizer(_Adaptive):
  """Adagrad with dual averaging, for large sparse linear models (Duchi et al. 2011)."""

  _op = "AdagradDA"

  def __init__(self, learning_rate, global_step, initial_gradient_squared_accumulator_value=0.1,
               l1_regularization_strength=0.0, l2_regularization_strength=0.0, use_locking=False, name="AdagradDA"):
    if initial_gradient_squared_accumulator_value <= 0.0:
      raise ValueError("initial_gradient_squared_accumulator_value must be positive: %s" %
                       initial_gradient_squared_accumulator_value)
    super(AdagradDAOptimizer, self).__init__(use_locking, name)
    self._learning_rate = learning_rate
    self._initial_value = initial_gradient_squared_accumulator_value
    self._l1 = l1_regularization_strength
    self._l2 = l2_regularization_strength
    self._global_step = global_step
    self._global_step_on_worker = None

  def _create_slots(self, var_list):
    for v in var_list:
      self._constant_slot(v, 0.0, "gradient_accumulator", self._name + "/gradient_accumulator")
      self._constant_slot(v, self._initial_value, "gradient_squared_accumulator",
                          self._name + "/gradient_squared_accumulator")

  def _prepare(self):
    self._tensors(learning_rate=self._learning_rate)
    # The step that is being made, read before it is counted.
    with ops.colocate_with(self._learning_rate_t):
      self._global_step_on_worker = array_ops.identity(self._global_step) + 1

  def _arguments(self, var, grad):
    slots = [self.get_slot(var, "gradient_accumulator"), self.get_slot(var, "gradient_squared_accumulator")]
    scalars = self._scalars(var, "learning_rate") + [self._l1, self._l2]
    return [var] + slots + grad, scalars + [math_ops.cast(self._global_step_on_worker, "int64")]


class AdadeltaOptimizer(_Adaptive):
  """Steps in units of the recent steps over the recent gradients (Zeiler 2012)."""

  _op = "Adadelta"

  def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-8, use_locking=False, name="Adadelta"):
    super(AdadeltaOptimizer, self).__init__(use_locking, name)
    self._lr = learning_rate
    self._rho = rho
    self._epsilon = epsilon

  def _create_slots(self, var_list):
    for v in var_list:
      self._zeros_slot(v, "accum", self._name)
      self._zeros_slot(v, "accum_update", self._name)

  def _prepare(self):
    self._tensors(lr=self._lr, rho=self._rho, epsilon=self._epsilon)

  def _arguments(self, var, grad):
    slots = [self.get_slot(var, "accum"), self.get_slot(var, "accum_update")]
    return [var] + slots + self._scalars(var, "lr", "rho", "epsilon") + grad, []


class RMSPropOptimizer(_Adaptive):
  """Gradients over the root of their running mean square, with momentum; centered subtracts the running mean (Graves
  2013)."""

  def __init__(self, learning_rate, decay=0.9, momentum=0.0, epsilon=1e-10, use_locking=False, centered=False,
               name="RMSProp"):
    super(RMSPropOptimizer, self).__init__(use_locking, name)
    self._learning_rate = learning_rate
    self._decay = decay
    self._momentum = momentum
    self._epsilon = epsilon
    self._centered = centered
    self._op = "CenteredRMSProp" if centered else "RMSProp"

  def _create_slots(self, var_list):
    for v in var_list:
      if v.get_shape().is_fully_defined():
        self._get_or_make_slot_with_initializer(v, init_ops.ones_initializer(dtype=v.dtype.base_dtype), v.get_shape(),
                                                v.dtype.base_dtype, "rms", self._name)
      else:
        self._get_or_make_slot(v, array_ops.ones_like(v), "rms", self._name)
      if self._centered:
        self._zeros_slot(v, "mg", self._name)
      self._zeros_slot(v, "momentum", self._name)

  def _prepare(self):
    self._tensors(learning_rate=self._learning_rate, decay=self._decay, momentum=self._momentum,
                  epsilon=self._epsilon)

  def _arguments(self, var, grad):
    slots = [self.get_slot(var, n) for n in (("mg", "rms", "momentum") if self._centered else ("rms", "momentum"))]
    return [var] + slots + self._scalars(var, "learning_rate", "decay", "momentum", "epsilon") + grad, []


class AdamOptimizer(_Adaptive):
  """Adaptive moments with bias correction (Kingma and Ba 2015)."""

  _op = "Adam"

  def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8, use_locking=False, name="Adam"):
    super(AdamOptimizer, self).__init__(use_locking, name)
    self._lr = learning_rate
    self._beta1 = beta1
    self._beta2 = beta2
    self._epsilon = epsilon

  def _get_beta_accumulators(self):
    graph = ops.get_default_graph()
    return (self._get_non_slot_variable("beta1_power", graph=graph),
            self._get_non_slot_variable("beta2_power", graph=graph))

  def _create_slots(self, var_list):
    first_var = min(var_list, key=lambda x: x.name)
    self._create_non_slot_variable(initial_value=self._beta1, name="beta1_power", colocate_with=first_var)
    self._create_non_slot_variable(initial_value=self._beta2, name="beta2_power", colocate_with=first_var)
    for v in var_list:
      self._zeros_slot(v, "m", self._name)
      self._zeros_slot(v, "v", self._name)

  def _prepare(self):
    self._tensors(learning_rate=self._lr, beta1=self._beta1, beta2=self._beta2, epsilon=self._epsilon)

  def _arguments(self, var, grad):
    beta1_power, beta2_power = self._get_beta_accumulators()
    powers = [self._scalar(beta1_power, var), self._scalar(beta2_power, var)]
    scalars = self._scalars(var, "learning_rate", "beta1", "beta2", "epsilon")
    return [var, self.get_slot(var, "m"), self.get_slot(var, "v")] + powers + scalars + grad, []

  # Adam's moments decay in every row, also in those without a gradient, so there is no single sparse op.
  def _apply_sparse_shared(self, grad, var, indices, scatter_add):
    beta1_power, beta2_power = (self._scalar(p, var) for p in self._get_beta_accumulators())
    lr_t, beta1_t, beta2_t, epsilon_t = self._scalars(var, "learning_rate", "beta1", "beta2", "epsilon")
    lr = lr_t * math_ops.sqrt(1 - beta2_power) / (1 - beta1_power)
    m = self.get_slot(var, "m")
    m_t = state_ops.assign(m, m * beta1_t, use_locking=self._use_locking)
    with ops.control_dependencies([m_t]):
      m_t = scatter_add(m, indices, grad * (1 - beta1_t))
    v = self.get_slot(var, "v")
    v_t = state_ops.assign(v, v * beta2_t, use_locking=self._use_locking)
    with ops.control_dependencies([v_t]):
      v_t = scatter_add(v, indices, (grad * grad) * (1 - beta2_t))
    var_update = state_ops.assign_sub(var, lr * m_t / (math_ops.sqrt(v_t) + epsilon_t), use_locking=self._use_locking)
    return control_flow_ops.group(*[var_update, m_t, v_t])

  def _apply_sparse(self, grad, var):
    return self._apply_sparse_shared(
        grad.values, var, grad.indices,
        lambda x, i, v: state_ops.scatter_add(x, i, v, use_locking=self._use_locking))

  def _resource_apply_sparse(self, grad, var, indices):
    def scatter_add(x, i, v):
      with ops.control_dependencies([ops.op("ResourceScatterAdd", None, [x.handle, i, v])]):
        return x.read_value()
    return self._apply_sparse_shared(grad, var, indices, scatter_add)

  def _finish(self, update_ops, name_scope):
    """Moves the powers of the betas on, once all variables have used them."""
    with ops.control_dependencies(update_ops):
      beta1_power, beta2_power = self._get_beta_accumulators()
      with ops.colocate_with(beta1_power):
        update_beta1 = beta1_power.assign(beta1_power * self._beta1_t, use_locking=self._use_locking)
        update_beta2 = beta2_power.assign(beta2_power * self._beta2_t, use_locking=self._use_locking)
    return control_flow_ops.group(*update_ops + [update_beta1, update_beta2], name=name_scope)


class FtrlOptimizer(_Adaptive):
  """Follow the regularised leader (McMahan et al. 2013), with optional shrinkage of the gradient's loss."""

  def __init__(self, learning_rate, learning_rate_power=-0.5, initial_accumulator_value=0.1,
               l1_regularization_strength=0.0, l2_regularization_strength=0.0, use_locking=False, name="Ftrl",
               accum_name=None, linear_name=None, l2_shrinkage_regularization_strength=0.0):
    super(FtrlOptimizer, self).__init__(use_locking, name)
    for label, value in (("initial_accumulator_value", initial_accumulator_value),
                         ("l1_regularization_strength", l1_regularization_strength),
                         ("l2_regularization_strength", l2_regularization_strength),
                         ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength)):
      if value < 0.0:
        raise ValueError("%s %f needs to be greater than or equal to zero" % (label, value))
    if learning_rate_power > 0.0:
      raise ValueError("learning_rate_power %f needs to be negative or zero" % learning_rate_power)
    self._learning_rate = learning_rate
    self._learning_rate_power = learning_rate_power
    self._initial_accumulator_value = initial_accumulator_value
    self._l1_regularization_strength = l1_regularization_strength
    self._l2_regularization_strength = l2_regularization_strength
    self._l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
    self._accum_name = accum_name
    self._linear_name = linear_name
    self._op = "Ftrl" if l2_shrinkage_regularization_strength <= 0.0 else "FtrlV2"

  def _create_slots(self, var_list):
    for v in var_list:
      self._constant_slot(v, self._initial_accumulator_value, "accum", self._accum_name or self._name)
      self._zeros_slot(v, "linear", self._linear_name or self._name)

  def _prepare(self):
    self._tensors(learning_rate=self._learning_rate, l1_regularization_strength=self._l1_regularization_strength,
                  l2_regularization_strength=self._l2_regularization_strength,
                  l2_shrinkage_regularization_strength=self._l2_shrinkage_regularization_strength,
                  learning_rate_power=self._learning_rate_power)

  def _arguments(self, var, grad):
    names = ["learning_rate", "l1_regularization_strength", "l2_regularization_strength"]
    if self._op == "FtrlV2":
      names.append("l2_shrinkage_regularization_strength")
    names.append("learning_rate_power")
    return [var, self.get_slot(var, "accum"), self.get_slot(var, "linear")] + grad, self._scalars(var, *names)


class ProximalAdagradOptimizer(_Adaptive):
  """Adagrad with L1 and L2 regularisation by proximal steps (Duchi and Singer 2009)."""

  _op = "ProximalAdagrad"

  def __init__(self, learning_rate, initial_accumulator_value=0.1, l1_regularization_strength=0.0,
               l2_regularization_strength=0.0, use_locking=False, name="ProximalAdagrad"):
    if initial_accumulator_value <= 0.0:
      raise ValueError("initial_accumulator_value must be positive: %s" % initial_accumulator_value)
    super(ProximalAdagradOptimizer, self).__init__(use_locking, name)
    self._learning_rate = learning_rate
    self._initial_accumulator_value = initial_accumulator_value
    self._l1_regularization_strength = l1_regularization_strength
    self._l2_regularization_strength = l2_regularization_strength

  def _create_slots(self, var_list):
    for v in var_list:
      self._constant_slot(v, self._initial_accumulator_value, "accumulator", self._name)

  def _prepare(self):
    self._tensors(learning_rate=self._learning_rate, l1_regularization_strength=self._l1_regularization_strength,
                  l2_regularization_strength=self._l2_regularization_strength)

  def _arguments(self, var, grad):
    scalars = self._scalars(var, "learning_rate", "l1_regularization_strength", "l2_regularization_strength")
    return [var, self.get_slot(var, "accumulator")] + scalars + grad, []
