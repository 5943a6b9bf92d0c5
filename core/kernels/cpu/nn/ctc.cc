#include "core/kernels/cpu/nn/ctc.h"

#include <algorithm>
#include <cmath>

namespace tw::ctc {

Result<Logits> Logits::read(const RunContext& ctx, int lengths_input, Code too_long) {
  const Shape &x = *ctx.input(0).shape, &n = *ctx.input(lengths_input).shape;
  if (x.rank() != 3) return invalid_argument("inputs is not a 3-Tensor, but has shape ", x);
  if (n.rank() != 1) return invalid_argument("sequence_length is not a vector, but has shape ", n);
  Logits l{&ctx.input(0), x[0], x[1], x[2], ctx.in<int32_t>(lengths_input)};
  if (l.time == 0) return invalid_argument("Max time or first dimension of input cannot be 0.");
  if (n[0] != l.batch) {
    return invalid_argument("len(sequence_length) != batch_size. len(sequence_length): ", n[0],
                            " batch_size: ", l.batch);
  }
  if (l.classes == 0) return invalid_argument("num_classes must be > 0, but inputs has shape ", x);
  for (int64_t b = 0; b < l.batch; ++b) {
    if (l.lengths[b] < 0) return invalid_argument("sequence_length(", b, ") < 0: ", l.lengths[b]);
    if (l.lengths[b] > l.time) {
      return Status(too_long,
                    internal::concat("sequence_length(", b, ") <= ", l.time, " does not hold: it is ", l.lengths[b]));
    }
  }
  return l;
}

void Logits::load(int64_t t, int64_t b, double* to) const {
  const int64_t at = (t * batch + b) * classes;
  if (values->dtype == DType::kFloat) {
    std::copy_n(static_cast<const float*>(values->data) + at, classes, to);
  } else {
    std::copy_n(static_cast<const double*>(values->data) + at, classes, to);
  }
}

void log_softmax(double* x, int64_t n) {
  const double most = *std::max_element(x, x + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - most);
  const double norm = most + std::log(sum);
  for (int64_t i = 0; i < n; ++i) x[i] -= norm;
}

double log_add(double a, double b) {
  const double high = std::max(a, b), low = std::min(a, b);
  return std::isinf(low) ? high : high + std::log1p(std::exp(low - high));
}

}  // namespace tw::ctc
