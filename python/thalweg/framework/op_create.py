"""Making operations from the op table: conversion of arguments, deduction of types, TensorFlow's error texts.

Types are deduced by the core when the node is added. Arguments are converted here, each with the dtype that those
before it and the attributes ask for; only a call that fails goes through `_convert`, which finds out what to say.
"""

from thalweg._c import StatusError
from thalweg.framework import attr_pack, dtypes, op_table
from thalweg.framework.attr_pack import pack_all
from thalweg.framework.conversion import convert_n_to_tensor, convert_to_tensor
from thalweg.framework.stack import default_graph_stack, get_default_graph
from thalweg.framework.tensor import Tensor

_specs = op_table._specs
_spec = op_table.spec
_VALUES = frozenset((int, float, bool, str, bytes, type(None)))  # are in no graph


def op(op_type, name, inputs, attrs=None):
  """Adds an operation. `inputs` has one entry per argument (a list for repeated ones), `attrs` the values that the
  inputs do not tell. Returns the Operation when it has no outputs, its output (a list for a repeated one) when it has
  one, else a namedtuple.
  """
  spec = _specs.get(op_type) or _spec(op_type)
  made = _create(spec, name, inputs, attrs)
  return made._outputs[0] if spec.single else _result(spec, made)


def operation(op_type, name, inputs, attrs=None):
  """As op(), but returns the Operation itself."""
  return _create(_specs.get(op_type) or _spec(op_type), name, inputs, attrs)


def _create(spec, name, inputs, attrs):
  graph = None
  for x in inputs:
    if x.__class__ is not Tensor:
      break
    if graph is None:
      graph = x._op.graph
    elif x._op.graph is not graph:
      _graph_of(inputs)
  else:
    if spec.plain:
      # Tensors only: nothing to convert.
      if graph is None:
        graph = get_default_graph()
      if not name:
        name = spec.name
      full = name[:-1] if name[-1] == "/" else graph._enter_scope(name)
      packed = pack_all(spec, attrs) if attrs else b""
      try:
        return graph._add(spec.name, full, inputs, packed)
      except StatusError as error:
        _explain(spec, inputs, attrs, graph, full, error)
  graph = _graph_of(inputs)
  if get_default_graph() is graph:
    return _convert_and_add(graph, spec, name or spec.name, inputs, attrs)
  with graph.as_default():
    return _convert_and_add(graph, spec, name or spec.name, inputs, attrs)


def _convert_and_add(graph, spec, name, inputs, attrs):
  full = name[:-1] if name[-1] == "/" else graph._enter_scope(name)
  outer = graph._name_stack
  graph._name_stack = full
  try:
    tensors, complete = _tensors(spec, inputs, attrs)
    together = [t._op for t in tensors if t.dtype._is_ref_dtype] if spec.refs else ()
    packed = pack_all(spec, complete) if complete else b""
  finally:
    graph._name_stack = outer
  try:
    return graph._add(spec.name, full, tensors, packed, together=together)
  except StatusError as error:
    _explain(spec, inputs, attrs, graph, full, error)


def _tensors(spec, inputs, attrs):
  """The inputs as a flat list of tensors, and the attributes to pack. Leaves checks to the core where it can."""
  args = spec.inputs
  if len(args) != len(inputs):
    return _convert(spec, inputs, attrs or {})
  flat, bound = [], {}
  try:
    for arg, x in zip(args, inputs):
      if arg.is_list:
        for t in x:
          if t.__class__ is not Tensor:
            return _convert(spec, inputs, attrs or {})
        flat.extend(x)
        if arg.number_attr:
          # The core deduces one length; with it, the type of an empty list stays open.
          if not x:
            return _convert(spec, inputs, attrs or {})
          bound[arg.number_attr] = len(x)
          if arg.type_attr and arg.type_attr not in bound:
            bound[arg.type_attr] = x[0].dtype._base
        else:
          bound[arg.type_list_attr] = [t.dtype._base for t in x]
        continue
      if x.__class__ is not Tensor:
        dtype, preferred, key = arg.dtype, None, arg.type_attr
        if key is not None:
          dtype = attrs.get(key) if attrs else None
          if dtype is None:
            dtype = bound.get(key)
            if dtype is None:
              preferred = spec.type_defaults.get(key)
        x = convert_to_tensor(x, dtype, arg.name, preferred, None, arg.is_ref)
      flat.append(x)
      if arg.type_attr is not None and arg.type_attr not in bound:
        bound[arg.type_attr] = x.dtype._base
  except (TypeError, ValueError):
    return _convert(spec, inputs, attrs or {})
  lengths = {k: v for k, v in bound.items() if v.__class__ is not dtypes.DType} if len(args) > 1 and bound else None
  if lengths:
    # Two lists: the core cannot deduce both lengths.
    return flat, dict(attrs or (), **lengths)
  return flat, attrs


def _result(spec, made):
  outputs = made._outputs
  if not spec.outputs:
    return made
  if len(spec.outputs) == 1:
    return list(outputs) if spec.outputs[0].is_list else outputs[0]
  parts, at = [], 0
  for arg in spec.outputs:
    if not arg.is_list:
      parts.append(outputs[at])
      at += 1
      continue
    if arg.number_attr:
      count = made.get_attr(arg.number_attr)
    else:
      count = len(made.get_attr(arg.type_list_attr))
    parts.append(list(outputs[at:at + count]))
    at += count
  return spec.result(*parts)


def _graph_of(inputs):
  """The graph of the first tensor among the inputs, else the default; ValueError when they disagree."""
  found, first = None, None
  for x in inputs:
    for t in (x if isinstance(x, (list, tuple)) else (x,)):
      if t.__class__ is Tensor:
        graph = t._op.graph
      elif t.__class__ in _VALUES or not hasattr(t, "_as_graph_element"):
        continue
      else:
        graph = t.graph
      if found is None:
        found, first = graph, t
      elif found is not graph:
        raise ValueError("%s must be from the same graph as %s." % (t, first))
  return found or get_default_graph()


def _explain(spec, inputs, attrs, graph, name, error):
  """Raises what TensorFlow says to inputs that the core refused: in its words where types are at fault."""
  if error.code == 3:
    with graph.as_default(), graph.name_scope(name + "/"):
      _convert(spec, inputs, attrs or {})
  raise graph._creation_error(error, name) from None


def _convert(spec, inputs, attrs):
  """Tensors for the inputs and the attributes that go with them."""
  attrs = dict(attrs)
  inferred_from = {}
  defaults = spec.type_defaults
  for key in list(attrs):
    a = spec.attrs.get(key)
    if a is None:
      if not key.startswith("_"):
        raise TypeError("%s got unexpected keyword arguments: %s" % (spec.name, key))
    elif a.type == "type" and attrs[key] is not None:
      attrs[key] = attr_pack.make_type(attrs[key], key)
      _check_allowed(a, attrs[key], key)
    if attrs[key] is None:
      del attrs[key]
  flat = []
  if len(inputs) != len(spec.inputs):
    raise TypeError("%s takes %d inputs, but %d were given" % (spec.name, len(spec.inputs), len(inputs)))
  for arg, values in zip(spec.inputs, inputs):
    if arg.is_list:
      values = _convert_list(spec, arg, values, attrs, defaults)
      types = [t.dtype for t in values]
      base_types = [t.base_dtype for t in types]
    else:
      values = [_convert_one(spec, arg, values, attrs, defaults, inferred_from)]
      types = [values[0].dtype]
      base_types = [types[0].base_dtype]
    if arg.number_attr:
      if arg.number_attr in attrs:
        if attrs[arg.number_attr] != len(values):
          raise ValueError("List argument '%s' to '%s' Op with length %d must match length %d of argument '%s'." % (
              arg.name, spec.name, len(values), attrs[arg.number_attr], inferred_from.get(arg.number_attr, "")))
      else:
        attrs[arg.number_attr] = len(values)
        inferred_from[arg.number_attr] = arg.name
        minimum = spec.attrs[arg.number_attr].minimum
        if minimum is not None and len(values) < minimum:
          raise ValueError("List argument '%s' to '%s' Op with length %d shorter than minimum length %d." % (
              arg.name, spec.name, len(values), minimum))
      for bt in base_types[1:]:
        if bt is not base_types[0]:
          raise TypeError("All tensors passed to '%s' of '%s' Op must have one type, not %s" % (
              arg.name, spec.name, ", ".join(t.name for t in base_types)))
    if arg.type_attr:
      key = arg.type_attr
      if key in attrs:
        if base_types and attrs[key].base_dtype is not base_types[0]:
          raise TypeError("Input '%s' of '%s' Op has type %s that does not match type %s of argument '%s'." % (
              arg.name, spec.name, base_types[0].name, attrs[key].name, inferred_from.get(key, "")))
      elif base_types:
        attrs[key] = base_types[0]
        inferred_from[key] = arg.name
        _check_allowed(spec.attrs[key], base_types[0], arg.name)
      elif key in defaults:
        attrs[key] = defaults[key]
      else:
        raise TypeError("Don't know how to infer type variable from empty input list passed to input '%s' of '%s' Op."
                        % (arg.name, spec.name))
    elif arg.type_list_attr:
      key = arg.type_list_attr
      if key in attrs and [dtypes.as_dtype(t).base_dtype for t in attrs[key]] != base_types:
        raise TypeError("Input '%s' of '%s' Op has type list of %s that does not match type list %s of argument '%s'." %
                        (arg.name, spec.name, ", ".join(t.name for t in base_types),
                         ", ".join(dtypes.as_dtype(t).name for t in attrs[key]), inferred_from.get(key, "")))
      if key not in attrs:
        for t in base_types:
          _check_allowed(spec.attrs[key], t, arg.name)
      attrs[key] = base_types
      inferred_from[key] = arg.name
    elif arg.dtype is not None:
      for t in base_types:
        if t is not arg.dtype:
          raise TypeError("Input '%s' of '%s' Op has type %s that does not match expected type of %s." % (
              arg.name, spec.name, t.name, arg.dtype.name))
    if arg.is_ref:
      for t in types:
        if not t._is_ref_dtype:
          raise TypeError("'%s' Op requires that input '%s' be a mutable tensor (e.g.: a tf.Variable)" % (
              spec.name, arg.name))
    flat.extend(values)
  for a in spec.attrs.values():
    if a.name not in attrs and not a.has_default:
      raise TypeError("No argument for attr " + a.name)
  return flat, attrs


def _check_allowed(attr, dtype, param):
  if attr.allowed is not None and dtype.base_dtype not in attr.allowed:
    raise TypeError("Value passed to parameter '%s' has DataType %s not in list of allowed values: %s" % (
        param, dtype.name, ", ".join(t.name for t in attr.allowed)))


def _convert_list(spec, arg, values, attrs, defaults):
  if not isinstance(values, (list, tuple)):
    raise TypeError("Expected list for '%s' argument to '%s' Op, not %s." % (arg.name, spec.name, values))
  dtype = preferred = None
  if arg.dtype is not None:
    dtype = arg.dtype
  elif arg.number_attr:
    if arg.type_attr in attrs:
      dtype = attrs[arg.type_attr]
    else:
      for t in values:
        if isinstance(t, Tensor) or hasattr(t, "_as_graph_element"):
          dtype = t.dtype.base_dtype
          break
      if dtype is None:
        preferred = defaults.get(arg.type_attr)
  try:
    if not arg.is_ref and dtype is not None:
      dtype = dtype.base_dtype
    return convert_n_to_tensor(values, name=arg.name, dtype=dtype if arg.number_attr or arg.dtype else None,
                               as_ref=arg.is_ref, preferred_dtype=preferred)
  except (TypeError, ValueError):
    as_tensors = [convert_to_tensor(v, as_ref=arg.is_ref) for v in values]
    if len({t.dtype.base_dtype for t in as_tensors}) > 1 or dtype is not None:
      observed = ", ".join(t.dtype.base_dtype.name for t in as_tensors)
      prefix = "Tensors in list passed to '%s' of '%s' Op have types [%s]" % (arg.name, spec.name, observed)
      if arg.number_attr and arg.type_attr not in attrs and arg.dtype is None:
        raise TypeError("%s that don't all match." % prefix) from None
      raise TypeError("%s that do not match expected type %s." % (prefix, dtype.name)) from None
    raise


def _convert_one(spec, arg, value, attrs, defaults, inferred_from):
  dtype = preferred = None
  if arg.dtype is not None:
    dtype = arg.dtype
  elif arg.type_attr in attrs:
    dtype = attrs[arg.type_attr]
  else:
    preferred = defaults.get(arg.type_attr)
  try:
    return convert_to_tensor(value, name=arg.name, dtype=dtype, as_ref=arg.is_ref, preferred_dtype=preferred)
  except TypeError as err:
    if dtype is None:
      raise
    raise TypeError("Expected %s passed to parameter '%s' of op '%s', got %s of type '%s' instead. Error: %s" % (
        dtype.name, arg.name, spec.name, repr(value), type(value).__name__, err)) from None
  except ValueError as err:
    try:
      observed = convert_to_tensor(value, as_ref=arg.is_ref).dtype.name
    except ValueError as inner:
      raise ValueError("Tried to convert '%s' to a tensor and failed. Error: %s" % (arg.name, inner)) from None
    prefix = "Input '%s' of '%s' Op has type %s that does not match" % (arg.name, spec.name, observed)
    if arg.dtype is not None:
      raise TypeError("%s expected type of %s." % (prefix, arg.dtype.name)) from None
    if arg.type_attr not in attrs:
      raise err
    raise TypeError("%s type %s of argument '%s'." % (
        prefix, attrs[arg.type_attr].name, inferred_from.get(arg.type_attr, arg.type_attr))) from None
