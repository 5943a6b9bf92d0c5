#include "core/kernels/map/special.h"

#include <math.h>

#include <cmath>
#include <limits>

namespace tw::special {

double lgamma(double x) {
#if defined(__GLIBC__) || defined(__APPLE__)
  // std::lgamma writes a global sign.
  int sign;
  return ::lgamma_r(x, &sign);
#else
  return std::lgamma(x);
#endif
}

double digamma(double x) {
  constexpr double kPi = 3.14159265358979323846;
  if (std::isnan(x) || x == std::numeric_limits<double>::infinity()) return x;
  double result = 0;
  if (x <= 0) {
    const double nearest = std::nearbyint(x);
    if (nearest == x) return std::numeric_limits<double>::infinity();
    // Reflection: psi(x) = psi(1 - x) - pi / tan(pi x), with the periods taken off first, which is exact.
    result = -kPi / std::tan(kPi * (x - nearest));
    x = 1 - x;
  }
  while (x < 10) {
    result -= 1 / x;
    x += 1;
  }
  // ln(x) - 1/(2x) - sum B_2k / (2k x^2k).
  const double z = 1 / (x * x);
  const double series =
      z * (1.0 / 12 - z * (1.0 / 120 - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760))))));
  return result + std::log(x) - 0.5 / x - series;
}

}  // namespace tw::special
