"""How the programs with control flow are written: a registry of them, their steps, and numbers from formulas."""

import numpy as np
import tensorflow as tf

PROGRAMS = {}


def program(fn):
  PROGRAMS[fn.__name__] = fn
  return fn


def numbers(*shape, seed=0):
  i = np.arange(int(np.prod(shape)))
  return (np.sin(1.0 + i * 0.7 + seed).reshape(shape) * 0.5).astype(np.float32)


class Weights:
  """An initializer of the same numbers in each run."""

  def __init__(self, seed=0):
    self.seed = seed

  def __call__(self, shape, dtype=None, partition_info=None):
    return tf.constant(numbers(*[int(d) for d in shape], seed=self.seed))

  def get_config(self):
    return {"seed": self.seed}


def step(fetches, feeds=None, targets=()):
  return {"fetch": [t.name for t in fetches], "feed": {t.name: np.asarray(v) for t, v in (feeds or {}).items()},
          "target": [t.name for t in targets]}


def both(fetches, p, feeds=None, targets=()):
  """The same with the predicate true and false."""
  return [step(fetches, {**(feeds or {}), p: v}, targets) for v in (True, False)]


def placeholder(dtype, shape, name):
  return tf.placeholder(dtype, shape, name=name)
