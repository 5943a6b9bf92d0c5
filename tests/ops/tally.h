// Counts how many cases of a test gave what TensorFlow 1.15 gives. tests/conformance/score.py adds the counts up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tw::test {

// A case is named by its kind, its op, details that may be empty, and its number: "bad_input Pad fed", 3. Those that
// tests/conformance/differences.toml lists may differ from TensorFlow, and must: a difference that is gone is taken
// off. Where the file says `undefined`, TensorFlow reads beyond its tensors, so that its answer is none to agree with;
// such cases are counted apart.
class Tally {
 public:
  // The counts become properties of the running test, "passed.KIND", "differs.KIND" and "undefined.KIND".
  explicit Tally(std::string kind) : kind_(std::move(kind)) {}
  ~Tally();
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  // `difference` is empty when the case gave what TensorFlow gives; otherwise it fails the test, unless it is listed.
  void count(std::string_view op, std::string_view details, int number, const std::string& difference);
  int total() const { return passed_ + differs_ + undefined_; }

 private:
  std::string kind_;
  int passed_ = 0, differs_ = 0, undefined_ = 0;
};

}  // namespace tw::test
