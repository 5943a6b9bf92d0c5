// Any bytes as a checkpoint. The first byte chooses what the rest is:
//   T  one file, opened as the index of a bundle and as a V1 checkpoint: most die at a checksum;
//   B  entries of a bundle's index, then its data file;
//   V  entries of a V1 file.
// Entries are [u8 key length][key][u16 value length, little-endian][value] up to a key length of 255 or the end; they
// are written as a sound table, so that what is behind the checksums is reached.
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <map>

#include "core/formats/bundle.h"
#include "core/formats/checkpoint.h"
#include "core/platform/files.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace tw;

constexpr char kNoFile[] = "a temporary file cannot be written";

const std::string& directory() {
  // Outlives what runs at exit.
  static const std::string* const made = [] {
    auto* name = new std::string((std::filesystem::temp_directory_path() / "checkpoint_fuzz.XXXXXX").string());
    require(mkdtemp(name->data()) != nullptr, "no temporary directory");
    std::atexit([] { std::filesystem::remove_all(directory()); });
    return name;
  }();
  return *made;
}

// Takes entries off the front and writes them to a table.
void write_table(const std::string& path, std::string_view* in) {
  std::map<std::string, std::string> entries;
  while (!in->empty()) {
    const size_t key_size = static_cast<uint8_t>(in->front());
    in->remove_prefix(1);
    if (key_size == 255 || in->size() < key_size + 2) break;
    std::string key(in->substr(0, key_size));
    uint16_t value_size;
    std::memcpy(&value_size, in->data() + key_size, 2);
    in->remove_prefix(key_size + 2);
    entries[std::move(key)] = in->substr(0, value_size);
    in->remove_prefix(std::min<size_t>(value_size, in->size()));
  }
  auto file = WritableFile::open(path);
  require(file.ok(), kNoFile);
  TableBuilder table(file->get());
  for (const auto& [key, value] : entries) require(table.add(key, value).ok(), "a sound entry was refused");
  require(table.finish().ok() && (*file)->close().ok(), kNoFile);
}

void read_all(const Result<std::unique_ptr<CheckpointReader>>& reader) {
  if (!reader.ok()) return;
  for (const auto& [name, tensor] : (*reader)->tensors()) {
    const auto value = (*reader)->read(name);
    if (value.ok())
      require(value->dtype() == tensor.dtype && value->shape() == tensor.shape, "not the tensor it listed");
    TensorSlice first = TensorSlice::full(tensor.shape.rank());
    for (auto& extent : first.extents) extent = {0, 1};
    const auto slice = (*reader)->read_slice(name, first);
    if (slice.ok()) require(slice->num_elements() == 1, "a slice of another size");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view in(reinterpret_cast<const char*>(data), size);
  const char kind = in.front();
  in.remove_prefix(1);
  const std::string prefix = directory() + "/c";
  if (kind == 'B') {
    write_table(bundle_index_name(prefix), &in);
    require(write_file(bundle_data_name(prefix, 0, 1), in).ok(), kNoFile);
    read_all(CheckpointReader::open(prefix));
  } else if (kind == 'V') {
    write_table(prefix, &in);
    read_all(CheckpointReader::open_v1(prefix));
  } else if (kind == 'T') {
    require(write_file(bundle_index_name(prefix), in).ok(), kNoFile);
    require(write_file(bundle_data_name(prefix, 0, 1), "0123456789abcdef").ok(), kNoFile);
    read_all(CheckpointReader::open(prefix));
    read_all(CheckpointReader::open_v1(bundle_index_name(prefix)));
  }
  return 0;
}
