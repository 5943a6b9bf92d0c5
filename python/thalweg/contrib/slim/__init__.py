"""tf.contrib.slim: contrib.layers and contrib.framework under one name, with a training loop."""

from thalweg.contrib import _paths, layers, losses, metrics
from thalweg.contrib.framework.arg_scope import (add_arg_scope, arg_scope, arg_scope_func_key, arg_scoped_arguments,
                                                 current_arg_scope, has_arg_scope)
from thalweg.contrib.framework.checkpoints import (assign_from_checkpoint, assign_from_checkpoint_fn,
                                                   assign_from_values, assign_from_values_fn)
from thalweg.contrib.framework.variables import (VariableDeviceChooser, add_model_variable, filter_variables,
                                                 get_local_variables, get_model_variables, get_trainable_variables,
                                                 get_unique_variable, get_variable_full_name, get_variables,
                                                 get_variables_by_name, get_variables_by_suffix,
                                                 get_variables_to_restore, global_variable, local_variable,
                                                 model_variable, variable)
from thalweg.contrib.layers import *  # noqa: F401,F403
from thalweg.contrib.layers import utils
from thalweg.contrib.layers.convolutional import pool
from thalweg.contrib.slim import learning, model_analyzer, queues
from thalweg.train import (assert_global_step, create_global_step, get_global_step, get_or_create_global_step)

_paths.add(__name__, slim={"learning": learning, "model_analyzer": model_analyzer})
