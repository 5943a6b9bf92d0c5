// ParseExample, ParseSingleExample and ParseSingleSequenceExample.
#include "core/kernels/cpu/parse/feature_columns.h"

namespace tw {
namespace {

// What the attributes say; keys that come as tensors are read in each step.
struct ParseState : KernelState {
  std::vector<std::string> sparse_keys, dense_keys;
  std::vector<DType> sparse_types, dense_types;
  std::vector<Shape> dense_shapes;
  // Of the feature lists of sequences.
  std::vector<DType> list_sparse_types, list_dense_types;
  std::vector<Shape> list_dense_shapes;
};

Status check_lengths(std::string_view op, size_t types, size_t shapes) {
  if (types == shapes) return {};
  return invalid_argument(op, " has ", types, " dense types but ", shapes, " dense shapes");
}

Status prepare_batch(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<ParseState>();
  s.sparse_types = ctx.attrs().must<std::vector<DType>>("sparse_types");
  s.dense_types = ctx.attrs().must<std::vector<DType>>("Tdense");
  s.dense_shapes = ctx.attrs().must<std::vector<Shape>>("dense_shapes");
  return check_lengths(ctx.op().name, s.dense_types.size(), s.dense_shapes.size());
}

Status prepare_single(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<ParseState>();
  s.sparse_types = ctx.attrs().must<std::vector<DType>>("sparse_types");
  s.dense_types = ctx.attrs().must<std::vector<DType>>("Tdense");
  s.dense_shapes = ctx.attrs().must<std::vector<Shape>>("dense_shapes");
  TW_RETURN_IF_ERROR(check_lengths(ctx.op().name, s.dense_types.size(), s.dense_shapes.size()));
  s.sparse_keys = ctx.attrs().must<std::vector<std::string>>("sparse_keys");
  s.dense_keys = ctx.attrs().must<std::vector<std::string>>("dense_keys");
  if (s.sparse_keys.size() != s.sparse_types.size() || s.dense_keys.size() != s.dense_types.size()) {
    return invalid_argument(ctx.op().name, " has ", s.sparse_keys.size(), " sparse and ", s.dense_keys.size(),
                            " dense keys, but ", s.sparse_types.size(), " and ", s.dense_types.size(), " types");
  }
  return {};
}

Status prepare_sequence(PrepareContext& ctx) {
  auto& s = ctx.emplace_state<ParseState>();
  s.sparse_types = ctx.attrs().must<std::vector<DType>>("context_sparse_types");
  s.dense_types = ctx.attrs().must<std::vector<DType>>("Tcontext_dense");
  s.dense_shapes = ctx.attrs().must<std::vector<Shape>>("context_dense_shapes");
  s.list_sparse_types = ctx.attrs().must<std::vector<DType>>("feature_list_sparse_types");
  s.list_dense_types = ctx.attrs().must<std::vector<DType>>("feature_list_dense_types");
  s.list_dense_shapes = ctx.attrs().must<std::vector<Shape>>("feature_list_dense_shapes");
  TW_RETURN_IF_ERROR(check_lengths(ctx.op().name, s.dense_types.size(), s.dense_shapes.size()));
  return check_lengths(ctx.op().name, s.list_dense_types.size(), s.list_dense_shapes.size());
}

// Inputs [first, first + count), each a scalar string.
Result<std::vector<std::string>> read_keys(const RunContext& ctx, int first, size_t count) {
  std::vector<std::string> keys;
  for (int i = first; i < first + static_cast<int>(count); ++i) {
    if (!ctx.input(i).shape->is_scalar()) {
      return invalid_argument("Expected a key to be a scalar, got tensor of shape ", *ctx.input(i).shape);
    }
    keys.push_back(*ctx.in<std::string>(i));
  }
  return keys;
}

struct Columns {
  std::vector<SparseColumn> sparse;
  std::vector<DenseColumn> dense;

  // Defaults are the inputs from `defaults` on.
  static Result<Columns> make(const RunContext& ctx, const ParseState& s, const std::vector<std::string>& sparse_keys,
                              const std::vector<std::string>& dense_keys, int defaults) {
    Columns c;
    for (size_t i = 0; i < sparse_keys.size(); ++i) c.sparse.emplace_back(sparse_keys[i], s.sparse_types[i]);
    for (size_t i = 0; i < dense_keys.size(); ++i) {
      TW_ASSIGN_OR_RETURN(Tensor fallback, ctx.input_tensor(defaults + static_cast<int>(i), false));
      TW_ASSIGN_OR_RETURN(DenseColumn column,
                          DenseColumn::make(dense_keys[i], s.dense_types[i], s.dense_shapes[i], std::move(fallback)));
      c.dense.push_back(std::move(column));
    }
    return c;
  }

  Status add(std::string_view example, const ExampleName& name) {
    const NamedBytes features = example_features(example);
    const auto each = [&](auto& column) -> Status {
      const std::string_view* found = find_named(features, column.key());
      if (found == nullptr) return column.add(nullptr, name);
      const Feature f = parse_feature(*found);
      return column.add(&f, name);
    };
    for (SparseColumn& c : sparse) TW_RETURN_IF_ERROR(each(c));
    for (DenseColumn& c : dense) TW_RETURN_IF_ERROR(each(c));
    return {};
  }

  // Outputs from `first` on; returns the number of the next one.
  Result<int> store(const RunContext& ctx, int first, bool batch) const {
    const auto n = static_cast<int>(sparse.size());
    for (int i = 0; i < n; ++i) {
      TW_RETURN_IF_ERROR(sparse[static_cast<size_t>(i)].store(ctx, first + i, first + n + i, first + 2 * n + i, batch));
    }
    for (size_t i = 0; i < dense.size(); ++i) {
      TW_RETURN_IF_ERROR(dense[i].store(ctx, first + 3 * n + static_cast<int>(i), batch));
    }
    return first + 3 * n + static_cast<int>(dense.size());
  }
};

Status run_batch(const RunContext& ctx) {
  const auto& s = ctx.state<ParseState>();
  const Shape &serialized = *ctx.input(0).shape, &names = *ctx.input(1).shape;
  if (serialized.rank() != 1) return invalid_argument("Expected serialized to be a vector, got shape: ", serialized);
  if (names.num_elements() != 0 && names != serialized) {
    return invalid_argument("Expected len(names) == len(serialized), but got: ", names, " vs. ", serialized);
  }
  const int dense = 2 + static_cast<int>(s.sparse_types.size());
  const int defaults = dense + static_cast<int>(s.dense_types.size());
  TW_ASSIGN_OR_RETURN(const auto sparse_keys, read_keys(ctx, 2, s.sparse_types.size()));
  TW_ASSIGN_OR_RETURN(const auto dense_keys, read_keys(ctx, dense, s.dense_types.size()));
  TW_ASSIGN_OR_RETURN(Columns columns, Columns::make(ctx, s, sparse_keys, dense_keys, defaults));
  for (int64_t i = 0; i < serialized[0]; ++i) {
    const std::string& example = ctx.in<std::string>(0)[i];
    const ExampleName name{names.num_elements() > 0 ? ctx.in<std::string>(1)[i] : std::string()};
    TW_RETURN_IF_ERROR(parse_guarded([&] { return columns.add(example, name); }, "example", example));
  }
  return columns.store(ctx, 0, true).status();
}

Status run_single(const RunContext& ctx) {
  const auto& s = ctx.state<ParseState>();
  if (!ctx.input(0).shape->is_scalar()) {
    return invalid_argument("Expected serialized to be a scalar, got shape: ", *ctx.input(0).shape);
  }
  TW_ASSIGN_OR_RETURN(Columns columns, Columns::make(ctx, s, s.sparse_keys, s.dense_keys, 1));
  const std::string& example = *ctx.in<std::string>(0);
  TW_RETURN_IF_ERROR(parse_guarded([&] { return columns.add(example, {}); }, "example", example));
  return columns.store(ctx, 0, false).status();
}

// The steps of a sparse feature list are the rows of a column.
Status add_sparse_list(SparseColumn* column, const std::string_view* list, const ExampleName& name) {
  if (list == nullptr) return {};
  for (const Feature& f : parse_feature_list(*list)) TW_RETURN_IF_ERROR(column->add(&f, name));
  return {};
}

// The steps of a dense one all hold as many values.
Status store_dense_list(const RunContext& ctx, int output, const std::string& key, DType dtype, const Shape& step,
                        const std::string_view* list, bool may_miss, const ExampleName& name) {
  FeatureValues values(dtype);
  int64_t steps = 0;
  if (list != nullptr) {
    for (const Feature& f : parse_feature_list(*list)) {
      if (f.dtype != dtype) return wrong_feature_type(name, key, f.dtype, dtype);
      const size_t before = values.size();
      values.append(f);
      if (static_cast<int64_t>(values.size() - before) != step.num_elements()) {
        return invalid_argument(name.text(key), ", Index: ", steps, ".  Number of ", dtype_name(dtype),
                                " values != expected.  values size: ", values.size() - before,
                                " but output shape: ", step);
      }
      ++steps;
    }
  } else if (!may_miss) {
    return invalid_argument("Name: ", name.name.empty() ? "<unknown>" : name.name, ", Feature list '", key,
                            "' is required but could not be found.  Did you mean to include it in "
                            "feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?");
  }
  std::vector<int64_t> dims{steps};
  dims.insert(dims.end(), step.dims().begin(), step.dims().end());
  TW_ASSIGN_OR_RETURN(const Shape shape, Shape::make(dims));
  TW_ASSIGN_OR_RETURN(void* const out, ctx.allocate_output(output, shape));
  values.copy(0, values.size(), out);
  return {};
}

Status run_sequence(const RunContext& ctx) {
  const auto& s = ctx.state<ParseState>();
  if (!ctx.input(0).shape->is_scalar()) {
    return invalid_argument("Expected serialized to be a scalar, got shape: ", *ctx.input(0).shape);
  }
  int at = 2;
  const auto keys = [&](size_t count) {
    auto found = read_keys(ctx, at, count);
    at += static_cast<int>(count);
    return found;
  };
  TW_ASSIGN_OR_RETURN(const auto context_sparse, keys(s.sparse_types.size()));
  TW_ASSIGN_OR_RETURN(const auto context_dense, keys(s.dense_types.size()));
  TW_ASSIGN_OR_RETURN(const auto list_sparse, keys(s.list_sparse_types.size()));
  TW_ASSIGN_OR_RETURN(const auto list_dense, keys(s.list_dense_types.size()));
  const int defaults = at;
  const Value& debug_name = ctx.input(defaults + static_cast<int>(context_dense.size()));
  const ExampleName name{debug_name.shape->num_elements() > 0 ? *static_cast<const std::string*>(debug_name.data)
                                                              : std::string()};
  for (size_t i = 0; i < s.list_dense_shapes.size(); ++i) {
    if (s.list_dense_shapes[i].fully_known()) continue;
    return invalid_argument("feature_list_dense_shapes[", i, "] must be fully known: ", s.list_dense_shapes[i]);
  }
  TW_ASSIGN_OR_RETURN(Columns columns, Columns::make(ctx, s, context_sparse, context_dense, defaults));
  const std::string& example = *ctx.in<std::string>(0);
  const auto parse = [&]() -> Status {
    TW_RETURN_IF_ERROR(columns.add(example, name));
    TW_ASSIGN_OR_RETURN(const int first, columns.store(ctx, 0, false));
    const NamedBytes lists = example_feature_lists(example);
    const auto n = static_cast<int>(list_sparse.size());
    for (int i = 0; i < n; ++i) {
      const std::string& key = list_sparse[static_cast<size_t>(i)];
      SparseColumn column(key, s.list_sparse_types[static_cast<size_t>(i)]);
      TW_RETURN_IF_ERROR(add_sparse_list(&column, find_named(lists, key), name));
      TW_RETURN_IF_ERROR(column.store(ctx, first + i, first + n + i, first + 2 * n + i, true));
    }
    const Value& assumed = ctx.input(1);
    for (size_t i = 0; i < list_dense.size(); ++i) {
      bool may_miss = false;
      for (int64_t k = 0; k < assumed.shape->num_elements(); ++k) {
        may_miss |= static_cast<const std::string*>(assumed.data)[k] == list_dense[i];
      }
      TW_RETURN_IF_ERROR(store_dense_list(ctx, first + 3 * n + static_cast<int>(i), list_dense[i],
                                          s.list_dense_types[i], s.list_dense_shapes[i],
                                          find_named(lists, list_dense[i]), may_miss, name));
    }
    return {};
  };
  return parse_guarded(parse, "sequence example", example);
}

}  // namespace

TW_KERNEL(ParseExample, prepare_batch, run_batch);
TW_KERNEL(ParseSingleExample, prepare_single, run_single);
TW_KERNEL(ParseSingleSequenceExample, prepare_sequence, run_sequence);

}  // namespace tw
