#include <algorithm>
#include <cmath>
#include <complex>

#include "core/kernels/ref/map_ref.h"

namespace tw::ref {
namespace {

using Complex = std::complex<long double>;

struct Accumulator {
  Complex value;
  int64_t integer = 0, place = 0, count = 0;
  bool nan = false;
};

void combine(const ReduceSpec& spec, const Number& x, Accumulator* a) {
  const bool whole = is_integer(spec.dtype) || spec.dtype == DType::kBool;
  const Complex v(x.re, x.im);
  const bool first = a->count == 0;
  const int64_t place = a->count++;
  a->nan = a->nan || std::isnan(x.re);
  const auto extreme = [&](bool better) {
    if (!better) return;
    a->value = v;
    a->integer = x.integer;
    a->place = place;
  };
  const bool is_unsigned = spec.dtype == DType::kUint64;
  const auto less = [&](const Number& p, const Accumulator& q) {
    if (!whole) return p.re < q.value.real();
    return is_unsigned ? static_cast<uint64_t>(p.integer) < static_cast<uint64_t>(q.integer) : p.integer < q.integer;
  };
  const auto greater = [&](const Number& p, const Accumulator& q) {
    if (!whole) return p.re > q.value.real();
    return is_unsigned ? static_cast<uint64_t>(p.integer) > static_cast<uint64_t>(q.integer) : p.integer > q.integer;
  };
  switch (spec.op) {
    case ReduceOp::kSum:
      a->value += v;
      a->integer = static_cast<int64_t>(static_cast<uint64_t>(a->integer) + static_cast<uint64_t>(x.integer));
      break;
    case ReduceOp::kProd:
      a->value = first ? v : a->value * v;
      a->integer = first ? x.integer
                         : static_cast<int64_t>(static_cast<uint64_t>(a->integer) * static_cast<uint64_t>(x.integer));
      break;
    case ReduceOp::kMax:
    case ReduceOp::kArgMax:
      extreme(first || greater(x, *a) || (spec.op == ReduceOp::kArgMax && std::isnan(a->value.real())));
      break;
    case ReduceOp::kMin:
    case ReduceOp::kArgMin:
      extreme(first || less(x, *a) || (spec.op == ReduceOp::kArgMin && std::isnan(a->value.real())));
      break;
    case ReduceOp::kAll: a->integer = first ? x.integer : (a->integer & x.integer); break;
    case ReduceOp::kAny: a->integer = first ? x.integer : (a->integer | x.integer); break;
  }
}

Number finished(const ReduceSpec& spec, const Accumulator& a) {
  if (spec.op == ReduceOp::kArgMax || spec.op == ReduceOp::kArgMin) return {0, 0, a.place};
  Accumulator out = a;
  if (a.count == 0 && spec.op == ReduceOp::kProd) out.value = 1, out.integer = 1;
  if (a.count == 0 && spec.op == ReduceOp::kAll) out.integer = 1;
  if (a.count == 0 && spec.op == ReduceOp::kMax) out.value = -INFINITY;
  if (a.count == 0 && spec.op == ReduceOp::kMin) out.value = INFINITY;
  if ((spec.op == ReduceOp::kMax || spec.op == ReduceOp::kMin) && a.nan) out.value = NAN;
  if (spec.scale != 1) {
    out.value *= static_cast<long double>(spec.scale);
    const int64_t divisor = std::llround(1 / spec.scale);
    if (is_integer(spec.dtype)) out.integer /= divisor;
  }
  return {static_cast<double>(out.value.real()), static_cast<double>(out.value.imag()), out.integer};
}

}  // namespace

Status reduce(const ReduceSpec& spec, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  // The values to reduce, then a scan over all of the space.
  Tensor values = Tensor::make_or_die(spec.dtype, spec.space);
  Tape pre = spec.pre;
  if (pre.inputs.empty()) {
    pre.add_input(spec.dtype);
    pre.outputs = {0};
  }
  TW_RETURN_IF_ERROR(map(pre, inputs, spec.space, {&values, 1}));
  Shape kept;
  for (int i = 0; i < spec.space.rank(); ++i) {
    if (std::find(spec.axes.begin(), spec.axes.end(), i) == spec.axes.end()) kept.add_dim(spec.space[i]);
  }
  std::vector<Accumulator> acc(static_cast<size_t>(kept.num_elements()));
  for (int64_t i = 0; i < spec.space.num_elements(); ++i) {
    int64_t rest = i, out = 0, stride = 1;
    for (int d = spec.space.rank() - 1; d >= 0; --d) {
      const int64_t index = rest % spec.space[d];
      rest /= spec.space[d];
      if (std::find(spec.axes.begin(), spec.axes.end(), d) != spec.axes.end()) continue;
      out += index * stride;
      stride *= spec.space[d];
    }
    combine(spec, load(spec.dtype, values.raw(), i), &acc[static_cast<size_t>(out)]);
  }
  for (size_t i = 0; i < acc.size(); ++i) {
    std::vector<Number> results = {finished(spec, acc[i])};
    if (!spec.post.inputs.empty()) {
      const Number in = results[0];
      TW_RETURN_IF_ERROR(evaluate(spec.post, {&in, 1}, &results));
    }
    for (size_t k = 0; k < results.size(); ++k) {
      store(outputs[k].dtype(), results[k], outputs[k].raw(), static_cast<int64_t>(i));
    }
  }
  return {};
}

}  // namespace tw::ref
