// Reverse-mode differentiation on graphs: adds to a graph the nodes that compute sums of derivatives.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "core/graph/builder.h"

namespace tw {

// A derivative: dense, or rows of a tensor whose other rows are zero (IndexedSlices).
struct Grad {
  Output dense;
  Output values, indices, dense_shape;  // of a sparse one; dense_shape may be absent
  bool valid() const { return dense.valid() || values.valid(); }
  bool sparse() const { return values.valid(); }
  static Grad of(Output o) { return Grad{o, {}, {}, {}}; }
};

// Gradient of one op: given dy (one per output of `op`, not valid where no gradient flows), append one Grad per input
// to `dx` (not valid where none flows back). Sparse dys have been made dense.
using GradFn = Status (*)(Builder& b, const Node& op, std::span<const Output> dy, std::vector<Grad>* dx);

// How an op row answers "what is your gradient": a function, or none with the reason, or nothing known.
struct GradEntry {
  GradFn fn = nullptr;
  std::string_view none_reason;
  // Bit mask of input arguments through which no gradient flows (indices, shapes).
  uint32_t not_differentiable = 0;
};
const GradEntry& grad_entry(OpId id);  // generated

// A language's own gradients: returns true when it handled the op (then `dx` is filled), false to use the row's. Also
// asked for the ops inside of functions that branches, loops and calls run; the builder then adds to a copy of such a
// function's body.
using GradientOverride =
    std::function<Result<bool>(Builder&, const Node&, std::span<const Output> dy, std::vector<Grad>* dx)>;
// That of the add_gradients that runs on this thread; empty when there is none.
const GradientOverride& active_override();

enum class Aggregation { kAddN, kAccumulate, kTree };

struct GradientOptions {
  std::vector<Output> grad_ys;  // one per y, entries may be not valid (ones); or empty
  std::vector<Output> stop_gradients;
  // Outputs whose value another node computes as well: their derivatives go there.
  std::map<Output, Output> stand_ins;
  Aggregation aggregation = Aggregation::kAddN;
  std::string name = "gradients";  // the scope of the new nodes
  bool colocate = false;           // gives gradient nodes the device of the forward node
  GradientOverride override_fn;
};

// d(sum of ys)/d(each x); entries not valid where y does not depend on x. LookupError-like NotFound when an op on the
// way has no gradient; InvalidArgument for ys of non-differentiable dtype.
Result<std::vector<Grad>> add_gradients(Graph* graph, std::span<const Output> ys, std::span<const Output> xs,
                                        const GradientOptions& options);

// The dense tensor equal to a gradient (itself when it is dense).
Output densify(Builder& b, const Grad& g);

}  // namespace tw
