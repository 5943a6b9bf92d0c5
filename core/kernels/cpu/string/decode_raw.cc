// DecodeRaw and DecodePaddedRaw: the bytes of strings as numbers.
#include <algorithm>
#include <bit>
#include <cstring>

#include "core/kernels/cpu/array/outputs.h"

namespace tw {
namespace {

struct RawState : KernelState {
  bool swap = false;  // the bytes of each number
};

Status prepare_raw(PrepareContext& ctx) {
  const bool little = ctx.attrs().boolean("little_endian");
  ctx.emplace_state<RawState>().swap = little != (std::endian::native == std::endian::little);
  return {};
}

// The parts of a complex number are swapped one by one.
void swap_bytes(char* data, size_t count, DType dtype) {
  const size_t parts = is_complex(dtype) ? 2 : 1, size = dtype_size(dtype) / parts;
  for (size_t i = 0; i < count * parts; ++i) std::reverse(data + i * size, data + (i + 1) * size);
}

// Each string gives `width` numbers, zeros where it is shorter than they are.
Status decode(const RunContext& ctx, int64_t bytes, DType dtype) {
  const Value& in = ctx.input(0);
  Shape shape = *in.shape;
  if (shape.rank() == kMaxRank) return invalid_argument("The result would have more than ", kMaxRank, " dimensions");
  const int64_t strings = shape.num_elements(), width = bytes / static_cast<int64_t>(dtype_size(dtype));
  shape.add_dim(width);
  TW_ASSIGN_OR_RETURN(void* const to, ctx.allocate_output(0, shape));
  char* at = static_cast<char*>(to);
  for (int64_t i = 0; i < strings; ++i, at += bytes) {
    const std::string& text = static_cast<const std::string*>(in.data)[i];
    const size_t given = std::min(text.size(), static_cast<size_t>(bytes));
    std::memcpy(at, text.data(), given);
    std::memset(at + given, 0, static_cast<size_t>(bytes) - given);
  }
  if (dtype == DType::kBool) {
    // A byte that is neither 0 nor 1 is no bool.
    char* values = static_cast<char*>(to);
    for (int64_t i = 0; i < strings * width; ++i) values[i] = values[i] != 0;
  }
  if (ctx.state<RawState>().swap) swap_bytes(static_cast<char*>(to), static_cast<size_t>(strings * width), dtype);
  return {};
}

Status run_raw(const RunContext& ctx) {
  const Value& in = ctx.input(0);
  const std::string* text = static_cast<const std::string*>(in.data);
  const int64_t strings = in.shape->num_elements();
  const DType dtype = ctx.output(0).dtype;
  const size_t bytes = strings == 0 ? 0 : text[0].size();
  for (int64_t i = 1; i < strings; ++i) {
    if (text[i].size() != bytes) {
      return invalid_argument("DecodeRaw requires input strings to all be the same size, but element ", i, " has size ",
                              text[i].size(), " != ", bytes);
    }
  }
  if (bytes % dtype_size(dtype) != 0) {
    return invalid_argument("Input to DecodeRaw has length ", bytes, " that is not a multiple of ", dtype_size(dtype),
                            ", the size of ", dtype_name(dtype));
  }
  return decode(ctx, static_cast<int64_t>(bytes), dtype);
}

Status run_padded_raw(const RunContext& ctx) {
  const Value& length = ctx.input(1);
  const DType dtype = ctx.output(0).dtype;
  if (!length.shape->is_scalar()) {
    return invalid_argument("fixed_length must be scalar, got shape ", *length.shape);
  }
  const int64_t bytes = index_at(length);
  const auto size = static_cast<int64_t>(dtype_size(dtype));
  if (bytes <= 0 || bytes % size != 0) {
    return invalid_argument("fixed_length (", bytes, ") must be positive and a multiple of the size of out_type (",
                            size, ")");
  }
  return decode(ctx, bytes, dtype);
}

}  // namespace

TW_KERNEL(DecodeRaw, prepare_raw, run_raw);
TW_KERNEL(DecodePaddedRaw, prepare_raw, run_padded_raw);

}  // namespace tw
