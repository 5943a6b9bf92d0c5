#include "core/kernels/contract/skinny.h"

#include "core/kernels/contract/pack.h"
#include "core/kernels/contract/skinny_loops.h"
#include "core/kernels/contract/slotted_plan.h"
#include "core/kernels/contract/tasks.h"

namespace tw::contract {
namespace {

// Shorter rows cost more in adding up a vector's lanes than they save.
constexpr int64_t kMinDot = 64;
// Fewer columns are less than what a row's read is worth, in a cache and from beyond.
constexpr int64_t kMinColumns = 128, kMinFarColumns = 32;
constexpr int64_t kRereadBytes = 128 << 10;
// More vectors than the loops take at once come in groups, k in pieces.
constexpr int64_t kGroup = 6, kPieceBytes = 4096;
// Packing B takes about as long as multiplying with 16 rows, and longer where B comes from memory.
constexpr double kTapeNs = 1;  // of a short tape, per element
constexpr int64_t kMaxRowsOfA = 16, kMaxRowsFromMemory = 96;

// How the large matrix is read.
enum class Form : uint8_t {
  kNone,
  kRowsOfA,  // dot products of A's rows with the few columns of B
  kRowsOfB,  // dot products of the rows of a transposed B with the few rows of A
  kSums,     // B's rows times numbers, added up
};

Form form_of(const GemmSpec& s) {
  if (s.batch < 1 || !s.index_a.empty() || !s.index_b.empty() || s.m < 1 || s.n < 1) return Form::kNone;
  if (s.dtype != DType::kFloat && s.dtype != DType::kDouble) return Form::kNone;
  const bool ta = s.transpose_a || s.adjoint_a, tb = s.transpose_b || s.adjoint_b;
  const int64_t least = s.n == 1 || s.m == 1 ? 8 : kMinDot;
  if (s.n <= kMaxDots && !ta && s.k >= least && s.m >= s.n) return Form::kRowsOfA;
  const int64_t b_bytes = s.n * s.k * static_cast<int64_t>(dtype_size(s.dtype));
  if (s.m <= (b_bytes > kBytesFromMemory ? kMaxRowsFromMemory : kMaxRowsOfA) && tb && s.k >= least && s.n >= s.m)
    return Form::kRowsOfB;
  const int64_t least_columns = s.batch_b * b_bytes > kBytesFromMemory ? kMinFarColumns : kMinColumns;
  if (s.m <= kMaxSumsOfRows && !tb && s.k >= 1 && s.n >= least_columns) return Form::kSums;
  return Form::kNone;
}

// The few vectors lie across memory, and are copied to lie along it.
bool copies_few(const GemmSpec& s, Form form) {
  const bool ta = s.transpose_a || s.adjoint_a, tb = s.transpose_b || s.adjoint_b;
  return (form == Form::kRowsOfA && s.n > 1 && !tb) || (form == Form::kRowsOfB && s.m > 1 && ta);
}

template <typename T>
class SkinnyPlan final : public SlottedPlan {
 public:
  Status plan(const GemmSpec& s, int threads) {
    form_ = form_of(s);
    m_ = s.m, n_ = s.n, k_ = s.k;
    few_ = form_ == Form::kRowsOfA ? n_ : m_;
    transpose_a_ = s.transpose_a || s.adjoint_a;
    batch_ = s.batch;
    a_step_ = m_ * k_;
    b_step_ = n_ * k_;
    flops_ = 2.0 * static_cast<double>(batch_ * m_) * static_cast<double>(n_) * static_cast<double>(k_);
    slots_ = slots_for(2 * flops_, threads);  // it waits for memory, so threads pay off earlier
    TW_ASSIGN_OR_RETURN(epilogue_,
                        BoundEpilogue::make(s.epilogue, s.dtype, batch_ == 1 ? Shape{m_, n_} : Shape{batch_, m_, n_}));
    const int64_t lines = form_ == Form::kRowsOfA ? m_ : n_;
    int64_t most = form_ == Form::kSums ? kSumBytes / (few_ * static_cast<int64_t>(sizeof(T))) : kMapBlock / few_;
    // Rows that are read more than once stay in the second-level cache.
    if (few_ > kMaxDots)
      most = std::clamp<int64_t>(kRereadBytes / (k_ * static_cast<int64_t>(sizeof(T))) / 4 * 4, 4, most);
    const int64_t unit = form_ == Form::kSums ? 64 : 4;
    // Sums read the longer runs of each row the fewer pieces there are.
    const int64_t pieces = form_ == Form::kSums ? (slots_ > 1 ? 2 * slots_ : 1) : 4 * slots_;
    block_ = std::clamp((lines + pieces - 1) / pieces / unit * unit, std::min(4 * unit, most), most);
    tasks_ = (lines + block_ - 1) / block_;
    copies_few_ = copies_few(s, form_);
    if (copies_few_) shared_bytes_ += piece_bytes<T>(few_elements());
    if (epilogue_.home() < 0) shared_bytes_ += piece_bytes<T>(batch_ * m_ * n_);
    return {};
  }
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override {
    const T* all_left = static_cast<const T*>(a);
    const T* all_right = static_cast<const T*>(b);
    const int home = epilogue_.home();
    char* memory = static_cast<char*>(workspace);
    const T* copied = nullptr;
    if (copies_few_) {
      T* to = take<T>(&memory, few_elements());
      load_transposed(form_ == Form::kRowsOfA ? all_right : all_left, few_, to, k_, few_, k_);
      copied = to;
    }
    T* all_results = static_cast<T*>(home >= 0 ? outputs[home] : memory);
    FirstError error;
    pool.run_tasks(batch_ * tasks_, slots_, [&](int64_t task, int) {
      const int64_t item = task / tasks_, first = task % tasks_ * block_;
      const int64_t count = std::min(block_, (form_ == Form::kRowsOfA ? m_ : n_) - first), element0 = item * m_ * n_;
      const T* left = all_left + item * a_step_;
      const T* right = all_right + item * b_step_;
      const T* few = copied != nullptr ? copied : form_ == Form::kRowsOfA ? right : left;
      T* results = all_results + element0;
      switch (form_) {
        case Form::kRowsOfA: dots(left + first * k_, few, results + first * n_, n_, 1, count); break;
        case Form::kRowsOfB: dots(right + first * k_, few, results + first, 1, n_, count); break;
        default:
          sum_rows(RowSums<T>{left, transpose_a_ ? 1 : k_, transpose_a_ ? m_ : 1, right + first, n_, results + first,
                              n_, k_, count, static_cast<int>(m_)});
      }
      if (form_ != Form::kRowsOfA || epilogue_.empty()) return;
      error.set(epilogue_.run(results + first * n_, operands, outputs, element0 + first * n_, count * n_));
    });
    if (form_ == Form::kRowsOfA || epilogue_.empty()) return error.take();
    // The other forms leave a few short runs of each row, on which a tape would begin anew each time.
    const int64_t all = batch_ * m_ * n_;
    pool.parallel_for(all, slots_ > 1 ? grain_for_ns(kTapeNs) : all, [&](int64_t begin, int64_t end) {
      error.set(epilogue_.run(all_results + begin, operands, outputs, begin, end - begin));
    });
    return error.take();
  }
  std::string_view algorithm() const override { return form_ == Form::kSums ? "row sums" : "dot products"; }

 private:
  // Transposing may run a vector past the end.
  int64_t few_elements() const { return few_ * k_ + static_cast<int64_t>(64 / sizeof(T)); }
  // Dot products of `count` rows of the large matrix with the few vectors: a group of these and a piece of k at a time,
  // which stay in the first-level cache while the rows pass.
  void dots(const T* rows, const T* few, T* y, int64_t y_row, int64_t y_column, int64_t count) const {
    const int64_t group = few_ <= kMaxDots ? few_ : kGroup;
    const int64_t piece = few_ <= kMaxDots ? k_ : kPieceBytes / static_cast<int64_t>(sizeof(T));
    for (int64_t begin = 0; begin < k_; begin += piece) {
      for (int64_t j = 0; j < few_; j += group) {
        dot_rows(Dots<T>{rows + begin, k_, few + j * k_ + begin, k_, y + j * y_column, y_row, y_column, count,
                         std::min(piece, k_ - begin), static_cast<int>(std::min(group, few_ - j)), begin > 0});
      }
    }
  }

  Form form_ = Form::kNone;
  int64_t batch_ = 1, a_step_ = 0, b_step_ = 0;  // elements from one matrix to the next
  int64_t m_ = 0, n_ = 0, k_ = 0, few_ = 1, block_ = 16, tasks_ = 0;
  bool transpose_a_ = false, copies_few_ = false;
};

}  // namespace

bool is_skinny(const GemmSpec& spec) {
  const Form form = form_of(spec);
  if (form == Form::kNone || spec.batch == 1) return form != Form::kNone;
  // Products that share a matrix do better as one product of more rows.
  return !copies_few(spec, form) && spec.batch_a == spec.batch && spec.batch_b == spec.batch;
}

Result<std::unique_ptr<ContractPlan>> plan_skinny(const GemmSpec& spec, int threads) {
  return spec.dtype == DType::kFloat ? make_plan<SkinnyPlan<float>>(spec, threads)
                                     : make_plan<SkinnyPlan<double>>(spec, threads);
}

}  // namespace tw::contract
