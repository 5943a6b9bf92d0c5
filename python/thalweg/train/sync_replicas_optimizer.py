"""Synchronous training with several replicas: gradients are averaged over them before they are applied.

Each replica adds its gradients to accumulators, then waits for a token. One of them, the chief, runs a queue runner that
takes the averages once enough have come, applies them, and puts as many tokens out as there are replicas; a token holds
the new global step, and gradients of an older one are dropped (Chen et al., "Revisiting distributed synchronous SGD").
"""

from thalweg.framework import dtypes, ops
from thalweg.ops import (accumulator_ops, array_ops, control_flow_ops, queue_ops, state_ops, variable_scope, variables)
from thalweg.train import optimizer, queue_runner, session_run_hook


class SyncReplicasOptimizer(optimizer.Optimizer):
  """Wraps the optimizer that applies the averages.

  Args:
    opt: that optimizer.
    replicas_to_aggregate: how many gradients make a step; less than `total_num_replicas` leaves stragglers behind.
    total_num_replicas: how many replicas there are; None for as many.
    variable_averages: an ExponentialMovingAverage to be updated with each step.
    variables_to_average: the variables that it averages.
    use_locking: for the wrapped optimizer's interface; updates are in one place anyway.
    name: scope of the operations.
  """

  def __init__(self, opt, replicas_to_aggregate, total_num_replicas=None, variable_averages=None,
               variables_to_average=None, use_locking=False, name="sync_replicas"):
    super().__init__(use_locking, name)
    self._opt = opt
    self._replicas_to_aggregate = replicas_to_aggregate
    self._total_num_replicas = replicas_to_aggregate if total_num_replicas is None else total_num_replicas
    self._variable_averages, self._variables_to_average = variable_averages, variables_to_average
    self._tokens_per_step = max(self._total_num_replicas, replicas_to_aggregate)
    self._global_step = self._sync_token_queue = self._chief_queue_runner = None
    self._gradients_applied = False
    self._accumulators = []

  def compute_gradients(self, *args, **kwargs):
    return self._opt.compute_gradients(*args, **kwargs)

  def apply_gradients(self, grads_and_vars, global_step=None, name=None):
    """The operation of a replica's step: it gives its gradients and waits for the next global step."""
    if not grads_and_vars:
      raise ValueError("Must supply at least one variable")
    if global_step is None:
      raise ValueError("Global step is required to check staleness")
    self._global_step = global_step
    step_dtype = global_step.dtype.base_dtype
    self._local_step = variable_scope.variable(0, trainable=False, collections=[ops.GraphKeys.LOCAL_VARIABLES],
                                               dtype=step_dtype, name="sync_rep_local_step")
    self.local_step_init_op = state_ops.assign(self._local_step, global_step)
    self.ready_for_local_init_op = variables.report_uninitialized_variables(variables.global_variables())
    given, averages = [], []
    with ops.name_scope(None, self._name):
      for grad, var in grads_and_vars:
        with ops.device(var.device):
          averages.append((self._exchange(grad, var, given), var))
    with ops.device(global_step.device), ops.name_scope(""):
      update = self._opt.apply_gradients(averages, global_step)
      self._sync_token_queue = queue_ops.FIFOQueue(-1, step_dtype, shapes=(), name="sync_token_q",
                                                   shared_name="sync_token_q")
      # The runner closes its queue when it stops, which must not be the one that replicas wait at.
      dummy_queue = queue_ops.FIFOQueue(1, dtypes.int32, shapes=(), name="dummy_queue", shared_name="dummy_queue")
      with ops.control_dependencies(given):
        token = self._sync_token_queue.dequeue()
      train_op = state_ops.assign(self._local_step, token)
      with ops.control_dependencies([update]):
        # Read here, after the update.
        tokens = array_ops.fill([self._tokens_per_step], global_step.read_value())
        sync_op = self._sync_token_queue.enqueue_many((tokens,))
      if self._variable_averages is not None:
        with ops.control_dependencies([sync_op]):
          sync_op = self._variable_averages.apply(self._variables_to_average)
      self._chief_queue_runner = queue_runner.QueueRunner(dummy_queue, [sync_op])
    steps = [self.local_step_init_op]
    for accumulator, device in self._accumulators:
      with ops.device(device):
        steps.append(accumulator.set_global_step(global_step, name="SetGlobalStep"))
    self.chief_init_op = control_flow_ops.group(*steps)
    self._gradients_applied = True
    return train_op

  def _exchange(self, grad, var, given):
    """The average of a gradient over the replicas; appends the operation that gives this one's."""
    if grad is None:
      return None
    name = var.name + "/grad_accum"
    if isinstance(grad, ops.Tensor):
      accumulator = accumulator_ops.ConditionalAccumulator(grad.dtype, shape=var.get_shape(), shared_name=name)
      given.append(accumulator.apply_grad(grad, local_step=self._local_step))
      average = accumulator.take_grad(self._replicas_to_aggregate)
    elif isinstance(grad, ops.IndexedSlices):
      accumulator = accumulator_ops.SparseConditionalAccumulator(grad.dtype, shape=(), shared_name=name)
      given.append(accumulator.apply_indexed_slices_grad(grad, local_step=self._local_step))
      average = accumulator.take_indexed_slices_grad(self._replicas_to_aggregate)
    else:
      raise ValueError("Unknown grad type!")
    self._accumulators.append((accumulator, var.device))
    return average

  def _applied(self, what):
    if not self._gradients_applied:
      raise ValueError("%s should be called after apply_gradients()." % what)

  def get_chief_queue_runner(self):
    """The QueueRunner that the chief has to start."""
    self._applied("get_chief_queue_runner()")
    return self._chief_queue_runner

  def get_init_tokens_op(self, num_tokens=-1):
    """The operation that puts the first tokens out; -1 as many as a step takes. Fewer than the replicas lack of
    `replicas_to_aggregate` would stop the first step."""
    self._applied("get_init_tokens_op()")
    needed = self._replicas_to_aggregate - self._total_num_replicas
    if num_tokens == -1:
      num_tokens = self._replicas_to_aggregate
    elif num_tokens < needed:
      raise ValueError("Too few tokens to finish the first step: %d (given) vs %d (needed)" % (num_tokens, needed))
    if num_tokens <= 0:
      return control_flow_ops.no_op(name="no_init_tokens")
    with ops.device(self._global_step.device), ops.name_scope(""):
      return self._sync_token_queue.enqueue_many((array_ops.fill([num_tokens], self._global_step),))

  def get_slot(self, *args, **kwargs):
    return self._opt.get_slot(*args, **kwargs)

  def get_slot_names(self, *args, **kwargs):
    return self._opt.get_slot_names(*args, **kwargs)

  def variables(self):
    return self._opt.variables()

  def make_session_run_hook(self, is_chief, num_tokens=-1):
    """The hook that sets the steps and, on the chief, starts the exchange."""
    return _SyncReplicasHook(self, is_chief, num_tokens)


class _SyncReplicasHook(session_run_hook.SessionRunHook):

  def __init__(self, sync_optimizer, is_chief, num_tokens):
    self._optimizer, self._is_chief, self._num_tokens = sync_optimizer, is_chief, num_tokens

  def begin(self):
    o = self._optimizer
    if not o._gradients_applied:
      raise ValueError("SyncReplicasOptimizer.apply_gradient should be called before using the hook.")
    self._ready_op = o.ready_for_local_init_op
    self._init_op = o.chief_init_op if self._is_chief else o.local_step_init_op
    self._runner = o.get_chief_queue_runner() if self._is_chief else None
    self._tokens_op = o.get_init_tokens_op(self._num_tokens) if self._is_chief else None

  def after_create_session(self, session, coord):
    missing = session.run(self._ready_op)
    if len(missing):
      raise RuntimeError("Init operations did not make model ready for SyncReplicasOptimizer local_init. Init op: %s, "
                         "error: Variables not initialized: %s" % (
                             self._init_op.name, ", ".join(v.decode() for v in missing)))
    session.run(self._init_op)
    if self._tokens_op is not None:
      session.run(self._tokens_op)
    if self._runner is not None:
      self._runner.create_threads(session, coord=coord, daemon=True, start=True)
