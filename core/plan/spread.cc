// Code of one lane sorted into several, with the events that keep them in step.
#include "core/plan/plan.h"

namespace tw {

namespace {

Instruction event_instruction(InstKind kind, uint32_t event) {
  Instruction inst;
  inst.kind = kind;
  inst.extra = event;
  return inst;
}

}  // namespace

std::vector<uint32_t> spread_over_lanes(Plan* plan, const HappensBefore& when) {
  const uint32_t size = static_cast<uint32_t>(plan->code.size());
  // An event has one waiter: a step that two lanes wait for signals twice.
  std::vector<std::vector<uint32_t>> waits(size), signals(size);
  for (uint32_t i = 0; i < size; ++i) {
    for (uint32_t before : when.waits(i)) {
      waits[i].push_back(plan->num_events);
      signals[before].push_back(plan->num_events++);
    }
  }

  std::vector<Instruction> code;
  std::vector<PlanNode> nodes;
  nodes.reserve(size);
  std::vector<uint32_t> place(size);
  const auto add_event = [&](InstKind kind, uint32_t event, const PlanNode& like) {
    code.push_back(event_instruction(kind, event));
    nodes.push_back({like.name, kind == InstKind::kWait ? "_Wait" : "_Signal", like.where, {}, {}});
  };
  for (uint32_t lane = 0; lane < when.num_lanes(); ++lane) {
    const uint32_t begin = static_cast<uint32_t>(code.size());
    for (uint32_t i = 0; i < size; ++i) {
      if (when.lane(i) != lane) continue;
      for (uint32_t e : waits[i]) add_event(InstKind::kWait, e, plan->nodes[i]);
      place[i] = static_cast<uint32_t>(code.size());
      code.push_back(plan->code[i]);
      nodes.push_back(signals[i].empty() ? std::move(plan->nodes[i]) : plan->nodes[i]);
      for (uint32_t e : signals[i]) add_event(InstKind::kSignal, e, plan->nodes[i]);
    }
    plan->lanes.push_back({begin, static_cast<uint32_t>(code.size())});
  }
  plan->code = std::move(code);
  plan->nodes = std::move(nodes);
  return place;
}

}  // namespace tw
