// Plans and runs reductions.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "core/kernels/map.h"
#include "core/kernels/reduce.h"
#include "core/kernels/reduce/arg_plan.h"
#include "core/kernels/reduce/combine.h"
#include "core/kernels/reduce/levels.h"

namespace tw {
namespace {

constexpr size_t kMaxOperands = 62;        // of a tape after a reduction
constexpr int64_t kTapeBytes = 16 << 10;   // of values that a tape has computed, combined while in cache
constexpr int64_t kPieceBytes = 32 << 10;  // of the columns combined at once
constexpr int64_t kFoldedBytes = 4 << 10;  // shorter rows that follow each other are treated as one of this size,
constexpr int64_t kNarrowBytes = 512;      // and of a whole number of vectors where the rows are short themselves
constexpr double kNsPerByte = 0.08;        // reading, one thread

// The space as blocks of [reduce] or [reduce, inner], with alternately kept and reduced dimensions around them.
struct Geometry {
  struct Outer {
    int64_t size;
    bool reduced;
    int64_t out_stride;
  };
  std::vector<Outer> outer;
  int64_t outer_count = 1;
  int64_t reduce = 1, inner = 1;  // inner is 1 in the [reduce] form
  int64_t out_count = 1;

  // Where block o begins in the output.
  int64_t out_base(int64_t o) const {
    int64_t base = 0;
    for (size_t i = outer.size(); i-- > 0;) {
      base += o % outer[i].size * outer[i].out_stride;
      o /= outer[i].size;
    }
    return base;
  }
};

Geometry geometry_of(const Shape& space, std::span<const int> axes) {
  struct Group {
    int64_t size;
    bool reduced;
  };
  std::vector<Group> groups;
  for (int i = 0; i < space.rank(); ++i) {
    const bool reduced = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (space[i] == 1) continue;
    if (!groups.empty() && groups.back().reduced == reduced) {
      groups.back().size *= space[i];
    } else {
      groups.push_back({space[i], reduced});
    }
  }
  Geometry g;
  if (!groups.empty() && !groups.back().reduced) {
    g.inner = groups.back().size;
    groups.pop_back();
  }
  if (!groups.empty()) {  // what remains ends with a reduced group
    g.reduce = groups.back().size;
    groups.pop_back();
  }
  int64_t stride = g.inner;
  for (size_t i = groups.size(); i-- > 0;) {
    g.outer.insert(g.outer.begin(), {groups[i].size, groups[i].reduced, groups[i].reduced ? 0 : stride});
    if (!groups[i].reduced) stride *= groups[i].size;
    g.outer_count *= groups[i].size;
  }
  g.out_count = stride;
  return g;
}

// What one thread does: a box of blocks, rows and columns.
struct Part {
  int64_t outer_begin, outer_end, reduce_begin, reduce_end, inner_begin, inner_end;
};
enum class Split : uint8_t { kOuter, kColumns, kRows, kBlocks };  // the last two need an accumulator for each part

int64_t share(int64_t n, int64_t i, int64_t parts) { return n / parts * i + std::min(i, n % parts); }

struct Values {
  const void* const* inputs;
  std::atomic<const char*>* failure;  // of the pre tape
};

class Plan final : public ReducePlan {
 public:
  static Result<std::unique_ptr<ReducePlan>> make(const ReduceSpec& spec, int threads) {
    auto plan = std::unique_ptr<Plan>(new Plan);
    TW_RETURN_IF_ERROR(plan->init(spec, threads));
    return std::unique_ptr<ReducePlan>(std::move(plan));
  }

  Status run(const void* const* inputs, void* const* outputs, void* workspace, WorkerPool& pool) const override {
    if (g_.out_count == 0) return {};
    std::atomic<const char*> failure{nullptr};
    const Values values{inputs, &failure};
    char* acc = static_cast<char*>(in_output_ ? outputs[0] : workspace);
    char* others = static_cast<char*>(workspace) + (in_output_ ? 0 : acc_bytes_);
    char* const scratch = static_cast<char*>(workspace) + workspace_ - static_cast<size_t>(parts_) * scratch_bytes_;
    if (parts_ == 1) {
      fns_.identity(acc, g_.out_count);
      run_part(values, part(0), acc, scratch);
    } else {
      const bool shared = split_ == Split::kOuter || split_ == Split::kColumns;
      if (shared) fns_.identity(acc, g_.out_count);
      pool.parallel_for(parts_, 1, [&](int64_t b, int64_t e) {
        for (int64_t p = b; p < e; ++p) {
          char* mine = shared || p == 0 ? acc : others + (p - 1) * static_cast<int64_t>(acc_bytes_);
          if (!shared) fns_.identity(mine, g_.out_count);
          run_part(values, part(p), mine, scratch + static_cast<size_t>(p) * scratch_bytes_);
        }
      });
      // In the order of the parts, so that the result does not depend on which thread was first.
      for (int64_t p = 1; p < parts_ && !shared; ++p) {
        fns_.columns(others + (p - 1) * static_cast<int64_t>(acc_bytes_), 1, 0, g_.out_count, acc, false);
      }
    }
    if (scale_ != 1) fns_.scale(acc, g_.out_count, scale_);
    if (const char* f = failure.load(std::memory_order_relaxed)) return invalid_argument(f);
    if (post_ == nullptr) return {};
    std::array<const void*, kMaxOperands + 1> in;
    in[0] = acc;
    std::copy_n(inputs + num_inputs_, num_operands_, in.begin() + 1);
    return post_->run(in.data(), outputs, pool);
  }

  size_t workspace_bytes() const override { return workspace_; }
  double flops() const override { return flops_; }

 private:
  Plan() = default;

  Status init(const ReduceSpec& spec, int threads) {
    for (int axis : spec.axes) {
      if (axis < 0 || axis >= spec.space.rank()) {
        return invalid_argument("Invalid reduction dimension ", axis, " for input with ", spec.space.rank(),
                                " dimensions.");
      }
    }
    const bool short_float = spec.dtype == DType::kHalf || spec.dtype == DType::kBfloat16;
    const DType acc_dtype = short_float ? DType::kFloat : spec.dtype;
    fns_ = find_combine(spec.op, acc_dtype);
    if (fns_.element_size == 0)
      return unimplemented("the reduce engine has no such reduction of ", dtype_name(spec.dtype));
    from_ = fns_;
    from_size_ = static_cast<int64_t>(fns_.element_size);
    g_ = geometry_of(spec.space, spec.axes);
    scale_ = spec.scale;
    const int64_t count = spec.space.num_elements();

    Tape pre = spec.pre;
    if (pre.inputs.empty()) {
      if (spec.shapes.size() != 1) return invalid_argument("a reduction without a tape has one input");
      const CombineFns widening = short_float ? find_widening(spec.op, spec.dtype) : CombineFns{};
      if (widening.element_size != 0 && spec.shapes[0] == spec.space) {
        from_ = widening;
        from_size_ = static_cast<int64_t>(dtype_size(spec.dtype));
      } else if (short_float || !(spec.shapes[0] == spec.space)) {
        pre.add_input(spec.dtype);
        pre.outputs = {0};
      }
    }
    double ns = 0;
    if (!pre.inputs.empty()) {
      if (pre.outputs.size() != 1) return invalid_argument("a tape before a reduction has one output");
      const uint16_t value = pre.outputs[0];
      if (pre.value_dtype(value) != spec.dtype) {
        return invalid_argument("the tape gives ", dtype_name(pre.value_dtype(value)), ", the reduction takes ",
                                dtype_name(spec.dtype));
      }
      if (short_float) pre.outputs[0] = pre.emit(MicroOp::k_cast, DType::kFloat, value);
      TW_ASSIGN_OR_RETURN(pre_, plan_map(pre, spec.shapes, spec.space));
      flops_ += pre_->flops();
      ns += pre_->flops() * 0.15;
    }
    flops_ += static_cast<double>(count);
    ns += static_cast<double>(count) * static_cast<double>(from_size_) * kNsPerByte;
    far_ = count * from_size_ >= kFarBytes;

    Tape post = spec.post;
    if (post.inputs.empty() && short_float) {
      post.add_input(DType::kFloat);
      post.outputs = {post.emit(MicroOp::k_cast, spec.dtype, 0)};
    } else if (!post.inputs.empty() && short_float) {
      // The tape takes the dtype reduced; it gets the float accumulator by way of a cast.
      Tape narrow;
      narrow.add_input(DType::kFloat);
      narrow.outputs = {narrow.emit(MicroOp::k_cast, spec.dtype, 0)};
      post = concatenate(narrow, 0, post, 0, false);
    }
    in_output_ = post.inputs.empty();
    if (!in_output_) {
      if (post.inputs.size() != spec.operands.size() + 1 || spec.operands.size() > kMaxOperands) {
        return invalid_argument("a tape after a reduction takes its result and at most ", kMaxOperands,
                                " operands; there are ", spec.operands.size(), " for ", post.to_string());
      }
      Shape result{g_.out_count};
      if (!spec.operands.empty()) result = result_shape(spec);
      std::vector<Shape> shapes{result};
      shapes.insert(shapes.end(), spec.operands.begin(), spec.operands.end());
      TW_ASSIGN_OR_RETURN(post_, plan_map(post, shapes, result));
      num_inputs_ = spec.shapes.size();
      num_operands_ = spec.operands.size();
      flops_ += post_->flops();
    }

    acc_bytes_ = (static_cast<size_t>(g_.out_count) * fns_.element_size + 63) / 64 * 64;
    choose_split(std::clamp<int64_t>(static_cast<int64_t>(ns / 20000), 1, std::max(threads, 1)));
    const bool private_parts = split_ == Split::kRows || split_ == Split::kBlocks;
    workspace_ = acc_bytes_ * ((in_output_ ? 0 : 1) + (private_parts ? static_cast<size_t>(parts_ - 1) : 0));
    choose_width();
    workspace_ += scratch_bytes_ * static_cast<size_t>(parts_);
    return {};
  }

  static Shape result_shape(const ReduceSpec& spec) {
    Shape result;
    for (int i = 0; i < spec.space.rank(); ++i) {
      const bool reduced = std::find(spec.axes.begin(), spec.axes.end(), i) != spec.axes.end();
      if (!reduced) result.add_dim(spec.space[i]);
      else if (spec.keep_dims) result.add_dim(1);
    }
    return result;
  }

  void choose_split(int64_t parts) {
    parts_ = parts;
    const bool independent = g_.outer.size() == 1 && !g_.outer[0].reduced;
    if (parts == 1 || (independent && g_.outer_count >= parts)) {
      split_ = Split::kOuter;
    } else if (g_.inner >= parts * 512) {
      split_ = Split::kColumns;
    } else if (acc_bytes_ * static_cast<size_t>(parts) > (size_t{4} << 20)) {
      // Accumulators for each part would cost more than the threads save.
      parts_ = 1;
      split_ = Split::kOuter;
    } else {
      split_ = g_.reduce >= g_.outer_count ? Split::kRows : Split::kBlocks;
      parts_ = std::min(parts, std::max<int64_t>(1, split_ == Split::kRows ? g_.reduce : g_.outer_count));
    }
  }

  // How many columns are combined at once, and what that takes.
  void choose_width() {
    if (g_.inner <= 1) return;
    const int64_t row = g_.inner * size();
    fold_ = (kFoldedBytes + row - 1) / row;
    const int64_t unit = row < kNarrowBytes ? std::min<int64_t>(64 / size(), 16) : 1;
    fold_ = (fold_ + unit - 1) / unit * unit;
    while (fold_ > 1 && g_.reduce < 2 * fold_) fold_ /= 2;
    width_ = fold_ > 1 ? fold_ * g_.inner : std::min(g_.inner, (pre_ == nullptr ? kPieceBytes : kTapeBytes) / size());
    const int64_t sums = (fns_.rounds ? Levels::kLevels : 0) + (fold_ > 1 ? 1 : 0);
    scratch_bytes_ = static_cast<size_t>((sums * width_ * size() + 63) / 64 * 64);
  }

  Part part(int64_t p) const {
    Part out{0, g_.outer_count, 0, g_.reduce, 0, g_.inner};
    const auto cut = [&](int64_t n, int64_t* begin, int64_t* end) {
      *begin = share(n, p, parts_);
      *end = share(n, p + 1, parts_);
    };
    switch (split_) {
      case Split::kOuter:
      case Split::kBlocks: cut(g_.outer_count, &out.outer_begin, &out.outer_end); break;
      case Split::kColumns: cut(g_.inner, &out.inner_begin, &out.inner_end); break;
      case Split::kRows: cut(g_.reduce, &out.reduce_begin, &out.reduce_end); break;
    }
    return out;
  }

  // Values [begin, begin + n) of the space, in the buffer of kTapeBytes unless they are the input itself.
  const char* values(const Values& v, int64_t begin, int64_t n, void* buffer) const {
    if (pre_ == nullptr) return static_cast<const char*>(v.inputs[0]) + begin * from_size_;
    const Status s = pre_->run_block(v.inputs, &buffer, begin, n);
    // The only failure a tape has; the message must outlive the status.
    if (!s.ok()) {
      v.failure->store(s.message().find("power") != std::string::npos
                           ? "Integers to negative integer powers are not allowed"
                           : "Integer division by zero",
                       std::memory_order_relaxed);
    }
    return static_cast<const char*>(buffer);
  }
  int64_t size() const { return static_cast<int64_t>(fns_.element_size); }
  // Elements of a row that are combined at once.
  int64_t row_piece() const { return pre_ == nullptr ? kRowPiece : std::min(kRowPiece, kTapeBytes / size()); }

  void run_part(const Values& v, const Part& p, char* acc, char* scratch) const {
    if (p.outer_begin >= p.outer_end || p.reduce_begin >= p.reduce_end || p.inner_begin >= p.inner_end) return;
    alignas(64) char buffer[kTapeBytes];
    if (g_.inner == 1) {
      const bool whole = p.reduce_end - p.reduce_begin == g_.reduce && g_.reduce <= row_piece();
      if (whole) {
        short_rows(v, p, acc, buffer);
      } else {
        for (int64_t o = p.outer_begin; o < p.outer_end; ++o) long_row(v, p, o, acc + g_.out_base(o) * size(), buffer);
      }
      return;
    }
    for (int64_t o = p.outer_begin; o < p.outer_end; ++o) {
      block_columns(v, p, o * g_.reduce * g_.inner, acc + g_.out_base(o) * size(), buffer, scratch);
    }
  }

  // Rows that fit a piece: as many at once as do.
  void short_rows(const Values& v, const Part& p, char* acc, char* buffer) const {
    const bool consecutive = g_.outer.size() == 1 && !g_.outer[0].reduced;
    const int64_t batch = std::max<int64_t>(1, row_piece() / g_.reduce);
    for (int64_t o = p.outer_begin; o < p.outer_end; o += batch) {
      const int64_t n = std::min(batch, p.outer_end - o);
      const char* x = values(v, o * g_.reduce, n * g_.reduce, buffer);
      if (consecutive) {
        from_.rows(x, n, g_.reduce, acc + o * size());
        continue;
      }
      for (int64_t i = 0; i < n; ++i)
        from_.rows(x + i * g_.reduce * from_size_, 1, g_.reduce, acc + g_.out_base(o + i) * size());
    }
  }

  void long_row(const Values& v, const Part& p, int64_t o, char* acc, char* buffer) const {
    alignas(64) char sums[Levels::kLevels * 16];
    Levels levels(fns_, sums, 1);
    for (int64_t r = p.reduce_begin; r < p.reduce_end; r += row_piece()) {
      const int64_t n = std::min(row_piece(), p.reduce_end - r);
      from_.rows(values(v, o * g_.reduce + r, n, buffer), 1, n, levels.begin());
      levels.advance();
    }
    levels.finish(acc);
  }

  // A [reduce, inner] block that begins at element `base`, column piece by column piece.
  void block_columns(const Values& v, const Part& p, int64_t base, char* acc, char* buffer, char* scratch) const {
    const int64_t rows = p.reduce_end - p.reduce_begin, begin = base + p.reduce_begin * g_.inner;
    if (fold_ > 1 && rows >= 2 * fold_ && p.inner_end - p.inner_begin == g_.inner) {
      const int64_t long_rows = rows / fold_;
      fns_.identity(scratch, width_);
      sum_columns(v, begin, long_rows, width_, width_, scratch, buffer, scratch + width_ * size());
      fns_.columns(scratch, fold_, g_.inner, g_.inner, acc, false);
      combine_rows(v, begin + long_rows * width_, rows % fold_, g_.inner, g_.inner, acc, buffer);
      return;
    }
    for (int64_t c = p.inner_begin; c < p.inner_end; c += width_) {
      sum_columns(v, begin + c, rows, g_.inner, std::min(width_, p.inner_end - c), acc + c * size(), buffer, scratch);
    }
  }

  // `rows` rows of n columns from element `begin` on, `stride` elements apart, into acc; `sums` has room for Levels.
  void sum_columns(const Values& v, int64_t begin, int64_t rows, int64_t stride, int64_t n, char* acc, char* buffer,
                   char* sums) const {
    if (!fns_.rounds || rows <= Levels::kRows) return combine_rows(v, begin, rows, stride, n, acc, buffer);
    Levels levels(fns_, sums, n);
    for (int64_t r = 0; r < rows; r += Levels::kRows) {
      combine_rows(v, begin + r * stride, std::min(Levels::kRows, rows - r), stride, n, levels.begin(), buffer);
      levels.advance();
    }
    levels.finish(acc);
  }

  void combine_rows(const Values& v, int64_t begin, int64_t rows, int64_t stride, int64_t n, char* acc,
                    char* buffer) const {
    if (pre_ == nullptr) return from_.columns(values(v, begin, rows * n, buffer), rows, stride, n, acc, far_);
    int64_t batch = n == stride ? std::max<int64_t>(1, kTapeBytes / size() / n) : 1;
    if (batch > 8) batch -= batch % 8;  // whole trees
    for (int64_t r = 0; r < rows; r += batch) {
      const int64_t count = std::min(batch, rows - r);
      from_.columns(values(v, begin + r * stride, count * n, buffer), count, n, n, acc, false);
    }
  }

  CombineFns fns_;   // of accumulators
  CombineFns from_;  // of values into accumulators
  int64_t from_size_ = 0;
  bool far_ = false;  // the values fit no cache
  Geometry g_;
  std::shared_ptr<const MapPlan> pre_, post_;
  double scale_ = 1, flops_ = 0;
  bool in_output_ = true;  // the accumulators are output 0
  size_t num_inputs_ = 0, num_operands_ = 0;
  Split split_ = Split::kOuter;
  int64_t parts_ = 1;
  int64_t fold_ = 1, width_ = 0;  // rows treated as one, and columns combined at once
  size_t acc_bytes_ = 0, scratch_bytes_ = 0, workspace_ = 0;
};

}  // namespace

Result<std::unique_ptr<ReducePlan>> plan_reduce(const ReduceSpec& spec, int threads) {
  if (spec.op == ReduceOp::kArgMax || spec.op == ReduceOp::kArgMin) return plan_arg_reduce(spec);
  return Plan::make(spec, threads);
}

}  // namespace tw
