// The rows of queue.toml.
#include "core/kernels/cpu/queue/queue.h"

namespace tw {
namespace {

// --- making queues: run once, when a program is compiled ---

struct MakeState : KernelState {
  std::string container;
  QueueSpec spec;
  int64_t min_after_dequeue = 0;
  uint64_t seed = 0, seed2 = 0;
  std::unique_ptr<QueueStore> (*store)(const MakeState&) = nullptr;
};

Result<MakeState*> prepare_queue(PrepareContext& ctx, std::string_view kind,
                                 std::unique_ptr<QueueStore> (*store)(const MakeState&)) {
  auto& state = ctx.emplace_state<MakeState>();
  const AttrReader& attrs = ctx.attrs();
  state.store = store;
  state.container = attrs.string("container");
  state.spec.kind = kind;
  state.spec.name = attrs.string("shared_name").empty() ? attrs.string("_node") : attrs.string("shared_name");
  state.spec.capacity = attrs.integer("capacity");
  state.spec.types = attrs.must<std::vector<DType>>("component_types");
  state.spec.shapes = attrs.must<std::vector<Shape>>("shapes");
  if (!state.spec.shapes.empty() && state.spec.shapes.size() != state.spec.types.size()) {
    return invalid_argument(kind, " has ", state.spec.types.size(), " component types and ", state.spec.shapes.size(),
                            " shapes: expected as many, or no shapes");
  }
  return &state;
}

Status run_queue(const RunContext& ctx) {
  const auto& state = ctx.state<MakeState>();
  TW_ASSIGN_OR_RETURN(
      const ResourceHandle found,
      ctx.step().resources().find_or_create(state.container, state.spec.name, [&]() -> Result<ResourceHandle> {
        return ResourceHandle(make_ref<Queue>(state.spec, state.store(state)));
      }));
  const auto* queue = dynamic_cast<const Queue*>(found.get());
  if (queue == nullptr) {
    return invalid_argument("'", state.spec.name, "' is ", found->describe(), ", and cannot be a ", state.spec.kind);
  }
  TW_RETURN_IF_ERROR(queue->check_spec(state.spec));
  Tensor handle = Tensor::make_or_die(DType::kResource, Shape{});
  handle.data<ResourceHandle>()[0] = found;
  ctx.set_output(0, std::move(handle));
  return {};
}

Status prepare_fifo(PrepareContext& ctx) {
  return prepare_queue(ctx, "FIFOQueue", [](const MakeState&) { return fifo_store(); }).status();
}

Status prepare_shuffle(PrepareContext& ctx) {
  TW_ASSIGN_OR_RETURN(MakeState * made, prepare_queue(ctx, "RandomShuffleQueue", [](const MakeState& s) {
                        return shuffle_store(s.min_after_dequeue, s.seed, s.seed2);
                      }));
  MakeState& state = *made;
  state.min_after_dequeue = ctx.attrs().integer("min_after_dequeue");
  state.seed = static_cast<uint64_t>(ctx.attrs().integer("seed"));
  state.seed2 = static_cast<uint64_t>(ctx.attrs().integer("seed2"));
  if (state.min_after_dequeue < 0) {
    return invalid_argument("min_after_dequeue must be >= 0, but is ", state.min_after_dequeue);
  }
  if (state.spec.capacity >= 0 && state.min_after_dequeue >= state.spec.capacity) {
    return invalid_argument("min_after_dequeue must be < capacity, but they are ", state.min_after_dequeue, " and ",
                            state.spec.capacity);
  }
  return {};
}

Status prepare_padding(PrepareContext& ctx) {
  TW_ASSIGN_OR_RETURN(const MakeState* state,
                      prepare_queue(ctx, "PaddingFIFOQueue", [](const MakeState&) { return padding_store(); }));
  const std::vector<Shape>& shapes = state->spec.shapes;
  if (shapes.empty()) return invalid_argument("PaddingFIFOQueue needs the shapes of its components");
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (!shapes[i].rank_known()) {
      return invalid_argument("PaddingFIFOQueue needs the rank of every component, but component ", i, " has shape ",
                              shapes[i]);
    }
  }
  return {};
}

// The priority is a component in front of those that the attributes declare.
Status prepare_priority(PrepareContext& ctx) {
  TW_ASSIGN_OR_RETURN(MakeState * state,
                      prepare_queue(ctx, "PriorityQueue", [](const MakeState&) { return priority_store(); }));
  QueueSpec& spec = state->spec;
  if (!spec.shapes.empty() || spec.types.empty()) spec.shapes.insert(spec.shapes.begin(), Shape{});
  spec.types.insert(spec.types.begin(), DType::kInt64);
  return {};
}

// --- using them ---

struct UseState : KernelState {
  std::vector<DType> types;  // of the components, as the node declares them
  bool cancel_pending = false;
};

Result<Queue*> queue_input(const RunContext& ctx) {
  Resource* resource = ctx.in<ResourceHandle>(0)->get();
  if (resource == nullptr) return invalid_argument("Input 0 is an empty resource handle");
  auto* queue = dynamic_cast<Queue*>(resource);
  if (queue == nullptr) return invalid_argument("Input 0 must be a queue, but is ", resource->describe());
  return queue;
}

// The queue, if its components have the dtypes that the node declares.
Result<Queue*> typed_queue(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Queue * queue, queue_input(ctx));
  const std::vector<DType>& types = ctx.state<UseState>().types;
  if (queue->spec().types != types) {
    return invalid_argument("Expected component types ", to_string(AttrValue(types)), ", but ", queue->describe(),
                            " has ", to_string(AttrValue(queue->spec().types)));
  }
  return queue;
}

Status prepare_use(PrepareContext& ctx, std::string_view types) {
  ctx.emplace_state<UseState>().types = ctx.attrs().must<std::vector<DType>>(types);
  if (ctx.attrs().integer("timeout_ms") != -1) {
    return invalid_argument("timeout_ms of ", ctx.op().name, " must be -1, but is ", ctx.attrs().integer("timeout_ms"),
                            "; a run's own timeout ends the wait");
  }
  return {};
}
Status prepare_enqueue(PrepareContext& ctx) { return prepare_use(ctx, "Tcomponents"); }
Status prepare_dequeue(PrepareContext& ctx) { return prepare_use(ctx, "component_types"); }

Status run_enqueue(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Queue * queue, typed_queue(ctx));
  QueueElement element;
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(Tensor t, ctx.input_tensor(i, true));
    element.push_back(std::move(t));
  }
  std::vector<QueueElement> one;
  one.push_back(std::move(element));
  return queue->enqueue(ctx.step(), std::move(one));
}

// Rows become tensors of their own: storage that overlaps a neighbour's tail could not be written in place later.
Status run_enqueue_many(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Queue * queue, typed_queue(ctx));
  int64_t count = -1;
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    const Shape& s = *ctx.input(i).shape;
    if (s.rank() < 1 || (count >= 0 && s.dim(0) != count)) {
      return invalid_argument("All components of an enqueue of many need one first dimension, but component ", i - 1,
                              " has shape ", s, count >= 0 ? internal::concat(" and others have ", count) : "");
    }
    count = s.dim(0);
  }
  std::vector<QueueElement> elements(static_cast<size_t>(count));
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    const Value& v = ctx.input(i);
    const Shape row(v.shape->dims().subspan(1));
    const char* from = static_cast<const char*>(v.data);
    for (QueueElement& e : elements) {
      TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(v.dtype, row));
      copy_elements(v.dtype, from, t.raw(), row.num_elements());
      from += static_cast<size_t>(row.num_elements()) * dtype_size(v.dtype);
      e.push_back(std::move(t));
    }
  }
  return queue->enqueue(ctx.step(), std::move(elements));
}

Status run_dequeue(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Queue * queue, typed_queue(ctx));
  std::vector<QueueElement> one;
  TW_RETURN_IF_ERROR(queue->dequeue(ctx.step(), 1, false, &one));
  for (size_t i = 0; i < one[0].size(); ++i) ctx.set_output(static_cast<int>(i), std::move(one[0][i]));
  return {};
}

Status run_dequeue_batch(const RunContext& ctx, bool allow_fewer) {
  TW_ASSIGN_OR_RETURN(Queue * queue, typed_queue(ctx));
  if (!ctx.input(1).shape->is_scalar()) {
    return invalid_argument("the number of elements to dequeue must be a scalar, but has shape ", *ctx.input(1).shape);
  }
  std::vector<Tensor> batch;
  TW_RETURN_IF_ERROR(queue->dequeue_batch(ctx.step(), ctx.in<int32_t>(1)[0], allow_fewer, &batch));
  for (size_t i = 0; i < batch.size(); ++i) ctx.set_output(static_cast<int>(i), std::move(batch[i]));
  return {};
}
Status run_dequeue_many(const RunContext& ctx) { return run_dequeue_batch(ctx, false); }
Status run_dequeue_up_to(const RunContext& ctx) { return run_dequeue_batch(ctx, true); }

Status prepare_close(PrepareContext& ctx) {
  ctx.emplace_state<UseState>().cancel_pending = ctx.attrs().boolean("cancel_pending_enqueues");
  return {};
}
Status run_close(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Queue * queue, queue_input(ctx));
  return queue->close(ctx.state<UseState>().cancel_pending);
}

Status prepare_nothing(PrepareContext&) { return {}; }
Status run_size(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Queue* queue, queue_input(ctx));
  *ctx.out<int32_t>(0) = static_cast<int32_t>(queue->size());
  return {};
}
Status run_is_closed(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Queue* queue, queue_input(ctx));
  *ctx.out<bool>(0) = queue->closed();
  return {};
}

}  // namespace

TW_KERNEL(FIFOQueueV2, prepare_fifo, run_queue);
TW_KERNEL(RandomShuffleQueueV2, prepare_shuffle, run_queue);
TW_KERNEL(PaddingFIFOQueueV2, prepare_padding, run_queue);
TW_KERNEL(PriorityQueueV2, prepare_priority, run_queue);
TW_KERNEL(QueueEnqueueV2, prepare_enqueue, run_enqueue);
TW_KERNEL(QueueEnqueueManyV2, prepare_enqueue, run_enqueue_many);
TW_KERNEL(QueueDequeueV2, prepare_dequeue, run_dequeue);
TW_KERNEL(QueueDequeueManyV2, prepare_dequeue, run_dequeue_many);
TW_KERNEL(QueueDequeueUpToV2, prepare_dequeue, run_dequeue_up_to);
TW_KERNEL(QueueCloseV2, prepare_close, run_close);
TW_KERNEL(QueueSizeV2, prepare_nothing, run_size);
TW_KERNEL(QueueIsClosedV2, prepare_nothing, run_is_closed);

}  // namespace tw
