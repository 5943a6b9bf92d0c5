// A plan: what a body becomes for given argument shapes. A flat array of instructions over numbered values, whose
// storage is fixed here; the executor only walks the array.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/framework/kernel.h"
#include "core/passes/pass.h"
#include "core/plan/lanes.h"
#include "core/stream/stream.h"

namespace tw {

class Program;

// Where a value lives during a step.
enum class Storage : uint8_t {
  kConstant,  // in the plan
  kArena,     // at an offset of the step's arena
  kArgument,  // the caller's
  kResult,    // allocated for each step, because the caller gets it
  kOwned,     // set by an instruction: unknown size, a variable's value, strings, handles
};

struct ValueInfo {
  DType dtype = DType::kInvalid;
  Shape shape;         // as far as the plan knows it
  bool known = false;  // shape fully known
  Storage storage = Storage::kOwned;
  size_t offset = 0;  // in the arena
  size_t bytes = 0;
  int32_t view_of = -1;   // shares this value's storage
  int32_t constant = -1;  // index into Plan::constants
};

enum class InstKind : uint8_t {
  kKernel,   // prepared: run(state)
  kDynamic,  // prepared when its inputs are there: Plan::dynamics[extra]
  kControl,  // If, While: Plan::controls[extra]
  kRead,     // the value of the variable behind a constant handle
  kView,     // output 0 is input 0 under the output's known shape
  kRelease,  // drop the reference held by value args[0]
  kSignal,   // event extra has happened
  kWait,     // go on when event extra has happened
};

struct Instruction {
  Status (*run)(const RunContext&) = nullptr;
  const KernelState* state = nullptr;
  uint32_t args = 0;  // first of the value numbers in Plan::args: inputs, then outputs
  uint16_t num_in = 0, num_out = 0;
  uint32_t extra = 0;  // workspace offset in units of kAlignment, or an index, by kind
  InstKind kind = InstKind::kKernel;
  uint8_t flags = 0;
  uint16_t consumable = 0;  // bit i: input i has no later reader and belongs to the step
};
static_assert(sizeof(Instruction) == 32);
inline constexpr uint8_t kAllocateOutputs = 1;  // outputs are made (default-constructed) before the kernel runs
inline constexpr uint8_t kMayBlock = 2;         // may wait for others: not on a compute thread

// An instruction whose shapes are found at run time. The executor keeps the last preparation per frame.
struct DynamicOp {
  const OpDef* op;
  AttrMap attrs;
  const KernelDef* kernel;
  std::vector<DType> in_types, out_types;
  std::vector<Shape> static_shapes;      // of the outputs, as the graph knew them
  uint32_t value_inputs = 0;             // bit i: the value of input i decides shapes or the preparation
  std::vector<int32_t> constant_inputs;  // index into Plan::constants, or -1
};

// If, Case, While: programs to run and how.
struct ControlOp {
  enum class Kind : uint8_t { kIf, kCase, kWhile } kind;
  std::vector<Program*> branches;  // If: then, else; While: cond, body. The environment owns them
  int64_t max_iterations = -1;
  std::vector<char> used;  // by result, whether anything reads it
  bool rotated = false;    // While: the body's last result says whether another iteration follows
};

// One lane: a stretch of Plan::code run in order on one thread at a time.
struct Lane {
  uint32_t begin, end;
};

struct PlanNode {  // what the cold paths need to know of an instruction
  SharedString name;
  std::string op;  // with what was fused into it, "_FusedMap{mul+add}"
  SharedString where;
  Cost cost;
  std::string algorithm;  // as the kernel names it
};

// What a step works in: values, arena, and per-step preparations. Kept and reused by the plan.
struct Frame;
struct Plan;

// The plans of a session: a step of one may take over the arena of a frame that another has at rest, so that a program
// that meets several batch sizes needs the memory of one.
struct PlanRegistry {
  std::mutex mutex;  // taken before any Plan::frame_mutex
  std::vector<Plan*> plans;
};

struct Plan {
  std::vector<ValueInfo> values;
  std::vector<uint32_t> args;
  std::vector<Instruction> code;
  std::vector<PlanNode> nodes;  // as code
  std::vector<Lane> lanes;
  uint32_t num_events = 0;
  std::vector<std::unique_ptr<KernelState>> states;
  std::vector<Tensor> constants;
  std::vector<DynamicOp> dynamics;
  std::vector<ControlOp> controls;
  std::vector<uint32_t> arguments, results;  // value numbers
  std::vector<uint32_t> counted;             // values whose owner a frame may hold
  std::vector<uint32_t> allocated;           // kResult values, made at the start of each step
  std::vector<uint32_t> result_views;        // values that share the storage of one of those
  size_t arena_bytes = 0;
  std::vector<Shape> argument_shapes;  // this plan serves; unknown entries serve all
  std::vector<Shape> element_shapes;   // by argument, of the elements of a list; unknown where the plan does not say
  std::shared_ptr<Device> device;      // of the arena and of the lanes' streams
  std::shared_ptr<PlanRegistry> registry;

  // Frames at rest.
  std::mutex frame_mutex;
  std::vector<std::unique_ptr<Frame>> frames;
  explicit Plan(std::shared_ptr<PlanRegistry> registry);
  ~Plan();
};

// What compiling needs of the session it is done for. Outlives every program.
class CompileEnv {
 public:
  virtual ~CompileEnv() = default;
  virtual StepContext& step() = 0;  // to fold constants and make resource handles with
  virtual FunctionFacts& facts() = 0;
  virtual bool optimize() const = 0;
  virtual int max_lanes() const = 0;
  virtual const std::shared_ptr<Device>& device() = 0;
  virtual const std::shared_ptr<PlanRegistry>& plans() = 0;
  virtual TraceLog* trace_log() = 0;  // gets what compiling took; may be null
  // The program of a function, compiled once per function and attributes, and owned here: programs may call themselves.
  virtual Result<Program*> function(const std::shared_ptr<FunctionLibrary>& library, const FuncRef& f) = 0;
};

// The handles of a program, which are the same in all of its plans: by the ids of nodes without inputs that are the
// program's, and not those that passes add to a plan.
struct HandleCache {
  NodeId end = 0;
  std::unordered_map<NodeId, Tensor> handles;
};
// Emits a plan for a body that all passes have seen; `handles` is read and added to.
Result<std::unique_ptr<Plan>> emit(const Body& body, CompileEnv& env, HandleCache* handles);

// --- the steps of emit, each in a file of its own ---

// Nodes in an order that respects edges, reads variables before the step's updates of them unless a read depends on the
// update, puts what does not wait for a blocking op before what does, and otherwise keeps the order in which the user
// made the nodes.
struct Order {
  std::vector<NodeId> nodes;
  std::vector<std::pair<NodeId, NodeId>> edges;  // that the variable rule added: first before second
  std::vector<uint32_t> blocked;                 // by node: what it waits for, a number of `sets`
  std::vector<char> may_block;                   // by node: whether it is such an op, or calls one
  BlockedSets sets;
};
Order order_nodes(const Body& body, FunctionFacts& facts);

// What each instruction of a plan in one lane has to wait for: values, edges of the graph, the variable rule, and
// earlier uses of the memory that it writes. `node_of` names each instruction's node; sets are added to the order's.
std::vector<LaneStep> find_dependencies(const Plan& plan, const Body& body, Order& order,
                                        const std::vector<NodeId>& node_of);

// Sorts the code of a plan in one lane into the given lanes and adds the events between them. Returns the new place of
// each instruction.
std::vector<uint32_t> spread_over_lanes(Plan* plan, const HappensBefore& when);

// Offsets of stretches of memory such that those for which together(i, j) holds, being alive at the same time, do not
// overlap; returns the total.
size_t pack_arena(const std::vector<size_t>& bytes, const std::function<bool(size_t, size_t)>& together,
                  std::vector<size_t>* offsets);
// The instructions between which a stretch is used, both of which use it; none if `first` is after `last`.
struct Lifetime {
  uint32_t first = UINT32_MAX, last = 0;
};
// The same for stretches that are alive together when their lifetimes meet, as in one lane; much faster.
size_t pack_arena(const std::vector<size_t>& bytes, const std::vector<Lifetime>& lives, std::vector<size_t>* offsets);
// The most that is alive at one instruction, with the padding of an arena: no layout can be smaller.
size_t most_alive(const std::vector<size_t>& bytes, const std::vector<Lifetime>& lives);

// The op's name, and what a fused one does in its order: micro-ops, and the op that they surround.
std::string op_label(const Node& n);
// Text form for tests and TW_DUMP=plan.
std::string print(const Plan& plan);

}  // namespace tw
