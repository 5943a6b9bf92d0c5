"""Strings: their parts, forms, numbers, hashes; joining and splitting."""

import numpy as np

WORDS = np.array([["Hello World", "  a b  "], ["", "x=1;y=22"]])


def parts(tf):
  s, w = tf.strings, tf.constant(WORDS)
  return [tf.substr(w, 0, 3), s.substr(["hello", "wörld"], [-2, 1], [2, 2], unit="UTF8_CHAR", name="part"), s.length(w),
          s.lower(w), s.upper("naïve", encoding="utf-8", name="up"), tf.string_strip(w), s.strip([" x "], name="bare"),
          tf.regex_replace(w, "[0-9]+", "#"), s.regex_replace(w, tf.constant("(\\w)="), "\\1:", replace_global=False),
          s.regex_full_match(w, "[a-zA-Z ]*"), s.regex_full_match(w, tf.constant("x.*"), name="matches"),
          tf.regex_replace("aaa", "a", "b", replace_global=False, name="first")]


def joined(tf):
  w = tf.constant(WORDS)
  unknown = tf.placeholder_with_default(WORDS, None)
  return [tf.string_join([w, "!"], separator="-"), tf.strings.join(["a", "b"], name="ab"), tf.reduce_join(w),
          tf.reduce_join(w, 0), tf.strings.reduce_join(w, [0, 1], separator=",", keep_dims=True, name="all"),
          tf.reduce_join(unknown), tf.reduce_join(w, reduction_indices=[1]),
          tf.strings.unsorted_segment_join(["a", "b", "c"], [1, 0, 1], 3, separator="+")]


def split(tf):
  lines = tf.constant(["a b  c", "", "d"])
  return [tf.string_split(lines), tf.string_split(lines, "b", skip_empty=False), tf.string_split(["ab", "c"], ""),
          tf.string_split(lines, delimiter=" ", name="cut"), tf.strings.split(lines), tf.strings.split(lines, sep=" "),
          tf.strings.split(["a<>b<>c"], "<>", maxsplit=1, name="pair"), tf.strings.split(source=lines)]


def split_matrix(tf):
  return [tf.strings.split([["a b", "c"], ["", "d e f"]])]


def numbers(tf):
  return [tf.as_string([1.5, -2.0], precision=2), tf.strings.as_string([3, 4], width=4, fill="0", name="wide"),
          tf.string_to_number(["1", "2.5"]), tf.strings.to_number(["7", "8"], tf.int64, name="ints"),
          tf.string_to_number(input=["9"]), tf.decode_raw(["abcd", "efgh"], tf.uint8),
          tf.io.decode_raw(["abcd"], tf.int16, little_endian=False, name="raw"), tf.encode_base64(["ab?", "~"]),
          tf.io.encode_base64("ab", pad=True, name="padded"), tf.decode_base64(["YWI_", "fg"]),
          tf.strings.format("{} and {}", [tf.constant([1, 2, 3]), tf.constant("x")]),
          tf.strings.format("<%>", tf.range(10), placeholder="%", summarize=2, name="text")]


def hashes(tf):
  w = tf.constant(WORDS)
  return [tf.string_to_hash_bucket(w, 1000), tf.string_to_hash_bucket_fast(w, 1000),
          tf.string_to_hash_bucket_strong(w, 1000, [3, 5]), tf.strings.to_hash_bucket(input=w, num_buckets=7, name="old"),
          tf.strings.to_hash_bucket_fast("a", 10, name="fast"), tf.strings.to_hash_bucket_strong("a", 10, [1, 2]),
          tf.cast(tf.fingerprint(w), tf.int32)]


def sparse_segments(tf):
  data = tf.constant(np.arange(12, dtype=np.float32).reshape(4, 3))
  found = []
  for f in (tf.sparse_segment_sum, tf.sparse.segment_mean, tf.sparse_segment_sqrt_n):
    found += [f(data, [0, 3, 1], [0, 0, 2]), f(data, [0, 3, 1], [0, 0, 2], num_segments=4), f(data, [2], [0], "named", 2)]
  return [found, tf.gradients(found[1::3], data)]


def places(tf):
  ordered = tf.constant([[1.0, 2.0, 2.0, 5.0], [0.0, 3.0, 4.0, 9.0]])
  wanted = tf.constant([[2.0, 6.0], [0.0, 3.5]])
  return [tf.searchsorted(ordered, wanted), tf.searchsorted(ordered, wanted, side="right", out_type=tf.int64),
          tf.searchsorted([1, 3, 5], [0, 3, 9], name="at"), tf.unravel_index([2, 5, 7], [3, 3]),
          tf.unravel_index(8, (3, 3), name="where")]


def queues(tf):
  q = tf.queue.FIFOQueue(3, tf.float32, shapes=[[]])
  with tf.control_dependencies([q.enqueue(2.0)]):
    x = q.dequeue()
  return [x]


def not_a_number(tf):
  return [tf.string_to_number("one")]


def not_base64(tf):
  return [tf.decode_base64("a")]


def wrong_length(tf):
  return [tf.decode_raw(["abc"], tf.int16)]


def bad_pattern(tf):
  return [tf.regex_replace("a", "(", "b")]


def out_of_string(tf):
  return [tf.substr("abc", 5, 1)]


def no_buckets(tf):
  tf.string_to_hash_bucket_fast("a", 0)


def too_few_placeholders(tf):
  tf.strings.format("{}", [1, 2])


def no_type(tf):
  tf.decode_raw("abcd")


def unknown_side(tf):
  tf.searchsorted([1], [1], side="middle")


def two_names(tf):
  tf.string_to_number("1", input="2")


PROGRAMS = [parts, joined, split, numbers, hashes, sparse_segments, places, queues]
VALUES_ONLY = [split_matrix]
ERRORS = [not_a_number, not_base64, wrong_length, bad_pattern, out_of_string, no_buckets, too_few_placeholders, no_type,
          unknown_side, two_names]
