"""The training graph of a ResNet-50 as programs of the time wrote it, for the module named on the command line."""
import importlib
import sys

module = importlib.import_module(sys.argv[1])
tf = module if sys.argv[1] == "thalweg" else module.compat.v1
BLOCKS = (3, 4, 6, 3)  # of the residual network with 50 layers (He et al. 2015)


def normalised(x, training_ops):
    """Batch normalisation by hand, as programs of the time wrote it."""
    channels = x.shape.as_list()[-1]
    scale = tf.get_variable("scale", [channels], initializer=tf.ones_initializer())
    offset = tf.get_variable("offset", [channels], initializer=tf.zeros_initializer())
    mean = tf.get_variable("mean", [channels], initializer=tf.zeros_initializer(), trainable=False)
    variance = tf.get_variable("variance", [channels], initializer=tf.ones_initializer(), trainable=False)
    y, batch_mean, batch_variance = tf.nn.fused_batch_norm(x, scale, offset)
    training_ops.append(tf.assign_sub(mean, (mean - batch_mean) * 0.01))
    training_ops.append(tf.assign_sub(variance, (variance - batch_variance) * 0.01))
    return y


def convolution(x, channels, size, stride, training_ops, name):
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", [size, size, x.shape.as_list()[-1], channels],
                                 initializer=tf.truncated_normal_initializer(stddev=0.05))
        return normalised(tf.nn.conv2d(x, kernel, strides=[1, stride, stride, 1], padding="SAME"), training_ops)


def residual_network(size):
    """A ResNet-50 with weight decay and Momentum, for images of that height and width and any batch: placeholders of the
    images and labels, the training step, the initializer."""
    images, labels = tf.placeholder(tf.float32, [None, size, size, 3]), tf.placeholder(tf.int32, [None])
    updates = []
    x = tf.nn.relu(convolution(images, 64, 7, 2, updates, "stem"))
    x = tf.nn.max_pool(x, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME")
    for group, blocks in enumerate(BLOCKS):
        width = 64 << group
        for block in range(blocks):
            stride = 2 if group > 0 and block == 0 else 1
            with tf.variable_scope("block_%d_%d" % (group, block)):
                shortcut = convolution(x, 4 * width, 1, stride, updates, "shortcut") if block == 0 else x
                y = tf.nn.relu(convolution(x, width, 1, stride, updates, "reduce"))
                y = tf.nn.relu(convolution(y, width, 3, 1, updates, "middle"))
                x = tf.nn.relu(convolution(y, 4 * width, 1, 1, updates, "expand") + shortcut)
    x = tf.reduce_mean(x, [1, 2])
    weights = tf.get_variable("weights", [2048, 1000], initializer=tf.truncated_normal_initializer(stddev=0.01))
    bias = tf.get_variable("bias", [1000], initializer=tf.zeros_initializer())
    logits = tf.nn.bias_add(tf.matmul(x, weights), bias)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    loss += 1e-4 * tf.add_n([tf.nn.l2_loss(v) for v in tf.trainable_variables()])
    with tf.control_dependencies(updates):
        step = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, tf.train.get_or_create_global_step())
    return images, labels, step, tf.global_variables_initializer()
