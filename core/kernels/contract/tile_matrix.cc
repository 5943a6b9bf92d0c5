// Tiles of pairs of bfloat16 in matrix registers, for processors with AMX: one instruction multiplies 16 rows of 16
// pairs by 16 pairs of 16 columns, as 256 on vectors of pairs do. A tile here is 2 x 2 such results, so that each
// register that is loaded meets two others.
#include "core/kernels/contract/tile.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(TW_ONE_TARGET)
#define TW_MATRIX_REGISTERS 1
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#endif

namespace tw::contract {

#if defined(TW_MATRIX_REGISTERS)
namespace {

#define TW_MATRIX_TARGET __attribute__((target("amx-tile,amx-bf16")))

constexpr int kSide = 16;  // rows of a register, and numbers of four bytes in a row

// The memory format of LDTILECFG. Registers 0 to 3 hold results, by rows; 4 and 5 rows of A, 6 and 7 columns of B,
// `steps` pairs of each.
struct alignas(64) Configuration {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  constexpr Configuration(int64_t height, int64_t columns, int64_t steps) {
    for (int i = 0; i < 2; ++i) {
      const int64_t part = std::min<int64_t>(height - i * kSide, kSide);
      for (int j = 0; j < 2; ++j) set(2 * i + j, part, std::min<int64_t>(columns - j * kSide, kSide));
      set(4 + i, part, steps);
      set(6 + i, steps, std::min<int64_t>(columns - i * kSide, kSide));
    }
  }

 private:
  constexpr void set(int tile, int64_t height, int64_t width) {
    if (height <= 0 || width <= 0) return;
    rows[tile] = static_cast<uint8_t>(height);
    row_bytes[tile] = static_cast<uint16_t>(4 * width);
  }
};
static_assert(sizeof(Configuration) == 64);

// The one that the thread's registers have; null for one that is gone.
thread_local const Configuration* loaded = nullptr;

TW_MATRIX_TARGET void configure(const Configuration& c, bool lasts) {
  if (lasts && loaded == &c) return;
  loaded = lasts ? &c : nullptr;
  // The intrinsic tells GCC of the first bytes only.
  asm volatile("" : : "r"(&c) : "memory");
  _tile_loadconfig(&c);
}

template <bool kTall, bool kWide>
struct Results {
  float* c;
  int64_t step;  // bytes from row to row

  TW_MATRIX_TARGET void begin(bool accumulate) const {
    if (!accumulate) {
      _tile_zero(0);
      if constexpr (kWide) _tile_zero(1);
      if constexpr (kTall) _tile_zero(2);
      if constexpr (kTall && kWide) _tile_zero(3);
      return;
    }
    const char* below = reinterpret_cast<const char*>(c) + kSide * step;
    _tile_loadd(0, c, step);
    if constexpr (kWide) _tile_loadd(1, c + kSide, step);
    if constexpr (kTall) _tile_loadd(2, below, step);
    if constexpr (kTall && kWide) _tile_loadd(3, below + 4 * kSide, step);
  }
  TW_MATRIX_TARGET void end() const {
    char* below = reinterpret_cast<char*>(c) + kSide * step;
    _tile_stored(0, c, step);
    if constexpr (kWide) _tile_stored(1, c + kSide, step);
    if constexpr (kTall) _tile_stored(2, below, step);
    if constexpr (kTall && kWide) _tile_stored(3, below + 4 * kSide, step);
  }
};

template <bool kTall, bool kWide>
TW_MATRIX_TARGET void run_matrix_tile(const Tile<Bfloat16Pair>& t, int rows, const Configuration& full) {
  constexpr int64_t kPair = sizeof(Bfloat16Pair);
  const Bfloat16Pair* a = t.a[0];
  // In bytes. One row lies any distance from the next.
  const int64_t a_step = rows > 1 ? kPair * (t.a[1] - t.a[0]) : kPair * kSide;
  const int64_t b_step = kPair * t.b_step;
  const Results<kTall, kWide> results{t.c[0], rows > 1 ? 4 * (t.c[1] - t.c[0]) : 4 * kSide};
  bool accumulate = t.accumulate;
  // Steps [first, end) of each segment, as many at a time as a register holds, or all.
  const auto add = [&](int64_t first, int64_t end) TW_MATRIX_TARGET {
    const int64_t steps = std::clamp<int64_t>(end - first, 1, kSide);
    if (steps == kSide && t.columns == (kWide ? 2 : 1) * kSide) configure(full, true);
    else configure(Configuration(rows, t.columns, steps), false);
    results.begin(accumulate);
    for (int64_t s = 0; s < t.segments; ++s) {
      const Bfloat16Pair* from = a + t.offsets[s] + first;
      const Bfloat16Pair* b = t.b + (s * t.length + first) * t.b_step;
      for (int64_t k = first; k < end; k += kSide, from += kSide, b += kSide * t.b_step) {
        _tile_loadd(4, from, a_step);
        _tile_loadd(6, b, b_step);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (kWide) {
          _tile_loadd(7, b + kSide, b_step);
          _tile_dpbf16ps(1, 4, 7);
        }
        if constexpr (kTall) {
          _tile_loadd(5, reinterpret_cast<const char*>(from) + kSide * a_step, a_step);
          _tile_dpbf16ps(2, 5, 6);
        }
        if constexpr (kTall && kWide) _tile_dpbf16ps(3, 5, 7);
      }
    }
    results.end();
    accumulate = true;
  };
  // Another configuration forgets what the registers hold.
  const int64_t whole = t.length / kSide * kSide;
  if (whole > 0) add(0, whole);
  if (whole < t.length || whole == 0) add(whole, t.length);
}

// Without this the system would keep the registers' state for the thread from now on.
TW_MATRIX_TARGET void release() {
  _tile_release();
  loaded = nullptr;
}

template <int kR, int kV>
void matrix_tile(const Tile<Bfloat16Pair>& t) {
  // Loading one takes as long as a tenth of a tile of 1024 steps, and longer where it was just written.
  static constexpr Configuration kFull(kR, kV * kSide, kSide);
  run_matrix_tile<(kR > kSide), (kV > 1)>(t, kR, kFull);
}

template <int kR>
void add_matrix_rows(TileSet<Bfloat16Pair>* set) {
  if constexpr (kR >= 1) {
    set->fn[0][kR - 1][0] = matrix_tile<kR, 1>;
    set->fn[0][kR - 1][1] = matrix_tile<kR, 2>;
    add_matrix_rows<kR - 1>(set);
  }
}

// Linux gives the registers' state to processes that ask for it.
bool may_use_matrix_registers() {
  constexpr unsigned kBfloat16 = 1u << 22, kTiles = 1u << 24, kSavesState = 1u << 27;
  constexpr unsigned kTileStates = 3u << 17;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  unsigned eax, ebx, ecx, edx;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & kSavesState) == 0) return false;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  if ((edx & kBfloat16) == 0 || (edx & kTiles) == 0) return false;
  unsigned enabled, high;
  asm volatile("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
  return (enabled & kTileStates) == kTileStates && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

const TileSet<Bfloat16Pair>* matrix_tiles() {
  static const bool has = may_use_matrix_registers();
  static const TileSet<Bfloat16Pair> set = [] {
    TileSet<Bfloat16Pair> s{};
    s.lanes = kSide;
    s.max_rows = 2 * kSide;
    s.reads_part = true;
    s.rows_only = true;
    s.release = release;
    add_matrix_rows<2 * kSide>(&s);
    return s;
  }();
  return has ? &set : nullptr;
}
#else
const TileSet<Bfloat16Pair>* matrix_tiles() { return nullptr; }
#endif

}  // namespace tw::contract
