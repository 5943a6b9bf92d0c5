// Special functions of several arguments, in double precision. NaN where they are not defined.
#pragma once

namespace tw::special {

double zeta(double x, double q);                 // Hurwitz: the sum over k >= 0 of (q + k)^-x
double polygamma(double n, double x);            // derivative number n of digamma
double gamma_p(double a, double x);              // regularised lower incomplete gamma function
double gamma_q(double a, double x);              // 1 - gamma_p
double gamma_p_grad_a(double a, double x);       // derivative of gamma_p to a
double gamma_sample_grad_a(double a, double x);  // derivative to a of a gamma variable that is x, by its quantile
double beta_inc(double a, double b, double x);   // regularised incomplete beta function
double bessel_i0e(double x);                     // exp(-|x|) I0(x)
double bessel_i1e(double x);                     // exp(-|x|) I1(x)

}  // namespace tw::special
