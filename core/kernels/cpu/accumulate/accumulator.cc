#include "core/kernels/cpu/accumulate/accumulator.h"

#include "core/framework/step_wait.h"

namespace tw {
namespace {

// to += from, or to /= count.
Status add_to(const Tensor& to, const Tensor& from) {
  const bool known = visit_number(to.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (int64_t i = 0; i < to.num_elements(); ++i) {
      to.data<T>()[i] = static_cast<T>(to.data<T>()[i] + from.data<T>()[i]);
    }
  });
  return known ? Status() : unimplemented("Gradients of ", dtype_name(to.dtype()), " cannot be accumulated");
}
void divide(const Tensor& to, int64_t count) {
  visit_number(to.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T n = static_cast<T>(static_cast<float>(count));
    for (int64_t i = 0; i < to.num_elements(); ++i) to.data<T>()[i] = static_cast<T>(to.data<T>()[i] / n);
  });
}

}  // namespace

int64_t Accumulator::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

void Accumulator::set_global_step(int64_t step) {
  std::lock_guard lock(mutex_);
  global_step_ = step;
}

Status Accumulator::take(StepContext& step, int64_t required, const std::function<Status(int64_t)>& take) {
  if (required <= 0) return invalid_argument("Argument num_required must be positive, but is ", required);
  StepWait wait(step, mutex_, changed_);
  TW_RETURN_IF_ERROR(wait.until([&] { return count_ >= required; }));
  TW_RETURN_IF_ERROR(take(count_));
  count_ = 0;
  ++global_step_;
  return {};
}

Status DenseAccumulator::apply(int64_t local_step, const Tensor& gradient) {
  if (gradient.dtype() != spec().dtype) {
    return invalid_argument(describe(), " accumulates ", dtype_name(spec().dtype), ", not ",
                            dtype_name(gradient.dtype()));
  }
  if (!compatible(spec().shape, gradient.shape())) {
    return invalid_argument("Shape mismatch: ", describe(), " expects gradients of shape ", spec().shape, ", got ",
                            gradient.shape());
  }
  return Accumulator::apply(local_step, [&]() -> Status {
    if (!sum_.valid()) {
      TW_ASSIGN_OR_RETURN(sum_, gradient.clone());
      return {};
    }
    if (sum_.shape() != gradient.shape()) {
      return invalid_argument("Shape mismatch: expected ", sum_.shape(), ", got ", gradient.shape(), " (", describe(),
                              ")");
    }
    return add_to(sum_, gradient);
  });
}

Status DenseAccumulator::take(StepContext& step, int64_t required, Tensor* average) {
  return Accumulator::take(step, required, [&](int64_t count) -> Status {
    *average = std::move(sum_);
    sum_ = Tensor();
    if (spec().mean) divide(*average, count);
    return {};
  });
}

Status SparseAccumulator::apply(int64_t local_step, const Tensor& indices, const Tensor& values, const Tensor& shape) {
  if (values.dtype() != spec().dtype) {
    return invalid_argument(describe(), " accumulates ", dtype_name(spec().dtype), ", not ",
                            dtype_name(values.dtype()));
  }
  if (indices.shape().rank() != 1) {
    return invalid_argument("Input indices should be vector but received shape ", indices.shape());
  }
  if (values.shape().rank() < 1 || values.shape()[0] != indices.shape()[0]) {
    return invalid_argument("Values not compatible with indices: shapes ", values.shape(), " and ", indices.shape());
  }
  Shape row;
  for (int d = 1; d < values.shape().rank(); ++d) row.add_dim(values.shape()[d]);
  if (spec().shape.rank() > 0) {  // a scalar says nothing, as in TensorFlow
    Shape whole{kUnknownDim};
    for (const int64_t d : row.dims()) whole.add_dim(d);
    if (!compatible(spec().shape, whole)) {
      return invalid_argument("Shape mismatch: ", describe(), " expects gradients of shape ", spec().shape,
                              ", got values of shape ", values.shape());
    }
  }
  int64_t limit = spec().shape.rank() > 0 ? spec().shape[0] : kUnknownDim;
  if (shape.num_elements() > 0) {
    if (shape.num_elements() != values.shape().rank()) {
      return invalid_argument("Shape of the gradient has ", shape.num_elements(), " dimensions, its values ",
                              values.shape().rank());
    }
    for (int d = 0; d < values.shape().rank(); ++d) {
      const int64_t n = shape.data<int64_t>()[d];
      const int64_t want = d > 0 ? values.shape()[d] : limit;
      if (want >= 0 && n >= 0 && n != want) {
        return invalid_argument("Shape mismatch: dimension ", d, " of the gradient's shape is ", n, ", expected ", want,
                                " (", describe(), ")");
      }
    }
    if (limit < 0) limit = shape.data<int64_t>()[0];
  }
  for (int64_t i = 0; i < indices.num_elements(); ++i) {
    const int64_t index = indices.data<int64_t>()[i];
    if (index >= 0 && (limit < 0 || index < limit)) continue;
    return invalid_argument("indices[", i, "] = ", index, " is out of bounds for ", limit, " rows (", describe(), ")");
  }
  return Accumulator::apply(local_step, [&]() -> Status {
    if (any_ && row != row_shape_) {
      return invalid_argument("Shape mismatch: expected values of shape [", indices.num_elements(), "] + ", row_shape_,
                              ", got ", values.shape(), " (", describe(), ")");
    }
    any_ = true;
    row_shape_ = row;
    ++gradient_;
    const size_t bytes = static_cast<size_t>(row.num_elements()) * dtype_size(values.dtype());
    for (int64_t i = 0; i < indices.num_elements(); ++i) {
      const Tensor part(values.dtype(), row, values.buffer(),
                        static_cast<size_t>(static_cast<const char*>(values.raw()) -
                                            static_cast<const char*>(values.buffer()->data())) +
                            static_cast<size_t>(i) * bytes);
      Row& to = rows_[indices.data<int64_t>()[i]];
      if (to.sum.valid()) {
        TW_RETURN_IF_ERROR(add_to(to.sum, part));
      } else {
        TW_ASSIGN_OR_RETURN(to.sum, part.clone());
      }
      if (to.seen != gradient_) ++to.count;
      to.seen = gradient_;
    }
    return {};
  });
}

Status SparseAccumulator::take(StepContext& step, int64_t required, Tensor* indices, Tensor* values, Tensor* shape) {
  return Accumulator::take(step, required, [&](int64_t) -> Status {
    const auto n = static_cast<int64_t>(rows_.size());
    std::vector<int64_t> dims{n};
    dims.insert(dims.end(), row_shape_.dims().begin(), row_shape_.dims().end());
    TW_ASSIGN_OR_RETURN(const Shape all, Shape::make(dims));
    TW_ASSIGN_OR_RETURN(*indices, Tensor::make(DType::kInt64, Shape{n}));
    TW_ASSIGN_OR_RETURN(*values, Tensor::make(spec().dtype, all));
    // Of the first dimension only what was declared is known.
    dims[0] = spec().shape.rank() > 0 ? spec().shape[0] : -1;
    *shape = Tensor::vector<int64_t>(dims);
    const size_t bytes = static_cast<size_t>(row_shape_.num_elements()) * dtype_size(spec().dtype);
    int64_t i = 0;
    for (auto& [index, row] : rows_) {
      if (spec().mean) divide(row.sum, row.count);
      indices->data<int64_t>()[i] = index;
      copy_elements(spec().dtype, row.sum.raw(), static_cast<char*>(values->raw()) + static_cast<size_t>(i) * bytes,
                    row_shape_.num_elements());
      ++i;
    }
    rows_.clear();
    any_ = false;
    return {};
  });
}

}  // namespace tw
