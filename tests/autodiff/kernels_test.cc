// Gradients that the generated op tests cannot check: of ops for float only (by differences wide enough for float), of
// complex results, and of ops that take special matrices.
#include <gtest/gtest.h>

#include "tests/autodiff/numeric.h"

namespace tw::testing {
namespace {

using grad::as_vector;
using grad::call;
using grad::call_n;
using grad::cast;
using grad::concat;
using grad::integer;
using grad::ints;
using grad::Val;
using grad::Vals;

constexpr CheckOptions kFloat{.order = 1, .tolerance = 4e-3, .step = 1e-2};

Val narrow(Val x) { return cast(x, DType::kFloat); }
Val wide(Val x) { return cast(as_vector(x), DType::kDouble); }
Vals narrow(const Vals& x) {
  Vals y;
  for (const Val& v : x) y.push_back(narrow(v));
  return y;
}

// Inputs x, cs_prev, h_prev, w, wci, wcf, wco, b of an LSTM with 3 inputs and 2 cells.
std::vector<In> lstm_inputs(const Shape& x) {
  return {{x}, {{2, 2}}, {{2, 2}}, {{5, 8}, -0.8, 0.8}, {{2}}, {{2}}, {{2}}, {{8}}};
}

TEST(FusedCells, LstmCell) {
  for (const bool peephole : {false, true}) {
    CheckOptions options = kFloat;
    check_gradient(
        "LSTMBlockCell", lstm_inputs({2, 3}),
        [&](const Vals& x) {
          const Vals y = call_n("LSTMBlockCell", 7, narrow(x), {{"use_peephole", peephole}, {"cell_clip", -1.0f}});
          return concat({wide(y[1]), wide(y[6])}, 0);
        },
        options);
  }
}

TEST(FusedCells, LstmOverTime) {
  for (const char* op : {"BlockLSTM", "BlockLSTMV2"}) {
    for (const int64_t length : {0, 2, 4}) {
      check_gradient(
          op, lstm_inputs({4, 2, 3}),
          [&](const Vals& x) {
            Vals in{{x[0].builder(), x[0].builder().constant(Tensor::scalar<int64_t>(length))}};
            for (const Val& v : narrow(x)) in.push_back(v);
            const Vals y = call_n(op, 7, in, {{"use_peephole", true}, {"cell_clip", -1.0f}});
            return concat({wide(y[1]), wide(y[6])}, 0);
          },
          kFloat);
    }
  }
}

TEST(FusedCells, Gru) {
  check_gradient(
      "GRUBlockCell", {{{2, 3}}, {{2, 2}}, {{5, 4}}, {{5, 2}}, {{4}}, {{2}}},
      [](const Vals& x) { return wide(call_n("GRUBlockCell", 4, narrow(x))[3]); }, kFloat);
}

TEST(Pool, MaxOfVolumes) {
  CheckOptions options = kFloat;
  options.step = 1e-3;  // neighbours must not overtake each other
  options.tolerance = 2e-2;
  check_gradient(
      "MaxPool3D", {{{1, 3, 4, 3, 2}}},
      [](const Vals& x) {
        return wide(call("MaxPool3D", {narrow(x[0])},
                         {{"ksize", std::vector<int64_t>{1, 2, 2, 2, 1}},
                          {"strides", std::vector<int64_t>{1, 1, 2, 1, 1}},
                          {"padding", "SAME"}}));
      },
      options);
}

TEST(Matrices, Cholesky) {
  check_gradient("Cholesky", {{{2, 3, 3}}}, [](const Vals& x) {
    const Val square = call("BatchMatMulV2", {x[0], x[0]}, {{"adj_y", true}});
    const Val one = grad::number(x[0], 1);
    const Val ridge = call("MatrixDiag", {grad::fill(ints(x[0].builder(), {3}), one)});
    return as_vector(call("Cholesky", {square + ridge}));
  });
}

Val parts(Val z) {
  const AttrMap attrs{{"Tout", DType::kDouble}};
  return concat({as_vector(call("Real", {z}, attrs)), as_vector(call("Imag", {z}, attrs))}, 0);
}

TEST(Fourier, OfComplexNumbers) {
  for (const char* op : {"FFT", "IFFT", "FFT2D", "IFFT2D", "FFT3D", "IFFT3D"}) {
    check_gradient(op, {{{2, 3, 2}}, {{2, 3, 2}}}, [&](const Vals& x) {
      return parts(call(op, {call("Complex", {x[0], x[1]}, {{"Tout", DType::kComplex128}})}));
    });
  }
}

Val lengths(Builder& b, int rank, bool odd) {
  const std::vector<int64_t> all{2, 3, odd ? 5 : 4};
  return ints(b, std::span(all).subspan(static_cast<size_t>(3 - rank)));
}

TEST(Fourier, OfRealNumbers) {
  const char* ops[] = {"RFFT", "RFFT2D", "RFFT3D"};
  for (int rank = 1; rank <= 3; ++rank) {
    for (const bool odd : {false, true}) {
      check_gradient(
          ops[rank - 1], {{{2, 3, 5}}},
          [&](const Vals& x) {
            const Val z = call(ops[rank - 1], {narrow(x[0]), lengths(x[0].builder(), rank, odd)});
            return cast(parts(call("Cast", {z}, {{"DstT", DType::kComplex128}})), DType::kDouble);
          },
          kFloat);
    }
  }
}

TEST(Fourier, OfHalfSpectra) {
  const char* ops[] = {"IRFFT", "IRFFT2D", "IRFFT3D"};
  for (int rank = 1; rank <= 3; ++rank) {
    for (const bool odd : {false, true}) {
      check_gradient(
          ops[rank - 1], {{{2, 3, 4}}, {{2, 3, 4}}},
          [&](const Vals& x) {
            const Val z = call("Complex", {narrow(x[0]), narrow(x[1])}, {{"Tout", DType::kComplex64}});
            return wide(call(ops[rank - 1], {z, lengths(x[0].builder(), rank, odd)}));
          },
          kFloat);
    }
  }
}

// The first arguments of these are not differentiated to.
TEST(Special, SecondArguments) {
  const auto with = [](const char* op, double first) {
    return [op, first](const Vals& x) { return call(op, {grad::number(x[0], first), x[0]}); };
  };
  check_gradient("Zeta", {{{3, 2}, 0.5, 3}}, with("Zeta", 2.5));
  check_gradient("Polygamma", {{{3, 2}, 0.5, 3}}, with("Polygamma", 2), {.tolerance = 2e-5});
  check_gradient(
      "Betainc", {{{3, 2}, 0.1, 0.9}},
      [](const Vals& x) { return call("Betainc", {grad::number(x[0], 2.5), grad::number(x[0], 1.5), x[0]}); },
      {.tolerance = 2e-5});
}

}  // namespace
}  // namespace tw::testing
