// StringToHashBucket and its kin, and Fingerprint: strings as numbers.
#include <vector>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/string/fingerprint.h"

namespace tw {
namespace {

struct BucketState : KernelState {
  uint64_t buckets = 1;
  std::array<uint64_t, 2> key{};
};

Status prepare_bucket(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<BucketState>();
  s.buckets = static_cast<uint64_t>(ctx.attrs().integer("num_buckets"));
  if (!ctx.attrs().has("key")) return {};
  const std::vector<int64_t> key = ctx.attrs().ints("key");
  if (key.size() != 2) return invalid_argument("Key must have 2 elements, but has ", key.size());
  for (size_t i = 0; i < 2; ++i) s.key[i] = static_cast<uint64_t>(key[i]);
  return {};
}

template <typename Hash>
Status each_bucket(const RunContext& ctx, const Hash& hash) {
  const auto& s = ctx.state<BucketState>();
  const std::string* in = ctx.in<std::string>(0);
  int64_t* out = ctx.out<int64_t>(0);
  ctx.pool().parallel_for(ctx.input(0).shape->num_elements(), grain_for_ns(40), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) out[i] = static_cast<int64_t>(hash(in[i]) % s.buckets);
  });
  return {};
}

constexpr uint64_t kSeed = 0xDECAFCAFFE;

Status run_bucket(const RunContext& ctx) {
  return each_bucket(ctx, [](const std::string& s) { return murmur_hash64(s, kSeed); });
}
Status run_fast(const RunContext& ctx) {
  return each_bucket(ctx, [](const std::string& s) { return farm_fingerprint64(s); });
}
Status run_strong(const RunContext& ctx) {
  const auto& key = ctx.state<BucketState>().key;
  return each_bucket(ctx, [&key](const std::string& s) { return sip_hash(key, s); });
}

Status prepare_fingerprint(PrepareContext& ctx) {
  if (ctx.input_shape(0).rank() < 1) return invalid_argument("`data` should have at least one dimension.");
  if (!ctx.input_shape(1).is_scalar()) {
    return invalid_argument("`method` should be a scalar string: ", ctx.input_shape(1));
  }
  return {};
}

// The fingerprint of each row, as eight bytes with the lowest first. A row of one string is that string's; one of
// several is that of the strings' fingerprints.
Status run_fingerprint(const RunContext& ctx) {
  const std::string& method = *ctx.in<std::string>(1);
  if (method != "farmhash64") return invalid_argument("Unsupported fingerprint method: ", method);
  const Value& data = ctx.input(0);
  const int64_t rows = (*data.shape)[0], width = rows == 0 ? 0 : data.shape->num_elements() / rows;
  uint8_t* out = ctx.out<uint8_t>(0);
  std::vector<char> parts;
  const auto put = [](uint64_t v, auto* to) {
    for (int i = 0; i < 8; ++i) to[i] = static_cast<std::remove_pointer_t<decltype(to)>>(v >> 8 * i);
  };
  for (int64_t r = 0; r < rows; ++r, out += 8) {
    if (data.dtype != DType::kString) {
      const size_t bytes = static_cast<size_t>(width) * dtype_size(data.dtype);
      put(farm_fingerprint64({static_cast<const char*>(data.data) + static_cast<size_t>(r) * bytes, bytes}), out);
      continue;
    }
    const std::string* row = static_cast<const std::string*>(data.data) + r * width;
    if (width == 1) {
      put(farm_fingerprint64(*row), out);
      continue;
    }
    parts.resize(static_cast<size_t>(8 * width));
    for (int64_t i = 0; i < width; ++i) put(farm_fingerprint64(row[i]), parts.data() + 8 * i);
    put(farm_fingerprint64({parts.data(), parts.size()}), out);
  }
  return {};
}

}  // namespace

TW_KERNEL(StringToHashBucket, prepare_bucket, run_bucket);
TW_KERNEL(StringToHashBucketFast, prepare_bucket, run_fast);
TW_KERNEL(StringToHashBucketStrong, prepare_bucket, run_strong);
TW_KERNEL(Fingerprint, prepare_fingerprint, run_fingerprint);

}  // namespace tw
