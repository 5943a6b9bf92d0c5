#include "core/formats/checkpoint_v1.h"

#include "core/formats/tensor_proto.h"
#include "core/formats/wire.h"
#include "core/platform/files.h"

namespace tw {
namespace {

// The field of a TensorProto that holds values of a dtype; 0 when there is none.
uint32_t value_field(DType dtype) {
  switch (dtype) {
    case DType::kFloat: return 5;
    case DType::kDouble: return 6;
    case DType::kInt32:
    case DType::kInt16:
    case DType::kInt8:
    case DType::kUint16:
    case DType::kUint8:
    case DType::kQint8:
    case DType::kQuint8:
    case DType::kQint16:
    case DType::kQuint16:
    case DType::kQint32: return 7;
    case DType::kString: return 8;
    case DType::kComplex64: return 9;
    case DType::kInt64: return 10;
    case DType::kBool: return 11;
    case DType::kComplex128: return 12;
    case DType::kHalf:
    case DType::kBfloat16: return 13;
    case DType::kUint32: return 16;
    case DType::kUint64: return 17;
    default: return 0;
  }
}

Result<std::string> encode_values(const Tensor& tensor) {
  std::string bytes;
  protozero::pbf_writer out(bytes);
  const DType dtype = tensor.dtype();
  const uint32_t field = value_field(dtype);
  if (field == 0) return unimplemented("tensors of dtype ", dtype_name(dtype), " cannot be saved");
  const auto n = static_cast<size_t>(tensor.num_elements());
  const auto integers = [&](auto* data) {
    std::vector<int64_t> values(n);
    for (size_t i = 0; i < n; ++i) values[i] = static_cast<int64_t>(data[i]);
    out.add_packed_int64(field, values.begin(), values.end());
  };
  switch (dtype) {
    case DType::kFloat:
    case DType::kComplex64: {
      const float* data = static_cast<const float*>(tensor.raw());
      out.add_packed_float(field, data, data + n * (field == 9 ? 2 : 1));
      break;
    }
    case DType::kDouble:
    case DType::kComplex128: {
      const double* data = static_cast<const double*>(tensor.raw());
      out.add_packed_double(field, data, data + n * (field == 12 ? 2 : 1));
      break;
    }
    case DType::kString:
      for (const std::string& s : tensor.flat<std::string>()) out.add_bytes(field, s);
      break;
    case DType::kBool: integers(tensor.data<bool>()); break;
    case DType::kInt8:
    case DType::kQint8: integers(tensor.data<int8_t>()); break;
    case DType::kUint8:
    case DType::kQuint8: integers(tensor.data<uint8_t>()); break;
    case DType::kInt16:
    case DType::kQint16: integers(tensor.data<int16_t>()); break;
    case DType::kInt32:
    case DType::kQint32: integers(tensor.data<int32_t>()); break;
    case DType::kInt64: integers(tensor.data<int64_t>()); break;
    case DType::kUint32: integers(tensor.data<uint32_t>()); break;
    case DType::kUint64: integers(tensor.data<uint64_t>()); break;
    default: integers(tensor.data<uint16_t>()); break;  // uint16, half, bfloat16, quint16
  }
  return bytes;
}

}  // namespace

Result<std::unique_ptr<CheckpointV1>> CheckpointV1::open(const std::string& pattern) {
  auto reader = std::make_unique<CheckpointV1>();
  reader->pattern_ = pattern;
  TW_ASSIGN_OR_RETURN(const std::vector<std::string> paths, match_files(pattern));
  if (paths.empty()) {
    return not_found("Unsuccessful TensorSliceReader constructor: Failed to find any matching files for ", pattern);
  }
  for (const std::string& path : paths) TW_RETURN_IF_ERROR(reader->add_table(path));
  return reader;
}

Status CheckpointV1::add_table(const std::string& path) {
  auto table = Table::open(path);
  if (!table.ok()) {
    Status s = std::move(table).status();
    if (s.code() != Code::kDataLoss) return s;
    return data_loss(
        "Unable to open table file ", s.message(),
        ": perhaps your file is in a different file format and you need to use a different restore operator?");
  }
  TW_ASSIGN_OR_RETURN(const std::optional<std::string> meta, (*table)->get(""));
  if (!meta) return data_loss(path, "; the table does not describe its tensors");
  tables_.push_back(std::move(*table));
  try {
    protozero::pbf_reader slices = wire::reader(*meta);
    while (slices.next()) {
      if (slices.tag() != 1) {
        slices.skip();
        continue;
      }
      protozero::pbf_reader tensors = slices.get_message();
      while (tensors.next()) {
        if (tensors.tag() != 1) {
          tensors.skip();
          continue;
        }
        Status s = add_tensor(tables_.size() - 1, wire::take_view(tensors));
        if (!s.ok()) return data_loss(path, "; ", s.message());
      }
    }
  } catch (const protozero::exception&) {
    return data_loss(path, "; the description of its tensors is corrupted");
  }
  return {};
}

Status CheckpointV1::add_tensor(size_t table, std::string_view meta) {
  std::string name;
  SavedTensor tensor;
  std::vector<TensorSlice> slices;
  protozero::pbf_reader in = wire::reader(meta);
  while (in.next()) {
    switch (in.tag()) {
      case 1: name = in.get_string(); break;
      case 2: {
        TW_ASSIGN_OR_RETURN(tensor.shape, decode_shape(wire::take_view(in), false));
        break;
      }
      case 3: {
        const int32_t dtype = in.get_enum();
        if (!dtype_valid(dtype)) return data_loss("a tensor has dtype number ", dtype, ", which is none");
        tensor.dtype = base_dtype(static_cast<DType>(dtype));
        break;
      }
      case 4: {
        TW_ASSIGN_OR_RETURN(TensorSlice slice, TensorSlice::decode(wire::take_view(in)));
        slices.push_back(std::move(slice));
        break;
      }
      default: in.skip();
    }
  }
  if (tensor.dtype == DType::kInvalid) return data_loss("tensor ", name, " has no dtype");
  const auto [it, fresh] = tensors_.emplace(name, tensor);
  if (!fresh && (it->second.dtype != tensor.dtype || it->second.shape != tensor.shape)) {
    return data_loss("tensor ", name, " has another dtype or shape in another file");
  }
  for (TensorSlice& slice : slices) parts_[name].push_back({table, std::move(slice)});
  return {};
}

Result<Tensor> CheckpointV1::read_part(std::string_view name, const SavedTensor& tensor, const Part& part) const {
  const Table& table = *tables_[part.table];
  const auto corrupted = [&](std::string_view why) { return data_loss(table.path(), "; tensor ", name, ": ", why); };
  auto slice = part.slice.resolved(tensor.shape);
  if (!slice.ok()) return corrupted(slice.status().message());
  TW_ASSIGN_OR_RETURN(const std::optional<std::string> value, table.get(slice_key(name, part.slice)));
  if (!value) return corrupted("slice " + part.slice.to_string() + " is missing");
  try {
    protozero::pbf_reader slices = wire::reader(*value);
    while (slices.next()) {
      if (slices.tag() != 2) {
        slices.skip();
        continue;
      }
      protozero::pbf_reader saved = slices.get_message();
      while (saved.next()) {
        if (saved.tag() != 3) {
          saved.skip();
          continue;
        }
        const std::string_view proto = wire::take_view(saved);
        // Writers store every value, each in one byte or more; this keeps a lying shape from a huge allocation.
        if (static_cast<uint64_t>(slice->shape().num_elements()) > proto.size()) return corrupted("values are missing");
        // The stored message has values only.
        std::string typed;
        protozero::pbf_writer out(typed);
        out.add_enum(1, static_cast<int32_t>(tensor.dtype));
        out.add_message(2, encode_shape(slice->shape()));
        auto result = decode_tensor(typed.append(proto));
        if (!result.ok()) return corrupted(result.status().message());
        if (result->dtype() != tensor.dtype || result->shape() != slice->shape())
          return corrupted("the stored values differ");
        return result;
      }
    }
  } catch (const protozero::exception&) {
  }
  return corrupted("the stored values are corrupted");
}

Result<Tensor> CheckpointV1::read(std::string_view name) const {
  const auto it = tensors_.find(name);
  return read_slice(name, TensorSlice::full(it == tensors_.end() ? 0 : it->second.shape.rank()));
}

Result<Tensor> CheckpointV1::read_slice(std::string_view name, const TensorSlice& wanted) const {
  const auto it = tensors_.find(name);
  const auto parts = parts_.find(name);
  if (it == tensors_.end() || parts == parts_.end()) {
    return not_found("Tensor name \"", name, "\" not found in checkpoint files ", pattern_);
  }
  const SavedTensor& tensor = it->second;
  TW_ASSIGN_OR_RETURN(const TensorSlice slice, wanted.resolved(tensor.shape));
  for (const Part& part : parts->second) {
    if (part.slice.is_full() && wanted.is_full()) return read_part(name, tensor, part);
  }
  TW_ASSIGN_OR_RETURN(Tensor result, Tensor::make(tensor.dtype, slice.shape()));
  int64_t copied = 0;
  for (const Part& part : parts->second) {
    TW_ASSIGN_OR_RETURN(const Tensor value, read_part(name, tensor, part));
    TW_ASSIGN_OR_RETURN(const TensorSlice held, part.slice.resolved(tensor.shape));
    copied += copy_overlap(tensor.dtype, held, value.raw(), slice, result.raw());
    if (copied >= result.num_elements()) return result;
  }
  return data_loss(pattern_, "; the slices of tensor ", name, " do not cover ", slice.to_string());
}

Status write_checkpoint_v1(const std::string& path, std::span<const TensorToSave> tensors) {
  struct Meta {
    SavedTensor tensor;
    std::vector<TensorSlice> slices;
  };
  std::map<std::string, Meta> metas;
  std::map<std::string, std::string> values;
  for (const TensorToSave& t : tensors) {
    const Shape& full = t.part.whole ? t.value.shape() : t.part.shape;
    const TensorSlice slice = t.part.whole ? TensorSlice::full(full.rank()) : t.part.slice;
    const auto [it, fresh] = metas.try_emplace(t.name, Meta{{t.value.dtype(), full}, {}});
    if (it->second.tensor.dtype != t.value.dtype() || it->second.tensor.shape != full) {
      return invalid_argument("Mismatching dtypes or shapes for the slices of ", t.name);
    }
    TW_ASSIGN_OR_RETURN(const std::string data, encode_values(t.value));
    std::string saved, entry;
    protozero::pbf_writer out(saved);
    out.add_string(1, t.name);
    out.add_message(2, slice.encode());
    out.add_message(3, data);
    protozero::pbf_writer(entry).add_message(2, saved);
    if (!values.emplace(slice_key(t.name, slice), std::move(entry)).second) {
      return invalid_argument("Overlapping slices: ", t.name, " ", slice.to_string(), " is saved twice");
    }
    it->second.slices.push_back(slice);
  }
  std::string description;
  protozero::pbf_writer out(description);
  for (const auto& [name, meta] : metas) {
    std::string bytes;
    protozero::pbf_writer m(bytes);
    m.add_string(1, name);
    m.add_message(2, encode_shape(meta.tensor.shape));
    m.add_enum(3, static_cast<int32_t>(meta.tensor.dtype));
    for (const TensorSlice& slice : meta.slices) m.add_message(4, slice.encode());
    out.add_message(1, bytes);
  }
  std::string version;
  protozero::pbf_writer(version).add_int32(1, 1);
  out.add_message(2, version);
  std::string header;
  protozero::pbf_writer(header).add_message(1, description);

  TW_RETURN_IF_ERROR(make_directories(directory_of(path)));
  const std::string temporary = path + ".tempstate";
  const auto write = [&]() -> Status {
    TW_ASSIGN_OR_RETURN(const auto file, WritableFile::open(temporary));
    TableBuilder table(file.get());
    TW_RETURN_IF_ERROR(table.add("", header));
    for (const auto& [key, value] : values) TW_RETURN_IF_ERROR(table.add(key, value));
    TW_RETURN_IF_ERROR(table.finish());
    TW_RETURN_IF_ERROR(file->close(true));
    TW_RETURN_IF_ERROR(rename_file(temporary, path));
    return sync_directory(directory_of(path));
  };
  Status s = write();
  if (!s.ok() && file_exists(temporary)) (void)remove_file(temporary).ok();
  return s;
}

}  // namespace tw
