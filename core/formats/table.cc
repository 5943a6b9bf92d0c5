#include "core/formats/table.h"

#include <algorithm>
#include <cstring>

#include "core/platform/crc32c.h"

namespace tw {
namespace {

constexpr size_t kBlockSize = 256 << 10;
constexpr size_t kTrailer = 5;  // compression type, masked crc
constexpr size_t kFooter = 48;
constexpr uint64_t kMagic = 0xdb4775248b80fb57u;
constexpr char kPlain = 0, kSnappy = 1;

void put_fixed32(std::string* out, uint32_t v) {
  for (int i = 0; i < 4; ++i) out->push_back(static_cast<char>(v >> (8 * i)));
}
uint32_t get_fixed32(const char* p) {
  uint32_t v = 0;
  for (int i = 0; i < 4; ++i) v |= uint32_t{static_cast<uint8_t>(p[i])} << (8 * i);
  return v;
}

// A short key that is >= `a` and < `b`, for the index.
std::string separator(const std::string& a, std::string_view b) {
  const size_t common = static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(std::min(a.size(), b.size())), b.begin()).first -
      a.begin());
  if (common < a.size() && common < b.size()) {
    const auto byte = static_cast<uint8_t>(a[common]);
    if (byte < 0xff && byte + 1 < static_cast<uint8_t>(b[common])) {
      return a.substr(0, common) + static_cast<char>(byte + 1);
    }
  }
  return a;
}
// A short key that is >= `a`.
std::string successor(const std::string& a) {
  for (size_t i = 0; i < a.size(); ++i) {
    const auto byte = static_cast<uint8_t>(a[i]);
    if (byte != 0xff) return a.substr(0, i) + static_cast<char>(byte + 1);
  }
  return a;
}

}  // namespace

void put_varint(std::string* out, uint64_t value) {
  for (; value >= 128; value >>= 7) out->push_back(static_cast<char>(value | 128));
  out->push_back(static_cast<char>(value));
}
bool get_varint(std::string_view* in, uint64_t* value) {
  *value = 0;
  for (size_t i = 0; i < in->size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>((*in)[i]);
    *value |= uint64_t{byte & 127u} << (7 * i);
    if (byte < 128) {
      in->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

void TableBuilder::Block::add(std::string_view key, std::string_view value) {
  size_t shared = 0;
  if (bytes.empty() || since_restart == interval) {
    put_fixed32(&restarts, static_cast<uint32_t>(bytes.size()));
    ++restart_count;
    since_restart = 0;
  } else {
    const size_t limit = std::min(last_key.size(), key.size());
    while (shared < limit && last_key[shared] == key[shared]) ++shared;
  }
  put_varint(&bytes, shared);
  put_varint(&bytes, key.size() - shared);
  put_varint(&bytes, value.size());
  bytes.append(key.substr(shared)).append(value);
  last_key = key;
  ++since_restart;
}

std::string TableBuilder::Block::take() {
  if (restart_count == 0) {
    put_fixed32(&restarts, 0);
    restart_count = 1;
  }
  std::string all = std::move(bytes) + restarts;
  put_fixed32(&all, restart_count);
  bytes.clear();
  restarts.clear();
  restart_count = 0;
  since_restart = 0;
  return all;
}

Result<TableBuilder::Handle> TableBuilder::write_block(Block* block) {
  std::string bytes = block->take();
  const Handle handle{offset_, bytes.size()};
  bytes.push_back(kPlain);
  put_fixed32(&bytes, mask_crc32c(crc32c(bytes)));
  TW_RETURN_IF_ERROR(file_->append(bytes));
  offset_ += bytes.size();
  return handle;
}

Status TableBuilder::flush_data() {
  TW_ASSIGN_OR_RETURN(const Handle handle, write_block(&data_));
  std::string encoded;
  put_varint(&encoded, handle.offset);
  put_varint(&encoded, handle.size);
  index_.interval = 1;
  index_.add(data_.last_key, encoded);
  return {};
}

Status TableBuilder::add(std::string_view key, std::string_view value) {
  if (data_.bytes.size() >= kBlockSize) {
    // The index may name any key between the blocks; a short one keeps it small.
    const std::string last = data_.last_key;
    data_.last_key = separator(last, key);
    TW_RETURN_IF_ERROR(flush_data());
  }
  data_.add(key, value);
  return {};
}

Status TableBuilder::finish() {
  if (!data_.bytes.empty()) {
    data_.last_key = successor(data_.last_key);
    TW_RETURN_IF_ERROR(flush_data());
  }
  Block empty;
  TW_ASSIGN_OR_RETURN(const Handle meta, write_block(&empty));
  TW_ASSIGN_OR_RETURN(const Handle index, write_block(&index_));
  std::string footer;
  for (const uint64_t v : {meta.offset, meta.size, index.offset, index.size}) put_varint(&footer, v);
  footer.resize(kFooter - 8);
  put_fixed32(&footer, static_cast<uint32_t>(kMagic));
  put_fixed32(&footer, static_cast<uint32_t>(kMagic >> 32));
  return file_->append(footer);
}

Result<std::unique_ptr<Table>> Table::open(const std::string& path) {
  TW_ASSIGN_OR_RETURN(auto file, ReadableFile::open(path));
  if (file->size() < kFooter) {
    return data_loss(path, "; not a checkpoint table: ", file->size(), " bytes are too few to hold its footer");
  }
  char footer[kFooter];
  TW_RETURN_IF_ERROR(file->read_at(file->size() - kFooter, kFooter, footer));
  const uint64_t magic = get_fixed32(footer + kFooter - 8) | uint64_t{get_fixed32(footer + kFooter - 4)} << 32;
  if (magic != kMagic) return data_loss(path, "; not an sstable (bad magic number)");
  std::string_view handles(footer, kFooter - 8);
  uint64_t skipped;
  if (!get_varint(&handles, &skipped) || !get_varint(&handles, &skipped)) {
    return data_loss(path, "; the footer of the table is corrupted");
  }
  auto table = std::unique_ptr<Table>(new Table(std::move(file)));
  TW_ASSIGN_OR_RETURN(table->index_, table->read_block(handles));
  return table;
}

Result<std::string> Table::read_block(std::string_view encoded_handle) const {
  uint64_t offset, size;
  const uint64_t end = file_->size() - kFooter;
  if (!get_varint(&encoded_handle, &offset) || !get_varint(&encoded_handle, &size) || offset > end ||
      end - offset < kTrailer || size > end - offset - kTrailer) {
    return data_loss(path(), "; a block handle of the table points outside the file");
  }
  std::string block(static_cast<size_t>(size) + kTrailer, '\0');
  TW_RETURN_IF_ERROR(file_->read_at(offset, block.size(), block.data()));
  const uint32_t stored = unmask_crc32c(get_fixed32(block.data() + size + 1));
  if (stored != crc32c(std::string_view(block).substr(0, static_cast<size_t>(size) + 1))) {
    return data_loss(path(), "; block checksum mismatch at offset ", offset);
  }
  const char type = block[static_cast<size_t>(size)];
  block.resize(static_cast<size_t>(size));
  if (type == kPlain) return block;
  if (type != kSnappy)
    return data_loss(path(), "; block at offset ", offset, " has unknown compression ", static_cast<int>(type));
  auto plain = snappy_decompress(block);
  if (!plain) return data_loss(path(), "; block at offset ", offset, " has corrupted compressed contents");
  return std::move(*plain);
}

Status scan_block(std::string_view block, const std::function<Status(std::string_view, std::string_view)>& fn) {
  if (block.size() < 4) return data_loss("a block of the table is too short");
  const uint64_t restarts = get_fixed32(block.data() + block.size() - 4);
  if (restarts > (block.size() - 4) / 4) return data_loss("a block of the table has a corrupted restart array");
  std::string_view entries = block.substr(0, block.size() - 4 - static_cast<size_t>(restarts) * 4);
  std::string key;
  while (!entries.empty()) {
    uint64_t shared, rest, length;
    if (!get_varint(&entries, &shared) || !get_varint(&entries, &rest) || !get_varint(&entries, &length) ||
        shared > key.size() || rest > entries.size() || length > entries.size() - rest) {
      return data_loss("a block of the table has a corrupted entry");
    }
    key.resize(static_cast<size_t>(shared));
    key.append(entries.substr(0, static_cast<size_t>(rest)));
    TW_RETURN_IF_ERROR(fn(key, entries.substr(static_cast<size_t>(rest), static_cast<size_t>(length))));
    entries.remove_prefix(static_cast<size_t>(rest + length));
  }
  return {};
}

Status Table::scan(std::string_view from, const std::function<Status(std::string_view, std::string_view)>& fn) const {
  Status inner;  // what fn said, which is not this file's fault
  Status s = scan_block(index_, [&](std::string_view last, std::string_view handle) -> Status {
    if (last < from) return {};
    TW_ASSIGN_OR_RETURN(const std::string block, read_block(handle));
    return scan_block(block, [&](std::string_view key, std::string_view value) -> Status {
      if (key < from) return {};
      inner = fn(key, value);
      return inner;
    });
  });
  if (!inner.ok()) return inner;
  if (s.code() == Code::kDataLoss && s.message().find(path()) == std::string::npos) s.prefix(path());
  return s;
}

Result<std::optional<std::string>> Table::get(std::string_view wanted) const {
  std::optional<std::string> found;
  // An error code that scan passes on unchanged ends it at the first key.
  Status s = scan(wanted, [&](std::string_view key, std::string_view value) {
    if (key == wanted) found = std::string(value);
    return Status(Code::kCancelled, "");
  });
  if (!s.ok() && s.code() != Code::kCancelled) return s;
  return found;
}

std::optional<std::string> snappy_decompress(std::string_view in) {
  uint64_t length;
  // No copy makes more than 64 bytes of 2, so a greater length is a lie that must not be allocated.
  if (!get_varint(&in, &length) || length > in.size() * 64 || length > UINT32_MAX) return std::nullopt;
  std::string out;
  out.reserve(static_cast<size_t>(length));
  const auto number = [&](size_t bytes) {
    uint32_t v = 0;
    for (size_t i = 0; i < bytes; ++i) v |= uint32_t{static_cast<uint8_t>(in[i])} << (8 * i);
    in.remove_prefix(bytes);
    return v;
  };
  while (!in.empty()) {
    const auto tag = static_cast<uint8_t>(in[0]);
    in.remove_prefix(1);
    if ((tag & 3) == 0) {
      uint64_t count = tag >> 2;
      if (count >= 60) {
        const size_t bytes = static_cast<size_t>(count) - 59;
        if (in.size() < bytes) return std::nullopt;
        count = number(bytes);
      }
      ++count;
      if (count > in.size() || count > length - out.size()) return std::nullopt;
      out.append(in.substr(0, static_cast<size_t>(count)));
      in.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    size_t count, offset;
    const size_t bytes = (tag & 3) == 1 ? 1 : (tag & 3) == 2 ? 2 : 4;
    if (in.size() < bytes) return std::nullopt;
    if (bytes == 1) {
      count = 4 + ((tag >> 2) & 7);
      offset = (size_t{tag} >> 5) << 8 | number(1);
    } else {
      count = 1 + (tag >> 2);
      offset = number(bytes);
    }
    if (offset == 0 || offset > out.size() || count > length - out.size()) return std::nullopt;
    // Source and target may overlap: the bytes just written repeat.
    for (size_t i = 0; i < count; ++i) out.push_back(out[out.size() - offset]);
  }
  if (out.size() != length) return std::nullopt;
  return out;
}

}  // namespace tw
