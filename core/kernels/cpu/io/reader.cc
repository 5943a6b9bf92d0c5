#include "core/kernels/cpu/io/reader.h"

#include "core/formats/reader_state.h"

namespace tw {

Status Reader::begin(StepContext& step, Queue& queue) {
  if (queue.spec().types != std::vector<DType>{DType::kString}) {
    return invalid_argument("A reader needs a queue of one string component, but ", queue.describe(), " has ",
                            to_string(AttrValue(queue.spec().types)));
  }
  std::vector<QueueElement> element;
  TW_RETURN_IF_ERROR(queue.dequeue(step, 1, false, &element));
  if (element[0][0].num_elements() != 1) {
    return invalid_argument("A reader's work is a scalar string, but ", queue.describe(), " gave one of shape ",
                            element[0][0].shape());
  }
  work_ = *element[0][0].data<std::string>();
  ++started_;
  const Status s = open(work_);
  if (!s.ok()) {
    ++finished_;
    return s;
  }
  working_ = true;
  return {};
}

void Reader::finish() {
  close();
  working_ = false;
  ++finished_;
}

Status Reader::read(StepContext& step, Queue& queue, std::string* key, std::string* value) {
  std::lock_guard lock(mutex_);
  for (;;) {
    TW_RETURN_IF_ERROR(step.check());
    if (!working_) TW_RETURN_IF_ERROR(begin(step, queue));
    Result<bool> found = next(key, value);
    if (!found.ok()) {
      // What is broken is left behind, so that the next read goes on with the next file.
      finish();
      return std::move(found).status();
    }
    if (*found) {
      ++produced_;
      return {};
    }
    finish();
  }
}

Status Reader::read_up_to(StepContext& step, Queue& queue, int64_t count, std::vector<std::string>* keys,
                          std::vector<std::string>* values) {
  std::string key, value;
  TW_RETURN_IF_ERROR(read(step, queue, &key, &value));
  keys->push_back(std::move(key));
  values->push_back(std::move(value));
  std::lock_guard lock(mutex_);
  while (working_ && static_cast<int64_t>(keys->size()) < count) {
    TW_ASSIGN_OR_RETURN(const bool found, next(&key, &value));
    if (!found) {
      finish();
      break;
    }
    ++produced_;
    keys->push_back(std::move(key));
    values->push_back(std::move(value));
  }
  return {};
}

int64_t Reader::records_produced() const {
  std::lock_guard lock(mutex_);
  return produced_;
}
int64_t Reader::work_units_completed() const {
  std::lock_guard lock(mutex_);
  return finished_;
}

void Reader::reset() {
  std::lock_guard lock(mutex_);
  if (working_) close();
  working_ = false;
  started_ = finished_ = produced_ = 0;
  work_.clear();
}

Result<std::string> Reader::serialize() const {
  std::lock_guard lock(mutex_);
  if (!restorable()) return unimplemented("Reader SerializeState: ", describe());
  return encode_reader_state({started_, finished_, produced_, work_});
}

Status Reader::restore(std::string_view bytes) {
  std::lock_guard lock(mutex_);
  if (!restorable()) return unimplemented("Reader RestoreState: ", describe());
  TW_ASSIGN_OR_RETURN(ReaderState state, decode_reader_state(bytes));
  if (state.started < 0 || state.finished < 0 || state.produced < 0 || state.finished > state.started) {
    return invalid_argument("Unexpected state of ", describe(), ": ", state.started, " pieces of work started, ",
                            state.finished, " finished, ", state.produced, " records");
  }
  if (working_) close();
  started_ = state.started, finished_ = state.finished, produced_ = state.produced;
  work_ = std::move(state.work);
  working_ = started_ > finished_;
  return working_ ? open(work_) : Status();
}

}  // namespace tw
