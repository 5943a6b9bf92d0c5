"""Lookup tables."""

import numpy as np
import pytest
import thalweg as tf


@pytest.fixture(autouse=True)
def graph():
  with tf.Graph().as_default():
    yield


def test_a_static_table():
  table = tf.contrib.lookup.HashTable(tf.contrib.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
  found = table.lookup(tf.constant([["a", "x"], ["b", "a"]]))
  assert found.shape.as_list() == [2, 2]
  with tf.Session() as sess:
    with pytest.raises(tf.errors.FailedPreconditionError, match="not initialized"):
      sess.run(found)
    sess.run(tf.tables_initializer())
    sess.run(table.init)  # the same again does no harm
    assert sess.run(found).tolist() == [[1, -1], [2, 1]] and sess.run(table.size()) == 2
    keys, values = sess.run(table.export())
    assert sorted(zip(keys, values)) == [(b"a", 1), (b"b", 2)]
  with tf.Session() as sess:
    with pytest.raises(tf.errors.FailedPreconditionError):
      sess.run(found)  # tables are a session's


def test_sparse_keys():
  table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([3, 5], ["three", "five"]), "?")
  found = table.lookup(tf.SparseTensor([[0, 1], [2, 0]], tf.constant([5, 4]), [3, 2]))
  with tf.Session() as sess:
    sess.run(tf.tables_initializer())
    got = sess.run(found)
  assert got.indices.tolist() == [[0, 1], [2, 0]] and got.values.tolist() == [b"five", b"?"]


def test_one_key_with_two_values_and_other_contents():
  keys = tf.placeholder(tf.string, [None])
  table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, tf.range(tf.size(keys))), -1)
  with tf.Session() as sess:
    with pytest.raises(tf.errors.FailedPreconditionError, match="different value"):
      sess.run(table.initializer, {keys: ["a", "a"]})
    sess.run(table.initializer, {keys: ["a", "b"]})
    with pytest.raises(tf.errors.FailedPreconditionError, match="already initialized"):
      sess.run(table.initializer, {keys: ["c", "b"]})


def test_vocabularies_in_files(tmp_path):
  path = tmp_path / "words"
  path.write_text("apple\nbanana\r\ncherry\n")
  ids = tf.contrib.lookup.index_table_from_file(str(path), num_oov_buckets=2)
  words = tf.contrib.lookup.index_to_string_table_from_file(str(path))
  found = ids.lookup(tf.constant(["cherry", "apple", "zebra"]))
  names = words.lookup(tf.constant([1, 7], tf.int64))
  with tf.Session() as sess:
    sess.run(tf.tables_initializer())
    got = sess.run(found)
    assert got[:2].tolist() == [2, 0] and got[2] in (3, 4) and sess.run(ids.size()) == 5
    assert sess.run(names).tolist() == [b"banana", b"UNK"]
  columns = tmp_path / "columns"
  columns.write_text("x,1.5\ny,2.5\n")
  table = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(
      str(columns), tf.string, 0, tf.float32, 1, delimiter=","), 0)
  with tf.Session() as sess:
    sess.run(table.initializer)
    assert sess.run(table.lookup(tf.constant(["y"]))).tolist() == [2.5]


@pytest.mark.parametrize("text, index, dtype, size, message", [
    ("a\t1\nb\n", 1, tf.int64, None, "Invalid number of columns"), ("a\tx\n", 1, tf.int64, None, "not a valid int64"),
    ("a\t1\n", 1, tf.int64, 3, "Invalid vocab_size")])
def test_files_that_do_not_fit(tmp_path, text, index, dtype, size, message):
  path = tmp_path / "words"
  path.write_text(text)
  table = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(
      str(path), tf.string, 0, dtype, index, vocab_size=size), -1)
  with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match=message):
    sess.run(table.initializer)


def test_index_table_from_tensor():
  table = tf.contrib.lookup.index_table_from_tensor(tf.constant(["x", "y"]), default_value=9)
  numbers = tf.contrib.lookup.index_table_from_tensor([10, 20], dtype=tf.int32)
  back = tf.contrib.lookup.index_to_string_table_from_tensor(["x", "y"])
  with tf.Session() as sess:
    sess.run(tf.tables_initializer())
    assert sess.run(table.lookup(tf.constant(["y", "z"]))).tolist() == [1, 9]
    assert sess.run(numbers.lookup(tf.constant([20], tf.int64))).tolist() == [1]
    assert sess.run(back.lookup(tf.constant([0, 5], tf.int64))).tolist() == [b"x", b"UNK"]


def test_a_mutable_table():
  table = tf.contrib.lookup.MutableHashTable(tf.string, tf.int64, -1)
  keys, values = tf.placeholder(tf.string, [None]), tf.placeholder(tf.int64, [None])
  insert, remove = table.insert(keys, values), table.remove(keys)
  found = table.lookup(tf.constant(["a", "b", "c"]))
  with tf.Session() as sess:
    sess.run(insert, {keys: ["a", "b"], values: [1, 2]})
    sess.run(insert, {keys: ["b"], values: [5]})
    assert sess.run(found).tolist() == [1, 5, -1]
    sess.run(remove, {keys: ["a", "nobody"]})
    sess.run(insert, {keys: ["c"], values: [7]})
    assert sess.run(found).tolist() == [-1, 5, 7] and sess.run(table.size()) == 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="Expected shape"):
      sess.run(insert, {keys: ["a", "b"], values: [1]})


def test_values_that_are_vectors_and_checkpoints(tmp_path):
  table = tf.contrib.lookup.MutableHashTable(tf.int64, tf.float32, [0.0, -1.0], name="t")
  found = table.lookup(tf.constant([[4], [5]], tf.int64))
  assert found.shape.as_list() == [2, 1, 2]
  tf.get_variable("v", initializer=1.0)
  saver = tf.train.Saver()
  with tf.Session() as sess:
    sess.run([tf.global_variables_initializer(), table.insert(tf.constant([4], tf.int64), [[1.0, 2.0]])])
    assert sess.run(found).tolist() == [[[1, 2]], [[0, -1]]]
    path = saver.save(sess, str(tmp_path / "c"))
  with tf.Session() as sess:
    saver.restore(sess, path)
    assert sess.run(found).tolist() == [[[1, 2]], [[0, -1]]]


def test_a_dense_table_has_two_keys_that_are_not_allowed():
  table = tf.contrib.lookup.MutableDenseHashTable(tf.int64, tf.int64, default_value=-1, empty_key=0, deleted_key=-9)
  with tf.Session() as sess:
    sess.run(table.insert(tf.constant([11, 12], tf.int64), tf.constant([0, 1], tf.int64)))
    assert sess.run(table.lookup(tf.constant([12, 15], tf.int64))).tolist() == [1, -1]
    for key, name in ((0, "empty_key"), (-9, "deleted_key")):
      with pytest.raises(tf.errors.InvalidArgumentError, match=name):
        sess.run(table.lookup(tf.constant([key], tf.int64)))


def test_a_vocabulary_table():
  table = tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer(
      ["a", "b"], np.array([0, 1], np.int64)), 3)
  with tf.Session() as sess:
    sess.run(tf.tables_initializer())
    got = sess.run(table.lookup(tf.constant(["b", "q"])))
    assert got[0] == 1 and 2 <= got[1] < 5


def test_types_are_checked():
  table = tf.contrib.lookup.MutableHashTable(tf.string, tf.int64, -1)
  with pytest.raises(TypeError, match="Signature mismatch"):
    table.lookup(tf.constant([1]))
  with pytest.raises(ValueError, match="vocab_size"):
    tf.contrib.lookup.index_table_from_file("x", vocab_size=0)


def test_handles_that_are_references():
  table = tf.raw_ops.HashTable(key_dtype=tf.string, value_dtype=tf.int64)
  fill = tf.raw_ops.InitializeTable(table_handle=table, keys=["a"], values=tf.constant([3], tf.int64))
  found = tf.raw_ops.LookupTableFind(table_handle=table, keys=["a", "b"], default_value=tf.constant(0, tf.int64))
  with tf.Session() as sess:
    sess.run(fill)
    assert sess.run(found).tolist() == [3, 0]
