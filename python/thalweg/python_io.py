"""tf.python_io: record files."""

from thalweg.lib.io.tf_record import (TFRecordCompressionType, TFRecordOptions, TFRecordWriter,  # noqa: F401
                                      tf_record_iterator)
