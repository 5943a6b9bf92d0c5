"""The mel scale of pitch, in its form mel = 1127 ln(1 + hertz / 700) (the HTK book), and cepstral coefficients."""

from thalweg.framework import dtypes, ops, tensor_shape
from thalweg.ops import array_ops, math_ops
from thalweg.ops.signal import dct_ops, shape_ops


def _mel(hertz):
  return 1127.0 * math_ops.log(1.0 + hertz / 700.0)


def linear_to_mel_weight_matrix(num_mel_bins=20, num_spectrogram_bins=129, sample_rate=8000, lower_edge_hertz=125.0,
                                upper_edge_hertz=3800.0, dtype=dtypes.float32, name=None):
  """[num_spectrogram_bins, num_mel_bins]: weights of the bins of a spectrum in triangular bands that are equally wide on
  the mel scale. A product with it turns magnitudes of a spectrum into those of the bands."""
  if num_mel_bins <= 0:
    raise ValueError("num_mel_bins must be positive. Got: %s" % num_mel_bins)
  if lower_edge_hertz < 0.0:
    raise ValueError("lower_edge_hertz must be non-negative. Got: %s" % lower_edge_hertz)
  if lower_edge_hertz >= upper_edge_hertz:
    raise ValueError("lower_edge_hertz %.1f >= upper_edge_hertz %.1f" % (lower_edge_hertz, upper_edge_hertz))
  if not isinstance(sample_rate, ops.Tensor):
    if sample_rate <= 0.0:
      raise ValueError("sample_rate must be positive. Got: %s" % sample_rate)
    if upper_edge_hertz > sample_rate / 2:
      raise ValueError("upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2). Got %s for "
                       "sample_rate: %s" % (upper_edge_hertz, sample_rate))
  if not dtypes.as_dtype(dtype).is_floating:
    raise ValueError("dtype must be a floating point type. Got: %s" % dtypes.as_dtype(dtype).name)
  with ops.name_scope(name, "linear_to_mel_weight_matrix") as name:
    sample_rate = math_ops.cast(sample_rate, dtype, name="sample_rate")
    lower = ops.convert_to_tensor(lower_edge_hertz, dtype, name="lower_edge_hertz")
    upper = ops.convert_to_tensor(upper_edge_hertz, dtype, name="upper_edge_hertz")
    # The lowest bin, at 0 Hz, belongs to no band.
    bins = math_ops.linspace(array_ops.zeros([], dtype), sample_rate / 2.0, num_spectrogram_bins)[1:]
    bins = array_ops.expand_dims(_mel(bins), 1)
    edges = shape_ops.frame(math_ops.linspace(_mel(lower), _mel(upper), num_mel_bins + 2), frame_length=3, frame_step=1)
    low, center, high = (array_ops.reshape(t, [1, num_mel_bins]) for t in array_ops.split(edges, 3, axis=1))
    rising, falling = (bins - low) / (center - low), (high - bins) / (high - center)
    weights = math_ops.maximum(array_ops.zeros([], dtype), math_ops.minimum(rising, falling))
    return array_ops.pad(weights, [[1, 0], [0, 0]], name=name)


def mfccs_from_log_mel_spectrograms(log_mel_spectrograms, name=None):
  """[..., bands]: cepstral coefficients of the logarithms of mel spectra, scaled as HTK scales them."""
  with ops.name_scope(name, "mfccs_from_log_mel_spectrograms", [log_mel_spectrograms]):
    spectra = ops.convert_to_tensor(log_mel_spectrograms, dtype=dtypes.float32)
    bands = tensor_shape.dimension_value(spectra.shape[-1]) if spectra.shape.ndims else None
    if bands == 0:
      raise ValueError("num_mel_bins must be positive. Got: %s" % log_mel_spectrograms)
    count = array_ops.shape(spectra)[-1] if bands is None else bands
    return dct_ops.dct(spectra, type=2) * math_ops.rsqrt(math_ops.cast(count, dtypes.float32) * 2.0)
