#include "core/kernels/cpu/parse/feature_columns.h"

#include <algorithm>

#include "core/formats/wire.h"

namespace tw {

std::string ExampleName::text(std::string_view key) const {
  return internal::concat("Name: ", name.empty() ? "<unknown>" : name, ", Key: ", key);
}

Status wrong_feature_type(const ExampleName& name, std::string_view key, DType have, DType want) {
  return invalid_argument(name.text(key), ".  Data types don't match. Data type: ", dtype_name(have),
                          " but expected type: ", dtype_name(want));
}

Status parse_guarded(const std::function<Status()>& fn, std::string_view what, std::string_view bytes) {
  try {
    return fn();
  } catch (const protozero::exception& e) {
    std::string shown;
    for (const char c : bytes.substr(0, 64)) shown += c >= 32 && c < 127 ? c : '?';
    return invalid_argument("Could not parse ", what, " input, value: '", shown, "': ", e.what());
  }
}

Status SparseColumn::add(const Feature* feature, const ExampleName& name) {
  if (feature != nullptr && feature->dtype != DType::kInvalid) {
    if (feature->dtype != values_.dtype) return wrong_feature_type(name, key_, feature->dtype, values_.dtype);
    values_.append(*feature);
  }
  ends_.push_back(values_.size());
  return {};
}

Status SparseColumn::store(const RunContext& ctx, int indices, int values, int shape, bool batch) const {
  const auto count = static_cast<int64_t>(values_.size());
  TW_ASSIGN_OR_RETURN(void* const index_out, ctx.allocate_output(indices, Shape{count, batch ? 2 : 1}));
  TW_ASSIGN_OR_RETURN(void* const value_out, ctx.allocate_output(values, Shape{count}));
  TW_ASSIGN_OR_RETURN(void* const shape_out, ctx.allocate_output(shape, Shape{batch ? 2 : 1}));
  values_.copy(0, values_.size(), value_out);
  auto* index = static_cast<int64_t*>(index_out);
  size_t begin = 0, longest = 0;
  for (size_t row = 0; row < ends_.size(); ++row) {
    for (size_t i = begin; i < ends_[row]; ++i) {
      if (batch) *index++ = static_cast<int64_t>(row);
      *index++ = static_cast<int64_t>(i - begin);
    }
    longest = std::max(longest, ends_[row] - begin);
    begin = ends_[row];
  }
  auto* dims = static_cast<int64_t*>(shape_out);
  if (batch) *dims++ = static_cast<int64_t>(ends_.size());
  *dims = static_cast<int64_t>(longest);
  return {};
}

Result<DenseColumn> DenseColumn::make(std::string key, DType dtype, const Shape& shape, Tensor fallback) {
  DenseColumn c(std::move(key), dtype);
  c.shape_ = shape;
  if (!shape.rank_known()) return invalid_argument("dense_shapes of key ", c.key_, " must have a known rank");
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] >= 0) c.stride_ *= shape[d];
    else if (d > 0) {
      return invalid_argument("dense_shapes of key ", c.key_, " must be known but for its first dimension: ", shape);
    }
  }
  if (fallback.dtype() != dtype) {
    return invalid_argument("dense_defaults of key ", c.key_, " has dtype ", dtype_name(fallback.dtype()),
                            " instead of ", dtype_name(dtype));
  }
  if (c.variable()) {
    if (fallback.num_elements() != 1) {
      return invalid_argument(
          "dense_shape of key ", c.key_, " is a variable length shape: ", shape,
          ", therefore its default must contain a single element (the padding element), but it has ", fallback.shape());
    }
  } else if (fallback.num_elements() > 0 && fallback.shape() != shape) {
    return invalid_argument("def_value of key ", c.key_, " has shape ", fallback.shape(), " != dense_shape ", shape);
  }
  c.fallback_ = std::move(fallback);
  return c;
}

Status DenseColumn::add(const Feature* feature, const ExampleName& name) {
  if (feature != nullptr && feature->dtype != DType::kInvalid) {
    if (feature->dtype != values_.dtype) return wrong_feature_type(name, key_, feature->dtype, values_.dtype);
    const size_t before = values_.size();
    values_.append(*feature);
    const auto count = static_cast<int64_t>(values_.size() - before);
    const bool fits = variable() ? stride_ > 0 && count % stride_ == 0 : count == stride_;
    if (!fits) {
      return invalid_argument(name.text(key_), ".  Number of ", dtype_name(values_.dtype), " values != expected.  ",
                              "Values size: ", count, " but output shape: ", shape_);
    }
  } else if (!variable()) {
    if (fallback_.num_elements() == 0 && stride_ > 0) {
      return invalid_argument("Name: ", name.name.empty() ? "<unknown>" : name.name, ", Feature: ", key_,
                              " (data type: ", dtype_name(values_.dtype), ") is required but could not be found.");
    }
    // Defaults are kept as values, so that storing is one copy.
    const auto n = static_cast<size_t>(stride_);
    if (values_.dtype == DType::kFloat) {
      values_.floats.insert(values_.floats.end(), fallback_.data<float>(), fallback_.data<float>() + n);
    } else if (values_.dtype == DType::kInt64) {
      values_.ints.insert(values_.ints.end(), fallback_.data<int64_t>(), fallback_.data<int64_t>() + n);
    } else {
      const std::string* s = fallback_.data<std::string>();
      values_.strings.insert(values_.strings.end(), s, s + n);
    }
  }
  ends_.push_back(values_.size());
  return {};
}

Status DenseColumn::store(const RunContext& ctx, int output, bool batch) const {
  std::vector<int64_t> dims(shape_.dims().begin(), shape_.dims().end());
  int64_t longest = 0;
  size_t begin = 0;
  for (const size_t end : ends_) {
    longest = std::max(longest, static_cast<int64_t>(end - begin));
    begin = end;
  }
  if (variable()) dims[0] = stride_ > 0 ? longest / stride_ : 0;
  if (batch) dims.insert(dims.begin(), static_cast<int64_t>(ends_.size()));
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make(dims));
  TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(output, shape));
  if (!variable()) {
    values_.copy(0, values_.size(), out);
    return {};
  }
  const size_t size = dtype_size(values_.dtype);
  auto* to = static_cast<char*>(out);
  begin = 0;
  for (const size_t end : ends_) {
    values_.copy(begin, end, to);
    for (auto i = static_cast<int64_t>(end - begin); i < longest; ++i) {
      copy_elements(values_.dtype, fallback_.raw(), to + static_cast<size_t>(i) * size, 1);
    }
    to += static_cast<size_t>(longest) * size;
    begin = end;
  }
  return {};
}

}  // namespace tw
