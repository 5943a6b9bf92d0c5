// Reductions, scans and segment sums.
#include <algorithm>
#include <limits>

#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

// The reduced dimensions of input 0, in increasing order, when rank and axes are known in the graph.
std::optional<std::vector<int64_t>> static_axes(Vjp& v) {
  const int rank = v.x(0).shape().rank();
  const auto t = v.constant(1);
  if (rank < 0 || !t) return std::nullopt;
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < t->num_elements(); ++i) {
    const int64_t a = index_value(*t, i);
    axes.push_back(a < 0 ? a + rank : a);
  }
  std::sort(axes.begin(), axes.end());
  return axes;
}

// The shape of input 0 with ones for the reduced dimensions.
Val kept_shape(Vjp& v) {
  Builder& b = v.b;
  const Shape s = v.x(0).shape();
  const auto axes = static_axes(v);
  if (axes && s.fully_known()) {
    std::vector<int64_t> kept(s.dims().begin(), s.dims().end());
    for (const int64_t a : *axes) kept[static_cast<size_t>(a)] = 1;
    return ints(b, kept);
  }
  if (axes && axes->size() == static_cast<size_t>(s.rank())) return ints(b, std::vector<int64_t>(axes->size(), 1));
  const Val rank = rank_of(v.x(0));
  const Val reduced = call("FloorMod", {cast(as_vector(v.x(1)), DType::kInt32) + rank, rank});
  const Val all = range(integer(b, 0), rank, integer(b, 1));
  return call("DynamicStitch", {all, reduced, shape_of(v.x(0)), fill(shape_of(reduced), integer(b, 1))}, {{"N", 2}});
}

Val spread(Vjp& v, Val dy) { return broadcast_to(reshape(dy, kept_shape(v)), shape_of(v.x(0))); }

// The derivative goes to the selected elements, shared equally where several are equal.
void selected(Vjp& v) {
  const Val kept = kept_shape(v);
  const Val y = reshape(v.y(), kept), dy = reshape(v.dy(), kept);
  const Val chosen = cast(call("Equal", {y, v.x(0)}), dy.dtype());
  v.give(0, chosen / reshape(sum(chosen, v.x(1)), kept) * dy);
}

}  // namespace

TW_GRADIENT(Sum) { v.give(0, spread(v, v.dy())); }

TW_GRADIENT(Mean) {
  const Shape in = v.x(0).shape(), out = v.y().shape();
  Val count;
  if (in.fully_known() && out.fully_known()) {
    const int64_t n = in.num_elements() / std::max<int64_t>(out.num_elements(), 1);
    count = number(v.dy(), static_cast<double>(n));
  } else {
    count =
        cast(call("FloorDiv", {size_of(v.x(0)), call("Maximum", {size_of(v.y()), integer(v.b, 1)})}), v.dy().dtype());
  }
  v.give(0, spread(v, v.dy() / count));
}

TW_GRADIENT(Max) { selected(v); }
TW_GRADIENT(Min) { selected(v); }

TW_GRADIENT(EuclideanNorm) {
  const Val kept = kept_shape(v);
  v.give(0, v.x(0) * call("DivNoNan", {reshape(v.dy(), kept), reshape(v.y(), kept)}));
}

// The product of the others, from a running product on either side, so that zeros among the elements do no harm.
TW_GRADIENT(Prod) {
  Builder& b = v.b;
  const Val x = v.x(0);
  Val perm, inverse, reduced_size, other_size;
  const auto axes = static_axes(v);
  if (axes && x.shape().fully_known()) {
    std::vector<int64_t> order = *axes, back(static_cast<size_t>(x.shape().rank()));
    int64_t reduced = 1, other = 1;
    for (const int64_t a : *axes) reduced *= x.shape()[static_cast<int>(a)];
    for (int64_t i = 0; i < x.shape().rank(); ++i) {
      if (std::find(axes->begin(), axes->end(), i) != axes->end()) continue;
      order.push_back(i);
      other *= x.shape()[static_cast<int>(i)];
    }
    for (size_t i = 0; i < order.size(); ++i) back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
    perm = ints(b, order);
    inverse = ints(b, back);
    reduced_size = integer(b, reduced);
    other_size = integer(b, other);
  } else {
    const Val rank = rank_of(x), shape = shape_of(x);
    const Val reduced = call("FloorMod", {cast(as_vector(v.x(1)), DType::kInt32) + rank, rank});
    const Val other = call("ListDiff", {range(integer(b, 0), rank, integer(b, 1)), reduced});
    const Val zero = ints(b, {0});
    perm = concat({reduced, other}, 0);
    inverse = call("InvertPermutation", {perm});
    reduced_size = call("Prod", {gather(shape, reduced), zero});
    other_size = call("Prod", {gather(shape, other), zero});
  }
  const Val permuted = call("Transpose", {x, perm});
  const Val flat = reshape(permuted, stack({reduced_size, other_size}));
  const Val zero = integer(b, 0);
  const Val before = call("Cumprod", {flat, zero}, {{"exclusive", true}});
  const Val after = call("Cumprod", {flat, zero}, {{"exclusive", true}, {"reverse", true}});
  const Val others = call("Transpose", {reshape_like(conj(before) * conj(after), permuted), inverse});
  v.give(0, reshape_like(others * spread(v, v.dy()), x));
}

static AttrMap scan_attrs(Vjp& v, bool backwards) {
  return {{"exclusive", v.attr().boolean("exclusive")}, {"reverse", v.attr().boolean("reverse") != backwards}};
}
TW_GRADIENT(Cumsum) { v.give(0, call("Cumsum", {v.dy(), v.x(1)}, scan_attrs(v, true))); }
TW_GRADIENT(Cumprod) {
  const Val x = conj(v.x(0));
  v.give(0, call("Cumsum", {conj(v.y()) * v.dy(), v.x(1)}, scan_attrs(v, true)) / x);
}

// Sums of exponentials weighted by dy, of either sign apart, whose logarithms run with those of the results.
TW_GRADIENT(CumulativeLogsumexp) {
  const Val x = v.x(0), dy = v.dy(), zero = zeros_like(dy);
  const double least = dy.dtype() == DType::kDouble  ? std::numeric_limits<double>::lowest()
                       : dy.dtype() == DType::kFloat ? static_cast<double>(std::numeric_limits<float>::lowest())
                                                     : -65504.0;
  const auto part_of = [&](const char* sign, Val weight) {
    const Val log = select(call(sign, {dy, zero}), call("Log", {weight}), fill(shape_of(dy), number(dy, least)));
    const Val sums = call("CumulativeLogsumexp", {log - v.y(), v.x(1)}, scan_attrs(v, true));
    return call("Exp", {sums + x});
  };
  v.give(0, part_of("Greater", dy) - part_of("Less", -dy));
}

// --- segments ---
TW_GRADIENT(SegmentSum) { v.give(0, gather(v.dy(), v.x(1))); }
TW_GRADIENT(SegmentMean) {
  const Val ids = v.x(1);
  const Val ones_shape = concat({shape_of(ids), fill(as_vector(rank_of(v.x(0)) - 1.0), integer(v.b, 1))}, 0);
  const Val counts = call("SegmentSum", {fill(ones_shape, number(v.dy(), 1)), ids});
  v.give(0, gather(v.dy() / counts, ids));
}
static void segment_selected(Vjp& v) {
  const Val chosen = call("Equal", {v.x(0), gather(v.y(), v.x(1))});
  const Val counts = call("SegmentSum", {cast(chosen, v.dy().dtype()), v.x(1)});
  v.give(0, select(chosen, gather(v.dy() / counts, v.x(1)), zeros_like(v.x(0))));
}
TW_GRADIENT(SegmentMax) { segment_selected(v); }
TW_GRADIENT(SegmentMin) { segment_selected(v); }

namespace {

// Rows of a segment tensor for each id; rows of negative ids, which belong to no segment, are zero.
class SegmentRows {
 public:
  explicit SegmentRows(Val ids) : ids_(ids), clipped_(call("Maximum", {ids, zeros_like(ids)})) {}
  Val gather_raw(Val segments) const { return gather(segments, clipped_); }
  // Whether the id of each element of `rows` is one of a segment, of a shape that broadcasts to it.
  Val valid(Val rows) const {
    Builder& b = ids_.builder();
    const Val extra = rank_of(rows) - rank_of(ids_);
    const Val shape = concat({shape_of(ids_), fill(as_vector(extra), integer(b, 1))}, 0);
    return reshape(call("GreaterEqual", {ids_, zeros_like(ids_)}), shape);
  }
  Val gather_valid(Val segments) const {
    const Val rows = gather_raw(segments);
    return call("SelectV2", {valid(rows), rows, number(rows, 0)});
  }

 private:
  Val ids_, clipped_;
};

void unsorted_selected(Vjp& v) {
  const SegmentRows rows(v.x(1));
  const Val y = rows.gather_raw(v.y());
  const Val chosen = call("LogicalAnd", {call("Equal", {v.x(0), y}), rows.valid(y)});
  const Val counts = call("UnsortedSegmentSum", {cast(chosen, v.dy().dtype()), v.x(1), v.x(2)});
  const Val dy = rows.gather_valid(v.dy() / counts);
  v.give(0, select(chosen, dy, zeros_like(dy)));
}

}  // namespace

TW_GRADIENT(UnsortedSegmentSum) { v.give(0, SegmentRows(v.x(1)).gather_valid(v.dy())); }
TW_GRADIENT(UnsortedSegmentMax) { unsorted_selected(v); }
TW_GRADIENT(UnsortedSegmentMin) { unsorted_selected(v); }
// Dividing the product by an element fails for zeros: with one zero in a segment only that element has a derivative,
// the product of the others; with more, none has.
TW_GRADIENT(UnsortedSegmentProd) {
  const Val x = v.x(0), ids = v.x(1), segments = v.x(2);
  const SegmentRows rows(ids);
  const Val is_zero = call("Equal", {x, number(x, 0)});
  const Val zeros = call("UnsortedSegmentSum", {cast(is_zero, DType::kInt32), ids, segments});
  const Val dy = select(call("Greater", {zeros, integer(v.b, 1)}), zeros_like(v.dy()), v.dy());
  const Val others = call("UnsortedSegmentProd", {select(is_zero, ones_like(x), x), ids, segments});
  const Val slope = select(is_zero, rows.gather_raw(others), rows.gather_raw(v.y()) / x);
  v.give(0, rows.gather_valid(dy) * slope);
}

static Val input_rows(Vjp& v) { return at(shape_of(v.x(0)), 0); }
TW_GRADIENT(SparseSegmentSum) {
  v.give(0, call("UnsortedSegmentSum", {gather(v.dy(), v.x(2)), v.x(1), input_rows(v)}));
}
static void sparse_segment_scaled(Vjp& v, const char* op) {
  v.give(0, call(op, {v.dy(), v.x(1), v.x(2), input_rows(v)}));
}
TW_GRADIENT(SparseSegmentMean) { sparse_segment_scaled(v, "SparseSegmentMeanGrad"); }
TW_GRADIENT(SparseSegmentSqrtN) { sparse_segment_scaled(v, "SparseSegmentSqrtNGrad"); }

}  // namespace tw
