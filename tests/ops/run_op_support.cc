#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <cstdlib>
#include <cstring>

#include "core/framework/shape_context.h"
#include "core/graph/builder.h"
#include "core/runtime/session.h"
#include "tests/ops/run_op.h"

namespace tw::test {
namespace {

constexpr unsigned char kFill = 0xA5;

}  // namespace

// Memory that ends at a page nobody may touch, with guard bytes before it; where the system has no such pages, guard
// bytes follow it instead.
class OpRun::Fence {
 public:
  Fence(size_t bytes, size_t alignment) : bytes_(bytes) {
    const size_t room = (bytes + alignment - 1) / alignment * alignment + kGuard;
#if defined(__unix__) || defined(__APPLE__)
    static const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    usable_ = (room + page - 1) / page * page;
    mapped_ = usable_ + page;
    void* p = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(static_cast<char*>(p) + usable_, page, PROT_NONE) != 0) std::abort();
    memory_ = static_cast<unsigned char*>(p);
#else
    usable_ = room + kGuard;
    memory_ = static_cast<unsigned char*>(std::malloc(usable_));
    if (memory_ == nullptr) std::abort();
#endif
    start_ = (usable_ - bytes) / alignment * alignment;
    std::memset(memory_, kFill, usable_);
  }
  ~Fence() {
#if defined(__unix__) || defined(__APPLE__)
    munmap(memory_, mapped_);
#else
    std::free(memory_);
#endif
  }
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;

  void* data() const { return memory_ + start_; }
  bool intact() const {
    for (size_t i = 0; i < usable_; ++i) {
      if ((i < start_ || i >= start_ + bytes_) && memory_[i] != kFill) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 64;
  size_t bytes_, start_ = 0, usable_ = 0, mapped_ = 0;
  unsigned char* memory_ = nullptr;
};

namespace {

class Step : public StepContext {
 public:
  WorkerPool& pool() override { return pool_; }
  ResourceManager& resources() override { return resources_; }
  bool cancelled() const override { return false; }
  int64_t step_id() const override { return 1; }

 private:
  WorkerPool pool_{2};
  ResourceManager resources_;
};

// Which argument each input of a node belongs to, for the row's mask of inputs that prepare() wants to see.
std::vector<int> owners(const OpDef& op, const AttrMap& attrs) {
  std::vector<int> owner;
  for (size_t a = 0; a < op.inputs.size(); ++a) {
    DTypes types;
    if (expand_args(op, op.inputs.subspan(a, 1), attrs, &types).ok())
      owner.insert(owner.end(), types.size(), static_cast<int>(a));
  }
  return owner;
}

}  // namespace

Result<OpResults> run_in_session(const std::string& op, const AttrMap& attrs, const std::vector<OpInput>& inputs,
                                 Feeding feeding, int num_outputs) {
  auto graph = std::make_shared<Graph>();
  Builder b(graph.get());
  std::vector<Output> sources, handles, reads;
  std::vector<NodeId> assigns;
  std::vector<std::pair<Output, Tensor>> feeds;
  for (const OpInput& in : inputs) {
    if (in.variable) {
      const Output handle{b.add("VarHandleOp", {},
                                {{"dtype", in.value.dtype()},
                                 {"shape", in.value.shape()},
                                 {"shared_name", "v" + std::to_string(handles.size())}}),
                          0};
      assigns.push_back(b.add("AssignVariableOp", {handle, b.constant(in.value)}));
      handles.push_back(handle);
      reads.push_back({b.add("ReadVariableOp", {handle}, {{"dtype", in.value.dtype()}}), 0});
      sources.push_back(handle);
    } else if (feeding == Feeding::kConstant) {
      sources.push_back(b.constant(in.value));
    } else {
      const Shape shape = feeding == Feeding::kShaped ? in.value.shape() : Shape::unknown();
      sources.push_back({b.add("Placeholder", {}, {{"dtype", in.value.dtype()}, {"shape", shape}}), 0});
      feeds.push_back({sources.back(), in.value});
    }
  }
  const NodeId id = b.add(op, sources, attrs);
  TW_RETURN_IF_ERROR(b.status());
  SessionOptions options;
  options.intra_op_threads = 2;
  options.optimize = feeding != Feeding::kConstant;
  TW_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, Session::create(graph, options));
  OpResults results;
  std::vector<Tensor> none;
  if (!assigns.empty()) TW_RETURN_IF_ERROR(session->run({}, {}, {}, assigns, &none));
  if (num_outputs < 0) num_outputs = static_cast<int>(graph->node(id).output_dtypes.size());
  std::vector<Output> fetches;
  for (int i = 0; i < num_outputs; ++i) {
    fetches.push_back({id, i});
    results.inferred.push_back(graph->shape(fetches.back()));
  }
  const NodeId targets[] = {id};
  TW_RETURN_IF_ERROR(session->run({}, feeds, fetches,
                                  fetches.empty() ? std::span<const NodeId>(targets) : std::span<const NodeId>(),
                                  &results.outputs));
  if (!reads.empty()) TW_RETURN_IF_ERROR(session->run({}, {}, reads, {}, &results.after));
  return results;
}

bool runs_alone(const OpDef& op) {
  if (op.has(kStateful) || op.has(kControlFlow) || op.has(kBlocking) || !op.lowers_to.empty()) return false;
  for (const ArgDef& a : op.inputs) {
    if (a.dtype == DType::kResource || a.dtype == DType::kVariant || a.is_ref) return false;
  }
  return true;
}

OpRun::~OpRun() {
  for (const Value& v : values_) {
    if (v.owner != nullptr) v.owner->unref();
  }
}

Result<std::unique_ptr<OpRun>> OpRun::make(const OpDef& op, AttrMap attrs, const std::vector<OpInput>& inputs,
                                           Memory memory) {
  std::unique_ptr<OpRun> run(new OpRun);
  TW_RETURN_IF_ERROR(run->init(op, std::move(attrs), inputs, memory));
  return run;
}

void* OpRun::place(size_t number, DType dtype, const Shape& shape, Memory memory) {
  if (memory == Memory::kFenced && is_plain(dtype)) {
    const size_t bytes = static_cast<size_t>(shape.num_elements()) * dtype_size(dtype);
    fences_[number] = std::make_unique<Fence>(bytes, dtype_size(dtype));
    return fences_[number]->data();
  }
  storage_[number] = Tensor::make_or_die(dtype, shape);
  return storage_[number].raw();
}

Status OpRun::init(const OpDef& op, AttrMap attrs, const std::vector<OpInput>& inputs, Memory memory) {
  static Step step;
  inputs_ = inputs;
  std::vector<DType> in_types;
  DTypes out_types;
  for (const OpInput& in : inputs_) {
    in_shapes_.push_back(in.value.shape());
    in_types.push_back(in.value.dtype());
  }
  TW_RETURN_IF_ERROR(infer_attrs(op, in_types, &attrs));
  TW_RETURN_IF_ERROR(complete_attrs(op, &attrs));
  TW_RETURN_IF_ERROR(expand_args(op, op.outputs, attrs, &out_types));
  std::vector<const Tensor*> all, wanted;
  const std::vector<int> owner = owners(op, attrs);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    all.push_back(&inputs_[i].value);
    wanted.push_back(((op.value_inputs >> owner[i]) & 1) != 0 ? &inputs_[i].value : nullptr);
  }
  const std::vector<HandleShape> handles(inputs_.size());
  ShapeContext shapes(op, attrs, in_shapes_, in_types, all, handles, out_types.size());
  TW_RETURN_IF_ERROR(op.shape(shapes));
  out_shapes_.assign(shapes.outputs().begin(), shapes.outputs().end());
  kernel_ = find_kernel(op, attrs);
  if (kernel_ == nullptr) return not_found("no kernel of ", op.name);
  PrepareContext prepare(op, attrs, in_shapes_, in_types, wanted, out_shapes_, out_types, step.pool().threads());
  TW_RETURN_IF_ERROR(kernel_->prepare(prepare));
  state_ = prepare.take_state();

  const size_t n_in = inputs_.size(), n = n_in + out_types.size();
  values_.resize(n);
  dynamic_shapes_.resize(n);
  storage_.resize(n);
  fences_.resize(n + 1);
  for (size_t i = 0; i < n; ++i) numbers_.push_back(static_cast<uint32_t>(i));
  for (size_t i = 0; i < n_in; ++i) {
    const Tensor& t = inputs_[i].value;
    values_[i] = {t.raw(), &t.shape(), t.buffer().get(), t.dtype()};
    cost_.bytes += static_cast<double>(t.bytes());
    // Kernels may pass on an input through its owner, which a copy in other memory has not.
    if (memory == Memory::kFenced && is_plain(t.dtype()) && !op.has(kAliases)) {
      values_[i] = {place(i, t.dtype(), t.shape(), memory), &t.shape(), nullptr, t.dtype()};
      if (t.bytes() > 0) std::memcpy(values_[i].data, t.raw(), t.bytes());
    } else {
      values_[i].owner->ref();
    }
  }
  for (size_t o = 0; o < out_types.size(); ++o) {
    Value& v = values_[n_in + o];
    v.dtype = out_types[o];
    if (!out_shapes_[o].fully_known()) continue;
    v.shape = &out_shapes_[o];
    v.data = place(n_in + o, v.dtype, *v.shape, memory);
    cost_.bytes += static_cast<double>(v.shape->num_elements()) * static_cast<double>(dtype_size(v.dtype));
  }
  fences_[n] = std::make_unique<Fence>(prepare.workspace(), 64);
  context_.values_ = values_.data();
  context_.dynamic_shapes_ = dynamic_shapes_.data();
  context_.args_ = numbers_.data();
  context_.state_ = state_.get();
  context_.workspace_ = fences_[n]->data();
  context_.step_ = &step;
  context_.num_in_ = static_cast<uint16_t>(n_in);
  context_.num_out_ = static_cast<uint16_t>(out_types.size());
  return {};
}

Status OpRun::run() { return kernel_->run(context_); }

std::string OpRun::overrun() const {
  const size_t n_in = inputs_.size();
  for (size_t i = 0; i < values_.size(); ++i) {
    if (fences_[i] == nullptr) continue;
    if (!fences_[i]->intact()) {
      return internal::concat("around ", i < n_in ? "input " : "output ", i < n_in ? i : i - n_in);
    }
    if (i < n_in && inputs_[i].value.bytes() > 0 &&
        std::memcmp(fences_[i]->data(), inputs_[i].value.raw(), inputs_[i].value.bytes()) != 0) {
      return internal::concat("in input ", i);
    }
  }
  return fences_.back()->intact() ? "" : "around the workspace";
}

Result<std::vector<Tensor>> OpRun::outputs() const {
  std::vector<Tensor> outputs;
  for (size_t i = inputs_.size(); i < values_.size(); ++i) {
    TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(values_[i].dtype, *values_[i].shape));
    copy_elements(t.dtype(), values_[i].data, t.raw(), t.num_elements());
    outputs.push_back(std::move(t));
  }
  return outputs;
}

}  // namespace tw::test
