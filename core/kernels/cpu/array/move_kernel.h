// Kernels that only move elements: each is a planner, which turns shapes and the values of a few inputs into a list of
// strided copies. The list is made once in prepare() when those values are the same in every step, and in run()
// otherwise.
#pragma once

#include <optional>
#include <vector>

#include "core/framework/kernel.h"
#include "core/kernels/move.h"
#include "core/kernels/move/padded_copy.h"

namespace tw {

using Strides = std::array<int64_t, kMaxRank>;

struct MovePlan {
  // Elements of input `in` to output `out`, both from an element offset.
  struct Piece {
    int in, out;
    int64_t from, to;
    StridedCopy copy;
    std::vector<int64_t> dims, from_strides, to_strides;  // for elements that are objects, which copy one by one
  };
  std::vector<Shape> shapes;  // of the outputs
  std::vector<Piece> pieces;
  std::optional<PaddedCopy> padded;  // of input 0 into output 0, around it zeros, or input `fill_input`
  bool fill = false;                 // output 0 starts as zeros, or as input `fill_input`
  int fill_input = -1;
  bool conjugate = false;  // of complex elements, at the end
  bool deferred = false;   // a value is not known yet

  Status defer() {
    deferred = true;
    return {};
  }
};

// What a planner sees of the node.
class MoveArgs {
 public:
  MoveArgs(const PrepareContext& ctx) : prepare_(&ctx), attrs_(&ctx.attrs()) {}
  MoveArgs(const RunContext& ctx, const AttrReader& attrs);

  const AttrReader& attrs() const { return *attrs_; }
  int num_inputs() const { return prepare_ ? prepare_->num_inputs() : run_->num_inputs(); }
  int num_outputs() const { return prepare_ ? prepare_->num_outputs() : run_->num_outputs(); }
  const Shape& shape(int i) const { return prepare_ ? prepare_->input_shape(i) : *run_->input(i).shape; }
  DType dtype(int i) const { return prepare_ ? prepare_->input_dtype(i) : run_->input(i).dtype; }
  // Null when prepare() does not know it; never null in run().
  const Tensor* value(int i) const;

 private:
  const PrepareContext* prepare_ = nullptr;
  const RunContext* run_ = nullptr;
  const AttrReader* attrs_;
  mutable std::vector<Tensor> values_;  // of run_'s inputs, made when asked for
};

using MovePlanner = Status (*)(const MoveArgs& args, MovePlan* plan);

// Adds a copy of an N-d block. Strides and offsets in elements.
void add_piece(const MoveArgs& args, MovePlan* plan, int in, int64_t from, std::span<const int64_t> from_strides,
               int out, int64_t to, std::span<const int64_t> to_strides, std::span<const int64_t> dims);

Status prepare_move(PrepareContext& ctx, MovePlanner planner);
Status run_move(const RunContext& ctx, MovePlanner planner);

template <MovePlanner kPlanner>
inline constexpr KernelDef kMoveKernel = {[](PrepareContext& ctx) { return prepare_move(ctx, kPlanner); },
                                          [](const RunContext& ctx) { return run_move(ctx, kPlanner); }};

#define TW_MOVE_KERNEL(name, planner)   \
  extern const KernelDef kernel_##name; \
  const KernelDef kernel_##name = kMoveKernel<planner>

// Puts off a plan until input i has a value, and reads it.
#define TW_MOVE_VALUE(name, args, plan, i)    \
  const Tensor* const name = (args).value(i); \
  if ((name) == nullptr) return (plan)->defer()

// An axis in [-rank, rank) as one in [0, rank); -1 when it is outside.
inline int canonical_axis(int64_t axis, int rank) {
  return axis < -rank || axis >= rank ? -1 : static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace tw
