// Matrix products: the loops around the register tiles, planned once per shape.
#include <algorithm>

#include "core/kernels/contract/packed.h"
#include "core/kernels/contract/rows.h"
#include "core/kernels/contract/skinny.h"
#include "core/kernels/contract/slotted_plan.h"
#include "core/kernels/contract/small.h"
#include "core/kernels/contract/tasks.h"
#include "core/platform/cpu.h"

namespace tw {
namespace contract {
namespace {

constexpr int64_t kBlockSteps = 2048;          // bytes of one row of A at a time
constexpr int64_t kDirectSteps = 1024;         // the same where B is read where it lies, in rows far apart
constexpr int64_t kStreamSteps = 16;           // steps of a B that is read once, in rows as long as they are
constexpr int kNarrowRows = 4;                 // of a wide tile, below which it holds too few sums
constexpr int64_t kDirectTiles = 20;           // of rows; for fewer, a packed B is not read often enough
constexpr int64_t kLeastTiles = 2;             // of rows; for fewer, a B from memory is read faster from panels
constexpr int64_t kFewTiles = 7;               // of rows; for more, B is read often enough to gain by panels
constexpr int64_t kDirectPanels = 9;           // of B, up to which A is read where it lies
constexpr int64_t kSmallBytesOfB = 256 << 10;  // below, all of B is read from the second level for each few rows
constexpr int64_t kPackedBytesOfB = 8 << 20;   // packed at a time
constexpr int64_t kWholeBytesOfB = 2 << 20;    // packed as a whole for several threads
constexpr int64_t kLongRow = 8 << 10;          // bytes from one step to the next
constexpr double kSharedFlops = 2.5e6;         // of a thread's share of one product
constexpr int64_t kGroupsPerThread = 8;        // of rows, where there are enough
constexpr int64_t kSmallResults = 32 << 10;    // bytes of a group's results beside a small B

// A packed block of A, rows by steps, takes half of the second-level cache; the panels of B pass through the rest.
int64_t block_bytes_of_a() {
  static const int64_t bytes = std::clamp<int64_t>(second_level_cache_bytes() / 2, 128 << 10, 1 << 20);
  return bytes;
}

template <typename S, typename T>
class GemmPlan final : public SlottedPlan {
 public:
  Status plan(const GemmSpec& spec, int threads);
  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override;
  std::string_view algorithm() const override { return pack_b_ ? "packed gemm" : "gemm"; }

 private:
  struct Call {
    const S* a;
    const S* b;
    const void* const* operands;
    void* const* outputs;
    FirstError* error;
  };
  static constexpr int64_t kPer = kStepsPer<T>;
  const S* matrix_b(const Call& call, int64_t batch) const {
    return call.b + matrix_of(index_b_, batch_b_, batch) * kPer * k_ * n_;
  }
  void fetch_matrix(const S* b) const {
    for (int64_t i = 0; i < k_ * n_; i += 64 / sizeof(S)) prefetch_second_level(b + i);
  }
  // Steps [begin, begin + count) of k, of which columns [column0, column0 + columns) of B are at hand.
  struct Part {
    int64_t begin, steps, column0, columns;
  };
  void plan_groups(int64_t most, bool by_columns);
  int64_t packed_elements(int64_t steps, int64_t columns) const;
  void pack_panels(const S* b, const Part& block, T* to, int64_t first, int64_t last) const;
  Panels<T> panels(const S* b, const Part& block, const T* packed) const;
  void group(const Call& call, int64_t batch, int64_t g, const Panels<T>& b, const Part& block, int64_t first,
             int64_t last, char* slot) const;
  int64_t tile_elements(int64_t rows, int64_t steps) const {
    if (set_.rows_only) return row_form_size(rows, steps, set_.lanes);
    return tiles_size(rows, steps, tile_rows_, set_.lanes);
  }
  // The first row of group g; groups differ by at most one tile, or one row where threads share them.
  int64_t group_begin(int64_t g) const { return std::min(g * row_units_ / groups_ * unit_rows_, m_); }
  // Where a constant A has its groups of rows for steps from k0 on: all take as much room as the largest.
  int64_t constant_tiles(int64_t matrix, int64_t k0, int64_t g) const {
    const int64_t blocks = (k_ + kc_ - 1) / kc_;
    return ((matrix * blocks + k0 / kc_) * groups_ + g) * tile_elements(mc_, kc_);
  }
  // Rows [row, row + rows) of A for steps [k0, k0 + length), as tiles.
  void pack_a(const S* a, int64_t k0, int64_t length, int64_t row, int64_t rows, T* to) const {
    const S* from = transpose_a_ ? a + kPer * k0 * m_ + row : a + kPer * (row * k_ + k0);
    if constexpr (std::is_same_v<T, Bfloat16Pair>) {
      if (set_.rows_only) return pack_row_form(from, m_, rows, length, set_.lanes, to);
    }
    pack_tiles(from, transpose_a_ ? m_ : kPer * k_, transpose_a_, rows, length, tile_rows_, set_.lanes, to, conj_a_);
  }
  const T* packed_constant(int64_t batch) const {
    return constant_b_.get() + matrix_of(index_b_, batch_b_, batch) * packed_elements(k_, n_);
  }

  const TileSet<T>& set_ = tile_set<T>();
  // k_ counts elements of T, each of which holds kPer steps.
  int64_t m_ = 0, n_ = 0, k_ = 0, batch_ = 1, batch_a_ = 1, batch_b_ = 1;
  std::vector<int64_t> index_a_, index_b_;
  bool transpose_a_ = false, transpose_b_ = false, conj_a_ = false, conj_b_ = false;
  bool pack_a_ = false, pack_b_ = false, by_batch_ = false, streams_ = false, streams_a_ = false;
  bool finishes_ = false;                                           // tiles do what the epilogue says
  bool copies_b_ = false;                                           // a few panels at a time
  bool fetches_a_ = false, fetches_b_ = false, fetches_c_ = false;  // where it lies, before it is used
  int width_ = 1, tile_rows_ = 1;
  int64_t kc_ = 0, kb_ = 0, nb_ = 0, chunk_panels_ = 0;
  int64_t groups_ = 1, row_units_ = 1, unit_rows_ = 1;  // groups of rows, made of units of rows
  int64_t mc_ = 0;                                      // rows of the largest group
  std::shared_ptr<const T> constant_a_, constant_b_;
};

// Elements that pack_panels writes for a block: all of it, or only a partial last panel.
template <typename S, typename T>
int64_t GemmPlan<S, T>::packed_elements(int64_t steps, int64_t columns) const {
  if (pack_b_) return packed_size(steps, columns, set_.lanes);
  const int64_t last = set_.reads_part ? 0 : columns % width_;
  return last % set_.lanes != 0 ? packed_size(steps, last, set_.lanes) : 0;
}

// Panels [first, last). Those of a row-major B are written side by side, so that its rows are read in long runs.
template <typename S, typename T>
void GemmPlan<S, T>::pack_panels(const S* b, const Part& block, T* to, int64_t first, int64_t last) const {
  const auto columns_of = [&](int64_t p) { return std::min<int64_t>(width_, block.columns - p * width_); };
  if (!pack_b_) {
    const int64_t p = (block.columns - 1) / width_;
    if (set_.reads_part || columns_of(p) % set_.lanes == 0) return;
    pack_panel(b + block.begin * n_ + block.column0 + p * width_, n_, 1, block.steps, columns_of(p), set_.lanes, to,
               conj_b_);
    return;
  }
  for (int64_t p = first; p < last;) {
    const int64_t j = block.column0 + p * width_;
    T* at = to + p * width_ * block.steps;
    if (transpose_b_) {
      pack_panel(b + kPer * (j * k_ + block.begin), 1, kPer * k_, block.steps, columns_of(p), set_.lanes, at, conj_b_);
      ++p;
      continue;
    }
    int64_t end = std::min(p + kPanelsAbreast, last);
    if (end > p + 1 && columns_of(end - 1) < width_) --end;
    const S* from = b + kPer * block.begin * n_ + j;
    if (columns_of(p) < width_) pack_panel(from, n_, 1, block.steps, columns_of(p), set_.lanes, at, conj_b_);
    else load_strips(from, n_, at, width_ * block.steps, width_, block.steps, end - p, conj_b_);
    p = end;
  }
}

template <typename S, typename T>
Panels<T> GemmPlan<S, T>::panels(const S* b, const Part& block, const T* packed) const {
  Panels<T> p;
  p.packed = packed;
  if constexpr (std::is_same_v<S, T>) {
    if (!pack_b_) p.direct = b + block.begin * n_ + block.column0;
  }
  p.ld = n_;
  p.k = block.steps;
  p.n = block.columns;
  p.lanes = set_.lanes;
  p.width = width_;
  p.reads_part = set_.reads_part;
  p.streams = streams_;
  return p;
}

// Cuts the rows into groups of at most `most`: of whole tiles for one thread; for more, enough for a late thread to
// find some left, equally many for each, and no lower than two tiles where they can.
template <typename S, typename T>
void GemmPlan<S, T>::plan_groups(int64_t most, bool by_columns) {
  const bool shared = slots_ > 1 && !by_batch_ && !by_columns;
  unit_rows_ = shared ? 1 : std::min<int64_t>(tile_rows_, most);
  row_units_ = std::max<int64_t>(1, (m_ + unit_rows_ - 1) / unit_rows_);
  const int64_t units = std::max<int64_t>(1, most / unit_rows_);
  groups_ = (row_units_ + units - 1) / units;
  if (shared) {
    const int64_t least = groups_;
    groups_ = std::max(groups_, std::min<int64_t>(kGroupsPerThread * slots_, m_ / (2 * tile_rows_)));
    groups_ = std::min((groups_ + slots_ - 1) / slots_ * slots_, row_units_);
    // Of that number and fewer, down to half of it, the one whose groups fill their tiles best.
    const auto tiles = [&](int64_t groups) {
      const int64_t rows = (m_ + groups - 1) / groups;
      return groups * ((rows + tile_rows_ - 1) / tile_rows_);
    };
    for (int64_t g = groups_ - slots_, end = std::max(least, groups_ / 2); g >= end; g -= slots_) {
      if (tiles(g) < tiles(groups_)) groups_ = g;
    }
  }
  mc_ = (row_units_ + groups_ - 1) / groups_ * unit_rows_;
}

template <typename S, typename T>
Status GemmPlan<S, T>::plan(const GemmSpec& spec, int threads) {
  m_ = spec.m, n_ = spec.n, k_ = spec.k / kPer, batch_ = spec.batch, batch_a_ = spec.batch_a, batch_b_ = spec.batch_b;
  index_a_ = spec.index_a, index_b_ = spec.index_b;
  transpose_a_ = spec.transpose_a || spec.adjoint_a, transpose_b_ = spec.transpose_b || spec.adjoint_b;
  conj_a_ = spec.adjoint_a && is_std_complex<T>, conj_b_ = spec.adjoint_b && is_std_complex<T>;
  TW_ASSIGN_OR_RETURN(epilogue_, BoundEpilogue::make(spec.epilogue, spec.dtype,
                                                     spec.batch == 1 ? Shape{m_, n_} : Shape{batch_, m_, n_}));
  finishes_ = std::is_same_v<S, T> && set_.finishes && epilogue_.in_tiles(n_);
  // A vector times a matrix stored by columns is that matrix times the vector.
  if (batch_b_ == 1 && index_b_.empty() && index_a_.empty() && !transpose_a_ && batch_a_ == batch_) {
    m_ *= batch_;
    batch_ = batch_a_ = 1;
  }
  const int64_t size = static_cast<int64_t>(sizeof(T));
  // Results of three or four vectors take one panel: A is read once, a few rows at a time, wherever they lie.
  const bool narrow = set_.skinny_rows >= kNarrowRows && n_ > 2 * set_.lanes && n_ <= kMaxTileVectors * set_.lanes;
  const int vectors = m_ <= set_.skinny_rows || narrow ? kMaxTileVectors : 2;
  width_ = vectors * set_.lanes;
  tile_rows_ = narrow ? set_.skinny_rows : set_.max_rows;

  const bool rearranged_b = transpose_b_ || conj_b_ || !std::is_same_v<S, T>;
  // Between few rows and many the time is that of the arithmetic wherever B lies: a constant is not kept twice there.
  const bool unkept_b = !rearranged_b && m_ > kLeastTiles * set_.max_rows && m_ <= kFewTiles * set_.max_rows;
  const bool constant_b = spec.constant_b != nullptr && k_ > 0 && n_ > 0 && !unkept_b;
  pack_b_ = rearranged_b || constant_b || (m_ > kDirectTiles * set_.max_rows && n_ > 2 * width_);
  // A packed A pays where many panels read it, or where what a tile reads of A itself drives itself out of the cache.
  const bool collide = rows_collide((transpose_a_ ? m_ : k_) * size);
  const int64_t direct_panels = !collide ? kDirectPanels : transpose_a_ ? 3 : 1;
  pack_a_ = conj_a_ || !std::is_same_v<S, T> || (m_ > set_.max_rows && k_ >= 64 && n_ > direct_panels * width_);
  if (set_.rows_only) pack_a_ = transpose_a_;

  fetches_a_ = !kFollowsMatrices && k_ >= 64 && batch_a_ * m_ * k_ * size > kBytesFromMemory;
  fetches_c_ = batch_ * m_ * n_ * size > kBytesFromMemory;
  fetches_b_ = !pack_b_ && batch_b_ * k_ * n_ * size > kBytesFromMemory && k_ * n_ * size <= kSmallBytesOfB;
  const bool far = !pack_b_ && k_ * n_ * size > block_bytes_of_a();
  streams_ = far && m_ <= set_.max_rows && m_ * n_ * size <= block_bytes_of_a();
  // The same for an A stored by columns of which one vector of results takes all: more steps of so long rows than that
  // drive each other out of the second-level cache.
  streams_a_ = transpose_a_ && !pack_a_ && n_ <= set_.lanes && m_ * size >= kLongRow &&
               batch_a_ * m_ * k_ * size > 4 * kBytesFromMemory;
  const int64_t steps = streams_     ? kStreamSteps
                        : streams_a_ ? 2 * kStreamSteps
                                     : std::max<int64_t>((far ? kDirectSteps : kBlockSteps) / size, 1);
  const int64_t k_blocks = std::max<int64_t>(1, (k_ + steps - 1) / steps);
  kc_ = std::max<int64_t>(1, (k_ + k_blocks - 1) / k_blocks);
  copies_b_ = !pack_b_ && copies_panels(set_, m_, kc_, n_, width_);
  // Partial sums wait in the output from one packed block of B to the next, where they can. Threads wait for each other
  // before and behind each, which a small B can do without.
  const bool gathers_home = std::is_same_v<S, T> && epilogue_.home() >= 0;
  const double flops = 2.0 * static_cast<double>(m_) * static_cast<double>(n_) * static_cast<double>(spec.k);
  flops_ = flops * static_cast<double>(batch_);
  slots_ = slots_for(flops_, threads);
  const bool whole = slots_ > 1 && k_ * n_ * size <= kWholeBytesOfB;
  kb_ = pack_b_ && gathers_home && !constant_b && !whole ? kc_ : std::max<int64_t>(k_, 1);
  nb_ = std::max<int64_t>(1, kPackedBytesOfB / (kb_ * size * width_)) * width_;
  nb_ = constant_b || !pack_b_ ? n_ : std::min(nb_, n_);

  const bool small_b = k_ * std::min(n_, nb_) * size <= kSmallBytesOfB;
  // Few rows keep their results in the first-level cache for the tape; so many that it runs over long pieces.
  const int64_t rows =
      small_b ? std::clamp<int64_t>(kSmallResults / std::max<int64_t>(n_ * size, 1), 2 * set_.max_rows, kMaxGroup)
              : std::min(kMaxGroup, block_bytes_of_a() / (kc_ * size));
  // Threads take whole products where there are enough of them, or where one is too small to be shared by all.
  by_batch_ =
      batch_ > 1 && nb_ == n_ &&
      (batch_ >= 4 * slots_ || flops < 4 * kFlopsPerThread || (2 * batch_ >= slots_ && flops < kSharedFlops * slots_));
  const int64_t block_panels = (nb_ + width_ - 1) / std::max(width_, 1);
  // Few rows: threads share the columns of B, the larger matrix, each of which is then read once.
  const bool by_columns = slots_ > 1 && !by_batch_ && m_ <= kFewTiles * set_.max_rows && m_ < n_ &&
                          (block_panels % slots_ == 0 || block_panels >= 4 * slots_);
  plan_groups(rows, by_columns);
  // Too few groups to go round: the panels of B are dealt out as well. A B that comes from memory is read in runs as
  // long as they can be.
  const int64_t pieces = (streams_ || by_columns ? 1 : 4) * slots_;
  int64_t chunks = 1;
  if (!by_batch_ && slots_ > 1 && groups_ < pieces) {
    chunks = std::min(block_panels, (pieces + groups_ - 1) / groups_);
  }
  chunk_panels_ = std::max<int64_t>(1, (block_panels + chunks - 1) / std::max<int64_t>(chunks, 1));

  if (constant_b) {
    const S* b = static_cast<const S*>(spec.constant_b.data);
    const PackKey key{PackForm::kPanelsOfB, spec.dtype, {k_, n_, batch_b_, width_, transpose_b_, conj_b_}};
    TW_ASSIGN_OR_RETURN(constant_b_, packed<T>(spec.constant_b, key, batch_b_ * packed_elements(k_, n_), [&](T* to) {
                          for (int64_t i = 0; i < batch_b_; ++i) {
                            pack_panels(b + i * kPer * k_ * n_, Part{0, k_, 0, n_}, to + i * packed_elements(k_, n_), 0,
                                        (n_ + width_ - 1) / width_);
                          }
                        }));
  }
  if (spec.constant_a != nullptr && pack_a_ && m_ > 0 && k_ > 0) {
    const S* a = static_cast<const S*>(spec.constant_a.data);
    const PackKey key{PackForm::kTilesOfA,
                      spec.dtype,
                      {m_, k_, batch_a_, kc_, groups_, unit_rows_, tile_rows_, 2 * transpose_a_ + conj_a_}};
    TW_ASSIGN_OR_RETURN(constant_a_, packed<T>(spec.constant_a, key, constant_tiles(batch_a_, 0, 0), [&](T* to) {
                          for (int64_t i = 0; i < batch_a_; ++i) {
                            for (int64_t k0 = 0; k0 < k_; k0 += kc_) {
                              for (int64_t g = 0; g < groups_; ++g) {
                                pack_a(a + i * m_ * kPer * k_, k0, std::min(kc_, k_ - k0), group_begin(g),
                                       group_begin(g + 1) - group_begin(g), to + constant_tiles(i, k0, g));
                              }
                            }
                          }
                        }));
    pack_a_ = false;
  }

  // The workspace: B packed for all, then per slot B of one batch item, a block of A, a block of results.
  const size_t b_bytes =
      constant_b ? 0 : align_up(static_cast<size_t>(packed_elements(kb_, std::max(nb_, int64_t{1})) * size));
  const bool shared_b = !by_batch_ || (batch_b_ == 1 && index_b_.empty());
  if (shared_b) shared_bytes_ = b_bytes;
  else slot_bytes_ += b_bytes;
  if (pack_a_) slot_bytes_ += piece_bytes<T>(tile_elements(mc_, kc_));
  if (copies_b_) slot_bytes_ += piece_bytes<T>(kCopiedPanels * width_ * kc_);
  if (!std::is_same_v<S, T> || epilogue_.home() < 0) {
    slot_bytes_ +=
        align_up(static_cast<size_t>(mc_ * nb_ * size)) + align_up(static_cast<size_t>(mc_ * nb_) * sizeof(S));
  }
  return {};
}

template <typename S, typename T>
Status GemmPlan<S, T>::run(const void* a, const void* b, const void* const* operands, void* const* outputs,
                           void* workspace, WorkerPool& pool) const {
  if (m_ == 0 || n_ == 0 || batch_ == 0) return {};
  FirstError error;
  const Call call{static_cast<const S*>(a), static_cast<const S*>(b), operands, outputs, &error};
  char* slots = static_cast<char*>(workspace) + shared_bytes_;
  T* shared = static_cast<T*>(workspace);
  const bool one_b = batch_b_ == 1 && index_b_.empty();
  const bool has_packed = packed_elements(kb_, nb_) > 0;

  if (by_batch_) {
    const int64_t all = (n_ + width_ - 1) / width_;
    const auto product = [&](int64_t i, const Part& block, const T* packed, char* slot) {
      const Panels<T> p = panels(matrix_b(call, i), block, packed);
      for (int64_t g = 0; g < groups_; ++g) group(call, i, g, p, block, 0, all, slot);
    };
    if (one_b && constant_b_ == nullptr && kb_ >= k_) {
      const Part block{0, k_, 0, n_};
      if (has_packed) pack_panels(call.b, block, shared, 0, all);
      pool.run_tasks(batch_, slots_, [&](int64_t i, int slot) {
        product(i, block, shared, slots + static_cast<size_t>(slot) * slot_bytes_);
      });
      return error.take();
    }
    pool.run_tasks(batch_, slots_, [&](int64_t i, int slot) {
      char* mine = slots + static_cast<size_t>(slot) * slot_bytes_;
      if (constant_b_ != nullptr) return product(i, Part{0, k_, 0, n_}, packed_constant(i), mine);
      T* to = take<T>(&mine, packed_elements(kb_, n_));
      int64_t begin = 0;
      do {
        const Part block{begin, std::min(kb_, k_ - begin), 0, n_};
        if (has_packed) pack_panels(matrix_b(call, i), block, to, 0, all);
        if (fetches_b_ && i + 1 < batch_) fetch_matrix(matrix_b(call, i + 1));
        product(i, block, to, mine);
        begin += kb_;
      } while (begin < k_);
    });
    return error.take();
  }
  for (int64_t i = 0; i < batch_; ++i) {
    const S* bi = constant_b_ != nullptr ? nullptr : matrix_b(call, i);
    for (int64_t column0 = 0; column0 < n_; column0 += nb_) {
      int64_t begin = 0;
      do {
        const Part block{begin, std::min(kb_, k_ - begin), column0, std::min(nb_, n_ - column0)};
        const int64_t count = (block.columns + width_ - 1) / width_;
        const T* packed = shared;
        if (constant_b_ != nullptr) {
          packed = packed_constant(i);
        } else if (has_packed && (i == 0 || !one_b || nb_ < n_ || kb_ < k_)) {
          const int64_t first = pack_b_ ? 0 : count - 1;
          const double ns = static_cast<double>(block.steps * width_) * (transpose_b_ ? 0.3 : 0.1);
          pool.parallel_for(slots_ > 1 ? count - first : 1, slots_ > 1 ? grain_for_ns(ns) : 1,
                            [&](int64_t from, int64_t to) {
                              if (slots_ > 1) pack_panels(bi, block, shared, first + from, first + to);
                              else pack_panels(bi, block, shared, first, count);
                            });
        }
        const Panels<T> p = panels(bi, block, packed);
        const int64_t chunks = (count + chunk_panels_ - 1) / chunk_panels_;
        pool.run_tasks(groups_ * chunks, slots_, [&](int64_t task, int slot) {
          const int64_t from = task / groups_ * chunk_panels_;
          group(call, i, task % groups_, p, block, from, std::min(from + chunk_panels_, count),
                slots + static_cast<size_t>(slot) * slot_bytes_);
        });
        begin += kb_;
      } while (begin < k_);
    }
  }
  return error.take();
}

// Group g of the rows of result `batch`, panels [first, last) of `b`.
template <typename S, typename T>
void GemmPlan<S, T>::group(const Call& call, int64_t batch, int64_t g, const Panels<T>& b, const Part& part,
                           int64_t first, int64_t last, char* slot) const {
  const int64_t row0 = group_begin(g), rows = group_begin(g + 1) - row0;
  const int64_t columns = std::min(last * b.width, b.n) - first * b.width;
  const int64_t column = part.column0 + first * b.width;
  const int64_t element0 = (batch * m_ + row0) * n_ + column;
  const int home = epilogue_.home();
  T* packed_a = pack_a_ ? take<T>(&slot, tile_elements(mc_, kc_)) : nullptr;

  // Where results gather: in an output when one has their type, else in a block of their own.
  Sum<T>* c0;
  int64_t c_step = n_;
  bool own = true;
  if constexpr (std::is_same_v<S, T>) own = home < 0;
  if (own) {
    c0 = take<Sum<T>>(&slot, mc_ * nb_);
    c_step = columns;
  } else {
    c0 = static_cast<Sum<T>*>(call.outputs[home]) + element0;
  }
  const T* row_of[kMaxGroup];
  Sum<T>* c[kMaxGroup];
  for (int64_t r = 0; r < rows; ++r) c[r] = c0 + r * c_step;

  const int64_t matrix = matrix_of(index_a_, batch_a_, batch);
  const int64_t offset = 0;
  RowSource<T> source;
  source.offsets = &offset;
  source.fetches_results = fetches_c_ && !own;
  const Finish finish = finishes_ ? epilogue_.finish(call.operands, call.outputs).from_column(part.column0) : Finish();
  T* copies = copies_b_ ? take<T>(&slot, kCopiedPanels * width_ * kc_) : nullptr;
  int64_t done = 0;
  do {
    const int64_t k0 = part.begin + done;
    source.length = std::min(kc_, part.steps - done);
    if (constant_a_ != nullptr || pack_a_) {
      source.a_step = 0;
      if (pack_a_) pack_a(call.a + matrix * m_ * kPer * k_, k0, source.length, row0, rows, packed_a);
      source.base = pack_a_ ? packed_a : constant_a_.get() + constant_tiles(matrix, k0, g);
      if (set_.rows_only) {
        source.rows = row_of;
        const int64_t step = row_form_step(source.length, set_.lanes);
        for (int64_t r = 0; r < rows; ++r) row_of[r] = source.base + r * step;
      }
    } else if constexpr (kPer * sizeof(S) == sizeof(T)) {
      // Pairs lie side by side already.
      const T* from = reinterpret_cast<const T*>(call.a) + matrix * m_ * k_;
      if (transpose_a_) {
        source.base = from + k0 * m_ + row0;
        source.a_step = m_;
        source.streams = streams_a_;
      } else {
        source.rows = row_of;
        if (fetches_a_) source.rows_apart = k_;
        for (int64_t r = 0; r < rows; ++r) row_of[r] = from + (row0 + r) * k_ + k0;
      }
    }
    const bool finishes = finishes_ && k0 + source.length >= k_;
    multiply_copied(copies, set_, source, rows, b, done, first, last, c, k0 > 0, finishes ? &finish : nullptr);
    done += kc_;
  } while (done < part.steps);
  if (part.begin + part.steps < k_) return;

  const S* block = reinterpret_cast<const S*>(c0);
  if constexpr (!std::is_same_v<S, T>) {
    S* to = home < 0 ? take<S>(&slot, mc_ * nb_) : static_cast<S*>(call.outputs[home]) + element0;
    const int64_t to_step = home < 0 ? columns : n_;
    for (int64_t r = 0; r < rows; ++r) narrow(c[r], to + r * to_step, columns);
    block = to;
    c_step = to_step;
  }
  if (epilogue_.empty() || finishes_) return;
  if (columns == n_) {
    call.error->set(epilogue_.run(block, call.operands, call.outputs, element0, rows * n_));
  } else {
    for (int64_t r = 0; r < rows; ++r) {
      call.error->set(epilogue_.run(block + r * c_step, call.operands, call.outputs, element0 + r * n_, columns));
    }
  }
}

}  // namespace
}  // namespace contract

Result<std::unique_ptr<ContractPlan>> plan_gemm(const GemmSpec& spec, int threads) {
  using namespace contract;
  if (spec.m < 0 || spec.n < 0 || spec.k < 0 || spec.batch < 0) {
    return invalid_argument("A matrix product has negative sizes: ", spec.batch, " x ", spec.m, " x ", spec.n, " x ",
                            spec.k);
  }
  // No product uses no matrix, however many there are.
  if (spec.batch > 0 && ((spec.index_a.empty() && spec.batch_a != 1 && spec.batch_a != spec.batch) ||
                         (spec.index_b.empty() && spec.batch_b != 1 && spec.batch_b != spec.batch))) {
    return invalid_argument("A batch of ", spec.batch, " products cannot use ", spec.batch_a, " and ", spec.batch_b,
                            " matrices");
  }
  if (is_skinny(spec)) return plan_skinny(spec, threads);
  if (is_small(spec, threads)) return plan_small(spec, threads);
  if (spec.n == 1 && (spec.transpose_a || spec.adjoint_a) && spec.batch == 1 && spec.batch_a == 1 &&
      spec.batch_b == 1 && is_floating(spec.dtype)) {
    // A matrix stored by columns times a vector is the vector times a matrix stored by rows. The other vector's layout
    // is the same either way.
    GemmSpec turned = spec;
    turned.m = 1, turned.n = spec.m;
    turned.transpose_a = turned.transpose_b = turned.adjoint_a = turned.adjoint_b = false;
    std::swap(turned.constant_a, turned.constant_b);
    if (!turned.epilogue.space.rank_known()) turned.epilogue.space = Shape{spec.m, 1};
    TW_ASSIGN_OR_RETURN(auto inner, plan_gemm(turned, threads));
    return std::unique_ptr<ContractPlan>(std::make_unique<SwappedPlan>(std::move(inner)));
  }
  switch (spec.dtype) {
    case DType::kFloat: return make_plan<GemmPlan<float, float>>(spec, threads);
    case DType::kDouble: return make_plan<GemmPlan<double, double>>(spec, threads);
    case DType::kHalf: return make_plan<GemmPlan<half, float>>(spec, threads);
    case DType::kBfloat16:
      if (has_bfloat16_pairs() && spec.k % 2 == 0) return make_plan<GemmPlan<bfloat16, Bfloat16Pair>>(spec, threads);
      return make_plan<GemmPlan<bfloat16, float>>(spec, threads);
    case DType::kInt32:
    case DType::kUint32: return make_plan<GemmPlan<uint32_t, uint32_t>>(spec, threads);
    case DType::kInt64:
    case DType::kUint64: return make_plan<GemmPlan<uint64_t, uint64_t>>(spec, threads);
    case DType::kComplex64: return make_plan<GemmPlan<std::complex<float>, std::complex<float>>>(spec, threads);
    case DType::kComplex128: return make_plan<GemmPlan<std::complex<double>, std::complex<double>>>(spec, threads);
    default: return unimplemented("No matrix product for ", dtype_name(spec.dtype));
  }
}

}  // namespace tw
