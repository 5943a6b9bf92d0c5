#include "core/kernels/cpu/sparse/coo.h"

#include <algorithm>
#include <numeric>

namespace tw {

Result<Coo> Coo::read(const RunContext& ctx, int first) { return read(ctx, first, first + 1, first + 2); }

Result<Coo> Coo::read(const RunContext& ctx, int indices, int values, int shape) {
  const Value &i = ctx.input(indices), &v = ctx.input(values), &s = ctx.input(shape);
  if (i.shape->rank() != 2) return invalid_argument("Input indices should be a matrix but received shape ", *i.shape);
  if (v.shape->rank() != 1) return invalid_argument("Input values should be a vector but received shape ", *v.shape);
  if (s.shape->rank() != 1) return invalid_argument("Input shape should be a vector but received shape ", *s.shape);
  Coo t;
  t.indices = &i, t.values = &v;
  t.count = (*i.shape)[0];
  t.rank = static_cast<int>((*s.shape)[0]);
  if (t.count != (*v.shape)[0]) {
    return invalid_argument("There are ", t.count, " indices but ", (*v.shape)[0], " values of a sparse tensor");
  }
  if ((*i.shape)[1] != t.rank) {
    return invalid_argument("Indices of shape ", *i.shape, " do not fit a dense shape of ", t.rank, " dimensions");
  }
  int64_t elements = 1;
  for (int d = 0; d < t.rank; ++d) {
    t.shape.push_back(index_at(s, d));
    if (t.shape.back() < 0) {
      return invalid_argument("Dimension ", d, " of a dense shape is negative: ", t.shape.back());
    }
    if (__builtin_mul_overflow(elements, t.shape.back(), &elements)) {
      return invalid_argument("A dense shape has too many elements: the product up to dimension ", d, " overflows");
    }
  }
  return t;
}

Status Coo::check_bounds(int d) const {
  const int64_t size = shape[static_cast<size_t>(d)];
  for (int64_t i = 0; i < count; ++i) {
    if (index(i, d) < 0 || index(i, d) >= size) {
      return invalid_argument("indices[", i, ",", d, "] = ", index(i, d), " is out of bounds: need 0 <= index < ",
                              size);
    }
  }
  return {};
}

Status Coo::check_bounds() const {
  for (int d = 0; d < rank; ++d) TW_RETURN_IF_ERROR(check_bounds(d));
  return {};
}

int Coo::compare(int64_t i, const Coo& other, int64_t j) const {
  for (int d = 0; d < rank; ++d) {
    const int64_t a = index(i, d), b = other.index(j, d);
    if (a != b) return a < b ? -1 : 1;
  }
  return 0;
}

std::vector<int64_t> Coo::order() const {
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  std::stable_sort(rows.begin(), rows.end(), [this](int64_t a, int64_t b) { return compare(a, *this, b) < 0; });
  return rows;
}

Result<CooOut> allocate_coo(const RunContext& ctx, int indices, int values, int shape, int64_t count,
                            std::span<const int64_t> dense_shape) {
  const auto rank = static_cast<int64_t>(dense_shape.size());
  CooOut out;
  TW_ASSIGN_OR_RETURN(void* const i, ctx.allocate_output(indices, Shape{count, rank}));
  TW_ASSIGN_OR_RETURN(out.values, ctx.allocate_output(values, Shape{count}));
  out.indices = static_cast<int64_t*>(i);
  if (shape < 0) return out;
  TW_ASSIGN_OR_RETURN(void* const s, ctx.allocate_output(shape, Shape{rank}));
  std::copy(dense_shape.begin(), dense_shape.end(), static_cast<int64_t*>(s));
  return out;
}

}  // namespace tw
