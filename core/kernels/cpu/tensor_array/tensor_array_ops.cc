// Making, writing and reading arrays of tensors.
#include <algorithm>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/list/tensor_list.h"
#include "core/kernels/cpu/tensor_array/tensor_array.h"

namespace tw {
namespace {

struct ArrayState : KernelState {
  TensorArrayOptions options;
  DType dtype = DType::kInvalid;
  Shape stated = Shape::unknown();  // element_shape of a gather, element_shape_except0 of a concatenation
  std::string source;
};

Status prepare_array(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<ArrayState>();
  const AttrReader& attrs = ctx.attrs();
  state.source = attrs.string("source");
  state.dtype = attrs.has("T") ? attrs.dtype("T") : attrs.dtype("dtype");
  if (attrs.has("element_shape")) state.stated = attrs.must<Shape>("element_shape");
  if (attrs.has("element_shape_except0")) state.stated = attrs.must<Shape>("element_shape_except0");
  state.options.name = attrs.string("tensor_array_name");
  state.options.dtype = state.dtype;
  state.options.element_shape = state.stated;
  state.options.identical_element_shapes = attrs.boolean("identical_element_shapes");
  state.options.dynamic_size = attrs.boolean("dynamic_size");
  state.options.clear_after_read = attrs.boolean("clear_after_read");
  return {};
}

Status give_handle(const RunContext& ctx, Ref<TensorArray> array) {
  Tensor handle = Tensor::make_or_die(DType::kResource, Shape{});
  handle.data<ResourceHandle>()[0] = std::move(array);
  ctx.set_output(0, std::move(handle));
  return {};
}

// More than any program means; a number from outside must not take all memory.
constexpr int64_t kMostElements = int64_t{1} << 24;

Status check_room(const TensorArray& array, int64_t size) {
  if (!array.dynamic_size() || size <= kMostElements) return {};
  return resource_exhausted("a TensorArray of ", size, " elements");
}

// `count` tensors of a shape, stacked or joined.
Result<Shape> stacked(int64_t count, const Shape& rest) {
  if (rest.rank() == kMaxRank) return invalid_argument("the result would have a rank above ", kMaxRank, ": ", rest);
  Shape out{count};
  for (const int64_t d : rest.dims()) out.add_dim(d);
  return out;
}

// The flow is a number that nobody looks at; who has it comes after who gave it.
Status give_flow(const RunContext& ctx, int i, float flow) {
  TW_ASSIGN_OR_RETURN(void* const to, ctx.allocate_output(i, Shape{}));
  *static_cast<float*>(to) = flow;
  return {};
}
Status pass_flow(const RunContext& ctx, int in) {
  *ctx.out<float>(0) = *ctx.in<float>(in);
  return {};
}

Status run_new(const RunContext& ctx) {
  const auto& state = ctx.state<ArrayState>();
  const int64_t size = index_at(ctx.input(0));
  if (size < 0) return invalid_argument("Size should be >= 0.");
  if (size > kMostElements) return resource_exhausted("a TensorArray of ", size, " elements");
  TensorArrayOptions options = state.options;
  if (options.name.empty()) options.name = "TensorArray";
  TW_RETURN_IF_ERROR(give_flow(ctx, 1, 0));
  return give_handle(ctx, make_ref<TensorArray>(std::move(options), size));
}

Status run_gradient(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorArray * array, tensor_array_input(ctx, 0));
  TW_ASSIGN_OR_RETURN(Ref<TensorArray> gradient, array->gradient(ctx.state<ArrayState>().source));
  TW_RETURN_IF_ERROR(give_flow(ctx, 1, *ctx.in<float>(1)));
  return give_handle(ctx, std::move(gradient));
}

Status run_write(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorArray * array, tensor_array_input(ctx, 0, ctx.state<ArrayState>().dtype));
  const int64_t index = index_at(ctx.input(1));
  TW_RETURN_IF_ERROR(check_room(*array, index + 1));
  TW_ASSIGN_OR_RETURN(Tensor value, ctx.input_tensor(2, true));
  TW_RETURN_IF_ERROR(array->write(index, std::move(value)));
  return pass_flow(ctx, 3);
}

Status run_read(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorArray * array, tensor_array_input(ctx, 0, ctx.state<ArrayState>().dtype));
  TW_ASSIGN_OR_RETURN(Tensor value, array->read(index_at(ctx.input(1))));
  ctx.set_output(0, std::move(value));
  return {};
}

Status run_size(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorArray * array, tensor_array_input(ctx, 0));
  TW_ASSIGN_OR_RETURN(const int64_t size, array->size());
  *ctx.out<int32_t>(0) = static_cast<int32_t>(size);
  return {};
}

Status run_close(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorArray * array, tensor_array_input(ctx, 0));
  array->close();
  return {};
}

// --- many elements at once ---

Status empty_result(const RunContext& ctx, const Shape& stated, const char* name, const char* verb) {
  if (!stated.fully_known()) {
    return invalid_argument("TensorArray has size zero, but ", name, " ", stated,
                            " is not fully defined. Currently only static shapes are supported when ", verb,
                            " zero-size TensorArrays.");
  }
  TW_ASSIGN_OR_RETURN(const Shape out, stacked(0, stated));
  return ctx.allocate_output(0, out).status();
}

Status run_gather(const RunContext& ctx) {
  const auto& state = ctx.state<ArrayState>();
  TW_ASSIGN_OR_RETURN(TensorArray * array, tensor_array_input(ctx, 0, state.dtype));
  const Value& indices = ctx.input(1);
  if (indices.shape->rank() != 1) {
    return invalid_argument("Expected indices to be a vector, but received shape: ", *indices.shape);
  }
  TW_RETURN_IF_ERROR(array->merge_element_shape(state.stated));
  const int64_t count = indices.shape->num_elements();
  if (count == 0) return empty_result(ctx, array->element_shape(), "element shape", "packing");
  std::vector<Tensor> rows;
  for (int64_t k = 0; k < count; ++k) {
    TW_ASSIGN_OR_RETURN(Tensor t, array->read(index_at(indices, k)));
    if (k > 0 && !(t.shape() == rows[0].shape())) {
      return invalid_argument("TensorArray has inconsistent shapes.  Index 0 has shape: ", rows[0].shape(),
                              " but index ", k, " has shape: ", t.shape());
    }
    rows.push_back(std::move(t));
  }
  TW_ASSIGN_OR_RETURN(const Shape out, stacked(count, rows[0].shape()));
  TW_ASSIGN_OR_RETURN(void* const to, ctx.allocate_output(0, out));
  const int64_t row = rows[0].num_elements();
  const size_t bytes = static_cast<size_t>(row) * dtype_size(state.dtype);
  for (size_t k = 0; k < rows.size(); ++k) {
    copy_elements(state.dtype, rows[k].raw(), static_cast<char*>(to) + k * bytes, row);
  }
  return {};
}

Status run_scatter(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorArray * array, tensor_array_input(ctx, 0, ctx.state<ArrayState>().dtype));
  const Value& indices = ctx.input(1);
  const Shape shape = *ctx.input(2).shape;
  if (indices.shape->rank() != 1) {
    return invalid_argument("Expected indices to be a vector, but received shape: ", *indices.shape);
  }
  if (shape.rank() < 1) {
    return invalid_argument("Input value for unpack must be at least a vector but received shape: ", shape);
  }
  const int64_t count = indices.shape->num_elements();
  if (count != shape[0]) {
    return invalid_argument("Expected len(indices) == values.shape[0], but saw: ", count, " vs. ", shape[0]);
  }
  int64_t most = -1;
  for (int64_t k = 0; k < count; ++k) most = std::max(most, index_at(indices, k));
  TW_ASSIGN_OR_RETURN(const int64_t size, array->size());
  if (most >= size && !array->dynamic_size()) {
    return invalid_argument("Max scatter index must be < array size (", most, " vs. ", size, ")");
  }
  TW_RETURN_IF_ERROR(check_room(*array, most + 1));
  TW_ASSIGN_OR_RETURN(const Tensor value, ctx.input_tensor(2, true));
  const Shape row(shape.dims().subspan(1));
  for (int64_t k = 0; k < count; ++k) {
    TW_ASSIGN_OR_RETURN(Tensor t, row_of(value, k, 1, row));
    TW_RETURN_IF_ERROR(array->write(index_at(indices, k), std::move(t)));
  }
  return pass_flow(ctx, 3);
}

Status run_concat(const RunContext& ctx) {
  const auto& state = ctx.state<ArrayState>();
  TW_ASSIGN_OR_RETURN(TensorArray * array, tensor_array_input(ctx, 0, state.dtype));
  TW_ASSIGN_OR_RETURN(const int64_t size, array->size());
  TW_ASSIGN_OR_RETURN(void* const lengths, ctx.allocate_output(1, Shape{size}));
  if (size == 0) return empty_result(ctx, state.stated, "element_shape_except0", "concatenating");
  std::vector<Tensor> parts;
  int64_t total = 0;
  const auto rest = [](const Tensor& t) { return Shape(t.shape().dims().subspan(1)); };
  for (int64_t i = 0; i < size; ++i) {
    TW_ASSIGN_OR_RETURN(Tensor t, array->read(i));
    if (t.shape().rank() < 1) {
      return invalid_argument("Concat saw a scalar shape at index ", i,
                              " but requires at least vectors.  Did you mean to call pack?");
    }
    if (i == 0 && !compatible(state.stated, rest(t))) {
      return invalid_argument("TensorArray was passed element_shape_except0 ", state.stated,
                              " but index 0 has (excepting dimension 0) shape: ", rest(t));
    }
    if (i > 0 && !(rest(t) == rest(parts[0]))) {
      return invalid_argument("TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) shape: ",
                              rest(parts[0]), " but index ", i, " has (excepting dimension 0) shape: ", rest(t));
    }
    total += t.shape()[0];
    static_cast<int64_t*>(lengths)[i] = t.shape()[0];
    parts.push_back(std::move(t));
  }
  TW_ASSIGN_OR_RETURN(const Shape out, stacked(total, rest(parts[0])));
  TW_ASSIGN_OR_RETURN(void* const to, ctx.allocate_output(0, out));
  char* dest = static_cast<char*>(to);
  for (const Tensor& t : parts) {
    copy_elements(state.dtype, t.raw(), dest, t.num_elements());
    dest += t.bytes();
  }
  return {};
}

Status run_split(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(TensorArray * array, tensor_array_input(ctx, 0, ctx.state<ArrayState>().dtype));
  const Shape shape = *ctx.input(1).shape;
  const Value& lengths = ctx.input(2);
  if (lengths.shape->rank() != 1) {
    return invalid_argument("Expected lengths to be a vector, received shape: ", *lengths.shape);
  }
  if (shape.rank() < 1) {
    return invalid_argument("Expected value to be at least a vector, but received shape: ", shape);
  }
  const int64_t count = lengths.shape->num_elements();
  int64_t total = 0;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t n = index_at(lengths, k);
    if (n < 0) return invalid_argument("Expected lengths to be at least 0, but length ", k, " is ", n);
    if (n > shape[0] - total) total = shape[0] + 1;
    else total += n;
    if (total > shape[0]) break;
  }
  if (total != shape[0]) {
    return invalid_argument("Expected sum of lengths to be equal to values.shape[0], but sum of lengths is ",
                            total > shape[0] ? "larger" : std::to_string(total), " and value's shape is: ", shape);
  }
  TW_ASSIGN_OR_RETURN(const int64_t size, array->size());
  if (size != count && !(array->dynamic_size() && size < count)) {
    return invalid_argument("TensorArray's size is not equal to the size of lengths (", size, " vs. ", count,
                            "), and the TensorArray is not marked as dynamically resizeable");
  }
  TW_RETURN_IF_ERROR(check_room(*array, count));
  TW_ASSIGN_OR_RETURN(const Tensor value, ctx.input_tensor(1, true));
  int64_t used = 0;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t n = index_at(lengths, k);
    Shape part = shape;
    part.set_dim(0, n);
    TW_ASSIGN_OR_RETURN(Tensor t, row_of(value, used, n, part));
    TW_RETURN_IF_ERROR(array->write(k, std::move(t)));
    used += n;
  }
  return pass_flow(ctx, 3);
}

}  // namespace

TW_KERNEL(TensorArrayV3, prepare_array, run_new);
TW_KERNEL(TensorArrayGradV3, prepare_array, run_gradient);
TW_KERNEL(TensorArrayWriteV3, prepare_array, run_write);
TW_KERNEL(TensorArrayReadV3, prepare_array, run_read);
TW_KERNEL(TensorArrayGatherV3, prepare_array, run_gather);
TW_KERNEL(TensorArrayScatterV3, prepare_array, run_scatter);
TW_KERNEL(TensorArrayConcatV3, prepare_array, run_concat);
TW_KERNEL(TensorArraySplitV3, prepare_array, run_split);
TW_KERNEL(TensorArraySizeV3, prepare_array, run_size);
TW_KERNEL(TensorArrayCloseV3, prepare_array, run_close);

}  // namespace tw
