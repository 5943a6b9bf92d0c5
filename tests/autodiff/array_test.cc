// Gradients of ops that rearrange, pick, reduce and multiply, first and second order. The expressions square what they
// move where the op alone is linear, so that the second derivative is not nothing.
#include <gtest/gtest.h>

#include "tests/autodiff/numeric.h"

namespace tw::testing {
namespace {

using grad::call;
using grad::call_n;
using grad::integer;
using grad::ints;
using grad::Val;
using grad::Vals;

struct Case {
  const char* name;
  std::vector<In> inputs;
  Expression f;
  CheckOptions options = {};
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Val square(Val x) { return x * x; }
Builder& builder(const Vals& x) { return x[0].builder(); }
Val hide_shape(Val x) {
  return call("PlaceholderWithDefault", {x}, {{"shape", Shape::unknown_of_rank(x.shape().rank())}});
}
AttrMap strides(std::initializer_list<int64_t> s, const char* padding) {
  return {{"strides", std::vector<int64_t>(s)}, {"padding", padding}};
}
AttrMap pool(int64_t size, int64_t step, const char* padding) {
  return {{"ksize", std::vector<int64_t>{1, size, size, 1}},
          {"strides", std::vector<int64_t>{1, step, step, 1}},
          {"padding", padding}};
}

class Gradient : public ::testing::TestWithParam<Case> {};

TEST_P(Gradient, MatchesFiniteDifferences) {
  const Case& c = GetParam();
  check_gradient(c.name, c.inputs, c.f, c.options);
}

const Case kReductions[] = {
    {"SumAll", {{{2, 3}}}, [](const Vals& x) { return call("Sum", {square(x[0]), ints(builder(x), {0, 1})}); }},
    {"SumOne", {{{2, 3, 2}}}, [](const Vals& x) { return call("Sum", {square(x[0]), ints(builder(x), {-2})}); }},
    {"SumKept", {{{2, 3}}}, [](const Vals& x) { return grad::sum(square(x[0]), {1}, true); }},
    {"SumUnknown",
     {{{2, 3}}},
     [](const Vals& x) { return call("Sum", {square(hide_shape(x[0])), ints(builder(x), {1})}); }},
    {"MeanAll", {{{2, 3}}}, [](const Vals& x) { return call("Mean", {square(x[0]), ints(builder(x), {0, 1})}); }},
    {"MeanOne", {{{2, 3}}}, [](const Vals& x) { return call("Mean", {square(x[0]), ints(builder(x), {0})}); }},
    {"MeanUnknown",
     {{{2, 3}}},
     [](const Vals& x) { return call("Mean", {square(hide_shape(x[0])), ints(builder(x), {0})}); }},
    {"Max", {{{3, 4}}}, [](const Vals& x) { return call("Max", {square(x[0]), ints(builder(x), {1})}); }},
    {"Min", {{{3, 4}}}, [](const Vals& x) { return call("Min", {x[0], ints(builder(x), {0, 1})}); }, {.order = 1}},
    {"Prod", {{{2, 3}}}, [](const Vals& x) { return call("Prod", {x[0], ints(builder(x), {1})}); }},
    {"ProdUnknown",
     {{{2, 3}}},
     [](const Vals& x) { return call("Prod", {hide_shape(x[0]), ints(builder(x), {0})}); },
     {.order = 1}},
    {"ProdWithZero",
     {{{3}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       const Val mask{b, b.vector<double>({1, 0, 1})};
       return call("Prod", {x[0] * mask, ints(b, {0})});
     },
     {.order = 1}},
    {"Cumsum", {{{2, 4}}}, [](const Vals& x) { return call("Cumsum", {square(x[0]), integer(builder(x), 1)}); }},
    {"CumsumReversed",
     {{{4}}},
     [](const Vals& x) {
       return call("Cumsum", {square(x[0]), integer(builder(x), 0)}, {{"exclusive", true}, {"reverse", true}});
     }},
    {"Cumprod", {{{4}, 0.5, 1.5}}, [](const Vals& x) { return call("Cumprod", {x[0], integer(builder(x), 0)}); }},
    {"SegmentSum",
     {{{4, 2}}},
     [](const Vals& x) { return call("SegmentSum", {square(x[0]), ints(builder(x), {0, 0, 1, 1})}); }},
    {"SegmentMean",
     {{{4, 2}}},
     [](const Vals& x) { return call("SegmentMean", {square(x[0]), ints(builder(x), {0, 0, 0, 1})}); }},
    {"SparseSegmentSum",
     {{{3, 2}}},
     [](const Vals& x) {
       return call("SparseSegmentSum", {square(x[0]), ints(builder(x), {2, 0, 2}), ints(builder(x), {0, 0, 1})});
     }},
    {"SparseSegmentMean",
     {{{3, 2}}},
     [](const Vals& x) {
       return call("SparseSegmentMean", {square(x[0]), ints(builder(x), {2, 0, 2}), ints(builder(x), {0, 0, 1})});
     },
     {.order = 1}},
    {"SparseSegmentSqrtN",
     {{{3, 2}}},
     [](const Vals& x) {
       return call("SparseSegmentSqrtN", {square(x[0]), ints(builder(x), {2, 0, 2}), ints(builder(x), {0, 0, 1})});
     },
     {.order = 1}},
    {"SegmentMax",
     {{{4, 2}}},
     [](const Vals& x) { return call("SegmentMax", {x[0], ints(builder(x), {0, 0, 1, 1})}); },
     {.order = 1}},
    {"UnsortedSegmentSum",
     {{{4, 2}}},
     [](const Vals& x) {
       return call("UnsortedSegmentSum", {square(x[0]), ints(builder(x), {1, -1, 1, 0}), integer(builder(x), 3)});
     }},
    {"UnsortedSegmentMax",
     {{{4, 2}}},
     [](const Vals& x) {
       return call("UnsortedSegmentMax", {x[0], ints(builder(x), {1, 0, 1, 0}), integer(builder(x), 2)});
     },
     {.order = 1}},
    {"UnsortedSegmentProd",
     {{{4}, 0.5, 1.5}},
     [](const Vals& x) {
       return call("UnsortedSegmentProd", {x[0], ints(builder(x), {1, 0, 1, 0}), integer(builder(x), 2)});
     },
     {.order = 1}},
};

const Case kMovers[] = {
    {"Reshape", {{{2, 3}}}, [](const Vals& x) { return call("Reshape", {square(x[0]), ints(builder(x), {3, 2})}); }},
    {"ExpandDims", {{{2, 3}}}, [](const Vals& x) { return grad::expand_dims(square(x[0]), 1); }},
    {"Squeeze", {{{2, 1, 3}}}, [](const Vals& x) { return call("Squeeze", {square(x[0])}); }},
    {"Transpose", {{{2, 3, 2}}}, [](const Vals& x) { return grad::transpose(square(x[0]), {2, 0, 1}); }},
    {"ReverseV2", {{{2, 3}}}, [](const Vals& x) { return call("ReverseV2", {square(x[0]), ints(builder(x), {1})}); }},
    {"Concat", {{{2, 1}}, {{2, 3}}}, [](const Vals& x) { return square(grad::concat({x[0], x[1]}, 1)); }},
    {"ConcatUnknown",
     {{{2, 1}}, {{2, 3}}},
     [](const Vals& x) { return square(grad::concat({hide_shape(x[0]), hide_shape(x[1])}, -1)); }},
    {"Pack", {{{2}}, {{2}}}, [](const Vals& x) { return square(grad::stack({x[0], x[1]}, 1)); }},
    {"Unpack",
     {{{3, 2}}},
     [](const Vals& x) {
       const Vals rows = call_n("Unpack", 3, {x[0]}, {{"num", 3}});
       return rows[0] * rows[2];
     }},
    {"Split",
     {{{2, 4}}},
     [](const Vals& x) {
       const Vals parts = call_n("Split", 2, {integer(builder(x), 1), x[0]}, {{"num_split", 2}});
       return parts[0] * parts[1];
     }},
    {"SplitV",
     {{{4}}},
     [](const Vals& x) {
       const Vals parts =
           call_n("SplitV", 2, {x[0], ints(builder(x), {1, 3}), integer(builder(x), 0)}, {{"num_split", 2}});
       return parts[0] * parts[1];
     }},
    {"Slice",
     {{{3, 4}}},
     [](const Vals& x) { return call("Slice", {square(x[0]), ints(builder(x), {1, 0}), ints(builder(x), {2, 3})}); }},
    {"StridedSlice",
     {{{4, 3}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return call("StridedSlice", {square(x[0]), ints(b, {3, 0}), ints(b, {0, 0}), ints(b, {-2, 1})},
                   {{"end_mask", 2}, {"shrink_axis_mask", 0}});
     }},
    {"StridedSliceIndex",
     {{{4, 3}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return call("StridedSlice", {square(x[0]), ints(b, {1}), ints(b, {2}), ints(b, {1})}, {{"shrink_axis_mask", 1}});
     }},
    {"Pad",
     {{{2, 2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return call("Pad", {square(x[0]), call("Reshape", {ints(b, {1, 0, 0, 2}), ints(b, {2, 2})})});
     }},
    {"PadV2",
     {{{2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return square(call("PadV2", {x[0], call("Reshape", {ints(b, {1, 2}), ints(b, {1, 2})}), number(x[0], 0.5)}));
     }},
    {"MirrorPad",
     {{{3}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return call("MirrorPad", {square(x[0]), call("Reshape", {ints(b, {1, 2}), ints(b, {1, 2})})},
                   {{"mode", "REFLECT"}});
     }},
    {"Tile", {{{2, 3}}}, [](const Vals& x) { return call("Tile", {square(x[0]), ints(builder(x), {2, 1})}); }},
    {"TileUnknown",
     {{{2, 3}}},
     [](const Vals& x) { return call("Tile", {square(hide_shape(x[0])), ints(builder(x), {2, 2})}); }},
    {"BroadcastTo",
     {{{3, 1}}},
     [](const Vals& x) { return call("BroadcastTo", {square(x[0]), ints(builder(x), {2, 3, 2})}); }},
    {"Fill", {{{}}}, [](const Vals& x) { return call("Fill", {ints(builder(x), {2, 2}), square(x[0])}); }},
    {"Roll",
     {{{4}}},
     [](const Vals& x) { return call("Roll", {square(x[0]), integer(builder(x), 1), integer(builder(x), 0)}); }},
    {"ReverseSequence",
     {{{2, 3}}},
     [](const Vals& x) {
       return call("ReverseSequence", {square(x[0]), ints(builder(x), {2, 3})}, {{"seq_dim", 1}, {"batch_dim", 0}});
     }},
    {"SpaceToBatchND",
     {{{1, 2, 2, 1}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return call("SpaceToBatchND",
                   {square(x[0]), ints(b, {2, 2}), call("Reshape", {ints(b, {0, 0, 0, 0}), ints(b, {2, 2})})});
     }},
    {"BatchToSpaceND",
     {{{4, 1, 1, 1}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return call("BatchToSpaceND",
                   {square(x[0]), ints(b, {2, 2}), call("Reshape", {ints(b, {0, 0, 0, 0}), ints(b, {2, 2})})});
     }},
    {"IdentityN",
     {{{2}}, {{2}}},
     [](const Vals& x) {
       const Vals y = call_n("IdentityN", 2, {x[0], x[1]}, {{"T", std::vector<DType>{DType::kDouble, DType::kDouble}}});
       return y[0] * square(y[1]);
     }},
    {"SpaceToDepth",
     {{{1, 2, 2, 1}}},
     [](const Vals& x) { return call("SpaceToDepth", {square(x[0])}, {{"block_size", 2}}); }},
    {"DepthToSpace",
     {{{1, 1, 1, 4}}},
     [](const Vals& x) { return call("DepthToSpace", {square(x[0])}, {{"block_size", 2}}); }},
    {"MatrixDiag", {{{3}}}, [](const Vals& x) { return call("MatrixDiag", {square(x[0])}); }},
    {"MatrixDiagPart", {{{2, 3}}}, [](const Vals& x) { return call("MatrixDiagPart", {square(x[0])}); }},
    {"MatrixSetDiag", {{{3, 3}}, {{3}}}, [](const Vals& x) { return square(call("MatrixSetDiag", {x[0], x[1]})); }},
    {"MatrixBandPart",
     {{{3, 3}}},
     [](const Vals& x) {
       return call("MatrixBandPart", {square(x[0]), Val(builder(x), builder(x).scalar<int64_t>(1)),
                                      Val(builder(x), builder(x).scalar<int64_t>(0))});
     }},
};

const Case kPickers[] = {
    {"GatherV2", {{{4, 2}}}, [](const Vals& x) { return grad::gather(square(x[0]), ints(builder(x), {1, 1, 3})); }},
    {"GatherRows", {{{4, 2}}}, [](const Vals& x) { return square(grad::gather(x[0], ints(builder(x), {1, 1, 3}))); }},
    {"Gather", {{{4, 2}}}, [](const Vals& x) { return square(call("Gather", {x[0], ints(builder(x), {2, 0})})); }},
    {"GatherAxis1",
     {{{2, 3, 2}}},
     [](const Vals& x) {
       return square(call("GatherV2", {x[0], ints(builder(x), {2, 0, 2}), integer(builder(x), 1)}));
     }},
    {"GatherLastAxis",
     {{{2, 3}}},
     [](const Vals& x) {
       return square(call("GatherV2", {x[0], ints(builder(x), {2, 0, 2, 1}), integer(builder(x), -1)}));
     }},
    {"GatherBatch",
     {{{2, 3, 2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       const Val indices = call("Reshape", {ints(b, {2, 0, 1, 1}), ints(b, {2, 2})});
       return square(call("GatherV2", {x[0], indices, integer(b, 1)}, {{"batch_dims", 1}}));
     }},
    {"GatherUnknown",
     {{{2, 3}}},
     [](const Vals& x) {
       return square(call("GatherV2", {hide_shape(x[0]), ints(builder(x), {2, 0}), integer(builder(x), 1)}));
     }},
    {"SparseToDense",
     {{{2}}, {{}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return square(call("SparseToDense",
                          {call("Reshape", {ints(b, {0, 1, 1, 0}), ints(b, {2, 2})}), ints(b, {2, 2}), x[0], x[1]}));
     }},
    {"TensorScatterUpdate",
     {{{4}}, {{2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return square(call("TensorScatterUpdate", {x[0], call("Reshape", {ints(b, {0, 2}), ints(b, {2, 1})}), x[1]}));
     }},
    {"TensorScatterAdd",
     {{{4}}, {{2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return square(call("TensorScatterAdd", {x[0], call("Reshape", {ints(b, {0, 2}), ints(b, {2, 1})}), x[1]}));
     }},
    {"TensorScatterSub",
     {{{4}}, {{2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return square(call("TensorScatterSub", {x[0], call("Reshape", {ints(b, {0, 2}), ints(b, {2, 1})}), x[1]}));
     }},
    {"GatherNd",
     {{{3, 2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return square(call("GatherNd", {x[0], call("Reshape", {ints(b, {0, 1, 2, 0}), ints(b, {2, 2})})}));
     }},
    {"GatherNdRows",
     {{{3, 2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return square(call("GatherNd", {x[0], call("Reshape", {ints(b, {2, 2}), ints(b, {2, 1})})}));
     }},
    {"ScatterNd",
     {{{2, 2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return call("ScatterNd", {call("Reshape", {ints(b, {0, 3}), ints(b, {2, 1})}), square(x[0]), ints(b, {4, 2})});
     }},
    {"DynamicPartition",
     {{{4, 2}}},
     [](const Vals& x) {
       const Vals parts =
           call_n("DynamicPartition", 2, {x[0], ints(builder(x), {0, 1, 1, 0})}, {{"num_partitions", 2}});
       return parts[0] * parts[1];
     }},
    {"DynamicStitch",
     {{{2, 2}}, {{1, 2}}},
     [](const Vals& x) {
       Builder& b = builder(x);
       return square(call_n("DynamicStitch", 1, {ints(b, {2, 0}), ints(b, {1}), x[0], x[1]}, {{"N", 2}})[0]);
     }},
    {"TopKV2",
     {{{2, 4}}},
     [](const Vals& x) { return square(call_n("TopKV2", 2, {x[0], integer(builder(x), 2)})[0]); }},
};

const Case kProducts[] = {
    {"MatMul", {{{2, 3}}, {{3, 2}}}, [](const Vals& x) { return grad::matmul(x[0], x[1]); }},
    {"MatMulTA", {{{3, 2}}, {{3, 2}}}, [](const Vals& x) { return grad::matmul(x[0], x[1], true, false); }},
    {"MatMulTB", {{{2, 3}}, {{2, 3}}}, [](const Vals& x) { return grad::matmul(x[0], x[1], false, true); }},
    {"MatMulTAB", {{{3, 2}}, {{2, 3}}}, [](const Vals& x) { return grad::matmul(x[0], x[1], true, true); }},
    {"BatchMatMul", {{{2, 2, 3}}, {{2, 3, 2}}}, [](const Vals& x) { return call("BatchMatMul", {x[0], x[1]}); }},
    {"BatchMatMulV2", {{{2, 2, 3}}, {{3, 2}}}, [](const Vals& x) { return call("BatchMatMulV2", {x[0], x[1]}); }},
    {"BatchMatMulAdjoint",
     {{{1, 3, 2}}, {{2, 2, 3}}},
     [](const Vals& x) { return call("BatchMatMulV2", {x[0], x[1]}, {{"adj_x", true}, {"adj_y", true}}); }},
    {"BiasAdd", {{{2, 3}}, {{3}}}, [](const Vals& x) { return square(call("BiasAdd", {x[0], x[1]})); }},
    {"SoftmaxCrossEntropy",
     {{{2, 3}}, {{2, 3}}},
     [](const Vals& x) {
       return call("SoftmaxCrossEntropyWithLogits", {x[0], call("Softmax", {x[1]})});  // labels that add up to one
     }},
    {"SparseSoftmaxCrossEntropy",
     {{{2, 3}}},
     [](const Vals& x) { return call("SparseSoftmaxCrossEntropyWithLogits", {x[0], ints(builder(x), {2, 0})}); }},
    {"Conv2DSame",
     {{{1, 4, 4, 1}}, {{3, 3, 1, 2}}},
     [](const Vals& x) { return call("Conv2D", {x[0], x[1]}, strides({1, 1, 1, 1}, "SAME")); }},
    {"Conv2DStride",
     {{{1, 5, 4, 2}}, {{2, 3, 2, 1}}},
     [](const Vals& x) { return call("Conv2D", {x[0], x[1]}, strides({1, 2, 2, 1}, "VALID")); }},
    {"Conv2DGroups",
     {{{2, 4, 4, 4}}, {{3, 3, 2, 6}}},
     [](const Vals& x) { return call("Conv2D", {x[0], x[1]}, strides({1, 1, 1, 1}, "SAME")); }},
    {"Depthwise",
     {{{1, 4, 4, 2}}, {{2, 2, 2, 1}}},
     [](const Vals& x) { return call("DepthwiseConv2dNative", {x[0], x[1]}, strides({1, 1, 1, 1}, "SAME")); }},
    {"MaxPool", {{{1, 4, 4, 2}}}, [](const Vals& x) { return square(call("MaxPool", {x[0]}, pool(2, 2, "VALID"))); }},
    {"MaxPoolWithArgmax",
     {{{1, 4, 4, 1}}},
     [](const Vals& x) { return square(call_n("MaxPoolWithArgmax", 2, {x[0]}, pool(2, 2, "VALID"))[0]); },
     {.order = 1}},
    {"AvgPool", {{{1, 4, 4, 2}}}, [](const Vals& x) { return square(call("AvgPool", {x[0]}, pool(3, 2, "SAME"))); }},
};

// Of ops that compute in single precision only, hence the coarse steps.
constexpr double kCoarse = 5e-3;
Val narrow(Val x) { return grad::cast(x, DType::kFloat); }
Val widen(Val x) { return grad::cast(x, DType::kDouble); }

Val batch_norm(const Vals& x, const char* op, bool training, bool channels_first = false) {
  Builder& b = builder(x);
  const Val none{b, b.constant(Tensor::make_or_die(DType::kFloat, Shape{0}))};
  const Val mean{b, b.vector<float>({0.1f, -0.2f})}, variance{b, b.vector<float>({0.7f, 1.3f})};
  const size_t outputs = std::string_view(op) == "FusedBatchNormV3" ? 6 : 5;
  return widen(call_n(
      op, outputs, {narrow(x[0]), narrow(x[1]), narrow(x[2]), training ? none : mean, training ? none : variance},
      {{"is_training", training}, {"epsilon", 0.1f}, {"data_format", channels_first ? "NCHW" : "NHWC"}})[0]);
}

const std::vector<In> kNormInputs{{{2, 2, 1, 2}}, {{2}, 0.5, 1.5}, {{2}}};
const CheckOptions kNormOptions{.order = 2, .tolerance = 1e-2, .step = kCoarse};

const Case kNorms[] = {
    {"FusedBatchNorm", kNormInputs, [](const Vals& x) { return batch_norm(x, "FusedBatchNorm", true); }, kNormOptions},
    {"FusedBatchNormV2", kNormInputs, [](const Vals& x) { return batch_norm(x, "FusedBatchNormV2", true); },
     kNormOptions},
    {"FusedBatchNormV3", kNormInputs, [](const Vals& x) { return batch_norm(x, "FusedBatchNormV3", true); },
     kNormOptions},
    {"FusedBatchNormFrozen", kNormInputs, [](const Vals& x) { return batch_norm(x, "FusedBatchNormV3", false); },
     kNormOptions},
    {"LRN",
     {{{1, 1, 2, 5}}},
     [](const Vals& x) { return widen(call("LRN", {narrow(x[0])}, {{"depth_radius", 2}, {"alpha", 0.5f}})); },
     {.order = 1, .tolerance = 1e-2, .step = kCoarse}},
};

Val complex(Val re, Val im) { return call("Complex", {re, im}, {{"Tout", DType::kComplex128}}); }
Val real(Val z) { return call("Real", {z}, {{"Tout", DType::kDouble}}); }
Val imag(Val z) { return call("Imag", {z}, {{"Tout", DType::kDouble}}); }

const std::vector<In> kComplexInputs{{{2}, 0.3, 1.2}, {{2}, 0.3, 1.2}};
const Case kComplex[] = {
    {"Real", kComplexInputs, [](const Vals& x) { return real(square(complex(x[0], x[1]))); }},
    {"Imag", kComplexInputs, [](const Vals& x) { return imag(square(complex(x[0], x[1]))); }},
    {"Conj", kComplexInputs, [](const Vals& x) { return imag(call("Conj", {square(complex(x[0], x[1]))})); }},
    {"ComplexAbs",
     kComplexInputs,
     [](const Vals& x) { return call("ComplexAbs", {square(complex(x[0], x[1]))}, {{"Tout", DType::kDouble}}); },
     {.order = 1}},
    {"Angle",
     kComplexInputs,
     [](const Vals& x) { return call("Angle", {complex(x[0], x[1])}, {{"Tout", DType::kDouble}}); },
     {.order = 1}},
    {"ComplexExp", kComplexInputs, [](const Vals& x) { return real(call("Exp", {complex(x[0], x[1])})); }},
    {"ComplexSqrt",
     kComplexInputs,
     [](const Vals& x) { return imag(call("Sqrt", {complex(x[0], x[1])})); },
     {.tolerance = 2e-5}},
    {"ComplexDiv", kComplexInputs,
     [](const Vals& x) {
       const Val z = complex(x[0], x[1]);
       return real(z / call("Exp", {z}));
     }},
    {"ComplexTanh",
     kComplexInputs,
     [](const Vals& x) { return imag(call("Tanh", {complex(x[0], x[1])})); },
     {.tolerance = 2e-5}},
    {"ComplexMatMul",
     {{{2, 2}}, {{2, 2}}},
     [](const Vals& x) {
       const Val z = complex(x[0], x[1]);
       return imag(grad::matmul(z, z, true));
     }},
};

const auto case_name = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(Reductions, Gradient, ::testing::ValuesIn(kReductions), case_name);
INSTANTIATE_TEST_SUITE_P(Movers, Gradient, ::testing::ValuesIn(kMovers), case_name);
INSTANTIATE_TEST_SUITE_P(Pickers, Gradient, ::testing::ValuesIn(kPickers), case_name);
INSTANTIATE_TEST_SUITE_P(Norms, Gradient, ::testing::ValuesIn(kNorms), case_name);
INSTANTIATE_TEST_SUITE_P(Complex, Gradient, ::testing::ValuesIn(kComplex), case_name);
INSTANTIATE_TEST_SUITE_P(Products, Gradient, ::testing::ValuesIn(kProducts), case_name);

TEST(GradientOfExtrema, SharesTiesEqually) {
  const auto graph = std::make_shared<Graph>();
  Builder b(graph.get());
  const Val x{b, b.vector<float>({1, 3, 3, 2})};
  const Val y = call("Max", {x, ints(b, {0})});
  const auto g = add_gradients(graph.get(), std::vector<Output>{y}, std::vector<Output>{x}, {});
  ASSERT_TRUE(g.ok()) << g.status().to_string();
  const std::vector<Tensor> r = evaluate(graph, {(*g)[0].dense});
  ASSERT_EQ(r.size(), 1u);
  EXPECT_EQ(values(r[0]), (std::vector<double>{0, 0.5, 0.5, 0}));
}

}  // namespace
}  // namespace tw::testing
