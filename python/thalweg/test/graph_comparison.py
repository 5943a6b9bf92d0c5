"""Whether two GraphDefs say the same."""

import re

from thalweg import _protos

_SHARDED = re.compile(r"_temp_\w+/part$")


def _normal(graph_def, checkpoint_v2, hash_table_shared_name):
  """The graph as text per node, in the order of names, without what changes from run to run."""
  if not hasattr(graph_def, "node"):
    raise TypeError("Expected tf.GraphDef, got %s" % type(graph_def).__name__)
  nodes = {}
  for node in graph_def.node:
    copied = _protos.message("NodeDef").FromString(node.SerializeToString())
    if checkpoint_v2 and copied.op == "Const" and copied.attr["value"].tensor.string_val:
      values = copied.attr["value"].tensor.string_val
      if _SHARDED.match(values[0].decode("utf-8", "replace")):
        copied.attr["value"].tensor.string_val[0] = b""
    if hash_table_shared_name and copied.op in ("HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2"):
      copied.attr["shared_name"].s = b""
    # The order of control inputs says nothing.
    data = [i for i in copied.input if not i.startswith("^")]
    controls = sorted(i for i in copied.input if i.startswith("^"))
    del copied.input[:]
    copied.input.extend(data + controls)
    nodes[copied.name] = copied
  return nodes


def assert_equal_graph_def(actual, expected, checkpoint_v2=False, hash_table_shared_name=False):
  """AssertionError unless both have the same nodes, in whatever order. TypeError for what is no GraphDef."""
  got = _normal(actual, checkpoint_v2, hash_table_shared_name)
  want = _normal(expected, checkpoint_v2, hash_table_shared_name)
  for name in sorted(set(got) | set(want)):
    if name not in got:
      raise AssertionError("The graph lacks the node %s:\n%s" % (name, want[name]))
    if name not in want:
      raise AssertionError("The graph has a node %s that was not expected:\n%s" % (name, got[name]))
    if got[name] != want[name]:
      raise AssertionError("The node %s differs:\n%s\nwas expected to be\n%s" % (name, got[name], want[name]))
