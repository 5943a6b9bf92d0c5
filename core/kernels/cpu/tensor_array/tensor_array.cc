#include "core/kernels/cpu/tensor_array/tensor_array.h"

#include "core/kernels/move/fill.h"

namespace tw {

namespace {

template <typename T>
void add_elements(const Tensor& to, const Tensor& from) {
  T* a = to.data<T>();
  const T* b = from.data<T>();
  for (int64_t i = 0; i < to.num_elements(); ++i) a[i] = static_cast<T>(a[i] + b[i]);
}

}  // namespace

TensorArray::TensorArray(TensorArrayOptions options, int64_t size)
    : options_(std::move(options)), elements_(static_cast<size_t>(size)) {}

Status TensorArray::check_open() const {
  return closed_ ? invalid_argument("TensorArray ", options_.name, " has already been closed.") : Status();
}

Result<int64_t> TensorArray::size() const {
  std::lock_guard lock(mutex_);
  TW_RETURN_IF_ERROR(check_open());
  return static_cast<int64_t>(elements_.size());
}

Shape TensorArray::element_shape() const {
  std::lock_guard lock(mutex_);
  return options_.element_shape;
}

Status TensorArray::merge_element_shape(const Shape& s) {
  std::lock_guard lock(mutex_);
  if (!compatible(options_.element_shape, s)) {
    return invalid_argument("PartialTensorShape: Incompatible shapes during merge: ", options_.element_shape, " vs. ",
                            s);
  }
  TW_ASSIGN_OR_RETURN(options_.element_shape, merge(options_.element_shape, s));
  return {};
}

Status TensorArray::write(int64_t index, Tensor value) {
  std::lock_guard lock(mutex_);
  TW_RETURN_IF_ERROR(check_open());
  const auto size = static_cast<int64_t>(elements_.size());
  if (index < 0 || (index >= size && !options_.dynamic_size)) {
    return fail("Tried to write to index ", index, " but array is not resizeable and size is: ", size);
  }
  if (value.dtype() != options_.dtype) {
    return fail("Could not write to TensorArray index ", index, " because the value dtype is ",
                dtype_name(value.dtype()), " but TensorArray dtype is ", dtype_name(options_.dtype), ".");
  }
  if (!compatible(options_.element_shape, value.shape())) {
    return fail("Could not write to TensorArray index ", index, " because the value shape is ", value.shape(),
                " which is incompatible with the TensorArray's inferred element shape: ", options_.element_shape,
                " (consider setting infer_shape=False).");
  }
  if (index >= size) elements_.resize(static_cast<size_t>(index) + 1);
  Element& e = elements_[static_cast<size_t>(index)];
  if (e.was_read) return fail("Could not write to TensorArray index ", index, " because it has already been read.");
  if (e.written && !options_.add_writes) {
    return fail("Could not write to TensorArray index ", index, " because it has already been written to.");
  }
  if (options_.identical_element_shapes) options_.element_shape = value.shape();
  if (e.written) return add(e, index, std::move(value));
  e.shape = value.shape();
  e.value = std::move(value);
  e.written = true;
  return {};
}

Status TensorArray::add(Element& e, int64_t index, Tensor value) {
  if (!(e.shape == value.shape())) {
    return fail("Could not aggregate to TensorArray index ", index, " because the existing shape is ", e.shape,
                " but the new input shape is ", value.shape(), ".");
  }
  if (!e.value.valid()) {
    e.value = std::move(value);
    return {};
  }
  if (!e.own) {
    TW_ASSIGN_OR_RETURN(e.value, e.value.clone());
    e.own = true;
  }
  const bool known =
      visit_number(options_.dtype, [&](auto tag) { add_elements<typename decltype(tag)::type>(e.value, value); });
  if (!known) return unimplemented("TensorArrays of dtype ", dtype_name(options_.dtype), " do not add up writes");
  added_up_ = true;
  return {};
}

Result<Tensor> TensorArray::read(int64_t index) {
  std::lock_guard lock(mutex_);
  TW_RETURN_IF_ERROR(check_open());
  const auto size = static_cast<int64_t>(elements_.size());
  if (index < 0 || index >= size) {
    return invalid_argument("Tried to read from index ", index, " but array size is: ", size);
  }
  Element& e = elements_[static_cast<size_t>(index)];
  if (!e.written) {
    if (!options_.element_shape.fully_known()) {
      return fail("Could not read from TensorArray index ", index,
                  ".  Furthermore, the element shape is not fully defined: ", options_.element_shape,
                  ".  It is possible you are working with a resizeable TensorArray and stop_gradients is not allowing "
                  "the gradients to be written.  If you set the full element_shape property on the forward "
                  "TensorArray, the proper all-zeros tensor will be returned instead of incurring this error.");
    }
    e.shape = options_.element_shape;
  }
  if (e.cleared) {
    return fail("Could not read index ", index,
                " twice because it was cleared after a previous read (perhaps try setting clear_after_read = false?).");
  }
  if (!e.value.valid()) {
    TW_ASSIGN_OR_RETURN(e.value, Tensor::make(options_.dtype, e.shape));
    if (is_plain(options_.dtype)) fill_elements(options_.dtype, nullptr, e.value.raw(), e.value.num_elements());
  }
  Tensor value = e.value;
  e.was_read = true;
  if (options_.clear_after_read) {
    e.value = Tensor();
    e.cleared = true;
  }
  return value;
}

void TensorArray::close() {
  std::vector<Element> doomed;
  std::lock_guard lock(mutex_);
  doomed.swap(elements_);
  closed_ = true;
}

Result<Ref<TensorArray>> TensorArray::gradient(const std::string& source) {
  std::lock_guard lock(mutex_);
  TW_RETURN_IF_ERROR(check_open());
  if (const auto it = gradients_.find(source); it != gradients_.end()) return it->second;
  if (added_up_) {
    return invalid_argument("Unable to create a gradients TensorArray for ", options_.name,
                            ".  Perhaps you used the multiple_writes_aggregate flag on a previous write?  Gradient "
                            "calculation is impossible when multiple writes are performed to the same index.");
  }
  TensorArrayOptions options = options_;
  options.name = internal::concat(options_.name, "@", source);
  options.dynamic_size = false;
  options.clear_after_read = true;
  options.add_writes = true;
  auto made = make_ref<TensorArray>(std::move(options), static_cast<int64_t>(elements_.size()));
  for (size_t i = 0; i < elements_.size(); ++i) {
    made->elements_[i].shape = elements_[i].shape;
    made->elements_[i].written = elements_[i].written;
  }
  gradients_[source] = made;
  return made;
}

Result<TensorArray*> tensor_array_input(const RunContext& ctx, int i, DType dtype) {
  const Value& v = ctx.input(i);
  if (v.shape->num_elements() != 1) return invalid_argument("handle must be a scalar, but has shape ", *v.shape);
  auto* array = dynamic_cast<TensorArray*>(static_cast<const ResourceHandle*>(v.data)->get());
  if (array == nullptr) return invalid_argument("the handle in input ", i, " is of no TensorArray");
  if (dtype != DType::kInvalid && array->dtype() != dtype) {
    return invalid_argument("TensorArray dtype is ", dtype_name(array->dtype()), " but Op requested dtype ",
                            dtype_name(dtype), ".");
  }
  return array;
}

}  // namespace tw
