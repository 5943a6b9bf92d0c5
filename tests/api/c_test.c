/* The C API from C: tensors, a graph, gradients, a session, errors. Prints the check that fails and returns 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <thalweg/dlpack.h>
#include <thalweg/thalweg.h>

static int failures = 0;
#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

static void ok_at(tw_status* s, int line) {
  if (s == NULL) return;
  const tw_str m = tw_status_message(s);
  fprintf(stderr, "line %d: unexpected error %d: %.*s\n", line, tw_status_code(s), (int)m.size, m.data);
  tw_status_release(s);
  exit(1);
}
#define OK(call) ok_at((call), __LINE__)

static tw_str str(const char* s) {
  tw_str t = {s, strlen(s)};
  return t;
}

/* The call must fail with `code`, and its message must hold `part`. */
static void fails_at(tw_status* s, int code, const char* part, int line) {
  char message[1024];
  if (s == NULL) {
    fprintf(stderr, "line %d: no error\n", line);
    ++failures;
    return;
  }
  const tw_str m = tw_status_message(s);
  snprintf(message, sizeof message, "%.*s", (int)m.size, m.data);
  if (tw_status_code(s) != code || strstr(message, part) == NULL) {
    fprintf(stderr, "line %d: code %d: %s\n", line, tw_status_code(s), message);
    ++failures;
  }
  tw_status_release(s);
}
#define FAILS(call, code, part) fails_at((call), (code), (part), __LINE__)

static tw_output out0(int32_t node) {
  tw_output o = {node, 0};
  return o;
}

static tw_output placeholder(tw_graph* g, const char* name, const int64_t* dims, int32_t rank) {
  const int32_t type = TW_FLOAT;
  const tw_shape shape = {dims, rank};
  tw_attr attrs[2];
  memset(attrs, 0, sizeof attrs);
  attrs[0].name = str("dtype");
  attrs[0].kind = TW_ATTR_TYPE;
  attrs[0].count = 1;
  attrs[0].value.types = &type;
  attrs[1].name = str("shape");
  attrs[1].kind = TW_ATTR_SHAPE;
  attrs[1].count = 1;
  attrs[1].value.shapes = &shape;
  tw_node_desc desc = TW_INIT(tw_node_desc);
  desc.op = str("Placeholder");
  desc.name = str(name);
  desc.attrs = attrs;
  desc.num_attrs = 2;
  desc.where = str("c_test.c:1");
  int32_t node = -1;
  OK(tw_graph_add(g, &desc, &node));
  return out0(node);
}

static tw_output constant(tw_graph* g, const char* name, tw_tensor* value) {
  const int32_t type = tw_tensor_dtype(value);
  const tw_tensor* tensor = value;
  tw_attr attrs[2];
  memset(attrs, 0, sizeof attrs);
  attrs[0].name = str("dtype");
  attrs[0].kind = TW_ATTR_TYPE;
  attrs[0].count = 1;
  attrs[0].value.types = &type;
  attrs[1].name = str("value");
  attrs[1].kind = TW_ATTR_TENSOR;
  attrs[1].count = 1;
  attrs[1].value.tensors = &tensor;
  tw_node_desc desc = TW_INIT(tw_node_desc);
  desc.op = str("Const");
  desc.name = str(name);
  desc.attrs = attrs;
  desc.num_attrs = 2;
  int32_t node = -1;
  OK(tw_graph_add(g, &desc, &node));
  return out0(node);
}

static tw_status* add(tw_graph* g, const char* op, const char* name, const tw_output* inputs, size_t n, int32_t* node) {
  tw_node_desc desc = TW_INIT(tw_node_desc);
  desc.op = str(op);
  desc.name = str(name);
  desc.inputs = inputs;
  desc.num_inputs = n;
  desc.where = str("c_test.c:2");
  return tw_graph_add(g, &desc, node);
}

static tw_tensor* floats(const int64_t* dims, int32_t rank, const float* values, size_t count) {
  tw_tensor* t = NULL;
  OK(tw_tensor_copy_from(TW_FLOAT, dims, rank, values, count * sizeof(float), &t));
  return t;
}

static int released = 0;
static void count_release(void* context) {
  ++released;
  free(context);
}

static void test_tensors(void) {
  const int64_t dims[2] = {2, 3};
  const float values[6] = {1, 2, 3, 4, 5, 6};
  tw_tensor* t = floats(dims, 2, values, 6);
  CHECK(tw_tensor_dtype(t) == TW_FLOAT && tw_tensor_rank(t) == 2 && tw_tensor_dims(t)[1] == 3);
  CHECK(tw_tensor_num_elements(t) == 6 && tw_tensor_size(t) == 24);
  CHECK(((const float*)tw_tensor_data(t))[5] == 6);
  CHECK(tw_tensor_exclusive(t) == 1);
  tw_tensor* again = tw_tensor_share(t);
  CHECK(tw_tensor_data(again) == tw_tensor_data(t) && tw_tensor_exclusive(t) == 0);
  tw_tensor_release(again);

  tw_tensor* bad = NULL;
  FAILS(tw_tensor_copy_from(TW_FLOAT, dims, 2, values, 20, &bad), TW_INVALID_ARGUMENT, "24 bytes");
  FAILS(tw_tensor_create(99, dims, 2, &bad), TW_INVALID_ARGUMENT, "99");
  const int64_t negative[1] = {-4};
  FAILS(tw_tensor_create(TW_FLOAT, negative, 1, &bad), TW_INVALID_ARGUMENT, "");
  CHECK(bad == NULL);

  /* Foreign memory, aligned and not. */
  for (int shift = 0; shift < 8; shift += 4) {
    char* block = aligned_alloc(64, 256);
    memcpy(block + shift, values, sizeof values);
    tw_tensor* wrapped = NULL;
    released = 0;
    OK(tw_tensor_wrap(TW_FLOAT, dims, 2, block + shift, sizeof values, block, count_release, &wrapped));
    CHECK(((const float*)tw_tensor_data(wrapped))[4] == 5);
    tw_tensor_release(wrapped);
    CHECK(released == 1);
  }

  const int64_t two[1] = {2};
  const tw_str strings[2] = {{"ab", 2}, {"c\0d", 3}};
  tw_tensor* s = NULL;
  OK(tw_tensor_from_strings(two, 1, strings, 2, &s));
  tw_str element;
  OK(tw_tensor_string(s, 1, &element));
  CHECK(element.size == 3 && memcmp(element.data, "c\0d", 3) == 0);
  FAILS(tw_tensor_string(s, 2, &element), TW_OUT_OF_RANGE, "");
  CHECK(tw_tensor_data(s) == NULL);

  tw_buffer* bytes = NULL;
  OK(tw_tensor_to_proto(s, &bytes));
  tw_tensor* back = NULL;
  OK(tw_tensor_from_proto(tw_buffer_data(bytes), tw_buffer_size(bytes), &back));
  OK(tw_tensor_string(back, 0, &element));
  CHECK(element.size == 2 && memcmp(element.data, "ab", 2) == 0);
  tw_buffer_release(bytes);
  tw_tensor_release(back);
  FAILS(tw_tensor_from_proto("\x08\xff", 2, &back), TW_INVALID_ARGUMENT, "");
  tw_tensor_release(s);

  /* DLPack out and in: the same memory. */
  void* managed = NULL;
  OK(tw_tensor_to_dlpack(t, &managed));
  DLManagedTensor* m = managed;
  CHECK(m->dl_tensor.ndim == 2 && m->dl_tensor.shape[0] == 2 && m->dl_tensor.dtype.bits == 32);
  tw_tensor* in = NULL;
  OK(tw_tensor_from_dlpack(managed, &in));
  CHECK(((const float*)tw_tensor_data(in))[3] == 4);
  tw_tensor_release(in);
  /* A transposed view is gathered. */
  OK(tw_tensor_to_dlpack(t, &managed));
  m = managed;
  int64_t shape[2] = {3, 2}, strides[2] = {1, 3};
  m->dl_tensor.shape = shape;
  m->dl_tensor.strides = strides;
  OK(tw_tensor_from_dlpack(managed, &in));
  const float want[6] = {1, 4, 2, 5, 3, 6};
  CHECK(memcmp(tw_tensor_data(in), want, sizeof want) == 0);
  tw_tensor_release(in);
  tw_tensor_release(t);
  tw_tensor_release(NULL);
}

static void test_graph(void) {
  tw_graph* g = NULL;
  OK(tw_graph_create(&g));
  const int64_t dims[2] = {-1, 3};
  const tw_output x = placeholder(g, "x", dims, 2);
  const int64_t wdims[2] = {3, 2};
  const float wvalues[6] = {1, 2, 3, 4, 5, 6};
  tw_tensor* w_value = floats(wdims, 2, wvalues, 6);
  const tw_output w = constant(g, "w", w_value);
  tw_tensor_release(w_value);
  int32_t product = -1;
  const tw_output inputs[2] = {x, w};
  OK(add(g, "MatMul", "product", inputs, 2, &product));

  CHECK(tw_graph_num_nodes(g) == 3);
  CHECK(tw_graph_find(g, str("product")) == product && tw_graph_find(g, str("none")) == -1);
  CHECK(tw_node_op(g, product).size == 6 && memcmp(tw_node_op(g, product).data, "MatMul", 6) == 0);
  CHECK(tw_node_num_inputs(g, product) == 2 && tw_node_input(g, product, 1).node == w.node);
  CHECK(tw_output_dtype(g, out0(product)) == TW_FLOAT);
  int64_t shape[TW_MAX_RANK];
  int32_t rank = 0;
  OK(tw_output_shape(g, out0(product), shape, &rank));
  CHECK(rank == 2 && shape[0] == -1 && shape[1] == 2);
  const int64_t narrower[2] = {4, 2};
  OK(tw_graph_set_shape(g, out0(product), narrower, 2));
  OK(tw_output_shape(g, out0(product), shape, &rank));
  CHECK(shape[0] == 4);
  const int64_t other[2] = {5, 2};
  FAILS(tw_graph_set_shape(g, out0(product), other, 2), TW_INVALID_ARGUMENT, "");

  tw_attr_value* attr = NULL;
  OK(tw_node_attr(g, product, str("T"), &attr));
  CHECK(tw_attr_value_kind(attr) == TW_ATTR_TYPE && tw_attr_value_type(attr, 0) == TW_FLOAT);
  tw_attr_value_release(attr);
  OK(tw_node_attr(g, w.node, str("value"), &attr));
  CHECK(tw_tensor_num_elements(tw_attr_value_tensor(attr, 0)) == 6 && tw_attr_value_tensor(attr, 1) == NULL);
  tw_attr_value_release(attr);
  FAILS(tw_node_attr(g, product, str("nothing"), &attr), TW_NOT_FOUND, "nothing");

  int32_t node = -1;
  FAILS(add(g, "MatMul", "product", inputs, 2, &node), TW_ALREADY_EXISTS, "product");
  FAILS(add(g, "NoSuchOp", "n", NULL, 0, &node), TW_NOT_FOUND, "NoSuchOp");
  FAILS(add(g, "MatMul", "one_input", inputs, 1, &node), TW_INVALID_ARGUMENT, "");
  const tw_output wrong[2] = {w, w};
  FAILS(add(g, "MatMul", "wrong", wrong, 2, &node), TW_INVALID_ARGUMENT, "Dimensions must be equal, but are 2 and 3");
  const tw_output missing[2] = {x, {77, 0}};
  FAILS(add(g, "MatMul", "missing", missing, 2, &node), TW_INVALID_ARGUMENT, "77");
  CHECK(node == -1 && tw_graph_num_nodes(g) == 3);
  CHECK(tw_node_name(g, 99).size == 0 && tw_node_num_inputs(g, -5) == 0);

  /* Out as GraphDef and in again, below a prefix. */
  tw_buffer* bytes = NULL;
  OK(tw_graph_to_graph_def(g, &bytes));
  tw_graph* h = NULL;
  OK(tw_graph_create(&h));
  tw_import_options options = TW_INIT(tw_import_options);
  options.prefix = str("in");
  int32_t first = -1, count = -1;
  OK(tw_graph_import(h, tw_buffer_data(bytes), tw_buffer_size(bytes), &options, &first, &count));
  CHECK(first == 0 && count == 3 && tw_graph_find(h, str("in/product")) >= 0);
  FAILS(tw_graph_import(h, "\xff\xff\xff", 3, NULL, &first, &count), TW_INVALID_ARGUMENT, "");
  tw_buffer_release(bytes);
  OK(tw_graph_print(h, &bytes));
  CHECK(tw_buffer_size(bytes) > 10);
  tw_buffer_release(bytes);
  tw_graph_release(h);

  /* A session, and the gradient of the sum of the product to w. */
  tw_session* session = NULL;
  tw_grad dw;
  const tw_output y = out0(product);
  OK(tw_graph_gradients(g, &y, 1, &w, 1, NULL, &dw));
  CHECK(dw.dense.node >= 0 && dw.values.node < 0);
  OK(tw_session_create(g, NULL, &session));
  const int64_t xdims[2] = {4, 3};
  const float xvalues[12] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
  tw_tensor* x_value = floats(xdims, 2, xvalues, 12);
  tw_tensor* results[2] = {NULL, NULL};
  const tw_output fetches[2] = {y, dw.dense};
  OK(tw_session_run(session, NULL, &x, &x_value, 1, fetches, results, 2, NULL, 0, NULL));
  CHECK(((const float*)tw_tensor_data(results[0]))[6] == 9 && ((const float*)tw_tensor_data(results[0]))[7] == 12);
  CHECK(((const float*)tw_tensor_data(results[1]))[0] == 2);
  tw_tensor_release(results[0]);
  tw_tensor_release(results[1]);

  /* The same, prepared; with a trace. */
  tw_callable* callable = NULL;
  OK(tw_session_prepare(session, &x, 1, fetches, 1, NULL, 0, &callable));
  tw_run_options run = TW_INIT(tw_run_options);
  run.trace = 1;
  tw_run_metadata* metadata = tw_run_metadata_create();
  OK(tw_callable_run(callable, &run, &x_value, 1, results, 1, metadata));
  tw_tensor_release(results[0]);
  results[0] = NULL;
  OK(tw_run_metadata_to_proto(metadata, &bytes));
  CHECK(tw_buffer_size(bytes) > 40);
  tw_buffer_release(bytes);
  OK(tw_run_metadata_chrome_trace(metadata, &bytes));
  CHECK(tw_buffer_size(bytes) > 10 && ((const char*)tw_buffer_data(bytes))[0] == '{');
  tw_buffer_release(bytes);
  tw_run_metadata_release(metadata);
  FAILS(tw_callable_run(callable, NULL, NULL, 0, results, 1, NULL), TW_INVALID_ARGUMENT, "1 feeds");
  FAILS(tw_session_run(session, NULL, NULL, NULL, 0, fetches, results, 1, NULL, 0, NULL), TW_INVALID_ARGUMENT,
        "You must feed a value for placeholder tensor 'x'");
  tw_cancel* cancel = tw_cancel_create();
  tw_cancel_fire(cancel);
  run.cancel = cancel;
  FAILS(tw_callable_run(callable, &run, &x_value, 1, results, 1, NULL), TW_CANCELLED, "");
  tw_cancel_release(cancel);
  CHECK(results[0] == NULL);

  OK(tw_session_close(session));
  tw_status* closed = tw_callable_run(callable, NULL, &x_value, 1, results, 1, NULL);
  CHECK(closed != NULL);
  tw_status_release(closed);
  tw_callable_release(callable);
  tw_session_release(session);
  tw_tensor_release(x_value);
  tw_graph_release(g);
}

/* A gradient of the caller's: Square's becomes 100. */
static tw_status* my_gradient(void* user, tw_graph* graph, int32_t node, const tw_output* dy, int32_t num_dy,
                              tw_grad* dx, int32_t num_dx, int32_t* handled) {
  const tw_str op = tw_node_op(graph, node);
  if (op.size != 6 || memcmp(op.data, "Square", 6) != 0 || num_dy != 1 || num_dx != 1) return NULL;
  ++*(int*)user;
  const float hundred = 100;
  tw_tensor* value = floats(NULL, 0, &hundred, 1);
  const tw_output inputs[2] = {dy[0], constant(graph, "hundred", value)};
  tw_tensor_release(value);
  int32_t made = -1;
  tw_status* s = add(graph, "Mul", "custom", inputs, 2, &made);
  if (s != NULL) return s;
  dx[0].dense = out0(made);
  *handled = 1;
  return NULL;
}

static void test_override(void) {
  tw_graph* g = NULL;
  OK(tw_graph_create(&g));
  const tw_output x = placeholder(g, "x", NULL, 0);
  int32_t square = -1, calls = 0;
  OK(add(g, "Square", "square", &x, 1, &square));
  tw_gradient_options options = TW_INIT(tw_gradient_options);
  options.override_fn = my_gradient;
  options.override_user = &calls;
  const tw_output y = out0(square);
  tw_grad dx;
  OK(tw_graph_gradients(g, &y, 1, &x, 1, &options, &dx));
  CHECK(calls == 1 && dx.dense.node == tw_graph_find(g, str("custom")));
  tw_graph_release(g);
}

/* A function of the host: doubles its argument, or fails when its token says so. */
struct host_state {
  int calls, destroyed;
};
static tw_status* my_host(void* user, tw_str token, tw_tensor* const* arguments, size_t num_arguments,
                          tw_tensor** results, size_t num_results) {
  ++((struct host_state*)user)->calls;
  if (token.size == 4 && memcmp(token.data, "fail", 4) == 0) return tw_status_create(TW_OUT_OF_RANGE, str("no more"));
  CHECK(num_arguments == 1 && num_results == 1 && results[0] == NULL);
  const float twice = 2 * *(const float*)tw_tensor_data(arguments[0]);
  return tw_tensor_copy_from(TW_FLOAT, NULL, 0, &twice, sizeof twice, &results[0]);
}
static void my_destroy(void* user) { ++((struct host_state*)user)->destroyed; }

static tw_output host_call(tw_graph* g, const char* token, tw_output x) {
  const int32_t type = TW_FLOAT;
  const tw_str tokens = str(token);
  tw_attr attrs[3];
  memset(attrs, 0, sizeof attrs);
  attrs[0].name = str("token");
  attrs[0].kind = TW_ATTR_STRING;
  attrs[0].count = 1;
  attrs[0].value.strings = &tokens;
  for (int i = 1; i < 3; ++i) {
    attrs[i].name = str(i == 1 ? "Tin" : "Tout");
    attrs[i].kind = TW_ATTR_LIST | TW_ATTR_TYPE;
    attrs[i].count = 1;
    attrs[i].value.types = &type;
  }
  tw_node_desc desc = TW_INIT(tw_node_desc);
  desc.op = str("PyFunc");
  desc.name = str(token);
  desc.inputs = &x;
  desc.num_inputs = 1;
  desc.attrs = attrs;
  desc.num_attrs = 3;
  int32_t node = -1;
  OK(tw_graph_add(g, &desc, &node));
  return out0(node);
}

static void test_host_call(void) {
  tw_graph* g = NULL;
  OK(tw_graph_create(&g));
  const tw_output x = placeholder(g, "x", NULL, 0);
  const tw_output twice = host_call(g, "twice", x), fail = host_call(g, "fail", x);
  struct host_state state = {0, 0};
  tw_session_options options = TW_INIT(tw_session_options);
  options.host_fn = my_host;
  options.host_user = &state;
  options.host_destroy = my_destroy;
  tw_session* session = NULL;
  OK(tw_session_create(g, &options, &session));
  const float value = 21;
  tw_tensor *fed = floats(NULL, 0, &value, 1), *result = NULL;
  OK(tw_session_run(session, NULL, &x, &fed, 1, &twice, &result, 1, NULL, 0, NULL));
  CHECK(*(const float*)tw_tensor_data(result) == 42);
  tw_tensor_release(result);
  FAILS(tw_session_run(session, NULL, &x, &fed, 1, &fail, &result, 1, NULL, 0, NULL), TW_OUT_OF_RANGE, "no more");
  CHECK(state.calls == 2 && state.destroyed == 0);
  tw_session_release(session);
  CHECK(state.destroyed == 1);

  /* Without a host, and on a device that computes nothing. */
  OK(tw_session_create(g, NULL, &session));
  FAILS(tw_session_run(session, NULL, &x, &fed, 1, &twice, &result, 1, NULL, 0, NULL), TW_FAILED_PRECONDITION, "twice");
  tw_session_release(session);
  tw_session_options other = TW_INIT(tw_session_options);
  other.device = str("abacus");
  FAILS(tw_session_create(g, &other, &session), TW_NOT_FOUND, "abacus");
  tw_tensor_release(fed);
  tw_graph_release(g);
}

static void test_functions_and_table(void) {
  tw_graph *g = NULL, *body = NULL;
  OK(tw_graph_create(&g));
  OK(tw_graph_create(&body));
  const tw_output x = placeholder(body, "x", NULL, 0);
  int32_t node = -1;
  OK(add(body, "Square", "square", &x, 1, &node));
  tw_function_desc desc = TW_INIT(tw_function_desc);
  const tw_output y = out0(node);
  desc.name = str("squared");
  desc.inputs = &x;
  desc.num_inputs = 1;
  desc.outputs = &y;
  desc.num_outputs = 1;
  OK(tw_function_create(g, body, &desc));
  CHECK(tw_graph_has_function(g, str("squared")) == 1 && tw_graph_has_function(g, str("other")) == 0);
  desc.name = str("");
  FAILS(tw_function_create(g, body, &desc), TW_INVALID_ARGUMENT, "name");

  /* What went into a function may leave the graph, unless somebody uses it. */
  int32_t user = -1;
  OK(add(body, "Neg", "user", &y, 1, &user));
  FAILS(tw_graph_remove(body, &node, 1), TW_FAILED_PRECONDITION, "'user' uses it");
  const int32_t both[] = {node, user};
  OK(tw_graph_remove(body, both, 2));
  CHECK(tw_graph_find(body, str("square")) == -1 && tw_graph_find(body, str("x")) == x.node);
  CHECK(tw_node_name(body, node).size == 6);
  tw_graph_release(body);
  tw_graph_release(g);

  CHECK(tw_num_ops() > 100);
  const int32_t add_op = tw_op_find(str("MatMul"));
  CHECK(add_op >= 0 && tw_op_find(str("NoSuchOp")) == -1 && tw_op_name(-1).size == 0);
  tw_buffer* json = NULL;
  OK(tw_op_json(add_op, &json));
  CHECK(tw_buffer_size(json) > 50 && memcmp(tw_buffer_data(json), "{\"name\":\"MatMul\"", 16) == 0);
  tw_buffer_release(json);
}

int main(void) {
  CHECK(tw_abi_version() == ((TW_ABI_MAJOR << 16) | TW_ABI_MINOR));
  CHECK(strlen(tw_version()) >= 5);
  test_tensors();
  test_graph();
  test_override();
  test_host_call();
  test_functions_and_table();
  if (failures > 0) return 1;
  puts("c_test: passed");
  return 0;
}
