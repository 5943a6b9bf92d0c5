"""Generalised divisive normalisation (Balle et al. 2016)."""

from thalweg.framework import gradient_registry, ops, tensor_shape
from thalweg.layers import base
from thalweg.ops import array_ops, linalg_ops, math_ops, nn_conv, nn_ops


@gradient_registry.RegisterGradient("GDNLowerBound")
def _lower_bound_gradient(op, grad):
  """Passes where the input is above the bound, and where the step would move it towards the bound."""
  inputs, bound = op.inputs
  passes = math_ops.logical_or(inputs >= bound, grad < 0)
  return [math_ops.cast(passes, grad.dtype) * grad, None]


def _lower_bound(inputs, bound):
  with ops.name_scope(None, "GDNLowerBound", [inputs, bound]) as scope:
    inputs = ops.convert_to_tensor(inputs, name="inputs")
    bound = ops.convert_to_tensor(bound, name="bound")
    with ops.get_default_graph().gradient_override_map({"Maximum": "GDNLowerBound"}):
      return math_ops.maximum(inputs, bound, name=scope)


class GDN(base.Layer):
  """y[i] = x[i] / sqrt(beta[i] + sum_j gamma[j, i] * x[j] ** 2) over the channels of inputs of rank 3 to 5; times the root
  with `inverse`.

  beta stays above beta_min and gamma above 0: their square roots, a little raised by reparam_offset, are the variables.
  """

  def __init__(self, inverse=False, beta_min=1e-6, gamma_init=.1, reparam_offset=2**-18, data_format="channels_last",
               activity_regularizer=None, trainable=True, name=None, **kwargs):
    super().__init__(trainable=trainable, name=name, activity_regularizer=activity_regularizer, **kwargs)
    if data_format not in ("channels_first", "channels_last"):
      raise ValueError("Unsupported `data_format` for GDN layer: {}.".format(data_format))
    self.inverse = inverse
    self.data_format = data_format
    self._beta_min = beta_min
    self._gamma_init = gamma_init
    self._reparam_offset = reparam_offset
    self.input_spec = base.InputSpec(min_ndim=3, max_ndim=5)

  def _pedestal(self):
    return array_ops.constant(self._reparam_offset**2, dtype=self.dtype)

  def _first_beta(self, shape, dtype=None, partition_info=None):
    pedestal = self._pedestal()
    return math_ops.sqrt(array_ops.ones(shape, dtype=dtype) + pedestal)

  def _first_gamma(self, shape, dtype=None, partition_info=None):
    eye, pedestal = linalg_ops.eye(shape[0], dtype=dtype), self._pedestal()
    return math_ops.sqrt(self._gamma_init * eye + pedestal)

  def build(self, input_shape):
    axis = 1 if self.data_format == "channels_first" else -1
    shape = tensor_shape.as_shape(input_shape)
    channels = shape.dims[axis].value
    if channels is None:
      raise ValueError("The channel dimension of the inputs to `GDN` must be defined.")
    self._input_rank = shape.ndims
    self.input_spec = base.InputSpec(ndim=shape.ndims, axes={axis: channels})
    pedestal = self._pedestal()
    beta_bound = array_ops.constant((self._beta_min + self._reparam_offset**2)**.5, dtype=self.dtype)
    gamma_bound = array_ops.constant(self._reparam_offset, dtype=self.dtype)
    beta = self.add_variable("reparam_beta", shape=[channels], initializer=self._first_beta, dtype=self.dtype,
                             trainable=True)
    self.beta = math_ops.square(_lower_bound(beta, beta_bound)) - pedestal
    gamma = self.add_variable("reparam_gamma", shape=[channels, channels], initializer=self._first_gamma,
                              dtype=self.dtype, trainable=True)
    self.gamma = math_ops.square(_lower_bound(gamma, gamma_bound)) - pedestal
    self.built = True

  def call(self, inputs):
    inputs = ops.convert_to_tensor(inputs, dtype=self.dtype)
    axes = self._input_rank - 2
    first = self.data_format == "channels_first"
    # The sums over channels are a convolution with filters of size 1.
    gamma = array_ops.reshape(self.gamma, axes * [1] + self.gamma.get_shape().as_list())
    layout = "NC" + "DHW"[-axes:] if first else None
    sums = nn_conv.convolution(math_ops.square(inputs), gamma, "VALID", data_format=layout)
    if first and axes != 2:
      # bias_add knows this layout for images only.
      sums += array_ops.reshape(self.beta, [1, -1] + axes * [1])
    else:
      sums = nn_ops.bias_add(sums, self.beta, data_format="NCHW" if first else "NHWC")
    root = math_ops.sqrt(sums)
    outputs = inputs * root if self.inverse else inputs / root
    outputs.set_shape(inputs.get_shape())
    return outputs

  def compute_output_shape(self, input_shape):
    shape = tensor_shape.as_shape(input_shape)
    if not 3 <= shape.ndims <= 5:
      raise ValueError("`input_shape` must be of rank 3 to 5, inclusive.")
    if shape.dims[1 if self.data_format == "channels_first" else -1].value is None:
      raise ValueError("The channel dimension of `input_shape` must be defined.")
    return shape


def gdn(inputs, inverse=False, beta_min=1e-6, gamma_init=.1, reparam_offset=2**-18, data_format="channels_last",
        activity_regularizer=None, trainable=True, name=None, reuse=None):
  """GDN as a function."""
  layer = GDN(inverse=inverse, beta_min=beta_min, gamma_init=gamma_init, reparam_offset=reparam_offset,
              data_format=data_format, activity_regularizer=activity_regularizer, trainable=trainable, name=name,
              dtype=inputs.dtype.base_dtype, _scope=name, _reuse=reuse)
  return layer.apply(inputs)
