"""make_template: a function whose variables are made by the first call and shared by all later ones."""

import functools

from thalweg.framework import ops
from thalweg.framework.places import user_frame
from thalweg.ops import variable_scope as vs
from thalweg.platform import tf_logging as logging


def make_template(name_, func_, create_scope_now_=False, unique_name_=None, custom_getter_=None, **kwargs):
  """`func_` as a Template. Its scope is `unique_name_`, or `name_` made unique when the template is first called (now
  with `create_scope_now_`). `kwargs` are given to every call."""
  return Template(name_, functools.partial(func_, **kwargs) if kwargs else func_, create_scope_now=create_scope_now_,
                  unique_name=unique_name_, custom_getter=custom_getter_)


class Template(object):
  """A function in a variable scope of its own, which reuses after the first call."""

  def __init__(self, name, func, create_scope_now=False, unique_name=None, custom_getter=None):
    if name is None:
      raise ValueError("name cannot be None.")
    self._name, self._func, self._unique_name, self._custom_getter = name, func, unique_name, custom_getter
    self._place = user_frame()
    self._variable_scope = None
    self._called = False
    if create_scope_now:
      with vs._pure_variable_scope(unique_name or vs._get_unique_variable_scope(name),
                                   custom_getter=custom_getter) as scope:
        self._variable_scope = scope

  def __call__(self, *args, **kwargs):
    if self._variable_scope is not None:
      with vs.variable_scope(self._variable_scope, reuse=self._called):
        return self._call(args, kwargs)
    with vs.variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter) as scope:
      self._variable_scope = scope
      return self._call(args, kwargs)

  def _call(self, args, kwargs):
    trainable = ops.get_collection_ref(ops.GraphKeys.TRAINABLE_VARIABLES)
    every = ops.get_collection_ref(ops.GraphKeys.GLOBAL_VARIABLES)
    before = len(trainable), len(every)
    try:
      result = self._func(*args, **kwargs)
      if self._called and len(trainable) != before[0]:
        raise ValueError("Trainable variable created when calling a template after the first time, perhaps you used "
                         "tf.Variable when you meant tf.get_variable: %s" % (trainable[before[0]:],))
    except Exception as e:
      if self._place is not None:
        first = e.args[0] if e.args else ""
        e.args = ("%s\n\noriginally defined at:\n  File \"%s\", line %d, in %s\n" % ((first,) + self._place[:3]),
                  *e.args[1:])
      raise
    if self._called and len(every) != before[1]:
      logging.info("New variables created when calling a template after the first time, perhaps you used tf.Variable "
                   "when you meant tf.get_variable: %s", every[before[1]:])
    self._called = True
    return result

  @property
  def name(self):
    return self._name

  @property
  def func(self):
    return self._func

  @property
  def variable_scope(self):
    """The scope; None before it is made."""
    return self._variable_scope

  @property
  def variable_scope_name(self):
    """The scope's name with a slash at its end; None before the scope is made."""
    if self._variable_scope is None:
      return None
    name = self._variable_scope.name
    return name if not name or name[-1] == "/" else name + "/"

  def _collection(self, key):
    return ops.get_collection(key, self.variable_scope_name) if self._variable_scope is not None else []

  @property
  def variables(self):
    """Global and local variables that the calls made."""
    return self.global_variables + self.local_variables

  @property
  def trainable_variables(self):
    return self._collection(ops.GraphKeys.TRAINABLE_VARIABLES)

  @property
  def non_trainable_variables(self):
    trainable = self.trainable_variables
    return [v for v in self.variables if not any(v is t for t in trainable)]

  @property
  def global_variables(self):
    return self._collection(ops.GraphKeys.GLOBAL_VARIABLES)

  @property
  def local_variables(self):
    return self._collection(ops.GraphKeys.LOCAL_VARIABLES)

  weights = variables
  trainable_weights = trainable_variables
  non_trainable_weights = non_trainable_variables
