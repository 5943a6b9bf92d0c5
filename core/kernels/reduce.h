// The reduce engine: [outer, reduce, inner] reductions with a map tape before the reduction and one after it.
#pragma once

#include <memory>
#include <span>

#include "core/framework/shape.h"
#include "core/framework/tape.h"
#include "core/platform/worker_pool.h"

namespace tw {

enum class ReduceOp : uint8_t { kSum, kProd, kMax, kMin, kAll, kAny, kArgMax, kArgMin };

struct ReduceSpec {
  ReduceOp op = ReduceOp::kSum;
  Tape pre;  // (none for kArgMax and kArgMin) inputs -> one value of the dtype to reduce; empty (no inputs) means input
             // 0 itself
  std::vector<Shape> shapes;     // of the inputs of `pre` (or of the one input)
  Shape space;                   // the index space reduced over; every input broadcasts to it
  std::vector<int> axes;         // of `space`, ascending, may be empty (then a plain copy)
  Tape post;                     // the reduced value, operands -> outputs; empty means the value itself
  std::vector<Shape> operands;   // of inputs 1 and on of `post`, which broadcast to the result
  bool keep_dims = false;        // how operands see the result: with reduced axes as 1, or without them
  double scale = 1;              // multiplied into the result before `post` (means)
  DType dtype = DType::kFloat;   // of the value reduced
  DType result = DType::kFloat;  // of output 0: dtype, or int32/int64 for kArgMax and kArgMin
};

class ReducePlan {
 public:
  virtual ~ReducePlan() = default;
  // `inputs` are those of `pre`, then the operands of `post`.
  // Outputs are dense over `space` without its reduced axes. `workspace` has workspace_bytes(). Sums of half, bfloat16
  // and float accumulate in float by pairwise blocks, so that the error grows with log n; the split over threads
  // depends on the shape and pool size only, so results repeat. Fails as MapPlan::run does.
  virtual Status run(const void* const* inputs, void* const* outputs, void* workspace, WorkerPool& pool) const = 0;
  virtual size_t workspace_bytes() const = 0;
  virtual double flops() const = 0;
};

// `threads` is the size of the pool run() will get. Empty reductions give the identity (argmax: InvalidArgument).
Result<std::unique_ptr<ReducePlan>> plan_reduce(const ReduceSpec& spec, int threads);

}  // namespace tw
