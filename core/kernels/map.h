// The map engine: a tape of micro-ops over a collapsed, broadcast index space, interpreted block by block in L1.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "core/framework/shape.h"
#include "core/framework/tape.h"
#include "core/platform/worker_pool.h"

namespace tw {

// A tape bound to shapes. Immutable; any number of threads may run it at once.
class MapPlan {
 public:
  virtual ~MapPlan() = default;
  // inputs and outputs as the tape numbers them, dense and row-major in the shapes given to plan_map. An output may be
  // the same memory as an input of equal shape and element size. Never allocates. Fails only where can_fail():
  // InvalidArgument "Integer division by zero" (the quotient of such elements is then 0).
  virtual Status run(const void* const* inputs, void* const* outputs, WorkerPool& pool) const = 0;
  // For reductions and epilogues: evaluates elements [begin, begin + count) of the flat index space into `outputs`,
  // whose first element is element `begin`; on the calling thread.
  virtual Status run_block(const void* const* inputs, void* const* outputs, int64_t begin, int64_t count) const = 0;
  // Elements [begin, end) of the space on the calling thread, inputs and outputs as run() has them. Only for tapes that
  // cannot fail. Outputs of the bits of `stream` pass the caches by if all of them would not fit there.
  virtual void run_part(const void* const* inputs, void* const* outputs, int64_t begin, int64_t end,
                        uint64_t stream) const = 0;
  virtual bool can_fail() const = 0;  // the tape divides integers
  virtual double flops() const = 0;   // of the whole space, one per micro-op and element, transcendental ones 10
};

inline constexpr int64_t kMapBlock = 1024;

// `shapes` are the inputs' shapes; `space` the outputs' common shape, to which every input broadcasts (numpy rules).
// Unimplemented names the micro-op and dtype that no kernel covers. Plans are kept and shared, since networks repeat a
// few of them many times. Thread-safe.
Result<std::shared_ptr<const MapPlan>> plan_map(const Tape& tape, std::span<const Shape> shapes, const Shape& space);

// Whether the engine has `op` for operands of `operand` (and for cast, that result).
bool map_supports(MicroOp op, DType operand, DType result);

}  // namespace tw
