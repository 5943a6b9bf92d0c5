"""tf.quantize and tf.dequantize against TensorFlow 1.15's numbers.

goldens/quantize.json holds, for X over [low, high]: the integers, their range, and the floats that they stand for, or the
error's class.
"""

import json
import os

import numpy as np
import pytest
import thalweg as tf

X = np.array([-7, -3.3, -0.02, 0, 0.4, 1.26, 5.99, 8, 2.5, 3.5], np.float32)
with open(os.path.join(os.path.dirname(__file__), "goldens", "quantize.json")) as _f:
  CASES = json.load(_f)


@pytest.mark.parametrize("dtype", sorted({c["T"] for c in CASES}))
def test_numbers(dtype):
  for c in CASES:
    if c["T"] != dtype:
      continue
    with tf.Graph().as_default(), tf.Session() as sess:
      def run(c=c, sess=sess):
        q, low, high = tf.quantize_v2(X, c["low"], c["high"], tf.as_dtype(dtype), mode=c["mode"], round_mode=c["round"])
        return sess.run([q, low, high, tf.dequantize(q, c["low"], c["high"], mode=c["mode"])])

      if "error" in c:
        with pytest.raises(getattr(tf.errors, c["error"])):
          run()
        continue
      q, low, high, x = run()
      q = q.view(q.dtype[0]) if q.dtype.names else q
      # Steps finer than a float's may round either way.
      near = 300 if dtype == "qint32" else 0
      # The largest numbers overflow in TensorFlow.
      whole = (np.array(c["q"]) != -2**31) | (X <= low)
      np.testing.assert_allclose(q.astype(np.float64)[whole], np.array(c["q"])[whole], atol=near, err_msg=str(c))
      np.testing.assert_allclose([low, high], [c["min"], c["max"]], rtol=1e-6)
      np.testing.assert_allclose(x[whole], np.array(c["x"])[whole], rtol=1e-5, atol=2e-6, err_msg=str(c))


def test_a_range_that_is_none():
  with tf.Graph().as_default(), tf.Session() as sess:
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_range must be larger"):
      sess.run(tf.quantize_v2(X, 2.0, 1.0, tf.qint8))
