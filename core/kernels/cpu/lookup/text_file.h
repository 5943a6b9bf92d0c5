// Keys and values out of the lines of a text file.
#pragma once

#include "core/framework/tensor.h"

namespace tw {

// Columns of a line, or the whole line, or its number from 0.
struct TextColumns {
  static constexpr int64_t kWholeLine = -2, kLineNumber = -1;
  int64_t key = 0, value = 0;
  int64_t lines = -1;  // how many are read; -1 all
  char delimiter = '\t';
};

// Vectors of the dtypes. InvalidArgument for a line with too few columns, for text that is no such number, and for a
// file with fewer lines than asked for.
Status read_table_file(const std::string& path, const TextColumns& columns, DType key, DType value, Tensor* keys,
                       Tensor* values);

}  // namespace tw
