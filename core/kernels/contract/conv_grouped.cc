// Grouped convolution: each group of output channels sees its own group of input channels. The operands' channels are
// sorted by group, each group is a convolution of its own, and the results go back between one another.
#include <array>

#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/epilogue.h"
#include "core/kernels/move.h"

namespace tw::contract {
namespace {

// A tensor of rows of channels, and the same with the rows of each group together.
struct Sorted {
  StridedCopy apart, together;
  size_t group_bytes = 0, bytes = 0;

  Sorted() = default;
  Sorted(int64_t rows, int64_t groups, int64_t channels, size_t element_size) {
    const std::array<int64_t, 3> dims{groups, rows, channels};
    const std::array<int64_t, 3> mixed{channels, groups * channels, 1}, sorted{rows * channels, channels, 1};
    apart = StridedCopy(dims, mixed, sorted, element_size);
    together = StridedCopy(dims, sorted, mixed, element_size);
    group_bytes = static_cast<size_t>(rows * channels) * element_size;
    bytes = align_up(group_bytes * static_cast<size_t>(groups));
  }
};

class GroupedConv final : public ContractPlan {
 public:
  Status plan(const ConvSpec& spec, int threads) {
    groups_ = spec.groups;
    ConvSpec one = spec;
    one.groups = 1;
    one.in_c /= groups_;
    one.out_c /= groups_;
    one.constant_filter = nullptr;  // its groups lie scattered; each is packed as the step runs
    one.epilogue = Epilogue();
    TW_ASSIGN_OR_RETURN(group_, plan_conv(one, threads));
    const size_t size = element_size_ = dtype_size(spec.dtype);
    const Sorted image(spec.batch * spec.in_h * spec.in_w, groups_, one.in_c, size);
    const Sorted filter(spec.filter_h * spec.filter_w * one.in_c, groups_, one.out_c, size);
    const Sorted out(spec.batch * spec.out_h * spec.out_w, groups_, one.out_c, size);
    Shape space;
    switch (spec.kind) {
      case ConvSpec::Kind::kForward:
        a_ = image, b_ = filter, result_ = out;
        space = Shape{spec.batch, spec.out_h, spec.out_w, spec.out_c};
        break;
      case ConvSpec::Kind::kInputGrad:
        a_ = filter, b_ = out, result_ = image;
        space = Shape{spec.batch, spec.in_h, spec.in_w, spec.in_c};
        break;
      case ConvSpec::Kind::kFilterGrad:
        a_ = image, b_ = out, result_ = filter;
        space = Shape{spec.filter_h, spec.filter_w, one.in_c, spec.out_c};
        break;
    }
    count_ = space.num_elements();
    TW_ASSIGN_OR_RETURN(epilogue_, BoundEpilogue::make(spec.epilogue, spec.dtype, space));
    mixed_bytes_ = epilogue_.home() < 0 ? align_up(static_cast<size_t>(count_) * size) : 0;
    return {};
  }

  Status run(const void* a, const void* b, const void* const* operands, void* const* outputs, void* workspace,
             WorkerPool& pool) const override {
    if (count_ == 0) return {};
    char* at = static_cast<char*>(workspace);
    char* const a_sorted = take<char>(&at, static_cast<int64_t>(a_.bytes));
    char* const b_sorted = take<char>(&at, static_cast<int64_t>(b_.bytes));
    char* const sorted = take<char>(&at, static_cast<int64_t>(result_.bytes));
    void* mixed =
        epilogue_.home() < 0 ? take<char>(&at, static_cast<int64_t>(mixed_bytes_)) : outputs[epilogue_.home()];
    a_.apart.run(a, a_sorted, pool);
    b_.apart.run(b, b_sorted, pool);
    for (int64_t g = 0; g < groups_; ++g) {
      const auto i = static_cast<size_t>(g);
      void* to = sorted + i * result_.group_bytes;
      TW_RETURN_IF_ERROR(
          group_->run(a_sorted + i * a_.group_bytes, b_sorted + i * b_.group_bytes, nullptr, &to, at, pool));
    }
    result_.together.run(sorted, mixed, pool);
    if (epilogue_.empty()) return {};
    FirstError error;
    pool.parallel_for(count_, kElementsPerTask, [&](int64_t begin, int64_t end) {
      const char* block = static_cast<const char*>(mixed) + static_cast<size_t>(begin) * element_size_;
      error.set(epilogue_.run(block, operands, outputs, begin, end - begin));
    });
    return error.take();
  }

  size_t workspace_bytes() const override {
    return a_.bytes + b_.bytes + result_.bytes + mixed_bytes_ + group_->workspace_bytes();
  }
  double flops() const override { return static_cast<double>(groups_) * group_->flops() + epilogue_.flops(); }
  std::string_view algorithm() const override { return "by groups"; }

 private:
  static constexpr int64_t kElementsPerTask = 16384;

  int64_t groups_ = 1, count_ = 0;
  size_t element_size_ = 0, mixed_bytes_ = 0;
  std::unique_ptr<ContractPlan> group_;
  Sorted a_, b_, result_;
  BoundEpilogue epilogue_;
};

}  // namespace

Result<std::unique_ptr<ContractPlan>> plan_grouped_conv(const ConvSpec& spec, int threads) {
  auto plan = std::make_unique<GroupedConv>();
  TW_RETURN_IF_ERROR(plan->plan(spec, threads));
  return std::unique_ptr<ContractPlan>(std::move(plan));
}

}  // namespace tw::contract
