"""Signals cut into frames, and put together from frames that overlap."""

import math

import numpy as np

from thalweg.framework import dtypes, errors, ops, tensor_shape, tensor_util
from thalweg.ops import array_ops, math_ops


def _scalar(value, name):
  """(the int where it is known, else None; the value as one to compute with). It is not negative, and a step not 0."""
  tensor = ops.convert_to_tensor(value, name=name)
  tensor.shape.assert_has_rank(0)
  if not tensor.dtype.is_integer:
    raise ValueError("%s must be an integer, not %s" % (name, tensor.dtype.name))
  known = tensor_util.constant_value(tensor)
  if known is None:
    return None, tensor
  if known < 0:
    raise ValueError("%s must not be negative, but is %d" % (name, known))
  if known == 0 and name == "frame_step":
    raise errors.InvalidArgumentError(None, None, "frame_step must not be 0")
  return int(known), int(known)


def of_any_rank(function, tensor, inner):
  """function(tensor) for a tensor of unknown rank, by one with its outer dimensions as one: `inner` dimensions stay."""
  sizes = array_ops.shape(tensor)
  result = function(array_ops.reshape(tensor, array_ops.stack([-1] + [sizes[i] for i in range(-inner, 0)])))
  return array_ops.reshape(result, array_ops.concat([sizes[:-inner], array_ops.shape(result)[1:]], 0))


def frame(signal, frame_length, frame_step, pad_end=False, pad_value=0, axis=-1, name=None):
  """Frames along an axis: [..., samples, ...] becomes [..., frames, frame_length, ...].

  Args:
    signal: of any type.
    frame_length: samples of a frame, an integer or a scalar tensor.
    frame_step: samples from one frame to the next.
    pad_end: whether the last samples have frames of their own too, filled up with `pad_value`.
    axis: an integer; -1 for a signal of unknown rank.
  """
  with ops.name_scope(name, "frame", [signal, frame_length, frame_step, pad_value]):
    signal = ops.convert_to_tensor(signal, name="signal")
    known_length, frame_length = _scalar(frame_length, "frame_length")
    known_step, frame_step = _scalar(frame_step, "frame_step")
    axis = tensor_util.constant_value(ops.convert_to_tensor(axis, name="axis"))
    if axis is None:
      raise ValueError("axis must be known when the graph is built")
    rank = signal.shape.with_rank_at_least(1).ndims
    if rank is None and axis == -1:
      return of_any_rank(lambda x: frame(x, frame_length, frame_step, pad_end, pad_value), signal, 1)
    if rank is None or not -rank <= axis < rank:
      raise ValueError("axis %d of frames is not one of a signal of shape %s" % (axis, signal.shape))
    axis = int(axis) % rank
    outer, inner = signal.shape[:axis], signal.shape[axis + 1:]
    sizes = array_ops.shape(signal)
    samples = tensor_shape.dimension_value(signal.shape[axis])
    static = samples is not None and known_length is not None and known_step is not None
    length = samples if samples is not None else sizes[axis]
    most = max if static else math_ops.maximum
    if pad_end:
      frames = most(0, -(-length // frame_step))
      missing = most(0, frame_length + frame_step * (frames - 1) - length)
      signal = array_ops.pad(signal, [[0, 0]] * axis + [[0, missing]] + [[0, 0]] * (rank - axis - 1),
                             constant_values=pad_value)
      length = length + missing
    else:
      frames = most(0, 1 + (length - frame_length) // frame_step)
    # Frames are gathered in pieces that both the length and the step are whole numbers of.
    piece = math.gcd(known_length, known_step) if known_length and known_step else 1
    pieces = length // piece
    cut = array_ops.slice(signal, [0] * rank, [-1] * axis + [pieces * piece] + [-1] * (rank - axis - 1))
    cut = array_ops.reshape(cut, array_ops.concat([sizes[:axis], [pieces, piece], sizes[axis + 1:]], 0))
    if static:
      places = np.arange(frames)[:, None] * (known_step // piece) + np.arange(known_length // piece)[None, :]
      places = array_ops.constant(places, dtypes.int32)
    else:
      places = (array_ops.reshape(math_ops.range(frames) * (frame_step // piece), [-1, 1]) +
                array_ops.reshape(math_ops.range(frame_length // piece), [1, -1]))
    result = array_ops.reshape(array_ops.gather(cut, places, axis=axis),
                               array_ops.concat([sizes[:axis], [frames, frame_length], sizes[axis + 1:]], 0))
    result.set_shape(outer.concatenate([frames if static else None, known_length]).concatenate(inner))
    return result


def overlap_and_add(signal, frame_step, name=None):
  """The sum of frames each of which begins `frame_step` samples after the one before: [..., frames, frame_length] becomes
  [..., (frames - 1) * frame_step + frame_length]."""
  with ops.name_scope(name, "overlap_and_add", [signal, frame_step]):
    signal = ops.convert_to_tensor(signal, name="signal")
    signal.shape.with_rank_at_least(2)
    known_step, step = _scalar(frame_step, "frame_step")
    rank = signal.shape.ndims
    if rank is None:
      return of_any_rank(lambda x: overlap_and_add(x, step), signal, 2)
    outer = array_ops.shape(signal)[:-2]
    frames, length = tensor_shape.dimension_value(signal.shape[-2]), tensor_shape.dimension_value(signal.shape[-1])
    total = (frames - 1) * known_step + length if None not in (frames, length, known_step) else None
    frames = array_ops.shape(signal)[-2] if frames is None else frames
    length = array_ops.shape(signal)[-1] if length is None else length
    # Each frame in segments of a step. Segment s of frame f ends up in place f + s: with rows of one segment more than
    # there are places, laying row s out again in rows of one less moves it s places on.
    segments = -(-length // step)
    none = [[0, 0]] * (rank - 2)
    parts = array_ops.pad(signal, none + [[0, segments], [0, segments * step - length]])
    parts = array_ops.reshape(parts, array_ops.concat([outer, [frames + segments, segments, step]], 0))
    order = list(range(rank - 2)) + [rank - 1, rank - 2, rank]
    parts = array_ops.transpose(parts, order)
    parts = array_ops.reshape(parts, array_ops.concat([outer, [(frames + segments) * segments, step]], 0))
    places = frames + segments - 1
    parts = parts[..., :places * segments, :]
    parts = array_ops.reshape(parts, array_ops.concat([outer, [segments, places * step]], 0))
    result = math_ops.reduce_sum(parts, -2)[..., :(frames - 1) * step + length]
    result.set_shape(signal.shape[:-2].concatenate([total]))
    return result
