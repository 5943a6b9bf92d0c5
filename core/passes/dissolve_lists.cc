// Tensor lists whose elements are known one by one, as those of an unrolled loop are: what is read from them is taken
// from where it was put in, and the lists themselves are no longer made.
#include <algorithm>
#include <map>
#include <set>

#include "core/passes/pass.h"

namespace tw {

namespace {

// A longer list is cheaper as one.
constexpr int64_t kMaxSize = 1024;

// What is known of a list.
struct List {
  std::vector<Output> elements;  // not valid() where none was set
  DType dtype = DType::kInvalid;
  Shape element_shape = Shape::unknown();  // as far as it is known
  bool shape_known = true;                 // whether that is all of it
  int64_t max_elements = -1;
  Output rows;     // the tensor whose rows the elements are
  int marks = -1;  // of which list each element may be read once; -1: they may be read at will
};

class Dissolver {
 public:
  explicit Dissolver(Body& body) : body_(body), g_(*body.body), rewriter_(body) {}

  Status run() {
    // Whether anything reads an array twice, or leaves marks that are not seen here, is known at the end only.
    for (const NodeId id : g_.topological_order()) TW_RETURN_IF_ERROR(visit(id));
    for (const Reading& r : marked_) {
      if (broken_.count(r.marks) == 0) elements_.emplace(r.from, r.to);
    }
    for (const auto& [from, to] : elements_) rewriter_.replace(from, to);
    rewriter_.apply();
    return {};
  }

 private:
  struct Reading {
    Output from, to;
    int marks;
  };

  // What is read at `from` was put in as `to`.
  void read(Output from, Output to, int marks) {
    if (marks < 0) elements_.emplace(from, to);
    else marked_.push_back({from, to, marks});
  }

  const Shape& shape_of(Output o) const { return g_.mutable_node(o.node).output_shapes[static_cast<size_t>(o.index)]; }
  const List* list_at(Output o) const {
    const auto at = lists_.find(o);
    return at == lists_.end() ? nullptr : &at->second;
  }

  // The value of an integer constant that waits for nothing, or that was put into a list.
  std::optional<int64_t> integer(Output o) const {
    for (auto at = elements_.find(o); at != elements_.end(); at = elements_.find(o)) o = at->second;
    const Node& n = g_.mutable_node(o.node);
    const Tensor* t = n.controls.empty() ? constant_of(n) : nullptr;
    if (t == nullptr || t->num_elements() != 1 || (t->dtype() != DType::kInt32 && t->dtype() != DType::kInt64)) {
      return std::nullopt;
    }
    return index_value(*t, 0);
  }
  // The shape that an element_shape operand spells.
  std::optional<Shape> spelled(Output o) const {
    const Node& n = g_.mutable_node(o.node);
    const Tensor* t = n.controls.empty() ? constant_of(n) : nullptr;
    if (t == nullptr || (t->dtype() != DType::kInt32 && t->dtype() != DType::kInt64)) return std::nullopt;
    if (t->shape().rank() == 0) return index_value(*t, 0) == -1 ? std::optional(Shape::unknown()) : std::nullopt;
    Result<Shape> s = shape_from_tensor(*t, true);
    return s.ok() ? std::optional(std::move(*s)) : std::nullopt;
  }

  Status visit(NodeId id) {
    using Visit = Result<bool> (Dissolver::*)(const Node&);
    static const std::map<std::string_view, Visit> kVisits{
        {"EmptyTensorList", &Dissolver::make},
        {"TensorListReserve", &Dissolver::make},
        {"TensorListPushBack", &Dissolver::push},
        {"TensorListPopBack", &Dissolver::pop},
        {"TensorListSetItem", &Dissolver::set},
        {"TensorListGetItem", &Dissolver::get},
        {"TensorListFromTensor", &Dissolver::from_tensor},
        {"TensorListScatterIntoExistingList", &Dissolver::scatter},
        {"TensorListStack", &Dissolver::stack},
        {"TensorListLength", &Dissolver::ask},
        {"TensorListElementShape", &Dissolver::ask},
        {"_TensorListAddItem", &Dissolver::add_item},
        {"ZerosLike", &Dissolver::zeros_like},
        {"AddN", &Dissolver::add},
        {"Identity", &Dissolver::pass_on},
    };
    const Node& n = g_.mutable_node(id);
    const auto at = kVisits.find(n.op->name);
    if (at != kVisits.end() && n.controls.empty()) {
      TW_ASSIGN_OR_RETURN(const bool understood, (this->*at->second)(n));
      if (understood) return {};
    }
    // Whoever else reads leaves marks that are not seen here.
    for (const Output o : n.inputs) {
      if (const List* list = list_at(o); list != nullptr && list->marks >= 0) broken_.insert(list->marks);
    }
    return {};
  }

  Result<bool> make(const Node& n) {
    List list;
    const std::optional<Shape> shape = spelled(n.inputs[0]);
    const std::optional<int64_t> count = integer(n.inputs[1]);
    list.dtype = n.attr().dtype("element_dtype");
    if (!count || !is_plain(list.dtype)) return false;
    list.shape_known = shape.has_value();
    list.element_shape = shape.value_or(Shape::unknown());
    if (n.op->name == "EmptyTensorList") {
      list.max_elements = *count;
    } else {
      if (*count < 0 || *count > kMaxSize) return false;
      list.elements.resize(static_cast<size_t>(*count));
    }
    if (n.attrs.contains("_clear_after_read")) list.marks = next_marks_++;
    lists_[{n.id, 0}] = std::move(list);
    return true;
  }

  // Whether the element surely fits the list.
  bool fits(const List& list, const Node& n, Output element) const {
    return n.attr().dtype("element_dtype") == list.dtype && refines(shape_of(element), list.element_shape);
  }

  Result<bool> push(const Node& n) {
    const List* before = list_at(n.inputs[0]);
    if (before == nullptr || !fits(*before, n, n.inputs[1])) return false;
    const auto size = static_cast<int64_t>(before->elements.size());
    if (size >= kMaxSize || (before->max_elements >= 0 && size >= before->max_elements)) return false;
    List list = *before;
    list.rows = {};
    list.elements.push_back(n.inputs[1]);
    lists_[{n.id, 0}] = std::move(list);
    return true;
  }

  Result<bool> pop(const Node& n) {
    const List* before = list_at(n.inputs[0]);
    if (before == nullptr || before->elements.empty() || n.attr().dtype("element_dtype") != before->dtype) return false;
    const Output last = before->elements.back();
    if (!last.valid() || !reads_as(last, {n.id, 1})) return false;
    List list = *before;
    list.rows = {};
    list.elements.pop_back();
    read({n.id, 1}, last, list.marks);
    lists_[{n.id, 0}] = std::move(list);
    return true;
  }

  // Whether the element surely has the shape that its reader is known to give.
  bool reads_as(Output element, Output reader) const { return refines(shape_of(element), shape_of(reader)); }

  // The element that an op's operand 1 names, when there is one.
  std::optional<size_t> index(const List& list, const Node& n) const {
    const std::optional<int64_t> i = integer(n.inputs[1]);
    if (!i || *i < 0 || *i >= static_cast<int64_t>(list.elements.size())) return std::nullopt;
    return static_cast<size_t>(*i);
  }

  Result<bool> set(const Node& n) {
    const List* before = list_at(n.inputs[0]);
    if (before == nullptr || !fits(*before, n, n.inputs[2])) return false;
    const std::optional<size_t> i = index(*before, n);
    if (!i) return false;
    const bool was_read = before->marks >= 0 && read_.count({before->marks, *i}) != 0;
    if (n.attrs.contains("_write_once") && (before->elements[*i].valid() || was_read)) return false;
    List list = *before;
    list.rows = {};
    list.elements[*i] = n.inputs[2];
    lists_[{n.id, 0}] = std::move(list);
    return true;
  }

  // Notes that an element is read where that leaves marks.
  void mark(const List& list, size_t i, const Node& n) {
    if (list.marks < 0) return;
    if (!n.attrs.contains("_clear_after_read") || !list.elements[i].valid()) broken_.insert(list.marks);
    else if (!read_.insert({list.marks, i}).second) broken_.insert(list.marks);
  }

  Result<bool> get(const Node& n) {
    const List* list = list_at(n.inputs[0]);
    if (list == nullptr || n.attr().dtype("element_dtype") != list->dtype) return false;
    const std::optional<size_t> i = index(*list, n);
    if (!i) return false;
    mark(*list, *i, n);
    Output element = list->elements[*i];
    const int marks = list->marks;
    if (!element.valid()) {
      if (!refines(shape_of({n.id, 0}), list->element_shape)) return false;
      TW_ASSIGN_OR_RETURN(element, zeros(n, list->dtype, shape_of({n.id, 0})));
    }
    if (!element.valid() || !reads_as(element, {n.id, 0})) return false;
    read({n.id, 0}, element, marks);
    return true;
  }

  // Zeros of a known shape; not valid() where they are too large for a constant.
  Result<Output> zeros(const Node& like, DType dtype, const Shape& shape) {
    if (!shape.fully_known() || shape.num_elements() * static_cast<int64_t>(dtype_size(dtype)) > int64_t{1} << 16) {
      return Output{};
    }
    TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(dtype, shape));
    std::fill_n(t.data<char>(), t.bytes(), char{0});
    TW_ASSIGN_OR_RETURN(const NodeId id, add_constant(body_, like, std::move(t)));
    return Output{id, 0};
  }

  // The rows of a tensor, one by one; none where their number is not known or too large.
  Result<std::vector<Output>> rows_of(const Node& like, Output tensor) {
    const Shape shape = shape_of(tensor);
    if (shape.rank() < 1 || shape[0] < 1 || shape[0] > kMaxSize) return std::vector<Output>();
    auto at = unpacked_.find(tensor);
    if (at == unpacked_.end()) {
      const AttrMap attrs{{"num", shape[0]}, {"axis", int64_t{0}}};
      TW_ASSIGN_OR_RETURN(const NodeId id, add_node(body_, like, "rows", "Unpack", {tensor}, attrs));
      at = unpacked_.emplace(tensor, id).first;
    }
    std::vector<Output> rows;
    for (int32_t i = 0; i < static_cast<int32_t>(shape[0]); ++i) rows.push_back({at->second, i});
    return rows;
  }

  Result<bool> from_tensor(const Node& n) {
    const Output tensor = n.inputs[0];
    List list;
    const std::optional<Shape> shape = spelled(n.inputs[1]);
    list.dtype = n.attr().dtype("element_dtype");
    if (!is_plain(list.dtype)) return false;
    list.shape_known = shape.has_value();
    list.element_shape = shape.value_or(Shape::unknown());
    TW_ASSIGN_OR_RETURN(list.elements, rows_of(n, tensor));
    if (list.elements.empty() || !refines(shape_of(list.elements[0]), list.element_shape)) return false;
    list.rows = tensor;
    lists_[{n.id, 0}] = std::move(list);
    return true;
  }

  // Rows put into a list that has none, one after the other.
  Result<bool> scatter(const Node& n) {
    const List* before = list_at(n.inputs[0]);
    const Node& indices = g_.mutable_node(n.inputs[2].node);
    const Tensor* order = indices.controls.empty() ? constant_of(indices) : nullptr;
    if (before == nullptr || order == nullptr || n.attr().dtype("element_dtype") != before->dtype) return false;
    List list = *before;
    if (order->num_elements() != static_cast<int64_t>(list.elements.size())) return false;
    for (int64_t i = 0; i < order->num_elements(); ++i) {
      if (index_value(*order, i) != i || list.elements[static_cast<size_t>(i)].valid()) return false;
    }
    TW_ASSIGN_OR_RETURN(std::vector<Output> rows, rows_of(n, n.inputs[1]));
    if (rows.size() != list.elements.size() || !refines(shape_of(rows[0]), list.element_shape)) return false;
    list.elements = std::move(rows);
    list.rows = n.inputs[1];
    lists_[{n.id, 0}] = std::move(list);
    return true;
  }

  Result<bool> stack(const Node& n) {
    const List* found = list_at(n.inputs[0]);
    if (found == nullptr || found->elements.empty() || n.attr().dtype("element_dtype") != found->dtype) return false;
    List list = *found;
    const auto size = static_cast<int64_t>(list.elements.size());
    const int64_t wanted = n.attr().integer("num_elements");
    if (wanted != -1 && wanted != size) return false;
    const Shape asked = spelled(n.inputs[1]).value_or(Shape::unknown());
    for (size_t i = 0; i < list.elements.size(); ++i) mark(list, i, n);
    Shape common = Shape::unknown();
    for (const Output o : list.elements) {
      if (o.valid()) common = shape_of(o);
    }
    if (!common.rank_known() || !refines(common, asked) || common.rank() == kMaxRank) return false;
    for (Output& o : list.elements) {
      if (!o.valid()) {
        TW_ASSIGN_OR_RETURN(o, zeros(n, list.dtype, common));
      }
      if (!o.valid() || shape_of(o) != common) return false;
    }
    Output whole = list.rows;
    if (!whole.valid()) {
      const AttrMap attrs{{"N", size}, {"T", list.dtype}, {"axis", int64_t{0}}};
      TW_ASSIGN_OR_RETURN(const NodeId id, add_node(body_, n, "rows", "Pack", list.elements, attrs));
      whole = Output{id, 0};
    }
    if (!reads_as(whole, {n.id, 0})) return false;
    read({n.id, 0}, whole, list.marks);
    return true;
  }

  // How long it is, or what its elements must fit.
  Result<bool> ask(const Node& n) {
    const List* list = list_at(n.inputs[0]);
    if (list == nullptr || (n.op->name == "TensorListElementShape" && !list->shape_known)) return false;
    std::vector<int64_t> answer{static_cast<int64_t>(list->elements.size())};
    Shape shape{};
    if (n.op->name == "TensorListElementShape") {
      const Shape& element = list->element_shape;
      answer.assign(1, -1);
      if (element.rank_known()) {
        shape = Shape{element.rank()};
        answer.assign(element.dims().begin(), element.dims().end());
      }
    }
    TW_ASSIGN_OR_RETURN(Tensor t, Tensor::make(n.output_dtypes[0], shape));
    for (size_t i = 0; i < answer.size(); ++i) {
      if (t.dtype() == DType::kInt32) t.data<int32_t>()[i] = static_cast<int32_t>(answer[i]);
      else t.data<int64_t>()[i] = answer[i];
    }
    TW_ASSIGN_OR_RETURN(const NodeId id, add_constant(body_, n, std::move(t)));
    read({n.id, 0}, {id, 0}, -1);
    return true;
  }

  // The sum of elements; one that was never set counts as zero.
  Result<Output> sum(const Node& like, DType dtype, std::vector<Output> terms) {
    std::erase_if(terms, [](Output o) { return !o.valid(); });
    if (terms.empty()) return Output{};
    if (terms.size() == 1) return terms[0];
    const AttrMap attrs{{"N", static_cast<int64_t>(terms.size())}, {"T", dtype}};
    TW_ASSIGN_OR_RETURN(const NodeId id, add_node(body_, like, "sum", "AddN", std::move(terms), attrs));
    return Output{id, 0};
  }

  Result<bool> add_item(const Node& n) {
    const List* before = list_at(n.inputs[0]);
    if (before == nullptr || !fits(*before, n, n.inputs[2]) || before->marks >= 0) return false;
    const std::optional<size_t> i = index(*before, n);
    if (!i) return false;
    List list = *before;
    list.rows = {};
    Output& element = list.elements[*i];
    if (element.valid() && shape_of(element) != shape_of(n.inputs[2])) return false;
    TW_ASSIGN_OR_RETURN(element, sum(n, list.dtype, {element, n.inputs[2]}));
    lists_[{n.id, 0}] = std::move(list);
    return true;
  }

  Result<bool> zeros_like(const Node& n) {
    const List* of = list_at(n.inputs[0]);
    if (of == nullptr) return false;
    List list;
    list.dtype = of->dtype;
    list.element_shape = of->element_shape;
    list.shape_known = of->shape_known;
    list.elements.resize(of->elements.size());
    // An element keeps its own shape, which a list of nothing but unset ones would not know.
    for (const Output o : of->elements) {
      if (o.valid() && !(shape_of(o) == list.element_shape)) return false;
    }
    lists_[{n.id, 0}] = std::move(list);
    return true;
  }

  // Lists are added element by element.
  Result<bool> add(const Node& n) {
    if (n.output_dtypes[0] != DType::kVariant) return false;
    List list;
    for (size_t k = 0; k < n.inputs.size(); ++k) {
      const List* term = list_at(n.inputs[k]);
      if (term == nullptr || term->marks >= 0) return false;
      if (k == 0) list = *term;
      if (term->dtype != list.dtype || term->elements.size() != list.elements.size()) return false;
    }
    list.rows = {};
    for (size_t i = 0; i < list.elements.size(); ++i) {
      std::vector<Output> terms;
      for (const Output in : n.inputs) {
        const Output term = list_at(in)->elements[i];
        if (!term.valid()) continue;
        if (!shape_of(term).rank_known()) return false;
        if (!terms.empty() && shape_of(term) != shape_of(terms[0])) return false;
        terms.push_back(term);
      }
      TW_ASSIGN_OR_RETURN(list.elements[i], sum(n, list.dtype, std::move(terms)));
    }
    lists_[{n.id, 0}] = std::move(list);
    return true;
  }

  Result<bool> pass_on(const Node& n) {
    const List* list = list_at(n.inputs[0]);
    if (list == nullptr) return false;
    lists_[{n.id, 0}] = *list;
    return true;
  }

  Body& body_;
  Graph& g_;
  Rewriter rewriter_;
  std::map<Output, List> lists_;
  std::map<Output, NodeId> unpacked_;
  std::map<Output, Output> elements_;  // what is read, and what it is
  std::vector<Reading> marked_;        // the same where reading leaves marks
  std::set<std::pair<int, size_t>> read_;
  std::set<int> broken_;
  int next_marks_ = 0;
};

}  // namespace

Status dissolve_lists(Body& body) { return Dissolver(body).run(); }

}  // namespace tw
