// The cases that tools/opgen makes of the rows' patterns (gen/tests/sweeps.gen.txt), and what TensorFlow 1.15 gave for
// them (sweep_goldens.txt).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/ops/run_op.h"

namespace tw::test {

// Type attributes of an op that a case leaves open, with a dtype for each.
using Types = std::map<std::string, DType, std::less<>>;

struct SweepInput {
  std::string type;  // a dtype's name, or that of a type attribute
  Shape shape;
  bool variable = false;
  bool literal = false;
  std::vector<double> numbers;  // a literal's values, or texts for strings
  std::vector<std::string> texts;
  uint64_t seed = 0;    // of random values
  bool ranged = false;  // from low to high rather than -2..2 or, for integers, -5..5
  double low = 0, high = 0;
};

struct SweepCase {
  std::string mode;  // "sweep", "bad_input" or "speed"
  std::string op;
  int number = 0;
  AttrMap attrs;
  std::map<std::string, std::vector<DType>, std::less<>> types;  // instead of all that the row allows
  std::vector<SweepInput> inputs;
  double tolerance = 0;
  bool exact = false;    // each dtype has results of its own
  int num_outputs = -1;  // only the first so many are defined; -1: all

  std::string name() const { return op + " " + mode + " " + std::to_string(number); }
};

// All cases, read once, in the order of the rows. Ends the process when the file cannot be read.
const std::vector<SweepCase>& sweep_cases();
// Why a row does not run in a mode: one of SweepCase's, "values", "gradient", or "second_order". Empty when it does.
std::string skip_reason(std::string_view op, std::string_view mode);
// The dtypes that an op's type attributes take in a sweep: every allowed one but quantised ones, resources and
// variants.
std::vector<DType> swept_dtypes(const AttrDef& attr);
// Every choice of dtypes for which the row has a kernel; at most some hundred where several attributes are open.
std::vector<Types> type_choices(const SweepCase& c);
// The choice that a reference is computed in: double for floats, complex128, int64, where the row takes them.
Types widest(const SweepCase& c, const Types& types);
AttrMap attrs_of(const SweepCase& c, const Types& types);
// "T=double,Tidx=int32", "-" for none.
std::string text_of(const Types& types);

// The values of a case's inputs, the same on every machine.
std::vector<OpInput> draw_inputs(const SweepCase& c, const Types& types);
// Number i of the stream of `seed`.
uint64_t draw(uint64_t seed, uint64_t i);

// What TensorFlow gave for a case, as make_sweep_goldens.py describes it.
struct SweepGolden {
  std::string types;
  std::vector<std::string> outputs;
  int fed_code = 0, known_code = 0;  // of bad input, with inputs fed of unknown shape, and with constants
  bool crash = false;
};
// Of a case with these dtypes; null when TensorFlow has no such kernel.
const SweepGolden* sweep_golden(const SweepCase& c, const Types& types);
// All of a case, by dtypes.
std::vector<const SweepGolden*> sweep_goldens(const SweepCase& c);
// Of a sweep's case: the outputs' static shapes, and the gradients.
std::vector<const SweepGolden*> static_goldens(const SweepCase& c);
std::vector<const SweepGolden*> gradient_goldens(const SweepCase& c);
// How to feed an op's inputs: of unknown shape, unless TensorFlow refuses to add the op where it knows none.
Feeding least_known(const std::string& op);
Types parse_types(std::string_view text);
// Empty when the tensor has the shape and sums of a golden, else what differs.
std::string differs_from_golden(const Tensor& got, const std::string& golden, double tolerance);

}  // namespace tw::test
