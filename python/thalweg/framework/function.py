"""Functions of the graph: bodies that calls, If and While name."""

from thalweg._c import check, ffi, lib


class GraphFunction:
  """A function made of a graph: its inputs (placeholders), outputs, and the operations that must run."""

  def __init__(self, name, body, inputs, outputs, controls=(), nodes=None):
    """`nodes`: the operations that belong to the function, where `body` has others; waiting for those is left out."""
    self.name, self.body = name, body
    self.inputs, self.outputs, self.controls = list(inputs), list(outputs), list(controls)
    self.nodes = nodes

  def add_to_graph(self, graph):
    """Puts the function into the graph's library, once."""
    if graph._get_function(self.name) is not None:
      return
    encoded = self.name.encode()
    buffer = ffi.from_buffer("char[]", encoded)
    desc = ffi.new("tw_function_desc*")
    desc.struct_size = ffi.sizeof("tw_function_desc")
    desc.name = (buffer, len(encoded))
    inputs = ffi.new("tw_output[]", [t._c_output() for t in self.inputs] or [(-1, 0)])
    outputs = ffi.new("tw_output[]", [t._c_output() for t in self.outputs] or [(-1, 0)])
    controls = ffi.new("int32_t[]", [op._id for op in self.controls] or [0])
    desc.inputs, desc.num_inputs = inputs, len(self.inputs)
    desc.outputs, desc.num_outputs = outputs, len(self.outputs)
    desc.controls, desc.num_controls = controls, len(self.controls)
    if self.nodes is not None:
      nodes = ffi.new("int32_t[]", [op._id for op in self.nodes] or [0])
      desc.nodes, desc.num_nodes = nodes, len(self.nodes)
    check(lib.tw_function_create(graph._handle, self.body._handle, desc))
    graph._add_function(self)
