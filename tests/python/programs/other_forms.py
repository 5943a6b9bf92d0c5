"""Inputs of other forms than ops document, where TensorFlow's result is well defined: a scalar in a shape of ones, a
gradient of the result's size in another shape or with elements to spare, nothing where nothing is to be done."""

import numpy as np


def _numbers(shape, start=1):
  return np.sin(np.arange(start, start + np.prod(shape), dtype=np.float32)).reshape(shape)


def gradients_from_results(tf):
  # Of the second input the first elements are read; what follows shows that fusing leaves them alone.
  made = []
  for name in ("InvGrad", "ReciprocalGrad", "RsqrtGrad", "SigmoidGrad", "SqrtGrad", "TanhGrad"):
    op = getattr(tf.raw_ops, name)
    y = tf.constant(np.abs(_numbers([3])) + 0.5)
    made.append(op(y=y, dy=tf.constant(_numbers([3, 5]))))
    made.append(tf.abs(op(y=y * 2.0, dy=tf.constant(_numbers([3, 1])) + 1.0) * 3.0))
    made.append(op(y=tf.placeholder_with_default(np.float32(0.75), None), dy=tf.placeholder_with_default(_numbers([4]), None)))
  return made


def batch_norm_gradients(tf):
  scale, mean, variance = [tf.constant(np.abs(_numbers([3], i)) + 0.5) for i in range(3)]
  made = []
  for x in (_numbers([2, 2, 2, 3]), np.zeros([0, 2, 2, 3], np.float32)):
    grad = tf.raw_ops.FusedBatchNormGrad(y_backprop=tf.constant(_numbers([2, 3, 2, 3])), x=tf.constant(x), scale=scale,
                                         reserve_space_1=mean, reserve_space_2=variance, is_training=False)
    made.append(grad[:3])
  return made


def pooling_gradients(tf):
  window = dict(ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
  volume = dict(ksize=[1, 2, 2, 2, 1], strides=[1, 2, 2, 2, 1], padding="SAME")
  out, empty = tf.constant(_numbers([2, 2, 2, 1])), tf.zeros([2, 0, 2, 1])
  made = [tf.raw_ops.MaxPoolGrad(orig_input=tf.zeros([2, 0, 3, 1]), orig_output=out, grad=out, **window),
          tf.raw_ops.AvgPoolGrad(orig_input_shape=[2, 3, 3, 1], grad=empty, **window),
          tf.raw_ops.AvgPool3DGrad(orig_input_shape=[2, 3, 3, 3, 1], grad=tf.zeros([2, 2, 0, 2, 1]), **volume)]
  rows, columns = tf.constant([[0, 1, 3]], tf.int64), tf.constant([0, 2, 3, 1], tf.int64)
  image = tf.reshape(tf.constant([1.0, 5.0, 2.0, 3.0, 7.0, 8.0, 4.0, 9.0, 6.0]), [1, 3, 3, 1])
  grad = tf.constant(_numbers([1, 2, 2, 1], 5))
  made.append(tf.raw_ops.FractionalAvgPoolGrad(
      orig_input_tensor_shape=tf.constant([1, 3, 3, 1], tf.int64), out_backprop=grad, row_pooling_sequence=rows,
      col_pooling_sequence=columns))
  made.append(tf.raw_ops.FractionalMaxPoolGrad(
      orig_input=image, orig_output=tf.reshape([5.0, 2.0, 9.0, 8.0], [1, 2, 2, 1]), out_backprop=grad,
      row_pooling_sequence=tf.reshape(rows, [3, 1]), col_pooling_sequence=columns[:3]))
  return made


def counts(tf):
  return [tf.raw_ops.Bincount(arr=[[1, 2], [1, 0]], size=4, weights=[0.5, 1.5, 2.5, 3.5, 4.5]),
          tf.raw_ops.Bincount(arr=tf.zeros([0], tf.int32), size=2, weights=[1.0])]


def sparse(tf):
  # Where entries lie in the dimension that is summed over does not matter.
  t = dict(input_indices=tf.constant([[0, 0], [0, 9], [2, -4]], tf.int64), input_values=[1.0, 2.0, 4.0],
           input_shape=tf.constant([3, 4], tf.int64), reduction_axes=[1])
  parts = tf.raw_ops.SparseSplit(split_dim=tf.constant([1], tf.int64), indices=tf.constant([[0, 1], [1, 3]], tf.int64),
                                 values=[1.0, 2.0], shape=tf.constant([2, 4], tf.int64), num_split=2)
  return [tf.raw_ops.SparseReduceSum(**t), list(tf.raw_ops.SparseReduceMaxSparse(**t)), [list(p) for p in parts]]


def sequence_length(tf):
  x, state = tf.constant(_numbers([3, 2, 2])), tf.constant(_numbers([2, 2], 3))
  peephole = tf.zeros([2])
  lstm = tf.raw_ops.BlockLSTM(seq_len_max=tf.constant([2], tf.int64), x=x, cs_prev=state, h_prev=state,
                              w=tf.constant(_numbers([4, 8])), wci=peephole, wcf=peephole, wco=peephole, b=tf.zeros([8]))
  return [lstm.h[:2], lstm.cs[:2]]



def strings(tf):
  words = tf.constant([["a", "b"], ["c", ""]])
  return [tf.raw_ops.SelectV2(condition=[[True], [False]], t=words, e="other")]


def of_booleans(tf):
  made = []
  for op in (tf.raw_ops.ResourceScatterNdAdd, tf.raw_ops.ResourceScatterNdSub):
    v = tf.get_variable("v%d" % len(made), initializer=tf.constant([True, True, False, False]), use_resource=True)
    update = op(ref=v.handle, indices=[[0], [1], [2], [3], [3]], updates=[True, False, True, False, True])
    with tf.control_dependencies([update]):
      made.append(v.read_value())
  return made


def assignment_to_nothing(tf):
  v = tf.get_variable("v", initializer=[1.0, 2.0], use_resource=True)
  update = tf.raw_ops.ResourceStridedSliceAssign(ref=v.handle, begin=[2], end=[2], strides=[1], value=[5.0])
  with tf.control_dependencies([update]):
    return [v.read_value()]


VALUES_ONLY = [gradients_from_results, batch_norm_gradients, pooling_gradients, counts, sparse, sequence_length, strings,
               of_booleans, assignment_to_nothing]
