#include "core/stream/null/null_device.h"
#include "core/stream/stream.h"

namespace tw {

Result<std::shared_ptr<Device>> make_device(std::string_view type) {
  if (type == "cpu") return cpu_device();
  if (type == "null") return std::shared_ptr<Device>(std::make_shared<NullDevice>());
  return not_found("there is no device of type '", type, "'; this library has 'cpu' and 'null'");
}

}  // namespace tw
