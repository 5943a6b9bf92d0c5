// Saving and restoring checkpoints.
#include "core/formats/bundle.h"
#include "core/formats/checkpoint.h"
#include "core/framework/kernel.h"
#include "core/platform/files.h"

namespace tw {
namespace {

struct IoState : KernelState {
  const OpDef* op = nullptr;
  bool delete_old_dirs = true;
  std::vector<DType> dtypes;
};

Status prepare_io(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<IoState>();
  state.op = &ctx.op();
  if (ctx.attrs().has("delete_old_dirs")) state.delete_old_dirs = ctx.attrs().boolean("delete_old_dirs");
  for (int i = 0; i < ctx.num_outputs(); ++i) state.dtypes.push_back(ctx.output_dtype(i));
  return {};
}

// The one string of a scalar input.
Result<std::string> scalar_string(const RunContext& ctx, int i) {
  const Value& v = ctx.input(i);
  if (v.shape->num_elements() != 1) {
    return invalid_argument("Input ", i, " (", ctx.state<IoState>().op->inputs[static_cast<size_t>(i)].name,
                            ") should have exactly one element, but has shape ", *v.shape);
  }
  return *ctx.in<std::string>(i);
}

// A vector of `count` strings; -1 takes any number.
Result<std::span<const std::string>> string_vector(const RunContext& ctx, int i, int64_t count) {
  const Value& v = ctx.input(i);
  const std::string_view name = ctx.state<IoState>().op->inputs[static_cast<size_t>(i)].name;
  if (v.shape->rank() != 1)
    return invalid_argument("Input ", i, " (", name, ") should be a 1-D tensor, got ", *v.shape, " instead");
  if (count >= 0 && (*v.shape)[0] != count) {
    return invalid_argument("Got ", (*v.shape)[0], " ", name, " but ", count, " tensors.");
  }
  return std::span<const std::string>(ctx.in<std::string>(i), static_cast<size_t>((*v.shape)[0]));
}

// The tensors that begin at input `first`, with what the names and slices say of each.
Result<std::vector<TensorToSave>> tensors_to_save(const RunContext& ctx, bool slices, int first) {
  const int count = ctx.num_inputs() - first;
  TW_ASSIGN_OR_RETURN(const auto names, string_vector(ctx, 1, count));
  std::span<const std::string> specs;
  if (slices) {
    TW_ASSIGN_OR_RETURN(specs, string_vector(ctx, 2, count));
  }
  std::vector<TensorToSave> tensors;
  for (int i = 0; i < count; ++i) {
    TensorToSave t;
    t.name = names[static_cast<size_t>(i)];
    if (slices) {
      TW_ASSIGN_OR_RETURN(t.part, parse_shape_and_slice(specs[static_cast<size_t>(i)]));
    }
    TW_ASSIGN_OR_RETURN(t.value, ctx.input_tensor(first + i, false));
    if (!t.part.whole) {
      TW_ASSIGN_OR_RETURN(const TensorSlice slice, t.part.slice.resolved(t.part.shape));
      if (slice.shape() != t.value.shape()) {
        return invalid_argument(
            "Slice in shape_and_slice specification does not match the shape of the tensor to save: ",
            specs[static_cast<size_t>(i)], ", tensor: ", t.value.shape());
      }
    }
    tensors.push_back(std::move(t));
  }
  return tensors;
}

Status run_save_v2(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const std::string prefix, scalar_string(ctx, 0));
  TW_ASSIGN_OR_RETURN(const auto tensors, tensors_to_save(ctx, true, 3));
  TW_ASSIGN_OR_RETURN(const auto writer, BundleWriter::create(prefix));
  for (const TensorToSave& t : tensors) {
    if (t.part.whole) {
      TW_RETURN_IF_ERROR(writer->add(t.name, t.value));
    } else {
      TW_RETURN_IF_ERROR(writer->add_slice(t.name, t.part.shape, t.part.slice, t.value));
    }
  }
  return writer->finish();
}

template <bool kSlices>
Status run_save_v1(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const std::string path, scalar_string(ctx, 0));
  TW_ASSIGN_OR_RETURN(const auto tensors, tensors_to_save(ctx, kSlices, kSlices ? 3 : 2));
  return write_checkpoint_v1(path, tensors);
}

Status restore_one(const RunContext& ctx, const CheckpointReader& reader, const std::string& name,
                   const std::string& spec, int out) {
  const DType want = ctx.state<IoState>().dtypes[static_cast<size_t>(out)];
  TW_ASSIGN_OR_RETURN(const ShapeAndSlice part, parse_shape_and_slice(spec));
  const auto saved = reader.tensors().find(name);
  if (saved != reader.tensors().end()) {
    if (saved->second.dtype != want) {
      return invalid_argument("tensor_name = ", name, "; expected dtype ", dtype_name(want),
                              " does not equal original dtype ", dtype_name(saved->second.dtype));
    }
    if (!part.whole && saved->second.shape != part.shape) {
      return invalid_argument("tensor_name = ", name, "; shape in shape_and_slice spec ", part.shape,
                              " does not match the shape stored in checkpoint: ", saved->second.shape);
    }
  }
  TW_ASSIGN_OR_RETURN(Tensor value, part.whole ? reader.read(name) : reader.read_slice(name, part.slice));
  ctx.set_output(out, std::move(value));
  return {};
}

Status run_restore_v2(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const std::string prefix, scalar_string(ctx, 0));
  const int count = ctx.num_outputs();
  TW_ASSIGN_OR_RETURN(const auto names, string_vector(ctx, 1, count));
  TW_ASSIGN_OR_RETURN(const auto specs, string_vector(ctx, 2, count));
  TW_ASSIGN_OR_RETURN(const auto reader, CheckpointReader::open(prefix));
  for (int i = 0; i < count; ++i) {
    if (ctx.step().cancelled()) return cancelled("RestoreV2 was cancelled");
    TW_RETURN_IF_ERROR(restore_one(ctx, *reader, names[static_cast<size_t>(i)], specs[static_cast<size_t>(i)], i));
  }
  return {};
}

template <bool kSlice>
Status run_restore_v1(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const std::string pattern, scalar_string(ctx, 0));
  TW_ASSIGN_OR_RETURN(const std::string name, scalar_string(ctx, 1));
  std::string spec;
  if (kSlice) {
    TW_ASSIGN_OR_RETURN(spec, scalar_string(ctx, 2));
  }
  TW_ASSIGN_OR_RETURN(const auto reader, CheckpointReader::open_v1(pattern));
  return restore_one(ctx, *reader, name, spec, 0);
}

Status run_merge(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const auto prefixes, string_vector(ctx, 0, -1));
  TW_ASSIGN_OR_RETURN(const std::string merged, scalar_string(ctx, 1));
  TW_RETURN_IF_ERROR(merge_bundles(prefixes, merged));
  if (!ctx.state<IoState>().delete_old_dirs) return {};
  // The folders of the parts hold nothing else; one that does stays.
  const std::string keep = directory_of(merged);
  for (const std::string& prefix : prefixes) {
    const std::string folder = directory_of(prefix);
    if (folder != keep && file_exists(folder)) (void)remove_directory(folder).ok();
  }
  return {};
}

std::string five_digits(int32_t v) {
  std::string text = std::to_string(v);
  return text.size() < 5 ? std::string(5 - text.size(), '0') + text : text;
}

Status check_scalars(const RunContext& ctx) {
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    if (!ctx.input(i).shape->is_scalar()) {
      return invalid_argument(ctx.state<IoState>().op->inputs[static_cast<size_t>(i)].name,
                              " must be a scalar, but has shape ", *ctx.input(i).shape);
    }
  }
  return {};
}

Status run_sharded_filename(const RunContext& ctx) {
  TW_RETURN_IF_ERROR(check_scalars(ctx));
  TW_ASSIGN_OR_RETURN(const std::string base, scalar_string(ctx, 0));
  *ctx.out<std::string>(0) = base + "-" + five_digits(*ctx.in<int32_t>(1)) + "-of-" + five_digits(*ctx.in<int32_t>(2));
  return {};
}

Status run_sharded_filespec(const RunContext& ctx) {
  TW_RETURN_IF_ERROR(check_scalars(ctx));
  TW_ASSIGN_OR_RETURN(const std::string base, scalar_string(ctx, 0));
  *ctx.out<std::string>(0) = base + "-\?\?\?\?\?-of-" + five_digits(*ctx.in<int32_t>(1));
  return {};
}

}  // namespace

TW_KERNEL(SaveV2, prepare_io, run_save_v2);
TW_KERNEL(Save, prepare_io, run_save_v1<false>);
TW_KERNEL(SaveSlices, prepare_io, run_save_v1<true>);
TW_KERNEL(RestoreV2, prepare_io, run_restore_v2);
TW_KERNEL(Restore, prepare_io, run_restore_v1<false>);
TW_KERNEL(RestoreSlice, prepare_io, run_restore_v1<true>);
TW_KERNEL(MergeV2Checkpoints, prepare_io, run_merge);
TW_KERNEL(ShardedFilename, prepare_io, run_sharded_filename);
TW_KERNEL(ShardedFilespec, prepare_io, run_sharded_filespec);

}  // namespace tw
