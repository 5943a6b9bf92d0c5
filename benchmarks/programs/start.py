"""Import and first run: seconds, and megabytes beyond what numpy takes."""
import importlib
import json
import resource
import sys
import time

import numpy as np


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


np.zeros(1)
before_memory, began = megabytes(), time.perf_counter()
module = importlib.import_module(sys.argv[1])
imported = time.perf_counter()
tf = module if sys.argv[1] == "thalweg" else module.compat.v1
with tf.Graph().as_default(), tf.Session() as session:
    session.run(tf.constant(1.0))
print(json.dumps({"import_ms": (imported - began) * 1e3, "import_and_first_run_mb": megabytes() - before_memory,
                  "first_run_ms": (time.perf_counter() - imported) * 1e3}))
