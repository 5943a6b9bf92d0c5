// Fractional max and average pooling (Graham, "Fractional max-pooling"): regions whose sizes differ by one, so that
// images shrink by factors between whole numbers.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/kernels/cpu/array/outputs.h"
#include "core/kernels/cpu/random/distributions.h"
#include "core/kernels/cpu/random/rng_state.h"

namespace tw {
namespace {

struct FractionalState : KernelState {
  bool overlapping = false, pseudo_random = false, deterministic = false;
  uint64_t seed = 0, seed2 = 0;
};

// The regions' sizes are floor or ceiling of in / out; where the larger ones stand is drawn. Returns where they begin,
// ended by `in`.
std::vector<int64_t> draw_sequence(int64_t in, int64_t out, bool pseudo_random, Philox* gen) {
  std::vector<int64_t> starts(static_cast<size_t>(out + 1), 0);
  if (out == 0) return starts;
  const int64_t k = in / out;
  std::vector<int64_t> sizes(static_cast<size_t>(out), k);
  // Drawn even where the sizes are all equal, as the next sequence comes from the same generator.
  if (pseudo_random) {
    // ceil(alpha * (i + u)), with u kept so low that the first and last region are no larger or smaller than others.
    const double alpha = static_cast<double>(in) / static_cast<double>(out);
    const double most = std::min(static_cast<double>(k + 2) / alpha - 1,
                                 static_cast<double>(in + 1 - k) / alpha - static_cast<double>(out - 1));
    const Philox::Block words = (*gen)();
    const double u = unit_double(words[0], words[1]) * most;
    int64_t before = 1;
    for (int64_t i = 0; i < out; ++i) {
      const int64_t end =
          i + 1 == out ? in + 1 : static_cast<int64_t>(std::ceil(alpha * (static_cast<double>(i + 1) + u)));
      sizes[static_cast<size_t>(i)] = end - before;
      before = end;
    }
  } else {
    for (int64_t i = 0; i < in % out; ++i) ++sizes[static_cast<size_t>(i)];
    PhiloxWords words(*gen);
    gen->skip(static_cast<uint64_t>(out + 3) / 4);
    for (int64_t i = 0; i + 1 < out; ++i) {
      std::swap(sizes[static_cast<size_t>(i)], sizes[static_cast<size_t>(i + words() % (out - i))]);
    }
  }
  for (size_t i = 0; i < sizes.size(); ++i) starts[i + 1] = starts[i] + sizes[i];
  return starts;
}

struct Span {
  int64_t begin, end;
};
// Region i of a sequence over `size` elements; overlapping ones share their border.
Span region(const int64_t* sequence, int64_t i, bool overlapping, int64_t size) {
  return {sequence[i], std::min(overlapping ? sequence[i + 1] + 1 : sequence[i + 1], size)};
}

// Calls fn(offset of the output's channels, rows, columns, offset of the image) for each region of each image.
template <typename Fn>
void each_region(const Shape& image, const Shape& pooled, const int64_t* rows, const int64_t* columns, bool overlapping,
                 const Fn& fn) {
  const int64_t channels = image[3];
  for (int64_t n = 0; n < image[0]; ++n) {
    for (int64_t r = 0; r < pooled[1]; ++r) {
      for (int64_t c = 0; c < pooled[2]; ++c) {
        fn(((n * pooled[1] + r) * pooled[2] + c) * channels, region(rows, r, overlapping, image[1]),
           region(columns, c, overlapping, image[2]), n * image[1] * image[2] * channels);
      }
    }
  }
}
// Calls fn(offset of the element's channels) for each element of a region.
template <typename Fn>
void each_element(const Shape& image, Span y, Span x, int64_t offset, const Fn& fn) {
  for (int64_t h = y.begin; h < y.end; ++h) {
    for (int64_t w = x.begin; w < x.end; ++w) fn(offset + (h * image[2] + w) * image[3]);
  }
}

Status prepare_forward(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<FractionalState>();
  const AttrReader& attrs = ctx.attrs();
  s.overlapping = attrs.boolean("overlapping");
  s.pseudo_random = attrs.boolean("pseudo_random");
  s.deterministic = attrs.boolean("deterministic");
  s.seed = static_cast<uint64_t>(attrs.integer("seed")), s.seed2 = static_cast<uint64_t>(attrs.integer("seed2"));
  TW_ASSIGN_OR_RETURN(const std::vector<float> ratio, attrs.get<std::vector<float>>("pooling_ratio"));
  if (ratio.size() != 4) return invalid_argument("pooling_ratio field must specify 4 dimensions");
  if (ratio[0] != 1 || ratio[3] != 1) {
    return unimplemented("Fractional pooling is not yet supported on the batch nor channel dimension.");
  }
  if (s.deterministic && s.seed == 0 && s.seed2 == 0) {
    s.seed = system_random();
    s.seed2 = system_random();
  } else if (!s.deterministic && (s.seed != 0 || s.seed2 != 0)) {
    return invalid_argument("Both seed and seed2 should be 0 if deterministic is false, but are ", s.seed, " and ",
                            s.seed2);
  }
  for (int i = 1; i < 3; ++i) {
    const int64_t in = ctx.input_shape(0)[i], out = ctx.output_shape(0)[i];
    if (out <= 0) return invalid_argument("A size of ", in, " cannot be pooled by ", ratio[static_cast<size_t>(i)]);
  }
  return {};
}

// Draws the sequences, the outputs 1 and 2, then pools with them.
template <typename Pool>
Status run_forward(const RunContext& ctx, const Pool& pool) {
  const auto& s = ctx.state<FractionalState>();
  const Shape &image = *ctx.input(0).shape, &pooled = *ctx.output(0).shape;
  Philox gen = s.deterministic ? Philox(s.seed, s.seed2) : Philox(system_random(), system_random());
  for (int i = 1; i < 3; ++i) {
    const std::vector<int64_t> sequence = draw_sequence(image[i], pooled[i], s.pseudo_random, &gen);
    std::copy(sequence.begin(), sequence.end(), ctx.out<int64_t>(i));
  }
  const bool known = visit_real(ctx.input(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (sizeof(T) >= 4) {
      each_region(image, pooled, ctx.out<int64_t>(1), ctx.out<int64_t>(2), s.overlapping,
                  [&](int64_t at, Span y, Span x, int64_t offset) {
                    pool(image, ctx.in<T>(0), ctx.out<T>(0) + at, y, x, offset);
                  });
    }
  });
  return known ? Status() : unimplemented("There is no fractional pooling of ", dtype_name(ctx.input(0).dtype));
}

Status run_max(const RunContext& ctx) {
  return run_forward(ctx, [](const Shape& image, const auto* in, auto* out, Span y, Span x, int64_t offset) {
    const auto* first = in + offset + (y.begin * image[2] + x.begin) * image[3];
    std::copy_n(first, image[3], out);
    each_element(image, y, x, offset, [&](int64_t at) {
      for (int64_t c = 0; c < image[3]; ++c) out[c] = std::max(out[c], in[at + c]);
    });
  });
}

Status run_avg(const RunContext& ctx) {
  return run_forward(ctx, [](const Shape& image, const auto* in, auto* out, Span y, Span x, int64_t offset) {
    using T = std::remove_pointer_t<decltype(out)>;
    std::fill_n(out, image[3], T(0));
    each_element(image, y, x, offset, [&](int64_t at) {
      for (int64_t c = 0; c < image[3]; ++c) out[c] = static_cast<T>(out[c] + in[at + c]);
    });
    const auto count = static_cast<T>((y.end - y.begin) * (x.end - x.begin));
    for (int64_t c = 0; c < image[3]; ++c) out[c] = static_cast<T>(out[c] / count);
  });
}

// The gradients take the sequences as their last two inputs: increasing, and within the image. As in TensorFlow their
// shapes do not matter, and what follows the end of the last region is not read.
Status check_sequences(const RunContext& ctx, const Shape& image, const Shape& pooled) {
  constexpr const char* kNames[] = {"row_pooling_sequence", "col_pooling_sequence"};
  for (int i = 0; i < 2; ++i) {
    const Value& v = ctx.input(ctx.num_inputs() - 2 + i);
    if (v.shape->num_elements() <= pooled[i + 1]) {
      return invalid_argument(kNames[i], " must have ", pooled[i + 1] + 1, " elements, but has shape ", *v.shape);
    }
    for (int64_t k = 0; k <= pooled[i + 1]; ++k) {
      const int64_t at = index_at(v, k), before = k == 0 ? -1 : index_at(v, k - 1);
      if (at <= before || at > image[i + 1]) {
        return invalid_argument(kNames[i], "[", k, "] = ", at, " does not follow ", before, " within an image of size ",
                                image[i + 1]);
      }
    }
  }
  return {};
}

Status prepare_grad(PrepareContext& ctx) {
  ctx.emplace_state<FractionalState>().overlapping = ctx.attrs().boolean("overlapping");
  const int dy = ctx.num_inputs() - 3;
  const Shape &image = ctx.output_shape(0), &pooled = ctx.input_shape(dy);
  if (image.rank() != 4 || pooled.rank() != 4 || image[0] != pooled[0] || image[3] != pooled[3]) {
    return invalid_argument(ctx.op().name, ": out_backprop ", pooled, " does not fit the input ", image);
  }
  if (dy == 2 && ctx.input_shape(1) != pooled) {
    return invalid_argument(ctx.op().name, ": out_backprop must have shape ", ctx.input_shape(1), ", but has ", pooled);
  }
  return {};
}

// Calls fn(T's pointer to dx, at the region's) for each region, after dx was set to zeros.
template <typename Fn>
Status run_grad(const RunContext& ctx, const Fn& fn) {
  const Shape &image = *ctx.output(0).shape, &pooled = *ctx.input(ctx.num_inputs() - 3).shape;
  TW_RETURN_IF_ERROR(check_sequences(ctx, image, pooled));
  const int rows = ctx.num_inputs() - 2;
  visit_real(ctx.output(0).dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (sizeof(T) >= 4) {
      T* dx = ctx.out<T>(0);
      std::memset(static_cast<void*>(dx), 0, static_cast<size_t>(image.num_elements()) * sizeof(T));
      each_region(
          image, pooled, ctx.in<int64_t>(rows), ctx.in<int64_t>(rows + 1), ctx.state<FractionalState>().overlapping,
          [&](int64_t at, Span y, Span x, int64_t offset) { fn(image, ctx.in<T>(rows - 1) + at, dx, y, x, offset); });
    }
  });
  return {};
}

Status run_max_grad(const RunContext& ctx) {
  return run_grad(ctx, [&](const Shape& image, const auto* dy, auto* dx, Span y, Span x, int64_t offset) {
    const auto* in = ctx.in<std::remove_pointer_t<decltype(dx)>>(0);
    for (int64_t c = 0; c < image[3]; ++c) {
      int64_t best = offset + (y.begin * image[2] + x.begin) * image[3] + c;
      each_element(image, y, x, offset + c, [&](int64_t at) { best = in[at] > in[best] ? at : best; });
      dx[best] += dy[c];
    }
  });
}

Status run_avg_grad(const RunContext& ctx) {
  return run_grad(ctx, [](const Shape& image, const auto* dy, auto* dx, Span y, Span x, int64_t offset) {
    using T = std::remove_pointer_t<decltype(dx)>;
    const auto count = static_cast<T>((y.end - y.begin) * (x.end - x.begin));
    each_element(image, y, x, offset, [&](int64_t at) {
      for (int64_t c = 0; c < image[3]; ++c) dx[at + c] = static_cast<T>(dx[at + c] + dy[c] / count);
    });
  });
}

}  // namespace

TW_KERNEL(FractionalMaxPool, prepare_forward, run_max);
TW_KERNEL(FractionalAvgPool, prepare_forward, run_avg);
TW_KERNEL(FractionalMaxPoolGrad, prepare_grad, run_max_grad);
TW_KERNEL(FractionalAvgPoolGrad, prepare_grad, run_avg_grad);

}  // namespace tw
