// Register tiles of pairs of bfloat16 for processors with AVX512-BF16, whose one instruction multiplies two pairs and
// adds both products to a float: twice the work of a float multiply-add. Written with the instruction itself, since the
// Highway that we build with has no target for it.
#include "core/kernels/contract/tile.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(TW_ONE_TARGET)
#define TW_BFLOAT16_PAIRS 1
#include <immintrin.h>

#include <cstring>
#endif

namespace tw::contract {

#if defined(TW_BFLOAT16_PAIRS)
namespace {

#define TW_PAIRS_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

constexpr int kLanes = 16, kRows = 14, kSkinnyRows = 6;

template <int kR, int kV, bool kColumns>
TW_PAIRS_TARGET void run_pair_tile(const Tile<Bfloat16Pair>& t) {
  __m512 acc[kR][kV];
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kV; ++j) acc[i][j] = _mm512_setzero_ps();
  }
  const Bfloat16Pair* rows[kR];
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) rows[i] = kColumns ? t.a[0] : t.a[i];
  // The lines of the results come while k runs.
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kV; ++j) __builtin_prefetch(t.c[i] + j * kLanes);
  }
  // Of the last vector only the columns that there are.
  const int64_t last = t.columns - (kV - 1) * kLanes;
  const __mmask16 wanted = last >= kLanes ? 0xffff : static_cast<__mmask16>((1u << last) - 1);
  const Bfloat16Pair* b = t.b;
  const int64_t b_step = t.b_step, a_step = kColumns ? t.a_step : 1, length = t.length, ahead = t.ahead;
  for (int64_t s = 0; s < t.segments; ++s) {
    int64_t at = t.offsets[s];
    for (int64_t k = 0; k < length; ++k, at += a_step, b += b_step) {
      __m512bh bv[kV];
#pragma GCC unroll 4
      for (int j = 0; j < kV; ++j) {
        bv[j] = (__m512bh)(j + 1 == kV ? _mm512_maskz_loadu_epi32(wanted, b + j * kLanes)
                                       : _mm512_loadu_si512(b + j * kLanes));
        __builtin_prefetch(b + ahead + j * kLanes);
      }
      if constexpr (!kColumns) keep_in_memory(rows);
#pragma GCC unroll 16
      for (int i = 0; i < kR; ++i) {
        int32_t pair;
        std::memcpy(&pair, kColumns ? rows[0] + at + i : rows[i] + at, sizeof pair);
        const __m512bh av = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 4
        for (int j = 0; j < kV; ++j) acc[i][j] = _mm512_dpbf16_ps(acc[i][j], av, bv[j]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kV; ++j) {
      float* c = t.c[i] + j * kLanes;
      const __mmask16 mask = j + 1 == kV ? wanted : static_cast<__mmask16>(0xffff);
      __m512 v = acc[i][j];
      if (t.accumulate) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, c));
      _mm512_mask_storeu_ps(c, mask, v);
    }
  }
}

template <int kR, int kV>
void add_pair_rows(TileSet<Bfloat16Pair>* set) {
  if constexpr (kR >= 1) {
    set->fn[0][kR - 1][kV - 1] = run_pair_tile<kR, kV, false>;
    set->fn[1][kR - 1][kV - 1] = run_pair_tile<kR, kV, true>;
    add_pair_rows<kR - 1, kV>(set);
  }
}

TileSet<Bfloat16Pair> make_pair_set() {
  TileSet<Bfloat16Pair> set{};
  set.lanes = kLanes;
  set.max_rows = kRows;
  set.skinny_rows = kSkinnyRows;
  set.reads_part = true;
  add_pair_rows<kRows, 1>(&set);
  add_pair_rows<kRows, 2>(&set);
  add_pair_rows<kSkinnyRows, 3>(&set);
  add_pair_rows<kSkinnyRows, 4>(&set);
  return set;
}

}  // namespace

bool has_bfloat16_pairs() {
  static const bool has = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return has;
}
#else
namespace {
TileSet<Bfloat16Pair> make_pair_set() { return {}; }
}  // namespace

bool has_bfloat16_pairs() { return false; }
#endif

const TileSet<Bfloat16Pair>& vector_pair_tiles() {
  static const TileSet<Bfloat16Pair> set = make_pair_set();
  return set;
}

template <>
const TileSet<Bfloat16Pair>& tile_set<Bfloat16Pair>() {
  const TileSet<Bfloat16Pair>* matrix = matrix_tiles();
  return matrix != nullptr ? *matrix : vector_pair_tiles();
}

}  // namespace tw::contract
