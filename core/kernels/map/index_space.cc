#include "core/kernels/map/index_space.h"

#include <algorithm>
#include <cstring>

#include "core/kernels/element_size.h"
#include "core/kernels/map/spread.h"

namespace tw {
namespace {

template <class U>
void expand_typed(const IndexSpace& space, const OperandStrides& strides, const U* from, int64_t pos, int64_t n,
                  U* to) {
  const int rank = space.rank;
  if (rank == 0) {
    std::fill_n(to, n, *from);
    return;
  }
  std::array<int64_t, kMaxRank> index{};
  int64_t offset = 0;
  for (int i = rank - 1; i >= 0; --i) {
    const size_t k = static_cast<size_t>(i);
    index[k] = pos % space.dims[k];
    pos /= space.dims[k];
    offset += index[k] * strides[k];
  }
  const size_t last = static_cast<size_t>(rank - 1);
  const int64_t inner = space.dims[last], stride = strides[last];
  if constexpr (sizeof(U) == 4) {
    if (rank == 2 && stride == 0 && index[last] == 0 && n >= inner) {
      const int64_t rows = n / inner;
      spread_rows(from + offset, strides[0], rows, inner, to);
      to += rows * inner;
      n -= rows * inner;
      offset += rows * strides[0];
      index[0] += rows;
    }
  }
  const bool rows_repeat = rank >= 2 && stride != 0 && strides[last - 1] == 0;
  while (n > 0) {
    int64_t run = std::min(inner - index[last], n);
    if (stride == 0) {
      std::fill_n(to, run, from[offset]);
    } else {
      std::copy_n(from + offset, run, to);
      const int64_t rows =
          rows_repeat && index[last] == 0 ? std::min(space.dims[last - 1] - index[last - 1], n / inner) : 1;
      if (rows > 1) {
        // The same row again and again: double what is there.
        const int64_t total = rows * inner;
        for (int64_t done = inner; done < total;) {
          const int64_t more = std::min(done, total - done);
          std::copy_n(to, more, to + done);
          done += more;
        }
        index[last - 1] += rows - 1;
        to += total - inner;
        n -= total - inner;
      }
    }
    to += run;
    n -= run;
    offset += run * stride;
    index[last] += run;
    for (size_t k = last; k > 0 && index[k] == space.dims[k]; --k) {
      offset += strides[k - 1] - index[k] * strides[k];
      index[k] = 0;
      ++index[k - 1];
    }
  }
}

}  // namespace

IndexSpace collapse(const Shape& space, std::span<const Shape> operands, std::vector<OperandStrides>* strides) {
  const size_t count = operands.size();
  std::vector<OperandStrides> full(count);
  for (size_t o = 0; o < count; ++o) {
    const Shape& s = operands[o];
    int64_t stride = 1;
    for (int i = space.rank() - 1, j = s.rank() - 1; i >= 0; --i, --j) {
      const int64_t d = j >= 0 ? s[j] : 1;
      full[o][static_cast<size_t>(i)] = d == 1 ? 0 : stride;
      stride *= d;
    }
  }
  IndexSpace out;
  strides->assign(count, OperandStrides{});
  for (int i = 0; i < space.rank(); ++i) {
    const size_t from = static_cast<size_t>(i);
    const int64_t d = space[i];
    if (d == 1) continue;
    bool mergeable = out.rank > 0;
    const size_t previous = static_cast<size_t>(out.rank - 1);
    for (size_t o = 0; o < count && mergeable; ++o) mergeable = (*strides)[o][previous] == full[o][from] * d;
    if (mergeable) {
      out.dims[previous] *= d;
    } else {
      out.dims[static_cast<size_t>(out.rank++)] = d;
    }
    const size_t to = static_cast<size_t>(out.rank - 1);
    for (size_t o = 0; o < count; ++o) (*strides)[o][to] = full[o][from];
  }
  return out;
}

void expand(const IndexSpace& space, const OperandStrides& strides, size_t element_size, const void* from, int64_t pos,
            int64_t n, void* to) {
  visit_size(element_size, [&](auto u) {
    using U = decltype(u);
    expand_typed(space, strides, static_cast<const U*>(from), pos, n, static_cast<U*>(to));
  });
}

void splat(size_t element_size, const void* from, int64_t n, void* to) {
  visit_size(element_size, [&](auto u) {
    using U = decltype(u);
    U value;
    std::memcpy(&value, from, sizeof value);
    std::fill_n(static_cast<U*>(to), n, value);
  });
}

}  // namespace tw
