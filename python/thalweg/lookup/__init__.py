"""tf.lookup."""

from thalweg.lookup import experimental  # noqa: F401
from thalweg.ops.lookup_ops import (KeyValueTensorInitializer, StaticHashTable, StaticVocabularyTable,  # noqa: F401
                                    TextFileIndex, TextFileInitializer)
