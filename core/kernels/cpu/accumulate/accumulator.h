// Conditional accumulators: sums of gradients that are taken out when enough have come. Gradients computed before the
// last taking (their local step is behind) are dropped.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/framework/kernel.h"

namespace tw {

struct AccumulatorSpec {
  std::string kind, name;
  DType dtype = DType::kInvalid;
  Shape shape;       // of the gradients, as far as it was declared
  bool mean = true;  // else the sum is given
};

// Thread-safe.
class Accumulator : public Resource {
 public:
  explicit Accumulator(AccumulatorSpec spec) : spec_(std::move(spec)) {}
  std::string describe() const override { return internal::concat(spec_.kind, " '", spec_.name, "'"); }
  const AccumulatorSpec& spec() const { return spec_; }

  int64_t count() const;
  void set_global_step(int64_t step);

 protected:
  // Calls add() under the lock unless the gradient is stale.
  template <typename Add>
  Status apply(int64_t local_step, const Add& add) {
    std::lock_guard lock(mutex_);
    if (local_step < global_step_) return {};
    TW_RETURN_IF_ERROR(add());
    ++count_;
    changed_.notify_all();
    return {};
  }
  // Waits for `required` gradients, calls take(their number) under the lock, and begins anew.
  Status take(StepContext& step, int64_t required, const std::function<Status(int64_t count)>& take);

 private:
  const AccumulatorSpec spec_;
  mutable std::mutex mutex_;  // of all that follows, and of the sums
  std::condition_variable changed_;
  int64_t count_ = 0, global_step_ = 0;
};

class DenseAccumulator final : public Accumulator {
 public:
  using Accumulator::Accumulator;
  Status apply(int64_t local_step, const Tensor& gradient);
  Status take(StepContext& step, int64_t required, Tensor* average);

 private:
  Tensor sum_;  // not valid: nothing yet
};

// Rows by their index; the mean of a row is over the gradients that have it.
class SparseAccumulator final : public Accumulator {
 public:
  using Accumulator::Accumulator;
  // `shape` is the gradient's dense one; empty where it is not known.
  Status apply(int64_t local_step, const Tensor& indices, const Tensor& values, const Tensor& shape);
  Status take(StepContext& step, int64_t required, Tensor* indices, Tensor* values, Tensor* shape);

 private:
  struct Row {
    Tensor sum;
    int64_t count = 0;
    int64_t seen = -1;  // the gradient that was added last
  };
  std::map<int64_t, Row> rows_;
  Shape row_shape_;
  bool any_ = false;
  int64_t gradient_ = 0;
};

}  // namespace tw
