#include "core/formats/example.h"

#include <algorithm>

#include "core/formats/wire.h"

namespace tw {
namespace {

// map<string, message> fields with this tag of the message in field `outer` of `bytes`.
NamedBytes named(std::string_view bytes, uint32_t outer) {
  NamedBytes all;
  auto in = wire::reader(bytes);
  while (in.next()) {
    if (in.tag() != outer || !wire::is_bytes(in)) {
      in.skip();
      continue;
    }
    auto entries = wire::reader(wire::take_view(in));
    while (entries.next()) {
      if (entries.tag() != 1 || !wire::is_bytes(entries)) {
        entries.skip();
        continue;
      }
      const wire::MapEntry e = wire::map_entry(wire::take_view(entries));
      all.push_back({e.key, e.value});
    }
  }
  // The last of equal names counts, so it goes first before the others are dropped.
  std::reverse(all.begin(), all.end());
  const auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::stable_sort(all.begin(), all.end(), by_name);
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  all.erase(std::unique(all.begin(), all.end(), same_name), all.end());
  return all;
}

}  // namespace

NamedBytes example_features(std::string_view example) { return named(example, 1); }
NamedBytes example_feature_lists(std::string_view example) { return named(example, 2); }

const std::string_view* find_named(const NamedBytes& all, std::string_view name) {
  const auto it = std::lower_bound(all.begin(), all.end(), name, [](const auto& e, auto n) { return e.first < n; });
  return it != all.end() && it->first == name ? &it->second : nullptr;
}

Feature parse_feature(std::string_view bytes) {
  Feature f;
  auto in = wire::reader(bytes);
  while (in.next()) {
    if (in.tag() < 1 || in.tag() > 3 || !wire::is_bytes(in)) {
      in.skip();
      continue;
    }
    f.dtype = in.tag() == 1 ? DType::kString : in.tag() == 2 ? DType::kFloat : DType::kInt64;
    f.list = wire::take_view(in);
  }
  return f;
}

std::vector<Feature> parse_feature_list(std::string_view bytes) {
  std::vector<Feature> all;
  auto in = wire::reader(bytes);
  while (in.next()) {
    if (in.tag() == 1 && wire::is_bytes(in)) {
      all.push_back(parse_feature(wire::take_view(in)));
    } else {
      in.skip();
    }
  }
  return all;
}

size_t FeatureValues::size() const {
  return dtype == DType::kFloat ? floats.size() : dtype == DType::kInt64 ? ints.size() : strings.size();
}

void FeatureValues::append(const Feature& f) {
  auto in = wire::reader(f.list);
  while (in.next()) {
    if (in.tag() != 1) {
      in.skip();
    } else if (dtype == DType::kInt64) {
      wire::each_varint(in, [&](uint64_t v) { ints.push_back(static_cast<int64_t>(v)); });
    } else if (dtype == DType::kFloat && wire::is_bytes(in)) {
      const auto packed = in.get_packed_float();
      floats.insert(floats.end(), packed.begin(), packed.end());
    } else if (dtype == DType::kFloat && wire::is_fixed32(in)) {
      floats.push_back(in.get_float());
    } else if (dtype == DType::kString && wire::is_bytes(in)) {
      strings.emplace_back(wire::take_view(in));
    } else {
      in.skip();
    }
  }
}

void FeatureValues::copy(size_t begin, size_t end, void* to) const {
  if (dtype == DType::kFloat) {
    std::copy(floats.data() + begin, floats.data() + end, static_cast<float*>(to));
  } else if (dtype == DType::kInt64) {
    std::copy(ints.data() + begin, ints.data() + end, static_cast<int64_t*>(to));
  } else {
    std::copy(strings.data() + begin, strings.data() + end, static_cast<std::string*>(to));
  }
}

}  // namespace tw
