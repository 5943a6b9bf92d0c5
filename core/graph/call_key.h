// Calls of functions as keys of tables.
#pragma once

#include <string>

#include "core/graph/graph.h"

namespace tw {

// The function's name and the attributes that it is instantiated with.
std::string call_key(const FuncRef& ref);

}  // namespace tw
