"""gradients(): derivatives by the core, with the program's own gradient functions in front."""

import contextlib

from thalweg._c import NULL, StatusError, ffi, lib
from thalweg.framework import branch_values, errors, gradient_registry, ops
from thalweg.framework.tensor import IndexedSlices, Tensor
from thalweg.ops import array_ops, body_gradients


class AggregationMethod:
  """How gradients that meet are summed."""
  ADD_N = 0
  DEFAULT = ADD_N
  EXPERIMENTAL_TREE = 1
  EXPERIMENTAL_ACCUMULATE_N = 2


class UnconnectedGradients:
  """What d(y)/d(x) is where y does not depend on x."""
  NONE = "none"
  ZERO = "zero"


_AGGREGATION = {None: 0, AggregationMethod.ADD_N: 0, AggregationMethod.EXPERIMENTAL_TREE: 2,
                AggregationMethod.EXPERIMENTAL_ACCUMULATE_N: 1}


def _as_list(x):
  return list(x) if isinstance(x, (list, tuple)) else [x]


def _handle_or_tensor(x):
  """A resource variable's gradient is that of its handle."""
  handle = getattr(x, "handle", None)
  return handle if handle is not None and not isinstance(x, Tensor) else x


def gradients(ys, xs, grad_ys=None, name="gradients", colocate_gradients_with_ops=False, gate_gradients=False,
              aggregation_method=None, stop_gradients=None, unconnected_gradients=UnconnectedGradients.NONE):
  """The derivatives of the sum of `ys` with respect to each of `xs`: tensors, IndexedSlices, or None."""
  if unconnected_gradients not in (UnconnectedGradients.NONE, UnconnectedGradients.ZERO):
    raise ValueError("Unknown value for unconnected_gradients: %r" % unconnected_gradients)
  if aggregation_method not in _AGGREGATION:
    raise ValueError("Invalid aggregation_method specified %s." % aggregation_method)
  graph = ops.get_default_graph()
  ys, xs = _as_list(ys), _as_list(xs)
  stop_gradients = [] if stop_gradients is None else _as_list(stop_gradients)
  grad_ys = [None] * len(ys) if grad_ys is None else _as_list(grad_ys)
  if len(grad_ys) != len(ys):
    raise ValueError("Passed %d grad_ys for %d ys" % (len(grad_ys), len(ys)))
  with ops.name_scope(name, "gradients", ys + xs + stop_gradients + grad_ys) as grad_scope:
    ys = ops.convert_n_to_tensor_or_indexed_slices(ys, name="y")
    ys = [y.values if isinstance(y, IndexedSlices) else y for y in ys]
    given_xs = xs
    xs = [_handle_or_tensor(x) for x in xs]
    xs = [_x_tensor(x, i) for i, x in enumerate(xs)]
    for y in ys:
      if not (y.dtype.is_floating or y.dtype.is_complex or y.dtype.base_dtype.name in ("resource", "variant")):
        import logging
        logging.getLogger("thalweg").warning("The dtype of the target tensor must be floating (e.g. tf.float32) when "
                                             "calling GradientTape.gradient, got %r", y.dtype)
    grad_ys = _grad_ys(grad_ys, ys)
    stops = [_x_tensor(_handle_or_tensor(s), i) for i, s in enumerate(stop_gradients)]
    found = _call(graph, ys, xs, grad_ys, stops, grad_scope, colocate_gradients_with_ops,
                  _AGGREGATION[aggregation_method])
    if unconnected_gradients == UnconnectedGradients.ZERO:
      found = [array_ops.zeros_like(g) if d is None else d for d, g in zip(found, given_xs)]
    return found


def _x_tensor(x, i):
  if isinstance(x, IndexedSlices):
    return x.values
  return ops.convert_to_tensor(x, name="x_%d" % i, as_ref=True)


def _grad_ys(grad_ys, ys):
  checked = []
  for i, (grad, y) in enumerate(zip(grad_ys, ys)):
    if grad is None:
      if y.dtype.is_complex:
        raise TypeError("Gradients of complex tensors must set grad_ys (y.dtype = %r)" % y.dtype)
      checked.append(None)
      continue
    if isinstance(grad, IndexedSlices):
      grad = ops.convert_to_tensor(grad)
    grad = ops.convert_to_tensor(grad, dtype=y.dtype.base_dtype if not isinstance(grad, Tensor) else None,
                                 name="grad_ys_%d" % i)
    if y.dtype.is_floating != grad.dtype.is_floating or y.dtype.is_integer != grad.dtype.is_integer:
      raise TypeError("Gradient type %s generated for tensor %s with type %s must match" % (
          grad.dtype.name, y, y.dtype.name))
    checked.append(grad)
  return checked


def _outputs(tensors):
  array = ffi.new("tw_output[]", max(len(tensors), 1))
  for i, t in enumerate(tensors):
    array[i] = (-1, 0) if t is None else t._c_output()
  return array


def _call(graph, ys, xs, grad_ys, stops, scope, colocate, aggregation):
  for t in ys + xs:
    if t.graph is not graph:
      raise ValueError("Tensor %s is not an element of this graph." % t)
  ys = branch_values.tensors(graph, ys, scope + "grad_ys")
  for t in xs + stops:
    if not branch_values.is_visible(graph, t._op):
      raise errors.InaccessibleTensorError(
          "gradients() with respect to '%s', which lies in the body of %s '%s', can only be made in that body." % (
              t.name, t._op._context.kind, t._op._context.name))
  options = ffi.new("tw_gradient_options*")
  options.struct_size = ffi.sizeof("tw_gradient_options")
  c_grad_ys, c_stops = _outputs(grad_ys), _outputs(stops)
  if any(g is not None for g in grad_ys):
    options.grad_ys = c_grad_ys
  options.stop_gradients, options.num_stop_gradients = c_stops, len(stops)
  options.aggregation, options.colocate = aggregation, 1 if colocate else 0
  encoded = scope.rstrip("/").encode()
  buffer = ffi.from_buffer("char[]", encoded)
  options.name = (buffer, len(encoded))
  state = _OverrideState(graph)
  handle = ffi.new_handle(state)
  if state.needed():
    options.override_fn = ffi.cast("tw_gradient_fn", lib.twpy_gradient)
    options.override_user = handle
  dxs = ffi.new("tw_grad[]", max(len(xs), 1))
  with graph._lock:
    status = lib.tw_graph_gradients(graph._handle, _outputs(ys), len(ys), _outputs(xs), len(xs), options, dxs)
    graph._adopt()
  if status != NULL:
    error = StatusError(status)
    if state.error is not None:
      raise state.error
    if error.code == 5:
      raise LookupError(error.message)
    if error.code == 3:
      raise ValueError(error.message)
    from thalweg._c import to_error
    raise to_error(error, graph)
  return [_from_c(graph, dxs[i]) for i in range(len(xs))]


def _tensor(graph, output):
  return None if output.node < 0 else graph._ops[output.node]._outputs[output.index]


def _from_c(graph, grad):
  if grad.values.node >= 0:
    return IndexedSlices(_tensor(graph, grad.values), _tensor(graph, grad.indices), _tensor(graph, grad.dense_shape))
  return _tensor(graph, grad.dense)


class _OverrideState:
  """What the callback needs of one gradients() call."""

  def __init__(self, graph):
    self.graph = graph
    self.error = None

  def needed(self):
    return bool(gradient_registry._functions)

  def gradient(self, handle, node, dys, dxs):
    """Calls the function registered for the node; False when there is none."""
    if handle != self.graph._handle:
      return body_gradients.gradient(self.graph, handle, node, dys, dxs)
    graph = self.graph
    graph._adopt()
    op = graph._ops[node]
    kind = op.get_attr("_gradient_op_type").decode() if op._has_attr("_gradient_op_type") else None
    found, function = registered(op.name, op.type, kind)
    if not found or function is None:
      return found
    grads = [_tensor(graph, d) for d in dys]
    with graph.as_default(), _outside_scopes(graph), graph.name_scope(op.name + "_grad"):
      result = call_registered(function, op, grads)
    for dx, g in zip(dxs[0:len(result)], result):
      if isinstance(g, IndexedSlices):
        dx.values, dx.indices = g.values._c_output(), g.indices._c_output()
        if g.dense_shape is not None:
          dx.dense_shape = g.dense_shape._c_output()
      elif g is not None:
        dx.dense = g._c_output()
    return True


def registered(name, op_type, override):
  """(whether the program registered a gradient for such an operation, the function or None for no gradient)."""
  functions = gradient_registry._functions
  if override is not None and override not in functions:
    raise LookupError("No gradient defined for operation '%s' (op type: %s)" % (name, override))
  key = override or op_type
  return key in functions, functions.get(key)


def call_registered(function, op, grads):
  """What a registered function gives for each input of `op`: a tensor, IndexedSlices or None."""
  grads = [array_ops.zeros_like(o) if g is None and _wants_zeros(o) else g for g, o in zip(grads, op.outputs)]
  result = function(op, *grads)
  result = list(result) if isinstance(result, (list, tuple)) else [result]
  if len(result) != len(op.inputs):
    raise ValueError("Num gradients %d generated for op %s do not match num inputs %d" % (
        len(result), op.node_def, len(op.inputs)))
  return [g if g is None or isinstance(g, IndexedSlices) else ops.convert_to_tensor(g) for g in result]


def _wants_zeros(output):
  return output.dtype.is_floating or output.dtype.is_complex


@contextlib.contextmanager
def _outside_scopes(graph):
  """Gradient nodes do not inherit the program's control dependencies."""
  outer, graph._control_stack = graph._control_stack, []
  try:
    yield
  finally:
    graph._control_stack = outer


@ffi.def_extern()
def twpy_gradient(user, graph, node, dy, num_dy, dx, num_dx, handled):
  state = ffi.from_handle(user)
  try:
    done = state.gradient(graph, node, [dy[i] for i in range(num_dy)], dx)
    handled[0] = 1 if done else 0
    return NULL
  except BaseException as e:  # the exception continues in Python, behind the C call
    state.error = e
    message = str(e).encode()
    return lib.tw_status_create(2, (ffi.from_buffer("char[]", message) if message else NULL, len(message)))


def hessians(ys, xs, name="hessians", colocate_gradients_with_ops=False, gate_gradients=False,
             aggregation_method=None):
  """The second derivatives of the sum of ys: one tensor of shape x.shape + x.shape per x."""
  xs = _as_list(xs)
  kwargs = {"colocate_gradients_with_ops": colocate_gradients_with_ops, "gate_gradients": gate_gradients,
            "aggregation_method": aggregation_method}
  result = []
  for x, gradient in zip(xs, gradients(ys, xs, **kwargs)):
    size = x.shape.num_elements()
    if size is None:
      raise ValueError("hessians() takes variables of known size, but %s has shape %s" % (x.name, x.shape))
    flat = array_ops.reshape(gradient, [-1])
    rows = [array_ops.reshape(gradients(flat[i], x, **kwargs)[0], [-1]) for i in range(size)]
    result.append(array_ops.reshape(array_ops.stack(rows), array_ops.concat(
        (array_ops.shape(x), array_ops.shape(x)), 0)))
  return result

