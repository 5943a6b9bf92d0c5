// Element-wise ops: rows with a `map`, and the tapes that the fuse pass makes.
#include <algorithm>
#include <vector>

#include "core/framework/tape_map.h"
#include "core/kernels/cpu/map/map_kernel.h"
#include "core/kernels/map/index_space.h"

namespace tw {
namespace {

enum class StringOp : uint8_t { kAdd, kEqual, kNotEqual, kSelect };

struct MapState : KernelState {
  std::shared_ptr<const MapPlan> plan;  // null for strings
  StringOp op = StringOp::kAdd;
  IndexSpace space;
  std::vector<OperandStrides> strides;
  int64_t count = 0;
};

// Operands on the stack up to this many, which covers every op but long fused ones.
constexpr int kFew = 8;

std::vector<Shape> input_shapes(const PrepareContext& ctx) {
  std::vector<Shape> shapes;
  for (int i = 0; i < ctx.num_inputs(); ++i) shapes.push_back(ctx.input_shape(i));
  return shapes;
}

constexpr std::pair<std::string_view, StringOp> kStringOps[] = {
    {"Add", StringOp::kAdd},
    {"Equal", StringOp::kEqual},
    {"NotEqual", StringOp::kNotEqual},
    {"SelectV2", StringOp::kSelect},
};

// Strings join, compare and are chosen; the engine itself takes numbers only.
Status prepare_strings(PrepareContext& ctx) {
  const auto* known = std::find_if(std::begin(kStringOps), std::end(kStringOps),
                                   [&](const auto& entry) { return entry.first == ctx.op().name; });
  if (known == std::end(kStringOps)) return unimplemented(ctx.op().name, " does not take strings");
  const std::vector<Shape> shapes = input_shapes(ctx);
  TW_ASSIGN_OR_RETURN(const Shape space, broadcast_all(shapes));
  auto& s = ctx.emplace_state<MapState>();
  s.op = known->second;
  s.count = space.num_elements();
  s.space = collapse(space, shapes, &s.strides);
  ctx.set_cost({20.0 * static_cast<double>(s.count), operand_bytes(ctx)});
  return {};
}

Status run_strings(const RunContext& ctx, const MapState& s) {
  const auto at = [&](int input, int64_t i) {
    return operand_offset(s.space, s.strides[static_cast<size_t>(input)], i);
  };
  const auto text = [&](int input, int64_t i) -> const std::string& {
    return ctx.in<std::string>(input)[at(input, i)];
  };
  for (int64_t i = 0; i < s.count; ++i) {
    switch (s.op) {
      case StringOp::kAdd: ctx.out<std::string>(0)[i] = text(0, i) + text(1, i); break;
      case StringOp::kEqual: ctx.out<bool>(0)[i] = text(0, i) == text(1, i); break;
      case StringOp::kNotEqual: ctx.out<bool>(0)[i] = text(0, i) != text(1, i); break;
      case StringOp::kSelect: ctx.out<std::string>(0)[i] = text(ctx.in<bool>(0)[at(0, i)] ? 1 : 2, i); break;
    }
  }
  return {};
}

Status run_map(const RunContext& ctx) {
  const MapState& state = ctx.state<MapState>();
  if (state.plan == nullptr) return run_strings(ctx, state);
  const MapPlan& plan = *state.plan;
  const int num_in = ctx.num_inputs(), num_out = ctx.num_outputs();
  if (num_in <= kFew && num_out <= kFew) {
    const void* in[kFew];
    void* out[kFew];
    for (int i = 0; i < num_in; ++i) in[i] = ctx.input(i).data;
    for (int i = 0; i < num_out; ++i) out[i] = ctx.output(i).data;
    return plan.run(in, out, ctx.pool());
  }
  const void** in = static_cast<const void**>(ctx.workspace());
  void** out = const_cast<void**>(in) + num_in;
  for (int i = 0; i < num_in; ++i) in[i] = ctx.input(i).data;
  for (int i = 0; i < num_out; ++i) out[i] = ctx.output(i).data;
  return plan.run(in, out, ctx.pool());
}

Status prepare_tape(PrepareContext& ctx, const Tape& tape, std::span<const Shape> shapes) {
  TW_ASSIGN_OR_RETURN(Shape space, broadcast_all(shapes));
  MapState& state = ctx.emplace_state<MapState>();
  TW_ASSIGN_OR_RETURN(state.plan, plan_map(tape, shapes, space));
  allow_in_place_where_equal(ctx);
  if (ctx.num_inputs() > kFew || ctx.num_outputs() > kFew) {
    ctx.set_workspace(static_cast<size_t>(ctx.num_inputs() + ctx.num_outputs()) * sizeof(void*));
  }
  ctx.set_cost({state.plan->flops(), operand_bytes(ctx)});
  return {};
}

Status prepare_map(PrepareContext& ctx) {
  if (ctx.input_dtype(ctx.num_inputs() - 1) == DType::kString) return prepare_strings(ctx);
  TW_ASSIGN_OR_RETURN(const Tape tape, instantiate_map(ctx.op(), ctx.attrs()));
  std::vector<Shape> shapes = input_shapes(ctx);
  // An operand that does not broadcast to the result has at least as many elements, of which the first are read: the
  // shape functions take no other.
  const Shape& result = ctx.output_shape(0);
  for (Shape& s : shapes) {
    if (const auto both = broadcast(s, result); !both.ok() || *both != result) s = result;
  }
  return prepare_tape(ctx, tape, shapes);
}

Status prepare_fused(PrepareContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Tape tape, Tape::parse(ctx.attrs().string("tape")));
  if (static_cast<int>(tape.inputs.size()) != ctx.num_inputs() ||
      static_cast<int>(tape.outputs.size()) != ctx.num_outputs()) {
    return invalid_argument("the tape has ", tape.inputs.size(), " inputs and ", tape.outputs.size(),
                            " outputs, the node ", ctx.num_inputs(), " and ", ctx.num_outputs());
  }
  return prepare_tape(ctx, tape, input_shapes(ctx));
}

}  // namespace

TW_KERNEL(Map, prepare_map, run_map);
TW_KERNEL(FusedMap, prepare_fused, run_map);

Result<Shape> broadcast_all(std::span<const Shape> shapes) {
  Shape space;
  for (const Shape& s : shapes) {
    TW_ASSIGN_OR_RETURN(space, broadcast(space, s));
  }
  return space;
}

void allow_in_place_where_equal(PrepareContext& ctx) {
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    for (int o = 0; o < ctx.num_outputs(); ++o) {
      if (ctx.input_shape(i) == ctx.output_shape(o) &&
          dtype_size(ctx.input_dtype(i)) == dtype_size(ctx.output_dtype(o))) {
        ctx.allow_in_place(i, o);
      }
    }
  }
}

}  // namespace tw
