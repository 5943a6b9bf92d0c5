#include "core/kernels/map/lower.h"

#include <algorithm>
#include <array>
#include <complex>
#include <cstring>
#include <optional>

namespace tw {
namespace {

constexpr uint16_t kNone = 0xffff;

bool is_short_float(DType t) { return t == DType::kHalf || t == DType::kBfloat16; }
bool operand_computes_in_float(DType t) { return t == DType::kFloat || is_short_float(t); }

// Lowering works on slots as if each value had its own buffer; assign_buffers() then shares them.
class Lowering {
 public:
  Lowering(const Tape& tape, std::span<const InputKind> kinds, bool chains)
      : tape_(tape), kinds_(kinds), chains_(chains) {}

  Result<LoweredTape> run() {
    TW_RETURN_IF_ERROR(tape_.verify());
    if (tape_.inputs.size() > 4096 || tape_.num_values() > 16384) {
      return invalid_argument("a tape of ", tape_.num_values(), " values is longer than the map engine takes");
    }
    stored_.assign(static_cast<size_t>(tape_.num_values()), kNone);
    computed_.assign(static_cast<size_t>(tape_.num_values()), kNone);
    for (size_t i = 0; i < tape_.inputs.size(); ++i) {
      const DType t = tape_.inputs[i];
      if (!is_plain(t)) return unimplemented("the map engine does not take ", dtype_name(t), " inputs");
      stored_[i] = add_slot(Slot::Kind::kInput, t, i, kinds_[i] == InputKind::kUniform);
    }
    for (size_t i = 0; i < tape_.constants.size(); ++i) add_constant(i);
    const size_t first = tape_.inputs.size() + tape_.constants.size();
    for (size_t i = 0; i < tape_.insts.size(); ++i) TW_RETURN_IF_ERROR(add_inst(tape_.insts[i], first + i));
    if (chains_) join_chains();
    add_outputs();
    assign_buffers();
    out_.repeated = uniform_;
    return std::move(out_);
  }

 private:
  uint16_t add_slot(Slot::Kind kind, DType t, size_t index, bool uniform) {
    out_.slots.push_back({kind, static_cast<uint8_t>(dtype_size(t)), static_cast<uint16_t>(index)});
    uniform_.push_back(uniform);
    return static_cast<uint16_t>(out_.slots.size() - 1);
  }

  void add_constant(size_t i) {
    const Tape::Constant& c = tape_.constants[i];
    LoweredTape::ConstantBits bits{};
    const auto put = [&bits](auto v) { std::memcpy(bits.bytes, &v, sizeof v); };
    if (c.dtype == DType::kBool) {
      put(static_cast<uint8_t>(c.value != 0));
    } else if (is_integer(c.dtype)) {
      // Little-endian low bytes are the value in every width; other orders go through the type.
      visit_real(c.dtype, [&](auto tag) { put(static_cast<typename decltype(tag)::type>(c.integer)); });
    } else {
      visit_number(c.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (std::is_same_v<T, std::complex<float>>) {
          put(T(static_cast<float>(c.value), 0));
        } else if constexpr (std::is_same_v<T, std::complex<double>>) {
          put(T(c.value, 0));
        } else if constexpr (std::is_same_v<T, double>) {
          put(c.value);
        } else {
          put(T(static_cast<float>(c.value)));
        }
      });
    }
    stored_[tape_.inputs.size() + i] = add_slot(Slot::Kind::kConstant, c.dtype, out_.constants.size(), true);
    out_.constants.push_back(bits);
  }

  uint16_t minus_one() {
    if (minus_one_ == kNone) {
      LoweredTape::ConstantBits bits{};
      const float value = -1;
      std::memcpy(bits.bytes, &value, sizeof value);
      minus_one_ = add_slot(Slot::Kind::kConstant, DType::kFloat, out_.constants.size(), true);
      out_.constants.push_back(bits);
    }
    return minus_one_;
  }

  uint16_t emit(const MicroOpEntry& e, DType result, std::span<const uint16_t> args, double flops) {
    bool uniform = true;
    LoweredInst inst;
    inst.fn = e.fn;
    inst.check = e.check;
    inst.check_message = e.check_message;
    inst.operands = static_cast<uint8_t>(args.size());
    for (size_t i = 0; i <= kMaxLinks; ++i) {
      // Unused operands repeat the first, so that every pointer is valid.
      inst.args[i] = i < args.size() ? args[i] : args[0];
      uniform = uniform && uniform_[inst.args[i]];
    }
    inst.out = add_slot(Slot::Kind::kBuffer, result, 0, uniform);
    out_.can_fail = out_.can_fail || e.check != nullptr;
    if (uniform) {
      out_.uniform.push_back(inst);
    } else {
      out_.body.push_back(inst);
      ops_.emplace_back();
      out_.ns += e.ns;
      out_.flops += flops;
    }
    return inst.out;
  }

  // The link that a micro-op on floats is, when its operand `value_at` is the value so far.
  static std::optional<Link> link_of(MicroOp op, size_t value_at) {
    const auto either = [&](Link link, Link reverse) { return value_at == 0 ? link : reverse; };
    switch (op) {
      case MicroOp::k_add: return Link::kAdd;
      case MicroOp::k_mul: return Link::kMul;
      case MicroOp::k_sub: return either(Link::kSub, Link::kReverseSub);
      case MicroOp::k_div: return either(Link::kDiv, Link::kReverseDiv);
      case MicroOp::k_maximum: return either(Link::kMax, Link::kReverseMax);
      case MicroOp::k_minimum: return either(Link::kMin, Link::kReverseMin);
      case MicroOp::k_squared_difference: return Link::kSquaredDifference;
      case MicroOp::k_square: return Link::kSquare;
      case MicroOp::k_abs: return Link::kAbs;
      case MicroOp::k_sqrt: return Link::kSqrt;
      case MicroOp::k_reciprocal: return Link::kReciprocal;
      default: return std::nullopt;
    }
  }

  // The instruction added last is a chain of one.
  void may_chain(MicroOp op) {
    const std::optional<Link> link = link_of(op, 0);
    if (!link || !chains_) return;
    ops_.back() = op;
    out_.body.back().chain.links[0] = *link;
    out_.body.back().chain.count = 1;
  }

  // Instructions are taken into their readers, as long as the chain is short: those of one reader, and single ones of
  // two, since doing such a one again in registers costs less than storing and loading what it gives.
  void join_chains() {
    std::vector<uint16_t> results;
    for (uint16_t value : tape_.outputs) results.push_back(stored(value));
    std::vector<int> uses(out_.slots.size(), 0), made_by(out_.slots.size(), -1);
    for (uint16_t slot : results) ++uses[slot];
    for (size_t i = 0; i < out_.body.size(); ++i) {
      const LoweredInst& inst = out_.body[i];
      for (size_t k = 0; k < inst.operands; ++k) ++uses[inst.args[k]];
      made_by[inst.out] = static_cast<int>(i);
    }
    std::vector<bool> gone(out_.body.size(), false);
    for (size_t i = 0; i < out_.body.size(); ++i) {
      if (!ops_[i]) continue;
      LoweredInst& inst = out_.body[i];
      const size_t none = inst.operands;
      // The operand that takes the most with it.
      size_t best = none;
      for (size_t k = 0; k < none; ++k) {
        const int maker = made_by[inst.args[k]];
        if (maker < 0) continue;
        const size_t count = out_.body[static_cast<size_t>(maker)].chain.count;
        if (count == 0 || count == kMaxLinks || uses[inst.args[k]] > (count == 1 ? 2 : 1)) continue;
        if (best == none || count > out_.body[static_cast<size_t>(made_by[inst.args[best]])].chain.count) best = k;
      }
      if (best == none) continue;
      const LoweredInst& maker = out_.body[static_cast<size_t>(made_by[inst.args[best]])];
      const uint16_t other = inst.args[1 - best];
      const bool unary = none == 1, last = --uses[inst.args[best]] == 0;
      const Link link = *link_of(*ops_[i], best);
      gone[static_cast<size_t>(made_by[inst.args[best]])] = last;
      inst.chain = maker.chain;
      inst.chain.links[inst.chain.count++] = link;
      std::copy_n(maker.args, kMaxLinks + 1, inst.args);
      inst.args[inst.chain.count] = unary ? inst.args[0] : other;
      inst.operands = static_cast<uint8_t>(inst.chain.count + 1);
      for (size_t k = 0; k < inst.chain.count && !last; ++k) ++uses[inst.args[k]];
    }
    std::vector<LoweredInst> kept;
    for (size_t i = 0; i < out_.body.size(); ++i) {
      if (gone[i]) continue;
      LoweredInst& inst = out_.body[i];
      // Alone it gains only from an operand that need not be laid out.
      const auto scalar = [&](uint16_t slot) { return uniform_[slot] || spreads(slot); };
      if (inst.chain.count == 1 && !scalar(inst.args[0]) && !scalar(inst.args[1])) inst.chain.count = 0;
      if (inst.chained()) inst.operands = static_cast<uint8_t>(inst.chain.count + 1);
      out_.chains = out_.chains || inst.chained();
      kept.push_back(inst);
    }
    out_.body = std::move(kept);
  }
  bool spreads(uint16_t slot) const {
    const Slot& s = out_.slots[slot];
    return s.kind == Slot::Kind::kInput && kinds_[s.index] == InputKind::kExpanded;
  }

  // A value as ops compute with it: 16-bit floats as float.
  uint16_t computed(uint16_t value) {
    const DType t = tape_.value_dtype(value);
    if (!is_short_float(t)) return stored(value);
    if (computed_[value] == kNone) {
      const uint16_t arg = stored_[value];
      computed_[value] = emit(find_micro_op(MicroOp::k_cast, t, DType::kFloat), DType::kFloat, {&arg, 1}, 1);
    }
    return computed_[value];
  }
  // A value in its own dtype.
  uint16_t stored(uint16_t value) {
    if (stored_[value] == kNone) {
      const DType t = tape_.value_dtype(value);
      const uint16_t arg = computed_[value];
      stored_[value] = emit(find_micro_op(MicroOp::k_cast, DType::kFloat, t), t, {&arg, 1}, 1);
    }
    return stored_[value];
  }

  Status add_inst(const TapeInst& inst, size_t value) {
    const DType operand = tape_.value_dtype(inst.args[inst.op == MicroOp::k_select ? 1 : 0]);
    if (inst.op == MicroOp::k_cast) return add_cast(inst, operand, value);
    const DType result = compute_dtype(inst.dtype);
    const MicroOpEntry e = find_micro_op(inst.op, compute_dtype(operand), result);
    if (e.fn == nullptr) {
      return unimplemented("the map engine has no ", micro_op_name(inst.op), " on ", dtype_name(operand), " giving ",
                           dtype_name(inst.dtype));
    }
    uint16_t args[3];
    const size_t n = static_cast<size_t>(arity(inst.op));
    for (size_t i = 0; i < n; ++i) args[i] = computed(inst.args[i]);
    const size_t before = out_.body.size();
    if (inst.op == MicroOp::k_neg && result == DType::kFloat) {
      // The same bits, as a link.
      args[1] = minus_one();
      const uint16_t out = emit(find_micro_op(MicroOp::k_mul, result, result), result, {args, 2}, 1);
      if (out_.body.size() > before) may_chain(MicroOp::k_mul);
      (is_short_float(inst.dtype) ? computed_ : stored_)[value] = out;
      return {};
    }
    const uint16_t out = emit(e, result, {args, n}, is_transcendental(inst.op) ? 10 : 1);
    if (out_.body.size() > before && operand_computes_in_float(operand) && result == DType::kFloat) {
      may_chain(inst.op);
    }
    (is_short_float(inst.dtype) ? computed_ : stored_)[value] = out;
    return {};
  }

  Status add_cast(const TapeInst& inst, DType from, size_t value) {
    if (from == inst.dtype) {
      stored_[value] = stored(inst.args[0]);
      return {};
    }
    const uint16_t arg = computed(inst.args[0]);
    uint16_t out = arg;
    if (compute_dtype(from) != compute_dtype(inst.dtype)) {
      const MicroOpEntry e = find_micro_op(MicroOp::k_cast, compute_dtype(from), compute_dtype(inst.dtype));
      if (e.fn == nullptr) {
        return unimplemented("the map engine has no cast from ", dtype_name(from), " to ", dtype_name(inst.dtype));
      }
      out = emit(e, compute_dtype(inst.dtype), {&arg, 1}, 1);
    }
    if (is_short_float(inst.dtype)) {
      // An explicit cast rounds: what follows must see the rounded value.
      out = emit(find_micro_op(MicroOp::k_cast, DType::kFloat, inst.dtype), inst.dtype, {&out, 1}, 1);
    }
    stored_[value] = out;
    return {};
  }

  // Gives every output an instruction of its own that may write straight to it.
  void add_outputs() {
    std::vector<uint16_t> results;
    for (uint16_t value : tape_.outputs) {
      uint16_t slot = stored(value);
      const bool own = out_.slots[slot].kind == Slot::Kind::kBuffer && !uniform_[slot] &&
                       std::find(results.begin(), results.end(), slot) == results.end();
      if (!own) {
        const DType t = tape_.value_dtype(value);
        const MicroOpEntry copy = find_micro_op(MicroOp::k_cast, t, t);
        LoweredInst inst;
        inst.fn = copy.fn;
        std::fill_n(inst.args, kMaxLinks + 1, slot);
        inst.out = add_slot(Slot::Kind::kBuffer, t, 0, false);
        out_.body.push_back(inst);
        out_.ns += copy.ns;
        slot = inst.out;
      }
      results.push_back(slot);
    }
    for (size_t k = 0; k < results.size(); ++k) {
      Slot& slot = out_.slots[results[k]];
      if (may_write_at_once(results[k])) {
        slot.kind = Slot::Kind::kOutput;
        slot.index = static_cast<uint16_t>(k);
      } else {
        const uint16_t to = static_cast<uint16_t>(out_.slots.size());
        out_.slots.push_back({Slot::Kind::kOutput, slot.element_size, static_cast<uint16_t>(k)});
        uniform_.push_back(false);
        out_.flushes.push_back({results[k], to});
      }
    }
  }

  // An output may be the memory of a direct input of its element size, so no later instruction may read such an input.
  bool may_write_at_once(uint16_t slot) const {
    bool after = false;
    for (const LoweredInst& inst : out_.body) {
      for (uint16_t arg : inst.args) {
        const Slot& s = out_.slots[arg];
        if (after && s.kind == Slot::Kind::kInput && kinds_[s.index] == InputKind::kDirect &&
            s.element_size == out_.slots[slot].element_size) {
          return false;
        }
      }
      after = after || inst.out == slot;
    }
    return true;
  }

  void assign_buffers() {
    size_t width = 1;
    for (const Slot& s : out_.slots) width = std::max<size_t>(width, s.element_size);
    out_.width = width;
    std::vector<int> last_use(out_.slots.size(), -1);
    for (size_t i = 0; i < out_.body.size(); ++i) {
      for (uint16_t arg : out_.body[i].args) last_use[arg] = static_cast<int>(i);
    }
    for (const auto& f : out_.flushes) last_use[f.from] = static_cast<int>(out_.body.size());
    int count = 0;
    // Uniform values stay for the whole range.
    for (const LoweredInst& inst : out_.uniform) out_.slots[inst.out].index = static_cast<uint16_t>(count++);
    std::vector<uint16_t> free;
    for (size_t i = 0; i < out_.body.size(); ++i) {
      const LoweredInst& inst = out_.body[i];
      Slot& result = out_.slots[inst.out];
      std::vector<uint16_t> dying, keep;
      for (size_t k = 0; k <= kMaxLinks; ++k) {
        const uint16_t arg = inst.args[k];
        const Slot& s = out_.slots[arg];
        const bool repeated = std::find(inst.args, inst.args + k, arg) != inst.args + k;
        if (s.kind != Slot::Kind::kBuffer || uniform_[arg] || last_use[arg] != static_cast<int>(i) || repeated)
          continue;
        // Element i of the result may replace element i of an operand only where they lie at the same address.
        (s.element_size == result.element_size ? dying : keep).push_back(s.index);
      }
      free.insert(free.end(), dying.begin(), dying.end());
      if (result.kind == Slot::Kind::kBuffer) {
        if (free.empty()) free.push_back(static_cast<uint16_t>(count++));
        result.index = free.back();
        free.pop_back();
        if (last_use[inst.out] < 0) free.push_back(result.index);  // never read
      }
      free.insert(free.end(), keep.begin(), keep.end());
    }
    out_.buffers = count;
  }

  const Tape& tape_;
  std::span<const InputKind> kinds_;
  const bool chains_;
  LoweredTape out_;
  std::vector<std::optional<MicroOp>> ops_;  // of the body's instructions, those that can be links
  uint16_t minus_one_ = kNone;
  std::vector<uint16_t> stored_, computed_;  // slots of each value, kNone where not made yet
  std::vector<bool> uniform_;                // per slot
};

}  // namespace

Result<LoweredTape> lower(const Tape& tape, std::span<const InputKind> kinds, int64_t count) {
  return Lowering(tape, kinds, count >= static_cast<int64_t>(kRepeated)).run();
}

}  // namespace tw
