// The steps of a chain of reductions along rows, which a pass writes and the rows engine runs.
#pragma once

#include "core/framework/tape.h"

namespace tw {

// The chain's values are numbered: inputs first, then the results of the stages in order. A value is either an element
// of the space (of the space's shape, or broadcast to it) or a number per row.
struct RowsStage {
  enum class Kind : uint8_t {
    kMap,     // a tape over elements; operands: elements and numbers per row
    kRowMap,  // a tape over numbers per row; operands: those and inputs of one element
    // Elements of the whole space -> a number per row.
    kSum,
    kMean,
    kProd,
    kMax,
    kMin,
    // Elements x of the whole space and a number c per row -> the sum, or the mean, of (x - c)^2 along each row.
    kSquares,
    kVariance,
    kColumnSum,  // elements of the whole space -> their sum over all rows, which no stage may use
  };
  Kind kind = Kind::kMap;
  Tape tape;                  // of kMap and kRowMap
  std::vector<int> operands;  // values

  bool has_tape() const { return kind == Kind::kMap || kind == Kind::kRowMap; }
  // "map 0 3: (float, float) { v2 = sub v0 v1 } -> v2", "rows 4: ...", "Sum 1", "ColumnSum 5".
  std::string to_string() const;
  static Result<RowsStage> parse(std::string_view text);
};

}  // namespace tw
