#include "core/kernels/move/padded_copy.h"

#include <algorithm>
#include <cstring>

#include "core/kernels/element_size.h"
#include "core/kernels/move.h"
#include "core/kernels/move/small_copy.h"

namespace tw {
namespace {

void fill(const unsigned char* value, size_t element_size, char* to, int64_t count) {
  visit_size(element_size, [&](auto v) {
    std::memcpy(&v, value, sizeof v);
    std::fill_n(reinterpret_cast<decltype(v)*>(to), count, v);
  });
}

}  // namespace

PaddedCopy::PaddedCopy(std::span<const int64_t> dims, std::span<const int64_t> before, std::span<const int64_t> after,
                       size_t element_size)
    : element_size_(element_size) {
  for (size_t d = 0; d < dims.size(); ++d) {
    const int64_t out = before[d] + dims[d] + after[d];
    // An axis that is not padded is one with the axis around it.
    if (rank_ > 0 && out == dims[d]) {
      const auto last = static_cast<size_t>(rank_ - 1);
      dims_[last] *= out;
      before_[last] *= out;
      out_[last] *= out;
      continue;
    }
    const auto at = static_cast<size_t>(rank_++);
    dims_[at] = dims[d];
    before_[at] = before[d];
    out_[at] = out;
  }
  rows_ = 1;
  for (int d = 0; d + 1 < rank_; ++d) rows_ *= out_[static_cast<size_t>(d)];
}

void PaddedCopy::run(const void* from, const void* value, void* to, WorkerPool& pool) const {
  unsigned char bytes[16] = {};
  if (value != nullptr) std::memcpy(bytes, value, element_size_);
  const char* const f = static_cast<const char*>(from);
  char* const t = static_cast<char*>(to);
  if (rank_ == 0) return copy_run(f, t, element_size_);
  const int64_t row = out_[static_cast<size_t>(rank_ - 1)] * static_cast<int64_t>(element_size_);
  if (row == 0) return;
  pool.parallel_for(rows_, std::max<int64_t>(1, kCopiedBytesPerThread / row),
                    [&](int64_t begin, int64_t end) { run_rows(f, bytes, t, begin, end); });
}

void PaddedCopy::run_rows(const char* from, const unsigned char* value, char* to, int64_t begin, int64_t end) const {
  const auto last = static_cast<size_t>(rank_ - 1);
  const auto size = static_cast<int64_t>(element_size_);
  const int64_t out = out_[last], in = dims_[last], left = before_[last], right = out - left - in;
  std::array<int64_t, kMaxRank> index{};
  int64_t rest = begin;
  for (size_t d = last; d-- > 0; rest /= out_[d]) index[d] = rest % out_[d];
  to += begin * out * size;
  for (int64_t r = begin; r < end; ++r, to += out * size) {
    bool inside = true;
    int64_t source = 0;
    for (size_t d = 0; d < last; ++d) {
      const int64_t i = index[d] - before_[d];
      inside = inside && i >= 0 && i < dims_[d];
      source = source * dims_[d] + i;
    }
    if (inside) {
      fill(value, element_size_, to, left);
      copy_run(from + source * in * size, to + left * size, static_cast<size_t>(in * size));
      fill(value, element_size_, to + (left + in) * size, right);
    } else {
      fill(value, element_size_, to, out);
    }
    for (size_t d = last; d-- > 0 && ++index[d] == out_[d];) index[d] = 0;
  }
}

}  // namespace tw
