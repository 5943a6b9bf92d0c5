// Shared by kernels upon the map and reduce engines.
#pragma once

#include <span>

#include "core/framework/kernel.h"
#include "core/kernels/map.h"

namespace tw {

Result<Shape> broadcast_all(std::span<const Shape> shapes);
// Allows every output the storage of every input of equal shape and element size.
void allow_in_place_where_equal(PrepareContext& ctx);

}  // namespace tw
