"""Arguments of layers in the forms that ops want."""

from thalweg.ops import cond, control_flow_ops, init_ops, math_ops, nn_ops, orthogonal_init, variables

# Functions that may be given by name.
_ACTIVATIONS = {
    "elu": nn_ops.elu, "exponential": math_ops.exp, "relu": nn_ops.relu, "selu": nn_ops.selu,
    "sigmoid": math_ops.sigmoid, "softmax": nn_ops.softmax, "softplus": nn_ops.softplus, "softsign": nn_ops.softsign,
    "tanh": math_ops.tanh}
_INITIALIZERS = {
    "zeros": init_ops.Zeros, "ones": init_ops.Ones, "constant": init_ops.Constant, "identity": init_ops.Identity,
    "random_uniform": init_ops.RandomUniform, "random_normal": init_ops.RandomNormal,
    "truncated_normal": init_ops.TruncatedNormal, "variance_scaling": init_ops.VarianceScaling,
    "orthogonal": orthogonal_init.Orthogonal, "glorot_uniform": init_ops.GlorotUniform,
    "glorot_normal": init_ops.GlorotNormal,
    "lecun_normal": init_ops.lecun_normal, "lecun_uniform": init_ops.lecun_uniform, "he_normal": init_ops.he_normal,
    "he_uniform": init_ops.he_uniform}


def get_activation(identifier):
  """A function for a function, a name, or None, which stays None."""
  if identifier is None or identifier == "linear":
    return None
  if callable(identifier):
    return identifier
  if identifier in _ACTIVATIONS:
    return _ACTIVATIONS[identifier]
  raise ValueError("Unknown activation function:%s" % identifier)


def activation_name(function):
  """The name under which get_activation() finds a function; its own name for others."""
  for name, known in _ACTIVATIONS.items():
    if known is function:
      return name
  return getattr(function, "__name__", None)


def get_initializer(identifier):
  """An initializer for one, its class, its name, or None, which stays None."""
  if isinstance(identifier, str):
    if identifier not in _INITIALIZERS:
      raise ValueError("Unknown initializer: %s" % identifier)
    return _INITIALIZERS[identifier]()
  return identifier() if isinstance(identifier, type) else identifier


def normalize_tuple(value, n, name):
  """An int, or a sequence of n ints, as a tuple of n ints."""
  if isinstance(value, int):
    return (value,) * n
  try:
    result = tuple(value)
  except TypeError:
    raise ValueError("The `%s` argument must be a tuple of %d integers. Received: %s" % (name, n, value))
  if len(result) != n or not all(isinstance(v, int) or hasattr(v, "__index__") for v in result):
    raise ValueError("The `%s` argument must be a tuple of %d integers. Received: %s" % (name, n, value))
  return tuple(int(v) for v in result)


def normalize_padding(value):
  padding = value.lower()
  if padding not in ("valid", "same"):
    raise ValueError('The `padding` argument must be one of "valid", "same". Received: %s' % padding)
  return padding


def channels_first(data_format):
  """Whether the image's channels come before its rows."""
  data_format = data_format.lower()
  if data_format not in ("channels_first", "channels_last"):
    raise ValueError('The `data_format` argument must be one of "channels_first", "channels_last". Received: %s' %
                     data_format)
  return data_format == "channels_first"


def constant_value(pred):
  """True or False for a condition that is known now, else None. No condition is False."""
  if isinstance(pred, variables.Variable):
    return None
  return False if pred is None else control_flow_ops.smart_constant_value(pred)


def smart_cond(pred, true_fn=None, false_fn=None, name=None):
  """true_fn() or false_fn() when the condition is known now, else a cond() of them. No condition counts as a false
  one."""
  known = constant_value(pred)
  if known is not None:
    return true_fn() if known else false_fn()
  return cond.cond(pred, true_fn=true_fn, false_fn=false_fn, name=name)
