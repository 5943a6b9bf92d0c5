// Einsum: the derivative to an input is an Einsum of the derivative and the other input.
#include <algorithm>
#include <string>

#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;
namespace {

Val einsum(std::initializer_list<Val> in, const std::string& equation) {
  return call("Einsum", in, {{"equation", equation}, {"N", static_cast<int64_t>(in.size())}});
}

bool has(const std::string& labels, char c) { return labels.find(c) != std::string::npos; }

// The sizes of the axes of `x`, written `labels`, that these letters stand for.
Val sizes_of(Val x, const std::string& labels, const std::string& letters) {
  const Val shape = shape_of(x);
  const size_t dots = labels.find("...");
  Vals sizes;
  for (const char c : letters) {
    const size_t at_letter = labels.find(c);
    // Behind an ellipsis axes are counted from the end.
    const bool behind = dots != std::string::npos && at_letter > dots;
    const auto index = behind ? static_cast<int64_t>(at_letter) - static_cast<int64_t>(labels.size())
                              : static_cast<int64_t>(at_letter);
    sizes.push_back(at(shape, index));
  }
  return stack(sizes);
}

}  // namespace

TW_GRADIENT(Einsum) {
  std::string equation = v.attr().string("equation");
  equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
  const size_t arrow = equation.find("->");
  const std::string out = equation.substr(arrow + 2), left = equation.substr(0, arrow);
  const size_t comma = left.find(',');
  const std::string in[] = {left.substr(0, comma), comma == std::string::npos ? "" : left.substr(comma + 1)};
  const int n = v.num_inputs();
  for (int i = 0; i < n; ++i) {
    const std::string &own = in[i], other = n == 2 ? in[1 - i] : "";
    const bool dots = own.find("...") != std::string::npos;
    // Letters that the derivative has, and those that were summed over alone: each of their elements gets it.
    std::string kept = dots ? "..." : "", summed;
    for (const char c : own) {
      if (c == '.' || has(kept, c) || has(summed, c)) continue;
      (has(out, c) || has(other, c) ? kept : summed) += c;
    }
    Val g = n == 2 ? einsum({v.dy(), conj(v.x(1 - i))}, out + "," + other + "->" + kept)
                   : einsum({v.dy()}, out + "->" + kept);
    if (dots) {
      const Val like = einsum({v.x(i)}, own + "->" + kept);
      g = broadcast_to(Broadcast(like, g).left(g), shape_of(like));
    }
    if (!summed.empty()) {
      const Val ones = fill(sizes_of(v.x(i), own, summed), number(g, 1));
      g = einsum({g, ones}, kept + "," + summed + "->" + own);
    } else if (kept != own) {
      g = einsum({g}, kept + "->" + own);
    }
    v.give(i, g);
  }
}

}  // namespace tw
