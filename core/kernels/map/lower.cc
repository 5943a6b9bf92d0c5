#include "core/kernels/map/lower.h"

#include <algorithm>
#include <array>
#include <complex>
#include <cstring>
#include <optional>

#include "core/kernels/move/stream_copy.h"
#include "core/platform/memo.h"

namespace tw {
namespace {

constexpr uint16_t kNone = 0xffff;
constexpr int kManyBuffers = 24;

bool is_short_float(DType t) { return t == DType::kHalf || t == DType::kBfloat16; }

// Lowering works on slots as if each value had its own buffer; assign_buffers() then shares them.
class Lowering {
 public:
  Lowering(const Tape& tape, std::span<const InputKind> kinds, bool links, bool large)
      : tape_(tape), kinds_(kinds), links_(links), large_(large) {}

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
    if (links_) join();
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
    inst.args.assign(args.begin(), args.end());
    inst.args.resize(3, args[0]);  // so that every pointer is valid
    for (uint16_t arg : args) uniform = uniform && uniform_[arg];
    const uint16_t out = add_slot(Slot::Kind::kBuffer, result, 0, uniform);
    inst.outs = {out};
    out_.can_fail = out_.can_fail || e.check != nullptr;
    if (uniform) {
      out_.uniform.push_back(std::move(inst));
    } else {
      out_.body.push_back(std::move(inst));
      ops_.emplace_back();
      out_.ns += e.ns;
      out_.flops += flops;
    }
    return out;
  }

  // Takes the instruction that emit() added after the first `before` for one that may be a link.
  void note_op(size_t before, MicroOp op, DType operand, DType result) {
    if (out_.body.size() > before && may_link(op, compute_dtype(operand), compute_dtype(result))) ops_.back() = op;
  }

  void join() {
    std::vector<uint16_t> results;
    for (uint16_t value : tape_.outputs) results.push_back(stored(value));
    std::vector<SlotFacts> facts(out_.slots.size());
    for (size_t s = 0; s < facts.size(); ++s) {
      const Slot& slot = out_.slots[s];
      facts[s].is_bool = slot.element_size == 1;
      facts[s].repeats = uniform_[s] || spreads(static_cast<uint16_t>(s));
    }
    for (uint16_t slot : results) facts[slot].result = true;
    out_.body = join_links(std::move(out_.body), ops_, facts, large_);
    out_.links = std::any_of(out_.body.begin(), out_.body.end(), [](const LoweredInst& i) { return i.linked(); });
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
      note_op(before, MicroOp::k_mul, result, result);
      (is_short_float(inst.dtype) ? computed_ : stored_)[value] = out;
      return {};
    }
    const uint16_t out = emit(e, result, {args, n}, is_transcendental(inst.op) ? 10 : 1);
    note_op(before, inst.op, operand, result);
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
      const size_t before = out_.body.size();
      out = emit(e, compute_dtype(inst.dtype), {&arg, 1}, 1);
      note_op(before, inst.op, from, inst.dtype);
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
        inst.args.assign(3, slot);
        slot = add_slot(Slot::Kind::kBuffer, t, 0, false);
        inst.outs = {slot};
        out_.body.push_back(std::move(inst));
        out_.ns += copy.ns;
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
      after = after || std::find(inst.outs.begin(), inst.outs.end(), slot) != inst.outs.end();
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
    for (const LoweredInst& inst : out_.uniform) out_.slots[inst.outs[0]].index = static_cast<uint16_t>(count++);
    std::vector<uint16_t> free;
    for (size_t i = 0; i < out_.body.size(); ++i) {
      const LoweredInst& inst = out_.body[i];
      std::vector<uint16_t> dying, keep;
      for (size_t k = 0; k < inst.args.size(); ++k) {
        const uint16_t arg = inst.args[k];
        const Slot& s = out_.slots[arg];
        const bool repeated = std::find(inst.args.begin(), inst.args.begin() + static_cast<ptrdiff_t>(k), arg) !=
                              inst.args.begin() + static_cast<ptrdiff_t>(k);
        if (s.kind != Slot::Kind::kBuffer || uniform_[arg] || last_use[arg] != static_cast<int>(i) || repeated)
          continue;
        // Element i of a result may replace element i of an operand only where they lie at the same address.
        const bool same = std::all_of(inst.outs.begin(), inst.outs.end(),
                                      [&](uint16_t out) { return out_.slots[out].element_size == s.element_size; });
        (same ? dying : keep).push_back(s.index);
      }
      free.insert(free.end(), dying.begin(), dying.end());
      for (uint16_t out : inst.outs) {
        Slot& result = out_.slots[out];
        if (result.kind != Slot::Kind::kBuffer) continue;
        if (free.empty()) free.push_back(static_cast<uint16_t>(count++));
        result.index = free.back();
        free.pop_back();
        if (last_use[out] < 0) keep.push_back(result.index);  // never read
      }
      free.insert(free.end(), keep.begin(), keep.end());
    }
    out_.buffers = count;
  }

  const Tape& tape_;
  std::span<const InputKind> kinds_;
  const bool links_, large_;
  LoweredTape out_;
  std::vector<std::optional<MicroOp>> ops_;  // by instruction of the body, where it can be a link
  uint16_t minus_one_ = kNone;
  std::vector<uint16_t> stored_, computed_;  // slots of each value, kNone where not made yet
  std::vector<bool> uniform_;                // per slot
};

// With links if they may be, and for arrays that exceed the caches or not.
Result<LoweredTape> lower_anew(const Tape& tape, std::span<const InputKind> kinds, bool links, bool large) {
  if (links) {
    TW_ASSIGN_OR_RETURN(LoweredTape linked, Lowering(tape, kinds, true, large).run());
    // Links are run before what cannot be one, and all that they give has to wait: of many such values the blocks would
    // become short.
    if (linked.buffers <= kManyBuffers) return linked;
  }
  return Lowering(tape, kinds, false, large).run();
}

}  // namespace

Result<std::shared_ptr<const LoweredTape>> lower(const Tape& tape, std::span<const InputKind> kinds, int64_t count) {
  static Memo<LoweredTape> lowered(512);  // of a few kilobytes each
  const bool links = count >= static_cast<int64_t>(kRepeated);
  const bool large = count * static_cast<int64_t>(sizeof(float)) >= kStreamBytes;
  std::string key;
  add_to_key(&key, tape);
  for (InputKind kind : kinds) add_to_key(&key, kind);
  add_to_key(&key, links);
  add_to_key(&key, large);
  return lowered.get(std::move(key), [&] { return lower_anew(tape, kinds, links, large); });
}

}  // namespace tw
