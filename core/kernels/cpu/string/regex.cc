// RegexReplace, RegexFullMatch and their forms with the pattern as an attribute. RE2 matches in time linear in the
// text, whatever the pattern.
#include <re2/re2.h>

#include <mutex>

#include "core/framework/kernel.h"

namespace tw {
namespace {

// One compiled pattern, kept for the steps that bring the same one.
class PatternCache {
 public:
  Result<std::shared_ptr<const RE2>> get(const std::string& pattern) const {
    std::lock_guard lock(mutex_);
    if (regex_ != nullptr && regex_->pattern() == pattern) return regex_;
    RE2::Options options;
    options.set_log_errors(false);
    auto regex = std::make_shared<const RE2>(pattern, options);
    if (!regex->ok()) return invalid_argument("Invalid pattern: ", pattern, ", error: ", regex->error());
    regex_ = std::move(regex);
    return regex_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const RE2> regex_;
};

struct RegexState : KernelState {
  PatternCache cache;
  std::string pattern, rewrite;
  bool given = false;  // pattern (and rewrite) are attributes, else inputs
  bool global = true;
};

Status prepare_regex(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<RegexState>();
  if (ctx.attrs().has("replace_global")) s.global = ctx.attrs().boolean("replace_global");
  s.given = ctx.attrs().has("pattern");
  if (s.given) {
    s.pattern = ctx.attrs().string("pattern");
    if (ctx.attrs().has("rewrite")) s.rewrite = ctx.attrs().string("rewrite");
    return s.cache.get(s.pattern).status();
  }
  constexpr const char* kNames[] = {"Input", "Pattern", "Rewrite"};
  for (int i = 1; i < ctx.num_inputs(); ++i) {
    if (!ctx.input_shape(i).is_scalar()) {
      return invalid_argument(kNames[i], " must be scalar, but received ", ctx.input_shape(i));
    }
  }
  return {};
}

// The text of input i, or the attribute's.
const std::string& text_of(const RunContext& ctx, int i, const std::string& attr) {
  return ctx.state<RegexState>().given ? attr : *ctx.in<std::string>(i);
}

Status run_replace(const RunContext& ctx) {
  const auto& s = ctx.state<RegexState>();
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<const RE2> regex, s.cache.get(text_of(ctx, 1, s.pattern)));
  const std::string& rewrite = text_of(ctx, 2, s.rewrite);
  const std::string* in = ctx.in<std::string>(0);
  std::string* out = ctx.out<std::string>(0);
  const int64_t count = ctx.input(0).shape->num_elements();
  for (int64_t i = 0; i < count; ++i) {
    // A rewrite that names a group the pattern lacks replaces nothing.
    out[i] = in[i];
    if (s.global) RE2::GlobalReplace(&out[i], *regex, rewrite);
    else RE2::Replace(&out[i], *regex, rewrite);
  }
  return {};
}

Status run_full_match(const RunContext& ctx) {
  const auto& s = ctx.state<RegexState>();
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<const RE2> regex, s.cache.get(text_of(ctx, 1, s.pattern)));
  const std::string* in = ctx.in<std::string>(0);
  bool* out = ctx.out<bool>(0);
  const int64_t count = ctx.input(0).shape->num_elements();
  for (int64_t i = 0; i < count; ++i) out[i] = RE2::FullMatch(in[i], *regex);
  return {};
}

}  // namespace

TW_KERNEL(RegexReplace, prepare_regex, run_replace);
TW_KERNEL(RegexFullMatch, prepare_regex, run_full_match);

}  // namespace tw
