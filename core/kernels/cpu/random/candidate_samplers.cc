// Candidate samplers (Jean et al., "On using very large target vocabulary"): classes drawn for a loss over a few of
// many, with how often each was to be expected; and which draws hit a true class by accident.
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "core/kernels/cpu/random/range_sampler.h"

namespace tw {
namespace {

enum class Kind { kAll, kUniform, kLogUniform, kUnigram, kFixed };

struct SamplerState : KernelState {
  explicit SamplerState(const AttrReader& attrs) : rng(attrs) {}
  RngLookup rng;
  std::optional<NodeResource<RangeSampler>> sampler;
  bool unique = false;
};

// Weights from the attribute unigrams or, one a line as the last of the fields, from a file.
Result<std::vector<float>> read_weights(const AttrReader& attrs) {
  const std::string path = attrs.string("vocab_file");
  const float distortion = attrs.real("distortion");
  const int64_t reserved = attrs.integer("num_reserved_ids"), shards = attrs.integer("num_shards"),
                shard = attrs.integer("shard");
  TW_ASSIGN_OR_RETURN(const std::vector<float> unigrams, attrs.get<std::vector<float>>("unigrams"));
  if (path.empty() == unigrams.empty()) {
    return invalid_argument("Must provide either vocab_file or unigrams, and not both");
  }
  if (shard < 0 || shard >= shards) return invalid_argument("shard ", shard, " must be in [0, ", shards, ")");
  std::vector<float> weights;
  int64_t id = 0;
  const auto add = [&](float w) {
    if (id++ % shards == shard) weights.push_back(w);
  };
  for (int64_t i = 0; i < reserved; ++i) add(0);
  for (const float w : unigrams) add(std::pow(w, distortion));
  if (!path.empty()) {
    std::ifstream file(path);
    if (!file) return not_found(path, "; No such file or directory");
    for (std::string line; std::getline(file, line);) {
      if (line.empty()) continue;
      const std::string last = line.substr(line.rfind(',') + 1);
      char* end = nullptr;
      const float w = std::strtof(last.c_str(), &end);
      if (end == last.c_str()) return invalid_argument("Wrong vocabulary format at line: ", line);
      add(std::pow(w, distortion));
    }
  }
  const int64_t range = attrs.integer("range_max");
  if (range != static_cast<int64_t>(weights.size())) {
    return invalid_argument("range is ", range, " must be equal to weights size ", weights.size());
  }
  for (const float w : weights) {
    if (!(w >= 0) || std::isinf(w)) return invalid_argument("A unigram's weight cannot be ", w);
  }
  if (std::accumulate(weights.begin(), weights.end(), 0.0) <= 0) {
    return invalid_argument("No class has a weight above zero");
  }
  return weights;
}

template <Kind kKind>
Status prepare(PrepareContext& ctx) {
  const AttrReader& attrs = ctx.attrs();
  auto& s = ctx.emplace_state<SamplerState>(attrs);
  s.unique = attrs.boolean("unique");
  const int64_t sampled = attrs.integer("num_sampled"), num_true = attrs.integer("num_true");
  const Shape& classes = ctx.input_shape(0);
  if (classes.rank() != 2) return invalid_argument("true_classes must be a matrix, but has shape ", classes);
  if (classes[1] != num_true) {
    return invalid_argument("true_classes must have num_true columns, expected: ", num_true, " was: ", classes[1]);
  }
  const int64_t range = kKind == Kind::kAll ? sampled : attrs.integer("range_max");
  int64_t possible = range;
  if constexpr (kKind == Kind::kFixed) {
    TW_ASSIGN_OR_RETURN(std::vector<float> weights, read_weights(attrs));
    possible = 0;
    for (const float w : weights) possible += w > 0;
    s.sampler.emplace(attrs, "_sampler", [weights = std::move(weights)] { return RangeSampler::fixed(weights); });
  } else if constexpr (kKind != Kind::kAll) {
    s.sampler.emplace(attrs, "_sampler", [range] {
      return kKind == Kind::kUniform      ? RangeSampler::uniform(range)
             : kKind == Kind::kLogUniform ? RangeSampler::log_uniform(range)
                                          : RangeSampler::unigram(range);
    });
  }
  if (s.unique && sampled > possible) {
    return invalid_argument("Sampler's range is too small: ", sampled, " different classes of ", possible);
  }
  return {};
}

Status run(const RunContext& ctx) {
  const auto& s = ctx.state<SamplerState>();
  const auto count = static_cast<size_t>(ctx.output(0).shape->num_elements());
  const auto extras = static_cast<size_t>(ctx.input(0).shape->num_elements());
  int64_t* sampled = ctx.out<int64_t>(0);
  float *true_expected = ctx.out<float>(1), *sampled_expected = ctx.out<float>(2);
  if (!s.sampler) {
    std::iota(sampled, sampled + count, int64_t{0});
    std::fill_n(true_expected, extras, 1.0f);
    std::fill_n(sampled_expected, count, 1.0f);
    return {};
  }
  TW_ASSIGN_OR_RETURN(RngState* const rng, s.rng.get(ctx));
  TW_ASSIGN_OR_RETURN(RangeSampler* const sampler, s.sampler->get(ctx));
  // TensorFlow sets 2048 words aside for each candidate; rejection seldom needs more.
  SimplePhilox words(rng->reserve(static_cast<uint64_t>(count) * 512));
  sampler->sample_batch(words, s.unique, {sampled, count}, {sampled_expected, count}, {ctx.in<int64_t>(0), extras},
                        {true_expected, extras});
  return {};
}

Status prepare_hits(PrepareContext& ctx) {
  const Shape &classes = ctx.input_shape(0), &sampled = ctx.input_shape(1);
  const int64_t num_true = ctx.attrs().integer("num_true");
  if (classes.rank() != 2 || classes[1] != num_true) {
    return invalid_argument("true_classes must be a matrix with num_true = ", num_true, " columns, but has shape ",
                            classes);
  }
  if (sampled.rank() != 1) return invalid_argument("sampled_candidates must be a vector, but has shape ", sampled);
  return {};
}

// For each true class that was drawn: its row, where it was drawn (last), and the weight that takes it out of a
// softmax.
Status run_hits(const RunContext& ctx) {
  const int64_t n = ctx.input(1).shape->num_elements(), rows = (*ctx.input(0).shape)[0];
  const int64_t width = (*ctx.input(0).shape)[1];
  std::unordered_map<int64_t, int64_t> position;
  for (int64_t i = 0; i < n; ++i) position[ctx.in<int64_t>(1)[i]] = i;
  std::vector<std::pair<int64_t, int64_t>> hits;
  for (int64_t i = 0; i < rows * width; ++i) {
    const auto it = position.find(ctx.in<int64_t>(0)[i]);
    if (it != position.end()) hits.push_back({i / width, it->second});
  }
  const Shape shape{static_cast<int64_t>(hits.size())};
  TW_ASSIGN_OR_RETURN(void* const indices, ctx.allocate_output(0, shape));
  TW_ASSIGN_OR_RETURN(void* const ids, ctx.allocate_output(1, shape));
  TW_ASSIGN_OR_RETURN(void* const weights, ctx.allocate_output(2, shape));
  for (size_t i = 0; i < hits.size(); ++i) {
    static_cast<int32_t*>(indices)[i] = static_cast<int32_t>(hits[i].first);
    static_cast<int64_t*>(ids)[i] = hits[i].second;
    static_cast<float*>(weights)[i] = std::numeric_limits<float>::lowest();
  }
  return {};
}

}  // namespace

TW_KERNEL(AllCandidateSampler, prepare<Kind::kAll>, run);
TW_KERNEL(UniformCandidateSampler, prepare<Kind::kUniform>, run);
TW_KERNEL(LogUniformCandidateSampler, prepare<Kind::kLogUniform>, run);
TW_KERNEL(LearnedUnigramCandidateSampler, prepare<Kind::kUnigram>, run);
TW_KERNEL(FixedUnigramCandidateSampler, prepare<Kind::kFixed>, run);
TW_KERNEL(ComputeAccidentalHits, prepare_hits, run_hits);

}  // namespace tw
