/* What the Python front-end adds to the C API: one call per node built, one per run, one for all that a gradient or an
 * import added. */
#include <stdlib.h>
#include <string.h>

#include <thalweg/thalweg.h>

#define TWPY_SMALL 32
/* Marks a tensor attribute whose value is in the payload: i32 dtype, i32 rank, the dims, the elements. */
#define TWPY_INLINE 64

/* Attributes come packed, little-endian as the machine is, every part padded to 8 bytes:
 *   u32 name size, u32 kind, u32 count, u32 payload size, name, payload
 * The payload of strings, functions and placeholders is a u64 size and the bytes of each; of shapes an i64 rank and the
 * dims of each; of tensors a pointer each, unless TWPY_INLINE says otherwise; of ints i64; of floats f32; of bools u8;
 * of types i32. */
static size_t padded(size_t n) { return (n + 7) & ~(size_t)7; }

typedef struct scratch {
  void* blocks[TWPY_SMALL + 1]; /* one per attribute and one for all of them */
  tw_tensor* tensors[TWPY_SMALL];
  int used, num_tensors;
} scratch;

static void give_back(scratch* s) {
  while (s->used > 0) free(s->blocks[--s->used]);
  while (s->num_tensors > 0) tw_tensor_release(s->tensors[--s->num_tensors]);
}

static void* take(scratch* s, size_t bytes) {
  void* p = malloc(bytes ? bytes : 1);
  s->blocks[s->used++] = p;
  return p;
}

static tw_status* too_many(void) {
  static const char kMessage[] = "a node takes at most 32 attributes";
  tw_str message = {kMessage, sizeof kMessage - 1};
  return tw_status_create(TW_INVALID_ARGUMENT, message);
}

static tw_status* unpack_attrs(const char* p, size_t size, tw_attr* attrs, size_t* count, scratch* s) {
  const char* end = p + size;
  size_t n = 0;
  while (p < end) {
    if (n == TWPY_SMALL || s->used > TWPY_SMALL) return too_many();
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
      case TW_ATTR_TENSOR | TWPY_INLINE: {
        int32_t type[2];
        memcpy(type, payload, sizeof type);
        const size_t data = sizeof type + 8 * (size_t)type[1];
        tw_tensor** tensor = &s->tensors[s->num_tensors];
        tw_status* status = tw_tensor_copy_from(type[0], (const int64_t*)(payload + sizeof type), type[1],
                                                payload + data, head[3] - data, tensor);
        if (status) return status;
        s->num_tensors++;
        a->kind = TW_ATTR_TENSOR;
        a->value.tensors = (const tw_tensor* const*)tensor;
        break;
      }
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
  *count = n;
  return NULL;
}

/* Adds a node whose inputs are pairs (node, output) and whose op, device and where end with a zero; returns its id, or
 * -1 with *status set. dtypes[0] becomes the number of outputs, and the next entries their dtypes as far as there is
 * room. */
static int32_t twpy_add(tw_graph* graph, char* op, char* name, int32_t name_size, int32_t* inputs, int32_t num_inputs,
                        int32_t* controls, int32_t num_controls, char* attrs, size_t attrs_size, char* device,
                        char* where, int32_t* dtypes, int32_t max_dtypes, tw_status** status) {
  tw_attr unpacked[TWPY_SMALL];
  scratch s;
  s.used = s.num_tensors = 0;
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
  desc.op.size = strlen(op);
  desc.name.data = name;
  desc.name.size = (size_t)name_size;
  desc.inputs = (const tw_output*)inputs;
  desc.num_inputs = (size_t)num_inputs;
  desc.controls = controls;
  desc.num_controls = (size_t)num_controls;
  *status = unpack_attrs(aligned, attrs_size, unpacked, &desc.num_attrs, &s);
  desc.attrs = unpacked;
  desc.device.data = device;
  desc.device.size = strlen(device);
  desc.where.data = where;
  desc.where.size = strlen(where);
  int32_t id = -1;
  if (!*status) *status = tw_graph_add(graph, &desc, &id);
  give_back(&s);
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

/* Gives a node the one attribute that is packed in attr. */
static tw_status* twpy_set_attr(tw_graph* graph, int32_t node, char* attr, size_t size) {
  tw_attr unpacked[TWPY_SMALL];
  scratch s;
  s.used = s.num_tensors = 0;
  char* aligned = take(&s, size);
  memcpy(aligned, attr, size);
  size_t count = 0;
  tw_status* status = unpack_attrs(aligned, size, unpacked, &count, &s);
  if (!status) status = tw_graph_set_attr(graph, node, unpacked);
  give_back(&s);
  return status;
}

/* Everything about the nodes [first, last) in one block that the caller frees with twpy_free: for each node the sizes
 * of its name and op, its numbers of outputs and inputs, the outputs' dtypes and the inputs' (node, output) pairs, as
 * i32, and all names and ops one after the other in *text. NULL without memory. */
static int32_t* twpy_describe(tw_graph* graph, int32_t first, int32_t last, int64_t* num_ints, char** text,
                              int64_t* text_size) {
  size_t ints = 0, bytes = 0;
  for (int32_t id = first; id < last; ++id) {
    ints += 4 + (size_t)tw_node_num_outputs(graph, id) + 2 * (size_t)tw_node_num_inputs(graph, id);
    bytes += tw_node_name(graph, id).size + tw_node_op(graph, id).size;
  }
  int32_t* block = malloc(ints * sizeof(int32_t) + bytes + 1);
  if (!block) return NULL;
  int32_t* out = block;
  char* chars = *text = (char*)(block + ints);
  for (int32_t id = first; id < last; ++id) {
    const tw_str name = tw_node_name(graph, id), op = tw_node_op(graph, id);
    const int32_t outputs = tw_node_num_outputs(graph, id), inputs = tw_node_num_inputs(graph, id);
    *out++ = (int32_t)name.size;
    *out++ = (int32_t)op.size;
    *out++ = outputs;
    *out++ = inputs;
    memcpy(chars, name.data, name.size);
    memcpy(chars + name.size, op.data, op.size);
    chars += name.size + op.size;
    for (int32_t i = 0; i < outputs; ++i) {
      const tw_output o = {id, i};
      *out++ = tw_output_dtype(graph, o);
    }
    for (int32_t i = 0; i < inputs; ++i) {
      const tw_output source = tw_node_input(graph, id, i);
      *out++ = source.node;
      *out++ = source.index;
    }
  }
  *num_ints = (int64_t)ints;
  *text_size = (int64_t)bytes;
  return block;
}

static void twpy_free(void* block) { free(block); }

/* The static shape of an output in dims; returns its rank, -1 when that is unknown, -2 with *status set. */
static int32_t twpy_shape(tw_graph* graph, int32_t node, int32_t index, int64_t* dims, tw_status** status) {
  const tw_output output = {node, index};
  int32_t rank = 0;
  *status = tw_output_shape(graph, output, dims, &rank);
  return *status ? -2 : rank;
}

#define TWPY_FACTS 16    /* int64 per result: dtype, bytes, where it is, rank, dims */
#define TWPY_COPIES 4096 /* bytes up to which a result is copied */
enum { TWPY_OWNED, TWPY_SHARED, TWPY_COPIED };

#define TWPY_FAR 256 /* added to a rank: the elements are elsewhere */

/* One feed after the other, packed as attributes are: i32 dtype, i32 rank, the dims, i64 bytes, the elements, or where
 * TWPY_FAR was added to the rank their address; or with rank -1 a tw_tensor* that this takes over. Makes the tensors in
 * feeds; on failure none is left. */
static tw_status* unpack_feeds(const char* p, int32_t count, tw_tensor** feeds) {
  tw_status* status = NULL;
  for (int32_t i = 0; i < count; ++i) {
    int32_t type[2];
    int64_t size;
    feeds[i] = NULL;
    memcpy(type, p, sizeof type);
    p += sizeof type;
    if (type[1] < 0) {
      memcpy(&feeds[i], p, sizeof feeds[i]);
      p += 8;
      continue;
    }
    int64_t dims[12];
    const int32_t rank = type[1] % TWPY_FAR;
    memcpy(dims, p, 8 * (size_t)rank);
    p += 8 * (size_t)rank;
    memcpy(&size, p, 8);
    p += 8;
    const void* elements = p;
    if (type[1] >= TWPY_FAR) memcpy(&elements, p, sizeof elements);
    /* The other feeds are read to the end all the same, since tensors among them have to be given back. */
    if (!status) status = tw_tensor_copy_from(type[0], dims, rank, elements, (size_t)size, &feeds[i]);
    p += type[1] >= TWPY_FAR ? 8 : padded((size_t)size);
  }
  if (status) {
    for (int32_t i = 0; i < count; ++i) tw_tensor_release(feeds[i]);
  }
  return status;
}

/* Of each of a step's results: the tensor, TWPY_FACTS numbers, and where its elements are (NULL for strings and
 * handles). Small ones are copied, one after the other, each to a multiple of 16 bytes, and their tensors given back:
 * as many calls less from Python. */
typedef struct {
  int32_t num;
  tw_tensor** results;
  int64_t* facts;
  void** data;
  char* copies;
  size_t room; /* for copies */
} twpy_places;

/* A whole step: makes the feeds, runs, gives the feeds back, and fills in the places. Those are NULL where nothing is
 * fetched. */
static tw_status* twpy_run(tw_callable* callable, tw_run_options* options, char* packed, int32_t num_feeds,
                           twpy_places* places, tw_run_metadata* metadata) {
  tw_tensor* small[16];
  tw_tensor** feeds = num_feeds <= 16 ? small : malloc(sizeof(tw_tensor*) * (size_t)num_feeds);
  if (!feeds) {
    static const char kMessage[] = "no memory for the list of feeds";
    const tw_str message = {kMessage, sizeof kMessage - 1};
    return tw_status_create(TW_RESOURCE_EXHAUSTED, message);
  }
  tw_status* status = unpack_feeds(packed, num_feeds, feeds);
  if (!status) {
    status = tw_callable_run(callable, options, feeds, (size_t)num_feeds, places ? places->results : NULL,
                             places ? (size_t)places->num : 0, metadata);
    for (int32_t i = 0; i < num_feeds; ++i) tw_tensor_release(feeds[i]);
  }
  if (feeds != small) free(feeds);
  if (status) return status;
  size_t used = 0;
  int64_t* facts = places ? places->facts : NULL;
  for (int32_t i = 0; places && i < places->num; ++i, facts += TWPY_FACTS) {
    tw_tensor* t = places->results[i];
    const void* data = places->data[i] = tw_tensor_data(t);
    const size_t size = tw_tensor_size(t);
    const int32_t rank = tw_tensor_rank(t);
    facts[0] = tw_tensor_dtype(t);
    facts[1] = (int64_t)size;
    facts[2] = tw_tensor_exclusive(t) ? TWPY_OWNED : TWPY_SHARED;
    facts[3] = rank;
    if (rank > 0) memcpy(facts + 4, tw_tensor_dims(t), 8 * (size_t)rank);
    if (data && size > 0 && size <= TWPY_COPIES && size <= places->room - used) {
      memcpy(places->copies + used, data, size);
      used += (size + 15) / 16 * 16;
      facts[2] = TWPY_COPIED;
      places->results[i] = NULL;
      tw_tensor_release(t);
    }
  }
  return NULL;
}

/* A step that nothing goes into or comes out of: converting an argument takes Python about as long as an instruction
 * of a step takes. */
static tw_status* twpy_run_targets(tw_callable* callable) {
  return tw_callable_run(callable, NULL, NULL, 0, NULL, 0, NULL);
}
