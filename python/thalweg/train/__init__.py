"""tf.train."""

from thalweg.framework.graph_io import write_graph
from thalweg.train.adaptive_optimizers import (AdadeltaOptimizer, AdagradDAOptimizer, AdagradOptimizer, AdamOptimizer,
                                               FtrlOptimizer, ProximalAdagradOptimizer, RMSPropOptimizer)
from thalweg.train.checkpoint_management import (checkpoint_exists, generate_checkpoint_state_proto,
                                                 get_checkpoint_mtimes, get_checkpoint_state, latest_checkpoint,
                                                 remove_checkpoint, update_checkpoint_state)
from thalweg.train.checkpoint_reader import (NewCheckpointReader, init_from_checkpoint, list_variables,
                                             load_checkpoint, load_variable)
from thalweg.train.gradient_optimizers import (GradientDescentOptimizer, MomentumOptimizer,
                                               ProximalGradientDescentOptimizer)
from thalweg.train.learning_rate_decay import (cosine_decay, cosine_decay_restarts, exponential_decay,
                                               inverse_time_decay, linear_cosine_decay, natural_exp_decay,
                                               noisy_linear_cosine_decay, piecewise_constant, piecewise_constant_decay,
                                               polynomial_decay)
from thalweg.train.moving_averages import ExponentialMovingAverage
from thalweg.train.optimizer import Optimizer
from thalweg.train.queue_runner import QueueRunner, add_queue_runner, start_queue_runners
from thalweg.train.saver import Saver, export_meta_graph, import_meta_graph
from thalweg.train.training_util import (assert_global_step, create_global_step, get_global_step,
                                         get_or_create_global_step, global_step)

# What only programs with training loops of their own need, by module; loaded when first used.
_LAZY = {
    "coordinator": "Coordinator LooperThread",
    "session_manager": "SessionManager",
    "session_run_hook": "SessionRunArgs SessionRunContext SessionRunHook SessionRunValues",
    "basic_session_run_hooks": """CheckpointSaverHook CheckpointSaverListener FeedFnHook FinalOpsHook
        GlobalStepWaiterHook LoggingTensorHook NanLossDuringTrainingError NanTensorHook ProfilerHook SecondOrStepTimer
        StepCounterHook StopAtStepHook SummarySaverHook""",
    "scaffold": "Scaffold",
    "monitored_session": """ChiefSessionCreator MonitoredSession MonitoredTrainingSession SessionCreator
        SingularMonitoredSession WorkerSessionCreator""",
    "supervisor": "Supervisor",
    "input": """batch batch_join input_producer limit_epochs match_filenames_once maybe_batch maybe_batch_join
        maybe_shuffle_batch maybe_shuffle_batch_join range_input_producer shuffle_batch shuffle_batch_join
        slice_input_producer string_input_producer""",
    "server_lib": "ClusterSpec",
    "device_setter": "replica_device_setter",
    "basic_loops": "basic_train_loop",
    "sync_replicas_optimizer": "SyncReplicasOptimizer",
    "evaluation": "checkpoints_iterator",
}
_MODULE_OF = {name: module for module, names in _LAZY.items() for name in names.split()}

_MESSAGES = ("SaverDef", "CheckpointState", "Example", "Features", "Feature", "BytesList", "FloatList", "Int64List",
             "FeatureList", "FeatureLists", "SequenceExample", "ClusterDef", "JobDef", "ServerDef")


def summary_iterator(path):
  """The Event messages of an event file."""
  from thalweg.summary import writer
  return writer.summary_iterator(path)


def __getattr__(name):
  if name == "SummaryWriter":  # FileWriter before TensorFlow 1.0
    from thalweg.summary.writer import FileWriter
    return FileWriter
  if name in _MESSAGES:
    from thalweg import _protos
    return _protos.message(name)
  if name in _MODULE_OF:
    import importlib
    value = globals()[name] = getattr(importlib.import_module("thalweg.train." + _MODULE_OF[name]), name)
    return value
  raise AttributeError("module 'thalweg.train' has no attribute %r" % name)


def __dir__():
  return sorted(set(globals()) | set(_MESSAGES) | set(_MODULE_OF))
