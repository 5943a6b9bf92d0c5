#include "tests/ops/tally.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "core/platform/status.h"

namespace tw::test {
namespace {

// Case -> whether TensorFlow's own answer is undefined. The file has one entry a line, "KIND OP DETAILS: NUMBER ..." in
// quotes, so that it needs no reader of all of TOML.
std::map<std::string, bool> read_differences() {
  const std::string path = TW_TEST_DIR "/conformance/differences.toml";
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "%s does not open\n", path.c_str());
    std::abort();
  }
  std::map<std::string, bool> found;
  bool undefined = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "[[difference]]") undefined = false;
    if (line == "undefined = true") undefined = true;
    const size_t begin = line.find_first_not_of(' '), colon = line.rfind(':'), end = line.rfind('"');
    if (begin == std::string::npos || line[begin] != '"' || colon == std::string::npos) continue;
    std::istringstream numbers(line.substr(colon + 1, end - colon - 1));
    for (int n; numbers >> n;) found[internal::concat(line.substr(begin + 1, colon - begin - 1), ": ", n)] = undefined;
  }
  return found;
}

}  // namespace

Tally::~Tally() {
  ::testing::Test::RecordProperty("passed." + kind_, passed_);
  ::testing::Test::RecordProperty("differs." + kind_, differs_);
  ::testing::Test::RecordProperty("undefined." + kind_, undefined_);
}

void Tally::count(std::string_view op, std::string_view details, int number, const std::string& difference) {
  static const std::map<std::string, bool> listed = read_differences();
  const std::string name = internal::concat(kind_, " ", op, details.empty() ? "" : " ", details, ": ", number);
  const auto known = listed.find(name);
  (difference.empty() ? passed_ : known != listed.end() && known->second ? undefined_ : differs_) += 1;
  if (difference.empty()) {
    if (known != listed.end())
      ADD_FAILURE() << "'" << name << "' is listed as a difference and gives what TensorFlow gives";
  } else if (known == listed.end()) {
    ADD_FAILURE() << name << ": " << difference;
  }
}

}  // namespace tw::test
