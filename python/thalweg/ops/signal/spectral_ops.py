"""Short-time Fourier transforms, and back."""

from thalweg.framework import dtypes, ops, tensor_util
from thalweg.ops import array_ops, math_ops
from thalweg.ops.signal import fft_ops, shape_ops, window_ops


def _enclosing_power_of_two(value):
  known = tensor_util.constant_value(value)
  if known is not None:
    return ops.convert_to_tensor(1 << (int(known) - 1).bit_length() if known > 0 else 0, dtypes.int32)
  exponent = math_ops.ceil(math_ops.log(math_ops.cast(value, dtypes.float32)) / math_ops.log(2.0))
  return math_ops.cast(math_ops.pow(2.0, exponent), value.dtype)


def _int32(value, name):
  value = ops.convert_to_tensor(value, name=name)
  value.shape.assert_has_rank(0)
  return value


def stft(signals, frame_length, frame_step, fft_length=None, window_fn=window_ops.hann_window, pad_end=False, name=None):
  """Spectra of frames: real [..., samples] becomes complex [..., frames, fft_length // 2 + 1].

  Args:
    signals: float32.
    frame_length: samples of a frame.
    frame_step: samples from one frame to the next.
    fft_length: of the transform; the least power of two that holds a frame by default.
    window_fn: called with the frame's length and `dtype`, gives the weights of its samples; None for equal ones.
    pad_end: whether the last samples have frames of their own too, filled up with zeros.
  """
  with ops.name_scope(name, "stft", [signals, frame_length, frame_step]):
    signals = ops.convert_to_tensor(signals, name="signals")
    signals.shape.with_rank_at_least(1)
    frame_length, frame_step = _int32(frame_length, "frame_length"), _int32(frame_step, "frame_step")
    fft_length = _enclosing_power_of_two(frame_length) if fft_length is None else _int32(fft_length, "fft_length")
    frames = shape_ops.frame(signals, frame_length, frame_step, pad_end=pad_end)
    if window_fn is not None:
      frames *= window_fn(frame_length, dtype=frames.dtype)
    return fft_ops.rfft(frames, [fft_length])


def inverse_stft_window_fn(frame_step, forward_window_fn=window_ops.hann_window, name=None):
  """The window with which inverse_stft() gives back what stft() with `forward_window_fn` took."""
  with ops.name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
    frame_step = _int32(frame_step, "frame_step")

  def window_fn(frame_length, dtype):
    with ops.name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
      frame_length = _int32(frame_length, "frame_length")
      forward = forward_window_fn(frame_length, dtype=dtype)
      # What the squares of the windows that overlap in a sample sum up to.
      overlaps = -(-frame_length // frame_step)
      squares = array_ops.pad(math_ops.square(forward), [(0, overlaps * frame_step - frame_length)])
      total = math_ops.reduce_sum(array_ops.reshape(squares, [overlaps, frame_step]), 0, keepdims=True)
      total = array_ops.reshape(array_ops.tile(total, [overlaps, 1]), [overlaps * frame_step])
      return forward / total[:frame_length]

  return window_fn


def inverse_stft(stfts, frame_length, frame_step, fft_length=None, window_fn=window_ops.hann_window, name=None):
  """Signals of spectra: complex [..., frames, fft_length // 2 + 1] becomes real [..., samples]; see stft(). For the signal
  that stft() had, `window_fn` is an inverse_stft_window_fn()."""
  with ops.name_scope(name, "inverse_stft", [stfts]):
    stfts = ops.convert_to_tensor(stfts, name="stfts")
    if stfts.shape.with_rank_at_least(2).ndims is None:
      return shape_ops.of_any_rank(lambda x: inverse_stft(x, frame_length, frame_step, fft_length, window_fn), stfts, 2)
    frame_length, frame_step = _int32(frame_length, "frame_length"), _int32(frame_step, "frame_step")
    fft_length = _enclosing_power_of_two(frame_length) if fft_length is None else _int32(fft_length, "fft_length")
    frames = fft_ops.irfft(stfts, [fft_length])
    known_frame, known_fft = tensor_util.constant_value(frame_length), tensor_util.constant_value(fft_length)
    if known_frame is None or known_fft is None or known_frame != known_fft:
      frames = frames[..., :frame_length]
      rank = frames.shape.ndims
      missing = math_ops.maximum(0, frame_length - array_ops.shape(frames)[-1])
      frames = array_ops.pad(frames, [[0, 0]] * (rank - 1) + [[0, missing]])
      frames.set_shape(stfts.shape[:-1].concatenate([None if known_frame is None else int(known_frame)]))
    if window_fn is not None:
      frames *= window_fn(frame_length, dtype=stfts.dtype.real_dtype)
    return shape_ops.overlap_and_add(frames, frame_step)
