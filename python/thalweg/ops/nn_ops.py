"""Convolutions, pooling, activations, losses and dropout: tf.nn over single ops."""

import numbers

from thalweg.framework import ops, tensor_shape, tensor_util
from thalweg.ops import array_ops, math_ops, random_ops
from thalweg.util.deprecation import deprecated_argument_lookup

# --- convolution ---


def _sizes(value, n, name, data_format):
  """An int or a sequence of 1, n or n + 2 ints as the n + 2 that ops take; batch and channels are 1."""
  if value is None:
    value = [1]
  value = list(value) if isinstance(value, (list, tuple)) else [value]
  if len(value) == n + 2:
    return [int(v) for v in value]
  if len(value) == 1:
    value = value * n
  if len(value) != n:
    raise ValueError("%s should be of length 1, %d or %d but was %d" % (name, n, n + 2, len(value)))
  value = [int(v) for v in value]
  return [1, 1] + value if data_format.startswith("NC") else [1] + value + [1]


def _padding(padding, data_format):
  """The `padding` and `explicit_paddings` attributes for a name or a list of pairs."""
  if not isinstance(padding, (list, tuple)):
    return padding, []
  pairs = [list(p) for p in padding]
  if len(pairs) != 4 or any(len(p) != 2 for p in pairs):
    raise ValueError("Explicit padding must be a list of 4 pairs, not %s" % (padding,))
  still = (0, 1) if data_format == "NCHW" else (0, 3)
  if any(pairs[i] != [0, 0] for i in still):
    raise ValueError("Non-zero explicit padding in batch or channel dimension: %s" % (padding,))
  return "EXPLICIT", [p for pair in pairs for p in pair]


def conv2d(input, filter=None, strides=None, padding=None, use_cudnn_on_gpu=True, data_format="NHWC",
           dilations=[1, 1, 1, 1], name=None, filters=None):
  """Convolution of images [batch, rows, columns, channels] with filters [rows, columns, channels, outputs]."""
  filter = deprecated_argument_lookup("filters", filters, "filter", filter)
  padding, explicit = _padding(padding, data_format)
  return ops.op("Conv2D", name, [input, filter], {
      "strides": _sizes(strides, 2, "strides", data_format), "padding": padding, "explicit_paddings": explicit,
      "use_cudnn_on_gpu": use_cudnn_on_gpu, "data_format": data_format,
      "dilations": _sizes(dilations, 2, "dilations", data_format)})


def conv2d_backprop_filter(input, filter_sizes, out_backprop, strides, padding, use_cudnn_on_gpu=True,
                           data_format="NHWC", dilations=[1, 1, 1, 1], name=None):
  """The gradient of conv2d with respect to the filter."""
  padding, explicit = _padding(padding, data_format)
  return ops.op("Conv2DBackpropFilter", name, [input, filter_sizes, out_backprop], {
      "strides": strides, "padding": padding, "explicit_paddings": explicit, "use_cudnn_on_gpu": use_cudnn_on_gpu,
      "data_format": data_format, "dilations": dilations})


def conv2d_backprop_input(input_sizes, filter=None, out_backprop=None, strides=None, padding=None,
                          use_cudnn_on_gpu=True, data_format="NHWC", dilations=[1, 1, 1, 1], name=None, filters=None):
  """The gradient of conv2d with respect to the input."""
  filter = deprecated_argument_lookup("filters", filters, "filter", filter)
  padding, explicit = _padding(padding, data_format)
  return ops.op("Conv2DBackpropInput", name, [input_sizes, filter, out_backprop], {
      "strides": strides, "padding": padding, "explicit_paddings": explicit, "use_cudnn_on_gpu": use_cudnn_on_gpu,
      "data_format": data_format, "dilations": dilations})


def conv2d_transpose(value=None, filter=None, output_shape=None, strides=None, padding="SAME", data_format="NHWC",
                     name=None, input=None, filters=None, dilations=None):
  """The transpose of conv2d; filter is [rows, columns, outputs, channels]."""
  value = deprecated_argument_lookup("input", input, "value", value)
  filter = deprecated_argument_lookup("filters", filters, "filter", filter)
  with ops.name_scope(name, "conv2d_transpose", [value, filter, output_shape]) as name:
    return conv2d_backprop_input(output_shape, filter, value, _sizes(strides, 2, "strides", data_format), padding,
                                 data_format=data_format, dilations=_sizes(dilations, 2, "dilations", data_format),
                                 name=name)


def depthwise_conv2d_native(input, filter, strides, padding, data_format="NHWC", dilations=[1, 1, 1, 1], name=None):
  """Each channel convolved with its own filters [rows, columns, channels, multiplier]."""
  return ops.op("DepthwiseConv2dNative", name, [input, filter], {
      "strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations})


def depthwise_conv2d_native_backprop_filter(input, filter_sizes, out_backprop, strides, padding, data_format="NHWC",
                                            dilations=[1, 1, 1, 1], name=None):
  """The gradient of depthwise_conv2d_native with respect to the filter."""
  return ops.op("DepthwiseConv2dNativeBackpropFilter", name, [input, filter_sizes, out_backprop], {
      "strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations})


def depthwise_conv2d_native_backprop_input(input_sizes, filter, out_backprop, strides, padding, data_format="NHWC",
                                           dilations=[1, 1, 1, 1], name=None):
  """The gradient of depthwise_conv2d_native with respect to the input."""
  return ops.op("DepthwiseConv2dNativeBackpropInput", name, [input_sizes, filter, out_backprop], {
      "strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations})


# --- pooling ---


def _pool(op_type, default_name, value, ksize, strides, padding, data_format, name):
  with ops.name_scope(name, default_name, [value]) as name:
    value = ops.convert_to_tensor(value, name="input")
    return ops.op(op_type, name, [value], {
        "ksize": _sizes(ksize, 2, "ksize", data_format), "strides": _sizes(strides, 2, "strides", data_format),
        "padding": padding, "data_format": data_format})


def max_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
  """The largest value of each window of images [batch, rows, columns, channels]."""
  value = deprecated_argument_lookup("input", input, "value", value)
  return _pool("MaxPool", "MaxPool", value, ksize, strides, padding, data_format, name)


def avg_pool(value, ksize, strides, padding, data_format="NHWC", name=None, input=None):
  """The mean of each window of images [batch, rows, columns, channels]."""
  value = deprecated_argument_lookup("input", input, "value", value)
  return _pool("AvgPool", "AvgPool", value, ksize, strides, padding, data_format, name)


def max_pool2d(input, ksize, strides, padding, data_format="NHWC", name=None):  # noqa: A002
  """max_pool of images."""
  return _pool("MaxPool", "MaxPool2d", input, ksize, strides, padding, data_format, name)


avg_pool2d = avg_pool


def max_pool_with_argmax(input, ksize, strides, padding, data_format="NHWC", Targmax=None, name=None,
                         output_dtype=None, include_batch_in_index=False):
  """max_pool, and the flat index of each largest value."""
  if data_format != "NHWC":
    raise ValueError("Data formats other than 'NHWC' are not yet supported")
  return ops.op("MaxPoolWithArgmax", name, [input], {
      "ksize": ksize, "strides": strides, "padding": padding, "Targmax": Targmax or output_dtype or "int64",
      "include_batch_in_index": include_batch_in_index})


# --- activations ---


def bias_add(value, bias, data_format=None, name=None):
  """Adds a vector over the channel axis."""
  with ops.name_scope(name, "BiasAdd", [value, bias]) as name:
    if data_format is not None:
      if data_format.startswith("NC"):
        data_format = "NCHW"
      elif data_format.startswith("N") and data_format.endswith("C"):
        data_format = "NHWC"
      else:
        raise ValueError("data_format must be of the form `N...C` or `NC...`")
    value = ops.convert_to_tensor(value, name="input")
    bias = ops.convert_to_tensor(bias, dtype=value.dtype, name="bias")
    return ops.op("BiasAdd", name, [value, bias], {"data_format": data_format} if data_format else {})


def relu(features, name=None):
  """max(x, 0)."""
  return ops.op("Relu", name, [features])


def relu6(features, name=None):
  """min(max(features, 0), 6)."""
  with ops.name_scope(name, "Relu6", [features]) as name:
    return ops.op("Relu6", name, [ops.convert_to_tensor(features, name="features")])


def leaky_relu(features, alpha=0.2, name=None):
  """features where positive, alpha * features elsewhere."""
  with ops.name_scope(name, "LeakyRelu", [features, alpha]) as name:
    features = ops.convert_to_tensor(features, name="features")
    if features.dtype.is_integer:
      features = math_ops.cast(features, "float32")
    if isinstance(alpha, ops.Tensor):
      return math_ops.maximum(alpha * features, features, name=name)
    return ops.op("LeakyRelu", name, [features], {"alpha": float(alpha)})


def elu(features, name=None):
  """x above 0, exp(x) - 1 below (Clevert et al. 2016)."""
  return ops.op("Elu", name, [features])


def selu(features, name=None):
  """scale * (x above 0, alpha * (exp(x) - 1) below), whose outputs keep mean 0 and variance 1 (Klambauer et al. 2017)."""
  return ops.op("Selu", name, [features])


def softplus(features, name=None):
  """log(1 + exp(x))."""
  return ops.op("Softplus", name, [features])


def softsign(features, name=None):
  """x / (1 + |x|)."""
  return ops.op("Softsign", name, [features])


def crelu(features, name=None, axis=-1):
  """relu of the features and of their negatives, side by side."""
  with ops.name_scope(name, "CRelu", [features]) as name:
    features = ops.convert_to_tensor(features, name="features")
    return relu(array_ops.concat([features, -features], axis, name=name))


def _along_axis(op_type, logits, axis, name):
  """Applies an op that works on the last axis along any axis."""
  logits = ops.convert_to_tensor(logits)
  shape = logits.get_shape()
  rank = shape.ndims
  if axis == -1 or rank is not None and axis == rank - 1:
    return ops.op(op_type, name, [logits])
  if rank is None:
    raise ValueError("softmax over an axis that is not the last needs a known rank")
  if not -rank <= axis < rank:
    raise ValueError("`axis` must be in the range [%d, %d), not %s" % (-rank, rank, axis))
  axis %= rank
  swapped = list(range(rank))
  swapped[axis], swapped[-1] = swapped[-1], swapped[axis]
  result = array_ops.transpose(ops.op(op_type, None, [array_ops.transpose(logits, swapped)]), swapped, name=name)
  result.set_shape(shape)
  return result


def softmax(logits, axis=None, name=None, dim=None):
  """exp(logits) / sum(exp(logits)) along an axis, the last by default."""
  axis = deprecated_argument_lookup("axis", axis, "dim", dim)
  return _along_axis("Softmax", logits, -1 if axis is None else axis, name)


def log_softmax(logits, axis=None, name=None, dim=None):
  """logits - log(sum(exp(logits))) along an axis, the last by default."""
  axis = deprecated_argument_lookup("axis", axis, "dim", dim)
  return _along_axis("LogSoftmax", logits, -1 if axis is None else axis, name)


# --- losses ---


def l2_loss(t, name=None):
  """sum(t ** 2) / 2."""
  return ops.op("L2Loss", name, [t])


def _ensure_xent_args(name, sentinel, labels, logits):
  if sentinel is not None:
    raise ValueError("Only call `%s` with named arguments (labels=..., logits=..., ...)" % name)
  if labels is None or logits is None:
    raise ValueError("Both labels and logits must be provided.")


def softmax_cross_entropy_with_logits_v2(labels, logits, axis=None, name=None, dim=None):
  """The cross entropy of softmax(logits) with distributions `labels`; gradients flow into both."""
  axis = deprecated_argument_lookup("axis", axis, "dim", dim)
  axis = -1 if axis is None else axis
  with ops.name_scope(name, "softmax_cross_entropy_with_logits", [logits, labels]) as name:
    logits = ops.convert_to_tensor(logits, name="logits")
    labels = ops.convert_to_tensor(labels, name="labels")
    convert = logits.dtype in ("float16", "bfloat16")
    precise_logits = math_ops.cast(logits, "float32") if convert else logits
    labels = math_ops.cast(labels, precise_logits.dtype)
    rank = array_ops.rank(precise_logits)
    shape = logits.get_shape()
    if axis != -1:
      known = shape.ndims
      if known is None:
        raise ValueError("cross entropy along an axis that is not the last needs a known rank")
      order = [i for i in range(known) if i != axis % known] + [axis % known]
      precise_logits = array_ops.transpose(precise_logits, order)
      labels = array_ops.transpose(labels, order)
    input_shape = array_ops.shape(precise_logits)
    precise_logits = _flatten_outer(precise_logits)
    labels = _flatten_outer(labels)
    cost, _ = ops.op("SoftmaxCrossEntropyWithLogits", name, [precise_logits, labels])
    cost = array_ops.reshape(cost, array_ops.slice(input_shape, [0], [math_ops.subtract(rank, 1)]))
    if shape.ndims is not None and shape.dims is not None:
      sizes = shape.as_list()
      del sizes[axis]
      cost.set_shape(tensor_shape.TensorShape(sizes))
    return math_ops.cast(cost, logits.dtype) if convert else cost


def softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, dim=-1, name=None, axis=None):
  """As softmax_cross_entropy_with_logits_v2, with no gradient into `labels`."""
  dim = dim if axis is None else axis
  _ensure_xent_args("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
  with ops.name_scope(name, "softmax_cross_entropy_with_logits_sg", [logits, labels]) as name:
    labels = array_ops.stop_gradient(labels, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, axis=dim, name=name)


def _flatten_outer(logits):
  """[..., classes] as [rows, classes]."""
  rank = array_ops.rank(logits)
  last = array_ops.slice(array_ops.shape(logits), [math_ops.subtract(rank, 1)], [1])
  output = array_ops.reshape(logits, array_ops.concat([[-1], last], 0))
  sizes = logits.get_shape()
  if sizes.ndims is not None:
    rows = 1
    for d in sizes.as_list()[:-1]:
      rows = rows * d if rows is not None and d is not None else None
    output.set_shape([rows, sizes.as_list()[-1]])
  return output


def sparse_softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
  """The cross entropy of softmax(logits) with classes `labels`: ints, one less axis than logits."""
  _ensure_xent_args("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
  with ops.name_scope(name, "SparseSoftmaxCrossEntropyWithLogits", [labels, logits]):
    labels = ops.convert_to_tensor(labels)
    logits = ops.convert_to_tensor(logits)
    convert = logits.dtype in ("float16", "bfloat16")
    precise_logits = math_ops.cast(logits, "float32") if convert else logits
    labels_static, logits_static = labels.get_shape(), logits.get_shape()
    labels_shape = array_ops.shape(labels)
    if logits_static.ndims is not None and logits_static.ndims == 0:
      raise ValueError("Logits cannot be scalars - received shape %s." % logits_static)
    if logits_static.ndims is not None and labels_static.ndims not in (None, logits_static.ndims - 1):
      raise ValueError("Rank mismatch: Rank of labels (received %s) should equal rank of logits minus 1 (received %s)." %
                       (labels_static.ndims, logits_static.ndims))
    if (labels_static.is_fully_defined() and logits_static[:-1].is_fully_defined() and
        labels_static != logits_static[:-1]):
      raise ValueError("Shape mismatch: The shape of labels (received %s) should equal the shape of logits except for "
                       "the last dimension (received %s)." % (labels_static, logits_static))
    if logits_static.ndims == 2:
      cost, _ = ops.op("SparseSoftmaxCrossEntropyWithLogits", name, [precise_logits, labels])
      return math_ops.cast(cost, logits.dtype) if convert else cost
    classes = array_ops.shape(logits)[array_ops.rank(logits) - 1]
    precise_logits = array_ops.reshape(precise_logits, [-1, classes])
    labels = array_ops.reshape(labels, [-1])
    cost, _ = ops.op("SparseSoftmaxCrossEntropyWithLogits", name, [precise_logits, labels])
    cost = array_ops.reshape(cost, labels_shape)
    cost.set_shape(labels_static)
    return math_ops.cast(cost, logits.dtype) if convert else cost


# --- selection ---


def top_k(input, k=1, sorted=True, name=None):
  """The k largest values of each row, and their indices."""
  return ops.op("TopKV2", name, [input, k], {"sorted": sorted})


def in_top_k(predictions, targets, k, name=None):
  """Whether the target class is among the k largest predictions of each row."""
  with ops.name_scope(name, "in_top_k"):
    return ops.op("InTopKV2", name, [predictions, targets, k])


# --- dropout ---


def dropout(x, keep_prob=None, noise_shape=None, seed=None, name=None, rate=None):
  """Sets elements to zero with probability `rate` (1 - keep_prob) and scales the others by 1 / (1 - rate)."""
  if keep_prob is not None:
    if rate is not None:
      raise ValueError("Cannot specify both 'rate' and 'keep_prob'")
    try:
      rate = 1. - keep_prob
    except TypeError:
      raise ValueError("keep_prob must be a floating point number or Tensor (got %r)" % keep_prob)
  if rate is None:
    raise ValueError("You must provide a rate to dropout.")
  return dropout_v2(x, rate, noise_shape=noise_shape, seed=seed, name=name)


def dropout_v2(x, rate, noise_shape=None, seed=None, name=None):
  """dropout with the fraction to drop."""
  with ops.name_scope(name, "dropout", [x]):
    x = ops.convert_to_tensor(x, name="x")
    if not x.dtype.is_floating:
      raise ValueError("x has to be a floating point tensor since it's going to be scaled. Got a %s tensor instead." %
                       x.dtype)
    if isinstance(rate, numbers.Real):
      if not 0 <= rate < 1:
        raise ValueError("rate must be a scalar tensor or a float in the range [0, 1), got %g" % rate)
    rate = ops.convert_to_tensor(rate, dtype=x.dtype, name="rate")
    rate.get_shape().assert_is_compatible_with(tensor_shape.TensorShape([]))
    if tensor_util.constant_value(rate) == 0:
      return x
    random = random_ops.random_uniform(_noise_shape(x, noise_shape), seed=seed, dtype=x.dtype)
    keep_prob = 1 - rate
    scale = 1 / keep_prob
    keep_mask = random >= rate
    result = x * scale * math_ops.cast(keep_mask, x.dtype)
    result.set_shape(x.get_shape())
    return result


def _noise_shape(x, noise_shape):
  if noise_shape is None:
    return array_ops.shape(x)
  try:
    static = tensor_shape.as_shape(noise_shape)
  except (TypeError, ValueError):
    return noise_shape
  if x.get_shape().dims is not None and static.dims is not None and len(x.get_shape().dims) == len(static.dims):
    sizes = [n if n is not None else s for n, s in zip(static.as_list(), x.get_shape().as_list())]
    return tensor_shape.TensorShape(sizes)
  return noise_shape


# --- small compositions ---


def xw_plus_b(x, weights, biases, name=None):
  """matmul(x, weights) + biases."""
  with ops.name_scope(name, "xw_plus_b", [x, weights, biases]) as name:
    return bias_add(math_ops.matmul(x, weights), biases, name=name)


def lrn(input, depth_radius=5, bias=1, alpha=1, beta=0.5, name=None):
  """Local response normalisation over channels (Krizhevsky et al. 2012)."""
  return ops.op("LRN", name, [input], {"depth_radius": depth_radius, "bias": bias, "alpha": alpha, "beta": beta})


local_response_normalization = lrn
