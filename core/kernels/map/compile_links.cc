// Compiles programs of links for operands of known steps: finds which values are kept in registers, and which links
// are one step.
#include <algorithm>

#include "core/kernels/map/links.h"

namespace tw {
namespace {

// About how many cycles sixteen vectors take where memory instructions are the bottleneck.
constexpr int kReadCycles = 16, kWriteCycles = 32, kStepCycles = 5;
constexpr int kLeastGain = 24;  // groups that keep values are smaller

bool reads_x(const LinkStep& s) { return !takes_none(s.link) && !is_store(s.link); }
bool reads(const LinkStep& s, uint8_t operand) {
  return (reads_x(s) && s.x == operand) || (takes_two(s.link) && s.y == operand) ||
         (takes_three(s.link) && s.z == operand);
}

// Whether a step can only read it from memory.
bool needs_memory(const LinkStep& s, uint8_t operand) {
  return (s.link == Link::kLoadBool && s.x == operand) || (takes_three(s.link) && s.y == operand);
}

// Steps between which a value could be kept instead of being read again and again. It is put there behind step `first`,
// which loads or stores it, or, where that computes with it already, in front of it.
struct Interval {
  size_t first, last;
  uint8_t operand;
  int gain;
  bool in_front;
  size_t begin() const { return in_front ? first : first + 1; }  // kept in front of it, until behind `last`
};

class Keeper {
 public:
  Keeper(const LinkProgram& program, std::span<const size_t> steps) : program_(program) {
    for (size_t k = 0; k < program.inputs; ++k) {
      if (steps[k] == sizeof(float)) add_input(static_cast<uint8_t>(k));
    }
    for (size_t k = 0; k < program.locals; ++k) {
      add_local(static_cast<uint8_t>(size_t{program.inputs} + program.outputs + k));
    }
  }

  // The program with those values kept that gain most: intervals do not overlap.
  std::vector<LinkStep> run() {
    std::vector<LinkStep> out = program_.steps;
    const size_t n = out.size();
    // The most that is gained by intervals that end before each step, and the last of those.
    std::stable_sort(intervals_.begin(), intervals_.end(),
                     [](const Interval& a, const Interval& b) { return a.last < b.last; });
    std::vector<int> best(n + 1, 0);
    std::vector<const Interval*> chosen(n + 1, nullptr);
    auto i = intervals_.cbegin();
    for (size_t at = 1; at <= n; ++at) {
      best[at] = best[at - 1];
      for (; i != intervals_.cend() && i->last + 1 == at; ++i) {
        if (best[i->begin()] + i->gain <= best[at]) continue;
        best[at] = best[i->begin()] + i->gain;
        chosen[at] = &*i;
      }
    }
    if (best[n] < kLeastGain) return out;
    for (size_t at = n; at > 0;) {
      if (chosen[at] == nullptr) {
        --at;
        continue;
      }
      keep(*chosen[at], &out);
      at = chosen[at]->begin();
    }
    return out;
  }

 private:
  void add_input(uint8_t operand) {
    std::vector<size_t> at;
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      const LinkStep& s = program_.steps[i];
      if (needs_memory(s, operand)) return;
      if (reads(s, operand)) at.push_back(i);
    }
    for (size_t a = 0; a + 1 < at.size(); ++a) {
      const bool loads = program_.steps[at[a]].link == Link::kLoad;
      for (size_t b = a + 1; b < at.size(); ++b) {
        const int gain = kReadCycles * static_cast<int>(b - a) - (loads ? 0 : kStepCycles);
        intervals_.push_back({at[a], at[b], operand, gain, !loads});
      }
    }
  }

  // From each store of a local to its last read.
  void add_local(uint8_t operand) {
    Interval now{};
    int read = 0;
    bool from_memory = false;
    const auto end = [&] {
      if (read > 0 && !from_memory)
        intervals_.push_back({now.first, now.last, operand, kWriteCycles + kReadCycles * read, false});
      read = 0;
      from_memory = false;
    };
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      const LinkStep& s = program_.steps[i];
      if (is_store(s.link) && s.x == operand) {
        end();
        now.first = i;
      } else if (reads(s, operand)) {
        now.last = i;
        ++read;
        from_memory = from_memory || needs_memory(s, operand);
      }
    }
    end();
  }

  // Steps are put in from the last interval to the first, so that the numbers of earlier ones stay.
  static void keep(const Interval& interval, std::vector<LinkStep>* steps) {
    for (size_t i = interval.begin(); i <= interval.last; ++i) {
      LinkStep& s = (*steps)[i];
      if (reads_x(s) && s.x == interval.operand) s.x = kKeptOperand;
      if (takes_two(s.link) && s.y == interval.operand) s.y = kKeptOperand;
      if (takes_three(s.link) && s.z == interval.operand) s.z = kKeptOperand;
    }
    LinkStep& first = (*steps)[interval.first];
    const auto at = steps->begin() + static_cast<std::ptrdiff_t>(interval.begin());
    if (interval.in_front) steps->insert(at, {Link::kLoadKept, interval.operand});
    else if (first.link == Link::kLoad) steps->insert(at, {Link::kKeep});
    else first = {Link::kKeep};
  }

  const LinkProgram& program_;
  std::vector<Interval> intervals_;
};

}  // namespace

LinkCode compile_links(const LinkProgram& program, std::span<const size_t> steps, uint64_t streams) {
  LinkCode out;
  out.inputs = program.inputs;
  out.outputs = program.outputs;
  out.locals = program.locals;
  out.streams = streams != 0;
  const auto source = [&](uint8_t k) {
    if (k == kKeptOperand) return Source::kKept;
    return k < program.inputs && steps[k] == 0 ? Source::kOnce : Source::kEach;
  };
  // A load and the link behind it, or a product and a sum, are one step.
  const std::vector<LinkStep> all = links_keep() ? Keeper(program, steps).run() : program.steps;
  out.steps.reserve(all.size() + 1);
  for (size_t k = 0; k < all.size(); ++k) {
    LinkStep s = all[k];
    Form form = Form::kPlain;
    if (s.link == Link::kStore && s.x < program.inputs + program.outputs &&
        ((streams >> (s.x - program.inputs)) & 1) != 0)
      s.link = Link::kStream;
    if (k + 1 < all.size()) {
      const LinkStep& next = all[k + 1];
      if (s.link == Link::kLoad && is_cheap(next.link)) {
        s = {next.link, s.x, next.x};
        form = Form::kSpecial;
        ++k;
      } else if (s.link == Link::kLoad && next.link == Link::kKeep && source(s.x) == Source::kEach) {
        s.link = Link::kLoadKept;
        form = Form::kSpecial;
        ++k;
      } else if (s.link == Link::kMul && next.link == Link::kAdd) {
        s = {Link::kMulAdd, s.x, next.x};
        ++k;
      }
    }
    if ((is_store(s.link) && k + 1 == all.size()) || (takes_three(s.link) && s.x == kKeptOperand))
      form = Form::kSpecial;
    const int operands = operands_of(s.link, form);
    Source sources[3] = {Source::kEach, Source::kEach, Source::kEach};
    int each = 0;
    for (int i = 0; i < operands; ++i) {
      sources[i] = source(i == 0 ? s.x : i == 1 ? s.y : s.z);
      each += sources[i] == Source::kEach;
    }
    // Of three operands the form tells where the first one is.
    const Source x = sources[operands < 3 ? 0 : 1], y = sources[operands < 3 ? 1 : 2];
    out.keeps = out.keeps || keeps(s.link, form, x, y);
    out.cost += kStepCycles + each * (is_store(s.link) ? kWriteCycles : kReadCycles);
    out.steps.push_back({static_cast<uint16_t>(code_of(s.link, form, x, y)), s.x, s.y, s.z});
  }
  out.steps.push_back({static_cast<uint16_t>(kFirstCodes.back()), 0, 0, 0});
  return out;
}

}  // namespace tw
