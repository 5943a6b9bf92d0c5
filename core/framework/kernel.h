// The kernel interface. A kernel has two halves: prepare() runs when shapes are known (choose the algorithm, pack
// constants, size the workspace, state the cost), run() once per step (no allocation, lookup, lock or string). Kernels
// know nothing of graphs, plans or sessions.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/framework/attr.h"
#include "core/framework/op_def.h"
#include "core/framework/resource.h"
#include "core/platform/worker_pool.h"
#include "core/stream/stream.h"

namespace tw {

// What prepare() found out, kept for run(). Immutable once prepared: steps in flight share it.
class KernelState {
 public:
  virtual ~KernelState() = default;
};

struct Cost {
  double flops = 0;
  double bytes = 0;  // read plus written; where a kernel states none, its inputs and outputs count once each
};

class PrepareContext;
// All inputs and outputs, each once; those whose shapes are not known count nothing.
double operand_bytes(const PrepareContext& ctx);

class PrepareContext {
 public:
  PrepareContext(const OpDef& op, const AttrMap& attrs, std::span<const Shape> input_shapes,
                 std::span<const DType> input_dtypes, std::span<const Tensor* const> values,
                 std::span<const Shape> output_shapes, std::span<const DType> output_dtypes, int threads,
                 bool direct_convolutions = false)
      : op_(op),
        attrs_(attrs),
        input_shapes_(input_shapes),
        input_dtypes_(input_dtypes),
        values_(values),
        output_shapes_(output_shapes),
        output_dtypes_(output_dtypes),
        threads_(threads),
        direct_convolutions_(direct_convolutions) {}

  const OpDef& op() const { return op_; }
  const AttrReader& attrs() const { return attrs_; }
  int num_inputs() const { return static_cast<int>(input_shapes_.size()); }
  int num_outputs() const { return static_cast<int>(output_shapes_.size()); }
  const Shape& input_shape(int i) const { return input_shapes_[static_cast<size_t>(i)]; }
  DType input_dtype(int i) const { return input_dtypes_[static_cast<size_t>(i)]; }
  // The input's value when it is the same in every step, else null. Never null for the row's `value_inputs`.
  const Tensor* constant(int i) const { return values_.empty() ? nullptr : values_[static_cast<size_t>(i)]; }
  // As the shape function gave them; not fully known only for ops with a data-dependent shape.
  const Shape& output_shape(int i) const { return output_shapes_[static_cast<size_t>(i)]; }
  DType output_dtype(int i) const { return output_dtypes_[static_cast<size_t>(i)]; }
  int threads() const { return threads_; }                           // size of the pool that run() will get
  bool direct_convolutions() const { return direct_convolutions_; }  // no fast algorithm may round otherwise

  void set_state(std::unique_ptr<KernelState> state) { state_ = std::move(state); }
  template <typename S, typename... Args>
  S& emplace_state(Args&&... args) {
    auto s = std::make_unique<S>(std::forward<Args>(args)...);
    S& ref = *s;
    state_ = std::move(s);
    return ref;
  }
  // Scratch memory that run() gets, 64-byte aligned, contents undefined.
  void set_workspace(size_t bytes) { workspace_ = bytes; }
  void set_cost(Cost c) { cost_ = c; }
  // Which of several ways run() will go, in a few words for traces.
  void set_algorithm(std::string_view name) { algorithm_ = name; }
  // Allows the plan to give output `out` the storage of input `in` when nothing else needs it (element i of the output
  // is written only after element i of the input was read). The shapes' bytes must be equal.
  void allow_in_place(int in, int out) { in_place_.push_back({in, out}); }

  std::unique_ptr<KernelState> take_state() { return std::move(state_); }
  size_t workspace() const { return workspace_; }
  Cost cost() const { return {cost_.flops, cost_.bytes > 0 ? cost_.bytes : operand_bytes(*this)}; }
  const std::string& algorithm() const { return algorithm_; }
  const std::vector<std::pair<int, int>>& in_place() const { return in_place_; }

 private:
  const OpDef& op_;
  AttrReader attrs_;
  std::span<const Shape> input_shapes_;
  std::span<const DType> input_dtypes_;
  std::span<const Tensor* const> values_;
  std::span<const Shape> output_shapes_;
  std::span<const DType> output_dtypes_;
  int threads_;
  bool direct_convolutions_;
  std::unique_ptr<KernelState> state_;
  size_t workspace_ = 0;
  Cost cost_;
  std::string algorithm_;
  std::vector<std::pair<int, int>> in_place_;
};

// A value in a step: a view, with an owner when the storage is not the step's arena. Kernels read `data` and `shape`.
struct Value {
  void* data = nullptr;
  const Shape* shape = nullptr;
  Buffer* owner = nullptr;  // counted when not null
  DType dtype = DType::kInvalid;
};

class StepWait;

// What a step offers its kernels beside tensors. One per session.run; outlives every kernel of the step.
class StepContext {
 public:
  virtual ~StepContext() = default;
  virtual WorkerPool& pool() = 0;
  virtual ResourceManager& resources() = 0;
  virtual bool cancelled() const = 0;
  virtual int64_t step_id() const = 0;
  virtual bool direct_convolutions() const { return false; }  // as SessionOptions says
  // Cancelled or DeadlineExceeded when the step should stop.
  virtual Status check() const { return {}; }
  virtual std::optional<std::chrono::steady_clock::time_point> deadline() const { return {}; }
  // Who waits in the step's name, so that cancelling it can wake them (step_wait.h).
  virtual void add_wait(StepWait& wait) {}
  virtual void remove_wait(StepWait& wait) {}
  // Calls the function that the language above the core keeps under `token`, for the rows PyFunc and PyFuncStateless;
  // `results` comes with an entry for each output. FailedPrecondition when there is no way to it.
  virtual Status call_host(std::string_view token, std::span<const Tensor> arguments, std::vector<Tensor>* results);
};

class RunContext {
 public:
  int num_inputs() const { return num_in_; }
  int num_outputs() const { return num_out_; }
  template <typename T>
  const T* in(int i) const {
    return static_cast<const T*>(values_[args_[i]].data);
  }
  template <typename T>
  T* out(int i) const {
    return static_cast<T*>(values_[args_[num_in_ + i]].data);
  }
  const Value& input(int i) const { return values_[args_[i]]; }
  Value& output(int i) const { return values_[args_[num_in_ + i]]; }
  // An input as a Tensor that shares its storage. Arena values are copied first when `keep` (the tensor will outlive
  // the step); without it the tensor must not outlive the call.
  Result<Tensor> input_tensor(int i, bool keep) const;
  // True when nothing reads input i after this instruction and the step owns it, so that a kernel may take the
  // elements (a tensor list that is held only here grows in place).
  bool may_consume(int i) const { return i < 32 && ((consumable_ >> i) & 1) != 0; }
  // Replaces output i by a tensor (data-dependent shapes, resources, values that already exist elsewhere).
  void set_output(int i, Tensor t) const;
  // Storage for a data-dependent output from the step heap; the Value's data and shape are set.
  Result<void*> allocate_output(int i, const Shape& shape) const;

  template <typename S>
  const S& state() const {
    return *static_cast<const S*>(state_);
  }
  void* workspace() const { return workspace_; }
  StepContext& step() const { return *step_; }
  Stream& stream() const { return *stream_; }
  WorkerPool& pool() const { return step_->pool(); }

  // Set by the executor.
  Value* values_ = nullptr;
  Shape* dynamic_shapes_ = nullptr;  // per value, where set_output and allocate_output keep shapes
  const uint32_t* args_ = nullptr;   // value numbers: inputs, then outputs
  const KernelState* state_ = nullptr;
  void* workspace_ = nullptr;
  StepContext* step_ = nullptr;
  Stream* stream_ = nullptr;  // of the lane; null outside a step
  uint32_t consumable_ = 0;   // bit i: input i may be consumed
  uint16_t num_in_ = 0, num_out_ = 0;
};

struct KernelDef {
  Status (*prepare)(PrepareContext&);
  Status (*run)(const RunContext&);
};
// Defines the symbol that an op row's `kernel` names.
#define TW_KERNEL(name, prepare, run)   \
  extern const KernelDef kernel_##name; \
  const KernelDef kernel_##name = {prepare, run}

// Kernels of the CPU device by op, generated from the rows; null when the op has none for these dtypes. Element-wise
// rows without a kernel symbol get the map engine's kernel.
const KernelDef* find_kernel(const OpDef& op, const AttrMap& attrs);

}  // namespace tw
