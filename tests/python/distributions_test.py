"""What goldens cannot show of distributions: counts that are drawn, shapes known when they run, classes of one's own."""

import numpy as np
import pytest
import thalweg as tf

d = tf.distributions


def test_counts_sum_up_and_agree_with_the_mean():
  multinomial = d.Multinomial([4., 6.], probs=[[.2, .3, .5], [.1, .8, .1]])
  compound = d.DirichletMultinomial(5., [[1., 2., .5], [3., 1., 1.]])
  with tf.Session() as session:
    for made, total in ((multinomial, [4., 6.]), (compound, [5., 5.])):
      drawn = made.sample([2, 1500], seed=1)
      assert drawn.shape.as_list() == [2, 1500, 2, 3]
      counts, mean, variance = session.run([drawn, made.mean(), made.variance()])
      np.testing.assert_array_equal(counts.sum(-1), np.broadcast_to(total, [2, 1500, 2]))
      counts = counts.reshape(-1, 2, 3)
      # Within five standard errors of the mean; the variance as well as 3000 draws tell it.
      np.testing.assert_array_less(np.abs(counts.mean(0) - mean), 5 * np.sqrt(variance / 3000))
      np.testing.assert_allclose(counts.var(0), variance, rtol=0.2)


def test_a_sample_of_a_shape_that_is_fed():
  shape = tf.placeholder(tf.int32, [None])
  drawn = d.Normal([0., 1.], 1.).sample(shape, seed=3)
  with tf.Session() as session:
    assert session.run(drawn, {shape: [2, 3]}).shape == (2, 3, 2) and session.run(drawn, {shape: []}).shape == (2,)


def test_shapes_of_parameters():
  assert {k: v.as_list() for k, v in d.Normal.param_static_shapes([2, 3]).items()} == {"loc": [2, 3], "scale": [2, 3]}
  assert d.Exponential.param_static_shapes(tf.TensorShape([4]))["rate"].as_list() == [4]
  with pytest.raises(ValueError):
    d.Normal.param_static_shapes(tf.placeholder(tf.int32, [2]))
  with pytest.raises(NotImplementedError):
    d.Categorical.param_shapes([2])


def test_a_divergence_of_ones_own():
  class Mine(d.Normal):
    pass

  mine, other = Mine(0., 1.), d.Normal(1., 1.)
  with tf.Session() as session:
    assert session.run(mine.kl_divergence(other)) == 0.5  # that of the class above
    d.RegisterKL(Mine, d.Normal)(lambda a, b, name=None: tf.constant(7., name=name))
    assert session.run(d.kl_divergence(mine, other)) == 7
  with pytest.raises(ValueError, match="already been registered"):
    d.RegisterKL(Mine, d.Normal)(lambda a, b, name=None: None)
  with pytest.raises(TypeError, match="callable"):
    d.RegisterKL(d.Normal, Mine)(3)


def test_statistics_that_are_not_defined():
  student = d.StudentT([0.5, 3.], 0., 1., allow_nan_stats=False)
  with tf.Session() as session:
    with pytest.raises(tf.errors.InvalidArgumentError, match="not defined"):
      session.run(student.mean())
    assert np.isnan(session.run(d.StudentT(0.5, 0., 1.).mean()))
    nan = d.Normal(float("nan"), 1.)
    with pytest.raises(tf.errors.InvalidArgumentError, match="NaN"):
      session.run(d.kl_divergence(nan, d.Normal(0., 1.), allow_nan_stats=False))


def test_the_inverse_of_the_normal_function_over_its_range():
  from thalweg.ops.distributions import special_math
  for dtype, tolerance in ((np.float32, 5e-5), (np.float64, 1e-12)):
    p = np.concatenate([10.0 ** -np.arange(1, 30), 1 - 10.0 ** -np.arange(1, 6), [0.02425, 0.97575, 0.5]]).astype(dtype)
    with tf.Session() as session:
      x, back = session.run([special_math.ndtri(p), special_math.ndtr(special_math.ndtri(p))])
    np.testing.assert_allclose(back, p, rtol=tolerance)
    assert (np.diff(x[:29]) < 0).all()
  with tf.Session() as session:
    ends = session.run(special_math.ndtri(tf.constant([0., 1., -0.1, 1.1])))
  np.testing.assert_array_equal(ends, [-np.inf, np.inf, np.nan, np.nan])
  with pytest.raises(TypeError):
    special_math.ndtri(tf.constant(1, tf.int32))
