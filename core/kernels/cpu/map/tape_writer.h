// Tapes written as C++ expressions:
//   TapeWriter w({DType::kFloat, DType::kFloat}, {0.5});
//   Tape t = w.finish({(w.in(0) + w.in(1)) * w.constant(0)});
#pragma once

#include <initializer_list>

#include "core/framework/tape.h"

namespace tw {

class TapeWriter {
 public:
  struct Value {
    TapeWriter* writer;
    uint16_t number;
    DType dtype;
    friend Value operator+(Value a, Value b) { return a.writer->emit(MicroOp::k_add, a, b); }
    friend Value operator-(Value a, Value b) { return a.writer->emit(MicroOp::k_sub, a, b); }
    friend Value operator*(Value a, Value b) { return a.writer->emit(MicroOp::k_mul, a, b); }
    friend Value operator/(Value a, Value b) { return a.writer->emit(MicroOp::k_div, a, b); }
    Value apply(MicroOp op) const { return writer->emit(op, *this, *this); }
    Value cast(DType t) const {
      if (t == dtype) return *this;
      return {writer, writer->tape_.emit(MicroOp::k_cast, t, number), t};
    }
  };

  TapeWriter(std::initializer_list<DType> inputs, std::initializer_list<double> constants = {},
             DType constant_type = DType::kFloat)
      : constant_type_(constant_type) {
    for (DType t : inputs) tape_.add_input(t);
    for (double c : constants) tape_.add_constant(constant_type, c);
  }
  Value in(int i) { return {this, static_cast<uint16_t>(i), tape_.inputs[static_cast<size_t>(i)]}; }
  Value constant(int i) {
    return {this, static_cast<uint16_t>(tape_.inputs.size() + static_cast<size_t>(i)), constant_type_};
  }
  Value emit(MicroOp op, Value a, Value b) { return {this, tape_.emit(op, a.dtype, a.number, b.number), a.dtype}; }
  Tape finish(std::initializer_list<Value> outputs) {
    tape_.outputs.clear();
    for (const Value& v : outputs) tape_.outputs.push_back(v.number);
    return tape_;
  }

 private:
  Tape tape_;
  DType constant_type_;
};

}  // namespace tw
