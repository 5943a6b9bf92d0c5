#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/cpu/nn/softmax_rows.cc"
#include "core/kernels/simd.h"

#include <cmath>
#include <limits>

#include "core/kernels/cpu/nn/softmax_rows.h"
#include "core/kernels/map/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tw {
namespace HWY_NAMESPACE {
namespace {

template <class T>
T row_max(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  T m = -std::numeric_limits<T>::infinity();
  int64_t i = 0;
  if (n >= lanes) {
    auto a = hn::LoadU(d, x), b = a;
    for (i = lanes; i + 2 * lanes <= n; i += 2 * lanes) {
      a = hn::Max(a, hn::LoadU(d, x + i));
      b = hn::Max(b, hn::LoadU(d, x + i + lanes));
    }
    for (; i + lanes <= n; i += lanes) a = hn::Max(a, hn::LoadU(d, x + i));
    m = hn::GetLane(hn::MaxOfLanes(d, hn::Max(a, b)));
  }
  for (; i < n; ++i) m = x[i] > m ? x[i] : m;
  return m;
}

// The sum of e^(x - max); the terms are stored where `store`.
template <bool store, class T>
T row_exp(const T* x, T max, int64_t n, T* out) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto m = hn::Set(d, max);
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto e = vexp_negative(d, hn::Sub(hn::LoadU(d, x + i), m));
    sum = hn::Add(sum, e);
    if constexpr (store) hn::StoreU(e, d, out + i);
  }
  if (i < n) {
    const size_t rest = static_cast<size_t>(n - i);
    const auto v = load_first(d, x + i, rest, -std::numeric_limits<T>::infinity());
    const auto e = hn::IfThenElseZero(hn::FirstN(d, rest), vexp_negative(d, hn::Sub(v, m)));
    sum = hn::Add(sum, e);
    if constexpr (store) store_first(e, d, out + i, rest);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <class T>
void softmax_of(const void* x, int64_t rows, int64_t n, void* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* p = static_cast<const T*>(x) + r * n;
    T* o = static_cast<T*>(out) + r * n;
    const T scale = T(1) / row_exp<true>(p, row_max(p, n), n, o);
    TW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) o[i] *= scale;
  }
}

template <class T>
void log_softmax_of(const void* x, int64_t rows, int64_t n, void* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* p = static_cast<const T*>(x) + r * n;
    T* o = static_cast<T*>(out) + r * n;
    const T max = row_max(p, n);
    const T log_sum = std::log(row_exp<false>(p, max, n, o));
    TW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) o[i] = (p[i] - max) - log_sum;
  }
}

template <class T>
void cross_entropy_of(const void* x, int64_t x_row, const void* labels, int64_t label_row, int64_t rows, int64_t n,
                      const void* factor, void* loss, void* back) {
  for (int64_t r = 0; r < rows; ++r) {
    const T f = factor == nullptr ? T(1) : static_cast<const T*>(factor)[r];
    const T* p = static_cast<const T*>(x) + r * x_row;
    const T* l = static_cast<const T*>(labels) + r * label_row;
    T* o = static_cast<T*>(back) + r * n;
    const T max = row_max(p, n);
    const hn::ScalableTag<T> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const T sum = row_exp<true>(p, max, n, o);
    const T log_sum = std::log(sum), scale = T(1) / sum;
    auto total = hn::Zero(d);
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      const auto label = hn::LoadU(d, l + i);
      const auto log_p = hn::Sub(hn::Sub(hn::LoadU(d, p + i), hn::Set(d, max)), hn::Set(d, log_sum));
      // A zero label takes no part, even where the logarithm is infinite.
      total = hn::Sub(total, hn::IfThenZeroElse(hn::Eq(label, hn::Zero(d)), hn::Mul(label, log_p)));
      const auto slope = hn::Sub(hn::Mul(hn::LoadU(d, o + i), hn::Set(d, scale)), label);
      hn::StoreU(hn::Mul(slope, hn::Set(d, f)), d, o + i);
    }
    T sum_loss = hn::GetLane(hn::SumOfLanes(d, total));
    for (; i < n; ++i) {
      if (l[i] != T(0)) sum_loss -= l[i] * ((p[i] - max) - log_sum);
      o[i] = (o[i] * scale - l[i]) * f;
    }
    static_cast<T*>(loss)[r] = sum_loss;
  }
}

template <class T>
void sparse_cross_entropy_of(const void* x, const int64_t* labels, int64_t rows, int64_t n, const void* factor,
                             void* loss, void* back) {
  for (int64_t r = 0; r < rows; ++r) {
    const T f = factor == nullptr ? T(1) : static_cast<const T*>(factor)[r];
    const T* p = static_cast<const T*>(x) + r * n;
    T* o = static_cast<T*>(back) + r * n;
    const T max = row_max(p, n);
    const T chosen = p[labels[r]] - max;
    const T sum = row_exp<true>(p, max, n, o);
    const T scale = T(1) / sum, at_label = (o[labels[r]] * scale - T(1)) * f;
    TW_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) o[i] = o[i] * scale * f;
    o[labels[r]] = at_label;
    static_cast<T*>(loss)[r] = std::log(sum) - chosen;
  }
}

template <class T>
SoftmaxFns fns() {
  return {softmax_of<T>, log_softmax_of<T>, cross_entropy_of<T>, sparse_cross_entropy_of<T>};
}

}  // namespace

SoftmaxFns get_softmax(DType t) { return t == DType::kDouble ? fns<double>() : fns<float>(); }

}  // namespace HWY_NAMESPACE
}  // namespace tw
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw {
HWY_EXPORT(get_softmax);
SoftmaxFns find_softmax(DType t) { return HWY_DYNAMIC_DISPATCH(get_softmax)(t); }
}  // namespace tw
#endif
