"""tf.strings."""

from thalweg.ops.string_ops import as_string, reduce_join  # noqa: F401
from thalweg.ops.string_ops import string_join as join  # noqa: F401
from thalweg.ops.string_ops import string_length as length  # noqa: F401
from thalweg.ops.string_ops import string_to_number as to_number  # noqa: F401
from thalweg.ops.unicode_ops import unicode_encode, unicode_transcode  # noqa: F401
