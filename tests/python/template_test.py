"""make_template: names and sharing as TensorFlow 1.15 has them."""

import pytest
import thalweg as tf


def scaled(x, by=1.0):
  w = tf.get_variable("w", [], initializer=tf.ones_initializer())
  return tf.multiply(x, w * by, name="scaled")


def test_variables_are_shared():
  template = tf.make_template("scale", scaled, by=3.0)
  assert template.variable_scope is None and template.variable_scope_name is None and template.variables == []
  first, second = template(tf.constant(1.0)), template(tf.constant(2.0))
  assert first.name == "scale/scaled:0" and second.name == "scale_1/scaled:0"
  assert [v.name for v in tf.global_variables()] == ["scale/w:0"] == [v.name for v in template.variables]
  assert template.trainable_variables == template.variables and template.non_trainable_variables == []
  assert template.name == "scale" and template.variable_scope_name == "scale/"
  with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    assert s.run([first, second]) == [3.0, 6.0]


def test_two_templates_have_their_own():
  a, b = tf.make_template("scale", scaled), tf.make_template("scale", scaled)
  a(1.0)
  b(1.0)
  assert [v.name for v in tf.global_variables()] == ["scale/w:0", "scale_1/w:0"]
  now = tf.make_template("now", scaled, create_scope_now_=True)
  assert now.variable_scope_name == "now/"
  assert now(1.0).name == "now/scaled:0"
  named = tf.make_template("scale", scaled, unique_name_="mine")
  named(1.0)
  assert named.variable_scope_name == "mine/"
  with pytest.raises(ValueError, match="already exists"):
    tf.make_template("scale", scaled, unique_name_="mine")(1.0)


def test_mistakes():
  template = tf.make_template("bad", lambda: tf.Variable(1.0))
  template()
  with pytest.raises(ValueError, match="(?s)Trainable variable created when calling a template after the first time.*"
                                       "originally defined at:.*template_test.py"):
    template()
  with pytest.raises(ValueError, match="name cannot be None"):
    tf.make_template(None, scaled)
