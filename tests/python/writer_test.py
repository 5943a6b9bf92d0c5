"""Event files written from within a session."""

import gc
import glob

import pytest
import thalweg as tf
from thalweg.summary.writer import summary_iterator


def events(folder):
  return [e for path in sorted(glob.glob(str(folder) + "/events.*")) for e in summary_iterator(path)]


def steps(folder):
  return [e.step for e in events(folder) if e.HasField("summary")]


def summary(value):
  return tf.Summary(value=[tf.Summary.Value(tag="loss", simple_value=value)])


def test_writers_of_a_session_share_a_file(tmp_path):
  session, other = tf.Session(), tf.Session()
  first = tf.summary.FileWriter(str(tmp_path), session=session, filename_suffix=".shared")
  second = tf.summary.FileWriter(str(tmp_path), session=session)
  first.add_summary(summary(1.0), 1)
  second.add_summary(summary(2.0), 2)
  first.flush()
  assert len(glob.glob(str(tmp_path / "events.*.shared"))) == len(list(tmp_path.iterdir())) == 1
  assert steps(tmp_path) == [1, 2] and first.get_logdir() == str(tmp_path)
  apart = tf.summary.FileWriter(str(tmp_path / "apart"), session=other)
  apart.add_summary(summary(3.0), 3)
  apart.close()
  assert steps(tmp_path / "apart") == [3]
  first.close()
  first.reopen()
  first.add_summary(summary(4.0), 4)
  first.close()
  assert sorted(steps(tmp_path)) == [1, 2, 4]


def test_events_outlive_their_session(tmp_path):
  session = tf.Session()
  writer = tf.summary.FileWriter(str(tmp_path), session=session)
  writer.add_summary(summary(1.0), 1)
  del writer, session
  gc.collect()
  assert steps(tmp_path) == [1]


def test_closed_session(tmp_path):
  session = tf.Session()
  writer = tf.summary.FileWriter(str(tmp_path), session=session)
  session.close()
  with pytest.raises(RuntimeError, match="Attempted to use a closed Session."):
    writer.add_summary(summary(1.0), 1)
  with pytest.raises(RuntimeError, match="Attempted to use a closed Session."):
    tf.summary.FileWriter(str(tmp_path), session=session)
