#include "core/kernels/cpu/queue/queue.h"

#include <cstring>

#include "core/framework/step_wait.h"

namespace tw {

namespace {

// A place in a line of waiting callers, left when it goes. The queue's mutex must be held for both.
class Place {
 public:
  explicit Place(std::list<char>& line) : line_(line), at_(line.insert(line.end(), 0)) {}
  ~Place() { line_.erase(at_); }
  Place(const Place&) = delete;
  bool first() const { return at_ == line_.begin(); }

 private:
  std::list<char>& line_;
  const std::list<char>::iterator at_;
};

Status check_element(const QueueSpec& spec, const QueueElement& e) {
  for (size_t i = 0; i < e.size() && i < spec.shapes.size(); ++i) {
    if (!compatible(spec.shapes[i], e[i].shape())) {
      return invalid_argument("Shape mismatch in tuple component ", i, " of ", spec.kind, " '", spec.name,
                              "'. Expected ", spec.shapes[i], ", got ", e[i].shape());
    }
  }
  return {};
}

}  // namespace

std::string Queue::describe() const { return internal::concat(spec_.kind, " '", spec_.name, "'"); }

Status Queue::check_spec(const QueueSpec& other) const {
  const auto differs = [&](std::string_view what, const auto& have, const auto& want) {
    return invalid_argument("Shared queue '", spec_.name, "' has ", what, " ", have, " but requested ", what, " was ",
                            want);
  };
  if (spec_.kind != other.kind) return differs("type", spec_.kind, other.kind);
  if (spec_.capacity != other.capacity) return differs("capacity", spec_.capacity, other.capacity);
  if (spec_.types != other.types) {
    return differs("component types", to_string(AttrValue(spec_.types)), to_string(AttrValue(other.types)));
  }
  if (spec_.shapes != other.shapes) {
    return differs("component shapes", to_string(AttrValue(spec_.shapes)), to_string(AttrValue(other.shapes)));
  }
  return {};
}

Status Queue::closed_error() const { return cancelled(spec_.kind, " '", spec_.name, "' is closed."); }

Status Queue::enqueue(StepContext& step, std::vector<QueueElement> elements) {
  for (const QueueElement& e : elements) {
    TW_RETURN_IF_ERROR(check_element(spec_, e));
    TW_RETURN_IF_ERROR(store_->check(e));
  }
  StepWait wait(step, mutex_, changed_);
  std::optional<Place> place;
  size_t done = 0;
  bool refused = false;
  const Status s = wait.until([&] {
    if (!place) {
      refused = closed_;
      place.emplace(enqueuers_);
    }
    refused |= cancel_pending_;
    if (refused || done == elements.size()) return true;
    if (!place->first()) return false;
    const size_t before = done;
    while (done < elements.size() && (spec_.capacity < 0 || store_->size() < spec_.capacity)) {
      store_->push(std::move(elements[done++]));
    }
    // Whoever waits for elements, and whoever stands behind us.
    if (done > before) changed_.notify_all();
    return done == elements.size();
  });
  std::unique_lock<std::mutex> lock;
  if (!s.ok()) lock = std::unique_lock(mutex_);
  place.reset();
  changed_.notify_all();
  if (s.ok() && refused) return closed_error();
  return s;
}

Status Queue::dequeue(StepContext& step, int64_t n, bool allow_fewer, std::vector<QueueElement>* out) {
  StepWait wait(step, mutex_, changed_);
  std::optional<Place> place;
  std::vector<QueueElement> taken;
  const auto enough = [&] { return static_cast<int64_t>(taken.size()) == n; };
  Status s = wait.until([&] {
    if (!place) place.emplace(dequeuers_);
    if (!place->first()) return false;
    const size_t before = taken.size();
    while (!enough() && store_->available(closed_) > 0) taken.push_back(store_->pop());
    if (taken.size() > before) changed_.notify_all();
    return enough() || (!more_may_come() && store_->available(true) == 0);
  });
  std::unique_lock<std::mutex> lock;
  if (!s.ok()) lock = std::unique_lock(mutex_);
  if (s.ok() && !enough() && !(allow_fewer && !taken.empty())) {
    s = out_of_range(spec_.kind, " '", spec_.name, "' is closed and has insufficient elements (requested ", n,
                     ", current size ", taken.size() + static_cast<size_t>(store_->size()), ")");
  }
  if (!s.ok()) {
    for (; !taken.empty(); taken.pop_back()) store_->unpop(std::move(taken.back()));
  }
  place.reset();
  changed_.notify_all();
  if (s.ok()) *out = std::move(taken);
  return s;
}

Status Queue::dequeue_batch(StepContext& step, int64_t n, bool allow_fewer, std::vector<Tensor>* out) {
  if (spec_.shapes.empty()) {
    return invalid_argument(spec_.kind, " '", spec_.name,
                            "': DequeueMany and DequeueUpTo require the components to have specified shapes.");
  }
  if (n < 0) return invalid_argument(spec_.kind, " '", spec_.name, "' cannot give ", n, " elements");
  std::vector<QueueElement> elements;
  if (n > 0) TW_RETURN_IF_ERROR(dequeue(step, n, allow_fewer, &elements));
  for (size_t i = 0; i < spec_.types.size(); ++i) {
    TW_ASSIGN_OR_RETURN(Tensor t, store_->batch(elements, i, spec_));
    out->push_back(std::move(t));
  }
  return {};
}

Status Queue::close(bool cancel_pending) {
  std::lock_guard lock(mutex_);
  // Closing twice is allowed when the second time is to cancel what the first let wait.
  if (closed_ && !(cancel_pending && !cancel_pending_)) return closed_error();
  closed_ = true;
  cancel_pending_ = cancel_pending;
  changed_.notify_all();
  return {};
}

bool Queue::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

int64_t Queue::size() const {
  std::lock_guard lock(mutex_);
  return store_->size();
}

Result<Tensor> QueueStore::batch(const std::vector<QueueElement>& elements, size_t i, const QueueSpec& spec) const {
  const Shape element = elements.empty() ? spec.shapes[i] : elements[0][i].shape();
  if (!element.fully_known()) {
    return invalid_argument("a batch of no elements of ", spec.kind, " '", spec.name,
                            "' has no known shape: component ", i, " has shape ", element);
  }
  std::vector<int64_t> dims{static_cast<int64_t>(elements.size())};
  dims.insert(dims.end(), element.dims().begin(), element.dims().end());
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make(dims));
  TW_ASSIGN_OR_RETURN(Tensor out, Tensor::make(spec.types[i], shape));
  const int64_t count = element.num_elements();
  char* to = static_cast<char*>(out.raw());
  for (const QueueElement& e : elements) {
    copy_elements(out.dtype(), e[i].raw(), to, count);
    to += static_cast<size_t>(count) * dtype_size(out.dtype());
  }
  return out;
}

}  // namespace tw
