// Discrete Fourier transforms over the innermost one, two or three dimensions, of complex and of real numbers, computed
// in double precision.
#include <unsupported/Eigen/FFT>
#include <vector>

#include "core/framework/kernel.h"

namespace tw {
namespace {

using Complex = std::complex<double>;

struct FftState : KernelState {
  int rank = 1;
  bool inverse = false, real = false;
  std::vector<int64_t> length;    // of the transformed dimensions
  std::vector<int64_t> from, to;  // those dimensions as input and output store them
  int64_t batch = 1;
};

// The plans that the library keeps for each size are not shared between threads.
void transform_line(Complex* line, Complex* scratch, int64_t n, bool inverse) {
  thread_local Eigen::FFT<double> fft;
  if (n == 1) return;
  if (inverse) fft.inv(scratch, line, static_cast<Eigen::Index>(n));
  else fft.fwd(scratch, line, static_cast<Eigen::Index>(n));
  std::copy_n(scratch, n, line);
}

// In place, one dimension after the other.
void transform(std::vector<Complex>& block, const std::vector<int64_t>& dims, bool inverse) {
  const auto total = static_cast<int64_t>(block.size());
  std::vector<Complex> line, scratch;
  int64_t stride = 1;
  for (size_t d = dims.size(); d-- > 0; stride *= dims[d]) {
    const int64_t n = dims[d];
    line.resize(static_cast<size_t>(n));
    scratch.resize(static_cast<size_t>(n));
    for (int64_t outer = 0; outer < total; outer += n * stride) {
      for (int64_t inner = 0; inner < stride; ++inner) {
        Complex* at = block.data() + outer + inner;
        for (int64_t i = 0; i < n; ++i) line[static_cast<size_t>(i)] = at[i * stride];
        transform_line(line.data(), scratch.data(), n, inverse);
        for (int64_t i = 0; i < n; ++i) at[i * stride] = line[static_cast<size_t>(i)];
      }
    }
  }
}

Status prepare_fft(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<FftState>();
  const std::string_view name = ctx.op().name;
  s.rank = name.ends_with("2D") ? 2 : name.ends_with("3D") ? 3 : 1;
  s.inverse = name.find("IFFT") != name.npos || name.find("IRFFT") != name.npos;
  s.real = ctx.num_inputs() > 1;
  const Shape &in = ctx.input_shape(0), &out = ctx.output_shape(0);
  if (in.rank() < s.rank) {
    return invalid_argument("Input must have rank of at least ", s.rank, " but got: ", in);
  }
  const int lead = in.rank() - s.rank;
  for (int d = 0; d < s.rank; ++d) {
    s.from.push_back(in[lead + d]);
    s.to.push_back(out[lead + d]);
    s.length.push_back(s.real ? index_value(*ctx.constant(1), d) : in[lead + d]);
    const int64_t n = s.length.back(), least = s.inverse && s.real && d == s.rank - 1 && n > 0 ? n / 2 + 1 : n;
    if (in[lead + d] > 0 && in[lead + d] < least) {
      return invalid_argument("Input dimension ", lead + d, " must have length of at least ", least,
                              " but got: ", in[lead + d]);
    }
  }
  s.batch = in.product(0, lead);
  double size = 1;
  for (const int64_t n : s.length) size *= static_cast<double>(n);
  ctx.set_cost({static_cast<double>(s.batch) * size * 10, 0});
  return {};
}

// Calls fn(position in the block, position in the stored tensor) for the positions that both have: what a tensor stores
// beyond the block is not read, and of a half spectrum there is only half of the last dimension and one.
template <typename Fn>
void each_common(const std::vector<int64_t>& block, const std::vector<int64_t>& stored, const Fn& fn) {
  const size_t rank = block.size();
  std::vector<int64_t> at(rank, 0);
  for (size_t d = 0; d < rank; ++d) {
    if (std::min(block[d], stored[d]) == 0) return;
  }
  while (true) {
    int64_t i = 0, j = 0;
    for (size_t d = 0; d < rank; ++d) i = i * block[d] + at[d], j = j * stored[d] + at[d];
    fn(i, j);
    size_t d = rank;
    while (d-- > 0) {
      if (++at[d] < std::min(block[d], stored[d])) break;
      at[d] = 0;
      if (d == 0) return;
    }
  }
}

int64_t product(const std::vector<int64_t>& dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  return n;
}

template <typename In, typename Out>
void run_batch(const RunContext& ctx, const FftState& s) {
  const int64_t from = product(s.from), to = product(s.to), size = product(s.length);
  ctx.pool().parallel_for(s.batch, grain_for_ns(20.0 * static_cast<double>(size)), [&](int64_t begin, int64_t end) {
    std::vector<Complex> block;
    for (int64_t b = begin; b < end; ++b) {
      block.assign(static_cast<size_t>(size), Complex(0));
      const In* in = ctx.in<In>(0) + b * from;
      Out* out = ctx.out<Out>(0) + b * to;
      if (s.real && s.inverse) {
        // The other half of the last dimension mirrors what is given: element (-k) is the conjugate of element k. The
        // outer dimensions are transformed first, while only the given half is there.
        std::vector<int64_t> half = s.length;
        half.back() = half.back() / 2 + 1;
        std::vector<Complex> given(static_cast<size_t>(product(half)), Complex(0));
        each_common(half, s.from, [&](int64_t i, int64_t j) { given[static_cast<size_t>(i)] = Complex(in[j]); });
        const int64_t n = s.length.back(), h = half.back(), lines = size / std::max<int64_t>(n, 1);
        if (s.rank > 1) {
          const std::vector<int64_t> outer(s.length.begin(), s.length.end() - 1);
          std::vector<Complex> plane(static_cast<size_t>(lines));
          for (int64_t k = 0; k < h; ++k) {
            for (int64_t l = 0; l < lines; ++l) plane[static_cast<size_t>(l)] = given[static_cast<size_t>(l * h + k)];
            transform(plane, outer, true);
            for (int64_t l = 0; l < lines; ++l) given[static_cast<size_t>(l * h + k)] = plane[static_cast<size_t>(l)];
          }
        }
        std::vector<Complex> line(static_cast<size_t>(n)), scratch(static_cast<size_t>(n));
        for (int64_t l = 0; l < lines; ++l) {
          const Complex* row = given.data() + l * h;
          for (int64_t k = 0; k < n; ++k) line[static_cast<size_t>(k)] = k < h ? row[k] : std::conj(row[n - k]);
          line[0] = Complex(line[0].real());
          if (n % 2 == 0) line[static_cast<size_t>(n / 2)] = Complex(line[static_cast<size_t>(n / 2)].real());
          transform_line(line.data(), scratch.data(), n, true);
          std::copy(line.begin(), line.end(), block.begin() + l * n);
        }
      } else {
        each_common(s.length, s.from, [&](int64_t i, int64_t j) { block[static_cast<size_t>(i)] = Complex(in[j]); });
        if (size > 0) transform(block, s.length, s.inverse);
      }
      each_common(s.length, s.to, [&](int64_t i, int64_t j) {
        if constexpr (std::is_floating_point_v<Out>) out[j] = static_cast<Out>(block[static_cast<size_t>(i)].real());
        else out[j] = Out(block[static_cast<size_t>(i)]);
      });
    }
  });
}

Status run_fft(const RunContext& ctx) {
  const auto& s = ctx.state<FftState>();
  if (ctx.output(0).shape->num_elements() == 0) return {};
  if (!s.real && ctx.input(0).dtype == DType::kComplex128) run_batch<Complex, Complex>(ctx, s);
  else if (!s.real) run_batch<std::complex<float>, std::complex<float>>(ctx, s);
  else if (s.inverse) run_batch<std::complex<float>, float>(ctx, s);
  else run_batch<float, std::complex<float>>(ctx, s);
  return {};
}

}  // namespace

TW_KERNEL(FFT, prepare_fft, run_fft);

}  // namespace tw
