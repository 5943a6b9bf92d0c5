// Readers: records out of files (or other pieces of work) whose names come from a queue.
#pragma once

#include <mutex>
#include <string>

#include "core/kernels/cpu/queue/queue.h"

namespace tw {

// Thread-safe; one caller reads at a time.
class Reader : public Resource {
 public:
  Reader(std::string kind, std::string name) : kind_(std::move(kind)), name_(std::move(name)) {}
  std::string describe() const override { return internal::concat(kind_, " '", name_, "'"); }

  // The next record, from the next file of `queue` when the current one is at its end. OutOfRange when the queue is
  // closed and empty.
  Status read(StepContext& step, Queue& queue, std::string* key, std::string* value);
  // Up to `count` records of one file: at least one.
  Status read_up_to(StepContext& step, Queue& queue, int64_t count, std::vector<std::string>* keys,
                    std::vector<std::string>* values);
  int64_t records_produced() const;
  int64_t work_units_completed() const;
  void reset();
  // A serialised ReaderBaseState; Unimplemented for readers of files.
  Result<std::string> serialize() const;
  Status restore(std::string_view state);

 protected:
  // Begins with a piece of work, gives its records until there are none, and lets go of it.
  virtual Status open(const std::string& work) = 0;
  virtual Result<bool> next(std::string* key, std::string* value) = 0;
  virtual void close() = 0;
  virtual bool restorable() const { return false; }
  const std::string& work() const { return work_; }

 private:
  // Opens the next piece of work; the mutex is held.
  Status begin(StepContext& step, Queue& queue);
  void finish();

  const std::string kind_, name_;
  mutable std::mutex mutex_;  // of all that follows
  std::string work_;
  bool working_ = false;
  int64_t started_ = 0, finished_ = 0, produced_ = 0;
};

Ref<Reader> whole_file_reader(std::string name);
Ref<Reader> identity_reader(std::string name);
Ref<Reader> text_line_reader(std::string name, int64_t skip_lines);
Ref<Reader> record_reader(std::string name, std::string compression);
struct FixedLength {
  int64_t record = 0, header = 0, footer = 0, hop = 0;  // bytes
};
Ref<Reader> fixed_length_reader(std::string name, const FixedLength& sizes, const std::string& encoding);

}  // namespace tw
