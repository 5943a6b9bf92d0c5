// Example and SequenceExample messages: named lists of bytes, floats or integers. Only what is asked for is parsed;
// views point into the message. Malformed bytes throw protozero::exception, which the callers catch.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/framework/dtype.h"

namespace tw {

// A feature as it stands in a message; kInvalid when it holds no list.
struct Feature {
  DType dtype = DType::kInvalid;  // kString, kFloat or kInt64
  std::string_view list;          // the BytesList, FloatList or Int64List
};

// Elements of one of the three dtypes; the vector of its dtype is the one in use.
struct FeatureValues {
  DType dtype = DType::kInvalid;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;

  explicit FeatureValues(DType t) : dtype(t) {}
  size_t size() const;
  // Appends what the feature holds, which must have this dtype.
  void append(const Feature& f);
  // Elements [begin, end) to storage of this dtype.
  void copy(size_t begin, size_t end, void* to) const;
};

using NamedBytes = std::vector<std::pair<std::string_view, std::string_view>>;

// Of an Example, or the context of a SequenceExample: Feature messages by name, sorted; of equal names the last.
NamedBytes example_features(std::string_view example);
// Of a SequenceExample: FeatureList messages by name, sorted.
NamedBytes example_feature_lists(std::string_view example);
// The value of a name; null when it is not there.
const std::string_view* find_named(const NamedBytes& all, std::string_view name);

Feature parse_feature(std::string_view bytes);
std::vector<Feature> parse_feature_list(std::string_view bytes);

}  // namespace tw
