"""Writes tests/kernels/training_goldens.inc with TensorFlow 1.15: python make_training.py > training_goldens.inc.

Each row: op, scalars in the op's order, use_nesterov, update_slots, and variable and slots after three steps in double.
The test makes the same inputs by the formulas of value().
"""
import numpy as np
import tensorflow as tf

STEPS = 3
CASES = {
    "GradientDescent": [dict(alpha=0.3)],
    "Momentum": [dict(lr=0.3, momentum=0.9), dict(lr=0.3, momentum=0.9, use_nesterov=True)],
    "KerasMomentum": [dict(lr=0.3, momentum=0.9), dict(lr=0.3, momentum=0.9, use_nesterov=True)],
    "Adagrad": [dict(lr=0.3), dict(lr=0.3, update_slots=False)],
    "AdagradV2": [dict(lr=0.3, epsilon=0.05), dict(lr=0.3, epsilon=0.05, update_slots=False)],
    "AdagradDA": [dict(lr=0.3, l1=0.2, l2=0.1), dict(lr=0.3, l1=0.0, l2=0.1)],
    "Adadelta": [dict(lr=0.3, rho=0.9, epsilon=0.01)],
    "RMSProp": [dict(lr=0.3, rho=0.9, momentum=0.8, epsilon=0.01)],
    "CenteredRMSProp": [dict(lr=0.3, rho=0.9, momentum=0.8, epsilon=3.0)],
    "Adam": [dict(beta1_power=0.81, beta2_power=0.998, lr=0.3, beta1=0.9, beta2=0.99, epsilon=0.01),
             dict(beta1_power=0.81, beta2_power=0.998, lr=0.3, beta1=0.9, beta2=0.99, epsilon=0.01, use_nesterov=True)],
    "AdamWithAmsgrad": [dict(beta1_power=0.81, beta2_power=0.998, lr=0.3, beta1=0.9, beta2=0.99, epsilon=0.01)],
    "AdaMax": [dict(beta1_power=0.81, lr=0.3, beta1=0.9, beta2=0.99, epsilon=0.01)],
    "Ftrl": [dict(lr=0.3, l1=0.2, l2=0.1, lr_power=-0.5), dict(lr=0.3, l1=0.2, l2=0.1, lr_power=-0.7)],
    "FtrlV2": [dict(lr=0.3, l1=0.2, l2=0.1, l2_shrinkage=0.05, lr_power=-0.5),
               dict(lr=0.3, l1=0.2, l2=0.1, l2_shrinkage=0.05, lr_power=-0.7)],
    "ProximalGradientDescent": [dict(alpha=0.3, l1=0.2, l2=0.1), dict(alpha=0.3, l1=0.0, l2=0.1)],
    "ProximalAdagrad": [dict(lr=0.3, l1=0.2, l2=0.1), dict(lr=0.3, l1=0.0, l2=0.1)],
    "AddSign": [dict(lr=0.3, alpha=1.0, sign_decay=0.9, beta=0.8)],
    "PowerSign": [dict(lr=0.3, logbase=1.0, sign_decay=0.9, beta=0.8)],
}
SLOTS = ("var", "accum", "m", "v", "vhat", "mg", "ms", "mom", "linear", "accum_update", "gradient_accumulator",
         "gradient_squared_accumulator")
INDICES = [1, 4, 1]


def value(slot, step, n):
    """Slot 0 is the variable, 1.. its accumulators, -1 the gradient of a step."""
    i = np.arange(n)
    if slot < 0:
        return ((i * 29 + step * 5) % 13 - 6) / 5.0
    if slot == 0:
        return ((i * 37) % 11 - 5) / 4.0
    return ((i * 13 + slot) % 7 + 1) / 8.0


def run(op, case, sparse):
    from tensorflow.python.framework import op_def_registry
    op_def = op_def_registry.get_registered_ops()[op]
    shape, count = ([5, 3], 15) if sparse else ([13], 13)
    kwargs, slots = dict(case), []
    for i, arg in enumerate(a for a in op_def.input_arg if a.type == tf.resource.as_datatype_enum):
        slots.append(tf.Variable(value(i, 0, count).reshape(shape), use_resource=True, dtype=tf.float64))
        kwargs[arg.name] = slots[-1].handle
    grad = tf.placeholder(tf.float64)
    scalars = [case[a.name] for a in op_def.input_arg if a.name in case]
    for arg in op_def.input_arg:
        if arg.name in case:
            kwargs[arg.name] = tf.constant(case[arg.name], tf.float64)
        elif arg.name in ("grad", "delta"):
            kwargs[arg.name] = grad
        elif arg.name == "indices":
            kwargs[arg.name] = tf.constant(INDICES, tf.int32)
        elif arg.name == "global_step":
            step = tf.placeholder(tf.int64, [])
            kwargs[arg.name] = step
    update = getattr(tf.raw_ops, op)(**kwargs)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for s in range(STEPS):
            feed = {grad: value(-1, s, 9).reshape([3, 3]) if sparse else value(-1, s, 13)}
            if "global_step" in kwargs:
                feed[kwargs["global_step"]] = s + 1
            session.run(update, feed)
        values = np.concatenate([v.ravel() for v in session.run(slots)])
    print('{"%s", {%s}, %s, %s,\n {%s}},' % (
        op, ", ".join(repr(float(s)) for s in scalars), str(case.get("use_nesterov", False)).lower(),
        str(case.get("update_slots", True)).lower(), ",\n  ".join(
            ", ".join("%.17g" % v for v in values[i:i + 6]) for i in range(0, len(values), 6))))


print("// Made by tests/conformance/make_training.py with TensorFlow %s." % tf.__version__)
for name, cases in CASES.items():
    for case in cases:
        for sparse in (False, True):
            op = ("ResourceSparseApply" if sparse else "ResourceApply") + name
            if hasattr(tf.raw_ops, op):
                with tf.Graph().as_default():
                    run(op, case, sparse)
