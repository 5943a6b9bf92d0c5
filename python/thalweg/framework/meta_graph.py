"""MetaGraphDefs: a graph with its collections and its saver."""

import os
import re

from thalweg import _protos
from thalweg.framework import ops
from thalweg.platform import tf_logging as logging

_UNBOUND_INPUT_PREFIX = "$unbound_inputs_"


def _node_name(text):
  return text[1:] if text.startswith("^") else text.split(":")[0]


def add_collection_def(meta_graph_def, key, graph=None, export_scope=None, exclude_nodes=None, override_contents=None):
  """Puts one collection into `meta_graph_def`; what cannot be written is left out with a warning."""
  if not isinstance(key, (str, bytes)):
    logging.warning("Only collections with string type keys will be serialized. This key has %s", type(key))
    return
  graph = graph or ops.get_default_graph()
  items = graph.get_collection(key) if override_contents is None else override_contents
  if not items:
    return
  definition = _protos.message("CollectionDef")()
  try:
    to_proto = ops.get_to_proto_function(key)
    if to_proto:
      for item in items:
        proto = to_proto(item, export_scope=export_scope)
        if proto is not None:
          definition.bytes_list.value.append(proto.SerializeToString())
    elif all(isinstance(x, bool) or isinstance(x, int) for x in items):
      definition.int64_list.value.extend([int(x) for x in items])
    elif all(isinstance(x, float) for x in items):
      definition.float_list.value.extend(items)
    elif all(isinstance(x, (str, bytes)) for x in items):
      definition.bytes_list.value.extend([x.encode() if isinstance(x, str) else x for x in items])
    else:
      for x in items:
        if export_scope is None or x.name.startswith(export_scope):
          definition.node_list.value.append(ops.strip_name_scope(x.name, export_scope))
  except Exception as e:
    logging.warning("Issue encountered when serializing %s.\nType is unsupported, or the types of the items don't match "
                    "field type in CollectionDef. Note this is a warning and probably safe to ignore.\n%s", key, e)
    return
  meta_graph_def.collection_def[key if isinstance(key, str) else key.decode()].CopyFrom(definition)


def create_meta_graph_def(meta_info_def=None, graph_def=None, saver_def=None, collection_list=None, graph=None,
                          export_scope=None, exclude_nodes=None, clear_extraneous_savers=False,
                          strip_default_attrs=False):
  """A MetaGraphDef of `graph` (the default one when None)."""
  if graph is not None and not isinstance(graph, ops.Graph):
    raise TypeError("graph must be of type Graph, not %s" % type(graph))
  graph = graph or ops.get_default_graph()
  meta = _protos.message("MetaGraphDef")()
  if meta_info_def is not None:
    meta.meta_info_def.MergeFrom(meta_info_def)
  meta.meta_info_def.tensorflow_version = "1.15.5"
  meta.meta_info_def.tensorflow_git_version = "v1.15.5"
  meta.meta_info_def.stripped_default_attrs = strip_default_attrs
  meta.graph_def.MergeFrom(graph_def if graph_def is not None else graph.as_graph_def(add_shapes=True))
  for key in (graph.get_all_collection_keys() if collection_list is None else collection_list):
    if key == ops.GraphKeys.SAVERS and clear_extraneous_savers:
      continue
    add_collection_def(meta, key, graph=graph, export_scope=export_scope, exclude_nodes=exclude_nodes)
  if saver_def is not None:
    meta.saver_def.MergeFrom(saver_def)
  return meta


def read_meta_graph_file(filename):
  """The MetaGraphDef in a file, binary or text."""
  from thalweg.platform import gfile
  if not gfile.exists(filename):
    raise IOError("File %s does not exist." % filename)
  with gfile.GFile(filename, "rb") as f:
    data = f.read()
  meta = _protos.message("MetaGraphDef")()
  try:
    meta.ParseFromString(data)
    return meta
  except Exception:
    pass
  from google.protobuf import text_format
  try:
    text_format.Merge(data.decode("utf-8"), meta)
  except (text_format.ParseError, UnicodeDecodeError) as e:
    raise IOError("Cannot parse file %s: %s." % (filename, e))
  return meta


def _scoped_graph_def(graph, graph_def, export_scope, clear_devices):
  """The nodes below a scope, renamed to be without it; inputs from outside become unbound placeholders' names."""
  scope = export_scope.rstrip("/") + "/"
  made = _protos.message("GraphDef")()
  made.versions.CopyFrom(graph_def.versions)
  made.library.CopyFrom(graph_def.library)
  unbound = []
  for node in graph_def.node:
    if not node.name.startswith(scope):
      continue
    copy = made.node.add()
    copy.CopyFrom(node)
    copy.name = node.name[len(scope):]
    del copy.input[:]
    for text in node.input:
      if _node_name(text).startswith(scope):
        copy.input.append(text.replace(scope, "", 1))
      elif not text.startswith("^"):
        name = _UNBOUND_INPUT_PREFIX + re.sub(r"([^:/]+/)", "", text).replace(":", "_")
        copy.input.append(name)
        unbound.append(name)
    if clear_devices:
      copy.device = ""
    if "_class" in copy.attr:
      kept = [v.replace(b"loc:@" + scope.encode(), b"loc:@") for v in copy.attr["_class"].list.s
              if v.startswith(b"loc:@" + scope.encode())]
      if kept:
        copy.attr["_class"].list.s[:] = kept
      else:
        del copy.attr["_class"]
  return made, unbound


def export_scoped_meta_graph(filename=None, graph_def=None, graph=None, export_scope=None, as_text=False,
                             unbound_inputs_col_name="unbound_inputs", clear_devices=False, saver_def=None,
                             clear_extraneous_savers=False, strip_default_attrs=False, save_debug_info=False, **kwargs):
  """The MetaGraphDef of a graph or of a scope of it, and the variables in it by name; written to `filename` if given."""
  graph = graph or ops.get_default_graph()
  if graph_def is None:
    graph_def = graph.as_graph_def(add_shapes=True)
  unbound = []
  if export_scope:
    graph_def, unbound = _scoped_graph_def(graph, graph_def, export_scope, clear_devices)
  elif clear_devices:
    copy = _protos.message("GraphDef")()
    copy.CopyFrom(graph_def)
    for node in copy.node:
      node.device = ""
    graph_def = copy
  if unbound and unbound_inputs_col_name:
    for name in unbound:
      graph.add_to_collection(unbound_inputs_col_name, name)
  variables = {}
  for v in graph._collections.get(ops.GraphKeys.GLOBAL_VARIABLES, ()):
    if not export_scope or v.name.startswith(export_scope):
      variables[ops.strip_name_scope(v.name, export_scope)] = v
  meta = create_meta_graph_def(graph_def=graph_def, graph=graph, export_scope=export_scope, saver_def=saver_def,
                               clear_extraneous_savers=clear_extraneous_savers,
                               strip_default_attrs=strip_default_attrs, **kwargs)
  if filename:
    from thalweg.framework import graph_io
    graph_io.write_graph(meta, os.path.dirname(filename) or ".", os.path.basename(filename), as_text=as_text)
  return meta, variables


def import_scoped_meta_graph(meta_graph_or_file, clear_devices=False, graph=None, import_scope=None, input_map=None,
                             unbound_inputs_col_name="unbound_inputs", restore_collections_predicate=lambda key: True):
  return import_scoped_meta_graph_with_return_elements(
      meta_graph_or_file, clear_devices, graph, import_scope, input_map, unbound_inputs_col_name,
      restore_collections_predicate)[0]


def import_scoped_meta_graph_with_return_elements(
    meta_graph_or_file, clear_devices=False, graph=None, import_scope=None, input_map=None,
    unbound_inputs_col_name="unbound_inputs", restore_collections_predicate=lambda key: True, return_elements=None):
  """Adds a meta graph's nodes and collections to a graph. Returns its variables by name, and `return_elements`."""
  from thalweg.framework import importer
  meta = (meta_graph_or_file if hasattr(meta_graph_or_file, "collection_def") else
          read_meta_graph_file(meta_graph_or_file))
  graph = graph or ops.get_default_graph()
  with graph.as_default():
    graph_def = meta.graph_def
    if clear_devices:
      for node in graph_def.node:
        node.device = ""
    scope = graph.unique_name(import_scope, mark_as_used=False) if import_scope else ""
    elements = importer.import_graph_def(graph_def, name=import_scope or "", input_map=input_map,
                                         return_elements=return_elements)
    # Variables stand in several collections, as one object.
    variables, by_proto = {}, {}
    for key, col in sorted(meta.collection_def.items()):
      if not restore_collections_predicate(key) or key == unbound_inputs_col_name:
        continue
      kind = col.WhichOneof("kind")
      if kind is None:
        logging.error("Cannot identify data type for collection %s. Skipping.", key)
        continue
      from_proto = ops.get_from_proto_function(key)
      if from_proto and kind == "bytes_list":
        proto_type = ops.get_collection_proto_type(key)
        for value in col.bytes_list.value:
          item = by_proto.get(value)
          if item is None:
            proto = proto_type()
            proto.ParseFromString(value)
            item = by_proto[value] = from_proto(proto, import_scope=scope)
          graph.add_to_collection(key, item)
          if key == ops.GraphKeys.GLOBAL_VARIABLES:
            variables[ops.strip_name_scope(item.name, scope)] = item
        continue
      field = getattr(col, kind)
      for value in field.value:
        if kind == "node_list":
          name = ops.prepend_name_scope(value, scope)
          try:
            graph.add_to_collection(key, graph.as_graph_element(name))
          except KeyError:
            logging.warning("Collection %s names %s, which is not in the graph.", key, name)
        elif kind == "int64_list":
          graph.add_to_collection(key, int(value))
        elif kind == "bytes_list":
          graph.add_to_collection(key, ops.prepend_name_scope(value, scope) if isinstance(value, str) else value)
        else:
          graph.add_to_collection(key, value)
  return variables, elements
