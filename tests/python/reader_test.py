"""Readers of files, in queues and by themselves."""

import gzip
import struct

import numpy as np
import pytest
import thalweg as tf


@pytest.fixture(autouse=True)
def graph():
  with tf.Graph().as_default():
    yield


def write(path, data):
  path.write_bytes(data)
  return str(path)


def queue_of(names):
  queue = tf.FIFOQueue(10, tf.string, shapes=[()])
  return queue, [queue.enqueue_many([names]), queue.close()]


def read_all(reader, names):
  queue, fill = queue_of(names)
  key, value = reader.read(queue)
  found = []
  with tf.Session() as sess:
    for op in fill:
      sess.run(op)
    while True:
      try:
        found.append(tuple(v.decode() for v in sess.run([key, value])))
      except tf.errors.OutOfRangeError:
        counts = sess.run([reader.num_records_produced(), reader.num_work_units_completed()])
        assert counts == [len(found), len(names)]
        return found


def test_lines(tmp_path):
  a, b = write(tmp_path / "a", b"head\none\r\ntwo\n\nend"), write(tmp_path / "b", b"head\n")
  assert read_all(tf.TextLineReader(skip_header_lines=1), [a, b]) == [
      (a + ":2", "one"), (a + ":3", "two"), (a + ":4", ""), (a + ":5", "end")]


def test_long_lines_cross_the_buffer(tmp_path):
  line = "x" * 700000
  a = write(tmp_path / "a", (line + "\nshort\n").encode())
  assert [v for _, v in read_all(tf.TextLineReader(), [a])] == [line, "short"]


def test_whole_files_and_names(tmp_path):
  a, b = write(tmp_path / "a", b"A"), write(tmp_path / "b", b"")
  assert read_all(tf.WholeFileReader(), [a, b]) == [(a, "A"), (b, "")]
  assert read_all(tf.IdentityReader(), ["x", "y"]) == [("x", "x"), ("y", "y")]


def test_records_plain_and_compressed(tmp_path):
  kinds = tf.python_io.TFRecordCompressionType
  for kind in (kinds.NONE, kinds.GZIP, kinds.ZLIB):
    options = tf.python_io.TFRecordOptions(kind)
    path = str(tmp_path / ("r%d" % kind))
    with tf.python_io.TFRecordWriter(path, options=options) as w:
      w.write(b"first")
      w.write(b"second")
    assert read_all(tf.TFRecordReader(options=options), [path]) == [(path + ":0", "first"), (path + ":21", "second")]


def test_a_broken_record_is_reported_and_left_behind(tmp_path):
  path = str(tmp_path / "r")
  with tf.python_io.TFRecordWriter(path) as w:
    w.write(b"first")
  data = bytearray((tmp_path / "r").read_bytes())
  data[14] ^= 1
  (tmp_path / "r").write_bytes(bytes(data))
  good = write(tmp_path / "g", b"")
  queue, fill = queue_of([path, good])
  read = tf.TFRecordReader().read(queue)
  with tf.Session() as sess:
    for op in fill:
      sess.run(op)
    with pytest.raises(tf.errors.DataLossError, match="corrupted record at 0"):
      sess.run(read)
    with pytest.raises(tf.errors.OutOfRangeError):
      sess.run(read)


def test_fixed_length_records(tmp_path):
  a = write(tmp_path / "a", b"HH" + b"aabbccd" + b"F")
  assert read_all(tf.FixedLengthRecordReader(2, header_bytes=2, footer_bytes=1), [a]) == [
      (a + ":0", "aa"), (a + ":1", "bb"), (a + ":2", "cc")]
  assert [v for _, v in read_all(tf.FixedLengthRecordReader(3, hop_bytes=2, header_bytes=2), [a])] == [
      "aab", "bbc", "ccd"]
  z = write(tmp_path / "z", gzip.compress(b"aabb"))
  assert [v for _, v in read_all(tf.FixedLengthRecordReader(2, encoding="GZIP"), [z])] == ["aa", "bb"]


def test_read_up_to_stays_within_a_file(tmp_path):
  a, b = write(tmp_path / "a", b"1\n2\n3\n"), write(tmp_path / "b", b"4\n")
  queue, fill = queue_of([a, b])
  _, values = tf.TextLineReader().read_up_to(queue, 2)
  with tf.Session() as sess:
    for op in fill:
      sess.run(op)
    assert [sess.run(values).tolist() for _ in range(3)] == [[b"1", b"2"], [b"3"], [b"4"]]


def test_states_and_reset():
  queue, fill = queue_of(["x", "y"])
  reader = tf.IdentityReader()
  key, _ = reader.read(queue)
  state = tf.placeholder(tf.string, [])
  save, restore, reset = reader.serialize_state(), reader.restore_state(state), reader.reset()
  with tf.Session() as sess:
    for op in fill:
      sess.run(op)
    assert sess.run(key) == b"x"
    saved = sess.run(save)
    assert sess.run(key) == b"y"
    sess.run(restore, {state: saved})
    assert sess.run(reader.num_records_produced()) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="state"):
      sess.run(restore, {state: b"\xff\xff"})
    sess.run(reset)
    assert sess.run(reader.num_records_produced()) == 0
  with tf.Session() as sess, pytest.raises(tf.errors.UnimplementedError):
    sess.run(tf.TextLineReader().serialize_state())


def test_a_missing_file_and_a_wrong_queue(tmp_path):
  queue, fill = queue_of([str(tmp_path / "none")])
  read = tf.WholeFileReader().read(queue)
  with tf.Session() as sess:
    for op in fill:
      sess.run(op)
    with pytest.raises(tf.errors.NotFoundError):
      sess.run(read)
  numbers = tf.FIFOQueue(10, tf.int32)
  with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match="string"):
    sess.run(tf.TextLineReader().read(numbers))


def test_a_pipeline_of_2016(tmp_path):
  path = str(tmp_path / "data")
  with tf.python_io.TFRecordWriter(path) as w:
    for i in range(6):
      w.write(tf.train.Example(features=tf.train.Features(feature={
          "x": tf.train.Feature(bytes_list=tf.train.BytesList(value=[struct.pack("<2f", i, -i)])),
          "y": tf.train.Feature(int64_list=tf.train.Int64List(value=[i]))})).SerializeToString())
  names = tf.train.string_input_producer([path], num_epochs=1, shuffle=False)
  _, record = tf.TFRecordReader().read(names)
  features = tf.parse_single_example(record, {"x": tf.FixedLenFeature([], tf.string), "y": tf.FixedLenFeature([], tf.int64)})
  x = tf.decode_raw(features["x"], tf.float32)
  x.set_shape([2])
  xs, ys = tf.train.batch([x, features["y"]], batch_size=3)
  with tf.Session() as sess:
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess, coord)
    batches = [sess.run([xs, ys]) for _ in range(2)]
    with pytest.raises(tf.errors.OutOfRangeError):
      sess.run(ys)
    coord.request_stop()
    coord.join(threads)
  assert [b[1].tolist() for b in batches] == [[0, 1, 2], [3, 4, 5]]
  np.testing.assert_array_equal(batches[1][0], [[3, -3], [4, -4], [5, -5]])


def test_handles_that_are_references(tmp_path):
  a = write(tmp_path / "a", b"1\n2\n")
  queue = tf.raw_ops.FIFOQueue(component_types=[tf.string])
  reader = tf.raw_ops.TextLineReader(skip_header_lines=1)
  put = tf.raw_ops.QueueEnqueue(handle=queue, components=[a])
  read = tf.raw_ops.ReaderRead(reader_handle=reader, queue_handle=queue)
  with tf.Session() as sess:
    sess.run(put)
    assert list(sess.run(read)) == [a.encode() + b":2", b"2"]
