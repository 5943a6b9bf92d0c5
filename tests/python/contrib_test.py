"""tf.contrib: what a golden cannot show."""

import os

import numpy as np
import pytest
import thalweg as tf

slim = tf.contrib.slim


def network(x):
  with slim.arg_scope([slim.fully_connected], weights_regularizer=slim.l2_regularizer(0.001)):
    y = slim.repeat(x, 2, slim.fully_connected, 8, scope="hidden")
    return slim.fully_connected(y, 2, activation_fn=None, scope="logits")


def test_slim_trains_and_resumes(tmp_path):
  data = np.random.RandomState(0).randn(64, 5).astype(np.float32)
  labels = (data[:, 0] > 0).astype(np.int64)
  losses = []
  for steps in (30, 60):
    with tf.Graph().as_default():
      tf.set_random_seed(1)
      slim.losses.sparse_softmax_cross_entropy(network(tf.constant(data)), labels)
      total = slim.losses.get_total_loss()
      tf.summary.scalar("loss", total)
      train_op = slim.learning.create_train_op(total, tf.train.AdamOptimizer(0.05), clip_gradient_norm=1.0,
                                               summarize_gradients=True)
      assert tf.get_collection(tf.GraphKeys.TRAIN_OP)[-1] is train_op
      losses.append(slim.learning.train(train_op, str(tmp_path), number_of_steps=steps, save_summaries_secs=1000))
  assert losses[1] < losses[0] < 0.6
  assert tf.train.latest_checkpoint(str(tmp_path)) == os.path.join(str(tmp_path), "model.ckpt-60")
  with tf.Graph().as_default(), tf.Session() as session:
    logits = network(tf.constant(data))
    restore = slim.assign_from_checkpoint_fn(tf.train.latest_checkpoint(str(tmp_path)), slim.get_variables_to_restore())
    restore(session)
    assert (session.run(logits).argmax(1) == labels).mean() > 0.9
    assign, feeds = slim.assign_from_checkpoint(tf.train.latest_checkpoint(str(tmp_path)), slim.get_model_variables())
    session.run(tf.global_variables_initializer())
    session.run(assign, feeds)
    assert (session.run(logits).argmax(1) == labels).mean() > 0.9
    extra = tf.get_variable("extra", [2])
    with pytest.raises(ValueError, match="missing variable .extra"):
      slim.assign_from_checkpoint(tf.train.latest_checkpoint(str(tmp_path)), [extra])
    assert slim.assign_from_checkpoint_fn(tf.train.latest_checkpoint(str(tmp_path)), [extra],
                                          ignore_missing_vars=True) is None


def test_training_stops_with_its_hooks():
  w = tf.get_variable("w", initializer=[1.0, 2.0])
  op = tf.contrib.training.create_train_op(tf.reduce_sum(tf.square(w)), tf.train.GradientDescentOptimizer(0.1))
  loss = tf.contrib.training.train(op, None, hooks=[tf.train.StopAtStepHook(num_steps=3)], save_checkpoint_secs=None,
                                   save_summaries_steps=None)
  np.testing.assert_allclose(loss, 5 * 0.8 ** 4, rtol=1e-6)
  with pytest.raises(ValueError, match="logdir"):
    tf.contrib.training.train(op, None)


def test_a_loss_that_is_not_finite_stops_the_training():
  w = tf.get_variable("w", initializer=float("nan"))
  op = slim.learning.create_train_op(tf.square(w), tf.train.GradientDescentOptimizer(0.1))
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    with pytest.raises(tf.errors.InvalidArgumentError, match="LossTensor is inf or nan"):
      session.run(op)


def test_gradients_are_multiplied_and_clipped():
  v, w = (tf.get_variable(n, initializer=[3.0, 4.0]) for n in "vw")
  grads = [(tf.constant([3.0, 4.0]), v), (tf.constant([3.0, 4.0]), w)]
  grads = tf.contrib.training.multiply_gradients(grads, {v: 2.0, "w": 0.0})
  grads = tf.contrib.training.clip_gradient_norms(grads, 5.0)
  with tf.Session() as session:
    got = session.run([g for g, _ in grads])
  np.testing.assert_allclose(got, [[3.0, 4.0], [0.0, 0.0]], rtol=1e-6)
  with pytest.raises(ValueError, match="None"):
    tf.contrib.training.multiply_gradients([(None, v)], {v: 2.0})


def test_models_are_analysed(capsys):
  variables = [tf.get_variable("a", [3, 4]), tf.get_variable("b", [2], tf.float64)]
  assert slim.model_analyzer.analyze_vars(variables, print_info=True) == (14, 64)
  assert "a:0 (float32_ref 3x4) [12, bytes: 48]" in capsys.readouterr().out
  assert slim.model_analyzer.analyze_ops(tf.get_default_graph()) > 14


def test_outputs_have_aliases():
  y = slim.fully_connected(tf.ones([2, 3]), 4, outputs_collections="ends", scope="fc")
  z = slim.flatten(y, outputs_collections="ends")
  ends = slim.utils.convert_collection_to_dict("ends", clear_collection=True)
  assert list(ends.items()) == [("fc", y), ("Flatten", z)]
  assert tf.get_collection("ends") == []


def test_scopes_nest_and_end():
  with slim.arg_scope([slim.conv2d], stride=2):
    with slim.arg_scope([slim.conv2d, slim.max_pool2d], padding="VALID") as inner:
      assert slim.current_arg_scope()[slim.arg_scope_func_key(slim.conv2d)] == {"stride": 2, "padding": "VALID"}
  assert slim.current_arg_scope() == {}
  with slim.arg_scope(inner):
    assert slim.conv2d(tf.ones([1, 7, 7, 1]), 2, 3).shape.as_list() == [1, 3, 3, 2]
    assert slim.conv2d(tf.ones([1, 7, 7, 1]), 2, 3, stride=1).shape.as_list() == [1, 5, 5, 2]
  assert "stride" in slim.arg_scoped_arguments(slim.conv2d) and slim.has_arg_scope(slim.conv2d)
  with pytest.raises(ValueError, match="empty"):
    with slim.arg_scope(inner, stride=3):
      pass


def test_hparams():
  h = tf.contrib.training.HParams(rate=0.1, layers=[3, 4], name="a", deep=True, steps=5)
  assert h.rate == 0.1 and "rate" in h and h.get("none", 7) == 7
  h.parse("rate=1,layers=[5,6,7],name=b,deep=false,layers[1]=9")
  assert h.values() == {"rate": 1.0, "layers": [5, 9, 7], "name": "b", "deep": False, "steps": 5}
  h.override_from_dict({"steps": 6}).parse_json('{"rate": 2}')
  assert h.steps == 6 and h.rate == 2.0 and isinstance(h.rate, float)
  assert tf.contrib.training.HParams().to_json() == "{}"
  for line, fault in (("other=1", "Unknown"), ("steps=x", "steps"), ("steps=[1]", "list"), ("=3", "Malformed"),
                      ("deep=maybe", "bool"), ("layers[9]=1", "no element")):
    with pytest.raises(ValueError, match=fault):
      h.parse(line)
  with pytest.raises(ValueError, match="reserved"):
    h.add_hparam("rate", 1)
  with pytest.raises(ValueError, match="cast"):
    h.set_hparam("steps", 1.5)
  h.del_hparam("rate")
  assert "rate" not in h


def test_contrib_names_what_it_lacks():
  with pytest.raises(AttributeError, match="no attribute 'nothing'"):
    getattr(tf.contrib, "nothing")  # noqa: B009


def test_metrics_with_predictions_first():
  assert slim.metrics.aggregate_metric_map is tf.contrib.metrics.aggregate_metric_map
  predictions, labels = tf.constant([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]]), tf.constant([[1], [2]], tf.int64)
  old = tf.contrib.metrics.streaming_sparse_average_precision_at_k(predictions, labels, 2, name="old")
  new = tf.metrics.average_precision_at_k(labels, predictions, 2, name="new")
  with tf.Session() as s:
    s.run(tf.local_variables_initializer())
    assert s.run([old[1], new[1]]) == [0.5, 0.5]
  with pytest.raises(TypeError, match="too many"):
    tf.contrib.metrics.streaming_mean_squared_error(predictions, predictions, None, None, None, "n", 1)
  with pytest.raises(TypeError, match="unexpected keyword"):
    tf.contrib.metrics.streaming_auc(predictions, labels, thresholds=[0.5])
