#include <cmath>
#include <numeric>

#include "core/kernels/ref/array_ref.h"
#include "tests/kernels/kernel_harness.h"

namespace tw {

#define TW_EXTERN(name) extern const KernelDef kernel_##name
TW_EXTERN(Gather);
TW_EXTERN(GatherV2);
TW_EXTERN(ResourceGather);
TW_EXTERN(GatherNd);
TW_EXTERN(ResourceGatherNd);
TW_EXTERN(ScatterNd);
TW_EXTERN(TensorScatterUpdate);
TW_EXTERN(TensorScatterAdd);
TW_EXTERN(TensorScatterSub);
TW_EXTERN(SparseToDense);
TW_EXTERN(DynamicPartition);
TW_EXTERN(DynamicStitch);
TW_EXTERN(Unique);
TW_EXTERN(UniqueWithCounts);
TW_EXTERN(ListDiff);
TW_EXTERN(Where);
TW_EXTERN(Select);
TW_EXTERN(ReverseSequence);
TW_EXTERN(Roll);
TW_EXTERN(MirrorPadGrad);
TW_EXTERN(TileGrad);
TW_EXTERN(MatrixBandPart);
TW_EXTERN(ResourceStridedSliceAssign);

namespace {

using namespace test;
using ref::Index;

Tensor ints(std::vector<int64_t> v) { return Tensor::vector<int64_t>(std::span<const int64_t>(v)); }
Tensor int32s(std::vector<int32_t> v) { return Tensor::vector<int32_t>(std::span<const int32_t>(v)); }

Tensor strings(const Shape& shape) {
  Tensor t = Tensor::make_or_die(DType::kString, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i) t.data<std::string>()[i] = "element " + std::to_string(i);
  return t;
}

void check_error(const KernelDef& kernel, const AttrMap& attrs, const std::vector<Tensor>& inputs, size_t outputs,
                 const std::string& message, Code code = Code::kInvalidArgument) {
  Node node(kernel, attrs, std::vector<DType>(outputs, DType::kFloat));
  const auto got = node.run(inputs, Mode::kDynamic);
  ASSERT_FALSE(got.ok()) << message;
  EXPECT_EQ(got.status().code(), code);
  EXPECT_EQ(got.status().message(), message);
}

Tensor one(const KernelDef& kernel, const AttrMap& attrs, const std::vector<Tensor>& inputs, DType dtype) {
  auto got = run_kernel(kernel, attrs, inputs, {dtype});
  EXPECT_TRUE(got.ok()) << got.status().to_string();
  return got.ok() ? (*got)[0] : Tensor::scalar<float>(std::nanf(""));
}

// Runs in dynamic mode only: ops whose output shapes depend on values.
std::vector<Tensor> all(const KernelDef& kernel, const AttrMap& attrs, const std::vector<Tensor>& inputs,
                        const std::vector<DType>& dtypes) {
  Node node(kernel, attrs, dtypes);
  auto got = node.run(inputs);
  EXPECT_TRUE(got.ok()) << got.status().to_string();
  return got.ok() ? *got : std::vector<Tensor>(dtypes.size(), Tensor::scalar<float>(0));
}

TEST(Gather, EveryAxisAndBatch) {
  for (const Shape& p : {Shape{5}, Shape{4, 3}, Shape{2, 3, 4}, Shape{2, 3, 1, 5}, Shape{3, 0}}) {
    for (int batch = 0; batch < p.rank(); ++batch) {
      for (int axis = batch; axis < p.rank(); ++axis) {
        if (p[axis] == 0) continue;
        Shape n;
        for (int d = 0; d < batch; ++d) n.add_dim(p[d]);
        n.add_dim(2);
        n.add_dim(3);
        Tensor indices = Tensor::make_or_die(DType::kInt32, n);
        for (int64_t i = 0; i < indices.num_elements(); ++i)
          indices.data<int32_t>()[i] = static_cast<int32_t>((i * 7) % p[axis]);
        for (const Tensor& params : {iota<float>(p), iota<std::complex<double>>(p), iota<uint8_t>(p), strings(p)}) {
          const Tensor got = one(kernel_GatherV2, {{"batch_dims", batch}},
                                 {params, indices, Tensor::scalar<int32_t>(axis)}, params.dtype());
          ASSERT_EQ(got.shape().rank(), p.rank() + 1);
          for (int64_t i = 0; i < got.num_elements(); ++i) {
            const Index at = ref::unflatten(i, got.shape());
            Index from(at.begin(), at.begin() + axis), row(at.begin(), at.begin() + batch);
            row.insert(row.end(), at.begin() + axis, at.begin() + axis + 2);
            from.push_back(indices.data<int32_t>()[ref::flatten(row, n)]);
            from.insert(from.end(), at.begin() + axis + 2, at.end());
            const auto size = dtype_size(params.dtype());
            Tensor a = Tensor::make_or_die(params.dtype(), {}), b = Tensor::make_or_die(params.dtype(), {});
            copy_elements(params.dtype(), got.data<char>() + static_cast<size_t>(i) * size, a.raw(), 1);
            copy_elements(params.dtype(), params.data<char>() + static_cast<size_t>(ref::flatten(from, p)) * size,
                          b.raw(), 1);
            ASSERT_TRUE(same_values(a, b)) << p << " axis " << axis << " batch " << batch;
          }
        }
      }
    }
  }
}

TEST(Gather, BadInput) {
  const Tensor v = iota<float>({2}), m = iota<float>({2, 2});
  const auto axis = [](int32_t a) { return Tensor::scalar<int32_t>(a); };
  check_error(kernel_Gather, {}, {v, tensor<int64_t>({1, 2}, {0, 7})}, 1, "indices[0,1] = 7 is not in [0, 2)");
  check_error(kernel_Gather, {}, {v, ints({0, -1})}, 1, "indices[1] = -1 is not in [0, 2)");
  check_error(kernel_Gather, {}, {iota<float>({5}), int32s({1, 7})}, 1, "indices[1] = 7 is not in [0, 5)");
  check_error(kernel_GatherV2, {}, {v, Tensor::scalar<int64_t>(7), axis(0)}, 1, "indices = 7 is not in [0, 2)");
  check_error(kernel_GatherV2, {}, {v, Tensor::scalar<int64_t>(1), axis(3)}, 1,
              "Expected axis in the range [-1, 1), but got 3");
  check_error(kernel_Gather, {}, {Tensor::scalar<float>(1), ints({0})}, 1, "params must be at least 1 dimensional");
  check_error(kernel_GatherV2, {{"batch_dims", 1}}, {m, tensor<int64_t>({2, 2}, {0, 1, 1, 0}), axis(0)}, 1,
              "batch_dims (1) must be less than or equal to axis (0).");
  check_error(kernel_GatherV2, {{"batch_dims", 1}}, {m, ints({0, 1, 1}), axis(1)}, 1,
              "Expected batch_dims in the range [-1, 1), but got 1");
}

TEST(Gather, FromAVariable) {
  Tensor handle = Tensor::make_or_die(DType::kResource, {});
  auto variable = make_ref<Variable>("v", DType::kFloat, Shape{5, 2});
  handle.data<ResourceHandle>()[0] = ResourceHandle(variable);
  check_error(kernel_ResourceGather, {}, {handle, ints({0})}, 1, "Attempting to use uninitialized value v",
              Code::kFailedPrecondition);
  variable->assign(iota<float>({5, 2}));
  EXPECT_EQ(values<float>(one(kernel_ResourceGather, {}, {handle, ints({4, 0})}, DType::kFloat)),
            (std::vector<float>{9, 10, 1, 2}));
  EXPECT_EQ(values<float>(one(kernel_ResourceGatherNd, {}, {handle, tensor<int32_t>({1, 2}, {3, 1})}, DType::kFloat)),
            (std::vector<float>{8}));
  check_error(kernel_ResourceGather, {}, {handle, tensor<int64_t>({1, 2}, {0, 7})}, 1,
              "indices[0,1] = 7 is not in [0, 5)");
}

TEST(GatherNd, EveryDepth) {
  const Tensor params = iota<float>({2, 3, 4});
  for (int depth = 0; depth <= 3; ++depth) {
    Tensor indices = Tensor::make_or_die(DType::kInt64, {2, 2, depth});
    for (int64_t i = 0; i < indices.num_elements(); ++i) {
      indices.data<int64_t>()[i] = (i * 5 + 1) % params.shape()[static_cast<int>(i % depth)];
    }
    const Tensor got = one(kernel_GatherNd, {}, {params, indices}, DType::kFloat);
    for (int64_t i = 0; i < got.num_elements(); ++i) {
      const Index at = ref::unflatten(i, got.shape());
      Index from;
      for (int d = 0; d < depth; ++d) from.push_back(indices.data<int64_t>()[(at[0] * 2 + at[1]) * depth + d]);
      from.insert(from.end(), at.begin() + 2, at.end());
      ASSERT_EQ(got.data<float>()[i], params.data<float>()[ref::flatten(from, params.shape())]);
    }
  }
  check_error(kernel_GatherNd, {}, {iota<float>({1, 2}), tensor<int64_t>({2, 2}, {0, 1, 0, 3})}, 1,
              "indices[1] = [0, 3] does not index into param shape [1,2]");
  check_error(kernel_GatherNd, {}, {iota<float>({1, 2}), tensor<int64_t>({1, 3}, {0, 1, 2})}, 1,
              "index innermost dimension length must be <= params rank; saw: 3 vs. 2");
  check_error(kernel_GatherNd, {}, {iota<float>({0, 2}), tensor<int64_t>({1, 1}, {0})}, 1,
              "Requested more than 0 entries, but params is empty.  Params shape: [0,2]");
}

TEST(ScatterNd, AddsDuplicates) {
  EXPECT_EQ(values<float>(one(kernel_ScatterNd, {},
                              {tensor<int32_t>({3, 1}, {1, 3, 1}), tensor<float>({3}, {1, 2, 4}), int32s({5})},
                              DType::kFloat)),
            (std::vector<float>{0, 5, 0, 2, 0}));
  EXPECT_EQ(values<int64_t>(one(kernel_ScatterNd, {},
                                {tensor<int32_t>({1, 1}, {1}), tensor<int64_t>({1, 2}, {3, 4}), int32s({2, 2})},
                                DType::kInt64)),
            (std::vector<int64_t>{0, 0, 3, 4}));
  const auto at = [](int64_t i) { return tensor<int64_t>({1, 1}, {i}); };
  check_error(kernel_ScatterNd, {}, {at(7), iota<float>({1}), ints({5})}, 1,
              "indices[0] = [7] does not index into shape [5]");
  check_error(kernel_ScatterNd, {}, {at(1), iota<float>({2}), ints({5})}, 1,
              "Outer dimensions of indices and update must match. Indices shape: [1,1], updates shape:[2]");
  check_error(kernel_ScatterNd, {}, {at(1), iota<float>({1, 2}), ints({5, 3})}, 1,
              "The inner 1 dimensions of output.shape=[5,3] must match the inner 1 dimensions of updates.shape=[1,2]");
}

TEST(ScatterNd, OntoATensor) {
  const std::vector<Tensor> in = {iota<float>({4}), tensor<int64_t>({3, 1}, {1, 3, 1}),
                                  tensor<float>({3}, {10, 20, 40})};
  EXPECT_EQ(values<float>(one(kernel_TensorScatterUpdate, {}, in, DType::kFloat)), (std::vector<float>{1, 40, 3, 20}));
  EXPECT_EQ(values<float>(one(kernel_TensorScatterAdd, {}, in, DType::kFloat)), (std::vector<float>{1, 52, 3, 24}));
  EXPECT_EQ(values<float>(one(kernel_TensorScatterSub, {}, in, DType::kFloat)), (std::vector<float>{1, -48, 3, -16}));
  check_error(kernel_TensorScatterAdd, {}, {iota<float>({2}), tensor<int64_t>({1, 1}, {7}), iota<float>({1})}, 1,
              "indices[0] = [7] does not index into shape [2]");
}

TEST(SparseToDense, ChecksOrder) {
  const AttrMap checked = {{"validate_indices", true}}, loose = {{"validate_indices", false}};
  const Tensor value = Tensor::scalar<float>(1), zero = Tensor::scalar<float>(0), size = ints({5});
  EXPECT_EQ(values<float>(one(kernel_SparseToDense, checked,
                              {ints({1, 3}), size, iota<float>({2}), Tensor::scalar<float>(9)}, DType::kFloat)),
            (std::vector<float>{9, 1, 9, 2, 9}));
  EXPECT_EQ(values<float>(one(kernel_SparseToDense, loose,
                              {tensor<int64_t>({2, 2}, {1, 1, 0, 1}), ints({2, 2}), value, zero}, DType::kFloat)),
            (std::vector<float>{0, 1, 0, 1}));
  check_error(kernel_SparseToDense, checked, {ints({7}), size, value, zero}, 1,
              "indices[0] = [7] is out of bounds: need 0 <= index < [5]");
  check_error(kernel_SparseToDense, checked, {ints({3, 1}), size, value, zero}, 1,
              "indices[1] = [1] is out of order. Many sparse ops require sorted indices.");
  check_error(kernel_SparseToDense, checked, {ints({1, 1}), size, value, zero}, 1, "indices[1] = [1] is repeated");
  check_error(kernel_SparseToDense, loose, {ints({7}), size, value, zero}, 1,
              "Indices are not valid (out of bounds).  Shape: [5]");
  check_error(kernel_SparseToDense, checked, {ints({1, 2}), size, iota<float>({1}), zero}, 1,
              "sparse_values has incorrect shape [1], should be [] or [2]");
}

TEST(Partition, SplitsAndStitches) {
  const Tensor data = iota<float>({5, 2}), part = int32s({0, 2, 0, 2, 2});
  const auto parts = all(kernel_DynamicPartition, {}, {data, part}, std::vector<DType>(3, DType::kFloat));
  EXPECT_EQ(values<float>(parts[0]), (std::vector<float>{1, 2, 5, 6}));
  EXPECT_EQ(parts[1].shape(), (Shape{0, 2}));
  const auto back = all(kernel_DynamicStitch, {},
                        {int32s({0, 2}), int32s({}), int32s({1, 3, 4}), parts[0], parts[1], parts[2]}, {DType::kFloat});
  EXPECT_TRUE(same_values(back[0], data));
  const auto gap =
      all(kernel_DynamicStitch, {}, {int32s({0, 3}), int32s({3}), strings({2}), strings({1})}, {DType::kString});
  EXPECT_EQ(values<std::string>(gap[0]), (std::vector<std::string>{"element 0", "", "", "element 0"}));
  check_error(kernel_DynamicPartition, {}, {iota<float>({2}), int32s({0, 5})}, 2, "partitions[1] = 5 is not in [0, 2)");
  check_error(kernel_DynamicPartition, {}, {iota<float>({2}), int32s({0, 1, 1})}, 2,
              "data.shape must start with partitions.shape, got data.shape = [2], partitions.shape = [3]");
  check_error(kernel_DynamicStitch, {}, {int32s({0, 5}), iota<float>({1})}, 1,
              "data[0].shape = [1] does not start with indices[0].shape = [2]");
  check_error(kernel_DynamicStitch, {}, {int32s({0, -1}), iota<float>({2})}, 1, "indices[1] is out of range");
}

TEST(Unique, FirstSeenOrder) {
  const auto got =
      all(kernel_UniqueWithCounts, {}, {ints({7, 3, 7, 7, -1})}, {DType::kInt64, DType::kInt32, DType::kInt32});
  EXPECT_EQ(values<int64_t>(got[0]), (std::vector<int64_t>{7, 3, -1}));
  EXPECT_EQ(values<int32_t>(got[1]), (std::vector<int32_t>{0, 1, 0, 0, 2}));
  EXPECT_EQ(values<int32_t>(got[2]), (std::vector<int32_t>{3, 1, 1}));
  const auto nans =
      all(kernel_Unique, {}, {tensor<double>({6}, {3, NAN, 3, -0.0, 0.0, NAN})}, {DType::kDouble, DType::kInt64});
  EXPECT_EQ(values<int64_t>(nans[1]), (std::vector<int64_t>{0, 1, 0, 2, 2, 3}));
  const auto text =
      all(kernel_Unique, {}, {tensor<std::string>({3}, {"b", "a", "b"})}, {DType::kString, DType::kInt32});
  EXPECT_EQ(values<std::string>(text[0]), (std::vector<std::string>{"b", "a"}));
  const auto diff = all(kernel_ListDiff, {}, {tensor<float>({4}, {1, 2, 2, 3}), tensor<float>({1}, {3})},
                        {DType::kFloat, DType::kInt32});
  EXPECT_EQ(values<float>(diff[0]), (std::vector<float>{1, 2, 2}));
  EXPECT_EQ(values<int32_t>(diff[1]), (std::vector<int32_t>{0, 1, 2}));
  check_error(kernel_Unique, {}, {iota<float>({1, 1})}, 2, "unique expects a 1D vector.");
}

TEST(Where, EveryRank) {
  for (const Shape& s :
       {Shape{}, Shape{0}, Shape{7}, Shape{3, 4}, Shape{2, 0, 3}, Shape{2, 3, 4}, Shape{2, 1, 3, 2, 2}}) {
    Tensor x = iota<int32_t>(s);
    for (int64_t i = 0; i < x.num_elements(); ++i) x.data<int32_t>()[i] %= 3;
    const Tensor got = all(kernel_Where, {}, {x}, {DType::kInt64})[0];
    std::vector<int64_t> want;
    for (int64_t i = 0; i < x.num_elements(); ++i) {
      if (x.data<int32_t>()[i] == 0) continue;
      for (int64_t k : ref::unflatten(i, s)) want.push_back(k);
    }
    EXPECT_EQ(values<int64_t>(got), want);
    EXPECT_EQ(got.shape()[1], s.rank());
  }
}

TEST(Select, FullRowsAndScalar) {
  const Tensor t = iota<float>({2, 2}), e = tensor<float>({2, 2}, {-1, -2, -3, -4});
  const auto run = [&](Tensor c) { return values<float>(one(kernel_Select, {}, {c, t, e}, DType::kFloat)); };
  EXPECT_EQ(run(tensor<bool>({2, 2}, {true, false, false, true})), (std::vector<float>{1, -2, -3, 4}));
  EXPECT_EQ(run(tensor<bool>({2}, {false, true})), (std::vector<float>{-1, -2, 3, 4}));
  EXPECT_EQ(run(Tensor::scalar<bool>(true)), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(
      values<std::string>(one(kernel_Select, {},
                              {tensor<bool>({2}, {true, false}), strings({2}), tensor<std::string>({2}, {"x", "y"})},
                              DType::kString)),
      (std::vector<std::string>{"element 0", "y"}));
  check_error(kernel_Select, {}, {tensor<bool>({3}, {true, true, true}), t, e}, 1,
              "Number of batches of 'then' must match size of 'cond', but saw: 2 vs. 3");
}

TEST(ReverseSequence, EveryPairOfDims) {
  const Shape s{3, 4, 2, 3};
  for (int batch = 0; batch < 4; ++batch) {
    for (int seq = 0; seq < 4; ++seq) {
      if (seq == batch) continue;
      std::vector<int64_t> lengths;
      for (int64_t i = 0; i < s[batch]; ++i) lengths.push_back(i % (s[seq] + 1));
      const Tensor x = iota<float>(s);
      const Tensor got =
          one(kernel_ReverseSequence, {{"seq_dim", seq}, {"batch_dim", batch}}, {x, ints(lengths)}, DType::kFloat);
      for (int64_t i = 0; i < x.num_elements(); ++i) {
        Index at = ref::unflatten(i, s);
        const int64_t n = lengths[static_cast<size_t>(at[static_cast<size_t>(batch)])];
        int64_t& k = at[static_cast<size_t>(seq)];
        if (k < n) k = n - 1 - k;
        ASSERT_EQ(got.data<float>()[i], x.data<float>()[ref::flatten(at, s)]);
      }
    }
  }
  check_error(kernel_ReverseSequence, {{"seq_dim", 1}, {"batch_dim", 0}}, {iota<float>({1, 2}), ints({3})}, 1,
              "seq_lens(0) > input.dims(1)");
  check_error(kernel_ReverseSequence, {{"seq_dim", 1}, {"batch_dim", 0}}, {iota<float>({1, 2}), ints({1, 1})}, 1,
              "len(seq_lens) != input.dims(0), (2 vs. 1)");
}

TEST(Roll, WrapsSeveralAxes) {
  const Shape s{3, 4};
  const Tensor x = iota<float>(s);
  const Tensor got = one(kernel_Roll, {}, {x, ints({-4, 9, 1}), ints({0, 1, -1})}, DType::kFloat);
  for (int64_t i = 0; i < 12; ++i) {
    const Index at = ref::unflatten(i, s);
    EXPECT_EQ(got.data<float>()[ref::flatten({(at[0] + 2) % 3, (at[1] + 10) % 4}, s)], x.data<float>()[i]);
  }
  check_error(kernel_Roll, {}, {x, ints({1}), ints({3})}, 1, "axis 3 is out of range");
}

TEST(FoldBack, SumsCopies) {
  EXPECT_EQ(values<double>(one(kernel_MirrorPadGrad, {{"mode", "SYMMETRIC"}},
                               {iota<double>({5}), tensor<int32_t>({1, 2}, {2, 1})}, DType::kDouble)),
            (std::vector<double>{5, 10}));
  EXPECT_EQ(values<double>(one(kernel_MirrorPadGrad, {{"mode", "REFLECT"}},
                               {iota<double>({5}), tensor<int32_t>({1, 2}, {1, 1})}, DType::kDouble)),
            (std::vector<double>{2, 9, 4}));
  EXPECT_EQ(values<float>(one(kernel_TileGrad, {}, {iota<float>({2, 4}), ints({1, 2})}, DType::kFloat)),
            (std::vector<float>{4, 6, 12, 14}));
  check_error(kernel_MirrorPadGrad, {{"mode", "REFLECT"}}, {iota<float>({2}), tensor<int32_t>({1, 2}, {2, 1})}, 1,
              "paddings must be less than the output dimension size: 2, 1 not less than -1");
}

TEST(MatrixBandPart, EveryBand) {
  const Shape s{2, 3, 4};
  const Tensor x = iota<float>(s);
  for (int64_t lower = -1; lower <= 3; ++lower) {
    for (int64_t upper = -1; upper <= 4; ++upper) {
      const Tensor got = one(kernel_MatrixBandPart, {},
                             {x, Tensor::scalar<int64_t>(lower), Tensor::scalar<int64_t>(upper)}, DType::kFloat);
      for (int64_t i = 0; i < x.num_elements(); ++i) {
        const Index at = ref::unflatten(i, s);
        const bool in = (lower < 0 || at[1] - at[2] <= lower) && (upper < 0 || at[2] - at[1] <= upper);
        ASSERT_EQ(got.data<float>()[i], in ? x.data<float>()[i] : 0);
      }
    }
  }
  check_error(kernel_MatrixBandPart, {}, {iota<float>({1, 2}), Tensor::scalar<int64_t>(5), Tensor::scalar<int64_t>(0)},
              1, "num_lower must be negative or less or equal to number of rows (1) got: 5");
}

TEST(StridedAssign, WritesAVariable) {
  Tensor handle = Tensor::make_or_die(DType::kResource, {});
  auto variable = make_ref<Variable>("v", DType::kFloat, Shape{5});
  handle.data<ResourceHandle>()[0] = ResourceHandle(variable);
  variable->assign(iota<float>({5}));
  const Tensor before = *variable->read();
  const AttrMap masks = {
      {"begin_mask", 0}, {"end_mask", 0}, {"ellipsis_mask", 0}, {"new_axis_mask", 0}, {"shrink_axis_mask", 0}};
  Node node(kernel_ResourceStridedSliceAssign, masks, {});
  ASSERT_TRUE(node.run({handle, ints({4}), ints({0}), ints({-2}), tensor<float>({2}, {-1, -2})}).ok());
  EXPECT_EQ(values<float>(*variable->read()), (std::vector<float>{1, 2, -2, 4, -1}));
  EXPECT_EQ(values<float>(before), (std::vector<float>{1, 2, 3, 4, 5}));
  check_error(kernel_ResourceStridedSliceAssign, masks, {handle, ints({1}), ints({3}), ints({1}), iota<float>({3})}, 0,
              "sliced l-value shape [2] does not match r-value shape [3]. Automatic broadcasting not yet implemented.",
              Code::kUnimplemented);
}

}  // namespace
}  // namespace tw
