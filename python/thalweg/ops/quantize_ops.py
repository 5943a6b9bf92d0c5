"""Floats rounded to the values that a few bits can hold, for training what will run quantised (Jacob et al. 2017).

The range is nudged so that zero is one of the values; gradients pass where the input is inside it.
"""

from thalweg.framework import ops


def _fake_quant(op_type, inputs, num_bits, narrow_range, name, **attrs):
  return ops.op(op_type, name, inputs, dict(attrs, num_bits=num_bits, narrow_range=narrow_range))


def fake_quant_with_min_max_args(inputs, min=-6, max=6, num_bits=8, narrow_range=False, name=None):  # noqa: A002
  """inputs as num_bits would hold them between the constants min and max."""
  return _fake_quant("FakeQuantWithMinMaxArgs", [inputs], num_bits, narrow_range, name, min=min, max=max)


def fake_quant_with_min_max_args_gradient(gradients, inputs, min=-6, max=6, num_bits=8,  # noqa: A002
                                          narrow_range=False, name=None):
  """The gradient of fake_quant_with_min_max_args with respect to inputs."""
  return _fake_quant("FakeQuantWithMinMaxArgsGradient", [gradients, inputs], num_bits, narrow_range, name, min=min,
                     max=max)


def fake_quant_with_min_max_vars(inputs, min, max, num_bits=8, narrow_range=False, name=None):  # noqa: A002
  """inputs as num_bits would hold them between the scalars min and max, which may be learnt."""
  return _fake_quant("FakeQuantWithMinMaxVars", [inputs, min, max], num_bits, narrow_range, name)


def fake_quant_with_min_max_vars_gradient(gradients, inputs, min, max, num_bits=8,  # noqa: A002
                                          narrow_range=False, name=None):
  """The gradients of fake_quant_with_min_max_vars with respect to inputs, min and max."""
  return _fake_quant("FakeQuantWithMinMaxVarsGradient", [gradients, inputs, min, max], num_bits, narrow_range, name)


def fake_quant_with_min_max_vars_per_channel(inputs, min, max, num_bits=8, narrow_range=False,  # noqa: A002
                                             name=None):
  """fake_quant_with_min_max_vars with a min and a max, [depth], for each entry of the last axis."""
  return _fake_quant("FakeQuantWithMinMaxVarsPerChannel", [inputs, min, max], num_bits, narrow_range, name)


def fake_quant_with_min_max_vars_per_channel_gradient(gradients, inputs, min, max, num_bits=8,  # noqa: A002
                                                      narrow_range=False, name=None):
  """The gradients of fake_quant_with_min_max_vars_per_channel with respect to inputs, min and max."""
  return _fake_quant("FakeQuantWithMinMaxVarsPerChannelGradient", [gradients, inputs, min, max], num_bits,
                     narrow_range, name)


def quantize_and_dequantize(input, input_min, input_max, signed_input=True, num_bits=8,  # noqa: A002
                            range_given=False, round_mode="HALF_TO_EVEN", name=None, narrow_range=False):
  """input rounded to steps of the range, which is that of the input unless `range_given`; gradients pass unchanged."""
  return ops.op("QuantizeAndDequantizeV2", name, [input, input_min, input_max], {
      "signed_input": signed_input, "num_bits": num_bits, "range_given": range_given, "round_mode": round_mode,
      "narrow_range": narrow_range})
