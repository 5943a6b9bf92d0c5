"""tf.distributions."""

from thalweg.ops.distributions.continuous import Beta, Exponential, Gamma, Laplace, StudentT, Uniform  # noqa: F401
from thalweg.ops.distributions.discrete import (  # noqa: F401
    Bernoulli, Categorical, Dirichlet, DirichletMultinomial, Multinomial)
from thalweg.ops.distributions.distribution import (  # noqa: F401
    FULLY_REPARAMETERIZED, NOT_REPARAMETERIZED, Distribution, ReparameterizationType)
from thalweg.ops.distributions.kullback_leibler import RegisterKL, kl_divergence  # noqa: F401
from thalweg.ops.distributions.normal import Normal  # noqa: F401
