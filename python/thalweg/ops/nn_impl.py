"""tf.nn over several ops: normalisation, moments, and losses."""

from thalweg.framework import constant_op, ops
from thalweg.ops import array_ops, math_ops, nn_ops
from thalweg.util.deprecation import deprecated_argument_lookup


def sigmoid_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
  """max(x, 0) - x * z + log(1 + exp(-|x|)): the cross entropy of sigmoid(x) with z, without overflow."""
  nn_ops._ensure_xent_args("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
  with ops.name_scope(name, "logistic_loss", [logits, labels]) as name:
    logits = ops.convert_to_tensor(logits, name="logits")
    labels = ops.convert_to_tensor(labels, name="labels")
    _same_shape(logits, labels)
    zeros = array_ops.zeros_like(logits, dtype=logits.dtype)
    positive = logits >= zeros
    relu_logits = array_ops.where(positive, logits, zeros)
    neg_abs_logits = array_ops.where(positive, -logits, logits)
    return math_ops.add(relu_logits - logits * labels, math_ops.log1p(math_ops.exp(neg_abs_logits)), name=name)


def _same_shape(logits, labels):
  try:
    labels.get_shape().merge_with(logits.get_shape())
  except ValueError:
    raise ValueError("logits and labels must have the same shape (%s vs %s)" % (logits.get_shape(), labels.get_shape()))


def weighted_cross_entropy_with_logits(labels=None, logits=None, pos_weight=None, name=None, targets=None):
  """sigmoid_cross_entropy_with_logits with positive examples weighted by pos_weight."""
  labels = deprecated_argument_lookup("labels", labels, "targets", targets)
  with ops.name_scope(name, "logistic_loss", [logits, labels]) as name:
    logits = ops.convert_to_tensor(logits, name="logits")
    labels = ops.convert_to_tensor(labels, name="labels")
    _same_shape(logits, labels)
    log_weight = 1 + (pos_weight - 1) * labels
    return math_ops.add(
        (1 - labels) * logits,
        log_weight * (math_ops.log1p(math_ops.exp(-math_ops.abs(logits))) + nn_ops.relu(-logits)), name=name)


def log_poisson_loss(targets, log_input, compute_full_loss=False, name=None):
  """exp(log_input) - log_input * targets; with Stirling's term for log(targets!) on request."""
  with ops.name_scope(name, "log_poisson_loss", [log_input, targets]) as name:
    log_input = ops.convert_to_tensor(log_input, name="log_input")
    targets = ops.convert_to_tensor(targets, name="targets")
    result = math_ops.exp(log_input) - log_input * targets
    if compute_full_loss:
      stirling = (targets * math_ops.log(targets)) - targets + 0.5 * math_ops.log(2. * 3.141592653589793 * targets)
      zeros, ones = array_ops.zeros_like(targets), array_ops.ones_like(targets)
      small = math_ops.logical_and(targets >= zeros, targets <= ones)
      result += array_ops.where(small, zeros, stirling)
    return result


def compute_average_loss(per_example_loss, sample_weight=None, global_batch_size=None):
  """The weighted sum of the losses of examples over the size of the whole batch."""
  per_example_loss = ops.convert_to_tensor(per_example_loss)
  if per_example_loss.shape.ndims == 0:
    raise ValueError("Invalid value passed for `per_example_loss`. Expected a tensor with at least rank 1, received: %s" %
                     per_example_loss)
  dtype = per_example_loss.dtype
  if sample_weight is not None:
    losses, weights = math_ops.cast(per_example_loss, "float32"), math_ops.cast(sample_weight, "float32")
    rank, weights_rank = losses.shape.ndims, weights.shape.ndims
    if rank is not None and weights_rank is not None and weights_rank != 0:
      if weights_rank - rank == 1:
        weights = array_ops.squeeze(weights, [-1])
      elif rank - weights_rank == 1:
        weights = array_ops.expand_dims(weights, [-1])
    per_example_loss = math_ops.cast(losses * weights, dtype)
  if global_batch_size is None:
    global_batch_size = math_ops.cast(array_ops.shape(per_example_loss)[0], dtype)
  return math_ops.reduce_sum(per_example_loss) / global_batch_size


def scale_regularization_loss(regularization_loss):
  """The loss of regularisers, summed: there is one replica, so all of it is this one's."""
  return math_ops.reduce_sum(regularization_loss)


def relu_layer(x, weights, biases, name=None):
  """relu(matmul(x, weights) + biases)."""
  with ops.name_scope(name, "relu_layer", [x, weights, biases]) as name:
    return nn_ops.relu(nn_ops.bias_add(math_ops.matmul(x, weights), biases), name=name)


def swish(features):
  """features * sigmoid(features) (Ramachandran et al. 2017)."""
  with ops.name_scope(None, "swish", [features]):
    features = ops.convert_to_tensor(features, name="features")
    return features * math_ops.sigmoid(features)


def l2_normalize(x, axis=None, epsilon=1e-12, name=None, dim=None):
  """x / sqrt(max(sum(x ** 2, axis), epsilon))."""
  axis = deprecated_argument_lookup("axis", axis, "dim", dim)
  with ops.name_scope(name, "l2_normalize", [x]) as name:
    x = ops.convert_to_tensor(x, name="x")
    square_sum = math_ops.reduce_sum(math_ops.square(x), axis, keepdims=True)
    return math_ops.multiply(x, math_ops.rsqrt(math_ops.maximum(square_sum, epsilon)), name=name)


def zero_fraction(value, name=None):
  """The fraction of zeros, as a float scalar."""
  with ops.name_scope(name, "zero_fraction", [value]):
    value = ops.convert_to_tensor(value, name="value")
    nonzero = math_ops.reduce_sum(math_ops.cast(math_ops.not_equal(value, array_ops.zeros([], value.dtype)), "int64"))
    size = math_ops.cast(array_ops.size(value, out_type="int64"), "float32")
    return math_ops.subtract(1.0, math_ops.cast(nonzero, "float32") / size, name="fraction")


def depthwise_conv2d(input, filter, strides, padding, rate=None, name=None, data_format=None, dilations=None):
  """Each channel convolved with its own filters [rows, columns, channels, multiplier]."""
  rate = deprecated_argument_lookup("dilations", dilations, "rate", rate)
  with ops.name_scope(name, "depthwise", [input, filter]) as name:
    input = ops.convert_to_tensor(input, name="tensor_in")
    filter = ops.convert_to_tensor(filter, name="filter_in")
    data_format = data_format or "NHWC"
    return nn_ops.depthwise_conv2d_native(
        input, filter, strides, padding, data_format=data_format,
        dilations=nn_ops._sizes(rate, 2, "rate", data_format), name=name)


def separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, rate=None, name=None,
                     data_format=None, dilations=None):
  """depthwise_conv2d, then a 1x1 convolution."""
  rate = deprecated_argument_lookup("dilations", dilations, "rate", rate)
  with ops.name_scope(name, "separable_conv2d", [input, depthwise_filter, pointwise_filter]) as name:
    data_format = data_format or "NHWC"
    input = ops.convert_to_tensor(input, name="tensor_in")
    depthwise_filter = ops.convert_to_tensor(depthwise_filter, name="depthwise_filter")
    pointwise_filter = ops.convert_to_tensor(pointwise_filter, name="pointwise_filter")
    depthwise = nn_ops.depthwise_conv2d_native(
        input, depthwise_filter, strides, padding, data_format=data_format,
        dilations=nn_ops._sizes(rate, 2, "rate", data_format), name="depthwise")
    return nn_ops.conv2d(depthwise, pointwise_filter, [1, 1, 1, 1], "VALID", data_format=data_format, name=name)


# --- moments and batch normalisation ---


def sufficient_statistics(x, axes, shift=None, keep_dims=None, name=None, keepdims=None):
  """Count, sum and sum of squares over the axes, shifted by `shift` when there is one."""
  keep_dims = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
  axes = list(set(axes))
  with ops.name_scope(name, "sufficient_statistics", [x, shift]):
    x = ops.convert_to_tensor(x, name="x")
    shape = x.get_shape()
    if shape.ndims is not None and all(shape.dims[d].value is not None for d in axes):
      counts = 1
      for d in axes:
        counts *= shape.dims[d].value
      counts = ops.convert_to_tensor(counts, dtype=x.dtype, name="count")
    else:
      dims = array_ops.gather(math_ops.cast(array_ops.shape(x), x.dtype), axes)
      counts = math_ops.reduce_prod(dims, name="count")
    if shift is not None:
      shift = ops.convert_to_tensor(shift, name="shift")
      m_ss = math_ops.subtract(x, shift)
      v_ss = math_ops.squared_difference(x, shift)
    else:
      m_ss, v_ss = x, math_ops.square(x)
    m_ss = math_ops.reduce_sum(m_ss, axes, keepdims=keep_dims, name="mean_ss")
    v_ss = math_ops.reduce_sum(v_ss, axes, keepdims=keep_dims, name="var_ss")
  return counts, m_ss, v_ss, shift


def normalize_moments(counts, mean_ss, variance_ss, shift, name=None):
  """Mean and variance from sufficient statistics."""
  with ops.name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
    divisor = math_ops.reciprocal(counts, name="divisor")
    if shift is not None:
      shifted_mean = math_ops.multiply(mean_ss, divisor, name="shifted_mean")
      mean = math_ops.add(shifted_mean, shift, name="mean")
    else:
      shifted_mean = math_ops.multiply(mean_ss, divisor, name="mean")
      mean = shifted_mean
    variance = math_ops.subtract(math_ops.multiply(variance_ss, divisor), math_ops.square(shifted_mean),
                                 name="variance")
  return mean, variance


def moments(x, axes, shift=None, name=None, keep_dims=None, keepdims=None):
  """Mean and variance of x over the axes."""
  keep_dims = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
  with ops.name_scope(name, "moments", [x, axes]):
    # Sixteen bits are too few to sum in.
    y = math_ops.cast(x, "float32") if x.dtype in ("float16", "bfloat16") else x
    mean = math_ops.reduce_mean(y, axes, keepdims=True, name="mean")
    variance = math_ops.reduce_mean(math_ops.squared_difference(y, array_ops.stop_gradient(mean)), axes,
                                    keepdims=True, name="variance")
    if not keep_dims:
      mean, variance = array_ops.squeeze(mean, axes), array_ops.squeeze(variance, axes)
    if y is not x:
      return math_ops.cast(mean, x.dtype), math_ops.cast(variance, x.dtype)
    return mean, variance


def weighted_moments(x, axes, frequency_weights, name=None, keep_dims=None, keepdims=None):
  """Mean and variance with a weight per element."""
  keep_dims = bool(deprecated_argument_lookup("keepdims", keepdims, "keep_dims", keep_dims))
  with ops.name_scope(name, "weighted_moments", [x, frequency_weights, axes]):
    x = ops.convert_to_tensor(x, name="x")
    frequency_weights = ops.convert_to_tensor(frequency_weights, name="frequency_weights")
    half = x.dtype in ("float16", "bfloat16")
    y = math_ops.cast(x, "float32") if half else x
    weights = math_ops.cast(frequency_weights, y.dtype)
    weighted = math_ops.reduce_sum(weights * y, axes, name="weighted_input_sum", keepdims=True)
    total = math_ops.reduce_sum(weights + array_ops.zeros_like(y), axes, name="sum_of_weights", keepdims=True)
    mean = math_ops.multiply(weighted, math_ops.reciprocal(total), name="weighted_mean")
    distance = math_ops.reduce_sum(weights * math_ops.squared_difference(y, mean), axes,
                                   name="weighted_distsq", keepdims=True)
    variance = math_ops.multiply(distance, math_ops.reciprocal(total), name="weighted_variance")
    if not keep_dims:
      mean, variance = array_ops.squeeze(mean, axes), array_ops.squeeze(variance, axes)
    if half:
      return math_ops.cast(mean, x.dtype), math_ops.cast(variance, x.dtype)
    return mean, variance


def batch_normalization(x, mean, variance, offset, scale, variance_epsilon, name=None):
  """(x - mean) / sqrt(variance + epsilon) * scale + offset, with offset and scale optional."""
  with ops.name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
    inv = math_ops.rsqrt(variance + variance_epsilon)
    if scale is not None:
      inv *= scale
    scaled = x * math_ops.cast(inv, x.dtype)
    shift = offset - mean * inv if offset is not None else -mean * inv
    return scaled + math_ops.cast(shift, x.dtype)


def fused_batch_norm(x, scale, offset, mean=None, variance=None, epsilon=0.001, data_format="NHWC", is_training=True,
                     name=None):
  """Batch normalisation of images in one op: (y, batch mean, batch variance)."""
  x = ops.convert_to_tensor(x, name="input")
  scale = ops.convert_to_tensor(scale, name="scale")
  offset = ops.convert_to_tensor(offset, name="offset")
  if is_training:
    if mean is not None or variance is not None:
      raise ValueError("Both 'mean' and 'variance' must be None if is_training is True.")
    mean, variance = constant_op.constant([], dtype=scale.dtype), constant_op.constant([], dtype=scale.dtype)
  # cuDNN refuses smaller values, and results should not depend on the device.
  epsilon = max(epsilon, 1.001e-5)
  y, batch_mean, batch_var = ops.op("FusedBatchNormV3", name, [x, scale, offset, mean, variance], {
      "epsilon": epsilon, "data_format": data_format, "is_training": is_training})[:3]
  return y, batch_mean, batch_var


def batch_norm_with_global_normalization(t=None, m=None, v=None, beta=None, gamma=None, variance_epsilon=None,
                                         scale_after_normalization=None, name=None, input=None, mean=None,
                                         variance=None):
  """batch_normalization with the arguments of TensorFlow's first release."""
  t = deprecated_argument_lookup("input", input, "t", t)
  m = deprecated_argument_lookup("mean", mean, "m", m)
  v = deprecated_argument_lookup("variance", variance, "v", v)
  return batch_normalization(t, m, v, beta, gamma if scale_after_normalization else None, variance_epsilon, name)
