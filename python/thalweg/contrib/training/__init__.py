"""tf.contrib.training."""

from thalweg.contrib import _paths
from thalweg.contrib.training import hparam, train_op as _train_op
from thalweg.contrib.training.hparam import HParams
from thalweg.contrib.training.train_op import (add_gradients_summaries, clip_gradient_norms, clip_gradient_norms_fn,
                                               create_train_op, multiply_gradients, train)
from thalweg.train.evaluation import checkpoints_iterator, wait_for_new_checkpoint

_paths.add(__name__, training={"hparam": hparam, "training": _train_op})
