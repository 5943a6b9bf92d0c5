// CTCLoss: the negative logarithm of the probability that a sequence of classes, blanks and repetitions taken out,
// gives the labels, and its derivative to the logits (Graves et al., "Connectionist temporal classification", 4.1).
#include <cmath>
#include <limits>
#include <mutex>
#include <string>

#include "core/kernels/cpu/nn/ctc.h"

namespace tw {
namespace {

using ctc::log_add;

constexpr double kLogZero = -std::numeric_limits<double>::infinity();

struct CtcState : KernelState {
  bool collapse_labels = false, merge_repeated = true, ignore_longer = false;
};

Status prepare_loss(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<CtcState>();
  s.collapse_labels = ctx.attrs().boolean("preprocess_collapse_repeated");
  s.merge_repeated = ctx.attrs().boolean("ctc_merge_repeated");
  s.ignore_longer = ctx.attrs().boolean("ignore_longer_outputs_than_inputs");
  return {};
}

std::string text_of(const std::vector<int32_t>& labels) {
  std::string text;
  for (const int32_t l : labels) {
    if (!text.empty()) text += ',';
    text += std::to_string(l);
  }
  return text;
}

// The labels of each sequence, from the sparse tensor of inputs 1 and 2.
Result<std::vector<std::vector<int32_t>>> read_labels(const RunContext& ctx, int64_t batch) {
  const Shape &i = *ctx.input(1).shape, &v = *ctx.input(2).shape;
  if (i.rank() != 2 || i[1] != 2) return invalid_argument("labels_indices is not a matrix with 2 columns: ", i);
  if (v.rank() != 1) return invalid_argument("labels_values is not a vector: ", v);
  if (i[0] != v[0]) {
    return invalid_argument(
        "labels_indices and labels_values must contain the same number of rows, but saw shapes: ", i, " vs. ", v);
  }
  if (batch == 0) return invalid_argument("batch_size must not be 0");
  std::vector<std::vector<int32_t>> labels(static_cast<size_t>(batch));
  const int64_t* at = ctx.in<int64_t>(1);
  for (int64_t k = 0; k < v[0]; ++k, at += 2) {
    if (at[0] < 0 || at[0] >= batch || at[1] < 0) {
      return invalid_argument("label SparseTensor is not valid: indices[", k, "] = [", at[0], ",", at[1],
                              "] is out of bounds for ", batch, " sequences");
    }
    if (k > 0 && (at[0] < at[-2] || (at[0] == at[-2] && at[1] <= at[-1]))) {
      return invalid_argument("label SparseTensor is not valid: indices[", k, "] = [", at[0], ",", at[1],
                              at[0] == at[-2] && at[1] == at[-1] ? "] is repeated" : "] is out of order",
                              ". Many sparse ops require sorted indices.");
    }
    labels[static_cast<size_t>(at[0])].push_back(ctx.in<int32_t>(2)[k]);
  }
  return labels;
}

// The classes to be seen, without those that stand for nothing at the end.
Result<std::vector<int32_t>> wanted(const std::vector<int32_t>& labels, int64_t b, int64_t classes, bool collapse) {
  if (labels.empty()) return invalid_argument("Labels length is zero in batch ", b);
  std::vector<int32_t> found;
  bool finished = false;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0) {
      return invalid_argument("All labels must be nonnegative integers, batch: ", b, " labels: ", text_of(labels));
    }
    if (collapse && i > 0 && labels[i] == labels[i - 1]) continue;
    if (labels[i] >= classes - 1) {
      finished = true;
    } else if (finished) {
      return invalid_argument("Saw a non-null label (index >= num_classes - 1) following a null label, batch: ", b,
                              " num_classes: ", classes, " labels: ", text_of(labels));
    } else {
      found.push_back(labels[i]);
    }
  }
  return found;
}

// One sequence. `path` is the labels with blanks between and around them; row t of `y` holds the logarithms of the
// classes' probabilities. Gives the loss, and the derivatives in place of y.
double forward_backward(const std::vector<int32_t>& path, int64_t steps, int64_t classes, bool merge, double* y) {
  const size_t n = path.size();
  const auto blank = static_cast<int32_t>(classes - 1);
  // Whether place u may be reached from itself, and from two places before.
  const auto stays = [&](size_t u) { return merge || path[u] == blank; };
  const auto skips = [&](size_t u) { return u >= 2 && path[u] != blank && !(merge && path[u] == path[u - 2]); };
  const auto at = [&](int64_t t, size_t u) { return static_cast<size_t>(t) * n + u; };
  const auto log_y = [&](int64_t t, size_t u) { return y[t * classes + path[u]]; };
  // Logarithms of the probabilities of the beginnings that end at a place, and of the ends that follow it.
  std::vector<double> alpha(static_cast<size_t>(steps) * n, kLogZero), beta(alpha);
  for (size_t u = 0; u < std::min<size_t>(n, 2); ++u) alpha[u] = log_y(0, u);
  for (int64_t t = 1; t < steps; ++t) {
    for (size_t u = 0; u < n; ++u) {
      double sum = stays(u) ? alpha[at(t - 1, u)] : kLogZero;
      if (u > 0) sum = log_add(sum, alpha[at(t - 1, u - 1)]);
      if (skips(u)) sum = log_add(sum, alpha[at(t - 1, u - 2)]);
      alpha[at(t, u)] = sum + log_y(t, u);
    }
  }
  for (size_t u = n < 2 ? 0 : n - 2; u < n; ++u) beta[at(steps - 1, u)] = 0;
  for (int64_t t = steps - 2; t >= 0; --t) {
    for (size_t u = 0; u < n; ++u) {
      double sum = stays(u) ? beta[at(t + 1, u)] + log_y(t + 1, u) : kLogZero;
      if (u + 1 < n) sum = log_add(sum, beta[at(t + 1, u + 1)] + log_y(t + 1, u + 1));
      if (u + 2 < n && skips(u + 2)) sum = log_add(sum, beta[at(t + 1, u + 2)] + log_y(t + 1, u + 2));
      beta[at(t, u)] = sum;
    }
  }
  double total = kLogZero;
  for (size_t u = 0; u < n; ++u) total = log_add(total, alpha[u] + beta[u]);
  std::vector<double> seen(static_cast<size_t>(classes));
  for (int64_t t = 0; t < steps; ++t) {
    std::fill(seen.begin(), seen.end(), kLogZero);
    for (size_t u = 0; u < n; ++u) {
      double& s = seen[static_cast<size_t>(path[u])];
      s = log_add(s, alpha[at(t, u)] + beta[at(t, u)]);
    }
    for (int64_t c = 0; c < classes; ++c) {
      double& v = y[t * classes + c];
      // Without a path there is nothing to make more likely.
      v = std::exp(v) - (std::isinf(total) ? 0 : std::exp(seen[static_cast<size_t>(c)] - total));
    }
  }
  return -total;
}

Status run_loss(const RunContext& ctx) {
  const auto& s = ctx.state<CtcState>();
  TW_ASSIGN_OR_RETURN(const ctc::Logits x, ctc::Logits::read(ctx, 3, Code::kInvalidArgument));
  TW_ASSIGN_OR_RETURN(const auto labels, read_labels(ctx, x.batch));
  std::mutex mutex;
  Status first;
  const auto sequence = [&]<typename T>(int64_t b, T*) -> Status {
    const int64_t steps = x.lengths[b];
    TW_ASSIGN_OR_RETURN(const std::vector<int32_t> l,
                        wanted(labels[static_cast<size_t>(b)], b, x.classes, s.collapse_labels));
    T* const loss = ctx.out<T>(0) + b;
    T* const gradient = ctx.out<T>(1);
    for (int64_t t = 0; t < x.time; ++t) std::fill_n(gradient + (t * x.batch + b) * x.classes, x.classes, T(0));
    *loss = 0;
    if (static_cast<int64_t>(l.size()) > steps) {
      if (s.ignore_longer) return {};
      return invalid_argument("Not enough time for target transition sequence (required: ", l.size(),
                              ", available: ", steps, ") in batch ", b,
                              ". You can turn this error into a warning by using the flag "
                              "ignore_longer_outputs_than_inputs");
    }
    if (steps == 0) return {};
    std::vector<int32_t> path;
    for (const int32_t c : l) {
      path.push_back(static_cast<int32_t>(x.classes - 1));
      path.push_back(c);
    }
    path.push_back(static_cast<int32_t>(x.classes - 1));
    std::vector<double> y(static_cast<size_t>(steps * x.classes));
    for (int64_t t = 0; t < steps; ++t) {
      x.load(t, b, y.data() + t * x.classes);
      ctc::log_softmax(y.data() + t * x.classes, x.classes);
    }
    *loss = static_cast<T>(forward_backward(path, steps, x.classes, s.merge_repeated, y.data()));
    for (int64_t t = 0; t < steps; ++t) {
      for (int64_t c = 0; c < x.classes; ++c) {
        gradient[(t * x.batch + b) * x.classes + c] = static_cast<T>(y[static_cast<size_t>(t * x.classes + c)]);
      }
    }
    return {};
  };
  const double ns = 20.0 * static_cast<double>(x.time * x.classes) + 1000;
  ctx.pool().parallel_for(x.batch, grain_for_ns(ns), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      Status status = x.values->dtype == DType::kFloat ? sequence(b, static_cast<float*>(nullptr))
                                                       : sequence(b, static_cast<double*>(nullptr));
      if (status.ok()) continue;
      std::lock_guard lock(mutex);
      first = std::move(status);
    }
  });
  return first;
}

}  // namespace

TW_KERNEL(CTCLoss, prepare_loss, run_loss);

}  // namespace tw
