"""tf.io."""

from thalweg.framework.graph_io import write_graph  # noqa: F401
from thalweg.lib.io.tf_record import (TFRecordCompressionType, TFRecordOptions, TFRecordWriter,  # noqa: F401
                                      tf_record_iterator)
from thalweg.ops.queue_ops import PaddingFIFOQueue, PriorityQueue, QueueBase, RandomShuffleQueue  # noqa: F401
from thalweg.ops.string_ops import (  # noqa: F401
    decode_base64, decode_raw, encode_base64, matching_files, read_file, write_file)
from thalweg.platform import gfile_v2 as gfile  # noqa: F401
from thalweg.train.input import match_filenames_once  # noqa: F401
