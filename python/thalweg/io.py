"""tf.io."""

from thalweg.framework.graph_io import write_graph  # noqa: F401
from thalweg.lib.io.tf_record import (  # noqa: F401
                                      TFRecordCompressionType,
                                      TFRecordOptions,
                                      TFRecordWriter,
                                      tf_record_iterator,
)
from thalweg.ops.string_ops import matching_files, read_file, write_file  # noqa: F401
from thalweg.platform import gfile  # noqa: F401
