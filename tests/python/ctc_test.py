"""CTC losses, decoders and edit distances."""

import itertools

import numpy as np
import pytest
import thalweg as tf


@pytest.fixture(autouse=True)
def graph():
  with tf.Graph().as_default():
    yield


def run(t):
  with tf.Session() as sess:
    return sess.run(t)


def labels_of(rows):
  indices = [[b, i] for b, row in enumerate(rows) for i in range(len(row))]
  return tf.SparseTensor(indices, tf.constant([v for row in rows for v in row], tf.int32), [len(rows), max(map(len, rows))])


def collapse(path, blank):
  return tuple(c for c, _ in itertools.groupby(path) if c != blank)


def probabilities(logits):
  """label sequence -> probability, by trying all paths."""
  p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
  found = {}
  for path in itertools.product(range(logits.shape[1]), repeat=logits.shape[0]):
    key = collapse(path, logits.shape[1] - 1)
    found[key] = found.get(key, 0) + np.prod([p[t, c] for t, c in enumerate(path)])
  return found


LOGITS = np.random.RandomState(0).randn(5, 2, 3)


def test_the_loss_is_the_sum_over_all_paths():
  rows = [[0, 1, 0], [1, 1]]
  loss = tf.nn.ctc_loss(labels_of(rows), tf.constant(LOGITS), [5, 4])
  want = [-np.log(probabilities(LOGITS[:n, b])[tuple(rows[b])]) for b, n in enumerate([5, 4])]
  np.testing.assert_allclose(run(loss), want)
  batch_major = tf.nn.ctc_loss(labels_of(rows), tf.constant(LOGITS.transpose(1, 0, 2)), [5, 4], time_major=False)
  np.testing.assert_allclose(run(batch_major), want)


def test_the_gradient_by_differences_and_no_second_one():
  x = tf.placeholder(tf.float64, [5, 2, 3])
  loss = tf.reduce_sum(tf.nn.ctc_loss(labels_of([[0, 1], [1, 1]]), x, [5, 4]) * [1.0, 2.0])
  g, = tf.gradients(loss, x)
  step = np.random.RandomState(1).randn(5, 2, 3)
  with tf.Session() as sess:
    slope = (sess.run(loss, {x: LOGITS + 1e-5 * step}) - sess.run(loss, {x: LOGITS - 1e-5 * step})) / 2e-5
    assert abs((sess.run(g, {x: LOGITS}) * step).sum() - slope) < 1e-6
  with pytest.raises(LookupError, match="second derivative of ctc_loss"):
    tf.gradients(g, x)


def test_labels_that_do_not_fit():
  with pytest.raises(tf.errors.InvalidArgumentError, match="Not enough time"):
    run(tf.nn.ctc_loss(labels_of([[0, 1, 0, 1, 0, 1], [1]]), tf.constant(LOGITS), [5, 4]))
  loss = tf.nn.ctc_loss(labels_of([[0, 1, 0, 1, 0, 1], [1]]), tf.constant(LOGITS), [5, 4],
                        ignore_longer_outputs_than_inputs=True)
  assert run(loss)[0] == 0
  with pytest.raises(TypeError, match="SparseTensor"):
    tf.nn.ctc_loss([[0]], tf.constant(LOGITS), [5, 4])


def test_a_wide_beam_finds_the_likeliest_sequences():
  found, log_p = tf.nn.ctc_beam_search_decoder(tf.constant(LOGITS), [5, 4], beam_width=200, top_paths=3,
                                               merge_repeated=False)
  found, log_p = run([found, log_p])
  for b, n in enumerate([5, 4]):
    best = sorted(probabilities(LOGITS[:n, b]).items(), key=lambda kv: -kv[1])[:3]
    for k, (sequence, p) in enumerate(best):
      assert tuple(v for i, v in zip(found[k].indices, found[k].values) if i[0] == b) == sequence
      assert abs(log_p[b, k] - np.log(p)) < 1e-6


def test_the_greedy_decoder():
  logits = np.full((4, 1, 3), -1.0, np.float32)
  for t, c in enumerate([0, 0, 2, 1]):
    logits[t, 0, c] = 2
  (found,), score = run(tf.nn.ctc_greedy_decoder(logits, [4]))
  assert found.values.tolist() == [0, 1] and found.dense_shape.tolist() == [1, 2] and score.tolist() == [[-8]]
  (found,), _ = run(tf.nn.ctc_greedy_decoder(logits, [4], merge_repeated=False))
  assert found.values.tolist() == [0, 0, 1]


def test_edit_distance():
  def words(rows):
    indices = [[b, i] for b, row in enumerate(rows) for i in range(len(row))]
    return tf.SparseTensor(indices, list("".join(rows)), [len(rows), 8])

  a, b = words(["kitten", "", "abc"]), words(["sitting", "x", ""])
  assert run(tf.edit_distance(a, b, normalize=False)).tolist() == [3, 1, 3]
  np.testing.assert_allclose(run(tf.edit_distance(a, b)), [3 / 7, 1, np.inf], rtol=1e-6)
