// Tiles of pairs of bfloat16, in vectors and in matrix registers.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/kernels/contract/rows.h"
#include "tests/kernels/contract_testing.h"

namespace tw::contract {
namespace {

using testing_contract::Guarded;

// Small whole numbers, whose sums are exact in any order.
float number(int64_t i) { return static_cast<float>(i * 7 % 17 - 8); }

struct Case {
  int64_t rows, columns, steps;  // pairs
  bool by_rows, accumulate;
};

void check(const TileSet<Bfloat16Pair>& set, const Case& c) {
  SCOPED_TRACE(testing::Message() << c.rows << " x " << c.columns << " of " << c.steps << " pairs, by rows "
                                  << c.by_rows << ", accumulate " << c.accumulate);
  const auto a_at = [](int64_t i, int64_t k) { return number(i * 31 + k); };
  const auto b_at = [](int64_t k, int64_t j) { return number(k * 5 + j * 3 + 1); };
  const auto pair = [](float x, float y) { return Bfloat16Pair{bfloat16(x), bfloat16(y)}; };
  const int64_t width = (c.columns + set.lanes - 1) / set.lanes * set.lanes, c_step = c.columns + 5;
  Guarded<Bfloat16Pair> a(c.rows * c.steps), b(c.steps * width);
  for (int64_t i = 0; i < c.rows; ++i) {
    for (int64_t k = 0; k < c.steps; ++k) {
      a[c.by_rows ? i * c.steps + k : k * c.rows + i] = pair(a_at(i, 2 * k), a_at(i, 2 * k + 1));
    }
  }
  for (int64_t k = 0; k < c.steps; ++k) {
    for (int64_t j = 0; j < c.columns; ++j) b[k * width + j] = pair(b_at(2 * k, j), b_at(2 * k + 1, j));
  }
  Guarded<float> results((c.rows - 1) * c_step + c.columns);
  for (int64_t i = 0; i < results.size(); ++i) results[i] = 1000.0f + static_cast<float>(i);
  std::vector<const Bfloat16Pair*> rows;
  std::vector<float*> to;
  for (int64_t i = 0; i < c.rows; ++i)
    rows.push_back(a.data() + i * c.steps), to.push_back(results.data() + i * c_step);
  const Bfloat16Pair* all = a.data();
  const int64_t offset = 0;
  Tile<Bfloat16Pair> t{};
  t.a = c.by_rows ? rows.data() : &all;
  t.offsets = &offset;
  t.segments = 1, t.length = c.steps;
  t.a_step = c.rows;
  t.b = b.data(), t.b_step = width;
  t.c = to.data(), t.columns = c.columns;
  t.accumulate = c.accumulate;
  const auto& fn = c.by_rows ? set.rows_first(static_cast<int>(c.rows), static_cast<int>(width / set.lanes))
                             : set.columns_first(static_cast<int>(c.rows), static_cast<int>(width / set.lanes));
  ASSERT_NE(fn, nullptr);
  fn(t);
  if (set.release != nullptr) set.release();
  for (int64_t i = 0; i < results.size(); ++i) {
    const int64_t row = i / c_step, column = i % c_step;
    const float was = 1000.0f + static_cast<float>(i);
    float want = c.accumulate || column >= c.columns ? was : 0;
    for (int64_t k = 0; column < c.columns && k < 2 * c.steps; ++k) want += a_at(row, k) * b_at(k, column);
    ASSERT_EQ(results[i], want) << row << ", " << column;
  }
  EXPECT_TRUE(results.intact());
}

void check_all(const TileSet<Bfloat16Pair>& set, bool by_rows) {
  for (int rows = 1; rows <= set.max_rows; ++rows) {
    for (const int64_t columns : {1, 7, 15, 16, 17, 31, 32}) {
      for (const int64_t steps : {1, 2, 15, 16, 17, 33, 64}) {
        check(set, {rows, columns, steps, by_rows, (rows + columns + steps) % 2 == 0});
      }
    }
  }
}

TEST(TilePairs, InVectors) {
  if (!has_bfloat16_pairs()) GTEST_SKIP() << "this processor multiplies no pairs of bfloat16";
  check_all(vector_pair_tiles(), true);
  check_all(vector_pair_tiles(), false);
}

TEST(TilePairs, InMatrixRegisters) {
  const TileSet<Bfloat16Pair>* set = matrix_tiles();
  if (set == nullptr) GTEST_SKIP() << "this processor has no matrix registers";
  EXPECT_TRUE(set->rows_only);
  check_all(*set, true);
  // No steps at all leave zeros, or what was there.
  check(*set, {20, 20, 0, true, false});
  check(*set, {20, 20, 0, true, true});
}

TEST(TilePairs, RowFormOfColumns) {
  for (const auto& [rows, steps] : {std::pair<int64_t, int64_t>{1, 1}, {5, 16}, {33, 17}, {384, 40}}) {
    const int64_t from_step = rows + 3, lanes = 16, step = row_form_step(steps, lanes);
    Guarded<bfloat16> from((2 * steps - 1) * from_step + rows);
    for (int64_t i = 0; i < from.size(); ++i) from[i] = bfloat16(number(i));
    Guarded<Bfloat16Pair> to(row_form_size(rows, steps, lanes));
    pack_row_form(from.data(), from_step, rows, steps, lanes, to.data());
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t k = 0; k < steps; ++k) {
        ASSERT_EQ(to[r * step + k].first, from[2 * k * from_step + r]);
        ASSERT_EQ(to[r * step + k].second, from[(2 * k + 1) * from_step + r]);
      }
    }
    EXPECT_TRUE(to.intact());
  }
}

}  // namespace
}  // namespace tw::contract
