// The contract engine: packed GEMM micro-kernels with a tape as epilogue; batched forms, and convolutions as implicit
// GEMM on NHWC.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/framework/shape.h"
#include "core/framework/tape.h"
#include "core/platform/worker_pool.h"

namespace tw {

// Runs on each block of results while it is in cache. Input 0 of the tape is the result; the others are operands that
// broadcast to the result's shape (a bias, a residual, a mask). An empty tape stores the result.
struct Epilogue {
  Tape tape;
  std::vector<Shape> operand_shapes;
  // The result's shape, when it is not [m, n], [batch, m, n] or NHWC (split batch dimensions, volumes).
  Shape space = Shape::unknown();
};

// An operand that is the same in every run. `owner`, where there is one, keeps it alive and unchanged; then plans share
// what they pack of it.
struct Constant {
  Constant(const void* at = nullptr) : data(at) {}
  Constant(const void* at, std::shared_ptr<const void> by) : data(at), owner(std::move(by)) {}
  bool operator==(std::nullptr_t) const { return data == nullptr; }
  const void* data;
  std::shared_ptr<const void> owner;
};

// C[b] = op(A[b]) * op(B[b]), row-major, dense. batch_a and batch_b are 1 (shared) or `batch`, or any count when
// index_a or index_b says which matrix each of the `batch` results uses.
struct GemmSpec {
  DType dtype = DType::kFloat;  // float, double, half, bfloat16 (f32 accumulation), int32, int64, complex
  int64_t m = 0, n = 0, k = 0;
  int64_t batch = 1, batch_a = 1, batch_b = 1;
  std::vector<int64_t> index_a, index_b;
  bool transpose_a = false, transpose_b = false;  // A is stored [k, m], B [n, k]
  bool adjoint_a = false, adjoint_b = false;      // and conjugated
  Constant constant_a, constant_b;                // when set, packed once at plan time
  Epilogue epilogue;
};

// NHWC input, HWIO filter, explicit padding. A depthwise filter is HWCM with multiplier M. A filter of several groups
// has in_c / groups input channels; output channel o belongs to group o / (out_c / groups). Volumes are NDHWC with a
// DHWIO filter; images are volumes of depth 1. Depthwise and grouped convolutions have no depth.
struct ConvSpec {
  enum class Kind : uint8_t { kForward, kInputGrad, kFilterGrad };
  Kind kind = Kind::kForward;
  DType dtype = DType::kFloat;
  int64_t batch = 0, in_h = 0, in_w = 0, in_c = 0;
  int64_t out_h = 0, out_w = 0, out_c = 0;
  int64_t filter_h = 0, filter_w = 0;
  int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t pad_top = 0, pad_left = 0;
  int64_t groups = 1;
  int64_t in_d = 1, out_d = 1, filter_d = 1, stride_d = 1, dilation_d = 1, pad_front = 0;
  bool depthwise = false;
  // Allows Winograd's algorithm for 3 x 3 taps of float, whose rounding error is about twice that of the direct sum.
  bool winograd = true;
  Constant constant_filter;  // when set, packed once at plan time
  Epilogue epilogue;
};

class ContractPlan {
 public:
  virtual ~ContractPlan() = default;
  // a, b: the operands in the order of the op (Gemm: A, B; conv forward: input, filter; input gradient: filter, dy;
  // filter gradient: input, dy). `operands` are the epilogue's.
  // Outputs are the tape's; without a tape there is one. Fails only where the tape can (integer division by zero).
  virtual Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
                     WorkerPool& pool) const = 0;
  virtual size_t workspace_bytes() const = 0;
  virtual double flops() const = 0;
  // Which plan it is, in a few words for traces.
  virtual std::string_view algorithm() const { return {}; }
};

// `threads` is the size of the pool run() will get. Results repeat bit for bit for the same spec and thread count.
Result<std::unique_ptr<ContractPlan>> plan_gemm(const GemmSpec& spec, int threads);
Result<std::unique_ptr<ContractPlan>> plan_conv(const ConvSpec& spec, int threads);

}  // namespace tw
