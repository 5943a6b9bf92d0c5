#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "core/framework/kernel.h"
#include "core/framework/text_cursor.h"
#include "tests/ops/sweep.h"

namespace tw::test {
namespace {

constexpr size_t kMaxChoices = 256;

[[noreturn]] void die(const std::string& file, const std::string& line, const std::string& why) {
  std::fprintf(stderr, "%s: cannot read '%s': %s\n", file.c_str(), line.c_str(), why.c_str());
  std::abort();
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string w; in >> w;) out.push_back(w);
  return out;
}

Result<SweepInput> read_input(const std::string& line, bool variable) {
  TextCursor in(line);
  SweepInput x;
  x.variable = variable;
  TW_ASSIGN_OR_RETURN(const std::string_view type, in.identifier());
  x.type = type;
  TW_RETURN_IF_ERROR(in.expect("["));
  std::vector<int64_t> dims;
  while (!in.accept("]")) {
    TW_ASSIGN_OR_RETURN(const int64_t d, in.integer());
    dims.push_back(d);
    in.accept(",");
  }
  TW_ASSIGN_OR_RETURN(x.shape, Shape::make(dims));
  x.literal = in.accept("=");
  if (x.literal) {
    while (!in.at_end()) {
      if (in.peek() == '"') {
        TW_ASSIGN_OR_RETURN(std::string text, in.quoted());
        x.texts.push_back(std::move(text));
      } else {
        TW_ASSIGN_OR_RETURN(const double v, in.number());
        x.numbers.push_back(v);
      }
    }
    return x;
  }
  TW_ASSIGN_OR_RETURN(const int64_t seed, in.integer());
  x.seed = static_cast<uint64_t>(seed);
  if (in.accept("in")) {
    x.ranged = true;
    TW_ASSIGN_OR_RETURN(x.low, in.number());
    TW_ASSIGN_OR_RETURN(x.high, in.number());
  }
  return x;
}

struct SweepFile {
  std::vector<SweepCase> cases;
  std::map<std::string, std::string, std::less<>> reasons;  // by "op mode"
};

SweepFile read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) die(path, "", "it does not open");
  SweepFile found;
  std::vector<SweepCase>& cases = found.cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    const std::string word = line.substr(0, line.find(' ')), rest = line.substr(std::min(line.size(), word.size() + 1));
    if (word == "sweep" || word == "bad_input" || word == "speed") {
      const auto w = words(rest);
      SweepCase c;
      c.mode = word;
      c.op = w[0];
      c.number = std::atoi(w[1].c_str());
      cases.push_back(std::move(c));
    } else if (word == "attr") {
      const std::string name = rest.substr(0, rest.find(' '));
      const OpDef* op = find_op(cases.back().op);
      const AttrDef* attr = op == nullptr ? nullptr : op->find_attr(name);
      if (attr == nullptr) die(path, line, "no such attribute");
      auto value = parse_attr(attr->type, rest.substr(name.size() + 1));
      if (!value.ok()) die(path, line, value.status().message());
      cases.back().attrs[name] = *value;
    } else if (word == "types") {
      auto w = words(rest);
      for (size_t i = 1; i < w.size(); ++i) cases.back().types[w[0]].push_back(dtype_from_name(w[i]));
    } else if (word == "exact") {
      cases.back().exact = true;
    } else if (word == "outputs") {
      cases.back().num_outputs = std::atoi(rest.c_str());
    } else if (word == "tol") {
      cases.back().tolerance = std::atof(rest.c_str());
    } else if (word == "in" || word == "var") {
      auto input = read_input(rest, word == "var");
      if (!input.ok()) die(path, line, input.status().message());
      cases.back().inputs.push_back(std::move(*input));
    } else if (word == "skip") {
      const size_t end = rest.find(' ', rest.find(' ') + 1);
      found.reasons[rest.substr(0, end)] = rest.substr(end + 1);
    } else {
      die(path, line, "unknown word");
    }
  }
  return found;
}

const SweepFile& sweep_file() {
  static const SweepFile file = read_file(TW_GEN_DIR "/tests/sweeps.gen.txt");
  return file;
}

std::string key_of(const std::string& mode, const std::string& op, int number) {
  return mode + " " + op + " " + std::to_string(number);
}

const std::map<std::string, std::vector<SweepGolden>>& all_goldens() {
  static const auto goldens = [] {
    const std::string path = TW_TEST_DIR "/ops/sweep_goldens.txt";
    std::ifstream file(path);
    if (!file) die(path, "", "it does not open");
    std::map<std::string, std::vector<SweepGolden>> found;
    for (std::string line; std::getline(file, line);) {
      const auto w = words(line.substr(0, line.find(" |")));
      if (w.size() < 4) die(path, line, "too few words");
      SweepGolden g;
      g.types = w[3];
      if (w.size() > 4) {
        g.crash = w[4] == "crash";
        if (w[0] == "bad_input" && !g.crash) {
          if (w.size() != 6) die(path, line, "two error codes are wanted");
          g.fed_code = std::atoi(w[4].c_str());
          g.known_code = std::atoi(w[5].c_str());
        }
      }
      for (size_t at = line.find(" | "); at != std::string::npos;) {
        const size_t next = line.find(" | ", at + 3);
        g.outputs.push_back(line.substr(at + 3, next == std::string::npos ? next : next - at - 3));
        at = next;
      }
      found[key_of(w[0], w[1], std::atoi(w[2].c_str()))].push_back(std::move(g));
    }
    return found;
  }();
  return goldens;
}

// Literals and random values, each from a double or a number of 64 bits.
Tensor materialise(const SweepInput& x, DType t) {
  Tensor tensor = Tensor::make_or_die(t, x.shape);
  const double low = x.ranged ? x.low : is_integer(t) ? -5 : -2, high = x.ranged ? x.high : is_integer(t) ? 5 : 2;
  const auto fraction = [&](uint64_t i) {
    const auto steps = static_cast<uint64_t>(std::floor((high - low) * 16)) + 1;
    return low + static_cast<double>(draw(x.seed, i) % steps) / 16;
  };
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    const auto u = static_cast<uint64_t>(i);
    const double literal = x.literal && t != DType::kString ? x.numbers[static_cast<size_t>(i)] : 0;
    if (t == DType::kString) {
      std::string& s = tensor.data<std::string>()[i];
      if (x.literal) {
        s = x.texts.empty() ? std::to_string(static_cast<int64_t>(x.numbers[static_cast<size_t>(i)]))
                            : x.texts[static_cast<size_t>(i)];
      } else {
        const uint64_t bits = draw(x.seed, u);
        for (uint64_t j = 0; j < bits % 4; ++j) s += static_cast<char>('a' + (bits >> (8 * j + 8)) % 26);
      }
      continue;
    }
    if (t == DType::kBool) {
      tensor.data<bool>()[i] = x.literal ? literal != 0 : (draw(x.seed, u) & 1) != 0;
      continue;
    }
    visit_number(t, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T& v = tensor.data<T>()[i];
      if constexpr (std::is_integral_v<T>) {
        double from = std::ceil(low);
        if (std::is_unsigned_v<T>) from = std::max(from, 0.0);
        const auto count = static_cast<uint64_t>(std::max(std::floor(high) - from, 0.0)) + 1;
        const int64_t drawn = static_cast<int64_t>(from) + static_cast<int64_t>(draw(x.seed, u) % count);
        v = static_cast<T>(x.literal ? static_cast<int64_t>(literal) : drawn);
      } else if constexpr (sizeof(T) == 2) {
        v = T(static_cast<float>(x.literal ? literal : fraction(u)));
      } else if constexpr (std::is_floating_point_v<T>) {
        v = static_cast<T>(x.literal ? literal : fraction(u));
      } else {
        using Part = typename T::value_type;
        v = x.literal ? T(static_cast<Part>(literal))
                      : T(static_cast<Part>(fraction(2 * u)), static_cast<Part>(fraction(2 * u + 1)));
      }
    });
  }
  return tensor;
}

}  // namespace

uint64_t draw(uint64_t seed, uint64_t i) {  // splitmix64
  uint64_t x = (seed << 32) + i + 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

const std::vector<SweepCase>& sweep_cases() { return sweep_file().cases; }

std::string skip_reason(std::string_view op, std::string_view mode) {
  const auto& reasons = sweep_file().reasons;
  const auto it = reasons.find(internal::concat(op, " ", mode));
  return it == reasons.end() ? "" : it->second;
}

std::vector<DType> swept_dtypes(const AttrDef& attr) {
  static constexpr DType kAll[] = {DType::kFloat, DType::kDouble,    DType::kHalf,       DType::kBfloat16,
                                   DType::kInt8,  DType::kInt16,     DType::kInt32,      DType::kInt64,
                                   DType::kUint8, DType::kUint16,    DType::kUint32,     DType::kUint64,
                                   DType::kBool,  DType::kComplex64, DType::kComplex128, DType::kString};
  std::vector<DType> types;
  for (const DType t : kAll) {
    const auto& allowed = attr.allowed_types;
    if (allowed.empty() || std::find(allowed.begin(), allowed.end(), t) != allowed.end()) types.push_back(t);
  }
  return types;
}

AttrMap attrs_of(const SweepCase& c, const Types& types) {
  AttrMap attrs = c.attrs;
  for (const auto& [name, t] : types) attrs[name] = t;
  return attrs;
}

std::vector<Types> type_choices(const SweepCase& c) {
  const OpDef& op = *find_op(c.op);
  std::vector<std::pair<std::string, std::vector<DType>>> open;
  size_t product = 1;
  for (const AttrDef& attr : op.attrs) {
    if (attr.type != AttrType::kType || c.attrs.contains(attr.name)) continue;
    const auto given = c.types.find(attr.name);
    const bool named =
        std::any_of(c.inputs.begin(), c.inputs.end(), [&](const SweepInput& i) { return i.type == attr.name; });
    if (given == c.types.end() && !named && attr.has_default) continue;
    open.push_back({std::string(attr.name), given != c.types.end() ? given->second : swept_dtypes(attr)});
    product *= open.back().second.size();
  }
  std::vector<Types> choices;
  const auto add = [&](const std::vector<size_t>& at) {
    Types types;
    for (size_t i = 0; i < open.size(); ++i) types[open[i].first] = open[i].second[at[i]];
    AttrMap attrs = attrs_of(c, types);
    std::vector<DType> inputs;
    for (const SweepInput& in : c.inputs) {
      const auto it = types.find(in.type);
      inputs.push_back(in.variable ? DType::kResource : it != types.end() ? it->second : dtype_from_name(in.type));
    }
    if (infer_attrs(op, inputs, &attrs).ok() && complete_attrs(op, &attrs).ok() &&
        (find_kernel(op, attrs) != nullptr || op.has(kControlFlow))) {
      choices.push_back(std::move(types));
    }
  };
  std::vector<size_t> at(open.size(), 0);
  if (product <= kMaxChoices) {
    for (size_t n = 0; n < product; ++n) {
      size_t rest = n;
      for (size_t i = 0; i < open.size(); ++i) {
        at[i] = rest % open[i].second.size();
        rest /= open[i].second.size();
      }
      add(at);
    }
    return choices;
  }
  // Each dtype of each attribute, beside the first of the others.
  add(at);
  for (size_t i = 0; i < open.size(); ++i) {
    for (at[i] = 1; at[i] < open[i].second.size(); ++at[i]) add(at);
    at[i] = 0;
  }
  return choices;
}

Types widest(const SweepCase& c, const Types& types) {
  Types wide = types;
  const OpDef& op = *find_op(c.op);
  for (auto& [name, t] : wide) {
    const DType want = is_floating(t)  ? DType::kDouble
                       : is_complex(t) ? DType::kComplex128
                       : is_integer(t) ? DType::kInt64
                                       : t;
    const auto given = c.types.find(name);
    const std::vector<DType> served = given != c.types.end() ? given->second : swept_dtypes(*op.find_attr(name));
    if (std::find(served.begin(), served.end(), want) == served.end()) continue;
    const DType before = t;
    t = want;
    AttrMap attrs = attrs_of(c, wide);
    std::vector<DType> inputs;
    for (const SweepInput& in : c.inputs) {
      const auto it = wide.find(in.type);
      inputs.push_back(in.variable ? DType::kResource : it != wide.end() ? it->second : dtype_from_name(in.type));
    }
    if (!infer_attrs(op, inputs, &attrs).ok() || !complete_attrs(op, &attrs).ok() ||
        find_kernel(op, attrs) == nullptr) {
      t = before;
    }
  }
  return wide;
}

std::string text_of(const Types& types) {
  std::string text;
  for (const auto& [name, t] : types) {
    text += (text.empty() ? "" : ",") + name + "=" + std::string(dtype_name(t));
  }
  return text.empty() ? "-" : text;
}

Types parse_types(std::string_view text) {
  Types types;
  while (!text.empty() && text != "-") {
    const size_t equal = text.find('='), comma = std::min(text.find(','), text.size());
    types[std::string(text.substr(0, equal))] = dtype_from_name(text.substr(equal + 1, comma - equal - 1));
    text.remove_prefix(std::min(text.size(), comma + 1));
  }
  return types;
}

std::vector<OpInput> draw_inputs(const SweepCase& c, const Types& types) {
  std::vector<OpInput> inputs;
  for (const SweepInput& in : c.inputs) {
    const auto it = types.find(in.type);
    inputs.push_back({materialise(in, it != types.end() ? it->second : dtype_from_name(in.type)), in.variable});
  }
  return inputs;
}

namespace {

std::vector<const SweepGolden*> goldens_of(const std::string& kind, const SweepCase& c) {
  std::vector<const SweepGolden*> found;
  const auto it = all_goldens().find(key_of(kind, c.op, c.number));
  if (it == all_goldens().end()) return found;
  for (const SweepGolden& g : it->second) found.push_back(&g);
  return found;
}

}  // namespace

Feeding least_known(const std::string& op) {
  for (const SweepCase& c : sweep_cases()) {
    if (c.op != op || c.mode != "sweep") continue;
    for (const SweepGolden* g : static_goldens(c)) {
      if (g->outputs.back() == "error") return Feeding::kShaped;
    }
  }
  return Feeding::kFed;
}

std::vector<const SweepGolden*> sweep_goldens(const SweepCase& c) { return goldens_of(c.mode, c); }
std::vector<const SweepGolden*> static_goldens(const SweepCase& c) { return goldens_of("static", c); }
std::vector<const SweepGolden*> gradient_goldens(const SweepCase& c) { return goldens_of("gradient", c); }

const SweepGolden* sweep_golden(const SweepCase& c, const Types& types) {
  for (const SweepGolden* g : sweep_goldens(c)) {
    if (g->types == text_of(types)) return g;
  }
  return nullptr;
}

std::string differs_from_golden(const Tensor& got, const std::string& golden, double tolerance) {
  const auto w = words(golden);
  std::string shape = got.shape().to_string();
  shape.erase(std::remove(shape.begin(), shape.end(), ' '), shape.end());
  if (w.size() != 3 || w[0] != shape) return "shape " + shape + ", want " + golden;
  double sum = 0, weighted = 0, size = 0;
  for (int64_t i = 0; i < got.num_elements(); ++i) {
    double v = 0;
    if (got.dtype() == DType::kString) {
      const std::string& s = got.data<std::string>()[i];
      for (size_t j = 0; j < s.size(); ++j) v += static_cast<double>((j + 1) * static_cast<unsigned char>(s[j]));
    } else if (got.dtype() == DType::kBool) {
      v = got.data<bool>()[i] ? 1 : 0;
    } else {
      visit_number(got.dtype(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const T x = got.data<T>()[i];
        if constexpr (std::is_arithmetic_v<T> || sizeof(T) == 2) v = static_cast<double>(x);
        else v = static_cast<double>(x.real()) + 2 * static_cast<double>(x.imag());
      });
    }
    // Sums would drown in the largest numbers.
    if (std::isnan(v)) v = 11;
    else if (std::abs(v) > 1e30) v = v > 0 ? 7 : -5;
    sum += v;
    weighted += v * (static_cast<double>(draw(1, static_cast<uint64_t>(i)) % 2001) / 1000 - 1);
    size += std::abs(v);
  }
  const double allowed = tolerance * (1 + size);
  const double want = std::atof(w[1].c_str()), want_weighted = std::atof(w[2].c_str());
  if (std::abs(sum - want) <= allowed && std::abs(weighted - want_weighted) <= allowed) return "";
  return internal::concat("sums ", sum, " and ", weighted, ", want ", want, " and ", want_weighted, " in ",
                          got.summary(24));
}

}  // namespace tw::test
