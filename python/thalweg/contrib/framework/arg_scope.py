"""Arguments set once for many calls: `with arg_scope([conv2d, fully_connected], activation_fn=None):`."""

import contextlib
import functools
import inspect

# The innermost scope last; a scope maps a function's key to its arguments.
_stack = [{}]
_keyword_arguments = {}


def current_arg_scope():
  """The arguments in force, by function."""
  return _stack[-1]


def arg_scope_func_key(op):
  """What stands for a function in scopes."""
  return getattr(op, "_key_op", str(op))


def has_arg_scope(func):
  """Whether a function was decorated with @add_arg_scope."""
  return arg_scope_func_key(func) in _keyword_arguments


def arg_scoped_arguments(func):
  """The names of the arguments that arg_scope may set."""
  if not has_arg_scope(func):
    raise ValueError("%s is not decorated with @add_arg_scope" % (func,))
  return _keyword_arguments[arg_scope_func_key(func)]


@contextlib.contextmanager
def arg_scope(list_ops_or_scope, **kwargs):
  """Inside the block the decorated functions of the list take these arguments where a call gives none of its own. What a
  block gave, `with ... as scope`, can be opened again later."""
  if isinstance(list_ops_or_scope, dict):
    if kwargs:
      raise ValueError("When attempting to re-use a scope by suppling a dictionary, kwargs must be empty.")
    scope = dict(list_ops_or_scope)
  elif isinstance(list_ops_or_scope, (list, tuple)):
    scope = dict(current_arg_scope())
    for op in list_ops_or_scope:
      if not has_arg_scope(op):
        raise ValueError("%s is not decorated with @add_arg_scope" % ((op.__module__, op.__name__),))
      key = arg_scope_func_key(op)
      scope[key] = dict(scope.get(key, {}), **kwargs)
  else:
    raise TypeError("list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict)")
  _stack.append(scope)
  try:
    yield scope
  finally:
    _stack.pop()


def add_arg_scope(func):
  """Decorator: lets arg_scope set the function's keyword arguments."""
  key = arg_scope_func_key(func)

  @functools.wraps(func)
  def with_scope(*args, **kwargs):
    found = current_arg_scope().get(key)
    return func(*args, **(dict(found, **kwargs) if found else kwargs))

  _keyword_arguments[key] = tuple(p.name for p in inspect.signature(func).parameters.values()
                                  if p.default is not p.empty)
  with_scope._key_op = key
  return with_scope
