"""Functions of mathematical physics, element by element."""

from thalweg.framework import ops
from thalweg.ops import math_ops


def igamma(a, x, name=None):
  """The lower incomplete gamma function of a and x over gamma(a)."""
  return ops.op("Igamma", name, [a, x])


def igammac(a, x, name=None):
  """The upper incomplete gamma function of a and x over gamma(a)."""
  return ops.op("Igammac", name, [a, x])


def zeta(x, q, name=None):
  """Hurwitz's zeta function: the sum of (q + n) ** -x over n from 0."""
  return ops.op("Zeta", name, [x, q])


def polygamma(a, x, name=None):
  """The derivative of order a of digamma at x."""
  return ops.op("Polygamma", name, [a, x])


def betainc(a, b, x, name=None):
  """The regularised incomplete beta integral of a and b from 0 to x."""
  return ops.op("Betainc", name, [a, b, x])


def nextafter(x1, x2, name=None):
  """The number next to x1 in the direction of x2."""
  return ops.op("NextAfter", name, [x1, x2])


def lbeta(x, name=None):
  """The logarithm of the beta function of each row of the last axis: sum(lgamma(x)) - lgamma(sum(x))."""
  with ops.name_scope(name, "lbeta", [x]):
    x = ops.convert_to_tensor(x, name="x")
    # For a row of nothing the sums are 0, whose lgamma is infinite: the result is -inf.
    gammas = math_ops.reduce_sum(math_ops.lgamma(x), axis=[-1])
    return gammas - math_ops.lgamma(math_ops.reduce_sum(x, axis=[-1]))


bessel_i0e = math_ops._unary("BesselI0e", "bessel_i0e", "exp(-|x|) times the modified Bessel function of order 0.",
                             on_sparse=True)
bessel_i1e = math_ops._unary("BesselI1e", "bessel_i1e", "exp(-|x|) times the modified Bessel function of order 1.",
                             on_sparse=True)


def bessel_i0(x, name=None):
  """The modified Bessel function of order 0; bessel_i0e does not overflow."""
  with ops.name_scope(name, "bessel_i0", [x]):
    return math_ops.exp(math_ops.abs(x)) * bessel_i0e(x)


def bessel_i1(x, name=None):
  """The modified Bessel function of order 1; bessel_i1e does not overflow."""
  with ops.name_scope(name, "bessel_i1", [x]):
    return math_ops.exp(math_ops.abs(x)) * bessel_i1e(x)
