// Sums of several tensors, as tapes of additions.
#include <algorithm>

#include "core/framework/tape.h"
#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/list/tensor_list.h"
#include "core/kernels/cpu/map/map_kernel.h"

namespace tw {
namespace {

// Inputs added in one pass over memory; more would make a block's operands leave the first cache.
constexpr int kAtOnce = 8;

struct AddNState : KernelState {
  // The first sums inputs, each later one adds up to kAtOnce - 1 more to the output.
  std::vector<std::shared_ptr<const MapPlan>> passes;
  bool lists = false, dynamic = false;
};

Status prepare_add_n(PrepareContext& ctx) {
  const int n = ctx.num_inputs();
  const Shape& shape = ctx.input_shape(0);
  const DType t = ctx.input_dtype(0);
  if (t == DType::kVariant) {
    auto& s = ctx.emplace_state<AddNState>();
    s.lists = true;
    s.dynamic = output_is_dynamic(ctx, 0);
    return {};
  }
  if (!is_plain(t)) return unimplemented("AddN does not take ", dtype_name(t));
  for (int i = 1; i < n; ++i) {
    if (!(ctx.input_shape(i) == shape)) {
      return invalid_argument("Inputs to operation of type AddN must have the same size and shape.  Input 0: ", shape,
                              " != input ", i, ": ", ctx.input_shape(i));
    }
  }
  auto& s = ctx.emplace_state<AddNState>();
  for (int done = 0; done < n;) {
    const int fresh = std::min(done == 0 ? kAtOnce : kAtOnce - 1, n - done), operands = fresh + (done == 0 ? 0 : 1);
    Tape tape;
    for (int i = 0; i < operands; ++i) tape.add_input(t);
    uint16_t sum = 0;
    for (int i = 1; i < operands; ++i) sum = tape.emit(MicroOp::k_add, t, sum, static_cast<uint16_t>(i));
    tape.outputs = {sum};
    const std::vector<Shape> shapes(static_cast<size_t>(operands), shape);
    TW_ASSIGN_OR_RETURN(auto plan, plan_map(tape, shapes, shape));
    s.passes.push_back(std::move(plan));
    done += fresh;
  }
  // A later input would be overwritten by the first pass.
  for (int i = 0; i < std::min(n, kAtOnce); ++i) ctx.allow_in_place(i, 0);
  ctx.set_cost({static_cast<double>(n) * static_cast<double>(shape.num_elements()), operand_bytes(ctx)});
  return {};
}

Result<Ref<TensorList>> sum_of(const TensorList& a, const TensorList& b, WorkerPool& pool);

Result<const TensorList*> list_in(const Variant& v) {
  const auto* list = dynamic_cast<const TensorList*>(v.get());
  if (list == nullptr) return invalid_argument("Trying to add a variant that holds no tensor list");
  return list;
}

Result<Tensor> sum_of(const Tensor& a, const Tensor& b, WorkerPool& pool) {
  if (!a.valid()) return b;
  if (!b.valid()) return a;
  if (a.shape() != b.shape()) {
    return invalid_argument("Trying to add two tensors with incompatible element shapes. One is ", a.shape(),
                            " and the other is ", b.shape());
  }
  // Booleans and strings, which loops save too, have no derivative: where theirs are wanted, they are zeros.
  if (a.dtype() == DType::kBool || a.dtype() == DType::kString) return a;
  TW_ASSIGN_OR_RETURN(Tensor sum, Tensor::make(a.dtype(), a.shape()));
  if (a.dtype() == DType::kVariant) {
    for (int64_t i = 0; i < a.num_elements(); ++i) {
      TW_ASSIGN_OR_RETURN(const TensorList* left, list_in(a.data<Variant>()[i]));
      TW_ASSIGN_OR_RETURN(const TensorList* right, list_in(b.data<Variant>()[i]));
      TW_ASSIGN_OR_RETURN(Ref<TensorList> inner, sum_of(*left, *right, pool));
      sum.data<Variant>()[i] = Variant(std::move(inner));
    }
    return sum;
  }
  const Shape shapes[] = {a.shape(), a.shape()};
  TW_ASSIGN_OR_RETURN(const auto plan, plan_map(tape_of(MicroOp::k_add, a.dtype(), a.dtype()), shapes, a.shape()));
  const void* in[] = {a.raw(), b.raw()};
  void* out[] = {sum.raw()};
  TW_RETURN_IF_ERROR(plan->run(in, out, pool));
  return sum;
}

// Tensor lists, as gradients of loops have them, add element by element, lists of lists too; an element that was never
// set is zero.
Result<Ref<TensorList>> sum_of(const TensorList& a, const TensorList& b, WorkerPool& pool) {
  if (a.dtype != b.dtype) {
    return invalid_argument("Invalid data types; op elements ", dtype_name(a.dtype), " but list elements ",
                            dtype_name(b.dtype));
  }
  if (a.size() != b.size()) {
    return invalid_argument("Trying to add two lists of tensors of different lengths. One is ", a.size(),
                            " and the other is ", b.size());
  }
  auto sum = make_ref<TensorList>();
  sum->dtype = a.dtype;
  sum->element_shape = a.element_shape;
  sum->max_elements = a.max_elements;
  sum->resize(a.size());
  for (int64_t k = 0; k < a.size(); ++k) {
    TW_ASSIGN_OR_RETURN(const Tensor left, a.element(k));
    TW_ASSIGN_OR_RETURN(const Tensor right, b.element(k));
    TW_ASSIGN_OR_RETURN(Tensor t, sum_of(left, right, pool));
    if (t.valid()) TW_RETURN_IF_ERROR(store(*sum, k, std::move(t)));
  }
  return sum;
}

Status add_lists(const RunContext& ctx, bool dynamic) {
  TW_ASSIGN_OR_RETURN(const TensorList* sum, list_input(ctx, 0));
  Ref<TensorList> owned;
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(const TensorList* list, list_input(ctx, i));
    TW_ASSIGN_OR_RETURN(owned, sum_of(*sum, *list, ctx.pool()));
    sum = owned.get();
  }
  if (!owned) owned = copy_list(*sum);
  return give_list(ctx, 0, std::move(owned), dynamic);
}

Status run_add_item(const RunContext& ctx) {
  const auto& state = ctx.state<ListState>();
  TW_ASSIGN_OR_RETURN(const TensorList* before, list_input(ctx, 0, state.dtype));
  if (ctx.input(1).shape->num_elements() != 1) {
    return invalid_argument("index must be a scalar, got shape ", *ctx.input(1).shape);
  }
  const int64_t i = *ctx.in<int32_t>(1);
  const int64_t size = before->size();
  if (i < 0 || i >= size) {
    return invalid_argument("Trying to modify element ", i, " in a list with ", size, " elements.");
  }
  if (!before->is_set(i)) {
    TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
    TW_RETURN_IF_ERROR(store_input(ctx, 2, *list, i));
    return give_list(ctx, 0, std::move(list), state.dynamic);
  }
  TW_ASSIGN_OR_RETURN(const Tensor item, ctx.input_tensor(2, true));
  TW_ASSIGN_OR_RETURN(Tensor element, before->element(i));
  // The element must not be held while the list is written, which would make the list copy it.
  TW_ASSIGN_OR_RETURN(element, sum_of(element, item, ctx.pool()));
  TW_ASSIGN_OR_RETURN(Ref<TensorList> list, take_list(ctx, 0));
  TW_RETURN_IF_ERROR(store(*list, i, std::move(element)));
  return give_list(ctx, 0, std::move(list), state.dynamic);
}

Status run_add_n(const RunContext& ctx) {
  const auto& s = ctx.state<AddNState>();
  if (s.lists) return add_lists(ctx, s.dynamic);
  const void* in[kAtOnce];
  void* out[] = {ctx.output(0).data};
  int done = 0;
  for (const auto& pass : s.passes) {
    int operands = 0;
    if (done > 0) in[operands++] = out[0];
    while (operands < kAtOnce && done < ctx.num_inputs()) in[operands++] = ctx.input(done++).data;
    TW_RETURN_IF_ERROR(pass->run(in, out, ctx.pool()));
  }
  return {};
}

}  // namespace

TW_KERNEL(AddN, prepare_add_n, run_add_n);
TW_KERNEL(TensorListAddItem, prepare_list, run_add_item);

}  // namespace tw
