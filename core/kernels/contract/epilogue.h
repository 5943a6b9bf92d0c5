// A tape bound to the result of a contraction.
#pragma once

#include <memory>
#include <mutex>

#include "core/kernels/contract.h"
#include "core/kernels/contract/finish.h"
#include "core/kernels/map.h"

namespace tw::contract {

class BoundEpilogue {
 public:
  BoundEpilogue() = default;  // stores the result
  // `space` is the result's shape unless the spec names one.
  static Result<BoundEpilogue> make(const Epilogue& spec, DType dtype, Shape space);

  bool empty() const { return plan_ == nullptr; }
  int num_outputs() const { return num_outputs_; }
  // The output whose memory may hold results until the tape has run over them; -1 when none has their dtype.
  int home() const { return home_; }
  // Runs over elements [begin, begin + count) of the result. `block` points at element `begin` of it, and may be that
  // element of output home().
  Status run(const void* block, const void* const* operands, void* const* outputs, int64_t begin, int64_t count) const;
  double flops() const { return plan_ ? plan_->flops() : 0; }

  // Whether a Finish of results with this many columns, in output 0, does all that the tape does.
  bool in_tiles(int64_t columns) const { return in_tiles_ && columns == columns_; }
  // Only where in_tiles().
  Finish finish(const void* const* operands, void* const* outputs) const;

 private:
  void match_finish(const Tape& tape, const std::vector<Shape>& shapes);

  std::shared_ptr<const MapPlan> plan_;
  int num_operands_ = 0, num_outputs_ = 1, home_ = 0;
  size_t element_size_ = 0;
  std::vector<size_t> output_sizes_;
  bool in_tiles_ = false;
  int64_t columns_ = 0;
  int scale_ = -1, shift_ = -1, addend_ = -1;  // operands of the Finish
  Finish finish_;                              // its limits
};

// Keeps one of the errors that threads meet.
class FirstError {
 public:
  void set(Status s) {
    if (s.ok()) return;
    std::lock_guard lock(mutex_);
    if (status_.ok()) status_ = std::move(s);
  }
  Status take() { return std::move(status_); }

 private:
  std::mutex mutex_;
  Status status_;
};

}  // namespace tw::contract
