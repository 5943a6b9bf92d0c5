"""Programs with TensorArray."""

import numpy as np


def _array(tf, *args, **kwargs):
  return tf.TensorArray(tf.float32, *args, **kwargs)


def array_in_loop(tf, sess):
  x = tf.placeholder(tf.float32, [3])
  source = _array(tf, 3).unstack(x)
  _, out = tf.while_loop(lambda i, o: i < 3, lambda i, o: (i + 1, o.write(i, source.read(i) * x[0])),
                         [0, _array(tf, 3)])
  y = out.stack()
  return y.name, str(y.shape), sess.run([y] + tf.gradients(y, x), {x: [1.0, 2.0, 3.0]})


def array_read_several_times(tf, sess):
  x = tf.placeholder(tf.float32, [4])
  source = _array(tf, 4, clear_after_read=False).unstack(x)

  def body(i, y):
    return i + 1, y + source.read(i) * source.read(3 - i) + source.read(0)

  _, y = tf.while_loop(lambda i, y: i < 4, body, [0, 0.0])
  return sess.run([y] + tf.gradients(y, x), {x: [1.0, 2.0, 3.0, 4.0]})


def array_static_shapes(tf, sess):
  a = _array(tf, 3)
  before = str(a.element_shape)
  b = a.write(0, [1.0, 2.0])
  c = _array(tf, 3, element_shape=[2, None])
  d = _array(tf, 3, infer_shape=False).write(0, [1.0])
  some = tf.placeholder(tf.int32, [None])
  return [before] + [str(s) for s in (a.element_shape, b.read(0).shape, b.stack().shape, b.gather(some).shape,
                                      c.read(0).shape, c.stack().shape, d.read(0).shape)]


def array_operations(tf, sess):
  a = _array(tf, 3, clear_after_read=False).unstack([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
  b = _array(tf, 3).scatter([2, 0, 1], [1.0, 2.0, 3.0])
  c = _array(tf, 2, infer_shape=False, clear_after_read=False).split([1.0, 2.0, 3.0], [1, 2])
  return sess.run([a.read(1), a.gather([2, 0]), a.concat(), b.stack(), c.read(1), c.concat(), c.size(), a.size()])


def array_dtypes(tf, sess):
  a = tf.TensorArray(tf.int64, 2).write(0, tf.constant(5, tf.int64)).write(1, tf.constant(6, tf.int64))
  s = tf.TensorArray(tf.string, 2).unstack(["a", "b"])
  return sess.run([a.stack(), s.read(1)]), a.dtype.name


def array_dynamic_size(tf, sess):
  a = _array(tf, 0, dynamic_size=True).write(0, 1.0).write(3, 2.0)
  b = _array(tf, 0, dynamic_size=True, element_shape=[]).write(0, 1.0).write(3, 1.0)
  c = _array(tf, 2, dynamic_size=True).unstack([1.0, 2.0, 3.0])

  def body(i, o):
    return i + 1, o.write(i, tf.cast(i, tf.float32))

  _, d = tf.while_loop(lambda i, o: i < 5, body, [0, _array(tf, 1, dynamic_size=True)])
  return sess.run([a.size(), b.stack(), c.stack(), d.stack()])


def array_dynamic_gradient(tf, sess):
  x = tf.placeholder(tf.float32, [])

  def body(i, o):
    return i + 1, o.write(i, x * tf.cast(i, tf.float32))

  _, o = tf.while_loop(lambda i, o: i < 5, body, [0, _array(tf, 0, dynamic_size=True, element_shape=[])])
  y = tf.reduce_sum(tf.square(o.stack()))
  return sess.run([y] + tf.gradients(y, x), {x: 2.0})


def array_gradients(tf, sess):
  x = tf.placeholder(tf.float32, [3])
  w = tf.constant([1.0, 10.0, 100.0])
  unstacked = lambda: _array(tf, 3, clear_after_read=False).unstack(x)
  ys = [unstacked().stack() * w, unstacked().gather([2, 1]) * w[:2], unstacked().read(1) * 3,
        _array(tf, 3).scatter([2, 0, 1], x).stack() * w,
        _array(tf, 2, infer_shape=False).split(x, [1, 2]).read(1) * w[:2],
        _array(tf, 2, infer_shape=False).write(0, x[:2]).write(1, x[2:]).concat() * w]
  return [sess.run(tf.gradients(y, x)[0], {x: [1.0, 2.0, 3.0]}) for y in ys]


def array_size_in_graph(tf, sess):
  x = tf.placeholder(tf.float32, [None, 2])
  n = tf.shape(x)[0]
  source = _array(tf, n).unstack(x)
  _, out = tf.while_loop(lambda i, o: i < n, lambda i, o: (i + 1, o.write(i, source.read(n - 1 - i))), [0, _array(tf, n)])
  y = out.stack()
  g = tf.gradients(y[0], x)[0]
  return str(y.shape), sess.run([y, g], {x: np.arange(6.0).reshape(3, 2)})


def array_in_cond(tf, sess):
  p = tf.placeholder(tf.bool, [])
  a = _array(tf, 2).write(0, 1.0)
  b = tf.cond(p, lambda: a.write(1, 5.0), lambda: a.write(1, 6.0))
  return [sess.run(b.stack(), {p: v}) for v in (True, False)]


def array_unwritten(tf, sess):
  a = _array(tf, 2, clear_after_read=False).write(0, 1.0)
  return sess.run([a.read(1), a.stack(), _array(tf, 0, element_shape=[3]).stack()])


def array_close(tf, sess):
  return sess.run(_array(tf, 2).close())


def array_grad(tf, sess):
  return sess.run(_array(tf, 2).unstack([1.0, 2.0]).grad("g").size())


def array_other_shape(tf, sess):
  _array(tf, 3).write(0, [1.0]).write(1, [1.0, 2.0])


def array_against_element_shape(tf, sess):
  _array(tf, 3, element_shape=[2]).write(0, [1.0])


def array_without_size(tf, sess):
  _array(tf)


def array_handle_of_number(tf, sess):
  _array(tf, 2, handle=3)


def array_of_scalar(tf, sess):
  _array(tf, 2).unstack(1.0)


def array_read_beyond(tf, sess):
  sess.run(_array(tf, 2).unstack([1.0, 2.0]).read(2))


def array_read_before(tf, sess):
  sess.run(_array(tf, 2).unstack([1.0, 2.0]).read(-1))


def array_write_beyond(tf, sess):
  sess.run(_array(tf, 2).write(2, 1.0).size())


def array_write_twice(tf, sess):
  sess.run(_array(tf, 2).write(0, 1.0).write(0, 1.0).size())


def array_unset_shape(tf, sess):
  sess.run(_array(tf, 2).stack())


def array_ragged_stack(tf, sess):
  sess.run(_array(tf, 2, infer_shape=False).write(0, [1.0]).write(1, [1.0, 2.0]).stack())


def array_concat_scalars(tf, sess):
  sess.run(_array(tf, 2, infer_shape=False).write(0, 1.0).write(1, 2.0).concat())


def array_split_lengths(tf, sess):
  sess.run(_array(tf, 2, infer_shape=False).split([1.0, 2.0, 3.0], [1, 1]).size())


def array_split_size(tf, sess):
  sess.run(_array(tf, 3, infer_shape=False).split([1.0, 2.0, 3.0], [1, 2]).size())


def array_gather_beyond(tf, sess):
  sess.run(_array(tf, 3).unstack([1.0, 2.0, 3.0]).gather([3, 0]))


def array_scatter_count(tf, sess):
  _array(tf, 3).scatter([2, 0], [1.0, 2.0, 3.0])


def array_scatter_beyond(tf, sess):
  sess.run(_array(tf, 3).scatter([2, 3, 1], [1.0, 2.0, 3.0]).size())


def array_unstack_too_many(tf, sess):
  sess.run(_array(tf, 2).unstack([1.0, 2.0, 3.0]).size())


def array_unstack_fewer(tf, sess):
  return sess.run(_array(tf, 4).unstack([1.0, 2.0, 3.0]).size())


def array_negative_size(tf, sess):
  sess.run(_array(tf, -2).size())


def array_write_other_dtype(tf, sess):
  sess.run(_array(tf, 2).write(0, tf.constant(1)).size())


# An element may be read once, unless the array is told to keep what was read.

def array_read_twice(tf, sess):
  a = tf.TensorArray(tf.float32, 3).unstack([1.0, 2.0, 3.0])
  return sess.run([a.read(0), a.read(0)])


def array_read_twice_when_kept(tf, sess):
  a = tf.TensorArray(tf.float32, 3, clear_after_read=False).unstack([1.0, 2.0, 3.0])
  return sess.run([a.read(0), a.read(0), a.stack(), a.gather([0, 0])])


def array_stack_twice(tf, sess):
  a = tf.TensorArray(tf.float32, 3).unstack([1.0, 2.0, 3.0])
  return sess.run([a.stack(), a.stack()])


def array_gather_twice(tf, sess):
  a = tf.TensorArray(tf.float32, 3, clear_after_read=True).unstack([1.0, 2.0, 3.0])
  return sess.run(a.gather([1, 1]))


def array_read_and_concat(tf, sess):
  a = tf.TensorArray(tf.float32, 2).split([1.0, 2.0, 3.0], [1, 2])
  first = a.read(0)
  with tf.control_dependencies([first]):
    return sess.run([first, a.concat() * 2])


def array_write_after_read(tf, sess):
  a = tf.TensorArray(tf.float32, 2, clear_after_read=True).write(0, 1.0)
  first = a.read(0)
  with tf.control_dependencies([first]):
    return sess.run(a.write(0, first).read(0))


def array_read_twice_in_loop(tf, sess):
  a = tf.TensorArray(tf.float32, 3).unstack([1.0, 2.0, 3.0])
  return sess.run(tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y + a.read(i // 2)), [0, 0.0]))


def array_read_in_each_run(tf, sess):
  """What was read is told anew in each run, and in each branch that is taken."""
  p = tf.placeholder(tf.bool, [])
  a = tf.TensorArray(tf.float32, 3).unstack([1.0, 2.0, 3.0])
  y = tf.cond(p, lambda: a.read(1) * 2, lambda: a.read(1) * 3)
  x = tf.placeholder(tf.float32, [3])
  b = tf.TensorArray(tf.float32, 3).unstack(x)
  z = tf.while_loop(lambda i, z: i < 3, lambda i, z: (i + 1, z + tf.square(b.read(i))), [0, 0.0])[1]
  feed = {p: True, x: [1.0, 2.0, 3.0]}
  return [sess.run([y, z, tf.gradients(z, x)[0]], dict(feed, **{})) for _ in range(2)], sess.run(y, {p: False})


def array_size_of_vector(tf, sess):
  sess.run(tf.TensorArray(tf.float32, tf.constant([2, 3])).size())


def array_read_at_vector(tf, sess):
  a = tf.TensorArray(tf.float32, 3).unstack([1.0, 2.0, 3.0])
  sess.run(a.read([0]))


def array_read_of_other_type(tf, sess):
  a = tf.TensorArray(tf.float32, 3, infer_shape=False).unstack([1.0, 2.0, 3.0])
  sess.run(a.write(0, tf.constant(1, tf.int32)).read(0))


def array_write_other_shape_at_run_time(tf, sess):
  x = tf.placeholder(tf.float32, None)
  a = tf.TensorArray(tf.float32, 2, element_shape=[2]).write(0, x)
  return sess.run(a.read(0), {x: [1.0, 2.0, 3.0]})


def array_grows_beyond(tf, sess):
  a = tf.TensorArray(tf.float32, 1, dynamic_size=True).write(5, 1.0)
  return sess.run([a.size(), a.read(5)])


def array_unstack_of_unknown(tf, sess):
  x = tf.placeholder(tf.float32, None)
  a = tf.TensorArray(tf.float32, 2).unstack(x)
  return sess.run(a.stack(), {x: [[1.0], [2.0]]}), str(a.stack().shape)
