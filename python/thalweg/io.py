"""tf.io."""

from thalweg.lib.io.tf_record import (TFRecordCompressionType, TFRecordOptions, TFRecordWriter,  # noqa: F401
                                      tf_record_iterator)
from thalweg.ops.string_ops import matching_files, read_file, write_file  # noqa: F401
from thalweg.framework.graph_io import write_graph  # noqa: F401
from thalweg.platform import gfile_v2 as gfile  # noqa: F401
