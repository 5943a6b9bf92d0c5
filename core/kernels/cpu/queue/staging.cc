// Stage, Unstage, StagePeek, StageSize and StageClear: tuples that one step puts down for the next, in order.
#include <deque>

#include "core/framework/step_wait.h"
#include "core/kernels/cpu/queue/queue.h"

namespace tw {
namespace {

struct StageState : KernelState {
  std::string container, name;
  int64_t capacity = 0, memory = 0;  // 0: without limit
  std::vector<DType> types;
};

// Thread-safe.
class StagingArea final : public Resource {
 public:
  StagingArea(std::string name, int64_t capacity, int64_t memory)
      : name_(std::move(name)), capacity_(capacity), memory_(memory) {}
  std::string describe() const override { return internal::concat("StagingArea '", name_, "'"); }

  // Waits while the area is full.
  Status put(StepContext& step, QueueElement element) {
    const int64_t bytes = bytes_of(element);
    if (memory_ > 0 && bytes > memory_) {
      return resource_exhausted("Attempted to insert tensors with combined size of '", bytes,
                                "' bytes into Staging Area with a memory limit of '", memory_, "'.");
    }
    StepWait wait(step, mutex_, changed_);
    TW_RETURN_IF_ERROR(wait.until([&] {
      return (capacity_ <= 0 || static_cast<int64_t>(elements_.size()) < capacity_) &&
             (memory_ <= 0 || held_ + bytes <= memory_);
    }));
    held_ += bytes;
    elements_.push_back(std::move(element));
    changed_.notify_all();
    return {};
  }
  // Waits until there is one.
  Status get(StepContext& step, QueueElement* element) {
    StepWait wait(step, mutex_, changed_);
    TW_RETURN_IF_ERROR(wait.until([&] { return !elements_.empty(); }));
    *element = std::move(elements_.front());
    elements_.pop_front();
    held_ -= bytes_of(*element);
    changed_.notify_all();
    return {};
  }
  // Waits until there are more than `index`; the element stays.
  Status peek(StepContext& step, int64_t index, QueueElement* element) {
    StepWait wait(step, mutex_, changed_);
    TW_RETURN_IF_ERROR(wait.until([&] { return index < static_cast<int64_t>(elements_.size()); }));
    *element = elements_[static_cast<size_t>(index)];
    return {};
  }
  int64_t size() const {
    std::lock_guard lock(mutex_);
    return static_cast<int64_t>(elements_.size());
  }
  void clear() {
    std::lock_guard lock(mutex_);
    elements_.clear();
    held_ = 0;
    changed_.notify_all();
  }

 private:
  static int64_t bytes_of(const QueueElement& e) {
    int64_t bytes = 0;
    for (const Tensor& t : e) bytes += static_cast<int64_t>(t.bytes());
    return bytes;
  }

  const std::string name_;
  const int64_t capacity_, memory_;
  mutable std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  std::deque<QueueElement> elements_;
  int64_t held_ = 0;
};

Status prepare(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<StageState>();
  s.container = ctx.attrs().string("container");
  s.name = ctx.attrs().string("shared_name");
  // Without a name there is one area for all.
  if (s.name.empty()) s.name = "StagingArea";
  s.capacity = ctx.attrs().integer("capacity");
  s.memory = ctx.attrs().integer("memory_limit");
  s.types = ctx.attrs().must<std::vector<DType>>("dtypes");
  return {};
}

// The area keeps itself alive through the handle.
Result<Ref<StagingArea>> area(const RunContext& ctx) {
  const auto& s = ctx.state<StageState>();
  TW_ASSIGN_OR_RETURN(const ResourceHandle found,
                      ctx.step().resources().find_or_create(s.container, s.name, [&]() -> Result<ResourceHandle> {
                        return ResourceHandle(make_ref<StagingArea>(s.name, s.capacity, s.memory));
                      }));
  auto* a = dynamic_cast<StagingArea*>(found.get());
  if (a == nullptr) return invalid_argument("'", s.name, "' is ", found->describe(), ", and cannot be a StagingArea");
  return Ref<StagingArea>(a);
}

Status give(const RunContext& ctx, QueueElement element) {
  const std::vector<DType>& types = ctx.state<StageState>().types;
  bool fits = element.size() == types.size();
  for (size_t i = 0; fits && i < types.size(); ++i) fits = element[i].dtype() == types[i];
  if (!fits) {
    return invalid_argument("A staged element of ", element.size(), " tensors has other dtypes than ",
                            to_string(AttrValue(types)));
  }
  for (size_t i = 0; i < element.size(); ++i) ctx.set_output(static_cast<int>(i), std::move(element[i]));
  return {};
}

Status run_stage(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Ref<StagingArea> a, area(ctx));
  QueueElement element;
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(Tensor t, ctx.input_tensor(i, true));
    element.push_back(std::move(t));
  }
  return a->put(ctx.step(), std::move(element));
}

Status run_unstage(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Ref<StagingArea> a, area(ctx));
  QueueElement element;
  TW_RETURN_IF_ERROR(a->get(ctx.step(), &element));
  return give(ctx, std::move(element));
}

Status run_peek(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Ref<StagingArea> a, area(ctx));
  const int64_t index = *ctx.in<int32_t>(0);
  if (index < 0) return invalid_argument("index of StagePeek must not be negative, but is ", index);
  QueueElement element;
  TW_RETURN_IF_ERROR(a->peek(ctx.step(), index, &element));
  return give(ctx, std::move(element));
}

Status run_size(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Ref<StagingArea> a, area(ctx));
  *ctx.out<int32_t>(0) = static_cast<int32_t>(a->size());
  return {};
}

Status run_clear(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Ref<StagingArea> a, area(ctx));
  a->clear();
  return {};
}

}  // namespace

TW_KERNEL(Stage, prepare, run_stage);
TW_KERNEL(Unstage, prepare, run_unstage);
TW_KERNEL(StagePeek, prepare, run_peek);
TW_KERNEL(StageSize, prepare, run_size);
TW_KERNEL(StageClear, prepare, run_clear);

}  // namespace tw
