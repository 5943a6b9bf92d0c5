"""tf.layers.batch_normalization against TensorFlow 1.15's results (goldens/normalization.json)."""

import json
import os

import normalization_programs as programs
import numpy as np
import pytest
import thalweg as tf

with open(os.path.join(os.path.dirname(__file__), "goldens", "normalization.json")) as _f:
  GOLDENS = json.load(_f)


@pytest.mark.parametrize("fed", [False, True], ids=["known", "fed"])
@pytest.mark.parametrize("name", sorted(programs.CASES))
def test_as_tensorflow(name, fed):
  want = GOLDENS["%s, %s" % (name, "fed" if fed else "known")]
  got = programs.run(tf, name, fed)
  assert got["variables"].keys() == want["variables"].keys()
  for key in want["variables"]:
    np.testing.assert_allclose(got["variables"][key], want["variables"][key], rtol=2e-5, atol=1e-6, err_msg=key)
  for key in ("output", "inference", "gradient"):
    scale = np.max(np.abs(want[key]))
    np.testing.assert_allclose(got[key], want[key], rtol=1e-4, atol=2e-6 * max(scale, 1.0), err_msg=key)


def test_what_is_refused():
  x = tf.ones([4, 3])
  for match, arguments in (("contains keys not in", {"renorm": True, "renorm_clipping": {"max": 1.0}}),
                           ("virtual_batch_size must be a positive integer", {"virtual_batch_size": 0}),
                           ("adjustment cannot be specified", {"virtual_batch_size": 2, "adjustment": lambda s: (1, 0)}),
                           ("axis cannot include 0", {"virtual_batch_size": 2, "axis": 0}),
                           ("Invalid axis: 2", {"axis": 2}), ("Duplicate axis", {"axis": [1, -1]})):
    with pytest.raises(ValueError, match=match):
      tf.layers.batch_normalization(x, **arguments)
  with pytest.raises(TypeError, match="axis must be int or list"):
    tf.layers.batch_normalization(x, axis="channels")
  with pytest.raises(ValueError, match="undefined `axis` dimension"):
    tf.layers.batch_normalization(tf.placeholder(tf.float32, [2, None]))
