// Plans and runs chains of reductions along rows.
#include <algorithm>
#include <optional>

#include "core/kernels/map.h"
#include "core/kernels/reduce/combine.h"
#include "core/kernels/reduce/levels.h"
#include "core/kernels/rows.h"
#include "core/platform/cpu.h"

namespace tw {
namespace {

// What the values of a few rows may take together: a part of the second-level cache, and enough elements that starting
// a stage costs little beside them.
size_t block_bytes() {
  constexpr int64_t kLeast = 128 << 10;
  return static_cast<size_t>(std::max(kLeast, second_level_cache_bytes() * 3 / 8));
}
constexpr double kNsPerByte = 0.08;  // of inputs and outputs, one thread
constexpr size_t kMaxOperands = 64;  // and results of a stage
constexpr size_t kMaxColumnSums = 8;

// memory + bytes for memory that begins `bytes` further on than the rows do that it holds.
char* shifted(char* memory, int64_t bytes) {
  return reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(memory) - static_cast<uintptr_t>(bytes));
}

struct Value {
  enum class Home : uint8_t { kInput, kOutput, kScratch, kColumns };
  Home home = Home::kInput;
  bool per_row = false;      // a number per row; of an input, any that is not read as elements
  size_t at = 0;             // of the input or output; where in the scratch memory of a part
  size_t size = 0;           // bytes of an element
  int64_t row = 0;           // elements per row; 0 where the input repeats
  int made = -1, last = -1;  // stages
};

struct Stage {
  RowsStage::Kind kind;
  std::shared_ptr<const MapPlan> map;
  CombineFns fns;
  double scale = 1;
  size_t first_value = 0, values = 0;  // results
  std::vector<int> operands;
  size_t sum = 0, levels = 0, totals = 0;  // of kColumnSum: its number, and places in a part's memory
};

ReduceOp reduce_op(RowsStage::Kind k) {
  switch (k) {
    case RowsStage::Kind::kProd: return ReduceOp::kProd;
    case RowsStage::Kind::kMax: return ReduceOp::kMax;
    case RowsStage::Kind::kMin: return ReduceOp::kMin;
    default: return ReduceOp::kSum;
  }
}

class Plan final : public RowsPlan {
 public:
  static Result<std::unique_ptr<RowsPlan>> make(const RowsSpec& spec, int threads) {
    auto plan = std::unique_ptr<Plan>(new Plan);
    TW_RETURN_IF_ERROR(plan->init(spec, threads));
    return std::unique_ptr<RowsPlan>(std::move(plan));
  }

  Status run(const void* const* inputs, void* const* outputs, void* workspace, WorkerPool& pool) const override {
    char* const memory = static_cast<char*>(workspace);
    pool.parallel_for(parts_, 1, [&](int64_t b, int64_t e) {
      for (int64_t p = b; p < e; ++p) run_part(inputs, outputs, memory + static_cast<size_t>(p) * part_bytes_, p);
    });
    // In the order of the parts, so that the result does not depend on which thread was first.
    for (const Stage& s : stages_) {
      if (s.kind != RowsStage::Kind::kColumnSum) continue;
      char* to = static_cast<char*>(outputs[values_[s.first_value].at]);
      s.fns.identity(to, columns_);
      for (int64_t p = 0; p < parts_; ++p) {
        s.fns.columns(memory + static_cast<size_t>(p) * part_bytes_ + s.totals, 1, 0, columns_, to, false);
      }
    }
    return {};
  }

  size_t workspace_bytes() const override { return part_bytes_ * static_cast<size_t>(parts_); }
  double flops() const override { return flops_; }

  bool may_share(int in, int out) const override {
    const Value& input = values_[static_cast<size_t>(in)];
    for (size_t v = num_inputs_; v < values_.size(); ++v) {
      const Value& output = values_[v];
      if (output.home != Value::Home::kOutput || output.at != static_cast<size_t>(out)) continue;
      return !input.per_row && !output.per_row && input.row == columns_ && input.size == output.size &&
             input.last <= output.made && stages_[static_cast<size_t>(output.made)].kind == RowsStage::Kind::kMap;
    }
    return false;
  }

 private:
  Plan() = default;

  Status init(const RowsSpec& spec, int threads) {
    const int rank = spec.space.rank();
    if (spec.first_axis < 0 || spec.first_axis >= rank) {
      return invalid_argument("no axis ", spec.first_axis, " in the space ", spec.space);
    }
    rows_ = spec.space.product(0, spec.first_axis);
    columns_ = spec.space.product(spec.first_axis, rank);
    if (rows_ == 0 || columns_ == 0) return invalid_argument("the space ", spec.space, " has no elements");
    row_shape_ = spec.space;
    for (int i = spec.first_axis; i < rank; ++i) row_shape_.set_dim(i, 1);
    num_inputs_ = spec.shapes.size();
    std::vector<DType> types = spec.dtypes;
    std::vector<Shape> shapes = spec.shapes;
    for (size_t i = 0; i < num_inputs_; ++i) {
      Value v;
      v.at = i;
      v.size = dtype_size(types[i]);
      v.row = shapes[i].num_elements() == rows_ * columns_ ? columns_ : 0;
      values_.push_back(v);
    }
    double ns = 0;
    for (const RowsStage& s : spec.stages) {
      TW_RETURN_IF_ERROR(add_stage(spec, s, &types, &shapes, &ns));
    }
    TW_RETURN_IF_ERROR(place(spec));

    for (const Value& v : values_) {
      if (v.home != Value::Home::kScratch && v.row != 0) ns += kNsPerByte * static_cast<double>(v.size) * elements();
    }
    parts_ = std::clamp<int64_t>(static_cast<int64_t>(ns / 20000), 1, std::min<int64_t>(std::max(threads, 1), rows_));
    return {};
  }

  double elements() const { return static_cast<double>(rows_) * static_cast<double>(columns_); }

  // Plans a stage, and numbers its results.
  Status add_stage(const RowsSpec& spec, const RowsStage& s, std::vector<DType>* types, std::vector<Shape>* shapes,
                   double* ns) {
    Stage stage;
    stage.kind = s.kind;
    stage.operands = s.operands;
    stage.first_value = values_.size();
    const int number = static_cast<int>(stages_.size());
    const bool per_row = s.kind != RowsStage::Kind::kMap && s.kind != RowsStage::Kind::kColumnSum;
    std::vector<Shape> operands;
    for (int o : s.operands) {
      if (o < 0 || static_cast<size_t>(o) >= values_.size()) return invalid_argument("a stage has no operand ", o);
      Value& v = values_[static_cast<size_t>(o)];
      if (v.home == Value::Home::kColumns) return invalid_argument("a stage reads sums of columns");
      v.last = number;
      const Shape& shape = (*shapes)[static_cast<size_t>(o)];
      if (s.kind == RowsStage::Kind::kRowMap) {
        operands.push_back(shape.num_elements() == 1 ? Shape{} : Shape{rows_});
        if (shape.num_elements() != 1 && shape.num_elements() != rows_) {
          return invalid_argument("a value of shape ", shape, " is no number per row of ", spec.space);
        }
      } else {
        operands.push_back(shape);
      }
    }
    const auto result = [&](DType t) {
      Value v;
      v.home = s.kind == RowsStage::Kind::kColumnSum ? Value::Home::kColumns : Value::Home::kScratch;
      v.per_row = per_row;
      v.size = dtype_size(t);
      v.row = s.kind == RowsStage::Kind::kMap ? columns_ : per_row ? 1 : 0;
      v.made = number;
      values_.push_back(v);
      types->push_back(t);
      shapes->push_back(s.kind == RowsStage::Kind::kMap ? spec.space : row_shape_);
      ++stage.values;
    };
    if (s.has_tape()) {
      if (s.operands.size() != s.tape.inputs.size()) {
        return invalid_argument("a tape of ", s.tape.inputs.size(), " inputs got ", s.operands.size(), " operands");
      }
      for (size_t i = 0; i < s.operands.size(); ++i) {
        if ((*types)[static_cast<size_t>(s.operands[i])] != s.tape.inputs[i]) {
          return invalid_argument("input ", i, " of a tape is ", dtype_name(s.tape.inputs[i]));
        }
      }
      TW_ASSIGN_OR_RETURN(stage.map, plan_map(s.tape, operands, per_row ? Shape{rows_} : spec.space));
      if (stage.map->can_fail()) return invalid_argument("a tape that can fail is no stage of rows");
      flops_ += stage.map->flops();
      *ns += 0.1 * stage.map->flops();
      for (uint16_t o : s.tape.outputs) result(s.tape.value_dtype(o));
    } else {
      const bool squares = s.kind == RowsStage::Kind::kSquares || s.kind == RowsStage::Kind::kVariance;
      if (operands.size() != (squares ? 2 : 1) || !(operands[0] == spec.space)) {
        return invalid_argument("a reduction takes one value of the space ", spec.space);
      }
      const DType t = (*types)[static_cast<size_t>(s.operands[0])];
      if (squares) {
        const Value& center = values_[static_cast<size_t>(s.operands[1])];
        if (!center.per_row || (*types)[static_cast<size_t>(s.operands[1])] != t) {
          return invalid_argument("squares are taken around a number per row of ", dtype_name(t));
        }
      }
      stage.fns = find_combine(reduce_op(s.kind), t);
      if (stage.fns.element_size == 0 || !is_floating(t)) {
        return invalid_argument("rows of ", dtype_name(t), " are not reduced");
      }
      if (s.kind == RowsStage::Kind::kMean || s.kind == RowsStage::Kind::kVariance)
        stage.scale = 1.0 / static_cast<double>(columns_);
      if (s.kind == RowsStage::Kind::kColumnSum) stage.sum = column_sums_++;
      flops_ += elements();
      *ns += 0.03 * elements();
      result(t);
    }
    if (stage.operands.size() > kMaxOperands || stage.values > kMaxOperands || column_sums_ > kMaxColumnSums) {
      return invalid_argument("a chain of rows has more than ", kMaxOperands, " operands of a stage or ",
                              kMaxColumnSums, " sums of columns");
    }
    stages_.push_back(std::move(stage));
    return {};
  }

  // Gives outputs and scratch memory their places, and chooses how many rows are done at a time.
  Status place(const RowsSpec& spec) {
    for (size_t k = 0; k < spec.outputs.size(); ++k) {
      const size_t v = static_cast<size_t>(spec.outputs[k]);
      if (spec.outputs[k] < 0 || v >= values_.size() || values_[v].made < 0 ||
          values_[v].home == Value::Home::kOutput) {
        return invalid_argument("output ", k, " is no result of a stage, or one twice");
      }
      values_[v].home = Value::Home::kOutput;
      values_[v].at = k;
    }
    // A result's memory is free again after the stage that reads it last.
    struct Room {
      size_t size;  // bytes per row
      int free_after;
      std::vector<size_t> values;
    };
    std::vector<Room> rooms;
    size_t row_bytes = 0;
    for (size_t v = num_inputs_; v < values_.size(); ++v) {
      Value& value = values_[v];
      if (value.home == Value::Home::kColumns) return invalid_argument("sums of columns are always outputs");
      if (value.home != Value::Home::kScratch) continue;
      const size_t size = value.size * static_cast<size_t>(value.row);
      auto room = std::find_if(rooms.begin(), rooms.end(),
                               [&](const Room& r) { return r.size == size && r.free_after < value.made; });
      if (room == rooms.end()) {
        rooms.push_back({size, -1, {}});
        room = rooms.end() - 1;
        row_bytes += size;
      }
      room->free_after = std::max(value.made, value.last);
      room->values.push_back(v);
    }
    size_t moved = row_bytes;
    for (const Value& v : values_) {
      if (v.home != Value::Home::kScratch) moved += v.size * static_cast<size_t>(v.row);
    }
    block_rows_ = std::max<int64_t>(static_cast<int64_t>(block_bytes() / std::max<size_t>(moved, 1)), 1);
    // Columns are summed eight rows at a time; twice the memory is still inside the second-level cache.
    if (column_sums_ > 0 && block_rows_ >= 4) block_rows_ = (block_rows_ + 7) / 8 * 8;
    block_rows_ = std::min(block_rows_, rows_);
    size_t at = 0;
    const auto take = [&](size_t bytes) {
      const size_t begin = at;
      at += (bytes + 63) / 64 * 64;
      return begin;
    };
    for (const Room& r : rooms) {
      const size_t begin = take(r.size * static_cast<size_t>(block_rows_));
      for (size_t v : r.values) values_[v].at = begin;
    }
    for (Stage& s : stages_) {
      if (s.kind != RowsStage::Kind::kColumnSum) continue;
      const size_t bytes = static_cast<size_t>(columns_) * s.fns.element_size;
      s.levels = take(Levels::kLevels * bytes);
      s.totals = take(bytes);
    }
    part_bytes_ = at;
    return {};
  }

  // Where row 0 of a value would lie, for a block that begins at row `row`.
  char* base(const Value& v, const void* const* inputs, void* const* outputs, char* memory, int64_t row) const {
    switch (v.home) {
      case Value::Home::kInput: return static_cast<char*>(const_cast<void*>(inputs[v.at]));
      case Value::Home::kScratch: return shifted(memory + v.at, row * v.row * static_cast<int64_t>(v.size));
      default: return static_cast<char*>(outputs[v.at]);
    }
  }

  void run_part(const void* const* inputs, void* const* outputs, char* memory, int64_t p) const {
    const int64_t begin = rows_ / parts_ * p + std::min(p, rows_ % parts_);
    const int64_t end = begin + rows_ / parts_ + (p < rows_ % parts_ ? 1 : 0);
    struct Sums {
      std::optional<Levels> levels;
      int64_t rows = 0;  // added at level 0
    };
    Sums sums[kMaxColumnSums];
    for (const Stage& s : stages_) {
      if (s.kind != RowsStage::Kind::kColumnSum) continue;
      sums[s.sum].levels.emplace(s.fns, memory + s.levels, columns_);
      s.fns.identity(memory + s.totals, columns_);
    }
    for (int64_t row = begin; row < end; row += block_rows_) {
      const int64_t n = std::min(block_rows_, end - row);
      for (const Stage& s : stages_) {
        if (s.map != nullptr) {
          run_map(s, inputs, outputs, memory, row, n);
          continue;
        }
        const Value& from = values_[static_cast<size_t>(s.operands[0])];
        const int64_t size = static_cast<int64_t>(from.size);
        const char* x = base(from, inputs, outputs, memory, row) + row * columns_ * size;
        if (s.kind != RowsStage::Kind::kColumnSum) {
          char* to = base(values_[s.first_value], inputs, outputs, memory, row) + row * size;
          s.fns.identity(to, n);
          if (s.operands.size() == 2) {
            const Value& center = values_[static_cast<size_t>(s.operands[1])];
            s.fns.squares(x, base(center, inputs, outputs, memory, row) + row * size, n, columns_, to);
          } else {
            combine_rows(s.fns, x, n, columns_, to);
          }
          if (s.scale != 1) s.fns.scale(to, n, s.scale);
          continue;
        }
        Sums& sum = sums[s.sum];
        for (int64_t done = 0; done < n;) {
          const int64_t more = std::min(n - done, Levels::kRows - sum.rows);
          s.fns.columns(x + done * columns_ * size, more, columns_, columns_, sum.levels->begin(), false);
          done += more;
          sum.rows += more;
          if (sum.rows == Levels::kRows) {
            sum.levels->advance();
            sum.rows = 0;
          }
        }
      }
    }
    for (const Stage& s : stages_) {
      if (s.kind != RowsStage::Kind::kColumnSum) continue;
      if (sums[s.sum].rows > 0) sums[s.sum].levels->advance();
      sums[s.sum].levels->finish(memory + s.totals);
    }
  }

  void run_map(const Stage& s, const void* const* inputs, void* const* outputs, char* memory, int64_t row,
               int64_t n) const {
    const void* in[kMaxOperands];
    void* out[kMaxOperands];
    for (size_t i = 0; i < s.operands.size(); ++i) {
      in[i] = base(values_[static_cast<size_t>(s.operands[i])], inputs, outputs, memory, row);
    }
    uint64_t stream = 0;
    for (size_t i = 0; i < s.values; ++i) {
      const Value& v = values_[s.first_value + i];
      out[i] = base(v, inputs, outputs, memory, row);
      // Not what a later stage reads, nor what lies in an input's memory, which is in the cache.
      const bool apart = std::find(in, in + s.operands.size(), out[i]) == in + s.operands.size();
      if (v.home == Value::Home::kOutput && v.last < 0 && apart) stream |= uint64_t{1} << i;
    }
    const int64_t width = s.kind == RowsStage::Kind::kMap ? columns_ : 1;
    s.map->run_part(in, out, row * width, (row + n) * width, stream);
  }

  int64_t rows_ = 0, columns_ = 0, block_rows_ = 1, parts_ = 1;
  Shape row_shape_;  // of a number per row, as it broadcasts to the space
  size_t num_inputs_ = 0, part_bytes_ = 0;
  std::vector<Value> values_;
  std::vector<Stage> stages_;
  size_t column_sums_ = 0;
  double flops_ = 0;
};

}  // namespace

Result<std::unique_ptr<RowsPlan>> plan_rows(const RowsSpec& spec, int threads) { return Plan::make(spec, threads); }

}  // namespace tw
