// Plans and runs lowered tapes.
#include "core/kernels/map.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <numeric>
#include <optional>

#include "core/kernels/map/index_space.h"
#include "core/kernels/map/link_rows.h"
#include "core/kernels/map/lower.h"
#include "core/kernels/move/stream_copy.h"
#include "core/platform/memo.h"

namespace tw {
namespace {

// Block buffers of one range live on the stack and should stay in L1.
constexpr size_t kScratchBytes = 36 * 1024;
// Buffers lie a few cache lines further apart than they are long: at distances of a page they would meet in the same
// sets of the cache, and loads would wait for stores to other buffers.
constexpr size_t kStagger = 3 * 64;
constexpr int64_t kMinBlock = 32;
constexpr int kMaxSlots = 512;
constexpr size_t kMaxChopped = 64;  // expanded operands of a plan whose blocks are cut at the ends of rows
// A repeated row up to this length is laid out once and read at shifted positions; from kLongRow on blocks are cut at
// the ends of rows, so that rows are read in place.
constexpr int64_t kMaxPeriod = 255;
constexpr int64_t kLongRow = 256;
constexpr double kNsPerByte = 0.06;  // of memory traffic, one thread

struct Operand {
  InputKind kind = InputKind::kDirect;
  bool periodic = false;
  uint16_t slot = 0;
  uint16_t chopped = 0;  // its place in a cursor
  size_t element_size = 0;
  size_t scratch = 0;  // where its buffer begins
  OperandStrides strides{};
};

// An instruction as it is run; what a loop of its own needs lies together.
struct Run {
  BlockFn fn;
  CheckFn check;
  const char* check_message;
  const LoweredInst* links;  // instead of fn, or null
  uint16_t args[3] = {}, out = 0;
};

class Plan final : public MapPlan {
 public:
  static Result<std::shared_ptr<const MapPlan>> make(const Tape& tape, std::span<const Shape> shapes,
                                                     const Shape& space) {
    if (shapes.size() != tape.inputs.size()) {
      return invalid_argument("a tape of ", tape.inputs.size(), " inputs got ", shapes.size(), " shapes");
    }
    auto plan = std::shared_ptr<Plan>(new Plan);
    TW_RETURN_IF_ERROR(plan->init(tape, shapes, space));
    return std::shared_ptr<const MapPlan>(std::move(plan));
  }

  Status run(const void* const* inputs, void* const* outputs, WorkerPool& pool) const override {
    const uint64_t stream = large_ == 0 ? 0 : apart(inputs, outputs);
    if (count_ <= grain_ || pool.threads() == 1) return run_range(inputs, outputs, 0, count_, 0, stream);
    std::atomic<const char*> failure{nullptr};
    // Ranges begin at whole blocks, so that no two threads write one cache line.
    pool.parallel_for((count_ + block_ - 1) / block_, (grain_ + block_ - 1) / block_, [&](int64_t b, int64_t e) {
      const char* f = eval(inputs, outputs, b * block_, std::min(e * block_, count_), 0, stream);
      if (f != nullptr) failure.store(f, std::memory_order_relaxed);
    });
    const char* f = failure.load(std::memory_order_relaxed);
    return f == nullptr ? Status() : invalid_argument(f);
  }

  Status run_block(const void* const* inputs, void* const* outputs, int64_t begin, int64_t count) const override {
    return run_range(inputs, outputs, begin, begin + count, begin, 0);
  }

  void run_part(const void* const* inputs, void* const* outputs, int64_t begin, int64_t end,
                uint64_t stream) const override {
    eval(inputs, outputs, begin, end, 0, stream & large_);
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
    TW_ASSIGN_OR_RETURN(const std::shared_ptr<const LoweredTape> lowered, lower(tape, kinds, count_));
    tape_ = *lowered;
    std::vector<OperandStrides> strides;
    space_ = collapse(space, expanded, &strides);
    chop_ = !expanded.empty() && expanded.size() <= kMaxChopped && space_.inner() >= kLongRow;

    inputs_.resize(kinds.size());
    size_t next = 0;
    for (size_t i = 0; i < kinds.size(); ++i) {
      Operand& o = inputs_[i];
      o.kind = kinds[i];
      o.element_size = dtype_size(tape.inputs[i]);
      if (o.kind != InputKind::kExpanded) continue;
      o.chopped = static_cast<uint16_t>(next);
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
    for (size_t s = 0; s < tape_.slots.size(); ++s) {
      const Slot& slot = tape_.slots[s];
      if (slot.kind == Slot::Kind::kOutput && slot.index < 64 && count_ * slot.element_size >= kStreamBytes) {
        large_ |= uint64_t{1} << slot.index;
      }
    }
    const bool alone = tape_.body.size() == 1 && tape_.body[0].linked() && tape_.buffers == 0 && tape_.flushes.empty();
    unblocked_ = alone && expanded.empty();
    by_rows_ = alone && chop_ && space_.rank == 2;
    find_wide();
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
    // Links alone take any number of elements at once.
    for (const LoweredInst& inst : tape_.uniform) uniform_.push_back(as_run(inst));
    for (const LoweredInst& inst : tape_.body) body_.push_back(as_run(inst));
    single_ = all_direct && tape_.body.size() == 1 && !tape_.body[0].linked() && tape_.constants.empty() &&
              tape_.flushes.empty();
    if (single_) {
      for (size_t k = 0; k < 3; ++k) single_args_[k] = tape_.slots[body_[0].args[k]].index;
    }
    return {};
  }

  // Values that are the same for every element fill a whole block only where something else than links reads them.
  void find_wide() {
    wide_.assign(tape_.slots.size(), false);
    const auto read_by = [&](const LoweredInst& inst) {
      for (uint16_t arg : inst.args) wide_[arg] = true;
    };
    for (const LoweredInst& inst : tape_.body) {
      if (!inst.linked()) read_by(inst);
    }
    for (const auto& f : tape_.flushes) wide_[f.from] = true;
    for (size_t i = tape_.uniform.size(); i-- > 0;) {
      if (wide_[tape_.uniform[i].outs[0]]) read_by(tape_.uniform[i]);
    }
    for (size_t s = 0; s < tape_.slots.size(); ++s) {
      const Slot& slot = tape_.slots[s];
      bool repeated = tape_.repeated[s];
      if (slot.kind == Slot::Kind::kInput && inputs_[slot.index].kind == InputKind::kExpanded) {
        repeated = chop_ && inputs_[slot.index].strides[static_cast<size_t>(space_.rank - 1)] == 0;
      }
      steps_.push_back(repeated ? 0 : slot.element_size);
    }
    std::vector<bool> read(tape_.slots.size(), false);
    for (const LoweredInst& inst : tape_.body) {
      for (uint16_t arg : inst.args) read[arg] = true;
    }
    std::vector<size_t> steps;
    for (LoweredInst& inst : tape_.body) {
      if (!inst.linked()) continue;
      steps.clear();
      for (uint16_t arg : inst.args) steps.push_back(steps_[arg]);
      inst.code = compile_links(inst.links, steps, 0);
      uint64_t streams = 0;
      for (size_t k = 0; k < inst.outs.size(); ++k) {
        const uint64_t bit = large_bit(inst.outs[k]);
        // Blocks that are cut at the ends of rows begin anywhere, and what is read again should stay in the cache.
        if (bit == 0 || (chop_ && !by_rows_) || read[inst.outs[k]]) continue;
        streams |= uint64_t{1} << k;
        direct_ |= bit;
      }
      if (streams != 0) inst.streaming = compile_links(inst.links, steps, streams);
    }
  }
  // The bit of the slot's output, if that is larger than the caches and of floats.
  uint64_t large_bit(uint16_t s) const {
    const Slot& slot = tape_.slots[s];
    if (slot.kind != Slot::Kind::kOutput || slot.index >= 64 || slot.element_size != sizeof(float)) return 0;
    return large_ & (uint64_t{1} << slot.index);
  }
  // How many elements of a repeated value are laid out for a block of n.
  int64_t laid_out(size_t slot, int64_t n) const {
    if (!tape_.links) return n;
    const auto least = static_cast<int64_t>(kRepeated);
    return wide_[slot] ? std::max(n, least) : least;
  }

  // Finds where each buffer begins in the scratch memory; returns how much of it they take. Buffers hold a block,
  // periodic inputs a period more, and values that repeat and only links read a vector.
  size_t lay_out() {
    size_t at = static_cast<size_t>(tape_.buffers) * step();
    const auto place = [&](size_t bytes) { return std::exchange(at, at + (bytes + 63) / 64 * 64); };
    const auto repeated_bytes = [&](size_t slot) {
      return tape_.links && !wide_[slot] ? kRepeated * tape_.slots[slot].element_size : step();
    };
    constants_.clear();
    for (size_t s = 0; s < tape_.slots.size(); ++s) {
      if (tape_.slots[s].kind == Slot::Kind::kConstant) constants_.push_back(place(repeated_bytes(s)));
    }
    for (Operand& o : inputs_) {
      if (o.kind == InputKind::kDirect) continue;
      const size_t period = o.periodic ? static_cast<size_t>(space_.inner()) * o.element_size : 0;
      o.scratch = place(o.kind == InputKind::kUniform ? repeated_bytes(o.slot) : step() + period);
    }
    stream_scratch_ = at;
    return at + static_cast<size_t>(std::popcount(large_)) * step();
  }

  Status choose_block() {
    block_ = kMapBlock;
    while (block_ > kMinBlock && lay_out() > kScratchBytes) block_ /= 2;
    if (lay_out() > kScratchBytes) {
      return unimplemented("a tape that needs ", lay_out(), " bytes of buffers is larger than the map engine takes");
    }
    // Blocks of whole periods begin at the same phase, and where whole vectors do.
    for (const Operand& o : inputs_) {
      const int64_t whole = o.periodic ? std::lcm(space_.inner(), int64_t{kRepeated}) : 1;
      if (whole <= block_) block_ = block_ / whole * whole;
    }
    lay_out();
    return {};
  }

  size_t step() const { return static_cast<size_t>(block_) * tape_.width + kStagger; }

  Status run_range(const void* const* inputs, void* const* outputs, int64_t begin, int64_t end, int64_t origin,
                   uint64_t stream) const {
    const char* f = eval(inputs, outputs, begin, end, origin, stream);
    return f == nullptr ? Status() : invalid_argument(f);
  }

  // The large outputs that are no input's memory, whose lines are in the cache when they are written.
  uint64_t apart(const void* const* inputs, void* const* outputs) const {
    uint64_t mask = large_;
    for (size_t k = 0; k < 64; ++k) {
      if (((mask >> k) & 1) == 0) continue;
      if (std::find(inputs, inputs + inputs_.size(), outputs[k]) != inputs + inputs_.size())
        mask &= ~(uint64_t{1} << k);
    }
    return mask;
  }

  static const void* at(const void* base, int64_t i, size_t size) {
    return static_cast<const char*>(base) + i * static_cast<int64_t>(size);
  }

  // Elements [begin, end); outputs begin at element `origin`, and those of the bits of `stream` pass the caches by.
  // Returns the message of a failed check.
  const char* eval(const void* const* inputs, void* const* outputs, int64_t begin, int64_t end, int64_t origin,
                   uint64_t stream) const {
    if (begin >= end) return nullptr;
    if (single_ && stream == 0) {
      const Run& inst = body_[0];
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
    return eval_blocks(inputs, outputs, begin, end, origin, stream);
  }

  const char* eval_blocks(const void* const* inputs, void* const* outputs, int64_t begin, int64_t end, int64_t origin,
                          uint64_t stream) const {
    alignas(64) char scratch[kScratchBytes];
    char* pointers[kMaxSlots];
    // Streamed outputs are computed into buffers; those that are flushed have one already.
    struct Streamed {
      char *from, *to;
      size_t slot;
    };
    Streamed streamed[64];
    size_t num_streamed = 0;
    const size_t step = this->step();
    const int64_t fill = std::min(block_, end - begin);
    const uint64_t direct = streamed_at_once(outputs, begin - origin, stream);
    for (size_t s = 0; s < tape_.slots.size(); ++s) {
      const Slot& slot = tape_.slots[s];
      switch (slot.kind) {
        case Slot::Kind::kBuffer: pointers[s] = scratch + slot.index * step; break;
        case Slot::Kind::kConstant:
          pointers[s] = scratch + constants_[slot.index];
          splat(slot.element_size, tape_.constants[slot.index].bytes, laid_out(s, fill), pointers[s]);
          break;
        case Slot::Kind::kOutput:
          pointers[s] = static_cast<char*>(outputs[slot.index]) + (begin - origin) * slot.element_size;
          if (slot.index < 64 && (((stream & ~direct) >> slot.index) & 1) != 0 && !flushed(s)) {
            streamed[num_streamed] = {scratch + stream_scratch_ + num_streamed * step, pointers[s], s};
            pointers[s] = streamed[num_streamed++].from;
          }
          break;
        case Slot::Kind::kInput: {
          const Operand& o = inputs_[slot.index];
          if (o.kind == InputKind::kDirect) {
            pointers[s] = static_cast<char*>(const_cast<void*>(at(inputs[slot.index], begin, o.element_size)));
            break;
          }
          pointers[s] = scratch + o.scratch;
          if (o.kind == InputKind::kUniform) {
            splat(o.element_size, inputs[slot.index], laid_out(s, fill), pointers[s]);
          }
          if (o.periodic)
            expand(space_, o.strides, o.element_size, inputs[slot.index], 0, period_fill(fill, o), pointers[s]);
          break;
        }
      }
    }
    const char* failure = nullptr;
    for (const Run& inst : uniform_) {
      run_inst(inst, pointers, static_cast<size_t>(laid_out(inst.out, fill)), false, &failure);
    }
    if (by_rows_ && num_streamed == 0) {
      run_rows(inputs, pointers, begin, end, direct);
      if (stream != 0) stream_fence();
      return failure;
    }
    Cursor cursor;  // only where blocks are cut at the ends of rows
    if (chop_) start(begin, &cursor);
    for (int64_t pos = begin; pos < end;) {
      int64_t n = unblocked_ && num_streamed == 0 ? end - pos : std::min(block_, end - pos);
      if (chop_) n = std::min(n, space_.inner() - cursor.column);
      for (size_t i = 0; i < inputs_.size(); ++i) {
        const Operand& o = inputs_[i];
        if (o.kind == InputKind::kExpanded) pointers[o.slot] = expanded(i, inputs[i], pos, n, fill, scratch, &cursor);
      }
      for (const Run& inst : body_) run_inst(inst, pointers, static_cast<size_t>(n), direct != 0, &failure);
      for (const auto& f : tape_.flushes) {
        const Slot& to = tape_.slots[f.to];
        const bool past = to.index < 64 && ((stream >> to.index) & 1) != 0;
        (past ? stream_copy : copy_bytes)(pointers[f.from], pointers[f.to], static_cast<size_t>(n) * to.element_size);
      }
      for (size_t k = 0; k < num_streamed; ++k) {
        const size_t bytes = static_cast<size_t>(n) * tape_.slots[streamed[k].slot].element_size;
        stream_copy(streamed[k].from, streamed[k].to, bytes);
        streamed[k].to += bytes;
      }
      pos += n;
      if (pos == end) break;
      if (chop_) advance(n, &cursor);
      for (size_t s = 0; s < tape_.slots.size(); ++s) {
        const Slot& slot = tape_.slots[s];
        if (slot.kind == Slot::Kind::kOutput ||
            (slot.kind == Slot::Kind::kInput && inputs_[slot.index].kind == InputKind::kDirect)) {
          pointers[s] += n * slot.element_size;
        }
      }
      for (size_t k = 0; k < num_streamed; ++k) pointers[streamed[k].slot] = streamed[k].from;
    }
    if (stream != 0) stream_fence();
    return failure;
  }

  // The outputs that links write past the caches themselves: all or none. Rows may begin anywhere in their lines.
  uint64_t streamed_at_once(void* const* outputs, int64_t first, uint64_t stream) const {
    if (direct_ == 0 || (stream & direct_) != direct_) return 0;
    const int64_t begin = by_rows_ ? 0 : first * static_cast<int64_t>(sizeof(float));
    for (size_t k = 0; k < 64; ++k) {
      if (((direct_ >> k) & 1) == 0) continue;
      if (in_line(static_cast<char*>(outputs[k]) + begin) != 0) return 0;
    }
    return direct_;
  }

  static void copy_bytes(const void* from, void* to, size_t bytes) { std::memcpy(to, from, bytes); }

  bool flushed(size_t slot) const {
    return std::any_of(tape_.flushes.begin(), tape_.flushes.end(), [&](const auto& f) { return f.to == slot; });
  }

  // Where a range is in the rows of the space, kept from block to block, since finding it takes divisions.
  struct Cursor {
    int64_t column = 0;                             // in the row
    std::array<int64_t, kMaxRank> index;            // of the dimensions around the row
    std::array<int64_t, kMaxChopped> row_offset;    // of each expanded operand's row
    std::array<const void*, kMaxChopped> splatted;  // what the buffer of an operand that repeats along the row holds
  };

  void start(int64_t pos, Cursor* c) const {
    const size_t last = static_cast<size_t>(space_.rank - 1);
    c->column = pos % space_.inner();
    pos /= space_.inner();
    for (size_t k = last; k-- > 0; pos /= space_.dims[k]) c->index[k] = pos % space_.dims[k];
    for (const Operand& o : inputs_) {
      if (o.kind != InputKind::kExpanded) continue;
      c->splatted[o.chopped] = nullptr;
      c->row_offset[o.chopped] = 0;
      for (size_t k = 0; k < last; ++k) c->row_offset[o.chopped] += c->index[k] * o.strides[k];
    }
  }

  void advance(int64_t n, Cursor* c) const {
    c->column += n;
    if (c->column < space_.inner()) return;
    c->column = 0;
    size_t k = static_cast<size_t>(space_.rank - 1);
    // The dimension that goes on; those within it begin again.
    while (k-- > 0 && ++c->index[k] == space_.dims[k]) c->index[k] = 0;
    for (const Operand& o : inputs_) {
      if (o.kind != InputKind::kExpanded) continue;
      int64_t offset = 0;
      for (size_t i = 0; i + 1 < static_cast<size_t>(space_.rank); ++i) offset += c->index[i] * o.strides[i];
      c->row_offset[o.chopped] = offset;
    }
  }

  // A periodic buffer holds a block from any phase of the row.
  int64_t period_fill(int64_t fill, const Operand& o) const { return std::min(fill + space_.inner(), count_); }

  char* expanded(size_t i, const void* input, int64_t pos, int64_t n, int64_t fill, char* scratch,
                 Cursor* cursor) const {
    const Operand& o = inputs_[i];
    char* buffer = scratch + o.scratch;
    if (o.periodic) return buffer + pos % space_.inner() * static_cast<int64_t>(o.element_size);
    if (!chop_) {
      expand(space_, o.strides, o.element_size, input, pos, n, buffer);
      return buffer;
    }
    const int64_t stride = o.strides[static_cast<size_t>(space_.rank - 1)];
    const void* from = at(input, cursor->row_offset[o.chopped] + cursor->column * stride, o.element_size);
    if (stride != 0) return static_cast<char*>(const_cast<void*>(from));
    if (cursor->splatted[o.chopped] != from) {
      splat(o.element_size, from, laid_out(o.slot, std::min(fill, space_.inner())), buffer);
      cursor->splatted[o.chopped] = from;
    }
    return buffer;
  }

  // Elements [begin, end) of a program of links whose operands are laid out but for those that change from row to row:
  // a row at a time, which takes little more than its links do. `pointers` are those of element `begin`.
  // Of the outputs, those of the bits of `direct` pass the caches by.
  void run_rows(const void* const* inputs, char* const* pointers, int64_t begin, int64_t end, uint64_t direct) const {
    const LoweredInst& inst = tape_.body[0];
    struct Source {
      char* data;
      const char* expanded;  // where it begins, of an operand that broadcasts to the space
      size_t per_row, per_element, size;
    };
    Source sources[kMaxLinkOperands];
    LinkOperands operands;
    size_t count = 0;
    for (const std::vector<uint16_t>* slots : {&inst.args, &inst.outs}) {
      for (uint16_t s : *slots) {
        const Slot& slot = tape_.slots[s];
        Source& source = sources[count];
        source = {pointers[s], nullptr, 0, steps_[s], slot.element_size};
        operands.step[count++] = steps_[s];
        if (slot.kind != Slot::Kind::kInput || inputs_[slot.index].kind != InputKind::kExpanded) continue;
        source.expanded = static_cast<const char*>(inputs[slot.index]);
        source.per_row = static_cast<size_t>(inputs_[slot.index].strides[0]) * slot.element_size;
      }
    }
    std::optional<LinkRows> past;
    if (direct != 0) past.emplace(inst.code, inst.streaming);
    const int64_t inner = space_.inner();
    int64_t row = begin / inner, column = begin % inner;
    for (int64_t pos = begin; pos < end;) {
      const int64_t n = std::min(inner - column, end - pos);
      for (size_t k = 0; k < count; ++k) {
        const Source& s = sources[k];
        operands.data[k] = s.data;
        if (s.expanded == nullptr) {
          operands.data[k] += static_cast<size_t>(pos - begin) * s.per_element;
          continue;
        }
        const char* from = s.expanded + static_cast<size_t>(row) * s.per_row;
        if (s.per_element == 0) splat(s.size, from, kRepeated, s.data);
        else operands.data[k] = const_cast<char*>(from) + static_cast<size_t>(column) * s.per_element;
      }
      if (past.has_value()) {
        constexpr int64_t kLine = kLineBytes / static_cast<int64_t>(sizeof(float));
        const int64_t head = (kLine - pos % kLine) % kLine;
        past->run(operands, static_cast<size_t>(head), static_cast<size_t>(n));
      } else {
        run_links(inst.code, operands, static_cast<size_t>(n));
      }
      pos += n;
      column = 0;
      ++row;
    }
    if (past.has_value()) past->finish();
  }

  static Run as_run(const LoweredInst& inst) {
    Run run{inst.fn, inst.check, inst.check_message, nullptr};
    if (inst.linked()) run.links = &inst;
    else std::copy_n(inst.args.begin(), 3, run.args);
    run.out = inst.outs[0];
    return run;
  }

  void run_inst(const Run& inst, char* const* pointers, size_t n, bool streams, const char** failure) const {
    if (inst.links != nullptr) return run_program(*inst.links, pointers, n, streams);
    const void* b = pointers[inst.args[1]];
    if (inst.check != nullptr && inst.check(b, n)) *failure = inst.check_message;
    inst.fn(pointers[inst.args[0]], b, pointers[inst.args[2]], pointers[inst.out], n);
  }

  void run_program(const LoweredInst& inst, char* const* pointers, size_t n, bool streams) const {
    LinkOperands operands;
    size_t next = 0;
    for (const std::vector<uint16_t>* slots : {&inst.args, &inst.outs}) {
      for (uint16_t slot : *slots) {
        operands.data[next] = pointers[slot];
        operands.step[next++] = steps_[slot];
      }
    }
    run_links(streams && !inst.streaming.steps.empty() ? inst.streaming : inst.code, operands, n);
  }

  LoweredTape tape_;
  IndexSpace space_;
  std::vector<Operand> inputs_;
  int64_t count_ = 0, block_ = kMapBlock, grain_ = 1;
  uint64_t large_ = 0;             // bit k: output k is larger than the caches
  uint64_t direct_ = 0;            // those of them that links write past the caches
  size_t stream_scratch_ = 0;      // where the buffers of such outputs begin
  std::vector<size_t> constants_;  // where each constant is laid out
  std::vector<bool> wide_;         // per slot: laid out for a whole block, if the same for every element
  std::vector<size_t> steps_;      // per slot: bytes from element to element, 0 for such values
  bool chop_ = false;
  bool unblocked_ = false;           // one instruction of links, no buffers, no operand that broadcasts
  bool by_rows_ = false;             // the same with operands that broadcast along rows or columns of a matrix
  bool single_ = false;              // one instruction on direct inputs: no buffers at all
  std::vector<Run> body_, uniform_;  // of the tape
  uint16_t single_args_[3] = {};
};

}  // namespace

Result<std::shared_ptr<const MapPlan>> plan_map(const Tape& tape, std::span<const Shape> shapes, const Shape& space) {
  static Memo<MapPlan> plans(512);  // of a few kilobytes each
  std::string key;
  const auto add_shape = [&](const Shape& s) {
    add_to_key(&key, s.rank());
    for (int64_t d : s.dims()) add_to_key(&key, d);
  };
  add_to_key(&key, tape);
  add_shape(space);
  for (const Shape& s : shapes) add_shape(s);
  return plans.get(std::move(key), [&] { return Plan::make(tape, shapes, space); });
}

bool map_supports(MicroOp op, DType operand, DType result) {
  if (!is_plain(operand) || !is_plain(result)) return false;
  return find_micro_op(op, compute_dtype(operand), compute_dtype(result)).fn != nullptr;
}

}  // namespace tw
