#include <cstdint>
#include <utility>

#include "core/framework/tensor_list.h"
#include "core/platform/alloc.h"
#include "tests/kernels/kernel_harness.h"

namespace tw {

#define TW_EXTERN(name) extern const KernelDef kernel_##name
TW_EXTERN(EmptyTensorList);
TW_EXTERN(TensorListReserve);
TW_EXTERN(TensorListPushBack);
TW_EXTERN(TensorListPopBack);
TW_EXTERN(TensorListGetItem);
TW_EXTERN(TensorListSetItem);
TW_EXTERN(TensorListResize);
TW_EXTERN(TensorListLength);
TW_EXTERN(TensorListElementShape);
TW_EXTERN(TensorListStack);
TW_EXTERN(TensorListGather);
TW_EXTERN(TensorListFromTensor);
TW_EXTERN(TensorListScatter);
TW_EXTERN(TensorListScatterIntoExistingList);
TW_EXTERN(TensorListAddItem);
TW_EXTERN(TensorListConcat);
TW_EXTERN(TensorListSplit);
TW_EXTERN(ZerosLike);
TW_EXTERN(AddN);

namespace {

using namespace test;

const Tensor kAny = Tensor::scalar<int32_t>(-1);

Tensor int32s(std::initializer_list<int32_t> v) { return Tensor::vector<int32_t>(v); }
Tensor int64s(std::initializer_list<int64_t> v) { return Tensor::vector<int64_t>(v); }
Tensor count(int32_t n) { return Tensor::scalar<int32_t>(n); }

AttrMap elements(DType dtype) { return {{"element_dtype", dtype}}; }

Result<std::vector<Tensor>> call(const KernelDef& kernel, const std::vector<Tensor>& in, std::vector<DType> out,
                                 AttrMap attrs = elements(DType::kFloat), uint32_t consumable = 0) {
  Node node(kernel, std::move(attrs), std::move(out));
  return node.run(in, Mode::kDynamic, {}, consumable);
}

Tensor one(const KernelDef& kernel, const std::vector<Tensor>& in, DType out, AttrMap attrs = elements(DType::kFloat),
           uint32_t consumable = 0) {
  auto got = call(kernel, in, {out}, std::move(attrs), consumable);
  EXPECT_TRUE(got.ok()) << got.status().to_string();
  return got.ok() ? (*got)[0] : Tensor::scalar<float>(0);
}

void check_error(const KernelDef& kernel, const std::vector<Tensor>& in, size_t outputs, const std::string& message,
                 AttrMap attrs = elements(DType::kFloat)) {
  const auto got = call(kernel, in, std::vector<DType>(outputs, DType::kVariant), std::move(attrs));
  ASSERT_FALSE(got.ok()) << message;
  EXPECT_EQ(got.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(got.status().message(), message);
}

Tensor reserve(const Tensor& shape, int32_t n) {
  return one(kernel_TensorListReserve, {shape, count(n)}, DType::kVariant);
}
Tensor empty(const Tensor& shape, int32_t most = -1) {
  return one(kernel_EmptyTensorList, {shape, count(most)}, DType::kVariant);
}
Tensor push(const Tensor& list, const Tensor& x) { return one(kernel_TensorListPushBack, {list, x}, DType::kVariant); }
int32_t length(const Tensor& list) {
  return values<int32_t>(one(kernel_TensorListLength, {list}, DType::kInt32, {}))[0];
}
Tensor stack(const Tensor& list, const Tensor& shape = kAny) {
  return one(kernel_TensorListStack, {list, shape}, DType::kFloat);
}
const VariantValue* identity(const Tensor& list) { return list.data<Variant>()->get(); }

TEST(TensorList, PushPopSetGet) {
  const Tensor a = iota<float>({2}), b = tensor<float>({2}, {5, 6});
  const Tensor none = empty(int32s({2})), l1 = push(none, a), l2 = push(l1, b);
  EXPECT_EQ(length(none), 0);
  EXPECT_EQ(length(l1), 1);
  EXPECT_EQ(values<float>(stack(l2)), (std::vector<float>{1, 2, 5, 6}));
  const auto popped = call(kernel_TensorListPopBack, {l2, kAny}, {DType::kVariant, DType::kFloat});
  ASSERT_TRUE(popped.ok());
  EXPECT_EQ(values<float>((*popped)[1]), (std::vector<float>{5, 6}));
  EXPECT_EQ(length((*popped)[0]), 1);
  EXPECT_EQ(length(l2), 2);
  const Tensor set = one(kernel_TensorListSetItem, {l2, count(0), b}, DType::kVariant);
  EXPECT_EQ(values<float>(stack(set)), (std::vector<float>{5, 6, 5, 6}));
  EXPECT_EQ(values<float>(stack(l2)), (std::vector<float>{1, 2, 5, 6}));
  EXPECT_EQ(values<float>(one(kernel_TensorListGetItem, {set, count(1), kAny}, DType::kFloat)),
            (std::vector<float>{5, 6}));
}

TEST(TensorList, ErrorsAsInTensorFlow) {
  const Tensor x = iota<float>({1}), two = iota<float>({2});
  check_error(kernel_TensorListPushBack, {push(empty(kAny, 1), x), x}, 1,
              "Tried to push item into a full list list size: 1 max_num_elements: 1");
  check_error(kernel_TensorListPushBack, {empty(int32s({2})), x}, 1,
              "Tried to append a tensor with incompatible shape to a list. Op element shape: [1] list shape: [2]");
  check_error(kernel_TensorListPushBack, {empty(kAny), iota<int32_t>({2})}, 1,
              "Invalid data types; op elements int32 but list elements float", elements(DType::kInt32));
  check_error(kernel_TensorListPopBack, {empty(kAny), kAny}, 2, "Trying to pop from an empty list.");
  check_error(kernel_TensorListGetItem, {reserve(int32s({2}), 3), count(5), kAny}, 1,
              "Trying to access element 5 in a list with 3 elements.");
  check_error(kernel_TensorListGetItem, {push(empty(kAny), two), count(0), int32s({3})}, 1,
              "Tried to read element 0 of shape [2] with an incompatible element_shape: [3]");
  check_error(kernel_TensorListSetItem, {reserve(int32s({2}), 3), count(-1), two}, 1,
              "Trying to modify element -1 in a list with 3 elements.");
  check_error(kernel_TensorListSetItem, {reserve(int32s({2}), 3), count(1), x}, 1,
              "Tried to set a tensor with incompatible shape at a list index. Item element shape: [1] list shape: [2]");
  check_error(kernel_TensorListStack, {reserve(int32s({2}), 3), kAny}, 1,
              "Operation expected a list with 2 elements but got a list with 3 elements.",
              {{"element_dtype", DType::kFloat}, {"num_elements", 2}});
  check_error(kernel_TensorListStack, {push(push(empty(kAny), x), two), kAny}, 1,
              "PartialTensorShape: Incompatible shapes during merge: [1] vs. [2]");
  check_error(kernel_TensorListStack, {empty(kAny), kAny}, 1,
              "Tried to stack elements of an empty list with non-fully-defined element_shape: <unknown>");
  check_error(kernel_TensorListReserve, {kAny, count(-3)}, 1,
              "The num_elements to reserve must be a non negative number, but got -3");
  Tensor no_list = Tensor::make_or_die(DType::kVariant, {});
  check_error(kernel_TensorListLength, {no_list}, 1, "Input handle is not a list. Saw: an empty or other variant");
}

TEST(TensorList, UnsetElementsAreZeros) {
  EXPECT_EQ(values<float>(one(kernel_TensorListGetItem, {reserve(int32s({2}), 3), count(1), kAny}, DType::kFloat)),
            (std::vector<float>{0, 0}));
  EXPECT_EQ(values<float>(stack(push(reserve(kAny, 1), iota<float>({2})))), (std::vector<float>{0, 0, 1, 2}));
  check_error(
      kernel_TensorListGetItem, {reserve(kAny, 3), count(1), kAny}, 1,
      "Trying to read an uninitialized tensor but element_shape is not fully defined: <unknown> and no list element "
      "is set.");
}

TEST(TensorList, GrowsInPlaceWhenHeldOnce) {
  Tensor list = empty(kAny);
  const Tensor x = iota<float>({1});
  const VariantValue* const first = identity(list);
  for (int i = 0; i < 1000; ++i) {
    std::vector<Tensor> in;
    in.push_back(std::move(list));
    in.push_back(x);
    list = one(kernel_TensorListPushBack, in, DType::kVariant, elements(DType::kFloat), 1);
    ASSERT_EQ(identity(list), first);
  }
  EXPECT_EQ(length(list), 1000);
  // Held twice it is copied, and the other holder sees no change.
  Tensor other = Tensor::make_or_die(DType::kVariant, {});
  other.data<Variant>()[0] = list.data<Variant>()[0];
  const Tensor more = one(kernel_TensorListPushBack, {list, x}, DType::kVariant, elements(DType::kFloat), 1);
  EXPECT_NE(identity(more), first);
  EXPECT_EQ(length(other), 1000);
  EXPECT_EQ(length(more), 1001);
}

// The variant that holds the list goes with it, so that a loop's list is in one place from beginning to end.
TEST(TensorList, TheVariantIsHandedOnWhereTheListIs) {
  Tensor list = empty(kAny);
  const void* const place = list.raw();
  for (int i = 0; i < 3; ++i) {
    // An initializer list would hold it too.
    std::vector<Tensor> in;
    in.push_back(std::exchange(list, Tensor()));
    in.push_back(iota<float>({2}));
    list = one(kernel_TensorListPushBack, in, DType::kVariant, elements(DType::kFloat), 1);
    EXPECT_EQ(list.raw(), place);
  }
  const Tensor other = one(kernel_TensorListPushBack, {list, iota<float>({2})}, DType::kVariant);
  EXPECT_NE(other.raw(), place);
  EXPECT_EQ(length(list), 3);
  EXPECT_EQ(length(other), 4);
}

TEST(TensorList, FromTensorSharesAlignedRows) {
  const Tensor wide = iota<float>({3, 16}), narrow = iota<float>({3, 2});
  for (const Tensor& t : {wide, narrow}) {
    const Tensor list = one(kernel_TensorListFromTensor, {t, kAny}, DType::kVariant);
    EXPECT_TRUE(same_values(stack(list), t));
    const auto* elements = static_cast<const TensorList*>(identity(list));
    for (int64_t i = 0; i < elements->size(); ++i) {
      const Tensor e = *elements->element(i);
      EXPECT_EQ(e.buffer().get() == t.buffer().get(), t.shape()[1] == 16);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(e.raw()) % kAlignment, 0u);
    }
  }
  check_error(kernel_TensorListFromTensor, {iota<float>({1, 2}), int32s({3})}, 1,
              "Specified a list with shape [3] from a tensor with shape [2]");
  check_error(kernel_TensorListFromTensor, {iota<float>({}), kAny}, 1,
              "Tensor must be at least a vector, but saw shape: []");
}

TEST(TensorList, GatherAndScatter) {
  const Tensor list = one(kernel_TensorListFromTensor, {iota<float>({3, 2}), kAny}, DType::kVariant);
  EXPECT_EQ(values<float>(one(kernel_TensorListGather, {list, int32s({2, 0, 2}), kAny}, DType::kFloat)),
            (std::vector<float>{5, 6, 1, 2, 5, 6}));
  const Tensor scattered = one(kernel_TensorListScatter, {iota<float>({2, 2}), int32s({3, 1}), kAny}, DType::kVariant);
  EXPECT_EQ(values<float>(stack(scattered)), (std::vector<float>{0, 0, 3, 4, 0, 0, 1, 2}));
  check_error(kernel_TensorListGather, {list, int32s({0, 3}), kAny}, 1,
              "Index 3 out o range; list only has 3 elements.");
  check_error(kernel_TensorListScatter, {iota<float>({1, 2}), int32s({-3}), kAny}, 1,
              "Indices in TensorListScatter must all be non-negative.");
  check_error(kernel_TensorListScatter, {iota<float>({1, 2}), int32s({3, 1}), kAny}, 1,
              "Invalid number of rows in input tensor. Expected: 2 Actual: 1");
}

TEST(TensorList, ConcatAndSplit) {
  const AttrMap attrs = {{"element_dtype", DType::kFloat}, {"element_shape", Shape::unknown()}};
  const Tensor list = push(push(empty(kAny), iota<float>({1, 2})), iota<float>({2, 2}));
  const auto joined = call(kernel_TensorListConcat, {list}, {DType::kFloat, DType::kInt64}, attrs);
  ASSERT_TRUE(joined.ok()) << joined.status().to_string();
  EXPECT_EQ(values<float>((*joined)[0]), (std::vector<float>{1, 2, 1, 2, 3, 4}));
  EXPECT_EQ(values<int64_t>((*joined)[1]), (std::vector<int64_t>{1, 2}));
  const Tensor parts = one(kernel_TensorListSplit, {(*joined)[0], kAny, (*joined)[1]}, DType::kVariant);
  EXPECT_EQ(values<float>(one(kernel_TensorListGetItem, {parts, count(1), kAny}, DType::kFloat)),
            (std::vector<float>{1, 2, 3, 4}));
  check_error(kernel_TensorListConcat, {push(empty(kAny), iota<float>({}))}, 2,
              "Concat saw a scalar shape at index 0 but requires at least vectors.", attrs);
  check_error(kernel_TensorListSplit, {iota<float>({3}), kAny, int64s({1, 1})}, 1,
              "Unused values in tensor. Length of tensor: 3 Values used: 2");
  check_error(kernel_TensorListSplit, {iota<float>({3}), kAny, int64s({1, 3})}, 1,
              "Attempting to slice [1, 4] from tensor with length 3");
  check_error(kernel_TensorListSplit, {iota<float>({3}), kAny, int64s({-1, 4})}, 1, "Invalid value in lengths: -1");
}

TEST(TensorList, ResizeAndShape) {
  const Tensor list = one(kernel_TensorListResize, {reserve(int32s({-1, 2}), 3), count(5)}, DType::kVariant, {});
  EXPECT_EQ(length(list), 5);
  EXPECT_EQ(values<int32_t>(one(kernel_TensorListElementShape, {list}, DType::kInt32, {})),
            (std::vector<int32_t>{-1, 2}));
  const Tensor unknown = one(kernel_TensorListElementShape, {empty(kAny)}, DType::kInt64, {});
  EXPECT_EQ(unknown.shape(), Shape{});
  EXPECT_EQ(values<int64_t>(unknown), (std::vector<int64_t>{-1}));
}

TEST(TensorList, ZerosLikeKeepsShapes) {
  const Tensor zeros = one(kernel_ZerosLike, {push(reserve(kAny, 1), iota<float>({2}))}, DType::kVariant, {});
  EXPECT_EQ(values<float>(stack(zeros)), (std::vector<float>{0, 0, 0, 0}));
}

TEST(TensorList, ListsOfListsAreAdded) {
  const auto inner = [](float v) {
    return one(kernel_TensorListFromTensor, {Tensor::vector<float>({v, v + 1}), kAny}, DType::kVariant);
  };
  const auto outer = [&](float v) {
    const Tensor empty = one(kernel_EmptyTensorList, {kAny, kAny}, DType::kVariant, elements(DType::kVariant));
    return one(kernel_TensorListPushBack, {empty, inner(v)}, DType::kVariant, elements(DType::kVariant));
  };
  const Tensor sum = one(kernel_AddN, {outer(1), outer(10)}, DType::kVariant, {});
  const Tensor added = one(kernel_TensorListGetItem, {sum, count(0), kAny}, DType::kVariant, elements(DType::kVariant));
  const Tensor values = one(kernel_TensorListStack, {added, kAny}, DType::kFloat);
  ASSERT_EQ(values.num_elements(), 2);
  EXPECT_EQ(values.data<float>()[0], 11);
  EXPECT_EQ(values.data<float>()[1], 13);
}

TEST(TensorList, WritesBeyondTheEndAndOnceOnly) {
  AttrMap growing = elements(DType::kFloat), once = elements(DType::kFloat);
  growing["_resize"] = AttrValue(true);
  once["_write_once"] = AttrValue(true);
  const Tensor x = Tensor::scalar(2.0f);
  const Tensor grown = one(kernel_TensorListSetItem, {reserve(kAny, 1), count(2), x}, DType::kVariant, growing);
  EXPECT_EQ(values<float>(stack(grown)), (std::vector<float>{0, 0, 2}));
  check_error(kernel_TensorListSetItem, {grown, count(2), x}, 1,
              "Could not write to TensorArray index 2 because it has already been written to.", once);
  check_error(kernel_TensorListSetItem, {grown, count(-1), x}, 1,
              "Trying to modify element -1 in a list with 3 elements.", growing);
}

TEST(TensorList, RowsGoIntoAnExistingList) {
  const Tensor list =
      one(kernel_TensorListSetItem, {reserve(kAny, 3), count(1), Tensor::scalar(7.0f)}, DType::kVariant);
  const Tensor rows = Tensor::vector<float>({1, 2});
  const Tensor filled = one(kernel_TensorListScatterIntoExistingList, {list, rows, int32s({2, 0})}, DType::kVariant);
  EXPECT_EQ(values<float>(stack(filled)), (std::vector<float>{2, 7, 1}));
  check_error(kernel_TensorListScatterIntoExistingList, {list, rows, int32s({3, 0})}, 1,
              "Trying to modify element 3 in a list with 3 elements.");
  check_error(kernel_TensorListScatterIntoExistingList, {list, rows, int32s({0})}, 1,
              "Invalid number of rows in input tensor. Expected: 1 Actual: [2]");
}

TEST(TensorList, AnItemIsAddedToAnElement) {
  const Tensor x = Tensor::scalar(2.0f);
  const Tensor first = one(kernel_TensorListAddItem, {reserve(kAny, 2), count(1), x}, DType::kVariant);
  const Tensor second = one(kernel_TensorListAddItem, {first, count(1), x}, DType::kVariant);
  EXPECT_EQ(values<float>(stack(second)), (std::vector<float>{0, 4}));
  EXPECT_EQ(values<float>(stack(first)), (std::vector<float>{0, 2}));
  check_error(kernel_TensorListAddItem, {first, count(2), x}, 1,
              "Trying to modify element 2 in a list with 2 elements.");
}

TEST(TensorList, OtherValuesAreRefused) {
  check_error(kernel_TensorListPopBack, {Tensor::make_or_die(DType::kVariant, Shape{}), kAny}, 2,
              "Input handle is not a list. Saw: an empty or other variant");
  check_error(kernel_TensorListPopBack, {Tensor::scalar(1.0f), kAny}, 2,
              "Input handle is not a list. Saw: a tensor of type float");
}

TEST(TensorList, StringElements) {
  const AttrMap attrs = elements(DType::kString);
  Tensor list = one(kernel_EmptyTensorList, {kAny, count(-1)}, DType::kVariant, attrs);
  list = one(kernel_TensorListPushBack, {list, tensor<std::string>({1}, {"a"})}, DType::kVariant, attrs);
  list = one(kernel_TensorListResize, {list, count(2)}, DType::kVariant, {});
  EXPECT_EQ(values<std::string>(one(kernel_TensorListStack, {list, kAny}, DType::kString, attrs)),
            (std::vector<std::string>{"a", ""}));
}

}  // namespace
}  // namespace tw
