// Assert, Print and formatting.
#include <atomic>
#include <cstdio>

#include "core/framework/kernel.h"
#include "core/kernels/cpu/string/text.h"
#include "core/platform/files.h"

namespace tw {
namespace {

struct PrintState : KernelState {
  int64_t summarize = 3, first_n = -1;
  std::string message, output_stream, end, format, placeholder;
  mutable std::atomic<int64_t> calls{0};
};

Status prepare_print(PrepareContext& ctx) {
  auto& state = ctx.emplace_state<PrintState>();
  const AttrReader& attrs = ctx.attrs();
  if (attrs.has("summarize")) state.summarize = attrs.integer("summarize");
  if (attrs.has("first_n")) state.first_n = attrs.integer("first_n");
  if (attrs.has("message")) state.message = attrs.string("message");
  if (attrs.has("end")) state.end = attrs.string("end");
  if (attrs.has("template")) state.format = attrs.string("template");
  if (attrs.has("placeholder")) state.placeholder = attrs.string("placeholder");
  if (!attrs.has("output_stream")) return {};
  state.output_stream = attrs.string("output_stream");
  for (const std::string_view known : {"stdout", "stderr", "log(info)", "log(warning)", "log(error)"}) {
    if (state.output_stream == known) return {};
  }
  if (state.output_stream.starts_with("file://")) return {};
  return invalid_argument("Unknown output stream: ", state.output_stream,
                          ", should be one of stdout, stderr, log(info), ", "log(warning), log(error), or file://PATH");
}

// "[1 2 3...]" for each input from `first` on, with `separator` between them.
Status append_inputs(const RunContext& ctx, int first, std::string_view separator, std::string* text) {
  for (int i = first; i < ctx.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(const Tensor t, ctx.input_tensor(i, false));
    if (i > first) *text += separator;
    *text += '[' + summarize_flat(t, ctx.state<PrintState>().summarize) + ']';
  }
  return {};
}

Status run_assert(const RunContext& ctx) {
  const Value& condition = ctx.input(0);
  if (condition.shape->rank() != 0) {
    return invalid_argument("Input 0 should be a scalar tensor, but has shape ", *condition.shape);
  }
  if (*ctx.in<bool>(0)) return {};
  std::string text = "assertion failed: ";
  TW_RETURN_IF_ERROR(append_inputs(ctx, 1, " ", &text));
  return invalid_argument(text);
}

// One write per message keeps lines of several threads apart.
void write_to(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

Status run_print(const RunContext& ctx) {
  const auto& state = ctx.state<PrintState>();
  TW_ASSIGN_OR_RETURN(Tensor value, ctx.input_tensor(0, true));
  if (state.first_n < 0 || state.calls.fetch_add(1) < state.first_n) {
    std::string text = state.message;
    TW_RETURN_IF_ERROR(append_inputs(ctx, 1, "", &text));
    write_to(stderr, text + '\n');
  }
  ctx.set_output(0, std::move(value));
  return {};
}

Status run_print_v2(const RunContext& ctx) {
  const auto& state = ctx.state<PrintState>();
  if (ctx.input(0).shape->rank() != 0)
    return invalid_argument("PrintV2 wants a scalar string, got shape ", *ctx.input(0).shape);
  const std::string text = *ctx.in<std::string>(0) + state.end;
  if (state.output_stream.starts_with("file://")) {
    TW_ASSIGN_OR_RETURN(const auto file,
                        WritableFile::open(state.output_stream.substr(7), WritableFile::Mode::kAppend));
    TW_RETURN_IF_ERROR(file->append(text));
    return file->close();
  }
  if (state.output_stream == "stdout") {
    write_to(stdout, text);
  } else {
    const size_t level = state.output_stream.starts_with("log(") ? 4 : std::string::npos;
    const char letter = level == 4 ? static_cast<char>(std::toupper(state.output_stream[level])) : ' ';
    write_to(stderr, level == 4 ? std::string(1, letter) + ' ' + text : text);
  }
  return {};
}

Status run_format(const RunContext& ctx) {
  const auto& state = ctx.state<PrintState>();
  std::string text;
  size_t begin = 0;
  int used = 0;
  for (;;) {
    const size_t at = state.placeholder.empty() ? std::string::npos : state.format.find(state.placeholder, begin);
    if (at == std::string::npos) break;
    text.append(state.format, begin, at - begin);
    begin = at + state.placeholder.size();
    if (used < ctx.num_inputs()) {
      TW_ASSIGN_OR_RETURN(const Tensor t, ctx.input_tensor(used, false));
      text += summarize_nested(t, state.summarize);
    }
    ++used;
  }
  if (used != ctx.num_inputs()) {
    return invalid_argument("num placeholders in template and num inputs must match: ", used, " vs. ",
                            ctx.num_inputs());
  }
  *ctx.out<std::string>(0) = text.append(state.format, begin);
  return {};
}

}  // namespace

TW_KERNEL(Assert, prepare_print, run_assert);
TW_KERNEL(Print, prepare_print, run_print);
TW_KERNEL(PrintV2, prepare_print, run_print_v2);
TW_KERNEL(StringFormat, prepare_print, run_format);

}  // namespace tw
