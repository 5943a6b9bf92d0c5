"""tf.contrib.seq2seq: decoders in a loop, what feeds them, attention, and the loss of sequences."""

from thalweg.contrib.seq2seq.attention import AttentionMechanism, BahdanauAttention, LuongAttention, hardmax
from thalweg.contrib.seq2seq.attention_wrapper import AttentionWrapper, AttentionWrapperState
from thalweg.contrib.seq2seq.decoder import BasicDecoder, BasicDecoderOutput, Decoder, dynamic_decode
from thalweg.contrib.seq2seq.helper import (CustomHelper, GreedyEmbeddingHelper, Helper, InferenceHelper,
                                            SampleEmbeddingHelper, TrainingHelper)
from thalweg.contrib.seq2seq.monotonic import (BahdanauMonotonicAttention, LuongMonotonicAttention,
                                               monotonic_attention, safe_cumprod)
from thalweg.contrib.seq2seq.loss import sequence_loss, tile_batch
from thalweg.contrib.seq2seq.scheduled import ScheduledEmbeddingTrainingHelper, ScheduledOutputTrainingHelper
