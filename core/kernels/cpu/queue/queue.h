// Queues of tuples of tensors: the resource behind FIFOQueueV2 and its relatives. What makes one kind differ from
// another is the store; waiting, closing and cancelling are the same for all.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/framework/kernel.h"

namespace tw {

using QueueElement = std::vector<Tensor>;  // a tensor per component

struct QueueSpec {
  std::string kind;  // "FIFOQueue", for messages
  std::string name;
  int64_t capacity = -1;      // negative: without limit
  std::vector<DType> types;   // of the components
  std::vector<Shape> shapes;  // of the components; empty when none were declared
};

// The order in which elements leave. Not thread-safe: the queue's mutex guards it.
class QueueStore {
 public:
  virtual ~QueueStore() = default;
  virtual void push(QueueElement e) = 0;
  virtual QueueElement pop() = 0;          // precondition: not empty
  virtual void unpop(QueueElement e) = 0;  // takes back what pop() gave, last given first
  virtual int64_t size() const = 0;
  // How many may be taken now: some stores keep a few back until the queue is closed.
  virtual int64_t available(bool closed) const = 0;
  // InvalidArgument for an element that this kind of queue cannot hold.
  virtual Status check(const QueueElement& e) const { return {}; }
  // The tensor of component `i` for `elements` taken together: a new first dimension over equal shapes.
  virtual Result<Tensor> batch(const std::vector<QueueElement>& elements, size_t i, const QueueSpec& spec) const;
};

std::unique_ptr<QueueStore> fifo_store();
std::unique_ptr<QueueStore> shuffle_store(int64_t min_after_dequeue, uint64_t seed, uint64_t seed2);
std::unique_ptr<QueueStore> padding_store();
std::unique_ptr<QueueStore> priority_store();

// Thread-safe. Callers of the same side are served in the order in which they came.
class Queue : public Resource {
 public:
  Queue(QueueSpec spec, std::unique_ptr<QueueStore> store) : spec_(std::move(spec)), store_(std::move(store)) {}

  std::string describe() const override;
  const QueueSpec& spec() const { return spec_; }
  // InvalidArgument unless another declaration of the queue agrees with this one.
  Status check_spec(const QueueSpec& other) const;

  // Waits while the queue is full. Cancelled when it is closed; what went in before that stays in.
  Status enqueue(StepContext& step, std::vector<QueueElement> elements);
  // Waits for `n` elements. When the queue is closed and has fewer: those it has if `allow_fewer` and there is one,
  // else OutOfRange, and they stay. The same if the step ends first.
  Status dequeue(StepContext& step, int64_t n, bool allow_fewer, std::vector<QueueElement>* out);
  // As dequeue, and puts the elements together, component by component.
  Status dequeue_batch(StepContext& step, int64_t n, bool allow_fewer, std::vector<Tensor>* out);
  // Further enqueues fail; those that wait do too if `cancel_pending`.
  Status close(bool cancel_pending);
  bool closed() const;
  int64_t size() const;

 private:
  using Line = std::list<char>;
  Status closed_error() const;
  bool more_may_come() const { return !closed_ || !enqueuers_.empty(); }

  const QueueSpec spec_;
  mutable std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  const std::unique_ptr<QueueStore> store_;
  Line enqueuers_, dequeuers_;  // who waits, in order
  bool closed_ = false, cancel_pending_ = false;
};

}  // namespace tw
