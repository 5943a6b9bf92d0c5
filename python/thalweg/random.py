"""tf.random."""

from thalweg.framework.random_seed import get_seed  # noqa: F401
from thalweg.framework.random_seed import set_random_seed  # noqa: F401
from thalweg.ops.random_ops import categorical, multinomial, truncated_normal  # noqa: F401
from thalweg.ops.random_ops import random_gamma as gamma  # noqa: F401
from thalweg.ops.random_ops import random_normal as normal  # noqa: F401
from thalweg.ops.random_ops import random_shuffle as shuffle  # noqa: F401
from thalweg.ops.random_ops import random_uniform as uniform  # noqa: F401
from thalweg.ops.random_ops import random_poisson as poisson  # noqa: F401
from thalweg.ops.stateless_random_ops import (  # noqa: F401
    stateless_categorical, stateless_multinomial, stateless_random_normal as stateless_normal,
    stateless_random_uniform as stateless_uniform, stateless_truncated_normal)
from thalweg.ops.candidate_sampling_ops import (  # noqa: F401
    all_candidate_sampler, fixed_unigram_candidate_sampler, learned_unigram_candidate_sampler,
    log_uniform_candidate_sampler, uniform_candidate_sampler)
