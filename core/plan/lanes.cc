#include "core/plan/lanes.h"

#include <algorithm>

namespace tw {

namespace {

// A wake-up of a sleeping thread, measured on Linux, and rounded up.
constexpr double kCrossingNs = 20000;
// Kernels split work from twice this on; what is shorter runs on one thread and may run beside others.
constexpr double kSplitNs = 40000;
constexpr uint32_t kNone = UINT32_MAX;

// Steps put into lanes one after the other, in order, with the time at which each would end.
class Scheduler {
 public:
  Scheduler(const std::vector<LaneStep>& steps, const BlockedSets& sets, int threads)
      : steps_(steps), sets_(sets), threads_(threads), lane_of_(steps.size()), end_(steps.size()) {}

  // As few lanes as blocking ops allow.
  void few() {
    for (uint32_t i = 0; i < steps_.size(); ++i) {
      uint32_t chosen = kNone;
      for (uint32_t l = 0; l < set_of_.size(); ++l) {
        // The lane that waits for most of what this step waits for leaves the others to work that is free sooner.
        if (fits(i, l) && (chosen == kNone || sets_.size_of(set_of_[l]) > sets_.size_of(set_of_[chosen]))) chosen = l;
      }
      place(i, chosen);
    }
  }

  // The lane in which each step ends first.
  void fast(uint32_t max_lanes) {
    for (uint32_t i = 0; i < steps_.size(); ++i) {
      uint32_t chosen = kNone;
      double best = 0;
      for (uint32_t l = 0; l < set_of_.size(); ++l) {
        if (!fits(i, l)) continue;
        const double begin = begin_of(i, l);
        if (chosen == kNone || begin < best || (begin == best && follows(i, l))) chosen = l, best = begin;
      }
      const bool may_open = set_of_.size() < max_lanes;
      if (chosen != kNone && may_open && begin_of(i, kNone) < best) chosen = kNone;
      place(i, chosen);
    }
  }

  double end() const { return free_.empty() ? 0 : *std::max_element(free_.begin(), free_.end()); }
  std::vector<uint32_t> take() { return std::move(lane_of_); }
  size_t lanes() const { return set_of_.size(); }

 private:
  bool fits(uint32_t step, uint32_t lane) const { return sets_.subset(set_of_[lane], steps_[step].blocked); }
  bool splits(uint32_t step) const { return !steps_[step].serial && steps_[step].ns >= kSplitNs && threads_ > 1; }

  bool follows(uint32_t step, uint32_t lane) const {
    const auto& before = steps_[step].before;
    return std::any_of(before.begin(), before.end(), [&](uint32_t b) { return lane_of_[b] == lane; });
  }

  // A lane not yet open begins when somebody wakes a thread for it.
  double begin_of(uint32_t step, uint32_t lane) const {
    double begin = lane == kNone ? (set_of_.empty() ? 0 : kCrossingNs) : free_[lane];
    for (uint32_t b : steps_[step].before) {
      begin = std::max(begin, end_[b] + (lane_of_[b] == lane ? 0 : kCrossingNs));
    }
    // A kernel that takes all threads waits until they are free.
    if (splits(step)) begin = std::max(begin, end());
    return begin;
  }

  void place(uint32_t step, uint32_t lane) {
    const double begin = begin_of(step, lane);
    if (lane == kNone) {
      lane = static_cast<uint32_t>(set_of_.size());
      set_of_.push_back(0);
      free_.push_back(0);
    }
    end_[step] = begin + (splits(step) ? steps_[step].ns / threads_ : steps_[step].ns);
    lane_of_[step] = lane;
    set_of_[lane] = steps_[step].blocked;
    free_[lane] = end_[step];
    if (splits(step)) std::fill(free_.begin(), free_.end(), end_[step]);
  }

  const std::vector<LaneStep>& steps_;
  const BlockedSets& sets_;
  const int threads_;
  std::vector<uint32_t> lane_of_;
  std::vector<double> end_;
  std::vector<uint32_t> set_of_;  // per lane: what its last step waits for, which holds all that earlier ones wait for
  std::vector<double> free_;
};

}  // namespace

uint32_t BlockedSets::unite(const std::vector<uint32_t>& sets, int32_t own) {
  uint32_t largest = 0;
  for (uint32_t s : sets) {
    if (sets_[s].size() > sets_[largest].size()) largest = s;
  }
  const bool has_all = std::all_of(sets.begin(), sets.end(), [&](uint32_t s) { return subset(s, largest); });
  if (has_all && own < 0) return largest;
  std::vector<int32_t> all;
  for (uint32_t s : sets) all.insert(all.end(), sets_[s].begin(), sets_[s].end());
  if (own >= 0) all.push_back(own);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  const auto found = std::find(sets_.begin(), sets_.end(), all);
  if (found != sets_.end()) return static_cast<uint32_t>(found - sets_.begin());
  sets_.push_back(std::move(all));
  return static_cast<uint32_t>(sets_.size() - 1);
}

bool BlockedSets::subset(uint32_t a, uint32_t b) const {
  return a == b || a == 0 || std::includes(sets_[b].begin(), sets_[b].end(), sets_[a].begin(), sets_[a].end());
}

std::vector<uint32_t> choose_lanes(const std::vector<LaneStep>& steps, const BlockedSets& sets, int threads,
                                   int max_lanes) {
  Scheduler few(steps, sets, threads);
  few.few();
  const int lanes = std::min(threads, max_lanes);
  if (lanes > static_cast<int>(few.lanes())) {
    Scheduler fast(steps, sets, threads);
    fast.fast(static_cast<uint32_t>(lanes));
    // The prediction is rough: what is won has to be worth it.
    if (fast.end() + kCrossingNs < 0.9 * few.end()) return fast.take();
  }
  return few.take();
}

HappensBefore::HappensBefore(const std::vector<LaneStep>& steps, const std::vector<uint32_t>& lane_of)
    : lane_of_(lane_of), position_(steps.size()), waits_(steps.size()) {
  for (uint32_t l : lane_of) num_lanes_ = std::max(num_lanes_, l + 1);
  clock_.assign(steps.size() * num_lanes_, 0);
  std::vector<uint32_t> last(num_lanes_, kNone), count(num_lanes_, 0);
  for (uint32_t i = 0; i < steps.size(); ++i) {
    uint32_t* const clock = clock_.data() + size_t{i} * num_lanes_;
    const auto join = [&](uint32_t other) {
      const uint32_t* theirs = clock_.data() + size_t{other} * num_lanes_;
      for (uint32_t l = 0; l < num_lanes_; ++l) clock[l] = std::max(clock[l], theirs[l]);
      clock[lane_of[other]] = std::max(clock[lane_of[other]], position_[other] + 1);
    };
    const uint32_t mine = lane_of[i];
    if (last[mine] != kNone) join(last[mine]);
    // Latest first: what it implies needs no event of its own.
    for (auto b = steps[i].before.rbegin(); b != steps[i].before.rend(); ++b) {
      if (lane_of[*b] == mine || clock[lane_of[*b]] > position_[*b]) continue;
      waits_[i].push_back(*b);
      join(*b);
    }
    position_[i] = count[mine]++;
    last[mine] = i;
  }
}

double predict_ns(const Cost& cost) {
  // Per nanosecond of one core: 16 floating-point operations, 8 bytes. Low for products, high for small tensors; it
  // only has to tell microseconds from milliseconds.
  return 100 + std::max(cost.flops / 16, cost.bytes / 8);
}

}  // namespace tw
