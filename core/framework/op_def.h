// What the op table says of each op. The rows are written in core/ops/*.toml; tools/opgen turns them into constant
// tables, so that nothing registers itself at start-up.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/framework/attr.h"
#include "core/platform/small_vector.h"

namespace tw {

// Of a node's inputs or outputs.
using DTypes = SmallVector<DType, 8>;

class ShapeContext;
using ShapeFn = Status (*)(ShapeContext&);

struct ArgDef {
  std::string_view name;
  DType dtype = DType::kInvalid;      // when fixed
  std::string_view type_attr = {};    // dtype from this attr
  std::string_view number_attr = {};  // repeated this many times
  std::string_view type_list_attr = {};
  bool is_ref = false;
};

struct AttrDef {
  std::string_view name;
  AttrType type;
  bool has_default = false;
  std::string_view default_text = {};  // in the text form of attr.h; parsed once by OpTable
  bool has_minimum = false;
  int64_t minimum = 0;  // of an int, or of a list's length
  std::span<const DType> allowed_types = {};
  std::span<const std::string_view> allowed_strings = {};
};

enum OpTrait : uint32_t {
  kStateful = 1 << 0,  // never folded, merged or pruned as a duplicate
  kRandom = 1 << 1,
  kBlocking = 1 << 2,       // may wait: runs on the io pool
  kDataDependent = 1 << 3,  // output shapes depend on values: outputs come from the step heap
  kCommutative = 1 << 4,
  kAggregate = 1 << 5,
  kAllowUninitialized = 1 << 6,
  kAliases = 1 << 7,         // output 0 is input 0 under another shape (Reshape, Identity, ...)
  kControlFlow = 1 << 8,     // executed by the runtime itself (If, While, calls, arguments)
  kWritesResource = 1 << 9,  // updates the resources among its inputs; the others only read them
  kInternal = 1 << 10,       // made by passes only; not part of any public API
  kMakesHandle = 1 << 11,    // a resource handle that is the same in every step: evaluated when a plan is made
};

enum class OpId : uint16_t;  // kAdd, kMatMul, ...: generated into core/framework/op_ids.gen.h

struct OpDef {
  OpId id;
  std::string_view name;
  std::span<const ArgDef> inputs;
  std::span<const ArgDef> outputs;
  std::span<const AttrDef> attrs;
  uint32_t traits;
  ShapeFn shape;
  // Inputs whose values (not only shapes) the shape function or prepare() needs, as a bit mask of input arguments.
  uint32_t value_inputs;
  // The element-wise expression, in the form of Tape::parse with dtypes as attribute names; empty for other ops.
  std::string_view map;
  std::string_view summary;
  // For ops on ref inputs: the op on resource handles that a pass puts in their place.
  std::string_view lowers_to;

  bool has(OpTrait t) const { return (traits & t) != 0; }
  const AttrDef* find_attr(std::string_view attr) const;
};

// Looks a row up by TF op name; null when there is none.
const OpDef* find_op(std::string_view name);
// "Op<name=MatMul; signature=a:T, b:T -> product:T; attr=transpose_a:bool,default=false; ...>", for messages.
std::string summary(const OpDef& op);
const OpDef& op_def(OpId id);
std::span<const OpDef> all_ops();

// Expands the argument lists of a node with these attributes: the dtype of each single input or output (refs marked).
Status expand_args(const OpDef& op, std::span<const ArgDef> args, const AttrMap& attrs, DTypes* out);
// Fills defaults, checks presence, types, limits and allowed values; attributes that begin with '_' pass unchecked.
Status complete_attrs(const OpDef& op, AttrMap* attrs);
// Deduces the type, number and type-list attributes that are not given from the dtypes of the inputs, and checks the
// inputs against those that are. Messages are those of TF's Python front-end: "Input 'b' of 'MatMul' Op has type int32
// that does not match type float32 of argument 'a'."
Status infer_attrs(const OpDef& op, std::span<const DType> inputs, AttrMap* attrs);

}  // namespace tw
