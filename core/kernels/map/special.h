// Scalar special functions that <cmath> lacks or makes thread-unsafe.
#pragma once

namespace tw::special {

double lgamma(double x);
double digamma(double x);

}  // namespace tw::special
