// The loops behind skinny products, compiled for each vector target.
#pragma once

#include <cstdint>

namespace tw::contract {

inline constexpr int kMaxDots = 8;        // vectors that dot_rows takes
inline constexpr int kMaxSumsOfRows = 2;  // results that sum_rows takes
// Of results of one call of sum_rows: they stay in the first-level cache while long rows pass.
inline constexpr int64_t kSumBytes = 16 << 10;

// y[r * y_row + j * y_column] (+)= sum over i < k of a[r * a_step + i] * x[j * x_step + i], for r < rows and j < count.
template <typename T>
struct Dots {
  const T* a;
  int64_t a_step;
  const T* x;
  int64_t x_step;
  T* y;
  int64_t y_row, y_column;
  int64_t rows, k;
  int count;
  bool accumulate;
};
void dot_rows(const Dots<float>& d);
void dot_rows(const Dots<double>& d);

// y[j * y_step + c] = sum over i of x[j * x_row + i * x_column] * b[i * b_step + c], for j < count and c < columns.
template <typename T>
struct RowSums {
  const T* x;
  int64_t x_row, x_column;
  const T* b;
  int64_t b_step;
  T* y;
  int64_t y_step;
  int64_t k, columns;
  int count;
};
void sum_rows(const RowSums<float>& s);
void sum_rows(const RowSums<double>& s);

}  // namespace tw::contract
