#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/framework/op_def.h"
#include "core/framework/text_cursor.h"
#include "tests/ops/golden.h"

namespace tw::test {
namespace {

[[noreturn]] void die(const std::string& file, const std::string& line, const std::string& why) {
  std::fprintf(stderr, "%s: cannot read '%s': %s\n", file.c_str(), line.c_str(), why.c_str());
  std::abort();
}

Result<Tensor> read_tensor(TextCursor& in) {
  TW_ASSIGN_OR_RETURN(const std::string_view name, in.identifier());
  const DType dtype = dtype_from_name(name);
  TW_RETURN_IF_ERROR(in.expect("["));
  std::vector<int64_t> dims;
  while (!in.accept("]")) {
    TW_ASSIGN_OR_RETURN(const int64_t d, in.integer());
    dims.push_back(d);
    in.accept(",");
  }
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make(dims));
  TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(dtype, shape));
  Status bad;
  for (int64_t i = 0; i < t.num_elements() && bad.ok(); ++i) {
    if (dtype == DType::kString) {
      TW_ASSIGN_OR_RETURN(t.data<std::string>()[i], in.quoted());
    } else if (is_integer(dtype) || dtype == DType::kBool) {
      TW_ASSIGN_OR_RETURN(const int64_t v, in.integer());
      if (dtype == DType::kBool) t.data<bool>()[i] = v != 0;
      visit_real(dtype, [&](auto tag) { t.data<typename decltype(tag)::type>()[i] = typename decltype(tag)::type(v); });
    } else {
      TW_ASSIGN_OR_RETURN(const double re, in.number());
      if (is_complex(dtype)) {
        TW_ASSIGN_OR_RETURN(const double im, in.number());
        if (dtype == DType::kComplex64)
          t.data<std::complex<float>>()[i] = {static_cast<float>(re), static_cast<float>(im)};
        if (dtype == DType::kComplex128) t.data<std::complex<double>>()[i] = {re, im};
      }
      visit_floating(dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (sizeof(T) == 2) t.data<T>()[i] = T(static_cast<float>(re));
        else t.data<T>()[i] = static_cast<T>(re);
      });
    }
  }
  return t;
}

void read_file(const std::filesystem::path& path, std::map<std::string, int>& numbers, std::vector<GoldenCase>* cases) {
  std::ifstream file(path);
  std::string line;
  if (!file) die(path.string(), "", "it does not open");
  while (std::getline(file, line)) {
    if (line.empty()) continue;
    TextCursor in(line);
    const auto word = in.identifier();
    if (!word.ok()) die(path.string(), line, word.status().message());
    if (*word == "op") {
      GoldenCase c;
      c.op = line.substr(3);
      c.number = numbers[c.op]++;
      cases->push_back(std::move(c));
    } else if (cases->empty()) {
      die(path.string(), line, "a case begins with its op");
    } else if (*word == "attr") {
      GoldenCase& c = cases->back();
      const OpDef* op = find_op(c.op);
      const std::string name(*in.identifier());
      const AttrDef* attr = op ? op->find_attr(name) : nullptr;
      if (!attr) die(path.string(), line, "no such attribute");
      auto value = parse_attr(attr->type, line.substr(line.find(' ', 5) + 1));
      if (!value.ok()) die(path.string(), line, value.status().message());
      c.attrs[name] = *value;
    } else if (*word == "tol") {
      cases->back().tolerance = *in.number();
    } else {
      auto tensor = read_tensor(in);
      if (!tensor.ok()) die(path.string(), line, tensor.status().message());
      if (*word == "in") cases->back().inputs.push_back({*tensor});
      else if (*word == "dist") cases->back().inputs.push_back({*tensor, false, true});
      else if (*word == "var") cases->back().inputs.push_back({*tensor, true});
      else if (*word == "out") cases->back().outputs.push_back(*tensor);
      else if (*word == "after") cases->back().after.push_back(*tensor);
      else die(path.string(), line, "unknown word");
    }
  }
}

double default_tolerance(DType t) {
  switch (t) {
    case DType::kHalf: return 2e-3;
    case DType::kBfloat16: return 2e-2;
    case DType::kDouble:
    case DType::kComplex128: return 1e-12;
    default: return 1e-5;
  }
}

bool close(double a, double b, double tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= tolerance * (1 + std::abs(b));
}

}  // namespace

const std::vector<GoldenCase>& golden_cases() {
  static const std::vector<GoldenCase> all = [] {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(TW_TEST_DIR "/ops/goldens"))
      paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<GoldenCase> cases;
    std::map<std::string, int> numbers;
    for (const auto& path : paths) read_file(path, numbers, &cases);
    return cases;
  }();
  return all;
}

std::string difference(const Tensor& got, const Tensor& want, double tolerance) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape()) {
    return internal::concat("got ", got.summary(), ", want ", want.summary());
  }
  if (tolerance == 0) tolerance = default_tolerance(want.dtype());
  const auto at = [&](int64_t i, const auto& a, const auto& b) {
    return internal::concat("element ", i, " is ", a, ", want ", b, " (got ", got.summary(64), ", want ",
                            want.summary(64), ")");
  };
  std::string text;
  for (int64_t i = 0; i < want.num_elements() && text.empty(); ++i) {
    switch (want.dtype()) {
      case DType::kString: {
        const std::string &a = got.data<std::string>()[i], &b = want.data<std::string>()[i];
        if (a != b) text = at(i, a, b);
        break;
      }
      case DType::kBool:
        if (got.data<bool>()[i] != want.data<bool>()[i]) text = at(i, got.data<bool>()[i], want.data<bool>()[i]);
        break;
      case DType::kComplex64: {
        const auto a = got.data<std::complex<float>>()[i], b = want.data<std::complex<float>>()[i];
        if (!close(a.real(), b.real(), tolerance) || !close(a.imag(), b.imag(), tolerance)) text = at(i, a, b);
        break;
      }
      case DType::kComplex128: {
        const auto a = got.data<std::complex<double>>()[i], b = want.data<std::complex<double>>()[i];
        if (!close(a.real(), b.real(), tolerance) || !close(a.imag(), b.imag(), tolerance)) text = at(i, a, b);
        break;
      }
      default:
        visit_real(want.dtype(), [&](auto tag) {
          using T = typename decltype(tag)::type;
          const T a = got.data<T>()[i], b = want.data<T>()[i];
          if constexpr (std::is_integral_v<T>) {
            if (a != b) text = at(i, static_cast<int64_t>(a), static_cast<int64_t>(b));
          } else {
            if (!close(static_cast<double>(a), static_cast<double>(b), tolerance)) {
              text = at(i, static_cast<double>(a), static_cast<double>(b));
            }
          }
        });
    }
  }
  return text;
}

TEST(Golden, Difference) {
  const Tensor a = Tensor::vector<float>({1, 2}), b = Tensor::vector<float>({1, 2.001f});
  EXPECT_EQ(difference(a, a), "");
  EXPECT_NE(difference(a, b), "");
  EXPECT_EQ(difference(a, b, 1e-2), "");
  EXPECT_NE(difference(a, Tensor::vector<double>({1, 2})), "");
  EXPECT_NE(difference(Tensor::vector<std::string>({"a"}), Tensor::vector<std::string>({"b"})), "");
}

TEST(Golden, FilesAreThere) { EXPECT_GT(golden_cases().size(), 400u); }

}  // namespace tw::test
