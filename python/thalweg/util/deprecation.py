"""Arguments and functions under the names they had before."""


def deprecated_argument_lookup(new_name, new_value, old_name, old_value):
  """The value of an argument that may be given under either of two names; ValueError when it is under both."""
  if old_value is None:
    return new_value
  if new_value is not None:
    raise ValueError("Cannot specify both '%s' and '%s'" % (old_name, new_name))
  return old_value
