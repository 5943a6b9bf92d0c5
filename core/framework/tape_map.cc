#include "core/framework/tape_map.h"

#include "core/platform/memo.h"

namespace tw {

namespace {

Result<Tape> instantiate_anew(const OpDef& op, const AttrReader& attrs) {
  TW_ASSIGN_OR_RETURN(const Tape parsed, Tape::parse(op.map, attrs.map()));
  // Rows write conj() for the complex case; on real numbers it is the identity.
  Tape tape;
  tape.inputs = parsed.inputs;
  tape.constants = parsed.constants;
  std::vector<uint16_t> renamed(static_cast<size_t>(parsed.num_values()));
  const size_t first = parsed.inputs.size() + parsed.constants.size();
  for (size_t i = 0; i < first; ++i) renamed[i] = static_cast<uint16_t>(i);
  for (size_t i = 0; i < parsed.insts.size(); ++i) {
    const TapeInst& inst = parsed.insts[i];
    uint16_t args[3] = {};
    for (int k = 0; k < arity(inst.op); ++k) args[k] = renamed[inst.args[k]];
    const bool drop = inst.op == MicroOp::k_conj && !is_complex(inst.dtype);
    renamed[first + i] = drop ? args[0] : tape.emit(inst.op, inst.dtype, args[0], args[1], args[2]);
  }
  for (const uint16_t v : parsed.outputs) tape.outputs.push_back(renamed[v]);
  return tape;
}

}  // namespace

Result<Tape> instantiate_map(const OpDef& op, const AttrReader& attrs) {
  if (op.map.empty()) return internal_error("op ", op.name, " is not element-wise");
  static Memo<Tape> tapes(1024);
  std::string key;
  add_to_key(&key, op.id);
  // Dtypes and numbers are all that the row's text can name.
  for (const AttrDef& a : op.attrs) {
    const auto it = attrs.map().find(a.name);
    const bool given = it != attrs.map().end();
    add_to_key(&key, given);
    if (!given) continue;
    const AttrValue& v = it->second;
    add_to_key(&key, static_cast<uint8_t>(v.value.index()));
    if (const auto* dtype = v.get<DType>()) add_to_key(&key, *dtype);
    if (const auto* integer = v.get<int64_t>()) add_to_key(&key, *integer);
    if (const auto* real = v.get<float>()) add_to_key(&key, *real);
    if (const auto* boolean = v.get<bool>()) add_to_key(&key, *boolean);
  }
  TW_ASSIGN_OR_RETURN(const std::shared_ptr<const Tape> tape,
                      tapes.get(std::move(key), [&] { return instantiate_anew(op, attrs); }));
  return *tape;
}

}  // namespace tw
