#include "core/kernels/contract/small.h"

#include <algorithm>

#include "core/kernels/contract/pack.h"
#include "core/kernels/contract/rows.h"
#include "core/kernels/contract/slotted_plan.h"
#include "core/kernels/contract/small_loops.h"
#include "core/kernels/contract/tasks.h"
#include "core/platform/cpu.h"

namespace tw::contract {
namespace {

// Longer sums are added up in pieces, as elsewhere, which rounds less.
constexpr int64_t kMaxStepBytes = 2048;
constexpr int64_t kTasksPerThread = 8;
// Of so many steps of an A stored by columns, the lines do not stay in the first-level cache from one tile to the next.
constexpr int64_t kFewSteps = 128;

// One product's operands, all of which stay in the second-level cache. Twice as much does so too, but where it comes
// from memory it takes longer than with a packed B.
int64_t most_bytes() {
  static const int64_t bytes = std::clamp<int64_t>(second_level_cache_bytes() / 2, 128 << 10, 1 << 20);
  return bytes;
}

// Tiles read A and B where they lie, a transposed B from a copy laid out by rows. All steps of k are added up at once.
template <typename T>
class SmallPlan final : public SlottedPlan {
 public:
  Status plan(const GemmSpec& s, int threads);
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override;
  std::string_view algorithm() const override { return "small gemm"; }

 private:
  // Neighbouring columns that a tile takes at once.
  struct Panel {
    int64_t column, columns;
    RowTiles rows;
    SmallTileFn<T> higher, lower;  // of tiles with and without a row more
  };
  // Operands of one product and, where they come from memory, of the next one.
  struct Place {
    const T* a;
    const T* b;
    T* c;
  };
  Place place(const T* a, const T* b, T* c, int64_t item) const;
  // `turned`: where a transposed B is to be laid out first.
  void product(const Place& at, const Place* next, T* turned) const;
  // Of a copy of a transposed B; transposing may run a vector past the end.
  int64_t turned_elements() const { return steps_.k * steps_.b_step + int64_t{64 / sizeof(T)}; }

  int64_t m_ = 0, n_ = 0, batch_ = 1, batch_a_ = 1, batch_b_ = 1, tasks_ = 1;
  std::vector<int64_t> index_a_, index_b_;
  bool transpose_b_ = false, fetches_ = false;
  SmallSteps steps_{};
  std::vector<Panel> panels_;
  int64_t part_a_ = 0, part_b_ = 0, part_c_ = 0;  // elements that are fetched beside each tile of the first panel
};

template <typename T>
Status SmallPlan<T>::plan(const GemmSpec& s, int threads) {
  const SmallTileSet<T>& set = *small_tiles<T>();
  m_ = s.m, n_ = s.n, batch_ = s.batch, batch_a_ = s.batch_a, batch_b_ = s.batch_b;
  index_a_ = s.index_a, index_b_ = s.index_b;
  transpose_b_ = s.transpose_b || s.adjoint_b;
  const bool transpose_a = s.transpose_a || s.adjoint_a;
  const int64_t vectors = (n_ + set.lanes - 1) / set.lanes;
  steps_ = {s.k, transpose_a ? 1 : s.k, transpose_a ? m_ : 1, transpose_b_ ? (vectors | 1) * set.lanes : n_, n_};
  TW_ASSIGN_OR_RETURN(epilogue_,
                      BoundEpilogue::make(s.epilogue, s.dtype, batch_ == 1 ? Shape{m_, n_} : Shape{batch_, m_, n_}));
  flops_ = 2.0 * static_cast<double>(batch_ * m_) * static_cast<double>(n_) * static_cast<double>(s.k);
  slots_ = slots_for(flops_, threads);
  tasks_ = slots_ > 1 ? std::min(batch_, kTasksPerThread * slots_) : 1;

  fetches_ = !kFollowsMatrices &&
             (batch_a_ * m_ * s.k + batch_b_ * s.k * n_ + batch_ * m_ * n_) * static_cast<int64_t>(sizeof(T)) >
                 kBytesFromMemory;
  // Rows that fit one tile of three vectors read B once.
  const bool three = m_ > set.max_rows(kMaxSmallVectors) && m_ <= set.max_rows(kMaxSmallVectors - 1);
  const int64_t widest = three ? kMaxSmallVectors - 1 : kMaxSmallVectors;
  const int64_t panels = (vectors + widest - 1) / widest;
  for (int64_t p = 0; p < panels; ++p) {
    const int64_t first = p * vectors / panels, last = (p + 1) * vectors / panels;
    const int64_t column = first * set.lanes, columns = std::min(last * set.lanes, n_) - column;
    const int width = static_cast<int>(last - first);
    const bool half = columns - (width - 1) * set.lanes <= set.lanes / 2;
    const RowTiles rows(m_, set.max_rows(width));
    const auto& fns = set.fn[half][width - 1];
    panels_.push_back(
        {column, columns, rows, fns[std::min(rows.height, kMaxSmallRows - int64_t{1})], fns[rows.height - 1]});
  }
  const int64_t tiles = panels_[0].rows.count;
  const auto part = [&](int64_t elements) { return (elements + tiles - 1) / tiles; };
  part_a_ = part(m_ * s.k), part_b_ = part(s.k * n_), part_c_ = part(m_ * n_);
  if (transpose_b_) slot_bytes_ += piece_bytes<T>(turned_elements());
  if (epilogue_.home() < 0) slot_bytes_ += piece_bytes<T>(m_ * n_);
  return {};
}

// Lines of `part` elements from place `i` of as many on.
template <typename T>
void fetch_part(const T* matrix, int64_t part, int64_t i) {
  for (const T *at = matrix + i * part, *end = at + part; at < end; at += 64 / sizeof(T)) prefetch_second_level(at);
}

template <typename T>
void SmallPlan<T>::product(const Place& at, const Place* next, T* turned) const {
  const T* right = turned == nullptr ? at.b : turned;
  for (const Panel& p : panels_) {
    if (turned != nullptr) {
      load_transposed(at.b + p.column * steps_.k, steps_.k, turned + p.column, steps_.b_step, steps_.k, p.columns);
    }
    const T* rows = at.a;
    const T* columns = right + p.column;
    T* to = at.c + p.column;
    for (int64_t i = 0; i < p.rows.count; ++i) {
      if (next != nullptr && p.column == 0) {
        fetch_part(next->a, part_a_, i);
        fetch_part(next->b, part_b_, i);
        fetch_part<T>(next->c, part_c_, i);
      }
      const bool higher = i < p.rows.higher;
      (higher ? p.higher : p.lower)(rows, columns, to, p.columns, steps_);
      const int64_t height = p.rows.height + higher;
      rows += height * steps_.a_row, to += height * n_;
    }
  }
}

template <typename T>
SmallPlan<T>::Place SmallPlan<T>::place(const T* a, const T* b, T* c, int64_t item) const {
  return {a + matrix_of(index_a_, batch_a_, item) * m_ * steps_.k,
          b + matrix_of(index_b_, batch_b_, item) * steps_.k * n_, c + item * m_ * n_};
}

template <typename T>
Status SmallPlan<T>::run(const void* a, const void* b, const void* const* operands, void* const* outputs,
                         void* workspace, WorkerPool& pool) const {
  const T* all_a = static_cast<const T*>(a);
  const T* all_b = static_cast<const T*>(b);
  T* all_c = epilogue_.home() < 0 ? nullptr : static_cast<T*>(outputs[epilogue_.home()]);
  FirstError error;
  pool.run_tasks(tasks_, slots_, [&](int64_t task, int slot) {
    char* memory = static_cast<char*>(workspace) + static_cast<size_t>(slot) * slot_bytes_;
    T* turned = transpose_b_ ? take<T>(&memory, turned_elements()) : nullptr;
    const T* last = nullptr;
    const int64_t end = (task + 1) * batch_ / tasks_;
    for (int64_t i = task * batch_ / tasks_; i < end; ++i) {
      Place at = place(all_a, all_b, all_c, i);
      const Place next = place(all_a, all_b, all_c, i + 1 < batch_ ? i + 1 : i);
      if (all_c == nullptr) at.c = reinterpret_cast<T*>(memory);
      const bool turns = turned != nullptr && at.b != last;
      last = at.b;
      if (turned != nullptr && !turns) at.b = turned;
      product(at, fetches_ ? &next : nullptr, turns ? turned : nullptr);
      if (!epilogue_.empty()) error.set(epilogue_.run(at.c, operands, outputs, i * m_ * n_, m_ * n_));
    }
  });
  return error.take();
}

}  // namespace

bool is_small(const GemmSpec& s, int threads) {
  // A constant B is packed once.
  if (s.batch < 1 || s.m < 1 || s.n < 1 || s.k < 1 || s.constant_b != nullptr) return false;
  int64_t lanes = 0;
  if (s.dtype == DType::kFloat && small_tiles<float>() != nullptr) lanes = small_tiles<float>()->lanes;
  if (s.dtype == DType::kDouble && small_tiles<double>() != nullptr) lanes = small_tiles<double>()->lanes;
  if (lanes == 0) return false;
  const int64_t size = static_cast<int64_t>(dtype_size(s.dtype));
  if (s.k * size > kMaxStepBytes || (s.m * s.k + s.k * s.n + s.m * s.n) * size > most_bytes()) return false;
  const bool transpose_a = s.transpose_a || s.adjoint_a;
  // The general plan's tiles are taller, which then counts.
  if (transpose_a && s.k > kFewSteps && s.n <= 2 * lanes) return false;
  // All rows of the batch with one B are one product there.
  const bool one_product = s.batch_b == 1 && s.index_b.empty() && !transpose_a && s.batch_a == s.batch;
  if (one_product && s.batch > 1 && s.m < kMaxSmallRows) return false;
  // Products that threads share, or that do not go round, are cut into rows elsewhere.
  const double flops = 2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
  const int slots = slots_for(flops * static_cast<double>(s.batch), threads);
  return slots == 1 || s.batch >= 4 * slots || (s.batch > 1 && flops < 4 * kFlopsPerThread);
}

Result<std::unique_ptr<ContractPlan>> plan_small(const GemmSpec& spec, int threads) {
  return spec.dtype == DType::kFloat ? make_plan<SmallPlan<float>>(spec, threads)
                                     : make_plan<SmallPlan<double>>(spec, threads);
}

}  // namespace tw::contract
