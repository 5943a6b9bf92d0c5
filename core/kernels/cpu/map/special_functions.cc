#include "core/kernels/cpu/map/special_functions.h"

#include <cmath>
#include <initializer_list>
#include <limits>

#include "core/kernels/map/special.h"

namespace tw::special {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
constexpr double kEps = std::numeric_limits<double>::epsilon(), kTiny = 1e-300;
constexpr double kPi = 3.14159265358979323846;

// A number and its derivative to one variable.
struct Dual {
  double v, d = 0;
  friend Dual operator+(Dual a, Dual b) { return {a.v + b.v, a.d + b.d}; }
  friend Dual operator-(Dual a, Dual b) { return {a.v - b.v, a.d - b.d}; }
  friend Dual operator*(Dual a, Dual b) { return {a.v * b.v, a.d * b.v + a.v * b.d}; }
  friend Dual operator/(Dual a, Dual b) { return {a.v / b.v, (a.d - a.v / b.v * b.d) / b.v}; }
};
double value(double x) { return x; }
double value(Dual x) { return x.v; }
double slope(double) { return 0; }
double slope(Dual x) { return x.d; }
double log_gamma(double a) { return lgamma(a); }
Dual log_gamma(Dual a) { return {lgamma(a.v), digamma(a.v) * a.d}; }
double exponential(double x) { return std::exp(x); }
Dual exponential(Dual x) {
  const double e = std::exp(x.v);
  return {e, e * x.d};
}

// x^a e^-x / Gamma(a), the factor of both expansions.
template <typename T>
T gamma_factor(T a, double x) {
  return exponential(T{std::log(x)} * a - T{x} - log_gamma(a));
}

// The lower function by its power series, for x below a + 1.
template <typename T>
T gamma_series(T a, double x) {
  T term = T{1.0} / a, sum = term, at = a;
  for (int i = 0; i < 10000; ++i) {
    at = at + T{1.0};
    term = term * T{x} / at;
    sum = sum + term;
    if (std::abs(value(term)) <= kEps * std::abs(value(sum)) &&
        std::abs(slope(term)) <= kEps * (std::abs(slope(sum)) + kTiny)) {
      break;
    }
  }
  return sum * gamma_factor(a, x);
}

// The upper function by its continued fraction (Lentz's method), for larger x.
template <typename T>
T gamma_fraction(T a, double x) {
  T b = T{x + 1} - a, c = T{1 / kTiny}, d = T{1.0} / b, h = d;
  for (int i = 1; i < 10000; ++i) {
    const T an = T{static_cast<double>(-i)} * (T{static_cast<double>(i)} - a);
    b = b + T{2.0};
    d = an * d + b;
    if (std::abs(value(d)) < kTiny) d = T{kTiny};
    c = b + an / c;
    if (std::abs(value(c)) < kTiny) c = T{kTiny};
    d = T{1.0} / d;
    const T step = d * c;
    h = h * step;
    if (std::abs(value(step) - 1) <= kEps && std::abs(slope(step)) <= kEps) break;
  }
  return h * gamma_factor(a, x);
}

bool outside(double a, double x) { return !(a > 0) || !(x >= 0); }

// sum over k of (x^2/4)^k / (k! (k + n)!) times (x/2)^n e^-x: all terms are positive.
double bessel_series(int n, double x) {
  const double q = x * x / 4;
  double term = n == 0 ? 1 : x / 2, sum = term;
  for (int k = 1; k < 500; ++k) {
    term *= q / (static_cast<double>(k) * static_cast<double>(k + n));
    sum += term;
    if (term <= kEps * sum) break;
  }
  return sum * std::exp(-x);
}

// For large x: e^x / sqrt(2 pi x) times an asymptotic series.
double bessel_asymptotic(int n, double x) {
  const double mu = 4.0 * n * n;
  double term = 1, sum = 1;
  for (int k = 1; k < 60; ++k) {
    const double odd = 2.0 * k - 1, next = term * (odd * odd - mu) / (8 * x * k);
    if (std::abs(next) >= std::abs(term)) break;
    term = next;
    sum += term;
    if (std::abs(term) <= kEps * std::abs(sum)) break;
  }
  return sum / std::sqrt(2 * kPi * x);
}

double bessel_e(int n, double x) { return x < 30 ? bessel_series(n, x) : bessel_asymptotic(n, x); }

// The continued fraction of the incomplete beta function, for x below (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double h = d;
  for (int m = 1; m < 10000; ++m) {
    const double m2 = 2.0 * m;
    double before = h;
    for (const double e :
         {m * (b - m) * x / ((a - 1 + m2) * (a + m2)), -(a + m) * (a + b + m) * x / ((a + m2) * (a + 1 + m2))}) {
      d = 1 + e * d;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      c = 1 + e / c;
      if (std::abs(c) < kTiny) c = kTiny;
      before = h;
      h *= d * c;
    }
    if (std::abs(h - before) <= kEps * std::abs(h)) break;
  }
  return h;
}

}  // namespace

double zeta(double x, double q) {
  if (x == 1) return kInf;
  if (!(x > 1) || std::isnan(q)) return kNan;
  if (q <= 0) {
    if (q == std::floor(q)) return kInf;
    if (x != std::floor(x)) return kNan;
  }
  double sum = 0;
  while (q < 12) {
    sum += std::pow(q, -x);
    q += 1;
  }
  // Euler and Maclaurin: the rest as an integral, half its first term, and terms in B_2j / (2j)!.
  constexpr double kTerms[] = {1.0 / 12,
                               -1.0 / 720,
                               1.0 / 30240,
                               -1.0 / 1209600,
                               1.0 / 47900160,
                               -691.0 / 1307674368000.0,
                               1.0 / 74724249600.0,
                               -3617.0 / 10670622842880000.0};
  const double power = std::pow(q, -x);
  sum += power * q / (x - 1) + power / 2;
  double factor = x * power / q;
  for (int j = 0; j < 8; ++j) {
    sum += kTerms[j] * factor;
    factor *= (x + 2 * j + 1) * (x + 2 * j + 2) / (q * q);
  }
  return sum;
}

double polygamma(double n, double x) {
  if (n == 0) return digamma(x);
  if (!(n > 0) || n != std::floor(n)) return kNan;
  const double size = std::exp(lgamma(n + 1)) * zeta(n + 1, x);
  return std::fmod(n, 2) == 0 ? -size : size;
}

double gamma_p(double a, double x) {
  if (outside(a, x)) return kNan;
  if (x == 0) return 0;
  if (std::isinf(x)) return std::isinf(a) ? kNan : 1;
  if (std::isinf(a)) return 0;
  return x < a + 1 ? gamma_series(a, x) : 1 - gamma_fraction(a, x);
}

double gamma_q(double a, double x) {
  if (outside(a, x)) return kNan;
  if (x == 0) return 1;
  if (std::isinf(x)) return std::isinf(a) ? kNan : 0;
  if (std::isinf(a)) return 1;
  return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

double gamma_p_grad_a(double a, double x) {
  if (outside(a, x) || std::isinf(a)) return kNan;
  if (x == 0 || std::isinf(x)) return 0;
  const Dual da{a, 1};
  return x < a + 1 ? gamma_series(da, x).d : -gamma_fraction(da, x).d;
}

// The quantile stays while a moves: dP/da + density dx/da = 0 (Figurnov et al., "Implicit reparameterization
// gradients").
double gamma_sample_grad_a(double a, double x) {
  if (outside(a, x) || std::isinf(a)) return kNan;
  if (x == 0 || std::isinf(x)) return 0;
  return -gamma_p_grad_a(a, x) / std::exp((a - 1) * std::log(x) - x - lgamma(a));
}

double beta_inc(double a, double b, double x) {
  if (!(a > 0) || !(b > 0) || !(x >= 0) || !(x <= 1)) return kNan;
  if (x == 0 || x == 1) return x;
  const double front = std::exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double bessel_i0e(double x) { return bessel_e(0, std::abs(x)); }
double bessel_i1e(double x) { return std::copysign(bessel_e(1, std::abs(x)), x); }

}  // namespace tw::special
