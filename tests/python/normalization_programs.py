"""Batch normalisation in all its forms: programs that run on Thalweg and on TensorFlow 1.15 alike."""

import numpy as np

STEPS = 3
# name: (shape of the input, arguments of the layer)
CASES = {
    "plain": ((4, 3), {}),
    "fused": ((4, 2, 2, 3), {}),
    "channels first, general": ((4, 3, 5), {"axis": 1}),
    "two axes": ((4, 3, 2), {"axis": [1, 2]}),
    "no scale": ((4, 3), {"scale": False}),
    "no center": ((4, 3), {"center": False, "renorm": True}),
    "fused where it cannot be": ((4, 3), {"fused": True}),
    "renorm": ((4, 3), {"renorm": True, "renorm_momentum": 0.8}),
    "renorm, clipped": ((4, 2, 2, 3), {"renorm": True, "renorm_momentum": 0.7,
                                       "renorm_clipping": {"rmin": 0.5, "rmax": 2.0, "dmax": 1.0}}),
    "virtual batches": ((6, 3), {"virtual_batch_size": 2}),
    "virtual batches of images": ((6, 2, 2, 3), {"virtual_batch_size": 3}),
    "virtual batches and renorm": ((6, 3), {"virtual_batch_size": 2, "renorm": True}),
    "adjustment": ((4, 3), {"adjustment": True}),
    "adjustment and renorm": ((4, 2, 2, 3), {"adjustment": True, "renorm": True}),
}


def run(tf, name, training_is_fed):
  """What STEPS training steps and an inference give: {"output", "gradient", variables by name}."""
  shape, arguments = CASES[name]
  arguments = dict(arguments, momentum=0.6)
  if arguments.get("adjustment"):
    arguments["adjustment"] = lambda s: (tf.fill([s[-1]], 1.5), tf.fill([s[-1]], 0.25))
  values = np.random.RandomState(len(name)).normal(1.0, 2.0, (STEPS + 1,) + shape).astype(np.float32)
  with tf.Graph().as_default(), tf.Session() as session:
    x = tf.placeholder(tf.float32, (None,) + shape[1:])
    if training_is_fed:
      training = tf.placeholder(tf.bool, [])
      outputs = {t: tf.layers.batch_normalization(x, training=training, name="norm", **arguments) for t in (True,)}
      outputs[False] = outputs[True]
    else:
      training = None
      outputs = {t: tf.layers.batch_normalization(x, training=t, name="norm", reuse=not t, **arguments)
                 for t in (True, False)}
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    weights = tf.constant(np.linspace(-1.0, 1.0, int(np.prod(shape))).reshape(shape).astype(np.float32))
    gradient, = tf.gradients(tf.reduce_sum(tf.square(outputs[True]) * weights), x)
    session.run(tf.global_variables_initializer())
    result = {"output": [], "gradient": []}
    for step in range(STEPS):
      feed = {x: values[step]}
      if training_is_fed:
        feed[training] = True
      out, dx, _ = session.run([outputs[True], gradient, updates], feed)
      result["output"].append(out.ravel().tolist())
      result["gradient"].append(dx.ravel().tolist())
    feed = {x: values[STEPS]}
    if training_is_fed:
      feed[training] = False
      session.run(updates, feed)  # change nothing
    result["inference"] = session.run(outputs[False], feed).ravel().tolist()
    result["variables"] = {v.op.name: session.run(v).ravel().tolist() for v in tf.global_variables()}
  return result
