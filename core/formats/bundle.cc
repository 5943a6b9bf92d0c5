#include "core/formats/bundle.h"

#include <atomic>
#include <cstdio>
#include <cstring>

#ifdef _WIN32
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif

#include "core/formats/tensor_proto.h"
#include "core/formats/wire.h"
#include "core/platform/crc32c.h"

namespace tw {
namespace {

// BundleHeaderProto with little-endian data and version 1.
std::string encode_header(int shards) {
  std::string bytes, version;
  protozero::pbf_writer(version).add_int32(1, 1);
  protozero::pbf_writer out(bytes);
  out.add_int32(1, shards);
  out.add_message(3, version);
  return bytes;
}

struct Header {
  int32_t shards = 0;
  int32_t endianness = 0;
  int32_t min_consumer = 0;
};

Result<Header> decode_header(std::string_view proto) {
  Header header;
  try {
    protozero::pbf_reader in = wire::reader(proto);
    while (in.next()) {
      switch (in.tag()) {
        case 1: header.shards = in.get_int32(); break;
        case 2: header.endianness = in.get_enum(); break;
        case 3: {
          protozero::pbf_reader version = in.get_message();
          while (version.next()) {
            if (version.tag() == 2) {
              header.min_consumer = version.get_int32();
            } else {
              version.skip();
            }
          }
          break;
        }
        default: in.skip();
      }
    }
  } catch (const protozero::exception&) {
    return data_loss("the header of the checkpoint is corrupted");
  }
  return header;
}

// A name for files in the making that no other process or writer uses.
std::string temporary_suffix() {
  static std::atomic<uint32_t> counter{0};
  return internal::concat(".tempstate", static_cast<long>(getpid()), "_", counter.fetch_add(1));
}

std::string_view bytes_of(const void* data, size_t size) { return {static_cast<const char*>(data), size}; }

// Lengths enter the checksum as they stand in memory: 32 bits wide, 64 for giants.
uint32_t extend_by_length(uint32_t crc, uint64_t length) {
  if (length <= UINT32_MAX) {
    const auto narrow = static_cast<uint32_t>(length);
    return extend_crc32c(crc, &narrow, sizeof narrow);
  }
  return extend_crc32c(crc, &length, sizeof length);
}

Status write_index(const std::string& path, int shards,
                   const std::map<std::string, BundleEntry, std::less<>>& entries) {
  TW_ASSIGN_OR_RETURN(const auto file, WritableFile::open(path));
  TableBuilder table(file.get());
  TW_RETURN_IF_ERROR(table.add("", encode_header(shards)));
  for (const auto& [key, entry] : entries) TW_RETURN_IF_ERROR(table.add(key, entry.encode()));
  TW_RETURN_IF_ERROR(table.finish());
  return file->close(true);
}

void remove_quietly(const std::string& path) {
  if (file_exists(path)) (void)remove_file(path).ok();
}

}  // namespace

std::string BundleEntry::encode() const {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  out.add_enum(1, static_cast<int32_t>(dtype));
  out.add_message(2, encode_shape(shape));
  if (shard != 0) out.add_int32(3, shard);
  if (offset != 0) out.add_int64(4, offset);
  if (size != 0) out.add_int64(5, size);
  if (crc != 0) out.add_fixed32(6, crc);
  for (const TensorSlice& slice : slices) out.add_message(7, slice.encode());
  return bytes;
}

Result<BundleEntry> BundleEntry::decode(std::string_view proto) {
  BundleEntry entry;
  try {
    protozero::pbf_reader in = wire::reader(proto);
    while (in.next()) {
      switch (in.tag()) {
        case 1: {
          const int32_t dtype = in.get_enum();
          if (!dtype_valid(dtype) || is_ref(static_cast<DType>(dtype))) {
            return data_loss("the entry has dtype number ", dtype, ", which is none");
          }
          entry.dtype = static_cast<DType>(dtype);
          break;
        }
        case 2: {
          auto shape = decode_shape(wire::take_view(in), false);
          if (!shape.ok()) return data_loss(shape.status().message());
          entry.shape = *shape;
          break;
        }
        case 3: entry.shard = in.get_int32(); break;
        case 4: entry.offset = in.get_int64(); break;
        case 5: entry.size = in.get_int64(); break;
        case 6: entry.crc = in.get_fixed32(); break;
        case 7: {
          TW_ASSIGN_OR_RETURN(TensorSlice slice, TensorSlice::decode(wire::take_view(in)));
          entry.slices.push_back(std::move(slice));
          break;
        }
        default: in.skip();
      }
    }
  } catch (const protozero::exception&) {
    return data_loss("the entry is corrupted");
  }
  if (entry.dtype == DType::kInvalid) return data_loss("the entry has no dtype");
  if (entry.offset < 0 || entry.size < 0 || entry.shard < 0) return data_loss("the entry has a negative position");
  return entry;
}

std::string bundle_index_name(std::string_view prefix) { return std::string(prefix) + ".index"; }
std::string bundle_data_name(std::string_view prefix, int shard, int shards) {
  char tail[48];
  std::snprintf(tail, sizeof tail, ".data-%05d-of-%05d", shard, shards);
  return std::string(prefix) + tail;
}

BundleWriter::BundleWriter(std::string prefix) : prefix_(std::move(prefix)), temporary_(temporary_suffix()) {}

Result<std::unique_ptr<BundleWriter>> BundleWriter::create(const std::string& prefix) {
  TW_RETURN_IF_ERROR(make_directories(directory_of(prefix)));
  auto writer = std::unique_ptr<BundleWriter>(new BundleWriter(prefix));
  TW_ASSIGN_OR_RETURN(writer->data_, WritableFile::open(bundle_data_name(prefix, 0, 1) + writer->temporary_));
  return writer;
}

BundleWriter::~BundleWriter() {
  if (!data_) return;
  (void)data_->close().ok();
  remove_quietly(data_->path());
  remove_quietly(bundle_index_name(prefix_) + temporary_);
}

Result<BundleEntry> BundleWriter::write_tensor(const Tensor& tensor) {
  BundleEntry entry;
  entry.dtype = tensor.dtype();
  entry.shape = tensor.shape();
  entry.offset = offset_;
  uint32_t crc = 0;
  if (tensor.dtype() == DType::kString) {
    std::string lengths;
    for (const std::string& s : tensor.flat<std::string>()) {
      put_varint(&lengths, s.size());
      crc = extend_by_length(crc, s.size());
    }
    const uint32_t lengths_crc = mask_crc32c(crc);
    lengths.append(bytes_of(&lengths_crc, sizeof lengths_crc));
    crc = extend_crc32c(crc, &lengths_crc, sizeof lengths_crc);
    TW_RETURN_IF_ERROR(data_->append(lengths));
    entry.size = static_cast<int64_t>(lengths.size());
    for (const std::string& s : tensor.flat<std::string>()) {
      TW_RETURN_IF_ERROR(data_->append(s));
      crc = extend_crc32c(crc, s.data(), s.size());
      entry.size += static_cast<int64_t>(s.size());
    }
  } else if (is_plain(tensor.dtype())) {
    TW_RETURN_IF_ERROR(data_->append(bytes_of(tensor.raw(), tensor.bytes())));
    crc = extend_crc32c(0, tensor.raw(), tensor.bytes());
    entry.size = static_cast<int64_t>(tensor.bytes());
  } else {
    return unimplemented("tensors of dtype ", dtype_name(tensor.dtype()), " cannot be saved");
  }
  entry.crc = mask_crc32c(crc);
  offset_ += entry.size;
  return entry;
}

Status BundleWriter::add(const std::string& name, const Tensor& tensor) {
  if (name.empty()) return invalid_argument("a saved tensor's name must not be empty");
  if (entries_.count(name) != 0) return invalid_argument("Adding duplicate key: ", name);
  TW_ASSIGN_OR_RETURN(BundleEntry entry, write_tensor(tensor));
  entries_.emplace(name, std::move(entry));
  return {};
}

Status BundleWriter::add_slice(const std::string& name, const Shape& full, const TensorSlice& slice,
                               const Tensor& tensor) {
  // A slice that covers everything is still recorded as one, so that readers with other partitions find it.
  auto [it, fresh] = entries_.try_emplace(name);
  BundleEntry& entry = it->second;
  if (fresh) {
    entry.dtype = tensor.dtype();
    entry.shape = full;
  } else if (entry.slices.empty() || entry.dtype != tensor.dtype() || entry.shape != full) {
    return invalid_argument("Slice ", slice.to_string(), " of ", name,
                            " does not agree with what was added before: ", dtype_name(tensor.dtype()), full, " and ",
                            dtype_name(entry.dtype), entry.shape);
  }
  const std::string key = slice_key(name, slice);
  if (entries_.count(key) != 0)
    return invalid_argument("Adding duplicate slice ", slice.to_string(), " of key: ", name);
  entry.slices.push_back(slice);
  TW_ASSIGN_OR_RETURN(BundleEntry part, write_tensor(tensor));
  entries_.emplace(key, std::move(part));
  return {};
}

Status BundleWriter::finish() {
  const std::string data = bundle_data_name(prefix_, 0, 1), index = bundle_index_name(prefix_);
  TW_RETURN_IF_ERROR(data_->close(true));
  TW_RETURN_IF_ERROR(write_index(index + temporary_, 1, entries_));
  TW_RETURN_IF_ERROR(rename_file(data + temporary_, data));
  TW_RETURN_IF_ERROR(rename_file(index + temporary_, index));
  data_.reset();
  return sync_directory(directory_of(prefix_));
}

Result<std::unique_ptr<BundleReader>> BundleReader::open(const std::string& prefix) {
  auto reader = std::make_unique<BundleReader>();
  reader->prefix_ = prefix;
  const std::string index = bundle_index_name(prefix);
  TW_ASSIGN_OR_RETURN(const auto table, Table::open(index));
  bool first = true;
  TW_RETURN_IF_ERROR(table->scan("", [&](std::string_view key, std::string_view value) -> Status {
    if (first) {
      first = false;
      if (!key.empty()) return data_loss(index, "; the table has no checkpoint header");
      auto header = decode_header(value);
      if (!header.ok()) return std::move(std::move(header).status().prefix(index));
      if (header->endianness != 0) {
        return unimplemented("Reading a bundle with different endianness from the reader: ", index);
      }
      if (header->min_consumer > 1) {
        return invalid_argument("Checkpoint ", index, " needs a reader of version ", header->min_consumer,
                                ", this one is 1");
      }
      if (header->shards < 1 || header->shards > 100000) {
        return data_loss(index, "; the header names ", header->shards, " data files");
      }
      reader->shards_ = header->shards;
      return {};
    }
    auto entry = BundleEntry::decode(value);
    if (!entry.ok()) return data_loss(index, "; tensor ", key, ": ", entry.status().message());
    if (entry->shard >= reader->shards_) {
      return data_loss(index, "; tensor ", key, " lies in data file ", entry->shard, " of ", reader->shards_);
    }
    // Names begin with no zero byte; keys of parts do.
    (key[0] == '\0' ? reader->parts_ : reader->tensors_).emplace(key, std::move(*entry));
    return {};
  }));
  if (first) return data_loss(index, "; the table has no checkpoint header");
  for (int s = 0; s < reader->shards_; ++s) {
    auto file = ReadableFile::open(bundle_data_name(prefix, s, reader->shards_));
    if (!file.ok() && file.status().code() != Code::kNotFound) return std::move(file).status();
    reader->data_.push_back(file.ok() ? std::move(*file) : nullptr);
  }
  return reader;
}

Result<const BundleEntry*> BundleReader::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  if (it == tensors_.end()) return not_found("Key ", name, " not found in checkpoint");
  return &it->second;
}

Result<Tensor> BundleReader::read_entry(std::string_view name, const BundleEntry& entry) const {
  const std::string where = bundle_data_name(prefix_, entry.shard, shards_);
  const ReadableFile* file = data_[static_cast<size_t>(entry.shard)].get();
  if (!file) return not_found(where, "; No such file or directory (it holds tensor ", name, ")");
  const auto size = static_cast<uint64_t>(entry.size), offset = static_cast<uint64_t>(entry.offset);
  if (offset > file->size() || size > file->size() - offset) {
    return data_loss(where, "; tensor ", name, " needs bytes ", offset, " to ", offset + size,
                     ", but the file ends at ", file->size());
  }
  const auto checksum_error = [&](uint32_t got) {
    return data_loss(where, "; tensor ", name, ": Checksum does not match: stored ", unmask_crc32c(entry.crc),
                     " vs. calculated on the restored bytes ", got);
  };
  const int64_t count = entry.shape.num_elements();
  if (is_plain(entry.dtype)) {
    if (static_cast<uint64_t>(count) != size / dtype_size(entry.dtype) || size % dtype_size(entry.dtype) != 0) {
      return data_loss(where, "; tensor ", name, " of ", dtype_name(entry.dtype), entry.shape, " has ", size, " bytes");
    }
    TW_ASSIGN_OR_RETURN(Tensor tensor, Tensor::make(entry.dtype, entry.shape));
    TW_RETURN_IF_ERROR(file->read_at(offset, static_cast<size_t>(size), tensor.raw()));
    const uint32_t crc = extend_crc32c(0, tensor.raw(), static_cast<size_t>(size));
    if (mask_crc32c(crc) != entry.crc) return checksum_error(crc);
    return tensor;
  }
  if (entry.dtype != DType::kString) {
    return unimplemented(where, "; tensor ", name, " has dtype ", dtype_name(entry.dtype),
                         ", which cannot be restored");
  }
  // At least one byte of length per string.
  if (static_cast<uint64_t>(count) > size) return data_loss(where, "; tensor ", name, " has more strings than bytes");
  std::string bytes(static_cast<size_t>(size), '\0');
  TW_RETURN_IF_ERROR(file->read_at(offset, bytes.size(), bytes.data()));
  std::string_view rest(bytes);
  std::vector<uint64_t> lengths(static_cast<size_t>(count));
  uint32_t crc = 0;
  uint64_t total = 0;
  for (uint64_t& length : lengths) {
    if (!get_varint(&rest, &length) || length > size || (total += length) > size) {
      return data_loss(where, "; tensor ", name, " has corrupted string lengths");
    }
    crc = extend_by_length(crc, length);
  }
  uint32_t lengths_crc = 0;
  if (rest.size() < sizeof lengths_crc || total != rest.size() - sizeof lengths_crc) {
    return data_loss(where, "; tensor ", name, " has corrupted string lengths");
  }
  std::memcpy(&lengths_crc, rest.data(), sizeof lengths_crc);
  rest.remove_prefix(sizeof lengths_crc);
  if (lengths_crc != mask_crc32c(crc)) {
    return data_loss(where, "; tensor ", name, ": The length checksum does not match: expected ", lengths_crc,
                     " but actual is ", mask_crc32c(crc));
  }
  crc = extend_crc32c(crc, &lengths_crc, sizeof lengths_crc);
  crc = extend_crc32c(crc, rest.data(), rest.size());
  if (mask_crc32c(crc) != entry.crc) return checksum_error(crc);
  TW_ASSIGN_OR_RETURN(Tensor tensor, Tensor::make(DType::kString, entry.shape));
  for (size_t i = 0; i < lengths.size(); ++i) {
    tensor.data<std::string>()[i].assign(rest.substr(0, static_cast<size_t>(lengths[i])));
    rest.remove_prefix(static_cast<size_t>(lengths[i]));
  }
  return tensor;
}

Result<Tensor> BundleReader::read(std::string_view name) const {
  TW_ASSIGN_OR_RETURN(const BundleEntry* entry, find(name));
  return entry->slices.empty() ? read_entry(name, *entry) : read_slice(name, TensorSlice::full(entry->shape.rank()));
}

Result<Tensor> BundleReader::read_slice(std::string_view name, const TensorSlice& slice) const {
  TW_ASSIGN_OR_RETURN(const BundleEntry* entry, find(name));
  TW_ASSIGN_OR_RETURN(const TensorSlice wanted, slice.resolved(entry->shape));
  TW_ASSIGN_OR_RETURN(Tensor result, Tensor::make(entry->dtype, wanted.shape()));
  if (entry->slices.empty()) {
    TW_ASSIGN_OR_RETURN(const Tensor whole, read_entry(name, *entry));
    TW_ASSIGN_OR_RETURN(const TensorSlice all, TensorSlice::full(entry->shape.rank()).resolved(entry->shape));
    copy_overlap(entry->dtype, all, whole.raw(), wanted, result.raw());
    return result;
  }
  int64_t copied = 0;
  for (const TensorSlice& stored : entry->slices) {
    auto part_slice = stored.resolved(entry->shape);
    if (!part_slice.ok())
      return data_loss(bundle_index_name(prefix_), "; tensor ", name, ": ", part_slice.status().message());
    const auto it = parts_.find(slice_key(name, stored));
    if (it == parts_.end() || it->second.dtype != entry->dtype || it->second.shape != part_slice->shape()) {
      return data_loss(bundle_index_name(prefix_), "; slice ", stored.to_string(), " of tensor ", name,
                       " is missing or differs");
    }
    TW_ASSIGN_OR_RETURN(const Tensor part, read_entry(name, it->second));
    copied += copy_overlap(entry->dtype, *part_slice, part.raw(), wanted, result.raw());
  }
  if (copied < result.num_elements()) {
    return data_loss(bundle_index_name(prefix_), "; the slices of tensor ", name, " do not cover ", wanted.to_string());
  }
  return result;
}

Status merge_bundles(std::span<const std::string> prefixes, const std::string& merged) {
  if (prefixes.empty()) return invalid_argument("there are no checkpoints to merge");
  std::vector<std::unique_ptr<BundleReader>> readers;
  int shards = 0;
  for (const std::string& prefix : prefixes) {
    TW_ASSIGN_OR_RETURN(auto reader, BundleReader::open(prefix));
    shards += reader->shards();
    readers.push_back(std::move(reader));
  }
  std::map<std::string, BundleEntry, std::less<>> entries;
  std::vector<std::pair<std::string, std::string>> renames;
  for (const auto& reader : readers) {
    const int first = static_cast<int>(renames.size());
    for (int s = 0; s < reader->shards(); ++s) {
      renames.emplace_back(bundle_data_name(reader->prefix(), s, reader->shards()),
                           bundle_data_name(merged, first + s, shards));
    }
    for (const auto* part : {&reader->tensors_, &reader->parts_}) {
      for (const auto& [key, entry] : *part) {
        BundleEntry moved = entry;
        if (entry.slices.empty()) moved.shard += first;
        const auto [it, fresh] = entries.emplace(key, moved);
        if (fresh) continue;
        // Only tensors in parts may come from several bundles.
        BundleEntry& known = it->second;
        if (known.slices.empty() || entry.slices.empty() || known.dtype != entry.dtype || known.shape != entry.shape) {
          return invalid_argument("Merging ", reader->prefix(), ": tensor ", key, " is in another checkpoint already");
        }
        known.slices.insert(known.slices.end(), entry.slices.begin(), entry.slices.end());
      }
    }
  }
  readers.clear();
  TW_RETURN_IF_ERROR(make_directories(directory_of(merged)));
  const std::string index = bundle_index_name(merged), temporary = index + temporary_suffix();
  Status s = write_index(temporary, shards, entries);
  for (const auto& [from, to] : renames) {
    if (s.ok()) s = rename_file(from, to);
  }
  if (s.ok()) s = rename_file(temporary, index);
  if (!s.ok()) {
    remove_quietly(temporary);
    return s;
  }
  TW_RETURN_IF_ERROR(sync_directory(directory_of(merged)));
  for (const std::string& prefix : prefixes) {
    if (prefix != merged) remove_quietly(bundle_index_name(prefix));
  }
  return {};
}

}  // namespace tw
