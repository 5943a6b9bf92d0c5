// EncodeBase64 and DecodeBase64 in the alphabet for URLs and file names (RFC 4648, section 5).
#include <array>

#include "core/framework/kernel.h"

namespace tw {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<int8_t, 256> kValues = [] {
  std::array<int8_t, 256> values{};
  for (auto& v : values) v = -1;
  for (size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  return values;
}();

struct Base64State : KernelState {
  bool pad = false;
};

Status prepare_encode(PrepareContext& ctx) {
  ctx.emplace_state<Base64State>().pad = ctx.attrs().boolean("pad");
  return {};
}
Status prepare_decode(PrepareContext&) { return {}; }

std::string encode(std::string_view in, bool pad) {
  std::string out;
  out.reserve((in.size() + 2) / 3 * 4);
  for (size_t i = 0; i < in.size(); i += 3) {
    uint32_t bits = 0;
    const size_t bytes = std::min<size_t>(3, in.size() - i);
    for (size_t k = 0; k < bytes; ++k) bits |= static_cast<uint32_t>(static_cast<uint8_t>(in[i + k])) << (16 - 8 * k);
    for (size_t k = 0; k < 4; ++k) {
      if (k <= bytes) out += kAlphabet[bits >> (18 - 6 * k) & 63];
      else if (pad) out += '=';
    }
  }
  return out;
}

// False for letters outside the alphabet and lengths that no encoding has. Padding may be there or not.
bool decode(std::string_view in, std::string* out) {
  if (in.size() % 4 == 0) {
    for (int i = 0; i < 2 && !in.empty() && in.back() == '='; ++i) in.remove_suffix(1);
  }
  if (in.size() % 4 == 1) return false;
  out->clear();
  uint32_t bits = 0;
  int have = 0;
  for (const char c : in) {
    const int v = kValues[static_cast<uint8_t>(c)];
    if (v < 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(v);
    have += 6;
    if (have < 8) continue;
    have -= 8;
    *out += static_cast<char>(bits >> have & 0xff);
  }
  return true;
}

Status run_encode(const RunContext& ctx) {
  const bool pad = ctx.state<Base64State>().pad;
  const int64_t count = ctx.input(0).shape->num_elements();
  for (int64_t i = 0; i < count; ++i) ctx.out<std::string>(0)[i] = encode(ctx.in<std::string>(0)[i], pad);
  return {};
}

Status run_decode(const RunContext& ctx) {
  const int64_t count = ctx.input(0).shape->num_elements();
  for (int64_t i = 0; i < count; ++i) {
    if (!decode(ctx.in<std::string>(0)[i], ctx.out<std::string>(0) + i)) {
      return invalid_argument("Invalid character found in base64: element ", i, " is \"", ctx.in<std::string>(0)[i],
                              "\"");
    }
  }
  return {};
}

}  // namespace

TW_KERNEL(EncodeBase64, prepare_encode, run_encode);
TW_KERNEL(DecodeBase64, prepare_decode, run_decode);

}  // namespace tw
