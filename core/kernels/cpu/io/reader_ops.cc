// The rows of reader.toml.
#include "core/kernels/cpu/io/reader.h"
#include "core/kernels/cpu/state/named_resource.h"

namespace tw {
namespace {

struct MakeState : NamedState {
  int64_t skip_lines = 0;
  std::string compression;
  FixedLength sizes;
  Ref<Reader> (*make)(const MakeState&) = nullptr;
};

MakeState& prepare_reader(PrepareContext& ctx, Ref<Reader> (*make)(const MakeState&)) {
  auto& s = ctx.emplace_state<MakeState>();
  s.read(ctx.attrs());
  s.make = make;
  return s;
}
Status run_make(const RunContext& ctx) {
  const auto& s = ctx.state<MakeState>();
  return give_named<Reader>(ctx, s, "reader", [&] { return s.make(s); }).status();
}

Status prepare_whole_file(PrepareContext& ctx) {
  prepare_reader(ctx, [](const MakeState& s) { return whole_file_reader(s.name); });
  return {};
}
Status prepare_identity(PrepareContext& ctx) {
  prepare_reader(ctx, [](const MakeState& s) { return identity_reader(s.name); });
  return {};
}
Status prepare_text_line(PrepareContext& ctx) {
  MakeState& s = prepare_reader(ctx, [](const MakeState& m) { return text_line_reader(m.name, m.skip_lines); });
  s.skip_lines = ctx.attrs().integer("skip_header_lines");
  return s.skip_lines >= 0 ? Status() : invalid_argument("skip_header_lines must be >= 0 not ", s.skip_lines);
}
Status check_compression(const std::string& name) {
  if (name.empty() || name == "ZLIB" || name == "GZIP") return {};
  return invalid_argument("Unsupported compression type: ", name);
}
Status prepare_record(PrepareContext& ctx) {
  MakeState& s = prepare_reader(ctx, [](const MakeState& m) { return record_reader(m.name, m.compression); });
  s.compression = ctx.attrs().string("compression_type");
  return check_compression(s.compression);
}
Status prepare_fixed_length(PrepareContext& ctx) {
  MakeState& s =
      prepare_reader(ctx, [](const MakeState& m) { return fixed_length_reader(m.name, m.sizes, m.compression); });
  s.compression = ctx.attrs().string("encoding");
  s.sizes = {ctx.attrs().integer("record_bytes"), ctx.attrs().integer("header_bytes"),
             ctx.attrs().integer("footer_bytes"), ctx.attrs().integer("hop_bytes")};
  if (s.sizes.record <= 0) return invalid_argument("record_bytes must be > 0 not ", s.sizes.record);
  if (s.sizes.header < 0) return invalid_argument("header_bytes must be >= 0 not ", s.sizes.header);
  if (s.sizes.footer < 0) return invalid_argument("footer_bytes must be >= 0 not ", s.sizes.footer);
  if (s.sizes.hop < 0) return invalid_argument("hop_bytes must be >= 0 not ", s.sizes.hop);
  return check_compression(s.compression);
}

Status prepare_nothing(PrepareContext&) { return {}; }

Result<Reader*> reader(const RunContext& ctx) { return named_input<Reader>(ctx, 0, "reader"); }

Status run_read(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Reader * r, reader(ctx));
  TW_ASSIGN_OR_RETURN(Queue * queue, named_input<Queue>(ctx, 1, "queue"));
  return r->read(ctx.step(), *queue, ctx.out<std::string>(0), ctx.out<std::string>(1));
}

Status run_read_up_to(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Reader * r, reader(ctx));
  TW_ASSIGN_OR_RETURN(Queue * queue, named_input<Queue>(ctx, 1, "queue"));
  const int64_t count = *ctx.in<int64_t>(2);
  if (count <= 0) return invalid_argument("num_records must be positive, but is ", count);
  std::vector<std::string> keys, values;
  TW_RETURN_IF_ERROR(r->read_up_to(ctx.step(), *queue, count, &keys, &values));
  ctx.set_output(0, Tensor::vector<std::string>(keys));
  ctx.set_output(1, Tensor::vector<std::string>(values));
  return {};
}

Status run_records(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Reader* r, reader(ctx));
  *ctx.out<int64_t>(0) = r->records_produced();
  return {};
}
Status run_work_units(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Reader* r, reader(ctx));
  *ctx.out<int64_t>(0) = r->work_units_completed();
  return {};
}
Status run_reset(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Reader * r, reader(ctx));
  r->reset();
  return {};
}
Status run_serialize(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const Reader* r, reader(ctx));
  TW_ASSIGN_OR_RETURN(*ctx.out<std::string>(0), r->serialize());
  return {};
}
Status run_restore(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(Reader * r, reader(ctx));
  if (!ctx.input(1).shape->is_scalar()) {
    return invalid_argument("Reader state must be scalar, but had shape: ", *ctx.input(1).shape);
  }
  return r->restore(*ctx.in<std::string>(1));
}

}  // namespace

TW_KERNEL(WholeFileReaderV2, prepare_whole_file, run_make);
TW_KERNEL(IdentityReaderV2, prepare_identity, run_make);
TW_KERNEL(TextLineReaderV2, prepare_text_line, run_make);
TW_KERNEL(TFRecordReaderV2, prepare_record, run_make);
TW_KERNEL(FixedLengthRecordReaderV2, prepare_fixed_length, run_make);
TW_KERNEL(ReaderReadV2, prepare_nothing, run_read);
TW_KERNEL(ReaderReadUpToV2, prepare_nothing, run_read_up_to);
TW_KERNEL(ReaderNumRecordsProducedV2, prepare_nothing, run_records);
TW_KERNEL(ReaderNumWorkUnitsCompletedV2, prepare_nothing, run_work_units);
TW_KERNEL(ReaderResetV2, prepare_nothing, run_reset);
TW_KERNEL(ReaderSerializeStateV2, prepare_nothing, run_serialize);
TW_KERNEL(ReaderRestoreStateV2, prepare_nothing, run_restore);

}  // namespace tw
