// Status, buffers, version.
#include "core/api/handles.h"

using namespace tw;
using namespace tw::api;

extern "C" {

const char* tw_version(void) { return TW_VERSION; }
uint32_t tw_abi_version(void) { return (TW_ABI_MAJOR << 16) | TW_ABI_MINOR; }

tw_status* tw_status_create(int32_t code, tw_str message) {
  return new tw_status{Status(static_cast<Code>(code), str(message))};
}
void tw_status_release(tw_status* status) { delete status; }
int32_t tw_status_code(const tw_status* s) { return s ? static_cast<int32_t>(s->status.code()) : TW_OK; }
tw_str tw_status_message(const tw_status* s) { return s ? c_str(s->status.message()) : tw_str{}; }
tw_str tw_status_node(const tw_status* s) { return s ? c_str(s->status.node()) : tw_str{}; }
tw_str tw_status_where(const tw_status* s) { return s ? c_str(s->status.where()) : tw_str{}; }

const void* tw_buffer_data(const tw_buffer* b) { return b ? b->bytes.data() : nullptr; }
size_t tw_buffer_size(const tw_buffer* b) { return b ? b->bytes.size() : 0; }
void tw_buffer_release(tw_buffer* buffer) { delete buffer; }

}  // extern "C"
