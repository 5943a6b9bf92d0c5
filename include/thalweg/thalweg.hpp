// Thalweg for C++17: the C API with owning types, exceptions for errors, and operations as functions.
//
//   tw::Graph g;
//   auto x = g.placeholder<float>({-1, 3});
//   auto w = g.variable<float>("w", {3, 1});
//   auto y = g.op("MatMul", {x, w.read()});
//   tw::Session session(g);
//   session.run_targets({w.assign(g.constant<float>({3, 1}, {1, 2, 3}))});
//   auto result = session.run({{x, tw::Tensor::of<float>({1, 3}, {1, 1, 1})}}, {y})[0];
//
// Header-only; everything goes through thalweg.h. Errors of the library are thrown as tw::Error. Objects may be used
// from several threads as the C API allows.
#ifndef THALWEG_THALWEG_HPP_
#define THALWEG_THALWEG_HPP_

#include <thalweg/thalweg.h>

#include <cstring>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

// The inner namespace keeps these names apart from the library's own where both are linked statically.
namespace tw {
inline namespace cpp {

// An error of the library: its code, the node at fault, and the line where that node was made.
class Error : public std::runtime_error {
 public:
  Error(int32_t code, const std::string& message, std::string node, std::string where)
      : std::runtime_error(message), code_(code), node_(std::move(node)), where_(std::move(where)) {}
  int32_t code() const { return code_; }  // TW_INVALID_ARGUMENT, ...
  const std::string& node() const { return node_; }
  const std::string& where() const { return where_; }

 private:
  int32_t code_;
  std::string node_, where_;
};

namespace detail {

inline std::string string(tw_str s) { return std::string(s.data == nullptr ? "" : s.data, s.size); }
inline tw_str str(std::string_view s) { return tw_str{s.data(), s.size()}; }

inline void check(tw_status* status) {
  if (status == nullptr) return;
  Error error(tw_status_code(status), string(tw_status_message(status)), string(tw_status_node(status)),
              string(tw_status_where(status)));
  tw_status_release(status);
  throw error;
}

template <typename T, void (*release)(T*)>
struct Releaser {
  void operator()(T* p) const { release(p); }
};
template <typename T, void (*release)(T*)>
using Handle = std::unique_ptr<T, Releaser<T, release>>;

template <typename T>
struct DTypeOf;
// clang-format off
template <> struct DTypeOf<float> { static constexpr int32_t value = TW_FLOAT; };
template <> struct DTypeOf<double> { static constexpr int32_t value = TW_DOUBLE; };
template <> struct DTypeOf<int8_t> { static constexpr int32_t value = TW_INT8; };
template <> struct DTypeOf<int16_t> { static constexpr int32_t value = TW_INT16; };
template <> struct DTypeOf<int32_t> { static constexpr int32_t value = TW_INT32; };
template <> struct DTypeOf<int64_t> { static constexpr int32_t value = TW_INT64; };
template <> struct DTypeOf<uint8_t> { static constexpr int32_t value = TW_UINT8; };
template <> struct DTypeOf<uint16_t> { static constexpr int32_t value = TW_UINT16; };
template <> struct DTypeOf<uint32_t> { static constexpr int32_t value = TW_UINT32; };
template <> struct DTypeOf<uint64_t> { static constexpr int32_t value = TW_UINT64; };
template <> struct DTypeOf<bool> { static constexpr int32_t value = TW_BOOL; };
// clang-format on

}  // namespace detail

// The TW_* number of a C++ element type.
template <typename T>
constexpr int32_t dtype_of() {
  return detail::DTypeOf<T>::value;
}

using Shape = std::vector<int64_t>;

// A tensor; copies share the storage.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(tw_tensor* owned) : handle_(owned) {}
  Tensor(const Tensor& other) : handle_(other.handle_ ? tw_tensor_share(other.get()) : nullptr) {}
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor other) noexcept {
    handle_ = std::move(other.handle_);
    return *this;
  }

  // Copies `values`, which are shape's elements in row-major order.
  template <typename T>
  static Tensor of(const Shape& shape, const std::vector<T>& values) {
    static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no array of bool; use copy_of");
    return copy_of<T>(shape, values.data(), values.size());
  }
  template <typename T>
  static Tensor copy_of(const Shape& shape, const T* values, size_t count) {
    tw_tensor* t = nullptr;
    detail::check(tw_tensor_copy_from(dtype_of<T>(), shape.data(), static_cast<int32_t>(shape.size()), values,
                                      count * sizeof(T), &t));
    return Tensor(t);
  }
  template <typename T>
  static Tensor scalar(T value) {
    return copy_of<T>({}, &value, 1);
  }

  tw_tensor* get() const { return handle_.get(); }
  int32_t dtype() const { return tw_tensor_dtype(get()); }
  Shape shape() const {
    const int64_t* dims = tw_tensor_dims(get());
    return Shape(dims, dims + tw_tensor_rank(get()));
  }
  int64_t num_elements() const { return tw_tensor_num_elements(get()); }
  // The elements; throws Error when the tensor holds another type.
  template <typename T>
  const T* data() const {
    if (dtype() != dtype_of<T>()) {
      throw Error(TW_INVALID_ARGUMENT, "the tensor holds elements of another type than was asked for", "", "");
    }
    return static_cast<const T*>(tw_tensor_data(get()));
  }
  template <typename T>
  std::vector<T> to_vector() const {
    return std::vector<T>(data<T>(), data<T>() + num_elements());
  }

 private:
  detail::Handle<tw_tensor, tw_tensor_release> handle_;
};

// Output `index` of a node of a graph.
struct Output {
  int32_t node = -1;
  int32_t index = 0;
  bool valid() const { return node >= 0; }
  operator tw_output() const { return tw_output{node, index}; }
};

// A node's attribute. Makes itself from numbers, strings, shapes, tensors; types need Attr::type.
class Attr {
 public:
  Attr(std::string name, int64_t v) : Attr(std::move(name), Kind{TW_ATTR_INT}) { ints_ = {v}; }
  Attr(std::string name, int32_t v) : Attr(std::move(name), static_cast<int64_t>(v)) {}
  Attr(std::string name, float v) : Attr(std::move(name), Kind{TW_ATTR_FLOAT}) { floats_ = {v}; }
  Attr(std::string name, double v) : Attr(std::move(name), static_cast<float>(v)) {}
  Attr(std::string name, bool v) : Attr(std::move(name), Kind{TW_ATTR_BOOL}) { bools_ = {static_cast<uint8_t>(v)}; }
  Attr(std::string name, std::string v) : Attr(std::move(name), Kind{TW_ATTR_STRING}) { strings_ = {std::move(v)}; }
  Attr(std::string name, const char* v) : Attr(std::move(name), std::string(v)) {}
  Attr(std::string name, std::vector<int64_t> v) : Attr(std::move(name), Kind{TW_ATTR_INT | TW_ATTR_LIST}) {
    ints_ = std::move(v);
  }
  Attr(std::string name, Tensor v) : Attr(std::move(name), Kind{TW_ATTR_TENSOR}) { tensor_ = std::move(v); }
  static Attr type(std::string name, int32_t dtype) {
    Attr a(std::move(name), Kind{TW_ATTR_TYPE});
    a.types_ = {dtype};
    return a;
  }
  static Attr shape(std::string name, Shape dims) {
    Attr a(std::move(name), Kind{TW_ATTR_SHAPE});
    a.ints_ = std::move(dims);
    return a;
  }

  // The C form; points into this object.
  tw_attr c() const {
    tw_attr a{};
    a.name = detail::str(name_);
    a.kind = kind_;
    a.count = 1;
    switch (kind_) {
      case TW_ATTR_INT | TW_ATTR_LIST: a.count = static_cast<int32_t>(ints_.size()); [[fallthrough]];
      case TW_ATTR_INT: a.value.ints = ints_.data(); break;
      case TW_ATTR_FLOAT: a.value.floats = floats_.data(); break;
      case TW_ATTR_BOOL: a.value.bools = bools_.data(); break;
      case TW_ATTR_TYPE: a.value.types = types_.data(); break;
      case TW_ATTR_STRING:
        c_string_ = detail::str(strings_[0]);
        a.value.strings = &c_string_;
        break;
      case TW_ATTR_SHAPE:
        c_shape_ = tw_shape{ints_.data(), static_cast<int32_t>(ints_.size())};
        a.value.shapes = &c_shape_;
        break;
      case TW_ATTR_TENSOR:
        c_tensor_ = tensor_.get();
        a.value.tensors = &c_tensor_;
        break;
    }
    return a;
  }

 private:
  struct Kind {
    int32_t number;
  };
  Attr(std::string name, Kind kind) : name_(std::move(name)), kind_(kind.number) {}

  std::string name_;
  int32_t kind_;
  std::vector<int64_t> ints_;
  std::vector<float> floats_;
  std::vector<uint8_t> bools_;
  std::vector<int32_t> types_;
  std::vector<std::string> strings_;
  Tensor tensor_;
  mutable tw_str c_string_{};
  mutable tw_shape c_shape_{};
  mutable const tw_tensor* c_tensor_ = nullptr;
};

class Graph;

// A float, double or integer variable that lives in a session. Copies name the same variable.
class Variable {
 public:
  Variable() = default;
  Output handle() const { return handle_; }
  // A fresh read, ordered by its own position in the graph.
  Output read() const;
  // Nodes to run as targets.
  Output assign(Output value) const;
  Output assign_add(Output value) const;
  Output assign_sub(Output value) const;

 private:
  friend class Graph;
  Graph* graph_ = nullptr;
  Output handle_;
  int32_t dtype_ = TW_INVALID;
};

// A graph. Copies refer to the same graph.
class Graph {
 public:
  Graph() {
    tw_graph* g = nullptr;
    detail::check(tw_graph_create(&g));
    handle_.reset(g);
  }
  Graph(const Graph& other) : handle_(tw_graph_share(other.get())) {}
  tw_graph* get() const { return handle_.get(); }

  // Adds an operation; an empty name takes the op's, made unique. Returns its output 0.
  Output op(std::string_view type, const std::vector<Output>& inputs, const std::vector<Attr>& attrs = {},
            std::string_view name = {}, const std::vector<Output>& after = {}) {
    std::vector<tw_output> c_inputs(inputs.begin(), inputs.end());
    std::vector<tw_attr> c_attrs;
    for (const Attr& a : attrs) c_attrs.push_back(a.c());
    std::vector<int32_t> controls;
    for (Output o : after) controls.push_back(o.node);
    tw_node_desc desc{};
    desc.struct_size = sizeof desc;
    desc.op = detail::str(type);
    desc.name = detail::str(name);
    desc.inputs = c_inputs.data();
    desc.num_inputs = c_inputs.size();
    desc.attrs = c_attrs.data();
    desc.num_attrs = c_attrs.size();
    desc.controls = controls.data();
    desc.num_controls = controls.size();
    int32_t node = -1;
    detail::check(tw_graph_add(get(), &desc, &node));
    return Output{node, 0};
  }
  template <typename T>
  Output placeholder(const Shape& shape, std::string_view name = {}) {
    return op("Placeholder", {}, {Attr::type("dtype", dtype_of<T>()), Attr::shape("shape", shape)}, name);
  }
  Output constant(Tensor value, std::string_view name = {}) {
    const int32_t dtype = value.dtype();
    return op("Const", {}, {Attr::type("dtype", dtype), Attr("value", std::move(value))}, name);
  }
  template <typename T>
  Output constant(const Shape& shape, const std::vector<T>& values) {
    return constant(Tensor::of<T>(shape, values));
  }
  template <typename T>
  Output scalar(T value) {
    return constant(Tensor::scalar<T>(value));
  }
  template <typename T>
  Variable variable(std::string_view name, const Shape& shape) {
    Variable v;
    v.graph_ = this;
    v.dtype_ = dtype_of<T>();
    v.handle_ =
        op("VarHandleOp", {},
           {Attr::type("dtype", v.dtype_), Attr::shape("shape", shape), Attr("shared_name", std::string(name))}, name);
    return v;
  }

  // d(sum of ys)/d(each x). An x that no y depends on gives an output that is not valid; sparse gradients are made
  // dense.
  std::vector<Output> gradients(const std::vector<Output>& ys, const std::vector<Output>& xs) {
    std::vector<tw_output> c_ys(ys.begin(), ys.end()), c_xs(xs.begin(), xs.end());
    std::vector<tw_grad> grads(xs.size());
    detail::check(tw_graph_gradients(get(), c_ys.data(), c_ys.size(), c_xs.data(), c_xs.size(), nullptr, grads.data()));
    std::vector<Output> result;
    for (const tw_grad& g : grads) {
      if (g.dense.node >= 0 || g.values.node < 0) {
        result.push_back(Output{g.dense.node, g.dense.index});
        continue;
      }
      const Output values{g.values.node, g.values.index}, indices{g.indices.node, g.indices.index};
      const Output shape{g.dense_shape.node, g.dense_shape.index};
      const Output rows =
          op("StridedSlice",
             {shape, constant<int32_t>({1}, {0}), constant<int32_t>({1}, {1}), constant<int32_t>({1}, {1})},
             {Attr("shrink_axis_mask", 1)});
      result.push_back(op("UnsortedSegmentSum", {values, indices, rows}));
    }
    return result;
  }

  // Appends the nodes of a GraphDef.
  void import(const void* graph_def, size_t size, std::string_view prefix = {}) {
    tw_import_options options{};
    options.struct_size = sizeof options;
    options.prefix = detail::str(prefix);
    int32_t first = 0, count = 0;
    detail::check(tw_graph_import(get(), graph_def, size, &options, &first, &count));
  }
  // Output `index` of the node of that name; throws Error when there is none.
  Output find(std::string_view name, int32_t index = 0) const {
    const int32_t node = tw_graph_find(get(), detail::str(name));
    if (node < 0) throw Error(TW_NOT_FOUND, "the graph has no node '" + std::string(name) + "'", std::string(name), "");
    return Output{node, index};
  }

 private:
  detail::Handle<tw_graph, tw_graph_release> handle_;
};

inline Output Variable::read() const { return graph_->op("ReadVariableOp", {handle_}, {Attr::type("dtype", dtype_)}); }
inline Output Variable::assign(Output value) const { return graph_->op("AssignVariableOp", {handle_, value}); }
inline Output Variable::assign_add(Output value) const { return graph_->op("AssignAddVariableOp", {handle_, value}); }
inline Output Variable::assign_sub(Output value) const { return graph_->op("AssignSubVariableOp", {handle_, value}); }

// A session: runs parts of a graph and keeps the variables' values.
class Session {
 public:
  explicit Session(const Graph& graph) {
    tw_session* s = nullptr;
    detail::check(tw_session_create(graph.get(), nullptr, &s));
    handle_.reset(s);
  }
  tw_session* get() const { return handle_.get(); }

  using Feeds = std::vector<std::pair<Output, Tensor>>;

  // Values of `fetches`; `targets` are run for their effect.
  std::vector<Tensor> run(const Feeds& feeds, const std::vector<Output>& fetches,
                          const std::vector<Output>& targets = {}) {
    std::vector<tw_output> c_feeds, c_fetches(fetches.begin(), fetches.end());
    std::vector<tw_tensor*> values, results(fetches.size(), nullptr);
    std::vector<int32_t> nodes;
    for (const auto& [output, tensor] : feeds) {
      c_feeds.push_back(output);
      values.push_back(tensor.get());
    }
    for (Output t : targets) nodes.push_back(t.node);
    detail::check(tw_session_run(get(), nullptr, c_feeds.data(), values.data(), c_feeds.size(), c_fetches.data(),
                                 results.data(), results.size(), nodes.data(), nodes.size(), nullptr));
    std::vector<Tensor> owned;
    for (tw_tensor* t : results) owned.emplace_back(t);
    return owned;
  }
  // Runs nodes for their effect.
  void run_targets(const std::vector<Output>& targets, const Feeds& feeds = {}) { run(feeds, {}, targets); }

 private:
  detail::Handle<tw_session, tw_session_release> handle_;
};

}  // namespace cpp
}  // namespace tw

#endif  // THALWEG_THALWEG_HPP_
