// ParseTensor, SerializeTensor and DecodeCompressed.
#include "core/formats/inflate.h"
#include "core/formats/tensor_proto.h"
#include "core/framework/kernel.h"

namespace tw {
namespace {

Status prepare(PrepareContext&) { return {}; }

Status run_parse(const RunContext& ctx) {
  if (!ctx.input(0).shape->is_scalar()) {
    return invalid_argument("Expected `serialized` to be a scalar, got shape: ", *ctx.input(0).shape);
  }
  TW_ASSIGN_OR_RETURN(Tensor t, decode_tensor(*ctx.in<std::string>(0)));
  if (t.dtype() != ctx.output(0).dtype) {
    return invalid_argument("Type mismatch between parsed tensor (", dtype_name(t.dtype()), ") and dtype (",
                            dtype_name(ctx.output(0).dtype), ")");
  }
  ctx.set_output(0, std::move(t));
  return {};
}

Status run_serialize(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Tensor t, ctx.input_tensor(0, false));
  TW_ASSIGN_OR_RETURN(*ctx.out<std::string>(0), encode_tensor(t));
  return {};
}

struct InflateState : KernelState {
  std::string compression;
};

Status prepare_decompress(PrepareContext& ctx) {
  const std::string c = ctx.attrs().string("compression_type");
  ctx.emplace_state<InflateState>().compression = c;
  if (c.empty() || c == "ZLIB" || c == "GZIP") return {};
  return invalid_argument("Only ZLIB, GZIP or NONE are supported compressions, not ", c);
}

Status run_decompress(const RunContext& ctx) {
  const std::string& compression = ctx.state<InflateState>().compression;
  for (int64_t i = 0; i < ctx.input(0).shape->num_elements(); ++i) {
    TW_ASSIGN_OR_RETURN(ctx.out<std::string>(0)[i], inflate(ctx.in<std::string>(0)[i], compression));
  }
  return {};
}

}  // namespace

TW_KERNEL(ParseTensor, prepare, run_parse);
TW_KERNEL(SerializeTensor, prepare, run_serialize);
TW_KERNEL(DecodeCompressed, prepare_decompress, run_decompress);

}  // namespace tw
