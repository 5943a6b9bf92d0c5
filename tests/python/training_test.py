"""Optimizers against their formulas in numpy, decays, moving averages, and layers that train."""
import math

import numpy as np
import pytest
import thalweg as tf

STEPS = 5
START = np.array([1.0, -2.0, 3.0], np.float64)
GRADS = [np.array(g, np.float64) for g in ([0.5, -1, 2], [1, 1, -1], [0, 0.25, 3], [-2, 0, 1], [0.1, 0.2, 0.3])]


def gradient_descent(state, g):
  state["w"] -= 0.1 * g


def momentum(state, g):
  state["a"] = 0.9 * state.get("a", 0) + g
  state["w"] -= 0.1 * state["a"]


def nesterov(state, g):
  state["a"] = 0.9 * state.get("a", 0) + g
  state["w"] -= 0.1 * (g + 0.9 * state["a"])


def adagrad(state, g):
  state["a"] = state.get("a", 0.1) + g * g
  state["w"] -= 0.1 * g / np.sqrt(state["a"])


def adadelta(state, g):
  state["a"] = 0.95 * state.get("a", 0) + 0.05 * g * g
  update = np.sqrt(state.get("u", 0) + 1e-8) / np.sqrt(state["a"] + 1e-8) * g
  state["u"] = 0.95 * state.get("u", 0) + 0.05 * update * update
  state["w"] -= 0.1 * update


def rmsprop(state, g):
  state["ms"] = 0.9 * state.get("ms", 1) + 0.1 * g * g
  state["mom"] = 0.5 * state.get("mom", 0) + 0.1 * g / np.sqrt(state["ms"] + 1e-10)
  state["w"] -= state["mom"]


def centered_rmsprop(state, g):
  state["mg"] = 0.9 * state.get("mg", 0) + 0.1 * g
  state["ms"] = 0.9 * state.get("ms", 1) + 0.1 * g * g
  state["mom"] = 0.5 * state.get("mom", 0) + 0.1 * g / np.sqrt(state["ms"] - state["mg"] ** 2 + 1e-10)
  state["w"] -= state["mom"]


def adam(state, g):
  t = state["t"] = state.get("t", 0) + 1
  state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
  state["v"] = 0.999 * state.get("v", 0) + 0.001 * g * g
  state["w"] -= 0.1 * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t) * state["m"] / (np.sqrt(state["v"]) + 1e-8)


def proximal_gradient_descent(state, g):
  prox = state["w"] - 0.1 * g
  state["w"] = np.sign(prox) * np.maximum(np.abs(prox) - 0.1 * 0.01, 0) / (1 + 0.1 * 0.02)


def ftrl(state, g):
  accum = state.get("a", 0.1)
  new = accum + g * g
  sigma = (np.sqrt(new) - np.sqrt(accum)) / 0.1
  state["z"] = state.get("z", 0) + g - sigma * state["w"]
  state["a"] = new
  quadratic = np.sqrt(new) / 0.1 + 2 * 0.02
  state["w"] = np.where(np.abs(state["z"]) > 0.01, (np.sign(state["z"]) * 0.01 - state["z"]) / quadratic, 0)


OPTIMIZERS = {
    "gradient_descent": (lambda: tf.train.GradientDescentOptimizer(0.1), gradient_descent),
    "momentum": (lambda: tf.train.MomentumOptimizer(0.1, 0.9), momentum),
    "nesterov": (lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True), nesterov),
    "adagrad": (lambda: tf.train.AdagradOptimizer(0.1), adagrad),
    "adadelta": (lambda: tf.train.AdadeltaOptimizer(0.1), adadelta),
    "rmsprop": (lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5), rmsprop),
    "centered_rmsprop": (lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5, centered=True), centered_rmsprop),
    "adam": (lambda: tf.train.AdamOptimizer(0.1), adam),
    "proximal_gradient_descent": (lambda: tf.train.ProximalGradientDescentOptimizer(
        0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.02), proximal_gradient_descent),
    "ftrl": (lambda: tf.train.FtrlOptimizer(
        0.1, l1_regularization_strength=0.01, l2_regularization_strength=0.02), ftrl),
}


def expected(update):
  state = {"w": START.copy()}
  for g in GRADS:
    update(state, g)
  return state["w"]


@pytest.mark.parametrize("use_resource", [False, True])
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_dense(name, use_resource):
  make, update = OPTIMIZERS[name]
  with tf.Graph().as_default(), tf.Session() as session:
    w = tf.get_variable("w", initializer=START, use_resource=use_resource)
    g = tf.placeholder(tf.float64, [3])
    step = tf.train.get_or_create_global_step()
    train = make().minimize(tf.reduce_sum(g * w), global_step=step)
    session.run(tf.global_variables_initializer())
    for value in GRADS:
      session.run(train, {g: value})
    np.testing.assert_allclose(session.run(w), expected(update), rtol=1e-6)
    assert session.run(step) == STEPS


@pytest.mark.parametrize("use_resource", [False, True])
@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "adagrad", "adam", "rmsprop", "ftrl"])
def test_sparse_rows_that_are_all_used_equal_dense(name, use_resource):
  make, _ = OPTIMIZERS[name]
  results = []
  for sparse in (False, True):
    with tf.Graph().as_default(), tf.Session() as session:
      w = tf.get_variable("w", initializer=np.arange(6.0).reshape(3, 2) + 1, use_resource=use_resource)
      rows = tf.gather(w, [0, 1, 2, 1]) if sparse else tf.stack([w[0], w[1], w[2], w[1]])
      train = make().minimize(tf.reduce_sum(rows * rows))
      session.run(tf.global_variables_initializer())
      for _ in range(3):
        session.run(train)
      results.append(session.run(w))
  np.testing.assert_allclose(results[1], results[0], rtol=1e-9)


def test_slots_have_tensorflows_names():
  with tf.Graph().as_default():
    w = tf.get_variable("scope/w", [2])
    optimizer = tf.train.AdamOptimizer()
    optimizer.minimize(tf.reduce_sum(w))
    names = [v.op.name for v in tf.global_variables()]
    assert names == ["scope/w", "beta1_power", "beta2_power", "scope/w/Adam", "scope/w/Adam_1"]
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(w, "m").op.name == "scope/w/Adam"


def test_errors():
  with tf.Graph().as_default():
    w = tf.get_variable("w", [2])
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
      tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0), var_list=[w])
    with pytest.raises(ValueError, match="initial_accumulator_value must be positive"):
      tf.train.AdagradOptimizer(0.1, initial_accumulator_value=0)


@pytest.mark.parametrize("make,value", [
    (lambda s: tf.train.exponential_decay(0.5, s, 10, 0.9), 0.5 * 0.9 ** 2.5),
    (lambda s: tf.train.exponential_decay(0.5, s, 10, 0.9, staircase=True), 0.5 * 0.9 ** 2),
    (lambda s: tf.train.natural_exp_decay(0.5, s, 10, 0.3), 0.5 * math.exp(-0.3 * 2.5)),
    (lambda s: tf.train.inverse_time_decay(0.5, s, 10, 0.3), 0.5 / (1 + 0.3 * 2.5)),
    (lambda s: tf.train.polynomial_decay(0.5, s, 50, 0.1, power=2.0), 0.4 * 0.25 + 0.1),
    (lambda s: tf.train.polynomial_decay(0.5, s, 10, 0.1, cycle=True), 0.4 * (1 - 25 / 30) + 0.1),
    (lambda s: tf.train.piecewise_constant(s, [10, 20], [1.0, 0.5, 0.25]), 0.25),
    (lambda s: tf.train.cosine_decay(0.5, s, 100), 0.5 * 0.5 * (1 + math.cos(math.pi * 0.25))),
    (lambda s: tf.train.cosine_decay_restarts(0.5, s, 10), 0.5 * 0.5 * (1 + math.cos(math.pi * 0.75))),
    (lambda s: tf.train.linear_cosine_decay(0.5, s, 100),
     0.5 * (0.75 * 0.5 * (1 + math.cos(math.pi * 0.25)) + 0.001)),
])
def test_decay(make, value):
  with tf.Graph().as_default(), tf.Session() as session:
    np.testing.assert_allclose(session.run(make(tf.constant(25))), value, rtol=1e-5)


def test_moving_average():
  with tf.Graph().as_default(), tf.Session() as session:
    w = tf.get_variable("w", initializer=1.0)
    average = tf.train.ExponentialMovingAverage(0.9)
    update = average.apply([w])
    session.run(tf.global_variables_initializer())
    session.run(w.assign(3.0))
    session.run(update)
    session.run(update)
    shadow = average.average(w)
    assert shadow.op.name == "w/ExponentialMovingAverage"
    np.testing.assert_allclose(session.run(shadow), 3 - 2 * 0.81, rtol=1e-6)
    assert average.variables_to_restore() == {"w/ExponentialMovingAverage": w}


def test_batch_normalization_trains_and_infers():
  random = np.random.RandomState(0)
  data = (random.randn(64, 4, 4, 3) * 5 + 2).astype(np.float32)
  with tf.Graph().as_default(), tf.Session() as session:
    x = tf.placeholder(tf.float32, [None, 4, 4, 3])
    training = tf.layers.batch_normalization(x, training=True, momentum=0.5, name="norm")
    inference = tf.layers.batch_normalization(x, training=False, momentum=0.5, name="norm", reuse=True)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert len(updates) == 2
    assert [v.op.name for v in tf.global_variables()] == ["norm/gamma", "norm/beta", "norm/moving_mean",
                                                         "norm/moving_variance"]
    session.run(tf.global_variables_initializer())
    y = session.run(training, {x: data})
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(y.std((0, 1, 2)), 1, atol=1e-3)
    for _ in range(30):
      session.run([training] + updates, {x: data})
    np.testing.assert_allclose(session.run(inference, {x: data}), y, atol=2e-2)


def test_layers_share_by_name_and_reject_bad_inputs():
  with tf.Graph().as_default():
    x = tf.placeholder(tf.float32, [None, 6])
    a = tf.layers.dense(x, 4, activation=tf.nn.relu, name="hidden")
    tf.layers.dense(x, 4, name="hidden", reuse=True)
    tf.layers.dense(x, 2)
    assert [v.op.name for v in tf.trainable_variables()] == ["hidden/kernel", "hidden/bias", "dense/kernel", "dense/bias"]
    assert a.op.name == "hidden/Relu" and a.get_shape().as_list() == [None, 4]
    with pytest.raises(ValueError, match="already exists"):
      tf.layers.dense(x, 4, name="hidden")
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=2"):
      tf.layers.conv2d(x, 4, 3)


def test_a_variable_says_whether_a_layer_trains():
  training = tf.Variable(False, trainable=False)
  dropped = tf.layers.dropout(tf.ones([100]), 0.5, seed=1, training=training)
  with tf.Session() as sess:
    sess.run(training.initializer)
    assert sess.run(dropped).tolist() == [1.0] * 100
    sess.run(training.assign(True))
    assert set(sess.run(dropped).tolist()) == {0.0, 2.0}


def test_layers_as_functions_take_the_arguments_of_the_class():
  x = tf.ones([1, 4, 4, 3])
  assert tf.layers.conv2d(x, 5, 3, (1, 1), "same").shape.as_list() == [1, 4, 4, 5]
  with pytest.raises(TypeError, match=r"conv2d\(\) missing a required argument: 'kernel_size'"):
    tf.layers.conv2d(x, 5)
  with pytest.raises(TypeError, match=r"dense\(\) got an unexpected keyword argument 'unit'"):
    tf.layers.dense(x, 5, unit=5)


def test_layers_compute():
  with tf.Graph().as_default(), tf.Session() as session:
    x = tf.placeholder(tf.float32, [None, 4, 4, 2])
    y = tf.layers.conv2d(x, 3, 3, padding="same", kernel_initializer=tf.ones_initializer())
    pooled = tf.layers.max_pooling2d(y, 2, 2)
    flat = tf.layers.flatten(tf.layers.average_pooling2d(pooled, 2, 2))
    dropped = tf.layers.dropout(flat, rate=0.5, training=False)
    session.run(tf.global_variables_initializer())
    # The inner sums see 3 x 3 x 2 ones, so every pooled window holds an 18.
    np.testing.assert_array_equal(session.run(dropped, {x: np.ones((2, 4, 4, 2))}), np.full((2, 3), 18.0))
    assert flat.get_shape().as_list() == [None, 3]
