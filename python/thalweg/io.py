"""tf.io."""

from thalweg.framework.graph_io import write_graph  # noqa: F401
from thalweg.lib.io.tf_record import (TFRecordCompressionType, TFRecordOptions, TFRecordWriter,  # noqa: F401
                                      tf_record_iterator)
from thalweg.ops.queue_ops import PaddingFIFOQueue, PriorityQueue, QueueBase, RandomShuffleQueue  # noqa: F401
from thalweg.ops.string_ops import (  # noqa: F401
    decode_base64, decode_raw, encode_base64, matching_files, read_file, write_file)
from thalweg.platform import gfile_v2 as gfile  # noqa: F401
from thalweg.ops.parsing_ops import (FixedLenFeature, FixedLenSequenceFeature, SparseFeature, VarLenFeature,  # noqa: F401
                                     decode_compressed, decode_csv, parse_example, parse_single_example,
                                     parse_single_sequence_example, parse_tensor, serialize_tensor)
from thalweg.ops.sparse_serialize_ops import (deserialize_many_sparse, serialize_many_sparse,  # noqa: F401
                                              serialize_sparse)
from thalweg.train.input import match_filenames_once  # noqa: F401
