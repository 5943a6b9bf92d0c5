"""Graphs, operations, tensors and the contexts they are made in: one name for what the modules beside this define."""

from thalweg.framework.conversion import (  # noqa: F401
    convert_n_to_tensor, convert_n_to_tensor_or_indexed_slices, convert_to_tensor, convert_to_tensor_or_indexed_slices,
    convert_to_tensor_or_sparse_tensor, internal_convert_n_to_tensor, internal_convert_to_tensor,
    internal_convert_to_tensor_or_indexed_slices, is_dense_tensor_like, register_tensor_conversion_function)
from thalweg.framework.gradient_registry import (  # noqa: F401
    NoGradient, NotDifferentiable, RegisterGradient, get_gradient_function)
from thalweg.framework.graph import Graph  # noqa: F401
from thalweg.framework.graph_keys import GraphKeys  # noqa: F401
from thalweg.framework.op_create import op, operation  # noqa: F401
from thalweg.framework.operation import Operation  # noqa: F401
from thalweg.framework.scopes import (  # noqa: F401
    _colocate_with_for_gradient, _get_graph_from_inputs, add_to_collection, add_to_collections, colocate_with,
    container, control_dependencies, device, get_all_collection_keys, get_collection, get_collection_ref, init_scope,
    name_from_scope_name, name_scope, name_scope_v1, name_scope_v2, op_scope, prepend_name_scope, strip_name_scope)
from thalweg.framework.stack import (  # noqa: F401
    default_graph_stack as _default_graph_stack, default_session, default_session_stack as _default_session_stack,
    get_default_graph, get_default_session, has_default_graph, reset_default_graph)
from thalweg.framework.tensor import (  # noqa: F401
    IndexedSlices, IndexedSlicesValue, OperatorNotAllowedInGraphError, Tensor)

_proto_functions = {}


def register_proto_function(collection_name, proto_type=None, to_proto=None, from_proto=None):
  """How the values of a collection become protocol messages and come back."""
  if to_proto and not callable(to_proto):
    raise TypeError("to_proto must be callable.")
  if from_proto and not callable(from_proto):
    raise TypeError("from_proto must be callable.")
  _proto_functions[collection_name] = (proto_type, to_proto, from_proto)


def get_collection_proto_type(collection_name):
  return _proto_functions.get(collection_name, (None, None, None))[0]


def get_to_proto_function(collection_name):
  return _proto_functions.get(collection_name, (None, None, None))[1]


def get_from_proto_function(collection_name):
  return _proto_functions.get(collection_name, (None, None, None))[2]


def executing_eagerly_outside_functions():
  return False


def _run_using_default_session(op_to_run, feed_dict, graph, session=None):
  if session is None:
    session = get_default_session()
    if session is None:
      raise ValueError("Cannot execute operation using `run()`: No default session is registered. Use `with "
                       "sess.as_default()` or pass an explicit session to `run(session=sess)`")
    if session.graph is not graph:
      raise ValueError("Cannot use the default session to execute operation: the operation's graph is different from "
                       "the session's graph. Pass an explicit session to run(session=sess).")
  elif session.graph is not graph:
    raise ValueError("Cannot use the given session to execute operation: the operation's graph is different from the "
                     "session's graph.")
  session.run(op_to_run, feed_dict)


def _eval_using_default_session(tensors, feed_dict, graph, session=None):
  if session is None:
    session = get_default_session()
    if session is None:
      raise ValueError("Cannot evaluate tensor using `eval()`: No default session is registered. Use `with "
                       "sess.as_default()` or pass an explicit session to `eval(session=sess)`")
    if session.graph is not graph:
      raise ValueError("Cannot use the default session to evaluate tensor: the tensor's graph is different from the "
                       "session's graph. Pass an explicit session to `eval(session=sess)`.")
  elif session.graph is not graph:
    raise ValueError("Cannot use the given session to evaluate tensor: the tensor's graph is different from the "
                     "session's graph.")
  return session.run(tensors, feed_dict)
