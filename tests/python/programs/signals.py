"""Signal processing: Fourier and cosine transforms, windows, frames, spectra, the mel scale."""

import numpy as np

# Small, for the errors of a transform are relative to the largest of its values.
WAVE = (0.1 * np.sin(np.arange(60.0) ** 1.5)).reshape(2, 30).astype(np.float32)
CUBE = np.cos(np.arange(72.0) * 1.3).reshape(2, 3, 4, 3).astype(np.float32)
COMPLEX = (CUBE + 1j * np.sin(CUBE * 2)).astype(np.complex64)


def transforms(tf):
  s, z, x = tf.signal, tf.constant(COMPLEX), tf.constant(CUBE)
  return [tf.fft(z), tf.ifft(z), tf.fft2d(z), tf.spectral.ifft2d(z), tf.fft3d(z, name="volume"), s.ifft3d(z), s.rfft(x),
          s.rfft(x, [5], name="longer"), s.rfft(x, [2]), s.irfft(z), tf.spectral.irfft(z, fft_length=[7]),
          s.rfft2d(x), s.rfft2d(x, [6, 2]), s.irfft2d(z), s.rfft3d(x), s.irfft3d(z), s.irfft3d(z, [2, 5, 3]),
          tf.fft(tf.constant(COMPLEX.astype(np.complex128)))]


def transforms_of_unknown_shape(tf):
  x = tf.placeholder_with_default(WAVE, [None, None])
  z = tf.placeholder_with_default(COMPLEX[0], [3, None, None])
  return [tf.signal.rfft(x), tf.signal.irfft(z), tf.signal.rfft(x, [40]), tf.signal.irfft2d(z), tf.signal.rfft2d(x)]


def shifts(tf):
  x = tf.constant(CUBE[0])
  return [tf.signal.fftshift(x), tf.signal.ifftshift(x, axes=1, name="back"), tf.signal.fftshift(x, axes=[0, 2])]


def cosines(tf):
  x = tf.constant(WAVE)
  y = tf.placeholder_with_default(WAVE, [None, None])
  d, i = tf.signal.dct, tf.spectral.idct
  return [d(x), d(x, norm="ortho"), d(x, type=1), d(x, type=3), d(x, type=3, norm="ortho"), i(x), i(x, norm="ortho"),
          i(x, type=1), i(x, type=3), d(y), i(y, norm="ortho"), d(x, n=8), d(x, n=40), i(d(x), n=10)]


def windows(tf):
  s = tf.signal
  length = tf.placeholder_with_default(7, [])
  return [s.hann_window(8), s.hann_window(9), s.hann_window(8, periodic=False), s.hamming_window(5, dtype=tf.float64),
          s.hann_window(1), s.hann_window(length), s.hamming_window(length - 6)]


def frames(tf):
  f, x = tf.signal.frame, tf.constant(WAVE)
  cube = tf.constant(CUBE)
  unknown = tf.placeholder_with_default(WAVE, [None, None])
  four, any_rank = tf.placeholder_with_default(4, []), tf.placeholder_with_default(CUBE, None)
  add = tf.signal.overlap_and_add
  return [f(x, 8, 4), f(x, 7, 3, pad_end=True), f(x, 5, 6, pad_end=True, pad_value=9), f(x, 40, 4), f(cube, 2, 1, axis=1),
          f(cube, 2, 2, axis=-2, pad_end=True), f(unknown, 6, 4), f(unknown, four, 3, pad_end=True), f(x, four, four), f(x, 0, 2),
          f(any_rank, 2, 1), add(any_rank, 2),
          add(x, 10), add(cube, 2), add(unknown, four), add(tf.ones([1, 4]), 4), f(x, 8, 4).shape.as_list()[1:] and
          tf.shape(f(x, 8, 4))]


def spectra(tf):
  s, x = tf.signal, tf.constant(WAVE)
  z = s.stft(x, 8, 4)
  back = s.inverse_stft(z, 8, 4, window_fn=s.inverse_stft_window_fn(4))
  unknown, any_rank = tf.placeholder_with_default(WAVE, [None, None]), tf.placeholder_with_default(WAVE, None)
  of_any_rank = tf.placeholder_with_default(COMPLEX, None)
  return [s.stft(any_rank, 8, 4), s.inverse_stft(of_any_rank, 4, 2), z,
          s.stft(x, 6, 3, pad_end=True), s.stft(x, 8, 4, fft_length=16, window_fn=None), s.stft(unknown, 6, 2), back,
          s.inverse_stft(z, 8, 4), s.inverse_stft(z, 6, 3, fft_length=8), s.inverse_stft(z, 10, 5, fft_length=8),
          s.inverse_stft_window_fn(3, s.hamming_window)(7, tf.float32)]


def mel(tf):
  s = tf.signal
  m = s.linear_to_mel_weight_matrix(num_mel_bins=7, num_spectrogram_bins=33)
  log_mel = tf.log(tf.matmul(tf.abs(s.stft(tf.constant(WAVE[0] * 10 + 2), 8, 2, fft_length=64)), m) + 1e-3)
  return [m, s.linear_to_mel_weight_matrix(5, 17, 16000, 20.0, 8000.0, tf.float64), log_mel / 5,
          s.mfccs_from_log_mel_spectrograms(log_mel / 5)]


def gradients(tf):
  x, z = tf.constant(WAVE), tf.constant(COMPLEX)
  ys = [tf.abs(tf.signal.rfft(x)), tf.abs(tf.fft(tf.complex(x, x * 0.5))), tf.signal.irfft(z), tf.signal.dct(x),
        tf.abs(tf.signal.stft(x, 8, 4)), tf.signal.overlap_and_add(x, 7), tf.abs(tf.fft2d(z)),
        tf.signal.frame(x, 7, 3, pad_end=True)]
  found = []
  for y in ys:
    weights = tf.reshape(tf.sin(tf.cast(tf.range(tf.size(y)), tf.float32)), tf.shape(y))
    found += [g for g in tf.gradients(tf.reduce_sum(y * weights), [x, z]) if g is not None]
  return [found]


def unknown_norm(tf):
  tf.signal.dct([1.0, 2.0], norm="other")


def unknown_type(tf):
  tf.signal.dct([1.0, 2.0], type=5)


def other_axis(tf):
  tf.signal.dct([[1.0, 2.0]], axis=0)


def normalised_first_type(tf):
  tf.signal.dct([1.0, 2.0], type=1, norm="ortho")


def window_of_integers(tf):
  tf.signal.hann_window(4, dtype=tf.int32)


def too_low_edge(tf):
  tf.signal.linear_to_mel_weight_matrix(lower_edge_hertz=-1.0)


def edges_that_cross(tf):
  tf.signal.linear_to_mel_weight_matrix(lower_edge_hertz=500.0, upper_edge_hertz=400.0)


def above_nyquist(tf):
  tf.signal.linear_to_mel_weight_matrix(upper_edge_hertz=5000.0)


def transform_of_scalar(tf):
  tf.signal.rfft(1.0)


def real_transform_of_complex(tf):
  tf.signal.rfft(tf.constant(COMPLEX))


def complex_transform_of_real(tf):
  tf.fft(tf.constant(CUBE))


def frames_of_scalar(tf):
  tf.signal.frame(1.0, 2, 1)


def frames_that_do_not_move(tf):
  return [tf.signal.frame(tf.ones([3]), 2, 0)]


def frames_that_move_back(tf):
  tf.signal.frame(tf.ones([3]), 2, -1)


def frames_added_without_a_step(tf):
  return [tf.signal.overlap_and_add(tf.ones([2, 3]), 0)]


PROGRAMS = [transforms, shifts]
VALUES_ONLY = [transforms_of_unknown_shape, cosines, windows, frames, spectra, mel, gradients]
ERRORS = [unknown_norm, unknown_type, other_axis, normalised_first_type, window_of_integers, too_low_edge,
          edges_that_cross, above_nyquist, transform_of_scalar, real_transform_of_complex, complex_transform_of_real,
          frames_of_scalar, frames_that_do_not_move, frames_that_move_back, frames_added_without_a_step]
