"""Checkpoints, meta graphs, summaries and record files."""

import os
import threading
import time

import numpy as np
import pytest
import thalweg as tf


def two_variables():
  ref = tf.get_variable("ref", initializer=tf.constant([1.0, 2.0]), use_resource=False)
  res = tf.get_variable("scope/res", initializer=tf.constant([[3, 4]]), use_resource=True)
  return ref, res


def test_save_and_restore(tmp_path):
  ref, res = two_variables()
  saver = tf.train.Saver()
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    path = saver.save(s, str(tmp_path / "model.ckpt"), global_step=7)
    assert path == str(tmp_path / "model.ckpt-7")
    s.run([ref.assign([8.0, 9.0]), res.assign([[0, 0]])])
    saver.restore(s, path)
    assert s.run(ref).tolist() == [1.0, 2.0] and s.run(res).tolist() == [[3, 4]]
  assert tf.train.latest_checkpoint(str(tmp_path)) == path
  assert sorted(os.listdir(tmp_path)) == ["checkpoint", "model.ckpt-7.data-00000-of-00001", "model.ckpt-7.index",
                                          "model.ckpt-7.meta"]
  assert tf.train.list_variables(path) == [("ref", [2]), ("scope/res", [1, 2])]
  assert tf.train.load_variable(str(tmp_path), "scope/res").tolist() == [[3, 4]]
  reader = tf.train.NewCheckpointReader(path)
  assert reader.has_tensor("ref") and not reader.has_tensor("other")
  assert reader.get_variable_to_dtype_map()["scope/res"] == tf.int32
  with pytest.raises(tf.errors.NotFoundError, match="Key other not found in checkpoint"):
    reader.get_tensor("other")


def test_node_names():
  two_variables()
  saver = tf.train.Saver()
  names = {n.name for n in tf.get_default_graph().as_graph_def().node if n.name.startswith("save/")}
  assert names == {"save/filename/input", "save/filename", "save/Const", "save/Read/ReadVariableOp", "save/Identity",
                   "save/SaveV2/tensor_names", "save/SaveV2/shape_and_slices", "save/SaveV2", "save/control_dependency",
                   "save/RestoreV2/tensor_names", "save/RestoreV2/shape_and_slices", "save/RestoreV2", "save/Assign",
                   "save/Identity_1", "save/AssignVariableOp", "save/restore_all"}
  assert saver.saver_def.filename_tensor_name == "save/Const:0"


def test_max_to_keep(tmp_path):
  two_variables()
  saver = tf.train.Saver(max_to_keep=2)
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    for step in range(4):
      saver.save(s, str(tmp_path / "m"), global_step=step, write_meta_graph=False)
  assert [os.path.basename(p) for p in saver.last_checkpoints] == ["m-2", "m-3"]
  assert sorted(p.name for p in tmp_path.glob("*.index")) == ["m-2.index", "m-3.index"]
  state = tf.train.get_checkpoint_state(str(tmp_path))
  assert [os.path.basename(p) for p in state.all_model_checkpoint_paths] == ["m-2", "m-3"]
  again = tf.train.Saver(max_to_keep=2)
  again.recover_last_checkpoints(list(state.all_model_checkpoint_paths) + [str(tmp_path / "gone")])
  assert again.last_checkpoints == saver.last_checkpoints


def test_keep_every_n_hours(tmp_path):
  two_variables()
  saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=0)
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    for step in range(3):
      saver.save(s, str(tmp_path / "m"), global_step=step, write_meta_graph=False)
  assert len(list(tmp_path.glob("*.index"))) == 3


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("sharded", [False, True])
def test_versions_and_shards(tmp_path, version, sharded):
  with tf.device("/cpu:0"):
    a = tf.get_variable("a", initializer=tf.constant([1.0, 2.0]))
  b = tf.get_variable("b", initializer=tf.constant([3, 4]))
  saver = tf.train.Saver(sharded=sharded, write_version=version)
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    path = saver.save(s, str(tmp_path / "m"))
    s.run([a.assign([0.0, 0.0]), b.assign([0, 0])])
    saver.restore(s, path)
    assert s.run(a).tolist() == [1.0, 2.0] and s.run(b).tolist() == [3, 4]
  assert not [p for p in tmp_path.iterdir() if "temp" in p.name]


def test_partitioned(tmp_path):
  values = tf.constant(np.arange(10, dtype=np.float32).reshape(5, 2))
  part = tf.get_variable("p", initializer=values, partitioner=tf.fixed_size_partitioner(2))
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    path = tf.train.Saver().save(s, str(tmp_path / "m"))
    assert s.run(tf.convert_to_tensor(part)).tolist() == np.arange(10).reshape(5, 2).tolist()
  assert tf.train.load_variable(path, "p").tolist() == np.arange(10).reshape(5, 2).tolist()
  tf.reset_default_graph()
  whole = tf.get_variable("p", [5, 2])
  with tf.Session() as s:
    tf.train.Saver().restore(s, path)
    assert s.run(whole)[3].tolist() == [6.0, 7.0]


def test_errors(tmp_path):
  ref, _ = two_variables()
  saver = tf.train.Saver()
  with tf.Session() as s:
    with pytest.raises(tf.errors.FailedPreconditionError):
      saver.save(s, str(tmp_path / "m"))
    assert not tf.train.latest_checkpoint(str(tmp_path))
    s.run(tf.global_variables_initializer())
    path = saver.save(s, str(tmp_path / "m"))
    with pytest.raises(ValueError, match="The passed save_path is not a valid checkpoint"):
      saver.restore(s, str(tmp_path / "none"))
    with pytest.raises(ValueError, match="Can't load save_path when it is None."):
      saver.restore(s, None)
  tf.reset_default_graph()
  tf.get_variable("other", [2])
  with tf.Session() as s, pytest.raises(tf.errors.NotFoundError, match="Key other not found in checkpoint"):
    tf.train.Saver().restore(s, path)
  tf.reset_default_graph()
  tf.get_variable("ref", [3])
  with tf.Session() as s, pytest.raises(tf.errors.InvalidArgumentError):
    tf.train.Saver().restore(s, path)
  data = path + ".data-00000-of-00001"
  with open(data, "r+b") as f:
    f.write(b"\x55")
  with pytest.raises(tf.errors.DataLossError, match="tensor ref"):
    tf.train.load_variable(path, "ref")
  tf.reset_default_graph()
  with pytest.raises(ValueError, match="No variables to save"):
    tf.train.Saver()


def test_meta_graph(tmp_path):
  x = tf.placeholder(tf.float32, [2], name="x")
  ref, _ = two_variables()
  tf.multiply(x, ref, name="y")
  tf.add_to_collection("things", x)
  tf.add_to_collection("numbers", 3)
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    s.run(ref.assign([10.0, 20.0]))
    path = tf.train.Saver().save(s, str(tmp_path / "m"))
  tf.reset_default_graph()
  saver = tf.train.import_meta_graph(path + ".meta")
  assert tf.get_collection("things")[0].name == "x:0" and tf.get_collection("numbers") == [3]
  assert sorted(v.name for v in tf.global_variables()) == ["ref:0", "scope/res:0"]
  assert tf.trainable_variables()[0] is tf.global_variables()[0]
  with tf.Session() as s:
    saver.restore(s, path)
    assert s.run("y:0", {"x:0": [1.0, 2.0]}).tolist() == [10.0, 40.0]


def test_init_from_checkpoint(tmp_path):
  two_variables()
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    path = tf.train.Saver().save(s, str(tmp_path / "m"))
  tf.reset_default_graph()
  new = tf.get_variable("new", [2], initializer=tf.zeros_initializer())
  tf.train.init_from_checkpoint(path, {"ref": new})
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    assert s.run(new).tolist() == [1.0, 2.0]


def test_summaries(tmp_path):
  x = tf.placeholder(tf.float32, [None, 4, 4, 1])
  with tf.name_scope("scope"):
    tf.summary.scalar("loss", tf.reduce_mean(x))
  tf.summary.histogram("h", x, family="family")
  tf.summary.image("pictures", x, max_outputs=2)
  tf.summary.text("words", tf.constant(["a", "b"]))
  merged = tf.summary.merge_all()
  with tf.Session() as s, tf.summary.FileWriter(str(tmp_path), s.graph) as writer:
    for step in range(2):
      writer.add_summary(s.run(merged, {x: np.ones([3, 4, 4, 1])}), step)
  files = os.listdir(tmp_path)
  assert len(files) == 1 and files[0].startswith("events.out.tfevents.")
  events = list(tf.train.summary_iterator(str(tmp_path / files[0])))
  assert [e.WhichOneof("what") for e in events] == ["file_version", "graph_def", "meta_graph_def", "summary", "summary"]
  values = {v.tag: v for v in events[3].summary.value}
  assert sorted(values) == ["family/family/h", "pictures/image/0", "pictures/image/1", "scope/loss", "words"]
  assert values["scope/loss"].simple_value == 1.0 and values["family/family/h"].histo.num == 48
  assert values["pictures/image/0"].image.encoded_image_string[:4] == b"\x89PNG"
  assert values["words"].metadata.plugin_data.plugin_name == "text"
  # Metadata is written once.
  assert not [v for v in events[4].summary.value if v.HasField("metadata")]
  assert events[4].step == 1
  with pytest.raises(tf.errors.InvalidArgumentError, match="Nan in summary histogram for: bad"), tf.Session() as s:
    s.run(tf.summary.histogram("bad", tf.constant([float("nan")])))


@pytest.mark.parametrize("compression", ["", "GZIP", "ZLIB"])
def test_records(tmp_path, compression):
  path = str(tmp_path / "r")
  records = [b"", b"one", os.urandom(100000)]
  with tf.python_io.TFRecordWriter(path, compression) as writer:
    for r in records:
      writer.write(r)
  assert list(tf.python_io.tf_record_iterator(path, compression)) == records
  with open(path, "rb") as f:
    data = f.read()
  with open(path, "wb") as f:
    f.write(data[:-50])
  with pytest.raises(tf.errors.DataLossError, match="truncated record"):
    list(tf.python_io.tf_record_iterator(path, compression))


def test_saves_of_several_threads_do_not_interleave(tmp_path, monkeypatch):
  from thalweg.train import checkpoint_management
  step = tf.train.create_global_step()
  saver, prefix = tf.train.Saver(max_to_keep=100), str(tmp_path / "model")
  advance = tf.assign_add(step, 1)
  update = checkpoint_management.update_checkpoint_state_internal

  def slow(*args, **kwargs):
    # Long enough for another thread to save from beginning to end, were it let.
    time.sleep(0.01)
    return update(*args, **kwargs)

  monkeypatch.setattr(checkpoint_management, "update_checkpoint_state_internal", slow)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())

    def save():
      for _ in range(5):
        session.run(advance)
        saver.save(session, prefix, global_step=step)

    threads = [threading.Thread(target=save) for _ in range(3)]
    for t in threads:
      t.start()
    for t in threads:
      t.join()
  steps = [int(p.rsplit("-", 1)[1]) for p in saver.last_checkpoints]
  assert steps == sorted(steps) and steps[-1] == 15
  assert tf.train.latest_checkpoint(str(tmp_path)) == prefix + "-15"
