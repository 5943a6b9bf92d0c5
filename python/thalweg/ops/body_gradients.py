"""Gradients that the program registered, of operations inside of branches and loops. The core differentiates a copy of the
function that such a body has become; the program's gradient is built beside the operations of the body as they were
made, becomes a function itself, and the copy calls it."""

import itertools

from thalweg._c import NULL, StatusError, ffi, lib, raw, text
from thalweg.framework import attr_pack
from thalweg.framework.function_body import Body, Captures
from thalweg.framework.tensor import IndexedSlices

_numbers = itertools.count()


def gradient(graph, handle, node, dys, dxs):
  """Gives node `node` of the body `handle` the gradient registered for it; False when there is none. `dys` and `dxs` are
  those of tw_gradient_fn."""
  from thalweg.ops.gradients_impl import registered
  name, op_type = text(lib.tw_node_name(handle, node)), text(lib.tw_node_op(handle, node))
  found, function = registered(name, op_type, _override(handle, node))
  if not found or function is None:
    return found
  op = graph._operation_or_none(name)
  if op is None or op._context is None or op.type != op_type:
    raise LookupError("The gradient registered for operation '%s' (op type: %s) cannot be used for it: the program did "
                      "not make the operation, the gradient of a branch or loop did" % (name, op_type))
  given = [i for i, d in enumerate(dys) if d.node >= 0]
  call, results = _call(graph, handle, op, function, given, [dys[i] for i in given])
  at = 0
  for dx, g in zip(dxs[0:len(results)], results):
    if isinstance(g, IndexedSlices):
      dx.values, dx.indices, at = (call, at), (call, at + 1), at + 2
      if g.dense_shape is not None:
        dx.dense_shape, at = (call, at), at + 1
    elif g is not None:
      dx.dense, at = (call, at), at + 1
  return True


def _override(handle, node):
  """What gradient_override_map says of the node."""
  key = b"_gradient_op_type"
  out = ffi.new("tw_attr_value**")
  status = lib.tw_node_attr(handle, node, (ffi.from_buffer("char[]", key), len(key)), out)
  if status != NULL:
    lib.tw_status_release(status)
    return None
  try:
    return raw(lib.tw_attr_value_string(out[0], 0)).decode()
  finally:
    lib.tw_attr_value_release(out[0])


def _call(graph, handle, op, function, given, dys):
  """Adds the call to the body; returns its node, and what the function gave for each input."""
  from thalweg.ops.gradients_impl import call_registered
  body = Body(graph, "cond", op.name + "_grad")
  body.outer = op._context
  captures = Captures()
  try:
    with graph.as_default(), body, graph.name_scope(op.name + "_grad"):
      grads = [None] * len(op.outputs)
      for i in given:
        grads[i] = _stand_in(graph, op.outputs[i], i)
      arguments = [grads[i] for i in given]
      results = call_registered(function, op, grads)
    parts = [t for g in results if g is not None for t in (
        [p for p in (g.values, g.indices, g.dense_shape) if p is not None] if isinstance(g, IndexedSlices) else [g])]
    captures.scan(body, parts, arguments)
    if captures.controls:
      raise ValueError("The gradient of %s waits for operations outside of it: %s" % (
          op.name, ", ".join(sorted(c.name for c in captures.controls))))
    captured = captures.close()
    name = captures.add_function("call", body, parts, arguments)
  finally:
    body.remove()
  inputs = [i for d in dys for i in (d.node, d.index)]
  for t in captured:
    inputs += _find(handle, op, t)
  types = [t.dtype.base_dtype for t in arguments + captured]
  attrs = (attr_pack.pack("Tin", "list(type)", types) + attr_pack.pack("f", "func", name) +
           attr_pack.pack("Tout", "list(type)", [t.dtype.base_dtype for t in parts]) +
           attr_pack.pack("_output_shapes", "list(shape)", [t.shape for t in parts]))
  node_name = ("%s_grad/call_%d" % (op.name, next(_numbers))).encode()
  dtypes_out, status = ffi.new("int32_t[]", len(parts) + 1), ffi.new("tw_status**")
  node = lib.twpy_add(handle, b"StatefulPartitionedCall" if captures.stateful else b"PartitionedCall", node_name,
                      len(node_name), inputs, len(inputs) >> 1, (), 0, attrs, len(attrs), b"", b"", dtypes_out,
                      len(parts) + 1, status)
  if node < 0:
    raise ValueError(StatusError(status[0]).message)
  return node, results


def _stand_in(graph, output, i):
  attrs = attr_pack.pack("T", "type", output.dtype.base_dtype) + attr_pack.pack("index", "int", i)
  attrs += attr_pack.pack("_output_shapes", "list(shape)", [output.shape])
  return graph._add("_Arg", graph.unique_name("dy"), (), attrs).outputs[0]


def _find(handle, op, tensor):
  """What stands for a tensor of the program in the copy of the body that `op` is in: [node, output]."""
  for made in reversed(op._context.functions):
    if tensor in made.inputs:
      index = made.inputs.index(tensor)
      for node in range(lib.tw_graph_num_nodes(handle)):
        if text(lib.tw_node_op(handle, node)) == "_Arg" and _index(handle, node) == index:
          return [node, 0]
  name = tensor.op.name.encode()
  node = lib.tw_graph_find(handle, (ffi.from_buffer("char[]", name), len(name)))
  if node < 0:
    raise ValueError("The gradient of %s uses %s, which the body of %s '%s' does not use. Let the function whose gradient "
                     "it is use it." % (op.name, tensor.name, op._context.kind, op._context.name))
  return [node, tensor.value_index]


def _index(handle, node):
  key = b"index"
  out = ffi.new("tw_attr_value**")
  status = lib.tw_node_attr(handle, node, (ffi.from_buffer("char[]", key), len(key)), out)
  if status != NULL:
    lib.tw_status_release(status)
    return -1
  try:
    return lib.tw_attr_value_int(out[0], 0)
  finally:
    lib.tw_attr_value_release(out[0])


