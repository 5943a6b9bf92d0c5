// The orders in which queues give their elements.
#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <random>

#include "core/kernels/cpu/queue/queue.h"
#include "core/kernels/cpu/random/philox.h"

namespace tw {

namespace {

class FifoStore : public QueueStore {
 public:
  void push(QueueElement e) override { elements_.push_back(std::move(e)); }
  QueueElement pop() override {
    QueueElement e = std::move(elements_.front());
    elements_.pop_front();
    return e;
  }
  void unpop(QueueElement e) override { elements_.push_front(std::move(e)); }
  int64_t size() const override { return static_cast<int64_t>(elements_.size()); }
  int64_t available(bool) const override { return size(); }

 private:
  std::deque<QueueElement> elements_;
};

// Batches elements of different shapes, filled up with zeros, or empty strings, to the largest of each dimension.
class PaddingStore final : public FifoStore {
 public:
  Result<Tensor> batch(const std::vector<QueueElement>& elements, size_t i, const QueueSpec& spec) const override {
    const int rank = spec.shapes[i].rank();
    std::vector<int64_t> dims{static_cast<int64_t>(elements.size())};
    for (int d = 0; d < rank; ++d) {
      int64_t largest = std::max<int64_t>(spec.shapes[i].dim(d), 0);
      for (const QueueElement& e : elements) largest = std::max(largest, e[i].shape().dim(d));
      dims.push_back(largest);
    }
    TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make(dims));
    TW_ASSIGN_OR_RETURN(Tensor out, Tensor::make(spec.types[i], shape));
    if (is_plain(out.dtype())) std::memset(out.raw(), 0, out.bytes());
    const size_t size = dtype_size(out.dtype());
    size_t stride = size;  // of a batch entry, in bytes
    for (size_t d = 1; d < dims.size(); ++d) stride *= static_cast<size_t>(dims[d]);
    char* to = static_cast<char*>(out.raw());
    for (const QueueElement& e : elements) {
      copy_block(e[i], 0, static_cast<const char*>(e[i].raw()), to, dims);
      to += stride;
    }
    return out;
  }

 private:
  // Copies dimensions `d` and after of `e` into the corner of a block of dims[1 + d], ...
  static void copy_block(const Tensor& e, int d, const char* from, char* to, const std::vector<int64_t>& dims) {
    const int rank = e.shape().rank();
    const size_t size = dtype_size(e.dtype());
    if (d >= rank - 1) {
      copy_elements(e.dtype(), from, to, rank == 0 ? 1 : e.shape().dim(d));
      return;
    }
    size_t from_step = size, to_step = size;
    for (int k = d + 1; k < rank; ++k) {
      from_step *= static_cast<size_t>(e.shape().dim(k));
      to_step *= static_cast<size_t>(dims[static_cast<size_t>(k) + 1]);
    }
    for (int64_t k = 0; k < e.shape().dim(d); ++k, from += from_step, to += to_step) {
      copy_block(e, d + 1, from, to, dims);
    }
  }
};

class ShuffleStore final : public QueueStore {
 public:
  // Two seeds of 0 ask for a seed from the system, as TensorFlow's do.
  ShuffleStore(int64_t min_after, uint64_t seed, uint64_t seed2)
      : min_after_(min_after), random_(seed == 0 && seed2 == 0 ? Philox(entropy(), entropy()) : Philox(seed, seed2)) {}

  void push(QueueElement e) override { elements_.push_back(std::move(e)); }
  QueueElement pop() override {
    const size_t at = random_() % elements_.size();
    std::swap(elements_[at], elements_.back());
    QueueElement e = std::move(elements_.back());
    elements_.pop_back();
    return e;
  }
  void unpop(QueueElement e) override { push(std::move(e)); }
  int64_t size() const override { return static_cast<int64_t>(elements_.size()); }
  int64_t available(bool closed) const override { return closed ? size() : std::max<int64_t>(size() - min_after_, 0); }

 private:
  static uint64_t entropy() {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 32) | device();
  }
  const int64_t min_after_;
  PhiloxWords random_;
  std::vector<QueueElement> elements_;
};

// Smallest first component first; equal ones in the order in which they came.
class PriorityStore final : public QueueStore {
 public:
  Status check(const QueueElement& e) const override {
    if (e[0].shape().rank() == 0) return {};
    return invalid_argument(
        "the priority, component 0 of an element of a PriorityQueue, must be a scalar, but has shape ", e[0].shape());
  }
  void push(QueueElement e) override {
    const int64_t priority = e[0].data<int64_t>()[0];
    elements_.emplace(std::pair(priority, next_++), std::move(e));
  }
  QueueElement pop() override {
    auto first = elements_.extract(elements_.begin());
    return std::move(first.mapped());
  }
  void unpop(QueueElement e) override {
    const int64_t priority = e[0].data<int64_t>()[0];
    elements_.emplace(std::pair(priority, before_--), std::move(e));
  }
  int64_t size() const override { return static_cast<int64_t>(elements_.size()); }
  int64_t available(bool) const override { return size(); }

 private:
  std::map<std::pair<int64_t, int64_t>, QueueElement> elements_;  // by priority and turn
  int64_t next_ = 0, before_ = -1;
};

}  // namespace

std::unique_ptr<QueueStore> fifo_store() { return std::make_unique<FifoStore>(); }
std::unique_ptr<QueueStore> padding_store() { return std::make_unique<PaddingStore>(); }
std::unique_ptr<QueueStore> priority_store() { return std::make_unique<PriorityStore>(); }
std::unique_ptr<QueueStore> shuffle_store(int64_t min_after_dequeue, uint64_t seed, uint64_t seed2) {
  return std::make_unique<ShuffleStore>(min_after_dequeue, seed, seed2);
}

}  // namespace tw
