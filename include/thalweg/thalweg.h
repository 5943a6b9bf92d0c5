/* Thalweg's C API: build graphs of tensor operations, differentiate them, and run them.
 *
 * Handles are opaque. tw_x_create makes one, tw_x_release gives it back (void, accepts NULL). A call that can fail
 * returns tw_status*: NULL for success, else an object the caller releases; its outputs are then untouched. Nothing is
 * global and there is no "last error". No exception crosses this border.
 *
 * Strings are UTF-8 with a length (tw_str). A tw_str handed in is read during the call only; one handed out is borrowed
 * from the object it was asked of, for as long as that object lives, unless the function says otherwise.
 *
 * Option structs begin with struct_size, set by the caller to sizeof; TW_INIT does it. Fields are only ever appended.
 *
 * Threads: unless a function says otherwise it may be called from any thread at any time, also on the same object;
 * releasing an object while another thread uses it is an error. docs/c_api.md tells more.
 *
 * TW_FROZEN functions keep their signature and meaning within an ABI major version. TW_TRIAL ones may still change from
 * one release to the next.
 */
#ifndef THALWEG_THALWEG_H_
#define THALWEG_THALWEG_H_

#include <stddef.h>
#include <stdint.h>

#define TW_ABI_MAJOR 0
#define TW_ABI_MINOR 1

#if defined(_WIN32)
#ifdef TW_BUILDING
#define TW_EXPORT __declspec(dllexport)
#else
#define TW_EXPORT __declspec(dllimport)
#endif
#else
#define TW_EXPORT __attribute__((visibility("default")))
#endif
#define TW_FROZEN TW_EXPORT
#define TW_TRIAL TW_EXPORT

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Basics ------------------------------------------------------------------------------------------------ */

typedef struct tw_status tw_status;
typedef struct tw_buffer tw_buffer;
typedef struct tw_tensor tw_tensor;
typedef struct tw_graph tw_graph;
typedef struct tw_attr_value tw_attr_value;
typedef struct tw_session tw_session;
typedef struct tw_callable tw_callable;
typedef struct tw_cancel tw_cancel;
typedef struct tw_run_metadata tw_run_metadata;

typedef struct tw_str {
  const char* data;
  size_t size;
} tw_str;

/* Output `index` of node `node`. Node ids count up from 0 and never change; -1 means "none". */
typedef struct tw_output {
  int32_t node;
  int32_t index;
} tw_output;

/* Element types; the numbers are TensorFlow's DataType. A reference to a variable adds TW_REF. */
enum {
  TW_INVALID = 0,
  TW_FLOAT = 1,
  TW_DOUBLE = 2,
  TW_INT32 = 3,
  TW_UINT8 = 4,
  TW_INT16 = 5,
  TW_INT8 = 6,
  TW_STRING = 7,
  TW_COMPLEX64 = 8,
  TW_INT64 = 9,
  TW_BOOL = 10,
  TW_QINT8 = 11,
  TW_QUINT8 = 12,
  TW_QINT32 = 13,
  TW_BFLOAT16 = 14,
  TW_QINT16 = 15,
  TW_QUINT16 = 16,
  TW_UINT16 = 17,
  TW_COMPLEX128 = 18,
  TW_HALF = 19,
  TW_RESOURCE = 20,
  TW_VARIANT = 21,
  TW_UINT32 = 22,
  TW_UINT64 = 23,
  TW_REF = 100
};

/* Error codes; the numbers are TensorFlow's and gRPC's. */
enum {
  TW_OK = 0,
  TW_CANCELLED = 1,
  TW_UNKNOWN = 2,
  TW_INVALID_ARGUMENT = 3,
  TW_DEADLINE_EXCEEDED = 4,
  TW_NOT_FOUND = 5,
  TW_ALREADY_EXISTS = 6,
  TW_PERMISSION_DENIED = 7,
  TW_RESOURCE_EXHAUSTED = 8,
  TW_FAILED_PRECONDITION = 9,
  TW_ABORTED = 10,
  TW_OUT_OF_RANGE = 11,
  TW_UNIMPLEMENTED = 12,
  TW_INTERNAL = 13,
  TW_UNAVAILABLE = 14,
  TW_DATA_LOSS = 15,
  TW_UNAUTHENTICATED = 16
};

#define TW_INIT(type) {.struct_size = sizeof(type)}

/* The release of the library, "0.1.0". Never released. */
TW_FROZEN const char* tw_version(void);
/* (TW_ABI_MAJOR << 16) | TW_ABI_MINOR of the library that was loaded. */
TW_FROZEN uint32_t tw_abi_version(void);

/* ---- Status ------------------------------------------------------------------------------------------------ */

/* For callbacks that report an error. The strings are copied. */
TW_FROZEN tw_status* tw_status_create(int32_t code, tw_str message);
TW_FROZEN void tw_status_release(tw_status* status);
TW_FROZEN int32_t tw_status_code(const tw_status* status); /* TW_OK for NULL */
TW_FROZEN tw_str tw_status_message(const tw_status* status);
/* The graph node at fault and where the user made it ("file.py:12"); empty when no single node is, or unknown. */
TW_FROZEN tw_str tw_status_node(const tw_status* status);
TW_FROZEN tw_str tw_status_where(const tw_status* status);

/* ---- Buffer: bytes that the library made --------------------------------------------------------------------- */

TW_FROZEN const void* tw_buffer_data(const tw_buffer* buffer);
TW_FROZEN size_t tw_buffer_size(const tw_buffer* buffer);
TW_FROZEN void tw_buffer_release(tw_buffer* buffer);

/* ---- Tensor: a dtype, a shape, and shared storage ------------------------------------------------------------ */

/* The largest rank there is. */
#define TW_MAX_RANK 12

/* New storage, 64-byte aligned: undefined for numeric types, empty strings for TW_STRING. */
TW_FROZEN tw_status* tw_tensor_create(int32_t dtype, const int64_t* dims, int32_t rank, tw_tensor** out);
/* The same with contents copied from `data`, which holds `size` bytes. Numeric types only. */
TW_FROZEN tw_status* tw_tensor_copy_from(int32_t dtype, const int64_t* dims, int32_t rank, const void* data,
                                         size_t size, tw_tensor** out);
/* Foreign memory. On success the tensor owns it: `release(context)` is called exactly once, on whichever thread drops
 * the last use; at once when the memory had to be copied, because it is not 64-byte aligned or its last 64-byte line
 * is not whole. On failure it is not called. The library never writes to it. Numeric types only. */
TW_FROZEN tw_status* tw_tensor_wrap(int32_t dtype, const int64_t* dims, int32_t rank, void* data, size_t size,
                                    void* context, void (*release)(void* context), tw_tensor** out);
/* A TW_STRING tensor of copies of `strings`, one per element in row-major order. */
TW_FROZEN tw_status* tw_tensor_from_strings(const int64_t* dims, int32_t rank, const tw_str* strings, size_t count,
                                            tw_tensor** out);
/* Another handle on the same storage. */
TW_FROZEN tw_tensor* tw_tensor_share(const tw_tensor* tensor);
TW_FROZEN void tw_tensor_release(tw_tensor* tensor);
TW_FROZEN int32_t tw_tensor_dtype(const tw_tensor* tensor);
TW_FROZEN int32_t tw_tensor_rank(const tw_tensor* tensor);
TW_FROZEN const int64_t* tw_tensor_dims(const tw_tensor* tensor);
TW_FROZEN int64_t tw_tensor_num_elements(const tw_tensor* tensor);
/* The elements in row-major order; NULL for TW_STRING, TW_RESOURCE and TW_VARIANT. Write only while
 * tw_tensor_exclusive() is 1. */
TW_FROZEN void* tw_tensor_data(const tw_tensor* tensor);
TW_FROZEN size_t tw_tensor_size(const tw_tensor* tensor); /* bytes behind tw_tensor_data */
/* 1 when nothing else refers to the storage and it may be written. */
TW_FROZEN int32_t tw_tensor_exclusive(const tw_tensor* tensor);
/* Element `i` of a TW_STRING tensor, borrowed from the tensor. */
TW_FROZEN tw_status* tw_tensor_string(const tw_tensor* tensor, int64_t i, tw_str* out);
/* The bytes of a TensorProto message, and back. */
TW_TRIAL tw_status* tw_tensor_to_proto(const tw_tensor* tensor, tw_buffer** out);
TW_TRIAL tw_status* tw_tensor_from_proto(const void* data, size_t size, tw_tensor** out);

/* DLPack. The pointers are DLManagedTensor*, as dlpack.h or <thalweg/dlpack.h> declare it. */
/* Shares the storage; the consumer calls the managed tensor's deleter. */
TW_TRIAL tw_status* tw_tensor_to_dlpack(const tw_tensor* tensor, void** managed);
/* Takes `managed` over (its deleter is called when the tensor's storage goes); on failure the caller keeps it. Memory
 * on the CPU only; strided or badly aligned memory is copied. */
TW_TRIAL tw_status* tw_tensor_from_dlpack(void* managed, tw_tensor** out);

/* ---- Graph: append-only, thread-safe -------------------------------------------------------------------------- */

typedef struct tw_shape {
  const int64_t* dims; /* -1: unknown size */
  int32_t rank;        /* -1: unknown rank */
} tw_shape;

/* Attribute kinds. A list adds TW_ATTR_LIST. */
enum {
  TW_ATTR_NONE = 0,
  TW_ATTR_STRING = 1,
  TW_ATTR_INT = 2,
  TW_ATTR_FLOAT = 3,
  TW_ATTR_BOOL = 4,
  TW_ATTR_TYPE = 5,
  TW_ATTR_SHAPE = 6,
  TW_ATTR_TENSOR = 7,
  TW_ATTR_FUNC = 8,
  TW_ATTR_PLACEHOLDER = 9,
  TW_ATTR_LIST = 16
};

/* One attribute: `count` values of `kind` (1 unless it is a list), in the member of the union that the kind names. */
typedef struct tw_attr {
  tw_str name;
  int32_t kind;
  int32_t count;
  union {
    const tw_str* strings; /* STRING, FUNC (the function's name), PLACEHOLDER */
    const int64_t* ints;
    const float* floats;
    const uint8_t* bools;
    const int32_t* types;
    const tw_shape* shapes;
    const tw_tensor* const* tensors;
  } value;
} tw_attr;

typedef struct tw_node_desc {
  size_t struct_size;
  tw_str op;   /* an op of the table: "MatMul" */
  tw_str name; /* must be unused; empty: the op's name, made unique */
  const tw_output* inputs;
  size_t num_inputs;
  const int32_t* controls; /* nodes that run before this one */
  size_t num_controls;
  const tw_attr* attrs; /* those that neither the inputs' types nor a default tell */
  size_t num_attrs;
  tw_str device;
  tw_str where; /* the user's line, for messages: "file.py:12" */
} tw_node_desc;

TW_TRIAL tw_status* tw_graph_create(tw_graph** out);
TW_TRIAL tw_graph* tw_graph_share(tw_graph* graph); /* another handle on the same graph */
TW_TRIAL void tw_graph_release(tw_graph* graph);
/* Checks the node against its op's row, infers shapes, appends it. TW_INVALID_ARGUMENT names the rule and the values,
 * TW_ALREADY_EXISTS a used name, TW_NOT_FOUND an unknown op. */
TW_TRIAL tw_status* tw_graph_add(tw_graph* graph, const tw_node_desc* desc, int32_t* node);
TW_TRIAL int32_t tw_graph_num_nodes(const tw_graph* graph);
/* The node of that name, or -1. */
TW_TRIAL int32_t tw_graph_find(const tw_graph* graph, tw_str name);

/* What is known of a node. Ids out of range give empty strings, zero counts and TW_INVALID. */
TW_TRIAL tw_str tw_node_name(const tw_graph* graph, int32_t node);
TW_TRIAL tw_str tw_node_op(const tw_graph* graph, int32_t node);
TW_TRIAL tw_str tw_node_device(const tw_graph* graph, int32_t node);
TW_TRIAL tw_str tw_node_where(const tw_graph* graph, int32_t node);
TW_TRIAL int32_t tw_node_num_inputs(const tw_graph* graph, int32_t node);
TW_TRIAL tw_output tw_node_input(const tw_graph* graph, int32_t node, int32_t i);
TW_TRIAL int32_t tw_node_num_outputs(const tw_graph* graph, int32_t node);
TW_TRIAL int32_t tw_node_num_controls(const tw_graph* graph, int32_t node);
TW_TRIAL int32_t tw_node_control(const tw_graph* graph, int32_t node, int32_t i);
TW_TRIAL int32_t tw_output_dtype(const tw_graph* graph, tw_output output);
/* The static shape: rank (-1 unknown) and up to TW_MAX_RANK dims (-1 unknown) into `dims`. */
TW_TRIAL tw_status* tw_output_shape(const tw_graph* graph, tw_output output, int64_t dims[TW_MAX_RANK], int32_t* rank);
/* dtype and shape of the value behind an output of type TW_RESOURCE; TW_INVALID when unknown. */
TW_TRIAL tw_status* tw_output_handle(const tw_graph* graph, tw_output output, int32_t* dtype, int64_t dims[TW_MAX_RANK],
                                     int32_t* rank);
/* Narrows a static shape; TW_INVALID_ARGUMENT when the two contradict each other. */
TW_TRIAL tw_status* tw_graph_set_shape(tw_graph* graph, tw_output output, const int64_t* dims, int32_t rank);
/* The value of an output when it can be told without running anything; *out is NULL when it cannot. */
TW_TRIAL tw_status* tw_graph_constant(const tw_graph* graph, tw_output output, tw_tensor** out);
TW_TRIAL tw_status* tw_graph_add_control(tw_graph* graph, int32_t node, int32_t before);
TW_TRIAL tw_status* tw_graph_set_input(tw_graph* graph, int32_t node, int32_t slot, tw_output from);
TW_TRIAL tw_status* tw_graph_set_attr(tw_graph* graph, int32_t node, const tw_attr* attr);

/* Attributes of a node: names in order, then values. TW_NOT_FOUND for a name the node has not. */
TW_TRIAL int32_t tw_node_num_attrs(const tw_graph* graph, int32_t node);
TW_TRIAL tw_str tw_node_attr_name(const tw_graph* graph, int32_t node, int32_t i);
TW_TRIAL tw_status* tw_node_attr(const tw_graph* graph, int32_t node, tw_str name, tw_attr_value** out);
TW_TRIAL void tw_attr_value_release(tw_attr_value* value);
TW_TRIAL int32_t tw_attr_value_kind(const tw_attr_value* value);
TW_TRIAL int32_t tw_attr_value_count(const tw_attr_value* value); /* 1 unless a list */
/* Element i of a value of that kind; out of range or of another kind gives an empty, 0 or NULL answer. Strings, shapes
 * and tensors are borrowed from the value. */
TW_TRIAL tw_str tw_attr_value_string(const tw_attr_value* value, int32_t i);
TW_TRIAL int64_t tw_attr_value_int(const tw_attr_value* value, int32_t i);
TW_TRIAL float tw_attr_value_float(const tw_attr_value* value, int32_t i);
TW_TRIAL int32_t tw_attr_value_bool(const tw_attr_value* value, int32_t i);
TW_TRIAL int32_t tw_attr_value_type(const tw_attr_value* value, int32_t i);
TW_TRIAL tw_shape tw_attr_value_shape(const tw_attr_value* value, int32_t i);
TW_TRIAL const tw_tensor* tw_attr_value_tensor(const tw_attr_value* value, int32_t i);

/* GraphDef bytes of the whole graph with its functions. */
TW_TRIAL tw_status* tw_graph_to_graph_def(const tw_graph* graph, tw_buffer** out);
/* The bytes of one node's NodeDef message. */
TW_TRIAL tw_status* tw_node_to_node_def(const tw_graph* graph, int32_t node, tw_buffer** out);

typedef struct tw_import_options {
  size_t struct_size;
  tw_str prefix;             /* put before every name with a '/', unless empty */
  const tw_str* input_names; /* "name:0" of the GraphDef that become the outputs of input_outputs */
  const tw_output* input_outputs;
  size_t num_inputs;
  const int32_t* controls; /* control inputs of every imported node without inputs */
  size_t num_controls;
  int32_t uniquify_names; /* 1: a name that is taken gets a suffix instead of TW_ALREADY_EXISTS */
  tw_str default_device;  /* of nodes that name none */
} tw_import_options;
/* Appends a GraphDef's nodes and functions; the ids of the new nodes are [*first, *first + *count). `input_names` are
 * "x", "x:1" or "^x"; one that nothing in the GraphDef uses is TW_INVALID_ARGUMENT. */
TW_TRIAL tw_status* tw_graph_import(tw_graph* graph, const void* graph_def, size_t size,
                                    const tw_import_options* options, int32_t* first, int32_t* count);
/* The text form, one node a line. */
TW_TRIAL tw_status* tw_graph_print(const tw_graph* graph, tw_buffer** out);

/* ---- Functions ------------------------------------------------------------------------------------------------ */

typedef struct tw_function_desc {
  size_t struct_size;
  tw_str name;
  const tw_output* inputs; /* of `body`: placeholders or any outputs, which become the arguments */
  size_t num_inputs;
  const tw_output* outputs; /* of `body`: the results */
  size_t num_outputs;
  const int32_t* controls; /* nodes of `body` that must run even if no result needs them */
  size_t num_controls;
  const tw_str* input_names;  /* NULL: from the nodes */
  const tw_str* output_names; /* NULL: from the nodes */
  const int32_t* nodes;       /* control edges from nodes that are not among these are dropped; NULL: all are kept */
  size_t num_nodes;
} tw_function_desc;
/* Copies what the outputs and controls need of `body`, which may be `graph` itself, into a function of `graph`'s
 * library, to be named by attributes of kind FUNC. An input that is a _RefHandle's output stands for the reference
 * behind it as well: the function may write through its argument. */
TW_TRIAL tw_status* tw_function_create(tw_graph* graph, const tw_graph* body, const tw_function_desc* desc);
TW_TRIAL int32_t tw_graph_has_function(const tw_graph* graph, tw_str name);
/* Takes nodes out of the graph that only one another use, after they went into a function. Their ids stay taken, and
 * what is known of them can still be asked; TW_FAILED_PRECONDITION when another node uses one. */
TW_TRIAL tw_status* tw_graph_remove(tw_graph* graph, const int32_t* nodes, size_t num_nodes);
/* One branch of an If or StatelessIf. */
typedef struct tw_branch {
  int32_t node;         /* the node that runs it; a removed one where it was itself made in the branch before */
  int32_t branch;       /* 0: then_branch, 1: else_branch */
  const int32_t* nodes; /* those that the branch was made from, removed since */
  size_t num_nodes;
} tw_branch;
/* Lets `nodes`, made in the innermost of the `depth` branches of `path`, be used around the outermost: `made` receives
 * as many nodes of the graph, which have the values of `nodes`, or with `operations` just run when they do. Where the
 * branch is not taken these nodes are dead, as TensorFlow 1's are, and nothing that uses them runs. */
TW_TRIAL tw_status* tw_graph_leave_branch(tw_graph* graph, const tw_branch* path, size_t depth, const int32_t* nodes,
                                          size_t num_nodes, int32_t operations, int32_t* made);

/* ---- Gradients ------------------------------------------------------------------------------------------------ */

/* A derivative: `dense`, or rows of a tensor that is zero elsewhere (`values`, `indices`, `dense_shape`). Outputs that
 * are absent have node -1; all are absent where y does not depend on x. */
typedef struct tw_grad {
  tw_output dense;
  tw_output values;
  tw_output indices;
  tw_output dense_shape;
} tw_grad;

enum { TW_AGGREGATE_ADD_N = 0, TW_AGGREGATE_ACCUMULATE = 1, TW_AGGREGATE_TREE = 2 };

/* Called during tw_graph_gradients, on its thread, for every op on the way: to give the op a gradient of the caller's,
 * set *handled to 1 and fill the `num_dx` entries of `dx` (preset to absent). It may add nodes to the graph, which is
 * that of the call, or for an op inside of a branch or loop a copy of that function's body, valid during the callback.
 */
typedef tw_status* (*tw_gradient_fn)(void* user, tw_graph* graph, int32_t node, const tw_output* dy, int32_t num_dy,
                                     tw_grad* dx, int32_t num_dx, int32_t* handled);

typedef struct tw_gradient_options {
  size_t struct_size;
  const tw_output* grad_ys; /* NULL, or one per y; node -1 stands for ones */
  const tw_output* stop_gradients;
  size_t num_stop_gradients;
  int32_t aggregation;
  int32_t colocate; /* 1: nodes get the device of the op they differentiate */
  tw_str name;      /* scope of the new nodes; empty: "gradients" */
  tw_gradient_fn override_fn;
  void* override_user;
} tw_gradient_options;
/* Adds nodes that compute d(sum of ys)/d(x) for every x, into dxs[num_xs]. `options` may be NULL. */
TW_TRIAL tw_status* tw_graph_gradients(tw_graph* graph, const tw_output* ys, size_t num_ys, const tw_output* xs,
                                       size_t num_xs, const tw_gradient_options* options, tw_grad* dxs);

/* ---- The op table ---------------------------------------------------------------------------------------------- */

TW_TRIAL int32_t tw_num_ops(void);
TW_TRIAL tw_str tw_op_name(int32_t i);    /* never released */
TW_TRIAL int32_t tw_op_find(tw_str name); /* its number, or -1 */
/* The row as JSON: name, summary, inputs and outputs (name, type...), attrs (name, type, default, minimum, allowed),
 * traits, and whether it has a gradient. */
TW_TRIAL tw_status* tw_op_json(int32_t i, tw_buffer** out);

/* ---- Sessions -------------------------------------------------------------------------------------------------- */

/* Called by a step that reaches a PyFunc or PyFuncStateless node, with the node's token; on any thread, that of the
 * caller of the run or one of the library's, and on several at once. `arguments` are the callee's to read during the
 * call (tw_tensor_share keeps one longer). It fills the `num_results` entries of `results`, which are preset to NULL,
 * with handles that the library takes over; or returns a status, which ends the step, after releasing what it made. */
typedef tw_status* (*tw_host_fn)(void* user, tw_str token, tw_tensor* const* arguments, size_t num_arguments,
                                 tw_tensor** results, size_t num_results);

typedef struct tw_session_options {
  size_t struct_size;
  int32_t intra_op_threads; /* 0: one per core */
  int32_t inter_op_lanes;   /* 0: as many as pay */
  int32_t no_optimize;      /* 1: run the graph as written */
  int64_t timeout_ms;       /* of a run that sets none; 0: none */
  tw_str device;            /* empty or "cpu"; "null" computes nothing, and gives zeros: for measuring the runtime */
  tw_host_fn host_fn;       /* NULL: nodes that call the host language fail */
  void* host_user;
  void (*host_destroy)(void* user); /* may be NULL; called when neither the session nor a callable of it is left */
  /* 1: convolutions are summed as they are written. Else 3 x 3 ones of float may take Winograd's algorithm, which is
   * about three times as fast, with rounding errors two to four times as large. */
  int32_t direct_convolutions;
} tw_session_options;

typedef struct tw_run_options {
  size_t struct_size;
  int64_t timeout_ms; /* 0: the session's */
  int32_t trace;      /* 1: fill the tw_run_metadata */
  tw_cancel* cancel;  /* may be NULL */
} tw_run_options;

/* Holds the graph's storage, so the caller may release its handle. Nodes may be added between runs. */
TW_TRIAL tw_status* tw_session_create(tw_graph* graph, const tw_session_options* options, tw_session** out);
/* Cancels the steps in flight, waits for them and drops the variables; later runs fail with TW_FAILED_PRECONDITION. */
TW_TRIAL tw_status* tw_session_close(tw_session* session);
TW_TRIAL void tw_session_release(tw_session* session); /* closes it */
/* One step: feeds[i] takes the value feed_tensors[i]; the values of `fetches` come into `results`, new handles each;
 * `targets` are run for their effect. Re-entrant. `options` and `metadata` may be NULL. */
TW_TRIAL tw_status* tw_session_run(tw_session* session, const tw_run_options* options, const tw_output* feeds,
                                   tw_tensor* const* feed_tensors, size_t num_feeds, const tw_output* fetches,
                                   tw_tensor** results, size_t num_fetches, const int32_t* targets, size_t num_targets,
                                   tw_run_metadata* metadata);
/* Compiles a signature once, for callers that run it often. */
TW_TRIAL tw_status* tw_session_prepare(tw_session* session, const tw_output* feeds, size_t num_feeds,
                                       const tw_output* fetches, size_t num_fetches, const int32_t* targets,
                                       size_t num_targets, tw_callable** out);
/* Runs it with one tensor per feed, in the order it was prepared with. Re-entrant. */
TW_TRIAL tw_status* tw_callable_run(tw_callable* callable, const tw_run_options* options, tw_tensor* const* feeds,
                                    size_t num_feeds, tw_tensor** results, size_t num_fetches,
                                    tw_run_metadata* metadata);
TW_TRIAL void tw_callable_release(tw_callable* callable);

/* A token that ends every step it was given to with TW_CANCELLED. */
TW_TRIAL tw_cancel* tw_cancel_create(void);
TW_TRIAL void tw_cancel_fire(tw_cancel* cancel);
TW_TRIAL void tw_cancel_release(tw_cancel* cancel);

/* What a traced step did. Not thread-safe. */
TW_TRIAL tw_run_metadata* tw_run_metadata_create(void);
TW_TRIAL void tw_run_metadata_release(tw_run_metadata* metadata);
/* RunMetadata bytes, with the step's StepStats. */
TW_TRIAL tw_status* tw_run_metadata_to_proto(const tw_run_metadata* metadata, tw_buffer** out);
/* Chrome's trace-event JSON. */
TW_TRIAL tw_status* tw_run_metadata_chrome_trace(const tw_run_metadata* metadata, tw_buffer** out);

/* ---- Files: records, events, checkpoints --------------------------------------------------------------------- */

typedef struct tw_record_writer tw_record_writer;
typedef struct tw_record_reader tw_record_reader;
typedef struct tw_checkpoint tw_checkpoint;

/* A TFRecord file: emptied, or with `append` continued. */
TW_TRIAL tw_status* tw_record_writer_create(tw_str path, int32_t append, tw_record_writer** out);
/* A new event file in that folder, which is made when it is missing: events.out.tfevents.SECONDS.HOST plus `suffix`.
 * Its records are Event messages; the first one, with the format's version, is written here. */
TW_TRIAL tw_status* tw_event_writer_create(tw_str directory, tw_str suffix, tw_record_writer** out);
TW_TRIAL tw_str tw_record_writer_path(const tw_record_writer* writer);
TW_TRIAL tw_status* tw_record_writer_write(tw_record_writer* writer, const void* data, size_t size);
/* Hands what is buffered to the system; with `to_disk` waits until it is safe there. */
TW_TRIAL tw_status* tw_record_writer_flush(tw_record_writer* writer, int32_t to_disk);
TW_TRIAL tw_status* tw_record_writer_close(tw_record_writer* writer);
TW_TRIAL void tw_record_writer_release(tw_record_writer* writer); /* closes it */

/* Reads from byte `offset` on. One thread at a time. */
TW_TRIAL tw_status* tw_record_reader_create(tw_str path, uint64_t offset, tw_record_reader** out);
/* *record is NULL at the end of the file. TW_DATA_LOSS for a record that is cut off or damaged; the reader stays where
 * it is, so that a file still being written can be tried again. */
TW_TRIAL tw_status* tw_record_reader_next(tw_record_reader* reader, tw_buffer** record);
TW_TRIAL uint64_t tw_record_reader_offset(const tw_record_reader* reader); /* of the record that comes next */
TW_TRIAL void tw_record_reader_release(tw_record_reader* reader);

/* CRC-32C, as record files and checkpoints use it (they store it masked). */
TW_TRIAL uint32_t tw_crc32c(const void* data, size_t size);

/* A checkpoint of either version. TW_NOT_FOUND when nothing is there. */
TW_TRIAL tw_status* tw_checkpoint_open(tw_str prefix, tw_checkpoint** out);
TW_TRIAL int64_t tw_checkpoint_count(const tw_checkpoint* checkpoint);
/* Tensor `i` in order of names; `name` is borrowed. */
TW_TRIAL tw_status* tw_checkpoint_entry(const tw_checkpoint* checkpoint, int64_t i, tw_str* name, int32_t* dtype,
                                        int64_t dims[TW_MAX_RANK], int32_t* rank);
TW_TRIAL tw_status* tw_checkpoint_read(const tw_checkpoint* checkpoint, tw_str name, tw_tensor** out);
TW_TRIAL void tw_checkpoint_release(tw_checkpoint* checkpoint);

#ifdef __cplusplus
}
#endif
#endif /* THALWEG_THALWEG_H_ */
