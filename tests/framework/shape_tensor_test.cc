#include <gtest/gtest.h>

#include "core/framework/kernel.h"
#include "core/framework/resource.h"
#include "core/framework/shape.h"
#include "core/framework/tensor.h"

namespace tw {
namespace {

constexpr int64_t U = kUnknownDim;

TEST(DType, NamesAndSizes) {
  for (int i = 1; i <= 23; ++i) {
    const DType t = static_cast<DType>(i);
    EXPECT_TRUE(dtype_valid(i));
    EXPECT_TRUE(dtype_valid(i + kRefOffset));
    EXPECT_EQ(dtype_from_name(dtype_name(t)), t);
    EXPECT_EQ(dtype_from_name(dtype_python_name(t)), t);
    EXPECT_EQ(dtype_from_name(dtype_name(ref_dtype(t))), ref_dtype(t));
    EXPECT_GT(dtype_size(t), 0u);
    EXPECT_EQ(dtype_size(ref_dtype(t)), dtype_size(t));
  }
  EXPECT_EQ(dtype_name(DType::kHalf), "half");
  EXPECT_EQ(dtype_python_name(ref_dtype(DType::kFloat)), "float32_ref");
  for (const int bad : {-1, 0, 24, 100, 124, 1000}) EXPECT_FALSE(dtype_valid(bad)) << bad;
  EXPECT_EQ(dtype_from_name("flaot"), DType::kInvalid);
}

TEST(Shape, MergeAndBroadcast) {
  EXPECT_EQ(*merge(Shape{U, 3}, Shape{2, U}), (Shape{2, 3}));
  EXPECT_EQ(*merge(Shape::unknown(), Shape{2}), Shape{2});
  EXPECT_EQ(merge(Shape{2, 3}, Shape{2, 4}).status().message(),
            "Dimension 1 in both shapes must be equal, but are 3 and 4. Shapes are [2,3] and [2,4].");
  EXPECT_EQ(merge(Shape{2}, Shape{2, 4}).status().message(), "Shapes must be equal rank, but are 1 and 2");
  EXPECT_EQ(*broadcast(Shape{5, 1, 4}, Shape{3, 1}), (Shape{5, 3, 4}));
  EXPECT_EQ(*broadcast(Shape{U, U}, Shape{3, 1}), (Shape{3, U}));
  EXPECT_EQ(*broadcast(Shape{0}, Shape{1}), Shape{0});
  EXPECT_EQ(*broadcast(Shape::unknown(), Shape{3}), Shape::unknown());
  EXPECT_EQ(broadcast(Shape{3}, Shape{4}).status().message(), "Dimensions must be equal, but are 3 and 4");
  EXPECT_TRUE(compatible(Shape{U, 3}, Shape{2, 3}));
  EXPECT_FALSE(compatible(Shape{2}, Shape{3}));
  EXPECT_EQ((Shape{U, 3}).to_string(), "[?,3]");
  EXPECT_EQ(Shape::unknown().to_string(), "<unknown>");
}

TEST(Shape, SizesFromOutsideAreChecked) {
  const int64_t negative[] = {2, -1}, huge[] = {int64_t{1} << 32, int64_t{1} << 32}, none[] = {int64_t{1} << 62, 4, 0};
  const std::vector<int64_t> deep(kMaxRank + 1, 1);
  EXPECT_FALSE(Shape::make(negative).ok());
  EXPECT_TRUE(Shape::make(negative, true).ok());
  EXPECT_FALSE(Shape::make(huge).ok());
  EXPECT_TRUE(Shape::make(none).ok());
  EXPECT_FALSE(Shape::make(deep).ok());
}

TEST(Tensor, OwnsAlignedStorageOfEveryDtype) {
  for (int i = 1; i <= 23; ++i) {
    auto t = Tensor::make(static_cast<DType>(i), {3, 5});
    ASSERT_TRUE(t.ok());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(t->raw()) % 64, 0u);
    EXPECT_TRUE(t->exclusive());
    EXPECT_TRUE(t->clone().ok());
  }
  Tensor s = Tensor::vector<std::string>({"a", std::string(100, 'b')});
  const Tensor copy = *s.clone();
  s.data<std::string>()[1] = "c";
  EXPECT_EQ(copy.data<std::string>()[1], std::string(100, 'b'));
  EXPECT_EQ(s.summary(), "string [2] = \"a\" \"c\"");
  EXPECT_EQ(Tensor::vector<float>({1, 2.5, 3, 4}).summary(), "float [4] = 1 2.5 3 ...");
}

TEST(Tensor, RefusesWhatCannotBe) {
  EXPECT_EQ(Tensor::make(DType::kInvalid, {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Tensor::make(DType::kFloat, {U}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Tensor::make(DType::kDouble, {int64_t{1} << 61}).status().code(), Code::kInvalidArgument);
  const Status oom = Tensor::make(DType::kFloat, {int64_t{1} << 44}).status();
  EXPECT_EQ(oom.code(), Code::kResourceExhausted);
  EXPECT_NE(oom.message().find("OOM when allocating tensor with shape[17592186044416] and type float"),
            std::string::npos);
}

TEST(Tensor, ViewsShareAndForeignMemoryIsReleasedOnce) {
  static int released;
  released = 0;
  float data[6] = {1, 2, 3, 4, 5, 6};
  {
    Tensor t(DType::kFloat, {2, 3},
             wrap_memory(data, sizeof(data), false, &released, [](void* c) { ++*static_cast<int*>(c); }));
    const Tensor view = t.reshaped({6});
    EXPECT_EQ(view.raw(), data);
    EXPECT_FALSE(t.exclusive());
    t = Tensor();
    EXPECT_EQ(released, 0);
    EXPECT_EQ(view.data<float>()[5], 6);
  }
  EXPECT_EQ(released, 1);
}

TEST(Tensor, ShapesFromTensors) {
  EXPECT_EQ(*shape_from_tensor(Tensor::vector<int32_t>({2, 3})), (Shape{2, 3}));
  EXPECT_EQ(*shape_from_tensor(Tensor::vector<int64_t>({-1, 3}), true), (Shape{U, 3}));
  EXPECT_EQ(*shape_from_tensor(Tensor::scalar<int32_t>(-1), true), Shape::unknown());
  EXPECT_FALSE(shape_from_tensor(Tensor::vector<int32_t>({-1, 3})).ok());
  EXPECT_FALSE(shape_from_tensor(Tensor::vector<float>({1})).ok());
  EXPECT_FALSE(shape_from_tensor(Tensor::make_or_die(DType::kInt32, {100})).ok());
}

TEST(Variable, CopiesOnlyWhenSomeoneWatches) {
  Variable v("w", DType::kFloat, {2});
  EXPECT_EQ(v.read().status().message(), "Attempting to use uninitialized value w");
  EXPECT_EQ(v.read().status().code(), Code::kFailedPrecondition);
  const auto increment = [](Tensor& t) -> Status {
    for (float& x : t.flat<float>()) x += 1;
    return {};
  };
  EXPECT_FALSE(v.update(increment).ok());
  v.assign(Tensor::vector<float>({1, 2}));
  const void* storage = v.read()->raw();
  ASSERT_TRUE(v.update(increment).ok());
  EXPECT_EQ(v.read()->raw(), storage) << "an unwatched value is updated in place";
  const Tensor seen = *v.read();
  ASSERT_TRUE(v.update(increment).ok());
  EXPECT_EQ(seen.summary(), "float [2] = 2 3");
  EXPECT_EQ(v.read()->summary(), "float [2] = 3 4");
  v.clear();
  EXPECT_FALSE(v.initialized());
}

TEST(ResourceManager, FindsCreatesAndClears) {
  ResourceManager m;
  const auto create = []() -> Result<ResourceHandle> {
    return ResourceHandle(make_ref<Variable>("v", DType::kFloat, Shape{}));
  };
  const ResourceHandle a = *m.find_or_create("c", "v", create);
  EXPECT_EQ(m.find_or_create("c", "v", create)->get(), a.get());
  EXPECT_EQ(m.find("c", "w").status().code(), Code::kNotFound);
  EXPECT_FALSE(m.find_or_create("c", "w", []() -> Result<ResourceHandle> { return aborted("no"); }).ok());
  ASSERT_TRUE(m.find_or_create("d", "v", create).ok());
  m.clear("c");
  EXPECT_FALSE(m.find("c", "v").ok());
  EXPECT_TRUE(m.remove("d", "v").ok());
  EXPECT_EQ(m.remove("d", "v").code(), Code::kNotFound);
}

TEST(RunContext, OutputsOwnTheirStorageAndInputsAreKeptByCopy) {
  float arena[2] = {1, 2};
  const Shape shape{2};
  Value values[2];
  values[0] = {arena, &shape, nullptr, DType::kFloat};
  values[1].dtype = DType::kInt32;
  Shape shapes[2];
  const uint32_t args[] = {0, 1};
  RunContext run;
  run.values_ = values;
  run.dynamic_shapes_ = shapes;
  run.args_ = args;
  run.num_in_ = run.num_out_ = 1;
  const Tensor kept = *run.input_tensor(0, true), lent = *run.input_tensor(0, false);
  arena[0] = 9;
  EXPECT_EQ(kept.data<float>()[0], 1);
  EXPECT_EQ(lent.data<float>()[0], 9);
  void* data = *run.allocate_output(0, {3});
  EXPECT_EQ(values[1].data, data);
  EXPECT_EQ(*values[1].shape, Shape{3});
  const Tensor t = Tensor::vector<int32_t>({4, 5});
  run.set_output(0, t);
  EXPECT_FALSE(t.exclusive());
  EXPECT_EQ(run.output(0).data, t.raw());
  values[1].owner->unref();
  EXPECT_TRUE(t.exclusive());
}

}  // namespace
}  // namespace tw
