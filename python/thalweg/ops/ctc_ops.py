"""Connectionist temporal classification, and distances between sequences of labels.

Logits have the shape [time, batch, classes], the blank as the last class; labels are a SparseTensor [batch, number].
"""

from thalweg.framework import ops, sparse_tensor
from thalweg.framework.op_create import op as _op
from thalweg.ops import array_ops
from thalweg.util.deprecation import deprecated_argument_lookup


def ctc_loss(labels, inputs=None, sequence_length=None, preprocess_collapse_repeated=False, ctc_merge_repeated=True,
             ignore_longer_outputs_than_inputs=False, time_major=True, logits=None):
  """The negative logarithms, [batch], of the probabilities of the labels.

  Args:
    labels: an int32 SparseTensor; its values are classes below the blank.
    inputs: the logits, [time, batch, classes], or [batch, time, classes] unless `time_major`.
    sequence_length: int32 [batch], how many steps of each sequence count.
    preprocess_collapse_repeated: whether repeated labels become one before.
    ctc_merge_repeated: whether repeated classes without a blank between them are one label.
    ignore_longer_outputs_than_inputs: whether a sequence that is too short for its labels has the loss 0, and is no error.
    time_major: see inputs.
    logits: another name of inputs.
  """
  if not isinstance(labels, sparse_tensor.SparseTensor):
    raise TypeError("Expected labels (first argument) to be a SparseTensor")
  inputs = deprecated_argument_lookup("logits", logits, "inputs", inputs)
  inputs = ops.convert_to_tensor(inputs, name="logits")
  if not time_major:
    inputs = array_ops.transpose(inputs, [1, 0, 2])
  loss, _ = _op("CTCLoss", None, (inputs, labels.indices, labels.values, sequence_length), {
      "preprocess_collapse_repeated": preprocess_collapse_repeated, "ctc_merge_repeated": ctc_merge_repeated,
      "ignore_longer_outputs_than_inputs": ignore_longer_outputs_than_inputs})
  return loss


def ctc_greedy_decoder(inputs, sequence_length, merge_repeated=True):
  """([labels as a SparseTensor], [batch, 1] negative sums of logits) of the likeliest class of each step."""
  indices, values, shape, log_probability = _op("CTCGreedyDecoder", None, (inputs, sequence_length),
                                                {"merge_repeated": merge_repeated})
  return [sparse_tensor.SparseTensor(indices, values, shape)], log_probability


def ctc_beam_search_decoder(inputs, sequence_length, beam_width=100, top_paths=1, merge_repeated=True):
  """(`top_paths` SparseTensors of labels, their log probabilities [batch, top_paths]) by a beam search.

  merge_repeated takes repeated labels out of what was found, even where a blank was between them.
  """
  indices, values, shapes, log_probability = _op("CTCBeamSearchDecoder", None, (inputs, sequence_length), {
      "beam_width": beam_width, "top_paths": top_paths, "merge_repeated": merge_repeated})
  return [sparse_tensor.SparseTensor(*parts) for parts in zip(indices, values, shapes)], log_probability


def ctc_beam_search_decoder_v2(inputs, sequence_length, beam_width=100, top_paths=1):
  """ctc_beam_search_decoder that keeps repeated classes."""
  return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, merge_repeated=False)


def edit_distance(hypothesis, truth, normalize=True, name="edit_distance"):
  """Levenshtein distances between the sequences in the last dimensions of two SparseTensors; over the length of the truth
  when `normalize`."""
  if not isinstance(hypothesis, (sparse_tensor.SparseTensor, sparse_tensor.SparseTensorValue)):
    raise TypeError("Hypothesis must be a SparseTensor.")
  if not isinstance(truth, (sparse_tensor.SparseTensor, sparse_tensor.SparseTensorValue)):
    raise TypeError("Truth must be a SparseTensor.")
  return _op("EditDistance", name, (hypothesis.indices, hypothesis.values, hypothesis.dense_shape, truth.indices,
                                    truth.values, truth.dense_shape), {"normalize": normalize})
