#include <gtest/gtest.h>

#include "core/kernels/contract.h"
#include "core/kernels/contract/conv_region.h"
#include "core/kernels/contract/winograd_plan.h"
#include "core/kernels/ref/contract_ref.h"
#include "tests/kernels/contract_testing.h"

namespace tw {
namespace {

using namespace testing_contract;
using Kind = ConvSpec::Kind;

int64_t input_size(const ConvSpec& s) { return s.batch * s.in_d * s.in_h * s.in_w * s.in_c; }
int64_t output_size(const ConvSpec& s) { return s.batch * s.out_d * s.out_h * s.out_w * s.out_c; }
int64_t filter_size(const ConvSpec& s) {
  return s.filter_d * s.filter_h * s.filter_w * (s.depthwise ? 1 : s.in_c / s.groups) * s.out_c;
}

std::string describe(const ConvSpec& s) {
  std::ostringstream out;
  out << (s.kind == Kind::kForward     ? "forward "
          : s.kind == Kind::kInputGrad ? "input grad "
                                       : "filter grad ")
      << (s.depthwise ? "depthwise " : "") << s.groups << " groups " << dtype_name(s.dtype) << " in " << s.batch << "x"
      << s.in_h << "x" << s.in_w << "x" << s.in_c << " out " << s.out_h << "x" << s.out_w << "x" << s.out_c
      << " filter " << s.filter_h << "x" << s.filter_w << " stride " << s.stride_h << "," << s.stride_w << " dilation "
      << s.dilation_h << "," << s.dilation_w << " pad " << s.pad_top << "," << s.pad_left << " depth " << s.in_d << ","
      << s.out_d << "," << s.filter_d << " stride " << s.stride_d << " dilation " << s.dilation_d << " pad "
      << s.pad_front;
  return out.str();
}

using Planner = Result<std::unique_ptr<ContractPlan>> (*)(const ConvSpec&, int);

// Root mean squares of the errors of a plan's results, and of floats to which one product after another is added,
// kPiece of them at a time, as the direct algorithm does it for long sums.
struct Errors {
  static constexpr int64_t kPiece = 384;
  double plan = 0, direct = 0;
};

// Elements may differ as sums of their number of terms do, but of no fewer than `least_terms`.
template <typename T>
void check_kind(ConvSpec spec, bool constant_filter, Planner planner = plan_conv, int64_t least_terms = 0,
                Errors* errors = nullptr) {
  SCOPED_TRACE(describe(spec) + (constant_filter ? " constant" : ""));
  Guarded<T> input(input_size(spec)), filter(filter_size(spec)), output(output_size(spec));
  fill(&input, 1);
  fill(&filter, 2);
  fill(&output, 3);
  Guarded<T>& result = spec.kind == Kind::kForward ? output : spec.kind == Kind::kInputGrad ? input : filter;
  std::vector<double> want(static_cast<size_t>(result.size()), 0.0);
  std::vector<int64_t> terms(want.size(), 0);
  std::vector<float> sums(errors != nullptr ? want.size() : 0, 0.0f), pieces = sums;
  ref::visit_conv(spec, [&](int64_t i, int64_t f, int64_t o) {
    const int64_t at = spec.kind == Kind::kForward ? o : spec.kind == Kind::kInputGrad ? i : f;
    const double x = spec.kind == Kind::kInputGrad ? static_cast<double>(filter[f]) : static_cast<double>(input[i]);
    const double y = spec.kind == Kind::kForward ? static_cast<double>(filter[f]) : static_cast<double>(output[o]);
    want[static_cast<size_t>(at)] += x * y;
    if (errors != nullptr) {
      float& piece = pieces[static_cast<size_t>(at)];
      piece = std::fma(static_cast<float>(x), static_cast<float>(y), piece);
      if ((terms[static_cast<size_t>(at)] + 1) % Errors::kPiece == 0) {
        sums[static_cast<size_t>(at)] += std::exchange(piece, 0.0f);
      }
    }
    ++terms[static_cast<size_t>(at)];
  });
  const void* a = spec.kind == Kind::kInputGrad ? filter.data() : input.data();
  const void* b = spec.kind == Kind::kForward ? filter.data() : output.data();
  if (constant_filter) spec.constant_filter = filter.data();
  for (int threads : {1, 2, 5}) {
    auto plan = planner(spec, threads);
    ASSERT_TRUE(plan.ok()) << plan.status().to_string();
    WorkerPool pool(threads);
    std::vector<T> first;
    double squares = 0;
    for (int repeat = 0; repeat < 2; ++repeat) {
      Guarded<T> got(result.size());
      Workspace ws((*plan)->workspace_bytes());
      void* out = got.data();
      ASSERT_TRUE((*plan)->run(a, b, nullptr, &out, ws.memory, pool).ok());
      EXPECT_TRUE(got.intact());
      EXPECT_TRUE(ws.intact());
      for (int64_t i = 0; i < got.size(); ++i) {
        const size_t u = static_cast<size_t>(i);
        ASSERT_NEAR(static_cast<double>(got[i]), want[u], tolerance<T>(std::max(terms[u], least_terms)))
            << "element " << i << ", " << threads << " threads";
        squares += std::pow(static_cast<double>(got[i]) - want[u], 2);
      }
      if (repeat == 0) {
        first.assign(got.data(), got.data() + got.size());
      } else if (got.size() > 0) {
        EXPECT_EQ(std::memcmp(first.data(), got.data(), first.size() * sizeof(T)), 0);
      }
    }
    if (errors != nullptr) {
      const double size = static_cast<double>(std::max<int64_t>(result.size(), 1));
      errors->plan = std::sqrt(squares / 2 / size);
      squares = 0;
      for (size_t i = 0; i < sums.size(); ++i)
        squares += std::pow(static_cast<double>(sums[i] + pieces[i]) - want[i], 2);
      errors->direct = std::sqrt(squares / size);
    }
  }
}

template <typename T>
void check_conv(ConvSpec spec) {
  spec.dtype = dtype_of<T>;
  for (Kind kind : {Kind::kForward, Kind::kInputGrad, Kind::kFilterGrad}) {
    spec.kind = kind;
    check_kind<T>(spec, false);
    if (kind != Kind::kFilterGrad) check_kind<T>(spec, true);
  }
}

// SAME padding when `same`, else VALID.
ConvSpec conv(int64_t batch, int64_t h, int64_t w, int64_t in_c, int64_t out_c, int64_t fh, int64_t fw, int64_t sh,
              int64_t sw, int64_t dh, int64_t dw, bool same) {
  ConvSpec s;
  s.winograd = false;
  s.batch = batch, s.in_h = h, s.in_w = w, s.in_c = in_c, s.out_c = out_c, s.filter_h = fh, s.filter_w = fw;
  s.stride_h = sh, s.stride_w = sw, s.dilation_h = dh, s.dilation_w = dw;
  const auto axis = [&](int64_t in, int64_t f, int64_t stride, int64_t dilation, int64_t* out, int64_t* pad) {
    const int64_t span = (f - 1) * dilation + 1;
    *out = same ? (in + stride - 1) / stride : std::max<int64_t>(0, (in - span) / stride + 1);
    *pad = same ? std::max<int64_t>(0, (*out - 1) * stride + span - in) / 2 : 0;
  };
  axis(h, fh, sh, dh, &s.out_h, &s.pad_top);
  axis(w, fw, sw, dw, &s.out_w, &s.pad_left);
  return s;
}

TEST(Conv, StridesDilationsAndPadding) {
  for (bool same : {false, true}) {
    for (auto [fh, fw] : {std::pair{1, 1}, {3, 3}, {2, 5}, {5, 2}}) {
      for (auto [sh, sw] : {std::pair{1, 1}, {2, 2}, {1, 3}, {3, 1}}) {
        for (auto [dh, dw] : {std::pair{1, 1}, {2, 1}, {1, 2}}) {
          check_conv<float>(conv(2, 11, 12, 3, 5, fh, fw, sh, sw, dh, dw, same));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(Conv, Channels) {
  for (int64_t in : {1, 2, 16, 33}) {
    for (int64_t out : {1, 8, 32, 37, 64, 70}) check_conv<float>(conv(3, 8, 8, in, out, 3, 3, 1, 1, 1, 1, true));
  }
}

TEST(Conv, LargeImagesAndManyTaps) {
  check_conv<float>(conv(1, 70, 90, 20, 10, 3, 3, 1, 1, 1, 1, true));  // bands of rows
  check_conv<float>(conv(2, 61, 67, 3, 9, 7, 7, 2, 2, 1, 1, true));
  check_conv<float>(conv(1, 9, 9, 200, 40, 3, 3, 1, 1, 1, 1, true));  // several blocks of k
  check_conv<float>(conv(1, 5, 5, 401, 3, 2, 3, 1, 1, 1, 1, false));
  check_conv<float>(conv(40, 4, 4, 6, 6, 3, 3, 1, 1, 1, 1, true));   // several images per unit
  check_conv<float>(conv(5, 7, 7, 48, 64, 1, 1, 1, 1, 1, 1, true));  // a plain product
  check_conv<float>(conv(5, 7, 7, 12, 64, 1, 1, 2, 2, 1, 1, false));
}

// Small images: taps one by one, without what they would meet in the padding.
TEST(Conv, MuchPadding) {
  for (auto [fh, fw] : {std::pair{3, 3}, {1, 7}, {7, 1}, {2, 5}}) {
    for (auto [sh, sw] : {std::pair{1, 1}, {2, 2}, {1, 3}}) {
      for (auto [dh, dw] : {std::pair{1, 1}, {2, 1}, {1, 3}}) {
        check_conv<float>(conv(2, 7, 9, 96, 32, fh, fw, sh, sw, dh, dw, true));
        if (HasFatalFailure()) return;
      }
    }
  }
  check_conv<float>(conv(1, 3, 2, 130, 35, 5, 7, 1, 1, 1, 1, true));  // the filter is larger than the image
  check_conv<float>(conv(9, 8, 8, 64, 20, 3, 3, 1, 1, 1, 1, true));   // several groups of rows
  check_conv<double>(conv(2, 7, 9, 96, 33, 3, 3, 2, 1, 1, 1, true));
  check_conv<bfloat16>(conv(2, 7, 9, 96, 33, 3, 3, 2, 1, 1, 1, true));
  ConvSpec s = conv(2, 6, 7, 64, 16, 3, 3, 2, 2, 1, 1, false);  // padding wider than the filter
  s.pad_top = 4, s.pad_left = 5, s.out_h = 7, s.out_w = 8;
  check_conv<float>(s);
  s.stride_h = 1, s.pad_top = 0, s.pad_left = 3, s.out_h = 9;  // rows that no tap meets
  check_conv<float>(s);
}

TEST(Conv, LargeFiltersOfFewPixels) {
  for (int64_t out : {32, 48, 41}) {
    check_conv<float>(conv(1, 5, 5, 300, out, 3, 3, 1, 1, 1, 1, true));
    check_conv<float>(conv(1, 5, 5, 300, out, 2, 2, 1, 1, 1, 1, false));
    check_conv<double>(conv(1, 4, 4, 100, out, 3, 3, 2, 2, 1, 1, true));
  }
  check_conv<float>(conv(1, 1, 1, 100, 64, 3, 3, 1, 1, 1, 1, true));
}

// As many panels for each thread, for 2 and for 5 of them, with vectors of 16, 8 and 4 numbers.
TEST(Conv, ThreadsShareTheColumnsOfFewPixels) {
  check_conv<float>(conv(1, 7, 7, 64, 320, 3, 3, 1, 1, 1, 1, true));
  check_conv<float>(conv(2, 9, 8, 320, 320, 3, 3, 2, 2, 1, 1, true));
  check_conv<float>(conv(1, 9, 9, 320, 640, 2, 2, 4, 4, 1, 1, false));  // no tap meets some pixels
  check_conv<float>(conv(1, 19, 20, 64, 64, 1, 7, 1, 1, 1, 1, true));
  check_conv<bfloat16>(conv(1, 5, 6, 160, 640, 2, 3, 1, 1, 1, 1, true));
}

TEST(Conv, PixelsThatShareCacheSets) {
  check_conv<float>(conv(2, 9, 9, 512, 33, 1, 1, 2, 2, 1, 1, true));
  check_conv<float>(conv(1, 7, 7, 512, 64, 3, 3, 1, 1, 1, 1, true));
  check_conv<double>(conv(1, 9, 10, 256, 40, 2, 3, 1, 2, 1, 1, false));
  // Those of the filter's rows, of which tiles read copies.
  check_conv<float>(conv(1, 13, 13, 512, 4096, 1, 1, 2, 2, 1, 1, true));
  check_conv<float>(conv(1, 7, 7, 256, 4096, 1, 2, 1, 1, 1, 1, true));
  check_conv<double>(conv(1, 13, 13, 128, 2048, 1, 1, 2, 2, 1, 1, true));
}

TEST(Conv, OddGeometry) {
  check_conv<float>(conv(2, 5, 5, 3, 4, 2, 2, 4, 4, 1, 1, false));  // strides beyond the filter leave gaps
  check_conv<float>(conv(1, 1, 9, 2, 3, 1, 3, 1, 2, 1, 3, true));
  check_conv<float>(conv(1, 3, 3, 2, 3, 5, 5, 1, 1, 1, 1, true));  // the filter is larger than the image
  ConvSpec s = conv(2, 6, 7, 3, 4, 3, 3, 2, 2, 1, 1, false);       // explicit padding, wider than the filter
  s.pad_top = 4, s.pad_left = 1, s.out_h = 7, s.out_w = 5;
  check_conv<float>(s);
}

TEST(Conv, EmptySizes) {
  check_conv<float>(conv(0, 5, 5, 3, 4, 3, 3, 1, 1, 1, 1, true));
  check_conv<float>(conv(2, 5, 5, 0, 4, 3, 3, 1, 1, 1, 1, true));
  check_conv<float>(conv(2, 5, 5, 3, 0, 3, 3, 1, 1, 1, 1, true));
  check_conv<float>(conv(2, 2, 2, 3, 4, 3, 3, 1, 1, 1, 1, false));  // no output pixels
}

ConvSpec grouped(ConvSpec s, int64_t groups) {
  s.groups = groups;
  return s;
}

TEST(Conv, Groups) {
  for (bool same : {false, true}) {
    check_conv<float>(grouped(conv(2, 7, 8, 6, 4, 3, 3, 1, 1, 1, 1, same), 2));
    check_conv<float>(grouped(conv(2, 9, 8, 12, 9, 3, 2, 2, 3, 1, 2, same), 3));
    check_conv<float>(grouped(conv(2, 5, 5, 4, 8, 3, 3, 1, 1, 1, 1, same), 4));  // one channel each: depthwise
    check_conv<float>(grouped(conv(2, 5, 5, 40, 80, 1, 1, 1, 1, 1, 1, same), 5));
  }
  check_conv<float>(grouped(conv(0, 5, 5, 6, 4, 3, 3, 1, 1, 1, 1, true), 2));
}

// Results of more than 4 MiB, which are fetched ahead, in groups of as many rows as there may be.
TEST(Conv, ResultsFromMemory) {
  check_kind<float>(conv(1, 131, 133, 5, 65, 2, 2, 1, 1, 1, 1, true), false);
  check_kind<float>(conv(2, 131, 133, 4, 130, 1, 1, 2, 2, 1, 1, true), true);
}

template <typename T>
class ConvTypes : public testing::Test {};
using Types = testing::Types<double, half, bfloat16>;
TYPED_TEST_SUITE(ConvTypes, Types);

TYPED_TEST(ConvTypes, EveryKind) {
  check_conv<TypeParam>(conv(3, 9, 8, 5, 33, 3, 3, 1, 1, 1, 1, true));
  check_conv<TypeParam>(conv(2, 9, 8, 5, 7, 3, 2, 2, 3, 1, 2, false));
  check_conv<TypeParam>(conv(2, 6, 6, 20, 40, 1, 1, 1, 1, 1, 1, true));
  check_conv<TypeParam>(grouped(conv(2, 6, 6, 6, 8, 3, 3, 1, 1, 1, 1, true), 2));
  ConvSpec s = conv(2, 9, 8, 5, 10, 3, 3, 1, 1, 1, 1, true);
  s.depthwise = true;
  check_conv<TypeParam>(s);
  s = conv(2, 9, 8, 6, 6, 3, 3, 2, 2, 1, 1, true);
  s.depthwise = true;
  check_conv<TypeParam>(s);
}

TEST(Depthwise, StridesDilationsAndMultipliers) {
  for (bool same : {false, true}) {
    for (int64_t multiplier : {1, 2, 3}) {
      for (auto [sh, sw] : {std::pair{1, 1}, {2, 2}, {1, 3}}) {
        for (auto [dh, dw] : {std::pair{1, 1}, {2, 1}, {1, 2}}) {
          for (int64_t c : {1, 5, 16, 35}) {
            ConvSpec s = conv(2, 11, 10, c, c * multiplier, 3, 2, sh, sw, dh, dw, same);
            s.depthwise = true;
            check_conv<float>(s);
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
  ConvSpec s = conv(1, 80, 64, 24, 24, 5, 5, 1, 1, 1, 1, true);
  s.depthwise = true;
  check_conv<float>(s);
  s = conv(30, 5, 5, 8, 16, 3, 3, 1, 1, 1, 1, true);
  s.depthwise = true;
  check_conv<float>(s);
  s = conv(0, 5, 5, 8, 16, 3, 3, 1, 1, 1, 1, true);
  s.depthwise = true;
  check_conv<float>(s);
}

ConvSpec depthwise(ConvSpec s) {
  s.depthwise = true;
  return s;
}

// Every number of columns beside those at the edges, with taps that share loads of the image and others.
TEST(Depthwise, Columns) {
  for (int64_t w = 1; w <= 22; ++w) {
    for (int64_t filter : {1, 2, 3, 5, 7}) {
      for (int64_t stride : {1, 2, 3}) {
        check_conv<float>(depthwise(conv(1, 4, w, 21, 21, 3, filter, 1, stride, 1, 1, true)));
        if (HasFatalFailure()) return;
      }
    }
  }
  check_conv<float>(depthwise(conv(1, 3, 13, 512, 512, 3, 3, 1, 1, 1, 1, true)));  // pixels share cache sets
}

// Rows of results are taken two at a time where they share rows of taps: with any padding, and one row left over or
// none.
TEST(Depthwise, PairsOfRows) {
  for (int64_t h : {1, 2, 3, 4, 7}) {
    for (int64_t w : {1, 2, 3, 4, 8, 9, 13, 19}) {
      for (int64_t pad : {0, 1, 2}) {
        for (int64_t more : {0, 1}) {  // on the right and below
          ConvSpec s = depthwise(conv(2, h, w, 19, 19, 3, 3, 1, 1, 1, 1, true));
          s.pad_top = s.pad_left = pad;
          s.out_h = h + 2 * pad + more - 2, s.out_w = w + 2 * pad + more - 2;
          if (s.out_h < 1 || s.out_w < 1) continue;
          check_conv<float>(s);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  for (int64_t c : {1, 8, 512}) {
    const ConvSpec s = depthwise(conv(3, 6, 15, c, c, 3, 3, 1, 1, 1, 1, true));
    check_conv<double>(s);
    check_conv<bfloat16>(s);
    check_conv<float>(s);
  }
  check_conv<float>(depthwise(conv(1, 40, 37, 130, 130, 3, 3, 1, 1, 1, 1, true)));  // several units
}

// What the next rows read and write is fetched: from places beyond the last ones, too.
TEST(Depthwise, ImagesFromMemory) {
  check_conv<float>(depthwise(conv(2, 127, 131, 67, 67, 3, 3, 1, 1, 1, 1, true)));
  check_conv<float>(depthwise(conv(3, 139, 143, 61, 61, 3, 3, 2, 2, 1, 1, true)));
}

TEST(Depthwise, Edges) {
  check_conv<float>(depthwise(conv(2, 3, 2, 9, 9, 7, 7, 1, 1, 1, 1, true)));  // the filter is larger than the image
  check_conv<float>(depthwise(conv(1, 9, 9, 5, 5, 3, 3, 1, 1, 4, 3, true)));
  check_conv<float>(depthwise(conv(1, 9, 9, 5, 5, 2, 2, 4, 4, 1, 1, true)));  // strides beyond the filter leave gaps
  ConvSpec s = depthwise(conv(2, 6, 7, 20, 20, 3, 3, 2, 2, 1, 1, false));     // padding wider than the filter
  s.pad_top = 4, s.pad_left = 5, s.out_h = 7, s.out_w = 8;
  check_conv<float>(s);
  check_conv<double>(s);
  check_conv<half>(s);
  check_conv<bfloat16>(s);
}

// Products scattered to the input's gradient, whether or not it pays.
template <typename T>
void check_scatter(ConvSpec spec) {
  spec.dtype = dtype_of<T>;
  spec.kind = Kind::kInputGrad;
  for (bool constant : {false, true}) check_kind<T>(spec, constant, contract::plan_scatter_conv);
}

TEST(ScatterConv, Geometry) {
  for (bool same : {false, true}) {
    for (auto [fh, fw] : {std::pair{1, 1}, {3, 3}, {2, 7}, {7, 2}}) {
      for (auto [sh, sw] : {std::pair{1, 1}, {2, 2}, {1, 3}, {4, 1}}) {
        for (auto [dh, dw] : {std::pair{1, 1}, {2, 1}, {1, 2}}) {
          check_scatter<float>(conv(2, 13, 14, 3, 5, fh, fw, sh, sw, dh, dw, same));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  check_scatter<float>(conv(1, 3, 3, 2, 3, 5, 5, 1, 1, 1, 1, true));  // the filter is larger than the image
  ConvSpec s = conv(2, 6, 7, 3, 4, 3, 3, 2, 2, 1, 1, false);          // padding wider than the filter
  s.pad_top = 4, s.pad_left = 5, s.out_h = 7, s.out_w = 8;
  check_scatter<float>(s);
}

TEST(ScatterConv, SizesAndTypes) {
  for (int64_t in : {1, 3, 16, 21}) {
    for (int64_t out : {1, 16, 37}) check_scatter<float>(conv(3, 8, 9, in, out, 3, 3, 1, 1, 1, 1, true));
  }
  check_scatter<float>(conv(1, 90, 70, 3, 8, 7, 7, 2, 2, 1, 1, true));  // bands of rows
  check_scatter<float>(conv(1, 5, 450, 3, 8, 3, 3, 1, 1, 1, 1, true));  // more columns than a group of rows has
  check_scatter<double>(conv(3, 21, 19, 3, 10, 5, 3, 2, 1, 1, 1, true));
  check_scatter<half>(conv(3, 21, 19, 3, 10, 5, 3, 2, 1, 1, 1, true));
  check_scatter<bfloat16>(conv(3, 21, 19, 3, 10, 5, 3, 2, 1, 1, 1, true));
}

TEST(ScatterConv, IsTakenForFewChannels) {
  ConvSpec s = conv(4, 32, 32, 1, 64, 3, 3, 1, 1, 1, 1, true);  // for vectors of any length
  EXPECT_FALSE(contract::wants_scatter(s));
  s.kind = Kind::kInputGrad;
  EXPECT_TRUE(contract::wants_scatter(s));
  s.in_c = 64;
  EXPECT_FALSE(contract::wants_scatter(s));
}

// The spec's convolution over volumes of this depth.
ConvSpec deep(ConvSpec s, int64_t in, int64_t filter, int64_t stride, int64_t dilation, bool same) {
  const int64_t span = (filter - 1) * dilation + 1;
  s.in_d = in, s.filter_d = filter, s.stride_d = stride, s.dilation_d = dilation;
  s.out_d = same ? (in + stride - 1) / stride : std::max<int64_t>(0, (in - span) / stride + 1);
  s.pad_front = same ? std::max<int64_t>(0, (s.out_d - 1) * stride + span - in) / 2 : 0;
  return s;
}

TEST(Conv, Volumes) {
  for (bool same : {false, true}) {
    for (int64_t stride : {1, 2, 3}) {
      for (int64_t dilation : {1, 2}) {
        for (int64_t filter : {1, 2, 3}) {
          check_conv<float>(deep(conv(2, 5, 6, 3, 5, 3, 2, stride, 1, 1, 1, same), 7, filter, stride, dilation, same));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
  check_conv<float>(deep(conv(2, 40, 50, 8, 6, 3, 3, 1, 1, 1, 1, true), 3, 3, 1, 1, true));  // bands of rows
  check_conv<float>(deep(conv(1, 40, 50, 8, 6, 3, 3, 2, 2, 1, 1, false), 5, 3, 2, 1, false));
  check_conv<float>(deep(conv(3, 6, 6, 8, 33, 1, 1, 1, 1, 1, 1, false), 4, 1, 1, 1, false));  // a plain product
  check_conv<float>(deep(conv(2, 4, 4, 2, 3, 2, 2, 1, 1, 1, 1, false), 5, 2, 4, 1, false));   // planes without a tap
  check_conv<float>(deep(conv(2, 4, 4, 2, 3, 2, 2, 1, 1, 1, 1, false), 1, 3, 1, 1, false));   // no output planes
  check_conv<half>(deep(conv(2, 6, 5, 3, 9, 3, 3, 1, 1, 1, 1, true), 4, 3, 2, 1, true));
  check_conv<double>(deep(conv(2, 6, 5, 3, 9, 3, 3, 2, 1, 1, 1, true), 4, 2, 1, 1, true));
}

// Winograd's algorithm, whether or not it pays.
void check_winograd(ConvSpec spec, bool beside_direct = false) {
  spec.dtype = DType::kFloat;
  for (Kind kind : {Kind::kForward, Kind::kInputGrad, Kind::kFilterGrad}) {
    spec.kind = kind;
    const Planner planner = kind == Kind::kFilterGrad ? contract::plan_winograd_filter_grad : contract::plan_winograd;
    // All results of a tile share its rounding errors, the ones at the image's edge too.
    const int64_t tile = 7 - spec.filter_h;
    const int64_t tiles = (spec.out_h + tile - 1) / tile * ((spec.out_w + tile - 1) / tile) * spec.batch;
    const int64_t terms = 36 * (kind == Kind::kFilterGrad ? tiles : kind == Kind::kInputGrad ? spec.out_c : spec.in_c);
    Errors errors;
    spec.winograd = true;
    ASSERT_TRUE(contract::takes_winograd(spec)) << describe(spec);
    check_kind<float>(spec, false, planner, terms, &errors);
    if (kind != Kind::kFilterGrad) check_kind<float>(spec, true, planner, terms);
    spec.winograd = false;
    if (beside_direct) {
      EXPECT_LT(errors.plan, (kind == Kind::kFilterGrad ? 5 : 3) * errors.direct) << describe(spec);
    }
  }
}

TEST(Winograd, ErrorsAreAFewTimesThoseOfTheDirectSum) {
  check_winograd(conv(4, 16, 16, 32, 32, 3, 3, 1, 1, 1, 1, true), true);
  check_winograd(conv(1, 14, 15, 64, 48, 3, 3, 1, 1, 1, 1, false), true);
}

TEST(Winograd, Geometry) {
  for (bool same : {false, true}) {
    for (auto [h, w] : {std::pair{3, 3}, {4, 9}, {8, 8}, {11, 14}, {33, 7}}) {
      check_winograd(conv(2, h, w, 16, 24, 3, 3, 1, 1, 1, 1, same));
      if (HasFatalFailure()) return;
    }
  }
  ConvSpec s = conv(2, 6, 7, 16, 16, 3, 3, 1, 1, 1, 1, false);  // padding that no rule gives, wider than the filter
  s.pad_top = 3, s.pad_left = 1, s.out_h = 9, s.out_w = 6;
  check_winograd(s);
}

TEST(Winograd, ChannelsAndBatches) {
  for (int64_t in : {16, 17, 40}) {
    for (int64_t out : {16, 31, 70}) check_winograd(conv(3, 6, 6, in, out, 3, 3, 1, 1, 1, 1, true));
  }
  check_winograd(conv(40, 5, 5, 16, 16, 3, 3, 1, 1, 1, 1, true));   // several images at a time, the last batch smaller
  check_winograd(conv(1, 60, 70, 16, 16, 3, 3, 1, 1, 1, 1, true));  // several bands of one image
  check_winograd(conv(1, 6, 6, 300, 70, 3, 3, 1, 1, 1, 1, true));   // channels of a panel in several passes
  check_winograd(conv(1, 8, 8, 400, 20, 3, 3, 1, 1, 1, 1, true));   // more channels than a group of rows has
}

TEST(Winograd, FiveByFive) {
  for (bool same : {false, true}) {
    for (auto [h, w] : {std::pair{5, 5}, {6, 9}, {8, 8}, {11, 14}}) {
      check_winograd(conv(2, h, w, 17, 33, 5, 5, 1, 1, 1, 1, same));
      if (HasFatalFailure()) return;
    }
  }
  check_winograd(conv(9, 14, 14, 32, 48, 5, 5, 1, 1, 1, 1, true), true);
}

TEST(Winograd, IsTakenWhereItPays) {
  ConvSpec s = conv(8, 28, 28, 64, 64, 3, 3, 1, 1, 1, 1, true);
  EXPECT_FALSE(contract::wants_winograd(s));
  s.winograd = true;
  EXPECT_TRUE(contract::wants_winograd(s));
  s.kind = Kind::kFilterGrad;
  EXPECT_TRUE(contract::wants_winograd(s));
  s.dtype = DType::kDouble;
  EXPECT_FALSE(contract::wants_winograd(s));
  // The direct sum leaves out what the padding takes part in: here the filter's transform would not pay for the rest.
  s = conv(2, 7, 7, 512, 512, 3, 3, 1, 1, 1, 1, true);
  s.winograd = true;
  EXPECT_FALSE(contract::wants_winograd(s));
  s.batch = 4;
  EXPECT_TRUE(contract::wants_winograd(s));
  // One tile meets a filter that is four times as large transformed.
  s = conv(1, 4, 4, 512, 512, 3, 3, 1, 1, 1, 1, true);
  s.winograd = true;
  EXPECT_FALSE(contract::wants_winograd(s));
}

// The tape runs over the results of `planner` as over those of plan_conv, also where no output can hold them.
void check_epilogue(const ConvSpec& s, Planner planner) {
  Guarded<float> input(input_size(s)), filter(filter_size(s)), output(output_size(s));
  const bool gradient = s.kind == Kind::kInputGrad;
  Guarded<float> bias(gradient ? s.in_c : s.out_c);
  fill(&input, 1);
  fill(&filter, 2);
  fill(&bias, 3);
  fill(&output, 4);
  std::vector<std::vector<int32_t>> found;
  for (Planner plan_it : {Planner{plan_conv}, planner}) {
    ConvSpec t = s;
    t.winograd = plan_it != Planner{plan_conv};
    // 100 (x + bias), rounded towards zero.
    Tape& tape = t.epilogue.tape;
    tape.inputs = {DType::kFloat, DType::kFloat};
    tape.constants = {{DType::kFloat, 100.0}};
    tape.insts = {{MicroOp::k_add, DType::kFloat, {0, 1}},
                  {MicroOp::k_mul, DType::kFloat, {3, 2}},
                  {MicroOp::k_cast, DType::kInt32, {4}}};
    tape.outputs = {5};
    t.epilogue.operand_shapes = {Shape{bias.size()}};
    auto plan = plan_it(t, 2);
    ASSERT_TRUE(plan.ok()) << plan.status().to_string();
    WorkerPool pool(2);
    Guarded<int32_t> got(gradient ? input_size(s) : output_size(s));
    Workspace ws((*plan)->workspace_bytes());
    void* out = got.data();
    const void* operand = bias.data();
    const float *a = gradient ? filter.data() : input.data(), *b = gradient ? output.data() : filter.data();
    ASSERT_TRUE((*plan)->run(a, b, &operand, &out, ws.memory, pool).ok());
    EXPECT_TRUE(got.intact());
    EXPECT_TRUE(ws.intact());
    found.emplace_back(got.data(), got.data() + got.size());
  }
  for (size_t i = 0; i < found[0].size(); ++i) ASSERT_NEAR(found[0][i], found[1][i], 1);
}

TEST(Winograd, Epilogue) { check_epilogue(conv(2, 9, 9, 16, 20, 3, 3, 1, 1, 1, 1, true), contract::plan_winograd); }

TEST(Conv, EpilogueOfColumns) {
  check_epilogue(conv(1, 7, 7, 128, 64, 3, 3, 1, 1, 1, 1, true), contract::plan_winograd);
}

TEST(ScatterConv, Epilogue) {
  ConvSpec s = conv(2, 41, 9, 20, 16, 3, 3, 2, 1, 1, 1, true);
  s.kind = Kind::kInputGrad;
  ASSERT_FALSE(contract::wants_scatter(s));
  check_epilogue(s, contract::plan_scatter_conv);
}

TEST(Conv, RejectsNonsense) {
  EXPECT_EQ(plan_conv(grouped(conv(1, 5, 5, 6, 3, 3, 3, 1, 1, 1, 1, true), 2), 1).status().code(),
            Code::kInvalidArgument);
  ConvSpec s = conv(1, 5, 5, 3, 4, 3, 3, 1, 1, 1, 1, true);
  s.stride_h = 0;
  EXPECT_EQ(plan_conv(s, 1).status().code(), Code::kInvalidArgument);
  s = conv(1, 5, 5, 3, 4, 3, 3, 1, 1, 1, 1, true);
  s.depthwise = true;
  EXPECT_EQ(plan_conv(s, 1).status().code(), Code::kInvalidArgument);
  s = conv(1, 5, 5, 3, 4, 3, 3, 1, 1, 1, 1, true);
  s.dtype = DType::kInt32;
  EXPECT_EQ(plan_conv(s, 1).status().code(), Code::kUnimplemented);
}

}  // namespace
}  // namespace tw
