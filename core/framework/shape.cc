#include "core/framework/shape.h"

#include <algorithm>
#include <limits>
#include <ostream>

namespace tw {

Shape::Shape(std::span<const int64_t> dims) : rank_(static_cast<int8_t>(dims.size())) {
  std::copy(dims.begin(), dims.end(), dims_.begin());
}

Shape Shape::unknown_of_rank(int rank) {
  if (rank < 0 || rank > kMaxRank) return unknown();
  Shape s;
  s.rank_ = static_cast<int8_t>(rank);
  std::fill_n(s.dims_.begin(), rank, kUnknownDim);
  return s;
}

Result<Shape> Shape::make(std::span<const int64_t> dims, bool allow_unknown) {
  if (dims.size() > static_cast<size_t>(kMaxRank)) {
    return invalid_argument("Shapes of rank ", dims.size(), " are not supported: the largest rank is ", kMaxRank);
  }
  int64_t elements = 1;
  bool overflow = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < (allow_unknown ? kUnknownDim : 0)) {
      return invalid_argument("Dimension ", dims[i], " must be >= ", allow_unknown ? -1 : 0);
    }
    if (dims[i] == 0) {
      elements = 0;
    } else if (dims[i] > 0 && elements > std::numeric_limits<int64_t>::max() / dims[i]) {
      overflow = true;
    } else if (dims[i] > 0) {
      elements *= dims[i];
    }
  }
  const Shape s(dims);
  if (overflow && elements != 0) {
    return invalid_argument("Shape ", s, " has too many elements: their number does not fit in 64 bits");
  }
  return s;
}

void Shape::add_dim(int64_t size) {
  dims_[static_cast<size_t>(rank_)] = size;
  ++rank_;
}

bool Shape::fully_known() const {
  if (rank_ < 0) return false;
  for (const int64_t d : dims()) {
    if (d < 0) return false;
  }
  return true;
}

int64_t Shape::num_elements() const { return product(0, rank_); }

int64_t Shape::product(int begin, int end) const {
  int64_t n = 1;
  for (int i = begin; i < end; ++i) n *= dim(i);
  return n;
}

bool Shape::operator==(const Shape& o) const {
  return rank_ == o.rank_ && std::equal(dims().begin(), dims().end(), o.dims().begin());
}

std::string Shape::to_string() const {
  if (!rank_known()) return "<unknown>";
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) text += ',';
    text += dim(i) < 0 ? "?" : std::to_string(dim(i));
  }
  return text + ']';
}
void append(std::string* text, const Shape& s) { text->append(s.to_string()); }
std::ostream& operator<<(std::ostream& out, const Shape& s) { return out << s.to_string(); }

bool compatible(const Shape& a, const Shape& b) {
  if (!a.rank_known() || !b.rank_known()) return true;
  if (a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if (a[i] >= 0 && b[i] >= 0 && a[i] != b[i]) return false;
  }
  return true;
}

Result<Shape> merge(const Shape& a, const Shape& b) {
  if (!a.rank_known()) return b;
  if (!b.rank_known()) return a;
  if (a.rank() != b.rank()) {
    return invalid_argument("Shapes must be equal rank, but are ", a.rank(), " and ", b.rank());
  }
  Shape out = a;
  for (int i = 0; i < a.rank(); ++i) {
    if (a[i] < 0) {
      out.set_dim(i, b[i]);
    } else if (b[i] >= 0 && a[i] != b[i]) {
      return invalid_argument("Dimension ", i, " in both shapes must be equal, but are ", a[i], " and ", b[i],
                              ". Shapes are ", a, " and ", b, ".");
    }
  }
  return out;
}

Result<Shape> broadcast(const Shape& a, const Shape& b) {
  if (!a.rank_known() || !b.rank_known()) return Shape::unknown();
  const int rank = std::max(a.rank(), b.rank());
  Shape out = Shape::unknown_of_rank(rank);
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    if (da == db || db == 1) {
      out.set_dim(i, da);
    } else if (da == 1) {
      out.set_dim(i, db);
    } else if (da < 0 || db < 0) {
      // The unknown one is 1 or equals the other, which is more than 1 or unknown itself.
      out.set_dim(i, std::max(da, db));
    } else {
      return invalid_argument("Dimensions must be equal, but are ", da, " and ", db);
    }
  }
  return out;
}

std::array<int64_t, kMaxRank> strides_of(const Shape& s) {
  std::array<int64_t, kMaxRank> strides{};
  int64_t step = 1;
  for (int i = s.rank() - 1; i >= 0; --i) {
    strides[static_cast<size_t>(i)] = step;
    step *= s[i];
  }
  return strides;
}

}  // namespace tw
