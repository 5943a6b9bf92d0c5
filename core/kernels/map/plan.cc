// Plans and runs lowered tapes.
#include "core/kernels/map.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/kernels/map/index_space.h"
#include "core/kernels/map/lower.h"

namespace tw {
namespace {

// Block buffers of one range live on the stack and should stay in L1.
constexpr size_t kScratchBytes = 32 * 1024;
constexpr int64_t kMinBlock = 32;
constexpr int kMaxSlots = 512;
// A repeated row up to this length is laid out once and read at shifted positions; from kLongRow on blocks are cut at
// the ends of rows, so that rows are read in place.
constexpr int64_t kMaxPeriod = 255;
constexpr int64_t kLongRow = 256;
constexpr double kNsPerByte = 0.06;  // of memory traffic, one thread

struct Operand {
  InputKind kind = InputKind::kDirect;
  bool periodic = false;
  uint16_t slot = 0;
  size_t element_size = 0;
  size_t scratch = 0;  // where its buffer begins
  OperandStrides strides{};
};

class Plan final : public MapPlan {
 public:
  static Result<std::unique_ptr<MapPlan>> make(const Tape& tape, std::span<const Shape> shapes, const Shape& space) {
    if (shapes.size() != tape.inputs.size()) {
      return invalid_argument("a tape of ", tape.inputs.size(), " inputs got ", shapes.size(), " shapes");
    }
    auto plan = std::unique_ptr<Plan>(new Plan);
    TW_RETURN_IF_ERROR(plan->init(tape, shapes, space));
    return std::unique_ptr<MapPlan>(std::move(plan));
  }

  Status run(const void* const* inputs, void* const* outputs, WorkerPool& pool) const override {
    if (count_ <= grain_ || pool.threads() == 1) return run_range(inputs, outputs, 0, count_, 0);
    std::atomic<const char*> failure{nullptr};
    // Ranges begin at whole blocks, so that no two threads write one cache line.
    pool.parallel_for((count_ + block_ - 1) / block_, (grain_ + block_ - 1) / block_, [&](int64_t b, int64_t e) {
      const char* f = eval(inputs, outputs, b * block_, std::min(e * block_, count_), 0);
      if (f != nullptr) failure.store(f, std::memory_order_relaxed);
    });
    const char* f = failure.load(std::memory_order_relaxed);
    return f == nullptr ? Status() : invalid_argument(f);
  }

  Status run_block(const void* const* inputs, void* const* outputs, int64_t begin, int64_t count) const override {
    return run_range(inputs, outputs, begin, begin + count, begin);
  }

  bool can_fail() const override { return tape_.can_fail; }
  double flops() const override { return tape_.flops * static_cast<double>(count_); }

 private:
  Plan() = default;

  Status init(const Tape& tape, std::span<const Shape> shapes, const Shape& space) {
    count_ = space.num_elements();
    std::vector<InputKind> kinds;
    std::vector<Shape> expanded;
    for (const Shape& s : shapes) {
      TW_ASSIGN_OR_RETURN(const Shape wide, broadcast(s, space));
      if (!(wide == space)) {
        return invalid_argument("an operand of shape ", s, " does not broadcast to the space ", space);
      }
      const int64_t n = s.num_elements();
      kinds.push_back(n == count_ ? InputKind::kDirect : n == 1 ? InputKind::kUniform : InputKind::kExpanded);
      if (kinds.back() == InputKind::kExpanded) expanded.push_back(s);
    }
    TW_ASSIGN_OR_RETURN(tape_, lower(tape, kinds));
    std::vector<OperandStrides> strides;
    space_ = collapse(space, expanded, &strides);
    chop_ = !expanded.empty() && space_.inner() >= kLongRow;

    inputs_.resize(kinds.size());
    size_t next = 0;
    for (size_t i = 0; i < kinds.size(); ++i) {
      Operand& o = inputs_[i];
      o.kind = kinds[i];
      o.element_size = dtype_size(tape.inputs[i]);
      if (o.kind != InputKind::kExpanded) continue;
      o.strides = strides[next++];
      o.periodic = !chop_ && space_.rank == 2 && o.strides[0] == 0 && space_.dims[1] <= kMaxPeriod;
    }
    for (size_t s = 0; s < tape_.slots.size(); ++s) {
      const Slot& slot = tape_.slots[s];
      if (slot.kind == Slot::Kind::kInput) inputs_[slot.index].slot = static_cast<uint16_t>(s);
    }
    if (tape_.slots.size() > kMaxSlots) {
      return invalid_argument("a tape of ", tape_.slots.size(), " values is longer than the map engine takes");
    }
    TW_RETURN_IF_ERROR(choose_block());

    double bytes = 0;
    for (const Operand& o : inputs_) {
      if (o.kind == InputKind::kDirect) bytes += static_cast<double>(o.element_size);
    }
    for (const Slot& slot : tape_.slots) {
      if (slot.kind == Slot::Kind::kOutput) bytes += slot.element_size;
    }
    grain_ = grain_for_ns(tape_.ns + kNsPerByte * bytes);

    const bool all_direct =
        std::all_of(kinds.begin(), kinds.end(), [](InputKind k) { return k == InputKind::kDirect; });
    single_ = all_direct && tape_.body.size() == 1 && tape_.constants.empty() && tape_.flushes.empty();
    if (single_) {
      const LoweredInst& inst = tape_.body[0];
      for (size_t k = 0; k < 3; ++k) single_args_[k] = tape_.slots[inst.args[k]].index;
      single_inst_ = inst;
    }
    return {};
  }

  // Every buffer gets block * width bytes, periodic inputs a period more.
  Status choose_block() {
    size_t buffers = static_cast<size_t>(tape_.buffers) + tape_.constants.size();
    size_t periods = 0;
    for (const Operand& o : inputs_) {
      if (o.kind != InputKind::kDirect) ++buffers;
      if (o.periodic) periods += static_cast<size_t>(space_.inner()) * o.element_size + 64;
    }
    block_ = kMapBlock;
    const auto bytes = [&] { return buffers * static_cast<size_t>(block_) * tape_.width + periods; };
    while (block_ > kMinBlock && bytes() > kScratchBytes) block_ /= 2;
    if (bytes() > kScratchBytes) {
      return unimplemented("a tape that needs ", buffers, " block buffers is larger than the map engine takes");
    }
    const size_t step = static_cast<size_t>(block_) * tape_.width;
    size_t at = (static_cast<size_t>(tape_.buffers) + tape_.constants.size()) * step;
    for (Operand& o : inputs_) {
      if (o.kind == InputKind::kDirect) continue;
      o.scratch = at;
      at += step + (o.periodic ? (static_cast<size_t>(space_.inner()) * o.element_size + 63) / 64 * 64 : 0);
    }
    return {};
  }

  Status run_range(const void* const* inputs, void* const* outputs, int64_t begin, int64_t end, int64_t origin) const {
    const char* f = eval(inputs, outputs, begin, end, origin);
    return f == nullptr ? Status() : invalid_argument(f);
  }

  static const void* at(const void* base, int64_t i, size_t size) {
    return static_cast<const char*>(base) + i * static_cast<int64_t>(size);
  }

  // Elements [begin, end); outputs begin at element `origin`. Returns the message of a failed check.
  const char* eval(const void* const* inputs, void* const* outputs, int64_t begin, int64_t end, int64_t origin) const {
    if (begin >= end) return nullptr;
    if (single_) {
      const LoweredInst& inst = single_inst_;
      const void* args[3];
      for (size_t k = 0; k < 3; ++k) {
        const uint16_t i = single_args_[k];
        args[k] = at(inputs[i], begin, inputs_[i].element_size);
      }
      const size_t n = static_cast<size_t>(end - begin);
      const char* failure = inst.check != nullptr && inst.check(args[1], n) ? inst.check_message : nullptr;
      inst.fn(args[0], args[1], args[2],
              static_cast<char*>(outputs[0]) + (begin - origin) * tape_.slots[inst.out].element_size, n);
      return failure;
    }
    return eval_blocks(inputs, outputs, begin, end, origin);
  }

  const char* eval_blocks(const void* const* inputs, void* const* outputs, int64_t begin, int64_t end,
                          int64_t origin) const {
    alignas(64) char scratch[kScratchBytes];
    char* pointers[kMaxSlots];
    const size_t step = static_cast<size_t>(block_) * tape_.width;
    const int64_t fill = std::min(block_, end - begin);
    for (size_t s = 0; s < tape_.slots.size(); ++s) {
      const Slot& slot = tape_.slots[s];
      switch (slot.kind) {
        case Slot::Kind::kBuffer: pointers[s] = scratch + slot.index * step; break;
        case Slot::Kind::kConstant:
          pointers[s] = scratch + (static_cast<size_t>(tape_.buffers) + slot.index) * step;
          splat(slot.element_size, tape_.constants[slot.index].bytes, fill, pointers[s]);
          break;
        case Slot::Kind::kOutput:
          pointers[s] = static_cast<char*>(outputs[slot.index]) + (begin - origin) * slot.element_size;
          break;
        case Slot::Kind::kInput: {
          const Operand& o = inputs_[slot.index];
          if (o.kind == InputKind::kDirect) {
            pointers[s] = static_cast<char*>(const_cast<void*>(at(inputs[slot.index], begin, o.element_size)));
            break;
          }
          pointers[s] = scratch + o.scratch;
          if (o.kind == InputKind::kUniform) splat(o.element_size, inputs[slot.index], fill, pointers[s]);
          if (o.periodic)
            expand(space_, o.strides, o.element_size, inputs[slot.index], 0, period_fill(fill, o), pointers[s]);
          break;
        }
      }
    }
    const char* failure = nullptr;
    run_insts(tape_.uniform, pointers, static_cast<size_t>(fill), &failure);
    const void* splatted[kMaxSlots];  // of expanded inputs that repeat along the row: what the buffer holds
    if (chop_) {
      for (size_t i = 0; i < inputs_.size(); ++i) splatted[i] = nullptr;
    }
    for (int64_t pos = begin; pos < end;) {
      int64_t n = std::min(block_, end - pos);
      if (chop_) n = std::min(n, space_.inner() - pos % space_.inner());
      for (size_t i = 0; i < inputs_.size(); ++i) {
        const Operand& o = inputs_[i];
        if (o.kind == InputKind::kExpanded) pointers[o.slot] = expanded(i, inputs[i], pos, n, fill, scratch, splatted);
      }
      run_insts(tape_.body, pointers, static_cast<size_t>(n), &failure);
      for (const auto& f : tape_.flushes) {
        std::memcpy(pointers[f.to], pointers[f.from], static_cast<size_t>(n) * tape_.slots[f.to].element_size);
      }
      pos += n;
      for (size_t s = 0; s < tape_.slots.size(); ++s) {
        const Slot& slot = tape_.slots[s];
        if (slot.kind == Slot::Kind::kOutput ||
            (slot.kind == Slot::Kind::kInput && inputs_[slot.index].kind == InputKind::kDirect)) {
          pointers[s] += n * slot.element_size;
        }
      }
    }
    return failure;
  }

  // A periodic buffer holds a block from any phase of the row.
  int64_t period_fill(int64_t fill, const Operand& o) const { return std::min(fill + space_.inner(), count_); }

  char* expanded(size_t i, const void* input, int64_t pos, int64_t n, int64_t fill, char* scratch,
                 const void** splatted) const {
    const Operand& o = inputs_[i];
    char* buffer = scratch + o.scratch;
    if (o.periodic) return buffer + pos % space_.inner() * static_cast<int64_t>(o.element_size);
    if (!chop_) {
      expand(space_, o.strides, o.element_size, input, pos, n, buffer);
      return buffer;
    }
    const void* from = at(input, operand_offset(space_, o.strides, pos), o.element_size);
    if (o.strides[static_cast<size_t>(space_.rank - 1)] != 0) return static_cast<char*>(const_cast<void*>(from));
    if (splatted[i] != from) {
      splat(o.element_size, from, std::min(fill, space_.inner()), buffer);
      splatted[i] = from;
    }
    return buffer;
  }

  static void run_insts(const std::vector<LoweredInst>& insts, char* const* pointers, size_t n, const char** failure) {
    for (const LoweredInst& inst : insts) {
      const void* b = pointers[inst.args[1]];
      if (inst.check != nullptr && inst.check(b, n)) *failure = inst.check_message;
      inst.fn(pointers[inst.args[0]], b, pointers[inst.args[2]], pointers[inst.out], n);
    }
  }

  LoweredTape tape_;
  IndexSpace space_;
  std::vector<Operand> inputs_;
  int64_t count_ = 0, block_ = kMapBlock, grain_ = 1;
  bool chop_ = false;
  bool single_ = false;  // one instruction on direct inputs: no buffers at all
  LoweredInst single_inst_{};
  uint16_t single_args_[3] = {};
};

}  // namespace

Result<std::unique_ptr<MapPlan>> plan_map(const Tape& tape, std::span<const Shape> shapes, const Shape& space) {
  return Plan::make(tape, shapes, space);
}

bool map_supports(MicroOp op, DType operand, DType result) {
  if (!is_plain(operand) || !is_plain(result)) return false;
  return find_micro_op(op, compute_dtype(operand), compute_dtype(result)).fn != nullptr;
}

}  // namespace tw
