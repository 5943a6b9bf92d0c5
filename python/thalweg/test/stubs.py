"""Attributes replaced for the time of a test."""


class StubOutForTesting(object):
  """Replaces attributes of modules, classes and objects, and puts the old values back in reverse order."""

  def __init__(self):
    self._saved = []

  def __enter__(self):
    return self

  def __exit__(self, unused_exc_type, unused_exc_value, unused_tb):
    self.CleanUp()

  def __del__(self):
    self.CleanUp()

  def CleanUp(self):  # noqa: N802
    self.UnsetAll()

  def Set(self, parent, child_name, new_child):  # noqa: N802
    """Sets parent.child_name, which must exist."""
    old = parent.__dict__[child_name] if isinstance(parent, type) and child_name in parent.__dict__ else getattr(
        parent, child_name)
    self._saved.append((parent, old, child_name))
    setattr(parent, child_name, new_child)

  def SmartSet(self, obj, attr_name, new_attr):  # noqa: N802
    """As Set(), where the attribute is defined: the object, its class, or a base of that."""
    owners = [obj]
    if attr_name not in vars(obj) and not isinstance(obj, type):
      owners = type(obj).__mro__
    elif isinstance(obj, type):
      owners = obj.__mro__
    for owner in owners:
      if attr_name in vars(owner):
        self.Set(owner, attr_name, new_attr)
        return
    raise AttributeError("Attribute not found.")

  def SmartUnsetAll(self):  # noqa: N802
    self.UnsetAll()

  def UnsetAll(self):  # noqa: N802
    while self._saved:
      parent, old, name = self._saved.pop()
      setattr(parent, name, old)
