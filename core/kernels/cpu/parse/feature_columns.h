// Columns of parsed examples: what ParseExample and its relatives want of each message, and what they gather.
#pragma once

#include <functional>
#include <span>

#include "core/formats/example.h"
#include "core/kernels/cpu/array/outputs.h"

namespace tw {

// Names an example in messages.
struct ExampleName {
  std::string name;  // empty: unknown
  std::string text(std::string_view key) const;
};

// Values of a feature of any number of elements; rows() tells whose they are.
class SparseColumn {
 public:
  SparseColumn(std::string key, DType dtype) : key_(std::move(key)), values_(dtype) {}

  const std::string& key() const { return key_; }
  // Takes the feature of the next row; null where it has none. InvalidArgument for another dtype.
  Status add(const Feature* feature, const ExampleName& name);
  // Indices [n, 2] (row, position), or [n, 1] of a column of one row that is no batch; values; dense shape.
  Status store(const RunContext& ctx, int indices, int values, int shape, bool batch) const;

 private:
  std::string key_;
  FeatureValues values_;
  std::vector<size_t> ends_;  // of the rows in values_
};

// Values of a feature of a fixed shape, or of any number of rows of one when its first dimension is unknown.
class DenseColumn {
 public:
  // InvalidArgument unless the default has the shape, or is empty (there is none), or one padding value for rows.
  static Result<DenseColumn> make(std::string key, DType dtype, const Shape& shape, Tensor fallback);

  const std::string& key() const { return key_; }
  Status add(const Feature* feature, const ExampleName& name);
  // [rows] + shape, or the shape alone when it is no batch.
  Status store(const RunContext& ctx, int output, bool batch) const;

 private:
  DenseColumn(std::string key, DType dtype) : key_(std::move(key)), values_(dtype) {}
  bool variable() const { return shape_.rank() > 0 && shape_[0] < 0; }

  std::string key_;
  Shape shape_;
  int64_t stride_ = 1;  // elements of a row: of the shape, or of what follows the unknown dimension
  Tensor fallback_;
  FeatureValues values_;
  std::vector<size_t> ends_;
};

Status wrong_feature_type(const ExampleName& name, std::string_view key, DType have, DType want);

// Calls fn() and turns what malformed bytes throw into an InvalidArgument.
Status parse_guarded(const std::function<Status()>& fn, std::string_view what, std::string_view bytes);

}  // namespace tw
