"""The optimizers of tf.train without second moments: gradient descent, momentum, and their proximal form."""

from thalweg.framework import ops
from thalweg.train.optimizer import Optimizer


class GradientDescentOptimizer(Optimizer):
  """var -= learning_rate * grad."""

  def __init__(self, learning_rate, use_locking=False, name="GradientDescent"):
    super(GradientDescentOptimizer, self).__init__(use_locking, name)
    self._learning_rate = learning_rate
    self._learning_rate_tensor = None

  def _prepare(self):
    self._learning_rate_tensor = ops.convert_to_tensor(self._call_if_callable(self._learning_rate),
                                                       name="learning_rate")

  def _apply_dense(self, grad, var):
    return self._training_op("ApplyGradientDescent", var, [var, self._scalar(self._learning_rate_tensor, var), grad])

  _resource_apply_dense = _apply_dense

  # Duplicate indices add up by themselves here.
  def _resource_apply_sparse_duplicate_indices(self, grad, handle, indices):
    return ops.op("ResourceScatterAdd", None,
                  [handle.handle, indices, -grad * self._scalar(self._learning_rate_tensor, handle)])

  def _apply_sparse_duplicate_indices(self, grad, var):
    delta = ops.IndexedSlices(grad.values * self._scalar(self._learning_rate_tensor, var), grad.indices,
                              grad.dense_shape)
    return var.scatter_sub(delta, use_locking=self._use_locking)


class MomentumOptimizer(Optimizer):
  """accumulation = momentum * accumulation + grad; var -= learning_rate * accumulation. Nesterov's form looks ahead
  (Sutskever et al. 2013)."""

  def __init__(self, learning_rate, momentum, use_locking=False, name="Momentum", use_nesterov=False):
    super(MomentumOptimizer, self).__init__(use_locking, name)
    self._learning_rate = learning_rate
    self._momentum = momentum
    self._use_nesterov = use_nesterov

  def _create_slots(self, var_list):
    for v in var_list:
      self._zeros_slot(v, "momentum", self._name)

  def _prepare(self):
    self._learning_rate_tensor = ops.convert_to_tensor(self._call_if_callable(self._learning_rate),
                                                       name="learning_rate")
    self._momentum_tensor = ops.convert_to_tensor(self._call_if_callable(self._momentum), name="momentum")

  def _apply_dense(self, grad, var):
    return self._training_op(
        "ApplyMomentum", var,
        [var, self.get_slot(var, "momentum"), self._scalar(self._learning_rate_tensor, var), grad,
         self._scalar(self._momentum_tensor, var)], {"use_nesterov": self._use_nesterov})

  _resource_apply_dense = _apply_dense

  def _resource_apply_sparse(self, grad, var, indices):
    return self._training_op(
        "SparseApplyMomentum", var,
        [var, self.get_slot(var, "momentum"), self._scalar(self._learning_rate_tensor, var), grad, indices,
         self._scalar(self._momentum_tensor, var)], {"use_nesterov": self._use_nesterov})

  def _apply_sparse(self, grad, var):
    return self._resource_apply_sparse(grad.values, var, grad.indices)


class ProximalGradientDescentOptimizer(Optimizer):
  """Gradient descent with L1 and L2 regularisation by proximal steps (Duchi and Singer 2009)."""

  def __init__(self, learning_rate, l1_regularization_strength=0.0, l2_regularization_strength=0.0, use_locking=False,
               name="ProximalGradientDescent"):
    super(ProximalGradientDescentOptimizer, self).__init__(use_locking, name)
    self._learning_rate = learning_rate
    self._l1_regularization_strength = l1_regularization_strength
    self._l2_regularization_strength = l2_regularization_strength

  def _prepare(self):
    self._learning_rate_tensor = ops.convert_to_tensor(self._learning_rate, name="learning_rate")
    self._l1_tensor = ops.convert_to_tensor(self._l1_regularization_strength, name="l1_regularization_strength")
    self._l2_tensor = ops.convert_to_tensor(self._l2_regularization_strength, name="l2_regularization_strength")

  def _scalars(self, var):
    return [self._scalar(t, var) for t in (self._learning_rate_tensor, self._l1_tensor, self._l2_tensor)]

  def _apply_dense(self, grad, var):
    return self._training_op("ApplyProximalGradientDescent", var, [var] + self._scalars(var) + [grad])

  _resource_apply_dense = _apply_dense

  def _resource_apply_sparse(self, grad, var, indices):
    return self._training_op("SparseApplyProximalGradientDescent", var, [var] + self._scalars(var) + [grad, indices])

  def _apply_sparse(self, grad, var):
    return self._resource_apply_sparse(grad.values, var, grad.indices)
