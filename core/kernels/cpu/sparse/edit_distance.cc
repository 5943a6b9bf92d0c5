// EditDistance: Levenshtein distances of the sequences along the last dimension of two sparse tensors.
#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "core/kernels/cpu/sparse/coo.h"

namespace tw {
namespace {

struct EditState : KernelState {
  bool normalize = true;
};

Status prepare(PrepareContext& ctx) {
  ctx.emplace_state<EditState>().normalize = ctx.attrs().boolean("normalize");
  return {};
}

// Rows of the sparse tensor by the sequence that they belong to, in the order of the last dimension.
std::vector<std::vector<int64_t>> sequences(const Coo& t, const Shape& out) {
  std::vector<std::vector<int64_t>> rows(static_cast<size_t>(out.num_elements()));
  for (const int64_t row : t.order()) {
    int64_t at = 0;
    for (int d = 0; d < t.rank - 1; ++d) at = at * out[d] + t.index(row, d);
    rows[static_cast<size_t>(at)].push_back(row);
  }
  return rows;
}

template <typename Equal>
int64_t levenshtein(const std::vector<int64_t>& a, const std::vector<int64_t>& b, const Equal& equal) {
  std::vector<int64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), int64_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i) + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const int64_t substituted = diagonal + (equal(a[i], b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
    }
  }
  return row.back();
}

template <typename T>
void distances(const RunContext& ctx, const Coo& hypothesis, const Coo& truth, const Shape& out, float* to) {
  // Half precision compares as float.
  using Plain = std::conditional_t<std::is_same_v<T, half> || std::is_same_v<T, bfloat16>, float, T>;
  const T *h = static_cast<const T*>(hypothesis.values->data), *t = static_cast<const T*>(truth.values->data);
  const auto hs = sequences(hypothesis, out), ts = sequences(truth, out);
  const bool normalize = ctx.state<EditState>().normalize;
  for (size_t i = 0; i < hs.size(); ++i) {
    const auto n = static_cast<float>(
        levenshtein(hs[i], ts[i], [&](int64_t a, int64_t b) { return std::equal_to<Plain>()(h[a], t[b]); }));
    if (!normalize) to[i] = n;
    else if (!ts[i].empty()) to[i] = n / static_cast<float>(ts[i].size());
    else to[i] = hs[i].empty() ? 0 : std::numeric_limits<float>::infinity();
  }
}

Status run(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Coo hypothesis, Coo::read(ctx, 0));
  TW_ASSIGN_OR_RETURN(const Coo truth, Coo::read(ctx, 3));
  if (hypothesis.rank != truth.rank || truth.rank < 2) {
    return invalid_argument("Expected hypothesis and truth of one rank of at least 2, but they have ranks ",
                            hypothesis.rank, " and ", truth.rank);
  }
  TW_RETURN_IF_ERROR(hypothesis.check_bounds());
  TW_RETURN_IF_ERROR(truth.check_bounds());
  std::vector<int64_t> dims;
  for (size_t d = 0; d + 1 < truth.shape.size(); ++d) dims.push_back(std::max(hypothesis.shape[d], truth.shape[d]));
  TW_ASSIGN_OR_RETURN(const Shape out, Shape::make(dims));
  TW_ASSIGN_OR_RETURN(void* const to, ctx.allocate_output(0, out));
  if (truth.values->dtype == DType::kString) {
    distances<std::string>(ctx, hypothesis, truth, out, static_cast<float*>(to));
    return {};
  }
  const bool known = visit_real(truth.values->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    distances<T>(ctx, hypothesis, truth, out, static_cast<float*>(to));
  });
  return known ? Status() : unimplemented("No EditDistance of ", dtype_name(truth.values->dtype));
}

}  // namespace

TW_KERNEL(EditDistance, prepare, run);

}  // namespace tw
