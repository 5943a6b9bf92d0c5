/* What the Python front-end adds to the C API: one call per node built. */
#include <stdlib.h>
#include <string.h>

#include <thalweg/thalweg.h>

#define TWPY_SMALL 32

/* Attributes come packed, little-endian as the machine is, every part padded to 8 bytes:
 *   u32 name size, u32 kind, u32 count, u32 payload size, name, payload
 * The payload of strings, functions and placeholders is a u64 size and the bytes of each; of shapes an i64 rank and the
 * dims of each; of tensors a pointer each; of ints i64; of floats f32; of bools u8; of types i32. */
static size_t padded(size_t n) { return (n + 7) & ~(size_t)7; }

typedef struct scratch {
  void* blocks[TWPY_SMALL + 1]; /* one per attribute and one for all of them */
  int used;
} scratch;

static void* take(scratch* s, size_t bytes) {
  void* p = malloc(bytes ? bytes : 1);
  s->blocks[s->used++] = p;
  return p;
}

static int32_t unpack_attrs(const char* p, size_t size, tw_attr* attrs, scratch* s) {
  const char* end = p + size;
  int32_t n = 0;
  while (p < end) {
    if (n == TWPY_SMALL || s->used > TWPY_SMALL) return -1;
    uint32_t head[4];
    memcpy(head, p, sizeof head);
    p += sizeof head;
    tw_attr* a = &attrs[n++];
    a->name.data = p;
    a->name.size = head[0];
    a->kind = (int32_t)head[1];
    a->count = (int32_t)head[2];
    p += padded(head[0]);
    const char* payload = p;
    p += padded(head[3]);
    switch (a->kind & ~TW_ATTR_LIST) {
      case TW_ATTR_STRING:
      case TW_ATTR_FUNC:
      case TW_ATTR_PLACEHOLDER: {
        tw_str* strings = take(s, sizeof(tw_str) * (size_t)a->count);
        for (int32_t i = 0; i < a->count; ++i) {
          uint64_t bytes;
          memcpy(&bytes, payload, 8);
          strings[i].data = payload + 8;
          strings[i].size = (size_t)bytes;
          payload += 8 + padded((size_t)bytes);
        }
        a->value.strings = strings;
        break;
      }
      case TW_ATTR_SHAPE: {
        tw_shape* shapes = take(s, sizeof(tw_shape) * (size_t)a->count);
        for (int32_t i = 0; i < a->count; ++i) {
          int64_t rank;
          memcpy(&rank, payload, 8);
          shapes[i].rank = (int32_t)rank;
          shapes[i].dims = (const int64_t*)(payload + 8);
          payload += 8 * (1 + (rank > 0 ? rank : 0));
        }
        a->value.shapes = shapes;
        break;
      }
      default: a->value.ints = (const int64_t*)payload;
    }
  }
  return n;
}

/* Adds a node whose inputs are pairs (node, output); returns its id, or -1 with *status set. dtypes[0] becomes the
 * number of outputs, and the next entries their dtypes as far as there is room. */
static int32_t twpy_add(tw_graph* graph, char* op, int32_t op_size, char* name, int32_t name_size, int32_t* inputs,
                        int32_t num_inputs, int32_t* controls, int32_t num_controls, char* attrs, size_t attrs_size,
                        char* device, int32_t device_size, char* where, int32_t where_size, int32_t* dtypes,
                        int32_t max_dtypes, tw_status** status) {
  tw_attr unpacked[TWPY_SMALL];
  scratch s;
  s.used = 0;
  /* bytes objects are not aligned for int64 on every machine, but the parts within are aligned to each other. */
  int64_t small[64];
  char* aligned = attrs;
  if (((uintptr_t)attrs & 7) != 0) {
    aligned = attrs_size <= sizeof small ? (char*)small : take(&s, attrs_size);
    memcpy(aligned, attrs, attrs_size);
  }
  tw_node_desc desc;
  memset(&desc, 0, sizeof desc);
  desc.struct_size = sizeof desc;
  desc.op.data = op;
  desc.op.size = (size_t)op_size;
  desc.name.data = name;
  desc.name.size = (size_t)name_size;
  desc.inputs = (const tw_output*)inputs;
  desc.num_inputs = (size_t)num_inputs;
  desc.controls = controls;
  desc.num_controls = (size_t)num_controls;
  int32_t num_attrs = unpack_attrs(aligned, attrs_size, unpacked, &s);
  desc.num_attrs = (size_t)num_attrs;
  desc.attrs = unpacked;
  desc.device.data = device;
  desc.device.size = (size_t)device_size;
  desc.where.data = where;
  desc.where.size = (size_t)where_size;
  int32_t id = -1;
  if (num_attrs < 0) {
    static const char kMessage[] = "a node takes at most 32 attributes";
    tw_str message = {kMessage, sizeof kMessage - 1};
    *status = tw_status_create(TW_INVALID_ARGUMENT, message);
  } else {
    *status = tw_graph_add(graph, &desc, &id);
  }
  while (s.used > 0) free(s.blocks[--s.used]);
  if (*status) return -1;
  int32_t n = tw_node_num_outputs(graph, id);
  dtypes[0] = n;
  for (int32_t i = 0; i < n && i + 1 < max_dtypes; ++i) {
    tw_output o;
    o.node = id;
    o.index = i;
    dtypes[i + 1] = tw_output_dtype(graph, o);
  }
  return id;
}

/* tw_callable_run that gives the feeds back to the allocator before it returns. */
static tw_status* twpy_run(tw_callable* callable, tw_run_options* options, tw_tensor** feeds, int32_t num_feeds,
                           tw_tensor** results, int32_t num_fetches, tw_run_metadata* metadata) {
  tw_status* s = tw_callable_run(callable, options, feeds, (size_t)num_feeds, results, (size_t)num_fetches, metadata);
  for (int32_t i = 0; i < num_feeds; ++i) tw_tensor_release(feeds[i]);
  return s;
}
