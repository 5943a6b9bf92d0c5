#include "core/runtime/frame.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "core/platform/alloc.h"

namespace tw {

void drop(Value& v) {
  if (v.owner == nullptr) return;
  v.owner->unref();
  v.owner = nullptr;
}

Status allocate_value(Value& v) {
  TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(v.dtype, *v.shape));
  drop(v);
  v.data = t.raw();
  v.owner = Ref<Buffer>(t.buffer()).release();
  return {};
}

Status allocate_zeros(Value& v) {
  TW_RETURN_IF_ERROR(allocate_value(v));
  if (is_plain(v.dtype)) std::memset(v.data, 0, static_cast<size_t>(v.shape->num_elements()) * dtype_size(v.dtype));
  return {};
}

Tensor view_of(const Value& v) {
  if (v.owner != nullptr) {
    const size_t offset = static_cast<size_t>(static_cast<char*>(v.data) - static_cast<char*>(v.owner->data()));
    return Tensor(v.dtype, *v.shape, Ref<Buffer>(v.owner), offset);
  }
  const size_t bytes = static_cast<size_t>(v.shape->num_elements()) * dtype_size(v.dtype);
  return Tensor(v.dtype, *v.shape, wrap_memory(v.data, bytes, false, nullptr, nullptr));
}

Frame::Frame(const Plan& plan)
    : values(plan.values.size()),
      shapes(plan.values.size()),
      dynamics(plan.dynamics.size()),
      results(plan.allocated.size()),
      device_(plan.device) {
  for (size_t i = 0; i < plan.lanes.size(); ++i) streams.push_back(device_->make_stream());
  for (uint32_t i = 0; i < plan.num_events; ++i) events.push_back(device_->make_event());
  for (size_t i = 0; i < plan.values.size(); ++i) {
    const ValueInfo& info = plan.values[i];
    Value& v = values[i];
    v.dtype = info.dtype;
    shapes[i] = info.shape;
    v.shape = info.known ? &info.shape : &shapes[i];
    if (info.storage != Storage::kConstant) continue;
    const int32_t root = info.constant < 0 && info.view_of >= 0
                             ? plan.values[static_cast<size_t>(info.view_of)].constant
                             : info.constant;
    v.data = plan.constants[static_cast<size_t>(root)].raw();
  }
}

Frame::~Frame() {
  for (Value& v : values) drop(v);
  if (arena != nullptr) device_->deallocate(arena);
}

namespace {

// What is smaller is not worth the search, nor the placing of values that comes with another arena.
constexpr size_t kSharedBytes = size_t{256} << 10;
// An arena goes to steps that use at least this part of it: it may be missed where it came from.
constexpr size_t kLargestPart = 4;

// Takes the arena of the frame at rest, of any plan, whose size `fits` and is the first in the order of `better`.
template <typename Fits, typename Better>
bool rob(PlanRegistry& registry, Frame& frame, const Fits& fits, const Better& better) {
  size_t best = 0;
  for (Plan* plan : registry.plans) {
    std::lock_guard lock(plan->frame_mutex);
    for (const auto& resting : plan->frames) {
      const size_t bytes = resting->arena_bytes;
      if (resting->arena != nullptr && fits(bytes) && (best == 0 || better(bytes, best))) best = bytes;
    }
  }
  if (best == 0) return false;
  for (Plan* plan : registry.plans) {
    std::lock_guard lock(plan->frame_mutex);
    for (const auto& resting : plan->frames) {
      if (resting->arena == nullptr || resting->arena_bytes != best) continue;
      frame.arena = std::exchange(resting->arena, nullptr);
      frame.arena_bytes = best;
      return true;
    }
  }
  return false;  // a step began meanwhile
}

// Where no arena at rest fits, the largest that a new one outdoes goes back to the system.
bool take_over_arena(const Plan& plan, Frame& frame) {
  const size_t need = plan.arena_bytes;
  std::lock_guard lock(plan.registry->mutex);
  const auto fits = [&](size_t n) { return n >= need && n / kLargestPart <= need; };
  if (rob(*plan.registry, frame, fits, std::less<>())) return true;
  const auto outdone = [&](size_t n) { return n < need && n >= kSharedBytes; };
  if (rob(*plan.registry, frame, outdone, std::greater<>())) {
    plan.device->deallocate(std::exchange(frame.arena, nullptr));
    release_cached_memory();
  }
  return false;
}

Status give_arena(const Plan& plan, Frame& frame) {
  if (plan.arena_bytes < kSharedBytes || !take_over_arena(plan, frame)) {
    frame.arena = plan.device->allocate(plan.arena_bytes);
    frame.arena_bytes = plan.arena_bytes;
    if (frame.arena == nullptr) {
      return resource_exhausted("OOM: a step of this program needs ", plan.arena_bytes, " bytes, which device ",
                                plan.device->type(), " does not have");
    }
  }
  for (size_t i = 0; i < plan.values.size(); ++i) {
    const ValueInfo& info = plan.values[i];
    if (info.storage != Storage::kArena) continue;
    const ValueInfo& root = info.view_of >= 0 ? plan.values[static_cast<size_t>(info.view_of)] : info;
    frame.values[i].data = static_cast<char*>(frame.arena) + root.offset;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Frame>> take_frame(Plan& plan) {
  std::unique_ptr<Frame> frame;
  {
    std::lock_guard lock(plan.frame_mutex);
    if (!plan.frames.empty()) {
      frame = std::move(plan.frames.back());
      plan.frames.pop_back();
    }
  }
  if (frame == nullptr) frame = std::make_unique<Frame>(plan);
  if (frame->arena == nullptr) TW_RETURN_IF_ERROR(give_arena(plan, *frame));
  return frame;
}

#ifdef TW_VERIFY_PASSES
// A kernel that brings its own outputs says so in its row (trait data_dependent). Where one does it unsaid, nobody
// drops what it brought.
void check_no_owner(const Plan& plan, const Frame& frame, uint32_t v) {
  if (frame.values[v].owner == nullptr) return;
  std::fprintf(stderr, "value %u has an owner that the plan does not provide for:\n%s\n", v, print(plan).c_str());
  std::abort();
}
#endif

void return_frame(Plan& plan, std::unique_ptr<Frame> frame) {
  for (uint32_t v : plan.counted) drop(frame->values[v]);
  for (Ref<Buffer>& b : frame->results) b = {};
#ifdef TW_VERIFY_PASSES
  for (uint32_t v = 0; v < frame->values.size(); ++v) check_no_owner(plan, *frame, v);
#endif
  std::lock_guard lock(plan.frame_mutex);
  plan.frames.push_back(std::move(frame));
}

// A plan made for the argument's exact shape has the shape already.
void bind(const Plan& plan, Frame& frame, uint32_t number, Tensor argument) {
  Value& v = frame.values[number];
  v.data = argument.raw();
  v.owner = Ref<Buffer>(argument.buffer()).release();
  if (!plan.values[number].known) {
    frame.shapes[number] = argument.shape();
    v.shape = &frame.shapes[number];
  }
}

Status allocate_result(const Plan& plan, Frame& frame, size_t k) {
  Value& v = frame.values[plan.allocated[k]];
  if (!frame.results[k]) {
    TW_ASSIGN_OR_RETURN(const Tensor t, Tensor::make(v.dtype, *v.shape));
    frame.results[k] = t.buffer();
  }
  v.data = frame.results[k]->data();
  return {};
}

Status allocate_results(const Plan& plan, Frame& frame) {
  const bool computes = plan.device->computes();
  for (size_t k = 0; k < plan.allocated.size(); ++k) {
    TW_RETURN_IF_ERROR(allocate_result(plan, frame, k));
    const Value& v = frame.values[plan.allocated[k]];
    if (!computes && is_plain(v.dtype)) std::memset(v.data, 0, frame.results[k]->bytes());
  }
  find_result_views(plan, frame);
  return {};
}

void find_result_views(const Plan& plan, Frame& frame) {
  for (uint32_t v : plan.result_views) {
    frame.values[v].data = frame.values[static_cast<size_t>(plan.values[v].view_of)].data;
  }
}

void hand_over_results(const Plan& plan, Frame& frame) {
  for (size_t k = 0; k < plan.allocated.size(); ++k) {
#ifdef TW_VERIFY_PASSES
    check_no_owner(plan, frame, plan.allocated[k]);
#endif
    frame.values[plan.allocated[k]].owner = frame.results[k].release();
  }
}

Result<Tensor> take_result(const Plan& plan, Frame& frame, uint32_t number) {
  const ValueInfo& info = plan.values[number];
  const uint32_t root = info.view_of >= 0 ? static_cast<uint32_t>(info.view_of) : number;
  const Value& v = frame.values[number];
  Buffer* owner = v.owner != nullptr ? v.owner : frame.values[root].owner;
  if (owner == nullptr) return view_of(v).clone();
  const size_t offset = static_cast<size_t>(static_cast<char*>(v.data) - static_cast<char*>(owner->data()));
  return Tensor(v.dtype, *v.shape, Ref<Buffer>(owner), offset);
}

Plan::Plan(std::shared_ptr<PlanRegistry> all) : registry(std::move(all)) {
  std::lock_guard lock(registry->mutex);
  registry->plans.push_back(this);
}

Plan::~Plan() {
  std::lock_guard lock(registry->mutex);
  std::erase(registry->plans, this);
}

}  // namespace tw
