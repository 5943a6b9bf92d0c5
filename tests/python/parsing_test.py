"""Examples, sequences, lines and tensors out of strings."""

import gzip
import zlib

import numpy as np
import pytest
import thalweg as tf


@pytest.fixture(autouse=True)
def graph():
  with tf.Graph().as_default():
    yield


def run(t):
  with tf.Session() as sess:
    return sess.run(t)


def feature(values):
  if not values:
    return tf.train.Feature()
  if isinstance(values[0], bytes):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
  if isinstance(values[0], float):
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
  return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def example(**features):
  return tf.train.Example(features=tf.train.Features(
      feature={k: feature(v) for k, v in features.items()})).SerializeToString()


def dense(t):
  return t.indices.tolist(), t.values.tolist(), t.dense_shape.tolist()


def test_a_batch_of_all_kinds():
  batch = [example(a=[1.5, 2.5], n=[7], s=[b"x", b"y"]), example(a=[3.0, 4.0], rows=[1, 2, 3, 4])]
  found = run(tf.parse_example(batch, {
      "a": tf.FixedLenFeature([2], tf.float32), "n": tf.FixedLenFeature([], tf.int64, default_value=-1),
      "s": tf.VarLenFeature(tf.string),
      "rows": tf.FixedLenSequenceFeature([2], tf.int64, allow_missing=True, default_value=9)}))
  assert found["a"].tolist() == [[1.5, 2.5], [3, 4]] and found["n"].tolist() == [7, -1]
  assert dense(found["s"]) == ([[0, 0], [0, 1]], [b"x", b"y"], [2, 2])
  assert found["rows"].tolist() == [[[9, 9], [9, 9]], [[1, 2], [3, 4]]]


def test_one_example():
  found = run(tf.parse_single_example(example(n=[7], s=[b"x"]), {
      "n": tf.FixedLenFeature([1], tf.int64), "s": tf.VarLenFeature(tf.string), "t": tf.VarLenFeature(tf.float32),
      "d": tf.FixedLenFeature([2, 2], tf.float32, default_value=[[1, 2], [3, 4]])}))
  assert found["n"].tolist() == [7] and found["d"].tolist() == [[1, 2], [3, 4]]
  assert dense(found["s"]) == ([[0]], [b"x"], [1]) and dense(found["t"]) == ([], [], [0])


def test_shapes_are_known_while_building():
  found = tf.parse_example(tf.placeholder(tf.string, [5]), {
      "a": tf.FixedLenFeature([2, 3], tf.float32), "s": tf.VarLenFeature(tf.string)})
  assert found["a"].shape.as_list() == [5, 2, 3] and found["s"].indices.shape.as_list() == [None, 2]
  assert found["a"].op.type == "ParseExample"


@pytest.mark.parametrize("features, bad, message", [
    ({"a": tf.FixedLenFeature([2], tf.float32)}, dict(a=[1.0]), "values != expected"),
    ({"a": tf.FixedLenFeature([2], tf.float32)}, dict(a=[1, 2]), "Data types don't match"),
    ({"a": tf.FixedLenFeature([2], tf.float32)}, {}, "is required but could not be found"),
    ({"a": tf.FixedLenFeature([2], tf.float32)}, dict(a=[]), "is required but could not be found"),
    ({"a": tf.VarLenFeature(tf.int64)}, dict(a=[b"x"]), "Data types don't match"),
    ({"a": tf.FixedLenSequenceFeature([2], tf.int64, allow_missing=True)}, dict(a=[1, 2, 3]), "values != expected")])
def test_examples_that_do_not_fit(features, bad, message):
  for t in (tf.parse_example([example(**bad)], features, example_names=["this one"]),
            tf.parse_single_example(example(**bad), features)):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
      run(list(t.values()))


def test_bytes_that_are_no_message():
  whole = example(a=[1.0, 2.0], s=[b"some text"])
  wanted = {"a": tf.FixedLenFeature([2], tf.float32, default_value=[0, 0]), "s": tf.VarLenFeature(tf.string)}
  text = tf.placeholder(tf.string, [])
  t = tf.parse_single_example(text, wanted)
  with tf.Session() as sess:
    assert sess.run(t, {text: whole})["a"].tolist() == [1, 2]
    refused = 0
    for cut in range(len(whole)):
      try:
        sess.run(t, {text: whole[:cut]})
      except tf.errors.InvalidArgumentError:
        refused += 1
    assert refused > len(whole) - 6
    rng = np.random.RandomState(0)
    for _ in range(300):
      broken = bytearray(whole)
      broken[rng.randint(len(broken))] = rng.randint(256)
      try:
        sess.run(t, {text: bytes(broken)})
      except tf.errors.InvalidArgumentError:
        pass


def test_sparse_features_are_put_together():
  batch = [example(i=[3, 1], v=[0.5, 1.5]), example(i=[0], v=[2.5])]
  found = run(tf.parse_example(batch, {"x": tf.SparseFeature("i", "v", tf.float32, 4)}))
  assert list(found) == ["x"]
  assert dense(found["x"]) == ([[0, 1], [0, 3], [1, 0]], [1.5, 0.5, 2.5], [2, 4])


def test_a_sequence():
  text = tf.train.SequenceExample(
      context=tf.train.Features(feature={"n": feature([3])}),
      feature_lists=tf.train.FeatureLists(feature_list={
          "f": tf.train.FeatureList(feature=[feature([1.0, 2.0]), feature([3.0, 4.0])]),
          "w": tf.train.FeatureList(feature=[feature([b"a"]), feature([]), feature([b"b", b"c"])])})).SerializeToString()
  context, lists = run(tf.parse_single_sequence_example(
      text, {"n": tf.FixedLenFeature([], tf.int64), "m": tf.VarLenFeature(tf.string)},
      {"f": tf.FixedLenSequenceFeature([2], tf.float32), "w": tf.VarLenFeature(tf.string),
       "none": tf.FixedLenSequenceFeature([], tf.int64, allow_missing=True)}))
  assert context["n"] == 3 and dense(context["m"]) == ([], [], [0])
  assert lists["f"].tolist() == [[1, 2], [3, 4]] and lists["none"].tolist() == []
  assert dense(lists["w"]) == ([[0, 0], [2, 0], [2, 1]], [b"a", b"b", b"c"], [3, 2])
  with pytest.raises(tf.errors.InvalidArgumentError, match="'none' is required"):
    run(tf.parse_single_sequence_example(text, None, {"none": tf.FixedLenSequenceFeature([], tf.int64)})[1])
  with pytest.raises(tf.errors.InvalidArgumentError, match="values != expected"):
    run(tf.parse_single_sequence_example(text, None, {"f": tf.FixedLenSequenceFeature([3], tf.float32)})[1])


def test_features_that_make_no_sense():
  with pytest.raises(ValueError, match="Missing"):
    tf.parse_example([""], {})
  with pytest.raises(ValueError, match="Missing type"):
    tf.parse_example([""], {"a": tf.FixedLenFeature([], None)})
  with pytest.raises(ValueError, match="Unsupported"):
    tf.parse_example([""], {"a": 3})
  with pytest.raises(ValueError, match="allow_missing"):
    tf.parse_example([""], {"a": tf.FixedLenSequenceFeature([], tf.int64)})


def test_csv():
  a, b, c = run(tf.decode_csv(["1,x,2.5", '-3,"y,""z""",'], [[0], [""], [9.5]]))
  assert a.tolist() == [1, -3] and b.tolist() == [b"x", b'y,"z"'] and c.tolist() == [2.5, 9.5]
  assert run(tf.decode_csv("5 6 7", [[0]], field_delim=" ", select_cols=[2]))[0] == 7
  for line, message in (("1,2,3", "Expect 2 fields"), (",1", "is required but missing"), ("a,1", "not a valid int32"),
                        ('1,"2', "Quoted field")):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
      run(tf.decode_csv(line, [tf.constant([], tf.int32), [0]]))


def test_tensors_as_strings():
  for value in (np.arange(6, dtype=np.int16).reshape(2, 3), np.array(2.5), np.array([b"a", b""], object)):
    t = tf.constant(value)
    assert run(tf.parse_tensor(tf.serialize_tensor(t), t.dtype)).tolist() == value.tolist()
  with pytest.raises(tf.errors.InvalidArgumentError, match="Type mismatch"):
    run(tf.parse_tensor(tf.serialize_tensor([1.0]), tf.int32))
  with pytest.raises(tf.errors.InvalidArgumentError):
    run(tf.parse_tensor(b"\xff\xff\xff", tf.int32))


def test_decompression():
  data = bytes(range(256)) * 1000
  assert run(tf.io.decode_compressed([zlib.compress(data)], "ZLIB")).tolist() == [data]
  twice = gzip.compress(data) + gzip.compress(b"more")
  assert run(tf.io.decode_compressed(twice, "GZIP")) == data + b"more"
  assert run(tf.io.decode_compressed(b"as it is")) == b"as it is"
  for bad in (b"nothing of the kind", zlib.compress(data)[:-5]):
    with pytest.raises(tf.errors.DataLossError):
      run(tf.io.decode_compressed(bad, "ZLIB"))


def test_sparse_tensors_as_strings():
  t = tf.SparseTensor([[0, 1], [2, 0], [2, 2]], [1.5, 2.5, 3.5], [3, 4])
  one = tf.serialize_sparse(t)
  many = tf.serialize_many_sparse(t)
  assert one.shape.as_list() == [3]
  back = tf.deserialize_many_sparse(many, tf.float32, rank=1)
  assert back.indices.shape.as_list() == [None, 2]
  twice = tf.deserialize_many_sparse(tf.stack([one, one]), tf.float32)
  assert dense(run(back)) == ([[0, 1], [2, 0], [2, 2]], [1.5, 2.5, 3.5], [3, 4])
  assert dense(run(twice)) == ([[0, 0, 1], [0, 2, 0], [0, 2, 2], [1, 0, 1], [1, 2, 0], [1, 2, 2]],
                               [1.5, 2.5, 3.5] * 2, [2, 3, 4])
  alone = tf.raw_ops.DeserializeSparse(serialized_sparse=one, dtype=tf.float32)
  assert run(alone.sparse_indices).tolist() == [[0, 1], [2, 0], [2, 2]]
  for bad, message in ((tf.stack([one]), "Requested SparseTensor of type"), ([["", "", ""]], "do not fit|dtype|parse")):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
      run(tf.deserialize_many_sparse(bad, tf.int32))
