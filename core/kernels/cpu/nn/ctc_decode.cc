// CTCGreedyDecoder and CTCBeamSearchDecoder: the labels that sequences of classes stand for, as sparse tensors
// [sequence, number of the label].
#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <limits>
#include <set>

#include "core/kernels/cpu/nn/ctc.h"

namespace tw {
namespace {

using ctc::log_add;
using Labels = std::vector<int64_t>;

constexpr double kLogZero = -std::numeric_limits<double>::infinity();

struct DecodeState : KernelState {
  bool merge_repeated = true;
  int64_t beam_width = 0, top_paths = 1;
};

Status prepare_decode(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<DecodeState>();
  s.merge_repeated = ctx.attrs().boolean("merge_repeated");
  if (!ctx.attrs().has("beam_width")) return {};
  s.beam_width = ctx.attrs().integer("beam_width");
  s.top_paths = ctx.attrs().integer("top_paths");
  if (s.top_paths <= s.beam_width) return {};
  return invalid_argument("requested more paths (", s.top_paths, ") than the beam width (", s.beam_width, ")");
}

// Outputs `path`, `path` + paths and `path` + 2 paths: what the sequences decode to.
Status store_labels(const RunContext& ctx, const std::vector<Labels>& decoded, int path, int paths) {
  int64_t count = 0, longest = 0;
  for (const Labels& l : decoded) {
    count += static_cast<int64_t>(l.size());
    longest = std::max(longest, static_cast<int64_t>(l.size()));
  }
  TW_ASSIGN_OR_RETURN(void* const indices, ctx.allocate_output(path, Shape{count, 2}));
  TW_ASSIGN_OR_RETURN(void* const values, ctx.allocate_output(paths + path, Shape{count}));
  TW_ASSIGN_OR_RETURN(void* const shape, ctx.allocate_output(2 * paths + path, Shape{2}));
  auto* index = static_cast<int64_t*>(indices);
  auto* value = static_cast<int64_t*>(values);
  for (size_t b = 0; b < decoded.size(); ++b) {
    for (size_t i = 0; i < decoded[b].size(); ++i) {
      *index++ = static_cast<int64_t>(b);
      *index++ = static_cast<int64_t>(i);
      *value++ = decoded[b][i];
    }
  }
  static_cast<int64_t*>(shape)[0] = static_cast<int64_t>(decoded.size());
  static_cast<int64_t*>(shape)[1] = longest;
  return {};
}

// Output `at`, [batch, paths] of the logits' dtype.
Status store_scores(const RunContext& ctx, int at, const std::vector<double>& scores, int64_t batch, int64_t paths) {
  TW_ASSIGN_OR_RETURN(void* const to, ctx.allocate_output(at, Shape{batch, paths}));
  if (ctx.output(at).dtype == DType::kFloat) {
    std::transform(scores.begin(), scores.end(), static_cast<float*>(to), [](double v) { return float(v); });
  } else {
    std::copy(scores.begin(), scores.end(), static_cast<double*>(to));
  }
  return {};
}

// The likeliest class of each step; the score is the negative sum of their logits.
Status run_greedy(const RunContext& ctx) {
  const bool merge = ctx.state<DecodeState>().merge_repeated;
  TW_ASSIGN_OR_RETURN(const ctc::Logits x, ctc::Logits::read(ctx, 1, Code::kFailedPrecondition));
  std::vector<Labels> decoded(static_cast<size_t>(x.batch));
  std::vector<double> scores(static_cast<size_t>(x.batch)), row(static_cast<size_t>(x.classes));
  for (int64_t b = 0; b < x.batch; ++b) {
    int64_t before = -1;
    for (int64_t t = 0; t < x.lengths[b]; ++t) {
      x.load(t, b, row.data());
      const int64_t best = std::max_element(row.begin(), row.end()) - row.begin();
      scores[static_cast<size_t>(b)] -= row[static_cast<size_t>(best)];
      if (best != x.classes - 1 && !(merge && best == before)) decoded[static_cast<size_t>(b)].push_back(best);
      before = best;
    }
  }
  TW_RETURN_IF_ERROR(store_labels(ctx, decoded, 0, 1));
  return store_scores(ctx, 3, scores, x.batch, 1);
}

// Prefix beam search over a tree of label sequences (Graves and Jaitly, "Towards end-to-end speech recognition with
// recurrent neural networks", algorithm 1).
class BeamSearch {
 public:
  BeamSearch(int64_t width, int64_t classes) : width_(static_cast<size_t>(width)), blank_(classes - 1) {
    nodes_.emplace_back();
    nodes_[0].now = {0, 0, kLogZero};
    enter(0);
  }

  // `y` holds the logarithms of the classes' probabilities.
  void step(const double* y) {
    std::vector<int> branches;
    for (const Place& p : beam_) branches.push_back(p.node);
    beam_.clear();
    for (const int i : branches) nodes_[at(i)].before = nodes_[at(i)].now;
    for (const int i : branches) {
      Node& n = nodes_[at(i)];
      if (n.parent >= 0) {
        // A repeated label extends only what ended in a blank.
        const Node& parent = nodes_[at(n.parent)];
        if (parent.now.total > kLogZero) {
          n.now.label = log_add(n.now.label, n.label == parent.label ? parent.before.blank : parent.before.total);
        }
        n.now.label += y[n.label];
      }
      n.now.blank = n.before.total + y[blank_];
      n.now.total = log_add(n.now.blank, n.now.label);
      enter(i);
    }
    std::stable_sort(branches.begin(), branches.end(),
                     [&](int a, int b) { return nodes_[at(a)].before.total > nodes_[at(b)].before.total; });
    for (const int i : branches) {
      if (!may_enter(nodes_[at(i)].before.total)) continue;
      for (int64_t c = 0; c < blank_; ++c) extend(i, c, y[c]);
    }
  }

  size_t size() const { return beam_.size(); }
  // The best `count` sequences.
  void top(size_t count, bool merge_repeated, std::vector<Labels>* labels, std::vector<double>* scores) const {
    auto place = beam_.begin();
    for (size_t k = 0; k < count; ++k, ++place) {
      Labels found;
      int64_t before = -1;
      for (int i = place->node; nodes_[at(i)].parent >= 0; i = nodes_[at(i)].parent) {
        const int64_t label = nodes_[at(i)].label;
        if (!merge_repeated || label != before) found.push_back(label);
        before = label;
      }
      std::reverse(found.begin(), found.end());
      labels->push_back(std::move(found));
      scores->push_back(place->total);
    }
  }

 private:
  // Logarithms of the probabilities of a sequence: of all ways to it, of those that end in a blank, and in its label.
  struct Probability {
    double total = kLogZero, blank = kLogZero, label = kLogZero;
  };
  struct Node {
    int parent = -1;
    int64_t label = -1;
    Probability before, now;
    std::vector<std::pair<int64_t, int>> children;  // label and node, in no order
  };
  struct Place {
    double total;
    int node;
    bool operator<(const Place& o) const { return total != o.total ? total > o.total : node < o.node; }
  };

  static size_t at(int i) { return static_cast<size_t>(i); }
  bool may_enter(double total) const {
    return total > kLogZero && (beam_.size() < width_ || total > beam_.rbegin()->total);
  }
  void enter(int i) { beam_.insert({nodes_[at(i)].now.total, i}); }

  void extend(int i, int64_t label, double log_y) {
    int child = -1;
    for (const auto& [l, node] : nodes_[at(i)].children) {
      if (l == label) child = node;
    }
    if (child >= 0 && nodes_[at(child)].now.total > kLogZero) return;  // in the beam already
    const Node& n = nodes_[at(i)];
    const double total = log_y + (label == n.label ? n.before.blank : n.before.total);
    if (!may_enter(total)) {
      if (child >= 0) nodes_[at(child)].before = nodes_[at(child)].now = {};
      return;
    }
    if (child < 0) {
      child = static_cast<int>(nodes_.size());
      nodes_.push_back({i, label, {}, {}, {}});
      nodes_[at(i)].children.push_back({label, child});
    }
    if (beam_.size() == width_) {
      const auto last = std::prev(beam_.end());
      nodes_[at(last->node)].now = {};
      beam_.erase(last);
    }
    nodes_[at(child)].now = {total, kLogZero, total};
    enter(child);
  }

  const size_t width_;
  const int64_t blank_;
  std::deque<Node> nodes_;  // the root is the empty sequence
  std::set<Place> beam_;    // best first
};

Status run_beam(const RunContext& ctx) {
  const auto& s = ctx.state<DecodeState>();
  TW_ASSIGN_OR_RETURN(const ctc::Logits x, ctc::Logits::read(ctx, 1, Code::kFailedPrecondition));
  const auto paths = static_cast<size_t>(s.top_paths);
  std::vector<std::vector<Labels>> decoded(static_cast<size_t>(x.batch));  // by sequence, then path
  std::vector<std::vector<double>> scores(static_cast<size_t>(x.batch));
  std::atomic<bool> few{false};
  ctx.pool().parallel_for(x.batch, 1, [&](int64_t begin, int64_t end) {
    std::vector<double> y(static_cast<size_t>(x.classes));
    for (int64_t b = begin; b < end; ++b) {
      BeamSearch search(s.beam_width, x.classes);
      for (int64_t t = 0; t < x.lengths[b]; ++t) {
        x.load(t, b, y.data());
        ctc::log_softmax(y.data(), x.classes);
        search.step(y.data());
      }
      if (search.size() < paths) {
        few = true;
        return;
      }
      search.top(paths, s.merge_repeated, &decoded[static_cast<size_t>(b)], &scores[static_cast<size_t>(b)]);
    }
  });
  if (few) return invalid_argument("Less leaves in the beam search than requested: top_paths is ", paths);
  std::vector<double> all;
  for (const auto& row : scores) all.insert(all.end(), row.begin(), row.end());
  for (size_t p = 0; p < paths; ++p) {
    std::vector<Labels> of_path;
    for (auto& sequence : decoded) of_path.push_back(std::move(sequence[p]));
    TW_RETURN_IF_ERROR(store_labels(ctx, of_path, static_cast<int>(p), static_cast<int>(paths)));
  }
  return store_scores(ctx, static_cast<int>(3 * paths), all, x.batch, s.top_paths);
}

}  // namespace

TW_KERNEL(CTCGreedyDecoder, prepare_decode, run_greedy);
TW_KERNEL(CTCBeamSearchDecoder, prepare_decode, run_beam);

}  // namespace tw
