// Arrays and stacks of tensors, one op after another as a step would run them.
#include "tests/kernels/kernel_harness.h"

namespace tw {

#define TW_EXTERN(name) extern const KernelDef kernel_##name
TW_EXTERN(TensorArrayV3);
TW_EXTERN(TensorArrayGradV3);
TW_EXTERN(TensorArrayWriteV3);
TW_EXTERN(TensorArrayReadV3);
TW_EXTERN(TensorArrayGatherV3);
TW_EXTERN(TensorArrayScatterV3);
TW_EXTERN(TensorArrayConcatV3);
TW_EXTERN(TensorArraySplitV3);
TW_EXTERN(TensorArraySizeV3);
TW_EXTERN(TensorArrayCloseV3);
TW_EXTERN(StackV2);
TW_EXTERN(StackPushV2);
TW_EXTERN(StackPopV2);
TW_EXTERN(StackCloseV2);

namespace {

using namespace test;

const Tensor kFlow = Tensor::scalar<float>(0);

Tensor index(int32_t i) { return Tensor::scalar<int32_t>(i); }
Tensor floats(std::initializer_list<float> v) { return Tensor::vector<float>(v); }
Tensor matrix(int64_t rows, std::initializer_list<float> v) {
  return floats(v).reshaped(Shape{rows, static_cast<int64_t>(v.size()) / rows});
}
std::vector<float> values(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.num_elements()}; }

AttrMap with_dtype(DType dtype = DType::kFloat) { return {{"dtype", dtype}}; }
AttrMap with_type(DType dtype = DType::kFloat) { return {{"T", dtype}}; }

// A new array's handle.
Tensor make(int32_t size, AttrMap attrs = {}, DType dtype = DType::kFloat) {
  AttrMap all{{"dtype", dtype},           {"element_shape", Shape::unknown()}, {"dynamic_size", false},
              {"clear_after_read", true}, {"identical_element_shapes", false}, {"tensor_array_name", AttrValue("ta")}};
  for (auto& [name, value] : attrs) all[name] = value;
  Node node(kernel_TensorArrayV3, all, {DType::kResource, DType::kFloat});
  auto made = node.run({index(size)});
  EXPECT_TRUE(made.ok()) << made.status().to_string();
  return (*made)[0];
}

Status write(const Tensor& array, int32_t i, const Tensor& value) {
  Node node(kernel_TensorArrayWriteV3, with_type(value.dtype()), {DType::kFloat});
  return node.run({array, index(i), value, kFlow}, Mode::kStatic, {Shape{}}).status();
}

Result<Tensor> read(const Tensor& array, int32_t i) {
  Node node(kernel_TensorArrayReadV3, with_dtype(), {DType::kFloat});
  TW_ASSIGN_OR_RETURN(std::vector<Tensor> got, node.run({array, index(i), kFlow}));
  return got[0];
}

Tensor gradient(const Tensor& array, const char* source = "gradients") {
  Node node(kernel_TensorArrayGradV3, {{"source", AttrValue(source)}}, {DType::kResource, DType::kFloat});
  auto made = node.run({array, kFlow});
  EXPECT_TRUE(made.ok()) << made.status().to_string();
  return (*made)[0];
}

void expect_error(const Status& s, const std::string& message, Code code = Code::kInvalidArgument) {
  EXPECT_EQ(s.code(), code);
  EXPECT_EQ(s.message(), message);
}

TEST(TensorArray, GivesWhatItWasGivenOnce) {
  const Tensor array = make(2);
  ASSERT_TRUE(write(array, 0, floats({1, 2})).ok());
  EXPECT_EQ(values(*read(array, 0)), (std::vector<float>{1, 2}));
  expect_error(read(array, 0).status(),
               "TensorArray ta: Could not read index 0 twice because it was cleared after a previous read (perhaps try "
               "setting clear_after_read = false?).");
  expect_error(write(array, 0, floats({1, 2})),
               "TensorArray ta: Could not write to TensorArray index 0 because it has already been read.");
  expect_error(read(array, 2).status(), "Tried to read from index 2 but array size is: 2");
  expect_error(read(array, -1).status(), "Tried to read from index -1 but array size is: 2");
  EXPECT_NE(read(array, 1).status().message().find("Could not read from TensorArray index 1.  Furthermore"),
            std::string::npos);
}

TEST(TensorArray, KeepsWhatIsNotToBeCleared) {
  const Tensor array = make(1, {{"clear_after_read", false}});
  ASSERT_TRUE(write(array, 0, floats({3})).ok());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(values(*read(array, 0)), std::vector<float>{3});
}

TEST(TensorArray, RefusesWrites) {
  const Tensor array = make(2, {{"identical_element_shapes", true}});
  ASSERT_TRUE(write(array, 0, floats({1, 2})).ok());
  expect_error(write(array, 0, floats({1, 2})),
               "TensorArray ta: Could not write to TensorArray index 0 because it has already been written to.");
  expect_error(write(array, 1, floats({1})),
               "TensorArray ta: Could not write to TensorArray index 1 because the value shape is [1] which is "
               "incompatible with the TensorArray's inferred element shape: [2] (consider setting infer_shape=False).");
  expect_error(write(array, 5, floats({1, 2})),
               "TensorArray ta: Tried to write to index 5 but array is not resizeable and size is: 2");
  EXPECT_EQ(write(array, 1, index(3)).code(), Code::kInvalidArgument);
  EXPECT_EQ(write(make(0, {{"dynamic_size", true}}), INT32_MAX, floats({1})).code(), Code::kResourceExhausted);
}

TEST(TensorArray, GrowsWhenItMay) {
  const Tensor array = make(0, {{"dynamic_size", true}});
  ASSERT_TRUE(write(array, 3, floats({1})).ok());
  Node size(kernel_TensorArraySizeV3, {}, {DType::kInt32});
  EXPECT_EQ((*size.run({array, kFlow}, Mode::kStatic, {Shape{}}))[0].data<int32_t>()[0], 4);
}

TEST(TensorArray, UnwrittenElementsOfAKnownShapeAreZeros) {
  EXPECT_EQ(values(*read(make(1, {{"element_shape", Shape{2}}}), 0)), (std::vector<float>{0, 0}));
}

TEST(TensorArray, GradientsAddUp) {
  const Tensor array = make(2, {{"clear_after_read", false}});
  ASSERT_TRUE(write(array, 0, floats({1, 2})).ok());
  ASSERT_TRUE(write(array, 1, floats({5})).ok());
  const Tensor g = gradient(array);
  ASSERT_TRUE(write(g, 0, floats({1, 1})).ok());
  ASSERT_TRUE(write(gradient(array), 0, floats({2, 3})).ok());
  EXPECT_EQ(write(g, 0, floats({2})).code(), Code::kInvalidArgument);
  EXPECT_EQ(values(*read(g, 0)), (std::vector<float>{3, 4}));
  EXPECT_EQ(values(*read(g, 1)), std::vector<float>{0});
  EXPECT_EQ(values(*read(gradient(array, "gradients_1"), 0)), (std::vector<float>{0, 0}));
  Node again(kernel_TensorArrayGradV3, {{"source", AttrValue("x")}}, {DType::kResource, DType::kFloat});
  EXPECT_EQ(again.run({g, kFlow}).status().code(), Code::kInvalidArgument);
}

TEST(TensorArray, ManyElements) {
  const Tensor array = make(3, {{"clear_after_read", false}});
  Node scatter(kernel_TensorArrayScatterV3, with_type(), {DType::kFloat});
  const Tensor order = Tensor::vector<int32_t>({2, 0, 1});
  ASSERT_TRUE(scatter.run({array, order, matrix(3, {1, 2, 3, 4, 5, 6}), kFlow}, Mode::kStatic, {Shape{}}).ok());
  Node gather(kernel_TensorArrayGatherV3, {{"dtype", DType::kFloat}, {"element_shape", Shape::unknown()}},
              {DType::kFloat});
  const Tensor two = (*gather.run({array, Tensor::vector<int32_t>({0, 2}), kFlow}))[0];
  EXPECT_EQ(two.shape(), (Shape{2, 2}));
  EXPECT_EQ(values(two), (std::vector<float>{3, 4, 1, 2}));
  expect_error(scatter.run({array, order, matrix(2, {1, 2, 3, 4}), kFlow}, Mode::kStatic, {Shape{}}).status(),
               "Expected len(indices) == values.shape[0], but saw: 3 vs. 2");
  const Tensor far = Tensor::vector<int32_t>({2, 0, 7});
  expect_error(scatter.run({array, far, matrix(3, {1, 2, 3}), kFlow}, Mode::kStatic, {Shape{}}).status(),
               "Max scatter index must be < array size (7 vs. 3)");
  EXPECT_EQ(gather.run({array, Tensor::vector<int32_t>({}), kFlow}).status().code(), Code::kInvalidArgument);
}

TEST(TensorArray, PiecesOfATensor) {
  const Tensor array = make(2, {{"clear_after_read", false}});
  Node split(kernel_TensorArraySplitV3, with_type(), {DType::kFloat});
  const auto run_split = [&](std::initializer_list<int64_t> lengths) {
    return split.run({array, floats({1, 2, 3}), Tensor::vector<int64_t>(lengths), kFlow}, Mode::kStatic, {Shape{}})
        .status();
  };
  EXPECT_EQ(run_split({1, 1}).code(), Code::kInvalidArgument);
  EXPECT_EQ(run_split({3, -1}).code(), Code::kInvalidArgument);
  EXPECT_EQ(run_split({INT64_MAX, INT64_MAX}).code(), Code::kInvalidArgument);
  EXPECT_EQ(run_split({1, 1, 1}).code(), Code::kInvalidArgument);
  ASSERT_TRUE(run_split({1, 2}).ok());
  Node concat(kernel_TensorArrayConcatV3, {{"dtype", DType::kFloat}, {"element_shape_except0", Shape::unknown()}},
              {DType::kFloat, DType::kInt64});
  const auto joined = concat.run({array, kFlow});
  ASSERT_TRUE(joined.ok()) << joined.status().to_string();
  EXPECT_EQ(values((*joined)[0]), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ((*joined)[1].data<int64_t>()[1], 2);
}

TEST(TensorArray, ClosedOnesAreOfNoUse) {
  const Tensor array = make(1);
  Node close(kernel_TensorArrayCloseV3, {}, {});
  ASSERT_TRUE(close.run({array}).ok());
  expect_error(write(array, 0, floats({1})), "TensorArray ta has already been closed.");
}

TEST(TensorArray, OtherHandlesAreRefused) {
  Node stack(kernel_StackV2, {{"elem_type", DType::kFloat}, {"stack_name", AttrValue("s")}}, {DType::kResource});
  EXPECT_EQ(write((*stack.run({index(1)}))[0], 0, floats({1})).code(), Code::kInvalidArgument);
  EXPECT_EQ(write(Tensor::make_or_die(DType::kResource, Shape{}), 0, floats({1})).code(), Code::kInvalidArgument);
}

TEST(Stack, LastInFirstOut) {
  Node make_stack(kernel_StackV2, {{"elem_type", DType::kFloat}, {"stack_name", AttrValue("s")}}, {DType::kResource});
  const Tensor stack = (*make_stack.run({index(2)}))[0];
  Node push(kernel_StackPushV2, with_type(), {DType::kFloat}), close(kernel_StackCloseV2, {}, {});
  Node pop(kernel_StackPopV2, {{"elem_type", DType::kFloat}}, {DType::kFloat});
  EXPECT_EQ(values((*push.run({stack, floats({1})}))[0]), std::vector<float>{1});
  ASSERT_TRUE(push.run({stack, floats({2, 3})}).ok());
  expect_error(push.run({stack, floats({4})}).status(), "Stack[s] overflowed its max_size (2)");
  EXPECT_EQ(values((*pop.run({stack}))[0]), (std::vector<float>{2, 3}));
  EXPECT_EQ(values((*pop.run({stack}))[0]), std::vector<float>{1});
  expect_error(pop.run({stack}).status(), "Stack[s] is empty when calling Pop().");
  Node wrong(kernel_StackPushV2, with_type(DType::kInt32), {DType::kInt32});
  EXPECT_EQ(wrong.run({stack, index(1)}).status().code(), Code::kInvalidArgument);
  ASSERT_TRUE(close.run({stack}).ok());
  expect_error(pop.run({stack}).status(), "Stack[s] has already been closed.");
}

}  // namespace
}  // namespace tw
