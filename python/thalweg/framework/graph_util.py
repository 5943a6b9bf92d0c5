"""tf.graph_util: cutting, freezing and slimming GraphDefs."""

import re

from thalweg import _protos
from thalweg.framework import dtypes, tensor_util
from thalweg.platform import tf_logging as logging

_VARIABLE_OPS = ("Variable", "VariableV2", "VarHandleOp")


def _node_name(text):
  """The node that an input string names: "a" for "a:1" and "^a"."""
  if text.startswith("^"):
    return text[1:]
  return text.split(":")[0]


def must_run_on_cpu(node, pin_variables_on_cpu=False):
  """Whether a node can only run on the CPU: strings, and variables on request."""
  node_def = node if hasattr(node, "attr") else node.node_def
  if pin_variables_on_cpu and node_def.op in _VARIABLE_OPS:
    return True
  if node_def.op == "Const" and node_def.attr["dtype"].type == dtypes.string.as_datatype_enum:
    return True
  return node_def.op in ("DynamicStitch", "ParallelDynamicStitch")


def extract_sub_graph(graph_def, dest_nodes):
  """The GraphDef of the nodes that `dest_nodes` need."""
  if isinstance(dest_nodes, str):
    raise TypeError("dest_nodes must be a list.")
  by_name = {node.name: node for node in graph_def.node}
  needed, stack = set(), []
  for name in dest_nodes:
    if name not in by_name:
      raise AssertionError("%s is not in graph" % name)
    stack.append(name)
  while stack:
    name = stack.pop()
    if name in needed:
      continue
    needed.add(name)
    stack.extend(_node_name(i) for i in by_name[name].input)
  out = _protos.message("GraphDef")()
  out.node.extend(node for node in graph_def.node if node.name in needed)
  out.library.CopyFrom(graph_def.library)
  out.versions.CopyFrom(graph_def.versions)
  return out


def _variables_read(graph_def):
  """Names of the variables of the graph, and for each node that reads a resource the variable it reads."""
  by_name = {node.name: node for node in graph_def.node}
  reads = {}
  for node in graph_def.node:
    if node.op in ("ReadVariableOp", "ResourceGather", "ResourceGatherNd"):
      source = by_name[_node_name(node.input[0])]
      while source.op == "Identity":
        source = by_name[_node_name(source.input[0])]
      if source.op != "VarHandleOp":
        raise ValueError("Cannot find the variable that is an input to the %s." % node.op)
      reads[node.name] = source.name
  names = [n.name for n in graph_def.node if n.op in _VARIABLE_OPS]
  return names, reads


def convert_variables_to_constants(sess, input_graph_def, output_node_names, variable_names_whitelist=None,
                                   variable_names_blacklist=None):
  """The GraphDef of what `output_node_names` need, with each variable replaced by a constant of its value in `sess`."""
  inference = extract_sub_graph(input_graph_def, output_node_names)
  names, reads = _variables_read(inference)
  frozen = [n for n in names
            if (variable_names_whitelist is None or n in variable_names_whitelist) and
            (variable_names_blacklist is None or n not in variable_names_blacklist)]
  resources = {n.name for n in inference.node if n.op == "VarHandleOp"}
  fetches = [name + "/Read/ReadVariableOp:0" if name in resources else name + ":0" for name in frozen]
  values = dict(zip(frozen, sess.run(fetches))) if frozen else {}
  logging.info("Froze %d variables.", len(values))

  out = _protos.message("GraphDef")()
  for node in inference.node:
    new = out.node.add()
    if node.name in values:
      value = values[node.name]
      new.op, new.name, new.device = "Const", node.name, node.device
      new.attr["dtype"].type = dtypes.as_dtype(value.dtype).as_datatype_enum
      new.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(value, shape=value.shape))
      continue
    new.CopyFrom(node)
    if reads.get(node.name) not in values:
      continue
    # The handle is a constant now, so the read passes it on.
    dtype = node.attr["dtype"].type
    if node.op == "ReadVariableOp":
      new.op = "Identity"
      new.attr.clear()
      new.attr["T"].type = dtype
    elif node.op == "ResourceGather":
      indices = node.attr["Tindices"].type
      axis = out.node.add()
      axis.op, axis.name, axis.device = "Const", node.name + "/axis", node.device
      axis.attr["dtype"].type = dtypes.int32.as_datatype_enum
      axis.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(0, dtype=dtypes.int32, shape=[]))
      new.op = "GatherV2"
      new.input.append(axis.name)
      new.attr.clear()
      new.attr["Tparams"].type = dtype
      new.attr["Tindices"].type = indices
      new.attr["Taxis"].type = dtypes.int32.as_datatype_enum
    else:
      indices = node.attr["Tindices"].type
      new.op = "GatherNd"
      new.attr.clear()
      new.attr["Tparams"].type = dtype
      new.attr["Tindices"].type = indices
    _retype_identities(inference, out, node.input[0], dtype)
  out.library.CopyFrom(inference.library)
  out.versions.CopyFrom(inference.versions)
  return out


def _retype_identities(inference, out, start, dtype):
  """Identities between a handle and its read carry the value now."""
  originals = {n.name: n for n in inference.node}
  copies = {n.name: n for n in out.node}
  node = originals[_node_name(start)]
  while node.op == "Identity":
    if node.name in copies:
      copies[node.name].attr["T"].type = dtype
    node = originals[_node_name(node.input[0])]


def remove_training_nodes(input_graph, protected_nodes=None):
  """Drops CheckNumerics nodes, and Identity nodes without control inputs, that only pass their input on."""
  protected = set(protected_nodes or ())
  types = {"CheckNumerics": True, "Identity": True}
  nodes = [n for n in input_graph.node if n.op != "CheckNumerics" or n.name in protected]
  removed = {n.name: n.input[0] for n in input_graph.node if n.op == "CheckNumerics" and n.name not in protected}
  by_name = {n.name: n for n in nodes}
  controlled = {_node_name(i) for n in nodes for i in n.input if i.startswith("^")}
  kept = []
  for node in nodes:
    source = by_name.get(_node_name(node.input[0])) if node.op == "Identity" and node.input else None
    passes_on = (node.op in types and node.name not in protected and node.name not in controlled and
                 not any(re.match(r"^\^", i) for i in node.input))
    # A reference must be read by somebody.
    if passes_on and source is not None and source.op not in ("VariableV2", "Variable", "Switch", "Merge"):
      removed[node.name] = node.input[0]
    else:
      kept.append(node)

  def resolve(text):
    while not text.startswith("^") and _node_name(text) in removed:
      text = removed[_node_name(text)]
    return text

  out = _protos.message("GraphDef")()
  for node in kept:
    new = out.node.add()
    new.CopyFrom(node)
    del new.input[:]
    new.input.extend(resolve(i) for i in node.input)
  out.library.CopyFrom(input_graph.library)
  out.versions.CopyFrom(input_graph.versions)
  return out


def tensor_shape_from_node_def_name(graph, input_name):
  """The static shape of a tensor named as in a NodeDef's input."""
  canonical = input_name if ":" in input_name else input_name + ":0"
  return graph.get_tensor_by_name(canonical).get_shape()


from thalweg.framework.importer import import_graph_def  # noqa: E402, F401  (under this name too)
