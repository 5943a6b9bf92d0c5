"""import_graph_def."""

from thalweg._c import NULL, StatusError, ffi, lib
from thalweg.framework import ops


def import_graph_def(graph_def, input_map=None, return_elements=None, name=None, op_dict=None, producer_op_list=None):
  """Adds the nodes of a GraphDef to the default graph, below the scope `name` ("import" when None).

  `input_map` replaces tensors of the GraphDef by tensors of this graph; `return_elements` names what to return.
  """
  if not hasattr(graph_def, "SerializeToString"):
    raise TypeError("graph_def must be a GraphDef proto.")
  if input_map is None:
    input_map = {}
  elif not (isinstance(input_map, dict) and all(isinstance(k, (str, bytes)) for k in input_map)):
    raise TypeError("input_map must be a dictionary mapping strings to Tensor objects.")
  if return_elements is not None:
    return_elements = tuple(return_elements)
    if not all(isinstance(x, (str, bytes)) for x in return_elements):
      raise TypeError("return_elements must be a list of strings.")
  graph = ops.get_default_graph()
  graph._check_not_finalized()
  with ops.name_scope(name, "import", input_map.values()) as scope:
    prefix = scope[:-1] if scope else ""
    if input_map and any(not isinstance(v, ops.Tensor) for v in input_map.values()):
      if not scope:
        raise ValueError("tf.import_graph_def() requires a non-empty `name` if `input_map` contains non-Tensor values. "
                         "Try calling tf.convert_to_tensor() on `input_map` values before calling "
                         "tf.import_graph_def().")
      with ops.name_scope("_inputs"):
        input_map = {k: ops.convert_to_tensor(v) for k, v in input_map.items()}
    _import(graph, graph_def.SerializeToString(), prefix, input_map)
    if return_elements is None:
      return None
    return [_element(graph, prefix, e) for e in return_elements]


def _import(graph, data, prefix, input_map):
  options = ffi.new("tw_import_options*")
  options.struct_size = ffi.sizeof("tw_import_options")
  keep = [prefix.encode()]
  options.prefix = _str(keep[0], keep)
  names = ffi.new("tw_str[]", max(len(input_map), 1))
  outputs = ffi.new("tw_output[]", max(len(input_map), 1))
  for i, (key, tensor) in enumerate(input_map.items()):
    encoded = key if isinstance(key, bytes) else key.encode()
    keep.append(encoded)
    names[i] = _str(encoded, keep)
    outputs[i] = tensor._c_output() if isinstance(tensor, ops.Tensor) else (tensor._id, -1)
  options.input_names, options.input_outputs, options.num_inputs = names, outputs, len(input_map)
  controls = sorted({op._id for c in graph._control_stack for op in c.control_inputs})
  c_controls = ffi.new("int32_t[]", controls or [0])
  options.controls, options.num_controls = c_controls, len(controls)
  options.uniquify_names = 0 if prefix else 1
  if graph._device_bytes:
    keep.append(graph._device_bytes)
    options.default_device = _str(graph._device_bytes, keep)
  first, count = ffi.new("int32_t*"), ffi.new("int32_t*")
  with graph._lock:
    status = lib.tw_graph_import(graph._handle, ffi.from_buffer("char[]", data) if data else NULL, len(data), options,
                                 first, count)
    if status != NULL:
      raise ValueError(StatusError(status).message)
    graph._adopt()


def _str(data, keep):
  buffer = ffi.from_buffer("char[]", data) if data else NULL
  keep.append(buffer)
  return (buffer, len(data))


def _element(graph, prefix, name):
  name = name.decode() if isinstance(name, bytes) else name
  full = prefix + "/" + name if prefix else name
  try:
    return graph.as_graph_element(full)
  except (KeyError, ValueError):
    raise ValueError("Requested return_element %r not found in graph_def." % name) from None
