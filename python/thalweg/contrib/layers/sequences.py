"""Images as sequences of their columns, and back; tensors as sparse ones; gradients scaled."""

from thalweg.contrib.framework.arg_scope import add_arg_scope
from thalweg.contrib.layers import base, utils
from thalweg.framework import constant_op, dtypes, ops, sparse_tensor
from thalweg.ops import array_ops, math_ops, variable_scope as vs
from thalweg.ops.custom_gradient import custom_gradient


@add_arg_scope
def images_to_sequence(inputs, data_format=base.NHWC, outputs_collections=None, scope=None):
  """Images [batch, rows, columns, channels] as [columns, batch * rows, channels]: a recurrent net reads each row."""
  base.check_layout(data_format)
  with ops.name_scope(scope, "ImagesToSequence", [inputs]) as sc:
    inputs = ops.convert_to_tensor(inputs)
    if data_format == base.NCHW:
      inputs = array_ops.transpose(inputs, [0, 2, 3, 1])
    _, _, columns, depth = inputs.get_shape().as_list()
    sizes = array_ops.shape(inputs)
    batch, rows = sizes[0], sizes[1]
    outputs = array_ops.reshape(array_ops.transpose(inputs, [2, 0, 1, 3]), [columns, batch * rows, depth])
    return utils.collect_named_outputs(outputs_collections, sc, outputs)


@add_arg_scope
def sequence_to_images(inputs, height, output_data_format="channels_last", outputs_collections=None, scope=None):
  """The images of `height` rows that images_to_sequence made [columns, batch * rows, channels] of."""
  with ops.name_scope(scope, "SequenceToImages", [inputs]) as sc:
    inputs = ops.convert_to_tensor(inputs)
    columns, rows, depth = inputs.get_shape().as_list()
    batch = -1 if rows is None else rows // height
    images = array_ops.reshape(inputs, [columns, batch, height, depth])
    order = [1, 3, 2, 0] if output_data_format == "channels_first" else [1, 2, 0, 3]
    return utils.collect_named_outputs(outputs_collections, sc, array_ops.transpose(images, order))


@add_arg_scope
def dense_to_sparse(tensor, eos_token=0, outputs_collections=None, scope=None):
  """The elements that are not `eos_token`, as a SparseTensor."""
  with vs.variable_scope(scope, "dense_to_sparse", [tensor]) as sc:
    tensor = ops.convert_to_tensor(tensor)
    indices = array_ops.where(math_ops.not_equal(tensor, constant_op.constant(eos_token, tensor.dtype)))
    values = array_ops.gather_nd(tensor, indices)
    outputs = sparse_tensor.SparseTensor(indices, values, array_ops.shape(tensor, out_type=dtypes.int64))
    return utils.collect_named_outputs(outputs_collections, sc.name, outputs)


@custom_gradient
def _with_scaled_gradient(inputs, gradient_multiplier):
  return array_ops.identity(inputs), lambda grad: [grad * gradient_multiplier, None]


def scale_gradient(inputs, gradient_multiplier):
  """The inputs, with gradients multiplied on their way back."""
  return _with_scaled_gradient(inputs, gradient_multiplier)
