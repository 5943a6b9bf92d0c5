"""OpDef messages, made from the op table."""

from thalweg import _protos
from thalweg.framework import op_table

_cache = {}


def op_def(name):
  found = _cache.get(name)
  if found is None:
    found = _cache[name] = _make(op_table.spec(name))
  return found


def _make(spec):
  proto = _protos.message("OpDef")(name=spec.name, summary=spec.doc, is_stateful=spec.stateful,
                                   is_commutative="commutative" in spec.traits,
                                   is_aggregate="aggregate" in spec.traits,
                                   allows_uninitialized_input="allow_uninitialized" in spec.traits)
  for args, field in ((spec.inputs, proto.input_arg), (spec.outputs, proto.output_arg)):
    for a in args:
      arg = field.add(name=a.name, type_attr=a.type_attr or "", number_attr=a.number_attr or "",
                      type_list_attr=a.type_list_attr or "", is_ref=a.is_ref)
      if a.dtype is not None:
        arg.type = a.dtype.as_datatype_enum
  for a in spec.attrs.values():
    attr = proto.attr.add(name=a.name, type=a.type)
    if a.minimum is not None:
      attr.has_minimum, attr.minimum = True, int(a.minimum)
    if a.allowed is not None:
      for v in a.allowed:
        if a.type in ("type", "list(type)"):
          attr.allowed_values.list.type.append(v.as_datatype_enum)
        else:
          attr.allowed_values.list.s.append(v.encode())
  return proto
