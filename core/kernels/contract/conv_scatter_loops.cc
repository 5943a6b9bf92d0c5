#include "core/kernels/contract/conv_scatter_loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/contract/conv_scatter_loops.cc"
#include "core/kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace tw::contract::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The rows of a patch come before the next patch, since a load that meets part of a store just made waits for it.
template <typename T>
void add_patches(const T* from, int64_t from_step, int64_t from_pitch, int64_t count, int64_t rows, int64_t n, T* to,
                 int64_t to_step, int64_t to_pitch) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t whole = n / lanes * lanes;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  const auto some = hn::FirstN(d, static_cast<size_t>(n - whole));
#endif
  for (int64_t x = 0; x < count; ++x, from += from_step, to += to_step) {
    for (int64_t r = 0; r < rows; ++r) {
      const T* add = from + r * from_pitch;
      T* sum = to + r * to_pitch;
      for (int64_t i = 0; i < whole; i += lanes) {
        hn::StoreU(hn::Add(hn::LoadU(d, sum + i), hn::LoadU(d, add + i)), d, sum + i);
      }
      if (whole == n) continue;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
      const auto last = hn::Add(hn::MaskedLoad(some, d, sum + whole), hn::MaskedLoad(some, d, add + whole));
      hn::BlendedStore(last, some, d, sum + whole);
#else
      // Elsewhere masked lanes are read and written too.
      for (int64_t i = whole; i < n; ++i) sum[i] += add[i];
#endif
    }
  }
}

void add_float(const float* from, int64_t from_step, int64_t from_pitch, int64_t count, int64_t rows, int64_t n,
               float* to, int64_t to_step, int64_t to_pitch) {
  add_patches(from, from_step, from_pitch, count, rows, n, to, to_step, to_pitch);
}
void add_double(const double* from, int64_t from_step, int64_t from_pitch, int64_t count, int64_t rows, int64_t n,
                double* to, int64_t to_step, int64_t to_pitch) {
  add_patches(from, from_step, from_pitch, count, rows, n, to, to_step, to_pitch);
}

}  // namespace tw::contract::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tw::contract {
HWY_EXPORT(add_float);
HWY_EXPORT(add_double);

void scatter_add(const float* from, int64_t from_step, int64_t from_pitch, int64_t count, int64_t rows, int64_t n,
                 float* to, int64_t to_step, int64_t to_pitch) {
  HWY_DYNAMIC_DISPATCH(add_float)(from, from_step, from_pitch, count, rows, n, to, to_step, to_pitch);
}
void scatter_add(const double* from, int64_t from_step, int64_t from_pitch, int64_t count, int64_t rows, int64_t n,
                 double* to, int64_t to_step, int64_t to_pitch) {
  HWY_DYNAMIC_DISPATCH(add_double)(from, from_step, from_pitch, count, rows, n, to, to_step, to_pitch);
}

}  // namespace tw::contract
#endif
