// Lanes: which instructions of a plan run beside which. A lane is run in order on one thread at a time; another lane is
// opened where it saves more than it costs to cross threads, and where ops that may wait for others would hold up work
// that does not wait for them.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/framework/kernel.h"

namespace tw {

// What a node waits for: the ops with the `blocking` trait that it is, or depends on. Sets are numbered; 0 is empty.
class BlockedSets {
 public:
  BlockedSets() : sets_{{}} {}
  // The number of the union of the sets, with `own` added unless negative.
  uint32_t unite(const std::vector<uint32_t>& sets, int32_t own);
  bool subset(uint32_t a, uint32_t b) const;
  size_t size_of(uint32_t set) const { return sets_[set].size(); }
  bool none() const { return sets_.size() == 1; }  // nothing blocks

 private:
  std::vector<std::vector<int32_t>> sets_;
};

// An instruction as lanes see it.
struct LaneStep {
  std::vector<uint32_t> before;  // steps that must be done first, all of smaller number
  double ns = 0;                 // predicted time on one thread
  bool serial = false;           // never spreads over the worker pool, however long it takes
  uint32_t blocked = 0;          // number of a BlockedSet
};

// The lane of each step; within a lane, steps run in order of number. Lane 0 is the caller's. `threads` compute
// together; at most `max_lanes` lanes are opened for speed, but as many as are needed so that no step waits in line
// behind one that is blocked by an op it does not depend on.
std::vector<uint32_t> choose_lanes(const std::vector<LaneStep>& steps, const BlockedSets& sets, int threads,
                                   int max_lanes);

// When each step of a schedule is sure to be over, as seen from other steps (vector clocks: Mattern, 1988).
class HappensBefore {
 public:
  HappensBefore(const std::vector<LaneStep>& steps, const std::vector<uint32_t>& lane_of);
  uint32_t num_lanes() const { return num_lanes_; }
  uint32_t lane(uint32_t step) const { return lane_of_[step]; }
  // Whether `a` is over before `b` begins.
  bool before(uint32_t a, uint32_t b) const { return clock_[b * num_lanes_ + lane_of_[a]] > position_[a]; }
  // The steps in other lanes that `step` has to wait for by an event: others follow from those and from its own lane.
  const std::vector<uint32_t>& waits(uint32_t step) const { return waits_[step]; }

 private:
  const std::vector<uint32_t>& lane_of_;
  uint32_t num_lanes_ = 1;
  std::vector<uint32_t> position_;  // of each step in its lane
  std::vector<uint32_t> clock_;     // per step and lane: how many steps of the lane are over
  std::vector<std::vector<uint32_t>> waits_;
};

// Predicted time on one thread, in nanoseconds: what it computes or what it moves, whichever takes longer.
double predict_ns(const Cost& cost);

}  // namespace tw
