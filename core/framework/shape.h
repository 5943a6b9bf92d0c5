// Shapes, known or partly known: rank -1 means unknown rank, a dimension of -1 an unknown size.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>

#include "core/platform/status.h"

namespace tw {

// The largest rank the runtime carries. Fixed, so that a Shape never allocates.
inline constexpr int kMaxRank = 12;
inline constexpr int64_t kUnknownDim = -1;

class Shape {
 public:
  Shape() = default;  // rank 0: a scalar
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  // Precondition: at most kMaxRank dims, each >= -1. Use make() for sizes that come from outside.
  explicit Shape(std::span<const int64_t> dims);
  static Shape unknown() {
    Shape s;
    s.rank_ = -1;
    return s;
  }
  static Shape unknown_of_rank(int rank);
  // Checks rank, signs and that the element count fits in int64.
  static Result<Shape> make(std::span<const int64_t> dims, bool allow_unknown = false);

  bool rank_known() const { return rank_ >= 0; }
  int rank() const { return rank_; }  // -1 when unknown
  int64_t dim(int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t operator[](int i) const { return dim(i); }
  void set_dim(int i, int64_t size) { dims_[static_cast<size_t>(i)] = size; }
  void add_dim(int64_t size);  // precondition: rank known and below kMaxRank
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_ < 0 ? 0 : rank_)}; }

  bool fully_known() const;
  bool is_scalar() const { return rank_ == 0; }
  // Product of the dimensions; precondition: fully known.
  int64_t num_elements() const;
  // Product of dims [begin, end); precondition: those are known.
  int64_t product(int begin, int end) const;
  bool operator==(const Shape& o) const;

  // "[2,3]", "[?,3]", "<unknown>".
  std::string to_string() const;

 private:
  int8_t rank_ = 0;
  std::array<int64_t, kMaxRank> dims_{};
};

// True when some fully known shape fits both.
bool compatible(const Shape& a, const Shape& b);
// The most specific shape both allow; an error when they contradict each other.
Result<Shape> merge(const Shape& a, const Shape& b);
// numpy broadcasting of partly known shapes.
Result<Shape> broadcast(const Shape& a, const Shape& b);
// Row-major element strides of a fully known shape.
std::array<int64_t, kMaxRank> strides_of(const Shape& s);

// As part of a message; as part of a stream.
void append(std::string* text, const Shape& s);
std::ostream& operator<<(std::ostream& out, const Shape& s);

}  // namespace tw
