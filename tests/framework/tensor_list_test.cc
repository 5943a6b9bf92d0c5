#include "core/framework/tensor_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/platform/alloc.h"

namespace tw {
namespace {

Tensor filled(const Shape& shape, float value) {
  Tensor t = Tensor::make_or_die(DType::kFloat, shape);
  std::fill_n(t.data<float>(), t.num_elements(), value);
  return t;
}

Ref<TensorList> new_list(DType dtype = DType::kFloat) {
  auto list = make_ref<TensorList>();
  list->dtype = dtype;
  return list;
}

void put(TensorList& list, int64_t i, const Tensor& t, bool shareable = true) {
  const auto to = list.place(i, t.shape(), shareable);
  ASSERT_TRUE(to.ok());
  if (*to != nullptr) copy_elements(t.dtype(), t.raw(), *to, t.num_elements());
  else ASSERT_TRUE(list.keep(i, t).ok());
}

void push(TensorList& list, const Tensor& t) { put(list, list.size(), t); }

Ref<TensorList> copy_of(const TensorList& list) {
  Ref<TensorList> copy = new_list(list.dtype);
  copy->share_elements(list);
  return copy;
}

void expect_filled(const Tensor& t, const Shape& shape, float value) {
  ASSERT_TRUE(t.valid());
  ASSERT_EQ(t.shape(), shape);
  for (int64_t k = 0; k < t.num_elements(); ++k) ASSERT_EQ(t.data<float>()[k], value);
}

TEST(TensorList, SmallElementsTakeLittleBeyondTheirBytes) {
  for (const int64_t width : {1, 3, 16, 33, 100, 1000}) {
    const auto bytes = width * static_cast<int64_t>(sizeof(float)), count = (int64_t{8} << 20) / bytes;
    const int64_t before = alloc_stats().live_bytes;
    const Ref<TensorList> list = new_list();
    const Tensor t = filled({width}, 1);
    for (int64_t i = 0; i < count; ++i) push(*list, t);
    const int64_t taken = alloc_stats().live_bytes - before;
    EXPECT_GE(taken, count * bytes);
    EXPECT_LT(static_cast<double>(taken), 1.3 * static_cast<double>(count * bytes)) << width;
    EXPECT_EQ(list->size(), count);
    // What is popped is given back as the list shrinks.
    list->resize(count / 8);
    EXPECT_LT(alloc_stats().live_bytes - before, taken / 4);
  }
}

TEST(TensorList, AnElementOutlivesWhatIsPushedInItsPlace) {
  for (const int64_t width : {16, 100, 5000}) {
    const Ref<TensorList> list = new_list();
    push(*list, filled({width}, 1));
    push(*list, filled({width}, 2));
    const Tensor last = *list->element(1);
    list->resize(1);
    push(*list, filled({width}, 3));
    expect_filled(last, {width}, 2);
    expect_filled(*list->element(1), {width}, 3);
    const Tensor first = *list->element(0);
    put(*list, 0, filled({width}, 4));
    expect_filled(first, {width}, 1);
    expect_filled(*list->element(0), {width}, 4);
    expect_filled(*list->element(1), {width}, 3);
  }
}

TEST(TensorList, ElementsLieAligned) {
  for (const int64_t width : {1, 16, 50, 65}) {
    const Ref<TensorList> list = new_list();
    for (int i = 0; i < 20; ++i) push(*list, filled({width}, static_cast<float>(i)));
    for (int i = 0; i < 20; ++i) {
      const Tensor t = *list->element(i);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(t.raw()) % kAlignment, 0u);
      expect_filled(t, {width}, static_cast<float>(i));
    }
  }
}

TEST(TensorList, ReservedElementsAreStackedWhereTheyLie) {
  const Ref<TensorList> list = new_list();
  list->resize(7);
  EXPECT_FALSE(list->any_set());
  EXPECT_EQ(list->common_shape(), nullptr);
  for (const int64_t i : {3, 0, 6, 1, 2, 5}) put(*list, i, filled({3}, static_cast<float>(i)));
  EXPECT_FALSE(list->is_set(4));
  EXPECT_FALSE(list->element(4)->valid());
  EXPECT_FALSE(list->stacked().valid());
  put(*list, 4, filled({3}, 4));
  const Tensor all = list->stacked();
  ASSERT_TRUE(all.valid());
  ASSERT_EQ(all.shape(), (Shape{7, 3}));
  EXPECT_EQ(all.raw(), list->data(0));
  for (int64_t k = 0; k < 21; ++k) EXPECT_EQ(all.data<float>()[k], static_cast<float>(k / 3));
  // The list goes its own way when it changes.
  put(*list, 2, filled({3}, 9));
  EXPECT_EQ(all.data<float>()[6], 2);
  expect_filled(*list->element(2), {3}, 9);
}

TEST(TensorList, RowsOfATensorAreItsMemory) {
  Tensor rows = filled({4, 16}, 1);
  const Ref<TensorList> list = new_list();
  list->adopt_rows(rows);
  EXPECT_EQ(list->size(), 4);
  EXPECT_EQ(list->data(2), rows.data<float>() + 32);
  EXPECT_EQ(*list->common_shape(), Shape{16});
  put(*list, 1, filled({16}, 5));
  push(*list, filled({16}, 6));
  EXPECT_EQ(rows.data<float>()[16], 1);
  expect_filled(*list->element(0), {16}, 1);
  expect_filled(*list->element(1), {16}, 5);
  expect_filled(*list->element(4), {16}, 6);
}

TEST(TensorList, ShapesThatDifferAreKeptApart) {
  const Ref<TensorList> list = new_list();
  for (int i = 0; i < 40; ++i) push(*list, filled({2}, static_cast<float>(i)));
  EXPECT_NE(list->common_shape(), nullptr);
  push(*list, filled({3}, 40));
  EXPECT_EQ(list->common_shape(), nullptr);
  for (int i = 0; i < 41; ++i) expect_filled(*list->element(i), {i < 40 ? 2 : 3}, static_cast<float>(i));
  const Ref<TensorList> words = new_list(DType::kString);
  push(*words, Tensor::vector<std::string>({"a"}));
  EXPECT_EQ(*words->element(0)->data<std::string>(), "a");
  const Ref<TensorList> empty = new_list();
  push(*empty, filled({0}, 0));
  EXPECT_EQ(empty->element(0)->shape(), Shape{0});
}

TEST(TensorList, AWriteFarBeyondTheEndTakesNoMoreThanItsPlace) {
  const Ref<TensorList> list = new_list();
  push(*list, filled({}, 1));
  list->resize(1000);
  put(*list, 999, filled({}, 2));
  expect_filled(*list->element(0), {}, 1);
  expect_filled(*list->element(999), {}, 2);
  for (int64_t i = 1; i < 999; ++i) ASSERT_FALSE(list->is_set(i));
}

// Lists that share elements with their copies, elements that are held, and what the lists should be.
TEST(TensorList, ChangesAreSeenByNobodyElse) {
  struct Element {
    bool set;
    Shape shape;
    float value;
  };
  std::mt19937 random(7);
  const auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  for (const bool one_shape : {true, false}) {
    std::vector<Ref<TensorList>> lists{new_list()};
    std::vector<std::vector<Element>> wanted(1);
    std::vector<std::pair<Tensor, Element>> held;
    const std::vector<Shape> shapes{{16}, {3}, {100}, {2000}};
    Shape common = shapes[0];
    const auto next = [&] {
      const Shape shape = one_shape ? common : shapes[below(shapes.size())];
      return Element{true, shape, static_cast<float>(below(1000))};
    };
    for (int round = 0; round < 6000; ++round) {
      if (round % 1500 == 0) {
        lists.assign(1, new_list());
        wanted.assign(1, {});
        common = shapes[static_cast<size_t>(round) / 1500];
      }
      const size_t l = below(lists.size());
      std::vector<Element>& want = wanted[l];
      TensorList& list = *lists[l];
      switch (below(8)) {
        case 0:
        case 1:
        case 2: {
          const Element e = next();
          push(list, filled(e.shape, e.value));
          want.push_back(e);
          break;
        }
        case 3: {
          if (want.empty()) break;
          const size_t i = below(want.size());
          want[i] = next();
          put(list, static_cast<int64_t>(i), filled(want[i].shape, want[i].value), below(2) == 0);
          break;
        }
        case 4:
          if (want.empty()) break;
          if (want.back().set) held.emplace_back(*list.element(list.size() - 1), want.back());
          list.resize(list.size() - 1);
          want.pop_back();
          break;
        case 5:
          if (lists.size() < 5) {
            lists.push_back(copy_of(list));
            wanted.push_back(std::vector<Element>(want));
          } else {
            lists.erase(lists.begin() + static_cast<ptrdiff_t>(l));
            wanted.erase(wanted.begin() + static_cast<ptrdiff_t>(l));
          }
          break;
        case 6: {
          const size_t n = below(want.size() + 4);
          list.resize(static_cast<int64_t>(n));
          want.resize(n, Element{false, {}, 0});
          break;
        }
        case 7:
          if (held.size() > 20) held.erase(held.begin(), held.begin() + 10);
          break;
      }
      if (round % 10 != 0) continue;
      for (size_t k = 0; k < lists.size(); ++k) {
        ASSERT_EQ(lists[k]->size(), static_cast<int64_t>(wanted[k].size()));
        for (size_t i = 0; i < wanted[k].size(); ++i) {
          const auto at = static_cast<int64_t>(i);
          ASSERT_EQ(lists[k]->is_set(at), wanted[k][i].set);
          if (!wanted[k][i].set) continue;
          expect_filled(*lists[k]->element(at), wanted[k][i].shape, wanted[k][i].value);
          ASSERT_EQ(*static_cast<const float*>(lists[k]->data(at)), wanted[k][i].value);
        }
      }
      for (const auto& [t, e] : held) expect_filled(t, e.shape, e.value);
    }
  }
}

}  // namespace
}  // namespace tw
