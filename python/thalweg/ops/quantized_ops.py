"""Floats as small integers over a range, and back."""

from thalweg.framework.op_create import op as _op


def quantize_v2(input, min_range, max_range, T, mode="MIN_COMBINED", name=None,  # noqa: A002
                round_mode="HALF_AWAY_FROM_ZERO"):
  """(output, output_min, output_max): `input` as the quantised dtype `T` over a range that holds 0.

  MIN_COMBINED and MIN_FIRST spread the range over all integers, MIN_FIRST with 0 at an integer; SCALED keeps 0 at 0.
  """
  return _op("QuantizeV2", name, (input, min_range, max_range), {"T": T, "mode": mode, "round_mode": round_mode})


def quantize(input, min_range, max_range, T, mode="MIN_COMBINED", round_mode="HALF_AWAY_FROM_ZERO",  # noqa: A002
             name=None):
  """quantize_v2, with the rounding before the name."""
  return quantize_v2(input, min_range, max_range, T, mode=mode, round_mode=round_mode, name=name)


def dequantize(input, min_range, max_range, mode="MIN_COMBINED", name=None):  # noqa: A002
  """The floats that quantised integers over a range stand for."""
  return _op("Dequantize", name, (input, min_range, max_range), {"mode": mode})
