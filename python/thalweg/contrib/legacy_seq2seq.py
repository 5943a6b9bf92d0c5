"""tf.contrib.legacy_seq2seq: sequence to sequence models unrolled over lists of steps, as tf.nn.seq2seq was.

Inputs are lists with a tensor per step: [batch, depth], or ids [batch] for the functions with embeddings.
"""

import copy

from thalweg.contrib.rnn.cells import EmbeddingWrapper, Linear, OutputProjectionWrapper
from thalweg.framework import dtypes, ops
from thalweg.ops import array_ops, embedding_ops, math_ops, nn_ops, variable_scope as vs
from thalweg.ops.cond import cond
from thalweg.rnn.static import static_rnn
from thalweg.util import nest

# --- decoders ---


def rnn_decoder(decoder_inputs, initial_state, cell, loop_function=None, scope=None):
  """(outputs, final state); with `loop_function(previous output, step)` what it gives is the next input."""
  with vs.variable_scope(scope or "rnn_decoder"):
    state, outputs, prev = initial_state, [], None
    for i, inp in enumerate(decoder_inputs):
      if loop_function is not None and prev is not None:
        with vs.variable_scope("loop_function", reuse=True):
          inp = loop_function(prev, i)
      if i > 0:
        vs.get_variable_scope().reuse_variables()
      output, state = cell(inp, state)
      outputs.append(output)
      if loop_function is not None:
        prev = output
  return outputs, state


def _embed_most_likely(embedding, output_projection, update_embedding):
  """The loop function that feeds back the embedding of the most likely symbol."""

  def loop_function(prev, _):
    if output_projection is not None:
      prev = nn_ops.xw_plus_b(prev, output_projection[0], output_projection[1])
    embedded = embedding_ops.embedding_lookup(embedding, math_ops.argmax(prev, 1))
    return embedded if update_embedding else array_ops.stop_gradient(embedded)

  return loop_function


def _check_projection(output_projection, num_symbols, dtype):
  weights, biases = (ops.convert_to_tensor(part, dtype=dtype) for part in output_projection)
  weights.get_shape().assert_is_compatible_with([None, num_symbols])
  biases.get_shape().assert_is_compatible_with([num_symbols])


def embedding_rnn_decoder(decoder_inputs, initial_state, cell, num_symbols, embedding_size, output_projection=None,
                          feed_previous=False, update_embedding_for_previous=True, scope=None):
  """rnn_decoder of symbols; with `feed_previous` only the first input counts."""
  with vs.variable_scope(scope or "embedding_rnn_decoder") as scope:
    if output_projection is not None:
      _check_projection(output_projection, num_symbols, scope.dtype)
    embedding = vs.get_variable("embedding", [num_symbols, embedding_size])
    loop = _embed_most_likely(embedding, output_projection, update_embedding_for_previous) if feed_previous else None
    embedded = (embedding_ops.embedding_lookup(embedding, i) for i in decoder_inputs)
    return rnn_decoder(embedded, initial_state, cell, loop_function=loop)


def _softmax_attention(states, num_heads, dtype):
  """A function from a query to one [batch, size] per head: the attention states weighted by how they fit it (Bahdanau et
  al. 2014)."""
  length = states.get_shape().dims[1].value
  if length is None:
    length = array_ops.shape(states)[1]
  size = states.get_shape().dims[2].value
  # The states as an image of one column, so that a 1x1 convolution projects each.
  hidden = array_ops.reshape(states, [-1, length, 1, size])
  features, v = [], []
  for head in range(num_heads):
    k = vs.get_variable("AttnW_%d" % head, [1, 1, size, size], dtype=dtype)
    features.append(nn_ops.conv2d(hidden, k, [1, 1, 1, 1], "SAME"))
    v.append(vs.get_variable("AttnV_%d" % head, [size], dtype=dtype))

  def attend(query):
    if nest.is_sequence(query):
      query = array_ops.concat(nest.flatten(query), 1)
    found = []
    for head in range(num_heads):
      with vs.variable_scope("Attention_%d" % head):
        y = array_ops.reshape(Linear(query, size)(query), [-1, 1, 1, size])
        score = math_ops.reduce_sum(v[head] * math_ops.tanh(features[head] + math_ops.cast(y, dtype)), [2, 3])
        weights = math_ops.cast(nn_ops.softmax(math_ops.cast(score, dtypes.float32)), dtype)
        mean = math_ops.reduce_sum(array_ops.reshape(weights, [-1, length, 1, 1]) * hidden, [1, 2])
        found.append(array_ops.reshape(mean, [-1, size]))
    return found

  return attend


def attention_decoder(decoder_inputs, initial_state, attention_states, cell, output_size=None, num_heads=1,
                      loop_function=None, dtype=None, scope=None, initial_state_attention=False):
  """rnn_decoder that looks at `attention_states` [batch, length, size] in each step."""
  if not decoder_inputs:
    raise ValueError("Must provide at least 1 input to attention decoder.")
  if num_heads < 1:
    raise ValueError("With less than 1 heads, use a non-attention decoder.")
  size = attention_states.get_shape().dims[2].value
  if size is None:
    raise ValueError("Shape[2] of attention_states must be known: %s" % attention_states.get_shape())
  output_size = cell.output_size if output_size is None else output_size
  with vs.variable_scope(scope or "attention_decoder", dtype=dtype) as scope:
    dtype = scope.dtype
    batch_size = array_ops.shape(decoder_inputs[0])[0]
    attend = _softmax_attention(attention_states, num_heads, dtype)
    state, outputs, prev = initial_state, [], None
    shape = array_ops.stack([batch_size, size])
    attended = [array_ops.zeros(shape, dtype=dtype) for _ in range(num_heads)]
    for a in attended:
      a.set_shape([None, size])
    if initial_state_attention:
      attended = attend(initial_state)
    for i, inp in enumerate(decoder_inputs):
      if i > 0:
        vs.get_variable_scope().reuse_variables()
      if loop_function is not None and prev is not None:
        with vs.variable_scope("loop_function", reuse=True):
          inp = loop_function(prev, i)
      input_size = inp.get_shape().with_rank(2).dims[1].value
      if input_size is None:
        raise ValueError("Could not infer input size from input: %s" % inp.name)
      parts = [math_ops.cast(e, dtype) for e in [inp] + attended]
      output, state = cell(Linear(parts, input_size)(parts), state)
      if i == 0 and initial_state_attention:
        with vs.variable_scope(vs.get_variable_scope(), reuse=True):
          attended = attend(state)
      else:
        attended = attend(state)
      with vs.variable_scope("AttnOutputProjection"):
        parts = [math_ops.cast(output, dtype)] + attended
        output = Linear(parts, output_size)(parts)
      if loop_function is not None:
        prev = output
      outputs.append(output)
  return outputs, state


def embedding_attention_decoder(decoder_inputs, initial_state, attention_states, cell, num_symbols, embedding_size,
                                num_heads=1, output_size=None, output_projection=None, feed_previous=False,
                                update_embedding_for_previous=True, dtype=None, scope=None,
                                initial_state_attention=False):
  """attention_decoder of symbols; with `feed_previous` only the first input counts."""
  output_size = cell.output_size if output_size is None else output_size
  if output_projection is not None:
    biases = ops.convert_to_tensor(output_projection[1], dtype=dtype)
    biases.get_shape().assert_is_compatible_with([num_symbols])
  with vs.variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
    embedding = vs.get_variable("embedding", [num_symbols, embedding_size])
    loop = _embed_most_likely(embedding, output_projection, update_embedding_for_previous) if feed_previous else None
    embedded = [embedding_ops.embedding_lookup(embedding, i) for i in decoder_inputs]
    return attention_decoder(embedded, initial_state, attention_states, cell, output_size=output_size,
                             num_heads=num_heads, loop_function=loop,
                             initial_state_attention=initial_state_attention)


# --- models ---


def basic_rnn_seq2seq(encoder_inputs, decoder_inputs, cell, dtype=dtypes.float32, scope=None):
  """An encoder whose final state begins the decoder; both cells are alike and have variables of their own."""
  with vs.variable_scope(scope or "basic_rnn_seq2seq"):
    _, state = static_rnn(copy.deepcopy(cell), encoder_inputs, dtype=dtype)
    return rnn_decoder(decoder_inputs, state, cell)


def tied_rnn_seq2seq(encoder_inputs, decoder_inputs, cell, loop_function=None, dtype=dtypes.float32, scope=None):
  """basic_rnn_seq2seq with one cell."""
  with vs.variable_scope("combined_tied_rnn_seq2seq"):
    scope = scope or "tied_rnn_seq2seq"
    _, state = static_rnn(cell, encoder_inputs, dtype=dtype, scope=scope)
    vs.get_variable_scope().reuse_variables()
    return rnn_decoder(decoder_inputs, state, cell, loop_function=loop_function, scope=scope)


def _fed_or_not(feed_previous, decode):
  """decode(feed_previous, **more), which for a tensor is made both ways, with shared variables, and done one way."""
  if isinstance(feed_previous, bool):
    return decode(feed_previous)

  structures = []

  def branch(fed):
    with vs.variable_scope(vs.get_variable_scope(), reuse=None if fed else True):
      structures.append(decode(fed, update_embedding_for_previous=False))
    return nest.flatten(structures[-1])

  chosen = cond(feed_previous, lambda: branch(True), lambda: branch(False))
  return nest.pack_sequence_as(structures[0], chosen)


def embedding_rnn_seq2seq(encoder_inputs, decoder_inputs, cell, num_encoder_symbols, num_decoder_symbols,
                          embedding_size, output_projection=None, feed_previous=False, dtype=None, scope=None):
  """basic_rnn_seq2seq of symbols. `feed_previous` is a bool or a boolean scalar tensor."""
  with vs.variable_scope(scope or "embedding_rnn_seq2seq") as scope:
    if dtype is not None:
      scope.set_dtype(dtype)
    encoder = EmbeddingWrapper(copy.deepcopy(cell), embedding_classes=num_encoder_symbols, embedding_size=embedding_size)
    _, state = static_rnn(encoder, encoder_inputs, dtype=scope.dtype)
    if output_projection is None:
      cell = OutputProjectionWrapper(cell, num_decoder_symbols)

    def decode(fed, **more):
      return embedding_rnn_decoder(decoder_inputs, state, cell, num_decoder_symbols, embedding_size,
                                   output_projection=output_projection, feed_previous=fed, **more)

    return _fed_or_not(feed_previous, decode)


def embedding_attention_seq2seq(encoder_inputs, decoder_inputs, cell, num_encoder_symbols, num_decoder_symbols,
                                embedding_size, num_heads=1, output_projection=None, feed_previous=False, dtype=None,
                                scope=None, initial_state_attention=False):
  """embedding_rnn_seq2seq whose decoder attends to the encoder's outputs."""
  with vs.variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype) as scope:
    encoder = EmbeddingWrapper(copy.deepcopy(cell), embedding_classes=num_encoder_symbols, embedding_size=embedding_size)
    outputs, state = static_rnn(encoder, encoder_inputs, dtype=scope.dtype)
    attention_states = array_ops.concat([array_ops.reshape(e, [-1, 1, cell.output_size]) for e in outputs], 1)
    output_size = None
    if output_projection is None:
      cell = OutputProjectionWrapper(cell, num_decoder_symbols)
      output_size = num_decoder_symbols

    def decode(fed, **more):
      return embedding_attention_decoder(
          decoder_inputs, state, attention_states, cell, num_decoder_symbols, embedding_size, num_heads=num_heads,
          output_size=output_size, output_projection=output_projection, feed_previous=fed,
          initial_state_attention=initial_state_attention, **more)

    return _fed_or_not(feed_previous, decode)


# --- losses ---


def sequence_loss_by_example(logits, targets, weights, average_across_timesteps=True, softmax_loss_function=None,
                             name=None):
  """[batch]: the weighted cross entropy over the steps, or its mean."""
  if len(targets) != len(logits) or len(weights) != len(logits):
    raise ValueError("Lengths of logits, weights, and targets must be the same %d, %d, %d." % (
        len(logits), len(weights), len(targets)))
  with ops.name_scope(name, "sequence_loss_by_example", logits + targets + weights):
    steps = []
    for logit, target, weight in zip(logits, targets, weights):
      if softmax_loss_function is None:
        target = array_ops.reshape(target, [-1])
        entropy = nn_ops.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logit)
      else:
        entropy = softmax_loss_function(labels=target, logits=logit)
      steps.append(entropy * weight)
    total = math_ops.add_n(steps)
    if average_across_timesteps:
      # An example whose weights are all zero has a loss of zero.
      total /= math_ops.add_n(weights) + 1e-12
    return total


def sequence_loss(logits, targets, weights, average_across_timesteps=True, average_across_batch=True,
                  softmax_loss_function=None, name=None):
  """The sum over examples of sequence_loss_by_example, or its mean."""
  with ops.name_scope(name, "sequence_loss", logits + targets + weights):
    cost = math_ops.reduce_sum(sequence_loss_by_example(
        logits, targets, weights, average_across_timesteps=average_across_timesteps,
        softmax_loss_function=softmax_loss_function))
    return cost / math_ops.cast(array_ops.shape(targets[0])[0], cost.dtype) if average_across_batch else cost


def model_with_buckets(encoder_inputs, decoder_inputs, targets, weights, buckets, seq2seq, softmax_loss_function=None,
                       per_example_loss=False, name=None):
  """(outputs, losses) of seq2seq(encoder inputs, decoder inputs) for each bucket (encoder length, decoder length), with
  shared variables."""
  for what, given, at in (("encoder_inputs", encoder_inputs, 0), ("targets", targets, 1), ("weights", weights, 1)):
    if len(given) < buckets[-1][at]:
      raise ValueError("Length of %s (%d) must be at least that of last bucket (%d)." % (
          what, len(given), buckets[-1][at]))
  loss = sequence_loss_by_example if per_example_loss else sequence_loss
  losses, outputs = [], []
  with ops.name_scope(name, "model_with_buckets", encoder_inputs + decoder_inputs + targets + weights):
    for j, (source, target) in enumerate(buckets):
      with vs.variable_scope(vs.get_variable_scope(), reuse=True if j > 0 else None):
        made, _ = seq2seq(encoder_inputs[:source], decoder_inputs[:target])
        outputs.append(made)
        losses.append(loss(made, targets[:target], weights[:target], softmax_loss_function=softmax_loss_function))
  return outputs, losses
