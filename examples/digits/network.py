"""The network of the demo: two convolutions, a hidden layer, ten classes. Plain TensorFlow 1 style."""
import thalweg as tf

IMAGE_SIZE = 8
CLASSES = 10
WEIGHT_DECAY = 1e-4


def weights(shape, stddev):
    value = tf.get_variable("weights", shape, initializer=tf.truncated_normal_initializer(stddev=stddev))
    tf.add_to_collection("decayed_weights", tf.nn.l2_loss(value, name="l2"))
    return value


def convolution(x, channels, training, name):
    """3x3 convolution, batch normalisation, relu."""
    with tf.variable_scope(name):
        fan_in = 9 * x.get_shape()[-1].value
        kernel = weights([3, 3, x.get_shape()[-1].value, channels], (2.0 / fan_in) ** 0.5)
        x = tf.nn.conv2d(x, kernel, strides=[1, 1, 1, 1], padding="SAME")
        x = tf.layers.batch_normalization(x, momentum=0.95, training=training, name="norm")
        return tf.nn.relu(x)


def dense(x, units, name):
    with tf.variable_scope(name):
        fan_in = x.get_shape()[-1].value
        bias = tf.get_variable("bias", [units], initializer=tf.zeros_initializer())
        return tf.matmul(x, weights([fan_in, units], (2.0 / fan_in) ** 0.5)) + bias


def logits(images, training):
    """images: float [batch, 8, 8, 1] in 0..1; gives float [batch, 10]. Dropout and batch statistics only in training."""
    x = convolution(images, 32, training, "conv1")
    x = convolution(x, 64, training, "conv2")
    x = tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    x = tf.reshape(x, [-1, 4 * 4 * 64])
    x = tf.nn.relu(dense(x, 128, "hidden"))
    if training:
        x = tf.nn.dropout(x, keep_prob=0.6)
    return dense(x, CLASSES, "classes")
