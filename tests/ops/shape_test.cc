// Shape functions: known and partly known shapes, and the errors that programs may match on.
#include "tests/ops/infer.h"

namespace tw::test {
namespace {

using Ints = std::vector<int64_t>;

TEST(Shapes, Elementwise) {
  EXPECT_EQ(infer("Exp", {"[2,?]"}), "[2,?]");
  EXPECT_EQ(infer("Add", {"[2,1]", "[3]"}), "[2,3]");
  EXPECT_EQ(infer("Add", {"[?,3]", "[2,1]"}), "[2,3]");
  EXPECT_EQ(infer("Add", {"[?]", "[1]"}), "[?]");
  EXPECT_EQ(infer("Add", {"<unknown>", "[2]"}), "<unknown>");
  EXPECT_EQ(infer("Add", {"[0,1]", "[1,4]"}), "[0,4]");
  EXPECT_EQ(infer("Add", {"[2]", "[3]"}), "error: Dimensions must be equal, but are 2 and 3");
  EXPECT_EQ(infer("AddN", {"[?,3]", "[2,?]"}), "[2,3]");
  EXPECT_EQ(infer("AddN", {"[3]", "[2]"}),
            "error: Dimension 0 in both shapes must be equal, but are 3 and 2. Shapes are [3] and [2].");
  EXPECT_EQ(infer("AddN", {"[3]", "[]"}), "error: Shapes must be equal rank, but are 1 and 0");
  EXPECT_EQ(infer("Select", {"bool[2]", "[2,3]", "[?,3]"}), "[2,3]");
  EXPECT_EQ(infer("Select", {"bool[]", "[2,3]", "[2,3]"}), "[2,3]");
  EXPECT_EQ(infer("Select", {"bool[4]", "[2,3]", "[2,3]"}), "error: Dimensions must be equal, but are 4 and 2");
  EXPECT_EQ(infer("SelectV2", {"bool[3]", "[2,1]", "[]"}), "[2,3]");
  EXPECT_EQ(infer("ClipByValue", {"[2,3]", "[]", "[2,3]"}), "[2,3]");
  EXPECT_EQ(
      infer("Bitcast", {"[2,4]"}, {{"type", DType::kDouble}}),
      "error: Cannot bitcast due to shape. The last dimension of [2,4] must be 2 to go from elements of 4 bytes to "
      "elements of 8");
  EXPECT_EQ(infer("Bitcast", {"[2,2]"}, {{"type", DType::kDouble}}), "[2]");
  EXPECT_EQ(infer("Bitcast", {"[2]"}, {{"type", DType::kUint8}}), "[2,4]");
  EXPECT_EQ(infer("EnsureShape", {"[?,3]"}, {{"shape", Shape{2, -1}}}), "[2,3]");
}

TEST(Shapes, Reductions) {
  EXPECT_EQ(infer("Sum", {"[2,3,4]", "{0,-1}"}), "[3]");
  EXPECT_EQ(infer("Sum", {"[2,3,4]", "{0,-1}"}, {{"keep_dims", true}}), "[1,3,1]");
  EXPECT_EQ(infer("Sum", {"[2,3,4]", "1"}), "[2,4]");
  EXPECT_EQ(infer("Sum", {"[2,3,4]", "{}"}), "[2,3,4]");
  EXPECT_EQ(infer("Sum", {"[2,3,4]", "int32[]"}), "[?,?]");
  EXPECT_EQ(infer("Sum", {"[2,3,4]", "int32[?]"}), "<unknown>");
  EXPECT_EQ(infer("Sum", {"[2,3,4]", "int32[?]"}, {{"keep_dims", true}}), "[?,?,?]");
  EXPECT_EQ(infer("Sum", {"[2]", "1"}), "error: Invalid reduction dimension 1 for input with 1 dimensions.");
  EXPECT_EQ(infer("ArgMax", {"[2,3]", "-1"}), "[2]");
  EXPECT_EQ(infer("ArgMax", {"[2,3]", "int32[]"}), "[?]");
  EXPECT_EQ(infer("ArgMax", {"[2,3]", "2"}),
            "error: Dimension (2) must be in the range [-2, 2), where 2 is the number of dimensions in the input.");
  EXPECT_EQ(infer("Cumsum", {"[2,3]", "1"}), "[2,3]");
  EXPECT_EQ(infer("UnsortedSegmentSum", {"[5,2,3]", "int32[5]", "4"}), "[4,2,3]");
  EXPECT_EQ(infer("UnsortedSegmentSum", {"[5,2,3]", "int32[5,2]", "int32[]"}), "[?,3]");
  EXPECT_EQ(infer("SegmentSum", {"[5,2]", "int32[5]"}), "[?,2]");
  EXPECT_EQ(infer("SegmentSum", {"[5,2]", "int32[4]"}), "error: Dimensions must be equal, but are 5 and 4");
}

TEST(Shapes, Products) {
  EXPECT_EQ(infer("MatMul", {"[2,3]", "[3,4]"}), "[2,4]");
  EXPECT_EQ(infer("MatMul", {"[?,3]", "[3,?]"}), "[?,?]");
  EXPECT_EQ(infer("MatMul", {"[3,2]", "[4,3]"}, {{"transpose_a", true}, {"transpose_b", true}}), "[2,4]");
  EXPECT_EQ(infer("MatMul", {"[2,3]", "[4,5]"}), "error: Dimensions must be equal, but are 3 and 4");
  EXPECT_EQ(infer("MatMul", {"[2,3,4]", "[4,5]"}), "error: Shape must be rank 2 but is rank 3: [2,3,4]");
  EXPECT_EQ(infer("BatchMatMul", {"[7,2,3]", "[7,3,4]"}), "[7,2,4]");
  EXPECT_EQ(infer("BatchMatMulV2", {"[7,1,2,3]", "[5,3,4]"}), "[7,5,2,4]");
  EXPECT_EQ(infer("BatchMatMulV2", {"[3,2]", "[4,3]"}, {{"adj_x", true}, {"adj_y", true}}), "[2,4]");
}

AttrMap conv(Ints strides, const char* padding, Ints dilations = {1, 1, 1, 1}) {
  return {{"strides", strides}, {"padding", padding}, {"dilations", dilations}};
}

TEST(Shapes, Convolutions) {
  EXPECT_EQ(infer("Conv2D", {"[8,28,28,3]", "[5,5,3,16]"}, conv({1, 1, 1, 1}, "SAME")), "[8,28,28,16]");
  EXPECT_EQ(infer("Conv2D", {"[?,28,27,3]", "[5,5,3,16]"}, conv({1, 2, 2, 1}, "VALID")), "[?,12,12,16]");
  EXPECT_EQ(infer("Conv2D", {"[8,28,28,3]", "[3,3,3,16]"}, conv({1, 1, 1, 1}, "VALID", {1, 2, 3, 1})), "[8,24,22,16]");
  EXPECT_EQ(infer("Conv2D", {"[8,?,28,3]", "[5,5,3,16]"}, conv({1, 2, 2, 1}, "SAME")), "[8,?,14,16]");
  AttrMap explicit_pads = conv({1, 1, 1, 1}, "EXPLICIT");
  explicit_pads["explicit_paddings"] = Ints{0, 0, 1, 2, 3, 4, 0, 0};
  EXPECT_EQ(infer("Conv2D", {"[1,5,5,1]", "[2,2,1,1]"}, explicit_pads), "[1,7,11,1]");
  AttrMap channels_first = conv({1, 1, 2, 2}, "SAME");
  channels_first["data_format"] = "NCHW";
  EXPECT_EQ(infer("Conv2D", {"[8,3,28,28]", "[5,5,3,16]"}, channels_first), "[8,16,14,14]");
  EXPECT_EQ(infer("Conv2D", {"[8,2,2,3]", "[3,3,3,16]"}, conv({1, 1, 1, 1}, "VALID")),
            "error: Negative dimension size caused by subtracting 3 from 2");
  EXPECT_EQ(infer("Conv2D", {"[8,9,9,4]", "[3,3,3,16]"}, conv({1, 1, 1, 1}, "VALID")),
            "error: Depth of input (4) is not a multiple of input depth of filter (3)");
  EXPECT_EQ(infer("Conv2D", {"[8,9,9]", "[3,3,3,16]"}, conv({1, 1, 1, 1}, "VALID")),
            "error: Shape must be rank 4 but is rank 3: [8,9,9]");
  EXPECT_EQ(infer("Conv2D", {"[8,9,9,3]", "[3,3,3,16]"}, conv({1, 1}, "VALID")),
            "error: Conv2D requires the stride attribute to contain 4 values, but got: 2");
  EXPECT_EQ(infer("Conv2DBackpropInput", {"{8,28,28,3}", "[5,5,3,16]", "[8,28,28,16]"}, conv({1, 1, 1, 1}, "SAME")),
            "[8,28,28,3]");
  EXPECT_EQ(infer("Conv2DBackpropFilter", {"[8,28,28,3]", "int32[4]", "[8,28,28,16]"}, conv({1, 1, 1, 1}, "SAME")),
            "[?,?,?,?]");
  EXPECT_EQ(infer("DepthwiseConv2dNative", {"[8,28,28,3]", "[5,5,3,2]"}, conv({1, 1, 1, 1}, "SAME")), "[8,28,28,6]");
  EXPECT_EQ(infer("MaxPool", {"[8,7,7,3]"},
                  {{"ksize", Ints{1, 2, 2, 1}}, {"strides", Ints{1, 2, 2, 1}}, {"padding", "SAME"}}),
            "[8,4,4,3]");
  EXPECT_EQ(infer("MaxPoolV2", {"[8,7,7,3]", "{1,2,2,1}", "{1,2,2,1}"}, {{"padding", "VALID"}}), "[8,3,3,3]");
  EXPECT_EQ(infer("AvgPoolGrad", {"{8,7,7,3}", "[8,4,4,3]"},
                  {{"ksize", Ints{1, 2, 2, 1}}, {"strides", Ints{1, 2, 2, 1}}, {"padding", "SAME"}}),
            "[8,7,7,3]");
}

TEST(Shapes, NeuralNetworks) {
  EXPECT_EQ(infer("BiasAdd", {"[?,3,?]", "[5]"}), "[?,3,5]");
  EXPECT_EQ(infer("BiasAdd", {"[2,3]", "[4]"}), "error: Dimensions must be equal, but are 3 and 4");
  EXPECT_EQ(infer("BiasAddGrad", {"[2,3,4,5]"}, {{"data_format", "NCHW"}}), "[3]");
  EXPECT_EQ(infer("SoftmaxCrossEntropyWithLogits", {"[?,5]", "[3,5]"}), "[3] [3,5]");
  EXPECT_EQ(infer("SparseSoftmaxCrossEntropyWithLogits", {"[?,5]", "int64[3]"}), "[3] [3,5]");
  EXPECT_EQ(infer("FusedBatchNorm", {"[8,4,4,?]", "[3]", "[3]", "[0]", "[0]"}), "[8,4,4,3] [3] [3] [3] [3]");
  EXPECT_EQ(infer("FusedBatchNormV3", {"[8,4,4,?]", "[3]", "[3]", "[3]", "[3]"}, {{"is_training", false}}),
            "[8,4,4,3] [3] [3] [3] [3] []");
  EXPECT_EQ(infer("TopKV2", {"[2,5]", "3"}), "[2,3] [2,3]");
  EXPECT_EQ(infer("TopKV2", {"[2,5]", "int32[]"}), "[2,?] [2,?]");
  EXPECT_EQ(infer("TopKV2", {"[2,5]", "6"}), "error: input must have last dimension >= k = 6 but is 5");
}

TEST(Shapes, Reshape) {
  EXPECT_EQ(infer("Reshape", {"[2,3,4]", "{4,-1}"}), "[4,6]");
  EXPECT_EQ(infer("Reshape", {"[?,3]", "{-1,9}"}), "[?,9]");
  EXPECT_EQ(infer("Reshape", {"[6]", "int32[2]"}), "[?,?]");
  EXPECT_EQ(infer("Reshape", {"[6]", "int32[?]"}), "<unknown>");
  EXPECT_EQ(infer("Reshape", {"[2,3]", "{2,2}"}),
            "error: Cannot reshape a tensor with 6 elements to shape [2,2] (4 elements)");
  EXPECT_EQ(infer("Reshape", {"[7]", "{2,-1}"}), "error: Dimension size must be evenly divisible by 2 but is 7");
  EXPECT_EQ(infer("ExpandDims", {"[2,3]", "-1"}), "[2,3,1]");
  EXPECT_EQ(infer("ExpandDims", {"[2,3]", "0"}), "[1,2,3]");
  EXPECT_EQ(infer("ExpandDims", {"[2,3]", "3"}), "error: dim 3 not in the interval [-3, 2].");
  EXPECT_EQ(infer("Squeeze", {"[1,3,1]"}), "[3]");
  EXPECT_EQ(infer("Squeeze", {"[1,?]"}), "<unknown>");
  EXPECT_EQ(infer("Squeeze", {"[1,?,1]"}, {{"squeeze_dims", Ints{-1}}}), "[1,?]");
  EXPECT_EQ(infer("Squeeze", {"[2,3]"}, {{"squeeze_dims", Ints{1}}}),
            "error: Can not squeeze dim[1], expected a dimension of 1, got 3");
  EXPECT_EQ(infer("Transpose", {"[2,3,4]", "{2,0,1}"}), "[4,2,3]");
  EXPECT_EQ(infer("Transpose", {"[2,3]", "{0,0}"}), "error: perm is not a permutation: 0 occurs twice");
  EXPECT_EQ(infer("Transpose", {"<unknown>", "{1,0}"}), "[?,?]");
  EXPECT_EQ(infer("Shape", {"[2,?]"}), "[2]");
  EXPECT_EQ(infer("Shape", {"<unknown>"}), "[?]");
  EXPECT_EQ(infer("Fill", {"{2,3}", "[]"}), "[2,3]");
  EXPECT_EQ(infer("Range", {"2", "11", "3"}), "[3]");
  EXPECT_EQ(infer("Range", {"5", "0", "-2"}), "[3]");
  EXPECT_EQ(infer("Range", {"5", "0", "2"}),
            "error: Requires start <= limit when delta > 0: start 5, limit 0, delta 2");
  EXPECT_EQ(infer("Range", {"0", "1", "0"}), "error: Requires delta != 0");
  EXPECT_EQ(infer("Range", {"0", "int32[]", "1"}), "[?]");
  EXPECT_EQ(infer("OneHot", {"int32[2,3]", "5", "[]", "[]"}), "[2,3,5]");
  EXPECT_EQ(infer("OneHot", {"int32[2,3]", "5", "[]", "[]"}, {{"axis", 0}}), "[5,2,3]");
  EXPECT_EQ(infer("BroadcastTo", {"[3,1]", "{2,3,4}"}), "[2,3,4]");
}

TEST(Shapes, JoinsAndParts) {
  EXPECT_EQ(infer("ConcatV2", {"[2,3]", "[?,4]", "1"}), "[2,7]");
  EXPECT_EQ(infer("ConcatV2", {"[2,3]", "[2,?]", "-1"}), "[2,?]");
  EXPECT_EQ(infer("ConcatV2", {"[2,3]", "[2,3]", "int32[]"}), "[?,?]");
  EXPECT_EQ(infer("ConcatV2", {"[2,3]", "[3,3]", "1"}),
            "error: Dimension 0 in both shapes must be equal, but are 2 and 3. Shapes are [2,?] and [3,?].");
  EXPECT_EQ(infer("Concat", {"0", "[2,3]", "[1,3]"}), "[3,3]");
  EXPECT_EQ(infer("Split", {"1", "[2,6]"}, {{"num_split", 3}}), "[2,2] [2,2] [2,2]");
  EXPECT_EQ(infer("Split", {"1", "[2,7]"}, {{"num_split", 3}}),
            "error: Dimension size must be evenly divisible by 3 but is 7");
  EXPECT_EQ(infer("SplitV", {"[7]", "{2,-1,1}", "0"}, {{"num_split", 3}}), "[2] [4] [1]");
  EXPECT_EQ(infer("SplitV", {"[7]", "{2,2,1}", "0"}, {{"num_split", 3}}),
            "error: can't split axis of size 7 into pieces of total size 5");
  EXPECT_EQ(infer("Pack", {"[2,?]", "[?,3]"}, {{"axis", -1}}), "[2,3,2]");
  EXPECT_EQ(infer("Unpack", {"[2,3]"}, {{"num", 3}, {"axis", 1}}), "[2] [2] [2]");
  EXPECT_EQ(infer("Slice", {"[4,5]", "{1,2}", "{2,-1}"}), "[2,3]");
  EXPECT_EQ(infer("Slice", {"[4,5]", "int32[2]", "{2,-1}"}), "[2,?]");
  EXPECT_EQ(infer("Slice", {"[4,5]", "{1,2}", "{4,1}"}), "error: Expected size[0] in [0, 3], but got 4");
  EXPECT_EQ(infer("StridedSlice", {"[5,6]", "{1,0}", "{4,6}", "{2,1}"}), "[2,6]");
  EXPECT_EQ(infer("StridedSlice", {"[5,6]", "{1}", "{2}", "{1}"}, {{"shrink_axis_mask", 1}}), "[6]");
  EXPECT_EQ(infer("StridedSlice", {"[?,6]", "{0,1}", "{0,0}", "{1,1}"}, {{"begin_mask", 1}, {"end_mask", 3}}), "[?,5]");
  EXPECT_EQ(infer("Pad", {"[2,?]", "int32[2,2]"}), "[?,?]");
  EXPECT_EQ(infer("Tile", {"[2,3]", "{2,1}"}), "[4,3]");
  EXPECT_EQ(infer("ReverseV2", {"[2,3]", "{2}"}), "error: axis 2 is out of valid range [-2, 1]");
  EXPECT_EQ(infer("MatrixDiagPart", {"[2,3,4]"}), "[2,3]");
  EXPECT_EQ(infer("Diag", {"[2,3]"}), "[2,3,2,3]");
  EXPECT_EQ(infer("SpaceToDepth", {"[1,4,6,3]"}, {{"block_size", 2}}), "[1,2,3,12]");
  EXPECT_EQ(infer("DepthToSpace", {"[1,2,3,12]"}, {{"block_size", 2}}), "[1,4,6,3]");
}

TEST(Shapes, Indices) {
  EXPECT_EQ(infer("Gather", {"[5,6]", "int32[2,3]"}), "[2,3,6]");
  EXPECT_EQ(infer("GatherV2", {"[5,6,7]", "int32[2,3]", "1"}), "[5,2,3,7]");
  EXPECT_EQ(infer("GatherV2", {"[5,6,7]", "int32[5,3]", "1"}, {{"batch_dims", 1}}), "[5,3,7]");
  EXPECT_EQ(infer("GatherV2", {"[5,6]", "int32[2]", "int32[]"}), "[?,?]");
  EXPECT_EQ(infer("GatherV2", {"[]", "int32[2]", "0"}), "error: Shape must be at least rank 1 but is rank 0: []");
  EXPECT_EQ(infer("GatherNd", {"[5,6,7]", "int32[4,2]"}), "[4,7]");
  EXPECT_EQ(infer("GatherNd", {"[5]", "int32[4,2]"}),
            "error: indices.shape[-1] must be <= params.rank, but saw indices shape: [4,2] and params shape: [5]");
  EXPECT_EQ(infer("ScatterNd", {"int32[4,1]", "[4,3]", "{5,3}"}), "[5,3]");
  EXPECT_EQ(infer("DynamicStitch", {"{0,3}", "{1}", "[2,4]", "[1,4]"}), "[4,4]");
  EXPECT_EQ(infer("DynamicPartition", {"[5,2]", "int32[5]"}, {{"num_partitions", 2}}), "[?,2] [?,2]");
  EXPECT_EQ(infer("Unique", {"[5]"}), "[?] [5]");
  EXPECT_EQ(infer("Where", {"bool[2,3]"}), "[?,2]");
  EXPECT_EQ(infer("RandomUniform", {"{2,3}"}, {{"dtype", DType::kFloat}}), "[2,3]");
}

TEST(Shapes, Variables) {
  EXPECT_EQ(infer("ReadVariableOp", {"resource:float[2,3]"}, {{"dtype", DType::kFloat}}), "[2,3]");
  EXPECT_EQ(infer("ReadVariableOp", {"resource:float[2,3]"}, {{"dtype", DType::kInt32}}),
            "error: Trying to read variable with wrong dtype. Expected float got int32");
  EXPECT_EQ(infer("AssignVariableOp", {"resource:float[2,3]", "[2,4]"}),
            "error: Dimension 1 in both shapes must be equal, but are 3 and 4. Shapes are [2,3] and [2,4].");
  EXPECT_EQ(infer("ResourceGather", {"resource:float[5,3]", "int32[4]"}, {{"dtype", DType::kFloat}}), "[4,3]");
  EXPECT_EQ(infer("ResourceApplyGradientDescent", {"resource:float[2]", "[]", "[3]"}),
            "error: Dimension 0 in both shapes must be equal, but are 2 and 3. Shapes are [2] and [3].");
  EXPECT_EQ(infer("ResourceApplyGradientDescent", {"resource:float[2]", "[1]", "[2]"}),
            "error: Shape must be rank 0 but is rank 1: [1]");
  EXPECT_EQ(
      infer("ResourceSparseApplyAdagrad", {"resource:float[5,2]", "resource:float[5,2]", "[]", "[3,2]", "int32[4]"}),
      "error: Dimensions must be equal, but are 3 and 4");
  EXPECT_EQ(infer("VariableV2", {}, {{"dtype", DType::kFloat}, {"shape", Shape{2}}}), "[2]");
  EXPECT_EQ(infer("Variable", {}, {{"dtype", DType::kFloat}, {"shape", Shape{}}}), "<unknown>");
}

TEST(Shapes, Lists) {
  EXPECT_EQ(infer("TensorListStack", {"variant:float[2,?]", "{-1,3}"}, {{"element_dtype", DType::kFloat}}), "[?,2,3]");
  EXPECT_EQ(infer("TensorListStack", {"variant:float[2]", "{2}"}, {{"element_dtype", DType::kInt32}}),
            "error: Expected list with element dtype int32 but got list with element dtype float");
  EXPECT_EQ(infer("TensorListPopBack", {"variant:float[2]", "{2}"}, {{"element_dtype", DType::kFloat}}), "[] [2]");
}

}  // namespace
}  // namespace tw::test
