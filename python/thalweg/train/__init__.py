"""tf.train."""

from thalweg.train.adaptive_optimizers import (AdadeltaOptimizer, AdagradDAOptimizer, AdagradOptimizer, AdamOptimizer,
                                               FtrlOptimizer, ProximalAdagradOptimizer, RMSPropOptimizer)
from thalweg.train.gradient_optimizers import (GradientDescentOptimizer, MomentumOptimizer,
                                               ProximalGradientDescentOptimizer)
from thalweg.train.learning_rate_decay import (cosine_decay, cosine_decay_restarts, exponential_decay,
                                               inverse_time_decay, linear_cosine_decay, natural_exp_decay,
                                               noisy_linear_cosine_decay, piecewise_constant, piecewise_constant_decay,
                                               polynomial_decay)
from thalweg.train.moving_averages import ExponentialMovingAverage
from thalweg.train.optimizer import Optimizer
from thalweg.train.training_util import (assert_global_step, create_global_step, get_global_step,
                                         get_or_create_global_step, global_step)
