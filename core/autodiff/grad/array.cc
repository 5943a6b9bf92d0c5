// Ops that rearrange elements.
#include <algorithm>

#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;

// --- the value itself, or under another shape ---
TW_GRADIENT(Identity) { v.give(0, v.dy()); }
TW_GRADIENT(IdentityN) {
  for (int i = 0; i < v.num_outputs(); ++i) {
    if (v.has_dy(i)) v.give(i, v.dy(i));
  }
}
// Ops whose first input comes out as it is, or nearly so: Print, EnsureShape, quantisation that training looks through.
TW_GRADIENT(PassFirst) { v.give(0, v.dy()); }
TW_GRADIENT(PreventGradient) {
  v.fail(not_found("Gradient explicitly disabled. Reason: ", v.attr().string("message")));
}
TW_GRADIENT(Reshape) { v.give(0, reshape(v.dy(), shape_of(v.x(0)))); }
TW_GRADIENT(ExpandDims) { v.give(0, reshape(v.dy(), shape_of(v.x(0)))); }
TW_GRADIENT(Squeeze) { v.give(0, reshape(v.dy(), shape_of(v.x(0)))); }

// --- order of dimensions and elements ---
static Val inverse_permutation(Vjp& v) {
  if (const auto p = v.constant(1)) {
    std::vector<int64_t> inverse(static_cast<size_t>(p->num_elements()));
    bool valid = true;
    for (int64_t i = 0; i < p->num_elements(); ++i) {
      const int64_t at = index_value(*p, i);
      valid = valid && at >= 0 && at < p->num_elements();
      if (valid) inverse[static_cast<size_t>(at)] = i;
    }
    if (valid) return ints(v.b, inverse);
  }
  return call("InvertPermutation", {v.x(1)});
}
TW_GRADIENT(Transpose) { v.give(0, call("Transpose", {v.dy(), inverse_permutation(v)})); }
TW_GRADIENT(ConjugateTranspose) { v.give(0, call("ConjugateTranspose", {v.dy(), inverse_permutation(v)})); }
TW_GRADIENT(Reverse) { v.give(0, call("Reverse", {v.dy(), v.x(1)})); }
TW_GRADIENT(ReverseV2) { v.give(0, call("ReverseV2", {v.dy(), v.x(1)})); }
TW_GRADIENT(ReverseSequence) {
  v.give(0, call("ReverseSequence", {v.dy(), v.x(1)}, v.attrs({"seq_dim", "batch_dim"})));
}
TW_GRADIENT(Roll) { v.give(0, call("Roll", {v.dy(), -v.x(1), v.x(2)})); }
TW_GRADIENT(SpaceToBatch) { v.give(0, call("BatchToSpace", {v.dy(), v.x(1)}, v.attrs({"block_size"}))); }
TW_GRADIENT(BatchToSpace) { v.give(0, call("SpaceToBatch", {v.dy(), v.x(1)}, v.attrs({"block_size"}))); }
TW_GRADIENT(SpaceToBatchND) { v.give(0, call("BatchToSpaceND", {v.dy(), v.x(1), v.x(2)})); }
TW_GRADIENT(BatchToSpaceND) { v.give(0, call("SpaceToBatchND", {v.dy(), v.x(1), v.x(2)})); }
TW_GRADIENT(SpaceToDepth) { v.give(0, call("DepthToSpace", {v.dy()}, v.attrs({"block_size", "data_format"}))); }
TW_GRADIENT(DepthToSpace) { v.give(0, call("SpaceToDepth", {v.dy()}, v.attrs({"block_size", "data_format"}))); }

// --- joining and cutting ---
// Cuts dy along `axis` into pieces of the shapes of inputs [first, first + n).
static void cut(Vjp& v, int first, int n, int axis_input) {
  if (n == 1) return v.give(first, v.dy());
  Builder& b = v.b;
  const int rank = v.dy().shape().rank();
  if (const auto t = v.constant(axis_input); t && rank > 0) {
    int64_t axis = index_value(*t, 0);
    if (axis < 0) axis += rank;
    std::vector<int64_t> sizes;
    for (int i = 0; i < n; ++i) {
      const Shape s = v.x(first + i).shape();
      if (s.rank() == rank && s[static_cast<int>(axis)] >= 0) sizes.push_back(s[static_cast<int>(axis)]);
    }
    if (sizes.size() == static_cast<size_t>(n)) {
      const Vals parts = call_n("SplitV", sizes.size(), {v.dy(), ints(b, sizes), integer(b, axis)}, {{"num_split", n}});
      for (int i = 0; i < n; ++i) v.give(first + i, parts[static_cast<size_t>(i)]);
      return;
    }
  }
  Vals sizes;
  for (int i = 0; i < n; ++i) sizes.push_back(shape_of(v.x(first + i)));
  const Val axis = call("FloorMod", {cast(v.x(axis_input), DType::kInt32), rank_of(v.x(first))});
  Vals in{axis};
  in.insert(in.end(), sizes.begin(), sizes.end());
  const Vals offsets = call_n("ConcatOffset", sizes.size(), in, {{"N", n}});
  for (int i = 0; i < n; ++i) {
    const size_t k = static_cast<size_t>(i);
    v.give(first + i, call("Slice", {v.dy(), offsets[k], sizes[k]}));
  }
}
TW_GRADIENT(Concat) { cut(v, 1, v.num_inputs() - 1, 0); }
TW_GRADIENT(ConcatV2) { cut(v, 0, v.num_inputs() - 1, v.num_inputs() - 1); }

static Vals all_dys(Vjp& v) {
  Vals dys;
  for (int i = 0; i < v.num_outputs(); ++i) dys.push_back(v.dy_or_zeros(i));
  return dys;
}
TW_GRADIENT(Split) { v.give(1, concat(all_dys(v), v.x(0))); }
TW_GRADIENT(SplitV) { v.give(0, concat(all_dys(v), v.x(2))); }
TW_GRADIENT(Pack) {
  const Vals parts = call_n("Unpack", static_cast<size_t>(v.num_inputs()), {v.dy()},
                            {{"num", v.num_inputs()}, {"axis", v.attr().integer("axis")}});
  for (int i = 0; i < v.num_inputs(); ++i) v.give(i, parts[static_cast<size_t>(i)]);
}
TW_GRADIENT(Unpack) { v.give(0, stack(all_dys(v), v.attr().integer("axis"))); }

// --- windows ---
TW_GRADIENT(Slice) {
  const Val x = v.x(0), begin = v.x(1);
  const DType t = begin.dtype();
  const Val column = stack({rank_of(x), integer(v.b, 1)});
  const Val after = shape_of(x, t) - shape_of(v.y(), t) - begin;
  v.give(0, call("Pad", {v.dy(), concat({reshape(begin, column), reshape(after, column)}, 1)}));
}
static AttrMap slice_masks(Vjp& v) {
  return v.attrs({"begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"});
}
TW_GRADIENT(StridedSlice) {
  const Val shape = shape_of(v.x(0), v.x(1).dtype());
  v.give(0, call("StridedSliceGrad", {shape, v.x(1), v.x(2), v.x(3), v.dy()}, slice_masks(v)));
}
TW_GRADIENT(StridedSliceGrad) { v.give(4, call("StridedSlice", {v.dy(), v.x(1), v.x(2), v.x(3)}, slice_masks(v))); }
static Val inside_padding(Vjp& v) {
  Builder& b = v.b;
  const Val paddings = v.x(1), rank = rank_of(v.x(0));
  const DType t = paddings.dtype();
  const Val zeros = t == DType::kInt64 ? Val{b, b.vector<int64_t>({0, 0})} : ints(b, {0, 0});
  const Val before = call("Slice", {paddings, zeros, cast(stack({rank, integer(b, 1)}), t)});
  return call("Slice", {v.dy(), as_vector(before), shape_of(v.x(0), t)});
}
TW_GRADIENT(Pad) { v.give(0, inside_padding(v)); }
TW_GRADIENT(PadV2) { v.give(0, inside_padding(v)); }  // none flows to the value of the padding, as in TensorFlow
TW_GRADIENT(MirrorPad) { v.give(0, call("MirrorPadGrad", {v.dy(), v.x(1)}, v.attrs({"mode"}))); }
TW_GRADIENT(MirrorPadGrad) { v.give(0, call("MirrorPad", {v.dy(), v.x(1)}, v.attrs({"mode"}))); }

// --- repetition ---
TW_GRADIENT(Tile) {
  Builder& b = v.b;
  const Val multiples = v.x(1), shape = shape_of(v.x(0), multiples.dtype());
  const Shape s = v.x(0).shape();
  const auto known = v.constant(1);
  if (known && s.fully_known()) {
    std::vector<int64_t> split, axes;
    for (int i = 0; i < s.rank(); ++i) {
      const int64_t m = index_value(*known, i);
      if (m == 1) {
        split.push_back(s[i]);
        continue;
      }
      axes.push_back(static_cast<int64_t>(split.size()));
      split.push_back(m);
      split.push_back(s[i]);
    }
    if (split.size() <= static_cast<size_t>(kMaxRank)) {
      const Val g = axes.empty() ? v.dy() : sum(reshape(v.dy(), ints(b, split)), ints(b, axes));
      return v.give(0, g);
    }
  }
  const Val split = as_vector(transpose(stack({multiples, shape}), {1, 0}));
  const Val axes = range(integer(b, 0), size_of(split), integer(b, 2));
  v.give(0, reshape_like(sum(reshape(v.dy(), split), axes), v.x(0)));
}
TW_GRADIENT(TileGrad) { v.give(0, call("Tile", {v.dy(), v.x(1)})); }
TW_GRADIENT(BroadcastTo) { v.give(0, Broadcast(v.x(0), v.y()).left(v.dy())); }
TW_GRADIENT(Fill) { v.give(1, sum_all(v.dy())); }

// --- diagonals and bands ---
TW_GRADIENT(Diag) { v.give(0, call("DiagPart", {v.dy()})); }
TW_GRADIENT(DiagPart) { v.give(0, call("Diag", {v.dy()})); }
TW_GRADIENT(MatrixDiag) { v.give(0, call("MatrixDiagPart", {v.dy()})); }
TW_GRADIENT(MatrixDiagPart) { v.give(0, call("MatrixSetDiag", {zeros_like(v.x(0)), v.dy()})); }
TW_GRADIENT(MatrixSetDiag) {
  v.give(0, call("MatrixSetDiag", {v.dy(), zeros_like(v.x(1))}));
  v.give(1, call("MatrixDiagPart", {v.dy()}));
}
TW_GRADIENT(MatrixDiagV2) { v.give(0, call("MatrixDiagPartV2", {v.dy(), v.x(1), number(v.dy(), 0)})); }
TW_GRADIENT(MatrixDiagPartV2) { v.give(0, call("MatrixSetDiagV2", {zeros_like(v.x(0)), v.dy(), v.x(1)})); }
TW_GRADIENT(MatrixSetDiagV2) {
  v.give(0, call("MatrixSetDiagV2", {v.dy(), zeros_like(v.x(1)), v.x(2)}));
  v.give(1, call("MatrixDiagPartV2", {v.dy(), v.x(2), number(v.dy(), 0)}));
}
TW_GRADIENT(MatrixBandPart) { v.give(0, call("MatrixBandPart", {v.dy(), v.x(1), v.x(2)})); }

}  // namespace tw
