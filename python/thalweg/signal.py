"""tf.signal."""

from thalweg.ops.signal.dct_ops import dct, idct  # noqa: F401
from thalweg.ops.signal.fft_ops import (  # noqa: F401
    fft, fft2d, fft3d, fftshift, ifft, ifft2d, ifft3d, ifftshift, irfft, irfft2d, irfft3d, rfft, rfft2d, rfft3d)
from thalweg.ops.signal.mel_ops import linear_to_mel_weight_matrix, mfccs_from_log_mel_spectrograms  # noqa: F401
from thalweg.ops.signal.shape_ops import frame, overlap_and_add  # noqa: F401
from thalweg.ops.signal.spectral_ops import inverse_stft, inverse_stft_window_fn, stft  # noqa: F401
from thalweg.ops.signal.window_ops import hamming_window, hann_window  # noqa: F401
