"""tf.python_io: record files."""

from thalweg.lib.io.tf_record import (  # noqa: F401
                                      TFRecordCompressionType,
                                      TFRecordOptions,
                                      TFRecordWriter,
                                      tf_record_iterator,
)
