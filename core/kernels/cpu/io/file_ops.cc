// Reading, writing and finding files.
#include <algorithm>

#include "core/framework/kernel.h"
#include "core/platform/files.h"

namespace tw {
namespace {

Status prepare(PrepareContext&) { return {}; }

Status check_scalar(const RunContext& ctx, int i, std::string_view name) {
  const Shape& shape = *ctx.input(i).shape;
  return shape.rank() == 0 ? Status()
                           : invalid_argument("Input ", name, " tensor must be scalar, but had shape: ", shape);
}

Status run_read(const RunContext& ctx) {
  TW_RETURN_IF_ERROR(check_scalar(ctx, 0, "filename"));
  TW_ASSIGN_OR_RETURN(*ctx.out<std::string>(0), read_file(*ctx.in<std::string>(0)));
  return {};
}

Status run_write(const RunContext& ctx) {
  TW_RETURN_IF_ERROR(check_scalar(ctx, 0, "filename"));
  TW_RETURN_IF_ERROR(check_scalar(ctx, 1, "contents"));
  const std::string& path = *ctx.in<std::string>(0);
  TW_RETURN_IF_ERROR(make_directories(directory_of(path)));
  return write_file(path, *ctx.in<std::string>(1));
}

Status run_match(const RunContext& ctx) {
  const Value& patterns = ctx.input(0);
  if (patterns.shape->rank() > 1) {
    return invalid_argument("Input patterns tensor must be scalar or vector, but had shape: ", *patterns.shape);
  }
  std::vector<std::string> all;
  for (int64_t i = 0; i < patterns.shape->num_elements(); ++i) {
    TW_ASSIGN_OR_RETURN(auto found, match_files(ctx.in<std::string>(0)[i]));
    all.insert(all.end(), found.begin(), found.end());
  }
  std::sort(all.begin(), all.end());
  ctx.set_output(0, Tensor::vector<std::string>(all));
  return {};
}

}  // namespace

TW_KERNEL(ReadFile, prepare, run_read);
TW_KERNEL(WriteFile, prepare, run_write);
TW_KERNEL(MatchingFiles, prepare, run_match);

}  // namespace tw
