// Variables: reads, assigns, scatters, and what happens to readers.
#include "tests/kernels/kernel_harness.h"

namespace tw {
extern const KernelDef kernel_ReadVariableOp, kernel_AssignVariableOp, kernel_AssignAddVariableOp,
    kernel_AssignSubVariableOp, kernel_VarIsInitializedOp, kernel_VariableShape, kernel_DestroyResourceOp,
    kernel_ResourceCountUpTo, kernel_ResourceScatterUpdate, kernel_ResourceScatterAdd, kernel_ResourceScatterDiv,
    kernel_ResourceScatterMax, kernel_ResourceScatterNdAdd, kernel_ResourceScatterNdUpdate;

namespace test {
namespace {

Tensor handle_of(const Ref<Variable>& v) {
  Tensor t = Tensor::make_or_die(DType::kResource, Shape{});
  t.data<ResourceHandle>()[0] = v;
  return t;
}
Ref<Variable> variable(const Shape& shape, std::vector<float> values) {
  auto v = make_ref<Variable>("v", DType::kFloat, shape);
  v->assign(Tensor::vector<float>(values).reshaped(shape));
  return v;
}
Tensor floats(std::vector<float> values) { return Tensor::vector<float>(values); }
Tensor ints(std::vector<int32_t> values) { return Tensor::vector<int32_t>(values); }

const AttrMap kFloat{{"dtype", DType::kFloat}, {"T", DType::kFloat}};

Status run(const KernelDef& kernel, const std::vector<Tensor>& inputs, AttrMap attrs = kFloat) {
  return Node(kernel, std::move(attrs), {}).run(inputs).status();
}
void expect_value(const Ref<Variable>& v, std::vector<float> want) {
  const Tensor got = *v->read();
  ASSERT_EQ(got.num_elements(), static_cast<int64_t>(want.size()));
  for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(got.data<float>()[i], want[i]) << i;
}

TEST(State, ReadAssignAndAdd) {
  auto v = make_ref<Variable>("v", DType::kFloat, Shape{2});
  Status s = Node(kernel_ReadVariableOp, kFloat, {DType::kFloat}).run({handle_of(v)}).status();
  EXPECT_EQ(s.code(), Code::kFailedPrecondition);
  EXPECT_EQ(s.message(), "Attempting to use uninitialized value v");
  EXPECT_EQ(run(kernel_AssignAddVariableOp, {handle_of(v), floats({1, 1})}).code(), Code::kFailedPrecondition);
  ASSERT_TRUE(run(kernel_AssignVariableOp, {handle_of(v), floats({1, 2})}).ok());
  const Tensor before = (*Node(kernel_ReadVariableOp, kFloat, {DType::kFloat}).run({handle_of(v)}))[0];
  ASSERT_TRUE(run(kernel_AssignAddVariableOp, {handle_of(v), floats({10, 20})}).ok());
  expect_value(v, {11, 22});
  EXPECT_EQ(before.data<float>()[1], 2);  // who has read keeps what was read
  ASSERT_TRUE(run(kernel_AssignSubVariableOp, {handle_of(v), floats({1, 2})}).ok());
  expect_value(v, {10, 20});
  EXPECT_EQ(run(kernel_AssignAddVariableOp, {handle_of(v), floats({1, 2, 3})}).message(),
            "Cannot update variable with shape [2] using a Tensor with shape [3], shapes must be equal.");
  EXPECT_EQ(run(kernel_AssignVariableOp, {handle_of(v), ints({1, 2})}, {{"dtype", DType::kInt32}}).code(),
            Code::kInvalidArgument);
}

TEST(State, AssignReusesStorageAndChecksShapesOnRequest) {
  auto v = variable({2}, {1, 2});
  const void* storage = v->read()->raw();
  ASSERT_TRUE(run(kernel_AssignVariableOp, {handle_of(v), floats({3, 4})}).ok());
  expect_value(v, {3, 4});
  EXPECT_EQ(v->read()->raw(), storage);
  AttrMap validate = kFloat;
  validate["_validate_shape"] = true;
  EXPECT_EQ(run(kernel_AssignVariableOp, {handle_of(v), floats({1, 2, 3})}, validate).message(),
            "Assign requires shapes of both tensors to match. lhs shape= [2] rhs shape= [3]");
  ASSERT_TRUE(run(kernel_AssignVariableOp, {handle_of(v), floats({1, 2, 3})}).ok());
  expect_value(v, {1, 2, 3});
}

TEST(State, Questions) {
  auto v = make_ref<Variable>("v", DType::kFloat, Shape::unknown());
  Node is(kernel_VarIsInitializedOp, {}, {DType::kBool});
  EXPECT_FALSE((*is.run({handle_of(v)}, Mode::kStatic, {Shape{}}))[0].data<bool>()[0]);
  v->assign(floats({1, 2, 3, 4, 5, 6}).reshaped({2, 3}));
  EXPECT_TRUE((*is.run({handle_of(v)}, Mode::kStatic, {Shape{}}))[0].data<bool>()[0]);
  const Tensor shape = (*Node(kernel_VariableShape, {}, {DType::kInt32}).run({handle_of(v)}))[0];
  EXPECT_TRUE(same_values(shape, ints({2, 3})));
  ASSERT_TRUE(run(kernel_DestroyResourceOp, {handle_of(v)}, {{"ignore_lookup_error", false}}).ok());
  EXPECT_FALSE(v->initialized());
  EXPECT_EQ(run(kernel_DestroyResourceOp, {handle_of(v)}, {{"ignore_lookup_error", false}}).code(), Code::kNotFound);
  EXPECT_TRUE(run(kernel_DestroyResourceOp, {handle_of(v)}, {{"ignore_lookup_error", true}}).ok());
}

TEST(State, CountUpTo) {
  auto v = make_ref<Variable>("n", DType::kInt64, Shape{});
  v->assign(Tensor::scalar<int64_t>(1));
  Node count(kernel_ResourceCountUpTo, {{"limit", int64_t{3}}, {"T", DType::kInt64}}, {DType::kInt64});
  for (const int64_t want : {1, 2})
    EXPECT_EQ((*count.run({handle_of(v)}, Mode::kStatic, {Shape{}}))[0].data<int64_t>()[0], want);
  const Status s = count.run({handle_of(v)}, Mode::kStatic, {Shape{}}).status();
  EXPECT_EQ(s.code(), Code::kOutOfRange);
  EXPECT_EQ(s.message(), "Reached limit of 3");
}

TEST(State, Scatter) {
  auto v = variable({3, 2}, {0, 1, 2, 3, 4, 5});
  ASSERT_TRUE(
      run(kernel_ResourceScatterAdd, {handle_of(v), ints({2, 0, 2}), floats({1, 1, 2, 2, 3, 3}).reshaped({3, 2})})
          .ok());
  expect_value(v, {2, 3, 2, 3, 8, 9});
  ASSERT_TRUE(run(kernel_ResourceScatterUpdate, {handle_of(v), ints({1}), Tensor::scalar(7.0f)}).ok());
  expect_value(v, {2, 3, 7, 7, 8, 9});
  ASSERT_TRUE(run(kernel_ResourceScatterMax, {handle_of(v), ints({0, 0}), floats({1, 9, 5, 0}).reshaped({2, 2})}).ok());
  expect_value(v, {5, 9, 7, 7, 8, 9});
  // A bad index changes nothing.
  EXPECT_EQ(run(kernel_ResourceScatterAdd, {handle_of(v), ints({1, 7}), Tensor::scalar(1.0f)}).message(),
            "indices[1] = 7 is not in [0, 3)");
  EXPECT_EQ(run(kernel_ResourceScatterAdd, {handle_of(v), ints({1}), floats({1, 2, 3})}).code(),
            Code::kInvalidArgument);
  expect_value(v, {5, 9, 7, 7, 8, 9});

  auto n = make_ref<Variable>("n", DType::kInt32, Shape{2});
  n->assign(ints({6, 8}));
  EXPECT_EQ(run(kernel_ResourceScatterDiv, {handle_of(n), ints({0}), ints({0})}).code(), Code::kInvalidArgument);
  ASSERT_TRUE(run(kernel_ResourceScatterDiv, {handle_of(n), ints({0}), ints({2})}).ok());
  EXPECT_TRUE(same_values(*n->read(), ints({3, 8})));

  auto text = make_ref<Variable>("text", DType::kString, Shape{2});
  text->assign(Tensor::vector<std::string>({"a", "b"}));
  ASSERT_TRUE(run(kernel_ResourceScatterUpdate, {handle_of(text), ints({1}), Tensor::vector<std::string>({"c"})}).ok());
  EXPECT_EQ(text->read()->data<std::string>()[1], "c");
}

TEST(State, ScatterNd) {
  auto v = variable({2, 3}, {0, 1, 2, 3, 4, 5});
  ASSERT_TRUE(
      run(kernel_ResourceScatterNdAdd, {handle_of(v), ints({1, 2, 0, 0, 1, 2}).reshaped({3, 2}), floats({1, 2, 3})})
          .ok());
  expect_value(v, {2, 1, 2, 3, 4, 9});
  ASSERT_TRUE(run(kernel_ResourceScatterNdUpdate,
                  {handle_of(v), ints({1}).reshaped({1, 1}), floats({7, 8, 9}).reshaped({1, 3})})
                  .ok());
  expect_value(v, {2, 1, 2, 7, 8, 9});
  EXPECT_EQ(run(kernel_ResourceScatterNdAdd, {handle_of(v), ints({0, 5}).reshaped({1, 2}), floats({1})}).message(),
            "indices[0] = [0, 5] does not index into shape [2,3]");
  EXPECT_EQ(run(kernel_ResourceScatterNdAdd, {handle_of(v), ints({0, 1}).reshaped({1, 2}), floats({1, 2})}).message(),
            "The outermost dimension of updates and indices must match. Got indices.shape [1,2], updates.shape [2]");
}

}  // namespace
}  // namespace test
}  // namespace tw
