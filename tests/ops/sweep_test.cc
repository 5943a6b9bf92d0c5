// Every element-wise row in every dtype it serves, over odd, empty and broadcast shapes of rank 0 to 5, against the
// interpreter in double precision.
#include <gtest/gtest.h>

#include <random>

#include "core/framework/kernel.h"
#include "core/framework/op_ids.gen.h"
#include "core/framework/tape_map.h"
#include "core/kernels/map.h"
#include "core/kernels/ref/map_ref.h"
#include "tests/ops/golden.h"

namespace tw {
Status shape_broadcast(ShapeContext&);
}

namespace tw::test {
namespace {

std::vector<const OpDef*> map_rows() {
  std::vector<const OpDef*> rows;
  for (const OpDef& op : all_ops()) {
    if (!op.map.empty()) rows.push_back(&op);
  }
  return rows;
}

// Values at which the op is defined and smooth enough for the dtype.
struct Range {
  double low = -2, high = 2;
};
Range range_of(const OpDef& op, size_t input) {
  switch (op.id) {
    case OpId::kLog:
    case OpId::kSqrt:
    case OpId::kRsqrt:
    case OpId::kLgamma:
    case OpId::kDigamma:
    case OpId::kSqrtGrad:
    case OpId::kRsqrtGrad:
    case OpId::kReciprocal:
    case OpId::kInv: return {0.25, 4};
    case OpId::kPow:
    case OpId::kXlogy: return {0.5, 2};
    case OpId::kLog1p: return {-0.75, 4};
    case OpId::kAcosh: return {1.125, 4};
    case OpId::kAsin:
    case OpId::kAcos:
    case OpId::kAtanh: return {-0.875, 0.875};
    case OpId::kTan: return {-1, 1};
    case OpId::kDiv:
    case OpId::kRealDiv:
    case OpId::kFloorDiv:
    case OpId::kTruncateDiv:
    case OpId::kMod:
    case OpId::kFloorMod:
    case OpId::kTruncateMod: return input == 1 ? Range{0.5, 2} : Range{};
    default: return {};
  }
}

Tensor random_tensor(const OpDef& op, size_t input, DType dtype, const Shape& shape, std::mt19937& random) {
  Tensor t = Tensor::make_or_die(dtype, shape);
  const Range range = range_of(op, input);
  std::uniform_real_distribution<double> real(range.low, range.high);
  const bool positive = op.id == OpId::kPow || op.id == OpId::kLeftShift || op.id == OpId::kRightShift;
  std::uniform_int_distribution<int> integer(1, 5);
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    if (dtype == DType::kBool) t.data<bool>()[i] = integer(random) > 2;
    visit_number(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<T>) {
        const int v = integer(random);  // never 0, which integers cannot be divided by
        t.data<T>()[i] = static_cast<T>(!positive && std::is_signed_v<T> && v % 2 == 0 ? -v : v);
      } else if constexpr (sizeof(T) == 2) {
        t.data<T>()[i] = T(static_cast<float>(real(random)));
      } else if constexpr (std::is_floating_point_v<T>) {
        t.data<T>()[i] = static_cast<T>(real(random));
      } else {
        using Part = typename T::value_type;
        t.data<T>()[i] = T(static_cast<Part>(real(random)), static_cast<Part>(real(random)));
      }
    });
  }
  return t;
}

// Assignments of dtypes to the row's type attributes that make a tape.
std::vector<AttrMap> dtype_choices(const OpDef& op) {
  static constexpr DType kAll[] = {DType::kFloat, DType::kDouble,    DType::kHalf,      DType::kBfloat16,
                                   DType::kInt8,  DType::kInt16,     DType::kInt32,     DType::kInt64,
                                   DType::kUint8, DType::kUint16,    DType::kUint32,    DType::kUint64,
                                   DType::kBool,  DType::kComplex64, DType::kComplex128};
  std::vector<AttrMap> choices(1);
  for (const AttrDef& attr : op.attrs) {
    if (attr.type != AttrType::kType) continue;
    const std::span<const DType> allowed =
        attr.allowed_types.empty() ? std::span<const DType>(kAll) : attr.allowed_types;
    std::vector<AttrMap> next;
    for (const AttrMap& c : choices) {
      for (const DType t : allowed) {
        if (!is_plain(t) || std::find(std::begin(kAll), std::end(kAll), t) == std::end(kAll)) continue;
        AttrMap with = c;
        with[std::string(attr.name)] = t;
        next.push_back(std::move(with));
      }
    }
    choices = std::move(next);
  }
  std::vector<AttrMap> good;
  for (AttrMap& c : choices) {
    // Attributes without a default beside the dtypes do not occur in element-wise rows.
    if (complete_attrs(op, &c).ok() && instantiate_map(op, AttrReader(c)).ok()) good.push_back(std::move(c));
  }
  return good;
}

std::string describe(const OpDef& op, const AttrMap& attrs) {
  std::string text(op.name);
  for (const auto& [name, value] : attrs) text += " " + name + "=" + to_string(value);
  return text;
}

class Sweep : public ::testing::TestWithParam<const OpDef*> {};

TEST_P(Sweep, MatchesTheInterpreter) {
  const OpDef& op = *GetParam();
  const bool broadcasts = op.shape == &shape_broadcast;
  const std::vector<std::vector<Shape>> equal = {
      {Shape{}},    {Shape{0}}, {Shape{1}}, {Shape{7}}, {Shape{3, 5}}, {Shape{2, 0, 3}}, {Shape{1, 3, 1, 2, 17}},
      {Shape{1025}}};
  const std::vector<std::vector<Shape>> mixed = {{Shape{}, Shape{}},
                                                 {Shape{7}, Shape{}},
                                                 {Shape{}, Shape{9}},
                                                 {Shape{3, 1}, Shape{5}},
                                                 {Shape{0, 3}, Shape{1}},
                                                 {Shape{2, 1, 3, 1, 2}, Shape{4, 1, 5, 1}},
                                                 {Shape{2, 1025}, Shape{1025}},
                                                 {Shape{1025, 2}, Shape{1025, 1}}};
  const auto choices = dtype_choices(op);
  ASSERT_FALSE(choices.empty());
  WorkerPool pool(2);
  std::mt19937 random(static_cast<unsigned>(op.id) + 1);
  int served = 0;
  for (const AttrMap& attrs : choices) {
    const KernelDef* kernel = find_kernel(op, attrs);
    if (!kernel) continue;  // the row says so
    ++served;
    SCOPED_TRACE(describe(op, attrs));
    auto tape = instantiate_map(op, AttrReader(attrs));
    ASSERT_TRUE(tape.ok()) << tape.status().to_string();
    for (const auto& shapes : broadcasts&& op.inputs.size() > 1 ? mixed : equal) {
      std::vector<Tensor> inputs;
      std::vector<Shape> input_shapes;
      Shape space;
      for (size_t i = 0; i < op.inputs.size(); ++i) {
        input_shapes.push_back(shapes[std::min(i, shapes.size() - 1)]);
        inputs.push_back(random_tensor(op, i, tape->inputs[i], input_shapes.back(), random));
        space = *broadcast(space, input_shapes.back());
      }
      auto plan = plan_map(*tape, input_shapes, space);
      ASSERT_TRUE(plan.ok()) << plan.status().to_string();
      std::vector<Tensor> got, want;
      std::vector<const void*> in;
      std::vector<void*> out;
      for (const Tensor& t : inputs) in.push_back(t.raw());
      for (const uint16_t v : tape->outputs) {
        got.push_back(Tensor::make_or_die(tape->value_dtype(v), space));
        want.push_back(Tensor::make_or_die(tape->value_dtype(v), space));
        out.push_back(got.back().raw());
      }
      Status s = (*plan)->run(in.data(), out.data(), pool);
      ASSERT_TRUE(s.ok()) << s.to_string();
      s = ref::map(*tape, inputs, space, want);
      ASSERT_TRUE(s.ok()) << s.to_string();
      for (size_t o = 0; o < got.size(); ++o) {
        // The engine rounds 16-bit floats after each micro-op, the interpreter too; what is left are the last bits.
        ASSERT_EQ(difference(got[o], want[o]), "") << "output " << o << " in " << space;
      }
    }
  }
  EXPECT_GT(served, 0);
}

INSTANTIATE_TEST_SUITE_P(Ops, Sweep, ::testing::ValuesIn(map_rows()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace tw::test
