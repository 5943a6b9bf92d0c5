"""Operations made in a branch of a cond() and used around it. The branch's function comes to return what is wanted, and a
node of the same name stands for it outside, dead where the branch is not taken."""

from thalweg._c import check, ffi, lib
from thalweg.framework import node_count


def is_visible(graph, op):
  """Whether `op` lies where the graph is being built, or around it."""
  context = graph._context
  while context is not None:
    if op._context is context:
      return True
    context = context.outer
  return op._context is None


def tensors(graph, given, user):
  """`given` with what stands for them here in place of the tensors made in branches. `user` is what wants them, for
  messages; InaccessibleTensorError for those of loops, and of branches that are not whole yet."""
  found = _stand_ins(graph, [t._op for t in given], False, user)
  return [t if op is t._op else op._outputs[t._value_index] for t, op in zip(given, found)]


def operations(graph, given, user):
  """As tensors(), for operations that are only to be waited for."""
  return _stand_ins(graph, given, True, user)


def of_collections(graph):
  """Makes what stands, outside of all bodies, for the tensors and operations of whole branches that collections hold,
  so that a GraphDef has what the collections name."""
  found = {}
  for items in graph._collections.values():
    for item in items:
      op = getattr(item, "_op", item)
      if getattr(op, "_context", None) is not None and _is_whole(op._context):
        found[op] = None
  if found:
    outer, graph._context = graph._context, None
    try:
      _stand_ins(graph, list(found), False, "a collection")
    finally:
      graph._context = outer


def _is_whole(context):
  """Whether the body and those around it are branches that are whole."""
  while context is not None and context.call is not None:
    context = context.outer
  return context is None


def _stand_ins(graph, ops, as_operations, user):
  around, context = [], graph._context
  while context is not None:
    around.append(context)
    context = context.outer
  found, by_path = list(ops), {}
  for i, op in enumerate(ops):
    path = _path(op, around, user)
    if not path:
      continue
    key = _place(path[0].outer, around), as_operations and bool(op._outputs)
    known = op.__dict__.setdefault("_stand_ins", {})
    if key in known:
      found[i] = known[key]
    else:
      by_path.setdefault((tuple(path), key), []).append(i)
  for (path, key), places in by_path.items():
    distinct = list(dict.fromkeys(ops[i] for i in places))
    made = dict(zip(distinct, _leave(graph, path, distinct, as_operations, key[0])))
    for i in places:
      found[i] = ops[i]._stand_ins[key] = made[ops[i]]
  return found


def _place(outer, around):
  """Where to make what stands for a member of a branch in `outer`. Inside of other branches, as far as none of them is
  that of a loop: these run, but for what needs the member."""
  place = outer
  for context in reversed(around[:around.index(outer)] if outer in around else around):
    if context.kind != "cond":
      break
    place = context
  return place


def _path(op, around, user):
  """The branches from those around to the operation."""
  path, context = [], op._context
  while context is not None and context not in around:
    if context.call is None:
      raise context.inaccessible(op, user)
    path.append(context)
    context = context.outer
  return path[::-1]


def _leave(graph, path, ops, as_operations, place):
  members = [ffi.new("int32_t[]", [op._id for op in body.ops] or [0]) for body in path]
  branches = ffi.new("tw_branch[]", [(body.call._id, body.branch, ids, len(body.ops))
                                     for body, ids in zip(path, members)])
  made = ffi.new("int32_t[]", len(ops))
  with graph._lock:
    outer, graph._context = graph._context, place
    try:
      check(lib.tw_graph_leave_branch(graph._handle, branches, len(path), [op._id for op in ops], len(ops),
                                      1 if as_operations else 0, made))
      node_count.add(graph, -len(graph._adopt()))
    finally:
      graph._context = outer
    # Their names stay those of the program's own objects.
    for op in ops:
      graph._by_name[op.name] = op
    for function in path[0].functions:
      function.inputs = list(path[0].call._inputs[1:])
    found = [graph._ops[i] for i in made]
    graph._doubles.update(found)
  return found
