// The rows of lookup.toml.
#include <array>

#include "core/kernels/cpu/lookup/table.h"
#include "core/kernels/cpu/lookup/text_file.h"
#include "core/kernels/cpu/state/named_resource.h"

namespace tw {
namespace {

// --- making tables: run once, when a program is compiled ---

struct MakeState : NamedState {
  TableSpec spec;
  bool fixed = false;
};

Status prepare_table(PrepareContext& ctx, std::string_view kind, bool fixed) {
  auto& s = ctx.emplace_state<MakeState>();
  s.read(ctx.attrs());
  s.fixed = fixed;
  s.spec = {std::string(kind), s.name, ctx.attrs().dtype("key_dtype"), ctx.attrs().dtype("value_dtype"), Shape{}};
  if (ctx.attrs().has("value_shape")) s.spec.value_shape = ctx.attrs().must<Shape>("value_shape");
  switch (s.spec.key) {
    case DType::kInt32:
    case DType::kInt64:
    case DType::kFloat:
    case DType::kDouble:
    case DType::kString: break;
    default: return invalid_argument("There is no ", kind, " with keys of ", dtype_name(s.spec.key));
  }
  if (s.spec.value == DType::kResource || s.spec.value == DType::kVariant) {
    return invalid_argument("There is no ", kind, " with values of ", dtype_name(s.spec.value));
  }
  if (s.spec.value_shape.fully_known()) return {};
  return invalid_argument("Default value must be of a known shape, but value_shape of the ", kind, " is ",
                          s.spec.value_shape);
}
Status prepare_fixed(PrepareContext& ctx) { return prepare_table(ctx, "HashTable", true); }
Status prepare_mutable(PrepareContext& ctx) { return prepare_table(ctx, "MutableHashTable", false); }
Status prepare_dense(PrepareContext& ctx) { return prepare_table(ctx, "MutableDenseHashTable", false); }

Status run_make(const RunContext& ctx) {
  const auto& s = ctx.state<MakeState>();
  std::array<Tensor, 2> forbidden;
  for (int i = 0; i < ctx.num_inputs(); ++i) {
    TW_ASSIGN_OR_RETURN(forbidden[static_cast<size_t>(i)], ctx.input_tensor(i, false));
    if (forbidden[static_cast<size_t>(i)].num_elements() == 1) continue;
    return invalid_argument("Empty and deleted keys of ", s.spec.kind, " must be scalars, got shape ",
                            *ctx.input(i).shape);
  }
  const auto make = [&] {
    Ref<LookupTable> table = make_ref<LookupTable>(s.spec, s.fixed);
    if (ctx.num_inputs() == 2) {
      table->forbid(forbidden[0], "empty_key");
      table->forbid(forbidden[1], "deleted_key");
    }
    return table;
  };
  TW_ASSIGN_OR_RETURN(const LookupTable* table, give_named<LookupTable>(ctx, s, s.spec.kind, make));
  const TableSpec& have = table->spec();
  if (have.key == s.spec.key && have.value == s.spec.value && have.value_shape == s.spec.value_shape) return {};
  return invalid_argument("Conflicting key/value dtypes ", dtype_name(s.spec.key), "->", dtype_name(s.spec.value),
                          " with ", dtype_name(have.key), "->", dtype_name(have.value), " for table ", s.name);
}

// --- using them ---

Status prepare_nothing(PrepareContext&) { return {}; }
Result<LookupTable*> table(const RunContext& ctx) { return named_input<LookupTable>(ctx, 0, "lookup table"); }

template <Status (LookupTable::*kChange)(const Tensor&, const Tensor&)>
Status run_change(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(LookupTable * t, table(ctx));
  TW_ASSIGN_OR_RETURN(const Tensor keys, ctx.input_tensor(1, false));
  TW_ASSIGN_OR_RETURN(const Tensor values, ctx.input_tensor(2, false));
  return (t->*kChange)(keys, values);
}

Status run_find(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const LookupTable* t, table(ctx));
  TW_ASSIGN_OR_RETURN(const Tensor keys, ctx.input_tensor(1, false));
  TW_ASSIGN_OR_RETURN(const Tensor fallback, ctx.input_tensor(2, false));
  TW_ASSIGN_OR_RETURN(Tensor found, t->find(keys, fallback));
  ctx.set_output(0, std::move(found));
  return {};
}

Status run_remove(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(LookupTable * t, table(ctx));
  TW_ASSIGN_OR_RETURN(const Tensor keys, ctx.input_tensor(1, false));
  return t->remove(keys);
}

Status run_size(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const LookupTable* t, table(ctx));
  *ctx.out<int64_t>(0) = t->size();
  return {};
}

Status run_export(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(const LookupTable* t, table(ctx));
  for (int i = 0; i < 2; ++i) {
    const DType have = i == 0 ? t->spec().key : t->spec().value;
    if (have == ctx.output(i).dtype) continue;
    return invalid_argument("The ", i == 0 ? "keys" : "values", " of ", t->describe(), " are ", dtype_name(have),
                            ", not ", dtype_name(ctx.output(i).dtype));
  }
  Tensor keys, values;
  TW_RETURN_IF_ERROR(t->export_entries(&keys, &values));
  ctx.set_output(0, std::move(keys));
  ctx.set_output(1, std::move(values));
  return {};
}

Status run_initialize(const RunContext& ctx) {
  if (ctx.input(1).shape->rank() != 1) {
    return invalid_argument("Keys must be a vector, but received shape ", *ctx.input(1).shape);
  }
  return run_change<&LookupTable::initialize>(ctx);
}

struct FileState : KernelState {
  TextColumns columns;
};

Status prepare_file(PrepareContext& ctx) {
  auto& c = ctx.emplace_state<FileState>().columns;
  c.key = ctx.attrs().integer("key_index");
  c.value = ctx.attrs().integer("value_index");
  c.lines = ctx.attrs().integer("vocab_size");
  const std::string delimiter = ctx.attrs().string("delimiter");
  if (delimiter.size() != 1) return invalid_argument("delimiter should be only 1 char, but is '", delimiter, "'");
  c.delimiter = delimiter[0];
  return {};
}

Status run_initialize_file(const RunContext& ctx) {
  TW_ASSIGN_OR_RETURN(LookupTable * t, table(ctx));
  if (ctx.input(1).shape->num_elements() != 1) {
    return invalid_argument("filename should be a single string, but got ", *ctx.input(1).shape);
  }
  Tensor keys, values;
  TW_RETURN_IF_ERROR(read_table_file(*ctx.in<std::string>(1), ctx.state<FileState>().columns, t->spec().key,
                                     t->spec().value, &keys, &values));
  return t->initialize(keys, values);
}

}  // namespace

TW_KERNEL(HashTableV2, prepare_fixed, run_make);
TW_KERNEL(MutableHashTableV2, prepare_mutable, run_make);
TW_KERNEL(MutableDenseHashTableV2, prepare_dense, run_make);
TW_KERNEL(LookupTableFindV2, prepare_nothing, run_find);
TW_KERNEL(LookupTableInsertV2, prepare_nothing, run_change<&LookupTable::insert>);
TW_KERNEL(LookupTableImportV2, prepare_nothing, run_change<&LookupTable::import_entries>);
TW_KERNEL(LookupTableRemoveV2, prepare_nothing, run_remove);
TW_KERNEL(LookupTableSizeV2, prepare_nothing, run_size);
TW_KERNEL(LookupTableExportV2, prepare_nothing, run_export);
TW_KERNEL(InitializeTableV2, prepare_nothing, run_initialize);
TW_KERNEL(InitializeTableFromTextFileV2, prepare_file, run_initialize_file);

}  // namespace tw
