"""while_loop: a body that runs again and again on its own results. It becomes a While of functions."""

import builtins

from thalweg.framework import attr_pack, constant_op, dtypes, errors, node_count, ops, tensor_shape
from thalweg.framework.function_body import Body, Captures
from thalweg.framework.op_create import op as _op
from thalweg.framework.op_create import operation as _operation
from thalweg.framework.sparse_tensor import SparseTensor
from thalweg.framework.tensor import IndexedSlices
from thalweg.ops import array_ops, math_ops
from thalweg.ops.resource_variable_ops import handle_shape_and_dtype
from thalweg.util import nest


def while_loop(cond, body, loop_vars, shape_invariants=None, parallel_iterations=10, back_prop=True, swap_memory=False,
               name=None, maximum_iterations=None, return_same_structure=False):
  """Runs `loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)`, a boolean scalar, holds.

  `loop_vars` is a list or tuple of nests of tensors, sparse tensors, TensorArrays. `body` returns the same structure,
  of the same dtypes, and of shapes that are not less known than those in `shape_invariants` (the shapes on entry, when
  None). No more than `maximum_iterations` are run. With `back_prop` false no gradient passes the loop. Iterations follow
  one another here: `parallel_iterations` and `swap_memory` are taken and need nothing done. Gives the last values of
  the variables, a single one by itself unless `return_same_structure`.
  """
  if not callable(cond):
    raise TypeError("cond must be callable.")
  if not callable(body):
    raise TypeError("body must be callable.")
  if parallel_iterations < 1:
    raise TypeError("parallel_iterations must be a positive integer.")
  with ops.name_scope(name, "while", loop_vars) as scope:
    if not loop_vars:
      raise ValueError("No loop variables provided")
    counted = maximum_iterations is not None
    if counted:
      cond, body, loop_vars = _counted(cond, body, loop_vars, maximum_iterations, return_same_structure)
    if shape_invariants is not None:
      if counted:
        shape_invariants = (tensor_shape.TensorShape([]), shape_invariants)
      nest.assert_same_structure(loop_vars, shape_invariants)
    loop = _Loop(ops.get_default_graph(), scope[:-1], loop_vars, shape_invariants)
    result = loop.build(cond, body, parallel_iterations, back_prop, return_same_structure)
    return result[1] if counted else result


def _counted(cond, body, loop_vars, maximum_iterations, return_same_structure):
  """The loop with a counter in front."""
  limit = ops.convert_to_tensor(maximum_iterations, name="maximum_iterations")
  if limit.shape.ndims != 0:
    raise ValueError("maximum_iterations must be a scalar, saw shape: %s" % limit.shape)
  counter = constant_op.constant(0, dtype=limit.dtype, name="iteration_counter")
  if len(loop_vars) == 1 and not return_same_structure:
    return (lambda i, lv: math_ops.logical_and(i < limit, cond(lv)),
            lambda i, lv: (i + 1, body(lv)), (counter, loop_vars[0]))
  return (lambda i, lv: math_ops.logical_and(i < limit, cond(*lv)),
          lambda i, lv: (i + 1, body(*lv)), (counter, loop_vars))


class _Loop:
  """The variables of a loop: where they start, what stands for them inside, and the functions made of that."""

  def __init__(self, graph, name, loop_vars, shape_invariants):
    self._graph, self._name = graph, name
    self._structure = list(loop_vars)
    leaves = [_as_variable(v) for v in nest.flatten(self._structure)]
    self._starts = nest.flatten(leaves, expand_composites=True)
    if shape_invariants is None:
      shapes = [_own_shapes(v) for v in leaves]
    else:
      shapes = [_stated_shapes(v, s) for v, s in zip(leaves, _flatten_shapes(self._structure, shape_invariants))]
    self._shapes = [s for of_leaf in shapes for s in of_leaf]
    for start, shape in zip(self._starts, self._shapes):
      if not _within(start.shape, shape):
        raise ValueError(
            "The shape invariant specified for %s is not compatible with the initial shape of the loop variable. It "
            "enters the loop with shape %s, but the specified shape invariant is %s." % (start.name, start.shape, shape))

  def build(self, cond, body, parallel_iterations, back_prop, return_same_structure):
    inside, count = Body(self._graph, "while", self._name), len(self._starts)
    try:
      node_count.enters(self._graph, self._starts)
      node_count.add(self._graph, count)   # Enter
      with inside:
        merges = [self._stand_in(i) for i in range(len(self._starts))]
        pred = _loop_condition(cond(*self._pack(self._structure, merges)), self._name)
        node_count.enters(self._graph, [pred])
        node_count.add(self._graph, 1 + count)   # LoopCond, Switch
        variables = [array_ops.identity(m) for m in merges]
        structure, results = self._trace(body, variables)
        node_count.enters(self._graph, results)
        node_count.add(self._graph, count)   # NextIteration
      captures = Captures()
      captures.scan(inside, [pred], merges)
      captures.scan(inside, results, variables)
      with node_count.counted_as(self._graph, 0):
        shared = captures.close()
      cond_name = captures.add_function("cond", inside, [pred], merges)
      body_name = captures.add_function("body", inside, results + shared, variables)
    finally:
      inside.remove()
    types = [t.dtype.base_dtype for t in self._starts + shared]
    waited_for = sorted(captures.controls, key=lambda op: op._id)
    with self._graph.control_dependencies(waited_for), node_count.counted_as(self._graph, 0):
      made = _operation("While" if captures.stateful else "StatelessWhile", "While", (self._starts + shared,), {
          "T": types, "cond": cond_name, "body": body_name, "parallel_iterations": parallel_iterations,
          "output_shapes": self._shapes + [t.shape for t in shared]})
    leave = "Identity" if back_prop else "StopGradient"
    exits = [_op(leave, "Exit", (made.outputs[i],)) for i in range(len(self._starts))]
    packed = self._pack(structure, exits)
    return packed[0] if len(exits) == 1 and not return_same_structure else packed

  def _stand_in(self, i):
    """What stands for variable i: an argument of the functions."""
    start = self._starts[i]
    attrs = attr_pack.pack("T", "type", start.dtype.base_dtype) + attr_pack.pack("index", "int", i)
    attrs += attr_pack.pack("_output_shapes", "list(shape)", [self._shapes[i]])
    if start.dtype.base_dtype in (dtypes.resource, dtypes.variant):
      shape, dtype = handle_shape_and_dtype(start)
      if dtype is not None:
        attrs += attr_pack.pack("_handle_dtypes", "list(type)", [dtype])
        attrs += attr_pack.pack("_handle_shapes", "list(shape)", [shape])
    return self._graph._add("_Arg", self._graph.unique_name("Merge"), (), attrs).outputs[0]

  def _pack(self, structure, tensors):
    leaves = nest.flatten(structure, expand_composites=True)
    return nest.pack_sequence_as(structure, [_restore(v, t) for v, t in zip(leaves, tensors)], expand_composites=True)

  def _trace(self, body, variables):
    """Builds the body; returns the structure of what it gives, and the tensors in it."""
    packed = self._pack(self._structure, variables)
    structure = body(*packed)
    if not nest.is_sequence(structure):
      structure = [structure]
    nest.assert_same_structure(packed, list(structure), expand_composites=True)
    results = nest.flatten([_as_variable(v) for v in nest.flatten(structure)], expand_composites=True)
    for start, shape, result in zip(self._starts, self._shapes, results):
      if result.dtype.base_dtype != start.dtype.base_dtype:
        raise errors.InvalidArgumentError(
            None, None, "Loop variable %s of %s enters with type %s, but has type %s after one iteration (%s). A loop "
            "variable keeps its type." % (start.name, self._name, start.dtype.base_dtype.name,
                                          result.dtype.base_dtype.name, result.name))
      if not _within(result.shape, shape):
        raise ValueError(
            "Input tensor '%s' enters the loop with shape %s, but has shape %s after one iteration. To allow the shape "
            "to vary across iterations, use the `shape_invariants` argument of tf.while_loop to specify a less-specific "
            "shape." % (start.name, shape, result.shape))
    return structure, results


def _loop_condition(pred, name):
  pred = ops.convert_to_tensor(pred)
  if pred.dtype.base_dtype != dtypes.bool:
    raise TypeError("Input 'input' of 'LoopCond' Op has type %s that does not match expected type of bool." %
                    pred.dtype.base_dtype.name)
  if pred.shape.ndims not in (0, None):
    raise ValueError("Shape must be rank 0 but is rank %d for '%s/LoopCond' (op: 'LoopCond') with input shapes: %s." % (
        pred.shape.ndims, name, pred.shape))
  return pred


def _as_variable(value):
  """A tensor or sparse tensor for one leaf of a loop's variables."""
  if value is None:
    raise ValueError("None values not supported.")
  if hasattr(value, "_with_flow"):
    return value.flow
  if isinstance(value, (SparseTensor, IndexedSlices)):
    return value
  return ops.convert_to_tensor(value)


def _restore(original, tensor):
  return original._with_flow(tensor) if hasattr(original, "_with_flow") else tensor


def _flatten_shapes(structure, shapes):
  """The invariants in the order of the variables. A TensorShape, though a sequence, is one leaf."""
  if not nest.is_sequence(structure):
    return [shapes]
  if isinstance(structure, dict):
    return [s for k in sorted(structure) for s in _flatten_shapes(structure[k], shapes[k])]
  return [s for part, of_part in builtins.zip(structure, shapes) for s in _flatten_shapes(part, of_part)]


def _own_shapes(variable):
  """The invariants of a variable's tensors when none are stated: sparse ones may hold any number of elements."""
  if isinstance(variable, SparseTensor):
    return _sparse_shapes(variable.dense_shape.shape.with_rank(1).as_list()[0])
  if isinstance(variable, IndexedSlices):
    return _slices_shapes(variable, variable.values.shape)
  return [variable.shape]


def _stated_shapes(variable, shape):
  if not isinstance(shape, tensor_shape.TensorShape):
    raise ValueError("Invalid shape invariant for %s: %r is no TensorShape." % (variable, shape))
  if isinstance(variable, SparseTensor):
    return _sparse_shapes(shape.ndims)
  if isinstance(variable, IndexedSlices):
    return _slices_shapes(variable, shape)
  return [variable.shape if variable.dtype.base_dtype == dtypes.variant else shape]


def _sparse_shapes(rank):
  return [tensor_shape.TensorShape(s) for s in ([None, rank], [None], [rank])]


def _slices_shapes(variable, shape):
  shapes = [shape, shape[:1] if shape.ndims is not None else tensor_shape.TensorShape([None])]
  if variable.dense_shape is not None:
    shapes.append(tensor_shape.TensorShape([shape.ndims]))
  return shapes


def _within(shape, invariant):
  """Whether every tensor of `shape` is one of `invariant`."""
  if invariant.ndims is None:
    return True
  if shape.ndims != invariant.ndims:
    return False
  return all(i is None or s == i for s, i in zip(shape.as_list(), invariant.as_list()))
