// Chains of reductions along rows (softmax, norms, their gradients): maps over a tensor and reductions of its rows that
// need each other, run on a few rows at a time, so that what passes between them stays in cache.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/framework/rows_stage.h"
#include "core/framework/shape.h"
#include "core/platform/worker_pool.h"

namespace tw {

struct RowsSpec {
  Shape space;
  int first_axis = 0;         // a row is all elements along the axes from this one on
  std::vector<Shape> shapes;  // of the inputs, as they broadcast to the space, or to the rows for kRowMap
  std::vector<DType> dtypes;
  std::vector<RowsStage> stages;
  std::vector<int> outputs;  // results of stages
};

class RowsPlan {
 public:
  virtual ~RowsPlan() = default;
  // Outputs are dense. Results repeat bit for bit for the same spec and thread count.
  virtual Status run(const void* const* inputs, void* const* outputs, void* workspace, WorkerPool& pool) const = 0;
  virtual size_t workspace_bytes() const = 0;
  virtual double flops() const = 0;
  // Whether output `out` may be the memory of input `in` of its shape and element size: nothing reads the input after
  // the stage that writes the output.
  virtual bool may_share(int in, int out) const = 0;
};

// `threads` is the size of the pool run() will get. InvalidArgument for stages that do not fit together.
Result<std::unique_ptr<RowsPlan>> plan_rows(const RowsSpec& spec, int threads);

}  // namespace tw
