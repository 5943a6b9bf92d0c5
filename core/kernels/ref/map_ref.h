// The slow, obvious versions of the map and reduce engines: one element at a time, in double precision or exact
// integers. The oracle of the tests.
#pragma once

#include <span>

#include "core/framework/tape.h"
#include "core/framework/tensor.h"
#include "core/kernels/reduce.h"

namespace tw::ref {

// One element: `re` (and `im`) of floating and complex dtypes, `integer` of integers and bools.
struct Number {
  double re = 0, im = 0;
  int64_t integer = 0;
};
Number load(DType t, const void* data, int64_t i);
void store(DType t, const Number& value, void* data, int64_t i);

Status evaluate(const Tape& tape, std::span<const Number> inputs, std::vector<Number>* outputs);
// As plan_map and run.
Status map(const Tape& tape, std::span<const Tensor> inputs, const Shape& space, std::span<Tensor> outputs);
// As plan_reduce and run; outputs in order.
Status reduce(const ReduceSpec& spec, std::span<const Tensor> inputs, std::span<Tensor> outputs);

}  // namespace tw::ref
