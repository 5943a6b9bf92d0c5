"""Scaffold: the operations that a training session needs, found in collections or made."""

from thalweg import summary
from thalweg.framework import ops
from thalweg.ops import control_flow_ops, variables
from thalweg.platform import tf_logging as logging
from thalweg.train import saver as saver_lib


def _resources_initializer(name):
  """Resources other than variables and tables have no initialisers of their own."""
  return control_flow_ops.no_op(name=name)


def get_saver_or_default():
  """The saver of the SAVERS collection, made and added when there is none."""
  savers = ops.get_collection(ops.GraphKeys.SAVERS)
  if savers:
    if len(savers) > 1:
      raise RuntimeError("More than one item in collection {}. Please indicate which one to use by passing it to the "
                         "constructor.".format(ops.GraphKeys.SAVERS))
    return savers[0]
  saver = saver_lib.Saver(sharded=True, allow_empty=True)
  ops.add_to_collection(ops.GraphKeys.SAVERS, saver)
  return saver


class Scaffold(object):
  """Initialisers, readiness checks, summaries and the saver of a model. What is not given is taken from the graph's
  collections, or made, by finalize()."""

  def __init__(self, init_op=None, init_feed_dict=None, init_fn=None, ready_op=None, ready_for_local_init_op=None,
               local_init_op=None, summary_op=None, saver=None, copy_from_scaffold=None):
    given = {"init_op": init_op, "init_feed_dict": init_feed_dict, "user_init_fn": init_fn, "ready_op": ready_op,
             "ready_for_local_init_op": ready_for_local_init_op, "local_init_op": local_init_op,
             "summary_op": summary_op, "saver": saver}
    if copy_from_scaffold is not None:
      if not isinstance(copy_from_scaffold, Scaffold):
        raise TypeError("copy_from_scaffold is not a Scaffold instance.")
      for name, value in given.items():
        if value is None:
          given[name] = getattr(copy_from_scaffold, "_" + name)
    for name, value in given.items():
      setattr(self, "_" + name, value)
    user_init_fn = self._user_init_fn
    self._init_fn = (lambda sess: user_init_fn(self, sess)) if user_init_fn else None

  def finalize(self):
    """Makes what is missing and closes the graph."""
    keys = ops.GraphKeys
    if self._init_op is None:
      self._init_op = Scaffold.get_or_default("init_op", keys.INIT_OP, lambda: control_flow_ops.group(
          variables.global_variables_initializer(), _resources_initializer("init")))
    if self._ready_op is None:
      self._ready_op = Scaffold.get_or_default("ready_op", keys.READY_OP, variables.report_uninitialized_variables)
    if self._ready_for_local_init_op is None:
      self._ready_for_local_init_op = Scaffold.get_or_default(
          "ready_for_local_init_op", keys.READY_FOR_LOCAL_INIT_OP,
          lambda: variables.report_uninitialized_variables(variables.global_variables()))
    if self._local_init_op is None:
      self._local_init_op = Scaffold.get_or_default("local_init_op", keys.LOCAL_INIT_OP,
                                                    Scaffold.default_local_init_op)
    if self._summary_op is None:
      self._summary_op = Scaffold.get_or_default("summary_op", keys.SUMMARY_OP, summary.merge_all)
    if self._saver is None:
      self._saver = get_saver_or_default()
    self._saver.build()
    ops.get_default_graph().finalize()
    logging.info("Graph was finalized.")
    return self

  @property
  def init_fn(self):
    return self._init_fn

  @property
  def init_op(self):
    return self._init_op

  @property
  def ready_op(self):
    return self._ready_op

  @property
  def ready_for_local_init_op(self):
    return self._ready_for_local_init_op

  @property
  def local_init_op(self):
    return self._local_init_op

  @property
  def summary_op(self):
    return self._summary_op

  @property
  def saver(self):
    return self._saver

  @property
  def init_feed_dict(self):
    return self._init_feed_dict

  @staticmethod
  def get_or_default(arg_name, collection_key, default_constructor):
    """The one element of a collection, or a new one that is put there."""
    elements = ops.get_collection(collection_key)
    if elements:
      if len(elements) > 1:
        raise RuntimeError("More than one item in the collection \"%s\". Please indicate which one to use by passing it "
                           "to the tf.Scaffold constructor as:  tf.Scaffold(%s=item to use)" % (collection_key, arg_name))
      return elements[0]
    made = default_constructor()
    if made is not None:
      ops.add_to_collection(collection_key, made)
    return made

  @staticmethod
  def default_local_init_op():
    """Initialises local variables and tables."""
    import thalweg
    return control_flow_ops.group(variables.local_variables_initializer(), thalweg.tables_initializer(),
                                  _resources_initializer("init"))
