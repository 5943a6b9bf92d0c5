#include <cmath>
#include <numeric>

#include "core/kernels/ref/array_ref.h"
#include "tests/kernels/kernel_harness.h"

namespace tw {

#define TW_EXTERN(name) extern const KernelDef kernel_##name
TW_EXTERN(Transpose);
TW_EXTERN(ConjugateTranspose);
TW_EXTERN(Concat);
TW_EXTERN(ConcatV2);
TW_EXTERN(Pack);
TW_EXTERN(Split);
TW_EXTERN(SplitV);
TW_EXTERN(Unpack);
TW_EXTERN(Slice);
TW_EXTERN(StridedSlice);
TW_EXTERN(StridedSliceGrad);
TW_EXTERN(Pad);
TW_EXTERN(PadV2);
TW_EXTERN(MirrorPad);
TW_EXTERN(Tile);
TW_EXTERN(BroadcastTo);
TW_EXTERN(ReverseV2);
TW_EXTERN(DepthToSpace);
TW_EXTERN(SpaceToDepth);
TW_EXTERN(SpaceToBatchND);
TW_EXTERN(BatchToSpaceND);
TW_EXTERN(Diag);
TW_EXTERN(DiagPart);
TW_EXTERN(MatrixDiag);
TW_EXTERN(MatrixDiagPart);
TW_EXTERN(MatrixSetDiag);
TW_EXTERN(Identity);
TW_EXTERN(IdentityN);
TW_EXTERN(Reshape);
TW_EXTERN(ExpandDims);
TW_EXTERN(Squeeze);
TW_EXTERN(EnsureShape);
TW_EXTERN(Bitcast);
TW_EXTERN(Shape);
TW_EXTERN(ShapeN);
TW_EXTERN(Size);
TW_EXTERN(Rank);
TW_EXTERN(ConcatOffset);
TW_EXTERN(BroadcastArgs);
TW_EXTERN(BroadcastGradientArgs);
TW_EXTERN(InvertPermutation);
TW_EXTERN(Fill);
TW_EXTERN(ZerosLike);
TW_EXTERN(OnesLike);
TW_EXTERN(OneHot);
TW_EXTERN(Range);
TW_EXTERN(LinSpace);
TW_EXTERN(CheckNumerics);
TW_EXTERN(DeepCopy);
TW_EXTERN(PopulationCount);

namespace {

using namespace test;
using ref::Index;
using Complex = std::complex<float>;

constexpr DType kTypes[] = {DType::kFloat, DType::kUint8,      DType::kHalf,  DType::kInt64,
                            DType::kBool,  DType::kComplex128, DType::kString};

// Distinct small elements of any dtype: number i is `first + i`.
Tensor counted(DType dtype, const Shape& shape, int64_t first = 1) {
  Tensor t = Tensor::make_or_die(dtype, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    if (dtype == DType::kString) t.data<std::string>()[i] = std::to_string(first + i) + " in a string";
    if (dtype == DType::kBool) t.data<bool>()[i] = (first + i) % 3 == 0;
    visit_number(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      t.data<T>()[i] = static_cast<T>(static_cast<float>(first + i));
    });
  }
  return t;
}

// Element number `flat` of the inputs taken one after another; zero for negative ones.
Tensor expected(const std::vector<Tensor>& inputs, const Shape& shape, const std::vector<int64_t>& flat) {
  const DType dtype = inputs[0].dtype();
  Tensor t = Tensor::make_or_die(dtype, shape);
  if (is_plain(dtype)) std::memset(t.raw(), 0, t.bytes());
  const size_t size = dtype_size(dtype);
  for (size_t i = 0; i < flat.size(); ++i) {
    int64_t at = flat[i];
    if (at < 0) continue;
    size_t input = 0;
    while (at >= inputs[input].num_elements()) at -= inputs[input++].num_elements();
    copy_elements(dtype, inputs[input].data<char>() + static_cast<size_t>(at) * size, t.data<char>() + i * size, 1);
  }
  return t;
}

Tensor ints(std::vector<int64_t> v) { return Tensor::vector<int64_t>(std::span<const int64_t>(v)); }
Tensor int32s(std::vector<int32_t> v) { return Tensor::vector<int32_t>(std::span<const int32_t>(v)); }

// For kernels with one data input (number `data`) and one output: every dtype against a formula for the source.
void check(const KernelDef& kernel, const AttrMap& attrs, const Shape& in, const std::vector<Tensor>& others,
           const Shape& out, const std::function<int64_t(const Index&)>& source, size_t data = 0) {
  for (DType dtype : kTypes) {
    const Tensor x = counted(dtype, in);
    std::vector<Tensor> inputs = others;
    inputs.insert(inputs.begin() + static_cast<ptrdiff_t>(data), x);
    const auto got = run_kernel(kernel, attrs, inputs, {dtype});
    ASSERT_TRUE(got.ok()) << got.status().to_string();
    const Tensor want = expected({x}, out, ref::sources(out, source));
    ASSERT_TRUE(same_values((*got)[0], want))
        << dtype_name(dtype) << " " << in << ": got " << (*got)[0].summary(40) << ", want " << want.summary(40);
  }
}

void check_error(const KernelDef& kernel, const AttrMap& attrs, const std::vector<Tensor>& inputs, size_t outputs,
                 const std::string& message, Code code = Code::kInvalidArgument) {
  Node node(kernel, attrs, std::vector<DType>(outputs, DType::kFloat));
  const auto got = node.run(inputs, Mode::kDynamic);
  ASSERT_FALSE(got.ok()) << message;
  EXPECT_EQ(got.status().code(), code);
  EXPECT_EQ(got.status().message(), message);
}

const std::vector<Shape> kShapes = {
    {}, {5}, {0}, {1}, {3, 4}, {2, 0}, {2, 3, 4}, {3, 1, 2, 2}, {2, 2, 1, 3, 2}, {2, 1, 2, 2, 1, 3}};

TEST(Transpose, EveryRank) {
  for (const Shape& in : kShapes) {
    std::vector<int64_t> perm(static_cast<size_t>(in.rank()));
    std::iota(perm.begin(), perm.end(), 0);
    std::rotate(perm.begin(), perm.begin() + (perm.empty() ? 0 : 1), perm.end());
    if (perm.size() > 2) std::swap(perm[0], perm[1]);
    Shape out;
    for (int64_t p : perm) out.add_dim(in[static_cast<int>(p)]);
    check(kernel_Transpose, {}, in, {ints(perm)}, out, [&](const Index& i) {
      Index from(i.size());
      for (size_t d = 0; d < i.size(); ++d) from[static_cast<size_t>(perm[d])] = i[d];
      return ref::flatten(from, in);
    });
  }
  check_error(kernel_Transpose, {}, {iota<float>({1, 2}), ints({0, 0})}, 1, "1 is missing from {0,0}.");
  check_error(kernel_Transpose, {}, {iota<float>({1, 2}), ints({0, 2})}, 1, "2 is out of range [0 .. 2)");
  check_error(kernel_Transpose, {}, {iota<float>({1, 2}), ints({0, 1, 2})}, 1,
              "transpose expects a vector of size 2. But input(1) is a vector of size 3");
}

TEST(Transpose, Conjugate) {
  const auto got = run_kernel(kernel_ConjugateTranspose, {}, {tensor<Complex>({1, 2}, {{1, 2}, {3, -4}}), ints({1, 0})},
                              {DType::kComplex64});
  ASSERT_TRUE(got.ok());
  EXPECT_TRUE(same_values((*got)[0], tensor<Complex>({2, 1}, {{1, -2}, {3, 4}})));
}

TEST(Concat, EveryAxis) {
  for (const Shape& base : kShapes) {
    for (int axis = 0; axis < base.rank(); ++axis) {
      for (DType dtype : kTypes) {
        std::vector<Tensor> inputs;
        Shape out = base;
        int64_t total = 0, first = 1;
        for (int64_t n : {2, 0, 3}) {
          Shape s = base;
          s.set_dim(axis, n);
          inputs.push_back(counted(dtype, s, first));
          first += s.num_elements();
          total += n;
        }
        out.set_dim(axis, total);
        const auto want = expected(inputs, out, ref::sources(out, [&](Index i) {
                                     const auto at = static_cast<size_t>(axis);
                                     if (i[at] < 2) return ref::flatten(i, inputs[0].shape());
                                     i[at] -= 2;
                                     return inputs[0].num_elements() + ref::flatten(i, inputs[2].shape());
                                   }));
        std::vector<Tensor> v2 = inputs, v1 = inputs;
        v2.push_back(Tensor::scalar<int32_t>(axis - base.rank()));
        v1.insert(v1.begin(), Tensor::scalar<int32_t>(axis));
        const auto a = run_kernel(kernel_ConcatV2, {}, v2, {dtype}), b = run_kernel(kernel_Concat, {}, v1, {dtype});
        ASSERT_TRUE(a.ok() && b.ok());
        ASSERT_TRUE(same_values((*a)[0], want) && same_values((*b)[0], want)) << base << " axis " << axis;
      }
    }
  }
  const Tensor v = iota<float>({1}), m = iota<float>({1, 1}), w = iota<float>({1, 2});
  const Tensor zero = Tensor::scalar<int32_t>(0), three = Tensor::scalar<int32_t>(3);
  check_error(kernel_ConcatV2, {}, {v, v, three}, 1,
              "ConcatOp : Expected concatenating dimensions in the range [-1, 1), but got 3");
  check_error(kernel_ConcatV2, {}, {v, m, zero}, 1,
              "ConcatOp : Ranks of all input tensors should match: shape[0] = [1] vs. shape[1] = [1,1]");
  check_error(kernel_ConcatV2, {}, {m, w, zero}, 1,
              "ConcatOp : Dimensions of inputs should match: shape[0] = [1,1] vs. shape[1] = [1,2]");
}

TEST(PackAndUnpack, InverseOnEveryAxis) {
  for (const Shape& s : kShapes) {
    for (int axis = -s.rank() - 1; axis <= s.rank(); ++axis) {
      const std::vector<Tensor> parts = {counted(DType::kString, s), counted(DType::kString, s, 100),
                                         counted(DType::kString, s, 200)};
      const auto packed = run_kernel(kernel_Pack, {{"axis", axis}}, parts, {DType::kString});
      ASSERT_TRUE(packed.ok());
      const int at = axis < 0 ? axis + s.rank() + 1 : axis;
      const Tensor want = expected(parts, (*packed)[0].shape(), ref::sources((*packed)[0].shape(), [&](Index i) {
                                     const int64_t part = i[static_cast<size_t>(at)];
                                     i.erase(i.begin() + at);
                                     return part * s.num_elements() + ref::flatten(i, s);
                                   }));
      ASSERT_EQ((*packed)[0].shape()[at], 3);
      ASSERT_TRUE(same_values((*packed)[0], want));
      const auto back =
          run_kernel(kernel_Unpack, {{"axis", axis}, {"num", 3}}, *packed, std::vector<DType>(3, DType::kString));
      ASSERT_TRUE(back.ok());
      for (size_t i = 0; i < 3; ++i) ASSERT_TRUE(same_values((*back)[i], parts[i]));
    }
  }
  check_error(kernel_Pack, {{"axis", 0}}, {iota<float>({1}), iota<float>({2})}, 1,
              "Shapes of all inputs must match: values[0].shape = [1] != values[1].shape = [2]");
  check_error(kernel_Unpack, {{"axis", 0}}, {iota<float>({1})}, 2, "Input shape axis 0 must equal 2, got shape [1]");
  check_error(kernel_Unpack, {{"axis", 2}}, {iota<float>({1})}, 2, "axis = 2 not in [-1, 1)");
}

TEST(Split, EvenAndUneven) {
  const Tensor x = iota<float>({2, 6});
  auto got = run_kernel(kernel_Split, {}, {Tensor::scalar<int32_t>(1), x}, std::vector<DType>(3, DType::kFloat));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(values<float>((*got)[1]), (std::vector<float>{3, 4, 9, 10}));
  got = run_kernel(kernel_SplitV, {}, {x, ints({1, -1, 0}), Tensor::scalar<int32_t>(-1)},
                   std::vector<DType>(3, DType::kFloat));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(values<float>((*got)[0]), (std::vector<float>{1, 7}));
  EXPECT_EQ(values<float>((*got)[1]), (std::vector<float>{2, 3, 4, 5, 6, 8, 9, 10, 11, 12}));
  EXPECT_EQ((*got)[2].shape(), (Shape{2, 0}));
  check_error(kernel_Split, {}, {Tensor::scalar<int32_t>(1), x}, 4,
              "Number of ways to split should evenly divide the split dimension, but got split_dim 1 (size = 6) and "
              "num_split 4");
  check_error(kernel_Split, {}, {Tensor::scalar<int32_t>(4), x}, 2,
              "-input rank(-2) <= split_dim < input rank (2), but got 4");
  check_error(kernel_SplitV, {}, {x, ints({-1, -1}), Tensor::scalar<int32_t>(0)}, 2,
              "There can only be one -1 in the input.");
}

TEST(Slice, BoxesOfEveryRank) {
  for (const Shape& in : kShapes) {
    std::vector<int64_t> begin, size;
    Shape out;
    for (int d = 0; d < in.rank(); ++d) {
      begin.push_back(in[d] > 1 ? 1 : 0);
      size.push_back(d % 2 == 0 ? -1 : in[d] - begin.back());
      out.add_dim(in[d] - begin.back());
    }
    check(kernel_Slice, {}, in, {ints(begin), ints(size)}, out, [&](Index i) {
      for (size_t d = 0; d < i.size(); ++d) i[d] += begin[d];
      return ref::flatten(i, in);
    });
  }
  check_error(kernel_Slice, {}, {iota<float>({3}), ints({4}), ints({1})}, 1, "Expected begin[0] in [0, 3], but got 4");
  check_error(kernel_Slice, {}, {iota<float>({3}), ints({1}), ints({4})}, 1, "Expected size[0] in [0, 2], but got 4");
}

AttrMap masks(int begin, int end, int ellipsis, int new_axis, int shrink) {
  return {{"begin_mask", begin},
          {"end_mask", end},
          {"ellipsis_mask", ellipsis},
          {"new_axis_mask", new_axis},
          {"shrink_axis_mask", shrink}};
}

TEST(StridedSlice, MatchesPython) {
  // x[1::2, ::-1], x[-1], x[..., 0], x[:, None, -2:0:-1], x[3:1], x[10:-20:-3]
  const Shape in{4, 3};
  check(kernel_StridedSlice, masks(2, 3, 0, 0, 0), in, {ints({1, 0}), ints({0, 0}), ints({2, -1})}, {2, 3},
        [&](const Index& i) { return ref::flatten({1 + 2 * i[0], 2 - i[1]}, in); });
  check(kernel_StridedSlice, masks(0, 0, 0, 0, 1), in, {ints({-1}), ints({0}), ints({1})}, {3},
        [&](const Index& i) { return ref::flatten({3, i[0]}, in); });
  check(kernel_StridedSlice, masks(0, 0, 1, 0, 2), in, {ints({0, 0}), ints({0, 1}), ints({1, 1})}, {4},
        [&](const Index& i) { return ref::flatten({i[0], 0}, in); });
  check(kernel_StridedSlice, masks(1, 1, 0, 2, 0), in, {ints({0, 0, -2}), ints({0, 0, 0}), ints({1, 1, -1})}, {4, 1, 1},
        [&](const Index& i) { return ref::flatten({i[0], 1}, in); });
  check(kernel_StridedSlice, masks(0, 0, 0, 0, 0), in, {ints({3}), ints({1}), ints({1})}, {0, 3},
        [&](const Index&) { return 0; });
  check(kernel_StridedSlice, masks(0, 0, 0, 0, 0), in, {ints({10}), ints({-20}), ints({-3})}, {2, 3},
        [&](const Index& i) { return ref::flatten({3 - 3 * i[0], i[1]}, in); });
  check(kernel_StridedSlice, masks(0, 0, 1, 2, 0), in, {ints({0, 0}), ints({0, 0}), ints({1, 1})}, {4, 3, 1},
        [&](const Index& i) { return ref::flatten({i[0], i[1]}, in); });
  check(kernel_StridedSlice, masks(0, 0, 0, 0, 0), Shape{}, {ints({}), ints({}), ints({})}, {},
        [&](const Index&) { return 0; });
  const Tensor x = iota<float>({3});
  check_error(kernel_StridedSlice, masks(0, 0, 0, 0, 1), {x, ints({4}), ints({5}), ints({1})}, 1,
              "slice index 4 of dimension 0 out of bounds.");
  check_error(kernel_StridedSlice, masks(0, 0, 0, 0, 0), {x, ints({0}), ints({1}), ints({0})}, 1,
              "strides[0] must be non-zero");
  check_error(kernel_StridedSlice, masks(0, 0, 0, 0, 0), {x, ints({0, 0}), ints({1, 1}), ints({1, 1})}, 1,
              "Index out of range using input dim 1; input has only 1 dims");
  check_error(kernel_StridedSlice, masks(0, 0, 3, 0, 0), {x, ints({0, 0}), ints({1, 1}), ints({1, 1})}, 1,
              "Multiple ellipses in slice spec not allowed");
}

TEST(StridedSlice, GradientPutsValuesBack) {
  const Shape shape{4, 3};
  check(
      kernel_StridedSliceGrad, masks(2, 3, 0, 0, 0), Shape{2, 3},
      {ints({4, 3}), ints({1, 0}), ints({0, 0}), ints({2, -1})}, shape,
      [&](const Index& i) -> int64_t {
        if (i[0] % 2 == 0) return -1;
        return ref::flatten({(i[0] - 1) / 2, 2 - i[1]}, {2, 3});
      },
      4);
  check_error(kernel_StridedSliceGrad, masks(0, 0, 0, 0, 0),
              {ints({4}), ints({0}), ints({2}), ints({1}), iota<float>({3})}, 1, "shape of dy was [3] instead of [2]");
}

TEST(Pad, ZerosAndConstants) {
  for (const Shape& in : kShapes) {
    Tensor pads = Tensor::make_or_die(DType::kInt32, {in.rank(), 2});
    Shape out;
    for (int d = 0; d < in.rank(); ++d) {
      pads.data<int32_t>()[2 * d] = d % 3;
      pads.data<int32_t>()[2 * d + 1] = (d + 1) % 2;
      out.add_dim(in[d] + d % 3 + (d + 1) % 2);
    }
    check(kernel_Pad, {}, in, {pads}, out, [&](Index i) -> int64_t {
      for (size_t d = 0; d < i.size(); ++d) {
        i[d] -= static_cast<int64_t>(d % 3);
        if (i[d] < 0 || i[d] >= in[static_cast<int>(d)]) return -1;
      }
      return ref::flatten(i, in);
    });
  }
  const auto got = run_kernel(
      kernel_PadV2, {}, {iota<float>({2}), tensor<int32_t>({1, 2}, {1, 2}), Tensor::scalar<float>(9)}, {DType::kFloat});
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(values<float>((*got)[0]), (std::vector<float>{9, 1, 2, 9, 9}));
  check_error(kernel_Pad, {}, {iota<float>({1}), tensor<int32_t>({1, 2}, {-1, 0})}, 1,
              "Paddings must be non-negative: -1 0");
}

TEST(Pad, Mirrors) {
  for (const std::string mode : {"REFLECT", "SYMMETRIC"}) {
    const int64_t edge = mode == "REFLECT" ? 1 : 0;
    const Shape in{4, 3, 2};
    const int64_t before[] = {2, 0, 1}, after[] = {3, 2, 0};
    check(kernel_MirrorPad, {{"mode", mode}}, in, {tensor<int64_t>({3, 2}, {2, 3, 0, 2, 1, 0})}, {9, 5, 3},
          [&](Index i) {
            for (size_t d = 0; d < 3; ++d) {
              const int64_t n = in[static_cast<int>(d)];
              i[d] -= before[d];
              if (i[d] < 0) i[d] = -i[d] - 1 + edge;
              if (i[d] >= n) i[d] = 2 * n - i[d] - 1 - edge;
              EXPECT_LT(i[d], n) << after[d];
            }
            return ref::flatten(i, in);
          });
  }
  check_error(kernel_MirrorPad, {{"mode", "REFLECT"}}, {iota<float>({2}), tensor<int32_t>({1, 2}, {2, 0})}, 1,
              "paddings must be less than the dimension size: 2, 0 not less than 2");
  check_error(kernel_MirrorPad, {{"mode", "SYMMETRIC"}}, {iota<float>({2}), tensor<int32_t>({1, 2}, {3, 0})}, 1,
              "paddings must be no greater than the dimension size: 3, 0 greater than 2");
}

TEST(Tile, EveryRank) {
  for (const Shape& in : kShapes) {
    std::vector<int64_t> m;
    Shape out;
    for (int d = 0; d < in.rank(); ++d) {
      m.push_back(d % 3 + 1);
      out.add_dim(in[d] * m.back());
    }
    check(kernel_Tile, {}, in, {ints(m)}, out, [&](Index i) {
      for (size_t d = 0; d < i.size(); ++d) i[d] %= in[static_cast<int>(d)];
      return ref::flatten(i, in);
    });
  }
  check(kernel_Tile, {}, {2}, {ints({0})}, {0}, [](const Index&) { return 0; });
  check_error(kernel_Tile, {}, {iota<float>({1}), ints({-1})}, 1, "Expected multiples[0] >= 0, but got -1");
}

TEST(BroadcastTo, RepeatsOnes) {
  check(kernel_BroadcastTo, {}, {3, 1}, {ints({2, 3, 4})}, {2, 3, 4}, [](const Index& i) { return i[1]; });
  check(kernel_BroadcastTo, {}, {}, {ints({2, 2})}, {2, 2}, [](const Index&) { return 0; });
  check_error(kernel_BroadcastTo, {}, {iota<float>({2}), ints({3})}, 1, "Incompatible shapes: [2] vs. [3]");
}

TEST(Reverse, Axes) {
  check(kernel_ReverseV2, {}, {2, 3, 4}, {ints({0, -1})}, {2, 3, 4},
        [](const Index& i) { return ref::flatten({1 - i[0], i[1], 3 - i[2]}, {2, 3, 4}); });
  check(kernel_ReverseV2, {}, {}, {ints({})}, {}, [](const Index&) { return 0; });
  check_error(kernel_ReverseV2, {}, {iota<float>({2}), ints({0, 0})}, 1, "axis 0 specified more than once.");
}

TEST(SpaceAndDepth, BothLayoutsAndBack) {
  for (const std::string format : {"NHWC", "NCHW"}) {
    const bool nchw = format == "NCHW";
    const Shape space = nchw ? Shape{2, 3, 4, 6} : Shape{2, 4, 6, 3},
                depth = nchw ? Shape{2, 12, 2, 3} : Shape{2, 2, 3, 12};
    const AttrMap attrs = {{"block_size", 2}, {"data_format", format}};
    check(kernel_SpaceToDepth, attrs, space, {}, depth, [&](const Index& i) {
      const int64_t c = nchw ? i[1] : i[3], h = nchw ? i[2] : i[1], w = nchw ? i[3] : i[2];
      const int64_t from_c = c % 3, from_h = h * 2 + c / 6, from_w = w * 2 + c / 3 % 2;
      return nchw ? ref::flatten({i[0], from_c, from_h, from_w}, space)
                  : ref::flatten({i[0], from_h, from_w, from_c}, space);
    });
    const Tensor x = iota<float>(space);
    const auto d = run_kernel(kernel_SpaceToDepth, attrs, {x}, {DType::kFloat});
    const auto back = run_kernel(kernel_DepthToSpace, attrs, *d, {DType::kFloat});
    EXPECT_TRUE(same_values((*back)[0], x));
  }
  check_error(kernel_SpaceToDepth, {{"block_size", 2}, {"data_format", "NHWC"}}, {iota<float>({1, 3, 2, 1})}, 1,
              "Image width 2 and height 3 should be divisible by block_size: 2");
}

TEST(SpaceAndBatch, PadsCropsAndBack) {
  const Shape in{2, 3, 5, 2}, out{12, 2, 3, 2};
  const Tensor block = ints({2, 3}), pads = tensor<int64_t>({2, 2}, {1, 0, 1, 3});
  check(kernel_SpaceToBatchND, {}, in, {block, pads}, out, [&](const Index& i) -> int64_t {
    const int64_t k = i[0] / 2, h = i[1] * 2 + k / 3 - 1, w = i[2] * 3 + k % 3 - 1;
    return h < 0 || h >= 3 || w < 0 || w >= 5 ? -1 : ref::flatten({i[0] % 2, h, w, i[3]}, in);
  });
  const Tensor x = iota<float>(in);
  const auto b = run_kernel(kernel_SpaceToBatchND, {}, {x, block, pads}, {DType::kFloat});
  const auto back = run_kernel(kernel_BatchToSpaceND, {}, {(*b)[0], block, pads}, {DType::kFloat});
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(same_values((*back)[0], x));
  check_error(kernel_SpaceToBatchND, {}, {x, block, tensor<int64_t>({2, 2}, {0, 0, 1, 3})}, 1,
              "padded_shape[0]=3 is not divisible by block_shape[0]=2");
}

TEST(Diagonals, AllForms) {
  check(kernel_Diag, {}, {2, 3}, {}, {2, 3, 2, 3},
        [](const Index& i) -> int64_t { return i[0] == i[2] && i[1] == i[3] ? i[0] * 3 + i[1] : -1; });
  check(kernel_DiagPart, {}, {2, 3, 2, 3}, {}, {2, 3}, [](const Index& i) { return (i[0] * 3 + i[1]) * 7; });
  check(kernel_MatrixDiag, {}, {2, 3}, {}, {2, 3, 3},
        [](const Index& i) -> int64_t { return i[1] == i[2] ? i[0] * 3 + i[1] : -1; });
  check(kernel_MatrixDiagPart, {}, {2, 3, 4}, {}, {2, 3}, [](const Index& i) { return i[0] * 12 + i[1] * 5; });
  check(kernel_MatrixDiagPart, {}, {4, 2}, {}, {2}, [](const Index& i) { return i[0] * 3; });
  const auto set =
      run_kernel(kernel_MatrixSetDiag, {}, {iota<float>({2, 3}), tensor<float>({2}, {-1, -2})}, {DType::kFloat});
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(values<float>((*set)[0]), (std::vector<float>{-1, 2, 3, 4, -2, 6}));
  check_error(kernel_Diag, {}, {Tensor::scalar<float>(1)}, 1, "Input must be at least rank 1, got 0");
}

TEST(Aliases, CopyAndReshape) {
  const auto same = [](const Shape& s) { return [s](const Index& i) { return ref::flatten(i, s); }; };
  for (const Shape& in : kShapes) {
    check(kernel_Identity, {}, in, {}, in, same(in));
    check(kernel_Reshape, {}, in, {ints({in.num_elements()})}, {in.num_elements()}, same({in.num_elements()}));
    if (in.num_elements() > 0)
      check(kernel_Reshape, {}, in, {ints({-1, 1})}, {in.num_elements(), 1}, same({in.num_elements(), 1}));
  }
  check(kernel_ExpandDims, {}, {2, 3}, {Tensor::scalar<int32_t>(-2)}, {2, 1, 3}, same({2, 1, 3}));
  check(kernel_Squeeze, {{"squeeze_dims", std::vector<int64_t>{}}}, {1, 2, 1}, {}, {2}, same({2}));
  check(kernel_Squeeze, {{"squeeze_dims", std::vector<int64_t>{-1}}}, {1, 2, 1}, {}, {1, 2}, same({1, 2}));
  check(kernel_EnsureShape, {{"shape", Shape{-1, 3}}}, {2, 3}, {}, {2, 3}, same({2, 3}));
  const auto n =
      run_kernel(kernel_IdentityN, {}, {iota<float>({2}), iota<int32_t>({3})}, {DType::kFloat, DType::kInt32});
  ASSERT_TRUE(n.ok());
  EXPECT_EQ(values<int32_t>((*n)[1]), (std::vector<int32_t>{1, 2, 3}));
  check_error(kernel_Reshape, {}, {iota<float>({3}), ints({2, -1})}, 1,
              "Input to reshape is a tensor with 3 values, but the requested shape requires a multiple of 2");
  check_error(kernel_Reshape, {}, {iota<float>({3}), ints({2, 2})}, 1,
              "Input to reshape is a tensor with 3 values, but the requested shape has 4");
  check_error(kernel_ExpandDims, {}, {iota<float>({3}), Tensor::scalar<int32_t>(3)}, 1,
              "Tried to expand dim index 3 for tensor with 1 dimensions.");
  check_error(kernel_Squeeze, {{"squeeze_dims", std::vector<int64_t>{1}}}, {iota<float>({1, 3})}, 1,
              "Can not squeeze dim[1], expected a dimension of 1, got 3");
  check_error(kernel_EnsureShape, {{"shape", Shape{2}}}, {iota<float>({3})}, 1,
              "Shape of tensor [3] is not compatible with expected shape [2].");
}

TEST(Bitcast, ChangesTheLastDimension) {
  const auto bytes =
      run_kernel(kernel_Bitcast, {{"type", DType::kUint8}}, {tensor<int32_t>({1}, {0x01020304})}, {DType::kUint8});
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(values<uint8_t>((*bytes)[0]), (std::vector<uint8_t>{4, 3, 2, 1}));
  const auto back = run_kernel(kernel_Bitcast, {{"type", DType::kInt32}}, *bytes, {DType::kInt32});
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(values<int32_t>((*back)[0]), (std::vector<int32_t>{0x01020304}));
}

TEST(ShapeOps, SizesAndOffsets) {
  const Tensor x = iota<float>({2, 0, 3});
  EXPECT_EQ(values<int32_t>((*run_kernel(kernel_Shape, {}, {x}, {DType::kInt32}))[0]), (std::vector<int32_t>{2, 0, 3}));
  const auto n = run_kernel(kernel_ShapeN, {}, {x, iota<float>({})}, {DType::kInt64, DType::kInt64});
  EXPECT_EQ(values<int64_t>((*n)[0]), (std::vector<int64_t>{2, 0, 3}));
  EXPECT_EQ((*n)[1].shape(), Shape{0});
  EXPECT_EQ(values<int32_t>((*run_kernel(kernel_Size, {}, {x}, {DType::kInt32}))[0])[0], 0);
  EXPECT_EQ(values<int32_t>((*run_kernel(kernel_Rank, {}, {x}, {DType::kInt32}))[0])[0], 3);
  const auto off = run_kernel(kernel_ConcatOffset, {}, {Tensor::scalar<int32_t>(-1), int32s({2, 3}), int32s({2, 4})},
                              {DType::kInt32, DType::kInt32});
  EXPECT_EQ(values<int32_t>((*off)[0]), (std::vector<int32_t>{0, 0}));
  EXPECT_EQ(values<int32_t>((*off)[1]), (std::vector<int32_t>{0, 3}));
  const auto both = run_kernel(kernel_BroadcastArgs, {}, {int32s({3, 1}), int32s({2, 1, 4})}, {DType::kInt32});
  EXPECT_EQ(values<int32_t>((*both)[0]), (std::vector<int32_t>{2, 3, 4}));
  const auto grad = run_kernel(kernel_BroadcastGradientArgs, {}, {int32s({5, 1, 3}), int32s({1, 1, 3})},
                               {DType::kInt32, DType::kInt32});
  EXPECT_EQ(values<int32_t>((*grad)[0]), (std::vector<int32_t>{1}));
  EXPECT_EQ(values<int32_t>((*grad)[1]), (std::vector<int32_t>{0, 1}));
  check_error(kernel_BroadcastGradientArgs, {}, {int32s({3}), int32s({4})}, 2, "Incompatible shapes: [3] vs. [4]");
  const auto inverse = run_kernel(kernel_InvertPermutation, {}, {int32s({2, 0, 1})}, {DType::kInt32});
  EXPECT_EQ(values<int32_t>((*inverse)[0]), (std::vector<int32_t>{1, 2, 0}));
  check_error(kernel_InvertPermutation, {}, {int32s({3, 0})}, 1, "3 is not between 0 and 2");
  check_error(kernel_InvertPermutation, {}, {int32s({0, 0})}, 1, "0 is duplicated in the input.");
}

TEST(Fills, ZerosOnesAndValues) {
  for (DType dtype : kTypes) {
    const Tensor one = counted(dtype, {}, 7), x = counted(dtype, {3, 2});
    const auto filled = run_kernel(kernel_Fill, {}, {int32s({3, 2}), one}, {dtype});
    ASSERT_TRUE(filled.ok());
    EXPECT_TRUE(same_values((*filled)[0], expected({one}, {3, 2}, std::vector<int64_t>(6, 0))));
    const auto zeros = run_kernel(kernel_ZerosLike, {}, {x}, {dtype});
    ASSERT_TRUE(zeros.ok());
    EXPECT_TRUE(same_values((*zeros)[0], expected({one}, {3, 2}, std::vector<int64_t>(6, -1))));
  }
  const auto ones = run_kernel(kernel_OnesLike, {}, {iota<double>({2})}, {DType::kDouble});
  EXPECT_EQ(values<double>((*ones)[0]), (std::vector<double>{1, 1}));
  check_error(kernel_Fill, {}, {int32s({-1}), iota<float>({})}, 1, "Dimension -1 must be >= 0");
}

TEST(OneHot, EveryAxis) {
  const Tensor on = Tensor::scalar<float>(5), off = Tensor::scalar<float>(-1), depth = Tensor::scalar<int32_t>(3);
  const Tensor indices = tensor<int64_t>({2, 2}, {0, 2, -1, 7});
  for (int axis = -1; axis <= 2; ++axis) {
    const auto got = run_kernel(kernel_OneHot, {{"axis", axis}}, {indices, depth, on, off}, {DType::kFloat});
    ASSERT_TRUE(got.ok());
    const Tensor& t = (*got)[0];
    const int at = axis < 0 ? 2 : axis;
    for (int64_t i = 0; i < t.num_elements(); ++i) {
      Index index = ref::unflatten(i, t.shape());
      const int64_t hot = index[static_cast<size_t>(at)];
      index.erase(index.begin() + at);
      EXPECT_EQ(t.data<float>()[i], indices.data<int64_t>()[ref::flatten(index, {2, 2})] == hot ? 5 : -1);
    }
  }
  check_error(kernel_OneHot, {{"axis", -1}}, {indices, Tensor::scalar<int32_t>(-1), on, off}, 1,
              "depth must be non-negative, got: -1");
}

// Beyond the last cache, results are stored past it.
TEST(OneHot, LargeResults) {
  const int64_t count = 12007, depth = 709, inner = 3;
  Tensor indices = Tensor::make_or_die(DType::kInt32, Shape{count, inner});
  for (int64_t i = 0; i < count * inner; ++i) indices.data<int32_t>()[i] = static_cast<int32_t>(i * 31 % (depth + 2));
  const auto got = run_kernel(
      kernel_OneHot, {{"axis", 1}},
      {indices, Tensor::scalar<int32_t>(depth), Tensor::scalar<half>(half(2.f)), Tensor::scalar<half>(half(-1.f))},
      {DType::kHalf});
  ASSERT_TRUE(got.ok()) << got.status().to_string();
  const Tensor& t = (*got)[0];
  ASSERT_EQ(t.shape(), (Shape{count, depth, inner}));
  ASSERT_GE(t.num_elements() * 2, 32 << 20);
  int64_t wrong = 0;
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    const int64_t slice = i / (depth * inner), at = i / inner % depth, k = i % inner;
    const bool hot = indices.data<int32_t>()[slice * inner + k] == at;
    wrong += static_cast<float>(t.data<half>()[i]) != (hot ? 2.f : -1.f);
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Fills, LargeResults) {
  for (const int64_t size : {int64_t{4} << 20, (int64_t{4} << 20) + 1031}) {
    Tensor dims = Tensor::make_or_die(DType::kInt32, Shape{1});
    dims.data<int32_t>()[0] = static_cast<int32_t>(size);
    const auto got = run_kernel(kernel_Fill, {}, {dims, Tensor::scalar<double>(0.1)}, {DType::kDouble});
    ASSERT_TRUE(got.ok()) << got.status().to_string();
    ASSERT_EQ((*got)[0].num_elements(), size);
    const double* v = (*got)[0].data<double>();
    EXPECT_EQ(std::count(v, v + size, 0.1), size);
  }
}

TEST(Sequences, RangeAndLinSpace) {
  const auto r = run_kernel(kernel_Range, {},
                            {Tensor::scalar<int32_t>(5), Tensor::scalar<int32_t>(-2), Tensor::scalar<int32_t>(-3)},
                            {DType::kInt32});
  EXPECT_EQ(values<int32_t>((*r)[0]), (std::vector<int32_t>{5, 2, -1}));
  const auto f =
      run_kernel(kernel_Range, {}, {Tensor::scalar<float>(0), Tensor::scalar<float>(1), Tensor::scalar<float>(0.1f)},
                 {DType::kFloat});
  ASSERT_EQ((*f)[0].num_elements(), 10);
  float sum = 0;
  for (float v : values<float>((*f)[0])) {
    EXPECT_EQ(v, sum);
    sum += 0.1f;
  }
  const auto empty =
      run_kernel(kernel_Range, {}, {Tensor::scalar<int64_t>(2), Tensor::scalar<int64_t>(2), Tensor::scalar<int64_t>(1)},
                 {DType::kInt64});
  EXPECT_EQ((*empty)[0].shape(), Shape{0});
  const auto l =
      run_kernel(kernel_LinSpace, {},
                 {Tensor::scalar<double>(1), Tensor::scalar<double>(2), Tensor::scalar<int32_t>(5)}, {DType::kDouble});
  EXPECT_EQ(values<double>((*l)[0]), (std::vector<double>{1, 1.25, 1.5, 1.75, 2}));
  check_error(kernel_Range, {}, {Tensor::scalar<float>(5), Tensor::scalar<float>(3), Tensor::scalar<float>(1)}, 1,
              "Requires start <= limit when delta > 0: 5/3");
  check_error(kernel_Range, {}, {Tensor::scalar<int32_t>(5), Tensor::scalar<int32_t>(3), Tensor::scalar<int32_t>(0)}, 1,
              "Requires delta != 0: 0");
  check_error(kernel_LinSpace, {}, {Tensor::scalar<float>(5), Tensor::scalar<float>(3), Tensor::scalar<int32_t>(0)}, 1,
              "Requires num > 0: 0");
}

TEST(Checks, NumericsAndBits) {
  const AttrMap attrs = {{"message", "hey"}};
  const Tensor good = tensor<float>({2}, {1, -3e38f});
  EXPECT_TRUE(same_values((*run_kernel(kernel_CheckNumerics, attrs, {good}, {DType::kFloat}))[0], good));
  check_error(kernel_CheckNumerics, attrs, {tensor<float>({2}, {1, NAN})}, 1, "hey : Tensor had NaN values");
  check_error(kernel_CheckNumerics, attrs, {tensor<double>({1}, {-INFINITY})}, 1, "hey : Tensor had Inf values");
  check_error(kernel_CheckNumerics, attrs, {tensor<half>({2}, {half(INFINITY), half(NAN)})}, 1,
              "hey : Tensor had Inf and NaN values");
  EXPECT_EQ(values<uint8_t>(
                (*run_kernel(kernel_PopulationCount, {}, {tensor<int16_t>({3}, {-1, 0, 5})}, {DType::kUint8}))[0]),
            (std::vector<uint8_t>{16, 0, 2}));
  const auto copy = run_kernel(kernel_DeepCopy, {}, {good}, {DType::kFloat});
  ASSERT_TRUE(copy.ok());
  EXPECT_NE((*copy)[0].buffer().get(), good.buffer().get());
  EXPECT_TRUE(same_values((*copy)[0], good));
}

}  // namespace
}  // namespace tw
