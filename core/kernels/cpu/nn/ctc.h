// What the CTC ops share: logits [time, batch, classes] with the blank as last class, and the lengths of the sequences.
#pragma once

#include <vector>

#include "core/framework/kernel.h"

namespace tw::ctc {

struct Logits {
  const Value* values = nullptr;
  int64_t time = 0, batch = 0, classes = 0;
  const int32_t* lengths = nullptr;

  // InvalidArgument unless the logits and the lengths, inputs 0 and `lengths_input`, fit each other; `too_long` for a
  // length beyond the time.
  static Result<Logits> read(const RunContext& ctx, int lengths_input, Code too_long);
  // The logits of a step as doubles.
  void load(int64_t t, int64_t b, double* to) const;
};

// Of logits: the logarithms of their softmax, in place.
void log_softmax(double* x, int64_t n);
// log(exp(a) + exp(b)).
double log_add(double a, double b);

}  // namespace tw::ctc
