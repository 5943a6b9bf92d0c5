// Element-wise ops of two and three inputs, with broadcasting.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;

TW_GRADIENT(Add) { give_broadcast(v, {v.dy(), v.dy()}); }
TW_GRADIENT(AddV2) { give_broadcast(v, {v.dy(), v.dy()}); }
TW_GRADIENT(Sub) {
  Broadcast undo(v.x(0), v.x(1));
  v.give(0, undo.left(v.dy()));
  v.give(1, -undo.right(v.dy()));
}
TW_GRADIENT(Mul) { give_broadcast(v, {v.dy() * conj(v.x(1)), conj(v.x(0)) * v.dy()}); }
TW_GRADIENT(MulNoNan) { give_broadcast(v, {mul_no_nan(v.dy(), conj(v.x(1))), mul_no_nan(conj(v.x(0)), v.dy())}); }

// A zero derivative stays zero whatever it is divided by, so that masked-out divisions by zero do no harm.
TW_GRADIENT(RealDiv) {
  const Val x = conj(v.x(0)), y = conj(v.x(1));
  give_broadcast(v, {xdivy(v.dy(), y), mul_no_nan(-x / y / y, v.dy())});
}
TW_GRADIENT(Div) {
  if (!is_integer(v.dy().dtype())) backprop_RealDiv(v);
}
TW_GRADIENT(DivNoNan) {
  const Val x = conj(v.x(0)), y = conj(v.x(1));
  const Val slope = call("DivNoNan", {call("DivNoNan", {-x, y}), y});
  give_broadcast(v, {call("DivNoNan", {v.dy(), y}), mul_no_nan(slope, v.dy())});
}

// x - floor(x / y) y
TW_GRADIENT(FloorMod) {
  const Val whole = call("FloorDiv", {v.x(0), v.x(1)});
  give_broadcast(v, {v.dy(), -(v.dy() * whole)});
}
TW_GRADIENT(Pow) {
  const Val x = conj(v.x(0)), y = conj(v.x(1)), z = conj(v.y());
  // log(x) where it exists; for the rest of the real line x^y does not vary smoothly with y.
  const Val defined = x.complex() ? call("NotEqual", {x, number(x, 0)}) : call("Greater", {x, number(x, 0)});
  const Val log_x = select(defined, call("Log", {select(defined, x, ones_like(x))}), zeros_like(x));
  give_broadcast(v, {mul_no_nan(y * call("Pow", {x, y - 1.0}), v.dy()), mul_no_nan(z * log_x, v.dy())});
}

static Val indicator_of_nonzero(Val x) { return cast(call("NotEqual", {x, number(x, 0)}), x.dtype()); }
TW_GRADIENT(Xlogy) {
  const Val x = conj(v.x(0)), y = conj(v.x(1));
  give_broadcast(v, {call("Xlogy", {indicator_of_nonzero(x), y}) * v.dy(), xdivy(x, y) * v.dy()});
}
TW_GRADIENT(Xdivy) {
  const Val x = conj(v.x(0)), y = conj(v.x(1));
  const Val by_y = xdivy(-x, call("Square", {y}));
  give_broadcast(v, {xdivy(indicator_of_nonzero(x), y) * v.dy(), by_y * v.dy()});
}

// Where both are equal the whole derivative goes to the first.
static void extremum(Vjp& v, const char* first_wins) {
  const Val zeros = zeros_like(v.dy());
  const Val mask = call(first_wins, {v.x(0), v.x(1)});
  give_broadcast(v, {select(mask, v.dy(), zeros), select(mask, zeros, v.dy())});
}
TW_GRADIENT(Maximum) { extremum(v, "GreaterEqual"); }
TW_GRADIENT(Minimum) { extremum(v, "LessEqual"); }

TW_GRADIENT(SquaredDifference) {
  Broadcast undo(v.x(0), v.x(1));
  const Val g = 2.0 * v.dy() * (v.x(0) - v.x(1));
  v.give(0, undo.left(g));
  v.give(1, -undo.right(g));
}

TW_GRADIENT(Atan2) {
  const Val y = v.x(0), x = v.x(1);
  const Val g = xdivy(v.dy(), call("Square", {x}) + call("Square", {y}));
  give_broadcast(v, {x * g, -(y * g)});
}

TW_GRADIENT(AddN) {
  for (int i = 0; i < v.num_inputs(); ++i) v.give(i, v.dy());
}
TW_GRADIENT(AccumulateNV2) { backprop_AddN(v); }

TW_GRADIENT(Select) {
  const Val zeros = zeros_like(v.dy());
  v.give(1, select(v.x(0), v.dy(), zeros));
  v.give(2, select(v.x(0), zeros, v.dy()));
}
TW_GRADIENT(SelectV2) {
  const Val zero = number(v.dy(), 0);
  v.give(1, Broadcast(v.x(1), v.y()).left(call("SelectV2", {v.x(0), v.dy(), zero})));
  v.give(2, Broadcast(v.x(2), v.y()).left(call("SelectV2", {v.x(0), zero, v.dy()})));
}

TW_GRADIENT(ClipByValue) {
  const Val x = v.x(0), low = v.x(1), high = v.x(2);
  const Val zeros = zeros_like(v.dy());
  const Val below = call("Less", {x, low}), above = call("Greater", {x, high});
  Broadcast undo_low(x, low), undo_high(x, high);
  v.give(0, select(call("LogicalOr", {below, above}), zeros, v.dy()));
  v.give(1, undo_low.right(select(below, v.dy(), zeros)));
  v.give(2, undo_high.right(select(above, v.dy(), zeros)));
}

}  // namespace tw
