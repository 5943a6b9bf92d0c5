"""tools/instruction_gate.py: what counts as a failure."""

import importlib.util
import pathlib

_SPEC = importlib.util.spec_from_file_location(
    "instruction_gate", pathlib.Path(__file__).parents[2] / "tools" / "instruction_gate.py")
gate = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(gate)


def test_growth_fails_and_savings_ask_to_be_recorded():
  recorded = {"run": 1000.0}
  assert gate.compare(recorded, {"run": 1029.0})[0] is False
  failed, lines = gate.compare(recorded, {"run": 1031.0})
  assert failed and "TOO MANY" in lines[0]
  failed, lines = gate.compare(recorded, {"run": 969.0})
  assert not failed and "RECORD" in lines[0]
  assert "RECORD" not in gate.compare(recorded, {"run": 971.0})[1][0]


def test_cases_come_and_go_with_a_record():
  assert gate.compare({"run": 1.0}, {})[0] and gate.compare({}, {"run": 1.0})[0]
