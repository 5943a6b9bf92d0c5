#include "core/kernels/move.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/kernels/move/fill.h"
#include "core/kernels/move/padded_copy.h"
#include "core/kernels/move/rows.h"
#include "core/kernels/ref/move_ref.h"

namespace tw {
namespace {

// A view onto a buffer: elements of storage needed and the offset of index 0.
struct View {
  int64_t first = 0, elements = 1;
};

View view_of(const std::vector<int64_t>& dims, const std::vector<int64_t>& strides) {
  View v;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t reach = (dims[i] - 1) * strides[i];
    if (dims[i] == 0) continue;
    (reach < 0 ? v.first : v.elements) += std::abs(reach);
  }
  v.elements += v.first;
  return v;
}

// Runs the copy between guarded buffers and compares every byte, touched or not, with the obvious version.
void check(const std::vector<int64_t>& dims, const std::vector<int64_t>& from_strides,
           const std::vector<int64_t>& to_strides, size_t size, WorkerPool& pool) {
  const View f = view_of(dims, from_strides), t = view_of(dims, to_strides);
  constexpr size_t kGuard = 64;
  std::vector<char> from(static_cast<size_t>(f.elements) * size + 2 * kGuard);
  std::mt19937_64 random(7);
  for (size_t i = 0; i < from.size(); i += 8) {
    const uint64_t bytes = random();
    std::memcpy(from.data() + i, &bytes, std::min<size_t>(8, from.size() - i));
  }
  std::vector<char> got(static_cast<size_t>(t.elements) * size + 2 * kGuard, '\x5a'), want = got;
  const char* source = from.data() + kGuard + static_cast<size_t>(f.first) * size;
  const size_t first = kGuard + static_cast<size_t>(t.first) * size;
  const StridedCopy copy(dims, from_strides, to_strides, size);
  copy.run(source, got.data() + first, pool);
  ref::strided_copy(dims, from_strides, to_strides, size, source, want.data() + first);
  std::string what = "dims";
  for (size_t i = 0; i < dims.size(); ++i) {
    what += " " + std::to_string(dims[i]) + ":" + std::to_string(from_strides[i]) + ">" + std::to_string(to_strides[i]);
  }
  ASSERT_TRUE(got == want) << what << " element size " << size;
  ASSERT_EQ(copy.count(), std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>()));
}

std::vector<int64_t> dense(const std::vector<int64_t>& dims) {
  std::vector<int64_t> s(dims.size());
  int64_t n = 1;
  for (size_t i = dims.size(); i-- > 0; n *= dims[i]) s[i] = n;
  return s;
}

constexpr size_t kSizes[] = {1, 2, 4, 8, 16};

TEST(StridedCopy, EveryPermutationUpToRankFive) {
  WorkerPool pool(2);
  const std::vector<std::vector<int64_t>> shapes = {{},           {5},       {3, 17},     {33, 70},
                                                    {1, 9},       {4, 3, 5}, {2, 19, 18}, {7, 1, 6, 2},
                                                    {3, 2, 4, 5}, {0, 4},    {2, 0, 3},   {2, 3, 4, 2, 3}};
  for (const auto& shape : shapes) {
    std::vector<size_t> perm(shape.size());
    std::iota(perm.begin(), perm.end(), size_t{0});
    do {
      const std::vector<int64_t> from_dense = dense(shape);
      std::vector<int64_t> dims(shape.size()), from(shape.size());
      for (size_t i = 0; i < perm.size(); ++i) {
        dims[i] = shape[perm[i]];
        from[i] = from_dense[perm[i]];
      }
      for (size_t size : kSizes) check(dims, from, dense(dims), size, pool);
    } while (std::next_permutation(perm.begin(), perm.end()));
  }
}

TEST(StridedCopy, RandomStrides) {
  WorkerPool pool(2);
  std::mt19937 random(11);
  const auto pick = [&](int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(random() % static_cast<uint32_t>(hi - lo + 1));
  };
  for (int round = 0; round < 1500; ++round) {
    const auto rank = static_cast<size_t>(pick(0, 6));
    std::vector<int64_t> dims(rank), from(rank), to(rank);
    std::vector<size_t> order(rank);
    std::iota(order.begin(), order.end(), size_t{0});
    for (auto& d : dims) d = round % 50 == 0 ? pick(0, 2) : pick(1, rank > 3 ? 5 : 20);
    // The destination's dims nest in some order without overlap, with gaps and signs; the source may do as it likes.
    std::shuffle(order.begin(), order.end(), random);
    int64_t reach = 1;
    for (size_t i : order) {
      to[i] = reach + (pick(0, 3) == 0 ? pick(0, 2) : 0);
      reach = to[i] * std::max<int64_t>(dims[i], 1);
      if (pick(0, 5) == 0) to[i] = -to[i];
    }
    std::shuffle(order.begin(), order.end(), random);
    reach = 1;
    for (size_t i : order) {
      from[i] = pick(0, 4) == 0 ? 0 : reach;
      reach *= std::max<int64_t>(dims[i], 1);
      if (pick(0, 4) == 0) from[i] = -from[i];
    }
    check(dims, from, to, kSizes[static_cast<size_t>(pick(0, 4))], pool);
  }
}

TEST(StridedCopy, LargeCopiesSplitOverThreads) {
  WorkerPool pool(3);
  check({1 << 20}, {1}, {1}, 1, pool);
  check({1 << 18}, {-1}, {1}, 4, pool);
  check({700, 500}, {1, 700}, {500, 1}, 4, pool);
  check({1024, 1024}, {1, 1024}, {1024, 1}, 1, pool);
  check({3, 400, 300}, {120000, 1, 400}, {120000, 300, 1}, 2, pool);
  check({5, 1 << 16}, {0, 1}, {1 << 16, 1}, 4, pool);
}

TEST(StridedCopy, RunsOfEveryShortLength) {
  WorkerPool pool(1);
  for (int64_t n = 1; n <= 80; ++n) check({3, n}, {n + 3, 1}, {n + 1, 1}, 1, pool);
}

// Rows read backwards, every second element and the like, short and of several vectors.
TEST(StridedCopy, RunsOfEveryStep) {
  WorkerPool pool(2);
  for (const int64_t n : {5, 31, 32, 33, 64, 127, 1000}) {
    for (const int64_t step : {-3, -2, -1, 0, 2, 3}) {
      for (const size_t size : kSizes) check({3, n}, {4 * n, step}, {n + 1, 1}, size, pool);
    }
  }
}

TEST(StridedCopy, MoreDimsThanItHoldsMergeFirst) {
  WorkerPool pool(1);
  const std::vector<int64_t> dims(30, 1);
  check(dims, dims, dims, 4, pool);
}

TEST(StridedAssign, Strings) {
  const std::vector<std::string> from = {"a", "b", "c", "a string too long to be held in place", "e", "f"};
  std::vector<std::string> to(6);
  const int64_t dims[] = {3, 2}, from_strides[] = {1, 3}, to_strides[] = {2, 1};
  strided_assign(DType::kString, dims, from_strides, to_strides, from.data(), to.data());
  EXPECT_EQ(to, (std::vector<std::string>{"a", from[3], "b", "e", "c", "f"}));
}

TEST(Rows, GatherAndScatterEveryRowSize) {
  WorkerPool pool(2);
  std::mt19937 random(3);
  for (int64_t row : {0, 1, 2, 3, 4, 7, 8, 12, 16, 17, 33, 100}) {
    const int64_t rows = 50, count = 3000;
    std::vector<uint8_t> from(static_cast<size_t>(rows * row));
    for (auto& v : from) v = static_cast<uint8_t>(random());
    std::vector<int64_t> indices(static_cast<size_t>(count));
    for (auto& i : indices) i = static_cast<int64_t>(random() % rows);
    std::vector<uint8_t> to(static_cast<size_t>(count * row) + 64, 0x5a), back(from.size() + 64, 0x5a);
    gather_rows(DType::kUint8, from.data(), indices.data(), count, row, to.data(), pool);
    for (int64_t i = 0; i < count * row; ++i) {
      const int64_t source = indices[static_cast<size_t>(i / row)] * row + i % row;
      ASSERT_EQ(to[static_cast<size_t>(i)], from[static_cast<size_t>(source)]);
    }
    for (size_t i = 0; i < 64; ++i) ASSERT_EQ(to[static_cast<size_t>(count * row) + i], 0x5a);
    scatter_rows(DType::kUint8, to.data(), indices.data(), count, row, back.data());
    for (size_t i = 0; i < from.size(); ++i) ASSERT_EQ(back[i], from[i]);
    for (size_t i = 0; i < 64; ++i) ASSERT_EQ(back[from.size() + i], 0x5a);
  }
}

// Beyond the last cache, results are stored past it.
TEST(Rows, LargeGathers) {
  WorkerPool pool(2);
  const int64_t rows = 7, row = 1031, count = 33000;
  std::vector<uint8_t> from(static_cast<size_t>(rows * row));
  std::mt19937 random(5);
  for (auto& v : from) v = static_cast<uint8_t>(random());
  std::vector<int32_t> indices(static_cast<size_t>(count));
  for (auto& i : indices) i = static_cast<int32_t>(random() % rows);
  std::vector<uint8_t> to(static_cast<size_t>(count * row) + 64, 0x5a);
  gather_rows(DType::kUint8, from.data(), indices.data(), count, row, to.data(), pool);
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* source = from.data() + indices[static_cast<size_t>(i)] * row;
    ASSERT_TRUE(std::equal(source, source + row, to.data() + i * row)) << i;
  }
  for (size_t i = 0; i < 64; ++i) ASSERT_EQ(to[static_cast<size_t>(count * row) + i], 0x5a);
}

TEST(Fill, LargeResultsWhereverTheyBegin) {
  WorkerPool pool(2);
  const int32_t value = 0x12345678;
  const int64_t count = (8 << 20) + 3;
  std::vector<int32_t> to(static_cast<size_t>(count) + 64);
  for (const int64_t first : {0, 1, 7, 16}) {
    std::fill(to.begin(), to.end(), -1);
    fill_elements(DType::kInt32, &value, to.data() + first, count, pool);
    EXPECT_EQ(std::count(to.begin(), to.end(), value), count);
    EXPECT_EQ(std::count(to.begin(), to.begin() + first, -1), first);
    EXPECT_EQ(std::count(to.begin() + first + count, to.end(), -1), 64 - first);
  }
}

TEST(Rows, FirstBadIndex) {
  std::vector<int32_t> indices(1000, 4);
  EXPECT_EQ(first_bad_index(indices.data(), 1000, 5), -1);
  indices[700] = -1;
  indices[800] = 5;
  EXPECT_EQ(first_bad_index(indices.data(), 1000, 5), 700);
  EXPECT_EQ(first_bad_index(indices.data() + 750, 250, 5), 50);
  EXPECT_EQ(first_bad_index(indices.data(), 0, 0), -1);
  EXPECT_EQ(first_bad_index(indices.data(), 1, 0), 0);
}

// Beyond the last cache, results are stored past it.
TEST(StridedCopy, LargeTransposes) {
  const std::vector<std::vector<int64_t>> shapes = {{2903, 2911}, {3, 37, 76000}, {5, 57003, 31}};
  for (const auto& shape : shapes) {
    const std::vector<int64_t> from = dense(shape);
    const size_t n = shape.size();
    const int64_t rows = shape[n - 1], columns = shape[n - 2];
    std::vector<int64_t> dims = shape, strides = from;
    std::swap(dims[n - 1], dims[n - 2]);
    std::swap(strides[n - 1], strides[n - 2]);
    const StridedCopy copy(dims, strides, dense(dims), sizeof(float));
    ASSERT_GE(copy.count() * 4, 32 << 20);
    std::vector<float> x(static_cast<size_t>(copy.count())), got(x.size() + 16, -1.f);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 1'000'003);
    WorkerPool pool(2);
    copy.run(x.data(), got.data(), pool);
    size_t wrong = 0;
    for (int64_t i = 0; i < copy.count(); ++i) {
      const int64_t plane = i / (rows * columns), row = i / columns % rows, column = i % columns;
      wrong += got[static_cast<size_t>(i)] != x[static_cast<size_t>((plane * columns + column) * rows + row)];
    }
    EXPECT_EQ(wrong, 0u);
    for (size_t i = x.size(); i < got.size(); ++i) ASSERT_EQ(got[i], -1.f);
  }
}

// Rows that begin and end within lines, or lie in one, and those of the next tile or plane behind them; few rows and
// few columns.
TEST(StridedCopy, LargeTransposesOfEveryElementSize) {
  const std::vector<std::vector<int64_t>> orders = {{1, 0}, {2, 1, 0}, {0, 2, 1}};
  struct Case {
    std::vector<int64_t> dims;
    int order;
    size_t size;
  };
  const Case cases[] = {{{4099, 8209}, 0, 1},   {{4111, 4099}, 0, 2},    {{2051, 2053}, 0, 8},
                        {{1031, 2053}, 0, 16},  {{203, 201, 207}, 1, 4}, {{41, 67, 3249}, 2, 4},
                        {{41, 3249, 67}, 2, 4}, {{3, 2900003}, 0, 4},    {{2900003, 3}, 0, 4},
                        {{7, 4900003}, 0, 1},   {{4, 4900003}, 0, 2},    {{101, 17003, 5}, 1, 4},
                        {{101, 1303, 67}, 1, 4}};
  for (const Case& c : cases) {
    const std::vector<int64_t>& order = orders[static_cast<size_t>(c.order)];
    std::vector<int64_t> source(c.dims.size()), from(c.dims.size());
    for (size_t i = 0; i < order.size(); ++i) source[static_cast<size_t>(order[i])] = c.dims[i];
    const std::vector<int64_t> steps = dense(source);
    for (size_t i = 0; i < order.size(); ++i) from[i] = steps[static_cast<size_t>(order[i])];
    WorkerPool pool(3);  // whose parts begin and end anywhere
    check(c.dims, from, dense(c.dims), c.size, pool);
  }
}

// Such runs in results beyond the last cache.
TEST(StridedCopy, LargeRunsOfEveryStep) {
  WorkerPool pool(3);
  for (const int64_t step : {-1, 0, 2}) {
    check({2003, 4507}, {2 * 4507, step}, {4507, 1}, 4, pool);
    check({4003, 8807}, {2 * 8807, step}, {8807, 1}, 1, pool);
  }
}

// The same of runs that are copied as they are, in another order or out of longer rows.
TEST(StridedCopy, LargeCopiesOfRuns) {
  WorkerPool pool(2);
  for (const int64_t run : {127, 128, 131}) {
    const int64_t a = 70, b = 12, planes = 83, pitch = run + 3;
    const int64_t dims[] = {planes, b, a, run}, from[] = {a * b * pitch, pitch, b * pitch, 1};
    const StridedCopy copy(dims, from, dense({planes, b, a, run}), sizeof(float));
    ASSERT_GE(copy.count() * 4, 32 << 20);
    std::vector<float> x(static_cast<size_t>(planes * a * b * pitch)),
        got(static_cast<size_t>(copy.count()) + 16, -1.f);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 1'000'003);
    copy.run(x.data(), got.data(), pool);
    size_t wrong = 0, i = 0;
    for (int64_t p = 0; p < planes; ++p) {
      for (int64_t k = 0; k < a * b; ++k) {
        const int64_t row = (p * a + k % a) * b + k / a;
        for (int64_t c = 0; c < run; ++c) wrong += got[i++] != x[static_cast<size_t>(row * pitch + c)];
      }
    }
    EXPECT_EQ(wrong, 0u) << run;
    for (; i < got.size(); ++i) ASSERT_EQ(got[i], -1.f);
  }
}

TEST(PaddedCopy, EveryRankAndElementSize) {
  WorkerPool pool(2);
  std::mt19937 random(5);
  for (size_t size : kSizes) {
    for (int round = 0; round < 40; ++round) {
      const size_t rank = random() % 5;
      std::vector<int64_t> dims, before, after, out;
      for (size_t d = 0; d < rank; ++d) {
        dims.push_back(static_cast<int64_t>(random() % 20));
        const bool padded = random() % 3 != 0;
        before.push_back(padded ? static_cast<int64_t>(random() % 4) : 0);
        after.push_back(padded ? static_cast<int64_t>(random() % 40) : 0);
        out.push_back(before[d] + dims[d] + after[d]);
      }
      const auto count = [](const std::vector<int64_t>& s) {
        return static_cast<size_t>(std::accumulate(s.begin(), s.end(), int64_t{1}, std::multiplies<>()));
      };
      std::vector<char> from(count(dims) * size), value(size);
      for (char& c : from) c = static_cast<char>(random());
      for (char& c : value) c = static_cast<char>(random());
      std::vector<char> want(count(out) * size), got(want.size() + 64, '\x5a');
      const bool zero = round % 2 == 0;
      for (size_t i = 0; i < count(out); ++i) {
        size_t rest = i, source = 0, scale = 1;
        bool inside = true;
        for (size_t d = rank; d-- > 0; rest /= static_cast<size_t>(out[d])) {
          const int64_t at = static_cast<int64_t>(rest % static_cast<size_t>(out[d])) - before[d];
          inside = inside && at >= 0 && at < dims[d];
          source += scale * static_cast<size_t>(at);
          scale *= static_cast<size_t>(dims[d]);
        }
        for (size_t k = 0; k < size; ++k) want[i * size + k] = inside ? from[source * size + k] : zero ? 0 : value[k];
      }
      PaddedCopy(dims, before, after, size).run(from.data(), zero ? nullptr : value.data(), got.data(), pool);
      for (size_t i = want.size(); i < got.size(); ++i) ASSERT_EQ(got[i], '\x5a');
      got.resize(want.size());
      ASSERT_TRUE(got == want) << "element size " << size << " round " << round;
    }
  }
}

}  // namespace
}  // namespace tw
