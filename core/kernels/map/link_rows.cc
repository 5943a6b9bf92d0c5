#include "core/kernels/map/link_rows.h"

#include <cstring>

namespace tw {
namespace {

// The same operands from element `at` on.
LinkOperands from_element(const LinkCode& code, const LinkOperands& operands, size_t at) {
  LinkOperands from;
  for (size_t k = 0; k < size_t{code.inputs} + code.outputs; ++k) {
    from.data[k] = operands.data[k] + at * operands.step[k];
    from.step[k] = operands.step[k];
  }
  return from;
}

}  // namespace

// Elements [at + first, at + end), of the kRepeated that are computed from `at` on: a part of a line.
void LinkRows::store(const LinkOperands& operands, size_t at, size_t first, size_t end) {
  if (first == end) return;
  alignas(64) char stored[kMaxLinkOperands][kRepeated * sizeof(float)];
  LinkOperands edge = from_element(code_, operands, at);
  for (size_t k = 0; k < code_.outputs; ++k) edge.data[code_.inputs + k] = stored[k];
  run_links(code_, edge, kRepeated);
  for (size_t k = 0; k < code_.outputs; ++k) {
    const size_t step = operands.step[code_.inputs + k];
    char* const to = operands.data[code_.inputs + k] + (at + first) * step;
    if (step == sizeof(float)) lines_[k].add(stored[k] + first * step, to, (end - first) * step);
    else std::memcpy(to, stored[k] + first * step, (end - first) * step);
  }
}

void LinkRows::run(LinkOperands& operands, size_t head, size_t n) {
  if (n < head + kRepeated || n < 2 * kRepeated) {
    finish();
    return run_links(code_, operands, n);
  }
  const size_t whole = (n - head) / kRepeated * kRepeated, rest = n - head - whole;
  store(operands, 0, 0, head);
  LinkOperands middle = from_element(code_, operands, head);
  run_links(past_, middle, whole);
  store(operands, n - kRepeated, kRepeated - rest, kRepeated);
}

void LinkRows::finish() {
  for (size_t k = 0; k < code_.outputs; ++k) lines_[k].flush();
}

}  // namespace tw
