"""Graphs to files."""

import os

from thalweg.framework.ops import Graph


def write_graph(graph_or_graph_def, logdir, name, as_text=True):
  """Writes a GraphDef as text or bytes; returns the path."""
  graph_def = graph_or_graph_def.as_graph_def() if isinstance(graph_or_graph_def, Graph) else graph_or_graph_def
  os.makedirs(logdir, exist_ok=True)
  path = os.path.join(logdir, name)
  partial = path + ".part"
  if as_text:
    from google.protobuf import text_format
    with open(partial, "w", encoding="utf-8") as f:
      f.write(text_format.MessageToString(graph_def))
  else:
    with open(partial, "wb") as f:
      f.write(graph_def.SerializeToString())
  os.replace(partial, path)
  return path
