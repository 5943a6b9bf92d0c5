#include "core/kernels/contract/packed.h"

#include <map>
#include <mutex>

namespace tw::contract {
namespace {

// Holds the constant too, so that no other can come to lie at its address while this is found by it.
struct Entry {
  std::shared_ptr<const void> owner;
  Block<char> memory;
};

struct Registry {
  std::mutex mutex;
  std::map<std::pair<const void*, PackKey>, std::weak_ptr<Entry>> entries;
};

// Never destroyed: plans in static storage may outlive every other static.
Registry& registry() {
  static Registry* const r = new Registry;
  return *r;
}

std::shared_ptr<Entry> find(const std::pair<const void*, PackKey>& key) {
  const auto it = registry().entries.find(key);
  return it == registry().entries.end() ? nullptr : it->second.lock();
}

}  // namespace

Result<std::shared_ptr<const void>> packed_bytes(const Constant& constant, const PackKey& key, size_t bytes,
                                                 const std::function<void(void*)>& fill) {
  const auto as_memory = [](std::shared_ptr<Entry> e) {
    const void* p = e->memory.get();
    return std::shared_ptr<const void>(std::move(e), p);
  };
  const std::pair<const void*, PackKey> full{constant.data, key};
  if (constant.owner != nullptr) {
    std::lock_guard lock(registry().mutex);
    if (auto e = find(full)) return as_memory(std::move(e));
  }
  auto entry = std::make_shared<Entry>();
  entry->owner = constant.owner;
  TW_ASSIGN_OR_RETURN(entry->memory, make_block<char>(static_cast<int64_t>(bytes)));
  fill(entry->memory.get());
  if (constant.owner != nullptr) {
    std::lock_guard lock(registry().mutex);
    // Another thread may have packed it meanwhile.
    if (auto e = find(full)) return as_memory(std::move(e));
    std::erase_if(registry().entries, [](const auto& item) { return item.second.expired(); });
    registry().entries[full] = entry;
  }
  return as_memory(std::move(entry));
}

}  // namespace tw::contract
