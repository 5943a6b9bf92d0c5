// Variables.
#include "core/autodiff/grad/vjp.h"

namespace tw {
using namespace grad;

// The derivative of a handle is that of the value behind it.
TW_GRADIENT(ReadVariableOp) { v.give(0, v.dy()); }

}  // namespace tw
