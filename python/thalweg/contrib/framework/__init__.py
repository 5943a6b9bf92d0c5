"""tf.contrib.framework: argument scopes, and variables by collection, scope and name."""

from thalweg.contrib import _paths
from thalweg.contrib.framework.arg_scope import (add_arg_scope, arg_scope, arg_scope_func_key, arg_scoped_arguments,
                                                 current_arg_scope, has_arg_scope)
from thalweg.contrib.framework.checkpoints import (assign_from_checkpoint, assign_from_checkpoint_fn,
                                                   assign_from_values, assign_from_values_fn)
from thalweg.contrib.framework import variables as _variables
from thalweg.contrib.framework.variables import (VariableDeviceChooser, add_model_variable, filter_variables,
                                                 get_local_variables, get_model_variables, get_trainable_variables,
                                                 get_unique_variable, get_variable_full_name, get_variables,
                                                 get_variables_by_name, get_variables_by_suffix,
                                                 get_variables_to_restore, global_variable, local_variable,
                                                 model_variable, variable)
from thalweg.ops.check_ops import assert_same_float_dtype, assert_scalar, is_numeric_tensor
from thalweg.ops.orthogonal_init import (ConvolutionDeltaOrthogonal as convolutional_delta_orthogonal,
                                         ConvolutionOrthogonal1D as convolutional_orthogonal_1d,
                                         ConvolutionOrthogonal2D as convolutional_orthogonal_2d,
                                         ConvolutionOrthogonal3D as convolutional_orthogonal_3d)
from thalweg.train import (assert_global_step, create_global_step, get_global_step, get_or_create_global_step,
                           init_from_checkpoint, list_variables, load_checkpoint, load_variable)
from thalweg.framework.tensor_util import is_tensor
from thalweg.util import nest


def assert_or_get_global_step(graph=None, global_step_tensor=None):
  """The graph's global step, or the tensor when it can be one."""
  if global_step_tensor is None:
    return get_global_step(graph)
  assert_global_step(global_step_tensor)
  return global_step_tensor


_paths.add(__name__, ops={"variables": _variables}, framework={})
