// Packed constants, shared by the plans that pack the same one in the same way: a plan for another batch size, or
// another program of the graph, neither packs it again nor keeps a second copy.
#pragma once

#include <array>
#include <functional>

#include "core/kernels/contract.h"
#include "core/kernels/contract/tasks.h"

namespace tw::contract {

enum class PackForm : int64_t { kPanelsOfB, kTilesOfA, kFilter, kWinogradFilter, kScatterFilter };

// How a constant is packed: the form, and every number that its layout hangs on.
struct PackKey {
  PackForm form;
  DType dtype;
  std::array<int64_t, 8> sizes{};
  auto operator<=>(const PackKey&) const = default;
};

// Memory of `bytes` bytes that `fill` has filled, from the plans that hold it already where the constant has an owner.
// Thread-safe; ResourceExhausted when there is no memory.
Result<std::shared_ptr<const void>> packed_bytes(const Constant& constant, const PackKey& key, size_t bytes,
                                                 const std::function<void(void*)>& fill);

template <typename T, typename Fill>
Result<std::shared_ptr<const T>> packed(const Constant& constant, const PackKey& key, int64_t count, const Fill& fill) {
  TW_ASSIGN_OR_RETURN(auto memory, packed_bytes(constant, key, static_cast<size_t>(count) * sizeof(T),
                                                [&](void* to) { fill(static_cast<T*>(to)); }));
  return std::static_pointer_cast<const T>(std::move(memory));
}

}  // namespace tw::contract
