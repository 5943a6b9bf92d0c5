// Record files, event files and checkpoints over the C border.
#include <mutex>

#include "core/api/handles.h"
#include "core/formats/checkpoint.h"
#include "core/formats/record.h"
#include "core/platform/crc32c.h"

using namespace tw;
using namespace tw::api;

struct tw_record_writer {
  std::mutex mutex;
  std::unique_ptr<RecordWriter> writer;
};
struct tw_record_reader {
  std::unique_ptr<RecordReader> reader;
};
struct tw_checkpoint {
  std::unique_ptr<CheckpointReader> reader;
  std::vector<std::string> names;
};

extern "C" {

tw_status* tw_record_writer_create(tw_str path, int32_t append, tw_record_writer** out) {
  return guard([&]() -> Status {
    const auto mode = append != 0 ? WritableFile::Mode::kAppend : WritableFile::Mode::kTruncate;
    TW_ASSIGN_OR_RETURN(auto writer, RecordWriter::open(str(path), mode));
    *out = new tw_record_writer{{}, std::move(writer)};
    return {};
  });
}

tw_status* tw_event_writer_create(tw_str directory, tw_str suffix, tw_record_writer** out) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(auto writer, create_event_file(str(directory), view(suffix)));
    *out = new tw_record_writer{{}, std::move(writer)};
    return {};
  });
}

tw_str tw_record_writer_path(const tw_record_writer* writer) { return c_str(writer->writer->path()); }

tw_status* tw_record_writer_write(tw_record_writer* writer, const void* data, size_t size) {
  return guard([&]() -> Status {
    std::lock_guard lock(writer->mutex);
    return writer->writer->write(std::string_view(static_cast<const char*>(data), size));
  });
}

tw_status* tw_record_writer_flush(tw_record_writer* writer, int32_t to_disk) {
  return guard([&]() -> Status {
    std::lock_guard lock(writer->mutex);
    return to_disk != 0 ? writer->writer->sync() : writer->writer->flush();
  });
}

tw_status* tw_record_writer_close(tw_record_writer* writer) {
  return guard([&]() -> Status {
    std::lock_guard lock(writer->mutex);
    return writer->writer->close();
  });
}

void tw_record_writer_release(tw_record_writer* writer) { delete writer; }

tw_status* tw_record_reader_create(tw_str path, uint64_t offset, tw_record_reader** out) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(auto reader, RecordReader::open(str(path), offset));
    *out = new tw_record_reader{std::move(reader)};
    return {};
  });
}

tw_status* tw_record_reader_next(tw_record_reader* reader, tw_buffer** record) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(auto next, reader->reader->next());
    *record = next ? new tw_buffer{std::move(*next)} : nullptr;
    return {};
  });
}

uint64_t tw_record_reader_offset(const tw_record_reader* reader) { return reader->reader->offset(); }
void tw_record_reader_release(tw_record_reader* reader) { delete reader; }

uint32_t tw_crc32c(const void* data, size_t size) { return extend_crc32c(0, data, size); }

tw_status* tw_checkpoint_open(tw_str prefix, tw_checkpoint** out) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(auto reader, CheckpointReader::open(str(prefix)));
    auto checkpoint = std::make_unique<tw_checkpoint>();
    for (const auto& [name, info] : reader->tensors()) checkpoint->names.push_back(name);
    checkpoint->reader = std::move(reader);
    *out = checkpoint.release();
    return {};
  });
}

int64_t tw_checkpoint_count(const tw_checkpoint* checkpoint) { return static_cast<int64_t>(checkpoint->names.size()); }

tw_status* tw_checkpoint_entry(const tw_checkpoint* checkpoint, int64_t i, tw_str* name, int32_t* dtype,
                               int64_t dims[TW_MAX_RANK], int32_t* rank) {
  return guard([&]() -> Status {
    if (i < 0 || i >= tw_checkpoint_count(checkpoint)) {
      return out_of_range("tensor ", i, " of a checkpoint of ", checkpoint->names.size());
    }
    const std::string& key = checkpoint->names[static_cast<size_t>(i)];
    const SavedTensor& info = checkpoint->reader->tensors().find(key)->second;
    *name = c_str(key);
    *dtype = static_cast<int32_t>(info.dtype);
    *rank = info.shape.rank();
    for (int d = 0; d < info.shape.rank(); ++d) dims[d] = info.shape[d];
    return {};
  });
}

tw_status* tw_checkpoint_read(const tw_checkpoint* checkpoint, tw_str name, tw_tensor** out) {
  return guard([&]() -> Status {
    TW_ASSIGN_OR_RETURN(Tensor value, checkpoint->reader->read(view(name)));
    *out = new tw_tensor{std::move(value)};
    return {};
  });
}

void tw_checkpoint_release(tw_checkpoint* checkpoint) { delete checkpoint; }

}  // extern "C"
