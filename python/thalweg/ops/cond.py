"""cond, case and switch_case: branches of which a run takes one. They become If and Case of functions."""

import builtins

from thalweg.framework import dtypes, node_count, op_table, ops, tensor_shape
from thalweg.framework.function_body import Body, Captures
from thalweg.framework.op_create import operation as _operation
from thalweg.framework.tensor import Tensor
from thalweg.ops import array_ops, control_flow_ops, math_ops
from thalweg.ops.control_flow_ops import smart_constant_value
from thalweg.util import nest


# The predicate's Switch, the two pivots and pred_id.
_NODES_OF_COND = 4


def cond(pred, true_fn=None, false_fn=None, strict=False, name=None, fn1=None, fn2=None):
  """What `true_fn()` returns where the boolean scalar `pred` holds, else what `false_fn()` returns.

  Both return the same nest of tensors, of the same dtypes. Operations made inside a function run only where its branch
  is taken and something it returns, or something fetched or used outside, needs them; what uses them outside does not
  run where the branch is not taken. Tensors from outside are computed in either case. A result that is a list or tuple
  of one tensor is given as that tensor unless `strict`.
  """
  true_fn = _legacy("true_fn", true_fn, "fn1", fn1)
  false_fn = _legacy("false_fn", false_fn, "fn2", fn2)
  for label, fn in (("true_fn", true_fn), ("false_fn", false_fn)):
    if not callable(fn):
      raise TypeError("%s must be callable." % label)
  with ops.name_scope(name, "cond", [pred]) as scope:
    if isinstance(pred, bool):
      raise TypeError("pred must not be a Python bool")
    pred = ops.convert_to_tensor(pred, name="pred")
    _check_pred(pred, scope[:-1])
    graph = ops.get_default_graph()
    node_count.enters(graph, [pred])
    node_count.add(graph, _NODES_OF_COND)
    branches = _Branches(graph, "cond", scope[:-1], strict)
    branches.trace("true_fn", true_fn)
    branches.trace("false_fn", false_fn)
    return branches.add("If", scope, (pred,), ("then_branch", "else_branch"))


def _legacy(label, fn, old_label, old):
  if old is None:
    if fn is None:
      raise TypeError("cond(): %s argument required" % label)
    return fn
  if fn is not None:
    raise TypeError("cond(): %s and %s may not be set simultaneously." % (label, old_label))
  return old


def _check_pred(pred, name):
  if pred.dtype.base_dtype != dtypes.bool:
    raise TypeError("Input 'pred' of 'Switch' Op has type %s that does not match expected type of bool." %
                    pred.dtype.base_dtype.name)
  if pred.shape.ndims not in (0, None):
    raise ValueError("Shape must be rank 0 but is rank %d for '%s/Switch' (op: 'Switch') with input shapes: %s, %s." % (
        pred.shape.ndims, name, pred.shape, pred.shape))


def smart_cond(pred, true_fn=None, false_fn=None, name=None):
  """cond(), but a `pred` that is known now chooses the function now."""
  if not callable(true_fn):
    raise TypeError("`true_fn` must be callable.")
  if not callable(false_fn):
    raise TypeError("`false_fn` must be callable.")
  known = smart_constant_value(pred)
  if known is not None:
    return true_fn() if known else false_fn()
  return cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)


class _Branches:
  """Functions of no arguments, built as bodies that return equal structures."""

  def __init__(self, graph, kind, name, strict):
    self._graph, self._kind, self._name, self._strict = graph, kind, name, strict
    self._labels, self._bodies, self._structures, self._results = [], [], [], []
    self._captures = Captures()

  def trace(self, label, fn):
    """Builds one branch; `label` is what messages call it."""
    body = Body(self._graph, self._kind, self._name)
    self._bodies.append(body)
    try:
      with body:
        structure = fn()
        if structure is None:
          raise ValueError("%s must have a return value." % label)
        if not self._strict:
          structure = _unpack_if_singleton(structure)
        results = [_as_result(r) for r in nest.flatten(structure, expand_composites=True)]
        node_count.enters(self._graph, results)
      self._check_against_first(label, structure, results)
    except BaseException:
      self._remove_bodies()
      raise
    self._labels.append(label)
    self._structures.append(structure)
    self._results.append(results)

  def _check_against_first(self, label, structure, results):
    if not self._structures:
      return
    nest.assert_same_structure(self._structures[0], structure, expand_composites=True)
    for first, other in zip(self._results[0], results):
      if first.dtype.base_dtype != other.dtype.base_dtype:
        raise ValueError("Outputs of %s and %s must have the same type: %s, %s" % (
            self._labels[0], label, first.dtype.base_dtype.name, other.dtype.base_dtype.name))

  def _remove_bodies(self):
    for body in self._bodies:
      body.remove()

  def add(self, op_type, scope, selector, attr_names):
    """Adds the operation that runs one of the branches, and returns its results in their structure."""
    try:
      for body, results in zip(self._bodies, self._results):
        self._captures.scan(body, results)
      with node_count.counted_as(self._graph, 0):
        inputs = self._captures.close()
      names = [self._captures.add_function(label, body, results)
               for label, body, results in zip(self._labels, self._bodies, self._results)]
    finally:
      self._remove_bodies()
    attrs = {"Tin": [t.dtype.base_dtype for t in inputs], "Tout": [t.dtype.base_dtype for t in self._results[0]],
             "output_shapes": [_common_shape(ts) for ts in zip(*self._results)]}
    attrs.update(zip(attr_names, names) if len(attr_names) > 1 else {attr_names[0]: names})
    # What the results do not need may leave the branches later.
    stateful = any(op_table.spec(op.type).stateful for body in self._bodies for op in body.ops)
    if op_type == "If" and not stateful:
      op_type = "StatelessIf"
    waited_for = sorted(self._captures.controls, key=lambda op: op._id)
    with self._graph.control_dependencies(waited_for), node_count.counted_as(self._graph, 0):
      made = _operation(op_type, "If" if op_type != "Case" else scope, tuple(selector) + (inputs,), attrs)
    if self._kind == "cond":
      # Those of switch_case are functions in TensorFlow, too.
      for i, body in enumerate(self._bodies):
        body.call, body.branch = made, i
    given = [array_ops.identity(t, name="Merge" if op_type != "Case" else "Identity") for t in made.outputs]
    leaves = nest.flatten(self._structures[0], expand_composites=True)
    return nest.pack_sequence_as(self._structures[0], [_restore(s, t) for s, t in zip(leaves, given)],
                                 expand_composites=True)


def _restore(original, value):
  """A TensorArray around its list, where a branch returned one."""
  return original._with_flow(value) if hasattr(original, "_with_flow") else value


def _unpack_if_singleton(structure):
  if isinstance(structure, (list, builtins.tuple)) and len(structure) == 1 and not hasattr(structure, "_fields"):
    return structure[0]
  return structure


def _as_result(value):
  """A branch's result as a tensor. An operation becomes a boolean that is there when it has run."""
  if value is None:
    raise ValueError("None values not supported.")
  if isinstance(value, ops.Operation):
    with ops.control_dependencies([value]), node_count.counted_as(value.graph, 1):
      return array_ops.identity(array_ops.constant(True), name="ran")
  if hasattr(value, "_with_flow"):
    return value.flow
  return ops.convert_to_tensor(value)


def _common_shape(tensors):
  """What holds of all the shapes."""
  shape = tensors[0].shape
  for t in tensors[1:]:
    if shape.ndims is None or t.shape.ndims != shape.ndims:
      return tensor_shape.unknown_shape()
    shape = tensor_shape.TensorShape([a if a == b else None for a, b in zip(shape.as_list(), t.shape.as_list())])
  return shape


# --- case ---

def _predicate_pairs(pred_fn_pairs):
  if not isinstance(pred_fn_pairs, (list, builtins.tuple, dict)):
    raise TypeError("fns must be a list, tuple, or dict")
  if isinstance(pred_fn_pairs, dict):
    pred_fn_pairs = sorted(pred_fn_pairs.items(), key=lambda item: item[0].name)
  for pair in pred_fn_pairs:
    if not isinstance(pair, builtins.tuple) or len(pair) != 2:
      raise TypeError("Each entry in pred_fn_pairs must be a 2-tuple")
    pred, fn = pair
    if not isinstance(pred, Tensor) or pred.dtype != dtypes.bool:
      raise TypeError("pred must be Tensor of type bool: %s" % getattr(pred, "name", pred))
    if not callable(fn):
      raise TypeError("fn for pred %s must be callable." % pred.name)
  return [p for p, _ in pred_fn_pairs], [f for _, f in pred_fn_pairs]


def _assert_at_most_true(predicates, n, message):
  together = array_ops.stack(predicates, name="preds_c")
  count = math_ops.reduce_sum(math_ops.cast(together, dtypes.int32), name="num_true_conds")
  names = ", ".join(p.name for p in predicates)
  return control_flow_ops.Assert(
      math_ops.less_equal(count, array_ops.constant(n, name="n_true_conds")),
      ["%s: more than %d conditions (%s) evaluated as True:" % (message, n, names), together],
      summarize=len(predicates))


def case(pred_fn_pairs, default=None, exclusive=False, strict=False, name="case"):
  """What the function of the first predicate that holds returns; `default()` where none does.

  `pred_fn_pairs` is a list of (boolean scalar, function), or a dict, whose order is that of the predicates' names.
  Without a default one must hold, and with `exclusive` at most one may: InvalidArgumentError otherwise.
  """
  predicates, actions = _predicate_pairs(pred_fn_pairs)
  if not predicates:
    raise ValueError("case() needs at least one (predicate, function) pair")
  with ops.name_scope(name, "case", [predicates]):
    if default is not None and not callable(default):
      raise TypeError("default must be callable.")
    dependencies = [_assert_at_most_true(predicates, 1, "Input error: exclusive=True")] if exclusive else []
    if default is None:
      predicates, actions, default = _last_as_default(predicates, actions)
    with ops.control_dependencies(dependencies):
      result = default
      for pred, action in reversed(list(zip(predicates, actions))):
        result = _Chain(pred, action, result, strict)
      return result()


class _Chain:
  """A function that takes `action` where `pred` holds, else goes on with `otherwise`."""

  def __init__(self, pred, action, otherwise, strict):
    self._pred, self._action, self._otherwise, self._strict = pred, action, otherwise, strict

  def __call__(self):
    return cond(self._pred, true_fn=self._action, false_fn=self._otherwise, strict=self._strict, name="cond")


def _last_as_default(predicates, actions):
  """Takes the last action for the default, with the assertions that its predicate holds and no other does."""
  *others, last = predicates
  *other_actions, default = actions

  def checked():
    message = ["Input error: None of conditions evaluated as True:", array_ops.stack(predicates, name="preds_c")]
    others_hold = "Implementation error: selected default action #%d was called, but some of other predicates are True: "
    with ops.control_dependencies([_assert_at_most_true(others, 0, others_hold % len(others)),
                                   control_flow_ops.Assert(last, message)]):
      return default()

  return others, other_actions, checked


def switch_case(branch_index, branch_fns, default=None, name="switch_case"):
  """What the function of number `branch_index` returns; `default()`, or the last one, for a number that none has.

  `branch_fns` is a list of functions, or a dict or list of (number, function) with the numbers 0 to n - 1.
  """
  if isinstance(branch_index, bool) or not isinstance(branch_index, (int, Tensor)) and not hasattr(
      branch_index, "_as_graph_element"):
    raise TypeError("branch_index must a Tensor, got %s" % type(branch_index))
  with ops.name_scope(name, "switch_case"):
    branch_index = ops.convert_to_tensor(branch_index, name="branch_index")
    if not branch_index.dtype.is_integer:
      raise TypeError("branch_index must an integer Tensor, got %r" % branch_index.dtype)
    functions = _indexed_functions(branch_fns, default)
    with ops.name_scope("indexed_case") as scope:
      branch_index = math_ops.cast(branch_index, dtypes.int32)
      branches = _Branches(ops.get_default_graph(), "switch_case", scope[:-1], True)
      for i, fn in enumerate(functions):
        branches.trace("branch%d" % i, fn)
      return branches.add("Case", scope, (branch_index,), ("branches",))


def _indexed_functions(branch_fns, default):
  if not isinstance(branch_fns, (list, builtins.tuple, dict)):
    raise TypeError("fns must be a list, tuple, or dict")
  if isinstance(branch_fns, dict):
    branch_fns = sorted(branch_fns.items())
  if not branch_fns:
    raise ValueError("fns must be a non-empty list, tuple, or dict")
  if all(callable(f) for f in branch_fns):
    branch_fns = list(enumerate(branch_fns))
  for pair in branch_fns:
    if not isinstance(pair, builtins.tuple) or len(pair) != 2:
      raise TypeError("Each entry in branch_fns must be a 2-tuple")
    index, fn = pair
    if not isinstance(index, int):
      raise TypeError("key must be a Python `int`, got %s" % type(index))
    if not callable(fn):
      raise TypeError("fn for key %d must be callable." % index)
  found = sorted(k for k, _ in branch_fns)
  if found != list(range(len(found))):
    raise ValueError("branch indices (keys) must form contiguous range of [0 to %d) but found {%s}" % (
        len(found), ",".join(str(k) for k in found)))
  if default is not None and not callable(default):
    raise TypeError("default must be callable.")
  functions = [fn for _, fn in sorted(branch_fns, key=lambda pair: pair[0])]
  return functions + [default] if default is not None else functions
