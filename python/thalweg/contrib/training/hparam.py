"""HParams: the settings of a model, with types, from a line like "rate=0.1,layers=[3,4]" or JSON."""

import json
import numbers
import re

_ITEM = re.compile(r"\s*(?P<name>[a-zA-Z][\w.]*)(?:\[\s*(?P<index>\d+)\s*\])?\s*=\s*"
                   r"(?:\[(?P<values>[^\]]*)\]|(?P<value>[^,\[]*))\s*(?:,|$)")


def _convert(name, kind, value):
  """A value of the setting's type, which None does not fix."""
  if value is None or kind is None:
    return value
  if isinstance(value, str) and kind is not str:
    value = value.strip()
    if kind is bool:
      if value.lower() in ("true", "1"):
        return True
      if value.lower() in ("false", "0"):
        return False
      raise ValueError("Could not parse hparam '%s' in '%s': not a bool" % (name, value))
    try:
      return kind(value)
    except ValueError:
      raise ValueError("Could not parse hparam '%s' of type '%s' with value '%s'" % (name, kind.__name__, value)) from None
  if isinstance(value, kind):
    return value
  fits = (kind is float and isinstance(value, numbers.Real) and not isinstance(value, bool)) or (
      kind is int and isinstance(value, numbers.Integral) and not isinstance(value, bool))
  if not fits:
    raise ValueError("Could not cast hparam '%s' of type '%s' from value %r" % (name, kind.__name__, value))
  return kind(value)


class HParams(object):
  """Settings as attributes. Each keeps the type of its first value, and stays a list or a scalar."""

  def __init__(self, model_structure=None, **kwargs):
    self._hparam_types = {}
    self._model_structure = model_structure
    for name, value in kwargs.items():
      self.add_hparam(name, value)

  def add_hparam(self, name, value):
    """Adds a setting; ValueError when the name is taken, or a list is empty and so has no type."""
    if getattr(self, name, None) is not None:
      raise ValueError("Hyperparameter name is reserved: %s" % name)
    if isinstance(value, (list, tuple)):
      if not value:
        raise ValueError("Multi-valued hyperparameters cannot be empty: %s" % name)
      self._hparam_types[name] = type(value[0]), True
      value = list(value)
    else:
      self._hparam_types[name] = type(value) if value is not None else None, False
    setattr(self, name, value)

  def set_hparam(self, name, value):
    """Changes a setting to a value of its type."""
    kind, is_list = self._hparam_types[name]
    if isinstance(value, (list, tuple)):
      if not is_list:
        raise ValueError("Must not pass a list for single-valued parameter: %s" % name)
      setattr(self, name, [_convert(name, kind, v) for v in value])
    else:
      if is_list:
        raise ValueError("Must pass a list for multi-valued parameter: %s." % name)
      setattr(self, name, _convert(name, kind, value))

  def del_hparam(self, name):
    if hasattr(self, name):
      delattr(self, name)
      del self._hparam_types[name]

  def parse(self, values):
    """Changes settings as a line "name=value,name=[value,value],name[index]=value" says."""
    at = 0
    while at < len(values):
      found = _ITEM.match(values, at)
      if not found:
        raise ValueError("Malformed hyperparameter value: %s" % values[at:])
      at = found.end()
      name = found.group("name")
      if name not in self._hparam_types:
        raise ValueError("Unknown hyperparameter type for %s" % name)
      kind, is_list = self._hparam_types[name]
      if found.group("values") is not None:
        parts = [v for v in found.group("values").split(",") if v.strip()]
        self.set_hparam(name, [_convert(name, kind, v) for v in parts])
      elif found.group("index") is not None:
        current, index = list(getattr(self, name)), int(found.group("index"))
        if not is_list or index >= len(current):
          raise ValueError("%s has no element %d" % (name, index))
        current[index] = _convert(name, kind, found.group("value"))
        setattr(self, name, current)
      else:
        value = _convert(name, kind, found.group("value"))
        self.set_hparam(name, [value] if is_list else value)
    return self

  def override_from_dict(self, values_dict):
    """Changes the settings of a dictionary."""
    for name, value in values_dict.items():
      self.set_hparam(name, value)
    return self

  def parse_json(self, values_json):
    """Changes settings as a JSON object says."""
    return self.override_from_dict(json.loads(values_json))

  def set_model_structure(self, model_structure):
    self._model_structure = model_structure

  def get_model_structure(self):
    return self._model_structure

  def values(self):
    """The settings as a dictionary."""
    return {name: getattr(self, name) for name in self._hparam_types}

  def to_json(self, indent=None, separators=None, sort_keys=False):
    def plain(value):
      return [v for v in value if not callable(v)] if isinstance(value, list) else value
    return json.dumps({k: plain(v) for k, v in self.values().items() if not callable(v)}, indent=indent,
                      separators=separators, sort_keys=sort_keys)

  def get(self, key, default=None):
    """A setting, or the default, which must have its type."""
    if key not in self._hparam_types:
      return default
    if default is not None:
      kind, is_list = self._hparam_types[key]
      if isinstance(default, (list, tuple)) != is_list:
        raise ValueError("Hparam '%s' of type '%s' is incompatible with default=%s" % (
            key, "list" if is_list else kind.__name__, default))
      for value in default if is_list else [default]:
        _convert(key, kind, value)
    return getattr(self, key)

  def __contains__(self, key):
    return key in self._hparam_types

  def __str__(self):
    return str(sorted(self.values().items()))

  def __repr__(self):
    return "%s(%s)" % (type(self).__name__, self)
