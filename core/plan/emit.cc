// From an ordered body to instructions: which value lives where, which node needs an instruction, and what its kernel
// prepared.
#include <algorithm>

#include "core/framework/shape_context.h"
#include "core/plan/program.h"
#include "core/platform/alloc.h"

namespace tw {

namespace {

// Flat positions of the inputs whose values the row asks for.
Result<uint32_t> value_input_mask(const Node& n) {
  uint32_t mask = 0;
  if (n.op->value_inputs == 0) return mask;
  size_t flat = 0;
  for (size_t a = 0; a < n.op->inputs.size(); ++a) {
    DTypes expanded;
    TW_RETURN_IF_ERROR(expand_args(*n.op, n.op->inputs.subspan(a, 1), n.attrs, &expanded));
    const bool wanted = a < 32 && ((n.op->value_inputs >> a) & 1) != 0;
    for (size_t k = 0; k < expanded.size(); ++k, ++flat) {
      if (wanted && flat < 32) mask |= 1u << flat;
    }
  }
  return mask;
}

Status no_kernel(const Node& n) {
  std::string types;
  for (const auto& [name, value] : n.attrs) {
    if (value.get<DType>() != nullptr)
      types += internal::concat(types.empty() ? "" : ", ", name, "=", to_string(value));
  }
  return invalid_argument("No kernel for op '", n.op->name, "' on this device with ", types);
}

class Emitter {
 public:
  Emitter(const Body& body, CompileEnv& env, HandleCache* handles)
      : body_(body), g_(*body.body), env_(env), handles_(handles), plan_(std::make_unique<Plan>(env.plans())) {}

  Result<std::unique_ptr<Plan>> run() {
    {
      const TraceSpan span(env_.trace_log(), "compile", "order", body_.name);
      order_ = order_nodes(body_, env_.facts());
    }
    TW_RETURN_IF_ERROR(emit_nodes());
    finish_results();
    lay_out();
    return std::move(plan_);
  }

 private:
  static constexpr uint32_t kForever = UINT32_MAX;

  Status emit_nodes() {
    const TraceSpan span(env_.trace_log(), "compile", "emit", body_.name);
    for (NodeId id : order_.nodes) number_outputs(g_.mutable_node(id));
    taken_at_.resize(plan_->values.size());
    members_.resize(plan_->values.size());
    if (!order_.sets.none()) read_by_.resize(plan_->values.size());
    find_last_uses();
    for (size_t at = 0; at < order_.nodes.size(); ++at) {
      const Node& n = g_.mutable_node(order_.nodes[at]);
      at_ = static_cast<uint32_t>(at);
      Status s = emit_node(n);
      if (!s.ok()) return s.at_node(n.name, n.where);
      release_dead(n);
    }
    return {};
  }

  ValueInfo& value(uint32_t v) { return plan_->values[v]; }
  uint32_t value_of(Output o) const {
    return first_value_[static_cast<size_t>(o.node)] + static_cast<uint32_t>(o.index);
  }
  // The value whose storage `v` uses.
  uint32_t root(uint32_t v) {
    while (value(v).view_of >= 0) v = static_cast<uint32_t>(value(v).view_of);
    return v;
  }

  void number_outputs(const Node& n) {
    if (first_value_.empty()) first_value_.resize(static_cast<size_t>(g_.num_nodes()));
    first_value_[static_cast<size_t>(n.id)] = static_cast<uint32_t>(plan_->values.size());
    for (size_t i = 0; i < n.output_dtypes.size(); ++i) {
      ValueInfo v;
      v.dtype = base_dtype(n.output_dtypes[i]);
      v.shape = n.output_shapes[i];
      plan_->values.push_back(v);
    }
  }

  // When each value is read last. Results are needed to the end.
  void find_last_uses() {
    last_use_.assign(plan_->values.size(), 0);
    for (size_t at = 0; at < order_.nodes.size(); ++at) {
      const Node& n = g_.mutable_node(order_.nodes[at]);
      for (Output o : n.inputs) {
        uint32_t& last = last_use_[value_of(o)];
        if (n.op->name == "_Retval") last = kForever;
        else last = std::max(last, static_cast<uint32_t>(at));
      }
    }
    // A view keeps what it looks at alive. Views come after their sources, so one sweep backwards closes the chains.
    for (auto it = order_.nodes.rbegin(); it != order_.nodes.rend(); ++it) {
      const Node& n = g_.mutable_node(*it);
      if (!n.op->has(kAliases) || n.inputs.empty()) continue;
      uint32_t& source = last_use_[value_of(n.inputs[0])];
      source = std::max(source, last_use_[value_of(Output{n.id, 0})]);
    }
  }

  Status emit_node(const Node& n) {
    const std::string_view op = n.op->name;
    if (op == "_Arg") return emit_argument(n);
    if (op == "Const") return emit_constant(n, *constant_of(n));
    if (n.op->has(kMakesHandle)) return emit_handle(n);
    if (op == "_Retval" || op == "NoOp") return {};
    if (op == "Placeholder" || op == "PlaceholderV2") {
      return invalid_argument("You must feed a value for placeholder tensor '", n.name, "' with dtype ",
                              dtype_name(n.output_dtypes[0]), " and shape ", n.output_shapes[0]);
    }
    if (n.op->has(kControlFlow)) return emit_control(n);
    if (op == "ReadVariableOp" && value(value_of(n.inputs[0])).constant >= 0) return emit_read(n);

    TW_ASSIGN_OR_RETURN(const uint32_t wanted_values, value_input_mask(n));
    bool is_static = true;
    for (size_t i = 0; i < n.inputs.size(); ++i) {
      const ValueInfo& in = value(value_of(n.inputs[i]));
      is_static &= in.known && (i >= 32 || ((wanted_values >> i) & 1) == 0 || in.constant >= 0);
    }
    return is_static ? emit_static(n) : emit_dynamic(n, wanted_values);
  }

  Status emit_argument(const Node& n) {
    const uint32_t v = value_of(Output{n.id, 0});
    value(v).storage = Storage::kArgument;
    value(v).known = value(v).shape.fully_known();
    plan_->counted.push_back(v);
    return {};
  }

  Status emit_constant(const Node& n, const Tensor& t) {
    ValueInfo& v = value(value_of(Output{n.id, 0}));
    v.storage = Storage::kConstant;
    v.constant = static_cast<int32_t>(plan_->constants.size());
    v.shape = t.shape();
    v.dtype = t.dtype();
    v.known = true;
    plan_->constants.push_back(t);
    return {};
  }

  // A handle is the same in every step: the resource behind it is found, or made, now.
  Status emit_handle(const Node& n) {
    const bool kept = n.inputs.empty() && n.id < handles_->end;
    if (kept) {
      const auto found = handles_->handles.find(n.id);
      if (found != handles_->handles.end()) return emit_constant(n, found->second);
    }
    std::vector<Tensor> inputs;
    for (const Output& o : n.inputs) {
      const int32_t constant = value(value_of(o)).constant;
      if (constant < 0) {
        return invalid_argument("A handle is made before the first step, so the inputs of ", n.op->name,
                                " must be constants");
      }
      inputs.push_back(plan_->constants[static_cast<size_t>(constant)]);
    }
    Node named = n;
    named.attrs = kernel_attrs(n);
    TW_ASSIGN_OR_RETURN(const std::vector<Tensor> handle, evaluate(named, inputs, env_.step()));
    if (kept) handles_->handles.emplace(n.id, handle[0]);
    return emit_constant(n, handle[0]);
  }

  Status emit_read(const Node& n) {
    const uint32_t v = value_of(Output{n.id, 0});
    value(v).known = value(v).shape.fully_known();
    own(v);
    const int32_t handle = value(value_of(n.inputs[0])).constant;
    Instruction& inst = append(n, InstKind::kRead, false);
    inst.extra = static_cast<uint32_t>(handle);
    return {};
  }

  Status emit_control(const Node& n) {
    ControlOp control;
    const AttrReader attrs = n.attr();
    std::vector<std::string_view> names;
    const std::string_view op = n.op->name;
    if (op == "While" || op == "StatelessWhile") {
      control.kind = ControlOp::Kind::kWhile;
      names = {"cond", "body"};
      if (attrs.has("_maximum_iterations")) control.max_iterations = attrs.integer("_maximum_iterations");
    } else if (op == "If" || op == "StatelessIf") {
      control.kind = ControlOp::Kind::kIf;
      names = {"then_branch", "else_branch"};
    } else if (op == "Case") {
      control.kind = ControlOp::Kind::kCase;
    } else {
      return unimplemented("op ", op, " reached the planner; passes should have replaced it");
    }
    std::vector<FuncRef> functions;
    for (std::string_view name : names) functions.push_back(attrs.must<FuncRef>(name));
    if (control.kind == ControlOp::Kind::kCase) functions = attrs.must<std::vector<FuncRef>>("branches");
    std::vector<DType> args;
    const std::vector<DType> any_type{DType::kInvalid};
    const bool loop = control.kind == ControlOp::Kind::kWhile;
    for (size_t i = loop ? 0 : 1; i < n.inputs.size(); ++i) args.push_back(value(value_of(n.inputs[i])).dtype);
    std::vector<DType> results = n.output_dtypes;
    control.rotated = loop && is_rotated(n);
    if (control.rotated) results.push_back(DType::kInvalid);
    for (const FuncRef& f : functions) {
      TW_ASSIGN_OR_RETURN(Program* const program, env_.function(g_.library(), f));
      const bool condition = loop && control.branches.empty();
      TW_RETURN_IF_ERROR(program->check_call(args, condition ? std::span(any_type) : std::span(results)));
      control.branches.push_back(program);
    }
    for (size_t i = 0; i < n.output_dtypes.size(); ++i) {
      const uint32_t v = value_of(Output{n.id, static_cast<int32_t>(i)});
      value(v).known = value(v).shape.fully_known();
      own(v);
      control.used.push_back(last_use_[v] > 0);
    }
    Instruction& inst = append(n, InstKind::kControl, true);
    inst.extra = static_cast<uint32_t>(plan_->controls.size());
    plan_->controls.push_back(std::move(control));
    return {};
  }

  // Shapes are known: prepare now, and put the outputs into the arena.
  Status emit_static(const Node& n) {
    // Reused from node to node: there are thousands.
    auto& [in_shapes, in_types, out_types, constants, lists] = operands_;
    in_shapes.clear(), in_types.clear(), out_types.clear(), constants.clear(), lists.clear();
    for (Output o : n.inputs) {
      const ValueInfo& in = value(value_of(o));
      lists.push_back(in.dtype == DType::kVariant ? g_.handle(o) : HandleShape{});
      in_shapes.push_back(in.shape);
      in_types.push_back(in.dtype);
      constants.push_back(in.constant >= 0 ? &plan_->constants[static_cast<size_t>(in.constant)] : nullptr);
    }
    for (DType t : n.output_dtypes) out_types.push_back(base_dtype(t));
    ShapeContext shapes(*n.op, n.attrs, in_shapes, in_types, constants, lists, out_types.size());
    TW_RETURN_IF_ERROR(n.op->shape(shapes));
    bool known = true;
    for (size_t i = 0; i < out_types.size(); ++i) {
      ValueInfo& out = value(value_of(Output{n.id, static_cast<int32_t>(i)}));
      out.shape = shapes.outputs()[i];
      out.known = out.shape.fully_known();
      known &= out.known;
    }
    if (n.op->has(kAliases) && known) return emit_view(n);

    const KernelDef* kernel = find_kernel(*n.op, n.attrs);
    if (kernel == nullptr) return no_kernel(n);
    const AttrMap named = n.op->has(kRandom) ? kernel_attrs(n) : AttrMap();
    const AttrMap& attrs = n.op->has(kRandom) ? named : n.attrs;
    PrepareContext prepare(*n.op, attrs, in_shapes, in_types, constants, shapes.outputs(), out_types,
                           env_.step().pool().threads(), env_.step().direct_convolutions());
    TW_RETURN_IF_ERROR(kernel->prepare(prepare));
    bool allocate = false;
    for (size_t i = 0; i < out_types.size(); ++i) {
      const uint32_t v = value_of(Output{n.id, static_cast<int32_t>(i)});
      if (!value(v).known || n.op->has(kDataDependent)) {
        // Such kernels bring their own storage even where the shape happens to be known.
        own(v);
      } else if (!is_plain(out_types[i])) {
        own(v);
        allocate = true;
      } else {
        value(v).storage = Storage::kArena;
        value(v).bytes = static_cast<size_t>(value(v).shape.num_elements()) * dtype_size(out_types[i]);
        share_storage(n, v, static_cast<int>(i), prepare);
      }
    }
    Instruction& inst = append(n, InstKind::kKernel, true);
    inst.run = kernel->run;
    if (allocate) inst.flags |= kAllocateOutputs;
    plan_->nodes.back().cost = prepare.cost();
    plan_->nodes.back().algorithm = prepare.algorithm();
    if (std::unique_ptr<KernelState> state = prepare.take_state()) {
      inst.state = state.get();
      plan_->states.push_back(std::move(state));
    }
    if (prepare.workspace() > 0) {
      workspaces_.push_back({plan_->code.size() - 1, prepare.workspace()});
    }
    return {};
  }

  // Gives output `i` the storage of an input that nobody needs afterwards.
  void share_storage(const Node& n, uint32_t v, int i, const PrepareContext& prepare) {
    for (const auto& [in, out] : prepare.in_place()) {
      if (out != i) continue;
      const uint32_t source = value_of(n.inputs[static_cast<size_t>(in)]), r = root(source);
      if (value(r).storage != Storage::kArena || value(r).bytes != value(v).bytes || taken_at_[r] == at_ + 1) continue;
      if (root_last_use(r) != at_ || !after_readers(r, n)) continue;
      bool overlaps = false;
      for (size_t k = 0; k < n.inputs.size(); ++k) {
        const uint32_t other = value_of(n.inputs[k]);
        overlaps |= other != source && root(other) == r;
      }
      if (overlaps) continue;
      value(v).view_of = static_cast<int32_t>(r);
      members_[r].push_back(v);
      taken_at_[r] = at_ + 1;
      return;
    }
  }

  // Whether whoever reads the memory of `r` does so before `n` in any order of lanes: waiting for memory must not make
  // a node wait for a blocking op that it does not depend on.
  bool after_readers(uint32_t r, const Node& n) const {
    if (order_.sets.none()) return true;
    const std::vector<uint32_t>& readers = read_by_[r];
    const uint32_t mine = order_.blocked[static_cast<size_t>(n.id)];
    return std::all_of(readers.begin(), readers.end(), [&](uint32_t set) { return order_.sets.subset(set, mine); });
  }

  // Last use of a stretch of memory over all values that live in it.
  uint32_t root_last_use(uint32_t r) {
    uint32_t last = last_use_[r];
    for (uint32_t v : members_[r]) last = std::max(last, last_use_[v]);
    return last;
  }

  // Same storage under another shape. Where the address is known before the step, that costs no instruction.
  Status emit_view(const Node& n) {
    const uint32_t v = value_of(Output{n.id, 0}), source = value_of(n.inputs[0]), r = root(source);
    ValueInfo& out = value(v);
    out.bytes = static_cast<size_t>(out.shape.num_elements()) * dtype_size(out.dtype);
    out.view_of = static_cast<int32_t>(r);
    out.storage = value(r).storage;
    members_[r].push_back(v);
    if (out.storage == Storage::kConstant && out.dtype == value(r).dtype) {
      const Tensor& t = plan_->constants[static_cast<size_t>(value(r).constant)];
      out.constant = static_cast<int32_t>(plan_->constants.size());
      plan_->constants.push_back(t.reshaped(out.shape));
    }
    if (out.storage == Storage::kOwned || out.storage == Storage::kArgument) append(n, InstKind::kView, true);
    return {};
  }

  Status emit_dynamic(const Node& n, uint32_t wanted_values) {
    DynamicOp op;
    op.op = n.op;
    op.attrs = kernel_attrs(n);
    op.kernel = find_kernel(*n.op, n.attrs);
    if (op.kernel == nullptr) return no_kernel(n);
    op.value_inputs = wanted_values;
    for (Output o : n.inputs) {
      op.in_types.push_back(value(value_of(o)).dtype);
      op.constant_inputs.push_back(value(value_of(o)).constant);
    }
    for (size_t i = 0; i < n.output_dtypes.size(); ++i) {
      const uint32_t v = value_of(Output{n.id, static_cast<int32_t>(i)});
      op.out_types.push_back(base_dtype(n.output_dtypes[i]));
      op.static_shapes.push_back(n.output_shapes[i]);
      value(v).known = false;
      own(v);
    }
    if (n.op->has(kAliases)) {
      const uint32_t v = value_of(Output{n.id, 0}), r = root(value_of(n.inputs[0]));
      value(v).view_of = static_cast<int32_t>(r);
      members_[r].push_back(v);
    }
    Instruction& inst = append(n, InstKind::kDynamic, true);
    inst.extra = static_cast<uint32_t>(plan_->dynamics.size());
    plan_->dynamics.push_back(std::move(op));
    return {};
  }

  // Generators of random ops, and resources that say no other name, are kept under the name of their node.
  static AttrMap kernel_attrs(const Node& n) {
    AttrMap attrs = n.attrs;
    if (n.op->has(kRandom) || n.op->has(kMakesHandle)) attrs["_node"] = AttrValue(n.name);
    return attrs;
  }

  void own(uint32_t v) {
    value(v).storage = Storage::kOwned;
    plan_->counted.push_back(v);
  }

  Instruction& append(const Node& n, InstKind kind, bool with_inputs) {
    Instruction inst;
    inst.kind = kind;
    inst.args = static_cast<uint32_t>(plan_->args.size());
    if (with_inputs) {
      for (size_t i = 0; i < n.inputs.size(); ++i) {
        const uint32_t v = value_of(n.inputs[i]);
        plan_->args.push_back(v);
        const bool owned = value(v).storage == Storage::kOwned || value(v).storage == Storage::kArgument;
        // Branches and loops share what they are given, and so need not wait for other readers.
        if (i < 16 && kind != InstKind::kControl && owned && value(v).view_of < 0 && root_last_use(v) == at_ &&
            after_readers(v, n)) {
          inst.consumable = static_cast<uint16_t>(inst.consumable | (1u << i));
        }
      }
      if (!order_.sets.none()) {
        for (Output o : n.inputs) read_by_[root(value_of(o))].push_back(order_.blocked[static_cast<size_t>(n.id)]);
      }
      inst.num_in = static_cast<uint16_t>(n.inputs.size());
    }
    for (size_t i = 0; i < n.output_dtypes.size(); ++i) {
      plan_->args.push_back(value_of(Output{n.id, static_cast<int32_t>(i)}));
    }
    inst.num_out = static_cast<uint16_t>(n.output_dtypes.size());
    if (order_.may_block[static_cast<size_t>(n.id)] != 0) inst.flags |= kMayBlock;
    return append(n, inst, op_label(n));
  }
  Instruction& append(const Node& n, const Instruction& inst, std::string op) {
    plan_->code.push_back(inst);
    plan_->nodes.push_back({n.name, std::move(op), n.where, {}, {}});
    node_of_.push_back(n.id);
    return plan_->code.back();
  }

  // Owned values go as soon as nobody reads them: their memory is not planned, and a variable that is still watched
  // could not be updated in place.
  void release_dead(const Node& n) {
    std::vector<uint32_t> candidates;
    const auto consider = [&](Output o) {
      const uint32_t r = root(value_of(o));
      if (value(r).storage == Storage::kOwned) candidates.push_back(r);
    };
    for (Output o : n.inputs) consider(o);
    for (size_t i = 0; i < n.output_dtypes.size(); ++i) consider(Output{n.id, static_cast<int32_t>(i)});
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    for (uint32_t r : candidates) {
      if (root_last_use(r) > at_) continue;
      Instruction inst;
      inst.kind = InstKind::kRelease;
      inst.args = static_cast<uint32_t>(plan_->args.size());
      inst.num_in = 1;
      plan_->args.push_back(r);
      append(n, inst, "_Release");
    }
  }

  // Arena values that the caller fetches are allocated on their own, so that they need no copy.
  void finish_results() {
    for (NodeId id : body_.results) {
      const uint32_t v = value_of(g_.mutable_node(id).inputs[0]), r = root(v);
      plan_->results.push_back(v);
      if (value(r).storage == Storage::kArena) {
        value(r).storage = Storage::kResult;
        plan_->allocated.push_back(r);
        plan_->counted.push_back(r);
      }
    }
    for (NodeId id : body_.args) {
      const uint32_t v = value_of(Output{id, 0});
      plan_->arguments.push_back(v);
      plan_->argument_shapes.push_back(value(v).shape);
    }
    // A view follows the storage of what it looks at.
    for (uint32_t v = 0; v < plan_->values.size(); ++v) {
      if (value(v).view_of >= 0) {
        value(v).view_of = static_cast<int32_t>(root(v));
        value(v).storage = value(root(v)).storage;
        if (value(v).storage == Storage::kResult) plan_->result_views.push_back(v);
      }
    }
  }

  // Lanes, and then the arena, in which what runs side by side must not share memory.
  void lay_out() {
    const TraceSpan span(env_.trace_log(), "compile", "lay_out", body_.name);
    plan_->device = env_.device();
    const int threads = env_.step().pool().threads(), max_lanes = env_.max_lanes();
    // In a lane that is surely the only one, nothing has to be waited for.
    const bool alone = std::min(threads, max_lanes) == 1 && order_.sets.none();
    const std::vector<LaneStep> steps =
        alone ? std::vector<LaneStep>(plan_->code.size()) : find_dependencies(*plan_, body_, order_, node_of_);
    const std::vector<uint32_t> lane_of = choose_lanes(steps, order_.sets, threads, max_lanes);
    const HappensBefore when(steps, lane_of);

    std::vector<Stretch> stretches;
    std::vector<uint32_t> owners;
    std::vector<uint32_t> stretch_of(plan_->values.size(), kForever);
    for (uint32_t v = 0; v < plan_->values.size(); ++v) {
      if (value(v).storage != Storage::kArena || value(v).view_of >= 0) continue;
      stretch_of[v] = static_cast<uint32_t>(owners.size());
      owners.push_back(v);
      stretches.push_back({value(v).bytes, {}});
    }
    for (uint32_t i = 0; i < plan_->code.size(); ++i) {
      const Instruction& inst = plan_->code[i];
      for (uint32_t k = 0; k < uint32_t{inst.num_in} + inst.num_out; ++k) {
        const uint32_t found = stretch_of[root(plan_->args[inst.args + k])];
        if (found != kForever) stretches[found].use(i, when);
      }
    }
    for (const auto& [inst, bytes] : workspaces_) {
      stretches.push_back({bytes, {}});
      stretches.back().use(static_cast<uint32_t>(inst), when);
    }
    std::vector<size_t> sizes, offsets;
    std::vector<Lifetime> lives;
    for (const Stretch& s : stretches) {
      sizes.push_back(s.bytes);
      lives.push_back(s.lifetime());
    }
    const auto together = [&](size_t i, size_t j) {
      return !stretches[i].over_before(stretches[j], when) && !stretches[j].over_before(stretches[i], when);
    };
    plan_->arena_bytes =
        when.num_lanes() == 1 ? pack_arena(sizes, lives, &offsets) : pack_arena(sizes, together, &offsets);
    if (env_.trace_log() != nullptr) {
      const TraceField fields[] = {{"of", std::string_view(body_.name)},
                                   {"bytes", static_cast<double>(plan_->arena_bytes)},
                                   {"most_alive", static_cast<double>(most_alive(sizes, lives))}};
      env_.trace_log()->tell("arena", fields);
    }
    for (size_t i = 0; i < owners.size(); ++i) value(owners[i]).offset = offsets[i];

    const std::vector<uint32_t> place = spread_over_lanes(plan_.get(), when);
    for (size_t i = 0; i < workspaces_.size(); ++i) {
      plan_->code[place[workspaces_[i].first]].extra = static_cast<uint32_t>(offsets[owners.size() + i] / kAlignment);
    }
  }

  // A stretch of the arena: the first instruction that uses it, which the others follow, and the last in each lane.
  struct Stretch {
    size_t bytes;
    std::vector<uint32_t> last;  // by lane; kForever: none
    uint32_t first = kForever;

    void use(uint32_t inst, const HappensBefore& when) {
      if (last.empty()) last.assign(when.num_lanes(), kForever);
      if (first == kForever) first = inst;
      last[when.lane(inst)] = inst;
    }
    Lifetime lifetime() const {
      if (first == kForever) return {};
      Lifetime life{first, first};
      for (uint32_t l : last) life.last = std::max(life.last, l == kForever ? first : l);
      return life;
    }
    bool over_before(const Stretch& other, const HappensBefore& when) const {
      if (first == kForever || other.first == kForever) return true;
      return std::all_of(last.begin(), last.end(),
                         [&](uint32_t l) { return l == kForever || when.before(l, other.first); });
    }
  };

  const Body& body_;
  Graph& g_;
  CompileEnv& env_;
  HandleCache* const handles_;
  // What emit_static() asks of a node's inputs and outputs.
  struct Operands {
    std::vector<Shape> in_shapes;
    std::vector<DType> in_types, out_types;
    std::vector<const Tensor*> constants;
    std::vector<HandleShape> lists;
  };
  Operands operands_;
  std::unique_ptr<Plan> plan_;
  Order order_;
  uint32_t at_ = 0;
  std::vector<uint32_t> first_value_, last_use_;
  std::vector<uint32_t> taken_at_;                     // by root: the place in the order at which it was, and 1
  std::vector<std::vector<uint32_t>> members_;         // views and in-place results, by root
  std::vector<std::pair<size_t, size_t>> workspaces_;  // instruction and bytes
  std::vector<NodeId> node_of_;                        // by instruction
  std::vector<std::vector<uint32_t>> read_by_;         // what readers wait for, by root
};

}  // namespace

Result<std::unique_ptr<Plan>> emit(const Body& body, CompileEnv& env, HandleCache* handles) {
  return Emitter(body, env, handles).run();
}

}  // namespace tw
