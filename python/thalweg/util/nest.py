"""Nested lists, tuples, namedtuples and dicts: flatten, pack, map."""

import collections.abc as _abc


def is_sequence(seq):
  return isinstance(seq, (_abc.Sequence, _abc.Mapping)) and not isinstance(seq, (str, bytes))


is_nested = is_sequence


# Types whose objects are made of several tensors: type -> (object to list of tensors, object and tensors to object).
_composites = {}


def register_composite(cls, components, rebuild):
  """Lets `expand_composites=True` see the tensors inside of `cls`."""
  _composites[cls] = (components, rebuild)


def _is_composite(structure, expand_composites):
  return expand_composites and type(structure) in _composites


def _children(structure):
  if isinstance(structure, _abc.Mapping):
    return [structure[k] for k in sorted(structure)]
  return list(structure)


def flatten(structure, expand_composites=False):
  """The leaves, left to right; dicts by sorted key; the parts of sparse tensors with `expand_composites`."""
  if _is_composite(structure, expand_composites):
    return list(_composites[type(structure)][0](structure))
  if not is_sequence(structure):
    return [structure]
  return [leaf for child in _children(structure) for leaf in flatten(child, expand_composites)]


def _rebuild(structure, parts):
  if isinstance(structure, _abc.Mapping):
    by_key = dict(zip(sorted(structure), parts))
    made = type(structure)() if not hasattr(structure, "default_factory") else type(structure)(
        structure.default_factory)
    for k in structure:
      made[k] = by_key[k]
    return made
  if isinstance(structure, tuple) and hasattr(structure, "_fields"):
    return type(structure)(*parts)
  return type(structure)(parts)


def pack_sequence_as(structure, flat_sequence, expand_composites=False):
  """`flat_sequence` in the shape of `structure`."""
  if not is_sequence(flat_sequence):
    raise TypeError("flat_sequence must be a sequence")
  if not is_sequence(structure) and not _is_composite(structure, expand_composites):
    if len(flat_sequence) != 1:
      raise ValueError("Structure is a scalar but len(flat_sequence) == %d > 1" % len(flat_sequence))
    return flat_sequence[0]
  count = len(flatten(structure, expand_composites))
  if count != len(flat_sequence):
    raise ValueError("Could not pack sequence. Structure had %d elements, but flat_sequence had %d elements.  "
                     "Structure: %s, flat_sequence: %s." % (count, len(flat_sequence), structure, flat_sequence))
  items = iter(flat_sequence)

  def build(s):
    if _is_composite(s, expand_composites):
      components, rebuild = _composites[type(s)]
      return rebuild(s, [next(items) for _ in components(s)])
    return _rebuild(s, [build(c) for c in _children(s)]) if is_sequence(s) else next(items)

  return build(structure)


def assert_same_structure(nest1, nest2, check_types=True, expand_composites=False):
  if _is_composite(nest1, expand_composites) or _is_composite(nest2, expand_composites):
    if type(nest1) is not type(nest2) or len(flatten(nest1, True)) != len(flatten(nest2, True)):
      raise (TypeError if check_types and not is_sequence(nest1) and not is_sequence(nest2) else ValueError)(
          "The two structures don't have the same nested structure.\n\nFirst structure: %s\n\nSecond structure: %s" % (
              nest1, nest2))
    return
  if is_sequence(nest1) != is_sequence(nest2):
    raise ValueError("The two structures don't have the same nested structure.\n\nFirst structure: %s\n\nSecond "
                     "structure: %s" % (nest1, nest2))
  if not is_sequence(nest1):
    return
  if check_types and type(nest1) is not type(nest2) and not (
      isinstance(nest1, _abc.Mapping) and isinstance(nest2, _abc.Mapping)):
    raise TypeError("The two structures don't have the same sequence type. First structure has type %s, while second "
                    "structure has type %s." % (type(nest1), type(nest2)))
  if isinstance(nest1, _abc.Mapping) and set(nest1) != set(nest2):
    raise ValueError("The two dictionaries don't have the same set of keys. First has %s, second has %s" % (
        list(nest1), list(nest2)))
  a, b = _children(nest1), _children(nest2)
  if len(a) != len(b):
    raise ValueError("The two structures don't have the same number of elements.\n\nFirst structure (%d elements): "
                     "%s\n\nSecond structure (%d elements): %s" % (len(a), nest1, len(b), nest2))
  for x, y in zip(a, b):
    assert_same_structure(x, y, check_types, expand_composites)


def map_structure(func, *structure, **kwargs):
  """`func` of the leaves at each place."""
  if not callable(func):
    raise TypeError("func must be callable, got: %s" % func)
  if not structure:
    raise ValueError("Must provide at least one structure")
  expand = kwargs.get("expand_composites", False)
  for other in structure[1:]:
    assert_same_structure(structure[0], other, check_types=kwargs.get("check_types", True), expand_composites=expand)
  flat = [flatten(s, expand) for s in structure]
  return pack_sequence_as(structure[0], [func(*leaves) for leaves in zip(*flat)], expand)


def flatten_dict_items(dictionary):
  """A dict whose nested keys and values have been taken apart together."""
  if not isinstance(dictionary, _abc.Mapping):
    raise TypeError("input must be a dictionary")
  flat = {}
  for key, value in dictionary.items():
    if not is_sequence(key):
      if key in flat:
        raise ValueError("Could not flatten dictionary: key %s is not unique." % (key,))
      flat[key] = value
      continue
    keys, values = flatten(key), flatten(value)
    if len(keys) != len(values):
      raise ValueError("Could not flatten dictionary. Key had %d elements, but value had %d elements. Key: %s, value: "
                       "%s." % (len(keys), len(values), keys, values))
    for k, v in zip(keys, values):
      if k in flat:
        raise ValueError("Could not flatten dictionary: key %s is not unique." % (k,))
      flat[k] = v
  return flat


# --- structures that follow another only down to its leaves ---


def assert_shallow_structure(shallow_tree, input_tree, check_types=True, expand_composites=False):
  """Raises unless `input_tree` has at each place of `shallow_tree` what stands there, and may go deeper."""
  if not is_sequence(shallow_tree):
    return
  if not is_sequence(input_tree):
    raise TypeError("If shallow structure is a sequence, input must also be a sequence. Input has type: %s." %
                    type(input_tree))
  if check_types and type(shallow_tree) is not type(input_tree) and not (
      isinstance(shallow_tree, _abc.Mapping) and isinstance(input_tree, _abc.Mapping)):
    raise TypeError("The two structures don't have the same sequence type. Input structure has type %s, while shallow "
                    "structure has type %s." % (type(input_tree), type(shallow_tree)))
  if isinstance(shallow_tree, _abc.Mapping) and set(shallow_tree) != set(input_tree):
    raise ValueError("The two dictionaries don't have the same set of keys. First has %s, second has %s" % (
        list(input_tree), list(shallow_tree)))
  if len(shallow_tree) != len(input_tree):
    raise ValueError("The two structures don't have the same sequence length. Input structure has length %s, while "
                     "shallow structure has length %s." % (len(input_tree), len(shallow_tree)))
  for shallow, deep in zip(_children(shallow_tree), _children(input_tree)):
    assert_shallow_structure(shallow, deep, check_types)


def flatten_up_to(shallow_tree, input_tree, check_types=True, expand_composites=False):
  """What stands in `input_tree` where `shallow_tree` has its leaves."""
  assert_shallow_structure(shallow_tree, input_tree, check_types)

  def walk(shallow, deep):
    if not is_sequence(shallow):
      return [deep]
    return [found for s, d in zip(_children(shallow), _children(deep)) for found in walk(s, d)]

  return walk(shallow_tree, input_tree)


def map_structure_up_to(shallow_tree, func, *inputs, **kwargs):
  """`func` of what stands in each input where `shallow_tree` has its leaves, in the structure of that."""
  if not inputs:
    raise ValueError("Cannot map over no sequences")
  flat = [flatten_up_to(shallow_tree, tree, check_types=kwargs.get("check_types", True)) for tree in inputs]
  return pack_sequence_as(shallow_tree, [func(*found) for found in zip(*flat)])
