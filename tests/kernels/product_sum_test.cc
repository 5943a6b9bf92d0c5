// Sums of products that loops carry: _EmptyProductSum, _AddProduct, _ProductSumTotal.
#include <algorithm>

#include "core/framework/resource.h"
#include "tests/kernels/kernel_harness.h"

namespace tw {

extern const KernelDef kernel_EmptyProductSum;
extern const KernelDef kernel_AddProduct;
extern const KernelDef kernel_ProductSumTotal;

namespace {

using namespace test;

Result<Tensor> call(const KernelDef& kernel, const std::vector<Tensor>& in, DType out, uint32_t consumable = 0) {
  Node node(kernel, {}, {out});
  TW_ASSIGN_OR_RETURN(std::vector<Tensor> got, node.run(in, Mode::kDynamic, {}, consumable));
  return got[0];
}
Tensor one(const KernelDef& kernel, const std::vector<Tensor>& in, DType out, uint32_t consumable = 0) {
  auto got = call(kernel, in, out, consumable);
  EXPECT_TRUE(got.ok()) << got.status().to_string();
  return got.ok() ? *got : Tensor::scalar<float>(0);
}
Tensor empty() { return one(kernel_EmptyProductSum, {}, DType::kVariant); }
Tensor total(const Tensor& sum, const Tensor& start) {
  return one(kernel_ProductSumTotal, {sum, start}, DType::kFloat);
}

// Small whole numbers, so that every order of summing gives the same.
Tensor whole_numbers(int64_t rows, int64_t columns, int64_t seed) {
  Tensor t = *Tensor::make(DType::kFloat, Shape{rows, columns});
  for (int64_t i = 0; i < t.num_elements(); ++i) t.data<float>()[i] = static_cast<float>((i * 7 + seed * 13) % 11 - 5);
  return t;
}
void add_product(const Tensor& a, const Tensor& b, std::vector<float>* sum) {
  const int64_t m = a.shape()[1], n = b.shape()[1];
  for (int64_t r = 0; r < a.shape()[0]; ++r) {
    for (int64_t i = 0; i < m * n; ++i)
      (*sum)[static_cast<size_t>(i)] += a.data<float>()[r * m + i / n] * b.data<float>()[r * n + i % n];
  }
}
std::vector<float> elements_of(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.num_elements()}; }

TEST(ProductSum, AddsProductsOfAnyRows) {
  constexpr int64_t kM = 5, kN = 19;
  // Few rows, which wait, many, which do not, none, and changes between them.
  for (const std::vector<int64_t>& counts : {std::vector<int64_t>(300, 1), std::vector<int64_t>(37, 16),
                                             std::vector<int64_t>{3, 3, 200, 3, 0, 7, 129, 1, 256, 300, 2}}) {
    for (const uint32_t consumable : {0u, 1u}) {
      Tensor sum = empty();
      const Tensor start = whole_numbers(kM, kN, 99);
      std::vector<float> want = elements_of(start);
      int64_t seed = 0;
      for (const int64_t rows : counts) {
        const Tensor a = whole_numbers(rows, kM, ++seed), b = whole_numbers(rows, kN, ++seed);
        std::vector<Tensor> in{std::move(sum), a, b};
        sum = one(kernel_AddProduct, in, DType::kVariant, consumable);
        add_product(a, b, &want);
      }
      EXPECT_EQ(elements_of(total(sum, start)), want);
      EXPECT_EQ(elements_of(total(sum, start)), want) << "the total changed the sum";
    }
  }
}

TEST(ProductSum, ASumWithoutTermsIsTheStart) {
  const Tensor start = whole_numbers(3, 4, 1);
  EXPECT_EQ(elements_of(total(empty(), start)), elements_of(start));
}

TEST(ProductSum, AddingLeavesOtherHoldersTheirSum) {
  const Tensor a = whole_numbers(2, 3, 1), b = whole_numbers(2, 4, 2), start = whole_numbers(3, 4, 3);
  const Tensor first = one(kernel_AddProduct, {empty(), a, b}, DType::kVariant);
  std::vector<float> want = elements_of(start);
  add_product(a, b, &want);
  // Consumable, but held here too.
  Tensor second = first;
  for (int i = 0; i < 400; ++i) second = one(kernel_AddProduct, {second, a, b}, DType::kVariant, 1);
  EXPECT_EQ(elements_of(total(first, start)), want);
  for (int i = 0; i < 400; ++i) add_product(a, b, &want);
  EXPECT_EQ(elements_of(total(second, start)), want);
}

TEST(ProductSum, RefusesWhatDoesNotFit) {
  const auto message = [](const KernelDef& kernel, const std::vector<Tensor>& in, DType out) {
    const auto got = call(kernel, in, out);
    EXPECT_EQ(got.status().code(), Code::kInvalidArgument);
    return got.status().message();
  };
  const Tensor a = whole_numbers(2, 3, 1), b = whole_numbers(2, 4, 2);
  const Tensor sum = one(kernel_AddProduct, {empty(), a, b}, DType::kVariant);
  EXPECT_EQ(message(kernel_AddProduct, {empty(), a, whole_numbers(3, 4, 1)}, DType::kVariant),
            "a must have as many rows as b, got matrices of [2,3] and [3,4]");
  EXPECT_EQ(message(kernel_AddProduct, {sum, a, a}, DType::kVariant),
            "a product of shape [3,3] does not fit a sum of shape [3,4]");
  EXPECT_EQ(message(kernel_ProductSumTotal, {sum, a}, DType::kFloat),
            "a sum of shape [3,4] cannot be added to a matrix of [2,3]");
  const Tensor nothing = *Tensor::make(DType::kVariant, Shape{});
  EXPECT_EQ(message(kernel_AddProduct, {nothing, a, b}, DType::kVariant),
            "the variant of shape [] is no sum of products");
}

}  // namespace
}  // namespace tw
